//! Driving an edit of many certificates: chunk after chunk in the store's low lane, several of them in one commit.

use certhold_domain::bulk::{self, Progress};
use certhold_domain::jobs::{self, JobKind, Lease};
use certhold_domain::{BulkEditId, Core, Error};

/// Chunks that wait in the store at once: those that it takes into one commit. Interactive writes end that commit at once.
const AT_ONCE: usize = 16;

/// Works until the job has ended, or `stop` says so; whether it has ended.
pub(crate) async fn drive(core: &Core, lease: Lease, stop: impl Fn() -> bool) -> Result<bool, Error> {
    while !stop() {
        let chunks = (0..AT_ONCE).map(|_| {
            let now = core.now();
            core.store.write_bulk(move |tx| bulk::step(tx, &lease, now))
        });
        for progress in futures_util::future::join_all(chunks).await {
            if progress? == Progress::Done {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Does an edit in this process, where no worker runs: on a data directory whose lock is held. Says whether there was anything to do;
/// `holder` is this node's name in leases.
///
/// # Errors
/// What the domain refuses, and faults of the store.
pub async fn run(core: &Core, edit: BulkEditId, holder: &str) -> Result<bool, Error> {
    let (holder, now) = (holder.to_owned(), core.now());
    // Nobody else works under this name here: what it held, a command held that was killed.
    let claim = core.store.write(move |tx| {
        jobs::release_all(tx, &holder, now)?;
        jobs::claim_one(tx, JobKind::BulkEdit, edit.0, &holder, now)
    });
    let claimed = claim.await?;
    let Some(lease) = claimed else { return Ok(false) };
    let keep = async {
        loop {
            tokio::time::sleep(crate::worker::EXTEND_EVERY).await;
            let now = core.now();
            core.store.write(move |tx| jobs::extend(tx, &lease, now)).await?;
        }
    };
    let kept: Result<bool, Error> = tokio::select! {
        ended = drive(core, lease, || false) => ended,
        lost = keep => lost,
    };
    kept
}
