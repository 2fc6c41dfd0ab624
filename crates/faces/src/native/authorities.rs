//! `/authorities`: private certification authorities, and what they issue.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::enrolment::{self, Under};
use certhold_domain::private_ca::{self, Bounds, EnrolmentRequest, KeySource, NewAuthority, Profile};
use certhold_domain::renewal::KeyKind;
use certhold_domain::{AuthorityId, CertificateId, Refusal, RoleId, metadata};
use certhold_pki::pem;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::created::Created;
use super::extract::{Id, Json as Body};
use super::hidden;
use super::page::Page;
use super::time::Time;
use crate::auth::{Author, Bearer};
use crate::issue;
use crate::problem::Answer;
use crate::state::App;

/// The routes of private authorities.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get)).routes(routes!(retire)).routes(routes!(enrol))
}

/// A private certification authority.
#[derive(Serialize, ToSchema)]
pub struct Authority {
    /// Its handle.
    id: i64,
    /// Unique without regard to case.
    #[schema(example = "Example Issuing CA")]
    name: String,
    /// Its certificate in the inventory.
    certificate: i64,
    /// Its distinguished name.
    subject: String,
    /// End of its validity.
    not_after: Time,
    /// Its key.
    #[schema(example = "EC P-256")]
    key: String,
    /// Who signed it, unless it did itself.
    parent: Option<i64>,
    /// With how many authorities below it at most; null: any number.
    path_length: Option<u8>,
    /// Names that certificates below it may have; empty: any.
    permitted: Vec<String>,
    /// Names that they may not have.
    excluded: Vec<String>,
    /// Where its certificate (`/ca/ID.cer`) and revocation list (`/crl/ID.crl`) are found; empty: certificates name no place.
    base_url: String,
    /// How many days a revocation list holds.
    list_days: i64,
    /// Whether it issues; a retired one only publishes its revocation list.
    active: bool,
    /// Number of the revocation list that stands.
    list_number: Option<i64>,
    /// Until when that list holds.
    list_until: Option<Time>,
    /// How many certificates it issued.
    issued: i64,
    /// When it was made.
    created_at: Time,
}

impl From<private_ca::Authority> for Authority {
    fn from(one: private_ca::Authority) -> Authority {
        Authority {
            id: one.id.0,
            name: one.name,
            certificate: one.certificate.0,
            subject: one.subject,
            not_after: Time(one.not_after),
            key: one.key,
            parent: one.parent.map(|id| id.0),
            path_length: one.bounds.path_length,
            permitted: one.bounds.permitted,
            excluded: one.bounds.excluded,
            base_url: one.base_url,
            list_days: one.list_days,
            active: one.active,
            list_number: one.list.as_ref().map(|list| list.number),
            list_until: one.list.map(|list| Time(list.until)),
            issued: one.issued,
            created_at: Time(one.created_at),
        }
    }
}

/// An authority to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorityInput {
    /// Unique without regard to case.
    #[schema(example = "Example Root CA")]
    name: String,
    /// Its distinguished name.
    #[schema(example = "CN=Example Root CA, O=Example, C=DE")]
    subject: String,
    /// p256, p384 (default), p521, rsa2048, rsa3072, rsa4096, ed25519 or mldsa65.
    #[serde(default)]
    key_kind: Option<String>,
    /// Its life; 3650 by default.
    #[serde(default)]
    days: Option<i64>,
    /// Who signs it; itself otherwise.
    #[serde(default)]
    parent: Option<i64>,
    /// With how many authorities below it at most; any number otherwise.
    #[serde(default)]
    path_length: Option<u8>,
    /// Only names within these: `example.org`, `192.0.2.0/24`, `@example.org`.
    #[serde(default)]
    permitted: Vec<String>,
    /// No names within these.
    #[serde(default)]
    excluded: Vec<String>,
    /// Where clients find its certificate and list: `http://pki.example.org`.
    #[serde(default)]
    base_url: String,
    /// How many days a revocation list holds; 7 by default.
    #[serde(default)]
    list_days: Option<i64>,
}

