//! `/oauth2/token`: access tokens for API clients (OAuth 2 client credentials, RFC 6749 section 4.4).
//!
//! A client presents its id and secret in the form or in a Basic header (section 2.3.1). Scopes and audiences that it asks for are
//! left out: what a token may be used for was said when the client was made.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use certhold_domain::people::{self, Credential, TokenRequest};
use certhold_domain::{Actor, Error, Face, Refusal, limits};
use secrecy::ExposeSecret;
use serde::Serialize;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::auth::basic::Credentials;
use crate::auth::{ACCESS_PREFIX, authorization};
use crate::middleware::Coordinates;
use crate::problem::Problem;
use crate::state::App;

/// The largest form that is read.
const FORM_BYTES: usize = 16 * 1024;

/// The token endpoint.
pub fn router() -> Router<App> {
    let layer = axum::extract::DefaultBodyLimit::max(FORM_BYTES);
    Router::new().route("/oauth2/token", post(token).merge(get(not_by_get)).layer(layer))
}

#[derive(Serialize)]
struct Issued<'a> {
    access_token: &'a str,
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
}

/// RFC 6749 section 5.2.
#[derive(Serialize)]
struct Refused {
    error: &'static str,
    error_description: String,
}

fn refused(status: StatusCode, error: &'static str, why: impl Into<String>) -> Response {
    let mut response = (status, axum::Json(Refused { error, error_description: why.into() })).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="certhold""#));
    }
    response
}

async fn not_by_get() -> Response {
    let mut response = refused(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "the token endpoint takes a form by POST");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

/// The client's credentials, from the one place where they stand.
fn presented(headers: &HeaderMap, form: &[(String, Zeroizing<String>)]) -> Result<(String, Zeroizing<String>), &'static str> {
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let sent = (field("client_id").filter(|id| !id.is_empty()), field("client_secret"));
    if !headers.contains_key(header::AUTHORIZATION) {
        let (Some(id), Some(secret)) = sent else {
            return Err("send client_id and client_secret, in the form or in a Basic header");
        };
        return Ok((id.to_string(), secret));
    }
    let basic = authorization(headers).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let given = basic
        .and_then(|(_, text)| Credentials::decode(text))
        .ok_or("the Authorization header is not Basic with an id and a secret")?;
    if sent.1.is_some() {
        return Err("send the secret once: in the form or in the Basic header");
    }
    Ok((given.name.to_string(), given.password))
}

async fn token(State(app): State<App>, at: Coordinates, headers: HeaderMap, body: Bytes) -> Response {
    let form: Vec<(String, Zeroizing<String>)> =
        form_urlencoded::parse(&body).map(|(name, value)| (name.into_owned(), Zeroizing::new(value.into_owned()))).collect();
    let grant = form.iter().find(|(name, _)| name == "grant_type").map_or("", |(_, value)| value.as_str());
    match grant {
        "client_credentials" => {}
        "" => return refused(StatusCode::BAD_REQUEST, "invalid_request", "send a form with grant_type=client_credentials"),
        _ => {
            let why = "only grant_type=client_credentials is given here";
            return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", why);
        }
    }
    let (client_id, secret) = match presented(&headers, &form) {
        Ok(presented) => presented,
        Err(why) => return refused(StatusCode::UNAUTHORIZED, "invalid_client", why),
    };
    let made = Credential::generate(app.core().entropy.as_ref(), ACCESS_PREFIX);
    let request = TokenRequest { client_id, secret_hash: Credential::hash_of(&secret), token_hash: made.hash };
    let anonymous = Actor::anonymous(Face::Keyfactor, "anonymous", &at.request.to_string(), at.address.as_str());
    let now = app.now();
    let issued = app.write(move |tx| people::issue_access_token(tx, &anonymous, &request, now)).await;
    match issued {
        Ok(Ok(_)) => {
            let issued = Issued {
                access_token: made.text.expose_secret(),
                token_type: "Bearer",
                expires_in: limits::ACCESS_TOKEN_MS / 1000,
            };
            let headers = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
            (headers, axum::Json(issued)).into_response()
        }
        Ok(Err(refusal @ Refusal::Unauthenticated(_))) => {
            refused(StatusCode::UNAUTHORIZED, "invalid_client", refusal.to_string())
        }
        Ok(Err(refusal)) => otherwise(Error::Refused(refusal)),
        Err(error) => otherwise(error),
    }
}

/// A lock, a busy server, a fault: with the status and the pause of every face, in the shape of this one.
fn otherwise(error: Error) -> Response {
    let problem = Problem::from(error);
    let (status, why) = (problem.status(), problem.sentence());
    let retry = problem.into_response().headers().get(header::RETRY_AFTER).cloned();
    let mut response = refused(status, "temporarily_unavailable", why);
    if let Some(retry) = retry {
        response.headers_mut().insert(header::RETRY_AFTER, retry);
    }
    response
}
