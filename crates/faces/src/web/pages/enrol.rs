//! `/enrol`: having a private authority issue, by the rules of a pattern.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use certhold_domain::access::paths;
use certhold_domain::enrolment::{self, Kind, Kinds, OwnerRule, Pattern, RequestWanted, Under};
use certhold_domain::metadata::Field;
use certhold_domain::ownership::{self, Candidate};
use certhold_domain::private_ca::{self, EnrolmentRequest, KeySource, Profile};
use certhold_domain::renewal::KeyKind;
use certhold_domain::{Actor, AuthorityId, Error, PatternId, Refusal, Result as DomainResult, RoleId};
use certhold_pki::pem;
use certhold_store::Tx;
use serde::Deserialize;

use super::{Asked, asked};
use crate::issue;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Author, Complaint, Sent};
use crate::web::shared::holds;
use crate::web::show::{self, choices, noted};
use crate::web::view::form::{Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::private_ca::{EnrolChoice, EnrolFormPage, EnrolPage, EnrolledPage};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new().route("/enrol", get(show).post(enrol))
}

/// The ways of enrolling, with what the form calls them and how it explains them.
const WAYS: [(Kind, &str, &str, &str); 3] = [
    (Kind::Csr, "csr", "That of a signing request", "Whoever has the key sends its request below."),
    (Kind::Pfx, "made", "A new one that is made here", "It stays in custody; a file with it is had from the certificate’s page."),
    (
        Kind::CsrGeneration,
        "request",
        "A new one, and only its signing request",
        "The certificate is issued later, here or elsewhere, and finds its key.",
    ),
];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    #[serde(deserialize_with = "asked::number_text")]
    pattern: String,
    template: String,
}

/// By which rules, as the address or the form says; none at all: the list is shown.
fn under(pattern: &str, template: &str) -> Option<Under> {
    match pattern.parse() {
        Ok(id) => Some(Under::Pattern(PatternId(id))),
        Err(_) => Profile::parse(template).ok().map(Under::Template),
    }
}

async fn show(visit: Visit, Asked(given): Asked<Parameters>) -> Result<Response, Refused> {
    match under(&given.pattern, &given.template) {
        Some(under) => form(&visit, under, StatusCode::OK, None, None).await,
        None => list(&visit).await,
    }
}

fn ways(actor: &Actor) -> Vec<Kind> {
    let needs = |kind| match kind {
        Kind::Csr => paths::ENROLLMENT_CSR,
        Kind::Pfx => paths::ENROLLMENT_PFX,
        Kind::CsrGeneration => paths::ENROLLMENT_CSR_GENERATION,
    };
    WAYS.iter().map(|row| row.0).filter(|kind| holds(&actor.access, needs(*kind))).collect()
}

async fn list(visit: &Visit) -> Result<Response, Refused> {
    let now = visit.app.now();
    let read = visit.read(move |tx, actor| {
        let authorities = private_ca::issuing_authorities(tx, actor, now)?;
        let kinds = ways(actor);
        let patterns = enrolment::usable(tx, actor, &kinds)?;
        let mut templates: Vec<Profile> = Vec::new();
        for kind in kinds {
            let open = enrolment::open_templates(tx, actor, kind)?;
            templates.extend(open.into_iter().filter(|open| open.pattern.is_none()).map(|open| open.template));
        }
        Ok((authorities, patterns, templates))
    });
    let (viewer, (authorities, patterns, templates)) = read.await?;
    let only = if let [(_, name)] = authorities.as_slice() { name.clone() } else { String::new() };
    let pattern = |pattern: Pattern| EnrolChoice {
        href: format!("/enrol?pattern={}", pattern.id),
        name: pattern.settings.name,
        description: pattern.settings.description,
        template: pattern.settings.template.title().to_owned(),
        authority: pattern.authority_name.unwrap_or_else(|| only.clone()),
    };
    let template = |profile: Profile| EnrolChoice {
        href: format!("/enrol?template={}", profile.name()),
        name: profile.title().to_owned(),
        description: String::new(),
        template: profile.title().to_owned(),
        authority: only.clone(),
    };
    let open = Profile::ALL.iter().map(|row| row.2).filter(|profile| templates.contains(profile));
    let page = EnrolPage {
        frame: visit.frame("Enrol", Section::Enrol, viewer),
        patterns: patterns.into_iter().map(pattern).collect(),
        templates: open.map(template).collect(),
        has_authority: !authorities.is_empty(),
    };
    visit.ok(&page)
}

