//! From a PEM bundle to the inventory, durable, indexed and with an event for each certificate.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use certhold_domain::RoleId;
use certhold_domain::inventory::{self, Candidate, ImportBatch, Outcome};
use certhold_store::Store;

use crate::bare;
use crate::bundle::Bundle;
use crate::measure::{rate, timed};
use crate::table::{Bar, Row, Table, mebibytes, thousands};
use crate::world::{World, now, operator, temporary};

/// Batches on their way to the writer: it never waits for the next one.
const IN_FLIGHT: usize = 16;

/// Fills the inventory. If `measured`, says how fast that was, beside bare SQLite keeping the same rows.
pub fn run(world: &mut World, count: u64, measured: bool, table: &mut Table) -> Result<()> {
    let place = temporary(world.data().parent())?;
    let bundle = Bundle::write(&place.path().join("bundle.pem"), count, now())?;
    let teams = world.teams.clone();
    let store = world.store()?;
    let commits_before = store.statistics().commits;
    let (imported, time) = timed(|| import(store, &bundle, &teams));
    let imported = imported?;
    ensure!(imported == count, "{imported} of {count} certificates were imported");
    let commits = (store.statistics().commits - commits_before).max(1);
    world.certificates = count;
    if !measured {
        return Ok(());
    }
    let measured = rate(count, time);
    let batch = count.div_ceil(commits);
    let row = Row::rate(format!("import PEM, {} certificates per durable commit", thousands(batch as f64)), measured);
    let row = match world.sqlite() {
        Some(file) => {
            world.close();
            let limit = bare::insert(&file, &place.path().join("bare.db"), count, batch)?;
            row.beside("bare SQLite, same rows and indexes, no events", limit, measured)
        }
        None => row,
    };
    table.add(row.bar(Bar::at_least(if world.sqlite().is_some() { 20_000.0 } else { 20_000.0 / 3.0 }, measured)));
    table.fact("PEM", mebibytes(bundle.bytes()));
    if let Some(bytes) = world.bytes() {
        table.fact(
            "database",
            format!("{}, {} bytes per certificate with its event", mebibytes(bytes), thousands(bytes as f64 / count as f64)),
        );
    }
    Ok(())
}

/// Imports as the command line does: read and described on all cores, written in chunks that wait for nobody. Of three chunks,
/// two get an owner.
pub fn import(store: &Store, bundle: &Bundle, owners: &[RoleId]) -> Result<u64> {
    let next = AtomicUsize::new(0);
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let (batches, waiting) = sync_channel(2 * IN_FLIGHT);
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        let parsers: Vec<_> = (0..cores)
            .map(|_| {
                let (next, batches) = (&next, batches.clone());
                scope.spawn(move || parse(bundle, next, owners, &batches))
            })
            .collect();
        drop(batches);
        let writers: Vec<_> = (0..IN_FLIGHT).map(|_| scope.spawn(|| write(store, &waiting))).collect();
        let mut imported = 0;
        for writer in writers {
            imported += writer.join().map_err(|_| anyhow!("a writing thread panicked"))??;
        }
        for parser in parsers {
            parser.join().map_err(|_| anyhow!("a parsing thread panicked"))??;
        }
        Ok(imported)
    })
}

fn parse(bundle: &Bundle, next: &AtomicUsize, owners: &[RoleId], batches: &SyncSender<ImportBatch>) -> Result<()> {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(text) = bundle.stretch(number)? else { return Ok(()) };
        let found = certhold_pki::read(&text, None).context("the bundle cannot be read")?;
        ensure!(found.refused.is_empty(), "a sample was refused: {:?}", found.refused);
        let certificates = found.certificates.iter().map(|found| Candidate::of(&found.der)).collect::<Result<Vec<_>, _>>()?;
        let owner = if number % 3 < 2 && !owners.is_empty() { Some(owners[number % owners.len()]) } else { None };
        let batch = ImportBatch { certificates, keys: Vec::new(), owner, source: "certhold import".into(), metadata: Vec::new() };
        if batches.send(batch).is_err() {
            return Ok(());
        }
    }
}

fn write(store: &Store, batches: &Mutex<Receiver<ImportBatch>>) -> Result<u64> {
    let mut imported = 0;
    loop {
        let batch = batches.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(Duration::from_secs(60));
        let Ok(batch) = batch else { return Ok(imported) };
        let now = now();
        let items = store.write_bulk_blocking(move |tx| inventory::import(tx, &operator(), &batch, now))?;
        imported += items.iter().filter(|item| matches!(item.outcome, Outcome::Imported(_))).count() as u64;
    }
}
