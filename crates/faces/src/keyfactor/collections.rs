//! `/CertificateCollections`: saved queries that double as scopes of permissions.

use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::access::roles::{self, RoleCommand};
use certhold_domain::access::{self, Path, paths};
use certhold_domain::collections::{self, Collection as Saved, CollectionCommand, Duplicates};
use certhold_domain::query::{Kind, Scalar};
use certhold_domain::{Actor, CollectionId, Result as DomainResult, RoleId};
use certhold_store::Tx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Asked, Author, Body, Caller, Id, Key, numbered};
use super::listing::{Listed, Short};
use super::protocol::Json;
use super::refused::{Answer, Refused};
use super::roles::{is_on_collection, on_collections};
use crate::state::App;

/// The routes of collections.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create, update))
        .routes(routes!(copy))
        .routes(routes!(get, remove))
        .routes(routes!(favourite))
        .routes(routes!(permissions))
}

/// A collection.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Collection {
    id: i64,
    name: String,
    description: String,
    automated: bool,
    /// The query, exactly as it was sent.
    content: String,
    /// Of several certificates with the same: 0 all, 1 common name, 2 distinguished name, 4 principal name.
    duplication_field: i64,
    show_on_dashboard: bool,
    /// Whether the caller marked it.
    favorite: bool,
}

impl From<Saved> for Collection {
    fn from(saved: Saved) -> Collection {
        Collection {
            id: saved.id.0,
            name: saved.name,
            description: saved.description,
            automated: false,
            content: saved.query,
            duplication_field: saved.duplicates.number(),
            show_on_dashboard: saved.on_dashboard,
            favorite: saved.favourite,
        }
    }
}

/// A collection that was just written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct WrittenCollection {
    id: i64,
    name: String,
    description: String,
    content: String,
    /// The same as `Content`.
    query: String,
    duplication_field: i64,
    show_on_dashboard: bool,
    favorite: bool,
}

impl From<Saved> for WrittenCollection {
    fn from(saved: Saved) -> WrittenCollection {
        WrittenCollection {
            id: saved.id.0,
            name: saved.name,
            description: saved.description,
            content: saved.query.clone(),
            query: saved.query,
            duplication_field: saved.duplicates.number(),
            show_on_dashboard: saved.on_dashboard,
            favorite: saved.favourite,
        }
    }
}

/// A collection as it shall be. What is left out keeps its value.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct CollectionRequest {
    /// Which collection, to change it.
    id: Option<i64>,
    name: String,
    description: Option<String>,
    query: Option<String>,
    duplication_field: Option<i64>,
    show_on_dashboard: Option<bool>,
    favorite: Option<bool>,
    /// The collection whose values are taken for what is left out.
    copy_from_id: Option<i64>,
}

impl CollectionRequest {
    fn command(&self, before: Option<&Saved>) -> DomainResult<CollectionCommand> {
        let duplicates = match self.duplication_field {
            Some(number) => Duplicates::of_number(number).ok_or_else(|| {
                certhold_domain::Refusal::invalid(
                    "DuplicationField",
                    "0 none, 1 common name, 2 distinguished name, 4 principal name",
                )
            })?,
            None => before.map(|before| before.duplicates).unwrap_or_default(),
        };
        let text = |sent: &Option<String>, kept: fn(&Saved) -> &String| {
            sent.clone().unwrap_or_else(|| before.map(kept).cloned().unwrap_or_default())
        };
        Ok(CollectionCommand {
            name: self.name.clone(),
            description: text(&self.description, |saved| &saved.description),
            query: text(&self.query, |saved| &saved.query),
            duplicates,
            on_dashboard: self.show_on_dashboard.unwrap_or_else(|| before.is_some_and(|before| before.on_dashboard)),
        })
    }

    fn from(&self) -> Option<CollectionId> {
        self.copy_from_id.filter(|id| *id != 0).map(CollectionId)
    }
}

fn mark(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId, wanted: Option<bool>, now: i64) -> DomainResult<()> {
    match wanted {
        Some(wanted) if actor.id.is_some() => collections::set_favourite(tx, actor, id, wanted, now),
        _ => Ok(()),
    }
}

