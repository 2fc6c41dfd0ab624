//! A server: the native API over HTTPS.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Certificate, Client, Response, StatusCode, header};
use serde_json::Value as Json;
use url::Url;
use zeroize::Zeroizing;

use super::{Body, Method};
use crate::failure::Failure;

/// Which server, and how to be known there.
#[derive(Clone, Default, clap::Args)]
pub struct Server {
    /// Server to work on instead of a data directory: https://HOST:PORT
    #[arg(long, env = "CERTHOLD_SERVER", hide_env_values = true, value_name = "URL", global = true, help_heading = "Everywhere")]
    server: Option<String>,
    /// API token for the server; better in the environment, which other users cannot read
    #[arg(
        long,
        env = "CERTHOLD_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        global = true,
        help_heading = "Everywhere"
    )]
    token: Option<String>,
    /// File with the root certificate of the server: a copy of DIR/tls/root.pem
    #[arg(long, env = "CERTHOLD_CA", hide_env_values = true, value_name = "FILE", global = true, help_heading = "Everywhere")]
    ca: Option<PathBuf>,
}

impl Server {
    /// Its address, if a server was named.
    pub fn url(&self) -> Option<&str> {
        self.server.as_deref().filter(|url| !url.is_empty())
    }

    /// Forgets the server: a data directory was named on the command line, and goes over the environment.
    pub fn forget(&mut self) {
        self.server = None;
    }
}

/// A server.
#[derive(Clone)]
pub struct Remote {
    client: Client,
    base: Url,
    token: Zeroizing<String>,
}

const CONNECT: Duration = Duration::from_secs(10);
/// Longer than the server itself lets a request take.
const ANSWER: Duration = Duration::from_secs(660);
/// Exports of a whole log.
const LONG_ANSWER: Duration = Duration::from_secs(86_400);
/// How often a busy server is asked again.
const TRIES: u32 = 5;

impl Remote {
    /// Prepares to ask a server.
    ///
    /// # Errors
    /// When address, token or root certificate cannot be used.
    pub fn new(server: &Server) -> Result<Remote, Failure> {
        let text = server.url().unwrap_or_default();
        let base = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.host().is_some());
        let base =
            base.ok_or_else(|| Failure::usage(format!("--server {text:?} is not an address such as https://127.0.0.1:8443")))?;
        let token = server.token.clone().filter(|token| !token.is_empty());
        let token =
            token.ok_or_else(|| Failure::usage("a server needs a token: --token TOKEN, or CERTHOLD_TOKEN in the environment"))?;
        let mut builder = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("certhold/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &server.ca {
            let pem = std::fs::read(path).map_err(|error| Failure::io(path.display(), &error))?;
            let roots = Certificate::from_pem_bundle(&pem).ok().filter(|roots| !roots.is_empty());
            let roots = roots.ok_or_else(|| Failure::new(format!("{}: there is no PEM certificate in it", path.display())))?;
            builder = builder.tls_certs_only(roots);
        }
        let client =
            builder.build().map_err(|error| Failure::new(format!("no connection can be prepared: {}", deepest(&error))))?;
        Ok(Remote { client, base, token: Zeroizing::new(token) })
    }

    /// Asks the native API; the answer's body. A busy server is asked again, a few times.
    ///
    /// # Errors
    /// What it refuses, or why it could not be asked.
    pub async fn fetch(&self, method: Method, path: &str, body: Option<Body>) -> Result<Vec<u8>, Failure> {
        let mut attempt = 1;
        loop {
            let answer = self.once(method, path, body.clone()).await?;
            // 503 is the answer of a server that did nothing; anything else may have been done.
            let busy = answer.status() == StatusCode::SERVICE_UNAVAILABLE && answer.headers().contains_key(header::RETRY_AFTER);
            if !busy || attempt == TRIES {
                return self.read(answer).await;
            }
            tokio::time::sleep(Duration::from_millis(200 << attempt)).await;
            attempt += 1;
        }
    }

    /// [`Remote::fetch`] to read a long answer: it may take its time.
    ///
    /// # Errors
    /// As there, what `visit` fails with, and when the answer was cut short.
    pub async fn follow(&self, path: &str, mut visit: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
        let url = self.base.join(path).map_err(|_| Failure::usage(format!("{path:?} is no path")))?;
        let request = self.client.get(url).bearer_auth(self.token.as_str()).timeout(LONG_ANSWER);
        let mut answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        if !answer.status().is_success() {
            return self.read(answer).await.map(drop);
        }
        loop {
            match answer.chunk().await {
                Ok(Some(bytes)) => visit(&bytes)?,
                Ok(None) => return Ok(()),
                Err(error) => return Err(Failure::new(format!("the answer was cut short: {}", deepest(&error)))),
            }
        }
    }

    /// [`Remote::fetch`] for an answer in JSON; null if it has no body.
    ///
    /// # Errors
    /// As there.
    pub async fn send(&self, method: Method, path: &str, body: Option<Body>) -> Result<Json, Failure> {
        super::parse(&self.fetch(method, path, body).await?)
    }

    async fn once(&self, method: Method, path: &str, body: Option<Body>) -> Result<Response, Failure> {
        let url = self.base.join(path).map_err(|_| Failure::usage(format!("{path:?} is no path")))?;
        let mut request = match method {
            Method::Get => self.client.get(url),
            Method::Post => self.client.post(url),
            Method::Put => self.client.put(url),
            Method::Patch => self.client.patch(url),
            Method::Delete => self.client.delete(url),
        };
        request = request.bearer_auth(self.token.as_str());
        if let Some((kind, bytes)) = body {
            request = request.header(header::CONTENT_TYPE, kind).body(bytes);
        }
        request.send().await.map_err(|error| self.unreachable(&error))
    }

    async fn read(&self, answer: Response) -> Result<Vec<u8>, Failure> {
        let status = answer.status();
        let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
        let bytes = answer.bytes().await.map_err(|error| self.unreachable(&error))?;
        if status.is_success() {
            return Ok(bytes.to_vec());
        }
        match serde_json::from_slice(&bytes) {
            Ok(problem) if kind.starts_with("application/problem+json") => Err(Failure::problem(problem)),
            _ => Err(self.stranger(status)),
        }
    }

    /// Something answers there, but not a Certhold server.
    fn stranger(&self, status: StatusCode) -> Failure {
        Failure::new(format!("{} answered {status}, but not as a Certhold server does: check the address", self.place()))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let why = deepest(error);
        let place = self.place();
        if why.to_lowercase().contains("certificate") || why.contains("UnknownIssuer") {
            return Failure::new(format!(
                "the certificate of {place} is not trusted ({why}): give its root with --ca, a copy of its DIR/tls/root.pem"
            ));
        }
        if error.is_timeout() {
            return Failure::new(format!("{place} did not answer in time"));
        }
        Failure::new(format!("{place} cannot be reached: {why}"))
    }

    /// The address without anything that could be secret.
    fn place(&self) -> String {
        self.base.origin().ascii_serialization()
    }
}

/// The innermost cause, which says what happened.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(server: &str, token: Option<&str>) -> String {
        let server = Server { server: Some(server.into()), token: token.map(str::to_owned), ca: None };
        Remote::new(&server).err().expect("a refusal").to_string()
    }

    #[test]
    fn address_and_token_are_asked_for() {
        assert!(refusal("127.0.0.1:8443", Some("t")).contains("is not an address"));
        assert!(refusal("ftp://host", Some("t")).contains("is not an address"));
        assert!(refusal("https://host", None).contains("needs a token"));
        assert!(refusal("https://host", Some("")).contains("needs a token"));
    }
}
