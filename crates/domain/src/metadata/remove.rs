//! Removing a field, with its values if that is wanted.

use certhold_store::{Tx, Value, params};
use serde_json::{Value as Json, json};

use super::field::Field;
use super::fields::{described, find};
use super::set::titles;
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{BulkEditId, CertificateId, MetadataFieldId};
use crate::{bulk, collections, limits};

/// What became of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The field is gone.
    Done,
    /// The field takes no more values; this job erases those that it has, and then the field.
    Started(BulkEditId),
}

/// Removes a field. One that certificates have values in is removed only with `force`, which erases the values: at once when
/// they are few, else by a job. A field that the queries of collections look at is removed by whoever may change those queries.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: MetadataFieldId, force: bool, now: i64) -> Result<Removal> {
    access::require_path(tx, actor, paths::METADATA_TYPES_MODIFY)?;
    let field = find(tx, id)?;
    // One that a removal has left so that did not come to its end is removed once more.
    if field.removing && bulk::removes(tx, id)? {
        return Err(Refusal::Conflict(format!("the metadata field {:?} is being removed already", field.name)).into());
    }
    let used = having(tx, id, limits::BULK_CHUNK + 1)?;
    if !used.is_empty() && !force {
        let message = format!(
            "certificates have values in the metadata field {:?}: removing it needs force, which erases them",
            field.name
        );
        return Err(Refusal::Conflict(message).into());
    }
    let left = collections::with_field(tx, id, None)?;
    collections::require_may_redefine(tx, actor, left)?;
    if used.len() as i64 > limits::BULK_CHUNK {
        tx.execute("UPDATE metadata_field SET removing = $1 WHERE id = $2", params![true, id])?;
        return Ok(Removal::Started(bulk::start_removal(tx, actor, &field, now)?));
    }
    let erased = erase(tx, actor, &field, &json!({}), now)?;
    forget_field(tx, actor, &field, erased, now)?;
    Ok(Removal::Done)
}

fn having(tx: &mut Tx<'_>, id: MetadataFieldId, limit: i64) -> Result<Vec<(CertificateId, String)>> {
    let rows =
        tx.rows("SELECT certificate, value FROM certificate_metadata WHERE field = $1 LIMIT $2", params![id, limit], |row| {
            Ok((CertificateId(row.get(0)?), row.get(1)?))
        })?;
    Ok(rows)
}

/// Erases a chunk of a field's values, each with its event; how many there were.
pub(crate) fn erase(tx: &mut Tx<'_>, actor: &Actor, field: &Field, details: &Json, now: i64) -> Result<i64> {
    let values = having(tx, field.id, limits::BULK_CHUNK)?;
    if values.is_empty() {
        return Ok(0);
    }
    let ids: Vec<CertificateId> = values.iter().map(|(id, _)| *id).collect();
    let titles = titles(tx, &ids)?;
    let keys: Vec<[Value<'_>; 2]> = ids.iter().map(|id| [(*id).into(), field.id.into()]).collect();
    tx.execute_many("DELETE FROM certificate_metadata WHERE certificate = $1 AND field = $2", &keys)?;
    let titles: Vec<String> = titles.into_iter().map(Option::unwrap_or_default).collect();
    let events: Vec<NewEvent<'_>> = values
        .iter()
        .zip(&titles)
        .map(|((id, value), title)| {
            let mut payload = details.clone();
            payload["before"] = json!({ field.name.as_str(): value });
            payload["after"] = json!({ field.name.as_str(): null });
            NewEvent::new(names::CERTIFICATE_METADATA_CHANGED, Object::new("certificate", id.0, title), payload)
        })
        .collect();
    events::append_many(tx, actor, now, &events)?;
    Ok(values.len() as i64)
}

/// Removes the field itself, which has no values any more.
pub(crate) fn forget_field(tx: &mut Tx<'_>, actor: &Actor, field: &Field, erased: i64, now: i64) -> Result<()> {
    tx.execute("DELETE FROM enrolment_pattern_field WHERE field = $1", params![field.id])?;
    tx.execute("DELETE FROM metadata_field WHERE id = $1", params![field.id])?;
    collections::fields_changed(tx)?;
    let payload = json!({ "before": described(field), "values_erased": erased });
    let object = Object::new("metadata_field", field.id.0, &field.name);
    events::append(tx, actor, now, NewEvent::new(names::METADATA_FIELD_DELETED, object, payload))?;
    Ok(())
}
