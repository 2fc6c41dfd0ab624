//! Managed certificates and their plan.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use certhold_domain::enrolment::Under;
use certhold_domain::metadata::Change;
use certhold_domain::private_ca::Profile;
use certhold_domain::renewal::managed::{self, ManagedFilter, NewManaged};
use certhold_domain::renewal::{AcmePlan, IssueBy, IssuedBy, KeyKind, PrivatePlan};
use certhold_domain::{AuthorityId, CertificateId, DnsProviderId, IssuerId, LineageId, PatternId, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::NOUN;
use crate::auth::{Author, Bearer};
use crate::native::certificates::{Owner, RoleRef};
use crate::native::created::Created;
use crate::native::extract::{Id, Json as Body, Query};
use crate::native::hidden;
use crate::native::page::{self, Page};
use crate::native::time::Time;
use crate::problem::Answer;
use crate::state::App;

/// A managed certificate.
#[derive(Serialize, ToSchema)]
pub struct Managed {
    /// Its handle.
    id: i64,
    /// Unique without regard to case.
    name: String,
    /// Its names: DNS names, of a private authority also others.
    names: Vec<String>,
    /// `good`, `renewing`, `failing`, `not_deployed`, `paused` or `expired`.
    #[schema(example = "good")]
    health: &'static str,
    /// The role that owns its versions.
    owner: Option<Owner>,
    /// The ACME issuer that it is obtained from; none of what a private authority issues.
    issuer: Option<Owner>,
    /// Who publishes its proofs; none of what a private authority issues.
    dns_provider: Option<Owner>,
    /// The private authority that issues it.
    authority: Option<Owner>,
    /// The enrolment pattern by whose rules that authority issues.
    pattern: Option<Owner>,
    /// What that authority issues it for.
    #[schema(example = "server")]
    template: Option<&'static str>,
    /// Whom that authority issues it to.
    subject: Option<String>,
    /// The life of a version from that authority, where it was chosen.
    days: Option<i64>,
    /// `p256`, `p384`, `p521`, `rsa2048`, `rsa3072`, `rsa4096`, `ed25519` or `mldsa65`.
    #[schema(example = "p256")]
    key_kind: &'static str,
    /// Whether versions share one key.
    reuse_key: bool,
    /// The ACME issuer's profile to ask for.
    profile: Option<String>,
    /// Whether automatic renewal is paused.
    paused: bool,
    /// The certificate that is the current version.
    current: Option<i64>,
    /// When the current version ends.
    not_after: Option<Time>,
    /// How many versions there were.
    versions: i64,
    /// When the next version is obtained.
    renew_at: Option<Time>,
    /// Failed attempts in a row.
    failures: i64,
    /// Why the last attempt failed.
    last_error: Option<String>,
    /// When it failed.
    last_error_at: Option<Time>,
    /// When the attempt that waits or runs is due.
    attempt_due_at: Option<Time>,
}

impl Managed {
    /// How it looks at this moment.
    pub fn of(managed: managed::Managed, now: i64) -> Managed {
        let health = managed.health(now).name();
        let mut shown = Managed {
            id: managed.id.0,
            name: managed.name,
            names: managed.names,
            health,
            owner: managed.owner.map(Owner::from),
            issuer: None,
            dns_provider: None,
            authority: None,
            pattern: None,
            template: None,
            subject: None,
            days: None,
            key_kind: managed.key_kind.name(),
            reuse_key: managed.reuse_key,
            profile: None,
            paused: managed.paused,
            current: managed.current.map(|id| id.0),
            not_after: managed.not_after.map(Time),
            versions: managed.versions,
            renew_at: managed.renew_at.map(Time),
            failures: managed.failures,
            last_error: managed.last_error,
            last_error_at: managed.last_error_at.map(Time),
            attempt_due_at: managed.attempt_due_at.map(Time),
        };
        shown.issued_by(managed.by);
        shown
    }

    fn issued_by(&mut self, by: IssuedBy) {
        match by {
            IssuedBy::Acme { issuer, dns_provider, profile } => {
                self.issuer = Some(Owner { id: issuer.0.0, name: issuer.1 });
                self.dns_provider = Some(Owner { id: dns_provider.0.0, name: dns_provider.1 });
                self.profile = profile;
            }
            IssuedBy::Private { authority, template, pattern, subject, days } => {
                self.authority = Some(Owner { id: authority.0.0, name: authority.1 });
                self.pattern = pattern.map(|(id, name)| Owner { id: id.0, name });
                self.template = Some(template.name());
                (self.subject, self.days) = (subject, days);
            }
        }
    }
}

/// Which managed certificates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Only those in trouble: `failing`, `not_deployed` or `expired`.
    #[serde(default)]
    troubled: bool,
    /// Where the page before ended: taken from its `next`.
    after: Option<i64>,
    /// Rows of the page, 1 to 1,000; 100 by default.
    limit: Option<i64>,
}

