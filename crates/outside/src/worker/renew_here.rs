//! Obtaining the next version of a managed certificate from a private authority here.
//!
//! Nothing is outside: the version is drafted, signed on a blocking thread, and recorded. A run that ends in between leaves nothing, and
//! the next one begins anew.

use certhold_domain::jobs::{self, Lease};
use certhold_domain::private_ca::{EnrolmentDraft, Hands, SignedEnrolment};
use certhold_domain::renewal::{Cause, FailureClass, private};
use certhold_domain::{Error, Fault, LineageId, Refusal};

use super::Context;
use super::renew::{Stop, ended, failed};
use crate::keys::SoftwareKeys;

pub(super) async fn run(context: &Context, lease: &Lease) -> Result<(), Error> {
    let lease = *lease;
    match attempt(context, lease).await {
        Ok(true) => Ok(()),
        // Nobody refused anything: it is drafted once more, by what holds now.
        Ok(false) => ended(context, lease, None, Stop::Later(context.core.now())).await,
        Err(error) => ended(context, lease, None, stop(error)).await,
    }
}

/// What the rules or the authority refuse is for a human to mend; all else is a fault.
fn stop(error: Error) -> Stop {
    match error {
        Error::Refused(Refusal::LeaseLost(job)) => Stop::Fault(Error::Refused(Refusal::LeaseLost(job))),
        Error::Refused(refusal) => failed(FailureClass::Rejected, Cause::Rules, refusal.to_string(), false),
        fault @ Error::Fault(_) => Stop::Fault(fault),
    }
}

/// Whether it is over; not when what the version depends on was changed while it was signed.
async fn attempt(context: &Context, lease: Lease) -> Result<bool, Error> {
    let (lineage, now) = (LineageId(lease.object), context.core.now());
    let Some(draft) = context.read(move |tx, actor| private::draft(tx, actor, lineage, now)).await? else {
        context.write(move |tx, _, now| jobs::finish(tx, &lease, now)).await?;
        return Ok(true);
    };
    let signed = sign(context, draft, now).await?;
    Ok(context.write(move |tx, actor, now| private::complete(tx, actor, &lease, &signed, now)).await?.is_some())
}

async fn sign(context: &Context, draft: EnrolmentDraft, now: i64) -> Result<SignedEnrolment, Error> {
    let core = context.core.clone();
    let signing = tokio::task::spawn_blocking(move || {
        draft.sign(Hands { custody: &core.custody, keys: &SoftwareKeys, entropy: core.entropy.as_ref() }, now)
    });
    signing.await.map_err(|error| Error::Fault(Fault::Custody(format!("signing a certificate stopped: {error}"))))?
}
