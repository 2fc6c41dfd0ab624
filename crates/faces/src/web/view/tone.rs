//! What a state means to the reader: its tone (colour) and its shape (icon), never colour alone.

use super::time::{DAY, Moment};

/// How much a state asks of the reader. Decides colour; the icon beside it says the same without colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to do, nothing to celebrate.
    #[default]
    Neutral,
    /// In order.
    Good,
    /// Information that is on its way or worth knowing.
    Info,
    /// Somebody should look soon.
    Warn,
    /// Something is broken or lost.
    Bad,
}

impl Tone {
    /// The CSS class that carries the tone.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Neutral => "tone-neutral",
            Self::Good => "tone-good",
            Self::Info => "tone-info",
            Self::Warn => "tone-warn",
            Self::Bad => "tone-bad",
        }
    }

    /// Whether it is [`Tone::Bad`].
    #[must_use]
    pub fn is_bad(self) -> bool {
        self == Self::Bad
    }

    /// The icon that stands for the tone where no better one exists.
    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Neutral => "dash",
            Self::Good => "check",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Bad => "stop",
        }
    }
}

/// A short word about a state, with tone and icon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// One to three words.
    pub label: String,
    /// Colour.
    pub tone: Tone,
    /// Name of a symbol in `templates/web/icons.html`.
    pub icon: &'static str,
}

impl Badge {
    /// A badge whose icon follows from its tone.
    #[must_use]
    pub fn new(label: impl Into<String>, tone: Tone) -> Self {
        Self { label: label.into(), tone, icon: tone.icon() }
    }

    /// The same badge with another icon.
    #[must_use]
    pub fn with_icon(mut self, icon: &'static str) -> Self {
        self.icon = icon;
        self
    }
}

/// Where a certificate stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// `not_before` is still to come.
    NotYetValid,
    /// Valid, with time to spare.
    Valid,
    /// Less than 30 days *and* less than a third of the life is left.
    Soon,
    /// Less than 7 days *and* less than a sixth of the life is left.
    Critical,
    /// `not_after` has passed.
    Expired,
    /// Its issuer does not stand by it any more, whatever is left of its life.
    Revoked,
}

impl Expiry {
    /// The state at `now_ms`; all three in unix milliseconds.
    ///
    /// The thresholds scale with the life, so that a six-day certificate is not alarming from its first hour.
    #[must_use]
    pub fn at(not_before_ms: i64, not_after_ms: i64, now_ms: i64) -> Self {
        if now_ms > not_after_ms {
            return Self::Expired;
        }
        if now_ms < not_before_ms {
            return Self::NotYetValid;
        }
        let life = not_after_ms.saturating_sub(not_before_ms);
        let left = not_after_ms.saturating_sub(now_ms);
        if left < (7 * DAY).min(life / 6) {
            Self::Critical
        } else if left < (30 * DAY).min(life / 3) {
            Self::Soon
        } else {
            Self::Valid
        }
    }

    /// Colour.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::NotYetValid => Tone::Info,
            Self::Valid => Tone::Good,
            Self::Soon => Tone::Warn,
            Self::Critical | Self::Expired | Self::Revoked => Tone::Bad,
        }
    }

    /// Shape; each state has its own.
    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::NotYetValid => "clock",
            Self::Valid => "check",
            Self::Soon => "half",
            Self::Critical => "warn",
            Self::Expired => "stop",
            Self::Revoked => "close",
        }
    }

    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NotYetValid => "Not yet valid",
            Self::Valid => "Valid",
            Self::Soon => "Expires soon",
            Self::Critical => "Expires very soon",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
        }
    }

    /// That a certificate in this state is in service: green only while it may be.
    #[must_use]
    pub fn in_service(self) -> Badge {
        let tone = match self.tone() {
            tone @ (Tone::Bad | Tone::Warn) => tone,
            _ => Tone::Good,
        };
        Badge::new("In service", tone)
    }

    /// The state as a badge.
    #[must_use]
    pub fn badge(self) -> Badge {
        Badge::new(self.label(), self.tone()).with_icon(self.icon())
    }
}

/// A certificate's life on the page: both ends and the state they make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// First valid instant.
    pub not_before: Moment,
    /// Last valid instant.
    pub not_after: Moment,
    /// The state today.
    pub expiry: Expiry,
    /// From when on it is revoked.
    pub revoked: Option<Moment>,
}

impl Validity {
    /// From unix milliseconds.
    #[must_use]
    pub fn new(not_before_ms: i64, not_after_ms: i64, now_ms: i64) -> Self {
        Self {
            not_before: Moment::new(not_before_ms, now_ms),
            not_after: Moment::new(not_after_ms, now_ms),
            expiry: Expiry::at(not_before_ms, not_after_ms, now_ms),
            revoked: None,
        }
    }

    /// The same life, if it is revoked from this instant on: then nothing else counts.
    #[must_use]
    pub fn revoked(mut self, revoked_at_ms: Option<i64>) -> Self {
        if let Some(at) = revoked_at_ms {
            self.revoked = Some(Moment::new(at, self.not_after.now_ms()));
            self.expiry = Expiry::Revoked;
        }
        self
    }

