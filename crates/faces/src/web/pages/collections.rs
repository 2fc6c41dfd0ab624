//! `/collections`: saved queries that double as permission scopes.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::{self, paths};
use certhold_domain::collections::{self, Collection, CollectionCommand, Duplicates, Scope};
use certhold_domain::inventory::{self, Filter};
use certhold_domain::{Actor, CollectionId, Error, Refusal, Result as DomainResult};
use certhold_store::Tx;
use serde::Deserialize;

use super::{Asked, Ids, rights};
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::view::collections::{CollectionForm, CollectionPage, CollectionRow, CollectionsPage, NewCollectionPage};
use crate::web::view::form::{Check, Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::rights::RightsCard;
use crate::web::view::text::{Link, plural};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/collections", get(list))
        .route("/collections/new", get(show_new).post(create))
        .route("/collections/{id}", get(show).post(update))
        .route("/collections/{id}/copy", post(copy))
        .route("/collections/{id}/favourite", post(favourite))
        .route("/collections/{id}/rights", post(give_rights))
        .route("/collections/{id}/rights/take", post(take_rights))
        .route("/collections/{id}/remove", post(remove))
}

/// Collections whose certificates are counted on the list: counting is quick, but not for any number of them.
const COUNTED: usize = 25;

async fn list(visit: Visit) -> Result<Response, Refused> {
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        let mut all = collections::list(tx, actor).or_else(|error| match error {
            // Whoever may add collections begins with an empty list.
            Error::Refused(Refusal::Forbidden { .. }) if holds(&actor.access, paths::COLLECTIONS_MODIFY) => Ok(Vec::new()),
            error => Err(error),
        })?;
        all.sort_by_key(|one| !one.favourite);
        Ok((all, holds(&actor.access, paths::COLLECTIONS_MODIFY)))
    };
    let (viewer, (all, may_change)) = visit.read(find).await?;
    let counted: Vec<CollectionId> = all.iter().take(COUNTED).map(|one| one.id).collect();
    let mut counts = counts(&visit, &counted).await.into_iter();
    let rows = all.into_iter().map(|one| row(one, counts.next().and_then(Result::ok))).collect();
    visit.ok(&CollectionsPage { frame: visit.frame("Collections", Section::Collections, viewer), rows, may_change })
}

fn row(collection: Collection, count: Option<i64>) -> CollectionRow {
    CollectionRow {
        href: format!("/collections/{}", collection.id),
        name: collection.name,
        description: collection.description,
        query: collection.query,
        count,
        is_favourite: collection.favourite,
    }
}

/// For so long a page waits for the numbers of its collections.
const COUNTING: Duration = Duration::from_secs(4);

/// How many certificates are inside each, or why that cannot be said: a query that takes too long, or fails, takes no page with it.
pub async fn counts(visit: &Visit, ids: &[CollectionId]) -> Vec<Result<i64, String>> {
    let (now, until) = (visit.app.now(), tokio::time::Instant::now() + COUNTING);
    let mut counts = Vec::with_capacity(ids.len());
    for id in ids.iter().copied() {
        let counting = visit.read(move |tx, actor| count(tx, actor, id, now));
        counts.push(match tokio::time::timeout_at(until, counting).await {
            Ok(Ok((_, counted))) => counted,
            Ok(Err(_)) => Err("Its certificates could not be counted.".into()),
            Err(_) => Err("Counting its certificates takes too long.".into()),
        });
    }
    counts
}

/// How many certificates are inside, or why that cannot be said any more.
fn count(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId, now: i64) -> DomainResult<Result<i64, String>> {
    let filter = Filter { count: true, limit: 1, ..Filter::default() };
    match inventory::list_in(tx, actor, &filter, Scope::of(Some(id), now)) {
        Ok(page) => Ok(Ok(page.total.unwrap_or(0))),
        Err(Error::Refused(Refusal::Conflict(why))) => Ok(Err(sentence(&why))),
        Err(error) => Err(error),
    }
}

struct Found {
    collection: Collection,
    rights: Option<RightsCard>,
    may_change: bool,
}

