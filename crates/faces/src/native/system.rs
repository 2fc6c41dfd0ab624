//! `/system`: the state of the server, for operators.

use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::State;
use certhold_domain::events;
use certhold_domain::events::retention;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::time::Time;
use crate::auth::Bearer;
use crate::problem::Answer;
use crate::state::{App, Checkpoints, VERSION};

/// The route of the server's state.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(state))
}

/// The state of the server.
#[derive(Serialize, ToSchema)]
pub struct SystemState {
    /// The version of the program.
    version: &'static str,
    /// `sqlite` or `postgresql`.
    #[schema(example = "sqlite")]
    engine: &'static str,
    /// The last backup that was made, if one was.
    last_backup: Option<Backup>,
    /// The end of the event log, and how far it is signed.
    log: Log,
    /// How long the contents of events are kept, and how far they were erased.
    retention: Retention,
    /// The signed checkpoints that this server writes; null when it writes none.
    checkpoints: Option<CheckpointState>,
    /// Where deliveries of the event log stand.
    deliveries: Vec<Delivery>,
}

/// A backup that was made.
#[derive(Serialize, ToSchema)]
pub struct Backup {
    /// When.
    at: Time,
    /// Details: the file's name and size.
    #[schema(value_type = Object)]
    details: serde_json::Value,
}

/// The end of the event log.
#[derive(Serialize, ToSchema)]
pub struct Log {
    /// The number of the last event.
    last: i64,
    /// The number up to which the log is signed, if it is.
    signed_to: Option<i64>,
    /// When that was signed.
    signed_at: Option<Time>,
}

/// How long the contents of events are kept.
#[derive(Serialize, ToSchema)]
pub struct Retention {
    /// Families whose contents are erased after a time, and families whose contents were; those of others are kept for ever.
    families: Vec<Family>,
    /// Whether contents are being erased now.
    running: bool,
}

/// A family of events, or one operation.
#[derive(Serialize, ToSchema)]
pub struct Family {
    /// Its name; one that ends with a dot is a family.
    #[schema(example = "sign_in.")]
    family: String,
    /// How long its contents are kept, seconds; null when there is no rule for it any more.
    keep_seconds: Option<i64>,
    /// The last number up to which contents were erased, if any were.
    erased_to: Option<i64>,
}

/// Signed checkpoints.
#[derive(Serialize, ToSchema)]
pub struct CheckpointState {
    /// The directory to which they are written.
    directory: String,
    /// How often, seconds.
    every_seconds: u64,
    /// The number of the event that the newest one vouches for; null when there is none, or the directory cannot be read.
    newest: Option<i64>,
}

/// Where a delivery of the event log stands.
#[derive(Serialize, ToSchema)]
pub struct Delivery {
    /// To whom.
    target: String,
    /// The last event that was delivered.
    seq: i64,
    /// Events that wait.
    waiting: i64,
    /// Why the last try failed.
    error: Option<String>,
    /// When something was last delivered or tried.
    updated_at: Time,
}

/// Show the state of the server
#[utoipa::path(get, path = "/system", tag = "system",
    responses((status = 200, description = "Version, engine, last backup, and where the event log stands", body = SystemState)))]
