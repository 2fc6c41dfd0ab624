//! `certhold backup`, `certhold restore` and `certhold move`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use certhold_domain::custody::{self, Custody, rekey};
use certhold_domain::events::{self, Checkpoint, NewEvent, Object, Trust, Verification, names};
use certhold_domain::{Actor, Clock, MIGRATIONS};
use certhold_store::transfer::Writer;
use certhold_store::{Location, Options, Store};
use serde_json::{Value as Json, json};

use super::print_done;
use crate::archive::{self, Manifest, Source};
use crate::config::{Configuration, Place, Settings};
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::master_key::{self, Absent, Keeper};
use crate::opening::SystemClock;
use crate::output::Output;
use crate::serve::heads;
use crate::target::local_user;

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
    /// Restore although its master key is not at hand: whether the secrets in it open, and who signed the heads of its event log, is
    /// not checked
    #[arg(long)]
    without_master_key: bool,
}

/// Move the database to another engine: from SQLite to PostgreSQL, or back
#[derive(clap::Args)]
pub struct Move {
    /// The database to copy [default: that of the data directory]
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// The database to fill; it must be empty
    #[arg(long, value_name = "URL")]
    to: String,
    /// Move although the master key is not at hand: whether the secrets in it open, and who signed the heads of its event log, is not
    /// checked
    #[arg(long)]
    without_master_key: bool,
}

impl Backup {
    /// Copies. Takes no lock: both engines show one moment of the database, whoever else works on it.
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
        let manifest = archive::write(&configuration.database, &self.file, SystemClock.now())?;
        let bytes = std::fs::metadata(&self.file).map_or(0, |file| file.len());
        let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let details = json!({ "file": name, "bytes": bytes, "rows": manifest.rows(), "last_event": manifest.seq });
        note(&configuration.database, names::BACKUP_COMPLETED, &manifest, details);
        let sentence = format!(
            "{} holds the database ({} rows, {bytes} bytes). The master key is not in it: keep a copy of {} in another place.",
            self.file.display(),
            manifest.rows(),
            configuration.data.join(master_key::FILE).display()
        );
        let object = json!({ "file": self.file, "bytes": bytes, "rows": manifest.rows(), "last_event": manifest.seq,
            "master_key_included": false });
        print_done(&sentence, &object, output)
    }
}

/// Records in the log what was done with the whole database. Only where the tables are those of this version: a backup changes
/// no table. What was done stays done if this fails.
fn note(database: &Location, operation: &'static str, manifest: &Manifest, details: Json) {
    let schema = certhold_store::transfer::Reader::open(database, &[]).map(|reader| reader.schema());
    if schema.ok() != i64::try_from(MIGRATIONS.len()).ok() {
        return;
    }
    let installation = manifest.installation.clone();
    let noted = Store::open(database, MIGRATIONS, Options { readers: 1, ..Options::default() }).and_then(|store| {
        let (actor, now) = (Actor::local(&local_user()), SystemClock.now());
        let noted = store.write_blocking(move |tx| {
            let object = Object { kind: "installation", id: None, name: &installation };
            events::append(tx, &actor, now, NewEvent::new(operation, object, details.clone())).map(drop)
        });
        store.close();
        noted.map_err(|error| certhold_store::Error::Open { reason: error.to_string() })
    });
    if let Err(error) = noted {
        eprintln!("certhold: this could not be recorded in the event log: {error}");
    }
}

impl Restore {
    /// Fills a database that nobody sees yet, checks it, and only then makes it the one.
    ///
    /// # Errors
    /// When there is a database already, or the backup is none, is damaged, or belongs to another master key.
    pub fn run(self, place: &Place, output: Output) -> Result<(), Failure> {
        let dir = DataDir::create(place.data())?;
        let configuration = Configuration::load(place, Settings::default())?;
        let database = &configuration.database;
        if let Location::Sqlite(path) = database {
            for name in [path.clone(), beside(path, "-wal")] {
                if name.exists() {
                    return Err(Failure::new(format!(
                        "{} exists already: move it away first, or restore into another directory",
                        name.display()
                    )));
                }
            }
        }
        if !self.file.is_file() {
            return Err(Failure::new(format!("there is no backup {}", self.file.display())));
        }
        let broken = |why: Failure| Failure::new(format!("{} cannot be restored: {}", self.file.display(), why.sentence()));
        let custody = custody(&configuration).map_err(broken)?;
        if custody.is_none() && !self.without_master_key {
            let key = configuration.data.join(master_key::FILE);
            return Err(broken(Failure::new(format!(
                "its master key is not at hand, so that nobody knows whether its secrets open. Put the key back as {} first, or restore \
                 with --without-master-key, which checks the event log only",
                key.display()
            ))));
        }
        let copied = Source::file(&self.file)
            .and_then(|source| archive::copy(source, database, |writer| check(writer, custody.as_ref(), &[])));
        let (manifest, (verification, seals)) = copied.map_err(broken)?;
        set_aside(&heads::file(dir.path()))?;
        let Verification { events, heads, .. } = verification;
        let details = json!({ "events": events, "last_event": manifest.seq });
        note(database, names::BACKUP_RESTORED, &manifest, details);
        let key = configuration.data.join(master_key::FILE);
        let advice = match seals {
            Some(seals) => format!(" All {seals} secrets open."),
            None => format!(" Whether its secrets open was not checked. Now put its master key back: {}.", key.display()),
        };
        let sentence = format!("{database} is restored: {events} events, {heads} signed heads, intact.{advice}");
        let object = json!({ "database": database.to_string(), "events": events, "heads": heads, "secrets": seals,
            "intact": true });
        print_done(&sentence, &object, output)
    }
}

