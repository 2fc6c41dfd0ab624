//! When an inventory is taken. Pure; all times are UTC.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::error::Refusal;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// An interval is at most a month: what runs more seldom has a day.
const MINUTES_MAX: i64 = 31 * 24 * 60;
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When something runs. Written as `off`, `now`, `every 30m`, `every 2h`, `daily 03:15`, `weekly mon,thu 03:15`, `monthly 15 03:15`
/// or `once 2026-12-01T03:00:00Z`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Schedule {
    /// Never by itself.
    #[default]
    Off,
    /// Once, now; afterwards it is off.
    Immediate,
    /// Every so many minutes.
    Interval {
        /// From 1 to a month.
        minutes: i64,
    },
    /// Every day at a minute of the day.
    Daily {
        /// Minutes after midnight.
        minute: i64,
    },
    /// On some days of the week.
    Weekly {
        /// Sunday is the first.
        days: [bool; 7],
        /// Minutes after midnight.
        minute: i64,
    },
    /// On a day of the month; on its last where a month is shorter.
    Monthly {
        /// 1 to 31.
        day: i8,
        /// Minutes after midnight.
        minute: i64,
    },
    /// Once; afterwards it is off.
    Once {
        /// Unix milliseconds.
        at: i64,
    },
}

impl Schedule {
    /// Reads the notation.
    pub fn parse(text: &str) -> Result<Schedule, Refusal> {
        let text = text.trim().to_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        let read = match words.as_slice() {
            [] | ["off"] => Some(Schedule::Off),
            ["now"] => Some(Schedule::Immediate),
            ["every", length] => interval(length).map(|minutes| Schedule::Interval { minutes }),
            ["daily", time] => minute(time).map(|minute| Schedule::Daily { minute }),
            ["weekly", days, time] => week(days).zip(minute(time)).map(|(days, minute)| Schedule::Weekly { days, minute }),
            ["monthly", day, time] => {
                let day = day.parse().ok().filter(|day| (1..=31).contains(day));
                day.zip(minute(time)).map(|(day, minute)| Schedule::Monthly { day, minute })
            }
            ["once", at] => {
                let at = at.to_uppercase().parse::<Timestamp>().ok();
                at.map(|at| Schedule::Once { at: at.as_millisecond() })
            }
            _ => None,
        };
        read.ok_or_else(|| {
            let shown: String = text.chars().take(60).collect();
            let message = format!(
                "{shown:?} is not a schedule: write off, now, every 30m, every 2h, daily 03:15, weekly mon,thu 03:15, monthly 15 03:15 \
                 or once 2026-12-01T03:00:00Z (all UTC)"
            );
            Refusal::invalid("schedule", message)
        })
    }

    /// What was stored.
    pub(crate) fn stored(text: &str) -> Schedule {
        Schedule::parse(text).unwrap_or_default()
    }

    /// The first time after `after` at which it runs; `Once` runs as soon as it can when its time is over.
    pub fn next(&self, after: i64) -> Option<i64> {
        match self {
            Schedule::Off => None,
            Schedule::Immediate => Some(after),
            Schedule::Interval { minutes } => Some(after.saturating_add(minutes * MINUTE_MS)),
            Schedule::Daily { minute } => Some(first_after(after, 0..=1, *minute, |_| true)),
            Schedule::Weekly { days, minute } => {
                // The first of 1970 was a Thursday.
                let wanted = |day: i64| days[usize::try_from((day + 4).rem_euclid(7)).unwrap_or(0)];
                Some(first_after(after, 0..=7, *minute, wanted))
            }
            Schedule::Monthly { day, minute } => monthly(after, *day, *minute),
            Schedule::Once { at } => Some(*at),
        }
    }

    /// What it is after it has run.
    pub fn after_run(&self) -> Schedule {
        match self {
            Schedule::Immediate | Schedule::Once { .. } => Schedule::Off,
            other => other.clone(),
        }
    }
}

/// The first instant after `after` that is `minute` of a wanted day; the days are counted from that of `after`.
fn first_after(after: i64, days: std::ops::RangeInclusive<i64>, minute: i64, wanted: impl Fn(i64) -> bool) -> i64 {
    let today = after.div_euclid(DAY_MS);
    let at = |day: i64| day.saturating_mul(DAY_MS).saturating_add(minute * MINUTE_MS);
    let mut candidates = days.map(|ahead| today.saturating_add(ahead)).filter(|day| wanted(*day) && at(*day) > after);
    candidates.next().map_or(i64::MAX, at)
}

fn monthly(after: i64, day: i8, minute: i64) -> Option<i64> {
    let today = Timestamp::from_millisecond(after).ok()?.to_zoned(TimeZone::UTC).date();
    let mut month = today.first_of_month();
    for _ in 0..3 {
        let on = Date::new(month.year(), month.month(), day.min(month.days_in_month())).ok()?;
        let midnight = on.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
        let at = midnight + minute * MINUTE_MS;
        if at > after {
            return Some(at);
        }
        month = month.checked_add(1.month()).ok()?;
    }
    None
}

fn interval(text: &str) -> Option<i64> {
    let (number, minutes) = match text.split_at_checked(text.len().saturating_sub(1))? {
        (number, "m") => (number, 1),
        (number, "h") => (number, 60),
        (number, "d") => (number, 24 * 60),
        _ => return None,
    };
    let number: i64 = number.parse().ok()?;
    number.checked_mul(minutes).filter(|minutes| (1..=MINUTES_MAX).contains(minutes))
}

