//! Envelope encryption.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::master::MasterKey;
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
}

/// Where master keys are kept outside the database.
pub trait KeyKeeper: Send + Sync {
    /// The keys that are there now.
    fn read(&self) -> Result<Vec<MasterKey>>;

    /// Keeps one more key, durably: it is on disk, for its owner only, when this returns.
    fn keep(&self, key: &MasterKey) -> Result<()>;

    /// Removes a key for good.
    fn forget(&self, number: i64) -> Result<()>;
}

struct Ring {
    keys: BTreeMap<i64, MasterKey>,
    sealing: i64,
}

const NONCE_BYTES: usize = 12;
const KEY_BYTES: usize = 32;

impl Custody {
    /// Custody under this master key.
    pub fn new(master: MasterKey) -> Custody {
        Custody { ring: RwLock::new(Ring::of(vec![master])), keeper: None }
    }

    /// Custody under these master keys, of which [`adopt`](super::adopt) finds out which is current; further ones are looked
    /// for, and kept, at `keeper`.
    pub fn with_keeper(keys: Vec<MasterKey>, keeper: Box<dyn KeyKeeper>) -> Result<Custody> {
        if keys.is_empty() {
            return Err(damaged("there is no master key".into()));
        }
        Ok(Custody { ring: RwLock::new(Ring::of(keys)), keeper: Some(keeper) })
    }

    /// The number of the key that new values are sealed under.
    pub fn sealing(&self) -> i64 {
        self.ring().sealing
    }

    /// The numbers of the keys at hand.
    pub fn held(&self) -> Vec<i64> {
        self.ring().keys.keys().copied().collect()
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

    /// Follows what the database says of its keys: seals under the current one, and lets go of forgotten ones. Keys that are
    /// not at hand are looked for where they are kept.
    pub fn follow(&self, known: &[KeyRow]) -> Result<()> {
        let missing = |row: &&KeyRow| row.state != KeyState::Forgotten && self.key(row.number).is_none();
        if let Some(keeper) = &self.keeper
            && known.iter().any(|row| missing(&row))
        {
            for key in keeper.read()? {
                let fits = known.iter().any(|row| row.number == key.number() && row.check_value == key.check_value());
                if fits {
                    self.write_ring().keys.entry(key.number()).or_insert(key);
                }
            }
        }
        self.use_known(known);
        for row in known.iter().filter(|row| row.state == KeyState::Forgotten) {
            let held = self.write_ring().keys.remove(&row.number).is_some();
            if let Some(keeper) = self.keeper.as_ref().filter(|_| held) {
                keeper.forget(row.number)?;
            }
        }
        Ok(())
    }

    pub(super) fn use_known(&self, known: &[KeyRow]) {
        let mut ring = self.write_ring();
        let current = known.iter().find(|row| row.state == KeyState::Current).map(|row| row.number);
        if let Some(current) = current.filter(|number| ring.keys.contains_key(number)) {
            ring.sealing = current;
        }
    }

    /// The key to rotate to: one that is kept already (also by a rotation that a crash interrupted), or a fresh one, kept
    /// durably before this returns. `highest` is the highest number that the database knows.
    pub fn next_key(&self, entropy: &dyn Entropy, highest: i64) -> Result<KeyMark> {
        let Some(keeper) = &self.keeper else {
            return Err(Refusal::Conflict("this custody keeps no key file, so it cannot make a key".into()).into());
        };
        let kept = keeper.read()?.into_iter().filter(|key| key.number() > highest).min_by_key(MasterKey::number);
        let key = match kept {
            Some(key) => key,
            None => {
                let key = MasterKey::generate_numbered(highest + 1, entropy);
                keeper.keep(&key)?;
                key
            }
        };
        let mark = KeyMark { number: key.number(), check_value: key.check_value() };
        self.write_ring().keys.insert(key.number(), key);
        Ok(mark)
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
        Ring { keys: keys.into_iter().map(|key| (key.number(), key)).collect(), sealing }
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
    use super::*;
    use crate::testing::SeededEntropy;

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
