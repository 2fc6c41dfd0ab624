//! Private keys: read in every unencrypted form people have, held as PKCS#8, never shown.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, ML_DSA_44_SIGNING,
    ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair, PqdsaSigningAlgorithm, RsaKeyPair,
};
use num_bigint::BigUint;
use zeroize::Zeroizing;

use crate::asn1::{Element, Reader, element, tag, without_leading_zeros};
use crate::certificate::{Certificate, NotACertificate};
use crate::facts::sha256;
use crate::public_key::KeyFacts;
use crate::recognise::{self, Kind};
use crate::{oid, pem};

/// The largest private key that is read, in bytes of DER.
const KEY_BYTES_MAX: usize = 64 * 1024;

/// Sizes of RSA keys, in bits, whose consistency AWS-LC checks.
const RSA_CHECKED_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;

/// Why bytes are not a private key that can be held. Never contains key material.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are something else that this crate recognises.
    #[error("this is {0}, not an unencrypted private key")]
    Other(&'static str),
    /// Not the structure that the standard demands.
    #[error("the private key is malformed: {0}")]
    Malformed(&'static str),
    /// The algorithm's public key cannot be computed here.
    #[error("a private key of the algorithm {0} cannot be held: its public key cannot be computed here")]
    Unsupported(String),
    /// The private and the public part do not belong together, or the numbers are not a key at all.
    #[error("the parts of this {0} private key do not belong together")]
    Inconsistent(String),
}

/// A private key as PKCS#8, with its public key.
///
/// The private bytes are wiped when the value is dropped. There is deliberately no `Debug`, `Display`, `Serialize` or
/// `PartialEq`: the only ways out are [`PrivateKey::pkcs8_der`] and [`PrivateKey::pkcs8_pem`].
#[derive(Clone)]
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    spki: Vec<u8>,
    facts_algorithm: String,
    bits: Option<u32>,
    curve: Option<String>,
}

impl PrivateKey {
    /// Reads a private key in DER: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC 1 (RFC 5915), the last with or without
    /// its public key. PKCS#8 is kept as it is, the other forms are converted.
    ///
    /// # Errors
    /// [`KeyError`] when it is something else, malformed, inconsistent, or of an algorithm whose public key cannot be
    /// computed here.
    pub fn of(der: &[u8]) -> Result<PrivateKey, KeyError> {
        let kind = recognise::der(der);
        let mut reader = Reader::new(der);
        let whole = match kind {
            Some(Kind::Pkcs8 | Kind::Pkcs1 | Kind::Sec1) => {
                reader.take(tag::SEQUENCE).ok_or(KeyError::Malformed("it is cut off"))?
            }
            _ => return Err(KeyError::Other(recognise::found(der))),
        };
        if whole.whole.len() > KEY_BYTES_MAX {
            return Err(KeyError::Malformed("it is larger than any private key"));
        }
        match kind {
            Some(Kind::Pkcs1) => Self::of_pkcs1(&whole),
            Some(Kind::Sec1) => Self::of_sec1(&whole, None),
            _ => Self::of_pkcs8(&whole),
        }
    }

