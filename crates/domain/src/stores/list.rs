//! Reading certificate stores.

use certhold_store::{Row, Tx, Value, params};
use serde::{Deserialize, Serialize};

use super::kind::{Properties, StoreKind};
use super::rights::{self, Reach, Right};
use super::schedule::Schedule;
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::ids::{ContainerId, StoreId};
use crate::query::FieldId;
use crate::{limits, lookalike};

/// A certificate store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Its handle.
    pub id: StoreId,
    /// Its handle in other APIs.
    pub uuid: String,
    /// Unique, also against names that look alike.
    pub name: String,
    /// What it is.
    pub kind: StoreKind,
    /// The machine that it belongs to, for people.
    pub machine: String,
    /// Where it is on the server.
    pub path: String,
    /// The container that it is in, with its name.
    pub container: Option<(ContainerId, String)>,
    /// How it is kept.
    pub properties: Properties,
    /// Whether it has a password.
    pub has_password: bool,
    /// Whether it is made when it is not there.
    pub create_if_missing: bool,
    /// When inventories are taken.
    pub schedule: Schedule,
    /// When the next one is due, unix milliseconds.
    pub next_at: Option<i64>,
    /// When the last one was complete, unix milliseconds.
    pub inventoried_at: Option<i64>,
    /// What could not be read then.
    pub problems: Vec<Problem>,
    /// Why what was tried last failed, one sentence.
    pub last_error: Option<String>,
    /// When, unix milliseconds.
    pub last_error_at: Option<i64>,
    /// How many entries it has.
    pub entries: i64,
    /// The handle of its newest job that takes the inventory, in other APIs; jobs that ended are forgotten after a while.
    pub inventory_job: Option<String>,
    /// Unix milliseconds.
    pub created_at: i64,
}

impl Store {
    /// The container that it is in.
    pub fn container_id(&self) -> Option<ContainerId> {
        self.container.as_ref().map(|(id, _)| *id)
    }
}

/// A part of a store that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A file, or an entry of one.
    pub place: String,
    /// Why, as a clause.
    pub reason: String,
}

/// Which stores.
#[derive(Clone, Debug, Default)]
pub struct StoreFilter {
    /// Only those of this container.
    pub container: Option<ContainerId>,
    /// Only those of this kind.
    pub kind: Option<StoreKind>,
    /// Only those whose last attempt failed, or which could not be read whole.
    pub troubled: bool,
    /// Only those whose name or path has this text in it, whatever the case of its letters from A to Z.
    pub text: Option<String>,
    /// After this one in the order of names.
    pub after: Option<StoreId>,
    /// Rows, at most [`limits::PAGE_ROWS`].
    pub limit: usize,
}

/// A page of stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorePage {
    /// By name.
    pub stores: Vec<Store>,
    /// `after` of the next page, if there may be one.
    pub next: Option<StoreId>,
}

const COLUMNS: &str = "certificate_store.id, certificate_store.uuid, certificate_store.name, certificate_store.kind, \
    certificate_store.machine, certificate_store.path, certificate_store.container, container.name, certificate_store.properties, \
    certificate_store.password, certificate_store.create_if_missing, certificate_store.schedule, certificate_store.next_at, \
    certificate_store.inventoried_at, certificate_store.problems, certificate_store.last_error, certificate_store.last_error_at, \
    certificate_store.created_at, \
    (SELECT count(*) FROM store_item WHERE store_item.store = certificate_store.id AND store_item.position = 0), \
    (SELECT store_job.uuid FROM store_job WHERE store_job.store = certificate_store.id AND store_job.kind = 'inventory' \
     ORDER BY store_job.id DESC LIMIT 1) \
    FROM certificate_store LEFT JOIN container ON container.id = certificate_store.container";

