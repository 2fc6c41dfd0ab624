//! `/managed-certificates`: certificates that Certhold renews.

mod attempts;
mod deployments;
mod plan;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use plan::Managed;

use crate::state::App;

/// What refusals call one.
const NOUN: &str = "managed certificate";

/// The routes of managed certificates and their deployments.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(plan::list, plan::create))
        .routes(routes!(plan::get, plan::remove))
        .routes(routes!(plan::pause))
        .routes(routes!(plan::resume))
        .routes(routes!(plan::renew))
        .routes(routes!(attempts::log))
        .routes(routes!(attempts::orders))
        .routes(routes!(attempts::versions))
        .routes(routes!(deployments::list, deployments::create))
        .routes(routes!(deployments::remove))
        .routes(routes!(deployments::run))
}

#[cfg(test)]
mod tests;
