//! `/PermissionSets`: what roles may be given at most.

use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::access::sets::{self, PermissionSet as Set, SetCommand};
use certhold_domain::access::{self, Path};
use certhold_domain::query::{Kind, Scalar};
use certhold_domain::{Actor, PermissionSetId, Refusal, Result as DomainResult};
use certhold_store::Tx;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Asked, Author, Body, Caller, Key};
use super::listing::{Listed, Short};
use super::protocol::Json;
use super::refused::{Answer, Refused};
use crate::state::App;

/// The routes of permission sets.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create, update)).routes(routes!(mine)).routes(routes!(get, remove))
}

/// A permission set.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PermissionSet {
    /// A GUID.
    id: String,
    name: String,
    /// What roles inside it may be given at most.
    permissions: Vec<String>,
}

impl From<Set> for PermissionSet {
    fn from(set: Set) -> PermissionSet {
        PermissionSet { id: set.uuid, name: set.name, permissions: texts(&set.permissions) }
    }
}

/// Paths as text.
pub fn texts(paths: &[Path]) -> Vec<String> {
    paths.iter().map(|path| path.as_str().to_owned()).collect()
}

/// The set of this GUID among all.
pub fn of_uuid(tx: &mut Tx<'_>, actor: &Actor, uuid: &str) -> DomainResult<PermissionSetId> {
    let wanted = uuid.trim().to_ascii_lowercase();
    let found = sets::list(tx, actor)?.into_iter().find(|set| set.uuid == wanted);
    found.map(|set| set.id).ok_or_else(|| Refusal::not_found("permission set", uuid.trim()).into())
}

/// List permission sets
///
/// The oldest, `Global`, first.
#[utoipa::path(get, path = "/PermissionSets", tag = "PermissionSets", params(
    ("QueryString" = Option<String>, Query, description = "A query over Name"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "Name"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of permission sets", body = Vec<PermissionSet>)))]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<PermissionSet>> {
    let (found, me) = caller.read(|tx, actor| Ok((sets::list(tx, actor)?, actor.name.clone()))).await?;
    let short = Short::<Set> { fields: &[("Name", Kind::Text)], values: |set| vec![Some(Scalar::Text(set.name.clone()))] };
    Ok(short.page(found, &asked, app.now(), &me)?.map(PermissionSet::from))
}

/// A permission set with the caller's roles in it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct MyPermissionSet {
    /// A GUID.
    id: String,
    name: String,
    permissions: Vec<String>,
    /// The caller's roles inside it, by name.
    security_roles: Vec<String>,
}

/// List the permission sets in which the caller has roles
#[utoipa::path(get, path = "/PermissionSets/My", tag = "PermissionSets", params(
    ("accessControlString" = Option<String>, Query, description = "Only those in which a role of the caller brings this permission, within the scopes of a token"),
    ("PageReturned" = Option<i64>, Query, description = "A page, from 1; the whole list otherwise"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default")),
    responses((status = 200, description = "Permission sets with the caller's roles", body = Vec<MyPermissionSet>)))]
pub async fn mine(caller: Caller, asked: Asked) -> Answer<Listed<MyPermissionSet>> {
    let needed = asked.text("accesscontrolstring").map(Path::parse).transpose().map_err(Refused::from)?;
    let rows = caller
        .read(move |tx, actor| {
            let held = access::held(tx, actor)?;
            let counts = |role: &access::HeldRole, path: &str| role.brings(path) && held.in_scope(path);
            let brings = |role: &&access::HeldRole| needed.as_ref().is_none_or(|path| counts(role, path.as_str()));
            let roles: Vec<&access::HeldRole> = held.roles.iter().filter(brings).collect();
            let mut rows: Vec<MyPermissionSet> = Vec::new();
            for set in sets::of_roles(tx, &roles.iter().map(|role| role.set).collect::<Vec<_>>())? {
                let inside = roles.iter().filter(|role| role.set == set.id).map(|role| role.name.clone()).collect();
                let permissions = texts(&set.permissions);
                rows.push(MyPermissionSet { id: set.uuid, name: set.name, permissions, security_roles: inside });
            }
            Ok(rows)
        })
        .await?;
    Listed::whole(rows, &asked)
}

/// Get a permission set
#[utoipa::path(get, path = "/PermissionSets/{id}", tag = "PermissionSets", params(("id" = String, Path, description = "Its GUID")),
    responses((status = 200, description = "The permission set", body = PermissionSet)))]
pub async fn get(caller: Caller, Key(uuid): Key) -> Answer<Json<PermissionSet>> {
    let found = caller
        .read(move |tx, actor| {
            let id = of_uuid(tx, actor, &uuid)?;
            sets::get(tx, actor, id)
        })
        .await?;
    Ok(Json(found.into()))
}

/// A permission set as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PermissionSetRequest {
    /// Which one, to change it.
    id: Option<String>,
    name: String,
    permissions: Option<Vec<String>>,
}

/// Create a permission set
#[utoipa::path(post, path = "/PermissionSets", tag = "PermissionSets", request_body = PermissionSetRequest,
    responses((status = 200, description = "The new permission set", body = PermissionSet)))]
pub async fn create(author: Author, Body(sent): Body<PermissionSetRequest>) -> Answer<Json<PermissionSet>> {
    let command = SetCommand { name: sent.name, permissions: sent.permissions.unwrap_or_default() };
    let uuid = uuid::Builder::from_random_bytes(author.app.core().random()).into_uuid();
    let made = author
        .write(move |tx, actor, now| {
            let id = sets::create(tx, actor, &command, uuid, now)?;
            sets::of_roles(tx, &[id])
        })
        .await?;
    shown(made)
}

fn shown(mut found: Vec<Set>) -> Answer<Json<PermissionSet>> {
    let set = found.pop().ok_or_else(|| Refused::not_found("Permission Set", ""))?;
    Ok(Json(set.into()))
}

/// Change a permission set
///
/// Permissions that are left out stay as they are.
#[utoipa::path(put, path = "/PermissionSets", tag = "PermissionSets", request_body = PermissionSetRequest,
    responses((status = 200, description = "The permission set", body = PermissionSet)))]
pub async fn update(author: Author, Body(sent): Body<PermissionSetRequest>) -> Answer<Json<PermissionSet>> {
    let uuid = sent.id.ok_or_else(|| Refused::invalid("Id", "say which permission set"))?;
    let (name, wanted) = (sent.name, sent.permissions);
    let changed = author
        .write(move |tx, actor, now| {
            let id = of_uuid(tx, actor, &uuid)?;
            let permissions = match &wanted {
                Some(wanted) => wanted.clone(),
                None => texts(&sets::get(tx, actor, id)?.permissions),
            };
            sets::update(tx, actor, id, &SetCommand { name: name.clone(), permissions }, now)?;
            sets::of_roles(tx, &[id])
        })
        .await?;
    shown(changed)
}

/// Remove a permission set that no role is inside of
#[utoipa::path(delete, path = "/PermissionSets/{id}", tag = "PermissionSets",
    params(("id" = String, Path, description = "Its GUID")), responses((status = 204, description = "It is gone")))]
pub async fn remove(author: Author, Key(uuid): Key) -> Answer<StatusCode> {
    author
        .write(move |tx, actor, now| {
            let id = of_uuid(tx, actor, &uuid)?;
            sets::remove(tx, actor, id, now)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
