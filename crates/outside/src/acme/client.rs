//! The HTTP client under instant-acme: its own trusts one root file or the system, gives its own name, and has neither
//! time limits nor a limit on answers.

use super::error::AcmeError;
use super::exchange::{self, Answer};
use crate::http;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use reqwest::Certificate;
use reqwest::header::USER_AGENT;
use std::io::Cursor;
use std::pin::Pin;

/// A certificate chain is a few kilobytes, a directory less.
const MAX_ANSWER: usize = 1024 * 1024;

/// No answer came, for this reason.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoAnswer(pub(super) String);

/// Asks one authority.
#[derive(Clone)]
pub(super) struct Client(reqwest::Client);

impl Client {
    /// Trusts `roots` (PEM) instead of the system, if given.
    pub(super) fn new(roots: Option<&str>) -> Result<Self, AcmeError> {
        let mut builder = http::client().https_only(true);
        if let Some(pem) = roots {
            let roots = Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
            if roots.is_empty() {
                return Err(AcmeError::settings("the trusted root of this authority is not a certificate in PEM"));
            }
            builder = builder.tls_certs_only(roots);
        }
        let client = builder.build();
        client.map(Self).map_err(|error| AcmeError::settings(&format!("no HTTPS client can be made: {}", http::reason(error))))
    }

    async fn ask(self, request: ::http::Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, NoAnswer> {
        exchange::forget();
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|never| match never {})?.to_bytes();
        let mut headers = parts.headers;
        headers.remove(USER_AGENT);
        let request = self.0.request(parts.method, parts.uri.to_string()).headers(headers).body(body);
        let response = request.send().await.map_err(|error| NoAnswer(http::reason(error)))?;
        let mut answer = ::http::Response::new(());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        let retry_after = http::retry_after(response.headers());
        let body = http::read(response, MAX_ANSWER).await.map_err(NoAnswer)?;
        exchange::record(Answer { status: answer.status().as_u16(), retry_after, body: body.clone() });
        Ok(answer.map(|()| Full::new(Cursor::new(body))).into())
    }
}

impl HttpClient for Client {
    fn request(
        &self,
        request: ::http::Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.clone();
        Box::pin(async move { client.ask(request).await.map_err(|error| Error::Other(Box::new(error))) })
    }
}
