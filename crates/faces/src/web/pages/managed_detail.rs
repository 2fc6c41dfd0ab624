//! `/managed/{id}`: one managed certificate.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::paths;
use certhold_domain::events::Event;
use certhold_domain::inventory::{self, Summary};
use certhold_domain::renewal::deployment::{self, Deployment, DeploymentSettings};
use certhold_domain::renewal::managed::{self, Managed};
use certhold_domain::renewal::order::{self, Order, Record};
use certhold_domain::renewal::{IssuedBy, KeyKind};
use certhold_domain::{Actor, LineageId, Result as DomainResult, ownership};
use certhold_store::Tx;

use super::Ids;
use super::managed::{next_renewal, state};
use super::remedy;
use crate::state::App;
use crate::web::refused::Refused;
use crate::web::sent::Sent;
use crate::web::shared::holds;
use crate::web::show::{self, event};
use crate::web::view::certificate::Contact;
use crate::web::view::frame::Section;
use crate::web::view::managed::{
    DeployedFile, DeploymentRow, InService, ManagedActions, ManagedDetailPage, OrderStep, Plan, StepState, TroubleDetail,
};
use crate::web::view::text::{Link, plural};
use crate::web::view::time::Moment;
use crate::web::view::tone::{Badge, Tone};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/managed/{id}", get(show))
        .route("/managed/{id}/renew", post(renew))
        .route("/managed/{id}/pause", post(pause))
        .route("/managed/{id}/resume", post(resume))
        .route("/managed/{id}/remove", post(remove))
}

/// Events on the page.
const HISTORY: usize = 50;

struct Found {
    managed: Managed,
    contact: Contact,
    versions: Vec<Summary>,
    order: Option<(Order, Vec<Record>)>,
    deployments: Vec<Deployment>,
    history: Vec<Event>,
    may: ManagedActions,
    may_audit: bool,
    may_read: Links,
}

/// Which of the plan's parts the viewer may open.
struct Links {
    issuers: bool,
    providers: bool,
    patterns: bool,
    roles: bool,
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    let (id, now) = (LineageId(ids.first()), visit.app.now());
    let (viewer, found) = visit.read(move |tx, actor| find(tx, actor, id)).await?;
    let managed = &found.managed;
    let here = event::Here { object: Some(("managed", id.0)), may_audit: found.may_audit, now };
    let current = managed.current.and_then(|current| found.versions.iter().find(|version| version.id == current));
    let moment = |at: i64| Moment::new(at, now);
    let page = ManagedDetailPage {
        frame: visit.frame(&managed.name, Section::Managed, viewer).below("Managed certificates", "/managed"),
        id: id.0,
        state: state(managed, now),
        is_paused: managed.paused,
        trouble: trouble(&found, now),
        in_service: current
            .map(|version| InService { href: show::certificate_href(version.id), validity: show::validity(version, now) }),
        next_renewal: next_renewal(managed).map(moment),
        next_renewal_reason: reason(managed),
        names: managed.names.clone(),
        plan: plan(managed, found.contact.clone(), &found.may_read),
        steps: found.order.as_ref().map(|(order, records)| steps(order, records, managed, now)).unwrap_or_default(),
        versions: show::versions(&found.versions, managed.current.map(|id| id.0), None, now),
        deployments: found.deployments.iter().map(|deployment| row(deployment, now)).collect(),
        history: event::lines(&found.history, &here),
        may: found.may,
    };
    visit.ok(&page)
}

