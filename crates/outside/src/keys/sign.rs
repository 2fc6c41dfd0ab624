//! Signing octets with a held key, by the scheme that fits the key.

use super::KeyUseError;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair,
    PqdsaSigningAlgorithm, RSA_PKCS1_SHA256, RsaKeyPair,
};
use certhold_pki::PrivateKey;
use certhold_pki::issue::SignatureScheme;

const FAILED: KeyUseError = KeyUseError::Library("sign");

/// Signs `message` by [`SignatureScheme::of`] the key.
///
/// # Errors
/// [`KeyUseError::Unsupported`] for keys that sign nothing here.
pub fn sign(key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, KeyUseError> {
    let scheme = SignatureScheme::of(key).ok_or_else(|| KeyUseError::Unsupported(key.algorithm().to_owned()))?;
    match scheme {
        SignatureScheme::RsaSha256 => {
            let pair = RsaKeyPair::from_pkcs8(key.pkcs8_der()).map_err(|_| UNREADABLE)?;
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(|_| FAILED)?;
            Ok(signature)
        }
        SignatureScheme::EcdsaSha256 => elliptic(&ECDSA_P256_SHA256_ASN1_SIGNING, key, message),
        SignatureScheme::EcdsaSha384 => elliptic(&ECDSA_P384_SHA384_ASN1_SIGNING, key, message),
        SignatureScheme::EcdsaSha512 => elliptic(&ECDSA_P521_SHA512_ASN1_SIGNING, key, message),
        SignatureScheme::Ed25519 => {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.pkcs8_der()).map_err(|_| UNREADABLE)?;
            Ok(pair.sign(message).as_ref().to_vec())
        }
        SignatureScheme::MlDsa44 => lattice(&ML_DSA_44_SIGNING, key, message),
        SignatureScheme::MlDsa65 => lattice(&ML_DSA_65_SIGNING, key, message),
        SignatureScheme::MlDsa87 => lattice(&ML_DSA_87_SIGNING, key, message),
    }
}

const UNREADABLE: KeyUseError = KeyUseError::Library("read a key that it had accepted before");

fn elliptic(algorithm: &'static EcdsaSigningAlgorithm, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, KeyUseError> {
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, key.pkcs8_der()).map_err(|_| UNREADABLE)?;
    pair.sign(&SystemRandom::new(), message).map(|signature| signature.as_ref().to_vec()).map_err(|_| FAILED)
}

fn lattice(algorithm: &'static PqdsaSigningAlgorithm, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, KeyUseError> {
    let pair = PqdsaKeyPair::from_pkcs8(algorithm, key.pkcs8_der()).map_err(|_| UNREADABLE)?;
    let mut signature = vec![0; algorithm.signature_len()];
    let length = pair.sign(message, &mut signature).map_err(|_| FAILED)?;
    signature.truncate(length);
    Ok(signature)
}
