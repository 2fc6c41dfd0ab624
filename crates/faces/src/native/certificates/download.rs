//! Certificates as files.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use certhold_domain::CertificateId;
use certhold_domain::inventory::{self, Summary};
use certhold_pki::pem;

use super::one::Within;
use crate::attachment;
use crate::auth::Bearer;
use crate::native::extract::{Id, Query};
use crate::native::hidden;
use crate::problem::Answer;
use crate::state::App;

/// Download a certificate as PEM
#[utoipa::path(get, path = "/certificates/{id}/pem", tag = "certificates", params(("id" = i64, Path, description = "The certificate"), Within),
    responses((status = 200, description = "The certificate", content_type = "application/x-pem-file", body = String)))]
pub async fn pem(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id, Query(within): Query<Within>) -> Answer<Response> {
    let (id, scope) = (CertificateId(id), within.scope(&app));
    let found =
        app.read_as(caller, move |tx, actor| inventory::get_in(tx, actor, id, scope)).await.map_err(hidden("certificate", id))?;
    let text = pem::encode(pem::CERTIFICATE, &found.der);
    Ok(file("application/x-pem-file", &file_name(&found.summary, "pem"), text.into_bytes()))
}

/// Download a certificate as DER
#[utoipa::path(get, path = "/certificates/{id}/der", tag = "certificates", params(("id" = i64, Path, description = "The certificate"), Within),
    responses((status = 200, description = "The certificate", content_type = "application/pkix-cert", body = Vec<u8>)))]
pub async fn der(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id, Query(within): Query<Within>) -> Answer<Response> {
    let (id, scope) = (CertificateId(id), within.scope(&app));
    let found =
        app.read_as(caller, move |tx, actor| inventory::get_in(tx, actor, id, scope)).await.map_err(hidden("certificate", id))?;
    Ok(file("application/pkix-cert", &file_name(&found.summary, "cer"), found.der))
}

/// Download a certificate with its chain as PEM
///
/// The certificate first, then the certificates its authority delivered with it, as servers want them.
#[utoipa::path(get, path = "/certificates/{id}/chain", tag = "certificates", params(("id" = i64, Path, description = "The certificate"), Within),
    responses((status = 200, description = "The certificate and its chain", content_type = "application/pem-certificate-chain", body = String)))]
pub async fn chain(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id, Query(within): Query<Within>) -> Answer<Response> {
    let (id, scope) = (CertificateId(id), within.scope(&app));
    let (leaf, chain) = app
        .read_as(caller, move |tx, actor| {
            Ok((inventory::get_in(tx, actor, id, scope)?, inventory::chain_in(tx, actor, id, scope)?))
        })
        .await
        .map_err(hidden("certificate", id))?;
    let all: Vec<&[u8]> = [&leaf].into_iter().chain(&chain).map(|certificate| certificate.der.as_slice()).collect();
    let name = file_name(&leaf.summary, "chain.pem");
    Ok(file("application/pem-certificate-chain", &name, pem::encode_chain(&all).into_bytes()))
}

/// An answer that browsers save under `name`.
pub fn file(content_type: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_DISPOSITION, attachment::disposition(name)),
    ];
    (headers, bytes).into_response()
}

fn file_name(certificate: &Summary, extension: &str) -> String {
    attachment::file_name(certificate.title(), certificate.id.0, extension)
}
