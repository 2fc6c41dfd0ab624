//! Reading the log.

use certhold_store::{Row, Tx, Value};
use serde_json::Value as Json;

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
    /// `before` of the next page, if there is one.
    pub next: Option<i64>,
}

const COLUMNS: &str =
    "seq, at, actor_kind, actor, actor_name, face, operation, object_kind, object, object_name, request, address, payload, hash";

/// All events, for auditors.
pub fn list(tx: &mut Tx<'_>, actor: &Actor, filter: &EventFilter) -> Result<EventPage> {
    access::require_path(tx, actor, paths::AUDITING_READ)?;
    select(tx, filter)
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

/// The newest events the actor may see, for the home page: all of them for auditors, none for others.
pub fn latest(tx: &mut Tx<'_>, actor: &Actor, limit: usize) -> Result<Vec<Event>> {
    if !access::allows(tx, actor, paths::AUDITING_READ)? {
        return Ok(Vec::new());
    }
    Ok(select(tx, &EventFilter { limit, ..EventFilter::default() })?.events)
}

pub(crate) fn select(tx: &mut Tx<'_>, filter: &EventFilter) -> Result<EventPage> {
    if filter.object.is_some() && filter.object_kind.is_none() {
        return Err(Refusal::invalid("object", "an object's id needs object_kind beside it").into());
    }
    for (field, text) in [("operation", &filter.operation), ("object_kind", &filter.object_kind)] {
        crate::text::line(field, text.as_deref().unwrap_or(""), limits::NAME_CHARS)?;
    }
    let limit = filter.limit.clamp(1, limits::PAGE_ROWS);
    let mut conditions = Vec::new();
    let mut values: Vec<Value<'_>> = Vec::new();
    let mut add = |condition: &str, value: Value<'static>| {
        values.push(value);
        conditions.push(condition.replace('?', &format!("${}", values.len())));
    };
    match filter.operation.as_deref() {
        Some(family) if family.ends_with('.') => {
            add("operation >= ?", Value::from(family.to_owned()));
            add("operation < ?", Value::from(format!("{}/", family.trim_end_matches('.'))));
        }
        Some(operation) => add("operation = ?", Value::from(operation.to_owned())),
        None => {}
    }
    if let Some(kind) = &filter.object_kind {
        add("object_kind = ?", Value::from(kind.clone()));
    }
    let numbers = [
        ("object = ?", filter.object),
        ("actor = ?", filter.actor.map(|id| id.0)),
        ("at >= ?", filter.since),
        ("at < ?", filter.until),
        ("seq < ?", filter.before),
    ];
    for (condition, number) in numbers {
        if let Some(number) = number {
            add(condition, Value::Int(number));
        }
    }
    add("?", Value::Int(i64::try_from(limit + 1).unwrap_or(i64::MAX)));
    let last = conditions.pop().unwrap_or_default();
    let wanted = if conditions.is_empty() { String::new() } else { format!("WHERE {} ", conditions.join(" AND ")) };
    let sql = format!("SELECT {COLUMNS} FROM event {wanted}ORDER BY seq DESC LIMIT {last}");
    let mut events = tx.rows(&sql, &values, read)?;
    let next = (events.len() > limit).then(|| {
        events.truncate(limit);
        events.last().map(|event| event.seq)
    });
    Ok(EventPage { events, next: next.flatten() })
}

fn read(row: &Row<'_>) -> Result<Event, certhold_store::Error> {
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
        payload: payload.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Json::Null),
        hash: row.get(13)?,
    })
}
