//! Copying whole databases, table by table, from either engine to either engine.
//!
//! A [`Reader`] shows one moment of a database as rows in a form that is the same on both engines, so that a digest of a table is
//! the same wherever the table is. A [`Writer`] fills an empty database and makes it visible only when everything is in it: on
//! PostgreSQL it is one transaction, on SQLite a file under another name. Both know tables by reflection, so new ones come along.

mod reflect;
mod rows;

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};

pub use reflect::{Column, Kind, Table};
pub use rows::Chunk;

use crate::error::Error;
use crate::link::{CommitError, Engine, Link, Marker};
use crate::location::Location;
use crate::migrate::{Migration, migrate};
use crate::tx::{Memo, Recorder, Tx, now_ms};

/// What the store keeps for itself, and what a new database gets from its own migrations.
const OWN: [&str; 2] = ["store_migration", "store_batch"];

/// What a table holds: the same on both engines if the rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Rows.
    pub rows: i64,
    /// SHA-256 of all rows in the order of the primary key.
    pub digest: [u8; 32],
}

/// Digests a table's rows as they pass.
pub struct Digester {
    context: Context,
    rows: i64,
}

impl Default for Digester {
    fn default() -> Digester {
        Digester { context: Context::new(&SHA256), rows: 0 }
    }
}

impl Digester {
    /// Takes in a chunk.
    pub fn add(&mut self, chunk: &Chunk) {
        self.context.update(chunk.bytes());
        self.rows += i64::try_from(chunk.rows()).unwrap_or(0);
    }

    /// What the table holds.
    #[must_use]
    pub fn finish(self) -> Content {
        let mut digest = [0; 32];
        digest.copy_from_slice(self.context.finish().as_ref());
        Content { rows: self.rows, digest }
    }
}

/// One moment of a database.
pub struct Reader {
    link: Link,
    tables: Vec<Table>,
    schema: i64,
}

impl Reader {
    /// Opens a database to read it as it is now, beside everybody's work. Applies no migration. Blocks.
    ///
    /// # Errors
    /// When it cannot be read, or was not made by this program.
    pub fn open(location: &Location, skip: &[&str]) -> Result<Reader, Error> {
        let mut link = Link::open(location, false)?;
        link.begin_read()?;
        let tables = tables(&mut link, skip)?;
        let schema = reflect::schema(&mut link)?;
        Ok(Reader { link, tables, schema })
    }

    /// The tables, each after those that it refers to.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The number of the last migration that was applied.
    pub fn schema(&self) -> i64 {
        self.schema
    }

    /// Shows a table's rows in the order of its primary key, some at a time.
    ///
    /// # Errors
    /// Whatever the engine or `visit` refuses.
    pub fn read<E: From<Error>>(&mut self, table: &Table, visit: impl FnMut(&Chunk) -> Result<(), E>) -> Result<(), E> {
        rows::read(&mut self.link, table, visit)
    }

    /// The last number that was given to a row of a table with an identity, if it has one.
    ///
    /// # Errors
    /// Whatever the engine refuses.
    pub fn last_number(&mut self, table: &Table) -> Result<Option<i64>, Error> {
        reflect::last_number(&mut self.link, table)
    }

    /// Runs a read of the same moment.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn tx<T, E: From<Error>>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        with_tx(&mut self.link, work)
    }
}

fn with_tx<T, E: From<Error>>(link: &mut Link, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
    let (mut memo, recorder) = (Memo::default(), Recorder::new(false));
    work(&mut Tx::new(link, &mut memo, &recorder, false))
}

fn tables(link: &mut Link, skip: &[&str]) -> Result<Vec<Table>, Error> {
    let all = reflect::tables(link)?;
    let wanted = all.into_iter().filter(|table| !OWN.contains(&table.name.as_str()) && !skip.contains(&table.name.as_str()));
    reflect::in_order(wanted.collect())
}

/// An empty database that is being filled. Dropped before [`Writer::finish`], it leaves nothing behind.
pub struct Writer {
    link: Option<Link>,
    tables: Vec<Table>,
    engine: Engine,
    /// On SQLite, the file under its other name, and the name that it gets.
    file: Option<(PathBuf, PathBuf)>,
}

