//! Throw-away databases of both engines.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness for several test binaries, which stops at the first surprise"
)]

pub mod people;
pub mod proxy;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use certhold_store::{Engine, Error, Location, Migration, Options, Store};

/// A database that disappears when this is dropped.
pub struct Database {
    pub engine: Engine,
    pub location: Location,
    /// Where the SQLite file is, or anything else a test wants to write.
    pub directory: tempfile::TempDir,
    administration: Option<(String, String)>,
}

impl Database {
    /// A database of the engine; `None` for PostgreSQL when no server is given and none is demanded.
    pub fn new(engine: Engine) -> Option<Database> {
        let directory = tempfile::tempdir().unwrap();
        if engine == Engine::Sqlite {
            let location = Location::Sqlite(directory.path().join("store.db"));
            return Some(Database { engine, location, directory, administration: None });
        }
        let Ok(server) = std::env::var("TEST_POSTGRES") else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "TEST_POSTGRES must name a server when CI=true");
            eprintln!("not run on PostgreSQL: TEST_POSTGRES names no server");
            return None;
        };
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("store_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        administer(&server, &format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"));
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (base, _) = base.rsplit_once('/').expect("a URL with a database");
        let url = format!("{base}/{name}{}{query}", if query.is_empty() { "" } else { "?" });
        Some(Database { engine, location: Location::Postgres(url), directory, administration: Some((server, name)) })
    }

    pub fn open(&self, migrations: &[Migration]) -> Store {
        self.open_with(migrations, Options { readers: 2, ..Options::default() }).unwrap()
    }

    pub fn open_with(&self, migrations: &[Migration], options: Options) -> Result<Store, Error> {
        Store::open(&self.location, migrations, options)
    }

    /// Runs statements past the store.
    pub fn administer(&self, sql: &str) {
        let (server, _) = self.administration.as_ref().expect("a PostgreSQL database");
        administer(server, sql);
    }

    /// The name of the PostgreSQL database.
    pub fn name(&self) -> &str {
        &self.administration.as_ref().expect("a PostgreSQL database").1
    }

    /// The SQLite file.
    pub fn file(&self) -> PathBuf {
        self.directory.path().join("store.db")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.administration {
            administer(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

/// Runs statements on a server, on a thread of its own because the caller may be async.
fn administer(server: &str, sql: &str) {
    let (server, sql) = (server.to_owned(), sql.to_owned());
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls).await.unwrap();
            let driven = tokio::spawn(connection);
            client.batch_execute(&sql).await.unwrap();
            drop(client);
            let _ = driven.await;
        });
    };
    std::thread::spawn(run).join().expect("the PostgreSQL server answers");
}

/// Makes one test per engine of each function that takes a [`Database`].
#[macro_export]
macro_rules! on_both_engines {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $story() { super::$story(super::common::Database::new(certhold_store::Engine::Sqlite).unwrap()); })+
        }
        mod postgres {
            $(#[test] fn $story() {
                if let Some(database) = super::common::Database::new(certhold_store::Engine::Postgres) {
                    super::$story(database);
                }
            })+
        }
    };
}
