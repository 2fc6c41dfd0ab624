//! Certificates that were removed and that no import brings back: a list of digests. What is found in a certificate store is
//! taken in all the same, so that what is in use is seen; queries tell it by `IsExcluded`.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use certhold_store::{Row, Tx, Value, params};
use serde_json::json;

use super::certificate;
use super::import::Candidate;
use super::remove::{remove_permitted, require_removable};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::collections::{self, Moved, Scope};
use crate::custody::Sealed;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, ExclusionId};
use crate::limits;
use crate::query::FieldId;

/// A certificate that no import brings back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// Its handle.
    pub id: ExclusionId,
    /// SHA-256 of the certificate.
    pub sha256: [u8; 32],
    /// SHA-1 of the certificate, by which others know it.
    pub sha1: [u8; 20],
    /// What people called it.
    pub title: String,
    /// Unix milliseconds.
    pub excluded_at: i64,
}

const COLUMNS: &str = "id, sha256, sha1, title, excluded_at FROM excluded_certificate";

fn read(row: &Row<'_>) -> Result<Exclusion, certhold_store::Error> {
    Ok(Exclusion {
        id: ExclusionId(row.get(0)?),
        sha256: row.get(1)?,
        sha1: row.get(2)?,
        title: row.get(3)?,
        excluded_at: row.get(4)?,
    })
}

/// Removes a certificate within a scope, with its private key as [`remove_with_key`](super::remove_with_key) does, and keeps imports from
/// bringing it back.
pub fn exclude(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope, nothing: &Sealed, now: i64) -> Result<()> {
    collections::require(tx, actor, paths::CERTIFICATES_EXCLUDE, id, scope)?;
    require_removable(tx, id)?;
    let found = certificate::find(tx, id)?.ok_or_else(|| Refusal::not_found("certificate", id))?;
    let listed: Option<i64> =
        tx.one("SELECT id FROM excluded_certificate WHERE sha256 = $1", params![&found.sha256], |row| row.get(0))?;
    let there: i64 = tx.one("SELECT count(*) FROM excluded_certificate", params![], |row| row.get(0))?.unwrap_or(0);
    if listed.is_none() && there >= limits::EXCLUSIONS {
        return Err(Refusal::Conflict(format!("{there} certificates are excluded: let some be imported again first")).into());
    }
    let der: Option<Vec<u8>> =
        tx.one("SELECT der FROM certificate_body WHERE certificate = $1", params![id], |row| row.get(0))?;
    let der = der.ok_or_else(|| Error::damaged(format!("certificate {id} has no body")))?;
    let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, &der);
    let title = found.title().to_owned();
    let number: Option<i64> = tx.one(
        "INSERT INTO excluded_certificate (sha256, sha1, title, excluded_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (sha256) DO UPDATE SET excluded_at = $4 RETURNING id",
        params![&found.sha256, sha1.as_ref(), &title, now],
        |row| row.get(0),
    )?;
    remove_permitted(tx, actor, id, scope, nothing, now)?;
    let mut payload = json!({ "certificate": id, "after": { "sha256": crate::text::hex(&found.sha256) } });
    scope.tell(&mut payload);
    let object = Object { kind: "exclusion", id: number, name: &title };
    events::append(tx, actor, now, NewEvent::new(names::EXCLUSION_CREATED, object, payload))?;
    Ok(())
}

/// All exclusions, newest first.
pub fn exclusions(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Exclusion>> {
    access::require_path(tx, actor, paths::CERTIFICATES_EXCLUDE)?;
    Ok(tx.rows(&format!("SELECT {COLUMNS} ORDER BY id DESC"), params![], read)?)
}

/// Lets a certificate be imported again. One that was found in a certificate store meanwhile is here: then this moves it across the borders
/// of collections that look at what is excluded, and needs what changing these needs.
pub fn readmit(tx: &mut Tx<'_>, actor: &Actor, id: ExclusionId, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::CERTIFICATES_EXCLUDE)?;
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE id = $1"), params![id], read)?;
    let found = found.ok_or_else(|| Refusal::not_found("exclusion", id))?;
    let held: Option<i64> = tx.one("SELECT id FROM certificate WHERE sha256 = $1", params![&found.sha256], |row| row.get(0))?;
    if held.is_some() {
        let moved = Moved { field: FieldId::IsExcluded, before: Some("true"), after: None };
        collections::require_may_move(tx, actor, &[moved])?;
    }
    tx.execute("DELETE FROM excluded_certificate WHERE id = $1", params![id])?;
    let payload = json!({ "before": { "sha256": crate::text::hex(&found.sha256) } });
    let object = Object::new("exclusion", id.0, &found.title);
    events::append(tx, actor, now, NewEvent::new(names::EXCLUSION_DELETED, object, payload))?;
    Ok(())
}

/// For each candidate whether it is kept out: excluded, and not held by another way.
pub(super) fn kept_out(tx: &mut Tx<'_>, candidates: &[Candidate]) -> Result<Vec<bool>> {
    // Most installations exclude nothing, and imports are many.
    let any: Option<i64> = tx.one("SELECT id FROM excluded_certificate LIMIT 1", params![], |row| row.get(0))?;
    if any.is_none() {
        return Ok(vec![false; candidates.len()]);
    }
    let digests: Vec<[Value<'_>; 1]> = candidates.iter().map(|candidate| [candidate.sha256().into()]).collect();
    let excluded = tx.one_of_each("SELECT id FROM excluded_certificate WHERE sha256 = $1", &digests, |row| row.get::<i64>(0))?;
    let held = tx.one_of_each("SELECT id FROM certificate WHERE sha256 = $1", &digests, |row| row.get::<i64>(0))?;
    Ok(excluded.into_iter().zip(held).map(|(excluded, held)| excluded.is_some() && held.is_none()).collect())
}
