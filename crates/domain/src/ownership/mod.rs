//! Who owns a certificate: a security role. Owning grants nothing by itself; it restricts who may change the owner.

mod candidates;
mod contact;
mod decide;
mod policy;

use certhold_store::{Tx, Value, params};
use serde_json::json;

pub use candidates::{Candidate, candidates, candidates_for_new, needed};
pub use contact::{contact, contact_of_managed};
pub use decide::{Denial, Facts, Grounds, OwnerRole, Scope, decide, decide_beforehand, expanded_sets};
pub use policy::{OwnerPolicy, policy, set_policy};
pub(crate) use policy::{not_clearable, require_clearable};

use crate::access::{self, Access, paths, roles};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, CollectionId, PermissionSetId, RoleId};
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
    let Some(decided) = decided(tx, actor, command, now)? else { return Ok(OwnerChange::Unchanged) };
    let Decided { before, after, grounds, title } = decided;
    inventory::set_owner(tx, command.certificate, before.as_ref().map(|role| role.id), command.to)?;
    let told = |role: &Option<OwnerRole>| json!({ "owner_role": role.as_ref().map(|role| role.id), "owner_name": role.as_ref().map(|role| &role.name) });
    let mut payload = json!({ "before": told(&before), "after": told(&after) });
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

/// A change that may be made.
struct Decided {
    before: Option<OwnerRole>,
    after: Option<OwnerRole>,
    grounds: Grounds,
    title: String,
}

