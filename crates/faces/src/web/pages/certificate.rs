//! `/certificates/{id}`: one certificate, its owner, its files.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::why::{self, Through, WhoMay};
use certhold_domain::access::{self, paths, roles};
use certhold_domain::chains::{self as domain_chains, Question};
use certhold_domain::collections::Scope;
use certhold_domain::enrolment::{self, RenewalKind};
use certhold_domain::events::EventPage;
use certhold_domain::inventory::{self, Certificate, Summary};
use certhold_domain::metadata::{self, Field, Held, SetMetadata};
use certhold_domain::ownership::{self, Candidate, ChangeOwner, Denial, OwnerChange};
use certhold_domain::renewal::managed::{self, Managed};
use certhold_domain::stores::{self, Location};
use certhold_domain::{Actor, CertificateId, ContainerId, Error, Refusal, Result as DomainResult, RoleId, TrustSetId};
use certhold_pki::pem;
use certhold_store::Tx;

use super::certificate_chains as chains;
use super::certificate_facts as facts;
use super::certificate_revoke::Revoked;
use super::{Asked, Ids, Within, download, private_key, remedy};
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Author, Sent};
use crate::web::shared::{holds, holds_in};
use crate::web::show::{self, choices, event, noted};
use crate::web::view::access as view;
use crate::web::view::address::Address;
use crate::web::view::certificate::{CertificatePage, Contact, Download, KeyCard, OwnerCard, RenewalNotice};
use crate::web::view::metadata::MetadataCard;
use crate::web::view::roles::Permission;
use crate::web::view::stores::LocationRow;
use crate::web::view::text::Link;
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
    question: Question,
    /// Every trust set, to choose from.
    trust_sets: Vec<(TrustSetId, String)>,
    has_chain: bool,
    managed: Option<Managed>,
    versions: Vec<Summary>,
    history: EventPage,
    owner: OwnerFound,
    noted: Vec<Held>,
    fields: Option<Vec<Field>>,
    may: May,
    may_audit: bool,
    may_open: remedy::MayOpen,
    revoked: Option<Revoked>,
    who_may: Vec<WhoMay>,
    locations: Vec<Location>,
}

struct OwnerFound {
    may_read_roles: bool,
    holders: Option<i64>,
    contact: Contact,
    /// The container through which the owner may be changed, where it is one.
    container: Option<ContainerId>,
    /// The roles to choose from, or why there is nothing to choose.
    choices: Result<Vec<Candidate>, Lacking>,
    /// Why it cannot be without an owner.
    needed: Option<String>,
}

/// Why somebody cannot change the owner.
enum Lacking {
    Permission(Vec<String>),
    Role(String),
}

async fn show(
    visit: Visit,
    ids: Ids,
    Asked(within): Asked<Within>,
    Asked(judged): Asked<chains::JudgedBy>,
) -> Result<Response, Refused> {
    answer(&visit, ids.first(), (within, &judged), StatusCode::OK, Again::default()).await
}

/// What is shown again, since it was refused.
#[derive(Default)]
struct Again<'a> {
    /// What stood in the way of a new owner, with the choice that was made.
    owner: Option<(String, String)>,
    /// The same for metadata.
    noted: Option<(&'a Fields, String)>,
}

