//! A certificate as this API writes it; the same in lists and alone.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_domain::Result;
use certhold_domain::inventory::Whole;
use certhold_domain::private_ca::Profile;
use certhold_domain::query::{extended_key_usage_spellings, key_usage_bits};
use certhold_pki::details::DistinguishedName;
use certhold_pki::{AltName, AltNameKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::keyfactor::stores::{CertificateLocation, LocationCount};
use crate::keyfactor::wire::{Moment, alternative_name_type, key_type, upper_hex};

/// A certificate of the inventory.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Certificate {
    pub id: i64,
    /// SHA-1, upper-case hexadecimal.
    pub thumbprint: String,
    /// Upper-case hexadecimal.
    pub serial_number: String,
    /// The subject, most specific name first.
    #[serde(rename = "IssuedDN")]
    pub issued_dn: String,
    #[serde(rename = "IssuedCN")]
    pub issued_cn: Option<String>,
    #[serde(rename = "IssuedOU")]
    pub issued_ou: Option<String>,
    pub issued_email: Option<String>,
    #[serde(rename = "IssuerDN")]
    pub issuer_dn: String,
    #[schema(value_type = String)]
    pub import_date: Moment,
    #[schema(value_type = String)]
    pub not_before: Moment,
    #[schema(value_type = String)]
    pub not_after: Moment,
    pub principal_id: Option<i64>,
    pub principal_name: Option<String>,
    /// The role that owns it.
    pub owner_role_id: Option<i64>,
    pub owner_role_name: Option<String>,
    pub template_id: Option<i64>,
    pub template_name: Option<String>,
    pub enrollment_pattern_id: Option<i64>,
    /// 1 active, 2 revoked, 6 certificate authority.
    pub cert_state: i64,
    pub cert_state_string: &'static str,
    pub key_size_in_bits: i64,
    /// 0 unknown, 1 RSA, 2 DSA, 3 ECC, 4 DH.
    pub key_type: i64,
    pub key_type_string: &'static str,
    pub key_algorithm: String,
    pub curve: Option<String>,
    pub alt_key_algorithm: Option<String>,
    pub alt_key_size_in_bits: Option<i64>,
    pub alt_key_type: Option<i64>,
    pub alt_key_type_string: Option<String>,
    pub alt_signing_algorithm: Option<String>,
    pub has_alt_private_key: bool,
    pub signing_algorithm: String,
    /// The bits of the extension.
    pub key_usage: i64,
    pub detailed_key_usage: DetailedKeyUsage,
    pub extended_key_usages: Vec<ExtendedKeyUsage>,
    pub subject_alt_name_elements: Vec<AlternativeName>,
    #[serde(rename = "CRLDistributionPoints")]
    pub crl_distribution_points: Vec<DistributionPoint>,
    #[schema(value_type = Option<String>)]
    pub revocation_eff_date: Option<Moment>,
    pub revocation_reason: Option<i64>,
    pub revocation_comment: Option<String>,
    pub requester_id: Option<i64>,
    pub requester_name: Option<String>,
    pub cert_request_id: Option<i64>,
    pub certificate_authority_id: Option<i64>,
    pub certificate_authority_name: Option<String>,
    pub archived_key: bool,
    /// Whether the private key is in custody. Lists say so when asked with `IncludeHasPrivateKey`.
    pub has_private_key: bool,
    pub key_recoverable: bool,
    /// DER in base64.
    pub content_bytes: String,
    /// How many certificate stores of each type it is in, when asked with `IncludeLocations`.
    pub locations_count: Vec<LocationCount>,
    /// The certificate stores that it is in, when asked with `IncludeLocations`.
    pub locations: Vec<CertificateLocation>,
    #[serde(rename = "SSLLocations")]
    #[schema(value_type = Vec<Object>)]
    pub ssl_locations: [(); 0],
    /// What is noted about it, by the names of the fields. Lists say so when asked with `IncludeMetadata`.
    pub metadata: BTreeMap<String, String>,
    #[serde(rename = "CARowIndex")]
    pub ca_row_index: Option<i64>,
    #[serde(rename = "CARecordId")]
    pub ca_record_id: Option<String>,
}

/// The bits of the key usage one by one.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct DetailedKeyUsage {
    pub crl_sign: bool,
    pub data_encipherment: bool,
    pub decipher_only: bool,
    pub digital_signature: bool,
    pub encipher_only: bool,
    pub key_agreement: bool,
    pub key_cert_sign: bool,
    pub key_encipherment: bool,
    pub non_repudiation: bool,
    pub hex_code: String,
}

/// An extended key usage.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ExtendedKeyUsage {
    pub id: i64,
    pub oid: String,
    pub display_name: String,
}

/// A subject alternative name.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct AlternativeName {
    pub id: i64,
    pub value: String,
    /// The tag of its kind: 1 mail address, 2 DNS name, 6 URI, 7 IP address, 100 user principal name …
    pub r#type: i64,
    /// SHA-256 of the value, hexadecimal.
    pub value_hash: String,
}

/// Where a revocation list is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct DistributionPoint {
    pub id: i64,
    pub url: String,
    /// SHA-256 of the address, hexadecimal.
    pub url_hash: String,
}

/// The state of a certificate, by number and name.
fn state(is_revoked: bool, is_ca: bool) -> (i64, &'static str) {
    match (is_revoked, is_ca) {
        (true, _) => (2, "Revoked"),
        (false, true) => (6, "CertificateAuthority"),
        (false, false) => (1, "Active"),
    }
}

