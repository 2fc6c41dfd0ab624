//! Permission sets: the upper bound of the roles inside them, and a border of administration ([`super::delegation`]).
//!
//! A set bounds when rights are evaluated, not when roles are written: a set that is narrowed takes effect at once, on every role
//! inside it, and the roles keep what they grant. What of it has no effect any more is answered, and shown with each role.

use certhold_store::{Row, Tx, Value, params};
use serde_json::json;

use super::delegation;
use super::evaluate::{Path, covers_any, effective, without_redundancy};
use super::load::{changed, parse_paths, paths_json};
use super::{paths, require_path, tree};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{PermissionSetId, RoleId};
use crate::lookalike;

/// A permission set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionSet {
    /// Its handle.
    pub id: PermissionSetId,
    /// Its public identifier.
    pub uuid: String,
    /// Unique without regard to case.
    pub name: String,
    /// What roles inside it may be given at most.
    pub permissions: Vec<Path>,
    /// How many roles are inside it.
    pub roles: i64,
    /// Whether it bounds the administrator role: then it cannot be changed.
    pub built_in: bool,
}

/// Create or replace a permission set.
#[derive(Clone, Debug, Default)]
pub struct SetCommand {
    /// Unique without regard to case.
    pub name: String,
    /// What roles inside it may be given at most.
    pub permissions: Vec<String>,
}

/// What a change of a set did to the roles inside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetChange {
    /// What roles grant and has no effect any more.
    pub stopped: Vec<Affected>,
    /// What roles grant and has effect again.
    pub began: Vec<Affected>,
}

/// What happened to one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    /// The role.
    pub role: RoleId,
    /// Its name.
    pub name: String,
    /// What of it is concerned: paths that it grants, or permissions below them.
    pub paths: Vec<Path>,
    /// How many accounts hold it.
    pub holders: i64,
}

const COLUMNS: &str = "permission_set.id, permission_set.uuid, permission_set.name, permission_set.paths, \
    (SELECT count(*) FROM role WHERE role.permission_set = permission_set.id), \
    (SELECT count(*) FROM role WHERE role.permission_set = permission_set.id AND role.built_in) FROM permission_set";

fn read(row: &Row<'_>) -> Result<(PermissionSet, String), certhold_store::Error> {
    let set = PermissionSet {
        id: PermissionSetId(row.get(0)?),
        uuid: row.get(1)?,
        name: row.get(2)?,
        permissions: Vec::new(),
        roles: row.get(4)?,
        built_in: row.get::<i64>(5)? > 0,
    };
    Ok((set, row.get(3)?))
}

fn whole((set, permissions): (PermissionSet, String)) -> Result<PermissionSet> {
    Ok(PermissionSet { permissions: parse_paths(&permissions)?, ..set })
}

/// All permission sets, the oldest first.
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<PermissionSet>> {
    require_path(tx, actor, paths::SECURITY_READ)?;
    let found = tx.rows(&format!("SELECT {COLUMNS} ORDER BY permission_set.id"), params![], read)?;
    found.into_iter().map(whole).collect()
}

/// One permission set.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: PermissionSetId) -> Result<PermissionSet> {
    require_path(tx, actor, paths::SECURITY_READ)?;
    find(tx, id)
}

/// These sets, without asking who wants to know: for whoever has roles in them, or has just written one.
pub fn of_roles(tx: &mut Tx<'_>, ids: &[PermissionSetId]) -> Result<Vec<PermissionSet>> {
    let mut wanted = ids.to_vec();
    wanted.sort();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (1..=wanted.len()).map(|place| format!("${place}")).collect();
    let values: Vec<Value<'static>> = wanted.iter().map(|id| Value::Int(id.0)).collect();
    let sql = format!("SELECT {COLUMNS} WHERE permission_set.id IN ({}) ORDER BY permission_set.id", places.join(", "));
    let found = tx.rows(&sql, &values, read)?.into_iter().map(whole).collect::<Result<Vec<_>>>()?;
    match wanted.iter().find(|id| !found.iter().any(|set| set.id == **id)) {
        Some(missing) => Err(Refusal::not_found("permission set", *missing).into()),
        None => Ok(found),
    }
}

pub(crate) fn find(tx: &mut Tx<'_>, id: PermissionSetId) -> Result<PermissionSet> {
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE permission_set.id = $1"), params![id], read)?;
    whole(found.ok_or_else(|| Refusal::not_found("permission set", id))?)
}

/// Creates a permission set. Nobody bounds with more than they hold.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, command: &SetCommand, uuid: uuid::Uuid, now: i64) -> Result<PermissionSetId> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let (name, permissions) = check(tx, actor, command, None)?;
    delegation::require_all_held(tx, actor, &permissions)?;
    let id: Option<i64> = tx.one(
        "INSERT INTO permission_set (uuid, name, folded, paths) VALUES ($1, $2, $3, $4) RETURNING id",
        params![uuid.to_string(), &name, lookalike::fold(&name), paths_json(&permissions)],
        |row| row.get(0),
    )?;
    let id = PermissionSetId(id.ok_or_else(|| Error::damaged("a permission set got no id"))?);
    let payload = json!({ "after": { "name": name, "permissions": permissions } });
    let object = Object::new("permission_set", id.0, &name);
    events::append(tx, actor, now, NewEvent::new(names::PERMISSION_SET_CREATED, object, payload))?;
    Ok(id)
}

