//! The stories, one module each.

mod acme;
mod api;
mod browser_ui;
mod contracts;
mod deploy;
mod dns;
mod kills;
mod secrets;
mod stories;
mod worker;
