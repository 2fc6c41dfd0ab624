//! Certificates from Pebble, proven through real DNS servers, and the refusals of authorities.

use crate::dns::{bind_provider, lab_resolvers, powerdns_provider};
use certhold_domain::renewal::KeyKind;
use certhold_outside::acme::{
    AcmeError, AcmeErrorKind, Authority, ExternalAccount, NewOrder, Order, PendingChallenge, Progress, RevocationReason, Revoked,
    Session, register,
};
use certhold_outside::dns::{Provider, Resolvers, challenge_name, propagation};
use certhold_outside::keys::{certificate_request, generate};
use certhold_pki::{Facts, PrivateKey, lint_issued, order_chain, verify_signed_by};
use certhold_tests::bind::Zone;
use certhold_tests::dig::txt;
use certhold_tests::lab::Lab;
use certhold_tests::pebble::{Options, Pebble};
use certhold_tests::scripted::{Answer, Request, Scripted};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// A lab with `example.test` at PowerDNS and `bind.test` at BIND, and an authority that validates through its resolver.
struct World {
    lab: Lab,
    pebble: Pebble,
    authority: Authority,
    resolvers: Resolvers,
}

impl World {
    async fn start(change: impl FnOnce(&mut Options)) -> Self {
        let bind = Zone { name: "bind.test", records: "www A 192.0.2.1" };
        let lab = Lab::start(&["example.test"], &[bind]).await;
        let mut options = Options::new(lab.resolver.dns);
        change(&mut options);
        let pebble = Pebble::start(&options).await;
        let authority = Authority::new(&pebble.directory, Some(&pebble.root_pem)).unwrap();
        let resolvers = lab_resolvers(&lab);
        Self { lab, pebble, authority, resolvers }
    }

    fn powerdns(&self) -> Provider {
        powerdns_provider(&self.lab.powerdns)
    }

    fn bind(&self) -> Provider {
        bind_provider(&self.lab.bind)
    }

    async fn account(&self) -> Session {
        register(&self.authority, &["admin@example.test".to_owned()], None).await.unwrap().0
    }

    /// Publishes the values, and waits until the zone's servers show them.
    async fn prove(&self, provider: &Provider, challenges: &[PendingChallenge]) -> Vec<(String, String)> {
        let mut published = Vec::new();
        for challenge in challenges {
            let name = challenge_name(&challenge.domain, &self.resolvers).await.unwrap().name;
            provider.publish(&name, &challenge.value).await.unwrap();
            published.push((name, challenge.value.clone()));
        }
        for (name, value) in &published {
            let mut patience = Patience::new();
            while !propagation::visible(name, value, &self.resolvers, &[]).await.unwrap().everywhere() {
                patience.wait().await;
            }
        }
        published
    }

    /// The whole way to a certificate. Returns its chain, leaf first, and its key.
    async fn obtain(&self, session: &Session, provider: &Provider, names: &[&str]) -> (Vec<Vec<u8>>, PrivateKey) {
        let names = strings(names);
        let mut order = session.place(new_order(&names)).await.unwrap();
        let challenges = order.challenges().await.unwrap();
        let published = self.prove(provider, &challenges).await;
        order.tell_ready().await.unwrap();
        reach(&mut order, Progress::Ready).await;
        let key = generate(KeyKind::P256).unwrap();
        order.finalise(&certificate_request(&key, &names).unwrap()).await.unwrap();
        reach(&mut order, Progress::Valid).await;
        let chain = order.chain().await.unwrap();
        for (name, value) in &published {
            provider.withdraw(name, value).await.unwrap();
        }
        let chain = self.checked(&chain, &key, &names).await;
        (chain, key)
    }

    /// The chain in `pem`, if it is what was ordered and leads to the authority's root.
    async fn checked(&self, pem: &str, key: &PrivateKey, names: &[String]) -> Vec<Vec<u8>> {
        let chain = certificates(pem);
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        assert_eq!(lint_issued(&chain[0], key.spki_der(), names, now), [] as [&str; 0]);
        let root = certificates(&self.pebble.issuing_root().await).remove(0);
        let ordered = order_chain(&chain[0], &chain);
        verify_signed_by(ordered.last().unwrap(), &root).unwrap();
        let status = self.pebble.certificate_status(&Facts::of(&chain[0]).unwrap().serial).await;
        assert_eq!(status["Status"], "Valid");
        chain
    }
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn new_order(names: &[String]) -> NewOrder<'_> {
    NewOrder { names, profile: None, replaces: None }
}

