//! `/permission-sets`: what bounds roles.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::sets::{self, PermissionSet, SetCommand};
use certhold_domain::access::{self, paths, roles};
use certhold_domain::{Actor, PermissionSetId, Result as DomainResult};
use certhold_store::Tx;
use uuid::Uuid;

use super::Ids;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::show::permissions;
use crate::web::view::access::{Affected, SetForm, SetPage, SetRow, SetsPage};
use crate::web::view::form::Input;
use crate::web::view::frame::Section;
use crate::web::view::text::Link;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/permission-sets", get(list))
        .route("/permission-sets/new", get(show_new).post(create))
        .route("/permission-sets/{id}", get(show).post(update))
        .route("/permission-sets/{id}/remove", post(remove))
}

async fn list(visit: Visit) -> Result<Response, Refused> {
    let (viewer, (all, may_change)) =
        visit.read(|tx, actor| Ok((sets::list(tx, actor)?, holds(&actor.access, paths::SECURITY_MODIFY)))).await?;
    let row = |set: PermissionSet| SetRow {
        href: format!("/permission-sets/{}", set.id),
        permissions: permissions::texts(&set.permissions),
        name: set.name,
        roles: set.roles,
        is_built_in: set.built_in,
    };
    let rows = all.into_iter().map(row).collect();
    visit.ok(&SetsPage { frame: visit.frame("Permission sets", Section::Sets, viewer), rows, may_change })
}

fn form(name: Input, chosen: &[String]) -> SetForm {
    let (tree, permissions) = permissions::picker(chosen);
    SetForm { error: None, name, tree, permissions }
}

fn form_sent(sent: &Fields, complaint: Complaint) -> SetForm {
    let (tree, permissions) = permissions::picker_sent(sent);
    let mut form = SetForm { error: None, name: Input::of(sent.text("name")), tree, permissions };
    let mut places = [("name", &mut form.name.error), ("permissions", &mut form.permissions.error)];
    complaint.place(&mut form.error, &mut places);
    form
}

fn command(sent: &Fields) -> SetCommand {
    SetCommand { name: sent.text("name").to_owned(), permissions: permissions::sent(sent) }
}

async fn show_new(visit: Visit) -> Result<Response, Refused> {
    page_new(&visit, StatusCode::OK, form(Input::default(), &[])).await
}

async fn page_new(visit: &Visit, status: StatusCode, form: SetForm) -> Result<Response, Refused> {
    let (viewer, ()) = visit.read(|tx, actor| access::require_path(tx, actor, paths::SECURITY_MODIFY)).await?;
    let frame = visit.frame("New permission set", Section::Sets, viewer).below("Permission sets", "/permission-sets");
    let page = SetPage {
        frame,
        is_new: true,
        action: "/permission-sets/new".into(),
        permissions: Vec::new(),
        form: Some(form),
        roles: Vec::new(),
        stopped: Vec::new(),
        began: Vec::new(),
        remove_action: None,
    };
    Ok(visit.page(status, &page))
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let (new, uuid) = (command(&sent.fields), Uuid::from_bytes(author.visit.app.core().random()));
    match author.write(move |tx, actor, now| sets::create(tx, actor, &new, uuid, now)).await {
        Ok(id) => {
            Ok(author
                .done(&format!("/permission-sets/{id}"), "The permission set was added. Roles choose it on their own pages."))
        }
        Err(error) => {
            let refused = form_sent(&sent.fields, author.complaint(error)?);
            page_new(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, refused).await
        }
    }
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    page(&visit, PermissionSetId(ids.first()), StatusCode::OK, None, None).await
}

async fn page(
    visit: &Visit,
    id: PermissionSetId,
    status: StatusCode,
    refused: Option<SetForm>,
    change: Option<sets::SetChange>,
) -> Result<Response, Refused> {
    let find = move |tx: &mut Tx<'_>, actor: &Actor| -> DomainResult<_> {
        let set = sets::get(tx, actor, id)?;
        let inside = roles::list(tx, actor)?.into_iter().filter(|role| role.permission_set == id);
        let inside: Vec<Link> = inside.map(|role| Link::new(role.name, format!("/roles/{}", role.id))).collect();
        Ok((set, inside, holds(&actor.access, paths::SECURITY_MODIFY)))
    };
    let (viewer, (set, inside, may_change)) = visit.read(find).await?;
    let permissions = permissions::texts(&set.permissions);
    let may_change = may_change && !set.built_in;
    let shown = || form(Input::of(&set.name), &permissions);
    let affected = |all: Vec<sets::Affected>| {
        let one = |one: sets::Affected| Affected {
            role: Link::new(one.name, format!("/roles/{}", one.role)),
            paths: permissions::texts(&one.paths),
            holders: one.holders,
        };
        all.into_iter().map(one).collect()
    };
    let change = change.unwrap_or_default();
    let mut frame = visit.frame(&set.name, Section::Sets, viewer).below("Permission sets", "/permission-sets");
    if !change.stopped.is_empty() || !change.began.is_empty() {
        frame = frame.with_notice(crate::web::view::frame::Notice::good("The permission set was saved, and is in force."));
    }
    let page = SetPage {
        frame,
        is_new: false,
        action: format!("/permission-sets/{id}"),
        form: may_change.then(|| refused.unwrap_or_else(shown)),
        permissions: permissions.clone(),
        remove_action: (may_change && inside.is_empty()).then(|| format!("/permission-sets/{id}/remove")),
        roles: inside,
        stopped: affected(change.stopped),
        began: affected(change.began),
    };
    Ok(visit.page(status, &page))
}

async fn update(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id, new) = (&sent.author, PermissionSetId(ids.first()), command(&sent.fields));
    match author.write(move |tx, actor, now| sets::update(tx, actor, id, &new, now)).await {
        // What roles grant in vain from now on is told on the page that answers.
        Ok(change) if !change.stopped.is_empty() || !change.began.is_empty() => {
            page(&author.visit, id, StatusCode::OK, None, Some(change)).await
        }
        Ok(_) => Ok(author.done(&format!("/permission-sets/{id}"), "The permission set was saved.")),
        Err(error) => {
            let refused = form_sent(&sent.fields, author.complaint(error)?);
            page(&author.visit, id, StatusCode::UNPROCESSABLE_ENTITY, Some(refused), None).await
        }
    }
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = PermissionSetId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| sets::remove(tx, actor, id, now)).await;
    let back = if outcome.is_ok() { "/permission-sets".to_owned() } else { format!("/permission-sets/{id}") };
    sent.author.done_or_said(&back, outcome, "The permission set was removed.")
}
