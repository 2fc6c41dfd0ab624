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
use crate::{arcgis, keyfactor};

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
    host_of_authority(&mut request);
    let peer = request.extensions().get::<Peer>().copied();
    let address = address::of_request(peer, request.headers(), &app.settings().trusted_proxies);
    request.extensions_mut().insert(Coordinates { request: id, address });
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let shape = Shape::of(request.uri().path());
    let limit = match route {
        IMPORT_ROUTE | IMPORT_PAGE | IMPORT_KEYFACTOR if method == Method::POST => app.settings().import_time,
        route if method == Method::POST && arcgis::IMPORTS.contains(&route) => app.settings().import_time,
        _ => app.settings().request_time,
    };

    let served = tokio::time::timeout(limit, AssertUnwindSafe(next.run(request)).catch_unwind());
    let mut response = match REQUEST.scope(id, served).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => REQUEST.sync_scope(id, || shape.told(panicked(id, panic.as_ref()))),
        Err(_) => shape.told(too_slow(limit)),
    };

    let is_api = match shape {
        Shape::Page => false,
        Shape::Native | Shape::Keyfactor => true,
        Shape::ArcGis => !is_page(response.headers()),
    };
    complete(&app, response.headers_mut(), id, is_api);
    record(&app, id, &method, route, response.status(), started.elapsed());
    response
}

/// HTTP/2 says where a request goes in `:authority` instead of `Host`, and that counts more (RFC 9113 section 8.3.1): it is written where
/// everything else looks.
fn host_of_authority(request: &mut Request) {
    let authority =
        request.uri().authority().map(|authority| authority.as_str().rsplit('@').next().unwrap_or_default().to_owned());
    if let Some(host) = authority.and_then(|host| HeaderValue::from_str(&host).ok()) {
        request.headers_mut().insert(header::HOST, host);
    }
}

/// In whose words a request is answered that no handler answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Native,
    Keyfactor,
    ArcGis,
    Page,
}

impl Shape {
    fn of(path: &str) -> Shape {
        match path {
            path if path.starts_with("/api/") || path.starts_with("/oauth2/") => Shape::Native,
            path if keyfactor::is_here(path) => Shape::Keyfactor,
            path if arcgis::is_here(path) => Shape::ArcGis,
            _ => Shape::Page,
        }
    }

    fn told(self, problem: Problem) -> Response {
        match self {
            Shape::Keyfactor => keyfactor::Refused::from(problem).into_response(),
            Shape::ArcGis => arcgis::told(problem),
            Shape::Native | Shape::Page => problem.into_response(),
        }
    }
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// The routes of imports, which may take longer.
const IMPORT_ROUTE: &str = "/api/v1/certificates";
const IMPORT_PAGE: &str = "/import";
const IMPORT_KEYFACTOR: &str = "/KeyfactorAPI/Certificates/Import";

fn panicked(id: Uuid, panic: &(dyn Any + Send)) -> Problem {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(request = %id, panic = text.unwrap_or("without words"), "a request failed because of a defect");
    Problem::internal()
}

fn too_slow(limit: Duration) -> Problem {
    let detail = format!(
        "the request took longer than {} seconds; what it asked for may have been done: look before asking again",
        limit.as_secs()
    );
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "Took too long", detail)
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
        // Without any, browsers hide also from ourselves where a form comes from.
        (header::REFERRER_POLICY, "same-origin"),
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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use axum::body::Body;
    use axum::routing::get;
    use axum::{Router, middleware};
    use http_body_util::BodyExt;
    use serde_json::Value;
    use tower::ServiceExt;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::state::Settings;
    use crate::testing::TestApp;

