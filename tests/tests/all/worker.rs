//! The worker in this process: real authority, real DNS, no HTTP of ours.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use certhold_domain::access::AccessCache;
use certhold_domain::collections::Scope;
use certhold_domain::custody::{Custody, MasterKey};
use certhold_domain::enrolment::Under;
use certhold_domain::inventory::{self, Revocation, RevocationReason, Revoke};
use certhold_domain::private_ca::{self, Bounds, Hands, NewAuthority, Profile};
use certhold_domain::renewal::issuers::{self, AcmeSettings, NewIssuer};
use certhold_domain::renewal::managed::{self, Managed, NewManaged};
use certhold_domain::renewal::providers::{self, ProviderCommand};
use certhold_domain::renewal::revocation::Standing;
use certhold_domain::renewal::{AcmePlan, IssueBy, KeyKind, PrivatePlan};
use certhold_domain::{Actor, AuthorityId, CertificateId, Clock, Core, DnsProviderId, IssuerId, LineageId, MIGRATIONS, Result};
use certhold_outside::dns::Resolvers;
use certhold_outside::keys::{SoftwareKeys, SystemEntropy};
use certhold_outside::worker::{self, Settings, Worker};
use certhold_store::{Options, Store, Tx};
use certhold_tests::bind::Zone;
use certhold_tests::lab::Lab;
use certhold_tests::pebble::{self, Pebble};
use certhold_tests::postgres::{Database, engines};

struct Now;

impl Clock for Now {
    fn now(&self) -> i64 {
        i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()).unwrap()
    }
}

struct Node {
    core: Core,
    worker: Worker,
    heartbeat: Arc<AtomicI64>,
    _database: Database,
}

fn local() -> Actor {
    Actor::local("story")
}

