//! What presents an identity, and where else its certificate is.

use certhold_store::{Tx, params};

use super::assign::Place;
use super::entry::{self, Kind};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::Result;
use crate::inventory;

/// Where the certificate of an entry is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// What presents it here.
    pub places: Vec<Place>,
    /// Certificate stores that hold it, as `store: alias`; empty for whoever may not see stores.
    pub stores: Vec<String>,
    /// Deployments that installed it, as `managed certificate: deployment`; empty for whoever may not see renewals.
    pub deployments: Vec<String>,
    /// The subjects of the certificates above it that came with it, its issuer first.
    pub chain: Vec<String>,
    /// Whoever issued the last of them, where that certificate did not come with it.
    pub missing_issuer: Option<String>,
}

/// Where an entry's certificate is used. Whoever may see entries sees what presents it; the rest needs its own rights.
pub fn usage(tx: &mut Tx<'_>, actor: &Actor, kind: Kind, handle: &str) -> Result<Usage> {
    let entry = entry::get(tx, actor, kind, handle)?;
    let places =
        tx.rows("SELECT place FROM assignment WHERE named = $1 ORDER BY place", params![entry.id], |row| row.get::<String>(0))?;
    let places = places.iter().map(|place| Place::parse(place)).collect::<Result<_>>()?;
    let above = inventory::fetch_chain(tx, entry.certificate)?;
    let leaf = inventory::fetch(tx, entry.certificate)?;
    let top = &above.last().unwrap_or(&leaf).summary;
    let missing_issuer = (!top.self_signed).then(|| top.issuer.clone());
    let chain = above.iter().map(|member| member.summary.subject.clone()).collect();
    let mut usage = Usage { places, chain, missing_issuer, ..Usage::default() };
    let pair = |row: &certhold_store::Row<'_>| Ok(format!("{}: {}", row.get::<String>(0)?, row.get::<String>(1)?));
    if access::allows(tx, actor, paths::STORES_READ)? {
        let sql = "SELECT certificate_store.name, store_item.alias FROM store_item JOIN certificate_store \
            ON certificate_store.id = store_item.store WHERE store_item.certificate = $1 ORDER BY store_item.id LIMIT 100";
        usage.stores = tx.rows(sql, params![entry.certificate], pair)?;
    }
    if access::allows(tx, actor, paths::RENEWAL_READ)? {
        let sql = "SELECT lineage.name, deployment.name FROM deployment JOIN lineage ON lineage.id = deployment.lineage \
            WHERE deployment.certificate = $1 ORDER BY deployment.id LIMIT 100";
        usage.deployments = tx.rows(sql, params![entry.certificate], pair)?;
    }
    Ok(usage)
}