fn read(row: &Row<'_>) -> Result<Store, certhold_store::Error> {
    Ok(Store {
        id: StoreId(row.get(0)?),
        uuid: row.get(1)?,
        name: row.get(2)?,
        kind: StoreKind::parse(row.text(3)?).unwrap_or(StoreKind::PemDirectory),
        machine: row.get(4)?,
        path: row.get(5)?,
        container: row.get::<Option<i64>>(6)?.map(ContainerId).zip(row.get::<Option<String>>(7)?),
        properties: serde_json::from_str(row.text(8)?).unwrap_or_default(),
        has_password: row.get::<Option<i64>>(9)?.is_some(),
        create_if_missing: row.get(10)?,
        schedule: Schedule::stored(row.text(11)?),
        next_at: row.get(12)?,
        inventoried_at: row.get(13)?,
        problems: serde_json::from_str(row.text(14)?).unwrap_or_default(),
        last_error: row.get(15)?,
        last_error_at: row.get(16)?,
        created_at: row.get(17)?,
        entries: row.get(18)?,
        inventory_job: row.get(19)?,
    })
}

/// Conditions with their values.
#[derive(Default)]
struct Wanted {
    tests: Vec<String>,
    values: Vec<Value<'static>>,
}

impl Wanted {
    /// The place of a value.
    fn place(&mut self, value: impl Into<Value<'static>>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// A condition in which `$` stands for the value.
    fn test(&mut self, sql: &str, value: impl Into<Value<'static>>) {
        let place = self.place(value);
        self.tests.push(sql.replace('$', &place));
    }
}

/// The stores that the actor may read, by name.
pub fn list(tx: &mut Tx<'_>, actor: &Actor, filter: &StoreFilter) -> Result<StorePage> {
    let reach = rights::reach(tx, actor, Right::Read)?;
    let limit = filter.limit.clamp(1, limits::PAGE_ROWS);
    let mut wanted = Wanted::default();
    if let Some(container) = filter.container {
        wanted.test("certificate_store.container = $", container);
    }
    if let Some(kind) = filter.kind {
        wanted.test("certificate_store.kind = $", kind.name());
    }
    if let Some(after) = filter.after {
        let sql = "certificate_store.folded > (SELECT mark.folded FROM certificate_store AS mark WHERE mark.id = $)";
        wanted.test(sql, after);
    }
    if let Some(text) = filter.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        crate::text::line("text", text, limits::SEARCH_CHARS)?;
        let part = |text: &str| format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        // A part of a word is not always folded as the word is. Paths are compared without regard to the case of a to z, as both
        // engines fold them.
        let [folded, name, path] =
            [part(&lookalike::fold(text)), part(text), part(&text.to_ascii_lowercase())].map(|part| wanted.place(part));
        wanted.tests.push(format!(
            "(certificate_store.folded LIKE {folded} ESCAPE '\\' OR certificate_store.name LIKE {name} ESCAPE '\\' \
             OR lower(certificate_store.path) LIKE {path} ESCAPE '\\')"
        ));
    }
    if filter.troubled {
        wanted.tests.push("(certificate_store.last_error IS NOT NULL OR certificate_store.problems <> '[]')".into());
    }
    if let Reach::Containers(containers) = &reach {
        let places: Vec<String> = containers.iter().map(|container| wanted.place(*container)).collect();
        wanted.tests.push(format!("certificate_store.container IN ({})", places.join(", ")));
    }
    let rows = wanted.place(i64::try_from(limit + 1).unwrap_or(i64::MAX));
    let condition = if wanted.tests.is_empty() { String::new() } else { format!("WHERE {} ", wanted.tests.join(" AND ")) };
    let sql = format!("SELECT {COLUMNS} {condition}ORDER BY certificate_store.folded LIMIT {rows}");
    let values = wanted.values;
    let mut stores = tx.rows(&sql, &values, read)?;
    let more = stores.len() > limit;
    stores.truncate(limit);
    let next = stores.last().filter(|_| more).map(|store| store.id);
    Ok(StorePage { stores, next })
}

/// One store.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: StoreId) -> Result<Store> {
    with_right(tx, actor, id, Right::Read)
}

