//! Creating, changing, copying and removing collections.

use std::collections::BTreeSet;

use certhold_store::{Tx, params};
use serde_json::{Value as Json, json};

use super::grants;
use super::list::{self, Collection, Duplicates};
use crate::access::{self, grants as on_object, paths};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CollectionId, MetadataFieldId};
use crate::query::{self, Query};
use crate::{limits, text};

/// A collection as it shall be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollectionCommand {
    /// Unique without regard to case.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The query. Empty: every certificate. It may not use `%ME%`, because what is inside must not depend on who asks.
    pub query: String,
    /// What makes two certificates of a list duplicates.
    pub duplicates: Duplicates,
    /// Whether it is shown on the home page.
    pub on_dashboard: bool,
}

struct Checked {
    name: String,
    query: Query,
}

fn check(tx: &mut Tx<'_>, command: &CollectionCommand, except: Option<CollectionId>) -> Result<Checked> {
    let name = text::name("name", &command.name)?;
    if name.chars().all(|c| c.is_ascii_digit()) {
        return Err(Refusal::invalid("name", "a name of digits only would be taken for a number").into());
    }
    text::line("description", &command.description.replace('\n', " "), limits::DESCRIPTION_CHARS)?;
    let catalogue = query::catalogue(tx)?;
    let query = Query::parse(&command.query, &catalogue)?;
    if query.uses_me() {
        let message = "what is in a collection must not depend on who asks: leave %ME% and %ME-AN% out";
        return Err(Refusal::invalid("query", message).into());
    }
    let taken: Option<i64> =
        tx.one("SELECT id FROM collection WHERE folded = $1", params![text::fold(&name)], |row| row.get(0))?;
    if taken.is_some_and(|taken| Some(CollectionId(taken)) != except) {
        return Err(Refusal::Conflict(format!("there is a collection named {name:?} already")).into());
    }
    Ok(Checked { name, query })
}

fn describe(name: &str, command: &CollectionCommand) -> Json {
    json!({
        "name": name, "description": command.description, "query": command.query,
        "duplicates": command.duplicates.word(), "on_dashboard": command.on_dashboard,
    })
}

fn as_command(collection: &Collection) -> CollectionCommand {
    CollectionCommand {
        name: collection.name.clone(),
        description: collection.description.clone(),
        query: collection.query.clone(),
        duplicates: collection.duplicates,
        on_dashboard: collection.on_dashboard,
    }
}

/// Creates a collection. Nobody has rights on it yet: a number under which roles have rights already is passed over, unless whoever
/// creates it holds these rights everywhere.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, command: &CollectionCommand, now: i64) -> Result<CollectionId> {
    access::require_path(tx, actor, paths::COLLECTIONS_MODIFY)?;
    let checked = check(tx, command, None)?;
    let count: i64 = tx.one("SELECT count(*) FROM collection", params![], |row| row.get(0))?.unwrap_or(0);
    if count >= limits::COLLECTIONS {
        return Err(Refusal::TooLarge(format!("at most {} collections are allowed", limits::COLLECTIONS)).into());
    }
    let mut id = insert(tx, &checked, command, now)?;
    while !on_object::may_begin(tx, actor, grants::scoped(id))? {
        tx.execute("DELETE FROM collection WHERE id = $1", params![id])?;
        on_object::pass_over(tx, actor, grants::scoped(id), "collection")?;
        id = insert(tx, &checked, command, now)?;
    }
    keep_fields(tx, id, &checked.query.metadata_fields())?;
    let payload = json!({ "after": describe(&checked.name, command) });
    let object = Object::new("collection", id.0, &checked.name);
    events::append(tx, actor, now, NewEvent::new(names::COLLECTION_CREATED, object, payload))?;
    Ok(id)
}

fn insert(tx: &mut Tx<'_>, checked: &Checked, command: &CollectionCommand, now: i64) -> Result<CollectionId> {
    let id: Option<i64> = tx.one(
        "INSERT INTO collection (name, folded, description, query, duplicates, on_dashboard, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        params![
            &checked.name,
            text::fold(&checked.name),
            &command.description,
            &command.query,
            command.duplicates.number(),
            command.on_dashboard,
            now
        ],
        |row| row.get(0),
    )?;
    id.map(CollectionId).ok_or_else(|| Error::damaged("a collection got no id"))
}

