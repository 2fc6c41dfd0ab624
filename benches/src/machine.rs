//! What the numbers were measured on.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use certhold_store::params;

use crate::measure::{Latency, timed};
use crate::table::{Table, mebibytes, time};
use crate::world::{World, temporary};

/// Processor, memory, kernel, compiler, and what a durable write costs.
pub fn facts(directory: Option<&Path>, table: &mut Table) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    table
        .fact("processor", format!("{}, {cores} cores", line("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into())));
    let memory = line("/proc/meminfo", "MemTotal").and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok());
    table.fact("memory", memory.map_or_else(|| "unknown".into(), |kib| mebibytes(kib * 1024)));
    table.fact("kernel", read("/proc/sys/kernel/osrelease"));
    let rustc = Command::new("rustc").arg("--version").output();
    table.fact(
        "compiler",
        rustc.map_or_else(|_| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned()),
    );
    table.fact("SQLite", rusqlite::version());
    let sync = durable_write(directory)?;
    table.fact("durable write", format!("of 4 KiB: p50 {}, p99 {}", time(sync.p50), time(sync.p99)));
    Ok(())
}

/// The database server, if there is one.
pub fn database(world: &mut World, table: &mut Table) -> Result<()> {
    if world.database().is_some() {
        let sql = "SELECT setting FROM pg_settings WHERE name = 'server_version'";
        let version: Option<String> = world.store()?.read_blocking(move |tx| tx.one(sql, params![], |row| row.get(0)))?;
        table.fact("PostgreSQL", version.unwrap_or_else(|| "unknown".into()));
    }
    Ok(())
}

fn durable_write(directory: Option<&Path>) -> Result<Latency> {
    let place = temporary(directory)?;
    let mut file = File::create(place.path().join("durable"))?;
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..200 {
        let (written, time) = timed(|| file.write_all(&[0x5a; 4096]).and_then(|()| file.sync_data()));
        written?;
        times.push(time);
    }
    Ok(Latency::of(times))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).map_or_else(|_| "unknown".into(), |text| text.trim().to_owned())
}

/// The value of a `name : value` line.
fn line(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'))?;
    Some(value.trim().to_owned())
}
