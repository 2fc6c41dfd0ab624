//! Creating, changing and removing certificate stores.

use certhold_store::{Tx, params};
use serde_json::{Value as Json, json};

use super::jobs;
use super::kind::{Properties, StoreKind};
use super::list::{self, Store};
use super::owners::{self, Coming};
use super::rights::{self, Right};
use super::schedule::Schedule;
use super::{containers, target};
use crate::actor::Actor;
use crate::collections::{self, Moved};
use crate::core::Entropy;
use crate::custody::{self, Custody, Sealed, SecretKind};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{ContainerId, SecretId, StoreId};
use crate::query::FieldId;
use crate::{limits, lookalike, text};

/// The directories in which stores may be, as they are configured (`store_roots`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots(pub Vec<String>);

impl Roots {
    /// Refuses a path that is in none of them. Whether links lead out of them is looked at when the path is used.
    pub fn check(&self, path: &str) -> Result<(), Refusal> {
        if self.0.is_empty() {
            let message = "no directory is open to certificate stores: name those that they may be in as store_roots in certhold.toml, \
                           or with --store-roots or CERTHOLD_STORE_ROOTS, and start the server again";
            return Err(Refusal::invalid("path", message));
        }
        let inside = |root: &String| {
            let root = root.trim_end_matches('/');
            path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if self.0.iter().any(inside) {
            return Ok(());
        }
        let message = format!("certificate stores may only be inside {} (store_roots)", self.0.join(", "));
        Err(Refusal::invalid("path", message))
    }
}

/// What becomes of a store's password.
#[derive(Clone)]
pub enum PasswordChange {
    /// It stays; a new store has none.
    Keep,
    /// There is none any more.
    Remove,
    /// It is this, from [`seal_password`].
    Set(Sealed),
}

/// Checks and seals the password of a store. Not inside a transaction.
pub fn seal_password(custody: &Custody, entropy: &dyn Entropy, password: &str) -> Result<Sealed> {
    if password.chars().count() < limits::STORE_PASSWORD_CHARS_MIN {
        let message = format!("a store's password has at least {} characters", limits::STORE_PASSWORD_CHARS_MIN);
        return Err(Refusal::invalid("password", message).into());
    }
    if password.len() > limits::PASSWORD_BYTES_MAX || password.contains('\0') {
        let message = format!("a store's password has at most {} bytes, without NUL", limits::PASSWORD_BYTES_MAX);
        return Err(Refusal::invalid("password", message).into());
    }
    custody.seal(entropy, SecretKind::StorePassword, password.as_bytes())
}

/// A store as it shall be.
#[derive(Clone)]
pub struct StoreCommand {
    /// Unique, also against names that look alike.
    pub name: String,
    /// What it is; it cannot change.
    pub kind: StoreKind,
    /// The machine that it belongs to, for people; may be empty.
    pub machine: String,
    /// Where it is: an absolute path in one of the [`Roots`], that no other store has.
    pub path: String,
    /// The container that it is in.
    pub container: Option<ContainerId>,
    /// How it is kept.
    pub properties: Properties,
    /// What becomes of its password.
    pub password: PasswordChange,
    /// Whether it is made when it is not there.
    pub create_if_missing: bool,
    /// When inventories are taken.
    pub schedule: Schedule,
}

fn check(tx: &mut Tx<'_>, actor: &Actor, command: &StoreCommand, roots: &Roots, own: Option<&Store>) -> Result<String> {
    let name = lookalike::name("name", &command.name)?;
    if name.chars().all(|c| c.is_ascii_digit()) {
        return Err(Refusal::invalid("name", "a name of digits only would be taken for a number").into());
    }
    text::line("machine", &command.machine, limits::NAME_CHARS)?;
    if own.is_none_or(|own| own.path != command.path) {
        check_path(command.kind, &command.path)?;
        roots.check(&command.path)?;
    }
    command.properties.check(command.kind)?;
    let known_password = own.is_some_and(|own| own.has_password);
    let has_password = match command.password {
        PasswordChange::Keep => known_password,
        PasswordChange::Remove => false,
        PasswordChange::Set(_) => true,
    };
    if command.kind.needs_password() && !has_password {
        let message = format!("a {} does not exist without a password", command.kind.label());
        return Err(Refusal::invalid("password", message).into());
    }
    let same_name: Option<(i64, String)> =
        tx.one("SELECT id, name FROM certificate_store WHERE folded = $1", params![lookalike::fold(&name)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let is_own = |id: i64| own.is_some_and(|own| own.id.0 == id);
    if let Some((id, known)) = same_name
        && !is_own(id)
    {
        let told = format!("the name {name:?} looks like that of the certificate store {known:?}");
        return Err(taken(tx, actor, StoreId(id), told, "this name is taken, or looks like one that is")?.into());
    }
    let same_path: Option<i64> =
        tx.one("SELECT id FROM certificate_store WHERE path = $1", params![&command.path], |row| row.get(0))?;
    match same_path {
        Some(id) if !is_own(id) => {
            let told = format!("there is a certificate store at {} already", command.path);
            Err(taken(tx, actor, StoreId(id), told, "this path is taken")?.into())
        }
        _ => Ok(name),
    }
}

/// The refusal of what another store has: whoever may not read that one is not told about it.
fn taken(tx: &mut Tx<'_>, actor: &Actor, by: StoreId, told: String, blind: &str) -> Result<Refusal> {
    Ok(Refusal::Conflict(if list::is_seen(tx, actor, by)? { told } else { blind.into() }))
}

fn check_path(kind: StoreKind, path: &str) -> Result<(), Refusal> {
    let well_formed = path.starts_with('/')
        && !path.ends_with('/')
        && !path.split('/').skip(1).any(|part| part.is_empty() || part == ".." || part == ".");
    if !well_formed || path.len() > limits::STORE_PATH_BYTES || path.chars().any(char::is_control) {
        let message = "give an absolute path without '..', for example /srv/tls/shop.p12";
        return Err(Refusal::invalid("path", message));
    }
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let pem = [".pem", ".crt", ".cer", ".key"].iter().any(|ending| name.ends_with(ending));
    if kind != StoreKind::PemDirectory && (pem || name.starts_with('.')) {
        let message = format!("a {} does not have a name like that: end it with .p12, .pfx or .jks", kind.label());
        return Err(Refusal::invalid("path", message));
    }
    Ok(())
}

fn describe(name: &str, command: &StoreCommand) -> Json {
    json!({
        "name": name, "kind": command.kind.name(), "machine": command.machine, "path": command.path, "container": command.container,
        "properties": command.properties, "create_if_missing": command.create_if_missing, "schedule": command.schedule.to_string(),
    })
}

fn described(store: &Store) -> Json {
    json!({
        "name": store.name, "kind": store.kind.name(), "machine": store.machine, "path": store.path,
        "container": store.container.as_ref().map(|(id, _)| id), "properties": store.properties,
        "create_if_missing": store.create_if_missing, "schedule": store.schedule.to_string(),
    })
}

/// The schedule that a store gets in a container: the container's where that goes over others, or where the store has none.
fn schedule_in(
    tx: &mut Tx<'_>,
    kind: StoreKind,
    container: Option<ContainerId>,
    wanted: &Schedule,
    explicit: bool,
) -> Result<Schedule> {
    let Some(container) = container else { return Ok(wanted.clone()) };
    let container = containers::find(tx, container)?;
    if let Some(only) = container.kind.filter(|only| *only != kind) {
        let message = format!("the container {:?} takes stores of the kind {} only", container.name, only.name());
        return Err(Refusal::Conflict(message).into());
    }
    let own_is_wrong = explicit && *wanted != container.schedule && *wanted != Schedule::Off;
    if container.overwrite_schedules && own_is_wrong && *wanted != Schedule::Immediate {
        let message = format!(
            "the schedule of the container {:?} goes over those of its stores: change it there, or leave this one off",
            container.name
        );
        return Err(Refusal::Conflict(message).into());
    }
    Ok(match wanted {
        Schedule::Immediate => Schedule::Immediate,
        _ if container.overwrite_schedules => container.schedule,
        Schedule::Off => container.schedule,
        own => own.clone(),
    })
}

/// Creates a store. Its first inventory is taken at once, which shows whether it can be read.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, command: &StoreCommand, roots: &Roots, now: i64) -> Result<StoreId> {
    rights::require_in(tx, actor, Right::Modify, command.container)?;
    let name = check(tx, actor, command, roots, None)?;
    require_future(&command.schedule, now)?;
    let count: i64 = tx.one("SELECT count(*) FROM certificate_store", params![], |row| row.get(0))?.unwrap_or(0);
    if count >= limits::STORES {
        return Err(Refusal::TooLarge(format!("at most {} certificate stores are allowed", limits::STORES)).into());
    }
    let schedule = schedule_in(tx, command.kind, command.container, &command.schedule, true)?;
    require_may_fill_new(tx, actor, command)?;
    owners::require_may_bring(tx, actor, command.container, Coming::Anything)?;
    // The first inventory is taken in any case.
    let schedule = if schedule == Schedule::Immediate { Schedule::Off } else { schedule };
    let password = match &command.password {
        PasswordChange::Set(sealed) => Some(custody::put(tx, sealed, now)?),
        _ => None,
    };
    let uuid = jobs::uuid(tx)?;
    let id: Option<i64> = tx.one(
        "INSERT INTO certificate_store (uuid, name, folded, kind, machine, path, container, properties, password, \
         create_if_missing, schedule, next_at, problems, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '[]', $13) RETURNING id",
        params![
            &uuid,
            &name,
            lookalike::fold(&name),
            command.kind.name(),
            &command.machine,
            &command.path,
            command.container,
            json!(command.properties).to_string(),
            password,
            command.create_if_missing,
            schedule.to_string(),
            schedule.next(now),
            now
        ],
        |row| row.get(0),
    )?;
    let id = StoreId(id.ok_or_else(|| Error::damaged("a certificate store got no id"))?);
    let after = describe(&name, &StoreCommand { schedule, ..command.clone() });
    let payload = json!({ "after": after, "uuid": uuid });
    events::append(tx, actor, now, NewEvent::new(names::STORE_CREATED, Object::new("certificate_store", id.0, &name), payload))?;
    jobs::enqueue_inventory(tx, actor, id, now)?;
    Ok(id)
}

/// Refuses unless the actor may change the collections that look at where a store is, or at its container: at what becomes of them, or
/// at the store's end.
fn require_may_move(
    tx: &mut Tx<'_>,
    actor: &Actor,
    store: &Store,
    after: Option<(&str, &str, Option<ContainerId>)>,
) -> Result<()> {
    let before = store.container.as_ref();
    let container = match after.and_then(|(.., container)| container) {
        None => None,
        Some(id) if before.is_some_and(|(known, _)| *known == id) => before.map(|(_, name)| name.clone()),
        Some(id) => Some(containers::find(tx, id)?.name),
    };
    let before = [Some(store.machine.as_str()), Some(store.path.as_str()), before.map(|(_, name)| name.as_str())];
    let after = [after.map(|(machine, ..)| machine), after.map(|(_, path, _)| path), container.as_deref()];
    require_may_place(tx, actor, before, after)
}

/// Refuses unless the actor may change the collections that tell a certificate in this store from one that is not: putting one in or
/// taking one out moves it.
pub(super) fn require_may_fill(tx: &mut Tx<'_>, actor: &Actor, store: &Store) -> Result<()> {
    require_may_move(tx, actor, store, None)
}

/// The same for a store that is about to be: its inventory takes in what is there already.
fn require_may_fill_new(tx: &mut Tx<'_>, actor: &Actor, command: &StoreCommand) -> Result<()> {
    let container = command.container.map(|id| containers::find(tx, id)).transpose()?;
    let container = container.as_ref().map(|known| known.name.as_str());
    let after = [Some(command.machine.as_str()), Some(command.path.as_str()), container];
    require_may_place(tx, actor, [None; 3], after)
}

/// The same for machine, path and container, as they are and as they become.
fn require_may_place(tx: &mut Tx<'_>, actor: &Actor, before: [Option<&str>; 3], after: [Option<&str>; 3]) -> Result<()> {
    let fields = [FieldId::StoreMachine, FieldId::StorePath, FieldId::StoreContainer];
    let places = fields.into_iter().zip(before.into_iter().zip(after));
    let moved: Vec<Moved<'_>> = places.map(|(field, (before, after))| Moved { field, before, after }).collect();
    collections::require_may_move(tx, actor, &moved)
}

/// Replaces a store's settings; its kind stays. Moving it to another container needs the right to modify on both, and everywhere
/// where one of them is none.
pub fn update(tx: &mut Tx<'_>, actor: &Actor, id: StoreId, command: &StoreCommand, roots: &Roots, now: i64) -> Result<()> {
    let before = list::with_right(tx, actor, id, Right::Modify)?;
    if before.kind != command.kind {
        return Err(Refusal::invalid("kind", format!("it is a {} and stays one", before.kind.label())).into());
    }
    let container = before.container.as_ref().map(|(id, _)| *id);
    if container != command.container {
        rights::require_in(tx, actor, Right::Modify, command.container)?;
        rights::require_in(tx, actor, Right::Modify, container)?;
    }
    let name = check(tx, actor, command, roots, Some(&before))?;
    let new_schedule = before.schedule != command.schedule;
    if new_schedule {
        require_future(&command.schedule, now)?;
    }
    let schedule = schedule_in(tx, command.kind, command.container, &command.schedule, new_schedule)?;
    let at_once = schedule == Schedule::Immediate;
    let schedule = if at_once { before.schedule.clone() } else { schedule };
    let command = StoreCommand { schedule, ..command.clone() };
    require_may_move(tx, actor, &before, Some((&command.machine, &command.path, command.container)))?;
    if before.path != command.path {
        // Other files are another content.
        require_may_fill(tx, actor, &before)?;
        require_may_fill_new(tx, actor, &command)?;
        owners::require_may_bring(tx, actor, command.container, Coming::Anything)?;
    } else if container != command.container {
        owners::require_may_bring(tx, actor, command.container, Coming::Stored)?;
    }
    let (old, mut new) = (described(&before), describe(&name, &command));
    let password = match &command.password {
        PasswordChange::Keep => None,
        PasswordChange::Remove => before.has_password.then_some(None),
        PasswordChange::Set(sealed) => Some(Some(custody::put(tx, sealed, now)?)),
    };
    if old == new && password.is_none() && !at_once {
        return Ok(());
    }
    let next_at = if before.schedule == command.schedule { before.next_at } else { command.schedule.next(now) };
    tx.execute(
        "UPDATE certificate_store SET name = $1, folded = $2, machine = $3, path = $4, container = $5, properties = $6, \
         create_if_missing = $7, schedule = $8, next_at = $9 WHERE id = $10",
        params![
            &name,
            lookalike::fold(&name),
            &command.machine,
            &command.path,
            command.container,
            json!(command.properties).to_string(),
            command.create_if_missing,
            command.schedule.to_string(),
            next_at,
            id
        ],
    )?;
    let moved = before.path != command.path;
    if let Some(password) = password {
        set_password(tx, id, password)?;
        new["password"] = "changed".into();
    }
    if old != new {
        let object = Object::new("certificate_store", id.0, &name);
        events::append(tx, actor, now, NewEvent::changed(names::STORE_CHANGED, object, old, new))?;
    }
    if moved || at_once {
        jobs::enqueue_inventory(tx, actor, id, now)?;
    }
    Ok(())
}

/// Puts another sealed password, or none, in the place of the one before, which is destroyed.
fn set_password(tx: &mut Tx<'_>, id: StoreId, password: Option<SecretId>) -> Result<()> {
    let old: Option<Option<i64>> =
        tx.one("SELECT password FROM certificate_store WHERE id = $1", params![id], |row| row.get(0))?;
    tx.execute("UPDATE certificate_store SET password = $1 WHERE id = $2", params![password, id])?;
    match old.flatten() {
        Some(old) => custody::destroy(tx, SecretId(old)),
        None => Ok(()),
    }
}

/// Says when inventories are taken; [`Schedule::Immediate`] takes one now and leaves the schedule as it is.
pub fn set_schedule(tx: &mut Tx<'_>, actor: &Actor, id: StoreId, schedule: &Schedule, now: i64) -> Result<()> {
    let store = list::with_right(tx, actor, id, Right::Schedule)?;
    require_future(schedule, now)?;
    let container = store.container.as_ref().map(|(id, _)| *id);
    match schedule_in(tx, store.kind, container, schedule, true)? {
        Schedule::Immediate => jobs::enqueue_inventory(tx, actor, id, now).map(drop),
        _ if *schedule == Schedule::Off && container.is_some() => {
            let overwrites = containers::find(tx, container.unwrap_or(ContainerId(0)))?.overwrite_schedules;
            if overwrites && store.schedule != Schedule::Off {
                let message = "the schedule of the store's container goes over its own: change it there";
                return Err(Refusal::Conflict(message.into()).into());
            }
            reschedule(tx, actor, &store, schedule, now)
        }
        schedule => reschedule(tx, actor, &store, &schedule, now),
    }
}

fn require_future(schedule: &Schedule, now: i64) -> Result<(), Refusal> {
    match schedule {
        Schedule::Once { at } if *at < now => Err(Refusal::invalid("schedule", "this time is over: name one to come")),
        _ => Ok(()),
    }
}

pub(super) fn reschedule(tx: &mut Tx<'_>, actor: &Actor, store: &Store, schedule: &Schedule, now: i64) -> Result<()> {
    if store.schedule == *schedule {
        return Ok(());
    }
    tx.execute(
        "UPDATE certificate_store SET schedule = $1, next_at = $2 WHERE id = $3",
        params![schedule.to_string(), schedule.next(now), store.id],
    )?;
    let (old, new) = (json!({ "schedule": store.schedule.to_string() }), json!({ "schedule": schedule.to_string() }));
    let object = Object::new("certificate_store", store.id.0, &store.name);
    events::append(tx, actor, now, NewEvent::changed(names::STORE_CHANGED, object, old, new))?;
    Ok(())
}

/// Moves stores to a container, or out of any. All or none are moved.
pub fn assign(tx: &mut Tx<'_>, actor: &Actor, stores: &[StoreId], container: Option<ContainerId>, now: i64) -> Result<()> {
    if stores.len() > limits::PAGE_ROWS {
        return Err(Refusal::TooLarge(format!("at most {} stores are moved at once", limits::PAGE_ROWS)).into());
    }
    rights::require_in(tx, actor, Right::Modify, container)?;
    for id in stores {
        let store = list::with_right(tx, actor, *id, Right::Modify)?;
        put_into(tx, actor, &store, container, now)?;
    }
    Ok(())
}

/// Moves a store without asking who wants it.
pub(super) fn put_into(tx: &mut Tx<'_>, actor: &Actor, store: &Store, container: Option<ContainerId>, now: i64) -> Result<()> {
    let before = store.container.as_ref().map(|(id, _)| *id);
    if before == container {
        return Ok(());
    }
    require_may_move(tx, actor, store, Some((&store.machine, &store.path, container)))?;
    owners::require_may_bring(tx, actor, container, Coming::Stored)?;
    let schedule = schedule_in(tx, store.kind, container, &store.schedule, false)?;
    tx.execute("UPDATE certificate_store SET container = $1 WHERE id = $2", params![container, store.id])?;
    let (old, new) = (json!({ "container": before }), json!({ "container": container }));
    let object = Object::new("certificate_store", store.id.0, &store.name);
    events::append(tx, actor, now, NewEvent::changed(names::STORE_CHANGED, object, old, new))?;
    reschedule(tx, actor, store, &schedule, now)
}

/// Removes a store; its files stay. One into which a managed certificate is deployed stays.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: StoreId, now: i64) -> Result<()> {
    let store = list::with_right(tx, actor, id, Right::Modify)?;
    if let Some(managed) = target::targeted(tx, id, None)? {
        let message = format!(
            "the managed certificate {managed:?} is deployed into the certificate store {:?}: remove that deployment first",
            store.name
        );
        return Err(Refusal::Conflict(message).into());
    }
    require_may_move(tx, actor, &store, None)?;
    set_password(tx, id, None)?;
    tx.execute("DELETE FROM job WHERE kind = 'store' AND object = $1", params![id])?;
    tx.execute("DELETE FROM store_job WHERE store = $1", params![id])?;
    tx.execute("DELETE FROM store_item WHERE store = $1", params![id])?;
    tx.execute("DELETE FROM certificate_store WHERE id = $1", params![id])?;
    let mut before = described(&store);
    before["entries"] = store.entries.into();
    let object = Object::new("certificate_store", id.0, &store.name);
    events::append(tx, actor, now, NewEvent::new(names::STORE_DELETED, object, json!({ "before": before })))?;
    Ok(())
}
