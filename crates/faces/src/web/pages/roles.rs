//! `/roles`: what may be done, and who may.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::roles::{self, Role, RoleCommand};
use certhold_domain::access::{self, claims, paths, sets};
use certhold_domain::inventory::{self, Filter, OwnerFilter};
use certhold_domain::people::{self, PrincipalKind};
use certhold_domain::{Actor, Error, PermissionSetId, PrincipalId, Refusal, Result as DomainResult, RoleId};
use certhold_store::Tx;

use super::Ids;
use super::account_detail::is_shut_out;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::show::{self, choices, permissions};
use crate::web::view::form::Input;
use crate::web::view::frame::Section;
use crate::web::view::roles::{Member, NewRolePage, RoleDetailPage, RoleForm, RoleRow, RolesPage};
use crate::web::view::text::{Link, plural};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/roles", get(list))
        .route("/roles/new", get(show_new).post(create))
        .route("/roles/{id}", get(show).post(update))
        .route("/roles/{id}/members", post(add_member))
        .route("/roles/{id}/members/{account}/remove", post(remove_member))
        .route("/roles/{id}/remove", post(remove))
}

/// Members that are shown.
const MEMBERS: usize = 1_000;
/// Accounts that are offered as members.
const ACCOUNTS: usize = 500;

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

struct Found {
    role: Role,
    members: Vec<Member>,
    /// Names of those who could be members; `None`: the viewer may not hand the role out.
    accounts: Option<Vec<String>>,
    claims: Vec<Link>,
    sets: Vec<(i64, String)>,
    owned: Option<i64>,
    may_change: bool,
}

/// A form of the page that was refused, with what was sent.
enum Tried<'a> {
    Nothing,
    Change(&'a Fields, Complaint),
    Member(&'a Fields, Complaint),
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    page(&visit, RoleId(ids.first()), StatusCode::OK, Tried::Nothing).await
}

async fn page(visit: &Visit, id: RoleId, status: StatusCode, tried: Tried<'_>) -> Result<Response, Refused> {
    let (viewer, found) = visit.read(move |tx, actor| find(tx, actor, id)).await?;
    let role = &found.role;
    let (refused, member) = match tried {
        Tried::Nothing => (None, Input::default()),
        Tried::Change(sent, complaint) => (Some((sent, complaint)), Input::default()),
        Tried::Member(sent, complaint) => (None, Input::of(sent.text("member")).refused(complaint.message)),
    };
    let may_change = found.may_change && !role.built_in;
    let form = may_change.then(|| match refused {
        Some((sent, complaint)) => form(sent, &found.sets, Some(complaint)),
        None => {
            let (tree, permissions) = permissions::picker(&permissions::texts(&role.permissions));
            RoleForm {
                error: None,
                name: Input::of(&role.name),
                description: Input::of(&role.description),
                email: Input::of(role.email.clone().unwrap_or_default()),
                set: choices::named(found.sets.iter().cloned(), &role.permission_set.to_string()),
                tree,
                permissions,
            }
        }
    });
    let owned = found.owned.filter(|owned| *owned > 0);
    let page = RoleDetailPage {
        frame: visit.frame(&role.name, Section::Roles, viewer).below("Roles", "/roles"),
        id: id.0,
        description: role.description.clone(),
        is_built_in: role.built_in,
        set: Link::new(&role.permission_set_name, format!("/permission-sets/{}", role.permission_set)),
        permissions: role.permissions.iter().map(permissions::explained).collect(),
        without_effect: permissions::texts(&role.without_effect),
        holders: role.holders,
        members: found.members,
        new_member: found.accounts.is_some().then_some(member),
        accounts: found.accounts.unwrap_or_default(),
        claims: found.claims,
        owned: owned
            .map(|owned| Link::new(format!("owns {}", plural(owned, "certificate", "certificates")), show::owned_href(id))),
        form,
        remove_action: may_change.then(|| format!("/roles/{id}/remove")),
    };
    Ok(visit.page(status, &page))
}

fn find(tx: &mut Tx<'_>, actor: &Actor, id: RoleId) -> DomainResult<Found> {
    let role = roles::get(tx, actor, id)?;
    let may_change = holds(&actor.access, paths::SECURITY_MODIFY);
    let may_hand_out = may_change && choices::barred(&actor.access, &role).is_none();
    let member = |member: roles::Member| {
        let place = if member.kind == PrincipalKind::Person { "/users" } else { "/service-accounts" };
        Member {
            account: Link::new(member.name, format!("{place}/{}", member.id)),
            remove_action: may_hand_out.then(|| format!("/roles/{id}/members/{}/remove", member.id)),
        }
    };
    let members: Vec<Member> = roles::members(tx, actor, id, None, MEMBERS)?.into_iter().map(member).collect();
    let accounts = may_hand_out.then(|| people::list(tx, actor)).transpose()?.map(|all| {
        let is_member = |name: &str| members.iter().any(|member| member.account.label == name);
        all.into_iter().map(|account| account.name).filter(|name| !is_member(name)).take(ACCOUNTS).collect()
    });
    let claims = if role.claims > 0 { claims::list(tx, actor, Some(id))? } else { Vec::new() };
    let claims = claims.into_iter().map(|claim| Link::new(claims::spoken(&claim.key), format!("/claims/{}", claim.id))).collect();
    let sets = named_sets(tx, actor)?;
    Ok(Found { owned: owned(tx, actor, id)?, role, members, accounts, claims, sets, may_change })
}

fn named_sets(tx: &mut Tx<'_>, actor: &Actor) -> DomainResult<Vec<(i64, String)>> {
    Ok(sets::list(tx, actor)?.into_iter().map(|set| (set.id.0, set.name)).collect())
}

fn form(sent: &Fields, sets: &[(i64, String)], complaint: Option<Complaint>) -> RoleForm {
    let input = |name: &str| Input::of(sent.text(name));
    let (tree, permissions) = permissions::picker_sent(sent);
    let mut form = RoleForm {
        error: None,
        name: input("name"),
        description: input("description"),
        email: input("email"),
        set: choices::named(sets.iter().cloned(), sent.text("set")),
        tree,
        permissions,
    };
    if let Some(complaint) = complaint {
        let mut places = [
            ("name", &mut form.name.error),
            ("description", &mut form.description.error),
            ("email", &mut form.email.error),
            ("permission_set", &mut form.set.error),
            ("permissions", &mut form.permissions.error),
        ];
        complaint.place(&mut form.error, &mut places);
    }
    form
}

fn command(sent: &Sent, before: Option<&Role>) -> Result<RoleCommand, Refused> {
    let fields = &sent.fields;
    let set = sent.number("set")?.map(PermissionSetId);
    Ok(RoleCommand {
        name: fields.text("name").to_owned(),
        description: fields.text("description").trim().to_owned(),
        email: fields.given("email"),
        permission_set: set.or(before.map(|role| role.permission_set)),
        permissions: permissions::sent(fields),
    })
}

async fn show_new(visit: Visit) -> Result<Response, Refused> {
    page_new(&visit, StatusCode::OK, &Fields::default(), None).await
}

async fn page_new(visit: &Visit, status: StatusCode, sent: &Fields, complaint: Option<Complaint>) -> Result<Response, Refused> {
    let find = |tx: &mut Tx<'_>, actor: &Actor| {
        access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
        // Whoever may only change chooses the set by not choosing: the first one.
        if holds(&actor.access, paths::SECURITY_READ) { named_sets(tx, actor) } else { Ok(Vec::new()) }
    };
    let (viewer, sets) = visit.read(find).await?;
    let frame = visit.frame("New role", Section::Roles, viewer).below("Roles", "/roles");
    Ok(visit.page(status, &NewRolePage { frame, form: form(sent, &sets, complaint) }))
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let new = command(&sent, None)?;
    match author.write(move |tx, actor, now| roles::create(tx, actor, &new, now)).await {
        Ok(id) => Ok(author.done(&format!("/roles/{id}"), "The role was added. Give it to somebody here.")),
        Err(error) => {
            let complaint = author.complaint(error)?;
            page_new(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, &sent.fields, Some(complaint)).await
        }
    }
}

