//! Erasing what events say, after a time, without losing that they happened.
//!
//! What stays of an event is its number, time, the kinds and numbers of actor and object, face, operation, the digest of its
//! content, and its place in the chain. What goes is the content: names, address, request and payload, with the salt that the
//! digest was made with. Before anything is erased an event says which families lose theirs up to which number; verification
//! tells an erased event from a changed one by it.

use certhold_store::{Tx, Value, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::chain::{self, Header};
use super::list;
use super::verify::stored;
use super::{NewEvent, Object, names};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::jobs::{self, JobKind, Lease};

/// How long the contents of a family of events are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    family: String,
    keep_ms: i64,
}

/// Families whose contents stay for ever: what vouches for the log, and for what was done to it.
const KEPT: [&str; 5] = ["installation.", "retention.", "master_key.", "backup.", "database."];
/// The shortest time: a mistyped rule must not empty the log.
const SHORTEST_MS: i64 = 86_400_000;
/// Events whose contents are erased in one transaction.
const CHUNK: i64 = 256;
/// Where the job keeps how far it is.
const RUNNING: &str = "retention:running";

impl Rule {
    /// A rule for a family ("sign_in.") or one operation ("sign_in.failed").
    pub fn new(family: &str, keep_ms: i64) -> Result<Rule, Refusal> {
        let refuse = |message: String| Err(Refusal::invalid("event_retention", message));
        let is_name = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let shaped = family.split_once('.').is_some_and(|(noun, rest)| is_name(noun) && (rest.is_empty() || is_name(rest)));
        if !shaped {
            return refuse(format!("{family:?} is no family of events: write it as sign_in. or sign_in.failed"));
        }
        if KEPT.iter().any(|kept| family.starts_with(kept)) {
            return refuse(format!("{family} is kept for ever: it vouches for the log"));
        }
        if keep_ms < SHORTEST_MS {
            return refuse(format!("{family} must be kept for at least a day"));
        }
        Ok(Rule { family: family.to_owned(), keep_ms })
    }

    /// The family or operation.
    pub fn family(&self) -> &str {
        &self.family
    }

    /// How long its contents are kept, milliseconds.
    pub fn keep_ms(&self) -> i64 {
        self.keep_ms
    }
}

/// How far the contents of events were erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The families that lost contents, by name, each with the last number up to which a run erased.
    pub erased: Vec<(String, i64)>,
    /// Whether a run is under way.
    pub running: bool,
}

/// Where retention stands, for operators.
pub fn standing(tx: &mut Tx<'_>, actor: &Actor) -> Result<Standing> {
    access::require_path(tx, actor, paths::SYSTEM_READ)?;
    let running = jobs::live(tx, JobKind::Retention, 0)?.is_some();
    let rows = tx.rows("SELECT name, value FROM setting WHERE name LIKE 'retention:%' ORDER BY name", params![], |row| {
        Ok((row.get::<String>(0)?, row.get::<String>(1)?))
    })?;
    let family = |(name, value): (String, String)| Some((name.strip_prefix("retention:")?.to_owned(), value.parse().ok()?));
    Ok(Standing { erased: rows.into_iter().filter(|(name, _)| name != RUNNING).filter_map(family).collect(), running })
}

/// What a run erases of one family.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Span {
    family: String,
    /// Later numbers only.
    after: i64,
    up_to: i64,
    /// Only events before this time.
    older_than: i64,
    erased: i64,
}

/// Plans a run and lets its job begin, if there is anything to erase. Says whether there is.
pub fn begin(tx: &mut Tx<'_>, actor: &Actor, rules: &[Rule], now: i64) -> Result<bool> {
    if jobs::live(tx, JobKind::Retention, 0)?.is_some() {
        return Ok(false);
    }
    let mut spans = Vec::new();
    for rule in rules {
        let older_than = now - rule.keep_ms;
        let sql = "SELECT seq FROM event WHERE at < $1 ORDER BY at DESC, seq DESC LIMIT 1";
        let Some(up_to) = tx.one(sql, params![older_than], |row| row.get::<i64>(0))? else { continue };
        let after = setting(tx, &done(&rule.family))?.and_then(|text| text.parse().ok()).unwrap_or(0);
        let span = Span { family: rule.family.clone(), after, up_to, older_than, erased: 0 };
        if !next_rows(tx, &span)?.is_empty() {
            spans.push(span);
        }
    }
    if spans.is_empty() {
        return Ok(false);
    }
    let erased: Vec<_> = spans
        .iter()
        .map(|span| json!({ "family": span.family, "up_to": span.up_to, "older_than": crate::text::utc(span.older_than) }))
        .collect();
    let object = Object { kind: "event", id: None, name: "" };
    super::append(tx, actor, now, NewEvent::new(names::RETENTION_BEGAN, object, json!({ "erased": erased })))?;
    put_setting(tx, RUNNING, &text_of(&spans)?)?;
    jobs::enqueue(tx, JobKind::Retention, 0, now, now)?;
    Ok(true)
}

