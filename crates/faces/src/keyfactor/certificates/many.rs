//! Changes of many certificates at once: found and looked at in a read, then written in pieces in the lane for bulk work, so that whatever
//! others write meanwhile goes first. What can be foreseen refuses the whole before anything is written.

use certhold_domain::collections::Scope;
use certhold_domain::inventory::{self, Filter, Sort};
use certhold_domain::{Actor, CertificateId, Refusal, Result as DomainResult, limits};
use certhold_store::Tx;

use crate::keyfactor::extract::Author;
use crate::keyfactor::refused::Answer;

/// Which certificates.
#[derive(Clone)]
pub(super) enum Which {
    /// These.
    Named(Vec<CertificateId>),
    /// All that a filter finds: those that it does not find any more when they are written are left alone.
    Found(Box<Filter>),
}

impl Which {
    /// All that a query finds, narrowed by the rest of a filter.
    pub(super) fn found(tx: &mut Tx<'_>, actor: &Actor, query: &str, filter: Filter, scope: Scope) -> DomainResult<Which> {
        let condition = inventory::question(tx, actor, query, scope)?;
        Ok(Which::Found(Box::new(Filter { condition, sort: Sort::Id, limit: limits::PAGE_ROWS, ..filter })))
    }

    /// Their ids; refused where there are more than one request may change.
    pub(super) fn ids(&self, tx: &mut Tx<'_>, actor: &Actor, scope: Scope) -> DomainResult<Vec<CertificateId>> {
        let filter = match self {
            Which::Named(ids) => return Ok(ids.clone()),
            Which::Found(filter) => filter,
        };
        let page = inventory::list_in(tx, actor, filter, scope)?;
        if page.next.is_some() {
            let message = format!("the query finds more than {} certificates: narrow it", limits::PAGE_ROWS);
            return Err(Refusal::TooLarge(message).into());
        }
        Ok(page.certificates.into_iter().map(|found| found.id).collect())
    }

    fn still(&self, tx: &mut Tx<'_>, actor: &Actor, ids: &[CertificateId], scope: Scope) -> DomainResult<Vec<CertificateId>> {
        match self {
            Which::Named(_) => Ok(ids.to_vec()),
            Which::Found(filter) => inventory::still_found(tx, actor, filter, ids, scope),
        }
    }
}

/// Writes, piece after piece; the ids that were written. A piece is all or nothing, and one alone does not wait behind bulk work. One that is
/// refused, because something changed since it was looked at, ends it, and the refusal says which were not written.
pub(super) async fn each_piece(
    author: &Author,
    which: Which,
    ids: Vec<CertificateId>,
    scope: Scope,
    work: impl Fn(&mut Tx<'_>, &Actor, &[CertificateId], i64) -> DomainResult<()> + Clone + Send + 'static,
) -> Answer<Vec<CertificateId>> {
    let size = usize::try_from(limits::BULK_CHUNK).unwrap_or(1);
    let mut written = Vec::with_capacity(ids.len());
    for piece in ids.chunks(size) {
        let (which, piece, work) = (which.clone(), piece.to_vec(), work.clone());
        let write = move |tx: &mut Tx<'_>, actor: &Actor, now: i64| {
            let still = which.still(tx, actor, &piece, scope)?;
            if !still.is_empty() {
                work(tx, actor, &still, now)?;
            }
            Ok(still)
        };
        let done = if ids.len() <= size { author.write(write).await } else { author.write_bulk(write).await };
        match done {
            Ok(done) => written.extend(done),
            Err(refused) => {
                let left: Vec<i64> = ids.iter().filter(|id| !written.contains(id)).map(|id| id.0).collect();
                let before = match written.len() {
                    0 => "none was changed".to_owned(),
                    many => format!("{many} certificates were changed before one of these was refused"),
                };
                return Err(refused.with_failures([format!("Certificates {left:?}: {before}")]));
            }
        }
    }
    Ok(written)
}
