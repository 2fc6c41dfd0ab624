//! `cargo xtask bench` and `cargo xtask demo`: the benchmark program, built as users would run the product.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

/// What is handed on as it is.
#[derive(Args)]
pub struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Runs the benchmark program in release mode with `first` and then the user's arguments.
pub fn run(root: &Path, first: &[&str], arguments: &Arguments) -> Result<()> {
    let status = Command::new(crate::steps::cargo())
        .current_dir(root)
        .args(["run", "--release", "--package", "certhold-benches", "--"])
        .args(first)
        .args(&arguments.rest)
        .status()
        .context("cargo could not be started")?;
    ensure!(status.success(), "the benchmark program ended with {status}");
    Ok(())
}
