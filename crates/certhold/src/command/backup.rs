//! `certhold backup` and `certhold restore`, for the SQLite database of a data directory.

use std::path::{Path, PathBuf};

use certhold_domain::custody::{self, Custody};
use certhold_domain::events::{self, Verification};
use certhold_domain::{MIGRATIONS, is_prepared};
use certhold_store::{Location, Options, Store};
use serde_json::json;

use super::print_done;
use crate::config::{Configuration, Place, Settings};
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::master_key::{self, Absent};
use crate::output::Output;
use crate::serve::heads;

/// Copy the database to a new file, also while a server runs
#[derive(clap::Args)]
pub struct Backup {
    /// The file to write; it must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Put a backup in place as the database of a data directory that has none
#[derive(clap::Args)]
pub struct Restore {
    /// What `certhold backup` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Backup {
    /// Copies. Takes no lock: SQLite shows one moment of the database, whoever else works on it.
    ///
    /// # Errors
    /// When there is no database, or the file cannot be written.
    pub fn run(self, place: &Place, output: Output) -> Result<(), Failure> {
        let configuration = Configuration::load(place, Settings::default())?;
        if let Location::Sqlite(path) = &configuration.database
            && !path.exists()
        {
            return Err(Failure::new(format!("there is no database {} to back up", configuration.database)));
        }
        configuration.database.backup_to(&self.file)?;
        let bytes = std::fs::metadata(&self.file).map_or(0, |file| file.len());
        let sentence = format!(
            "{} holds the database ({bytes} bytes). The master key is not in it: keep a copy of {} in another place.",
            self.file.display(),
            configuration.data.join(master_key::FILE).display()
        );
        print_done(&sentence, &json!({ "file": self.file, "bytes": bytes, "master_key_included": false }), output)
    }
}

impl Restore {
    /// Copies the backup beside its place, checks it there, and only then gives it its name.
    ///
    /// # Errors
    /// When there is a database already, or the backup is none, is damaged, or belongs to another master key.
    pub fn run(self, place: &Place, output: Output) -> Result<(), Failure> {
        let dir = DataDir::create(place.data())?;
        let configuration = Configuration::load(place, Settings::default())?;
        let Location::Sqlite(database) = &configuration.database else {
            return Err(Failure::usage("a PostgreSQL database is restored with its own tools: pg_restore"));
        };
        for name in [database.clone(), beside(database, "-wal")] {
            if name.exists() {
                return Err(Failure::new(format!(
                    "{} exists already: move it away first, or restore into another directory",
                    name.display()
                )));
            }
        }
        if !self.file.is_file() {
            return Err(Failure::new(format!("there is no backup {}", self.file.display())));
        }
        let candidate = beside(database, ".restoring");
        let checked = self.copy_and_check(&configuration, &candidate);
        let verification = match checked {
            Ok(verification) => verification,
            Err(failure) => {
                for leftover in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(beside(&candidate, leftover));
                }
                return Err(failure);
            }
        };
        std::fs::rename(&candidate, database).map_err(|error| Failure::io(database.display(), &error))?;
        let parent = database.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::File::open(parent).and_then(|dir| dir.sync_all()).map_err(|error| Failure::io(parent.display(), &error))?;
        set_aside(&heads::file(dir.path()))?;
        let key = dir.path().join(master_key::FILE);
        let advice = if key.exists() { String::new() } else { format!(" Now put its master key back: {}.", key.display()) };
        let Verification { events, heads, .. } = verification;
        let sentence = format!("{} is restored: {events} events, {heads} signed heads, intact.{advice}", database.display());
        print_done(&sentence, &json!({ "database": database, "events": events, "heads": heads, "intact": true }), output)
    }

    fn copy_and_check(&self, configuration: &Configuration, candidate: &Path) -> Result<Verification, Failure> {
        let leftover = std::fs::remove_file(candidate);
        leftover.or_else(|error| {
            if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(Failure::io(candidate.display(), &error)) }
        })?;
        let broken = |why: &dyn std::fmt::Display| Failure::new(format!("{} cannot be restored: {why}", self.file.display()));
        Location::Sqlite(self.file.clone()).backup_to(candidate).map_err(|error| broken(&error))?;
        let options = Options { readers: 1, ..Options::default() };
        let store = Store::open(&Location::Sqlite(candidate.to_owned()), MIGRATIONS, options).map_err(|error| broken(&error))?;
        let verification = check(&store, configuration);
        store.close();
        let verification = verification.map_err(|failure| broken(&failure))?;
        match verification.problems.first() {
            None => Ok(verification),
            Some(problem) => Err(broken(&format!("its event log is damaged at event {}: {}", problem.seq, problem.what))),
        }
    }
}

/// The head that was kept beside the lost database may vouch for events that the backup does not have. That is known now, and
/// would be reported as a log that was cut off.
fn set_aside(head: &Path) -> Result<(), Failure> {
    match std::fs::rename(head, beside(head, ".before-restore")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::io(head.display(), &error)),
        _ => Ok(()),
    }
}

/// Verifies the event log, and the master key if it is at hand.
fn check(store: &Store, configuration: &Configuration) -> Result<Verification, Failure> {
    if !store.read_blocking(is_prepared)? {
        return Err(Failure::new("it is no database of Certhold"));
    }
    let key = match master_key::find(&configuration.data, configuration.master_key_command.as_deref(), Absent::Refuse) {
        Ok((key, _)) => Some(key),
        Err(_) if !configuration.data.join(master_key::FILE).exists() && configuration.master_key_command.is_none() => None,
        Err(failure) => return Err(failure),
    };
    let mut trusted = None;
    if let Some(key) = key {
        let custody = std::sync::Arc::new(Custody::new(key));
        let adopting = custody.clone();
        store.write_blocking(move |tx| custody::adopt(tx, &adopting, 0))?;
        trusted = heads::trusted(store, &custody)?;
    }
    Ok(store.read_blocking(move |tx| events::verify(tx, &events::Trust { key: trusted, kept: None }))?)
}

/// A path with something added to its last name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
