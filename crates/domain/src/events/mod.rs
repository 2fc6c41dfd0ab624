//! The one event log. Certificate history, activity, audit trail and time line are views of it.
//!
//! Rows are append-only; `hash = SHA-256(previous hash || digest)` chains each row's digest to the one before, where
//! `digest = SHA-256(header || SHA-256(payload))`: retention may erase a payload and keep its digest, and the chain stays
//! verifiable. Heads are signed at intervals and on shutdown, so that cutting off the end is noticed.

mod chain;
mod list;
pub mod names;
mod verify;

pub use chain::{NewEvent, Object, append, append_many};
pub(crate) use list::of_certificate;
pub(crate) use list::select as list_unchecked;
pub use list::{Event, EventFilter, EventPage, history, latest, list};
pub use verify::{Head, KeptHead, Problem, Trust, Verification, audit, head_message, head_to_sign, record_head, verify};
