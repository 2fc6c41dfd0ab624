//! The tables, and what must be in them before anything else.

use std::collections::HashSet;

use certhold_store::{Migration, Tx, params};
use serde_json::json;

use crate::actor::Actor;
use crate::error::{Error, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::lookalike;

/// Every migration, in order. A published one never changes.
pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "foundation", sql: include_str!("../schema/0001_foundation.sql") },
    Migration { number: 2, name: "inventory", sql: include_str!("../schema/0002_inventory.sql") },
    Migration { number: 3, name: "collections", sql: include_str!("../schema/0003_collections.sql") },
    Migration { number: 4, name: "custody and events", sql: include_str!("../schema/0004_custody_events.sql") },
    Migration { number: 5, name: "claims", sql: include_str!("../schema/0005_claims.sql") },
    Migration { number: 6, name: "key requests", sql: include_str!("../schema/0006_key_requests.sql") },
    Migration { number: 7, name: "metadata", sql: include_str!("../schema/0007_metadata.sql") },
    Migration { number: 8, name: "chains", sql: include_str!("../schema/0008_chains.sql") },
    Migration { number: 9, name: "api clients", sql: include_str!("../schema/0009_api_clients.sql") },
    Migration { number: 10, name: "revocation and orders", sql: include_str!("../schema/0010_revocation.sql") },
    Migration { number: 11, name: "private authorities", sql: include_str!("../schema/0011_private_ca.sql") },
    Migration { number: 12, name: "stores", sql: include_str!("../schema/0012_stores.sql") },
    Migration { number: 13, name: "frequent", sql: include_str!("../schema/0013_frequent.sql") },
    Migration { number: 14, name: "named certificates", sql: include_str!("../schema/0014_named_certificates.sql") },
    Migration { number: 15, name: "enrolment", sql: include_str!("../schema/0015_enrolment.sql") },
    Migration { number: 16, name: "identity providers", sql: include_str!("../schema/0016_identity_providers.sql") },
    Migration { number: 17, name: "private renewal", sql: include_str!("../schema/0017_private_renewal.sql") },
    Migration { number: 18, name: "narrow", sql: include_str!("../schema/0018_narrow.sql") },
    Migration { number: 19, name: "authors", sql: include_str!("../schema/0019_authors.sql") },
    Migration { number: 20, name: "views", sql: include_str!("../schema/0020_views.sql") },
    Migration { number: 21, name: "requesters", sql: include_str!("../schema/0021_requesters.sql") },
    Migration { number: 22, name: "managed days", sql: include_str!("../schema/0022_managed_days.sql") },
    Migration { number: 23, name: "in service", sql: include_str!("../schema/0023_in_service.sql") },
    Migration { number: 24, name: "names", sql: include_str!("../schema/0024_names.sql") },
    Migration { number: 25, name: "key request answers", sql: include_str!("../schema/0025_key_request_answers.sql") },
    Migration { number: 26, name: "facet counts", sql: include_str!("../schema/0026_facet_counts.sql") },
    Migration { number: 27, name: "trouble", sql: include_str!("../schema/0027_trouble.sql") },
];

/// Tables that a copy of a database leaves out, because they are made again from the others.
pub const DERIVED_TABLES: &[&str] = &["certificate_text"];

/// After such a copy: lets the jobs that make those tables begin anew.
pub fn begin_derived_anew(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute("UPDATE counter SET value = 0 WHERE name = 'text_indexed'", params![])?;
    Ok(())
}

/// Fills in what migrations have left to code, in a database that lives already; it changes nothing the second time.
pub fn complete(tx: &mut Tx<'_>) -> Result<()> {
    fold_revokers(tx)?;
    fold_requesters(tx)?;
    refold(tx)
}

/// Brings a fresh database to life: its identity, counters, the `Global` permission set and the `Administrator` role. On a
/// database that lives already it changes nothing. `uuids` are two fresh random UUIDs.
pub fn prepare(tx: &mut Tx<'_>, uuids: &[uuid::Uuid; 2], now: i64) -> Result<()> {
    if is_prepared(tx)? {
        return complete(tx);
    }
    let installation = uuids[0].to_string();
    tx.execute("INSERT INTO setting (name, value) VALUES ('installation', $1)", params![&installation])?;
    tx.execute("INSERT INTO setting (name, value) VALUES ('folding', $1)", params![FOLDING])?;
    tx.execute(
        "INSERT INTO counter (name, value) VALUES ('access', 1), ('certificates', 0), ('last_certificate', 0)",
        params![],
    )?;
    // Whatever comes in from now on is derived as this version does it.
    tx.execute("UPDATE counter SET value = $1 WHERE name = 'derived'", params![crate::inventory::DERIVATION])?;
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

/// The number of the rule by which names are compared ([`lookalike::fold`]); a change of the rule changes it.
const FOLDING: &str = "3";

/// Brings the stored forms of names up to the present rule, once. Two names of old that look the same now keep the forms they
/// have: both stay, and a third is refused.
fn refold(tx: &mut Tx<'_>) -> Result<()> {
    let known: Option<String> = tx.one("SELECT value FROM setting WHERE name = 'folding'", params![], |row| row.get(0))?;
    if known.as_deref() == Some(FOLDING) {
        return Ok(());
    }
    for table in
        ["role", "permission_set", "principal", "container", "certificate_store", "enrolment_pattern", "identity_provider"]
    {
        let rows = tx.rows(&format!("SELECT id, name, folded FROM {table} ORDER BY id"), params![], |row| {
            Ok((row.get::<i64>(0)?, row.get::<String>(1)?, row.get::<String>(2)?))
        })?;
        let mut taken: HashSet<String> = rows.iter().map(|(_, _, folded)| folded.clone()).collect();
        for (id, name, before) in rows {
            let folded = lookalike::fold(&name);
            if folded != before && taken.insert(folded.clone()) {
                tx.execute(&format!("UPDATE {table} SET folded = $1 WHERE id = $2"), params![folded, id])?;
            }
        }
    }
    tx.execute(
        "INSERT INTO setting (name, value) VALUES ('folding', $1) ON CONFLICT (name) DO UPDATE SET value = $1",
        params![FOLDING],
    )?;
    Ok(())
}

/// Fills in the form in which those are looked for who recorded a revocation, where only their names are stored.
fn fold_revokers(tx: &mut Tx<'_>) -> Result<()> {
    let sql = "SELECT DISTINCT revoker FROM revocation WHERE revoker_folded IS NULL AND revoker IS NOT NULL";
    for name in tx.rows(sql, params![], |row| row.get::<String>(0))? {
        let folded = crate::query::fold(&name);
        tx.execute(
            "UPDATE revocation SET revoker_folded = $1 WHERE revoker_folded IS NULL AND revoker = $2",
            params![folded, &name],
        )?;
    }
    Ok(())
}

/// The same for those who enrolled.
fn fold_requesters(tx: &mut Tx<'_>) -> Result<()> {
    let sql = "SELECT DISTINCT requester FROM issued_certificate WHERE requester_folded IS NULL AND requester IS NOT NULL";
    for name in tx.rows(sql, params![], |row| row.get::<String>(0))? {
        let folded = crate::query::fold(&name);
        tx.execute(
            "UPDATE issued_certificate SET requester_folded = $1 WHERE requester_folded IS NULL AND requester = $2",
            params![folded, &name],
        )?;
    }
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
