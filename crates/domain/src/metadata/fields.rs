//! The fields themselves: listed, created, changed.
//!
//! Names and types are read by everybody who is signed in: whoever may write a value must know what is asked of it, and a
//! program that looks them up first does not fail for a right it does not otherwise need.

use certhold_store::{Tx, params};
use serde_json::{Value as Json, json};

use super::convert;
use super::field::{COLUMNS, Enrolment, Field, FieldType, read};
use super::value::{Rules, compile, why_no_regex};
use crate::access::{self, paths};
use crate::actor::{Actor, ActorKind};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CollectionId, MetadataFieldId};
use crate::query::{self, Kind, MetadataEntry};
use crate::{collections, limits, text};

/// Create or replace a field.
#[derive(Clone, Debug)]
pub struct FieldCommand {
    /// Unique without regard to case: letters, digits, `_` and `-`, beginning with a letter.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Of what type its values are.
    pub kind: FieldType,
    /// What forms show beside it.
    pub hint: String,
    /// A regular expression that values must match somewhere; strings only; empty for none.
    pub validation: String,
    /// What is said when it does not match.
    pub message: String,
    /// What can be chosen; multiple choice only.
    pub options: Vec<String>,
    /// The value of new certificates for which none is given; empty for none.
    pub default: String,
    /// What it asks of whoever adds a certificate.
    pub enrolment: Enrolment,
    /// Fields are shown in ascending order.
    pub display_order: i64,
}

impl FieldCommand {
    /// A field of this name and type of which nothing else is asked.
    pub fn new(name: &str, kind: FieldType) -> FieldCommand {
        FieldCommand {
            name: name.to_owned(),
            description: String::new(),
            kind,
            hint: String::new(),
            validation: String::new(),
            message: String::new(),
            options: Vec::new(),
            default: String::new(),
            enrolment: Enrolment::Optional,
            display_order: 0,
        }
    }
}

/// All fields in the order in which they are shown.
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Field>> {
    require_somebody(actor)?;
    all(tx)
}

/// One field.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: MetadataFieldId) -> Result<Field> {
    require_somebody(actor)?;
    find(tx, id)
}

/// The field of this name, without regard to case.
pub fn by_name(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> Result<Field> {
    require_somebody(actor)?;
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE folded = $1"), params![text::fold(name)], read)?;
    found.ok_or_else(|| Refusal::not_found("metadata field", format!("{name:?}")).into())
}

fn require_somebody(actor: &Actor) -> Result<(), Refusal> {
    match actor.kind {
        ActorKind::Anonymous => Err(Refusal::Unauthenticated("sign in to see the metadata fields".into())),
        _ => Ok(()),
    }
}

/// How many certificates have a value in this field.
pub fn usage(tx: &mut Tx<'_>, actor: &Actor, id: MetadataFieldId) -> Result<i64> {
    access::require_path(tx, actor, paths::METADATA_TYPES_READ)?;
    find(tx, id)?;
    count(tx, id)
}

/// The collections whose queries look at this field, by name.
pub fn collections_using(tx: &mut Tx<'_>, actor: &Actor, id: MetadataFieldId) -> Result<Vec<(CollectionId, String)>> {
    access::require_path(tx, actor, paths::METADATA_TYPES_READ)?;
    find(tx, id)?;
    collections::looking_at(tx, id)
}

pub(super) fn count(tx: &mut Tx<'_>, id: MetadataFieldId) -> Result<i64> {
    Ok(tx.one("SELECT count(*) FROM certificate_metadata WHERE field = $1", params![id], |row| row.get(0))?.unwrap_or(0))
}

pub(crate) fn all(tx: &mut Tx<'_>) -> Result<Vec<Field>> {
    Ok(tx.rows(&format!("SELECT {COLUMNS} ORDER BY display_order, folded"), params![], read)?)
}

/// The fields as queries know them.
pub fn entries(tx: &mut Tx<'_>) -> Result<Vec<MetadataEntry>> {
    Ok(all(tx)?.into_iter().map(entry).collect())
}

fn entry(field: Field) -> MetadataEntry {
    MetadataEntry {
        id: field.id,
        name: field.name,
        kind: match field.kind {
            FieldType::Integer => Kind::Number,
            FieldType::Date => Kind::Time,
            FieldType::Boolean => Kind::Flag,
            FieldType::String | FieldType::MultipleChoice | FieldType::BigText | FieldType::Email => Kind::Text,
        },
        options: field.options,
        description: field.description,
    }
}

pub(crate) fn find(tx: &mut Tx<'_>, id: MetadataFieldId) -> Result<Field> {
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE id = $1"), params![id], read)?;
    found.ok_or_else(|| Refusal::not_found("metadata field", id).into())
}

/// Creates a field.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, command: &FieldCommand, now: i64) -> Result<MetadataFieldId> {
    access::require_path(tx, actor, paths::METADATA_TYPES_MODIFY)?;
    let field = checked(command, MetadataFieldId(0))?;
    require_free(tx, &field.name, None)?;
    let fields: i64 = tx.one("SELECT count(*) FROM metadata_field", params![], |row| row.get(0))?.unwrap_or(0);
    if fields >= limits::METADATA_FIELDS {
        return Err(Refusal::TooLarge(format!("at most {} metadata fields are allowed", limits::METADATA_FIELDS)).into());
    }
    // A query may have lost the field of this name.
    let after = collections::with_field(tx, field.id, Some(entry(field.clone())))?;
    collections::require_may_redefine(tx, actor, after)?;
    let id: Option<i64> = tx.one(
        "INSERT INTO metadata_field (name, folded, description, kind, hint, validation, message, options, initial, enrolment, \
         display_order, removing, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id",
        params![
            &field.name,
            text::fold(&field.name),
            &field.description,
            field.kind.name(),
            &field.hint,
            &field.validation,
            &field.message,
            json!(field.options).to_string(),
            &field.default,
            field.enrolment.name(),
            field.display_order,
            false,
            now
        ],
        |row| row.get(0),
    )?;
    let id = MetadataFieldId(id.ok_or_else(|| Error::damaged("a metadata field got no id"))?);
    collections::fields_changed(tx)?;
    let object = Object::new("metadata_field", id.0, &field.name);
    let payload = json!({ "after": described(&field) });
    events::append(tx, actor, now, NewEvent::new(names::METADATA_FIELD_CREATED, object, payload))?;
    Ok(id)
}

