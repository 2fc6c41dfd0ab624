//! `/edits`: edits of many certificates: chosen, looked at, confirmed, watched.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::roles;
use certhold_domain::bulk::{self, BulkEdit, BulkEditState, Command, Edit, Selection, Wanted};
use certhold_domain::metadata::{self, Change, Field};
use certhold_domain::{Actor, BulkEditId, Error, Refusal, Result as DomainResult, RoleId, hex};
use certhold_store::Tx;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{Asked, Ids};
use crate::bulk::look;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Complaint, Sent};
use crate::web::show;
use crate::web::view::address::Address;
use crate::web::view::form::{Check, Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::metadata::{EditCounts, EditPage, EditPreviewPage, EditRow, EditsPage, NewEditPage, SampleRow};
use crate::web::view::time::Moment;
use crate::web::view::tone::{Badge, Tone};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/edits", get(list))
        .route("/edits/new", get(show_new).post(start))
        .route("/edits/preview", post(preview))
        .route("/edits/{id}", get(show))
        .route("/edits/{id}/cancel", post(cancel))
}

/// Edits on one page.
const ROWS: usize = 50;

/// What is in the form's address: the selection that was on the inventory's page.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Preset {
    q: String,
    owned: String,
    kind: String,
    field: String,
    value: String,
    owner: String,
    keep: String,
}

async fn show_new(visit: Visit, Asked(preset): Asked<Preset>) -> Result<Response, Refused> {
    let text = |name: &str| match name {
        "q" => preset.q.clone(),
        "owned" => preset.owned.clone(),
        "kind" => preset.kind.clone(),
        "field" => preset.field.clone(),
        "value" => preset.value.clone(),
        "owner" => preset.owner.clone(),
        "keep" => preset.keep.clone(),
        _ => String::new(),
    };
    form(&visit, StatusCode::OK, text, None).await
}

async fn form(
    visit: &Visit,
    status: StatusCode,
    text: impl Fn(&str) -> String,
    complaint: Option<Complaint>,
) -> Result<Response, Refused> {
    let find = |tx: &mut Tx<'_>, actor: &Actor| {
        certhold_domain::access::require_path(tx, actor, certhold_domain::access::paths::CERTIFICATES_READ)?;
        Ok((metadata::list(tx, actor)?, roles::assignable(tx, actor)?))
    };
    let (viewer, (fields, roles)) = visit.read(find).await?;
    let role = |(id, name): &(RoleId, String)| Choice::new(id.to_string(), name);
    let owned = [Choice::new("", "Anybody or nobody"), Choice::new("none", "Nobody")];
    let field = |field: &Field| Choice::new(&field.name, &field.name);
    let usable = fields.iter().filter(|field| !field.removing);
    let kinds = vec![Choice::new("metadata", "Change what is noted"), Choice::new("owner", "Change the owner")];
    let chosen_kind = Some(text("kind")).filter(|kind| !kind.is_empty()).unwrap_or_else(|| "metadata".into());
    let mut page = NewEditPage {
        frame: visit.frame("Edit many certificates", Section::Certificates, viewer).below("Certificates", "/certificates"),
        error: None,
        q: Input::of(text("q")),
        owned: Select::of(owned.into_iter().chain(roles.iter().map(role)).collect()).choose(&text("owned")),
        kind: Select::of(kinds).choose(&chosen_kind),
        field: Select::of(usable.map(field).collect()).choose(&text("field")),
        value: Input::of(text("value")),
        keep: Check::of(text("keep") == "true"),
        owner: show::choices::owners(&roles, &text("owner")),
    };
    if let Some(complaint) = complaint {
        let complaint = Complaint { field: if complaint.field == "query" { "q" } else { complaint.field }, ..complaint };
        let mut places = [("q", &mut page.q.error), ("metadata", &mut page.value.error), ("owner", &mut page.owner.error)];
        complaint.place(&mut page.error, &mut places);
    }
    Ok(visit.page(status, &page))
}

