//! Putting certificates into the inventory: idempotent, in chunks, each item with its outcome.

use std::collections::HashMap;
use std::sync::LazyLock;

use certhold_pki::{Facts, NotACertificate};
use certhold_store::{Tx, Value, params};
use serde_json::{Value as Json, json};

use super::counts::Counts;
use super::derived::{self, Derived};
use super::exclusions;
use super::fields::{self, Field};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::chains;
use crate::custody::{self, Origin, SealedKey};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, RoleId};
use crate::limits;
use crate::metadata;
use crate::ownership;
use crate::text;

/// A certificate ready to be kept: its bytes, its row and the index entries, derived outside the transaction.
#[derive(Clone, Debug)]
pub struct Candidate {
    der: Vec<u8>,
    sha256: [u8; 32],
    spki_sha256: [u8; 32],
    title: String,
    not_before: i64,
    not_after: i64,
    /// The values of [`derived::COLUMNS`].
    columns: Vec<Value<'static>>,
    reversed: Vec<String>,
    counted: Vec<(Field, String)>,
    terms: Vec<i64>,
}

impl Candidate {
    /// Describes a certificate for the inventory.
    pub fn of(der: &[u8]) -> Result<Candidate, NotACertificate> {
        Facts::of(der).map(|facts| Candidate::from_facts(der, &facts))
    }

    /// The same when the facts are at hand.
    pub fn from_facts(der: &[u8], facts: &Facts) -> Candidate {
        let derived = Derived::of(der, facts);
        let title = facts.common_name.as_deref().or(facts.names.first().map(|name| name.value.as_str()));
        // Where it comes from is not known yet.
        let values = fields::values(&derived, "");
        let reversed = Derived::reversed(facts);
        // DNS names are found by the index that also knows what is below them.
        let is_reversed = |value: &str| reversed.binary_search(&derived::index_form(&fields::fold(value))).is_ok();
        let indexed = values.iter().filter(|(field, value)| *field != Field::Name || !is_reversed(value));
        Candidate {
            der: der.to_vec(),
            sha256: facts.sha256,
            spki_sha256: facts.spki_sha256,
            title: derived::without_nul(title.unwrap_or(&facts.subject)),
            not_before: facts.not_before,
            not_after: facts.not_after,
            columns: derived.columns().into(),
            counted: fields::counted(&values).map(|(field, value)| (field, value.to_owned())).collect(),
            terms: fields::terms(indexed),
            reversed,
        }
    }

    fn require_size(&self) -> Result<(), Refusal> {
        let (size, limit) = (self.der.len(), limits::CERTIFICATE_BYTES);
        let message = || format!("a certificate of {size} bytes is larger than the limit of {limit}");
        if size > limit { Err(Refusal::TooLarge(message())) } else { Ok(()) }
    }

    fn row<'a>(&'a self, id: CertificateId, owner: Option<RoleId>, source: &'a str, now: i64) -> Vec<Value<'a>> {
        let mut row = Vec::with_capacity(5 + self.columns.len());
        row.extend([id.into(), (&self.sha256).into(), owner.into(), source.into(), now.into()]);
        row.extend(self.columns());
        row
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Value<'_>> {
        self.columns.iter().map(Value::borrowed)
    }

    pub(super) fn counted(&self) -> impl Iterator<Item = (Field, &str)> {
        self.counted.iter().map(|(field, value)| (*field, value.as_str()))
    }

    /// Without the one that says where it came from.
    pub(super) fn terms(&self) -> impl Iterator<Item = i64> {
        self.terms.iter().copied()
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

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of its DER bytes.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }
}

/// `INSERT INTO certificate` with the columns of [`Candidate::row`].
static INSERT: LazyLock<String> = LazyLock::new(|| {
    let places: Vec<String> = (1..=5 + derived::COLUMNS.len()).map(|place| format!("${place}")).collect();
    let columns = derived::COLUMNS.join(", ");
    format!("INSERT INTO certificate (id, sha256, owner_role, source, held_since, {columns}) VALUES ({})", places.join(", "))
});

/// What came of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// New in the inventory.
    Imported(CertificateId),
    /// Held already; nothing changed.
    AlreadyHeld(CertificateId),
    /// Kept out: it was removed so that it does not come back.
    Excluded,
}

