//! `/claims`: what sign-ins say of somebody, and the roles held through it.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::claims::{self, Claim, ClaimKey, ClaimType};
use certhold_domain::access::roles::{self, Role};
use certhold_domain::access::{self, paths};
use certhold_domain::{ClaimId, Refusal};

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

fn form(sent: &Fields) -> ClaimForm {
    let types = ClaimType::ALL.iter().map(|kind| Choice::new(kind.name(), kind.name())).collect();
    ClaimForm {
        error: None,
        kind: Select::of(types).choose(sent.text("type")),
        value: Input::of(sent.text("value")),
        provider: Input::of(sent.text("provider")),
        description: Input::of(sent.text("description")),
    }
}

async fn list(visit: Visit) -> Result<Response, Refused> {
    page_all(&visit, StatusCode::OK, form(&Fields::default())).await
}

async fn page_all(visit: &Visit, status: StatusCode, form: ClaimForm) -> Result<Response, Refused> {
    let (viewer, (all, may_change)) =
        visit.read(|tx, actor| Ok((claims::list(tx, actor, None)?, holds(&actor.access, paths::SECURITY_MODIFY)))).await?;
    let row = |claim: Claim| ClaimRow {
        href: format!("/claims/{}", claim.id),
        kind: claim.key.kind.name().into(),
        value: claim.key.value,
        provider: claim.key.provider,
        description: claim.description,
        roles: claim.roles.into_iter().map(|(_, name)| name).collect(),
    };
    let rows = all.into_iter().map(row).collect();
    let frame = visit.frame("Claims", Section::Claims, viewer);
    Ok(visit.page(status, &ClaimsPage { frame, rows, form: may_change.then_some(form) }))
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let (author, fields) = (&sent.author, &sent.fields);
    author.require(paths::SECURITY_MODIFY)?;
    let kind = ClaimType::parse(fields.text("type"))
        .ok_or_else(|| author.malformed("A choice of the form is none of those that were offered."))?;
    let key = ClaimKey { kind, value: fields.text("value").to_owned(), provider: fields.text("provider").to_owned() };
    let description = fields.text("description").to_owned();
    match author.write(move |tx, actor, now| claims::create(tx, actor, &key, &description, now)).await {
        Ok(id) => Ok(author.done(&format!("/claims/{id}"), "The claim was added. It gives nothing until it is given a role.")),
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
    let (viewer, (claim, boxes, may_change)) = visit
        .read(move |tx, actor| {
            let claim = claims::get(tx, actor, id)?;
            let held: Vec<i64> = claim.roles.iter().map(|(role, _)| role.0).collect();
            let mut boxes = choices::roles(&actor.access, &roles::list(tx, actor)?, &held);
            let may_change = holds(&actor.access, paths::SECURITY_MODIFY);
            if !may_change {
                boxes.retain(|role| role.is_chosen);
                boxes.iter_mut().for_each(|role| role.barred = Some(String::new()));
            }
            Ok((claim, boxes, may_change))
        })
        .await?;
    let page = ClaimPage {
        frame: visit.frame(&claim.key.value, Section::Claims, viewer).below("Claims", "/claims"),
        id: id.0,
        kind: claim.key.kind.name().into(),
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
