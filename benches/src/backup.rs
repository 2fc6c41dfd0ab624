//! Backups and their return, as `certhold backup` and `certhold restore` make them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::measure::{rate, timed};
use crate::server::program;
use crate::table::{Row, Table, mebibytes, thousands, time};
use crate::world::{World, temporary};

/// A backup of the whole database, and its restoration with every check, into an empty directory with SQLite.
pub fn run(world: &mut World, table: &mut Table) -> Result<()> {
    let program = program()?;
    world.close();
    let place = temporary(world.data().parent())?;
    let file = place.path().join("backup.certhold");
    let mut backup = Command::new(&program);
    backup.arg("--data").arg(world.data()).args(world.database().iter().flat_map(|url| ["--database", url]));
    let written = ran(backup.arg("backup").arg(&file))?;
    let bytes = std::fs::metadata(&file)?.len();
    let count = world.certificates;
    let said = |took: Duration| {
        let speed = rate(bytes, took) / f64::from(1 << 20);
        format!("{}, {} MiB/s, {} certificates/s", time(took), thousands(speed), thousands(rate(count, took)))
    };
    let row = Row::new(format!("backup, {} compressed", mebibytes(bytes)), said(written));
    table.add(match world.sqlite() {
        Some(database) => {
            let (copied, took) = timed(|| copy(&database, &place.path().join("copy.db")));
            let limit = rate(copied?, took) / f64::from(1 << 20);
            let source = rate(std::fs::metadata(&database)?.len(), written) / f64::from(1 << 20);
            row.beside("MiB of the database, copied durably as a file", limit, source)
        }
        None => row,
    });
    let back = place.path().join("back");
    std::fs::create_dir(&back)?;
    let key = world.data().join("master.key");
    ensure!(key.exists(), "the data directory has no master key yet");
    std::fs::copy(key, back.join("master.key"))?;
    let restored = ran(Command::new(&program).arg("--data").arg(&back).arg("restore").arg(&file))?;
    table.add(Row::new("restore with every check of chain and seals", said(restored)));
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<u64> {
    let bytes = std::fs::copy(from, to)?;
    std::fs::File::open(to)?.sync_all()?;
    std::fs::remove_file(to)?;
    Ok(bytes)
}

fn ran(command: &mut Command) -> Result<Duration> {
    let (output, took) = timed(|| command.output());
    let output = output.context("certhold cannot be started")?;
    ensure!(output.status.success(), "certhold: {}", String::from_utf8_lossy(&output.stderr));
    Ok(took)
}
