//! `/Security/Identities`: names of a directory, as the first version of the API knows them. Behind each stands a claim.

use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::access::claims::{self, Claim, WantedClaim};
use certhold_domain::access::roles::{self, Role};
use certhold_domain::access::tree::{self, Takes};
use certhold_domain::access::{ClaimKey, ClaimType};
use certhold_domain::query::{Kind, Scalar};
use certhold_domain::{Actor, ClaimId, Refusal, Result as DomainResult, RoleId};
use certhold_store::Tx;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::claims::{is_group, read_identity_type};
use super::extract::{Asked, Author, Body, Caller, Id};
use super::listing::{Listed, Short};
use super::protocol::Json;
use super::refused::{Answer, Refused};
use super::roles::{DIRECTORY, spoken};
use crate::state::App;

/// The routes of identities.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(lookup))
        .routes(routes!(get, remove))
        .routes(routes!(of_role, replace_of_role))
}

/// A name of a directory.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Identity {
    id: i64,
    account_name: String,
    /// `User` or `Group`.
    identity_type: &'static str,
    roles: Vec<IdentityRole>,
    valid: bool,
    #[serde(rename = "SID")]
    sid: Option<String>,
}

/// The same as a role tells it: published clients of roles read `Name`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct RoleIdentity {
    name: String,
    #[serde(flatten)]
    identity: Identity,
}

/// A role that is held under it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct IdentityRole {
    id: i64,
    name: String,
    description: String,
}

/// What roles are said to be for.
type Descriptions = Vec<(RoleId, String)>;

impl Identity {
    fn of(claim: Claim, descriptions: &Descriptions) -> Identity {
        let role = |(id, name): (RoleId, String)| {
            let description = descriptions.iter().find(|(known, _)| *known == id).map(|(_, text)| text.clone());
            IdentityRole { id: id.0, name, description: description.unwrap_or_default() }
        };
        Identity {
            id: claim.id.0,
            identity_type: if is_group(claim.key.kind) { "Group" } else { "User" },
            account_name: claim.key.value,
            roles: claim.roles.into_iter().map(role).collect(),
            valid: true,
            sid: None,
        }
    }
}

fn is_identity(claim: &Claim) -> bool {
    claim.key.kind.is_of_directory()
}

/// One that is a name of a directory; other claims are none here.
fn identity(tx: &mut Tx<'_>, actor: &Actor, id: i64) -> DomainResult<Claim> {
    let found = claims::get(tx, actor, ClaimId(id))?;
    if is_identity(&found) { Ok(found) } else { Err(Refusal::not_found("identity", id).into()) }
}

/// List identities
#[utoipa::path(get, path = "/Security/Identities", tag = "Security", params(
    ("QueryString" = Option<String>, Query, description = "A query over Id and AccountName"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "One of these fields"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of identities", body = Vec<Identity>)))]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<Identity>> {
    let find = |tx: &mut Tx<'_>, actor: &Actor| {
        let found = claims::list(tx, actor, None)?;
        Ok((found, roles::descriptions(tx)?, actor.name.clone()))
    };
    let (mut found, descriptions, me) = caller.read(find).await?;
    found.retain(is_identity);
    found.sort_by_key(|claim| claim.id);
    let short = Short::<Claim> {
        fields: &[("Id", Kind::Number), ("AccountName", Kind::Text)],
        values: |claim| vec![Some(Scalar::Number(claim.id.0)), Some(Scalar::Text(claim.key.value.clone()))],
    };
    Ok(short.page(found, &asked, app.now(), &me)?.map(|claim| Identity::of(claim, &descriptions)))
}

/// A new identity.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct IdentityRequest {
    account_name: String,
    /// `User` (default) or `Group`.
    identity_type: Option<String>,
}

/// Create an identity
///
/// It gives nothing until a role names it.
#[utoipa::path(post, path = "/Security/Identities", tag = "Security", request_body = IdentityRequest,
    responses((status = 200, description = "The new identity", body = Identity)))]
pub async fn create(author: Author, Body(sent): Body<IdentityRequest>) -> Answer<Json<Identity>> {
    let kind = if read_identity_type(sent.identity_type.as_deref())? == Some(true) { ClaimType::Group } else { ClaimType::User };
    let key = ClaimKey { kind, value: sent.account_name, provider: DIRECTORY.to_owned() };
    let made = author
        .write(move |tx, actor, now| {
            let id = claims::create(tx, actor, &key, "", now)?;
            claims::find(tx, id)
        })
        .await?;
    // No role names it yet.
    Ok(Json(Identity::of(made, &Vec::new())))
}

/// Whether a name is known.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Lookup {
    valid: bool,
}

/// Say whether a name is an identity
///
/// No directory is asked.
#[utoipa::path(get, path = "/Security/Identities/Lookup", tag = "Security",
    params(("accountName" = String, Query, description = "The name")),
    responses((status = 200, description = "Whether it is", body = Lookup)))]
pub async fn lookup(caller: Caller, asked: Asked) -> Answer<Json<Lookup>> {
    let name = asked.text("accountname").unwrap_or_default().trim().to_lowercase();
    let found = caller.read(|tx, actor| claims::list(tx, actor, None)).await?;
    let valid = found.iter().filter(|claim| is_identity(claim)).any(|claim| claim.key.value.to_lowercase() == name);
    Ok(Json(Lookup { valid }))
}

