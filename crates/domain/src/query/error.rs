//! What is wrong with a query, where, and what could be meant.

use std::fmt;

use crate::error::{Error, Refusal};

/// A query that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// The first character concerned, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
    /// What could be meant or written instead; the likeliest first.
    pub suggestions: Vec<String>,
}

impl QueryError {
    pub(super) fn new(at: usize, message: impl Into<String>) -> QueryError {
        QueryError { column: at + 1, message: message.into(), suggestions: Vec::new() }
    }

    pub(super) fn suggesting<T: Into<String>>(mut self, suggestions: impl IntoIterator<Item = T>) -> QueryError {
        self.suggestions = suggestions.into_iter().map(Into::into).collect();
        self
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.message)?;
        match self.suggestions.as_slice() {
            [] => Ok(()),
            [one] => write!(f, "; did you mean {one}?"),
            [many @ .., last] => write!(f, "; did you mean {} or {last}?", many.join(", ")),
        }
    }
}

impl std::error::Error for QueryError {}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Refusal {
        Refusal::invalid("query", error.to_string())
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Error {
        Refusal::from(error).into()
    }
}
