//! Durations as people write them: `90s`, `10m`, `12h`, `30d`, `2w`.

use std::time::Duration;

const UNITS: [(char, u64); 5] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 7 * 86_400)];

/// Reads a whole number with a unit.
///
/// # Errors
/// A sentence that says how durations are written.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration: write a number and a unit, such as 90s, 10m, 12h, 30d or 2w");
    let unit = text.trim().chars().next_back().ok_or_else(wrong)?;
    let (_, seconds) = UNITS.iter().find(|(known, _)| *known == unit).ok_or_else(wrong)?;
    let digits = text.trim().strip_suffix(unit).unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    // A thousand years: more than any certificate lasts, and far from overflow in milliseconds.
    let seconds = number.checked_mul(*seconds).filter(|seconds| *seconds <= 1_000 * 366 * 86_400).ok_or_else(wrong)?;
    Ok(Duration::from_secs(seconds))
}

/// The same in milliseconds, as the domain counts.
pub fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_read() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("12h", 43_200), ("30d", 2_592_000), (" 2w ", 1_209_600), ("0s", 0)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_an_example() {
        for text in
            ["", "d", "30", "-1d", "1.5h", "30D", "1d2h", "mm", "5mm", "99999999999999999999d", "9999999999w", "\u{0663}d"]
        {
            assert!(parse(text).unwrap_err().contains("such as 90s"), "{text:?}");
        }
    }
}
