//! `/authorities`: private certification authorities.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::{self, paths};
use certhold_domain::private_ca::{self, Authority, Bounds, NewAuthority};
use certhold_domain::renewal::KeyKind;
use certhold_domain::{AuthorityId, Refusal, query};

use super::Ids;
use crate::issue;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::show;
use crate::web::view::address::Address;
use crate::web::view::form::{Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::private_ca::{AuthoritiesPage, AuthorityPage, AuthorityRow, NewAuthorityPage};
use crate::web::view::text::Link;
use crate::web::view::time::Moment;
use crate::web::view::tone::{Badge, Tone, Validity};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/authorities", get(list))
        .route("/authorities/new", get(show_new).post(create))
        .route("/authorities/{id}", get(show))
        .route("/authorities/{id}/retire", post(retire))
}

fn state(authority: &Authority, now: i64) -> Badge {
    match authority.active {
        true if authority.not_after <= now => Badge::new("Expired", Tone::Bad),
        true => Badge::new("Issues", Tone::Good),
        false => Badge::new("Retired", Tone::Neutral),
    }
}

/// Each authority after the one that signed it, with how many stand above it.
fn in_order(all: &[Authority], parent: Option<AuthorityId>, depth: usize, rows: &mut Vec<(usize, Authority)>) {
    for one in all.iter().filter(|one| one.parent == parent) {
        rows.push((depth, one.clone()));
        in_order(all, Some(one.id), depth + 1, rows);
    }
}

async fn list(visit: Visit) -> Result<Response, Refused> {
    let now = visit.app.now();
    let (viewer, (all, may_change)) =
        visit.read(|tx, actor| Ok((private_ca::list(tx, actor)?, holds(&actor.access, paths::ISSUERS_MODIFY)))).await?;
    let mut ordered = Vec::with_capacity(all.len());
    in_order(&all, None, 0, &mut ordered);
    let row = |(depth, authority): (usize, Authority)| AuthorityRow {
        href: format!("/authorities/{}", authority.id),
        state: state(&authority, now),
        validity: Validity::new(authority.created_at, authority.not_after, now).unmanaged(),
        depth,
        name: authority.name,
        subject: authority.subject,
        key: authority.key,
        issued: authority.issued,
    };
    let frame = visit.frame("Private authorities", Section::Authorities, viewer);
    visit.ok(&AuthoritiesPage { frame, rows: ordered.into_iter().map(row).collect(), may_change })
}

fn bounds(bounds: &Bounds) -> Vec<String> {
    let depth = match bounds.path_length {
        None => None,
        Some(0) => Some("no authority below it".to_owned()),
        Some(1) => Some("at most 1 authority below it".to_owned()),
        Some(most) => Some(format!("at most {most} authorities below it")),
    };
    let permitted = bounds.permitted.iter().map(|name| format!("only within {name}"));
    let excluded = bounds.excluded.iter().map(|name| format!("not within {name}"));
    depth.into_iter().chain(permitted).chain(excluded).collect()
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    let (id, now) = (AuthorityId(ids.first()), visit.app.now());
    let read = visit.read(move |tx, actor| {
        let found = private_ca::get(tx, actor, id)?;
        let parent = found.parent.map(|parent| private_ca::get(tx, actor, parent)).transpose()?;
        let may = |path: &str| holds(&actor.access, path);
        let may_enrol = may(paths::ENROLLMENT_CSR) || may(paths::ENROLLMENT_PFX);
        Ok((found, parent, may(paths::ISSUERS_MODIFY), may_enrol, may(paths::CERTIFICATES_READ)))
    });
    let (viewer, (found, parent, may_change, may_enrol, may_read)) = read.await?;
    let issued = Address::new("/certificates").with("q", format!("IssuerDN -eq {}", query::quote(&found.subject)));
    let certificate = if may_read { show::certificate_href(found.certificate) } else { String::new() };
    let issues = found.active && found.not_after > now;
    let page = AuthorityPage {
        id: id.0,
        state: state(&found, now),
        certificate: Link::new(format!("certificate {}", found.certificate), certificate),
        parent: parent.map(|parent| Link::new(parent.name, format!("/authorities/{}", parent.id))),
        validity: Validity::new(found.created_at, found.not_after, now).unmanaged(),
        bounds: bounds(&found.bounds),
        list: found.list.map(|list| (list.number, Moment::new(list.until, now))),
        issued_href: issued.to_string(),
        enrol: (issues && may_enrol).then(|| "/enrol".to_owned()),
        may_retire: may_change && found.active,
        frame: visit.frame(&found.name, Section::Authorities, viewer).below("Private authorities", "/authorities"),
        subject: found.subject,
        key: found.key,
        base_url: found.base_url,
        list_days: found.list_days,
        issued: found.issued,
    };
    visit.ok(&page)
}