/// What is said of a certificate that is kept out.
pub const EXCLUDED: &str = "it was removed and excluded from imports: let it be imported again first, if that is wanted";

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
    /// What is noted about new certificates; fields that are not named get their defaults.
    pub metadata: Vec<metadata::Change>,
}

/// Imports a batch: each certificate is new or held already; keys are kept where a certificate of the batch has their public
/// key. Needs the import right, with keys also the right to put keys into custody, with an owner the right to give a certificate that nobody owns
/// to that role. A required metadata field needs a value or a default. What is noted is not asked for, also where the query of a scope
/// looks at it: whoever brings a certificate says what it is, and takes nothing from anybody. The key of a certificate that is held
/// already is asked for.
pub fn import(tx: &mut Tx<'_>, actor: &Actor, batch: &ImportBatch, now: i64) -> Result<Vec<ImportItem>> {
    access::require_path(tx, actor, paths::CERTIFICATES_IMPORT)?;
    if !batch.keys.is_empty() {
        access::require_path(tx, actor, paths::PRIVATE_KEY_IMPORT)?;
    }
    if batch.certificates.len() > limits::IMPORT_CHUNK {
        return Err(Refusal::TooLarge(format!("at most {} certificates go into one transaction", limits::IMPORT_CHUNK)).into());
    }
    if let Some(owner) = batch.owner {
        ownership::require_may_give(tx, actor, owner)?;
    }
    text::line("source", &batch.source, limits::NAME_CHARS)?;
    let kept_out = exclusions::kept_out(tx, &batch.certificates)?;
    let wanted = batch.certificates.iter().zip(&kept_out).filter(|(_, out)| !**out);
    let candidates: Vec<&Candidate> = wanted.map(|(candidate, _)| candidate).collect();
    let fits = |key: &&SealedKey| candidates.iter().any(|candidate| candidate.spki_sha256 == key.spki_sha256);
    custody::require_may_bring(tx, actor, batch.keys.iter().filter(fits))?;
    let kept = insert_many(tx, &candidates, batch.owner, &batch.source, now)?;
    let new: Vec<CertificateId> = kept.iter().filter(|(_, new)| *new).map(|(id, _)| *id).collect();
    // What is held already keeps what is noted about it: nobody need be asked.
    let initial = metadata::initial(tx, &batch.metadata, !new.is_empty())?;
    metadata::put_initial(tx, &new, &initial)?;
    let mut details = json!({ "source": batch.source, "owner_role": batch.owner });
    if let Some(noted) = initial.described() {
        details["metadata"] = noted;
    }
    record_imported(tx, actor, &candidates, &kept, &details, now)?;
    let brought: Vec<_> = kept.iter().zip(&candidates).map(|((id, _), candidate)| (*id, candidate.spki_sha256())).collect();
    custody::answer_key_requests(tx, actor, &brought)?;
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
    let mut items = items.into_iter();
    let excluded = ImportItem { outcome: Outcome::Excluded, key_taken: false };
    Ok(kept_out.into_iter().filter_map(|out| if out { Some(excluded.clone()) } else { items.next() }).collect())
}

