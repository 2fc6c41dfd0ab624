//! Removing a certificate from the inventory.

use std::sync::LazyLock;

use certhold_pki::Facts;
use certhold_store::{Tx, Value, params};
use serde_json::json;

use super::certificate;
use super::counts::Counts;
use super::derived::{self, Derived};
use super::{fields, text_index};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::chains;
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, RoleId};
use crate::metadata;
use crate::text;

static SELECT: LazyLock<String> = LazyLock::new(|| {
    let columns = derived::COLUMNS.join(", ");
    format!(
        "SELECT certificate_body.der, certificate.source, {columns} FROM certificate \
         JOIN certificate_body ON certificate_body.certificate = certificate.id WHERE certificate.id = $1"
    )
});

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
    if let Some(set) = chains::set_with(tx, id)? {
        return Err(Refusal::Conflict(format!("certificate {id} cannot be removed: the trust set {set:?} has it")).into());
    }
    chains::forget(tx, id)?;
    tx.execute("UPDATE acme_order SET certificate = NULL WHERE certificate = $1", params![id])?;
    tx.execute("DELETE FROM certificate_chain WHERE certificate = $1", params![id])?;
    unindex(tx, id, found.owner.as_ref().map(|(role, _)| *role), found.lineage.is_some())?;
    tx.execute("DELETE FROM certificate_body WHERE certificate = $1", params![id])?;
    let noted = metadata::forget(tx, id)?;
    tx.execute("DELETE FROM certificate WHERE id = $1", params![id])?;
    super::count_added(tx, -1)?;
    let mut payload = json!({ "before": {
        "sha256": text::hex(&found.sha256), "subject": found.subject, "owner_role": found.owner.as_ref().map(|(id, _)| id),
    }});
    if let Some(noted) = noted {
        payload["before"]["metadata"] = noted;
    }
    let object = Object::new("certificate", id.0, found.title());
    events::append(tx, actor, now, NewEvent::new(names::CERTIFICATE_DELETED, object, payload))?;
    Ok(())
}

/// Takes a certificate out of the indexes and counts: what was entered follows from its row and its bytes.
fn unindex(tx: &mut Tx<'_>, id: CertificateId, owner: Option<RoleId>, managed: bool) -> Result<()> {
    let row = tx.one(&SELECT, params![id], |row| Ok((row.get::<Vec<u8>>(0)?, row.get::<String>(1)?, Derived::read(row, 2)?)))?;
    let Some((der, source, derived)) = row else { return Ok(()) };
    let names = Facts::of(&der).map(|facts| Derived::reversed(&facts)).unwrap_or_default();
    let names: Vec<[Value<'_>; 2]> = names.iter().map(|name| [name.into(), id.into()]).collect();
    tx.execute_many("DELETE FROM certificate_name WHERE reversed = $1 AND certificate = $2", &names)?;
    let values = fields::values(&derived, &source);
    let terms: Vec<[Value<'_>; 2]> = fields::terms(&values).into_iter().map(|term| [term.into(), id.into()]).collect();
    tx.execute_many("DELETE FROM certificate_term WHERE term = $1 AND certificate = $2", &terms)?;
    text_index::remove(tx, id)?;
    let mut counts = Counts::default();
    fields::counted(&values).for_each(|(field, value)| counts.add(field, value, -1));
    counts.owned(owner, -1);
    if !managed {
        counts.expires(derived.not_after, -1);
    }
    counts.write(tx)
}
