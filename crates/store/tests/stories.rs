//! What a transaction means, told once and held against both engines.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use certhold_store::{Error, Options, Store, Tx, params};
use common::Database;
use common::people::{SCHEMA, insert, names};

on_both_engines!(
    a_refusal_leaves_nothing_behind,
    neighbours_of_a_failure_are_kept,
    a_swallowed_error_undoes_its_closure,
    the_memo_is_forgotten_when_anything_is_undone,
    a_read_sees_one_snapshot,
    writes_are_serial,
    whoever_stops_waiting_breaks_nothing,
    bulk_work_lets_others_pass_and_gets_its_turn,
    a_full_lane_refuses,
    closing_serves_what_waits,
    blocking_calls_work_without_a_runtime,
    ping_goes_through_the_writer,
    statistics_add_up,
);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Holds the writer until told, so that what is put meanwhile makes one batch.
fn hold(store: &Store) -> (Arc<AtomicBool>, std::thread::JoinHandle<()>) {
    let (go, running) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (until, started, store) = (go.clone(), running.clone(), store.clone());
    let held = std::thread::spawn(move || {
        let done: Result<(), Error> = store.write_blocking(move |_| {
            started.store(true, Ordering::SeqCst);
            while !until.load(Ordering::SeqCst) {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            Ok(())
        });
        done.unwrap();
    });
    while !running.load(Ordering::SeqCst) {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    (go, held)
}

/// Stands for the errors of the layer above.
#[derive(Debug, PartialEq)]
enum Refusal {
    Ours(&'static str),
    Store(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::Store(error)
    }
}

fn a_refusal_leaves_nothing_behind(database: Database) {
    let store = database.open(SCHEMA);
    let refused: Result<(), Refusal> = store.write_blocking(|tx| {
        insert(tx, "Ada")?;
        Err(Refusal::Ours("no"))
    });
    assert_eq!(refused, Err(Refusal::Ours("no")));
    let panicked: Result<(), Refusal> = store.write_blocking(|tx| {
        insert(tx, "Ada")?;
        panic!("a defect")
    });
    assert_eq!(panicked, Err(Refusal::Store(Error::Panicked)));
    let panicked: Result<Vec<i64>, Refusal> =
        store.read_blocking(|tx| Ok(tx.rows("SELECT value FROM tally", params![], |_| panic!("a defect"))?));
    assert_eq!(panicked, Err(Refusal::Store(Error::Panicked)));
    assert!(names(&store).is_empty());
    assert_eq!(store.write_blocking(|tx| insert(tx, "Ada")).map(|id| id > 0), Ok(true));
}

fn neighbours_of_a_failure_are_kept(database: Database) {
    let store = database.open(SCHEMA);
    let (go, held) = hold(&store);
    let runtime = runtime();
    let outcomes: Vec<_> = (0..60)
        .map(|number| {
            let store = store.clone();
            runtime.spawn(async move {
                store
                    .write(move |tx| {
                        insert(tx, &format!("n{number}"))?;
                        match number % 6 {
                            1 => Err(Refusal::Ours("an error")),
                            2 => panic!("a defect"),
                            3 => Ok(insert(tx, &format!("n{number}")).map(drop)?),
                            4 => {
                                tx.execute("SELECT nothing FROM nowhere", params![])?;
                                Ok(())
                            }
                            _ => Ok(insert(tx, &format!("m{number}")).map(drop)?),
                        }
                    })
                    .await
            })
        })
        .collect();
    while store.statistics().waiting < 60 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    go.store(true, Ordering::SeqCst);
    held.join().unwrap();
    let outcomes: Vec<_> = outcomes.into_iter().map(|task| runtime.block_on(task).unwrap()).collect();
    for (number, outcome) in outcomes.iter().enumerate() {
        let fits = match number % 6 {
            1 => *outcome == Err(Refusal::Ours("an error")),
            2 => *outcome == Err(Refusal::Store(Error::Panicked)),
            3 => matches!(outcome, Err(Refusal::Store(Error::Unique { .. }))),
            4 => matches!(outcome, Err(Refusal::Store(Error::Sql { .. }))),
            _ => outcome.is_ok(),
        };
        assert!(fits, "{number}: {outcome:?}");
    }
    let mut expected: Vec<String> = (0..60)
        .filter(|number| matches!(number % 6, 0 | 5))
        .flat_map(|number| [format!("m{number}"), format!("n{number}")])
        .collect();
    expected.sort();
    let mut kept = names(&store);
    kept.sort();
    assert_eq!(kept, expected);
    assert!(store.statistics().largest_batch > 1, "{:?}", store.statistics());
}

fn a_swallowed_error_undoes_its_closure(database: Database) {
    let store = database.open(SCHEMA);
    store.write_blocking(|tx| insert(tx, "Ada")).unwrap();
    let swallowed: Result<(), Error> = store.write_blocking(|tx| {
        insert(tx, "Bea")?;
        let conflict = insert(tx, "Ada").unwrap_err();
        // The same error again, on both engines: nothing can be done any more.
        assert_eq!(insert(tx, "Cleo").unwrap_err(), conflict);
        Ok(())
    });
    assert!(matches!(swallowed, Err(Error::Unique { .. })), "{swallowed:?}");
    assert_eq!(names(&store), ["Ada"]);
}

/// Adds one to a number whose last value is remembered for the batch, as the head of a chain is.
fn extend(tx: &mut Tx<'_>) -> Result<i64, Error> {
    struct Head(i64);
    let head = match tx.memo::<Head>() {
        Some(head) => head.0,
        None => tx.one("SELECT value FROM tally WHERE name = 'head'", params![], |row| row.get(0))?.expect("a head"),
    };
    tx.execute("UPDATE tally SET value = $1 WHERE name = 'head' AND value = $2", params![head + 1, head])?;
    *tx.memo() = Some(Head(head + 1));
    Ok(head + 1)
}

fn the_memo_is_forgotten_when_anything_is_undone(database: Database) {
    let store = database.open(SCHEMA);
    let (go, held) = hold(&store);
    let runtime = runtime();
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let store = store.clone();
            runtime.spawn(async move {
                store
                    .write(move |tx| {
                        let head = extend(tx)?;
                        match number % 5 {
                            2 => Err(Refusal::Ours("no")),
                            3 => panic!("a defect"),
                            _ => Ok(head),
                        }
                    })
                    .await
            })
        })
        .collect();
    while store.statistics().waiting < 50 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    go.store(true, Ordering::SeqCst);
    held.join().unwrap();
    let mut heads: Vec<i64> = tasks.into_iter().filter_map(|task| runtime.block_on(task).unwrap().ok()).collect();
    heads.sort_unstable();
    assert_eq!(heads, (1..=30).collect::<Vec<_>>(), "each kept closure extended the one before");
    let next: Result<_, Error> = store.write_blocking(|tx| {
        assert!(tx.memo::<String>().is_none(), "a value of another type is another value");
        extend(tx)
    });
    assert_eq!(next.unwrap(), 31);
    let forgotten: Result<bool, Error> = store.write_blocking(|tx| Ok(tx.memo::<u8>().replace(1).is_none()));
    let again: Result<bool, Error> = store.write_blocking(|tx| Ok(tx.memo::<u8>().is_none()));
    assert!(forgotten.unwrap() && again.unwrap(), "nothing outlives its batch");
    let read: Result<bool, Error> =
        store.read_blocking(|tx| Ok(tx.memo::<u8>().replace(1).is_none() && tx.memo::<u8>().is_some()));
    let again: Result<bool, Error> = store.read_blocking(|tx| Ok(tx.memo::<u8>().is_none()));
    assert!(read.unwrap() && again.unwrap());
}

fn a_read_sees_one_snapshot(database: Database) {
    let store = database.open(SCHEMA);
    store.write_blocking(|tx| insert(tx, "Ada")).unwrap();
    let writer = store.clone();
    let counts: Result<(i64, i64), Error> = store.read_blocking(move |tx| {
        let count = |tx: &mut Tx<'_>| Ok(tx.one("SELECT count(*) FROM person", params![], |row| row.get(0))?.unwrap_or(0));
        let before = count(tx)?;
        // Commits beside the open read, without waiting for it.
        writer.write_blocking(|tx| insert(tx, "Bea"))?;
        Ok((before, count(tx)?))
    });
    assert_eq!(counts.unwrap(), (1, 1));
    assert_eq!(names(&store), ["Ada", "Bea"], "and the next read sees what was acknowledged");
}

fn writes_are_serial(database: Database) {
    let stores = [database.open(SCHEMA), database.open(SCHEMA)];
    let runtime = runtime();
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let store = stores[number % 2].clone();
            runtime.spawn(async move {
                let sql = "INSERT INTO tally (name, value) SELECT 's' || CAST(max(value) + 1 AS TEXT), max(value) + 1 FROM tally";
                store.write(move |tx| tx.execute(sql, params![])).await
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(runtime.block_on(task).unwrap(), Ok::<_, Error>(1));
    }
    let top: Result<_, Error> = stores[0].read_blocking(|tx| {
        tx.one("SELECT count(*), max(value) FROM tally", params![], |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)))
    });
    assert_eq!(top.unwrap(), Some((201, 200)), "two nodes, one order");
}

