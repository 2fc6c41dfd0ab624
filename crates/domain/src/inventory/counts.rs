//! Counts that are kept as certificates come and go, so that nobody counts a million rows: by the values of fields, by owner,
//! and by the day on which validity ends.

use std::collections::BTreeMap;

use certhold_store::{Tx, Value, params};

use super::fields::Field;
use crate::error::Result;
use crate::ids::{CertificateId, LineageId, RoleId};

const DAY_MS: i64 = 86_400_000;

/// Changes to the counts, added up before they are written.
#[derive(Default)]
pub(crate) struct Counts {
    fields: BTreeMap<(i64, String), i64>,
    days: BTreeMap<i64, i64>,
}

impl Counts {
    pub(crate) fn add(&mut self, field: Field, value: &str, change: i64) {
        match self.fields.get_mut(&(field.number(), value.to_owned())) {
            Some(count) => *count += change,
            None => drop(self.fields.insert((field.number(), value.to_owned()), change)),
        }
    }

    /// Certificates of this owner, or of nobody.
    pub(crate) fn owned(&mut self, owner: Option<RoleId>, change: i64) {
        let role = owner.map(|role| role.to_string()).unwrap_or_default();
        self.add(Field::Owner, &role, change);
    }

    /// Certificates that nobody manages and whose validity ends then.
    pub(crate) fn expires(&mut self, not_after: i64, change: i64) {
        *self.days.entry(not_after.div_euclid(DAY_MS)).or_default() += change;
    }

    pub(crate) fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        let fields: Vec<[Value<'_>; 3]> = self
            .fields
            .iter()
            .filter(|(_, change)| **change != 0)
            .map(|((field, value), change)| [field.into(), value.into(), change.into()])
            .collect();
        tx.execute_many(
            "INSERT INTO facet (field, value, count) VALUES ($1, $2, $3) \
             ON CONFLICT (field, value) DO UPDATE SET count = facet.count + excluded.count",
            &fields,
        )?;
        let days: Vec<[Value<'_>; 2]> =
            self.days.iter().filter(|(_, change)| **change != 0).map(|(day, change)| [day.into(), change.into()]).collect();
        tx.execute_many(
            "INSERT INTO expiry_day (day, unmanaged) VALUES ($1, $2) \
             ON CONFLICT (day) DO UPDATE SET unmanaged = expiry_day.unmanaged + excluded.unmanaged",
            &days,
        )?;
        Ok(())
    }
}

/// Makes a certificate a version of a managed one.
pub(crate) fn set_version(tx: &mut Tx<'_>, id: CertificateId, lineage: LineageId, version: i64) -> Result<()> {
    let found = tx.one("SELECT lineage, not_after FROM certificate WHERE id = $1", params![id], |row| {
        Ok((row.get::<Option<i64>>(0)?, row.get::<i64>(1)?))
    })?;
    tx.execute("UPDATE certificate SET lineage = $1, version = $2 WHERE id = $3", params![lineage, version, id])?;
    let mut counts = Counts::default();
    if let Some((None, not_after)) = found {
        counts.expires(not_after, -1);
    }
    counts.write(tx)
}

/// Makes all versions of a managed certificate certificates like others.
pub(crate) fn forget_versions(tx: &mut Tx<'_>, lineage: LineageId) -> Result<()> {
    let mut counts = Counts::default();
    tx.each("SELECT not_after FROM certificate WHERE lineage = $1", params![lineage], |row| {
        counts.expires(row.get(0)?, 1);
        Ok(())
    })?;
    tx.execute("UPDATE certificate SET lineage = NULL, version = NULL WHERE lineage = $1", params![lineage])?;
    counts.write(tx)
}

/// Gives a certificate to another owner, or to nobody; the caller has decided and records the event.
pub(crate) fn set_owner(tx: &mut Tx<'_>, id: CertificateId, from: Option<RoleId>, to: Option<RoleId>) -> Result<()> {
    set_owners(tx, &[(id, from)], to)
}

/// Gives certificates, each with its owner so far, to another owner, or to nobody.
pub(crate) fn set_owners(tx: &mut Tx<'_>, certificates: &[(CertificateId, Option<RoleId>)], to: Option<RoleId>) -> Result<()> {
    let lists: Vec<[Value<'_>; 2]> = certificates.iter().map(|(id, _)| [to.into(), (*id).into()]).collect();
    tx.execute_many("UPDATE certificate SET owner_role = $1 WHERE id = $2", &lists)?;
    // The next version of a managed certificate inherits its owner from here.
    tx.execute_many("UPDATE lineage SET owner_role = $1 WHERE current = $2", &lists)?;
    let mut counts = Counts::default();
    for (_, from) in certificates {
        counts.owned(*from, -1);
        counts.owned(to, 1);
    }
    counts.write(tx)
}

/// A value and how many certificates have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// As it stands in the certificates; a role's id for owners, empty for nobody.
    pub value: String,
    /// Certificates.
    pub count: i64,
}

/// The most frequent values of a counted field.
pub(crate) fn most(tx: &mut Tx<'_>, field: Field, limit: usize) -> Result<Vec<Counted>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let read = |row: &certhold_store::Row<'_>| Ok(Counted { value: row.get(0)?, count: row.get(1)? });
    let sql = "SELECT value, count FROM facet WHERE field = $1 AND count > 0 ORDER BY count DESC, value LIMIT $2";
    Ok(tx.rows(sql, params![field.number(), limit], read)?)
}

/// How many certificates have this value.
pub(crate) fn of(tx: &mut Tx<'_>, field: Field, value: &str) -> Result<i64> {
    let sql = "SELECT count FROM facet WHERE field = $1 AND value = $2";
    Ok(tx.one(sql, params![field.number(), value], |row| row.get(0))?.unwrap_or(0))
}

/// Certificates that nobody manages and whose validity ends from `from` on and before `before`, unix milliseconds: whole days
/// from the counts, the days at both ends row by row.
pub(crate) fn unmanaged(tx: &mut Tx<'_>, from: Option<i64>, before: Option<i64>) -> Result<i64> {
    let first = from.map_or(i64::MIN, |from| from.div_euclid(DAY_MS) + i64::from(from.rem_euclid(DAY_MS) != 0));
    let last = before.map_or(i64::MAX, |before| before.div_euclid(DAY_MS));
    if first > last {
        return rows(tx, from.unwrap_or(i64::MIN), before.unwrap_or(i64::MAX));
    }
    let days = "SELECT CAST(coalesce(sum(unmanaged), 0) AS BIGINT) FROM expiry_day WHERE day >= $1 AND day < $2";
    let whole: i64 = tx.one(days, params![first, last], |row| row.get(0))?.unwrap_or(0);
    let begin = from.map(|from| rows(tx, from, first * DAY_MS)).transpose()?.unwrap_or(0);
    let end = before.map(|before| rows(tx, last * DAY_MS, before)).transpose()?.unwrap_or(0);
    Ok(whole + begin + end)
}

fn rows(tx: &mut Tx<'_>, from: i64, before: i64) -> Result<i64> {
    if from >= before {
        return Ok(0);
    }
    let sql = "SELECT count(*) FROM certificate WHERE lineage IS NULL AND not_after >= $1 AND not_after < $2";
    Ok(tx.one(sql, params![from, before], |row| row.get(0))?.unwrap_or(0))
}
