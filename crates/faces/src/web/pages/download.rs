//! Certificates as files.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use certhold_domain::inventory::{self, Certificate};
use certhold_domain::{CertificateId, Refusal};
use certhold_pki::{OutputFormat, pem as pem_text};

use super::{Asked, Ids, Within};
use crate::web::refused::Refused;
use crate::web::visit::Visit;
use crate::{attachment, export};

pub async fn pem(visit: Visit, ids: Ids, Asked(within): Asked<Within>) -> Result<Response, Refused> {
    let (id, scope) = (CertificateId(ids.first()), within.scope(visit.app.now()));
    let (_, found) = visit.read(move |tx, actor| inventory::get_in(tx, actor, id, scope)).await?;
    let text = pem_text::encode(pem_text::CERTIFICATE, &found.der);
    Ok(file("application/x-pem-file", &found, "pem", text.into_bytes()))
}

pub async fn der(visit: Visit, ids: Ids, Asked(within): Asked<Within>) -> Result<Response, Refused> {
    let (id, scope) = (CertificateId(ids.first()), within.scope(visit.app.now()));
    let (_, found) = visit.read(move |tx, actor| inventory::get_in(tx, actor, id, scope)).await?;
    Ok(file("application/pkix-cert", &found, "cer", found.der.clone()))
}

/// The certificate and its issuers as PKCS#7.
pub async fn pkcs7(visit: Visit, ids: Ids, Asked(within): Asked<Within>) -> Result<Response, Refused> {
    let (id, scope) = (CertificateId(ids.first()), within.scope(visit.app.now()));
    let find = move |tx: &mut certhold_store::Tx<'_>, actor: &certhold_domain::Actor| {
        Ok((inventory::get_in(tx, actor, id, scope)?, inventory::chain_in(tx, actor, id, scope)?))
    };
    let (viewer, found) = visit.read(find).await?;
    let file = export::download(&visit.app, found, OutputFormat::Pkcs7Der).await;
    Ok(file.map_err(|error| visit.refused(Some(viewer), error))?.into_response())
}

/// The issuers without the certificate.
pub async fn chain(visit: Visit, ids: Ids, Asked(within): Asked<Within>) -> Result<Response, Refused> {
    let (leaf, chain) = with_chain(&visit, ids, within).await?;
    let all: Vec<&[u8]> = chain.iter().map(|certificate| certificate.der.as_slice()).collect();
    Ok(file("application/pem-certificate-chain", &leaf, "chain.pem", pem_text::encode_chain(&all).into_bytes()))
}

/// The certificate and its issuers, as servers want them.
pub async fn full_chain(visit: Visit, ids: Ids, Asked(within): Asked<Within>) -> Result<Response, Refused> {
    let (leaf, chain) = with_chain(&visit, ids, within).await?;
    let all: Vec<&[u8]> = [&leaf].into_iter().chain(&chain).map(|certificate| certificate.der.as_slice()).collect();
    Ok(file("application/pem-certificate-chain", &leaf, "fullchain.pem", pem_text::encode_chain(&all).into_bytes()))
}

async fn with_chain(visit: &Visit, ids: Ids, within: Within) -> Result<(Certificate, Vec<Certificate>), Refused> {
    let (id, scope) = (CertificateId(ids.first()), within.scope(visit.app.now()));
    let find = move |tx: &mut certhold_store::Tx<'_>, actor: &certhold_domain::Actor| {
        let chain = inventory::chain_in(tx, actor, id, scope)?;
        let leaf = inventory::get_in(tx, actor, id, scope)?;
        if chain.is_empty() {
            return Err(Refusal::not_found("chain of certificate", id).into());
        }
        Ok((leaf, chain))
    };
    Ok(visit.read(find).await?.1)
}

fn file(content_type: &'static str, certificate: &Certificate, extension: &str, bytes: Vec<u8>) -> Response {
    let name = attachment::file_name(certificate.summary.title(), certificate.summary.id.0, extension);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_DISPOSITION, attachment::disposition(&name)),
    ];
    (headers, bytes).into_response()
}
