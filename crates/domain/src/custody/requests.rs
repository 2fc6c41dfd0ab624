//! Keys made here together with a certificate signing request, for certificates that somebody obtains by hand. The request
//! keeps the handle of its key until the certificate arrives; an import finds the key by itself.

use certhold_store::{Row, Tx, Value, params};
use serde_json::json;

use super::export::erase_waiting;
use super::{Origin, Sealed, SealedKey, put_private_key};
use crate::access::{self, Need, paths};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, KeyRequestId, PatternId, PrincipalId, PrivateKeyId};
use crate::limits;

/// A key with its request, made and sealed, ready to be kept.
#[derive(Clone)]
pub struct NewKeyRequest {
    /// What people call it; empty for the first name.
    pub name: String,
    /// The names asked for.
    pub names: Vec<String>,
    /// The key.
    pub key: SealedKey,
    /// The signing request, DER.
    pub csr: Vec<u8>,
    /// The enrolment pattern for which it was made.
    pub pattern: Option<PatternId>,
}

/// A request as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    /// Its handle.
    pub id: KeyRequestId,
    /// What people call it.
    pub name: String,
    /// The DNS names asked for.
    pub names: Vec<String>,
    /// "RSA", "EC", "Ed25519".
    pub key_algorithm: String,
    /// The key's size.
    pub key_bits: Option<i64>,
    /// The signing request, DER.
    pub csr: Vec<u8>,
    /// The newest certificate for the key that whoever made the request, or may see all requests to their end, brought.
    pub certificate: Option<CertificateId>,
    /// The enrolment pattern for which it was made.
    pub pattern: Option<PatternId>,
    /// When it was made, unix milliseconds.
    pub created_at: i64,
}

/// Refuses whoever may not make keys, before one is made. Whoever looks after certificates under names may: that is how the next
/// one of a name comes about.
pub fn require_may_request(tx: &mut Tx<'_>, actor: &Actor) -> Result<()> {
    access::require(tx, actor, &Need::system(paths::KEY_REQUESTS_MODIFY).or_system(paths::NAMED_MODIFY))
}

/// Checks what is asked for before a key is made for it: the names, and what the request is called.
pub fn checked_names(name: &str, wanted: &[String]) -> Result<(String, Vec<String>)> {
    if wanted.is_empty() {
        return Err(Refusal::invalid("names", "give at least one DNS name").into());
    }
    if wanted.len() > limits::MANAGED_NAMES {
        return Err(Refusal::invalid("names", format!("at most {} names", limits::MANAGED_NAMES)).into());
    }
    let mut normal: Vec<String> = Vec::with_capacity(wanted.len());
    for text in wanted {
        let canonical = certhold_pki::normalise_dns_name(text).map_err(|error| {
            let shown: String = text.chars().take(limits::NAME_CHARS).collect();
            Refusal::invalid("names", format!("{shown:?}: {error}"))
        })?;
        if !normal.contains(&canonical) {
            normal.push(canonical);
        }
    }
    let called = match name.trim() {
        "" => normal.first().cloned().unwrap_or_default(),
        given => given.to_owned(),
    };
    if called.chars().count() > limits::NAME_CHARS || called.chars().any(char::is_control) {
        return Err(Refusal::invalid("name", format!("at most {} printable characters", limits::NAME_CHARS)).into());
    }
    Ok((called, normal))
}

/// Keeps a new key with its request.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, new: &NewKeyRequest, now: i64) -> Result<KeyRequestId> {
    require_may_request(tx, actor)?;
    let (name, names) = checked_names(&new.name, &new.names)?;
    keep(tx, actor, &NewKeyRequest { name, names, ..new.clone() }, now)
}

/// Keeps a new key with its request, for whoever was found to may have it made.
pub(crate) fn keep(tx: &mut Tx<'_>, actor: &Actor, new: &NewKeyRequest, now: i64) -> Result<KeyRequestId> {
    let (key, _) = put_private_key(tx, &new.key, Origin::Generated, now)?;
    let id: Option<i64> = tx.one(
        "INSERT INTO key_request (name, names, private_key, csr, created_at, pattern, principal) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        params![&new.name, json!(new.names).to_string(), key, &new.csr, now, new.pattern, actor.id],
        |row| row.get(0),
    )?;
    let id = KeyRequestId(id.ok_or_else(|| Error::damaged("a key request got no id"))?);
    let mut payload = json!({ "names": new.names, "algorithm": new.key.algorithm, "bits": new.key.bits,
        "public_key_sha256": crate::text::hex(&new.key.spki_sha256) });
    if let Some(pattern) = new.pattern {
        payload["pattern"] = pattern.0.into();
    }
    let object = Object::new("key_request", id.0, &new.name);
    events::append(tx, actor, now, NewEvent::new(names::KEY_REQUEST_CREATED, object, payload))?;
    Ok(id)
}

