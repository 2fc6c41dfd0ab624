//! Certificates as the native API writes them.

use std::collections::BTreeMap;

use certhold_domain::{RoleId, hex, inventory};
use certhold_pki as pki;
use serde::Serialize;
use utoipa::ToSchema;

use crate::native::findings::Finding;
use crate::native::time::Time;

/// A certificate of the inventory.
#[derive(Serialize, ToSchema)]
pub struct Certificate {
    /// Its handle.
    pub id: i64,
    /// SHA-256 of its DER bytes, hexadecimal.
    #[schema(example = "96bcec06264976f37460779acf28c5a7cfe8a3c0aae11a8ffcee05c0bddf08c6")]
    pub sha256: String,
    /// Serial number, hexadecimal.
    pub serial: String,
    /// Subject (RFC 4514).
    #[schema(example = "CN=www.example.com")]
    pub subject: String,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// Issuer (RFC 4514).
    pub issuer: String,
    /// Subject alternative names.
    #[schema(example = json!(["www.example.com", "example.com"]))]
    pub names: Vec<String>,
    /// Begin of its validity.
    pub not_before: Time,
    /// End of its validity.
    pub not_after: Time,
    /// `RSA`, `EC`, `Ed25519`, …
    #[schema(example = "EC")]
    pub key_algorithm: String,
    /// Size of its key.
    #[schema(example = 256)]
    pub key_bits: Option<i64>,
    /// Whether it may issue certificates.
    pub is_ca: bool,
    /// The role that owns it.
    pub owner: Option<Owner>,
    /// The managed certificate that it is a version of.
    pub managed: Option<Version>,
    /// Whether its private key is in custody.
    pub has_private_key: bool,
    /// Where it came from: `upload`, `acme`, `chain`, …
    #[schema(example = "upload")]
    pub source: String,
    /// Since when it is held.
    pub held_since: Time,
    /// What is noted about it, by the names of the fields; only in the answer for one certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!({ "Team": "Web" }))]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Everything else it says; only in the answer for one certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// What is wrong with it, the worst first; only in the answer for one certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<Finding>>,
}

/// A role that owns something.
#[derive(Serialize, ToSchema)]
pub struct Owner {
    /// The role.
    pub id: i64,
    /// Its name.
    #[schema(example = "Web operations")]
    pub name: String,
}

impl From<(RoleId, String)> for Owner {
    fn from((id, name): (RoleId, String)) -> Owner {
        Owner { id: id.0, name }
    }
}

/// Which version of which managed certificate.
#[derive(Serialize, ToSchema)]
pub struct Version {
    /// The managed certificate.
    pub id: i64,
    /// 1 for the first.
    pub version: i64,
}

/// What a certificate says beyond what lists show.
#[derive(Serialize, ToSchema)]
pub struct Facts {
    /// SHA-1 of its DER bytes, hexadecimal: what some programs call thumbprint.
    pub sha1: String,
    /// 1, 2 or 3.
    pub version: u32,
    /// The issuer's common name.
    pub issuer_common_name: Option<String>,
    /// The subject's organization.
    pub organization: Option<String>,
    /// `P-256`, `P-384`, …
    pub key_curve: Option<String>,
    /// SHA-256 of its SubjectPublicKeyInfo, hexadecimal: equal for all certificates of one key.
    pub spki_sha256: String,
    /// `ecdsa-with-SHA256`, `sha256WithRSAEncryption`, …
    pub signature_algorithm: String,
    /// Subject alternative names with their kinds.
    pub alternative_names: Vec<AlternativeName>,
    /// How many authorities may stand between it and an end certificate.
    pub path_length: Option<u32>,
    /// `digitalSignature`, `keyEncipherment`, …
    pub key_usage: Vec<String>,
    /// `serverAuth`, `clientAuth`, … or dotted identifiers.
    pub extended_key_usage: Vec<String>,
    /// Hexadecimal.
    pub subject_key_id: Option<String>,
    /// Hexadecimal.
    pub authority_key_id: Option<String>,
    /// Whether subject and issuer are the same.
    pub self_issued: bool,
    /// Where revocation lists are.
    pub crl_urls: Vec<String>,
    /// OCSP responders.
    pub ocsp_urls: Vec<String>,
    /// Where the issuer's certificate is.
    pub issuer_urls: Vec<String>,
    /// Certificate policies, dotted.
    pub policies: Vec<String>,
    /// What is odd about it, one sentence each.
    pub oddities: Vec<String>,
}

/// One subject alternative name.
#[derive(Serialize, ToSchema)]
pub struct AlternativeName {
    /// `dns`, `ip`, `email`, `uri`, `dirname`, `rid`, `upn` or `other`.
    #[schema(example = "dns")]
    pub kind: &'static str,
    /// The name.
    pub value: String,
}

impl From<inventory::Summary> for Certificate {
    fn from(summary: inventory::Summary) -> Certificate {
        Certificate {
            id: summary.id.0,
            sha256: hex(&summary.sha256),
            serial: summary.serial,
            subject: summary.subject,
            common_name: summary.common_name,
            issuer: summary.issuer,
            names: summary.names,
            not_before: Time(summary.not_before),
            not_after: Time(summary.not_after),
            key_algorithm: summary.key_algorithm,
            key_bits: summary.key_bits,
            is_ca: summary.is_ca,
            owner: summary.owner.map(Owner::from),
            managed: summary.lineage.map(|(id, version)| Version { id: id.0, version }),
            has_private_key: summary.has_key,
            source: summary.source,
            held_since: Time(summary.held_since),
            metadata: None,
            facts: None,
            findings: None,
        }
    }
}

impl From<pki::Facts> for Facts {
    fn from(facts: pki::Facts) -> Facts {
        let name = |name: pki::AltName| AlternativeName { kind: name.kind.as_str(), value: name.value };
        Facts {
            sha1: hex(&facts.sha1),
            version: facts.version,
            issuer_common_name: facts.issuer_common_name,
            organization: facts.organization,
            key_curve: facts.key_curve,
            spki_sha256: hex(&facts.spki_sha256),
            signature_algorithm: facts.signature_algorithm,
            alternative_names: facts.names.into_iter().map(name).collect(),
            path_length: facts.path_length,
            key_usage: facts.key_usage,
            extended_key_usage: facts.extended_key_usage,
            subject_key_id: facts.subject_key_id,
            authority_key_id: facts.authority_key_id,
            self_issued: facts.self_issued,
            crl_urls: facts.crl_urls,
            ocsp_urls: facts.ocsp_urls,
            issuer_urls: facts.issuer_urls,
            policies: facts.policies,
            oddities: facts.oddities,
        }
    }
}
