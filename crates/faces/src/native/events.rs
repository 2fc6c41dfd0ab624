//! `/events`: the log of everything that was decided.

use axum::Json;
use axum::extract::{OriginalUri, State};
use certhold_domain::events::{self, EventFilter};
use certhold_domain::{PrincipalId, hex};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Id, Json as Body, Query};
use super::page::{self, Page};
use super::time::Time;
use super::{compressed, hidden};
use crate::auth::{self, Bearer};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// The routes of events.
pub fn routes() -> OpenApiRouter<App> {
    let lists = OpenApiRouter::new().routes(routes!(list)).layer(compressed());
    OpenApiRouter::new().merge(lists).routes(routes!(one)).routes(routes!(verify, verify_against))
}

/// Something that was decided.
#[derive(Serialize, ToSchema)]
pub struct Event {
    /// Its number in the chain.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// Who.
    pub actor: Author,
    /// Through what: `native`, `web`, `cli`, `worker` or `server`.
    #[schema(example = "native")]
    pub face: String,
    /// What happened.
    #[schema(example = "certificate.owner_changed")]
    pub operation: String,
    /// To what.
    pub object: Object,
    /// The request that asked for it.
    pub request: String,
    /// Where the request came from.
    pub address: String,
    /// `before`, `after` and further details; null when retention has erased them.
    pub payload: serde_json::Value,
    /// Whether retention has erased what the event says.
    pub erased: bool,
    /// The chain's hash at this event, hexadecimal.
    pub hash: String,
}

/// Who decided something.
#[derive(Serialize, ToSchema)]
pub struct Author {
    /// `person`, `service`, `local`, `system` or `anonymous`.
    #[schema(example = "person")]
    pub kind: &'static str,
    /// The person or service account.
    pub id: Option<i64>,
    /// Its name at that moment.
    pub name: String,
}

/// What an event is about.
#[derive(Serialize, ToSchema)]
pub struct Object {
    /// The noun.
    #[schema(example = "certificate")]
    pub kind: String,
    /// Which one.
    pub id: Option<i64>,
    /// Its name at that moment.
    pub name: String,
}

impl From<events::Event> for Event {
    fn from(event: events::Event) -> Event {
        Event {
            seq: event.seq,
            at: Time(event.at),
            actor: Author { kind: event.actor_kind.name(), id: event.actor.map(|id| id.0), name: event.actor_name },
            face: event.face,
            operation: event.operation,
            object: Object { kind: event.object_kind, id: event.object, name: event.object_name },
            request: event.request,
            address: event.address,
            payload: event.payload,
            erased: event.erased.is_some(),
            hash: hex(&event.hash),
        }
    }
}

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Only this operation (`certificate.imported`), or this family when it ends with a dot (`certificate.`).
    operation: Option<String>,
    /// Only events about this kind of object.
    object_kind: Option<String>,
    /// Only events about this object; needs `object_kind`.
    object: Option<i64>,
    /// Only events by this person or service account.
    actor: Option<i64>,
    /// Only events through this face: `native`, `keyfactor`, `arcgis`, `web`, `cli`, `worker` or `server`.
    face: Option<String>,
    /// Only events from this address.
    address: Option<String>,
    /// Only events of this request.
    request: Option<String>,
    /// Only events whose actor or object has this text in its name.
    text: Option<String>,
    /// Not before this instant.
    since: Option<Time>,
    /// Before this instant.
    until: Option<Time>,
    /// Only events before this number: taken from `next`.
    before: Option<i64>,
    /// Rows of the page, 1 to 1,000; 100 by default.
    limit: Option<i64>,
}

impl Parameters {
    /// What is asked for, page by page.
    pub fn filter(self, limit: usize) -> EventFilter {
        EventFilter {
            operation: self.operation,
            object_kind: self.object_kind,
            object: self.object,
            actor: self.actor.map(PrincipalId),
            face: self.face,
            address: self.address,
            request: self.request,
            text: self.text,
            since: self.since.map(|time| time.0),
            until: self.until.map(|time| time.0),
            before: self.before,
            limit,
        }
    }
}