async fn answer(
    visit: &Visit,
    id: i64,
    (within, judged): (Within, &chains::JudgedBy),
    status: StatusCode,
    again: Again<'_>,
) -> Result<Response, Refused> {
    let (id, now) = (CertificateId(id), visit.app.now());
    let (scope, set) = (within.scope(now), judged.set());
    let (viewer, found) = visit.read(move |tx, actor| find(tx, actor, id, scope, set)).await?;
    let summary = &found.certificate.summary;
    let (der, has_chain) = (found.certificate.der.as_slice(), found.has_chain);
    let seen = found.certificate.facts().map_err(|error| visit.refused(Some(viewer.clone()), error))?;
    let details = found.certificate.details().map_err(|error| visit.refused(Some(viewer.clone()), error))?;
    let here = event::Here { object: Some(("certificate", id.0)), may_audit: found.may_audit, now };
    let current = found.managed.as_ref().and_then(|managed| managed.current);
    let more = found.history.next.filter(|_| found.may_audit).map(|_| format!("/events?certificate={id}"));
    let page = CertificatePage {
        id: id.0,
        within: within.collection,
        badges: badges(&found, now),
        validity: show::validity(summary, now),
        managed: found.managed.as_ref().map(|managed| Link::new(&managed.name, format!("/managed/{}", managed.id))),
        groups: facts::groups(&seen, summary, now),
        names: facts::names(&seen),
        extensions: facts::extensions(&details),
        more: facts::more(&details),
        findings: facts::findings(&seen, der),
        chains: chains::card(&found.question, &found.trust_sets, judged, within, now),
        owner: owner_card(&found, again.owner),
        noted: noted_card(&found, again.noted),
        key: key_card(summary, found.may.use_key, within),
        locations: found.locations.iter().map(location).collect(),
        versions: show::versions(&found.versions, current.map(|id| id.0), Some(id.0), now),
        history: event::lines(&found.history.events, &here),
        more_history: more,
        adopt: may_adopt(&found).then(|| format!("/managed/new?adopt={id}")),
        may_remove: found.may.remove,
        may_exclude: found.may.exclude,
        may_readmit: found.may.readmit,
        revoked: found.revoked.as_ref().map(|revoked| revoked.card(now)),
        renewal: renewal(&found, now),
        revoke: found.may.revoke.then(|| within.href(id, "/revoke")),
        renew: found.may.renew.then(|| format!("/certificates/{id}/renew")),
        who_may: found.who_may.iter().map(|who| who_may(id, who)).collect(),
        downloads: downloads(id, has_chain, within),
        pem: pem::encode(pem::CERTIFICATE, der),
        frame: within.frame(visit, summary.title(), viewer),
    };
    Ok(visit.page(status, &page))
}

/// What the viewer may do, everywhere or on the collection through which they came.
struct May {
    adopt: bool,
    remove: bool,
    exclude: bool,
    /// Whether they see what is excluded.
    readmit: bool,
    revoke: bool,
    renew: bool,
    use_key: bool,
    renew_managed: bool,
}

fn find(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope, set: Option<TrustSetId>) -> DomainResult<Found> {
    let certificate = inventory::get_in(tx, actor, id, scope)?;
    let may = |path: &str| holds_in(&actor.access, path, scope.collection);
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
    let revoked = Revoked::of(tx, actor, id, scope)?;
    let may_revoke = revoked.as_ref().is_none_or(Revoked::may_be_asked);
    let may_renew = holds(&actor.access, paths::ENROLLMENT_PFX);
    let renewal = if may_renew { Some(enrolment::available_renewal(tx, actor, id, scope)?.kind) } else { None };
    Ok(Found {
        may: May {
            adopt: holds(&actor.access, paths::RENEWAL_MODIFY) && holds(&actor.access, paths::CERTIFICATES_READ),
            remove: may(paths::CERTIFICATES_DELETE),
            exclude: may(paths::CERTIFICATES_EXCLUDE),
            readmit: holds(&actor.access, paths::CERTIFICATES_EXCLUDE),
            revoke: may(paths::CERTIFICATES_REVOKE) && may_revoke,
            renew: renewal == Some(RenewalKind::OneClick),
            use_key: private_key::may_use(actor, scope.collection),
            renew_managed: holds(&actor.access, paths::RENEWAL_RUN),
        },
        has_chain: !inventory::chain_in(tx, actor, id, scope)?.is_empty(),
        history: inventory::history_in(tx, actor, id, scope, None, HISTORY)?,
        owner: find_owner(tx, actor, &certificate.summary, scope)?,
        noted: metadata::of_found(tx, &certificate)?,
        fields: if may(paths::CERTIFICATES_METADATA_MODIFY) { Some(metadata::list(tx, actor)?) } else { None },
        may_audit: holds(&actor.access, paths::AUDITING_READ),
        may_open: remedy::MayOpen::of(actor),
        who_may: match holds(&actor.access, paths::SECURITY_READ) {
            true => why::who_may(tx, actor, id, scope)?,
            false => Vec::new(),
        },
        locations: stores::locations(tx, actor, id, scope)?,
        trust_sets: domain_chains::set_names(tx)?,
        question: domain_chains::question_in(tx, actor, id, set, scope)?,
        certificate,
        revoked,
        managed,
        versions,
    })
}

