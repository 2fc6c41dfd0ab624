//! Transactions that end by themselves: full disks, lost connections, lost answers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use certhold_store::{Engine, Error, Location, Migration, Options, Store, Tx, params};
use common::Database;
use common::proxy::{Break, Proxy};

const SCHEMA: &[Migration] = &[Migration {
    number: 1,
    name: "things",
    sql: "CREATE TABLE thing (id BIGSERIAL PRIMARY KEY, name TEXT NOT NULL UNIQUE, body BYTEA);",
}];

fn insert(tx: &mut Tx<'_>, name: &str, size: usize) -> Result<u64, Error> {
    tx.execute("INSERT INTO thing (name, body) VALUES ($1, $2)", params![name, vec![7_u8; size]])
}

fn names(store: &Store) -> Vec<String> {
    let names: Result<_, Error> =
        store.read_blocking(|tx| tx.rows("SELECT name FROM thing ORDER BY name", params![], |row| row.get(0)));
    names.unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Runs writes of which each tells its number so that they share batches; what each got.
fn together(
    store: &Store,
    count: usize,
    work: impl Fn(usize, &mut Tx<'_>) -> Result<u64, Error> + Clone + Send + 'static,
) -> Vec<Result<u64, Error>> {
    let runtime = runtime();
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (store, work) = (store.clone(), work.clone());
            runtime.spawn(async move { store.write(move |tx| work(number, tx)).await })
        })
        .collect();
    tasks.into_iter().map(|task| runtime.block_on(task).unwrap()).collect()
}

#[test]
fn a_full_disk_refuses_only_what_does_not_fit() {
    let database = Database::new(Engine::Sqlite).unwrap();
    let store = database.open(SCHEMA);
    let limit = |pages: i64| {
        let sql = format!("PRAGMA max_page_count = {pages}");
        let set: Result<_, Error> = store.write_blocking(move |tx| tx.one(&sql, params![], |row| row.get::<i64>(0)));
        assert_eq!(set.unwrap(), Some(pages));
    };
    limit(64);
    // Every tenth is far too large; a single-row insert that meets a full disk takes the whole transaction with it.
    let outcomes =
        together(&store, 60, |number, tx| insert(tx, &format!("n{number:02}"), if number % 10 == 3 { 1_000_000 } else { 100 }));
    for (number, outcome) in outcomes.iter().enumerate() {
        let expected = if number % 10 == 3 { Err(Error::Full) } else { Ok(1) };
        assert_eq!(*outcome, expected, "{number}");
    }
    assert_eq!(names(&store).len(), 54);
    let swallowed: Result<(), Error> = store.write_blocking(|tx| {
        insert(tx, "before", 1)?;
        let _ = insert(tx, "large", 1_000_000);
        // The transaction is gone; this must not be committed by itself.
        let _ = insert(tx, "after", 1);
        Ok(())
    });
    assert_eq!(swallowed, Err(Error::Full));
    assert_eq!(names(&store).len(), 54);
    limit(1_000_000);
    let fits: Result<u64, Error> = store.write_blocking(|tx| insert(tx, "large", 1_000_000));
    assert_eq!(fits, Ok(1));
    assert_eq!(names(&store).len(), 55);
}

#[test]
fn a_database_of_a_directory_that_cannot_be_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("text");
    std::fs::write(&file, "not a database, but long enough to be looked at as one: ".repeat(100)).unwrap();
    for path in [directory.path().join("no/such/place.db"), directory.path().to_owned(), file] {
        let refused = Store::open(&Location::Sqlite(path.clone()), SCHEMA, Options::default()).err().expect("a refusal");
        assert!(matches!(&refused, Error::Open { reason } if reason.contains(path.to_str().unwrap())), "{refused}");
    }
}

#[test]
fn the_file_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let database = Database::new(Engine::Sqlite).unwrap();
    let store = database.open(SCHEMA);
    store.write_blocking(|tx| insert(tx, "x", 1)).unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", database.file().display());
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
}

