//! Reading the log.
//!
//! Every query costs little however long the log is. A single condition that an index serves is answered from the index alone.
//! Anything else is looked for in windows of events, from the newest backwards; when a request has looked through enough of
//! them it answers with what it has found, and with the place from which the next request goes on.

use certhold_store::{Row, Tx, Value, params};
use serde_json::Value as Json;

use super::head::{self, Head};
use crate::access::{self, paths};
use crate::actor::{Actor, ActorKind};
use crate::error::{Refusal, Result};
use crate::ids::{CertificateId, PrincipalId};
use crate::limits;

/// One event as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number in the chain.
    pub seq: i64,
    /// When, unix milliseconds.
    pub at: i64,
    /// What kind of actor.
    pub actor_kind: ActorKind,
    /// Which principal.
    pub actor: Option<PrincipalId>,
    /// The actor's name at that moment.
    pub actor_name: String,
    /// The face the request came through.
    pub face: String,
    /// One of [`super::names`].
    pub operation: String,
    /// The noun.
    pub object_kind: String,
    /// Which one.
    pub object: Option<i64>,
    /// Its name at that moment.
    pub object_name: String,
    /// The request's id.
    pub request: String,
    /// The peer's address.
    pub address: String,
    /// Details; null when retention has erased them.
    pub payload: Json,
    /// The chain's hash at this event.
    pub hash: [u8; 32],
    /// How the row is digested.
    pub encoding: i64,
    /// What its content is digested with; empty when retention has erased it.
    pub salt: Vec<u8>,
    /// The digest of what retention has erased.
    pub erased: Option<[u8; 32]>,
}

/// Which events; newest first.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only this operation, or this family when it ends with a dot ("certificate.").
    pub operation: Option<String>,
    /// Only events about this kind of object.
    pub object_kind: Option<String>,
    /// Only events about this object (needs `object_kind`).
    pub object: Option<i64>,
    /// Only events by this principal.
    pub actor: Option<PrincipalId>,
    /// Only events through this face.
    pub face: Option<String>,
    /// Only events from this address.
    pub address: Option<String>,
    /// Only events of this request.
    pub request: Option<String>,
    /// Only events whose actor or object has this text in its name, whatever the case of its letters from A to Z.
    pub text: Option<String>,
    /// Not before, unix milliseconds.
    pub since: Option<i64>,
    /// Before, unix milliseconds.
    pub until: Option<i64>,
    /// Only events with a smaller number: the last one of the page before.
    pub before: Option<i64>,
    /// Rows, at most [`limits::PAGE_ROWS`].
    pub limit: usize,
}

/// A page of events.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPage {
    /// Newest first.
    pub events: Vec<Event>,
    /// `before` of the next page, if there may be one. A page may be shorter than asked for, even empty, and have a next one:
    /// then the search has looked through as many events as one request may.
    pub next: Option<i64>,
}

pub(super) const COLUMNS: &str = "seq, at, actor_kind, actor, actor_name, face, operation, object_kind, object, object_name, \
     request, address, payload, payload_digest, hash, encoding, salt";

/// Events that one window has.
const WINDOW: i64 = 100_000;
/// Windows that one request looks through.
const WINDOWS: usize = 10;
/// Nodes' clocks differ by less, so numbers follow time to within it.
const CLOCKS_DIFFER_MS: i64 = 3_600_000;
/// Operations of one family; more than there are.
const FAMILY_MAX: usize = 64;

/// All events, for auditors.
pub fn list(tx: &mut Tx<'_>, actor: &Actor, filter: &EventFilter) -> Result<EventPage> {
    access::require_path(tx, actor, paths::AUDITING_READ)?;
    select(tx, filter)
}

/// One event, for auditors.
pub fn one(tx: &mut Tx<'_>, actor: &Actor, seq: i64) -> Result<Event> {
    access::require_path(tx, actor, paths::AUDITING_READ)?;
    let found = tx.one(&format!("SELECT {COLUMNS} FROM event WHERE seq = $1"), params![seq], read)?;
    found.ok_or_else(|| Refusal::not_found("event", seq).into())
}

/// One event with its place in the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Linked {
    /// The event.
    pub event: Event,
    /// The chain's hash at the event before; `None` for the first.
    pub previous: Option<[u8; 32]>,
    /// The first signed head that covers it, if one has been signed since.
    pub head: Option<Head>,
    /// The events beside it, as far as there are any.
    pub neighbours: (Option<i64>, Option<i64>),
}

