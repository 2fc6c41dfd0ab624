//! What is in stores, as their inventories found it.

use std::collections::HashMap;

use certhold_store::{Tx, Value, params};

use super::kind::StoreKind;
use super::list;
use super::rights::{self, Reach, Right};
use crate::access::{self, Decision, Level, Need, paths};
use crate::actor::Actor;
use crate::collections::{self, Scope};
use crate::error::{Refusal, Result};
use crate::ids::{CertificateId, ContainerId, RoleId, StoreId};
use crate::inventory::Summary;
use crate::{inventory, limits, metadata};

/// An entry of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the store.
    pub alias: String,
    /// Its certificate, then those above it.
    pub certificates: Vec<EntryCertificate>,
    /// Whether its private key is there.
    pub has_key: bool,
    /// Since when it is known to be there, unix milliseconds.
    pub found_at: i64,
}

/// A certificate of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryCertificate {
    /// The number of its place in the store.
    pub item: i64,
    /// The certificate.
    pub summary: Summary,
    /// SHA-1 of its DER bytes, by which most software names it.
    pub sha1: Vec<u8>,
    /// What is noted about it, by the names of the fields, for whoever may read it otherwise than in the inventory.
    pub metadata: Vec<(String, String)>,
}

/// A page of a store's inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryPage {
    /// By alias.
    pub entries: Vec<Entry>,
    /// `after` of the next page, if there may be one.
    pub next: Option<String>,
}

/// What is in a store, by alias, for whoever may read the store.
pub fn inventory(tx: &mut Tx<'_>, actor: &Actor, id: StoreId, after: Option<&str>, limit: usize) -> Result<InventoryPage> {
    let store = list::with_right(tx, actor, id, Right::Read)?;
    let reading = Need::system(paths::CERTIFICATES_READ);
    let reading = match &store.container {
        Some((container, _)) => rights::or_reads_stores_of(reading, *container),
        None => reading,
    };
    let shows_notes = matches!(access::decide(tx, actor, &reading)?, Decision::Allowed { .. });
    let limit = limit.clamp(1, limits::PAGE_ROWS);
    let aliases = tx.rows(
        "SELECT alias FROM store_item WHERE store = $1 AND alias > $2 AND position = 0 ORDER BY alias LIMIT $3",
        params![id, after.unwrap_or(""), i64::try_from(limit + 1).unwrap_or(i64::MAX)],
        |row| row.get::<String>(0),
    )?;
    let more = aliases.len() > limit;
    let mut entries: Vec<Entry> = Vec::with_capacity(limit.min(aliases.len()));
    for alias in aliases.into_iter().take(limit) {
        let rows = tx.rows(
            "SELECT store_item.id, store_item.certificate, store_item.has_key, store_item.found_at, certificate.sha1 \
             FROM store_item CROSS JOIN certificate WHERE store_item.store = $1 AND store_item.alias = $2 \
             AND certificate.id = store_item.certificate ORDER BY store_item.position",
            params![id, &alias],
            |row| {
                let (item, certificate) = (row.get::<i64>(0)?, CertificateId(row.get(1)?));
                Ok((item, certificate, row.get::<bool>(2)?, row.get::<i64>(3)?, row.get::<Option<Vec<u8>>>(4)?))
            },
        )?;
        let Some((has_key, found_at)) = rows.first().map(|row| (row.2, row.3)) else { continue };
        let ids: Vec<CertificateId> = rows.iter().map(|row| row.1).collect();
        let mut notes = if shows_notes { metadata::of_many(tx, &ids)? } else { HashMap::new() };
        let mut certificates = Vec::with_capacity(rows.len());
        for (item, certificate, _, _, sha1) in rows {
            let (sha1, metadata) = (sha1.unwrap_or_default(), notes.remove(&certificate).unwrap_or_default());
            let found = inventory::summary_unchecked(tx, certificate)?;
            certificates.extend(found.map(|summary| EntryCertificate { item, summary, sha1, metadata }));
        }
        entries.push(Entry { alias, certificates, has_key, found_at });
    }
    let next = entries.last().filter(|_| more).map(|entry| entry.alias.clone());
    Ok(InventoryPage { entries, next })
}

