//! Mutated inputs of every kind, for a bounded time: no reader panics, takes long, takes much memory, lets a hostile
//! character through, or contradicts another reader.
//!
//! Twenty seconds by default, ten minutes with `FULL`. Every input is a function of one number, which a failure names:
//! `FUZZ_NUMBER=12345 cargo test -p certhold-pki --test fuzz` tries that one alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on panics")]

mod exercise;
mod mutate;

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Memory beyond the input that one reader may take: a part for every octet, and a part in any case, in which scrypt-like
/// work and the tables of text normalisation fit.
const BYTES_PER_OCTET: usize = 400;
const BYTES_ANYWAY: usize = 48 * 1024 * 1024;
/// Processor time for one input without any build optimisation; the work of deriving keys from passwords is the most.
const TIME: Duration = Duration::from_secs(20);

/// The corpus: name and content.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap())).collect()
}

/// Processor time that this thread has used: unlike the clock, it does not run while others work.
fn processor_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(statistics.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0))
}

/// Memory is counted for the whole program, so one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Hands an input to every reader; panics, with the name of the input, when one misbehaves.
fn attempt(name: &str, input: &[u8]) {
    let (before, started) = (ALLOCATOR.current_usage(), processor_time());
    ALLOCATOR.reset_peak_usage();
    let outcome = std::panic::catch_unwind(|| exercise::everything(input));
    let (taken, took) = (ALLOCATOR.peak_usage().saturating_sub(before), processor_time().saturating_sub(started));
    let allowed = BYTES_ANYWAY + input.len() * BYTES_PER_OCTET;
    if outcome.is_err() || taken > allowed || took > TIME {
        let path = std::env::temp_dir().join("certhold-fuzz-input");
        let _ = std::fs::write(&path, input);
        panic!("{name}: {taken} bytes (allowed {allowed}), {took:?}; {} octets, kept in {}", input.len(), path.display());
    }
}

#[test]
fn mutated_inputs_harm_no_reader() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seeds = corpus();
    assert!(seeds.len() >= 25, "the corpus is missing");
    if let Ok(number) = std::env::var("FUZZ_NUMBER") {
        return attempt(&number, &mutate::input(&seeds, number.parse().unwrap()));
    }
    for (name, seed) in &seeds {
        attempt(name, seed);
        attempt(name, &seed[..seed.len() / 2]);
    }
    // Another sequence of inputs every day in the long run, the same one in the short
    let full = std::env::var_os("FULL").is_some();
    let day = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() / 86_400);
    let first = if full { day << 32 } else { 0 };
    let end = Instant::now() + Duration::from_secs(if full { 600 } else { 20 });
    let mut tried = 0u64;
    while Instant::now() < end {
        attempt(&format!("FUZZ_NUMBER={}", first + tried), &mutate::input(&seeds, first + tried));
        tried += 1;
    }
    println!("{tried} inputs");
    assert!(tried > 100, "only {tried} inputs: this machine is too slow to say anything");
}

/// What is large, deep or repeated takes time and memory in proportion.
#[test]
fn extreme_inputs_stay_in_bounds() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, input) in mutate::extremes(&corpus()) {
        attempt(&name, &input);
    }
}
