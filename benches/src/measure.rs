//! Time, rates and percentiles.

use std::time::{Duration, Instant};

/// Runs `work` and tells how long it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let outcome = work();
    (outcome, started.elapsed())
}

/// The best of several rounds, each of which does `items` things: per second. The best, because on a shared machine whatever
/// else runs can only make a round slower.
pub fn best_rate(rounds: usize, items: usize, mut round: impl FnMut()) -> f64 {
    let one = |()| rate(items as u64, timed(&mut round).1);
    std::iter::repeat_n((), rounds).map(one).fold(0.0, f64::max)
}

/// Things per second.
pub fn rate(items: u64, time: Duration) -> f64 {
    items as f64 / time.as_secs_f64().max(1e-9)
}

/// The usual and the bad case of many measurements.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    pub p50: Duration,
    pub p99: Duration,
}

impl Latency {
    /// Of the given times; zero of none.
    pub fn of(mut times: Vec<Duration>) -> Latency {
        times.sort_unstable();
        let at = |share: f64| {
            let rank = (times.len() as f64 * share).ceil() as usize;
            times.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        Latency { p50: at(0.5), p99: at(0.99) }
    }
}

/// Repeats `work` until it has run `most` times or `budget` is used up, at least five times; `work` gets the number of the run.
pub fn latency<E>(most: usize, budget: Duration, mut work: impl FnMut(usize) -> Result<(), E>) -> Result<Latency, E> {
    const LEAST: usize = 5;
    let started = Instant::now();
    let mut times = Vec::new();
    for number in 0..most.max(LEAST) {
        if number >= LEAST && started.elapsed() > budget {
            break;
        }
        let (done, time) = timed(|| work(number));
        done?;
        times.push(time);
    }
    Ok(Latency::of(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let latency = Latency::of((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!((latency.p50, latency.p99), (Duration::from_millis(100), Duration::from_millis(198)));
        assert_eq!(Latency::of(vec![Duration::from_secs(1)]).p99, Duration::from_secs(1));
        assert_eq!(Latency::of(Vec::new()).p50, Duration::ZERO);
    }

    #[test]
    fn a_slow_thing_is_not_repeated_for_ever() {
        let mut runs = 0;
        let done = latency(1_000, Duration::ZERO, |_| {
            runs += 1;
            Ok::<_, ()>(())
        });
        assert!(done.is_ok());
        assert_eq!(runs, 5);
    }
}
