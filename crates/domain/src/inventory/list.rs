//! Finding certificates: filters, words, keyset pages.

use std::collections::HashSet;

use certhold_store::{Tx, Value, params};

use super::certificate::{SUMMARY_COLUMNS, SUMMARY_JOINS, Summary, read_summary};
use super::conditions::{Conditions, LEADING, Order, Plan};
use super::cursor::{behind, cursor};
use super::{anchors, compile, count_cache, duplicates, search, subject};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::collections::Duplicates;
use crate::error::{Refusal, Result};
use crate::ids::{CertificateId, RoleId};
use crate::limits;
use crate::query::{self, Condition};

/// Which owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerFilter {
    /// Certificates nobody owns.
    Nobody,
    /// Certificates of this role.
    Role(RoleId),
}

/// Which part of time; instants in unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Expiry {
    /// Expires at or after.
    pub from: Option<i64>,
    /// Expires before.
    pub before: Option<i64>,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sort {
    /// By handle, oldest first: stable.
    #[default]
    Id,
    /// By handle, newest first.
    Newest,
    /// By end of validity, first to expire first.
    Expiry,
    /// By end of validity, last to expire first.
    ExpiryLast,
    /// By another column.
    By(Column, Direction),
}

/// A column with an index, by which lists are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The subject's common name.
    CommonName,
    /// The issuer.
    Issuer,
    /// Begin of the validity.
    NotBefore,
    /// Since when it is held.
    HeldSince,
}

impl Column {
    /// Its name in the database, and whether it may be null; texts are folded.
    pub(super) fn kept(self) -> (&'static str, bool) {
        match self {
            Column::CommonName => ("common_name_folded", true),
            Column::Issuer => ("issuer_folded", true),
            Column::NotBefore => ("not_before", false),
            Column::HeldSince => ("held_since", false),
        }
    }
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The least; what has no value before everything else.
    Ascending,
    /// The greatest.
    Descending,
}

impl Sort {
    /// Every order with its name in APIs.
    pub const NAMES: &[(&str, Sort)] = &[
        ("id", Sort::Id),
        ("-id", Sort::Newest),
        ("not_after", Sort::Expiry),
        ("-not_after", Sort::ExpiryLast),
        ("not_before", Sort::By(Column::NotBefore, Direction::Ascending)),
        ("-not_before", Sort::By(Column::NotBefore, Direction::Descending)),
        ("held_since", Sort::By(Column::HeldSince, Direction::Ascending)),
        ("-held_since", Sort::By(Column::HeldSince, Direction::Descending)),
        ("common_name", Sort::By(Column::CommonName, Direction::Ascending)),
        ("-common_name", Sort::By(Column::CommonName, Direction::Descending)),
        ("issuer", Sort::By(Column::Issuer, Direction::Ascending)),
        ("-issuer", Sort::By(Column::Issuer, Direction::Descending)),
    ];

    /// Its name in APIs.
    pub fn name(self) -> &'static str {
        Sort::NAMES.iter().find(|(_, sort)| *sort == self).map_or("", |(name, _)| *name)
    }

    /// What has the rows in this order.
    fn order(self) -> Order {
        match self {
            Sort::Id | Sort::Newest => Order::Key,
            Sort::Expiry | Sort::ExpiryLast => Order::Index("certificate_not_after"),
            Sort::By(Column::CommonName, _) => Order::Index("certificate_common_name"),
            Sort::By(Column::Issuer, _) => Order::Index("certificate_issuer"),
            Sort::By(Column::NotBefore, _) => Order::Index("certificate_not_before"),
            Sort::By(Column::HeldSince, _) => Order::Index("certificate_held_since"),
        }
    }

    fn clause(self) -> String {
        let (column, direction) = match self {
            Sort::Id => return "certificate.id".into(),
            Sort::Newest => return "certificate.id DESC".into(),
            Sort::Expiry => return "certificate.not_after, certificate.id".into(),
            Sort::ExpiryLast => return "certificate.not_after DESC, certificate.id DESC".into(),
            Sort::By(column, direction) => (column, direction),
        };
        let (column, nullable) = column.kept();
        let (word, nulls) = match direction {
            Direction::Ascending => ("", " NULLS FIRST"),
            Direction::Descending => (" DESC", " NULLS LAST"),
        };
        format!("certificate.{column}{word}{}, certificate.id{word}", if nullable { nulls } else { "" })
    }

    /// The order of this name.
    pub fn parse(name: &str) -> Result<Sort, Refusal> {
        let known = Sort::NAMES.iter().find(|(known, _)| *known == name).map(|(_, sort)| *sort);
        known.ok_or_else(|| {
            let names: Vec<&str> = Sort::NAMES.iter().map(|(name, _)| *name).filter(|name| !name.starts_with('-')).collect();
            Refusal::invalid("sort", format!("sort by one of {}; a hyphen before it turns it round", names.join(", ")))
        })
    }
}

