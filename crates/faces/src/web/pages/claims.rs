//! `/claims`: what sign-ins say of somebody, and the roles held through it.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::claims::{self, Claim, ClaimKey, ClaimType};
use certhold_domain::access::roles::{self, Role};
use certhold_domain::access::{self, paths};
use certhold_domain::{Actor, ClaimId, Refusal, Result as DomainResult, identity_providers};
use certhold_store::Tx;

use super::Ids;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::show::choices;
use crate::web::view::access::{ClaimForm, ClaimPage, ClaimRow, ClaimsPage};
use crate::web::view::form::{Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::time::Moment;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/claims", get(list).post(create))
        .route("/claims/{id}", get(show))
        .route("/claims/{id}/roles", post(set_roles))
        .route("/claims/{id}/describe", post(describe))
        .route("/claims/{id}/remove", post(remove))
}

/// Names of the identity providers that are configured; `None` for whoever may not see them.
type Providers = Option<Vec<String>>;

fn providers(tx: &mut Tx<'_>, actor: &Actor) -> DomainResult<Providers> {
    if !holds(&actor.access, paths::IDENTITY_PROVIDERS_READ) {
        return Ok(None);
    }
    Ok(Some(identity_providers::list(tx, actor)?.into_iter().map(|provider| provider.name).collect()))
}

/// Whether none of this name is configured, as far as the viewer may know. A claim of such a provider is kept: the name may be one
/// of a directory that is yet to come.
fn is_unknown(providers: &Providers, name: &str) -> bool {
    providers.as_ref().is_some_and(|known| !known.iter().any(|known| known == name))
}

/// The name that was chosen, or else written.
fn provider(sent: &Fields) -> &str {
    let chosen = sent.text("provider");
    if chosen.trim().is_empty() { sent.text("other_provider") } else { chosen }
}

/// Before anything was sent, the first one is chosen.
fn choose(providers: Vec<String>, name: &str, is_sent: bool) -> Select {
    let known = providers.into_iter().map(|name| Choice::new(&name, &name));
    let offered = Select::of(known.chain([Choice::new("", "Another, by its name")]).collect());
    let listed = offered.choices.iter().any(|choice| choice.value == name);
    if is_sent { offered.choose(if listed { name } else { "" }) } else { offered }
}

fn form(sent: &Fields) -> ClaimForm {
    let types = ClaimType::ALL.iter().map(|kind| Choice::new(kind.name(), kind.name())).collect();
    ClaimForm {
        error: None,
        kind: Select::of(types).choose(sent.text("type")),
        value: Input::of(sent.text("value")),
        providers: None,
        provider: Input::of(provider(sent)),
        description: Input::of(sent.text("description")),
    }
}

async fn list(visit: Visit) -> Result<Response, Refused> {
    page_all(&visit, StatusCode::OK, form(&Fields::default())).await
}