/// The name of an entry whose name nobody chose: the thumbprint of its certificate, empty when there is no such certificate.
pub fn default_alias(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<String> {
    let sha1 = tx.one("SELECT sha1 FROM certificate WHERE id = $1", params![certificate], |row| row.get::<Option<Vec<u8>>>(0))?;
    // Whoever may not see the certificate is refused when it is added.
    Ok(sha1.flatten().map(|sha1| crate::text::hex(&sha1).to_uppercase()).unwrap_or_else(|| "certificate".into()))
}

/// A place where a certificate is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The store.
    pub store: StoreId,
    /// Its handle in other APIs.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: StoreKind,
    /// The machine that it belongs to.
    pub machine: String,
    /// Where it is.
    pub path: String,
    /// The container that it is in.
    pub container: Option<ContainerId>,
    /// The entry's name.
    pub alias: String,
    /// 0 for the entry's own certificate, more for those above it.
    pub position: i64,
    /// Whether its private key is there.
    pub has_key: bool,
    /// Since when it is known to be there, unix milliseconds.
    pub found_at: i64,
}

/// Where a certificate is installed, for whoever may read it; at most [`limits::PAGE_ROWS`] places. Whoever may read it through a container
/// only is told of the stores that they may read.
pub fn locations(tx: &mut Tx<'_>, actor: &Actor, certificate: CertificateId, scope: Scope) -> Result<Vec<Location>> {
    let level = collections::level(tx, actor, paths::CERTIFICATES_READ, certificate, scope)?;
    inventory::find_summary(tx, certificate)?.ok_or_else(|| Refusal::not_found("certificate", certificate))?;
    let mut values: Vec<Value<'_>> = vec![certificate.into(), i64::try_from(limits::PAGE_ROWS).unwrap_or(i64::MAX).into()];
    let seen = match level {
        Level::Container => rights::reach(tx, actor, Right::Read)?,
        Level::System | Level::Collection => Reach::Everywhere,
    };
    let within = match &seen {
        Reach::Everywhere => String::new(),
        Reach::Containers(containers) => {
            let first = values.len();
            values.extend(containers.iter().map(|container| Value::from(*container)));
            let places: Vec<String> = (first + 1..=values.len()).map(|place| format!("${place}")).collect();
            format!("AND certificate_store.container IN ({}) ", places.join(", "))
        }
    };
    let sql = format!(
        "SELECT certificate_store.id, certificate_store.uuid, certificate_store.name, certificate_store.kind, \
         certificate_store.machine, certificate_store.path, certificate_store.container, store_item.alias, store_item.position, \
         store_item.has_key, store_item.found_at FROM store_item CROSS JOIN certificate_store \
         WHERE store_item.certificate = $1 AND certificate_store.id = store_item.store {within}\
         ORDER BY certificate_store.folded, store_item.alias, store_item.position LIMIT $2"
    );
    Ok(tx.rows(&sql, &values, |row| {
        Ok(Location {
            store: StoreId(row.get(0)?),
            uuid: row.get(1)?,
            name: row.get(2)?,
            kind: StoreKind::parse(row.text(3)?).unwrap_or(StoreKind::PemDirectory),
            machine: row.get(4)?,
            path: row.get(5)?,
            container: row.get::<Option<i64>>(6)?.map(ContainerId),
            alias: row.get(7)?,
            position: row.get(8)?,
            has_key: row.get(9)?,
            found_at: row.get(10)?,
        })
    })?)
}

/// Whether a certificate is in a store of this container, as far as inventories know.
pub(crate) fn in_container(tx: &mut Tx<'_>, certificate: CertificateId, container: ContainerId) -> Result<bool> {
    let found: Option<i64> = tx.one(
        "SELECT store_item.id FROM store_item CROSS JOIN certificate_store WHERE store_item.certificate = $1 \
         AND certificate_store.id = store_item.store AND certificate_store.container = $2 LIMIT 1",
        params![certificate, container],
        |row| row.get(0),
    )?;
    Ok(found.is_some())
}