impl Writer {
    /// Prepares a database with the tables of these migrations. On SQLite the file must not exist.
    ///
    /// # Errors
    /// When there is a database already, or it cannot be made.
    pub fn open(location: &Location, migrations: &[Migration], skip: &[&str]) -> Result<Writer, Error> {
        let refuse = |reason: String| Error::Backup { reason };
        let (file, place) = match location {
            Location::Postgres(_) => (None, location.clone()),
            Location::Sqlite(path) => {
                for name in [path.clone(), beside(path, "-wal")] {
                    if name.exists() {
                        return Err(refuse(format!("{} exists already: move it away first", name.display())));
                    }
                }
                let part = beside(path, ".part");
                remove(&part);
                (Some((part.clone(), path.clone())), Location::Sqlite(part))
            }
        };
        // From here on the destructor clears up.
        let mut writer = Writer { link: None, tables: Vec::new(), engine: Engine::Sqlite, file };
        let mut link = Link::open(&place, true)?;
        writer.engine = link.engine();
        migrate(&mut link, migrations)?;
        link.begin_write()?;
        writer.tables = tables(&mut link, skip)?;
        writer.link = Some(link);
        Ok(writer)
    }

    fn link(&mut self) -> Result<&mut Link, Error> {
        self.link.as_mut().ok_or(Error::Closed)
    }

    /// The tables, each after those that it refers to.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Runs a read of what has been written so far.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn tx<T, E: From<Error>>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        with_tx(self.link()?, work)
    }

    /// Removes the rows that migrations put in, so that those of the source take their place.
    ///
    /// # Errors
    /// Whatever the engine refuses.
    pub fn clear(&mut self) -> Result<(), Error> {
        let names: Vec<String> = self.tables.iter().rev().map(|table| table.name.clone()).collect();
        let link = self.link()?;
        names.iter().try_for_each(|name| link.execute(&format!("DELETE FROM \"{name}\""), &[]).map(drop))
    }

    /// The table of this name with exactly these columns.
    ///
    /// # Errors
    /// When there is none.
    pub fn table(&self, name: &str, columns: &[String]) -> Result<Table, Error> {
        let known = self.tables.iter().find(|table| table.name == name);
        let refuse = |reason: String| Err(Error::Backup { reason });
        let Some(table) = known else { return refuse(format!("this version has no table {name}")) };
        let mut ordered = Vec::new();
        for column in columns {
            match table.columns.iter().find(|known| known.name == *column) {
                Some(known) => ordered.push(known.clone()),
                None => return refuse(format!("the table {name} has no column {column} in this version")),
            }
        }
        if ordered.len() != table.columns.len() {
            return refuse(format!("the table {name} has other columns in this version"));
        }
        Ok(Table { columns: ordered, ..table.clone() })
    }

    /// Writes rows.
    ///
    /// # Errors
    /// Whatever the engine refuses; [`Error::Backup`] when the chunk is damaged.
    pub fn write(&mut self, table: &Table, chunk: &Chunk) -> Result<(), Error> {
        let engine = self.engine;
        let link = self.link()?;
        rows::write(link, table, chunk)?;
        if engine == Engine::Sqlite {
            // The file has another name until everything is in it, so its log need not hold everything.
            commit(link)?;
            link.begin_write()?;
        }
        Ok(())
    }

    /// Makes numbers that are given from now on follow those that were given before.
    ///
    /// # Errors
    /// Whatever the engine refuses.
    pub fn set_last_number(&mut self, table: &Table, last: i64) -> Result<(), Error> {
        reflect::set_last_number(self.link()?, table, last)
    }

    /// What a table holds now, read back.
    ///
    /// # Errors
    /// Whatever the engine refuses.
    pub fn content(&mut self, table: &Table) -> Result<Content, Error> {
        let mut digester = Digester::default();
        rows::read(self.link()?, table, |chunk| {
            digester.add(chunk);
            Ok::<_, Error>(())
        })?;
        Ok(digester.finish())
    }

    /// Commits; only now is there a database.
    ///
    /// # Errors
    /// Whatever the engine or the file system refuses. Nothing is left behind then.
    pub fn finish(mut self) -> Result<(), Error> {
        let mut link = self.link.take().ok_or(Error::Closed)?;
        commit(&mut link)?;
        link.close();
        if let Some((part, path)) = &self.file {
            let failed = |error: std::io::Error| Error::Backup { reason: format!("{}: {error}", path.display()) };
            std::fs::File::open(part).and_then(|file| file.sync_all()).map_err(failed)?;
            // A link fails where a rename would replace.
            std::fs::hard_link(part, path).map_err(failed)?;
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)?;
        }
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(mut link) = self.link.take() {
            link.rollback();
            link.close();
        }
        if let Some((part, _)) = &self.file {
            remove(part);
        }
    }
}

fn commit(link: &mut Link) -> Result<(), Error> {
    match link.commit(Marker { writer: 0, batch: 0, at_ms: now_ms() }) {
        Ok(()) => Ok(()),
        Err(CommitError::Undone(error)) => Err(error),
        Err(CommitError::Unknown) => Err(Error::CommitUnknown),
    }
}

fn remove(part: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(part, suffix));
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
