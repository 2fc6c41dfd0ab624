//! The work on a store, step by step, for the worker: what is outside happens between these steps. Each names the lease.
//!
//! All jobs of a store are done under one lease, one after the other. A job that was begun and not ended is done again: putting an
//! entry into a store that has it already changes nothing.

use std::collections::HashMap;

use certhold_store::{Tx, Value, params};
use serde_json::{Value as Json, json};

use super::items::{self, Change};
use super::jobs::{self, StoreJob, StoreJobKind};
use super::list::{self, Problem, Store};
use crate::actor::Actor;
use crate::chains;
use crate::custody::{self, SealedRow};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, SecretId, StoreId, StoreJobId};
use crate::inventory::{self, Candidate};
use crate::jobs::{self as queue, Lease};
use crate::{limits, text};

/// A store with what opens it.
#[derive(Clone)]
pub struct OpenStore {
    /// The store.
    pub store: Store,
    /// Its sealed password.
    pub password: Option<SealedRow>,
}

/// A certificate to be installed.
#[derive(Clone)]
pub struct Material {
    /// The certificate.
    pub certificate: CertificateId,
    /// Its bytes, DER.
    pub der: Vec<u8>,
    /// Authorities of the inventory that may stand above it, DER: in the order in which its authority delivered them, or in none.
    pub above: Vec<Vec<u8>>,
    /// Its sealed key.
    pub key: Option<SealedRow>,
}

/// What is to be done with the store.
#[derive(Clone)]
pub enum What {
    /// Look what is in it.
    Inventory,
    /// Put this in.
    Add {
        /// Under this name.
        alias: String,
        /// Whether an entry of this name is replaced.
        overwrite: bool,
        /// The certificate.
        material: Box<Material>,
    },
    /// Take this out.
    Remove {
        /// The entry's name.
        alias: String,
    },
}

/// A job that was begun.
#[derive(Clone)]
pub struct Task {
    /// The job.
    pub job: StoreJobId,
    /// With which store.
    pub open: OpenStore,
    /// What is to be done.
    pub what: What,
}

/// For the planner: wants the inventories whose time has come; how many. Fewer than [`limits::STORES_DUE`] are all.
pub fn enqueue_due(tx: &mut Tx<'_>, actor: &Actor, now: i64) -> Result<usize> {
    jobs::enqueue_due(tx, actor, now)
}

/// Begins the next job of the lease's store; `None` when nothing is due, which ends the lease or puts the work off.
pub fn begin(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, now: i64) -> Result<Option<Task>> {
    queue::require_lease(tx, lease)?;
    let id = StoreId(lease.object);
    let Some(store) = list::lookup(tx, id)? else {
        queue::finish(tx, lease, now)?;
        return Ok(None);
    };
    while let Some(job) = jobs::next(tx, id, now)? {
        match prepare(tx, actor, &store, &job, now) {
            Ok(what) => {
                tx.execute("UPDATE store_job SET state = 'running', error = NULL WHERE id = $1", params![job.id])?;
                let open = open(tx, store)?;
                return Ok(Some(Task { job: job.id, open, what }));
            }
            // Whoever asked may not do it any more, or what it was about is gone.
            Err(Error::Refused(refusal)) => end_failed(tx, actor, &store, &job, &refusal.to_string(), now)?,
            Err(fault) => return Err(fault),
        }
    }
    match jobs::next_due(tx, id)? {
        Some(due) => queue::put_off(tx, lease, due, None)?,
        None => queue::finish(tx, lease, now)?,
    }
    Ok(None)
}

fn open(tx: &mut Tx<'_>, store: Store) -> Result<OpenStore> {
    let secret: Option<Option<i64>> =
        tx.one("SELECT password FROM certificate_store WHERE id = $1", params![store.id], |row| row.get(0))?;
    let password = secret.flatten().map(|secret| custody::load(tx, SecretId(secret))).transpose()?;
    Ok(OpenStore { store, password })
}

