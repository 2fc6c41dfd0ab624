//! Revocation, as far as it is true: what a private authority issued is on its next list; what was obtained through an ACME issuer of ours,
//! that is asked to revoke by a job; anything else is recorded in the inventory, and no answer claims that its issuer was told.

use std::collections::BTreeSet;

use axum::extract::State;
use certhold_domain::collections::Scope;
use certhold_domain::inventory::{self, Filter, Revocation, RevocationReason, Revoke};
use certhold_domain::{Actor, CertificateId, CollectionId, Result as DomainResult};
use certhold_store::Tx;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::many::{Which, each_piece};
use crate::keyfactor::extract::{Asked, Author, Body, bounded};
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::{Answer, Refused};
use crate::keyfactor::wire::Moment;
use crate::state::App;

/// The routes of revocation.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(revoke)).routes(routes!(revoke_all))
}

/// Certificates to be recorded as revoked.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct RevokeRequest {
    /// Which certificates.
    certificate_ids: Option<Vec<i64>>,
    /// -1 ends a hold; else a number of RFC 5280: 0 (default) to 6.
    reason: Option<i64>,
    /// Why.
    comment: Option<String>,
    /// From when on; now by default.
    #[schema(value_type = Option<String>)]
    effective_date: Option<Moment>,
    /// Scope of the right to revoke.
    collection_id: Option<i64>,
}

/// Certificates that a query finds, to be recorded as revoked.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct RevokeAllRequest {
    /// The query.
    query: Option<String>,
    /// A number of RFC 5280: 0 to 6.
    reason: Option<i64>,
    /// Why.
    comment: Option<String>,
    /// From when on; now by default.
    #[schema(value_type = Option<String>)]
    effective_date: Option<Moment>,
    /// Also those that are revoked already; they stay as they are, but an ACME issuer that has not revoked one is asked once more.
    include_revoked: Option<bool>,
    /// Also expired ones.
    include_expired: Option<bool>,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Revoked {
    /// Recorded as revoked.
    revoked_ids: Vec<i64>,
    /// Waiting for somebody's approval: none.
    #[schema(value_type = Vec<Object>)]
    suspended_certs: [(); 0],
}

fn reason(number: i64) -> Answer<RevocationReason> {
    let wrong = || Refused::invalid("Reason", "a number from 0 to 6 (RFC 5280 section 5.3.1), or -1 to end a hold");
    RevocationReason::of(number).filter(|reason| reason.code() <= 6).ok_or_else(wrong)
}

/// Record certificates as revoked
///
/// What a private authority issued is on its next list; an ACME issuer is asked to revoke what was obtained through it, with the reasons 0, 1, 3,
/// 4 and 5. Of any other the issuer is not told. All or, when one is refused, none; they are written in pieces of 256, beside whatever others
/// write: only one that comes to be refused meanwhile leaves the pieces before it changed.
#[utoipa::path(post, path = "/Certificates/Revoke", tag = "Certificates", request_body = RevokeRequest,
    responses((status = 200, description = "They are recorded as revoked", body = Revoked)))]
