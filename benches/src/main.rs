//! What Certhold claims about speed, measured beside what limits it: a bare parser, a bare hash, a bare SQLite.
//!
//! `cargo xtask bench` runs it in release mode; `benches/README.md` explains the table.

mod backup;
mod bare;
mod bulk;
mod bundle;
mod demo;
mod describe;
mod events;
mod http;
mod import;
mod inventory;
mod keyfactor;
mod load;
mod machine;
mod measure;
mod named;
mod renewals;
mod server;
mod table;
mod world;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};

use table::Table;
use world::World;

/// Measures Certhold, or fills a data directory for looking at it.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    benchmark: Benchmark,
}

#[derive(Subcommand)]
enum Command {
    /// Fill a data directory with demonstration certificates, owners and expiries
    Demo(demo::Arguments),
    /// The other half of the benchmarks over HTTP: sends requests as its standard input says
    #[command(hide = true)]
    Load,
}

/// What is measured, and at which size.
#[derive(clap::Args)]
struct Benchmark {
    /// Certificates in the inventory
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    certificates: u64,
    /// Only this benchmark; may be given several times [describe, import, verify, inventory, bulk, server, read, owner, backup, keyfactor, named, renewals]
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Seconds that each load over HTTP lasts
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// An empty PostgreSQL database (postgres://…) instead of SQLite; what bare SQLite is the limit of has then no limit
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Where the database of the benchmarks is made [default: the directory for temporary files]
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Print the table as Markdown, for benches/README.md
    #[arg(long)]
    markdown: bool,
}

/// Every benchmark, in the order in which they run: each finds what those before it have left.
const NAMES: &[&str] =
    &["describe", "import", "verify", "inventory", "bulk", "server", "read", "owner", "backup", "keyfactor", "named", "renewals"];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Demo(demo)) => demo::fill(&demo),
        Some(Command::Load) => load::run(),
        None => run(&arguments.benchmark),
    }
}

fn run(benchmark: &Benchmark) -> Result<()> {
    let wanted = wanted(&benchmark.only)?;
    let wants = |name: &str| wanted.contains(name);
    ensure!(benchmark.seconds > 0.0 && benchmark.seconds <= 600.0, "--seconds is more than 0 and at most 600");
    let length = Duration::from_secs_f64(benchmark.seconds);
    let count = benchmark.certificates;
    let mut table = Table::default();

    if wants("describe") {
        describe::run(count, &mut table)?;
    }
    if wanted.iter().any(|name| *name != "describe") {
        let mut world = World::new(benchmark.directory.as_deref(), benchmark.database.as_deref())?;
        import::run(&mut world, count, wants("import"), &mut table)?;
        if wants("verify") {
            events::run(&mut world, &mut table)?;
        }
        if wants("inventory") {
            inventory::run(&mut world, &mut table)?;
        }
        if wants("bulk") {
            bulk::run(&mut world, &mut table)?;
        }
        if wants("server") {
            http::start_and_memory(&mut world, benchmark.directory.as_deref(), &mut table)?;
        }
        if wants("read") {
            http::read(&mut world, length, &mut table)?;
        }
        if wants("owner") {
            http::owner(&mut world, length, &mut table)?;
        }
        if wants("backup") {
            backup::run(&mut world, &mut table)?;
        }
        if wants("keyfactor") {
            keyfactor::run(&mut world, length, &mut table)?;
        }
        if wants("named") {
            named::run(&mut world, length, &mut table)?;
        }
        if wants("renewals") {
            renewals::run(&mut world, &mut table)?;
        }
        machine::database(&mut world, &mut table)?;
    }
    machine::facts(benchmark.directory.as_deref(), &mut table)?;
    table.print(benchmark.markdown, count);
    Ok(())
}

fn wanted(only: &[String]) -> Result<BTreeSet<&'static str>> {
    for name in only {
        ensure!(NAMES.contains(&name.as_str()), "there is no benchmark {name:?}; choose of {}", NAMES.join(", "));
    }
    Ok(NAMES.iter().copied().filter(|name| only.is_empty() || only.iter().any(|wanted| wanted == name)).collect())
}
