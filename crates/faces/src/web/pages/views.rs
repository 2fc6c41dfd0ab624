//! `/views`: lists of the inventory that somebody has saved for themselves.

use std::collections::BTreeMap;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::views::{self, PARAMETERS, View, ViewCommand};
use certhold_domain::{Error, Refusal, Result as DomainResult, ViewId};

use super::{Ids, chosen};
use crate::state::App;
use crate::web::refused::Refused;
use crate::web::sent::{Author, Sent};
use crate::web::view::address::Address;
use crate::web::view::frame::Section;
use crate::web::view::inventory::{ViewLink, ViewRow, ViewsPage};
use crate::web::view::time::Moment;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/views", get(list).post(save))
        .route("/views/{id}", post(rename))
        .route("/views/{id}/remove", post(remove))
}

/// The list of a view.
fn address(view: &View) -> Address {
    let parameters = PARAMETERS.iter().filter_map(|name| Some(((*name).to_owned(), view.parameters.get(*name)?.clone())));
    Address::new("/certificates").with_all(&parameters.collect::<Vec<_>>())
}

/// The views beside the list at `shown`.
pub fn links(all: &[View], shown: &Address) -> Vec<ViewLink> {
    let shown: BTreeMap<String, String> = shown.parameters().iter().cloned().collect();
    let link =
        |view: &View| ViewLink { name: view.name.clone(), href: address(view).to_string(), is_current: view.parameters == shown };
    all.iter().map(link).collect()
}

/// The part of an address after the question mark.
pub fn after_question_mark(address: &Address) -> String {
    address.to_string().split_once('?').map(|(_, list)| list.to_owned()).unwrap_or_default()
}

async fn list(visit: Visit) -> Result<Response, Refused> {
    let (viewer, all) = visit.read(views::list).await?;
    let now = visit.app.now();
    let row = |view: View| {
        let address = address(&view);
        let shown = chosen::parameters(&after_question_mark(&address));
        ViewRow {
            id: view.id.0,
            shows: shown.map_or_else(|_| "It cannot be understood any more.".to_owned(), |shown| shown.spoken()),
            href: address.to_string(),
            name: view.name,
            created: Moment::new(view.created_at, now),
        }
    };
    let frame = visit.frame("Saved views", Section::Certificates, viewer).below("Certificates", "/certificates");
    visit.ok(&ViewsPage { frame, rows: all.into_iter().map(row).collect() })
}

async fn save(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let shown = chosen::parameters(sent.fields.text("list")).map_err(|refusal| author.refused(refusal))?.address();
    let parameters: BTreeMap<String, String> = shown.parameters().iter().cloned().collect();
    let command = ViewCommand { name: sent.fields.text("name").to_owned(), parameters };
    let outcome = author.write(move |tx, actor, now| views::create(tx, actor, &command, now)).await;
    said(author, &shown.to_string(), outcome.map(drop), "The view was saved.")
}

async fn rename(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (id, name) = (ViewId(ids.first()), sent.fields.text("name").to_owned());
    let outcome = sent.author.write(move |tx, actor, now| {
        let before = views::get(tx, actor, id)?;
        views::update(tx, actor, id, &ViewCommand { name: name.clone(), parameters: before.parameters }, now)
    });
    said(&sent.author, "/views", outcome.await, "The view has another name.")
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = ViewId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| views::remove(tx, actor, id, now)).await;
    said(&sent.author, "/views", outcome, "The view was removed.")
}

/// The forms have one field each: what is wrong with it is said on the page that they are on.
fn said(author: &Author, path: &str, outcome: DomainResult<()>, done: &str) -> Result<Response, Refused> {
    let outcome = outcome.map_err(|error| match error {
        Error::Refused(Refusal::Invalid { message, .. } | Refusal::TooLarge(message)) => Refusal::Conflict(message).into(),
        other => other,
    });
    author.done_or_said(path, outcome, done)
}
