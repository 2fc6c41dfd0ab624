//! What failed in a long run of tests, told once more at its end: a run prints thousands of lines after the first failure, and
//! whoever keeps only the end of a log would not learn why.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// So many lines of one failure are told again, from its first.
const LINES: usize = 14;
/// So many failures at most.
const FAILURES: usize = 5;

/// Runs a test command and passes on what it prints; when it fails, the error has the words of the failed tests.
pub fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("{program} could not be started"))?;
    let mut told = Told::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("what the tests print")?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            told.line(&line);
        }
    }
    let status = child.wait().with_context(|| format!("{program} was lost"))?;
    if status.success() {
        return Ok(());
    }
    bail!("{program} ended with {status}{}", told.summary())
}

/// The blocks `---- name stdout ----` of the test harness.
#[derive(Default)]
struct Told {
    blocks: Vec<Vec<String>>,
    is_inside: bool,
}

impl Told {
    fn line(&mut self, line: &str) {
        if line.starts_with("---- ") && line.ends_with(" ----") {
            self.blocks.push(Vec::new());
            self.is_inside = true;
        } else if line == "failures:" || line.starts_with("test result:") {
            self.is_inside = false;
        }
        if let Some(block) = self.blocks.last_mut().filter(|_| self.is_inside)
            && block.len() < LINES
            && !line.trim().is_empty()
        {
            block.push(line.to_owned());
        }
    }

    fn summary(&self) -> String {
        let lines = self.blocks.iter().take(FAILURES).flatten();
        let left_out = self.blocks.len().saturating_sub(FAILURES);
        let more = (left_out > 0).then(|| format!("\nand {left_out} more"));
        lines.map(|line| format!("\n{line}")).chain(more).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<()> {
        succeed(Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn words_of_failed_tests_are_in_the_error() {
        let script = "cat <<'END'; exit 101\n\
            test one ... FAILED\n\nfailures:\n\n---- one stdout ----\n\nthread 'one' panicked at a.rs:1:\n“Done” did not appear\n\n\
            failures:\n    one\n\ntest result: FAILED. 0 passed; 1 failed\nEND";
        let error = shell(script).unwrap_err().to_string();
        assert!(error.contains("101"), "{error}");
        assert!(error.ends_with("\n---- one stdout ----\nthread 'one' panicked at a.rs:1:\n“Done” did not appear"), "{error}");
    }

    #[test]
    fn much_is_cut() {
        let script = "for n in $(seq 30); do echo \"---- t$n stdout ----\"; seq 200; echo failures:; done; exit 1";
        let error = shell(script).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 1 + FAILURES * LINES + 1, "{error}");
        assert!(error.ends_with("and 25 more"), "{error}");
    }

    #[test]
    fn a_run_that_succeeds_or_does_not_start_says_so() {
        shell("echo '---- odd stdout ----'").unwrap();
        let error = succeed(&mut Command::new("/nonexistent/program")).unwrap_err().to_string();
        assert!(error.contains("could not be started"), "{error}");
    }
}
