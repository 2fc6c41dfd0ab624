//! A certificate to be signed (RFC 5280 section 4.1).

use super::distinguished_name::DistinguishedName;
use super::extension::Extensions;
use super::scheme::SignatureScheme;
use crate::asn1::{Reader, element, put, tag};
use crate::facts::sha256;
use crate::time;

/// Everything that a certificate says.
#[derive(Clone, Debug)]
pub struct Template {
    /// At most 20 octets, read as a positive number (RFC 5280 section 4.1.2.2).
    pub serial: [u8; 16],
    /// The issuer's name.
    pub issuer: DistinguishedName,
    /// The subject's name.
    pub subject: DistinguishedName,
    /// Unix milliseconds; written to the second.
    pub not_before: i64,
    /// Unix milliseconds, inclusive; written to the second.
    pub not_after: i64,
    /// The SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// What it may do.
    pub extensions: Extensions,
}

impl Template {
    /// The TBSCertificate, DER.
    pub fn to_be_signed(&self, scheme: SignatureScheme) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        put(&mut out, tag::context(0), &[tag::INTEGER, 1, 2]);
        put_positive(&mut out, &self.serial);
        out.extend_from_slice(&scheme.identifier());
        out.extend_from_slice(self.issuer.der());
        let mut validity = Vec::with_capacity(34);
        time::put(&mut validity, self.not_before);
        time::put(&mut validity, self.not_after);
        put(&mut out, tag::SEQUENCE, &validity);
        out.extend_from_slice(self.subject.der());
        out.extend_from_slice(&self.public_key);
        self.extensions.put(&mut out, self.subject.is_empty());
        element(tag::SEQUENCE, &[&out])
    }
}

/// A certificate or revocation list: what was signed, how, and the signature.
pub fn signed(to_be_signed: &[u8], scheme: SignatureScheme, signature: &[u8]) -> Vec<u8> {
    element(tag::SEQUENCE, &[to_be_signed, &scheme.identifier(), &element(tag::BIT_STRING, &[&[0], signature])])
}

/// The identifier of a public key: the first 160 bits of SHA-256 of its bits (RFC 7093 section 2, method 1). Empty when the bytes
/// are no SubjectPublicKeyInfo.
pub fn key_identifier(public_key: &[u8]) -> Vec<u8> {
    let bits = Reader::new(public_key).enter(tag::SEQUENCE).and_then(|mut info| {
        info.take(tag::SEQUENCE)?;
        info.take(tag::BIT_STRING)?.bits()
    });
    bits.map(|bits| sha256(bits)[..20].to_vec()).unwrap_or_default()
}

/// An INTEGER that is positive whatever the first bit says, in its shortest form.
pub(super) fn put_positive(out: &mut Vec<u8>, number: &[u8]) {
    let digits = crate::asn1::without_leading_zeros(number);
    let zero: &[u8] = if digits.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
    put(out, tag::INTEGER, &[zero, digits].concat());
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

    use super::*;
    use crate::issue::{ExtendedUsage, GeneralName, KeyUsages, NameConstraints, Subtree};
    use crate::{Facts, PrivateKey, SignatureError, findings, verify_signed_by};

    const YEAR: i64 = 365 * 86_400_000;
    const NOW: i64 = 1_800_000_000_000;

    struct Signer(EcdsaKeyPair, PrivateKey);

    impl Signer {
        fn new() -> Signer {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
            let key = PrivateKey::of(pair.to_pkcs8v1().unwrap().as_ref()).unwrap();
            Signer(pair, key)
        }

        fn sign(&self, template: &Template) -> Vec<u8> {
            let scheme = SignatureScheme::of(&self.1).unwrap();
            let tbs = template.to_be_signed(scheme);
            let signature = self.0.sign(&SystemRandom::new(), &tbs).unwrap();
            signed(&tbs, scheme, signature.as_ref())
        }
    }

    fn root(signer: &Signer) -> Template {
        let name = DistinguishedName::parse("CN=Root,O=Example,C=DE").unwrap();
        let public_key = signer.1.spki_der().to_vec();
        Template {
            serial: [0x91; 16],
            issuer: name.clone(),
            subject: name,
            not_before: NOW,
            not_after: NOW + 30 * YEAR,
            extensions: Extensions {
                authority: Some(Some(1)),
                key_usages: KeyUsages::CERTIFICATE_SIGN.and(KeyUsages::CRL_SIGN),
                subject_key_id: key_identifier(&public_key),
                name_constraints: NameConstraints { permitted: vec![Subtree::parse("example.org").unwrap()], excluded: vec![] },
                ..Extensions::default()
            },
            public_key,
        }
    }

    #[test]
    fn what_is_built_is_read_and_verified() {
        let (authority, server) = (Signer::new(), Signer::new());
        let root_template = root(&authority);
        let root = authority.sign(&root_template);
        let public_key = server.1.spki_der().to_vec();
        let leaf = Template {
            serial: [0; 16],
            issuer: root_template.subject.clone(),
            subject: DistinguishedName::parse("").unwrap(),
            not_before: NOW,
            not_after: NOW + YEAR / 4,
            extensions: Extensions {
                key_usages: KeyUsages::DIGITAL_SIGNATURE,
                extended_usages: vec![ExtendedUsage::ServerAuth],
                names: vec![
                    GeneralName::dns("www.example.org").unwrap(),
                    GeneralName::ip("2001:db8::1").unwrap(),
                    GeneralName::upn("kim@example.org").unwrap(),
                ],
                subject_key_id: key_identifier(&public_key),
                authority_key_id: root_template.extensions.subject_key_id.clone(),
                revocation_list_urls: vec!["http://pki.example.org/crl/1.crl".into()],
                issuer_urls: vec!["http://pki.example.org/ca/1.cer".into()],
                ..Extensions::default()
            },
            public_key,
        };
        let leaf = authority.sign(&Template { serial: [0x7f; 16], ..leaf });
        assert_eq!(verify_signed_by(&root, &root), Ok(()));
        assert_eq!(verify_signed_by(&leaf, &root), Ok(()));
        assert_eq!(verify_signed_by(&root, &leaf), Err(SignatureError::Invalid));
        let facts = Facts::of(&leaf).unwrap();
        assert_eq!(facts.serial, "7f".repeat(16));
        assert_eq!(facts.names.len(), 3);
        assert_eq!(facts.oddities, Vec::<String>::new());
        assert_eq!((facts.not_before, facts.not_after), (NOW, NOW + YEAR / 4));
        let facts = Facts::of(&root).unwrap();
        assert!(facts.is_ca && facts.serial == format!("00{}", "91".repeat(16)) || facts.serial == "91".repeat(16));
        assert_eq!(facts.oddities, Vec::<String>::new());
        for der in [&root, &leaf] {
            let errors: Vec<_> = findings::of(der).unwrap().into_iter().map(|finding| finding.rule.id).collect();
            assert!(!errors.iter().any(|id| id.contains("malformed") || id.contains("der_")), "{errors:?}");
        }
    }
}
