//! Checking signatures on certificates and requests with AWS-LC.
//!
//! What cannot be checked here is never called invalid: a verdict on an Ed448 or MD5 signature would be a guess.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA1_ASN1, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P256K1_SHA256_ASN1,
    ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA1_ASN1, ECDSA_P521_SHA224_ASN1,
    ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519, ML_DSA_44, ML_DSA_65, ML_DSA_87,
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};

use crate::asn1::{Element, Reader, bit_length, small_integer, tag};
use crate::certificate::{Certificate, NotACertificate};
use crate::facts::signature_algorithm;
use crate::oid;

/// Why a signature is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The signature was checked and does not fit: other key, or altered content.
    #[error("the signature does not fit the issuer's key")]
    Invalid,
    /// The algorithm, key size or combination cannot be checked here; nothing is said about the signature.
    #[error("a signature with {0} is not verifiable here")]
    NotVerifiable(String),
    /// The signed object or the issuer's certificate cannot be read.
    #[error(transparent)]
    NotACertificate(#[from] NotACertificate),
    /// The certificate signing request cannot be read.
    #[error(transparent)]
    NotARequest(#[from] crate::request::NotARequest),
}

/// Checks that the certificate was signed with the key of `issuer_der`. Only the mathematics: names, validity and
/// constraints are not looked at.
///
/// # Errors
/// [`SignatureError::Invalid`] when it does not fit, [`SignatureError::NotVerifiable`] when it cannot be told.
pub fn verify_signed_by(certificate_der: &[u8], issuer_der: &[u8]) -> Result<(), SignatureError> {
    let certificate = Certificate::locate(certificate_der)?;
    let issuer = Certificate::locate(issuer_der)?;
    verify_certificate(&certificate, &issuer)
}

pub(crate) fn verify_certificate(certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> Result<(), SignatureError> {
    let signed =
        Signed { message: certificate.to_be_signed, algorithm: certificate.outer_algorithm, signature: certificate.signature };
    verify(&signed, &issuer.spki)
}

/// A message with its signature.
pub(crate) struct Signed<'a> {
    pub(crate) message: &'a [u8],
    pub(crate) algorithm: Element<'a>,
    pub(crate) signature: &'a [u8],
}

pub(crate) fn verify(signed: &Signed<'_>, spki: &Element<'_>) -> Result<(), SignatureError> {
    let name = signature_algorithm(&signed.algorithm);
    let Some(key) = PublicKey::of(spki) else {
        return Err(SignatureError::NotVerifiable(format!("{name} by a malformed public key")));
    };
    let Some(algorithm) = choose(&name, &signed.algorithm, &key) else {
        return Err(SignatureError::NotVerifiable(format!("{name} by a key of the kind {}", key.describe())));
    };
    // A key that AWS-LC refuses, for an exponent it finds too large for instance, says nothing about the signature.
    let parsed = UnparsedPublicKey::new(algorithm, key.bits)
        .parse()
        .map_err(|_| SignatureError::NotVerifiable(format!("{name} by an unusual key of the kind {}", key.describe())))?;
    parsed.verify_sig(signed.message, signed.signature).map_err(|_| SignatureError::Invalid)
}

struct PublicKey<'a> {
    algorithm: &'a [u8],
    curve: &'a [u8],
    /// Content of the BIT STRING: RSAPublicKey, point, or raw key, as AWS-LC takes them.
    bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    fn of(spki: &Element<'a>) -> Option<Self> {
        let mut fields = spki.inside();
        let mut identifier = fields.enter(tag::SEQUENCE)?;
        let algorithm = identifier.take(tag::OID)?.content;
        let curve = identifier.take(tag::OID).map(|curve| curve.content).unwrap_or_default();
        Some(PublicKey { algorithm, curve, bits: fields.take(tag::BIT_STRING)?.bits()? })
    }

    fn rsa_bits(&self) -> u32 {
        let modulus = Reader::new(self.bits).enter(tag::SEQUENCE).and_then(|mut key| key.take(tag::INTEGER));
        modulus.map_or(0, |modulus| bit_length(modulus.content))
    }

    fn describe(&self) -> String {
        let name = oid::key_algorithm(self.algorithm).map_or_else(|| oid::dotted(self.algorithm), str::to_owned);
        match self.algorithm {
            oid::RSA | oid::RSASSA_PSS => format!("{name} with {} bits", self.rsa_bits()),
            oid::EC => match oid::curve(self.curve) {
                Some((curve, _)) => format!("{name} on {curve}"),
                None => format!("{name} on another curve"),
            },
            _ => name,
        }
    }
}

