//! The extensions of a certificate, decoded (RFC 5280 section 4.2 and those of others that occur).

use serde::Serialize;

use super::general_name::GeneralName;
use super::names::RelativeName;
use super::sct::SctEntry;
use crate::hex_bytes;

/// One extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extension {
    /// Its object identifier, dotted.
    pub oid: String,
    /// What it is called, if it is known: `subjectAltName`, …
    pub name: Option<&'static str>,
    /// Whether whoever does not understand it must reject the certificate.
    pub critical: bool,
    /// The flag is written although it is FALSE, or TRUE is not written as `ff`: DER forbids both.
    pub odd_flag: bool,
    /// The content of its OCTET STRING, undecoded.
    #[serde(serialize_with = "hex_bytes")]
    pub value: Vec<u8>,
    /// What it says.
    pub content: ExtensionContent,
}

/// What an extension says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ExtensionContent {
    /// Subject key identifier.
    SubjectKeyId(#[serde(serialize_with = "hex_bytes")] Vec<u8>),
    /// Authority key identifier.
    AuthorityKeyId(AuthorityKeyId),
    /// Key usage, by the names of RFC 5280.
    KeyUsage(Vec<&'static str>),
    /// Private key usage period: begin and end, unix milliseconds.
    PrivateKeyUsagePeriod(Option<i64>, Option<i64>),
    /// Subject alternative names.
    SubjectAltName(Vec<GeneralName>),
    /// Issuer alternative names.
    IssuerAltName(Vec<GeneralName>),
    /// Basic constraints.
    BasicConstraints {
        /// A certification authority.
        ca: bool,
        /// How many authorities may stand below it.
        path_length: Option<u64>,
    },
    /// Name constraints.
    NameConstraints {
        /// What is permitted.
        permitted: Vec<Subtree>,
        /// What is excluded.
        excluded: Vec<Subtree>,
    },
    /// Certificate policies.
    CertificatePolicies(Vec<Policy>),
    /// Policy mappings: the issuer's policy, the subject's policy.
    PolicyMappings(Vec<(String, String)>),
    /// Policy constraints: certificates until an explicit policy is required, and until mapping is inhibited.
    PolicyConstraints(Option<u64>, Option<u64>),
    /// Inhibit any policy, after so many certificates.
    InhibitAnyPolicy(u64),
    /// Extended key usage.
    ExtendedKeyUsage(Vec<Purpose>),
    /// CRL distribution points.
    CrlDistributionPoints(Vec<DistributionPoint>),
    /// Where the newest delta CRL is.
    FreshestCrl(Vec<DistributionPoint>),
    /// Authority information access.
    AuthorityInfoAccess(Vec<AccessDescription>),
    /// Subject information access.
    SubjectInfoAccess(Vec<AccessDescription>),
    /// Signed certificate timestamps (RFC 6962 section 3.3).
    SignedCertificateTimestamps(Vec<SctEntry>),
    /// This is a precertificate (RFC 6962 section 3.1).
    PrecertificatePoison,
    /// The responder's certificate is not checked for revocation (RFC 6960 section 4.2.2.2.1).
    OcspNoCheck,
    /// TLS features, by number (RFC 7633); 5 is "must staple".
    TlsFeature(Vec<u64>),
    /// Qualified certificate statements, dotted (RFC 3739).
    QualifiedStatements(Vec<String>),
    /// The name of Microsoft's certificate template.
    TemplateName(String),
    /// Microsoft's certificate template: identifier, major and minor version.
    Template(String, Option<u64>, Option<u64>),
    /// Netscape's certificate type: `SSL client`, …
    NetscapeType(Vec<&'static str>),
    /// Netscape's comment.
    NetscapeComment(String),
    /// Not decoded here.
    NotDecoded,
    /// Known, but not encoded as its standard says.
    Malformed,
}

/// Authority key identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuthorityKeyId {
    /// The key identifier.
    #[serde(serialize_with = "crate::hex_option")]
    pub key_id: Option<Vec<u8>>,
    /// Names of the issuer's issuer.
    pub issuer: Vec<GeneralName>,
    /// The issuer's serial number: the content octets of the INTEGER.
    #[serde(serialize_with = "crate::hex_option")]
    pub serial: Option<Vec<u8>>,
}

/// One subtree of name constraints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subtree {
    /// Its base; IP addresses with their mask.
    pub base: GeneralName,
    /// Minimum distance; RFC 5280 wants 0.
    pub minimum: u64,
    /// Maximum distance; RFC 5280 wants none.
    pub maximum: Option<u64>,
}

/// One certificate policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// The policy, dotted.
    pub oid: String,
    /// What the issuer adds.
    pub qualifiers: Vec<Qualifier>,
}

/// What qualifies a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Qualifier {
    /// Where the certification practice statement is.
    CpsUri(String),
    /// A notice to users.
    UserNotice {
        /// Text to show.
        explicit_text: Option<String>,
        /// Whose numbered notices are meant.
        organization: Option<String>,
        /// Their numbers.
        numbers: Vec<u64>,
    },
    /// Another qualifier: its type, dotted, and the encoded value.
    Other(String, #[serde(serialize_with = "hex_bytes")] Vec<u8>),
}

/// One purpose of an extended key usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Purpose {
    /// Dotted.
    pub oid: String,
    /// `serverAuth`, …, if it is known.
    pub name: Option<&'static str>,
}

/// One point where revocation lists are had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DistributionPoint {
    /// Names of the point.
    pub full_name: Vec<GeneralName>,
    /// A name relative to the issuer of the list.
    pub relative_name: Option<RelativeName>,
    /// Reasons that the list covers, by the names of RFC 5280; none when it covers all.
    pub reasons: Vec<&'static str>,
    /// Who issues the list, when it is not the issuer of the certificate.
    pub crl_issuer: Vec<GeneralName>,
}

/// Where something about an authority or a subject is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessDescription {
    /// What is there, dotted.
    pub method: String,
    /// `OCSP`, `caIssuers`, …, if it is known.
    pub name: Option<&'static str>,
    /// Where it is.
    pub location: GeneralName,
}

impl Extension {
    /// Whether this crate knows the extension and it is not encoded as its standard says.
    pub fn is_malformed(&self) -> bool {
        self.content == ExtensionContent::Malformed
    }
}
