//! Rotating the master key.

use std::sync::{Arc, Mutex};

use certhold_domain::access::paths;
use certhold_domain::custody::rekey::{self, Step};
use certhold_domain::custody::{self, Custody, KeyKeeper, KeyMark, KeyState, MasterKey, SealedRow, SecretKind};
use certhold_domain::jobs::{self, JobKind, Lease};
use certhold_domain::{Actor, Error, Face, Refusal, Result, SecretId};
use certhold_store::params;

use super::world::World;

/// A key file in memory, which several nodes may share.
#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<MasterKey>>>);

impl KeyKeeper for File {
    fn read(&self) -> Result<Vec<MasterKey>> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn keep(&self, key: &MasterKey) -> Result<()> {
        self.0.lock().unwrap().push(key.clone());
        Ok(())
    }

    fn forget(&self, number: i64) -> Result<()> {
        self.0.lock().unwrap().retain(|key| key.number() != number);
        Ok(())
    }
}

fn worker() -> Actor {
    Actor::system(Face::Worker, "worker")
}

fn announce(world: &World, node: &'static str, custody: &Custody) {
    let (held, sealing) = (custody.marks(), custody.sealing());
    let known = world.write(move |tx, now| rekey::announce(tx, node, &held, sealing, now)).unwrap();
    custody.follow(&known).unwrap();
}

fn claim(world: &World, number: i64, holder: &'static str) -> Lease {
    let claimed = world.write(move |tx, now| jobs::claim_one(tx, JobKind::Rekey, number, holder, now)).unwrap();
    claimed.expect("the rotation's job")
}

fn load(world: &World, id: SecretId) -> SealedRow {
    world.read(move |tx| custody::load(tx, id)).unwrap()
}

/// One chunk; whether there was any.
fn chunk(world: &World, custody: &Custody, lease: Lease) -> bool {
    let rows = world.read(move |tx| rekey::chunk(tx, lease.object)).unwrap();
    let any = !rows.is_empty();
    let wrapped = rekey::rewrap(custody, &world.entropy, rows, lease.object).unwrap();
    world.write(move |tx, _| rekey::record(tx, &lease, &wrapped)).unwrap();
    any
}

