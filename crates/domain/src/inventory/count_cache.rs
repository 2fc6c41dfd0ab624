//! Exact counts, remembered as long as nothing has happened: every change of what queries see has an event, but for rows that are
//! derived again. A count of half a million rows is asked for with every page of a list; this makes it cost once. People who sign in
//! change nothing of what queries see.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use certhold_store::{Tx, Value, params};

use crate::error::Result;
use crate::events::names;

/// What was counted, at which version of the data.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// An event of the chain: it stands for everything that had happened then in one database and in no other.
    head: Vec<u8>,
    /// Which derivation rows have, and how far they have been derived again.
    derived: Vec<i64>,
    question: Vec<u8>,
}

/// Counts of all databases that this process has open; the key says which one and when, so that none is ever wrong.
static COUNTS: LazyLock<Mutex<HashMap<Key, i64>>> = LazyLock::new(Mutex::default);

/// Counts after which it starts again, so that it stays small: some hundred octets each.
const COUNTS_MAX: usize = 4_096;

/// Events that change nothing of what a query or a scope sees.
const UNSEEN: &[&str] = &[
    names::SIGN_IN_SUCCEEDED,
    names::SIGN_IN_FAILED,
    names::SIGN_IN_LOCKED,
    names::SESSION_ENDED,
    names::TOKEN_CREATED,
    names::TOKEN_REVOKED,
    names::ACCESS_TOKEN_ISSUED,
    names::PASSWORD_CHANGED,
    names::PRIVATE_KEY_EXPORTED,
    names::ORDER_PREPARED,
    names::ORDER_PLACED,
    names::RENEWAL_REQUESTED,
    names::BACKUP_COMPLETED,
];

/// So many of them in a row are looked through for one that changed something.
const AWAY: i64 = 256;

/// The answer to a question: what was counted when it was asked before, as long as nothing has happened, or what `counted` finds.
pub(super) fn count(
    tx: &mut Tx<'_>,
    sql: &str,
    values: &[Value<'_>],
    counted: impl FnOnce(&mut Tx<'_>) -> Result<i64>,
) -> Result<i64> {
    let key = key(tx, sql, values)?;
    let counts = || COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(count) = key.as_ref().and_then(|key| counts().get(key).copied()) {
        return Ok(count);
    }
    let count = counted(tx)?;
    if let Some(key) = key {
        let mut counts = counts();
        if counts.len() >= COUNTS_MAX {
            counts.clear();
        }
        counts.insert(key, count);
    }
    Ok(count)
}

/// A question as it stands now; nothing for a database without events, which is none of ours, and nothing within a write, where what
/// is seen may still be undone.
pub(super) fn key(tx: &mut Tx<'_>, sql: &str, values: &[Value<'_>]) -> Result<Option<Key>> {
    if tx.can_write() {
        return Ok(None);
    }
    let head = head(tx)?;
    let derivation = "SELECT value FROM counter WHERE name = 'derived' OR name = 'derived_to' ORDER BY name";
    let derived = tx.rows(derivation, params![], |row| row.get(0))?;
    Ok(head.filter(|head| !head.is_empty()).map(|head| Key { head, derived, question: question(sql, values) }))
}

/// The hash of an event since which nothing has happened that queries see: the newest event but for those of people who come and
/// go. When there are many of these, one of them that stays the same while [`AWAY`] more come.
fn head(tx: &mut Tx<'_>) -> Result<Option<Vec<u8>>> {
    let unseen: Vec<String> = UNSEEN.iter().map(|operation| format!("'{operation}'")).collect();
    let newest = format!(
        "SELECT hash FROM (SELECT hash, operation FROM event ORDER BY seq DESC LIMIT {AWAY}) AS newest \
         WHERE operation NOT IN ({}) LIMIT 1",
        unseen.join(", ")
    );
    if let Some(hash) = tx.one(&newest, params![], |row| row.get(0))? {
        return Ok(Some(hash));
    }
    let steady = format!("SELECT hash FROM event WHERE seq = (SELECT (max(seq) - 1) / {AWAY} * {AWAY} FROM event)");
    tx.one(&steady, params![], |row| row.get(0)).map_err(Into::into)
}

/// Statement and values, each with its length, so that no two questions look alike.
fn question(sql: &str, values: &[Value<'_>]) -> Vec<u8> {
    let mut bytes = sql.as_bytes().to_vec();
    for value in values {
        let (kind, content): (u8, Vec<u8>) = match value {
            Value::Null => (0, Vec::new()),
            Value::Bool(flag) => (1, vec![u8::from(*flag)]),
            Value::Int(number) => (2, number.to_be_bytes().to_vec()),
            Value::Text(text) => (3, text.as_bytes().to_vec()),
            Value::Blob(blob) => (4, blob.to_vec()),
        };
        bytes.push(kind);
        bytes.extend_from_slice(&(content.len() as u64).to_be_bytes());
        bytes.extend_from_slice(&content);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_differ_by_kind_and_content() {
        let of = |values: &[Value<'_>]| question("SELECT $1", values);
        let all = [
            of(&[Value::Null]),
            of(&[Value::Int(1)]),
            of(&[Value::Bool(true)]),
            of(&[Value::from("1")]),
            of(&[Value::from(vec![b'1'])]),
            of(&[Value::from("a"), Value::from("bc")]),
            of(&[Value::from("ab"), Value::from("c")]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one));
        }
    }
}
