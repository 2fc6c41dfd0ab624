//! Saved views: lists of the inventory that somebody has named for themselves, with search, filters, order and columns. A view grants
//! nothing: whoever opens it sees what they may see. What several people share, and rights are given on, is a collection.

use std::collections::BTreeMap;

use certhold_store::{Row, Tx, params};
use serde_json::json;

use crate::actor::Actor;
use crate::collections;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{PrincipalId, ViewId};
use crate::inventory::{Column, Direction, Expiry, Filter, OwnerFilter, Sort};
use crate::{limits, text};

/// A saved view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its handle.
    pub id: ViewId,
    /// Unique among the views of one person, without regard to case.
    pub name: String,
    /// What the list shows and how; see [`PARAMETERS`].
    pub parameters: BTreeMap<String, String>,
    /// Since when there is it, unix milliseconds.
    pub created_at: i64,
}

/// A view as it shall be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewCommand {
    /// Unique among the views of one person, without regard to case.
    pub name: String,
    /// What the list shows and how; see [`PARAMETERS`].
    pub parameters: BTreeMap<String, String>,
}

/// The parameters of a list, by the names that they have in the address of the inventory: words or a query, a filter, a role's number,
/// a collection's number, conditions a line each, columns with commas between, both ends of a stretch of time (RFC 3339), the order.
pub const PARAMETERS: [&str; 9] = ["q", "filter", "owner", "collection", "where", "columns", "from", "until", "sort"];

/// A filter that stands above the list of the inventory: what `filter` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFilter {
    /// What expires within 30 days.
    Expiring,
    /// What has expired.
    Expired,
    /// What nobody owns.
    Unowned,
    /// Versions of managed certificates.
    Managed,
}

impl ListFilter {
    /// Every filter with its word.
    pub const NAMES: &[(&str, ListFilter)] = &[
        ("expiring", ListFilter::Expiring),
        ("expired", ListFilter::Expired),
        ("unowned", ListFilter::Unowned),
        ("managed", ListFilter::Managed),
    ];

    /// The filter of this word.
    pub fn parse(word: &str) -> Option<ListFilter> {
        ListFilter::NAMES.iter().find(|(known, _)| *known == word).map(|(_, filter)| *filter)
    }

    /// Narrows a list that is asked for at `now`; what the filter is about goes over what was asked for beside it.
    pub fn narrow(self, filter: &mut Filter, now: i64) {
        match self {
            ListFilter::Expiring => filter.expiry = Expiry { from: Some(now), before: Some(now.saturating_add(SOON_MS)) },
            ListFilter::Expired => filter.expiry = Expiry { from: None, before: Some(now) },
            ListFilter::Unowned => filter.owner = Some(OwnerFilter::Nobody),
            ListFilter::Managed => filter.managed = Some(true),
        }
    }
}

/// What expires soon: 30 days.
pub const SOON_MS: i64 = 30 * 86_400_000;

/// The words of `sort`, each with its two directions.
const ORDERS: &[(&str, [Sort; 2])] = &[
    ("expiry", [Sort::Expiry, Sort::ExpiryLast]),
    ("name", both(Column::CommonName)),
    ("issuer", both(Column::Issuer)),
    ("held", both(Column::HeldSince)),
];

const fn both(column: Column) -> [Sort; 2] {
    [Sort::By(column, Direction::Ascending), Sort::By(column, Direction::Descending)]
}

fn order(word: &str) -> Option<[Sort; 2]> {
    ORDERS.iter().find(|(known, _)| *known == word).map(|(_, sorts)| *sorts)
}

/// What `sort` means: the word of a column, whether downwards, and the order; nothing for what is none, where lists begin with the newest.
pub fn sorting(text: &str) -> Option<(&str, bool, Sort)> {
    let (word, descending) = text.strip_prefix('-').map_or((text, false), |word| (word, true));
    order(word).map(|sorts| (word, descending, sorts[usize::from(descending)]))
}

/// The actor's own views, by name; nobody has views who does not sign in.
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<View>> {
    let Some(owner) = actor.id else { return Ok(Vec::new()) };
    tx.rows(&format!("SELECT {COLUMNS} WHERE principal = $1 ORDER BY folded"), params![owner], read)?
        .into_iter()
        .map(whole)
        .collect()
}

/// One of the actor's own views.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: ViewId) -> Result<View> {
    let missing = || Error::from(Refusal::not_found("view", id));
    let owner = actor.id.ok_or_else(missing)?;
    let sql = format!("SELECT {COLUMNS} WHERE id = $1 AND principal = $2");
    tx.one(&sql, params![id, owner], read)?.map(whole).transpose()?.ok_or_else(missing)
}

/// Saves a view for whoever asks.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, command: &ViewCommand, now: i64) -> Result<ViewId> {
    require_reader(tx, actor)?;
    let owner = owner(actor)?;
    let checked = checked(tx, owner, command, None)?;
    let count: i64 =
        tx.one("SELECT count(*) FROM saved_view WHERE principal = $1", params![owner], |row| row.get(0))?.unwrap_or(0);
    if count >= limits::VIEWS {
        return Err(Refusal::TooLarge(format!("{} views are as many as one may have: remove one first", limits::VIEWS)).into());
    }
    let id: Option<i64> = tx.one(
        "INSERT INTO saved_view (principal, name, folded, parameters, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        params![owner, &checked.name, text::fold(&checked.name), json!(checked.parameters).to_string(), now],
        |row| row.get(0),
    )?;
    let id = ViewId(id.ok_or_else(|| Error::damaged("a view got no id"))?);
    let object = Object::new("view", id.0, &checked.name);
    events::append(tx, actor, now, NewEvent::new(names::VIEW_CREATED, object, json!({ "after": describe(&checked) })))?;
    Ok(id)
}

