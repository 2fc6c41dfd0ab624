//! A certificate taken apart, as the native API writes it.

use axum::Json;
use axum::extract::State;
use certhold_domain::{CertificateId, hex, inventory};
use certhold_pki::details::{self as pki, Details, ExtensionContent, KeyParts, NameStyle};
use serde::Serialize;
use utoipa::ToSchema;

use super::one::{LARGE, Within};
use crate::auth::Bearer;
use crate::native::extract::{Id, Query};
use crate::native::hidden;
use crate::native::time::Time;
use crate::problem::Answer;
use crate::state::App;

/// A certificate taken apart. Octets are hexadecimal; in texts, hostile characters are written as a backslash and two
/// hexadecimal digits per octet.
#[derive(Serialize, ToSchema)]
pub struct CertificateFacts {
    /// 1, 2 or 3.
    #[schema(example = 3)]
    version: u32,
    /// The content octets of the serial number.
    serial: String,
    /// The subject.
    subject: DistinguishedName,
    /// The issuer.
    issuer: DistinguishedName,
    /// Begin of the validity.
    not_before: Instant,
    /// End of the validity, inclusive.
    not_after: Instant,
    /// The public key.
    key: Key,
    /// How it is signed.
    signature: Signature,
    /// Subject alternative names, in the order of the certificate.
    alternative_names: Vec<GeneralName>,
    /// Extensions, in the order of the certificate.
    extensions: Vec<Extension>,
    /// Signed certificate timestamps.
    timestamps: Vec<Timestamp>,
    /// By what it is looked for.
    digests: Digests,
}

/// A distinguished name.
#[derive(Serialize, ToSchema)]
pub struct DistinguishedName {
    /// By RFC 4514, most specific relative name first.
    #[schema(example = "CN=www.example.com,O=Example\\, Inc.,C=DE")]
    rfc4514: String,
    /// As OpenJDK 17 prints it.
    #[schema(example = "CN=www.example.com, O=\"Example, Inc.\", C=DE")]
    jdk: String,
    /// As `openssl x509 -subject` of OpenSSL 3.0 prints it.
    #[schema(example = "C = DE, O = \"Example, Inc.\", CN = www.example.com")]
    openssl: String,
    /// The relative names in the order of the certificate, each with its attributes.
    relative_names: Vec<Vec<Attribute>>,
    /// Not encoded as RFC 5280 says.
    malformed: bool,
    /// SHA-256 of its encoding.
    sha256: String,
}

/// An attribute of a name.
#[derive(Serialize, ToSchema)]
pub struct Attribute {
    /// Its type, dotted.
    #[schema(example = "2.5.4.3")]
    oid: String,
    /// The keyword of its type.
    #[schema(example = "CN")]
    keyword: Option<&'static str>,
    /// The ASN.1 type of its value.
    #[schema(example = "UTF8String")]
    string_type: String,
    /// Its value as text; null when it is no string.
    text: Option<String>,
    /// The content octets of its value.
    value: String,
}

/// A time of the validity.
#[derive(Serialize, ToSchema)]
pub struct Instant {
    /// The time; null when the field is no time.
    time: Option<Time>,
    /// `UTCTime` or `GeneralizedTime`.
    form: &'static str,
    /// The characters in the certificate.
    #[schema(example = "270131235959Z")]
    text: String,
    /// In a form that RFC 5280 allows.
    strict: bool,
}

/// A public key.
#[derive(Serialize, ToSchema)]
pub struct Key {
    /// `RSA`, `EC`, `Ed25519`, `ML-DSA-65`, …
    #[schema(example = "EC")]
    algorithm: String,
    /// The algorithm, dotted.
    oid: String,
    /// The key in one line.
    #[schema(example = "EC P-256")]
    description: String,
    /// Its size in bits.
    bits: Option<u32>,
    /// The curve; also when its parameters are written out and equal to those of a named one.
    curve: Option<String>,
    /// The parameters of the curve are written out instead of named.
    explicit_parameters: bool,
    /// The public exponent of an RSA key.
    exponent: Option<String>,
    /// What an RSASSA-PSS key is restricted to.
    pss: Option<Pss>,
    /// Not encoded as its algorithm requires.
    malformed: bool,
}

