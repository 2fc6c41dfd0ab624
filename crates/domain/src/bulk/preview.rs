//! What an edit would do, counted exactly, with a sample. Looked at in steps, so that no transaction is long.

use aws_lc_rs::digest::{Context, SHA256};
use certhold_store::Tx;
use serde_json::Value as Json;

use super::rule::{Outcome, Rule, Tally};
use super::{Command, Selection};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::ids::CertificateId;
use crate::inventory;
use crate::limits;

/// What an edit would do, as far as it was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Certificates selected.
    pub total: i64,
    /// What would become of them.
    pub tally: Tally,
    /// The first ones that would change.
    pub sample: Vec<Sample>,
    /// Stands for the selected certificates: hand it to [`super::start`] to be sure that these are edited and no others.
    pub digest: [u8; 32],
    /// Whether all were looked at.
    pub complete: bool,
    after: i64,
}

/// A certificate that would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The certificate.
    pub certificate: CertificateId,
    /// What people call it.
    pub title: String,
    /// The fields that change, as they are.
    pub before: Json,
    /// The same fields as they would be.
    pub after: Json,
}

/// Looks at the next certificates; begin with the default and call it until it is complete.
pub fn preview(tx: &mut Tx<'_>, actor: &Actor, command: &Command, so_far: Preview, now: i64) -> Result<Preview> {
    let rule = Rule::prepare(tx, actor, &command.edit, &command.selection)?;
    let ids = next(tx, actor, &command.selection, so_far.after, limits::BULK_SELECTED, now)?;
    let mut found = so_far;
    found.complete = (ids.len() as i64) < limits::BULK_SELECTED;
    found.total += ids.len() as i64;
    for id in &ids {
        found.digest = extended(&found.digest, *id);
        found.after = id.0;
    }
    for chunk in ids.chunks(limits::BULK_CHUNK as usize) {
        let decisions = rule.decide(tx, chunk)?;
        rule.each(&decisions, |certificate, title, outcome| {
            found.tally.count(certificate, &outcome);
            if let Outcome::Changes(before, after) = outcome
                && found.sample.len() < limits::PREVIEW_SAMPLE
            {
                found.sample.push(Sample { certificate, title: title.to_owned(), before, after });
            }
        });
    }
    Ok(found)
}

/// The next selected certificates in ascending order; a query is asked by `author` at `now`.
pub(super) fn next(
    tx: &mut Tx<'_>,
    author: &Actor,
    selection: &Selection,
    after: i64,
    limit: i64,
    now: i64,
) -> Result<Vec<CertificateId>> {
    let limit = usize::try_from(limit).unwrap_or(0);
    match selection {
        Selection::Certificates(ids) => {
            let ids = named(ids)?;
            Ok(ids.into_iter().filter(|id| id.0 > after).take(limit).collect())
        }
        Selection::Filter(wanted) => {
            let filter = wanted.filter(tx, author, now)?;
            inventory::select_ids(tx, &filter, CertificateId(after), limit)
        }
    }
}

/// Certificates named one by one, ascending, each once.
pub(super) fn named(ids: &[CertificateId]) -> Result<Vec<CertificateId>, Refusal> {
    if ids.is_empty() {
        return Err(Refusal::invalid("certificates", "name at least one certificate"));
    }
    if ids.len() > limits::BULK_NAMED {
        let message = format!("at most {} certificates can be named one by one: use a filter", limits::BULK_NAMED);
        return Err(Refusal::TooLarge(message));
    }
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// The digest of a selection with one certificate more: it can be gone on with after a restart.
pub(super) fn extended(digest: &[u8; 32], id: CertificateId) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(digest);
    context.update(&id.0.to_be_bytes());
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}
