//! Certificates for signing requests.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_domain::AuthorityId;
use certhold_domain::private_ca::{self, EnrolmentRequest, KeySource};
use certhold_pki::{CsrFacts, pem};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Names, Told, authority, csr_of, facts, noted, renews, under};
use crate::issue;
use crate::keyfactor::certificates::changes;
use crate::keyfactor::extract::{Author, Body, certificate_format};
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::{Answer, Refused};
use crate::state::App;

/// The routes of signing requests.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(for_request)).routes(routes!(parse))
}

enrolment_request! {
    /// A signing request for which a certificate is wanted.
    pub struct CsrRequest {
        /// PEM, or its base64 alone.
        #[serde(rename = "CSR")]
        csr: String,
        /// Whether the certificates above it are wanted too.
        #[serde(rename = "IncludeChain")]
        include_chain: Option<bool>,
        /// Of the request: it is not taken here, but imported.
        #[schema(value_type = Option<String>)]
        #[serde(rename = "PrivateKey")]
        private_key: Option<String>,
        /// Those of the request when there are none.
        #[serde(rename = "SANs")]
        names: Option<Names>,
    }
}

/// An issued certificate.
#[derive(Serialize, ToSchema)]
pub struct CsrInformation {
    #[serde(flatten)]
    told: Told,
    #[serde(rename = "KeyfactorID")]
    id: i64,
    /// The leaf first: PEM, or DER in base64.
    #[serde(rename = "Certificates")]
    certificates: Vec<String>,
}

/// The answer to a signing request.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct CsrIssued {
    certificate_information: CsrInformation,
    metadata: BTreeMap<String, String>,
}

/// Issue a certificate for a signing request
///
/// The header `x-certificateformat` chooses `PEM` or `DER`.
#[utoipa::path(post, path = "/Enrollment/CSR", tag = "Enrollment", request_body = CsrRequest, params(
    ("x-certificateformat" = String, Header, description = "PEM or DER")),
    responses((status = 200, description = "It is issued", body = CsrIssued)))]
pub async fn for_request(
    State(app): State<App>,
    author: Author,
    headers: HeaderMap,
    Body(mut sent): Body<CsrRequest>,
) -> Answer<Json<CsrIssued>> {
    let authority = authority(&author, sent.authority.take(), false).await?;
    let format = certificate_format(&headers, &["PEM", "DER"])?;
    if sent.private_key.take().map(SecretString::from).is_some_and(|key| !key.expose_secret().trim().is_empty()) {
        let why =
            "a key does not come with its request: leave it out, and send POST /Certificates/Import with the key afterwards";
        return Err(Refused::invalid("PrivateKey", why));
    }
    let key = KeySource::Request(csr_of(&sent.csr)?);
    let request = sent.request(&author, authority, key).await?;
    let metadata = request.metadata.clone();
    let issued = author.refusing(issue::enrol(&app, &author.actor, request).await)?;
    let facts = facts(&issued)?;
    let wanted = if sent.include_chain.unwrap_or(true) { usize::MAX } else { 1 };
    let spelled = |der: &Vec<u8>| if format == "PEM" { pem::encode(pem::CERTIFICATE, der) } else { STANDARD.encode(der) };
    let certificates = issued.chain.iter().take(wanted).map(spelled).collect();
    let certificate_information = CsrInformation { told: Told::of(&facts), id: issued.certificate.0, certificates };
    Ok(Json(CsrIssued { certificate_information, metadata: noted(&metadata) }))
}

/// A signing request to be looked at.
#[derive(Deserialize, ToSchema)]
pub struct ParseRequest {
    /// PEM, or its base64 alone.
    #[serde(rename = "CSR")]
    csr: String,
}

/// Look at a signing request
///
/// What it asks for, a line each.
#[utoipa::path(post, path = "/Enrollment/CSR/Parse", tag = "Enrollment", request_body = ParseRequest,
    responses((status = 200, description = "What it asks for", body = Vec<String>)))]
pub async fn parse(author: Author, Body(sent): Body<ParseRequest>) -> Answer<Json<Vec<String>>> {
    author.read(private_ca::require_may_enrol).await?;
    let facts = CsrFacts::of(&csr_of(&sent.csr)?).map_err(|error| Refused::invalid("CSR", error))?;
    let mut lines: Vec<String> = facts.subject.split_terminator(',').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    lines.extend(facts.names.iter().map(|name| format!("{}: {}", name.kind.as_str(), name.value)));
    lines.push(format!("Key Type: {}", facts.key_algorithm));
    lines.extend(facts.key_curve.map(|curve| format!("Curve: {curve}")));
    lines.extend(facts.key_bits.map(|bits| format!("Key Size: {bits}")));
    Ok(Json(lines))
}
