//! Revocation as the inventory knows it.
//!
//! What a private authority issued is revoked on its next list. What was obtained through an ACME issuer of ours, that issuer is asked to
//! revoke. For any other certificate, recording that it is revoked revokes it nowhere else: what its issuer publishes is the issuer's.
//! The event says which of these it is.

use std::collections::{BTreeSet, HashMap};

pub use certhold_pki::issue::RevocationReason;
use certhold_store::{Tx, params};
use serde_json::{Value as Json, json};

use super::certificate;
use super::whole::among;
use crate::access::paths;
use crate::actor::Actor;
use crate::collections::{self, Moved, Scope};
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::CertificateId;
use crate::jobs::{self, JobKind};
use crate::query::{self, FieldId};
use crate::renewal::revocation::{self, AtIssuer, Standing};
use crate::{limits, private_ca, text};

/// What is known of a revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// From when on, unix milliseconds.
    pub effective_at: i64,
    /// Why.
    pub reason: RevocationReason,
    /// What whoever recorded it said.
    pub comment: String,
}

/// Record that certificates are revoked.
#[derive(Clone, Debug)]
pub struct Revoke {
    /// Which; all or none.
    pub certificates: Vec<CertificateId>,
    /// The revocation.
    pub revocation: Revocation,
}

/// Refuses what [`revoke`] would refuse of these certificates as they are now, and writes nothing: for whoever revokes many in pieces, of
/// which a later one should not be refused for what could be known before the first.
pub fn foresee_revocation(tx: &mut Tx<'_>, actor: &Actor, command: &Revoke, scope: Scope) -> Result<()> {
    let wanted = wanted(command)?;
    let mut moves = Moves::default();
    command.certificates.iter().try_for_each(|id| decide(tx, actor, *id, &wanted, scope, &mut moves).map(drop))
}

/// Records that certificates are revoked, and has their issuers asked: all of them, or none. One that is revoked already keeps what is
/// known of its revocation, unless it was on hold; if its issuer has not revoked it, it is asked once more, or at once if it waits.
pub fn revoke(tx: &mut Tx<'_>, actor: &Actor, command: &Revoke, scope: Scope, now: i64) -> Result<()> {
    let wanted = wanted(command)?;
    let mut moves = Moves::default();
    for id in &command.certificates {
        let Decided { title, before, at, step } = decide(tx, actor, *id, &wanted, scope, &mut moves)?;
        let after = match (step, &at) {
            (Step::AskAgain(again), Some(at)) => {
                ask_again(tx, actor, (*id, &title), at, &again, scope, now)?;
                continue;
            }
            (Step::Revoke(after), _) => after,
            (Step::Nothing | Step::AskAgain(_), _) => continue,
        };
        tx.execute("UPDATE certificate SET revoked_at = $1 WHERE id = $2", params![after.effective_at, *id])?;
        tx.execute(
            "INSERT INTO revocation (certificate, reason, comment, recorded_at, revoker, revoker_folded) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (certificate) DO UPDATE SET reason = $2, comment = $3, recorded_at = $4, revoker = $5, revoker_folded = $6",
            params![*id, i64::from(after.reason.code()), &after.comment, now, &actor.name, query::fold(&actor.name)],
        )?;
        if let Some(at) = &at {
            revocation::ask(tx, *id, at, after.reason, after.effective_at, now)?;
        }
        let told = (before.as_ref(), Some(&after), at.as_ref());
        record(tx, actor, names::CERTIFICATE_REVOKED, (*id, &title), told, scope, now)?;
    }
    Ok(())
}

/// What becomes of one certificate that is to be revoked.
struct Decided {
    title: String,
    /// What is known of its revocation.
    before: Option<Revocation>,
    /// The ACME issuer of ours that it was obtained through.
    at: Option<AtIssuer>,
    step: Step,
}

enum Step {
    Nothing,
    /// It is revoked already; its issuer is asked with this.
    AskAgain(Revocation),
    Revoke(Revocation),
}

fn wanted(command: &Revoke) -> Result<Revocation> {
    let comment = checked_comment(&command.revocation.comment)?;
    named(&command.certificates)?;
    Ok(Revocation { comment, ..command.revocation.clone() })
}

