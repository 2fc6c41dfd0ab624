//! Envelope encryption.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::master::MasterKey;
use crate::core::Entropy;
use crate::error::{Error, Fault, Result};

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

/// Holds the master key; seals and opens.
pub struct Custody {
    master: MasterKey,
}

const NONCE_BYTES: usize = 12;
const KEY_BYTES: usize = 32;

impl Custody {
    /// Custody under this master key.
    pub fn new(master: MasterKey) -> Custody {
        Custody { master }
    }

    /// The master key in use.
    pub(crate) fn master(&self) -> &MasterKey {
        &self.master
    }

    /// Seals a value under a fresh data key.
    pub fn seal(&self, entropy: &dyn Entropy, kind: SecretKind, plain: &[u8]) -> Result<Sealed> {
        let mut identity = [0; 16];
        entropy.fill(&mut identity);
        let uuid = uuid::Builder::from_random_bytes(identity).into_uuid();
        let mut data_key = Zeroizing::new([0; KEY_BYTES]);
        entropy.fill(data_key.as_mut());
        let bound = associated(&uuid.to_string(), kind.name());
        Ok(Sealed {
            kind,
            master: self.master.number(),
            wrapped_key: encrypt(entropy, self.master.bytes(), &[b"key\0", bound.as_slice()].concat(), data_key.as_ref())?,
            ciphertext: encrypt(entropy, data_key.as_ref(), &[b"value\0", bound.as_slice()].concat(), plain)?,
            uuid,
        })
    }

    /// Opens a sealed value; fails when it is not exactly what was sealed as this kind in this row.
    pub fn open(&self, row: &SealedRow, kind: SecretKind) -> Result<Zeroizing<Vec<u8>>> {
        if row.kind != kind.name() {
            return Err(damaged(format!("secret {} is a {}, not a {}", row.uuid, row.kind, kind.name())));
        }
        if row.master != self.master.number() {
            let message = format!("secret {} is sealed under master key {}, which is not at hand", row.uuid, row.master);
            return Err(damaged(message));
        }
        let bound = associated(&row.uuid, &row.kind);
        let data_key = decrypt(self.master.bytes(), &[b"key\0", bound.as_slice()].concat(), &row.wrapped_key)
            .ok_or_else(|| damaged(format!("secret {} does not open: wrong master key, or its row was changed", row.uuid)))?;
        decrypt(&data_key, &[b"value\0", bound.as_slice()].concat(), &row.ciphertext)
            .ok_or_else(|| damaged(format!("secret {} does not open: its row was changed", row.uuid)))
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
