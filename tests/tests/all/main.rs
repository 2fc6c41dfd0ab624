//! The stories, one module each.

mod dns;
mod stories;