/// A store with what opens it, for deployments; `None` when it is gone.
pub fn open_store(tx: &mut Tx<'_>, id: StoreId) -> Result<Option<OpenStore>> {
    list::lookup(tx, id)?.map(|store| open(tx, store)).transpose()
}

/// Rights and facts as they are now, and what the job needs. That a private key leaves custody is in the log before it is opened.
fn prepare(tx: &mut Tx<'_>, actor: &Actor, store: &Store, job: &StoreJob, now: i64) -> Result<What> {
    let alias = || job.alias.clone().ok_or_else(|| Error::damaged(format!("store job {} has no alias", job.id)));
    match job.kind {
        StoreJobKind::Inventory => Ok(What::Inventory),
        StoreJobKind::Remove => {
            let (alias, author) = (alias()?, jobs::author(tx, job.id, now)?);
            let command = jobs::RemoveCertificate { store: store.id, alias: alias.clone(), at: None };
            author.explained(jobs::check_remove(tx, &author.actor, &command))?;
            Ok(What::Remove { alias })
        }
        StoreJobKind::Add => {
            let (alias, author) = (alias()?, jobs::author(tx, job.id, now)?);
            let certificate =
                job.certificate.ok_or_else(|| Error::damaged(format!("store job {} has no certificate", job.id)))?;
            let checked = jobs::check_add(tx, &author.actor, &job.as_add(certificate), now);
            let (_, _, summary) = author.explained(checked)?;
            let material = material(tx, actor, certificate, job.with_key)?;
            if job.with_key {
                let reason = format!("put into the certificate store {:?} as {alias:?}", store.name);
                let payload = json!({
                    "reason": reason, "format": store.kind.name(), "encrypted": store.has_password, "certificate_store": store.id,
                    "sha256": text::hex(&summary.sha256), "asked_by": author.actor.name,
                });
                let object = Object::new("certificate", certificate.0, summary.title());
                events::append(tx, &author.actor, now, NewEvent::new(names::PRIVATE_KEY_EXPORTED, object, payload))?;
            }
            Ok(What::Add { alias, overwrite: job.overwrite, material: Box::new(material) })
        }
    }
}

/// A certificate with the authorities above it that the inventory knows.
fn material(tx: &mut Tx<'_>, actor: &Actor, certificate: CertificateId, with_key: bool) -> Result<Material> {
    let above = chains::above(tx, actor, certificate)?;
    let delivered = inventory::chain(tx, actor, certificate)?;
    let delivered: Vec<Vec<u8>> = delivered.into_iter().map(|member| member.der).collect();
    let others = above.pool.into_iter().map(|(_, der)| der).filter(|der| !delivered.contains(der)).collect::<Vec<_>>();
    let key = if with_key {
        let row = jobs::key_of(tx, certificate)?;
        Some(custody::load_private_key(tx, row.id)?)
    } else {
        None
    };
    Ok(Material { certificate, der: above.certificate.der, above: [delivered, others].concat(), key })
}

/// An entry that was found.
#[derive(Clone)]
pub struct FoundEntry {
    /// Its name in the store.
    pub alias: String,
    /// Its certificate, then those above it.
    pub certificates: Vec<Candidate>,
    /// Whether its private key is there.
    pub has_key: bool,
}

