//! The facts of thousands of certificates against what OpenSSL 3.0, OpenJDK 17 and the package cryptography say of the
//! same bytes: odd ones, samples, really signed ones with new algorithms, and those that the machine trusts.
//!
//! Each peer runs once, over all certificates. Where a peer differs, a table beside the comparison says why.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on panics")]

#[path = "../common/mod.rs"]
mod common;
mod cryptography;
mod curves;
mod jdk;
mod odd;
mod openssl;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use certhold_pki::{Details, Facts, sample};
use serde_json::Value;

/// One certificate and what this crate says of it.
pub(crate) struct Subject {
    pub(crate) der: Vec<u8>,
    pub(crate) facts: Facts,
    pub(crate) details: Details,
}

/// Everything that is compared, made once for all tests.
fn subjects() -> &'static [Subject] {
    static SUBJECTS: OnceLock<Vec<Subject>> = OnceLock::new();
    SUBJECTS.get_or_init(|| {
        let full = std::env::var_os("FULL").is_some();
        let shop = common::Workshop::new();
        let keys = odd::Keys::new(&shop, full);
        let (odd, samples) = if full { (6000, 2000) } else { (500, 100) };
        let mut all = trusted();
        all.extend(odd::certificates(&keys, 20_260_701, odd));
        all.extend(sample::Generator::new(11).certificates().take(samples));
        if let Some(python) = python() {
            all.extend(really_signed(&python, &shop));
        }
        all.into_iter()
            .map(|der| {
                let facts = Facts::of(&der).expect("certificates are read");
                Subject { facts, details: Details::of(&der).expect("and taken apart"), der }
            })
            .collect()
    })
}

/// The trust store of the machine (package ca-certificates).
fn trusted() -> Vec<Vec<u8>> {
    let bytes = std::fs::read("/etc/ssl/certs/ca-certificates.crt").expect("the package ca-certificates");
    let bundle = certhold_pki::read(&bytes, None).unwrap();
    assert!(bundle.refused.is_empty() && bundle.certificates.len() >= 100);
    bundle.certificates.into_iter().map(|found| found.der.to_vec()).collect()
}

/// ML-DSA, ML-KEM, X25519 and X448 out of the package cryptography.
fn really_signed(python: &Path, shop: &common::Workshop) -> Vec<Vec<u8>> {
    let folder = shop.path("signed");
    std::fs::create_dir(&folder).unwrap();
    let made = Command::new(python).arg(script("cryptography_printer.py")).arg("--make").arg(&folder).status().unwrap();
    assert!(made.success());
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 15);
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

/// The Python that has the package cryptography; without it those tests are left out, unless nothing may be.
pub(crate) fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin/python");
    if python.is_file() {
        return Some(python);
    }
    assert!(std::env::var_os("CI").is_none(), "the package cryptography is missing: run cargo xtask test");
    println!("left out: the package cryptography is missing (cargo xtask test installs it)");
    None
}

/// What a peer says of every subject: one line of JSON each.
pub(crate) fn ask(mut peer: Command) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("certificates");
    let mut file = Vec::new();
    for subject in subjects() {
        file.extend(u32::try_from(subject.der.len()).unwrap().to_be_bytes());
        file.extend(&subject.der);
    }
    std::fs::write(&path, file).unwrap();
    let output = peer.arg(&path).output().expect("the peer's program is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let answers: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), subjects().len());
    answers
}

/// Collects differences, so that one run shows all of them.
#[derive(Default)]
pub(crate) struct Differences {
    found: Vec<String>,
    compared: usize,
}

impl Differences {
    pub(crate) fn compare<T: PartialEq + std::fmt::Debug>(&mut self, place: &str, ours: &T, theirs: &T) {
        self.compared += 1;
        if ours != theirs {
            self.found.push(format!("{place}\n    ours   {ours:?}\n    theirs {theirs:?}"));
        }
    }

    /// Panics with the first differences; a comparison of nothing is a failure too.
    pub(crate) fn finish(self, at_least: usize) {
        let shown = self.found.iter().take(25).map(String::as_str).collect::<Vec<_>>().join("\n");
        assert!(self.found.is_empty(), "{} of {} differ:\n{shown}", self.found.len(), self.compared);
        assert!(self.compared >= at_least, "only {} compared", self.compared);
    }
}

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

pub(crate) fn without_zeros(hex: &str) -> &str {
    let digits = hex.trim_start_matches('0');
    if digits.is_empty() { "0" } else { digits }
}
