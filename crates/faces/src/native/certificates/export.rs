//! Certificates in any format, and their private keys.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use certhold_domain::CertificateId;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::one::Within;
use crate::auth::{Author, Bearer};
use crate::export::{self, KeyExport};
use crate::native::extract::{Id, Json, Query};
use crate::native::hidden;
use crate::native::secret::Secret;
use crate::problem::Answer;
use crate::state::App;

/// How a certificate is downloaded.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DownloadParameters {
    /// pem, der, pkcs7 (PEM) or pkcs7-der; pem by default.
    format: Option<String>,
    /// Whether the chain is put in as well; not by default. DER has no room for it.
    chain: Option<bool>,
    /// A collection that the certificate is in: the right to read that collection is enough.
    collection: Option<i64>,
}

/// Download a certificate in a format
///
/// Without its private key: that is exported.
#[utoipa::path(get, path = "/certificates/{id}/download", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), DownloadParameters),
    responses((status = 200, description = "The file", content_type = "application/octet-stream", body = Vec<u8>)))]
pub async fn download(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Id(id): Id,
    Query(given): Query<DownloadParameters>,
) -> Answer<Response> {
    let (id, chain) = (CertificateId(id), given.chain.unwrap_or(false));
    let scope = Within::of(given.collection).scope(&app);
    let found = app.read_as(caller, move |tx, actor| export::with_chain_in(tx, actor, id, chain, scope)).await;
    let found = found.map_err(hidden("certificate", id))?;
    let format = export::format_named(given.format.as_deref().unwrap_or("pem"), export::public_formats())?;
    Ok(export::download(&app, found, format).await?.into_response())
}

/// How a private key is exported.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// pem, pkcs12, pkcs12-legacy or jks.
    #[schema(example = "pkcs12")]
    format: String,
    /// The password of the file, at least 8 characters. PEM may go without: then the key is in the clear.
    #[serde(default)]
    password: Option<Secret>,
    /// Why; it stays in the event log.
    #[schema(example = "Moves to the new load balancer, ticket 4711")]
    reason: String,
    /// Whether the chain is put in as well; it is by default.
    #[serde(default = "yes")]
    chain: bool,
}

fn yes() -> bool {
    true
}

/// Export a certificate with its private key
///
/// Needs a permission of its own, everywhere or in the collection that the request names, and a reason. The event is recorded before
/// the key is opened.
#[utoipa::path(post, path = "/certificates/{id}/export", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), Within), request_body = Export,
    responses((status = 200, description = "The file", content_type = "application/octet-stream", body = Vec<u8>)))]
pub async fn key(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Query(within): Query<Within>,
    Json(given): Json<Export>,
) -> Answer<Response> {
    let export = KeyExport {
        certificate: CertificateId(id),
        format: export::format_named(&given.format, export::key_formats())?,
        password: given.password.map(|password| password.0),
        reason: given.reason,
        chain: given.chain,
        scope: within.scope(&app),
    };
    Ok(export::key(&app, &author.actor, export).await?.into_response())
}

/// Why a key is destroyed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Destruction {
    /// Why; it stays in the event log.
    #[schema(example = "Replaced; the server was switched off")]
    reason: String,
}

/// Destroy the private key of a certificate
///
/// A key in use by the current version of a managed certificate, an attempt under way or a deployment stays. What is
/// destroyed cannot be had back. The right on a collection is enough when every certificate of the key is in it.
#[utoipa::path(post, path = "/certificates/{id}/private-key/destroy", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), Within), request_body = Destruction,
    responses((status = 204, description = "The key is gone")))]
pub async fn destroy(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Query(within): Query<Within>,
    Json(given): Json<Destruction>,
) -> Answer<StatusCode> {
    export::destroy_in(&app, &author.actor, CertificateId(id), given.reason, within.scope(&app)).await?;
    Ok(StatusCode::NO_CONTENT)
}
