//! Letting a private key out of custody, and destroying it. Both need a permission of their own and a reason, which stays in
//! the event log.

use certhold_store::{Tx, params};
use serde_json::json;

use super::{Sealed, SealedRow, find_by_spki, load};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, PrivateKeyId};
use crate::inventory::{self, Certificate, Summary};
use crate::limits;

/// Hand out a certificate's private key.
#[derive(Clone, Debug)]
pub struct ExportKey {
    /// The certificate.
    pub certificate: CertificateId,
    /// The name of the format it is written in, for the event.
    pub format: &'static str,
    /// Whether it leaves under a password.
    pub encrypted: bool,
    /// Why, for the event.
    pub reason: String,
}

/// What is handed out. The key is still sealed: it is opened, and encrypted for its reader, after the event is durable.
pub struct ExportedKey {
    /// The certificate.
    pub certificate: Certificate,
    /// The path its authority delivered with it.
    pub chain: Vec<Certificate>,
    /// Its key.
    pub key: SealedRow,
}

/// Refuses what [`export`] would refuse of the command itself, before a password is looked at.
pub fn require_may_export(tx: &mut Tx<'_>, actor: &Actor, command: &ExportKey) -> Result<()> {
    access::require_path(tx, actor, paths::PRIVATE_KEY_READ)?;
    let summary = inventory::summary(tx, actor, command.certificate)?;
    checked_reason(&command.reason)?;
    held_key(tx, &summary).map(drop)
}

/// Records that a key leaves custody, and gives it out sealed. The caller opens it only after this is committed, so that no
/// key leaves without its event.
pub fn export(tx: &mut Tx<'_>, actor: &Actor, command: &ExportKey, now: i64) -> Result<ExportedKey> {
    access::require_path(tx, actor, paths::PRIVATE_KEY_READ)?;
    let reason = checked_reason(&command.reason)?;
    let certificate = inventory::get(tx, actor, command.certificate)?;
    let chain = inventory::chain(tx, actor, command.certificate)?;
    let (key, spki) = held_key(tx, &certificate.summary)?;
    let key = super::load_private_key(tx, key)?;
    let payload = json!({
        "reason": reason, "format": command.format, "encrypted": command.encrypted,
        "sha256": crate::text::hex(&certificate.summary.sha256), "public_key_sha256": crate::text::hex(&spki),
    });
    let object = Object::new("certificate", command.certificate.0, certificate.summary.title());
    events::append(tx, actor, now, NewEvent::new(names::PRIVATE_KEY_EXPORTED, object, payload))?;
    Ok(ExportedKey { certificate, chain, key })
}

/// Destroy a certificate's private key.
#[derive(Clone)]
pub struct DestroyKey {
    /// The certificate.
    pub certificate: CertificateId,
    /// Why, for the event.
    pub reason: String,
    /// Nothing, sealed as a private key: takes the place of the key where attempts of the past refer to it.
    pub nothing: Sealed,
}

/// Destroys the private key of a certificate. A key in use (by the current version of a managed certificate, an attempt under
/// way or a deployment) stays. The request that the key was made with goes, too.
pub fn destroy_key(tx: &mut Tx<'_>, actor: &Actor, command: &DestroyKey, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::PRIVATE_KEY_DELETE)?;
    let reason = checked_reason(&command.reason)?;
    let summary = inventory::summary(tx, actor, command.certificate)?;
    let (key, spki) = held_key(tx, &summary)?;
    require_unused(tx, key, &spki)?;
    let waits: Option<i64> = tx.one("SELECT id FROM key_request WHERE private_key = $1", params![key], |row| row.get(0))?;
    if let Some(request) = waits {
        tx.execute("DELETE FROM key_request WHERE id = $1", params![request])?;
    }
    erase(tx, key, &command.nothing, now)?;
    let payload = json!({ "reason": reason, "public_key_sha256": crate::text::hex(&spki) });
    let object = Object::new("certificate", command.certificate.0, summary.title());
    events::append(tx, actor, now, NewEvent::new(names::PRIVATE_KEY_DESTROYED, object, payload))?;
    Ok(())
}

