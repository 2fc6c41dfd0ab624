//! What the home page tells: what expires when, what failed, what has no owner.

use certhold_store::{Row, Tx, params};

use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::Result;
use crate::ids::CertificateId;
use crate::inventory::{self, Field, Summary};
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

/// What somebody should look at now: certificates that have expired or end soon, and that nothing renews in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Urgent {
    /// Those that have expired, the latest first, then those that end, the next first.
    pub certificates: Vec<Summary>,
    /// Whether there are more.
    pub has_more: bool,
    /// From when on, unix milliseconds.
    pub from: i64,
    /// Before when, unix milliseconds.
    pub before: i64,
}

/// For so long what has expired is shown as urgent.
const JUST_EXPIRED: i64 = 30 * 86_400_000;

/// The certificates nearest to their end on either side, at most `limit`: unmanaged ones, and those in service of managed certificates that have
/// expired, or whose renewal fails or is paused (for whoever may see renewals). Not what is revoked.
pub fn urgent(tx: &mut Tx<'_>, actor: &Actor, now: i64, limit: usize) -> Result<Urgent> {
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    let (from, before) = (now - JUST_EXPIRED, now + WEEK);
    let rows = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let alone = "SELECT id, not_after FROM certificate WHERE lineage IS NULL AND revoked_at IS NULL \
                 AND not_after >= $1 AND not_after < $2 ORDER BY not_after";
    let in_service = "SELECT lineage.current, lineage.ends_at FROM lineage CROSS JOIN certificate \
                      WHERE certificate.id = lineage.current AND certificate.revoked_at IS NULL \
                      AND lineage.ends_at >= $1 AND lineage.ends_at < $2";
    let mut found = Vec::new();
    for (order, from, before) in [(" DESC", from, now), ("", now, before)] {
        // Where all of many certificates are managed, a count spares a walk over their versions, unless one that nobody manages ends then.
        if inventory::unmanaged(tx, Some(from), Some(before))? > 0 {
            found.extend(ends(tx, &format!("{alone}{order}"), (from, before), rows)?);
        }
    }
    found.extend(ends(tx, &format!("{in_service} ORDER BY lineage.ends_at DESC"), (from, now), rows)?);
    if access::allows(tx, actor, paths::RENEWAL_READ)? {
        let halted = format!("{in_service} AND (lineage.failures > 0 OR lineage.state <> 'active') ORDER BY lineage.ends_at");
        found.extend(ends(tx, &halted, (now, before), rows)?);
    }
    found.sort_by_key(|(ends, id)| (ends.abs_diff(now), id.0));
    let has_more = found.len() > limit;
    found.truncate(limit);
    found.sort_by_key(|(ends, id)| (*ends >= now, ends.abs_diff(now), id.0));
    let certificates = found.into_iter().map(|(_, id)| inventory::summary(tx, actor, id)).collect::<Result<_>>()?;
    Ok(Urgent { certificates, has_more, from, before })
}

/// When certificates end, and which they are: the first rows.
fn ends(tx: &mut Tx<'_>, sql: &str, (from, before): (i64, i64), rows: i64) -> Result<Vec<(i64, CertificateId)>> {
    let read = |row: &Row<'_>| Ok((row.get::<i64>(1)?, CertificateId(row.get(0)?)));
    Ok(tx.rows(&format!("{sql} LIMIT $3"), params![from, before, rows], read)?)
}

fn buckets(now: i64) -> Vec<Bucket> {
    let empty = |from, before| Bucket { from, before, unmanaged: 0, managed: 0 };
    let mut buckets = vec![empty(None, Some(now))];
    buckets.extend((0..WEEKS).map(|week| empty(Some(now + week * WEEK), Some(now + (week + 1) * WEEK))));
    buckets.push(empty(Some(now + WEEKS * WEEK), None));
    buckets
}
