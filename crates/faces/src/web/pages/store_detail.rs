//! `/stores/{id}`: one certificate store with its inventory and its jobs.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::inventory::Summary;
use certhold_domain::stores::{
    self, Container, Entry, InventoryPage, Right, Schedule, Store, StoreCommand, StoreJob, StoreJobKind, StoreJobState, StoreKind,
};
use certhold_domain::{Actor, ContainerId, Result as DomainResult, StoreId};
use certhold_store::Tx;

use super::stores::{chain, container_choices, container_link, containers, encryption, key, password, place, properties, state};
use super::{Asked, Ids};
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::show;
use crate::web::view::address::Address;
use crate::web::view::form::{Check, Input, SecretInput};
use crate::web::view::frame::Section;
use crate::web::view::stores::{AddForm, EntryRow, JobRow, StoreDetailPage, StoreForm};
use crate::web::view::text::Link;
use crate::web::view::time::Moment;
use crate::web::view::tone::{Badge, Tone};
use crate::web::visit::Visit;

/// Entries on one page.
const ENTRIES: usize = 50;
/// Jobs that are shown.
const JOBS: usize = 10;

pub fn routes() -> Router<App> {
    Router::new().route("/stores/{id}", get(show).post(update)).route("/stores/{id}/remove", post(remove))
}

/// Where the page of entries begins.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct From {
    after: Option<String>,
}

