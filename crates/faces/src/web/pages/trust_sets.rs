//! `/trust-sets`: named sets of authorities that somebody trusts.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::{self, paths};
use certhold_domain::chains::{self, TrustSet, TrustSetCommand};
use certhold_domain::inventory::Summary;
use certhold_domain::{CertificateId, TrustSetId};

use super::Ids;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::show;
use crate::web::view::form::Input;
use crate::web::view::frame::Section;
use crate::web::view::text::Link;
use crate::web::view::trust_sets::{NewTrustSetPage, TrustSetDetailPage, TrustSetForm, TrustSetRow, TrustSetsPage};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/trust-sets", get(list))
        .route("/trust-sets/new", get(show_new).post(create))
        .route("/trust-sets/{id}", get(show).post(update))
        .route("/trust-sets/{id}/remove", post(remove))
}

async fn list(visit: Visit) -> Result<Response, Refused> {
    let (viewer, (all, may_change)) =
        visit.read(|tx, actor| Ok((chains::list(tx, actor)?, holds(&actor.access, paths::TRUST_SETS_MODIFY)))).await?;
    let row = |set: TrustSet| TrustSetRow {
        href: format!("/trust-sets/{}", set.id),
        name: set.name,
        description: set.description,
        members: set.members,
    };
    let frame = visit.frame("Trust sets", Section::TrustSets, viewer);
    visit.ok(&TrustSetsPage { frame, rows: all.into_iter().map(row).collect(), may_change })
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    page(&visit, TrustSetId(ids.first()), StatusCode::OK, None).await
}

async fn page(
    visit: &Visit,
    id: TrustSetId,
    status: StatusCode,
    refused: Option<(&Fields, Complaint)>,
) -> Result<Response, Refused> {
    let find = move |tx: &mut certhold_store::Tx<'_>, actor: &certhold_domain::Actor| {
        Ok((chains::get(tx, actor, id)?, chains::members(tx, actor, id)?, holds(&actor.access, paths::TRUST_SETS_MODIFY)))
    };
    let (viewer, (set, members, may_change)) = visit.read(find).await?;
    let numbers = || members.iter().map(|one| one.id.to_string()).collect::<Vec<_>>().join("\n");
    let form = may_change.then(|| match refused {
        Some((sent, complaint)) => form(sent, Some(complaint)),
        None => TrustSetForm {
            error: None,
            name: Input::of(&set.name),
            description: Input::of(&set.description),
            certificates: Input::of(numbers()),
        },
    });
    let member = |one: &Summary| Link::new(one.title(), show::certificate_href(one.id));
    let page = TrustSetDetailPage {
        frame: visit.frame(&set.name, Section::TrustSets, viewer).below("Trust sets", "/trust-sets"),
        id: id.0,
        description: set.description.clone(),
        members: members.iter().map(member).collect(),
        form,
    };
    Ok(visit.page(status, &page))
}

fn form(sent: &Fields, complaint: Option<Complaint>) -> TrustSetForm {
    let input = |name: &str| Input::of(sent.text(name));
    let mut form =
        TrustSetForm { error: None, name: input("name"), description: input("description"), certificates: input("certificates") };
    if let Some(complaint) = complaint {
        let mut places = [
            ("name", &mut form.name.error),
            ("description", &mut form.description.error),
            ("certificates", &mut form.certificates.error),
        ];
        complaint.place(&mut form.error, &mut places);
    }
    form
}

/// The command, or what is wrong with the list of numbers.
fn command(sent: &Fields) -> Result<TrustSetCommand, Complaint> {
    let number = |line: String| match line.parse::<i64>() {
        Ok(number) => Ok(CertificateId(number)),
        Err(_) => Err(Complaint::about("certificates", "Write the numbers of certificates, one a line.")),
    };
    Ok(TrustSetCommand {
        name: sent.text("name").to_owned(),
        description: sent.text("description").trim().to_owned(),
        certificates: sent.lines("certificates").into_iter().map(number).collect::<Result<_, _>>()?,
    })
}

async fn show_new(visit: Visit) -> Result<Response, Refused> {
    page_new(&visit, StatusCode::OK, form(&Fields::default(), None)).await
}

async fn page_new(visit: &Visit, status: StatusCode, form: TrustSetForm) -> Result<Response, Refused> {
    let (viewer, ()) = visit.read(|tx, actor| access::require_path(tx, actor, paths::TRUST_SETS_MODIFY)).await?;
    let frame = visit.frame("New trust set", Section::TrustSets, viewer).below("Trust sets", "/trust-sets");
    Ok(visit.page(status, &NewTrustSetPage { frame, form }))
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    author.require(paths::TRUST_SETS_MODIFY)?;
    let complaint = match command(&sent.fields) {
        Ok(new) => match author.write(move |tx, actor, now| chains::create(tx, actor, &new, now)).await {
            Ok(id) => return Ok(author.done(&format!("/trust-sets/{id}"), "The trust set was added.")),
            Err(error) => author.complaint(error)?,
        },
        Err(complaint) => complaint,
    };
    page_new(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, form(&sent.fields, Some(complaint))).await
}

async fn update(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, TrustSetId(ids.first()));
    author.require(paths::TRUST_SETS_MODIFY)?;
    let complaint = match command(&sent.fields) {
        Ok(new) => match author.write(move |tx, actor, now| chains::update(tx, actor, id, &new, now)).await {
            Ok(()) => return Ok(author.done(&format!("/trust-sets/{id}"), "The trust set was saved.")),
            Err(error) => author.complaint(error)?,
        },
        Err(complaint) => complaint,
    };
    page(&author.visit, id, StatusCode::UNPROCESSABLE_ENTITY, Some((&sent.fields, complaint))).await
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = TrustSetId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| chains::remove(tx, actor, id, now)).await;
    let back = if outcome.is_ok() { "/trust-sets".to_owned() } else { format!("/trust-sets/{id}") };
    sent.author.done_or_said(&back, outcome, "The trust set was removed.")
}
