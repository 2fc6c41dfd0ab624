//! `/CSRGeneration`: keys that are made here with their signing requests. The certificate that is issued for one, here or elsewhere,
//! finds its key by itself.

use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::custody::{self, KeyRequest};
use certhold_domain::enrolment::{self, RequestWanted};
use certhold_domain::query::{Kind, Scalar};
use certhold_domain::{Actor, KeyRequestId, Refusal, Result as DomainResult, limits};
use certhold_pki::pem;
use certhold_store::Tx;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::enrollment::{Names, key_kind, named_template, under};
use super::extract::{Asked, Author, Body, Caller, Id, bounded};
use super::listing::{Listed, PageAsked, Short};
use super::protocol::Json;
use super::refused::{Answer, Refused};
use super::wire::Moment;
use crate::state::App;
use crate::{export, issue};

/// The routes of signing requests that are made here.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(generate)).routes(routes!(pending, remove_many)).routes(routes!(download, remove))
}

/// A signing request that is wanted.
#[derive(Deserialize, ToSchema)]
pub struct GenerateRequest {
    /// `CN=shop.example.org,O=Example`.
    #[serde(rename = "Subject")]
    subject: Option<String>,
    /// `RSA`, `ECC`, `Ed25519` or `ML-DSA-65`.
    #[serde(rename = "KeyType")]
    key_type: Option<String>,
    /// 2048, 3072 or 4096 for RSA; 256, 384 or 521 for ECC.
    #[serde(rename = "KeyLength")]
    key_length: Option<i64>,
    /// `P-256`, `P-384` or `P-521`; goes over the length.
    #[serde(rename = "Curve")]
    curve: Option<String>,
    /// A template, whose default pattern holds; without template and pattern no rules hold.
    #[serde(rename = "Template")]
    template: Option<String>,
    /// A pattern, which goes over the template.
    #[serde(rename = "EnrollmentPatternId")]
    pattern: Option<i64>,
    #[serde(rename = "SANs")]
    names: Option<Names>,
}

/// A signing request.
#[derive(Serialize, ToSchema)]
pub struct Generated {
    /// PEM.
    #[serde(rename = "CSR")]
    csr: String,
}

fn pem_of(request: &KeyRequest) -> String {
    pem::encode(pem::CERTIFICATE_REQUEST, &request.csr)
}

/// Make a signing request
///
/// Its key is made here and stays in custody.
#[utoipa::path(post, path = "/CSRGeneration/Generate", tag = "CSRGeneration", request_body = GenerateRequest,
    responses((status = 200, description = "The signing request", body = Generated)))]
pub async fn generate(State(app): State<App>, author: Author, Body(sent): Body<GenerateRequest>) -> Answer<Json<Generated>> {
    author.read(enrolment::require_may_request).await?;
    let has_pattern = sent.pattern.is_some_and(|id| id != 0);
    let has_rules = has_pattern || named_template(sent.template.as_deref())?.is_some();
    let wanted = RequestWanted {
        under: if has_rules { Some(under(sent.pattern, sent.template.as_deref())?) } else { None },
        subject: sent.subject.filter(|subject| !subject.trim().is_empty()),
        names: sent.names.unwrap_or_default().general()?,
        key: key_kind(sent.key_type.as_deref(), sent.key_length, sent.curve.as_deref())?,
    };
    let id = author.refusing(issue::request(&app, &author.actor, wanted).await)?;
    let made = author.read(move |tx, actor| custody::key_request(tx, actor, id)).await?;
    Ok(Json(Generated { csr: pem_of(&made) }))
}

/// A signing request that waits for its certificate.
#[derive(Serialize, ToSchema)]
pub struct PendingRequest {
    #[serde(rename = "Id")]
    id: i64,
    /// PEM.
    #[serde(rename = "CSR")]
    csr: String,
    #[schema(value_type = String)]
    #[serde(rename = "RequestTime")]
    request_time: Moment,
    /// Parts of its subject, such as `CN=shop.example.org`.
    #[serde(rename = "Subject")]
    subject: Vec<String>,
}

fn shown(request: KeyRequest) -> PendingRequest {
    let subject = certhold_pki::issue::subject_of_request(&request.csr).unwrap_or_default();
    PendingRequest {
        id: request.id.0,
        csr: pem_of(&request),
        request_time: Moment(request.created_at),
        subject: subject.parts().into_iter().map(|(keyword, value)| format!("{keyword}={value}")).collect(),
    }
}

