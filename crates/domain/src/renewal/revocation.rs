//! Revocation at the ACME authority that issued a certificate (RFC 8555 section 7.6): a durable job asks the issuer through whose account
//! the certificate was obtained. Until the authority has confirmed it, nothing claims that it did.

use std::collections::HashMap;

use certhold_pki::issue::RevocationReason;
use certhold_store::{Tx, params};
use serde_json::{Value as Json, json};

use super::plan::{FailureClass, next_ask};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, IssuerId};
use crate::inventory;
use crate::jobs::{self, JobKind, Lease};
use crate::limits;

/// The reasons that authorities take from those who hold certificates; the others are for authorities, and ACME knows no hold.
pub const REASONS: [RevocationReason; 5] = [
    RevocationReason::Unspecified,
    RevocationReason::KeyCompromise,
    RevocationReason::AffiliationChanged,
    RevocationReason::Superseded,
    RevocationReason::CessationOfOperation,
];

/// How it stands at the issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is being asked, at the latest time once more at `next_try` (unix milliseconds); with the reason of the last failure.
    Asked {
        /// Why it did not work so far.
        error: Option<String>,
        /// Failed tries.
        failures: i64,
        /// When it is asked next, unix milliseconds.
        next_try: Option<i64>,
    },
    /// It has revoked the certificate.
    Revoked {
        /// Somebody else had revoked it there before.
        already: bool,
    },
    /// It refuses; whoever revokes once more has it asked once more.
    Refused {
        /// Why.
        error: String,
        /// The authority's whole answer.
        detail: Option<String>,
    },
    /// It is not asked any more, and has neither revoked nor refused; whoever revokes once more has it asked once more.
    GivenUp {
        /// Why.
        error: String,
        /// The authority's last answer.
        detail: Option<String>,
    },
    /// It was never asked: the revocation was recorded before Certhold could ask.
    NotAsked,
}

impl Standing {
    /// The name in APIs.
    pub fn name(&self) -> &'static str {
        match self {
            Standing::Asked { .. } => "asked",
            Standing::Revoked { .. } => "revoked",
            Standing::Refused { .. } => "refused",
            Standing::GivenUp { .. } => "given_up",
            Standing::NotAsked => "not_asked",
        }
    }
}

/// The issuer of a certificate, and how its revocation stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtIssuer {
    /// Through whose account it was obtained; without a number when the issuer was removed since.
    pub issuer: (Option<IssuerId>, String),
    /// How it stands.
    pub standing: Standing,
    /// The reason that it is told, once it is asked.
    pub reason: Option<RevocationReason>,
}

impl AtIssuer {
    /// Whether revoking once more has it asked once more.
    pub fn may_be_asked(&self) -> bool {
        let ended = matches!(self.standing, Standing::Refused { .. } | Standing::GivenUp { .. } | Standing::NotAsked);
        ended && self.issuer.0.is_some()
    }
}

/// Remembers through which issuer a certificate was obtained.
pub(super) fn obtained(tx: &mut Tx<'_>, certificate: CertificateId, issuer: IssuerId) -> Result<()> {
    tx.execute(
        "INSERT INTO acme_certificate (certificate, issuer) VALUES ($1, $2) \
         ON CONFLICT (certificate) DO UPDATE SET issuer = $2, issuer_name = NULL",
        params![certificate, issuer],
    )?;
    Ok(())
}

/// For each of these certificates that an issuer of ours obtained, that issuer and how its revocation stands there.
pub(crate) fn at_issuers(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<HashMap<CertificateId, AtIssuer>> {
    let (places, values) = inventory::among(ids);
    let sql = format!(
        "SELECT acme_certificate.certificate, issuer.id, coalesce(issuer.name, acme_certificate.issuer_name), acme_revocation.state, \
         acme_revocation.already, acme_revocation.failures, acme_revocation.error, acme_revocation.detail, job.due_at, \
         acme_revocation.reason FROM acme_certificate LEFT JOIN issuer ON issuer.id = acme_certificate.issuer \
         LEFT JOIN acme_revocation ON acme_revocation.certificate = acme_certificate.certificate \
         LEFT JOIN job ON job.kind = 'revoke' AND job.object = acme_certificate.certificate AND (job.state = 'waiting' OR job.state = 'running') \
         WHERE acme_certificate.certificate IN ({places}) AND (issuer.id IS NOT NULL OR acme_revocation.state IS NOT NULL)"
    );
    let read = |row: &certhold_store::Row<'_>| {
        let error: Option<String> = row.get(6)?;
        let standing = match row.get::<Option<String>>(3)?.as_deref() {
            None => Standing::NotAsked,
            Some("revoked") => Standing::Revoked { already: row.get(4)? },
            Some("refused") => Standing::Refused { error: error.unwrap_or_default(), detail: row.get(7)? },
            Some("given_up") => Standing::GivenUp { error: error.unwrap_or_default(), detail: row.get(7)? },
            Some(_) => Standing::Asked { error, failures: row.get(5)?, next_try: row.get(8)? },
        };
        let issuer = (row.get::<Option<i64>>(1)?.map(IssuerId), row.get(2)?);
        let reason = row.get::<Option<i64>>(9)?.and_then(RevocationReason::of);
        Ok((CertificateId(row.get(0)?), AtIssuer { issuer, standing, reason }))
    };
    Ok(tx.rows(&sql, &values, read)?.into_iter().collect())
}