    /// The same life, if nobody renews it: its last week is never in order, however short the whole life is.
    #[must_use]
    pub fn unmanaged(mut self) -> Self {
        let left = self.not_after.at_ms().saturating_sub(self.not_after.now_ms());
        if self.expiry == Expiry::Valid && left < 7 * DAY {
            self.expiry = Expiry::Soon;
        }
        self
    }

    /// How much of the life has passed, 0 to 100.
    #[must_use]
    pub fn elapsed_percent(&self) -> i64 {
        let (from, to) = (i128::from(self.not_before.at_ms()), i128::from(self.not_after.at_ms()));
        let now = i128::from(self.not_before.now_ms());
        if to <= from {
            return if now >= to { 100 } else { 0 };
        }
        i64::try_from((now - from) * 100 / (to - from)).unwrap_or(i64::MAX).clamp(0, 100)
    }

    /// Where another instant lies in the life, 0 to 100.
    #[must_use]
    pub fn percent_at(&self, moment: &Moment) -> i64 {
        let now = Moment::new(self.not_before.at_ms(), moment.at_ms());
        Self { not_before: now, ..*self }.elapsed_percent()
    }

    /// What a screen reader says for the bar.
    #[must_use]
    pub fn spoken(&self) -> String {
        let (life, passed) = (self.life(), self.elapsed_percent());
        format!("{}: {passed} % of {life} have passed, ends {}", self.expiry.label(), self.not_after.relative())
    }

    /// The whole life in words: `90 days`, `398 days`, `10 years`.
    #[must_use]
    pub fn life(&self) -> String {
        // Both ends are part of it (RFC 5280, 4.1.2.5): 90 days are written as 90 days less a second.
        let life = self.not_after.at_ms().saturating_sub(self.not_before.at_ms()).saturating_add(1_000).max(0);
        match life / DAY {
            // Limits on lives are written in days: 47, 90, 198, 398, 825.
            2..1_000 => super::text::plural(life / DAY, "day", "days"),
            _ => super::time::words(life),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_scale_with_the_life() {
        let left = |life: i64, left: i64| Expiry::at(0, life, life - left);
        assert_eq!(left(398 * DAY, 31 * DAY), Expiry::Valid);
        assert_eq!(left(398 * DAY, 29 * DAY), Expiry::Soon);
        assert_eq!(left(398 * DAY, 6 * DAY), Expiry::Critical);
        assert_eq!(left(6 * DAY, 5 * DAY), Expiry::Valid, "a fresh six-day certificate is in order");
        assert_eq!(left(6 * DAY, DAY + 1), Expiry::Soon);
        assert_eq!(left(6 * DAY, DAY - 1), Expiry::Critical);
        assert_eq!(left(47 * DAY, 15 * DAY), Expiry::Soon);
    }

    #[test]
    fn what_is_revoked_is_not_valid() {
        let life = Validity::new(0, 90 * DAY, DAY);
        assert_eq!((life.expiry, life.revoked(None).expiry), (Expiry::Valid, Expiry::Valid));
        for now in [DAY, 91 * DAY] {
            let revoked = Validity::new(0, 90 * DAY, now).revoked(Some(10));
            assert_eq!((revoked.expiry.badge().label.as_str(), revoked.expiry.tone()), ("Revoked", Tone::Bad));
            assert_eq!(revoked.revoked, Some(Moment::new(10, now)));
        }
    }

    #[test]
    fn what_nobody_renews_is_never_green_in_its_last_week() {
        for life in [DAY, 6 * DAY, 47 * DAY, 398 * DAY, 4_000 * DAY] {
            for left in [1, DAY - 1, 5 * DAY, 7 * DAY - 1].into_iter().filter(|left| *left < life) {
                assert_ne!(Validity::new(0, life, life - left).unmanaged().expiry.tone(), Tone::Good, "{left} of {life}");
            }
        }
        assert_eq!(Validity::new(0, 90 * DAY, 0).unmanaged().expiry, Expiry::Valid);
        assert_eq!(Validity::new(DAY, 3 * DAY, 0).unmanaged().expiry, Expiry::NotYetValid);
    }

    #[test]
    fn both_ends_are_inclusive() {
        assert_eq!(Expiry::at(10, 20, 9), Expiry::NotYetValid);
        assert_ne!(Expiry::at(10, 20, 10), Expiry::NotYetValid);
        assert_ne!(Expiry::at(10, 20, 20), Expiry::Expired, "not_after itself is still valid (RFC 5280, 4.1.2.5)");
        assert_eq!(Expiry::at(10, 20, 21), Expiry::Expired);
    }

    #[test]
    fn lives_count_their_last_second() {
        assert_eq!(Validity::new(0, 90 * DAY - 1_000, 0).life(), "90 days");
        assert_eq!(Validity::new(0, 90 * DAY, 0).life(), "90 days");
        assert_eq!(Validity::new(i64::MAX, i64::MIN, 0).life(), "0 seconds");
    }

    #[test]
    fn elapsed_stays_within_the_bar() {
        assert_eq!(Validity::new(0, 100, 25).elapsed_percent(), 25);
        assert_eq!(Validity::new(0, 100, -5).elapsed_percent(), 0);
        assert_eq!(Validity::new(0, 100, 500).elapsed_percent(), 100);
        assert_eq!(Validity::new(50, 50, 50).elapsed_percent(), 100, "an empty life is over");
        assert_eq!(Validity::new(i64::MIN, i64::MAX, 0).elapsed_percent(), 50);
    }
}
