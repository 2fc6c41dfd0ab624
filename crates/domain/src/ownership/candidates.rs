//! The roles that somebody who changes an owner may know, each with the reason where it cannot be chosen.

use certhold_store::{Tx, params};

use super::decide::{Facts, OwnerRole, decide, expanded_sets};
use super::{refusal, role_not_held};
use crate::access::{self, Access, paths};
use crate::actor::Actor;
use crate::enrolment;
use crate::error::{Refusal, Result};
use crate::ids::{CertificateId, PermissionSetId, RoleId};

/// A role that could own a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The role.
    pub role: RoleId,
    /// Its name.
    pub name: String,
    /// Why it cannot be chosen; `None` when it can.
    pub barred: Option<String>,
}

/// Who could own the certificate of these facts, by name: the roles that the actor holds, and all for whoever sees roles. Each is
/// decided as the change itself would be; `facts.to` is not looked at.
pub fn candidates(tx: &mut Tx<'_>, actor: &Actor, facts: &Facts) -> Result<Vec<Candidate>> {
    let held = access::current(tx, actor)?;
    let why = |role: &OwnerRole| {
        let asked = Facts { to: Some(role.clone()), ..facts.clone() };
        decide(&held, &asked).err().map(|denial| told(&refusal(denial)))
    };
    Ok(known(tx, actor, &held)?
        .into_iter()
        .map(|role| Candidate { barred: why(&role), role: role.id, name: role.name })
        .collect())
}

/// The same for something new, which nobody owns yet and for which no right to change owners is asked.
pub fn candidates_for_new(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Candidate>> {
    let held = access::current(tx, actor)?;
    let sets = expanded_sets(&held);
    let may = |role: &OwnerRole| held.holds(role.id) || held.is_administrator() || sets.contains(&role.set);
    let why = |role: &OwnerRole| (!may(role)).then(|| told(&role_not_held(&role.name)));
    Ok(known(tx, actor, &held)?
        .into_iter()
        .map(|role| Candidate { barred: why(&role), role: role.id, name: role.name })
        .collect())
}

/// Who asks that this certificate has an owner, so that it cannot be cleared; `None` when nobody does. For whoever was found to see it.
pub fn needed(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<Option<String>> {
    Ok(enrolment::owner_needed(tx, &[certificate])?.pop().flatten())
}

fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Forbidden { reason, .. } if !reason.is_empty() => reason.clone(),
        Refusal::Forbidden { missing, .. } => format!("missing {}", missing.join(" or ")),
        other => other.to_string(),
    }
}

fn known(tx: &mut Tx<'_>, actor: &Actor, held: &Access) -> Result<Vec<OwnerRole>> {
    let sees_all = held.is_administrator() || access::allows(tx, actor, paths::SECURITY_READ)?;
    let all = tx.rows("SELECT id, name, permission_set FROM role ORDER BY folded", params![], |row| {
        Ok(OwnerRole { id: RoleId(row.get(0)?), name: row.get(1)?, set: PermissionSetId(row.get(2)?) })
    })?;
    Ok(all.into_iter().filter(|role| sees_all || held.holds(role.id)).collect())
}