/// List signing requests that wait for their certificates
///
/// The newest first: those that the caller had made, or everybody's for whoever may see all of them.
#[utoipa::path(get, path = "/CSRGeneration/Pending", tag = "CSRGeneration", params(
    ("QueryString" = Option<String>, Query, description = "A query over RequestTime, Id and Subject"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "One of these fields"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of signing requests", body = Vec<PendingRequest>)))]
pub async fn pending(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<PendingRequest>> {
    let author = caller.known().await?;
    author.read(|tx, actor| custody::pending_key_requests(tx, actor, 0, 1)).await?;
    let page = PageAsked::of(&asked)?;
    if asked.text("querystring").is_some() || page.sort.is_some() || page.descending {
        let (all, me) = author.read(all_pending).await?;
        let short = Short::<PendingRequest> {
            fields: &[("RequestTime", Kind::Time), ("Id", Kind::Number), ("Subject", Kind::Text)],
            values: |one| {
                let numbers = [one.request_time.0, one.id].map(|number| Some(Scalar::Number(number)));
                numbers.into_iter().chain([Some(Scalar::Text(one.subject.join(",")))]).collect()
            },
        };
        return short.page(all.into_iter().map(shown).collect(), &asked, app.now(), &me);
    }
    let (offset, limit) = (page.offset, page.limit);
    let (rows, total) = author.read(move |tx, actor| custody::pending_key_requests(tx, actor, offset, limit)).await?;
    Ok(Listed { rows, total }.map(shown))
}

/// Requests that are looked through for a query or an order.
const LOOKED_THROUGH: usize = 10_000;

/// All that wait, the newest first, and the name of who asks.
fn all_pending(tx: &mut Tx<'_>, actor: &Actor) -> DomainResult<(Vec<KeyRequest>, String)> {
    let mut all = Vec::new();
    loop {
        let (some, total) = custody::pending_key_requests(tx, actor, all.len(), limits::PAGE_ROWS)?;
        if usize::try_from(total).unwrap_or(usize::MAX) > LOOKED_THROUGH {
            let message = format!("more than {LOOKED_THROUGH} signing requests wait: list them without a query and an order");
            return Err(Refusal::TooLarge(message).into());
        }
        if some.is_empty() {
            return Ok((all, actor.name.clone()));
        }
        all.extend(some);
    }
}

/// A signing request as a file.
#[derive(Serialize, ToSchema)]
pub struct PendingFile {
    /// What the file could be called.
    #[serde(rename = "CSRFilePath")]
    path: String,
    /// PEM.
    #[serde(rename = "CSRText")]
    text: String,
}

/// Download a signing request
#[utoipa::path(get, path = "/CSRGeneration/Pending/{id}", tag = "CSRGeneration",
    params(("id" = i64, Path, description = "The signing request")),
    responses((status = 200, description = "The signing request", body = PendingFile)))]
pub async fn download(caller: Caller, Id(id): Id) -> Answer<Json<PendingFile>> {
    let found = caller.read(move |tx, actor| custody::key_request(tx, actor, KeyRequestId(id))).await?;
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let path = format!("{}.csr", found.name.chars().map(plain).collect::<String>());
    Ok(Json(PendingFile { path, text: pem_of(&found) }))
}

/// Remove a signing request
///
/// Its key is destroyed with it, unless its certificate is in the inventory.
#[utoipa::path(delete, path = "/CSRGeneration/Pending/{id}", tag = "CSRGeneration",
    params(("id" = i64, Path, description = "The signing request")), responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    author.refusing(export::remove_request(&app, &author.actor, KeyRequestId(id)).await)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove signing requests
///
/// All of them or none.
#[utoipa::path(delete, path = "/CSRGeneration/Pending", tag = "CSRGeneration", request_body = Vec<i64>,
    responses((status = 204, description = "They are gone")))]
pub async fn remove_many(State(app): State<App>, author: Author, Body(ids): Body<Vec<i64>>) -> Answer<StatusCode> {
    if ids.is_empty() {
        return Err(Refused::invalid("Ids", "name at least one"));
    }
    bounded("Ids", &ids)?;
    let ids = ids.into_iter().map(KeyRequestId).collect();
    author.refusing(export::remove_requests(&app, &author.actor, ids).await)?;
    Ok(StatusCode::NO_CONTENT)
}
