//! `/exclusions`: certificates that were removed and that no import brings back.

use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::{CertificateId, ExclusionId, hex, inventory};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::certificates::Within;
use super::extract::{Id, Query};
use super::page::Page;
use super::time::Time;
use crate::auth::{Author, Bearer};
use crate::export;
use crate::problem::Answer;
use crate::state::App;

/// The routes of exclusions.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_exclusions)).routes(routes!(exclude)).routes(routes!(readmit))
}

/// A certificate that no import brings back.
#[derive(Serialize, ToSchema)]
pub struct Exclusion {
    /// Its handle.
    id: i64,
    /// SHA-256 of the certificate.
    sha256: String,
    /// SHA-1 of the certificate.
    sha1: String,
    /// What people called it.
    title: String,
    /// Since when it is excluded.
    excluded_at: Time,
}

impl From<inventory::Exclusion> for Exclusion {
    fn from(found: inventory::Exclusion) -> Exclusion {
        Exclusion {
            id: found.id.0,
            sha256: hex(&found.sha256),
            sha1: hex(&found.sha1),
            title: found.title,
            excluded_at: Time(found.excluded_at),
        }
    }
}

/// List certificates that no import brings back
#[utoipa::path(get, path = "/exclusions", tag = "certificates",
    responses((status = 200, description = "All of them, newest first", body = Page<Exclusion>)))]
pub async fn list_exclusions(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<Exclusion>> {
    let found = app.read_as(caller, inventory::exclusions).await?;
    Ok(Page::whole(found.into_iter().map(Exclusion::from).collect()))
}

/// Remove a certificate and keep imports from bringing it back
///
/// With its private key, unless another certificate has the same one. What is in use stays. A certificate store in which it is
/// found later brings it back all the same: what is in use is seen.
#[utoipa::path(post, path = "/certificates/{id}/exclude", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), Within),
    responses((status = 204, description = "It is gone")))]
pub async fn exclude(State(app): State<App>, author: Author, Id(id): Id, Query(within): Query<Within>) -> Answer<StatusCode> {
    let (scope, nothing, now) = (within.scope(&app), export::nothing(&app)?, app.now());
    app.write(move |tx| inventory::exclude(tx, &author.actor, CertificateId(id), scope, &nothing, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a certificate be imported again
#[utoipa::path(delete, path = "/exclusions/{id}", tag = "certificates", params(("id" = i64, Path, description = "The exclusion")),
    responses((status = 204, description = "It may be imported again")))]
pub async fn readmit(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| inventory::readmit(tx, &author.actor, ExclusionId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