/// List collections
///
/// Those whose certificates the caller may see.
#[utoipa::path(get, path = "/CertificateCollections", tag = "CertificateCollections", params(
    ("QueryString" = Option<String>, Query, description = "A query over Name, Id, Description, Query and Favorite"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "One of these fields; Name by default"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of collections", body = Vec<Collection>)))]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<Collection>> {
    let (found, me) = caller.read(|tx, actor| Ok((collections::list(tx, actor)?, actor.name.clone()))).await?;
    let short = Short::<Saved> {
        fields: &[
            ("Name", Kind::Text),
            ("Id", Kind::Number),
            ("Description", Kind::Text),
            ("Query", Kind::Text),
            ("Favorite", Kind::Flag),
        ],
        values: |saved| {
            vec![
                Some(Scalar::Text(saved.name.clone())),
                Some(Scalar::Number(saved.id.0)),
                Some(Scalar::Text(saved.description.clone())),
                Some(Scalar::Text(saved.query.clone())),
                Some(Scalar::Flag(saved.favourite)),
            ]
        },
    };
    Ok(short.page(found, &asked, app.now(), &me)?.map(Collection::from))
}

/// Get a collection by its id or its name
#[utoipa::path(get, path = "/CertificateCollections/{id}", tag = "CertificateCollections",
    params(("id" = String, Path, description = "Its id, or its name")),
    responses((status = 200, description = "The collection", body = Collection)))]
pub async fn get(caller: Caller, Key(key): Key) -> Answer<Json<Collection>> {
    let found = caller
        .read(move |tx, actor| {
            let id = match numbered(&key) {
                Some(id) => CollectionId(id),
                None => collections::by_name(tx, actor, &key)?,
            };
            collections::get(tx, actor, id)
        })
        .await?;
    Ok(Json(found.into()))
}

/// Create a collection
#[utoipa::path(post, path = "/CertificateCollections", tag = "CertificateCollections", request_body = CollectionRequest,
    responses((status = 200, description = "The new collection", body = WrittenCollection)))]
pub async fn create(author: Author, Body(sent): Body<CollectionRequest>) -> Answer<Json<WrittenCollection>> {
    let made = author
        .write(move |tx, actor, now| {
            let from = sent.from().map(|from| collections::get(tx, actor, from)).transpose()?;
            let id = collections::create(tx, actor, &sent.command(from.as_ref())?, now)?;
            mark(tx, actor, id, sent.favorite.filter(|wanted| *wanted), now)?;
            collections::of_author(tx, actor, id)
        })
        .await?;
    Ok(Json(made.into()))
}

/// Change a collection
///
/// Another query changes what rights on the collection allow: who sends one must hold everywhere the rights that roles have on it.
#[utoipa::path(put, path = "/CertificateCollections", tag = "CertificateCollections", request_body = CollectionRequest,
    responses((status = 200, description = "The collection", body = WrittenCollection)))]
pub async fn update(author: Author, Body(sent): Body<CollectionRequest>) -> Answer<Json<WrittenCollection>> {
    let id = CollectionId(sent.id.ok_or_else(|| Refused::invalid("Id", "say which collection"))?);
    let changed = author
        .write(move |tx, actor, now| {
            let before = collections::of_author(tx, actor, id)?;
            collections::update(tx, actor, id, &sent.command(Some(&before))?, now)?;
            mark(tx, actor, id, sent.favorite.filter(|wanted| *wanted != before.favourite), now)?;
            collections::of_author(tx, actor, id)
        })
        .await?;
    Ok(Json(changed.into()))
}

/// Copy a collection
///
/// The roles that have rights on the one get the same rights on the copy.
#[utoipa::path(post, path = "/CertificateCollections/Copy", tag = "CertificateCollections", request_body = CollectionRequest,
    responses((status = 200, description = "The copy", body = WrittenCollection)))]
