//! What is asked for with a store: inventories, adding and removing entries, each a job with a state that people see.

use certhold_store::{Row, Tx, params};
use serde_json::{Value as Json, json};

use super::list::{self, Store};
use super::owners::{self, Coming};
use super::rights::Right;
use super::{change, items, target};
use crate::actor::Actor;
use crate::bulk::author::{Author, Recalled};
use crate::collections::Scope;
use crate::custody::{self, PrivateKeyRow};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, CollectionId, StoreId, StoreJobId};
use crate::inventory::{self, Summary};
use crate::jobs::{self, JobKind};
use crate::limits;

/// What is to be done with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreJobKind {
    /// Look what is in it.
    Inventory,
    /// Put a certificate into it.
    Add,
    /// Take an entry out of it.
    Remove,
}

impl StoreJobKind {
    /// The name in APIs.
    pub fn name(self) -> &'static str {
        match self {
            StoreJobKind::Inventory => "inventory",
            StoreJobKind::Add => "add",
            StoreJobKind::Remove => "remove",
        }
    }

    fn parse(name: &str) -> Option<StoreJobKind> {
        [StoreJobKind::Inventory, StoreJobKind::Add, StoreJobKind::Remove].into_iter().find(|kind| kind.name() == name)
    }

    /// The right that it needs on the store.
    fn right(self) -> Right {
        match self {
            StoreJobKind::Inventory => Right::Schedule,
            StoreJobKind::Add | StoreJobKind::Remove => Right::Modify,
        }
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreJobState {
    /// Its time has not come, or others come first.
    Waiting,
    /// It is being done.
    Running,
    /// It was done.
    Done,
    /// It failed, and is not tried again by itself.
    Failed,
    /// It was taken back before it began.
    Cancelled,
}

impl StoreJobState {
    const ALL: [StoreJobState; 5] =
        [StoreJobState::Waiting, StoreJobState::Running, StoreJobState::Done, StoreJobState::Failed, StoreJobState::Cancelled];

    /// The name in APIs.
    pub fn name(self) -> &'static str {
        match self {
            StoreJobState::Waiting => "waiting",
            StoreJobState::Running => "running",
            StoreJobState::Done => "done",
            StoreJobState::Failed => "failed",
            StoreJobState::Cancelled => "cancelled",
        }
    }
}

/// A job as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreJob {
    /// Its handle.
    pub id: StoreJobId,
    /// Its handle in other APIs.
    pub uuid: String,
    /// With which store.
    pub store: StoreId,
    /// What is to be done.
    pub kind: StoreJobKind,
    /// With which entry.
    pub alias: Option<String>,
    /// The certificate that is to be added.
    pub certificate: Option<CertificateId>,
    /// Whether an entry that is there may be replaced.
    pub overwrite: bool,
    /// Whether the private key goes with the certificate.
    pub with_key: bool,
    /// The collection through which the certificate may be read.
    pub collection: Option<CollectionId>,
    /// Who asked.
    pub author: String,
    /// Where it stands.
    pub state: StoreJobState,
    /// Why it failed, one sentence.
    pub error: Option<String>,
    /// What was done, one sentence.
    pub report: Option<String>,
    /// Not before, unix milliseconds.
    pub due_at: i64,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub finished_at: Option<i64>,
}

const COLUMNS: &str = "id, uuid, store, kind, alias, certificate, overwrite, with_key, collection, author_name, state, error, report, \
    due_at, created_at, finished_at FROM store_job";

fn read(row: &Row<'_>) -> Result<StoreJob, certhold_store::Error> {
    let state: String = row.get(10)?;
    Ok(StoreJob {
        id: StoreJobId(row.get(0)?),
        uuid: row.get(1)?,
        store: StoreId(row.get(2)?),
        kind: StoreJobKind::parse(row.text(3)?).unwrap_or(StoreJobKind::Inventory),
        alias: row.get(4)?,
        certificate: row.get::<Option<i64>>(5)?.map(CertificateId),
        overwrite: row.get(6)?,
        with_key: row.get(7)?,
        collection: row.get::<Option<i64>>(8)?.map(CollectionId),
        author: row.get(9)?,
        state: StoreJobState::ALL.into_iter().find(|known| known.name() == state).unwrap_or(StoreJobState::Failed),
        error: row.get(11)?,
        report: row.get(12)?,
        due_at: row.get(13)?,
        created_at: row.get(14)?,
        finished_at: row.get(15)?,
    })
}

