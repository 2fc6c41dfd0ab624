//! `/roles`: what may be done, and who may.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::roles::{self, Role, RoleCommand};
use certhold_domain::access::{self, Path, paths};
use certhold_domain::inventory::{self, Filter, OwnerFilter};
use certhold_domain::people::{self, PrincipalKind};
use certhold_domain::{Actor, Result as DomainResult, RoleId};
use certhold_store::Tx;

use super::Ids;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::show;
use crate::web::view::form::Input;
use crate::web::view::frame::Section;
use crate::web::view::roles::{NewRolePage, Permission, RoleDetailPage, RoleForm, RoleRow, RolesPage};
use crate::web::view::text::{Link, plural};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/roles", get(list))
        .route("/roles/new", get(show_new).post(create))
        .route("/roles/{id}", get(show).post(update))
        .route("/roles/{id}/remove", post(remove))
}

/// Accounts whose roles are looked at to find a role's members.
const ACCOUNTS_LOOKED_AT: usize = 5_000;

async fn list(visit: Visit) -> Result<Response, Refused> {
    let find = |tx: &mut Tx<'_>, actor: &Actor| {
        let all = roles::list(tx, actor)?;
        let owned = all.iter().map(|role| owned(tx, actor, role.id)).collect::<DomainResult<Vec<_>>>()?;
        Ok((all, owned, holds(&actor.access, paths::SECURITY_MODIFY)))
    };
    let (viewer, (all, owned, may_change)) = visit.read(find).await?;
    let row = |(role, owned): (Role, Option<i64>)| RoleRow {
        href: format!("/roles/{}", role.id),
        name: role.name,
        description: role.description,
        permissions: i64::try_from(role.permissions.len()).unwrap_or(i64::MAX),
        members: role.holders,
        owned: owned.unwrap_or(0),
        is_built_in: role.built_in,
    };
    let rows = all.into_iter().zip(owned).map(row).collect();
    visit.ok(&RolesPage { frame: visit.frame("Roles", Section::Roles, viewer), rows, may_change })
}

/// How many certificates a role owns, for whoever may see certificates.
fn owned(tx: &mut Tx<'_>, actor: &Actor, role: RoleId) -> DomainResult<Option<i64>> {
    if !show::may_read_certificates(actor) {
        return Ok(None);
    }
    let filter = Filter { owner: Some(OwnerFilter::Role(role)), count: true, limit: 1, ..Filter::default() };
    Ok(inventory::list(tx, actor, &filter)?.total)
}

fn meaning(path: &Path) -> String {
    let known = paths::CATALOGUE.iter().find(|(known, _)| *known == path.as_str());
    let below = || paths::CATALOGUE.iter().filter(|(known, _)| path.covers(known)).map(|(_, meaning)| *meaning);
    match known {
        Some((_, meaning)) => sentence(meaning),
        None => sentence(&below().collect::<Vec<_>>().join("; ")),
    }
}

fn catalogue() -> Vec<Permission> {
    paths::CATALOGUE.iter().map(|(path, meaning)| Permission { path: (*path).into(), meaning: sentence(meaning) }).collect()
}

struct Found {
    role: Role,
    members: Vec<Link>,
    owned: Option<i64>,
    may_change: bool,
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    page(&visit, RoleId(ids.first()), StatusCode::OK, None).await
}

async fn page(visit: &Visit, id: RoleId, status: StatusCode, refused: Option<(&Fields, Complaint)>) -> Result<Response, Refused> {
    let (viewer, found) = visit.read(move |tx, actor| find(tx, actor, id)).await?;
    let role = &found.role;
    let may_change = found.may_change && !role.built_in;
    let form = may_change.then(|| match refused {
        Some((sent, complaint)) => form(sent, Some(complaint)),
        None => RoleForm {
            error: None,
            name: Input::of(&role.name),
            description: Input::of(&role.description),
            permissions: Input::of(role.permissions.iter().map(|path| path.as_str()).collect::<Vec<_>>().join("\n")),
            known: catalogue(),
        },
    });
    let permission = |path: &Path| Permission { path: path.as_str().into(), meaning: meaning(path) };
    let owned = found.owned.filter(|owned| *owned > 0);
    let page = RoleDetailPage {
        frame: visit.frame(&role.name, Section::Roles, viewer).below("Roles", "/roles"),
        id: id.0,
        description: role.description.clone(),
        is_built_in: role.built_in,
        permissions: role.permissions.iter().map(permission).collect(),
        members: found.members,
        owned: owned
            .map(|owned| Link::new(format!("owns {}", plural(owned, "certificate", "certificates")), show::owned_href(id))),
        form,
        remove_action: may_change.then(|| format!("/roles/{id}/remove")),
    };
    Ok(visit.page(status, &page))
}

