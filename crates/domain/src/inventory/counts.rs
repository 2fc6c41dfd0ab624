//! Counts that are kept as certificates come and go, so that nobody counts a million rows: by the values of fields, by owner,
//! and by the day on which validity ends.

use std::collections::{BTreeMap, HashSet};

use certhold_store::{Tx, Value, params};

use super::conditions::LEADING;
use super::fields::{Field, fold, term};
use crate::error::Result;
use crate::ids::{CertificateId, LineageId, RoleId};

const DAY_MS: i64 = 86_400_000;

/// A value that so many certificates have is not indexed certificate by certificate any more: whoever looks for it finds some on
/// every page, and a list of so many leads no search. Nearly all entries of an index of everything would be of such values.
const FREQUENT: i64 = 2 * LEADING;

/// Values whose terms are completed in one transaction.
const CHUNK: i64 = 512;

/// Changes to the counts, added up before they are written.
#[derive(Default)]
pub(crate) struct Counts {
    fields: BTreeMap<Field, BTreeMap<String, i64>>,
    /// Of each day, those that nobody manages, versions of managed ones, and the current ones of these.
    days: BTreeMap<i64, [i64; 3]>,
}

impl Counts {
    pub(crate) fn add(&mut self, field: Field, value: &str, change: i64) {
        let values = self.fields.entry(field).or_default();
        match values.get_mut(value) {
            Some(count) => *count += change,
            None => drop(values.insert(value.to_owned(), change)),
        }
    }

    fn fields(&self) -> impl Iterator<Item = (Field, &str, i64)> {
        self.fields.iter().flat_map(|(field, values)| values.iter().map(|(value, change)| (*field, value.as_str(), *change)))
    }

