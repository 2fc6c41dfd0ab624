//! `cargo xtask tidy`: what the repository promises about itself, checked.
//!
//! Each check is a function from the repository's files to findings, with tests of its own on small made-up
//! repositories: one where it must speak and one where it must be silent.

mod arrows;
mod configuration;
mod documented;
mod exceptions;
mod links;
mod repository;
mod rooms;
mod size;
mod source;
mod words;

use std::fmt;
use std::path::Path;

use anyhow::{Result, ensure};

use repository::Repository;

/// One broken promise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, relative to the repository.
    path: String,
    /// Its line, from 1; 0 when the whole file is meant.
    line: usize,
    /// What is wrong and what to do, in a sentence.
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.message),
            line => write!(out, "{}:{line}: {}", self.path, self.message),
        }
    }
}

type Check = fn(&Repository) -> Vec<Finding>;

const CHECKS: [(&str, Check); 15] = [
    ("files and functions stay small", size::check),
    ("no unfinished work", words::unfinished),
    ("no mention of the machine it was built on", words::foreign_places),
    ("dependencies go down only", arrows::check),
    ("every crate forbids unsafe code", arrows::unsafe_is_forbidden),
    ("domain and pki are pure", rooms::pure),
    ("no unsafe code", rooms::no_unsafe),
    ("only store knows a database driver", rooms::drivers),
    ("only store speaks one engine's SQL", rooms::engine_words),
    ("every dependency has its reason", documented::dependencies),
    ("every event operation is documented", documented::events),
    ("every permission path is documented", documented::permissions),
    ("every configuration key is documented", configuration::check),
    ("links lead somewhere", links::targets),
    ("every page of docs is linked", links::reachable),
];

/// Runs every check on the files below `root` and prints what they find.
pub fn run(root: &Path) -> Result<()> {
    let repository = Repository::read(root)?;
    let mut total = 0;
    for (promise, check) in CHECKS {
        let mut findings = check(&repository);
        findings.sort();
        findings.dedup();
        total += findings.len();
        println!("{} {promise}", if findings.is_empty() { "ok    " } else { "BROKEN" });
        for finding in findings {
            println!("         {finding}");
        }
    }
    ensure!(total == 0, "tidy found {total} {}", if total == 1 { "thing" } else { "things" });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_its_place() {
        assert_eq!(Finding::new("a.rs", 3, "wrong").to_string(), "a.rs:3: wrong");
        assert_eq!(Finding::new("a.rs", 0, "wrong").to_string(), "a.rs: wrong");
    }

    #[test]
    fn an_untidy_directory_fails_the_run() {
        let root = std::env::temp_dir().join(format!("certhold-tidy-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n");
        write("README.md", "[e](docs/events.md) [p](docs/permissions.md)\n");
        write("docs/events.md", "| `a.b` |\n");
        write("docs/permissions.md", "| `/` |\n");
        write("crates/domain/src/events/names.rs", "pub const A: &str = \"a.b\";\n");
        write("crates/domain/src/access/paths.rs", "pub const A: &str = \"/\";\n");
        run(&root).unwrap();
        write("a.rs", concat!("fn main() { to", "do!() }\n"));
        assert_eq!(run(&root).unwrap_err().to_string(), "tidy found 1 thing");
        std::fs::remove_dir_all(&root).unwrap();
    }
}