/// The jobs of a store, newest first: at most `limit`, before `before`.
pub fn jobs(tx: &mut Tx<'_>, actor: &Actor, store: StoreId, before: Option<StoreJobId>, limit: usize) -> Result<Vec<StoreJob>> {
    list::with_right(tx, actor, store, Right::Read)?;
    let limit = i64::try_from(limit.clamp(1, limits::PAGE_ROWS)).unwrap_or(i64::MAX);
    let before = before.map_or(i64::MAX, |before| before.0);
    let sql = format!("SELECT {COLUMNS} WHERE store = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    Ok(tx.rows(&sql, params![store, before, limit], read)?)
}

/// One job of a store.
pub fn job(tx: &mut Tx<'_>, actor: &Actor, store: StoreId, id: StoreJobId) -> Result<StoreJob> {
    list::with_right(tx, actor, store, Right::Read)?;
    find(tx, store, id)
}

fn find(tx: &mut Tx<'_>, store: StoreId, id: StoreJobId) -> Result<StoreJob> {
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE id = $1 AND store = $2"), params![id, store], read)?;
    found.ok_or_else(|| Refusal::not_found("store job", id).into())
}

/// The job that is next: one that was begun before, or the first whose time has come.
pub(super) fn next(tx: &mut Tx<'_>, store: StoreId, now: i64) -> Result<Option<StoreJob>> {
    let running =
        tx.one(&format!("SELECT {COLUMNS} WHERE store = $1 AND state = 'running' ORDER BY id LIMIT 1"), params![store], read)?;
    if running.is_some() {
        return Ok(running);
    }
    let sql = format!("SELECT {COLUMNS} WHERE store = $1 AND state = 'waiting' AND due_at <= $2 ORDER BY due_at, id LIMIT 1");
    Ok(tx.one(&sql, params![store, now], read)?)
}

/// When the next job is due that waits.
pub(super) fn next_due(tx: &mut Tx<'_>, store: StoreId) -> Result<Option<i64>> {
    let sql = "SELECT due_at FROM store_job WHERE store = $1 AND state = 'waiting' ORDER BY due_at, id LIMIT 1";
    Ok(tx.one(sql, params![store], |row| row.get(0))?)
}

/// Whoever asked for a job, with the rights that they have now.
pub(super) fn author(tx: &mut Tx<'_>, id: StoreJobId, now: i64) -> Result<Recalled> {
    let text: Option<String> = tx.one("SELECT author FROM store_job WHERE id = $1", params![id], |row| row.get(0))?;
    let text = text.ok_or_else(|| Error::damaged(format!("store job {id} is missing")))?;
    let author: Author =
        serde_json::from_str(&text).map_err(|error| Error::damaged(format!("author of store job {id}: {error}")))?;
    author.recall(tx, now)
}

/// A new UUID from random bytes.
pub(super) fn uuid(tx: &mut Tx<'_>) -> Result<String> {
    let bytes = tx.salt()?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
}

/// A job about to be asked for.
struct New<'a> {
    store: StoreId,
    kind: StoreJobKind,
    alias: Option<&'a str>,
    certificate: Option<CertificateId>,
    overwrite: bool,
    with_key: bool,
    collection: Option<CollectionId>,
    due_at: i64,
}

fn insert(tx: &mut Tx<'_>, actor: &Actor, new: &New<'_>, now: i64) -> Result<StoreJobId> {
    let waiting: Option<i64> = tx.one(
        "SELECT count(*) FROM store_job WHERE store = $1 AND (state = 'waiting' OR state = 'running')",
        params![new.store],
        |row| row.get(0),
    )?;
    if waiting.unwrap_or(0) >= limits::STORE_JOBS {
        let message = format!("{} jobs wait for this certificate store already: let them be done first", limits::STORE_JOBS);
        return Err(Refusal::TooLarge(message).into());
    }
    let uuid = uuid(tx)?;
    let author = json!(Author::of(tx, actor, now)?).to_string();
    let id: Option<i64> = tx.one(
        "INSERT INTO store_job (uuid, store, kind, alias, certificate, overwrite, with_key, collection, author, author_name, state, \
         due_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', $11, $12) RETURNING id",
        params![
            uuid,
            new.store,
            new.kind.name(),
            new.alias,
            new.certificate,
            new.overwrite,
            new.with_key,
            new.collection,
            author,
            &actor.name,
            new.due_at,
            now
        ],
        |row| row.get(0),
    )?;
    jobs::enqueue(tx, JobKind::Store, new.store.0, new.due_at, now)?;
    id.map(StoreJobId).ok_or_else(|| Error::damaged("a store job got no id"))
}

