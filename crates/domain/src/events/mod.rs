//! The one event log. Certificate history, activity, audit trail and time line are views of it.
//!
//! Rows are append-only; `hash = SHA-256(previous hash || digest)` chains each row's digest to the one before, where
//! `digest = SHA-256(what stays || SHA-256(salt || names, address, request, payload))`: retention may erase the inner part and
//! keep its digest, and the chain stays verifiable ([`retention`]). Heads are signed at intervals and on shutdown, so that
//! cutting off the end is noticed; a signed head that an auditor keeps is a [`Checkpoint`].

mod asked;
mod chain;
mod checkpoint;
pub mod delivery;
pub mod export;
mod head;
mod list;
pub mod names;
pub mod retention;
mod verify;

pub use asked::{AskedPage, EventField, EventQuery, asked, asked_related};
pub use chain::{NewEvent, Object, append, append_many};
pub use checkpoint::{Checkpoint, checkpoint, may_audit};
pub use head::{Head, KeptHead, LogEnd, head_message, head_to_sign, log_end, record_head};
pub(crate) use list::select as list_unchecked;
pub use list::{Event, EventFilter, EventPage, HistoryPage, Linked, history, last_backup, latest, linked, list, one};
pub(crate) use list::{of_certificate, page_of_certificate};
pub use verify::{Problem, Trust, Verification, audit, verify, verify_row};
