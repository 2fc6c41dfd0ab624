//! Rotating the master key, and erasing what retention no longer keeps: jobs that only the database and custody take part in.

use std::sync::Arc;
use std::time::Duration;

use certhold_domain::custody::rekey::{self, Rewrapped, Step};
use certhold_domain::jobs::{self, JobKind, Lease};
use certhold_domain::{Actor, Core, Error, Face, events};

use super::Context;

/// How soon a rotation looks again for nodes that it waits for.
const AGAIN_MS: i64 = 2_000;

/// Tells the others which master keys this node holds, and follows what the database says of its keys.
///
/// # Errors
/// When the database does not answer, or the place of the keys cannot be read.
pub async fn announce(core: &Core, node: &str) -> Result<(), Error> {
    // Twice, when the first answer brought a key that the others wait for.
    for _ in 0..2 {
        let (held, sealing, now) = (core.custody.marks(), core.custody.sealing(), core.now());
        let (name, told) = (node.to_owned(), held.clone());
        let known = core.store.write(move |tx| rekey::announce(tx, &name, &told, sealing, now)).await?;
        let custody = core.custody.clone();
        tokio::task::spawn_blocking(move || custody.follow(&known)).await.map_err(|_| panicked())??;
        if (core.custody.marks(), core.custody.sealing()) == (held, sealing) {
            break;
        }
    }
    Ok(())
}

fn panicked() -> Error {
    Error::from(certhold_store::Error::Panicked)
}

/// Goes on with a rotation until it has ended or waits for other nodes.
pub(super) async fn run(context: &Context, lease: &Lease) -> Result<(), Error> {
    advance(&context.core, &context.settings.holder, *lease).await.map(drop)
}

/// Whether the rotation has ended; otherwise its job is put off.
async fn advance(core: &Core, node: &str, lease: Lease) -> Result<bool, Error> {
    announce(core, node).await?;
    let actor = Actor::system(Face::Worker, "worker");
    let (author, now) = (actor.clone(), core.now());
    if let Step::WaitsFor(nodes) = core.store.write(move |tx| rekey::activate(tx, &author, &lease, now)).await? {
        return put_off(core, lease, &nodes).await;
    }
    announce(core, node).await?;
    loop {
        let rows = core.store.read(move |tx| rekey::chunk(tx, lease.object)).await?;
        if rows.is_empty() {
            break;
        }
        let (custody, entropy) = (core.custody.clone(), core.entropy.clone());
        let wrapping = move || rekey::rewrap(&custody, entropy.as_ref(), rows, lease.object);
        let chunk: Arc<Vec<Rewrapped>> = Arc::new(tokio::task::spawn_blocking(wrapping).await.map_err(|_| panicked())??);
        core.store.write_bulk(move |tx| rekey::record(tx, &lease, &chunk)).await?;
    }
    let now = core.now();
    match core.store.write(move |tx| rekey::finish(tx, &actor, &lease, now)).await? {
        Step::Ready => Ok(true),
        Step::WaitsFor(nodes) => put_off(core, lease, &nodes).await,
    }
}

async fn put_off(core: &Core, lease: Lease, nodes: &[String]) -> Result<bool, Error> {
    let (sentence, again) = (rekey::waiting(nodes), core.now() + AGAIN_MS);
    core.store.write(move |tx| jobs::put_off(tx, &lease, again, Some(&sentence))).await?;
    Ok(false)
}

/// Carries a rotation to its end without a worker: for the command line on a data directory. `told` hears why it waits.
///
/// # Errors
/// When another node has taken the rotation over and it does not end, or the store fails.
pub async fn complete(core: &Core, node: &str, number: i64, mut told: impl FnMut(&str)) -> Result<(), Error> {
    loop {
        let (holder, now) = (node.to_owned(), core.now());
        // This node's own job of a run that was killed, whose lease has not run out.
        core.store.write(move |tx| jobs::release_all(tx, &holder, now)).await?;
        let holder = node.to_owned();
        let claimed = core.store.write(move |tx| jobs::claim_one(tx, JobKind::Rekey, number, &holder, now)).await?;
        match claimed {
            Some(lease) => {
                if advance(core, node, lease).await? {
                    return Ok(());
                }
            }
            None => announce(core, node).await?,
        }
        let job = core.store.read(move |tx| jobs::live(tx, JobKind::Rekey, number)).await?;
        match job {
            None => return Ok(()),
            Some(job) => told(job.error.as_deref().unwrap_or("another node works on it")),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Erases, chunk by chunk, what retention has said that it erases.
pub(super) async fn erase(context: &Context, lease: &Lease) -> Result<(), Error> {
    let lease = *lease;
    loop {
        let (actor, now) = (context.actor(), context.core.now());
        if !context.core.store.write_bulk(move |tx| events::retention::step(tx, &actor, &lease, now)).await? {
            return Ok(());
        }
    }
}
