//! Secrets, sealed at rest. The rest of the program holds handles ([`SecretId`], [`PrivateKeyId`](crate::PrivateKeyId)), never key bytes.
//!
//! Each value is sealed with AES-256-GCM under a data key of its own, which is sealed under the master key. Both bind the
//! record's UUID and kind as associated data, so a value moved to another row, or passed off as another kind, does not open.

mod export;
mod keys;
mod master;
pub mod rekey;
mod requests;
mod seal;

pub use export::{
    DestroyKey, ExportKey, ExportedKey, destroy_key, destroy_key_in, destroy_key_within, export, require_may_export,
};
pub(crate) use export::{destroy_after, destroyed_with, is_of_authority, is_shared_outside, require_key};
pub use keys::{Origin, PrivateKeyRow, SealedKey, find_by_spki, load_private_key, put_private_key};
pub(crate) use keys::{require_may_bring, spki_of};
pub use master::{MasterKey, adopt};
pub use rekey::{KeyMark, KeyRow, KeyState};
pub use requests::{
    KeyRequest, NewKeyRequest, RemoveKeyRequest, checked_names, create as create_key_request, get as key_request,
    list as list_key_requests, pending as pending_key_requests, remove as remove_key_request, require_may_request,
};
pub(crate) use requests::{answer as answer_key_requests, forget_answer, is_requested, keep as keep_key_request};
pub use seal::{Custody, KeyKeeper, Sealed, SealedRow, SecretKind};

use certhold_store::{Tx, params};

use crate::error::{Error, Result};
use crate::ids::SecretId;

/// Keeps a sealed value; refused when it was sealed under a master key that has been forgotten since.
pub fn put(tx: &mut Tx<'_>, sealed: &Sealed, now: i64) -> Result<SecretId> {
    rekey::require_remembered(tx, sealed.master)?;
    let id = tx.one(
        "INSERT INTO secret (uuid, kind, master, wrapped_key, ciphertext, created_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        params![sealed.uuid.to_string(), sealed.kind.name(), sealed.master, &sealed.wrapped_key, &sealed.ciphertext, now],
        |row| row.get(0),
    )?;
    id.map(SecretId).ok_or_else(|| Error::damaged("a secret got no id"))
}

/// Reads a sealed value; [`Custody::open`] opens it, outside the transaction.
pub fn load(tx: &mut Tx<'_>, id: SecretId) -> Result<SealedRow> {
    let row = tx.one("SELECT uuid, kind, master, wrapped_key, ciphertext FROM secret WHERE id = $1", params![id], |row| {
        Ok(SealedRow {
            uuid: row.get(0)?,
            kind: row.get(1)?,
            master: row.get(2)?,
            wrapped_key: row.get(3)?,
            ciphertext: row.get(4)?,
        })
    })?;
    row.ok_or_else(|| Error::damaged(format!("secret {id} is missing")))
}

/// Opens every sealed value, to know that all of them open; how many there are.
pub fn check_seals(tx: &mut Tx<'_>, custody: &Custody) -> Result<i64> {
    let (mut after, mut count) = (0, 0);
    loop {
        let rows = tx.rows(
            "SELECT id, uuid, kind, master, wrapped_key, ciphertext FROM secret WHERE id > $1 ORDER BY id LIMIT 256",
            params![after],
            |row| {
                let sealed = SealedRow {
                    uuid: row.get(1)?,
                    kind: row.get(2)?,
                    master: row.get(3)?,
                    wrapped_key: row.get(4)?,
                    ciphertext: row.get(5)?,
                };
                Ok((row.get::<i64>(0)?, sealed))
            },
        )?;
        let Some((last, _)) = rows.last() else { return Ok(count) };
        after = *last;
        for (_, row) in &rows {
            custody.opens(row)?;
            count += 1;
        }
    }
}

/// Removes a sealed value.
pub(crate) fn destroy(tx: &mut Tx<'_>, id: SecretId) -> Result<()> {
    tx.execute("DELETE FROM secret WHERE id = $1", params![id])?;
    Ok(())
}

/// The secret kept under a setting's name (the head-signing key), if there is one.
pub fn named(tx: &mut Tx<'_>, name: &str) -> Result<Option<SealedRow>> {
    let id: Option<String> =
        tx.one("SELECT value FROM setting WHERE name = $1", params![format!("secret:{name}")], |row| row.get(0))?;
    let id = id.map(|text| text.parse().map_err(|_| Error::damaged(format!("setting secret:{name}: {text:?}")))).transpose()?;
    id.map(|id| load(tx, SecretId(id))).transpose()
}

/// Keeps a secret under a name, unless there is one already: two nodes that start at once agree on the first.
pub fn put_named(tx: &mut Tx<'_>, name: &str, sealed: &Sealed, now: i64) -> Result<SealedRow> {
    if let Some(present) = named(tx, name)? {
        return Ok(present);
    }
    let id = put(tx, sealed, now)?;
    tx.execute("INSERT INTO setting (name, value) VALUES ($1, $2)", params![format!("secret:{name}"), id.to_string()])?;
    load(tx, id)
}
