//! Rotation of the master key.
//!
//! A key goes through four states. *Pending*: it is kept outside the database, and nodes announce whether they hold it.
//! *Current*: every live node holds it, and what is sealed is sealed under it. *Retired*: another one is current, and the data
//! keys of all secrets are being wrapped anew, in chunks; the values themselves stay. *Forgotten*: no secret needs it.
//! Each step is one transaction, so a rotation that is interrupted at any instant goes on where it was.

use certhold_store::{Tx, params};
use serde_json::json;

use super::{Custody, MasterKey};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::core::Entropy;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::jobs::{self, JobKind, Lease};
use crate::limits;

/// Where a master key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Made; not every node holds it yet.
    Pending,
    /// What is sealed, is sealed under it.
    Current,
    /// Another one is current; secrets may still be sealed under it.
    Retired,
    /// Nothing is sealed under it any more, and it was let go of.
    Forgotten,
}

impl KeyState {
    /// The name kept.
    pub fn name(self) -> &'static str {
        match self {
            KeyState::Pending => "pending",
            KeyState::Current => "current",
            KeyState::Retired => "retired",
            KeyState::Forgotten => "forgotten",
        }
    }

    fn parse(name: &str) -> Result<KeyState> {
        let states = [KeyState::Pending, KeyState::Current, KeyState::Retired, KeyState::Forgotten];
        states.into_iter().find(|state| state.name() == name).ok_or_else(|| Error::damaged(format!("master key state {name:?}")))
    }
}

/// A master key as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Its number.
    pub number: i64,
    /// By what it is recognised.
    pub check_value: Vec<u8>,
    /// Where it is in its life.
    pub state: KeyState,
    /// When it was made, unix milliseconds.
    pub created_at: i64,
}

impl KeyRow {
    /// Whether it is this very key, and not another one of its number.
    pub(super) fn is(&self, key: &MasterKey) -> bool {
        self.number == key.number() && self.check_value == key.check_value()
    }
}

/// A key that is kept, by number and check value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMark {
    /// Its number.
    pub number: i64,
    /// By what it is recognised.
    pub check_value: [u8; 32],
}

/// A sealed value without the value: what wrapping anew needs.
#[derive(Clone)]
pub struct WrappedRow {
    pub(super) id: i64,
    pub(super) uuid: String,
    pub(super) kind: String,
    pub(super) master: i64,
    pub(super) wrapped_key: Vec<u8>,
}

/// A data key wrapped anew, ready to be recorded.
#[derive(Clone)]
pub struct Rewrapped {
    row: WrappedRow,
    to: i64,
    wrapped_key: Vec<u8>,
}

/// A node and what it announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The master keys it holds.
    pub keys: Vec<i64>,
    /// The one it seals with.
    pub sealing: i64,
    /// When it was last seen, unix milliseconds.
    pub seen_at: i64,
}

/// How far a rotation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It can go on.
    Ready,
    /// It waits for these nodes.
    WaitsFor(Vec<String>),
}

/// A master key with what depends on it, as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    /// The key.
    pub key: KeyRow,
    /// Secrets sealed under it.
    pub secrets: i64,
}

/// Custody as shown to operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Master keys, oldest first.
    pub keys: Vec<KeyStatus>,
    /// Nodes that were seen lately.
    pub nodes: Vec<Node>,
    /// Whether a rotation is under way, and what its job last said.
    pub running: Option<Option<String>>,
}

/// A node that was not seen for so long is not waited for.
pub const NODE_SILENT_MS: i64 = 90_000;
/// Rows of nodes that were not seen for so long are removed.
const NODE_GONE_MS: i64 = 86_400_000;
/// Data keys that are wrapped anew in one transaction.
pub const CHUNK: i64 = 256;

/// The master keys of this database, oldest first.
pub fn keys(tx: &mut Tx<'_>) -> Result<Vec<KeyRow>> {
    let rows = tx.rows("SELECT number, check_value, state, created_at FROM master_key ORDER BY number", params![], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<String>(2)?, row.get(3)?))
    })?;
    let key = |(number, check_value, state, created_at): (i64, Vec<u8>, String, i64)| {
        Ok(KeyRow { number, check_value, state: KeyState::parse(&state)?, created_at })
    };
    rows.into_iter().map(key).collect()
}

