//! `/certificates/{id}`: one certificate, its owner, its files.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::why::{self, WhoMay};
use certhold_domain::access::{self, paths, roles};
use certhold_domain::chains::{self as domain_chains, Question};
use certhold_domain::collections::Scope;
use certhold_domain::enrolment::{self, RenewalKind};
use certhold_domain::events::EventPage;
use certhold_domain::inventory::{self, Certificate, Summary};
use certhold_domain::metadata::{self, Field, Held, SetMetadata};
use certhold_domain::ownership::{self, ChangeOwner, Denial, OwnerChange};
use certhold_domain::renewal::managed::{self, Managed};
use certhold_domain::renewal::revocation::{AtIssuer, Standing};
use certhold_domain::stores::{self, Location};
use certhold_domain::{Actor, CertificateId, CollectionId, ContainerId, Error, Refusal, Result as DomainResult, RoleId};
use certhold_pki::pem;
use certhold_store::Tx;

use super::certificate_chains as chains;
use super::certificate_facts as facts;
use super::{Asked, Ids, Within, download, private_key};
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Author, Sent};
use crate::web::shared::holds;
use crate::web::show::{self, choices, event, noted};
use crate::web::view::access as view;
use crate::web::view::address::Address;
use crate::web::view::certificate::{CertificatePage, Download, KeyCard, OwnerCard};
use crate::web::view::frame::Section;
use crate::web::view::metadata::MetadataCard;
use crate::web::view::roles::Permission;
use crate::web::view::stores::LocationRow;
use crate::web::view::text::Link;
use crate::web::view::time::Moment;
use crate::web::view::tone::{Badge, Tone};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/certificates/{id}", get(show))
        .route("/certificates/{id}/owner", post(change_owner))
        .route("/certificates/{id}/metadata", post(change_metadata))
        .route("/certificates/{id}/remove", post(remove))
        .route("/certificates/{id}/exclude", post(super::exclusions::exclude))
        .route("/certificates/{id}/pem", get(download::pem))
        .route("/certificates/{id}/der", get(download::der))
        .route("/certificates/{id}/chain", get(download::chain))
        .route("/certificates/{id}/fullchain", get(download::full_chain))
        .route("/certificates/{id}/pkcs7", get(download::pkcs7))
}

/// Events on the page; the record has the rest.
const HISTORY: usize = 20;

struct Found {
    certificate: Certificate,
    /// Who issued it, for whoever may see those certificates too.
    question: Option<Question>,
    has_chain: bool,
    managed: Option<Managed>,
    versions: Vec<Summary>,
    history: EventPage,
    owner: OwnerFound,
    noted: Vec<Held>,
    fields: Option<Vec<Field>>,
    may_audit: bool,
    may_adopt: bool,
    may_remove: bool,
    may_exclude: bool,
    is_revoked: bool,
    /// Of a revoked certificate, how it stands at its ACME issuer.
    at_issuer: Option<AtIssuer>,
    may_revoke: bool,
    may_renew: bool,
    who_may: Vec<WhoMay>,
    may_use_key: bool,
    locations: Vec<Location>,
}

struct OwnerFound {
    may_read_roles: bool,
    holders: Option<i64>,
    /// The container through which the owner may be changed, where it is one.
    container: Option<ContainerId>,
    /// The roles to choose from, or why there is nothing to choose.
    choices: Result<Vec<(RoleId, String)>, Lacking>,
}

/// Why somebody cannot change the owner.
enum Lacking {
    Permission(Vec<String>),
    Role(String),
}

async fn show(visit: Visit, ids: Ids, Asked(within): Asked<Within>) -> Result<Response, Refused> {
    answer(&visit, ids.first(), within, StatusCode::OK, None, None).await
}

