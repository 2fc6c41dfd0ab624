//! `/key-requests`: keys made here, with their signing requests.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::KeyRequestId;
use certhold_domain::access::paths;
use certhold_domain::custody::{self, KeyRequest};
use certhold_domain::renewal::KeyKind;
use certhold_pki::pem;
use serde::Deserialize;

use super::{Asked, Ids, asked};
use crate::export::{self, KeyWanted};
use crate::state::App;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::view::form::{Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::private_key::{KeyRequestForm, KeyRequestPage, KeyRequestRow, KeyRequestsPage};
use crate::web::view::text::Link;
use crate::web::view::time::Moment;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/key-requests", get(list).post(create))
        .route("/key-requests/{id}", get(show))
        .route("/key-requests/{id}/remove", post(remove))
}

/// Lines of a page.
const ROWS: usize = 50;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    #[serde(deserialize_with = "asked::number")]
    before: Option<i64>,
}

async fn list(visit: Visit, Asked(given): Asked<Parameters>) -> Result<Response, Refused> {
    let before = given.before.map(KeyRequestId);
    page(&visit, StatusCode::OK, before, KeyRequestForm { key: kinds().choose("p256"), ..KeyRequestForm::default() }).await
}

fn kinds() -> Select {
    Select::of(KeyKind::ALL.iter().map(|(name, label, _)| Choice::new(*name, *label)).collect())
}

async fn page(
    visit: &Visit,
    status: StatusCode,
    before: Option<KeyRequestId>,
    form: KeyRequestForm,
) -> Result<Response, Refused> {
    let now = visit.app.now();
    let read = visit.read(move |tx, actor| {
        let found = custody::list_key_requests(tx, actor, before, ROWS)?;
        Ok((found, holds(&actor.access, paths::KEY_REQUESTS_MODIFY)))
    });
    let (viewer, (found, may_make)) = read.await?;
    let next = found.last().filter(|_| found.len() == ROWS).map(|last| format!("/key-requests?before={}", last.id));
    let page = KeyRequestsPage {
        frame: visit.frame("Key requests", Section::KeyRequests, viewer),
        rows: found.iter().map(|request| row(request, now)).collect(),
        next,
        form: may_make.then_some(form),
    };
    Ok(visit.page(status, &page))
}

fn row(request: &KeyRequest, now: i64) -> KeyRequestRow {
    let bits = request.key_bits.map(|bits| format!(" {bits}")).unwrap_or_default();
    KeyRequestRow {
        name: request.name.clone(),
        href: format!("/key-requests/{}", request.id),
        key: format!("{}{bits}", request.key_algorithm),
        certificate: request.certificate.map(|id| Link::new(format!("certificate {id}"), format!("/certificates/{id}"))),
        made: Moment::new(request.created_at, now),
    }
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let (author, fields) = (&sent.author, &sent.fields);
    author.require(paths::KEY_REQUESTS_MODIFY)?;
    let mut form = KeyRequestForm {
        error: None,
        names: Input::of(fields.text("names")),
        key: kinds().choose(fields.text("key")),
        name: Input::of(fields.text("name")),
    };
    let outcome = match KeyKind::parse(fields.text("key")) {
        Err(_) => Err(Complaint::about("key_kind", "Choose a kind of key.")),
        Ok(kind) => {
            let wanted = KeyWanted { name: fields.text("name").to_owned(), names: fields.lines("names"), kind };
            match export::request(&author.visit.app, &author.actor, wanted).await {
                Ok((id, _)) => Ok(id),
                Err(error) => Err(author.complaint(error)?),
            }
        }
    };
    match outcome {
        Ok(id) => Ok(author.done(&format!("/key-requests/{id}"), "The key is in custody. Give the request to an authority.")),
        Err(complaint) => {
            let mut places =
                [("names", &mut form.names.error), ("name", &mut form.name.error), ("key_kind", &mut form.key.error)];
            complaint.place(&mut form.error, &mut places);
            page(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, None, form).await
        }
    }
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    let (id, now) = (KeyRequestId(ids.first()), visit.app.now());
    let read = visit.read(move |tx, actor| {
        let removes = [paths::KEY_REQUESTS_MODIFY, paths::ENROLLMENT_CSR_GENERATION];
        Ok((custody::key_request(tx, actor, id)?, removes.iter().any(|path| holds(&actor.access, path))))
    });
    let (viewer, (request, may_remove)) = read.await?;
    let frame = visit.frame(&request.name, Section::KeyRequests, viewer).below("Key requests", "/key-requests");
    visit.ok(&KeyRequestPage {
        frame,
        row: row(&request, now),
        csr: pem::encode(pem::CERTIFICATE_REQUEST, &request.csr),
        names: request.names,
        remove_action: may_remove.then(|| format!("/key-requests/{id}/remove")),
    })
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let outcome = export::remove_request(&author.visit.app, &author.actor, KeyRequestId(ids.first())).await;
    author.visit.shared.changed();
    author.done_or_said("/key-requests", outcome, "The key request is gone.")
}
