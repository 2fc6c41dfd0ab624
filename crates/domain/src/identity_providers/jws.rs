//! Signed tokens in compact form (RFC 7515 section 7.1), read and not yet believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::json;
use crate::error::Refusal;
use crate::limits;

/// How a token is signed. Nothing else is accepted: no `none`, and none of the `HS…`, for which the provider's public key
/// could be used as a secret (RFC 8725 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519 (RFC 8037, RFC 9864).
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 10] = [
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::EdDsa,
    ];

    /// The name in a token.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Rs384 => "RS384",
            Algorithm::Rs512 => "RS512",
            Algorithm::Ps256 => "PS256",
            Algorithm::Ps384 => "PS384",
            Algorithm::Ps512 => "PS512",
            Algorithm::Es256 => "ES256",
            Algorithm::Es384 => "ES384",
            Algorithm::Es512 => "ES512",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of this name, to the letter.
    pub(super) fn parse(name: &str) -> Option<Algorithm> {
        if name == "Ed25519" {
            return Some(Algorithm::EdDsa);
        }
        Algorithm::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// A token as it was presented. Nothing in it is to be believed before [`verify`](super::verify).
#[derive(Clone)]
pub struct Presented {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) members: Map<String, Value>,
    pub(super) signed: String,
    pub(super) signature: Vec<u8>,
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Presented")
    }
}

/// Types of tokens that say who somebody is (RFC 9068 section 2.1; RFC 7519 section 5.1). Tokens for other purposes, a logout for
/// example, name theirs.
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

fn refused(reason: &str) -> Refusal {
    Refusal::Unauthenticated(format!("the token cannot be accepted: {reason}"))
}

impl Presented {
    /// Whether a bearer token has the form of a signed token; tokens that this server gives never have.
    pub fn looks_like(text: &str) -> bool {
        text.contains('.')
    }

    /// Reads a token.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`], with what is wrong about its form.
    pub fn parse(text: &str) -> Result<Presented, Refusal> {
        if text.len() > limits::EXTERNAL_TOKEN_BYTES {
            return Err(refused(&format!("it is longer than {} bytes", limits::EXTERNAL_TOKEN_BYTES)));
        }
        let parts: Vec<&str> = text.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            let reason = if parts.len() == 5 { "it is encrypted; only signed tokens are" } else { "it is no signed token" };
            return Err(refused(reason));
        };
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| refused("it is not base64url"));
        let members = |part: &str| json::object(&decoded(part)?).map_err(|_| refused("a part of it is no plain JSON object"));
        let (header, members) = (members(header)?, members(payload)?);
        let text_of = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(refused(&format!("{name} in its header is no text"))),
        };
        // RFC 7515 section 4.1.11: whoever does not understand an extension that is critical must refuse; `b64` would change what
        // is signed (RFC 7797).
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(refused("it asks for extensions that are not understood here"));
        }
        let algorithm = text_of("alg")?.ok_or_else(|| refused("it does not say how it is signed"))?;
        let algorithm = Algorithm::parse(algorithm)
            .ok_or_else(|| refused("it is signed by none of RS, PS and ES with 256, 384 and 512, or EdDSA"))?;
        if let Some(kind) = text_of("typ")? {
            let kind = kind.to_ascii_lowercase();
            if !TYPES.contains(&kind.strip_prefix("application/").unwrap_or(&kind)) {
                return Err(refused("its type (typ) is neither JWT nor at+jwt: it is made for another purpose"));
            }
        }
        let kid = text_of("kid")?.map(str::to_owned);
        if kid.as_ref().is_some_and(|kid| kid.len() > limits::KEY_ID_BYTES) {
            return Err(refused("the name of its key (kid) is too long"));
        }
        let signature = decoded(signature)?;
        let signed = text[..text.rfind('.').unwrap_or(0)].to_owned();
        Ok(Presented { algorithm, kid, members, signed, signature })
    }

    /// Who says that they issued it.
    pub fn issuer(&self) -> Option<&str> {
        self.members.get("iss").and_then(Value::as_str)
    }

    /// The name of the key that it says it is signed with.
    pub fn key_id(&self) -> Option<&str> {
        self.kid.as_deref()
    }
}