/// One event with its place in the chain, for auditors.
pub fn linked(tx: &mut Tx<'_>, actor: &Actor, seq: i64) -> Result<Linked> {
    let event = one(tx, actor, seq)?;
    let before = tx.one("SELECT seq, hash FROM event WHERE seq < $1 ORDER BY seq DESC LIMIT 1", params![seq], |row| {
        Ok((row.get::<i64>(0)?, row.get::<[u8; 32]>(1)?))
    })?;
    let after = tx.one("SELECT seq FROM event WHERE seq > $1 ORDER BY seq LIMIT 1", params![seq], |row| row.get::<i64>(0))?;
    let (previous, neighbours) = (before.map(|(_, hash)| hash), (before.map(|(seq, _)| seq), after));
    Ok(Linked { event, previous, head: head::covering(tx, seq)?, neighbours })
}

/// A certificate's history, for whoever may see the certificate.
pub fn history(
    tx: &mut Tx<'_>,
    actor: &Actor,
    certificate: CertificateId,
    before: Option<i64>,
    limit: usize,
) -> Result<EventPage> {
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    of_certificate(tx, certificate, before, limit)
}

/// The same without asking who wants to know.
pub(crate) fn of_certificate(
    tx: &mut Tx<'_>,
    certificate: CertificateId,
    before: Option<i64>,
    limit: usize,
) -> Result<EventPage> {
    let filter = EventFilter {
        object_kind: Some("certificate".into()),
        object: Some(certificate.0),
        before,
        limit,
        ..EventFilter::default()
    };
    select(tx, &filter)
}

/// Which entries of one certificate's history.
#[derive(Clone, Copy, Debug, Default)]
pub struct HistoryPage {
    /// Entries that are left out before the page begins.
    pub offset: usize,
    /// Entries of the page, at most [`limits::PAGE_ROWS`].
    pub limit: usize,
    /// By who did it, instead of when.
    pub by_actor: bool,
    /// The greatest first.
    pub descending: bool,
}

/// A page of a certificate's history by number, and how many entries there are, without asking who wants to know.
pub(crate) fn page_of_certificate(tx: &mut Tx<'_>, id: CertificateId, asked: &HistoryPage) -> Result<(Vec<Event>, i64)> {
    let total = "SELECT count(*) FROM event WHERE object_kind = 'certificate' AND object = $1";
    let total: i64 = tx.one(total, params![id], |row| row.get(0))?.unwrap_or(0);
    let word = if asked.descending { " DESC" } else { "" };
    let order = if asked.by_actor { format!("actor_name{word}, seq{word}") } else { format!("seq{word}") };
    let sql = format!(
        "SELECT {COLUMNS} FROM event WHERE object_kind = 'certificate' AND object = $1 ORDER BY {order} LIMIT $2 OFFSET $3"
    );
    let limit = i64::try_from(asked.limit.clamp(1, limits::PAGE_ROWS)).unwrap_or(i64::MAX);
    let offset = i64::try_from(asked.offset).unwrap_or(i64::MAX);
    Ok((tx.rows(&sql, params![id, limit, offset], read)?, total))
}

/// The newest events the actor may see, for the home page: all of them for auditors, none for others.
pub fn latest(tx: &mut Tx<'_>, actor: &Actor, limit: usize) -> Result<Vec<Event>> {
    if !access::allows(tx, actor, paths::AUDITING_READ)? {
        return Ok(Vec::new());
    }
    Ok(select(tx, &EventFilter { limit, ..EventFilter::default() })?.events)
}

/// The last backup that was recorded, for whoever sees the server's state.
pub fn last_backup(tx: &mut Tx<'_>, actor: &Actor) -> Result<Option<Event>> {
    access::require_path(tx, actor, paths::SYSTEM_READ)?;
    let filter = EventFilter { operation: Some(super::names::BACKUP_COMPLETED.into()), limit: 1, ..EventFilter::default() };
    Ok(select(tx, &filter)?.events.into_iter().next())
}

/// Conditions with their values.
#[derive(Clone, Default)]
pub(super) struct Conditions {
    texts: Vec<String>,
    values: Vec<Value<'static>>,
}

impl Conditions {
    /// Adds a condition in which `?` stands for the value.
    pub(super) fn add(&mut self, condition: &str, value: impl Into<Value<'static>>) {
        self.values.push(value.into());
        self.texts.push(condition.replace('?', &format!("${}", self.values.len())));
    }

    /// The next number of a parameter, for a value that stands outside the conditions.
    fn parameter(&mut self, value: impl Into<Value<'static>>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn wanted(&self) -> String {
        if self.texts.is_empty() { String::new() } else { format!("WHERE {} ", self.texts.join(" AND ")) }
    }
}

