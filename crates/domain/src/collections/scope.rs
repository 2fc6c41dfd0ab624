//! Collections as scopes: whether a certificate is inside, and what a right on a collection is worth.

use std::collections::BTreeSet;

use certhold_store::{Tx, params};

use super::grants;
use super::list::{self, Collection};
use super::looks::{self, looking_at, require_may_change};
use crate::access::{self, Decision, Level, Need, paths};
use crate::actor::{Actor, Face};
use crate::error::{Error, Refusal, Result};
use crate::ids::{CertificateId, CollectionId, ContainerId, MetadataFieldId};
use crate::inventory;
use crate::query::{self, Catalogue, Condition, Query};
use crate::stores;

/// Where a right is looked for besides everywhere, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// A collection that the request names.
    pub collection: Option<CollectionId>,
    /// A container of certificate stores that the request names; a collection goes over it.
    pub container: Option<ContainerId>,
    /// Unix milliseconds: `%TODAY%` in the collection's query.
    pub now: i64,
}

impl Scope {
    /// Only rights that are held everywhere.
    pub fn everywhere(now: i64) -> Scope {
        Scope::of(None, now)
    }

    /// In this collection, if one is named.
    pub fn of(collection: Option<CollectionId>, now: i64) -> Scope {
        Scope { collection, container: None, now }
    }

    /// Says in an event's details through which collection something was done.
    pub(crate) fn tell(&self, payload: &mut serde_json::Value) {
        if let Some(collection) = self.collection {
            payload["collection"] = collection.0.into();
        }
    }
}

/// Refuses unless the actor holds `path` everywhere, or on the scope's collection with the certificate inside. Whoever holds it on
/// the collection only learns nothing about certificates outside: they are refused alike, whether they exist or not. A named
/// collection also narrows what somebody sees who holds the right everywhere.
pub fn require(tx: &mut Tx<'_>, actor: &Actor, path: &str, certificate: CertificateId, scope: Scope) -> Result<()> {
    level(tx, actor, path, certificate, scope).map(drop)
}

/// Refuses unless the actor holds `path` everywhere or on what the scope names, whatever the certificate: what needs several rights
/// asks this for each first, so that a refusal for want of one tells nothing about a certificate.
pub(crate) fn require_at_all(tx: &mut Tx<'_>, actor: &Actor, path: &str, scope: Scope) -> Result<Level> {
    let need = Need::system(path).or_collection(path, scope.collection);
    // Whoever sees the stores of a container sees the certificates in them.
    let need = match scope.container.filter(|_| scope.collection.is_none() && path == paths::CERTIFICATES_READ) {
        Some(container) => stores::or_reads_stores_of(need, container),
        None => need,
    };
    match access::decide(tx, actor, &need)? {
        Decision::Allowed { level, .. } => Ok(level),
        Decision::Denied { missing, reason } => Err(Refusal::Forbidden { reason, missing }.into()),
    }
}

/// As [`require`]; says where the right was found to hold.
pub(crate) fn level(tx: &mut Tx<'_>, actor: &Actor, path: &str, certificate: CertificateId, scope: Scope) -> Result<Level> {
    let level = require_at_all(tx, actor, path, scope)?;
    let Some(collection) = scope.collection else {
        return match scope.container {
            Some(container) => require_in_container(tx, path, certificate, container, level).map(|()| level),
            None => Ok(level),
        };
    };
    if contains(tx, actor, collection, certificate, scope.now)? {
        return Ok(level);
    }
    if level == Level::System {
        return Err(Refusal::not_found("certificate", certificate).into());
    }
    let reason = format!("the certificate is not in collection {collection}");
    Err(Refusal::Forbidden { reason, missing: vec![path.to_owned()] }.into())
}

/// The same for a container of certificate stores, in one of which the certificate must be.
fn require_in_container(
    tx: &mut Tx<'_>,
    path: &str,
    certificate: CertificateId,
    container: ContainerId,
    level: Level,
) -> Result<()> {
    if stores::in_container(tx, certificate, container)? {
        return Ok(());
    }
    if level == Level::System {
        return Err(Refusal::not_found("certificate", certificate).into());
    }
    let reason = format!("the certificate is in no certificate store of container {container}");
    Err(Refusal::Forbidden { reason, missing: vec![path.to_owned()] }.into())
}

/// The condition of a collection for whoever may see the certificates in it.
pub fn condition(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId, now: i64) -> Result<Condition> {
    access::require(tx, actor, &list::need(id))?;
    let collection = list::find(tx, actor, id)?;
    let catalogue = query::catalogue(tx)?;
    resolved(&collection, &catalogue, now)
}

fn resolved(collection: &Collection, catalogue: &Catalogue, now: i64) -> Result<Condition> {
    match Query::parse(&collection.query, catalogue) {
        Ok(query) => Ok(query.resolve(now, "")),
        Err(error) => {
            let message = format!("the query of the collection {:?} cannot be understood any more: {error}", collection.name);
            Err(Refusal::Conflict(message).into())
        }
    }
}

fn contains(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId, certificate: CertificateId, now: i64) -> Result<bool> {
    let collection = list::find(tx, actor, id)?;
    let catalogue = query::catalogue(tx)?;
    let condition = resolved(&collection, &catalogue, now)?;
    let subject = inventory::subject(tx, certificate)?;
    Ok(subject.is_some_and(|subject| query::evaluate(&condition, &subject)))
}