/// The edit that a form describes.
fn command(sent: &Fields) -> Result<Command, Refusal> {
    let number =
        |name: &'static str, text: &str| text.parse().map(RoleId).map_err(|_| Refusal::invalid(name, "choose one of the roles"));
    let owner = match sent.text("owned") {
        "" | "none" => None,
        text => Some(number("q", text)?),
    };
    // As in the inventory: what has an operator is a query, everything else are words.
    let asked = sent.text("q").to_owned();
    let (query, text) =
        if certhold_domain::query::looks_like_query(&asked) { (asked, String::new()) } else { (String::new(), asked) };
    let wanted = Wanted { query, text, owner, unowned: sent.text("owned") == "none", ..Wanted::default() };
    let edit = match (sent.text("kind"), sent.text("owner")) {
        ("owner", "") => Edit::Owner { to: None },
        ("owner", role) => Edit::Owner { to: Some(number("owner", role)?) },
        _ => {
            let change = Change { overwrite: !sent.is_ticked("keep"), ..Change::new(sent.text("field"), sent.text("value")) };
            Edit::Metadata { changes: vec![change] }
        }
    };
    let confirmed = Some(sent.text("digest")).filter(|text| text.len() == 64 && text.is_ascii());
    let confirmed = confirmed.map(|text| {
        let mut digest = [0; 32];
        for (index, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap_or(0);
        }
        digest
    });
    Ok(Command { selection: Selection::Filter(wanted), edit, confirmed })
}

/// What a form sends, to be sent again.
const KEPT: [&str; 7] = ["q", "owned", "kind", "field", "value", "keep", "owner"];

async fn preview(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let found = match command(&sent.fields) {
        Ok(command) => look(&author.visit.app, &author.actor, &command).await.map(|found| (command, found)),
        Err(refusal) => Err(refusal.into()),
    };
    let (command, found) = match found {
        Ok(found) => found,
        Err(error) => return again(&sent, error).await,
    };
    let what = command.edit.clone();
    let (viewer, what) = author.visit.read(move |tx, _| described(tx, &what)).await?;
    let kept: Vec<(String, String)> = KEPT.iter().map(|name| ((*name).to_owned(), sent.fields.text(name).to_owned())).collect();
    let back = kept.iter().fold(Address::new("/edits/new"), |address, (name, value)| address.with(name, value.clone()));
    let page = EditPreviewPage {
        frame: author.visit.frame("Look before you edit", Section::Certificates, viewer).below("Certificates", "/certificates"),
        what,
        counts: EditCounts {
            total: found.total,
            changed: found.tally.changed,
            unchanged: found.tally.unchanged,
            refused: found.tally.refused,
        },
        reasons: found.tally.reasons.iter().map(|reason| (sentence(&reason.reason), reason.count)).collect(),
        sample: found.sample.into_iter().map(sample).collect(),
        back: back.to_string(),
        kept: kept.into_iter().chain([("digest".to_owned(), hex(&found.digest))]).collect(),
    };
    Ok(author.visit.page(StatusCode::OK, &page))
}

