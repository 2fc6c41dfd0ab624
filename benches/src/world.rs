//! A Certhold without HTTP: a data directory, its store, and a few roles that own things.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use aws_lc_rs::rand;
use certhold_domain::access::roles::{self, RoleCommand};
use certhold_domain::people::{self, Credential, NewPrincipal, NewToken, PrincipalKind};
use certhold_domain::{Actor, Entropy, Error, MIGRATIONS, RoleId};
use certhold_store::{Location, Options, Store, Tx};
use tempfile::TempDir;

/// Unix milliseconds.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The system's randomness.
pub struct Randomness;

impl Entropy for Randomness {
    #[expect(clippy::expect_used, reason = "a system without randomness can do nothing")]
    fn fill(&self, buffer: &mut [u8]) {
        rand::fill(buffer).expect("the system gives random bytes");
    }
}

/// A fresh random UUID.
pub fn uuid() -> uuid::Uuid {
    let mut bytes = [0; 16];
    Randomness.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Whoever runs the benchmarks.
pub fn operator() -> Actor {
    Actor::local("benchmark")
}

/// Opens a database, bringing a new one to life.
pub fn open(location: &Location) -> Result<Store> {
    let store = Store::open(location, MIGRATIONS, Options::default())?;
    let (uuids, now) = ([uuid(), uuid()], now());
    store.write_blocking(move |tx| certhold_domain::prepare(tx, &uuids, now))?;
    Ok(store)
}

/// Creates roles of these names and descriptions.
pub fn create_roles(store: &Store, names: &[(&str, &str)]) -> Result<Vec<RoleId>> {
    let commands: Vec<RoleCommand> = names
        .iter()
        .map(|(name, description)| RoleCommand {
            name: (*name).to_owned(),
            description: (*description).to_owned(),
            permissions: vec!["/certificates/collections/".to_owned(), "/portal/read/".to_owned()],
            ..RoleCommand::default()
        })
        .collect();
    let now = now();
    let create = move |tx: &mut Tx<'_>| commands.iter().map(|command| roles::create(tx, &operator(), command, now)).collect();
    Ok(store.write_blocking::<Vec<RoleId>, Error, _>(create)?)
}

const TEAMS: [(&str, &str); 8] = [
    ("Web", ""),
    ("Mail", ""),
    ("Databases", ""),
    ("Network", ""),
    ("Payments", ""),
    ("Analytics", ""),
    ("Identity", ""),
    ("Storage", ""),
];

/// A data directory that the benchmarks fill. It is gone when dropped; a PostgreSQL database stays filled.
pub struct World {
    data: TempDir,
    database: Option<String>,
    store: Option<Store>,
    /// Roles that own certificates.
    pub teams: Vec<RoleId>,
    /// Certificates put into the inventory.
    pub certificates: u64,
}

impl World {
    /// An empty one, in a directory of its own below `directory`.
    pub fn new(directory: Option<&Path>, database: Option<&str>) -> Result<World> {
        let data = temporary(directory)?;
        let database = database.map(str::to_owned);
        let mut world = World { data, database, store: None, teams: Vec::new(), certificates: 0 };
        let held = world.store()?.read_blocking(certhold_domain::inventory::count_all)?;
        if held > 0 {
            bail!("the database is not empty: it holds {held} certificates");
        }
        world.teams = create_roles(world.store()?, &TEAMS)?;
        Ok(world)
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// What `--database` takes, if it is not the data directory's own.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The file of the database, if it is SQLite.
    pub fn sqlite(&self) -> Option<PathBuf> {
        self.database.is_none().then(|| self.data().join("certhold.db"))
    }

    /// Its store, opened if it is not.
    pub fn store(&mut self) -> Result<&Store> {
        if self.store.is_none() {
            let location = match self.database() {
                Some(url) => url.parse()?,
                None => Location::Sqlite(self.data().join("certhold.db")),
            };
            self.store = Some(open(&location)?);
        }
        self.store.as_ref().context("the store was just opened")
    }

    /// Closes the store, so that a server has the database for itself.
    pub fn close(&mut self) {
        if let Some(store) = self.store.take() {
            store.close();
        }
    }

    /// Bytes of the database; `None` where only the database server knows.
    pub fn bytes(&self) -> Option<u64> {
        let file = self.sqlite()?;
        std::fs::metadata(file).ok().map(|file| file.len())
    }

    /// Makes a service account that holds every team's role, and gives an API token of it.
    pub fn token(&mut self) -> Result<String> {
        let teams = self.teams.clone();
        self.token_of(teams)
    }

    /// The same for one that holds these permissions.
    pub fn token_for(&mut self, permissions: &[&str]) -> Result<String> {
        let permissions = permissions.iter().map(|path| (*path).to_owned()).collect();
        let role = RoleCommand { name: format!("load {}", uuid()), permissions, ..RoleCommand::default() };
        let at = now();
        let role = self.store()?.write_blocking(move |tx| roles::create(tx, &operator(), &role, at))?;
        self.token_of(vec![role])
    }

    fn token_of(&mut self, teams: Vec<RoleId>) -> Result<String> {
        let mut random = [0; 24];
        Randomness.fill(&mut random);
        let text = format!("cht_{}", certhold_domain::hex(&random));
        let account = NewPrincipal {
            kind: PrincipalKind::Service,
            name: format!("load {}", certhold_domain::hex(&random[..4])),
            display_name: String::new(),
            email: None,
            password: None,
            uuid: uuid(),
        };
        let (hash, now) = (Credential::hash_of(&text), now());
        self.store()?.write_blocking(move |tx| {
            let principal = people::create(tx, &operator(), &account, now)?;
            for team in &teams {
                roles::assign(tx, &operator(), *team, principal, now)?;
            }
            let (name, hint, scopes) = ("load".to_owned(), "cht_".to_owned(), vec!["/".to_owned()]);
            people::create_token(tx, &operator(), &NewToken { principal, name, hash, hint, scopes, expires_at: None }, now)
        })?;
        Ok(text)
    }
}

/// A directory that is gone when dropped.
pub fn temporary(directory: Option<&Path>) -> Result<TempDir> {
    let parent = directory.map_or_else(std::env::temp_dir, Path::to_owned);
    tempfile::Builder::new().prefix("certhold-bench-").tempdir_in(&parent).with_context(|| parent.display().to_string())
}
