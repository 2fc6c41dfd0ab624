//! Values in PostgreSQL's binary format.

use std::borrow::Cow;
use std::error::Error as StdError;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::error::Error;
use crate::value::Value;

type Failed = Box<dyn StdError + Sync + Send>;

/// A parameter, sent as the type that the server inferred for its place; [`check`] has found that it fits.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub &'a Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        match (self.0, kind) {
            (Value::Null, _) => return Ok(IsNull::Yes),
            (Value::Bool(truth), &Type::BOOL) => out.extend_from_slice(&[u8::from(*truth)]),
            (Value::Int(number), &Type::INT8) => out.extend_from_slice(&number.to_be_bytes()),
            (Value::Int(number), &Type::INT4) => out.extend_from_slice(&i32::try_from(*number)?.to_be_bytes()),
            (Value::Int(number), &Type::INT2) => out.extend_from_slice(&i16::try_from(*number)?.to_be_bytes()),
            (Value::Text(text), _) => out.extend_from_slice(text.as_bytes()),
            (Value::Blob(bytes), _) => out.extend_from_slice(bytes),
            (value, kind) => return Err(format!("{} does not fit a {kind}", value.kind()).into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Refuses parameters that the statement has no place for.
pub(super) fn check(kinds: &[Type], params: &[Value<'_>], sql: &str) -> Result<(), Error> {
    if kinds.len() != params.len() {
        return Err(Error::Type {
            place: format!("the list of parameters of [{sql}]"),
            found: format!("{} values", params.len()),
            expected: kinds.len().to_string(),
        });
    }
    match params.iter().zip(kinds).position(|(value, kind)| !fits(value, kind)) {
        None => Ok(()),
        Some(position) => Err(Error::Type {
            place: format!("parameter ${} of [{sql}]", position + 1),
            found: params[position].kind().to_owned(),
            expected: format!("a {}", kinds[position]),
        }),
    }
}

fn fits(value: &Value<'_>, kind: &Type) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) => *kind == Type::BOOL,
        Value::Int(number) => match *kind {
            Type::INT8 => true,
            Type::INT4 => i32::try_from(*number).is_ok(),
            Type::INT2 => i16::try_from(*number).is_ok(),
            _ => false,
        },
        Value::Text(_) => matches!(*kind, Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN),
        Value::Blob(_) => *kind == Type::BYTEA,
    }
}

/// A cell as it came.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failed> {
        Ok(Raw(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The cell, or the words for what it is instead.
pub(crate) fn cell(row: &tokio_postgres::Row, index: usize) -> Result<Value<'_>, Cow<'static, str>> {
    let Some(column) = row.columns().get(index) else {
        return Err("nothing".into());
    };
    let Ok(raw) = row.try_get::<_, Option<Raw<'_>>>(index) else {
        return Err("nothing".into());
    };
    let Some(Raw(raw)) = raw else {
        return Ok(Value::Null);
    };
    let odd = || Cow::Owned(format!("a {} of {} bytes", column.type_(), raw.len()));
    let value = match *column.type_() {
        Type::INT8 => raw.try_into().ok().map(|bytes| Value::Int(i64::from_be_bytes(bytes))),
        Type::INT4 => raw.try_into().ok().map(|bytes| Value::Int(i32::from_be_bytes(bytes).into())),
        Type::INT2 => raw.try_into().ok().map(|bytes| Value::Int(i16::from_be_bytes(bytes).into())),
        Type::NUMERIC => whole(raw).map(Value::Int),
        Type::BOOL => raw.first().map(|byte| Value::Bool(*byte != 0)),
        Type::BYTEA => Some(Value::Blob(raw.into())),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
            std::str::from_utf8(raw).ok().map(|text| Value::Text(text.into()))
        }
        Type::VOID => Some(Value::Null),
        _ => None,
    };
    value.ok_or_else(odd)
}

/// A `NUMERIC` that is a whole number, as `sum` of a `BIGINT` column gives: digits to the base 10,000, the first one
/// weighing `10000^weight`.
fn whole(raw: &[u8]) -> Option<i64> {
    let mut words = raw.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]]));
    let (digits, weight, sign, _scale) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let mut number: i64 = 0;
    for position in 0..=weight.max(-1) {
        let digit = if position < digits { words.next()? } else { 0 };
        let digit = i64::from(digit);
        number = number.checked_mul(10_000)?.checked_add(if sign == 0x4000 { -digit } else { digit })?;
    }
    let fraction = words.any(|digit| digit != 0);
    (!fraction && (sign == 0 || sign == 0x4000)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(digits: &[i16], weight: i16, sign: i16) -> Vec<u8> {
        let head = [i16::try_from(digits.len()).unwrap(), weight, sign, 0];
        head.iter().chain(digits).flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn whole_numerics_are_integers_and_others_are_not() {
        assert_eq!(whole(&numeric(&[], 0, 0)), Some(0));
        assert_eq!(whole(&numeric(&[7], 0, 0)), Some(7));
        assert_eq!(whole(&numeric(&[1, 2345], 1, 0)), Some(12_345));
        assert_eq!(whole(&numeric(&[3], 2, 0)), Some(300_000_000));
        assert_eq!(whole(&numeric(&[922, 3372, 368, 5477, 5808], 4, 0x4000)), Some(i64::MIN));
        assert_eq!(whole(&numeric(&[922, 3372, 368, 5477, 5808], 4, 0)), None, "one too many");
        assert_eq!(whole(&numeric(&[1, 5000], 0, 0)), None, "1.5");
        assert_eq!(whole(&numeric(&[5000], -1, 0)), None, "0.5");
        assert_eq!(whole(&numeric(&[], 0, -0x4000)), None, "NaN");
        assert_eq!(whole(&[0, 1]), None);
    }
}
