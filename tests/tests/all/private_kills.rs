//! Renewals from a private authority while the server is killed at random instants: each version is issued once, recorded, installed.

use std::time::{Duration, Instant};

use certhold_tests::server::Launch;
use serde_json::{Value, json};

use crate::api::Api;
use crate::kills::{Chance, all, check_files, check_log, wanting};

/// Certificates, and how often each is renewed after the first version.
fn size() -> (usize, i64) {
    if std::env::var_os("FULL").is_some() { (40, 25) } else { (10, 6) }
}

async fn furnish(api: &Api, files: &std::path::Path, count: usize) {
    let root = json!({ "name": "Example Root", "subject": "CN=Example Root, O=Example", "days": 3650 });
    let authority = api.create("/authorities", root).await;
    let pattern = json!({ "name": "Databases", "template": "server", "authority": authority });
    let pattern = api.create("/enrolment-patterns", pattern).await;
    for number in 0..count {
        let mut plan = json!({ "names": [format!("db{number}.internal")], "pattern": pattern });
        if number % 3 == 0 {
            plan["key_kind"] = "ed25519".into();
        }
        let id = api.create("/managed-certificates", plan).await;
        let path = |end: &str| files.join(format!("{id}.{end}")).display().to_string();
        let settings = json!({ "full_chain": path("pem"), "private_key": path("key") });
        api.create(&format!("/managed-certificates/{id}/deployments"), json!({ "name": "files", "settings": settings })).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_renewals_survive_kills() {
    let (count, renewals) = size();
    let mut api = Api::start(Launch::new()).await;
    let files = tempfile::tempdir().unwrap();
    furnish(&api, files.path(), count).await;
    let target = renewals + 1;
    let mut kills = 0usize;
    let mut chance = Chance(u64::from(std::process::id()) | 1);
    let started = Instant::now();
    while wanting(&mut api, target).await > 0 || kills < 10 {
        assert!(started.elapsed() < Duration::from_secs(600), "after {kills} kills: {:#?}", all(&api).await);
        tokio::time::sleep(Duration::from_millis(chance.below(700))).await;
        api.server.kill();
        kills += 1;
        api.server.restart().await;
    }
    settle(&api, target).await;

    let managed = all(&api).await;
    let versions: i64 = managed.iter().map(|one| one["versions"].as_i64().unwrap()).sum();
    println!("{versions} versions, {kills} kills, {:?}", started.elapsed());
    for one in &managed {
        assert_eq!((&one["failures"], &one["last_error"]), (&json!(0), &Value::Null));
        let held = api.get(&format!("/managed-certificates/{}/versions", one["id"])).await;
        let numbers: Vec<i64> =
            held["items"].as_array().unwrap().iter().map(|held| held["managed"]["version"].as_i64().unwrap()).collect();
        assert_eq!(numbers, (1..=one["versions"].as_i64().unwrap()).rev().collect::<Vec<_>>(), "each version once");
    }
    // What the authority issued is what is held: nothing beside the versions, and one key for each.
    let authority = api.get("/authorities").await;
    assert_eq!(authority["items"][0]["issued"].as_i64(), Some(versions));
    let issued = api.get("/certificates?managed=true&total=true&limit=1").await;
    assert_eq!(issued["total"].as_i64(), Some(versions));
    let completed = api.get("/events?operation=renewal.completed&limit=1000").await;
    assert_eq!(completed["items"].as_array().unwrap().len() as i64, versions);
    check_files(&api, files.path()).await;
    check_log(api).await;
}

/// Waits until nothing is under way but revocation lists.
async fn settle(api: &Api, target: i64) {
    let started = Instant::now();
    loop {
        let managed = all(api).await;
        let jobs = api.get("/jobs").await["items"].as_array().unwrap().clone();
        let open = jobs.iter().filter(|job| job["kind"] == "renew" || job["kind"] == "deploy").count();
        let behind = managed.iter().filter(|one| one["versions"].as_i64().unwrap() < target).count();
        if open == 0 && behind == 0 {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{behind} behind: {jobs:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
