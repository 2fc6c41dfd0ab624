//! `/enrolments` and `/certificates/{id}/renewal`: certificates by the rules of patterns, and once more.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::collections::Scope;
use certhold_domain::enrolment::{self, RenewalKind, Under};
use certhold_domain::private_ca::{EnrolmentRequest, KeySource, Profile};
use certhold_domain::renewal::KeyKind;
use certhold_domain::{AuthorityId, CertificateId, PatternId, Refusal, RoleId, metadata};
use certhold_pki::pem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::authorities::Enrolled;
use super::extract::{Id, Json as Body};
use super::hidden;
use crate::auth::{Author, Bearer};
use crate::issue::{self, Issued};
use crate::problem::Answer;
use crate::state::App;

/// The routes of enrolment.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(enrol)).routes(routes!(available, renew))
}

/// A certificate that is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentInput {
    /// The pattern; without one the template's default pattern holds.
    pattern: Option<i64>,
    /// `server` (default), `client`, `server_client`, `mail` or `code_signing`; only without a pattern.
    template: Option<String>,
    /// The private authority; that of the pattern, or the only one that issues, otherwise.
    authority: Option<i64>,
    /// The signing request, PEM. Without one a key is made, which stays in custody.
    csr: Option<String>,
    /// The key to be made; the first that the pattern allows otherwise.
    #[schema(example = "p256")]
    key_kind: Option<String>,
    /// Whom it is for; of a signing request its own by default.
    #[schema(example = "CN=shop.example.org")]
    subject: Option<String>,
    /// The names it is for: host names, addresses, mail addresses, or with a kind before them (`dns:`, `ip:`, `email:`, `uri:`, `upn:`);
    /// of a signing request its own by default.
    #[serde(default)]
    #[schema(example = json!(["shop.example.org"]))]
    names: Vec<String>,
    /// Its life; as the pattern or template says by default. It ends with its authority at the latest.
    days: Option<i64>,
    /// The owner role.
    owner_role: Option<i64>,
    /// What is noted about it, by the names of metadata fields.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// The certificate that it renews, whose owner it keeps when none is named.
    renews: Option<i64>,
}

/// Enrol
///
/// Has a private authority issue a certificate by the rules of a pattern: for a signing request, or for a key that is made here and stays
/// in custody.
#[utoipa::path(post, path = "/enrolments", operation_id = "enrol_by_pattern", tag = "enrolment", request_body = EnrolmentInput,
    responses((status = 201, description = "It is issued and in the inventory", body = Enrolled)))]
pub async fn enrol(
    State(app): State<App>,
    author: Author,
    Body(input): Body<EnrolmentInput>,
) -> Answer<(StatusCode, Json<Enrolled>)> {
    let under = match (input.pattern, &input.template) {
        (Some(_), Some(_)) => return Err(Refusal::invalid("template", "a pattern has its template: give one of both").into()),
        (Some(pattern), None) => Under::Pattern(PatternId(pattern)),
        (None, template) => Under::Template(Profile::parse(template.as_deref().unwrap_or("server"))?),
    };
    let key = match (&input.csr, &input.key_kind) {
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid("key_kind", "a signing request has its key already: give one of both").into());
        }
        (Some(csr), None) => KeySource::Request(issue::signing_request(csr)?),
        (None, kind) => KeySource::Made(kind.as_deref().map(KeyKind::parse).transpose()?),
    };
    let scope = Scope::everywhere(app.now());
    let request = EnrolmentRequest {
        under,
        authority: input.authority.map(AuthorityId),
        key,
        subject: input.subject.filter(|subject| !subject.trim().is_empty()),
        names: input.names.iter().map(|name| enrolment::general_name(name)).collect::<Result<_, _>>()?,
        days: input.days,
        owner: input.owner_role.map(RoleId),
        metadata: input.metadata.into_iter().map(|(field, value)| metadata::Change::new(field, value)).collect(),
        delivered: false,
        renews: input.renews.map(|id| (CertificateId(id), scope)),
    };
    let issued = issue::enrol(&app, &author.actor, request).await?;
    Ok(answer(issued))
}

fn answer(issued: Issued) -> (StatusCode, Json<Enrolled>) {
    let chain = issued.chain.iter().map(|der| pem::encode(pem::CERTIFICATE, der)).collect();
    (StatusCode::CREATED, Json(Enrolled::new(issued.certificate, chain)))
}

/// How a certificate can be renewed.
#[derive(Serialize, ToSchema)]
pub struct AvailableRenewal {
    /// `none`: not here; `seeded`: with a new signing request; `one_click`: at once, for a key that is made here.
    #[schema(example = "one_click")]
    kind: &'static str,
    /// Why, in one sentence.
    message: String,
}

/// Ask how a certificate can be renewed
///
/// By enrolling again at the private authority that issued it; managed certificates renew by themselves.
#[utoipa::path(get, path = "/certificates/{id}/renewal", operation_id = "get_available_renewal", tag = "enrolment",
    params(("id" = i64, Path, description = "The certificate")),
    responses((status = 200, description = "How", body = AvailableRenewal)))]
pub async fn available(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<AvailableRenewal>> {
    let (id, scope) = (CertificateId(id), Scope::everywhere(app.now()));
    let found = app.read_as(caller, move |tx, actor| enrolment::available_renewal(tx, actor, id, scope)).await;
    let found = found.map_err(hidden("certificate", id))?;
    let kind = match found.kind {
        RenewalKind::None => "none",
        RenewalKind::Seeded => "seeded",
        RenewalKind::OneClick => "one_click",
    };
    Ok(Json(AvailableRenewal { kind, message: found.message }))
}

/// Renew a certificate of a private authority
///
/// With the subject, names, owner and metadata that it has, by the rules of its pattern, for a new key that is made here and stays in
/// custody.
#[utoipa::path(post, path = "/certificates/{id}/renewal", operation_id = "renew_certificate", tag = "enrolment",
    params(("id" = i64, Path, description = "The certificate")),
    responses((status = 201, description = "It is issued and in the inventory", body = Enrolled)))]
pub async fn renew(State(app): State<App>, author: Author, Id(id): Id) -> Answer<(StatusCode, Json<Enrolled>)> {
    let (id, scope, asking) = (CertificateId(id), Scope::everywhere(app.now()), author.actor.clone());
    let request = app.read(move |tx| enrolment::renewal_request(tx, &asking, id, scope, None, None)).await?;
    let issued = issue::enrol(&app, &author.actor, request).await?;
    Ok(answer(issued))
}
