//! An edit of very many certificates, and what those who read meanwhile notice of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use certhold_domain::bulk::{self, Command, Edit, Progress, Selection, Wanted};
use certhold_domain::inventory::{self, Filter};
use certhold_domain::jobs::{self, JobKind};
use certhold_domain::metadata::{self, Change, FieldCommand, FieldType};
use certhold_domain::{BulkEditId, CertificateId};
use certhold_store::{Store, params};

use crate::measure::{Latency, latency, rate, timed};
use crate::table::{Bar, Row, Table, thousands, time};
use crate::world::{World, now, operator};

/// Certificates that are edited, if there are so many.
const EDITED: u64 = 100_000;
/// Chunks that wait in the store at once, as the worker has them.
const AT_ONCE: usize = 16;

/// Notes one value about each of 100,000 certificates by a durable job, while somebody else reads.
pub fn run(world: &mut World, table: &mut Table) -> Result<()> {
    let count = world.certificates;
    let store = world.store()?.clone();
    let wanted = selection(&store, EDITED.min(count))?;
    let at = now();
    store.write_blocking(move |tx| metadata::create(tx, &operator(), &FieldCommand::new("BenchTeam", FieldType::String), at))?;
    let alone = latency(5_000, Duration::from_secs(3), |run| look(&store, run as u64, count))?;

    let edit = Edit::Metadata { changes: vec![Change::new("BenchTeam", "platform")] };
    let command = Command { selection: Selection::Filter(wanted), edit, confirmed: None };
    let id = store.write_blocking(move |tx| bulk::start(tx, &operator(), &command, at))?;
    let stop = AtomicBool::new(false);
    let (took, during) = thread::scope(|scope| {
        let readers = scope.spawn(|| {
            let mut times = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                look(&store, times.len() as u64, count)?;
                times.push(began.elapsed());
                // Somebody who looks, not somebody who takes a core for himself.
                thread::sleep(Duration::from_millis(1));
            }
            Ok::<_, anyhow::Error>(Latency::of(times))
        });
        let done = timed(|| drive(&store, id));
        stop.store(true, Ordering::Relaxed);
        let during = readers.join().map_err(|_| anyhow!("a reading thread panicked"))??;
        done.0.map(|()| (done.1, during))
    })?;
    let edited = store.read_blocking(move |tx| bulk::get(tx, &operator(), id))?;
    let changed = u64::try_from(edited.done())?;
    ensure!(changed >= EDITED.min(count), "{changed} certificates were edited");
    let bar = Bar::new("< 20 s", took < Duration::from_secs(20));
    let what = format!("note a value about {} certificates, a durable job", thousands(changed as f64));
    table.add(Row::new(what, format!("{}, {}/s", time(took), thousands(rate(changed, took)))).bar(bar));
    table.add(Row::latency("… a reader's page and certificate meanwhile", during));
    table.add(Row::latency("… the same reader before", alone));
    Ok(())
}

/// The certificates that expire first, so many or a few more.
fn selection(store: &Store, many: u64) -> Result<Wanted> {
    let sql = "SELECT not_after FROM certificate ORDER BY not_after LIMIT 1 OFFSET $1";
    let offset = i64::try_from(many.saturating_sub(1))?;
    let last: Option<i64> =
        store.read_blocking::<_, certhold_domain::Error, _>(move |tx| Ok(tx.one(sql, params![offset], |row| row.get(0))?))?;
    Ok(Wanted { expires_before: Some(last.context("there is no certificate")? + 1), ..Wanted::default() })
}

fn look(store: &Store, run: u64, count: u64) -> Result<()> {
    let id = CertificateId(i64::try_from(run * 7_919 % count)? + 1);
    let filter = Filter { after: Some(id.0.to_string()), limit: 50, ..Filter::default() };
    store.read_blocking(move |tx| {
        inventory::get(tx, &operator(), id)?;
        inventory::list(tx, &operator(), &filter).map(drop)
    })?;
    Ok(())
}

/// As the worker drives it.
fn drive(store: &Store, edit: BulkEditId) -> Result<()> {
    let claimed = store.write_blocking(move |tx| jobs::claim_one(tx, JobKind::BulkEdit, edit.0, "benchmark", now()))?;
    let lease = claimed.context("the edit's job cannot be claimed")?;
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    while !ended.load(Ordering::Relaxed) {
                        let progress = store.write_bulk_blocking(move |tx| bulk::step(tx, &lease, now()))?;
                        ended.fetch_or(progress == Progress::Done, Ordering::Relaxed);
                    }
                    Ok::<_, anyhow::Error>(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a writing thread panicked"))?)
    })
}
