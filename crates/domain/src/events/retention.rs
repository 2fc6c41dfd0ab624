//! Erasing what events say, after a time, without losing that they happened.
//!
//! What stays of an event is its number, time, the kinds and numbers of actor and object, face, operation, the digest of its
//! content, and its place in the chain. What goes is the content: names, address, request and payload, with the salt that the
//! digest was made with. Before anything is erased an event says which families lose theirs up to which number; verification
//! tells an erased event from a changed one by it.
//!
//! Clocks run ahead, so a smaller number may have a later time. A run passes over such events, remembers among which numbers they are,
//! and a later one comes back to them when they are old enough: nothing behind waits for them, and none of them is forgotten.

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
/// Numbers that are looked through in one transaction where there may be nothing left to erase.
const WINDOW: i64 = 16_384;
/// Stretches of numbers that are remembered of one family; of more, the nearest become one.
const STRETCHES: usize = 32;
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
    /// What earlier runs passed over and may be old enough now; it comes first.
    #[serde(default)]
    back: Vec<Passed>,
    /// What is left for later runs.
    #[serde(default = "everything")]
    passed: Vec<Passed>,
}

/// A stretch of numbers among which are events that were not old enough when others with larger numbers were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Passed {
    first: i64,
    last: i64,
    /// The time of the oldest of them.
    at: i64,
    events: i64,
}

/// What a run of an earlier version, which did not say so, passed over: everything, up to where it goes, is looked at again.
fn everything() -> Vec<Passed> {
    vec![Passed { first: 1, last: 0, at: i64::MIN, events: 0 }]
}

fn spans_of(running: &str) -> Result<Vec<Span>> {
    let mut spans: Vec<Span> = serde_json::from_str(running).map_err(|_| Error::damaged(RUNNING))?;
    for span in &mut spans {
        span.passed.iter_mut().filter(|passed| passed.last == 0).for_each(|passed| passed.last = span.up_to);
    }
    Ok(spans)
}

impl Span {
    /// What is looked at next: numbers after the first one, up to the second.
    fn piece(&self) -> Option<(i64, i64)> {
        match self.back.first() {
            Some(back) => Some((back.first - 1, back.last.min(back.first + WINDOW))),
            None => (self.after < self.up_to).then_some((self.after, self.up_to)),
        }
    }

    /// Everything of the piece up to this number was looked at.
    fn seen(&mut self, up_to: i64) {
        match self.back.first_mut() {
            Some(back) if up_to < back.last => back.first = up_to + 1,
            Some(_) => drop(self.back.remove(0)),
            None => self.after = up_to,
        }
    }

    /// Remembers events that are not old enough, in the order of their numbers.
    fn pass_over(&mut self, events: &[&Found]) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        let at = events.iter().map(|event| event.at).min().unwrap_or(first.at);
        self.passed.push(Passed { first: first.seq, last: last.seq, at, events: count(events.len()) });
        join_nearest(&mut self.passed, STRETCHES);
    }
}

/// Brings stretches into order and joins the nearest until there are at most so many.
fn join_nearest(stretches: &mut Vec<Passed>, most: usize) {
    stretches.sort_by_key(|stretch| stretch.first);
    while stretches.len() > most.max(1) {
        let gap = |at: &usize| stretches[at + 1].first - stretches[*at].last;
        let Some(at) = (0..stretches.len() - 1).min_by_key(gap) else { return };
        let next = stretches.remove(at + 1);
        let joined = &mut stretches[at];
        joined.last = joined.last.max(next.last);
        joined.at = joined.at.min(next.at);
        joined.events += next.events;
    }
}

