//! `/edits`: edits of many certificates: chosen, looked at, confirmed, watched.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::{paths, roles};
use certhold_domain::bulk::{self, BulkEdit, BulkEditState, Command, Edit, Selection, Wanted};
use certhold_domain::collections::Scope;
use certhold_domain::metadata::{self, Change, Field};
use certhold_domain::ownership::{self, Candidate, Facts};
use certhold_domain::{Actor, BulkEditId, CollectionId, Error, Refusal, Result as DomainResult, RoleId, hex, inventory, unhex};
use certhold_store::Tx;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use super::chosen::Chosen;
use super::metadata::kind_label;
use super::{Asked, Ids, asked};
use crate::bulk::look;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Author, Complaint, Sent};
use crate::web::shared::holds_in;
use crate::web::show;
use crate::web::view::address::Address;
use crate::web::view::form::{Check, Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::metadata::{EditCounts, EditPage, EditPreviewPage, EditRow, EditsPage, NewEditPage, ReasonRow, SampleRow};
use crate::web::view::text::Link;
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
/// Certificates that are named beside the reason why they are refused.
const EXAMPLES: usize = 5;

/// An edit as the form describes it, in its address and when it is sent.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Described {
    /// What was chosen in the inventory; `q` and `owned` are not asked then.
    #[serde(deserialize_with = "chosen_text")]
    chosen: String,
    q: String,
    owned: String,
    kind: String,
    field: String,
    value: String,
    owner: String,
    keep: String,
    digest: String,
}

/// Nothing, or what can be understood as a choice.
fn chosen_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.is_empty() || Chosen::parse(&text).is_some_and(|chosen| chosen.selection(0).is_ok()) {
        true => Ok(text),
        false => Err(serde::de::Error::custom("choose certificates in the inventory again")),
    }
}

impl Described {
    fn sent(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        Self {
            chosen: text("chosen"),
            q: text("q"),
            owned: text("owned"),
            kind: text("kind"),
            field: text("field"),
            value: text("value"),
            owner: text("owner"),
            keep: text("keep"),
            digest: text("digest"),
        }
    }

    /// The removal of what was chosen.
    pub fn of_removal(chosen: &Chosen) -> Self {
        Self { chosen: chosen.to_string(), kind: "remove".into(), ..Self::default() }
    }

    /// What is sent again, without the digest.
    fn kept(&self) -> Vec<(String, String)> {
        let kept = [
            ("chosen", &self.chosen),
            ("q", &self.q),
            ("owned", &self.owned),
            ("kind", &self.kind),
            ("field", &self.field),
            ("value", &self.value),
            ("keep", &self.keep),
            ("owner", &self.owner),
        ];
        kept.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }

    fn selection(&self, now: i64) -> Result<Selection, Refusal> {
        if !self.chosen.is_empty() {
            let chosen =
                Chosen::parse(&self.chosen).ok_or_else(|| Refusal::invalid("q", "choose certificates in the inventory again"));
            return chosen?.selection(now);
        }
        let owner = match self.owned.as_str() {
            "" | "none" => None,
            text => Some(role("q", text)?),
        };
        // As in the inventory: what has an operator is a query, everything else are words.
        let (query, text) = match certhold_domain::query::looks_like_query(&self.q) {
            true => (self.q.clone(), String::new()),
            false => (String::new(), self.q.clone()),
        };
        Ok(Selection::Filter(Wanted { query, text, owner, unowned: self.owned == "none", ..Wanted::default() }))
    }

    /// The edit itself.
    fn command(&self, now: i64) -> Result<Command, Refusal> {
        let edit = match (self.kind.as_str(), self.owner.as_str()) {
            ("remove", _) => Edit::Remove,
            ("owner", "") => Edit::Owner { to: None },
            ("owner", to) => Edit::Owner { to: Some(role("owner", to)?) },
            _ => {
                let change = Change { overwrite: self.keep != "true", ..Change::new(&self.field, &self.value) };
                Edit::Metadata { changes: vec![change] }
            }
        };
        let confirmed = unhex(&self.digest).and_then(|digest| digest.try_into().ok());
        Ok(Command { selection: self.selection(now)?, edit, confirmed })
    }
}

fn role(name: &'static str, text: &str) -> Result<RoleId, Refusal> {
    text.parse().map(RoleId).map_err(|_| Refusal::invalid(name, "choose one of the roles"))
}

async fn show_new(visit: Visit, Asked(preset): Asked<Described>) -> Result<Response, Refused> {
    form(&visit, StatusCode::OK, &preset, None).await
}