/// Wants an inventory now, without asking who wants it and without an event; one that waits already serves.
pub(super) fn enqueue_inventory(tx: &mut Tx<'_>, actor: &Actor, store: StoreId, now: i64) -> Result<StoreJobId> {
    let waiting: Option<i64> = tx.one(
        "SELECT id FROM store_job WHERE store = $1 AND kind = 'inventory' AND state = 'waiting' AND due_at <= $2 LIMIT 1",
        params![store, now],
        |row| row.get(0),
    )?;
    if let Some(waiting) = waiting {
        return Ok(StoreJobId(waiting));
    }
    let new = New {
        store,
        kind: StoreJobKind::Inventory,
        alias: None,
        certificate: None,
        overwrite: false,
        with_key: false,
        collection: None,
        due_at: now,
    };
    insert(tx, actor, &new, now)
}

/// For the planner: wants the inventories whose time has come, at most [`limits::STORES_DUE`]; how many.
pub(super) fn enqueue_due(tx: &mut Tx<'_>, actor: &Actor, now: i64) -> Result<usize> {
    let due = tx.rows(
        "SELECT id, schedule FROM certificate_store WHERE next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at LIMIT $2",
        params![now, limits::STORES_DUE],
        |row| Ok((StoreId(row.get(0)?), row.get::<String>(1)?)),
    )?;
    for (store, schedule) in &due {
        enqueue_inventory(tx, actor, *store, now)?;
        let schedule = super::Schedule::stored(schedule).after_run();
        tx.execute(
            "UPDATE certificate_store SET schedule = $1, next_at = $2 WHERE id = $3",
            params![schedule.to_string(), schedule.next(now), *store],
        )?;
    }
    Ok(due.len())
}

fn record(tx: &mut Tx<'_>, actor: &Actor, operation: &'static str, store: &Store, payload: Json, now: i64) -> Result<()> {
    let object = Object::new("certificate_store", store.id.0, &store.name);
    events::append(tx, actor, now, NewEvent::new(operation, object, payload))?;
    Ok(())
}

/// Looks what is in a store, now.
pub fn take_inventory(tx: &mut Tx<'_>, actor: &Actor, store: StoreId, now: i64) -> Result<StoreJobId> {
    let store = list::with_right(tx, actor, store, Right::Schedule)?;
    let id = enqueue_inventory(tx, actor, store.id, now)?;
    record(tx, actor, names::STORE_JOB_REQUESTED, &store, json!({ "job": id, "kind": "inventory" }), now)?;
    Ok(id)
}

/// Put a certificate into a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCertificate {
    /// The store.
    pub store: StoreId,
    /// The certificate.
    pub certificate: CertificateId,
    /// The name of the entry.
    pub alias: String,
    /// Whether an entry of this name may be replaced.
    pub overwrite: bool,
    /// Whether its private key goes with it.
    pub with_key: bool,
    /// The collection through which the certificate may be read, and its key be exported.
    pub collection: Option<CollectionId>,
    /// Not before, unix milliseconds; now if not given.
    pub at: Option<i64>,
}