/// What earlier runs passed over of a family, of which everything up to `done` was looked at once. Earlier versions remembered nothing,
/// so everything is looked at again.
fn passed_over(tx: &mut Tx<'_>, family: &str, done: i64) -> Result<Vec<Passed>> {
    let name = passed(family);
    match setting(tx, &name)? {
        Some(text) => serde_json::from_str(&text).map_err(|_| Error::damaged(name)),
        None if done > 0 => Ok(vec![Passed { first: 1, last: done, at: i64::MIN, events: 0 }]),
        None => Ok(Vec::new()),
    }
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
        // The latest of these may be one that was passed over.
        let up_to = up_to.max(after);
        let (back, passed) = passed_over(tx, &rule.family, after)?.into_iter().partition(|passed| passed.at < older_than);
        let span = Span { family: rule.family.clone(), after, up_to, older_than, erased: 0, back, passed };
        if !span.back.is_empty() || !next_rows(tx, &span.family, after, up_to)?.is_empty() {
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
    let mut spans = spans_of(&running)?;
    for span in &mut spans {
        let Some((after, up_to)) = span.piece() else { continue };
        let rows = next_rows(tx, &span.family, after, up_to)?;
        let (doomed, early): (Vec<&Found>, Vec<&Found>) = rows.iter().partition(|row| row.at < span.older_than);
        erase(tx, &doomed)?;
        span.erased += count(doomed.len());
        span.pass_over(&early);
        // The rows of a chunk are the smallest numbers, so nothing before the last of a full one is left.
        let full = rows.last().filter(|_| count(rows.len()) == CHUNK);
        span.seen(full.map_or(up_to, |last| last.seq));
        put_setting(tx, RUNNING, &text_of(&spans)?)?;
        return Ok(true);
    }
    for span in &spans {
        put_setting(tx, &done(&span.family), &span.up_to.to_string())?;
        put_setting(tx, &passed(&span.family), &text_of(&span.passed)?)?;
    }
    tx.execute("DELETE FROM setting WHERE name = $1", params![RUNNING])?;
    let told = |span: &Span| {
        let waiting: i64 = span.passed.iter().map(|passed| passed.events).sum();
        json!({ "family": span.family, "up_to": span.up_to, "events": span.erased, "waiting": waiting })
    };
    let erased: Vec<_> = spans.iter().map(told).collect();
    let object = Object { kind: "event", id: None, name: "" };
    super::append(tx, actor, now, NewEvent::new(names::RETENTION_COMPLETED, object, json!({ "erased": erased })))?;
    jobs::finish(tx, lease, now)?;
    Ok(false)
}

/// A row that has its content, and the digest that stays of it.
struct Found {
    seq: i64,
    at: i64,
    encoding: i64,
    digest: [u8; 32],
}

/// The first rows of a family with numbers after `after` and up to `up_to` that still have their content.
fn next_rows(tx: &mut Tx<'_>, family: &str, after: i64, up_to: i64) -> Result<Vec<Found>> {
    let operations = match family.ends_with('.') {
        true => list::operations(tx, family)?,
        false => vec![family.to_owned()],
    };
    let mut found = Vec::new();
    for operation in operations {
        tx.each(
            &format!(
                "SELECT {} FROM event WHERE operation = $1 AND seq > $2 AND seq <= $3 AND payload IS NOT NULL ORDER BY seq LIMIT $4",
                list::COLUMNS
            ),
            params![&operation, after, up_to, CHUNK],
            |row| {
                found.push(stored(row, |row| {
                    let payload = row.payload.unwrap_or_default();
                    let header: &Header<'_> = &row.header;
                    let digest = chain::content_digest(header, row.encoding, row.salt, payload);
                    Ok(Found { seq: header.seq, at: header.at, encoding: row.encoding, digest })
                })?);
                Ok(())
            },
        )?;
    }
    found.sort_by_key(|row: &Found| row.seq);
    found.truncate(CHUNK as usize);
    Ok(found)
}

/// The first encoding digests names and addresses with what stays, so there only the payload can go.
fn erase(tx: &mut Tx<'_>, rows: &[&Found]) -> Result<()> {
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

fn passed(family: &str) -> String {
    format!("retention_passed:{family}")
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn text_of(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::damaged(error.to_string()))
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
    fn stretches_that_are_near_become_one() {
        let of = |first, last, at| Passed { first, last, at, events: 1 };
        let mut stretches = vec![of(90, 95, 7), of(1, 1, 9), of(100, 100, 3), of(40, 50, 5)];
        join_nearest(&mut stretches, 4);
        assert_eq!(stretches.iter().map(|one| one.first).collect::<Vec<_>>(), [1, 40, 90, 100]);
        join_nearest(&mut stretches, 3);
        assert_eq!(stretches, [of(1, 1, 9), of(40, 50, 5), Passed { first: 90, last: 100, at: 3, events: 2 }]);
        join_nearest(&mut stretches, 1);
        assert_eq!(stretches, [Passed { first: 1, last: 100, at: 3, events: 4 }]);
    }

    #[test]
    fn a_run_of_an_earlier_version_leaves_everything_to_be_looked_at_again() {
        let before = r#"[{"family":"sign_in","after":3,"up_to":90,"older_than":5,"erased":2}]"#;
        let spans = spans_of(before).unwrap();
        assert_eq!(spans[0].passed, [Passed { first: 1, last: 90, at: i64::MIN, events: 0 }]);
        let now = text_of(&spans).unwrap();
        assert_eq!(spans_of(&now).unwrap()[0].passed, spans[0].passed);
        assert_eq!(spans_of(&now.replace(&text_of(&spans[0].passed).unwrap(), "[]")).unwrap()[0].passed, []);
    }

    /// What is come back to is looked through in pieces, then comes what was never looked at.
    #[test]
    fn a_span_goes_on_piece_by_piece() {
        let back = vec![Passed { first: 5, last: 5 + 2 * WINDOW, at: 0, events: 1 }];
        let family = "sign_in.".to_owned();
        let mut span = Span { family, after: 3 * WINDOW, up_to: 4 * WINDOW, older_than: 0, erased: 0, back, passed: Vec::new() };
        let mut pieces = Vec::new();
        while let Some((after, up_to)) = span.piece() {
            pieces.push((after, up_to));
            span.seen(up_to);
        }
        assert_eq!(pieces[0], (4, 5 + WINDOW));
        assert_eq!(pieces[1], (5 + WINDOW, 5 + 2 * WINDOW));
        assert_eq!(pieces[2..], [(3 * WINDOW, 4 * WINDOW)]);
    }

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