/// List events
///
/// Newest first. Where several conditions meet, a page may have fewer events than asked for, or none, and still a `next`: the
/// search goes on there.
#[utoipa::path(get, path = "/events", tag = "events", params(Parameters),
    responses((status = 200, description = "A page of events", body = Page<Event>)))]
pub async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    OriginalUri(uri): OriginalUri,
    Query(given): Query<Parameters>,
) -> Answer<Page<Event>> {
    let limit = page::rows(given.limit)?;
    let filter = given.filter(limit);
    let found = app.read_as(caller, move |tx, actor| events::list(tx, actor, &filter)).await?;
    let items = found.events.into_iter().map(Event::from).collect();
    Ok(Page::of(items, &uri, "before", found.next.map(|seq| seq.to_string())))
}

/// Show an event
#[utoipa::path(get, path = "/events/{id}", tag = "events", params(("id" = i64, Path, description = "The event's number")),
    responses((status = 200, description = "The event", body = Event)))]
pub async fn one(State(app): State<App>, Bearer(caller): Bearer, Id(seq): Id) -> Answer<Json<Event>> {
    let found = app.read_as(caller, move |tx, actor| events::one(tx, actor, seq)).await.map_err(hidden("event", seq))?;
    Ok(Json(found.into()))
}

/// What a verification of the log found.
#[derive(Serialize, ToSchema)]
pub struct Verification {
    /// Whether the log is what was written.
    intact: bool,
    /// Events that were read.
    events: i64,
    /// Of these, events whose content retention has erased.
    erased: i64,
    /// Signed heads that were checked.
    heads: i64,
    /// Checkpoints that the log extends.
    checkpoints: i64,
    /// Everything that does not fit, the first hundred.
    problems: Vec<Misfit>,
}

/// Something in the log that does not fit.
#[derive(Serialize, ToSchema)]
pub struct Misfit {
    /// The event's number.
    seq: i64,
    /// What is wrong there.
    what: String,
}

/// Verify the log
///
/// Reads all of it and checks that every event is the one that was written, in its place, and that nothing was cut off.
#[utoipa::path(get, path = "/events/verification", tag = "events",
    responses((status = 200, description = "What was found", body = Verification)))]
pub async fn verify(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Json<Verification>> {
    let trust = app.trust();
    Ok(Json(app.read_as(caller, move |tx, actor| events::audit(tx, actor, &trust)).await?.into()))
}

/// Checkpoints that somebody kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Against {
    /// Documents as `GET /events/checkpoint` gives them.
    #[schema(value_type = Vec<Object>)]
    checkpoints: Vec<serde_json::Value>,
}

/// Checkpoints in one request.
const CHECKPOINTS_MAX: usize = 1_000;

/// Verify the log against checkpoints
///
/// As `GET /events/verification`, and checks also that the log is an extension of each checkpoint: that nothing that they vouch
/// for was changed or cut off.
#[utoipa::path(post, path = "/events/verification", tag = "events", request_body = Against,
    responses((status = 200, description = "What was found", body = Verification)))]
pub async fn verify_against(
    State(app): State<App>,
    author: auth::Author,
    Body(given): Body<Against>,
) -> Answer<Json<Verification>> {
    let invalid = |what: &str| Problem::from(certhold_domain::Refusal::invalid("checkpoints", what));
    if given.checkpoints.len() > CHECKPOINTS_MAX {
        return Err(invalid("at most 1,000 at a time"));
    }
    let parse = |document: &serde_json::Value| {
        events::Checkpoint::parse(&document.to_string()).ok_or_else(|| invalid("a document is no checkpoint of Certhold"))
    };
    let checkpoints = given.checkpoints.iter().map(parse).collect::<Result<_, _>>()?;
    let trust = events::Trust { checkpoints, ..app.trust() };
    Ok(Json(app.read(move |tx| events::audit(tx, &author.actor, &trust)).await?.into()))
}

impl From<events::Verification> for Verification {
    fn from(found: events::Verification) -> Verification {
        Verification {
            intact: found.intact(),
            events: found.events,
            erased: found.erased,
            heads: found.heads,
            checkpoints: found.checkpoints,
            problems: found.problems.into_iter().map(|problem| Misfit { seq: problem.seq, what: problem.what }).collect(),
        }
    }
}
