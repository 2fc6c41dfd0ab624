//! `/events/export` and `/events/checkpoint`: the log for other programs, and what an auditor keeps of it.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use certhold_domain::events::export::{self, Format};
use certhold_domain::events::{self, EventFilter};
use futures_util::stream;
use serde::Deserialize;
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Query;
use crate::auth::{Author, Bearer};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// The routes of exports and checkpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export_log)).routes(routes!(checkpoint, sign))
}

/// How the log is exported.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportParameters {
    /// `jsonl` (JSON Lines, the default), `cef` (ArcSight Common Event Format) or `syslog` (RFC 5424 lines with CEF)
    /// or `csv`.
    format: Option<String>,
    /// Only events after this number: to go on with an export.
    after: Option<i64>,
    /// Only this operation (`certificate.imported`), or this family when it ends with a dot (`certificate.`).
    operation: Option<String>,
    /// Only events about this kind of object.
    object_kind: Option<String>,
    /// Only events about this object; needs `object_kind`.
    object: Option<i64>,
    /// Only events by this person or service account.
    actor: Option<i64>,
    /// Only events through this face.
    face: Option<String>,
    /// Only events from this address.
    address: Option<String>,
    /// Only events of this request.
    request: Option<String>,
    /// Only events whose actor or object has this text in its name.
    text: Option<String>,
    /// Not before this instant.
    since: Option<super::time::Time>,
    /// Before this instant.
    until: Option<super::time::Time>,
}

impl ExportParameters {
    fn filter(&self) -> EventFilter {
        EventFilter {
            operation: self.operation.clone(),
            object_kind: self.object_kind.clone(),
            object: self.object,
            actor: self.actor.map(certhold_domain::PrincipalId),
            face: self.face.clone(),
            address: self.address.clone(),
            request: self.request.clone(),
            text: self.text.clone(),
            since: self.since.map(|time| time.0),
            until: self.until.map(|time| time.0),
            before: None,
            limit: 0,
        }
    }
}

/// Export events
///
/// Oldest first, one event a line, read step by step while it is sent: nothing is held up by it, however long the log. JSON Lines
/// from the first event on hold everything that `certhold verify --checkpoint FILE --events FILE` needs.
#[utoipa::path(get, path = "/events/export", tag = "events", params(ExportParameters),
    responses((status = 200, description = "One event a line", body = String, content_type = "text/plain")))]
pub async fn export_log(State(app): State<App>, author: Author, Query(given): Query<ExportParameters>) -> Answer<Response> {
    let name = given.format.as_deref().unwrap_or("jsonl");
    let unknown = || Problem::from(certhold_domain::Refusal::invalid("format", "write jsonl, cef, syslog or csv"));
    let format = Format::parse(name).ok_or_else(unknown)?;
    stream_of(app, author.actor, given.filter(), given.after.unwrap_or(0), format).await
}

/// The answer of an export. Refusals come before the first byte; a fault later ends the answer before its end, so that nobody
/// takes it for whole.
pub(crate) async fn stream_of(
    app: App,
    caller: std::sync::Arc<certhold_domain::Actor>,
    filter: EventFilter,
    after: i64,
    format: Format,
) -> Answer<Response> {
    let host = host();
    let (first, next) = step(&app, &caller, &filter, after, format, &host).await?;
    let first = (Bytes::from([format.head().as_bytes(), &first].concat()), next);
    let state = (app, caller, filter, host, Some(first));
    let chunks = stream::unfold(state, move |(app, caller, filter, host, ready)| async move {
        let (bytes, next) = ready?;
        let following = match next {
            None => None,
            Some(after) => match step(&app, &caller, &filter, after, format, &host).await {
                Ok(following) => Some(following),
                Err(_) => {
                    return Some((Err(std::io::Error::other("the export was cut short")), (app, caller, filter, host, None)));
                }
            },
        };
        Some((Ok(bytes), (app, caller, filter, host, following)))
    });
    let (kind, name) = match format {
        Format::JsonLines => ("application/x-ndjson", "events.jsonl"),
        Format::Cef => ("text/plain; charset=utf-8", "events.cef"),
        Format::Syslog => ("text/plain; charset=utf-8", "events.log"),
        Format::Csv => ("text/csv; charset=utf-8; header=present", "events.csv"),
    };
    let disposition = format!("attachment; filename=\"{name}\"");
    Ok(([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], Body::from_stream(chunks))
        .into_response())
}

async fn step(
    app: &App,
    caller: &std::sync::Arc<certhold_domain::Actor>,
    filter: &EventFilter,
    after: i64,
    format: Format,
    host: &str,
) -> Result<(Bytes, Option<i64>), Problem> {
    let (actor, filter) = (caller.clone(), filter.clone());
    let (found, next) = app.read(move |tx| export::step(tx, &actor, &filter, after)).await?;
    let mut text = String::with_capacity(found.len() * 400);
    for event in &found {
        export::line(event, format, host, &mut text);
    }
    Ok((Bytes::from(text), next))
}

/// Who speaks in syslog lines.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// The end of the log, signed: keep it outside, and hold the log against it later.
#[derive(serde::Serialize)]
pub struct CheckpointDocument(serde_json::Value);

impl PartialSchema for CheckpointDocument {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let number = || ObjectBuilder::new().schema_type(Type::Integer);
        ObjectBuilder::new()
            .description(Some("The end of the log, signed: keep it outside, and hold the log against it later."))
            .property("format", text())
            .property("installation", text())
            .property("seq", number())
            .property("hash", text())
            .property("at", number())
            .property("time", text())
            .property("public_key", text())
            .property("signature", text())
            .into()
    }
}

impl ToSchema for CheckpointDocument {
    fn name() -> std::borrow::Cow<'static, str> {
        "Checkpoint".into()
    }
}

/// Show the last checkpoint
///
/// The end of the log as it was last signed. The server signs it at intervals.
#[utoipa::path(get, path = "/events/checkpoint", tag = "events",
    responses((status = 200, description = "The checkpoint", body = CheckpointDocument),
              (status = 404, description = "Nothing has been signed yet")))]
pub async fn checkpoint(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Json<CheckpointDocument>> {
    let found = app.read_as(caller, events::checkpoint).await?;
    Ok(Json(CheckpointDocument(found.to_json())))
}

/// Sign a checkpoint
///
/// Signs the end of the log now, if it has grown since it was last signed.
#[utoipa::path(post, path = "/events/checkpoint", tag = "events",
    responses((status = 200, description = "The checkpoint", body = CheckpointDocument)))]
pub async fn sign(State(app): State<App>, author: Author) -> Answer<Json<CheckpointDocument>> {
    Ok(Json(CheckpointDocument(signed_now(&app, author.actor).await?.to_json())))
}

/// A checkpoint of the log's end as it is now.
pub(crate) async fn signed_now(
    app: &App,
    actor: std::sync::Arc<certhold_domain::Actor>,
) -> certhold_domain::Result<events::Checkpoint> {
    let looking = actor.clone();
    app.read(move |tx| events::may_audit(tx, &looking)).await?;
    if let Some(sign) = &app.settings().sign_head {
        (sign.0)().await?;
    }
    app.read(move |tx| events::checkpoint(tx, &actor)).await
}