/// Refuses a reason that ACME issuers do not take.
pub(crate) fn require_reason(certificate: CertificateId, at: &AtIssuer, reason: RevocationReason) -> Result<(), Refusal> {
    if REASONS.contains(&reason) {
        return Ok(());
    }
    let message = format!(
        "certificate {certificate}: its issuer {:?} takes the reasons 0, 1, 3, 4 and 5 (RFC 5280 section 5.3.1), and no holds: give one of these",
        at.issuer.1
    );
    Err(Refusal::invalid("reason", message))
}

/// Has the issuer asked to revoke a certificate from `due_at` on. Refuses reasons that it does not take.
pub(crate) fn ask(
    tx: &mut Tx<'_>,
    certificate: CertificateId,
    at: &AtIssuer,
    reason: RevocationReason,
    due_at: i64,
    now: i64,
) -> Result<()> {
    require_reason(certificate, at, reason)?;
    tx.execute(
        "INSERT INTO acme_revocation (certificate, state, reason, already, failures, asked_at, updated_at) \
         VALUES ($1, 'asked', $2, $3, 0, $4, $4) ON CONFLICT (certificate) DO UPDATE SET state = 'asked', reason = $2, already = $3, \
         failures = 0, error = NULL, detail = NULL, asked_at = $4, updated_at = $4",
        params![certificate, i64::from(reason.code()), false, now],
    )?;
    jobs::enqueue(tx, JobKind::Revoke, certificate.0, due_at.max(now), now)?;
    Ok(())
}

/// Before an issuer is removed: how revocations stand there stays known, and what it is still asked it is not asked any more.
pub(super) fn issuer_removed(tx: &mut Tx<'_>, actor: &Actor, (id, name): (IssuerId, &str), now: i64) -> Result<()> {
    let asked = tx.rows(
        "SELECT acme_revocation.certificate, acme_revocation.failures FROM acme_revocation \
         JOIN acme_certificate ON acme_certificate.certificate = acme_revocation.certificate \
         WHERE acme_certificate.issuer = $1 AND acme_revocation.state = 'asked' ORDER BY acme_revocation.certificate",
        params![id],
        |row| Ok((CertificateId(row.get(0)?), row.get::<i64>(1)?)),
    )?;
    let sentence = "the issuer was removed before it revoked the certificate";
    for (certificate, failures) in asked {
        tx.execute(
            "UPDATE acme_revocation SET state = 'given_up', error = $1, detail = NULL, updated_at = $2 WHERE certificate = $3",
            params![sentence, now, certificate],
        )?;
        // One that runs ends by itself.
        tx.execute("DELETE FROM job WHERE kind = 'revoke' AND object = $1 AND state = 'waiting'", params![certificate])?;
        let payload = json!({
            "class": FailureClass::Rejected.name(), "error": sentence, "detail": null, "failures": failures, "next_try": null,
        });
        append(tx, actor, certificate, names::REVOCATION_FAILED, payload, now)?;
    }
    tx.execute("UPDATE acme_certificate SET issuer = NULL, issuer_name = $1 WHERE issuer = $2", params![name, id])?;
    Ok(())
}