/// Which form was refused, and why.
pub(super) enum Sad<'a> {
    Nothing,
    Settings(&'a Fields, Complaint),
    Schedule(&'a Fields, Complaint),
    Add(&'a Fields, Complaint),
}

struct Found {
    store: Store,
    page: InventoryPage,
    jobs: Vec<StoreJob>,
    containers: Vec<Container>,
    may_modify: bool,
    may_schedule: bool,
}

async fn show(visit: Visit, ids: Ids, Asked(from): Asked<From>) -> Result<Response, Refused> {
    page(&visit, StoreId(ids.first()), from.after, StatusCode::OK, Sad::Nothing).await
}

fn find(tx: &mut Tx<'_>, actor: &Actor, id: StoreId, after: Option<&str>) -> DomainResult<Found> {
    let store = stores::get(tx, actor, id)?;
    let container = store.container.as_ref().map(|(id, _)| *id);
    Ok(Found {
        page: stores::inventory(tx, actor, id, after, ENTRIES)?,
        jobs: stores::jobs(tx, actor, id, None, JOBS)?,
        containers: container_choices(tx, actor)?,
        may_modify: stores::holds(&actor.access, Right::Modify, container),
        may_schedule: stores::holds(&actor.access, Right::Schedule, container),
        store,
    })
}

/// The page; `sad` is the form that was refused.
pub(super) async fn page(
    visit: &Visit,
    id: StoreId,
    after: Option<String>,
    status: StatusCode,
    sad: Sad<'_>,
) -> Result<Response, Refused> {
    let now = visit.app.now();
    let (viewer, found) = visit.read(move |tx, actor| find(tx, actor, id, after.as_deref())).await?;
    let store = &found.store;
    let (mut form, mut schedule, mut add) = (known(&found), Input::of(store.schedule.to_string()), AddForm::default());
    add.with_key = Check::of(true);
    match sad {
        Sad::Nothing => {}
        Sad::Settings(sent, complaint) => form = refused(&found, sent, complaint),
        Sad::Schedule(sent, complaint) => schedule = Input::of(sent.text("schedule")).refused(complaint.message),
        Sad::Add(sent, complaint) => add = refused_add(sent, complaint),
    }
    let more = found.page.next.clone().map(|after| Address::new(format!("/stores/{id}")).with("after", after).to_string());
    let page = StoreDetailPage {
        frame: visit.frame(&store.name, Section::Stores, viewer).below("Certificate stores", "/stores"),
        id: id.0,
        kind: store.kind.label().into(),
        path: store.path.clone(),
        machine: store.machine.clone(),
        container: store.container.as_ref().map(container_link),
        state: state(store),
        inventoried: store.inventoried_at.map(|at| Moment::new(at, now)),
        next: store.next_at.map(|at| Moment::new(at, now)),
        trouble: store.last_error.clone().zip(store.last_error_at.map(|at| Moment::new(at, now))),
        problems: store.problems.iter().map(|problem| (problem.place.clone(), problem.reason.clone())).collect(),
        total: store.entries,
        entries: found.page.entries.iter().filter_map(|entry| entry_row(entry, now)).collect(),
        more,
        jobs: found.jobs.iter().map(|job| job_row(job, &found, now)).collect(),
        add: found.may_modify.then_some(add),
        schedule: found.may_schedule.then_some(schedule),
        form: found.may_modify.then_some(form),
    };
    Ok(visit.page(status, &page))
}

fn known(found: &Found) -> StoreForm {
    let store = &found.store;
    let container = store.container.as_ref().map(|(id, _)| id.to_string()).unwrap_or_default();
    let is_directory = store.kind == StoreKind::PemDirectory;
    StoreForm {
        error: None,
        name: Input::of(&store.name),
        path: Input::of(&store.path),
        machine: Input::of(&store.machine),
        container: containers(&found.containers, &container),
        password: SecretInput { is_set: store.has_password, error: None },
        create_if_missing: Check::of(store.create_if_missing),
        schedule: Input::default(),
        chain: is_directory.then(|| chain(store.properties.chain.unwrap_or_default())),
        key: is_directory.then(|| key(store.properties.key.unwrap_or_default())),
        encryption: (store.kind == StoreKind::Pkcs12).then(|| encryption(store.properties.encryption.unwrap_or_default())),
    }
}

fn refused(found: &Found, sent: &Fields, complaint: Complaint) -> StoreForm {
    let mut form = StoreForm {
        name: Input::of(sent.text("name")),
        path: Input::of(sent.text("path")),
        machine: Input::of(sent.text("machine")),
        container: containers(&found.containers, sent.text("container")),
        create_if_missing: Check::of(sent.is_ticked("create_if_missing")),
        ..known(found)
    };
    place(&mut form, complaint);
    form
}

fn refused_add(sent: &Fields, complaint: Complaint) -> AddForm {
    let mut form = AddForm {
        error: None,
        certificate: Input::of(sent.text("certificate")),
        alias: Input::of(sent.text("alias")),
        with_key: Check::of(sent.is_ticked("with_key")),
        overwrite: Check::of(sent.is_ticked("overwrite")),
    };
    let mut places = [("certificate", &mut form.certificate.error), ("alias", &mut form.alias.error)];
    complaint.place(&mut form.error, &mut places);
    form
}

fn entry_row(entry: &Entry, now: i64) -> Option<EntryRow> {
    let own: &Summary = &entry.certificates.first()?.summary;
    Some(EntryRow {
        alias: entry.alias.clone(),
        certificate: Link::new(own.title(), show::certificate_href(own.id)),
        validity: show::validity(own, now),
        chain: i64::try_from(entry.certificates.len() - 1).unwrap_or(0),
        has_key: entry.has_key,
    })
}

fn job_row(job: &StoreJob, found: &Found, now: i64) -> JobRow {
    let alias = job.alias.as_deref().unwrap_or_default();
    let what = match job.kind {
        StoreJobKind::Inventory => "Inventory".to_owned(),
        StoreJobKind::Add if job.with_key => format!("Put in {alias} with its key"),
        StoreJobKind::Add => format!("Put in {alias}"),
        StoreJobKind::Remove => format!("Take out {alias}"),
    };
    let state = match job.state {
        StoreJobState::Waiting => Badge::new("Waiting", Tone::Info).with_icon("clock"),
        StoreJobState::Running => Badge::new("Running", Tone::Info).with_icon("renew"),
        StoreJobState::Done => Badge::new("Done", Tone::Good),
        StoreJobState::Failed => Badge::new("Failed", Tone::Bad),
        StoreJobState::Cancelled => Badge::new("Taken back", Tone::Neutral),
    };
    let may = if job.kind == StoreJobKind::Inventory { found.may_schedule } else { found.may_modify };
    JobRow {
        id: job.id.0,
        what,
        author: job.author.clone(),
        state,
        at: Moment::new(job.finished_at.unwrap_or(job.due_at), now),
        outcome: job.error.clone().or_else(|| job.report.clone()).unwrap_or_default(),
        has_failed: job.state == StoreJobState::Failed,
        may_retry: may && job.state == StoreJobState::Failed,
        may_cancel: may && job.state == StoreJobState::Waiting,
    }
}

fn command(app: &App, sent: &Fields, store: &Store, container: Option<i64>) -> DomainResult<StoreCommand> {
    Ok(StoreCommand {
        name: sent.text("name").to_owned(),
        kind: store.kind,
        machine: sent.text("machine").trim().to_owned(),
        path: sent.text("path").trim().to_owned(),
        container: container.map(ContainerId),
        properties: properties(sent, store.kind, &store.properties),
        password: password(app, sent)?,
        create_if_missing: sent.is_ticked("create_if_missing"),
        schedule: store.schedule.clone(),
    })
}

async fn update(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, StoreId(ids.first()));
    let (_, store) = author.visit.read(move |tx, actor| stores::get(tx, actor, id)).await?;
    let container = sent.number("container")?;
    let complaint = match command(&author.visit.app, &sent.fields, &store, container) {
        Ok(new) => {
            let roots = author.visit.app.settings().store_roots.clone();
            match author.write(move |tx, actor, now| stores::update(tx, actor, id, &new, &roots, now)).await {
                Ok(()) => return Ok(author.done(&format!("/stores/{id}"), "The store was saved.")),
                Err(error) => author.complaint(error)?,
            }
        }
        Err(error) => author.complaint(error)?,
    };
    page(&author.visit, id, None, StatusCode::UNPROCESSABLE_ENTITY, Sad::Settings(&sent.fields, complaint)).await
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = StoreId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| stores::remove(tx, actor, id, now)).await;
    let back = if outcome.is_ok() { "/stores".to_owned() } else { format!("/stores/{id}") };
    sent.author.done_or_said(&back, outcome, "The store was removed; its files stay where they are.")
}

/// For the form of the schedule.
pub(super) fn schedule(sent: &Fields) -> DomainResult<Schedule> {
    Ok(Schedule::parse(sent.text("schedule"))?)
}