/// Which certificates, in which order, after which one.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Words that must all occur in subject, names, serial number or issuer; `*.example.com` means everything under a domain;
    /// a SHA-256 fingerprint or a serial number may be written with colons.
    pub text: String,
    /// Expiry window.
    pub expiry: Expiry,
    /// Owner.
    pub owner: Option<OwnerFilter>,
    /// Versions of managed certificates, or all others.
    pub managed: Option<bool>,
    /// Authorities' certificates, or all others.
    pub is_ca: Option<bool>,
    /// A resolved query.
    pub condition: Option<Condition>,
    /// Which of those that fulfil everything else are left out, since a newer one does, too.
    pub duplicates: Duplicates,
    /// Order.
    pub sort: Sort,
    /// The cursor of the page before.
    pub after: Option<String>,
    /// Rows that are left out before the page begins, instead of a cursor.
    pub offset: usize,
    /// Also revoked certificates (`None`), or only those that are not.
    pub revoked: Option<bool>,
    /// Rows, at most [`limits::PAGE_ROWS`].
    pub limit: usize,
    /// Whether to count all matches too.
    pub count: bool,
}

impl Filter {
    /// From when on certificates must be valid, if that and not being revoked is all that is asked of them.
    fn alive(&self) -> Option<i64> {
        let rest = Filter { expiry: Expiry::default(), revoked: None, ..self.clone() };
        let asked = self.revoked == Some(false) && self.expiry.before.is_none() && rest.wants_everything();
        self.expiry.from.filter(|_| asked)
    }

    /// Whether it leaves nothing out.
    pub(crate) fn wants_everything(&self) -> bool {
        let Filter { text, expiry, owner, managed, is_ca, revoked, condition, duplicates, .. } = self;
        let asks = condition.as_ref().is_some_and(|condition| *condition != Condition::always());
        let narrowed = owner.is_some() || managed.is_some() || is_ca.is_some() || revoked.is_some();
        let whole = text.trim().is_empty() && *expiry == Expiry::default() && *duplicates == Duplicates::None;
        whole && !narrowed && !asks
    }
}

/// A page of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In the order asked for.
    pub certificates: Vec<Summary>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    /// All matches, when asked for.
    pub total: Option<i64>,
}

/// Lists certificates.
pub fn list(tx: &mut Tx<'_>, actor: &Actor, filter: &Filter) -> Result<Page> {
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    select(tx, filter)
}

/// What [`list`] gives to whoever may see it; the caller has made sure that the actor may.
pub(crate) fn select(tx: &mut Tx<'_>, filter: &Filter) -> Result<Page> {
    let limit = filter.limit.clamp(1, limits::PAGE_ROWS);
    let wanted = Wanted::of(tx, filter)?;
    let total = filter.count.then(|| wanted.count(tx)).transpose()?;
    let mut certificates = match filter.offset {
        0 => wanted.rows(tx, filter.sort, filter.after.as_deref(), limit + 1)?,
        offset if total.is_some_and(|total| i64::try_from(offset).is_ok_and(|offset| offset >= total)) => Vec::new(),
        offset => wanted.rows_at(tx, filter.sort, offset, limit)?,
    };
    let more = certificates.len() > limit;
    certificates.truncate(limit);
    let last = certificates.last().filter(|_| more);
    let next = last.map(|last| cursor(tx, filter.sort, last)).transpose()?;
    Ok(Page { certificates, next, total })
}

/// How many certificates a filter wants; the caller has made sure that somebody may know.
pub(crate) fn count(tx: &mut Tx<'_>, filter: &Filter) -> Result<i64> {
    Wanted::of(tx, filter)?.count(tx)
}