/// A form of the page that was refused, with what was sent.
enum Tried<'a> {
    Nothing,
    Change(&'a Sent, Complaint),
    Rights(&'a Sent, Complaint),
}

fn find(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId) -> DomainResult<Found> {
    let collection = collections::get(tx, actor, id)?;
    Ok(Found {
        rights: rights::find(tx, actor, rights::Object::Collection(id))?,
        may_change: holds(&actor.access, paths::COLLECTIONS_MODIFY),
        collection,
    })
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    page(&visit, CollectionId(ids.first()), StatusCode::OK, Tried::Nothing).await
}

async fn page(visit: &Visit, id: CollectionId, status: StatusCode, tried: Tried<'_>) -> Result<Response, Refused> {
    let (viewer, mut found) = visit.read(move |tx, actor| find(tx, actor, id)).await?;
    let refused = match tried {
        Tried::Change(sent, complaint) => Some((&sent.fields, complaint)),
        Tried::Rights(sent, complaint) => {
            if let Some(card) = &mut found.rights {
                rights::refuse(card, sent, complaint);
            }
            None
        }
        Tried::Nothing => None,
    };
    let count = counts(visit, &[id]).await.pop().unwrap_or_else(|| Err(String::new()));
    let collection = &found.collection;
    let form = found.may_change.then(|| match refused {
        Some((sent, complaint)) => form(sent, Some(complaint)),
        None => CollectionForm {
            error: None,
            name: Input::of(&collection.name),
            description: Input::of(&collection.description),
            query: Input::of(&collection.query),
            duplicates: duplicates(collection.duplicates.word()),
            on_dashboard: Check::of(collection.on_dashboard),
        },
    });
    let label = count.as_ref().map_or_else(|_| "its certificates".into(), |n| plural(*n, "certificate", "certificates"));
    let page = CollectionPage {
        frame: visit.frame(&collection.name, Section::Collections, viewer).below("Collections", "/collections"),
        id: id.0,
        description: collection.description.clone(),
        query: collection.query.clone(),
        broken: count.err(),
        certificates: Link::new(label, format!("/certificates?collection={id}")),
        duplicates: left_out(collection.duplicates),
        is_favourite: collection.favourite,
        on_dashboard: collection.on_dashboard,
        removal: removal(found.rights.as_ref().map_or(0, |card| card.held.len())),
        rights: found.rights,
        form,
    };
    Ok(visit.page(status, &page))
}

fn removal(roles: usize) -> String {
    match i64::try_from(roles) {
        Ok(0) | Err(_) => String::new(),
        Ok(1) => "1 role has rights on it.".into(),
        Ok(count) => format!("{} have rights on it.", plural(count, "role", "roles")),
    }
}

fn form(sent: &Fields, complaint: Option<Complaint>) -> CollectionForm {
    let input = |name: &str| Input::of(sent.text(name));
    let mut form = CollectionForm {
        error: None,
        name: input("name"),
        description: input("description"),
        query: input("query"),
        duplicates: duplicates(sent.text("duplicates")),
        on_dashboard: Check::of(sent.is_ticked("on_dashboard")),
    };
    if let Some(complaint) = complaint {
        let mut places = [
            ("name", &mut form.name.error),
            ("description", &mut form.description.error),
            ("query", &mut form.query.error),
            ("duplicates", &mut form.duplicates.error),
        ];
        complaint.place(&mut form.error, &mut places);
    }
    form
}

/// What lists leave out, each with its words on the form.
const DUPLICATES: [(Duplicates, &str); 4] = [
    (Duplicates::None, "All are shown"),
    (Duplicates::CommonName, "Of those with the same common name the newest is shown"),
    (Duplicates::DistinguishedName, "Of those with the same subject the newest is shown"),
    (Duplicates::PrincipalName, "By principal name: kept for the Keyfactor API, all are shown"),
];

fn duplicates(chosen: &str) -> Select {
    let choice = |(one, label): &(Duplicates, &str)| Choice::new(one.word(), *label);
    Select::of(DUPLICATES.iter().map(choice).collect()).choose(if chosen.is_empty() { Duplicates::None.word() } else { chosen })
}

/// The same in a sentence; empty when nothing is left out.
fn left_out(duplicates: Duplicates) -> String {
    match duplicates {
        Duplicates::None | Duplicates::PrincipalName => String::new(),
        Duplicates::CommonName => "Of certificates with the same common name, lists show the newest.".into(),
        Duplicates::DistinguishedName => "Of certificates with the same subject, lists show the newest.".into(),
    }
}

fn command(sent: &Fields) -> Result<CollectionCommand, Refusal> {
    Ok(CollectionCommand {
        name: sent.text("name").to_owned(),
        description: sent.text("description").trim().to_owned(),
        query: sent.text("query").to_owned(),
        duplicates: match sent.text("duplicates") {
            "" => Duplicates::None,
            word => Duplicates::of_word(word)?,
        },
        on_dashboard: sent.is_ticked("on_dashboard"),
    })
}

/// What a new collection begins with.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Beginning {
    query: String,
}

