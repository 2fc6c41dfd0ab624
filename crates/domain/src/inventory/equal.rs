//! Tests for whole values: of the row by its columns, and lists of ids by the index of terms.
//!
//! Fields with few values are looked up in the counted values: which of them fit is decided in memory, exactly. The index has
//! gaps for frequent values (see [`super::counts`]): for them there is no list, and how many certificates have them is known
//! without one.

use certhold_store::{Row, Tx, Value, params};

use super::compile::{Compiled, exact, named_texts, never, undecided};
use super::conditions::Conditions;
use super::counts;
use super::derived::index_form;
use super::fields::{Field, fold, term};
use super::search::like;
use crate::error::Result;
use crate::query::{self, Scalar, Test, extended_key_usage_spellings, extended_key_usages_called};
use crate::text::unhex;

/// Values of a counted field that are looked through in memory, and that a statement may name.
const DICTIONARY: usize = 2_000;

/// Values of a list that a row is searched for, one after the other.
const SEARCHED: usize = 64;

/// How a field's values are in the row.
enum Column {
    /// An expression that is the value.
    One(&'static str),
    /// An expression that is the value as a number.
    Number(&'static str),
    /// A digest, its value in hexadecimal.
    Digest(&'static str),
    /// A text with a line for each value.
    Lines(&'static str),
    /// A flag.
    Flag(&'static str),
}

fn column(field: Field) -> Column {
    match field {
        Field::Subject => Column::One("certificate.subject_folded"),
        Field::Issuer => Column::One("certificate.issuer_folded"),
        Field::IssuerName => Column::One("coalesce(certificate.issuer_name_folded, certificate.issuer_folded)"),
        Field::Serial => Column::One("certificate.serial"),
        Field::SubjectKeyId => Column::One("certificate.subject_key_id"),
        Field::AuthorityKeyId => Column::One("certificate.authority_key_id"),
        Field::KeyAlgorithm => Column::One("certificate.key_algorithm"),
        Field::KeyBits => Column::Number("certificate.key_bits"),
        Field::Curve => Column::One("certificate.key_curve"),
        Field::SignatureAlgorithm => Column::One("certificate.signature_algorithm"),
        Field::Source => Column::One("certificate.source"),
        Field::Owner => Column::Number("certificate.owner_role"),
        // These two are counted for the home page and never looked for.
        Field::Severity | Field::Key => Column::One("NULL"),
        Field::Thumbprint => Column::Digest("certificate.sha1"),
        Field::Name => Column::Lines("certificate.names_folded"),
        Field::Organization => Column::Lines("certificate.organizations_folded"),
        Field::Unit => Column::Lines("certificate.units_folded"),
        Field::Country => Column::Lines("certificate.countries_folded"),
        Field::Email => Column::Lines("certificate.emails_folded"),
        Field::ExtendedKeyUsage => Column::Lines("certificate.extended_key_usage"),
        Field::Finding => Column::Lines("certificate.findings"),
        Field::IsCa => Column::Flag("certificate.is_ca"),
        Field::SelfSigned => Column::Flag("coalesce(certificate.self_signed, FALSE)"),
    }
}

/// The row has one of these values, as the column spells them; `None` when they are too many to look for.
pub(super) fn row(wanted: &mut Conditions, field: Field, values: &[&str]) -> Option<String> {
    let one_of = |column: &str, places: Vec<String>| match places.as_slice() {
        [] => "1 = 0".to_owned(),
        [one] => format!("{column} = {one}"),
        many => format!("{column} IN ({})", many.join(", ")),
    };
    if !wanted.has_room(values.len()) {
        return None;
    }
    Some(match column(field) {
        Column::One(column) => one_of(column, values.iter().map(|value| wanted.bind((*value).to_owned())).collect()),
        Column::Number(column) => one_of(
            column,
            values.iter().filter_map(|value| value.parse::<i64>().ok()).map(|number| wanted.bind(number)).collect(),
        ),
        Column::Digest(column) => {
            one_of(column, values.iter().filter_map(|value| unhex(value)).map(|digest| wanted.bind(digest)).collect())
        }
        Column::Lines(_) if values.len() > SEARCHED => return None,
        Column::Lines(column) => {
            // Findings stand behind their severity.
            let before = if field == Field::Finding { ':' } else { '\n' };
            let tests = values.iter().map(|value| {
                let place = wanted.bind(like(&format!("{before}{value}\n"), true, true));
                format!("{column} LIKE {place} ESCAPE '\\'")
            });
            format!("({})", tests.collect::<Vec<_>>().join(" OR "))
        }
        Column::Flag(column) => match values {
            ["true"] => column.to_owned(),
            ["false"] => format!("NOT {column}"),
            _ => "1 = 1".to_owned(),
        },
    })
}

/// The ids of all certificates that are indexed under one of these folded values.
fn ids<'v>(wanted: &mut Conditions, field: Field, folded: impl Iterator<Item = &'v str> + Clone) -> String {
    let places: Vec<String> = folded.clone().map(|value| wanted.bind(term(field, value))).collect();
    let by_term = match places.as_slice() {
        [one] => format!("SELECT certificate FROM certificate_term WHERE term = {one}"),
        many => format!("SELECT DISTINCT certificate FROM certificate_term WHERE term IN ({})", many.join(", ")),
    };
    if field != Field::Name {
        return by_term;
    }
    // DNS names have an index of their own, which also has common names.
    let reversed: Vec<String> = folded.map(|value| wanted.bind(Value::from(index_form(value)))).collect();
    format!("{by_term} UNION SELECT certificate FROM certificate_name WHERE reversed IN ({})", reversed.join(", "))
}

/// Certificates with one of these folded values.
pub(super) fn under(tx: &mut Tx<'_>, wanted: &mut Conditions, field: Field, folded: &[String]) -> Result<Compiled> {
    let values: Vec<&str> = folded.iter().map(String::as_str).collect();
    if values.is_empty() {
        return Ok(never());
    }
    let known = values.iter().map(|value| counts::known(tx, field, value)).collect::<Result<Vec<_>>>()?;
    // What is not marked is not indexed either.
    let has_gaps = known.iter().any(|known| known.frequent) || field == Field::SelfSigned && values != ["true"];
    let listed = !has_gaps && wanted.has_room(2 * values.len());
    let ids = listed.then(|| ids(wanted, field, values.iter().copied()));
    let Some(row) = row(wanted, field, &values) else { return Ok(undecided("1 = 1", ids)) };
    let mut found = exact(row, ids);
    found.condition.exact &= field != Field::Name;
    if let [known] = known.as_slice() {
        found.condition.count = known.count;
    }
    Ok(found)
}

/// A value of a counted field.
struct Entry {
    value: String,
    count: i64,
    frequent: bool,
}

impl Entry {
    fn read(row: &Row<'_>) -> Result<Entry, certhold_store::Error> {
        Ok(Entry { value: row.get(0)?, count: row.get(1)?, frequent: row.get(2)? })
    }
}

/// The values of a counted field that fit; `None` when it has too many to look through.
fn dictionary(tx: &mut Tx<'_>, field: Field, fits: impl Fn(&str) -> bool) -> Result<Option<Vec<Entry>>> {
    let limit = i64::try_from(DICTIONARY + 1).unwrap_or(i64::MAX);
    let sql = "SELECT value, count, frequent FROM facet WHERE field = $1 AND count > 0 LIMIT $2";
    let mut values = tx.rows(sql, params![field.number(), limit], Entry::read)?;
    if values.len() > DICTIONARY {
        return Ok(None);
    }
    values.retain(|entry| fits(&entry.value));
    Ok(Some(values))
}

/// The values of a counted field that one of these texts names, however many it has.
fn entries_of(tx: &mut Tx<'_>, field: Field, wanted: &[Scalar]) -> Result<Vec<Entry>> {
    let texts = named_texts(wanted);
    let mut terms: Vec<i64> = match field {
        Field::ExtendedKeyUsage => texts.flat_map(extended_key_usages_called).map(|usage| term(field, &usage)).collect(),
        _ => texts.map(|text| term(field, text)).collect(),
    };
    terms.sort_unstable();
    terms.dedup();
    let mut entries = Vec::new();
    for term in terms {
        let sql = "SELECT value, count, frequent FROM facet WHERE term = $1 AND count > 0";
        entries.extend(tx.rows(sql, params![term], Entry::read)?);
    }
    Ok(entries)
}

/// The list of ids for entries, if the index has them all, and how many there are, if the counts say.
fn listed(wanted: &mut Conditions, field: Field, entries: &[Entry]) -> (Option<String>, Option<i64>) {
    let folded: Vec<String> = entries.iter().map(|entry| fold(&entry.value)).collect();
    let complete = !entries.iter().any(|entry| entry.frequent) && wanted.has_room(2 * folded.len());
    let ids = complete.then(|| ids(wanted, field, folded.iter().map(String::as_str)));
    let exact = entries.len() == 1 || !field.is_multiple();
    (ids, exact.then(|| entries.iter().map(|entry| entry.count).sum()))
}

/// A test of a field with few values.
pub(super) fn few(tx: &mut Tx<'_>, wanted: &mut Conditions, field: Field, set: &str, test: &Test) -> Result<Compiled> {
    if let Test::Set = test {
        return Ok(exact(set, None));
    }
    let fits = |value: &str| match field {
        Field::ExtendedKeyUsage => extended_key_usage_spellings(value).iter().any(|name| query::text_fits(test, &fold(name))),
        _ => query::text_fits(test, &fold(value)),
    };
    let entries = match test {
        Test::Equals(values) => Some(entries_of(tx, field, values)?),
        _ => dictionary(tx, field, fits)?,
    };
    // More kinds of keys than a world of honest certificates has: every row is looked at.
    let Some(entries) = entries else { return Ok(undecided("1 = 1", None)) };
    if entries.is_empty() {
        return Ok(never());
    }
    let (ids, count) = listed(wanted, field, &entries);
    let values: Vec<&str> = entries.iter().map(|entry| entry.value.as_str()).collect();
    let Some(row) = row(wanted, field, &values) else { return Ok(undecided("1 = 1", ids)) };
    let mut found = exact(row, ids);
    found.condition.count = count;
    Ok(found)
}

/// A test of a counted field, of which `row` is the test of a row; `None` when it has too many values to look through.
pub(super) fn alike(
    tx: &mut Tx<'_>,
    wanted: &mut Conditions,
    field: Field,
    row: &str,
    fits: impl Fn(&str) -> bool,
) -> Result<Option<Compiled>> {
    let Some(entries) = dictionary(tx, field, fits)? else { return Ok(None) };
    if entries.is_empty() {
        return Ok(Some(never()));
    }
    let (ids, count) = listed(wanted, field, &entries);
    // Whole names stand in for issuers without a common name, which have no such field.
    let others = field == Field::IssuerName && entries.iter().any(|entry| entry.value.contains('='));
    let mut found = exact(row, ids);
    found.condition.exact &= !others;
    found.condition.count = count.filter(|_| !others);
    Ok(Some(found))
}
