//! How far the log was delivered to somebody outside. One node delivers at a time, in order, and records how far it came only
//! after the other side has taken what was sent: after a crash events may be sent twice, and none is left out.

use certhold_store::{Tx, params};

use super::list::{self, Event, EventFilter};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::Result;
use crate::limits;

/// Where a delivery stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// To whom.
    pub name: String,
    /// The last event that was delivered.
    pub seq: i64,
    /// Events that wait.
    pub waiting: i64,
    /// Why the last try failed.
    pub error: Option<String>,
    /// When something was last delivered or tried, unix milliseconds.
    pub updated_at: i64,
}

/// How long a node keeps the right to deliver without using it.
const LEASE_MS: i64 = 60_000;
/// Numbers that one delivery goes through.
const STEP: i64 = 500;

/// Takes or keeps the right to deliver; the last number that was delivered. `None` while another node has it. A delivery that
/// is new begins with the first event.
pub fn take(tx: &mut Tx<'_>, name: &str, holder: &str, now: i64) -> Result<Option<i64>> {
    let taken = tx.one(
        "INSERT INTO event_cursor (name, seq, holder, lease_until, updated_at) VALUES ($1, 0, $2, $3, $4) \
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until \
         WHERE event_cursor.holder = excluded.holder OR event_cursor.lease_until < excluded.updated_at RETURNING seq",
        params![name, holder, now + LEASE_MS, now],
        |row| row.get(0),
    )?;
    Ok(taken)
}

/// The next events to deliver, and the number that they reach to.
pub fn next(tx: &mut Tx<'_>, after: i64) -> Result<(Vec<Event>, i64)> {
    let (events, _) = list::step(tx, &EventFilter::default(), after, STEP)?;
    let reach = events.last().map_or(after, |event| event.seq);
    Ok((events, reach))
}

/// Records that events up to `seq` were taken, or why they were not. A node that lost the right records nothing.
pub fn record(tx: &mut Tx<'_>, name: &str, holder: &str, seq: i64, error: Option<&str>, now: i64) -> Result<bool> {
    let error = error.map(|text| text.chars().take(limits::ERROR_CHARS).collect::<String>());
    let changed = tx.execute(
        "UPDATE event_cursor SET seq = $1, error = $2, updated_at = $3, lease_until = $4 WHERE name = $5 AND holder = $6",
        params![seq, error, now, now + LEASE_MS, name, holder],
    )?;
    Ok(changed > 0)
}

/// Where every delivery stands.
pub fn cursors(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Cursor>> {
    access::require_path(tx, actor, paths::SYSTEM_READ)?;
    let last: Option<i64> = tx.one("SELECT seq FROM event ORDER BY seq DESC LIMIT 1", params![], |row| row.get(0))?;
    let last = last.unwrap_or(0);
    let found = tx.rows("SELECT name, seq, error, updated_at FROM event_cursor ORDER BY name", params![], |row| {
        let seq: i64 = row.get(1)?;
        Ok(Cursor { name: row.get(0)?, seq, waiting: last - seq, error: row.get(2)?, updated_at: row.get(3)? })
    })?;
    Ok(found)
}
