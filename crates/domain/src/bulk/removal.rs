//! Removal of many certificates: the rules of [`crate::inventory::remove`], a chunk at a time.

use certhold_store::{Tx, Value};
use serde_json::{Value as Json, json};

use crate::actor::Actor;
use crate::error::Result;
use crate::ids::CertificateId;
use crate::inventory;

/// What would become of one certificate.
pub(super) struct Decision {
    pub certificate: CertificateId,
    pub title: String,
    pub verdict: Verdict,
}

pub(super) enum Verdict {
    Gone,
    Refused(String),
    /// It leaves the inventory; what is lost with it.
    Remove(Json),
}

/// Decides for some certificates.
pub(super) fn decide(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<Vec<Decision>> {
    let lists: Vec<[Value<'_>; 1]> = ids.iter().map(|id| [(*id).into()]).collect();
    let found = tx.one_of_each(
        "SELECT certificate.common_name, certificate.subject, certificate.serial, role.name FROM certificate \
         LEFT JOIN role ON role.id = certificate.owner_role WHERE certificate.id = $1",
        &lists,
        |row| {
            let (subject, serial): (String, String) = (row.get(1)?, row.get(2)?);
            let name = if subject.is_empty() { &serial } else { &subject };
            let title = row.get::<Option<String>>(0)?.unwrap_or_else(|| name.clone());
            let lost = json!({ "subject": subject, "serial": serial, "owner_name": row.get::<Option<String>>(3)? });
            Ok((title, lost))
        },
    )?;
    let uses = inventory::uses(tx, ids)?;
    let decide = |((id, found), used): ((&CertificateId, Option<(String, Json)>), Option<String>)| {
        let (title, verdict) = match (found, used) {
            (None, _) => (String::new(), Verdict::Gone),
            (Some((title, _)), Some(why)) => (title, Verdict::Refused(why)),
            (Some((title, lost)), None) => (title, Verdict::Remove(lost)),
        };
        Decision { certificate: *id, title, verdict }
    };
    Ok(ids.iter().zip(found).zip(uses).map(decide).collect())
}

/// Removes what may be removed.
pub(super) fn write(tx: &mut Tx<'_>, actor: &Actor, decisions: &[Decision], details: &Json, now: i64) -> Result<()> {
    for decision in decisions {
        if matches!(decision.verdict, Verdict::Remove(_)) {
            inventory::take_out(tx, actor, decision.certificate, details, now)?;
        }
    }
    Ok(())
}
