//! Obtaining the next version of a managed certificate, from wherever the last run left it.
//!
//! What is known is read anew at the start of every run; each step outside is recorded before or after it happened, whichever
//! makes repeating it harmless. Longer waits are not slept through: the job is put off.

use std::time::Duration;

use certhold_domain::custody::{SealedKey, SecretKind, load_private_key};
use certhold_domain::inventory::Candidate;
use certhold_domain::jobs::{self, Lease};
use certhold_domain::renewal::issuers::{self, IssuerAccess};
use certhold_domain::renewal::order::{self, Failure, OrderKey, Work};
use certhold_domain::renewal::{Cause, FailureClass, IssuedBy, KeyKind, managed};
use certhold_domain::{Error, Fault, IssuerId, LineageId, OrderId, PrivateKeyId, Refusal};
use certhold_pki::{CsrFacts, PrivateKey, SignatureError, lint_issued, order_chain, verify_signed_by};

use super::prove::Proof;
use super::{Context, renew_here, withdraw};
use crate::acme::{self, AcmeError, AcmeErrorKind, Authority, ExternalAccount, NewOrder, Order, Progress, Session};
use crate::dns::{DnsError, Provider};
use crate::keys;

/// How long one run waits in place for an authority that is nearly there.
const QUICK_LOOKS: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(200), Duration::from_millis(400), Duration::from_millis(800)];
/// When a job that waits for the authority is taken up again, unless the authority says when.
const LOOK_AGAIN_MS: i64 = 2_000;
/// An authority that says "later" is not asked later than this.
const LOOK_AGAIN_MAX_MS: i64 = 10 * 60_000;

/// Why a run ends without a certificate.
pub(super) enum Stop {
    /// Something outside takes its time: go on at this time (unix milliseconds).
    Later(i64),
    /// The attempt failed.
    Failed(Box<Failure>),
    /// Something of ours broke, or the lease is lost.
    Fault(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Fault(error)
    }
}

pub(super) async fn run(context: &Context, lease: &Lease) -> Result<(), Error> {
    let lease = *lease;
    let lineage = LineageId(lease.object);
    if let Some(IssuedBy::Private { .. }) = context.read(move |tx, _| managed::issued_by(tx, lineage)).await? {
        return renew_here::run(context, &lease).await;
    }
    let Some(work) = context.read(move |tx, actor| order::work(tx, actor, lineage)).await? else {
        return context.write(move |tx, _, now| jobs::finish(tx, &lease, now)).await;
    };
    let mut attempt = Attempt { context, lease, order: work.order.as_ref().map(|order| order.id) };
    match attempt.run(work).await {
        Ok(()) => Ok(()),
        Err(stop) => ended(context, lease, attempt.order, stop).await,
    }
}

/// Records why a run ended without a certificate.
pub(super) async fn ended(context: &Context, lease: Lease, order: Option<OrderId>, stop: Stop) -> Result<(), Error> {
    let managed = lease.object;
    let failure = match stop {
        Stop::Later(due_at) => return context.write(move |tx, _, _| jobs::put_off(tx, &lease, due_at, None)).await,
        Stop::Failed(failure) => {
            tracing::warn!(managed, class = failure.class.name(), cause = %failure.sentence, "renewal failed");
            failure
        }
        Stop::Fault(Error::Refused(Refusal::LeaseLost(job))) => return Err(Error::Refused(Refusal::LeaseLost(job))),
        Stop::Fault(error) => {
            // Also what is our own fault is told where people look.
            tracing::error!(managed, %error, "renewal stopped on a fault");
            let sentence = format!("a fault inside Certhold stopped this: {error}");
            Box::new(Failure {
                class: FailureClass::Unfit,
                cause: Some(Cause::Inside),
                sentence,
                detail: None,
                retry_after: None,
                order_lost: false,
            })
        }
    };
    context.write(move |tx, actor, now| order::fail(tx, actor, &lease, order, &failure, now)).await
}

struct Attempt<'a> {
    context: &'a Context,
    lease: Lease,
    order: Option<OrderId>,
}