/// Replaces a collection. Changing the query changes what rights on the collection allow: whoever does it must hold everywhere the
/// rights that roles have on it.
pub fn update(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId, command: &CollectionCommand, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::COLLECTIONS_MODIFY)?;
    let before = as_command(&list::find(tx, actor, id)?);
    let checked = check(tx, command, Some(id))?;
    if before.query != command.query {
        let on_it = grants::of(tx, id)?;
        grants::require_held(tx, actor, &on_it, id)?;
    }
    let (old, new) = (describe(&before.name, &before), describe(&checked.name, command));
    if old == new {
        return Ok(());
    }
    tx.execute(
        "UPDATE collection SET name = $1, folded = $2, description = $3, query = $4, duplicates = $5, on_dashboard = $6 WHERE id = $7",
        params![
            &checked.name,
            text::fold(&checked.name),
            &command.description,
            &command.query,
            command.duplicates.number(),
            command.on_dashboard,
            id
        ],
    )?;
    keep_fields(tx, id, &checked.query.metadata_fields())?;
    let object = Object::new("collection", id.0, &checked.name);
    events::append(tx, actor, now, NewEvent::changed(names::COLLECTION_CHANGED, object, old, new))?;
    Ok(())
}

/// Creates a collection like another one, under another name. With the rights on it only for whoever may change roles and holds
/// these rights everywhere.
pub fn copy(tx: &mut Tx<'_>, actor: &Actor, from: CollectionId, name: &str, with_grants: bool, now: i64) -> Result<CollectionId> {
    access::require_path(tx, actor, paths::COLLECTIONS_MODIFY)?;
    access::require(tx, actor, &list::need(from))?;
    if with_grants {
        access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
    }
    let source = list::find(tx, actor, from)?;
    let command = CollectionCommand { name: name.to_owned(), ..as_command(&source) };
    let id = create(tx, actor, &command, now)?;
    if with_grants {
        let on_it = grants::of(tx, from)?;
        grants::require_held(tx, actor, &on_it, from)?;
        on_object::copy_all(tx, actor, &on_it, grants::scoped(from), id.0, now)?;
    }
    Ok(id)
}

/// Removes a collection; the certificates stay. While roles have rights on it that is refused, unless `force` takes these rights
/// away, which needs the right to change roles.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId, force: bool, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::COLLECTIONS_MODIFY)?;
    let found = list::find(tx, actor, id)?;
    on_object::let_go(tx, actor, grants::scoped(id), &found.name, force, now)?;
    tx.execute("DELETE FROM collection_favourite WHERE collection = $1", params![id])?;
    tx.execute("DELETE FROM collection_field WHERE collection = $1", params![id])?;
    tx.execute("DELETE FROM collection WHERE id = $1", params![id])?;
    let payload = json!({ "before": describe(&found.name, &as_command(&found)) });
    let object = Object::new("collection", id.0, &found.name);
    events::append(tx, actor, now, NewEvent::new(names::COLLECTION_DELETED, object, payload))?;
    Ok(())
}

/// Marks a collection for the actor, or takes the mark away. Needs the right to read it.
pub fn set_favourite(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId, favourite: bool, now: i64) -> Result<()> {
    access::require(tx, actor, &list::need(id))?;
    let found = list::find(tx, actor, id)?;
    let Some(principal) = actor.id else {
        return Err(Refusal::Conflict("only somebody who signs in has favourites".into()).into());
    };
    if found.favourite == favourite {
        return Ok(());
    }
    let sql = if favourite {
        "INSERT INTO collection_favourite (principal, collection) VALUES ($1, $2) ON CONFLICT (principal, collection) DO NOTHING"
    } else {
        "DELETE FROM collection_favourite WHERE principal = $1 AND collection = $2"
    };
    tx.execute(sql, params![principal, id])?;
    let (old, new) = (json!({ "favourite": !favourite }), json!({ "favourite": favourite }));
    let object = Object::new("collection", id.0, &found.name);
    events::append(tx, actor, now, NewEvent::changed(names::COLLECTION_FAVOURITE_CHANGED, object, old, new))?;
    Ok(())
}

/// Keeps which metadata fields a query looks at, so that whoever changes or removes one learns it.
pub(super) fn keep_fields(tx: &mut Tx<'_>, id: CollectionId, fields: &BTreeSet<MetadataFieldId>) -> Result<()> {
    tx.execute("DELETE FROM collection_field WHERE collection = $1", params![id])?;
    for field in fields {
        tx.execute("INSERT INTO collection_field (field, collection) VALUES ($1, $2)", params![*field, id])?;
    }
    Ok(())
}