/// Wants a certificate put into a store. Needs the right to modify the store and to read the certificate, and with the private
/// key the right to export it, the latter two everywhere or in the collection named; and where roles have rights on a collection that
/// looks at where certificates are, what changing its query needs; and the right to change its owner where others come to that right by
/// the store. All of that counts again when it is done.
pub fn add(tx: &mut Tx<'_>, actor: &Actor, command: &AddCertificate, now: i64) -> Result<StoreJobId> {
    let (store, alias, summary) = check_add(tx, actor, command, now)?;
    require_room(tx, &store, &alias, command.overwrite)?;
    let new = New {
        store: store.id,
        kind: StoreJobKind::Add,
        alias: Some(&alias),
        certificate: Some(command.certificate),
        overwrite: command.overwrite,
        with_key: command.with_key,
        collection: command.collection,
        due_at: command.at.unwrap_or(now).max(now),
    };
    let id = insert(tx, actor, &new, now)?;
    let payload = json!({
        "job": id, "kind": "add", "alias": alias, "certificate": command.certificate, "title": summary.title(),
        "overwrite": command.overwrite, "with_key": command.with_key, "due_at": new.due_at,
    });
    record(tx, actor, names::STORE_JOB_REQUESTED, &store, payload, now)?;
    Ok(id)
}

/// Everything that adding needs of rights and facts.
pub(super) fn check_add(tx: &mut Tx<'_>, actor: &Actor, command: &AddCertificate, now: i64) -> Result<(Store, String, Summary)> {
    let store = list::with_right(tx, actor, command.store, Right::Modify)?;
    let scope = Scope::of(command.collection, now);
    let summary = inventory::summary_in(tx, actor, command.certificate, scope)?;
    change::require_may_fill(tx, actor, &store)?;
    let coming = Coming::Certificate(command.certificate, command.collection);
    owners::require_may_bring(tx, actor, store.container_id(), coming)?;
    if command.with_key {
        custody::require_key(tx, actor, command.certificate, scope)?;
        key_of(tx, command.certificate)?;
    }
    let alias = store.kind.alias(&command.alias)?;
    require_unfollowed(tx, &store, &alias)?;
    Ok((store, alias, summary))
}

/// Refuses where a store has an entry of this name already, unless that may be replaced.
pub(super) fn require_room(tx: &mut Tx<'_>, store: &Store, alias: &str, overwrite: bool) -> Result<()> {
    if overwrite || items::of_alias(tx, store.id, alias)?.is_empty() {
        return Ok(());
    }
    let message =
        format!("there is an entry {alias:?} in the certificate store {:?}: choose another alias, or overwrite it", store.name);
    Err(Refusal::Conflict(message).into())
}

/// Refuses where an entry of this name follows a managed certificate.
pub(super) fn require_unfollowed(tx: &mut Tx<'_>, store: &Store, alias: &str) -> Result<()> {
    target::targeted(tx, store.id, Some(alias))?.map_or(Ok(()), |managed| Err(follows(&managed, alias).into()))
}

