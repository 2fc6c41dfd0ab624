//! `/containers`: groups of certificate stores that double as permission scopes.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::ContainerId;
use certhold_domain::stores::{self, ContainerCommand, Schedule, StoreKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::created::Created;
use super::extract::{Id, Json as Body, Query};
use super::hidden;
use super::page::Page;
use super::time::Time;
use crate::auth::{Author, Bearer};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// The routes of containers.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, update, remove))
}

/// A container of certificate stores.
#[derive(Serialize, ToSchema)]
pub struct Container {
    /// Its handle: the last segment of rights on it.
    id: i64,
    /// Unique, also against names that look alike.
    #[schema(example = "Web servers")]
    name: String,
    /// What it is for.
    description: String,
    /// The only kind of stores that it takes: `pem-directory`, `pkcs12` or `jks`; null for any.
    kind: Option<&'static str>,
    /// The schedule of stores that are put into it and have none.
    #[schema(example = "daily 03:15")]
    schedule: String,
    /// Whether its schedule goes over those of its stores.
    overwrite_schedules: bool,
    /// How many stores it has.
    stores: i64,
    /// When it was created.
    created_at: Time,
}

impl From<stores::Container> for Container {
    fn from(container: stores::Container) -> Container {
        Container {
            id: container.id.0,
            name: container.name,
            description: container.description,
            kind: container.kind.map(StoreKind::name),
            schedule: container.schedule.to_string(),
            overwrite_schedules: container.overwrite_schedules,
            stores: container.stores,
            created_at: Time(container.created_at),
        }
    }
}

/// A container as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerInput {
    /// Unique, also against names that look alike; not a number.
    #[schema(example = "Web servers")]
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// The only kind of stores that it takes; null or absent for any.
    kind: Option<String>,
    /// `off` (default), `every 30m`, `daily 03:15`, `weekly mon,thu 03:15` or `monthly 15 03:15`, in UTC.
    #[schema(example = "daily 03:15")]
    schedule: Option<String>,
    /// Whether its schedule goes over those of its stores.
    #[serde(default)]
    overwrite_schedules: bool,
}

impl TryFrom<ContainerInput> for ContainerCommand {
    type Error = Problem;

    fn try_from(input: ContainerInput) -> Result<ContainerCommand, Problem> {
        Ok(ContainerCommand {
            name: input.name,
            description: input.description,
            kind: input.kind.as_deref().map(StoreKind::parse).transpose()?,
            schedule: Schedule::parse(input.schedule.as_deref().unwrap_or_default())?,
            overwrite_schedules: input.overwrite_schedules,
        })
    }
}

/// List containers
///
/// Those whose stores the caller may see.
#[utoipa::path(get, path = "/containers", operation_id = "list_containers", tag = "certificate stores",
    responses((status = 200, description = "Containers, by name", body = Page<Container>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<Container>> {
    let found = app.read_as(caller, stores::containers).await?;
    Ok(Page::whole(found.into_iter().map(Container::from).collect()))
}

/// Create a container
#[utoipa::path(post, path = "/containers", operation_id = "create_container", tag = "certificate stores", request_body = ContainerInput,
    responses((status = 201, description = "The new container", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<ContainerInput>) -> Answer<Created> {
    let (command, now) = (ContainerCommand::try_from(input)?, app.now());
    let id = app.write(move |tx| stores::create_container(tx, &author.actor, &command, now)).await?;
    Ok(Created::at("containers", id.0))
}

/// Get a container
#[utoipa::path(get, path = "/containers/{id}", operation_id = "get_container", tag = "certificate stores", params(("id" = i64, Path, description = "The container")),
    responses((status = 200, description = "The container", body = Container)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<Container>> {
    let id = ContainerId(id);
    let found = app.read_as(caller, move |tx, actor| stores::container(tx, actor, id)).await.map_err(hidden("container", id))?;
    Ok(Json(found.into()))
}

/// Replace a container
///
/// One whose schedule goes over those of its stores gives it to all of them.
#[utoipa::path(put, path = "/containers/{id}", operation_id = "update_container", tag = "certificate stores", params(("id" = i64, Path, description = "The container")),
    request_body = ContainerInput, responses((status = 204, description = "It is replaced")))]
pub async fn update(State(app): State<App>, author: Author, Id(id): Id, Body(input): Body<ContainerInput>) -> Answer<StatusCode> {
    let (command, now) = (ContainerCommand::try_from(input)?, app.now());
    app.write(move |tx| stores::update_container(tx, &author.actor, ContainerId(id), &command, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How to remove a container.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContainerRemoval {
    /// Also when roles have rights on it: takes these rights away.
    #[serde(default)]
    force: bool,
}

/// Remove a container
///
/// Its stores stay, in none.
#[utoipa::path(delete, path = "/containers/{id}", operation_id = "remove_container", tag = "certificate stores",
    params(("id" = i64, Path, description = "The container"), ContainerRemoval),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Query(how): Query<ContainerRemoval>,
) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| stores::remove_container(tx, &author.actor, ContainerId(id), how.force, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