/// Whether anything is sealed under a key.
pub(super) fn is_used(tx: &mut Tx<'_>, number: i64) -> Result<bool> {
    let used: Option<i64> = tx.one("SELECT id FROM secret WHERE master = $1 LIMIT 1", params![number], |row| row.get(0))?;
    Ok(used.is_some())
}

/// Refuses what was sealed under a key that is forgotten: nobody could open it.
pub(super) fn require_remembered(tx: &mut Tx<'_>, number: i64) -> Result<()> {
    let sql = "SELECT number FROM master_key WHERE number = $1 AND state = 'forgotten'";
    let forgotten: Option<i64> = tx.one(sql, params![number], |row| row.get(0))?;
    if forgotten.is_some() {
        return Err(Refusal::Conflict("the master key was changed while this was done: do it again".into()).into());
    }
    Ok(())
}

/// Says that this node lives, and which keys it holds, as [`Custody::marks`] has them; answers with what the database knows of its
/// keys, for [`Custody::follow`]. A key that only shares its number with one of the database does not count. Secrets that a slow node sealed under an old key after the rotation are wrapped anew by another job.
pub fn announce(tx: &mut Tx<'_>, node: &str, held: &[KeyMark], sealing: i64, now: i64) -> Result<Vec<KeyRow>> {
    let known = keys(tx)?;
    let is_known = |mark: &&KeyMark| known.iter().any(|row| row.number == mark.number && row.check_value == mark.check_value);
    let held: Vec<i64> = held.iter().filter(is_known).map(|mark| mark.number).collect();
    let list = serde_json::to_string(&held).map_err(|error| Error::damaged(error.to_string()))?;
    tx.execute(
        "INSERT INTO node (name, keys, sealing, seen_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name) DO UPDATE SET keys = excluded.keys, sealing = excluded.sealing, seen_at = excluded.seen_at",
        params![node, &list, sealing, now],
    )?;
    tx.execute("DELETE FROM node WHERE seen_at < $1", params![now - NODE_GONE_MS])?;
    if let Some(current) = known.iter().find(|key| key.state == KeyState::Current)
        && current.number > 1
        && behind(tx, current.number)?
        && !known.iter().any(|key| key.state == KeyState::Pending)
    {
        jobs::enqueue(tx, JobKind::Rekey, current.number, now, now)?;
    }
    Ok(known)
}

/// Says that this node has stopped: nobody waits for it any more.
pub fn leave(tx: &mut Tx<'_>, node: &str) -> Result<()> {
    tx.execute("DELETE FROM node WHERE name = $1", params![node])?;
    Ok(())
}

