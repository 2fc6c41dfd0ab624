//! `/overview` and `/jobs`: how things are.

use axum::Json;
use axum::extract::State;
use certhold_domain::{jobs, overview};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Query;
use super::managed::Managed;
use super::page::{self, Page};
use super::time::Time;
use crate::auth::Bearer;
use crate::problem::Answer;
use crate::state::App;

/// The routes that tell how things are.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get)).routes(routes!(list_jobs))
}

/// What expires when, what failed, what has no owner.
#[derive(Serialize, ToSchema)]
pub struct Overview {
    /// Certificates held.
    certificates: i64,
    /// Managed certificates.
    managed: i64,
    /// Certificates that have ended and that nothing has replaced.
    expired: i64,
    /// Certificates nobody owns.
    without_owner: i64,
    /// Certificates by the end of their validity: ended, thirteen weeks, later.
    expiry: Vec<Bucket>,
    /// Managed certificates in trouble, the first ones; null for whoever lacks `/renewal/read/`.
    troubled: Option<Vec<Managed>>,
}

/// Certificates whose validity ends in one stretch of time.
#[derive(Serialize, ToSchema)]
pub struct Bucket {
    /// From this instant; null for ever before.
    from: Option<Time>,
    /// Before this instant; null for ever after.
    before: Option<Time>,
    /// Certificates that somebody must renew by hand.
    unmanaged: i64,
    /// Current versions of managed certificates.
    managed: i64,
}

/// Get an overview
#[utoipa::path(get, path = "/overview", tag = "operation", responses((status = 200, description = "How things are", body = Overview)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Json<Overview>> {
    let now = app.now();
    let found = app.read_as(caller, move |tx, actor| overview::overview(tx, actor, now)).await?;
    let bucket = |bucket: overview::Bucket| Bucket {
        from: bucket.from.map(Time),
        before: bucket.before.map(Time),
        unmanaged: bucket.unmanaged,
        managed: bucket.managed,
    };
    Ok(Json(Overview {
        certificates: found.certificates,
        managed: found.managed,
        expired: found.expired,
        without_owner: found.without_owner,
        expiry: found.expiry.into_iter().map(bucket).collect(),
        troubled: found.troubled.map(|troubled| troubled.into_iter().map(|managed| Managed::of(managed, now)).collect()),
    }))
}

/// A piece of work that waits or runs.
#[derive(Serialize, ToSchema)]
pub struct Job {
    /// Its handle.
    id: i64,
    /// `renew`, `deploy` or `withdraw`.
    #[schema(example = "renew")]
    kind: &'static str,
    /// To what: a managed certificate, a deployment, an order.
    object: i64,
    /// `waiting` or `running`.
    #[schema(example = "waiting")]
    state: String,
    /// Not before.
    due_at: Time,
    /// How often it was begun.
    attempts: i64,
    /// Why it was put off last.
    error: Option<String>,
}

/// How much of it.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct First {
    /// Rows, 1 to 1,000; 100 by default.
    limit: Option<i64>,
}

/// List jobs
///
/// What waits and runs, by due time.
#[utoipa::path(get, path = "/jobs", tag = "operation", params(First),
    responses((status = 200, description = "The first jobs", body = Page<Job>)))]
pub async fn list_jobs(State(app): State<App>, Bearer(caller): Bearer, Query(given): Query<First>) -> Answer<Page<Job>> {
    let limit = page::rows(given.limit)?;
    let found = app.read_as(caller, move |tx, actor| jobs::list(tx, actor, limit)).await?;
    let shown = |job: jobs::Job| Job {
        id: job.id.0,
        kind: job.kind.name(),
        object: job.object,
        state: job.state,
        due_at: Time(job.due_at),
        attempts: job.attempts,
        error: job.error,
    };
    Ok(Page::whole(found.into_iter().map(shown).collect()))
}