/// Records a part of what an inventory found: at most [`limits::IMPORT_CHUNK`] certificates. They enter the inventory of
/// certificates.
pub fn found(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, job: StoreJobId, entries: &[FoundEntry], now: i64) -> Result<()> {
    queue::require_lease(tx, lease)?;
    let store = require_store(tx, lease)?;
    let candidates: Vec<&Candidate> = entries.iter().flat_map(|entry| &entry.certificates).collect();
    let source: String = format!("store {}", store.name).chars().take(limits::NAME_CHARS).collect();
    let ids = inventory::take_in(tx, actor, &candidates, &source, now)?;
    let mut ids = ids.into_iter();
    let mut installed = Vec::new();
    let mut changed = false;
    for entry in entries {
        let own: Vec<CertificateId> = ids.by_ref().take(entry.certificates.len()).collect();
        let before = items::of_alias(tx, store.id, &entry.alias)?.first().map(|(id, _)| *id);
        let change = items::put(tx, store.id, &entry.alias, &own, entry.has_key, job.0, now)?;
        changed |= change != Change::Nothing;
        let (Some(first), Some(candidate)) = (own.first(), entry.certificates.first()) else { continue };
        if change == Change::Own {
            let what = Installed { store: &store, alias: &entry.alias, has_key: entry.has_key };
            installed.push((*first, candidate.title().to_owned(), what.payload()));
            if let Some(before) = before.filter(|before| before != first) {
                uninstalled(tx, actor, &store, &entry.alias, before, now)?;
            }
        }
    }
    let events: Vec<NewEvent<'_>> = installed
        .iter()
        .map(|(id, title, payload)| {
            NewEvent::new(names::CERTIFICATE_INSTALLED, Object::new("certificate", id.0, title), payload.clone())
        })
        .collect();
    if !events.is_empty() {
        events::append_many(tx, actor, now, &events)?;
    }
    // What only stands above an entry changes has no event of its own: that of the job then says that something did.
    if changed {
        tx.execute("UPDATE store_job SET report = 'changed' WHERE id = $1", params![job])?;
    }
    Ok(())
}

struct Installed<'a> {
    store: &'a Store,
    alias: &'a str,
    has_key: bool,
}

impl Installed<'_> {
    fn payload(&self) -> Json {
        json!({ "certificate_store": self.store.id, "store_name": self.store.name, "alias": self.alias, "has_key": self.has_key })
    }
}

fn uninstalled(tx: &mut Tx<'_>, actor: &Actor, store: &Store, alias: &str, certificate: CertificateId, now: i64) -> Result<()> {
    let Some(summary) = inventory::summary_unchecked(tx, certificate)? else { return Ok(()) };
    let payload = json!({ "certificate_store": store.id, "store_name": store.name, "alias": alias });
    let object = Object::new("certificate", certificate.0, summary.title());
    events::append(tx, actor, now, NewEvent::new(names::CERTIFICATE_UNINSTALLED, object, payload))?;
    Ok(())
}

/// Ends an inventory: what was not found any more goes, and what could not be read is kept to be seen.
pub fn inventoried(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, job: StoreJobId, problems: &[Problem], now: i64) -> Result<()> {
    queue::require_lease(tx, lease)?;
    let store = require_store(tx, lease)?;
    let gone = tx.rows(
        "SELECT alias, certificate FROM store_item WHERE store = $1 AND seen < $2 AND position = 0 ORDER BY alias",
        params![store.id, job],
        |row| Ok((row.get::<String>(0)?, CertificateId(row.get(1)?))),
    )?;
    for (alias, certificate) in &gone {
        uninstalled(tx, actor, &store, alias, *certificate, now)?;
    }
    tx.execute("DELETE FROM store_item WHERE store = $1 AND seen < $2", params![store.id, job])?;
    let kept: Vec<Problem> = problems.iter().take(limits::STORE_PROBLEMS).map(shortened).collect();
    tx.execute(
        "UPDATE certificate_store SET inventoried_at = $1, problems = $2, last_error = NULL, last_error_at = NULL WHERE id = $3",
        params![now, json!(kept).to_string(), store.id],
    )?;
    let entries: i64 = tx
        .one("SELECT count(*) FROM store_item WHERE store = $1 AND position = 0", params![store.id], |row| row.get(0))?
        .unwrap_or(0);
    let report = match problems.len() {
        0 => format!("{entries} entries"),
        many => format!("{entries} entries; {many} parts could not be read"),
    };
    let (changed, asked) = {
        let row: Option<(Option<String>, String)> =
            tx.one("SELECT report, author FROM store_job WHERE id = $1", params![job], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (before, author) = row.unwrap_or_default();
        (before.is_some() || !gone.is_empty(), !author.contains("\"kind\":\"system\""))
    };
    finish(tx, job, "done", None, Some(&report), now)?;
    if changed || asked || kept != store.problems || store.last_error.is_some() {
        let payload = json!({
            "job": job, "kind": "inventory", "entries": entries, "gone": gone.len(), "problems": problems.len(),
            "before": { "entries": store.entries, "problems": store.problems.len() },
        });
        record(tx, actor, names::STORE_JOB_COMPLETED, &store, payload, now)?;
    }
    Ok(())
}

fn shortened(problem: &Problem) -> Problem {
    let cut = |text: &str, chars: usize| text.chars().filter(|c| !c.is_control()).take(chars).collect();
    Problem { place: cut(&problem.place, 300), reason: cut(&problem.reason, 500) }
}

/// What was put into a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// SHA-256 of the entry's certificate and of those above it that were written with it.
    pub certificates: Vec<[u8; 32]>,
    /// Whether its private key is there.
    pub has_key: bool,
    /// SHA-256 of the certificate that the entry had before.
    pub replaced: Option<[u8; 32]>,
    /// What was done, one sentence.
    pub report: String,
}

