//! A field: what it is called and what its values must be.

use certhold_store::Row;
use serde::{Deserialize, Serialize};

use crate::error::Refusal;
use crate::ids::MetadataFieldId;

/// Of what type the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// One line of text, with a regular expression if one is given.
    String,
    /// A whole number of 64 bits.
    Integer,
    /// A day: `2026-11-22`.
    Date,
    /// `true` or `false`.
    Boolean,
    /// One of the field's options.
    MultipleChoice,
    /// Text of several lines.
    BigText,
    /// A mail address.
    Email,
}

impl FieldType {
    /// Every type with its name in APIs and in the database.
    pub const NAMES: &[(&str, FieldType)] = &[
        ("string", FieldType::String),
        ("integer", FieldType::Integer),
        ("date", FieldType::Date),
        ("boolean", FieldType::Boolean),
        ("multiple_choice", FieldType::MultipleChoice),
        ("big_text", FieldType::BigText),
        ("email", FieldType::Email),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        FieldType::NAMES.iter().find(|(_, kind)| *kind == self).map_or("string", |(name, _)| name)
    }

    /// The type of this name.
    pub fn parse(name: &str) -> Result<FieldType, Refusal> {
        let known = FieldType::NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        known.ok_or_else(|| {
            Refusal::invalid("type", "a type is string, integer, date, boolean, multiple_choice, big_text or email")
        })
    }

    /// Whether values are ordered by a number, not by their text.
    pub fn is_number(self) -> bool {
        matches!(self, FieldType::Integer | FieldType::Date | FieldType::Boolean)
    }
}

/// What a field asks of whoever adds a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enrolment {
    /// A value may be given.
    Optional,
    /// A value must be given, unless the field has a default; it can be changed but not cleared.
    Required,
    /// Forms do not show the field.
    Hidden,
}

impl Enrolment {
    /// Every setting with its name.
    pub const NAMES: &[(&str, Enrolment)] =
        &[("optional", Enrolment::Optional), ("required", Enrolment::Required), ("hidden", Enrolment::Hidden)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Enrolment::NAMES.iter().find(|(_, setting)| *setting == self).map_or("optional", |(name, _)| name)
    }

    /// The setting of this name.
    pub fn parse(name: &str) -> Result<Enrolment, Refusal> {
        let known = Enrolment::NAMES.iter().find(|(known, _)| *known == name).map(|(_, setting)| *setting);
        known.ok_or_else(|| Refusal::invalid("enrolment", "enrolment is optional, required or hidden"))
    }
}

/// A metadata field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its handle.
    pub id: MetadataFieldId,
    /// Unique without regard to case; the name used in queries.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Of what type its values are.
    pub kind: FieldType,
    /// What forms show beside it.
    pub hint: String,
    /// A regular expression that values must match; empty for none. Fields of type string only.
    pub validation: String,
    /// What is said when it does not match; empty for a sentence of ours.
    pub message: String,
    /// What can be chosen. Fields of type multiple choice only.
    pub options: Vec<String>,
    /// The value of new certificates for which none is given; empty for none.
    pub default: String,
    /// What it asks of whoever adds a certificate.
    pub enrolment: Enrolment,
    /// Fields are shown in ascending order, equal ones by name.
    pub display_order: i64,
    /// Its removal is under way: it takes no more values.
    pub removing: bool,
}

pub(super) const COLUMNS: &str = "id, name, description, kind, hint, validation, message, options, initial, enrolment, \
    display_order, removing FROM metadata_field";

pub(super) fn read(row: &Row<'_>) -> Result<Field, certhold_store::Error> {
    Ok(Field {
        id: MetadataFieldId(row.get(0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        kind: FieldType::parse(row.text(3)?).unwrap_or(FieldType::BigText),
        hint: row.get(4)?,
        validation: row.get(5)?,
        message: row.get(6)?,
        options: serde_json::from_str(row.text(7)?).unwrap_or_default(),
        default: row.get(8)?,
        enrolment: Enrolment::parse(row.text(9)?).unwrap_or(Enrolment::Optional),
        display_order: row.get(10)?,
        removing: row.get(11)?,
    })
}