/// Before a certificate is removed.
pub(crate) fn forget(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<()> {
    tx.execute("DELETE FROM acme_revocation WHERE certificate = $1", params![certificate])?;
    tx.execute("DELETE FROM acme_certificate WHERE certificate = $1", params![certificate])?;
    Ok(())
}

/// What the worker needs to ask the issuer.
#[derive(Clone)]
pub struct Work {
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Why it is revoked.
    pub reason: RevocationReason,
    /// Whose account asks.
    pub issuer: IssuerId,
}

/// What is to be asked; `None` when nothing is, any more.
pub fn work(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<Option<Work>> {
    let asked = tx.one(
        "SELECT acme_certificate.issuer, acme_revocation.reason, certificate_body.der FROM acme_revocation \
         JOIN acme_certificate ON acme_certificate.certificate = acme_revocation.certificate \
         JOIN certificate_body ON certificate_body.certificate = acme_revocation.certificate \
         WHERE acme_revocation.certificate = $1 AND acme_revocation.state = 'asked'",
        params![certificate],
        |row| Ok((IssuerId(row.get(0)?), row.get::<i64>(1)?, row.get::<Vec<u8>>(2)?)),
    )?;
    let Some((issuer, reason, der)) = asked else { return Ok(None) };
    let reason = RevocationReason::of(reason).unwrap_or(RevocationReason::Unspecified);
    Ok(Some(Work { der, reason, issuer }))
}

/// Records that the issuer has revoked the certificate, and ends the lease.
pub fn confirmed(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, already: bool, now: i64) -> Result<()> {
    jobs::require_lease(tx, lease)?;
    tx.execute(
        "UPDATE acme_revocation SET state = 'revoked', already = $1, error = NULL, detail = NULL, updated_at = $2 \
         WHERE certificate = $3",
        params![already, now, lease.object],
    )?;
    jobs::finish(tx, lease, now)?;
    append(tx, actor, CertificateId(lease.object), names::REVOCATION_CONFIRMED, json!({ "already": already }), now)
}

/// What follows when asking failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It may work another time.
    Later,
    /// The issuer refuses.
    Refused,
    /// The issuer was not asked, and cannot be.
    Hopeless,
}

/// Why the issuer did not revoke the certificate.
#[derive(Clone, Debug)]
pub struct RevocationFailure {
    /// Whether it is asked again.
    pub outlook: Outlook,
    /// Decides when it is asked again.
    pub class: FailureClass,
    /// One sentence for a human.
    pub sentence: String,
    /// The authority's whole answer, where there is one.
    pub detail: Option<String>,
    /// Not before, unix milliseconds, if the authority said so.
    pub retry_after: Option<i64>,
}

/// Records that asking failed. What the issuer refuses is not asked again by itself, and neither is what has expired meanwhile; else the
/// next try is planned, and the log told only what it has not been told before: an authority may be away for months.
pub fn failed(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, failure: &RevocationFailure, now: i64) -> Result<()> {
    jobs::require_lease(tx, lease)?;
    let sql = "SELECT acme_revocation.failures, acme_revocation.error, certificate.not_after FROM acme_revocation \
               JOIN certificate ON certificate.id = acme_revocation.certificate \
               WHERE acme_revocation.certificate = $1 AND acme_revocation.state = 'asked'";
    let known =
        tx.one(sql, params![lease.object], |row| Ok((row.get::<i64>(0)?, row.get::<Option<String>>(1)?, row.get::<i64>(2)?)))?;
    let Some((failures, told, not_after)) = known else { return jobs::finish(tx, lease, now) };
    let failures = failures + 1;
    let ended = not_after <= now;
    let cut = |text: &str| text.chars().take(limits::ERROR_CHARS).collect::<String>();
    let mut sentence = cut(&failure.sentence);
    if ended && failure.outlook != Outlook::Refused {
        sentence = cut(&format!("it has expired before its issuer revoked it: {}", failure.sentence));
    }
    let detail = failure.detail.as_deref().map(cut);
    let state = match failure.outlook {
        Outlook::Refused => "refused",
        Outlook::Later if !ended => "asked",
        Outlook::Later | Outlook::Hopeless => "given_up",
    };
    let next = (state == "asked").then(|| next_ask(lease.object, failure.class, failures, failure.retry_after, now));
    tx.execute(
        "UPDATE acme_revocation SET state = $1, failures = $2, error = $3, detail = $4, updated_at = $5 WHERE certificate = $6",
        params![state, failures, &sentence, &detail, now, lease.object],
    )?;
    match next {
        Some(next) => jobs::put_off(tx, lease, next, Some(&sentence))?,
        None => jobs::finish(tx, lease, now)?,
    }
    if next.is_some() && told.as_ref() == Some(&sentence) {
        return Ok(());
    }
    let payload = json!({
        "class": failure.class.name(), "error": sentence, "detail": detail, "failures": failures, "next_try": next,
    });
    append(tx, actor, CertificateId(lease.object), names::REVOCATION_FAILED, payload, now)
}

fn append(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, operation: &'static str, mut payload: Json, now: i64) -> Result<()> {
    let found = inventory::find(tx, id)?.ok_or_else(|| Error::damaged(format!("certificate {id} is missing")))?;
    if let Some(at) = at_issuers(tx, &[id])?.remove(&id) {
        payload["issuer"] = json!(at.issuer.0);
        payload["issuer_name"] = at.issuer.1.into();
    }
    events::append(tx, actor, now, NewEvent::new(operation, Object::new("certificate", id.0, found.title()), payload))?;
    Ok(())
}
