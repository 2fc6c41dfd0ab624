//! Enrolment as policy: who may have which certificates issued, and by what rules.
//!
//! A **template** is a profile of private authorities: what a certificate is for. A **pattern** belongs to a template and says which
//! roles may use it, from which authority it issues, and what requests are held against. Whoever enrols names a pattern, or a template
//! alone, which means its default pattern; as long as a template has no pattern at all, it is open to everybody with the right to enrol.
//! The rules hold in the transaction that records a certificate, not only in the one that drafted it.

mod before;
mod change;
mod key_request;
mod names;
mod owner;
mod pattern;
mod renewal;
mod rules;
mod template;
mod terms;

pub(crate) use change::naming_role;
pub use change::{create, remove, update};
pub use key_request::{RequestDraft, RequestWanted, draft_request, keep_request, require_may_request};
pub use names::general_name;
pub(crate) use names::written;
pub(crate) use owner::owner_needed;
pub use owner::{OwnerRule, OwnerTerms};
pub(crate) use pattern::usable_by_name;
pub use pattern::{
    OpenTemplate, Pattern, PatternCommand, by_name, fields, get, get_to_change, list, open_templates, usable, usable_one,
};
pub use renewal::{Renewal, RenewalKind, available_renewal, renewal_request};
pub use rules::{AskedKey, Kind, Kinds, PARTS, PartRule, Rules};
pub use template::{Template, default_pattern, set_template, template, template_by_number, template_to_change, templates};
pub use terms::Under;
pub(crate) use terms::{
    GivenKey, OwnerStays, Request, Terms, authority_for, is_compromised, renews_same, require_reuse, require_unharmed, terms,
};
