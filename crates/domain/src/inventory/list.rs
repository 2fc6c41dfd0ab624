//! Finding certificates: filters, words, keyset pages.

use certhold_store::{Tx, params};

use super::certificate::{SUMMARY_COLUMNS, SUMMARY_JOINS, Summary, read_summary};
use super::conditions::{Conditions, Plan};
use super::search;
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::ids::RoleId;
use crate::limits;

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
    /// Order.
    pub sort: Sort,
    /// The cursor of the page before.
    pub after: Option<String>,
    /// Rows, at most [`limits::PAGE_ROWS`].
    pub limit: usize,
    /// Whether to count all matches too.
    pub count: bool,
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
    let limit = filter.limit.clamp(1, limits::PAGE_ROWS);
    let mut wanted = Conditions::default();
    add_filter(tx, &mut wanted, filter)?;
    let total = filter.count.then(|| total(tx, &wanted)).transpose()?;

    if let Some(cursor) = &filter.after {
        add_cursor(&mut wanted, filter.sort, cursor)?;
    }
    let order = match filter.sort {
        Sort::Id => "certificate.id",
        Sort::Newest => "certificate.id DESC",
        Sort::Expiry => "certificate.not_after, certificate.id",
        Sort::ExpiryLast => "certificate.not_after DESC, certificate.id DESC",
    };
    let Plan { from, wanted: tests } = wanted.plan(tx)?;
    let rows = wanted.bind(i64::try_from(limit + 1).unwrap_or(i64::MAX));
    let sql = format!("SELECT {SUMMARY_COLUMNS} FROM {from}{SUMMARY_JOINS}{tests} ORDER BY {order} LIMIT {rows}");
    let (sql, values) = wanted.statement(&sql);
    let mut certificates = tx.rows(&sql, &values, read_summary)?;
    let more = certificates.len() > limit;
    certificates.truncate(limit);
    let next = certificates.last().filter(|_| more).map(|last| cursor(filter.sort, last));
    Ok(Page { certificates, next, total })
}

/// All certificates held, from the maintained counter.
pub fn count_all(tx: &mut Tx<'_>) -> Result<i64> {
    Ok(tx.one("SELECT value FROM counter WHERE name = 'certificates'", params![], |row| row.get(0))?.unwrap_or(0))
}

fn total(tx: &mut Tx<'_>, wanted: &Conditions) -> Result<i64> {
    if wanted.is_empty() {
        return count_all(tx);
    }
    let Plan { from, wanted: tests } = wanted.plan(tx)?;
    let (sql, values) = wanted.statement(&format!("SELECT count(*) FROM {from}{tests}"));
    Ok(tx.one(&sql, &values, |row| row.get(0))?.unwrap_or(0))
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
