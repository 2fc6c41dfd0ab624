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
pub use fields::{FieldCommand, by_name, create, entries, get, list, update, usage};
pub use remove::{Removal, remove};
pub(crate) use remove::{erase, forget_field};
pub use set::{Change, Held, SetMetadata, of, of_in, replace, set};
pub(crate) use set::{Decision, Prepared, Verdict, decide, forget, inherit, initial, prepare, put_initial, write};
pub use value::{number_form, sort_form};
