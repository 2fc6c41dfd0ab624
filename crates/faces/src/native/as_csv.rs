//! Any list as comma-separated values, for whoever asks with `Accept: text/csv`.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use certhold_domain::csv;
use serde_json::Value as Json;

use crate::problem::Problem;

/// Longest answer that is turned into lines; a page of a list is far shorter.
const BYTES: usize = 64 << 20;

/// Answers lists as comma-separated values where that is asked for; everything else passes as it is.
pub async fn answer(mut request: Request, next: Next) -> Response {
    if request.method() != Method::GET || !is_wanted(request.headers()) {
        return next.run(request).await;
    }
    // What is packed could not be read here.
    request.headers_mut().remove(header::ACCEPT_ENCODING);
    let response = next.run(request).await;
    let is_json =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if response.status() != StatusCode::OK || !is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, BYTES).await else {
        tracing::error!("a list could not be read to be told as comma-separated values");
        return Problem::internal().into_response();
    };
    let found: Json = serde_json::from_slice(&bytes).unwrap_or_default();
    let items = found.as_array().or_else(|| found["items"].as_array());
    // One object is no list: it stays what it was.
    let Some(items) = items else { return Response::from_parts(parts, Body::from(bytes)) };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    parts.headers.append(header::VARY, HeaderValue::from_static("accept"));
    Response::from_parts(parts, Body::from(csv::objects(items)))
}

/// Whether comma-separated values are accepted and JSON is not.
fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let kinds: Vec<String> =
        accepted.map(|range| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()).collect();
    kinds.iter().any(|kind| kind == "text/csv") && !kinds.iter().any(|kind| kind == "application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comma_separated_values_are_asked_for_by_name() {
        let wanted = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).expect("a header"));
            is_wanted(&headers)
        };
        assert!(wanted("text/csv") && wanted("Text/CSV; header=present, */*;q=0.1"));
        for other in ["*/*", "application/json", "application/json, text/csv;q=0.5", "text/*", "text/csvx", ""] {
            assert!(!wanted(other), "{other}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }
}
