//! What the home page tells: what expires when, what failed, what has no owner.

use certhold_store::{Tx, params};

use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::Result;
use crate::inventory::{self, Field};
use crate::renewal::managed::{self, Managed, ManagedFilter};

/// Certificates whose validity ends in one stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// From (inclusive), unix milliseconds; `None` for ever before.
    pub from: Option<i64>,
    /// Before, unix milliseconds; `None` for ever after.
    pub before: Option<i64>,
    /// Certificates that somebody must renew by hand.
    pub unmanaged: i64,
    /// Current versions of managed certificates.
    pub managed: i64,
}

/// Everything at one glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Certificates held.
    pub certificates: i64,
    /// Managed certificates.
    pub managed: i64,
    /// Expired ones that nothing has replaced.
    pub expired: i64,
    /// Certificates nobody owns.
    pub without_owner: i64,
    /// Expired, then thirteen weeks, then later.
    pub expiry: Vec<Bucket>,
    /// Managed certificates in trouble, the first ones; `None` for whoever may not read renewals.
    pub troubled: Option<Vec<Managed>>,
}

const WEEK: i64 = 7 * 86_400_000;
/// Weeks shown one by one.
pub const WEEKS: i64 = 13;
/// Managed certificates in trouble that are shown.
const TROUBLED: usize = 20;

/// The overview, as far as the actor may see it.
pub fn overview(tx: &mut Tx<'_>, actor: &Actor, now: i64) -> Result<Overview> {
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    let mut expiry = buckets(now);
    for bucket in &mut expiry {
        bucket.unmanaged = inventory::unmanaged(tx, bucket.from, bucket.before)?;
        bucket.managed = inventory::in_service(tx, bucket.from, bucket.before)?;
    }
    // Those of which no version was obtained yet end never.
    let sql = "SELECT count(*) FROM lineage WHERE ends_at IS NULL";
    let without: i64 = tx.one(sql, params![], |row| row.get(0))?.unwrap_or(0);
    let managed = expiry.iter().map(|bucket| bucket.managed).sum::<i64>() + without;
    let troubled = if access::allows(tx, actor, paths::RENEWAL_READ)? {
        let filter = ManagedFilter { troubled: true, after: None, limit: TROUBLED };
        Some(managed::list(tx, actor, &filter, now)?.managed)
    } else {
        None
    };
    Ok(Overview {
        certificates: inventory::count_all(tx)?,
        managed,
        expired: expiry.first().map_or(0, |bucket| bucket.unmanaged + bucket.managed),
        without_owner: inventory::with_value(tx, Field::Owner, "")?,
        expiry,
        troubled,
    })
}

fn buckets(now: i64) -> Vec<Bucket> {
    let empty = |from, before| Bucket { from, before, unmanaged: 0, managed: 0 };
    let mut buckets = vec![empty(None, Some(now))];
    buckets.extend((0..WEEKS).map(|week| empty(Some(now + week * WEEK), Some(now + (week + 1) * WEEK))));
    buckets.push(empty(Some(now + WEEKS * WEEK), None));
    buckets
}
