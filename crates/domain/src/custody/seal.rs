//! Envelope encryption.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::master::{self, MasterKey};
use super::rekey::{KeyMark, KeyRow, KeyState, WrappedRow};
use crate::core::Entropy;
use crate::error::{Error, Fault, Refusal, Result};

/// What a secret is; part of what its seal binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// A PKCS#8 private key.
    PrivateKey,
    /// Credentials of a DNS provider, JSON.
    DnsCredentials,
    /// The account at an ACME authority, JSON.
    AcmeAccount,
    /// The key of an external account binding (RFC 8555 §7.3.4).
    ExternalAccount,
    /// The key that signs the heads of the event chain, PKCS#8.
    HeadKey,
    /// The password of a certificate store.
    StorePassword,
}

impl SecretKind {
    /// The name kept beside the secret.
    pub fn name(self) -> &'static str {
        match self {
            SecretKind::PrivateKey => "private_key",
            SecretKind::DnsCredentials => "dns_credentials",
            SecretKind::AcmeAccount => "acme_account",
            SecretKind::ExternalAccount => "external_account",
            SecretKind::HeadKey => "head_key",
            SecretKind::StorePassword => "store_password",
        }
    }
}

/// A value sealed and ready to be kept.
#[derive(Clone)]
pub struct Sealed {
    pub(super) uuid: Uuid,
    pub(super) kind: SecretKind,
    pub(super) master: i64,
    pub(super) wrapped_key: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
}

/// A sealed value as read from the database.
#[derive(Clone)]
pub struct SealedRow {
    pub(super) uuid: String,
    pub(super) kind: String,
    pub(super) master: i64,
    pub(super) wrapped_key: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
}

impl From<Sealed> for SealedRow {
    fn from(sealed: Sealed) -> SealedRow {
        let Sealed { uuid, kind, master, wrapped_key, ciphertext } = sealed;
        SealedRow { uuid: uuid.to_string(), kind: kind.name().to_owned(), master, wrapped_key, ciphertext }
    }
}

/// Holds the master keys; seals with the current one and opens with whichever a value was sealed under.
pub struct Custody {
    ring: RwLock<Ring>,
    keeper: Option<Box<dyn KeyKeeper>>,
    /// Held while keys are read and written where they are kept: of two rotations that begin at once, the second takes the key
    /// that the first one has made.
    keeping: Mutex<()>,
}

/// Where master keys are kept outside the database. [`Custody`] calls one of these at a time.
pub trait KeyKeeper: Send + Sync {
    /// The keys that are there now.
    fn read(&self) -> Result<Vec<MasterKey>>;

    /// Keeps a key beside the others, in place of one of its number: durably, it is on disk, for its owner only, when this
    /// returns.
    fn keep(&self, key: &MasterKey) -> Result<()>;

    /// Removes a key for good.
    fn forget(&self, number: i64) -> Result<()>;
}

struct Ring {
    keys: BTreeMap<i64, MasterKey>,
    sealing: i64,
    /// Keys that a restart would not find: nobody may rely on them.
    unkept: BTreeSet<i64>,
}

const NONCE_BYTES: usize = 12;
const KEY_BYTES: usize = 32;

impl Custody {
    /// Custody under this master key.
    pub fn new(master: MasterKey) -> Custody {
        Custody { ring: RwLock::new(Ring::of(vec![master])), keeper: None, keeping: Mutex::new(()) }
    }

    /// Custody under these master keys, of which [`adopt`](super::adopt) finds out which is current; further ones are looked
    /// for, and kept, at `keeper`.
    pub fn with_keeper(keys: Vec<MasterKey>, keeper: Box<dyn KeyKeeper>) -> Result<Custody> {
        if keys.is_empty() {
            return Err(damaged("there is no master key".into()));
        }
        Ok(Custody { ring: RwLock::new(Ring::of(keys)), keeper: Some(keeper), keeping: Mutex::new(()) })
    }

    /// The number of the key that new values are sealed under.
    pub fn sealing(&self) -> i64 {
        self.ring().sealing
    }

    /// The numbers of the keys at hand.
    pub fn held(&self) -> Vec<i64> {
        self.ring().keys.keys().copied().collect()
    }

