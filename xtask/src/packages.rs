//! The programs that the tests run against, and the Debian packages they come in.

use std::fs;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::guardian::Guardian;
use crate::steps::succeed;

/// One Debian package and how to see that it is there, whoever installed it.
struct Part {
    package: &'static str,
    sign: Sign,
}

enum Sign {
    /// A program on the search path, or where Debian hides it.
    Program(&'static str),
    /// A file of this name in `/usr/lib/*/FOLDER/`.
    Library { folder: &'static str, file: &'static str },
}

const PARTS: [Part; 14] = [
    Part { package: "pebble", sign: Sign::Program("pebble") },
    Part { package: "pdns-server", sign: Sign::Program("pdns_server") },
    Part { package: "pdns-backend-sqlite3", sign: Sign::Library { folder: "pdns", file: "libgsqlite3backend.so" } },
    Part { package: "bind9", sign: Sign::Program("named") },
    Part { package: "bind9-dnsutils", sign: Sign::Program("nsupdate") },
    Part { package: "postgresql", sign: Sign::Program("initdb") },
    Part { package: "chromium", sign: Sign::Program("chromium") },
    Part { package: "chromium-driver", sign: Sign::Program("chromedriver") },
    Part { package: "openssl", sign: Sign::Program("openssl") },
    Part { package: "openjdk-17-jdk-headless", sign: Sign::Program("javac") },
    Part { package: "nodejs", sign: Sign::Program("node") },
    Part { package: "npm", sign: Sign::Program("npm") },
    Part { package: "python3", sign: Sign::Program("python3") },
    Part { package: "python3-venv", sign: Sign::Library { folder: "ensurepip", file: "__init__.py" } },
];

/// Debian asks this file, when it exists, whether an installed service may start.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Whether a missing part is a failure instead of a note.
pub fn strict() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// Whether we are root.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|us| us.uid() == 0)
}

/// Installs what is missing when we may; otherwise says what is missing and how to get it.
pub fn provide() -> Result<()> {
    let absent = missing();
    if absent.is_empty() {
        println!("everything is installed");
        return Ok(());
    }
    if is_root() && program("apt-get").is_some() {
        install(&absent)?;
        let still = missing();
        if still.is_empty() {
            return Ok(());
        }
        bail!("apt-get succeeded, yet these packages' programs are not found: {}", still.join(" "));
    }
    let advice = advice(&absent);
    if strict() {
        bail!("{advice}");
    }
    println!("{advice}\nTests that need them are left out (with CI=true they would fail).");
    Ok(())
}

fn missing() -> Vec<&'static str> {
    PARTS.iter().filter(|part| !is_there(&part.sign)).map(|part| part.package).collect()
}

fn advice(absent: &[&str]) -> String {
    format!(
        "missing packages: {names}\nInstall them with: sudo apt-get install --no-install-recommends {names}",
        names = absent.join(" ")
    )
}

fn is_there(sign: &Sign) -> bool {
    match sign {
        Sign::Program(name) => program(name).is_some(),
        Sign::Library { folder, file } => {
            let below = |parent: PathBuf| parent.join(folder).join(file).exists();
            let architectures = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
            below(PathBuf::from("/usr/lib")) || architectures.into_iter().any(below)
        }
    }
}

/// Where a program is: on the search path, among the system's, or among PostgreSQL's.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let postgres = versions.map(|entry| entry.path().join("bin"));
    std::env::split_paths(&path).chain(system).chain(postgres).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn install(absent: &[&str]) -> Result<()> {
    println!("installing {}", absent.join(" "));
    // The servers among them would start at once, and fight for port 53.
    let _no_service = forbid_services(Path::new(POLICY))?;
    succeed(apt().arg("update"))?;
    succeed(apt().args(["install", "--yes", "--no-install-recommends"]).args(absent))
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Forbids Debian to start services until the guardian is dropped. A policy that exists already is left as it is.
fn forbid_services(policy: &Path) -> Result<Option<Guardian>> {
    if fs::symlink_metadata(policy).is_ok() {
        return Ok(None);
    }
    let text = policy.to_str().context("the policy's path is not UTF-8")?;
    let guardian = Guardian::start("", "rm -f \"$1\"", &[text], None)?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o755)
        .open(policy)
        .with_context(|| format!("{text} could not be written"))?;
    std::io::Write::write_all(&mut file, b"#!/bin/sh\n# Temporary: `cargo xtask test` is installing.\nexit 101\n")?;
    Ok(Some(guardian))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_and_absent_ones_are_not() {
        assert!(is_there(&Sign::Program("sh")));
        assert!(!is_there(&Sign::Program("certhold-no-such-program")));
        assert!(!is_there(&Sign::Library { folder: "certhold", file: "none.so" }));
    }

    #[test]
    fn the_advice_is_one_command_that_names_every_package() {
        let advice = advice(&["bind9", "openssl"]);
        assert_eq!(
            advice,
            "missing packages: bind9 openssl\n\
             Install them with: sudo apt-get install --no-install-recommends bind9 openssl"
        );
    }

    #[test]
    fn services_are_forbidden_only_while_the_guardian_lives() {
        let policy = std::env::temp_dir().join(format!("certhold-policy-{}", std::process::id()));
        let _ = fs::remove_file(&policy);
        let guardian = forbid_services(&policy).unwrap();
        assert!(guardian.is_some());
        let status = Command::new(&policy).args(["bind9", "start"]).status().unwrap();
        assert_eq!(status.code(), Some(101), "Debian reads 101 as: forbidden");
        drop(guardian);
        assert!(!policy.exists());
    }

    #[test]
    fn somebody_elses_policy_is_left_alone() {
        let policy = std::env::temp_dir().join(format!("certhold-policy-other-{}", std::process::id()));
        fs::write(&policy, "theirs").unwrap();
        assert!(forbid_services(&policy).unwrap().is_none());
        assert_eq!(fs::read_to_string(&policy).unwrap(), "theirs");
        fs::remove_file(&policy).unwrap();
    }
}
