//! When a certificate renews, and when a failed attempt is tried again. Pure.

use aws_lc_rs::digest::{SHA256, digest};

use crate::error::Refusal;

/// The keys a managed certificate can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521; few public authorities take it.
    P521,
    /// RSA, 2,048 bits.
    Rsa2048,
    /// RSA, 3,072 bits.
    Rsa3072,
    /// RSA, 4,096 bits.
    Rsa4096,
    /// Ed25519; few public authorities take it.
    Ed25519,
    /// ML-DSA-65 (FIPS 204), safe from quantum computers; no public authority takes it.
    MlDsa65,
}

impl KeyKind {
    /// Every kind with its name in APIs and the way people call it.
    pub const ALL: &[(&str, &str, KeyKind)] = &[
        ("p256", "ECDSA P-256", KeyKind::P256),
        ("p384", "ECDSA P-384", KeyKind::P384),
        ("p521", "ECDSA P-521", KeyKind::P521),
        ("rsa2048", "RSA 2048", KeyKind::Rsa2048),
        ("rsa3072", "RSA 3072", KeyKind::Rsa3072),
        ("rsa4096", "RSA 4096", KeyKind::Rsa4096),
        ("ed25519", "Ed25519", KeyKind::Ed25519),
        ("mldsa65", "ML-DSA-65", KeyKind::MlDsa65),
    ];

    /// The name in APIs.
    pub fn name(self) -> &'static str {
        KeyKind::ALL.iter().find(|(_, _, kind)| *kind == self).map_or("p256", |(name, ..)| name)
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Result<KeyKind, Refusal> {
        let found = KeyKind::ALL.iter().find(|(known, ..)| *known == name).map(|(_, _, kind)| *kind);
        found.ok_or_else(|| {
            let names: Vec<&str> = KeyKind::ALL.iter().map(|(name, ..)| *name).collect();
            Refusal::invalid("key_kind", format!("choose one of {}", names.join(", ")))
        })
    }
}

/// Why an attempt failed, as far as it decides when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// The authority, the DNS server or the network did not answer properly.
    Unreachable,
    /// The authority asked to come back later.
    RateLimited,
    /// The authority did not see the proof it asked for.
    ChallengeFailed,
    /// The authority or the DNS provider refuses these names, this account or these credentials: a human must look.
    Rejected,
    /// What was issued is not what was asked for.
    Unfit,
}

impl FailureClass {
    /// The name kept in events.
    pub fn name(self) -> &'static str {
        match self {
            FailureClass::Unreachable => "unreachable",
            FailureClass::RateLimited => "rate_limited",
            FailureClass::ChallengeFailed => "challenge_failed",
            FailureClass::Rejected => "rejected",
            FailureClass::Unfit => "unfit",
        }
    }

    /// First pause and longest pause, milliseconds.
    fn pauses(self) -> (i64, i64) {
        const SECOND: i64 = 1_000;
        const MINUTE: i64 = 60 * SECOND;
        const HOUR: i64 = 60 * MINUTE;
        match self {
            FailureClass::Unreachable => (15 * SECOND, HOUR),
            FailureClass::RateLimited => (HOUR, 6 * HOUR),
            FailureClass::ChallengeFailed => (MINUTE, 6 * HOUR),
            FailureClass::Rejected => (10 * MINUTE, 12 * HOUR),
            FailureClass::Unfit => (HOUR, 24 * HOUR),
        }
    }
}

/// When a version renews: at two thirds of its life, spread over the following thirtieth of it, so that certificates made
/// together do not renew together. The spread depends on the lineage and version only: planning twice gives one answer.
pub fn renew_at(lineage: i64, version: i64, not_before: i64, not_after: i64) -> i64 {
    let life = not_after.saturating_sub(not_before).max(0);
    not_before.saturating_add(life / 3 * 2).saturating_add(spread(lineage, version, life / 30))
}

/// When to try again after the `failures`th failure in a row (counted from 1): doubling pauses with up to a tenth of spread, or
/// later if the authority said when.
pub fn next_try(lineage: i64, class: FailureClass, failures: i64, retry_after: Option<i64>, now: i64) -> i64 {
    after_pause(lineage, class.pauses(), failures, retry_after, now)
}