#[test]
fn a_backup_is_whole_while_others_write() {
    let database = Database::new(Engine::Sqlite).unwrap();
    let store = database.open(SCHEMA);
    for part in 0..20 {
        let filled: Result<(), Error> = store
            .write_blocking(move |tx| (0..100).try_for_each(|number| insert(tx, &format!("{part}-{number}"), 3_000).map(drop)));
        filled.unwrap();
    }
    let copy = database.directory.path().join("copy.db");
    let during = std::thread::scope(|scope| {
        let backup = scope.spawn(|| store.backup_to(&copy));
        let mut during = 0;
        while !backup.is_finished() {
            // In pairs, so that half of one would show.
            let pair: Result<(), Error> = store.write_blocking(move |tx| {
                ["a", "b"].iter().try_for_each(|half| insert(tx, &format!("{half}{during}"), 10).map(drop))
            });
            pair.unwrap();
            during += 1;
        }
        backup.join().unwrap().unwrap();
        during
    });
    assert!(during > 0);
    let again = store.backup_to(&copy).unwrap_err().to_string();
    assert!(again.contains("exists already"), "{again}");
    let restored = Store::open(&Location::Sqlite(copy.clone()), SCHEMA, Options::default()).unwrap();
    let kept = names(&restored);
    let halves = |half: &str| kept.iter().filter_map(|name| name.strip_prefix(half)).collect::<Vec<_>>();
    assert!(kept.len() >= 2_000);
    assert_eq!(halves("a"), halves("b"));
    let sound: Result<_, Error> =
        restored.read_blocking(|tx| tx.one("PRAGMA integrity_check", params![], |row| row.get::<String>(0)));
    assert_eq!(sound.unwrap().as_deref(), Some("ok"));
}

/// A PostgreSQL database behind a proxy.
fn behind_proxy() -> Option<(Database, Proxy, Store)> {
    let database = Database::new(Engine::Postgres)?;
    let Location::Postgres(url) = &database.location else { unreachable!("a PostgreSQL database") };
    let (before, rest) = url.split_once('@').expect("a user");
    let (server, after) = rest.split_once('/').expect("a database");
    let proxy = Proxy::new(server.to_owned());
    let location = Location::Postgres(format!("{before}@127.0.0.1:{}/{after}", proxy.port));
    let store = Store::open(&location, SCHEMA, Options { readers: 2, ..Options::default() }).unwrap();
    Some((database, proxy, store))
}

#[test]
fn a_lost_answer_to_a_commit_is_looked_for() {
    let Some((_database, proxy, store)) = behind_proxy() else { return };
    for (rule, runs) in [(Break::BeforeCommit, 2), (Break::AfterCommit, 1), (Break::LateCommit, 1)] {
        let ran = Arc::new(AtomicUsize::new(0));
        let counted = ran.clone();
        proxy.break_once(rule);
        let done: Result<u64, Error> = store.write_blocking(move |tx| {
            counted.fetch_add(1, SeqCst);
            insert(tx, &format!("{rule:?}"), 1)
        });
        assert_eq!(done, Ok(1), "{rule:?}");
        assert_eq!(ran.load(SeqCst), runs, "{rule:?}");
    }
    assert_eq!(names(&store), ["AfterCommit", "BeforeCommit", "LateCommit"]);
}

#[test]
fn a_commit_that_cannot_be_looked_for_is_unknown() {
    let Some((_database, proxy, store)) = behind_proxy() else { return };
    proxy.break_once(Break::ForEver);
    let unknown: Result<u64, Error> = store.write_blocking(|tx| insert(tx, "who knows", 1));
    assert_eq!(unknown, Err(Error::CommitUnknown));
    let since = Instant::now();
    let lost: Result<u64, Error> = store.write_blocking(|tx| insert(tx, "not sent", 1));
    assert_eq!(lost, Err(Error::Lost));
    assert!(since.elapsed() < Duration::from_secs(2), "while the server is down nobody waits for it");
    proxy.refuse(false);
    let back: Result<u64, Error> = store.write_blocking(|tx| insert(tx, "back", 1));
    assert_eq!(back, Ok(1));
    assert_eq!(names(&store), ["back", "who knows"]);
}

