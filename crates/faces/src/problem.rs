//! Problem details (RFC 9457): how the native API says no.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use certhold_domain::{Error, Fault, Refusal};
use serde::Serialize;
use utoipa::ToSchema;

use crate::middleware;

/// What an answer that is not a success says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "urn:certhold:problem:forbidden", "title": "Not allowed", "status": 403,
    "detail": "missing permission /certificates/import/", "missing": ["/certificates/import/"]
}))]
pub struct Body {
    /// What kind of problem: `urn:certhold:problem:` and a word. Programs decide by it.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request and what to do about it.
    detail: String,
    /// The field or parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Permission paths, any one of which would have allowed it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    /// Seconds after which it may work.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// Names the request in the server's log; also in the header `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}

/// A problem on its way out.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    body: Box<Body>,
    /// Value of `WWW-Authenticate`.
    authenticate: Option<&'static str>,
}

/// What handlers of the native API return.
pub type Answer<T> = Result<T, Problem>;

impl Problem {
    /// A problem of this kind (a word of the type) and title.
    pub fn new(status: StatusCode, kind: &str, title: &'static str, detail: impl Into<String>) -> Problem {
        let body = Body {
            kind: format!("urn:certhold:problem:{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            missing: Vec::new(),
            retry_after: None,
            reference: None,
        };
        Problem { status, body: Box::new(body), authenticate: None }
    }

    /// A request that cannot be understood.
    pub fn malformed(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "malformed", "Not understood", detail)
    }

    /// A field or parameter that is wrong.
    pub fn invalid(field: &str, message: impl std::fmt::Display) -> Problem {
        let mut problem = Problem::new(StatusCode::BAD_REQUEST, "invalid", "A field is wrong", format!("{field}: {message}"));
        problem.body.field = Some(field.to_owned());
        problem
    }

    /// Nothing is there.
    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// A body larger than `limit` bytes.
    pub fn too_large(limit: usize) -> Problem {
        let detail = format!("the body is larger than {limit} bytes, the limit here");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large", detail)
    }

    /// No credentials, or none that are valid.
    pub fn unauthenticated(detail: impl Into<String>) -> Problem {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Not authenticated", detail);
        Problem { authenticate: Some(r#"Bearer realm="certhold""#), ..problem }
    }

    /// Something broke on our side; the log knows more under the reference.
    pub fn internal() -> Problem {
        let detail = "something went wrong in the server: the reference finds it in the server's log";
        let mut problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail);
        problem.body.reference = middleware::request_id().map(|id| id.to_string());
        problem
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, with the reference under which the log knows more.
    pub(crate) fn sentence(&self) -> String {
        match &self.body.reference {
            Some(reference) => format!("{} (reference {reference})", self.body.detail),
            None => self.body.detail.clone(),
        }
    }

    /// Whether a permission is missing.
    pub fn is_forbidden(&self) -> bool {
        self.status == StatusCode::FORBIDDEN
    }

    fn retry_after(mut self, seconds: u64) -> Problem {
        self.body.retry_after = Some(seconds);
        self
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let detail = refusal.to_string();
        match refusal {
            Refusal::Unauthenticated(_) => {
                let problem = Problem::unauthenticated(detail);
                Problem { authenticate: Some(r#"Bearer realm="certhold", error="invalid_token""#), ..problem }
            }
            Refusal::LockedOut { until } => {
                let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "locked-out", "Locked out", detail);
                problem.retry_after(seconds_until(until))
            }
            Refusal::Forbidden { missing, .. } => {
                let mut problem = Problem::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail);
                problem.body.missing = missing;
                problem
            }
            Refusal::NotFound { .. } => Problem::not_found(detail),
            Refusal::Conflict(_) | Refusal::LeaseLost(_) => Problem::new(StatusCode::CONFLICT, "conflict", "In the way", detail),
            Refusal::Invalid { field, message } => Problem::invalid(field, message),
            Refusal::TooLarge(_) => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large", detail),
            Refusal::Busy => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy", detail).retry_after(1),
            Refusal::Unavailable(_) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available", detail).retry_after(10)
            }
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        use certhold_store::Error as Store;
        let unavailable =
            |detail: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available", detail).retry_after(5);
        let mut problem = match &fault {
            Fault::Store(Store::Closed) => unavailable("the server is stopping: try again when it is back"),
            Fault::Store(Store::TimedOut) => {
                unavailable("this took longer than the database allows and was stopped; nothing was changed: ask for less, or try again in a moment")
            }
            Fault::Store(Store::Lost) => {
                unavailable("the database did not answer; nothing was changed: try again in a moment")
            }
            Fault::Store(Store::CommitUnknown) => Problem {
                body: Box::new(Body {
                    detail: "the database was lost while it committed; whether the change was made is not known: look before doing it again"
                        .into(),
                    ..*Problem::internal().body
                }),
                ..Problem::internal()
            },
            _ => Problem::internal(),
        };
        problem.body.reference = middleware::request_id().map(|id| id.to_string());
        tracing::error!(request = problem.body.reference, fault = %Chain(&fault), "a request failed because of a fault");
        problem
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::Fault(fault) => fault.into(),
        }
    }
}

/// An error with everything that caused it.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut told = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let words = error.to_string();
            // Some errors say themselves what caused them.
            if !told.ends_with(&words) {
                told = format!("{told}: {words}");
            }
            cause = error.source();
        }
        f.write_str(&told)
    }
}

/// By the machine's clock, because it tells a client how long to wait from now.
fn seconds_until(unix_ms: i64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let left = u128::try_from(unix_ms).unwrap_or(0).saturating_sub(now);
    u64::try_from(left.div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A struct of strings and numbers always serialises.
        let body = serde_json::to_vec(&self.body).unwrap_or_default();
        let mut response = (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let headers = response.headers_mut();
        if let Some(scheme) = self.authenticate {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        if let Some(seconds) = self.body.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::{Value, json};

    use super::*;

    async fn shown(problem: Problem) -> (StatusCode, axum::http::HeaderMap, Value) {
        let (parts, body) = problem.into_response().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn refusals_keep_their_words() {
        let missing = vec!["/certificates/import/".to_owned()];
        let (status, _, body) = shown(Refusal::Forbidden { reason: String::new(), missing }.into()).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert_eq!(body["missing"], json!(["/certificates/import/"]));
        assert_eq!(body["detail"], "missing permission /certificates/import/");
        let (status, _, body) = shown(Refusal::invalid("name", "a name is required").into()).await;
        assert_eq!((status, &body["field"]), (StatusCode::BAD_REQUEST, &json!("name")));
        let (status, headers, _) = shown(Refusal::Unauthenticated("no".into()).into()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(headers[header::WWW_AUTHENTICATE], r#"Bearer realm="certhold", error="invalid_token""#);
        let (status, headers, body) = shown(Refusal::LockedOut { until: 0 }.into()).await;
        assert_eq!((status, &headers[header::RETRY_AFTER]), (StatusCode::TOO_MANY_REQUESTS, &HeaderValue::from(1)));
        assert_eq!(body["type"], "urn:certhold:problem:locked-out");
    }

    #[tokio::test]
    async fn faults_say_nothing_of_their_cause() {
        let sql = certhold_store::Error::Sql { code: "1".into(), message: "secret-cause".into(), sql: "SELECT hidden".into() };
        let (status, _, body) = shown(Fault::Store(sql).into()).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!body.to_string().contains("secret-cause") && !body.to_string().contains("hidden"));
        let (status, ..) = shown(Fault::Store(certhold_store::Error::Closed).into()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
}
