use certhold_faces::web::view::form::{Check, Choice, Input, Select};
use certhold_faces::web::view::frame::Section;
use certhold_faces::web::view::metadata::{
    ChosenCard, EditCounts, EditPage, EditPreviewPage, EditRow, EditsPage, FieldForm, FieldRow, MetadataFieldPage, MetadataPage,
    NewEditPage, NotedField, NotedInput, ReasonRow, SampleRow,
};
use certhold_faces::web::view::text::Link;
use certhold_faces::web::view::tone::{Badge, Tone};

use super::*;

/// A form with one field of each kind.
pub fn noted(value: &str) -> Vec<NotedField> {
    let field = |slug: &str, name: &str, input| NotedField {
        slug: slug.into(),
        name: name.into(),
        hint: "As in the list of teams".into(),
        required: slug == "noted-1",
        input,
    };
    vec![
        field("noted-1", "Team", NotedInput::Line(Input::of(value), "text")),
        field("noted-2", "Tier", NotedInput::Choice(Select::of(vec![Choice::new("", "—"), Choice::new("2", value)]))),
        field("noted-3", "Notes", NotedInput::Lines(Input::of(value).refused("At most 4,000 characters are allowed."))),
    ]
}

fn row(name: &str) -> FieldRow {
    FieldRow {
        href: "/metadata/1".into(),
        name: name.into(),
        description: format!("{name}: who answers"),
        kind: "Text".into(),
        enrolment: "required".into(),
        default: name.into(),
    }
}

fn form(text: &str) -> FieldForm {
    FieldForm {
        error: Some(text.to_owned()),
        name: Input::of(text).refused("There is a field of this name."),
        kind: Select::of(vec![Choice::new("string", "Text")]),
        validation: Input::of(text).refused(text),
        ..FieldForm::default()
    }
}

fn counts() -> EditCounts {
    EditCounts { total: 100_000, changed: 61_203, unchanged: 300, refused: 12 }
}

fn edit(what: &str) -> EditRow {
    EditRow {
        href: "/edits/7".into(),
        what: what.into(),
        state: Badge::new("Running", Tone::Info),
        author: what.into(),
        at: at(-MINUTE),
        counts: counts(),
    }
}

fn reasons(text: &str) -> Vec<ReasonRow> {
    vec![ReasonRow { reason: text.into(), count: 12, examples: vec![Link::new(text, "/certificates/7")] }]
}

fn watched(what: &str, is_running: bool) -> EditPage {
    EditPage {
        frame: frame("Edit 7", Section::Certificates),
        row: edit(what),
        is_running,
        error: if is_running { String::new() } else { what.into() },
        reasons: reasons(what),
        cancel: is_running.then(|| "/edits/7/cancel".into()),
    }
}

pub fn samples() -> Vec<Sample> {
    let list = |rows: Vec<FieldRow>| MetadataPage { frame: frame("Metadata", Section::Metadata), rows, may_change: true };
    let field = |text: &str, is_new: bool| MetadataFieldPage {
        frame: frame(text, Section::Metadata),
        action: "/metadata/1".into(),
        is_new,
        used: (!is_new).then_some(1_203),
        remove: (!is_new).then(|| "/metadata/1/remove".into()),
        form: form(text),
    };
    let new = |text: &str| NewEditPage {
        frame: frame("Edit many certificates", Section::Certificates),
        error: Some(text.into()),
        chosen: (text == HOSTILE).then(|| ChosenCard { sent: text.into(), what: text.into(), back: "/certificates".into() }),
        q: Input::of(text),
        owned: Select::of(vec![Choice::new("", "Anybody or nobody"), Choice::new("1", text)]),
        kind: Select::of(vec![Choice::new("metadata", "Change what is noted"), Choice::new("owner", "Change the owner")]),
        field: Select::of(vec![Choice::new(text, text)]),
        options: vec![(text.into(), text.into())],
        value: Input::of(text).refused(text),
        keep: Check::of(true),
        owner: Select::of(vec![Choice::new("", "Nobody")]),
    };
    let preview = |text: &str| EditPreviewPage {
        frame: frame("Look before you edit", Section::Certificates),
        what: text.into(),
        kept: vec![("q".into(), text.into())],
        counts: counts(),
        reasons: reasons(text),
        is_removal: text == HOSTILE,
        sample: vec![SampleRow {
            href: "/certificates/1".into(),
            title: text.into(),
            changes: vec![(text.into(), RTL.into(), LONG.into())],
        }],
        back: "/edits/new".into(),
    };
    let edits = |rows: Vec<EditRow>| EditsPage {
        frame: frame("Edits of many", Section::Certificates),
        next: (!rows.is_empty()).then(|| "/edits?before=7".into()),
        rows,
    };
    vec![
        page("metadata", &list(vec![row("Team"), row("Cost-centre")])),
        page("metadata-empty", &list(Vec::new())),
        page("metadata-hostile", &list(vec![row(HOSTILE), row(RTL), row(LONG)])),
        page("metadata-field", &field("Team", false)),
        page("metadata-field-hostile", &field(HOSTILE, true)),
        page("edit-new", &new("Team")),
        page("edit-new-hostile", &new(HOSTILE)),
        page("edit-preview", &preview("Set Team to “Web”.")),
        page("edit-preview-hostile", &preview(HOSTILE)),
        page("edits", &edits(vec![edit("Set Team to “Web”.")])),
        page("edits-empty", &edits(Vec::new())),
        page("edits-hostile", &edits(vec![edit(HOSTILE), edit(LONG)])),
        page("edit", &watched("Set Team to “Web”.", true)),
        page("edit-hostile", &watched(HOSTILE, false)),
    ]
}