async fn show_new(visit: Visit, Asked(given): Asked<Beginning>) -> Result<Response, Refused> {
    let form = CollectionForm { query: Input::of(&given.query), duplicates: duplicates(""), ..CollectionForm::default() };
    page_new(&visit, StatusCode::OK, form).await
}

async fn page_new(visit: &Visit, status: StatusCode, form: CollectionForm) -> Result<Response, Refused> {
    let (viewer, ()) = visit.read(|tx, actor| access::require_path(tx, actor, paths::COLLECTIONS_MODIFY)).await?;
    let frame = visit.frame("New collection", Section::Collections, viewer).below("Collections", "/collections");
    Ok(visit.page(status, &NewCollectionPage { frame, form }))
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    author.require(paths::COLLECTIONS_MODIFY)?;
    let outcome = match command(&sent.fields) {
        Ok(new) => author.write(move |tx, actor, now| collections::create(tx, actor, &new, now)).await,
        Err(refusal) => Err(refusal.into()),
    };
    match outcome {
        Ok(id) => {
            // Whoever adds collections need not be allowed to see what is in them.
            let shown = holds(&author.actor.access, paths::CERTIFICATES_READ);
            let path = if shown { format!("/collections/{id}") } else { "/collections".to_owned() };
            Ok(author.done(&path, "The collection was added."))
        }
        Err(error) => {
            let refused = form(&sent.fields, Some(author.complaint(error)?));
            page_new(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, refused).await
        }
    }
}

async fn update(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, CollectionId(ids.first()));
    author.require(paths::COLLECTIONS_MODIFY)?;
    let outcome = match command(&sent.fields) {
        Ok(new) => author.write(move |tx, actor, now| collections::update(tx, actor, id, &new, now)).await,
        Err(refusal) => Err(refusal.into()),
    };
    match outcome {
        Ok(()) => Ok(author.done(&format!("/collections/{id}"), "The collection was saved.")),
        Err(error) => {
            let complaint = author.complaint(error)?;
            page(&author.visit, id, StatusCode::UNPROCESSABLE_ENTITY, Tried::Change(&sent, complaint)).await
        }
    }
}

async fn copy(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, from) = (&sent.author, CollectionId(ids.first()));
    let (name, with_grants) = (sent.fields.text("copy_name").to_owned(), sent.fields.is_ticked("with_permissions"));
    match author.write(move |tx, actor, now| collections::copy(tx, actor, from, &name, with_grants, now)).await {
        Ok(id) => Ok(author.done(&format!("/collections/{id}"), "The collection was copied.")),
        // The button's form has one field, so what is wrong with it is said on the page it was on.
        Err(error) => {
            let why = author.complaint(error)?.message;
            author.done_or_said(&format!("/collections/{from}"), Err(Refusal::Conflict(why).into()), "")
        }
    }
}

async fn favourite(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (id, favourite) = (CollectionId(ids.first()), sent.fields.is_ticked("favourite"));
    let outcome = sent.author.write(move |tx, actor, now| collections::set_favourite(tx, actor, id, favourite, now)).await;
    let said = if favourite { "The collection is a favourite." } else { "The collection is no favourite any more." };
    sent.author.done_or_said(&format!("/collections/{id}"), outcome, said)
}

async fn give_rights(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = CollectionId(ids.first());
    match rights::give(&sent, rights::Object::Collection(id)).await? {
        Ok(done) => Ok(done),
        Err(why) => page(&sent.author.visit, id, StatusCode::UNPROCESSABLE_ENTITY, Tried::Rights(&sent, why)).await,
    }
}

async fn take_rights(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    rights::take(&sent, rights::Object::Collection(CollectionId(ids.first()))).await
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (id, force) = (CollectionId(ids.first()), sent.fields.is_ticked("force"));
    let outcome = sent.author.write(move |tx, actor, now| collections::remove(tx, actor, id, force, now)).await;
    let back = if outcome.is_ok() { "/collections".to_owned() } else { format!("/collections/{id}") };
    sent.author.done_or_said(&back, outcome, "The collection was removed.")
}
