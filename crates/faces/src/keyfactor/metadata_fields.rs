//! `/MetadataFields`: what can be noted about certificates.

use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::MetadataFieldId;
use certhold_domain::metadata::{self, Enrolment, Field, FieldCommand, FieldType};
use certhold_domain::query::{Kind, Scalar};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Asked, Author, Body, Caller, Id, Key, bounded, numbered};
use super::listing::{Listed, Short};
use super::protocol::Json;
use super::refused::{Answer, Refused};
use crate::state::App;

/// The routes of metadata fields.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create, update, remove_many)).routes(routes!(get, remove)).routes(routes!(in_use))
}

const TYPES: [(i64, FieldType); 7] = [
    (1, FieldType::String),
    (2, FieldType::Integer),
    (3, FieldType::Date),
    (4, FieldType::Boolean),
    (5, FieldType::MultipleChoice),
    (6, FieldType::BigText),
    (7, FieldType::Email),
];

/// The numbers of what is asked of metadata fields.
pub const ENROLMENTS: [(i64, Enrolment); 3] = [(0, Enrolment::Optional), (1, Enrolment::Required), (2, Enrolment::Hidden)];

fn of_number<T: Copy>(known: &[(i64, T)], number: i64, what: &str, words: &str) -> Answer<T> {
    let found = known.iter().find(|(known, _)| *known == number).map(|(_, one)| *one);
    found.ok_or_else(|| Refused::invalid(what, words))
}

fn number<T: PartialEq>(known: &[(i64, T)], wanted: &T) -> i64 {
    known.iter().find(|(_, one)| one == wanted).map_or(0, |(number, _)| *number)
}

/// A field.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct MetadataField {
    id: i64,
    name: String,
    description: String,
    /// 1 string, 2 integer, 3 date, 4 boolean, 5 multiple choice, 6 big text, 7 mail address.
    data_type: i64,
    hint: String,
    /// A regular expression that values must match; strings only.
    validation: String,
    /// 0 optional, 1 required, 2 hidden.
    enrollment: i64,
    /// What is said when a value does not match.
    message: String,
    /// What can be chosen, with commas between.
    options: String,
    default_value: String,
    display_order: i64,
}

impl From<Field> for MetadataField {
    fn from(field: Field) -> MetadataField {
        MetadataField {
            id: field.id.0,
            data_type: number(&TYPES, &field.kind),
            enrollment: number(&ENROLMENTS, &field.enrolment),
            name: field.name,
            description: field.description,
            hint: field.hint,
            validation: field.validation,
            message: field.message,
            options: field.options.join(","),
            default_value: field.default,
            display_order: field.display_order,
        }
    }
}

/// A field as it shall be.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct MetadataFieldRequest {
    /// Which field, to change it.
    id: Option<i64>,
    name: String,
    description: Option<String>,
    data_type: i64,
    hint: Option<String>,
    validation: Option<String>,
    enrollment: Option<i64>,
    message: Option<String>,
    options: Option<String>,
    default_value: Option<String>,
    display_order: Option<i64>,
}

impl MetadataFieldRequest {
    fn command(&self) -> Answer<FieldCommand> {
        let kind = of_number(&TYPES, self.data_type, "DataType", "a number from 1 to 7")?;
        let enrolment = of_number(&ENROLMENTS, self.enrollment.unwrap_or(0), "Enrollment", "0 optional, 1 required, 2 hidden")?;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let options = self.options.as_deref().unwrap_or_default();
        let options = options.split(',').map(str::trim).filter(|option| !option.is_empty()).map(str::to_owned).collect();
        Ok(FieldCommand {
            name: self.name.clone(),
            description: text(&self.description),
            kind,
            hint: text(&self.hint),
            validation: text(&self.validation),
            message: text(&self.message),
            options,
            default: text(&self.default_value),
            enrolment,
            display_order: self.display_order.unwrap_or(0),
        })
    }
}

