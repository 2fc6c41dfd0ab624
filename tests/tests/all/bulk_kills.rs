//! An edit of many certificates while the server is killed: it goes on where it was, and does nothing twice.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use certhold_tests::postgres::engines;
use certhold_tests::server::{Launch, certhold};
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;

/// Certificates, and kills at least.
fn size() -> (usize, usize) {
    if std::env::var_os("FULL").is_some() { (20_000, 12) } else { (4_000, 4) }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_many_survives_kills() {
    let (count, wanted) = size();
    for database in engines() {
        let mut api = Api::start(Launch::new().on(&database)).await;
        import(&api, count).await;
        for name in ["Team", "Tier"] {
            api.create("/metadata-fields", json!({ "name": name, "type": "string" })).await;
        }
        // Two edits of everything, one after the other, so that there is enough time to kill.
        let mut kills = 0;
        let mut round = 0;
        while kills < wanted {
            round += 1;
            let changes = json!([{ "field": "Team", "value": format!("team {round}") }, { "field": "Tier", "value": round }]);
            let edit = json!({ "filter": {}, "edit": { "kind": "metadata", "changes": changes } });
            let id = api.create("/bulk-edits", edit).await;
            kills += interrupted(&mut api, id, count, u64::try_from(round).unwrap()).await;
            check(&api, id, count, round).await;
            assert!(round < 40, "only {kills} kills hit a running edit");
        }
        println!("{kills} kills in {round} edits of {count} certificates");
        assert!(api.server.stop().await.success());
        let output =
            certhold().args(["verify", "--data"]).arg(api.server.data()).args(["--database", &database.location()]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Real certificates of one key, imported over the API.
async fn import(api: &Api, count: usize) {
    let key = rcgen::KeyPair::generate().unwrap();
    for chunk in (0..count).collect::<Vec<_>>().chunks(1_000) {
        let pem: String = chunk
            .iter()
            .map(|n| rcgen::CertificateParams::new(vec![format!("h{n}.example.com")]).unwrap().self_signed(&key).unwrap().pem())
            .collect();
        api.post("/certificates", json!({ "content": pem })).await.expect(200);
    }
}

/// Kills the server while the edit runs; what was once told as done stays done. How many kills hit the running edit.
async fn interrupted(api: &mut Api, id: i64, count: usize, round: u64) -> usize {
    let started = Instant::now();
    let mut kills = 0;
    // The killer's own log: the most that a server told before it was killed.
    let mut told = 0;
    loop {
        let edit = api.get(&format!("/bulk-edits/{id}")).await;
        let done = edit["done"].as_i64().unwrap();
        assert!(done >= told, "{done} are done, but {told} were told before: {edit}");
        told = done;
        if edit["state"] == "done" {
            assert_eq!(done, i64::try_from(count).unwrap(), "{edit}");
            return kills;
        }
        assert!(["selecting", "running"].contains(&edit["state"].as_str().unwrap()), "{edit}");
        assert!(started.elapsed() < Duration::from_secs(300), "{edit}");
        if kills < 3 {
            tokio::time::sleep(Duration::from_millis(20 + (round * 131 + kills as u64 * 57) % 300)).await;
            api.server.kill();
            api.server.restart().await;
            let after = api.get(&format!("/bulk-edits/{id}")).await;
            kills += usize::from(after["done"].as_i64().unwrap() < i64::try_from(count).unwrap());
        } else {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Every certificate has the new values, and exactly one event of this edit.
async fn check(api: &Api, id: i64, count: usize, round: i64) {
    let mut events: BTreeMap<i64, usize> = BTreeMap::new();
    let mut path = "/events?operation=certificate.metadata_changed&limit=1000".to_owned();
    'pages: loop {
        let page = api.get(&path).await;
        for event in page["items"].as_array().unwrap() {
            if event["payload"]["bulk_edit"] != id {
                break 'pages;
            }
            *events.entry(event["object"]["id"].as_i64().unwrap()).or_default() += 1;
        }
        match page["next"].as_str() {
            Some(next) => path = next.trim_start_matches("/api/v1").to_owned(),
            None => break,
        }
    }
    assert_eq!(events.len(), count, "an event for each certificate");
    assert!(events.values().all(|count| *count == 1), "one event for each certificate");
    let certificates: Vec<i64> = events.into_keys().collect();
    for certificate in certificates.iter().step_by(97) {
        let noted = api.get(&format!("/certificates/{certificate}/metadata")).await;
        assert_eq!(noted["metadata"], json!({ "Team": format!("team {round}"), "Tier": round.to_string() }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_finishes_an_edit_that_a_server_left() {
    let mut api = Api::start(Launch::new()).await;
    import(&api, 1_000).await;
    api.create("/metadata-fields", json!({ "name": "Team", "type": "string" })).await;
    let edit = json!({ "filter": {}, "edit": { "kind": "metadata", "changes": [{ "field": "Team", "value": "Web" }] } });
    let id = api.create("/bulk-edits", edit).await;
    api.server.kill();
    let run = |arguments: &[&str]| {
        let mut command = certhold();
        command.args(arguments).args(["--output", "json", "--data"]).arg(api.server.data());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let done = run(&["bulk", "run", &id.to_string()]);
    assert_eq!((&done["state"], &done["changed"]), (&json!("done"), &json!(1_000)), "{done}");
    let looked = run(&["bulk", "set", "Team=Ops", "--keep", "--dry-run"]);
    assert_eq!((&looked["total"], &looked["unchanged"]), (&json!(1_000), &json!(1_000)));
    let done = run(&["bulk", "set", "Team=Ops", "--words", "h1"]);
    assert!(done["changed"].as_i64().unwrap() > 100, "{done}");
    let removed = run(&["metadata", "field", "remove", "Team", "--force"]);
    assert_eq!((&removed["state"], &removed["changed"]), (&json!("done"), &json!(1_000)), "{removed}");
    api.server.restart().await;
    let page = api.server.send(Method::GET, "/api/v1/metadata-fields", &api.token, &json!(null)).await.expect(200).json();
    assert_eq!(page["items"], json!([]));
}
