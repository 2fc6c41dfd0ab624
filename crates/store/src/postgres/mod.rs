//! PostgreSQL: one connection for the writer and one for each reader.
//!
//! A connection is driven on the thread that uses it: every call runs the protocol until its answer is there. What needs no
//! answer of its own (`BEGIN`, `SAVEPOINT`, what is sent by [`Link::send`]) travels with the next statement, which saves a round trip each.

mod address;
mod cells;
mod failure;
mod rows;
mod session;
mod tls;

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

pub(crate) use address::Address;
pub(crate) use cells::cell;
use failure::Failure;
use session::Session;

use crate::error::Error;
use crate::link::{CommitError, Marker};
use crate::row::Row;
use crate::value::Value;

/// "certhold": the write lock of a database. Advisory locks of different databases do not meet.
const WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(7162256626696547428)";
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// How long a caller waits for a lost server to come back, before it is told.
const PATIENCE: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// One connection, or the wish for one.
pub(crate) struct Link {
    runtime: Runtime,
    address: Address,
    writable: bool,
    session: Option<Session>,
    /// The server could not be reached the last time: nobody waits for it again until it could.
    down: bool,
    /// The transaction ended by itself.
    gone: bool,
    /// A savepoint is open, and what came after it belongs to the current closure.
    held: bool,
}

