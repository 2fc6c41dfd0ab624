//! Making keys.

use super::KeyUseError;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    RsaKeyPair,
};
use certhold_pki::PrivateKey;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The kinds of keys that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(into = "&'static str", try_from = "String")]
pub enum KeyKind {
    /// Elliptic curve P-256 (`ec-p256`): small, fast, accepted everywhere.
    #[default]
    P256,
    /// Elliptic curve P-384 (`ec-p384`).
    P384,
    /// RSA with 2048 bits (`rsa-2048`).
    Rsa2048,
    /// RSA with 3072 bits (`rsa-3072`).
    Rsa3072,
    /// RSA with 4096 bits (`rsa-4096`).
    Rsa4096,
    /// Ed25519 (`ed25519`); public authorities do not accept it.
    Ed25519,
}

impl KeyKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::P256, Self::P384, Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::Ed25519];

    /// The name as stored and configured.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "ec-p256",
            Self::P384 => "ec-p384",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::Ed25519 => "ed25519",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<KeyKind> for &'static str {
    fn from(kind: KeyKind) -> Self {
        kind.name()
    }
}

impl TryFrom<String> for KeyKind {
    type Error = UnknownKeyKind;

    fn try_from(name: String) -> Result<Self, UnknownKeyKind> {
        name.parse()
    }
}

/// The name is no kind of key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of key; use ec-p256, ec-p384, rsa-2048, rsa-3072, rsa-4096 or ed25519")]
pub struct UnknownKeyKind(String);

impl FromStr for KeyKind {
    type Err = UnknownKeyKind;

    fn from_str(name: &str) -> Result<Self, UnknownKeyKind> {
        let known = Self::ALL.into_iter().find(|kind| kind.name() == name);
        known.ok_or_else(|| UnknownKeyKind(name.chars().take(50).collect()))
    }
}

/// Makes a key. RSA takes up to seconds of one core: call it on a blocking thread.
///
/// # Errors
/// [`KeyUseError::Library`] if the library fails.
pub fn generate(kind: KeyKind) -> Result<PrivateKey, KeyUseError> {
    match kind {
        KeyKind::P256 => elliptic(&ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyKind::P384 => elliptic(&ECDSA_P384_SHA384_ASN1_SIGNING),
        KeyKind::Rsa2048 => rsa(KeySize::Rsa2048),
        KeyKind::Rsa3072 => rsa(KeySize::Rsa3072),
        KeyKind::Rsa4096 => rsa(KeySize::Rsa4096),
        KeyKind::Ed25519 => {
            // Version 1 has no public key inside; OpenSSL before 3.0 and Java read no other (RFC 8410 section 7).
            let pair = Ed25519KeyPair::generate().map_err(|_| FAILED)?;
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| FAILED)?;
            held(der.as_ref())
        }
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
            (KeyKind::Rsa2048, "RSA", Some(2048), None),
            (KeyKind::Rsa3072, "RSA", Some(3072), None),
            (KeyKind::Ed25519, "Ed25519", None, None),
        ] {
            let key = generate(kind).unwrap();
            assert_eq!((key.algorithm(), key.curve()), (algorithm, curve), "{kind}");
            assert_eq!(key.bits().filter(|_| bits.is_some()), bits, "{kind}");
            assert_ne!(key.spki_sha256(), generate(kind).unwrap().spki_sha256(), "{kind} is made twice");
        }
    }

    #[test]
    fn names_go_both_ways() {
        for kind in KeyKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{kind}\""));
            assert_eq!(serde_json::from_str::<KeyKind>(&json).unwrap(), kind);
        }
        assert!("rsa-512".parse::<KeyKind>().is_err());
    }
}