/// Takes in what was found somewhere, where nobody can be asked: new certificates get the defaults of metadata fields. The ids in
/// the order of the candidates.
pub(crate) fn take_in(
    tx: &mut Tx<'_>,
    actor: &Actor,
    candidates: &[&Candidate],
    source: &str,
    now: i64,
) -> Result<Vec<CertificateId>> {
    let kept = insert_many(tx, candidates, None, source, now)?;
    let new: Vec<CertificateId> = kept.iter().filter(|(_, new)| *new).map(|(id, _)| *id).collect();
    let mut details = json!({ "source": source });
    if !new.is_empty() {
        let initial = metadata::initial(tx, &[], false)?;
        metadata::put_initial(tx, &new, &initial)?;
        if let Some(noted) = initial.described() {
            details["metadata"] = noted;
        }
    }
    record_imported(tx, actor, candidates, &kept, &details, now)?;
    Ok(kept.into_iter().map(|(id, _)| id).collect())
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
    custody::require_may_bring(tx, actor, keys)?;
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

/// Takes a key into custody for a certificate, with its event; whether it is new. The caller has asked [`custody::require_may_bring`].
pub(crate) fn take_key(
    tx: &mut Tx<'_>,
    actor: &Actor,
    title: &str,
    id: CertificateId,
    key: &SealedKey,
    now: i64,
) -> Result<bool> {
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
    let mut added = Vec::new();
    for (candidate, held) in candidates.iter().zip(held) {
        if let Some(held) = held.map(CertificateId).or_else(|| new.get(&candidate.sha256).copied()) {
            kept.push((held, false));
            continue;
        }
        last += 1;
        let id = CertificateId(last);
        new.insert(&candidate.sha256, id);
        kept.push((id, true));
        added.push((id, *candidate));
    }
    if added.is_empty() {
        return Ok(kept);
    }
    tx.execute("UPDATE counter SET value = $1 WHERE name = 'last_certificate'", params![last])?;
    count_added(tx, last - before)?;
    let rows: Vec<Vec<Value<'_>>> = added.iter().map(|(id, candidate)| candidate.row(*id, owner, source, now)).collect();
    tx.execute_many(&INSERT, &rows)?;
    let bodies: Vec<[Value<'_>; 2]> = added.iter().map(|(id, candidate)| [(*id).into(), (&candidate.der).into()]).collect();
    tx.execute_many("INSERT INTO certificate_body (certificate, der) VALUES ($1, $2)", &bodies)?;
    index(tx, &added, owner, source)?;
    chains::index(tx, &added.iter().map(|(id, new)| (*id, new.der.as_slice())).collect::<Vec<_>>())?;
    Ok(kept)
}

/// Enters new certificates into the indexes and counts.
fn index(tx: &mut Tx<'_>, added: &[(CertificateId, &Candidate)], owner: Option<RoleId>, source: &str) -> Result<()> {
    let names = added.iter().flat_map(|(id, new)| new.reversed.iter().map(|name| [Value::from(name), (*id).into()]));
    let names: Vec<[Value<'_>; 2]> = names.collect();
    tx.execute_many("INSERT INTO certificate_name (reversed, certificate) VALUES ($1, $2)", &names)?;

    let from = fields::term(Field::Source, &fields::fold(source));
    let mut terms: Vec<(i64, i64)> = Vec::with_capacity(added.len() * 24);
    let mut counts = Counts::default();
    for (id, candidate) in added {
        terms.extend(candidate.terms().chain([from]).map(|term| (term, id.0)));
        candidate.counted().for_each(|(field, value)| counts.add(field, value, 1));
        counts.expires(candidate.not_after, false, 1);
    }
    let new = i64::try_from(added.len()).unwrap_or(i64::MAX);
    counts.add(Field::Source, source, new);
    counts.owned(owner, new);
    let frequent = counts.frequent(tx)?;
    terms.retain(|(term, _)| !frequent.contains(term));
    // In the index's order, which finds each page once.
    terms.sort_unstable();
    let terms: Vec<[Value<'_>; 2]> = terms.into_iter().map(|(term, id)| [term.into(), id.into()]).collect();
    tx.execute_many("INSERT INTO certificate_term (term, certificate) VALUES ($1, $2)", &terms)?;
    counts.write(tx)
}

/// Keeps the path that was delivered with `leaf`, instead of the one that is known, which may be another one: a path is one whole. Its
/// members enter the inventory with source "chain". Without members what is known stays. Says whether the path is another one now.
pub(crate) fn link_chain(tx: &mut Tx<'_>, actor: &Actor, leaf: CertificateId, members: &[Candidate], now: i64) -> Result<bool> {
    if members.is_empty() {
        return Ok(false);
    }
    let members: Vec<&Candidate> = members.iter().collect();
    let kept = insert_many(tx, &members, None, "chain", now)?;
    record_imported(tx, actor, &members, &kept, &json!({ "source": "chain" }), now)?;
    let known: Vec<i64> =
        tx.rows("SELECT member FROM certificate_chain WHERE certificate = $1 ORDER BY position", params![leaf], |row| {
            row.get(0)
        })?;
    let delivered: Vec<i64> = kept.iter().map(|(member, _)| member.0).collect();
    // A path that was cut off says nothing against the longer one.
    if known.starts_with(&delivered) {
        return Ok(false);
    }
    tx.execute("DELETE FROM certificate_chain WHERE certificate = $1", params![leaf])?;
    for (position, member) in (1i64..).zip(delivered) {
        tx.execute(
            "INSERT INTO certificate_chain (certificate, position, member) VALUES ($1, $2, $3)",
            params![leaf, position, member],
        )?;
    }
    Ok(true)
}