/// A signature.
#[derive(Serialize, ToSchema)]
pub struct Signature {
    /// `ecdsa-with-SHA256`, `RSASSA-PSS`, …
    #[schema(example = "ecdsa-with-SHA256")]
    algorithm: String,
    /// The algorithm, dotted.
    oid: String,
    /// The algorithm with its parameters in one line.
    description: String,
    /// The hash function.
    #[schema(example = "SHA-256")]
    hash: Option<&'static str>,
    /// Parameters of RSASSA-PSS.
    pss: Option<Pss>,
    /// Octets of the signature.
    octets: usize,
}

/// Parameters of RSASSA-PSS.
#[derive(Serialize, ToSchema)]
pub struct Pss {
    /// The hash function.
    hash: String,
    /// The mask generation function.
    mask: String,
    /// The hash function of the mask.
    mask_hash: String,
    /// Octets of salt.
    salt_length: u64,
    /// 1.
    trailer_field: u64,
}

/// A general name.
#[derive(Serialize, ToSchema)]
pub struct GeneralName {
    /// The choice, as RFC 5280 names it.
    #[schema(example = "dNSName")]
    kind: &'static str,
    /// The type of an otherName by name, if it is known.
    other_name: Option<&'static str>,
    /// The name as text.
    #[schema(example = "www.example.com")]
    text: String,
    /// The content octets.
    value: String,
    /// Not what its kind allows.
    malformed: bool,
}

/// An extension.
#[derive(Serialize, ToSchema)]
pub struct Extension {
    /// Dotted.
    #[schema(example = "2.5.29.17")]
    oid: String,
    /// What it is called.
    #[schema(example = "subjectAltName")]
    name: Option<&'static str>,
    /// Whoever does not understand it must reject the certificate.
    critical: bool,
    /// `decoded`, `opaque` when it is not taken apart here, or `malformed`.
    state: &'static str,
    /// What it says, line by line.
    text: Vec<String>,
    /// Its content octets.
    value: String,
}

/// A signed certificate timestamp.
#[derive(Serialize, ToSchema)]
pub struct Timestamp {
    /// The log: SHA-256 of its public key.
    log_id: String,
    /// When the log promised to include the certificate.
    time: Time,
    /// How the log signed.
    signature_algorithm: String,
}

/// Digests.
#[derive(Serialize, ToSchema)]
pub struct Digests {
    /// SHA-1 of the certificate.
    sha1: String,
    /// SHA-256 of the certificate.
    sha256: String,
    /// SHA-512 of the certificate.
    sha512: String,
    /// SHA-256 of the SubjectPublicKeyInfo.
    spki_sha256: String,
    /// SHA-1 of the key's bits: the usual subject key identifier.
    key_sha1: String,
}

/// Get everything a certificate says
///
/// Names in three styles and attribute by attribute, every alternative name, the key, the signature, all extensions and the
/// signed certificate timestamps.
#[utoipa::path(get, path = "/certificates/{id}/facts", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), Within),
    responses((status = 200, description = "What it says", body = CertificateFacts)))]
pub async fn facts(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Id(id): Id,
    Query(within): Query<Within>,
) -> Answer<Json<CertificateFacts>> {
    let (id, scope) = (CertificateId(id), within.scope(&app));
    let found = app.read_as(caller, move |tx, actor| inventory::get_in(tx, actor, id, scope)).await;
    let found = found.map_err(hidden("certificate", id))?;
    let taken_apart = match found.der.len() {
        ..=LARGE => CertificateFacts::of(&found)?,
        _ => {
            let taken = tokio::task::spawn_blocking(move || CertificateFacts::of(&found)).await;
            taken.map_err(|_| certhold_domain::Error::from(certhold_store::Error::Panicked))??
        }
    };
    Ok(Json(taken_apart))
}