pub async fn revoke(
    State(app): State<App>,
    author: Author,
    asked: Asked,
    Body(sent): Body<RevokeRequest>,
) -> Answer<Json<Revoked>> {
    let mut scope = asked.scope(app.now())?;
    scope.collection = sent.collection_id.filter(|id| *id != 0).map(CollectionId).or(scope.collection);
    let revoked_ids = sent.certificate_ids.unwrap_or_default();
    bounded("CertificateIds", &revoked_ids)?;
    let mut seen = BTreeSet::new();
    let named = revoked_ids.iter().filter(|id| seen.insert(**id));
    let certificates: Vec<CertificateId> = named.map(|id| CertificateId(*id)).collect();
    let comment = sent.comment.unwrap_or_default();
    let failed = format!("Certificates {revoked_ids:?}: none was changed");
    let none = |refused: Refused| refused.with_failures([failed]);
    let (which, looked_at) = (Which::Named(certificates.clone()), certificates.clone());
    if sent.reason == Some(-1) {
        let said = comment.clone();
        let foresee = move |tx: &mut Tx<'_>, actor: &Actor| inventory::foresee_release(tx, actor, &looked_at, &said, scope);
        author.read(foresee).await.map_err(none)?;
        let release = move |tx: &mut Tx<'_>, actor: &Actor, ids: &[CertificateId], now: i64| {
            inventory::release(tx, actor, ids, &comment, scope, now)
        };
        each_piece(&author, which, certificates, scope, release).await?;
    } else {
        let effective_at = sent.effective_date.map_or_else(|| app.now(), |date| date.0);
        let revocation = Revocation { effective_at, reason: reason(sent.reason.unwrap_or(0))?, comment };
        let command = Revoke { certificates: looked_at, revocation: revocation.clone() };
        let foresee = move |tx: &mut Tx<'_>, actor: &Actor| inventory::foresee_revocation(tx, actor, &command, scope);
        author.read(foresee).await.map_err(none)?;
        each_piece(&author, which, certificates, scope, revoking(revocation, scope)).await?;
    }
    Ok(Json(Revoked { revoked_ids, suspended_certs: [] }))
}

/// Revokes a piece of those that are revoked.
fn revoking(
    revocation: Revocation,
    scope: Scope,
) -> impl Fn(&mut Tx<'_>, &Actor, &[CertificateId], i64) -> DomainResult<()> + Clone + Send + 'static {
    move |tx, actor, ids, now| {
        let command = Revoke { certificates: ids.to_vec(), revocation: revocation.clone() };
        inventory::revoke(tx, actor, &command, scope, now)
    }
}

/// Record all certificates that a query finds as revoked
///
/// At most 1,000, as one by one; what can be foreseen refuses all of them. They are written in pieces of 256, beside whatever others write.
#[utoipa::path(post, path = "/Certificates/RevokeAll", tag = "Certificates", params(
    ("collectionId" = Option<i64>, Query, description = "Only those in this collection; scope of the right to revoke")),
    request_body = RevokeAllRequest, responses((status = 200, description = "They are recorded as revoked", body = Revoked)))]
pub async fn revoke_all(
    State(app): State<App>,
    author: Author,
    asked: Asked,
    Body(sent): Body<RevokeAllRequest>,
) -> Answer<Json<Revoked>> {
    let now = app.now();
    let scope = asked.scope(now)?;
    let query = sent.query.filter(|query| !query.trim().is_empty());
    let query = query.ok_or_else(|| Refused::invalid("Query", "say which certificates: the empty query is every one"))?;
    let effective_at = sent.effective_date.map_or(now, |date| date.0);
    let revocation =
        Revocation { effective_at, reason: reason(sent.reason.unwrap_or(0))?, comment: sent.comment.unwrap_or_default() };
    let revoked = if sent.include_revoked.unwrap_or(false) { None } else { Some(false) };
    let expired = sent.include_expired.unwrap_or(false);
    let filter =
        Filter { revoked, expiry: inventory::Expiry { from: (!expired).then_some(now), before: None }, ..Filter::default() };
    let wanted = revocation.clone();
    let (which, ids) = author
        .read(move |tx, actor| {
            let which = Which::found(tx, actor, &query, filter, scope)?;
            let command = Revoke { certificates: which.ids(tx, actor, scope)?, revocation: wanted };
            if !command.certificates.is_empty() {
                inventory::foresee_revocation(tx, actor, &command, scope)?;
            }
            Ok((which, command.certificates))
        })
        .await?;
    let revoked = each_piece(&author, which, ids, scope, revoking(revocation, scope)).await?;
    let revoked_ids = revoked.into_iter().map(|id| id.0).collect();
    Ok(Json(Revoked { revoked_ids, suspended_certs: [] }))
}
