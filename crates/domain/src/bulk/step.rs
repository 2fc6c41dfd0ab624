//! The job, a chunk at a time.

use certhold_store::{Tx, params};
use serde_json::{Value as Json, json};

use super::Edit;
use super::edits::{BulkEditState, Kept, end, find};
use super::preview::{extended, next};
use super::rule::{Outcome, Rule, Tally};
use super::start::{CHANGED, put_items};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::collections;
use crate::error::{Error, Refusal, Result};
use crate::ids::{BulkEditId, CertificateId, MetadataFieldId};
use crate::jobs::{self, Lease};
use crate::limits;
use crate::metadata;

/// Whether there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Call it again.
    More,
    /// The job has ended.
    Done,
}

/// Does the next chunk under a lease. Several calls may wait in the store at once: each does what is next then.
pub fn step(tx: &mut Tx<'_>, lease: &Lease, now: i64) -> Result<Progress> {
    let id = BulkEditId(lease.object);
    let Some(kept) = find(tx, id)? else {
        jobs::finish(tx, lease, now)?;
        return Ok(Progress::Done);
    };
    if let Err(error) = jobs::require_lease(tx, lease) {
        let ended = kept.shown.state.is_final() && jobs::live(tx, lease.kind, lease.object)?.is_none();
        return if ended { Ok(Progress::Done) } else { Err(error) };
    }
    if kept.shown.state.is_final() {
        return sweep(tx, id, lease, now);
    }
    let recalled = kept.author.recall(tx, now)?;
    let author = &recalled.actor;
    match recalled.explained(chunk(tx, author, &kept, now)) {
        Ok(()) => Ok(Progress::More),
        // Nothing of a refused chunk was written: rules are asked before anything is.
        Err(Error::Refused(refusal)) if is_final(&refusal) => {
            end(tx, author, &kept, BulkEditState::Stopped, Some(&refusal.to_string()), now)?;
            Ok(Progress::More)
        }
        Err(error) => Err(error),
    }
}

/// What will not be another answer a moment later.
fn is_final(refusal: &Refusal) -> bool {
    !matches!(refusal, Refusal::Busy | Refusal::Unavailable(_) | Refusal::LeaseLost(_))
}

fn chunk(tx: &mut Tx<'_>, author: &Actor, kept: &Kept, now: i64) -> Result<()> {
    if let Edit::RemoveField { field, .. } = &kept.shown.edit {
        return remove_field(tx, author, kept, *field, now);
    }
    let rule = Rule::prepare(tx, author, &kept.shown.edit, &kept.shown.selection)?;
    match kept.shown.state {
        BulkEditState::Selecting => select(tx, author, kept, now),
        _ => edit(tx, author, kept, &rule, now),
    }
}

/// Notes the next certificates. When all are noted, the selection must be the one that was confirmed.
fn select(tx: &mut Tx<'_>, author: &Actor, kept: &Kept, now: i64) -> Result<()> {
    let id = kept.shown.id;
    // Today is the day on which it was started.
    let asked_at = kept.shown.created_at;
    let found = next(tx, author, &kept.shown.selection, kept.progress, limits::BULK_SELECTED, asked_at)?;
    put_items(tx, id, &found)?;
    let digest = found.iter().fold(kept.digest, |digest, certificate| extended(&digest, *certificate));
    let total = kept.shown.total + found.len() as i64;
    let complete = (found.len() as i64) < limits::BULK_SELECTED;
    let state = if complete { BulkEditState::Running } else { BulkEditState::Selecting };
    let progress = found.last().map_or(kept.progress, |last| last.0);
    tx.execute(
        "UPDATE bulk_edit SET state = $1, digest = $2, progress = $3, total = $4 WHERE id = $5",
        params![state.name(), &digest, progress, total, id],
    )?;
    if complete && kept.confirmed.is_some_and(|confirmed| confirmed != digest) {
        let mut kept = find(tx, id)?.ok_or_else(|| Error::damaged("an edit of many certificates vanished"))?;
        kept.shown.total = total;
        end(tx, author, &kept, BulkEditState::Stopped, Some(CHANGED), now)?;
    }
    Ok(())
}

