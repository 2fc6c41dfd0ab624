//! `/managed/new?by=private`: a new managed certificate that a private authority issues, by the rules of enrolment.

use axum::http::StatusCode;
use axum::response::Response;
use certhold_domain::access::{self, paths};
use certhold_domain::enrolment::{self, Kind, Under};
use certhold_domain::inventory::{self, Summary};
use certhold_domain::metadata::Field;
use certhold_domain::ownership::{self, Candidate};
use certhold_domain::private_ca::{self, Profile};
use certhold_domain::renewal::managed::{self, NewManaged};
use certhold_domain::renewal::{IssueBy, KeyKind, PrivatePlan};
use certhold_domain::{Actor, AuthorityId, CertificateId, Error, PatternId, Refusal, Result as DomainResult, RoleId};
use certhold_store::Tx;

use super::managed_new;
use crate::web::fields::Fields;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Complaint, Sent};
use crate::web::show::{choices, noted};
use crate::web::view::form::{Check, Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::managed_form::NewPrivateManagedPage;
use crate::web::view::table::FilterLink;
use crate::web::visit::Visit;

struct Found {
    kinds: Vec<FilterLink>,
    /// Patterns and templates: what the form sends, and what they are called.
    under: Vec<Choice>,
    authorities: Vec<(AuthorityId, String)>,
    roles: Vec<Candidate>,
    fields: Vec<Field>,
    adopted: Option<Summary>,
}

pub(super) async fn show(visit: &Visit, adopt: Option<CertificateId>) -> Result<Response, Refused> {
    page(visit, StatusCode::OK, adopt, None, None).await
}

fn find(tx: &mut Tx<'_>, actor: &Actor, adopt: Option<CertificateId>, now: i64) -> DomainResult<Found> {
    access::require_path(tx, actor, paths::RENEWAL_MODIFY)?;
    access::require_path(tx, actor, paths::ENROLLMENT_PFX)?;
    let patterns = enrolment::usable(tx, actor, &[Kind::Pfx])?.into_iter().map(|pattern| {
        Choice::new(
            format!("pattern-{}", pattern.id),
            format!("{}, {}", pattern.settings.name, pattern.settings.template.title()),
        )
    });
    let mut under: Vec<Choice> = patterns.collect();
    let open = enrolment::open_templates(tx, actor, Kind::Pfx)?.into_iter().filter(|open| open.pattern.is_none());
    under.extend(open.map(|open| Choice::new(open.template.name(), format!("Without a pattern: {}", open.template.title()))));
    Ok(Found {
        kinds: managed_new::kinds(&actor.access, adopt, true),
        under,
        authorities: private_ca::issuing_authorities(tx, actor, now)?,
        roles: ownership::candidates_for_new(tx, actor)?,
        fields: enrolment::fields(tx, None)?,
        adopted: adopt.map(|id| inventory::summary(tx, actor, id)).transpose()?,
    })
}

/// What the form sends in `under`.
fn under(text: &str) -> Option<Under> {
    match text.strip_prefix("pattern-") {
        Some(number) => number.parse().ok().map(|id| Under::Pattern(PatternId(id))),
        None => Profile::parse(text).ok().map(Under::Template),
    }
}

async fn page(
    visit: &Visit,
    status: StatusCode,
    adopt: Option<CertificateId>,
    sent: Option<&Fields>,
    complaint: Option<Complaint>,
) -> Result<Response, Refused> {
    let now = visit.app.now();
    let (viewer, found) = visit.read(move |tx, actor| find(tx, actor, adopt, now)).await?;
    let text = |name: &str| sent.map_or("", |sent| sent.text(name));
    let inherited = found.adopted.as_ref().and_then(|adopted| adopted.owner.as_ref()).map(|(role, _)| role.to_string());
    let left = |label: &str| Choice::new("", label);
    let named = found.authorities.iter().map(|(id, name)| Choice::new(id.to_string(), name));
    let authorities = Select::of(std::iter::once(left("As the pattern says, or the only one")).chain(named).collect());
    let keys = std::iter::once(left("The first that the pattern allows")).chain(managed_new::keys().choices);
    let owner = if sent.is_some() { text("owner").to_owned() } else { inherited.unwrap_or_default() };
    let mut page = NewPrivateManagedPage {
        frame: visit.frame("New managed certificate", Section::Managed, viewer).below("Managed certificates", "/managed"),
        kinds: found.kinds,
        error: None,
        under: Select::of(found.under).choose(text("under")),
        authority: (!found.authorities.is_empty()).then(|| authorities.choose(text("authority"))),
        names: Input::of(text("names")),
        subject: Input::of(text("subject")),
        days: Input::of(text("days")),
        key: Select::of(keys.collect()).choose(text("key")),
        reuse_key: Check::of(sent.is_some_and(|sent| sent.is_ticked("reuse_key"))),
        owner: choices::owners(&found.roles, &owner),
        noted: match &found.adopted {
            Some(_) => Vec::new(),
            None => noted::form(&found.fields, |field| text(&noted::slug(field)).to_owned()),
        },
        adopt: found.adopted.map(|adopted| (adopted.id.0, adopted.title().to_owned())),
    };
    if let Some(complaint) = complaint {
        let mut elsewhere = None;
        let authority = page.authority.as_mut().map_or(&mut elsewhere, |select| &mut select.error);
        let mut places = [
            ("pattern", &mut page.under.error),
            ("authority", authority),
            ("names", &mut page.names.error),
            ("subject", &mut page.subject.error),
            ("days", &mut page.days.error),
            ("key_kind", &mut page.key.error),
            ("reuse_key", &mut page.reuse_key.error),
            ("owner", &mut page.owner.error),
        ];
        // The domain tells two fields that are one here.
        let field = if complaint.field == "key" { "reuse_key" } else { complaint.field };
        Complaint { field, ..complaint }.place(&mut page.error, &mut places);
        page.error = page.error.or(elsewhere);
    }
    Ok(visit.page(status, &page))
}

fn command(sent: &Sent, under: Under, fields: &[Field]) -> Result<DomainResult<NewManaged>, Refused> {
    let form = &sent.fields;
    let (authority, owner) = (sent.number("authority")?.map(AuthorityId), sent.number("owner")?.map(RoleId));
    let adopt = sent.number("adopt")?.map(CertificateId);
    let read = || {
        let days = form.given("days").map(|text| text.parse().map_err(|_| Refusal::invalid("days", "give a number of days")));
        let noted = noted::changes(fields, form, &[]).into_iter().filter(|change| !change.value.trim().is_empty());
        Ok(NewManaged {
            name: String::new(),
            names: form.lines("names"),
            by: IssueBy::Private(PrivatePlan {
                under,
                authority,
                subject: form.given("subject"),
                days: days.transpose()?,
                metadata: noted.collect(),
            }),
            key_kind: form.given("key").map(|name| KeyKind::parse(&name)).transpose()?,
            reuse_key: form.is_ticked("reuse_key"),
            owner,
            adopt,
        })
    };
    Ok(read())
}

pub(super) async fn create(sent: &Sent) -> Result<Response, Refused> {
    let (author, now) = (&sent.author, sent.author.visit.app.now());
    author.require(paths::ENROLLMENT_PFX)?;
    let Some(under) = under(sent.fields.text("under")) else {
        return Err(author.malformed("Choose a pattern or a template."));
    };
    let adopt = sent.number("adopt")?.map(CertificateId);
    let (_, found) = author.visit.read(move |tx, actor| find(tx, actor, adopt, now)).await?;
    let outcome = match command(sent, under, &found.fields)? {
        Ok(command) => author.write(move |tx, actor, now| managed::create(tx, actor, &command, now)).await,
        Err(error) => Err(error),
    };
    let complaint = match outcome {
        Ok(id) => return Ok(managed_new::made(author, id, adopt.is_some())),
        // A role that the author lacks is told in the form; a lacking permission is a page of its own.
        Err(Error::Refused(Refusal::Forbidden { reason, missing })) if missing.is_empty() => {
            Complaint::about("owner", sentence(&reason))
        }
        Err(Error::Refused(Refusal::NotFound { kind: "private authority", .. })) => {
            Complaint::about("authority", "This is gone: choose another one.")
        }
        Err(error) => author.complaint(error)?,
    };
    page(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, adopt, Some(&sent.fields), Some(complaint)).await
}
