//! The stories, one module each.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story stops at the first surprise, with the reason in the panic")]

mod acme;
mod api;
mod arcgis;
mod browser_ui;
mod bulk_kills;
mod change_owner;
mod contracts;
mod custody;
mod deploy;
mod dns;
mod identity_providers;
mod keyfactor;
mod kills;
mod migrating;
mod private_kills;
mod rotating;
mod secrets;
mod store_kills;
mod store_server;
mod stores;
mod stories;
mod worker;