/// List managed certificates
#[utoipa::path(get, path = "/managed-certificates", tag = "managed certificates", params(Parameters),
    responses((status = 200, description = "A page of managed certificates", body = Page<Managed>)))]
pub async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    OriginalUri(uri): OriginalUri,
    Query(given): Query<Parameters>,
) -> Answer<Page<Managed>> {
    let now = app.now();
    let filter = ManagedFilter { troubled: given.troubled, after: given.after, limit: page::rows(given.limit)? };
    let found = app.read_as(caller, move |tx, actor| managed::list(tx, actor, &filter, now)).await?;
    let items = found.managed.into_iter().map(|managed| Managed::of(managed, now)).collect();
    Ok(Page::of(items, &uri, "after", found.next.map(|id| id.to_string())))
}

/// A new managed certificate: of an ACME issuer with a DNS provider, or of a private authority, a pattern or a template.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManagedInput {
    /// Unique without regard to case; the first name if left out.
    #[serde(default)]
    name: String,
    /// DNS names; a wildcard only as the whole leftmost label. Of a private authority also addresses and mail addresses, or names with a
    /// kind before them (`dns:`, `ip:`, `email:`, `uri:`, `upn:`). Those of the adopted certificate if left out.
    #[serde(default)]
    #[schema(example = json!(["www.example.com", "example.com"]))]
    names: Vec<String>,
    /// The ACME issuer that it is obtained from.
    issuer: Option<i64>,
    /// Who publishes its proofs for an ACME issuer.
    dns_provider: Option<i64>,
    /// The private authority that issues it; that of the pattern, or the only one that issues, otherwise.
    authority: Option<i64>,
    /// The enrolment pattern by whose rules a private authority issues; without one the template's default pattern holds.
    pattern: Option<i64>,
    /// `server` (default), `client`, `server_client`, `mail` or `code_signing`; only without a pattern.
    template: Option<String>,
    /// Whom a private authority issues it to; of an adopted certificate its own by default.
    #[schema(example = "CN=db1.internal")]
    subject: Option<String>,
    /// The life of a version from a private authority; as the pattern or template says by default.
    days: Option<i64>,
    /// What is noted about the first version from a private authority, by the names of metadata fields.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// `p256`, `p384`, `p521`, `rsa2048`, `rsa3072`, `rsa4096`, `ed25519` or `mldsa65`; by default `p256`, or the first kind that the
    /// pattern allows.
    key_kind: Option<String>,
    /// Whether versions share one key.
    #[serde(default)]
    reuse_key: bool,
    /// The ACME issuer's profile to ask for.
    profile: Option<String>,
    /// The role that owns its versions: id or name.
    owner: Option<RoleRef>,
    /// A certificate of the inventory that becomes the first version, instead of obtaining one now.
    adopt: Option<i64>,
}

impl ManagedInput {
    fn by(&self) -> Result<IssueBy, Refusal> {
        let is_private = self.authority.is_some()
            || self.pattern.is_some()
            || self.template.is_some()
            || self.subject.is_some()
            || self.days.is_some()
            || !self.metadata.is_empty();
        let is_acme = self.issuer.is_some() || self.dns_provider.is_some() || self.profile.is_some();
        match (is_private, is_acme) {
            (true, true) => Err(Refusal::invalid(
                "issuer",
                "issuer, dns_provider and profile are for ACME; authority, pattern, template, subject, days and metadata for private \
                 authorities: give those of one kind",
            )),
            (true, false) => self.private().map(IssueBy::Private),
            (false, _) => {
                let missing = "name an issuer and a dns_provider, or a private authority, a pattern or a template";
                Ok(IssueBy::Acme(AcmePlan {
                    issuer: IssuerId(self.issuer.ok_or_else(|| Refusal::invalid("issuer", missing))?),
                    dns_provider: DnsProviderId(self.dns_provider.ok_or_else(|| Refusal::invalid("dns_provider", missing))?),
                    profile: self.profile.clone(),
                }))
            }
        }
    }

