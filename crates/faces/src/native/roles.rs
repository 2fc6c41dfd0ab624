//! `/roles`: security roles, and who holds them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::access::roles::{self, RoleCommand};
use certhold_domain::{PermissionSetId, PrincipalId, RoleId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::certificates::Owner;
use super::created::Created;
use super::extract::{Id, Json as Body};
use super::hidden;
use super::page::Page;
use crate::auth::{Author, Bearer};
use crate::problem::Answer;
use crate::state::App;

/// The routes of roles.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(assignable))
        .routes(routes!(get, update, remove))
        .routes(routes!(assign, withdraw))
}

/// A security role.
#[derive(Serialize, ToSchema)]
pub struct Role {
    /// Its handle.
    id: i64,
    /// Unique without regard to case.
    #[schema(example = "Web operations")]
    name: String,
    /// What it is for.
    description: String,
    /// Where its people are reached.
    email: Option<String>,
    /// The permission set that bounds it.
    permission_set: Owner,
    /// The administrator role that cannot be changed.
    built_in: bool,
    /// What it grants: permission paths; a shorter one includes everything below it.
    #[schema(example = json!(["/certificates/collections/read/"]))]
    permissions: Vec<String>,
    /// How many people and service accounts hold it.
    holders: i64,
}

impl From<roles::Role> for Role {
    fn from(role: roles::Role) -> Role {
        Role {
            id: role.id.0,
            name: role.name,
            description: role.description,
            email: role.email,
            permission_set: Owner { id: role.permission_set.0, name: role.permission_set_name },
            built_in: role.built_in,
            permissions: role.permissions.iter().map(|path| path.as_str().to_owned()).collect(),
            holders: role.holders,
        }
    }
}

/// A role as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleInput {
    /// Unique without regard to case.
    #[schema(example = "Web operations")]
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// Where its people are reached.
    email: Option<String>,
    /// The permission set that bounds it; `Global` if left out.
    permission_set: Option<i64>,
    /// What it grants: permission paths. Nobody can grant what they do not hold.
    #[schema(example = json!(["/certificates/collections/read/"]))]
    permissions: Vec<String>,
}

impl From<RoleInput> for RoleCommand {
    fn from(input: RoleInput) -> RoleCommand {
        RoleCommand {
            name: input.name,
            description: input.description,
            email: input.email,
            permission_set: input.permission_set.map(PermissionSetId),
            permissions: input.permissions,
        }
    }
}

/// List roles
#[utoipa::path(get, path = "/roles", tag = "roles", responses((status = 200, description = "All roles, by name", body = Page<Role>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<Role>> {
    let found = app.read_as(caller, roles::list).await?;
    Ok(Page::whole(found.into_iter().map(Role::from).collect()))
}

/// List the roles that the caller may make owners
///
/// The roles they hold, or all of them for administrators.
#[utoipa::path(get, path = "/roles/assignable", tag = "roles",
    responses((status = 200, description = "Ids and names", body = Page<Owner>)))]
pub async fn assignable(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<Owner>> {
    let found = app.read_as(caller, roles::assignable).await?;
    Ok(Page::whole(found.into_iter().map(Owner::from).collect()))
}

/// Create a role
#[utoipa::path(post, path = "/roles", tag = "roles", request_body = RoleInput,
    responses((status = 201, description = "The new role", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<RoleInput>) -> Answer<Created> {
    let (command, now) = (RoleCommand::from(input), app.now());
    let id = app.write(move |tx| roles::create(tx, &author.actor, &command, now)).await?;
    Ok(Created::at("roles", id.0))
}

/// Get a role
#[utoipa::path(get, path = "/roles/{id}", tag = "roles", params(("id" = i64, Path, description = "The role")),
    responses((status = 200, description = "The role", body = Role)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<Role>> {
    let id = RoleId(id);
    let found = app.read_as(caller, move |tx, actor| roles::get(tx, actor, id)).await.map_err(hidden("role", id))?;
    Ok(Json(found.into()))
}

/// Replace a role
#[utoipa::path(put, path = "/roles/{id}", tag = "roles", params(("id" = i64, Path, description = "The role")), request_body = RoleInput,
    responses((status = 204, description = "It is replaced")))]
pub async fn update(State(app): State<App>, author: Author, Id(id): Id, Body(input): Body<RoleInput>) -> Answer<StatusCode> {
    let (command, now) = (RoleCommand::from(input), app.now());
    app.write(move |tx| roles::update(tx, &author.actor, RoleId(id), &command, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a role
#[utoipa::path(delete, path = "/roles/{id}", tag = "roles", params(("id" = i64, Path, description = "The role")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| roles::remove(tx, &author.actor, RoleId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a role to somebody
#[utoipa::path(put, path = "/roles/{id}/holders/{principal}", tag = "roles",
    params(("id" = i64, Path, description = "The role"), ("principal" = i64, Path, description = "A person or service account")),
    responses((status = 204, description = "They hold it")))]
pub async fn assign(State(app): State<App>, author: Author, Id((role, principal)): Id<(i64, i64)>) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| roles::assign(tx, &author.actor, RoleId(role), PrincipalId(principal), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a role from somebody
#[utoipa::path(delete, path = "/roles/{id}/holders/{principal}", tag = "roles",
    params(("id" = i64, Path, description = "The role"), ("principal" = i64, Path, description = "A person or service account")),
    responses((status = 204, description = "They do not hold it")))]
pub async fn withdraw(State(app): State<App>, author: Author, Id((role, principal)): Id<(i64, i64)>) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| roles::withdraw(tx, &author.actor, RoleId(role), PrincipalId(principal), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
