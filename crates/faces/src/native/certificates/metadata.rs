//! What is noted about one certificate.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::CertificateId;
use certhold_domain::collections::Scope;
use certhold_domain::metadata::{self as domain, Change, Held, SetMetadata};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::one::Within;
use crate::auth::{Author, Bearer};
use crate::native::extract::{self, Id, Query};
use crate::native::hidden;
use crate::problem::Answer;
use crate::state::App;

/// Values by the names of their fields.
#[derive(Serialize, ToSchema)]
pub struct Metadata {
    /// A member for each field that has a value; all values are text.
    #[schema(example = json!({ "Team": "Web", "Tier": "2" }))]
    metadata: BTreeMap<String, String>,
}

/// Values as a member of the certificate.
pub fn by_name(held: Vec<Held>) -> BTreeMap<String, String> {
    held.into_iter().map(|held| (held.name, held.value)).collect()
}

/// New values by the names of their fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMetadata {
    /// Text, numbers and truth values; an empty text or null clears.
    #[schema(value_type = BTreeMap<String, String>, example = json!({ "Team": "Web", "Tier": "" }))]
    metadata: BTreeMap<String, Given>,
}

/// A value as it may be written in JSON.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a value is text, a whole number, true, false or null")]
pub enum Given {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// True or false.
    Truth(bool),
    /// Nothing.
    Null,
}

impl Given {
    /// The value as text; empty for nothing.
    pub fn into_text(self) -> String {
        match self {
            Given::Text(text) => text,
            Given::Number(number) => number.to_string(),
            Given::Truth(truth) => truth.to_string(),
            Given::Null => String::new(),
        }
    }
}

/// Changes that replace what is there.
pub fn changes(given: BTreeMap<String, Given>) -> Vec<Change> {
    given.into_iter().map(|(name, value)| Change::new(name, value.into_text())).collect()
}

/// Get what is noted about a certificate
#[utoipa::path(get, path = "/certificates/{id}/metadata", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), Within),
    responses((status = 200, description = "Values by field", body = Metadata)))]
pub async fn metadata(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Id(id): Id,
    Query(within): Query<Within>,
) -> Answer<Json<Metadata>> {
    let (id, scope) = (CertificateId(id), within.scope(&app));
    let found = app.read_as(caller, move |tx, actor| domain::of_in(tx, actor, id, scope)).await;
    Ok(Json(Metadata { metadata: by_name(found.map_err(hidden("certificate", id))?) }))
}

/// Change what is noted about a certificate
///
/// Fields that are not named stay as they are. A required field cannot be cleared.
#[utoipa::path(patch, path = "/certificates/{id}/metadata", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), Within), request_body = NewMetadata,
    responses((status = 204, description = "The values are these now")))]
pub async fn change_metadata(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Query(within): Query<Within>,
    extract::Json(new): extract::Json<NewMetadata>,
) -> Answer<StatusCode> {
    let Scope { collection, now, .. } = within.scope(&app);
    let command = SetMetadata { certificate: CertificateId(id), collection, changes: changes(new.metadata) };
    app.write(move |tx| domain::set(tx, &author.actor, &command, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replace what is noted about a certificate
///
/// Fields that are not named are cleared.
#[utoipa::path(put, path = "/certificates/{id}/metadata", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), Within), request_body = NewMetadata,
    responses((status = 204, description = "The values are these now, and no others")))]
pub async fn replace_metadata(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Query(within): Query<Within>,
    extract::Json(new): extract::Json<NewMetadata>,
) -> Answer<StatusCode> {
    let Scope { collection, now, .. } = within.scope(&app);
    let command = SetMetadata { certificate: CertificateId(id), collection, changes: changes(new.metadata) };
    app.write(move |tx| domain::replace(tx, &author.actor, &command, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
