//! Roles and permission sets.

use certhold_store::{Row, Tx, params};
use serde_json::json;

use super::evaluate::{Path, without_redundancy};
use super::load::{PRINCIPAL_CLAIM, changed, parse_paths, paths_json};
use super::{current, paths, require_path};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{PermissionSetId, PrincipalId, RoleId};
use crate::{limits, text};

/// A security role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its handle.
    pub id: RoleId,
    /// Unique without regard to case.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where its people are reached.
    pub email: Option<String>,
    /// The set that bounds it.
    pub permission_set: PermissionSetId,
    /// That set's name.
    pub permission_set_name: String,
    /// The administrator role that cannot be changed.
    pub built_in: bool,
    /// What it grants.
    pub permissions: Vec<Path>,
    /// How many principals hold it.
    pub holders: i64,
}

/// A permission set: the upper bound of the roles inside it.
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
}

/// Create or replace a role.
#[derive(Clone, Debug, Default)]
pub struct RoleCommand {
    /// Unique without regard to case.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where its people are reached.
    pub email: Option<String>,
    /// The set that bounds it; `None` for `Global`.
    pub permission_set: Option<PermissionSetId>,
    /// What it grants.
    pub permissions: Vec<String>,
}

const COLUMNS: &str = "role.id, role.name, role.description, role.email, role.permission_set, permission_set.name, role.built_in, \
    role.paths, (SELECT count(*) FROM role_claim WHERE role_claim.role = role.id) FROM role \
    JOIN permission_set ON permission_set.id = role.permission_set";

