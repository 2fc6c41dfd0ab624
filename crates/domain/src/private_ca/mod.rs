//! The built-in private certification authorities: their keys are in custody, what they issue is in the inventory, and what they
//! revoke is on their revocation lists.
//!
//! Issuing walks in three steps, since no key is used inside a transaction: a *draft* is authorised and checked, it is signed outside
//! with the authority's key, and *recording* it authorises again, keeps the certificate and its event, and only then is anything
//! handed out. A crash in between leaves nothing: what was signed and not recorded was never given to anybody.

mod authority;
mod issue;
mod profile;
mod revocation_list;
mod sign;

pub use authority::{
    Authority, AuthorityDraft, Bounds, Issuance, ListState, NewAuthority, SignedAuthority, certificate_of, create, draft, get,
    list, retire,
};
pub(crate) use authority::{authorities_of, issuance_of, issuers_of, require_authority, uses_key};
pub use issue::{
    Enrolled, EnrolmentDraft, EnrolmentRequest, KeySource, SignedEnrolment, draft_enrolment, enrol, for_enrolment,
    issuing_authorities, require_may_enrol,
};
pub(crate) use issue::{Version, as_drafted, draft_version, forget_renewed, only_authority};
pub use profile::Profile;
pub(crate) use revocation_list::revocation_changed;
pub use revocation_list::{ListWork, SignedList, enqueue_due, list_work, published, record_list};
pub use sign::Hands;
pub(crate) use sign::scheme;
