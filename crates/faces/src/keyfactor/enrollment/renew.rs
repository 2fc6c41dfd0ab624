//! Renewing what private authorities issued.

use axum::extract::State;
use certhold_domain::CertificateId;
use certhold_domain::collections::Scope;
use certhold_domain::enrolment::{self, RenewalKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{authority, facts, named_template, under};
use crate::issue;
use crate::keyfactor::certificates::{Named, identified};
use crate::keyfactor::extract::{Asked, Author, Body, Caller, Id, Key};
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::{Answer, Refused};
use crate::keyfactor::wire::upper_hex;
use crate::state::App;

/// The routes of renewal.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(renew)).routes(routes!(available)).routes(routes!(available_by_thumbprint))
}

/// A certificate that is renewed at once.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct RenewalRequest {
    /// By its id,
    certificate_id: Option<i64>,
    /// or by its thumbprint.
    thumbprint: Option<String>,
    /// Another authority than the one that issued it.
    certificate_authority: Option<String>,
    /// Another template than its own.
    template: Option<String>,
    /// Another pattern than its own; goes over the template.
    enrollment_pattern_id: Option<i64>,
}

/// What was issued. Its key is in custody, so no password is told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Renewed {
    keyfactor_id: i64,
    keyfactor_request_id: i64,
    thumbprint: String,
    serial_number: String,
    #[serde(rename = "IssuerDN")]
    issuer_dn: String,
    request_disposition: &'static str,
    disposition_message: &'static str,
    #[schema(value_type = Option<String>)]
    password: Option<()>,
}

/// Renew a certificate
///
/// With the subject, names, owner and metadata that it has, for a new key that is made here and stays in custody.
#[utoipa::path(post, path = "/Enrollment/Renew", tag = "Enrollment", request_body = RenewalRequest,
    params(("CollectionId" = Option<i64>, Query, description = "The collection through which the certificate is read")),
    responses((status = 200, description = "It is issued", body = Renewed)))]
pub async fn renew(
    State(app): State<App>,
    author: Author,
    asked: Asked,
    Body(sent): Body<RenewalRequest>,
) -> Answer<Json<Renewed>> {
    let authority = authority(&author, sent.certificate_authority, true).await?;
    let scope = asked.scope(app.now())?;
    let named = named(sent.certificate_id, sent.thumbprint.as_deref())?;
    let other = sent.enrollment_pattern_id.filter(|id| *id != 0).is_some() || named_template(sent.template.as_deref())?.is_some();
    let under = if other { Some(under(sent.enrollment_pattern_id, sent.template.as_deref())?) } else { None };
    let request = author
        .read(move |tx, actor| {
            let id = identified(tx, actor, &named, scope)?;
            enrolment::renewal_request(tx, actor, id, scope, authority, under)
        })
        .await?;
    let issued = author.refusing(issue::enrol(&app, &author.actor, request).await)?;
    let facts = facts(&issued)?;
    Ok(Json(Renewed {
        keyfactor_id: issued.certificate.0,
        keyfactor_request_id: 0,
        thumbprint: upper_hex(&facts.sha1),
        serial_number: facts.serial.to_uppercase(),
        issuer_dn: facts.issuer,
        request_disposition: "ISSUED",
        disposition_message: "The certificate was issued and is in the inventory.",
        password: None,
    }))
}

fn named(id: Option<i64>, thumbprint: Option<&str>) -> Answer<Named> {
    match (id.filter(|id| *id != 0), thumbprint.map(str::trim).filter(|text| !text.is_empty())) {
        (Some(id), _) => Ok(Named::Id(id)),
        (None, Some(thumbprint)) => Ok(Named::thumbprint(thumbprint)),
        (None, None) => Err(Refused::malformed("Name a certificate: by CertificateId or by Thumbprint")),
    }
}

/// Whether and how a certificate can be renewed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct AvailableRenewal {
    /// 0 not here, 1 with a new signing request, 2 at once.
    available_renewal_type: i64,
    message: String,
}

async fn how(caller: Caller, asked: Asked, named: Named, now: i64) -> Answer<Json<AvailableRenewal>> {
    let scope: Scope = asked.scope(now)?;
    let found = caller
        .read(move |tx, actor| {
            let id: CertificateId = identified(tx, actor, &named, scope)?;
            enrolment::available_renewal(tx, actor, id, scope)
        })
        .await?;
    let available_renewal_type = match found.kind {
        RenewalKind::None => 0,
        RenewalKind::Seeded => 1,
        RenewalKind::OneClick => 2,
    };
    Ok(Json(AvailableRenewal { available_renewal_type, message: found.message }))
}

/// Ask how a certificate can be renewed
#[utoipa::path(get, path = "/Enrollment/AvailableRenewal/Id/{id}", tag = "Enrollment", params(
    ("id" = i64, Path, description = "The certificate"),
    ("CollectionId" = Option<i64>, Query, description = "The collection through which it is read")),
    responses((status = 200, description = "How", body = AvailableRenewal)))]
pub async fn available(State(app): State<App>, caller: Caller, Id(id): Id, asked: Asked) -> Answer<Json<AvailableRenewal>> {
    how(caller, asked, Named::Id(id), app.now()).await
}

/// Ask how a certificate can be renewed, by its thumbprint
#[utoipa::path(get, path = "/Enrollment/AvailableRenewal/Thumbprint/{thumbprint}", tag = "Enrollment", params(
    ("thumbprint" = String, Path, description = "SHA-1, hexadecimal"),
    ("CollectionId" = Option<i64>, Query, description = "The collection through which it is read")),
    responses((status = 200, description = "How", body = AvailableRenewal)))]
pub async fn available_by_thumbprint(
    State(app): State<App>,
    caller: Caller,
    Key(thumbprint): Key,
    asked: Asked,
) -> Answer<Json<AvailableRenewal>> {
    how(caller, asked, Named::thumbprint(&thumbprint), app.now()).await
}
