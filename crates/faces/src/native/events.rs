//! `/events`: the log of everything that was decided.

use axum::Json;
use axum::extract::{OriginalUri, State};
use certhold_domain::events::{self, EventFilter};
use certhold_domain::{PrincipalId, hex};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::compressed;
use super::extract::Query;
use super::page::{self, Page};
use super::time::Time;
use crate::auth::Bearer;
use crate::problem::Answer;
use crate::state::App;

/// The routes of events.
pub fn routes() -> OpenApiRouter<App> {
    let lists = OpenApiRouter::new().routes(routes!(list)).layer(compressed());
    OpenApiRouter::new().merge(lists).routes(routes!(verify))
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
    /// Not before this instant.
    since: Option<Time>,
    /// Before this instant.
    until: Option<Time>,
    /// Only events before this number: taken from `next`.
    before: Option<i64>,
    /// Rows of the page, 1 to 1,000; 100 by default.
    limit: Option<i64>,
}

/// List events
///
/// Newest first.
#[utoipa::path(get, path = "/events", tag = "events", params(Parameters),
    responses((status = 200, description = "A page of events", body = Page<Event>)))]
pub async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    OriginalUri(uri): OriginalUri,
    Query(given): Query<Parameters>,
) -> Answer<Page<Event>> {
    let filter = EventFilter {
        operation: given.operation,
        object_kind: given.object_kind,
        object: given.object,
        actor: given.actor.map(PrincipalId),
        since: given.since.map(|time| time.0),
        until: given.until.map(|time| time.0),
        before: given.before,
        limit: page::rows(given.limit)?,
    };
    let found = app.read_as(caller, move |tx, actor| events::list(tx, actor, &filter)).await?;
    let items = found.events.into_iter().map(Event::from).collect();
    Ok(Page::of(items, &uri, "before", found.next.map(|seq| seq.to_string())))
}

/// What a verification of the log found.
#[derive(Serialize, ToSchema)]
pub struct Verification {
    /// Whether the log is what was written.
    intact: bool,
    /// Events that were read.
    events: i64,
    /// Signed heads that were checked.
    heads: i64,
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
    let found = app.read_as(caller, move |tx, actor| events::audit(tx, actor, &trust)).await?;
    Ok(Json(Verification {
        intact: found.intact(),
        events: found.events,
        heads: found.heads,
        problems: found.problems.into_iter().map(|problem| Misfit { seq: problem.seq, what: problem.what }).collect(),
    }))
}
