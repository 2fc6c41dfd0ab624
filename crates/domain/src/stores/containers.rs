//! Containers: groups of certificate stores, with schedule defaults, that double as scopes of permissions.

use certhold_store::{Row, Tx, params};
use serde_json::{Value as Json, json};

use super::kind::StoreKind;
use super::rights::{self, Right};
use super::schedule::Schedule;
use super::{change, list};
use crate::access;
use crate::access::grants::{self, Grant, Scoped};
use crate::actor::Actor;
use crate::collections::{self, Moved};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::ContainerId;
use crate::query::FieldId;
use crate::{limits, lookalike, text};

/// A group of stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its handle: the last segment of rights on it.
    pub id: ContainerId,
    /// Unique, also against names that look alike.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The only kind of stores that it takes; `None` for any.
    pub kind: Option<StoreKind>,
    /// The schedule of stores that are put into it and have none.
    pub schedule: Schedule,
    /// Whether its schedule goes over those of its stores.
    pub overwrite_schedules: bool,
    /// How many stores it has.
    pub stores: i64,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// A container as it shall be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerCommand {
    /// Unique, also against names that look alike.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The only kind of stores that it takes; `None` for any.
    pub kind: Option<StoreKind>,
    /// The schedule of stores that are put into it and have none. It repeats, or is off.
    pub schedule: Schedule,
    /// Whether its schedule goes over those of its stores.
    pub overwrite_schedules: bool,
}

const COLUMNS: &str = "container.id, container.name, container.description, container.kind, container.schedule, \
    container.overwrite_schedules, container.created_at, \
    (SELECT count(*) FROM certificate_store WHERE certificate_store.container = container.id) FROM container";