fn alternative((id, name): (i64, AltName)) -> AlternativeName {
    AlternativeName { id, value_hash: hash(&name.value), r#type: alternative_name_type(name.kind), value: name.value }
}

fn distribution_point((id, url): (i64, String)) -> DistributionPoint {
    DistributionPoint { id, url_hash: hash(&url), url }
}

fn hash(text: &str) -> String {
    upper_hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref())
}

impl Certificate {
    /// Takes a certificate apart; call it outside transactions.
    ///
    /// # Errors
    /// When what is held is none, which an import would have refused.
    pub fn of(whole: Whole, shows_key: bool) -> Result<Certificate> {
        let Whole { certificate, metadata, revocation, issuance, .. } = whole;
        let facts = certificate.facts()?;
        let template = issuance.as_ref().and_then(|issuance| issuance.template);
        let subject = DistinguishedName::subject_of(&certificate.der).ok();
        let attribute = |oid: &str| {
            let attributes = subject.iter().flat_map(DistinguishedName::attributes).filter(|attribute| attribute.oid == oid);
            attributes.filter_map(|attribute| attribute.text.clone()).next_back()
        };
        let mail = facts.names.iter().find(|name| name.kind == AltNameKind::Email).map(|name| name.value.clone());
        let summary = certificate.summary;
        let (cert_state, cert_state_string) = state(revocation.is_some(), summary.is_ca);
        let (key_type, key_type_string) = key_type(&facts.key_algorithm);
        let bits = key_usage_bits(&facts.key_usage);
        let (owner_role_id, owner_role_name) = summary.owner.map(|(id, name)| (id.0, name)).unzip();
        Ok(Certificate {
            id: summary.id.0,
            thumbprint: upper_hex(&facts.sha1),
            serial_number: summary.serial.to_uppercase(),
            issued_dn: summary.subject,
            issued_cn: summary.common_name,
            issued_ou: attribute("2.5.4.11"),
            issued_email: attribute("1.2.840.113549.1.9.1").or(mail),
            issuer_dn: summary.issuer,
            import_date: Moment(summary.held_since),
            not_before: Moment(summary.not_before),
            not_after: Moment(summary.not_after),
            principal_id: None,
            principal_name: None,
            owner_role_id,
            owner_role_name,
            template_id: template.map(Profile::number),
            template_name: template.map(|template| template.name().to_owned()),
            enrollment_pattern_id: issuance.as_ref().and_then(|issuance| issuance.pattern).map(|id| id.0),
            cert_state,
            cert_state_string,
            key_size_in_bits: summary.key_bits.unwrap_or_default(),
            key_type,
            key_type_string,
            key_algorithm: summary.key_algorithm,
            curve: facts.key_curve,
            alt_key_algorithm: None,
            alt_key_size_in_bits: None,
            alt_key_type: None,
            alt_key_type_string: None,
            alt_signing_algorithm: None,
            has_alt_private_key: false,
            signing_algorithm: facts.signature_algorithm,
            key_usage: bits,
            detailed_key_usage: DetailedKeyUsage::of(bits),
            extended_key_usages: (1..).zip(&facts.extended_key_usage).map(extended).collect(),
            subject_alt_name_elements: (1..).zip(facts.names).map(alternative).collect(),
            crl_distribution_points: (1..).zip(facts.crl_urls).map(distribution_point).collect(),
            revocation_eff_date: revocation.as_ref().map(|revocation| Moment(revocation.effective_at)),
            revocation_reason: revocation.as_ref().map(|revocation| revocation.reason.code().into()),
            revocation_comment: revocation.map(|revocation| revocation.comment),
            requester_id: None,
            requester_name: issuance.as_ref().and_then(|issuance| issuance.requester.clone()),
            cert_request_id: None,
            certificate_authority_id: issuance.as_ref().map(|issuance| issuance.authority_id.0),
            certificate_authority_name: issuance.map(|issuance| issuance.authority),
            archived_key: false,
            has_private_key: shows_key && summary.has_key,
            key_recoverable: false,
            content_bytes: STANDARD.encode(&certificate.der),
            locations_count: Vec::new(),
            locations: Vec::new(),
            ssl_locations: [],
            metadata: metadata.into_iter().collect(),
            ca_row_index: None,
            ca_record_id: None,
        })
    }
}

impl DetailedKeyUsage {
    fn of(bits: i64) -> DetailedKeyUsage {
        let has = |bit: i64| bits & bit != 0;
        DetailedKeyUsage {
            crl_sign: has(0x02),
            data_encipherment: has(0x10),
            decipher_only: has(0x8000),
            digital_signature: has(0x80),
            encipher_only: has(0x01),
            key_agreement: has(0x08),
            key_cert_sign: has(0x04),
            key_encipherment: has(0x20),
            non_repudiation: has(0x40),
            hex_code: format!("0x{bits:02X}"),
        }
    }
}

fn extended((id, usage): (i64, &String)) -> ExtendedKeyUsage {
    // Name, identifier, description; or itself alone.
    match extended_key_usage_spellings(usage).as_slice() {
        [_, oid, description] => ExtendedKeyUsage { id, oid: (*oid).to_owned(), display_name: (*description).to_owned() },
        _ => ExtendedKeyUsage { id, oid: usage.clone(), display_name: usage.clone() },
    }
}