/// Records that an entry was put into a store.
pub fn added(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, job: StoreJobId, written: &Written, now: i64) -> Result<()> {
    queue::require_lease(tx, lease)?;
    let store = require_store(tx, lease)?;
    let alias: Option<Option<String>> = tx.one("SELECT alias FROM store_job WHERE id = $1", params![job], |row| row.get(0))?;
    let alias = alias.flatten().unwrap_or_default();
    installed(tx, actor, &store, &alias, written, job.0, now)?;
    settled(tx, &store)?;
    finish(tx, job, "done", None, Some(&written.report), now)?;
    let payload = json!({
        "job": job, "kind": "add", "alias": alias, "report": written.report,
        "before": { "sha256": written.replaced.map(|sha256| text::hex(&sha256)) },
        "after": { "sha256": written.certificates.first().map(|sha256| text::hex(sha256)), "has_key": written.has_key },
    });
    record(tx, actor, names::STORE_JOB_COMPLETED, &store, payload, now)
}

/// Records what an entry of a store is now, with the history of its certificates.
fn installed(tx: &mut Tx<'_>, actor: &Actor, store: &Store, alias: &str, written: &Written, seen: i64, now: i64) -> Result<()> {
    let ids = by_digest(tx, &written.certificates)?;
    let before = items::of_alias(tx, store.id, alias)?.first().map(|(id, _)| *id);
    let Some(first) = ids.first().copied() else { return Ok(()) };
    if items::put(tx, store.id, alias, &ids, written.has_key, seen, now)? != Change::Own {
        return Ok(());
    }
    if let Some(before) = before.filter(|before| *before != first) {
        uninstalled(tx, actor, store, alias, before, now)?;
    }
    let Some(summary) = inventory::summary_unchecked(tx, first)? else { return Ok(()) };
    let payload = Installed { store, alias, has_key: written.has_key }.payload();
    let object = Object::new("certificate", first.0, summary.title());
    events::append(tx, actor, now, NewEvent::new(names::CERTIFICATE_INSTALLED, object, payload))?;
    Ok(())
}

/// Records that a deployment put an entry into a store; the caller holds the lease and records the event of the deployment.
pub(crate) fn deployed(tx: &mut Tx<'_>, actor: &Actor, store: StoreId, alias: &str, written: &Written, now: i64) -> Result<()> {
    let Some(store) = list::lookup(tx, store)? else { return Ok(()) };
    // An inventory that began before does not take it for gone.
    let last: Option<Option<i64>> =
        tx.one("SELECT max(id) FROM store_job WHERE store = $1", params![store.id], |row| row.get(0))?;
    installed(tx, actor, &store, alias, written, last.flatten().unwrap_or(0), now)?;
    settled(tx, &store)
}

