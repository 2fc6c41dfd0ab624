//! Verifying the chain and its signed heads.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use certhold_store::{Error as StoreError, Tx, params};
use serde_json::Value as Json;

use super::chain::{Header, content_digest, genesis, link, sha256};
use super::checkpoint::Checkpoint;
use super::head::{Head, KeptHead, heads, signature_fits};
use super::names;
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};

/// What a log is held against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// The public key that custody signs heads with; heads signed by another key are reported.
    pub key: Option<Vec<u8>>,
    /// The last head that was kept outside the database.
    pub kept: Option<KeptHead>,
    /// Checkpoints that somebody kept: the log must be an extension of each.
    pub checkpoints: Vec<Checkpoint>,
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
    /// Of these, events whose content retention has erased.
    pub erased: i64,
    /// Signed heads checked.
    pub heads: i64,
    /// Checkpoints that the log extends.
    pub checkpoints: i64,
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

/// [`verify`] for whoever may see all events.
pub fn audit(tx: &mut Tx<'_>, actor: &Actor, trust: &Trust) -> Result<Verification> {
    access::require_path(tx, actor, paths::AUDITING_READ)?;
    verify(tx, trust)
}

/// Whether one row is the one that was written, in its place behind the row before; for auditors. What stands before and behind
/// is not looked at: [`verify`] does that.
pub fn verify_row(tx: &mut Tx<'_>, actor: &Actor, seq: i64) -> Result<bool> {
    access::require_path(tx, actor, paths::AUDITING_READ)?;
    let found = tx.one(
        "SELECT seq, at, actor_kind, actor, actor_name, face, operation, object_kind, object, object_name, request, address, \
         payload, payload_digest, hash, encoding, salt FROM event WHERE seq = $1",
        params![seq],
        |row| stored(row, |row| Ok((row.digest(), row.hash))),
    )?;
    let (digest, hash) = found.ok_or_else(|| Refusal::not_found("event", seq))?;
    let before: Option<[u8; 32]> = tx.one("SELECT hash FROM event WHERE seq = $1", params![seq - 1], |row| row.get(0))?;
    let before = match before {
        Some(before) => before,
        None if seq == 1 => genesis(&crate::schema::installation(tx)?),
        None => return Ok(false),
    };
    Ok(digest.is_some_and(|digest| link(&before, &digest) == hash))
}

impl Stored<'_> {
    /// What is chained; `None` for an encoding that this version does not know.
    fn digest(&self) -> Option<[u8; 32]> {
        if !matches!(self.encoding, 1 | 2) {
            return None;
        }
        let content = match (self.payload, self.kept) {
            (None, Some(kept)) => kept,
            (payload, _) => content_digest(&self.header, self.encoding, self.salt, payload.unwrap_or_default()),
        };
        let mut bytes = Vec::with_capacity(160);
        self.header.encode(self.encoding, &mut bytes);
        bytes.extend_from_slice(&content);
        Some(sha256(&bytes))
    }
}

/// A row of the log, wherever it comes from.
pub(super) struct Stored<'a> {
    pub header: Header<'a>,
    pub encoding: i64,
    pub salt: &'a [u8],
    pub payload: Option<&'a str>,
    /// The digest of an erased content.
    pub kept: Option<[u8; 32]>,
    pub hash: [u8; 32],
}

/// Reads the whole log and checks that every row is the one that was written, in its place, and that nothing was cut off.
pub fn verify(tx: &mut Tx<'_>, trust: &Trust) -> Result<Verification> {
    let installation = crate::schema::installation(tx)?;
    let heads = heads(tx)?;
    verify_rows(&installation, &heads, trust, |feeder| read(tx, feeder))
}

