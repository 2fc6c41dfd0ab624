//! Which roles have rights on one object that doubles as a scope: a collection, or a container of certificate stores.

use std::collections::BTreeSet;

use certhold_store::{Tx, params};
use serde_json::json;

use super::{Access, Path, parse_paths, paths_json};
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
    /// Paths that end with the object's number.
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

/// Who has rights on an object beside those who have them everywhere, without asking who wants to know.
pub(crate) fn on(tx: &mut Tx<'_>, object: Scoped) -> Result<Vec<Grant>> {
    // Roles are few, and their paths are text: the number narrows, the parsed paths decide.
    let pattern = format!("%/{}/\"%", object.id);
    let rows = tx.rows("SELECT id, name, paths FROM role WHERE paths LIKE $1 ORDER BY folded", params![pattern], |row| {
        Ok((RoleId(row.get(0)?), row.get::<String>(1)?, row.get::<String>(2)?))
    })?;
    let mut grants = Vec::new();
    for (role, name, paths) in rows {
        let paths: Vec<Path> = parse_paths(&paths)?.into_iter().filter(|path| object.is_on(path)).collect();
        if !paths.is_empty() {
            grants.push(Grant { role, name, paths });
        }
    }
    Ok(grants)
}

/// The numbers below an area on which roles have rights.
pub(crate) fn objects(tx: &mut Tx<'_>, area: &str) -> Result<BTreeSet<i64>> {
    let pattern = format!("%\"{area}%");
    let rows = tx.rows("SELECT paths FROM role WHERE paths LIKE $1", params![pattern], |row| row.get::<String>(0))?;
    let mut numbers = BTreeSet::new();
    for paths in rows {
        let below = parse_paths(&paths)?.into_iter().filter(|path| path.as_str().starts_with(area));
        numbers.extend(below.filter_map(|path| path.as_str().trim_end_matches('/').rsplit('/').next()?.parse::<i64>().ok()));
    }
    Ok(numbers)
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
pub(crate) fn pass_over(tx: &mut Tx<'_>, object: Scoped, table: &str) -> Result<()> {
    let named = objects(tx, object.area)?;
    let mut last = object.id;
    while let Some(next) = last.checked_add(1).filter(|next| named.contains(next)) {
        last = next;
    }
    tx.number_after(table, last)?;
    Ok(())
}

/// The rights behind these grants that somebody with these rights does not hold everywhere.
pub(crate) fn not_held(held: &Access, grants: &[Grant], object: Scoped) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    for path in grants.iter().flat_map(|grant| &grant.paths) {
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
    let reason =
        format!("roles have rights on this {}: whoever changes what is inside must hold these rights everywhere", object.noun);
    Err(Refusal::Forbidden { reason, missing }.into())
}

/// Gives every role that has rights on one object the same rights on another of its kind.
pub(crate) fn copy_all(tx: &mut Tx<'_>, actor: &Actor, grants: &[Grant], from: Scoped, to: i64, now: i64) -> Result<()> {
    let onto = |path: &Path| Path::parse(&format!("{}{to}/", from.everywhere(path)));
    rewrite(tx, actor, grants, now, |paths, grant| paths.extend(grant.paths.iter().filter_map(|path| onto(path).ok())))
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
