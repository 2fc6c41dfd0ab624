//! Random transactions in random batches, against a map in memory that takes them one after the other.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod common;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Waker};
use std::time::Duration;

use certhold_store::{Engine, Error, Migration, Store, Tx, Value, params};
use common::Database;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const SCHEMA: &[Migration] = &[Migration {
    number: 1,
    name: "entries",
    sql: "CREATE TABLE entry (key BIGINT NOT NULL PRIMARY KEY, value BIGINT NOT NULL);",
}];

/// One statement.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Fails if the key is there.
    Insert(i64, i64),
    Put(i64, i64),
    Remove(i64),
    /// Adds one to entry 0 by way of a remembered value.
    Count,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Answer,
    /// Answers without another statement.
    Leave,
    Refuse,
    Panic,
}

#[derive(Clone, Debug)]
struct Transaction {
    /// Each with whether it is sent without waiting for it.
    steps: Vec<(Step, bool)>,
    end: End,
    bulk: bool,
}

/// What a transaction answers: how many entries there are, and the sum of their values.
type Answer = Result<(i64, i64), Error>;

fn transactions() -> impl Strategy<Value = Vec<Transaction>> {
    let key = 1..12_i64;
    let step = prop_oneof![
        2 => (key.clone(), 0..100_i64).prop_map(|(key, value)| Step::Insert(key, value)),
        3 => (key.clone(), 0..100_i64).prop_map(|(key, value)| Step::Put(key, value)),
        2 => key.prop_map(Step::Remove),
        2 => Just(Step::Count),
    ];
    let end = prop_oneof![6 => Just(End::Answer), 3 => Just(End::Leave), 1 => Just(End::Refuse), 1 => Just(End::Panic)];
    let transaction = (prop::collection::vec((step, prop::bool::ANY), 0..5), end, prop::bool::weighted(0.1))
        .prop_map(|(steps, end, bulk)| Transaction { steps, end, bulk });
    prop::collection::vec(transaction, 1..90)
}

fn run(transaction: &Transaction, tx: &mut Tx<'_>) -> Answer {
    for (step, sent) in &transaction.steps {
        let execute = |tx: &mut Tx<'_>, sql, params: &[Value<'_>]| match sent {
            true => tx.send(sql, params),
            false => tx.execute(sql, params).map(drop),
        };
        match *step {
            Step::Insert(key, value) => execute(tx, "INSERT INTO entry (key, value) VALUES ($1, $2)", params![key, value])?,
            Step::Put(key, value) => {
                let sql = "INSERT INTO entry (value, key) VALUES ($2, $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
                execute(tx, sql, params![key, value])?
            }
            Step::Remove(key) => execute(tx, "DELETE FROM entry WHERE key = $1", params![key])?,
            Step::Count => {
                let counted = match *tx.memo::<i64>() {
                    Some(counted) => counted,
                    None => tx.one("SELECT value FROM entry WHERE key = 0", params![], |row| row.get(0))?.unwrap_or(0),
                };
                *tx.memo() = Some(counted + 1);
                let sql = "INSERT INTO entry (key, value) VALUES (0, $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
                execute(tx, sql, params![counted + 1])?
            }
        }
    }
    match transaction.end {
        End::Refuse => return Err(Error::TimedOut),
        End::Panic => std::panic::resume_unwind(Box::new("as asked")),
        End::Leave => return Ok((0, 0)),
        End::Answer => {}
    }
    let answer =
        tx.one("SELECT count(*), coalesce(sum(value), 0) FROM entry", params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(answer.expect("a row"))
}

