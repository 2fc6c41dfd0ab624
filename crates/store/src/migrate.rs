//! Brings the tables of a database to what the program expects.

use aws_lc_rs::digest::{SHA256, digest};

use crate::error::Error;
use crate::link::{CommitError, Link, Marker};
use crate::tx::now_ms;
use crate::words::translate;

/// One step in the history of the tables. Once published it never changes: its text is remembered by its digest.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Counts up from 1 without gaps.
    pub number: i64,
    /// A word or two, for messages.
    pub name: &'static str,
    /// The statements, written once for both engines.
    pub sql: &'static str,
}

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS store_migration \
    (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL);";

/// Applies what is missing, each step in a transaction of its own under the write lock, so that two nodes which start at the
/// same time do each step once.
pub(crate) fn migrate(link: &mut Link, migrations: &[Migration]) -> Result<(), Error> {
    if let Some(odd) = migrations.iter().zip(1..).find(|(migration, expected)| migration.number != *expected) {
        return Err(refusal(format!("its migration {} ({}) is out of order", odd.0.number, odd.0.name)));
    }
    step(link, |link| {
        let engine = link.engine();
        link.script(&translate(HISTORY, engine))?;
        link.script(&translate(Marker::TABLE, engine))
    })?;
    while step(link, |link| next(link, migrations))? {}
    Ok(())
}

/// Checks the history and applies the first missing migration; whether there was one.
fn next(link: &mut Link, migrations: &[Migration]) -> Result<bool, Error> {
    let mut applied = 0;
    for (number, name, checksum) in history(link)? {
        let Some(known) = usize::try_from(number - 1).ok().and_then(|index| migrations.get(index)) else {
            return Err(refusal(format!(
                "it was made by a newer version (it holds migration {number}, {name}; this version knows {}): run that version or a newer one",
                migrations.len()
            )));
        };
        applied += 1;
        if number != applied {
            return Err(refusal(format!("migration {applied} is missing from its history: restore it from a backup")));
        }
        if checksum != sha256(known.sql) {
            return Err(refusal(format!(
                "migration {number} ({name}) was applied with another text than this version has: run the version that made it"
            )));
        }
    }
    let Some(missing) = usize::try_from(applied).ok().and_then(|index| migrations.get(index)) else {
        return Ok(false);
    };
    tracing::info!(number = missing.number, name = missing.name, "applying a migration");
    let sql = translate(missing.sql, link.engine());
    link.script(&sql)?;
    link.execute(
        "INSERT INTO store_migration (number, name, sha256, applied_at) VALUES ($1, $2, $3, $4)",
        &[missing.number.into(), missing.name.into(), sha256(missing.sql).into(), now_ms().into()],
    )?;
    Ok(true)
}

fn history(link: &mut Link) -> Result<Vec<(i64, String, String)>, Error> {
    let mut found = Vec::new();
    let mut refused = None;
    link.query("SELECT number, name, sha256 FROM store_migration ORDER BY number", &[], &mut |row| {
        let read = || Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        read().map_or_else(|error| refused = Some(error), |entry| found.push(entry));
        refused.is_none()
    })?;
    refused.map_or(Ok(found), Err)
}

/// One transaction of the writer, before it has begun its work.
fn step<T>(link: &mut Link, work: impl FnOnce(&mut Link) -> Result<T, Error>) -> Result<T, Error> {
    link.begin_write()?;
    match work(link) {
        Err(error) => {
            link.rollback();
            Err(error)
        }
        Ok(value) => match link.commit(Marker { writer: 0, batch: 0, at_ms: now_ms() }) {
            Ok(()) => Ok(value),
            Err(CommitError::Undone(error)) => Err(error),
            // The next start finds out; applying a step twice is not possible.
            Err(CommitError::Unknown) => Err(Error::Lost),
        },
    }
}

fn refusal(reason: String) -> Error {
    Error::Migration { reason }
}

fn sha256(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
