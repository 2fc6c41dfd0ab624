//! `/metadata`: fields for what is noted about certificates.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::{self, paths};
use certhold_domain::metadata::{self, Enrolment, Field, FieldCommand, FieldType, Removal};
use certhold_domain::{Actor, MetadataFieldId, Refusal};
use certhold_store::Tx;

use super::Ids;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::view::form::{Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::metadata::{FieldForm, FieldRow, MetadataFieldPage, MetadataPage};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/metadata", get(list))
        .route("/metadata/new", get(show_new).post(create))
        .route("/metadata/{id}", get(show).post(update))
        .route("/metadata/{id}/remove", post(remove))
}

/// Types as people call them.
const TYPES: [(FieldType, &str); 7] = [
    (FieldType::String, "Text"),
    (FieldType::Integer, "Whole number"),
    (FieldType::Date, "Date"),
    (FieldType::Boolean, "Yes or no"),
    (FieldType::MultipleChoice, "Choice"),
    (FieldType::BigText, "Text of several lines"),
    (FieldType::Email, "Mail address"),
];

/// The type of a field as people call it.
pub fn kind_label(field: &Field) -> &'static str {
    TYPES.iter().find(|(kind, _)| *kind == field.kind).map_or("", |(_, label)| label)
}

async fn list(visit: Visit) -> Result<Response, Refused> {
    let find =
        |tx: &mut Tx<'_>, actor: &Actor| Ok((metadata::list(tx, actor)?, holds(&actor.access, paths::METADATA_TYPES_MODIFY)));
    let (viewer, (fields, may_change)) = visit.read(find).await?;
    let row = |field: Field| FieldRow {
        href: if may_change { format!("/metadata/{}", field.id) } else { String::new() },
        kind: kind_label(&field).to_owned(),
        enrolment: if field.removing { "being removed".into() } else { field.enrolment.name().to_owned() },
        name: field.name,
        description: field.description,
        default: field.default,
    };
    let rows = fields.into_iter().map(row).collect();
    visit.ok(&MetadataPage { frame: visit.frame("Metadata", Section::Metadata, viewer), rows, may_change })
}

fn form(sent: &Fields) -> FieldForm {
    let input = |name: &str| Input::of(sent.text(name));
    FieldForm {
        error: None,
        name: input("name"),
        description: input("description"),
        kind: kinds(sent.text("type")),
        hint: input("hint"),
        validation: input("validation"),
        message: input("message"),
        options: input("options"),
        default: input("default"),
        enrolment: enrolments(sent.text("enrolment")),
        display_order: input("display_order"),
    }
}

fn kinds(chosen: &str) -> Select {
    Select::of(TYPES.iter().map(|(kind, label)| Choice::new(kind.name(), *label)).collect()).choose(chosen)
}

fn enrolments(chosen: &str) -> Select {
    let labels = [
        (Enrolment::Optional, "A value may be given"),
        (Enrolment::Required, "A value must be given"),
        (Enrolment::Hidden, "Forms do not show the field"),
    ];
    Select::of(labels.iter().map(|(setting, label)| Choice::new(setting.name(), *label)).collect()).choose(chosen)
}

fn of(field: &Field) -> FieldForm {
    FieldForm {
        error: None,
        name: Input::of(&field.name),
        description: Input::of(&field.description),
        kind: kinds(field.kind.name()),
        hint: Input::of(&field.hint),
        validation: Input::of(&field.validation),
        message: Input::of(&field.message),
        options: Input::of(field.options.join("\n")),
        default: Input::of(&field.default),
        enrolment: enrolments(field.enrolment.name()),
        display_order: Input::of(field.display_order.to_string()),
    }
}

fn refused(sent: &Fields, complaint: Complaint) -> FieldForm {
    let mut form = form(sent);
    let mut places = [
        ("name", &mut form.name.error),
        ("description", &mut form.description.error),
        ("type", &mut form.kind.error),
        ("hint", &mut form.hint.error),
        ("validation", &mut form.validation.error),
        ("message", &mut form.message.error),
        ("options", &mut form.options.error),
        ("default", &mut form.default.error),
        ("enrolment", &mut form.enrolment.error),
        ("display_order", &mut form.display_order.error),
    ];
    complaint.place(&mut form.error, &mut places);
    form
}