/// Those of these certificates that are in a collection which the actor may read.
pub(crate) fn among(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: CollectionId,
    certificates: &[CertificateId],
    now: i64,
) -> Result<BTreeSet<CertificateId>> {
    access::require(tx, actor, &list::need(id))?;
    inside(tx, id, certificates, now)
}

/// Those of these certificates that are in a collection, without asking who wants to know: for rules.
pub(crate) fn inside(
    tx: &mut Tx<'_>,
    id: CollectionId,
    certificates: &[CertificateId],
    now: i64,
) -> Result<BTreeSet<CertificateId>> {
    let collection = list::find(tx, &Actor::system(Face::Server, "scopes"), id)?;
    let catalogue = query::catalogue(tx)?;
    let condition = resolved(&collection, &catalogue, now)?;
    let mut inside = BTreeSet::new();
    for certificate in certificates {
        let subject = inventory::subject(tx, *certificate)?;
        if subject.is_some_and(|subject| query::evaluate(&condition, &subject)) {
            inside.insert(*certificate);
        }
    }
    Ok(inside)
}

/// Whether a certificate is in a collection, without asking who wants to know: for rules. Nothing is in a collection that is not
/// there, or whose query cannot be understood any more.
pub(crate) fn holds(tx: &mut Tx<'_>, id: CollectionId, certificate: CertificateId, now: i64) -> Result<bool> {
    match contains(tx, &Actor::system(Face::Server, "scopes"), id, certificate, now) {
        Err(Error::Refused(Refusal::NotFound { .. } | Refusal::Conflict(_))) => Ok(false),
        other => other,
    }
}

/// Those of these collections that a certificate is in, with their names, as [`holds`] says of each; what is looked at is read once.
pub(crate) fn holding(
    tx: &mut Tx<'_>,
    ids: &BTreeSet<CollectionId>,
    certificate: CertificateId,
    now: i64,
) -> Result<Vec<(CollectionId, String)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let Some(subject) = inventory::subject(tx, certificate)? else { return Ok(Vec::new()) };
    let catalogue = query::catalogue(tx)?;
    let is_inside =
        |text: &str| Query::parse(text, &catalogue).is_ok_and(|query| query::evaluate(&query.resolve(now, ""), &subject));
    let asked = looks::all(tx)?.into_iter().filter(|(id, ..)| ids.contains(id));
    let mut inside: Vec<_> = asked.filter(|(_, _, text)| is_inside(text)).map(|(id, name, _)| (id, name)).collect();
    inside.sort_by_key(|(id, _)| *id);
    Ok(inside)
}

/// A collection's name, for sentences; empty when there is none of this number.
pub(crate) fn name(tx: &mut Tx<'_>, id: CollectionId) -> Result<String> {
    let found = tx.one("SELECT name FROM collection WHERE id = $1", params![id], |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}

/// Refuses unless there is such a collection; for whoever changes the rights on it.
pub fn exists(tx: &mut Tx<'_>, id: CollectionId) -> Result<()> {
    let found: Option<i64> = tx.one("SELECT id FROM collection WHERE id = $1", params![id], |row| row.get(0))?;
    found.map(drop).ok_or_else(|| Refusal::not_found("collection", id).into())
}

/// The names of all collections, which are no secret to whoever sees the rights on them.
pub fn names(tx: &mut Tx<'_>) -> Result<Vec<(CollectionId, String)>> {
    Ok(tx
        .rows("SELECT id, name FROM collection ORDER BY folded", params![], |row| Ok((CollectionId(row.get(0)?), row.get(1)?)))?)
}

/// The collections that a certificate is in, by name, among those the actor may read. Needs the right to read the certificate.
pub fn containing(tx: &mut Tx<'_>, actor: &Actor, certificate: CertificateId, now: i64) -> Result<Vec<Collection>> {
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    let subject = inventory::subject(tx, certificate)?.ok_or_else(|| Refusal::not_found("certificate", certificate))?;
    let catalogue = query::catalogue(tx)?;
    let all = list::all(tx, actor)?;
    let inside = |one: &Collection| resolved(one, &catalogue, now).is_ok_and(|condition| query::evaluate(&condition, &subject));
    Ok(all.into_iter().filter(inside).collect())
}

/// The collections on which roles have rights and whose queries look at this metadata field.
pub fn scopes_using(tx: &mut Tx<'_>, field: MetadataFieldId) -> Result<Vec<(CollectionId, String)>> {
    let using = looking_at(tx, field)?;
    if using.is_empty() {
        return Ok(using);
    }
    let granted = grants::collections(tx)?;
    Ok(using.into_iter().filter(|(id, _)| granted.contains(id)).collect())
}

/// Refuses a change to the values of a metadata field that a scope's query looks at, or to the value that new certificates get by
/// themselves, unless the actor may change that query: such a change moves certificates into others' reach or out of it.
pub fn require_metadata_change(tx: &mut Tx<'_>, actor: &Actor, field: MetadataFieldId) -> Result<()> {
    // Whoever holds the whole area holds every right on every collection.
    if access::allows(tx, actor, grants::AREA)? {
        return Ok(());
    }
    let using = looking_at(tx, field)?;
    if using.is_empty() {
        return Ok(());
    }
    let held = access::current(tx, actor)?;
    let granted = grants::guarded(tx, &held)?;
    for (id, name) in using.into_iter().filter(|(id, _)| granted.contains(id)) {
        require_may_change(tx, actor, id, &name)?;
    }
    Ok(())
}
