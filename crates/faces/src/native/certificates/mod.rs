//! `/certificates`: the inventory.

mod access;
mod chains;
mod download;
mod export;
mod facts;
mod import;
mod list;
mod metadata;
mod one;
mod revocation;
mod wire;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::compressed;
use crate::state::App;

pub use metadata::Given;
pub use one::{RoleRef, Within};
pub use wire::{Certificate, Owner};

/// The routes of certificates.
pub fn routes() -> OpenApiRouter<App> {
    let lists = OpenApiRouter::new().routes(routes!(list::list)).routes(routes!(list::facets)).layer(compressed());
    OpenApiRouter::new()
        .merge(lists)
        .routes(routes!(import::import))
        .routes(routes!(one::get, one::remove))
        .routes(routes!(facts::facts))
        .routes(routes!(one::set_owner))
        .routes(routes!(metadata::metadata, metadata::change_metadata, metadata::replace_metadata))
        .routes(routes!(one::history))
        .routes(routes!(access::access))
        .routes(routes!(revocation::get, revocation::revoke))
        .routes(routes!(revocation::release))
        .routes(routes!(chains::chains))
        .routes(routes!(chains::trust))
        .routes(routes!(download::pem))
        .routes(routes!(download::der))
        .routes(routes!(download::chain))
        .routes(routes!(export::download))
        .routes(routes!(export::key))
        .routes(routes!(export::destroy))
}

#[cfg(test)]
mod tests;