fn certificates(pem: &str) -> Vec<Vec<u8>> {
    certhold_pki::read(pem.as_bytes(), None).unwrap().certificates.into_iter().map(|found| found.der).collect()
}

/// Waits a little, but not for ever.
struct Patience(u32);

impl Patience {
    fn new() -> Self {
        Self(0)
    }

    async fn wait(&mut self) {
        self.0 += 1;
        assert!(self.0 < 400, "nothing came of it within twenty seconds");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn reach(order: &mut Order, goal: Progress) {
    let mut patience = Patience::new();
    while order.progress().await.unwrap() != goal {
        patience.wait().await;
    }
}

async fn failure(order: &mut Order) -> AcmeError {
    let mut patience = Patience::new();
    loop {
        match order.progress().await {
            Err(error) => return error,
            Ok(_) => patience.wait().await,
        }
    }
}

#[tokio::test]
async fn a_domain_and_its_wildcard_through_powerdns() {
    let world = World::start(|_| {}).await;
    let session = world.account().await;
    let (chain, _) = world.obtain(&session, &world.powerdns(), &["example.test", "*.example.test", "www.example.test"]).await;
    let facts = Facts::of(&chain[0]).unwrap();
    let mut names: Vec<_> = facts.dns_names().collect();
    names.sort_unstable();
    assert_eq!(names, ["*.example.test", "example.test", "www.example.test"]);
    assert_eq!(world.lab.powerdns.txt_records("example.test").await, [], "no TXT value is left");
}

#[tokio::test]
async fn through_bind_while_half_of_all_nonces_are_rejected() {
    let world = World::start(|options| options.rejected_nonces = 50).await;
    let session = world.account().await;
    for round in 0..5 {
        let name = format!("n{round}.bind.test");
        world.obtain(&session, &world.bind(), &[&name, &format!("*.{name}"), "bind.test"]).await;
        assert_eq!(txt(world.lab.bind.dns, &format!("_acme-challenge.{name}")).await, [] as [&str; 0]);
    }
    assert!(world.pebble.log().contains("nonce"), "nonces were in fact rejected");
}

#[tokio::test]
async fn a_challenge_delegated_to_another_zone() {
    let world = World::start(|_| {}).await;
    let alias = "_acme-challenge.www.example.test";
    world.lab.powerdns.set("example.test", alias, "CNAME", &["www.validation.bind.test."]).await;
    let session = world.account().await;
    // The provider is the one that serves the target: it has no rights over the zone of the name itself.
    world.obtain(&session, &world.bind(), &["www.example.test"]).await;
    assert_eq!(world.lab.powerdns.txt_records("example.test").await, []);
}

#[tokio::test]
async fn every_kind_of_key_that_the_authority_takes() {
    let world = World::start(|_| {}).await;
    let session = world.account().await;
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048, KeyKind::Rsa3072] {
        let names = strings(&["key.example.test"]);
        let mut order = session.place(new_order(&names)).await.unwrap();
        let challenges = order.challenges().await.unwrap();
        world.prove(&world.powerdns(), &challenges).await;
        order.tell_ready().await.unwrap();
        reach(&mut order, Progress::Ready).await;
        let key = generate(kind).unwrap();
        order.finalise(&certificate_request(&key, &names).unwrap()).await.unwrap();
        reach(&mut order, Progress::Valid).await;
        world.checked(&order.chain().await.unwrap(), &key, &names).await;
    }
}

/// Before each step everything in memory is lost and comes back from credentials and URL; and each step happens twice.
#[tokio::test]
async fn every_step_can_be_the_first_after_a_crash_and_can_happen_twice() {
    let world = World::start(|options| options.rejected_nonces = 30).await;
    let (_, credentials) = register(&world.authority, &[], None).await.unwrap();
    let credentials: Arc<Zeroizing<String>> = Arc::new(credentials);
    let session = async || Session::restore(&world.authority, &credentials).await.unwrap();
    let names = strings(&["example.test", "*.example.test"]);
    let provider = world.powerdns();

    let url = session().await.place(new_order(&names)).await.unwrap().url().to_owned();
    let order = async || session().await.order(&url).await.unwrap();
    let first = order().await.challenges().await.unwrap();
    let challenges = order().await.challenges().await.unwrap();
    assert_eq!(challenges, first, "the values are the same whenever they are asked for");
    assert_eq!(challenges.len(), 2);
    assert!(challenges.iter().all(|challenge| challenge.domain == "example.test" && !challenge.told));
    assert_eq!(challenges.iter().filter(|challenge| challenge.wildcard).count(), 1);
    for _ in 0..2 {
        world.prove(&provider, &challenges).await;
    }
    for _ in 0..2 {
        order().await.tell_ready().await.unwrap();
    }
    reach(&mut order().await, Progress::Ready).await;
    order().await.tell_ready().await.unwrap();
    assert_eq!(order().await.challenges().await.unwrap(), [], "nothing is left to prove");
    let key = generate(KeyKind::P256).unwrap();
    let request = certificate_request(&key, &names).unwrap();
    for _ in 0..2 {
        order().await.finalise(&request).await.unwrap();
    }
    reach(&mut order().await, Progress::Valid).await;
    assert_eq!(order().await.finalise(&request).await.unwrap(), Progress::Valid);
    let chain = order().await.chain().await.unwrap();
    assert_eq!(order().await.chain().await.unwrap(), chain);
    world.checked(&chain, &key, &names).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_orders_at_once_on_one_account() {
    let world = Arc::new(World::start(|_| {}).await);
    let session = world.account().await;
    let jobs: Vec<_> = (0..12)
        .map(|n| {
            let (world, session) = (Arc::clone(&world), session.clone());
            tokio::spawn(async move {
                let provider = if n % 2 == 0 { world.powerdns() } else { world.bind() };
                let zone = if n % 2 == 0 { "example.test" } else { "bind.test" };
                // Half of the orders share a name, so their values stand side by side in one RRset.
                let name = if n % 4 < 2 { zone.to_owned() } else { format!("n{n}.{zone}") };
                world.obtain(&session, &provider, &[&name]).await.0.remove(0)
            })
        })
        .collect();
    let mut leaves = Vec::new();
    for job in jobs {
        leaves.push(job.await.unwrap_or_else(|error| panic!("{error}: {}", world.lab.powerdns.log())));
    }
    leaves.sort();
    leaves.dedup();
    assert_eq!(leaves.len(), 12);
    assert_eq!(world.lab.powerdns.txt_records("example.test").await, []);
    assert_eq!(txt(world.lab.bind.dns, "_acme-challenge.bind.test").await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_failed_challenge_tells_the_name_and_the_reason() {
    let world = World::start(|_| {}).await;
    let session = world.account().await;
    let names = strings(&["nothing.example.test"]);
    let mut order = session.place(new_order(&names)).await.unwrap();
    order.challenges().await.unwrap();
    order.tell_ready().await.unwrap();
    let error = failure(&mut order).await;
    assert_eq!(error.kind, AcmeErrorKind::ChallengeFailed, "{error:?}");
    assert!(error.sentence.contains("nothing.example.test"), "{error}");
    let document: Value = serde_json::from_str(&error.problem.as_ref().unwrap().document).unwrap();
    assert!(document["type"].as_str().unwrap().starts_with("urn:ietf:params:acme:error:"), "{document}");
    // Later, and after a restart, the reason can still be told.
    let mut again = session.order(order.url()).await.unwrap();
    assert_eq!(again.challenges().await.unwrap_err(), error);
    assert_eq!(again.progress().await.unwrap_err(), error);
    let request = certificate_request(&generate(KeyKind::P256).unwrap(), &names).unwrap();
    assert_eq!(again.finalise(&request).await.unwrap_err().kind, AcmeErrorKind::ChallengeFailed);
}

#[tokio::test]
async fn a_wrong_value_is_a_failed_challenge() {
    let world = World::start(|_| {}).await;
    let session = world.account().await;
    let mut order = session.place(new_order(&strings(&["wrong.example.test"]))).await.unwrap();
    world.powerdns().publish("_acme-challenge.wrong.example.test", "not-the-value").await.unwrap();
    order.tell_ready().await.unwrap();
    let error = failure(&mut order).await;
    assert_eq!(error.kind, AcmeErrorKind::ChallengeFailed);
    assert_eq!(error.problem.unwrap().kind, "unauthorized");
}

#[tokio::test]
async fn a_blocked_domain_is_rejected() {
    let world = World::start(|options| options.blocked = vec!["blocked.test".to_owned()]).await;
    let session = world.account().await;
    let error = session.place(new_order(&strings(&["www.blocked.test", "example.test"]))).await.unwrap_err();
    assert_eq!(error.kind, AcmeErrorKind::Rejected, "{error:?}");
    let problem = error.problem.unwrap();
    assert_eq!(problem.kind, "rejectedIdentifier");
    assert!(problem.detail.contains("blocked.test"), "{}", problem.detail);
}

#[tokio::test]
async fn orders_that_make_no_sense_are_rejected() {
    let world = World::start(|_| {}).await;
    let session = world.account().await;
    for names in [vec![], vec![""], vec!["a b"], vec!["*.*.example.test"], vec!["<script>"], vec!["x\0.test"], vec!["192.0.2.1"]]
    {
        let error = session.place(new_order(&strings(&names))).await.unwrap_err();
        assert_eq!(error.kind, AcmeErrorKind::Rejected, "{names:?}: {error:?}");
    }
    let mut order = session.place(new_order(&strings(&["example.test"]))).await.unwrap();
    let challenges = order.challenges().await.unwrap();
    world.prove(&world.powerdns(), &challenges).await;
    order.tell_ready().await.unwrap();
    reach(&mut order, Progress::Ready).await;
    // A request for other names than those ordered, and one that is none.
    let other = certificate_request(&generate(KeyKind::P256).unwrap(), &["other.test"]).unwrap();
    for request in [other, b"nonsense".to_vec()] {
        let error = order.finalise(&request).await.unwrap_err();
        assert!(matches!(error.kind, AcmeErrorKind::Rejected | AcmeErrorKind::AccountProblem), "{error:?}");
    }
    assert_eq!(order.progress().await.unwrap(), Progress::Ready);
    let error = order.chain().await.unwrap_err();
    assert_eq!(error.kind, AcmeErrorKind::BadAnswer, "{error:?}");
}

#[tokio::test]
async fn external_account_bindings() {
    let key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let world = World::start(|options| options.external_accounts = vec![("kid-1".to_owned(), key.to_owned())]).await;
    let bind = async |id: &str, key: &str| {
        let external = ExternalAccount::new(id, key).unwrap();
        register(&world.authority, &[], Some(&external)).await.map(|(session, _)| session)
    };
    let session = bind("kid-1", key).await.unwrap();
    world.obtain(&session, &world.powerdns(), &["example.test"]).await;
    let without = register(&world.authority, &[], None).await.map(drop).unwrap_err();
    assert_eq!(without.kind, AcmeErrorKind::AccountProblem, "{without:?}");
    for (id, key) in [("kid-1", "d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmc"), ("kid-9", key)] {
        let error = bind(id, key).await.map(drop).unwrap_err();
        assert_eq!(error.kind, AcmeErrorKind::AccountProblem, "{id}: {error:?}");
        assert!(!format!("{error:?}").contains(key));
    }
}

#[tokio::test]
async fn an_authority_that_is_down_or_a_stranger_is_unreachable() {
    let mut world = World::start(|_| {}).await;
    let (session, credentials) = register(&world.authority, &[], None).await.unwrap();
    let names = strings(&["example.test"]);
    let mut order = session.place(new_order(&names)).await.unwrap();

    for roots in [None, Some(rcgen::generate_simple_self_signed(strings(&["localhost"])).unwrap().cert.pem())] {
        let stranger = Authority::new(&world.pebble.directory, roots.as_deref()).unwrap();
        let error = register(&stranger, &[], None).await.map(drop).unwrap_err();
        assert_eq!(error.kind, AcmeErrorKind::Unreachable, "{error:?}");
        assert!(error.sentence.contains("certificate"), "{error}");
    }

    world.pebble.stop();
    let kinds = [
        register(&world.authority, &[], None).await.map(drop).unwrap_err().kind,
        Session::restore(&world.authority, &credentials).await.unwrap_err().kind,
        session.place(new_order(&names)).await.unwrap_err().kind,
        session.order(order.url()).await.unwrap_err().kind,
        order.progress().await.unwrap_err().kind,
        order.tell_ready().await.unwrap_err().kind,
    ];
    assert_eq!(kinds, [AcmeErrorKind::Unreachable; 6]);

    // Pebble comes back without memory: the account is unknown, and so is the order.
    world.pebble.restart().await;
    let session = Session::restore(&world.authority, &credentials).await.unwrap();
    assert_eq!(session.place(new_order(&names)).await.unwrap_err().kind, AcmeErrorKind::AccountProblem);
    assert_eq!(order.progress().await.unwrap_err().kind, AcmeErrorKind::AccountProblem);
    let fresh = world.account().await;
    assert_eq!(fresh.order(order.url()).await.unwrap_err().kind, AcmeErrorKind::OrderGone);
}

#[tokio::test]
async fn revocation_happens_and_may_be_repeated() {
    let world = World::start(|_| {}).await;
    let session = world.account().await;
    let (chain, _) = world.obtain(&session, &world.bind(), &["bind.test"]).await;
    for expected in [Revoked::Now, Revoked::Before] {
        assert_eq!(session.revoke(&chain[0], RevocationReason::Superseded).await.unwrap(), expected);
    }
    let status = world.pebble.certificate_status(&Facts::of(&chain[0]).unwrap().serial).await;
    assert_eq!((status["Status"].as_str(), status["Reason"].as_u64()), (Some("Revoked"), Some(4)));
    let foreign = chain.last().unwrap();
    assert!(session.revoke(foreign, RevocationReason::Unspecified).await.is_err());
    assert_eq!(session.renewal_window(&chain[0]).await.unwrap(), None, "this Pebble gives no renewal information");
}

/// An authority of which only `answer` is special: directory, nonces and accounts are ordinary. The directory offers profiles
/// and renewal information.
async fn scripted(answer: impl Fn(&Request, &str) -> Answer + Send + Sync + 'static) -> (Scripted, Authority) {
    let server = Scripted::https(move |request| {
        let host = request.headers.iter().find(|(name, _)| name == "host").map(|(_, value)| value.clone()).unwrap();
        let url = |path: &str| format!("https://{host}{path}");
        let reply = match request.path.as_str() {
            "/dir" => Answer::new(
                200,
                json!({"newNonce": url("/nonce"), "newAccount": url("/account"), "newOrder": url("/order"),
                       "revokeCert": url("/revoke"), "keyChange": url("/key"), "renewalInfo": url("/renewal"),
                       "meta": {"profiles": {"classic": "ninety days", "short": "six days"}}})
                .to_string(),
            ),
            "/nonce" => Answer::new(200, ""),
            "/account" => Answer::new(201, "{}").header("Location", &url("/account/1")),
            _ => answer(request, &host),
        };
        static NONCE: AtomicUsize = AtomicUsize::new(0);
        reply.header("Replay-Nonce", &format!("nonce{}", NONCE.fetch_add(1, Ordering::Relaxed)))
    })
    .await;
    let authority = Authority::new(&format!("https://{}/dir", server.address), Some(&server.root_pem)).unwrap();
    (server, authority)
}

/// The payload of a signed request (RFC 7515 section 7.2.2).
fn payload(request: &Request) -> Value {
    use base64::Engine as _;
    let jws: Value = serde_json::from_slice(&request.body).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(jws["payload"].as_str().unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap_or_default()
}

/// A certificate with an authority key identifier, and its identifier for renewal information.
static RENEWABLE: LazyLock<(Vec<u8>, String)> = LazyLock::new(|| {
    let key = || rcgen::KeyPair::generate().unwrap();
    let mut root = rcgen::CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    // The key identifier and serial number of the example in RFC 9773 section 4.1.
    let identifier =
        [0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b, 0xa0, 0xae, 0x2c, 0xde, 0x01, 0xc8, 0xd4];
    root.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(identifier.to_vec());
    let mut leaf = rcgen::CertificateParams::new(vec!["example.test".to_owned()]).unwrap();
    leaf.serial_number = Some(rcgen::SerialNumber::from_slice(&[0x00, 0x87, 0x65, 0x43, 0x21]));
    leaf.use_authority_key_identifier_extension = true;
    let der = leaf.signed_by(&key(), &rcgen::Issuer::new(root, key())).unwrap().der().to_vec();
    (der, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE".to_owned())
});

fn order_answer(host: &str, extra: Value) -> Answer {
    let mut order = json!({"status": "pending", "authorizations": [], "finalize": format!("https://{host}/finalize")});
    order.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    Answer::new(201, order.to_string()).header("Location", &format!("https://{host}/order/1"))
}

#[tokio::test]
async fn what_authorities_answer_when_they_do_not_issue() {
    let problem = |kind: &str| json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": "words", "extra": [1, 2]});
    let html = "<html>".to_owned();
    for (status, body, retry_after, expected, wait) in [
        (429, problem("rateLimited").to_string(), "3600", AcmeErrorKind::RateLimited, Some(3600)),
        (429, html.clone(), "", AcmeErrorKind::RateLimited, None),
        (503, problem("rateLimited").to_string(), "5", AcmeErrorKind::RateLimited, Some(5)),
        (500, problem("serverInternal").to_string(), "", AcmeErrorKind::Transient, None),
        (502, html.clone(), "120", AcmeErrorKind::Transient, Some(120)),
        (403, problem("userActionRequired").to_string(), "", AcmeErrorKind::AccountProblem, None),
        (403, problem("caa").to_string(), "", AcmeErrorKind::Rejected, None),
        (400, problem("badNonce").to_string(), "", AcmeErrorKind::Transient, None),
        (400, html, "", AcmeErrorKind::BadAnswer, None),
        (302, String::new(), "", AcmeErrorKind::BadAnswer, None),
        (201, "{}".to_owned(), "", AcmeErrorKind::BadAnswer, None),
        (201, "[".repeat(100_000), "", AcmeErrorKind::BadAnswer, None),
        (201, " ".repeat(2 * 1024 * 1024), "", AcmeErrorKind::Unreachable, None),
    ] {
        let (text, wanted) = (body.clone(), retry_after.to_owned());
        let (server, authority) = scripted(move |_, _| {
            let answer = Answer::new(status, text.clone());
            if wanted.is_empty() { answer } else { answer.header("Retry-After", &wanted) }
        })
        .await;
        let (session, _) = register(&authority, &[], None).await.unwrap();
        let error = session.place(new_order(&strings(&["example.test"]))).await.unwrap_err();
        let shown: String = body.chars().take(80).collect();
        assert_eq!(error.kind, expected, "{status} {shown}: {error:?}");
        assert_eq!(error.retry_after, wait.map(Duration::from_secs), "{status} {shown}");
        if status >= 400 {
            assert_eq!(error.problem.unwrap().document, body, "the whole answer is kept");
        }
        for request in server.requests() {
            let agent = request.headers.iter().filter(|(name, _)| name == "user-agent").map(|(_, value)| value.as_str());
            assert_eq!(agent.collect::<Vec<_>>(), [concat!("certhold/", env!("CARGO_PKG_VERSION"))]);
        }
    }
}

#[tokio::test]
async fn profiles_are_asked_for_only_if_offered() {
    let (server, authority) = scripted(|_, host| order_answer(host, json!({"profile": "short"}))).await;
    let (session, _) = register(&authority, &strings(&["a@example.test", "mailto:b@example.test"]), None).await.unwrap();
    let names = strings(&["example.test"]);
    session.place(NewOrder { profile: Some("short"), ..new_order(&names) }).await.unwrap();
    let error = session.place(NewOrder { profile: Some("long"), ..new_order(&names) }).await.unwrap_err();
    assert_eq!(error.kind, AcmeErrorKind::Rejected);
    assert!(error.sentence.contains("classic, short"), "{error}");
    let requests = server.requests();
    let orders: Vec<_> = requests.iter().filter(|request| request.path == "/order").map(payload).collect();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0]["profile"], "short");
    assert_eq!(orders[0]["identifiers"], json!([{"type": "dns", "value": "example.test"}]));
    let account = payload(requests.iter().find(|request| request.path == "/account").unwrap());
    assert_eq!(account["contact"], json!(["mailto:a@example.test", "mailto:b@example.test"]));
    assert_eq!(account["termsOfServiceAgreed"], true);
}

#[tokio::test]
async fn a_replaced_certificate_is_named_until_the_authority_says_no() {
    let (server, authority) = scripted(|request, host| {
        let wanted = payload(request)["replaces"].clone();
        if wanted.is_null() { order_answer(host, json!({})) } else { order_answer(host, json!({"replaces": wanted})) }
    })
    .await;
    let names = strings(&["example.test"]);
    let order = NewOrder { replaces: Some(&RENEWABLE.0), ..new_order(&names) };
    let (session, _) = register(&authority, &[], None).await.unwrap();
    session.place(order).await.unwrap();
    let sent = payload(server.requests().last().unwrap());
    assert_eq!(sent["replaces"], RENEWABLE.1);

    let (server, authority) = scripted(|request, host| {
        let refused = json!({"type": "urn:ietf:params:acme:error:alreadyReplaced", "detail": "done"}).to_string();
        if payload(request)["replaces"].is_null() { order_answer(host, json!({})) } else { Answer::new(409, refused) }
    })
    .await;
    let (session, _) = register(&authority, &[], None).await.unwrap();
    session.place(order).await.unwrap();
    let orders: Vec<_> =
        server.requests().iter().filter(|r| r.path == "/order").map(|r| payload(r)["replaces"].clone()).collect();
    assert_eq!(orders, [json!(RENEWABLE.1), Value::Null]);
}

#[tokio::test]
async fn renewal_windows() {
    // The example of RFC 9773 section 4.2.
    const EXAMPLE: &str = r#"{"suggestedWindow": {"start": "2025-01-02T04:00:00Z", "end": "2025-01-03T04:00:00Z"},
                              "explanationURL": "https://acme.example.com/docs/ari"}"#;
    let ask = async |status: u16, body: &str, retry_after: &str| {
        let (body, retry_after) = (body.to_owned(), retry_after.to_owned());
        let (server, authority) = scripted(move |_, _| {
            let answer = Answer::new(status, body.clone());
            if retry_after.is_empty() { answer } else { answer.header("Retry-After", &retry_after) }
        })
        .await;
        let (session, _) = register(&authority, &[], None).await.unwrap();
        let result = session.renewal_window(&RENEWABLE.0).await;
        assert_eq!(server.requests().last().unwrap().path, format!("/renewal/{}", RENEWABLE.1));
        result
    };
    let window = ask(200, EXAMPLE, "21600").await.unwrap().unwrap();
    assert_eq!((window.start_ms, window.end_ms), (1_735_790_400_000, 1_735_876_800_000));
    assert_eq!(window.explanation_url.as_deref(), Some("https://acme.example.com/docs/ari"));
    assert_eq!(window.ask_again, Duration::from_secs(21_600));
    assert_eq!(ask(200, EXAMPLE, "").await.unwrap().unwrap().ask_again, Duration::from_secs(21_600));
    assert_eq!(ask(200, EXAMPLE, "0").await.unwrap().unwrap().ask_again, Duration::from_secs(60));
    let reversed = EXAMPLE.replace("2025-01-03", "2025-01-01");
    for (status, body, expected) in [
        (200, reversed.as_str(), AcmeErrorKind::BadAnswer),
        (200, "{}", AcmeErrorKind::BadAnswer),
        (404, "", AcmeErrorKind::BadAnswer),
        (503, "", AcmeErrorKind::Transient),
    ] {
        let error: AcmeError = ask(status, body, "").await.unwrap_err();
        assert_eq!(error.kind, expected, "{status} {body}: {error:?}");
    }
    let (_server, authority) = scripted(|_, _| Answer::new(500, "")).await;
    let (session, _) = register(&authority, &[], None).await.unwrap();
    for unsuited in [b"nonsense".to_vec(), rcgen::generate_simple_self_signed(strings(&["a"])).unwrap().cert.der().to_vec()] {
        assert_eq!(session.renewal_window(&unsuited).await.unwrap(), None);
    }
}
