//! Edits that were started: shown, listed, cancelled.

use certhold_store::{Row, Tx, Value, params};
use serde_json::json;

use super::author::Author;
use super::rule::{Reason, Tally};
use super::{Edit, Selection};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{BulkEditId, MetadataFieldId};
use crate::{limits, ownership};

/// How far an edit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkEditState {
    /// It notes which certificates it is about.
    Selecting,
    /// It works through them.
    Running,
    /// It has come to its end.
    Done,
    /// Somebody cancelled it; what it had done stays.
    Cancelled,
    /// It stopped by itself, for the reason in its error; what it had done stays.
    Stopped,
}

impl BulkEditState {
    const NAMES: &[(&str, BulkEditState)] = &[
        ("selecting", BulkEditState::Selecting),
        ("running", BulkEditState::Running),
        ("done", BulkEditState::Done),
        ("cancelled", BulkEditState::Cancelled),
        ("stopped", BulkEditState::Stopped),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        BulkEditState::NAMES.iter().find(|(_, state)| *state == self).map_or("", |(name, _)| name)
    }

    fn parse(name: &str) -> Result<BulkEditState> {
        let known = BulkEditState::NAMES.iter().find(|(known, _)| *known == name).map(|(_, state)| *state);
        known.ok_or_else(|| Error::damaged(format!("state {name:?} of an edit of many certificates")))
    }

    /// Whether it does nothing more.
    pub fn is_final(self) -> bool {
        !matches!(self, BulkEditState::Selecting | BulkEditState::Running)
    }
}

/// An edit of many certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkEdit {
    /// Its handle.
    pub id: BulkEditId,
    /// How far it is.
    pub state: BulkEditState,
    /// What is done to each certificate.
    pub edit: Edit,
    /// Which certificates.
    pub selection: Selection,
    /// Who started it.
    pub author: String,
    /// Certificates selected; grows while it selects.
    pub total: i64,
    /// What became of those that are done.
    pub tally: Tally,
    /// Why it stopped.
    pub error: Option<String>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub finished_at: Option<i64>,
}

impl BulkEdit {
    /// Certificates that are done.
    pub fn done(&self) -> i64 {
        self.tally.changed + self.tally.unchanged + self.tally.refused
    }
}

/// A row with what only the job needs.
pub(super) struct Kept {
    pub shown: BulkEdit,
    pub author: Author,
    pub confirmed: Option<[u8; 32]>,
    pub digest: [u8; 32],
    /// The last certificate that was selected.
    pub progress: i64,
}

const COLUMNS: &str = "id, state, edit, selection, actor_kind, actor, actor_name, face, request, address, scopes, confirmed, digest, \
    progress, total, changed, unchanged, refused, reasons, error, created_at, finished_at, said FROM bulk_edit";

type Raw = (Kept, String, String, String, String);

fn read(row: &Row<'_>) -> Result<Raw, certhold_store::Error> {
    let author = Author {
        kind: row.get(4)?,
        id: row.get(5)?,
        name: row.get(6)?,
        face: row.get(7)?,
        request: row.get(8)?,
        address: row.get(9)?,
        scopes: row.get(10)?,
        said: row.get(22)?,
    };
    let tally = Tally { changed: row.get(15)?, unchanged: row.get(16)?, refused: row.get(17)?, reasons: Vec::new() };
    let shown = BulkEdit {
        id: BulkEditId(row.get(0)?),
        state: BulkEditState::Selecting,
        edit: Edit::Owner { to: None },
        selection: Selection::Certificates(Vec::new()),
        author: author.name.clone(),
        total: row.get(14)?,
        tally,
        error: row.get(19)?,
        created_at: row.get(20)?,
        finished_at: row.get(21)?,
    };
    let kept = Kept { shown, author, confirmed: row.get(11)?, digest: row.get(12)?, progress: row.get(13)? };
    Ok((kept, row.get(1)?, row.get(2)?, row.get(3)?, row.get(18)?))
}

fn whole((mut kept, state, edit, selection, reasons): Raw) -> Result<Kept> {
    let damaged = |error: serde_json::Error| Error::damaged(format!("an edit of many certificates: {error}"));
    kept.shown.state = BulkEditState::parse(&state)?;
    kept.shown.edit = serde_json::from_str(&edit).map_err(damaged)?;
    kept.shown.selection = serde_json::from_str(&selection).map_err(damaged)?;
    kept.shown.tally.reasons = serde_json::from_str::<Vec<Reason>>(&reasons).map_err(damaged)?;
    Ok(kept)
}

pub(super) fn find(tx: &mut Tx<'_>, id: BulkEditId) -> Result<Option<Kept>> {
    tx.one(&format!("SELECT {COLUMNS} WHERE id = $1"), params![id], read)?.map(whole).transpose()
}

/// One edit, for whoever started it and for whoever may see the server's jobs.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: BulkEditId) -> Result<BulkEdit> {
    let sees_all = access::allows(tx, actor, paths::SYSTEM_READ)?;
    let found = find(tx, id)?.filter(|kept| sees_all || is_author(actor, &kept.author));
    found.map(|kept| kept.shown).ok_or_else(|| Refusal::not_found("bulk edit", id).into())
}

fn is_author(actor: &Actor, author: &Author) -> bool {
    actor.id.is_some() && actor.id.map(|id| id.0) == author.id
}

