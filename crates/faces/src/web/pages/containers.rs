//! `/containers`: groups of certificate stores.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::{self, paths};
use certhold_domain::stores::{self, Container, ContainerCommand, Right, Schedule, StoreKind};
use certhold_domain::{ContainerId, Result as DomainResult};

use super::{Ids, rights};
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::view::form::{Check, Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::stores::{ContainerForm, ContainerPage, ContainerRow, ContainersPage};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/containers", get(list))
        .route("/containers/new", get(show_new).post(create))
        .route("/containers/{id}", get(show).post(update))
        .route("/containers/{id}/rights", post(give_rights))
        .route("/containers/{id}/rights/take", post(take_rights))
        .route("/containers/{id}/remove", post(remove))
}

fn stores_of(container: &Container) -> (i64, String) {
    (container.stores, format!("/stores?container={}", container.id))
}

async fn list(visit: Visit) -> Result<Response, Refused> {
    let (viewer, (all, may_add)) =
        visit.read(|tx, actor| Ok((stores::containers(tx, actor)?, stores::holds(&actor.access, Right::Modify, None)))).await?;
    let row = |container: Container| ContainerRow {
        href: format!("/containers/{}", container.id),
        stores: stores_of(&container),
        schedule: container.schedule.to_string(),
        name: container.name,
        description: container.description,
    };
    let frame = visit.frame("Containers", Section::Stores, viewer).below("Certificate stores", "/stores");
    visit.ok(&ContainersPage { frame, rows: all.into_iter().map(row).collect(), may_add })
}

fn kinds(chosen: &str) -> Select {
    let any = Choice::new("", "Any");
    let kinds = StoreKind::ALL.into_iter().map(|kind| Choice::new(kind.name(), kind.label()));
    Select::of(std::iter::once(any).chain(kinds).collect()).choose(chosen)
}

fn form(sent: &Fields, complaint: Option<Complaint>) -> ContainerForm {
    let mut form = ContainerForm {
        error: None,
        name: Input::of(sent.text("name")),
        description: Input::of(sent.text("description")),
        kind: kinds(sent.text("kind")),
        schedule: Input::of(sent.text("schedule")),
        overwrite_schedules: Check::of(sent.is_ticked("overwrite_schedules")),
    };
    if let Some(complaint) = complaint {
        let mut places = [
            ("name", &mut form.name.error),
            ("description", &mut form.description.error),
            ("schedule", &mut form.schedule.error),
        ];
        complaint.place(&mut form.error, &mut places);
    }
    form
}

fn known(container: &Container) -> ContainerForm {
    ContainerForm {
        error: None,
        name: Input::of(&container.name),
        description: Input::of(&container.description),
        kind: kinds(container.kind.map_or("", StoreKind::name)),
        schedule: Input::of(container.schedule.to_string()),
        overwrite_schedules: Check::of(container.overwrite_schedules),
    }
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    page(&visit, ContainerId(ids.first()), StatusCode::OK, Tried::Nothing).await
}

/// A form of the page that was refused, with what was sent.
enum Tried<'a> {
    Nothing,
    Change(&'a Sent, Complaint),
    Rights(&'a Sent, Complaint),
}

async fn page(visit: &Visit, id: ContainerId, status: StatusCode, tried: Tried<'_>) -> Result<Response, Refused> {
    let find = move |tx: &mut certhold_store::Tx<'_>, actor: &certhold_domain::Actor| {
        let container = stores::container(tx, actor, id)?;
        let may_change = stores::holds(&actor.access, Right::Modify, Some(id));
        Ok((container, may_change, rights::find(tx, actor, rights::Object::Container(id))?))
    };
    let (viewer, (container, may_change, mut card)) = visit.read(find).await?;
    let refused = match tried {
        Tried::Change(sent, complaint) => Some((&sent.fields, complaint)),
        Tried::Rights(sent, complaint) => {
            if let Some(card) = &mut card {
                rights::refuse(card, sent, complaint);
            }
            None
        }
        Tried::Nothing => None,
    };
    let page = ContainerPage {
        frame: visit
            .frame(&container.name, Section::Stores, viewer)
            .below("Certificate stores", "/stores")
            .below("Containers", "/containers"),
        id: Some(id.0),
        stores: Some(stores_of(&container)),
        description: container.description.clone(),
        form: may_change.then(|| match refused {
            Some((sent, complaint)) => form(sent, Some(complaint)),
            None => known(&container),
        }),
        rights: card,
    };
    Ok(visit.page(status, &page))
}

async fn show_new(visit: Visit) -> Result<Response, Refused> {
    page_new(&visit, StatusCode::OK, form(&Fields::default(), None)).await
}

async fn page_new(visit: &Visit, status: StatusCode, form: ContainerForm) -> Result<Response, Refused> {
    let (viewer, ()) = visit.read(|tx, actor| access::require_path(tx, actor, paths::STORES_MODIFY)).await?;
    let frame = visit.frame("New container", Section::Stores, viewer).below("Certificate stores", "/stores");
    let frame = frame.below("Containers", "/containers");
    let description = String::new();
    Ok(visit.page(status, &ContainerPage { frame, id: None, stores: None, description, form: Some(form), rights: None }))
}

fn command(sent: &Fields) -> DomainResult<ContainerCommand> {
    Ok(ContainerCommand {
        name: sent.text("name").to_owned(),
        description: sent.text("description").trim().to_owned(),
        kind: sent.given("kind").as_deref().map(StoreKind::parse).transpose()?,
        schedule: Schedule::parse(sent.text("schedule"))?,
        overwrite_schedules: sent.is_ticked("overwrite_schedules"),
    })
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let complaint = match command(&sent.fields) {
        Ok(new) => match author.write(move |tx, actor, now| stores::create_container(tx, actor, &new, now)).await {
            Ok(id) => return Ok(author.done(&format!("/containers/{id}"), "The container was added.")),
            Err(error) => author.complaint(error)?,
        },
        Err(error) => author.complaint(error)?,
    };
    page_new(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, form(&sent.fields, Some(complaint))).await
}

async fn update(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, ContainerId(ids.first()));
    let complaint = match command(&sent.fields) {
        Ok(new) => match author.write(move |tx, actor, now| stores::update_container(tx, actor, id, &new, now)).await {
            Ok(()) => return Ok(author.done(&format!("/containers/{id}"), "The container was saved.")),
            Err(error) => author.complaint(error)?,
        },
        Err(error) => author.complaint(error)?,
    };
    page(&author.visit, id, StatusCode::UNPROCESSABLE_ENTITY, Tried::Change(&sent, complaint)).await
}

async fn give_rights(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = ContainerId(ids.first());
    match rights::give(&sent, rights::Object::Container(id)).await? {
        Ok(done) => Ok(done),
        Err(why) => page(&sent.author.visit, id, StatusCode::UNPROCESSABLE_ENTITY, Tried::Rights(&sent, why)).await,
    }
}

async fn take_rights(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    rights::take(&sent, rights::Object::Container(ContainerId(ids.first()))).await
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (id, force) = (ContainerId(ids.first()), sent.fields.is_ticked("force"));
    let outcome = sent.author.write(move |tx, actor, now| stores::remove_container(tx, actor, id, force, now)).await;
    let back = if outcome.is_ok() { "/containers".to_owned() } else { format!("/containers/{id}") };
    sent.author.done_or_said(&back, outcome, "The container was removed; its stores stay.")
}
