//! The rule of changing an owner, pure: rights and facts in, verdict out. `docs/change-owner.md` is the same rule in words.

use crate::access::{Access, Decision, HeldRole, Need, paths};
use crate::ids::{CollectionId, ContainerId, PermissionSetId, RoleId};

/// Where the caller says that the right is held. A collection goes over a container: with both, the container is not looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The collection through which the caller acts.
    pub collection: Option<CollectionId>,
    /// The container through which the caller acts.
    pub container: Option<ContainerId>,
}

impl Scope {
    /// The container, unless a collection goes over it.
    pub fn effective_container(&self) -> Option<ContainerId> {
        if self.collection.is_some() { None } else { self.container }
    }
}

/// A role in its two parts: previous or next owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerRole {
    /// The role.
    pub id: RoleId,
    /// Its name, for sentences.
    pub name: String,
    /// The permission set that it is in.
    pub set: PermissionSetId,
}

/// What is known of the certificate and of what shall become of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Where the caller says that the right is held.
    pub scope: Scope,
    /// Whether the certificate is in the collection that the scope names.
    pub in_collection: bool,
    /// Whether the certificate is in a certificate store of the container that the scope names.
    pub in_container: bool,
    /// Whether the certificate is in any certificate store.
    pub in_some_store: bool,
    /// The owner now.
    pub owner: Option<OwnerRole>,
    /// The owner to be; `None` clears.
    pub to: Option<OwnerRole>,
}

/// Why the change is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grounds {
    /// The plain right, and both roles are held.
    Plain,
    /// The plain right, and the built-in administrator role, which passes the comparison of roles.
    Administrator,
    /// The expanded right, in the permission sets of both roles.
    Expanded,
}

/// Why it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The certificate is not in the collection or container that the scope names.
    OutsideScope(String),
    /// None of these is held where it would count.
    NoGrant {
        /// The paths of which any one would have been a beginning.
        missing: Vec<String>,
        /// What stood in the way beside a missing grant.
        reason: String,
    },
    /// The right is there, a role is not held.
    RoleNotHeld {
        /// The role's name.
        role: String,
        /// Whether the expanded right is held, but not in this role's permission set.
        expanded_elsewhere: bool,
    },
}

/// What can be decided before the certificate is looked at: whether any right is held that could allow the change.
///
/// `in_some_store` cannot be known yet, so the right over all stores counts here.
pub fn decide_beforehand(access: &Access, scope: Scope) -> Result<(), Denial> {
    let facts = Facts { scope, in_collection: true, in_container: true, in_some_store: true, ..Facts::default() };
    if holds_expanded(access, None) {
        return Ok(());
    }
    plain(access, &facts)
}

/// Decides: the scope must be true of the certificate; then the plain right with both roles held, or the expanded right in the
/// permission sets of both roles.
pub fn decide(access: &Access, facts: &Facts) -> Result<Grounds, Denial> {
    if let Some(collection) = facts.scope.collection.filter(|_| !facts.in_collection) {
        return Err(Denial::OutsideScope(format!("the certificate is not in the collection {collection}")));
    }
    if let Some(container) = facts.scope.effective_container().filter(|_| !facts.in_container) {
        return Err(Denial::OutsideScope(format!("the certificate is in no certificate store of the container {container}")));
    }
    let roles: Vec<&OwnerRole> = [&facts.owner, &facts.to].into_iter().flatten().collect();
    let not_held = roles.iter().find(|role| !access.roles.iter().any(|held| held.id == role.id));
    let granted = plain(access, facts);
    if granted.is_ok() {
        match not_held {
            None => return Ok(Grounds::Plain),
            Some(_) if access.is_administrator() => return Ok(Grounds::Administrator),
            Some(_) => {}
        }
    }
    let outside = roles.iter().find(|role| !holds_expanded(access, Some(role.set)));
    if outside.is_none() && holds_expanded(access, None) {
        return Ok(Grounds::Expanded);
    }
    let expanded_elsewhere = holds_expanded(access, None);
    let role = match granted {
        Err(denial) if !expanded_elsewhere => return Err(denial),
        Err(_) => outside,
        Ok(()) => not_held,
    };
    Err(Denial::RoleNotHeld { role: role.map(|role| role.name.clone()).unwrap_or_default(), expanded_elsewhere })
}

/// The plain right: everywhere, in the collection, over all stores, in the container; in this order.
fn plain(access: &Access, facts: &Facts) -> Result<(), Denial> {
    let container = facts.scope.effective_container();
    let everywhere =
        Need::system(paths::CERTIFICATES_CHANGE_OWNER).or_collection(paths::CERTIFICATES_CHANGE_OWNER, facts.scope.collection);
    let stores = Need::system(paths::STORES_CHANGE_OWNER).or_container(paths::STORES_CHANGE_OWNER, container);
    let mut denied = match access.evaluate(&everywhere) {
        Decision::Allowed { .. } => return Ok(()),
        Decision::Denied { missing, reason } => (missing, reason),
    };
    if facts.in_some_store {
        match access.evaluate(&stores) {
            Decision::Allowed { .. } => return Ok(()),
            Decision::Denied { missing, .. } if container.is_some() => denied.0.extend(missing),
            Decision::Denied { .. } => {}
        }
    }
    Err(Denial::NoGrant { missing: denied.0, reason: denied.1 })
}

/// The permission sets in which one role brings the expanded right together with the right to read security.
pub fn expanded_sets(access: &Access) -> Vec<PermissionSetId> {
    let both = [paths::EXPANDED_CHANGE_OWNER, paths::SECURITY_READ];
    let brings = |role: &&HeldRole| both.iter().all(|path| role.brings(path) && access.in_scope(path));
    access.roles.iter().filter(brings).map(|role| role.set).collect()
}

/// Whether the expanded right is held, in this permission set or in any.
fn holds_expanded(access: &Access, set: Option<PermissionSetId>) -> bool {
    access.unbounded || expanded_sets(access).iter().any(|held| set.is_none_or(|set| *held == set))
}
