//! The permissions of a role in three lists: everywhere, on containers, on collections.

use certhold_domain::access::Path;
use certhold_domain::access::roles::{self, RoleCommand};
use certhold_domain::access::tree::{self, Takes};
use certhold_domain::{Actor, Result as DomainResult, RoleId, collections, stores};
use certhold_store::Tx;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::areas::{self, ON_COLLECTIONS, ON_CONTAINERS};
use crate::keyfactor::extract::{Asked, Author, Body, Caller, Id};
use crate::keyfactor::listing::Listed;
use crate::keyfactor::permission_sets::texts;
use crate::keyfactor::refused::Answer;
use crate::state::App;

/// The routes of permissions.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(all))
        .routes(routes!(global, add_global, replace_global))
        .routes(routes!(on_collections, add_on_collections, replace_on_collections))
        .routes(routes!(on_containers, add_on_containers, replace_on_containers))
}

/// A permission that holds everywhere.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct AreaPermission {
    area: String,
    permission: String,
}

/// A permission on one collection.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct CollectionPermission {
    collection_id: i64,
    /// In answers.
    name: Option<String>,
    permission: String,
}

/// A permission on one container.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerPermission {
    container_id: i64,
    /// In answers.
    name: Option<String>,
    permission: String,
}

/// A part of a role's permissions that is read and written by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Global,
    Collections,
    Containers,
}

impl Part {
    /// Whether the part's list shows this; what it has no word for stays when the list is replaced.
    fn has(self, path: &Path) -> bool {
        match (self, tree::scoped_anywhere(path.as_str())) {
            (Part::Collections, Some((leaf, Takes::Collection, _))) => areas::has_name(ON_COLLECTIONS, leaf),
            (Part::Containers, Some((leaf, Takes::Container, _))) => areas::has_name(ON_CONTAINERS, leaf),
            (Part::Global, None) => areas::AREAS.iter().any(|(.., known)| *known == path.as_str()),
            _ => false,
        }
    }
}

fn grants(tx: &mut Tx<'_>, actor: &Actor, id: i64) -> DomainResult<Vec<Path>> {
    Ok(roles::get(tx, actor, RoleId(id))?.permissions)
}

/// Writes a part of a role's permissions and gives them all as they are then.
async fn change(author: &Author, id: i64, part: Part, wanted: Vec<String>, replaces: bool) -> Answer<Vec<Path>> {
    author
        .write(move |tx, actor, now| {
            let role = roles::get(tx, actor, RoleId(id))?;
            let kept = role.permissions.iter().filter(|path| !(replaces && part.has(path)));
            let mut permissions: Vec<Path> = kept.cloned().collect();
            for text in &wanted {
                let path = Path::parse(text)?;
                if !permissions.iter().any(|held| held.covers(path.as_str())) {
                    permissions.retain(|held| !path.covers(held.as_str()));
                    permissions.push(path);
                }
            }
            let command = RoleCommand {
                name: role.name,
                description: role.description,
                email: role.email,
                permission_set: Some(role.permission_set),
                permissions: texts(&permissions),
            };
            roles::update(tx, actor, RoleId(id), &command, now)?;
            grants(tx, actor, id)
        })
        .await
}

fn listed<T>(rows: Vec<T>) -> Listed<T> {
    let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    Listed { rows, total }
}

fn as_areas(grants: &[Path]) -> Vec<AreaPermission> {
    let shown = |(area, permission): (&str, &str)| AreaPermission { area: area.to_owned(), permission: permission.to_owned() };
    areas::spoken(grants).into_iter().map(shown).collect()
}

/// Rights on single objects: id and name of the right.
fn scoped(grants: &[Path], takes: Takes, known: &[(&'static str, &'static str)]) -> Vec<(i64, &'static str)> {
    let one = |path: &Path| {
        let (leaf, kind, id) = tree::scoped_anywhere(path.as_str())?;
        let word = known.iter().find(|(_, known)| *known == leaf).map(|(word, _)| *word)?;
        (kind == takes).then_some((id, word))
    };
    grants.iter().filter_map(one).collect()
}

