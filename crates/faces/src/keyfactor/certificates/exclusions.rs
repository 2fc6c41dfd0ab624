//! Removing certificates so that no import brings them back.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use certhold_domain::collections::Scope;
use certhold_domain::query::{Kind, Scalar};
use certhold_domain::{CertificateId, ExclusionId, inventory};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::removal::{each, found};
use crate::export;
use crate::keyfactor::extract::{Asked, Author, Body, Caller, Id, bounded};
use crate::keyfactor::listing::{Listed, Short};
use crate::keyfactor::refused::Answer;
use crate::keyfactor::wire::{Moment, upper_hex};
use crate::state::App;

/// The routes of exclusions.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(exclude))
        .routes(routes!(exclude_many))
        .routes(routes!(exclude_found))
        .routes(routes!(list, readmit))
}

async fn exclude_one(author: &Author, id: i64, scope: Scope) -> Answer<()> {
    let nothing = author.refusing(export::nothing(&author.app))?;
    author.write(move |tx, actor, now| inventory::exclude(tx, actor, CertificateId(id), scope, &nothing, now)).await
}

/// Remove a certificate and keep imports from bringing it back
///
/// With its private key, unless another certificate has the same one. What is in use stays.
#[utoipa::path(delete, path = "/Certificates/Exclude/{id}", tag = "Certificates", params(
    ("id" = i64, Path, description = "The certificate"),
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to exclude")),
    responses((status = 204, description = "It is gone")))]
pub async fn exclude(State(app): State<App>, author: Author, Id(id): Id, asked: Asked) -> Answer<StatusCode> {
    exclude_one(&author, id, asked.scope(app.now())?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove several certificates and keep imports from bringing them back
///
/// One after the other; the answer has the ids of those that could not be removed, if there are any.
#[utoipa::path(delete, path = "/Certificates/Exclude", tag = "Certificates", params(
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to exclude")),
    request_body = Vec<i64>, responses((status = 204, description = "They are gone"),
    (status = 200, description = "Those that could not be removed", body = Vec<i64>)))]
pub async fn exclude_many(State(app): State<App>, author: Author, asked: Asked, Body(ids): Body<Vec<i64>>) -> Answer<Response> {
    let scope = asked.scope(app.now())?;
    bounded("the list of ids", &ids)?;
    each(ids, |id| exclude_one(&author, id, scope)).await
}

/// Remove all certificates that a query finds and keep imports from bringing them back
///
/// Those that are neither revoked nor expired, at most 1,000: a query that finds more is refused. The body is the query, as a JSON
/// string.
#[utoipa::path(delete, path = "/Certificates/Exclude/Query", tag = "Certificates", params(
    ("collectionId" = Option<i64>, Query, description = "Only those in this collection; scope of the right to exclude")),
    request_body = String, responses((status = 204, description = "They are gone"),
    (status = 200, description = "Those that could not be removed", body = Vec<i64>)))]
pub async fn exclude_found(State(app): State<App>, author: Author, asked: Asked, Body(query): Body<String>) -> Answer<Response> {
    let now = app.now();
    let scope = asked.scope(now)?;
    let ids = found(&author, query, scope, now).await?;
    each(ids, |id| exclude_one(&author, id, scope)).await
}

/// A certificate that no import brings back.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ExcludedCertificate {
    id: i64,
    thumbprint: String,
    #[serde(rename = "IssuedCN")]
    issued_cn: String,
    #[schema(value_type = String)]
    date_excluded: Moment,
}

impl From<inventory::Exclusion> for ExcludedCertificate {
    fn from(found: inventory::Exclusion) -> ExcludedCertificate {
        ExcludedCertificate {
            id: found.id.0,
            thumbprint: upper_hex(&found.sha1),
            issued_cn: found.title,
            date_excluded: Moment(found.excluded_at),
        }
    }
}

/// List certificates that no import brings back
#[utoipa::path(get, path = "/Certificates/ExcludedCertificates", tag = "Certificates", params(
    ("QueryString" = Option<String>, Query, description = "A query over Id, IssuedCN, Thumbprint and DateExcluded"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "One of these fields"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of them", body = Vec<ExcludedCertificate>)))]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<ExcludedCertificate>> {
    let (mut found, me) = caller.read(|tx, actor| Ok((inventory::exclusions(tx, actor)?, actor.name.clone()))).await?;
    found.sort_by_key(|one| one.id);
    let short = Short::<inventory::Exclusion> {
        fields: &[("Id", Kind::Number), ("IssuedCN", Kind::Text), ("Thumbprint", Kind::Text), ("DateExcluded", Kind::Time)],
        values: |one| {
            let texts = [one.title.clone(), upper_hex(&one.sha1)].map(|text| Some(Scalar::Text(text)));
            let [title, thumbprint] = texts;
            vec![Some(Scalar::Number(one.id.0)), title, thumbprint, Some(Scalar::Number(one.excluded_at))]
        },
    };
    Ok(short.page(found, &asked, app.now(), &me)?.map(ExcludedCertificate::from))
}

/// Let certificates be imported again
///
/// One after the other; the answer has the ids of those that are not excluded, if there are any.
#[utoipa::path(delete, path = "/Certificates/ExcludedCertificates", tag = "Certificates",
    request_body = Vec<i64>, responses((status = 204, description = "They may be imported again"),
    (status = 200, description = "Those that are not excluded", body = Vec<i64>)))]
pub async fn readmit(author: Author, Body(ids): Body<Vec<i64>>) -> Answer<Response> {
    bounded("the list of ids", &ids)?;
    each(ids, |id| author.write(move |tx, actor, now| inventory::readmit(tx, actor, ExclusionId(id), now))).await
}