async fn page_all(visit: &Visit, status: StatusCode, mut form: ClaimForm) -> Result<Response, Refused> {
    let find = |tx: &mut Tx<'_>, actor: &Actor| {
        let may_change = holds(&actor.access, paths::SECURITY_MODIFY);
        Ok((claims::list(tx, actor, None)?, providers(tx, actor)?, may_change))
    };
    let (viewer, (all, known, may_change)) = visit.read(find).await?;
    let row = |claim: Claim| ClaimRow {
        href: format!("/claims/{}", claim.id),
        kind: claim.key.kind.name().into(),
        value: claim.key.value,
        is_unknown: is_unknown(&known, &claim.key.provider),
        provider: claim.key.provider,
        description: claim.description,
        roles: claim.roles.into_iter().map(|(_, name)| name).collect(),
    };
    let rows = all.into_iter().map(row).collect();
    // What is in the list is chosen there, and not written besides.
    let is_offered = known.as_ref().is_some_and(|known| known.contains(&form.provider.value));
    form.providers =
        known.filter(|known| !known.is_empty()).map(|known| choose(known, &form.provider.value, status != StatusCode::OK));
    if is_offered {
        form.provider.value.clear();
    }
    let frame = visit.frame("Claims", Section::Claims, viewer);
    Ok(visit.page(status, &ClaimsPage { frame, rows, form: may_change.then_some(form) }))
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let (author, fields) = (&sent.author, &sent.fields);
    author.require(paths::SECURITY_MODIFY)?;
    let kind = ClaimType::parse(fields.text("type"))
        .ok_or_else(|| author.malformed("A choice of the form is none of those that were offered."))?;
    let key = ClaimKey { kind, value: fields.text("value").to_owned(), provider: provider(fields).to_owned() };
    let description = fields.text("description").to_owned();
    let create = move |tx: &mut Tx<'_>, actor: &Actor, now| {
        let id = claims::create(tx, actor, &key, &description, now)?;
        Ok((id, is_unknown(&providers(tx, actor)?, key.provider.trim())))
    };
    match author.write(create).await {
        Ok((id, is_unknown)) => {
            let unknown =
                if is_unknown { " No identity provider of this name is configured, so no sign-in says it." } else { "" };
            let said = format!("The claim was added. It gives nothing until it is given a role.{unknown}");
            Ok(author.done(&format!("/claims/{id}"), said))
        }
        Err(error) => {
            let mut refused = form(fields);
            let complaint: Complaint = author.complaint(error)?;
            let mut places = [
                ("value", &mut refused.value.error),
                ("provider", &mut refused.provider.error),
                ("description", &mut refused.description.error),
            ];
            complaint.place(&mut refused.error, &mut places);
            page_all(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, refused).await
        }
    }
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    let (id, now) = (ClaimId(ids.first()), visit.app.now());
    let (viewer, (claim, boxes, known, may_change)) = visit
        .read(move |tx, actor| {
            let claim = claims::get(tx, actor, id)?;
            let held: Vec<i64> = claim.roles.iter().map(|(role, _)| role.0).collect();
            let mut boxes = choices::roles(&actor.access, &roles::list(tx, actor)?, &held);
            let may_change = holds(&actor.access, paths::SECURITY_MODIFY);
            if !may_change {
                boxes.retain(|role| role.is_chosen);
                boxes.iter_mut().for_each(|role| role.barred = Some(String::new()));
            }
            Ok((claim, boxes, providers(tx, actor)?, may_change))
        })
        .await?;
    let page = ClaimPage {
        frame: visit.frame(&claim.key.value, Section::Claims, viewer).below("Claims", "/claims"),
        id: id.0,
        kind: claim.key.kind.name().into(),
        is_unknown: is_unknown(&known, &claim.key.provider),
        provider: claim.key.provider,
        new_description: Input::of(&claim.description),
        description: claim.description,
        created: Moment::new(claim.created_at, now),
        roles: boxes,
        may_change,
    };
    visit.ok(&page)
}

/// Gives the ticked roles and takes the others. What the viewer may not hand out stays as it is: its boxes are dead.
async fn set_roles(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = ClaimId(ids.first());
    let ticked = sent.numbers("role")?;
    let outcome = sent.author.write(move |tx, actor, now| {
        access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
        let held = claims::get(tx, actor, id)?.roles;
        let all = roles::list(tx, actor)?;
        if let Some(unknown) = ticked.iter().find(|role| !all.iter().any(|known| known.id.0 == **role)) {
            return Err(Refusal::not_found("role", unknown).into());
        }
        for role in all.iter().filter(|role: &&Role| choices::barred(&actor.access, role).is_none()) {
            let holds = held.iter().any(|(known, _)| *known == role.id);
            match (ticked.contains(&role.id.0), holds) {
                (true, false) => claims::assign(tx, actor, id, role.id, now)?,
                (false, true) => claims::withdraw(tx, actor, id, role.id, now)?,
                _ => {}
            }
        }
        Ok(())
    });
    sent.author.done_or_said(&format!("/claims/{id}"), outcome.await, "The roles were saved.")
}

async fn describe(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (id, description) = (ClaimId(ids.first()), sent.fields.text("description").to_owned());
    let outcome = sent.author.write(move |tx, actor, now| claims::describe(tx, actor, id, &description, now)).await;
    sent.author.done_or_said(&format!("/claims/{id}"), outcome, "The description was saved.")
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = ClaimId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| claims::remove(tx, actor, id, now)).await;
    sent.author.done_or_said("/claims", outcome, "The claim was removed.")
}
