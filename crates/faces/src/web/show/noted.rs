//! Forms made from metadata fields, and what was sent with them.

use certhold_domain::metadata::{Change, Enrolment, Field, FieldType, Held};

use crate::web::fields::Fields;
use crate::web::view::form::{Choice, Input, Select};
use crate::web::view::metadata::{NotedField, NotedInput};

/// The name of a form's field.
pub fn slug(field: &Field) -> String {
    format!("noted-{}", field.id)
}

/// A field of a form for each metadata field that forms show; `value` says what stands in it.
pub fn form(fields: &[Field], value: impl Fn(&Field) -> String) -> Vec<NotedField> {
    let shown = fields.iter().filter(|field| field.enrolment != Enrolment::Hidden && !field.removing);
    shown.map(|field| noted(field, value(field))).collect()
}

fn noted(field: &Field, value: String) -> NotedField {
    let line = |kind| NotedInput::Line(Input::of(value.clone()), kind);
    let choice = |options: Vec<Choice>| {
        let nothing = Choice::new("", "—");
        NotedInput::Choice(Select::of(std::iter::once(nothing).chain(options).collect()).choose(&value))
    };
    let input = match field.kind {
        FieldType::String => line("text"),
        FieldType::Integer => line("number"),
        FieldType::Date => line("date"),
        FieldType::Email => line("email"),
        FieldType::BigText => NotedInput::Lines(Input::of(value.clone())),
        FieldType::Boolean => choice(vec![Choice::new("true", "Yes"), Choice::new("false", "No")]),
        FieldType::MultipleChoice => choice(field.options.iter().map(|option| Choice::new(option, option)).collect()),
    };
    let required = field.enrolment == Enrolment::Required && field.default.is_empty();
    NotedField { slug: slug(field), name: field.name.clone(), hint: field.hint.clone(), required, input }
}

/// The value that a certificate has in a field; empty for none.
pub fn held(values: &[Held], field: &Field) -> String {
    values.iter().find(|held| held.field == field.id).map(|held| held.value.clone()).unwrap_or_default()
}

/// What was changed in a form: fields that were shown, with another value than the certificate has.
pub fn changes(fields: &[Field], sent: &Fields, before: &[Held]) -> Vec<Change> {
    let shown = fields.iter().filter(|field| field.enrolment != Enrolment::Hidden && !field.removing);
    let changed = shown.filter_map(|field| {
        let value = sent.given_as_sent(&slug(field))?;
        (value != held(before, field)).then(|| Change::new(&field.name, value))
    });
    changed.collect()
}