/// Everything that revoking needs of rights and facts.
fn decide(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: CertificateId,
    wanted: &Revocation,
    scope: Scope,
    moves: &mut Moves,
) -> Result<Decided> {
    collections::require(tx, actor, paths::CERTIFICATES_REVOKE, id, scope)?;
    let found = certificate::find(tx, id)?.ok_or_else(|| Refusal::not_found("certificate", id))?;
    let before = of(tx, &[id])?.remove(&id);
    let at = revocation::at_issuers(tx, &[id])?.remove(&id).filter(|at| at.issuer.0.is_some());
    let step = match &before {
        Some(before) if before.reason != RevocationReason::CertificateHold => {
            Step::AskAgain(Revocation { effective_at: before.effective_at, ..wanted.clone() })
        }
        Some(before) if before == wanted => Step::Nothing,
        _ => Step::Revoke(wanted.clone()),
    };
    if matches!(step, Step::Revoke(_)) {
        moves.require(tx, actor, (id, before.is_some()), Some(&actor.name))?;
    }
    let is_asked = |at: &&AtIssuer| match step {
        Step::Nothing => false,
        Step::AskAgain(_) => at.may_be_asked(),
        Step::Revoke(_) => true,
    };
    if let Some(at) = at.as_ref().filter(is_asked) {
        revocation::require_reason(id, at, wanted.reason)?;
    }
    Ok(Decided { title: found.title().to_owned(), before, at, step })
}

/// Refuses what [`release`] would refuse of these certificates as they are now, and writes nothing.
pub fn foresee_release(tx: &mut Tx<'_>, actor: &Actor, ids: &[CertificateId], comment: &str, scope: Scope) -> Result<()> {
    checked_comment(comment)?;
    named(ids)?;
    let mut moves = Moves::default();
    ids.iter().try_for_each(|id| on_hold(tx, actor, *id, scope, &mut moves).map(drop))
}

/// Records that a hold has ended. Any other revocation is final.
pub fn release(tx: &mut Tx<'_>, actor: &Actor, ids: &[CertificateId], comment: &str, scope: Scope, now: i64) -> Result<()> {
    checked_comment(comment)?;
    named(ids)?;
    let mut moves = Moves::default();
    for id in ids {
        let (title, before) = on_hold(tx, actor, *id, scope, &mut moves)?;
        forget_recorded(tx, *id)?;
        tx.execute("UPDATE certificate SET revoked_at = $1 WHERE id = $2", params![None::<i64>, *id])?;
        record(tx, actor, names::CERTIFICATE_RELEASED, (*id, &title), (Some(&before), None, None), scope, now)?;
    }
    Ok(())
}

/// What a certificate is called that is on hold and that the actor may release, and its revocation.
fn on_hold(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope, moves: &mut Moves) -> Result<(String, Revocation)> {
    collections::require(tx, actor, paths::CERTIFICATES_REVOKE, id, scope)?;
    let found = certificate::find(tx, id)?.ok_or_else(|| Refusal::not_found("certificate", id))?;
    let before = of(tx, &[id])?.remove(&id);
    let Some(before) = before.filter(|before| before.reason == RevocationReason::CertificateHold) else {
        return Err(Refusal::Conflict(format!("certificate {id} is not on hold, and only a hold is taken back")).into());
    };
    moves.require(tx, actor, (id, true), None)?;
    Ok((found.title().to_owned(), before))
}

/// Whether the actor may change the collections that look at who revoked certificates: asked once for each name that this was before.
#[derive(Default)]
struct Moves {
    asked: BTreeSet<Option<String>>,
}

impl Moves {
    /// Refuses unless the actor may let somebody else, or nobody, be the one who revoked a certificate.
    fn require(
        &mut self,
        tx: &mut Tx<'_>,
        actor: &Actor,
        (id, is_revoked): (CertificateId, bool),
        after: Option<&str>,
    ) -> Result<()> {
        let before: Option<String> = match is_revoked {
            true => tx.one("SELECT revoker FROM revocation WHERE certificate = $1", params![id], |row| row.get(0))?.flatten(),
            false => None,
        };
        if !self.asked.contains(&before) {
            let moved = Moved { field: FieldId::Revoker, before: before.as_deref(), after };
            collections::require_may_move(tx, actor, &[moved])?;
            self.asked.insert(before);
        }
        Ok(())
    }
}

