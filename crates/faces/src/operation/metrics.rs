//! Numbers in the text format of Prometheus (exposition format 0.0.4).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use certhold_domain::renewal::managed::{self, Health};
use certhold_domain::{Result, inventory, jobs};

use crate::state::{App, VERSION};

/// Upper bounds of the latency histogram, microseconds.
const BOUNDS_US: [u64; 12] = [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_500_000, 10_000_000];

/// Methods that are told apart; all others are "OTHER", so that nobody can make up series.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS];

/// What was counted since the start. Series are by route template, so there is a bounded number of them.
#[derive(Default)]
pub(crate) struct Metrics {
    routes: RwLock<HashMap<String, Route>>,
    health: tokio::sync::Mutex<Option<Counted>>,
}

/// When managed certificates were counted, and how many are in which health.
type Counted = (Instant, Vec<(Health, i64)>);

/// How long the counts by health are believed: counting reads every managed certificate, and anybody may ask.
const HEALTH_FRESH: Duration = Duration::from_secs(10);

/// How long the database may take to give its numbers.
const PATIENCE: Duration = Duration::from_secs(5);

type Route = [Served; METHODS.len() + 1];

#[derive(Default)]
struct Served {
    /// Requests by status.
    statuses: RwLock<Vec<(u16, AtomicU64)>>,
    /// Requests by time, each in its bucket only.
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    total_us: AtomicU64,
}

impl Metrics {
    /// Counts one request.
    pub(crate) fn served(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let method = METHODS.iter().position(|known| known == method).unwrap_or(METHODS.len());
        {
            let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(served) = routes.get(route) {
                return served[method].count(status.as_u16(), took);
            }
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        routes.entry(route.to_owned()).or_default()[method].count(status.as_u16(), took);
    }

    /// Counted by one caller at a time; those who ask meanwhile wait for its answer.
    async fn health(&self, app: &App) -> Result<Vec<(Health, i64)>> {
        let mut kept = self.health.lock().await;
        if let Some((_, counts)) = kept.as_ref().filter(|(at, _)| at.elapsed() < HEALTH_FRESH) {
            return Ok(counts.clone());
        }
        let now = app.now();
        let counts = app.read(move |tx| managed::count_by_health(tx, now)).await?;
        *kept = Some((Instant::now(), counts.clone()));
        Ok(counts)
    }

    fn write(&self, out: &mut String) {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<_> = routes.iter().collect();
        sorted.sort_unstable_by_key(|(route, _)| route.as_str());
        let each = || {
            sorted.iter().flat_map(|(route, methods)| {
                methods.iter().enumerate().map(move |(method, served)| {
                    let method = METHODS.get(method).map_or("OTHER", Method::as_str);
                    (format!("method=\"{method}\",route=\"{}\"", escaped(route)), served)
                })
            })
        };
        head(out, "certhold_http_requests_total", "counter", "Requests served.");
        for (labels, served) in each() {
            for (status, count) in served.statuses.read().unwrap_or_else(PoisonError::into_inner).iter() {
                line(out, &format!("certhold_http_requests_total{{{labels},status=\"{status}\"}}"), count.load(Relaxed));
            }
        }
        head(out, "certhold_http_request_duration_seconds", "histogram", "Time to serve requests.");
        for (labels, served) in each() {
            served.write(out, &labels);
        }
    }
}

impl Served {
    fn count(&self, status: u16, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.iter().position(|bound| us <= *bound).unwrap_or(BOUNDS_US.len());
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.total_us.fetch_add(us, Relaxed);
        {
            let statuses = self.statuses.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, count)) = statuses.iter().find(|(known, _)| *known == status) {
                count.fetch_add(1, Relaxed);
                return;
            }
        }
        let mut statuses = self.statuses.write().unwrap_or_else(PoisonError::into_inner);
        match statuses.iter().find(|(known, _)| *known == status) {
            Some((_, count)) => drop(count.fetch_add(1, Relaxed)),
            None => statuses.push((status, AtomicU64::new(1))),
        }
    }

    fn write(&self, out: &mut String, labels: &str) {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return;
        }
        let mut sum = 0;
        for (bound, count) in BOUNDS_US.iter().zip(&counts) {
            sum += count;
            let bound = *bound as f64 / 1e6;
            line(out, &format!("certhold_http_request_duration_seconds_bucket{{{labels},le=\"{bound}\"}}"), sum);
        }
        line(out, &format!("certhold_http_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}}"), total);
        let seconds = self.total_us.load(Relaxed) as f64 / 1e6;
        line(out, &format!("certhold_http_request_duration_seconds_sum{{{labels}}}"), seconds);
        line(out, &format!("certhold_http_request_duration_seconds_count{{{labels}}}"), total);
    }
}

