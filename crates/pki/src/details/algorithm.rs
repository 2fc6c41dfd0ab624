//! Algorithm identifiers and the parameters of RSASSA-PSS (RFC 8017 appendix A.2.3).

use serde::Serialize;

use crate::asn1::{Element, small_integer, tag};
use crate::{hex_bytes, oid, text};

/// An AlgorithmIdentifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Algorithm {
    /// Its object identifier, dotted; empty when there is none.
    pub oid: String,
    /// Its name as in [`crate::Facts`]: `ecdsa-with-SHA256`, `RSASSA-PSS`, `ML-DSA-65`, `EC`, …
    pub name: String,
    /// The encoded parameters; empty when there are none. `0500` is NULL.
    #[serde(serialize_with = "hex_bytes")]
    pub parameters: Vec<u8>,
    /// The hash function, where the algorithm or its parameters name one: `SHA-256`, …
    pub hash: Option<&'static str>,
    /// The parameters of RSASSA-PSS.
    pub pss: Option<PssParameters>,
    /// The identifier is not encoded as its standard says.
    pub malformed: bool,
}

/// RSASSA-PSS-params; what is absent has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PssParameters {
    /// The hash function; the default is `SHA-1`. Dotted if it is not known.
    pub hash: String,
    /// The mask generation function: `MGF1`, or dotted.
    pub mask: String,
    /// The hash function of the mask.
    pub mask_hash: String,
    /// Length of the salt in octets; the least that is allowed where a key carries the parameters.
    pub salt_length: u64,
    /// The trailer field: 1.
    pub trailer_field: u64,
}

impl Algorithm {
    /// Of a signature, with the names of signature algorithms.
    pub(crate) fn of_signature(element: &Element<'_>) -> Algorithm {
        Algorithm::of(element, oid::signature_algorithm)
    }

    /// Of a public key, with the names of key algorithms.
    pub(crate) fn of_key(element: &Element<'_>) -> Algorithm {
        Algorithm::of(element, oid::key_algorithm)
    }

    fn of(element: &Element<'_>, name: fn(&[u8]) -> Option<&'static str>) -> Algorithm {
        let mut fields = element.inside();
        let Some(kind) = fields.take(tag::OID) else {
            return Algorithm {
                oid: String::new(),
                name: text::hash_hex(element.whole),
                parameters: Vec::new(),
                hash: None,
                pss: None,
                malformed: true,
            };
        };
        let parameters = fields.next();
        let dotted = oid::dotted(kind.content);
        let name = name(kind.content).map_or_else(|| dotted.clone(), str::to_owned);
        let is_pss = kind.content == oid::RSASSA_PSS;
        let pss = parameters.filter(|_| is_pss).and_then(|parameters| PssParameters::of(&parameters));
        let unreadable = is_pss && parameters.is_some() && pss.is_none();
        let hash = match &pss {
            Some(pss) => known_hash(&pss.hash),
            None => hash_of_name(&name),
        };
        Algorithm {
            oid: dotted,
            name,
            parameters: parameters.map(|parameters| parameters.whole.to_vec()).unwrap_or_default(),
            hash,
            pss,
            malformed: unreadable || !fields.is_empty(),
        }
    }
}

impl PssParameters {
    fn of(element: &Element<'_>) -> Option<PssParameters> {
        if element.tag != tag::SEQUENCE {
            return None;
        }
        let mut fields = element.inside();
        let hash = match fields.enter(tag::context(0)) {
            Some(mut inside) => hash_identifier(&inside.take(tag::SEQUENCE)?)?,
            None => "SHA-1".to_owned(),
        };
        let (mask, mask_hash) = match fields.enter(tag::context(1)) {
            Some(mut inside) => {
                let mut identifier = inside.enter(tag::SEQUENCE)?;
                let mask = match oid::dotted(identifier.take(tag::OID)?.content) {
                    mgf1 if mgf1 == "1.2.840.113549.1.1.8" => "MGF1".to_owned(),
                    other => other,
                };
                let hash = identifier.take(tag::SEQUENCE).and_then(|hash| hash_identifier(&hash));
                (mask, hash.unwrap_or_default())
            }
            None => ("MGF1".to_owned(), "SHA-1".to_owned()),
        };
        let mut number = |field: u8, default: u64| match fields.enter(tag::context(field)) {
            Some(mut inside) => small_integer(inside.take(tag::INTEGER)?.content),
            None => Some(default),
        };
        let (salt_length, trailer_field) = (number(2, 20)?, number(3, 1)?);
        fields.is_empty().then_some(PssParameters { hash, mask, mask_hash, salt_length, trailer_field })
    }
}

fn hash_identifier(identifier: &Element<'_>) -> Option<String> {
    let kind = identifier.inside().take(tag::OID)?;
    Some(hash_name(kind.content).map_or_else(|| oid::dotted(kind.content), str::to_owned))
}

/// The name of a hash function.
fn hash_name(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        [0x2b, 0x0e, 0x03, 0x02, 0x1a] => "SHA-1",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05] => "MD5",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last] => match last {
            1 => "SHA-256",
            2 => "SHA-384",
            3 => "SHA-512",
            4 => "SHA-224",
            5 => "SHA-512/224",
            6 => "SHA-512/256",
            7 => "SHA3-224",
            8 => "SHA3-256",
            9 => "SHA3-384",
            10 => "SHA3-512",
            11 => "SHAKE128",
            12 => "SHAKE256",
            _ => return None,
        },
        _ => return None,
    })
}

const HASHES: [&str; 14] = [
    "SHA-1",
    "MD5",
    "SHA-224",
    "SHA-256",
    "SHA-384",
    "SHA-512",
    "SHA-512/224",
    "SHA-512/256",
    "SHA3-224",
    "SHA3-256",
    "SHA3-384",
    "SHA3-512",
    "SHAKE128",
    "SHAKE256",
];

fn known_hash(name: &str) -> Option<&'static str> {
    HASHES.into_iter().find(|hash| *hash == name)
}

/// The hash function that stands in the name of a signature algorithm.
fn hash_of_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "md2WithRSAEncryption" => "MD2",
        "md5WithRSAEncryption" => "MD5",
        "sha1WithRSAEncryption" | "sha1WithRSA" | "ecdsa-with-SHA1" | "dsa-with-SHA1" => "SHA-1",
        "sha224WithRSAEncryption" | "ecdsa-with-SHA224" | "dsa-with-SHA224" => "SHA-224",
        "sha256WithRSAEncryption" | "ecdsa-with-SHA256" | "dsa-with-SHA256" => "SHA-256",
        "sha384WithRSAEncryption" | "ecdsa-with-SHA384" | "dsa-with-SHA384" => "SHA-384",
        "sha512WithRSAEncryption" | "ecdsa-with-SHA512" | "dsa-with-SHA512" => "SHA-512",
        "sha512-224WithRSAEncryption" => "SHA-512/224",
        "sha512-256WithRSAEncryption" => "SHA-512/256",
        "RSASSA-PSS" => "SHA-1", // without parameters, the defaults hold
        "SM2-with-SM3" => "SM3",
        _ => return None,
    })
}
