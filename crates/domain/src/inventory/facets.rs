//! What the inventory is made of: for each of a few fields its values with the number of certificates.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use certhold_store::Tx;

use super::counts::{Counted, ending, most};
use super::derived::{self, SEVERITIES};
use super::fields::{Field, fold};
use super::list::{Filter, few, statement};
use super::{count_cache, scoped};
use crate::access::{self, paths, roles};
use crate::actor::Actor;
use crate::collections::Scope;
use crate::error::Result;
use crate::ids::RoleId;
use crate::limits;
use crate::query::quote;

/// A field with its most frequent values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// "expiry", "owner", "issuer", …
    pub name: &'static str,
    /// The most frequent first; severities the worst first, stretches of time the earliest.
    pub values: Vec<FacetValue>,
    /// Whether all certificates were counted; otherwise there are at least so many, and perhaps further values.
    pub exact: bool,
}

/// A value with the number of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetValue {
    /// As it is shown; empty for certificates without an owner.
    pub value: String,
    /// The owner's role.
    pub role: Option<RoleId>,
    /// Certificates.
    pub count: i64,
    /// The query that finds exactly these.
    pub query: String,
}

/// Stretches of time in which validity ends, in days from today (UTC): the first, and the first one after.
pub const STRETCHES: [(&str, Option<i64>, Option<i64>); 6] = [
    ("before today", None, Some(0)),
    ("in less than 7 days", Some(0), Some(7)),
    ("in 7 to 29 days", Some(7), Some(30)),
    ("in 30 to 89 days", Some(30), Some(90)),
    ("in 90 to 364 days", Some(90), Some(365)),
    ("in 365 days or later", Some(365), None),
];

/// Values of a field that are told.
const VALUES: usize = 12;

const FIELDS: [(&str, Field); 6] = [
    ("issuer", Field::Issuer),
    ("key", Field::Key),
    ("signature", Field::SignatureAlgorithm),
    ("severity", Field::Severity),
    ("finding", Field::Finding),
    ("source", Field::Source),
];

/// How many certificates break each rule of findings; `None` for whoever may not see certificates.
pub fn broken_rules(tx: &mut Tx<'_>, actor: &Actor) -> Result<Option<Vec<Counted>>> {
    let may = access::allows(tx, actor, paths::CERTIFICATES_READ)?;
    may.then(|| most(tx, Field::Finding, certhold_pki::findings::RULES.len())).transpose()
}

/// The facets of what `filter` wants: from the maintained counts when it wants everything, else counted, of a large selection the
/// first [`limits::FACETED`] that are met. Of a large selection that only a look in memory decides there are none.
pub fn facets(tx: &mut Tx<'_>, actor: &Actor, filter: &Filter, scope: Scope) -> Result<Vec<Facet>> {
    scoped::require_list(tx, actor, scope)?;
    let filter = &scoped::within(tx, actor, filter, scope)?;
    let today = scope.now.div_euclid(DAY_MS);
    if filter.wants_everything() {
        return of_everything(tx, today);
    }
    match counted(tx, filter, today, limits::FACETED)? {
        Some(tally) => tally.facets(tx),
        None => Ok(Vec::new()),
    }
}

const DAY_MS: i64 = 86_400_000;

fn of_everything(tx: &mut Tx<'_>, today: i64) -> Result<Vec<Facet>> {
    let mut stretches = Vec::new();
    for (name, from, before) in STRETCHES {
        let day = |days: Option<i64>| days.map(|days| today + days);
        stretches.push((name, ending(tx, day(from), day(before))?));
    }
    let owned = most(tx, Field::Owner, VALUES)?;
    let mut facets = vec![expiry(stretches, true), owners(tx, owned, true)?];
    for (name, field) in FIELDS {
        let values = most(tx, field, VALUES)?;
        facets.push(shown(name, values, true));
    }
    Ok(facets)
}