/// Erases the next chunk; at the end says how much was erased and ends the job. Whether there is more to do.
pub fn step(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, now: i64) -> Result<bool> {
    jobs::require_lease(tx, lease)?;
    let running = setting(tx, RUNNING)?.unwrap_or_else(|| "[]".into());
    let mut spans: Vec<Span> = serde_json::from_str(&running).map_err(|_| Error::damaged(RUNNING))?;
    for index in 0..spans.len() {
        let rows = next_rows(tx, &spans[index])?;
        let Some(last) = rows.iter().map(|row| row.seq).max() else { continue };
        erase(tx, &rows)?;
        spans[index].erased += i64::try_from(rows.len()).unwrap_or(0);
        // The rows of a chunk are the smallest numbers, so nothing before the last of them is left.
        spans[index].after = last;
        put_setting(tx, RUNNING, &text_of(&spans)?)?;
        return Ok(true);
    }
    for span in &spans {
        put_setting(tx, &done(&span.family), &span.up_to.to_string())?;
    }
    tx.execute("DELETE FROM setting WHERE name = $1", params![RUNNING])?;
    let erased: Vec<_> =
        spans.iter().map(|span| json!({ "family": span.family, "up_to": span.up_to, "events": span.erased })).collect();
    let object = Object { kind: "event", id: None, name: "" };
    super::append(tx, actor, now, NewEvent::new(names::RETENTION_COMPLETED, object, json!({ "erased": erased })))?;
    jobs::finish(tx, lease, now)?;
    Ok(false)
}

/// A row about to lose its content.
struct Doomed {
    seq: i64,
    encoding: i64,
    digest: [u8; 32],
}

/// The first rows of a span that still have their content.
fn next_rows(tx: &mut Tx<'_>, span: &Span) -> Result<Vec<Doomed>> {
    let operations = match span.family.ends_with('.') {
        true => list::operations(tx, &span.family)?,
        false => vec![span.family.clone()],
    };
    let mut found = Vec::new();
    for operation in operations {
        tx.each(
            &format!(
                "SELECT {} FROM event WHERE operation = $1 AND seq > $2 AND seq <= $3 AND at < $4 AND payload IS NOT NULL \
                 ORDER BY seq LIMIT $5",
                list::COLUMNS
            ),
            params![&operation, span.after, span.up_to, span.older_than, CHUNK],
            |row| {
                found.push(stored(row, |row| {
                    let payload = row.payload.unwrap_or_default();
                    let header: &Header<'_> = &row.header;
                    let digest = chain::content_digest(header, row.encoding, row.salt, payload);
                    Ok(Doomed { seq: header.seq, encoding: row.encoding, digest })
                })?);
                Ok(())
            },
        )?;
    }
    found.sort_by_key(|row: &Doomed| row.seq);
    found.truncate(CHUNK as usize);
    Ok(found)
}

/// The first encoding digests names and addresses with what stays, so there only the payload can go.
fn erase(tx: &mut Tx<'_>, rows: &[Doomed]) -> Result<()> {
    let of = |first: bool| -> Vec<[Value<'_>; 2]> {
        let rows = rows.iter().filter(|row| (row.encoding == 1) == first);
        rows.map(|row| [Value::from(&row.digest), row.seq.into()]).collect()
    };
    tx.execute_many("UPDATE event SET payload = NULL, payload_digest = $1 WHERE seq = $2", &of(true))?;
    tx.execute_many(
        "UPDATE event SET payload = NULL, payload_digest = $1, salt = NULL, actor_name = '', object_name = '', request = '', \
         address = '' WHERE seq = $2",
        &of(false),
    )?;
    Ok(())
}

fn done(family: &str) -> String {
    format!("retention:{family}")
}

fn text_of(spans: &[Span]) -> Result<String> {
    serde_json::to_string(spans).map_err(|error| Error::damaged(error.to_string()))
}

fn setting(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>> {
    Ok(tx.one("SELECT value FROM setting WHERE name = $1", params![name], |row| row.get(0))?)
}

fn put_setting(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![name, value],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_checked() {
        const DAY: i64 = 86_400_000;
        assert!(Rule::new("sign_in.", DAY).is_ok());
        assert!(Rule::new("sign_in.failed", 90 * DAY).is_ok());
        for (family, keep) in [
            ("sign_in.", DAY - 1),
            ("sign_in", DAY),
            ("", DAY),
            (".", DAY),
            ("Sign_in.", DAY),
            ("a.b.c", DAY),
            ("retention.", DAY),
            ("retention.began", DAY),
            ("master_key.created", DAY),
            ("installation.", DAY),
        ] {
            assert!(Rule::new(family, keep).is_err(), "{family} {keep}");
        }
    }
}
