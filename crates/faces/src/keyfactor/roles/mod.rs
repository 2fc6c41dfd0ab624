//! `/Security/Roles`: roles with their permissions and claims. The first version of the API has words of its own for permissions
//! ([`first`]), the second has the paths.

mod areas;
mod first;
mod permissions;
mod second;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use certhold_domain::access::roles::{self, Role};
use certhold_domain::access::tree::{self, Takes};
use certhold_domain::access::{claims, sets};
use certhold_domain::query::{Kind, Scalar};
use certhold_domain::{Actor, Result as DomainResult, RoleId};
use certhold_store::Tx;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::claims::Providers;
use super::extract::{Asked, Author, Body, Caller, Id};
use super::listing::Short;
use super::protocol::{Json, Version};
use super::refused::{Answer, Refused};
use crate::state::App;

pub use first::DIRECTORY;

/// What grants allow everywhere, as `Area:Permission`.
pub fn spoken(grants: &[certhold_domain::access::Path]) -> Vec<String> {
    areas::spoken(grants).into_iter().map(|(area, permission)| format!("{area}:{permission}")).collect()
}

/// The path of a right on a collection by its name.
///
/// # Errors
/// When there is no such right.
pub fn on_collections(name: &str, collection: i64) -> Answer<String> {
    areas::on(areas::ON_COLLECTIONS, name, collection)
}

/// Whether the lists of rights on collections show this path for this one.
pub fn is_on_collection(path: &str, collection: i64) -> bool {
    match tree::scoped_anywhere(path) {
        Some((leaf, Takes::Collection, on)) => on == collection && areas::has_name(areas::ON_COLLECTIONS, leaf),
        _ => false,
    }
}

/// The routes of roles.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create, update))
        .routes(routes!(get, remove))
        .routes(routes!(copy))
        .merge(permissions::routes())
}

/// A role with what answers say of it.
struct Told {
    role: Role,
    set: String,
    claims: Vec<claims::Claim>,
    providers: Providers,
}

/// Roles with their sets and claims, in as many questions for many as for one.
fn told(tx: &mut Tx<'_>, roles: Vec<Role>) -> DomainResult<Vec<Told>> {
    let wanted: Vec<_> = roles.iter().map(|role| role.permission_set).collect();
    let sets = sets::of_roles(tx, &wanted)?;
    let (claims, providers) = (claims::stored(tx)?, Providers::stored(tx)?);
    let told = |role: Role| Told {
        set: sets.iter().find(|set| set.id == role.permission_set).map(|set| set.uuid.clone()).unwrap_or_default(),
        claims: claims.iter().filter(|claim| claim.roles.iter().any(|(held, _)| *held == role.id)).cloned().collect(),
        providers: providers.clone(),
        role,
    };
    Ok(roles.into_iter().map(told).collect())
}

/// A role that was just written, for whoever wrote it.
fn written(tx: &mut Tx<'_>, actor: &Actor, id: RoleId) -> DomainResult<Told> {
    let role = roles::of_author(tx, actor, id)?;
    let mut found = told(tx, vec![role])?;
    found.pop().ok_or_else(|| certhold_domain::Refusal::not_found("role", id).into())
}

fn shown(told: Told, version: Version) -> Answer<Value> {
    let shown = match version {
        Version::One => serde_json::to_value(first::Role::from(told)),
        Version::Two => serde_json::to_value(second::Role::from(told)),
    };
    shown.map_err(|_| Refused::from(crate::problem::Problem::internal()))
}

/// List roles
///
/// Version 2 answers permission paths and claims, version 1 areas with permissions and identities.
#[utoipa::path(get, path = "/Security/Roles", tag = "Security", params(
    ("QueryString" = Option<String>, Query, description = "A query over Name, Description, EmailAddress and Id"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "One of these fields; Name by default"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending"),
    ("x-keyfactor-api-version" = Option<String>, Header, description = "1 (default) or 2")),
    responses((status = 200, description = "A page of roles", body = Vec<second::Role>)))]
pub async fn list(State(app): State<App>, caller: Caller, version: Version, asked: Asked) -> Answer<Response> {
    let (found, me) = caller
        .read(|tx, actor| {
            let found = roles::list(tx, actor)?;
            Ok((told(tx, found)?, actor.name.clone()))
        })
        .await?;
    let short = Short::<Told> {
        fields: &[("Name", Kind::Text), ("Description", Kind::Text), ("EmailAddress", Kind::Text), ("Id", Kind::Number)],
        values: |told| {
            let role = &told.role;
            let text = |text: &str| Some(Scalar::Text(text.to_owned()));
            vec![text(&role.name), text(&role.description), role.email.as_deref().and_then(text), Some(Scalar::Number(role.id.0))]
        },
    };
    let page = short.page(found, &asked, app.now(), &me)?;
    Ok(match version {
        Version::One => page.map(first::Role::from).into_response(),
        Version::Two => page.map(second::Role::from).into_response(),
    })
}

/// Get a role
#[utoipa::path(get, path = "/Security/Roles/{id}", tag = "Security", params(("id" = i64, Path, description = "The role"),
    ("x-keyfactor-api-version" = Option<String>, Header, description = "1 (default) or 2")),
    responses((status = 200, description = "The role", body = second::Role)))]