    /// The keys at hand that a restart will find again: what this node announces.
    pub fn marks(&self) -> Vec<KeyMark> {
        let ring = self.ring();
        ring.keys.values().filter(|key| !ring.unkept.contains(&key.number())).map(MasterKey::mark).collect()
    }

    pub(super) fn key(&self, number: i64) -> Option<MasterKey> {
        self.ring().keys.get(&number).cloned()
    }

    pub(super) fn sealing_key(&self) -> MasterKey {
        let ring = self.ring();
        // The key for sealing is in the ring from the first moment on, and is never taken out of it.
        ring.keys
            .get(&ring.sealing)
            .or_else(|| ring.keys.values().next())
            .cloned()
            .unwrap_or_else(|| unreachable!("an empty ring"))
    }

    /// Follows what the database says of its keys: seals under the current one, and lets go of forgotten ones and of those that
    /// only share a number with a key of the database. Keys that are not at hand are looked for where they are kept.
    ///
    /// What fails is tried again by the next call: a forgotten key leaves memory only after it has left its place.
    pub fn follow(&self, known: &[KeyRow]) -> Result<()> {
        self.use_known(known);
        if let Some(keeper) = &self.keeper {
            let _alone = self.keep_alone();
            self.take(keeper.as_ref(), known)?;
        }
        self.use_known(known);
        self.let_go(known)
    }

    /// Takes what is missing from where it is kept, and sees that the next key is there before anything is sealed under it.
    fn take(&self, keeper: &dyn KeyKeeper, known: &[KeyRow]) -> Result<()> {
        let missing = |row: &KeyRow| row.state != KeyState::Forgotten && self.key(row.number).is_none();
        if !known.iter().any(|row| row.state == KeyState::Pending || missing(row)) {
            return Ok(());
        }
        for key in keeper.read()? {
            if known.iter().any(|row| row.is(&key)) {
                self.write_ring().keys.entry(key.number()).or_insert(key);
            }
        }
        for row in known.iter().filter(|row| row.state == KeyState::Pending) {
            let Some(key) = self.key(row.number).filter(|key| row.is(key)) else { continue };
            let kept = keep_durably(keeper, &key);
            let mut ring = self.write_ring();
            let _ = if kept.is_ok() { ring.unkept.remove(&row.number) } else { ring.unkept.insert(row.number) };
            kept?;
        }
        Ok(())
    }

    fn let_go(&self, known: &[KeyRow]) -> Result<()> {
        // A node that does not hold the current key yet keeps what it has.
        let (held, sealing) = (self.held(), self.sealing());
        let forgotten = known.iter().filter(|row| row.state == KeyState::Forgotten).map(|row| row.number);
        let forgotten: Vec<i64> = forgotten.filter(|number| *number != sealing && held.contains(number)).collect();
        if let Some(keeper) = self.keeper.as_ref().filter(|_| !forgotten.is_empty()) {
            let _alone = self.keep_alone();
            // Whatever happened to that place: what is left there opens what is in the database.
            keep_durably(keeper.as_ref(), &self.sealing_key())?;
            for number in &forgotten {
                keeper.forget(*number)?;
                self.write_ring().keys.remove(number);
            }
        }
        let mut ring = self.write_ring();
        ring.keys.retain(|number, _| !forgotten.contains(number));
        Ok(())
    }

    /// Seals under the current key, if that very key is at hand. A key under the number of another one is let go of: two nodes
    /// may have made one each at the same time, and the database knows one of them.
    pub(super) fn use_known(&self, known: &[KeyRow]) {
        let mut ring = self.write_ring();
        let current = known.iter().find(|row| row.state == KeyState::Current);
        if let Some(current) = current.filter(|row| ring.keys.get(&row.number).is_some_and(|key| row.is(key))) {
            ring.sealing = current.number;
        }
        let sealing = ring.sealing;
        let known = |key: &MasterKey| known.iter().find(|row| row.number == key.number()).is_none_or(|row| row.is(key));
        ring.keys.retain(|number, key| *number == sealing || known(key));
    }

