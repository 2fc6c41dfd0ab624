//! The checks that a newly issued certificate must pass before it takes the place of another.

use std::collections::BTreeSet;

use crate::alt_name::AltNameKind;
use crate::certificate::Certificate;
use crate::dns::normalise_dns_name;
use crate::facts::Facts;
use crate::private_key::same_public_key;
use crate::time;

/// Clocks of authorities and of this machine may differ by so much, in milliseconds.
const CLOCK_SKEW_MS: i64 = 60 * 60 * 1000;

/// Checks a certificate that an authority has just issued: it is for our key and for exactly our names, it is valid now,
/// and a TLS server can use it. Returns what is wrong, one sentence each; empty when it may be used.
///
/// `expected_names` are DNS names or IP addresses as they were ordered; letter case and internationalised forms make no
/// difference. `now_ms` is the present in unix milliseconds.
pub fn lint_issued<N: AsRef<str>>(
    certificate_der: &[u8],
    expected_spki: &[u8],
    expected_names: &[N],
    now_ms: i64,
) -> Vec<String> {
    let (facts, certificate) = match (Facts::of(certificate_der), Certificate::locate(certificate_der)) {
        (Ok(facts), Ok(certificate)) => (facts, certificate),
        (Err(error), _) | (_, Err(error)) => {
            return vec![format!("What the authority sent is unusable: {error}.")];
        }
    };
    let mut wrong = Vec::new();
    if !same_public_key(expected_spki, certificate.spki.whole) {
        wrong.push("The certificate is for another key than the one that was submitted.".to_owned());
    }
    check_names(&facts, expected_names, &mut wrong);
    check_validity(&facts, now_ms, &mut wrong);
    check_usage(&facts, &mut wrong);
    // An oddity that an old certificate may have is no reason to refuse it to the inventory, but a new one has no excuse.
    wrong.extend(facts.oddities);
    wrong
}

fn check_names<N: AsRef<str>>(facts: &Facts, expected: &[N], wrong: &mut Vec<String>) {
    let canonical = |name: &str| normalise_dns_name(name).unwrap_or_else(|_| name.to_ascii_lowercase());
    let ip = |name: &str| name.parse::<std::net::IpAddr>().map(|address| address.to_string());
    let wanted: BTreeSet<String> =
        expected.iter().map(|name| ip(name.as_ref()).unwrap_or_else(|_| canonical(name.as_ref()))).collect();
    let mut present = BTreeSet::new();
    for name in &facts.names {
        match name.kind {
            AltNameKind::Dns => present.insert(canonical(&name.value)),
            AltNameKind::Ip => present.insert(name.value.clone()),
            other => {
                wrong.push(format!("The certificate holds the {} name {}, which was not ordered.", other.as_str(), name.value));
                false
            }
        };
    }
    for missing in wanted.difference(&present) {
        wrong.push(format!("The certificate lacks the name {missing}."));
    }
    for extra in present.difference(&wanted) {
        wrong.push(format!("The certificate holds the name {extra}, which was not ordered."));
    }
    if wanted.is_empty() {
        wrong.push("No name was ordered, so no certificate can fit.".to_owned());
    }
}

fn check_validity(facts: &Facts, now_ms: i64, wrong: &mut Vec<String>) {
    if facts.not_before > now_ms.saturating_add(CLOCK_SKEW_MS) {
        wrong.push(format!(
            "The certificate is valid from {} only; now it is {}. Check this machine's clock.",
            time::show(facts.not_before),
            time::show(now_ms)
        ));
    }
    if facts.not_after <= now_ms {
        wrong.push(format!(
            "The certificate has ended on {}; now it is {}. Check this machine's clock.",
            time::show(facts.not_after),
            time::show(now_ms)
        ));
    }
    if facts.not_after < facts.not_before {
        wrong.push("The certificate ends before it begins.".to_owned());
    }
}

fn check_usage(facts: &Facts, wrong: &mut Vec<String>) {
    if facts.version != 3 {
        wrong.push(format!("The certificate has version {}; version 3 is needed for its names.", facts.version));
    }
    if facts.is_ca {
        wrong.push("The certificate is one of a certification authority, not of a server.".to_owned());
    }
    let server_auth = |usage: &String| usage == "serverAuth" || usage == "anyExtendedKeyUsage";
    if !facts.extended_key_usage.is_empty() && !facts.extended_key_usage.iter().any(server_auth) {
        wrong.push(format!(
            "The certificate cannot be used by a TLS server: its extended key usage is {}.",
            facts.extended_key_usage.join(", ")
        ));
    }
    let has = |usage: &str| facts.key_usage.is_empty() || facts.key_usage.iter().any(|present| present == usage);
    // RFC 8446 section 4.4.2.2 and RFC 5246 section 7.4.2: signing, or for RSA key transport deciphering
    let usable = has("digitalSignature") || facts.key_algorithm == "RSA" && has("keyEncipherment");
    if !usable {
        wrong.push(format!("The certificate cannot be used by a TLS server: its key usage is {}.", facts.key_usage.join(", ")));
    }
}
