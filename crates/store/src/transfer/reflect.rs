//! What tables a database has. The only place that asks an engine about itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;
use crate::link::{Engine, Link};
use crate::params;
use crate::row::Row;

/// What a column holds. SQLite keeps booleans as integers, and does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Truth values, or integers on SQLite.
    Bool,
    /// Integers.
    Int,
    /// Texts.
    Text,
    /// Bytes.
    Blob,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// The columns of its primary key, in the key's order.
    pub key: Vec<String>,
    /// The column that the engine gives numbers for.
    pub identity: Option<String>,
    /// The tables that it refers to.
    pub refers_to: BTreeSet<String>,
}

const SQLITE_COLUMNS: &str = "SELECT t.name, c.name, c.type, c.pk, t.sql LIKE '%AUTOINCREMENT%' \
     FROM sqlite_schema AS t JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = t.name AND l.type = 'table' \
     JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite|_%' ESCAPE '|' \
     ORDER BY t.name, c.cid";
const SQLITE_REFERENCES: &str = "SELECT t.name, f.\"table\" FROM sqlite_schema AS t JOIN pragma_foreign_key_list(t.name) AS f \
     WHERE t.type = 'table'";
const POSTGRES_COLUMNS: &str = "SELECT CAST(c.relname AS TEXT), CAST(a.attname AS TEXT), format_type(a.atttypid, a.atttypmod), \
     CAST(coalesce(array_position(CAST(i.indkey AS SMALLINT[]), a.attnum) + 1, 0) AS BIGINT), \
     CAST(CASE WHEN a.attidentity = '' THEN 0 ELSE 1 END AS BIGINT) \
     FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary \
     WHERE c.relkind = 'r' AND c.relnamespace = CAST(current_schema() AS REGNAMESPACE) ORDER BY c.relname, a.attnum";
const POSTGRES_REFERENCES: &str = "SELECT CAST(own.relname AS TEXT), CAST(other.relname AS TEXT) FROM pg_constraint AS f \
     JOIN pg_class AS own ON own.oid = f.conrelid JOIN pg_class AS other ON other.oid = f.confrelid \
     WHERE f.contype = 'f' AND own.relnamespace = CAST(current_schema() AS REGNAMESPACE)";

/// All tables.
pub(super) fn tables(link: &mut Link) -> Result<Vec<Table>, Error> {
    let engine = link.engine();
    let (columns, references) = match engine {
        Engine::Sqlite => (SQLITE_COLUMNS, SQLITE_REFERENCES),
        Engine::Postgres => (POSTGRES_COLUMNS, POSTGRES_REFERENCES),
    };
    let found = rows(link, columns, |row| {
        Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(2)?, row.get::<i64>(3)?, row.get::<i64>(4)?))
    })?;
    let mut tables: BTreeMap<String, (Table, BTreeMap<i64, String>)> = BTreeMap::new();
    for (table, name, kind, position, identity) in found {
        let kind = match kind.to_ascii_lowercase().as_str() {
            "boolean" => Kind::Bool,
            "bigint" | "integer" | "smallint" => Kind::Int,
            "text" => Kind::Text,
            "bytea" | "blob" => Kind::Blob,
            other => return Err(refusal(format!("the column {table}.{name} is of type {other}, which is not known"))),
        };
        let fresh = || Table { name: table.clone(), columns: vec![], key: vec![], identity: None, refers_to: BTreeSet::new() };
        let (entry, key) = tables.entry(table.clone()).or_insert_with(|| (fresh(), BTreeMap::new()));
        if position > 0 {
            key.insert(position, name.clone());
        }
        // SQLite gives numbers for the primary key of a table that says so.
        if identity == 1 && (engine == Engine::Postgres || position == 1) {
            entry.identity = Some(name.clone());
        }
        entry.columns.push(Column { name, kind });
    }
    for (own, other) in rows(link, references, |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))? {
        if let Some((table, _)) = tables.get_mut(&own) {
            table.refers_to.insert(other);
        }
    }
    let keyed = tables.into_values().map(|(table, key)| Table { key: key.into_values().collect(), ..table });
    Ok(keyed.collect())
}

