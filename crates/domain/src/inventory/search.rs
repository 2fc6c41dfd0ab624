//! What people look for, as conditions.

use certhold_store::{Tx, Value};

use super::conditions::{Condition, Conditions};
use super::fields::{Field, fold, term};
use super::text_index;
use crate::error::Result;
use crate::text::unhex;

/// One word of a quick search: in subject, names, serial number or issuer; `*.example.com` is everything under a domain; a
/// fingerprint or serial number may be written with colons.
pub(crate) fn add_word(tx: &mut Tx<'_>, wanted: &mut Conditions, word: &str) -> Result<()> {
    let word = fold(word).replace('\0', "");
    if let Some(domain) = word.strip_prefix("*.").filter(|rest| !rest.is_empty()) {
        add_domain(wanted, domain);
        return Ok(());
    }
    let digits: String = word.chars().filter(|c| *c != ':').collect();
    let is_hex = digits.chars().all(|c| c.is_ascii_hexdigit());
    match digits.len() {
        64 if is_hex => {
            let place = wanted.bind(unhex(&digits).unwrap_or_default());
            wanted.indexed(format!("certificate.sha256 = {place}"));
            return Ok(());
        }
        40 if is_hex => {
            let place = wanted.bind(unhex(&digits).unwrap_or_default());
            let (thumbprint, serial) = (term(Field::Thumbprint, &digits), term(Field::Serial, &digits));
            let (thumbprint, serial) = (wanted.bind(thumbprint), wanted.bind(serial));
            let serial_place = wanted.bind(digits);
            wanted.push(Condition {
                row: format!("(certificate.sha1 = {place} OR certificate.serial = {serial_place})"),
                ids: Some(format!("SELECT DISTINCT certificate FROM certificate_term WHERE term IN ({thumbprint}, {serial})")),
                exact: true,
                count: None,
            });
            return Ok(());
        }
        _ => {}
    }
    let word = if is_hex && word.contains(':') { digits } else { word };
    let ids = text_index::candidates(tx, wanted, &word)?;
    let place = wanted.bind(like(&word, true, true));
    let columns = ["subject_folded", "common_name_folded", "names_folded", "serial", "issuer_folded"];
    let tests = columns.map(|column| format!("certificate.{column} LIKE {place} ESCAPE '\\'"));
    wanted.push(Condition { row: format!("({})", tests.join(" OR ")), ids, exact: false, count: None });
    Ok(())
}

fn add_domain(wanted: &mut Conditions, domain: &str) {
    let from = format!("{}.", certhold_pki::reverse_labels(domain));
    let to = format!("{}/", &from[..from.len() - 1]);
    let (from, to) = (wanted.bind(Value::from(from)), wanted.bind(Value::from(to)));
    let range = format!("reversed > {from} AND reversed < {to}");
    wanted.push(Condition {
        row: format!("certificate.id IN (SELECT certificate FROM certificate_name WHERE {range})"),
        ids: Some(format!("SELECT DISTINCT certificate FROM certificate_name WHERE {range}")),
        exact: true,
        count: None,
    });
}

/// A number lies between both, inclusive; `column` has an index with the id behind it.
pub(crate) fn add_range(wanted: &mut Conditions, column: &str, from: Option<i64>, to: Option<i64>) {
    let from = from.map(|from| format!("certificate.{column} >= {}", wanted.bind(from)));
    let to = to.map(|to| format!("certificate.{column} <= {}", wanted.bind(to)));
    wanted.indexed(from.into_iter().chain(to).collect::<Vec<_>>().join(" AND "));
}

/// A pattern of `LIKE` for a text, with more before and behind if so.
pub(crate) fn like(text: &str, before: bool, behind: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("{}{text}{}", if before { "%" } else { "" }, if behind { "%" } else { "" })
}
