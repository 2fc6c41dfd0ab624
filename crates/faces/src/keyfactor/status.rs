//! `/Status`: what a client asks first.

use axum::http::StatusCode;
use certhold_domain::access::{self, Access};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::endpoints::{ENDPOINTS, Needs};
use super::extract::{Asked, Caller};
use super::listing::Listed;
use super::refused::Answer;
use crate::state::App;

/// The routes of the status.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(endpoints)).routes(routes!(health))
}

/// Whether somebody has a use for an endpoint: they hold the right everywhere, on one object, or a part of it.
fn may_use(access: &Access, needs: &Needs) -> bool {
    // A grant on one object lies below the path, a wider one above it.
    let brought = access.brought();
    let holds =
        |path: &str| access.unbounded || brought.iter().any(|brought| brought.covers(path) || brought.as_str().starts_with(path));
    match needs {
        Needs::Nothing => true,
        Needs::Any(paths) => paths.iter().any(|path| holds(path)),
        Needs::All(paths) => paths.iter().all(|path| holds(path)),
    }
}

/// List the endpoints that the caller may use
#[utoipa::path(get, path = "/Status/Endpoints", tag = "Status",
    responses((status = 200, description = "Method and address of each", body = Vec<String>)))]
pub async fn endpoints(caller: Caller, asked: Asked) -> Answer<Listed<String>> {
    let held = caller.read(access::held).await?;
    let usable = ENDPOINTS.iter().filter(|endpoint| may_use(&held, &endpoint.needs));
    Listed::whole(usable.map(|endpoint| format!("{} {}", endpoint.method, endpoint.path)).collect(), &asked)
}

/// Say that the server answers
#[utoipa::path(get, path = "/Status/HealthCheck", tag = "Status", responses((status = 204, description = "It does")))]
pub async fn health(caller: Caller) -> Answer<StatusCode> {
    caller.read(|_, _| Ok(())).await?;
    Ok(StatusCode::NO_CONTENT)
}