/// The ids of all that `filter` wants, in order of id, after `after`: for work on many, chunk by chunk.
pub(crate) fn select_ids(tx: &mut Tx<'_>, filter: &Filter, after: CertificateId, limit: usize) -> Result<Vec<CertificateId>> {
    let filter = Filter { sort: Sort::Id, limit, after: Some(after.to_string()), count: false, ..filter.clone() };
    let wanted = Wanted::of(tx, &filter)?;
    Ok(wanted.rows(tx, Sort::Id, filter.after.as_deref(), limit)?.into_iter().map(|found| found.id).collect())
}

/// All that a filter wants, if these are few.
pub(crate) fn few(tx: &mut Tx<'_>, filter: &Filter) -> Result<Option<Vec<Summary>>> {
    let wanted = Wanted::of(tx, filter)?;
    if !wanted.conditions.are_few(tx)? && count_all(tx)? > LEADING {
        return Ok(None);
    }
    wanted.rows(tx, Sort::Id, None, usize::try_from(LEADING).unwrap_or(usize::MAX)).map(Some)
}

/// The statement that gives some columns of what a filter wants, in no order, at most so many rows; `None` where only a look in memory
/// decides what is wanted.
pub(super) fn statement(
    tx: &mut Tx<'_>,
    filter: &Filter,
    columns: &str,
    limit: usize,
) -> Result<Option<(String, Vec<Value<'static>>)>> {
    let Wanted { conditions, again: None, .. } = Wanted::of(tx, filter)? else { return Ok(None) };
    let sql = match conditions.exactly() {
        Some(ids) => format!(
            "SELECT {columns} FROM ({ids} LIMIT {limit}) AS found CROSS JOIN certificate WHERE certificate.id = found.certificate"
        ),
        None => {
            let Plan { from, wanted } = conditions.plan_count(tx)?;
            format!("SELECT {columns} FROM {from}{wanted} LIMIT {limit}")
        }
    };
    Ok(Some(conditions.statement(&sql)))
}

/// A filter as SQL, and what SQL leaves to be looked at in memory.
struct Wanted {
    conditions: Conditions,
    again: Option<Again>,
    /// All that is asked for is what does not end before then and is not revoked: what most lists begin with.
    alive: Option<i64>,
}

/// What is looked at in memory, row by row.
struct Again {
    condition: query::Condition,
    duplicates: Duplicates,
}

impl Wanted {
    fn of(tx: &mut Tx<'_>, filter: &Filter) -> Result<Wanted> {
        let mut conditions = Conditions::default();
        add_filter(tx, &mut conditions, filter)?;
        let mut inexact = None;
        if let Some(condition) = &filter.condition
            && compile::add(tx, &mut conditions, condition)?
        {
            inexact = Some(condition.clone());
        }
        let again = inexact.map(|condition| Again { condition, duplicates: filter.duplicates });
        if again.is_none() {
            duplicates::leave_out(&mut conditions, filter.duplicates);
        }
        Ok(Wanted { conditions, again, alive: filter.alive() })
    }

    fn rows(&self, tx: &mut Tx<'_>, sort: Sort, after: Option<&str>, limit: usize) -> Result<Vec<Summary>> {
        match &self.again {
            Some(again) => self.rows_again(tx, again, sort, after, 0, limit),
            None => self.page(tx, sort, after, 0, limit),
        }
    }

    /// The rows behind the first `skipped`, each looked at in memory.
    fn rows_again(
        &self,
        tx: &mut Tx<'_>,
        again: &Again,
        sort: Sort,
        after: Option<&str>,
        mut skipped: usize,
        limit: usize,
    ) -> Result<Vec<Summary>> {
        let mut kept = Vec::new();
        let mut after = after.map(str::to_owned);
        while kept.len() < limit {
            let page = self.page(tx, sort, after.as_deref(), 0, AGAIN)?;
            let Some(last) = page.last() else { break };
            after = Some(cursor(tx, sort, last)?);
            let ids: Vec<CertificateId> = page.iter().map(|found| found.id).collect();
            let fitting = fitting(tx, &again.condition, &ids)?;
            let ended = page.len() < AGAIN;
            for found in page {
                if fitting.contains(&found.id.0) && !self.has_newer(tx, again, found.id)? {
                    match skipped {
                        0 => kept.push(found),
                        _ => skipped -= 1,
                    }
                }
            }
            if ended {
                break;
            }
        }
        kept.truncate(limit);
        Ok(kept)
    }

