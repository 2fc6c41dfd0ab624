//! One connection to a database, of either engine. The only place that chooses between them.

use crate::error::Error;
use crate::location::Location;
use crate::row::Row;
use crate::value::Value;
use crate::{postgres, sqlite};

/// Which engine runs: information for status pages, never for decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Engine {
    /// Its name, for status pages.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgresql",
        }
    }
}

/// The row that every commit writes about itself, so that a commit whose answer was lost can be looked for.
#[derive(Clone, Copy)]
pub(crate) struct Marker {
    /// This process, by a random number.
    pub writer: i64,
    /// Counts this writer's batches.
    pub batch: i64,
    /// Unix milliseconds, by which rows of writers long gone are found.
    pub at_ms: i64,
}

impl Marker {
    pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS store_batch \
        (writer BIGINT NOT NULL PRIMARY KEY, batch BIGINT NOT NULL, at BIGINT NOT NULL);";
    pub(crate) const RECORD: &str = "INSERT INTO store_batch (writer, batch, at) VALUES ($1, $2, $3) \
        ON CONFLICT (writer) DO UPDATE SET batch = excluded.batch, at = excluded.at";
    pub(crate) const LOOK: &str = "SELECT batch FROM store_batch WHERE writer = $1";
    pub(crate) const FORGET: &str = "DELETE FROM store_batch WHERE at < $1";
}

/// Why a commit did not succeed.
pub(crate) enum CommitError {
    /// Nothing was written.
    Undone(Error),
    /// Only looking can tell.
    Unknown,
}

/// A connection and the state of its transaction.
/// Set when nobody waits for a read any more.
pub(crate) type Abandoned = std::sync::Arc<std::sync::atomic::AtomicBool>;

pub(crate) enum Link {
    Sqlite(sqlite::Link),
    Postgres(Box<postgres::Link>),
}

macro_rules! on_either {
    ($link:expr, $inner:ident => $call:expr) => {
        match $link {
            Link::Sqlite($inner) => $call,
            Link::Postgres($inner) => $call,
        }
    };
}

impl Link {
    /// Connects, for writing or for reading. Blocks; to be called, used and dropped on one thread that is not async.
    pub(crate) fn open(location: &Location, writable: bool) -> Result<Link, Error> {
        Ok(match location {
            Location::Sqlite(path) => Link::Sqlite(sqlite::Link::open(path, writable)?),
            Location::Postgres(url) => Link::Postgres(Box::new(postgres::Link::open(url, writable)?)),
        })
    }

    pub(crate) fn engine(&self) -> Engine {
        match self {
            Link::Sqlite(_) => Engine::Sqlite,
            Link::Postgres(_) => Engine::Postgres,
        }
    }

    /// Takes the one write lock and begins, connecting again first if that was lost.
    pub(crate) fn begin_write(&mut self) -> Result<(), Error> {
        on_either!(self, link => link.begin_write())
    }

    /// Much is about to be written, or no longer. On PostgreSQL the server looks after its memory.
    pub(crate) fn widen(&mut self, wide: bool) -> Result<(), Error> {
        match self {
            Link::Sqlite(link) => link.widen(wide),
            Link::Postgres(_) => Ok(()),
        }
    }

    /// The rows that this connection has changed so far, where it knows.
    pub(crate) fn rows_changed(&self) -> Option<u64> {
        match self {
            Link::Sqlite(link) => Some(link.rows_changed()),
            Link::Postgres(_) => None,
        }
    }

    /// Begins a read transaction, whose snapshot is taken by its first statement.
    pub(crate) fn begin_read(&mut self) -> Result<(), Error> {
        on_either!(self, link => link.begin_read())
    }

    /// Stops what runs for a read when this is set. PostgreSQL is left to its time-out.
    pub(crate) fn watch(&mut self, abandoned: Abandoned) {
        if let Link::Sqlite(link) = self {
            link.watch(abandoned);
        }
    }

    /// Parts what follows from what came before: [`Link::undo`] comes back to here.
    pub(crate) fn savepoint(&mut self) -> Result<(), Error> {
        on_either!(self, link => link.savepoint())
    }

    /// Undoes everything since the last savepoint.
    pub(crate) fn undo(&mut self) -> Result<(), Error> {
        on_either!(self, link => link.undo())
    }

    /// Whether the whole transaction ended by itself.
    pub(crate) fn gone(&self) -> bool {
        on_either!(self, link => link.gone())
    }

    /// Ends the transaction without a trace; never fails, because a connection that cannot roll back is replaced.
    pub(crate) fn rollback(&mut self) {
        on_either!(self, link => link.rollback());
    }

    /// Commits durably, with the marker.
    pub(crate) fn commit(&mut self, marker: Marker) -> Result<(), CommitError> {
        on_either!(self, link => link.commit(marker))
    }

    /// Runs several statements in the engine's own words, without parameters.
    pub(crate) fn script(&mut self, sql: &str) -> Result<(), Error> {
        on_either!(self, link => link.script(sql))
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        on_either!(self, link => link.execute(sql, params))
    }

    /// Runs a statement and shows its rows until `visit` answers no.
    pub(crate) fn query(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        visit: &mut dyn FnMut(&Row<'_>) -> bool,
    ) -> Result<(), Error> {
        on_either!(self, link => link.query(sql, params, visit))
    }

    /// Runs a statement once per list of parameters, on PostgreSQL without waiting for the answers between; shows the rows of
    /// each with the list's index. How many rows were concerned.
    pub(crate) fn many(
        &mut self,
        sql: &str,
        lists: &[&[Value<'_>]],
        visit: &mut dyn FnMut(usize, &Row<'_>),
    ) -> Result<u64, Error> {
        on_either!(self, link => link.many(sql, lists, visit))
    }

    /// Runs a statement whose answer nobody waits for by itself: on PostgreSQL with the next one, or with [`Link::settle`].
    pub(crate) fn send(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        match self {
            Link::Sqlite(link) => link.execute(sql, params).map(drop),
            Link::Postgres(link) => link.send(sql, params),
        }
    }

    /// Waits until all that was sent is done; the first error among it.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        match self {
            Link::Sqlite(_) => Ok(()),
            Link::Postgres(link) => link.settle(),
        }
    }

    pub(crate) fn close(self) {
        on_either!(self, link => link.close());
    }
}
