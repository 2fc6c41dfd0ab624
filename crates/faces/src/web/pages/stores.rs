//! `/stores`: certificate stores, and adding one.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use certhold_domain::access;
use certhold_domain::stores::{
    self, ChainPlace, Container, Encryption, KeyPlace, PasswordChange, Properties, Right, Schedule, Store, StoreCommand,
    StoreFilter, StoreKind,
};
use certhold_domain::{Actor, ContainerId, Error, Refusal, Result as DomainResult, StoreId};
use certhold_store::Tx;

use super::{Asked, asked};
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::view::address::Address;
use crate::web::view::form::{Check, Choice, Input, SecretInput, Select};
use crate::web::view::frame::Section;
use crate::web::view::stores::{NewStorePage, StoreForm, StoreRow, StoresPage};
use crate::web::view::table::FilterLink;
use crate::web::view::text::Link;
use crate::web::view::time::Moment;
use crate::web::view::tone::{Badge, Tone};
use crate::web::visit::Visit;

/// Stores on one page.
const ROWS: usize = 50;

pub fn routes() -> Router<App> {
    Router::new().route("/stores", get(list)).route("/stores/new", get(show_new).post(create))
}

/// What narrows the list.
#[derive(Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    q: String,
    #[serde(deserialize_with = "asked::number")]
    container: Option<i64>,
    troubled: bool,
    #[serde(deserialize_with = "asked::number")]
    after: Option<i64>,
}

impl Wanted {
    /// So many stores after this one.
    pub(super) fn filter(&self, after: Option<StoreId>, limit: usize) -> StoreFilter {
        StoreFilter {
            container: self.container.map(ContainerId),
            kind: None,
            troubled: self.troubled,
            text: Some(self.q.clone()),
            after,
            limit,
        }
    }
}

async fn list(visit: Visit, Asked(wanted): Asked<Wanted>) -> Result<Response, Refused> {
    let filter = wanted.filter(wanted.after.map(StoreId), ROWS);
    let (viewer, (found, may_add)) = visit.read(move |tx, actor| Ok((stores::list(tx, actor, &filter)?, may_add(actor)))).await?;
    let now = visit.app.now();
    let address = Address::new("/stores")
        .with("q", wanted.q.trim())
        .with("container", wanted.container.map(|id| id.to_string()).unwrap_or_default());
    let filter = |label: &str, troubled: bool| FilterLink {
        label: label.into(),
        href: address.clone().with("troubled", if troubled { "true" } else { "" }).to_string(),
        count: None,
        is_current: wanted.troubled == troubled,
    };
    let here = address.clone().with("troubled", if wanted.troubled { "true" } else { "" });
    let page = StoresPage {
        frame: visit.frame("Certificate stores", Section::Stores, viewer),
        filters: vec![filter("All", false), filter("In trouble", true)],
        is_narrowed: !wanted.q.trim().is_empty() || wanted.container.is_some() || wanted.troubled || wanted.after.is_some(),
        query: wanted.q,
        rows: found.stores.iter().map(|store| row(store, now)).collect(),
        csv_href: Address::new("/stores.csv").with_all(here.parameters()).to_string(),
        next: found.next.map(|id| here.with("after", id.to_string()).to_string()),
        may_add,
        has_no_roots: visit.app.settings().store_roots.0.is_empty(),
    };
    visit.ok(&page)
}

/// Whether the actor may add a store: everywhere, or to some container.
fn may_add(actor: &Actor) -> bool {
    let brought = || access::on_objects(&actor.access);
    let in_some = || brought().iter().any(|path| path.as_str().starts_with(access::paths::STORES_MODIFY));
    stores::holds(&actor.access, Right::Modify, None) || in_some()
}

fn row(store: &Store, now: i64) -> StoreRow {
    StoreRow {
        href: format!("/stores/{}", store.id),
        name: store.name.clone(),
        kind: store.kind.label().into(),
        path: store.path.clone(),
        container: store.container.as_ref().map(container_link),
        entries: store.entries,
        state: state(store),
        inventoried: store.inventoried_at.map(|at| Moment::new(at, now)),
    }
}

pub(super) fn container_link((id, name): &(ContainerId, String)) -> Link {
    Link::new(name, format!("/containers/{id}"))
}

/// How a store is doing.
pub(super) fn state(store: &Store) -> Badge {
    match (&store.last_error, store.problems.is_empty(), store.inventoried_at) {
        (Some(_), _, _) => Badge::new("Failing", Tone::Bad),
        (None, false, _) => Badge::new("Partly readable", Tone::Warn),
        (None, true, Some(_)) => Badge::new("In order", Tone::Good),
        (None, true, None) => Badge::new("Not looked at yet", Tone::Neutral),
    }
}

/// The containers that a store can be put into.
pub(super) fn container_choices(tx: &mut Tx<'_>, actor: &Actor) -> DomainResult<Vec<Container>> {
    let all = match stores::containers(tx, actor) {
        Err(Error::Refused(Refusal::Forbidden { .. })) => Vec::new(),
        found => found?,
    };
    Ok(all.into_iter().filter(|one| stores::holds(&actor.access, Right::Modify, Some(one.id))).collect())
}

pub(super) fn containers(all: &[Container], chosen: &str) -> Select {
    let none = Choice::new("", "None");
    let named = all.iter().map(|one| Choice::new(one.id.to_string(), &one.name));
    Select::of(std::iter::once(none).chain(named).collect()).choose(chosen)
}

fn select<const N: usize>(choices: [(&str, &str); N], chosen: &str) -> Select {
    Select::of(choices.into_iter().map(|(value, label)| Choice::new(value, label)).collect()).choose(chosen)
}

