//! Who owns a certificate: a security role. Owning grants nothing by itself; it restricts who may change the owner.

mod candidates;
mod decide;
mod policy;

use certhold_store::{Tx, params};
use serde_json::json;

pub use candidates::{Candidate, candidates, candidates_for_new, needed};
pub use decide::{Denial, Facts, Grounds, OwnerRole, Scope, decide, decide_beforehand, expanded_sets};
pub use policy::{OwnerPolicy, policy, set_policy};
pub(crate) use policy::{not_clearable, require_clearable};

use crate::access::{self, Access, paths, roles};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, PermissionSetId, RoleId};
use crate::{collections, inventory, limits, stores};

/// Change the owner of one certificate, or clear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeOwner {
    /// The certificate.
    pub certificate: CertificateId,
    /// Where the caller says that the right is held; nowhere in particular for rights that hold everywhere.
    pub scope: Scope,
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

/// Changes the owner. The rule is [`decide()`]; the event says on which grounds it was allowed, where these are not the plain ones.
pub fn change(tx: &mut Tx<'_>, actor: &Actor, command: &ChangeOwner, now: i64) -> Result<OwnerChange> {
    let held = access::current(tx, actor)?;
    // Decided before anything is looked up: whoever lacks every right does not learn what exists.
    decide_beforehand(&held, command.scope).map_err(refusal)?;
    let Some((facts, title)) = facts(tx, command, now)? else {
        // Whoever could change this one neither if it existed learns nothing.
        decide(&held, &Facts { scope: command.scope, ..Facts::default() }).map_err(refusal)?;
        return Err(Refusal::not_found("certificate", command.certificate).into());
    };
    let grounds = decide(&held, &facts).map_err(refusal)?;
    if facts.owner.as_ref().map(|role| role.id) == command.to {
        return Ok(OwnerChange::Unchanged);
    }
    if command.to.is_none() {
        require_clearable(tx, command.certificate)?;
    }
    let (current, target) = (facts.owner, facts.to);
    inventory::set_owner(tx, command.certificate, current.as_ref().map(|role| role.id), command.to)?;
    let told = |role: &Option<OwnerRole>| json!({ "owner_role": role.as_ref().map(|role| role.id), "owner_name": role.as_ref().map(|role| &role.name) });
    let mut payload = json!({ "before": told(&current), "after": told(&target) });
    grounds.tell(&mut payload);
    if let Some(collection) = command.scope.collection {
        payload["collection"] = collection.0.into();
    }
    if let Some(container) = command.scope.effective_container() {
        payload["container"] = container.0.into();
    }
    let object = Object::new("certificate", command.certificate.0, &title);
    events::append(tx, actor, now, NewEvent::new(names::CERTIFICATE_OWNER_CHANGED, object, payload))?;
    Ok(OwnerChange::Changed)
}

/// A role as somebody refers to it who makes it an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewOwner {
    /// Nobody.
    Nobody,
    /// The role of this handle.
    Role(RoleId),
    /// The role of this name.
    Named(String),
}

/// Changes the owner of several certificates: of all, or of none. How many have another owner now.
pub fn change_many(
    tx: &mut Tx<'_>,
    actor: &Actor,
    certificates: &[CertificateId],
    scope: Scope,
    to: &NewOwner,
    now: i64,
) -> Result<usize> {
    let held = access::current(tx, actor)?;
    decide_beforehand(&held, scope).map_err(refusal)?;
    if certificates.len() > limits::PAGE_ROWS {
        let message = format!("at most {} certificates change hands at once", limits::PAGE_ROWS);
        return Err(Refusal::TooLarge(message).into());
    }
    let to = match to {
        NewOwner::Nobody => None,
        NewOwner::Role(id) => Some(*id),
        NewOwner::Named(name) => Some(named(tx, actor, name)?),
    };
    let mut changed = 0;
    for certificate in certificates {
        let command = ChangeOwner { certificate: *certificate, scope, to };
        changed += usize::from(change(tx, actor, &command, now)? == OwnerChange::Changed);
    }
    Ok(changed)
}

