//! Which roles have rights on one object that doubles as a scope: a collection, or a container of certificate stores.

use std::collections::BTreeSet;

use certhold_store::{Tx, params};
use serde_json::json;

use super::{Access, HeldRole, Path, covers_any, load, parse_paths, paths_json};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::RoleId;

/// A role's rights on one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The role.
    pub role: RoleId,
    /// Its name.
    pub name: String,
    /// What it brings: paths that end with the object's number.
    pub paths: Vec<Path>,
}

/// An object whose number ends paths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scoped {
    /// Below this, the last segment of a path is the number.
    pub(crate) area: &'static str,
    /// "collection" or "container", for sentences.
    pub(crate) noun: &'static str,
    /// The number.
    pub(crate) id: i64,
}

impl Scoped {
    fn is_on(&self, path: &Path) -> bool {
        path.as_str().starts_with(self.area) && path.as_str().ends_with(&format!("/{}/", self.id))
    }

    /// The right of which a right on the object is a part: without the number at its end.
    fn everywhere(&self, path: &Path) -> String {
        path.as_str().strip_suffix(&format!("{}/", self.id)).unwrap_or(path.as_str()).to_owned()
    }
}

/// The rights on single objects among these, which are paths that have effect: their last segment is a number.
fn on_objects(brought: Vec<Path>) -> impl Iterator<Item = (i64, Path)> {
    brought.into_iter().filter_map(|path| Some((number(&path)?, path)))
}

/// The number of the object that a path is about.
fn number(path: &Path) -> Option<i64> {
    path.as_str().trim_end_matches('/').rsplit('/').next()?.parse().ok()
}

/// The rights of a role on single objects, as they have effect: what it grants inside its set, and what the set leaves of wider grants.
pub(crate) fn of_role(role: &HeldRole) -> Vec<Path> {
    on_objects(role.brought()).map(|(_, path)| path).collect()
}

/// The rights of somebody on single objects: of all their roles, as far as the scopes of their credential leave them. A scope that ends
/// with a number is one, where roles bring it.
pub fn of_somebody(held: &Access) -> Vec<Path> {
    on_objects(held.brought()).map(|(_, path)| path).collect()
}

/// Who has rights on an object beside those who have them everywhere, without asking who wants to know: what roles bring, whether they
/// name the object or their sets do.
pub(crate) fn on(tx: &mut Tx<'_>, object: Scoped) -> Result<Vec<Grant>> {
    // Roles are few, and their paths are text: the number narrows, the parsed paths decide.
    let roles = load::roles_naming(tx, &format!("%/{}/\"%", object.id))?;
    let grants = roles.into_iter().filter_map(|role| {
        let paths: Vec<Path> = of_role(&role).into_iter().filter(|path| object.is_on(path)).collect();
        (!paths.is_empty()).then_some(Grant { role: role.id, name: role.name, paths })
    });
    Ok(grants.collect())
}

/// The numbers below an area on which roles have rights.
pub(crate) fn objects(tx: &mut Tx<'_>, area: &str) -> Result<BTreeSet<i64>> {
    let roles = load::roles_naming(tx, &format!("%\"{area}%"))?;
    Ok(roles.iter().flat_map(|role| numbers(role.brought(), area)).collect())
}

/// … or on which the scopes of a credential leave rights of its own: it must not move anything into its own reach either.
pub(crate) fn guarded(tx: &mut Tx<'_>, held: &Access, area: &str) -> Result<BTreeSet<i64>> {
    let mut numbers_there = objects(tx, area)?;
    if held.scopes.is_some() {
        numbers_there.extend(numbers(held.brought(), area));
    }
    Ok(numbers_there)
}

fn numbers(brought: Vec<Path>, area: &str) -> Vec<i64> {
    on_objects(brought).filter(|(_, path)| path.as_str().starts_with(area)).map(|(number, _)| number).collect()
}

/// Refuses to go on while roles have rights on an object that is to be removed, unless `force` takes these rights away: for
/// whoever may change roles and holds the rights everywhere.
pub(crate) fn let_go(tx: &mut Tx<'_>, actor: &Actor, object: Scoped, named: &str, force: bool, now: i64) -> Result<()> {
    let on_it = on(tx, object)?;
    if on_it.is_empty() {
        return Ok(());
    }
    if !force {
        let names: Vec<String> = on_it.iter().take(5).map(|grant| format!("{:?}", grant.name)).collect();
        let message = format!(
            "{} roles have rights on the {} {named:?} ({}{}): take them away first, or remove it by force",
            on_it.len(),
            object.noun,
            names.join(", "),
            if on_it.len() > names.len() { " …" } else { "" }
        );
        return Err(Refusal::Conflict(message).into());
    }
    super::require_path(tx, actor, super::paths::SECURITY_MODIFY)?;
    require_held(tx, actor, &on_it, object)?;
    rewrite(tx, actor, &on_it, now, |paths, grant| paths.retain(|path| !grant.paths.contains(path)))
}

