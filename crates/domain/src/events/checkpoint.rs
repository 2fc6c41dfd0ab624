//! Checkpoints: signed heads that somebody outside keeps, and against which a log can be held without this server.

use certhold_store::Tx;
use serde_json::{Value as Json, json};

use super::head::{Head, last_head, signature_fits};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::text::{hex, unhex};

/// A signed head together with the installation that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The identity of the database.
    pub installation: String,
    /// The head.
    pub head: Head,
}

/// What a file of this kind calls itself.
const FORMAT: &str = "certhold checkpoint 1";
/// A checkpoint has some 400 characters; more than this is none.
const BYTES_MAX: usize = 65_536;

impl Checkpoint {
    /// The document to keep.
    pub fn to_json(&self) -> Json {
        json!({
            "format": FORMAT,
            "installation": self.installation,
            "seq": self.head.seq,
            "hash": hex(&self.head.hash),
            "at": self.head.at,
            "time": crate::text::utc(self.head.at),
            "public_key": hex(&self.head.public_key),
            "signature": hex(&self.head.signature),
        })
    }

    /// Reads what [`Checkpoint::to_json`] made. The signature is not looked at.
    pub fn parse(text: &str) -> Option<Checkpoint> {
        if text.len() > BYTES_MAX {
            return None;
        }
        let document: Json = serde_json::from_str(text).ok()?;
        let bytes = |name: &str| unhex(document[name].as_str()?);
        (document["format"] == FORMAT).then_some(())?;
        Some(Checkpoint {
            installation: document["installation"].as_str()?.to_owned(),
            head: Head {
                seq: document["seq"].as_i64()?,
                hash: bytes("hash")?.try_into().ok()?,
                at: document["at"].as_i64()?,
                public_key: bytes("public_key")?,
                signature: bytes("signature")?,
            },
        })
    }

    /// Whether its signature is its key's over it.
    pub fn is_genuine(&self) -> bool {
        signature_fits(&self.installation, &self.head)
    }
}

/// The last signed head, for whoever may see all events.
pub fn checkpoint(tx: &mut Tx<'_>, actor: &Actor) -> Result<Checkpoint> {
    access::require_path(tx, actor, paths::AUDITING_READ)?;
    let head = last_head(tx)?.ok_or_else(|| Refusal::not_found("signed head", "yet"))?;
    Ok(Checkpoint { installation: crate::schema::installation(tx)?, head })
}

/// Refuses whoever may not see all events.
pub fn may_audit(tx: &mut Tx<'_>, actor: &Actor) -> Result<()> {
    access::require_path(tx, actor, paths::AUDITING_READ)
}