/// Whose requests the actor reaches: everybody's with the full right, their own with the right to make requests for enrolment.
fn reach(tx: &mut Tx<'_>, actor: &Actor, full: &str) -> Result<Option<PrincipalId>> {
    if access::allows(tx, actor, full)? {
        return Ok(None);
    }
    access::require(tx, actor, &Need::system(full).or_system(paths::ENROLLMENT_CSR_GENERATION))?;
    // Whoever holds rights without being a principal holds all of them.
    Ok(Some(actor.id.unwrap_or(PrincipalId(0))))
}

const COLUMNS: &str = "key_request.id, key_request.name, key_request.names, private_key.algorithm, private_key.bits, \
    key_request.csr, key_request.certificate, key_request.created_at, key_request.pattern \
    FROM key_request JOIN private_key ON private_key.id = key_request.private_key";

fn read(row: &Row<'_>) -> Result<KeyRequest, certhold_store::Error> {
    Ok(KeyRequest {
        id: KeyRequestId(row.get(0)?),
        name: row.get(1)?,
        names: serde_json::from_str(row.text(2)?).unwrap_or_default(),
        key_algorithm: row.get(3)?,
        key_bits: row.get(4)?,
        csr: row.get(5)?,
        certificate: row.get::<Option<i64>>(6)?.map(CertificateId),
        created_at: row.get(7)?,
        pattern: row.get::<Option<i64>>(8)?.map(PatternId),
    })
}

/// The requests, newest first, those before `before`; for whoever may only make requests for enrolment their own.
pub fn list(tx: &mut Tx<'_>, actor: &Actor, before: Option<KeyRequestId>, limit: usize) -> Result<Vec<KeyRequest>> {
    let own = reach(tx, actor, paths::KEY_REQUESTS_READ)?;
    let (before, rows) = (before.map_or(i64::MAX, |id| id.0), limit.clamp(1, limits::PAGE_ROWS) as i64);
    let (condition, mut values) = ("key_request.id < $1 ORDER BY key_request.id DESC LIMIT $2", vec![before.into(), rows.into()]);
    match own {
        None => Ok(tx.rows(&format!("SELECT {COLUMNS} WHERE {condition}"), &values, read)?),
        Some(own) => {
            values.push(own.into());
            Ok(tx.rows(&format!("SELECT {COLUMNS} WHERE key_request.principal = $3 AND {condition}"), &values, read)?)
        }
    }
}

/// Whether a key was made here for a signing request that the actor may see the end of: their own, or anybody's with the right over
/// key requests.
pub(crate) fn is_requested(tx: &mut Tx<'_>, actor: &Actor, spki_sha256: &[u8; 32]) -> Result<bool> {
    let anybodys = access::allows(tx, actor, paths::KEY_REQUESTS_MODIFY)?;
    let makers = tx.rows(
        "SELECT key_request.principal FROM private_key JOIN key_request ON key_request.private_key = private_key.id \
         WHERE private_key.spki_sha256 = $1 LIMIT 100",
        params![spki_sha256],
        |row| row.get::<Option<i64>>(0),
    )?;
    let own = |maker: &Option<i64>| maker.is_some() && *maker == actor.id.map(|id| id.0);
    Ok(!makers.is_empty() && (anybodys || makers.iter().any(own)))
}

