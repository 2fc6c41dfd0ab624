//! Rotating the master key, as every face asks for it: the key is kept durably outside the database first, then the operation
//! is recorded.

use std::sync::Arc;

use certhold_domain::custody::rekey;
use certhold_domain::events::delivery::{self, Cursor};
use certhold_domain::events::{self, Event};
use certhold_domain::{Actor, Error, Result};
use certhold_store::Tx;

use crate::state::App;

/// Begins a rotation; the number of the new key.
pub(crate) async fn begin(app: &App, actor: &Arc<Actor>) -> Result<i64> {
    let looking = actor.clone();
    let highest = app.read(move |tx| rekey::may_begin(tx, &looking)).await?;
    let core = app.core().clone();
    let keeping = tokio::task::spawn_blocking(move || core.custody.next_key(core.entropy.as_ref(), highest));
    let next = keeping.await.map_err(|_| Error::from(certhold_store::Error::Panicked))??;
    let (actor, now, number) = (actor.clone(), app.now(), next.number);
    app.write(move |tx| rekey::begin(tx, &actor, &next, now)).await?;
    Ok(number)
}

/// Lets go of an old key, first in the database and then where it is kept.
pub(crate) async fn forget(app: &App, actor: &Arc<Actor>, number: i64) -> Result<()> {
    let (actor, now) = (actor.clone(), app.now());
    let known = app
        .write(move |tx| {
            rekey::forget(tx, &actor, number, now)?;
            rekey::keys(tx)
        })
        .await?;
    let custody = app.core().custody.clone();
    let following = tokio::task::spawn_blocking(move || custody.follow(&known));
    following.await.map_err(|_| Error::from(certhold_store::Error::Panicked))?
}

/// What operators see of the server: the last backup, and where deliveries of the log stand.
pub(crate) fn system(tx: &mut Tx<'_>, actor: &Actor) -> Result<(Option<Event>, Vec<Cursor>)> {
    let cursors = delivery::cursors(tx, actor)?;
    Ok((events::last_backup(tx, actor)?, cursors))
}
