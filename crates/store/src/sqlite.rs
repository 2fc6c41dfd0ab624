//! SQLite: one file, opened once by the writer and once by each reader.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::ffi;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection};

use crate::error::Error;
use crate::link::{Abandoned, CommitError, Marker};
use crate::row::{Cells, Row};
use crate::value::Value;

/// More than the program has statements, so that none is prepared twice.
const STATEMENTS: usize = 512;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// A reader's statement that takes longer is stopped, as on PostgreSQL: nobody waits for its answer any more.
const STATEMENT_TIME: Duration = Duration::from_secs(60);
/// Ordinarily the log is carried over every 64 MB: pages that change again and again are carried over once, and the pause that it
/// means for the writer is rare enough to stay out of the 99th percentile (measured: 20 ms against 100 ms with 16 MB).
const ROOM: &str = "PRAGMA cache_size = -49152; PRAGMA wal_autocheckpoint = 16000;";
/// While very much is written and nobody else writes. Each row has a dozen index entries at random places: the more of those pages
/// stay in memory, and the longer the log grows before it is carried over, the more entries share the writing of a page.
const WIDE_ROOM: &str = "PRAGMA cache_size = -393216; PRAGMA wal_autocheckpoint = 128000;";
/// Steps of SQLite's virtual machine between two looks at the clock: some milliseconds.
const STEPS: i32 = 100_000;

/// One connection to the file.
pub(crate) struct Link {
    connection: Connection,
    path: PathBuf,
    writable: bool,
    /// A savepoint is open, and what came after it belongs to the current closure.
    held: bool,
    /// The rows that this connection had changed when the transaction began.
    changes: u64,
    clock: Clock,
}

/// When the running statement began, and whether anybody waits for it.
#[derive(Clone)]
struct Clock {
    from: Instant,
    /// Milliseconds after `from`.
    began: Arc<AtomicU64>,
    abandoned: Arc<Mutex<Abandoned>>,
}

