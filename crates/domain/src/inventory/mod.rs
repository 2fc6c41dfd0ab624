//! The inventory: certificates as immutable facts, unique by SHA-256, with what people decided about them.

mod certificate;
mod compile;
mod conditions;
mod count_cache;
mod counts;
mod derived;
mod facets;
mod fields;
mod import;
mod list;
mod rederive;
mod remove;
mod scoped;
mod search;
mod subject;
mod text_index;

pub use certificate::{Certificate, Summary, chain, get, summary, versions};
pub use counts::Counted;
pub(crate) use counts::{forget_versions, of as with_value, set_owner, set_owners, set_version, unmanaged};
pub use derived::{DERIVATION, SEVERITIES, findings};
pub use facets::{Facet, FacetValue, broken_rules, facets};
pub use fields::{Field, fold, term};
pub use import::{Candidate, ImportBatch, ImportItem, KeyItem, Outcome, import, import_keys};
pub(crate) use import::{count_added, insert, link_chain};
pub(crate) use list::select_ids;
pub use list::{Expiry, Filter, OwnerFilter, Page, Sort, count_all, list};
pub use rederive::{outdated, rederived};
pub use remove::remove;
pub use scoped::{chain_in, get_in, history_in, list_in, question, require_list, summary_in};
pub(crate) use subject::subject;
pub use text_index::{fill as fill_text_index, is_behind as text_index_is_behind};
