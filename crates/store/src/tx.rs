//! The one transaction type.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::Error;
use crate::link::{Engine, Link};
use crate::row::Row;
use crate::value::Value;

/// A transaction, or the part of one that belongs to one closure.
///
/// A statement that fails dooms its closure on both engines: every later statement repeats the error, and everything the
/// closure did is undone even if it returns `Ok`. Where a conflict is expected, say `ON CONFLICT`.
pub struct Tx<'c> {
    link: &'c mut Link,
    memo: &'c mut Memo,
    recorder: &'c Recorder,
    writable: bool,
    doomed: Option<Error>,
}

impl<'c> Tx<'c> {
    /// The key of a table that indexes texts for [`Tx::occurs`]: SQLite's has this name and no other.
    pub const TEXT_KEY: &'static str = "rowid";

    pub(crate) fn new(link: &'c mut Link, memo: &'c mut Memo, recorder: &'c Recorder, writable: bool) -> Tx<'c> {
        Tx { link, memo, recorder, writable, doomed: None }
    }

    /// The error of the first statement that failed.
    pub(crate) fn doomed(&self) -> Option<&Error> {
        self.doomed.as_ref()
    }

    /// Runs a statement and tells how many rows it changed.
    ///
    /// # Errors
    /// Whatever the engine refuses; see [`Error`].
    pub fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        self.check(sql, params)?;
        let done = self.link.execute(sql, params);
        self.noting(done)
    }

    /// All rows of a query, each turned into a `T`.
    ///
    /// # Errors
    /// Whatever the engine or `map` refuses.
    pub fn rows<T>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        self.each(sql, params, |row| {
            found.push(map(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The first row of a query, or `None`.
    ///
    /// # Errors
    /// Whatever the engine or `map` refuses.
    pub fn one<T>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        map: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.check(sql, params)?;
        let mut map = Some(map);
        let mut found = None;
        let done = self.link.query(sql, params, &mut |row| {
            found = map.take().map(|map| map(row));
            false
        });
        self.noting(done)?;
        found.transpose()
    }

    /// Runs a statement once for each list of parameters, in their order; how many rows changed altogether. On PostgreSQL the
    /// lists travel together, which makes bulk work several times faster than [`Tx::execute`] in a loop.
    ///
    /// # Errors
    /// Whatever the engine refuses first.
    pub fn execute_many<'v>(&mut self, sql: &str, lists: &[impl AsRef<[Value<'v>]>]) -> Result<u64, Error> {
        self.many(sql, lists, &mut |_, _| {})
    }

    /// [`Tx::execute`] for whoever need not know how many rows changed. On PostgreSQL the statement travels with the next one, or at the
    /// end of the closure, which saves a round trip; an error then shows itself there, and undoes the closure all the same.
    ///
    /// # Errors
    /// Whatever the engine refuses at once.
    pub fn send(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        self.check(sql, params)?;
        let done = self.link.send(sql, params);
        self.noting(done)
    }