    /// The key to rotate to: one that is kept already (also by a rotation that a crash interrupted, or that begins at the same
    /// time), or a fresh one, kept durably and read back before this returns. `highest` is the highest number that the database
    /// knows.
    pub fn next_key(&self, entropy: &dyn Entropy, highest: i64) -> Result<KeyMark> {
        let Some(keeper) = &self.keeper else {
            return Err(Refusal::Conflict("this custody keeps no key file, so it cannot make a key".into()).into());
        };
        let _alone = self.keep_alone();
        let kept = keeper.read()?;
        let waiting = kept.iter().filter(|key| key.number() > highest).min_by_key(|key| key.number());
        let key = match waiting {
            Some(key) => key.clone(),
            None => {
                master::require_room(kept.len())?;
                let number = highest + 1;
                let key = self.key(number).unwrap_or_else(|| MasterKey::generate_numbered(number, entropy));
                keep_durably(keeper.as_ref(), &key)?;
                key
            }
        };
        let mark = key.mark();
        // Never in place of another one: what was sealed under that one would be lost.
        let held = self.write_ring().keys.entry(mark.number).or_insert(key).mark();
        if held != mark {
            let sentence = format!(
                "where the master keys are kept there is another key {} than this server holds: put the right one there, and restart",
                mark.number
            );
            return Err(Refusal::Conflict(sentence).into());
        }
        Ok(mark)
    }

    fn keep_alone(&self) -> MutexGuard<'_, ()> {
        self.keeping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_ring(&self) -> RwLockWriteGuard<'_, Ring> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals a value under a fresh data key.
    pub fn seal(&self, entropy: &dyn Entropy, kind: SecretKind, plain: &[u8]) -> Result<Sealed> {
        let mut identity = [0; 16];
        entropy.fill(&mut identity);
        let uuid = uuid::Builder::from_random_bytes(identity).into_uuid();
        let mut data_key = Zeroizing::new([0; KEY_BYTES]);
        entropy.fill(data_key.as_mut());
        let bound = associated(&uuid.to_string(), kind.name());
        let master = self.sealing_key();
        Ok(Sealed {
            kind,
            master: master.number(),
            wrapped_key: encrypt(entropy, master.bytes(), &[b"key\0", bound.as_slice()].concat(), data_key.as_ref())?,
            ciphertext: encrypt(entropy, data_key.as_ref(), &[b"value\0", bound.as_slice()].concat(), plain)?,
            uuid,
        })
    }

    /// Opens a sealed value; fails when it is not exactly what was sealed as this kind in this row.
    pub fn open(&self, row: &SealedRow, kind: SecretKind) -> Result<Zeroizing<Vec<u8>>> {
        if row.kind != kind.name() {
            return Err(damaged(format!("secret {} is a {}, not a {}", row.uuid, row.kind, kind.name())));
        }
        let data_key = self.data_key(&row.uuid, &row.kind, row.master, &row.wrapped_key)?;
        let bound = associated(&row.uuid, &row.kind);
        decrypt(&data_key, &[b"value\0", bound.as_slice()].concat(), &row.ciphertext)
            .ok_or_else(|| damaged(format!("secret {} does not open: its row was changed", row.uuid)))
    }

    /// Whether a sealed value opens, whatever its kind: for checks of a whole database or backup.
    pub fn opens(&self, row: &SealedRow) -> Result<()> {
        let data_key = self.data_key(&row.uuid, &row.kind, row.master, &row.wrapped_key)?;
        let bound = associated(&row.uuid, &row.kind);
        let plain = decrypt(&data_key, &[b"value\0", bound.as_slice()].concat(), &row.ciphertext);
        plain.map(drop).ok_or_else(|| damaged(format!("secret {} does not open: its row was changed", row.uuid)))
    }

    /// The data key of a sealed value, wrapped anew under another master key. The value itself stays as it is.
    pub(super) fn rewrap(&self, entropy: &dyn Entropy, row: &WrappedRow, to: i64) -> Result<Vec<u8>> {
        let data_key = self.data_key(&row.uuid, &row.kind, row.master, &row.wrapped_key)?;
        let master = self.key(to).ok_or_else(|| damaged(format!("master key {to} is not at hand")))?;
        let bound = associated(&row.uuid, &row.kind);
        encrypt(entropy, master.bytes(), &[b"key\0", bound.as_slice()].concat(), &data_key)
    }