#[test]
fn batches_are_repeated_when_the_connection_breaks() {
    let Some((_database, proxy, store)) = behind_proxy() else { return };
    for (round, rule) in [Break::BeforeCommit, Break::AfterCommit, Break::LateCommit].into_iter().enumerate() {
        proxy.break_once(rule);
        let outcomes = together(&store, 50, move |number, tx| {
            insert(tx, &format!("{round}-{number}"), 10)?;
            if number % 5 == 1 { Err(Error::TimedOut) } else { Ok(1) }
        });
        for (number, outcome) in outcomes.into_iter().enumerate() {
            assert_eq!(outcome, if number % 5 == 1 { Err(Error::TimedOut) } else { Ok(1) }, "{rule:?} {number}");
        }
        assert_eq!(names(&store).len(), (round + 1) * 40, "{rule:?}");
    }
}

#[test]
fn a_server_that_comes_back_is_used_again() {
    let Some((_database, proxy, store)) = behind_proxy() else { return };
    store.write_blocking(|tx| insert(tx, "first", 1)).unwrap();
    // Cut while idle: neither a reader nor the writer shows it to anybody.
    for round in 0..3 {
        proxy.refuse(false);
        assert_eq!(names(&store).len(), 1 + round);
        proxy.refuse(false);
        store.write_blocking(move |tx| insert(tx, &format!("round {round}"), 1)).unwrap();
    }
    // Back before a caller's patience ends.
    proxy.refuse(true);
    let waiting = std::thread::spawn({
        let store = store.clone();
        move || store.write_blocking(|tx| insert(tx, "patient", 1))
    });
    std::thread::sleep(Duration::from_millis(700));
    proxy.refuse(false);
    assert_eq!(waiting.join().unwrap(), Ok(1));
    assert_eq!(names(&store).len(), 5);
}

#[test]
fn a_terminated_session_is_survived() {
    let Some(database) = Database::new(Engine::Postgres) else { return };
    let store = database.open(SCHEMA);
    // The session that runs closure 5 is ended under it, the first time.
    let ended = Arc::new(AtomicUsize::new(0));
    let outcomes = together(&store, 40, move |number, tx| {
        insert(tx, &format!("n{number}"), 1)?;
        if number == 5 && ended.fetch_add(1, SeqCst) == 0 {
            tx.execute("SELECT pg_terminate_backend(pg_backend_pid())", params![])?;
        }
        Ok(1)
    });
    assert_eq!(outcomes, vec![Ok(1); 40], "each ran again");
    // One that ends its session every time takes no neighbour with it.
    let outcomes = together(&store, 40, |number, tx| {
        insert(tx, &format!("m{number}"), 1)?;
        if number == 5 {
            let _ = tx.execute("SELECT pg_terminate_backend(pg_backend_pid())", params![]);
        }
        Ok(1)
    });
    for (number, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome, if number == 5 { Err(Error::Lost) } else { Ok(1) }, "{number}");
    }
    // All sessions, from outside, while they are idle.
    database.administer(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", database.name()));
    for _ in 0..4 {
        assert_eq!(names(&store).len(), 79);
    }
    assert_eq!(store.write_blocking(|tx| insert(tx, "last", 1)), Ok(1));
}

#[test]
fn a_table_changed_under_prepared_statements_is_noticed() {
    let Some(database) = Database::new(Engine::Postgres) else { return };
    let (store, other) = (database.open(SCHEMA), database.open(SCHEMA));
    let all = |tx: &mut Tx<'_>| tx.one("SELECT * FROM thing", params![], |row| row.get::<String>(1));
    store.write_blocking(|tx| insert(tx, "x", 1)).unwrap();
    assert_eq!(store.write_blocking(all), Ok(Some("x".into())));
    let altered: Result<u64, Error> = other.write_blocking(|tx| tx.execute("ALTER TABLE thing ADD COLUMN note TEXT", params![]));
    altered.unwrap();
    assert_eq!(store.write_blocking(all), Ok(Some("x".into())));
}

