//! A whole server in a test: a database of its own, an administrator, and requests without a socket.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use certhold_domain::access::{AccessCache, roles};
use certhold_domain::custody::{self, Custody, KeyKeeper, MasterKey};
use certhold_domain::inventory::Candidate;
use certhold_domain::people::{self, Credential, NewPrincipal, NewToken, Password, PrincipalKind};
use certhold_domain::renewal::KeyKind;
use certhold_domain::stores::work::{self, FoundEntry};
use certhold_domain::{
    Actor, Clock, Core, Entropy, Face, KeyMaker, MIGRATIONS, MadeKey, PrincipalId, Result, RoleId, jobs, prepare, stores,
};
use certhold_pki::sample::Generator;
use certhold_store::{Location, Options, Store, Tx};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use crate::address::Peer;
use crate::auth::TOKEN_PREFIX;
use crate::state::{App, Settings};

/// The administrator's password.
pub const PASSWORD: &str = "correct horse battery";
/// When tests begin, unix milliseconds.
pub const START: i64 = 1_790_000_000_000;

struct Random;

impl Entropy for Random {
    fn fill(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::fill(buffer).unwrap();
    }
}

/// Master keys that are kept as long as the test runs.
struct InMemory(Mutex<Vec<MasterKey>>);

impl KeyKeeper for InMemory {
    fn read(&self) -> Result<Vec<MasterKey>> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn keep(&self, key: &MasterKey) -> Result<()> {
        self.0.lock().unwrap().push(key.clone());
        Ok(())
    }

    fn forget(&self, number: i64) -> Result<()> {
        self.0.lock().unwrap().retain(|key| key.number() != number);
        Ok(())
    }
}

/// Keys of one kind, made by another library than the product's own.
#[derive(Debug)]
struct TestKeys;

impl KeyMaker for TestKeys {
    fn make(&self, _: KeyKind, names: &[String]) -> std::result::Result<MadeKey, String> {
        let pair = rcgen::KeyPair::generate().map_err(|error| error.to_string())?;
        let request = rcgen::CertificateParams::new(names.to_vec()).and_then(|wanted| wanted.serialize_request(&pair));
        let csr = request.map_err(|error| error.to_string())?.der().to_vec();
        let key = certhold_pki::PrivateKey::of(&pair.serialize_der()).map_err(|error| error.to_string())?;
        Ok(MadeKey { key, csr })
    }

    fn key(&self, _: KeyKind) -> std::result::Result<certhold_pki::PrivateKey, String> {
        let pair = rcgen::KeyPair::generate().map_err(|error| error.to_string())?;
        certhold_pki::PrivateKey::of(&pair.serialize_der()).map_err(|error| error.to_string())
    }

    fn sign(&self, key: &certhold_pki::PrivateKey, message: &[u8]) -> std::result::Result<Vec<u8>, String> {
        let pair = rcgen::KeyPair::try_from(key.pkcs8_der()).map_err(|error| error.to_string())?;
        rcgen::SigningKey::sign(&pair, message).map_err(|error| error.to_string())
    }
}

