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
    let mut lists: Vec<[Value<'_>; 14]> = Vec::with_capacity(events.len());
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
        head = ChainHead { seq: row.seq, hash: link(&head.hash, &row.digest(&payload_digest(&payload))) };
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
        ]);
    }
    tx.execute_many(
        "INSERT INTO event (seq, at, actor_kind, actor, actor_name, face, operation, object_kind, object, object_name, request, \
         address, payload, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
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

/// The fields of a row that are digested beside its payload.
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
    /// SHA-256 over the row's encoding and the payload's digest.
    fn digest(&self, payload: &[u8; 32]) -> [u8; 32] {
        let mut bytes = Vec::with_capacity(320);
        self.encode(&mut bytes);
        bytes.extend_from_slice(payload);
        sha256(&bytes)
    }

    /// A version byte, the numbers (big-endian, absent ones as -1 behind a flag byte) and the length-prefixed texts: no two
    /// different rows share an encoding.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.push(1);
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.at.to_be_bytes());
        for number in [self.actor, self.object] {
            bytes.push(u8::from(number.is_some()));
            bytes.extend_from_slice(&number.unwrap_or(-1).to_be_bytes());
        }
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
        for text in texts {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    array(digest(&SHA256, bytes).as_ref())
}

fn payload_digest(payload: &str) -> [u8; 32] {
    sha256(payload.as_bytes())
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

    #[test]
    fn moving_a_character_between_fields_changes_the_digest() {
        let payload = payload_digest("{}");
        assert_ne!(header("ab", "c").digest(&payload), header("a", "bc").digest(&payload));
    }

    #[test]
    fn absent_and_minus_one_differ() {
        let payload = payload_digest("{}");
        let minus_one = Header { object: Some(-1), ..header("a", "b") };
        assert_ne!(minus_one.digest(&payload), header("a", "b").digest(&payload));
    }

    #[test]
    fn only_differing_fields_are_kept() {
        let event =
            NewEvent::changed("role.changed", Object::new("role", 1, "x"), json!({"a": 1, "b": 2}), json!({"a": 1, "b": 3}));
        assert_eq!(event.payload, json!({"before": {"b": 2}, "after": {"b": 3}}));
    }
}