/// Has an issuer asked once more that has not revoked; and at once where it is to be asked later. What it is told then stays.
fn ask_again(
    tx: &mut Tx<'_>,
    actor: &Actor,
    (id, title): (CertificateId, &str),
    at: &AtIssuer,
    again: &Revocation,
    scope: Scope,
    now: i64,
) -> Result<()> {
    let due_at = again.effective_at.max(now);
    let reason = match at.standing {
        Standing::Asked { next_try: Some(next), .. } if next > due_at => {
            jobs::enqueue(tx, JobKind::Revoke, id.0, due_at, now)?;
            at.reason.unwrap_or(again.reason)
        }
        _ if at.may_be_asked() => {
            revocation::ask(tx, id, at, again.reason, due_at, now)?;
            again.reason
        }
        _ => return Ok(()),
    };
    let mut payload =
        json!({ "reason": reason.code(), "comment": again.comment, "issuer": at.issuer.0, "issuer_name": at.issuer.1 });
    scope.tell(&mut payload);
    events::append(tx, actor, now, NewEvent::new(names::REVOCATION_REQUESTED, Object::new("certificate", id.0, title), payload))?;
    Ok(())
}

fn record(
    tx: &mut Tx<'_>,
    actor: &Actor,
    operation: &'static str,
    (id, title): (CertificateId, &str),
    (before, after, at): (Option<&Revocation>, Option<&Revocation>, Option<&AtIssuer>),
    scope: Scope,
    now: i64,
) -> Result<()> {
    let told = |revocation: Option<&Revocation>| {
        revocation.map_or(Json::Null, |revocation| {
            json!({ "reason": revocation.reason.code(), "effective_at": revocation.effective_at, "comment": revocation.comment })
        })
    };
    // A private authority puts it on its list; an ACME issuer of ours is asked; any other has been told by nobody.
    let at_issuer = private_ca::revocation_changed(tx, id, now)?;
    let mut payload = json!({ "before": told(before), "after": told(after), "at_issuer": at_issuer });
    if let Some(at) = at {
        payload["issuer"] = json!(at.issuer.0);
        payload["issuer_name"] = at.issuer.1.as_str().into();
    }
    scope.tell(&mut payload);
    events::append(tx, actor, now, NewEvent::new(operation, Object::new("certificate", id.0, title), payload))?;
    Ok(())
}

fn named(ids: &[CertificateId]) -> Result<(), Refusal> {
    match ids.len() {
        0 => Err(Refusal::invalid("certificates", "name at least one certificate")),
        1..=limits::PAGE_ROWS => Ok(()),
        _ => Err(Refusal::TooLarge(format!("at most {} certificates are named at once", limits::PAGE_ROWS))),
    }
}

fn checked_comment(comment: &str) -> Result<String, Refusal> {
    let comment = comment.trim().replace(['\r', '\n'], " ");
    if comment.is_empty() {
        return Err(Refusal::invalid("comment", "say why; the comment stays in the event log"));
    }
    text::line("comment", &comment, limits::REASON_CHARS)?;
    Ok(comment)
}

/// Who recorded that a certificate is revoked, by their name at that moment, where that is known.
pub fn revoker(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope) -> Result<Option<String>> {
    collections::require(tx, actor, paths::CERTIFICATES_READ, id, scope)?;
    Ok(tx.one("SELECT revoker FROM revocation WHERE certificate = $1", params![id], |row| row.get(0))?.flatten())
}

/// What is known of the revocations of these certificates.
pub(super) fn of(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<HashMap<CertificateId, Revocation>> {
    let (places, values) = among(ids);
    let sql = format!(
        "SELECT revocation.certificate, certificate.revoked_at, revocation.reason, revocation.comment FROM revocation \
         JOIN certificate ON certificate.id = revocation.certificate WHERE revocation.certificate IN ({places})"
    );
    let read = |row: &certhold_store::Row<'_>| {
        let reason = RevocationReason::of(row.get(2)?).unwrap_or(RevocationReason::Unspecified);
        let effective_at = row.get::<Option<i64>>(1)?.unwrap_or_default();
        Ok((CertificateId(row.get(0)?), Revocation { effective_at, reason, comment: row.get(3)? }))
    };
    Ok(tx.rows(&sql, &values, read)?.into_iter().collect())
}

/// Before a certificate is removed.
pub(super) fn forget(tx: &mut Tx<'_>, id: CertificateId) -> Result<()> {
    revocation::forget(tx, id)?;
    forget_recorded(tx, id)
}

fn forget_recorded(tx: &mut Tx<'_>, id: CertificateId) -> Result<()> {
    tx.execute("DELETE FROM revocation WHERE certificate = $1", params![id])?;
    Ok(())
}
