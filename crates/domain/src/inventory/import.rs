//! Putting certificates into the inventory: idempotent, in chunks, each item with its outcome.

use std::collections::HashMap;

use certhold_pki::{AltNameKind, Facts, NotACertificate, reverse_labels};
use certhold_store::{Tx, Value, params};
use serde_json::{Value as Json, json};

use crate::access::{self, paths};
use crate::actor::Actor;
use crate::custody::{self, Origin, SealedKey};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, RoleId};
use crate::limits;
use crate::ownership;
use crate::text;

/// A certificate ready to be kept: its bytes and the facts that are indexed, derived outside the transaction.
#[derive(Clone, Debug)]
pub struct Candidate {
    der: Vec<u8>,
    sha256: [u8; 32],
    serial: String,
    subject: String,
    common_name: Option<String>,
    issuer: String,
    names_json: String,
    title: String,
    reversed: Vec<String>,
    not_before: i64,
    not_after: i64,
    key_algorithm: String,
    key_bits: Option<i64>,
    is_ca: bool,
    spki_sha256: [u8; 32],
    search: String,
}

impl Candidate {
    /// Describes a certificate for the inventory.
    pub fn of(der: &[u8]) -> Result<Candidate, NotACertificate> {
        Facts::of(der).map(|facts| Candidate::from_facts(der, &facts))
    }

    /// The same when the facts are at hand.
    pub fn from_facts(der: &[u8], facts: &Facts) -> Candidate {
        let names: Vec<&str> = facts.names.iter().map(|name| name.value.as_str()).collect();
        let dns = facts.names.iter().filter(|name| name.kind == AltNameKind::Dns).map(|name| name.value.as_str());
        let common_name = facts.common_name.as_deref().filter(|name| certhold_pki::normalise_dns_name(name).is_ok());
        let mut reversed: Vec<String> = dns.chain(common_name).map(index_form).collect();
        reversed.sort_unstable();
        reversed.dedup();
        // RFC 4514 escapes some characters of the common name: people search for it as it reads.
        let escaped = facts.common_name.as_deref().filter(|name| !facts.subject.contains(name));
        let search = [facts.subject.as_str(), escaped.unwrap_or(""), &names.join(" "), &facts.serial, &facts.issuer];
        let search = search.join(" ").to_lowercase();
        let title = facts.common_name.as_deref().or(names.first().copied()).unwrap_or(&facts.subject);
        Candidate {
            der: der.to_vec(),
            sha256: facts.sha256,
            serial: facts.serial.clone(),
            title: without_nul(title),
            subject: without_nul(&facts.subject),
            common_name: facts.common_name.as_deref().map(without_nul),
            issuer: without_nul(&facts.issuer),
            names_json: serde_json::to_string(&names.iter().map(|name| without_nul(name)).collect::<Vec<_>>())
                .unwrap_or_else(|_| "[]".into()),
            reversed,
            not_before: facts.not_before,
            not_after: facts.not_after,
            key_algorithm: facts.key_algorithm.clone(),
            key_bits: facts.key_bits.map(i64::from),
            is_ca: facts.is_ca,
            spki_sha256: facts.spki_sha256,
            search: without_nul(&search),
        }
    }

    fn require_size(&self) -> Result<(), Refusal> {
        let (size, limit) = (self.der.len(), limits::CERTIFICATE_BYTES);
        let message = || format!("a certificate of {size} bytes is larger than the limit of {limit}");
        if size > limit { Err(Refusal::TooLarge(message())) } else { Ok(()) }
    }

    fn row<'a>(&'a self, id: CertificateId, owner: Option<RoleId>, source: &'a str, now: i64) -> [Value<'a>; 18] {
        [
            id.into(),
            (&self.sha256).into(),
            (&self.der).into(),
            (&self.serial).into(),
            (&self.subject).into(),
            (&self.common_name).into(),
            (&self.issuer).into(),
            (&self.names_json).into(),
            self.not_before.into(),
            self.not_after.into(),
            (&self.key_algorithm).into(),
            self.key_bits.into(),
            self.is_ca.into(),
            (&self.spki_sha256).into(),
            owner.into(),
            source.into(),
            now.into(),
            (&self.search).into(),
        ]
    }

    /// The names under which it is indexed.
    pub(super) fn into_reversed(self) -> Vec<String> {
        self.reversed
    }

    pub(crate) fn spki_sha256(&self) -> &[u8; 32] {
        &self.spki_sha256
    }

    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    pub(crate) fn not_before(&self) -> i64 {
        self.not_before
    }

    pub(crate) fn not_after(&self) -> i64 {
        self.not_after
    }

    /// SHA-256 of its DER bytes.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }
}

/// The indexed form of a DNS name: labels reversed, a closing dot; NUL and case folded away.
fn index_form(name: &str) -> String {
    let mut reversed = reverse_labels(&without_nul(name).to_lowercase());
    reversed.push('.');
    reversed
}

/// PostgreSQL keeps no NUL in text; the DER keeps it, and searching for it is nobody's business.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// What came of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// New in the inventory.
    Imported(CertificateId),
    /// Held already; nothing changed.
    AlreadyHeld(CertificateId),
}