/// What the form is made from.
struct Found {
    pattern: Option<Pattern>,
    template: Profile,
    authorities: Vec<(AuthorityId, String)>,
    fields: Vec<Field>,
    roles: Vec<Candidate>,
    ways: Vec<Kind>,
}

fn find(tx: &mut Tx<'_>, actor: &Actor, under: Under, now: i64) -> DomainResult<Found> {
    private_ca::require_may_enrol(tx, actor)?;
    let (pattern, template) = match under {
        Under::Pattern(id) => {
            let pattern = enrolment::usable_one(tx, actor, id)?;
            let template = pattern.settings.template;
            (Some(pattern), template)
        }
        Under::Template(template) => (None, template),
    };
    let kinds = pattern.as_ref().map_or(Kinds::ALL, |pattern| pattern.settings.rules.kinds);
    Ok(Found {
        authorities: private_ca::issuing_authorities(tx, actor, now)?,
        fields: enrolment::fields(tx, pattern.as_ref())?,
        roles: ownership::candidates_for_new(tx, actor)?,
        ways: ways(actor).into_iter().filter(|kind| kinds.allow(*kind)).collect(),
        pattern,
        template,
    })
}

/// What a pattern asks, a sentence each.
fn rules(pattern: &Pattern) -> Vec<String> {
    let rules = &pattern.settings.rules;
    let expression = |rule: &enrolment::PartRule| {
        let name = enrolment::PARTS.iter().find(|(code, _)| *code == rule.part).map_or("", |(_, name)| name);
        let words = if rule.message.is_empty() { format!("must match {}", rule.regex) } else { rule.message.clone() };
        format!("{name}: {words}")
    };
    let mut said: Vec<String> = rules.parts.iter().filter(|rule| !rule.regex.is_empty()).map(expression).collect();
    if !rules.wildcards {
        said.push("No wildcards.".into());
    }
    if rules.rfc {
        said.push("At least one name, and the common name among them.".into());
    }
    if !rules.key_reuse {
        said.push("A key that has no certificate yet.".into());
    }
    if pattern.settings.owner.policy == OwnerRule::Required && pattern.settings.owner.default.is_none() {
        said.push("An owner.".into());
    }
    said
}

fn life(found: &Found) -> (i64, i64) {
    let rules = found.pattern.as_ref().map(|pattern| &pattern.settings.rules);
    let most = rules.and_then(|rules| rules.most_days).unwrap_or_else(|| found.template.most_days());
    (rules.and_then(|rules| rules.days).unwrap_or_else(|| found.template.default_days().min(most)), most)
}

fn owners(found: &Found, chosen: &str) -> Option<Select> {
    let terms = found.pattern.as_ref().map(|pattern| &pattern.settings.owner);
    let decided = terms.is_some_and(|terms| terms.policy == OwnerRule::Hidden || terms.default.is_some() && !terms.overridable);
    if decided {
        return None;
    }
    let mut select = choices::owners(&found.roles, chosen);
    let default = found.pattern.as_ref().and_then(|pattern| pattern.owner_name.as_ref());
    if let (Some(name), Some(first)) = (default, select.choices.first_mut()) {
        first.label = format!("{name}, as the pattern says");
    }
    Some(select)
}