/// Checks a filter, and gives its conditions without those on number and time.
pub(super) fn conditions(filter: &EventFilter, indexed: bool) -> Result<Conditions> {
    if filter.object.is_some() && filter.object_kind.is_none() {
        return Err(Refusal::invalid("object", "an object's id needs object_kind beside it").into());
    }
    let texts = [
        ("operation", &filter.operation),
        ("object_kind", &filter.object_kind),
        ("face", &filter.face),
        ("address", &filter.address),
        ("request", &filter.request),
        ("text", &filter.text),
    ];
    for (field, text) in texts {
        crate::text::line(field, text.as_deref().unwrap_or(""), limits::NAME_CHARS)?;
    }
    let mut found = Conditions::default();
    // Within a window the numbers are the only index that may be used: any other could lead through the whole log.
    let column = |name: &str| if indexed { name.to_owned() } else { format!("{name} || ''") };
    match filter.operation.as_deref() {
        Some(family) if family.ends_with('.') => {
            found.add(&format!("{} >= ?", column("operation")), family.to_owned());
            found.add(&format!("{} < ?", column("operation")), format!("{}/", family.trim_end_matches('.')));
        }
        Some(operation) => found.add(&format!("{} = ?", column("operation")), operation.to_owned()),
        None => {}
    }
    for (name, text) in [("object_kind", &filter.object_kind), ("address", &filter.address), ("request", &filter.request)] {
        if let Some(text) = text {
            found.add(&format!("{} = ?", column(name)), text.clone());
            if name != "object_kind" {
                // The indexes leave out what has none.
                found.texts.push(format!("{name} <> ''"));
            }
        }
    }
    if let Some(face) = &filter.face {
        found.add("face = ?", face.clone());
    }
    if let Some(object) = filter.object {
        found.add(if indexed { "object = ?" } else { "object + 0 = ?" }, object);
    }
    if let Some(actor) = filter.actor {
        found.add(if indexed { "actor = ?" } else { "actor + 0 = ?" }, actor.0);
    }
    if let Some(text) = filter.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        let escaped = text.to_ascii_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let pattern = found.parameter(format!("%{escaped}%"));
        let like = |column: &str| format!("lower({column}) LIKE {pattern} ESCAPE '\\'");
        found.texts.push(format!("({} OR {})", like("object_name"), like("actor_name")));
    }
    Ok(found)
}

/// Whether one index leads to the wanted events in their order.
fn is_served(filter: &EventFilter) -> bool {
    let served = [
        filter.operation.is_some(),
        filter.object.is_some(),
        filter.actor.is_some(),
        filter.address.is_some(),
        filter.request.is_some(),
    ];
    let others = filter.face.is_some()
        || filter.text.as_deref().is_some_and(|text| !text.trim().is_empty())
        || filter.object_kind.is_some() && filter.object.is_none();
    !others && served.iter().filter(|one| **one).count() <= 1
}

/// The numbers between which the wanted events are: at least the first, less than the second. `None` if there are none.
fn bounds(tx: &mut Tx<'_>, filter: &EventFilter) -> Result<Option<(i64, i64)>> {
    let first_at = "SELECT seq FROM event WHERE at >= $1 ORDER BY at, seq LIMIT 1";
    let mut from = 1;
    if let Some(since) = filter.since {
        let first: Option<i64> = tx.one(first_at, params![since.saturating_sub(CLOCKS_DIFFER_MS)], |row| row.get(0))?;
        match first {
            Some(first) => from = first,
            None => return Ok(None),
        }
    }
    let last: Option<i64> = tx.one("SELECT seq FROM event ORDER BY seq DESC LIMIT 1", params![], |row| row.get(0))?;
    let mut to = last.unwrap_or(0).saturating_add(1).min(filter.before.unwrap_or(i64::MAX));
    if let Some(until) = filter.until {
        let first: Option<i64> = tx.one(first_at, params![until.saturating_add(CLOCKS_DIFFER_MS)], |row| row.get(0))?;
        to = to.min(first.unwrap_or(i64::MAX));
    }
    Ok((from < to).then_some((from, to)))
}

