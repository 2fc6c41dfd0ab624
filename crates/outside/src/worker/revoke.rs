//! Asking the authority that issued a certificate to revoke it, with the account that obtained it.

use certhold_domain::jobs::{self, Lease};
use certhold_domain::renewal::FailureClass;
use certhold_domain::renewal::order::Failure;
use certhold_domain::renewal::revocation::{self, Outlook, RevocationFailure, Work};
use certhold_domain::{CertificateId, Error, inventory};

use super::Context;
use super::renew::{Stop, acme_failure, failed, session};
use crate::acme::{AcmeError, AcmeErrorKind, RevocationReason, Revoked};

pub(super) async fn run(context: &Context, lease: &Lease) -> Result<(), Error> {
    let lease = *lease;
    let Some(work) = context.read(move |tx, _| revocation::work(tx, CertificateId(lease.object))).await? else {
        return context.write(move |tx, _, now| jobs::finish(tx, &lease, now)).await;
    };
    let certificate = lease.object;
    let failure = match ask(context, &work).await {
        Ok(revoked) => {
            let already = revoked == Revoked::Before;
            return context.write(move |tx, actor, now| revocation::confirmed(tx, actor, &lease, already, now)).await;
        }
        Err((Stop::Later(due_at), _)) => return context.write(move |tx, _, _| jobs::put_off(tx, &lease, due_at, None)).await,
        Err((Stop::Failed(failure), outlook)) => {
            let Failure { class, sentence, detail, retry_after, .. } = *failure;
            tracing::warn!(certificate, class = class.name(), cause = %sentence, "the issuer did not revoke");
            RevocationFailure { outlook, class, sentence, detail, retry_after }
        }
        Err((Stop::Fault(error), outlook)) => {
            // Also what is our own fault is told where people look.
            tracing::error!(certificate, %error, "revocation stopped on a fault");
            let sentence = format!("a fault inside Certhold stopped this: {error}");
            RevocationFailure { outlook, class: FailureClass::Unfit, sentence, detail: None, retry_after: None }
        }
    };
    context.write(move |tx, actor, now| revocation::failed(tx, actor, &lease, &failure, now)).await
}

async fn ask(context: &Context, work: &Work) -> Result<Revoked, (Stop, Outlook)> {
    // Another account may not revoke what this one obtained: none is registered for it.
    if work.issuer.account.is_none() {
        let sentence = "the account that obtained it is not held any more: revoke it at the authority with its private key";
        return Err((failed(FailureClass::Rejected, sentence.to_owned(), false), Outlook::Hopeless));
    }
    // Until there is a session, the authority has not been asked.
    let session = session(context, &work.issuer).await.map_err(|stop| (stop, Outlook::Later))?;
    session.revoke(&work.der, reason(work.reason)).await.map_err(|error| not_revoked(context, error))
}

/// What the authority refuses it refuses again; of the rest trying again may help.
fn not_revoked(context: &Context, error: AcmeError) -> (Stop, Outlook) {
    let is_final = matches!(error.kind, AcmeErrorKind::Rejected | AcmeErrorKind::AccountProblem);
    match acme_failure(context, error) {
        Stop::Failed(mut failure) if is_final => {
            failure.class = FailureClass::Rejected;
            (Stop::Failed(failure), Outlook::Refused)
        }
        other => (other, Outlook::Later),
    }
}

/// The domain asks for no others.
fn reason(reason: inventory::RevocationReason) -> RevocationReason {
    match reason {
        inventory::RevocationReason::KeyCompromise => RevocationReason::KeyCompromise,
        inventory::RevocationReason::AffiliationChanged => RevocationReason::AffiliationChanged,
        inventory::RevocationReason::Superseded => RevocationReason::Superseded,
        inventory::RevocationReason::CessationOfOperation => RevocationReason::CessationOfOperation,
        _ => RevocationReason::Unspecified,
    }
}
