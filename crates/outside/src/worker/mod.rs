//! The worker: claims jobs, does what is outside, records each step through the domain.
//!
//! A job is worked on in a task of its own, under a lease that a heartbeat extends. A lease that is lost ends the task: another
//! node goes on with the job, and nothing that this one still wanted to record would be accepted. Jobs that wait for something
//! outside are put off, not slept on, so that a restart loses nothing.

mod deploy;
mod edit;
mod prove;
pub mod rekey;
mod renew;
mod renew_here;
mod revocation_list;
mod revoke;
mod store;
mod withdraw;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use certhold_domain::jobs::{self, JobKind, Lease};
use certhold_domain::private_ca;
use certhold_domain::renewal::managed;
use certhold_domain::stores::Roots;
use certhold_domain::{Actor, Core, Error, Face, IssuerId, Refusal};
use certhold_store::Tx;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::acme::Session;
use crate::dns::Resolvers;

/// How a worker behaves.
#[derive(Clone)]
pub struct Settings {
    /// This node's name in leases; the same after a restart, so that it takes back what it held.
    pub holder: String,
    /// Jobs at once.
    pub concurrency: usize,
    /// Where CNAMEs and name servers are looked up.
    pub resolvers: Resolvers,
    /// The directories in which certificate stores may be.
    pub store_roots: Roots,
}

/// A running worker.
pub struct Worker {
    stop: watch::Sender<bool>,
    main: tokio::task::JoinHandle<()>,
}

/// How often the worker looks for jobs when it has nothing to do.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often it looks which managed certificates are due.
const PLAN_EVERY_MS: i64 = 10_000;
/// Managed certificates that are planned in one transaction.
const PLAN_AT_ONCE: i64 = 1_000;
/// How often a lease is extended: three chances before it runs out.
pub(crate) const EXTEND_EVERY: Duration = Duration::from_millis(certhold_domain::limits::LEASE_MS as u64 / 4);

/// Starts a worker. `heartbeat` is set to the time of every look, for the readiness check.
pub fn start(core: Core, settings: Settings, heartbeat: Arc<AtomicI64>) -> Worker {
    let (stop, stopped) = watch::channel(false);
    let context = Arc::new(Context { core, settings, sessions: Mutex::default(), stopping: stopped.clone() });
    let main = tokio::spawn(run(context, heartbeat, stopped));
    Worker { stop, main }
}

impl Worker {
    /// Claims nothing more, lets running steps end for at most `patience`, and gives back what is still held.
    pub async fn stop(self, patience: Duration) {
        let _ = self.stop.send(true);
        let abort = self.main.abort_handle();
        if tokio::time::timeout(patience, self.main).await.is_err() {
            abort.abort();
        }
    }
}

/// What every job needs.
pub(crate) struct Context {
    pub(crate) core: Core,
    pub(crate) settings: Settings,
    /// Accounts at authorities that were used already, with their open connections.
    pub(crate) sessions: Mutex<HashMap<IssuerId, Arc<tokio::sync::Mutex<Option<Session>>>>>,
    /// Whether the worker is asked to stop.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Context {
    fn actor(&self) -> Actor {
        Actor::system(Face::Worker, "worker")
    }

    /// Runs an operation with the time of the call.
    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Tx<'_>, &Actor, i64) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (actor, now) = (self.actor(), self.core.now());
        self.core.store.write(move |tx| work(tx, &actor, now)).await
    }

    /// The place of the account at an authority: one lock each, so that an authority which hangs delays no other.
    fn session_of(&self, issuer: IssuerId) -> Arc<tokio::sync::Mutex<Option<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).entry(issuer).or_default().clone()
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>, &Actor) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let actor = self.actor();
        self.core.store.read(move |tx| work(tx, &actor)).await
    }
}

async fn run(context: Arc<Context>, heartbeat: Arc<AtomicI64>, mut stopped: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(context.settings.concurrency.max(1)));
    let mut tasks = JoinSet::new();
    let holder = context.settings.holder.clone();
    if let Err(error) = context.write(move |tx, _, now| jobs::release_all(tx, &holder, now)).await {
        tracing::error!(%error, "leases of the last run could not be taken back; they end by themselves");
    }
    let mut planned_at = 0;
    while !*stopped.borrow() {
        let now = context.core.now();
        heartbeat.store(now, Ordering::Relaxed);
        if now - planned_at >= PLAN_EVERY_MS {
            planned_at = now;
            plan(&context).await;
        }
        let claimed = claim_some(&context, &permits, &mut tasks).await;
        while tasks.try_join_next().is_some() {}
        if !claimed {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                // A finished step often wants the next one.
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                _ = stopped.changed() => {}
            }
        }
    }
    while tasks.join_next().await.is_some() {}
    let holder = context.settings.holder.clone();
    if let Err(error) = context.write(move |tx, _, now| jobs::release_all(tx, &holder, now)).await {
        tracing::warn!(%error, "leases could not be given back; they end by themselves");
    }
}

