//! Finding certificates: filters, words, keyset pages.

use certhold_store::{Tx, Value, params};

use super::certificate::{SUMMARY_COLUMNS, SUMMARY_TABLES, Summary, read_summary};
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
    wanted.filter(filter)?;
    let total = filter.count.then(|| total(tx, &wanted)).transpose()?;

    if let Some(cursor) = &filter.after {
        wanted.after(filter.sort, cursor)?;
    }
    let order = match filter.sort {
        Sort::Id => "certificate.id",
        Sort::Newest => "certificate.id DESC",
        Sort::Expiry => "certificate.not_after, certificate.id",
        Sort::ExpiryLast => "certificate.not_after DESC, certificate.id DESC",
    };
    let rows = wanted.bind(Value::Int(i64::try_from(limit + 1).unwrap_or(i64::MAX)));
    let sql = format!("SELECT {SUMMARY_COLUMNS} FROM {SUMMARY_TABLES}{} ORDER BY {order} LIMIT {rows}", wanted.clause());
    let mut certificates = tx.rows(&sql, &wanted.values, read_summary)?;
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
    if wanted.conditions.is_empty() {
        return count_all(tx);
    }
    let sql = format!("SELECT count(*) FROM certificate{}", wanted.clause());
    Ok(tx.one(&sql, &wanted.values, |row| row.get(0))?.unwrap_or(0))
}

fn cursor(sort: Sort, last: &Summary) -> String {
    match sort {
        Sort::Id | Sort::Newest => last.id.to_string(),
        Sort::Expiry | Sort::ExpiryLast => format!("{}~{}", last.not_after, last.id),
    }
}

#[derive(Default)]
struct Conditions {
    conditions: Vec<String>,
    values: Vec<Value<'static>>,
}

impl Conditions {
    fn bind(&mut self, value: Value<'static>) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// Adds a condition in which `?` stands for the value.
    fn add(&mut self, condition: &str, value: Value<'static>) {
        let place = self.bind(value);
        self.conditions.push(condition.replace('?', &place));
    }

    fn clause(&self) -> String {
        if self.conditions.is_empty() { String::new() } else { format!(" WHERE {}", self.conditions.join(" AND ")) }
    }

    fn filter(&mut self, filter: &Filter) -> Result<()> {
        if filter.text.chars().count() > limits::SEARCH_CHARS {
            return Err(Refusal::invalid("q", format!("a search has at most {} characters", limits::SEARCH_CHARS)).into());
        }
        let words: Vec<&str> = filter.text.split_whitespace().collect();
        if words.len() > limits::SEARCH_WORDS {
            return Err(Refusal::invalid("q", format!("a search has at most {} words", limits::SEARCH_WORDS)).into());
        }
        for word in words {
            self.word(word);
        }
        if let Some(from) = filter.expiry.from {
            self.add("certificate.not_after >= ?", Value::Int(from));
        }
        if let Some(before) = filter.expiry.before {
            self.add("certificate.not_after < ?", Value::Int(before));
        }
        match filter.owner {
            Some(OwnerFilter::Nobody) => self.conditions.push("certificate.owner_role IS NULL".into()),
            Some(OwnerFilter::Role(role)) => self.add("certificate.owner_role = ?", Value::Int(role.0)),
            None => {}
        }
        match filter.managed {
            Some(true) => self.conditions.push("certificate.lineage IS NOT NULL".into()),
            Some(false) => self.conditions.push("certificate.lineage IS NULL".into()),
            None => {}
        }
        if let Some(is_ca) = filter.is_ca {
            self.add("certificate.is_ca = ?", Value::Bool(is_ca));
        }
        Ok(())
    }

    fn word(&mut self, word: &str) {
        let word = word.to_lowercase().replace('\0', "");
        if let Some(domain) = word.strip_prefix("*.").filter(|rest| !rest.is_empty()) {
            let from = format!("{}.", certhold_pki::reverse_labels(domain));
            let to = format!("{}/", &from[..from.len() - 1]);
            let (from, to) = (self.bind(Value::from(from)), self.bind(Value::from(to)));
            self.conditions.push(format!(
                "certificate.id IN (SELECT certificate FROM certificate_name WHERE reversed > {from} AND reversed < {to})"
            ));
            return;
        }
        let digits: String = word.chars().filter(|c| *c != ':').collect();
        let is_hex = digits.chars().all(|c| c.is_ascii_hexdigit());
        if let Some(sha256) = (is_hex && digits.len() == 64).then(|| unhex(&digits)) {
            self.add("certificate.sha256 = ?", Value::from(sha256));
            return;
        }
        let word = if is_hex && word.contains(':') { digits } else { word };
        let pattern = format!("%{}%", word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        self.add("certificate.search LIKE ? ESCAPE '\\'", Value::from(pattern));
    }

    fn after(&mut self, sort: Sort, cursor: &str) -> Result<()> {
        let wrong = || Refusal::invalid("after", "this is not a cursor of this list: start again from the first page");
        let number = |text: &str| text.parse::<i64>().map_err(|_| wrong());
        match sort {
            Sort::Id => self.add("certificate.id > ?", Value::Int(number(cursor)?)),
            Sort::Newest => self.add("certificate.id < ?", Value::Int(number(cursor)?)),
            Sort::Expiry | Sort::ExpiryLast => {
                let (not_after, id) = cursor.split_once('~').ok_or_else(wrong)?;
                let (not_after, id) = (self.bind(Value::Int(number(not_after)?)), self.bind(Value::Int(number(id)?)));
                let than = if sort == Sort::Expiry { '>' } else { '<' };
                self.conditions.push(format!("(certificate.not_after, certificate.id) {than} ({not_after}, {id})"));
            }
        }
        Ok(())
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    let nibble = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
    digits.as_bytes().chunks_exact(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()
}