/// List private authorities
#[utoipa::path(get, path = "/authorities", tag = "private authorities",
    responses((status = 200, description = "All private authorities, by name", body = Page<Authority>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<Authority>> {
    let found = app.read_as(caller, private_ca::list).await?;
    Ok(Page::whole(found.into_iter().map(Authority::from).collect()))
}

/// Make a private authority
///
/// Its key is made in custody and never leaves it.
#[utoipa::path(post, path = "/authorities", tag = "private authorities", request_body = AuthorityInput,
    responses((status = 201, description = "The new authority", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<AuthorityInput>) -> Answer<Created> {
    let new = NewAuthority {
        name: input.name,
        subject: input.subject,
        key_kind: KeyKind::parse(input.key_kind.as_deref().unwrap_or("p384"))?,
        days: input.days.unwrap_or(3_650),
        parent: input.parent.map(AuthorityId),
        bounds: Bounds { path_length: input.path_length, permitted: input.permitted, excluded: input.excluded },
        base_url: input.base_url,
        list_days: input.list_days.unwrap_or(7),
    };
    let id = issue::make(&app, &author.actor, new).await?;
    Ok(Created::at("authorities", id.0))
}

/// Get a private authority
#[utoipa::path(get, path = "/authorities/{id}", tag = "private authorities",
    params(("id" = i64, Path, description = "The authority")),
    responses((status = 200, description = "The authority", body = Authority)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<Authority>> {
    let id = AuthorityId(id);
    let found = app.read_as(caller, move |tx, actor| private_ca::get(tx, actor, id)).await;
    Ok(Json(found.map_err(hidden("private authority", id))?.into()))
}

/// Retire a private authority
///
/// It issues nothing more, and goes on publishing its revocation list.
#[utoipa::path(post, path = "/authorities/{id}/retire", tag = "private authorities",
    params(("id" = i64, Path, description = "The authority")), responses((status = 204, description = "It is retired")))]
pub async fn retire(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| private_ca::retire(tx, &author.actor, AuthorityId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A certificate to be issued.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentInput {
    /// `server` (default), `client`, `server_client`, `mail` or `code_signing`; its default enrolment pattern holds.
    #[serde(default)]
    profile: Option<String>,
    /// The signing request, PEM. Without one a key is made, which stays in custody.
    #[serde(default)]
    csr: Option<String>,
    /// The key to be made: p256 (default), p384, p521, rsa2048, rsa3072, rsa4096, ed25519 or mldsa65.
    #[serde(default)]
    key_kind: Option<String>,
    /// Whom it is for; of a signing request its own by default.
    #[serde(default)]
    #[schema(example = "CN=shop.example.org, O=Example")]
    subject: Option<String>,
    /// The names it is for: host names, addresses, mail addresses, or with a kind before them (`dns:`, `ip:`, `email:`, `uri:`, `upn:`);
    /// of a signing request its own by default.
    #[serde(default)]
    #[schema(example = json!(["shop.example.org"]))]
    names: Vec<String>,
    /// Its life; the profile's by default. It ends with its authority at the latest.
    #[serde(default)]
    days: Option<i64>,
    /// The owner role.
    #[serde(default)]
    owner_role: Option<i64>,
    /// What is noted about it, by the names of metadata fields.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// What was issued.
#[derive(Serialize, ToSchema)]
pub struct Enrolled {
    /// The certificate in the inventory.
    certificate: i64,
    /// It and those above it, PEM, the leaf first.
    chain: String,
}

impl Enrolled {
    /// A certificate with its chain.
    pub fn new(certificate: CertificateId, chain: String) -> Enrolled {
        Enrolled { certificate: certificate.0, chain }
    }
}

/// Issue a certificate
///
/// For a signing request, or for a key that is made here and stays in custody.
#[utoipa::path(post, path = "/authorities/{id}/certificates", tag = "private authorities",
    params(("id" = i64, Path, description = "The authority")), request_body = EnrolmentInput,
    responses((status = 201, description = "It is issued and in the inventory", body = Enrolled)))]
pub async fn enrol(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<EnrolmentInput>,
) -> Answer<(StatusCode, Json<Enrolled>)> {
    let key = match (&input.csr, &input.key_kind) {
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid("key_kind", "a signing request has its key already: give one of both").into());
        }
        (Some(csr), None) => KeySource::Request(issue::signing_request(csr)?),
        (None, kind) => KeySource::Made(kind.as_deref().map(KeyKind::parse).transpose()?),
    };
    let request = EnrolmentRequest {
        under: Under::Template(Profile::parse(input.profile.as_deref().unwrap_or("server"))?),
        authority: Some(AuthorityId(id)),
        key,
        subject: input.subject.filter(|subject| !subject.trim().is_empty()),
        names: input.names.iter().map(|name| enrolment::general_name(name)).collect::<Result<_, _>>()?,
        days: input.days,
        owner: input.owner_role.map(RoleId),
        metadata: input.metadata.into_iter().map(|(field, value)| metadata::Change { field, value, overwrite: true }).collect(),
        delivered: false,
        renews: None,
    };
    let issued = issue::enrol(&app, &author.actor, request).await?;
    let chain = issued.chain.iter().map(|der| pem::encode(pem::CERTIFICATE, der)).collect();
    Ok((StatusCode::CREATED, Json(Enrolled { certificate: issued.certificate.0, chain })))
}