/// [`verify`] for rows from anywhere, in their order.
///
/// Rows are read on this thread and digested on another: each takes about half of the time.
pub(super) fn verify_rows<E: From<Error>>(
    installation: &str,
    heads: &[Head],
    trust: &Trust,
    read: impl FnOnce(&mut Feeder) -> std::result::Result<(), E>,
) -> std::result::Result<Verification, E> {
    let mut found = Verification { heads: i64::try_from(heads.len()).unwrap_or(i64::MAX), ..Verification::default() };
    for head in heads {
        check_head(&mut found, head, installation, trust.key.as_deref());
    }
    let checkpoints = fitting(&mut found, installation, trust);
    let checker = Checker {
        found,
        heads: heads.iter().peekable(),
        checkpoints: checkpoints.iter().peekable(),
        kept: trust.kept,
        previous: genesis(installation),
        expected: 1,
        erased: BTreeMap::new(),
        permitted: BTreeMap::new(),
    };
    std::thread::scope(|scope| {
        let (full, filled) = sync_channel::<Rows>(ROWS_AHEAD);
        let (empty, emptied) = sync_channel::<Rows>(ROWS_AHEAD);
        let checking = scope.spawn(move || checker.run(&filled, &empty));
        let mut feeder = Feeder { rows: Rows::default(), full, emptied };
        read(&mut feeder)?;
        feeder.send().map_err(Error::from)?;
        drop(feeder);
        checking.join().map_err(|_| Error::from(StoreError::Panicked).into())
    })
}

/// The checkpoints that are what they say, by number; the others are problems.
fn fitting(found: &mut Verification, installation: &str, trust: &Trust) -> Vec<Checkpoint> {
    let mut fit = Vec::new();
    for checkpoint in &trust.checkpoints {
        let seq = checkpoint.head.seq;
        if !checkpoint.is_genuine() {
            found.problem(seq, "the signature of a checkpoint does not verify: the file was changed");
        } else if checkpoint.installation != installation {
            let what = format!("a checkpoint is of installation {}, this log of {installation}", checkpoint.installation);
            found.problem(seq, what);
        } else {
            if trust.key.as_ref().is_some_and(|key| *key != checkpoint.head.public_key) {
                found.problem(seq, "a checkpoint is signed with a key that is not in custody");
            }
            fit.push(checkpoint.clone());
        }
    }
    fit.sort_by_key(|checkpoint| checkpoint.head.seq);
    fit
}

/// Rows that are digested while the next ones are read.
const ROWS: usize = 512;
const ROWS_AHEAD: usize = 2;

/// Some rows of the log, copied out of the database in the form in which they are digested.
#[derive(Default)]
struct Rows {
    rows: Vec<Row>,
    /// For each row what stays of its header, room for its content's digest, and the content.
    bytes: Vec<u8>,
}

struct Row {
    seq: i64,
    /// Bytes of what stays.
    header: usize,
    /// Bytes of the content; `None` when only its digest was kept, which then is in its room.
    content: Option<usize>,
    hash: [u8; 32],
    note: Option<Box<Note>>,
}

/// What is remarkable about a row.
enum Note {
    /// Its content was erased: the operation, and whether nothing is there that should not be.
    Erased { operation: String, clean: bool },
    /// It permits erasing: the payload.
    Permits(String),
    /// It is not encoded in a way that this version knows.
    Unknown(i64),
}

/// Takes rows, a batch at a time, to the thread that digests them.
pub(super) struct Feeder {
    rows: Rows,
    full: SyncSender<Rows>,
    emptied: Receiver<Rows>,
}

