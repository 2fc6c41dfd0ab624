//! Verifying the chain and its signed heads.

use std::iter::Peekable;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use certhold_store::{Error as StoreError, Tx, params};

use super::chain::{Header, genesis, link, sha256};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Error, Result};

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
        let mut hash = [0; 32];
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        for (byte, digits) in hash.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(KeptHead { seq: seq.parse().ok()?, hash })
    }
}

/// What a log is held against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// The public key that custody signs heads with; heads signed by another key are reported.
    pub key: Option<Vec<u8>>,
    /// The last head that was kept outside the database.
    pub kept: Option<KeptHead>,
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
pub fn audit(tx: &mut Tx<'_>, actor: &Actor, trust: &Trust) -> Result<Verification> {
    access::require_path(tx, actor, paths::AUDITING_READ)?;
    verify(tx, trust)
}

/// Reads the whole log and checks that every row is the one that was written, in its place, and that nothing was cut off.
///
/// Rows are read on this thread and digested on another: each takes about half of the time.
pub fn verify(tx: &mut Tx<'_>, trust: &Trust) -> Result<Verification> {
    let installation = crate::schema::installation(tx)?;
    let heads = heads(tx)?;
    let mut found = Verification { heads: i64::try_from(heads.len()).unwrap_or(i64::MAX), ..Verification::default() };
    for head in &heads {
        check_head(&mut found, head, &installation, trust.key.as_deref());
    }
    let previous = genesis(&installation);
    let checker = Checker { found, heads: heads.iter().peekable(), kept: trust.kept, previous, expected: 1 };
    std::thread::scope(|scope| {
        let (full, filled) = sync_channel::<Rows>(ROWS_AHEAD);
        let (empty, emptied) = sync_channel::<Rows>(ROWS_AHEAD);
        let checking = scope.spawn(move || checker.run(&filled, &empty));
        read(tx, &full, &emptied)?;
        drop(full);
        checking.join().map_err(|_| Error::from(StoreError::Panicked))
    })
}

/// Rows that are digested while the next ones are read.
const ROWS: usize = 512;
const ROWS_AHEAD: usize = 2;

/// Some rows of the log, copied out of the database in the form in which they are digested.
#[derive(Default)]
struct Rows {
    rows: Vec<Row>,
    /// For each row its encoded header, room for the payload's digest, and the payload.
    bytes: Vec<u8>,
}

struct Row {
    seq: i64,
    /// Bytes of header, and of payload; `None` when only its digest was kept, which then is in its room.
    header: usize,
    payload: Option<usize>,
    hash: [u8; 32],
}

fn read(tx: &mut Tx<'_>, full: &SyncSender<Rows>, emptied: &Receiver<Rows>) -> Result<()> {
    let mut rows = Rows::default();
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
            // A kept digest speaks only for a payload that is gone: one that is there speaks for itself.
            let kept: Option<[u8; 32]> = row.get(13)?;
            let there: Option<String> = if kept.is_some() { row.get(12)? } else { None };
            let payload = match (&kept, &there) {
                (Some(_), there) => there.as_deref(),
                (None, _) => Some(row.text(12)?),
            };
            rows.push(&header, payload, kept, row.get(14)?);
            if rows.rows.len() == ROWS {
                let next = emptied.try_recv().unwrap_or_default();
                full.send(std::mem::replace(&mut rows, next)).map_err(|_| StoreError::Panicked)?;
            }
            Ok(())
        },
    )?;
    full.send(rows).map_err(|_| StoreError::Panicked)?;
    Ok(())
}

impl Rows {
    fn push(&mut self, header: &Header<'_>, payload: Option<&str>, kept: Option<[u8; 32]>, hash: [u8; 32]) {
        let start = self.bytes.len();
        header.encode(&mut self.bytes);
        let length = self.bytes.len() - start;
        self.bytes.extend_from_slice(&kept.unwrap_or_default());
        self.bytes.extend_from_slice(payload.unwrap_or_default().as_bytes());
        self.rows.push(Row { seq: header.seq, header: length, payload: payload.map(str::len), hash });
    }
}

/// What has been seen of the chain so far.
struct Checker<'a> {
    found: Verification,
    heads: Peekable<std::slice::Iter<'a, Head>>,
    kept: Option<KeptHead>,
    previous: [u8; 32],
    expected: i64,
}

impl Checker<'_> {
    fn run(mut self, filled: &Receiver<Rows>, empty: &SyncSender<Rows>) -> Verification {
        while let Ok(mut rows) = filled.recv() {
            let mut rest = rows.bytes.as_mut_slice();
            for row in rows.rows.drain(..) {
                let (own, others) = rest.split_at_mut(row.header + DIGEST + row.payload.unwrap_or(0));
                self.row(&row, own);
                rest = others;
            }
            rows.bytes.clear();
            // Nobody waits for the last ones.
            let _ = empty.try_send(rows);
        }
        if let Some(head) = self.heads.last() {
            let seq = head.seq;
            let what = format!("the log ends before event {seq}, which a signed head vouches for: its end was cut off");
            self.found.problem(self.expected, what);
        }
        if let Some(kept) = self.kept.filter(|kept| kept.seq >= self.expected) {
            let seq = kept.seq;
            let what = format!("the log ends before event {seq}, whose hash is kept outside the database: its end was cut off");
            self.found.problem(self.expected, what);
        }
        self.found
    }

    fn row(&mut self, row: &Row, bytes: &mut [u8]) {
        let Row { seq, hash, .. } = *row;
        if seq != self.expected {
            self.found.problem(self.expected, format!("events {} to {} are missing", self.expected, seq - 1));
        }
        self.expected = seq + 1;
        self.found.events += 1;

        let (digested, payload) = bytes.split_at_mut(row.header + DIGEST);
        if row.payload.is_some() {
            digested[row.header..].copy_from_slice(&sha256(payload));
        }
        if link(&self.previous, &sha256(digested)) != hash {
            self.found.problem(seq, "this event, or the one before it, is not what was written");
        }
        // Go on from what is stored, so that one changed row is reported once and not for ever after.
        self.previous = hash;

        if self.kept.is_some_and(|kept| kept.seq == seq && kept.hash != hash) {
            self.found.problem(seq, "another hash of this event is kept outside the database: the log was rewritten");
        }
        while let Some(head) = self.heads.next_if(|head| head.seq <= seq) {
            if head.seq == seq && head.hash != hash {
                self.found.problem(seq, "the signed head of this event is another one: the log was rewritten");
            }
        }
    }
}

/// Bytes of SHA-256.
const DIGEST: usize = 32;

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