    async fn panics() -> &'static str {
        panic!("hidden words")
    }

    async fn with_routes(test: &TestApp) -> Router {
        let app = test.app.clone();
        Router::new()
            .route("/api/v1/panics", get(panics))
            .route("/api/v1/slow", get(|| async { tokio::time::sleep(Duration::from_secs(60)).await }))
            .route("/api/v1/id", get(|at: Coordinates| async move { at.request.to_string() }))
            .route("/page/{token}", get(|| async { "page" }))
            .layer(middleware::from_fn_with_state(app.clone(), around))
            .with_state(app)
    }

    async fn answer(router: &Router, request: Request) -> (StatusCode, HeaderMap, String) {
        let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
    }

    fn request(path: &str) -> Request {
        Request::builder().uri(path).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_with_the_reference_of_the_request() {
        let test = TestApp::new().await;
        let router = with_routes(&test).await;
        let (status, headers, body) = answer(&router, request("/api/v1/panics")).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["reference"], headers[REQUEST_ID].to_str().unwrap());
        assert!(!body.to_string().contains("hidden words"));
    }

    #[tokio::test]
    async fn a_request_that_takes_too_long_is_given_up() {
        let settings = Settings { request_time: Duration::from_millis(20), plain_http: true, ..Settings::default() };
        let test = TestApp::with(settings).await;
        let (status, _, body) = answer(&with_routes(&test).await, request("/api/v1/slow")).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("urn:certhold:problem:timeout"), "{body}");
    }

    #[tokio::test]
    async fn ids_are_made_here_and_differ() {
        let test = TestApp::new().await;
        let router = with_routes(&test).await;
        let mut given = request("/api/v1/id");
        given.headers_mut().insert(REQUEST_ID, HeaderValue::from_static("chosen-by-the-client"));
        let (_, headers, body) = answer(&router, given).await;
        assert_eq!(headers[REQUEST_ID].to_str().unwrap(), body);
        assert_ne!(body, "chosen-by-the-client");
        let (_, _, other) = answer(&router, request("/api/v1/id")).await;
        assert_ne!(body, other);
    }

    #[tokio::test]
    async fn answers_carry_the_headers_that_protect_them() {
        let test = TestApp::with(Settings::default()).await;
        let router = with_routes(&test).await;
        let (_, page, _) = answer(&router, request("/page/1")).await;
        let (_, api, _) = answer(&router, request("/api/v1/id")).await;
        for headers in [&page, &api] {
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers[header::CACHE_CONTROL], "no-store");
            assert_eq!(headers[header::STRICT_TRANSPORT_SECURITY], "max-age=31536000");
        }
        assert!(page[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
        assert_eq!(page[header::REFERRER_POLICY], "same-origin");
        let plain = TestApp::new().await;
        let (_, headers, _) = answer(&with_routes(&plain).await, request("/page/1")).await;
        assert!(!headers.contains_key(header::STRICT_TRANSPORT_SECURITY), "HSTS means nothing without TLS (RFC 6797 §7.2)");
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Log {
        type Writer = Log;

        fn make_writer(&self) -> Log {
            self.clone()
        }
    }

    #[tokio::test]
    async fn the_log_names_routes_and_never_what_stood_in_paths_queries_and_headers() {
        let log = Log::default();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let test = TestApp::new().await;
        let router = with_routes(&test).await;
        for path in ["/page/1", "/nowhere", "/api/v1/panics"] {
            answer(&router, request(path)).await;
        }
        // Tests on other threads may have met the same lines first, without a subscriber.
        tracing::callsite::rebuild_interest_cache();
        let mut secretive = request("/page/token-in-path?access_token=token-in-query");
        for (name, value) in [(header::AUTHORIZATION, "Bearer token-in-header"), (header::COOKIE, "certhold=token-in-cookie")] {
            secretive.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        answer(&router, secretive).await;
        answer(&router, request("/nowhere/token-in-unknown-path?x=token-in-query")).await;
        answer(&router, request("/api/v1/panics")).await;
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("route=\"/page/{token}\"") && text.contains("status=200"), "{text}");
        assert!(text.contains("route=\"none\"") && text.contains("status=404"), "{text}");
        assert!(text.contains("hidden words"), "what is hidden from the client is told to the operator: {text}");
        assert!(!text.contains("token-in-"), "{text}");
    }
}