/// Whether the private key of a certificate is in custody.
pub(super) fn has_key(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<bool> {
    match custody::spki_of(tx, certificate)? {
        Some(spki) => Ok(custody::find_by_spki(tx, &spki)?.is_some()),
        None => Ok(false),
    }
}

/// The private key in custody that belongs to a certificate.
pub(super) fn key_of(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<PrivateKeyRow> {
    let spki = custody::spki_of(tx, certificate)?.ok_or_else(|| Refusal::not_found("certificate", certificate))?;
    let key = custody::find_by_spki(tx, &spki)?;
    key.ok_or_else(|| {
        let message =
            format!("the private key of certificate {certificate} is not in custody: add it without its key, or import the key");
        Refusal::Conflict(message).into()
    })
}

fn follows(managed: &str, alias: &str) -> Refusal {
    let message = format!("the entry {alias:?} follows the managed certificate {managed:?}: remove that deployment first");
    Refusal::Conflict(message)
}

/// Take an entry out of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoveCertificate {
    /// The store.
    pub store: StoreId,
    /// The name of the entry.
    pub alias: String,
    /// Not before, unix milliseconds; now if not given.
    pub at: Option<i64>,
}

/// Wants an entry taken out of a store, with its private key if that is there. The certificate stays in the inventory.
pub fn remove_entry(tx: &mut Tx<'_>, actor: &Actor, command: &RemoveCertificate, now: i64) -> Result<StoreJobId> {
    let (store, alias) = check_remove(tx, actor, command)?;
    let new = New {
        store: store.id,
        kind: StoreJobKind::Remove,
        alias: Some(&alias),
        certificate: None,
        overwrite: false,
        with_key: false,
        collection: None,
        due_at: command.at.unwrap_or(now).max(now),
    };
    let id = insert(tx, actor, &new, now)?;
    let payload = json!({ "job": id, "kind": "remove", "alias": alias, "due_at": new.due_at });
    record(tx, actor, names::STORE_JOB_REQUESTED, &store, payload, now)?;
    Ok(id)
}

/// Everything that removing needs of rights and facts.
pub(super) fn check_remove(tx: &mut Tx<'_>, actor: &Actor, command: &RemoveCertificate) -> Result<(Store, String)> {
    let store = list::with_right(tx, actor, command.store, Right::Modify)?;
    change::require_may_fill(tx, actor, &store)?;
    let alias = command.alias.trim();
    crate::text::line("alias", alias, limits::ALIAS_CHARS)?;
    if alias.is_empty() {
        return Err(Refusal::invalid("alias", "say which entry").into());
    }
    // Whatever a foreign hand called it: what the inventory found can be removed under that name.
    let known = !items::of_alias(tx, store.id, alias)?.is_empty();
    let alias = if known { alias.to_owned() } else { store.kind.alias(alias)? };
    require_unfollowed(tx, &store, &alias)?;
    Ok((store, alias))
}

/// Tries again what failed, now and with the rights of whoever asks.
pub fn retry(tx: &mut Tx<'_>, actor: &Actor, store: StoreId, id: StoreJobId, now: i64) -> Result<()> {
    let held = list::with_right(tx, actor, store, Right::Schedule)?;
    let job = find(tx, store, id)?;
    list::with_right(tx, actor, store, job.kind.right())?;
    if job.state != StoreJobState::Failed {
        return Err(Refusal::Conflict(format!("this job is {}: only what failed is tried again", job.state.name())).into());
    }
    if job.kind == StoreJobKind::Inventory {
        return take_inventory(tx, actor, store, now).map(drop);
    }
    match (job.kind, job.certificate, &job.alias) {
        (StoreJobKind::Add, Some(certificate), _) => drop(check_add(tx, actor, &job.as_add(certificate), now)?),
        (StoreJobKind::Remove, _, Some(alias)) => {
            drop(check_remove(tx, actor, &RemoveCertificate { store, alias: alias.clone(), at: None })?);
        }
        _ => {}
    }
    let author = json!(Author::of(tx, actor, now)?).to_string();
    tx.execute(
        "UPDATE store_job SET state = 'waiting', due_at = $1, finished_at = NULL, author = $2, author_name = $3 WHERE id = $4",
        params![now, author, &actor.name, id],
    )?;
    jobs::enqueue(tx, JobKind::Store, store.0, now, now)?;
    let payload = json!({ "job": id, "kind": job.kind.name(), "alias": job.alias, "again": true });
    record(tx, actor, names::STORE_JOB_REQUESTED, &held, payload, now)
}

impl StoreJob {
    pub(super) fn as_add(&self, certificate: CertificateId) -> AddCertificate {
        AddCertificate {
            store: self.store,
            certificate,
            alias: self.alias.clone().unwrap_or_default(),
            overwrite: self.overwrite,
            with_key: self.with_key,
            collection: self.collection,
            at: None,
        }
    }
}

/// Takes back what has not begun.
pub fn cancel(tx: &mut Tx<'_>, actor: &Actor, store: StoreId, id: StoreJobId, now: i64) -> Result<()> {
    let held = list::with_right(tx, actor, store, Right::Schedule)?;
    let job = find(tx, store, id)?;
    list::with_right(tx, actor, store, job.kind.right())?;
    if job.state != StoreJobState::Waiting {
        return Err(Refusal::Conflict(format!("this job is {}: only what waits is taken back", job.state.name())).into());
    }
    tx.execute("UPDATE store_job SET state = 'cancelled', finished_at = $1 WHERE id = $2", params![now, id])?;
    let payload = json!({ "job": id, "kind": job.kind.name(), "alias": job.alias });
    record(tx, actor, names::STORE_JOB_CANCELLED, &held, payload, now)
}

/// Housekeeping: forgets jobs that ended before this instant.
pub fn purge(tx: &mut Tx<'_>, before: i64) -> Result<u64> {
    Ok(tx.execute("DELETE FROM store_job WHERE finished_at IS NOT NULL AND finished_at < $1", params![before])?)
}
