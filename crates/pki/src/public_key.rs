//! What a SubjectPublicKeyInfo says (RFC 5280 section 4.1.2.7).

use crate::asn1::{Element, Reader, bit_length, tag};
use crate::{oid, text};

/// Algorithm, size and curve of a public key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyFacts {
    pub(crate) algorithm: String,
    pub(crate) bits: Option<u32>,
    pub(crate) curve: Option<String>,
    pub(crate) malformed: bool,
}

impl KeyFacts {
    pub(crate) fn of(spki: &Element<'_>) -> KeyFacts {
        let mut fields = spki.inside();
        let parts = fields.enter(tag::SEQUENCE).and_then(|mut identifier| {
            let oid = identifier.take(tag::OID)?;
            Some((oid.content, identifier.next()))
        });
        let Some((algorithm, parameters)) = parts else {
            return KeyFacts { algorithm: text::hash_hex(spki.whole), bits: None, curve: None, malformed: true };
        };
        let key = fields.take(tag::BIT_STRING).and_then(|bits| bits.bits()).unwrap_or_default();
        let (bits, curve) = match algorithm {
            oid::RSA | oid::RSASSA_PSS => (rsa_modulus_bits(key), None),
            oid::DSA => (parameters.and_then(|p| Some(bit_length(p.inside().take(tag::INTEGER)?.content))), None),
            oid::EC => elliptic_curve(parameters),
            // The sizes of RFC 8410's keys and of OpenSSL and Java agree on the field, not the encoding
            [0x2b, 0x65, 0x6e | 0x70] => (Some(256), None),
            [0x2b, 0x65, 0x6f | 0x71] => (Some(456), None),
            _ => (None, None),
        };
        let sized = matches!(algorithm, oid::RSA | oid::RSASSA_PSS | oid::DSA | oid::EC);
        KeyFacts {
            algorithm: oid::key_algorithm(algorithm).map_or_else(|| oid::dotted(algorithm), str::to_owned),
            malformed: key.is_empty() || sized && bits.is_none() && curve.is_none(),
            bits,
            curve,
        }
    }
}

fn rsa_modulus_bits(key: &[u8]) -> Option<u32> {
    let modulus = Reader::new(key).enter(tag::SEQUENCE)?.take(tag::INTEGER)?;
    Some(bit_length(modulus.content))
}

fn elliptic_curve(parameters: Option<Element<'_>>) -> (Option<u32>, Option<String>) {
    match parameters {
        Some(named) if named.tag == tag::OID => match oid::curve(named.content) {
            Some((name, bits)) => (Some(bits), Some(name.to_owned())),
            None => (None, Some(oid::dotted(named.content))),
        },
        Some(explicit) if explicit.tag == tag::SEQUENCE => (explicit_field_bits(&explicit), Some("explicit".to_owned())),
        _ => (None, None),
    }
}

/// The size of a prime field in SpecifiedECDomain (SEC 1 appendix C.2): version, fieldID { OID, prime }, …; the
/// degree of a binary one.
fn explicit_field_bits(parameters: &Element<'_>) -> Option<u32> {
    let mut fields = parameters.inside();
    fields.take(tag::INTEGER)?;
    let mut field = fields.enter(tag::SEQUENCE)?;
    field.take(tag::OID)?;
    let size = field.next()?;
    match size.tag {
        tag::INTEGER => Some(bit_length(size.content)),
        tag::SEQUENCE => {
            let degree = crate::asn1::small_integer(size.inside().take(tag::INTEGER)?.content)?;
            u32::try_from(degree).ok()
        }
        _ => None,
    }
}
