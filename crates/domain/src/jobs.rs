//! Durable work: a row with a lease, enqueued in the transaction that wants it.
//!
//! A job is known by its kind and object; at most one of each is alive. A lease carries a fencing number: every step that a
//! worker records names it, so that a worker which lost its lease writes nothing. Jobs are idempotent.

use certhold_store::{Tx, params};

use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::ids::JobId;
use crate::limits;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Obtain the next version of a managed certificate (object: lineage).
    Renew,
    /// Install the current version somewhere (object: deployment).
    Deploy,
    /// Withdraw the TXT values of an order (object: order).
    Withdraw,
    /// Wrap the data keys of all secrets under another master key (object: its number).
    Rekey,
    /// Erase the contents of events that are older than retention keeps them (object: 0).
    Retention,
    /// Edit many certificates (object: bulk edit).
    BulkEdit,
    /// Make the next revocation list (object: private authority).
    RevocationList,
    /// Do what is asked for with a certificate store (object: store).
    Store,
    /// Ask the issuer of a certificate to revoke it (object: certificate).
    Revoke,
}

impl JobKind {
    /// The name kept.
    pub fn name(self) -> &'static str {
        match self {
            JobKind::Renew => "renew",
            JobKind::Deploy => "deploy",
            JobKind::Withdraw => "withdraw",
            JobKind::Rekey => "rekey",
            JobKind::Retention => "retention",
            JobKind::BulkEdit => "bulk_edit",
            JobKind::RevocationList => "revocation_list",
            JobKind::Store => "store",
            JobKind::Revoke => "revoke",
        }
    }

    fn parse(name: &str) -> Result<JobKind> {
        let kinds = [
            JobKind::Renew,
            JobKind::Deploy,
            JobKind::Withdraw,
            JobKind::Rekey,
            JobKind::Retention,
            JobKind::BulkEdit,
            JobKind::RevocationList,
            JobKind::Store,
            JobKind::Revoke,
        ];
        kinds.into_iter().find(|kind| kind.name() == name).ok_or_else(|| Error::damaged(format!("job kind {name:?}")))
    }
}

/// The right to work on a job until it ends, is put off, or the lease runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// What is to be done.
    pub kind: JobKind,
    /// To what.
    pub object: i64,
    /// Fencing number: grows with every claim.
    pub fence: i64,
    /// How often it was claimed.
    pub attempts: i64,
}

/// A job as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its handle.
    pub id: JobId,
    /// What is to be done.
    pub kind: JobKind,
    /// To what.
    pub object: i64,
    /// "waiting", "running" or "done".
    pub state: String,
    /// Not before, unix milliseconds.
    pub due_at: i64,
    /// How often it was claimed.
    pub attempts: i64,
    /// Why it was put off last.
    pub error: Option<String>,
}

/// Wants a job done from `due_at` on. If it is waiting already it is done at the earlier of both; if it runs, nothing changes.
/// Says whether it was added.
pub fn enqueue(tx: &mut Tx<'_>, kind: JobKind, object: i64, due_at: i64, now: i64) -> Result<bool> {
    let attempts: Option<i64> = tx.one(
        "INSERT INTO job (kind, object, state, due_at, attempts, fence, created_at) VALUES ($1, $2, 'waiting', $3, 0, 0, $4) \
         ON CONFLICT (kind, object) WHERE state = 'waiting' OR state = 'running' DO UPDATE SET due_at = \
         CASE WHEN excluded.due_at < job.due_at THEN excluded.due_at ELSE job.due_at END RETURNING created_at",
        params![kind.name(), object, due_at, now],
        |row| row.get(0),
    )?;
    Ok(attempts == Some(now))
}

/// Whether a job of this kind is waiting or running for an object, and its row.
pub fn live(tx: &mut Tx<'_>, kind: JobKind, object: i64) -> Result<Option<Job>> {
    let found = tx.one(
        "SELECT id, kind, object, state, due_at, attempts, error FROM job \
         WHERE kind = $1 AND object = $2 AND (state = 'waiting' OR state = 'running')",
        params![kind.name(), object],
        read,
    )?;
    found.map(shown).transpose()
}

/// Whether [`claim`] would find something: a cheap look before taking the write lock.
pub fn due(tx: &mut Tx<'_>, now: i64) -> Result<bool> {
    let waiting: Option<i64> =
        tx.one("SELECT id FROM job WHERE state = 'waiting' AND due_at <= $1 LIMIT 1", params![now], |row| row.get(0))?;
    if waiting.is_some() {
        return Ok(true);
    }
    let lapsed: Option<i64> =
        tx.one("SELECT id FROM job WHERE state = 'running' AND lease_until <= $1 LIMIT 1", params![now], |row| row.get(0))?;
    Ok(lapsed.is_some())
}

/// Claims the job that is due longest, or one whose lease has run out.
pub fn claim(tx: &mut Tx<'_>, holder: &str, now: i64) -> Result<Option<Lease>> {
    let waiting: Option<i64> =
        tx.one("SELECT id FROM job WHERE state = 'waiting' AND due_at <= $1 ORDER BY due_at LIMIT 1", params![now], |row| {
            row.get(0)
        })?;
    let id = match waiting {
        Some(id) => Some(id),
        None => {
            tx.one("SELECT id FROM job WHERE state = 'running' AND lease_until <= $1 LIMIT 1", params![now], |row| row.get(0))?
        }
    };
    match id {
        Some(id) => lease(tx, id, holder, now).map(Some),
        None => Ok(None),
    }
}

