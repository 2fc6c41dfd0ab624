//! Managed certificates: what they are, when they renew, how an attempt proceeds, where versions are installed.

pub mod catalogue;
pub mod deployment;
pub mod issuers;
pub mod managed;
pub mod order;
mod plan;
pub mod providers;

pub use plan::{FailureClass, KeyKind, next_try, renew_at};
