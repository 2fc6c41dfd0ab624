//! `/certificate-stores/{id}/jobs`: inventories, entries put in and taken out.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use certhold_domain::stores::{self, AddCertificate, RemoveCertificate};
use certhold_domain::{CertificateId, CollectionId, Result, StoreId, StoreJobId};
use certhold_store::Tx;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::NOUN;
use super::wire::StoreJob;
use crate::auth::{Author, Bearer};
use crate::native::extract::{Id, Json as Body, Query};
use crate::native::hidden;
use crate::native::page::{Page, rows};
use crate::native::time::Time;
use crate::problem::Answer;
use crate::state::App;

/// A page of jobs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobsPage {
    /// Before this job.
    before: Option<i64>,
    /// Rows, 1 to 1,000; 100 by default.
    limit: Option<i64>,
}

/// List the jobs of a certificate store
///
/// Those that ended are kept for 30 days.
#[utoipa::path(get, path = "/certificate-stores/{id}/jobs", operation_id = "list_jobs", tag = "certificate stores",
    params(("id" = i64, Path, description = "The store"), JobsPage),
    responses((status = 200, description = "Jobs, newest first", body = Page<StoreJob>)))]
pub async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    OriginalUri(uri): OriginalUri,
    Id(id): Id,
    Query(page): Query<JobsPage>,
) -> Answer<Page<StoreJob>> {
    let (id, limit, before) = (StoreId(id), rows(page.limit)?, page.before.map(StoreJobId));
    let found = app.read_as(caller, move |tx, actor| stores::jobs(tx, actor, id, before, limit)).await;
    let found = found.map_err(hidden(NOUN, id))?;
    let next = found.last().filter(|_| found.len() == limit).map(|job| job.id.to_string());
    Ok(Page::of(found.into_iter().map(StoreJob::from).collect(), &uri, "before", next))
}

/// Get a job of a certificate store
#[utoipa::path(get, path = "/certificate-stores/{id}/jobs/{job}", operation_id = "get_job", tag = "certificate stores",
    params(("id" = i64, Path, description = "The store"), ("job" = i64, Path, description = "The job")),
    responses((status = 200, description = "The job", body = StoreJob)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id((id, job)): Id<(i64, i64)>) -> Answer<Json<StoreJob>> {
    let (id, job) = (StoreId(id), StoreJobId(job));
    let found = app.read_as(caller, move |tx, actor| stores::job(tx, actor, id, job)).await.map_err(hidden("store job", job))?;
    Ok(Json(found.into()))
}

/// Try a failed job again
///
/// Now, and with the rights of the caller.
#[utoipa::path(post, path = "/certificate-stores/{id}/jobs/{job}/retry", tag = "certificate stores",
    params(("id" = i64, Path, description = "The store"), ("job" = i64, Path, description = "The job")),
    responses((status = 202, description = "It is enqueued")))]
pub async fn retry(State(app): State<App>, author: Author, Id((id, job)): Id<(i64, i64)>) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| stores::retry(tx, &author.actor, StoreId(id), StoreJobId(job), now)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Take back a job that has not begun
#[utoipa::path(post, path = "/certificate-stores/{id}/jobs/{job}/cancel", tag = "certificate stores",
    params(("id" = i64, Path, description = "The store"), ("job" = i64, Path, description = "The job")),
    responses((status = 204, description = "It is taken back")))]
pub async fn cancel(State(app): State<App>, author: Author, Id((id, job)): Id<(i64, i64)>) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| stores::cancel(tx, &author.actor, StoreId(id), StoreJobId(job), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for something and answers with its job.
async fn enqueued(
    app: &App,
    author: Author,
    store: StoreId,
    ask: impl Fn(&mut Tx<'_>, &certhold_domain::Actor) -> Result<StoreJobId> + Send + 'static,
) -> Answer<(StatusCode, Json<StoreJob>)> {
    let job = app.write(move |tx| {
        let id = ask(tx, &author.actor)?;
        stores::job(tx, &author.actor, store, id)
    });
    Ok((StatusCode::ACCEPTED, Json(job.await?.into())))
}

/// Take the inventory of a certificate store now
#[utoipa::path(post, path = "/certificate-stores/{id}/inventory", tag = "certificate stores",
    params(("id" = i64, Path, description = "The store")),
    responses((status = 202, description = "The job", body = StoreJob)))]
pub async fn take_inventory(State(app): State<App>, author: Author, Id(id): Id) -> Answer<(StatusCode, Json<StoreJob>)> {
    let (store, now) = (StoreId(id), app.now());
    enqueued(&app, author, store, move |tx, actor| stores::take_inventory(tx, actor, store, now)).await
}

/// A certificate that is to be put into a store.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStoreEntry {
    /// The certificate.
    certificate: i64,
    /// The name of the entry.
    #[schema(example = "shop.example.com")]
    alias: String,
    /// Whether an entry of this name may be replaced.
    #[serde(default)]
    overwrite: bool,
    /// Whether its private key goes with it; needs the right to export it.
    #[serde(default)]
    include_key: bool,
    /// A collection that the certificate is in: rights on it are enough to read the certificate and to export its key.
    collection: Option<i64>,
    /// Not before; now if left out.
    at: Option<Time>,
}

/// Put a certificate into a certificate store
///
/// With the certificates above it, as far as they are held. The rights count again when it is done.
#[utoipa::path(post, path = "/certificate-stores/{id}/certificates", tag = "certificate stores",
    params(("id" = i64, Path, description = "The store")), request_body = NewStoreEntry,
    responses((status = 202, description = "The job", body = StoreJob)))]
pub async fn add(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<NewStoreEntry>,
) -> Answer<(StatusCode, Json<StoreJob>)> {
    let (store, now) = (StoreId(id), app.now());
    let command = AddCertificate {
        store,
        certificate: CertificateId(input.certificate),
        alias: input.alias,
        overwrite: input.overwrite,
        with_key: input.include_key,
        collection: input.collection.map(CollectionId),
        at: input.at.map(|at| at.0),
    };
    enqueued(&app, author, store, move |tx, actor| stores::add(tx, actor, &command, now)).await
}

/// An entry that is to be taken out of a store.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreRemoval {
    /// The name of the entry.
    #[schema(example = "shop.example.com")]
    alias: String,
    /// Not before; now if left out.
    at: Option<Time>,
}

/// Take an entry out of a certificate store
///
/// With its private key, if that is there. The certificate stays in the inventory.
#[utoipa::path(post, path = "/certificate-stores/{id}/removals", operation_id = "take_out", tag = "certificate stores",
    params(("id" = i64, Path, description = "The store")), request_body = StoreRemoval,
    responses((status = 202, description = "The job", body = StoreJob)))]
pub async fn remove(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<StoreRemoval>,
) -> Answer<(StatusCode, Json<StoreJob>)> {
    let (store, now) = (StoreId(id), app.now());
    let command = RemoveCertificate { store, alias: input.alias, at: input.at.map(|at| at.0) };
    enqueued(&app, author, store, move |tx, actor| stores::remove_entry(tx, actor, &command, now)).await
}
