//! `/managed/new`: a new managed certificate of an ACME issuer, obtained or adopted; those of private authorities have a form of their own.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use certhold_domain::access::{self, Access, paths};
use certhold_domain::inventory::{self, Summary};
use certhold_domain::ownership::{self, Candidate};
use certhold_domain::private_ca;
use certhold_domain::renewal::managed::{self, NewManaged};
use certhold_domain::renewal::{AcmePlan, IssueBy, KeyKind, issuers, providers};
use certhold_domain::{Actor, CertificateId, DnsProviderId, Error, IssuerId, LineageId, Refusal, Result as DomainResult, RoleId};
use certhold_store::Tx;
use serde::{Deserialize, Deserializer};

use super::{Asked, asked, managed_new_private};
use crate::state::App;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Author, Complaint, Sent};
use crate::web::shared::holds;
use crate::web::show::choices;
use crate::web::view::address::Address;
use crate::web::view::form::{Check, Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::managed_form::NewManagedPage;
use crate::web::view::table::FilterLink;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new().route("/managed/new", get(show).post(create))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    #[serde(deserialize_with = "asked::number_text")]
    adopt: String,
    #[serde(deserialize_with = "kind_word")]
    by: String,
}

fn kind_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    asked::one_of(deserializer, &["", ACME, PRIVATE])
}

/// By an ACME issuer: the form of this page.
pub(super) const ACME: &str = "acme";
/// By a private authority.
pub(super) const PRIVATE: &str = "private";

/// The form as it was filled in, or as it is offered first.
#[derive(Clone, Default)]
struct Filled {
    names: Option<String>,
    issuer: String,
    dns_provider: String,
    key: String,
    reuse_key: bool,
    owner: Option<String>,
    profile: String,
    adopt: Option<CertificateId>,
}

struct Found {
    kinds: Vec<FilterLink>,
    issuers: Vec<(i64, String)>,
    providers: Vec<(i64, String)>,
    roles: Vec<Candidate>,
    adopted: Option<Summary>,
}

async fn show(visit: Visit, Asked(given): Asked<Parameters>) -> Result<Response, Refused> {
    let adopt = given.adopt.parse().ok().map(CertificateId);
    if given.by == PRIVATE || given.by.is_empty() && only_private(&visit).await? {
        return managed_new_private::show(&visit, adopt).await;
    }
    page(&visit, StatusCode::OK, Filled { adopt, ..Filled::default() }, None).await
}

/// Whether the viewer can have certificates issued here, and has no use for the other form.
async fn only_private(visit: &Visit) -> Result<bool, Refused> {
    let now = visit.app.now();
    let read = visit.read(move |tx, actor| {
        access::require_path(tx, actor, paths::RENEWAL_MODIFY)?;
        if !access::allows(tx, actor, paths::ENROLLMENT_PFX)? || private_ca::issuing_authorities(tx, actor, now)?.is_empty() {
            return Ok(false);
        }
        let sees = access::allows(tx, actor, paths::ISSUERS_READ)? && access::allows(tx, actor, paths::DNS_PROVIDERS_READ)?;
        Ok(!sees || issuers::list(tx, actor)?.is_empty() || providers::list(tx, actor)?.is_empty())
    });
    Ok(read.await?.1)
}

/// The choice between both forms, for whoever may use both.
pub(super) fn kinds(actor: &Access, adopt: Option<CertificateId>, is_private: bool) -> Vec<FilterLink> {
    if !holds(actor, paths::ENROLLMENT_PFX) || !holds(actor, paths::ISSUERS_READ) || !holds(actor, paths::DNS_PROVIDERS_READ) {
        return Vec::new();
    }
    let adopt = adopt.map(|id| id.to_string()).unwrap_or_default();
    let link = |label: &str, by: &str, is_current| {
        let href = Address::new("/managed/new").with("by", by).with("adopt", adopt.as_str()).to_string();
        FilterLink { label: label.into(), href, count: None, is_current }
    };
    vec![link("By an ACME issuer", ACME, !is_private), link("By a private authority", PRIVATE, is_private)]
}