/// The stretch in which a validity ends.
fn stretch(not_after: i64, today: i64) -> usize {
    let day = not_after.div_euclid(DAY_MS) - today;
    STRETCHES.iter().position(|(_, _, before)| before.is_none_or(|before| day < before)).unwrap_or(STRETCHES.len() - 1)
}

/// What was counted.
#[derive(Clone, Default)]
struct Tally {
    seen: usize,
    stretches: [i64; STRETCHES.len()],
    owners: BTreeMap<String, i64>,
    fields: [Spellings; FIELDS.len()],
    /// Not everything was looked at.
    cut: bool,
}

/// What is counted of one certificate.
struct Seen<'a> {
    not_after: i64,
    owner: Option<RoleId>,
    issuer: &'a str,
    key: String,
    signature: &'a str,
    findings: &'a mut dyn Iterator<Item = &'a str>,
    source: &'a str,
}

impl Tally {
    fn count(&mut self, seen: Seen<'_>, today: i64) {
        self.seen += 1;
        self.stretches[stretch(seen.not_after, today)] += 1;
        *self.owners.entry(seen.owner.map(|role| role.to_string()).unwrap_or_default()).or_default() += 1;
        let [issuers, keys, signatures, severities, rules, sources] = &mut self.fields;
        issuers.count(seen.issuer);
        keys.count(&seen.key);
        signatures.count(seen.signature);
        for (place, (severity, rule)) in seen.findings.filter_map(|finding| finding.split_once(':')).enumerate() {
            rules.count(rule);
            // The worst stands first.
            if place == 0 {
                severities.count(severity);
            }
        }
        sources.count(seen.source);
    }

    fn facets(self, tx: &mut Tx<'_>) -> Result<Vec<Facet>> {
        let exact = !self.cut;
        let owned = ordered(self.owners.into_iter().map(|(value, count)| Counted { value, count }).collect());
        let names = STRETCHES.iter().map(|(name, ..)| *name);
        let mut facets = vec![expiry(names.zip(self.stretches).collect(), exact), owners(tx, owned, exact)?];
        let fields = FIELDS.into_iter().zip(self.fields);
        facets.extend(fields.map(|((name, _), spellings)| shown(name, spellings.values(), exact)));
        Ok(facets)
    }
}

const COLUMNS: &str = "certificate.not_after, certificate.owner_role, certificate.issuer, \
    certificate.key_algorithm, certificate.key_curve, certificate.key_bits, certificate.signature_algorithm, certificate.findings, \
    certificate.source";

