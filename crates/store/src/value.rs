//! What goes into a statement.

use std::borrow::Cow;
use std::fmt;

/// One parameter of a statement, or one cell of a row. Both engines know exactly these five kinds.
#[derive(Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// SQL `NULL`, fit for a column of any type.
    Null,
    /// A `BOOLEAN`.
    Bool(bool),
    /// A `BIGINT`.
    Int(i64),
    /// A `TEXT`. It must not hold a NUL character, which PostgreSQL cannot store.
    Text(Cow<'a, str>),
    /// A `BYTEA`.
    Blob(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The same value, borrowing its text or bytes.
    pub fn borrowed(&self) -> Value<'_> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(*value),
            Value::Int(value) => Value::Int(*value),
            Value::Text(text) => Value::Text(Cow::Borrowed(text)),
            Value::Blob(bytes) => Value::Blob(Cow::Borrowed(bytes)),
        }
    }

    /// The same value, with text or bytes of its own.
    pub(crate) fn owned(&self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(*value),
            Value::Int(value) => Value::Int(*value),
            Value::Text(text) => Value::Text(Cow::Owned(text.to_string())),
            Value::Blob(bytes) => Value::Blob(Cow::Owned(bytes.to_vec())),
        }
    }

    /// The kind of value, for messages: values themselves may be secret and are never printed.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "NULL",
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "an integer",
            Value::Text(_) => "a text",
            Value::Blob(_) => "bytes",
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<&bool> for Value<'_> {
    fn from(value: &bool) -> Self {
        Value::Bool(*value)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<&i64> for Value<'_> {
    fn from(value: &i64) -> Self {
        Value::Int(*value)
    }
}

impl From<i32> for Value<'_> {
    fn from(value: i32) -> Self {
        Value::Int(value.into())
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Value::Int(value.into())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Value::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Value::Text(Cow::Owned(value))
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(value: Cow<'a, str>) -> Self {
        Value::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Value::Blob(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Value::Blob(Cow::Borrowed(value))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(value: Vec<u8>) -> Self {
        Value::Blob(Cow::Owned(value))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Value::Blob(Cow::Borrowed(value))
    }
}

impl<const N: usize> From<[u8; N]> for Value<'_> {
    fn from(value: [u8; N]) -> Self {
        Value::Blob(Cow::Owned(value.to_vec()))
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

macro_rules! from_optional_reference {
    ($($held:ty),+) => {$(
        // A blanket implementation would make the compiler look for ever deeper options.
        impl<'a> From<&'a Option<$held>> for Value<'a> {
            fn from(value: &'a Option<$held>) -> Self {
                value.as_ref().map_or(Value::Null, Value::from)
            }
        }
    )+};
}

from_optional_reference!(bool, i64, String, Vec<u8>);

/// The parameters of a statement: `params![id, &name, None::<i64>]` is `&[Value::from(id), …]`.
#[macro_export]
macro_rules! params {
    () => { &[] as &[$crate::Value<'_>] };
    ($($value:expr),+ $(,)?) => { &[$($crate::Value::from($value)),+] as &[$crate::Value<'_>] };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_converts_and_options_become_null() {
        let name = String::from("a");
        let bytes = vec![1_u8, 2];
        let nothing: Option<String> = None;
        let given = params![1, 2_i64, true, "x", &name, &bytes, [7_u8; 2], Some(3_i64), None::<&str>, &nothing, &Some(4_i64)];
        let expected = [
            Value::Int(1),
            Value::Int(2),
            Value::Bool(true),
            Value::Text("x".into()),
            Value::Text("a".into()),
            Value::Blob(Cow::Borrowed(&[1, 2])),
            Value::Blob(Cow::Borrowed(&[7, 7])),
            Value::Int(3),
            Value::Null,
            Value::Null,
            Value::Int(4),
        ];
        assert_eq!(given, expected);
        assert!(params![].is_empty());
    }

    #[test]
    fn printing_a_value_shows_no_content() {
        assert_eq!(format!("{:?}", params!["hunter2", b"key".as_slice()]), "[a text, bytes]");
    }
}