pub fn a_master_key_rotates_step_by_step(world: &World) {
    let (here, there) = (File::default(), File::default());
    let first = MasterKey::generate_numbered(1, &world.entropy);
    // The world's own key is another; this story begins anew.
    world.tamper("DELETE FROM master_key");
    here.keep(&first).unwrap();
    there.keep(&first).unwrap();
    let one = Arc::new(Custody::with_keeper(vec![first.clone()], Box::new(here.clone())).unwrap());
    let other = Custody::with_keeper(vec![first.clone()], Box::new(there.clone())).unwrap();
    let adopting = one.clone();
    world.write(move |tx, now| custody::adopt(tx, &adopting, now)).unwrap();

    let sealed: Vec<_> = (0..600)
        .map(|number| one.seal(&world.entropy, SecretKind::DnsCredentials, format!("secret {number}").as_bytes()).unwrap())
        .collect();
    let late = one.seal(&world.entropy, SecretKind::DnsCredentials, b"late").unwrap();
    let kept = sealed.clone();
    let ids = world.write(move |tx, now| kept.iter().map(|one| custody::put(tx, one, now)).collect::<Result<Vec<_>>>()).unwrap();
    let before: Vec<SealedRow> = ids.iter().map(|id| load(world, *id)).collect();
    let ciphertexts =
        || world.read(|tx| Ok(tx.rows("SELECT ciphertext FROM secret ORDER BY id", params![], |row| row.get::<Vec<u8>>(0))?));
    let values = ciphertexts().unwrap();

    announce(world, "one", &one);
    announce(world, "other", &other);
    let nobody = world.somebody("nobody", &[world.role("Readers", &[paths::SYSTEM_READ])]);
    let looking = nobody.clone();
    let refusal = world.refused(move |tx, _| rekey::may_begin(tx, &looking));
    assert_eq!(refusal, Refusal::Forbidden { reason: String::new(), missing: vec![paths::SYSTEM_MODIFY.into()] });
    let local = Actor::local("story");
    let author = local.clone();
    let highest = world.read(move |tx| rekey::may_begin(tx, &author)).unwrap();
    let next = one.next_key(&world.entropy, highest).unwrap();
    assert_eq!((highest, next.number, one.held(), one.sealing()), (1, 2, vec![1, 2], 1), "made and kept, not yet used");
    assert_eq!(one.next_key(&world.entropy, highest).unwrap(), next, "after a crash the kept one is taken, not a third one");
    let (author, mark) = (local.clone(), next.clone());
    world.write(move |tx, now| rekey::begin(tx, &author, &mark, now)).unwrap();
    let author = local.clone();
    assert!(matches!(world.refused(move |tx, _| rekey::may_begin(tx, &author)), Refusal::Conflict(_)), "one at a time");

    // The other node does not hold the key yet.
    let lease = claim(world, 2, "one");
    announce(world, "one", &one);
    let activate = move |lease: Lease| world.write(move |tx, now| rekey::activate(tx, &worker(), &lease, now)).unwrap();
    assert_eq!(activate(lease), Step::WaitsFor(vec!["other".into()]));
    assert_eq!(one.sealing(), 1);
    // A wrong key under the number is not taken.
    there.keep(&MasterKey::generate_numbered(2, &world.entropy)).unwrap();
    announce(world, "other", &other);
    assert_eq!(other.held(), [1]);
    there.forget(2).unwrap();
    there.keep(&here.read().unwrap()[1]).unwrap();
    announce(world, "other", &other);
    announce(world, "other", &other);
    assert_eq!(activate(lease), Step::Ready);
    announce(world, "one", &one);
    assert_eq!((one.sealing(), other.sealing()), (2, 1));

    // A worker that is killed after a chunk; another goes on.
    assert!(chunk(world, &one, lease));
    let rows = world.read(move |tx| rekey::chunk(tx, 2)).unwrap();
    let wrapped = rekey::rewrap(&one, &world.entropy, rows, 2).unwrap();
    world.pass(certhold_domain::limits::LEASE_MS + 1);
    announce(world, "other", &other);
    announce(world, "one", &one);
    let again = claim(world, 2, "other");
    let lost = wrapped.clone();
    assert_eq!(world.refused(move |tx, _| rekey::record(tx, &lease, &lost)), Refusal::LeaseLost(lease.job.0));
    while chunk(world, &one, again) {}
    // What another node wrapped meanwhile is left alone.
    world.write(move |tx, _| rekey::record(tx, &again, &wrapped)).unwrap();
    announce(world, "other", &other);
    assert_eq!(world.write(move |tx, now| rekey::finish(tx, &worker(), &again, now)).unwrap(), Step::Ready);

    assert_eq!(ciphertexts().unwrap(), values, "the values stay as they are");
    let second = here.read().unwrap().remove(1);
    let new_only = Custody::with_keeper(vec![second], Box::new(File::default())).unwrap();
    let old_only = Custody::new(first);
    for (number, (id, old)) in ids.iter().zip(&before).enumerate() {
        let row = load(world, *id);
        let plain = new_only.open(&row, SecretKind::DnsCredentials).unwrap();
        assert_eq!(plain.as_slice(), format!("secret {number}").as_bytes());
        assert!(old_only.open(&row, SecretKind::DnsCredentials).is_err(), "the old key opens nothing new");
        assert!(old_only.open(old, SecretKind::DnsCredentials).is_ok(), "a copy made before opens with the old key");
        assert!(new_only.open(old, SecretKind::DnsCredentials).is_err(), "and with that only");
    }
    let checking = one.clone();
    assert_eq!(world.read(move |tx| custody::check_seals(tx, &checking)).unwrap(), 600);

    // What a slow node sealed under the old key is wrapped by a further job.
    let slow = late.clone();
    let id = world.write(move |tx, now| custody::put(tx, &slow, now)).unwrap();
    let author = local.clone();
    assert!(matches!(world.refused(move |tx, now| rekey::forget(tx, &author, 1, now)), Refusal::Conflict(_)), "still in use");
    announce(world, "one", &one);
    let lease = claim(world, 2, "one");
    assert_eq!(activate(lease), Step::Ready);
    assert!(chunk(world, &one, lease));
    assert_eq!(world.write(move |tx, now| rekey::finish(tx, &worker(), &lease, now)).unwrap(), Step::Ready);
    assert_eq!(new_only.open(&load(world, id), SecretKind::DnsCredentials).unwrap().as_slice(), b"late");

    let looking = local.clone();
    let now = world.now();
    let status = world.read(move |tx| rekey::status(tx, &looking, now)).unwrap();
    let states: Vec<_> = status.keys.iter().map(|one| (one.key.number, one.key.state, one.secrets)).collect();
    assert_eq!(states, [(1, KeyState::Retired, 0), (2, KeyState::Current, 601)]);
    assert_eq!((status.nodes.len(), status.running), (2, None));

    let author = local.clone();
    assert!(matches!(world.refused(move |tx, now| rekey::forget(tx, &author, 2, now)), Refusal::Conflict(_)), "the current one");
    let author = local.clone();
    assert!(matches!(world.refused(move |tx, now| rekey::forget(tx, &author, 9, now)), Refusal::NotFound { .. }));
    let author = nobody;
    assert!(matches!(world.refused(move |tx, now| rekey::forget(tx, &author, 1, now)), Refusal::Forbidden { .. }));
    world.write(move |tx, now| rekey::forget(tx, &local, 1, now)).unwrap();
    announce(world, "one", &one);
    assert_eq!((one.held(), here.read().unwrap().len()), (vec![2], 1), "gone from memory and file");
    let lost = world.write(move |tx, now| custody::put(tx, &late, now));
    assert!(matches!(lost, Err(Error::Refused(Refusal::Conflict(_)))), "nobody could open it");
    let returning = Arc::new(old_only);
    let refusal = world.write(move |tx, now| custody::adopt(tx, &returning, now)).unwrap_err().to_string();
    assert!(refusal.contains("master key 2 is not at hand"), "{refusal}");
    world.write(|tx, _| rekey::leave(tx, "other")).unwrap();
    assert_eq!(world.read(move |tx| rekey::nodes(tx, now)).unwrap().len(), 1);
    assert!(world.intact().intact());

    let stale = KeyMark { number: 2, check_value: [0; 32] };
    let author = Actor::local("story");
    assert!(matches!(world.refused(move |tx, now| rekey::begin(tx, &author, &stale, now)), Refusal::Conflict(_)));
}