    /// Whether a newer duplicate fulfils everything, too.
    fn has_newer(&self, tx: &mut Tx<'_>, again: &Again, id: CertificateId) -> Result<bool> {
        let mut after = id;
        loop {
            let Some(newer) = duplicates::newer(tx, &self.conditions, again.duplicates, id, after, AGAIN)? else {
                return Ok(false);
            };
            let Some(last) = newer.last() else { return Ok(false) };
            after = *last;
            if !fitting(tx, &again.condition, &newer)?.is_empty() {
                return Ok(true);
            }
        }
    }

    /// The rows behind the first `offset`, from the nearest place that is known.
    fn rows_at(&self, tx: &mut Tx<'_>, sort: Sort, offset: usize, limit: usize) -> Result<Vec<Summary>> {
        if let Some(again) = &self.again {
            return self.rows_again(tx, again, sort, None, offset, limit + 1);
        }
        // Where some have no value, a page may be made of two parts, which an offset does not see.
        if matches!(sort, Sort::By(..)) {
            return self.page(tx, sort, None, offset, limit + 1);
        }
        let Plan { from, wanted: tests } = self.conditions.plan(tx, sort.order())?;
        let (question, values) = self.conditions.statement(&format!("{from}{tests} {}", sort.clause()));
        let list = count_cache::key(tx, &question, &values)?;
        let (passed, after) = match list.as_ref().and_then(|list| anchors::nearest(list, offset)) {
            Some((passed, cursor)) => (passed, Some(cursor)),
            None => (0, None),
        };
        let rows = self.page(tx, sort, after.as_deref(), offset - passed, limit + 1)?;
        if let Some((list, last)) = list.zip(rows.get(limit - 1)) {
            anchors::keep(list, offset + limit, cursor(tx, sort, last)?);
        }
        Ok(rows)
    }

    fn page(&self, tx: &mut Tx<'_>, sort: Sort, after: Option<&str>, passed: usize, limit: usize) -> Result<Vec<Summary>> {
        let parts = match after {
            Some(cursor) => behind(tx, &self.conditions, sort, cursor)?,
            None => vec![self.conditions.clone()],
        };
        let mut rows = Vec::new();
        for part in parts {
            if rows.len() < limit {
                rows.extend(Self::part(tx, part, sort, passed, limit - rows.len())?);
            }
        }
        Ok(rows)
    }

    fn part(tx: &mut Tx<'_>, mut wanted: Conditions, sort: Sort, passed: usize, limit: usize) -> Result<Vec<Summary>> {
        let order = sort.clause();
        let Plan { from, wanted: tests } = wanted.plan(tx, sort.order())?;
        let rows = wanted.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let offset = match passed {
            0 => String::new(),
            passed => format!(" OFFSET {}", wanted.bind(i64::try_from(passed).unwrap_or(i64::MAX))),
        };
        let sql = format!("SELECT {SUMMARY_COLUMNS} FROM {from}{SUMMARY_JOINS}{tests} ORDER BY {order} LIMIT {rows}{offset}");
        let (sql, values) = wanted.statement(&sql);
        Ok(tx.rows(&sql, &values, read_summary)?)
    }

    fn count(&self, tx: &mut Tx<'_>) -> Result<i64> {
        if self.again.is_none() && self.conditions.is_empty() {
            return count_all(tx);
        }
        if let Some(counted) = self.conditions.counted().filter(|_| self.again.is_none()) {
            return Ok(counted);
        }
        let again = self.again.as_ref().map(|again| format!("{:?} {:?}", again.condition, again.duplicates));
        let (question, values) = self.conditions.statement(&self.conditions.question());
        let question = question + &again.unwrap_or_default();
        count_cache::count(tx, &question, &values, |tx| match (&self.again, self.alive) {
            (Some(_), _) => self.count_again(tx),
            (None, Some(from)) => count_alive(tx, from),
            (None, None) => self.count_rows(tx),
        })
    }

