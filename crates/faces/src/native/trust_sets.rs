//! `/trust-sets`: named sets of authorities that somebody trusts.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::chains::{self, TrustSetCommand};
use certhold_domain::{CertificateId, TrustSetId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::certificates::Certificate;
use super::created::Created;
use super::extract::{Id, Json as Body};
use super::hidden;
use super::page::Page;
use super::time::Time;
use crate::auth::{Author, Bearer};
use crate::problem::Answer;
use crate::state::App;

/// The routes of trust sets.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, update, remove)).routes(routes!(members))
}

/// A named set of authorities.
#[derive(Serialize, ToSchema)]
pub struct TrustSet {
    /// Its handle.
    id: i64,
    /// Unique without regard to case.
    #[schema(example = "Web browsers")]
    name: String,
    /// What it is for.
    description: String,
    /// How many certificates it has.
    members: i64,
    /// Since when there is it.
    created_at: Time,
}

impl From<chains::TrustSet> for TrustSet {
    fn from(set: chains::TrustSet) -> TrustSet {
        TrustSet {
            id: set.id.0,
            name: set.name,
            description: set.description,
            members: set.members,
            created_at: Time(set.created_at),
        }
    }
}

/// A trust set as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustSetInput {
    /// Unique without regard to case.
    #[schema(example = "Web browsers")]
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// The certificates that are trusted: each is held and an authority's.
    certificates: Vec<i64>,
}

impl From<TrustSetInput> for TrustSetCommand {
    fn from(input: TrustSetInput) -> TrustSetCommand {
        TrustSetCommand {
            name: input.name,
            description: input.description,
            certificates: input.certificates.into_iter().map(CertificateId).collect(),
        }
    }
}

/// List trust sets
#[utoipa::path(get, path = "/trust-sets", tag = "trust sets",
    responses((status = 200, description = "All trust sets, by name", body = Page<TrustSet>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<TrustSet>> {
    let found = app.read_as(caller, chains::list).await?;
    Ok(Page::whole(found.into_iter().map(TrustSet::from).collect()))
}

/// Create a trust set
#[utoipa::path(post, path = "/trust-sets", tag = "trust sets", request_body = TrustSetInput,
    responses((status = 201, description = "The new trust set", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<TrustSetInput>) -> Answer<Created> {
    let (command, now) = (TrustSetCommand::from(input), app.now());
    let id = app.write(move |tx| chains::create(tx, &author.actor, &command, now)).await?;
    Ok(Created::at("trust-sets", id.0))
}

/// Get a trust set
#[utoipa::path(get, path = "/trust-sets/{id}", tag = "trust sets", params(("id" = i64, Path, description = "The trust set")),
    responses((status = 200, description = "The trust set", body = TrustSet)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<TrustSet>> {
    let id = TrustSetId(id);
    let found = app.read_as(caller, move |tx, actor| chains::get(tx, actor, id)).await.map_err(hidden("trust set", id))?;
    Ok(Json(found.into()))
}

/// List the certificates of a trust set
#[utoipa::path(get, path = "/trust-sets/{id}/certificates", tag = "trust sets",
    params(("id" = i64, Path, description = "The trust set")),
    responses((status = 200, description = "The certificates that are trusted", body = Page<Certificate>)))]
pub async fn members(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Page<Certificate>> {
    let id = TrustSetId(id);
    let found = app.read_as(caller, move |tx, actor| chains::members(tx, actor, id)).await.map_err(hidden("trust set", id))?;
    Ok(Page::whole(found.into_iter().map(Certificate::from).collect()))
}

/// Replace a trust set
#[utoipa::path(put, path = "/trust-sets/{id}", tag = "trust sets", params(("id" = i64, Path, description = "The trust set")),
    request_body = TrustSetInput, responses((status = 204, description = "It is replaced")))]
pub async fn update(State(app): State<App>, author: Author, Id(id): Id, Body(input): Body<TrustSetInput>) -> Answer<StatusCode> {
    let (command, now) = (TrustSetCommand::from(input), app.now());
    app.write(move |tx| chains::update(tx, &author.actor, TrustSetId(id), &command, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a trust set
///
/// Its certificates stay in the inventory.
#[utoipa::path(delete, path = "/trust-sets/{id}", tag = "trust sets", params(("id" = i64, Path, description = "The trust set")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| chains::remove(tx, &author.actor, TrustSetId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
