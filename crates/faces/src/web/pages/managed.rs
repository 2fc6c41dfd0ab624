//! `/managed`: all managed certificates.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use certhold_domain::renewal::managed::{self, Health, Managed, ManagedFilter, ManagedPage as Found};
use certhold_domain::{Actor, Result as DomainResult, inventory};
use certhold_store::Tx;
use serde::{Deserialize, Deserializer};

use super::{Asked, asked};
use crate::state::App;
use crate::web::paging::{Place, ROWS};
use crate::web::refused::{Refused, sentence};
use crate::web::show;
use crate::web::view::address::Address;
use crate::web::view::frame::Section;
use crate::web::view::managed::{ManagedPage, ManagedRow, ManagedState};
use crate::web::view::table::FilterLink;
use crate::web::view::time::Moment;
use crate::web::view::tone::Validity;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new().route("/managed", get(list))
}

/// The filters that stand above the list.
pub(super) fn filter_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    asked::one_of(deserializer, &["", "trouble"])
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Parameters {
    #[serde(deserialize_with = "filter_word")]
    filter: String,
    after: Option<String>,
    trail: Option<String>,
}

struct Seen {
    page: Found,
    counts: Vec<(Health, i64)>,
    /// The life of each version in service, in the order of the page.
    lives: Vec<Option<Validity>>,
}

async fn list(visit: Visit, Asked(given): Asked<Parameters>) -> Result<Response, Refused> {
    let (now, place) = (visit.app.now(), Place::of(given.after, given.trail.as_deref()));
    let troubled = given.filter == "trouble";
    let after = place.after.as_deref().and_then(|after| after.parse().ok());
    let filter = ManagedFilter { troubled, after, limit: ROWS };
    let (viewer, seen) = visit.read(move |tx, actor| find(tx, actor, &filter, now)).await?;
    let all: i64 = seen.counts.iter().map(|(_, count)| count).sum();
    let in_trouble = seen.counts.iter().filter(|(health, _)| health.is_trouble());
    let in_trouble = in_trouble.map(|(_, count)| count).sum();
    let address = Address::new("/managed").with("filter", if troubled { "trouble" } else { "" });
    let rows = seen.page.managed.iter().zip(&seen.lives).map(|(managed, life)| row(managed, *life, now)).collect();
    let total = Some(if troubled { in_trouble } else { all });
    let page = ManagedPage {
        frame: visit.frame("Managed", Section::Managed, viewer),
        filters: vec![
            link("All", "/managed", all, !troubled),
            link("In trouble", "/managed?filter=trouble", in_trouble, troubled),
        ],
        rows,
        csv_href: Address::new("/managed.csv").with_all(address.parameters()).to_string(),
        pager: place.pager(&address, seen.page.next.map(|id| id.to_string()), seen.page.managed.len(), total),
        holds_nothing: all == 0,
    };
    visit.ok(&page)
}

fn find(tx: &mut Tx<'_>, actor: &Actor, filter: &ManagedFilter, now: i64) -> DomainResult<Seen> {
    let page = managed::list(tx, actor, filter, now)?;
    let counts = managed::count_by_health(tx, now)?;
    let may_read = show::may_read_certificates(actor);
    let mut lives = Vec::with_capacity(page.managed.len());
    for managed in &page.managed {
        let life = match managed.current.filter(|_| may_read) {
            Some(current) => Some(show::validity(&inventory::summary(tx, actor, current)?, now)),
            None => None,
        };
        lives.push(life);
    }
    Ok(Seen { page, counts, lives })
}

fn link(label: &str, href: &str, count: i64, is_current: bool) -> FilterLink {
    FilterLink { label: label.into(), href: href.into(), count: Some(count), is_current }
}

fn row(managed: &Managed, validity: Option<Validity>, now: i64) -> ManagedRow {
    ManagedRow {
        href: format!("/managed/{}", managed.id),
        name: managed.name.clone(),
        more_names: more_names(managed),
        state: state(managed, now),
        validity,
        next_renewal: next_renewal(managed).map(|at| Moment::new(at, now)),
        issuer: managed.by.name().to_owned(),
        owner: managed.owner.as_ref().map(|(_, name)| name.clone()),
        last_error: last_error(managed, now).unwrap_or_default(),
    }
}

fn more_names(managed: &Managed) -> i64 {
    let others = managed.names.iter().filter(|name| **name != managed.name).count();
    i64::try_from(others).unwrap_or(i64::MAX)
}

/// What it does now.
pub fn state(managed: &Managed, now: i64) -> ManagedState {
    match managed.health(now) {
        Health::Expired => ManagedState::Expired,
        Health::Failing if managed.renewing => ManagedState::Retrying,
        Health::Failing => ManagedState::Stuck,
        Health::NotDeployed => ManagedState::NotDeployed,
        Health::Paused => ManagedState::Paused,
        Health::Renewing if managed.current.is_none() => ManagedState::Obtaining,
        Health::Renewing => ManagedState::Renewing,
        Health::Good => ManagedState::InService,
    }
}

/// What is wrong with it, in sentences: a deployment where that is its health, else an attempt to renew it, or again a deployment.
pub fn last_error(managed: &Managed, now: i64) -> Option<String> {
    let undeployed = managed.undeployed.as_ref();
    let undeployed = undeployed.map(|failed| format!("The deployment “{}” failed. {}", failed.name, sentence(&failed.error)));
    let renewal = managed.last_error.as_deref().map(sentence);
    if managed.health(now) == Health::NotDeployed { undeployed.or(renewal) } else { renewal.or(undeployed) }
}

/// When the next attempt is made; none while it is paused and no attempt waits.
pub fn next_renewal(managed: &Managed) -> Option<i64> {
    managed.attempt_due_at.or(managed.renew_at.filter(|_| !managed.paused))
}
