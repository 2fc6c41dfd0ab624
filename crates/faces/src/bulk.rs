//! Looking at what an edit of many certificates would do: step by step, so that no read is long.

use std::sync::Arc;

use certhold_domain::bulk::{self, Command, Preview};
use certhold_domain::{Actor, Result};

use crate::state::App;

/// The whole preview.
///
/// # Errors
/// What the domain refuses.
pub async fn look(app: &App, actor: &Arc<Actor>, command: &Command) -> Result<Preview> {
    let (mut preview, now) = (Preview::default(), app.now());
    while !preview.complete {
        let (actor, command) = (actor.clone(), command.clone());
        preview = app.read(move |tx| bulk::preview(tx, &actor, &command, preview, now)).await?;
    }
    Ok(preview)
}