fn read(row: &Row<'_>) -> Result<Role, certhold_store::Error> {
    Ok(Role {
        id: RoleId(row.get(0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        email: row.get(3)?,
        permission_set: PermissionSetId(row.get(4)?),
        permission_set_name: row.get(5)?,
        built_in: row.get(6)?,
        permissions: parse_paths(row.text(7)?).unwrap_or_default(),
        holders: row.get(8)?,
    })
}

/// All roles by name.
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Role>> {
    require_path(tx, actor, paths::SECURITY_READ)?;
    Ok(tx.rows(&format!("SELECT {COLUMNS} ORDER BY role.folded"), params![], read)?)
}

/// Ids and names of the roles an actor may choose as owner: those held, or all for administrators.
pub fn assignable(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<(RoleId, String)>> {
    let held = current(tx, actor)?;
    if !held.is_administrator() {
        return Ok(held.roles.iter().map(|role| (role.id, role.name.clone())).collect());
    }
    Ok(tx.rows("SELECT id, name FROM role ORDER BY folded", params![], |row| Ok((RoleId(row.get(0)?), row.get(1)?)))?)
}

/// One role.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: RoleId) -> Result<Role> {
    require_path(tx, actor, paths::SECURITY_READ)?;
    find(tx, id)
}

/// One role without asking who wants to know: for rules.
pub(crate) fn find(tx: &mut Tx<'_>, id: RoleId) -> Result<Role> {
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE role.id = $1"), params![id], read)?;
    found.ok_or_else(|| Refusal::not_found("role", id).into())
}

/// The role of this name among those the actor may refer to (held, or all with the right to read security).
pub fn by_name(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> Result<RoleId> {
    let folded = text::fold(name);
    let held = current(tx, actor)?;
    if let Some(role) = held.roles.iter().find(|role| text::fold(&role.name) == folded) {
        return Ok(role.id);
    }
    require_path(tx, actor, paths::SECURITY_READ)?;
    let found: Option<i64> = tx.one("SELECT id FROM role WHERE folded = $1", params![folded], |row| row.get(0))?;
    found.map(RoleId).ok_or_else(|| Refusal::not_found("role", format!("{name:?}")).into())
}

/// Creates a role. Nobody grants what they do not hold, and a role grants nothing outside its permission set.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, command: &RoleCommand, now: i64) -> Result<RoleId> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let checked = check(tx, actor, command, None)?;
    let id: Option<i64> = tx.one(
        "INSERT INTO role (name, folded, description, email, permission_set, built_in, paths, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        params![
            &checked.name,
            text::fold(&checked.name),
            &command.description,
            &command.email,
            checked.set,
            false,
            paths_json(&checked.permissions),
            now
        ],
        |row| row.get(0),
    )?;
    let id = RoleId(id.ok_or_else(|| Error::damaged("a role got no id"))?);
    changed(tx)?;
    let payload = json!({ "after": { "name": checked.name, "permission_set": checked.set, "permissions": checked.permissions } });
    events::append(tx, actor, now, NewEvent::new(names::ROLE_CREATED, Object::new("role", id.0, &checked.name), payload))?;
    Ok(id)
}

/// Replaces a role's name, description, set and permissions.
pub fn update(tx: &mut Tx<'_>, actor: &Actor, id: RoleId, command: &RoleCommand, now: i64) -> Result<()> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let before = find(tx, id)?;
    refuse_built_in(&before)?;
    require_all_held(tx, actor, &before.permissions)?;
    let checked = check(tx, actor, command, Some(id))?;
    tx.execute(
        "UPDATE role SET name = $1, folded = $2, description = $3, email = $4, permission_set = $5, paths = $6 WHERE id = $7",
        params![
            &checked.name,
            text::fold(&checked.name),
            &command.description,
            &command.email,
            checked.set,
            paths_json(&checked.permissions),
            id
        ],
    )?;
    changed(tx)?;
    let describe = |name: &str, description: &str, email: &Option<String>, set: PermissionSetId, permissions: &[Path]| json!({ "name": name, "description": description, "email": email, "permission_set": set, "permissions": permissions });
    let old = describe(&before.name, &before.description, &before.email, before.permission_set, &before.permissions);
    let new = describe(&checked.name, &command.description, &command.email, checked.set, &checked.permissions);
    let object = Object::new("role", id.0, &checked.name);
    events::append(tx, actor, now, NewEvent::changed(names::ROLE_CHANGED, object, old, new))?;
    Ok(())
}

/// Removes a role that owns nothing.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: RoleId, now: i64) -> Result<()> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let role = find(tx, id)?;
    refuse_built_in(&role)?;
    require_all_held(tx, actor, &role.permissions)?;
    for (sql, what) in [
        ("SELECT count(*) FROM certificate WHERE owner_role = $1", "certificates"),
        ("SELECT count(*) FROM lineage WHERE owner_role = $1", "managed certificates"),
    ] {
        let owned: i64 = tx.one(sql, params![id], |row| row.get(0))?.unwrap_or(0);
        if owned > 0 {
            let message = format!("the role {:?} owns {owned} {what}: give them another owner first", role.name);
            return Err(Refusal::Conflict(message).into());
        }
    }
    tx.execute("DELETE FROM role_claim WHERE role = $1", params![id])?;
    tx.execute("DELETE FROM role WHERE id = $1", params![id])?;
    changed(tx)?;
    let payload = json!({ "before": { "name": role.name, "permissions": role.permissions, "holders": role.holders } });
    events::append(tx, actor, now, NewEvent::new(names::ROLE_DELETED, Object::new("role", id.0, &role.name), payload))?;
    Ok(())
}

/// Gives a role to a principal. Nobody hands out what they do not hold.
pub fn assign(tx: &mut Tx<'_>, actor: &Actor, role: RoleId, principal: PrincipalId, now: i64) -> Result<()> {
    let (role, uuid, name) = claim(tx, actor, role, principal)?;
    let added = tx.execute(
        "INSERT INTO role_claim (role, type, value) VALUES ($1, $2, $3) ON CONFLICT (type, value, role) DO NOTHING",
        params![role.id, PRINCIPAL_CLAIM, uuid],
    )?;
    claim_changed(tx, actor, added, names::ROLE_ASSIGNED, &role, principal, &name, now)
}

