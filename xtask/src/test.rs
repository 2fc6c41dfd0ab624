//! `cargo xtask test`: everything that must hold before a change is good, in one command.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::cluster::{self, Cluster, VARIABLE};
use crate::failures;
use crate::node;
use crate::packages;
use crate::python;
use crate::steps::{Steps, cargo, succeed};
use crate::tidy;

/// What to test.
#[derive(Args)]
pub struct Arguments {
    /// Also the long ones: thousands of renewals with kills, a million rows.
    #[arg(long)]
    full: bool,
    /// Only tests whose names contain one of these; leaves out format, lint, tidy and documentation.
    filter: Vec<String>,
}

/// Runs every step, also those after a failed one where they do not depend on it, and sums up.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("packages", packages::provide);
    steps.run("python", || python::provide(root));
    steps.run("node", || node::provide(root));
    if arguments.filter.is_empty() {
        checks(root, &mut steps);
    }
    if let Some(program) = steps.run("build", || build(root)) {
        let cluster = steps.run("postgresql", start_cluster).flatten();
        steps.run("test", || test(root, arguments, &program, cluster.as_ref()));
        if let Some(cluster) = cluster {
            steps.run("stop postgresql", || {
                drop(cluster);
                Ok(())
            });
        }
    }
    steps.finish()
}

fn checks(root: &Path, steps: &mut Steps) {
    steps.run("tool chain", || components(root));
    steps.run("format", || succeed(Command::new(cargo()).current_dir(root).args(["fmt", "--all", "--check"])));
    steps.run("tidy", || tidy::run(root));
    steps.run("lint", || {
        let flags = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
        succeed(Command::new(cargo()).current_dir(root).args(flags))
    });
    steps.run("documentation", || {
        let flags = ["doc", "--workspace", "--no-deps"];
        succeed(Command::new(cargo()).current_dir(root).args(flags).env("RUSTDOCFLAGS", "--deny warnings"))
    });
}

/// A minimal Rust installation has neither the formatter nor the linter; rustup can add them.
fn components(root: &Path) -> Result<()> {
    let works = |tool: &str| {
        let output = Command::new(cargo()).current_dir(root).args([tool, "--version"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    if works("fmt") && works("clippy") {
        return Ok(());
    }
    if packages::program("rustup").is_none() {
        bail!("cargo fmt or cargo clippy is missing; install the components rustfmt and clippy of this Rust");
    }
    succeed(Command::new("rustup").current_dir(root).args(["component", "add", "rustfmt", "clippy"]))
}

/// Builds the server that the tests start as a process; returns where it is.
fn build(root: &Path) -> Result<PathBuf> {
    succeed(Command::new(cargo()).current_dir(root).args(["build", "--package", "certhold", "--bin", "certhold"]))?;
    // Cargo put this program and that one into the same directory, wherever the user wants it.
    let program = std::env::current_exe().context("where this program is")?.with_file_name("certhold");
    if program.is_file() { Ok(program) } else { bail!("cargo built no {}", program.display()) }
}

/// The cluster, or nothing when PostgreSQL is missing and may be.
fn start_cluster() -> Result<Option<Cluster>> {
    if packages::program("initdb").is_none() && !packages::strict() {
        println!("PostgreSQL is not installed: its half of the stories is left out");
        return Ok(None);
    }
    let cluster = Cluster::start(cluster::SHARED)?;
    println!("ready");
    Ok(Some(cluster))
}

fn test(root: &Path, arguments: &Arguments, program: &Path, cluster: Option<&Cluster>) -> Result<()> {
    let mut command = Command::new(cargo());
    command.current_dir(root).args(["test", "--workspace", "--no-fail-fast"]).env("CERTHOLD_BIN", program);
    // Settings of the developer's own server must not reach the one under test.
    command.env_remove(VARIABLE).env_remove("CERTHOLD_ADMIN_PASSWORD");
    if let Some(cluster) = cluster {
        command.env(VARIABLE, cluster.url());
    }
    if arguments.full {
        command.env("FULL", "1");
    } else {
        command.env_remove("FULL");
    }
    if !arguments.filter.is_empty() {
        command.arg("--").args(&arguments.filter);
    }
    failures::succeed(&mut command)
}
