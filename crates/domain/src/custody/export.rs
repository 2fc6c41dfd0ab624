//! Letting a private key out of custody, and destroying it. Both need a permission of their own and a reason, which stays in
//! the event log.

use certhold_store::{Tx, params};
use serde_json::json;

use super::requests::is_requested;
use super::{Sealed, SealedRow, find_by_spki, load, spki_of};
use crate::access::{self, Decision, Level, Need, paths};
use crate::actor::Actor;
use crate::collections::{self, Moved, Scope};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, CollectionId, PrivateKeyId};
use crate::inventory::{self, Certificate, Summary};
use crate::query::FieldId;
use crate::{limits, private_ca};

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
    /// Where the caller says that the rights are held.
    pub scope: Scope,
}

/// Handing out a key needs the right to do so and the right to see the certificate: who lacks either learns nothing about the certificate,
/// not even whether it is where they looked for it.
fn require_in(tx: &mut Tx<'_>, actor: &Actor, command: &ExportKey) -> Result<()> {
    collections::require_at_all(tx, actor, paths::PRIVATE_KEY_READ, command.scope)?;
    collections::require(tx, actor, paths::CERTIFICATES_READ, command.certificate, command.scope)?;
    require_key(tx, actor, command.certificate, command.scope)
}

/// The right to use the private key of a certificate outside custody. Anybody can make a certificate for a public key that they have
/// seen, and import it into a collection: a right on a collection is none on the keys of certificates outside.
pub(crate) fn require_key(tx: &mut Tx<'_>, actor: &Actor, certificate: CertificateId, scope: Scope) -> Result<()> {
    let level = collections::level(tx, actor, paths::PRIVATE_KEY_READ, certificate, scope)?;
    if level == Level::System {
        return Ok(());
    }
    let Some(spki) = spki_of(tx, certificate)? else { return Ok(()) };
    if signs_for_an_authority(tx, &spki)? {
        let reason = "the key of a private authority is handed out by the right that holds everywhere only".to_owned();
        return Err(Refusal::Forbidden { reason, missing: vec![paths::PRIVATE_KEY_READ.to_owned()] }.into());
    }
    require_all_inside(tx, actor, &spki, scope, paths::PRIVATE_KEY_READ)
}

/// Whether a private authority signs with the key of this certificate, so that it leaves custody by the right that holds everywhere only.
pub(crate) fn is_of_authority(tx: &mut Tx<'_>, id: CertificateId) -> Result<bool> {
    match spki_of(tx, id)? {
        Some(spki) => signs_for_an_authority(tx, &spki),
        None => Ok(false),
    }
}

fn signs_for_an_authority(tx: &mut Tx<'_>, spki: &[u8; 32]) -> Result<bool> {
    let Some(key) = find_by_spki(tx, spki)? else { return Ok(false) };
    Ok(private_ca::uses_key(tx, key.id)?.is_some())
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
    require_in(tx, actor, command)?;
    let summary = inventory::find(tx, command.certificate)?;
    let summary = summary.ok_or_else(|| Refusal::not_found("certificate", command.certificate))?;
    checked_reason(&command.reason)?;
    held_key(tx, &summary).map(drop)
}

/// Records that a key leaves custody, and gives it out sealed. The caller opens it only after this is committed, so that no
/// key leaves without its event.
pub fn export(tx: &mut Tx<'_>, actor: &Actor, command: &ExportKey, now: i64) -> Result<ExportedKey> {
    require_in(tx, actor, command)?;
    let reason = checked_reason(&command.reason)?;
    let certificate = inventory::fetch(tx, command.certificate)?;
    let chain = inventory::fetch_chain(tx, command.certificate)?;
    let (key, spki) = held_key(tx, &certificate.summary)?;
    let key = super::load_private_key(tx, key)?;
    let mut payload = json!({
        "reason": reason, "format": command.format, "encrypted": command.encrypted,
        "sha256": crate::text::hex(&certificate.summary.sha256), "public_key_sha256": crate::text::hex(&spki),
    });
    command.scope.tell(&mut payload);
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
    destroy_key_within(tx, actor, command, Scope::everywhere(now))
}

/// As [`destroy_key`], at the time of a scope: the right on a collection that the certificate is in is enough.
pub fn destroy_key_within(tx: &mut Tx<'_>, actor: &Actor, command: &DestroyKey, scope: Scope) -> Result<()> {
    let level = collections::level(tx, actor, paths::PRIVATE_KEY_DELETE, command.certificate, scope)?;
    let reason = checked_reason(&command.reason)?;
    let summary = inventory::summary_in(tx, actor, command.certificate, scope)?;
    destroy(tx, actor, (&summary, level), reason, &command.nothing, scope)
}

