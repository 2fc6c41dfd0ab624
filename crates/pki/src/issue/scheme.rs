//! The algorithms that certificates are signed with here.

use crate::asn1::{element, tag};
use crate::private_key::PrivateKey;

/// A signature algorithm with the AlgorithmIdentifier that stands in certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureScheme {
    /// sha256WithRSAEncryption (RFC 4055).
    RsaSha256,
    /// ecdsa-with-SHA256, for P-256 (RFC 5758).
    EcdsaSha256,
    /// ecdsa-with-SHA384, for P-384.
    EcdsaSha384,
    /// ecdsa-with-SHA512, for P-521.
    EcdsaSha512,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// ML-DSA-44 (RFC 9881).
    MlDsa44,
    /// ML-DSA-65 (RFC 9881).
    MlDsa65,
    /// ML-DSA-87 (RFC 9881).
    MlDsa87,
}

impl SignatureScheme {
    /// The scheme that fits a key; `None` for keys that sign nothing here.
    pub fn of(key: &PrivateKey) -> Option<SignatureScheme> {
        Some(match (key.algorithm(), key.curve()) {
            ("RSA", _) => SignatureScheme::RsaSha256,
            ("EC", Some("P-256")) => SignatureScheme::EcdsaSha256,
            ("EC", Some("P-384")) => SignatureScheme::EcdsaSha384,
            ("EC", Some("P-521")) => SignatureScheme::EcdsaSha512,
            ("Ed25519", _) => SignatureScheme::Ed25519,
            ("ML-DSA-44", _) => SignatureScheme::MlDsa44,
            ("ML-DSA-65", _) => SignatureScheme::MlDsa65,
            ("ML-DSA-87", _) => SignatureScheme::MlDsa87,
            _ => return None,
        })
    }

    /// The AlgorithmIdentifier, DER. RSA has NULL parameters, all others none.
    pub(super) fn identifier(self) -> Vec<u8> {
        let oid: &[u8] = match self {
            SignatureScheme::RsaSha256 => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b],
            SignatureScheme::EcdsaSha256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
            SignatureScheme::EcdsaSha384 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
            SignatureScheme::EcdsaSha512 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
            SignatureScheme::Ed25519 => crate::oid::ED25519,
            SignatureScheme::MlDsa44 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11],
            SignatureScheme::MlDsa65 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12],
            SignatureScheme::MlDsa87 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x13],
        };
        let parameters: &[u8] = if self == SignatureScheme::RsaSha256 { &[tag::NULL, 0] } else { &[] };
        element(tag::SEQUENCE, &[&element(tag::OID, &[oid]), parameters])
    }
}
