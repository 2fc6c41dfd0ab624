//! Days and instants in queries.

use jiff::Timestamp;
use jiff::civil;

const DAY_MS: i64 = 86_400_000;
/// Days that may be added to today: more than any calendar needs.
const OFFSET_MAX: i64 = 1_000_000;

/// A day in UTC, or an instant, as a span of unix milliseconds once today is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A day: days since 1970-01-01.
    Day(i64),
    /// `%TODAY±n%`: days from today.
    FromToday(i64),
    /// From this millisecond to that one, inclusive: one second when written to the second.
    Instant {
        /// The first.
        from: i64,
        /// The last.
        to: i64,
    },
}

impl When {
    /// Reads a date, an instant (with offset, or in UTC) or `%TODAY%` with days added or taken. `None` when it is none of them.
    pub fn parse(text: &str) -> Option<When> {
        let text = text.trim();
        if text.starts_with('%') {
            return from_today(text);
        }
        if let Ok(date) = text.parse::<civil::Date>()
            && !text.contains([':', 'T', 't'])
        {
            return Some(When::Day(milliseconds(date.at(0, 0, 0, 0))?.div_euclid(DAY_MS)));
        }
        let from = match text.parse::<Timestamp>() {
            Ok(instant) => instant.as_millisecond(),
            // In UTC, with or without its letter.
            Err(_) => milliseconds(text.trim_end_matches(['Z', 'z']).parse().ok()?)?,
        };
        let to = if text.contains(['.', ',']) { from } else { from.saturating_add(999) };
        Some(When::Instant { from, to })
    }

    /// The first and the last millisecond, `now` being unix milliseconds.
    pub fn span(self, now: i64) -> (i64, i64) {
        let day = match self {
            When::Instant { from, to } => return (from, to),
            When::Day(day) => day,
            When::FromToday(days) => now.div_euclid(DAY_MS).saturating_add(days),
        };
        let from = day.saturating_mul(DAY_MS);
        (from, from.saturating_add(DAY_MS - 1))
    }
}

/// Unix milliseconds of a civil time in UTC: of every one, while a [`Timestamp`] ends a day before the year 9999, and so before what
/// RFC 5280 (section 4.1.2.5) has for "no end".
fn milliseconds(at: civil::DateTime) -> Option<i64> {
    let since = at.since((jiff::Unit::Hour, civil::date(1970, 1, 1).at(0, 0, 0, 0))).ok()?;
    let time = jiff::SignedDuration::try_from(since).ok()?;
    i64::try_from(time.as_millis()).ok()
}

/// `%TODAY%`, `%TODAY+30%`, `%TODAY% - 7`.
fn from_today(text: &str) -> Option<When> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase().replace('\u{2013}', "-");
    let rest = plain.strip_prefix("%TODAY")?;
    let offset = match rest.strip_prefix('%') {
        Some(after) => after,
        None => rest.strip_suffix('%')?,
    };
    if offset.is_empty() {
        return Some(When::FromToday(0));
    }
    let digits = offset.strip_prefix(['+', '-']).filter(|digits| digits.chars().all(|c| c.is_ascii_digit()))?;
    let days: i64 = digits.parse().ok().filter(|days| *days <= OFFSET_MAX)?;
    Some(When::FromToday(if offset.starts_with('-') { -days } else { days }))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Seconds by `date -u -d … +%s`.
    #[test]
    fn days_and_instants() {
        let second = |from: i64| Some(When::Instant { from, to: from + 999 });
        for (text, expected) in [
            ("2026-03-01", Some(When::Day(20_513))),
            ("1969-12-31", Some(When::Day(-1))),
            ("2026-03-01T08:30:00Z", second(1_772_353_800_000)),
            ("2026-03-01 08:30:00Z", second(1_772_353_800_000)),
            ("2026-03-01T08:30:00", second(1_772_353_800_000)),
            ("2026-03-01T09:30:00+01:00", second(1_772_353_800_000)),
            ("2026-03-01T08:30:00.250Z", Some(When::Instant { from: 1_772_353_800_250, to: 1_772_353_800_250 })),
            // What RFC 5280 has for "no end".
            ("9999-12-31", Some(When::Day(2_932_896))),
            ("9999-12-31T23:59:59Z", second(253_402_300_799_000)),
            ("9999-12-31 23:59:59", second(253_402_300_799_000)),
            ("2026-02-30", None),
            ("03/01/2026", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(When::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn today_and_days_from_it() {
        for (text, days) in [
            ("%TODAY%", Some(0)),
            ("%today%", Some(0)),
            ("%TODAY+30%", Some(30)),
            ("%TODAY-7%", Some(-7)),
            ("%TODAY% + 30", Some(30)),
            ("%TODAY%-7", Some(-7)),
            ("%TODAY%\u{2013}7", Some(-7)),
            ("%TODAY", None),
            ("%TODAY%%", None),
            ("%TODAY+%", None),
            ("%TODAY+1x%", None),
            ("%TODAY+99999999999%", None),
            ("%TOMORROW%", None),
        ] {
            assert_eq!(When::parse(text), days.map(When::FromToday), "{text}");
        }
    }

    #[test]
    fn spans_are_whole_days_in_utc() {
        // 2026-03-01T23:59:59.999Z
        let now = 1_772_409_599_999;
        assert_eq!(When::FromToday(0).span(now), (1_772_323_200_000, 1_772_409_599_999));
        assert_eq!(When::FromToday(1).span(now), (1_772_409_600_000, 1_772_495_999_999));
        assert_eq!(When::Day(-1).span(now), (-86_400_000, -1));
    }
}