/// Counts what a filter wants, at most so many; `None` when these are many and only a look in memory decides.
fn counted(tx: &mut Tx<'_>, filter: &Filter, today: i64, most: usize) -> Result<Option<Tally>> {
    let mut tally = Tally::default();
    let Some((sql, values)) = statement(tx, filter, COLUMNS, most + 1)? else {
        let Some(few) = few(tx, filter)? else { return Ok(None) };
        for one in &few {
            let seen = Seen {
                not_after: one.not_after,
                owner: one.owner.as_ref().map(|(role, _)| *role),
                issuer: &one.issuer,
                key: one.key(),
                signature: &one.signature_algorithm,
                findings: &mut one.findings.iter().map(String::as_str),
                source: &one.source,
            };
            tally.count(seen, today);
        }
        return Ok(Some(tally));
    };
    let key = count_cache::key(tx, &sql, &[values.as_slice(), &[today.into()]].concat())?;
    if let Some(known) = key.as_ref().and_then(|key| cache().get(key).cloned()) {
        return Ok(Some(known));
    }
    tx.each(&sql, &values, |row| {
        if tally.seen == most {
            tally.cut = true;
            return Ok(());
        }
        let (curve, bits): (Option<String>, Option<i64>) = (row.get(4)?, row.get(5)?);
        let (signature, findings): (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
        let seen = Seen {
            not_after: row.get(0)?,
            owner: row.get::<Option<i64>>(1)?.map(RoleId),
            issuer: row.text(2)?,
            key: derived::key(row.text(3)?, curve.as_deref(), bits),
            signature: signature.as_deref().unwrap_or_default(),
            findings: &mut findings.as_deref().unwrap_or_default().split_whitespace(),
            source: row.text(8)?,
        };
        tally.count(seen, today);
        Ok(())
    })?;
    if let Some(key) = key {
        let mut cache = cache();
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(key, tally.clone());
    }
    Ok(Some(tally))
}

/// What was counted of selections, by the question and by what has happened: every page of a list asks again.
static CACHE: LazyLock<Mutex<HashMap<count_cache::Key, Tally>>> = LazyLock::new(Mutex::default);

/// Selections after which it starts again.
const CACHED: usize = 64;

fn cache() -> MutexGuard<'static, HashMap<count_cache::Key, Tally>> {
    CACHE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn expiry(stretches: Vec<(&'static str, i64)>, exact: bool) -> Facet {
    let some = stretches.into_iter().filter(|(_, count)| *count > 0);
    let value = |(name, count): (&str, i64)| FacetValue { value: name.to_owned(), role: None, count, query: expires(name) };
    Facet { name: "expiry", values: some.map(value).collect(), exact }
}

/// Validity ends in the stretch of this name.
fn expires(stretch: &str) -> String {
    let Some((_, from, before)) = STRETCHES.iter().find(|(name, ..)| *name == stretch) else { return String::new() };
    let from = from.map(|days| format!("ExpirationDate -ge %TODAY+{days}%"));
    let before = before.map(|days| format!("ExpirationDate -lt %TODAY+{days}%"));
    from.into_iter().chain(before).collect::<Vec<_>>().join(" AND ")
}

/// Values that were met, by their folded form: each spelling with its number.
#[derive(Clone, Default)]
struct Spellings(BTreeMap<String, BTreeMap<String, i64>>);

impl Spellings {
    /// What is empty is no value.
    fn count(&mut self, value: &str) {
        if !value.is_empty() {
            *self.0.entry(fold(value)).or_default().entry(value.to_owned()).or_default() += 1;
        }
    }

    /// Each value as it is spelled most often.
    fn values(self) -> Vec<Counted> {
        let value = |spellings: BTreeMap<String, i64>| {
            let count = spellings.values().sum();
            // The first of those that are met equally often, as the maintained counts have it.
            let most = spellings.into_iter().rev().max_by_key(|(_, count)| *count);
            Counted { value: most.map(|(spelling, _)| spelling).unwrap_or_default(), count }
        };
        ordered(self.0.into_values().map(value).collect())
    }
}

/// The most frequent, and only so many as are told.
fn ordered(mut values: Vec<Counted>) -> Vec<Counted> {
    values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    values.truncate(VALUES);
    values
}

fn shown(name: &'static str, values: Vec<Counted>, exact: bool) -> Facet {
    let value = |Counted { value, count }| FacetValue { query: query(name, &value), value, role: None, count };
    let values = values.into_iter().map(value);
    let mut values: Vec<FacetValue> = values.collect();
    if name == "severity" {
        let rank = |name: &str| SEVERITIES.iter().position(|(known, _)| *known == name);
        values.sort_by_key(|value| rank(&value.value));
    }
    Facet { name, values, exact }
}

fn owners(tx: &mut Tx<'_>, values: Vec<Counted>, exact: bool) -> Result<Facet> {
    let mut shown = Vec::with_capacity(values.len());
    for Counted { value, count } in values {
        let role = value.parse().ok().map(RoleId);
        let name = match role {
            Some(role) => roles::find(tx, role)?.name,
            None => String::new(),
        };
        let query = match role {
            Some(_) => format!("OwnerRoleName -eq {}", quote(&name)),
            None => "OwnerRoleName -eq NULL".to_owned(),
        };
        shown.push(FacetValue { value: name, role, count, query });
    }
    Ok(Facet { name: "owner", values: shown, exact })
}

/// The query that finds exactly the certificates that are counted under a value.
fn query(facet: &str, value: &str) -> String {
    let text = quote(value);
    match facet {
        // By the whole name: two issuers may share a common name, and some have none.
        "issuer" => format!("IssuerDN -eq {text}"),
        "key" => match value.split_once(' ') {
            Some((algorithm, bits)) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("KeyAlgorithm -eq {} AND KeySize -eq {bits}", quote(algorithm))
            }
            Some((algorithm, curve)) => format!("KeyAlgorithm -eq {} AND Curve -eq {}", quote(algorithm), quote(curve)),
            // Of a curve without a name nothing else is told.
            None if value == "EC" => format!("KeyAlgorithm -eq {text} AND Curve -eq NULL"),
            None => format!("KeyAlgorithm -eq {text}"),
        },
        "signature" => format!("SigningAlgorithm -eq {text}"),
        "severity" => format!("FindingSeverity -eq {text}"),
        "finding" => format!("Finding -eq {text}"),
        _ => format!("Source -eq {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Catalogue, Query};

    #[test]
    fn every_value_becomes_a_query_that_is_understood() {
        for (facet, _) in FIELDS {
            for text in ["RSA 2048", "EC P-256", "EC", "error", "say \"hi\" \\ there", "O=Example\\, Inc.", "ML-DSA-65"] {
                if facet == "severity" && text != "error" {
                    continue;
                }
                let query = query(facet, text);
                Query::parse(&query, &Catalogue::default()).unwrap_or_else(|error| panic!("{query}: {error}"));
            }
        }
    }

    #[test]
    fn spellings_are_one_value() {
        let mut met = Spellings::default();
        for value in ["CN=Root", "CN=ROOT", "CN=root", "CN=ROOT", "", "O=Other"] {
            met.count(value);
        }
        let expected = [("CN=ROOT", 4), ("O=Other", 1)].map(|(value, count)| Counted { value: value.into(), count });
        assert_eq!(met.values(), expected);
    }
    #[test]
    fn every_day_is_in_one_stretch() {
        let today = 20_000;
        let name = |day: i64| STRETCHES[stretch(day * DAY_MS + 5, today)].0;
        assert_eq!((name(19_999), name(20_000), name(20_006)), ("before today", "in less than 7 days", "in less than 7 days"));
        assert_eq!((name(20_007), name(20_030), name(20_364)), ("in 7 to 29 days", "in 30 to 89 days", "in 90 to 364 days"));
        assert_eq!((name(20_365), name(2_932_896), name(-1)), ("in 365 days or later", "in 365 days or later", "before today"));
        for pair in STRETCHES.windows(2) {
            assert_eq!(pair[0].2, pair[1].1, "no day between them");
        }
    }

    #[test]
    fn a_query_asks_for_the_value_itself() {
        use crate::query::{Condition, Expr, Scalar, Test};
        fn texts(condition: &Condition, found: &mut Vec<String>) {
            match condition {
                Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| texts(part, found)),
                Expr::Leaf(leaf) => {
                    if let Test::Equals(values) = &leaf.test {
                        found.extend(values.iter().filter_map(|value| match value {
                            Scalar::Text(text) => Some(text.clone()),
                            _ => None,
                        }));
                    }
                }
            }
        }
        let values = [
            r"OU=Go Daddy Class 2 Certification Authority,O=The Go Daddy Group\, Inc.,C=US",
            r"CORP\CA",
            r"ends with \",
            r#"a "quoted\" one"#,
            "a=b",
        ];
        for facet in ["issuer", "source"] {
            for text in values {
                let written = query(facet, text);
                let query = Query::parse(&written, &Catalogue::default()).unwrap();
                let mut found = Vec::new();
                texts(&query.resolve(0, ""), &mut found);
                assert_eq!(found, [fold(text)], "{facet} {text}: {written}");
            }
        }
        for (stretch, ..) in STRETCHES {
            let query = expires(stretch);
            Query::parse(&query, &Catalogue::default()).unwrap_or_else(|error| panic!("{query}: {error}"));
        }
    }
}
