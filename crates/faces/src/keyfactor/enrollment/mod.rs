//! `/Enrollment`: certificates from private authorities, for signing requests and for keys that are made here.
//!
//! A template is a profile of `certhold_domain::private_ca`, a pattern one of `certhold_domain::enrolment`; a certification authority is
//! named as `HOST\\NAME` or by its name alone.

#[macro_use]
mod request;

mod context;
mod csr;
mod deploy;
mod pfx;
mod renew;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_domain::collections::Scope;
use certhold_domain::enrolment::Under;
use certhold_domain::private_ca::{self, Profile};
use certhold_domain::renewal::KeyKind;
use certhold_domain::{AuthorityId, CertificateId, PatternId};
use certhold_pki::Facts;
use certhold_pki::issue::{GeneralName, NotAGeneralName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

pub(super) use self::deploy::{StoreTypeWanted, of_types, places};
use super::extract::Author;
use super::refused::{Answer, Refused};
use super::wire::upper_hex;
use crate::issue::{self, Issued};
use crate::state::App;

/// The routes of enrolment.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(csr::routes())
        .merge(pfx::routes())
        .merge(context::routes())
        .merge(renew::routes())
        .merge(deploy::routes())
}

/// Names by kind.
#[derive(Default, Deserialize, ToSchema)]
pub struct Names {
    dns: Option<Vec<String>>,
    ip4: Option<Vec<String>>,
    ip6: Option<Vec<String>>,
    uri: Option<Vec<String>>,
    /// Mail addresses.
    mail: Option<Vec<String>>,
    /// User principal names.
    upn: Option<Vec<String>>,
}

impl Names {
    /// The names, each read as what it says it is.
    ///
    /// # Errors
    /// When one is not.
    pub fn general(self) -> Answer<Vec<GeneralName>> {
        type Reader = fn(&str) -> Result<GeneralName, NotAGeneralName>;
        let kinds: [(Option<Vec<String>>, Reader); 6] = [
            (self.dns, GeneralName::dns),
            (self.ip4, GeneralName::ip),
            (self.ip6, GeneralName::ip),
            (self.uri, GeneralName::uri),
            (self.mail, GeneralName::email),
            (self.upn, GeneralName::upn),
        ];
        let mut names = Vec::new();
        for (texts, read) in kinds {
            for text in texts.unwrap_or_default().iter().filter(|text| !text.trim().is_empty()) {
                names.push(read(text).map_err(|error| Refused::invalid("SANs", error))?);
            }
        }
        Ok(names)
    }
}

/// What every issued certificate is told by.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Told {
    serial_number: String,
    #[serde(rename = "IssuerDN")]
    issuer_dn: String,
    thumbprint: String,
    /// 0: nothing waits here, so no request has a number.
    keyfactor_request_id: i64,
    request_disposition: &'static str,
    disposition_message: &'static str,
    #[schema(value_type = Option<Object>)]
    enrollment_context: Option<()>,
}

impl Told {
    pub fn of(facts: &Facts) -> Told {
        Told {
            serial_number: facts.serial.to_uppercase(),
            issuer_dn: facts.issuer.clone(),
            thumbprint: upper_hex(&facts.sha1),
            keyfactor_request_id: 0,
            request_disposition: "ISSUED",
            disposition_message: "The certificate was issued and is in the inventory.",
            enrollment_context: None,
        }
    }
}

fn csr_of(text: &str) -> Answer<Vec<u8>> {
    if text.contains("-----BEGIN ") {
        return Ok(issue::signing_request(text)?);
    }
    let packed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(packed).map_err(|_| Refused::invalid("CSR", "send the signing request as PEM"))
}

/// By which rules: a pattern goes over a template, and without both the template is `server`.
///
/// # Errors
/// There is no such template.
pub fn under(pattern: Option<i64>, template: Option<&str>) -> Answer<Under> {
    match pattern.filter(|pattern| *pattern != 0) {
        Some(pattern) => Ok(Under::Pattern(PatternId(pattern))),
        None => Ok(Under::Template(named_template(template)?.unwrap_or(Profile::Server))),
    }
}

/// The template of this name or number; none for no name.
///
/// # Errors
/// There is none.
pub fn named_template(template: Option<&str>) -> Answer<Option<Profile>> {
    let Some(name) = template.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(None) };
    let numbered = name.parse().ok().and_then(Profile::of_number);
    let found = numbered.map_or_else(|| Profile::parse(name), Ok);
    found.map(Some).map_err(|_| {
        let names: Vec<&str> = Profile::ALL.iter().map(|row| row.0).collect();
        Refused::invalid("Template", format!("there is no template {name:?}; choose one of {}", names.join(", ")))
    })
}

/// Who signs, if it is named; refuses whoever may not enrol before anything else is looked at.
async fn authority(author: &Author, named: Option<String>, made: bool) -> Answer<Option<AuthorityId>> {
    // HOST\NAME: the host is this one.
    let name = named.map(|text| text.rsplit('\\').next().unwrap_or_default().trim().to_owned()).filter(|name| !name.is_empty());
    author.read(move |tx, actor| private_ca::for_enrolment(tx, actor, name.as_deref(), made)).await
}