/// One chance at a rotation for two nodes that make a key each: nobody seals under the one that the database does not know.
pub fn two_nodes_that_begin_at_once_end_with_one_key(world: &World) {
    let first = MasterKey::generate_numbered(1, &world.entropy);
    // The world's own key is another; this story begins anew.
    world.tamper("DELETE FROM master_key");
    let node = || {
        let file = File::default();
        file.keep(&first).unwrap();
        (Arc::new(Custody::with_keeper(vec![first.clone()], Box::new(file.clone())).unwrap()), file)
    };
    let ((one, here), (other, there)) = (node(), node());
    let adopting = one.clone();
    world.write(move |tx, now| custody::adopt(tx, &adopting, now)).unwrap();
    announce(world, "one", &one);
    announce(world, "other", &other);
    let mine = one.next_key(&world.entropy, 1).unwrap();
    let theirs = other.next_key(&world.entropy, 1).unwrap();
    assert_eq!((mine.number, theirs.number), (2, 2));
    assert_ne!(mine, theirs, "each made one");
    let begun = mine.clone();
    world.write(move |tx, now| rekey::begin(tx, &Actor::local("story"), &begun, now)).unwrap();
    let late = theirs.clone();
    let refusal = world.refused(move |tx, now| rekey::begin(tx, &Actor::local("story"), &late, now));
    assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");

    announce(world, "one", &one);
    announce(world, "other", &other);
    assert_eq!((other.held(), other.sealing()), (vec![1], 1), "the key that nobody knows is let go of");
    let lease = claim(world, 2, "one");
    let activate = || world.write(move |tx, now| rekey::activate(tx, &worker(), &lease, now)).unwrap();
    assert_eq!(activate(), Step::WaitsFor(vec!["other".into()]), "the number alone does not count");
    // It starts again with both in its file, and goes on waiting.
    let again = Arc::new(Custody::with_keeper(there.read().unwrap(), Box::new(there.clone())).unwrap());
    let adopting = again.clone();
    world.write(move |tx, now| custody::adopt(tx, &adopting, now)).unwrap();
    announce(world, "other", &again);
    assert_eq!((again.held(), again.sealing()), (vec![1], 1));
    assert_eq!(activate(), Step::WaitsFor(vec!["other".into()]));

    // Somebody carries the file over.
    *there.0.lock().unwrap() = here.read().unwrap();
    announce(world, "other", &again);
    announce(world, "other", &again);
    assert_eq!(activate(), Step::Ready);
    announce(world, "one", &one);
    announce(world, "other", &again);
    assert_eq!((one.marks(), one.sealing()), (again.marks(), again.sealing()));
    let sealed = again.seal(&world.entropy, SecretKind::DnsCredentials, b"of the other").unwrap();
    let id = world.write(move |tx, now| custody::put(tx, &sealed, now)).unwrap();
    let row = load(world, id);
    assert_eq!(one.open(&row, SecretKind::DnsCredentials).unwrap().as_slice(), b"of the other");
    let restarted = Custody::with_keeper(here.read().unwrap(), Box::new(here)).unwrap();
    assert!(restarted.open(&row, SecretKind::DnsCredentials).is_ok(), "and a restart finds the key");
    // A wrong key under the current number is no key of this database.
    let wrong = vec![first, MasterKey::generate_numbered(2, &world.entropy)];
    let wrong = Arc::new(Custody::with_keeper(wrong, Box::new(File::default())).unwrap());
    let refusal = world.write(move |tx, now| custody::adopt(tx, &wrong, now)).unwrap_err().to_string();
    assert!(refusal.contains("not the one this database was sealed with"), "{refusal}");
}