fn find(tx: &mut Tx<'_>, actor: &Actor, id: RoleId) -> DomainResult<Found> {
    let role = roles::get(tx, actor, id)?;
    let mut members = Vec::new();
    if role.holders > 0 {
        for account in people::list(tx, actor)?.into_iter().take(ACCOUNTS_LOOKED_AT) {
            if people::roles_of(tx, actor, account.id)?.iter().any(|(held, _)| *held == id) {
                let place = if account.kind == PrincipalKind::Person { "/users" } else { "/service-accounts" };
                members.push(Link::new(account.name, format!("{place}/{}", account.id)));
            }
        }
    }
    Ok(Found { owned: owned(tx, actor, id)?, role, members, may_change: holds(&actor.access, paths::SECURITY_MODIFY) })
}

fn form(sent: &Fields, complaint: Option<Complaint>) -> RoleForm {
    let input = |name: &str| Input::of(sent.text(name));
    let mut form = RoleForm {
        error: None,
        name: input("name"),
        description: input("description"),
        permissions: input("permissions"),
        known: catalogue(),
    };
    if let Some(complaint) = complaint {
        let mut places = [
            ("name", &mut form.name.error),
            ("description", &mut form.description.error),
            ("permissions", &mut form.permissions.error),
        ];
        complaint.place(&mut form.error, &mut places);
    }
    form
}

fn command(sent: &Fields, before: Option<&Role>) -> RoleCommand {
    RoleCommand {
        name: sent.text("name").to_owned(),
        description: sent.text("description").trim().to_owned(),
        email: before.and_then(|role| role.email.clone()),
        permission_set: before.map(|role| role.permission_set),
        permissions: sent.lines("permissions"),
    }
}

async fn show_new(visit: Visit) -> Result<Response, Refused> {
    page_new(&visit, StatusCode::OK, form(&Fields::default(), None)).await
}

async fn page_new(visit: &Visit, status: StatusCode, form: RoleForm) -> Result<Response, Refused> {
    let (viewer, ()) = visit.read(|tx, actor| access::require_path(tx, actor, paths::SECURITY_MODIFY)).await?;
    let frame = visit.frame("New role", Section::Roles, viewer).below("Roles", "/roles");
    Ok(visit.page(status, &NewRolePage { frame, form }))
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let new = command(&sent.fields, None);
    match author.write(move |tx, actor, now| roles::create(tx, actor, &new, now)).await {
        Ok(id) => Ok(author.done(&format!("/roles/{id}"), "The role was added. Give it to somebody on their own page.")),
        Err(error) => {
            let refused = form(&sent.fields, Some(author.complaint(error)?));
            page_new(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, refused).await
        }
    }
}

async fn update(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, RoleId(ids.first()));
    author.require(paths::SECURITY_MODIFY)?;
    let asking = author.actor.clone();
    let before = author.visit.app.read(move |tx| roles::get(tx, &asking, id)).await.map_err(|error| author.refused(error))?;
    let new = command(&sent.fields, Some(&before));
    match author.write(move |tx, actor, now| roles::update(tx, actor, id, &new, now)).await {
        Ok(()) => Ok(author.done(&format!("/roles/{id}"), "The role was saved.")),
        Err(error) => {
            let complaint = author.complaint(error)?;
            page(&author.visit, id, StatusCode::UNPROCESSABLE_ENTITY, Some((&sent.fields, complaint))).await
        }
    }
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = RoleId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| roles::remove(tx, actor, id, now)).await;
    let back = if outcome.is_ok() { "/roles".to_owned() } else { format!("/roles/{id}") };
    sent.author.done_or_said(&back, outcome, "The role was removed.")
}