/// What an identity may do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct IdentityPermissions {
    identity: String,
    secured_area_permissions: Vec<GrantedPermission>,
    collection_permissions: Vec<GrantedPermission>,
    container_permissions: Vec<GrantedPermission>,
}

/// A permission with the roles that bring it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct GrantedPermission {
    /// `Area:Permission` for what holds everywhere, else the path.
    permission: String,
    granted_by_roles: Vec<String>,
}

/// Every permission once, in order, with the roles that bring it.
fn granted(roles: &[Role], of: impl Fn(&Role) -> Vec<String>) -> Vec<GrantedPermission> {
    let mut found = std::collections::BTreeMap::<String, Vec<String>>::new();
    for role in roles {
        for permission in of(role) {
            found.entry(permission).or_default().push(role.name.clone());
        }
    }
    found.into_iter().map(|(permission, granted_by_roles)| GrantedPermission { permission, granted_by_roles }).collect()
}

fn scoped(role: &Role, takes: Takes) -> Vec<String> {
    let on = |path: &&str| matches!(tree::scoped_anywhere(path), Some((_, kind, _)) if kind == takes);
    role.permissions.iter().map(certhold_domain::access::Path::as_str).filter(on).map(str::to_owned).collect()
}

/// List what an identity may do
#[utoipa::path(get, path = "/Security/Identities/{id}", tag = "Security", params(("id" = i64, Path, description = "The identity")),
    responses((status = 200, description = "Permissions with the roles that bring them", body = IdentityPermissions)))]
pub async fn get(caller: Caller, Id(id): Id) -> Answer<Json<IdentityPermissions>> {
    let (claim, roles) = caller
        .read(move |tx, actor| {
            let claim = identity(tx, actor, id)?;
            let all = roles::list(tx, actor)?;
            let held: Vec<Role> = all.into_iter().filter(|role| claim.roles.iter().any(|(held, _)| *held == role.id)).collect();
            Ok((claim, held))
        })
        .await?;
    Ok(Json(IdentityPermissions {
        identity: claim.key.value,
        secured_area_permissions: granted(&roles, |role| spoken(&role.permissions)),
        collection_permissions: granted(&roles, |role| scoped(role, Takes::Collection)),
        container_permissions: granted(&roles, |role| scoped(role, Takes::Container)),
    }))
}

/// Remove an identity
///
/// Whoever holds roles under it does not any more, at once.
#[utoipa::path(delete, path = "/Security/Identities/{id}", tag = "Security", params(("id" = i64, Path, description = "The identity")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(author: Author, Id(id): Id) -> Answer<StatusCode> {
    author
        .write(move |tx, actor, now| {
            identity(tx, actor, id)?;
            claims::remove(tx, actor, ClaimId(id), now)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn of(tx: &mut Tx<'_>, actor: &Actor, role: RoleId) -> DomainResult<Vec<Claim>> {
    roles::get(tx, actor, role)?;
    claims::list(tx, actor, Some(role))
}

fn identities(tx: &mut Tx<'_>, claims: Vec<Claim>) -> DomainResult<Vec<RoleIdentity>> {
    let descriptions = roles::descriptions(tx)?;
    let of = |claim: Claim| RoleIdentity { name: claim.key.value.clone(), identity: Identity::of(claim, &descriptions) };
    Ok(claims.into_iter().filter(is_identity).map(of).collect())
}

/// List the identities under which a role is held
#[utoipa::path(get, path = "/Security/Roles/{id}/Identities", tag = "Security", params(("id" = i64, Path, description = "The role"),
    ("PageReturned" = Option<i64>, Query, description = "A page, from 1; the whole list otherwise"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default")),
    responses((status = 200, description = "Identities", body = Vec<RoleIdentity>)))]
pub async fn of_role(caller: Caller, Id(id): Id, asked: Asked) -> Answer<Listed<RoleIdentity>> {
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        let found = of(tx, actor, RoleId(id))?;
        identities(tx, found)
    };
    Listed::whole(caller.read(find).await?, &asked)
}

/// Identities by their ids.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct IdentitiesRequest {
    ids: Option<Vec<i64>>,
}

/// Set the identities under which a role is held
///
/// Other claims that give it stay.
#[utoipa::path(put, path = "/Security/Roles/{id}/Identities", tag = "Security", params(("id" = i64, Path, description = "The role")),
    request_body = IdentitiesRequest, responses((status = 200, description = "Its identities then", body = Vec<RoleIdentity>)))]
pub async fn replace_of_role(author: Author, Id(id): Id, Body(sent): Body<IdentitiesRequest>) -> Answer<Listed<RoleIdentity>> {
    let ids = sent.ids.unwrap_or_default();
    if ids.len() > certhold_domain::limits::PAGE_ROWS {
        return Err(Refused::invalid("Ids", "there are too many"));
    }
    let changed = author
        .write(move |tx, actor, now| {
            let mut wanted: Vec<Claim> = of(tx, actor, RoleId(id))?.into_iter().filter(|claim| !is_identity(claim)).collect();
            for id in &ids {
                wanted.push(identity(tx, actor, *id)?);
            }
            let wanted: Vec<WantedClaim> =
                wanted.into_iter().map(|claim| WantedClaim { key: claim.key, description: claim.description }).collect();
            claims::replace_of_role(tx, actor, RoleId(id), &wanted, now)?;
            let changed = of(tx, actor, RoleId(id))?;
            identities(tx, changed)
        })
        .await?;
    let total = i64::try_from(changed.len()).unwrap_or(i64::MAX);
    Ok(Listed { rows: changed, total })
}