fn minute(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, below: i64| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| digits && *number < below)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60).filter(|_| minutes.len() == 2)?)
}

fn week(text: &str) -> Option<[bool; 7]> {
    let mut days = [false; 7];
    for name in text.split(',') {
        let place = DAYS.iter().position(|day| name.starts_with(day) && (name.len() == 3 || name.ends_with("day")))?;
        days[place] = true;
    }
    Some(days)
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |minute: &i64| format!("{:02}:{:02}", minute / 60, minute % 60);
        match self {
            Schedule::Off => f.write_str("off"),
            Schedule::Immediate => f.write_str("now"),
            Schedule::Interval { minutes } if minutes % 60 == 0 => write!(f, "every {}h", minutes / 60),
            Schedule::Interval { minutes } => write!(f, "every {minutes}m"),
            Schedule::Daily { minute } => write!(f, "daily {}", time(minute)),
            Schedule::Weekly { days, minute } => {
                let names: Vec<&str> = DAYS.iter().zip(days).filter(|(_, on)| **on).map(|(name, _)| *name).collect();
                write!(f, "weekly {} {}", names.join(","), time(minute))
            }
            Schedule::Monthly { day, minute } => write!(f, "monthly {day} {}", time(minute)),
            Schedule::Once { at } => match Timestamp::from_millisecond(*at) {
                Ok(at) => write!(f, "once {at}"),
                Err(_) => f.write_str("off"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn next(schedule: &str, after: &str) -> String {
        let next = Schedule::parse(schedule).unwrap().next(at(after)).unwrap();
        Timestamp::from_millisecond(next).unwrap().to_string()
    }

    #[test]
    fn times_follow_the_calendar() {
        // 2026-11-26 is a Thursday.
        for (schedule, after, expected) in [
            ("every 30m", "2026-11-26T10:00:00Z", "2026-11-26T10:30:00Z"),
            ("daily 03:15", "2026-11-26T03:14:59Z", "2026-11-26T03:15:00Z"),
            ("daily 03:15", "2026-11-26T03:15:00Z", "2026-11-27T03:15:00Z"),
            ("weekly thu 03:15", "2026-11-26T03:15:00Z", "2026-12-03T03:15:00Z"),
            ("weekly mon,fri 23:59", "2026-11-26T12:00:00Z", "2026-11-27T23:59:00Z"),
            ("weekly sunday 00:00", "2026-11-26T12:00:00Z", "2026-11-29T00:00:00Z"),
            ("monthly 15 06:00", "2026-11-26T12:00:00Z", "2026-12-15T06:00:00Z"),
            ("monthly 31 06:00", "2027-02-01T00:00:00Z", "2027-02-28T06:00:00Z"),
            ("monthly 31 06:00", "2027-02-28T06:00:00Z", "2027-03-31T06:00:00Z"),
            ("monthly 30 00:00", "2028-02-10T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("once 2026-12-01T03:00:00Z", "2026-11-26T12:00:00Z", "2026-12-01T03:00:00Z"),
        ] {
            assert_eq!(next(schedule, after), expected, "{schedule} after {after}");
        }
        assert_eq!(Schedule::Off.next(5), None);
        assert_eq!(Schedule::Immediate.next(5), Some(5));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["off", "now", "every 7m", "every 2h", "daily 00:00", "weekly sun,sat 23:59", "monthly 31 12:30"] {
            assert_eq!(Schedule::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Schedule::parse(" EVERY 90M ").unwrap().to_string(), "every 90m");
        assert_eq!(Schedule::parse("once 2026-12-01T04:00:00+01:00").unwrap().to_string(), "once 2026-12-01T03:00:00Z");
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for bad in [
            "sometimes",
            "every",
            "every 0m",
            "every -5m",
            "every 32d",
            "every 30",
            "every 99999999999999999999h",
            "daily",
            "daily 24:00",
            "daily 3:5",
            "daily 03:60",
            "daily 003:15",
            "weekly 03:15",
            "weekly xyz 03:15",
            "weekly mon, 03:15",
            "monthly 0 03:15",
            "monthly 32 03:15",
            "once",
            "once tomorrow",
            "off off",
        ] {
            assert!(Schedule::parse(bad).is_err(), "{bad}");
        }
    }

    fn any_schedule() -> impl Strategy<Value = Schedule> {
        let minute = 0i64..1_440;
        prop_oneof![
            (1i64..=MINUTES_MAX).prop_map(|minutes| Schedule::Interval { minutes }),
            minute.clone().prop_map(|minute| Schedule::Daily { minute }),
            (proptest::array::uniform7(any::<bool>()), minute.clone())
                .prop_filter("a day", |(days, _)| days.contains(&true))
                .prop_map(|(days, minute)| Schedule::Weekly { days, minute }),
            (1i8..=31, minute).prop_map(|(day, minute)| Schedule::Monthly { day, minute }),
        ]
    }

    proptest! {
        #[test]
        fn the_next_time_is_later_and_within_two_months(schedule in any_schedule(), after in 0i64..4_000_000_000_000) {
            let next = schedule.next(after).unwrap();
            prop_assert!(next > after && next - after <= 62 * DAY_MS);
            prop_assert_eq!(Schedule::parse(&schedule.to_string()).unwrap(), schedule);
        }
    }
}