impl Feeder {
    pub(super) fn row(&mut self, row: &Stored<'_>) -> std::result::Result<(), StoreError> {
        self.rows.push(row);
        if self.rows.rows.len() == ROWS { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> std::result::Result<(), StoreError> {
        let next = self.emptied.try_recv().unwrap_or_default();
        self.full.send(std::mem::replace(&mut self.rows, next)).map_err(|_| StoreError::Panicked)
    }
}

/// Rows of one query: long ones would run into the time that a statement may take.
const ROWS_PER_QUERY: i64 = 100_000;

fn read(tx: &mut Tx<'_>, feeder: &mut Feeder) -> Result<()> {
    let mut after = i64::MIN;
    loop {
        let (from, mut count) = (after, 0);
        tx.each(
            "SELECT seq, at, actor_kind, actor, actor_name, face, operation, object_kind, object, object_name, request, address, \
             payload, payload_digest, hash, encoding, salt FROM event WHERE seq > $1 ORDER BY seq LIMIT $2",
            params![from, ROWS_PER_QUERY],
            |row| {
                count += 1;
                after = row.get(0)?;
                stored(row, |row| feeder.row(row))
            },
        )?;
        if count < ROWS_PER_QUERY {
            return Ok(());
        }
    }
}

/// A row as it was selected above.
pub(super) fn stored<T>(
    row: &certhold_store::Row<'_>,
    seen: impl FnOnce(&Stored<'_>) -> std::result::Result<T, StoreError>,
) -> std::result::Result<T, StoreError> {
    use certhold_store::Value;
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
    let payload = match row.value(12)? {
        Value::Null => None,
        _ => Some(row.text(12)?),
    };
    let salt = match row.value(16)? {
        Value::Null => &[],
        _ => row.blob(16)?,
    };
    seen(&Stored { header, encoding: row.get(15)?, salt, payload, kept: row.get(13)?, hash: row.get(14)? })
}

impl Rows {
    fn push(&mut self, row: &Stored<'_>) {
        let Stored { header, encoding, .. } = *row;
        let start = self.bytes.len();
        header.encode(encoding, &mut self.bytes);
        let length = self.bytes.len() - start;
        self.bytes.extend_from_slice(&row.kept.unwrap_or_default());
        // A kept digest speaks only for a content that is gone: one that is there speaks for itself.
        let content = match (row.payload, row.kept) {
            (None, Some(_)) => None,
            (payload, _) => {
                let before = self.bytes.len();
                header.encode_content(encoding, row.salt, payload.unwrap_or_default(), &mut self.bytes);
                Some(self.bytes.len() - before)
            }
        };
        let note = if !matches!(encoding, 1 | 2) {
            Some(Note::Unknown(encoding))
        } else if content.is_none() {
            let texts = [header.actor_name, header.object_name, header.request, header.address];
            let clean = encoding == 1 || texts.iter().all(|text| text.is_empty()) && row.salt.is_empty();
            Some(Note::Erased { operation: header.operation.to_owned(), clean })
        } else if header.operation == names::RETENTION_BEGAN {
            Some(Note::Permits(row.payload.unwrap_or_default().to_owned()))
        } else {
            None
        };
        self.rows.push(Row { seq: header.seq, header: length, content, hash: row.hash, note: note.map(Box::new) });
    }
}

/// What has been seen of the chain so far.
struct Checker<'a> {
    found: Verification,
    heads: Peekable<std::slice::Iter<'a, Head>>,
    checkpoints: Peekable<std::slice::Iter<'a, Checkpoint>>,
    kept: Option<KeptHead>,
    previous: [u8; 32],
    expected: i64,
    /// By operation, the last event whose content was erased.
    erased: BTreeMap<String, i64>,
    /// By operation or family, up to where retention said that it erases.
    permitted: BTreeMap<String, i64>,
}

impl Checker<'_> {
    fn run(mut self, filled: &Receiver<Rows>, empty: &SyncSender<Rows>) -> Verification {
        while let Ok(mut rows) = filled.recv() {
            let mut rest = rows.bytes.as_mut_slice();
            for row in rows.rows.drain(..) {
                let (own, others) = rest.split_at_mut(row.header + DIGEST + row.content.unwrap_or(0));
                self.row(row, own);
                rest = others;
            }
            rows.bytes.clear();
            // Nobody waits for the last ones.
            let _ = empty.try_send(rows);
        }
        self.end();
        self.found
    }

    fn end(&mut self) {
        let last = self.expected - 1;
        if let Some(head) = self.heads.clone().last() {
            let seq = head.seq;
            let what = format!("the log ends before event {seq}, which a signed head vouches for: its end was cut off");
            self.found.problem(self.expected, what);
        }
        if let Some(kept) = self.kept.filter(|kept| kept.seq >= self.expected) {
            let seq = kept.seq;
            let what = format!("the log ends before event {seq}, whose hash is kept outside the database: its end was cut off");
            self.found.problem(self.expected, what);
        }
        for checkpoint in self.checkpoints.by_ref() {
            let seq = checkpoint.head.seq;
            let what = format!("the log ends at event {last}, and a checkpoint vouches for event {seq}: its end was cut off");
            self.found.problem(self.expected, what);
        }
        for (operation, last) in &self.erased {
            let covers = |(family, up_to): (&String, &i64)| {
                (operation == family || family.ends_with('.') && operation.starts_with(family.as_str())) && up_to >= last
            };
            if !self.permitted.iter().any(covers) {
                let what = format!("the content of {operation} was erased up to here, and no retention says so");
                self.found.problems.push(Problem { seq: *last, what });
            }
        }
        self.found.problems.truncate(PROBLEMS_MAX);
    }

    fn row(&mut self, row: Row, bytes: &mut [u8]) {
        let Row { seq, hash, .. } = row;
        if seq != self.expected {
            self.found.problem(self.expected, format!("events {} to {} are missing", self.expected, seq - 1));
        }
        self.expected = seq + 1;
        self.found.events += 1;

        let (digested, content) = bytes.split_at_mut(row.header + DIGEST);
        if row.content.is_some() {
            digested[row.header..].copy_from_slice(&sha256(content));
        }
        let fits = link(&self.previous, &sha256(digested)) == hash;
        if !fits {
            self.found.problem(seq, "this event, or the one before it, is not what was written");
        }
        // Go on from what is stored, so that one changed row is reported once and not for ever after.
        self.previous = hash;
        if let Some(note) = row.note {
            self.note(seq, *note, fits);
        }
        self.hold_against(seq, &hash);
    }

    fn note(&mut self, seq: i64, note: Note, fits: bool) {
        match note {
            Note::Erased { operation, clean } => {
                self.found.erased += 1;
                if !clean {
                    self.found.problem(seq, "the content of this event was erased, and yet there is some");
                }
                self.erased.insert(operation, seq);
            }
            Note::Permits(payload) if fits => {
                let rules = serde_json::from_str::<Json>(&payload).unwrap_or_default();
                for rule in rules["erased"].as_array().into_iter().flatten() {
                    if let (Some(family), Some(up_to)) = (rule["family"].as_str(), rule["up_to"].as_i64()) {
                        let known = self.permitted.entry(family.to_owned()).or_default();
                        *known = up_to.min(seq - 1).max(*known);
                    }
                }
            }
            Note::Permits(_) => {}
            Note::Unknown(encoding) => {
                self.found.problem(seq, format!("this event is encoded in a way that is not known here: {encoding}"));
            }
        }
    }

    /// What is known of this event from elsewhere.
    fn hold_against(&mut self, seq: i64, hash: &[u8; 32]) {
        if self.kept.is_some_and(|kept| kept.seq == seq && kept.hash != *hash) {
            self.found.problem(seq, "another hash of this event is kept outside the database: the log was rewritten");
        }
        while let Some(head) = self.heads.next_if(|head| head.seq <= seq) {
            if head.seq == seq && head.hash != *hash {
                self.found.problem(seq, "the signed head of this event is another one: the log was rewritten");
            }
        }
        while let Some(checkpoint) = self.checkpoints.next_if(|checkpoint| checkpoint.head.seq <= seq) {
            if checkpoint.head.seq == seq && checkpoint.head.hash == *hash {
                self.found.checkpoints += 1;
                continue;
            }
            let (expected, is) = (crate::text::hex(&checkpoint.head.hash), crate::text::hex(hash));
            let what =
                format!("a checkpoint vouches for {expected} here, the log has {is}: it was rewritten at or before this event");
            self.found.problem(checkpoint.head.seq, what);
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
    if !signature_fits(installation, head) {
        found.problem(head.seq, "the signature of a head does not verify");
    }
}
