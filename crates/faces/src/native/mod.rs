//! The native API, `/api/v1`: everything the domain has, as JSON, with an OpenAPI description made from the handlers.
//!
//! One file per noun: its routes, what stands on the wire, its handlers. Answers that are not a success are problem details
//! ([`crate::problem`]). Credentials are bearer tokens; cookies are ignored.

mod access;
mod api_clients;
mod as_csv;
mod authorities;
mod bulk_edits;
mod certificates;
mod claims;
mod collections;
mod containers;
#[cfg(test)]
mod coverage;
mod created;
mod dns_providers;
mod enrolments;
mod events;
mod events_export;
mod exclusions;
mod extract;
mod findings;
mod identity_providers;
mod issuers;
mod key_requests;
mod managed;
mod master_keys;
mod me;
mod metadata_fields;
mod openapi;
mod overview;
mod owner_policy;
mod page;
mod patterns;
mod permissions;
mod principals;
mod query;
mod roles;
mod secret;
mod sessions;
mod stores;
mod system;
#[cfg(test)]
mod tests;
mod time;
mod tokens;
mod trust_sets;
mod views;

pub(crate) use events_export::{signed_now, stream_of};
pub use openapi::openapi;
#[cfg(test)]
pub(crate) use time::Time;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::routing::any;
use certhold_domain::{Error, Refusal};
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::problem::Problem;
use crate::state::App;

/// Where the native API is.
pub const ROOT: &str = "/api/v1";

fn described() -> OpenApiRouter<App> {
    let nouns = OpenApiRouter::new()
        .merge(certificates::routes())
        .merge(query::routes())
        .merge(collections::routes())
        .merge(key_requests::routes())
        .merge(metadata_fields::routes())
        .merge(bulk_edits::routes())
        .merge(managed::routes())
        .merge(issuers::routes())
        .merge(authorities::routes())
        .merge(patterns::routes())
        .merge(enrolments::routes())
        .merge(dns_providers::routes())
        .merge(roles::routes())
        .merge(permissions::routes())
        .merge(claims::routes())
        .merge(identity_providers::routes())
        .merge(exclusions::routes())
        .merge(access::routes())
        .merge(principals::routes())
        .merge(sessions::routes())
        .merge(tokens::routes())
        .merge(api_clients::routes())
        .merge(me::routes())
        .merge(events::routes())
        .merge(events_export::routes())
        .merge(master_keys::routes())
        .merge(system::routes())
        .merge(findings::routes())
        .merge(trust_sets::routes())
        .merge(containers::routes())
        .merge(stores::routes())
        .merge(overview::routes())
        .merge(owner_policy::routes())
        .merge(views::routes());
    OpenApiRouter::with_openapi(openapi::introduction()).nest(ROOT, nouns)
}

/// The routes of the native API, and of everything else under `/api/` the word that it is not there.
pub fn router(app: &App) -> Router<App> {
    let (router, _) = described().split_for_parts();
    router
        .merge(openapi::router())
        .method_not_allowed_fallback(method_not_allowed)
        .nest("/api", Router::new().fallback(unknown))
        .route("/api/", any(unknown))
        .layer(axum::middleware::from_fn(as_csv::answer))
        .layer(DefaultBodyLimit::max(app.settings().import_bytes))
}

async fn unknown(request: Request<Body>) -> Problem {
    let path: String = request.uri().path().chars().take(200).collect();
    Problem::not_found(format!("there is nothing at {path}: {ROOT}/openapi.json lists what there is"))
}

async fn method_not_allowed() -> Problem {
    let detail = "this method cannot be used here: the header Allow lists those that can";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail)
}

/// For reads of one object: whoever may not see it gets the answer that a missing one gets, to the letter.
fn hidden(kind: &'static str, id: impl ToString) -> impl FnOnce(Error) -> Problem {
    move |error| match error {
        Error::Refused(Refusal::Forbidden { .. }) => Refusal::not_found(kind, id).into(),
        other => other.into(),
    }
}

/// For answers that are long and hold no secret: what is compressed beside a secret tells its length (BREACH).
fn compressed() -> CompressionLayer {
    CompressionLayer::new()
}