impl Attempt<'_> {
    async fn run(&mut self, work: Work) -> Result<(), Stop> {
        let provider = withdraw::open(self.context, &work.provider, work.credentials.as_ref());
        let provider = provider.map_err(|sentence| failed(FailureClass::Rejected, Cause::DnsRefused, sentence, false))?;
        let prepared = self.prepare(&work).await?;
        let session = session(self.context, &work.issuer).await?;
        let mut remote = match &prepared.url {
            Some(url) => session.order(url).await.map_err(|error| acme_failure(self.context, error))?,
            None => self.place(&session, &work, &prepared).await?,
        };
        self.advance(&work, &prepared, &provider, &mut remote).await
    }

    /// Key and request, recorded before anything is asked of the authority.
    async fn prepare(&mut self, work: &Work) -> Result<Prepared, Stop> {
        if let Some(order) = &work.order {
            return Ok(Prepared { id: order.id, csr: order.csr.clone(), url: order.url.clone(), names: order.names.clone() });
        }
        let (key, sealed) = match work.shared_key {
            Some(id) => (self.shared_key(id).await?, OrderKey::Shared(id)),
            None => {
                let key = make_key(work.managed.key_kind).await?;
                let sealed = SealedKey::seal(&self.context.core.custody, self.context.core.entropy.as_ref(), &key)?;
                (key, OrderKey::Fresh(sealed))
            }
        };
        let names = work.managed.names.clone();
        let csr = keys::certificate_request(&key, &names).map_err(|error| fault(format!("no request could be made: {error}")))?;
        let (lease, request) = (self.lease, csr.clone());
        let id = self.context.write(move |tx, actor, now| order::begin(tx, actor, &lease, &sealed, &request, now)).await?;
        self.order = Some(id);
        Ok(Prepared { id, csr, url: None, names })
    }

    async fn shared_key(&self, id: PrivateKeyId) -> Result<PrivateKey, Stop> {
        let row = self.context.read(move |tx, _| load_private_key(tx, id)).await?;
        let pkcs8 = self.context.core.custody.open(&row, SecretKind::PrivateKey)?;
        PrivateKey::of(&pkcs8).map_err(|error| fault(format!("private key {id}: {error}")))
    }

    async fn place(&self, session: &Session, work: &Work, prepared: &Prepared) -> Result<Order, Stop> {
        let profile = match &work.managed.by {
            IssuedBy::Acme { profile, .. } => profile.as_deref(),
            IssuedBy::Private { .. } => None,
        };
        let new = NewOrder { names: &prepared.names, profile, replaces: None };
        let remote = match session.place(new).await {
            Ok(remote) => remote,
            Err(error) => {
                self.forget_unknown_account(work, &error).await?;
                return Err(acme_failure(self.context, error));
            }
        };
        let (lease, id, url) = (self.lease, prepared.id, remote.url().to_owned());
        self.context.write(move |tx, actor, now| order::placed(tx, actor, &lease, id, &url, now)).await?;
        Ok(remote)
    }

    /// An authority that lost our account (a private one set up anew) is registered with again.
    async fn forget_unknown_account(&self, work: &Work, error: &AcmeError) -> Result<(), Stop> {
        if error.problem.as_ref().is_some_and(|problem| problem.kind == "accountDoesNotExist") {
            let id = work.issuer.id;
            *self.context.session_of(id).lock().await = None;
            let lease = self.lease;
            self.context.write(move |tx, actor, now| issuers::forget_account(tx, actor, &lease, id, now)).await?;
        }
        Ok(())
    }

    async fn advance(&self, work: &Work, prepared: &Prepared, provider: &Provider, remote: &mut Order) -> Result<(), Stop> {
        let failed = |error| acme_failure(self.context, error);
        let mut looks = QUICK_LOOKS.iter();
        let mut progress = remote.progress().await.map_err(failed)?;
        let mut proven = false;
        loop {
            let wait = match progress {
                Progress::Pending(_) if !proven => {
                    let (context, lease, order) = (self.context, self.lease, prepared.id);
                    Proof { context, lease, order, work, provider }.give(remote).await?;
                    proven = true;
                    None
                }
                Progress::Pending(wait) | Progress::Processing(wait) => wait,
                Progress::Ready => {
                    progress = remote.finalise(&prepared.csr).await.map_err(failed)?;
                    match progress {
                        Progress::Ready => None,
                        _ => continue,
                    }
                }
                Progress::Valid => return self.collect(prepared, remote).await,
            };
            match looks.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => {
                    let ms = wait.map_or(LOOK_AGAIN_MS, |wait| i64::try_from(wait.as_millis()).unwrap_or(LOOK_AGAIN_MAX_MS));
                    return Err(Stop::Later(self.context.core.now() + ms.clamp(LOOK_AGAIN_MS, LOOK_AGAIN_MAX_MS)));
                }
            }
            progress = remote.progress().await.map_err(failed)?;
        }
    }

    /// Downloads, checks and records the certificate.
    async fn collect(&self, prepared: &Prepared, remote: &mut Order) -> Result<(), Stop> {
        let pem = remote.chain().await.map_err(|error| acme_failure(self.context, error))?;
        let issued = check(&pem, prepared, self.context.core.now()).map_err(unfit)?;
        let (lease, id) = (self.lease, prepared.id);
        self.context
            .write(move |tx, actor, now| order::complete(tx, actor, &lease, id, &issued.leaf, &issued.chain, now))
            .await?;
        Ok(())
    }
}

