//! The query language: text in, a typed question out.
//!
//! The grammar is Keyfactor's (`IssuedCN -contains "shop" AND (KeySize -lt 2048 OR Owner -eq NULL)`), tolerant in how it is written
//! and strict in what it means. It serves search, collections, policies, every face and the command line.
//!
//! Three steps, each with a type of its own:
//!
//! 1. [`Query::parse`] reads text against a [`Catalogue`] and gives a tree of [`Compare`]: every field known, every operator one
//!    that the field has, every value of the field's type. Dates and people may still be symbolic (`%TODAY+30%`, `%ME%`).
//! 2. [`Query::resolve`] puts in the clock and the caller and gives a [`Condition`]: a tree of [`Predicate`] with few kinds of
//!    [`Test`]. Sugar is gone: `CertState`, `KeyType` and fields without data have become tests of other fields or constants.
//! 3. A condition is compiled to SQL for lists, or evaluated in memory on one [`Subject`] ([`evaluate()`]). Both mean the same.
//!
//! What comparing means, for both:
//!
//! * Logic has two values. A positive test is false on a field that is not set; `-ne`, `-notcontains` are exactly the negations of
//!   `-eq`, `-contains`, so they are true on a field that is not set.
//! * Of a field with several values, `-eq`, `-contains`, `-startswith`, `-endswith`, `-in`, `-like` ask whether *any* value fits;
//!   `-ne`, `-notcontains` whether none does.
//! * Text is compared without regard to case, folded by [`fold()`]; a text that is empty counts as not set.
//! * Days are days in UTC. A date stands for the whole day, an instant written to the second for that second.

mod ask;
mod ast;
mod catalogue;
mod complete;
mod error;
mod evaluate;
mod field;
mod fields;
mod pattern;
mod resolve;
mod rows;
mod scan;
mod suggest;
mod syntax;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod typing;
mod usage;
mod when;

pub use ask::{catalogue, check, completions};
pub use ast::{Compare, Condition, Expr, Op, Operand, Predicate, Scalar, Test};
pub use catalogue::{Catalogue, Entry, MetadataEntry, is_built_in};
pub use complete::{Completion, CompletionKind, Completions, complete};
pub use error::QueryError;
pub use evaluate::{Subject, evaluate};
pub(crate) use evaluate::{tells_apart, text_fits};
pub use field::{Choice, Field, FieldId, Kind};
pub use fields::FIELDS;
pub use pattern::{Pattern, Piece};
pub use rows::RowQuery;
pub use scan::quote;
pub use usage::{extended_key_usage_spellings, extended_key_usages_called, key_usage_bits};
pub use when::When;

use std::collections::BTreeSet;

use crate::ids::MetadataFieldId;

/// A question about certificates, as it was sent and as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    text: String,
    parsed: Option<Expr<Compare>>,
}

impl Query {
    /// Reads a query. Empty text is the question that every certificate answers.
    ///
    /// # Errors
    /// [`QueryError`] with the column, what is wrong there and what could be meant.
    pub fn parse(text: &str, catalogue: &Catalogue) -> Result<Query, QueryError> {
        let parsed = syntax::parse(text)?.map(|tree| typing::typed(tree, catalogue)).transpose()?;
        Ok(Query { text: text.to_owned(), parsed })
    }

    /// The text exactly as it was sent.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What was understood; `None` for the empty query.
    pub fn parsed(&self) -> Option<&Expr<Compare>> {
        self.parsed.as_ref()
    }

    /// Whether it asks nothing.
    pub fn is_empty(&self) -> bool {
        self.parsed.is_none()
    }

    /// Whether its answer depends on who asks (`%ME%`): such a query cannot be a permission scope.
    pub fn uses_me(&self) -> bool {
        self.compares().any(|compare| compare.operand.is_about_caller())
    }

    /// The metadata fields it looks at.
    pub fn metadata_fields(&self) -> BTreeSet<MetadataFieldId> {
        let metadata = |compare: &Compare| match compare.field {
            FieldId::Metadata(id) => Some(id),
            _ => None,
        };
        self.compares().filter_map(metadata).collect()
    }

    /// The fields it looks at.
    pub fn fields(&self) -> BTreeSet<FieldId> {
        self.compares().map(|compare| compare.field).collect()
    }

    /// The condition it means at `now` (unix milliseconds) when `me` asks.
    pub fn resolve(&self, now: i64, me: &str) -> Condition {
        self.resolve_folding(now, me, fold)
    }

    /// The same where texts are compared in another form than [`fold`]'s.
    fn resolve_folding(&self, now: i64, me: &str, fold: fn(&str) -> String) -> Condition {
        let context = resolve::Context { now, me, fold };
        self.parsed.as_ref().map_or_else(Expr::always, |parsed| resolve::condition(parsed, &context))
    }

    fn compares(&self) -> impl Iterator<Item = &Compare> {
        self.parsed.iter().flat_map(Expr::leaves)
    }
}

/// Whether a text has one of the language's operators: what tells a query from words to look for.
pub fn looks_like_query(text: &str) -> bool {
    scan::has_operator(text)
}

/// The form in which text is compared: lower case, character by character (so that a part folds as it does inside the whole).
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}
