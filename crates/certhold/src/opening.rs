//! Opens what a data directory holds: database, custody, clock and randomness, as one [`Core`].

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use certhold_domain::access::AccessCache;
use certhold_domain::custody::{self, Custody, MasterKey};
use certhold_domain::{Clock, Core, Entropy, MIGRATIONS, complete, is_prepared, prepare};
use certhold_outside::keys::SystemEntropy;
use certhold_store::{Error, Location, Options, Store};

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::master_key::{self, Absent, Keeper};

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// The system's randomness.
pub struct Randomness;

impl Entropy for Randomness {
    fn fill(&self, buffer: &mut [u8]) {
        SystemEntropy.fill(buffer);
    }
}

/// For `serve`: opens the database, bringing a new one to life, and its custody, making the master key at first start.
///
/// # Errors
/// Every reason for which the server cannot start, in a sentence.
pub fn serve(dir: &DataDir, database: &Location, master_key_command: Option<&str>) -> Result<Core, Failure> {
    let (keys, made) = master_key::find(dir.path(), master_key_command, Absent::Make(&Randomness))?;
    let keeper = Keeper::new(dir.path(), master_key_command);
    let opened = open(database, keys, keeper, Options::default());
    let core = opened.and_then(|core| bring_to_life(&core).map(|()| core));
    if core.is_err() && made {
        // A key that this database was never bound to only hides that the right one is missing.
        let _ = std::fs::remove_file(dir.path().join(master_key::FILE));
    }
    core.map_err(|failure| {
        if made && (failure.sentence().contains("this master key is not") || failure.sentence().contains("is not at hand")) {
            master_key::missing(dir.path())
        } else {
            failure
        }
    })
}

fn bring_to_life(core: &Core) -> Result<(), Failure> {
    let uuids = [uuid(core), uuid(core)];
    let (custody, now) = (core.custody.clone(), core.now());
    core.store.write_blocking(move |tx| {
        prepare(tx, &uuids, now)?;
        custody::adopt(tx, &custody, now)
    })?;
    Ok(())
}

/// For every other command: opens what a server has made.
///
/// # Errors
/// When there is no database yet, or it cannot be opened with the master key at hand.
pub fn existing(data: &Path, database: &Location, master_key_command: Option<&str>) -> Result<Core, Failure> {
    let none = || {
        Failure::new(format!(
            "there is no database {database} yet: start `certhold serve --data {}` once, which makes it",
            data.display()
        ))
    };
    if matches!(database, Location::Sqlite(path) if !path.exists()) {
        return Err(none());
    }
    let (keys, _) = master_key::find(data, master_key_command, Absent::Refuse)?;
    let core = open(database, keys, Keeper::new(data, master_key_command), Options { readers: 1, ..Options::default() })?;
    let (custody, now) = (core.custody.clone(), core.now());
    let prepared = core.store.write_blocking(move |tx| {
        let prepared = is_prepared(tx)?;
        if prepared {
            custody::adopt(tx, &custody, now)?;
            complete(tx)?;
        }
        Ok::<_, certhold_domain::Error>(prepared)
    })?;
    if prepared { Ok(core) } else { Err(none()) }
}

fn open(database: &Location, keys: Vec<MasterKey>, keeper: Keeper, options: Options) -> Result<Core, Failure> {
    let custody = Custody::with_keeper(keys, Box::new(keeper))?;
    let store = Store::open(database, MIGRATIONS, options).map_err(|error| match error {
        Error::Open { reason } => Failure::new(format!("the database {database} cannot be opened: {reason}")),
        other => Failure::from(other),
    })?;
    Ok(Core {
        store,
        custody: Arc::new(custody),
        entropy: Arc::new(Randomness),
        clock: Arc::new(SystemClock),
        access: Arc::new(AccessCache::default()),
    })
}

/// A fresh random UUID (RFC 9562 version 4).
pub fn uuid(core: &Core) -> uuid::Uuid {
    uuid::Builder::from_random_bytes(core.random()).into_uuid()
}