/// What the database says of itself.
struct Held {
    certificates: i64,
    /// Waiting and running.
    jobs: (i64, i64),
    health: Vec<(Health, i64)>,
}

impl Held {
    async fn read(app: &App) -> Result<Held> {
        let (certificates, jobs) = app.read(|tx| Ok((inventory::count_all(tx)?, jobs::counts(tx)?))).await?;
        Ok(Held { certificates, jobs, health: app.metrics().health(app).await? })
    }

    fn write(&self, out: &mut String) {
        gauge(out, "certhold_certificates", "Certificates held.", self.certificates);
        head(out, "certhold_managed_certificates", "gauge", "Managed certificates by health.");
        for (health, count) in &self.health {
            line(out, &format!("certhold_managed_certificates{{health=\"{}\"}}", health.name()), count);
        }
        head(out, "certhold_jobs", "gauge", "Jobs by state.");
        line(out, "certhold_jobs{state=\"waiting\"}", self.jobs.0);
        line(out, "certhold_jobs{state=\"running\"}", self.jobs.1);
    }
}

/// Everything, as text. While the database is away: that, and what is known without it.
pub(super) async fn render(app: &App) -> String {
    let now = app.now();
    let held = match tokio::time::timeout(PATIENCE, Held::read(app)).await {
        Ok(Ok(held)) => Some(held),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database gave no numbers");
            None
        }
        Err(_) => None,
    };
    let mut out = String::with_capacity(16 * 1024);
    gauge(&mut out, &format!("certhold_build_info{{version=\"{VERSION}\"}}"), "The program that runs.", 1);
    gauge(&mut out, "certhold_database_up", "Whether the database answers.", u8::from(held.is_some()));
    if let Some(held) = held {
        held.write(&mut out);
    }
    let silent = (now - app.worker_seen().load(Relaxed)) as f64 / 1e3;
    gauge(&mut out, "certhold_worker_silent_seconds", "Time since the worker was last seen.", silent);
    store(&mut out, &app.core().store.statistics());
    app.metrics().write(&mut out);
    out
}

fn store(out: &mut String, store: &certhold_store::Statistics) {
    let counters = [
        ("certhold_store_commits_total", "Durable commits.", store.commits),
        ("certhold_store_writes_total", "Writes that ran.", store.closures),
        ("certhold_store_writes_undone_total", "Writes that were undone.", store.rolled_back),
        ("certhold_store_writes_repeated_total", "Writes that ran again because their transaction was lost.", store.repeated),
        ("certhold_store_reads_total", "Reads that ran.", store.reads),
    ];
    for (name, help, value) in counters {
        head(out, name, "counter", help);
        line(out, name, value);
    }
    gauge(out, "certhold_store_largest_batch", "Most writes in one commit.", store.largest_batch);
    head(out, "certhold_store_waiting", "gauge", "Calls that wait, by lane.");
    for (lane, waiting) in [("normal", store.waiting), ("bulk", store.waiting_bulk), ("read", store.waiting_reads)] {
        line(out, &format!("certhold_store_waiting{{lane=\"{lane}\"}}"), waiting);
    }
}

fn gauge(out: &mut String, series: &str, help: &str, value: impl std::fmt::Display) {
    head(out, series.split('{').next().unwrap_or(series), "gauge", help);
    line(out, series, value);
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn line(out: &mut String, series: &str, value: impl std::fmt::Display) {
    let _ = writeln!(out, "{series} {value}");
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_method_and_status() {
        let metrics = Metrics::default();
        for (method, status, us) in [("GET", 200, 300), ("GET", 200, 700), ("GET", 404, 99_000_000), ("BREW", 200, 1)] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            metrics.served(&method, "/a/{id}", StatusCode::from_u16(status).unwrap(), Duration::from_micros(us));
        }
        let mut text = String::new();
        metrics.write(&mut text);
        for expected in [
            "certhold_http_requests_total{method=\"GET\",route=\"/a/{id}\",status=\"200\"} 2\n",
            "certhold_http_requests_total{method=\"GET\",route=\"/a/{id}\",status=\"404\"} 1\n",
            "certhold_http_requests_total{method=\"OTHER\",route=\"/a/{id}\",status=\"200\"} 1\n",
            "certhold_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"0.0005\"} 1\n",
            "certhold_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"0.001\"} 2\n",
            "certhold_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"10\"} 2\n",
            "certhold_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"+Inf\"} 3\n",
            "certhold_http_request_duration_seconds_sum{method=\"GET\",route=\"/a/{id}\"} 99.001\n",
            "certhold_http_request_duration_seconds_count{method=\"GET\",route=\"/a/{id}\"} 3\n",
        ] {
            assert!(text.contains(expected), "{expected} not in\n{text}");
        }
        assert!(!text.contains("method=\"PUT\""));
    }
}