fn sample(one: bulk::Sample) -> SampleRow {
    let text = |value: Option<&Json>| match value {
        None | Some(Json::Null) => "nothing".to_owned(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let fields = one.after.as_object().into_iter().flatten().filter(|(name, _)| *name != "owner_role");
    let change = |(name, after): (&String, &Json)| {
        let label = if name == "owner_name" { "Owner" } else { name };
        (label.to_owned(), text(one.before.get(name)), text(Some(after)))
    };
    SampleRow { href: show::certificate_href(one.certificate), title: one.title.clone(), changes: fields.map(change).collect() }
}

async fn again(sent: &Sent, error: Error) -> Result<Response, Refused> {
    let complaint = match error {
        Error::Refused(Refusal::Forbidden { reason, missing }) if missing.is_empty() => {
            Complaint::about("owner", sentence(&reason))
        }
        other => sent.author.complaint(other)?,
    };
    let text = |name: &str| sent.fields.text(name).to_owned();
    form(&sent.author.visit, StatusCode::UNPROCESSABLE_ENTITY, text, Some(complaint)).await
}

async fn start(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let outcome = match command(&sent.fields) {
        Ok(command) => author.write(move |tx, actor, now| bulk::start(tx, actor, &command, now)).await,
        Err(refusal) => Err(refusal.into()),
    };
    match outcome {
        Ok(id) => Ok(author.done(&format!("/edits/{id}"), "The edit was started. It goes on when you leave this page.")),
        Err(error) => again(&sent, error).await,
    }
}

/// What an edit does, in a sentence.
fn described(tx: &mut Tx<'_>, edit: &Edit) -> DomainResult<String> {
    Ok(match edit {
        Edit::Metadata { changes } => {
            let change = |one: &Change| match (one.value.trim(), one.overwrite) {
                ("", _) => format!("clear {}", one.field),
                (value, true) => format!("set {} to “{value}”", one.field),
                (value, false) => format!("set {} to “{value}” where it is empty", one.field),
            };
            sentence(&changes.iter().map(change).collect::<Vec<_>>().join(", "))
        }
        Edit::Owner { to: None } => "Take them from their owners.".into(),
        Edit::Owner { to: Some(role) } => {
            let server = Actor::system(certhold_domain::Face::Web, "edits");
            match roles::get(tx, &server, *role) {
                Ok(role) => format!("Give them to {}.", role.name),
                Err(_) => format!("Give them to the role {role}."),
            }
        }
        Edit::RemoveField { name, .. } => format!("Erase all values of {name}, and the field."),
    })
}

fn row(tx: &mut Tx<'_>, edit: &BulkEdit, now: i64) -> DomainResult<EditRow> {
    let state = match edit.state {
        BulkEditState::Selecting => Badge::new("Selecting", Tone::Info),
        BulkEditState::Running => Badge::new("Running", Tone::Info),
        BulkEditState::Done => Badge::new("Done", Tone::Good),
        BulkEditState::Cancelled => Badge::new("Cancelled", Tone::Neutral),
        BulkEditState::Stopped => Badge::new("Stopped", Tone::Bad),
    };
    let tally = &edit.tally;
    Ok(EditRow {
        href: format!("/edits/{}", edit.id),
        what: described(tx, &edit.edit)?,
        state,
        author: edit.author.clone(),
        at: Moment::new(edit.created_at, now),
        counts: EditCounts { total: edit.total, changed: tally.changed, unchanged: tally.unchanged, refused: tally.refused },
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Part {
    before: Option<i64>,
}

async fn list(visit: Visit, Asked(part): Asked<Part>) -> Result<Response, Refused> {
    let now = visit.app.now();
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        let mut edits = bulk::list(tx, actor, part.before, ROWS + 1)?;
        let more = edits.len() > ROWS;
        edits.truncate(ROWS);
        let next = edits.last().filter(|_| more).map(|last| format!("/edits?before={}", last.id));
        let rows = edits.iter().map(|edit| row(tx, edit, now)).collect::<DomainResult<Vec<_>>>()?;
        Ok((rows, next))
    };
    let (viewer, (rows, next)) = visit.read(find).await?;
    let frame = visit.frame("Edits of many", Section::Certificates, viewer).below("Certificates", "/certificates");
    visit.ok(&EditsPage { frame, rows, next })
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    let (id, now) = (BulkEditId(ids.first()), visit.app.now());
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        let edit = bulk::get(tx, actor, id)?;
        Ok((row(tx, &edit, now)?, edit))
    };
    let (viewer, (row, edit)) = visit.read(find).await?;
    let is_running = !edit.state.is_final();
    let may_cancel = is_running && !matches!(edit.edit, Edit::RemoveField { .. });
    let page = EditPage {
        frame: visit.frame(format!("Edit {id}"), Section::Certificates, viewer).below("Edits of many", "/edits"),
        row,
        is_running,
        error: edit.error.as_deref().map(sentence).unwrap_or_default(),
        reasons: edit.tally.reasons.iter().map(|reason| (sentence(&reason.reason), reason.count)).collect(),
        cancel: may_cancel.then(|| format!("/edits/{id}/cancel")),
    };
    visit.ok(&page)
}

async fn cancel(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = BulkEditId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| bulk::cancel(tx, actor, id, now)).await;
    sent.author.done_or_said(&format!("/edits/{id}"), outcome, "The edit does nothing more; what it had done stays.")
}
