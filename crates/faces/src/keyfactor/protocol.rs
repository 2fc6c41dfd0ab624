//! What holds for every request: the header against other sites' browsers, the version, the headers of every answer.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::refused::{Answer, Code, Refused};

const REQUESTED_WITH: HeaderName = HeaderName::from_static("x-keyfactor-requested-with");
const API_VERSION: HeaderName = HeaderName::from_static("x-keyfactor-api-version");
const PRODUCT_VERSION: HeaderName = HeaderName::from_static("x-keyfactor-product-version");
/// How many records there are, whatever page was asked for.
pub const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
/// The version of Keyfactor Command whose API this is; clients choose by it what they send.
const PRODUCT: HeaderValue = HeaderValue::from_static("25.1.0.0");
/// Every answer is this, whatever the client says it accepts.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// The version of the API that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Without the header.
    One,
    /// Where an address has no second version, the first one answers.
    Two,
}

impl<S: Sync> FromRequestParts<S> for Version {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Version, Infallible> {
        Ok(parts.extensions.get::<Version>().copied().unwrap_or(Version::One))
    }
}

/// Checks a request, and completes its answer.
pub async fn guard(mut request: Request, next: Next) -> Response {
    let mut response = match checked(request.headers()) {
        Ok(version) => {
            request.extensions_mut().insert(version);
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    };
    response.headers_mut().insert(PRODUCT_VERSION, PRODUCT);
    response
}

fn checked(headers: &HeaderMap) -> Answer<Version> {
    let known = |value: &HeaderValue| {
        ["apiclient", "xmlhttprequest"].iter().any(|known| value.as_bytes().trim_ascii().eq_ignore_ascii_case(known.as_bytes()))
    };
    if !headers.get(REQUESTED_WITH).is_some_and(known) {
        let message = "Send the header x-keyfactor-requested-with: APIClient with every request";
        return Err(Refused::new(StatusCode::BAD_REQUEST, Code::RequestedWith, message));
    }
    version(headers)
}

/// `1`, `1.0`, `2`, `2.0`: a decimal whose integer part counts.
fn version(headers: &HeaderMap) -> Answer<Version> {
    let Some(value) = headers.get(API_VERSION) else { return Ok(Version::One) };
    let whole = value.to_str().ok().map(str::trim).and_then(|text| {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = !fraction.is_empty() && fraction.bytes().all(|digit| digit.is_ascii_digit());
        whole.parse::<u8>().ok().filter(|_| digits)
    });
    match whole {
        Some(1) => Ok(Version::One),
        Some(2) => Ok(Version::Two),
        _ => Err(Refused::new(
            StatusCode::BAD_REQUEST,
            Code::Version,
            "The header x-keyfactor-api-version names no version of this API: there are 1 and 2",
        )),
    }
}

/// Says in a family's own words that a method does not go with an address.
pub async fn method_not_allowed() -> Refused {
    let message = "This method cannot be used here: the header Allow lists those that can";
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, Code::Method, message)
}

/// There is nothing at an address.
pub async fn unknown(request: Request) -> Refused {
    let path: String = request.uri().path().chars().take(200).collect();
    Refused::new(StatusCode::NOT_FOUND, Code::NotFound, format!("There is nothing at {path}"))
}

/// JSON with the headers of this API.
pub struct Json<T>(pub T);

impl<T: serde::Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.0).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn versions_are_decimals() {
        for (text, known) in [("1", Version::One), ("1.0", Version::One), ("2", Version::Two), (" 2.0 ", Version::Two)] {
            assert_eq!(version(&with(API_VERSION, text)).unwrap(), known);
        }
        assert_eq!(version(&HeaderMap::new()).unwrap(), Version::One);
        for wrong in ["", "0", "3", "2.", "2.x", "v1", "-1", "1,0", "999"] {
            assert!(version(&with(API_VERSION, wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_header_that_other_sites_cannot_send_is_required() {
        for fine in ["APIClient", "XMLHttpRequest", "apiclient"] {
            assert!(checked(&with(REQUESTED_WITH, fine)).is_ok(), "{fine}");
        }
        assert!(checked(&with(REQUESTED_WITH, "browser")).is_err());
        assert!(checked(&HeaderMap::new()).is_err());
    }
}