/// The page; `refused` is what stood in the way of a new owner, with the choice that was made; `unnoted` the same for metadata.
async fn answer(
    visit: &Visit,
    id: i64,
    within: Within,
    status: StatusCode,
    refused: Option<(String, String)>,
    unnoted: Option<(&Fields, String)>,
) -> Result<Response, Refused> {
    let (id, now) = (CertificateId(id), visit.app.now());
    let scope = within.scope(now);
    let (viewer, found) = visit.read(move |tx, actor| find(tx, actor, id, scope)).await?;
    let summary = &found.certificate.summary;
    let (der, has_chain) = (found.certificate.der.as_slice(), found.has_chain);
    let seen = found.certificate.facts().map_err(|error| visit.refused(Some(viewer.clone()), error))?;
    let details = found.certificate.details().map_err(|error| visit.refused(Some(viewer.clone()), error))?;
    let here = event::Here { object: Some(("certificate", id.0)), may_audit: found.may_audit, now };
    let current = found.managed.as_ref().and_then(|managed| managed.current);
    let more = found.history.next.filter(|_| found.may_audit).map(|_| format!("/events?certificate={id}"));
    let page = CertificatePage {
        id: id.0,
        badges: badges(&found, now),
        validity: show::validity(summary, now),
        managed: found.managed.as_ref().map(|managed| Link::new(&managed.name, format!("/managed/{}", managed.id))),
        groups: facts::groups(&seen, summary, now),
        names: facts::names(&seen),
        extensions: facts::extensions(&details),
        more: facts::more(&details),
        findings: facts::findings(&seen, der),
        chains: found.question.as_ref().map(|question| chains::card(question, now)).unwrap_or_default(),
        owner: owner_card(&found, refused, within.collection),
        noted: noted_card(&found, unnoted),
        key: key_card(summary, found.may_use_key),
        locations: found.locations.iter().map(location).collect(),
        versions: show::versions(&found.versions, current.map(|id| id.0), Some(id.0), now),
        history: event::lines(&found.history.events, &here),
        more_history: more,
        adopt: (found.may_adopt && summary.lineage.is_none() && !summary.is_ca).then(|| format!("/managed/new?adopt={id}")),
        may_remove: found.may_remove,
        may_exclude: found.may_exclude,
        at_issuer: found.at_issuer.as_ref().map(|at| at_issuer(at, now)),
        revoke: found.may_revoke.then(|| format!("/certificates/{id}/revoke")),
        renew: found.may_renew.then(|| format!("/certificates/{id}/renew")),
        who_may: found.who_may.iter().map(|who| who_may(id, who)).collect(),
        downloads: downloads(id, has_chain, within),
        pem: pem::encode(pem::CERTIFICATE, der),
        frame: match within.collection {
            Some(collection) => visit
                .frame(summary.title(), Section::Collections, viewer)
                .below("Collections", "/collections")
                .below("Certificates", format!("/certificates?collection={collection}")),
            None => visit.frame(summary.title(), Section::Certificates, viewer).below("Certificates", "/certificates"),
        },
    };
    Ok(visit.page(status, &page))
}

