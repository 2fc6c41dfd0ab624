//! Making keys.

use super::{KeyUseError, sign, titled_certificate_request};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, ML_DSA_65_SIGNING, PqdsaKeyPair, RsaKeyPair,
};
use certhold_domain::renewal::KeyKind;
use certhold_domain::{KeyMaker, MadeKey};
use certhold_pki::PrivateKey;

/// Makes a key. RSA takes up to seconds of one core: call it on a blocking thread.
///
/// # Errors
/// [`KeyUseError::Library`] if the library fails.
pub fn generate(kind: KeyKind) -> Result<PrivateKey, KeyUseError> {
    match kind {
        KeyKind::P256 => elliptic(&ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyKind::P384 => elliptic(&ECDSA_P384_SHA384_ASN1_SIGNING),
        KeyKind::P521 => elliptic(&ECDSA_P521_SHA512_ASN1_SIGNING),
        KeyKind::Rsa2048 => rsa(KeySize::Rsa2048),
        KeyKind::Rsa3072 => rsa(KeySize::Rsa3072),
        KeyKind::Rsa4096 => rsa(KeySize::Rsa4096),
        KeyKind::Ed25519 => {
            // Version 1 has no public key inside; OpenSSL before 3.0 and Java read no other (RFC 8410 section 7).
            let pair = Ed25519KeyPair::generate().map_err(|_| FAILED)?;
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| FAILED)?;
            held(der.as_ref())
        }
        KeyKind::MlDsa65 => {
            let pair = PqdsaKeyPair::generate(&ML_DSA_65_SIGNING).map_err(|_| FAILED)?;
            held(pair.to_pkcs8v1().map_err(|_| FAILED)?.as_ref())
        }
    }
}

/// Makes keys in this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct SoftwareKeys;

impl KeyMaker for SoftwareKeys {
    fn make(&self, kind: KeyKind, names: &[String]) -> Result<MadeKey, String> {
        let key = generate(kind).map_err(|error| error.to_string())?;
        let csr = titled_certificate_request(&key, names).map_err(|error| error.to_string())?;
        Ok(MadeKey { key, csr })
    }

    fn key(&self, kind: KeyKind) -> Result<PrivateKey, String> {
        generate(kind).map_err(|error| error.to_string())
    }

    fn sign(&self, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, String> {
        sign(key, message).map_err(|error| error.to_string())
    }
}

const FAILED: KeyUseError = KeyUseError::Library("make a key");

fn elliptic(algorithm: &'static EcdsaSigningAlgorithm) -> Result<PrivateKey, KeyUseError> {
    let der = EcdsaKeyPair::generate(algorithm).and_then(|pair| pair.to_pkcs8v1()).map_err(|_| FAILED)?;
    held(der.as_ref())
}

fn rsa(size: KeySize) -> Result<PrivateKey, KeyUseError> {
    let pair = RsaKeyPair::generate(size).map_err(|_| FAILED)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| FAILED)?;
    held(der.as_ref())
}

/// The library's buffers wipe themselves; what is held afterwards does, too.
fn held(pkcs8: &[u8]) -> Result<PrivateKey, KeyUseError> {
    PrivateKey::of(pkcs8).map_err(|_| FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_made_as_named() {
        for (kind, algorithm, bits, curve) in [
            (KeyKind::P256, "EC", Some(256), Some("P-256")),
            (KeyKind::P384, "EC", Some(384), Some("P-384")),
            (KeyKind::P521, "EC", Some(521), Some("P-521")),
            (KeyKind::Rsa2048, "RSA", Some(2048), None),
            (KeyKind::Rsa3072, "RSA", Some(3072), None),
            (KeyKind::Ed25519, "Ed25519", None, None),
            (KeyKind::MlDsa65, "ML-DSA-65", None, None),
        ] {
            let key = generate(kind).unwrap();
            assert_eq!((key.algorithm(), key.curve()), (algorithm, curve), "{kind:?}");
            assert_eq!(key.bits().filter(|_| bits.is_some()), bits, "{kind:?}");
            assert_ne!(key.spki_sha256(), generate(kind).unwrap().spki_sha256(), "{kind:?} is made twice");
        }
    }
}
