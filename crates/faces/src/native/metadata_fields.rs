//! `/metadata-fields`: what can be noted about certificates.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use certhold_domain::MetadataFieldId;
use certhold_domain::metadata::{self, Enrolment, FieldCommand, FieldType, Removal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::created::Created;
use super::extract::{Id, Json as Body, Query};
use super::page::Page;
use super::{ROOT, hidden};
use crate::auth::{Author, Bearer};
use crate::problem::Answer;
use crate::state::App;

/// The routes of metadata fields.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, remove))
        .routes(routes!(usage))
        .routes(routes!(conversion))
}

/// A metadata field.
#[derive(Serialize, ToSchema)]
pub struct MetadataField {
    /// Its handle.
    id: i64,
    /// Unique without regard to case; the name used in queries.
    #[schema(example = "Team")]
    name: String,
    /// What it is for.
    description: String,
    /// `string`, `integer`, `date`, `boolean`, `multiple_choice`, `big_text` or `email`.
    #[serde(rename = "type")]
    #[schema(example = "string")]
    kind: &'static str,
    /// What forms show beside it.
    hint: String,
    /// A regular expression that values match somewhere; empty for none.
    validation: String,
    /// What is said when it does not match.
    message: String,
    /// What can be chosen.
    options: Vec<String>,
    /// The value of new certificates for which none is given; empty for none.
    default: String,
    /// `optional`, `required` or `hidden`.
    #[schema(example = "optional")]
    enrolment: &'static str,
    /// Fields are shown in ascending order.
    display_order: i64,
    /// Its removal is under way.
    removing: bool,
}

impl From<metadata::Field> for MetadataField {
    fn from(field: metadata::Field) -> MetadataField {
        MetadataField {
            id: field.id.0,
            name: field.name,
            description: field.description,
            kind: field.kind.name(),
            hint: field.hint,
            validation: field.validation,
            message: field.message,
            options: field.options,
            default: field.default,
            enrolment: field.enrolment.name(),
            display_order: field.display_order,
            removing: field.removing,
        }
    }
}

/// A metadata field as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MetadataFieldInput {
    /// Letters, digits, `_` and `-`, beginning with a letter; unique without regard to case.
    #[schema(example = "Team")]
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// `string`, `integer`, `date`, `boolean`, `multiple_choice`, `big_text` or `email`.
    #[serde(rename = "type")]
    #[schema(example = "string")]
    kind: String,
    /// What forms show beside it.
    #[serde(default)]
    hint: String,
    /// A regular expression that values must match somewhere: anchor it with `^` and `$`. Strings only.
    #[serde(default)]
    validation: String,
    /// What is said when it does not match.
    #[serde(default)]
    message: String,
    /// What can be chosen. Multiple choice only.
    #[serde(default)]
    options: Vec<String>,
    /// The value of new certificates for which none is given; empty for none.
    #[serde(default)]
    default: String,
    /// `optional` (default), `required` or `hidden`.
    enrolment: Option<String>,
    /// Fields are shown in ascending order.
    #[serde(default)]
    display_order: i64,
}

impl MetadataFieldInput {
    fn command(self) -> Result<FieldCommand, certhold_domain::Refusal> {
        let enrolment = self.enrolment.as_deref().map(Enrolment::parse).transpose()?.unwrap_or(Enrolment::Optional);
        Ok(FieldCommand {
            name: self.name,
            description: self.description,
            kind: FieldType::parse(&self.kind)?,
            hint: self.hint,
            validation: self.validation,
            message: self.message,
            options: self.options,
            default: self.default,
            enrolment,
            display_order: self.display_order,
        })
    }
}

