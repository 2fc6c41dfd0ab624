//! Finding certificates: filters, words, keyset pages.

use std::collections::HashSet;

use certhold_store::{Tx, params};

use super::certificate::{SUMMARY_COLUMNS, SUMMARY_JOINS, Summary, read_summary};
use super::conditions::{Conditions, LEADING, Plan};
use super::{compile, count_cache, search, subject};
use crate::access::{self, paths};
use crate::actor::Actor;
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
}

impl Sort {
    /// Every order with its name in APIs.
    pub const NAMES: &[(&str, Sort)] =
        &[("id", Sort::Id), ("-id", Sort::Newest), ("not_after", Sort::Expiry), ("-not_after", Sort::ExpiryLast)];

    /// The order of this name.
    pub fn parse(name: &str) -> Result<Sort, Refusal> {
        let known = Sort::NAMES.iter().find(|(known, _)| *known == name).map(|(_, sort)| *sort);
        known.ok_or_else(|| Refusal::invalid("sort", "sort by id, -id, not_after or -not_after"))
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
    /// Order.
    pub sort: Sort,
    /// The cursor of the page before.
    pub after: Option<String>,
    /// Rows, at most [`limits::PAGE_ROWS`].
    pub limit: usize,
    /// Whether to count all matches too.
    pub count: bool,
}

impl Filter {
    /// Whether it leaves nothing out.
    pub(crate) fn wants_everything(&self) -> bool {
        let Filter { text, expiry, owner, managed, is_ca, condition, .. } = self;
        let asks = condition.as_ref().is_some_and(|condition| *condition != Condition::always());
        text.trim().is_empty() && *expiry == Expiry::default() && owner.is_none() && managed.is_none() && is_ca.is_none() && !asks
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
    let mut certificates = wanted.rows(tx, filter.sort, filter.after.as_deref(), limit + 1)?;
    let more = certificates.len() > limit;
    certificates.truncate(limit);
    let next = certificates.last().filter(|_| more).map(|last| cursor(filter.sort, last));
    Ok(Page { certificates, next, total })
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
    if !wanted.conditions.are_few(tx)? {
        return Ok(None);
    }
    wanted.rows(tx, Sort::Id, None, usize::try_from(LEADING).unwrap_or(usize::MAX)).map(Some)
}

/// A filter as SQL, and what SQL leaves to be looked at in memory.
struct Wanted {
    conditions: Conditions,
    again: Option<query::Condition>,
}

impl Wanted {
    fn of(tx: &mut Tx<'_>, filter: &Filter) -> Result<Wanted> {
        let mut conditions = Conditions::default();
        add_filter(tx, &mut conditions, filter)?;
        let mut again = None;
        if let Some(condition) = &filter.condition
            && compile::add(tx, &mut conditions, condition)?
        {
            again = Some(condition.clone());
        }
        Ok(Wanted { conditions, again })
    }

    fn rows(&self, tx: &mut Tx<'_>, sort: Sort, after: Option<&str>, limit: usize) -> Result<Vec<Summary>> {
        let Some(again) = &self.again else { return self.page(tx, sort, after, limit) };
        let mut kept = Vec::new();
        let mut after = after.map(str::to_owned);
        while kept.len() < limit {
            let page = self.page(tx, sort, after.as_deref(), AGAIN)?;
            let Some(last) = page.last() else { break };
            after = Some(cursor(sort, last));
            let ids: Vec<CertificateId> = page.iter().map(|found| found.id).collect();
            let fitting: HashSet<i64> = subject::subjects(tx, &ids)?
                .iter()
                .filter(|subject| query::evaluate(again, subject))
                .map(|subject| subject.id)
                .collect();
            let ended = page.len() < AGAIN;
            kept.extend(page.into_iter().filter(|found| fitting.contains(&found.id.0)));
            if ended {
                break;
            }
        }
        kept.truncate(limit);
        Ok(kept)
    }