/// Whether somebody may make an object of this number: nobody has rights on it yet, or they hold these rights everywhere. Roles may name
/// numbers of which there is nothing (brought along from elsewhere, or of another time), and whoever makes an object of such a number
/// decides what those rights allow.
pub(crate) fn may_begin(tx: &mut Tx<'_>, actor: &Actor, object: Scoped) -> Result<bool> {
    let on_it = on(tx, object)?;
    Ok(not_held(&*super::current(tx, actor)?, &on_it, object).is_empty())
}

/// Passes over the number of an object that somebody [may not begin](may_begin), with those behind it on which roles have rights: roles may
/// name thousands, so they are read once. The next object of the table gets the first number behind them.
pub(crate) fn pass_over(tx: &mut Tx<'_>, actor: &Actor, object: Scoped, table: &str) -> Result<()> {
    let held = super::current(tx, actor)?;
    let named = guarded(tx, &held, object.area)?;
    let mut last = object.id;
    while let Some(next) = last.checked_add(1).filter(|next| named.contains(next)) {
        last = next;
    }
    tx.number_after(table, last)?;
    Ok(())
}

/// The rights behind these grants that somebody with these rights does not hold everywhere. What the scopes of their credential leave on
/// the object is such a grant, too: a token for one collection does not decide what is in it.
pub(crate) fn not_held(held: &Access, grants: &[Grant], object: Scoped) -> Vec<String> {
    let own = if held.scopes.is_some() { of_somebody(held) } else { Vec::new() };
    let own = own.iter().filter(|path| object.is_on(path));
    let mut missing: Vec<String> = Vec::new();
    for path in grants.iter().flat_map(|grant| &grant.paths).chain(own) {
        let needed = object.everywhere(path);
        let allowed = Path::parse(&needed).is_ok_and(|needed| held.may_grant(&needed));
        if !allowed && !missing.contains(&needed) {
            missing.push(needed);
        }
    }
    missing
}

/// Whoever changes what an object contains changes what its grants allow: they must hold those rights everywhere.
pub(crate) fn require_held(tx: &mut Tx<'_>, actor: &Actor, grants: &[Grant], object: Scoped) -> Result<()> {
    let missing = not_held(&*super::current(tx, actor)?, grants, object);
    if missing.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "roles, or the scopes of your token, have rights on this {}: whoever changes what is inside must hold these rights everywhere",
        object.noun
    );
    Err(Refusal::Forbidden { reason, missing }.into())
}

/// Gives every role that has rights on one object the same rights on another of its kind. One that has them because its set leaves no more
/// of a wider grant keeps what it is: only the set could give it more.
pub(crate) fn copy_all(tx: &mut Tx<'_>, actor: &Actor, grants: &[Grant], from: Scoped, to: i64, now: i64) -> Result<()> {
    let onto = |path: &Path| Path::parse(&format!("{}{to}/", from.everywhere(path)));
    rewrite(tx, actor, grants, now, |paths, grant| {
        for path in grant.paths.iter().filter_map(|path| onto(path).ok()) {
            if !covers_any(paths, path.as_str()) {
                paths.push(path);
            }
        }
    })
}

fn rewrite(tx: &mut Tx<'_>, actor: &Actor, grants: &[Grant], now: i64, change: impl Fn(&mut Vec<Path>, &Grant)) -> Result<()> {
    if grants.is_empty() {
        return Ok(());
    }
    for grant in grants {
        let stored: Option<String> = tx.one("SELECT paths FROM role WHERE id = $1", params![grant.role], |row| row.get(0))?;
        let before = parse_paths(stored.as_deref().unwrap_or("[]"))?;
        let mut after = before.clone();
        change(&mut after, grant);
        after.sort();
        after.dedup();
        if after == before {
            continue;
        }
        if after.len() > crate::limits::PATHS {
            return Err(Refusal::TooLarge(format!("the role {:?} has too many permissions to take more", grant.name)).into());
        }
        tx.execute("UPDATE role SET paths = $1 WHERE id = $2", params![paths_json(&after), grant.role])?;
        let object = Object::new("role", grant.role.0, &grant.name);
        let (before, after) = (json!({ "permissions": before }), json!({ "permissions": after }));
        events::append(tx, actor, now, NewEvent::changed(names::ROLE_CHANGED, object, before, after))?;
    }
    super::changed(tx)
}
