//! What a command works on: a data directory or a server. Both speak the native API, one in this process and one over HTTPS, so
//! that every command is written once.

mod local;
mod remote;

use serde_json::Value as Json;

pub use self::local::{Local, user as local_user};
pub use self::remote::{Remote, Server};

use crate::config::Place;
use crate::failure::Failure;

/// Where the native API is.
pub const ROOT: &str = "/api/v1";

/// What a command works on.
pub enum Target {
    /// A data directory, under its lock.
    Local(Box<Local>),
    /// A server.
    Remote(Box<Remote>),
}

/// How a request changes things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Adds, or does something.
    Post,
    /// Replaces.
    Put,
    /// Changes parts.
    Patch,
    /// Removes.
    Delete,
}

/// A body with its media type.
pub type Body = (&'static str, Vec<u8>);

impl Target {
    /// The server that was named, or else the data directory, under its lock, for the command of this name.
    ///
    /// # Errors
    /// When neither can be used.
    pub fn open(place: &Place, server: &Server, command: &str) -> Result<Target, Failure> {
        Ok(match server.url() {
            Some(_) => Target::Remote(Box::new(Remote::new(server)?)),
            None => Target::Local(Box::new(Local::open(place, command)?)),
        })
    }

    /// Sends a request to `path`, which is relative to the API's root; the answer's JSON, null if it has none.
    ///
    /// # Errors
    /// What the API refuses, or why it could not be asked.
    pub async fn send(&self, method: Method, path: &str, body: Option<Body>) -> Result<Json, Failure> {
        parse(&self.fetch(method, path, body).await?)
    }

    /// [`Target::send`] for an answer that is not JSON.
    ///
    /// # Errors
    /// As there.
    pub async fn fetch(&self, method: Method, path: &str, body: Option<Body>) -> Result<Vec<u8>, Failure> {
        let path = format!("{ROOT}{path}");
        match self {
            Target::Local(local) => local.fetch(method, &path, body).await,
            Target::Remote(remote) => remote.fetch(method, &path, body).await,
        }
    }

    /// Reads a long answer: `visit` sees its bytes as they come.
    ///
    /// # Errors
    /// As [`Target::send`], what `visit` fails with, and when the answer was cut short.
    pub async fn follow(&self, path: &str, visit: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
        let path = format!("{ROOT}{path}");
        match self {
            Target::Local(local) => local.follow(&path, visit).await,
            Target::Remote(remote) => remote.follow(&path, visit).await,
        }
    }

    /// Reads.
    ///
    /// # Errors
    /// As [`Target::send`].
    pub async fn get(&self, path: &str) -> Result<Json, Failure> {
        self.send(Method::Get, path, None).await
    }

    /// Sends JSON.
    ///
    /// # Errors
    /// As [`Target::send`].
    pub async fn put(&self, method: Method, path: &str, body: &Json) -> Result<Json, Failure> {
        self.send(method, path, Some(("application/json", body.to_string().into_bytes()))).await
    }

    /// All items of a list, page by page, until `limit` or until `visit` answers no.
    ///
    /// # Errors
    /// As [`Target::send`], and what `visit` fails with.
    pub async fn items(
        &self,
        path: &str,
        limit: Option<usize>,
        mut visit: impl FnMut(Json) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut left = limit.unwrap_or(usize::MAX);
        let size = left.min(PAGE);
        let mut next = Some(format!("{path}{}limit={size}", if path.contains('?') { '&' } else { '?' }));
        while let Some(path) = next.take().filter(|_| left > 0) {
            let mut page = self.get(&path).await?;
            let items = page["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
            for item in items.into_iter().take(left) {
                left -= 1;
                visit(item)?;
            }
            next = page["next"].as_str().and_then(|next| next.strip_prefix(ROOT)).map(str::to_owned);
        }
        Ok(())
    }

    /// All items of a list.
    ///
    /// # Errors
    /// As [`Target::send`].
    pub async fn all(&self, path: &str) -> Result<Vec<Json>, Failure> {
        let mut found = Vec::new();
        self.items(path, None, |item| {
            found.push(item);
            Ok(())
        })
        .await?;
        Ok(found)
    }
}

/// The JSON of an answer; null when it has no body.
fn parse(body: &[u8]) -> Result<Json, Failure> {
    if body.is_empty() {
        return Ok(Json::Null);
    }
    serde_json::from_slice(body)
        .map_err(|_| Failure::new("what answered is no Certhold server: its answer is not JSON; check the address"))
}

/// Rows of a page: as many as a page may have.
const PAGE: usize = 1_000;

/// Percent-encodes a value for a query (RFC 3986).
pub fn encode(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// A query from the parameters that are there: empty, or beginning with `?`.
pub fn query<'a>(parameters: impl IntoIterator<Item = (&'a str, Option<String>)>) -> String {
    let given = parameters.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", encode(&value?))));
    let joined = given.collect::<Vec<_>>().join("&");
    if joined.is_empty() { joined } else { format!("?{joined}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_hold_what_was_given_and_nothing_breaks_out() {
        assert_eq!(query([("q", None)]), "");
        assert_eq!(
            query([("q", Some("a b&c=d#\0é".into())), ("x", None), ("y", Some("1".into()))]),
            "?q=a+b%26c%3Dd%23%00%C3%A9&y=1"
        );
    }
}
