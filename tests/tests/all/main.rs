//! The stories, one module each.

mod acme;
mod dns;
mod stories;
mod worker;