fn whoever_stops_waiting_breaks_nothing(database: Database) {
    let store = database.open(SCHEMA);
    let (go, held) = hold(&store);
    let runtime = runtime();
    let ran = Arc::new(AtomicUsize::new(0));
    runtime.block_on(async {
        for number in 0..20 {
            let counted = ran.clone();
            let writing = store.write(move |tx| {
                counted.fetch_add(1, Ordering::SeqCst);
                insert(tx, &format!("n{number}"))
            });
            let reading = store.read(|tx| tx.one("SELECT 1", params![], |row| row.get::<i64>(0)));
            let short = std::time::Duration::from_millis(1);
            assert!(tokio::time::timeout(short, writing).await.is_err(), "the writer is held");
            let _ = tokio::time::timeout(std::time::Duration::ZERO, reading).await;
        }
    });
    go.store(true, Ordering::SeqCst);
    held.join().unwrap();
    assert!(store.write_blocking(|tx| insert(tx, "last")).is_ok());
    assert_eq!(ran.load(Ordering::SeqCst), 20, "what was accepted is carried out");
    assert_eq!(names(&store).len(), 21);
}

fn bulk_work_lets_others_pass_and_gets_its_turn(database: Database) {
    let store = database.open(SCHEMA);
    let (go, held) = hold(&store);
    let runtime = runtime();
    let order = Arc::new(AtomicUsize::new(0));
    let place = |bulk: bool| {
        let (store, order) = (store.clone(), order.clone());
        runtime.spawn(async move {
            let work = move |_: &mut Tx<'_>| Ok::<_, Error>(order.fetch_add(1, Ordering::SeqCst));
            if bulk { store.write_bulk(work).await } else { store.write(work).await }
        })
    };
    let bulk: Vec<_> = (0..3).map(|_| place(true)).collect();
    while store.statistics().waiting_bulk < 3 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let normal: Vec<_> = (0..200).map(|_| place(false)).collect();
    while store.statistics().waiting < 200 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    go.store(true, Ordering::SeqCst);
    held.join().unwrap();
    let last_normal = normal.into_iter().map(|task| runtime.block_on(task).unwrap().unwrap()).max().unwrap();
    let bulk: Vec<usize> = bulk.into_iter().map(|task| runtime.block_on(task).unwrap().unwrap()).collect();
    assert!(bulk[1] > last_normal && bulk[2] > last_normal, "bulk {bulk:?}, the last of the others {last_normal}");

    // Now an interactive lane that never empties.
    let stop = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..8)
        .map(|_| {
            let (store, stop) = (store.clone(), stop.clone());
            runtime.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let many: Vec<_> =
                        (0..64).map(|_| store.write(|tx| tx.execute("UPDATE tally SET value = value + 1", params![]))).collect();
                    for done in futures_util::future::join_all(many).await {
                        done.unwrap_or_else(|error: Error| panic!("{error}"));
                    }
                }
            })
        })
        .collect();
    for _ in 0..5 {
        let (inside, before) = (store.clone(), store.statistics().commits);
        let served: Result<u64, Error> = store.write_bulk_blocking(move |_| Ok(inside.statistics().commits));
        let passed = served.unwrap() - before;
        assert!(passed < 50, "{passed} batches went first");
    }
    stop.store(true, Ordering::SeqCst);
    for task in busy {
        runtime.block_on(task).unwrap();
    }
}

