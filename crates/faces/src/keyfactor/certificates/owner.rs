//! The owner of certificates, which is a role. `docs/keyfactor-owner.md` is the rule.

use axum::http::StatusCode;
use certhold_domain::ownership::{self, NewOwner, Scope};
use certhold_domain::{Actor, CertificateId, RoleId, collections};
use certhold_store::Tx;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::many::{Which, each_piece};
use crate::keyfactor::extract::{Asked, Author, Body, Id, bounded};
use crate::keyfactor::refused::Answer;
use crate::state::App;

/// The routes of owners.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(change)).routes(routes!(change_many))
}

/// The owner to be: by id or by name; by neither, nobody. The id goes over the name.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct OwnerRequest {
    /// The role's id.
    new_role_id: Option<i64>,
    /// The role's name; blank is none.
    new_role_name: Option<String>,
}

/// The owner to be of several certificates.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct OwnersRequest {
    /// Which certificates.
    certificate_ids: Option<Vec<i64>>,
    /// The role's id.
    new_role_id: Option<i64>,
    /// The role's name; blank is none.
    new_role_name: Option<String>,
}

fn new_owner(id: Option<i64>, name: Option<String>) -> NewOwner {
    match (id, name.filter(|name| !name.trim().is_empty())) {
        (Some(id), _) => NewOwner::Role(RoleId(id)),
        (None, Some(name)) => NewOwner::Named(name),
        (None, None) => NewOwner::Nobody,
    }
}

fn scope(asked: &Asked) -> Answer<Scope> {
    let (collection, container) = asked.places()?;
    Ok(Scope { collection, container })
}

/// Change the owner of a certificate
///
/// To a role, by its id or name, or to nobody. A change that would change nothing needs the right as well, and then writes nothing.
#[utoipa::path(put, path = "/Certificates/{id}/Owner", tag = "Certificates", params(
    ("id" = i64, Path, description = "The certificate"),
    ("CollectionId" = Option<i64>, Query, description = "Scope of the right to change the owner; goes over ContainerId"),
    ("ContainerId" = Option<i64>, Query, description = "Scope of the right to change the owner")),
    request_body = OwnerRequest, responses((status = 204, description = "This is the owner now")))]
pub async fn change(author: Author, Id(id): Id, asked: Asked, Body(sent): Body<Option<OwnerRequest>>) -> Answer<StatusCode> {
    let scope = scope(&asked)?;
    let to = sent.map_or(NewOwner::Nobody, |sent| new_owner(sent.new_role_id, sent.new_role_name));
    author.write(move |tx, actor, now| ownership::change_many(tx, actor, &[CertificateId(id)], scope, &to, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change the owner of several certificates
///
/// Of all of them or, when one is refused, of none. They are written in pieces of 256, beside whatever others write: only one that comes to
/// be refused meanwhile leaves the pieces before it changed.
#[utoipa::path(put, path = "/Certificates/Owner", tag = "Certificates", params(
    ("CollectionId" = Option<i64>, Query, description = "Scope of the right to change the owner; goes over ContainerId"),
    ("ContainerId" = Option<i64>, Query, description = "Scope of the right to change the owner")),
    request_body = OwnersRequest, responses((status = 204, description = "This is the owner of all of them now")))]
pub async fn change_many(author: Author, asked: Asked, Body(sent): Body<OwnersRequest>) -> Answer<StatusCode> {
    let scope = scope(&asked)?;
    let ids: Vec<CertificateId> = sent.certificate_ids.unwrap_or_default().into_iter().map(CertificateId).collect();
    bounded("CertificateIds", &ids)?;
    let now = author.app.now();
    let wanted = new_owner(sent.new_role_id, sent.new_role_name);
    let looked_at = ids.clone();
    let to = author.read(move |tx, actor| ownership::foresee(tx, actor, &looked_at, scope, &wanted, now)).await?;
    let to = to.map_or(NewOwner::Nobody, NewOwner::Role);
    let change = move |tx: &mut Tx<'_>, actor: &Actor, ids: &[CertificateId], now: i64| {
        ownership::change_many(tx, actor, ids, scope, &to, now).map(drop)
    };
    each_piece(&author, Which::Named(ids.clone()), ids, collections::Scope::everywhere(now), change).await?;
    Ok(StatusCode::NO_CONTENT)
}