/// Records that an entry was taken out; `before` is the SHA-256 of its certificate, if the store had it.
pub fn removed(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, job: StoreJobId, before: Option<[u8; 32]>, now: i64) -> Result<()> {
    queue::require_lease(tx, lease)?;
    let store = require_store(tx, lease)?;
    let alias: Option<Option<String>> = tx.one("SELECT alias FROM store_job WHERE id = $1", params![job], |row| row.get(0))?;
    let alias = alias.flatten().unwrap_or_default();
    if let Some(certificate) = items::forget(tx, store.id, &alias)? {
        uninstalled(tx, actor, &store, &alias, certificate, now)?;
    }
    settled(tx, &store)?;
    finish(tx, job, "done", None, Some("the entry is removed"), now)?;
    let before = json!({ "sha256": before.map(|sha256| text::hex(&sha256)) });
    let payload = json!({ "job": job, "kind": "remove", "alias": alias, "before": before });
    record(tx, actor, names::STORE_JOB_COMPLETED, &store, payload, now)
}

/// Records that a job failed; it is not tried again by itself.
pub fn failed(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, job: StoreJobId, sentence: &str, now: i64) -> Result<()> {
    queue::require_lease(tx, lease)?;
    let store = require_store(tx, lease)?;
    let Some(job) = jobs::next(tx, store.id, now)?.filter(|next| next.id == job) else { return Ok(()) };
    end_failed(tx, actor, &store, &job, sentence, now)
}

fn end_failed(tx: &mut Tx<'_>, actor: &Actor, store: &Store, job: &StoreJob, sentence: &str, now: i64) -> Result<()> {
    let sentence: String = sentence.chars().take(limits::ERROR_CHARS).collect();
    finish(tx, job.id, "failed", Some(&sentence), None, now)?;
    tx.execute(
        "UPDATE certificate_store SET last_error = $1, last_error_at = $2 WHERE id = $3",
        params![&sentence, now, store.id],
    )?;
    let again = job.kind == StoreJobKind::Inventory && store.last_error.as_deref() == Some(sentence.as_str());
    if again {
        return Ok(());
    }
    let payload = json!({ "job": job.id, "kind": job.kind.name(), "alias": job.alias, "error": sentence });
    record(tx, actor, names::STORE_JOB_FAILED, store, payload, now)
}

fn settled(tx: &mut Tx<'_>, store: &Store) -> Result<()> {
    tx.execute("UPDATE certificate_store SET last_error = NULL, last_error_at = NULL WHERE id = $1", params![store.id])?;
    Ok(())
}

fn finish(tx: &mut Tx<'_>, job: StoreJobId, state: &str, error: Option<&str>, report: Option<&str>, now: i64) -> Result<()> {
    tx.execute(
        "UPDATE store_job SET state = $1, error = $2, report = $3, finished_at = $4 WHERE id = $5",
        params![state, error, report, now, job],
    )?;
    Ok(())
}

fn record(tx: &mut Tx<'_>, actor: &Actor, operation: &'static str, store: &Store, payload: Json, now: i64) -> Result<()> {
    let object = Object::new("certificate_store", store.id.0, &store.name);
    events::append(tx, actor, now, NewEvent::new(operation, object, payload))?;
    Ok(())
}

fn require_store(tx: &mut Tx<'_>, lease: &Lease) -> Result<Store> {
    let id = StoreId(lease.object);
    list::lookup(tx, id)?.ok_or_else(|| Refusal::LeaseLost(lease.job.0).into())
}

/// The certificates of these digests, in their order; those that are not held are left out.
fn by_digest(tx: &mut Tx<'_>, digests: &[[u8; 32]]) -> Result<Vec<CertificateId>> {
    let lists: Vec<[Value<'_>; 1]> = digests.iter().map(|digest| [digest.into()]).collect();
    let found = tx.one_of_each("SELECT id FROM certificate WHERE sha256 = $1", &lists, |row| row.get::<i64>(0))?;
    let held: HashMap<&[u8; 32], CertificateId> =
        digests.iter().zip(found).filter_map(|(digest, id)| Some((digest, CertificateId(id?)))).collect();
    Ok(digests.iter().filter_map(|digest| held.get(digest).copied()).collect())
}
