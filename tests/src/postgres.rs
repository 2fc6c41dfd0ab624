//! Databases for stories: each story runs on SQLite, and on PostgreSQL when the environment names one (`TEST_POSTGRES`).

use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, NoTls};
use tempfile::TempDir;
use url::Url;

use crate::process::left_out;

/// Where `cargo xtask test` says which PostgreSQL server is there: `postgres://USER:PASSWORD@HOST:PORT/postgres`.
pub const VARIABLE: &str = "TEST_POSTGRES";

/// An empty database of its own for one story; gone when dropped.
pub struct Database {
    place: Place,
}

enum Place {
    Sqlite(TempDir),
    Postgres { server: Url, name: String },
}

impl Database {
    /// A SQLite file that does not exist yet, in a directory of its own.
    ///
    /// # Panics
    /// When there is no place for temporary files.
    pub fn sqlite() -> Self {
        Self { place: Place::Sqlite(tempfile::tempdir().expect("a temporary directory")) }
    }

    /// An empty PostgreSQL database; none, with a note, when `TEST_POSTGRES` is not set.
    ///
    /// # Panics
    /// When the server does not answer, or `CI=true` and the variable is not set.
    pub fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var(VARIABLE) else {
            left_out(&format!("{VARIABLE} is not set, so this story runs on SQLite only; `cargo xtask test` sets it"));
            return None;
        };
        let server = Url::parse(&server).unwrap_or_else(|error| panic!("{VARIABLE}: {error}"));
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("story_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        execute(&server, &format!("CREATE DATABASE {name}"));
        Some(Self { place: Place::Postgres { server, name } })
    }

    /// For messages: `sqlite` or `postgres`.
    pub fn engine(&self) -> &'static str {
        match self.place {
            Place::Sqlite(_) => "sqlite",
            Place::Postgres { .. } => "postgres",
        }
    }

    /// What `--database` takes: `sqlite:PATH` or `postgres://…`.
    pub fn location(&self) -> String {
        match &self.place {
            Place::Sqlite(directory) => format!("sqlite:{}", directory.path().join("certhold.db").display()),
            Place::Postgres { server, name } => {
                let mut database = server.clone();
                database.set_path(name);
                database.into()
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the story above ran on {}", self.engine());
        }
        if let Place::Postgres { server, name } = &self.place {
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            // A second panic would hide the first one.
            if let Err(error) = try_execute(server, &drop) {
                eprintln!("{name} is left behind: {error}");
            }
        }
    }
}

/// One empty database on each engine that is there: `for database in engines() { … }`.
///
/// # Panics
/// When `CI=true` and PostgreSQL is not there.
pub fn engines() -> Vec<Database> {
    [Some(Database::sqlite()), Database::postgres()].into_iter().flatten().collect()
}

fn execute(server: &Url, statement: &str) {
    try_execute(server, statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// On a thread of its own, because the client brings its own runtime, which must not start inside a story's.
fn try_execute(server: &Url, statement: &str) -> Result<(), String> {
    let (server, statement) = (server.as_str().to_owned(), statement.to_owned());
    let work = move || Client::connect(&server, NoTls)?.batch_execute(&statement);
    let outcome = std::thread::spawn(work).join().map_err(|_| "the client panicked".to_owned())?;
    outcome.map_err(|error: postgres::Error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(location: String, question: &'static str) -> Result<String, String> {
        let work = move || -> Result<String, postgres::Error> {
            Ok(Client::connect(&location, NoTls)?.query_one(question, &[])?.get(0))
        };
        std::thread::spawn(work).join().unwrap().map_err(|error| format!("{error:?}"))
    }

    #[tokio::test]
    async fn a_database_is_empty_its_own_and_gone_afterwards() {
        let (Some(one), Some(other)) = (Database::postgres(), Database::postgres()) else { return };
        assert_eq!(one.engine(), "postgres");
        assert_ne!(one.location(), other.location());
        let tables = "SELECT count(*)::text FROM information_schema.tables WHERE table_schema = 'public'";
        assert_eq!(ask(one.location(), tables).unwrap(), "0");
        let location = one.location();
        drop(one);
        assert!(ask(location, "SELECT 'still there'").unwrap_err().contains("does not exist"));
        assert_eq!(ask(other.location(), "SELECT 'there'").unwrap(), "there");
    }

    #[test]
    fn sqlite_is_always_among_the_engines() {
        let database = Database::sqlite();
        let location = database.location();
        let path = std::path::Path::new(location.strip_prefix("sqlite:").unwrap()).to_path_buf();
        assert!(path.parent().unwrap().is_dir() && !path.exists());
        drop(database);
        assert!(!path.parent().unwrap().exists());
        assert_eq!(engines()[0].engine(), "sqlite");
    }
}
