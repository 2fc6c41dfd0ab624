//! Credentials in the `Authorization` header (RFC 6750).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use certhold_domain::limits::EXTERNAL_TOKEN_BYTES as TOKEN_BYTES_MAX;
use certhold_domain::{Actor, Face, SessionId};

use super::Caller;
use crate::in_process::Vouched;
use crate::middleware::Coordinates;
use crate::problem::Problem;
use crate::state::App;

/// What API tokens begin with.
pub const TOKEN_PREFIX: &str = "cht_";

/// Whoever presents a bearer token to the native API; it is checked in the transaction that reads for them. Cookies are ignored.
#[derive(Clone)]
pub struct Bearer(pub Caller);

impl FromRequestParts<App> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &App) -> Result<Bearer, Problem> {
        let at = Coordinates::from_request_parts(parts, state).await?;
        if let Some(actor) = parts.extensions.get::<Vouched>() {
            return Ok(Bearer(Caller::vouched(actor, at)));
        }
        let text = presented(&parts.headers)?;
        Ok(Bearer(Caller::bearing(state, text, Face::Native, at).await?))
    }
}

/// Whoever changes something through the native API: checked before the body is read. Cookies are ignored.
#[derive(Clone)]
pub struct Author {
    /// Who.
    pub actor: Arc<Actor>,
    /// Their session, unless they used an API token.
    pub session: Option<SessionId>,
}

impl FromRequestParts<App> for Author {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Author, Problem> {
        let Bearer(caller) = Bearer::from_request_parts(parts, app).await?;
        let known = app.known(caller).await?;
        Ok(Author { actor: known.actor, session: known.session })
    }
}

fn presented(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    values.next().ok_or_else(|| Problem::unauthenticated("send an API token: Authorization: Bearer TOKEN"))?;
    if values.next().is_some() {
        return Err(Problem::unauthenticated("there is more than one Authorization header"));
    }
    let wrong = || Problem::unauthenticated("the Authorization header must be: Bearer TOKEN");
    match authorization(headers) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && token.len() <= TOKEN_BYTES_MAX => Ok(token),
        _ => Err(wrong()),
    }
}

/// Scheme and credentials of the one `Authorization` header.
pub(crate) fn authorization(headers: &HeaderMap) -> Option<(&str, &str)> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
    let credentials = credentials.trim();
    (!credentials.is_empty()).then_some((scheme, credentials))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(values: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, axum::http::HeaderValue::from_bytes(value).unwrap());
        }
        presented(&headers).ok().map(str::to_owned)
    }

    #[test]
    fn one_bearer_token_or_nothing() {
        assert_eq!(token(&[b"Bearer cht_x"]).as_deref(), Some("cht_x"));
        assert_eq!(token(&[b"bearer  cht_x "]).as_deref(), Some("cht_x"));
        let long = format!("Bearer {}", "x".repeat(TOKEN_BYTES_MAX + 1));
        let wrong: [&[&[u8]]; 7] =
            [&[], &[b""], &[b"Bearer"], &[b"Bearer "], &[b"Basic dTpw"], &[b"Bearer a", b"Bearer b"], &[long.as_bytes()]];
        for values in wrong {
            assert_eq!(token(values), None, "{values:?}");
        }
        assert_eq!(token(&[b"Bearer \xff"]), None);
    }
}
