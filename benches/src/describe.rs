//! From DER to everything an inventory wants to know, on one core.

use std::hint::black_box;

use anyhow::Result;
use certhold_pki::Facts;
use certhold_pki::sample::Generator;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::bundle::SEED;
use crate::measure::best_rate;
use crate::table::{Bar, Row, Table, thousands};

/// Certificates that are gone through again and again: more than the caches of a processor hold.
const SAMPLES: u64 = 50_000;
const ROUNDS: usize = 7;

/// `Facts::of` (all fields, three digests) beside the parser crate's bare parse of the same bytes.
pub fn run(count: u64, table: &mut Table) -> Result<()> {
    let samples: Vec<Vec<u8>> = Generator::new(SEED).certificates().take(count.min(SAMPLES) as usize).collect();
    for der in &samples {
        Facts::of(der)?;
        X509Certificate::from_der(der)?;
    }
    // In turns, so that both see the same disturbances.
    let (mut facts, mut bare) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        facts = best_rate(1, samples.len(), || samples.iter().for_each(|der| drop(black_box(Facts::of(der))))).max(facts);
        bare = best_rate(1, samples.len(), || samples.iter().for_each(|der| drop(black_box(X509Certificate::from_der(der)))))
            .max(bare);
    }
    let bytes: usize = samples.iter().map(Vec::len).sum();
    table.fact("certificate", format!("{} bytes of DER on average", thousands((bytes / samples.len()) as f64)));
    let bar = Bar::new("≥ 80,000/s and ≥ 0.6", facts >= 80_000.0 && facts / bare >= 0.6);
    table.add(Row::rate("describe a certificate, one core", facts).beside("x509-parser, bare parse", bare, facts).bar(bar));
    Ok(())
}