    fn page(&self, tx: &mut Tx<'_>, sort: Sort, after: Option<&str>, limit: usize) -> Result<Vec<Summary>> {
        let mut wanted = self.conditions.clone();
        if let Some(cursor) = after {
            add_cursor(&mut wanted, sort, cursor)?;
        }
        let order = match sort {
            Sort::Id => "certificate.id",
            Sort::Newest => "certificate.id DESC",
            Sort::Expiry => "certificate.not_after, certificate.id",
            Sort::ExpiryLast => "certificate.not_after DESC, certificate.id DESC",
        };
        let Plan { from, wanted: tests } = wanted.plan(tx)?;
        let rows = wanted.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let sql = format!("SELECT {SUMMARY_COLUMNS} FROM {from}{SUMMARY_JOINS}{tests} ORDER BY {order} LIMIT {rows}");
        let (sql, values) = wanted.statement(&sql);
        Ok(tx.rows(&sql, &values, read_summary)?)
    }

    fn count(&self, tx: &mut Tx<'_>) -> Result<i64> {
        if self.again.is_some() {
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
        if self.conditions.is_empty() {
            return count_all(tx);
        }
        let sql = match self.conditions.exactly() {
            // Entries of an index are counted without a look at the rows.
            Some(ids) => format!("SELECT count(*) FROM ({ids}) AS found"),
            None => {
                let Plan { from, wanted: tests } = self.conditions.plan(tx)?;
                format!("SELECT count(*) FROM {from}{tests}")
            }
        };
        let (sql, values) = self.conditions.statement(&sql);
        count_cache::count(tx, &sql, &values)
    }
}

/// Rows that are fetched at once to be looked at again in memory.
const AGAIN: usize = 512;

/// All certificates held, from the maintained counter.
pub fn count_all(tx: &mut Tx<'_>) -> Result<i64> {
    Ok(tx.one("SELECT value FROM counter WHERE name = 'certificates'", params![], |row| row.get(0))?.unwrap_or(0))
}

fn cursor(sort: Sort, last: &Summary) -> String {
    match sort {
        Sort::Id | Sort::Newest => last.id.to_string(),
        Sort::Expiry | Sort::ExpiryLast => format!("{}~{}", last.not_after, last.id),
    }
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
        Some(OwnerFilter::Nobody) => wanted.row("certificate.owner_role IS NULL"),
        Some(OwnerFilter::Role(role)) => {
            let place = wanted.bind(role.0);
            wanted.row(format!("certificate.owner_role = {place}"));
        }
        None => {}
    }
    match filter.managed {
        Some(true) => wanted.row("certificate.lineage IS NOT NULL"),
        Some(false) => wanted.row("certificate.lineage IS NULL"),
        None => {}
    }
    if let Some(is_ca) = filter.is_ca {
        search::add_equal(wanted, super::Field::IsCa, if is_ca { "true" } else { "false" });
    }
    Ok(())
}

fn add_cursor(wanted: &mut Conditions, sort: Sort, cursor: &str) -> Result<(), Refusal> {
    let wrong = || Refusal::invalid("after", "this is not a cursor of this list: start again from the first page");
    let number = |text: &str| text.parse::<i64>().map_err(|_| wrong());
    match sort {
        Sort::Id | Sort::Newest => {
            let place = wanted.bind(number(cursor)?);
            wanted.row(format!("certificate.id {} {place}", if sort == Sort::Id { '>' } else { '<' }));
        }
        Sort::Expiry | Sort::ExpiryLast => {
            let (not_after, id) = cursor.split_once('~').ok_or_else(wrong)?;
            let (not_after, id) = (wanted.bind(number(not_after)?), wanted.bind(number(id)?));
            let than = if sort == Sort::Expiry { '>' } else { '<' };
            wanted.row(format!("(certificate.not_after, certificate.id) {than} ({not_after}, {id})"));
        }
    }
    Ok(())
}
