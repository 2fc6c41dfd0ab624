//! `/`: what expires when, what failed, what nobody owns.

use std::sync::atomic::Ordering;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use certhold_domain::access::{self, paths};
use certhold_domain::collections::{self, Collection};
use certhold_domain::events::{self, Event};
use certhold_domain::inventory::{self, Expiry, Filter, OwnerFilter, Sort, Summary};
use certhold_domain::overview::{self, Bucket, Overview, Urgent};
use certhold_domain::renewal::managed::{Health, Managed};
use certhold_domain::{Actor, Result as DomainResult, jobs};
use certhold_store::Tx;

use super::certificates::window;
use crate::state::App;
use crate::web::refused::Refused;
use crate::web::respond;
use crate::web::shared::{holds, viewer};
use crate::web::show::{self, event};
use crate::web::view::chart::{ExpiryBar, ExpiryChart, Span};
use crate::web::view::frame::Section;
use crate::web::view::home::{Heartbeat, HomePage, Totals, Trouble, UnownedCertificate, UrgentCard, UrgentCertificate};
use crate::web::view::text::Link;
use crate::web::view::time::{DAY, Moment};
use crate::web::view::tone::Validity;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new().route("/", get(home))
}

/// Certificates that need somebody now.
const URGENT: usize = 10;
/// Rows of each of the short lists.
const FEW: usize = 8;
/// A worker that was not seen for so long is not at work.
const WORKER_SILENT_MS: i64 = 60_000;
/// Waiting jobs that are counted.
const JOBS_COUNTED: usize = 1_000;

struct Found {
    overview: Overview,
    urgent: Urgent,
    collections: Vec<Collection>,
    expiring: i64,
    unowned: Vec<Summary>,
    recent: Vec<Event>,
    jobs_waiting: Option<i64>,
    in_service: Vec<(certhold_domain::CertificateId, Validity)>,
}

/// What home shows; nothing for whoever may not see certificates, and then the first section they may open.
enum Seen {
    Home(Box<Found>),
    Elsewhere(&'static str),
}

async fn home(visit: Visit) -> Result<Response, Refused> {
    let now = visit.app.now();
    let read = move |tx: &mut Tx<'_>, actor: &Actor| {
        if !holds(&actor.access, paths::CERTIFICATES_READ) {
            let first = viewer(actor).sections.first().copied().unwrap_or(Section::Account);
            return Ok(Seen::Elsewhere(first.href()));
        }
        find(tx, actor, now).map(|found| Seen::Home(Box::new(found)))
    };
    let (viewer, seen) = visit.read(read).await?;
    let found = match seen {
        Seen::Home(found) => *found,
        Seen::Elsewhere(href) => return Ok(respond::see_other(href)),
    };
    let ids: Vec<_> = found.collections.iter().map(|one| one.id).collect();
    let counts = super::collections::counts(&visit, &ids).await;
    let link = |one: Collection| Link::new(one.name, format!("/certificates?collection={}", one.id));
    let collections = found.collections.into_iter().map(link).zip(counts.into_iter().map(Result::ok)).collect();
    let seen = visit.app.worker_seen().load(Ordering::Relaxed);
    let heartbeat = Heartbeat {
        seen: (seen > 0).then(|| Moment::new(seen, now)),
        is_late: seen > 0 && now - seen > WORKER_SILENT_MS,
        jobs_waiting: found.jobs_waiting,
    };
    let overview = &found.overview;
    let totals = Totals {
        held: overview.certificates,
        managed: overview.managed,
        expired: overview.expired,
        expiring: found.expiring,
        unowned: overview.without_owner,
        in_trouble: viewer.in_trouble,
    };
    let here = event::Here { object: None, may_audit: true, now };
    let trouble = |managed: &Managed| trouble(managed, &found.in_service, now);
    let page = HomePage {
        totals,
        collections,
        urgent: urgent(&found.urgent, now),
        chart: ExpiryChart::new(overview.expiry.iter().map(|bucket| bar(bucket, now)).collect()),
        troubles: overview.troubled.as_ref().map(|troubled| troubled.iter().take(FEW).map(trouble).collect()),
        unowned: found.unowned.iter().map(|certificate| unowned(certificate, now)).collect(),
        heartbeat,
        recent: event::lines(&found.recent, &here),
        frame: visit.frame("Home", Section::Home, viewer),
    };
    visit.ok(&page)
}