/// The same for what may be asked for months, until an authority answers: pauses of every class grow to a day.
pub fn next_ask(certificate: i64, class: FailureClass, failures: i64, retry_after: Option<i64>, now: i64) -> i64 {
    const DAY: i64 = 24 * 60 * 60 * 1_000;
    after_pause(certificate, (class.pauses().0, DAY), failures, retry_after, now)
}

fn after_pause(object: i64, (first, longest): (i64, i64), failures: i64, retry_after: Option<i64>, now: i64) -> i64 {
    let doublings = u32::try_from(failures.saturating_sub(1).clamp(0, 20)).unwrap_or(0);
    let pause = first.saturating_mul(1 << doublings).min(longest);
    let own = now + pause + spread(object, failures, pause / 10);
    retry_after.map_or(own, |at| at.max(own))
}

/// A number in `0..=range` that depends on nothing but its arguments.
fn spread(lineage: i64, salt: i64, range: i64) -> i64 {
    if range <= 0 {
        return 0;
    }
    let bytes = [lineage.to_be_bytes(), salt.to_be_bytes()].concat();
    let hash = digest(&SHA256, &bytes);
    let number = hash.as_ref().iter().take(7).fold(0i64, |number, byte| number << 8 | i64::from(*byte));
    number % (range + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400_000;

    #[test]
    fn certificates_made_together_do_not_renew_together() {
        let times: std::collections::BTreeSet<i64> = (0..100).map(|lineage| renew_at(lineage, 1, 0, 90 * DAY)).collect();
        assert!(times.len() > 95);
        let (first, last) = (times.first().unwrap(), times.last().unwrap());
        assert!(last - first > 2 * DAY, "spread over {} ms", last - first);
    }

    #[test]
    fn pauses_double_up_to_their_limit() {
        let pause = |failures| next_try(1, FailureClass::ChallengeFailed, failures, None, 0);
        assert!((60_000..=66_000).contains(&pause(1)));
        assert!((120_000..=132_000).contains(&pause(2)));
        assert!((6 * 3_600_000..=6 * 3_960_000).contains(&pause(50)));
    }

    #[test]
    fn an_authority_is_asked_once_a_day_in_the_end() {
        for class in [FailureClass::Unreachable, FailureClass::RateLimited, FailureClass::Rejected, FailureClass::Unfit] {
            let pause = |failures| next_ask(1, class, failures, None, 0);
            assert!(pause(1) < DAY / 12, "{class:?}");
            assert!((1..30).all(|failures| pause(failures + 1) >= pause(failures) / 11 * 10), "they do not shrink: {class:?}");
            for failures in [15, 1_000, i64::MAX] {
                assert!((DAY..=DAY / 10 * 11).contains(&pause(failures)), "{class:?} {failures}");
            }
        }
        assert_eq!(next_ask(1, FailureClass::Unreachable, 1, Some(3 * DAY), 0), 3 * DAY);
    }

    #[test]
    fn the_authority_is_not_asked_earlier_than_it_said() {
        let at = next_try(1, FailureClass::RateLimited, 1, Some(10 * DAY), 0);
        assert_eq!(at, 10 * DAY);
        let hurried = next_try(1, FailureClass::ChallengeFailed, 5, Some(1), 0);
        assert_eq!(hurried, next_try(1, FailureClass::ChallengeFailed, 5, None, 0), "nor more often than we would");
    }

    proptest! {
        #[test]
        fn renewal_is_between_two_thirds_and_the_end(
            lineage in 0i64..1_000_000, version in 1i64..1_000, not_before in -4_000 * DAY..40_000 * DAY, life in 1i64..40_000 * DAY,
        ) {
            let at = renew_at(lineage, version, not_before, not_before + life);
            prop_assert!(at >= not_before + life / 3 * 2);
            prop_assert!(at <= not_before + life);
        }

        #[test]
        fn nonsense_dates_do_not_overflow(not_before: i64, not_after: i64) {
            renew_at(1, 1, not_before, not_after);
        }
    }
}
