//! Bringing certificates in under a name, and giving a name its next version.

use certhold_pki::Facts;
use certhold_store::{Tx, params};
use serde_json::json;

use super::assign;
use super::entry::{self, Kind, Named};
use crate::actor::Actor;
use crate::custody::{self, SealedKey, find_by_spki};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, NamedId};
use crate::inventory::{self, Candidate};
use crate::limits;
use crate::renewal::managed;
use crate::text;

/// A certificate for an entry, with the path above it and, for an identity, its key: read and sealed outside the transaction.
#[derive(Clone)]
pub struct Entry {
    certificate: Candidate,
    chain: Vec<Candidate>,
    key: Option<SealedKey>,
}

impl Entry {
    /// Describes the certificate and its path, the issuer first. `key` is the certificate's own; without one, an identity's key
    /// must be in custody already, and be one that the importer had made or that the identity has had.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] when the certificate cannot be under a name.
    pub fn of(certificate: &[u8], chain: &[Vec<u8>], key: Option<SealedKey>) -> Result<Entry, Refusal> {
        let described = |der: &[u8]| {
            let facts = Facts::of(der).map_err(|error| Refusal::invalid("certificate", error.to_string()))?;
            if facts.issuer.is_empty() {
                let why = "the certificate names no issuer, which RFC 5280 section 4.1.2.4 demands";
                return Err(Refusal::invalid("certificate", why));
            }
            Ok(Candidate::from_facts(der, &facts))
        };
        let certificate = described(certificate)?;
        if key.as_ref().is_some_and(|key| key.spki_sha256 != *certificate.spki_sha256()) {
            return Err(Refusal::invalid("certificate", "the private key is another certificate's"));
        }
        let chain = chain.iter().map(|der| described(der)).collect::<Result<Vec<_>, _>>()?;
        Ok(Entry { certificate, chain, key })
    }

    /// The certificate and those above it, DER.
    pub(super) fn ders(&self) -> (Vec<u8>, Vec<Vec<u8>>) {
        (self.certificate.der().to_vec(), self.chain.iter().map(|above| above.der().to_vec()).collect())
    }

    pub(super) fn key(&self) -> Option<&SealedKey> {
        self.key.as_ref()
    }

    pub(super) fn facts(&self) -> Result<Facts, Refusal> {
        Facts::of(self.certificate.der()).map_err(|error| Refusal::invalid("certificate", error.to_string()))
    }

    pub(super) fn spki_sha256(&self) -> &[u8; 32] {
        self.certificate.spki_sha256()
    }
}

/// Bring a certificate in under a new name.
#[derive(Clone)]
pub struct NewEntry {
    /// A fresh identifier: [`super::handle`].
    pub handle: String,
    /// What kind.
    pub kind: Kind,
    /// The name; it is kept as it is.
    pub name: String,
    /// The certificate.
    pub entry: Entry,
    /// Where it comes from, for people.
    pub source: &'static str,
}

/// Let a name stand for another certificate from now on.
#[derive(Clone)]
pub struct NewVersion {
    /// The entry's identifier; identities only.
    pub handle: String,
    /// The certificate.
    pub entry: Entry,
    /// Where it comes from, for people.
    pub source: &'static str,
}

/// Names are kept as they are given, so what would be trimmed away is refused.
fn checked_name(name: &str) -> Result<(), Refusal> {
    if text::name("name", name)? != name {
        return Err(Refusal::invalid("name", "remove the white space at its beginning or end"));
    }
    Ok(())
}

/// Brings a certificate in under a new name: it enters the inventory, with its path, and its key comes into custody. The right over
/// entries is enough.
pub fn import(tx: &mut Tx<'_>, actor: &Actor, new: &NewEntry, now: i64) -> Result<NamedId> {
    entry::require_modify(tx, actor)?;
    checked_name(&new.name)?;
    if let Some(taken) = entry::find_by_name(tx, new.kind, &new.name)? {
        let why = format!("there is a certificate named {:?} already: choose another name, or replace that one", taken.name);
        return Err(Refusal::Conflict(why).into());
    }
    let count: i64 = tx
        .one("SELECT count(*) FROM named_certificate WHERE kind = $1", params![new.kind.name()], |row| row.get(0))?
        .unwrap_or(0);
    if count >= limits::NAMED {
        return Err(Refusal::Conflict(format!("there are {count} entries already: delete some first")).into());
    }
    let certificate = take_in(tx, actor, &new.entry, new.source, now)?;
    if new.kind == Kind::Identity {
        require_key(tx, actor, None, &new.entry)?;
    }
    let id: Option<i64> = tx.one(
        "INSERT INTO named_certificate (handle, kind, name, folded, certificate, version, created_at, changed_at) \
         VALUES ($1, $2, $3, $4, $5, 1, $6, $6) RETURNING id",
        params![&new.handle, new.kind.name(), &new.name, text::fold(&new.name), certificate, now],
        |row| row.get(0),
    )?;
    let id = NamedId(id.ok_or_else(|| Error::damaged("an entry got no id"))?);
    put_version(tx, id, 1, certificate, now)?;
    let payload = json!({ "after": {
        "kind": new.kind.name(), "handle": new.handle, "certificate": certificate, "version": 1,
        "sha256": text::hex(new.entry.certificate.sha256()),
    }});
    let object = Object::new("named_certificate", id.0, &new.name);
    events::append(tx, actor, now, NewEvent::new(names::NAMED_IMPORTED, object, payload))?;
    Ok(id)
}