/// The same in a map, without a thought of engines, savepoints or batches.
fn imagine(transaction: &Transaction, entries: &mut BTreeMap<i64, i64>) -> Answer {
    let mut changed = entries.clone();
    for (step, _) in &transaction.steps {
        match *step {
            Step::Insert(key, _) if changed.contains_key(&key) => {
                return Err(Error::Unique { table: "entry".into(), columns: vec!["key".into()] });
            }
            Step::Insert(key, value) | Step::Put(key, value) => drop(changed.insert(key, value)),
            Step::Remove(key) => drop(changed.remove(&key)),
            Step::Count => *changed.entry(0).or_default() += 1,
        }
    }
    match transaction.end {
        End::Refuse => Err(Error::TimedOut),
        End::Panic => Err(Error::Panicked),
        End::Answer | End::Leave => {
            *entries = changed;
            let is_told = transaction.end == End::Answer;
            Ok(if is_told { (entries.len() as i64, entries.values().sum()) } else { (0, 0) })
        }
    }
}

/// Whoever refuses by itself may not have learnt yet that something it sent failed.
fn agree(answer: &Answer, imagined: &Answer, transaction: &Transaction) -> bool {
    let is_sent = transaction.steps.iter().any(|(_, sent)| *sent);
    answer == imagined || is_sent && matches!((answer, transaction.end), (Err(_), End::Refuse | End::Panic)) && imagined.is_err()
}

/// Puts all into the lanes while the writer is held, so that they run in batches; when each ran, and its answer.
fn perform(store: &Store, all: &[Transaction]) -> Vec<(usize, Answer)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let go = Arc::new(AtomicBool::new(false));
    let until = go.clone();
    let mut holding = Box::pin(store.write(move |_| {
        while !until.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok::<_, Error>(())
    }));
    let mut polled = Context::from_waker(Waker::noop());
    assert!(holding.as_mut().poll(&mut polled).is_pending());
    let clock = Arc::new(AtomicUsize::new(0));
    let mut waiting: Vec<Pin<Box<dyn Future<Output = Answer>>>> = Vec::new();
    let mut times = Vec::new();
    for transaction in all.iter().cloned() {
        let bulk = transaction.bulk;
        let (time, clock) = (Arc::new(AtomicUsize::new(0)), clock.clone());
        times.push(time.clone());
        let work = move |tx: &mut Tx<'_>| {
            time.store(clock.fetch_add(1, SeqCst), SeqCst);
            run(&transaction, tx)
        };
        let mut future: Pin<Box<dyn Future<Output = Answer>>> =
            if bulk { Box::pin(store.write_bulk(work)) } else { Box::pin(store.write(work)) };
        // The first poll puts it into its lane.
        assert!(future.as_mut().poll(&mut polled).is_pending());
        waiting.push(future);
    }
    go.store(true, SeqCst);
    let answers = runtime.block_on(async {
        holding.await.unwrap();
        futures_util::future::join_all(waiting).await
    });
    times.iter().map(|time| time.load(SeqCst)).zip(answers).collect()
}

fn holds_on(engine: Engine, cases: u32) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let result = runner.run(&transactions(), |all| {
        let Some(database) = Database::new(engine) else { return Ok(()) };
        let store = database.open(SCHEMA);
        let answers = perform(&store, &all);
        let mut in_order: Vec<_> = answers.into_iter().zip(&all).collect();
        in_order.sort_by_key(|((time, _), _)| *time);
        let mut entries = BTreeMap::new();
        for ((_, answer), transaction) in in_order {
            let imagined = imagine(transaction, &mut entries);
            prop_assert!(agree(&answer, &imagined, transaction), "{:?} {:?} {:?}", answer, imagined, transaction);
        }
        drop(store);
        let kept: Result<Vec<(i64, i64)>, Error> = database.open(SCHEMA).read_blocking(|tx| {
            tx.rows("SELECT key, value FROM entry ORDER BY key", params![], |row| Ok((row.get(0)?, row.get(1)?)))
        });
        prop_assert_eq!(kept.unwrap(), entries.into_iter().collect::<Vec<_>>());
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn random_batches_agree_with_a_map_on_sqlite() {
    holds_on(Engine::Sqlite, 40);
}

#[test]
fn random_batches_agree_with_a_map_on_postgresql() {
    holds_on(Engine::Postgres, 10);
}
