//! Revocation of a certificate, and whether its issuer has been told.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::inventory::{self, RevocationReason, Revoke, Whole};
use certhold_domain::renewal::revocation::Standing;
use certhold_domain::{CertificateId, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::one::Within;
use crate::auth::{Author, Bearer};
use crate::native::extract::{Id, Json as Body, Query};
use crate::native::hidden;
use crate::native::time::Time;
use crate::problem::Answer;
use crate::state::App;

/// Who issued a certificate.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuerOfCertificate)]
pub struct Issuer {
    /// Its number, unless it was removed since.
    id: Option<i64>,
    /// Its name.
    name: String,
}

/// Whether a certificate is revoked, as far as Certhold knows, and whether its issuer has been told.
#[derive(Serialize, ToSchema)]
pub struct Revocation {
    /// Whether it is recorded as revoked.
    revoked: bool,
    /// Why: `unspecified`, `keyCompromise`, `cACompromise`, `affiliationChanged`, `superseded`, `cessationOfOperation`, `certificateHold` or
    /// `privilegeWithdrawn`.
    #[schema(example = "superseded")]
    reason: Option<&'static str>,
    /// What whoever recorded it said.
    comment: Option<String>,
    /// From when on.
    effective_at: Option<Time>,
    /// Who issued it, as far as Certhold can tell it: a private authority here, or an ACME issuer.
    issuer: Option<Issuer>,
    /// Whether the issuer knows. `listed`: it is on the list of its private authority, or on the next one; `asked`: its ACME issuer is being
    /// asked; `revoked`: that has revoked it; `refused`: that refuses, revoke once more to ask once more; `given_up`: it is not asked any more
    /// and has not refused, likewise; `not_asked`: that was never asked; `not_told`: Certhold cannot tell its issuer, revoke it there.
    #[schema(example = "revoked")]
    at_issuer: Option<&'static str>,
    /// The reason that an ACME issuer is told.
    #[schema(example = "superseded")]
    reason_at_issuer: Option<&'static str>,
    /// Why the issuer refuses, why it is not asked any more, or why asking did not work so far.
    error: Option<String>,
    /// The authority's whole answer, where it refuses or is not asked any more.
    detail: Option<String>,
    /// Failed tries of asking.
    failures: i64,
    /// When the issuer is asked next.
    next_try: Option<Time>,
}

impl Revocation {
    fn of(whole: Whole) -> Revocation {
        let revocation = whole.revocation;
        let is_revoked = revocation.is_some();
        let mut told = Revocation {
            revoked: is_revoked,
            reason: revocation.as_ref().map(|revocation| revocation.reason.name()),
            effective_at: revocation.as_ref().map(|revocation| Time(revocation.effective_at)),
            comment: revocation.map(|revocation| revocation.comment),
            issuer: None,
            at_issuer: None,
            reason_at_issuer: None,
            error: None,
            detail: None,
            failures: 0,
            next_try: None,
        };
        let standing = if let Some(issuance) = whole.issuance {
            told.issuer = Some(Issuer { id: Some(issuance.authority_id.0), name: issuance.authority });
            "listed"
        } else if let Some(at) = whole.at_issuer {
            let name = at.standing.name();
            told.issuer = Some(Issuer { id: at.issuer.0.map(|id| id.0), name: at.issuer.1 });
            told.reason_at_issuer = at.reason.map(RevocationReason::name);
            match at.standing {
                Standing::Asked { error, failures, next_try } => {
                    (told.error, told.failures, told.next_try) = (error, failures, next_try.map(Time));
                }
                Standing::Refused { error, detail } | Standing::GivenUp { error, detail } => {
                    (told.error, told.detail) = (Some(error), detail)
                }
                Standing::Revoked { .. } | Standing::NotAsked => {}
            }
            name
        } else {
            "not_told"
        };
        told.at_issuer = is_revoked.then_some(standing);
        told
    }
}

/// Get the revocation of a certificate
///
/// As far as Certhold knows, and whether its issuer has been told.
#[utoipa::path(get, path = "/certificates/{id}/revocation", operation_id = "get_revocation", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), Within),
    responses((status = 200, description = "Whether it is revoked", body = Revocation)))]
pub async fn get(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Id(id): Id,
    Query(within): Query<Within>,
) -> Answer<Json<Revocation>> {
    let (id, scope) = (CertificateId(id), within.scope(&app));
    let found = app.read_as(caller, move |tx, actor| inventory::get_whole(tx, actor, id, scope)).await;
    Ok(Json(Revocation::of(found.map_err(hidden("certificate", id))?)))
}

/// Why a certificate is revoked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRevocation {
    /// `unspecified` (default), `keyCompromise`, `cACompromise`, `affiliationChanged`, `superseded`, `cessationOfOperation`,
    /// `certificateHold` or `privilegeWithdrawn`. ACME issuers take neither holds nor `cACompromise` nor `privilegeWithdrawn`.
    #[schema(example = "superseded")]
    reason: Option<String>,
    /// Why; it stays in the event log.
    comment: String,
}

/// Revoke a certificate
///
/// What a private authority issued is on its next list; what was obtained through an ACME issuer, that is asked to revoke, by a job: see
/// `at_issuer`. Of any other it is recorded only. One that is revoked already stays as it is; if its issuer has not revoked it, it is
/// asked once more, or at once where it waits.
#[utoipa::path(post, path = "/certificates/{id}/revocation", operation_id = "revoke_certificate", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), Within), request_body = NewRevocation,
    responses((status = 204, description = "It is recorded as revoked")))]
pub async fn revoke(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Query(within): Query<Within>,
    Body(new): Body<NewRevocation>,
) -> Answer<StatusCode> {
    let (scope, now) = (within.scope(&app), app.now());
    let reason = reason(new.reason.as_deref())?;
    let revocation = inventory::Revocation { effective_at: now, reason, comment: new.comment };
    let command = Revoke { certificates: vec![CertificateId(id)], revocation };
    app.write(move |tx| inventory::revoke(tx, &author.actor, &command, scope, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn reason(name: Option<&str>) -> Result<RevocationReason, Refusal> {
    let Some(name) = name else { return Ok(RevocationReason::Unspecified) };
    let found = RevocationReason::ALL.into_iter().find(|reason| reason.name().eq_ignore_ascii_case(name.trim()));
    found.ok_or_else(|| {
        let names: Vec<&str> = RevocationReason::ALL.iter().map(|reason| reason.name()).collect();
        Refusal::invalid("reason", format!("choose one of {}", names.join(", ")))
    })
}

/// Why a hold ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Why; it stays in the event log.
    comment: String,
}

/// End the hold of a certificate
///
/// Only a hold is taken back: any other revocation is final.
#[utoipa::path(post, path = "/certificates/{id}/release", operation_id = "release_certificate", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), Within), request_body = Release,
    responses((status = 204, description = "It is not on hold any more")))]
pub async fn release(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Query(within): Query<Within>,
    Body(new): Body<Release>,
) -> Answer<StatusCode> {
    let (scope, now) = (within.scope(&app), app.now());
    app.write(move |tx| inventory::release(tx, &author.actor, &[CertificateId(id)], &new.comment, scope, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