/// Replaces what a field is. Another type, or fewer options, only when all its values fit: [`super::conversion`] says which do
/// not. A new regular expression asks something of new values only. Another name or type changes what is in the collections whose queries
/// look at the field: that needs the rights that changing those queries needs, and so does another default.
pub fn update(tx: &mut Tx<'_>, actor: &Actor, id: MetadataFieldId, command: &FieldCommand, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::METADATA_TYPES_MODIFY)?;
    let before = find(tx, id)?;
    if before.removing {
        return Err(Refusal::Conflict(format!("the metadata field {:?} is being removed", before.name)).into());
    }
    let after = checked(command, id)?;
    require_free(tx, &after.name, Some(id))?;
    let is_other = text::fold(&before.name) != text::fold(&after.name) || before.kind != after.kind;
    if is_other {
        let fields = collections::with_field(tx, id, Some(entry(after.clone())))?;
        collections::require_may_redefine(tx, actor, fields)?;
    }
    if before.default != after.default {
        // It is noted about certificates that others bring, who did not choose it.
        collections::require_metadata_change(tx, actor, id)?;
    }
    convert::apply(tx, &before, &after)?;
    tx.execute(
        "UPDATE metadata_field SET name = $1, folded = $2, description = $3, kind = $4, hint = $5, validation = $6, message = $7, \
         options = $8, initial = $9, enrolment = $10, display_order = $11 WHERE id = $12",
        params![
            &after.name,
            text::fold(&after.name),
            &after.description,
            after.kind.name(),
            &after.hint,
            &after.validation,
            &after.message,
            json!(after.options).to_string(),
            &after.default,
            after.enrolment.name(),
            after.display_order,
            id
        ],
    )?;
    if is_other {
        collections::fields_changed(tx)?;
    }
    if before != after {
        let object = Object::new("metadata_field", id.0, &after.name);
        let event = NewEvent::changed(names::METADATA_FIELD_CHANGED, object, described(&before), described(&after));
        events::append(tx, actor, now, event)?;
    }
    Ok(())
}

/// What an event keeps of a field.
pub(super) fn described(field: &Field) -> Json {
    json!({
        "name": field.name, "description": field.description, "type": field.kind.name(), "hint": field.hint,
        "validation": field.validation, "message": field.message, "options": field.options, "default": field.default,
        "enrolment": field.enrolment.name(), "display_order": field.display_order,
    })
}

