//! Verifying the chain and its signed heads.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use certhold_store::{Tx, params};

use super::chain::{Header, genesis, link, payload_digest};
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

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The event's number.
    pub seq: i64,
    /// What is wrong there.
    pub what: String,
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Events read.
    pub events: i64,
    /// Signed heads checked.
    pub heads: i64,
    /// Everything that does not fit, the first hundred.
    pub problems: Vec<Problem>,
}

/// Problems after which further ones only repeat the first.
const PROBLEMS_MAX: usize = 100;

impl Verification {
    /// Whether the log is what was written.
    pub fn intact(&self) -> bool {
        self.problems.is_empty()
    }

    fn problem(&mut self, seq: i64, what: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { seq, what: what.into() });
        }
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

/// [`verify`] for whoever may see all events.
pub fn audit(tx: &mut Tx<'_>, actor: &Actor, trusted: Option<&[u8]>) -> Result<Verification> {
    access::require_path(tx, actor, paths::AUDITING_READ)?;
    verify(tx, trusted)
}

/// Reads the whole log and checks that every row is the one that was written, in its place, and that nothing was cut off.
/// `trusted` is the public key that custody signs heads with; heads signed by another key are reported.
pub fn verify(tx: &mut Tx<'_>, trusted: Option<&[u8]>) -> Result<Verification> {
    let installation = crate::schema::installation(tx)?;
    let heads = heads(tx)?;
    let mut found = Verification { heads: i64::try_from(heads.len()).unwrap_or(i64::MAX), ..Verification::default() };
    for head in &heads {
        check_head(&mut found, head, &installation, trusted);
    }

    let mut heads = heads.iter().peekable();
    let mut previous = genesis(&installation);
    let mut expected = 1;
    tx.each(
        "SELECT seq, at, actor_kind, actor, actor_name, face, operation, object_kind, object, object_name, request, address, \
         payload, payload_digest, hash FROM event ORDER BY seq",
        params![],
        |row| {
            let header = Header {
                seq: row.get(0)?,
                at: row.get(1)?,
                actor_kind: row.text(2)?,
                actor: row.get(3)?,
                actor_name: row.text(4)?,
                face: row.text(5)?,
                operation: row.text(6)?,
                object_kind: row.text(7)?,
                object: row.get(8)?,
                object_name: row.text(9)?,
                request: row.text(10)?,
                address: row.text(11)?,
            };
            let seq = header.seq;
            if seq != expected {
                found.problem(expected, format!("events {expected} to {} are missing", seq - 1));
            }
            expected = seq + 1;
            found.events += 1;

            let payload = match row.get::<Option<[u8; 32]>>(13)? {
                Some(kept) => kept,
                None => payload_digest(row.text(12)?),
            };
            let stored: [u8; 32] = row.get(14)?;
            if link(&previous, &header.digest(&payload)) != stored {
                found.problem(seq, "this event, or the one before it, is not what was written");
            }
            // Go on from what is stored, so that one changed row is reported once and not for ever after.
            previous = stored;

            while let Some(head) = heads.next_if(|head| head.seq <= seq) {
                if head.seq == seq && head.hash != stored {
                    found.problem(seq, "the signed head of this event is another one: the log was rewritten");
                }
            }
            Ok(())
        },
    )?;
    if let Some(head) = heads.last() {
        found.problem(
            expected,
            format!("the log ends before event {}, which a signed head vouches for: its end was cut off", head.seq),
        );
    }
    Ok(found)
}

fn check_head(found: &mut Verification, head: &Head, installation: &str, trusted: Option<&[u8]>) {
    if trusted.is_some_and(|key| key != head.public_key) {
        found.problem(head.seq, "a head is signed with a key that is not in custody");
        return;
    }
    let message = head_message(installation, head.seq, &head.hash, head.at);
    if UnparsedPublicKey::new(&ED25519, &head.public_key).verify(&message, &head.signature).is_err() {
        found.problem(head.seq, "the signature of a head does not verify");
    }
}

fn heads(tx: &mut Tx<'_>) -> Result<Vec<Head>> {
    let heads = tx.rows("SELECT seq, hash, at, public_key, signature FROM event_head ORDER BY seq", params![], |row| {
        Ok(Head { seq: row.get(0)?, hash: row.get(1)?, at: row.get(2)?, public_key: row.get(3)?, signature: row.get(4)? })
    })?;
    Ok(heads)
}