/// List what a role grants everywhere
#[utoipa::path(get, path = "/Security/Roles/{id}/Permissions", tag = "Security",
    params(("id" = i64, Path, description = "The role"),
        ("PageReturned" = Option<i64>, Query, description = "A page, from 1; the whole list otherwise"),
        ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default")),
    responses((status = 200, description = "Areas with permissions", body = Vec<AreaPermission>)))]
pub async fn all(caller: Caller, Id(id): Id, asked: Asked) -> Answer<Listed<AreaPermission>> {
    Listed::whole(as_areas(&caller.read(move |tx, actor| grants(tx, actor, id)).await?), &asked)
}

/// List what a role grants everywhere
#[utoipa::path(get, path = "/Security/Roles/{id}/Permissions/Global", tag = "Security",
    params(("id" = i64, Path, description = "The role"),
        ("PageReturned" = Option<i64>, Query, description = "A page, from 1; the whole list otherwise"),
        ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default")),
    responses((status = 200, description = "Areas with permissions", body = Vec<AreaPermission>)))]
pub async fn global(caller: Caller, Id(id): Id, asked: Asked) -> Answer<Listed<AreaPermission>> {
    Listed::whole(as_areas(&caller.read(move |tx, actor| grants(tx, actor, id)).await?), &asked)
}

fn area_paths(sent: &[AreaPermission]) -> Answer<Vec<String>> {
    sent.iter().map(|sent| areas::path(&format!("{}:{}", sent.area, sent.permission)).map(str::to_owned)).collect()
}

/// Add to what a role grants everywhere
#[utoipa::path(post, path = "/Security/Roles/{id}/Permissions/Global", tag = "Security",
    params(("id" = i64, Path, description = "The role")), request_body = Vec<AreaPermission>,
    responses((status = 200, description = "What it grants then", body = Vec<AreaPermission>)))]
pub async fn add_global(author: Author, Id(id): Id, Body(sent): Body<Vec<AreaPermission>>) -> Answer<Listed<AreaPermission>> {
    Ok(listed(as_areas(&change(&author, id, Part::Global, area_paths(&sent)?, false).await?)))
}

/// Replace what a role grants everywhere
#[utoipa::path(put, path = "/Security/Roles/{id}/Permissions/Global", tag = "Security",
    params(("id" = i64, Path, description = "The role")), request_body = Vec<AreaPermission>,
    responses((status = 200, description = "What it grants then", body = Vec<AreaPermission>)))]
pub async fn replace_global(author: Author, Id(id): Id, Body(sent): Body<Vec<AreaPermission>>) -> Answer<Listed<AreaPermission>> {
    Ok(listed(as_areas(&change(&author, id, Part::Global, area_paths(&sent)?, true).await?)))
}

async fn as_collections(author: &Author, grants: Vec<Path>) -> Answer<Vec<CollectionPermission>> {
    let names = author.read(|tx, _| collections::names(tx)).await?;
    let shown = |(id, permission): (i64, &str)| CollectionPermission {
        collection_id: id,
        name: names.iter().find(|(known, _)| known.0 == id).map(|(_, name)| name.clone()),
        permission: permission.to_owned(),
    };
    Ok(scoped(&grants, Takes::Collection, ON_COLLECTIONS).into_iter().map(shown).collect())
}

/// List what a role grants on single collections
#[utoipa::path(get, path = "/Security/Roles/{id}/Permissions/Collections", tag = "Security",
    params(("id" = i64, Path, description = "The role"),
        ("PageReturned" = Option<i64>, Query, description = "A page, from 1; the whole list otherwise"),
        ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default")),
    responses((status = 200, description = "Collections with permissions", body = Vec<CollectionPermission>)))]
pub async fn on_collections(author: Author, Id(id): Id, asked: Asked) -> Answer<Listed<CollectionPermission>> {
    let found = author.read(move |tx, actor| grants(tx, actor, id)).await?;
    Listed::whole(as_collections(&author, found).await?, &asked)
}

fn collection_paths(sent: &[CollectionPermission]) -> Answer<Vec<String>> {
    sent.iter().map(|sent| areas::on(ON_COLLECTIONS, &sent.permission, sent.collection_id)).collect()
}