fn find(tx: &mut Tx<'_>, actor: &Actor, now: i64) -> DomainResult<Found> {
    let overview = overview::overview(tx, actor, now)?;
    let soon = Expiry { from: Some(now), before: Some(now + 30 * DAY) };
    let soon = Filter { expiry: soon, count: true, limit: 1, ..Filter::default() };
    let alive = Expiry { from: Some(now), before: None };
    let nobodys = Filter { expiry: alive, owner: Some(OwnerFilter::Nobody), sort: Sort::Expiry, limit: FEW, ..Filter::default() };
    let jobs_waiting = if access::allows(tx, actor, paths::SYSTEM_READ)? {
        let waiting = jobs::list(tx, actor, JOBS_COUNTED)?;
        let due = waiting.iter().filter(|job| job.state == "waiting" && job.due_at <= now).count();
        Some(i64::try_from(due).unwrap_or(i64::MAX))
    } else {
        None
    };
    let mut in_service = Vec::new();
    for id in overview.troubled.iter().flatten().take(FEW).filter_map(|managed| managed.current) {
        let certificate = inventory::summary(tx, actor, id)?;
        in_service.push((id, show::validity(&certificate, now)));
    }
    Ok(Found {
        collections: collections::list(tx, actor)?.into_iter().filter(|one| one.on_dashboard).take(FEW).collect(),
        expiring: inventory::list(tx, actor, &soon)?.total.unwrap_or(0),
        unowned: inventory::list(tx, actor, &nobodys)?.certificates,
        recent: events::latest(tx, actor, FEW)?,
        urgent: overview::urgent(tx, actor, now, URGENT)?,
        overview,
        jobs_waiting,
        in_service,
    })
}

fn trouble(managed: &Managed, in_service: &[(certhold_domain::CertificateId, Validity)], now: i64) -> Trouble {
    let validity = in_service.iter().find(|(id, _)| Some(*id) == managed.current).map(|(_, validity)| *validity);
    let undeployed = managed.undeployed.as_ref().filter(|_| managed.health(now) == Health::NotDeployed);
    let cause = super::managed::last_error(managed, now).unwrap_or_else(|| "The version in service has expired.".into());
    let (failed, next_try) = match undeployed {
        Some(deployment) => (deployment.at, deployment.due_at),
        None => (managed.last_error_at.or(managed.not_after), managed.attempt_due_at),
    };
    Trouble {
        name: managed.name.clone(),
        href: format!("/managed/{}", managed.id),
        cause,
        failed: Moment::new(failed.unwrap_or(now), now),
        next_try: next_try.map(|at| Moment::new(at, now)),
        validity,
    }
}

fn urgent(found: &Urgent, now: i64) -> UrgentCard {
    let row = |certificate: &Summary| UrgentCertificate {
        name: certificate.title().to_owned(),
        href: show::certificate_href(certificate.id),
        validity: show::validity(certificate, now),
        owner: certificate.owner.as_ref().map(|(_, name)| name.clone()),
        is_managed: certificate.lineage.is_some(),
    };
    UrgentCard {
        rows: found.certificates.iter().map(row).collect(),
        has_more: found.has_more,
        href: window(Some(found.from), Some(found.before)),
    }
}

fn unowned(certificate: &Summary, now: i64) -> UnownedCertificate {
    UnownedCertificate {
        name: certificate.title().to_owned(),
        href: show::certificate_href(certificate.id),
        validity: show::validity(certificate, now),
    }
}

fn bar(bucket: &Bucket, now: i64) -> ExpiryBar {
    let day = |ms: i64| Moment::new(ms, now).date();
    let short = |ms: i64| {
        let date = jiff::Timestamp::from_millisecond(ms);
        date.map_or_else(|_| day(ms), |date| date.strftime("%b %-d").to_string())
    };
    let (span, label, description) = match (bucket.from, bucket.before) {
        (None, _) => (Span::Expired, "Expired".into(), "Expired, and not replaced".into()),
        (Some(from), None) => (Span::Later, "Later".into(), format!("From {} on", day(from))),
        (Some(from), Some(before)) => {
            let span = match from - now {
                distance if distance < 7 * DAY => Span::NextSevenDays,
                distance if distance < 30 * DAY => Span::NearWeek,
                _ => Span::Week,
            };
            let label = if span == Span::NextSevenDays { "7 days".into() } else { short(from) };
            (span, label, format!("{} to {}", day(from), day(before)))
        }
    };
    ExpiryBar {
        span,
        label,
        description,
        managed: bucket.managed,
        unmanaged: bucket.unmanaged,
        href: window(bucket.from, bucket.before),
    }
}
