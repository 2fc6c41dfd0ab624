//! Obtaining and renewing, as far as it is decided here: what the worker does outside is done by hand.

use std::collections::BTreeMap;

use certhold_domain::access::paths;
use certhold_domain::custody::SealedKey;
use certhold_domain::inventory::{self, Candidate};
use certhold_domain::jobs::{self, JobKind, Lease};
use certhold_domain::renewal::issuers::{self, AcmeSettings, NewIssuer};
use certhold_domain::renewal::managed::{self, Health, ManagedFilter, NewManaged};
use certhold_domain::renewal::order::{self, Failure, NewRecord, OrderKey};
use certhold_domain::renewal::providers::{self, MASK, ProviderCommand};
use certhold_domain::renewal::{AcmePlan, Cause, FailureClass, IssueBy, IssuedBy, KeyKind};
use certhold_domain::{Actor, CertificateId, DnsProviderId, Face, IssuerId, LineageId, OrderId, Refusal, limits};
use certhold_store::params;
use rcgen::KeyPair;

use super::world::{DAY, START, World, issue, key};

pub fn local() -> Actor {
    Actor::local("story")
}

pub fn worker() -> Actor {
    Actor::system(Face::Worker, "renewal")
}

pub fn provider(world: &World) -> DnsProviderId {
    let command = provider_command(world, "Lab DNS", "topsecretapikey", None).unwrap();
    world.write(move |tx, now| providers::create(tx, &local(), &command, now)).unwrap()
}

type Stored<'a> = Option<&'a BTreeMap<String, zeroize::Zeroizing<String>>>;

fn provider_command(world: &World, name: &str, api_key: &str, stored: Stored<'_>) -> certhold_domain::Result<ProviderCommand> {
    let settings = [("url", "http://127.0.0.1:8081"), ("api_key", api_key)];
    let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    ProviderCommand::new(name, "powerdns", &settings, stored, &world.custody, &world.entropy)
}

pub fn issuer(world: &World) -> IssuerId {
    let settings = AcmeSettings {
        directory: "https://ca.example.com/dir".into(),
        contacts: vec!["pki@example.com".into()],
        ..Default::default()
    };
    let command = NewIssuer { name: "Lab CA".into(), settings, eab_key: None };
    world.write(move |tx, now| issuers::create(tx, &local(), &command, now)).unwrap()
}