async fn form(visit: &Visit, status: StatusCode, given: &Described, complaint: Option<Complaint>) -> Result<Response, Refused> {
    let chosen = Chosen::parse(&given.chosen);
    let within = chosen.as_ref().and_then(Chosen::collection);
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        inventory::require_list(tx, actor, Scope::of(within, 0))?;
        // As of certificates that nobody owns: what is barred there is barred of every one.
        let scope = ownership::Scope { collection: within, container: None };
        let facts = Facts { scope, in_collection: true, in_some_store: true, ..Facts::default() };
        let owners = ownership::candidates(tx, actor, &facts)?;
        let may = |path| holds_in(&actor.access, path, within);
        let own = ownership::require_beforehand(&actor.access, scope).is_ok();
        let may = [may(paths::CERTIFICATES_METADATA_MODIFY), own, may(paths::CERTIFICATES_DELETE)];
        Ok((metadata::list(tx, actor)?, owners, may))
    };
    let (viewer, (fields, roles, may)) = visit.read(find).await?;
    let role = |role: &Candidate| Choice::new(role.role.to_string(), &role.name);
    let owned = [Choice::new("", "Anybody or nobody"), Choice::new("none", "Nobody")];
    let field = |field: &Field| Choice::new(&field.name, format!("{} ({})", field.name, kind_label(field)));
    let usable = fields.iter().filter(|field| !field.removing);
    let kinds = [("metadata", "Change what is noted"), ("owner", "Change the owner"), ("remove", "Remove from the inventory")];
    let kind = |((name, label), may): ((&str, &str), bool)| {
        let choice = Choice::new(name, label);
        if may { choice } else { choice.barred("your roles do not grant this") }
    };
    let first = kinds.iter().zip(may).find(|(_, may)| *may).map_or("metadata", |((name, _), _)| name);
    let chosen_kind = if given.kind.is_empty() { first } else { given.kind.as_str() };
    let mut page = NewEditPage {
        frame: visit.frame("Edit many certificates", Section::Certificates, viewer).below("Certificates", "/certificates"),
        error: None,
        chosen: chosen.map(|chosen| chosen.card()),
        q: Input::of(&given.q),
        owned: Select::of(owned.into_iter().chain(roles.iter().map(role)).collect()).choose(&given.owned),
        kind: Select::of(kinds.into_iter().zip(may).map(kind).collect()).choose(chosen_kind),
        field: Select::of(usable.map(field).collect()).choose(&given.field),
        options: fields
            .iter()
            .filter(|field| !field.removing && !field.options.is_empty())
            .map(|field| (field.name.clone(), field.options.join(", ")))
            .collect(),
        value: Input::of(&given.value),
        keep: Check::of(given.keep == "true"),
        owner: show::choices::owners(&roles, &given.owner),
    };
    if let Some(complaint) = complaint {
        let complaint = Complaint { field: if complaint.field == "query" { "q" } else { complaint.field }, ..complaint };
        let place = match page.chosen {
            // The field is not on the form.
            Some(_) => "",
            None => "q",
        };
        let mut places = [(place, &mut page.q.error), ("metadata", &mut page.value.error), ("owner", &mut page.owner.error)];
        complaint.place(&mut page.error, &mut places);
    }
    Ok(visit.page(status, &page))
}

async fn preview(sent: Sent) -> Result<Response, Refused> {
    look_at(&sent.author, &Described::sent(&sent.fields)).await
}

/// The page that says what an edit would do.
pub async fn look_at(author: &Author, given: &Described) -> Result<Response, Refused> {
    let found = match given.command(author.visit.app.now()) {
        Ok(command) => look(&author.visit.app, &author.actor, &command).await.map(|found| (command, found)),
        Err(refusal) => Err(refusal.into()),
    };
    let (command, found) = match found {
        Ok(found) => found,
        Err(error) => return again(author, given, error).await,
    };
    let (what, reasons) = (command.edit.clone(), found.tally.reasons.clone());
    let scope = Scope::of(collection(&command.selection), author.visit.app.now());
    let read = author.visit.read(move |tx, actor| Ok((described(tx, &what)?, told(tx, actor, &reasons, scope)?)));
    let (viewer, (what, reasons)) = read.await?;
    let kept = given.kept();
    let back = Address::new("/edits/new").with_all(&kept);
    let is_removal = command.edit == Edit::Remove;
    let title = if is_removal { "Look before you remove" } else { "Look before you edit" };
    let page = EditPreviewPage {
        frame: author.visit.frame(title, Section::Certificates, viewer).below("Certificates", "/certificates"),
        what,
        is_removal,
        counts: EditCounts {
            total: found.total,
            changed: found.tally.changed,
            unchanged: found.tally.unchanged,
            refused: found.tally.refused,
        },
        reasons,
        sample: found.sample.into_iter().map(|one| sample(one, scope.collection)).collect(),
        back: back.to_string(),
        kept: kept.into_iter().chain([("digest".to_owned(), hex(&found.digest))]).collect(),
    };
    Ok(author.visit.page(StatusCode::OK, &page))
}