fn find(tx: &mut Tx<'_>, actor: &Actor, id: LineageId) -> DomainResult<Found> {
    let managed = managed::get(tx, actor, id)?;
    let order = match order::list(tx, actor, id, 1)?.into_iter().next() {
        Some(order) => {
            let records = order::records(tx, order.id)?;
            Some((order, records))
        }
        None => None,
    };
    let email = ownership::contact_of_managed(tx, actor, id)?;
    let contact = show::contact(tx, actor, managed.owner.as_ref().map(|(role, _)| *role), email)?;
    let may = |path: &str| holds(&actor.access, path);
    let versions = if show::may_read_certificates(actor) { inventory::versions(tx, actor, id)? } else { Vec::new() };
    Ok(Found {
        contact,
        versions,
        order,
        deployments: deployment::list(tx, actor, id)?,
        history: managed::log(tx, actor, id, HISTORY)?,
        may: ManagedActions {
            renew: may(paths::RENEWAL_RUN),
            change: may(paths::RENEWAL_MODIFY),
            deploy: may(paths::DEPLOYMENT_MODIFY),
        },
        may_audit: may(paths::AUDITING_READ),
        may_read: Links {
            issuers: may(paths::ISSUERS_READ),
            providers: may(paths::DNS_PROVIDERS_READ),
            patterns: may(paths::PATTERNS_READ),
            roles: may(paths::SECURITY_READ),
        },
        managed,
    })
}

fn trouble(found: &Found, now: i64) -> Option<TroubleDetail> {
    let may_open = remedy::MayOpen { issuers: found.may_read.issuers, providers: found.may_read.providers };
    let answer = found.order.as_ref().and_then(|(order, _)| order.detail.as_deref());
    remedy::trouble(&found.managed, answer, &may_open, now)
}

fn reason(managed: &Managed) -> String {
    match managed {
        _ if managed.failures > 0 && managed.attempt_due_at.is_some() => format!("try {}", managed.failures + 1),
        _ if managed.attempt_due_at.is_some() => String::new(),
        _ if managed.paused || managed.renew_at.is_none() => String::new(),
        _ => "two thirds of the life, spread a little".into(),
    }
}

fn plan(managed: &Managed, contact: Contact, may_read: &Links) -> Plan {
    let link = |may: bool, label: &str, href: String| Link::new(label, if may { href } else { String::new() });
    let kind = KeyKind::ALL.iter().find(|(_, _, kind)| *kind == managed.key_kind).map_or("", |(_, label, _)| label);
    let renewed = if managed.reuse_key { "kept at renewal" } else { "new at each renewal" };
    let (issuer, parts, asked) = match &managed.by {
        IssuedBy::Acme { issuer: (id, name), dns_provider, profile } => {
            let provider = link(may_read.providers, &dns_provider.1, format!("/dns-providers/{}", dns_provider.0));
            let issuer = link(may_read.issuers, name, format!("/issuers/{id}"));
            (issuer, vec![("DNS provider", provider)], profile.clone())
        }
        IssuedBy::Private { authority: (id, name), template, pattern, subject, days } => {
            let mut parts = Vec::new();
            if let Some((id, name)) = pattern {
                parts.push(("Pattern", link(may_read.patterns, name, format!("/patterns/{id}"))));
            }
            parts.push(("Template", Link::new(template.title(), "")));
            parts.extend(subject.iter().map(|subject| ("Subject", Link::new(subject, ""))));
            parts.extend(days.map(|days| ("Lives", Link::new(plural(days, "day", "days"), ""))));
            (link(may_read.issuers, name, format!("/authorities/{id}")), parts, None)
        }
    };
    Plan {
        issuer,
        parts,
        orders: matches!(managed.by, IssuedBy::Acme { .. }),
        key: format!("{kind}, {renewed}"),
        profile: asked.unwrap_or_default(),
        policy: "At two thirds of the life".into(),
        owner: managed.owner.as_ref().map(|owner| show::owner(owner, may_read.roles)),
        contact,
    }
}

