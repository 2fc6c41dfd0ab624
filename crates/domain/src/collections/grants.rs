//! Which roles have rights on a collection.

use certhold_store::{Tx, params};
use serde_json::json;

use super::list;
use crate::access::{self, Path, paths};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CollectionId, RoleId};

/// Below this, the last segment of a path is a collection's number.
const COLLECTIONS: &str = "/certificates/collections/";

/// A role's rights on one collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The role.
    pub role: RoleId,
    /// Its name.
    pub name: String,
    /// Paths that end with the collection's number.
    pub paths: Vec<Path>,
}

/// Who has rights on this collection beside those who have them everywhere, for whoever may read it and sees roles.
pub fn grants(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId) -> Result<Vec<Grant>> {
    access::require(tx, actor, &list::need(id))?;
    access::require_path(tx, actor, paths::SECURITY_READ)?;
    list::find(tx, actor, id)?;
    of(tx, id)
}

/// The same without asking who wants to know.
pub(super) fn of(tx: &mut Tx<'_>, id: CollectionId) -> Result<Vec<Grant>> {
    let ending = format!("/{id}/");
    // Roles are few, and their paths are text: the number narrows, the parsed paths decide.
    let pattern = format!("%{ending}\"%");
    let rows = tx.rows("SELECT id, name, paths FROM role WHERE paths LIKE $1 ORDER BY folded", params![pattern], |row| {
        Ok((RoleId(row.get(0)?), row.get::<String>(1)?, row.get::<String>(2)?))
    })?;
    let mut grants = Vec::new();
    for (role, name, paths) in rows {
        let paths: Vec<Path> = access::parse_paths(&paths)?.into_iter().filter(|path| is_on(path, id)).collect();
        if !paths.is_empty() {
            grants.push(Grant { role, name, paths });
        }
    }
    Ok(grants)
}

fn is_on(path: &Path, id: CollectionId) -> bool {
    path.as_str().starts_with(COLLECTIONS) && path.as_str().ends_with(&format!("/{id}/"))
}

/// The right of which a right on a collection is a part: without the number at its end.
fn everywhere(path: &Path, id: CollectionId) -> String {
    path.as_str().strip_suffix(&format!("{id}/")).unwrap_or(path.as_str()).to_owned()
}

/// Whoever changes what a collection contains changes what its grants allow: they must hold those rights everywhere.
pub(super) fn require_held(tx: &mut Tx<'_>, actor: &Actor, grants: &[Grant], id: CollectionId) -> Result<()> {
    let held = access::current(tx, actor)?;
    let mut missing: Vec<String> = Vec::new();
    for path in grants.iter().flat_map(|grant| &grant.paths) {
        let needed = everywhere(path, id);
        let allowed = Path::parse(&needed).is_ok_and(|needed| held.may_grant(&needed));
        if !allowed && !missing.contains(&needed) {
            missing.push(needed);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let reason = "roles have rights on this collection: whoever changes what is inside must hold these rights everywhere";
    Err(Refusal::Forbidden { reason: reason.into(), missing }.into())
}

/// Takes every right on a collection away, with an event for each role.
pub(super) fn withdraw_all(tx: &mut Tx<'_>, actor: &Actor, grants: &[Grant], now: i64) -> Result<()> {
    rewrite(tx, actor, grants, now, |paths, grant| paths.retain(|path| !grant.paths.contains(path)))
}

/// Gives every role that has rights on one collection the same rights on another.
pub(super) fn copy_all(
    tx: &mut Tx<'_>,
    actor: &Actor,
    grants: &[Grant],
    from: CollectionId,
    to: CollectionId,
    now: i64,
) -> Result<()> {
    let onto = |path: &Path| Path::parse(&format!("{}{to}/", everywhere(path, from)));
    rewrite(tx, actor, grants, now, |paths, grant| paths.extend(grant.paths.iter().filter_map(|path| onto(path).ok())))
}

fn rewrite(tx: &mut Tx<'_>, actor: &Actor, grants: &[Grant], now: i64, change: impl Fn(&mut Vec<Path>, &Grant)) -> Result<()> {
    if grants.is_empty() {
        return Ok(());
    }
    for grant in grants {
        let stored: Option<String> = tx.one("SELECT paths FROM role WHERE id = $1", params![grant.role], |row| row.get(0))?;
        let before = access::parse_paths(stored.as_deref().unwrap_or("[]"))?;
        let mut after = before.clone();
        change(&mut after, grant);
        after.sort();
        after.dedup();
        if after.len() > crate::limits::PATHS {
            return Err(Refusal::TooLarge(format!("the role {:?} has too many permissions to take more", grant.name)).into());
        }
        tx.execute("UPDATE role SET paths = $1 WHERE id = $2", params![access::paths_json(&after), grant.role])?;
        let object = Object::new("role", grant.role.0, &grant.name);
        let (before, after) = (json!({ "permissions": before }), json!({ "permissions": after }));
        events::append(tx, actor, now, NewEvent::changed(names::ROLE_CHANGED, object, before, after))?;
    }
    access::changed(tx)
}