async fn show_new(visit: Visit) -> Result<Response, Refused> {
    page(&visit, StatusCode::OK, None, None).await
}

async fn page(
    visit: &Visit,
    status: StatusCode,
    sent: Option<&Fields>,
    complaint: Option<Complaint>,
) -> Result<Response, Refused> {
    let now = visit.app.now();
    let read = visit.read(move |tx, actor| {
        access::require_path(tx, actor, paths::ISSUERS_MODIFY)?;
        // Whoever may make authorities and not see them makes roots.
        if holds(&actor.access, paths::ISSUERS_READ) { private_ca::list(tx, actor) } else { Ok(Vec::new()) }
    });
    let (viewer, all) = read.await?;
    let issuing = all.into_iter().filter(|one| one.active && one.not_after > now && one.bounds.path_length != Some(0));
    let parents = issuing.map(|one| Choice::new(one.id.to_string(), one.name));
    let text = |name: &str, otherwise: &str| Input::of(sent.map_or(otherwise, |sent| sent.text(name)));
    let chosen = |name: &str, otherwise: &'static str| sent.map_or(otherwise.to_owned(), |sent| sent.text(name).to_owned());
    let kinds = KeyKind::ALL.iter().map(|(name, label, _)| Choice::new(*name, *label)).collect();
    let mut page = NewAuthorityPage {
        frame: visit.frame("New authority", Section::Authorities, viewer).below("Private authorities", "/authorities"),
        error: None,
        name: text("name", ""),
        subject: text("subject", ""),
        parent: Select::of(std::iter::once(Choice::new("", "Itself: a root")).chain(parents).collect())
            .choose(&chosen("parent", "")),
        key: Select::of(kinds).choose(&chosen("key", "p384")),
        days: text("days", "3650"),
        path_length: text("path_length", ""),
        permitted: text("permitted", ""),
        excluded: text("excluded", ""),
        base_url: text("base_url", ""),
        list_days: text("list_days", "7"),
    };
    if let Some(complaint) = complaint {
        let mut places = [
            ("name", &mut page.name.error),
            ("subject", &mut page.subject.error),
            ("key_kind", &mut page.key.error),
            ("days", &mut page.days.error),
            ("path_length", &mut page.path_length.error),
            ("permitted", &mut page.permitted.error),
            ("excluded", &mut page.excluded.error),
            ("base_url", &mut page.base_url.error),
            ("list_days", &mut page.list_days.error),
        ];
        complaint.place(&mut page.error, &mut places);
    }
    Ok(visit.page(status, &page))
}

/// A number that somebody typed.
fn typed<T: std::str::FromStr>(fields: &Fields, name: &'static str, what: &str) -> Result<Option<T>, Refusal> {
    let Some(text) = fields.given(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Refusal::invalid(name, what))
}

fn wanted(sent: &Sent) -> Result<Result<NewAuthority, Refusal>, Refused> {
    let (fields, parent) = (&sent.fields, sent.number("parent")?.map(AuthorityId));
    let read = || {
        Ok(NewAuthority {
            name: fields.text("name").to_owned(),
            subject: fields.text("subject").to_owned(),
            key_kind: KeyKind::parse(fields.text("key"))?,
            days: typed(fields, "days", "give a number of days")?
                .ok_or_else(|| Refusal::invalid("days", "give a number of days"))?,
            parent,
            bounds: Bounds {
                path_length: typed(fields, "path_length", "give a number from 0 to 255, or leave it empty")?,
                permitted: fields.lines("permitted"),
                excluded: fields.lines("excluded"),
            },
            base_url: fields.text("base_url").to_owned(),
            list_days: typed(fields, "list_days", "give a number of days")?
                .ok_or_else(|| Refusal::invalid("list_days", "give a number of days"))?,
        })
    };
    Ok(read())
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    author.require(paths::ISSUERS_MODIFY)?;
    let made = match wanted(&sent)? {
        Ok(new) => issue::make(&author.visit.app, &author.actor, new).await,
        Err(refusal) => Err(refusal.into()),
    };
    match made {
        Ok(id) => {
            Ok(author.done(&format!("/authorities/{id}"), "The authority was made. Its first revocation list follows at once."))
        }
        Err(error) => {
            let complaint = author.complaint(error)?;
            page(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, Some(&sent.fields), Some(complaint)).await
        }
    }
}

async fn retire(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = AuthorityId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| private_ca::retire(tx, actor, id, now)).await;
    sent.author.done_or_said(&format!("/authorities/{id}"), outcome, "The authority is retired.")
}