fn keys(found: &Found, chosen: &str) -> Select {
    let allowed = found.pattern.as_ref().map(|pattern| pattern.settings.rules.keys.clone()).unwrap_or_default();
    let kinds = KeyKind::ALL.iter().filter(|row| allowed.is_empty() || allowed.contains(&row.2));
    let first = allowed.first().map_or("p256", |kind| kind.name());
    let select = Select::of(kinds.map(|(name, label, _)| Choice::new(*name, *label)).collect());
    select.choose(if chosen.is_empty() { first } else { chosen })
}

async fn form(
    visit: &Visit,
    under: Under,
    status: StatusCode,
    sent: Option<&Fields>,
    complaint: Option<Complaint>,
) -> Result<Response, Refused> {
    let now = visit.app.now();
    let (viewer, found) = visit.read(move |tx, actor| find(tx, actor, under, now)).await?;
    let text = |name: &str| Input::of(sent.map_or("", |sent| sent.text(name)));
    let chosen = |name: &str| sent.map_or("", |sent| sent.text(name)).to_owned();
    let way = |row: &(Kind, &str, &str, &str)| Choice::new(row.1, row.2).with_hint(row.3);
    let ways = Select::of(WAYS.iter().filter(|row| found.ways.contains(&row.0)).map(way).collect());
    let first = ways.choices.first().map(|choice| choice.value.clone()).unwrap_or_default();
    let own = found.pattern.as_ref().and_then(|pattern| pattern.settings.authority);
    let authorities = || {
        let named = found.authorities.iter().map(|(id, name)| (id.0, name.clone()));
        choices::named(named, &chosen("authority"))
    };
    let defaults = found.pattern.iter().flat_map(|pattern| &pattern.settings.rules.parts).filter(|rule| !rule.default.is_empty());
    let defaults: Vec<String> = defaults.map(|rule| format!("{}={}", rule.part, rule.default)).collect();
    let title = found.pattern.as_ref().map_or(found.template.title(), |pattern| &pattern.settings.name);
    let mut page = EnrolFormPage {
        frame: visit.frame(title, Section::Enrol, viewer).below("Enrol", "/enrol"),
        description: found.pattern.as_ref().map(|pattern| pattern.settings.description.clone()).unwrap_or_default(),
        pattern: found.pattern.as_ref().map(|pattern| pattern.id.to_string()).unwrap_or_default(),
        template: if found.pattern.is_some() { String::new() } else { found.template.name().to_owned() },
        rules: found.pattern.as_ref().map(rules).unwrap_or_default(),
        error: None,
        way: ways.choose(&if sent.is_some() { chosen("way") } else { first }),
        csr: text("csr"),
        key: keys(&found, &chosen("key")),
        authority: (own.is_none() && found.authorities.len() > 1).then(authorities),
        subject: text("subject"),
        defaults: defaults.join(", "),
        names: text("names"),
        days: text("days"),
        life: life(&found),
        owner: owners(&found, &chosen("owner")),
        noted: noted::form(&found.fields, |field| match sent {
            Some(sent) => sent.text(&noted::slug(field)).to_owned(),
            None => field.default.clone(),
        }),
    };
    if let Some(complaint) = complaint {
        let mut nowhere = Input::default();
        let owner = page.owner.as_mut().map_or(&mut nowhere.error, |select| &mut select.error);
        let mut elsewhere = Input::default();
        let authority = page.authority.as_mut().map_or(&mut elsewhere.error, |select| &mut select.error);
        let mut places = [
            ("way", &mut page.way.error),
            ("csr", &mut page.csr.error),
            ("key_kind", &mut page.key.error),
            ("subject", &mut page.subject.error),
            ("names", &mut page.names.error),
            ("days", &mut page.days.error),
            ("owner", owner),
            ("authority", authority),
        ];
        // Two fields of the domain are told at one field of the form.
        let complaint = if complaint.field == "key" { Complaint { field: "csr", ..complaint } } else { complaint };
        complaint.place(&mut page.error, &mut places);
        page.error = page.error.or(nowhere.error).or(elsewhere.error);
    }
    Ok(visit.page(status, &page))
}

