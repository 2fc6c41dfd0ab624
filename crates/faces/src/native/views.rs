//! `/views`: the caller's saved views of the inventory.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::ViewId;
use certhold_domain::views::{self, ViewCommand};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::created::Created;
use super::extract::{Id, Json as Body};
use super::page::Page;
use super::time::Time;
use crate::auth::{Author, Bearer};
use crate::problem::Answer;
use crate::state::App;

/// The routes of saved views.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, update, remove))
}

/// A list of the inventory that somebody has saved for themselves.
#[derive(Serialize, ToSchema)]
pub struct View {
    /// Its handle.
    id: i64,
    /// Unique among one's own, without regard to case.
    #[schema(example = "Ends soon")]
    name: String,
    /// What the list shows and how, by the names that the inventory's page has for it: `q`, `filter`, `owner`, `collection`, `where`,
    /// `columns`, `from`, `until` and `sort`.
    #[schema(example = json!({ "filter": "expiring", "sort": "expiry" }))]
    parameters: BTreeMap<String, String>,
    /// Since when there is it.
    created_at: Time,
}

impl From<views::View> for View {
    fn from(view: views::View) -> View {
        View { id: view.id.0, name: view.name, parameters: view.parameters, created_at: Time(view.created_at) }
    }
}

/// A view as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewInput {
    /// Unique among one's own, without regard to case; not a number.
    #[schema(example = "Ends soon")]
    name: String,
    /// What the list shows and how; see the view.
    #[schema(example = json!({ "filter": "expiring", "sort": "expiry" }))]
    #[serde(default)]
    parameters: BTreeMap<String, String>,
}

impl From<ViewInput> for ViewCommand {
    fn from(input: ViewInput) -> ViewCommand {
        ViewCommand { name: input.name, parameters: input.parameters }
    }
}

/// List one's saved views
#[utoipa::path(get, path = "/views", tag = "views",
    responses((status = 200, description = "The caller's own views, by name", body = Page<View>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<View>> {
    let found = app.read_as(caller, views::list).await?;
    Ok(Page::whole(found.into_iter().map(View::from).collect()))
}

/// Save a view
#[utoipa::path(post, path = "/views", tag = "views", request_body = ViewInput,
    responses((status = 201, description = "The new view", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<ViewInput>) -> Answer<Created> {
    let (command, now) = (ViewCommand::from(input), app.now());
    let id = app.write(move |tx| views::create(tx, &author.actor, &command, now)).await?;
    Ok(Created::at("views", id.0))
}

/// Get a view
#[utoipa::path(get, path = "/views/{id}", tag = "views", params(("id" = i64, Path, description = "One of one's own views")),
    responses((status = 200, description = "The view", body = View)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<View>> {
    let found = app.read_as(caller, move |tx, actor| views::get(tx, actor, ViewId(id))).await?;
    Ok(Json(found.into()))
}

/// Replace a view
#[utoipa::path(put, path = "/views/{id}", tag = "views", params(("id" = i64, Path, description = "One of one's own views")),
    request_body = ViewInput, responses((status = 204, description = "It is replaced")))]
pub async fn update(State(app): State<App>, author: Author, Id(id): Id, Body(input): Body<ViewInput>) -> Answer<StatusCode> {
    let (command, now) = (ViewCommand::from(input), app.now());
    app.write(move |tx| views::update(tx, &author.actor, ViewId(id), &command, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a view
#[utoipa::path(delete, path = "/views/{id}", tag = "views", params(("id" = i64, Path, description = "One of one's own views")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| views::remove(tx, &author.actor, ViewId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