    /// The key as PKCS#8 DER.
    pub fn pkcs8_der(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The key as a PEM block `PRIVATE KEY`.
    pub fn pkcs8_pem(&self) -> Zeroizing<String> {
        pem::encode_secret(pem::PRIVATE_KEY, &self.pkcs8)
    }

    /// The SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) of the public key.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of [`PrivateKey::spki_der`]; compare with [`crate::Facts::spki_sha256`].
    pub fn spki_sha256(&self) -> [u8; 32] {
        sha256(&self.spki)
    }

    /// The algorithm as in [`crate::Facts::key_algorithm`].
    pub fn algorithm(&self) -> &str {
        &self.facts_algorithm
    }

    /// The size as in [`crate::Facts::key_bits`].
    pub fn bits(&self) -> Option<u32> {
        self.bits
    }

    /// The curve as in [`crate::Facts::key_curve`].
    pub fn curve(&self) -> Option<&str> {
        self.curve.as_deref()
    }

    /// Whether the certificate is for this key. Compares the keys, not their encodings: a compressed point or absent
    /// parameters make no difference.
    ///
    /// # Errors
    /// [`NotACertificate`] when the bytes are no certificate.
    pub fn matches(&self, certificate_der: &[u8]) -> Result<bool, NotACertificate> {
        let certificate = Certificate::locate(certificate_der)?;
        Ok(same_public_key(&self.spki, certificate.spki.whole))
    }

    fn of_pkcs1(key: &Element<'_>) -> Result<PrivateKey, KeyError> {
        let algorithm = element(tag::SEQUENCE, &[&element(tag::OID, &[oid::RSA]), &element(tag::NULL, &[])]);
        let pkcs8 = pkcs8_of(&algorithm, key.whole);
        Self::of_rsa(pkcs8, &algorithm, key)
    }

    fn of_pkcs8(whole: &Element<'_>) -> Result<PrivateKey, KeyError> {
        let mut fields = whole.inside();
        let malformed = KeyError::Malformed("it is not a PKCS#8 structure");
        fields.take(tag::INTEGER).ok_or(malformed.clone())?;
        let algorithm = fields.take(tag::SEQUENCE).ok_or(malformed.clone())?;
        let private = fields.take(tag::OCTET_STRING).ok_or(malformed.clone())?;
        let mut identifier = algorithm.inside();
        let kind = identifier.take(tag::OID).ok_or(malformed.clone())?;
        let pkcs8 = Zeroizing::new(whole.whole.to_vec());
        match kind.content {
            oid::RSA | oid::RSASSA_PSS => {
                let key = private.inside().take(tag::SEQUENCE).ok_or(malformed)?;
                Self::of_rsa(pkcs8, algorithm.whole, &key)
            }
            oid::EC => {
                let key = private.inside().take(tag::SEQUENCE).ok_or(malformed)?;
                let named = identifier.take(tag::OID).ok_or(KeyError::Unsupported("EC with explicit parameters".to_owned()))?;
                Self::of_sec1(&key, Some((pkcs8, named.content)))
            }
            oid::ED25519 => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).map_err(|_| inconsistent("Ed25519"))?;
                let spki = spki_of(algorithm.whole, pair.public_key().as_ref());
                Ok(Self::new(pkcs8, spki))
            }
            other => match ml_dsa(other) {
                Some((name, algorithms)) => {
                    let pair = PqdsaKeyPair::from_pkcs8(algorithms, &pkcs8).map_err(|_| inconsistent(name))?;
                    let spki = spki_of(algorithm.whole, pair.public_key().as_ref());
                    Ok(Self::new(pkcs8, spki))
                }
                None => Err(KeyError::Unsupported(oid::key_algorithm(other).map_or_else(|| oid::dotted(other), str::to_owned))),
            },
        }
    }

    /// `key` is the RSAPrivateKey: version, n, e, d, p, q, dP, dQ, qInv (RFC 8017 appendix A.1.2).
    fn of_rsa(pkcs8: Zeroizing<Vec<u8>>, algorithm: &[u8], key: &Element<'_>) -> Result<PrivateKey, KeyError> {
        let mut numbers = key.inside();
        let mut number = || numbers.take(tag::INTEGER).ok_or(KeyError::Malformed("a number of the RSA key is missing"));
        if number()?.content == [1] {
            return Err(KeyError::Unsupported("RSA with more than two primes".to_owned()));
        }
        let (modulus, exponent) = (number()?, number()?);
        let (d, p, q, dp, dq, q_inverse) = (number()?, number()?, number()?, number()?, number()?, number()?);
        let bits = crate::asn1::bit_length(modulus.content);
        let zero = without_leading_zeros(exponent.content).is_empty();
        if bits < 512 || zero || modulus.content.first().is_some_and(|first| first & 0x80 != 0) {
            return Err(inconsistent("RSA"));
        }
        let is_one = match RSA_CHECKED_BITS.contains(&bits) {
            true => RsaKeyPair::from_der(key.whole).is_ok(),
            false => is_rsa_key([&modulus, &exponent, &d, &p, &q, &dp, &dq, &q_inverse].map(|number| number.content)),
        };
        if !is_one {
            return Err(inconsistent("RSA"));
        }
        let public = element(tag::SEQUENCE, &[modulus.whole, exponent.whole]);
        let spki = spki_of(algorithm, &public);
        Ok(Self::new(pkcs8, spki))
    }

    /// `key` is the ECPrivateKey of RFC 5915: version, private key, [0] curve, [1] public key. Inside PKCS#8, the
    /// curve stands outside and is given with the whole structure.
    fn of_sec1(key: &Element<'_>, pkcs8: Option<(Zeroizing<Vec<u8>>, &[u8])>) -> Result<PrivateKey, KeyError> {
        let malformed = KeyError::Malformed("it is not an EC private key");
        let mut fields = key.inside();
        fields.take(tag::INTEGER).ok_or(malformed.clone())?;
        let secret = fields.take(tag::OCTET_STRING).ok_or(malformed.clone())?;
        let inner_curve = fields.enter(tag::context(0)).and_then(|mut curve| curve.next());
        let given_public = fields.enter(tag::context(1)).and_then(|mut public| public.take(tag::BIT_STRING)?.bits());
        let curve = match (&pkcs8, inner_curve) {
            (Some((_, curve)), _) => curve,
            (None, Some(curve)) if curve.tag == tag::OID => curve.content,
            (None, Some(_)) => {
                return Err(KeyError::Unsupported("EC with explicit parameters".to_owned()));
            }
            (None, None) => {
                return Err(KeyError::Malformed("it does not say which curve it belongs to"));
            }
        };
        let Some((algorithms, octets)) = ecdsa(curve) else {
            let name = oid::curve(curve).map_or_else(|| oid::dotted(curve), |(name, _)| name.to_owned());
            return Err(KeyError::Unsupported(format!("EC on the curve {name}")));
        };
        let scalar = padded(secret.content, octets).ok_or(malformed)?;
        let public = ec_public(algorithms, curve, &scalar).ok_or_else(|| inconsistent("EC"))?;
        if given_public.is_some_and(|given| !same_point(given, &public)) {
            return Err(inconsistent("EC"));
        }
        let algorithm = element(tag::SEQUENCE, &[&element(tag::OID, &[oid::EC]), &element(tag::OID, &[curve])]);
        let pkcs8 = match pkcs8 {
            Some((pkcs8, _)) => pkcs8,
            None => pkcs8_of(&algorithm, &ec_private_key(&scalar, None, Some(&public))),
        };
        let spki = spki_of(&algorithm, &public);
        Ok(Self::new(pkcs8, spki))
    }

    fn new(pkcs8: Zeroizing<Vec<u8>>, spki: Vec<u8>) -> PrivateKey {
        let facts = Reader::new(&spki).next().map(|spki| KeyFacts::of(&spki));
        let (facts_algorithm, bits, curve) = facts.map(|f| (f.algorithm, f.bits, f.curve)).unwrap_or_default();
        PrivateKey { pkcs8, spki, facts_algorithm, bits, curve }
    }
}