    fn private(&self) -> Result<PrivatePlan, Refusal> {
        let under = match (self.pattern, &self.template) {
            (Some(_), Some(_)) => return Err(Refusal::invalid("template", "a pattern has its template: give one of both")),
            (Some(pattern), None) => Under::Pattern(PatternId(pattern)),
            (None, template) => Under::Template(Profile::parse(template.as_deref().unwrap_or(Profile::Server.name()))?),
        };
        Ok(PrivatePlan {
            under,
            authority: self.authority.map(AuthorityId),
            subject: self.subject.clone(),
            days: self.days,
            metadata: self.metadata.iter().map(|(field, value)| Change::new(field, value)).collect(),
        })
    }
}

/// Create a managed certificate
///
/// Unless it adopts a certificate, its first version is obtained at once. One of a private authority needs what enrolling with a key
/// that is made here needs, and keeps to the pattern's rules.
#[utoipa::path(post, path = "/managed-certificates", tag = "managed certificates", request_body = ManagedInput,
    responses((status = 201, description = "The new managed certificate", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<ManagedInput>) -> Answer<Created> {
    let now = app.now();
    let new = NewManaged {
        by: input.by()?,
        name: input.name,
        names: input.names,
        key_kind: input.key_kind.as_deref().map(KeyKind::parse).transpose()?,
        reuse_key: input.reuse_key,
        owner: None,
        adopt: input.adopt.map(CertificateId),
    };
    let owner = input.owner;
    let made = app.write(move |tx| {
        let owner = owner.as_ref().map(|role| role.resolve(tx, &author.actor)).transpose()?;
        managed::create(tx, &author.actor, &NewManaged { owner, ..new.clone() }, now)
    });
    Ok(Created::at("managed-certificates", made.await?.0))
}

/// Get a managed certificate
#[utoipa::path(get, path = "/managed-certificates/{id}", tag = "managed certificates",
    params(("id" = i64, Path, description = "The managed certificate")),
    responses((status = 200, description = "The managed certificate", body = Managed)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<Managed>> {
    let (id, now) = (LineageId(id), app.now());
    let found = app.read_as(caller, move |tx, actor| managed::get(tx, actor, id)).await.map_err(hidden(NOUN, id))?;
    Ok(Json(Managed::of(found, now)))
}

/// Remove a managed certificate
///
/// Its certificates stay in the inventory, and deployed files where they are.
#[utoipa::path(delete, path = "/managed-certificates/{id}", tag = "managed certificates",
    params(("id" = i64, Path, description = "The managed certificate")), responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| managed::remove(tx, &author.actor, LineageId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pause automatic renewal
#[utoipa::path(post, path = "/managed-certificates/{id}/pause", tag = "managed certificates",
    params(("id" = i64, Path, description = "The managed certificate")), responses((status = 204, description = "It is paused")))]
pub async fn pause(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    set_paused(&app, author, id, true).await
}

/// Resume automatic renewal
#[utoipa::path(post, path = "/managed-certificates/{id}/resume", tag = "managed certificates",
    params(("id" = i64, Path, description = "The managed certificate")), responses((status = 204, description = "It is resumed")))]
pub async fn resume(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    set_paused(&app, author, id, false).await
}

async fn set_paused(app: &App, author: Author, id: i64, paused: bool) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| managed::set_paused(tx, &author.actor, LineageId(id), paused, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Renew now
///
/// Obtains the next version as soon as possible; the log tells how it goes.
#[utoipa::path(post, path = "/managed-certificates/{id}/renew", tag = "managed certificates",
    params(("id" = i64, Path, description = "The managed certificate")), responses((status = 202, description = "An attempt is enqueued")))]
pub async fn renew(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| managed::renew_now(tx, &author.actor, LineageId(id), now)).await?;
    Ok(StatusCode::ACCEPTED)
}