async fn plan(context: &Context) {
    if let Err(error) = context.write(|tx, _, now| private_ca::enqueue_due(tx, now)).await {
        tracing::error!(%error, "revocation lists could not be planned; it is tried again");
    }
    loop {
        match context.write(|tx, _, now| managed::enqueue_due(tx, now, PLAN_AT_ONCE)).await {
            Ok(enqueued) if enqueued < PLAN_AT_ONCE as usize => break,
            Ok(_) => {}
            Err(error) => return tracing::error!(%error, "planning failed; it is tried again"),
        }
    }
    store::plan(context).await;
}

/// Claims as many jobs as there is room for; says whether it claimed any.
async fn claim_some(context: &Arc<Context>, permits: &Arc<Semaphore>, tasks: &mut JoinSet<()>) -> bool {
    let mut claimed = false;
    while let Ok(permit) = permits.clone().try_acquire_owned() {
        let now = context.core.now();
        match context.read(move |tx, _| jobs::due(tx, now)).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                tracing::error!(%error, "looking for jobs failed; it is tried again");
                break;
            }
        }
        let holder = context.settings.holder.clone();
        match context.write(move |tx, _, now| jobs::claim(tx, &holder, now)).await {
            Ok(Some(lease)) => {
                claimed = true;
                let context = context.clone();
                tasks.spawn(async move {
                    work_on(&context, lease).await;
                    drop(permit);
                });
            }
            Ok(None) => break,
            Err(error) => {
                tracing::error!(%error, "claiming a job failed; it is tried again");
                break;
            }
        }
    }
    claimed
}

/// Works on one job until it ends, is put off, or its lease is lost.
async fn work_on(context: &Arc<Context>, lease: Lease) {
    let work = async {
        match lease.kind {
            JobKind::Renew => renew::run(context, &lease).await,
            JobKind::Deploy => deploy::run(context, &lease).await,
            JobKind::Withdraw => withdraw::run(context, &lease).await,
            JobKind::Rekey => rekey::run(context, &lease).await,
            JobKind::Retention => rekey::erase(context, &lease).await,
            JobKind::BulkEdit => edit::run(context, &lease).await,
            JobKind::RevocationList => revocation_list::run(context, &lease).await,
            JobKind::Store => store::run(context, &lease).await,
            JobKind::Revoke => revoke::run(context, &lease).await,
        }
    };
    let outcome = tokio::select! {
        outcome = work => outcome,
        lost = keep(context, lease) => Err(lost),
    };
    match outcome {
        Ok(()) => {}
        Err(Error::Refused(Refusal::LeaseLost(job))) => tracing::warn!(job, "the lease was lost; another worker continues"),
        Err(error) => {
            tracing::error!(job = lease.job.0, kind = lease.kind.name(), %error, "a job stopped on a fault; it is tried again");
            let sentence = format!("a fault inside Certhold stopped this: {error}");
            let again = context.core.now() + FAULT_PAUSE_MS;
            if let Err(error) = context.write(move |tx, _, _| jobs::put_off(tx, &lease, again, Some(&sentence))).await {
                tracing::error!(job = lease.job.0, %error, "the job could not be put off; its lease ends by itself");
            }
        }
    }
}

/// How long a job rests after a fault of ours.
const FAULT_PAUSE_MS: i64 = 60_000;

/// Extends the lease for as long as it is polled; returns when it is lost.
async fn keep(context: &Context, lease: Lease) -> Error {
    loop {
        tokio::time::sleep(EXTEND_EVERY).await;
        match context.write(move |tx, _, now| jobs::extend(tx, &lease, now)).await {
            Ok(()) => {}
            Err(Error::Refused(Refusal::LeaseLost(job))) => return Error::Refused(Refusal::LeaseLost(job)),
            Err(error) => tracing::warn!(job = lease.job.0, %error, "a lease could not be extended; it is tried again"),
        }
    }
}