/// List metadata fields
#[utoipa::path(get, path = "/MetadataFields", tag = "MetadataFields", params(
    ("QueryString" = Option<String>, Query, description = "A query over Id, Name, Description and DataType"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "One of these fields, or DisplayOrder (default)"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of fields", body = Vec<MetadataField>)))]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<MetadataField>> {
    let (found, me) = caller.read(|tx, actor| Ok((metadata::list(tx, actor)?, actor.name.clone()))).await?;
    let short = Short::<Field> {
        fields: &[
            ("DisplayOrder", Kind::Number),
            ("Id", Kind::Number),
            ("Name", Kind::Text),
            ("Description", Kind::Text),
            ("DataType", Kind::Number),
        ],
        values: |field| {
            vec![
                Some(Scalar::Number(field.display_order)),
                Some(Scalar::Number(field.id.0)),
                Some(Scalar::Text(field.name.clone())),
                Some(Scalar::Text(field.description.clone())),
                Some(Scalar::Number(number(&TYPES, &field.kind))),
            ]
        },
    };
    Ok(short.page(found, &asked, app.now(), &me)?.map(MetadataField::from))
}

/// Get a metadata field by its id or its name
#[utoipa::path(get, path = "/MetadataFields/{id}", tag = "MetadataFields",
    params(("id" = String, Path, description = "Its id, or its name")),
    responses((status = 200, description = "The field", body = MetadataField)))]
pub async fn get(caller: Caller, Key(key): Key) -> Answer<Json<MetadataField>> {
    let found = caller
        .read(move |tx, actor| match numbered(&key) {
            Some(id) => metadata::get(tx, actor, MetadataFieldId(id)),
            None => metadata::by_name(tx, actor, &key),
        })
        .await?;
    Ok(Json(found.into()))
}

/// Say whether any certificate has a value in a metadata field
#[utoipa::path(get, path = "/MetadataFields/{id}/InUse", tag = "MetadataFields", params(("id" = i64, Path, description = "The field")),
    responses((status = 200, description = "Whether one has", body = bool)))]
pub async fn in_use(caller: Caller, Id(id): Id) -> Answer<Json<bool>> {
    Ok(Json(caller.read(move |tx, actor| metadata::usage(tx, actor, MetadataFieldId(id))).await? > 0))
}

/// Create a metadata field
#[utoipa::path(post, path = "/MetadataFields", tag = "MetadataFields", request_body = MetadataFieldRequest,
    responses((status = 200, description = "The new field", body = MetadataField)))]
pub async fn create(author: Author, Body(sent): Body<MetadataFieldRequest>) -> Answer<Json<MetadataField>> {
    let command = sent.command()?;
    let made = author
        .write(move |tx, actor, now| {
            let id = metadata::create(tx, actor, &command, now)?;
            metadata::get(tx, actor, id)
        })
        .await?;
    Ok(Json(made.into()))
}

/// Replace a metadata field
#[utoipa::path(put, path = "/MetadataFields", tag = "MetadataFields", request_body = MetadataFieldRequest,
    responses((status = 200, description = "The field", body = MetadataField)))]
pub async fn update(author: Author, Body(sent): Body<MetadataFieldRequest>) -> Answer<Json<MetadataField>> {
    let id = MetadataFieldId(sent.id.ok_or_else(|| Refused::invalid("Id", "say which field"))?);
    let command = sent.command()?;
    let changed = author
        .write(move |tx, actor, now| {
            metadata::update(tx, actor, id, &command, now)?;
            metadata::get(tx, actor, id)
        })
        .await?;
    Ok(Json(changed.into()))
}

/// Remove a metadata field
///
/// One that certificates have values in only with force, which erases them.
#[utoipa::path(delete, path = "/MetadataFields/{id}", tag = "MetadataFields", params(
    ("id" = i64, Path, description = "The field"),
    ("force" = Option<bool>, Query, description = "Also when certificates have values in it")),
    responses((status = 204, description = "It is gone, or its removal has begun")))]
pub async fn remove(author: Author, Id(id): Id, asked: Asked) -> Answer<StatusCode> {
    let force = asked.flag("force")?;
    author.write(move |tx, actor, now| metadata::remove(tx, actor, MetadataFieldId(id), force, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove several metadata fields
///
/// All or none.
#[utoipa::path(delete, path = "/MetadataFields", tag = "MetadataFields", params(
    ("force" = Option<bool>, Query, description = "Also when certificates have values in them")), request_body = Vec<i64>,
    responses((status = 204, description = "They are gone, or their removal has begun")))]
pub async fn remove_many(author: Author, asked: Asked, Body(ids): Body<Vec<i64>>) -> Answer<StatusCode> {
    let force = asked.flag("force")?;
    bounded("the list of ids", &ids)?;
    author
        .write(move |tx, actor, now| {
            ids.iter().try_for_each(|id| metadata::remove(tx, actor, MetadataFieldId(*id), force, now).map(drop))
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
