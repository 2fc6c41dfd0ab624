//! JSON as the clients of this API send it: names of members in any letter case, members that nobody knows, numbers as text.

use serde::de::value::StringDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

/// A value to be read loosely.
struct Loose(Value);

/// What is wrong, without the text that was sent, which may be a secret in the wrong place.
#[derive(Debug)]
pub struct Wrong(String);

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: std::fmt::Display>(message: T) -> Wrong {
        Wrong(message.to_string())
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Wrong {
        let found = match unexpected {
            de::Unexpected::Str(_) | de::Unexpected::Char(_) => "text",
            de::Unexpected::Bool(_) => "a boolean",
            de::Unexpected::Unit => "null",
            de::Unexpected::Seq => "a list",
            de::Unexpected::Map => "an object",
            de::Unexpected::Float(_) => "a broken number",
            _ => "a number",
        };
        let expected = expected.to_string();
        let wanted = match expected.as_str() {
            "i64" | "i32" | "u32" | "u64" => "a whole number",
            "a sequence" => "a list",
            "a string" => "text",
            "a map" => "an object",
            expected if expected.starts_with("struct ") => "an object",
            expected => expected,
        };
        Wrong(format!("{found} stands where {wanted} is expected"))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Wrong {
        Wrong(format!("the value is not {expected}"))
    }

    fn missing_field(field: &'static str) -> Wrong {
        Wrong(format!("{field} is required"))
    }
}

/// Reads a body.
///
/// # Errors
/// What is wrong, as a sentence that names the member.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Wrong> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        // The position says enough, and the parser's words may repeat what was sent.
        Wrong(format!("the body is not JSON: line {}, column {}", error.line(), error.column()))
    })?;
    read(value)
}

/// Reads a value that is JSON already.
///
/// # Errors
/// As [`parse`].
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Wrong> {
    T::deserialize(Loose(value))
}

macro_rules! numbers {
    ($($method:ident),+ $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            match &self.0 {
                Value::String(text) => match text.trim().parse::<i64>() {
                    Ok(number) => visitor.visit_i64(number),
                    Err(_) => self.deserialize_any(visitor),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )+};
}

impl<'de> de::Deserializer<'de> for Loose {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_i64(number),
                (None, Some(number), _) => visitor.visit_u64(number),
                (None, None, number) => visitor.visit_f64(number.unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter(), 0)),
            Value::Object(members) => visitor.visit_map(Members { rest: members.into_iter(), fields: None, next: None }),
        }
    }

    numbers!(deserialize_i64, deserialize_i32, deserialize_u32, deserialize_u64);

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.0 {
            Value::String(text) if text.eq_ignore_ascii_case("true") => visitor.visit_bool(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => visitor.visit_bool(false),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::Object(members) => {
                let known = known(members, fields);
                visitor.visit_map(Members { rest: known.into_iter(), fields: Some(fields), next: None })
            }
            // Members in an order of their own would be nobody's intention.
            Value::Array(_) => Err(de::Error::invalid_type(de::Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map enum
        identifier ignored_any
    }
}

/// The members that somebody knows, under the names by which they know them; of several the last.
fn known(members: Map<String, Value>, fields: &'static [&'static str]) -> Map<String, Value> {
    let name = |key: &str| fields.iter().find(|field| field.eq_ignore_ascii_case(key)).map(|field| (*field).to_owned());
    members.into_iter().filter_map(|(key, value)| Some((name(&key)?, value))).collect()
}

struct Items(std::vec::IntoIter<Value>, usize);

impl<'de> SeqAccess<'de> for Items {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        self.1 += 1;
        let place = self.1;
        let item = self.0.next().map(|item| seed.deserialize(Loose(item)));
        item.transpose().map_err(|Wrong(why)| Wrong(format!("item {place}: {why}")))
    }
}

struct Members {
    rest: serde_json::map::IntoIter,
    fields: Option<&'static [&'static str]>,
    next: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Members {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        self.next = self.rest.next();
        let Some((key, _)) = &self.next else { return Ok(None) };
        let key: StringDeserializer<Wrong> = key.clone().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let (key, value) = self.next.take().ok_or_else(|| Wrong("a value without a name".into()))?;
        seed.deserialize(Loose(value)).map_err(|Wrong(why)| match self.fields {
            Some(_) => Wrong(format!("{key}: {why}")),
            // The keys of a free object are the sender's own words.
            None => Wrong(why),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "PascalCase")]
    struct Inner {
        claim_value: String,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "PascalCase")]
    struct Shape {
        new_role_id: Option<i64>,
        #[serde(default)]
        favorite: bool,
        claims: Option<Vec<Inner>>,
        metadata: Option<BTreeMap<String, Option<String>>>,
    }

    #[test]
    fn names_are_known_in_any_case_and_unknown_ones_left_out() {
        let read: Shape = parse(
            br#"{"newroleID": "31", "FAVORITE": "True", "extra": {"deep": []}, "claims": [{"claimvalue": "x", "Id": 7}],
                "Metadata": {"CostCentre": "8841", "tier": null}}"#,
        )
        .unwrap();
        assert_eq!((read.new_role_id, read.favorite), (Some(31), true));
        assert_eq!(read.claims.unwrap()[0].claim_value, "x");
        let metadata = read.metadata.unwrap();
        assert_eq!(metadata["CostCentre"].as_deref(), Some("8841"), "the keys of a free object stay as they are");
        assert_eq!(metadata["tier"], None);
        assert_eq!(parse::<Shape>(b"{}").unwrap().new_role_id, None);
        assert_eq!(parse::<Shape>(b"\xEF\xBB\xBF{\"NewRoleId\": null}").unwrap().new_role_id, None, "a byte-order mark");
        assert_eq!(parse::<Vec<i64>>(b"[1, \"2\"]").unwrap(), [1, 2]);
        assert_eq!(parse::<String>(b"\"IssuedCN -eq \\\"x\\\"\"").unwrap(), "IssuedCN -eq \"x\"");
    }

    #[test]
    fn what_is_wrong_is_named_and_not_repeated() {
        for (body, said) in [
            (&br#"{"NewRoleId": "hunter2"}"#[..], "NewRoleId: text stands where a whole number is expected"),
            (br#"{"NewRoleId": 1.5}"#, "NewRoleId: a broken number stands where a whole number is expected"),
            (br#"{"Claims": [{"ClaimValue": 5}]}"#, "Claims: item 1: ClaimValue: a number stands where text is expected"),
            (br#"{"Claims": [{}]}"#, "Claims: item 1: ClaimValue is required"),
            (br#"{"Claims": {}}"#, "Claims: an object stands where a list is expected"),
            (b"{", "the body is not JSON: line 1, column 1"),
            (b"[31]", "a list stands where an object is expected"),
            (b"", "the body is not JSON"),
        ] {
            let wrong = parse::<Shape>(body).unwrap_err().to_string();
            assert!(wrong.contains(said) && !wrong.contains("hunter2"), "{wrong}");
        }
        assert!(parse::<Value>("[".repeat(100_000).as_bytes()).is_err());
    }
}