/// A clock that tests set.
pub struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl TestClock {
    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

/// A server under test.
pub struct TestApp {
    pub app: App,
    pub router: Router,
    pub clock: Arc<TestClock>,
    /// A token of the administrator for everything.
    pub admin: String,
    pub admin_id: PrincipalId,
    _directory: tempfile::TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The answer's JSON, if its status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }
}

impl TestApp {
    pub async fn new() -> TestApp {
        TestApp::with(Settings { plain_http: true, ..Settings::default() }).await
    }

    pub async fn with(settings: Settings) -> TestApp {
        let store_roots = certhold_domain::stores::Roots(vec!["/srv/tls".into()]);
        let settings = Settings { key_maker: Some(Arc::new(TestKeys)), store_roots, ..settings };
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(directory.path().join("certhold.db"));
        let store = Store::open(&location, MIGRATIONS, Options { readers: 2, ..Options::default() }).unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        let entropy: Arc<dyn Entropy> = Arc::new(Random);
        let master = MasterKey::generate(entropy.as_ref());
        let keeper = Box::new(InMemory(Mutex::new(vec![master.clone()])));
        let custody = Arc::new(Custody::with_keeper(vec![master], keeper).unwrap());
        let core = Core { store, custody, entropy, clock: clock.clone(), access: Arc::new(AccessCache::default()) };
        let app = App::new(core, settings, Arc::new(AtomicI64::new(START)));
        let admin_id = install(&app).await;
        let router = crate::router(app.clone());
        let mut test = TestApp { app, router, clock, admin: String::new(), admin_id, _directory: directory };
        test.admin = test.token(admin_id, &["/"], None).await;
        test
    }

    /// A new token of an account.
    pub async fn token(&self, principal: PrincipalId, scopes: &[&str], expires_at: Option<i64>) -> String {
        let made = Credential::generate(self.app.core().entropy.as_ref(), TOKEN_PREFIX);
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let new = NewToken { principal, name: "test".into(), hash: made.hash, hint: "cht_".into(), scopes, expires_at };
        let now = self.app.now();
        self.as_system(move |tx, actor| people::create_token(tx, actor, &new, now)).await;
        made.text.expose_secret().to_owned()
    }

    /// A service account with these permissions in a role of its own, and a token for it.
    pub async fn service(&self, name: &str, permissions: &[&str]) -> (PrincipalId, Option<RoleId>, String) {
        let new = NewPrincipal {
            kind: PrincipalKind::Service,
            name: name.into(),
            display_name: String::new(),
            email: None,
            password: None,
            uuid: Uuid::from_bytes(self.app.core().random()),
        };
        let role = roles::RoleCommand {
            name: format!("role of {name}"),
            permissions: permissions.iter().map(|path| (*path).to_owned()).collect(),
            ..roles::RoleCommand::default()
        };
        let (now, needs_role) = (self.app.now(), !permissions.is_empty());
        let (id, role) = self
            .as_system(move |tx, actor| {
                let id = people::create(tx, actor, &new, now)?;
                let role = needs_role.then(|| roles::create(tx, actor, &role, now)).transpose()?;
                if let Some(role) = role {
                    roles::assign(tx, actor, role, id, now)?;
                }
                Ok((id, role))
            })
            .await;
        (id, role, self.token(id, &["/"], None).await)
    }

    /// Runs an operation as Certhold itself.
    pub async fn as_system<T: Send + 'static>(&self, work: impl Fn(&mut Tx<'_>, &Actor) -> Result<T> + Send + 'static) -> T {
        self.app.write(move |tx| work(tx, &Actor::system(Face::Server, "test"))).await.unwrap()
    }

    /// How many events there are.
    pub async fn events(&self) -> i64 {
        let newest = certhold_domain::events::EventFilter { limit: 1, ..Default::default() };
        let page = self.as_system(move |tx, actor| certhold_domain::events::list(tx, actor, &newest)).await;
        page.events.first().map_or(0, |event| event.seq)
    }

    /// Sends a request from the machine itself.
    pub async fn send(&self, mut request: Request<Body>) -> Reply {
        request.extensions_mut().insert(Peer(SocketAddr::from(([127, 0, 0, 1], 4711))));
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        Reply { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    /// A request with a token (none if it is empty) and perhaps a JSON body.
    pub async fn call(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Reply {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    /// As the administrator.
    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, &self.admin, None).await
    }

    /// As the administrator.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path, &self.admin, Some(&body)).await
    }

    /// As the administrator.
    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.call("PUT", path, &self.admin, Some(&body)).await
    }

    /// As the administrator.
    pub async fn delete(&self, path: &str) -> Reply {
        self.call("DELETE", path, &self.admin, None).await
    }

    /// Has the inventory of a certificate store, named by its UUID, find these certificates, each an entry of its own.
    pub async fn stocked(&self, store: &str, ders: &[Vec<u8>]) {
        let entry = |(number, der): (usize, &Vec<u8>)| FoundEntry {
            alias: format!("entry-{number}"),
            certificates: vec![Candidate::of(der).unwrap()],
            has_key: false,
        };
        let entries: Vec<FoundEntry> = ders.iter().enumerate().map(entry).collect();
        let (store, now) = (store.to_owned(), self.app.now());
        self.as_system(move |tx, actor| {
            let store = stores::by_uuid(tx, actor, &store)?;
            stores::take_inventory(tx, actor, store, now)?;
            let lease = jobs::claim_one(tx, jobs::JobKind::Store, store.0, "test", now)?.unwrap();
            let job = work::begin(tx, actor, &lease, now)?.unwrap().job;
            work::found(tx, actor, &lease, job, &entries, now)?;
            work::inventoried(tx, actor, &lease, job, &[], now)?;
            jobs::finish(tx, &lease, now)
        })
        .await;
    }

    /// Imports so many sample certificates; their ids.
    pub async fn import_samples(&self, count: u64) -> Vec<i64> {
        let pem: String = (0..count).map(sample_pem).collect();
        let result = self.post("/api/v1/certificates", serde_json::json!({ "content": pem })).await.expect(200);
        result["items"].as_array().unwrap().iter().map(|item| item["certificate"].as_i64().unwrap()).collect()
    }
}

/// The DER of a sample certificate.
pub fn sample_der(n: u64) -> Vec<u8> {
    static GENERATOR: LazyLock<Generator> = LazyLock::new(|| Generator::new(7).around(START));
    GENERATOR.certificate(n)
}

/// The PEM of a sample certificate.
pub fn sample_pem(n: u64) -> String {
    certhold_pki::pem::encode(certhold_pki::pem::CERTIFICATE, &sample_der(n))
}

async fn install(app: &App) -> PrincipalId {
    let password = Password::from(PASSWORD.to_owned()).hash(app.core().entropy.as_ref()).unwrap();
    let uuid = || Uuid::from_bytes(app.core().random());
    let (uuids, administrator) = ([uuid(), uuid()], uuid());
    let new = NewPrincipal {
        kind: PrincipalKind::Person,
        name: "admin".into(),
        display_name: String::new(),
        email: None,
        password: Some(password),
        uuid: administrator,
    };
    let custody = app.core().custody.clone();
    let made = app.write(move |tx| {
        prepare(tx, &uuids, START)?;
        custody::adopt(tx, &custody, START)?;
        let server = Actor::system(Face::Server, "test");
        people::create_first_administrator(tx, &server, &new, START)?;
        Ok(people::list(tx, &server)?[0].id)
    });
    made.await.unwrap()
}