struct Prepared {
    id: OrderId,
    csr: Vec<u8>,
    url: Option<String>,
    names: Vec<String>,
}

struct Issued {
    leaf: Candidate,
    chain: Vec<Candidate>,
}

/// What the authority sent, checked: our key, our names, sane validity, and signed by the next in the chain.
fn check(pem: &str, prepared: &Prepared, now: i64) -> Result<Issued, String> {
    let bundle =
        certhold_pki::read(pem.as_bytes(), None).map_err(|error| format!("what the authority sent is unusable: {error}"))?;
    let mut ders = bundle.certificates.into_iter().map(|found| found.der);
    let leaf = ders.next().ok_or("the authority sent no certificate")?;
    let rest: Vec<Vec<u8>> = ders.collect();
    let request = CsrFacts::of(&prepared.csr).map_err(|error| format!("our own request is unusable: {error}"))?;
    let mut wrong = lint_issued(&leaf, &request.spki_der, &prepared.names, now);
    let chain = order_chain(&leaf, &rest);
    if let Some(issuer) = rest.first()
        && verify_signed_by(&leaf, issuer) == Err(SignatureError::Invalid)
    {
        wrong.push("The certificate is not signed by the issuer that came with it.".to_owned());
    }
    if !wrong.is_empty() {
        return Err(wrong.join(" "));
    }
    let candidate = |der: &[u8]| Candidate::of(der).map_err(|error| format!("what the authority sent is unusable: {error}"));
    let chain = chain.into_iter().skip(1).map(candidate).collect::<Result<Vec<_>, _>>()?;
    Ok(Issued { leaf: candidate(&leaf)?, chain })
}

async fn make_key(kind: KeyKind) -> Result<PrivateKey, Stop> {
    let made = tokio::task::spawn_blocking(move || keys::generate(kind)).await;
    made.map_err(|error| fault(format!("making a key stopped: {error}")))?
        .map_err(|error| fault(format!("no key could be made: {error}")))
}

/// The account at the authority, registered at first use. One at a time, so that jobs which start together share one account.
async fn session(context: &Context, issuer: &IssuerAccess) -> Result<Session, Stop> {
    let place = context.session_of(issuer.id);
    let mut place = place.lock().await;
    if let Some(session) = place.as_ref() {
        return Ok(session.clone());
    }
    // Read again: a job before this one may have registered it.
    let id = issuer.id;
    let issuer = context.read(move |tx, _| issuers::open(tx, id)).await?;
    let failed = |error| acme_failure(context, error);
    let session = match restored(context, &issuer).await? {
        Some(session) => session,
        None => {
            let authority = authority(context, &issuer)?;
            let external = external_account(context, &issuer)?;
            let (session, credentials) =
                acme::register(&authority, &issuer.settings.contacts, external.as_ref()).await.map_err(failed)?;
            let sealed =
                context.core.custody.seal(context.core.entropy.as_ref(), SecretKind::AcmeAccount, credentials.as_bytes())?;
            context.write(move |tx, actor, now| issuers::registered(tx, actor, id, &sealed, now)).await?;
            session
        }
    };
    *place = Some(session.clone());
    Ok(session)
}

/// The account at the authority, if there is one now: none is registered.
pub(super) async fn existing_session(context: &Context, id: IssuerId) -> Result<Option<Session>, Stop> {
    let place = context.session_of(id);
    let mut place = place.lock().await;
    // Also when a session is at hand: another node may have forgotten the account.
    let issuer = context.read(move |tx, _| issuers::open(tx, id)).await?;
    if issuer.account.is_none() {
        return Ok(None);
    }
    if place.is_none() {
        *place = restored(context, &issuer).await?;
    }
    Ok(place.clone())
}

/// The account that is held, brought back.
async fn restored(context: &Context, issuer: &IssuerAccess) -> Result<Option<Session>, Stop> {
    let Some(row) = &issuer.account else { return Ok(None) };
    let authority = authority(context, issuer)?;
    let credentials = context.core.custody.open(row, SecretKind::AcmeAccount)?;
    let text = std::str::from_utf8(&credentials).map_err(|_| fault("stored ACME account is not text".into()))?;
    Session::restore(&authority, text).await.map(Some).map_err(|error| acme_failure(context, error))
}