    /// Which of these values are frequent: their terms. A value that has become so is marked, and stays marked: its list has gaps
    /// from now on.
    pub(crate) fn frequent(&self, tx: &mut Tx<'_>) -> Result<HashSet<i64>> {
        let lists: Vec<[Value<'_>; 2]> = self.fields().map(|(field, value, _)| [field.number().into(), value.into()]).collect();
        let sql = "SELECT count, frequent FROM facet WHERE field = $1 AND value = $2";
        let known = tx.one_of_each(sql, &lists, |row| Ok((row.get::<i64>(0)?, row.get::<bool>(1)?)))?;
        let mut frequent = HashSet::new();
        let mut marked: Vec<[Value<'_>; 2]> = Vec::new();
        for (((field, value, _), list), known) in self.fields().zip(lists).zip(known) {
            let Some((count, is_marked)) = known.filter(|_| field.has_terms()) else { continue };
            if is_marked || count >= FREQUENT {
                frequent.insert(term(field, &fold(value)));
            }
            if !is_marked && count >= FREQUENT {
                marked.push(list);
            }
        }
        tx.execute_many("UPDATE facet SET frequent = TRUE WHERE field = $1 AND value = $2", &marked)?;
        Ok(frequent)
    }

    /// Certificates of this owner, or of nobody.
    pub(crate) fn owned(&mut self, owner: Option<RoleId>, change: i64) {
        let role = owner.map(|role| role.to_string()).unwrap_or_default();
        self.add(Field::Owner, &role, change);
    }

    /// Certificates whose validity ends then: versions of managed ones, or such that nobody manages.
    pub(crate) fn expires(&mut self, not_after: i64, managed: bool, change: i64) {
        self.days.entry(not_after.div_euclid(DAY_MS)).or_default()[usize::from(managed)] += change;
    }

    /// Current versions of managed certificates whose validity ends then.
    pub(crate) fn in_service(&mut self, ends_at: i64, change: i64) {
        self.days.entry(ends_at.div_euclid(DAY_MS)).or_default()[2] += change;
    }

    pub(crate) fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        let changed = self.fields().filter(|(.., change)| *change != 0);
        let fields: Vec<[Value<'_>; 4]> = changed
            .map(|(field, value, change)| [field.number().into(), value.into(), change.into(), term(field, &fold(value)).into()])
            .collect();
        tx.send_many(
            "INSERT INTO facet (field, value, count, term) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (field, value) DO UPDATE SET count = facet.count + excluded.count, term = excluded.term",
            &fields,
        )?;
        // Nobody has it any more: it counts for no limit, and its index has no gaps.
        let fallen = self.fields().filter(|(.., change)| *change < 0);
        let fallen: Vec<[Value<'_>; 2]> = fallen.map(|(field, value, _)| [field.number().into(), value.into()]).collect();
        tx.send_many("DELETE FROM facet WHERE field = $1 AND value = $2 AND count <= 0", &fallen)?;
        let days = self.days.iter().filter(|(_, change)| **change != [0, 0, 0]);
        let values = |(day, [others, managed, in_service]): (&i64, &[i64; 3])| -> [Value<'static>; 4] {
            [(*day).into(), (*others).into(), (*managed).into(), (*in_service).into()]
        };
        tx.send_many(
            "INSERT INTO expiry_day (day, unmanaged, managed, in_service) VALUES ($1, $2, $3, $4) ON CONFLICT (day) DO UPDATE SET \
             unmanaged = expiry_day.unmanaged + excluded.unmanaged, managed = expiry_day.managed + excluded.managed, \
             in_service = expiry_day.in_service + excluded.in_service",
            &days.map(values).collect::<Vec<_>>(),
        )?;
        Ok(())
    }
}

/// Makes a certificate a version of a managed one: the one in service.
pub(crate) fn set_version(tx: &mut Tx<'_>, id: CertificateId, lineage: LineageId, version: i64) -> Result<()> {
    let found = tx.one("SELECT lineage, not_after, sha1 FROM certificate WHERE id = $1", params![id], |row| {
        let (lineage, not_after) = (row.get::<Option<i64>>(0)?, row.get::<i64>(1)?);
        // What was never derived is not counted yet.
        Ok((lineage.is_none() && row.get::<Option<Vec<u8>>>(2)?.is_some(), not_after))
    })?;
    tx.execute("UPDATE certificate SET lineage = $1, version = $2 WHERE id = $3", params![lineage, version, id])?;
    let mut counts = Counts::default();
    let Some((moves, not_after)) = found else { return Ok(()) };
    if moves {
        counts.expires(not_after, false, -1);
        counts.expires(not_after, true, 1);
    }
    out_of_service(tx, lineage, &mut counts)?;
    tx.execute("UPDATE lineage SET ends_at = $1 WHERE id = $2", params![not_after, lineage])?;
    counts.in_service(not_after, 1);
    counts.write(tx)
}

/// The version of a managed certificate that was in service is it no more.
fn out_of_service(tx: &mut Tx<'_>, lineage: LineageId, counts: &mut Counts) -> Result<()> {
    let ended = tx.one("SELECT ends_at FROM lineage WHERE id = $1", params![lineage], |row| row.get::<Option<i64>>(0))?;
    if let Some(ends_at) = ended.flatten() {
        counts.in_service(ends_at, -1);
    }
    Ok(())
}

/// After what is read of a certificate has changed: if it is in service, its managed certificate ends then.
pub(super) fn ends_elsewhere(tx: &mut Tx<'_>, id: CertificateId, before: i64, after: i64, counts: &mut Counts) -> Result<()> {
    if before != after && tx.execute("UPDATE lineage SET ends_at = $1 WHERE current = $2", params![after, id])? > 0 {
        counts.in_service(before, -1);
        counts.in_service(after, 1);
    }
    Ok(())
}

/// Makes all versions of a managed certificate certificates like others.
pub(crate) fn forget_versions(tx: &mut Tx<'_>, lineage: LineageId) -> Result<()> {
    let mut counts = Counts::default();
    tx.each("SELECT not_after FROM certificate WHERE lineage = $1 AND sha1 IS NOT NULL", params![lineage], |row| {
        let not_after = row.get(0)?;
        counts.expires(not_after, true, -1);
        counts.expires(not_after, false, 1);
        Ok(())
    })?;
    tx.execute("UPDATE certificate SET lineage = NULL, version = NULL WHERE lineage = $1", params![lineage])?;
    out_of_service(tx, lineage, &mut counts)?;
    counts.write(tx)
}

/// Gives a certificate to another owner, or to nobody; the caller has decided and records the event.
pub(crate) fn set_owner(tx: &mut Tx<'_>, id: CertificateId, from: Option<RoleId>, to: Option<RoleId>) -> Result<()> {
    set_owners(tx, &[(id, from)], to)
}

/// Gives certificates, each with its owner so far, to another owner, or to nobody.
pub(crate) fn set_owners(tx: &mut Tx<'_>, certificates: &[(CertificateId, Option<RoleId>)], to: Option<RoleId>) -> Result<()> {
    let lists: Vec<[Value<'_>; 2]> = certificates.iter().map(|(id, _)| [to.into(), (*id).into()]).collect();
    tx.send_many("UPDATE certificate SET owner_role = $1 WHERE id = $2", &lists)?;
    // The next version of a managed certificate inherits its owner from here.
    tx.send_many("UPDATE lineage SET owner_role = $1 WHERE current = $2", &lists)?;
    let mut counts = Counts::default();
    for (_, from) in certificates {
        counts.owned(*from, -1);
        counts.owned(to, 1);
    }
    counts.write(tx)
}

/// Gives their term to values that an earlier version counted; whether there were any.
pub(super) fn complete(tx: &mut Tx<'_>) -> Result<bool> {
    let sql = "SELECT field, value FROM facet WHERE term IS NULL LIMIT $1";
    let values = tx.rows(sql, params![CHUNK], |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)))?;
    let term_of = |number: i64, value: &str| Field::of_number(number).map_or(0, |field| term(field, &fold(value)));
    let lists: Vec<[Value<'_>; 3]> =
        values.iter().map(|(field, value)| [term_of(*field, value).into(), (*field).into(), value.into()]).collect();
    tx.execute_many("UPDATE facet SET term = $1 WHERE field = $2 AND value = $3", &lists)?;
    Ok(!values.is_empty())
}

/// What is known of a value of a field that is counted, folded.
pub(super) struct Known {
    /// Whether the index of terms has gaps for it.
    pub frequent: bool,
    /// Certificates that have it, if the counts say exactly.
    pub count: Option<i64>,
}

/// What is known of a folded value of a field.
pub(super) fn known(tx: &mut Tx<'_>, field: Field, folded: &str) -> Result<Known> {
    if !Field::COUNTED.contains(&field) {
        return Ok(Known { frequent: false, count: None });
    }
    let sql = "SELECT count, frequent FROM facet WHERE term = $1";
    let found = tx.rows(sql, params![term(field, folded)], |row| Ok((row.get::<i64>(0)?, row.get::<bool>(1)?)))?;
    let frequent = found.iter().any(|(_, frequent)| *frequent);
    let complete = tx.one("SELECT 1 FROM facet WHERE term IS NULL LIMIT 1", params![], |row| row.get::<i64>(0))?.is_none();
    // A certificate may have two spellings of one value.
    let exact = complete && (found.len() <= 1 || !field.is_multiple());
    Ok(Known { frequent, count: exact.then(|| found.iter().map(|(count, _)| count).sum()) })
}

/// A value and how many certificates have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// As it stands in the certificates; a role's id for owners, empty for nobody.
    pub value: String,
    /// Certificates.
    pub count: i64,
}

/// The most frequent values of a counted field. Spellings that differ in the case of letters only are one value, as they are for
/// every condition: told as most certificates spell it.
pub(crate) fn most(tx: &mut Tx<'_>, field: Field, limit: usize) -> Result<Vec<Counted>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // What an earlier version counted has no term until that is completed behind.
    let sql = "SELECT min(value), CAST(sum(count) AS BIGINT), count(*), term FROM facet WHERE field = $1 AND count > 0 \
        GROUP BY term, CASE WHEN term IS NULL THEN value END ORDER BY sum(count) DESC, min(value) LIMIT $2";
    let found = tx.rows(sql, params![field.number(), limit], |row| {
        let counted = Counted { value: row.get(0)?, count: row.get(1)? };
        Ok((counted, row.get::<i64>(2)?, row.get::<Option<i64>>(3)?))
    })?;
    let mut most = Vec::with_capacity(found.len());
    for (mut counted, spellings, term) in found {
        if let Some(term) = term.filter(|_| spellings > 1) {
            let sql = "SELECT value FROM facet WHERE term = $1 AND count > 0 ORDER BY count DESC, value LIMIT 1";
            counted.value = tx.one(sql, params![term], |row| row.get(0))?.unwrap_or(counted.value);
        }
        most.push(counted);
    }
    Ok(most)
}

/// Whether a value of [`Field::IssuerName`] is the common name of an issuer, as far as the index of terms knows, and does not only stand
/// in for one without.
pub(crate) fn is_issuer_name(tx: &mut Tx<'_>, value: &str) -> Result<bool> {
    // Every whole name has one.
    if !value.contains('=') {
        return Ok(true);
    }
    let sql = "SELECT certificate.id FROM certificate_term CROSS JOIN certificate WHERE certificate_term.term = $1 \
        AND certificate.id = certificate_term.certificate AND certificate.issuer_name_folded = $2 LIMIT 1";
    let folded = fold(value);
    Ok(tx.one(sql, params![term(Field::IssuerName, &folded), &folded], |row| row.get::<i64>(0))?.is_some())
}

/// How many certificates have this value.
pub(crate) fn of(tx: &mut Tx<'_>, field: Field, value: &str) -> Result<i64> {
    let sql = "SELECT count FROM facet WHERE field = $1 AND value = $2";
    Ok(tx.one(sql, params![field.number(), value], |row| row.get(0))?.unwrap_or(0))
}

/// Certificates that nobody manages and whose validity ends from `from` on and before `before`, unix milliseconds: whole days
/// from the counts, the days at both ends row by row.
pub(crate) fn unmanaged(tx: &mut Tx<'_>, from: Option<i64>, before: Option<i64>) -> Result<i64> {
    let days = "SELECT CAST(coalesce(sum(unmanaged), 0) AS BIGINT) FROM expiry_day WHERE day >= $1 AND day < $2";
    let rows = "SELECT count(*) FROM certificate WHERE lineage IS NULL AND not_after >= $1 AND not_after < $2";
    within(tx, from, before, days, rows)
}

/// The same of current versions of managed certificates.
pub(crate) fn in_service(tx: &mut Tx<'_>, from: Option<i64>, before: Option<i64>) -> Result<i64> {
    let days = "SELECT CAST(coalesce(sum(in_service), 0) AS BIGINT) FROM expiry_day WHERE day >= $1 AND day < $2";
    within(tx, from, before, days, "SELECT count(*) FROM lineage WHERE ends_at >= $1 AND ends_at < $2")
}

fn within(tx: &mut Tx<'_>, from: Option<i64>, before: Option<i64>, days: &str, rows: &str) -> Result<i64> {
    let first = from.map_or(i64::MIN, |from| from.div_euclid(DAY_MS) + i64::from(from.rem_euclid(DAY_MS) != 0));
    let last = before.map_or(i64::MAX, |before| before.div_euclid(DAY_MS));
    let mut counted = |sql: &str, from: i64, before: i64| -> Result<i64> {
        match from < before {
            true => Ok(tx.one(sql, params![from, before], |row| row.get(0))?.unwrap_or(0)),
            false => Ok(0),
        }
    };
    if first > last {
        return counted(rows, from.unwrap_or(i64::MIN), before.unwrap_or(i64::MAX));
    }
    let begin = from.map_or(Ok(0), |from| counted(rows, from, first * DAY_MS))?;
    let end = before.map_or(Ok(0), |before| counted(rows, last * DAY_MS, before))?;
    Ok(counted(days, first, last)? + begin + end)
}

/// Certificates, managed or not, whose validity ends on the day `from` or later and before the day `before` (days since 1970-01-01, UTC).
pub(crate) fn ending(tx: &mut Tx<'_>, from: Option<i64>, before: Option<i64>) -> Result<i64> {
    let sql = "SELECT CAST(coalesce(sum(unmanaged + managed), 0) AS BIGINT) FROM expiry_day WHERE day >= $1 AND day < $2";
    Ok(tx.one(sql, params![from.unwrap_or(i64::MIN), before.unwrap_or(i64::MAX)], |row| row.get(0))?.unwrap_or(0))
}
