//! How this API spells values: instants, digests, kinds of keys.

use std::fmt;

use jiff::civil;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::Time;

/// Unix milliseconds; on the wire `2026-03-01T08:30:00Z`. Without an offset it is UTC; a day alone begins in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub i64);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Time(self.0))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Moment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time like 2026-03-01T08:30:00Z")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Moment, E> {
                moment(text.trim()).ok_or_else(|| E::invalid_value(de::Unexpected::Other("text"), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

fn moment(text: &str) -> Option<Moment> {
    if let Ok(time) = text.parse::<Time>() {
        return Some(Moment(time.0));
    }
    let civil: civil::DateTime =
        text.parse().ok().or_else(|| Some(text.parse::<civil::Date>().ok()?.to_datetime(civil::Time::midnight())))?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| Moment(zoned.timestamp().as_millisecond()))
}

/// Upper-case hexadecimal.
pub fn upper_hex(bytes: &[u8]) -> String {
    certhold_domain::hex(bytes).to_uppercase()
}

/// Number and name of a key's type.
pub fn key_type(algorithm: &str) -> (i64, &'static str) {
    match algorithm {
        "RSA" | "RSASSA-PSS" | "RSAES-OAEP" => (1, "RSA"),
        "DSA" => (2, "DSA"),
        "EC" => (3, "ECC"),
        "DH" => (4, "DH"),
        _ => (0, "Unknown"),
    }
}

/// Number of a kind of alternative name: the tags of GeneralName, and 100 for user principal names.
pub fn alternative_name_type(kind: certhold_pki::AltNameKind) -> i64 {
    use certhold_pki::AltNameKind as Kind;
    match kind {
        Kind::Other => 0,
        Kind::Email => 1,
        Kind::Dns => 2,
        Kind::DirName => 4,
        Kind::Uri => 6,
        Kind::Ip => 7,
        Kind::Rid => 8,
        Kind::Upn => 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_an_offset() {
        let read = |text: &str| serde_json::from_value::<Moment>(serde_json::json!(text)).map(|moment| moment.0);
        for text in [
            "2026-03-01T08:30:00Z",
            "2026-03-01T08:30:00",
            "2026-03-01 08:30:00",
            "2026-03-01T08:30:00.000",
            "2026-03-01T09:30:00+01:00",
            " 2026-03-01T08:30Z",
        ] {
            assert_eq!(read(text).unwrap(), 1_772_353_800_000, "{text}");
        }
        assert_eq!(read("2026-03-01").unwrap(), 1_772_323_200_000);
        assert_eq!(serde_json::to_string(&Moment(1_772_353_800_000)).unwrap(), "\"2026-03-01T08:30:00Z\"");
        for wrong in ["", "tomorrow", "2026-02-30", "2026-03-01T25:00:00Z", "1772353800"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