/// Certificates that came in, new or held already, with the digests of their public keys: what whoever may see a request to its end
/// brings for its key is what the request waited for. What a stranger brings is not: anybody can make a certificate for a public key
/// that they have seen.
pub(crate) fn answer(tx: &mut Tx<'_>, actor: &Actor, brought: &[(CertificateId, &[u8; 32])]) -> Result<()> {
    // Most installations have no requests, and imports are many.
    if tx.one("SELECT 1 FROM key_request LIMIT 1", params![], |_| Ok(()))?.is_none() {
        return Ok(());
    }
    let keys: Vec<[Value<'_>; 1]> = brought.iter().map(|(_, spki)| [(*spki).into()]).collect();
    let waiting = tx.one_of_each(
        "SELECT key_request.id, key_request.principal FROM private_key \
         JOIN key_request ON key_request.private_key = private_key.id WHERE private_key.spki_sha256 = $1",
        &keys,
        |row| Ok((row.get::<i64>(0)?, row.get::<Option<i64>>(1)?)),
    )?;
    for ((certificate, _), waits) in brought.iter().zip(waiting) {
        let Some((request, maker)) = waits else { continue };
        let is_own = maker.is_some() && maker == actor.id.map(|id| id.0);
        if is_own || access::allows(tx, actor, paths::KEY_REQUESTS_MODIFY)? {
            tx.execute(
                "UPDATE key_request SET certificate = $1 WHERE id = $2 AND (certificate IS NULL OR certificate < $1)",
                params![*certificate, request],
            )?;
        }
    }
    Ok(())
}

/// A certificate that leaves the inventory answers no request any more.
pub(crate) fn forget_answer(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<()> {
    tx.execute("UPDATE key_request SET certificate = NULL WHERE certificate = $1", params![certificate])?;
    Ok(())
}

/// A page of the requests whose certificate is not in the inventory yet, newest first, and how many there are.
pub fn pending(tx: &mut Tx<'_>, actor: &Actor, offset: usize, limit: usize) -> Result<(Vec<KeyRequest>, i64)> {
    let own = reach(tx, actor, paths::KEY_REQUESTS_READ)?;
    let waits = "key_request.certificate IS NULL";
    let condition = match own {
        None => waits.to_owned(),
        Some(_) => format!("key_request.principal = $1 AND {waits}"),
    };
    let mut values: Vec<Value<'_>> = own.iter().map(|own| (*own).into()).collect();
    let count = format!(
        "SELECT count(*) FROM key_request JOIN private_key ON private_key.id = key_request.private_key WHERE {condition}"
    );
    let total: i64 = tx.one(&count, &values, |row| row.get(0))?.unwrap_or(0);
    let (first, second) = (values.len() + 1, values.len() + 2);
    let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    values.push(whole(limit.clamp(1, limits::PAGE_ROWS)).into());
    values.push(whole(offset).into());
    let sql = format!("SELECT {COLUMNS} WHERE {condition} ORDER BY key_request.id DESC LIMIT ${first} OFFSET ${second}");
    Ok((tx.rows(&sql, &values, read)?, total))
}

/// One request.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: KeyRequestId) -> Result<KeyRequest> {
    let own = reach(tx, actor, paths::KEY_REQUESTS_READ)?;
    find_within(tx, id, own)
}

fn find_within(tx: &mut Tx<'_>, id: KeyRequestId, own: Option<PrincipalId>) -> Result<KeyRequest> {
    let sql = format!("SELECT {COLUMNS} WHERE key_request.id = $1");
    let found = match own {
        None => tx.one(&sql, params![id], read)?,
        Some(own) => tx.one(&format!("{sql} AND key_request.principal = $2"), params![id, own], read)?,
    };
    found.ok_or_else(|| Refusal::not_found("key request", id).into())
}

/// Remove a request.
#[derive(Clone)]
pub struct RemoveKeyRequest {
    /// The request.
    pub id: KeyRequestId,
    /// As in [`super::DestroyKey`].
    pub nothing: Sealed,
}

/// Removes a request. The key of one that still waits is destroyed with it; a key that has its certificate stays. A request that waits
/// while certificates for its key are held which others brought is not removed.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, command: &RemoveKeyRequest, now: i64) -> Result<()> {
    let own = reach(tx, actor, paths::KEY_REQUESTS_MODIFY)?;
    let request = find_within(tx, command.id, own)?;
    let key: Option<i64> = tx.one("SELECT private_key FROM key_request WHERE id = $1", params![command.id], |row| row.get(0))?;
    tx.execute("DELETE FROM key_request WHERE id = $1", params![command.id])?;
    let destroyed = request.certificate.is_none();
    if let (true, Some(key)) = (destroyed, key) {
        erase_waiting(tx, PrivateKeyId(key), &command.nothing, now)?;
    }
    let payload = json!({ "names": request.names, "key_destroyed": destroyed });
    let object = Object::new("key_request", command.id.0, &request.name);
    events::append(tx, actor, now, NewEvent::new(names::KEY_REQUEST_DELETED, object, payload))?;
    Ok(())
}