fn require_free(tx: &mut Tx<'_>, name: &str, own: Option<MetadataFieldId>) -> Result<()> {
    let taken: Option<i64> =
        tx.one("SELECT id FROM metadata_field WHERE folded = $1", params![text::fold(name)], |row| row.get(0))?;
    match taken {
        Some(id) if own != Some(MetadataFieldId(id)) => {
            Err(Refusal::Conflict(format!("there is a metadata field named {name:?} already")).into())
        }
        _ => Ok(()),
    }
}

/// The field that a command describes, if it describes one.
pub(super) fn checked(command: &FieldCommand, id: MetadataFieldId) -> Result<Field, Refusal> {
    let name = field_name(&command.name)?;
    if command.description.chars().count() > limits::DESCRIPTION_CHARS {
        let message = format!("at most {} characters are allowed", limits::DESCRIPTION_CHARS);
        return Err(Refusal::invalid("description", message));
    }
    if command.description.contains('\0') {
        return Err(Refusal::invalid("description", "the character U+0000 is not allowed: remove it"));
    }
    text::line("hint", &command.hint, limits::NAME_CHARS)?;
    text::line("message", &command.message, limits::NAME_CHARS)?;
    validation(command)?;
    let mut field = Field {
        id,
        name,
        description: command.description.clone(),
        kind: command.kind,
        hint: command.hint.trim().to_owned(),
        validation: command.validation.clone(),
        message: command.message.trim().to_owned(),
        options: options(command)?,
        default: String::new(),
        enrolment: command.enrolment,
        display_order: command.display_order,
        removing: false,
    };
    if !command.default.trim().is_empty() {
        let typed = Rules::of(&field).check(&command.default).map_err(|why| Refusal::invalid("default", why))?;
        field.default = typed.text;
    }
    Ok(field)
}

/// A name that can stand in a query: letters, digits, `_` and `-`, beginning with a letter.
fn field_name(given: &str) -> Result<String, Refusal> {
    let name = text::name("name", given)?;
    let begins_well = name.chars().next().is_some_and(char::is_alphabetic);
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if !begins_well || !name.chars().all(is_part) {
        let message =
            "the name of a field begins with a letter and has letters, digits, '_' and '-' only, because queries use it";
        return Err(Refusal::invalid("name", message));
    }
    if query::is_built_in(&name) {
        return Err(Refusal::invalid("name", format!("{name:?} is a field of queries already: choose another name")));
    }
    if name.chars().count() > limits::METADATA_NAME_CHARS {
        return Err(Refusal::invalid("name", format!("at most {} characters are allowed", limits::METADATA_NAME_CHARS)));
    }
    Ok(name)
}

fn validation(command: &FieldCommand) -> Result<(), Refusal> {
    if command.validation.is_empty() {
        return match command.message.trim() {
            "" => Ok(()),
            _ => Err(Refusal::invalid("message", "a message needs a regular expression beside it")),
        };
    }
    if command.kind != FieldType::String {
        return Err(Refusal::invalid("validation", "only a field of type string has a regular expression"));
    }
    text::line("validation", &command.validation, limits::REGEX_CHARS)?;
    compile(&command.validation).map(drop).map_err(|error| Refusal::invalid("validation", why_no_regex(&error)))
}

fn options(command: &FieldCommand) -> Result<Vec<String>, Refusal> {
    let is_choice = command.kind == FieldType::MultipleChoice;
    if !is_choice && !command.options.is_empty() {
        return Err(Refusal::invalid("options", "only a field of type multiple_choice has options"));
    }
    if is_choice && command.options.is_empty() {
        return Err(Refusal::invalid("options", "give at least one option"));
    }
    if command.options.len() > limits::METADATA_OPTIONS {
        return Err(Refusal::invalid("options", format!("at most {} options are allowed", limits::METADATA_OPTIONS)));
    }
    let mut options: Vec<String> = Vec::with_capacity(command.options.len());
    for option in &command.options {
        let option = option.trim();
        text::line("options", option, limits::METADATA_VALUE_CHARS)?;
        if option.is_empty() || option.contains(',') {
            return Err(Refusal::invalid("options", "an option has at least one character and no comma"));
        }
        if options.iter().any(|known| text::fold(known) == text::fold(option)) {
            return Err(Refusal::invalid("options", format!("the option {option:?} stands twice")));
        }
        options.push(option.to_owned());
    }
    Ok(options)
}