/// A reason that says something.
fn checked_reason(reason: &str) -> Result<&str> {
    let reason = reason.trim();
    match reason.chars().count() {
        0 => Err(Refusal::invalid("reason", "say why; the reason stays in the event log").into()),
        1..=limits::REASON_CHARS => Ok(reason),
        _ => Err(Refusal::invalid("reason", format!("at most {} characters", limits::REASON_CHARS)).into()),
    }
}

fn held_key(tx: &mut Tx<'_>, summary: &Summary) -> Result<(PrivateKeyId, [u8; 32])> {
    let spki: Option<[u8; 32]> =
        tx.one("SELECT spki_sha256 FROM certificate WHERE id = $1", params![summary.id], |row| row.get(0))?;
    let spki = spki.ok_or_else(|| Error::damaged("a certificate is gone within its transaction"))?;
    match find_by_spki(tx, &spki)? {
        Some(key) => Ok((key.id, spki)),
        None => Err(Refusal::Conflict(format!("the private key of certificate {} is not in custody", summary.id)).into()),
    }
}

fn require_unused(tx: &mut Tx<'_>, key: PrivateKeyId, spki: &[u8; 32]) -> Result<()> {
    let current: Option<String> = tx.one(
        "SELECT lineage.name FROM certificate JOIN lineage ON lineage.current = certificate.id \
         WHERE certificate.spki_sha256 = $1 LIMIT 1",
        params![spki],
        |row| row.get(0),
    )?;
    if let Some(name) = current {
        let why = format!(
            "the private key belongs to the current version of the managed certificate {name:?}: renew or remove that first"
        );
        return Err(Refusal::Conflict(why).into());
    }
    let uses = [
        (
            "SELECT 1 FROM acme_order WHERE private_key = $1 AND (state = 'prepared' OR state = 'placed') LIMIT 1",
            "an attempt to obtain a certificate for it is under way",
        ),
        (
            "SELECT 1 FROM private_key JOIN certificate ON certificate.spki_sha256 = private_key.spki_sha256 \
             JOIN deployment ON deployment.certificate = certificate.id WHERE private_key.id = $1 LIMIT 1",
            "it is deployed: deploy another version first",
        ),
    ];
    for (sql, why) in uses {
        if tx.one(sql, params![key], |row| row.get::<i64>(0))?.is_some() {
            return Err(Refusal::Conflict(format!("the private key cannot be destroyed: {why}")).into());
        }
    }
    Ok(())
}

/// Takes the key's bytes away. Its row goes, too, unless an attempt of the past refers to it; then `nothing` takes the place of
/// the bytes, and the row answers to no public key any more.
pub(super) fn erase(tx: &mut Tx<'_>, key: PrivateKeyId, nothing: &Sealed, now: i64) -> Result<()> {
    let secret: Option<i64> = tx.one("SELECT secret FROM private_key WHERE id = $1", params![key], |row| row.get(0))?;
    let secret = crate::ids::SecretId(secret.ok_or_else(|| Error::damaged(format!("private key {key} is missing")))?);
    load(tx, secret)?;
    let used = tx.one("SELECT 1 FROM acme_order WHERE private_key = $1 LIMIT 1", params![key], |row| row.get::<i64>(0))?;
    if used.is_none() {
        tx.execute("DELETE FROM private_key WHERE id = $1", params![key])?;
    } else {
        let empty = super::put(tx, nothing, now)?;
        let label = format!("certhold destroyed private key {key}");
        let nobody = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, label.as_bytes());
        tx.execute("UPDATE private_key SET secret = $1, spki_sha256 = $2 WHERE id = $3", params![empty, nobody.as_ref(), key])?;
    }
    super::destroy(tx, secret)
}