/// A key that other certificates have too is theirs as well: destroying it takes the right everywhere.
fn destroy(
    tx: &mut Tx<'_>,
    actor: &Actor,
    (summary, level): (&Summary, Level),
    reason: &str,
    nothing: &Sealed,
    scope: Scope,
) -> Result<()> {
    let (key, spki) = held_key(tx, summary)?;
    if level == Level::Collection {
        require_all_inside(tx, actor, &spki, scope, paths::PRIVATE_KEY_DELETE)?;
    }
    require_unused(tx, key, &spki)?;
    let moved = Moved { field: FieldId::HasPrivateKey, before: Some("true"), after: None };
    collections::require_may_move(tx, actor, &[moved])?;
    let waits: Option<i64> = tx.one("SELECT id FROM key_request WHERE private_key = $1", params![key], |row| row.get(0))?;
    if let Some(request) = waits {
        tx.execute("DELETE FROM key_request WHERE id = $1", params![request])?;
    }
    erase(tx, key, nothing, scope.now)?;
    let mut payload = json!({ "reason": reason, "public_key_sha256": crate::text::hex(&spki) });
    scope.tell(&mut payload);
    let object = Object::new("certificate", summary.id.0, summary.title());
    events::append(tx, actor, scope.now, NewEvent::new(names::PRIVATE_KEY_DESTROYED, object, payload))?;
    Ok(())
}

/// Destroys the private key of a certificate for whoever may remove the certificate itself, within a scope.
pub fn destroy_key_in(tx: &mut Tx<'_>, actor: &Actor, command: &DestroyKey, scope: Scope, now: i64) -> Result<()> {
    let need = |path: &str| Need::system(path).or_collection(path, scope.collection);
    let held = access::current(tx, actor)?;
    // The right over keys is a part of the right over certificates.
    let path = match held.evaluate(&need(paths::PRIVATE_KEY_DELETE)) {
        Decision::Allowed { .. } => paths::PRIVATE_KEY_DELETE,
        Decision::Denied { .. } => paths::CERTIFICATES_DELETE,
    };
    let level = collections::level(tx, actor, path, command.certificate, scope)?;
    let reason = checked_reason(&command.reason)?.to_owned();
    let summary = inventory::find(tx, command.certificate)?;
    let summary = summary.ok_or_else(|| Refusal::not_found("certificate", command.certificate))?;
    destroy(tx, actor, (&summary, level), &reason, &command.nothing, Scope { now, ..scope })
}

/// The key that goes with a certificate when it is removed: one in custody that no other certificate has.
pub(crate) fn destroyed_with(tx: &mut Tx<'_>, id: CertificateId) -> Result<Option<Going>> {
    let found = tx.one(
        "SELECT private_key.id, certificate.spki_sha256, certificate.common_name, certificate.subject FROM certificate \
         JOIN private_key ON private_key.spki_sha256 = certificate.spki_sha256 WHERE certificate.id = $1",
        params![id],
        |row| {
            let title = row.get::<Option<String>>(2)?.unwrap_or(row.get(3)?);
            Ok(Going { key: PrivateKeyId(row.get(0)?), spki: row.get(1)?, title })
        },
    )?;
    let Some(going) = found else { return Ok(None) };
    let others: i64 = tx
        .one("SELECT count(*) FROM certificate WHERE spki_sha256 = $1 AND id <> $2", params![&going.spki, id], |row| row.get(0))?
        .unwrap_or(0);
    let waits: Option<i64> = tx.one("SELECT id FROM key_request WHERE private_key = $1", params![going.key], |row| row.get(0))?;
    Ok((others == 0 && waits.is_none()).then_some(going))
}

/// A key on its way out.
pub(crate) struct Going {
    key: PrivateKeyId,
    spki: [u8; 32],
    title: String,
}

/// Destroys a key whose certificate was removed a moment ago.
pub(crate) fn destroy_after(
    tx: &mut Tx<'_>,
    actor: &Actor,
    going: &Going,
    (certificate, scope): (CertificateId, Scope),
    nothing: &Sealed,
    now: i64,
) -> Result<()> {
    require_unused(tx, going.key, &going.spki)?;
    erase(tx, going.key, nothing, now)?;
    let mut payload = json!({ "reason": "its certificate was removed", "public_key_sha256": crate::text::hex(&going.spki) });
    scope.tell(&mut payload);
    let object = Object::new("certificate", certificate.0, &going.title);
    events::append(tx, actor, now, NewEvent::new(names::PRIVATE_KEY_DESTROYED, object, payload))?;
    Ok(())
}

