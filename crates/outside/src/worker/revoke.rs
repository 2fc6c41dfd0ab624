//! Asking the authority that issued a certificate to revoke it, with the account that obtained it.

use certhold_domain::jobs::{self, Lease};
use certhold_domain::renewal::order::Failure;
use certhold_domain::renewal::revocation::{self, Outlook, RevocationFailure, Work};
use certhold_domain::renewal::{Cause, FailureClass};
use certhold_domain::{CertificateId, Error, inventory};

use super::Context;
use super::renew::{Stop, acme_failure, existing_session, failed};
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
    // Until there is a session, the authority has not been asked.
    let session = existing_session(context, work.issuer).await.map_err(|stop| (stop, Outlook::Later))?;
    // Another account may not revoke what this one obtained: none is registered for it.
    let Some(session) = session else {
        let sentence = "the account that obtained it is not held any more: revoke it at the authority with its private key";
        return Err((failed(FailureClass::Rejected, Cause::AccountRefused, sentence.to_owned(), false), Outlook::Hopeless));
    };
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};

    use certhold_domain::access::AccessCache;
    use certhold_domain::custody::{Custody, MasterKey};
    use certhold_domain::renewal::issuers::{self, AcmeSettings, NewIssuer};
    use certhold_domain::{Actor, Clock, Core, MIGRATIONS};
    use certhold_store::{Options, Store};
    use tokio::sync::watch;

    use super::*;
    use crate::dns::Resolvers;
    use crate::keys::SystemEntropy;
    use crate::worker::Settings;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> i64 {
            1_790_000_000_000
        }
    }

    #[tokio::test]
    async fn an_account_that_is_not_held_is_not_made_anew() {
        let files = tempfile::tempdir().unwrap();
        let location = format!("sqlite:{}", files.path().join("certhold.db").display()).parse().unwrap();
        let core = Core {
            store: Store::open(&location, MIGRATIONS, Options::default()).unwrap(),
            custody: Arc::new(Custody::new(MasterKey::generate(&SystemEntropy))),
            entropy: Arc::new(SystemEntropy),
            clock: Arc::new(Still),
            access: Arc::new(AccessCache::default()),
        };
        // The authority is there, and must not be asked.
        let authority = TcpListener::bind("127.0.0.1:0").unwrap();
        authority.set_nonblocking(true).unwrap();
        let directory = format!("https://{}/directory", authority.local_addr().unwrap());
        let new =
            NewIssuer { name: "Lab CA".into(), settings: AcmeSettings { directory, ..AcmeSettings::default() }, eab_key: None };
        let prepared = move |tx: &mut certhold_store::Tx<'_>| {
            certhold_domain::prepare(tx, &Default::default(), Still.now())?;
            issuers::create(tx, &Actor::local("test"), &new, Still.now())
        };
        let issuer = core.store.write(prepared).await.unwrap();
        let settings = Settings {
            holder: "node".into(),
            concurrency: 1,
            resolvers: Resolvers::new(&["127.0.0.1:53"]).unwrap(),
            store_roots: Default::default(),
        };
        let context = Context { core, settings, sessions: Mutex::default(), stopping: watch::channel(false).1 };

        let work = Work { der: Vec::new(), reason: inventory::RevocationReason::Superseded, issuer };
        let Err((Stop::Failed(failure), Outlook::Hopeless)) = ask(&context, &work).await else { panic!("it was asked") };
        assert!(failure.sentence.contains("is not held any more"), "{}", failure.sentence);
        assert!(authority.accept().is_err(), "the authority was asked for an account");
    }
}
