//! `/Certificates`: found, looked at, changed, brought in, handed out, removed.

mod arrangement;
mod changes;
mod exclusions;
mod files;
mod import;
mod list;
mod many;
mod one;
mod owner;
mod removal;
mod revocation;
mod wire;
mod zip;

pub(super) use arrangement::Arrangement;
pub(super) use changes::changes;
pub(super) use files::{Named, identified};
use utoipa_axum::router::OpenApiRouter;
pub(super) use zip::archive;

use crate::state::App;

/// The routes of certificates.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(list::routes())
        .merge(one::routes())
        .merge(owner::routes())
        .merge(changes::routes())
        .merge(files::routes())
        .merge(import::routes())
        .merge(revocation::routes())
        .merge(removal::routes())
        .merge(exclusions::routes())
}