fn find(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope) -> DomainResult<Found> {
    let certificate = inventory::get_in(tx, actor, id, scope)?;
    let (mut managed, mut versions) = (None, Vec::new());
    if let Some((lineage, _)) = certificate.summary.lineage {
        // Other versions may be outside the collection.
        if holds(&actor.access, paths::CERTIFICATES_READ) {
            versions = inventory::versions(tx, actor, lineage)?;
        }
        if holds(&actor.access, paths::RENEWAL_READ) {
            managed = Some(managed::get(tx, actor, lineage)?);
        }
    }
    let whole = inventory::get_whole(tx, actor, id, scope)?;
    let is_revoked = whole.revocation.is_some();
    let at_issuer = whole.at_issuer.filter(|_| is_revoked);
    let may_ask = at_issuer.as_ref().is_some_and(AtIssuer::may_be_asked);
    let may_renew = holds(&actor.access, paths::ENROLLMENT_PFX) && holds(&actor.access, paths::CERTIFICATES_READ);
    let renewal = if may_renew { Some(enrolment::available_renewal(tx, actor, id, scope)?.kind) } else { None };
    Ok(Found {
        is_revoked,
        at_issuer,
        may_revoke: holds(&actor.access, paths::CERTIFICATES_REVOKE)
            && holds(&actor.access, paths::CERTIFICATES_READ)
            && (!is_revoked || may_ask),
        may_renew: renewal == Some(RenewalKind::OneClick),
        has_chain: !inventory::chain_in(tx, actor, id, scope)?.is_empty(),
        history: inventory::history_in(tx, actor, id, scope, None, HISTORY)?,
        owner: find_owner(tx, actor, &certificate.summary, scope)?,
        noted: metadata::of_in(tx, actor, id, scope)?,
        fields: if holds(&actor.access, paths::CERTIFICATES_METADATA_MODIFY) { Some(metadata::list(tx, actor)?) } else { None },
        may_audit: holds(&actor.access, paths::AUDITING_READ),
        may_adopt: holds(&actor.access, paths::RENEWAL_MODIFY),
        may_remove: holds(&actor.access, paths::CERTIFICATES_DELETE),
        may_exclude: holds(&actor.access, paths::CERTIFICATES_EXCLUDE),
        who_may: match holds(&actor.access, paths::SECURITY_READ) {
            true if holds(&actor.access, paths::CERTIFICATES_READ) => why::who_may(tx, actor, id, scope)?,
            _ => Vec::new(),
        },
        may_use_key: private_key::may_use(actor),
        locations: stores::locations(tx, actor, id, scope)?,
        question: holds(&actor.access, paths::CERTIFICATES_READ)
            .then(|| domain_chains::question(tx, actor, id, None))
            .transpose()?,
        certificate,
        managed,
        versions,
    })
}

fn find_owner(tx: &mut Tx<'_>, actor: &Actor, summary: &Summary, scope: Scope) -> DomainResult<OwnerFound> {
    let may_read_roles = holds(&actor.access, paths::SECURITY_READ);
    let holders = match &summary.owner {
        Some((role, _)) if may_read_roles => Some(roles::get(tx, actor, *role)?.holders),
        _ => None,
    };
    let facts = ownership::reached(tx, actor, summary.id, scope.collection, scope.now)?;
    let choices = match ownership::decide(&*access::held(tx, actor)?, &facts) {
        Ok(_) => Ok(roles::assignable(tx, actor)?),
        Err(Denial::NoGrant { missing, .. }) => Err(Lacking::Permission(missing)),
        Err(Denial::RoleNotHeld { role, .. }) => Err(Lacking::Role(role)),
        Err(Denial::OutsideScope(_)) => Err(Lacking::Permission(vec![paths::CERTIFICATES_CHANGE_OWNER.into()])),
    };
    Ok(OwnerFound { may_read_roles, holders, container: facts.scope.effective_container(), choices })
}

fn who_may(id: CertificateId, who: &WhoMay) -> view::WhoMay {
    let role = |(role, name, through): &(RoleId, String, Option<CollectionId>)| {
        let through = through.map(|collection| format!(" (collection {collection})")).unwrap_or_default();
        Link::new(format!("{name}{through}"), format!("/roles/{role}"))
    };
    let asked = Address::new("/access/why").with("action", who.action).with("certificate", id.to_string());
    view::WhoMay {
        permission: Permission { path: who.action.into(), meaning: sentence(who.meaning) },
        why: asked.to_string(),
        roles: who.roles.iter().map(role).collect(),
    }
}

fn owner_card(found: &Found, refused: Option<(String, String)>, within: Option<i64>) -> OwnerCard {
    let owner = found.certificate.summary.owner.as_ref();
    let current = owner.map(|(role, _)| role.to_string()).unwrap_or_default();
    let mut card = OwnerCard {
        owner: owner.map(|owner| show::owner(owner, found.owner.may_read_roles)),
        people: found.owner.holders,
        within,
        container: found.owner.container.map(|container| container.0),
        ..OwnerCard::default()
    };
    match &found.owner.choices {
        Ok(roles) => {
            let select = choices::owners(roles, refused.as_ref().map_or(&current, |(chosen, _)| chosen));
            card.form = Some(match refused {
                Some((_, why)) => select.refused(why),
                None => select,
            });
        }
        Err(Lacking::Permission(missing)) => card.missing.clone_from(missing),
        Err(Lacking::Role(name)) => {
            card.reason = format!("Only somebody who holds the role “{name}” may hand the certificate to another one.");
        }
    }
    card
}

