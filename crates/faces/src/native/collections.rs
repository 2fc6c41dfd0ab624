//! `/collections`: saved queries that double as permission scopes.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::collections::{self, CollectionCommand, Duplicates};
use certhold_domain::{CertificateId, CollectionId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::certificates::Owner;
use super::created::Created;
use super::extract::{Id, Json as Body, Query};
use super::hidden;
use super::page::Page;
use super::time::Time;
use crate::auth::{Author, Bearer};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// The routes of collections.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, remove))
        .routes(routes!(copy))
        .routes(routes!(mark, unmark))
        .routes(routes!(roles))
        .routes(routes!(of_certificate))
}

/// A collection.
#[derive(Serialize, ToSchema)]
pub struct Collection {
    /// Its handle: the last segment of rights on it.
    id: i64,
    /// Unique without regard to case.
    #[schema(example = "Web shop")]
    name: String,
    /// What it is for.
    description: String,
    /// The query, exactly as it was sent.
    #[schema(example = "SAN -endswith \".shop.example.com\"")]
    query: String,
    /// `none`, `common_name`, `distinguished_name` or `principal_name`.
    duplicates: &'static str,
    /// Whether it is shown on the home page.
    on_dashboard: bool,
    /// Whether the caller marked it.
    favourite: bool,
    /// When it was created.
    created_at: Time,
}

impl From<collections::Collection> for Collection {
    fn from(collection: collections::Collection) -> Collection {
        Collection {
            id: collection.id.0,
            name: collection.name,
            description: collection.description,
            query: collection.query,
            duplicates: collection.duplicates.word(),
            on_dashboard: collection.on_dashboard,
            favourite: collection.favourite,
            created_at: Time(collection.created_at),
        }
    }
}

/// A collection as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionInput {
    /// Unique without regard to case; not a number.
    #[schema(example = "Web shop")]
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// The query; empty: every certificate. Without `%ME%`.
    #[schema(example = "SAN -endswith \".shop.example.com\"")]
    query: String,
    /// `none` (default), `common_name`, `distinguished_name` or `principal_name`.
    duplicates: Option<String>,
    /// Whether it is shown on the home page.
    #[serde(default)]
    on_dashboard: bool,
}

impl TryFrom<CollectionInput> for CollectionCommand {
    type Error = Problem;

    fn try_from(input: CollectionInput) -> Result<CollectionCommand, Problem> {
        Ok(CollectionCommand {
            name: input.name,
            description: input.description,
            query: input.query,
            duplicates: input.duplicates.as_deref().map(Duplicates::of_word).transpose()?.unwrap_or_default(),
            on_dashboard: input.on_dashboard,
        })
    }
}

