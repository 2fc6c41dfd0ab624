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

use crate::problem::Problem;
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
    match metrics::render(&app).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}