/// One item of an import's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportItem {
    /// What came of the certificate.
    pub outcome: Outcome,
    /// Whether a private key came into custody with it.
    pub key_taken: bool,
}

/// Certificates and keys to be put into the inventory in one transaction.
#[derive(Clone)]
pub struct ImportBatch {
    /// At most [`limits::IMPORT_CHUNK`].
    pub certificates: Vec<Candidate>,
    /// Keys for any of them.
    pub keys: Vec<SealedKey>,
    /// The owner role of new certificates.
    pub owner: Option<RoleId>,
    /// Where they come from, for people: "upload", "certhold import" …
    pub source: String,
}

/// Imports a batch: each certificate is new or held already; keys are kept where a certificate of the batch has their public
/// key. Needs the import right, with keys also the right to put keys into custody, with an owner the right to hand to that role.
pub fn import(tx: &mut Tx<'_>, actor: &Actor, batch: &ImportBatch, now: i64) -> Result<Vec<ImportItem>> {
    access::require_path(tx, actor, paths::CERTIFICATES_IMPORT)?;
    if !batch.keys.is_empty() {
        access::require_path(tx, actor, paths::PRIVATE_KEY_IMPORT)?;
    }
    if batch.certificates.len() > limits::IMPORT_CHUNK {
        return Err(Refusal::TooLarge(format!("at most {} certificates go into one transaction", limits::IMPORT_CHUNK)).into());
    }
    if let Some(owner) = batch.owner {
        ownership::require_may_hand_to(tx, actor, owner)?;
    }
    text::line("source", &batch.source, limits::NAME_CHARS)?;
    let candidates: Vec<&Candidate> = batch.certificates.iter().collect();
    let kept = insert_many(tx, &candidates, batch.owner, &batch.source, now)?;
    record_imported(tx, actor, &candidates, &kept, &json!({ "source": batch.source, "owner_role": batch.owner }), now)?;
    let mut items = Vec::with_capacity(kept.len());
    for (candidate, (id, new)) in candidates.into_iter().zip(kept) {
        let key = batch.keys.iter().find(|key| key.spki_sha256 == candidate.spki_sha256);
        let key_taken = match key {
            Some(key) => take_key(tx, actor, &candidate.title, id, key, now)?,
            None => false,
        };
        let outcome = if new { Outcome::Imported(id) } else { Outcome::AlreadyHeld(id) };
        items.push(ImportItem { outcome, key_taken });
    }
    Ok(items)
}

/// An event for each certificate that is new, with its digest beside the given details.
fn record_imported(
    tx: &mut Tx<'_>,
    actor: &Actor,
    candidates: &[&Candidate],
    kept: &[(CertificateId, bool)],
    details: &Json,
    now: i64,
) -> Result<()> {
    let new = candidates.iter().zip(kept).filter(|(_, (_, new))| *new);
    let events: Vec<NewEvent<'_>> = new
        .map(|(candidate, (id, _))| {
            let mut payload = details.clone();
            payload["sha256"] = text::hex(&candidate.sha256).into();
            NewEvent::new(names::CERTIFICATE_IMPORTED, Object::new("certificate", id.0, &candidate.title), payload)
        })
        .collect();
    events::append_many(tx, actor, now, &events)?;
    Ok(())
}

/// A private key that was brought by itself and found its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyItem {
    /// The newest certificate of the inventory that has its public key.
    pub certificate: CertificateId,
    /// What people call that certificate.
    pub title: String,
    /// Begin of its validity, unix milliseconds.
    pub not_before: i64,
    /// End of its validity, unix milliseconds.
    pub not_after: i64,
    /// Whether the key came into custody now; it was there already otherwise.
    pub taken: bool,
}

/// Puts keys into custody whose certificates are in the inventory, whichever file or import brought those; `None` for a key
/// without one, which is not kept. At most [`limits::IMPORT_CHUNK`]; needs the right to put keys into custody.
pub fn import_keys(tx: &mut Tx<'_>, actor: &Actor, keys: &[SealedKey], now: i64) -> Result<Vec<Option<KeyItem>>> {
    access::require_path(tx, actor, paths::PRIVATE_KEY_IMPORT)?;
    if keys.len() > limits::IMPORT_CHUNK {
        return Err(Refusal::TooLarge(format!("at most {} keys go into one transaction", limits::IMPORT_CHUNK)).into());
    }
    keys.iter().map(|key| import_key(tx, actor, key, now)).collect()
}