    fn data_key(&self, uuid: &str, kind: &str, master: i64, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let Some(master) = self.key(master) else {
            return Err(damaged(format!("secret {uuid} is sealed under master key {master}, which is not at hand")));
        };
        let bound = associated(uuid, kind);
        decrypt(master.bytes(), &[b"key\0", bound.as_slice()].concat(), wrapped)
            .ok_or_else(|| damaged(format!("secret {uuid} does not open: wrong master key, or its row was changed")))
    }
}

impl Ring {
    fn of(keys: Vec<MasterKey>) -> Ring {
        let sealing = keys.iter().map(MasterKey::number).min().unwrap_or(1);
        Ring { keys: keys.into_iter().map(|key| (key.number(), key)).collect(), sealing, unkept: BTreeSet::new() }
    }
}

/// Sees that a key is where a restart looks for it, and that it is this very key.
fn keep_durably(keeper: &dyn KeyKeeper, key: &MasterKey) -> Result<()> {
    let mark = key.mark();
    let is_kept = || Ok::<_, Error>(keeper.read()?.iter().any(|kept| kept.mark() == mark));
    if is_kept()? {
        return Ok(());
    }
    keeper.keep(key)?;
    match is_kept()? {
        true => Ok(()),
        false => Err(damaged(format!("master key {} was written to where it is kept, and is not there", mark.number))),
    }
}

fn damaged(message: String) -> Error {
    Error::Fault(Fault::Custody(message))
}

fn associated(uuid: &str, kind: &str) -> Vec<u8> {
    format!("certhold sealed 1\0{uuid}\0{kind}").into_bytes()
}

/// `nonce || ciphertext || tag`. A random nonce is safe here: a data key seals once, and a master key wraps far fewer than
/// 2^32 data keys (NIST SP 800-38D §8.3).
fn encrypt(entropy: &dyn Entropy, key: &[u8], bound: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let mut nonce = [0; NONCE_BYTES];
    entropy.fill(&mut nonce);
    let mut out = Vec::with_capacity(NONCE_BYTES + plain.len() + 16);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(plain);
    let sealed = cipher(key).and_then(|cipher| {
        let nonce = Nonce::assume_unique_for_key(nonce);
        cipher.seal_in_place_separate_tag(nonce, Aad::from(bound), &mut out[NONCE_BYTES..]).ok()
    });
    let tag = sealed.ok_or_else(|| damaged("a value could not be sealed".into()))?;
    out.extend_from_slice(tag.as_ref());
    Ok(out)
}

fn decrypt(key: &[u8], bound: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_BYTES)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut body = Zeroizing::new(body.to_vec());
    let length = cipher(key)?.open_in_place(nonce, Aad::from(bound), &mut body).ok()?.len();
    body.truncate(length);
    Some(body)
}

