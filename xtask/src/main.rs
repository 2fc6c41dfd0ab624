//! The project's own commands: `cargo xtask test`, `tidy`, `bench`, `demo`.

mod bench;
mod cluster;
mod failures;
mod guardian;
mod node;
mod packages;
mod python;
mod steps;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what the tests need (Debian, as root), then check and test everything.
    Test(test::Arguments),
    /// Let the repository check itself: sizes, forbidden words, dependency arrows, documentation.
    Tidy,
    /// Start a throw-away PostgreSQL and run a command with `TEST_POSTGRES` naming it; without a command, until Ctrl-C.
    Postgres {
        /// Memory that the server shares among its sessions; a server of its own has a quarter of the machine's.
        #[arg(long, value_name = "SIZE", default_value = cluster::SHARED)]
        shared_buffers: String,
        /// The command and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Print the performance table (release build); arguments go to the benchmark program.
    Bench(bench::Arguments),
    /// Fill a data directory with demonstration data; arguments go to the generator.
    Demo(bench::Arguments),
}

fn main() -> ExitCode {
    let root = repository();
    let outcome = match Arguments::parse().command {
        Command::Test(arguments) => test::run(&root, &arguments),
        Command::Tidy => tidy::run(&root),
        Command::Postgres { shared_buffers, command } => cluster::run(&shared_buffers, &command),
        Command::Bench(arguments) => bench::run(&root, &[], &arguments),
        Command::Demo(arguments) => bench::run(&root, &["demo"], &arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's root: the parent of this package.
fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}
