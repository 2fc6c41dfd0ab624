//! Rows in a form that is the same on both engines.
//!
//! A row is its cells one after the other. A cell is a byte that says what follows: 0 nothing, 1 an integer (8 bytes,
//! big-endian; a boolean is 0 or 1), 2 a text and 3 bytes (each after its length in 4 bytes, big-endian).

use std::borrow::Cow;

use super::reflect::{Kind, Table, refusal};
use crate::error::Error;
use crate::link::Link;
use crate::value::Value;

/// Some rows of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    rows: usize,
    bytes: Vec<u8>,
}

/// Rows and bytes after which a chunk is full.
const ROWS: usize = 1_000;
const BYTES: usize = 4 * 1024 * 1024;
/// Rows that are written at once.
const WRITTEN_AT_ONCE: usize = 256;

impl Chunk {
    /// A chunk as it was kept.
    pub fn from_parts(rows: usize, bytes: Vec<u8>) -> Chunk {
        Chunk { rows, bytes }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn push(&mut self, value: &Value<'_>) {
        let mut long = |tag: u8, bytes: &[u8]| {
            self.bytes.push(tag);
            // Both engines hold less than 4 GB in a cell.
            self.bytes.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
            self.bytes.extend_from_slice(bytes);
        };
        match value {
            Value::Text(text) => long(2, text.as_bytes()),
            Value::Blob(bytes) => long(3, bytes),
            Value::Null => self.bytes.push(0),
            Value::Int(number) => self.int(*number),
            Value::Bool(truth) => self.int((*truth).into()),
        }
    }

    fn int(&mut self, number: i64) {
        self.bytes.push(1);
        self.bytes.extend_from_slice(&number.to_be_bytes());
    }
}

pub(super) fn read<E: From<Error>>(
    link: &mut Link,
    table: &Table,
    mut visit: impl FnMut(&Chunk) -> Result<(), E>,
) -> Result<(), E> {
    let quoted = |name: &str| format!("\"{name}\"");
    let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let places: Vec<usize> = table.key.iter().filter_map(|key| columns.iter().position(|column| column == key)).collect();
    let parameters: Vec<String> = (1..=table.key.len()).map(|number| format!("${number}")).collect();
    let after = format!("WHERE ({}) > ({})", list(&table.key), parameters.join(", "));
    let sql = |after: &str| {
        format!("SELECT {} FROM {} {after} ORDER BY {} LIMIT {ROWS}", list(&columns), quoted(&table.name), list(&table.key))
    };
    let (first, following) = (sql(""), sql(&after));
    let mut key: Option<Vec<Value<'static>>> = None;
    loop {
        let (mut chunk, mut refused, mut last) = (Chunk::default(), None, Vec::new());
        let from = key.take();
        let (text, values) = from.as_deref().map_or((&first, &[][..]), |values| (&following, values));
        link.query(text, values, &mut |row| {
            for index in 0..columns.len() {
                match row.value(index) {
                    Ok(value) => chunk.push(&value),
                    Err(error) => {
                        refused = Some(error);
                        return false;
                    }
                }
            }
            chunk.rows += 1;
            let full = chunk.bytes.len() >= BYTES;
            if full || chunk.rows == ROWS {
                last = places.iter().filter_map(|place| row.value(*place).ok().map(owned)).collect();
            }
            !full
        })?;
        if let Some(error) = refused {
            return Err(error.into());
        }
        if chunk.rows > 0 {
            visit(&chunk)?;
        }
        if last.is_empty() {
            return Ok(());
        }
        key = Some(last);
    }
}

fn owned(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::Bool(truth) => Value::Bool(truth),
        Value::Int(number) => Value::Int(number),
        Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
        Value::Blob(bytes) => Value::Blob(Cow::Owned(bytes.into_owned())),
    }
}

pub(super) fn write(link: &mut Link, table: &Table, chunk: &Chunk) -> Result<(), Error> {
    let columns: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let places: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
    let sql = format!("INSERT INTO \"{}\" ({}) VALUES ({})", table.name, columns.join(", "), places.join(", "));
    let mut rest = chunk.bytes.as_slice();
    let mut rows = Vec::with_capacity(WRITTEN_AT_ONCE);
    for _ in 0..chunk.rows {
        let mut row = Vec::with_capacity(columns.len());
        for column in &table.columns {
            let damaged = || refusal(format!("the rows of {} are damaged", table.name));
            let (value, tail) = cell(rest, column.kind).ok_or_else(damaged)?;
            row.push(value);
            rest = tail;
        }
        rows.push(row);
        if rows.len() == WRITTEN_AT_ONCE {
            insert(link, &sql, &rows)?;
            rows.clear();
        }
    }
    if !rest.is_empty() {
        return Err(refusal(format!("the rows of {} are damaged", table.name)));
    }
    insert(link, &sql, &rows)
}

fn insert(link: &mut Link, sql: &str, rows: &[Vec<Value<'_>>]) -> Result<(), Error> {
    let lists: Vec<&[Value<'_>]> = rows.iter().map(Vec::as_slice).collect();
    link.many(sql, &lists, &mut |_, _| {}).map(drop)
}

fn cell(bytes: &[u8], kind: Kind) -> Option<(Value<'_>, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let long = || {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
    };
    match (tag, kind) {
        (0, _) => Some((Value::Null, rest)),
        (1, Kind::Bool | Kind::Int) => {
            let (number, rest) = rest.split_first_chunk::<8>()?;
            let number = i64::from_be_bytes(*number);
            let value = match (kind, number) {
                (Kind::Bool, 0 | 1) => Value::Bool(number == 1),
                (Kind::Bool, _) => return None,
                _ => Value::Int(number),
            };
            Some((value, rest))
        }
        (2, Kind::Text) => {
            let (text, rest) = long()?;
            Some((Value::Text(std::str::from_utf8(text).ok()?.into()), rest))
        }
        (3, Kind::Blob) => long().map(|(bytes, rest)| (Value::Blob(bytes.into()), rest)),
        _ => None,
    }
}
