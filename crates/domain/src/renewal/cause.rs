//! What stood in the way of a renewal, as far as it decides what somebody can do about it.

/// What stood in the way of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The issuer did not answer: network, name or TLS.
    IssuerUnreachable,
    /// The issuer answered that it has trouble of its own, or not as the protocol says.
    IssuerTrouble,
    /// The issuer's settings here cannot be used.
    IssuerSettings,
    /// The issuer refuses the account.
    AccountRefused,
    /// The issuer refuses these names or this request.
    NamesRefused,
    /// The issuer or the DNS provider asks to come back later.
    RateLimited,
    /// The issuer did not see the TXT record.
    ProofNotSeen,
    /// The zone's own servers do not show the TXT record.
    ProofNotPublished,
    /// The DNS provider or the zone's servers did not answer.
    DnsUnreachable,
    /// The DNS provider refuses the change or the credentials.
    DnsRefused,
    /// What was issued is not what was asked for.
    Unfit,
    /// The rules of a private authority or of a pattern refuse it.
    Rules,
    /// Certhold itself could not go on: its key store, its database, a key.
    Inside,
}

impl Cause {
    const ALL: [Cause; 13] = [
        Cause::IssuerUnreachable,
        Cause::IssuerTrouble,
        Cause::IssuerSettings,
        Cause::AccountRefused,
        Cause::NamesRefused,
        Cause::RateLimited,
        Cause::ProofNotSeen,
        Cause::ProofNotPublished,
        Cause::DnsUnreachable,
        Cause::DnsRefused,
        Cause::Unfit,
        Cause::Rules,
        Cause::Inside,
    ];

    /// The name that is kept.
    pub fn name(self) -> &'static str {
        match self {
            Cause::IssuerUnreachable => "issuer_unreachable",
            Cause::IssuerTrouble => "issuer_trouble",
            Cause::IssuerSettings => "issuer_settings",
            Cause::AccountRefused => "account_refused",
            Cause::NamesRefused => "names_refused",
            Cause::RateLimited => "rate_limited",
            Cause::ProofNotSeen => "proof_not_seen",
            Cause::ProofNotPublished => "proof_not_published",
            Cause::DnsUnreachable => "dns_unreachable",
            Cause::DnsRefused => "dns_refused",
            Cause::Unfit => "unfit",
            Cause::Rules => "rules",
            Cause::Inside => "inside",
        }
    }

    /// The cause of that name.
    pub fn parse(name: &str) -> Option<Cause> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for cause in Cause::ALL {
            assert_eq!(Cause::parse(cause.name()), Some(cause));
        }
        assert_eq!(Cause::parse("otherwise"), None);
    }
}