/// [`claim`] for one job, by kind and object: for a command that does one thing and no other.
pub fn claim_one(tx: &mut Tx<'_>, kind: JobKind, object: i64, holder: &str, now: i64) -> Result<Option<Lease>> {
    let id: Option<i64> = tx.one(
        "SELECT id FROM job WHERE kind = $1 AND object = $2 AND (state = 'waiting' OR state = 'running') \
         AND (state = 'waiting' OR lease_until <= $3)",
        params![kind.name(), object, now],
        |row| row.get(0),
    )?;
    match id {
        Some(id) => lease(tx, id, holder, now).map(Some),
        None => Ok(None),
    }
}

fn lease(tx: &mut Tx<'_>, id: i64, holder: &str, now: i64) -> Result<Lease> {
    let claimed = tx.one(
        "UPDATE job SET state = 'running', fence = fence + 1, attempts = attempts + 1, holder = $1, lease_until = $2 WHERE id = $3 \
         RETURNING kind, object, fence, attempts",
        params![holder, now + limits::LEASE_MS, id],
        |row| Ok((row.get::<String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let (kind, object, fence, attempts) = claimed.ok_or_else(|| Error::damaged("a job vanished while it was claimed"))?;
    Ok(Lease { job: JobId(id), kind: JobKind::parse(&kind)?, object, fence, attempts })
}

/// Extends a lease (heartbeat).
pub fn extend(tx: &mut Tx<'_>, lease: &Lease, now: i64) -> Result<()> {
    require_lease(tx, lease)?;
    tx.execute("UPDATE job SET lease_until = $1 WHERE id = $2", params![now + limits::LEASE_MS, lease.job])?;
    Ok(())
}

/// Refuses when the lease is no longer held: the first thing every recorded step does.
pub fn require_lease(tx: &mut Tx<'_>, lease: &Lease) -> Result<()> {
    let held: Option<i64> = tx.one(
        "SELECT id FROM job WHERE id = $1 AND fence = $2 AND state = 'running'",
        params![lease.job, lease.fence],
        |row| row.get(0),
    )?;
    held.map(|_| ()).ok_or_else(|| Refusal::LeaseLost(lease.job.0).into())
}

/// Ends a job.
pub fn finish(tx: &mut Tx<'_>, lease: &Lease, now: i64) -> Result<()> {
    require_lease(tx, lease)?;
    tx.execute(
        "UPDATE job SET state = 'done', finished_at = $1, lease_until = NULL, error = NULL WHERE id = $2",
        params![now, lease.job],
    )?;
    Ok(())
}

/// Puts a job off: instead of sleeping while something outside takes its time, or after a failure (with its reason).
pub fn put_off(tx: &mut Tx<'_>, lease: &Lease, due_at: i64, error: Option<&str>) -> Result<()> {
    require_lease(tx, lease)?;
    let error = error.map(|text| text.chars().take(limits::ERROR_CHARS).collect::<String>());
    tx.execute(
        "UPDATE job SET state = 'waiting', due_at = $1, lease_until = NULL, error = $2 WHERE id = $3",
        params![due_at, error, lease.job],
    )?;
    Ok(())
}

/// At start: a node that was killed takes back what it held, without waiting for its leases to run out.
pub fn release_all(tx: &mut Tx<'_>, holder: &str, now: i64) -> Result<u64> {
    let released = tx.execute(
        "UPDATE job SET state = 'waiting', due_at = $1, lease_until = NULL, fence = fence + 1 WHERE state = 'running' AND holder = $2",
        params![now, holder],
    )?;
    Ok(released)
}

/// Housekeeping: forgets jobs that ended long ago.
pub fn purge_done(tx: &mut Tx<'_>, before: i64) -> Result<u64> {
    Ok(tx.execute("DELETE FROM job WHERE state = 'done' AND finished_at < $1", params![before])?)
}

/// What waits and runs, by due time.
pub fn list(tx: &mut Tx<'_>, actor: &Actor, limit: usize) -> Result<Vec<Job>> {
    access::require_path(tx, actor, paths::SYSTEM_READ)?;
    let limit = i64::try_from(limit.clamp(1, limits::PAGE_ROWS)).unwrap_or(i64::MAX);
    let rows = tx.rows(
        "SELECT id, kind, object, state, due_at, attempts, error FROM job WHERE state = 'waiting' OR state = 'running' \
         ORDER BY due_at, id LIMIT $1",
        params![limit],
        read,
    )?;
    rows.into_iter().map(shown).collect()
}

/// How many jobs wait (due or not) and run, for metrics.
pub fn counts(tx: &mut Tx<'_>) -> Result<(i64, i64)> {
    let count = |tx: &mut Tx<'_>, state: &str| -> Result<i64> {
        Ok(tx.one("SELECT count(*) FROM job WHERE state = $1", params![state], |row| row.get(0))?.unwrap_or(0))
    };
    Ok((count(tx, "waiting")?, count(tx, "running")?))
}

type JobRow = (i64, String, i64, String, i64, i64, Option<String>);

fn read(row: &certhold_store::Row<'_>) -> Result<JobRow, certhold_store::Error> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
}

fn shown((id, kind, object, state, due_at, attempts, error): JobRow) -> Result<Job> {
    Ok(Job { id: JobId(id), kind: JobKind::parse(&kind)?, object, state, due_at, attempts, error })
}