fn plan(world: &World, names: &[&str]) -> NewManaged {
    NewManaged {
        name: String::new(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        by: IssueBy::Acme(AcmePlan { issuer: issuer(world), dns_provider: provider(world), profile: None }),
        key_kind: None,
        reuse_key: false,
        owner: None,
        adopt: None,
    }
}

/// A plan for a certificate that is held already.
pub fn adoption(world: &World, certificate: CertificateId) -> NewManaged {
    NewManaged { adopt: Some(certificate), ..plan(world, &[]) }
}

pub fn managed(world: &World, names: &[&str]) -> LineageId {
    let command = plan(world, names);
    world.write(move |tx, now| managed::create(tx, &local(), &command, now)).unwrap()
}

pub fn claim(world: &World, kind: JobKind) -> Lease {
    loop {
        let lease = world.write(|tx, now| jobs::claim(tx, "node", now)).unwrap().expect("a job that is due");
        if lease.kind == kind {
            return lease;
        }
        world.write(move |tx, now| jobs::finish(tx, &lease, now)).unwrap();
    }
}

/// Everything between claiming the job and holding the certificate, with a certificate of our own making.
pub fn obtain(world: &World, names: &[&str]) -> (CertificateId, OrderId) {
    let lease = claim(world, JobKind::Renew);
    obtain_with(world, &lease, |pair| issue(pair, names, world.now(), world.now() + 90 * DAY))
}

/// The same for a job that is claimed already, with this certificate for the order's key.
pub fn obtain_with(world: &World, lease: &Lease, leaf: impl FnOnce(&KeyPair) -> Vec<u8>) -> (CertificateId, OrderId) {
    let (order, pair) = place(world, lease);
    let leaf = Candidate::of(&leaf(&pair)).unwrap();
    let chain = vec![Candidate::of(&issue(&key(), &["Intermediate"], START, START + 900 * DAY)).unwrap()];
    let lease = *lease;
    let certificate = world.write(move |tx, now| order::complete(tx, &worker(), &lease, order, &leaf, &chain, now)).unwrap();
    (certificate, order)
}

pub fn place(world: &World, lease: &Lease) -> (OrderId, KeyPair) {
    let pair = key();
    let private = certhold_pki::PrivateKey::of(&pair.serialize_der()).unwrap();
    let sealed = OrderKey::Fresh(SealedKey::seal(&world.custody, &world.entropy, &private).unwrap());
    let lease = *lease;
    let order = world.write(move |tx, now| order::begin(tx, &worker(), &lease, &sealed, b"csr", now)).unwrap();
    world.write(move |tx, now| order::placed(tx, &worker(), &lease, order, "https://ca.example.com/order/1", now)).unwrap();
    (order, pair)
}

pub fn state(world: &World, id: LineageId) -> managed::Managed {
    world.read(move |tx| managed::get(tx, &local(), id)).unwrap()
}

pub fn a_first_version_is_obtained_and_renewed(world: &World) {
    let web = world.role("Web", &[]);
    let id = managed(world, &["WWW.example.com", "example.com", "www.example.com"]);
    let before = state(world, id);
    assert_eq!((before.name.as_str(), before.names.len()), ("www.example.com", 2), "normalised, without duplicates");
    assert_eq!(before.health(world.now()), Health::Renewing);

    let lease = claim(world, JobKind::Renew);
    let (order, pair) = place(world, &lease);
    let work = world.read(move |tx| order::work(tx, &worker(), id)).unwrap().unwrap();
    assert_eq!(work.order.as_ref().map(|order| (order.id, order.state.as_str())), Some((order, "placed")));
    let again = world
        .write(move |tx, now| order::begin(tx, &worker(), &lease, &OrderKey::Shared(certhold_domain::PrivateKeyId(1)), b"", now));
    assert_eq!(again.unwrap(), order, "begun once");

    let wanted = NewRecord {
        order,
        provider: work.provider.id,
        domain: "example.com".into(),
        name: "_acme-challenge.example.com".into(),
        value: "proof".into(),
    };
    let again = wanted.clone();
    let record = world.write(move |tx, now| order::record_wanted(tx, &lease, &wanted, now)).unwrap();
    let same = world.write(move |tx, now| order::record_wanted(tx, &lease, &again, now)).unwrap();
    assert_eq!(record, same);
    world.write(move |tx, _| order::record_published(tx, &lease, record)).unwrap();

    let foreign = Candidate::of(&issue(&key(), &["www.example.com"], START, START + 90 * DAY)).unwrap();
    let refusal = world.refused(move |tx, now| order::complete(tx, &worker(), &lease, order, &foreign, &[], now));
    assert!(refusal.to_string().contains("another key"), "{refusal}");
    let leaf = Candidate::of(&issue(&pair, &["www.example.com", "example.com"], START, START + 90 * DAY)).unwrap();
    let first = world.write(move |tx, now| order::complete(tx, &worker(), &lease, order, &leaf, &[], now)).unwrap();
    let after = state(world, id);
    assert_eq!((after.current, after.versions, after.health(world.now())), (Some(first), 1, Health::Good));
    let renew_at = after.renew_at.unwrap();
    assert!((START + 60 * DAY..=START + 63 * DAY).contains(&renew_at));

    let withdrawal = world.read(move |tx| order::withdrawal(tx, &worker(), order)).unwrap();
    assert_eq!(withdrawal.len(), 1);
    let lease = claim(world, JobKind::Withdraw);
    world.write(move |tx, _| order::record_withdrawn(tx, &lease, record)).unwrap();
    world.write(move |tx, now| jobs::finish(tx, &lease, now)).unwrap();
    assert!(world.read(move |tx| order::withdrawal(tx, &worker(), order)).unwrap().is_empty());

    // The owner somebody gave the first version is inherited by the second.
    let command = certhold_domain::ownership::ChangeOwner {
        certificate: first,
        scope: certhold_domain::ownership::Scope::default(),
        to: Some(web),
    };
    world.write(move |tx, now| certhold_domain::ownership::change(tx, &local(), &command, now)).unwrap();
    assert_eq!(world.write(|tx, now| managed::enqueue_due(tx, now, 100)).unwrap(), 0, "not yet");
    world.pass(renew_at - world.now());
    assert_eq!(world.write(|tx, now| managed::enqueue_due(tx, now, 100)).unwrap(), 1);
    assert_eq!(world.write(|tx, now| managed::enqueue_due(tx, now, 100)).unwrap(), 0, "enqueued once");
    let (second, _) = obtain(world, &["www.example.com", "example.com"]);
    let versions = world.read(move |tx| inventory::versions(tx, &local(), id)).unwrap();
    assert_eq!(versions.iter().map(|version| version.id).collect::<Vec<_>>(), [second, first]);
    assert!(versions.iter().all(|version| version.owner == Some((web, "Web".into())) && version.has_key));
    let chain = world.read(move |tx| inventory::chain(tx, &local(), second)).unwrap();
    assert_eq!(chain.iter().map(|member| member.summary.source.as_str()).collect::<Vec<_>>(), ["chain"]);
    let now = world.now();
    let counts = world.read(move |tx| managed::count_by_health(tx, now)).unwrap();
    assert_eq!(counts.iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>(), [&(Health::Good, 1)]);
    let log = world.read(move |tx| managed::log(tx, &local(), id, 100)).unwrap();
    assert_eq!(log.iter().filter(|event| event.operation == "renewal.completed").count(), 2);
    assert_eq!(world.read(move |tx| order::list(tx, &local(), id, 10)).unwrap().len(), 2);
    assert!(world.intact().intact());
}

pub fn a_failure_is_visible_and_retried(world: &World) {
    let id = managed(world, &["example.com"]);
    let lease = claim(world, JobKind::Renew);
    let (order, _) = place(world, &lease);
    let failure = |order_lost| Failure {
        class: FailureClass::ChallengeFailed,
        cause: Some(Cause::ProofNotSeen),
        sentence: "the authority did not find the TXT record".into(),
        detail: Some("{\"type\":\"urn:ietf:params:acme:error:dns\"}".into()),
        retry_after: None,
        order_lost,
    };
    let lost = failure(true);
    world.write(move |tx, now| order::fail(tx, &worker(), &lease, Some(order), &lost, now)).unwrap();
    let failing = state(world, id);
    assert_eq!((failing.failures, failing.health(world.now())), (1, Health::Failing));
    assert_eq!(failing.last_error.as_deref(), Some("the authority did not find the TXT record"));
    assert_eq!((failing.last_cause, failing.failing_since), (Some(Cause::ProofNotSeen), Some(world.now())));
    world.pass(1_000);
    assert!(failing.attempt_due_at.unwrap() > world.now());
    let troubled = ManagedFilter { troubled: true, limit: 10, ..ManagedFilter::default() };
    let filter = troubled.clone();
    assert_eq!(
        world.read(move |tx| managed::list(tx, &local(), &filter, START)).unwrap().managed,
        std::slice::from_ref(&failing)
    );
    assert!(world.read(move |tx| order::work(tx, &worker(), id)).unwrap().unwrap().order.is_none(), "the lost order is over");

    let (actor, reader) = (local(), world.somebody("reader", &[world.role("R", &[paths::RENEWAL_READ])]));
    world.refused(move |tx, now| managed::renew_now(tx, &reader, id, now));
    world.write(move |tx, now| managed::renew_now(tx, &actor, id, now)).unwrap();
    assert_eq!(state(world, id).attempt_due_at, Some(world.now()), "now instead of later");
    let lease = claim(world, JobKind::Renew);
    let kept = Failure { class: FailureClass::RateLimited, retry_after: Some(world.now() + 5 * DAY), ..failure(false) };
    world.write(move |tx, now| order::fail(tx, &worker(), &lease, None, &kept, now)).unwrap();
    let again = state(world, id);
    assert_eq!(again.attempt_due_at, Some(world.now() + 5 * DAY));
    assert_eq!(again.failing_since, failing.failing_since, "since the first of them");

    world.write(move |tx, now| managed::set_paused(tx, &local(), id, true, now)).unwrap();
    world.write(move |tx, now| managed::set_paused(tx, &local(), id, true, now)).unwrap();
    let paused = state(world, id);
    assert_eq!((paused.health(world.now()), paused.attempt_due_at), (Health::Paused, None), "nothing is tried meanwhile");
    world.write(move |tx, now| managed::set_paused(tx, &local(), id, false, now)).unwrap();
    world.write(move |tx, now| managed::renew_now(tx, &local(), id, now)).unwrap();
    obtain(world, &["example.com"]);
    let good = state(world, id);
    assert_eq!((good.failures, good.last_error.as_deref(), good.health(world.now())), (0, None, Health::Good));
    assert_eq!((good.last_cause, good.failing_since), (None, None));
}

/// However much an authority says, what is kept of it has an end.
pub fn an_authoritys_words_are_kept_up_to_a_limit(world: &World) {
    let id = managed(world, &["example.com"]);
    let lease = claim(world, JobKind::Renew);
    let (order, _) = place(world, &lease);
    let endless = "é".repeat(100_000);
    let failure = Failure {
        class: FailureClass::Rejected,
        cause: None,
        sentence: endless.clone(),
        detail: Some(endless.clone()),
        retry_after: None,
        order_lost: false,
    };
    world.write(move |tx, now| order::fail(tx, &worker(), &lease, Some(order), &failure, now)).unwrap();
    let kept = &endless[..2 * limits::ERROR_CHARS];
    assert_eq!(state(world, id).last_error.as_deref(), Some(kept));
    let attempts = world.read(move |tx| order::list(tx, &local(), id, 10)).unwrap();
    assert_eq!((attempts[0].error.as_deref(), attempts[0].detail.as_deref()), (Some(kept), Some(kept)));
    let log = world.read(move |tx| managed::log(tx, &local(), id, 100)).unwrap();
    let failed = log.iter().find(|event| event.operation == "renewal.failed").unwrap();
    assert_eq!((failed.payload["error"].as_str(), failed.payload["detail"].as_str()), (Some(kept), Some(kept)));
    let told: Option<String> = world
        .read(|tx| Ok(tx.one("SELECT error FROM job WHERE kind = 'renew' AND error IS NOT NULL", params![], |row| row.get(0))?))
        .unwrap();
    assert_eq!(told.as_deref(), Some(kept));
}

pub fn versions_may_share_a_key(world: &World) {
    let command = NewManaged { reuse_key: true, ..plan(world, &["example.com"]) };
    let id = world.write(move |tx, now| managed::create(tx, &local(), &command, now)).unwrap();
    let lease = claim(world, JobKind::Renew);
    let (order, pair) = place(world, &lease);
    let (early, late) = (START + 90 * DAY, START + 180 * DAY);
    let leaf = Candidate::of(&issue(&pair, &["example.com"], START, early)).unwrap();
    world.write(move |tx, now| order::complete(tx, &worker(), &lease, order, &leaf, &[], now)).unwrap();
    let shared = world.read(move |tx| order::work(tx, &worker(), id)).unwrap().unwrap().shared_key;
    let key = OrderKey::Shared(shared.expect("the key of the first version"));

    world.write(move |tx, now| managed::renew_now(tx, &local(), id, now)).unwrap();
    let lease = claim(world, JobKind::Renew);
    let order = world.write(move |tx, now| order::begin(tx, &worker(), &lease, &key, b"csr", now)).unwrap();
    let leaf = Candidate::of(&issue(&pair, &["example.com"], START + DAY, late)).unwrap();
    world.write(move |tx, now| order::complete(tx, &worker(), &lease, order, &leaf, &[], now)).unwrap();
    let versions = world.read(move |tx| inventory::versions(tx, &local(), id)).unwrap();
    assert_eq!(versions.iter().map(|version| version.not_after).collect::<Vec<_>>(), [late, early]);
    assert!(versions.iter().all(|version| version.has_key));
}

pub fn a_certificate_is_adopted(world: &World) {
    let web = world.role("Web", &[]);
    let certificate = world.certificate(&["example.com", "www.example.com"], Some(web));
    let command = NewManaged { adopt: Some(certificate), ..plan(world, &[]) };
    let again = NewManaged { name: "again".into(), ..command.clone() };
    let (taken, mail) = (command.clone(), world.role("Mail", &[]));
    let planner = world.somebody("planner", &[mail, world.role("Planners", &["/renewal/", paths::CERTIFICATES_READ])]);
    let stolen = NewManaged { owner: Some(mail), ..taken };
    assert!(matches!(world.refused(move |tx, now| managed::create(tx, &planner, &stolen, now)), Refusal::Forbidden { .. }));
    let id = world.write(move |tx, now| managed::create(tx, &local(), &command, now)).unwrap();
    let adopted = state(world, id);
    assert_eq!((adopted.current, adopted.versions, adopted.names.len()), (Some(certificate), 1, 2));
    assert_eq!(adopted.owner, Some((web, "Web".into())));
    assert_eq!(adopted.health(world.now()), Health::Good);
    assert!(adopted.renew_at.unwrap() >= START + 30 * DAY);
    assert!(matches!(world.refused(move |tx, now| managed::create(tx, &local(), &again, now)), Refusal::Conflict(_)));
    assert!(matches!(world.refused(move |tx, now| inventory::remove(tx, &local(), certificate, now)), Refusal::Conflict(_)));
    let page = world
        .read(|tx| inventory::list(tx, &local(), &inventory::Filter { managed: Some(true), limit: 9, ..Default::default() }));
    assert_eq!(page.unwrap().certificates.len(), 1);
}

pub fn credentials_are_masked_and_kept(world: &World) {
    let id = provider(world);
    let shown = world.read(move |tx| providers::get(tx, &local(), id)).unwrap();
    assert_eq!(shown.settings["api_key"], MASK);
    assert_eq!(shown.settings["server_id"], "localhost", "the default");
    let opened = |world: &World| {
        let row = world.read(move |tx| providers::sealed_credentials(tx, &local(), id)).unwrap().unwrap();
        providers::open_credentials(&world.custody, &row).unwrap()
    };
    let stored = opened(world);
    assert_eq!(stored["api_key"].as_str(), "topsecretapikey");
    let masked = provider_command(world, "Renamed", MASK, Some(&stored)).unwrap();
    world.write(move |tx, now| providers::update(tx, &local(), id, &masked, now)).unwrap();
    assert_eq!(opened(world)["api_key"].as_str(), "topsecretapikey");
    let elsewhere = |api_key: &str| {
        let settings = [("url", "http://127.0.0.9:1"), ("api_key", api_key)];
        let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        ProviderCommand::new("Renamed", "powerdns", &settings, Some(&stored), &world.custody, &world.entropy).unwrap()
    };
    let stolen = elsewhere(MASK);
    let refusal = world.refused(move |tx, now| providers::update(tx, &local(), id, &stolen, now));
    assert!(refusal.to_string().contains("enter them again"), "{refusal}");
    let entered = elsewhere("topsecretapikey");
    world.write(move |tx, now| providers::update(tx, &local(), id, &entered, now)).unwrap();
    for (name, value) in [("url", "file:///etc/passwd"), ("url", "http://user:password@127.0.0.1"), ("ttl", "-1")] {
        let mut settings =
            BTreeMap::from([("url".to_owned(), "http://127.0.0.1".to_owned()), ("api_key".to_owned(), "k".to_owned())]);
        settings.insert(name.to_owned(), value.to_owned());
        let refused = ProviderCommand::new("x", "powerdns", &settings, None, &world.custody, &world.entropy);
        assert!(refused.is_err(), "{name}={value}");
    }
    let changed = provider_command(world, "Renamed", "anotherkey", Some(&stored)).unwrap();
    world.write(move |tx, now| providers::update(tx, &local(), id, &changed, now)).unwrap();
    assert_eq!(opened(world)["api_key"].as_str(), "anotherkey");
    assert!(provider_command(world, "x", MASK, None).is_err(), "a mask is no credential");
    assert!(provider_command(world, "x", "", None).is_err());
    let odd = BTreeMap::from([("colour".to_owned(), "blue".to_owned())]);
    assert!(ProviderCommand::new("x", "powerdns", &odd, None, &world.custody, &world.entropy).is_err());
    assert!(ProviderCommand::new("x", "no such", &odd, None, &world.custody, &world.entropy).is_err());
    let twice = provider_command(world, " RENAMED ", "k", None).unwrap();
    world.refused(move |tx, now| providers::create(tx, &local(), &twice, now));
    let reader = world.somebody("reader", &[world.role("R", &[paths::DNS_PROVIDERS_READ])]);
    assert!(world.read(move |tx| providers::sealed_credentials(tx, &reader, id)).is_err());
}

pub fn what_is_used_is_not_removed(world: &World) {
    let id = managed(world, &["example.com"]);
    let plan = state(world, id);
    let IssuedBy::Acme { issuer: (issuer, _), dns_provider: (provider, _), .. } = plan.by else { panic!("{plan:?}") };
    world.refused(move |tx, now| providers::remove(tx, &local(), provider, now));
    world.refused(move |tx, now| issuers::remove(tx, &local(), issuer, now));
    let lease = claim(world, JobKind::Renew);
    assert!(
        matches!(world.refused(move |tx, now| managed::remove(tx, &local(), id, now)), Refusal::Conflict(_)),
        "while it runs"
    );
    world.write(move |tx, now| jobs::put_off(tx, &lease, now, None)).unwrap();
    let (certificate, _) = obtain(world, &["example.com"]);
    let sealed = world.custody.seal(&world.entropy, certhold_domain::custody::SecretKind::AcmeAccount, b"{}").unwrap();
    let again = sealed.clone();
    world.write(move |tx, now| issuers::registered(tx, &worker(), issuer, &sealed, now)).unwrap();
    world.write(move |tx, now| issuers::registered(tx, &worker(), issuer, &again, now)).unwrap();
    assert!(world.read(move |tx| issuers::open(tx, issuer)).unwrap().account.is_some());
    world.write(move |tx, now| managed::renew_now(tx, &local(), id, now)).unwrap();
    let lease = claim(world, JobKind::Renew);
    for _ in 0..2 {
        world.write(move |tx, now| issuers::forget_account(tx, &worker(), &lease, issuer, now)).unwrap();
    }
    world.write(move |tx, now| jobs::put_off(tx, &lease, now, None)).unwrap();
    assert!(!world.read(move |tx| issuers::get(tx, &local(), issuer)).unwrap().registered);

    world.write(move |tx, now| managed::remove(tx, &local(), id, now)).unwrap();
    assert!(world.read(move |tx| order::work(tx, &worker(), id)).unwrap().is_none());
    let kept = world.read(move |tx| inventory::summary(tx, &local(), certificate)).unwrap();
    assert_eq!(kept.lineage, None, "its certificates stay");
    world.write(move |tx, now| providers::remove(tx, &local(), provider, now)).unwrap();
    let refusal = world.refused(move |tx, now| issuers::remove(tx, &local(), issuer, now));
    assert!(refusal.to_string().contains("its account is what revokes it"), "{refusal}");
    world.pass(90 * DAY);
    world.write(move |tx, now| issuers::remove(tx, &local(), issuer, now)).unwrap();
    assert_eq!(world.read(|tx| providers::list(tx, &local())).unwrap().len(), 0);
    assert_eq!(world.read(|tx| issuers::list(tx, &local())).unwrap().len(), 0);

    let bad = |directory: &str, contact: &str| {
        let settings = AcmeSettings { directory: directory.into(), contacts: vec![contact.into()], ..Default::default() };
        NewIssuer { name: "Bad".into(), settings, eab_key: None }
    };
    for command in [
        bad("http://ca.example.com", "a@b.c"),
        bad("https://u@ca", "a@b.c"),
        bad("https://ca.example.com", "nobody"),
        bad("https://ca.example.com", "a@b.c,d@e.f"),
    ] {
        world.refused(move |tx, now| issuers::create(tx, &local(), &command, now));
    }
    for names in [&[][..], &["not a name"], &["*.*.example.com"], &["a..b"], &["xn--"], &["example.com\0"]] {
        let command = NewManaged { names: names.iter().map(|name| (*name).to_owned()).collect(), ..plan_for(issuer, provider) };
        world.refused(move |tx, now| managed::create(tx, &local(), &command, now));
    }
}

fn plan_for(issuer: IssuerId, dns_provider: DnsProviderId) -> NewManaged {
    NewManaged {
        name: String::new(),
        names: Vec::new(),
        by: IssueBy::Acme(AcmePlan { issuer, dns_provider, profile: None }),
        key_kind: Some(KeyKind::P256),
        reuse_key: false,
        owner: None,
        adopt: None,
    }
}