impl Move {
    /// Copies the database to the other place. The data directory must be at rest, and so must every other node.
    ///
    /// # Errors
    /// When a node is at work, the target is not empty, the master key is not at hand, or anything did not arrive as it was.
    pub fn run(self, place: &Place, output: Output) -> Result<(), Failure> {
        let _dir = DataDir::open(place.data(), "move")?;
        let configuration = Configuration::load(place, Settings::default())?;
        let location = |text: &str| text.parse::<Location>().map_err(|error| Failure::usage(error.to_string()));
        let from = self.from.as_deref().map(location).transpose()?.unwrap_or_else(|| configuration.database.clone());
        let to = location(&self.to)?;
        if from == to {
            return Err(Failure::usage("--from and --to are the same database"));
        }
        if let Location::Sqlite(path) = &from
            && !path.exists()
        {
            return Err(Failure::new(format!("there is no database {from} to move")));
        }
        at_rest(&from)?;
        let custody = custody(&configuration)?;
        if custody.is_none() && !self.without_master_key {
            return Err(Failure::new(format!(
                "the master key of {from} is not at hand, so that nobody knows whether its secrets arrive as they were. Put the key \
                 back as {} first, or move with --without-master-key, which checks the event log only",
                configuration.data.join(master_key::FILE).display()
            )));
        }
        let source = Source::database(&from)?;
        let (manifest, (verification, seals)) = archive::copy(source, &to, |writer| check(writer, custody.as_ref(), &[]))?;
        let details = json!({ "before": { "database": from.to_string() }, "after": { "database": to.to_string() } });
        note(&to, names::DATABASE_MOVED, &manifest, details);
        let checked = match seals {
            Some(seals) => format!("All {seals} secrets open."),
            None => "Whether its secrets open, and who signed its heads, was not checked.".to_owned(),
        };
        let sentence = format!(
            "{} rows in {} tables are in {to} now: {} events, intact. {checked} Write database = {:?} in certhold.toml (with its password, if it \
             has one), then start the server. {from} is as it was.",
            manifest.rows(),
            manifest.tables.len(),
            verification.events,
            to.to_string(),
        );
        let object = json!({ "from": from.to_string(), "to": to.to_string(), "rows": manifest.rows(),
            "tables": manifest.tables, "events": verification.events, "secrets": seals, "intact": true });
        print_done(&sentence, &object, output)
    }
}

/// Refuses while a node is at work: what it writes after the copy would be lost.
fn at_rest(from: &Location) -> Result<(), Failure> {
    let mut reader = certhold_store::transfer::Reader::open(from, &[])?;
    if reader.tables().iter().all(|table| table.name != "node") {
        return Ok(());
    }
    let nodes = reader.tx(|tx| rekey::nodes(tx, SystemClock.now()))?;
    match nodes.first() {
        None => Ok(()),
        Some(node) => Err(Failure::new(format!(
            "the node {} works on {from}, or was killed less than {} seconds ago: stop all servers first",
            node.name,
            rekey::NODE_SILENT_MS / 1_000
        ))),
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

/// The master keys at hand, if there are any.
fn custody(configuration: &Configuration) -> Result<Option<Arc<Custody>>, Failure> {
    let (data, command) = (&configuration.data, configuration.master_key_command.as_deref());
    let given = command.is_some() || std::env::var_os(master_key::VARIABLE).is_some();
    let keys = match master_key::find(data, command, Absent::Refuse) {
        Ok((keys, _)) => keys,
        // One that is given and cannot be read is no absent one.
        Err(_) if !data.join(master_key::FILE).exists() && !given => return Ok(None),
        Err(failure) => return Err(failure),
    };
    Ok(Some(Arc::new(Custody::with_keeper(keys, Box::new(Keeper::new(data, command)))?)))
}

/// Verifies the event log and, if a master key is at hand, that it is the right one and that every secret opens.
fn check(
    writer: &mut Writer,
    custody: Option<&Arc<Custody>>,
    checkpoints: &[Checkpoint],
) -> Result<(Verification, Option<i64>), Failure> {
    let mut trusted = None;
    let mut seals = None;
    if let Some(custody) = custody {
        writer.tx(|tx| custody::adopt(tx, custody, 0))?;
        seals = Some(writer.tx(|tx| custody::check_seals(tx, custody))?);
        let sealed = writer.tx(|tx| custody::named(tx, heads::SECRET))?;
        trusted = sealed.map(|sealed| heads::public_key(custody, &sealed)).transpose()?;
    }
    let trust = Trust { key: trusted, kept: None, checkpoints: checkpoints.to_vec() };
    let verification = writer.tx(|tx| events::verify(tx, &trust))?;
    match verification.problems.first() {
        None => Ok((verification, seals)),
        Some(problem) => Err(Failure::new(format!("its event log is damaged at event {}: {}", problem.seq, problem.what))),
    }
}

/// Holds a backup's event log against checkpoints, without restoring it.
///
/// # Errors
/// When it is no backup, or cannot be looked into.
pub fn verify(file: &Path, checkpoints: Vec<Checkpoint>) -> Result<Verification, Failure> {
    let source = Source::file(file)?;
    let scratch = archive::scratch(file);
    let trust = Trust { key: None, kept: None, checkpoints };
    let mut found = None;
    let looked = archive::copy(source, &Location::Sqlite(scratch), |writer| {
        found = Some(writer.tx(|tx| events::verify(tx, &trust))?);
        // Nobody keeps the copy.
        Err::<(), _>(Failure::new(""))
    });
    match (found, looked) {
        (Some(found), _) => Ok(found),
        (None, Err(failure)) => Err(Failure::new(format!("{}: {}", file.display(), failure.sentence()))),
        (None, Ok(_)) => Err(Failure::new("the backup could not be looked into")),
    }
}

/// A path with something added to its last name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
