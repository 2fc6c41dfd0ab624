//! The harness: the real things that a story needs, each started on loopback, on a free port, and ended with the test.
//!
//! The stories themselves are the modules of one binary, `tests/tests/all/main.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness stops its test at the first surprise, with the reason in the panic"
)]

pub mod bind;
pub mod browser;
pub mod dice;
pub mod dig;
pub mod lab;
pub mod pebble;
pub mod ports;
pub mod postgres;
pub mod powerdns;
pub mod process;
pub mod scripted;
pub mod server;