async fn page(visit: &Visit, status: StatusCode, filled: Filled, complaint: Option<Complaint>) -> Result<Response, Refused> {
    let adopt = filled.adopt;
    let (viewer, found) = visit.read(move |tx, actor| find(tx, actor, adopt)).await?;
    let names = found.adopted.as_ref().map(|adopted| adopted.names.join("\n")).unwrap_or_default();
    let inherited = found.adopted.as_ref().and_then(|adopted| adopted.owner.as_ref()).map(|(role, _)| role.to_string());
    let key = if filled.key.is_empty() { KeyKind::P256.name() } else { &filled.key };
    let mut page = NewManagedPage {
        frame: visit.frame("New managed certificate", Section::Managed, viewer).below("Managed certificates", "/managed"),
        kinds: found.kinds,
        error: None,
        names: Input::of(filled.names.unwrap_or(names)),
        issuer: choices::named(found.issuers, &filled.issuer),
        dns_provider: choices::named(found.providers, &filled.dns_provider),
        key: keys().choose(key),
        reuse_key: Check::of(filled.reuse_key),
        owner: choices::owners(&found.roles, &filled.owner.or(inherited).unwrap_or_default()),
        profile: Input::of(filled.profile),
        adopt: found.adopted.map(|adopted| (adopted.id.0, adopted.title().to_owned())),
    };
    if let Some(complaint) = complaint {
        let mut places = [
            ("names", &mut page.names.error),
            ("issuer", &mut page.issuer.error),
            ("DNS provider", &mut page.dns_provider.error),
            ("key_kind", &mut page.key.error),
            ("owner", &mut page.owner.error),
            ("profile", &mut page.profile.error),
        ];
        complaint.place(&mut page.error, &mut places);
    }
    Ok(visit.page(status, &page))
}

fn find(tx: &mut Tx<'_>, actor: &Actor, adopt: Option<CertificateId>) -> DomainResult<Found> {
    access::require_path(tx, actor, paths::RENEWAL_MODIFY)?;
    Ok(Found {
        kinds: kinds(&actor.access, adopt, false),
        issuers: issuers::list(tx, actor)?.into_iter().map(|issuer| (issuer.id.0, issuer.name)).collect(),
        providers: providers::list(tx, actor)?.into_iter().map(|provider| (provider.id.0, provider.name)).collect(),
        roles: ownership::candidates_for_new(tx, actor)?,
        adopted: adopt.map(|id| inventory::summary(tx, actor, id)).transpose()?,
    })
}

pub(super) fn keys() -> Select {
    let hint = |kind: KeyKind| match kind {
        KeyKind::P256 => "Small and fast; understood everywhere.",
        KeyKind::P384 => "Where a policy asks for it.",
        KeyKind::P521 => "Where a policy asks for it; few public authorities take it.",
        KeyKind::Rsa2048 => "For old clients.",
        KeyKind::Rsa3072 | KeyKind::Rsa4096 => "For old clients with strict policies; slow.",
        KeyKind::Ed25519 => "Few public authorities take it.",
        KeyKind::MlDsa65 => "Safe from quantum computers; no public authority takes it.",
    };
    Select::of(KeyKind::ALL.iter().map(|(name, label, kind)| Choice::new(*name, *label).with_hint(hint(*kind))).collect())
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let (author, fields) = (&sent.author, &sent.fields);
    author.require(paths::RENEWAL_MODIFY)?;
    if fields.text("by") == PRIVATE {
        return managed_new_private::create(&sent).await;
    }
    let adopt = sent.number("adopt")?.map(CertificateId);
    let owner = sent.number("owner")?.map(RoleId);
    let issuer = sent.number("issuer")?.ok_or_else(|| author.malformed("No issuer was chosen."))?;
    let dns_provider = sent.number("dns_provider")?.ok_or_else(|| author.malformed("No DNS provider was chosen."))?;
    let filled = Filled {
        names: Some(fields.text("names").to_owned()),
        issuer: issuer.to_string(),
        dns_provider: dns_provider.to_string(),
        key: fields.text("key").to_owned(),
        reuse_key: fields.is_ticked("reuse_key"),
        owner: Some(fields.text("owner").to_owned()),
        profile: fields.text("profile").to_owned(),
        adopt,
    };
    let refuse = |complaint| page(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, filled.clone(), Some(complaint));
    let Ok(key_kind) = KeyKind::parse(&filled.key) else {
        return refuse(Complaint::about("key_kind", "Choose a kind of key.")).await;
    };
    let command = NewManaged {
        name: String::new(),
        names: fields.lines("names"),
        by: IssueBy::Acme(AcmePlan {
            issuer: IssuerId(issuer),
            dns_provider: DnsProviderId(dns_provider),
            profile: fields.given("profile"),
        }),
        key_kind: Some(key_kind),
        reuse_key: filled.reuse_key,
        owner,
        adopt,
    };
    match author.write(move |tx, actor, now| managed::create(tx, actor, &command, now)).await {
        Ok(id) => Ok(made(author, id, adopt.is_some())),
        Err(Error::Refused(Refusal::Forbidden { reason, missing })) if missing.is_empty() => {
            refuse(Complaint::about("owner", sentence(&reason))).await
        }
        Err(Error::Refused(Refusal::NotFound { kind, .. })) if kind != "certificate" => {
            refuse(Complaint::about(kind, "This is gone: choose another one.")).await
        }
        Err(error) => refuse(author.complaint(error)?).await,
    }
}

/// Leads on to the page of what was made.
pub(super) fn made(author: &Author, id: LineageId, is_adopted: bool) -> Response {
    let what = if is_adopted { "It is managed now, and renewed when its time comes." } else { "It is being obtained now." };
    author.done(&format!("/managed/{id}"), what)
}
