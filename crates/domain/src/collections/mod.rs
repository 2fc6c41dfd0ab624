//! Collections: saved queries that double as permission scopes.
//!
//! A certificate is in a collection exactly when the collection's query matches it; nothing is materialised. A right on a collection
//! is a path with the collection's number at its end (`/certificates/collections/read/12/`), and holds for the certificates that are
//! inside when it is used. So whoever changes the query changes what others may do: see [`update`].

mod change;
mod grants;
mod list;
mod looks;
mod scope;

pub use change::{CollectionCommand, copy, create, remove, set_favourite, update};
pub use grants::{Grant, grants};
pub(crate) use list::duplicates_of;
pub use list::{Collection, Duplicates, by_name, get, list, of_author};
pub(crate) use looks::{Moved, fields_changed, guarded_fields, looking_at, require_may_move, require_may_redefine, with_field};
pub use scope::{Scope, condition, containing, exists, names, require, require_metadata_change, scopes_using};
pub(crate) use scope::{among, holding, holds, inside, level, name, require_at_all};
