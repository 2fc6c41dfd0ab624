//! The session cookie of the web pages, and the proof that a change was asked for on one of them.

use aws_lc_rs::{constant_time, hmac};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certhold_domain::{Face, Refusal, limits};
use url::Url;

use super::{CREDENTIAL_BYTES_MAX, Caller, SESSION_PREFIX};
use crate::middleware::Coordinates;
use crate::state::App;

/// Whoever presents the session cookie. The `Authorization` header is ignored.
pub struct Browser {
    /// To be checked with [`App::known`] or [`App::read_as`].
    pub caller: Caller,
    /// What every form of this session's pages sends back.
    pub csrf: String,
}

impl Browser {
    /// The caller of a request with a session cookie.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] when there is none.
    pub fn of(app: &App, headers: &HeaderMap, at: Coordinates) -> Result<Browser, Refusal> {
        let found = cookies(headers).find_map(|(name, value)| (name == cookie_name(app)).then_some(value));
        let text = found.filter(|text| text.starts_with(SESSION_PREFIX) && text.len() <= CREDENTIAL_BYTES_MAX);
        let text = text.ok_or_else(|| Refusal::Unauthenticated("sign in first".into()))?;
        Ok(Browser { caller: Caller::new(text, Face::Web, at), csrf: proof(text) })
    }

    /// Refuses a change that does not come from one of our own pages: `submitted` is the form's field `csrf`, or the header
    /// `x-csrf-token`. Safe methods (RFC 9110 §9.2.1) need no proof.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`].
    pub fn require_own_page(
        &self,
        app: &App,
        method: &Method,
        headers: &HeaderMap,
        submitted: Option<&str>,
    ) -> Result<(), Refusal> {
        if method.is_safe() {
            return Ok(());
        }
        require_same_origin(app, headers)?;
        let submitted = submitted.unwrap_or("").as_bytes();
        match constant_time::verify_slices_are_equal(submitted, self.csrf.as_bytes()) {
            Ok(()) => Ok(()),
            Err(_) => Err(foreign("the form is too old or not ours: go back, reload the page and try again")),
        }
    }
}

/// Refuses a request that a browser sent on behalf of another site. For forms that come before a session: signing in.
///
/// # Errors
/// [`Refusal::Forbidden`].
pub fn require_same_origin(app: &App, headers: &HeaderMap) -> Result<(), Refusal> {
    const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return match site.as_bytes() {
            b"same-origin" | b"none" => Ok(()),
            _ => Err(foreign("this was sent by another site")),
        };
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
    match (origin, own_address(app, headers)) {
        (Some(origin), Some(ours)) if origin.origin() == ours.origin() => Ok(()),
        _ => Err(foreign("this was sent by another site")),
    }
}

/// Path and query of the page from which a request came, if it is one of ours.
pub fn page_before(app: &App, headers: &HeaderMap) -> Option<String> {
    let from = Url::parse(headers.get(header::REFERER)?.to_str().ok()?).ok()?;
    if from.origin() != own_address(app, headers)?.origin() {
        return None;
    }
    Some(from.query().map_or_else(|| from.path().to_owned(), |query| format!("{}?{query}", from.path())))
}

/// Where browsers find this server.
fn own_address(app: &App, headers: &HeaderMap) -> Option<Url> {
    if let Some(url) = &app.settings().public_url {
        return Some(url.clone());
    }
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let scheme = if app.is_secure() { "https" } else { "http" };
    Url::parse(&format!("{scheme}://{host}/")).ok()
}

fn foreign(reason: &str) -> Refusal {
    Refusal::Forbidden { reason: reason.to_owned(), missing: Vec::new() }
}

/// Derived from the session's secret alone, so that it holds on every node and after a restart, and tells nothing about it.
fn proof(session_token: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, session_token.as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"certhold form 1"))
}

/// `__Host-` binds the cookie to this host and to TLS (RFC 6265bis §4.1.3.2); plain HTTP cannot have it.
fn cookie_name(app: &App) -> &'static str {
    if app.is_secure() { "__Host-certhold" } else { "certhold" }
}

/// The `Set-Cookie` of a new session.
pub fn cookie(app: &App, token: &str) -> HeaderValue {
    set_cookie(app, token, limits::SESSION_MS / 1000)
}

/// The `Set-Cookie` that removes the session.
pub fn ended_cookie(app: &App) -> HeaderValue {
    set_cookie(app, "", 0)
}

fn set_cookie(app: &App, value: &str, seconds: i64) -> HeaderValue {
    let secure = if app.is_secure() { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}", cookie_name(app));
    // Tokens are base64url; anything else would be a defect, and then no cookie is better than a broken one.
    let mut header = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='))
}