/// List metadata fields
///
/// Everybody with valid credentials may.
#[utoipa::path(get, path = "/metadata-fields", tag = "metadata",
    responses((status = 200, description = "All fields, in the order in which they are shown", body = Page<MetadataField>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<MetadataField>> {
    let found = app.read_as(caller, metadata::list).await?;
    Ok(Page::whole(found.into_iter().map(MetadataField::from).collect()))
}

/// Create a metadata field
#[utoipa::path(post, path = "/metadata-fields", tag = "metadata", request_body = MetadataFieldInput,
    responses((status = 201, description = "The new field", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<MetadataFieldInput>) -> Answer<Created> {
    let (command, now) = (input.command()?, app.now());
    let id = app.write(move |tx| metadata::create(tx, &author.actor, &command, now)).await?;
    Ok(Created::at("metadata-fields", id.0))
}

/// Get a metadata field
#[utoipa::path(get, path = "/metadata-fields/{id}", tag = "metadata", params(("id" = i64, Path, description = "The field")),
    responses((status = 200, description = "The field", body = MetadataField)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<MetadataField>> {
    let found = app.read_as(caller, move |tx, actor| metadata::get(tx, actor, MetadataFieldId(id))).await?;
    Ok(Json(found.into()))
}

/// Replace a metadata field
///
/// Another type, or fewer options, only when all values fit.
#[utoipa::path(put, path = "/metadata-fields/{id}", tag = "metadata", params(("id" = i64, Path, description = "The field")),
    request_body = MetadataFieldInput, responses((status = 204, description = "It is replaced")))]
pub async fn update(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<MetadataFieldInput>,
) -> Answer<StatusCode> {
    let (command, now) = (input.command()?, app.now());
    app.write(move |tx| metadata::update(tx, &author.actor, MetadataFieldId(id), &command, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How to remove.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RemovalParameters {
    /// Whether values that certificates have are erased.
    #[serde(default)]
    force: bool,
}

/// A removal that takes a while.
#[derive(Serialize, ToSchema)]
pub struct RemovalStarted {
    /// The edit of many certificates that erases the values, and then the field.
    bulk_edit: i64,
}

/// Remove a metadata field
///
/// One in which certificates have values only with `force`. When there are many, a job erases them.
#[utoipa::path(delete, path = "/metadata-fields/{id}", tag = "metadata",
    params(("id" = i64, Path, description = "The field"), RemovalParameters),
    responses((status = 204, description = "It is gone"), (status = 202, description = "A job removes it", body = RemovalStarted)))]
pub async fn remove(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Query(given): Query<RemovalParameters>,
) -> Answer<Response> {
    let now = app.now();
    let removed = app.write(move |tx| metadata::remove(tx, &author.actor, MetadataFieldId(id), given.force, now)).await?;
    Ok(match removed {
        Removal::Done => StatusCode::NO_CONTENT.into_response(),
        Removal::Started(edit) => {
            let location = format!("{ROOT}/bulk-edits/{edit}");
            let body = Json(RemovalStarted { bulk_edit: edit.0 });
            (StatusCode::ACCEPTED, [(axum::http::header::LOCATION, location)], body).into_response()
        }
    })
}

/// How a field is used.
#[derive(Serialize, ToSchema)]
pub struct Usage {
    /// Certificates with a value.
    certificates: i64,
    /// The collections whose queries look at it, by name: another name or type of the field, and its removal, change what is in them.
    collections: Vec<CollectionNamed>,
}

/// A collection.
#[derive(Serialize, ToSchema)]
pub struct CollectionNamed {
    /// Its handle.
    id: i64,
    /// Its name.
    name: String,
}

/// Get how a field is used
///
/// How many certificates have a value in it, and which collections look at it.
#[utoipa::path(get, path = "/metadata-fields/{id}/usage", tag = "metadata", params(("id" = i64, Path, description = "The field")),
    responses((status = 200, description = "How it is used", body = Usage)))]
pub async fn usage(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<Usage>> {
    let id = MetadataFieldId(id);
    let found =
        app.read_as(caller, move |tx, actor| Ok((metadata::usage(tx, actor, id)?, metadata::collections_using(tx, actor, id)?)));
    let (certificates, using) = found.await.map_err(hidden("metadata field", id))?;
    let collections = using.into_iter().map(|(id, name)| CollectionNamed { id: id.0, name }).collect();
    Ok(Json(Usage { certificates, collections }))
}

/// What a change of a field would mean for its values.
#[derive(Serialize, ToSchema)]
pub struct ConversionResult {
    /// Certificates with a value.
    values: i64,
    /// Values that do not fit.
    misfits: i64,
    /// Some of them.
    examples: Vec<MisfitShown>,
}

/// A value that does not fit.
#[derive(Serialize, ToSchema)]
pub struct MisfitShown {
    /// Whose value it is.
    certificate: i64,
    /// The value.
    value: String,
    /// Why it does not fit.
    reason: String,
}

/// Look at what another type would mean
///
/// Says how many values would not fit the field as it is described in the body. Changes nothing.
#[utoipa::path(post, path = "/metadata-fields/{id}/conversion", tag = "metadata",
    params(("id" = i64, Path, description = "The field")), request_body = MetadataFieldInput,
    responses((status = 200, description = "How many values fit", body = ConversionResult)))]
