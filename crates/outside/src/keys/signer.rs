//! A held key as something that signs X.509 structures.

use super::KeyUseError;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use certhold_pki::PrivateKey;
use rcgen::{
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData,
    SignatureAlgorithm, SigningKey,
};

/// A key ready to sign. rcgen has such a type too, but it keeps a copy of the private key that is not wiped.
pub(super) struct Signer {
    pair: Pair,
    algorithm: &'static SignatureAlgorithm,
}

enum Pair {
    Elliptic(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    pub(super) fn of(key: &PrivateKey) -> Result<Self, KeyUseError> {
        let unusable = |_| KeyUseError::Library("read a key that it had accepted before");
        let elliptic = |algorithm: &'static EcdsaSigningAlgorithm| {
            EcdsaKeyPair::from_pkcs8(algorithm, key.pkcs8_der()).map(Pair::Elliptic).map_err(unusable)
        };
        let (pair, algorithm) = match (key.algorithm(), key.curve()) {
            ("EC", Some("P-256")) => (elliptic(&ECDSA_P256_SHA256_ASN1_SIGNING)?, &PKCS_ECDSA_P256_SHA256),
            ("EC", Some("P-384")) => (elliptic(&ECDSA_P384_SHA384_ASN1_SIGNING)?, &PKCS_ECDSA_P384_SHA384),
            ("EC", Some("P-521")) => (elliptic(&ECDSA_P521_SHA512_ASN1_SIGNING)?, &PKCS_ECDSA_P521_SHA512),
            ("RSA", _) => (RsaKeyPair::from_pkcs8(key.pkcs8_der()).map(Pair::Rsa).map_err(unusable)?, &PKCS_RSA_SHA256),
            ("Ed25519", _) => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.pkcs8_der()).map_err(unusable)?;
                (Pair::Ed25519(pair), &PKCS_ED25519)
            }
            (algorithm, curve) => {
                let name = curve.map_or_else(|| algorithm.to_owned(), |curve| format!("{algorithm} {curve}"));
                return Err(KeyUseError::Unsupported(name));
            }
        };
        Ok(Self { pair, algorithm })
    }
}

impl PublicKeyData for Signer {
    fn der_bytes(&self) -> &[u8] {
        match &self.pair {
            Pair::Elliptic(pair) => pair.public_key().as_ref(),
            Pair::Rsa(pair) => pair.public_key().as_ref(),
            Pair::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl SigningKey for Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let failed = |_| rcgen::Error::RemoteKeyError;
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Elliptic(pair) => pair.sign(&random, message).map(|s| s.as_ref().to_vec()).map_err(failed),
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }
}
