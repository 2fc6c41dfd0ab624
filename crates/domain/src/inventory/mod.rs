//! The inventory: certificates as immutable facts, unique by SHA-256, with what people decided about them.

mod certificate;
mod import;
mod list;
mod remove;

pub use certificate::{Certificate, Summary, chain, get, summary, versions};
pub use import::{Candidate, ImportBatch, ImportItem, KeyItem, Outcome, import, import_keys};
pub(crate) use import::{count_added, insert, link_chain};
pub use list::{Expiry, Filter, OwnerFilter, Page, Sort, count_all, list};
pub use remove::remove;
