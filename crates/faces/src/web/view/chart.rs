//! The picture of what expires when: one bar per span of time, split into managed and unmanaged.

use super::text::count;
use super::tone::Tone;

/// The histogram of the home page.
///
/// Bars carry their numbers as text; heights are percentages of the tallest bar *with a place on the common scale*.
/// The two open-ended bars (expired, later) often hold a hundred times more than any week. They are then cut,
/// and a slanted gap says so, instead of flattening every week to nothing.
#[derive(Clone, Debug, Default)]
pub struct ExpiryChart {
    bars: Vec<ExpiryBar>,
    scale: i64,
}

/// One span of time and what expires in it.
#[derive(Clone, Debug)]
pub struct ExpiryBar {
    /// Which span.
    pub span: Span,
    /// Short label under the bar: `Expired`, `7 days`, `Dec 7`, `Later`.
    pub label: String,
    /// The span in full, for tooltips and screen readers: `2026-12-07 to 2026-12-13`.
    pub description: String,
    /// Certificates that Certhold renews by itself.
    pub managed: i64,
    /// Certificates that somebody must replace.
    pub unmanaged: i64,
    /// The inventory, filtered to this bar.
    pub href: String,
}

/// Kinds of spans, from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Everything that has expired already.
    Expired,
    /// The coming seven days.
    NextSevenDays,
    /// A week that begins within the coming 30 days.
    NearWeek,
    /// A later week.
    Week,
    /// Everything after the last week.
    Later,
}

impl Span {
    /// Whether the span has no other end: everything before, or everything after.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Expired | Self::Later)
    }

    /// What unmanaged certificates in this span ask of the reader.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::Expired | Self::NextSevenDays => Tone::Bad,
            Self::NearWeek => Tone::Warn,
            Self::Week | Self::Later => Tone::Neutral,
        }
    }
}

impl ExpiryBar {
    /// Both kinds together.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.managed.saturating_add(self.unmanaged)
    }

    /// The number over the bar.
    #[must_use]
    pub fn total_text(&self) -> String {
        count(self.total())
    }

    /// What a screen reader says for the bar.
    #[must_use]
    pub fn spoken(&self) -> String {
        format!("{}: {} unmanaged, {} managed", self.description, count(self.unmanaged), count(self.managed))
    }
}

/// Lengths of one bar in percent of the plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarLengths {
    /// The managed part, at the foot.
    pub managed: i64,
    /// The unmanaged part, on top of it.
    pub unmanaged: i64,
    /// Whether the bar is longer than the plot and has been cut.
    pub cut: bool,
}

impl BarLengths {
    /// Where the managed part begins, from the top of the plot.
    #[must_use]
    pub fn managed_top(&self) -> i64 {
        100 - self.managed
    }

    /// Where the unmanaged part begins, from the top of the plot.
    #[must_use]
    pub fn unmanaged_top(&self) -> i64 {
        100 - self.managed - self.unmanaged
    }
}

impl ExpiryChart {
    /// A chart of these bars, in this order.
    #[must_use]
    pub fn new(bars: Vec<ExpiryBar>) -> Self {
        let tallest = |open_ended: bool| {
            let of_kind = bars.iter().filter(|bar| bar.span.is_end() == open_ended);
            of_kind.map(ExpiryBar::total).max().unwrap_or(0)
        };
        let (weeks, ends) = (tallest(false), tallest(true));
        // Cutting starts only where it helps: up to a third over the tallest week, the ends fit.
        let scale = if weeks == 0 { ends } else { ends.min(weeks.saturating_add(weeks / 3)).max(weeks) };
        Self { bars, scale: scale.max(1) }
    }

    /// Bars with their lengths.
    pub fn bars(&self) -> impl Iterator<Item = (&ExpiryBar, BarLengths)> {
        self.bars.iter().map(|bar| (bar, self.lengths(bar)))
    }

    /// Whether there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bars.iter().all(|bar| bar.total() == 0)
    }

    fn lengths(&self, bar: &ExpiryBar) -> BarLengths {
        let total = bar.total().max(0);
        if total == 0 {
            return BarLengths { managed: 0, unmanaged: 0, cut: false };
        }
        // At least 2 %: one certificate beside ten thousand must still be seen.
        let shown = percent(total.min(self.scale), self.scale).max(2);
        let managed = match (bar.managed, bar.unmanaged) {
            (0, _) => 0,
            (_, 0) => shown,
            (managed, _) => (shown * percent(managed, total) / 100).clamp(1, shown - 1),
        };
        BarLengths { managed, unmanaged: shown - managed, cut: total > self.scale }
    }
}

fn percent(part: i64, whole: i64) -> i64 {
    i64::try_from(i128::from(part) * 100 / i128::from(whole.max(1))).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(span: Span, managed: i64, unmanaged: i64) -> ExpiryBar {
        let text = String::new;
        ExpiryBar { span, label: text(), description: text(), managed, unmanaged, href: text() }
    }

    fn lengths(bars: Vec<ExpiryBar>) -> Vec<(i64, i64, bool)> {
        let chart = ExpiryChart::new(bars);
        chart.bars().map(|(_, l)| (l.managed, l.unmanaged, l.cut)).collect()
    }

    #[test]
    fn weeks_share_one_scale() {
        let drawn = lengths(vec![bar(Span::Week, 50, 50), bar(Span::Week, 0, 50), bar(Span::Week, 0, 0)]);
        assert_eq!(drawn, [(50, 50, false), (0, 50, false), (0, 0, false)]);
    }

    #[test]
    fn open_ends_are_cut_rather_than_flatten_the_weeks() {
        let drawn = lengths(vec![bar(Span::Expired, 0, 40), bar(Span::Week, 0, 30), bar(Span::Later, 9_000, 0)]);
        assert_eq!(drawn, [(0, 100, false), (0, 75, false), (100, 0, true)]);
    }

    #[test]
    fn a_single_certificate_stays_visible() {
        let drawn = lengths(vec![bar(Span::Week, 10_000, 0), bar(Span::Week, 0, 1), bar(Span::Week, 1, 1)]);
        assert_eq!(drawn[1], (0, 2, false));
        assert_eq!(drawn[2], (1, 1, false));
    }

    #[test]
    fn hostile_numbers_do_not_panic() {
        lengths(vec![bar(Span::Week, i64::MAX, i64::MAX), bar(Span::Later, -4, 2), bar(Span::Expired, 0, -1)]);
        assert!(ExpiryChart::default().is_empty());
    }
}
