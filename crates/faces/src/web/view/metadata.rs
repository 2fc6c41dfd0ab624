//! `/metadata`: fields for what is noted about certificates, and the fields of forms made from them.

use askama::Template;

use super::filters;
use super::form::{Check, Input, Select};
use super::frame::Frame;

/// One field of a form for values of certificates.
#[derive(Clone, Debug)]
pub struct NotedField {
    /// Name of the form's field: `noted-7`.
    pub slug: String,
    /// The metadata field's name.
    pub name: String,
    /// Its hint.
    pub hint: String,
    /// Whether a value must be given.
    pub required: bool,
    /// How the value is entered.
    pub input: NotedInput,
}

/// How a value is entered.
#[derive(Clone, Debug)]
pub enum NotedInput {
    /// In one line; the HTML type beside it.
    Line(Input, &'static str),
    /// In several lines.
    Lines(Input),
    /// By choosing.
    Choice(Select),
}

/// What is noted about a certificate.
#[derive(Clone, Debug, Default)]
pub struct MetadataCard {
    /// Names and values.
    pub values: Vec<(String, String)>,
    /// The form; `None`: the viewer may not, or there are no fields.
    pub form: Option<Vec<NotedField>>,
    /// Why the form was refused.
    pub error: Option<String>,
}

/// All metadata fields.
#[derive(Clone, Debug, Template)]
#[template(path = "web/metadata.html")]
pub struct MetadataPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The fields.
    pub rows: Vec<FieldRow>,
    /// Whether the viewer may add and change.
    pub may_change: bool,
}

/// One field of the list.
#[derive(Clone, Debug)]
pub struct FieldRow {
    /// Its page; empty when the viewer may not change it.
    pub href: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its type in words.
    pub kind: String,
    /// `optional`, `required`, `hidden`, or that it is being removed.
    pub enrolment: String,
    /// The value of new certificates.
    pub default: String,
}

/// A new field, or a known one.
#[derive(Clone, Debug, Template)]
#[template(path = "web/metadata_field.html")]
pub struct MetadataFieldPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Where the form goes.
    pub action: String,
    /// Whether it is new.
    pub is_new: bool,
    /// How many certificates have a value in it; `None` for a new one.
    pub used: Option<i64>,
    /// Where to send the removal.
    pub remove: Option<String>,
    /// The form.
    pub form: FieldForm,
}

/// The form of a field.
#[derive(Clone, Debug, Default)]
pub struct FieldForm {
    /// Why the whole was refused.
    pub error: Option<String>,
    /// `name`.
    pub name: Input,
    /// `description`.
    pub description: Input,
    /// `type`.
    pub kind: Select,
    /// `hint`.
    pub hint: Input,
    /// `validation`.
    pub validation: Input,
    /// `message`.
    pub message: Input,
    /// `options`: one a line.
    pub options: Input,
    /// `default`.
    pub default: Input,
    /// `enrolment`.
    pub enrolment: Select,
    /// `display_order`.
    pub display_order: Input,
}

/// The form that starts an edit of many certificates.
#[derive(Clone, Debug, Template)]
#[template(path = "web/edit_new.html")]
pub struct NewEditPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Why the whole was refused.
    pub error: Option<String>,
    /// `chosen`: what was chosen in the inventory, instead of `q` and `owned`.
    pub chosen: Option<ChosenCard>,
    /// `q`: words.
    pub q: Input,
    /// `owned`: empty for any, `none`, or a role.
    pub owned: Select,
    /// `kind`: what is done.
    pub kind: Select,
    /// `field`: which metadata field.
    pub field: Select,
    /// What can be chosen in fields of that type: the field's name and its options.
    pub options: Vec<(String, String)>,
    /// `value`: the new value.
    pub value: Input,
    /// `keep`: leave values alone.
    pub keep: Check,
    /// `owner`: the new owner.
    pub owner: Select,
}

/// Certificates that were chosen in the inventory.
#[derive(Clone, Debug)]
pub struct ChosenCard {
    /// The field's value.
    pub sent: String,
    /// Which these are, in words.
    pub what: String,
    /// Back to the list.
    pub back: String,
}

/// What an edit would do.
#[derive(Clone, Debug, Template)]
#[template(path = "web/edit_preview.html")]
pub struct EditPreviewPage {
    /// Title and navigation.
    pub frame: Frame,
    /// What is done, in a sentence.
    pub what: String,
    /// What was sent, to be sent again with the digest.
    pub kept: Vec<(String, String)>,
    /// The counts.
    pub counts: EditCounts,
    /// Why certificates are refused.
    pub reasons: Vec<ReasonRow>,
    /// Whether they leave the inventory.
    pub is_removal: bool,
    /// The first ones that would change.
    pub sample: Vec<SampleRow>,
    /// Back to the form.
    pub back: String,
}

/// Why certificates are refused.
#[derive(Clone, Debug)]
pub struct ReasonRow {
    /// One sentence.
    pub reason: String,
    /// How many.
    pub count: i64,
    /// Some of them.
    pub examples: Vec<super::text::Link>,
}

impl ReasonRow {
    /// Whether there are more than the examples.
    #[must_use]
    pub fn has_others(&self) -> bool {
        usize::try_from(self.count).is_ok_and(|count| count > self.examples.len())
    }
}

/// How many certificates.
#[derive(Clone, Copy, Debug, Default)]
pub struct EditCounts {
    /// Selected.
    pub total: i64,
    /// Changed, or would be.
    pub changed: i64,
    /// So already.
    pub unchanged: i64,
    /// Refused by a rule.
    pub refused: i64,
}

impl EditCounts {
    /// How many are done.
    #[must_use]
    pub fn done(&self) -> i64 {
        self.changed + self.unchanged + self.refused
    }
}

/// A certificate that would change.
#[derive(Clone, Debug)]
pub struct SampleRow {
    /// Its page.
    pub href: String,
    /// What people call it.
    pub title: String,
    /// Field, value before, value after.
    pub changes: Vec<(String, String, String)>,
}

/// All edits.
#[derive(Clone, Debug, Template)]
#[template(path = "web/edits.html")]
pub struct EditsPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The edits, newest first.
    pub rows: Vec<EditRow>,
    /// The next page.
    pub next: Option<String>,
}

/// One edit of the list.
#[derive(Clone, Debug)]
pub struct EditRow {
    /// Its page.
    pub href: String,
    /// What is done, in a sentence.
    pub what: String,
    /// How far it is.
    pub state: super::tone::Badge,
    /// Who started it.
    pub author: String,
    /// When.
    pub at: super::time::Moment,
    /// The counts.
    pub counts: EditCounts,
}

/// One edit; refreshes itself until it has ended.
#[derive(Clone, Debug, Template)]
#[template(path = "web/edit.html")]
pub struct EditPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The edit.
    pub row: EditRow,
    /// Whether it runs.
    pub is_running: bool,
    /// Why it stopped; empty if it did not.
    pub error: String,
    /// Why certificates are refused.
    pub reasons: Vec<ReasonRow>,
    /// Where to send the cancellation.
    pub cancel: Option<String>,
}
