//! Appending to the chain.

use aws_lc_rs::digest::{Context, SHA256, digest};
use certhold_store::{Tx, Value, params};
use serde_json::{Map, Value as Json, json};

use crate::actor::Actor;
use crate::error::Result;

/// What an event is about.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// The noun: "certificate", "role", …
    pub kind: &'static str,
    /// Its identifier, where it has one.
    pub id: Option<i64>,
    /// Its name at that moment.
    pub name: &'a str,
}

impl<'a> Object<'a> {
    /// An object with an identifier.
    pub fn new(kind: &'static str, id: i64, name: &'a str) -> Object<'a> {
        Object { kind, id: Some(id), name }
    }
}

/// An event about to be appended.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// One of [`super::names`].
    pub operation: &'static str,
    /// What it is about.
    pub object: Object<'a>,
    /// `before`, `after` and further details; never a secret.
    pub payload: Json,
}

impl<'a> NewEvent<'a> {
    /// An event with details of its own shape.
    pub fn new(operation: &'static str, object: Object<'a>, payload: Json) -> NewEvent<'a> {
        NewEvent { operation, object, payload }
    }

    /// An event that changed fields: only those that differ are kept.
    pub fn changed(operation: &'static str, object: Object<'a>, before: Json, after: Json) -> NewEvent<'a> {
        let (before, after) = differing(before, after);
        NewEvent { operation, object, payload: json!({ "before": before, "after": after }) }
    }
}

fn differing(before: Json, after: Json) -> (Json, Json) {
    match (before, after) {
        (Json::Object(before), Json::Object(after)) => {
            let differs = |key: &String| before.get(key) != after.get(key);
            let only = |map: &Map<String, Json>| {
                Json::Object(map.iter().filter(|(key, _)| differs(key)).map(|(k, v)| (k.clone(), v.clone())).collect())
            };
            (only(&before), only(&after))
        }
        other => other,
    }
}

/// The end of the chain within this batch of transactions; forgotten by the store whenever something rolls back.
struct ChainHead {
    seq: i64,
    hash: [u8; 32],
}

/// The hash before the first event: no two installations share it.
pub(super) fn genesis(installation: &str) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(b"certhold event chain 1\0");
    context.update(installation.as_bytes());
    finish(context)
}

/// Appends one event in the caller's transaction; returns its sequence number.
pub fn append(tx: &mut Tx<'_>, actor: &Actor, now: i64, event: NewEvent<'_>) -> Result<i64> {
    append_many(tx, actor, now, &[event])
}

/// Appends several events in order; returns the sequence number of the last event in the log.
pub fn append_many(tx: &mut Tx<'_>, actor: &Actor, now: i64, events: &[NewEvent<'_>]) -> Result<i64> {
    let mut head = head(tx)?;
    let mut lists: Vec<[Value<'_>; 16]> = Vec::with_capacity(events.len());
    for event in events {
        let payload = event.payload.to_string();
        let row = Header {
            seq: head.seq + 1,
            at: now,
            actor_kind: actor.kind.name(),
            actor: actor.id.map(|id| id.0),
            actor_name: &actor.name,
            face: actor.face.name(),
            operation: event.operation,
            object_kind: event.object.kind,
            object: event.object.id,
            object_name: event.object.name,
            request: &actor.request,
            address: &actor.address,
        };
        let salt = tx.salt()?;
        head = ChainHead { seq: row.seq, hash: link(&head.hash, &row.digest(&salt, &payload)) };
        lists.push([
            row.seq.into(),
            row.at.into(),
            row.actor_kind.into(),
            row.actor.into(),
            row.actor_name.into(),
            row.face.into(),
            row.operation.into(),
            row.object_kind.into(),
            row.object.into(),
            row.object_name.into(),
            row.request.into(),
            row.address.into(),
            payload.into(),
            head.hash.into(),
            ENCODING.into(),
            salt.into(),
        ]);
    }
    tx.send_many(
        "INSERT INTO event (seq, at, actor_kind, actor, actor_name, face, operation, object_kind, object, object_name, request, \
         address, payload, hash, encoding, salt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        &lists,
    )?;
    let seq = head.seq;
    *tx.memo::<ChainHead>() = Some(head);
    Ok(seq)
}

fn head(tx: &mut Tx<'_>) -> Result<ChainHead> {
    if let Some(head) = tx.memo::<ChainHead>().take() {
        return Ok(head);
    }
    let last = tx.one("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1", params![], |row| {
        Ok(ChainHead { seq: row.get(0)?, hash: row.get(1)? })
    })?;
    match last {
        Some(head) => Ok(head),
        None => Ok(ChainHead { seq: 0, hash: genesis(&crate::schema::installation(tx)?) }),
    }
}

/// How rows are digested now.
pub(super) const ENCODING: i64 = 2;

/// The fields of a row beside its payload.
#[derive(Clone, Copy)]
pub(super) struct Header<'a> {
    pub seq: i64,
    pub at: i64,
    pub actor_kind: &'a str,
    pub actor: Option<i64>,
    pub actor_name: &'a str,
    pub face: &'a str,
    pub operation: &'a str,
    pub object_kind: &'a str,
    pub object: Option<i64>,
    pub object_name: &'a str,
    pub request: &'a str,
    pub address: &'a str,
}

