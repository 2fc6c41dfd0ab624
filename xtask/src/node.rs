//! Packages for Node.js that tests drive the product with, each set in a directory under `target/`, never in the system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::packages;
use crate::steps::succeed;

/// One directory of packages.
struct Environment {
    /// Its directory under `target/node/`.
    name: &'static str,
    /// What is installed in it, at exact versions.
    packages: &'static [&'static str],
}

const ENVIRONMENTS: &[Environment] = &[
    // The vendor's client of the ArcGIS API.
    Environment { name: "arcgis", packages: &["@esri/arcgis-rest-request@4.10.2"] },
];

/// Installs what is missing. Without the network the tests that need it are left out, unless nothing may be.
pub fn provide(root: &Path) -> Result<()> {
    for environment in ENVIRONMENTS {
        match make(root, environment) {
            Ok(directory) => println!("{}: {}", directory.display(), environment.packages.join(" ")),
            Err(error) if packages::strict() => return Err(error),
            Err(error) => {
                println!("{error:#}\nTests that need {} are left out (with CI=true they would fail).", environment.name)
            }
        }
    }
    Ok(())
}

/// The directory with everything in it. Its last file says what was installed, so that a run that was cut short, or another version,
/// is made again from nothing.
fn make(root: &Path, environment: &Environment) -> Result<PathBuf> {
    let directory = root.join("target").join("node").join(environment.name);
    let stamp = directory.join("installed.txt");
    let wanted = environment.packages.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(directory);
    }
    let npm = packages::program("npm").context("npm is not installed")?;
    if directory.exists() {
        fs::remove_dir_all(&directory).with_context(|| format!("{} could not be removed", directory.display()))?;
    }
    fs::create_dir_all(&directory).with_context(|| format!("{} could not be made", directory.display()))?;
    let mut install = Command::new(npm);
    install.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(&directory);
    succeed(install.args(environment.packages))?;
    fs::write(&stamp, wanted).with_context(|| format!("{} could not be written", stamp.display()))?;
    Ok(directory)
}