/// Whether there is such a store and the actor may read it.
pub(crate) fn is_seen(tx: &mut Tx<'_>, actor: &Actor, id: StoreId) -> Result<bool> {
    match with_right(tx, actor, id, Right::Read) {
        Ok(_) => Ok(true),
        Err(Error::Refused(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// The same by its exact name.
pub(crate) fn is_named_seen(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> Result<bool> {
    let found: Option<i64> = tx.one("SELECT id FROM certificate_store WHERE name = $1", params![name], |row| row.get(0))?;
    found.map_or(Ok(false), |id| is_seen(tx, actor, StoreId(id)))
}

/// One store, for whoever holds a right on it. Whoever holds the right for some containers only learns nothing about stores outside.
pub(super) fn with_right(tx: &mut Tx<'_>, actor: &Actor, id: StoreId, right: Right) -> Result<Store> {
    let reach = rights::reach(tx, actor, right)?;
    let found = lookup(tx, id)?;
    match (&reach, found) {
        (_, Some(store)) if reach.includes(store.container.as_ref().map(|(id, _)| *id)) => Ok(store),
        (Reach::Everywhere, _) => Err(Refusal::not_found("certificate store", id).into()),
        (Reach::Containers(_), _) => Err(rights::outside(right).into()),
    }
}

/// The store of this UUID, whatever its letter case, among those the actor may read.
pub fn by_uuid(tx: &mut Tx<'_>, actor: &Actor, uuid: &str) -> Result<StoreId> {
    let folded = uuid.trim().to_lowercase();
    find_readable(tx, actor, "SELECT id, container FROM certificate_store WHERE uuid = $1", &folded, uuid)
}

/// The store of this name among those the actor may read.
pub fn by_name(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> Result<StoreId> {
    find_readable(tx, actor, "SELECT id, container FROM certificate_store WHERE folded = $1", &lookalike::fold(name), name)
}

fn find_readable(tx: &mut Tx<'_>, actor: &Actor, sql: &str, wanted: &str, shown: &str) -> Result<StoreId> {
    let reach = rights::reach(tx, actor, Right::Read)?;
    let found = tx.one(sql, params![wanted], |row| Ok((StoreId(row.get(0)?), row.get::<Option<i64>>(1)?.map(ContainerId))))?;
    match found {
        Some((id, container)) if reach.includes(container) => Ok(id),
        _ => Err(Refusal::not_found("certificate store", format!("{shown:?}")).into()),
    }
}

/// What queries find stores by: the names of the containers, the machines or the paths of the stores that the actor may read; nothing
/// for whoever may read none, and for other fields.
pub(crate) fn texts_of(tx: &mut Tx<'_>, actor: &Actor, field: FieldId) -> Result<Vec<String>> {
    let sql = match field {
        FieldId::StoreContainer => "SELECT id, name FROM container ORDER BY folded",
        FieldId::StoreMachine => "SELECT DISTINCT container, machine FROM certificate_store WHERE machine <> '' ORDER BY machine",
        FieldId::StorePath => "SELECT container, path FROM certificate_store ORDER BY path",
        _ => return Ok(Vec::new()),
    };
    let reach = match rights::reach(tx, actor, Right::Read) {
        Err(Error::Refused(Refusal::Forbidden { .. })) => return Ok(Vec::new()),
        found => found?,
    };
    let all = tx.rows(sql, params![], |row| Ok((row.get::<Option<i64>>(0)?.map(ContainerId), row.get::<String>(1)?)))?;
    let mut texts: Vec<String> =
        all.into_iter().filter(|(container, _)| reach.includes(*container)).map(|(_, text)| text).collect();
    texts.dedup();
    Ok(texts)
}

/// One store without asking who wants to know.
pub(super) fn lookup(tx: &mut Tx<'_>, id: StoreId) -> Result<Option<Store>> {
    Ok(tx.one(&format!("SELECT {COLUMNS} WHERE certificate_store.id = $1"), params![id], read)?)
}

/// The stores of a container without asking who wants to know.
pub(super) fn of_container(tx: &mut Tx<'_>, container: ContainerId) -> Result<Vec<Store>> {
    Ok(tx.rows(
        &format!("SELECT {COLUMNS} WHERE certificate_store.container = $1 ORDER BY certificate_store.id"),
        params![container],
        read,
    )?)
}
