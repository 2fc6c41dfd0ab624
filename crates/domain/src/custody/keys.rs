//! Private keys in custody, found by the digest of their public key.

use certhold_pki::PrivateKey;
use certhold_store::{Row, Tx, Value, params};

use super::{Custody, Sealed, SealedRow, SecretKind};
use crate::actor::Actor;
use crate::collections::{self, Moved};
use crate::core::Entropy;
use crate::error::{Error, Result};
use crate::ids::{CertificateId, PrivateKeyId, SecretId};
use crate::query::FieldId;

/// How a key came into custody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Brought in with a certificate.
    Imported,
    /// Made here.
    Generated,
}

impl Origin {
    fn name(self) -> &'static str {
        match self {
            Origin::Imported => "imported",
            Origin::Generated => "generated",
        }
    }
}

/// A private key sealed and described, ready to be kept.
#[derive(Clone)]
pub struct SealedKey {
    /// Its PKCS#8 form, sealed.
    pub sealed: Sealed,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub spki_sha256: [u8; 32],
    /// "RSA", "EC", "Ed25519".
    pub algorithm: String,
    /// Its size.
    pub bits: Option<u32>,
}

impl SealedKey {
    /// Seals a key.
    pub fn seal(custody: &Custody, entropy: &dyn Entropy, key: &PrivateKey) -> Result<SealedKey> {
        Ok(SealedKey {
            sealed: custody.seal(entropy, SecretKind::PrivateKey, key.pkcs8_der())?,
            spki_sha256: key.spki_sha256(),
            algorithm: key.algorithm().to_owned(),
            bits: key.bits(),
        })
    }
}

/// A private key's row, without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateKeyRow {
    /// Its handle.
    pub id: PrivateKeyId,
    /// Where its sealed bytes are.
    pub secret: SecretId,
    /// "RSA", "EC", "Ed25519".
    pub algorithm: String,
    /// Its size.
    pub bits: Option<i64>,
    /// "imported" or "generated".
    pub origin: String,
    /// When it came into custody, unix milliseconds.
    pub created_at: i64,
}

/// Keeps a sealed key; a key that is held already keeps its handle. Says whether it is new.
pub fn put_private_key(tx: &mut Tx<'_>, key: &SealedKey, origin: Origin, now: i64) -> Result<(PrivateKeyId, bool)> {
    if let Some(present) = find_by_spki(tx, &key.spki_sha256)? {
        return Ok((present.id, false));
    }
    let secret = super::put(tx, &key.sealed, now)?;
    let id = tx.one(
        "INSERT INTO private_key (secret, spki_sha256, algorithm, bits, origin, created_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        params![secret, &key.spki_sha256, &key.algorithm, key.bits.map(i64::from), origin.name(), now],
        |row| row.get(0),
    )?;
    id.map(|id| (PrivateKeyId(id), true)).ok_or_else(|| Error::damaged("a private key got no id"))
}

/// Refuses to bring keys into custody whose certificates are held already without them, unless the actor may change the queries of
/// scopes that look at this: it moves those certificates into others' reach or out of it. To be asked before the certificates that
/// come along are kept, of which nobody need be asked.
pub(crate) fn require_may_bring<'k>(tx: &mut Tx<'_>, actor: &Actor, keys: impl IntoIterator<Item = &'k SealedKey>) -> Result<()> {
    let digests: Vec<[Value<'_>; 1]> = keys.into_iter().map(|key| [(&key.spki_sha256).into()]).collect();
    let sql = "SELECT id FROM certificate WHERE spki_sha256 = $1 AND NOT EXISTS \
               (SELECT 1 FROM private_key WHERE private_key.spki_sha256 = certificate.spki_sha256) LIMIT 1";
    let lacking = tx.one_of_each(sql, &digests, |row| row.get::<i64>(0))?;
    if lacking.iter().all(Option::is_none) {
        return Ok(());
    }
    let moved = Moved { field: FieldId::HasPrivateKey, before: None, after: Some("true") };
    collections::require_may_move(tx, actor, &[moved])
}

/// The SHA-256 of a certificate's public key (`SubjectPublicKeyInfo`, DER); nothing where there is no such certificate.
pub(crate) fn spki_of(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<Option<[u8; 32]>> {
    Ok(tx.one("SELECT spki_sha256 FROM certificate WHERE id = $1", params![certificate], |row| row.get(0))?)
}

/// The key in custody for a public key, if there is one.
pub fn find_by_spki(tx: &mut Tx<'_>, spki_sha256: &[u8; 32]) -> Result<Option<PrivateKeyRow>> {
    let found = tx.one(
        "SELECT id, secret, algorithm, bits, origin, created_at FROM private_key WHERE spki_sha256 = $1",
        params![spki_sha256],
        read,
    )?;
    Ok(found)
}

/// A key's sealed bytes by handle, for the worker to open outside the transaction.
pub fn load_private_key(tx: &mut Tx<'_>, id: PrivateKeyId) -> Result<SealedRow> {
    let found =
        tx.one("SELECT id, secret, algorithm, bits, origin, created_at FROM private_key WHERE id = $1", params![id], read)?;
    let row = found.ok_or_else(|| Error::damaged(format!("private key {id} is missing")))?;
    super::load(tx, row.secret)
}

fn read(row: &Row<'_>) -> Result<PrivateKeyRow, certhold_store::Error> {
    Ok(PrivateKeyRow {
        id: PrivateKeyId(row.get(0)?),
        secret: SecretId(row.get(1)?),
        algorithm: row.get(2)?,
        bits: row.get(3)?,
        origin: row.get(4)?,
        created_at: row.get(5)?,
    })
}
