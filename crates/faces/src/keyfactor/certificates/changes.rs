//! What is noted about certificates.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::inventory::Filter;
use certhold_domain::metadata::{self, Change, SetMetadata};
use certhold_domain::{Actor, CertificateId};
use certhold_store::Tx;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::many::{Which, each_piece};
use crate::keyfactor::extract::{Asked, Author, Body, bounded};
use crate::keyfactor::refused::{Answer, Refused};
use crate::state::App;

/// The routes of metadata.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(set)).routes(routes!(set_all))
}

/// New values of one certificate.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct MetadataRequest {
    /// The certificate.
    id: i64,
    /// Values by the names of their fields; an empty one clears.
    #[schema(value_type = BTreeMap<String, String>)]
    metadata: Option<BTreeMap<String, Value>>,
}

/// A value as text: numbers and booleans as they are written, nothing for null.
pub(super) fn text_of(field: &str, value: &Value) -> Answer<String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(_) | Value::Object(_) => Err(Refused::invalid("Metadata", format!("{field}: a value is text"))),
    }
}

pub(in crate::keyfactor) fn changes(metadata: Option<BTreeMap<String, Value>>) -> Answer<Vec<Change>> {
    let change = |(field, value): (String, Value)| Ok(Change::new(field.clone(), text_of(&field, &value)?));
    metadata.unwrap_or_default().into_iter().map(change).collect()
}

/// Change the metadata of a certificate
///
/// Fields that are not named stay as they are. An empty value clears, also one of a field that is required of new certificates.
#[utoipa::path(put, path = "/Certificates/Metadata", tag = "Certificates", params(
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to change metadata"),
    ("containerId" = Option<i64>, Query, description = "Only if it is in a store of this container; the right must be held everywhere")),
    request_body = MetadataRequest, responses((status = 204, description = "These are the values now")))]
pub async fn set(State(app): State<App>, author: Author, asked: Asked, Body(sent): Body<MetadataRequest>) -> Answer<StatusCode> {
    let scope = asked.scope(app.now())?;
    let (id, changes) = (CertificateId(sent.id), changes(sent.metadata)?);
    author
        .write(move |tx, actor, now| {
            let command = SetMetadata { certificate: id, collection: scope.collection, changes: changes.clone() };
            metadata::overwrite_in(tx, actor, &command, scope, now)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// New values of many certificates: of those that are named, or of those that a query finds.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct MetadataAllRequest {
    /// A query.
    query: Option<String>,
    /// Certificates.
    certificate_ids: Option<Vec<i64>>,
    /// The collection in which they are.
    collection_id: Option<i64>,
    /// The new values.
    metadata: Option<Vec<MetadataChange>>,
}

/// A new value.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct MetadataChange {
    /// The field.
    metadata_name: String,
    /// The value; an empty one clears.
    #[schema(value_type = String)]
    value: Option<Value>,
    /// Whether a value that is there already gives way.
    #[serde(default)]
    overwrite_existing: bool,
}

/// Change the metadata of many certificates
///
/// At most 1,000 at once; what can be foreseen refuses all of them. They are written in pieces of 256, beside whatever others write;
/// edits of more are jobs of the native API.
#[utoipa::path(put, path = "/Certificates/Metadata/All", tag = "Certificates", params(
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to change metadata")),
    request_body = MetadataAllRequest, responses((status = 204, description = "These are the values now")))]
pub async fn set_all(
    State(app): State<App>,
    author: Author,
    asked: Asked,
    Body(sent): Body<MetadataAllRequest>,
) -> Answer<StatusCode> {
    let mut scope = asked.scope(app.now())?;
    scope.collection = scope.collection.or(sent.collection_id.filter(|id| *id != 0).map(certhold_domain::CollectionId));
    let change = |change: MetadataChange| {
        let value = text_of(&change.metadata_name, &change.value.unwrap_or(Value::Null))?;
        Ok(Change { field: change.metadata_name, value, overwrite: change.overwrite_existing })
    };
    let changes: Vec<Change> = sent.metadata.unwrap_or_default().into_iter().map(change).collect::<Answer<_>>()?;
    let (query, ids) = (sent.query.filter(|query| !query.trim().is_empty()), sent.certificate_ids);
    if query.is_some() == ids.is_some() {
        return Err(Refused::malformed("Send either Query or CertificateIds"));
    }
    if let Some(ids) = &ids {
        bounded("CertificateIds", ids)?;
    }
    let wanted = changes.clone();
    let (which, ids) = author
        .read(move |tx, actor| {
            let which = match ids {
                Some(ids) => Which::Named(ids.into_iter().map(CertificateId).collect()),
                None => Which::found(tx, actor, query.as_deref().unwrap_or_default(), Filter::default(), scope)?,
            };
            let ids = which.ids(tx, actor, scope)?;
            metadata::foresee(tx, actor, &ids, &wanted, scope)?;
            Ok((which, ids))
        })
        .await?;
    let note = move |tx: &mut Tx<'_>, actor: &Actor, ids: &[CertificateId], now: i64| {
        for certificate in ids {
            let command = SetMetadata { certificate: *certificate, collection: scope.collection, changes: changes.clone() };
            metadata::set_in(tx, actor, &command, scope, now)?;
        }
        Ok(())
    };
    each_piece(&author, which, ids, scope, note).await?;
    Ok(StatusCode::NO_CONTENT)
}