pub(crate) fn select(tx: &mut Tx<'_>, filter: &EventFilter) -> Result<EventPage> {
    let limit = filter.limit.clamp(1, limits::PAGE_ROWS);
    let served = is_served(filter);
    let asked = conditions(filter, served)?;
    let Some((from, to)) = bounds(tx, filter)? else { return Ok(EventPage { events: Vec::new(), next: None }) };
    let timed = |mut asked: Conditions| {
        if let Some(since) = filter.since {
            asked.add("at >= ?", since);
        }
        if let Some(until) = filter.until {
            asked.add("at < ?", until);
        }
        asked
    };
    if served {
        let events = match filter.operation.as_deref() {
            Some(family) if family.ends_with('.') => of_family(tx, family, timed(Conditions::default()), (from, to), limit + 1)?,
            _ => between(tx, timed(asked), (from, to), limit + 1)?,
        };
        return Ok(page(events, limit));
    }
    let asked = timed(asked);
    let mut events: Vec<Event> = Vec::new();
    let mut end = to;
    for _ in 0..WINDOWS {
        let begin = end.saturating_sub(WINDOW).max(from);
        events.extend(between(tx, asked.clone(), (begin, end), limit + 1 - events.len())?);
        end = begin;
        if events.len() > limit {
            return Ok(page(events, limit));
        }
        if end <= from {
            return Ok(EventPage { events, next: None });
        }
    }
    Ok(EventPage { events, next: Some(end) })
}

fn page(mut events: Vec<Event>, limit: usize) -> EventPage {
    let next = (events.len() > limit).then(|| {
        events.truncate(limit);
        events.last().map(|event| event.seq)
    });
    EventPage { events, next: next.flatten() }
}

fn between(tx: &mut Tx<'_>, mut asked: Conditions, (from, to): (i64, i64), limit: usize) -> Result<Vec<Event>> {
    asked.add("seq >= ?", from);
    asked.add("seq < ?", to);
    let last = asked.parameter(i64::try_from(limit).unwrap_or(i64::MAX));
    let sql = format!("SELECT {COLUMNS} FROM event {}ORDER BY seq DESC LIMIT {last}", asked.wanted());
    Ok(tx.rows(&sql, &asked.values, read)?)
}

/// Each operation's newest events come from the index in their order; the newest of all are among them.
fn of_family(tx: &mut Tx<'_>, family: &str, asked: Conditions, bounds: (i64, i64), limit: usize) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    for operation in operations(tx, family)? {
        let mut asked = asked.clone();
        asked.add("operation = ?", operation);
        events.extend(between(tx, asked, bounds, limit)?);
    }
    events.sort_by_key(|event: &Event| std::cmp::Reverse(event.seq));
    events.truncate(limit);
    Ok(events)
}

/// The operations of a family that the log knows, from one to the next through the index.
pub(super) fn operations(tx: &mut Tx<'_>, family: &str) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    let end = format!("{}/", family.trim_end_matches('.'));
    let mut after = family.to_owned();
    while found.len() < FAMILY_MAX {
        let next: Option<String> = tx.one(
            "SELECT operation FROM event WHERE operation > $1 AND operation < $2 ORDER BY operation LIMIT 1",
            params![&after, &end],
            |row| row.get(0),
        )?;
        let Some(next) = next else { break };
        after.clone_from(&next);
        found.push(next);
    }
    Ok(found)
}

pub(super) fn read(row: &Row<'_>) -> Result<Event, certhold_store::Error> {
    let payload: Option<String> = row.get(12)?;
    Ok(Event {
        seq: row.get(0)?,
        at: row.get(1)?,
        actor_kind: ActorKind::parse(row.text(2)?).unwrap_or(ActorKind::System),
        actor: row.get::<Option<i64>>(3)?.map(PrincipalId),
        actor_name: row.get(4)?,
        face: row.get(5)?,
        operation: row.get(6)?,
        object_kind: row.get(7)?,
        object: row.get(8)?,
        object_name: row.get(9)?,
        request: row.get(10)?,
        address: row.get(11)?,
        erased: if payload.is_none() { row.get(13)? } else { None },
        payload: payload.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Json::Null),
        hash: row.get(14)?,
        encoding: row.get(15)?,
        salt: row.get::<Option<Vec<u8>>>(16)?.unwrap_or_default(),
    })
}

/// The next events after a number, oldest first, that a filter wants: for exports, which go through the log step by step.
pub(super) fn step(tx: &mut Tx<'_>, filter: &EventFilter, after: i64, numbers: i64) -> Result<(Vec<Event>, Option<i64>)> {
    let mut asked = conditions(filter, false)?;
    let Some((from, to)) = bounds(tx, filter)? else { return Ok((Vec::new(), None)) };
    let from = from.max(after.saturating_add(1));
    let end = to.min(from.saturating_add(numbers));
    if from >= end {
        return Ok((Vec::new(), None));
    }
    if let Some(since) = filter.since {
        asked.add("at >= ?", since);
    }
    if let Some(until) = filter.until {
        asked.add("at < ?", until);
    }
    asked.add("seq >= ?", from);
    asked.add("seq < ?", end);
    let sql = format!("SELECT {COLUMNS} FROM event {}ORDER BY seq", asked.wanted());
    let events = tx.rows(&sql, &asked.values, read)?;
    Ok((events, (end < to).then_some(end - 1)))
}
