//! Removing a certificate from the inventory.

use certhold_store::{Tx, params};
use serde_json::json;

use super::certificate;
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::CertificateId;
use crate::text;

/// Removes a certificate; its history stays in the log. One that is in use (the current version of a managed certificate, what
/// is deployed, or part of another's chain) is not removed.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::CERTIFICATES_DELETE)?;
    let found = certificate::find(tx, id)?.ok_or_else(|| Refusal::not_found("certificate", id))?;
    let uses = [
        (
            "SELECT 1 FROM lineage WHERE current = $1 LIMIT 1",
            "it is the current version of a managed certificate: remove that first",
        ),
        ("SELECT 1 FROM deployment WHERE certificate = $1 LIMIT 1", "it is deployed: deploy another version first"),
        ("SELECT 1 FROM certificate_chain WHERE member = $1 LIMIT 1", "it is part of the chain of other certificates"),
    ];
    for (sql, why) in uses {
        if tx.one(sql, params![id], |row| row.get::<i64>(0))?.is_some() {
            return Err(Refusal::Conflict(format!("certificate {id} cannot be removed: {why}")).into());
        }
    }
    tx.execute("UPDATE acme_order SET certificate = NULL WHERE certificate = $1", params![id])?;
    tx.execute("DELETE FROM certificate_chain WHERE certificate = $1", params![id])?;
    for name in reversed_names(tx, id)? {
        tx.execute("DELETE FROM certificate_name WHERE reversed = $1 AND certificate = $2", params![name, id])?;
    }
    tx.execute("DELETE FROM certificate WHERE id = $1", params![id])?;
    super::count_added(tx, -1)?;
    let payload = json!({ "before": {
        "sha256": text::hex(&found.sha256), "subject": found.subject, "owner_role": found.owner.as_ref().map(|(id, _)| id),
    }});
    let object = Object::new("certificate", id.0, found.title());
    events::append(tx, actor, now, NewEvent::new(names::CERTIFICATE_DELETED, object, payload))?;
    Ok(())
}

/// The names under which a certificate is indexed, derived from its bytes again: the index has no order by certificate.
fn reversed_names(tx: &mut Tx<'_>, id: CertificateId) -> Result<Vec<String>> {
    let der: Option<Vec<u8>> = tx.one("SELECT der FROM certificate WHERE id = $1", params![id], |row| row.get(0))?;
    let candidate = der.and_then(|der| super::Candidate::of(&der).ok());
    Ok(candidate.map(|candidate| candidate.into_reversed()).unwrap_or_default())
}
