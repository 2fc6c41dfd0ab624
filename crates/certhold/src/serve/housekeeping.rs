//! Forgetting what nobody needs any more.

use std::time::Duration;

use certhold_domain::events::retention::{self, Rule};
use certhold_domain::{Actor, Core, Face, Result, jobs, people, stores};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(3_600);
/// How long ended tokens and jobs stay, so that people can look what became of them.
const KEPT_MS: i64 = 30 * 86_400_000;

/// Tidies at start and every hour, until `stop`.
pub async fn run(core: Core, rules: Vec<Rule>, stop: CancellationToken) {
    loop {
        match tidy(&core, &rules).await {
            Ok((tokens, jobs)) => tracing::debug!(tokens, jobs, "forgot what ended long ago"),
            Err(error) => tracing::warn!(%error, "housekeeping failed; it is tried again in an hour"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn tidy(core: &Core, rules: &[Rule]) -> Result<(u64, u64)> {
    if !rules.is_empty() {
        let (rules, server, now) = (rules.to_vec(), Actor::system(Face::Server, "certhold"), core.now());
        core.store.write(move |tx| retention::begin(tx, &server, &rules, now)).await?;
    }
    let before = core.now() - KEPT_MS;
    let purge = move |tx: &mut certhold_store::Tx<'_>| {
        let jobs = jobs::purge_done(tx, before)? + stores::purge_jobs(tx, before)?;
        Ok((people::purge_expired(tx, before)?, jobs))
    };
    core.store.write_bulk(purge).await
}