fn choose(name: &str, identifier: &Element<'_>, key: &PublicKey<'_>) -> Option<&'static dyn VerificationAlgorithm> {
    match key.algorithm {
        oid::RSA | oid::RSASSA_PSS if name == "RSASSA-PSS" => pss(identifier, key.rsa_bits()),
        oid::RSA => pkcs1(name, key.rsa_bits()),
        oid::EC => ecdsa(name, key.curve),
        oid::ED25519 if name == "Ed25519" => Some(&ED25519),
        other => match (name, oid::key_algorithm(other)?) {
            ("ML-DSA-44", "ML-DSA-44") => Some(&ML_DSA_44),
            ("ML-DSA-65", "ML-DSA-65") => Some(&ML_DSA_65),
            ("ML-DSA-87", "ML-DSA-87") => Some(&ML_DSA_87),
            _ => None,
        },
    }
}

fn pkcs1(name: &str, bits: u32) -> Option<&'static dyn VerificationAlgorithm> {
    match (name, bits) {
        ("sha256WithRSAEncryption", 1024..=8192) => Some(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        ("sha512WithRSAEncryption", 1024..=8192) => Some(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        ("sha384WithRSAEncryption", 2048..=8192) => Some(&RSA_PKCS1_2048_8192_SHA384),
        ("sha1WithRSAEncryption" | "sha1WithRSA", 1024..=8192) => Some(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
        _ => None,
    }
}

fn ecdsa(name: &str, curve: &[u8]) -> Option<&'static dyn VerificationAlgorithm> {
    let hash = name.strip_prefix("ecdsa-with-")?;
    Some(match (curve, hash) {
        (oid::P256, "SHA1") => &ECDSA_P256_SHA1_ASN1,
        (oid::P256, "SHA256") => &ECDSA_P256_SHA256_ASN1,
        (oid::P256, "SHA384") => &ECDSA_P256_SHA384_ASN1,
        (oid::P256, "SHA512") => &ECDSA_P256_SHA512_ASN1,
        (oid::P384, "SHA256") => &ECDSA_P384_SHA256_ASN1,
        (oid::P384, "SHA384") => &ECDSA_P384_SHA384_ASN1,
        (oid::P384, "SHA512") => &ECDSA_P384_SHA512_ASN1,
        (oid::P521, "SHA1") => &ECDSA_P521_SHA1_ASN1,
        (oid::P521, "SHA224") => &ECDSA_P521_SHA224_ASN1,
        (oid::P521, "SHA256") => &ECDSA_P521_SHA256_ASN1,
        (oid::P521, "SHA384") => &ECDSA_P521_SHA384_ASN1,
        (oid::P521, "SHA512") => &ECDSA_P521_SHA512_ASN1,
        (oid::SECP256K1, "SHA256") => &ECDSA_P256K1_SHA256_ASN1,
        _ => return None,
    })
}

/// RSASSA-PSS-params (RFC 8017 appendix A.2.3): hash, mask generation, salt length, trailer; AWS-LC checks salts as
/// long as the hash, with the same hash in the mask.
fn pss(identifier: &Element<'_>, bits: u32) -> Option<&'static dyn VerificationAlgorithm> {
    if !(2048..=8192).contains(&bits) {
        return None;
    }
    let mut fields = identifier.inside();
    fields.take(tag::OID)?;
    let mut parameters = fields.enter(tag::SEQUENCE)?;
    let hash = parameters.enter(tag::context(0))?.enter(tag::SEQUENCE)?.take(tag::OID)?.content;
    let mut mask = parameters.enter(tag::context(1))?.enter(tag::SEQUENCE)?;
    mask.take(tag::OID)?;
    let mask_hash = mask.enter(tag::SEQUENCE)?.take(tag::OID)?.content;
    let salt = small_integer(parameters.enter(tag::context(2))?.take(tag::INTEGER)?.content)?;
    if hash != mask_hash {
        return None;
    }
    match (hash, salt) {
        ([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 1], 32) => Some(&RSA_PSS_2048_8192_SHA256),
        ([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 2], 48) => Some(&RSA_PSS_2048_8192_SHA384),
        ([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 3], 64) => Some(&RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}