/// Decides and writes nothing; `None` when the owner is this already.
fn decided(tx: &mut Tx<'_>, actor: &Actor, command: &ChangeOwner, now: i64) -> Result<Option<Decided>> {
    let held = access::current(tx, actor)?;
    let scope = command.scope;
    // Decided before anything is looked up: whoever lacks every right does not learn what exists.
    require_beforehand(&held, scope)?;
    let Some((mut facts, title)) = looked_at(tx, command.certificate, scope, now)? else {
        // Whoever could change this one neither if it existed learns nothing.
        decide(&held, &Facts { scope, ..Facts::default() }).map_err(refusal)?;
        return Err(Refusal::not_found("certificate", command.certificate).into());
    };
    // What the scope rules out is refused before the role is looked up.
    let outside =
        scope.collection.is_some() && !facts.in_collection || scope.effective_container().is_some() && !facts.in_container;
    facts.to = command.to.filter(|_| !outside).map(|role| next_owner(tx, actor, &held, role)).transpose()?;
    let grounds = decide(&held, &facts).map_err(refusal)?;
    if facts.owner.as_ref().map(|role| role.id) == command.to {
        return Ok(None);
    }
    if command.to.is_none() {
        require_clearable(tx, command.certificate)?;
    }
    Ok(Some(Decided { before: facts.owner, after: facts.to, grounds, title }))
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

/// Changes the owner of several certificates in one transaction: of all, or of none. How many have another owner now. At most
/// [`limits::BULK_CHUNK`]; more are changed in pieces, after [`foresee`].
pub fn change_many(
    tx: &mut Tx<'_>,
    actor: &Actor,
    certificates: &[CertificateId],
    scope: Scope,
    to: &NewOwner,
    now: i64,
) -> Result<usize> {
    let to = new_owner(tx, actor, certificates.len(), limits::BULK_CHUNK, scope, to)?;
    let mut changed = 0;
    for certificate in certificates {
        let command = ChangeOwner { certificate: *certificate, scope, to };
        changed += usize::from(change(tx, actor, &command, now)? == OwnerChange::Changed);
    }
    Ok(changed)
}

/// Refuses what [`change_many`] would refuse of these certificates as they are now, and writes nothing; the new owner. For whoever changes
/// them in pieces, of which a later one should not be refused for what could be known before the first.
pub fn foresee(
    tx: &mut Tx<'_>,
    actor: &Actor,
    certificates: &[CertificateId],
    scope: Scope,
    to: &NewOwner,
    now: i64,
) -> Result<Option<RoleId>> {
    let to = new_owner(tx, actor, certificates.len(), limits::PAGE_ROWS as i64, scope, to)?;
    for certificate in certificates {
        decided(tx, actor, &ChangeOwner { certificate: *certificate, scope, to }, now)?;
    }
    Ok(to)
}

/// Who it is, for whoever may change so many owners at all.
fn new_owner(tx: &mut Tx<'_>, actor: &Actor, many: usize, most: i64, scope: Scope, to: &NewOwner) -> Result<Option<RoleId>> {
    require_beforehand(&*access::current(tx, actor)?, scope)?;
    if i64::try_from(many).unwrap_or(i64::MAX) > most {
        return Err(Refusal::TooLarge(format!("at most {most} certificates change hands at once")).into());
    }
    Ok(match to {
        NewOwner::Nobody => None,
        NewOwner::Role(id) => Some(*id),
        NewOwner::Named(name) => Some(named(tx, actor, name)?),
    })
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

/// What [`decide()`] needs to know of a certificate, for whoever was found to see it or is told nothing of it; `None` when there is
/// no such certificate. The change, the reasons and the pages ask here; who the owner shall be is for the caller to add.
pub fn facts(tx: &mut Tx<'_>, certificate: CertificateId, scope: Scope, now: i64) -> Result<Option<Facts>> {
    Ok(looked_at(tx, certificate, scope, now)?.map(|(facts, _)| facts))
}

fn looked_at(tx: &mut Tx<'_>, certificate: CertificateId, scope: Scope, now: i64) -> Result<Option<(Facts, String)>> {
    let Some(standing) = standing(tx, certificate)? else { return Ok(None) };
    let in_collection = match scope.collection {
        Some(collection) => collections::holds(tx, collection, certificate, now)?,
        None => false,
    };
    let in_container = match scope.effective_container() {
        Some(container) => stores::in_container(tx, certificate, container)?,
        None => false,
    };
    Ok(Some((standing.within(scope, in_collection, in_container), standing.title)))
}

/// The facts of a change by this actor, for whoever was found to see the certificate: in the place through which they may make it
/// (everywhere or the collection that they came through, else a container in whose stores it is), or in the first where they may not.
pub fn reached(
    tx: &mut Tx<'_>,
    actor: &Actor,
    certificate: CertificateId,
    collection: Option<CollectionId>,
    now: i64,
) -> Result<Facts> {
    let first = facts(tx, certificate, Scope { collection, container: None }, now)?;
    let first = first.ok_or_else(|| Refusal::not_found("certificate", certificate))?;
    let held = access::current(tx, actor)?;
    if !first.in_some_store || decide(&held, &first).is_ok() {
        return Ok(first);
    }
    for (container, _) in stores::holders_of(tx, certificate)? {
        let scope = Scope { collection: None, container: Some(container) };
        let facts = Facts { scope, in_collection: false, in_container: true, ..first.clone() };
        if decide(&held, &facts).is_ok() {
            return Ok(facts);
        }
    }
    Ok(first)
}

/// A certificate as the rule sees it, wherever the right is held.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// Who owns it.
    pub(crate) owner: Option<OwnerRole>,
    /// What people call it.
    pub(crate) title: String,
    /// Whether it is in any certificate store.
    pub(crate) in_some_store: bool,
}

impl Standing {
    /// The facts of a right that is held there.
    pub(crate) fn within(&self, scope: Scope, in_collection: bool, in_container: bool) -> Facts {
        let in_some_store = in_container || self.in_some_store;
        Facts { scope, in_collection, in_container, in_some_store, owner: self.owner.clone(), to: None }
    }
}

/// `None` when there is no such certificate.
pub(crate) fn standing(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<Option<Standing>> {
    Ok(standings(tx, &[certificate])?.pop().flatten())
}

/// The same for several, in their order.
pub(crate) fn standings(tx: &mut Tx<'_>, certificates: &[CertificateId]) -> Result<Vec<Option<Standing>>> {
    let lists: Vec<[Value<'_>; 1]> = certificates.iter().map(|id| [(*id).into()]).collect();
    let standings = tx.one_of_each(
        "SELECT role.id, role.name, role.permission_set, certificate.common_name, certificate.subject, certificate.serial, \
         EXISTS (SELECT 1 FROM store_item WHERE store_item.certificate = certificate.id) \
         FROM certificate LEFT JOIN role ON role.id = certificate.owner_role WHERE certificate.id = $1",
        &lists,
        |row| {
            let owner = match row.get::<Option<i64>>(0)? {
                Some(id) => Some(OwnerRole { id: RoleId(id), name: row.get(1)?, set: PermissionSetId(row.get(2)?) }),
                None => None,
            };
            let subject = row.get::<String>(4)?;
            let subject = if subject.is_empty() { row.get(5)? } else { subject };
            let title = row.get::<Option<String>>(3)?.unwrap_or(subject);
            Ok(Standing { owner, title, in_some_store: row.get(6)? })
        },
    )?;
    Ok(standings)
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
    let reason = match name {
        // Of a role that the actor may not know: see [`next_owner`].
        "" => "only somebody who holds the role of the new owner may give it certificates".to_owned(),
        name => format!("only somebody who holds the role {name:?} may give or take its certificates"),
    };
    Refusal::Forbidden { reason, missing: Vec::new() }
}

/// Refuses unless the actor may make `role` the owner of something new: they hold it, hold the expanded right in its permission set, or
/// administer everything.
pub(crate) fn require_may_hand_to(tx: &mut Tx<'_>, actor: &Actor, role: RoleId) -> Result<()> {
    let held: std::sync::Arc<Access> = access::current(tx, actor)?;
    let role = next_owner(tx, actor, &held, role)?;
    if held.holds(role.id) || held.is_administrator() || expanded_sets(&held).contains(&role.set) {
        return Ok(());
    }
    Err(role_not_held(&role.name).into())
}

/// Refuses whoever could change the owner of no certificate there, with the refusal of the change itself.
pub fn require_beforehand(access: &Access, scope: Scope) -> Result<(), Refusal> {
    decide_beforehand(access, scope).map_err(refusal)
}

/// Refuses unless the actor may give a certificate that nobody owns yet to `role`, as they could if it were here already: for those that
/// they bring. The rule of a change decides, everywhere.
pub(crate) fn require_may_give(tx: &mut Tx<'_>, actor: &Actor, role: RoleId) -> Result<()> {
    let held = access::current(tx, actor)?;
    // Nobody learns which roles there are who could give nothing to any.
    decide(&held, &Facts::default()).map_err(refusal)?;
    let to = Some(next_owner(tx, actor, &held, role)?);
    decide(&held, &Facts { to, ..Facts::default() }).map_err(refusal)?;
    Ok(())
}

/// Who shall be owner, as [`decide()`] looks at it. For whoever may not know the role it is one without a name that nobody holds, in no
/// permission set, whether there is such a role or not: so the two are refused alike.
pub(crate) fn next_owner(tx: &mut Tx<'_>, actor: &Actor, held: &Access, role: RoleId) -> Result<OwnerRole> {
    if let Some(role) = held.roles.iter().find(|held| held.id == role) {
        return Ok(OwnerRole { id: role.id, name: role.name.clone(), set: role.set });
    }
    let is_known = held.is_administrator() || access::allows(tx, actor, paths::SECURITY_READ)?;
    match is_known {
        true => owner_role(tx, role),
        // No permission set has this number: they begin at 1.
        false => Ok(OwnerRole { id: role, name: String::new(), set: PermissionSetId(0) }),
    }
}

/// A role as [`decide()`] looks at it.
pub fn owner_role(tx: &mut Tx<'_>, role: RoleId) -> Result<OwnerRole> {
    let found = tx.one("SELECT name, permission_set FROM role WHERE id = $1", params![role], |row| {
        Ok(OwnerRole { id: role, name: row.get(0)?, set: PermissionSetId(row.get(1)?) })
    })?;
    found.ok_or_else(|| Refusal::not_found("role", role).into())
}