impl Header<'_> {
    /// The row's digest in today's encoding.
    fn digest(&self, salt: &[u8; 16], payload: &str) -> [u8; 32] {
        let mut content = Vec::with_capacity(320);
        self.encode_content(ENCODING, salt, payload, &mut content);
        let mut bytes = Vec::with_capacity(160);
        self.encode(ENCODING, &mut bytes);
        bytes.extend_from_slice(&sha256(&content));
        sha256(&bytes)
    }

    /// What stays for ever: the version's byte, the numbers (big-endian, absent ones as -1 behind a flag byte) and the
    /// length-prefixed texts. No two different rows share an encoding. It is digested together with the content's digest.
    pub(super) fn encode(&self, encoding: i64, bytes: &mut Vec<u8>) {
        bytes.push(u8::try_from(encoding).unwrap_or(0));
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.at.to_be_bytes());
        for number in [self.actor, self.object] {
            bytes.push(u8::from(number.is_some()));
            bytes.extend_from_slice(&number.unwrap_or(-1).to_be_bytes());
        }
        if encoding == 1 {
            let texts = [
                self.actor_kind,
                self.actor_name,
                self.face,
                self.operation,
                self.object_kind,
                self.object_name,
                self.request,
                self.address,
            ];
            return prefixed(&texts, bytes);
        }
        prefixed(&[self.actor_kind, self.face, self.operation, self.object_kind], bytes);
    }

    /// What retention may erase: the payload and, since encoding 2, names, request and address behind a salt.
    pub(super) fn encode_content(&self, encoding: i64, salt: &[u8], payload: &str, bytes: &mut Vec<u8>) {
        if encoding != 1 {
            bytes.extend_from_slice(salt);
            prefixed(&[self.actor_name, self.object_name, self.request, self.address], bytes);
        }
        bytes.extend_from_slice(payload.as_bytes());
    }
}

fn prefixed(texts: &[&str], bytes: &mut Vec<u8>) {
    for text in texts {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
}

/// The digest that stays behind when a row's content is erased.
pub(super) fn content_digest(header: &Header<'_>, encoding: i64, salt: &[u8], payload: &str) -> [u8; 32] {
    let mut content = Vec::with_capacity(320);
    header.encode_content(encoding, salt, payload, &mut content);
    sha256(&content)
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    array(digest(&SHA256, bytes).as_ref())
}

/// `SHA-256(previous || digest)`.
pub(super) fn link(previous: &[u8; 32], row: &[u8; 32]) -> [u8; 32] {
    let mut both = [0; 64];
    both[..32].copy_from_slice(previous);
    both[32..].copy_from_slice(row);
    sha256(&both)
}

fn finish(context: Context) -> [u8; 32] {
    array(context.finish().as_ref())
}

fn array(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header<'a>(actor_name: &'a str, object_name: &'a str) -> Header<'a> {
        Header {
            seq: 7,
            at: 1,
            actor_kind: "person",
            actor: Some(1),
            actor_name,
            face: "web",
            operation: "role.created",
            object_kind: "role",
            object: None,
            object_name,
            request: "",
            address: "",
        }
    }

    const SALT: [u8; 16] = [5; 16];

    #[test]
    fn moving_a_character_between_fields_changes_the_digest() {
        assert_ne!(header("ab", "c").digest(&SALT, "{}"), header("a", "bc").digest(&SALT, "{}"));
        let moved = Header { address: "{", ..header("a", "b") };
        assert_ne!(header("a", "b").digest(&SALT, "{}"), moved.digest(&SALT, "}"));
    }

    #[test]
    fn absent_and_minus_one_differ() {
        let minus_one = Header { object: Some(-1), ..header("a", "b") };
        assert_ne!(minus_one.digest(&SALT, "{}"), header("a", "b").digest(&SALT, "{}"));
    }

    #[test]
    fn every_field_counts_in_either_encoding() {
        let row = header("a", "b");
        let others = [
            Header { seq: 8, ..row },
            Header { at: 2, ..row },
            Header { actor_kind: "service", ..row },
            Header { actor: None, ..row },
            Header { actor_name: "x", ..row },
            Header { face: "cli", ..row },
            Header { operation: "role.deleted", ..row },
            Header { object_kind: "set", ..row },
            Header { object: Some(3), ..row },
            Header { object_name: "x", ..row },
            Header { request: "x", ..row },
            Header { address: "x", ..row },
        ];
        for encoding in [1, 2] {
            let whole = |header: &Header<'_>| {
                let mut bytes = Vec::new();
                header.encode(encoding, &mut bytes);
                bytes.extend(content_digest(header, encoding, &SALT, "{}"));
                bytes
            };
            for (index, other) in others.iter().enumerate() {
                assert_ne!(whole(&row), whole(other), "encoding {encoding}, field {index}");
            }
        }
    }

    #[test]
    fn only_differing_fields_are_kept() {
        let event =
            NewEvent::changed("role.changed", Object::new("role", 1, "x"), json!({"a": 1, "b": 2}), json!({"a": 1, "b": 3}));
        assert_eq!(event.payload, json!({"before": {"b": 2}, "after": {"b": 3}}));
    }
}
