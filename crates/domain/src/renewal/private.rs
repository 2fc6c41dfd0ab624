//! The next version from a private authority: drafted here, signed by the worker with the authority's key, recorded here. What a crash
//! cuts off between signing and recording was never given to anybody, and the job begins anew.

use certhold_store::{Tx, params};
use serde_json::json;

use super::issued_by;
use super::managed;
use super::order;
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::ids::{CertificateId, LineageId};
use crate::jobs::{self, Lease};
use crate::private_ca::{self, EnrolmentDraft, SignedEnrolment};

/// Drafts the next version by the rules as they are now; `None` when no private authority issues it, or it is gone.
pub fn draft(tx: &mut Tx<'_>, actor: &Actor, lineage: LineageId, now: i64) -> Result<Option<EnrolmentDraft>> {
    match managed::find(tx, lineage) {
        Ok(managed) => issued_by::draft(tx, actor, &managed, now),
        Err(error) if matches!(error.refusal(), Some(Refusal::NotFound { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Records the next version: kept with its key, chain and event, notes inherited, deployments enqueued, the lease ended. `None` when
/// what it depends on was changed while it was signed: nothing is recorded, the lease stays, and it is to be drafted once more.
pub fn complete(
    tx: &mut Tx<'_>,
    actor: &Actor,
    lease: &Lease,
    signed: &SignedEnrolment,
    now: i64,
) -> Result<Option<CertificateId>> {
    jobs::require_lease(tx, lease)?;
    let managed = managed::find(tx, LineageId(lease.object))?;
    let follows = signed.version().is_some_and(|version| {
        version.lineage == Some(managed.id)
            && version.before == managed.current
            && signed.terms().owner == managed.owner.as_ref().map(|(role, _)| *role)
    });
    if !follows || !private_ca::as_drafted(tx, actor, signed)? {
        return Ok(None);
    }
    let issued = private_ca::enrol(tx, actor, signed, now)?;
    let (authority, template) = (signed.terms().authority, signed.terms().template);
    tx.execute(
        "UPDATE lineage SET private_ca = $1, template = $2, noted = NULL WHERE id = $3",
        params![authority, template.name(), managed.id],
    )?;
    let leaf = (issued.certificate, signed.certificate());
    order::next_version(tx, actor, lease, &managed, leaf, &json!({ "authority": authority }), now)?;
    Ok(Some(issued.certificate))
}
