//! Python packages that tests take a second opinion from, each set in a virtual environment under `target/`, never in
//! the system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::packages;
use crate::steps::succeed;

/// One virtual environment.
struct Environment {
    /// Its directory under `target/`.
    name: &'static str,
    /// What is installed in it, at exact versions.
    requirements: &'static [&'static str],
}

const ENVIRONMENTS: &[Environment] = &[
    // What certificates say: it knows ML-DSA and ML-KEM, which Debian 12's OpenSSL and OpenJDK do not.
    Environment { name: "peers", requirements: &["cryptography==50.0.2"] },
    // What is wrong with certificates.
    Environment { name: "pkilint", requirements: &["pkilint==0.13.3"] },
    // The vendor's client of the Keyfactor API, which needs an httpx of its time.
    Environment { name: "keyfactor", requirements: &["keyfactor-v-1-client==1.0.3", "httpx==0.23.3", "requests==2.34.2"] },
];

/// Makes what is missing. Without the network the tests that need it are left out, unless nothing may be.
pub fn provide(root: &Path) -> Result<()> {
    for environment in ENVIRONMENTS {
        let outcome = make(root, environment);
        match outcome {
            Ok(directory) => println!("{}: {}", directory.display(), environment.requirements.join(" ")),
            Err(error) if packages::strict() => return Err(error),
            Err(error) => {
                println!("{error:#}\nTests that need {} are left out (with CI=true they would fail).", environment.name)
            }
        }
    }
    Ok(())
}

/// The directory of the environment, with everything in it. Its last file says what was installed, so that a run that
/// was cut short, or another version, is made again from nothing.
fn make(root: &Path, environment: &Environment) -> Result<PathBuf> {
    let directory = root.join("target").join(environment.name);
    let stamp = directory.join("installed.txt");
    let wanted = environment.requirements.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(directory);
    }
    let python = packages::program("python3").context("python3 is not installed")?;
    succeed(Command::new(python).args(["-m", "venv", "--clear"]).arg(&directory))?;
    let mut pip = Command::new(directory.join("bin").join("python"));
    succeed(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(environment.requirements))?;
    fs::write(&stamp, wanted).with_context(|| format!("{} could not be written", stamp.display()))?;
    Ok(directory)
}
