//! The stories, one module each.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story stops at the first surprise, with the reason in the panic")]

mod acme;
mod api;
mod browser_ui;
mod bulk_kills;
mod change_owner;
mod contracts;
mod custody;
mod deploy;
mod dns;
mod kills;
mod secrets;
mod stories;
mod worker;