fn command(sent: &Fields) -> Result<FieldCommand, Refusal> {
    let order = sent.text("display_order").trim();
    let wrong = |_| Refusal::invalid("display_order", "the order is a whole number");
    Ok(FieldCommand {
        name: sent.text("name").to_owned(),
        description: sent.text("description").trim().to_owned(),
        kind: FieldType::parse(sent.text("type"))?,
        hint: sent.text("hint").to_owned(),
        validation: sent.text("validation").trim().to_owned(),
        message: sent.text("message").to_owned(),
        options: sent.lines("options"),
        default: sent.text("default").to_owned(),
        enrolment: Enrolment::parse(sent.text("enrolment"))?,
        display_order: if order.is_empty() { 0 } else { order.parse().map_err(wrong)? },
    })
}

async fn show_new(visit: Visit) -> Result<Response, Refused> {
    page_new(&visit, StatusCode::OK, FieldForm { enrolment: enrolments("optional"), ..form(&Fields::default()) }).await
}

async fn page_new(visit: &Visit, status: StatusCode, form: FieldForm) -> Result<Response, Refused> {
    let (viewer, ()) = visit.read(|tx, actor| access::require_path(tx, actor, paths::METADATA_TYPES_MODIFY)).await?;
    let frame = visit.frame("New field", Section::Metadata, viewer).below("Metadata", "/metadata");
    let action = "/metadata/new".into();
    Ok(visit.page(status, &MetadataFieldPage { frame, action, is_new: true, used: None, remove: None, form }))
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    author.require(paths::METADATA_TYPES_MODIFY)?;
    let outcome = match command(&sent.fields) {
        Ok(new) => author.write(move |tx, actor, now| metadata::create(tx, actor, &new, now)).await,
        Err(refusal) => Err(refusal.into()),
    };
    match outcome {
        Ok(_) => Ok(author.done("/metadata", "The field was added.")),
        Err(error) => {
            let form = refused(&sent.fields, author.complaint(error)?);
            page_new(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, form).await
        }
    }
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    page(&visit, MetadataFieldId(ids.first()), StatusCode::OK, None).await
}

async fn page(visit: &Visit, id: MetadataFieldId, status: StatusCode, form: Option<FieldForm>) -> Result<Response, Refused> {
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        access::require_path(tx, actor, paths::METADATA_TYPES_MODIFY)?;
        let field = metadata::get(tx, actor, id)?;
        let may_count = holds(&actor.access, paths::METADATA_TYPES_READ);
        let used = if may_count { Some(metadata::usage(tx, actor, id)?) } else { None };
        Ok((field, used))
    };
    let (viewer, (field, used)) = visit.read(find).await?;
    let page = MetadataFieldPage {
        frame: visit.frame(&field.name, Section::Metadata, viewer).below("Metadata", "/metadata"),
        action: format!("/metadata/{id}"),
        is_new: false,
        used,
        remove: (!field.removing).then(|| format!("/metadata/{id}/remove")),
        form: form.unwrap_or_else(|| of(&field)),
    };
    Ok(visit.page(status, &page))
}

async fn update(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, MetadataFieldId(ids.first()));
    author.require(paths::METADATA_TYPES_MODIFY)?;
    let outcome = match command(&sent.fields) {
        Ok(new) => author.write(move |tx, actor, now| metadata::update(tx, actor, id, &new, now)).await,
        Err(refusal) => Err(refusal.into()),
    };
    match outcome {
        Ok(()) => Ok(author.done("/metadata", "The field was saved.")),
        Err(error) => {
            let form = refused(&sent.fields, author.complaint(error)?);
            page(&author.visit, id, StatusCode::UNPROCESSABLE_ENTITY, Some(form)).await
        }
    }
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id, force) = (&sent.author, MetadataFieldId(ids.first()), sent.fields.is_ticked("force"));
    match author.write(move |tx, actor, now| metadata::remove(tx, actor, id, force, now)).await {
        Ok(Removal::Done) => Ok(author.done("/metadata", "The field was removed.")),
        Ok(Removal::Started(edit)) => {
            Ok(author.done(&format!("/edits/{edit}"), "The values are being erased; then the field goes."))
        }
        Err(error) => author.done_or_said(&format!("/metadata/{id}"), Err(error), ""),
    }
}
