//! `/permissions` and `/permission-sets`: what there is to grant, and what bounds it.

use axum::extract::State;
use certhold_domain::access::{paths, roles};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::created::Created;
use super::extract::Json as Body;
use super::page::Page;
use crate::auth::{Author, Bearer};
use crate::problem::Answer;
use crate::state::App;

/// The routes of permissions.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(catalogue)).routes(routes!(list, create))
}

/// Something that can be granted.
#[derive(Serialize, ToSchema)]
pub struct Permission {
    /// The path.
    #[schema(example = "/certificates/import/")]
    path: &'static str,
    /// What it allows.
    description: &'static str,
}

/// List permissions
///
/// Every path the product asks for. A shorter path includes everything below it.
#[utoipa::path(get, path = "/permissions", tag = "permissions",
    responses((status = 200, description = "All permissions", body = Page<Permission>)))]
pub async fn catalogue(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<Permission>> {
    app.known(caller).await?;
    let all = paths::CATALOGUE.iter().map(|(path, description)| Permission { path, description });
    Ok(Page::whole(all.collect()))
}

/// A permission set: the upper bound of the roles inside it.
#[derive(Serialize, ToSchema)]
pub struct PermissionSet {
    /// Its handle.
    id: i64,
    /// Its public identifier.
    uuid: String,
    /// Unique without regard to case.
    name: String,
    /// What roles inside it may be given at most.
    permissions: Vec<String>,
}

/// List permission sets
#[utoipa::path(get, path = "/permission-sets", tag = "permissions",
    responses((status = 200, description = "All permission sets", body = Page<PermissionSet>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<PermissionSet>> {
    let found = app.read_as(caller, roles::permission_sets).await?;
    let shown = |set: roles::PermissionSet| PermissionSet {
        id: set.id.0,
        uuid: set.uuid,
        name: set.name,
        permissions: set.permissions.iter().map(|path| path.as_str().to_owned()).collect(),
    };
    Ok(Page::whole(found.into_iter().map(shown).collect()))
}

/// A permission set as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PermissionSetInput {
    /// Unique without regard to case.
    name: String,
    /// What roles inside it may be given at most. Nobody bounds with more than they hold.
    #[schema(example = json!(["/certificates/"]))]
    permissions: Vec<String>,
}

/// Create a permission set
#[utoipa::path(post, path = "/permission-sets", tag = "permissions", request_body = PermissionSetInput,
    responses((status = 201, description = "The new set", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<PermissionSetInput>) -> Answer<Created> {
    let (uuid, now) = (Uuid::now_v7(), app.now());
    let made = app.write(move |tx| roles::create_permission_set(tx, &author.actor, &input.name, &input.permissions, uuid, now));
    Ok(Created::at("permission-sets", made.await?.0))
}
