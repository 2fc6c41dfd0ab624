//! What somebody can do about a renewal that fails, by what stood in its way.

use certhold_domain::renewal::managed::{Health, Managed};
use certhold_domain::renewal::{Cause, IssuedBy};

use crate::web::refused::sentence;
use crate::web::view::text::Link;
use crate::web::view::time::Moment;

/// Which pages of those that help the viewer may open.
pub struct MayOpen {
    pub issuers: bool,
    pub providers: bool,
}

/// A sentence of what to do, and the page where it is done. Nothing where the next attempt mends it, or where nothing is known.
pub fn remedy(managed: &Managed, may_open: &MayOpen) -> (&'static str, Option<Link>) {
    let Some(cause) = managed.last_cause.filter(|_| managed.failures > 0) else { return ("", None) };
    let words = match cause {
        Cause::IssuerUnreachable => {
            "See that this server reaches the issuer: its address, the firewall, the proxy, and the roots that its TLS certificate is \
             checked with."
        }
        Cause::IssuerTrouble => "The issuer has trouble of its own: wait for the next try, or ask whoever runs it.",
        Cause::IssuerSettings => "Mend the settings of the issuer: its address, its root or its external account.",
        Cause::AccountRefused => {
            "See that the account at the issuer is in order: its contacts, its external account, and terms to be agreed to."
        }
        Cause::NamesRefused => {
            "Read what the issuer answered. Often a CAA record of the domain names another issuer, or the issuer does not issue for one \
             of these names."
        }
        Cause::RateLimited => "Wait for the next try: asking again before it uses up the limit.",
        Cause::ProofNotSeen => {
            "See that the name servers of the zone show to the Internet what the DNS provider publishes, and that no CNAME leads \
             elsewhere."
        }
        Cause::ProofNotPublished => {
            "See that the DNS provider writes into the zone that these name servers serve, and that the change reaches all of them."
        }
        Cause::DnsUnreachable => "See that this server reaches the DNS provider and the name servers: address, firewall, proxy.",
        Cause::DnsRefused => "See that the credentials of the DNS provider are right and may change this zone.",
        Cause::Unfit => "The issuer sent something other than what was asked for: ask whoever runs it.",
        Cause::Rules => "The authority or the pattern does not allow this: change the plan, or what they allow.",
        Cause::Inside => {
            "Certhold itself could not go on: see that its key store and its database are at work, and read its log."
        }
    };
    (words, place(cause, managed, may_open))
}

/// Where that is done.
fn place(cause: Cause, managed: &Managed, may_open: &MayOpen) -> Option<Link> {
    let at = |may: bool, name: &str, href: String| may.then(|| Link::new(name, href));
    match (&managed.by, cause) {
        (_, Cause::Inside) => None,
        (
            IssuedBy::Acme { dns_provider: (id, name), .. },
            Cause::ProofNotSeen | Cause::ProofNotPublished | Cause::DnsUnreachable | Cause::DnsRefused,
        ) => at(may_open.providers, name, format!("/dns-providers/{id}")),
        (IssuedBy::Acme { issuer: (id, name), .. }, _) => at(may_open.issuers, name, format!("/issuers/{id}")),
        (IssuedBy::Private { authority: (id, name), .. }, _) => at(may_open.issuers, name, format!("/authorities/{id}")),
    }
}

/// How it stands, in a sentence, where it is in trouble: `Expired 8 hours ago; renewal has failed since 2026-11-20 03:12:00 UTC.`
pub fn headline(managed: &Managed, now: i64) -> String {
    let since = managed.failing_since.or(managed.last_error_at).filter(|_| managed.failures > 0);
    let failed = since.map(|at| format!("renewal has failed since {}", Moment::new(at, now).stamp()));
    match (managed.health(now), failed) {
        (Health::Expired, failed) => {
            let ended = managed.not_after.map(|at| Moment::new(at, now).relative()).unwrap_or_default();
            let why = match failed {
                Some(failed) => failed,
                None if managed.paused => "automatic renewal is paused".into(),
                None if managed.renewing => "a new version is being obtained".into(),
                None => "no attempt to renew it has been made".into(),
            };
            format!("Expired {ended}; {why}.")
        }
        (_, Some(failed)) => sentence(&failed),
        _ => String::new(),
    }
}

/// When it is tried again, in a sentence.
pub fn next_try(due_at: Option<i64>, now: i64) -> String {
    match due_at {
        Some(at) if at > now => format!("It is tried again {}.", Moment::new(at, now).relative()),
        Some(_) => "It is being tried again now.".into(),
        None => "No further try is planned: mend the cause, then start one.".into(),
    }
}
