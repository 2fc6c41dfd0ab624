//! Starting an edit: a row and a job in one transaction.

use certhold_store::{Tx, Value, params};
use serde_json::{Value as Json, json};

use super::author::Author;
use super::preview::{extended, named};
use super::rule::Rule;
use super::{Command, Edit, Selection, edits, preview};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{BulkEditId, CertificateId};
use crate::jobs::{self, JobKind};
use crate::limits;
use crate::metadata::Field;

/// Starts an edit; the rights and the values are checked now, and again with every chunk.
pub fn start(tx: &mut Tx<'_>, actor: &Actor, command: &Command, now: i64) -> Result<BulkEditId> {
    Rule::prepare(tx, actor, &command.edit, &command.selection)?;
    require_room(tx)?;
    if let Selection::Certificates(ids) = &command.selection {
        let ids = named(ids)?;
        let digest = ids.iter().fold([0; 32], |digest, id| extended(&digest, *id));
        if command.confirmed.is_some_and(|confirmed| confirmed != digest) {
            return Err(Refusal::Conflict(CHANGED.into()).into());
        }
        // What was named is kept in the items; the selection says how many there were.
        let id = insert(tx, actor, command, edits::BulkEditState::Running, &digest, ids.len() as i64, now)?;
        put_items(tx, id, &ids)?;
        return started(tx, actor, id, &command.edit, json!({ "certificates": ids.len() }), now);
    }
    // Whatever the filter refuses is refused now.
    preview::next(tx, actor, &command.selection, 0, 1, now)?;
    let id = insert(tx, actor, command, edits::BulkEditState::Selecting, &[0; 32], 0, now)?;
    started(tx, actor, id, &command.edit, json!(command.selection), now)
}

/// Why an edit stops that was confirmed for other certificates.
pub(super) const CHANGED: &str =
    "the selection has changed since it was looked at, and nothing was edited: look at the preview again";

/// Starts the erasure of a field's values; the field is marked already.
pub(crate) fn start_removal(tx: &mut Tx<'_>, actor: &Actor, field: &Field, now: i64) -> Result<BulkEditId> {
    let values: i64 =
        tx.one("SELECT count(*) FROM certificate_metadata WHERE field = $1", params![field.id], |row| row.get(0))?.unwrap_or(0);
    let edit = Edit::RemoveField { field: field.id, name: field.name.clone() };
    let command = Command { selection: Selection::Certificates(Vec::new()), edit, confirmed: None };
    let id = insert(tx, actor, &command, edits::BulkEditState::Running, &[0; 32], values, now)?;
    started(tx, actor, id, &command.edit, json!({ "values": values }), now)
}

fn require_room(tx: &mut Tx<'_>) -> Result<()> {
    let open: i64 = tx.one("SELECT count(*) FROM bulk_edit WHERE finished_at IS NULL", params![], |row| row.get(0))?.unwrap_or(0);
    if open < limits::BULK_OPEN {
        return Ok(());
    }
    let message = format!("{open} edits of many certificates are not finished yet: wait until one is, or cancel one");
    Err(Refusal::Conflict(message).into())
}

fn insert(
    tx: &mut Tx<'_>,
    actor: &Actor,
    command: &Command,
    state: edits::BulkEditState,
    digest: &[u8; 32],
    total: i64,
    now: i64,
) -> Result<BulkEditId> {
    let author = Author::of(tx, actor, now)?;
    let selection = match &command.selection {
        Selection::Certificates(_) => Selection::Certificates(Vec::new()),
        filter @ Selection::Filter(_) => filter.clone(),
    };
    let (edit, selection) = (json!(command.edit).to_string(), json!(selection).to_string());
    let id: Option<i64> = tx.one(
        "INSERT INTO bulk_edit (state, kind, edit, selection, actor_kind, actor, actor_name, face, request, address, scopes, said, \
         confirmed, digest, progress, total, changed, unchanged, refused, reasons, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, $15, 0, 0, 0, '[]', $16) RETURNING id",
        params![
            state.name(),
            command.edit.kind(),
            edit,
            selection,
            &author.kind,
            author.id,
            &author.name,
            &author.face,
            &author.request,
            &author.address,
            &author.scopes,
            &author.said,
            command.confirmed.map(|digest| digest.to_vec()),
            digest,
            total,
            now
        ],
        |row| row.get(0),
    )?;
    id.map(BulkEditId).ok_or_else(|| Error::damaged("an edit of many certificates got no id"))
}

pub(super) fn put_items(tx: &mut Tx<'_>, id: BulkEditId, certificates: &[CertificateId]) -> Result<()> {
    let rows: Vec<[Value<'_>; 2]> = certificates.iter().map(|certificate| [id.into(), (*certificate).into()]).collect();
    tx.execute_many("INSERT INTO bulk_edit_item (bulk_edit, certificate) VALUES ($1, $2)", &rows)?;
    Ok(())
}

fn started(tx: &mut Tx<'_>, actor: &Actor, id: BulkEditId, edit: &Edit, selection: Json, now: i64) -> Result<BulkEditId> {
    jobs::enqueue(tx, JobKind::BulkEdit, id.0, now, now)?;
    let payload = json!({ "edit": edit, "selection": selection });
    let name = format!("edit {id}");
    let object = Object::new("bulk_edit", id.0, &name);
    events::append(tx, actor, now, NewEvent::new(names::BULK_EDIT_STARTED, object, payload))?;
    Ok(id)
}