/// List collections
///
/// Those whose certificates the caller may see.
#[utoipa::path(get, path = "/collections", tag = "collections",
    responses((status = 200, description = "Collections, by name", body = Page<Collection>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<Collection>> {
    let found = app.read_as(caller, collections::list).await?;
    Ok(Page::whole(found.into_iter().map(Collection::from).collect()))
}

/// Create a collection
#[utoipa::path(post, path = "/collections", tag = "collections", request_body = CollectionInput,
    responses((status = 201, description = "The new collection", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<CollectionInput>) -> Answer<Created> {
    let (command, now) = (CollectionCommand::try_from(input)?, app.now());
    let id = app.write(move |tx| collections::create(tx, &author.actor, &command, now)).await?;
    Ok(Created::at("collections", id.0))
}

/// Get a collection
#[utoipa::path(get, path = "/collections/{id}", tag = "collections", params(("id" = i64, Path, description = "The collection")),
    responses((status = 200, description = "The collection", body = Collection)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<Collection>> {
    let id = CollectionId(id);
    let found = app.read_as(caller, move |tx, actor| collections::get(tx, actor, id)).await.map_err(hidden("collection", id))?;
    Ok(Json(found.into()))
}

/// Replace a collection
///
/// Another query changes what rights on the collection allow: who sends one must hold everywhere the rights that roles have on it.
#[utoipa::path(put, path = "/collections/{id}", tag = "collections", params(("id" = i64, Path, description = "The collection")),
    request_body = CollectionInput, responses((status = 204, description = "It is replaced")))]
pub async fn update(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<CollectionInput>,
) -> Answer<StatusCode> {
    let (command, now) = (CollectionCommand::try_from(input)?, app.now());
    app.write(move |tx| collections::update(tx, &author.actor, CollectionId(id), &command, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How to remove.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Removal {
    /// Also when roles have rights on it: takes these rights away.
    #[serde(default)]
    force: bool,
}

/// Remove a collection
///
/// The certificates stay.
#[utoipa::path(delete, path = "/collections/{id}", tag = "collections",
    params(("id" = i64, Path, description = "The collection"), Removal),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id, Query(how): Query<Removal>) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| collections::remove(tx, &author.actor, CollectionId(id), how.force, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A copy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// The name of the copy.
    name: String,
    /// Whether the roles that have rights on the one get the same rights on the copy.
    #[serde(default)]
    with_permissions: bool,
}

/// Copy a collection
#[utoipa::path(post, path = "/collections/{id}/copy", tag = "collections", params(("id" = i64, Path, description = "The collection")),
    request_body = Copy, responses((status = 201, description = "The copy", body = Created)))]
pub async fn copy(State(app): State<App>, author: Author, Id(id): Id, Body(input): Body<Copy>) -> Answer<Created> {
    let (from, now) = (CollectionId(id), app.now());
    let copied = move |tx: &mut certhold_store::Tx<'_>| {
        collections::copy(tx, &author.actor, from, &input.name, input.with_permissions, now)
    };
    Ok(Created::at("collections", app.write(copied).await?.0))
}

/// Mark a collection as a favourite
#[utoipa::path(put, path = "/collections/{id}/favourite", tag = "collections",
    params(("id" = i64, Path, description = "The collection")), responses((status = 204, description = "It is marked")))]
pub async fn mark(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    favourite(&app, author, id, true).await
}

/// Take the mark from a collection
#[utoipa::path(delete, path = "/collections/{id}/favourite", tag = "collections",
    params(("id" = i64, Path, description = "The collection")), responses((status = 204, description = "It is not marked")))]
pub async fn unmark(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    favourite(&app, author, id, false).await
}

async fn favourite(app: &App, author: Author, id: i64, favourite: bool) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| collections::set_favourite(tx, &author.actor, CollectionId(id), favourite, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A role's rights on a collection.
#[derive(Serialize, ToSchema)]
pub struct CollectionGrant {
    /// The role.
    role: Owner,
    /// Its rights on this collection.
    #[schema(example = json!(["/certificates/collections/read/12/"]))]
    permissions: Vec<String>,
}

/// List the roles that have rights on a collection
///
/// Beside those that have them everywhere.
#[utoipa::path(get, path = "/collections/{id}/roles", tag = "collections", params(("id" = i64, Path, description = "The collection")),
    responses((status = 200, description = "Roles, by name", body = Page<CollectionGrant>)))]
pub async fn roles(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Page<CollectionGrant>> {
    let id = CollectionId(id);
    let found =
        app.read_as(caller, move |tx, actor| collections::grants(tx, actor, id)).await.map_err(hidden("collection", id))?;
    let shown = |grant: collections::Grant| CollectionGrant {
        role: Owner { id: grant.role.0, name: grant.name },
        permissions: grant.paths.iter().map(|path| path.as_str().to_owned()).collect(),
    };
    Ok(Page::whole(found.into_iter().map(shown).collect()))
}

/// List the collections that a certificate is in
#[utoipa::path(get, path = "/certificates/{id}/collections", tag = "collections",
    params(("id" = i64, Path, description = "The certificate")),
    responses((status = 200, description = "Collections, by name", body = Page<Collection>)))]
pub async fn of_certificate(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Page<Collection>> {
    let (id, now) = (CertificateId(id), app.now());
    let found = app.read_as(caller, move |tx, actor| collections::containing(tx, actor, id, now)).await;
    let found = found.map_err(hidden("certificate", id))?;
    Ok(Page::whole(found.into_iter().map(Collection::from).collect()))
}

#[cfg(test)]
mod tests;