pub async fn conversion(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<MetadataFieldInput>,
) -> Answer<Json<ConversionResult>> {
    let command = input.command()?;
    let found = app.read(move |tx| metadata::conversion(tx, &author.actor, MetadataFieldId(id), &command)).await?;
    let misfit = |one: metadata::Misfit| MisfitShown { certificate: one.certificate.0, value: one.value, reason: one.reason };
    let examples = found.examples.into_iter().map(misfit).collect();
    Ok(Json(ConversionResult { values: found.values, misfits: found.misfits, examples }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn a_field_lives_from_creation_to_forced_removal() {
        let test = TestApp::new().await;
        let certificate = test.import_samples(1).await[0];
        let made = json!({ "name": "Stage", "type": "multiple_choice", "options": ["Prod", "Test"], "enrolment": "hidden" });
        let reply = test.post("/api/v1/metadata-fields", made).await;
        let location = reply.headers["location"].to_str().unwrap().to_owned();
        reply.expect(201);
        let field = test.get(&location).await.expect(200);
        assert_eq!((&field["type"], &field["enrolment"]), (&json!("multiple_choice"), &json!("hidden")));

        let of = format!("/api/v1/certificates/{certificate}");
        let metadata = format!("{of}/metadata");
        test.call("PATCH", &metadata, &test.admin, Some(&json!({ "metadata": { "stage": "prod" } }))).await.expect(204);
        assert_eq!(test.get(&of).await.expect(200)["metadata"], json!({ "Stage": "Prod" }));
        assert_eq!(test.get(&metadata).await.expect(200)["metadata"], json!({ "Stage": "Prod" }));
        assert_eq!(test.get(&format!("{location}/usage")).await.expect(200)["certificates"], 1);
        let other = json!({ "name": "Stage", "type": "integer" });
        let looked = test.post(&format!("{location}/conversion"), other.clone()).await.expect(200);
        assert_eq!(
            (&looked["values"], &looked["misfits"], &looked["examples"][0]["value"]),
            (&json!(1), &json!(1), &json!("Prod"))
        );
        test.put(&location, other).await.expect(409);
        test.delete(&location).await.expect(409);
        test.put(&metadata, json!({ "metadata": {} })).await.expect(204);
        assert_eq!(test.get(&metadata).await.expect(200)["metadata"], json!({}));
        test.put(&metadata, json!({ "metadata": { "Stage": "Test" } })).await.expect(204);
        test.delete(&format!("{location}?force=true")).await.expect(204);
        test.get(&location).await.expect(404);
        assert_eq!(test.get(&of).await.expect(200)["metadata"], json!({}));
    }

    #[tokio::test]
    async fn imports_take_metadata_in_every_form() {
        let test = TestApp::new().await;
        let tier = json!({ "name": "Tier", "type": "integer", "enrolment": "required" });
        test.post("/api/v1/metadata-fields", tier).await.expect(201);
        let pem = crate::testing::sample_pem(7);
        let before = test.events().await;
        let problem = test.post("/api/v1/certificates", json!({ "content": pem })).await.expect(400);
        assert_eq!(problem["field"], "metadata");
        let wrong = json!({ "content": pem, "metadata": { "Tier": "x" } });
        test.post("/api/v1/certificates", wrong).await.expect(400);
        assert_eq!(test.events().await, before);
        let right = json!({ "content": pem, "metadata": { "tier": 2 } });
        let id = test.post("/api/v1/certificates", right).await.expect(200)["items"][0]["certificate"].clone();
        assert_eq!(test.get(&format!("/api/v1/certificates/{id}")).await.expect(200)["metadata"], json!({ "Tier": "2" }));
        let request = |query: &str| {
            axum::http::Request::post(format!("/api/v1/certificates{query}"))
                .header("authorization", format!("Bearer {}", test.admin))
                .header("content-type", "application/x-pem-file")
                .body(axum::body::Body::from(crate::testing::sample_pem(8)))
                .unwrap()
        };
        test.send(request("?metadata=%7B%22Tier%22%3A")).await.expect(400);
        let id = test.send(request("?metadata=%7B%22Tier%22%3A%223%22%7D")).await.expect(200)["items"][0]["certificate"].clone();
        assert_eq!(test.get(&format!("/api/v1/certificates/{id}")).await.expect(200)["metadata"], json!({ "Tier": "3" }));
    }
}
