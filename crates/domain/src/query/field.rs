//! What a field is.

use super::ast::Op;
use crate::ids::MetadataFieldId;

/// A field of a certificate that queries can ask for. "Set" says when it has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldId {
    /// Number. The certificate's handle. Always set.
    CertId,
    /// Text. The most specific common name of the subject. Set when there is one.
    IssuedCn,
    /// Text. The subject as RFC 4514 text without spaces after commas, most specific name first. Set unless empty. Spaces after
    /// the commas of a query's text are dropped.
    IssuedDn,
    /// Text. The issuer, likewise.
    IssuerDn,
    /// Text. The most specific common name of the issuer.
    IssuerCn,
    /// Digest. SHA-1 of the DER bytes, 40 lower-case hexadecimal digits; always set. Only whole, or its beginning.
    Thumbprint,
    /// Digest. SHA-256 of the DER bytes, 64 digits; always set.
    Fingerprint,
    /// Digest. SHA-256 of the SubjectPublicKeyInfo, 64 digits; always set.
    PublicKey,
    /// Hexadecimal text: the content octets of the serial number. `-eq` and `-in` find it with and without leading zeros: the
    /// test has each form as an alternative.
    SerialNumber,
    /// Hexadecimal text: the subject key identifier. Set when the extension is there.
    SubjectKeyId,
    /// Hexadecimal text: the key identifier in the authority key identifier.
    AuthorityKeyId,
    /// Text. The name of the role that owns the certificate. Not set when nobody does.
    OwnerRoleName,
    /// Number. The handle of that role.
    OwnerRoleId,
    /// Time. Begin of the validity; always set.
    IssuedDate,
    /// Time. End of the validity; always set.
    ExpirationDate,
    /// Time. Since when Certhold holds it; always set.
    ImportDate,
    /// Time. From when on it is revoked, as far as Certhold knows. Not set while it is not.
    RevocationDate,
    /// Texts. Extended key usages: of each its dotted identifier, its name (`serverAuth`) and its description (`Server
    /// Authentication`), as [`super::extended_key_usage_spellings`] gives them.
    Eku,
    /// Number. Key size in bits. Not set where the algorithm has no size.
    KeySize,
    /// Text. `RSA`, `EC`, `Ed25519`, `ML-DSA-65` …, as [`certhold_pki::Facts::key_algorithm`]. Always set.
    KeyAlgorithm,
    /// Text. `P-256` …; set for elliptic curve keys.
    Curve,
    /// Bits. The key usage extension as an integer: digitalSignature 0x80, nonRepudiation 0x40, keyEncipherment 0x20,
    /// dataEncipherment 0x10, keyAgreement 0x08, keyCertSign 0x04, cRLSign 0x02, encipherOnly 0x01, decipherOnly 0x8000. A number
    /// is compared with the whole ([`super::Test::Equals`]), a name with its bit ([`super::Test::Bits`]). Not set without any bit.
    KeyUsage,
    /// Text. `sha256WithRSAEncryption` …, as [`certhold_pki::Facts::signature_algorithm`]. Always set.
    SigningAlgorithm,
    /// Texts. Organizational units of the subject.
    Ou,
    /// Texts. Organizations of the subject.
    Organization,
    /// Texts. Countries of the subject.
    Country,
    /// Texts. Mail addresses: emailAddress in the subject and rfc822Name among the alternative names.
    IssuedEmail,
    /// Texts. The values of all subject alternative names, as [`certhold_pki::AltName::value`].
    San,
    /// Flag. The private key is in custody.
    HasPrivateKey,
    /// Flag. It was removed and excluded from imports, and has come back by another way.
    IsExcluded,
    /// Flag. Subject and issuer are the same.
    SelfSigned,
    /// Flag. Basic constraints say certification authority.
    IsCa,
    /// Flag. It is a version of a managed certificate.
    Managed,
    /// Text. The name of that managed certificate. Not set when it is none.
    ManagedName,
    /// Text. Where it came from: `upload`, `acme`, `chain` … Always set.
    Source,
    /// Texts. The rules it breaks, by their ids.
    Finding,
    /// Ordered choice. The worst severity among its findings: 1 info, 2 notice, 3 warning, 4 error. Not set without findings.
    FindingSeverity,
    /// Texts. The machines of the certificate stores that it is in.
    StoreMachine,
    /// Texts. The paths of these stores.
    StorePath,
    /// Texts. The names of their containers.
    StoreContainer,
    /// Text. The name of the private authority that issued it. Not set when none of them did.
    Authority,
    /// Text. The name of whoever recorded that it is revoked, as it was then. Not set while it is not, and where the log
    /// does not tell any more who it was.
    Revoker,
    /// Text. The name of whoever enrolled for it at a private authority, as it was then. Not set of others, and where the log does not
    /// tell any more who it was.
    Requester,
    /// Flag. It has alternative names, and its common name, if there is one, is among them.
    Rfc2818,
    /// Text. The template by which a private authority issued it: `server` …, as [`crate::private_ca::Profile::name`]. Not set of others.
    TemplateName,
    /// Text. That template's name for people: `TLS server` …, as [`crate::private_ca::Profile::title`].
    TemplateTitle,
    /// A metadata field. What nobody filled in is not set. Text, number, flag or time by the field's type.
    Metadata(MetadataFieldId),
    /// Choice, replaced on resolving: 2 is [`FieldId::RevocationDate`] being set; of the others 6 is [`FieldId::IsCa`] and 1 its contrary.
    CertState,
    /// Choice, replaced on resolving by sets of [`FieldId::KeyAlgorithm`].
    KeyType,
    /// Flag, replaced on resolving: what Certhold never does (archiving keys at an authority).
    AlwaysFalse,
    /// Replaced on resolving: a field of other products that Certhold has no data for. Never set.
    Absent,
}