pub async fn state(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Json<SystemState>> {
    let ((last, cursors), end, standing) = app
        .read_as(caller, |tx, actor| {
            Ok((crate::rekey::system(tx, actor)?, events::log_end(tx, actor)?, retention::standing(tx, actor)?))
        })
        .await?;
    let checkpoints = match app.settings().checkpoints.clone() {
        Some(kept) => tokio::task::spawn_blocking(move || CheckpointState::of(&kept)).await.ok(),
        None => None,
    };
    let deliveries = cursors.into_iter().map(|cursor| Delivery {
        target: cursor.name,
        seq: cursor.seq,
        waiting: cursor.waiting,
        error: cursor.error,
        updated_at: Time(cursor.updated_at),
    });
    Ok(Json(SystemState {
        version: VERSION,
        engine: app.core().store.engine().name(),
        last_backup: last.map(|event| Backup { at: Time(event.at), details: event.payload }),
        log: Log { last: end.last, signed_to: end.signed.map(|(seq, _)| seq), signed_at: end.signed.map(|(_, at)| Time(at)) },
        retention: Retention { families: families(&app.settings().retention, standing.erased), running: standing.running },
        checkpoints,
        deliveries: deliveries.collect(),
    }))
}

/// The rules that are in force, and then what earlier ones have erased.
fn families(rules: &[retention::Rule], erased: Vec<(String, i64)>) -> Vec<Family> {
    let erased_to = |family: &str| erased.iter().find(|(known, _)| known == family).map(|(_, seq)| *seq);
    let ruled = rules.iter().map(|rule| Family {
        family: rule.family().to_owned(),
        keep_seconds: Some(rule.keep_ms() / 1_000),
        erased_to: erased_to(rule.family()),
    });
    let mut all: Vec<Family> = ruled.collect();
    for (family, seq) in &erased {
        if !all.iter().any(|known| known.family == *family) {
            all.push(Family { family: family.clone(), keep_seconds: None, erased_to: Some(*seq) });
        }
    }
    all
}

impl CheckpointState {
    fn of(kept: &Checkpoints) -> CheckpointState {
        CheckpointState {
            directory: kept.directory.display().to_string(),
            every_seconds: kept.interval.as_secs(),
            newest: newest(&kept.directory),
        }
    }
}

/// The number in the name of the newest `checkpoint-NUMBER.json`.
fn newest(directory: &Path) -> Option<i64> {
    let entries = std::fs::read_dir(directory).ok()?;
    let number = |path: PathBuf| path.file_name()?.to_str()?.strip_prefix("checkpoint-")?.strip_suffix(".json")?.parse().ok();
    entries.filter_map(|entry| number(entry.ok()?.path())).max()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use certhold_domain::access::paths::{AUDITING_READ, SYSTEM_READ};
    use certhold_domain::events::retention::Rule;
    use serde_json::json;

    use crate::state::{Checkpoints, Settings};
    use crate::testing::TestApp;

    const DAY: i64 = 86_400_000;

    #[tokio::test]
    async fn operators_see_where_the_log_stands() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["checkpoint-000000000007.json", "checkpoint-000000000012.json", "checkpoint-x.json", "other-99.json"] {
            std::fs::write(directory.path().join(name), "{}").unwrap();
        }
        let settings = Settings {
            plain_http: true,
            retention: vec![Rule::new("sign_in.", 90 * DAY).unwrap()],
            checkpoints: Some(Checkpoints { directory: directory.path().to_owned(), interval: Duration::from_secs(3_600) }),
            ..Settings::default()
        };
        let test = TestApp::with(settings).await;
        let told = test.get("/api/v1/system").await.expect(200);
        assert_eq!((&told["log"]["last"], &told["log"]["signed_to"]), (&json!(test.events().await), &json!(null)), "{told}");
        let rule = json!({ "family": "sign_in.", "keep_seconds": 90 * DAY / 1_000, "erased_to": null });
        assert_eq!(told["retention"], json!({ "families": [rule], "running": false }));
        let kept = json!({ "directory": directory.path().to_str().unwrap(), "every_seconds": 3_600, "newest": 12 });
        assert_eq!(told["checkpoints"], kept);

        // A family that a rule of the past erased is told as well.
        test.as_system(|tx, _| {
            let sql = "INSERT INTO setting (name, value) VALUES ('retention:session.', '5'), ('retention:sign_in.', '9')";
            Ok(tx.execute(sql, certhold_store::params![])?)
        })
        .await;
        let families = test.get("/api/v1/system").await.expect(200)["retention"]["families"].clone();
        assert_eq!((&families[0]["erased_to"], &families[1]["family"]), (&json!(9), &json!("session.")), "{families}");
        assert_eq!((&families[1]["keep_seconds"], &families[1]["erased_to"]), (&json!(null), &json!(5)));
    }

    #[tokio::test]
    async fn nobody_else_sees_the_state_of_the_server() {
        let test = TestApp::new().await;
        assert_eq!(test.get("/api/v1/system").await.expect(200)["checkpoints"], json!(null));
        let (.., auditor) = test.service("auditor", &[AUDITING_READ]).await;
        let refused = test.call("GET", "/api/v1/system", &auditor, None).await.expect(403);
        assert_eq!(refused["missing"], json!([SYSTEM_READ]));
    }
}