fn find_owner(tx: &mut Tx<'_>, actor: &Actor, certificate: &Summary, scope: Scope) -> DomainResult<OwnerFound> {
    let may_read_roles = holds(&actor.access, paths::SECURITY_READ);
    let holders = match &certificate.owner {
        Some((role, _)) if may_read_roles => Some(roles::get(tx, actor, *role)?.holders),
        _ => None,
    };
    let email = ownership::contact(tx, actor, certificate.id, scope)?;
    let contact = show::contact(tx, actor, certificate.owner.as_ref().map(|(role, _)| *role), email)?;
    let facts = ownership::reached(tx, actor, certificate.id, scope.collection, scope.now)?;
    let choices = match ownership::decide(&*access::held(tx, actor)?, &facts) {
        Ok(_) => Ok(ownership::candidates(tx, actor, &facts)?),
        Err(Denial::NoGrant { missing, .. }) => Err(Lacking::Permission(missing)),
        Err(Denial::RoleNotHeld { role, .. }) => Err(Lacking::Role(role)),
        Err(Denial::OutsideScope(_)) => Err(Lacking::Permission(vec![paths::CERTIFICATES_CHANGE_OWNER.into()])),
    };
    let needed = ownership::needed(tx, certificate.id)?;
    Ok(OwnerFound { may_read_roles, holders, contact, container: facts.scope.effective_container(), choices, needed })
}

fn who_may(id: CertificateId, who: &WhoMay) -> view::WhoMay {
    let role = |(role, name, through): &(RoleId, String, Through)| {
        let through = match through {
            Through::Everywhere => String::new(),
            through => format!(" ({through})"),
        };
        Link::new(format!("{name}{through}"), format!("/roles/{role}"))
    };
    let asked = Address::new("/access/why").with("action", who.action).with("certificate", id.to_string());
    view::WhoMay {
        permission: Permission { path: who.action.into(), meaning: sentence(who.meaning) },
        why: asked.to_string(),
        roles: who.roles.iter().map(role).collect(),
    }
}

