//! What the queries of collections look at beside certificates themselves: names of roles, containers and managed certificates, the
//! places of stores, metadata fields. Whoever changes one of these moves certificates into others' reach or out of it, which is worth as
//! much as changing the query.

use std::collections::{BTreeMap, BTreeSet};

use certhold_store::{Tx, params};

use super::change::keep_fields;
use super::grants;
use crate::access::{self, Access, grants as on_object, paths};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::ids::{CollectionId, MetadataFieldId};
use crate::metadata;
use crate::query::{self, Catalogue, FieldId, MetadataEntry, Query};

/// A text that certificates have because of what they are linked to, and that is about to be another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved<'a> {
    /// What queries call it.
    pub(crate) field: FieldId,
    /// What it is; `None` when certificates do not have it yet.
    pub(crate) before: Option<&'a str>,
    /// What it becomes; `None` when they lose it.
    pub(crate) after: Option<&'a str>,
}

impl<'a> Moved<'a> {
    /// The same text under another spelling.
    pub(crate) fn renamed(field: FieldId, before: &'a str, after: &'a str) -> Moved<'a> {
        Moved { field, before: Some(before), after: Some(after) }
    }
}

/// Refuses a change of such texts when the query of a collection on which roles, or the scopes of the actor's token, have rights tells
/// before from after, unless the actor may change that query.
pub(crate) fn require_may_move(tx: &mut Tx<'_>, actor: &Actor, moved: &[Moved<'_>]) -> Result<()> {
    let differs = |one: &Moved<'_>| one.before.map(query::fold) != one.after.map(query::fold);
    if !moved.iter().any(differs) {
        return Ok(());
    }
    let held = access::current(tx, actor)?;
    let granted = grants::guarded(tx, &held)?;
    if granted.is_empty() {
        return Ok(());
    }
    let catalogue = query::catalogue(tx)?;
    for (id, name, text) in all(tx)? {
        if !granted.contains(&id) {
            continue;
        }
        // What cannot be understood contains nothing, before and after.
        let Ok(query) = Query::parse(&text, &catalogue) else { continue };
        let condition = query.resolve(0, "");
        let tells = |one: &Moved<'_>| query::tells_apart(&condition, one.field, one.before, one.after);
        if moved.iter().any(tells) {
            require_may_change(tx, actor, id, &name)?;
        }
    }
    Ok(())
}

/// Refuses a change of the metadata fields after which the query of a collection would mean something else, or nothing, unless the
/// actor may change that query.
pub(crate) fn require_may_redefine(tx: &mut Tx<'_>, actor: &Actor, after: Vec<MetadataEntry>) -> Result<()> {
    let (old, new) = (query::catalogue(tx)?, Catalogue::new(after));
    for (id, name, text) in all(tx)? {
        if Query::parse(&text, &old).ok() != Query::parse(&text, &new).ok() {
            require_may_change(tx, actor, id, &name)?;
        }
    }
    Ok(())
}

/// Notes again which metadata fields each collection looks at: another field may bear the name that a query uses.
pub(crate) fn fields_changed(tx: &mut Tx<'_>) -> Result<()> {
    let catalogue = query::catalogue(tx)?;
    let rows = tx.rows("SELECT collection, field FROM collection_field", params![], |row| {
        Ok((CollectionId(row.get(0)?), MetadataFieldId(row.get(1)?)))
    })?;
    let mut noted: BTreeMap<CollectionId, BTreeSet<MetadataFieldId>> = BTreeMap::new();
    for (collection, field) in rows {
        noted.entry(collection).or_default().insert(field);
    }
    for (id, _, text) in all(tx)? {
        let looked_at = Query::parse(&text, &catalogue).map(|query| query.metadata_fields()).unwrap_or_default();
        if noted.remove(&id).unwrap_or_default() != looked_at {
            keep_fields(tx, id, &looked_at)?;
        }
    }
    Ok(())
}

/// The collections whose queries look at a metadata field, by name.
pub(crate) fn looking_at(tx: &mut Tx<'_>, field: MetadataFieldId) -> Result<Vec<(CollectionId, String)>> {
    Ok(tx.rows(
        "SELECT collection.id, collection.name FROM collection_field JOIN collection ON collection.id = collection_field.collection \
         WHERE collection_field.field = $1 ORDER BY collection.folded",
        params![field],
        |row| Ok((CollectionId(row.get(0)?), row.get::<String>(1)?)),
    )?)
}

pub(super) fn require_may_change(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId, name: &str) -> Result<()> {
    if !access::allows(tx, actor, paths::COLLECTIONS_MODIFY)? {
        let reason = format!("the query of the collection {name:?} looks at this: whoever changes it changes what is inside");
        return Err(Refusal::Forbidden { reason, missing: vec![paths::COLLECTIONS_MODIFY.to_owned()] }.into());
    }
    let on_it = grants::of(tx, id)?;
    grants::require_held(tx, actor, &on_it, id)
}

/// The metadata fields whose values somebody with these rights may note only with more than the right to note something, by name.
pub(crate) fn guarded_fields(tx: &mut Tx<'_>, held: &Access) -> Result<Vec<String>> {
    let looked_at = tx.rows(
        "SELECT metadata_field.name, collection_field.collection FROM collection_field \
         JOIN metadata_field ON metadata_field.id = collection_field.field ORDER BY metadata_field.folded",
        params![],
        |row| Ok((row.get::<String>(0)?, CollectionId(row.get(1)?))),
    )?;
    let granted = grants::guarded(tx, held)?;
    let may_modify = held.allows(paths::COLLECTIONS_MODIFY);
    let mut guarded: Vec<String> = Vec::new();
    for (field, collection) in looked_at {
        if guarded.last() == Some(&field) || !granted.contains(&collection) {
            continue;
        }
        let on_it = grants::of(tx, collection)?;
        if !may_modify || !on_object::not_held(held, &on_it, grants::scoped(collection)).is_empty() {
            guarded.push(field);
        }
    }
    Ok(guarded)
}

/// Number, name and query of every collection, by name.
pub(super) fn all(tx: &mut Tx<'_>) -> Result<Vec<(CollectionId, String, String)>> {
    Ok(tx.rows("SELECT id, name, query FROM collection ORDER BY folded", params![], |row| {
        Ok((CollectionId(row.get(0)?), row.get::<String>(1)?, row.get::<String>(2)?))
    })?)
}

/// The fields of queries with one of them as it shall be, or without it.
pub(crate) fn with_field(tx: &mut Tx<'_>, id: MetadataFieldId, after: Option<MetadataEntry>) -> Result<Vec<MetadataEntry>> {
    let mut entries = metadata::entries(tx)?;
    entries.retain(|entry| entry.id != id);
    entries.extend(after);
    Ok(entries)
}
