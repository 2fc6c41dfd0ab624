//! UTCTime and GeneralizedTime as unix milliseconds (RFC 5280 section 4.1.2.5).

use crate::asn1::{Element, put_header, tag};

/// A time and whether it was written in a form that RFC 5280 allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) unix_ms: i64,
    pub(crate) strict: bool,
}

/// Reads a time: the two forms of RFC 5280, and also those that X.680 allows and software has written, without
/// seconds, with a fraction, with an offset from UTC. `None` when it is no time at all.
pub(crate) fn read(element: &Element<'_>) -> Option<Time> {
    let text = element.content;
    let (year, rest) = match element.tag {
        tag::UTC_TIME => {
            let short = i64::from(two(text)?);
            (if short < 50 { 2000 + short } else { 1900 + short }, &text[2..])
        }
        tag::GENERALIZED_TIME => (i64::from(two(text)?) * 100 + i64::from(two(text.get(2..)?)?), &text[4..]),
        _ => return None,
    };
    let (month, day, hour, minute) = (two(rest)?, two(rest.get(2..)?)?, two(rest.get(4..)?)?, two(rest.get(6..)?)?);
    let mut tail = rest.get(8..)?;
    let second = two(tail);
    if second.is_some() {
        tail = &tail[2..];
    }
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 24 || minute > 59 || second > Some(60) {
        return None;
    }
    let strict = second.is_some() && tail == b"Z";
    let (fraction_ms, offset_minutes) = if strict { (0, 0) } else { fraction_and_zone(tail)? };
    let days = days_from_civil(year, i64::from(month), i64::from(day));
    let minutes = days * 1440 + i64::from(hour) * 60 + i64::from(minute) - offset_minutes;
    let unix_ms = (minutes * 60 + i64::from(second.unwrap_or(0))) * 1000 + fraction_ms;
    let calendar = i64::from(day) <= days_in_month(year, month) && hour < 24 && second < Some(60);
    Some(Time { unix_ms, strict: strict && calendar })
}

/// Two decimal digits at the start of `text`.
fn two(text: &[u8]) -> Option<u8> {
    match text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] => Some((tens - b'0') * 10 + (ones - b'0')),
        _ => None,
    }
}

/// Milliseconds of a fraction of a second, and minutes east of UTC. A missing zone is read as UTC.
fn fraction_and_zone(tail: &[u8]) -> Option<(i64, i64)> {
    let (fraction, zone) = match tail {
        [b'.' | b',', digits @ ..] => {
            let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let ms = (0..3).fold(0, |ms, i| ms * 10 + if i < count { i64::from(digits[i] - b'0') } else { 0 });
            (ms, &digits[count..])
        }
        zone => (0, zone),
    };
    let offset = match zone {
        [] | [b'Z'] => 0,
        [sign @ (b'+' | b'-'), hhmm @ ..] if hhmm.len() == 4 => {
            let minutes = i64::from(two(hhmm)?) * 60 + i64::from(two(&hhmm[2..])?);
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    Some((fraction, offset))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
/// algorithms").
pub(crate) const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a day counted from 1970-01-01.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
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

fn days_in_month(year: i64, month: u8) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 section 4.1.2.5).
pub(crate) fn put(out: &mut Vec<u8>, unix_ms: i64) {
    let seconds = unix_ms.div_euclid(1000);
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let two = |number: i64| [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
    if (1950..2050).contains(&year) {
        put_header(out, tag::UTC_TIME, 13);
    } else {
        put_header(out, tag::GENERALIZED_TIME, 15);
        out.extend_from_slice(&two(year / 100));
    }
    for number in [year % 100, month, day, second / 3600, second / 60 % 60, second % 60] {
        out.extend_from_slice(&two(number));
    }
    out.push(b'Z');
}

/// `2027-01-31 23:59:59 UTC`, for sentences.
pub(crate) fn show(unix_ms: i64) -> String {
    let (days, ms) = (unix_ms.div_euclid(86_400_000), unix_ms.rem_euclid(86_400_000));
    let (year, month, day) = civil_from_days(days);
    let seconds = ms / 1000;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<Time> {
        read(&Element { tag: tag::UTC_TIME, content: text.as_bytes(), whole: &[] })
    }

    fn generalized(text: &str) -> Option<Time> {
        read(&Element { tag: tag::GENERALIZED_TIME, content: text.as_bytes(), whole: &[] })
    }

    fn strict(seconds: i64) -> Option<Time> {
        Some(Time { unix_ms: seconds * 1000, strict: true })
    }

    fn odd(ms: i64) -> Option<Time> {
        Some(Time { unix_ms: ms, strict: false })
    }

    // Expected numbers: date -u -d … +%s
    #[test]
    fn the_forms_of_rfc_5280() {
        assert_eq!(utc("700101000000Z"), strict(0));
        assert_eq!(utc("491231235959Z"), strict(2_524_607_999));
        assert_eq!(utc("500101000000Z"), strict(-631_152_000));
        assert_eq!(utc("240229120000Z"), strict(1_709_208_000));
        assert_eq!(generalized("99991231235959Z"), strict(253_402_300_799));
        assert_eq!(generalized("00010101000000Z"), strict(-62_135_596_800));
    }

    #[test]
    fn other_forms_are_read_and_marked() {
        assert_eq!(utc("7001010000Z"), odd(0));
        assert_eq!(utc("700101013000+0130"), odd(0));
        assert_eq!(utc("691231230000-0100"), odd(0));
        assert_eq!(generalized("19700101000000.25Z"), odd(250));
        assert_eq!(generalized("19700101000000"), odd(0));
        assert_eq!(utc("230229000000Z"), odd(1_677_628_800_000), "rolls over to 1 March");
        assert_eq!(utc("161231235960Z"), odd(1_483_228_800_000), "leap second");
    }

    #[test]
    fn no_time() {
        for text in
            ["", "7", "701301000000Z", "700100000000Z", "7001010060Z", "7001010000ZZ", "Z", "70010100000", "ab0101000000Z"]
        {
            assert_eq!(utc(text), None, "{text}");
        }
        assert_eq!(generalized("700101000000Z"), None, "month 01 day 01 hour 00, but the year is 7001 and a digit is missing");
        assert_eq!(read(&Element { tag: tag::INTEGER, content: b"700101000000Z", whole: &[] }), None);
    }

    #[test]
    fn civil_days_are_inverse_of_each_other() {
        for days in (-800_000..3_000_000).step_by(97) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
            assert!(day <= days_in_month(year, month as u8));
        }
        assert_eq!(show(1_709_208_000_000), "2024-02-29 12:00:00 UTC");
    }
}