fn cipher(key: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier};
    use std::time::Duration;

    use super::*;
    use crate::testing::SeededEntropy;

    /// A key file in memory that takes its time, counts who is at it, and can be made to fail.
    #[derive(Clone, Default)]
    struct Slow {
        keys: Arc<Mutex<Vec<MasterKey>>>,
        inside: Arc<AtomicUsize>,
        together: Arc<AtomicUsize>,
        failing: Arc<AtomicUsize>,
    }

    impl Slow {
        fn slowly<T>(&self, work: impl FnOnce(&mut Vec<MasterKey>) -> T) -> T {
            let others = self.inside.fetch_add(1, Ordering::SeqCst);
            self.together.fetch_max(others, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(10));
            let out = work(&mut self.keys.lock().unwrap());
            self.inside.fetch_sub(1, Ordering::SeqCst);
            out
        }

        fn marks(&self) -> Vec<KeyMark> {
            self.keys.lock().unwrap().iter().map(MasterKey::mark).collect()
        }
    }

    impl KeyKeeper for Slow {
        fn read(&self) -> Result<Vec<MasterKey>> {
            Ok(self.slowly(|keys| keys.clone()))
        }

        fn keep(&self, key: &MasterKey) -> Result<()> {
            if self.failing.load(Ordering::SeqCst) > 0 {
                return Err(damaged("the disk is full".into()));
            }
            self.slowly(|keys| {
                keys.retain(|kept| kept.number() != key.number());
                keys.push(key.clone());
            });
            Ok(())
        }

        fn forget(&self, number: i64) -> Result<()> {
            if self.failing.load(Ordering::SeqCst) > 0 {
                return Err(damaged("the disk is full".into()));
            }
            self.slowly(|keys| keys.retain(|key| key.number() != number));
            Ok(())
        }
    }

    /// Custody of this key with its file.
    fn keeping(first: &MasterKey) -> (Arc<Custody>, Slow) {
        let file = Slow::default();
        file.keys.lock().unwrap().push(first.clone());
        (Arc::new(Custody::with_keeper(vec![first.clone()], Box::new(file.clone())).unwrap()), file)
    }

    fn known(key: &MasterKey, state: KeyState) -> KeyRow {
        KeyRow { number: key.number(), check_value: key.check_value().to_vec(), state, created_at: 0 }
    }

    fn numbered(number: i64, byte: u8) -> MasterKey {
        MasterKey::new(number, Zeroizing::new([byte; 32]))
    }

    #[test]
    fn rotations_that_begin_at_once_take_one_key() {
        let first = numbered(1, 1);
        let (custody, file) = keeping(&first);
        let barrier = Arc::new(Barrier::new(4));
        let threads: Vec<_> = (0..4)
            .map(|seed| {
                let (custody, barrier) = (custody.clone(), barrier.clone());
                std::thread::spawn(move || {
                    barrier.wait();
                    custody.next_key(&SeededEntropy::new(seed), 1).unwrap()
                })
            })
            .collect();
        let made: Vec<KeyMark> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(file.marks(), [first.mark(), made[0].clone()], "one key was made, and it is kept");
        assert!(made.iter().all(|mark| *mark == made[0]), "{made:?}");
        assert_eq!(file.together.load(Ordering::SeqCst), 0, "one at a time");
        assert_eq!(custody.marks(), file.marks());
    }

    #[test]
    fn a_key_that_only_shares_a_number_is_never_sealed_with() {
        let (first, ours, theirs) = (numbered(1, 1), numbered(2, 2), numbered(2, 3));
        let (custody, file) = keeping(&first);
        file.keys.lock().unwrap().push(ours.clone());
        assert_eq!(custody.next_key(&SeededEntropy::new(1), 1).unwrap(), ours.mark());
        // Another node was faster, with a key of its own, which nobody has brought here yet.
        let rows = [known(&first, KeyState::Retired), known(&theirs, KeyState::Current)];
        custody.follow(&rows).unwrap();
        assert_eq!((custody.held(), custody.sealing()), (vec![1], 1));
        *file.keys.lock().unwrap() = vec![first.clone(), theirs.clone()];
        custody.follow(&rows).unwrap();
        assert_eq!((custody.marks(), custody.sealing()), (vec![first.mark(), theirs.mark()], 2));
        // With what was known before: the key at hand stays, whatever the file says.
        *file.keys.lock().unwrap() = vec![first.clone(), ours];
        assert!(matches!(custody.next_key(&SeededEntropy::new(1), 1), Err(Error::Refused(Refusal::Conflict(_)))));
        assert_eq!(custody.marks(), [first.mark(), theirs.mark()]);
    }

    #[test]
    fn the_next_key_is_put_back_before_it_is_announced() {
        let (first, stranger) = (numbered(1, 1), numbered(2, 9));
        let (custody, file) = keeping(&first);
        let next = custody.next_key(&SeededEntropy::new(1), 1).unwrap();
        let made = custody.key(2).unwrap();
        let rows = [known(&first, KeyState::Current), known(&made, KeyState::Pending)];
        // Somebody copied another file over it.
        *file.keys.lock().unwrap() = vec![first.clone(), stranger];
        file.failing.store(1, Ordering::SeqCst);
        assert!(custody.follow(&rows).is_err());
        assert_eq!(custody.marks(), [first.mark()], "a restart would not find it");
        file.failing.store(0, Ordering::SeqCst);
        custody.follow(&rows).unwrap();
        assert_eq!((custody.marks(), file.marks()), (vec![first.mark(), next.clone()], vec![first.mark(), next]));
    }

    #[test]
    fn a_key_leaves_memory_after_its_place() {
        let (first, second) = (numbered(1, 1), numbered(2, 2));
        let (custody, file) = keeping(&first);
        file.keys.lock().unwrap().push(second.clone());
        let rotated = [known(&first, KeyState::Retired), known(&second, KeyState::Current)];
        custody.follow(&rotated).unwrap();
        let forgotten = [known(&first, KeyState::Forgotten), known(&second, KeyState::Current)];
        file.failing.store(1, Ordering::SeqCst);
        assert!(custody.follow(&forgotten).is_err());
        assert_eq!((custody.held(), file.marks().len()), (vec![1, 2], 2), "nothing has happened");
        file.failing.store(0, Ordering::SeqCst);
        custody.follow(&forgotten).unwrap();
        assert_eq!((custody.held(), file.marks()), (vec![2], vec![second.mark()]), "it was tried again");
        // A place that lost the current key gets it back before an older one goes.
        let third = numbered(3, 3);
        file.keys.lock().unwrap().push(third.clone());
        custody.follow(&[known(&second, KeyState::Retired), known(&third, KeyState::Current)]).unwrap();
        *file.keys.lock().unwrap() = vec![second.clone()];
        custody.follow(&[known(&second, KeyState::Forgotten), known(&third, KeyState::Current)]).unwrap();
        assert_eq!(file.marks(), [third.mark()]);
    }

    #[test]
    fn a_full_place_of_keys_takes_no_more() {
        let first = numbered(1, 1);
        let (custody, file) = keeping(&first);
        for highest in 1..i64::try_from(master::RING_MAX).unwrap() {
            custody.next_key(&SeededEntropy::new(1), highest).unwrap();
        }
        let highest = i64::try_from(master::RING_MAX).unwrap();
        let refusal = custody.next_key(&SeededEntropy::new(1), highest).unwrap_err().to_string();
        assert!(refusal.contains("forget old ones first"), "{refusal}");
        assert_eq!(file.marks().len(), master::RING_MAX);
        file.forget(1).unwrap();
        custody.next_key(&SeededEntropy::new(1), highest).unwrap();
    }

    fn custody(byte: u8) -> Custody {
        Custody::new(MasterKey::new(1, Zeroizing::new([byte; 32])))
    }

    fn row(sealed: &Sealed) -> SealedRow {
        SealedRow {
            uuid: sealed.uuid.to_string(),
            kind: sealed.kind.name().into(),
            master: sealed.master,
            wrapped_key: sealed.wrapped_key.clone(),
            ciphertext: sealed.ciphertext.clone(),
        }
    }

    #[test]
    fn what_is_sealed_opens_and_nothing_of_it_shows() {
        let sealed = custody(1).seal(&SeededEntropy::new(1), SecretKind::DnsCredentials, b"hunter2-hunter2").unwrap();
        assert_eq!(custody(1).open(&row(&sealed), SecretKind::DnsCredentials).unwrap().as_slice(), b"hunter2-hunter2");
        let kept = [sealed.wrapped_key.as_slice(), sealed.ciphertext.as_slice()].concat();
        assert!(!kept.windows(7).any(|window| window == b"hunter2"));
    }

    #[test]
    fn a_seal_binds_row_kind_and_key() {
        let entropy = SeededEntropy::new(2);
        let one = custody(1).seal(&entropy, SecretKind::DnsCredentials, b"one").unwrap();
        let two = custody(1).seal(&entropy, SecretKind::DnsCredentials, b"two").unwrap();
        let open = |row: &SealedRow| custody(1).open(row, SecretKind::DnsCredentials);

        let moved = SealedRow { ciphertext: two.ciphertext.clone(), ..row(&one) };
        assert!(open(&moved).is_err(), "another row's value");
        let whole = SealedRow { uuid: one.uuid.to_string(), ..row(&two) };
        assert!(open(&whole).is_err(), "another row's value and key");
        let renamed = SealedRow { kind: "private_key".into(), ..row(&one) };
        assert!(custody(1).open(&renamed, SecretKind::PrivateKey).is_err(), "passed off as another kind");
        assert!(custody(2).open(&row(&one), SecretKind::DnsCredentials).is_err(), "another master key");
        let other_number = SealedRow { master: 2, ..row(&one) };
        assert!(open(&other_number).is_err(), "another master key's number");
        for length in 0..one.ciphertext.len() {
            let cut = SealedRow { ciphertext: one.ciphertext[..length].to_vec(), ..row(&one) };
            assert!(open(&cut).is_err(), "cut to {length}");
        }
    }
}
