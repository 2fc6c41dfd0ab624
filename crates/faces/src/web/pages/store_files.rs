//! Certificate stores, containers, and what is in a store, as comma-separated values.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use certhold_domain::stores::{self, Entry, InventoryPage, Store, StoreJob};
use certhold_domain::{Actor, StoreId, StoreJobId, csv, hex};
use certhold_store::Tx;

use super::inventory_csv::ROWS;
use super::stores::{Wanted, state};
use super::{Asked, Ids};
use crate::state::App;
use crate::web::file::{File, instant, yes};
use crate::web::refused::Refused;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/stores.csv", get(of_stores))
        .route("/containers.csv", get(of_containers))
        .route("/stores/{id}/entries.csv", get(of_entries))
        .route("/stores/{id}/jobs.csv", get(of_jobs))
}

async fn of_stores(visit: Visit, Asked(wanted): Asked<Wanted>) -> Result<Response, Refused> {
    let head = [
        "id",
        "name",
        "kind",
        "machine",
        "path",
        "container",
        "state",
        "entries",
        "schedule",
        "next_at",
        "inventoried_at",
        "last_error",
        "last_error_at",
        "problems",
        "created_at",
    ];
    let step = move |tx: &mut Tx<'_>, actor: &Actor, after: Option<&str>| {
        let after = after.and_then(|id| id.parse().ok()).map(StoreId);
        let page = stores::list(tx, actor, &wanted.filter(after, ROWS))?;
        Ok((page.stores.iter().map(store_line).collect(), page.next.map(|id| id.to_string())))
    };
    File::csv("stores.csv", &head).stepwise(&visit, step).await
}

fn store_line(one: &Store) -> String {
    let problems: Vec<String> = one.problems.iter().map(|problem| format!("{}: {}", problem.place, problem.reason)).collect();
    let row = [
        one.id.to_string(),
        one.name.clone(),
        one.kind.name().into(),
        one.machine.clone(),
        one.path.clone(),
        one.container.as_ref().map(|(_, name)| name.clone()).unwrap_or_default(),
        state(one).label,
        one.entries.to_string(),
        one.schedule.to_string(),
        instant(one.next_at),
        instant(one.inventoried_at),
        one.last_error.clone().unwrap_or_default(),
        instant(one.last_error_at),
        problems.join("; "),
        instant(one.created_at),
    ];
    csv::line(row.iter().map(String::as_str))
}

async fn of_containers(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(stores::containers).await?;
    let head = ["id", "name", "description", "kind", "schedule", "overwrite_schedules", "stores", "created_at"];
    Ok(File::csv("containers.csv", &head).whole(all.into_iter().map(|one| {
        [
            one.id.to_string(),
            one.name,
            one.description,
            one.kind.map(|kind| kind.name().to_owned()).unwrap_or_default(),
            one.schedule.to_string(),
            yes(one.overwrite_schedules),
            one.stores.to_string(),
            instant(one.created_at),
        ]
    })))
}

/// A line for each entry, with its own certificate; what stands above that is told by its number.
async fn of_entries(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    let id = StoreId(ids.first());
    let head =
        ["alias", "certificate", "name", "serial", "not_before", "not_after", "above", "private_key", "found_at", "sha256"];
    let step = move |tx: &mut Tx<'_>, actor: &Actor, after: Option<&str>| {
        let InventoryPage { entries, next } = stores::inventory(tx, actor, id, after, ROWS)?;
        Ok((entries.iter().filter_map(entry_line).collect(), next))
    };
    File::csv("entries.csv", &head).stepwise(&visit, step).await
}

fn entry_line(entry: &Entry) -> Option<String> {
    let own = &entry.certificates.first()?.summary;
    let row = [
        entry.alias.clone(),
        own.id.to_string(),
        own.title().to_owned(),
        own.serial.clone(),
        instant(own.not_before),
        instant(own.not_after),
        (entry.certificates.len() - 1).to_string(),
        yes(entry.has_key),
        instant(entry.found_at),
        hex(&own.sha256),
    ];
    Some(csv::line(row.iter().map(String::as_str)))
}

/// All jobs that are remembered, newest first; the page shows the last ones.
async fn of_jobs(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    let id = StoreId(ids.first());
    let head = [
        "id",
        "kind",
        "alias",
        "certificate",
        "private_key",
        "author",
        "state",
        "report",
        "error",
        "due_at",
        "created_at",
        "finished_at",
    ];
    let step = move |tx: &mut Tx<'_>, actor: &Actor, before: Option<&str>| {
        let before = before.and_then(|id| id.parse().ok()).map(StoreJobId);
        let found = stores::jobs(tx, actor, id, before, ROWS)?;
        let next = found.last().filter(|_| found.len() == ROWS).map(|last| last.id.to_string());
        Ok((found.iter().map(job_line).collect(), next))
    };
    File::csv("jobs.csv", &head).stepwise(&visit, step).await
}

fn job_line(job: &StoreJob) -> String {
    let row = [
        job.id.to_string(),
        job.kind.name().to_owned(),
        job.alias.clone().unwrap_or_default(),
        job.certificate.map(|id| id.to_string()).unwrap_or_default(),
        yes(job.with_key),
        job.author.clone(),
        job.state.name().to_owned(),
        job.report.clone().unwrap_or_default(),
        job.error.clone().unwrap_or_default(),
        instant(job.due_at),
        instant(job.created_at),
        instant(job.finished_at),
    ];
    csv::line(row.iter().map(String::as_str))
}
