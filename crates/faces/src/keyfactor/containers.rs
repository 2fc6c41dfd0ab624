//! `/CertificateStoreContainers`: groups of certificate stores that double as scopes of permissions.

use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::ContainerId;
use certhold_domain::query::{Kind, Scalar};
use certhold_domain::stores::{self, Container as Group, ContainerCommand, Schedule};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Asked, Author, Body, Caller, Id};
use super::listing::{Listed, Short};
use super::protocol::Json;
use super::refused::{Answer, Refused};
use super::stores::{kind_of_number, type_of};
use crate::state::App;

/// The routes of containers.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create, update)).routes(routes!(get, remove))
}

/// A container of certificate stores.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct StoreContainer {
    id: i64,
    name: String,
    /// Whether its schedule goes over those of its stores.
    overwrite_schedules: bool,
    /// `daily 03:15` and the like; empty when it is off.
    schedule: String,
    /// The only type of stores that it takes; null for any.
    cert_store_type: Option<i64>,
    store_count: i64,
}

impl From<Group> for StoreContainer {
    fn from(group: Group) -> StoreContainer {
        let schedule = if group.schedule == Schedule::Off { String::new() } else { group.schedule.to_string() };
        StoreContainer {
            id: group.id.0,
            name: group.name,
            overwrite_schedules: group.overwrite_schedules,
            schedule,
            cert_store_type: group.kind.map(type_of),
            store_count: group.stores,
        }
    }
}

/// A container as it shall be. What is left out keeps its value.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerRequest {
    /// Which container, to change it.
    id: Option<i64>,
    name: String,
    overwrite_schedules: Option<bool>,
    /// `daily 03:15` and the like; empty for off.
    schedule: Option<String>,
    cert_store_type: Option<i64>,
}

impl ContainerRequest {
    fn command(&self, before: Option<&Group>) -> Answer<ContainerCommand> {
        Ok(ContainerCommand {
            name: self.name.clone(),
            description: before.map(|before| before.description.clone()).unwrap_or_default(),
            kind: match self.cert_store_type {
                Some(number) => Some(kind_of_number(number)?),
                None => before.and_then(|before| before.kind),
            },
            schedule: match &self.schedule {
                Some(text) => Schedule::parse(text)?,
                None => before.map(|before| before.schedule.clone()).unwrap_or_default(),
            },
            overwrite_schedules: self
                .overwrite_schedules
                .unwrap_or_else(|| before.is_some_and(|before| before.overwrite_schedules)),
        })
    }
}

/// List containers
///
/// Those whose stores the caller may see.
#[utoipa::path(get, path = "/CertificateStoreContainers", tag = "CertificateStoreContainers", params(
    ("QueryString" = Option<String>, Query, description = "A query over Name, Id and CertStoreType"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "One of these fields; Name by default"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of containers", body = Vec<StoreContainer>)))]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<StoreContainer>> {
    let (found, me) = caller.read(|tx, actor| Ok((stores::containers(tx, actor)?, actor.name.clone()))).await?;
    let short = Short::<Group> {
        fields: &[("Name", Kind::Text), ("Id", Kind::Number), ("CertStoreType", Kind::Number)],
        values: |group| {
            let kind = group.kind.map(|kind| Scalar::Number(type_of(kind)));
            vec![Some(Scalar::Text(group.name.clone())), Some(Scalar::Number(group.id.0)), kind]
        },
    };
    Ok(short.page(found, &asked, app.now(), &me)?.map(StoreContainer::from))
}

/// Get a container
#[utoipa::path(get, path = "/CertificateStoreContainers/{id}", tag = "CertificateStoreContainers",
    params(("id" = i64, Path, description = "The container")),
    responses((status = 200, description = "The container", body = StoreContainer)))]
pub async fn get(caller: Caller, Id(id): Id) -> Answer<Json<StoreContainer>> {
    let found = caller.read(move |tx, actor| stores::container(tx, actor, ContainerId(id))).await?;
    Ok(Json(found.into()))
}

/// Create a container
#[utoipa::path(post, path = "/CertificateStoreContainers", tag = "CertificateStoreContainers", request_body = ContainerRequest,
    responses((status = 200, description = "The new container", body = StoreContainer)))]
pub async fn create(author: Author, Body(sent): Body<ContainerRequest>) -> Answer<Json<StoreContainer>> {
    let command = sent.command(None)?;
    let made = author
        .write(move |tx, actor, now| {
            let id = stores::create_container(tx, actor, &command, now)?;
            stores::container(tx, actor, id)
        })
        .await?;
    Ok(Json(made.into()))
}

/// Change a container
#[utoipa::path(put, path = "/CertificateStoreContainers", tag = "CertificateStoreContainers", request_body = ContainerRequest,
    responses((status = 200, description = "The container", body = StoreContainer)))]
pub async fn update(author: Author, Body(sent): Body<ContainerRequest>) -> Answer<Json<StoreContainer>> {
    let id = ContainerId(sent.id.ok_or_else(|| Refused::invalid("Id", "say which container"))?);
    let changed = author
        .write(move |tx, actor, now| {
            // What is left out is as it is in this transaction: nobody's change in between is undone.
            let command = match sent.command(Some(&stores::container(tx, actor, id)?)) {
                Ok(command) => command,
                Err(refused) => return Ok(Err(refused)),
            };
            stores::update_container(tx, actor, id, &command, now)?;
            stores::container(tx, actor, id).map(Ok)
        })
        .await??;
    Ok(Json(changed.into()))
}

/// Remove a container
///
/// Its stores stay, in none. One on which roles have rights stays, too.
#[utoipa::path(delete, path = "/CertificateStoreContainers/{id}", tag = "CertificateStoreContainers",
    params(("id" = i64, Path, description = "The container")), responses((status = 204, description = "It is gone")))]
pub async fn remove(author: Author, Id(id): Id) -> Answer<StatusCode> {
    author.write(move |tx, actor, now| stores::remove_container(tx, actor, ContainerId(id), false, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