impl Link {
    pub(crate) fn open(url: &str, writable: bool) -> Result<Link, Error> {
        let cannot = |error: std::io::Error| Error::Open { reason: error.to_string() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
        let address = Address::parse(url)?;
        let session = Session::open(&runtime, &address, writable)?;
        Ok(Link { runtime, address, writable, session: Some(session), down: false, gone: false, held: false })
    }

    /// Connects again if the connection was lost, with growing pauses.
    fn ready(&mut self) -> Result<(), Error> {
        if self.session.as_ref().is_some_and(Session::alive) {
            return Ok(());
        }
        self.session = None;
        let patience = if self.down { Duration::ZERO } else { PATIENCE };
        let since = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match Session::open(&self.runtime, &self.address, self.writable) {
                Ok(session) => {
                    tracing::info!(database = %self.address, "connected to the database again");
                    self.session = Some(session);
                    self.down = false;
                    return Ok(());
                }
                Err(error) if since.elapsed() + pause > patience => {
                    tracing::warn!(database = %self.address, %error, "the database cannot be reached");
                    self.down = true;
                    return Err(Error::Lost);
                }
                Err(_) => std::thread::sleep(pause),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    pub(crate) fn begin_write(&mut self) -> Result<(), Error> {
        self.held = false;
        self.gone = false;
        // A connection that broke while idle shows it only now; nothing has happened on it yet.
        for _ in 0..2 {
            self.ready()?;
            match self.simple(WRITE) {
                Err(Error::Lost) => {}
                Err(error) => {
                    self.rollback();
                    return Err(error);
                }
                Ok(()) => return Ok(()),
            }
        }
        Err(Error::Lost)
    }

    pub(crate) fn begin_read(&mut self) -> Result<(), Error> {
        self.gone = false;
        self.ready()?;
        self.session()?.first_send(READ);
        Ok(())
    }

    pub(crate) fn savepoint(&mut self) -> Result<(), Error> {
        let held = self.held;
        self.session()?.first_send(if held { "RELEASE SAVEPOINT closure; SAVEPOINT closure" } else { "SAVEPOINT closure" });
        Ok(())
    }

    pub(crate) fn undo(&mut self) -> Result<(), Error> {
        let session = self.session()?;
        session.forget_sent();
        if session.unsent() {
            // The closure ran no statement, so not even its savepoint was made.
            return Ok(());
        }
        self.simple("ROLLBACK TO SAVEPOINT closure")
    }

    pub(crate) fn gone(&self) -> bool {
        self.gone || !self.session.as_ref().is_some_and(Session::alive)
    }

    pub(crate) fn rollback(&mut self) {
        self.held = false;
        let Some(session) = &mut self.session else {
            return;
        };
        session.forget_sent();
        // A read closure that ran no statement never began.
        if session.forget_unsent() == Some(READ) {
            return;
        }
        if !self.writable {
            // Whoever reads next need not wait for it either.
            session.send_words(&self.runtime, "ROLLBACK");
            return;
        }
        if self.simple("ROLLBACK").is_err() {
            self.session = None;
        }
    }

    pub(crate) fn commit(&mut self, marker: Marker) -> Result<(), CommitError> {
        self.held = false;
        let Some(session) = &mut self.session else {
            return Err(CommitError::Undone(Error::Lost));
        };
        session.forget_unsent();
        let Marker { writer, batch, at_ms } = marker;
        let record =
            Marker::RECORD.replace("$1", &writer.to_string()).replace("$2", &batch.to_string()).replace("$3", &at_ms.to_string());
        match session.simple(&self.runtime, &format!("{record}; COMMIT")) {
            Ok(()) => Ok(()),
            Err(lost @ Failure::Lost(_)) => {
                self.note(lost);
                Err(CommitError::Unknown)
            }
            // What the server refuses has not happened, also where the session is given up for it.
            Err(refused) => {
                let error = self.note(refused);
                self.rollback();
                Err(CommitError::Undone(error))
            }
        }
    }

    pub(crate) fn script(&mut self, sql: &str) -> Result<(), Error> {
        // Building an index over a million rows takes longer than any statement of the daily work.
        self.simple("SET LOCAL statement_timeout = 0")?;
        self.simple(sql)
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        self.run(sql, params, &mut |_| true)
    }

    pub(crate) fn send(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        let first = self.session()?.unsent();
        let Some(session) = &mut self.session else { return Err(Error::Lost) };
        let done = session.send(&self.runtime, sql, params);
        // Where the statement had to be prepared, the savepoint went with that.
        self.held |= first && self.writable && !session.unsent();
        done.map_err(|failure| self.note(failure))
    }

    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        let Some(session) = self.session.as_mut().filter(|session| session.owes()) else { return Ok(()) };
        let first = session.unsent();
        let done = session.settle(&self.runtime);
        self.held |= first && self.writable;
        done.map_err(|failure| self.note(failure))
    }

    pub(crate) fn query(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        visit: &mut dyn FnMut(&Row<'_>) -> bool,
    ) -> Result<(), Error> {
        self.run(sql, params, visit).map(drop)
    }

    pub(crate) fn many(
        &mut self,
        sql: &str,
        lists: &[&[Value<'_>]],
        visit: &mut dyn FnMut(usize, &Row<'_>),
    ) -> Result<u64, Error> {
        let first = self.session()?.unsent();
        let Some(session) = &mut self.session else { return Err(Error::Lost) };
        let done = session.many(&self.runtime, sql, lists, visit);
        self.held |= first && self.writable;
        done.map_err(|failure| self.note(failure))
    }

    fn run(&mut self, sql: &str, params: &[Value<'_>], visit: &mut dyn FnMut(&Row<'_>) -> bool) -> Result<u64, Error> {
        let seen = Cell::new(false);
        let mut watched = |row: &Row<'_>| {
            seen.set(true);
            visit(row)
        };
        let first = self.session()?.unsent();
        let runtime = &self.runtime;
        let Some(session) = &mut self.session else {
            return Err(Error::Lost);
        };
        let mut done = session.run(runtime, sql, params, &mut watched);
        if first && !seen.get() && !self.writable && matches!(done, Err(Failure::Lost(_))) {
            // A reader's connection that broke while idle: nothing has been read in this transaction, so it may begin again.
            self.session = None;
            self.begin_read()?;
            let Some(session) = &mut self.session else {
                return Err(Error::Lost);
            };
            done = session.run(&self.runtime, sql, params, &mut watched);
        }
        self.held |= first && self.writable;
        done.map_err(|failure| self.note(failure))
    }

    fn simple(&mut self, sql: &str) -> Result<(), Error> {
        let Some(session) = &mut self.session else {
            return Err(Error::Lost);
        };
        session.simple(&self.runtime, sql).map_err(|failure| self.note(failure))
    }

    fn note(&mut self, failure: Failure) -> Error {
        match failure {
            Failure::Statement(Error::ReadOnly) if self.writable => {
                // Somebody, or a service whose disk is full, has forbidden it. Sessions keep what held when they began: only another
                // one learns when it is allowed again.
                tracing::warn!(database = %self.address, "the database takes no writes: it is read-only");
                self.session = None;
                self.gone = true;
                Error::Lost
            }
            Failure::Statement(error) => error,
            Failure::Stale(error) => {
                // Another node changed a table under our prepared statements: the transaction is worth repeating.
                if let Some(session) = &mut self.session {
                    session.forget_statements();
                }
                self.gone = true;
                error
            }
            Failure::Lost(reason) => {
                tracing::warn!(database = %self.address, reason, "the connection to the database was lost");
                self.session = None;
                self.gone = true;
                Error::Lost
            }
        }
    }

    fn session(&mut self) -> Result<&mut Session, Error> {
        self.session.as_mut().ok_or(Error::Lost)
    }

    pub(crate) fn close(self) {
        drop(self.session);
    }
}