pub async fn get(caller: Caller, version: Version, Id(id): Id) -> Answer<Json<Value>> {
    let found = caller
        .read(move |tx, actor| {
            let role = roles::get(tx, actor, RoleId(id))?;
            told(tx, vec![role])
        })
        .await?;
    let told = found.into_iter().next().ok_or_else(|| Refused::not_found("Security Role", id))?;
    Ok(Json(shown(told, version)?))
}

/// Create a role
///
/// Members that are not known, as those of a role that was read before, are left out. Nobody grants what they do not hold.
#[utoipa::path(post, path = "/Security/Roles", tag = "Security", params(
    ("x-keyfactor-api-version" = Option<String>, Header, description = "1 (default) or 2")), request_body = second::RoleRequest,
    responses((status = 200, description = "The new role", body = second::Role)))]
pub async fn create(author: Author, version: Version, Body(sent): Body<Value>) -> Answer<Json<Value>> {
    let wanted = wanted(sent, version)?;
    let made = author
        .write(move |tx, actor, now| {
            let set = wanted.set.as_deref().map(|uuid| super::permission_sets::of_uuid(tx, actor, uuid)).transpose()?;
            let command = roles::RoleCommand { permission_set: set, ..wanted.command.clone() };
            let id = roles::create(tx, actor, &command, now)?;
            wanted.held(tx, actor, id, now)?;
            written(tx, actor, id)
        })
        .await?;
    Ok(Json(shown(made, version)?))
}

/// Replace a role
///
/// Permissions and claims that are left out are taken away, in version 1 only those that it has words for. What accounts hold by
/// themselves stays.
#[utoipa::path(put, path = "/Security/Roles", tag = "Security", params(
    ("x-keyfactor-api-version" = Option<String>, Header, description = "1 (default) or 2")), request_body = second::RoleRequest,
    responses((status = 200, description = "The role", body = second::Role)))]
pub async fn update(author: Author, version: Version, Body(sent): Body<Value>) -> Answer<Json<Value>> {
    let wanted = wanted(sent, version)?;
    let id = RoleId(wanted.id.ok_or_else(|| Refused::invalid("Id", "say which role"))?);
    let changed = author
        .write(move |tx, actor, now| {
            let before = roles::get(tx, actor, id)?;
            let set = wanted.set.as_deref().map(|uuid| super::permission_sets::of_uuid(tx, actor, uuid)).transpose()?;
            let mut command = wanted.command.clone();
            command.permission_set = set.or(Some(before.permission_set));
            if version == Version::One {
                // What the first version has no words for is not taken away by it.
                command.permissions = areas::beside_unspoken(command.permissions, &before.permissions);
                command.email = before.email.clone();
            }
            roles::update(tx, actor, id, &command, now)?;
            wanted.held(tx, actor, id, now)?;
            written(tx, actor, id)
        })
        .await?;
    Ok(Json(shown(changed, version)?))
}

/// A role as either version sends it.
#[derive(Clone)]
struct Wanted {
    id: Option<i64>,
    set: Option<String>,
    command: roles::RoleCommand,
    /// As it is when nothing is said.
    holders: Option<Holders>,
}

/// Through what a role is held.
#[derive(Clone)]
enum Holders {
    /// Through these claims and no others.
    Claims(Vec<claims::WantedClaim>),
    /// Under these names of directories, beside the other claims that give it, for which the first version has no words.
    Names(Vec<claims::WantedName>),
}

impl Wanted {
    fn held(&self, tx: &mut Tx<'_>, actor: &Actor, role: RoleId, now: i64) -> DomainResult<()> {
        match &self.holders {
            None => Ok(()),
            Some(Holders::Claims(claims)) => claims::replace_of_role(tx, actor, role, claims, now),
            Some(Holders::Names(names)) => claims::replace_names_of_role(tx, actor, role, names, now),
        }
    }
}

fn wanted(sent: Value, version: Version) -> Answer<Wanted> {
    match version {
        Version::One => first::RoleRequest::read(sent)?.wanted(),
        Version::Two => second::RoleRequest::read(sent)?.wanted(),
    }
}

/// Remove a role
///
/// One that owns certificates stays.
#[utoipa::path(delete, path = "/Security/Roles/{id}", tag = "Security", params(("id" = i64, Path, description = "The role")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(author: Author, Id(id): Id) -> Answer<StatusCode> {
    author.write(move |tx, actor, now| roles::remove(tx, actor, RoleId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Copy a role
///
/// With its permissions, under another name; nobody holds it yet.
#[utoipa::path(post, path = "/Security/Roles/{id}/Copy", tag = "Security", params(("id" = i64, Path, description = "The role")),
    request_body = second::CopyRequest, responses((status = 200, description = "The new role", body = second::Role)))]
pub async fn copy(author: Author, version: Version, Id(id): Id, Body(sent): Body<second::CopyRequest>) -> Answer<Json<Value>> {
    let made = author
        .write(move |tx, actor, now| {
            let from = roles::get(tx, actor, RoleId(id))?;
            let command = roles::RoleCommand {
                name: sent.name.clone(),
                description: sent.description.clone().unwrap_or(from.description),
                email: from.email,
                permission_set: Some(from.permission_set),
                permissions: super::permission_sets::texts(&from.permissions),
            };
            let id = roles::create(tx, actor, &command, now)?;
            written(tx, actor, id)
        })
        .await?;
    Ok(Json(shown(made, version)?))
}
