//! `/key-requests`: keys made here, with their certificate signing requests.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use certhold_domain::KeyRequestId;
use certhold_domain::custody;
use certhold_domain::renewal::KeyKind;
use certhold_pki::pem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::created::Created;
use super::extract::{Id, Json as Body, Query};
use super::hidden;
use super::page::{self, Page};
use super::time::Time;
use crate::auth::{Author, Bearer};
use crate::export::{self, KeyWanted};
use crate::problem::Answer;
use crate::state::App;

/// The routes of key requests.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, remove))
}

/// A key in custody with its certificate signing request.
#[derive(Serialize, ToSchema)]
pub struct KeyRequest {
    /// Its handle.
    id: i64,
    /// What people call it.
    name: String,
    /// The DNS names asked for.
    names: Vec<String>,
    /// The key's algorithm.
    #[schema(example = "EC")]
    key_algorithm: String,
    /// The key's size.
    key_bits: Option<i64>,
    /// The signing request, PEM: what the authority gets.
    csr: String,
    /// The certificate that was issued for it, once it is imported.
    certificate: Option<i64>,
    /// When it was made.
    created_at: Time,
}

impl From<custody::KeyRequest> for KeyRequest {
    fn from(request: custody::KeyRequest) -> KeyRequest {
        KeyRequest {
            id: request.id.0,
            name: request.name,
            names: request.names,
            key_algorithm: request.key_algorithm,
            key_bits: request.key_bits,
            csr: pem::encode(pem::CERTIFICATE_REQUEST, &request.csr),
            certificate: request.certificate.map(|id| id.0),
            created_at: Time(request.created_at),
        }
    }
}

/// Which part of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Only requests before this number: taken from `next`.
    before: Option<i64>,
    /// Rows of the page, 1 to 1,000; 100 by default.
    limit: Option<i64>,
}

/// List key requests
///
/// Newest first.
#[utoipa::path(get, path = "/key-requests", tag = "key requests", params(ListParameters),
    responses((status = 200, description = "A page of requests", body = Page<KeyRequest>)))]
pub async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    OriginalUri(uri): OriginalUri,
    Query(given): Query<ListParameters>,
) -> Answer<Page<KeyRequest>> {
    let limit = page::rows(given.limit)?;
    let before = given.before.map(KeyRequestId);
    let found = app.read_as(caller, move |tx, actor| custody::list_key_requests(tx, actor, before, limit)).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.id.to_string());
    Ok(Page::of(found.into_iter().map(KeyRequest::from).collect(), &uri, "before", next))
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKeyRequest {
    /// The DNS names of the request; a wildcard only as the whole leftmost label.
    #[schema(example = json!(["www.example.com"]))]
    names: Vec<String>,
    /// p256, p384, p521, rsa2048, rsa3072, rsa4096 or ed25519; p256 by default.
    #[serde(default)]
    #[schema(example = "p256")]
    key_kind: Option<String>,
    /// What people call it; the first name by default.
    #[serde(default)]
    name: String,
}

/// Make a key and its certificate signing request
///
/// The key stays in custody. Import the certificate that was issued for the request: it finds its key.
#[utoipa::path(post, path = "/key-requests", tag = "key requests", request_body = NewKeyRequest,
    responses((status = 201, description = "The key is in custody", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(new): Body<NewKeyRequest>) -> Answer<Created> {
    let kind = KeyKind::parse(new.key_kind.as_deref().unwrap_or("p256"))?;
    let wanted = KeyWanted { name: new.name, names: new.names, kind };
    let (id, _) = export::request(&app, &author.actor, wanted).await?;
    Ok(Created::at("key-requests", id.0))
}

/// Get a key request
#[utoipa::path(get, path = "/key-requests/{id}", tag = "key requests", params(("id" = i64, Path, description = "The request")),
    responses((status = 200, description = "The request", body = KeyRequest)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<KeyRequest>> {
    let id = KeyRequestId(id);
    let found = app.read_as(caller, move |tx, actor| custody::key_request(tx, actor, id)).await;
    Ok(Json(found.map_err(hidden("key request", id))?.into()))
}

/// Remove a key request
///
/// A key that still waits for its certificate is destroyed with it; a key that has its certificate stays.
#[utoipa::path(delete, path = "/key-requests/{id}", tag = "key requests", params(("id" = i64, Path, description = "The request")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    export::remove_request(&app, &author.actor, KeyRequestId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
