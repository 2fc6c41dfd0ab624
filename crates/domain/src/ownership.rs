//! Who owns a certificate: a security role. Owning grants nothing by itself; it restricts who may change the owner.

use certhold_store::{Tx, params};
use serde_json::json;

use crate::access::{self, Access, Need, paths, roles};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, RoleId};
use crate::inventory;

/// Change the owner of one certificate, or clear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeOwner {
    /// The certificate.
    pub certificate: CertificateId,
    /// The new owner; `None` clears.
    pub to: Option<RoleId>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnerChange {
    /// The owner was this already; nothing was written.
    Unchanged,
    /// The owner is another one now.
    Changed,
}

/// Changes the owner. The caller needs the change-owner right and must hold the current and the new owner role; the built-in
/// administrator passes the comparison of roles, and the event says so.
pub fn change(tx: &mut Tx<'_>, actor: &Actor, command: &ChangeOwner, now: i64) -> Result<OwnerChange> {
    let need = Need::system(paths::CERTIFICATES_CHANGE_OWNER);
    access::require(tx, actor, &need)?;
    let held = access::current(tx, actor)?;
    let (current, title) = owner_and_title(tx, command.certificate)?;
    let target = command.to.map(|role| roles::find(tx, role)).transpose()?;

    let as_administrator = [&current, &target.as_ref().map(|role| (role.id, role.name.clone()))]
        .into_iter()
        .flatten()
        .map(|(role, name)| holds(&held, *role, name))
        .collect::<Result<Vec<_>, _>>()?
        .contains(&Held::AsAdministrator);

    if current.as_ref().map(|(role, _)| *role) == command.to {
        return Ok(OwnerChange::Unchanged);
    }
    inventory::set_owner(tx, command.certificate, current.as_ref().map(|(role, _)| *role), command.to)?;
    let mut payload = json!({
        "before": { "owner_role": current.as_ref().map(|(id, _)| id), "owner_name": current.as_ref().map(|(_, name)| name) },
        "after": { "owner_role": command.to, "owner_name": target.as_ref().map(|role| &role.name) },
    });
    if as_administrator {
        payload["as_administrator"] = true.into();
    }
    let object = Object::new("certificate", command.certificate.0, &title);
    events::append(tx, actor, now, NewEvent::new(names::CERTIFICATE_OWNER_CHANGED, object, payload))?;
    Ok(OwnerChange::Changed)
}

/// Refuses unless the actor may make `role` the owner of something new: they hold it, or administer everything.
pub(crate) fn require_may_hand_to(tx: &mut Tx<'_>, actor: &Actor, role: RoleId) -> Result<()> {
    let held = access::current(tx, actor)?;
    let role = roles::find(tx, role)?;
    holds(&held, role.id, &role.name)?;
    Ok(())
}

#[derive(PartialEq)]
enum Held {
    Itself,
    AsAdministrator,
}

fn holds(access: &Access, role: RoleId, name: &str) -> Result<Held, Refusal> {
    match (access.holds(role) && !access.unbounded, access.is_administrator()) {
        (true, _) => Ok(Held::Itself),
        (false, true) => Ok(Held::AsAdministrator),
        (false, false) => {
            let reason = format!("only somebody who holds the role {name:?} may give or take its certificates");
            Err(Refusal::Forbidden { reason, missing: Vec::new() })
        }
    }
}

type Owner = Option<(RoleId, String)>;

fn owner_and_title(tx: &mut Tx<'_>, id: CertificateId) -> Result<(Owner, String)> {
    let found = tx.one(
        "SELECT role.id, role.name, certificate.common_name, certificate.subject, certificate.serial \
         FROM certificate LEFT JOIN role ON role.id = certificate.owner_role WHERE certificate.id = $1",
        params![id],
        |row| {
            let owner = row.get::<Option<i64>>(0)?.map(RoleId).zip(row.get::<Option<String>>(1)?);
            let subject = row.get::<String>(3)?;
            let subject = if subject.is_empty() { row.get(4)? } else { subject };
            Ok((owner, row.get::<Option<String>>(2)?.unwrap_or(subject)))
        },
    )?;
    found.ok_or_else(|| Refusal::not_found("certificate", id).into())
}
