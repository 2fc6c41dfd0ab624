//! Measures the store: `cargo run --release -p certhold-store --example measure -- [sqlite:PATH | postgres://…] [SECONDS] [WORD]`.
//! With a word, only measurements whose name holds it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement stops at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use certhold_store::{Error, Location, Migration, Options, Store, Tx, Value, params};

const ROWS: i64 = 100_000;

const SCHEMA: &[Migration] = &[Migration {
    number: 1,
    name: "measure",
    sql: "CREATE TABLE item (id BIGSERIAL PRIMARY KEY, digest BYTEA NOT NULL UNIQUE, owner BIGINT NOT NULL, body BYTEA NOT NULL);\
          CREATE TABLE event (seq BIGINT NOT NULL PRIMARY KEY, item BIGINT NOT NULL, note TEXT NOT NULL, hash BYTEA NOT NULL);",
}];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = std::env::temp_dir().join(format!("store-measure-{}", std::process::id()));
    let location = arguments.next().unwrap_or_else(|| format!("sqlite:{}/store.db", directory.display()));
    let seconds: u64 = arguments.next().map_or(3, |text| text.parse().expect("a number of seconds"));
    let word = arguments.next().unwrap_or_default();
    std::fs::create_dir_all(&directory).unwrap();
    let location: Location = location.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let store = Store::open(&location, SCHEMA, Options::default()).unwrap();
    runtime.block_on(fill(&store));
    println!("{location}");
    for tasks in [1, 32, 64] {
        let name = format!("point reads, {tasks} tasks");
        if name.contains(&word) {
            runtime.block_on(measure(&name, tasks, seconds, &store, |store, n| async move { read(&store, n).await }));
        }
    }
    for tasks in [1, 64, 256] {
        let name = format!("read + update + event, durable, {tasks} tasks");
        if name.contains(&word) {
            runtime.block_on(measure(&name, tasks, seconds, &store, |store, n| async move { write(&store, n).await }));
        }
    }
    for tasks in [1, 4] {
        let name = format!("bulk chunks of 256 rows, {tasks} tasks");
        if name.contains(&word) {
            runtime.block_on(measure(&name, tasks, seconds, &store, |store, n| async move { chunk(&store, n).await }));
        }
    }
    println!("{:?}", store.statistics());
    store.close();
    let _ = std::fs::remove_dir_all(directory);
}

async fn fill(store: &Store) {
    for start in (1..=ROWS).step_by(256) {
        let filled: Result<(), Error> = store
            .write_bulk(move |tx| {
                (start..(start + 256).min(ROWS + 1)).try_for_each(|id| {
                    let sql = "INSERT INTO item (id, digest, owner, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
                    tx.execute(sql, params![id, digest(id), 1, vec![5_u8; 1_500]]).map(drop)
                })
            })
            .await;
        filled.unwrap();
    }
}

/// Spread over the index as a real digest is.
fn digest(id: i64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&id.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed()).to_be_bytes());
    bytes
}

async fn read(store: &Store, n: i64) {
    let id = n.wrapping_mul(7_919).rem_euclid(ROWS) + 1;
    let body: Result<Option<Vec<u8>>, Error> =
        store.read(move |tx| tx.one("SELECT id, owner, body FROM item WHERE id = $1", params![id], |row| row.get(2))).await;
    assert_eq!(body.unwrap().unwrap().len(), 1_500);
}

async fn write(store: &Store, n: i64) {
    let id = n.wrapping_mul(7_919).rem_euclid(ROWS) + 1;
    let done: Result<(), Error> = store.write(move |tx| change(tx, id)).await;
    done.unwrap();
}

struct Head(i64);

fn change(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    let owner = tx.one("SELECT owner FROM item WHERE id = $1", params![id], |row| row.get::<i64>(0))?.expect("an item");
    tx.execute("UPDATE item SET owner = $2 WHERE id = $1", params![id, owner + 1])?;
    let head = match tx.memo::<Head>() {
        Some(head) => head.0,
        None => tx.one("SELECT coalesce(max(seq), 0) FROM event", params![], |row| row.get(0))?.expect("a head"),
    };
    let sql = "INSERT INTO event (seq, item, note, hash) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, params![head + 1, id, "certificate.owner_changed", digest(head)])?;
    *tx.memo() = Some(Head(head + 1));
    Ok(())
}

async fn chunk(store: &Store, n: i64) {
    let done: Result<(), Error> = store
        .write_bulk(move |tx| {
            let first = ROWS + 1 + (n & 0xffff_ffff) * 256 + (n >> 32) * 100_000_000;
            let body = vec![5_u8; 1_500];
            let lists: Vec<_> = (first..first + 256).map(|id| [digest(id).into(), 1.into(), Value::from(&body)]).collect();
            let sql = "INSERT INTO item (digest, owner, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id";
            tx.one_of_each(sql, &lists, |row| row.get::<i64>(0)).map(drop)
        })
        .await;
    done.unwrap();
}

/// Runs `work` in `tasks` tasks for some seconds; prints the rate and how long one took.
async fn measure<W, F>(name: &str, tasks: usize, seconds: u64, store: &Store, work: W)
where
    W: Fn(Store, i64) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let until = Instant::now() + Duration::from_secs(seconds);
    let count = Arc::new(AtomicU64::new(0));
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let (store, work, count) = (store.clone(), work.clone(), count.clone());
            tokio::spawn(async move {
                let mut times = Vec::new();
                let mut n = i64::try_from(task).unwrap() << 32;
                while Instant::now() < until {
                    let since = Instant::now();
                    work(store.clone(), n).await;
                    times.push(since.elapsed());
                    count.fetch_add(1, Relaxed);
                    n += 1;
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in running {
        times.extend(task.await.unwrap());
    }
    times.sort_unstable();
    let rate = count.load(Relaxed) / seconds;
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("  {name}: {rate}/s, median {:?}, p99 {:?}", at(50), at(99));
}