fn inconsistent(algorithm: &str) -> KeyError {
    KeyError::Inconsistent(algorithm.to_owned())
}

/// Signing algorithms of AWS-LC by curve, and the length of a private key in octets.
fn ecdsa(curve: &[u8]) -> Option<(&'static EcdsaSigningAlgorithm, usize)> {
    Some(match curve {
        oid::P256 => (&ECDSA_P256_SHA256_ASN1_SIGNING, 32),
        oid::P384 => (&ECDSA_P384_SHA384_ASN1_SIGNING, 48),
        oid::P521 => (&ECDSA_P521_SHA512_ASN1_SIGNING, 66),
        oid::SECP256K1 => (&ECDSA_P256K1_SHA256_ASN1_SIGNING, 32),
        _ => return None,
    })
}

fn ml_dsa(oid: &[u8]) -> Option<(&'static str, &'static PqdsaSigningAlgorithm)> {
    match oid::key_algorithm(oid)? {
        name @ "ML-DSA-44" => Some((name, &ML_DSA_44_SIGNING)),
        name @ "ML-DSA-65" => Some((name, &ML_DSA_65_SIGNING)),
        name @ "ML-DSA-87" => Some((name, &ML_DSA_87_SIGNING)),
        _ => None,
    }
}

/// Private keys are octet strings of the field's length; some software leaves out leading zeros or adds one.
fn padded(secret: &[u8], octets: usize) -> Option<Zeroizing<Vec<u8>>> {
    let digits = without_leading_zeros(secret);
    let missing = octets.checked_sub(digits.len())?;
    let mut out = Zeroizing::new(Vec::with_capacity(octets));
    out.resize(missing, 0);
    out.extend_from_slice(digits);
    Some(out)
}

/// The uncompressed public point of a private key.
fn ec_public(algorithm: &'static EcdsaSigningAlgorithm, curve: &[u8], scalar: &[u8]) -> Option<Vec<u8>> {
    let der = ec_private_key(scalar, Some(curve), None);
    let pair = EcdsaKeyPair::from_private_key_der(algorithm, &der).ok()?;
    Some(pair.public_key().as_ref().to_vec())
}

