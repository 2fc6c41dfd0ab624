//! What somebody can do about a renewal that fails, by what stood in its way.

use certhold_domain::Actor;
use certhold_domain::access::paths;
use certhold_domain::inventory::Summary;
use certhold_domain::renewal::managed::{Health, Managed, Undeployed};
use certhold_domain::renewal::{Cause, IssuedBy};

use crate::web::refused::sentence;
use crate::web::shared::holds;
use crate::web::show;
use crate::web::view::certificate::RenewalNotice;
use crate::web::view::managed::TroubleDetail;
use crate::web::view::text::Link;
use crate::web::view::time::Moment;
use crate::web::view::tone::{Expiry, Tone};

/// Which pages of those that help the viewer may open.
pub struct MayOpen {
    pub issuers: bool,
    pub providers: bool,
}

impl MayOpen {
    pub fn of(actor: &Actor) -> MayOpen {
        let may = |path: &str| holds(&actor.access, path);
        MayOpen { issuers: may(paths::ISSUERS_READ), providers: may(paths::DNS_PROVIDERS_READ) }
    }
}

/// What is wrong with a managed certificate, and what to do; also that the version in service has ended, whether or not anything failed.
/// `answer` is what the issuer said to the latest order.
pub fn trouble(managed: &Managed, answer: Option<&str>, may_open: &MayOpen, now: i64) -> Option<TroubleDetail> {
    if let Some(failed) = managed.undeployed.as_ref().filter(|_| managed.health(now) == Health::NotDeployed) {
        return Some(undeployed(failed, now));
    }
    let cause = managed.last_error.as_deref().filter(|_| managed.failures > 0);
    let headline = headline(managed, now);
    if headline.is_empty() && cause.is_none() {
        return None;
    }
    let (remedy, place) = remedy(managed, may_open);
    Some(TroubleDetail {
        headline,
        cause: cause.map(sentence).unwrap_or_default(),
        remedy: remedy.into(),
        place,
        next_try: next_try(managed.attempt_due_at, now),
        answer: answer.filter(|_| cause.is_some()).unwrap_or_default().to_owned(),
        failed: managed.last_error_at.filter(|_| cause.is_some()).map(|at| Moment::new(at, now)),
        tries: managed.failures,
    })
}

fn undeployed(failed: &Undeployed, now: i64) -> TroubleDetail {
    TroubleDetail {
        headline: format!("The version in service is not where it is used: the deployment “{}” failed.", failed.name),
        cause: sentence(&failed.error),
        remedy: "Mend what the error names, then deploy again.".into(),
        next_try: next_try(failed.due_at, now),
        failed: failed.at.map(|at| Moment::new(at, now)),
        ..TroubleDetail::default()
    }
}

/// What the page of a certificate says where nobody renews it in time. `managed` is its managed certificate, as far as the viewer may see
/// it.
pub fn notice(certificate: &Summary, managed: Option<&Managed>, may_open: &MayOpen, now: i64) -> Option<RenewalNotice> {
    let validity = show::validity(certificate, now);
    let tone = validity.expiry.tone();
    let is_late = matches!(tone, Tone::Bad | Tone::Warn);
    let ends = validity.not_after.relative();
    let ends = if validity.expiry == Expiry::Expired { format!("expired {ends}") } else { format!("ends {ends}") };
    let said = |headline: String| TroubleDetail { headline, ..TroubleDetail::default() };
    let alone = |trouble| RenewalNotice { tone, trouble, managed: None, renew: None, adopt: None, missing: "" };
    match (certificate.lineage, managed) {
        _ if certificate.revoked_at.is_some() => None,
        (None, _) if is_late => Some(alone(said(format!("Nobody renews this: it {ends}.")))),
        (Some(_), None) if is_late => {
            let told = said(format!("It {ends}, and is a version of a managed certificate."));
            Some(RenewalNotice { missing: paths::RENEWAL_READ, ..alone(told) })
        }
        (Some(_), Some(managed)) if managed.current == Some(certificate.id) => {
            let trouble = match trouble(managed, None, may_open, now).filter(|_| managed.health(now).is_trouble()) {
                Some(trouble) => trouble,
                None if managed.paused && is_late => said(format!("Automatic renewal is paused, and it {ends}.")),
                // A worker that is silent fails at nothing.
                None if tone.is_bad() => said(format!("It {ends}, and has not been renewed yet.")),
                None => return None,
            };
            let link = Link::new(&managed.name, format!("/managed/{}", managed.id));
            Some(RenewalNotice { tone: Tone::Bad, managed: Some(link), ..alone(trouble) })
        }
        _ => None,
    }
}

/// A sentence of what to do, and the page where it is done. Nothing where the next attempt mends it, or where nothing is known.
fn remedy(managed: &Managed, may_open: &MayOpen) -> (&'static str, Option<Link>) {
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
        // Both an issuer and a DNS provider may ask for patience.
        (_, Cause::Inside | Cause::RateLimited) => None,
        (
            IssuedBy::Acme { dns_provider: (id, name), .. },
            Cause::ProofNotSeen | Cause::ProofNotPublished | Cause::DnsUnreachable | Cause::DnsRefused,
        ) => at(may_open.providers, name, format!("/dns-providers/{id}")),
        (IssuedBy::Acme { issuer: (id, name), .. }, _) => at(may_open.issuers, name, format!("/issuers/{id}")),
        (IssuedBy::Private { authority: (id, name), .. }, _) => at(may_open.issuers, name, format!("/authorities/{id}")),
    }
}

/// How it stands, in a sentence, where it is in trouble: `Expired 8 hours ago; renewal has failed since 2026-11-20 03:12:00 UTC.`
fn headline(managed: &Managed, now: i64) -> String {
    // Of what failed before that was kept it is not known since when.
    let failed = (managed.failures > 0).then(|| match managed.failing_since {
        Some(at) => format!("renewal has failed since {}", Moment::new(at, now).stamp()),
        None => "renewal fails".into(),
    });
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
fn next_try(due_at: Option<i64>, now: i64) -> String {
    match due_at {
        Some(at) if at > now => format!("It is tried again {}.", Moment::new(at, now).relative()),
        Some(_) => "It is being tried again now.".into(),
        None => "No further try is planned: mend the cause, then start one.".into(),
    }
}
