//! The steps of a run: each is named, timed and reported, and a failed one does not hide those after it.

use std::ffi::OsString;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// The cargo that called us, so that a pinned tool chain stays pinned.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// What became of one step.
struct Outcome {
    name: &'static str,
    took: Duration,
    result: Result<(), String>,
}

/// What has been done so far.
#[derive(Default)]
pub struct Steps {
    outcomes: Vec<Outcome>,
}

impl Steps {
    /// Does one step, says so, and keeps what came of it. Returns its value unless it failed.
    pub fn run<T>(&mut self, name: &'static str, step: impl FnOnce() -> Result<T>) -> Option<T> {
        println!("\n==> {name}");
        let start = Instant::now();
        let outcome = step();
        let took = start.elapsed();
        let (value, result) = match outcome {
            Ok(value) => (Some(value), Ok(())),
            Err(error) => {
                let text = format!("{error:#}");
                eprintln!("error: {}", text.lines().next().unwrap_or_default());
                (None, Err(text))
            }
        };
        self.outcomes.push(Outcome { name, took, result });
        value
    }

    /// Prints the summary; an error when any step failed.
    pub fn finish(self) -> Result<()> {
        // Once more, as what failed may stand thousands of lines above.
        for text in self.outcomes.iter().filter_map(|outcome| outcome.result.as_ref().err()) {
            println!("\n{text}");
        }
        println!("\n{}", self.table());
        let failed: Vec<&str> =
            self.outcomes.iter().filter(|outcome| outcome.result.is_err()).map(|outcome| outcome.name).collect();
        ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
        Ok(())
    }

    fn table(&self) -> String {
        let width = self.outcomes.iter().map(|outcome| outcome.name.len()).max().unwrap_or(0);
        let line = |outcome: &Outcome| {
            let seconds = outcome.took.as_secs_f64();
            let verdict = match &outcome.result {
                Ok(()) => "ok".to_owned(),
                Err(error) => format!("FAILED  {}", error.lines().next().unwrap_or_default()),
            };
            format!("{:width$}  {seconds:>7.1} s  {verdict}", outcome.name)
        };
        self.outcomes.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Runs a program to its end with our own input and output; an error when it fails.
pub fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("{program} could not be started"))?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_failed_step_is_reported_and_does_not_stop_the_next() {
        let mut steps = Steps::default();
        assert_eq!(steps.run("first", || -> Result<u8> { bail!("it rained\nall day") }), None);
        assert_eq!(steps.run("second", || Ok(7)), Some(7));
        let table = steps.table();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("first ") && lines[0].ends_with("FAILED  it rained"), "{table}");
        assert!(lines[1].starts_with("second") && lines[1].ends_with("ok"), "{table}");
        assert_eq!(steps.finish().unwrap_err().to_string(), "failed: first");
    }

    #[test]
    fn a_run_without_failures_succeeds() {
        let mut steps = Steps::default();
        steps.run("only", || Ok(()));
        steps.finish().unwrap();
    }

    #[test]
    fn a_program_that_fails_is_an_error() {
        succeed(&mut Command::new("true")).unwrap();
        assert!(succeed(&mut Command::new("false")).unwrap_err().to_string().starts_with("false ended with"));
    }
}
