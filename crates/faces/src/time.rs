//! Instants on the wire: RFC 3339 in UTC, as exact as they are kept.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::{Timestamp, civil};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Unix milliseconds; on the wire `2027-01-31T23:59:59Z`, with milliseconds where there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub i64);

impl From<i64> for Time {
    fn from(unix_ms: i64) -> Time {
        Time(unix_ms)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

const DAY_MS: i64 = 86_400_000;
/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: what can be written (RFC 3339 §1).
const FIRST_MS: i64 = -62_167_219_200_000;
const LAST_MS: i64 = 253_402_300_799_999;

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Certificates may name times outside of every calendar; the nearest that can be written stands for them.
        let bounded = self.0.clamp(FIRST_MS, LAST_MS);
        let (days, ms) = (bounded.div_euclid(DAY_MS), bounded.rem_euclid(DAY_MS));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match ms % 1000 {
            0 => f.write_str("Z"),
            ms => write!(f, ".{ms:03}Z"),
        }
    }
}

/// The day so many days after 1970-01-01, in the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level
/// date algorithms"). jiff's instants end a day before RFC 5280's "no well-defined expiration date", 99991231235959Z.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

impl FromStr for Time {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Time, &'static str> {
        let wrong = "a time is written like 2027-01-31T23:59:59Z";
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Time(time.as_millisecond()));
        }
        // The last two days of 9999, which are beyond jiff's instants but not beyond its calendar.
        let civil: civil::DateTime = text.strip_suffix(['Z', 'z']).ok_or(wrong)?.parse().map_err(|_| wrong)?;
        let since = civil.duration_since(civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
        i64::try_from(since.as_millis()).map(Time).map_err(|_| wrong)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("An instant (RFC 3339). Answers are in UTC; milliseconds are written where there are any."))
            .examples([serde_json::json!("2027-01-31T23:59:59Z")]);
        object.into()
    }
}

impl ToSchema for Time {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_survive() {
        for (ms, text) in [
            (0, "\"1970-01-01T00:00:00Z\""),
            (1_709_208_000_000, "\"2024-02-29T12:00:00Z\""),
            (1_709_208_000_007, "\"2024-02-29T12:00:00.007Z\""),
            (-1, "\"1969-12-31T23:59:59.999Z\""),
            (253_402_300_799_000, "\"9999-12-31T23:59:59Z\""),
            (-62_135_596_800_000, "\"0001-01-01T00:00:00Z\""),
        ] {
            assert_eq!(serde_json::to_string(&Time(ms)).unwrap(), text);
            assert_eq!(serde_json::from_str::<Time>(text).unwrap(), Time(ms));
        }
        assert_eq!(serde_json::from_str::<Time>("\"2024-02-29T13:00:00+01:00\"").unwrap(), Time(1_709_208_000_000));
    }

    #[test]
    fn no_time_is_refused_and_an_impossible_one_is_bounded() {
        for wrong in ["\"\"", "\"2024-02-30T00:00:00Z\"", "\"2024-02-29\"", "17", "null"] {
            assert!(serde_json::from_str::<Time>(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Time(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Time(i64::MIN).to_string(), "0000-01-01T00:00:00Z");
    }
}