fn noted_card(found: &Found, unnoted: Option<(&Fields, String)>) -> MetadataCard {
    let value = |field: &Field| match &unnoted {
        Some((sent, _)) => sent.text(&noted::slug(field)).to_owned(),
        None => noted::held(&found.noted, field),
    };
    let form = found.fields.as_ref().map(|fields| noted::form(fields, value)).filter(|fields| !fields.is_empty());
    let values = found.noted.iter().map(|held| (held.name.clone(), held.value.clone())).collect();
    MetadataCard { values, form, error: unnoted.map(|(_, why)| why) }
}

fn badges(found: &Found, now: i64) -> Vec<Badge> {
    let summary = &found.certificate.summary;
    let mut badges = vec![show::validity(summary, now).expiry.badge()];
    if summary.is_ca {
        badges.push(Badge::new("Authority", Tone::Neutral).with_icon("authority"));
    }
    if found.is_revoked {
        badges.push(Badge::new("Revoked", Tone::Bad));
    }
    if let (Some((_, version)), Some(managed)) = (summary.lineage, &found.managed) {
        let badge = if managed.current == Some(summary.id) {
            Badge::new("In service", Tone::Good).with_icon("renew")
        } else {
            Badge::new(format!("Version {version}, replaced"), Tone::Neutral)
        };
        badges.push(badge);
    }
    badges
}

/// What the issuer made of the revocation.
fn at_issuer(at: &AtIssuer, now: i64) -> (Tone, String) {
    let name = &at.issuer.1;
    match &at.standing {
        Standing::Revoked { already: false } => (Tone::Info, format!("{name} has revoked it.")),
        Standing::Revoked { already: true } => (Tone::Info, format!("{name} had revoked it before it was asked.")),
        Standing::Refused { error, .. } => (Tone::Bad, format!("It is revoked here, and not by {name}. {}", sentence(error))),
        Standing::GivenUp { error, .. } => {
            (Tone::Bad, format!("It is revoked here; {name} has not revoked it, and is not asked any more. {}", sentence(error)))
        }
        Standing::NotAsked => {
            (Tone::Warn, format!("It is recorded as revoked here. {name} was never asked: revoke it once more to ask."))
        }
        Standing::Asked { error: None, .. } => (Tone::Info, format!("{name} is being asked to revoke it.")),
        Standing::Asked { error: Some(error), next_try, .. } => {
            let next = next_try.map(|at| Moment::new(at, now).relative()).unwrap_or_default();
            (Tone::Warn, format!("{name} has not revoked it yet. {} It is asked again {next}.", sentence(error)))
        }
    }
}

fn location(location: &Location) -> LocationRow {
    LocationRow {
        store: Link::new(&location.name, format!("/stores/{}", location.store)),
        alias: location.alias.clone(),
        path: location.path.clone(),
        in_chain: location.position > 0,
        has_key: location.has_key,
    }
}

fn key_card(summary: &Summary, may_use: bool) -> KeyCard {
    let text = if summary.has_key { "Sealed in custody." } else { "Not here; only the certificate is held." };
    let href = (summary.has_key && may_use).then(|| format!("/certificates/{}/key", summary.id));
    KeyCard { is_held: summary.has_key, text: text.into(), href }
}

fn downloads(id: CertificateId, has_chain: bool, within: Within) -> Vec<Download> {
    let alone = [
        ("PEM", "The certificate, text", "pem"),
        ("DER", "The certificate, binary", "der"),
        ("PKCS#7", "The certificate and its issuers, for Windows and Java", "pkcs7"),
    ];
    let chained = [("Chain", "The issuers, text", "chain"), ("Full chain", "The certificate and its issuers, text", "fullchain")];
    let chained = chained.into_iter().filter(|_| has_chain);
    let download = |(label, hint, file): (&str, &str, &str)| Download {
        label: label.into(),
        hint: hint.into(),
        href: Address::new(format!("/certificates/{id}/{file}"))
            .with("collection", within.collection.map(|id| id.to_string()).unwrap_or_default())
            .to_string(),
    };
    alone.into_iter().chain(chained).map(download).collect()
}