/// Replaces a set's name and bound. It takes effect at once; the answer says what roles grant in vain from now on, and what they
/// grant with effect again. Nobody takes from a bound, or adds to it, what they do not hold.
pub fn update(tx: &mut Tx<'_>, actor: &Actor, id: PermissionSetId, command: &SetCommand, now: i64) -> Result<SetChange> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let before = find(tx, id)?;
    refuse_built_in(&before)?;
    delegation::require_administers(tx, actor, id, &before.permissions)?;
    let (name, after) = check(tx, actor, command, Some(id))?;
    let differs =
        |one: &[Path], other: &[Path]| one.iter().filter(|path| !covers_any(other, path.as_str())).cloned().collect::<Vec<_>>();
    let moved = [differs(&before.permissions, &after), differs(&after, &before.permissions)].concat();
    delegation::require_all_held(tx, actor, &moved)?;
    if name == before.name && after == before.permissions {
        return Ok(SetChange::default());
    }
    tx.execute(
        "UPDATE permission_set SET name = $1, folded = $2, paths = $3 WHERE id = $4",
        params![&name, lookalike::fold(&name), paths_json(&after), id],
    )?;
    changed(tx)?;
    let change = affected(tx, id, &before.permissions, &after)?;
    let (old, new) =
        (json!({ "name": before.name, "permissions": before.permissions }), json!({ "name": name, "permissions": after }));
    let mut event = NewEvent::changed(names::PERMISSION_SET_CHANGED, Object::new("permission_set", id.0, &name), old, new);
    let told = |affected: &[Affected]| {
        let one = |one: &Affected| json!({ "role": one.role, "name": one.name, "permissions": one.paths });
        affected.iter().map(one).collect::<Vec<_>>()
    };
    event.payload["stopped"] = told(&change.stopped).into();
    event.payload["began"] = told(&change.began).into();
    events::append(tx, actor, now, event)?;
    Ok(change)
}

/// Removes a permission set that no role is inside of.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: PermissionSetId, now: i64) -> Result<()> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let set = find(tx, id)?;
    refuse_built_in(&set)?;
    delegation::require_administers(tx, actor, id, &set.permissions)?;
    delegation::require_all_held(tx, actor, &set.permissions)?;
    if set.roles > 0 {
        let message = format!("{} roles are inside the permission set {:?}: give them another set first", set.roles, set.name);
        return Err(Refusal::Conflict(message).into());
    }
    tx.execute("DELETE FROM permission_set WHERE id = $1", params![id])?;
    changed(tx)?;
    let payload = json!({ "before": { "name": set.name, "permissions": set.permissions } });
    let object = Object::new("permission_set", id.0, &set.name);
    events::append(tx, actor, now, NewEvent::new(names::PERMISSION_SET_DELETED, object, payload))?;
    Ok(())
}

fn refuse_built_in(set: &PermissionSet) -> Result<(), Refusal> {
    if set.built_in {
        let message = format!("the permission set {:?} bounds the Administrator role and cannot be changed", set.name);
        return Err(Refusal::Conflict(message));
    }
    Ok(())
}

fn check(tx: &mut Tx<'_>, actor: &Actor, command: &SetCommand, except: Option<PermissionSetId>) -> Result<(String, Vec<Path>)> {
    let name = lookalike::name("name", &command.name)?;
    let permissions = without_redundancy(&command.permissions)?;
    tree::check_all("permissions", &permissions)?;
    // A set as wide as this must itself be within reach, or its maker could hand out what is not theirs to administer.
    delegation::require_administers(tx, actor, except.unwrap_or(PermissionSetId(0)), &permissions)?;
    let taken: Option<(i64, String)> =
        tx.one("SELECT id, name FROM permission_set WHERE folded = $1", params![lookalike::fold(&name)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if let Some((_, taken)) = taken.filter(|(id, _)| Some(PermissionSetId(*id)) != except) {
        return Err(Refusal::Conflict(delegation::taken("a permission set", &name, &taken)).into());
    }
    Ok((name, permissions))
}

fn affected(tx: &mut Tx<'_>, id: PermissionSetId, before: &[Path], after: &[Path]) -> Result<SetChange> {
    let roles = tx.rows(
        "SELECT id, name, paths, (SELECT count(*) FROM role_claim WHERE role_claim.role = role.id) FROM role \
         WHERE permission_set = $1 ORDER BY folded",
        params![id],
        |row| Ok((RoleId(row.get(0)?), row.get::<String>(1)?, row.get::<String>(2)?, row.get::<i64>(3)?)),
    )?;
    let mut change = SetChange::default();
    for (role, name, grants, holders) in roles {
        let grants = parse_paths(&grants)?;
        let (had, has) = (effective(&grants, before), effective(&grants, after));
        for (paths, list) in [(tree::lost(&had, &has), &mut change.stopped), (tree::lost(&has, &had), &mut change.began)] {
            if !paths.is_empty() {
                list.push(Affected { role, name: name.clone(), paths, holders });
            }
        }
    }
    Ok(change)
}
