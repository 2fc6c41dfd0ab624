//! Who may administer whose rights. Two rules, for roles, sets, claims, accounts and tokens alike:
//!
//! 1. Nobody grants or takes what they do not hold.
//! 2. A permission set is also a border of administration: the roles inside it are changed and handed out by whoever may change
//!    security through a role of the same set, or of a set that allows more than this one.

use certhold_store::{Tx, params};

use super::evaluate::Path;
use super::load::parse_paths;
use super::roles::Role;
use super::{current, paths};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::ids::{PermissionSetId, RoleId};

/// Refuses unless the actor holds all of these.
pub(crate) fn require_all_held(tx: &mut Tx<'_>, actor: &Actor, permissions: &[Path]) -> Result<()> {
    let held = current(tx, actor)?;
    let missing: Vec<String> =
        permissions.iter().filter(|path| !held.may_grant(path)).map(|path| path.as_str().to_owned()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::Forbidden { reason: "nobody can grant or take what they do not hold".into(), missing }.into())
}

/// Refuses unless the roles of this set are the actor's to administer.
pub(crate) fn require_administers(tx: &mut Tx<'_>, actor: &Actor, set: PermissionSetId, bound: &[Path]) -> Result<()> {
    let held = current(tx, actor)?;
    if held.administers(paths::SECURITY_MODIFY, set, bound) {
        return Ok(());
    }
    let name: Option<String> = tx.one("SELECT name FROM permission_set WHERE id = $1", params![set], |row| row.get(0))?;
    let reason = format!(
        "the permission set {} is neither one through which you hold {} nor narrower than one: its roles are not yours to administer",
        name.map_or_else(|| "that you describe".to_owned(), |name| format!("{name:?}")),
        paths::SECURITY_MODIFY
    );
    Err(Refusal::Forbidden { reason, missing: Vec::new() }.into())
}

/// Refuses unless the actor may change what this role grants.
pub(crate) fn require_may_change(tx: &mut Tx<'_>, actor: &Actor, role: &Role) -> Result<()> {
    require_all_held(tx, actor, &role.permissions)?;
    let bound: Option<String> =
        tx.one("SELECT paths FROM permission_set WHERE id = $1", params![role.permission_set], |row| row.get(0))?;
    let bound = bound.ok_or_else(|| Error::damaged("a role without its permission set"))?;
    require_administers(tx, actor, role.permission_set, &parse_paths(&bound)?)
}

/// Refuses unless the actor may give this role to somebody, or take it from them.
pub(crate) fn require_may_hand_out(tx: &mut Tx<'_>, actor: &Actor, role: &Role) -> Result<()> {
    require_may_change(tx, actor, role)?;
    require_worth(tx, actor, role.id, &role.name)
}

/// Membership of an owner role is what changing an owner asks for, and that of a role of a pattern what enrolling under it asks for, so
/// it is worth as much as a right.
pub(crate) fn require_worth(tx: &mut Tx<'_>, actor: &Actor, role: RoleId, name: &str) -> Result<()> {
    let held = current(tx, actor)?;
    if held.holds(role) || held.is_administrator() || !owns_something(tx, role)? {
        return Ok(());
    }
    let reason = format!(
        "the role {name:?} owns certificates or stands in enrolment patterns: only somebody who holds it hands it on, takes it away, renames it or moves it"
    );
    Err(Refusal::Forbidden { reason, missing: Vec::new() }.into())
}

fn owns_something(tx: &mut Tx<'_>, role: RoleId) -> Result<bool> {
    let owned: Option<i64> = tx.one(
        "SELECT 1 FROM certificate WHERE owner_role = $1 UNION ALL SELECT 1 FROM lineage WHERE owner_role = $1 \
         UNION ALL SELECT 1 FROM enrolment_pattern_role WHERE role = $1 \
         UNION ALL SELECT 1 FROM enrolment_pattern WHERE default_owner = $1 LIMIT 1",
        params![role],
        |row| row.get(0),
    )?;
    Ok(owned.is_some())
}

/// What is said when a name cannot be used because of one that is there.
pub(crate) fn taken(what: &str, name: &str, there: &str) -> String {
    if name.to_lowercase() == there.to_lowercase() {
        return format!("there is {what} named {there:?} already");
    }
    format!("there is {what} named {there:?} already, which looks like {name:?}")
}
