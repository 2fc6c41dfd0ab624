//! What comes out of a statement.

use std::borrow::Cow;

use crate::error::Error;
use crate::value::Value;
use crate::{postgres, sqlite};

/// One row of a result, valid while the statement stands on it.
pub struct Row<'a>(pub(crate) Cells<'a>);

pub(crate) enum Cells<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// The value in column `index`, counted from 0.
    ///
    /// # Errors
    /// [`Error::Type`] when the column does not exist or holds another kind of value.
    pub fn get<T: FromRow>(&self, index: usize) -> Result<T, Error> {
        let value = self.value(index)?;
        let found = value.kind();
        T::from_value(value).map_err(|expected| self.mismatch(index, found, expected))
    }

    /// The text in column `index`, without a copy.
    ///
    /// # Errors
    /// [`Error::Type`] as for [`Row::get`]; `NULL` is not a text.
    pub fn text(&self, index: usize) -> Result<&str, Error> {
        match self.value(index)? {
            Value::Text(Cow::Borrowed(text)) => Ok(text),
            other => Err(self.mismatch(index, other.kind(), "a text")),
        }
    }

    /// The bytes in column `index`, without a copy.
    ///
    /// # Errors
    /// [`Error::Type`] as for [`Row::get`]; `NULL` is not bytes.
    pub fn blob(&self, index: usize) -> Result<&[u8], Error> {
        match self.value(index)? {
            Value::Blob(Cow::Borrowed(bytes)) => Ok(bytes),
            other => Err(self.mismatch(index, other.kind(), "bytes")),
        }
    }

    /// The cell itself, borrowed from the row.
    ///
    /// # Errors
    /// [`Error::Type`] when the column does not exist or is of a kind that the store does not know.
    pub fn value(&self, index: usize) -> Result<Value<'_>, Error> {
        let cell = match self.0 {
            Cells::Sqlite(row) => sqlite::cell(row, index),
            Cells::Postgres(row) => postgres::cell(row, index),
        };
        cell.map_err(|found| self.mismatch(index, &found, "one of the five kinds of value"))
    }

    fn mismatch(&self, index: usize, found: &str, expected: &str) -> Error {
        let name = match self.0 {
            Cells::Sqlite(row) => row.as_ref().column_name(index).ok().map(str::to_owned),
            Cells::Postgres(row) => row.columns().get(index).map(|column| column.name().to_owned()),
        };
        let name = name.unwrap_or_else(|| "which does not exist".to_owned());
        Error::Type { place: format!("column {index} ({name})"), found: found.to_owned(), expected: expected.to_owned() }
    }
}

/// A type that can be read from a cell. Identifier types may implement it by way of `i64`.
pub trait FromRow: Sized {
    /// The value, or the words for what was expected ("an integer").
    ///
    /// # Errors
    /// What was expected instead.
    fn from_value(value: Value<'_>) -> Result<Self, &'static str>;
}

impl FromRow for i64 {
    fn from_value(value: Value<'_>) -> Result<Self, &'static str> {
        match value {
            Value::Int(number) => Ok(number),
            _ => Err("an integer"),
        }
    }
}

impl FromRow for bool {
    fn from_value(value: Value<'_>) -> Result<Self, &'static str> {
        match value {
            Value::Bool(truth) => Ok(truth),
            // SQLite keeps booleans as integers.
            Value::Int(number @ (0 | 1)) => Ok(number == 1),
            _ => Err("a boolean"),
        }
    }
}

impl FromRow for String {
    fn from_value(value: Value<'_>) -> Result<Self, &'static str> {
        match value {
            Value::Text(text) => Ok(text.into_owned()),
            _ => Err("a text"),
        }
    }
}

impl FromRow for Vec<u8> {
    fn from_value(value: Value<'_>) -> Result<Self, &'static str> {
        match value {
            Value::Blob(bytes) => Ok(bytes.into_owned()),
            _ => Err("bytes"),
        }
    }
}

impl<const N: usize> FromRow for [u8; N] {
    fn from_value(value: Value<'_>) -> Result<Self, &'static str> {
        match value {
            Value::Blob(bytes) => bytes.as_ref().try_into().map_err(|_| "bytes of a fixed length"),
            _ => Err("bytes of a fixed length"),
        }
    }
}

impl<T: FromRow> FromRow for Option<T> {
    fn from_value(value: Value<'_>) -> Result<Self, &'static str> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}
