//! Every address of this API.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::any;
use utoipa_axum::router::OpenApiRouter;

use super::protocol::{guard, method_not_allowed, unknown};
use super::{
    ROOT, audit, certificates, claims, collections, containers, csr_generation, enrollment, identities, identity_providers,
    metadata_fields, openapi, patterns, permission_sets, roles, status, stores, templates,
};
use crate::state::App;

/// The routes with their description.
pub(super) fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::introduction())
        .merge(certificates::routes())
        .merge(collections::routes())
        .merge(metadata_fields::routes())
        .merge(roles::routes())
        .merge(claims::routes())
        .merge(identities::routes())
        .merge(identity_providers::routes())
        .merge(permission_sets::routes())
        .merge(audit::routes())
        .merge(containers::routes())
        .merge(stores::routes())
        .merge(enrollment::routes())
        .merge(csr_generation::routes())
        .merge(patterns::routes())
        .merge(templates::routes())
        .merge(status::routes())
}

/// The API below its root, and everything else below it as absent.
pub fn router(app: &App) -> Router<App> {
    let (router, _) = described().split_for_parts();
    let api = router
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(unknown)
        .layer(from_fn(guard))
        .layer(DefaultBodyLimit::max(app.settings().import_bytes));
    Router::new().nest(ROOT, api).route(&format!("{ROOT}/"), any(unknown)).merge(openapi::router())
}