#[test]
fn a_server_that_does_not_fit_is_refused() {
    let Some(database) = Database::new(Engine::Postgres) else { return };
    let Location::Postgres(url) = &database.location else { unreachable!("a PostgreSQL database") };
    let open =
        |url: String| Store::open(&Location::Postgres(url), SCHEMA, Options::default()).err().expect("a refusal").to_string();
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (_, place) = rest.split_once('@').expect("a user");
    let refused = open(format!("{scheme}://nobody-here:hunter2@{place}"));
    assert!(refused.contains("nobody-here") && !refused.contains("hunter2"), "{refused}");
    let refused = open(format!("{url}?sslmode=require"));
    assert!(refused.contains("TLS"), "{refused}");
    let refused = open("postgres://u:hunter2@127.0.0.1:9/db".to_owned());
    assert!(refused.contains("127.0.0.1:9") && !refused.contains("hunter2"), "{refused}");
    let ascii = format!("{}_ascii", database.name());
    database.administer(&format!(
        "CREATE DATABASE {ascii} ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    ));
    let refused = open(url.replace(database.name(), &ascii));
    database.administer(&format!("DROP DATABASE {ascii}"));
    assert!(refused.contains("ENCODING 'UTF8'"), "{refused}");
    let backup = database.open(SCHEMA).backup_to(&database.directory.path().join("x")).unwrap_err().to_string();
    assert!(backup.contains("pg_dump"), "{backup}");
}

#[test]
fn a_database_that_was_read_only_for_a_while_is_written_to_again() {
    let Some(database) = Database::new(Engine::Postgres) else { return };
    let store = database.open(SCHEMA);
    let name = database.name();
    let end_sessions =
        || database.administer(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"));
    let add = |name: &'static str| store.write_blocking(move |tx| insert(tx, name, 1));
    assert_eq!(add("before"), Ok(1));
    // Of the session only, as somebody may have set it by hand: another one may write.
    let set: Result<u64, Error> = store.write_blocking(|tx| tx.execute("SET default_transaction_read_only = on", params![]));
    set.unwrap();
    assert_eq!(add("by another session"), Ok(1));
    // Where the first thing to be written is the commit's own row, its refusal is no lost answer.
    let set: Result<u64, Error> = store.write_blocking(|tx| tx.execute("SET default_transaction_read_only = on", params![]));
    set.unwrap();
    let nothing: Result<Option<i64>, Error> =
        store.write_blocking(|tx| tx.one("SELECT count(*) FROM thing", params![], |row| row.get(0)));
    assert_eq!(nothing, Ok(Some(2)));
    // Of the database: no session that begins now may write.
    database.administer(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    end_sessions();
    assert_eq!(add("refused"), Err(Error::Lost));
    let nothing: Result<(), Error> = store.write_blocking(|_| Ok(()));
    assert_eq!(nothing, Err(Error::Lost));
    assert_eq!(names(&store).len(), 2, "reading goes on");
    let refused = database.open_with(SCHEMA, Options::default()).err().expect("a refusal").to_string();
    assert!(refused.contains("read-only"), "{refused}");
    database.administer(&format!("ALTER DATABASE {name} SET default_transaction_read_only = off"));
    assert_eq!(add("after"), Ok(1));
    assert_eq!(names(&store).len(), 3);
}

#[test]
fn extensions_may_be_in_a_schema_of_their_own() {
    let Some(database) = Database::new(Engine::Postgres) else { return };
    let store = database.open(SCHEMA);
    let made: Result<u64, Error> = store.write_blocking(|tx| {
        tx.execute("CREATE SCHEMA \"Extensions of ours\"", params![])?;
        tx.execute("CREATE EXTENSION pg_trgm SCHEMA \"Extensions of ours\"", params![])
    });
    made.unwrap();
    drop(store);
    let sql = "/* postgresql */ CREATE EXTENSION IF NOT EXISTS pg_trgm;\
               /* postgresql */ CREATE INDEX thing_parts ON thing USING gin (name gin_trgm_ops);";
    let index = Migration { number: 2, name: "parts", sql };
    let store = database.open(&[SCHEMA[0], index]);
    assert_eq!(store.write_blocking(|tx| insert(tx, "x", 1)), Ok(1));
}