/// The latest order, step by step, as far as its records tell.
fn steps(order: &Order, records: &[Record], managed: &Managed, now: i64) -> Vec<OrderStep> {
    let (is_placed, is_issued, is_lost) = (order.url.is_some(), order.state == "issued", order.state == "failed");
    let has_failed = is_lost || order.error.is_some();
    let at = |ms: i64| Some(Moment::new(ms, now));
    let step = |label: String, state, at, detail: String| OrderStep { label, state, at, detail };
    // The first step that is not done carries the failure; what comes after it waits.
    let mut is_open = true;
    let mut next = |is_done: bool| match (is_done, is_open) {
        (true, _) => StepState::Done,
        (false, false) => StepState::Waiting,
        (false, true) => {
            is_open = false;
            if has_failed { StepState::Failed } else { StepState::Running }
        }
    };
    let names = plural(i64::try_from(order.names.len()).unwrap_or(i64::MAX), "name", "names");
    let mut steps = vec![step("Make a key and a request".into(), StepState::Done, at(order.created_at), names)];
    let placed = next(is_placed);
    steps.push(step(format!("Place the order at {}", managed.by.name()), placed, None, String::new()));
    for record in records {
        let state = next(is_issued || record.state != "wanted");
        steps.push(step(format!("Publish TXT {}", record.name), state, at(record.created_at), record_state(record).into()));
    }
    let obtained = next(is_issued);
    let ended = (is_issued || obtained == StepState::Failed).then(|| Moment::new(order.updated_at, now));
    let failure = order.error.clone().filter(|_| obtained == StepState::Failed).unwrap_or_default();
    steps.push(step("Prove the names, download and check the certificate".into(), obtained, ended, failure));
    if !records.is_empty() {
        let is_gone = records.iter().all(|record| record.state == "withdrawn");
        let state = match (is_gone, is_issued || is_lost) {
            (true, _) => StepState::Done,
            (false, true) => StepState::Running,
            (false, false) => StepState::Waiting,
        };
        steps.push(step("Withdraw TXT".into(), state, None, String::new()));
    }
    steps
}

fn record_state(record: &Record) -> &'static str {
    match record.state.as_str() {
        "published" => "published",
        "withdrawn" => "withdrawn again",
        _ => "",
    }
}

fn row(deployment: &Deployment, now: i64) -> DeploymentRow {
    let state = match deployment.state.as_str() {
        "deployed" => Badge::new("Deployed", Tone::Good),
        "failing" => Badge::new("Failed", Tone::Bad),
        _ => Badge::new("Waiting", Tone::Info).with_icon("clock"),
    };
    DeploymentRow {
        id: deployment.id.0,
        name: deployment.name.clone(),
        files: files(&deployment.settings),
        command: deployment.settings.command.join(" "),
        state,
        at: deployment.last_at.map(|at| Moment::new(at, now)),
        error: deployment.last_error.clone().unwrap_or_default(),
    }
}

fn files(settings: &DeploymentSettings) -> Vec<DeployedFile> {
    let who = match (&settings.owner, &settings.group) {
        (Some(owner), Some(group)) => format!("{owner}:{group} "),
        (Some(owner), None) => format!("{owner} "),
        (None, Some(group)) => format!(":{group} "),
        (None, None) => String::new(),
    };
    let file = |(what, path): (&str, &str)| {
        let mode = if what == "private_key" {
            settings.key_mode.as_deref().unwrap_or("0600")
        } else {
            settings.mode.as_deref().unwrap_or("0644")
        };
        DeployedFile { content: what.replace('_', " "), path: path.to_owned(), access: format!("{who}{mode}") }
    };
    let store = settings.store.iter().map(|target| DeployedFile {
        content: format!("certificate store {}", target.store),
        path: target.alias.clone(),
        access: if target.include_key { "with its key".into() } else { "without its key".into() },
    });
    settings.files().map(file).chain(store).collect()
}

async fn renew(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = LineageId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| managed::renew_now(tx, actor, id, now)).await;
    sent.author.done_or_said(&format!("/managed/{id}"), outcome, "A new version is being obtained.")
}

async fn pause(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    set_paused(ids, sent, true, "Nothing is renewed by itself until you resume it.").await
}

async fn resume(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    set_paused(ids, sent, false, "It renews by itself again.").await
}

async fn set_paused(ids: Ids, sent: Sent, paused: bool, what: &str) -> Result<Response, Refused> {
    let id = LineageId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| managed::set_paused(tx, actor, id, paused, now)).await;
    sent.author.done_or_said(&format!("/managed/{id}"), outcome, what)
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = LineageId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| managed::remove(tx, actor, id, now)).await;
    let back = if outcome.is_ok() { "/managed".to_owned() } else { format!("/managed/{id}") };
    sent.author.done_or_said(&back, outcome, "It is no longer managed. Its certificates are still in the inventory.")
}