impl CertificateFacts {
    fn of(certificate: &inventory::Certificate) -> certhold_domain::Result<CertificateFacts> {
        let details = certificate.details()?;
        Ok(CertificateFacts {
            version: details.version,
            serial: hex(&details.serial),
            timestamps: details.scts().iter().map(timestamp).collect(),
            alternative_names: details.alternative_names().iter().map(general_name).collect(),
            key: key(&details.key),
            signature: signature(&details),
            digests: Digests {
                sha1: hex(&details.digests.sha1),
                sha256: hex(&details.digests.sha256),
                sha512: hex(&details.digests.sha512),
                spki_sha256: hex(&details.digests.spki_sha256),
                key_sha1: hex(&details.digests.key_sha1),
            },
            extensions: details.extensions.iter().map(extension).collect(),
            subject: name(details.subject),
            issuer: name(details.issuer),
            not_before: instant(details.not_before),
            not_after: instant(details.not_after),
        })
    }
}

fn name(name: pki::DistinguishedName) -> DistinguishedName {
    let attribute = |attribute: pki::Attribute| Attribute {
        value: hex(&attribute.value),
        string_type: attribute.string_type.name(),
        oid: attribute.oid,
        keyword: attribute.keyword,
        text: attribute.text,
    };
    DistinguishedName {
        rfc4514: name.render(NameStyle::Rfc4514),
        jdk: name.render(NameStyle::Jdk),
        openssl: name.render(NameStyle::OpenSsl),
        malformed: name.malformed,
        sha256: hex(&name.sha256),
        relative_names: name.relative_names.into_iter().map(|one| one.attributes.into_iter().map(attribute).collect()).collect(),
    }
}

fn instant(time: pki::ValidityTime) -> Instant {
    Instant { time: time.unix_ms.map(Time), form: time.form, text: time.text, strict: time.strict }
}

fn key(key: &pki::PublicKeyDetail) -> Key {
    let (mut curve, mut explicit_parameters, mut exponent) = (None, false, None);
    match &key.parts {
        KeyParts::Rsa { exponent: octets, .. } => exponent = Some(hex(octets)),
        KeyParts::Ec(point) => {
            curve = point.curve.map(str::to_owned).or_else(|| point.curve_oid.clone());
            explicit_parameters = point.explicit;
        }
        _ => {}
    }
    Key {
        algorithm: key.algorithm.name.clone(),
        oid: key.algorithm.oid.clone(),
        description: key.described(),
        bits: key.bits,
        curve,
        explicit_parameters,
        exponent,
        pss: key.algorithm.pss.as_ref().map(pss),
        malformed: key.malformed,
    }
}

fn signature(details: &Details) -> Signature {
    let algorithm = &details.signature_algorithm;
    Signature {
        algorithm: algorithm.name.clone(),
        oid: algorithm.oid.clone(),
        description: algorithm.described(),
        hash: algorithm.hash,
        pss: algorithm.pss.as_ref().map(pss),
        octets: details.signature_octets,
    }
}

fn pss(pss: &pki::PssParameters) -> Pss {
    Pss {
        hash: pss.hash.clone(),
        mask: pss.mask.clone(),
        mask_hash: pss.mask_hash.clone(),
        salt_length: pss.salt_length,
        trailer_field: pss.trailer_field,
    }
}

fn general_name(name: &pki::GeneralName) -> GeneralName {
    let other_name = match &name.choice {
        pki::Choice::OtherName { name, .. } => *name,
        _ => None,
    };
    GeneralName { kind: name.choice.kind(), other_name, text: name.text(), value: hex(&name.raw), malformed: name.malformed }
}

fn extension(extension: &pki::Extension) -> Extension {
    let state = match extension.content {
        ExtensionContent::NotDecoded => "opaque",
        ExtensionContent::Malformed => "malformed",
        _ => "decoded",
    };
    Extension {
        oid: extension.oid.clone(),
        name: extension.name,
        critical: extension.critical,
        state,
        text: extension.lines(),
        value: hex(&extension.value),
    }
}

fn timestamp(entry: &pki::SctEntry) -> Timestamp {
    Timestamp {
        log_id: hex(&entry.log_id),
        time: Time(i64::try_from(entry.timestamp).unwrap_or(i64::MAX)),
        signature_algorithm: entry.signature_algorithm.clone(),
    }
}
