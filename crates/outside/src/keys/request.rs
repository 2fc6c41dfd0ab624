//! Certificate signing requests (RFC 2986).

use super::KeyUseError;
use super::signer::Signer;
use certhold_pki::{PrivateKey, normalise_dns_name};
use rcgen::{CertificateParams, DistinguishedName};

/// A certificate request in DER for `names` (DNS names; a wildcard as the leftmost label is allowed), signed with `key`.
///
/// The subject is empty: what counts is the subject alternative name (RFC 6125), and authorities either ignore a common
/// name or refuse one longer than 64 characters.
///
/// # Errors
/// [`KeyUseError`] names the name or the algorithm that cannot be used.
pub fn certificate_request<S: AsRef<str>>(key: &PrivateKey, names: &[S]) -> Result<Vec<u8>, KeyUseError> {
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
    let failed = |_| KeyUseError::Library("build a certificate request");
    let mut parameters = CertificateParams::new(canonical).map_err(failed)?;
    parameters.distinguished_name = DistinguishedName::new();
    let request = parameters.serialize_request(&Signer::of(key)?).map_err(failed)?;
    Ok(request.der().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::generate;
    use certhold_domain::renewal::KeyKind;
    use certhold_pki::{CsrFacts, verify_request};

    #[test]
    fn every_kind_of_key_signs_a_request_for_its_names() {
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048, KeyKind::Rsa3072, KeyKind::Ed25519] {
            let key = generate(kind).unwrap();
            let der = certificate_request(&key, &["Example.com", "*.example.com", "bücher.example", "example.com."]).unwrap();
            verify_request(&der).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
            let facts = CsrFacts::of(&der).unwrap();
            let names: Vec<_> = facts.dns_names().collect();
            assert_eq!(names, ["example.com", "*.example.com", "xn--bcher-kva.example"], "{kind:?}");
            assert_eq!(facts.subject, "");
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