/// Lets the name of an identity stand for another certificate: its next version. The one before stays in the inventory. Where the
/// identity is assigned, the new certificate must be fit for it.
pub fn replace(tx: &mut Tx<'_>, actor: &Actor, new: &NewVersion, now: i64) -> Result<NamedId> {
    entry::require_modify(tx, actor)?;
    let known = entry::find(tx, Kind::Identity, &new.handle)?;
    if known.sha256 == *new.entry.certificate.sha256() {
        return complete_path(tx, actor, &known, new, now);
    }
    if let Some(lineage) = known.lineage
        && !managed::find(tx, lineage)?.paused
    {
        let why = format!("{:?} is renewed by itself: pause its renewal first, or import under another name", known.name);
        return Err(Refusal::Conflict(why).into());
    }
    let certificate = take_in(tx, actor, &new.entry, new.source, now)?;
    require_key(tx, actor, Some(&known), &new.entry)?;
    assign::require_fit_where_assigned(tx, &known, certificate, now)?;
    stand_for(tx, actor, &known, certificate, now)?;
    Ok(known.id)
}

/// The very certificate that a name stands for is brought again: for the sake of the path above it.
fn complete_path(tx: &mut Tx<'_>, actor: &Actor, known: &Named, new: &NewVersion, now: i64) -> Result<NamedId> {
    if !inventory::link_chain(tx, actor, known.certificate, &new.entry.chain, now)? {
        let why = format!("{:?} stands for this very certificate already, with this path above it, or a longer one", known.name);
        return Err(Refusal::Conflict(why).into());
    }
    tell_of_path(tx, actor, known.certificate, new.entry.chain.len(), now)?;
    Ok(known.id)
}

/// Records for every name that stands for a certificate that the path above it is another one now.
fn tell_of_path(tx: &mut Tx<'_>, actor: &Actor, certificate: CertificateId, above: usize, now: i64) -> Result<()> {
    let sql = format!("{} WHERE named_certificate.certificate = $1 ORDER BY named_certificate.id", entry::SELECT);
    for known in tx.rows(&sql, params![certificate], entry::read)? {
        let payload = json!({ "certificate": certificate, "certificates_above": above });
        let object = Object::new("named_certificate", known.id.0, &known.name);
        events::append(tx, actor, now, NewEvent::new(names::NAMED_PATH, object, payload))?;
    }
    Ok(())
}

/// Keeps the certificate, its path and its key.
fn take_in(tx: &mut Tx<'_>, actor: &Actor, entry: &Entry, source: &str, now: i64) -> Result<CertificateId> {
    custody::require_may_bring(tx, actor, entry.key.iter())?;
    let taken = inventory::take_in(tx, actor, &[&entry.certificate], source, now)?;
    let id = *taken.first().ok_or_else(|| Error::damaged("a certificate is neither new nor held"))?;
    custody::answer_key_requests(tx, actor, &[(id, entry.certificate.spki_sha256())])?;
    if inventory::link_chain(tx, actor, id, &entry.chain, now)? {
        tell_of_path(tx, actor, id, entry.chain.len(), now)?;
    }
    if let Some(key) = &entry.key {
        inventory::take_key(tx, actor, entry.certificate.title(), id, key, now)?;
    }
    Ok(id)
}

/// Refuses an identity, which may be known already, without its private key: beside the certificate, or in custody as one's own.
fn require_key(tx: &mut Tx<'_>, actor: &Actor, known: Option<&Named>, entry: &Entry) -> Result<()> {
    match entry.key {
        Some(_) => Ok(()),
        None => require_own_key(tx, actor, known, entry.certificate.spki_sha256()),
    }
}

/// Anybody can make a certificate for a public key that they have seen. Without the private key beside it, it must be one that the
/// actor had made for a signing request, or that the identity has had before: no identity gets the key of somebody else's certificate.
pub(super) fn require_own_key(tx: &mut Tx<'_>, actor: &Actor, known: Option<&Named>, spki_sha256: &[u8; 32]) -> Result<()> {
    let had: Option<i64> = tx.one(
        "SELECT 1 FROM named_version JOIN certificate ON certificate.id = named_version.certificate \
         WHERE named_version.named = $1 AND certificate.spki_sha256 = $2 LIMIT 1",
        params![known.map_or(0, |known| known.id.0), spki_sha256],
        |row| row.get(0),
    )?;
    let is_own = had.is_some() || custody::is_requested(tx, actor, spki_sha256)?;
    if is_own && find_by_spki(tx, spki_sha256)?.is_some() {
        return Ok(());
    }
    let why = "its private key was not made for a signing request of yours: import it together with its key as PKCS#12, or make a \
               signing request here and have that one signed";
    Err(Refusal::invalid("certificate", why).into())
}

fn put_version(tx: &mut Tx<'_>, id: NamedId, version: i64, certificate: CertificateId, now: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO named_version (named, version, certificate, since) VALUES ($1, $2, $3, $4)",
        params![id, version, certificate, now],
    )?;
    Ok(())
}

/// Writes the next version of an entry, with its event.
pub(super) fn stand_for(tx: &mut Tx<'_>, actor: &Actor, known: &Named, certificate: CertificateId, now: i64) -> Result<()> {
    let version = known.version + 1;
    tx.execute(
        "UPDATE named_certificate SET certificate = $1, version = $2, changed_at = $3 WHERE id = $4",
        params![certificate, version, now, known.id],
    )?;
    put_version(tx, known.id, version, certificate, now)?;
    let payload = json!({
        "before": { "certificate": known.certificate, "version": known.version },
        "after": { "certificate": certificate, "version": version },
    });
    let object = Object::new("named_certificate", known.id.0, &known.name);
    events::append(tx, actor, now, NewEvent::new(names::NAMED_REPLACED, object, payload))?;
    Ok(())
}
