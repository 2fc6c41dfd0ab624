//! The tables, and what must be in them before anything else.

use certhold_store::{Migration, Tx, params};
use serde_json::json;

use crate::actor::Actor;
use crate::error::{Error, Result};
use crate::events::{self, NewEvent, Object, names};

/// Every migration, in order. A published one never changes.
pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "foundation", sql: include_str!("../schema/0001_foundation.sql") },
    Migration { number: 2, name: "inventory", sql: include_str!("../schema/0002_inventory.sql") },
    Migration { number: 3, name: "collections", sql: include_str!("../schema/0003_collections.sql") },
    Migration { number: 4, name: "custody and events", sql: include_str!("../schema/0004_custody_events.sql") },
];

/// Tables that a copy of a database leaves out, because they are made again from the others.
pub const DERIVED_TABLES: &[&str] = &["certificate_text"];

/// After such a copy: lets the jobs that make those tables begin anew.
pub fn begin_derived_anew(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute("UPDATE counter SET value = 0 WHERE name = 'text_indexed'", params![])?;
    Ok(())
}

/// Brings a fresh database to life: its identity, counters, the `Global` permission set and the `Administrator` role. On a
/// database that lives already it changes nothing. `uuids` are two fresh random UUIDs.
pub fn prepare(tx: &mut Tx<'_>, uuids: &[uuid::Uuid; 2], now: i64) -> Result<()> {
    if is_prepared(tx)? {
        return Ok(());
    }
    let installation = uuids[0].to_string();
    tx.execute("INSERT INTO setting (name, value) VALUES ('installation', $1)", params![&installation])?;
    tx.execute(
        "INSERT INTO counter (name, value) VALUES ('access', 1), ('certificates', 0), ('last_certificate', 0)",
        params![],
    )?;
    let set: Option<i64> = tx.one(
        "INSERT INTO permission_set (uuid, name, folded, paths) VALUES ($1, 'Global', 'global', '[\"/\"]') RETURNING id",
        params![uuids[1].to_string()],
        |row| row.get(0),
    )?;
    tx.execute(
        "INSERT INTO role (name, folded, description, permission_set, built_in, paths, created_at) \
         VALUES ('Administrator', 'administrator', 'May do everything; cannot be changed.', $1, $2, '[\"/\"]', $3)",
        params![set, true, now],
    )?;
    let server = Actor::system(crate::actor::Face::Server, "certhold");
    let object = Object { kind: "installation", id: None, name: &installation };
    events::append(tx, &server, now, NewEvent::new(names::INSTALLATION_CREATED, object, json!({})))?;
    Ok(())
}

/// Whether [`prepare`] has run on this database.
pub fn is_prepared(tx: &mut Tx<'_>) -> Result<bool> {
    let exists: Option<String> = tx.one("SELECT value FROM setting WHERE name = 'installation'", params![], |row| row.get(0))?;
    Ok(exists.is_some())
}

/// The identity of this database.
pub fn installation(tx: &mut Tx<'_>) -> Result<String> {
    let found = tx.one("SELECT value FROM setting WHERE name = 'installation'", params![], |row| row.get(0))?;
    found.ok_or_else(|| Error::damaged("the setting 'installation' is missing"))
}