/// Takes a role from a principal. The last holder of the administrator role keeps it.
pub fn withdraw(tx: &mut Tx<'_>, actor: &Actor, role: RoleId, principal: PrincipalId, now: i64) -> Result<()> {
    let (role, uuid, name) = claim(tx, actor, role, principal)?;
    let removed = tx.execute(
        "DELETE FROM role_claim WHERE role = $1 AND type = $2 AND value = $3",
        params![role.id, PRINCIPAL_CLAIM, uuid],
    )?;
    if role.built_in {
        refuse_no_administrator(tx)?;
    }
    claim_changed(tx, actor, removed, names::ROLE_WITHDRAWN, &role, principal, &name, now)
}

fn claim(tx: &mut Tx<'_>, actor: &Actor, role: RoleId, principal: PrincipalId) -> Result<(Role, String, String)> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let role = find(tx, role)?;
    require_all_held(tx, actor, &role.permissions)?;
    let found =
        tx.one("SELECT uuid, name FROM principal WHERE id = $1", params![principal], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (uuid, name) = found.ok_or_else(|| Refusal::not_found("person or service account", principal))?;
    let held = current(tx, actor)?;
    if !held.holds(role.id) && !held.is_administrator() && owns_something(tx, role.id)? {
        let reason =
            format!("the role {:?} owns certificates: only somebody who holds it hands it on or takes it away", role.name);
        return Err(Refusal::Forbidden { reason, missing: Vec::new() }.into());
    }
    Ok((role, uuid, name))
}

/// Membership of an owner role is what changing an owner asks for, so it is worth as much as a right.
fn owns_something(tx: &mut Tx<'_>, role: RoleId) -> Result<bool> {
    let owned: Option<i64> = tx.one(
        "SELECT 1 FROM certificate WHERE owner_role = $1 UNION ALL SELECT 1 FROM lineage WHERE owner_role = $1 LIMIT 1",
        params![role],
        |row| row.get(0),
    )?;
    Ok(owned.is_some())
}

#[expect(clippy::too_many_arguments, reason = "one private step of two operations")]
fn claim_changed(
    tx: &mut Tx<'_>,
    actor: &Actor,
    rows: u64,
    operation: &'static str,
    role: &Role,
    principal: PrincipalId,
    name: &str,
    now: i64,
) -> Result<()> {
    if rows == 0 {
        return Ok(());
    }
    changed(tx)?;
    let payload = json!({ "role": role.id, "role_name": role.name });
    events::append(tx, actor, now, NewEvent::new(operation, Object::new("principal", principal.0, name), payload))?;
    Ok(())
}

/// Whoever locks everybody out has made a mistake: at least one enabled person who can sign in keeps the administrator role.
pub(crate) fn refuse_no_administrator(tx: &mut Tx<'_>) -> Result<()> {
    let left: i64 = tx
        .one(
            "SELECT count(*) FROM role JOIN role_claim ON role_claim.role = role.id AND role_claim.type = $1 \
             JOIN principal ON principal.uuid = role_claim.value WHERE role.built_in AND NOT principal.disabled \
             AND principal.kind = 'person' AND principal.password_hash IS NOT NULL",
            params![PRINCIPAL_CLAIM],
            |row| row.get(0),
        )?
        .unwrap_or(0);
    if left == 0 {
        return Err(Refusal::Conflict("somebody who can sign in must keep the Administrator role".into()).into());
    }
    Ok(())
}

fn refuse_built_in(role: &Role) -> Result<(), Refusal> {
    if role.built_in {
        return Err(Refusal::Conflict(format!("the role {:?} is built in and cannot be changed", role.name)));
    }
    Ok(())
}

struct Checked {
    name: String,
    set: PermissionSetId,
    permissions: Vec<Path>,
}

fn check(tx: &mut Tx<'_>, actor: &Actor, command: &RoleCommand, except: Option<RoleId>) -> Result<Checked> {
    let name = text::name("name", &command.name)?;
    text::line("description", &command.description.replace('\n', " "), limits::DESCRIPTION_CHARS)?;
    text::line("email", command.email.as_deref().unwrap_or(""), limits::NAME_CHARS)?;
    let permissions = without_redundancy(&command.permissions)?;
    require_all_held(tx, actor, &permissions)?;

    let set = match command.permission_set {
        Some(id) => tx.one("SELECT id, paths FROM permission_set WHERE id = $1", params![id], read_set_bound)?,
        None => tx.one("SELECT id, paths FROM permission_set ORDER BY id LIMIT 1", params![], read_set_bound)?,
    };
    let (set, bound) = set.ok_or_else(|| Refusal::invalid("permission_set", "there is no such permission set"))?;
    let bound = parse_paths(&bound)?;
    if let Some(outside) = permissions.iter().find(|path| !bound.iter().any(|bound| bound.covers(path.as_str()))) {
        let message = format!("{} is outside what the permission set allows", outside.as_str());
        return Err(Refusal::invalid("permissions", message).into());
    }
    let taken: Option<i64> = tx.one("SELECT id FROM role WHERE folded = $1", params![text::fold(&name)], |row| row.get(0))?;
    if taken.is_some_and(|taken| Some(RoleId(taken)) != except) {
        return Err(Refusal::Conflict(format!("there is a role named {name:?} already")).into());
    }
    Ok(Checked { name, set, permissions })
}

fn read_set_bound(row: &Row<'_>) -> Result<(PermissionSetId, String), certhold_store::Error> {
    Ok((PermissionSetId(row.get(0)?), row.get(1)?))
}

fn require_all_held(tx: &mut Tx<'_>, actor: &Actor, permissions: &[Path]) -> Result<()> {
    let held = current(tx, actor)?;
    let missing: Vec<String> =
        permissions.iter().filter(|path| !held.may_grant(path)).map(|path| path.as_str().to_owned()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::Forbidden { reason: "nobody can grant or take what they do not hold".into(), missing }.into())
}

/// All permission sets.
pub fn permission_sets(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<PermissionSet>> {
    require_path(tx, actor, paths::SECURITY_READ)?;
    let sets = tx.rows("SELECT id, uuid, name, paths FROM permission_set ORDER BY id", params![], |row| {
        Ok((PermissionSetId(row.get(0)?), row.get(1)?, row.get(2)?, row.get::<String>(3)?))
    })?;
    sets.into_iter()
        .map(|(id, uuid, name, paths)| Ok(PermissionSet { id, uuid, name, permissions: parse_paths(&paths)? }))
        .collect()
}

/// Creates a permission set. Nobody bounds with more than they hold.
pub fn create_permission_set(
    tx: &mut Tx<'_>,
    actor: &Actor,
    name: &str,
    permissions: &[String],
    uuid: uuid::Uuid,
    now: i64,
) -> Result<PermissionSetId> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let name = text::name("name", name)?;
    let permissions = without_redundancy(permissions)?;
    require_all_held(tx, actor, &permissions)?;
    let id: Option<i64> = tx.one(
        "INSERT INTO permission_set (uuid, name, folded, paths) VALUES ($1, $2, $3, $4) ON CONFLICT (folded) DO NOTHING RETURNING id",
        params![uuid.to_string(), &name, text::fold(&name), paths_json(&permissions)],
        |row| row.get(0),
    )?;
    let id = id.ok_or_else(|| Refusal::Conflict(format!("there is a permission set named {name:?} already")))?;
    let payload = json!({ "after": { "name": name, "permissions": permissions } });
    let object = Object::new("permission_set", id, &name);
    events::append(tx, actor, now, NewEvent::new(names::PERMISSION_SET_CREATED, object, payload))?;
    Ok(PermissionSetId(id))
}
