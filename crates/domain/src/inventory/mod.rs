//! The inventory: certificates as immutable facts, unique by SHA-256, with what people decided about them.

mod anchors;
mod certificate;
mod compile;
mod conditions;
mod count_cache;
mod counts;
mod cursor;
mod derived;
mod duplicates;
mod equal;
mod exclusions;
mod facets;
mod fields;
mod import;
mod links;
mod list;
mod rare;
mod rederive;
mod remove;
mod revoke;
mod scoped;
mod search;
mod subject;
mod text_index;
mod whole;

pub(crate) use certificate::find as summary_unchecked;
pub(crate) use certificate::find as find_summary;
pub use certificate::{Certificate, Summary, chain, get, summary, versions};
pub(crate) use certificate::{fetch, fetch_chain, find};
pub use counts::Counted;
pub(crate) use counts::{
    forget_versions, in_service, is_issuer_name, most, of as with_value, set_owner, set_owners, set_version, unmanaged,
};
pub(crate) use derived::key as key_title;
pub use derived::{DERIVATION, SEVERITIES, findings};
pub use exclusions::{Exclusion, exclude, exclusions, readmit};
pub use facets::{Facet, FacetValue, STRETCHES, broken_rules, facets};
pub use fields::{Field, fold, term};
pub use import::{Candidate, EXCLUDED, ImportBatch, ImportItem, KeyItem, Outcome, import, import_keys};
pub(crate) use import::{count_added, insert, link_chain, take_in, take_key};
pub use list::{Column, Direction, Expiry, Filter, OwnerFilter, Page, Sort, count_all, list};
pub(crate) use list::{count, select_ids};
pub use rare::{Rare, index_rare, rare};
pub use rederive::{outdated, rederived};
pub use remove::{remove, remove_in, remove_with_key};
pub(crate) use remove::{take_out, uses};
pub use revoke::{Revocation, RevocationReason, Revoke, foresee_release, foresee_revocation, release, revoke, revoker};
pub(crate) use scoped::within;
pub use scoped::{
    bodies_in, chain_in, get_in, history_in, history_page_in, list_in, list_noted_in, named_in, question, require_list,
    still_found, summary_in,
};
pub(crate) use subject::subject;
pub use text_index::{fill as fill_text_index, is_behind as text_index_is_behind};
pub(crate) use whole::among;
pub use whole::{Whole, WholePage, get_whole, list_whole};