fn import_key(tx: &mut Tx<'_>, actor: &Actor, key: &SealedKey, now: i64) -> Result<Option<KeyItem>> {
    let newest = tx.one(
        "SELECT id, common_name, subject, serial, not_before, not_after FROM certificate WHERE spki_sha256 = $1 ORDER BY id DESC LIMIT 1",
        params![&key.spki_sha256],
        |row| {
            let (subject, serial): (String, String) = (row.get(2)?, row.get(3)?);
            let title = row.get::<Option<String>>(1)?.unwrap_or(if subject.is_empty() { serial } else { subject });
            let certificate = CertificateId(row.get(0)?);
            Ok(KeyItem { certificate, title, not_before: row.get(4)?, not_after: row.get(5)?, taken: false })
        },
    )?;
    let Some(item) = newest else { return Ok(None) };
    let taken = take_key(tx, actor, &item.title, item.certificate, key, now)?;
    Ok(Some(KeyItem { taken, ..item }))
}

fn take_key(tx: &mut Tx<'_>, actor: &Actor, title: &str, id: CertificateId, key: &SealedKey, now: i64) -> Result<bool> {
    let (key_id, new) = custody::put_private_key(tx, key, Origin::Imported, now)?;
    if new {
        let payload = json!({ "private_key": key_id, "algorithm": key.algorithm, "bits": key.bits });
        let object = Object::new("certificate", id.0, title);
        events::append(tx, actor, now, NewEvent::new(names::PRIVATE_KEY_IMPORTED, object, payload))?;
    }
    Ok(new)
}

/// Adds to the maintained number of certificates.
pub(crate) fn count_added(tx: &mut Tx<'_>, added: i64) -> Result<()> {
    tx.execute("UPDATE counter SET value = value + $1 WHERE name = 'certificates'", params![added])?;
    Ok(())
}

/// Keeps a certificate unless it is held already; says whether it is new. The caller records the event.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    candidate: &Candidate,
    owner: Option<RoleId>,
    source: &str,
    now: i64,
) -> Result<(CertificateId, bool)> {
    let kept = insert_many(tx, &[candidate], owner, source, now)?;
    kept.first().copied().ok_or_else(|| Error::damaged("a certificate is neither new nor held"))
}

/// Keeps those certificates that are not held yet; says of each which it is and whether it is new.
///
/// It looks before it inserts, and numbers the new ones itself: an `INSERT … ON CONFLICT … RETURNING` makes SQLite keep a copy
/// of every page it touches, for the case that the statement fails half-way, which doubles the time of an import.
fn insert_many(
    tx: &mut Tx<'_>,
    candidates: &[&Candidate],
    owner: Option<RoleId>,
    source: &str,
    now: i64,
) -> Result<Vec<(CertificateId, bool)>> {
    for candidate in candidates {
        candidate.require_size()?;
    }
    let digests: Vec<[Value<'_>; 1]> = candidates.iter().map(|candidate| [(&candidate.sha256).into()]).collect();
    let held = tx.one_of_each("SELECT id FROM certificate WHERE sha256 = $1", &digests, |row| row.get::<i64>(0))?;
    let last: Option<i64> = tx.one("SELECT value FROM counter WHERE name = 'last_certificate'", params![], |row| row.get(0))?;
    let before = last.ok_or_else(|| Error::damaged("the counter 'last_certificate' is missing"))?;

    let mut last = before;
    let mut new: HashMap<&[u8; 32], CertificateId> = HashMap::new();
    let mut kept = Vec::with_capacity(candidates.len());
    let (mut certificates, mut names) = (Vec::new(), Vec::new());
    for (candidate, held) in candidates.iter().zip(held) {
        if let Some(held) = held.map(CertificateId).or_else(|| new.get(&candidate.sha256).copied()) {
            kept.push((held, false));
            continue;
        }
        last += 1;
        let id = CertificateId(last);
        new.insert(&candidate.sha256, id);
        kept.push((id, true));
        certificates.push(candidate.row(id, owner, source, now));
        names.extend(candidate.reversed.iter().map(|name| [Value::from(name), id.into()]));
    }
    if certificates.is_empty() {
        return Ok(kept);
    }
    tx.execute("UPDATE counter SET value = $1 WHERE name = 'last_certificate'", params![last])?;
    count_added(tx, last - before)?;
    tx.execute_many(
        "INSERT INTO certificate (id, sha256, der, serial, subject, common_name, issuer, names, not_before, not_after, \
         key_algorithm, key_bits, is_ca, spki_sha256, owner_role, source, held_since, search) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        &certificates,
    )?;
    tx.execute_many("INSERT INTO certificate_name (reversed, certificate) VALUES ($1, $2)", &names)?;
    Ok(kept)
}

/// Keeps the path an authority delivered with `leaf`; its members enter the inventory with source "chain".
pub(crate) fn link_chain(tx: &mut Tx<'_>, actor: &Actor, leaf: CertificateId, members: &[Candidate], now: i64) -> Result<()> {
    let members: Vec<&Candidate> = members.iter().collect();
    let kept = insert_many(tx, &members, None, "chain", now)?;
    record_imported(tx, actor, &members, &kept, &json!({ "source": "chain" }), now)?;
    for (position, (member, _)) in (1i64..).zip(kept) {
        tx.execute(
            "INSERT INTO certificate_chain (certificate, position, member) VALUES ($1, $2, $3) \
             ON CONFLICT (certificate, position) DO NOTHING",
            params![leaf, position, member],
        )?;
    }
    Ok(())
}