/// What was sent, read.
enum Wanted {
    Certificate(EnrolmentRequest),
    Request(RequestWanted),
}

fn wanted(sent: &Sent, under: Under, fields: &[Field]) -> Result<DomainResult<Wanted>, Refused> {
    let (form, author) = (&sent.fields, &sent.author);
    let way = WAYS.iter().find(|row| row.1 == form.text("way")).map(|row| row.0);
    let Some(way) = way else { return Err(author.malformed("Choose one of the ways that are offered.")) };
    let (authority, owner) = (sent.number("authority")?.map(AuthorityId), sent.number("owner")?.map(RoleId));
    let read = || {
        let names = form.lines("names").iter().map(|name| enrolment::general_name(name)).collect::<Result<Vec<_>, _>>()?;
        let key = Some(KeyKind::parse(form.text("key"))?);
        let days = form.given("days").map(|text| text.parse().map_err(|_| Refusal::invalid("days", "give a number of days")));
        let subject = form.given("subject");
        let source = match way {
            Kind::CsrGeneration => return Ok(Wanted::Request(RequestWanted { under: Some(under), subject, names, key })),
            Kind::Csr => KeySource::Request(issue::signing_request(form.text("csr"))?),
            Kind::Pfx => KeySource::Made(key),
        };
        Ok(Wanted::Certificate(EnrolmentRequest {
            under,
            authority,
            key: source,
            subject,
            names,
            days: days.transpose()?,
            owner,
            metadata: noted::changes(fields, form, &[]).into_iter().filter(|change| !change.value.trim().is_empty()).collect(),
            delivered: false,
            renews: None,
        }))
    };
    Ok(read())
}

async fn enrol(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let Some(under) = under(sent.fields.text("pattern"), sent.fields.text("template")) else {
        return Err(author.malformed("Choose a pattern first."));
    };
    let now = author.visit.app.now();
    let (_, found) = author.visit.read(move |tx, actor| find(tx, actor, under, now)).await?;
    let outcome = match wanted(&sent, under, &found.fields)? {
        Ok(Wanted::Certificate(request)) => certificate(author, request).await,
        Ok(Wanted::Request(wanted)) => {
            let made = issue::request(&author.visit.app, &author.actor, wanted).await;
            made.map(|id| author.done(&format!("/key-requests/{id}"), "The key is in custody. Its request can be enrolled for."))
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(response) => Ok(response),
        // A role that the caller lacks is told in the form; a lacking permission is a page of its own.
        Err(Error::Refused(Refusal::Forbidden { reason, missing })) if missing.is_empty() => {
            let complaint = Complaint::about("owner", sentence(&reason));
            form(&author.visit, under, StatusCode::UNPROCESSABLE_ENTITY, Some(&sent.fields), Some(complaint)).await
        }
        Err(error) => {
            let complaint = author.complaint(error)?;
            form(&author.visit, under, StatusCode::UNPROCESSABLE_ENTITY, Some(&sent.fields), Some(complaint)).await
        }
    }
}

async fn certificate(author: &Author, request: EnrolmentRequest) -> DomainResult<Response> {
    let key_made = matches!(request.key, KeySource::Made(_));
    let issued = issue::enrol(&author.visit.app, &author.actor, request).await?;
    author.visit.shared.changed();
    if holds(&author.actor.access, paths::CERTIFICATES_READ) {
        return Ok(author.done(&show::certificate_href(issued.certificate), "The certificate was issued."));
    }
    let page = EnrolledPage {
        frame: author.visit.frame("Issued", Section::Enrol, author.viewer()).below("Enrol", "/enrol"),
        chain: issued.chain.iter().map(|der| pem::encode(pem::CERTIFICATE, der)).collect(),
        key_made,
    };
    Ok(author.visit.page(StatusCode::OK, &page))
}
