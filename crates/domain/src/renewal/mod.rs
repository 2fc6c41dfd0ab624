//! Managed certificates: what they are, when they renew, how an attempt proceeds, where versions are installed.

pub mod catalogue;
mod cause;
pub mod deployment;
mod issued_by;
pub mod issuers;
pub mod managed;
pub mod order;
mod plan;
pub mod private;
pub mod providers;
pub mod revocation;

pub use cause::Cause;
pub use issued_by::{AcmePlan, IssueBy, IssuedBy, PrivatePlan};
pub use plan::{FailureClass, KeyKind, next_try, renew_at};
