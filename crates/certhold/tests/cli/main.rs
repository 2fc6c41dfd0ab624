//! The `certhold` program as its users run it: every command on a data directory and against a server, and every refusal.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod access;
mod backup;
mod chains;
mod import;
mod nouns;
mod refusals;
mod serve;
mod support;
mod views;