async fn update(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, RoleId(ids.first()));
    author.require(paths::SECURITY_MODIFY)?;
    let asking = author.actor.clone();
    let before = author.visit.app.read(move |tx| roles::get(tx, &asking, id)).await.map_err(|error| author.refused(error))?;
    let new = command(&sent, Some(&before))?;
    match author.write(move |tx, actor, now| roles::update(tx, actor, id, &new, now)).await {
        Ok(()) => Ok(author.done(&format!("/roles/{id}"), "The role was saved.")),
        Err(error) => {
            let complaint = author.complaint(error)?;
            page(&author.visit, id, StatusCode::UNPROCESSABLE_ENTITY, Tried::Change(&sent.fields, complaint)).await
        }
    }
}

async fn add_member(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, RoleId(ids.first()));
    author.require(paths::SECURITY_MODIFY)?;
    let name = sent.fields.text("member").trim().to_owned();
    let wanted = name.clone();
    let outcome = author.write(move |tx, actor, now| {
        // A role that is not there is a page that is not there; an account that is not there is a word to correct.
        roles::get(tx, actor, id)?;
        match people::by_name(tx, actor, &wanted) {
            Ok(account) => {
                roles::assign(tx, actor, id, account, now)?;
                let account = people::get(tx, actor, account)?;
                is_shut_out(tx, &account)
            }
            Err(Error::Refused(Refusal::NotFound { .. })) => Err(Refusal::invalid("member", NO_ACCOUNT).into()),
            Err(error) => Err(error),
        }
    });
    match outcome.await {
        Ok(is_shut_out) => {
            let mut said = format!("{name} holds the role now.");
            if is_shut_out {
                said.push_str(&format!(" No role of theirs grants {}: they can sign in, but see no page.", paths::PORTAL_READ));
            }
            Ok(author.done(&format!("/roles/{id}"), said))
        }
        Err(error) => {
            let complaint = author.complaint(error)?;
            page(&author.visit, id, StatusCode::UNPROCESSABLE_ENTITY, Tried::Member(&sent.fields, complaint)).await
        }
    }
}

const NO_ACCOUNT: &str = "there is no account of this name";

async fn remove_member(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (id, account) = (RoleId(ids.first()), PrincipalId(ids.second()));
    let outcome = sent.author.write(move |tx, actor, now| roles::withdraw(tx, actor, id, account, now)).await;
    sent.author.done_or_said(&format!("/roles/{id}"), outcome, "The account does not hold the role any more.")
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = RoleId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| roles::remove(tx, actor, id, now)).await;
    let back = if outcome.is_ok() { "/roles".to_owned() } else { format!("/roles/{id}") };
    sent.author.done_or_said(&back, outcome, "The role was removed.")
}
