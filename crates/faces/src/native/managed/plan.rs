//! Managed certificates and their plan.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use certhold_domain::renewal::KeyKind;
use certhold_domain::renewal::managed::{self, ManagedFilter, NewManaged};
use certhold_domain::{CertificateId, DnsProviderId, IssuerId, LineageId};
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
    /// Its DNS names.
    names: Vec<String>,
    /// `good`, `renewing`, `failing`, `paused` or `expired`.
    #[schema(example = "good")]
    health: &'static str,
    /// The role that owns its versions.
    owner: Option<Owner>,
    /// Who issues it.
    issuer: Owner,
    /// Who publishes its proofs.
    dns_provider: Owner,
    /// `p256`, `p384`, `rsa2048`, `rsa3072`, `rsa4096` or `ed25519`.
    #[schema(example = "p256")]
    key_kind: &'static str,
    /// Whether versions share one key.
    reuse_key: bool,
    /// The authority's profile to ask for.
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
        let (issuer, dns_provider) = (managed.issuer, managed.dns_provider);
        Managed {
            id: managed.id.0,
            name: managed.name,
            names: managed.names,
            health,
            owner: managed.owner.map(Owner::from),
            issuer: Owner { id: issuer.0.0, name: issuer.1 },
            dns_provider: Owner { id: dns_provider.0.0, name: dns_provider.1 },
            key_kind: managed.key_kind.name(),
            reuse_key: managed.reuse_key,
            profile: managed.profile,
            paused: managed.paused,
            current: managed.current.map(|id| id.0),
            not_after: managed.not_after.map(Time),
            versions: managed.versions,
            renew_at: managed.renew_at.map(Time),
            failures: managed.failures,
            last_error: managed.last_error,
            last_error_at: managed.last_error_at.map(Time),
            attempt_due_at: managed.attempt_due_at.map(Time),
        }
    }
}

/// Which managed certificates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Only those with failed attempts or without a valid version.
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

/// A new managed certificate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManagedInput {
    /// Unique without regard to case; the first DNS name if left out.
    #[serde(default)]
    name: String,
    /// DNS names; a wildcard only as the whole leftmost label. Those of the adopted certificate if left out.
    #[serde(default)]
    #[schema(example = json!(["www.example.com", "example.com"]))]
    names: Vec<String>,
    /// Who issues it.
    issuer: i64,
    /// Who publishes its proofs.
    dns_provider: i64,
    /// `p256` (default), `p384`, `rsa2048`, `rsa3072`, `rsa4096` or `ed25519`.
    key_kind: Option<String>,
    /// Whether versions share one key.
    #[serde(default)]
    reuse_key: bool,
    /// The authority's profile to ask for.
    profile: Option<String>,
    /// The role that owns its versions: id or name.
    owner: Option<RoleRef>,
    /// A certificate of the inventory that becomes the first version, instead of obtaining one now.
    adopt: Option<i64>,
}

/// Create a managed certificate
///
/// Unless it adopts a certificate, its first version is obtained at once.
#[utoipa::path(post, path = "/managed-certificates", tag = "managed certificates", request_body = ManagedInput,
    responses((status = 201, description = "The new managed certificate", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<ManagedInput>) -> Answer<Created> {
    let now = app.now();
    let new = NewManaged {
        name: input.name,
        names: input.names,
        issuer: IssuerId(input.issuer),
        dns_provider: DnsProviderId(input.dns_provider),
        key_kind: input.key_kind.as_deref().map(KeyKind::parse).transpose()?.unwrap_or(KeyKind::P256),
        reuse_key: input.reuse_key,
        profile: input.profile,
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