fn read(row: &Row<'_>) -> Result<Container, certhold_store::Error> {
    Ok(Container {
        id: ContainerId(row.get(0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        kind: row.get::<Option<String>>(3)?.and_then(|kind| StoreKind::parse(&kind).ok()),
        schedule: Schedule::stored(row.text(4)?),
        overwrite_schedules: row.get(5)?,
        created_at: row.get(6)?,
        stores: row.get(7)?,
    })
}

fn scoped(id: ContainerId) -> Scoped {
    Scoped { area: "/certificate_stores/", noun: "container", id: id.0 }
}

/// The containers that the actor may read, by name.
pub fn containers(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Container>> {
    let reach = rights::reach(tx, actor, Right::Read)?;
    let all = tx.rows(&format!("SELECT {COLUMNS} ORDER BY container.folded"), params![], read)?;
    Ok(all.into_iter().filter(|one| reach.includes(Some(one.id))).collect())
}

/// The names of all containers, which are no secret to whoever sees the rights on them.
pub fn container_names(tx: &mut Tx<'_>) -> Result<Vec<(ContainerId, String)>> {
    let sql = "SELECT id, name FROM container ORDER BY folded";
    Ok(tx.rows(sql, params![], |row| Ok((ContainerId(row.get(0)?), row.get(1)?)))?)
}

/// One container.
pub fn container(tx: &mut Tx<'_>, actor: &Actor, id: ContainerId) -> Result<Container> {
    rights::require_in(tx, actor, Right::Read, Some(id))?;
    find(tx, id)
}

/// Who has rights on this container beside those who have them everywhere, for whoever may read it and sees roles.
pub fn container_grants(tx: &mut Tx<'_>, actor: &Actor, id: ContainerId) -> Result<Vec<Grant>> {
    container(tx, actor, id)?;
    access::require_path(tx, actor, access::paths::SECURITY_READ)?;
    grants::on(tx, scoped(id))
}

/// The container of this name among those the actor may read.
pub fn container_by_name(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> Result<ContainerId> {
    let reach = rights::reach(tx, actor, Right::Read)?;
    let folded = lookalike::fold(name);
    let found: Option<i64> = tx.one("SELECT id FROM container WHERE folded = $1", params![folded], |row| row.get(0))?;
    let readable = found.map(ContainerId).filter(|id| reach.includes(Some(*id)));
    readable.ok_or_else(|| Refusal::not_found("container", format!("{name:?}")).into())
}

/// A container's name, for sentences; empty when there is none of this number.
pub(crate) fn container_name(tx: &mut Tx<'_>, id: ContainerId) -> Result<String> {
    let found = tx.one("SELECT name FROM container WHERE id = $1", params![id], |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}

/// One container without asking who wants to know.
pub(super) fn find(tx: &mut Tx<'_>, id: ContainerId) -> Result<Container> {
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE container.id = $1"), params![id], read)?;
    found.ok_or_else(|| Refusal::not_found("container", id).into())
}

fn check(tx: &mut Tx<'_>, command: &ContainerCommand, own: Option<ContainerId>) -> Result<String> {
    let name = lookalike::name("name", &command.name)?;
    if name.chars().all(|c| c.is_ascii_digit()) {
        return Err(Refusal::invalid("name", "a name of digits only would be taken for a number").into());
    }
    text::line("description", &command.description.replace('\n', " "), limits::DESCRIPTION_CHARS)?;
    if matches!(command.schedule, Schedule::Immediate | Schedule::Once { .. }) {
        let message = "the schedule of a container repeats, or is off; a single inventory is asked for at a store";
        return Err(Refusal::invalid("schedule", message).into());
    }
    let taken = tx.one("SELECT id, name FROM container WHERE folded = $1", params![lookalike::fold(&name)], |row| {
        Ok((row.get::<i64>(0)?, row.get::<String>(1)?))
    })?;
    match taken {
        Some((id, known)) if own != Some(ContainerId(id)) => {
            Err(Refusal::Conflict(format!("the name {name:?} looks like that of the container {known:?}")).into())
        }
        _ => Ok(name),
    }
}

fn describe(name: &str, command: &ContainerCommand) -> Json {
    json!({
        "name": name, "description": command.description, "kind": command.kind.map(StoreKind::name),
        "schedule": command.schedule.to_string(), "overwrite_schedules": command.overwrite_schedules,
    })
}

fn as_command(container: &Container) -> ContainerCommand {
    ContainerCommand {
        name: container.name.clone(),
        description: container.description.clone(),
        kind: container.kind,
        schedule: container.schedule.clone(),
        overwrite_schedules: container.overwrite_schedules,
    }
}

/// Creates a container. Nobody has rights on it yet: a number under which roles have rights already is passed over, unless whoever
/// creates it holds these rights everywhere.
pub fn create_container(tx: &mut Tx<'_>, actor: &Actor, command: &ContainerCommand, now: i64) -> Result<ContainerId> {
    rights::require_everywhere(tx, actor, Right::Modify)?;
    let name = check(tx, command, None)?;
    let count: i64 = tx.one("SELECT count(*) FROM container", params![], |row| row.get(0))?.unwrap_or(0);
    if count >= limits::CONTAINERS {
        return Err(Refusal::TooLarge(format!("at most {} containers are allowed", limits::CONTAINERS)).into());
    }
    let mut id = insert(tx, &name, command, now)?;
    while !grants::may_begin(tx, actor, scoped(id))? {
        tx.execute("DELETE FROM container WHERE id = $1", params![id])?;
        grants::pass_over(tx, actor, scoped(id), "container")?;
        id = insert(tx, &name, command, now)?;
    }
    let payload = json!({ "after": describe(&name, command) });
    events::append(tx, actor, now, NewEvent::new(names::CONTAINER_CREATED, Object::new("container", id.0, &name), payload))?;
    Ok(id)
}

fn insert(tx: &mut Tx<'_>, name: &str, command: &ContainerCommand, now: i64) -> Result<ContainerId> {
    let id: Option<i64> = tx.one(
        "INSERT INTO container (name, folded, description, kind, schedule, overwrite_schedules, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        params![
            name,
            lookalike::fold(name),
            &command.description,
            command.kind.map(StoreKind::name),
            command.schedule.to_string(),
            command.overwrite_schedules,
            now
        ],
        |row| row.get(0),
    )?;
    id.map(ContainerId).ok_or_else(|| Error::damaged("a container got no id"))
}

/// Replaces a container. One whose schedule goes over those of its stores gives it to all of them.
pub fn update_container(tx: &mut Tx<'_>, actor: &Actor, id: ContainerId, command: &ContainerCommand, now: i64) -> Result<()> {
    rights::require_in(tx, actor, Right::Modify, Some(id))?;
    let before = as_command(&find(tx, id)?);
    let name = check(tx, command, Some(id))?;
    if let Some(kind) = command.kind {
        let other: Option<String> = tx.one(
            "SELECT name FROM certificate_store WHERE container = $1 AND kind <> $2 LIMIT 1",
            params![id, kind.name()],
            |row| row.get(0),
        )?;
        if let Some(other) = other {
            let message = format!("the store {other:?} in this container is of another kind: move it elsewhere first");
            return Err(Refusal::Conflict(message).into());
        }
    }
    let (old, new) = (describe(&before.name, &before), describe(&name, command));
    if old == new {
        return Ok(());
    }
    let renamed = Moved::renamed(FieldId::StoreContainer, &before.name, &name);
    collections::require_may_move(tx, actor, &[renamed])?;
    tx.execute(
        "UPDATE container SET name = $1, folded = $2, description = $3, kind = $4, schedule = $5, overwrite_schedules = $6 \
         WHERE id = $7",
        params![
            &name,
            lookalike::fold(&name),
            &command.description,
            command.kind.map(StoreKind::name),
            command.schedule.to_string(),
            command.overwrite_schedules,
            id
        ],
    )?;
    let object = Object::new("container", id.0, &name);
    events::append(tx, actor, now, NewEvent::changed(names::CONTAINER_CHANGED, object, old, new))?;
    let takes_over = command.overwrite_schedules && (!before.overwrite_schedules || before.schedule != command.schedule);
    if takes_over {
        for store in list::of_container(tx, id)? {
            change::reschedule(tx, actor, &store, &command.schedule, now)?;
        }
    }
    Ok(())
}

/// Removes a container; its stores stay, in none. While roles have rights on it that is refused, unless `force` takes these rights
/// away, which needs the right to change roles.
pub fn remove_container(tx: &mut Tx<'_>, actor: &Actor, id: ContainerId, force: bool, now: i64) -> Result<()> {
    rights::require_in(tx, actor, Right::Modify, Some(id))?;
    let found = find(tx, id)?;
    grants::let_go(tx, actor, scoped(id), &found.name, force, now)?;
    let stores = list::of_container(tx, id)?;
    for store in &stores {
        change::put_into(tx, actor, store, None, now)?;
    }
    tx.execute("DELETE FROM container WHERE id = $1", params![id])?;
    let payload = json!({ "before": describe(&found.name, &as_command(&found)) });
    let object = Object::new("container", id.0, &found.name);
    events::append(tx, actor, now, NewEvent::new(names::CONTAINER_DELETED, object, payload))?;
    Ok(())
}
