//! Certificate stores of a running server: inventories, entries put in and taken out, over the native API.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use certhold_pki::{Facts, pem};
use certhold_tests::server::Launch;
use serde_json::{Value, json};

use crate::api::Api;
use crate::stores::{PASSWORD, Pki};

/// Waits until a job has ended.
async fn ended(api: &Api, job: &Value) -> Value {
    let path = format!("/certificate-stores/{}/jobs/{}", job["store"], job["id"]);
    let started = Instant::now();
    loop {
        let job = api.get(&path).await;
        if matches!(job["state"].as_str(), Some("done" | "failed")) {
            return job;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{job}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_go_into_stores_and_are_found_there() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), root.path().join("out")).unwrap();
    let mut api = Api::start(Launch::new().argument("--store-roots").argument(root.path().display().to_string())).await;
    let pki = Pki::new();
    let leaf = pki.leaf("shop.example.com");
    let content = pem::encode(pem::CERTIFICATE, &leaf.certificate) + &leaf.key.pkcs8_pem();
    let imported = api.post("/certificates", json!({ "content": content })).await.expect(200).json();
    let certificate = imported["items"][0]["certificate"].as_i64().unwrap();

    let place = |name: &str| root.path().join(name).display().to_string();
    let mut stores = Vec::new();
    for (kind, name) in [("pem-directory", "web"), ("pkcs12", "web.p12"), ("jks", "web.jks")] {
        let mut body = json!({ "name": name, "kind": kind, "path": place(name), "create_if_missing": true });
        if kind != "pem-directory" {
            body["password"] = PASSWORD.into();
        }
        let id = api.create("/certificate-stores", body).await;
        let entry = json!({ "certificate": certificate, "alias": "shop.example.com", "include_key": true });
        let job = api.post(&format!("/certificate-stores/{id}/certificates"), entry).await.expect(202).json();
        let job = ended(&api, &job).await;
        assert_eq!((&job["state"], &job["report"]), (&json!("done"), &json!("the entry is new")), "{job}");
        stores.push(id);
    }
    let places = api.get(&format!("/certificates/{certificate}/locations")).await;
    assert_eq!(places["items"].as_array().unwrap().len(), 3, "{places}");
    assert!(places["items"].as_array().unwrap().iter().all(|one| one["has_key"] == true && one["in_chain"] == false));

    // What somebody else puts there is found; what cannot be read is told.
    let foreign = pki.leaf("foreign.example.com");
    fs::write(root.path().join("web/foreign.pem"), pem::encode(pem::CERTIFICATE, &foreign.certificate)).unwrap();
    fs::write(root.path().join("web/broken.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let web = stores[0];
    let job = api.post(&format!("/certificate-stores/{web}/inventory"), json!(null)).await.expect(202).json();
    assert_eq!(ended(&api, &job).await["report"], "2 entries; 1 parts could not be read");
    let store = api.get(&format!("/certificate-stores/{web}")).await;
    assert_eq!(
        (&store["problems"][0]["place"], &store["entries"], &store["last_error"]),
        (&json!("broken.pem"), &json!(2), &Value::Null)
    );
    let entries = api.get(&format!("/certificate-stores/{web}/inventory")).await;
    let found = &entries["items"][0];
    let facts = Facts::of(&foreign.certificate).unwrap();
    assert_eq!((&found["alias"], &found["has_key"]), (&json!("foreign"), &json!(false)));
    assert_eq!(found["certificate"]["sha256"], certhold_domain::hex(&facts.sha256));
    assert_eq!(found["certificate"]["source"], "store web");

    // A file that is broken meanwhile makes the job fail, visibly, and is left alone.
    fs::write(root.path().join("web.p12"), "no longer a PKCS#12 file").unwrap();
    let removal = json!({ "alias": "shop.example.com" });
    let job = api.post(&format!("/certificate-stores/{}/removals", stores[1]), removal.clone()).await.expect(202).json();
    let job = ended(&api, &job).await;
    assert_eq!(job["state"], "failed");
    assert!(job["error"].as_str().unwrap().contains("cannot be read"), "{job}");
    assert_eq!(fs::read(root.path().join("web.p12")).unwrap(), b"no longer a PKCS#12 file");
    let store = api.get(&format!("/certificate-stores/{}", stores[1])).await;
    assert_eq!(store["last_error"], job["error"]);

    // A store whose directory leads out of the roots is never looked into.
    let led = api.create("/certificate-stores", json!({ "name": "out", "kind": "pem-directory", "path": place("out") })).await;
    let job = api.post(&format!("/certificate-stores/{led}/inventory"), json!(null)).await.expect(202).json();
    let job = ended(&api, &job).await;
    assert!(job["error"].as_str().unwrap().contains("store_roots"), "{job}");
    let refused = json!({ "name": "etc", "kind": "pem-directory", "path": "/etc/ssl/certs" });
    assert!(
        api.post("/certificate-stores", refused).await.expect(400).json()["detail"].as_str().unwrap().contains("store_roots")
    );

    let job = api.post(&format!("/certificate-stores/{web}/removals"), removal).await.expect(202).json();
    assert_eq!(ended(&api, &job).await["state"], "done");
    assert!(!root.path().join("web/shop.example.com.key").exists() && root.path().join("web/foreign.pem").exists());
    let log = api.server.log();
    assert!(!log.contains(PASSWORD), "the password stands in the log");
    assert!(api.server.stop().await.success());
}