pub(super) fn chain(chosen: ChainPlace) -> Select {
    let chosen = match chosen {
        ChainPlace::With => "with",
        ChainPlace::Beside => "beside",
        ChainPlace::None => "none",
    };
    select([("with", "After the certificate"), ("beside", "In ALIAS.chain.pem"), ("none", "Nowhere")], chosen)
}

pub(super) fn key(chosen: KeyPlace) -> Select {
    let chosen = if chosen == KeyPlace::Inside { "inside" } else { "beside" };
    select([("beside", "In ALIAS.key"), ("inside", "Before the certificate, as HAProxy wants it")], chosen)
}

pub(super) fn encryption(chosen: Encryption) -> Select {
    let chosen = if chosen == Encryption::Legacy { "legacy" } else { "modern" };
    select([("modern", "AES-256"), ("legacy", "3DES, for old software")], chosen)
}

/// The properties as a form sends them; those of other kinds are left out, and modes stay what they were.
pub(super) fn properties(sent: &Fields, kind: StoreKind, before: &Properties) -> Properties {
    let is_directory = kind == StoreKind::PemDirectory;
    let chain = match sent.text("chain") {
        "beside" => ChainPlace::Beside,
        "none" => ChainPlace::None,
        _ => ChainPlace::With,
    };
    let key = if sent.text("key") == "inside" { KeyPlace::Inside } else { KeyPlace::Beside };
    let encryption = if sent.text("encryption") == "legacy" { Encryption::Legacy } else { Encryption::Modern };
    Properties {
        chain: is_directory.then_some(chain),
        key: is_directory.then_some(key),
        encryption: (kind == StoreKind::Pkcs12).then_some(encryption),
        ..before.clone()
    }
}

/// What was sent becomes of the password: an empty field keeps it.
pub(super) fn password(app: &App, sent: &Fields) -> DomainResult<PasswordChange> {
    match sent.text("password") {
        "" => Ok(PasswordChange::Keep),
        password => {
            let core = app.core();
            Ok(PasswordChange::Set(stores::seal_password(&core.custody, core.entropy.as_ref(), password)?))
        }
    }
}

/// The complaint at the field that it is about.
pub(super) fn place(form: &mut StoreForm, complaint: Complaint) {
    let mut places = [
        ("name", &mut form.name.error),
        ("path", &mut form.path.error),
        ("machine", &mut form.machine.error),
        ("password", &mut form.password.error),
        ("schedule", &mut form.schedule.error),
    ];
    complaint.place(&mut form.error, &mut places);
}

async fn show_new(visit: Visit) -> Result<Response, Refused> {
    page_new(&visit, StatusCode::OK, &Fields::default(), None).await
}

async fn page_new(visit: &Visit, status: StatusCode, sent: &Fields, complaint: Option<Complaint>) -> Result<Response, Refused> {
    let find = |tx: &mut Tx<'_>, actor: &Actor| {
        if !may_add(actor) {
            certhold_domain::access::require_path(tx, actor, certhold_domain::access::paths::STORES_MODIFY)?;
        }
        container_choices(tx, actor)
    };
    let (viewer, all) = visit.read(find).await?;
    let input = |name: &str| Input::of(sent.text(name));
    let kinds = StoreKind::ALL.into_iter().map(|kind| Choice::new(kind.name(), kind.label()));
    let chosen = if sent.text("kind").is_empty() { StoreKind::PemDirectory.name() } else { sent.text("kind") };
    let fresh = properties(sent, StoreKind::PemDirectory, &Properties::default());
    let legacy = if sent.text("encryption") == "legacy" { Encryption::Legacy } else { Encryption::Modern };
    let mut form = StoreForm {
        error: None,
        name: input("name"),
        path: input("path"),
        machine: input("machine"),
        container: containers(&all, sent.text("container")),
        password: SecretInput::default(),
        create_if_missing: Check::of(sent.is_ticked("create_if_missing")),
        schedule: input("schedule"),
        chain: Some(chain(fresh.chain.unwrap_or_default())),
        key: Some(key(fresh.key.unwrap_or_default())),
        encryption: Some(encryption(legacy)),
    };
    if let Some(complaint) = complaint {
        place(&mut form, complaint);
    }
    let page = NewStorePage {
        frame: visit.frame("New certificate store", Section::Stores, viewer).below("Certificate stores", "/stores"),
        form,
        kind: Select::of(kinds.collect()).choose(chosen),
        roots: visit.app.settings().store_roots.0.join(", "),
    };
    Ok(visit.page(status, &page))
}

fn command(app: &App, sent: &Fields, container: Option<i64>) -> DomainResult<StoreCommand> {
    let kind = StoreKind::parse(sent.text("kind"))?;
    Ok(StoreCommand {
        name: sent.text("name").to_owned(),
        kind,
        machine: sent.text("machine").trim().to_owned(),
        path: sent.text("path").trim().to_owned(),
        container: container.map(ContainerId),
        properties: properties(sent, kind, &Properties::default()),
        password: password(app, sent)?,
        create_if_missing: sent.is_ticked("create_if_missing"),
        schedule: Schedule::parse(sent.text("schedule"))?,
    })
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let container = sent.number("container")?;
    let complaint = match command(&author.visit.app, &sent.fields, container) {
        Ok(new) => {
            let roots = author.visit.app.settings().store_roots.clone();
            match author.write(move |tx, actor, now| stores::create(tx, actor, &new, &roots, now)).await {
                Ok(id) => {
                    return Ok(author.done(&format!("/stores/{id}"), "The store was added; its first inventory is being taken."));
                }
                Err(error) => author.complaint(error)?,
            }
        }
        Err(error) => author.complaint(error)?,
    };
    page_new(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, &sent.fields, Some(complaint)).await
}
