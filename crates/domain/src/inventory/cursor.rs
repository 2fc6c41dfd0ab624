//! Cursors of lists: behind which row a page begins. A cursor holds the row's value in the list's order, so that the list goes on
//! behind its place even when the certificate has been removed meanwhile. It says nothing that its reader did not see in that row.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certhold_store::{Row, Tx, Value, params};

use super::certificate::Summary;
use super::conditions::Conditions;
use super::list::{Column, Direction, Sort};
use crate::error::{Refusal, Result};
use crate::limits;

/// Stands for no value; no base64 text is as long.
const NOTHING: &str = "-";
/// Stands for a value that is too long for a cursor; no base64 text has this character.
const LONG: &str = "*";

/// What a cursor says of the value of its row.
enum Kept {
    /// The value, if the row has one.
    Here(Option<Value<'static>>),
    /// Too long: it stands in the row only.
    InRow,
}

/// The cursor of the page behind this row.
pub(super) fn cursor(tx: &mut Tx<'_>, sort: Sort, last: &Summary) -> Result<String> {
    let value = match sort {
        Sort::Id | Sort::Newest => return Ok(last.id.to_string()),
        Sort::Expiry | Sort::ExpiryLast => return Ok(format!("{}~{}", last.not_after, last.id)),
        Sort::By(Column::NotBefore, _) => last.not_before.to_string(),
        Sort::By(Column::HeldSince, _) => last.held_since.to_string(),
        Sort::By(column @ (Column::CommonName | Column::Issuer), _) => {
            // What the row is ordered by, which may be of an older derivation than what it shows.
            let sql = format!("SELECT {} FROM certificate WHERE id = $1", column.kept().0);
            let folded: Option<Option<String>> = tx.one(&sql, params![last.id], |row| row.get(0))?;
            match folded.flatten() {
                None => NOTHING.to_owned(),
                Some(text) if text.len() > limits::CURSOR_BYTES => LONG.to_owned(),
                Some(text) => URL_SAFE_NO_PAD.encode(text),
            }
        }
    };
    Ok(format!("{}~{value}~{}", sort.name(), last.id))
}

fn wrong() -> Refusal {
    Refusal::invalid("after", "this is not a cursor of this list in this order: start again from the first page")
}

fn number(text: &str) -> Result<i64, Refusal> {
    text.parse().map_err(|_| wrong())
}

/// What comes behind the row of this cursor, in parts that follow each other.
pub(super) fn behind(tx: &mut Tx<'_>, wanted: &Conditions, sort: Sort, cursor: &str) -> Result<Vec<Conditions>> {
    let mut next = wanted.clone();
    match sort {
        Sort::Id | Sort::Newest => {
            let place = next.bind(number(cursor)?);
            next.row(format!("certificate.id {} {place}", if sort == Sort::Id { '>' } else { '<' }));
        }
        Sort::Expiry | Sort::ExpiryLast => {
            let (not_after, id) = cursor.split_once('~').ok_or_else(wrong)?;
            let (not_after, id) = (next.bind(number(not_after)?), next.bind(number(id)?));
            let than = if sort == Sort::Expiry { '>' } else { '<' };
            next.row(format!("(certificate.not_after, certificate.id) {than} ({not_after}, {id})"));
        }
        Sort::By(column, direction) => {
            let own = cursor.strip_prefix(sort.name()).and_then(|rest| rest.strip_prefix('~'));
            let (value, id) = own.and_then(|rest| rest.split_once('~')).ok_or_else(wrong)?;
            let id = number(id)?;
            let value = match read(column, value)? {
                Kept::Here(value) => value,
                Kept::InRow => in_row(tx, wanted, column, id)?,
            };
            return Ok(behind_value(next, column, direction, value, id));
        }
    }
    Ok(vec![next])
}

fn read(column: Column, value: &str) -> Result<Kept, Refusal> {
    let (_, is_text) = column.kept();
    Ok(match value {
        value if !is_text => Kept::Here(Some(number(value)?.into())),
        NOTHING => Kept::Here(None),
        LONG => Kept::InRow,
        value => {
            let bytes = URL_SAFE_NO_PAD.decode(value).map_err(|_| wrong())?;
            let text = String::from_utf8(bytes).map_err(|_| wrong())?;
            // PostgreSQL takes no NUL, and no certificate's text has one.
            if text.len() > limits::CURSOR_BYTES || text.contains('\0') {
                return Err(wrong());
            }
            Kept::Here(Some(text.into()))
        }
    })
}

/// The value of a row of the list, where it is too long for a cursor: this one has to be there still.
fn in_row(tx: &mut Tx<'_>, wanted: &Conditions, column: Column, id: i64) -> Result<Option<Value<'static>>> {
    // A cursor tells nothing of what the list does not have.
    let mut named = wanted.clone();
    let place = named.bind(id);
    named.row(format!("certificate.id = {place}"));
    let (sql, values) = named.statement(&format!("SELECT {} FROM certificate WHERE {}", column.kept().0, named.question()));
    let text = |row: &Row<'_>| Ok(row.get::<Option<String>>(0)?.map(Value::from));
    tx.one(&sql, &values, text)?.ok_or_else(|| {
        let message = "the certificate behind which this page began is not in the list any more, and its name is too long to go on \
                       without it: start again from the first page";
        Refusal::invalid("after", message).into()
    })
}

/// What comes behind a value and a handle by a column of which some have no value: these come first in ascending order, and last in
/// descending order.
fn behind_value(
    wanted: Conditions,
    column: Column,
    direction: Direction,
    value: Option<Value<'static>>,
    id: i64,
) -> Vec<Conditions> {
    let (name, is_nullable) = column.kept();
    let is_ascending = direction == Direction::Ascending;
    let than = if is_ascending { '>' } else { '<' };
    let (mut next, mut rest) = (wanted.clone(), wanted);
    let has_rest = match value {
        Some(value) => {
            let (value, id) = (next.bind(value), next.bind(id));
            next.row(format!("(certificate.{name}, certificate.id) {than} ({value}, {id})"));
            rest.row(format!("certificate.{name} IS NULL"));
            is_nullable && !is_ascending
        }
        None => {
            let id = next.bind(id);
            next.row(format!("certificate.{name} IS NULL AND certificate.id {than} {id}"));
            rest.row(format!("certificate.{name} IS NOT NULL"));
            is_ascending
        }
    };
    if has_rest { vec![next, rest] } else { vec![next] }
}