/// Refuses when a certificate outside the scope's collection has the key, too, or somebody else's request; without a word about which.
fn require_all_inside(tx: &mut Tx<'_>, actor: &Actor, spki: &[u8; 32], scope: Scope, path: &str) -> Result<()> {
    let Some(collection) = scope.collection else { return Ok(()) };
    let sharing = sharing(tx, spki)?;
    // Whoever may destroy keys in the collection need not see what is in it.
    let inside = match path {
        paths::PRIVATE_KEY_READ => collections::among(tx, actor, collection, &sharing, scope.now)?,
        _ => collections::inside(tx, collection, &sharing, scope.now)?,
    };
    let others = is_asked_for(tx, spki)? && !is_requested(tx, actor, spki)?;
    if !others && inside.len() == sharing.len() && sharing.len() < limits::PAGE_ROWS {
        return Ok(());
    }
    let reason = format!("the key is not the concern of collection {collection} alone");
    Err(Refusal::Forbidden { reason, missing: vec![path.to_owned()] }.into())
}

/// Whether the key was made for a signing request, or for an order that is under way: whose it is then says the request, and not a
/// certificate that somebody has made up for it meanwhile.
fn is_asked_for(tx: &mut Tx<'_>, spki: &[u8; 32]) -> Result<bool> {
    let asked = "SELECT 1 FROM private_key WHERE private_key.spki_sha256 = $1 AND (\
        EXISTS (SELECT 1 FROM key_request WHERE key_request.private_key = private_key.id) OR \
        EXISTS (SELECT 1 FROM acme_order WHERE acme_order.private_key = private_key.id AND \
        (acme_order.state = 'prepared' OR acme_order.state = 'placed')))";
    Ok(tx.one(asked, params![spki], |_| Ok(()))?.is_some())
}

/// Certificates with this public key; so many at most as one may look at.
fn sharing(tx: &mut Tx<'_>, spki: &[u8; 32]) -> Result<Vec<CertificateId>> {
    Ok(tx.rows(
        "SELECT id FROM certificate WHERE spki_sha256 = $1 ORDER BY id LIMIT $2",
        params![spki, limits::PAGE_ROWS as i64],
        |row| Ok(CertificateId(row.get(0)?)),
    )?)
}

/// Whether a certificate outside this collection, or a request, has the key of this one as well, so that rights on the collection are none on the key.
/// Without asking who wants to know: for reasons.
pub(crate) fn is_shared_outside(tx: &mut Tx<'_>, id: CertificateId, collection: CollectionId, now: i64) -> Result<bool> {
    let Some(spki) = spki_of(tx, id)? else { return Ok(false) };
    let sharing = sharing(tx, &spki)?;
    if sharing.len() >= limits::PAGE_ROWS || is_asked_for(tx, &spki)? {
        return Ok(true);
    }
    for other in sharing {
        if !collections::holds(tx, collection, other, now)? {
            return Ok(true);
        }
    }
    Ok(false)
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
    let spki = spki_of(tx, summary.id)?.ok_or_else(|| Error::damaged("a certificate is gone within its transaction"))?;
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
    if let Some(name) = private_ca::uses_key(tx, key)? {
        let why = format!("the private authority {name:?} signs with it, its revocation lists at least");
        return Err(Refusal::Conflict(format!("the private key cannot be destroyed: {why}")).into());
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
        (
            "SELECT 1 FROM private_key JOIN certificate ON certificate.spki_sha256 = private_key.spki_sha256 \
             JOIN named_certificate ON named_certificate.certificate = certificate.id \
             WHERE private_key.id = $1 AND named_certificate.kind = 'identity' LIMIT 1",
            "a name stands for its certificate, with which the server may present it: delete that entry first",
        ),
    ];
    for (sql, why) in uses {
        if tx.one(sql, params![key], |row| row.get::<i64>(0))?.is_some() {
            return Err(Refusal::Conflict(format!("the private key cannot be destroyed: {why}")).into());
        }
    }
    Ok(())
}

/// Destroys the key of a request that waited in vain. While certificates for it are held that nobody brought who may, it is not known
/// whether the key is in use or a stranger made them up: the key then neither ends nor goes to whoever has a right over them.
pub(super) fn erase_waiting(tx: &mut Tx<'_>, key: PrivateKeyId, nothing: &Sealed, now: i64) -> Result<()> {
    let spki: Option<[u8; 32]> = tx.one("SELECT spki_sha256 FROM private_key WHERE id = $1", params![key], |row| row.get(0))?;
    let spki = spki.ok_or_else(|| Error::damaged(format!("private key {key} is missing")))?;
    if !sharing(tx, &spki)?.is_empty() {
        let why = "certificates for its key are held which its maker did not bring: import the one that is meant, and the key stays \
            with it, or have them removed";
        return Err(Refusal::Conflict(format!("the request cannot be removed: {why}")).into());
    }
    erase(tx, key, nothing, now)
}

/// Takes the key's bytes away. Its row goes, too, unless an attempt of the past refers to it; then `nothing` takes the place of
/// the bytes, and the row answers to no public key any more.
fn erase(tx: &mut Tx<'_>, key: PrivateKeyId, nothing: &Sealed, now: i64) -> Result<()> {
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
