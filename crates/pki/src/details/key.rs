//! Public keys in detail (RFC 5280 section 4.1.2.7 and the standards of the algorithms).

use serde::Serialize;

use super::algorithm::Algorithm;
use super::curves;
use crate::asn1::{Element, Reader, bit_length, tag, without_leading_zeros};
use crate::public_key::KeyFacts;
use crate::{hex_bytes, oid};

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicKeyDetail {
    /// Its algorithm; of an RSASSA-PSS key, with what the key is restricted to.
    pub algorithm: Algorithm,
    /// Its size in bits, as in [`crate::Facts::key_bits`].
    pub bits: Option<u32>,
    /// What its algorithm has to say.
    pub parts: KeyParts,
    /// Not encoded as its algorithm requires.
    pub malformed: bool,
    /// The content of the BIT STRING without the octet that counts unused bits.
    #[serde(serialize_with = "hex_bytes")]
    pub octets: Vec<u8>,
}

/// The parts of a public key, by algorithm. Numbers are big-endian without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyParts {
    /// RSA and RSASSA-PSS.
    Rsa {
        /// The modulus.
        #[serde(serialize_with = "hex_bytes")]
        modulus: Vec<u8>,
        /// The public exponent.
        #[serde(serialize_with = "hex_bytes")]
        exponent: Vec<u8>,
    },
    /// A point on an elliptic curve.
    Ec(EcKey),
    /// DSA.
    Dsa {
        /// Length of the prime p in bits.
        p_bits: u32,
        /// Length of the prime q in bits.
        q_bits: u32,
    },
    /// The octets are the key, and have a fixed length: Ed25519, Ed448, X25519, X448, ML-DSA, SLH-DSA, ML-KEM.
    Fixed {
        /// How many octets the standard prescribes.
        octets: usize,
    },
    /// An algorithm whose keys are not taken apart, or a key that cannot be.
    Other,
}

/// A point on an elliptic curve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EcKey {
    /// The name of the curve: the one that is named, or the one that the parameters written out are equal to.
    pub curve: Option<&'static str>,
    /// The identifier of the named curve, dotted.
    pub curve_oid: Option<String>,
    /// The parameters are written out instead of named, which RFC 5480 section 2.1.1 forbids.
    pub explicit: bool,
    /// The form of the point.
    pub form: PointForm,
}

/// How a point is encoded (SEC 1 section 2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PointForm {
    /// Both coordinates.
    Uncompressed,
    /// One coordinate and a bit of the other.
    Compressed,
    /// Both coordinates and the bit.
    Hybrid,
    /// None of these.
    Unknown,
}

impl PublicKeyDetail {
    pub(crate) fn of(spki: &Element<'_>) -> PublicKeyDetail {
        let facts = KeyFacts::of(spki);
        let mut fields = spki.inside();
        let identifier = fields.take(tag::SEQUENCE).unwrap_or(*spki);
        // An identifier that cannot be read has the same name in both
        let algorithm = Algorithm { name: facts.algorithm, ..Algorithm::of_key(&identifier) };
        let octets = fields.take(tag::BIT_STRING).and_then(|bits| bits.bits()).unwrap_or_default();
        let mut inside = identifier.inside();
        let kind = inside.take(tag::OID).map(|kind| kind.content).unwrap_or_default();
        let parameters = inside.next();
        let parts = match kind {
            oid::RSA | oid::RSASSA_PSS => rsa(octets),
            oid::DSA => parameters.and_then(|parameters| dsa(&parameters)),
            oid::EC => parameters.map(|parameters| KeyParts::Ec(EcKey::of(&parameters, octets))),
            _ => fixed_length(&algorithm.name).map(|octets| KeyParts::Fixed { octets }),
        };
        let parts = parts.unwrap_or(KeyParts::Other);
        let wrong_length = matches!(parts, KeyParts::Fixed { octets: expected } if expected != octets.len());
        let no_point = matches!(&parts, KeyParts::Ec(key) if key.form == PointForm::Unknown);
        let unread = parts == KeyParts::Other && matches!(kind, oid::RSA | oid::RSASSA_PSS | oid::DSA | oid::EC);
        let malformed = facts.malformed || algorithm.malformed || wrong_length || no_point || unread;
        PublicKeyDetail { algorithm, bits: facts.bits, parts, malformed, octets: octets.to_vec() }
    }
}

fn rsa(octets: &[u8]) -> Option<KeyParts> {
    let mut key = Reader::new(octets).enter(tag::SEQUENCE)?;
    let (modulus, exponent) = (key.take(tag::INTEGER)?, key.take(tag::INTEGER)?);
    let number = |element: Element<'_>| without_leading_zeros(element.content).to_vec();
    Some(KeyParts::Rsa { modulus: number(modulus), exponent: number(exponent) })
}

fn dsa(parameters: &Element<'_>) -> Option<KeyParts> {
    let mut inside = parameters.inside();
    let (p, q) = (inside.take(tag::INTEGER)?, inside.take(tag::INTEGER)?);
    Some(KeyParts::Dsa { p_bits: bit_length(p.content), q_bits: bit_length(q.content) })
}

impl EcKey {
    fn of(parameters: &Element<'_>, point: &[u8]) -> EcKey {
        let form = match point.first() {
            Some(4) => PointForm::Uncompressed,
            Some(2 | 3) => PointForm::Compressed,
            Some(6 | 7) => PointForm::Hybrid,
            _ => PointForm::Unknown,
        };
        let named = parameters.tag == tag::OID;
        let curve = match parameters.tag {
            tag::OID => oid::curve(parameters.content).map(|(name, _)| name),
            tag::SEQUENCE => curves::equal_to(parameters),
            _ => None,
        };
        let curve_oid = named.then(|| oid::dotted(parameters.content));
        EcKey { curve, curve_oid, explicit: parameters.tag == tag::SEQUENCE, form }
    }
}

/// Octets of a public key: RFC 8032, RFC 7748, FIPS 204 table 2, FIPS 205 table 2, FIPS 203 table 3.
fn fixed_length(name: &str) -> Option<usize> {
    Some(match name {
        "Ed25519" | "X25519" => 32,
        "Ed448" => 57,
        "X448" => 56,
        "ML-DSA-44" => 1312,
        "ML-DSA-65" => 1952,
        "ML-DSA-87" => 2592,
        "ML-KEM-512" => 800,
        "ML-KEM-768" => 1184,
        "ML-KEM-1024" => 1568,
        slh if slh.starts_with("SLH-DSA-") => match slh.rsplit('-').next()?.get(..3)? {
            "128" => 32,
            "192" => 48,
            _ => 64,
        },
        _ => return None,
    })
}