    fn count_rows(&self, tx: &mut Tx<'_>) -> Result<i64> {
        let sql = match self.conditions.exactly() {
            // Entries of an index are counted without a look at the rows.
            Some(ids) => format!("SELECT count(*) FROM ({ids}) AS found"),
            None => {
                let Plan { from, wanted: tests } = self.conditions.plan_count(tx)?;
                format!("SELECT count(*) FROM {from}{tests}")
            }
        };
        let (sql, values) = self.conditions.statement(&sql);
        Ok(tx.one(&sql, &values, |row| row.get(0))?.unwrap_or(0))
    }

    fn count_again(&self, tx: &mut Tx<'_>) -> Result<i64> {
        let mut count = 0;
        let mut after = "0".to_owned();
        loop {
            let rows = self.rows(tx, Sort::Id, Some(&after), AGAIN)?;
            count += i64::try_from(rows.len()).unwrap_or(i64::MAX);
            match rows.last() {
                Some(last) if rows.len() == AGAIN => after = last.id.to_string(),
                _ => return Ok(count),
            }
        }
    }
}

/// Those that fulfil a condition, found out in memory.
fn fitting(tx: &mut Tx<'_>, condition: &query::Condition, ids: &[CertificateId]) -> Result<HashSet<i64>> {
    let subjects = subject::subjects(tx, ids)?;
    Ok(subjects.iter().filter(|subject| query::evaluate(condition, subject)).map(|subject| subject.id).collect())
}

/// Rows that are fetched at once to be looked at again in memory.
const AGAIN: usize = 512;

/// Those that do not end before `from` and are not revoked: all but the others, unless these are the most.
fn count_alive(tx: &mut Tx<'_>, from: i64) -> Result<i64> {
    let mut one = |sql: &str, values: &[Value<'_>]| -> Result<i64> { Ok(tx.one(sql, values, |row| row.get(0))?.unwrap_or(0)) };
    let all = one("SELECT value FROM counter WHERE name = 'certificates'", params![])?;
    let ended = one(
        "SELECT count(*) FROM (SELECT id FROM certificate WHERE not_after < $1 LIMIT $2) AS ended",
        params![from, all / 2 + 1],
    )?;
    if ended > all / 2 {
        return one("SELECT count(*) FROM certificate WHERE not_after >= $1 AND revoked_at IS NULL", params![from]);
    }
    let revoked = "SELECT count(*) FROM certificate WHERE revoked_at IS NOT NULL AND not_after >= $1";
    Ok(all - ended - one(revoked, params![from])?)
}

/// All certificates held, from the maintained counter.
pub fn count_all(tx: &mut Tx<'_>) -> Result<i64> {
    Ok(tx.one("SELECT value FROM counter WHERE name = 'certificates'", params![], |row| row.get(0))?.unwrap_or(0))
}

fn add_filter(tx: &mut Tx<'_>, wanted: &mut Conditions, filter: &Filter) -> Result<()> {
    if filter.text.chars().count() > limits::SEARCH_CHARS {
        return Err(Refusal::invalid("q", format!("a search has at most {} characters", limits::SEARCH_CHARS)).into());
    }
    let words: Vec<&str> = filter.text.split_whitespace().collect();
    if words.len() > limits::SEARCH_WORDS {
        return Err(Refusal::invalid("q", format!("a search has at most {} words", limits::SEARCH_WORDS)).into());
    }
    for word in words {
        search::add_word(tx, wanted, word)?;
    }
    if filter.expiry != Expiry::default() {
        search::add_range(wanted, "not_after", filter.expiry.from, filter.expiry.before.map(|before| before - 1));
    }
    match filter.owner {
        Some(OwnerFilter::Nobody) => wanted.indexed("certificate.owner_role IS NULL"),
        Some(OwnerFilter::Role(role)) => {
            let place = wanted.bind(role.0);
            wanted.indexed(format!("certificate.owner_role = {place}"));
        }
        None => {}
    }
    match filter.managed {
        Some(true) => wanted.indexed("certificate.lineage IS NOT NULL"),
        Some(false) => wanted.row("certificate.lineage IS NULL"),
        None => {}
    }
    match filter.revoked {
        Some(true) => wanted.indexed("certificate.revoked_at IS NOT NULL"),
        Some(false) => wanted.row("certificate.revoked_at IS NULL"),
        None => {}
    }
    if let Some(is_ca) = filter.is_ca {
        compile::add_equal(tx, wanted, super::Field::IsCa, if is_ca { "true" } else { "false" })?;
    }
    Ok(())
}