/// Add to what a role grants on single collections
#[utoipa::path(post, path = "/Security/Roles/{id}/Permissions/Collections", tag = "Security",
    params(("id" = i64, Path, description = "The role")), request_body = Vec<CollectionPermission>,
    responses((status = 200, description = "What it grants then", body = Vec<CollectionPermission>)))]
pub async fn add_on_collections(
    author: Author,
    Id(id): Id,
    Body(sent): Body<Vec<CollectionPermission>>,
) -> Answer<Listed<CollectionPermission>> {
    let found = change(&author, id, Part::Collections, collection_paths(&sent)?, false).await?;
    as_collections(&author, found).await.map(listed)
}

/// Replace what a role grants on single collections
#[utoipa::path(put, path = "/Security/Roles/{id}/Permissions/Collections", tag = "Security",
    params(("id" = i64, Path, description = "The role")), request_body = Vec<CollectionPermission>,
    responses((status = 200, description = "What it grants then", body = Vec<CollectionPermission>)))]
pub async fn replace_on_collections(
    author: Author,
    Id(id): Id,
    Body(sent): Body<Vec<CollectionPermission>>,
) -> Answer<Listed<CollectionPermission>> {
    let found = change(&author, id, Part::Collections, collection_paths(&sent)?, true).await?;
    as_collections(&author, found).await.map(listed)
}

async fn as_containers(author: &Author, grants: Vec<Path>) -> Answer<Vec<ContainerPermission>> {
    let names = author.read(|tx, _| stores::container_names(tx)).await?;
    let shown = |(id, permission): (i64, &str)| ContainerPermission {
        container_id: id,
        name: names.iter().find(|(known, _)| known.0 == id).map(|(_, name)| name.clone()),
        permission: permission.to_owned(),
    };
    Ok(scoped(&grants, Takes::Container, ON_CONTAINERS).into_iter().map(shown).collect())
}

/// List what a role grants on single containers
#[utoipa::path(get, path = "/Security/Roles/{id}/Permissions/Containers", tag = "Security",
    params(("id" = i64, Path, description = "The role"),
        ("PageReturned" = Option<i64>, Query, description = "A page, from 1; the whole list otherwise"),
        ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default")),
    responses((status = 200, description = "Containers with permissions", body = Vec<ContainerPermission>)))]
pub async fn on_containers(author: Author, Id(id): Id, asked: Asked) -> Answer<Listed<ContainerPermission>> {
    let found = author.read(move |tx, actor| grants(tx, actor, id)).await?;
    Listed::whole(as_containers(&author, found).await?, &asked)
}

fn container_paths(sent: &[ContainerPermission]) -> Answer<Vec<String>> {
    sent.iter().map(|sent| areas::on(ON_CONTAINERS, &sent.permission, sent.container_id)).collect()
}

/// Add to what a role grants on single containers
#[utoipa::path(post, path = "/Security/Roles/{id}/Permissions/Containers", tag = "Security",
    params(("id" = i64, Path, description = "The role")), request_body = Vec<ContainerPermission>,
    responses((status = 200, description = "What it grants then", body = Vec<ContainerPermission>)))]
pub async fn add_on_containers(
    author: Author,
    Id(id): Id,
    Body(sent): Body<Vec<ContainerPermission>>,
) -> Answer<Listed<ContainerPermission>> {
    let found = change(&author, id, Part::Containers, container_paths(&sent)?, false).await?;
    as_containers(&author, found).await.map(listed)
}

/// Replace what a role grants on single containers
#[utoipa::path(put, path = "/Security/Roles/{id}/Permissions/Containers", tag = "Security",
    params(("id" = i64, Path, description = "The role")), request_body = Vec<ContainerPermission>,
    responses((status = 200, description = "What it grants then", body = Vec<ContainerPermission>)))]
pub async fn replace_on_containers(
    author: Author,
    Id(id): Id,
    Body(sent): Body<Vec<ContainerPermission>>,
) -> Answer<Listed<ContainerPermission>> {
    let found = change(&author, id, Part::Containers, container_paths(&sent)?, true).await?;
    as_containers(&author, found).await.map(listed)
}
