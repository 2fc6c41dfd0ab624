//! Kills a process that writes, at random instants, and looks at what it left: every acknowledged write, whole, and no half one.
//!
//! The process is this program itself, told by its environment to hammer a database and to print each acknowledgement. What was
//! acknowledged is known from the pipe, outside the process that is killed. `FULL=1` kills more often.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod common;

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use certhold_store::{Engine, Error, Location, Migration, Options, Store, Tx, params};
use common::Database;

const HAMMER: &str = "STORE_TEST_HAMMER";
const ROUND: &str = "STORE_TEST_ROUND";
/// A hammer that nobody kills ends by itself.
const LONGEST: Duration = Duration::from_secs(60);
const TASKS: usize = 128;
const PARTS: i64 = 4;

const SCHEMA: &[Migration] = &[Migration {
    number: 1,
    name: "parcels",
    sql: "CREATE TABLE parcel (id BIGSERIAL PRIMARY KEY, name TEXT NOT NULL UNIQUE);\
          CREATE TABLE part (parcel BIGINT NOT NULL REFERENCES parcel (id), number BIGINT NOT NULL, body BYTEA NOT NULL, \
            PRIMARY KEY (parcel, number)) /* clustered */;\
          CREATE TABLE tally (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL);\
          INSERT INTO tally (name, value) VALUES ('parts', 0);",
}];

fn main() {
    if let Ok(location) = std::env::var(HAMMER) {
        hammer(&location.parse().unwrap(), &std::env::var(ROUND).unwrap());
        return;
    }
    let rounds = if std::env::var("FULL").as_deref() == Ok("1") { 60 } else { 4 };
    for engine in [Engine::Sqlite, Engine::Postgres] {
        if let Some(database) = Database::new(engine) {
            let acknowledged = kill_again_and_again(&database, rounds);
            println!("{engine:?}: killed {rounds} times, {acknowledged} acknowledged writes, all there, none half");
        }
    }
}

fn kill_again_and_again(database: &Database, rounds: usize) -> usize {
    let Location::Sqlite(path) = &database.location else {
        let Location::Postgres(url) = &database.location else { unreachable!("two engines") };
        return rounds_at(database, url, rounds);
    };
    rounds_at(database, &format!("sqlite:{}", path.display()), rounds)
}

fn rounds_at(database: &Database, location: &str, rounds: usize) -> usize {
    let mut acknowledged = HashSet::new();
    for round in 0..rounds {
        let before = acknowledged.len();
        let delay = Duration::from_micros(random() % 700_000);
        acknowledged.extend(hammered_until_killed(location, round, delay));
        assert!(acknowledged.len() > before, "round {round} acknowledged nothing");
        check(&database.open(SCHEMA), &acknowledged, &format!("round {round}, killed after {delay:?}"));
    }
    acknowledged.len()
}

/// What the hammer acknowledged until it was killed, `delay` after its first word.
fn hammered_until_killed(location: &str, round: usize, delay: Duration) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(HAMMER, location).env(ROUND, round.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = Killed(command.spawn().unwrap());
    let mut pipe = BufReader::new(child.0.stdout.take().unwrap());
    let (heard, hearing) = std::sync::mpsc::channel();
    let log = std::thread::spawn(move || {
        let mut lines = Vec::new();
        let mut line = String::new();
        // A line without its end was not acknowledged.
        while pipe.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
            let _ = heard.send(());
            lines.push(line.trim_end().to_owned());
            line.clear();
        }
        lines
    });
    hearing.recv_timeout(LONGEST).expect("a first acknowledgement");
    std::thread::sleep(delay);
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    log.join().unwrap()
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn check(store: &Store, acknowledged: &HashSet<String>, when: &str) {
    type Found = (Vec<(String, i64)>, i64, Option<i64>);
    let found: Result<Found, Error> = store.read_blocking(|tx| {
        let sql = "SELECT name, (SELECT count(*) FROM part WHERE parcel = parcel.id) FROM parcel";
        let parcels = tx.rows(sql, params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let parts = tx.one("SELECT count(*) FROM part", params![], |row| row.get::<i64>(0))?.expect("a count");
        let tally = tx.one("SELECT value FROM tally WHERE name = 'parts'", params![], |row| row.get(0))?;
        Ok((parcels, parts, tally))
    });
    let (parcels, parts, tally) = found.unwrap();
    let half: Vec<_> = parcels.iter().filter(|(_, parts)| *parts != PARTS).collect();
    assert!(half.is_empty(), "{when}: half written: {half:?}");
    assert_eq!(Some(parts), tally, "{when}: the tally");
    assert_eq!(parts, parcels.len() as i64 * PARTS, "{when}: parts without a parcel");
    let kept: HashSet<_> = parcels.into_iter().map(|(name, _)| name).collect();
    let lost: Vec<_> = acknowledged.difference(&kept).collect();
    assert!(lost.is_empty(), "{when}: acknowledged and lost: {lost:?}");
    let refused: Vec<_> = kept.iter().filter(|name| name.contains("refused")).collect();
    assert!(refused.is_empty(), "{when}: refused and kept: {refused:?}");
    if let Ok(Some(verdict)) = store.read_blocking(|tx| tx.one("PRAGMA integrity_check", params![], |row| row.get::<String>(0))) {
        assert_eq!(verdict, "ok", "{when}");
    }
}

/// Writes until it is killed, and prints the name of each parcel once it is acknowledged.
fn hammer(location: &Location, round: &str) {
    let store = Store::open(location, SCHEMA, Options::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let until = Instant::now() + LONGEST;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (store, round) = (store.clone(), round.to_owned());
            runtime.spawn(async move {
                let mut number = 0;
                while Instant::now() < until {
                    number += 1;
                    // Some are refused after they wrote, some go by the low lane.
                    let refused = number % 7 == 3;
                    let name = format!("{round}/{task}/{number}{}", if refused { "/refused" } else { "" });
                    let acknowledgement = format!("{name}\n");
                    let work = move |tx: &mut Tx<'_>| parcel(tx, &name).and(if refused { Err(Error::TimedOut) } else { Ok(()) });
                    let done = if task % 16 == 0 { store.write_bulk(work).await } else { store.write(work).await };
                    assert_eq!(done.is_ok(), !refused, "{done:?}");
                    // A whole line in one call, past any buffer of this process.
                    if done.is_ok() && std::io::stdout().lock().write_all(acknowledgement.as_bytes()).is_err() {
                        std::process::exit(1);
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
}

fn parcel(tx: &mut Tx<'_>, name: &str) -> Result<(), Error> {
    let id: Option<i64> = tx.one("INSERT INTO parcel (name) VALUES ($1) RETURNING id", params![name], |row| row.get(0))?;
    for number in 0..PARTS {
        tx.execute("INSERT INTO part (parcel, number, body) VALUES ($1, $2, $3)", params![id, number, [7_u8; 300]])?;
    }
    tx.execute("UPDATE tally SET value = value + $1 WHERE name = 'parts'", params![PARTS])?;
    Ok(())
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
