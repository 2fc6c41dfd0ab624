//! What is wrong with a certificate, and what to do about it: one small function per rule.
//!
//! Findings are a pure function of the certificate's bytes. Where a rule began on a date, the beginning of the validity
//! is compared with it, never the clock; so findings can be indexed and stay true until [`RULES_VERSION`] changes.
//!
//! The rules of public certificates for TLS servers (CA/Browser Forum, Chrome, Apple) apply only to what looks like one:
//! a certificate that is no CA's and not self-issued, has the extended key usage `serverAuth`, and carries a policy of the
//! CA/Browser Forum (below 2.23.140.1), an embedded SCT list or the poison of a precertificate. A private authority uses
//! none of these three, and is measured by RFC 5280 and the strength of its keys only.

mod alt_names;
mod extensions;
mod input;
mod keys;
mod names;
mod public_tls;
mod public_tls_subject;
mod rule;
mod structure;
mod usage;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::certificate::{Certificate, NotACertificate};
use crate::facts::Facts;
use input::Input;
pub use rule::{Rule, Severity, Source};

/// Grows whenever a rule is added, removed or judges differently, so that indexed findings can be derived again.
pub const RULES_VERSION: u32 = 1;

/// What a check answers: the sentence of the finding, or nothing.
type Verdict = Option<Cow<'static, str>>;

const GROUPS: [&[Rule]; 8] = [
    structure::RULES,
    names::RULES,
    alt_names::RULES,
    extensions::RULES,
    usage::RULES,
    keys::RULES,
    public_tls::RULES,
    public_tls_subject::RULES,
];

const COUNT: usize = {
    let (mut sum, mut group) = (0, 0);
    while group < GROUPS.len() {
        sum += GROUPS[group].len();
        group += 1;
    }
    sum
};

static ALL: [Rule; COUNT] = {
    let mut all = [GROUPS[0][0]; COUNT];
    let (mut place, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut row = 0;
        while row < GROUPS[group].len() {
            all[place] = GROUPS[group][row];
            place += 1;
            row += 1;
        }
        group += 1;
    }
    all
};

/// Every rule, in the order in which findings are listed.
pub static RULES: &[Rule] = &ALL;

/// The rule of this id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// One thing that is wrong with one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that was broken.
    pub rule: &'static Rule,
    /// What is wrong, with the values of this certificate.
    pub sentence: Cow<'static, str>,
}

/// Evaluates every rule on a certificate whose facts are at hand; `facts` must be those of `der`. The worst come first.
/// Bytes that are no certificate have no findings.
pub fn evaluate(facts: &Facts, der: &[u8]) -> Vec<Finding> {
    Certificate::locate(der).map(|certificate| judge(facts, certificate)).unwrap_or_default()
}

/// The findings of the certificate at the beginning of `der`.
///
/// # Errors
/// As [`Facts::of`].
pub fn of(der: &[u8]) -> Result<Vec<Finding>, NotACertificate> {
    Facts::of(der).map(|facts| evaluate(&facts, der))
}

fn judge(facts: &Facts, certificate: Certificate<'_>) -> Vec<Finding> {
    let input = Input::of(facts, certificate);
    let mut findings: Vec<Finding> = Vec::new();
    for rule in RULES {
        if let Some(sentence) = rule.judge(&input) {
            findings.push(Finding { rule, sentence });
        }
    }
    findings.sort_by_key(|finding| finding.rule.severity);
    findings
}
