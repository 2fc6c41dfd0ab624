//! Revocation lists of private authorities (RFC 5280 section 5): made by a job, before they run out and after each revocation.

use certhold_pki::RevocationList;
use certhold_pki::issue::{RevocationListTemplate, RevocationReason, RevokedEntry, signed};
use certhold_store::{Tx, params};
use serde_json::json;

use super::authority::{self, BACKDATED_MS, Issuing};
use super::sign::{Hands, scheme};
use crate::actor::Actor;
use crate::error::{Error, Fault, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{AuthorityId, CertificateId};
use crate::jobs::{self, JobKind, Lease};
use crate::text;

const DAY_MS: i64 = 86_400_000;

/// Has the list of whoever issued a certificate made anew; says whether a private authority issued it.
pub(crate) fn revocation_changed(tx: &mut Tx<'_>, certificate: CertificateId, now: i64) -> Result<bool> {
    let issuer: Option<i64> =
        tx.one("SELECT private_ca FROM issued_certificate WHERE certificate = $1", params![certificate], |row| row.get(0))?;
    let Some(issuer) = issuer else { return Ok(false) };
    tx.execute("UPDATE private_ca SET changes = changes + 1 WHERE id = $1", params![issuer])?;
    jobs::enqueue(tx, JobKind::RevocationList, issuer, now, now)?;
    Ok(true)
}

/// Enqueues the lists of which half the time has passed.
pub fn enqueue_due(tx: &mut Tx<'_>, now: i64) -> Result<()> {
    let due = tx.rows(
        "SELECT id FROM private_ca WHERE list_until IS NULL OR (list_from + list_until) / 2 <= $1",
        params![now],
        |row| row.get::<i64>(0),
    )?;
    for authority in due {
        jobs::enqueue(tx, JobKind::RevocationList, authority, now, now)?;
    }
    Ok(())
}

/// What the next list says, to be signed outside of transactions.
#[derive(Clone)]
pub struct ListWork {
    issuing: Issuing,
    number: i64,
    tells: i64,
    list_days: i64,
    entries: Vec<RevokedEntry>,
}

/// Gathers what the next list of an authority says; nothing when the authority is gone.
pub fn list_work(tx: &mut Tx<'_>, id: AuthorityId, now: i64) -> Result<Option<ListWork>> {
    let state = tx.one("SELECT list_number, changes, list_days FROM private_ca WHERE id = $1", params![id], |row| {
        Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?))
    })?;
    let Some((number, tells, list_days)) = state else { return Ok(None) };
    let authority = authority::find(tx, id)?;
    let issuing = authority::opened(tx, authority)?;
    // What has ended stays for one more list at least (RFC 5280 section 3.3).
    let ended = now - 2 * list_days * DAY_MS;
    let mut entries = Vec::new();
    let mut damaged = false;
    tx.each(
        "SELECT certificate.serial, certificate.revoked_at, revocation.reason FROM issued_certificate \
         JOIN certificate ON certificate.id = issued_certificate.certificate \
         JOIN revocation ON revocation.certificate = certificate.id \
         WHERE issued_certificate.private_ca = $1 AND certificate.revoked_at IS NOT NULL AND certificate.not_after > $2 \
         ORDER BY issued_certificate.certificate",
        params![id, ended],
        |row| {
            let serial = text::unhex(row.text(0)?);
            damaged |= serial.is_none();
            let reason = RevocationReason::of(row.get(2)?).unwrap_or(RevocationReason::Unspecified);
            entries.push(RevokedEntry { serial: serial.unwrap_or_default(), at: row.get(1)?, reason });
            Ok(())
        },
    )?;
    if damaged {
        return Err(Error::damaged("a serial number is not hexadecimal"));
    }
    Ok(Some(ListWork { issuing, number: number + 1, tells, list_days, entries }))
}

/// A list to be recorded.
#[derive(Clone)]
pub struct SignedList {
    authority: AuthorityId,
    number: i64,
    tells: i64,
    from: i64,
    until: i64,
    entries: usize,
    der: Vec<u8>,
}

impl ListWork {
    /// Signs the list and verifies what was signed.
    pub fn sign(self, hands: Hands<'_>, now: i64) -> Result<SignedList> {
        let (from, until) = (now - BACKDATED_MS, now + self.list_days * DAY_MS);
        let key = hands.open(&self.issuing.key)?;
        let scheme = scheme(&key)?;
        let entries = self.entries.len();
        let template = RevocationListTemplate {
            issuer: self.issuing.subject.clone(),
            this_update: from,
            next_update: until,
            number: u64::try_from(self.number).unwrap_or_default(),
            authority_key_id: self.issuing.key_id()?,
            entries: self.entries,
        };
        let to_be_signed = template.to_be_signed(scheme);
        let der = signed(&to_be_signed, scheme, &hands.signature(&key, &to_be_signed)?);
        let wrong = |why: String| Error::Fault(Fault::Custody(format!("a revocation list that was signed is wrong: {why}")));
        let read = RevocationList::of(&der).map_err(|error| wrong(error.to_string()))?;
        read.verify(self.issuing.certificate()).map_err(|error| wrong(error.to_string()))?;
        Ok(SignedList { authority: self.issuing.id, number: self.number, tells: self.tells, from, until, entries, der })
    }
}

/// Records a list, which stands from now on, and ends the job; or has it made once more when something was revoked meanwhile.
pub fn record_list(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, list: &SignedList, now: i64) -> Result<()> {
    jobs::require_lease(tx, lease)?;
    let moved = tx.execute(
        "UPDATE private_ca SET list = $1, list_number = $2, list_from = $3, list_until = $4, list_tells = $5 \
         WHERE id = $6 AND list_number = $2 - 1",
        params![&list.der, list.number, list.from, list.until, list.tells, list.authority],
    )?;
    if moved > 0 {
        let authority = authority::find(tx, list.authority)?;
        let payload = json!({ "number": list.number, "entries": list.entries, "until": list.until });
        let object = Object::new("authority", list.authority.0, &authority.name);
        events::append(tx, actor, now, NewEvent::new(names::REVOCATION_LIST_PUBLISHED, object, payload))?;
    }
    let changes: Option<i64> =
        tx.one("SELECT changes FROM private_ca WHERE id = $1", params![list.authority], |row| row.get(0))?;
    if changes.is_some_and(|changes| changes > list.tells) {
        return jobs::put_off(tx, lease, now, None);
    }
    jobs::finish(tx, lease, now)
}

/// The list that stands, DER: public, like everything that clients must find.
pub fn published(tx: &mut Tx<'_>, id: AuthorityId) -> Result<Option<Vec<u8>>> {
    let list: Option<Option<Vec<u8>>> = tx.one("SELECT list FROM private_ca WHERE id = $1", params![id], |row| row.get(0))?;
    match list {
        Some(None) => Err(Refusal::Conflict("the first revocation list is being made".into()).into()),
        other => Ok(other.flatten()),
    }
}
