//! What the inventory does behind: derives rows again after an upgrade, fills the indexes of authorities and for parts of texts, and
//! indexes values again that have become rare.

use std::time::{Duration, Instant};

use certhold_domain::chains;
use certhold_domain::inventory::{self, Candidate};
use certhold_domain::{CertificateId, Core, Result};
use tokio_util::sync::CancellationToken;

/// How often it looks whether there is something to do.
const EVERY: Duration = Duration::from_secs(2);
/// After a failure.
const PAUSE: Duration = Duration::from_secs(30);

/// Works until `stop`. Several nodes may do so at the same time: each step takes up where the last one of any node ended.
pub async fn run(core: Core, stop: CancellationToken) {
    loop {
        let began = Instant::now();
        let pause = match step(&core).await {
            // What is done behind takes half of the writer at most: others write meanwhile.
            Ok(true) => began.elapsed(),
            Ok(false) => EVERY,
            Err(error) => {
                tracing::warn!(%error, "indexing failed; it is tried again");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One chunk; whether there may be another.
async fn step(core: &Core) -> Result<bool> {
    if let Some(chunk) = core.store.read(inventory::outdated).await? {
        let Ok(derived) = tokio::task::spawn_blocking(move || derive(chunk)).await else {
            tracing::error!("deriving certificates again stopped because of a defect in this program");
            return Ok(false);
        };
        let ends = derived.is_empty();
        core.store.write_bulk(move |tx| inventory::rederived(tx, &derived)).await?;
        return Ok(!ends);
    }
    if core.store.read(chains::is_behind).await? {
        return core.store.write_bulk(chains::backfill).await;
    }
    if core.store.read(inventory::text_index_is_behind).await? {
        return core.store.write_bulk(inventory::fill_text_index).await;
    }
    if let Some(rare) = core.store.read(inventory::rare).await? {
        core.store.write_bulk(move |tx| inventory::index_rare(tx, &rare)).await?;
    }
    Ok(false)
}

fn derive(chunk: Vec<(CertificateId, Vec<u8>)>) -> Vec<(CertificateId, Option<Candidate>)> {
    chunk.into_iter().map(|(id, der)| (id, Candidate::of(&der).ok())).collect()
}
