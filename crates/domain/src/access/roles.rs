//! Roles.

use certhold_store::{Row, Tx, params};
use serde_json::json;

use super::delegation;
use super::evaluate::{Path, covers_any, effective, without_redundancy};
pub(crate) use super::holders::refuse_no_administrator;
pub use super::holders::{Member, assign, members, withdraw};
use super::load::{changed, parse_paths, paths_json};
use super::{current, paths, require_path, tree};
use crate::actor::Actor;
use crate::collections::Moved;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{PermissionSetId, RoleId};
use crate::query::FieldId;
use crate::{collections, enrolment, limits, lookalike, ownership, text};

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
    /// How many claims of other sign-ins hold it.
    pub claims: i64,
    /// What of [`Role::permissions`], or of what is below them, has no effect because the permission set does not allow it.
    pub without_effect: Vec<Path>,
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
    role.paths, permission_set.paths, (SELECT count(*) FROM role_claim WHERE role_claim.role = role.id), \
    (SELECT count(*) FROM claim_role WHERE claim_role.role = role.id) FROM role \
    JOIN permission_set ON permission_set.id = role.permission_set";

fn read(row: &Row<'_>) -> Result<Role, certhold_store::Error> {
    let permissions = parse_paths(row.text(7)?).unwrap_or_default();
    let bound = parse_paths(row.text(8)?).unwrap_or_default();
    let without_effect = tree::lost(&permissions, &effective(&permissions, &bound));
    Ok(Role {
        id: RoleId(row.get(0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        email: row.get(3)?,
        permission_set: PermissionSetId(row.get(4)?),
        permission_set_name: row.get(5)?,
        built_in: row.get(6)?,
        permissions,
        holders: row.get(9)?,
        claims: row.get(10)?,
        without_effect,
    })
}

/// All roles by name.
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Role>> {
    require_path(tx, actor, paths::SECURITY_READ)?;
    Ok(tx.rows(&format!("SELECT {COLUMNS} ORDER BY role.folded"), params![], read)?)
}

/// Ids and names of the roles an actor may choose as owner: those held, those in permission sets in which the expanded right to
/// change owners is held, or all for administrators.
pub fn assignable(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<(RoleId, String)>> {
    let held = current(tx, actor)?;
    let sets = ownership::expanded_sets(&held);
    if !held.is_administrator() && sets.is_empty() {
        return Ok(held.roles.iter().map(|role| (role.id, role.name.clone())).collect());
    }
    let all = tx.rows("SELECT id, name, permission_set FROM role ORDER BY folded", params![], |row| {
        Ok((RoleId(row.get(0)?), row.get::<String>(1)?, PermissionSetId(row.get(2)?)))
    })?;
    let may = |id: RoleId, set: PermissionSetId| held.is_administrator() || held.holds(id) || sets.contains(&set);
    Ok(all.into_iter().filter(|(id, _, set)| may(*id, *set)).map(|(id, name, _)| (id, name)).collect())
}

/// One role.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: RoleId) -> Result<Role> {
    require_path(tx, actor, paths::SECURITY_READ)?;
    find(tx, id)
}

/// A role for whoever may change roles, which says nothing about reading them: what they have just written.
pub fn of_author(tx: &mut Tx<'_>, actor: &Actor, id: RoleId) -> Result<Role> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    find(tx, id)
}

/// One role without asking who wants to know: for rules.
/// What all roles are said to be for, without asking who wants to know: for answers about claims to whoever may see those.
pub fn descriptions(tx: &mut Tx<'_>) -> Result<Vec<(RoleId, String)>> {
    let sql = "SELECT id, description FROM role ORDER BY id";
    Ok(tx.rows(sql, params![], |row| Ok((RoleId(row.get(0)?), row.get(1)?)))?)
}

pub(crate) fn find(tx: &mut Tx<'_>, id: RoleId) -> Result<Role> {
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE role.id = $1"), params![id], read)?;
    found.ok_or_else(|| Refusal::not_found("role", id).into())
}

/// The role of this name among those the actor may refer to (held, or all with the right to read security).
pub fn by_name(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> Result<RoleId> {
    let folded = lookalike::fold(name);
    let held = current(tx, actor)?;
    if let Some(role) = held.roles.iter().find(|role| lookalike::fold(&role.name) == folded) {
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
            lookalike::fold(&checked.name),
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
    let payload = json!({ "after": {
        "name": checked.name, "description": command.description, "email": command.email, "permission_set": checked.set,
        "permissions": checked.permissions,
    }});
    events::append(tx, actor, now, NewEvent::new(names::ROLE_CREATED, Object::new("role", id.0, &checked.name), payload))?;
    Ok(id)
}

/// Replaces a role's name, description, set and permissions. The name of a role that owns certificates decides which collections they
/// are in: it is changed by whoever holds the role, and may change the collections that look at it.
pub fn update(tx: &mut Tx<'_>, actor: &Actor, id: RoleId, command: &RoleCommand, now: i64) -> Result<()> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let before = find(tx, id)?;
    refuse_built_in(&before)?;
    delegation::require_may_change(tx, actor, &before)?;
    let checked = check(tx, actor, command, Some(id))?;
    // Who may give and take its certificates by the expanded right depends on its set.
    if before.name != checked.name || before.permission_set != checked.set {
        delegation::require_worth(tx, actor, id, &before.name)?;
    }
    if before.name != checked.name {
        let renamed = Moved::renamed(FieldId::OwnerRoleName, &before.name, &checked.name);
        collections::require_may_move(tx, actor, &[renamed])?;
    }
    tx.execute(
        "UPDATE role SET name = $1, folded = $2, description = $3, email = $4, permission_set = $5, paths = $6 WHERE id = $7",
        params![
            &checked.name,
            lookalike::fold(&checked.name),
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
    delegation::require_may_change(tx, actor, &role)?;
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
    if let Some(pattern) = enrolment::naming_role(tx, id)? {
        let message = format!("the enrolment pattern {pattern:?} names the role {:?}: take it out there first", role.name);
        return Err(Refusal::Conflict(message).into());
    }
    tx.execute("DELETE FROM role_claim WHERE role = $1", params![id])?;
    tx.execute("DELETE FROM claim_role WHERE role = $1", params![id])?;
    tx.execute("DELETE FROM role WHERE id = $1", params![id])?;
    changed(tx)?;
    let payload = json!({ "before": {
        "name": role.name, "description": role.description, "email": role.email, "permission_set": role.permission_set,
        "permissions": role.permissions, "holders": role.holders, "claims": role.claims,
    }});
    events::append(tx, actor, now, NewEvent::new(names::ROLE_DELETED, Object::new("role", id.0, &role.name), payload))?;
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
    let name = lookalike::name("name", &command.name)?;
    text::line("description", &command.description.replace('\n', " "), limits::DESCRIPTION_CHARS)?;
    text::line("email", command.email.as_deref().unwrap_or(""), limits::NAME_CHARS)?;
    let permissions = without_redundancy(&command.permissions)?;
    tree::check_all("permissions", &permissions)?;
    delegation::require_all_held(tx, actor, &permissions)?;

    let set = match command.permission_set {
        Some(id) => tx.one("SELECT id, paths FROM permission_set WHERE id = $1", params![id], read_set_bound)?,
        None => tx.one("SELECT id, paths FROM permission_set ORDER BY id LIMIT 1", params![], read_set_bound)?,
    };
    let (set, bound) = set.ok_or_else(|| Refusal::invalid("permission_set", "there is no such permission set"))?;
    let bound = parse_paths(&bound)?;
    delegation::require_administers(tx, actor, set, &bound)?;
    if let Some(outside) = permissions.iter().find(|path| !covers_any(&bound, path.as_str())) {
        let message = format!("{} is outside what the permission set allows", outside.as_str());
        return Err(Refusal::invalid("permissions", message).into());
    }
    let taken: Option<(i64, String)> =
        tx.one("SELECT id, name FROM role WHERE folded = $1", params![lookalike::fold(&name)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if let Some((_, taken)) = taken.filter(|(id, _)| Some(RoleId(*id)) != except) {
        return Err(Refusal::Conflict(delegation::taken("a role", &name, &taken)).into());
    }
    Ok(Checked { name, set, permissions })
}

fn read_set_bound(row: &Row<'_>) -> Result<(PermissionSetId, String), certhold_store::Error> {
    Ok((PermissionSetId(row.get(0)?), row.get(1)?))
}
