//! What operators and their tools ask for: `/healthz`, `/readyz`, `/metrics`.

mod metrics;

pub(crate) use metrics::Metrics;

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::state::App;

/// A worker that was not seen for so long is not at work.
const WORKER_SILENT_MS: i64 = 60_000;
/// The longest that readiness waits for the database.
const PING: Duration = Duration::from_secs(5);

/// The routes for operators.
pub fn router() -> Router<App> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

/// The process runs.
async fn alive() -> &'static str {
    "ok\n"
}

/// Requests can be served: the database takes writes and the worker is at work.
async fn ready(State(app): State<App>) -> Response {
    let ping = tokio::time::timeout(PING, app.core().store.ping()).await;
    let store = match ping {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database is not ready");
            Err("the database does not take writes: the log says why")
        }
        Err(_) => Err("the database did not answer in time"),
    };
    let silent = app.now() - app.worker_seen().load(Ordering::Relaxed);
    let worker = if silent < WORKER_SILENT_MS { Ok(()) } else { Err("the worker has not been seen for a minute") };
    let lines = [("database", store), ("worker", worker)];
    let text: String = lines.iter().map(|(name, state)| format!("{name}: {}\n", state.err().unwrap_or("ok"))).collect();
    let status = if lines.iter().all(|(_, state)| state.is_ok()) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, text).into_response()
}

/// Numbers for Prometheus; no names of objects or people.
async fn metrics(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::render(&app).await).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::testing::{START, TestApp};

    async fn ask(test: &TestApp, path: &str) -> (u16, String) {
        let reply = test.call("GET", path, "", None).await;
        (reply.status.as_u16(), reply.text())
    }

    #[tokio::test]
    async fn the_process_is_alive_and_ready() {
        let test = TestApp::new().await;
        assert_eq!(ask(&test, "/healthz").await, (200, "ok\n".to_owned()));
        assert_eq!(ask(&test, "/readyz").await, (200, "database: ok\nworker: ok\n".to_owned()));
    }

    #[tokio::test]
    async fn a_silent_worker_is_not_ready_and_comes_back() {
        let test = TestApp::new().await;
        test.clock.advance(WORKER_SILENT_MS);
        let (status, text) = ask(&test, "/readyz").await;
        assert_eq!((status, text.as_str()), (503, "database: ok\nworker: the worker has not been seen for a minute\n"));
        assert_eq!(ask(&test, "/healthz").await.0, 200, "the process is alive all the same");
        test.app.worker_seen().store(START + WORKER_SILENT_MS, Ordering::Relaxed);
        assert_eq!(ask(&test, "/readyz").await.0, 200);
    }

    #[tokio::test]
    async fn a_closed_database_is_not_ready() {
        let test = TestApp::new().await;
        let store = test.app.core().store.clone();
        tokio::task::spawn_blocking(move || store.close()).await.unwrap();
        let (status, text) = ask(&test, "/readyz").await;
        assert!(status == 503 && text.starts_with("database: the database does not take writes"), "{status} {text}");
        let (status, text) = ask(&test, "/metrics").await;
        assert!(status == 200 && text.contains("certhold_database_up 0\n"), "{status} {text}");
        assert!(text.contains("certhold_http_requests_total") && !text.contains("certhold_certificates"), "{text}");
        let reply = test.get("/api/v1/certificates").await;
        assert_eq!((reply.status.as_u16(), reply.headers.contains_key(header::RETRY_AFTER)), (503, true), "{}", reply.text());
    }

    #[tokio::test]
    async fn metrics_count_without_naming_anything() {
        let test = TestApp::new().await;
        test.import_samples(3).await;
        test.get("/api/v1/certificates/1").await.expect(200);
        test.get("/api/v1/certificates/4711").await.expect(404);
        test.get("/no/such/secret-path?token=secret").await;
        let (status, text) = ask(&test, "/metrics").await;
        assert_eq!(status, 200);
        for line in [
            "certhold_database_up 1\n",
            "certhold_certificates 3\n",
            "certhold_managed_certificates{health=\"good\"} 0\n",
            "certhold_jobs{state=\"waiting\"} 0\n",
            "certhold_http_requests_total{method=\"GET\",route=\"/api/v1/certificates/{id}\",status=\"200\"} 1\n",
            "certhold_http_requests_total{method=\"GET\",route=\"/api/v1/certificates/{id}\",status=\"404\"} 1\n",
            "certhold_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1\n",
            "# TYPE certhold_store_commits_total counter\n",
        ] {
            assert!(text.contains(line), "{line} not in\n{text}");
        }
        assert!(!text.contains("secret") && !text.contains("admin"), "{text}");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok() && series.starts_with("certhold_"), "{line}");
        }
    }
}