/// Each table after those that it refers to.
pub(super) fn in_order(mut waiting: Vec<Table>) -> Result<Vec<Table>, Error> {
    let mut ordered: Vec<Table> = Vec::new();
    while !waiting.is_empty() {
        let open: BTreeSet<String> = waiting.iter().map(|table| table.name.clone()).collect();
        let is_free = |table: &Table| table.refers_to.iter().all(|other| *other == table.name || !open.contains(other));
        let (free, rest): (Vec<Table>, Vec<Table>) = waiting.into_iter().partition(is_free);
        if free.is_empty() {
            let names: Vec<&str> = rest.iter().map(|table| table.name.as_str()).collect();
            return Err(refusal(format!("tables refer to each other in a circle: {}", names.join(", "))));
        }
        if let Some(table) = free.iter().find(|table| table.key.is_empty()) {
            return Err(refusal(format!("the table {} has no primary key", table.name)));
        }
        ordered.extend(free);
        waiting = rest;
    }
    Ok(ordered)
}

/// The number of the last migration.
pub(super) fn schema(link: &mut Link) -> Result<i64, Error> {
    let found = rows(link, "SELECT max(number) FROM store_migration", |row| row.get::<Option<i64>>(0));
    found
        .ok()
        .and_then(|numbers| numbers.into_iter().flatten().next())
        .ok_or_else(|| refusal("it is no database of Certhold".into()))
}

/// The last number that was given, kept also when its row is gone: no number is given twice.
pub(super) fn last_number(link: &mut Link, table: &Table) -> Result<Option<i64>, Error> {
    let Some(column) = &table.identity else { return Ok(None) };
    let mut found = None;
    let mut take = |row: &Row<'_>| {
        found = row.get::<i64>(0).ok();
        false
    };
    match link.engine() {
        Engine::Sqlite => {
            link.query("SELECT seq FROM sqlite_sequence WHERE name = $1", params![&table.name], &mut take)?;
        }
        Engine::Postgres => {
            let sequence = sequence(link, table, column)?;
            let sql = format!("SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {sequence}");
            link.query(&sql, &[], &mut take)?;
        }
    }
    Ok(found.filter(|last| *last > 0))
}

pub(super) fn set_last_number(link: &mut Link, table: &Table, last: i64) -> Result<(), Error> {
    let Some(column) = &table.identity else { return Ok(()) };
    match link.engine() {
        Engine::Sqlite => {
            link.execute("DELETE FROM sqlite_sequence WHERE name = $1", params![&table.name])?;
            link.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)", params![&table.name, last])?;
        }
        Engine::Postgres => {
            let sequence = sequence(link, table, column)?;
            link.execute("SELECT setval(CAST(CAST($1 AS TEXT) AS REGCLASS), $2)", params![&sequence, last])?;
        }
    }
    Ok(())
}

/// The name of the sequence behind an identity, as the server quotes it.
fn sequence(link: &mut Link, table: &Table, column: &str) -> Result<String, Error> {
    let mut found = None;
    let sql = "SELECT pg_get_serial_sequence(CAST($1 AS TEXT), CAST($2 AS TEXT))";
    link.query(sql, params![format!("\"{}\"", table.name), column], &mut |row| {
        found = row.get::<String>(0).ok();
        false
    })?;
    found.ok_or_else(|| refusal(format!("the table {} has lost its sequence", table.name)))
}

fn rows<T>(link: &mut Link, sql: &str, mut map: impl FnMut(&Row<'_>) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    let (mut found, mut refused) = (Vec::new(), None);
    link.query(sql, &[], &mut |row| {
        match map(row) {
            Ok(value) => found.push(value),
            Err(error) => refused = Some(error),
        }
        refused.is_none()
    })?;
    refused.map_or(Ok(found), Err)
}

pub(super) fn refusal(reason: String) -> Error {
    Error::Backup { reason }
}