/// Edits, newest first: one's own, or all for whoever may see the server's jobs. `before` is the last one of the page before.
pub fn list(tx: &mut Tx<'_>, actor: &Actor, before: Option<i64>, limit: usize) -> Result<Vec<BulkEdit>> {
    let before = before.unwrap_or(i64::MAX);
    let limit = i64::try_from(limit.clamp(1, limits::PAGE_ROWS + 1)).unwrap_or(i64::MAX);
    let rows = if access::allows(tx, actor, paths::SYSTEM_READ)? {
        tx.rows(&format!("SELECT {COLUMNS} WHERE id < $1 ORDER BY id DESC LIMIT $2"), params![before, limit], read)?
    } else {
        let own: Value<'_> = actor.id.map_or(-1, |id| id.0).into();
        let sql = format!("SELECT {COLUMNS} WHERE actor_kind = $1 AND actor = $2 AND id < $3 ORDER BY id DESC LIMIT $4");
        tx.rows(&sql, &[actor.kind.name().into(), own, before.into(), limit.into()], read)?
    };
    rows.into_iter().map(|raw| whole(raw).map(|kept| kept.shown)).collect()
}

/// Cancels an edit: whoever started it may, and whoever could start it. What it has done stays. One that has ended stays as it is. Whoever may
/// neither see nor cancel it does not learn that there is one.
pub fn cancel(tx: &mut Tx<'_>, actor: &Actor, id: BulkEditId, now: i64) -> Result<()> {
    let Some(kept) = find(tx, id)? else { return unseen(tx, actor, id) };
    if !is_author(actor, &kept.author) {
        match require_may_start(tx, actor, &kept.shown.edit) {
            Err(Error::Refused(Refusal::Forbidden { .. })) if !access::allows(tx, actor, paths::SYSTEM_READ)? => {
                return unseen(tx, actor, id);
            }
            other => other?,
        }
    }
    if kept.shown.state.is_final() {
        return Ok(());
    }
    if let Edit::RemoveField { name, .. } = &kept.shown.edit {
        return Err(Refusal::Conflict(format!("the removal of the metadata field {name:?} cannot be cancelled")).into());
    }
    end(tx, actor, &kept, BulkEditState::Cancelled, None, now)
}

/// What is said of an edit that is not there, or is not to be known of: always the same.
fn unseen(tx: &mut Tx<'_>, actor: &Actor, id: BulkEditId) -> Result<()> {
    access::require_path(tx, actor, paths::CERTIFICATES_METADATA_MODIFY)?;
    Err(Refusal::not_found("bulk edit", id).into())
}

/// Refuses whoever could start no edit like this one everywhere.
fn require_may_start(tx: &mut Tx<'_>, actor: &Actor, edit: &Edit) -> Result<()> {
    let path = match edit {
        Edit::Owner { .. } => {
            return Ok(ownership::require_beforehand(&*access::current(tx, actor)?, ownership::Scope::default())?);
        }
        Edit::Remove => paths::CERTIFICATES_DELETE,
        Edit::RemoveField { .. } => paths::METADATA_TYPES_MODIFY,
        Edit::Metadata { .. } => paths::CERTIFICATES_METADATA_MODIFY,
    };
    access::require_path(tx, actor, path)
}

/// Whether an edit that has not ended removes this metadata field.
pub(crate) fn removes(tx: &mut Tx<'_>, field: MetadataFieldId) -> Result<bool> {
    let kind = Edit::RemoveField { field, name: String::new() }.kind();
    let sql = "SELECT edit FROM bulk_edit WHERE finished_at IS NULL AND kind = $1";
    let open = tx.rows(sql, params![kind], |row| row.get::<String>(0))?;
    for edit in open {
        let edit: Edit =
            serde_json::from_str(&edit).map_err(|error| Error::damaged(format!("an edit of many certificates: {error}")))?;
        if matches!(edit, Edit::RemoveField { field: removed, .. } if removed == field) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Records that an edit does nothing more. Certificates that are left are forgotten by its job.
pub(super) fn end(
    tx: &mut Tx<'_>,
    actor: &Actor,
    kept: &Kept,
    state: BulkEditState,
    error: Option<&str>,
    now: i64,
) -> Result<()> {
    let id = kept.shown.id;
    let error = error.map(|text| text.chars().take(limits::ERROR_CHARS).collect::<String>());
    tx.execute(
        "UPDATE bulk_edit SET state = $1, error = $2, finished_at = $3 WHERE id = $4",
        params![state.name(), &error, now, id],
    )?;
    if let (Edit::RemoveField { field, .. }, true) = (&kept.shown.edit, state != BulkEditState::Done) {
        // The field stays with the values that are left: it can be changed again, and removed by whoever may.
        tx.execute("UPDATE metadata_field SET removing = $1 WHERE id = $2", params![false, *field])?;
    }
    let tally = &kept.shown.tally;
    let mut payload = json!({
        "kind": kept.shown.edit.kind(), "total": kept.shown.total, "changed": tally.changed, "unchanged": tally.unchanged,
        "refused": tally.refused,
    });
    if let Some(error) = &error {
        payload["error"] = error.as_str().into();
    }
    let operation = match state {
        BulkEditState::Cancelled => names::BULK_EDIT_CANCELLED,
        BulkEditState::Stopped => names::BULK_EDIT_STOPPED,
        _ => names::BULK_EDIT_FINISHED,
    };
    let name = format!("edit {id}");
    events::append(tx, actor, now, NewEvent::new(operation, Object::new("bulk_edit", id.0, &name), payload))?;
    Ok(())
}
