//! Verifying the chain of events.

use std::hint::black_box;

use anyhow::{Result, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use certhold_domain::events;
use certhold_store::{Tx, params};

use crate::bare;
use crate::measure::{best_rate, rate, timed};
use crate::table::{Bar, Row, Table};
use crate::world::World;

/// Rows whose sizes stand for all.
const SIZES: i64 = 100_000;
const ROUNDS: usize = 3;

/// Verifies the whole log, beside SHA-256 alone over as many bytes in the same portions, and SQLite alone reading the rows.
pub fn run(world: &mut World, table: &mut Table) -> Result<()> {
    let mut measured: f64 = 0.0;
    let mut rows = 0;
    for _ in 0..ROUNDS {
        let (verified, time) = timed(|| {
            world.store()?.read_blocking(|tx| events::verify(tx, &events::Trust::default())).map_err(anyhow::Error::from)
        });
        let verified = verified?;
        ensure!(verified.intact(), "the chain is not intact: {:?}", verified.problems);
        rows = verified.events;
        measured = measured.max(rate(rows.unsigned_abs(), time));
    }
    let sizes = world.store()?.read_blocking(sizes)?;
    let limit = hash_rate(&sizes);
    let what = format!("verify the event chain, {} rows", crate::table::thousands(rows as f64));
    let bar = Bar::at_least(1_000_000.0, measured);
    table.add(Row::rate(what, measured).beside("SHA-256 of the same bytes, one core", limit, measured).bar(bar));
    if let Some(file) = world.sqlite() {
        world.close();
        let limit = bare::read_events(&file)?;
        table.add(Row::rate("… beside reading alone", measured).beside("bare SQLite reading the same columns", limit, measured));
    }
    Ok(())
}

/// Bytes of each row's payload, and of all its other texts.
fn sizes(tx: &mut Tx<'_>) -> certhold_domain::Result<Vec<(usize, usize)>> {
    let rows = tx.rows(
        "SELECT length(payload), length(actor_kind) + length(actor_name) + length(face) + length(operation) + length(object_kind) \
         + length(object_name) + length(request) + length(address) FROM event ORDER BY seq LIMIT $1",
        params![SIZES],
        |row| Ok((row.get::<Option<i64>>(0)?.unwrap_or(0), row.get::<i64>(1)?)),
    )?;
    let size = |number: i64| usize::try_from(number).unwrap_or(0);
    Ok(rows.into_iter().map(|(payload, texts)| (size(payload), size(texts))).collect())
}

/// Three digests for each row: payload, header (with its numbers, lengths and the payload's digest), link.
fn hash_rate(sizes: &[(usize, usize)]) -> f64 {
    const NUMBERS: usize = 1 + 8 + 8 + 9 + 9 + 8 * 8 + 32;
    let longest = sizes.iter().map(|(payload, texts)| (*payload).max(texts + NUMBERS)).max().unwrap_or(0).max(64);
    let bytes = vec![0x5a; longest];
    best_rate(5, sizes.len(), || {
        for (payload, texts) in sizes {
            for length in [*payload, texts + NUMBERS, 64] {
                black_box(digest(&SHA256, &bytes[..length]));
            }
        }
    })
}
