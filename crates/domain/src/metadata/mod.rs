//! What people note about certificates: fields with types, and a value per certificate and field.
//!
//! A field says of what type its values are, and what they must look like. A value is kept as its canonical text, with the
//! forms under which it is compared: folded text, and a number for integers, dates and booleans. An empty value is no value.

mod convert;
mod field;
mod fields;
mod remove;
mod set;
mod value;

pub use convert::{Conversion, Misfit, conversion};
pub use field::{Enrolment, Field, FieldType};
pub(crate) use fields::all as all_fields;
pub use fields::{FieldCommand, by_name, collections_using, create, entries, get, list, update, usage};
pub use remove::{Removal, remove};
pub(crate) use remove::{erase, forget_field};
pub use set::Override;
pub use set::{Change, Held, SetMetadata, foresee, of, of_found, of_in, overwrite_in, replace, set, set_in};
pub(crate) use set::{
    Decision, Prepared, Verdict, check_override, decide, forget, held, inherit, initial, initial_under, of_many, prepare,
    put_initial, require_held, write,
};
pub(crate) use value::{compile, why_no_regex};
pub use value::{number_form, sort_form};
