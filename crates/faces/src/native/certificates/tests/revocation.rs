use serde_json::{Value, json};

use crate::testing::TestApp;

async fn told(test: &TestApp, id: &Value) -> Value {
    test.get(&format!("/api/v1/certificates/{id}/revocation")).await.expect(200)
}

#[tokio::test]
async fn a_revocation_says_whether_the_issuer_knows() {
    let test = TestApp::new().await;
    let foreign = json!(test.import_samples(1).await[0]);
    test.post("/api/v1/authorities", json!({ "name": "Root", "subject": "CN=Root" })).await.expect(201);
    let enrolled = test.post("/api/v1/enrolments", json!({ "names": ["shop.example.org"] })).await.expect(201);
    let own = enrolled["certificate"].clone();
    let fresh = told(&test, &own).await;
    assert_eq!((&fresh["revoked"], &fresh["at_issuer"], &fresh["issuer"]["name"]), (&json!(false), &Value::Null, &json!("Root")));

    for (id, standing) in [(&foreign, "not_told"), (&own, "listed")] {
        let path = format!("/api/v1/certificates/{id}/revocation");
        let before = test.events().await;
        for (body, field) in [
            (json!({ "comment": " " }), "comment"),
            (json!({ "comment": "x", "reason": "removeFromCRL" }), "reason"),
            (json!({ "comment": "x", "reason": "aACompromise" }), "reason"),
            (json!({ "comment": "x", "reason": "4" }), "reason"),
        ] {
            assert_eq!(test.post(&path, body).await.expect(400)["field"], field);
        }
        test.post(&format!("/api/v1/certificates/{id}/release"), json!({ "comment": "x" })).await.expect(409);
        assert_eq!(test.events().await, before);
        test.post(&path, json!({ "comment": "for now", "reason": "certificateHold" })).await.expect(204);
        let held = told(&test, id).await;
        assert_eq!(
            (&held["revoked"], &held["reason"], &held["comment"]),
            (&json!(true), &json!("certificateHold"), &json!("for now"))
        );
        test.post(&format!("/api/v1/certificates/{id}/release"), json!({ "comment": "found again" })).await.expect(204);
        assert_eq!(told(&test, id).await["revoked"], false);
        test.post(&path, json!({ "comment": "replaced", "reason": "SUPERSEDED" })).await.expect(204);
        let revoked = told(&test, id).await;
        assert_eq!((&revoked["reason"], &revoked["at_issuer"]), (&json!("superseded"), &json!(standing)));
        assert!(revoked["effective_at"].is_string() && revoked["failures"] == 0 && revoked["error"].is_null(), "{revoked}");
        test.post(&format!("/api/v1/certificates/{id}/release"), json!({ "comment": "x" })).await.expect(409);
    }
    test.post("/api/v1/certificates/4711/revocation", json!({ "comment": "x" })).await.expect(404);
    let found = test.get("/api/v1/certificates?query=Revoker+-eq+admin&total=true").await.expect(200);
    assert_eq!(found["total"], 2);
    let found = test.get("/api/v1/certificates?query=TemplateShortName+-eq+server&total=true").await.expect(200);
    assert_eq!(found["total"], 1);
}

#[tokio::test]
async fn the_right_on_a_collection_is_enough() {
    let test = TestApp::new().await;
    let ids = test.import_samples(2).await;
    let query = format!("CertId -eq {}", ids[0]);
    let collection = test.post("/api/v1/collections", json!({ "name": "One", "query": query })).await.expect(201)["id"].clone();
    let rights =
        [format!("/certificates/collections/revoke/{collection}/"), format!("/certificates/collections/read/{collection}/")];
    let (_, _, token) = test.service("revoker", &rights.each_ref().map(String::as_str)).await;
    let body = json!({ "comment": "gone" });
    let path = |id: i64, within: bool| {
        let within = if within { format!("?collection={collection}") } else { String::new() };
        format!("/api/v1/certificates/{id}/revocation{within}")
    };
    test.call("POST", &path(ids[0], false), &token, Some(&body)).await.expect(403);
    test.call("POST", &path(ids[1], true), &token, Some(&body)).await.expect(403);
    test.call("GET", &path(ids[1], true), &token, None).await.expect(404);
    test.call("POST", &path(ids[0], true), &token, Some(&body)).await.expect(204);
    assert_eq!(test.call("GET", &path(ids[0], true), &token, None).await.expect(200)["revoked"], true);
    test.call("GET", &path(ids[0], false), &token, None).await.expect(404);
}