/// The containers in whose stores a certificate is, as far as inventories know, with their names.
pub(crate) fn holders_of(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<Vec<(ContainerId, String)>> {
    Ok(tx.rows(
        "SELECT DISTINCT container.id, container.name FROM store_item CROSS JOIN certificate_store CROSS JOIN container \
         WHERE store_item.certificate = $1 AND certificate_store.id = store_item.store \
         AND container.id = certificate_store.container ORDER BY container.id",
        params![certificate],
        |row| Ok((ContainerId(row.get(0)?), row.get::<String>(1)?)),
    )?)
}

/// Certificates that are in stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stored {
    /// In any.
    Anywhere,
    /// In any that is in a container.
    InContainers,
    /// In one of this container.
    In(ContainerId),
}

/// How many of them there are, by owner.
pub(crate) fn certificates_in(tx: &mut Tx<'_>, stored: Stored) -> Result<HashMap<Option<RoleId>, i64>> {
    let (which, values) = match stored {
        Stored::Anywhere => ("", Vec::new()),
        Stored::InContainers => ("WHERE certificate_store.container IS NOT NULL", Vec::new()),
        Stored::In(container) => ("WHERE certificate_store.container = $1", vec![Value::from(container)]),
    };
    let sql = format!(
        "SELECT certificate.owner_role, count(*) FROM certificate WHERE certificate.id IN (SELECT store_item.certificate \
         FROM store_item JOIN certificate_store ON certificate_store.id = store_item.store {which}) GROUP BY certificate.owner_role"
    );
    let counted = tx.rows(&sql, &values, |row| Ok((row.get::<Option<i64>>(0)?.map(RoleId), row.get::<i64>(1)?)))?;
    Ok(counted.into_iter().collect())
}

/// For each certificate the name of a store that has it.
pub(crate) fn stores_with(tx: &mut Tx<'_>, ids: &[[Value<'_>; 1]]) -> Result<Vec<Option<String>>> {
    let sql = "SELECT certificate_store.name FROM store_item CROSS JOIN certificate_store WHERE store_item.certificate = $1 \
               AND certificate_store.id = store_item.store LIMIT 1";
    Ok(tx.one_of_each(sql, ids, |row| row.get(0))?)
}

/// The certificates of an entry: its own, then those above it.
pub(super) fn of_alias(tx: &mut Tx<'_>, store: StoreId, alias: &str) -> Result<Vec<(CertificateId, bool)>> {
    let rows = tx.rows(
        "SELECT certificate, has_key FROM store_item WHERE store = $1 AND alias = $2 ORDER BY position",
        params![store, alias],
        |row| Ok((CertificateId(row.get(0)?), row.get::<bool>(1)?)),
    )?;
    Ok(rows)
}

/// What is new about an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    /// Only certificates above its own.
    Above,
    /// Its own certificate, or whether its key is there.
    Own,
}

/// Keeps what an entry is now, `seen` at this instant; what it was before goes.
pub(super) fn put(
    tx: &mut Tx<'_>,
    store: StoreId,
    alias: &str,
    certificates: &[CertificateId],
    has_key: bool,
    seen: i64,
    now: i64,
) -> Result<Change> {
    let known = of_alias(tx, store, alias)?;
    let wanted: Vec<(CertificateId, bool)> = certificates.iter().map(|id| (*id, has_key)).collect();
    if known == wanted {
        tx.execute("UPDATE store_item SET seen = $1 WHERE store = $2 AND alias = $3", params![seen, store, alias])?;
        return Ok(Change::Nothing);
    }
    tx.execute("DELETE FROM store_item WHERE store = $1 AND alias = $2", params![store, alias])?;
    let rows: Vec<[Value<'_>; 7]> = (0i64..)
        .zip(certificates)
        .map(|(position, id)| {
            [store.into(), alias.into(), position.into(), (*id).into(), has_key.into(), now.into(), seen.into()]
        })
        .collect();
    tx.execute_many(
        "INSERT INTO store_item (store, alias, position, certificate, has_key, found_at, seen) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &rows,
    )?;
    Ok(if known.first() == wanted.first() { Change::Above } else { Change::Own })
}

/// Forgets an entry; the certificate that it had.
pub(super) fn forget(tx: &mut Tx<'_>, store: StoreId, alias: &str) -> Result<Option<CertificateId>> {
    let known = of_alias(tx, store, alias)?;
    tx.execute("DELETE FROM store_item WHERE store = $1 AND alias = $2", params![store, alias])?;
    Ok(known.first().map(|(id, _)| *id))
}
