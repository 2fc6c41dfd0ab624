//! Sets of public keys (RFC 7517), by which tokens are verified.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::jws::{Algorithm, Presented};
use crate::{limits, text};

/// What a provider says, as it can be shown: without characters that make a line read differently, and not longer than this.
pub fn shown(text: &str, chars_max: usize) -> String {
    text.chars().filter(|c| !text::is_unsafe(*c)).take(chars_max).collect()
}

/// Why something is no usable set of keys, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoKeySet(String);

/// How it stands with the keys of a provider, on this node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyState {
    /// How many keys are held.
    pub keys: usize,
    /// When they were last fetched, unix milliseconds.
    pub fetched_at: Option<i64>,
    /// Why they could not be fetched the last time it was tried.
    pub error: Option<String>,
}

/// The public keys of a provider that can verify tokens.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    kid: Option<String>,
    /// The only algorithm that it is for, if it says one.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// The length of a coordinate in bytes, and the uncompressed point.
    Ec {
        length: usize,
        point: Vec<u8>,
    },
    Ed25519(Vec<u8>),
}

impl KeySet {
    /// Reads a JSON Web Key Set. Keys that cannot verify tokens here (for encryption, symmetric, weak, of unknown kinds) are left
    /// out, as RFC 7517 section 5 asks.
    ///
    /// # Errors
    /// When it is none, or no key is left.
    pub fn parse(bytes: &[u8]) -> Result<KeySet, NoKeySet> {
        let wrong = |what: &str| NoKeySet(what.to_owned());
        let document: Value = serde_json::from_slice(bytes).map_err(|_| wrong("its key set is not JSON"))?;
        let listed = document["keys"].as_array().ok_or_else(|| wrong("its key set has no list of keys"))?;
        if listed.len() > limits::PROVIDER_KEYS {
            return Err(NoKeySet(format!("its key set has more than {} keys", limits::PROVIDER_KEYS)));
        }
        let keys: Vec<Key> = listed.iter().filter_map(Value::as_object).filter_map(Key::read).collect();
        if keys.is_empty() {
            return Err(wrong(
                "its key set has no key that tokens could be verified with (RSA from 2048 bits, P-256, P-384, P-521, Ed25519)",
            ));
        }
        Ok(KeySet { keys })
    }

    /// Whether the set has keys for a token that names this one: the key of this name, or else keys without one. A token that names
    /// none is tried with all that fit.
    pub fn knows(&self, kid: Option<&str>) -> bool {
        kid.is_none_or(|kid| self.is_named(kid) || self.keys.iter().any(|key| key.kid.is_none()))
    }

    fn is_named(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether one of the keys has signed this token.
    pub fn signed(&self, token: &Presented) -> bool {
        let wanted = token.kid.as_deref().map(|kid| self.is_named(kid).then_some(kid));
        let named = |key: &&Key| wanted.is_none_or(|wanted| key.kid.as_deref() == wanted);
        self.keys.iter().filter(named).any(|key| key.verifies(token))
    }
}

impl Key {
    fn read(members: &Map<String, Value>) -> Option<Key> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let bytes = |name: &str| text(name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        if let Some(operations) = members.get("key_ops").and_then(Value::as_array)
            && !operations.iter().any(|operation| operation == "verify")
        {
            return None;
        }
        let algorithm = match members.get("alg") {
            None => None,
            Some(name) => Some(Algorithm::parse(name.as_str()?)?),
        };
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => rsa(bytes("n")?, bytes("e")?)?,
            ("EC", Some(curve)) => ec(curve, bytes("x")?, bytes("y")?)?,
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x").filter(|x| x.len() == 32)?),
            _ => return None,
        };
        Some(Key { kid: text("kid").map(str::to_owned), algorithm, material })
    }

    /// A key is used by the algorithms of its own kind only, whatever the token says.
    fn verifies(&self, token: &Presented) -> bool {
        if self.algorithm.is_some_and(|only| only != token.algorithm) {
            return false;
        }
        let (message, signature) = (token.signed.as_bytes(), token.signature.as_slice());
        match &self.material {
            Material::Rsa { n, e } => rsa_parameters(token.algorithm)
                .is_some_and(|parameters| RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()),
            Material::Ec { length, point } => ec_algorithm(token.algorithm)
                .filter(|(_, needed)| needed == length)
                .is_some_and(|(algorithm, _)| UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()),
            Material::Ed25519(key) => {
                token.algorithm == Algorithm::EdDsa && UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
            }
        }
    }
}

/// Some providers write the modulus with a leading zero, against RFC 7518 section 6.3.1.1.
fn rsa(n: Vec<u8>, e: Vec<u8>) -> Option<Material> {
    let plain = |number: Vec<u8>| -> Vec<u8> { number.into_iter().skip_while(|byte| *byte == 0).collect() };
    let (n, e) = (plain(n), plain(e));
    let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
    let odd = e.last()? & 1 == 1 && n.last()? & 1 == 1;
    ((2_048..=8_192).contains(&bits) && e.len() <= 4 && e != [1] && odd).then_some(Material::Rsa { n, e })
}

fn ec(curve: &str, x: Vec<u8>, y: Vec<u8>) -> Option<Material> {
    let length = match curve {
        "P-256" => 32,
        "P-384" => 48,
        "P-521" => 66,
        _ => return None,
    };
    // Full octet strings (RFC 7518 section 6.2.1.2).
    (x.len() == length && y.len() == length).then(|| Material::Ec { length, point: [vec![4], x, y].concat() })
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::Rs256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Some(&RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Some(&RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Some(&RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}

fn ec_algorithm(algorithm: Algorithm) -> Option<(&'static dyn VerificationAlgorithm, usize)> {
    match algorithm {
        Algorithm::Es256 => Some((&ECDSA_P256_SHA256_FIXED, 32)),
        Algorithm::Es384 => Some((&ECDSA_P384_SHA384_FIXED, 48)),
        Algorithm::Es512 => Some((&ECDSA_P521_SHA512_FIXED, 66)),
        _ => None,
    }
}
