//! Certificate signing requests (RFC 2986).

use super::{KeyUseError, sign};
use certhold_pki::issue::{DistinguishedName, GeneralName, SignatureScheme, request_to_be_signed, signed};
use certhold_pki::{PrivateKey, normalise_dns_name};

/// A certificate request in DER for `names` (DNS names; a wildcard as the leftmost label is allowed), signed with `key`.
///
/// The subject is empty: what counts is the subject alternative name (RFC 6125), and authorities that speak ACME either ignore a common
/// name or refuse one longer than 64 characters.
///
/// # Errors
/// [`KeyUseError`] names the name or the algorithm that cannot be used.
pub fn certificate_request<S: AsRef<str>>(key: &PrivateKey, names: &[S]) -> Result<Vec<u8>, KeyUseError> {
    request(key, &canonical(names)?, &DistinguishedName::default())
}

/// The same for an authority that people send it to, which may copy the subject: it is the first name, if a common name has room for it
/// (64 characters).
///
/// # Errors
/// As [`certificate_request`].
pub fn titled_certificate_request<S: AsRef<str>>(key: &PrivateKey, names: &[S]) -> Result<Vec<u8>, KeyUseError> {
    let names = canonical(names)?;
    let common_name = names.first().filter(|name| name.len() <= 64).map(|name| format!("CN={name}"));
    let subject = common_name.and_then(|text| DistinguishedName::parse(&text).ok()).unwrap_or_default();
    request(key, &names, &subject)
}

fn canonical<S: AsRef<str>>(names: &[S]) -> Result<Vec<String>, KeyUseError> {
    let mut canonical: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let name = name.as_ref();
        let normal = normalise_dns_name(name)
            .map_err(|error| KeyUseError::Name { name: name.chars().take(300).collect(), why: error.to_string() })?;
        if !canonical.contains(&normal) {
            canonical.push(normal);
        }
    }
    if canonical.is_empty() {
        return Err(KeyUseError::NoNames);
    }
    Ok(canonical)
}

fn request(key: &PrivateKey, names: &[String], subject: &DistinguishedName) -> Result<Vec<u8>, KeyUseError> {
    let names: Vec<GeneralName> = names.iter().cloned().map(GeneralName::Dns).collect();
    let scheme = SignatureScheme::of(key).ok_or_else(|| KeyUseError::Unsupported(key.algorithm().to_owned()))?;
    let info = request_to_be_signed(subject, key.spki_der(), &names);
    Ok(signed(&info, scheme, &sign(key, &info)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::generate;
    use certhold_domain::renewal::KeyKind;
    use certhold_pki::{CsrFacts, verify_request};

    #[test]
    fn every_kind_of_key_signs_a_request_for_its_names() {
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048, KeyKind::Rsa3072, KeyKind::Ed25519, KeyKind::MlDsa65] {
            let key = generate(kind).unwrap();
            let der = certificate_request(&key, &["Example.com", "*.example.com", "bücher.example", "example.com."]).unwrap();
            verify_request(&der).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
            let facts = CsrFacts::of(&der).unwrap();
            let names: Vec<_> = facts.dns_names().collect();
            assert_eq!(names, ["example.com", "*.example.com", "xn--bcher-kva.example"], "{kind:?}");
            assert_eq!(facts.subject, "");
            let titled = |name: &str| CsrFacts::of(&titled_certificate_request(&key, &[name]).unwrap()).unwrap().subject;
            assert_eq!(titled("WWW.example.com"), "CN=www.example.com");
            assert_eq!(titled(&format!("{0}.{0}.example", "a".repeat(40))), "", "a common name has 64 characters");
            assert_eq!(facts.spki_sha256, key.spki_sha256());
        }
    }

    #[test]
    fn hostile_names_make_no_request() {
        let key = generate(KeyKind::P256).unwrap();
        for bad in [
            "",
            "a b",
            "<b>.example",
            "a\0.example",
            "*",
            "a.*.example",
            "192.0.2.1",
            &"a".repeat(64),
            "a\u{202e}.example.com\u{0}",
        ] {
            let refused = certificate_request(&key, &["good.example", bad]);
            assert!(matches!(refused, Err(KeyUseError::Name { .. })), "{bad:?}");
        }
        assert_eq!(certificate_request(&key, &[] as &[&str]), Err(KeyUseError::NoNames));
    }
}
