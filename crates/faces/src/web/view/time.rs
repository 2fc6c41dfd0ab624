//! Instants as pages show them: UTC, ISO 8601, with the distance from now in words.

use jiff::Timestamp;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// One day in milliseconds.
pub const DAY: i64 = 24 * HOUR;

/// An instant together with the `now` of the request, so that its distance in words is fixed by the server.
///
/// Both are unix milliseconds. A page gives every [`Moment`] the same `now_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    at_ms: i64,
    now_ms: i64,
}

impl Moment {
    /// The instant `at_ms`, seen from `now_ms`.
    #[must_use]
    pub fn new(at_ms: i64, now_ms: i64) -> Self {
        Self { at_ms, now_ms }
    }

    /// `2026-11-22T00:42:07Z`, for `datetime` attributes and copying.
    #[must_use]
    pub fn iso(&self) -> String {
        self.format("%Y-%m-%dT%H:%M:%SZ")
    }

    /// `2026-11-22`.
    #[must_use]
    pub fn date(&self) -> String {
        self.format("%Y-%m-%d")
    }

    /// `2026-11-22 00:42:07 UTC`.
    #[must_use]
    pub fn stamp(&self) -> String {
        self.format("%Y-%m-%d %H:%M:%S UTC")
    }

    /// `in 12 days`, `3 hours ago`, `just now`.
    #[must_use]
    pub fn relative(&self) -> String {
        let distance = self.at_ms.saturating_sub(self.now_ms);
        let length = distance.saturating_abs();
        if length < 45 * SECOND {
            return if distance > 0 { "in moments" } else { "just now" }.to_owned();
        }
        // What was set to be in 90 days a moment ago is not "in 89 days".
        let words = words(if distance >= HOUR { length.saturating_add(5 * SECOND) } else { length });
        if distance > 0 { format!("in {words}") } else { format!("{words} ago") }
    }

    /// Whether the instant lies before now.
    #[must_use]
    pub fn is_past(&self) -> bool {
        self.at_ms < self.now_ms
    }

    /// The instant, unix milliseconds.
    #[must_use]
    pub fn at_ms(&self) -> i64 {
        self.at_ms
    }

    /// The now it is seen from, unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    fn format(&self, format: &str) -> String {
        match Timestamp::from_millisecond(self.at_ms) {
            Ok(timestamp) => timestamp.strftime(format).to_string(),
            // A hostile certificate can carry a year that no calendar prints; the number is still the truth.
            Err(_) => format!("{} ms", self.at_ms),
        }
    }
}

/// A length of time in the one unit that reads best: `90 days`, `2 hours`, `9 years`.
///
/// Days are kept up to four months, because certificate people count in days.
#[must_use]
pub fn words(length_ms: i64) -> String {
    let (count, unit) = match length_ms {
        ..MINUTE => (length_ms / SECOND, "second"),
        MINUTE..HOUR => (length_ms / MINUTE, "minute"),
        HOUR..172_800_000 => (length_ms / HOUR, "hour"),
        172_800_000..10_368_000_000 => (length_ms / DAY, "day"),
        10_368_000_000..63_072_000_000 => (length_ms / (30 * DAY), "month"),
        _ => (length_ms / (365 * DAY), "year"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_305_727_000;

    fn relative(distance: i64) -> String {
        Moment::new(NOW + distance, NOW).relative()
    }

    #[test]
    fn words_fit_the_distance() {
        assert_eq!(relative(0), "just now");
        assert_eq!(relative(-44 * SECOND), "just now");
        assert_eq!(relative(30 * SECOND), "in moments");
        assert_eq!(relative(MINUTE), "in 1 minute");
        assert_eq!(relative(-59 * MINUTE), "59 minutes ago");
        assert_eq!(relative(47 * HOUR), "in 47 hours");
        assert_eq!(relative(2 * DAY), "in 2 days");
        assert_eq!(relative(-119 * DAY), "119 days ago");
        assert_eq!(relative(120 * DAY), "in 4 months");
        assert_eq!(relative(800 * DAY), "in 2 years");
        assert_eq!(relative(90 * DAY - SECOND), "in 90 days");
    }

    #[test]
    fn formats_are_utc_and_iso() {
        let moment = Moment::new(NOW, NOW);
        assert_eq!(moment.iso(), "2026-11-22T00:02:07Z");
        assert_eq!(moment.date(), "2026-11-22");
        assert_eq!(moment.stamp(), "2026-11-22 00:02:07 UTC");
    }

    #[test]
    fn impossible_instants_do_not_panic() {
        assert_eq!(Moment::new(i64::MAX, i64::MIN).date(), "9223372036854775807 ms");
        assert!(Moment::new(i64::MAX, i64::MIN).relative().starts_with("in "));
        assert!(Moment::new(i64::MIN, i64::MAX).relative().ends_with(" ago"));
    }
}
