//! `/certificate-stores`: where certificates are installed and found.

mod jobs;
#[cfg(test)]
mod tests;
mod wire;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use certhold_domain::collections::Scope;
use certhold_domain::stores::{self, Schedule, StoreFilter, StoreKind};
use certhold_domain::{CertificateId, CollectionId, ContainerId, StoreId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::created::Created;
use super::extract::{Id, Json as Body, Query};
use super::page::{Page, rows};
use super::{compressed, hidden};
use crate::auth::{Author, Bearer};
use crate::problem::{Answer, Problem};
use crate::state::App;
use wire::{CertificateLocation, CertificateStore, CertificateStoreInput, StoreEntry};

const NOUN: &str = "certificate store";

/// The routes of certificate stores.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, remove))
        .routes(routes!(assign))
        .routes(routes!(schedule))
        .merge(OpenApiRouter::new().routes(routes!(inventory, jobs::take_inventory)).layer(compressed()))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::get))
        .routes(routes!(jobs::retry))
        .routes(routes!(jobs::cancel))
        .routes(routes!(jobs::add))
        .routes(routes!(jobs::remove))
        .routes(routes!(locations))
}

/// Which stores.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Only those of this container.
    container: Option<i64>,
    /// Only those of this kind: `pem-directory`, `pkcs12` or `jks`.
    kind: Option<String>,
    /// Only those whose last attempt failed, or which could not be read whole.
    #[serde(default)]
    troubled: bool,
    /// Only those with this text in their name or path.
    q: Option<String>,
    /// After this store: the cursor of the page before.
    after: Option<i64>,
    /// Rows, 1 to 1,000; 100 by default.
    limit: Option<i64>,
}

impl Wanted {
    fn filter(self) -> Result<StoreFilter, Problem> {
        Ok(StoreFilter {
            container: self.container.map(ContainerId),
            kind: self.kind.as_deref().map(StoreKind::parse).transpose()?,
            troubled: self.troubled,
            text: self.q,
            after: self.after.map(StoreId),
            limit: rows(self.limit)?,
        })
    }
}

/// List certificate stores
///
/// Those that the caller may see.
#[utoipa::path(get, path = "/certificate-stores", tag = "certificate stores", params(Wanted),
    responses((status = 200, description = "Stores, by name", body = Page<CertificateStore>)))]
pub async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<Wanted>,
) -> Answer<Page<CertificateStore>> {
    let filter = wanted.filter()?;
    let found = app.read_as(caller, move |tx, actor| stores::list(tx, actor, &filter)).await?;
    let items = found.stores.into_iter().map(CertificateStore::from).collect();
    Ok(Page::of(items, &uri, "after", found.next.map(|id| id.to_string())))
}

/// Create a certificate store
///
/// Its first inventory is taken at once, which shows whether it can be read.
#[utoipa::path(post, path = "/certificate-stores", tag = "certificate stores", request_body = CertificateStoreInput,
    responses((status = 201, description = "The new store", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<CertificateStoreInput>) -> Answer<Created> {
    let (command, now) = (input.command(app.core())?, app.now());
    let roots = app.settings().store_roots.clone();
    let id = app.write(move |tx| stores::create(tx, &author.actor, &command, &roots, now)).await?;
    Ok(Created::at("certificate-stores", id.0))
}

/// Get a certificate store
///
/// Without its password.
#[utoipa::path(get, path = "/certificate-stores/{id}", tag = "certificate stores", params(("id" = i64, Path, description = "The store")),
    responses((status = 200, description = "The store", body = CertificateStore)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<CertificateStore>> {
    let id = StoreId(id);
    let found = app.read_as(caller, move |tx, actor| stores::get(tx, actor, id)).await.map_err(hidden(NOUN, id))?;
    Ok(Json(found.into()))
}

/// Replace a certificate store
///
/// Its kind stays. Moving it to another container needs the right on both.
#[utoipa::path(put, path = "/certificate-stores/{id}", tag = "certificate stores", params(("id" = i64, Path, description = "The store")),
    request_body = CertificateStoreInput, responses((status = 204, description = "It is replaced")))]