/// Edits the next certificates, or ends when there are none.
fn edit(tx: &mut Tx<'_>, author: &Actor, kept: &Kept, rule: &Rule, now: i64) -> Result<()> {
    let id = kept.shown.id;
    let ids = tx.rows(
        "SELECT certificate FROM bulk_edit_item WHERE bulk_edit = $1 ORDER BY certificate LIMIT $2",
        params![id, limits::BULK_CHUNK],
        |row| Ok(CertificateId(row.get(0)?)),
    )?;
    let Some(last) = ids.last().copied() else {
        return end(tx, author, kept, BulkEditState::Done, None, now);
    };
    let mut tally = kept.shown.tally.clone();
    let (ids, details) = still_inside(tx, author, kept, &ids, &mut tally, now)?;
    let decisions = rule.decide(tx, &ids)?;
    rule.each(&decisions, |certificate, _, outcome| tally.count(certificate, &outcome));
    rule.write(tx, author, &decisions, &details, now)?;
    tx.execute("DELETE FROM bulk_edit_item WHERE bulk_edit = $1 AND certificate <= $2", params![id, last])?;
    count(tx, id, &tally)
}

/// Those that are still in the collection whose rights are used, and what the events say beside the change: a certificate may have
/// left since it was selected, and with it the right to edit it.
fn still_inside(
    tx: &mut Tx<'_>,
    author: &Actor,
    kept: &Kept,
    ids: &[CertificateId],
    tally: &mut Tally,
    now: i64,
) -> Result<(Vec<CertificateId>, Json)> {
    let id = kept.shown.id;
    let Some(collection) = kept.shown.selection.collection() else {
        return Ok((ids.to_vec(), json!({ "bulk_edit": id })));
    };
    let inside = collections::among(tx, author, collection, ids, now)?;
    let (inside, outside): (Vec<CertificateId>, Vec<CertificateId>) = ids.iter().copied().partition(|id| inside.contains(id));
    let why = Outcome::Refused(format!("the certificate is not in collection {collection} any more"));
    outside.into_iter().for_each(|certificate| tally.count(certificate, &why));
    Ok((inside, json!({ "bulk_edit": id, "collection": collection })))
}

fn count(tx: &mut Tx<'_>, id: BulkEditId, tally: &Tally) -> Result<()> {
    tx.execute(
        "UPDATE bulk_edit SET changed = $1, unchanged = $2, refused = $3, reasons = $4 WHERE id = $5",
        params![tally.changed, tally.unchanged, tally.refused, json!(tally.reasons).to_string(), id],
    )?;
    Ok(())
}

fn remove_field(tx: &mut Tx<'_>, author: &Actor, kept: &Kept, field: MetadataFieldId, now: i64) -> Result<()> {
    access::require_path(tx, author, paths::METADATA_TYPES_MODIFY)?;
    let field = metadata::get(tx, author, field)?;
    let erased = metadata::erase(tx, author, &field, &json!({ "bulk_edit": kept.shown.id }), now)?;
    if erased > 0 {
        let tally = Tally { changed: kept.shown.tally.changed + erased, ..kept.shown.tally.clone() };
        return count(tx, kept.shown.id, &tally);
    }
    metadata::forget_field(tx, author, &field, kept.shown.tally.changed, now)?;
    end(tx, author, kept, BulkEditState::Done, None, now)
}

/// Forgets what an edit that has ended did not come to, and then ends its job.
fn sweep(tx: &mut Tx<'_>, id: BulkEditId, lease: &Lease, now: i64) -> Result<Progress> {
    let last: Option<i64> = tx.one(
        "SELECT certificate FROM bulk_edit_item WHERE bulk_edit = $1 ORDER BY certificate LIMIT 1 OFFSET $2",
        params![id, limits::BULK_SELECTED],
        |row| row.get(0),
    )?;
    let until = last.unwrap_or(i64::MAX);
    tx.execute("DELETE FROM bulk_edit_item WHERE bulk_edit = $1 AND certificate <= $2", params![id, until])?;
    if last.is_some() {
        return Ok(Progress::More);
    }
    jobs::finish(tx, lease, now)?;
    Ok(Progress::Done)
}
