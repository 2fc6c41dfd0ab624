//! `/stores/{id}/…`: what is asked for with a certificate store.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use certhold_domain::stores::{self, AddCertificate, RemoveCertificate};
use certhold_domain::{CertificateId, StoreId, StoreJobId};

use super::Ids;
use super::store_detail::{Sad, page, schedule};
use crate::state::App;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/stores/{id}/inventory", post(inventory))
        .route("/stores/{id}/schedule", post(set_schedule))
        .route("/stores/{id}/add", post(add))
        .route("/stores/{id}/take-out", post(take_out))
        .route("/stores/{id}/jobs/{job}/retry", post(retry))
        .route("/stores/{id}/jobs/{job}/cancel", post(cancel))
}

async fn inventory(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = StoreId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| stores::take_inventory(tx, actor, id, now)).await;
    sent.author.done_or_said(&format!("/stores/{id}"), outcome.map(drop), "The inventory is being taken.")
}

async fn set_schedule(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, StoreId(ids.first()));
    let complaint = match schedule(&sent.fields) {
        Ok(wanted) => match author.write(move |tx, actor, now| stores::set_schedule(tx, actor, id, &wanted, now)).await {
            Ok(()) => return Ok(author.done(&format!("/stores/{id}"), "The schedule was saved.")),
            Err(error) => author.complaint(error)?,
        },
        Err(error) => author.complaint(error)?,
    };
    page(&author.visit, id, None, StatusCode::UNPROCESSABLE_ENTITY, Sad::Schedule(&sent.fields, complaint)).await
}

async fn add(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, StoreId(ids.first()));
    let complaint = match sent.fields.text("certificate").trim().parse::<i64>() {
        Ok(certificate) => {
            let command = AddCertificate {
                store: id,
                certificate: CertificateId(certificate),
                alias: sent.fields.text("alias").to_owned(),
                overwrite: sent.fields.is_ticked("overwrite"),
                with_key: sent.fields.is_ticked("with_key"),
                collection: None,
                at: None,
            };
            match author.write(move |tx, actor, now| stores::add(tx, actor, &command, now)).await {
                Ok(_) => return Ok(author.done(&format!("/stores/{id}"), "The certificate is being put in.")),
                Err(error) => author.complaint(error)?,
            }
        }
        Err(_) => Complaint::about("certificate", "Write the number of a certificate, as it stands in the address of its page."),
    };
    page(&author.visit, id, None, StatusCode::UNPROCESSABLE_ENTITY, Sad::Add(&sent.fields, complaint)).await
}

async fn take_out(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = StoreId(ids.first());
    let command = RemoveCertificate { store: id, alias: sent.fields.text("alias").to_owned(), at: None };
    let outcome = sent.author.write(move |tx, actor, now| stores::remove_entry(tx, actor, &command, now)).await;
    sent.author.done_or_said(&format!("/stores/{id}"), outcome.map(drop), "The entry is being taken out.")
}

async fn retry(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (id, job) = (StoreId(ids.first()), StoreJobId(ids.second()));
    let outcome = sent.author.write(move |tx, actor, now| stores::retry(tx, actor, id, job, now)).await;
    sent.author.done_or_said(&format!("/stores/{id}"), outcome, "It is being tried again.")
}

async fn cancel(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (id, job) = (StoreId(ids.first()), StoreJobId(ids.second()));
    let outcome = sent.author.write(move |tx, actor, now| stores::cancel(tx, actor, id, job, now)).await;
    sent.author.done_or_said(&format!("/stores/{id}"), outcome, "It was taken back.")
}