pub async fn update(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<CertificateStoreInput>,
) -> Answer<StatusCode> {
    let (command, now) = (input.command(app.core())?, app.now());
    let roots = app.settings().store_roots.clone();
    app.write(move |tx| stores::update(tx, &author.actor, StoreId(id), &command, &roots, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a certificate store
///
/// Its files stay. One into which a managed certificate is deployed stays.
#[utoipa::path(delete, path = "/certificate-stores/{id}", tag = "certificate stores",
    params(("id" = i64, Path, description = "The store")), responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| stores::remove(tx, &author.actor, StoreId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stores and where they shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The stores; all or none are moved.
    stores: Vec<i64>,
    /// The container; null for none.
    #[serde(deserialize_with = "super::extract::present")]
    container: Option<i64>,
}

/// Move certificate stores to a container
#[utoipa::path(put, path = "/certificate-stores/container", tag = "certificate stores", request_body = Assignment,
    responses((status = 204, description = "They are there")))]
pub async fn assign(State(app): State<App>, author: Author, Body(input): Body<Assignment>) -> Answer<StatusCode> {
    let (ids, now): (Vec<StoreId>, i64) = (input.stores.into_iter().map(StoreId).collect(), app.now());
    let container = input.container.map(ContainerId);
    app.write(move |tx| stores::assign(tx, &author.actor, &ids, container, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// When inventories are taken.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSchedule {
    /// `off`, `now`, `every 30m`, `daily 03:15`, `weekly mon,thu 03:15`, `monthly 15 03:15` or `once 2026-12-01T03:00:00Z`, in UTC.
    #[schema(example = "daily 03:15")]
    schedule: String,
}

/// Say when inventories of a certificate store are taken
///
/// `now` takes one and leaves the schedule as it is.
#[utoipa::path(put, path = "/certificate-stores/{id}/schedule", tag = "certificate stores",
    params(("id" = i64, Path, description = "The store")), request_body = NewSchedule,
    responses((status = 204, description = "It is this one now")))]
pub async fn schedule(State(app): State<App>, author: Author, Id(id): Id, Body(input): Body<NewSchedule>) -> Answer<StatusCode> {
    let (schedule, now) = (Schedule::parse(&input.schedule)?, app.now());
    app.write(move |tx| stores::set_schedule(tx, &author.actor, StoreId(id), &schedule, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of an inventory.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InventoryPage {
    /// After this alias.
    after: Option<String>,
    /// Rows, 1 to 1,000; 100 by default.
    limit: Option<i64>,
}

/// List what is in a certificate store
///
/// As the last inventory found it.
#[utoipa::path(get, path = "/certificate-stores/{id}/inventory", tag = "certificate stores",
    params(("id" = i64, Path, description = "The store"), InventoryPage),
    responses((status = 200, description = "Entries, by alias", body = Page<StoreEntry>)))]
pub async fn inventory(
    State(app): State<App>,
    Bearer(caller): Bearer,
    OriginalUri(uri): OriginalUri,
    Id(id): Id,
    Query(page): Query<InventoryPage>,
) -> Answer<Page<StoreEntry>> {
    let (id, limit) = (StoreId(id), rows(page.limit)?);
    let found = app.read_as(caller, move |tx, actor| stores::inventory(tx, actor, id, page.after.as_deref(), limit)).await;
    let found = found.map_err(hidden(NOUN, id))?;
    Ok(Page::of(found.entries.into_iter().map(StoreEntry::from).collect(), &uri, "after", found.next))
}

/// Where the right to read the certificate is held, besides everywhere.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadIn {
    /// A collection that the certificate is in.
    collection: Option<i64>,
}

/// List where a certificate is installed
///
/// The certificate stores that have it, as their inventories know.
#[utoipa::path(get, path = "/certificates/{id}/locations", operation_id = "locations", tag = "certificate stores",
    params(("id" = i64, Path, description = "The certificate"), ReadIn),
    responses((status = 200, description = "Places, by store", body = Page<CertificateLocation>)))]
pub async fn locations(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Id(id): Id,
    Query(within): Query<ReadIn>,
) -> Answer<Page<CertificateLocation>> {
    let (id, scope) = (CertificateId(id), Scope::of(within.collection.map(CollectionId), app.now()));
    let found = app.read_as(caller, move |tx, actor| stores::locations(tx, actor, id, scope)).await;
    let found = found.map_err(hidden("certificate", id))?;
    Ok(Page::whole(found.into_iter().map(CertificateLocation::from).collect()))
}