fn owner_card(found: &Found, refused: Option<(String, String)>) -> OwnerCard {
    let owner = found.certificate.summary.owner.as_ref();
    let current = owner.map(|(role, _)| role.to_string()).unwrap_or_default();
    let mut card = OwnerCard {
        owner: owner.map(|owner| show::owner(owner, found.owner.may_read_roles)),
        people: found.owner.holders,
        contact: found.owner.contact.clone(),
        container: found.owner.container.map(|container| container.0),
        ..OwnerCard::default()
    };
    match &found.owner.choices {
        Ok(roles) => {
            let mut select = choices::owners(roles, refused.as_ref().map_or(&current, |(chosen, _)| chosen));
            if let (Some(why), Some(nobody)) = (&found.owner.needed, select.choices.first_mut()) {
                nobody.barred = Some(sentence(why));
            }
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

/// That nobody renews it in time, with what the viewer may do about it.
fn renewal(found: &Found, now: i64) -> Option<RenewalNotice> {
    let summary = &found.certificate.summary;
    let mut notice = remedy::notice(summary, found.managed.as_ref(), &found.may_open, now)?;
    let managed = found.managed.as_ref().filter(|_| found.may.renew_managed);
    notice.renew = managed.map(|managed| format!("/managed/{}/renew", managed.id));
    notice.adopt = may_adopt(found).then(|| format!("/managed/new?adopt={}", summary.id));
    Some(notice)
}

/// Whether the viewer may, and the certificate can be the first version of a managed one.
fn may_adopt(found: &Found) -> bool {
    let Summary { lineage, is_ca, revoked_at, .. } = &found.certificate.summary;
    found.may.adopt && lineage.is_none() && !is_ca && revoked_at.is_none()
}

fn badges(found: &Found, now: i64) -> Vec<Badge> {
    let summary = &found.certificate.summary;
    let expiry = show::validity(summary, now).expiry;
    let mut badges = vec![expiry.badge()];
    if summary.is_ca {
        badges.push(Badge::new("Authority", Tone::Neutral).with_icon("authority"));
    }
    if let (Some((_, version)), Some(managed)) = (summary.lineage, &found.managed) {
        let badge = if managed.current == Some(summary.id) {
            expiry.in_service().with_icon("renew")
        } else {
            Badge::new(format!("Version {version}, replaced"), Tone::Neutral)
        };
        badges.push(badge);
    }
    badges
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

fn key_card(summary: &Summary, may_use: bool, within: Within) -> KeyCard {
    let text = if summary.has_key { "Sealed in custody." } else { "Not here; only the certificate is held." };
    let href = (summary.has_key && may_use).then(|| within.href(summary.id, "/key"));
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
        href: within.href(id, &format!("/{file}")),
    };
    alone.into_iter().chain(chained).map(download).collect()
}

async fn change_owner(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let Sent { author, .. } = &sent;
    let chosen = sent.number("owner")?;
    let certificate = CertificateId(ids.first());
    let within = Within::sent(&sent)?;
    let scope = match sent.number("container")? {
        Some(container) => ownership::Scope { collection: None, container: Some(ContainerId(container)) },
        None => ownership::Scope { collection: within.collection(), container: None },
    };
    let command = ChangeOwner { certificate, scope, to: chosen.map(RoleId) };
    let outcome = author.write(move |tx, actor, now| {
        let outcome = ownership::change(tx, actor, &command, now)?;
        // Whoever may change the owner need not be allowed to read, and may have moved it out of the collection; then nothing is
        // said about it.
        let after = match inventory::summary_in(tx, actor, certificate, within.scope(now)) {
            Ok(after) => Some(after),
            Err(Error::Refused(_)) => None,
            Err(error) => return Err(error),
        };
        Ok((outcome, after))
    });
    match outcome.await {
        Ok((outcome, after)) => {
            let back = within.back(&author.visit, certificate).await;
            Ok(author.done(&back, owner_changed(&outcome, chosen.is_some(), after.as_ref())))
        }
        // A role that the caller lacks is named at the field; a lacking permission is a page of its own.
        Err(Error::Refused(Refusal::Forbidden { reason, missing })) if missing.is_empty() => {
            refused_owner(author, certificate, within, sent.fields.text("owner"), &reason).await
        }
        Err(Error::Refused(Refusal::Invalid { field: "owner", message })) => {
            refused_owner(author, certificate, within, sent.fields.text("owner"), &message).await
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
    let again = Again { owner: Some((chosen.to_owned(), sentence(why))), noted: None };
    answer(&author.visit, certificate.0, (within, &chains::JudgedBy::default()), StatusCode::UNPROCESSABLE_ENTITY, again).await
}

async fn change_metadata(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, certificate, within) = (&sent.author, CertificateId(ids.first()), Within::sent(&sent)?);
    author.require_in(paths::CERTIFICATES_METADATA_MODIFY, within.collection())?;
    let scope = within.scope(author.visit.app.now());
    let known =
        author.visit.read(move |tx, actor| Ok((metadata::list(tx, actor)?, metadata::of_in(tx, actor, certificate, scope)?)));
    let (_, (fields, before)) = known.await?;
    let changes = noted::changes(&fields, &sent.fields, &before);
    let command = SetMetadata { certificate, collection: within.collection(), changes };
    match author.write(move |tx, actor, now| metadata::set(tx, actor, &command, now)).await {
        Ok(changed) => {
            let said = if changed { "What is noted about the certificate was changed." } else { "Nothing changed." };
            Ok(author.done(&within.back(&author.visit, certificate).await, said))
        }
        Err(error) => {
            let why = author.complaint(error)?.message;
            let again = Again { owner: None, noted: Some((&sent.fields, why)) };
            let asked = (within, &chains::JudgedBy::default());
            answer(&author.visit, certificate.0, asked, StatusCode::UNPROCESSABLE_ENTITY, again).await
        }
    }
}

fn owner_changed(outcome: &OwnerChange, has_owner: bool, after: Option<&Summary>) -> String {
    let owner = after.and_then(|summary| summary.owner.as_ref()).map(|(_, name)| name);
    match (outcome, owner) {
        (OwnerChange::Unchanged, _) => "Nothing changed: that was the owner already.".into(),
        (OwnerChange::Changed, Some(owner)) => format!("The certificate now belongs to {owner}."),
        (OwnerChange::Changed, None) if has_owner => "The certificate has another owner now.".into(),
        (OwnerChange::Changed, None) => "The certificate now belongs to nobody.".into(),
    }
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (certificate, within) = (CertificateId(ids.first()), Within::sent(&sent)?);
    let outcome = sent.author.write(move |tx, actor, now| inventory::remove_in(tx, actor, certificate, within.scope(now))).await;
    if let Err(Error::Refused(Refusal::Conflict(_))) = outcome {
        return sent.author.done_or_said(&within.href(certificate, ""), outcome, "");
    }
    sent.author.done_or_said(&within.list(), outcome, "The certificate is no longer in the inventory.")
}