fn authority(context: &Context, issuer: &IssuerAccess) -> Result<Authority, Stop> {
    let (directory, root) = (&issuer.settings.directory, issuer.settings.trust_root.as_deref());
    Authority::new(directory, root).map_err(|error| acme_failure(context, error))
}

fn external_account(context: &Context, issuer: &IssuerAccess) -> Result<Option<ExternalAccount>, Stop> {
    let (Some(key_id), Some(row)) = (&issuer.settings.eab_key_id, &issuer.eab_key) else { return Ok(None) };
    let key = context.core.custody.open(row, SecretKind::ExternalAccount)?;
    let text = std::str::from_utf8(&key).map_err(|_| fault("stored external account key is not text".into()))?;
    let external = ExternalAccount::new(key_id, text).map_err(|error| acme_failure(context, error))?;
    Ok(Some(external))
}

fn fault(message: String) -> Stop {
    Stop::Fault(Error::Fault(Fault::Custody(message)))
}

fn unfit(sentence: String) -> Stop {
    failed(FailureClass::Unfit, Cause::Unfit, sentence, true)
}

pub(super) fn failed(class: FailureClass, cause: Cause, sentence: String, order_lost: bool) -> Stop {
    Stop::Failed(Box::new(Failure { class, cause: Some(cause), sentence, detail: None, retry_after: None, order_lost }))
}

pub(super) fn acme_failure(context: &Context, error: AcmeError) -> Stop {
    let (class, order_lost) = match error.kind {
        AcmeErrorKind::RateLimited => (FailureClass::RateLimited, false),
        AcmeErrorKind::ChallengeFailed => (FailureClass::ChallengeFailed, true),
        AcmeErrorKind::Rejected => (FailureClass::Rejected, true),
        AcmeErrorKind::OrderGone => (FailureClass::Unreachable, true),
        AcmeErrorKind::AccountProblem if unknown_account(&error) => (FailureClass::Unreachable, true),
        AcmeErrorKind::AccountProblem | AcmeErrorKind::Settings => (FailureClass::Rejected, false),
        _ => (FailureClass::Unreachable, false),
    };
    let cause = acme_cause(&error);
    let order_lost = order_lost || error.order_lost;
    let retry_after = error.retry_after.map(|wait| context.core.now() + i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 4));
    let detail = error.problem.map(|problem| problem.document);
    Stop::Failed(Box::new(Failure { class, cause, sentence: error.sentence, detail, retry_after, order_lost }))
}

/// What somebody can do something about; an order that is gone is placed again, an account that was forgotten registered again.
fn acme_cause(error: &AcmeError) -> Option<Cause> {
    match error.kind {
        AcmeErrorKind::RateLimited => Some(Cause::RateLimited),
        AcmeErrorKind::ChallengeFailed => Some(Cause::ProofNotSeen),
        AcmeErrorKind::Rejected => Some(Cause::NamesRefused),
        AcmeErrorKind::AccountProblem if unknown_account(error) => None,
        AcmeErrorKind::AccountProblem => Some(Cause::AccountRefused),
        AcmeErrorKind::Settings => Some(Cause::IssuerSettings),
        AcmeErrorKind::Unreachable => Some(Cause::IssuerUnreachable),
        AcmeErrorKind::Transient | AcmeErrorKind::BadAnswer => Some(Cause::IssuerTrouble),
        AcmeErrorKind::OrderGone => None,
    }
}

fn unknown_account(error: &AcmeError) -> bool {
    error.problem.as_ref().is_some_and(|problem| problem.kind == "accountDoesNotExist")
}

pub(super) fn dns_failure(context: &Context, error: &DnsError) -> Stop {
    let retry_after = match error {
        DnsError::RateLimited { retry_after, .. } => *retry_after,
        _ => None,
    };
    let (class, cause) = match error {
        DnsError::RateLimited { .. } => (FailureClass::RateLimited, Cause::RateLimited),
        transient if transient.is_transient() => (FailureClass::Unreachable, Cause::DnsUnreachable),
        _ => (FailureClass::Rejected, Cause::DnsRefused),
    };
    let retry_after = retry_after.map(|wait| context.core.now() + i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 4));
    let sentence = error.to_string();
    let failure = Failure { class, cause: Some(cause), sentence, detail: None, retry_after, order_lost: false };
    Stop::Failed(Box::new(failure))
}
