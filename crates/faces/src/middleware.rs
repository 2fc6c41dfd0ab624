//! What happens around every request: its id, its time, its record, and the headers of its answer.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::address::{self, Address, Peer};
use crate::problem::Problem;
use crate::state::App;
use crate::web;

tokio::task_local! {
    static REQUEST: Uuid;
}

/// The id of the request that is being served on this task.
pub(crate) fn request_id() -> Option<Uuid> {
    REQUEST.try_with(|id| *id).ok()
}

/// The coordinates of a request that events keep: its id and where it came from.
#[derive(Clone, Debug)]
pub struct Coordinates {
    /// The request's id, made here: none is taken over from outside.
    pub request: Uuid,
    /// Where it came from.
    pub address: Address,
}

impl<S: Sync> FromRequestParts<S> for Coordinates {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Coordinates, Problem> {
        parts.extensions.get::<Coordinates>().cloned().ok_or_else(Problem::internal)
    }
}

/// The header in every answer under which the log knows the request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The route in log and metrics of a request that no route matched.
const NO_ROUTE: &str = "none";

/// Serves one request: gives it an id and a time limit, turns a panic into a problem, records it, and completes the headers.
pub(crate) async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = Uuid::now_v7();
    let peer = request.extensions().get::<Peer>().copied();
    let address = address::of_request(peer, request.headers(), &app.settings().trusted_proxies);
    request.extensions_mut().insert(Coordinates { request: id, address });
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let is_api = request.uri().path().starts_with("/api/");
    let limit = match route {
        IMPORT_ROUTE if method == Method::POST => app.settings().import_time,
        _ => app.settings().request_time,
    };

    let served = tokio::time::timeout(limit, AssertUnwindSafe(next.run(request)).catch_unwind());
    let mut response = match REQUEST.scope(id, served).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => REQUEST.sync_scope(id, || panicked(id, panic.as_ref())),
        Err(_) => too_slow(limit),
    };

    complete(&app, response.headers_mut(), id, is_api);
    record(&app, id, &method, route, response.status(), started.elapsed());
    response
}

/// The route of imports, which may take longer.
const IMPORT_ROUTE: &str = "/api/v1/certificates";

fn panicked(id: Uuid, panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(request = %id, panic = text.unwrap_or("without words"), "a request failed because of a defect");
    Problem::internal().into_response()
}

fn too_slow(limit: Duration) -> Response {
    let detail = format!(
        "the request took longer than {} seconds; what it asked for may have been done: look before asking again",
        limit.as_secs()
    );
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "Took too long", detail).into_response()
}

fn complete(app: &App, headers: &mut HeaderMap, id: Uuid, is_api: bool) {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    let text = id.hyphenated().encode_lower(&mut text);
    if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if app.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if is_api {
        return;
    }
    let others = [
        (header::CONTENT_SECURITY_POLICY, web::CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    ];
    for (name, value) in others {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// One line per request. Routes are logged, never paths or queries, since vendors demand tokens in URLs. Reads that went well
/// are told at debug level: there are thousands a second of them, and they changed nothing.
fn record(app: &App, id: Uuid, method: &Method, route: &str, status: StatusCode, took: Duration) {
    app.metrics().served(method, route, status, took);
    let duration_ms = took.as_micros() as f64 / 1000.0;
    let (method, status_code) = (method.as_str(), status.as_u16());
    if status.is_success() && matches!(method, "GET" | "HEAD") {
        tracing::debug!(target: "certhold::access", request = %id, method, route, status = status_code, duration_ms, "served");
    } else {
        tracing::info!(target: "certhold::access", request = %id, method, route, status = status_code, duration_ms, "served");
    }
}
