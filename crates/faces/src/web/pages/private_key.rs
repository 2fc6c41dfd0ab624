//! `/certificates/{id}/key`: a private key leaves custody, or ends.

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use certhold_domain::access::paths;
use certhold_domain::collections::Scope;
use certhold_domain::inventory::{self, Summary};
use certhold_domain::{Actor, CertificateId, CollectionId, Error, Refusal, Result as DomainResult};
use certhold_pki::OutputFormat;
use certhold_store::Tx;
use secrecy::SecretString;

use super::{Asked, Ids, Within};
use crate::export::{self, KeyExport};
use crate::state::App;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds_in;
use crate::web::view::form::{Check, Choice, Input, Select};
use crate::web::view::private_key::{DestroyForm, ExportForm, PrivateKeyPage};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/certificates/{id}/key", get(show))
        .route("/certificates/{id}/key/export", post(export_key))
        .route("/certificates/{id}/key/destroy", post(destroy))
}

/// Whether the page has anything for this actor.
pub(super) fn may_use(actor: &Actor, collection: Option<CollectionId>) -> bool {
    RIGHTS.iter().any(|path| holds_in(&actor.access, path, collection))
}

const RIGHTS: [&str; 2] = [paths::PRIVATE_KEY_READ, paths::PRIVATE_KEY_DELETE];

fn find(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope) -> DomainResult<(Summary, bool, bool)> {
    if !may_use(actor, scope.collection) {
        let missing = RIGHTS.map(str::to_owned).to_vec();
        return Err(Refusal::Forbidden { reason: String::new(), missing }.into());
    }
    let summary = inventory::summary_in(tx, actor, id, scope)?;
    if !summary.has_key {
        return Err(Refusal::not_found("private key of certificate", id).into());
    }
    let [may_export, may_destroy] = RIGHTS.map(|path| holds_in(&actor.access, path, scope.collection));
    Ok((summary, may_export, may_destroy))
}

async fn show(visit: Visit, ids: Ids, Asked(within): Asked<Within>) -> Result<Response, Refused> {
    page(&visit, ids.first(), within, StatusCode::OK, |_| {}).await
}

async fn page(
    visit: &Visit,
    id: i64,
    within: Within,
    status: StatusCode,
    change: impl FnOnce(&mut PrivateKeyPage),
) -> Result<Response, Refused> {
    let (certificate, scope) = (CertificateId(id), within.scope(visit.app.now()));
    let (viewer, (summary, may_export, may_destroy)) = visit.read(move |tx, actor| find(tx, actor, certificate, scope)).await?;
    let frame = within.frame(visit, format!("Private key of {}", summary.title()), viewer);
    let back = within.href(certificate, "");
    let frame = frame.below(summary.title(), back.clone());
    let form = ExportForm { format: formats().choose("pkcs12"), chain: Check::of(true), ..ExportForm::default() };
    let (export, destroy) = (may_export.then_some(form), may_destroy.then(DestroyForm::default));
    let mut page = PrivateKeyPage { frame, id, within: within.collection, back, export, destroy };
    change(&mut page);
    Ok(visit.page(status, &page))
}

fn formats() -> Select {
    let hint = |format: OutputFormat| match format {
        OutputFormat::Pem => "For most servers. Key, certificate and chain in one file.",
        OutputFormat::Pkcs12 => "For Windows, macOS, Java and browsers.",
        OutputFormat::Pkcs12Legacy => "Only for software that cannot read the other one.",
        OutputFormat::Jks => "Only for old Java; its protection of keys is weak.",
        _ => "",
    };
    let choice = |format: OutputFormat| Choice::new(format.name(), format.describe()).with_hint(hint(format));
    Select::of(export::key_formats().map(choice).collect())
}

async fn export_key(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, fields) = (&sent.author, &sent.fields);
    let within = Within::sent(&sent)?;
    author.require_in(paths::PRIVATE_KEY_READ, within.collection())?;
    let Ok(format) = export::format_named(fields.text("format"), export::key_formats()) else {
        return Err(author.malformed("No format was chosen."));
    };
    let (reason, chain) = (fields.text("reason").to_owned(), fields.is_ticked("chain"));
    let (first, second) = (fields.text("password"), fields.text("again"));
    let outcome = match first == second {
        false => Err(Complaint::about("again", "The two passwords are not the same.")),
        true => {
            let password = Some(first).filter(|text| !text.is_empty()).map(|text| SecretString::from(text.to_owned()));
            let scope = within.scope(author.visit.app.now());
            let wanted =
                KeyExport { certificate: CertificateId(ids.first()), format, password, reason: reason.clone(), chain, scope };
            match export::key(&author.visit.app, &author.actor, wanted).await {
                Ok(file) => return Ok(file.into_response()),
                Err(error) => Err(author.complaint(error)?),
            }
        }
    };
    let Err(complaint): Result<(), Complaint> = outcome else { return Err(author.malformed("Nothing was asked for.")) };
    let show = |page: &mut PrivateKeyPage| {
        let Some(form) = &mut page.export else { return };
        form.format = formats().choose(format.name());
        form.reason = Input::of(reason);
        form.chain = Check::of(chain);
        let mut places = [
            ("reason", &mut form.reason.error),
            ("password", &mut form.password.error),
            ("again", &mut form.again.error),
            ("format", &mut form.format.error),
        ];
        complaint.place(&mut form.error, &mut places);
    };
    page(&author.visit, ids.first(), within, StatusCode::UNPROCESSABLE_ENTITY, show).await
}

async fn destroy(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id, within) = (&sent.author, CertificateId(ids.first()), Within::sent(&sent)?);
    author.require_in(paths::PRIVATE_KEY_DELETE, within.collection())?;
    let why = sent.fields.text("why").to_owned();
    let scope = within.scope(author.visit.app.now());
    let outcome = export::destroy_in(&author.visit.app, &author.actor, id, why.clone(), scope).await;
    author.visit.shared.changed();
    let error: Error = match outcome {
        Ok(()) => return Ok(author.done(&within.back(&author.visit, id).await, "The private key is destroyed.")),
        Err(error) => error,
    };
    let complaint = author.complaint(error)?;
    let show = |page: &mut PrivateKeyPage| {
        let Some(form) = &mut page.destroy else { return };
        form.why = Input::of(why);
        complaint.place(&mut form.error, &mut [("reason", &mut form.why.error)]);
    };
    page(&author.visit, ids.first(), within, StatusCode::UNPROCESSABLE_ENTITY, show).await
}
