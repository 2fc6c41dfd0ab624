use axum::http::header;
use serde_json::{Value, json};

use crate::testing::TestApp;

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let test = TestApp::new().await;
    for path in [
        "/api/v1/nothing",
        "/api/v1",
        "/api/v1/",
        "/api/",
        "/api",
        "/api/v2/certificates",
        "/api/v1/certificates/1/2/3",
        "/api/v1/certificates/",
    ] {
        let reply = test.get(path).await;
        assert_eq!(reply.headers[header::CONTENT_TYPE], "application/problem+json", "{path}");
        assert_eq!(reply.expect(404)["type"], "urn:certhold:problem:not-found", "{path}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_there_names_those_that_are() {
    let test = TestApp::new().await;
    for (method, path, allowed) in [
        ("DELETE", "/api/v1/certificates", "GET,HEAD,POST"),
        ("POST", "/api/v1/certificates/1", "GET,HEAD,DELETE"),
        ("BREW", "/api/v1/me", "GET,HEAD"),
    ] {
        let reply = test.call(method, path, &test.admin, None).await;
        assert_eq!(reply.status, 405, "{method} {path}");
        assert_eq!(reply.headers[header::ALLOW], allowed, "{method} {path}");
        assert_eq!(reply.json()["type"], "urn:certhold:problem:method-not-allowed");
    }
}

#[tokio::test]
async fn answers_are_not_kept_by_caches() {
    let test = TestApp::new().await;
    let reply = test.get("/api/v1/me").await;
    assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(reply.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(reply.expect(200)["name"], "admin");
}

#[tokio::test]
async fn the_log_is_filtered_paged_and_verified() {
    let test = TestApp::new().await;
    test.import_samples(5).await;
    let events = async |query: &str| test.get(&format!("/api/v1/events?{query}")).await.expect(200);
    let imported = events("operation=certificate.imported").await;
    assert_eq!(imported["items"].as_array().unwrap().len(), 5);
    assert_eq!(events("operation=certificate.").await, imported);
    assert_eq!(events("operation=certificate").await["items"], json!([]));
    assert_eq!(events("object_kind=certificate&object=2").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(events("since=2099-01-01T00:00:00Z").await["items"], json!([]));
    assert_eq!(events(&format!("actor={}&operation=certificate.", test.admin_id)).await, imported);
    test.get("/api/v1/events?object=2").await.expect(400);
    let (mut path, mut numbers) = ("/api/v1/events?limit=3".to_owned(), Vec::new());
    loop {
        let page = test.get(&path).await.expect(200);
        numbers.extend(page["items"].as_array().unwrap().iter().map(|event| event["seq"].as_i64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        path = next.to_owned();
    }
    let all: Vec<i64> = (1..=test.events().await).rev().collect();
    assert_eq!(numbers, all, "every event once, newest first");
    let verification = test.get("/api/v1/events/verification").await.expect(200);
    assert_eq!((&verification["intact"], &verification["events"]), (&json!(true), &json!(all.len())));
}

#[tokio::test]
async fn events_know_the_request_that_asked_for_them() {
    let test = TestApp::new().await;
    let reply = test.post("/api/v1/roles", json!({ "name": "one", "permissions": [] })).await;
    let id = reply.headers["x-request-id"].to_str().unwrap().to_owned();
    reply.expect(201);
    let newest = test.get("/api/v1/events?limit=1").await.expect(200)["items"][0].clone();
    assert_eq!((&newest["operation"], &newest["request"]), (&json!("role.created"), &json!(id)));
}

#[tokio::test]
async fn the_overview_counts() {
    let test = TestApp::new().await;
    test.import_samples(20).await;
    let overview = test.get("/api/v1/overview").await.expect(200);
    assert_eq!(
        (&overview["certificates"], &overview["without_owner"], &overview["managed"]),
        (&json!(20), &json!(20), &json!(0))
    );
    let buckets = overview["expiry"].as_array().unwrap();
    let total: i64 = buckets.iter().map(|bucket| bucket["unmanaged"].as_i64().unwrap()).sum();
    assert_eq!((buckets.len(), total), (15, 20));
    assert_eq!((&buckets[0]["from"], &buckets[14]["before"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn the_description_is_whole() {
    let document = serde_json::to_value(super::openapi()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name} has no summary");
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{name}");
            let is_public = operation["security"] == json!([{}]);
            assert_eq!(is_public, path == "/api/v1/sessions", "{name}");
            for status in ["401", "500", "503"] {
                let content = &operation["responses"][status]["content"]["application/problem+json"];
                assert_eq!(content["schema"]["$ref"], "#/components/schemas/Problem", "{name} {status}");
            }
        }
    }
    let ids: Vec<&str> = operations(&document).map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "operation ids must differ: {ids:?}");
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values())
}

fn collect_references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str));
            map.values().for_each(|value| collect_references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn lists_are_comma_separated_values_for_whoever_asks() {
    let test = TestApp::new().await;
    test.post("/api/v1/roles", json!({ "name": "=1+1", "permissions": ["/portal/read/"] })).await.expect(201);
    test.import_samples(3).await;
    let asked = async |path: &str, accept: &str| {
        let request = axum::http::Request::get(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", test.admin))
            .header(header::ACCEPT_ENCODING, "gzip")
            .header(header::ACCEPT, accept);
        test.send(request.body(axum::body::Body::empty()).unwrap()).await
    };
    let reply = asked("/api/v1/roles", "text/csv").await;
    assert_eq!(reply.status, 200);
    assert!(reply.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/csv"));
    let text = reply.text();
    assert!(text.starts_with("id,name,") && text.contains("\"'=1+1\""), "{text}");
    let page = asked("/api/v1/certificates?limit=2", "text/csv").await;
    assert_eq!(page.text().lines().count(), 3, "{}", page.text());
    assert!(page.headers[header::LINK].to_str().unwrap().contains("rel=\"next\""), "the next page is named in the header");
    assert!(asked("/api/v1/roles", "application/json, text/csv;q=0.5").await.json()["items"].is_array());
    assert!(asked("/api/v1/me", "text/csv").await.json()["name"].is_string(), "one object is no list");
    assert_eq!(asked("/api/v1/nothing", "text/csv").await.status, 404);
    let refused = asked("/api/v1/certificates?limit=0", "text/csv").await;
    assert_eq!(refused.headers[header::CONTENT_TYPE], "application/problem+json", "a refusal stays what it is");
}

#[tokio::test]
async fn a_text_with_nul_is_refused_with_a_sentence() {
    let test = TestApp::new().await;
    let told = |reply: crate::testing::Reply| reply.expect(400)["detail"].as_str().unwrap().to_owned();
    for path in ["/api/v1/certificates?owner=%00", "/api/v1/roles/1/holders?after=%00"] {
        let detail = told(test.get(path).await);
        assert!(detail.contains("U+0000"), "{path}: {detail}");
    }
    let detail = told(test.post("/api/v1/collections", json!({ "name": "New", "query": "\u{0}" })).await);
    assert!(detail.contains("U+0000"), "{detail}");
}
