//! The product itself: the `certhold` program, started as users start it, and talked to over its own HTTPS.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Certificate, Client, Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::Value;
use tempfile::TempDir;

use crate::postgres::Database;
use crate::process::Process;

/// The password of the first administrator, `admin`, of every server under test.
pub const ADMIN_PASSWORD: &str = "an Otter juggles 7 pebbles";

const STOPPED_WITHIN: Duration = Duration::from_secs(30);

/// How to start a server; [`Launch::start`] does it.
#[derive(Clone)]
pub struct Launch {
    data: Option<Arc<TempDir>>,
    database: Option<String>,
    plain_http: bool,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Default for Launch {
    fn default() -> Self {
        Self::new()
    }
}

impl Launch {
    /// With HTTPS, on SQLite, with a data directory of its own.
    pub fn new() -> Self {
        Self { data: None, database: None, plain_http: false, arguments: Vec::new(), environment: Vec::new() }
    }

    /// On this database, which must outlive the server.
    pub fn on(mut self, database: &Database) -> Self {
        self.database = Some(database.location());
        self
    }

    /// With this data directory, which another server has left.
    pub fn with_data_of(mut self, server: &Server) -> Self {
        self.data = Some(Arc::clone(&server.data));
        self
    }

    /// With this directory as data directory.
    pub fn in_directory(mut self, directory: TempDir) -> Self {
        self.data = Some(Arc::new(directory));
        self
    }

    /// Without TLS.
    pub fn plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// With one more argument after `serve`.
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// With one more environment variable.
    pub fn environment(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready; with its log.
    pub async fn start(self) -> Server {
        let data = self.data.clone().unwrap_or_else(|| Arc::new(tempfile::tempdir().expect("a temporary directory")));
        let outside = tempfile::tempdir().expect("a temporary directory");
        let (process, base) = self.run(data.path(), &outside.path().join("log")).await;
        let client = self.client(data.path());
        Server { launch: self, process, base, client, data, outside }
    }

    async fn run(&self, data: &Path, log: &Path) -> (Process, String) {
        let before = std::fs::metadata(log).map_or(0, |file| usize::try_from(file.len()).unwrap_or(usize::MAX));
        let mut command = certhold();
        command.arg("serve").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]);
        if let Some(database) = &self.database {
            command.args(["--database", database]);
        }
        if self.plain_http {
            command.arg("--plain-http");
        }
        command.args(&self.arguments).env("CERTHOLD_ADMIN_PASSWORD", ADMIN_PASSWORD);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut process = Process::start(&mut command, log);
        let base = process.wait_for_line(before, |line| line.strip_prefix("listening on ").map(str::to_owned)).await;
        let scheme = if self.plain_http { "http://127.0.0.1:" } else { "https://127.0.0.1:" };
        assert!(base.starts_with(scheme), "it listens on {base}, not on {scheme}…");
        (process, base)
    }

    /// A client that trusts the server's own root and nothing else. It follows no redirects, so that they can be seen.
    fn client(&self, data: &Path) -> Client {
        let builder = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(60));
        let builder = if self.plain_http {
            builder
        } else {
            let pem = std::fs::read(data.join("tls/root.pem")).expect("a ready server has written tls/root.pem");
            builder.tls_certs_only([Certificate::from_pem(&pem).expect("tls/root.pem is one certificate in PEM")])
        };
        builder.build().expect("an HTTP client")
    }
}

/// The `certhold` program, free of settings that the developer's own environment may have for it.
pub fn certhold() -> Command {
    let mut command = Command::new(program());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CERTHOLD_")) {
        command.env_remove(name);
    }
    command
}

/// What `CERTHOLD_BIN` names, or else what Cargo builds now: never an old one.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(given) = std::env::var_os("CERTHOLD_BIN") {
            return PathBuf::from(given);
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let arguments = ["build", "--quiet", "--package", "certhold", "--bin", "certhold"];
        let status = Command::new(cargo).current_dir(root).args(arguments).status().expect("cargo can be started");
        assert!(status.success(), "certhold could not be built");
        let us = std::env::current_exe().expect("a running program knows where it is");
        // From target/PROFILE/deps/PROGRAM to target/PROFILE/certhold.
        us.ancestors().nth(2).expect("tests run from target/PROFILE/deps").join("certhold")
    })
}

/// A running server. Dropping it kills it.
pub struct Server {
    launch: Launch,
    process: Process,
    base: String,
    client: Client,
    data: Arc<TempDir>,
    /// Outlives the data directory in a restore, and is not searched with it.
    outside: TempDir,
}

impl Server {
    /// A server as users start it: HTTPS, SQLite, a fresh data directory.
    ///
    /// # Panics
    /// When it does not become ready; with its log.
    pub async fn start() -> Self {
        Launch::new().start().await
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Its process id, now.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Everything it has printed on both streams, over all restarts.
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// The whole address of a path (`/healthz`).
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A client that trusts the server's root and does not follow redirects.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A request to be completed and sent by the story.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// `GET` with a bearer token (none if empty).
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        Answer::to(authorised(self.request(Method::GET, path), token)).await
    }

    /// `POST` of JSON with a bearer token (none if empty).
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, token, body).await
    }

    /// JSON by any method with a bearer token (none if empty).
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn send(&self, method: Method, path: &str, token: &str, body: &Value) -> Answer {
        Answer::to(authorised(self.request(method, path), token).json(body)).await
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// When it does not stop; with its log.
    pub async fn stop(&mut self) -> ExitStatus {
        self.process.signal("TERM");
        self.process.wait(STOPPED_WITHIN).await
    }

    /// `kill -9`, now.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again after [`stop`](Self::stop) or [`kill`](Self::kill), on the same data; its port is a new one.
    ///
    /// # Panics
    /// When it does not become ready; with its log.
    pub async fn restart(&mut self) {
        assert!(self.process.ended().is_some(), "the server still runs");
        (self.process, self.base) = self.launch.run(self.data.path(), &self.outside.path().join("log")).await;
        self.client = self.launch.client(self.data.path());
    }
}

fn authorised(request: RequestBuilder, token: &str) -> RequestBuilder {
    if token.is_empty() { request } else { request.bearer_auth(token) }
}

/// What came back, whole.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text; what is not UTF-8 is replaced.
    pub text: String,
}

impl Answer {
    /// Sends a request and takes the whole answer.
    ///
    /// # Panics
    /// When none comes.
    pub async fn to(request: RequestBuilder) -> Self {
        let answer = request.send().await.unwrap_or_else(|error| panic!("no answer: {error:?}"));
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.unwrap_or_else(|error| panic!("the answer broke off: {error:?}"));
        Self { status, headers, text: String::from_utf8_lossy(&body).into_owned() }
    }

    /// The same, if its status is this one.
    ///
    /// # Panics
    /// When it is another; with the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON; with the body.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    /// One header as text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