/// Nodes that were seen lately.
pub fn nodes(tx: &mut Tx<'_>, now: i64) -> Result<Vec<Node>> {
    let rows = tx.rows(
        "SELECT name, keys, sealing, seen_at FROM node WHERE seen_at >= $1 ORDER BY name",
        params![now - NODE_SILENT_MS],
        |row| Ok((row.get(0)?, row.get::<String>(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let node = |(name, keys, sealing, seen_at): (String, String, i64, i64)| {
        let keys = serde_json::from_str(&keys).map_err(|_| Error::damaged("the keys of a node"))?;
        Ok(Node { name, keys, sealing, seen_at })
    };
    rows.into_iter().map(node).collect()
}

/// Whether the actor may begin a rotation now; the highest number of a key so far.
pub fn may_begin(tx: &mut Tx<'_>, actor: &Actor) -> Result<i64> {
    access::require_path(tx, actor, paths::SYSTEM_MODIFY)?;
    let known = keys(tx)?;
    let current = known.iter().find(|key| key.state == KeyState::Current).map_or(0, |key| key.number);
    let pending = known.iter().find(|key| key.state == KeyState::Pending).map(|key| key.number);
    if let Some(number) = pending.or(jobs::live(tx, JobKind::Rekey, current)?.map(|_| current)) {
        let sentence = format!("the rotation to master key {number} is under way: it goes on by itself, also after a restart");
        return Err(Refusal::Conflict(sentence).into());
    }
    Ok(known.iter().map(|key| key.number).max().unwrap_or(0))
}

/// Begins a rotation to a key that is kept already. The rest is the work of a job.
pub fn begin(tx: &mut Tx<'_>, actor: &Actor, next: &KeyMark, now: i64) -> Result<()> {
    let highest = may_begin(tx, actor)?;
    if next.number <= highest {
        return Err(Refusal::Conflict("somebody else has begun a rotation meanwhile".into()).into());
    }
    let before = keys(tx)?.into_iter().find(|key| key.state == KeyState::Current).map(|key| key.number);
    tx.execute(
        "INSERT INTO master_key (number, check_value, created_at, state) VALUES ($1, $2, $3, 'pending')",
        params![next.number, &next.check_value, now],
    )?;
    jobs::enqueue(tx, JobKind::Rekey, next.number, now, now)?;
    let payload = json!({ "before": { "master_key": before }, "after": { "master_key": next.number } });
    events::append(tx, actor, now, NewEvent::new(names::MASTER_KEY_CREATED, object(next.number, &name(next.number)), payload))?;
    Ok(())
}

/// Makes the job's key current, if every live node holds it.
pub fn activate(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, now: i64) -> Result<Step> {
    jobs::require_lease(tx, lease)?;
    let known = keys(tx)?;
    let state = known.iter().find(|key| key.number == lease.object).map(|key| key.state);
    if state != Some(KeyState::Pending) {
        return Ok(Step::Ready);
    }
    let without: Vec<String> =
        nodes(tx, now)?.into_iter().filter(|node| !node.keys.contains(&lease.object)).map(|node| node.name).collect();
    if !without.is_empty() {
        return Ok(Step::WaitsFor(without));
    }
    tx.execute("UPDATE master_key SET state = 'retired' WHERE state = 'current'", params![])?;
    tx.execute("UPDATE master_key SET state = 'current' WHERE number = $1", params![lease.object])?;
    let before = known.iter().find(|key| key.state == KeyState::Current).map(|key| key.number);
    let payload = json!({ "before": { "current": before }, "after": { "current": lease.object } });
    let name = name(lease.object);
    events::append(tx, actor, now, NewEvent::new(names::MASTER_KEY_ACTIVATED, object(lease.object, &name), payload))?;
    Ok(Step::Ready)
}

fn behind(tx: &mut Tx<'_>, current: i64) -> Result<bool> {
    let one: Option<i64> = tx.one("SELECT id FROM secret WHERE master < $1 LIMIT 1", params![current], |row| row.get(0))?;
    Ok(one.is_some())
}

/// The next secrets that are sealed under an older key than `to`.
pub fn chunk(tx: &mut Tx<'_>, to: i64) -> Result<Vec<WrappedRow>> {
    let rows = tx.rows(
        "SELECT id, uuid, kind, master, wrapped_key FROM secret WHERE master < $1 ORDER BY master, id LIMIT $2",
        params![to, CHUNK],
        |row| {
            Ok(WrappedRow {
                id: row.get(0)?,
                uuid: row.get(1)?,
                kind: row.get(2)?,
                master: row.get(3)?,
                wrapped_key: row.get(4)?,
            })
        },
    )?;
    Ok(rows)
}

/// Wraps the data keys anew, outside any transaction.
pub fn rewrap(custody: &Custody, entropy: &dyn Entropy, rows: Vec<WrappedRow>, to: i64) -> Result<Vec<Rewrapped>> {
    let one = |row: WrappedRow| Ok(Rewrapped { wrapped_key: custody.rewrap(entropy, &row, to)?, row, to });
    rows.into_iter().map(one).collect()
}

/// Records a chunk. What was destroyed or wrapped anew by another node meanwhile is left alone.
pub fn record(tx: &mut Tx<'_>, lease: &Lease, chunk: &[Rewrapped]) -> Result<()> {
    jobs::require_lease(tx, lease)?;
    let lists: Vec<_> = chunk
        .iter()
        .map(|one| {
            let Rewrapped { row, to, wrapped_key } = one;
            [(*to).into(), wrapped_key.into(), row.id.into(), row.master.into(), (&row.wrapped_key).into()]
        })
        .collect::<Vec<[certhold_store::Value<'_>; 5]>>();
    tx.execute_many(
        "UPDATE secret SET master = $1, wrapped_key = $2 WHERE id = $3 AND master = $4 AND wrapped_key = $5",
        &lists,
    )?;
    Ok(())
}

/// Ends the rotation, if nothing is sealed under an older key and every live node seals under the new one.
pub fn finish(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, now: i64) -> Result<Step> {
    jobs::require_lease(tx, lease)?;
    let late = nodes(tx, now)?.into_iter().filter(|node| node.sealing < lease.object).map(|node| node.name);
    let late: Vec<String> = late.collect();
    if !late.is_empty() || behind(tx, lease.object)? {
        return Ok(Step::WaitsFor(late));
    }
    let secrets: Option<i64> = tx.one("SELECT count(*) FROM secret", params![], |row| row.get(0))?;
    let payload = json!({ "secrets": secrets, "attempts": lease.attempts });
    let name = name(lease.object);
    events::append(tx, actor, now, NewEvent::new(names::MASTER_KEY_ROTATED, object(lease.object, &name), payload))?;
    jobs::finish(tx, lease, now)?;
    Ok(Step::Ready)
}

/// Lets go of an old key that nothing needs any more. Backups made under it open only with a copy of it.
pub fn forget(tx: &mut Tx<'_>, actor: &Actor, number: i64, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::SYSTEM_MODIFY)?;
    let known = keys(tx)?;
    let key = known.iter().find(|key| key.number == number).ok_or_else(|| Refusal::not_found("master key", number))?;
    let refuse = |sentence: String| Err(Refusal::Conflict(sentence).into());
    match key.state {
        KeyState::Forgotten => return Ok(()),
        KeyState::Current => return refuse(format!("master key {number} is the current one: rotate to another one first")),
        KeyState::Pending => return refuse(format!("the rotation to master key {number} is under way")),
        KeyState::Retired => {}
    }
    if is_used(tx, number)? {
        return refuse(format!("secrets are still sealed under master key {number}: the rotation wraps them anew"));
    }
    tx.execute("UPDATE master_key SET state = 'forgotten' WHERE number = $1", params![number])?;
    let payload = json!({ "before": { "state": "retired" }, "after": { "state": "forgotten" } });
    events::append(tx, actor, now, NewEvent::new(names::MASTER_KEY_FORGOTTEN, object(number, &name(number)), payload))?;
    Ok(())
}

/// Master keys, nodes, and how far a rotation is.
pub fn status(tx: &mut Tx<'_>, actor: &Actor, now: i64) -> Result<Status> {
    access::require_path(tx, actor, paths::SYSTEM_READ)?;
    let mut shown = Vec::new();
    let mut running = None;
    for key in keys(tx)? {
        let sql = "SELECT count(*) FROM secret WHERE master = $1";
        let secrets = tx.one(sql, params![key.number], |row| row.get(0))?.unwrap_or(0);
        if let Some(job) = jobs::live(tx, JobKind::Rekey, key.number)? {
            running = Some(job.error);
        }
        shown.push(KeyStatus { key, secrets });
    }
    let keys = shown;
    Ok(Status { keys, nodes: nodes(tx, now)?, running })
}

/// The sentence with which a job waits.
pub fn waiting(nodes: &[String]) -> String {
    let list: String = nodes.join(", ").chars().take(limits::ERROR_CHARS / 2).collect();
    match nodes.is_empty() {
        true => "waits for secrets that were sealed meanwhile".to_owned(),
        false => format!("waits until these nodes hold the new master key and seal with it: {list}"),
    }
}

fn name(number: i64) -> String {
    format!("master key {number}")
}

fn object(number: i64, name: &str) -> Object<'_> {
    Object::new("master_key", number, name)
}
