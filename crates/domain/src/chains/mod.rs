//! Chains: who issued whom among the certificates that are held, and whom somebody trusts.
//!
//! Certificates that may issue are indexed by the digests of their names; so the authorities above a certificate are found
//! without reading any other. What is found is taken apart and verified outside the transaction
//! ([`certhold_pki::graph`], [`certhold_pki::trust`]).

mod above;
mod index;
mod memory;
mod trust;

pub use above::{Above, above, above_in};
pub use index::{backfill, is_behind};
pub(crate) use index::{forget, index};
pub(crate) use trust::sets_with;
pub use trust::{
    Anchor, Judgement, Question, TrustSet, TrustSetCommand, create, get, list, members, question, question_in, remove, set_names,
    update,
};