/// The certificate that is renewed, where the request says that one is.
fn renews(author: &Author, id: Option<i64>) -> Option<(CertificateId, Scope)> {
    id.filter(|id| *id != 0).map(|id| (CertificateId(id), Scope::everywhere(author.app.now())))
}

fn noted(metadata: &[certhold_domain::metadata::Change]) -> BTreeMap<String, String> {
    metadata.iter().map(|change| (change.field.clone(), change.value.clone())).collect()
}

fn facts(issued: &Issued) -> Answer<Facts> {
    let leaf = issued.chain.first().map_or(&[][..], Vec::as_slice);
    let unreadable = |error: certhold_pki::NotACertificate| {
        Refused::from(certhold_domain::Error::Fault(certhold_domain::Fault::Damaged(error.to_string())))
    };
    Facts::of(leaf).map_err(unreadable)
}

/// The key that is asked for; none when nothing is said about it.
///
/// # Errors
/// Keys of this kind or size are not made here.
pub fn key_kind(kind: Option<&str>, length: Option<i64>, curve: Option<&str>) -> Answer<Option<KeyKind>> {
    let given = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_ascii_uppercase);
    let (kind, curve, length) = (given(kind), given(curve), length.filter(|length| *length != 0));
    let kind = match (kind, &curve, length) {
        (Some(kind), ..) => kind,
        (None, Some(_), _) => "ECC".to_owned(),
        (None, None, Some(1_024..)) => "RSA".to_owned(),
        (None, None, Some(_)) => "ECC".to_owned(),
        (None, None, None) => return Ok(None),
    };
    let length = match curve.as_deref() {
        None => length,
        Some("P-256" | "SECP256R1" | "PRIME256V1" | "1.2.840.10045.3.1.7") => Some(256),
        Some("P-384" | "SECP384R1" | "1.3.132.0.34") => Some(384),
        Some("P-521" | "SECP521R1" | "1.3.132.0.35") => Some(521),
        Some(_) => return Err(Refused::invalid("Curve", "P-256, P-384 or P-521")),
    };
    let wrong = |what: &str| Err(Refused::invalid("KeyLength", what));
    match (kind.as_str(), length) {
        ("RSA", None | Some(2_048)) => Ok(Some(KeyKind::Rsa2048)),
        ("RSA", Some(3_072)) => Ok(Some(KeyKind::Rsa3072)),
        ("RSA", Some(4_096)) => Ok(Some(KeyKind::Rsa4096)),
        ("RSA", _) => wrong("2048, 3072 or 4096 for RSA"),
        ("ECC" | "EC" | "ECDSA", None | Some(256)) => Ok(Some(KeyKind::P256)),
        ("ECC" | "EC" | "ECDSA", Some(384)) => Ok(Some(KeyKind::P384)),
        ("ECC" | "EC" | "ECDSA", Some(521)) => Ok(Some(KeyKind::P521)),
        ("ECC" | "EC" | "ECDSA", _) => wrong("256, 384 or 521 for ECC"),
        ("ED25519", _) => Ok(Some(KeyKind::Ed25519)),
        ("ML-DSA-65" | "MLDSA65", _) => Ok(Some(KeyKind::MlDsa65)),
        _ => Err(Refused::invalid("KeyType", "RSA, ECC, Ed25519 or ML-DSA-65")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_in_several_ways() {
        for (kind, length, curve, found) in [
            (None, None, None, None),
            (Some(" "), Some(0), Some(""), None),
            (Some("rsa"), None, None, Some(KeyKind::Rsa2048)),
            (Some("RSA"), Some(4096), None, Some(KeyKind::Rsa4096)),
            (None, Some(3072), None, Some(KeyKind::Rsa3072)),
            (None, Some(384), None, Some(KeyKind::P384)),
            (None, None, Some("1.3.132.0.35"), Some(KeyKind::P521)),
            (Some("ECC"), Some(256), Some("secp384r1"), Some(KeyKind::P384)),
            (Some("Ed25519"), None, None, Some(KeyKind::Ed25519)),
            (Some("ML-DSA-65"), None, None, Some(KeyKind::MlDsa65)),
        ] {
            assert_eq!(key_kind(kind, length, curve).unwrap(), found, "{kind:?} {length:?} {curve:?}");
        }
        for (kind, length, curve) in [
            (Some("DSA"), None, None),
            (Some("RSA"), Some(1024), None),
            (Some("ECC"), Some(192), None),
            (None, None, Some("P-192")),
        ] {
            assert!(key_kind(kind, length, curve).is_err(), "{kind:?} {length:?} {curve:?}");
        }
    }

    #[test]
    fn a_pattern_goes_over_a_template() {
        assert_eq!(under(None, None).unwrap(), Under::Template(Profile::Server));
        assert_eq!(under(Some(0), Some("client")).unwrap(), Under::Template(Profile::Client));
        assert_eq!(under(None, Some("Mail (S/MIME)")).unwrap(), Under::Template(Profile::Mail));
        assert_eq!(under(None, Some("2")).unwrap(), Under::Template(Profile::Client));
        assert_eq!(under(Some(7), Some("nothing")).unwrap(), Under::Pattern(PatternId(7)));
        assert!(under(None, Some("nothing")).is_err() && under(None, Some("99")).is_err());
    }
}