impl Node {
    fn start(database: Database, lab: &Lab) -> Node {
        let store = Store::open(&database.location().parse().unwrap(), MIGRATIONS, Options::default()).unwrap();
        let uuids = [uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2)];
        store.write_blocking(move |tx| certhold_domain::prepare(tx, &uuids, Now.now())).unwrap();
        let core = Core {
            store,
            custody: Arc::new(Custody::new(MasterKey::generate(&SystemEntropy))),
            entropy: Arc::new(SystemEntropy),
            clock: Arc::new(Now),
            access: Arc::new(AccessCache::default()),
        };
        let resolvers = Resolvers::new(&[lab.resolver.dns.to_string()]).unwrap().with_authoritative_port(lab.authoritative_port);
        let heartbeat = Arc::new(AtomicI64::new(0));
        let settings = Settings { holder: "node".into(), concurrency: 4, resolvers, store_roots: Default::default() };
        let worker = worker::start(core.clone(), settings, heartbeat.clone());
        Node { core, worker, heartbeat, _database: database }
    }

    async fn write<T: Send + 'static>(&self, work: impl Fn(&mut Tx<'_>, i64) -> Result<T> + Send + 'static) -> Result<T> {
        self.core.store.write(move |tx| work(tx, Now.now())).await
    }

    async fn read<T: Send + 'static>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static) -> T {
        self.core.store.read(work).await.unwrap()
    }

    async fn issuer(&self, name: &str, pebble: &Pebble) -> IssuerId {
        let settings = AcmeSettings {
            directory: pebble.directory.clone(),
            contacts: vec!["pki@example.org".into()],
            trust_root: Some(pebble.root_pem.clone()),
            eab_key_id: None,
        };
        let command = NewIssuer { name: name.into(), settings, eab_key: None };
        self.write(move |tx, now| issuers::create(tx, &local(), &command, now)).await.unwrap()
    }

    async fn provider(&self, name: &str, kind: &str, settings: &[(&str, String)]) -> DnsProviderId {
        let settings: BTreeMap<String, String> = settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let command = ProviderCommand::new(name, kind, &settings, None, &self.core.custody, &SystemEntropy).unwrap();
        self.write(move |tx, now| providers::create(tx, &local(), &command, now)).await.unwrap()
    }

    async fn powerdns(&self, lab: &Lab) -> DnsProviderId {
        let settings = [("url", lab.powerdns.api.clone()), ("api_key", lab.powerdns.api_key.clone())];
        self.provider("PowerDNS", "powerdns", &settings).await
    }

    async fn manage(&self, names: &[&str], issuer: IssuerId, dns_provider: DnsProviderId, key_kind: KeyKind) -> LineageId {
        let command = NewManaged {
            name: String::new(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            by: IssueBy::Acme(AcmePlan { issuer, dns_provider, profile: None }),
            key_kind: Some(key_kind),
            reuse_key: false,
            owner: None,
            adopt: None,
        };
        self.write(move |tx, now| managed::create(tx, &local(), &command, now)).await.unwrap()
    }

    /// Waits until this holds of a managed certificate.
    async fn until(&self, id: LineageId, what: &str, holds: impl Fn(&Managed) -> bool) -> Managed {
        let started = Instant::now();
        loop {
            let managed = self.read(move |tx| managed::get(tx, &local(), id)).await;
            if holds(&managed) {
                return managed;
            }
            assert!(started.elapsed() < Duration::from_secs(90), "not {what}: {managed:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn until_withdrawn(&self, lab: &Lab, zone: &str) {
        let started = Instant::now();
        while !lab.powerdns.txt_records(zone).await.is_empty() {
            assert!(started.elapsed() < Duration::from_secs(30), "left: {:?}", lab.powerdns.txt_records(zone).await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_obtained_and_renewed_although_half_of_the_nonces_are_rejected() {
    let lab = Lab::start(&["example.org"], &[]).await;
    let pebble = Pebble::start(&pebble::Options { rejected_nonces: 50, ..pebble::Options::new(lab.resolver.dns) }).await;
    let node = Node::start(Database::sqlite(), &lab).await_ready().await;
    let (issuer, provider) = (node.issuer("Pebble", &pebble).await, node.powerdns(&lab).await);

    let id = node.manage(&["example.org", "*.example.org"], issuer, provider, KeyKind::P384).await;
    let first = node.until(id, "obtained", |managed| managed.current.is_some()).await;
    let held = node.read(move |tx| inventory::get(tx, &local(), first.current.unwrap())).await;
    let names: std::collections::BTreeSet<&str> = held.summary.names.iter().map(String::as_str).collect();
    assert_eq!(names, ["*.example.org", "example.org"].into());
    assert_eq!(held.facts().unwrap().key_curve.as_deref(), Some("P-384"));
    assert!(held.summary.has_key);
    let chain = node.read(move |tx| inventory::chain(tx, &local(), held.summary.id)).await;
    assert!(certhold_pki::verify_signed_by(&held.der, &chain[0].der).is_ok());

    node.write(move |tx, now| managed::renew_now(tx, &local(), id, now)).await.unwrap();
    let second = node.until(id, "renewed", |managed| managed.versions == 2).await;
    assert_ne!(second.current, first.current);
    assert_eq!((second.failures, second.last_error), (0, None));
    node.until_withdrawn(&lab, "example.org").await;
    node.worker.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_renews_by_itself_at_two_thirds_of_its_life() {
    let lab = Lab::start(&["example.org"], &[]).await;
    let pebble = Pebble::start(&pebble::Options { validity_seconds: 18, ..pebble::Options::new(lab.resolver.dns) }).await;
    let node = Node::start(Database::sqlite(), &lab).await_ready().await;
    let (issuer, provider) = (node.issuer("Pebble", &pebble).await, node.powerdns(&lab).await);
    let id = node.manage(&["brief.example.org"], issuer, provider, KeyKind::P256).await;
    let first = node.until(id, "obtained", |managed| managed.current.is_some()).await;
    let held = node.read(move |tx| inventory::summary(tx, &local(), first.current.unwrap())).await;
    let two_thirds = held.not_before + (held.not_after - held.not_before) / 3 * 2;
    assert!(first.renew_at.unwrap() >= two_thirds && first.renew_at.unwrap() < held.not_after);

    let second = node.until(id, "renewed by itself", |managed| managed.versions == 2).await;
    assert!(Now.now() >= two_thirds, "not before its time");
    let next = node.read(move |tx| inventory::summary(tx, &local(), second.current.unwrap())).await;
    assert!(next.not_after > held.not_after);
    node.worker.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_say_why_and_heal() {
    let mut lab = Lab::start(&["example.org"], &[Zone { name: "example.net", records: "" }]).await;
    let blocked = vec!["blocked.example.org".to_owned()];
    let mut pebble = Pebble::start(&pebble::Options { blocked, ..pebble::Options::new(lab.resolver.dns) }).await;
    let node = Node::start(Database::sqlite(), &lab).await_ready().await;
    let (issuer, provider) = (node.issuer("Pebble", &pebble).await, node.powerdns(&lab).await);
    let failed = |managed: &Managed| managed.failures > 0;

    let refused = node.manage(&["blocked.example.org"], issuer, provider, KeyKind::P256).await;
    let managed = node.until(refused, "refused", failed).await;
    assert!(managed.last_error.as_ref().unwrap().contains("blocked.example.org"), "{managed:?}");
    assert!(managed.attempt_due_at.unwrap() - Now.now() > 8 * 60_000, "a human must look: no hurry");

    let elsewhere = node.manage(&["www.example.net"], issuer, provider, KeyKind::P256).await;
    let managed = node.until(elsewhere, "without a zone", failed).await;
    assert!(managed.last_error.as_ref().unwrap().contains("serves no zone that contains"), "{managed:?}");

    let wrong = [("url", lab.powerdns.api.clone()), ("api_key", "wrong".to_owned())];
    let stranger = node.provider("Stranger", "powerdns", &wrong).await;
    let strange = node.manage(&["strange.example.org"], issuer, stranger, KeyKind::P256).await;
    let managed = node.until(strange, "without the right key", failed).await;
    assert!(managed.last_error.as_ref().unwrap().contains("refuses the credentials"), "{managed:?}");

    lab.powerdns.stop();
    let patient = node.manage(&["patient.example.org"], issuer, provider, KeyKind::P256).await;
    let managed = node.until(patient, "without its DNS server", failed).await;
    assert!(managed.attempt_due_at.unwrap() - Now.now() < 20_000, "tried again soon: {managed:?}");
    lab.powerdns.restart().await;
    node.write(move |tx, now| managed::renew_now(tx, &local(), patient, now)).await.unwrap();
    let healed = node.until(patient, "healed", |managed| managed.current.is_some()).await;
    assert_eq!((healed.failures, healed.last_error), (0, None));

    // The authority forgets its accounts: another one is registered.
    pebble.stop();
    pebble.restart().await;
    node.write(move |tx, now| managed::renew_now(tx, &local(), patient, now)).await.unwrap();
    node.until(patient, "forgotten or renewed", |managed| managed.versions == 2 || managed.failures > 0).await;
    node.write(move |tx, now| managed::renew_now(tx, &local(), patient, now)).await.unwrap();
    node.until(patient, "renewed with another account", |managed| managed.versions == 2).await;
    node.until_withdrawn(&lab, "example.org").await;
    node.worker.stop(Duration::from_secs(5)).await;
}

/// Revokes at the issuer, and waits until it stands there as wanted.
async fn revoke(
    node: &Node,
    id: CertificateId,
    reason: RevocationReason,
    what: &str,
    holds: impl Fn(&Standing) -> bool,
) -> Standing {
    let revocation = Revocation { effective_at: Now.now(), reason, comment: "the story wants it".into() };
    let command = Revoke { certificates: vec![id], revocation };
    node.write(move |tx, now| inventory::revoke(tx, &local(), &command, Scope::everywhere(now), now)).await.unwrap();
    let started = Instant::now();
    loop {
        let whole = node.read(move |tx| inventory::get_whole(tx, &local(), id, Scope::everywhere(0))).await;
        let standing = whole.at_issuer.expect("an issuer").standing;
        if holds(&standing) {
            return standing;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "not {what}: {standing:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_obtained_is_revoked_at_its_authority() {
    for database in engines() {
        let lab = Lab::start(&["example.org"], &[]).await;
        let mut pebble = Pebble::start(&pebble::Options::new(lab.resolver.dns)).await;
        let node = Node::start(database, &lab).await_ready().await;
        let (issuer, provider) = (node.issuer("Pebble", &pebble).await, node.powerdns(&lab).await);
        let other = node.issuer("Other account", &pebble).await;
        let mut held = Vec::new();
        for (name, issuer) in
            [("a.example.org", issuer), ("b.example.org", issuer), ("c.example.org", issuer), ("d.example.org", other)]
        {
            let id = node.manage(&[name], issuer, provider, KeyKind::P256).await;
            held.push(node.until(id, "obtained", |managed| managed.current.is_some()).await.current.unwrap());
        }
        let mut serials = Vec::new();
        for id in held.clone() {
            serials.push(node.read(move |tx| inventory::summary(tx, &local(), id)).await.serial);
        }
        let status = async |serial: &str| pebble.certificate_status(serial).await;
        let done = |standing: &Standing| matches!(standing, Standing::Revoked { .. });
        let refused = |standing: &Standing| matches!(standing, Standing::Refused { .. });

        // Really, and with the reason.
        assert_eq!(status(&serials[0]).await["Status"], "Valid");
        let standing = revoke(&node, held[0], RevocationReason::KeyCompromise, "revoked", done).await;
        assert_eq!(standing, Standing::Revoked { already: false });
        let told = status(&serials[0]).await;
        assert_eq!((&told["Status"], &told["Reason"]), (&"Revoked".into(), &1.into()));
        // Asked again after a crash before the answer was recorded: it is revoked already.
        node.tamper("UPDATE acme_revocation SET state = 'refused'").await;
        let standing = revoke(&node, held[0], RevocationReason::KeyCompromise, "revoked already", done).await;
        assert_eq!(standing, Standing::Revoked { already: true });
        assert_eq!(status(&serials[0]).await["Reason"], 1);
        // Another account may not.
        node.tamper("UPDATE acme_certificate SET issuer = 2 WHERE certificate = (SELECT max(certificate) FROM acme_certificate WHERE issuer = 1)").await;
        let Standing::Refused { error, detail: Some(detail) } =
            revoke(&node, held[2], RevocationReason::Superseded, "refused", refused).await
        else {
            panic!()
        };
        assert!(error.contains("does not accept the account") && detail.contains("unauthorized"), "{error} {detail}");
        assert_eq!(status(&serials[2]).await["Status"], "Valid", "nothing is claimed");

        // Nor is another one made when its own is not held any more, as another node may have found.
        node.tamper("UPDATE issuer SET account = NULL WHERE id = 2").await;
        let given_up = |standing: &Standing| matches!(standing, Standing::GivenUp { .. });
        let Standing::GivenUp { error, detail: None } =
            revoke(&node, held[3], RevocationReason::Superseded, "given up", given_up).await
        else {
            panic!()
        };
        assert!(error.contains("is not held any more"), "{error}");
        assert!(!node.read(move |tx| issuers::get(tx, &local(), other)).await.registered);
        assert_eq!(status(&serials[3]).await["Status"], "Valid");

        // An authority that is down is asked again; this one comes back without memory of its accounts.
        pebble.stop();
        let failed = |standing: &Standing| matches!(standing, Standing::Asked { failures: 1, .. });
        let Standing::Asked { error: Some(error), next_try: Some(next), .. } =
            revoke(&node, held[1], RevocationReason::Superseded, "tried", failed).await
        else {
            panic!()
        };
        assert!(error.contains("cannot be reached") && next > Now.now(), "{error}");
        pebble.restart().await;
        node.tamper("UPDATE job SET due_at = 0 WHERE kind = 'revoke'").await;
        let standing = revoke(&node, held[1], RevocationReason::Superseded, "refused", refused).await;
        let Standing::Refused { error, .. } = standing else { panic!("{standing:?}") };
        assert!(error.contains("does not accept the account"), "{error}");
        node.worker.stop(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_renews_by_itself() {
    for database in engines() {
        let lab = Lab::start(&["example.org"], &[]).await;
        let node = Node::start(database, &lab).await_ready().await;
        let authority = node.authority().await;
        let by = |days| {
            IssueBy::Private(PrivatePlan {
                under: Under::Template(Profile::Server),
                authority: Some(authority),
                subject: None,
                days,
                metadata: Vec::new(),
            })
        };
        let command = NewManaged {
            name: String::new(),
            names: vec!["db1.internal".into(), "192.0.2.7".into()],
            by: by(None),
            key_kind: Some(KeyKind::P384),
            reuse_key: true,
            owner: None,
            adopt: None,
        };
        let id = node.write(move |tx, now| managed::create(tx, &local(), &command, now)).await.unwrap();
        let first = node.until(id, "issued", |managed| managed.current.is_some()).await;
        // Its time has come.
        node.tamper("UPDATE lineage SET renew_at = 1").await;
        let second = node.until(id, "renewed by itself", |managed| managed.versions == 2).await;
        let mut facts = Vec::new();
        for id in [first.current, second.current] {
            let held = node.read(move |tx| inventory::get(tx, &local(), id.unwrap())).await;
            assert!(held.summary.has_key);
            facts.push(held.facts().unwrap());
        }
        assert_eq!((facts[0].spki_sha256, facts[0].key_curve.as_deref()), (facts[1].spki_sha256, Some("P-384")), "the same key");
        assert_ne!(facts[0].serial, facts[1].serial);
        // What it cannot issue is told.
        node.write(move |tx, now| private_ca::retire(tx, &local(), authority, now)).await.unwrap();
        node.write(move |tx, now| managed::renew_now(tx, &local(), id, now)).await.unwrap();
        let failing = node.until(id, "refused", |managed| managed.failures > 0).await;
        assert!(failing.last_error.as_ref().unwrap().contains("is retired"), "{failing:?}");
        assert!(failing.attempt_due_at.unwrap() - Now.now() > 8 * 60_000, "a human must look: no hurry");
        node.worker.stop(Duration::from_secs(5)).await;
    }
}

impl Node {
    /// A root with its key in custody.
    async fn authority(&self) -> AuthorityId {
        let new = NewAuthority {
            name: "Example Root".into(),
            subject: "CN=Example Root, O=Example".into(),
            key_kind: KeyKind::P256,
            days: 3_650,
            parent: None,
            bounds: Bounds::default(),
            base_url: String::new(),
            list_days: 7,
        };
        let now = Now.now();
        let draft = self.read(move |tx| private_ca::draft(tx, &local(), &new, now)).await;
        let hands = Hands { custody: &self.core.custody, keys: &SoftwareKeys, entropy: &SystemEntropy };
        let signed = draft.sign(hands, now).unwrap();
        self.write(move |tx, now| private_ca::create(tx, &local(), &signed, now)).await.unwrap()
    }

    /// Changes the database behind the product's back.
    async fn tamper(&self, sql: &'static str) {
        let changed = self.write(move |tx, _| Ok(tx.execute(sql, certhold_store::params![])?)).await.unwrap();
        assert!(changed > 0, "{sql} changed nothing");
    }

    /// The worker looks for jobs from the beginning.
    async fn await_ready(self) -> Node {
        while self.heartbeat.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self
    }
}
