//! `/Audit`: the event log in the vendor's words.

use axum::extract::State;
use certhold_domain::events::{self, AskedPage, Event, EventField, EventQuery, names};
use certhold_domain::query::{Choice, Kind};
use certhold_domain::{Refusal, Result as DomainResult};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Asked, Caller, Id};
use super::listing::{Listed, PageAsked, no_such_order};
use super::protocol::Json;
use super::refused::Answer;
use super::wire::{Moment, upper_hex};
use crate::state::App;

/// The routes of the log.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(download))
        .routes(routes!(related))
        .routes(routes!(get))
        .routes(routes!(validate))
}

/// An entry of the log.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct AuditEntry {
    id: i64,
    #[schema(value_type = String)]
    timestamp: Moment,
    message: String,
    /// The hash that chains this entry to the one before.
    signature: String,
    /// 2001 certificate, 2002 API application, 2004 collection, 2007 application setting; 0 has no number.
    category: i64,
    /// 1 created, 2 updated, 3 deleted, 6 revoked, 8 private key deleted, 9 renewed, 12 recovered, 13 imported, 14 removed from hold …
    operation: i64,
    /// 0 information, 1 warning, 2 failure.
    level: i64,
    user: String,
    entity_type: String,
    audit_identifier: String,
    immutable_identifier: Option<String>,
}

const OPERATIONS: &[Choice] = &[
    Choice { number: 1, names: &["Created"] },
    Choice { number: 2, names: &["Updated"] },
    Choice { number: 3, names: &["Deleted"] },
    Choice { number: 6, names: &["Revoked"] },
    Choice { number: 8, names: &["PrivateKeyDeleted"] },
    Choice { number: 9, names: &["Renewed"] },
    Choice { number: 12, names: &["Recovered"] },
    Choice { number: 13, names: &["Imported"] },
    Choice { number: 14, names: &["RemovedFromHold"] },
    Choice { number: 18, names: &["Scheduled"] },
    Choice { number: 23, names: &["Failed"] },
    Choice { number: 24, names: &["Completed"] },
];

const CATEGORIES: &[Choice] = &[
    Choice { number: 2001, names: &["Certificate"] },
    Choice { number: 2002, names: &["ApiApplication"] },
    Choice { number: 2004, names: &["Collection"] },
    Choice { number: 2007, names: &["ApplicationSetting"] },
    Choice { number: 0, names: &["Other"] },
];

const LEVELS: &[Choice] = &[
    Choice { number: 0, names: &["Information"] },
    Choice { number: 1, names: &["Warning"] },
    Choice { number: 2, names: &["Failure"] },
];

fn category(operation: &str) -> i64 {
    match operation.split('.').next().unwrap_or_default() {
        "certificate" | "private_key" | "managed" | "renewal" | "order" | "key_request" => 2001,
        "api_client" | "access_token" | "token" => 2002,
        "collection" => 2004,
        "owner_policy" | "master_key" | "metadata_field" => 2007,
        _ => 0,
    }
}

fn operation(operation: &str) -> i64 {
    match operation {
        names::CERTIFICATE_REVOKED => 6,
        names::CERTIFICATE_RELEASED => 14,
        names::PRIVATE_KEY_EXPORTED => 12,
        names::PRIVATE_KEY_DESTROYED => 8,
        names::RENEWAL_COMPLETED => 9,
        _ => match operation.rsplit('.').next().unwrap_or_default() {
            "created" | "generated" | "issued" => 1,
            "deleted" | "forgotten" | "revoked" => 3,
            "imported" => 13,
            "requested" | "started" => 18,
            "failed" | "locked" => 23,
            "completed" | "succeeded" | "finished" => 24,
            _ => 2,
        },
    }
}

fn level(operation: &str) -> i64 {
    match operation.rsplit('.').next().unwrap_or_default() {
        "failed" => 2,
        "locked" | "stopped" => 1,
        _ => 0,
    }
}

/// Fields of queries over the log.
const FIELDS: &[(&str, Kind, EventField)] = &[
    ("Id", Kind::Number, EventField::Number),
    ("Timestamp", Kind::Time, EventField::At),
    ("Category", Kind::Choice(CATEGORIES), EventField::Derived(category)),
    ("Operation", Kind::Choice(OPERATIONS), EventField::Derived(operation)),
    ("Level", Kind::Choice(LEVELS), EventField::Derived(level)),
    ("User", Kind::Text, EventField::ActorName),
    ("EntityType", Kind::Text, EventField::ObjectKind),
    ("AuditIdentifier", Kind::Text, EventField::ObjectName),
    ("ImmutableIdentifier", Kind::Number, EventField::Object),
];

