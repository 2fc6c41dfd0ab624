//! What every face shares: the domain's core, the settings of the server, and what is counted.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use certhold_domain::{Core, KeyMaker, Refusal, Result};
use certhold_store::Tx;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use url::Url;

use crate::address::Network;
use crate::arcgis;
use crate::auth::ProviderKeysHandle;
use crate::auth::basic::Remembered;
use crate::listener::TlsAssignment;
use crate::operation::Metrics;
use crate::presenting::Presenting;

/// What the faces are told at start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people reach the server, if it is not where it listens (behind a proxy).
    pub public_url: Option<Url>,
    /// Whether the listener speaks HTTP without TLS.
    pub plain_http: bool,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Largest body of an ordinary request, bytes.
    pub body_bytes: usize,
    /// Largest body of an import, bytes.
    pub import_bytes: usize,
    /// Longest time an ordinary request may take.
    pub request_time: Duration,
    /// Longest time an import may take.
    pub import_time: Duration,
    /// The public key that heads of the event chain are signed with, so that heads by another key are noticed.
    pub head_key: Option<Vec<u8>>,
    /// Makes the keys of key requests; without it none are made.
    pub key_maker: Option<Arc<dyn KeyMaker>>,
    /// The file in which the last signed head is kept outside the database.
    pub head_file: Option<std::path::PathBuf>,
    /// Signs the end of the event log now.
    pub sign_head: Option<SignHead>,
    /// The directories in which certificate stores may be.
    pub store_roots: certhold_domain::stores::Roots,
    /// How long the contents of events are kept.
    pub retention: Vec<certhold_domain::events::retention::Rule>,
    /// The keys of identity providers; without them no token of theirs is accepted.
    pub provider_keys: Option<ProviderKeysHandle>,
    /// What the listener shows, where it speaks TLS.
    pub tls: Option<Arc<TlsAssignment>>,
    /// The first segment of the addresses of the ArcGIS Enterprise API.
    pub arcgis_context: String,
    /// Where this server writes checkpoints of the event log, if it does.
    pub checkpoints: Option<Checkpoints>,
}

/// Checkpoints of the event log that the server writes.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// The directory.
    pub directory: std::path::PathBuf,
    /// How often one is written.
    pub interval: Duration,
}

/// Signs the end of the event log, if it has grown since it was last signed.
#[derive(Clone)]
pub struct SignHead(pub Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>);

impl std::fmt::Debug for SignHead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignHead")
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            public_url: None,
            plain_http: false,
            trusted_proxies: Vec::new(),
            body_bytes: 2 * 1024 * 1024,
            import_bytes: 64 * 1024 * 1024,
            request_time: Duration::from_secs(30),
            import_time: Duration::from_secs(600),
            head_key: None,
            key_maker: None,
            head_file: None,
            sign_head: None,
            retention: Vec::new(),
            checkpoints: None,
            provider_keys: None,
            tls: None,
            arcgis_context: arcgis::CONTEXT.to_owned(),
            store_roots: certhold_domain::stores::Roots::default(),
        }
    }
}

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Imports that are read into memory at the same time; more wait.
const IMPORTS_AT_ONCE: usize = 4;

/// Everything a handler needs. Cloning it is one reference more.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    core: Core,
    settings: Settings,
    worker_seen: Arc<AtomicI64>,
    passwords: Passwords,
    imports: Arc<Semaphore>,
    remembered: Remembered,
    metrics: Metrics,
    described: arcgis::Described,
    presenting: Presenting,
}

/// Bounds the memory and time that comparing and hashing passwords takes (19 MiB each).
pub(crate) struct Passwords {
    /// One for each that is computed now.
    pub(crate) running: Arc<Semaphore>,
    /// One for each that is computed or waits.
    pub(crate) admitted: Arc<Semaphore>,
}

/// Sign-ins that wait for a turn before further ones are refused as busy.
const PASSWORDS_ADMITTED: usize = 64;

impl App {
    /// What the event log is held against: the key in custody, and the head kept outside the database. A file that cannot be
    /// read vouches for nothing.
    pub fn trust(&self) -> certhold_domain::events::Trust {
        let settings = self.settings();
        let kept = settings.head_file.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
        let kept = kept.and_then(|text| certhold_domain::events::KeptHead::parse(&text));
        certhold_domain::events::Trust { key: settings.head_key.clone(), kept, checkpoints: Vec::new() }
    }

    /// The state of a server. `worker_seen` is when the worker was last seen at work, unix milliseconds, 0 for never.
    pub fn new(core: Core, settings: Settings, worker_seen: Arc<AtomicI64>) -> App {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let passwords =
            Passwords { running: Arc::new(Semaphore::new(cores)), admitted: Arc::new(Semaphore::new(PASSWORDS_ADMITTED)) };
        let imports = Arc::new(Semaphore::new(IMPORTS_AT_ONCE));
        let remembered = Remembered::new(&core.random());
        let metrics = Metrics::default();
        let (described, presenting) = (arcgis::Described::default(), Presenting::default());
        let inner = Inner { core, settings, worker_seen, passwords, imports, remembered, metrics, described, presenting };
        App { inner: Arc::new(inner) }
    }

    /// Runs a read of the domain.
    pub async fn read<T: Send + 'static>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        self.inner.core.store.read(work).await
    }

    /// Runs a change of the domain; answers when it is durable.
    pub async fn write<T: Send + 'static>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        self.inner.core.store.write(work).await
    }

    /// [`App::write`] in the lane for bulk work.
    pub async fn write_bulk<T: Send + 'static>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        self.inner.core.store.write_bulk(work).await
    }

    /// Store, custody, randomness and clock.
    pub fn core(&self) -> &Core {
        &self.inner.core
    }

    /// What the faces were told at start.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// What makes and uses keys.
    pub(crate) fn key_maker(&self) -> Result<Arc<dyn KeyMaker>> {
        self.settings().key_maker.clone().ok_or_else(|| Refusal::Conflict("this server makes no keys".into()).into())
    }

    /// Unix milliseconds, now.
    pub fn now(&self) -> i64 {
        self.inner.core.now()
    }

    /// Whether browsers reach the server over TLS, here or at a proxy: then cookies are `Secure` and HSTS is sent.
    pub fn is_secure(&self) -> bool {
        let settings = &self.inner.settings;
        !settings.plain_http || settings.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    pub(crate) fn remembered(&self) -> &Remembered {
        &self.inner.remembered
    }

    pub(crate) fn described(&self) -> &arcgis::Described {
        &self.inner.described
    }

    pub(crate) fn presenting(&self) -> &Presenting {
        &self.inner.presenting
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    pub(crate) fn worker_seen(&self) -> &AtomicI64 {
        &self.inner.worker_seen
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    pub(crate) fn imports(&self) -> &Arc<Semaphore> {
        &self.inner.imports
    }
}
