use serde_json::{Value, json};

use crate::testing::TestApp;

const PASSWORD: &str = "store-password-4711";

fn store(name: &str, path: &str) -> Value {
    json!({ "name": name, "kind": "pkcs12", "path": path, "password": PASSWORD, "create_if_missing": true })
}

async fn made(test: &TestApp, path: &str, body: Value) -> i64 {
    test.post(path, body).await.expect(201)["id"].as_i64().unwrap()
}

#[tokio::test]
async fn passwords_go_in_and_never_come_out() {
    let test = TestApp::new().await;
    let id = made(&test, "/api/v1/certificate-stores", store("Shop", "/srv/tls/shop.p12")).await;
    let place = format!("/api/v1/certificate-stores/{id}");
    let told = test.get(&place).await.expect(200);
    assert_eq!((&told["password"], &told["kind"], &told["entries"]), (&json!("********"), &json!("pkcs12"), &json!(0)));
    assert_eq!(told["container"], Value::Null);
    // Sent back as it was shown, it stays what it was.
    let back = json!({ "name": "Shop front", "kind": "pkcs12", "path": "/srv/tls/shop.p12", "password": "********" });
    test.put(&place, back).await.expect(204);
    let changed = test.get("/api/v1/events?operation=certificate_store.changed").await.expect(200);
    let (before, after) = (&changed["items"][0]["payload"]["before"], &changed["items"][0]["payload"]["after"]);
    assert_eq!((&before["name"], &after["name"]), (&json!("Shop"), &json!("Shop front")));
    assert!(after.get("password").is_none(), "{after}");
    let mut other = store("Shop front", "/srv/tls/shop.p12");
    other["password"] = json!("another-password-4712");
    test.put(&place, other).await.expect(204);
    let changed = test.get("/api/v1/events?operation=certificate_store.changed").await.expect(200);
    assert_eq!(changed["items"][0]["payload"]["after"]["password"], "changed");
    for path in ["/api/v1/certificate-stores", "/api/v1/events", "/metrics", "/api/v1/jobs"] {
        let text = test.get(path).await.text();
        assert!(!text.contains(PASSWORD) && !text.contains("another-password-4712"), "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_store_is_refused_with_the_reason() {
    let test = TestApp::new().await;
    made(&test, "/api/v1/certificate-stores", store("Shop", "/srv/tls/shop.p12")).await;
    let before = test.events().await;
    let with = |changes: Value| {
        let mut body = store("Other", "/srv/tls/other.p12");
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    for (changes, status, said) in [
        (json!({ "path": "/etc/ssl/other.p12" }), 400, "store_roots"),
        (json!({ "path": "/srv/tlsx/other.p12" }), 400, "store_roots"),
        (json!({ "path": "/srv/tls/../../etc/x.p12" }), 400, "absolute path"),
        (json!({ "path": "other.p12" }), 400, "absolute path"),
        (json!({ "path": "/srv/tls/other.pem" }), 400, ".p12"),
        (json!({ "path": "/srv/tls/shop.p12" }), 409, "already"),
        (json!({ "name": "sHOp" }), 409, "looks like"),
        (json!({ "name": "Shоp" }), 400, "mixes"),
        (json!({ "name": "12" }), 400, "number"),
        (json!({ "kind": "iis" }), 400, "pem-directory, pkcs12, jks"),
        (json!({ "password": null }), 400, "password"),
        (json!({ "password": "short" }), 400, "at least 6"),
        (json!({ "properties": { "chain": "with" } }), 400, "directories of PEM files"),
        (json!({ "properties": { "encryption": "rot13" } }), 400, "properties"),
        (json!({ "properties": { "key_mode": "0644" } }), 400, "everybody"),
        (json!({ "schedule": "sometimes" }), 400, "not a schedule"),
        (json!({ "schedule": "once 2001-01-01T00:00:00Z" }), 400, "over"),
        (json!({ "container": 4711 }), 404, "container"),
    ] {
        let reply = test.post("/api/v1/certificate-stores", with(changes.clone())).await;
        let text = reply.text();
        assert!(text.contains(said) && !text.contains(PASSWORD), "{changes}: {text}");
        reply.expect(status);
    }
    assert_eq!(test.events().await, before);
}

#[tokio::test]
async fn a_container_is_all_that_its_keepers_see() {
    let test = TestApp::new().await;
    let web = made(&test, "/api/v1/containers", json!({ "name": "Web", "schedule": "daily 03:15" })).await;
    let mail = made(&test, "/api/v1/containers", json!({ "name": "Mail" })).await;
    let mut inside = store("Web store", "/srv/tls/web.p12");
    inside["container"] = json!(web);
    let mut outside = store("Mail store", "/srv/tls/mail.p12");
    outside["container"] = json!(mail);
    let inside = made(&test, "/api/v1/certificate-stores", inside).await;
    let outside = made(&test, "/api/v1/certificate-stores", outside).await;
    let (_, _, keeper) = test.service("keeper", &[&format!("/certificate_stores/modify/{web}/")]).await;
    let (test, keeper) = (&test, &keeper);
    let ask = |path: String| async move { test.call("GET", &path, keeper, None).await };

    let seen = test.call("GET", "/api/v1/certificate-stores", keeper, None).await.expect(200);
    let names: Vec<&str> = seen["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Web store"]);
    assert_eq!(seen["items"][0]["schedule"], "daily 03:15", "the container's, since it had none");
    let containers = test.call("GET", "/api/v1/containers", keeper, None).await.expect(200);
    assert_eq!(containers["items"].as_array().unwrap().len(), 1);
    ask(format!("/api/v1/certificate-stores/{inside}")).await.expect(200);
    // A store outside and one that does not exist are refused alike, to the letter.
    let there = ask(format!("/api/v1/certificate-stores/{outside}")).await;
    let gone = ask("/api/v1/certificate-stores/987654".into()).await;
    assert_eq!(there.text().replace(&format!(" {outside}\""), " 987654\""), gone.text());
    there.expect(404);
    let before = test.events().await;
    for (method, path, body) in [
        ("DELETE", format!("/api/v1/certificate-stores/{outside}"), None),
        ("POST", format!("/api/v1/certificate-stores/{outside}/inventory"), None),
        ("DELETE", format!("/api/v1/containers/{mail}"), None),
        ("POST", "/api/v1/containers".into(), Some(json!({ "name": "Third" }))),
        ("POST", "/api/v1/certificate-stores".into(), Some(store("Nowhere", "/srv/tls/nowhere.p12"))),
        ("PUT", "/api/v1/certificate-stores/container".into(), Some(json!({ "stores": [inside], "container": mail }))),
        ("PUT", "/api/v1/certificate-stores/container".into(), Some(json!({ "stores": [inside], "container": null }))),
    ] {
        test.call(method, &path, keeper, body.as_ref()).await.expect(403);
    }
    assert_eq!(test.events().await, before);
    test.call("POST", &format!("/api/v1/certificate-stores/{inside}/inventory"), keeper, None).await.expect(202);

    // While roles have rights on it, a container goes by force only; its stores stay.
    test.delete(&format!("/api/v1/containers/{web}")).await.expect(409);
    test.delete(&format!("/api/v1/containers/{web}?force=true")).await.expect(204);
    let store = test.get(&format!("/api/v1/certificate-stores/{inside}")).await.expect(200);
    assert_eq!(store["container"], Value::Null);
    test.call("GET", "/api/v1/certificate-stores", keeper, None).await.expect(403);
}

#[tokio::test]
async fn jobs_are_asked_for_and_taken_back() {
    let test = TestApp::new().await;
    let certificate = test.import_samples(1).await[0];
    let id = made(&test, "/api/v1/certificate-stores", store("Shop", "/srv/tls/shop.p12")).await;
    let place = format!("/api/v1/certificate-stores/{id}");
    let entry = json!({ "certificate": certificate, "alias": "shop", "at": "2099-01-01T00:00:00Z" });
    let job = test.post(&format!("{place}/certificates"), entry.clone()).await.expect(202);
    assert_eq!((&job["kind"], &job["state"], &job["alias"]), (&json!("add"), &json!("waiting"), &json!("shop")));
    assert_eq!(job["author"], "admin");
    let mut with_key = entry.clone();
    with_key["include_key"] = json!(true);
    let reply = test.post(&format!("{place}/certificates"), with_key).await;
    assert!(reply.text().contains("not in custody"), "{}", reply.text());
    reply.expect(409);
    let mut missing = entry;
    missing["certificate"] = json!(4711);
    test.post(&format!("{place}/certificates"), missing).await.expect(404);
    test.post(&format!("{place}/removals"), json!({ "alias": "" })).await.expect(400);
    let number = job["id"].as_i64().unwrap();
    test.post(&format!("{place}/jobs/{number}/retry"), json!(null)).await.expect(409);
    test.post(&format!("{place}/jobs/{number}/cancel"), json!(null)).await.expect(204);
    test.post(&format!("{place}/jobs/{number}/cancel"), json!(null)).await.expect(409);
    let jobs = test.get(&format!("{place}/jobs?limit=1")).await.expect(200);
    assert_eq!((&jobs["items"][0]["state"], jobs["next"].is_string()), (&json!("cancelled"), true));
    let rest = test.get(jobs["next"].as_str().unwrap()).await.expect(200);
    assert_eq!(rest["items"][0]["kind"], "inventory");
}