impl From<Event> for AuditEntry {
    fn from(event: Event) -> AuditEntry {
        let about = if event.object_name.is_empty() { String::new() } else { format!(" {:?}", event.object_name) };
        AuditEntry {
            id: event.seq,
            timestamp: Moment(event.at),
            message: format!("{}: {}{about} by {}", event.operation, event.object_kind, event.actor_name),
            signature: upper_hex(&event.hash),
            category: category(&event.operation),
            operation: operation(&event.operation),
            level: level(&event.operation),
            user: event.actor_name,
            entity_type: event.object_kind,
            audit_identifier: event.object_name,
            immutable_identifier: event.object.map(|object| object.to_string()),
        }
    }
}

fn query(asked: &Asked, now: i64, me: &str) -> DomainResult<EventQuery> {
    let text = asked.text("querystring").unwrap_or_default();
    Ok(EventQuery::parse(text, FIELDS, now, me).map_err(Refusal::from)?)
}

fn page(asked: &Asked) -> Answer<AskedPage> {
    let page = PageAsked::of(asked)?;
    match page.sort.as_deref() {
        None => {}
        Some(field) if field.eq_ignore_ascii_case("id") || field.eq_ignore_ascii_case("timestamp") => {}
        Some(field) => return Err(no_such_order(field)),
    }
    Ok(AskedPage { offset: page.offset, limit: page.limit, descending: page.descending })
}

/// List entries of the log
#[utoipa::path(get, path = "/Audit", tag = "Audit", params(
    ("QueryString" = Option<String>, Query, description = "A query over Id, Timestamp, Category, Operation, Level, User, EntityType, AuditIdentifier and ImmutableIdentifier"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "Id (default) or Timestamp"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of entries", body = Vec<AuditEntry>)))]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<AuditEntry>> {
    let (page, now) = (page(&asked)?, app.now());
    let (rows, total) = caller
        .read(move |tx, actor| {
            let query = query(&asked, now, &actor.name)?;
            events::asked(tx, actor, &query, page)
        })
        .await?;
    Ok(Listed { rows, total }.map(AuditEntry::from))
}

/// List entries of the log with all others about the same objects
///
/// Ask about one thing, for instance `EntityType -eq "certificate" AND ImmutableIdentifier -eq 7`.
#[utoipa::path(get, path = "/Audit/RelatedEntities", tag = "Audit", params(
    ("QueryString" = Option<String>, Query, description = "A query, as of the list; what it finds is about at most 100 objects"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "Id (default) or Timestamp"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of entries", body = Vec<AuditEntry>)))]
pub async fn related(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<AuditEntry>> {
    let (page, now) = (page(&asked)?, app.now());
    let (rows, total) = caller
        .read(move |tx, actor| {
            let query = query(&asked, now, &actor.name)?;
            events::asked_related(tx, actor, &query, page)
        })
        .await?;
    Ok(Listed { rows, total }.map(AuditEntry::from))
}

/// Export entries of the log as comma-separated values
///
/// The first 1,000 that match; the native API exports the whole log.
#[utoipa::path(get, path = "/Audit/Download", tag = "Audit", params(
    ("QueryString" = Option<String>, Query, description = "A query, as of the list"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "The table, as one JSON string", body = String)))]
pub async fn download(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Json<String>> {
    let now = app.now();
    let page = AskedPage { limit: certhold_domain::limits::PAGE_ROWS, ..page(&asked)? };
    let (rows, _) = caller
        .read(move |tx, actor| {
            let query = query(&asked, now, &actor.name)?;
            events::asked(tx, actor, &query, page)
        })
        .await?;
    let mut text = String::from("Id,Timestamp,Level,Category,Operation,User,EntityType,AuditIdentifier,Message\r\n");
    for entry in rows.into_iter().map(AuditEntry::from) {
        let numbers = [entry.id, entry.level, entry.category, entry.operation].map(|number| number.to_string());
        let [id, level, category, operation] = &numbers;
        let time = crate::time::Time(entry.timestamp.0).to_string();
        let cells =
            [id, &time, level, category, operation, &entry.user, &entry.entity_type, &entry.audit_identifier, &entry.message];
        text.push_str(&certhold_domain::csv::line(cells.map(String::as_str)));
    }
    Ok(Json(text))
}

/// Get an entry of the log
#[utoipa::path(get, path = "/Audit/{id}", tag = "Audit", params(("id" = i64, Path, description = "The entry")),
    responses((status = 200, description = "The entry", body = AuditEntry)))]
pub async fn get(caller: Caller, Id(id): Id) -> Answer<Json<AuditEntry>> {
    Ok(Json(caller.read(move |tx, actor| events::one(tx, actor, id)).await?.into()))
}

/// Say whether an entry is the one that was written, in its place
#[utoipa::path(get, path = "/Audit/{id}/Validate", tag = "Audit", params(("id" = i64, Path, description = "The entry")),
    responses((status = 200, description = "Whether it is", body = bool)))]
pub async fn validate(caller: Caller, Id(id): Id) -> Answer<Json<bool>> {
    Ok(Json(caller.read(move |tx, actor| events::verify_row(tx, actor, id)).await?))
}
