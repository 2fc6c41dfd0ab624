//! A small Certhold without HTTP: a store, custody, a clock that the story moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use certhold_domain::access::roles::{self, RoleCommand};
use certhold_domain::custody::{self, Custody, MasterKey};
use certhold_domain::inventory::{Candidate, ImportBatch, ImportItem, Outcome};
use certhold_domain::people::{self, NewPrincipal, PrincipalKind};
use certhold_domain::{
    Actor, CertificateId, Entropy, Error, Face, MIGRATIONS, PrincipalId, Refusal, Result, RoleId, access, events, inventory,
};
use certhold_store::{Options, Store, Tx, params};
use certhold_tests::postgres::{Database, engines};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};

/// 2026-11-22T00:00:00Z: when stories begin.
pub const START: i64 = 1_795_305_600_000;
pub const DAY: i64 = 86_400_000;

/// Different bytes every time, the same in every run.
pub struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let next = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            *byte = (next >> 56) as u8;
        }
    }
}

pub struct World {
    pub store: Store,
    pub custody: Arc<Custody>,
    pub entropy: Counting,
    now: AtomicI64,
    _database: Database,
}

impl World {
    pub fn on_every_engine(story: fn(&World)) {
        for database in engines() {
            let world = World::open(database);
            story(&world);
            super::fields::are_documented(&world);
        }
    }

    pub fn open(database: Database) -> World {
        let location = database.location().parse().unwrap();
        let options = Options { record_sql: true, ..Options::default() };
        let store = Store::open(&location, MIGRATIONS, options).unwrap();
        let entropy = Counting(AtomicU64::new(1));
        let custody = Arc::new(Custody::new(MasterKey::generate(&entropy)));
        let uuids = [uuid(&entropy), uuid(&entropy)];
        store.write_blocking(move |tx| certhold_domain::prepare(tx, &uuids, START)).unwrap();
        let adopting = custody.clone();
        store.write_blocking(move |tx| custody::adopt(tx, &adopting, START)).unwrap();
        World { store, custody, entropy, now: AtomicI64::new(START), _database: database }
    }

    pub fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    pub fn pass(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::Relaxed);
    }

    pub fn read<T: Send + 'static>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        self.store.read_blocking(work)
    }

    /// Runs an operation with the story's time.
    pub fn write<T: Send + 'static>(&self, work: impl Fn(&mut Tx<'_>, i64) -> Result<T> + Send + 'static) -> Result<T> {
        let now = self.now();
        self.store.write_blocking(move |tx| work(tx, now))
    }

    /// Changes the database behind the product's back.
    pub fn tamper(&self, sql: &'static str) {
        let changed = self.store.write_blocking(move |tx| Ok::<_, Error>(tx.execute(sql, params![])?)).unwrap();
        assert!(changed > 0, "{sql} changed nothing");
    }

    pub fn events(&self) -> i64 {
        self.read(|tx| Ok(tx.one("SELECT count(*) FROM event", params![], |row| row.get(0))?.unwrap())).unwrap()
    }

    /// Asserts that this is refused and leaves nothing behind.
    pub fn refused<T: Send + 'static>(&self, work: impl Fn(&mut Tx<'_>, i64) -> Result<T> + Send + 'static) -> Refusal {
        let before = self.events();
        let refusal = match self.write(work) {
            Ok(_) => panic!("was not refused"),
            Err(Error::Refused(refusal)) => refusal,
            Err(Error::Fault(fault)) => panic!("a fault instead of a refusal: {fault}"),
        };
        assert_eq!(self.events(), before, "a refused operation left an event");
        refusal
    }

    /// A service account that holds the given roles, as it would come out of its credentials.
    pub fn somebody(&self, name: &str, roles: &[RoleId]) -> Actor {
        let id = self.principal(name, PrincipalKind::Service, None);
        for role in roles {
            let role = *role;
            self.write(move |tx, now| roles::assign(tx, &Actor::local("story"), role, id, now)).unwrap();
        }
        self.actor(id, name)
    }

    pub fn actor(&self, id: PrincipalId, name: &str) -> Actor {
        let held = self.read(move |tx| access::of_principal(tx, id)).unwrap();
        let anonymous = Actor::anonymous(Face::Native, name, "request-1", "192.0.2.7");
        Actor { kind: certhold_domain::ActorKind::Service, id: Some(id), access: Arc::new(held), ..anonymous }
    }

    pub fn principal(&self, name: &str, kind: PrincipalKind, password: Option<&str>) -> PrincipalId {
        let password = password.map(|text| people::Password::from(text.to_owned()).hash(&self.entropy).unwrap());
        let command = NewPrincipal {
            kind,
            name: name.into(),
            display_name: String::new(),
            email: None,
            password,
            uuid: uuid(&self.entropy),
        };
        self.write(move |tx, now| people::create(tx, &Actor::local("story"), &command, now)).unwrap()
    }

    pub fn role(&self, name: &str, permissions: &[&str]) -> RoleId {
        let command = RoleCommand {
            name: name.into(),
            permissions: permissions.iter().map(|path| (*path).to_owned()).collect(),
            ..RoleCommand::default()
        };
        self.write(move |tx, now| roles::create(tx, &Actor::local("story"), &command, now)).unwrap()
    }

    pub fn uuid(&self) -> uuid::Uuid {
        uuid(&self.entropy)
    }

    /// Puts a certificate for these names into the inventory.
    pub fn certificate(&self, names: &[&str], owner: Option<RoleId>) -> CertificateId {
        let der = issue(&KeyPair::generate().unwrap(), names, START - 30 * DAY, START + 60 * DAY);
        match self.import(&[der], owner).unwrap().remove(0).outcome {
            Outcome::Imported(id) | Outcome::AlreadyHeld(id) => id,
            Outcome::Excluded => panic!("it is excluded"),
        }
    }

    pub fn import(&self, ders: &[Vec<u8>], owner: Option<RoleId>) -> Result<Vec<ImportItem>> {
        let certificates = ders.iter().map(|der| Candidate::of(der).unwrap()).collect();
        let batch = ImportBatch { certificates, keys: Vec::new(), owner, source: "story".into(), metadata: Vec::new() };
        self.write(move |tx, now| inventory::import(tx, &Actor::local("story"), &batch, now))
    }

    pub fn intact(&self) -> events::Verification {
        self.read(|tx| events::verify(tx, &events::Trust::default())).unwrap()
    }
}

fn uuid(entropy: &dyn Entropy) -> uuid::Uuid {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// A real, self-signed certificate.
pub fn issue(key: &KeyPair, names: &[&str], not_before: i64, not_after: i64) -> Vec<u8> {
    let mut parameters = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, names[0]);
    let at = |ms: i64| (std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms as u64)).into();
    parameters.not_before = at(not_before);
    parameters.not_after = at(not_after);
    parameters.self_signed(key).unwrap().der().to_vec()
}

pub fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}
