//! What happened to a managed certificate: log, orders, versions.

use axum::extract::State;
use certhold_domain::renewal::{managed, order};
use certhold_domain::{LineageId, inventory};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::NOUN;
use crate::auth::Bearer;
use crate::native::certificates::Certificate;
use crate::native::events::Event;
use crate::native::extract::{Id, Query};
use crate::native::hidden;
use crate::native::page::{self, Page};
use crate::native::time::Time;
use crate::problem::Answer;
use crate::state::App;

/// How much of it.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Newest {
    /// Rows, 1 to 1,000; 100 by default.
    limit: Option<i64>,
}

/// Get the log of a managed certificate
///
/// Newest first.
#[utoipa::path(get, path = "/managed-certificates/{id}/log", tag = "managed certificates",
    params(("id" = i64, Path, description = "The managed certificate"), Newest),
    responses((status = 200, description = "The newest events", body = Page<Event>)))]
pub async fn log(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id, Query(given): Query<Newest>) -> Answer<Page<Event>> {
    let (id, limit) = (LineageId(id), page::rows(given.limit)?);
    let found = app
        .read_as(caller, move |tx, actor| {
            managed::get(tx, actor, id)?;
            managed::log(tx, actor, id, limit)
        })
        .await
        .map_err(hidden(NOUN, id))?;
    Ok(Page::whole(found.into_iter().map(Event::from).collect()))
}

/// An attempt to obtain a version.
#[derive(Serialize, ToSchema)]
pub struct Order {
    /// Its handle.
    id: i64,
    /// `prepared`, `placed`, `issued` or `failed`.
    #[schema(example = "issued")]
    state: String,
    /// The names it is for.
    names: Vec<String>,
    /// The authority's URL, once placed.
    url: Option<String>,
    /// Why it failed, one sentence.
    error: Option<String>,
    /// The authority's whole answer.
    detail: Option<String>,
    /// The certificate that came of it.
    certificate: Option<i64>,
    /// When it began.
    created_at: Time,
    /// When it last went on.
    updated_at: Time,
}

impl From<order::Order> for Order {
    fn from(order: order::Order) -> Order {
        Order {
            id: order.id.0,
            state: order.state,
            names: order.names,
            url: order.url,
            error: order.error,
            detail: order.detail,
            certificate: order.certificate.map(|id| id.0),
            created_at: Time(order.created_at),
            updated_at: Time(order.updated_at),
        }
    }
}

/// List the orders of a managed certificate
///
/// Newest first.
#[utoipa::path(get, path = "/managed-certificates/{id}/orders", tag = "managed certificates",
    params(("id" = i64, Path, description = "The managed certificate"), Newest),
    responses((status = 200, description = "The newest orders", body = Page<Order>)))]
pub async fn orders(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Id(id): Id,
    Query(given): Query<Newest>,
) -> Answer<Page<Order>> {
    let (id, limit) = (LineageId(id), page::rows(given.limit)?);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = app.read_as(caller, move |tx, actor| order::list(tx, actor, id, limit)).await.map_err(hidden(NOUN, id))?;
    Ok(Page::whole(found.into_iter().map(Order::from).collect()))
}

/// List the versions of a managed certificate
///
/// Newest first, at most 1,000.
#[utoipa::path(get, path = "/managed-certificates/{id}/versions", tag = "managed certificates",
    params(("id" = i64, Path, description = "The managed certificate")),
    responses((status = 200, description = "Its certificates", body = Page<Certificate>)))]
pub async fn versions(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Page<Certificate>> {
    let id = LineageId(id);
    let found = app
        .read_as(caller, move |tx, actor| {
            managed::get(tx, actor, id)?;
            inventory::versions(tx, actor, id)
        })
        .await
        .map_err(hidden(NOUN, id))?;
    Ok(Page::whole(found.into_iter().map(Certificate::from).collect()))
}