fn a_full_lane_refuses(database: Database) {
    let store = database.open_with(SCHEMA, Options { readers: 1, lane_length: 3, ..Options::default() }).unwrap();
    let (go, held) = hold(&store);
    let runtime = runtime();
    let write = |number: usize| {
        let store = store.clone();
        runtime.spawn(async move { store.write(move |tx| insert(tx, &format!("n{number}"))).await })
    };
    let accepted: Vec<_> = (0..3).map(write).collect();
    while store.statistics().waiting < 3 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert_eq!(runtime.block_on(write(3)).unwrap(), Err(Error::Busy));
    go.store(true, Ordering::SeqCst);
    held.join().unwrap();
    for task in accepted {
        runtime.block_on(task).unwrap().unwrap();
    }
    assert_eq!(names(&store).len(), 3);
}

fn closing_serves_what_waits(database: Database) {
    let store = database.open(SCHEMA);
    let (go, held) = hold(&store);
    let runtime = runtime();
    let waiting: Vec<_> = (0..20)
        .map(|number| {
            let store = store.clone();
            runtime.spawn(async move { store.write(move |tx| insert(tx, &format!("n{number}"))).await })
        })
        .collect();
    while store.statistics().waiting < 20 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let closing = std::thread::spawn({
        let store = store.clone();
        move || store.close()
    });
    while store.read_blocking(|_| Ok::<_, Error>(())) != Err(Error::Closed) {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    go.store(true, Ordering::SeqCst);
    held.join().unwrap();
    for task in waiting {
        runtime.block_on(task).unwrap().unwrap();
    }
    closing.join().unwrap();
    store.close();
    assert_eq!(store.read_blocking(|_| Ok::<_, Error>(())), Err(Error::Closed));
    assert_eq!(store.write_bulk_blocking(|_| Ok::<_, Error>(())), Err(Error::Closed));
    assert_eq!(runtime.block_on(store.ping()), Err(Error::Closed));
    assert_eq!(names(&database.open(SCHEMA)).len(), 20);
}

fn blocking_calls_work_without_a_runtime(database: Database) {
    let store = database.open(SCHEMA);
    store.write_bulk_blocking(|tx| insert(tx, "Ada")).unwrap();
    assert_eq!(names(&store), ["Ada"]);
    // Also inside one, where blocking is unwise but must not panic.
    runtime().block_on(async { store.write_blocking(|tx| insert(tx, "Bea")) }).unwrap();
    // A handle that goes away inside a closure of its own store.
    let last = database.open(SCHEMA);
    let (inside, gone) = (last.clone(), std::sync::mpsc::channel());
    let (tell, told) = gone;
    let kept = std::sync::Mutex::new(Some(inside));
    let done: Result<(), Error> = last.write_blocking(move |_| {
        drop(kept.lock().unwrap().take());
        tell.send(()).unwrap();
        Ok(())
    });
    done.unwrap();
    told.recv().unwrap();
}

fn ping_goes_through_the_writer(database: Database) {
    let store = database.open(SCHEMA);
    let runtime = runtime();
    let (before, commits) = (store.statistics().closures, store.statistics().commits);
    assert_eq!(runtime.block_on(store.ping()), Ok(()));
    assert_eq!(store.statistics().closures, before + 1);
    assert_eq!(store.statistics().commits, commits + 1, "something was written");
    assert_eq!(store.engine(), database.engine);
}

fn statistics_add_up(database: Database) {
    let store = database.open(SCHEMA);
    let before = store.statistics();
    for number in 0..10 {
        let _ = store.write_blocking(move |tx| insert(tx, &format!("n{}", number / 2)));
    }
    names(&store);
    let after = store.statistics();
    assert_eq!(after.closures - before.closures, 10);
    assert_eq!(after.rolled_back - before.rolled_back, 5);
    assert_eq!(after.commits - before.commits, 5, "what leaves nothing is not committed");
    assert_eq!(after.reads - before.reads, 1);
    assert_eq!((after.waiting, after.waiting_bulk, after.waiting_reads), (0, 0, 0));
}
