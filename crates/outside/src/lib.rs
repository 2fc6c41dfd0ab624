//! The async world behind the domain: authorities, DNS, keys and deployment.
//!
//! Every module is a set of self-contained steps. Each step may run twice: whatever it does outside tolerates repetition,
//! so that a job which crashed in the middle is simply run again.

pub mod acme;
pub mod bulk;
pub mod deploy;
pub mod dns;
mod files;
mod http;
pub mod identity_providers;
pub mod keys;
pub mod stores;
pub mod worker;