    /// [`Tx::execute_many`] in the way of [`Tx::send`], where the lists are few.
    ///
    /// # Errors
    /// Whatever the engine refuses at once.
    pub fn send_many<'v>(&mut self, sql: &str, lists: &[impl AsRef<[Value<'v>]>]) -> Result<(), Error> {
        if lists.len() > SENT {
            return self.execute_many(sql, lists).map(drop);
        }
        lists.iter().try_for_each(|params| self.send(sql, params.as_ref()))
    }

    /// Waits for what was sent, at the end of a closure.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        let done = self.link.settle();
        self.noting(done)
    }

    /// The first row of a statement for each list of parameters, in their order; otherwise as [`Tx::execute_many`]. Made for
    /// `INSERT … ON CONFLICT DO NOTHING RETURNING id`.
    ///
    /// # Errors
    /// Whatever the engine or `map` refuses first.
    pub fn one_of_each<'v, T>(
        &mut self,
        sql: &str,
        lists: &[impl AsRef<[Value<'v>]>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<Option<T>>, Error> {
        let mut found: Vec<Option<Result<T, Error>>> = Vec::new();
        found.resize_with(lists.len(), || None);
        self.many(sql, lists, &mut |index, row| {
            if let Some(first @ None) = found.get_mut(index) {
                *first = Some(map(row));
            }
        })?;
        found.into_iter().map(Option::transpose).collect()
    }

    fn many<'v>(
        &mut self,
        sql: &str,
        lists: &[impl AsRef<[Value<'v>]>],
        visit: &mut dyn FnMut(usize, &Row<'_>),
    ) -> Result<u64, Error> {
        let lists: Vec<&[Value<'_>]> = lists.iter().map(AsRef::as_ref).collect();
        lists.iter().try_for_each(|params| self.check(sql, params))?;
        let done = self.link.many(sql, &lists, visit);
        self.noting(done)
    }

    /// Shows the rows of a query one by one without holding them all; stops at the first error of `visit`.
    ///
    /// # Errors
    /// Whatever the engine or `visit` refuses.
    pub fn each(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        mut visit: impl FnMut(&Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.check(sql, params)?;
        let mut refused = None;
        let done = self.link.query(sql, params, &mut |row| match visit(row) {
            Ok(()) => true,
            Err(error) => {
                refused = Some(error);
                false
            }
        });
        self.noting(done)?;
        refused.map_or(Ok(()), Err)
    }

    /// A value kept for the current batch of writes, such as the head of a chain that every write extends. It is forgotten
    /// whenever any closure of the batch is undone, and when the batch ends; in a read it lives as long as the closure.
    pub fn memo<T: Any + Send>(&mut self) -> &mut Option<T> {
        self.memo.slot()
    }

    /// Whether this transaction may write.
    pub fn can_write(&self) -> bool {
        self.writable
    }

    /// The words at the end of a `SELECT` that pass over rows another session holds; nothing where there is one writer only.
    pub fn skip_locked(&self) -> &'static str {
        match self.link.engine() {
            Engine::Sqlite => "",
            Engine::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// A table from which rows are taken in the order of its primary key, or of an index: no other index is to choose them, since
    /// many fulfil what is asked for. PostgreSQL finds out by itself.
    pub fn walked(&self, table: &str, index: Option<&str>) -> String {
        match (self.link.engine(), index) {
            (Engine::Sqlite, None) => format!("{table} NOT INDEXED"),
            (Engine::Sqlite, Some(index)) => format!("{table} INDEXED BY {index}"),
            (Engine::Postgres, _) => table.to_owned(),
        }
    }

    /// The name of the function that gives the greatest of its arguments.
    pub fn greatest(&self) -> &'static str {
        match self.link.engine() {
            Engine::Sqlite => "max",
            Engine::Postgres => "greatest",
        }
    }

    /// For a table that indexes its column `body` by all groups of three characters: a condition that holds at least for the rows in
    /// which `wanted` occurs, with `?` for the value beside it. Rows it lets through must still be looked at. `None` when `wanted`
    /// is shorter than three characters, which the index does not help to find.
    pub fn occurs(&self, table: &str, wanted: &str) -> Option<(String, Value<'static>)> {
        match self.link.engine() {
            Engine::Sqlite => trigrams(wanted).map(|query| (format!("{table} MATCH ?"), Value::from(query))),
            Engine::Postgres if wanted.chars().nth(2).is_none() => None,
            Engine::Postgres => Some((format!("{table}.body LIKE ?"), Value::from(like_part(wanted)))),
        }
    }

    /// Passes over numbers: the next row that a table numbers by itself (`id BIGSERIAL PRIMARY KEY`) gets one after `last`. For a table that
    /// has numbered a row before; not for fewer numbers than it has passed. Numbers that were passed over may stay so when this is undone.
    ///
    /// # Errors
    /// Whatever the engine refuses.
    pub fn number_after(&mut self, table: &str, last: i64) -> Result<(), Error> {
        if let Some(error) = &self.doomed {
            return Err(error.clone());
        }
        // In each engine's own words, which are not remembered among the texts that both run.
        let params = [Value::from(table), last.into()];
        let done = match self.link.engine() {
            Engine::Sqlite => self.link.execute("UPDATE sqlite_sequence SET seq = $2 WHERE name = $1", &params).map(drop),
            Engine::Postgres => {
                let sql = "SELECT setval(CAST(pg_get_serial_sequence(CAST($1 AS TEXT), 'id') AS REGCLASS), $2)";
                self.link.query(sql, &params, &mut |_| true)
            }
        };
        self.noting(done)
    }

    /// The clock that all nodes share, in unix milliseconds: the server's on PostgreSQL, this machine's on SQLite.
    ///
    /// # Errors
    /// Whatever the engine refuses.
    pub fn clock_ms(&mut self) -> Result<i64, Error> {
        if self.link.engine() == Engine::Sqlite {
            return Ok(now_ms());
        }
        let sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
        Ok(self.one(sql, &[], |row| row.get(0))?.unwrap_or_default())
    }

    /// Sixteen unpredictable bytes: what makes the digest of a short text tell nothing about it. A closure that runs twice gets
    /// others the second time.
    ///
    /// # Errors
    /// [`Error::Lost`] when the system gives no random bytes.
    pub fn salt(&mut self) -> Result<[u8; 16], Error> {
        let mut salt = [0; 16];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| Error::Lost)?;
        Ok(salt)
    }

    fn check(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        if let Some(error) = &self.doomed {
            return Err(error.clone());
        }
        self.recorder.note(sql);
        for (position, value) in params.iter().enumerate() {
            // Refused on both engines, because PostgreSQL cannot hold it.
            if matches!(value, Value::Text(text) if text.as_bytes().contains(&0)) {
                return Err(Error::Nul { place: format!("parameter ${}", position + 1) });
            }
        }
        Ok(())
    }

    fn noting<T>(&mut self, done: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &done {
            self.doomed = Some(error.clone());
        }
        done
    }
}

/// `%text%` with the signs that mean something to `LIKE` escaped by a backslash.
fn like_part(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// Lists that are sent one by one: more are put together by what runs them.
const SENT: usize = 4;

/// Groups of three characters asked for at most: each costs a list, and few leave enough behind.
const TRIGRAMS: usize = 12;

/// The groups of three characters in `text` as a query that wants all of them: side by side, and the last one.
fn trigrams(text: &str) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let last = characters.len().checked_sub(3)?;
    let step = (characters.len() / TRIGRAMS).max(3);
    let places = (0..last).step_by(step).chain([last]);
    let quoted = places.map(|at| format!("\"{}\"", characters[at..at + 3].iter().collect::<String>().replace('"', "\"\"")));
    Some(quoted.collect::<Vec<_>>().join(" AND "))
}

/// Unix milliseconds by this machine's clock.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Values by type, each boxed as an `Option` of that type.
#[derive(Default)]
pub(crate) struct Memo(HashMap<TypeId, Box<dyn Any + Send>>);

impl Memo {
    #[expect(clippy::expect_used, reason = "the key is the type of the value")]
    fn slot<T: Any + Send>(&mut self) -> &mut Option<T> {
        let slot = self.0.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(None::<T>));
        slot.downcast_mut().expect("a slot holds an Option of its key's type")
    }

    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}

/// The distinct SQL texts that ran, for tests that hold every text against both engines.
#[derive(Default)]
pub(crate) struct Recorder(Option<Mutex<BTreeSet<String>>>);

impl Recorder {
    pub(crate) fn new(record: bool) -> Recorder {
        Recorder(record.then(Mutex::default))
    }

    fn note(&self, sql: &str) {
        if let Some(texts) = &self.0 {
            let mut texts = texts.lock().unwrap_or_else(PoisonError::into_inner);
            if !texts.contains(sql) {
                texts.insert(sql.to_owned());
            }
        }
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        let Some(texts) = &self.0 else {
            return Vec::new();
        };
        texts.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trigrams_stand_side_by_side_and_reach_the_end() {
        assert_eq!(trigrams("ab"), None);
        assert_eq!(trigrams("abc").unwrap(), "\"abc\"");
        assert_eq!(trigrams("abcdefgh").unwrap(), "\"abc\" AND \"def\" AND \"fgh\"");
        assert_eq!(trigrams("a\"b").unwrap(), "\"a\"\"b\"");
        assert!(trigrams(&"x".repeat(500)).unwrap().matches("AND").count() <= TRIGRAMS + 1);
    }

    #[test]
    fn like_parts_are_escaped() {
        assert_eq!(like_part("50%_\\"), "%50\\%\\_\\\\%");
    }
}
