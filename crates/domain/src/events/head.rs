//! The end of the chain, signed and kept.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use certhold_store::{Tx, params};

use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::Result;

/// The end of the chain at some moment, signed with a key in custody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last event's number.
    pub seq: i64,
    /// The last event's hash.
    pub hash: [u8; 32],
    /// When it was signed, unix milliseconds.
    pub at: i64,
    /// The Ed25519 public key.
    pub public_key: Vec<u8>,
    /// The signature over [`head_message`].
    pub signature: Vec<u8>,
}

/// A head that is kept outside the database, where whoever rewrites the database does not reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptHead {
    /// The last event's number.
    pub seq: i64,
    /// The last event's hash.
    pub hash: [u8; 32],
}

impl KeptHead {
    /// One line: number and hash.
    pub fn to_text(&self) -> String {
        format!("{} {}\n", self.seq, crate::text::hex(&self.hash))
    }

    /// Reads what [`KeptHead::to_text`] wrote.
    pub fn parse(text: &str) -> Option<KeptHead> {
        let (seq, hex) = text.trim().split_once(' ')?;
        let hash = crate::text::unhex(hex)?.try_into().ok()?;
        Some(KeptHead { seq: seq.parse().ok()?, hash })
    }
}

/// The bytes that are signed for a head.
pub fn head_message(installation: &str, seq: i64, hash: &[u8; 32], at: i64) -> Vec<u8> {
    let mut message = b"certhold event head 1\0".to_vec();
    message.extend_from_slice(&seq.to_be_bytes());
    message.extend_from_slice(&at.to_be_bytes());
    message.extend_from_slice(hash);
    message.extend_from_slice(installation.as_bytes());
    message
}

/// The end of the chain if it has grown since the last signed head: (number, hash, installation).
pub fn head_to_sign(tx: &mut Tx<'_>) -> Result<Option<(i64, [u8; 32], String)>> {
    let last =
        tx.one("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1", params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let signed: Option<i64> = tx.one("SELECT seq FROM event_head ORDER BY seq DESC LIMIT 1", params![], |row| row.get(0))?;
    let installation = crate::schema::installation(tx)?;
    Ok(last.filter(|(seq, _)| Some(*seq) > signed).map(|(seq, hash)| (seq, hash, installation)))
}

/// Keeps a signed head. Signing the same event twice changes nothing.
pub fn record_head(tx: &mut Tx<'_>, head: &Head) -> Result<()> {
    tx.execute(
        "INSERT INTO event_head (seq, hash, at, public_key, signature) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (seq) DO NOTHING",
        params![head.seq, &head.hash, head.at, &head.public_key, &head.signature],
    )?;
    Ok(())
}

/// Whether a head's signature is its key's over it.
pub(super) fn signature_fits(installation: &str, head: &Head) -> bool {
    let message = head_message(installation, head.seq, &head.hash, head.at);
    UnparsedPublicKey::new(&ED25519, &head.public_key).verify(&message, &head.signature).is_ok()
}

/// What the log's end is and how far it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// The last event's number; 0 when there is none.
    pub last: i64,
    /// The last event whose head is signed, and when it was, unix milliseconds.
    pub signed: Option<(i64, i64)>,
}

/// The log's end, for operators.
pub fn log_end(tx: &mut Tx<'_>, actor: &Actor) -> Result<LogEnd> {
    access::require_path(tx, actor, paths::SYSTEM_READ)?;
    let last = tx.one("SELECT seq FROM event ORDER BY seq DESC LIMIT 1", params![], |row| row.get(0))?;
    Ok(LogEnd { last: last.unwrap_or(0), signed: last_head(tx)?.map(|head| (head.seq, head.at)) })
}

/// The last signed head.
pub(super) fn last_head(tx: &mut Tx<'_>) -> Result<Option<Head>> {
    let sql = "SELECT seq, hash, at, public_key, signature FROM event_head ORDER BY seq DESC LIMIT 1";
    Ok(tx.one(sql, params![], read)?)
}

/// The first head that covers an event.
pub(super) fn covering(tx: &mut Tx<'_>, seq: i64) -> Result<Option<Head>> {
    let sql = "SELECT seq, hash, at, public_key, signature FROM event_head WHERE seq >= $1 ORDER BY seq LIMIT 1";
    Ok(tx.one(sql, params![seq], read)?)
}

pub(super) fn heads(tx: &mut Tx<'_>) -> Result<Vec<Head>> {
    Ok(tx.rows("SELECT seq, hash, at, public_key, signature FROM event_head ORDER BY seq", params![], read)?)
}

fn read(row: &certhold_store::Row<'_>) -> Result<Head, certhold_store::Error> {
    Ok(Head { seq: row.get(0)?, hash: row.get(1)?, at: row.get(2)?, public_key: row.get(3)?, signature: row.get(4)? })
}