/// ECPrivateKey of RFC 5915.
fn ec_private_key(scalar: &[u8], curve: Option<&[u8]>, public: Option<&[u8]>) -> Zeroizing<Vec<u8>> {
    let secret = Zeroizing::new(element(tag::OCTET_STRING, &[scalar]));
    let curve = curve.map(|curve| element(tag::context(0), &[&element(tag::OID, &[curve])])).unwrap_or_default();
    let public = public.map(|point| element(tag::context(1), &[&element(tag::BIT_STRING, &[&[0], point])])).unwrap_or_default();
    Zeroizing::new(element(tag::SEQUENCE, &[&[tag::INTEGER, 1, 1], &secret, &curve, &public]))
}

/// PrivateKeyInfo of RFC 5958, version 1.
fn pkcs8_of(algorithm: &[u8], private: &[u8]) -> Zeroizing<Vec<u8>> {
    let octets = Zeroizing::new(element(tag::OCTET_STRING, &[private]));
    Zeroizing::new(element(tag::SEQUENCE, &[&[tag::INTEGER, 1, 0], algorithm, &octets]))
}

fn spki_of(algorithm: &[u8], public: &[u8]) -> Vec<u8> {
    element(tag::SEQUENCE, &[algorithm, &element(tag::BIT_STRING, &[&[0], public])])
}

/// Whether two SubjectPublicKeyInfo elements hold the same key, however they are encoded.
pub(crate) fn same_public_key(one: &[u8], other: &[u8]) -> bool {
    if one == other {
        return true;
    }
    let parts = |spki| {
        let mut fields = Reader::new(spki).enter(tag::SEQUENCE)?;
        let mut identifier = fields.enter(tag::SEQUENCE)?;
        let algorithm = identifier.take(tag::OID)?.content;
        let curve = identifier.take(tag::OID).map(|curve| curve.content);
        Some((algorithm, curve, fields.take(tag::BIT_STRING)?.bits()?))
    };
    let (Some(one), Some(other)) = (parts(one), parts(other)) else {
        return false;
    };
    match (one.0, other.0) {
        (oid::EC, oid::EC) => one.1 == other.1 && same_point(one.2, other.2),
        (oid::RSA | oid::RSASSA_PSS, oid::RSA | oid::RSASSA_PSS) => one.2 == other.2,
        (a, b) => a == b && one.2 == other.2,
    }
}

/// Whether two points (SEC 1 section 2.3.3) are the same, uncompressed, compressed or hybrid.
fn same_point(one: &[u8], other: &[u8]) -> bool {
    /// The x coordinate and whether y is odd.
    fn compressed(point: &[u8]) -> Option<(&[u8], bool)> {
        let (form, coordinates) = point.split_first()?;
        match form {
            2 | 3 => Some((coordinates, form & 1 == 1)),
            4 | 6 | 7 => {
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                Some((x, y.last()? & 1 == 1))
            }
            _ => None,
        }
    }
    if one.first() == other.first() {
        return one == other;
    }
    matches!((compressed(one), compressed(other)), (Some(one), Some(other)) if one == other)
}

/// Whether the numbers are those of one key: n, e, d, p, q, dP, dQ, qInv (RFC 8017 section 3.2). For sizes that the cryptography library
/// takes no keys of: a modulus alone can be copied from any certificate, but whoever has its factors has the key.
fn is_rsa_key(numbers: [&[u8]; 8]) -> bool {
    if numbers.iter().any(|number| number.first().is_none_or(|first| first & 0x80 != 0)) {
        return false;
    }
    let [n, e, d, p, q, dp, dq, q_inverse] = numbers.map(BigUint::from_bytes_be);
    let one = BigUint::from(1_u8);
    if p <= one || q <= one || &p * &q != n {
        return false;
    }
    let (below_p, below_q) = (&p - &one, &q - &one);
    let inverts = |below: &BigUint| &e * &d % below == one;
    inverts(&below_p) && inverts(&below_q) && dp == &d % &below_p && dq == &d % &below_q && q_inverse * q % p == one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_one_key_are_an_rsa_key() {
        let whole: [u16; 8] = [3233, 17, 2753, 61, 53, 53, 49, 38];
        let is_key = |numbers: [u16; 8]| {
            let bytes = numbers.map(u16::to_be_bytes);
            is_rsa_key(std::array::from_fn(|place| bytes[place].as_slice()))
        };
        assert!(is_key(whole));
        for place in 0..8 {
            for other in [0, 1, whole[place] + 1, whole[place] + 2] {
                let mut forged = whole;
                forged[place] = other;
                assert!(!is_key(forged), "number {place} as {other}");
            }
        }
        assert!(!is_key([3233, 17, 2753, 3233, 1, 0, 0, 1]), "no factors");
        assert!(!is_rsa_key([&[]; 8]) && !is_rsa_key([&[0x80]; 8]));
    }
}