impl Clock {
    fn new() -> Clock {
        Clock { from: Instant::now(), began: Arc::default(), abandoned: Arc::default() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.from.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn begin(&self) {
        self.began.store(self.now(), Ordering::Relaxed);
    }

    fn is_over(&self, time: Duration) -> bool {
        let abandoned = self.abandoned.lock().unwrap_or_else(PoisonError::into_inner).load(Ordering::Relaxed);
        abandoned || u128::from(self.now().saturating_sub(self.began.load(Ordering::Relaxed))) > time.as_millis()
    }
}

impl Link {
    /// Opens the file, making it first if it does not exist and `writable` is set.
    pub(crate) fn open(path: &Path, writable: bool) -> Result<Link, Error> {
        let cannot = |what: &dyn std::fmt::Display| Error::Open { reason: format!("{}: {what}", path.display()) };
        // An absolute path cannot be mistaken for one of SQLite's "file:" URIs or special names.
        let path = std::path::absolute(path).map_err(|error| cannot(&error))?;
        if writable {
            create_private(&path).map_err(|error| cannot(&error))?;
        }
        let connection = Connection::open(&path).map_err(|error| cannot(&error))?;
        set_up(&connection, writable).map_err(|error| cannot(&error))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let mut link = Link { connection, path, writable, held: false, changes: 0, clock: Clock::new() };
        if !writable {
            link.stop_after(STATEMENT_TIME).map_err(|error| cannot(&error))?;
        }
        Ok(link)
    }

    /// Stops what runs when this is set.
    pub(crate) fn watch(&mut self, abandoned: Abandoned) {
        *self.clock.abandoned.lock().unwrap_or_else(PoisonError::into_inner) = abandoned;
    }

    /// Stops statements that take longer, or that nobody waits for.
    fn stop_after(&mut self, time: Duration) -> rusqlite::Result<()> {
        let clock = self.clock.clone();
        self.connection.progress_handler(STEPS, Some(move || clock.is_over(time)))
    }

    pub(crate) fn begin_write(&mut self) -> Result<(), Error> {
        if !self.connection.is_autocommit() {
            self.rollback();
        }
        self.held = false;
        self.changes = self.connection.total_changes();
        self.control("BEGIN IMMEDIATE")
    }

    /// Gives the writer much memory and a long log, or takes them back.
    pub(crate) fn widen(&mut self, wide: bool) -> Result<(), Error> {
        if wide { self.script(WIDE_ROOM) } else { self.script(&format!("{ROOM} PRAGMA shrink_memory;")) }
    }

    pub(crate) fn rows_changed(&self) -> u64 {
        self.connection.total_changes()
    }

    pub(crate) fn begin_read(&mut self) -> Result<(), Error> {
        self.control("BEGIN")
    }

    pub(crate) fn savepoint(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.held, true) {
            self.control("RELEASE closure")?;
        }
        self.control("SAVEPOINT closure")
    }

    pub(crate) fn undo(&mut self) -> Result<(), Error> {
        self.control("ROLLBACK TO closure")
    }

    /// An error such as a full disk may have ended the transaction; what ran then would commit by itself.
    pub(crate) fn gone(&self) -> bool {
        self.connection.is_autocommit()
    }

    pub(crate) fn rollback(&mut self) {
        self.held = false;
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.control("ROLLBACK") {
            tracing::warn!(%error, "the connection to the database file is opened anew, because a rollback failed");
            match Link::open(&self.path, self.writable) {
                Ok(fresh) => *self = fresh,
                Err(error) => tracing::error!(%error, "the database file cannot be opened again"),
            }
        }
    }

    pub(crate) fn commit(&mut self, marker: Marker) -> Result<(), CommitError> {
        self.held = false;
        let params = [Value::Int(marker.writer), Value::Int(marker.batch), Value::Int(marker.at_ms)];
        // A batch that changed nothing, as when no job was due, costs the disk nothing either.
        if self.connection.total_changes() != self.changes
            && let Err(error) = self.execute(Marker::RECORD, &params)
        {
            self.rollback();
            return Err(CommitError::Undone(error));
        }
        let Err(error) = self.control("COMMIT") else {
            return Ok(());
        };
        self.rollback();
        Err(match error {
            // Frames may have reached the log before the disk failed: a restart could find them.
            Error::Lost => CommitError::Unknown,
            other => CommitError::Undone(other),
        })
    }

    pub(crate) fn script(&mut self, sql: &str) -> Result<(), Error> {
        self.connection.execute_batch(sql).map_err(|error| self.failure(error, sql))
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        self.many(sql, &[params], &mut |_, _| {})
    }

    pub(crate) fn query(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        visit: &mut dyn FnMut(&Row<'_>) -> bool,
    ) -> Result<(), Error> {
        self.clock.begin();
        let mut statement = self.bound(sql, params)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| self.failure(error, sql))? {
            if !visit(&Row(Cells::Sqlite(row))) {
                break;
            }
        }
        Ok(())
    }

    /// Runs a statement once per list of parameters and shows what each returns; how many rows were changed.
    pub(crate) fn many(
        &mut self,
        sql: &str,
        lists: &[&[Value<'_>]],
        visit: &mut dyn FnMut(usize, &Row<'_>),
    ) -> Result<u64, Error> {
        let mut changed = 0;
        for (index, params) in lists.iter().enumerate() {
            self.clock.begin();
            let mut statement = self.bound(sql, params)?;
            if statement.column_count() == 0 {
                changed += statement.raw_execute().map_err(|error| self.failure(error, sql))? as u64;
                continue;
            }
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next().map_err(|error| self.failure(error, sql))? {
                visit(index, &Row(Cells::Sqlite(row)));
                changed += 1;
            }
        }
        Ok(changed)
    }

    /// SQLite numbers `$2` by its first appearance, so parameters are bound by name.
    fn bound(&self, sql: &str, params: &[Value<'_>]) -> Result<CachedStatement<'_>, Error> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|error| self.failure(error, sql))?;
        let mut highest = 0;
        for index in 1..=statement.parameter_count() {
            let name = statement.parameter_name(index).unwrap_or("?");
            let number: usize = name.strip_prefix('$').and_then(|digits| digits.parse().ok()).unwrap_or(0);
            let value = number.checked_sub(1).and_then(|position| params.get(position)).ok_or_else(|| Error::Type {
                place: format!("parameter {name} of [{sql}]"),
                found: "nothing".to_owned(),
                expected: "a value".to_owned(),
            })?;
            highest = highest.max(number);
            statement.raw_bind_parameter(index, Bound(value)).map_err(|error| self.failure(error, sql))?;
        }
        if highest < params.len() {
            return Err(Error::Type {
                place: format!("the list of parameters of [{sql}]"),
                found: format!("{} values", params.len()),
                expected: format!("{highest}"),
            });
        }
        Ok(statement)
    }

    fn control(&self, sql: &str) -> Result<(), Error> {
        let run = |statement: &mut CachedStatement<'_>| statement.raw_execute();
        let done = self.connection.prepare_cached(sql).and_then(|mut statement| run(&mut statement));
        done.map(drop).map_err(|error| self.failure(error, sql))
    }

    fn failure(&self, error: rusqlite::Error, sql: &str) -> Error {
        let (code, message) = match &error {
            rusqlite::Error::SqliteFailure(failure, message) => {
                (failure.extended_code, message.clone().unwrap_or_else(|| failure.to_string()))
            }
            rusqlite::Error::SqlInputError { error, msg, .. } => (error.extended_code, msg.clone()),
            other => (ffi::SQLITE_ERROR, other.to_string()),
        };
        match (code, code & 0xff) {
            (ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID, _) => {
                unique(&message)
            }
            (ffi::SQLITE_CONSTRAINT_FOREIGNKEY, _) => Error::Foreign,
            (_, ffi::SQLITE_CONSTRAINT) => Error::Constraint { what: message },
            (_, ffi::SQLITE_FULL | ffi::SQLITE_NOMEM) => Error::Full,
            (_, ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED) => Error::Busy,
            (_, ffi::SQLITE_READONLY) if !self.writable => Error::ReadOnly,
            (_, ffi::SQLITE_INTERRUPT) => Error::TimedOut,
            (_, ffi::SQLITE_IOERR) => {
                tracing::error!(code, message, "the disk under the database failed");
                Error::Lost
            }
            _ => Error::Sql { code: code.to_string(), message, sql: sql.to_owned() },
        }
    }

    /// Tidies up before the last connection closes.
    pub(crate) fn close(self) {
        if self.writable
            && let Err(error) = self.connection.execute_batch("PRAGMA analysis_limit = 400; PRAGMA optimize")
        {
            tracing::warn!(%error, "the query planner's statistics were not refreshed");
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "the database file was not closed cleanly");
        }
    }
}

/// The file holds sealed keys and password hashes: only its owner may read it. SQLite gives its log the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn set_up(connection: &Connection, writable: bool) -> Result<(), String> {
    let run = |sql: &str| connection.execute_batch(sql).map_err(|error| error.to_string());
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| error.to_string())?;
    // One plan per text, whatever is bound. Otherwise SQLite plans a statement anew when values are bound that might have
    // led to another plan, and taking them off a cached statement counts as such: measured, joins by key were prepared again
    // for every use, which was half the work of reading one row.
    let one_plan = DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
    connection.set_db_config(one_plan, true).map_err(|error| error.to_string())?;
    run("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = FAST; PRAGMA synchronous = FULL;")?;
    if !writable {
        return run("PRAGMA query_only = ON; PRAGMA cache_size = -4096;");
    }
    let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
    match mode.map_err(|error| error.to_string())?.as_str() {
        "wal" => {}
        other => return Err(format!("its file system allows no write-ahead log (only {other}): move it to a local disk")),
    }
    run("PRAGMA journal_size_limit = 67108864;")?;
    run(ROOM)
}

/// "UNIQUE constraint failed: person.name, person.realm", or "…: index 'name'".
fn unique(message: &str) -> Error {
    let list = message.split_once(": ").map_or(message, |(_, list)| list);
    let mut table = String::new();
    let mut columns = Vec::new();
    for place in list.split(", ") {
        match place.split_once('.') {
            Some((of, column)) => {
                of.clone_into(&mut table);
                columns.push(column.to_owned());
            }
            None => columns.push(place.to_owned()),
        }
    }
    Error::Unique { table, columns }
}

struct Bound<'a>(&'a Value<'a>);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Bool(truth) => ValueRef::Integer((*truth).into()),
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// The cell, or the words for what it is instead.
pub(crate) fn cell<'a>(row: &'a rusqlite::Row<'_>, index: usize) -> Result<Value<'a>, Cow<'static, str>> {
    match row.get_ref(index) {
        Ok(ValueRef::Null) => Ok(Value::Null),
        Ok(ValueRef::Integer(number)) => Ok(Value::Int(number)),
        Ok(ValueRef::Text(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.into())),
            Err(_) => Err("a text that is not UTF-8".into()),
        },
        Ok(ValueRef::Blob(bytes)) => Ok(Value::Blob(bytes.into())),
        Ok(ValueRef::Real(_)) => Err("a floating point number".into()),
        Err(_) => Err("nothing".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_durable_and_readers_are_held_to_reading() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        let settings = |writable: bool| {
            let link = Link::open(&path, writable).unwrap();
            let ask = |name: &str| {
                link.connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0))
            };
            ["journal_mode", "synchronous", "foreign_keys", "query_only"].map(|name| match ask(name).unwrap() {
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Integer(number) => number.to_string(),
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(settings(true), ["wal", "2", "1", "0"]);
        assert_eq!(settings(false), ["wal", "2", "1", "1"]);
    }

    #[test]
    fn a_readers_statement_does_not_run_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        drop(Link::open(&path, true).unwrap());
        let mut link = Link::open(&path, false).unwrap();
        link.stop_after(Duration::from_millis(50)).unwrap();
        let endless = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number) SELECT count(*) FROM number";
        assert_eq!(link.query(endless, &[], &mut |_| true), Err(Error::TimedOut));
        // One that nobody waits for ends before its time.
        link.stop_after(Duration::from_secs(600)).unwrap();
        let abandoned = Abandoned::default();
        link.watch(abandoned.clone());
        let leaves = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            abandoned.store(true, Ordering::Relaxed);
        });
        assert_eq!(link.query(endless, &[], &mut |_| true), Err(Error::TimedOut));
        leaves.join().unwrap();
        // The next one has its own time.
        link.watch(Abandoned::default());
        let mut seen = 0;
        link.query("SELECT 1", &[], &mut |_| {
            seen += 1;
            true
        })
        .unwrap();
        assert_eq!(seen, 1);
    }

    #[test]
    fn a_cached_statement_is_prepared_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut link = Link::open(&directory.path().join("store.db"), true).unwrap();
        link.script(
            "CREATE TABLE owner (id INTEGER PRIMARY KEY, name TEXT NOT NULL); INSERT INTO owner VALUES (1, 'one'); \
             CREATE TABLE thing (id INTEGER PRIMARY KEY, owner INTEGER, state TEXT NOT NULL); \
             CREATE INDEX thing_live ON thing (owner) WHERE state = 'live'; INSERT INTO thing VALUES (1, 1, 'live'), (2, NULL, 'gone');",
        )
        .unwrap();
        let sql = "SELECT thing.id, owner.name FROM thing LEFT JOIN owner ON owner.id = thing.owner WHERE thing.id = $1 LIMIT $2";
        for use_number in 0..20 {
            let mut rows = 0;
            let mut visit = |_: &Row<'_>| {
                rows += 1;
                true
            };
            link.query(sql, &[Value::Int(1 + use_number % 2), Value::Int(1 + use_number % 3)], &mut visit).unwrap();
            assert_eq!(rows, 1);
        }
        let statement = link.connection.prepare_cached(sql).unwrap();
        assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
        assert_eq!(statement.get_status(rusqlite::StatementStatus::Run), 20);
    }

    #[test]
    fn conflicts_are_read_from_the_message() {
        let columns = |message| match unique(message) {
            Error::Unique { table, columns } => (table, columns),
            other => panic!("{other:?}"),
        };
        assert_eq!(columns("UNIQUE constraint failed: a.x, a.y"), ("a".into(), vec!["x".into(), "y".into()]));
        assert_eq!(columns("UNIQUE constraint failed: index 'a_lower'"), (String::new(), vec!["index 'a_lower'".into()]));
    }
}