/// The role of a name, as far as the actor may know: those that they hold, all for whoever sees roles.
pub fn named(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> Result<RoleId> {
    roles::by_name(tx, actor, name).map_err(|error| match error {
        Error::Refused(Refusal::NotFound { .. }) => Refusal::invalid("owner", format!("there is no role named {name:?}")).into(),
        other => other,
    })
}

impl Grounds {
    /// Says in an event's details on which grounds a change was allowed, where these are not the plain ones.
    pub(crate) fn tell(&self, payload: &mut serde_json::Value) {
        match self {
            Grounds::Plain => {}
            Grounds::Administrator => payload["as_administrator"] = true.into(),
            Grounds::Expanded => payload["by_expanded_right"] = true.into(),
        }
    }
}

/// What [`decide()`] needs to know of the certificate, and the certificate's title; `None` when it does not exist.
fn facts(tx: &mut Tx<'_>, command: &ChangeOwner, now: i64) -> Result<Option<(Facts, String)>> {
    let scope = command.scope;
    let in_collection = match scope.collection {
        Some(collection) => collections::holds(tx, collection, command.certificate, now)?,
        None => false,
    };
    let in_container = match scope.effective_container() {
        Some(container) => stores::in_container(tx, command.certificate, container)?,
        None => false,
    };
    let in_some_store = in_container || stores::in_some_store(tx, command.certificate)?;
    let Some((owner, title)) = owner_and_title(tx, command.certificate)? else { return Ok(None) };
    // What the scope rules out is refused before the role is looked up.
    let outside = scope.collection.is_some() && !in_collection || scope.effective_container().is_some() && !in_container;
    let to = command.to.filter(|_| !outside).map(|role| owner_role(tx, role)).transpose()?;
    Ok(Some((Facts { scope, in_collection, in_container, in_some_store, owner, to }, title)))
}

pub(crate) fn refusal(denial: Denial) -> Refusal {
    match denial {
        Denial::OutsideScope(reason) => Refusal::Forbidden { reason, missing: vec![paths::CERTIFICATES_CHANGE_OWNER.into()] },
        Denial::NoGrant { missing, reason } => Refusal::Forbidden { reason, missing },
        Denial::RoleNotHeld { role, expanded_elsewhere: false } => role_not_held(&role),
        Denial::RoleNotHeld { role, expanded_elsewhere: true } => {
            let reason = format!(
                "only somebody who holds the role {role:?}, or {} and {} in its permission set, may give or take its certificates",
                paths::EXPANDED_CHANGE_OWNER,
                paths::SECURITY_READ
            );
            Refusal::Forbidden { reason, missing: Vec::new() }
        }
    }
}

fn role_not_held(name: &str) -> Refusal {
    let reason = format!("only somebody who holds the role {name:?} may give or take its certificates");
    Refusal::Forbidden { reason, missing: Vec::new() }
}

/// Refuses unless the actor may make `role` the owner of something new: they hold it, hold the expanded right in its permission set, or
/// administer everything.
pub(crate) fn require_may_hand_to(tx: &mut Tx<'_>, actor: &Actor, role: RoleId) -> Result<()> {
    let held: std::sync::Arc<Access> = access::current(tx, actor)?;
    let role = roles::find(tx, role)?;
    if held.holds(role.id) || held.is_administrator() || expanded_sets(&held).contains(&role.permission_set) {
        return Ok(());
    }
    Err(role_not_held(&role.name).into())
}

/// A role as [`decide()`] looks at it.
pub fn owner_role(tx: &mut Tx<'_>, role: RoleId) -> Result<OwnerRole> {
    let role = roles::find(tx, role)?;
    Ok(OwnerRole { id: role.id, name: role.name, set: role.permission_set })
}

/// Who owns a certificate now; `None` when there is no such certificate.
pub(crate) fn owner(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<Option<Option<OwnerRole>>> {
    Ok(owner_and_title(tx, certificate)?.map(|(owner, _)| owner))
}

type Owned = (Option<OwnerRole>, String);

fn owner_and_title(tx: &mut Tx<'_>, id: CertificateId) -> Result<Option<Owned>> {
    let found = tx.one(
        "SELECT role.id, role.name, role.permission_set, certificate.common_name, certificate.subject, certificate.serial \
         FROM certificate LEFT JOIN role ON role.id = certificate.owner_role WHERE certificate.id = $1",
        params![id],
        |row| {
            let owner = match row.get::<Option<i64>>(0)? {
                Some(id) => Some(OwnerRole { id: RoleId(id), name: row.get(1)?, set: PermissionSetId(row.get(2)?) }),
                None => None,
            };
            let subject = row.get::<String>(4)?;
            let subject = if subject.is_empty() { row.get(5)? } else { subject };
            Ok((owner, row.get::<Option<String>>(3)?.unwrap_or(subject)))
        },
    )?;
    Ok(found)
}