/// What values a field has, which decides its operators and how values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A distinguished name as text.
    Dn,
    /// Hexadecimal text of any length; colons and spaces in a query's value are dropped.
    Hex,
    /// A digest of this many hexadecimal digits.
    Digest(usize),
    /// A whole number.
    Number,
    /// A day or an instant.
    Time,
    /// True or false.
    Flag,
    /// One of a few, by name or by number.
    Choice(&'static [Choice]),
    /// One of a few that have an order.
    Ordered(&'static [Choice]),
    /// Key usage bits.
    Usage,
}

/// A value of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its number.
    pub number: i64,
    /// Its names; the first is the one that is shown.
    pub names: &'static [&'static str],
}

const TEXT: &[Op] = &[Op::Equal, Op::NotEqual, Op::Contains, Op::NotContains, Op::StartsWith, Op::EndsWith, Op::In, Op::Like];
const DIGEST: &[Op] = &[Op::Equal, Op::NotEqual, Op::StartsWith, Op::In];
const ORDER: &[Op] = &[Op::Equal, Op::NotEqual, Op::Less, Op::LessOrEqual, Op::Greater, Op::GreaterOrEqual, Op::In];
const TIME: &[Op] = &[Op::Equal, Op::NotEqual, Op::Less, Op::LessOrEqual, Op::Greater, Op::GreaterOrEqual];
const FLAG: &[Op] = &[Op::Equal, Op::NotEqual];
const CHOICE: &[Op] = &[Op::Equal, Op::NotEqual, Op::In];
const USAGE: &[Op] = &[Op::Equal, Op::NotEqual, Op::Contains, Op::NotContains, Op::In];

impl Kind {
    /// The operators such fields have.
    pub fn operators(self) -> &'static [Op] {
        match self {
            Kind::Text | Kind::Dn | Kind::Hex => TEXT,
            Kind::Digest(_) => DIGEST,
            Kind::Number | Kind::Ordered(_) => ORDER,
            Kind::Time => TIME,
            Kind::Flag => FLAG,
            Kind::Choice(_) => CHOICE,
            Kind::Usage => USAGE,
        }
    }

    /// The word for it in documentation and APIs.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Text | Kind::Dn => "text",
            Kind::Hex | Kind::Digest(_) => "hex",
            Kind::Number => "number",
            Kind::Time => "date",
            Kind::Flag => "boolean",
            Kind::Choice(_) | Kind::Ordered(_) => "choice",
            Kind::Usage => "key usage",
        }
    }

    /// The choices, where there are some.
    pub fn choices(self) -> &'static [Choice] {
        match self {
            Kind::Choice(choices) | Kind::Ordered(choices) => choices,
            _ => &[],
        }
    }
}

/// A built-in field: a row of [`super::FIELDS`].
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Which data it means.
    pub id: FieldId,
    /// Its names, compared without regard to case; the first is the one that is shown.
    pub names: &'static [&'static str],
    /// Its values.
    pub kind: Kind,
    /// Whether a certificate may have several values.
    pub several: bool,
    /// What it is, for people.
    pub sentence: &'static str,
}
