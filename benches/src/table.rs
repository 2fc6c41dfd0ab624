//! The one table: what, measured, the limit in the same run, their ratio, and the bar.

use std::time::Duration;

use crate::measure::Latency;

/// One line of the table.
pub struct Row {
    /// What was measured.
    pub what: String,
    /// What came out.
    pub measured: String,
    /// What limits it, measured in the same run: name and value.
    pub limit: Option<(String, f64)>,
    /// Measured by limit.
    pub ratio: Option<f64>,
    /// What it is to reach.
    pub bar: Option<Bar>,
}

/// What a number is to reach, and whether it did.
pub struct Bar {
    text: String,
    met: bool,
}

impl Bar {
    /// A bar as it reads, and whether it was reached.
    pub fn new(text: impl Into<String>, met: bool) -> Bar {
        Bar { text: text.into(), met }
    }

    /// A rate per second that is to be reached at least.
    pub fn at_least(per_second: f64, measured: f64) -> Bar {
        Bar::new(format!("≥ {}/s", thousands(per_second)), measured >= per_second)
    }

    /// A time within which 99 of 100 are to be done.
    pub fn p99_below(limit: Duration, measured: Latency) -> Bar {
        Bar::new(format!("p99 < {}", time(limit)), measured.p99 < limit)
    }
}

impl Row {
    /// A line with nothing but what was measured.
    pub fn new(what: impl Into<String>, measured: impl Into<String>) -> Row {
        Row { what: what.into(), measured: measured.into(), limit: None, ratio: None, bar: None }
    }

    /// A rate per second.
    pub fn rate(what: impl Into<String>, per_second: f64) -> Row {
        Row::new(what, format!("{}/s", thousands(per_second)))
    }

    /// Usual and bad case.
    pub fn latency(what: impl Into<String>, latency: Latency) -> Row {
        Row::new(what, format!("p50 {}, p99 {}", time(latency.p50), time(latency.p99)))
    }

    /// … beside its limit, both per second.
    pub fn beside(mut self, name: &str, limit: f64, measured: f64) -> Row {
        self.limit = Some((name.to_owned(), limit));
        self.ratio = Some(measured / limit);
        self
    }

    /// … with a bar.
    pub fn bar(mut self, bar: Bar) -> Row {
        self.bar = Some(bar);
        self
    }

    fn cells(&self) -> [String; 5] {
        let limit = self.limit.as_ref().map(|(name, value)| format!("{name}: {}/s", thousands(*value)));
        let ratio = self.ratio.map(|ratio| format!("{ratio:.2}"));
        let bar = self.bar.as_ref().map(|bar| format!("{} {}", bar.text, if bar.met { "✓" } else { "✗" }));
        [self.what.clone(), self.measured.clone(), limit.unwrap_or_default(), ratio.unwrap_or_default(), bar.unwrap_or_default()]
    }
}

/// Everything that is printed at the end.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
    facts: Vec<(String, String)>,
}

const HEAD: [&str; 5] = ["what", "measured", "limit in the same run", "ratio", "bar"];

impl Table {
    /// Adds a line, and says it at once: a whole run takes minutes.
    pub fn add(&mut self, row: Row) {
        let [what, measured, limit, ratio, _] = row.cells();
        let limit = if limit.is_empty() { limit } else { format!("   [{limit}; {ratio}]") };
        eprintln!("{what}: {measured}{limit}");
        self.rows.push(row);
    }

    /// Adds a fact about the machine or the run.
    pub fn fact(&mut self, name: &str, value: impl Into<String>) {
        self.facts.push((name.to_owned(), value.into()));
    }

    /// Prints everything to standard output.
    pub fn print(&self, markdown: bool, certificates: u64) {
        let rows: Vec<[String; 5]> = self.rows.iter().map(Row::cells).collect();
        println!();
        if markdown {
            println!("{}", line(&HEAD.map(str::to_owned)));
            println!("|---|---|---|---:|---|");
            rows.iter().for_each(|row| println!("{}", line(row)));
            println!("\n| machine and sizes | |\n|---|---|");
            println!("| certificates | {} |", thousands(certificates as f64));
            self.facts.iter().for_each(|(name, value)| println!("| {name} | {value} |"));
            return;
        }
        print_aligned(&rows);
        println!();
        println!("{:<14}{}", "certificates", thousands(certificates as f64));
        self.facts.iter().for_each(|(name, value)| println!("{name:<14}{value}"));
    }
}

fn line(cells: &[String; 5]) -> String {
    format!("| {} |", cells.join(" | "))
}

fn print_aligned(rows: &[[String; 5]]) {
    let head = HEAD.map(str::to_owned);
    let width = |column: usize| rows.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    for row in [&head].into_iter().chain(rows) {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{}", cells.join("  ").trim_end());
    }
}

/// A number for people: `81,234`, and `12.5` if it is small.
pub fn thousands(number: f64) -> String {
    if number < 100.0 && number.fract() != 0.0 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A time for people, in the unit that fits it.
pub fn time(time: Duration) -> String {
    let us = time.as_secs_f64() * 1e6;
    match us {
        _ if us < 1_000.0 => format!("{us:.0} µs"),
        _ if us < 10_000.0 => format!("{:.1} ms", us / 1e3),
        _ if us < 1_000_000.0 => format!("{:.0} ms", us / 1e3),
        _ => format!("{:.1} s", us / 1e6),
    }
}

/// Bytes in mebibytes.
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(
            [0.0, 12.0, 12.34, 999.4, 1_000.0, 1_234_567.0].map(thousands),
            ["0", "12", "12.3", "999", "1,000", "1,234,567"]
        );
        let times = [7, 1_500, 29_000, 1_500_000].map(|us| time(Duration::from_micros(us)));
        assert_eq!(times, ["7 µs", "1.5 ms", "29 ms", "1.5 s"]);
    }

    #[test]
    fn a_row_says_whether_its_bar_is_met() {
        let row = Row::rate("x", 90.0).beside("bare", 100.0, 90.0).bar(Bar::at_least(80.0, 90.0));
        assert_eq!(row.cells(), ["x", "90/s", "bare: 100/s", "0.90", "≥ 80/s ✓"].map(str::to_owned));
        let latency = Latency { p50: Duration::from_millis(1), p99: Duration::from_millis(50) };
        let missed = Row::latency("y", latency).bar(Bar::p99_below(Duration::from_millis(30), latency));
        assert_eq!(missed.cells()[4], "p99 < 30 ms ✗");
    }
}
