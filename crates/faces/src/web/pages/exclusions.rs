//! `/exclusions`: certificates that were removed and that no import brings back.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::paths;
use certhold_domain::{CertificateId, ExclusionId, hex, inventory};

use super::{Ids, Within};
use crate::export;
use crate::state::App;
use crate::web::refused::Refused;
use crate::web::sent::Sent;
use crate::web::shared::holds;
use crate::web::view::exclusions::{ExclusionRow, ExclusionsPage};
use crate::web::view::frame::Section;
use crate::web::view::time::Moment;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new().route("/exclusions", get(list)).route("/exclusions/{id}/remove", post(readmit))
}

async fn list(visit: Visit) -> Result<Response, Refused> {
    let (viewer, all) = visit.read(inventory::exclusions).await?;
    let now = visit.app.now();
    let row = |one: inventory::Exclusion| ExclusionRow {
        id: one.id.0,
        title: one.title,
        sha256: hex(&one.sha256),
        excluded: Moment::new(one.excluded_at, now),
    };
    let frame = visit.frame("Excluded from imports", Section::Certificates, viewer).below("Certificates", "/certificates");
    visit.ok(&ExclusionsPage { frame, rows: all.into_iter().map(row).collect() })
}

/// Removes a certificate so that no import brings it back.
pub(super) async fn exclude(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (id, within) = (CertificateId(ids.first()), Within::sent(&sent)?);
    let nothing = export::nothing(&sent.author.visit.app).map_err(|error| sent.author.refused(error))?;
    let outcome =
        sent.author.write(move |tx, actor, now| inventory::exclude(tx, actor, id, within.scope(now), &nothing, now)).await;
    let back = match (&outcome, holds(&sent.author.actor.access, paths::CERTIFICATES_EXCLUDE)) {
        (Ok(()), true) => "/exclusions".to_owned(),
        (Ok(()), false) => within.list(),
        (Err(_), _) => within.href(id, ""),
    };
    sent.author.done_or_said(&back, outcome, "The certificate was removed. No import brings it back.")
}

async fn readmit(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = ExclusionId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| inventory::readmit(tx, actor, id, now)).await;
    sent.author.done_or_said("/exclusions", outcome, "The certificate may be imported again.")
}