/// The collection in which certificates are selected.
fn collection(selection: &Selection) -> Option<CollectionId> {
    match selection {
        Selection::Filter(wanted) => wanted.collection,
        Selection::Certificates(_) => None,
    }
}

/// Why certificates are refused, with some of them by name.
fn told(tx: &mut Tx<'_>, actor: &Actor, reasons: &[bulk::Reason], scope: Scope) -> DomainResult<Vec<ReasonRow>> {
    let mut rows = Vec::with_capacity(reasons.len());
    for one in reasons {
        let mut examples = Vec::new();
        for id in one.examples.iter().take(EXAMPLES) {
            let name = match inventory::summary_in(tx, actor, *id, scope) {
                Ok(found) => found.title().to_owned(),
                // It may have left the inventory, or the viewer may not see it: its number says which one it was.
                Err(Error::Refused(_)) => id.to_string(),
                Err(error) => return Err(error),
            };
            examples.push(Link::new(name, show::certificate_href_in(*id, scope.collection)));
        }
        rows.push(ReasonRow { reason: sentence(&one.reason), count: one.count, examples });
    }
    Ok(rows)
}

fn sample(one: bulk::Sample, collection: Option<CollectionId>) -> SampleRow {
    let href = show::certificate_href_in(one.certificate, collection);
    if one.after.is_null() {
        let owner = one.before["owner_name"].as_str().map_or_else(String::new, |owner| format!(", owned by {owner}"));
        let change = ("Inventory".to_owned(), format!("held{owner}"), "removed".to_owned());
        return SampleRow { href, title: one.title, changes: vec![change] };
    }
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
    SampleRow { href, title: one.title.clone(), changes: fields.map(change).collect() }
}

async fn again(author: &Author, given: &Described, error: Error) -> Result<Response, Refused> {
    let complaint = match error {
        Error::Refused(Refusal::Forbidden { reason, missing }) if missing.is_empty() => {
            Complaint::about("owner", sentence(&reason))
        }
        other => author.complaint(other)?,
    };
    form(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, given, Some(complaint)).await
}

async fn start(sent: Sent) -> Result<Response, Refused> {
    let (author, given) = (&sent.author, Described::sent(&sent.fields));
    let outcome = match given.command(author.visit.app.now()) {
        // What cannot be taken back is never done unseen.
        Ok(Command { edit: Edit::Remove, confirmed: None, .. }) => return look_at(author, &given).await,
        Ok(command) => author.write(move |tx, actor, now| bulk::start(tx, actor, &command, now)).await,
        Err(refusal) => Err(refusal.into()),
    };
    match outcome {
        Ok(id) => Ok(author.done(&format!("/edits/{id}"), "The edit was started. It goes on when you leave this page.")),
        Err(error) => again(author, &given, error).await,
    }
}

/// What an edit does, in a sentence.
pub fn described(tx: &mut Tx<'_>, edit: &Edit) -> DomainResult<String> {
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
        Edit::Remove => "Remove them from the inventory.".into(),
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
    #[serde(deserialize_with = "asked::number")]
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
        let reasons = told(tx, actor, &edit.tally.reasons, Scope::of(collection(&edit.selection), now))?;
        Ok((row(tx, &edit, now)?, edit, reasons))
    };
    let (viewer, (row, edit, reasons)) = visit.read(find).await?;
    let is_running = !edit.state.is_final();
    let may_cancel = is_running && !matches!(edit.edit, Edit::RemoveField { .. });
    let page = EditPage {
        frame: visit.frame(format!("Edit {id}"), Section::Certificates, viewer).below("Edits of many", "/edits"),
        row,
        is_running,
        error: edit.error.as_deref().map(sentence).unwrap_or_default(),
        reasons,
        cancel: may_cancel.then(|| format!("/edits/{id}/cancel")),
    };
    visit.ok(&page)
}

async fn cancel(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = BulkEditId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| bulk::cancel(tx, actor, id, now)).await;
    sent.author.done_or_said(&format!("/edits/{id}"), outcome, "The edit does nothing more; what it had done stays.")
}