async fn change_owner(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let Sent { author, .. } = &sent;
    let chosen = sent.number("owner")?;
    let certificate = CertificateId(ids.first());
    let within = Within { collection: sent.number("collection")? };
    let scope = match sent.number("container")? {
        Some(container) => ownership::Scope { collection: None, container: Some(ContainerId(container)) },
        None => ownership::Scope { collection: within.collection.map(CollectionId), container: None },
    };
    let command = ChangeOwner { certificate, scope, to: chosen.map(RoleId) };
    let outcome = author.write(move |tx, actor, now| {
        let outcome = ownership::change(tx, actor, &command, now)?;
        // Whoever may change the owner need not be allowed to read; then nothing is said about it.
        let after =
            if holds(&actor.access, paths::CERTIFICATES_READ) { Some(inventory::summary(tx, actor, certificate)?) } else { None };
        Ok((outcome, after))
    });
    match outcome.await {
        Ok((outcome, after)) => Ok(author.done(&show::certificate_href(certificate), owner_changed(&outcome, after.as_ref()))),
        // A role that the caller lacks is named at the field; a lacking permission is a page of its own.
        Err(Error::Refused(Refusal::Forbidden { reason, missing })) if missing.is_empty() => {
            refused_owner(author, certificate, within, sent.fields.text("owner"), &reason).await
        }
        Err(Error::Refused(Refusal::NotFound { kind: "role", .. })) => {
            refused_owner(author, certificate, within, "", "this role is gone: choose another one").await
        }
        Err(error) => Err(author.refused(error)),
    }
}

async fn refused_owner(
    author: &Author,
    certificate: CertificateId,
    within: Within,
    chosen: &str,
    why: &str,
) -> Result<Response, Refused> {
    let refused = (chosen.to_owned(), sentence(why));
    answer(&author.visit, certificate.0, within, StatusCode::UNPROCESSABLE_ENTITY, Some(refused), None).await
}

async fn change_metadata(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, certificate) = (&sent.author, CertificateId(ids.first()));
    author.require(paths::CERTIFICATES_METADATA_MODIFY)?;
    let known = author.visit.read(move |tx, actor| Ok((metadata::list(tx, actor)?, metadata::of(tx, actor, certificate)?)));
    let (_, (fields, before)) = known.await?;
    let command = SetMetadata { certificate, collection: None, changes: noted::changes(&fields, &sent.fields, &before) };
    match author.write(move |tx, actor, now| metadata::set(tx, actor, &command, now)).await {
        Ok(true) => Ok(author.done(&show::certificate_href(certificate), "What is noted about the certificate was changed.")),
        Ok(false) => Ok(author.done(&show::certificate_href(certificate), "Nothing changed.")),
        Err(error) => {
            let why = author.complaint(error)?.message;
            let unnoted = Some((&sent.fields, why));
            answer(&author.visit, certificate.0, Within::default(), StatusCode::UNPROCESSABLE_ENTITY, None, unnoted).await
        }
    }
}

fn owner_changed(outcome: &OwnerChange, after: Option<&Summary>) -> String {
    let owner = after.and_then(|summary| summary.owner.as_ref()).map(|(_, name)| name);
    match (outcome, owner) {
        (OwnerChange::Unchanged, _) => "Nothing changed: that was the owner already.".into(),
        (OwnerChange::Changed, Some(owner)) => format!("The certificate now belongs to {owner}."),
        (OwnerChange::Changed, None) => "The certificate now belongs to nobody.".into(),
    }
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let certificate = CertificateId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| inventory::remove(tx, actor, certificate, now)).await;
    if let Err(Error::Refused(Refusal::Conflict(_))) = outcome {
        return sent.author.done_or_said(&show::certificate_href(certificate), outcome, "");
    }
    sent.author.done_or_said("/certificates", outcome, "The certificate is no longer in the inventory.")
}