pub async fn copy(author: Author, Body(sent): Body<CollectionRequest>) -> Answer<Json<WrittenCollection>> {
    let from = sent.from().ok_or_else(|| Refused::invalid("CopyFromId", "say which collection"))?;
    let made = author
        .write(move |tx, actor, now| {
            let id = collections::copy(tx, actor, from, &sent.name, true, now)?;
            let copied = collections::of_author(tx, actor, id)?;
            collections::update(tx, actor, id, &sent.command(Some(&copied))?, now)?;
            mark(tx, actor, id, sent.favorite.filter(|wanted| *wanted), now)?;
            collections::of_author(tx, actor, id)
        })
        .await?;
    Ok(Json(made.into()))
}

/// Remove a collection
///
/// The certificates stay. One on which roles have rights stays, too.
#[utoipa::path(delete, path = "/CertificateCollections/{id}", tag = "CertificateCollections",
    params(("id" = i64, Path, description = "The collection")), responses((status = 204, description = "It is gone")))]
pub async fn remove(author: Author, Id(id): Id) -> Answer<StatusCode> {
    author.write(move |tx, actor, now| collections::remove(tx, actor, CollectionId(id), false, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Mark a collection as a favourite of the caller, or take the mark away
///
/// The body is `true` (also when it is left out) or `false`, or an object with the member `Favorite`.
#[utoipa::path(put, path = "/CertificateCollections/{id}/Favorite", tag = "CertificateCollections",
    params(("id" = i64, Path, description = "The collection")), request_body(content = Option<bool>),
    responses((status = 204, description = "It is so")))]
pub async fn favourite(author: Author, Id(id): Id, body: axum::body::Bytes) -> Answer<StatusCode> {
    let wanted = match body.trim_ascii() {
        [] => true,
        bytes => match serde_json::from_slice(bytes) {
            Ok(Value::Bool(wanted)) => wanted,
            Ok(Value::Null) => true,
            Ok(Value::Object(members)) => {
                let favourite = members.iter().find(|(name, _)| name.eq_ignore_ascii_case("favorite")).map(|(_, value)| value);
                favourite.and_then(Value::as_bool).ok_or_else(|| Refused::invalid("Favorite", "true or false"))?
            }
            _ => return Err(Refused::malformed("The body is true or false")),
        },
    };
    author.write(move |tx, actor, now| collections::set_favourite(tx, actor, CollectionId(id), wanted, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a role may do with a collection.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct CollectionPermissions {
    role_id: i64,
    /// `Read`, `EditMetadata`, `Recover`, `Revoke`, `Delete`, `ChangeOwner`.
    permissions: Vec<String>,
}

/// Set what roles may do with a collection
///
/// Of each role that is named, everything on this collection that has one of these names is replaced.
#[utoipa::path(post, path = "/CertificateCollections/{id}/Permissions", tag = "CertificateCollections",
    params(("id" = i64, Path, description = "The collection")), request_body = Vec<CollectionPermissions>,
    responses((status = 204, description = "It is so")))]
pub async fn permissions(author: Author, Id(id): Id, Body(sent): Body<Vec<CollectionPermissions>>) -> Answer<StatusCode> {
    let granted = |one: CollectionPermissions| {
        let paths = one.permissions.iter().map(|name| on_collections(name, id)).collect::<Answer<Vec<String>>>()?;
        Ok((RoleId(one.role_id), paths))
    };
    let wanted = sent.into_iter().map(granted).collect::<Answer<Vec<_>>>()?;
    author
        .write(move |tx, actor, now| {
            access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
            collections::exists(tx, CollectionId(id))?;
            for (role, paths) in &wanted {
                let role = roles::get(tx, actor, *role)?;
                let stays = |path: &&Path| !is_on_collection(path.as_str(), id);
                let kept = role.permissions.iter().filter(stays).map(|path| path.as_str().to_owned());
                let command = RoleCommand {
                    permissions: kept.chain(paths.iter().cloned()).collect(),
                    name: role.name,
                    description: role.description,
                    email: role.email,
                    permission_set: Some(role.permission_set),
                };
                roles::update(tx, actor, role.id, &command, now)?;
            }
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