/// Replaces one of the actor's own views; nothing happens when it is like this already.
pub fn update(tx: &mut Tx<'_>, actor: &Actor, id: ViewId, command: &ViewCommand, now: i64) -> Result<()> {
    require_reader(tx, actor)?;
    let before = get(tx, actor, id)?;
    let before = ViewCommand { name: before.name, parameters: before.parameters };
    let checked = checked(tx, owner(actor)?, command, Some(id))?;
    if before == checked {
        return Ok(());
    }
    tx.execute(
        "UPDATE saved_view SET name = $1, folded = $2, parameters = $3 WHERE id = $4",
        params![&checked.name, text::fold(&checked.name), json!(checked.parameters).to_string(), id],
    )?;
    let object = Object::new("view", id.0, &checked.name);
    events::append(tx, actor, now, NewEvent::changed(names::VIEW_CHANGED, object, describe(&before), describe(&checked)))?;
    Ok(())
}

/// Removes one of the actor's own views.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: ViewId, now: i64) -> Result<()> {
    require_reader(tx, actor)?;
    let before = get(tx, actor, id)?;
    tx.execute("DELETE FROM saved_view WHERE id = $1", params![id])?;
    let object = Object::new("view", id.0, &before.name);
    let payload = json!({ "before": { "name": before.name, "parameters": before.parameters } });
    events::append(tx, actor, now, NewEvent::new(names::VIEW_DELETED, object, payload))?;
    Ok(())
}

const COLUMNS: &str = "id, name, parameters, created_at FROM saved_view";

fn read(row: &Row<'_>) -> Result<(ViewId, String, String, i64), certhold_store::Error> {
    Ok((ViewId(row.get(0)?), row.get(1)?, row.get(2)?, row.get(3)?))
}

fn whole((id, name, parameters, created_at): (ViewId, String, String, i64)) -> Result<View> {
    let parameters =
        serde_json::from_str(&parameters).map_err(|error| Error::damaged(format!("the parameters of view {id}: {error}")))?;
    Ok(View { id, name, parameters, created_at })
}

fn describe(view: &ViewCommand) -> serde_json::Value {
    json!({ "name": view.name, "parameters": view.parameters })
}

fn owner(actor: &Actor) -> Result<PrincipalId, Refusal> {
    actor.id.ok_or_else(|| Refusal::Conflict("only somebody who signs in has views".into()))
}

/// Refuses whoever sees no list of certificates of which a view could be one.
fn require_reader(tx: &mut Tx<'_>, actor: &Actor) -> Result<()> {
    collections::list(tx, actor).map(drop)
}

fn words<T>(names: &[(&str, T)]) -> String {
    names.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
}

/// Refuses a value that means nothing: what does not understand it would show everything.
fn check_value(parameter: &str, value: &str) -> Result<(), Refusal> {
    let wrong = |what: String| Err(Refusal::invalid("parameters", format!("{parameter} is {what}, not {value:?}")));
    match parameter {
        "filter" if ListFilter::parse(value).is_none() => wrong(format!("one of {}", words(ListFilter::NAMES))),
        "sort" if sorting(value).is_none() => {
            wrong(format!("one of {}, with a hyphen before it for the other direction", words(ORDERS)))
        }
        "owner" | "collection" if value.parse::<i64>().is_err() => wrong("a number".into()),
        _ => Ok(()),
    }
}

/// The view without empty parameters, if it can be had.
fn checked(tx: &mut Tx<'_>, owner: PrincipalId, command: &ViewCommand, own: Option<ViewId>) -> Result<ViewCommand> {
    let name = text::name("name", &command.name)?;
    if name.chars().all(|c| c.is_ascii_digit()) {
        return Err(Refusal::invalid("name", "a name of digits only would be taken for a number").into());
    }
    let mut parameters = command.parameters.clone();
    parameters.retain(|_, value| !value.is_empty());
    for (parameter, value) in &parameters {
        if !PARAMETERS.contains(&parameter.as_str()) {
            let message = format!("{parameter:?} is none of {}", PARAMETERS.join(", "));
            return Err(Refusal::invalid("parameters", message).into());
        }
        check_value(parameter, value)?;
        if value.chars().count() > limits::QUERY_CHARS || value.contains('\0') {
            let message = format!("{parameter:?} has at most {} characters, none of them NUL", limits::QUERY_CHARS);
            return Err(Refusal::invalid("parameters", message).into());
        }
    }
    let sql = "SELECT id FROM saved_view WHERE principal = $1 AND folded = $2";
    let taken: Option<i64> = tx.one(sql, params![owner, text::fold(&name)], |row| row.get(0))?;
    if taken.is_some_and(|taken| own.is_none_or(|own| own.0 != taken)) {
        return Err(Refusal::Conflict(format!("you have a view {name:?} already")).into());
    }
    Ok(ViewCommand { name, parameters })
}
