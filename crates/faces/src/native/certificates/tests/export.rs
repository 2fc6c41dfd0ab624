//! Files in every format, keys that leave, keys that are made and destroyed.

use certhold_domain::access::paths::{CERTIFICATES_READ, PRIVATE_KEY_DELETE, PRIVATE_KEY_READ};
use serde_json::{Value, json};

use super::{imported, self_signed};
use crate::testing::{Reply, TestApp, sample_pem};

async fn export(test: &TestApp, id: i64, body: Value) -> Reply {
    test.post(&format!("/api/v1/certificates/{id}/export"), body).await
}

/// The newest event of this kind.
async fn event(test: &TestApp, operation: &str) -> Value {
    let found = test.get(&format!("/api/v1/events?operation={operation}&limit=1")).await.expect(200);
    found["items"][0].clone()
}

#[tokio::test]
async fn certificates_come_in_every_public_format() {
    let test = TestApp::new().await;
    let id = test.import_samples(1).await[0];
    for (format, begins) in
        [("pem", &b"-----BEGIN CERT"[..]), ("der", b"\x30\x82"), ("pkcs7", b"-----BEGIN PKCS7"), ("pkcs7-der", b"\x30\x82")]
    {
        let reply = test.get(&format!("/api/v1/certificates/{id}/download?format={format}")).await;
        assert_eq!(reply.status, 200, "{format}");
        assert!(reply.body.starts_with(begins), "{format}");
        let found = certhold_pki::read(&reply.body, None).unwrap();
        assert_eq!(found.certificates[0].der, crate::testing::sample_der(0), "{format}");
    }
    for wrong in ["pkcs12", "jks", "PEM", "x%00"] {
        let refused = test.get(&format!("/api/v1/certificates/{id}/download?format={wrong}")).await.expect(400);
        assert!(refused["detail"].as_str().unwrap().contains("choose one of pem, der, pkcs7, pkcs7-der"), "{refused}");
    }
}

#[tokio::test]
async fn a_key_leaves_with_an_event_and_its_reason() {
    let test = TestApp::new().await;
    let (pem, key) = self_signed("www.example.com");
    let id = imported(&test, &format!("{pem}{key}")).await[0];
    let held = certhold_pki::read(key.as_bytes(), None).unwrap();
    for (format, encrypted) in [("pkcs12", true), ("pkcs12-legacy", true), ("jks", true), ("pem", true), ("pem", false)] {
        let mut body = json!({ "format": format, "reason": format!("moves as {format}") });
        if encrypted {
            body["password"] = json!("a long p\u{e4}ssword");
        }
        let reply = export(&test, id, body).await;
        assert_eq!(reply.status, 200, "{format}: {}", reply.text());
        assert_eq!(reply.headers["cache-control"], "no-store");
        let found = certhold_pki::read(&reply.body, encrypted.then_some("a long p\u{e4}ssword")).unwrap();
        assert_eq!(found.keys[0].key.pkcs8_der(), held.keys[0].key.pkcs8_der(), "{format}");
        assert!(found.keys[0].key.matches(&found.certificates[0].der).unwrap());
        let wrong = certhold_pki::read(&reply.body, Some("another password"));
        assert!(!encrypted || wrong.map_or(true, |found| found.keys.is_empty()), "{format}");
        let event = event(&test, "private_key.exported").await;
        assert_eq!(
            event["details"]["reason"].as_str().or(event["payload"]["reason"].as_str()),
            Some(&*format!("moves as {format}")),
            "{event}"
        );
        assert!(!event.to_string().contains("ssword"), "{event}");
    }
}

#[tokio::test]
async fn a_key_does_not_leave_without_right_reason_and_password() {
    let test = TestApp::new().await;
    let (pem, key) = self_signed("www.example.com");
    let id = imported(&test, &format!("{pem}{key}")).await[0];
    let bare = imported(&test, &sample_pem(3)).await[0];
    let (.., reader) = test.service("reader", &[CERTIFICATES_READ, "/certificates/collections/private_key/import/"]).await;
    let before = test.events().await;
    let refused = async |id: i64, body: Value, status: u16, word: &str| {
        let reply = export(&test, id, body.clone()).await;
        assert_eq!(reply.status.as_u16(), status, "{body}: {}", reply.text());
        assert!(reply.text().contains(word), "{body}: {}", reply.text());
    };
    let good = "a long password";
    refused(id, json!({ "format": "pkcs12", "reason": "x" }), 400, "needs a password").await;
    refused(id, json!({ "format": "jks", "reason": "x", "password": "short" }), 400, "at least 8").await;
    refused(id, json!({ "format": "jks", "reason": "x", "password": "y".repeat(5_000) }), 400, "at most").await;
    refused(id, json!({ "format": "pkcs12", "reason": " ", "password": good }), 400, "say why").await;
    refused(id, json!({ "format": "pkcs12", "reason": "x".repeat(1_001), "password": good }), 400, "at most").await;
    refused(id, json!({ "format": "pkcs7", "reason": "x" }), 400, "choose one of pem, pkcs12").await;
    refused(bare, json!({ "format": "pem", "reason": "x" }), 409, "not in custody").await;
    // Seeing certificates and importing keys is not exporting them; and who may not is told nothing else
    for some in [id, bare, 99_999] {
        let body = json!({ "format": "pkcs12", "reason": "" });
        let reply = test.call("POST", &format!("/api/v1/certificates/{some}/export"), &reader, Some(&body)).await;
        assert_eq!(reply.status, 403);
        assert!(reply.text().contains(PRIVATE_KEY_READ), "{}", reply.text());
    }
    assert_eq!(test.events().await, before, "a refused export left an event");
}

#[tokio::test]
async fn a_destroyed_key_is_gone_and_may_come_again() {
    let test = TestApp::new().await;
    let (pem, key) = self_signed("www.example.com");
    let id = imported(&test, &format!("{pem}{key}")).await[0];
    let path = format!("/api/v1/certificates/{id}/private-key/destroy");
    test.post(&path, json!({ "reason": "" })).await.expect(400);
    let (.., reader) = test.service("reader", &[CERTIFICATES_READ, PRIVATE_KEY_READ]).await;
    let reply = test.call("POST", &path, &reader, Some(&json!({ "reason": "x" }))).await;
    assert!(reply.status == 403 && reply.text().contains(PRIVATE_KEY_DELETE), "{}", reply.text());
    test.post(&path, json!({ "reason": "the server is gone" })).await.expect(204);
    let one = test.get(&format!("/api/v1/certificates/{id}")).await.expect(200);
    assert_eq!(one["has_private_key"], false);
    test.post(&path, json!({ "reason": "again" })).await.expect(409);
    export(&test, id, json!({ "format": "pem", "reason": "x" })).await.expect(409);
    imported(&test, &format!("{pem}{key}")).await;
    let one = test.get(&format!("/api/v1/certificates/{id}")).await.expect(200);
    assert_eq!(one["has_private_key"], true);
}

#[tokio::test]
async fn a_key_in_use_is_not_destroyed() {
    let test = TestApp::new().await;
    let (pem, key) = self_signed("www.example.com");
    let id = imported(&test, &format!("{pem}{key}")).await[0];
    test.post("/api/v1/issuers", json!({ "name": "First", "directory": "https://acme.example/dir" })).await.expect(201);
    test.post(
        "/api/v1/dns-providers",
        json!({ "name": "First", "kind": "powerdns", "settings": { "url": "http://127.0.0.1:8081", "api_key": "pdns-secret" } }),
    )
    .await
    .expect(201);
    let managed = json!({ "adopt": id, "issuer": 1, "dns_provider": 1, "name": "kept" });
    test.post("/api/v1/managed-certificates", managed).await.expect(201);
    let refused =
        test.post(&format!("/api/v1/certificates/{id}/private-key/destroy"), json!({ "reason": "x" })).await.expect(409);
    assert!(refused["detail"].as_str().unwrap().contains("\"kept\""), "{refused}");
    export(&test, id, json!({ "format": "pem", "reason": "x" })).await;
}

#[tokio::test]
async fn a_request_waits_for_its_certificate() {
    let test = TestApp::new().await;
    let made = test.post("/api/v1/key-requests", json!({ "names": ["WWW.Example.com", "*.example.com"] })).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    let one = test.get(&format!("/api/v1/key-requests/{id}")).await.expect(200);
    assert_eq!((&one["name"], &one["certificate"]), (&json!("www.example.com"), &Value::Null));
    let csr = certhold_pki::read(one["csr"].as_str().unwrap().as_bytes(), None).unwrap();
    let facts = certhold_pki::CsrFacts::of(&csr.only_request().unwrap().der).unwrap();
    assert_eq!(facts.dns_names().collect::<Vec<_>>(), ["www.example.com", "*.example.com"]);
    certhold_pki::verify_request(&csr.requests[0].der).unwrap();

    // An authority signs the request; the certificate finds its key
    let authority = rcgen::KeyPair::generate().unwrap();
    let name = rcgen::CertificateParams::new(vec![]).unwrap();
    let issuer = rcgen::Issuer::from_params(&name, &authority);
    let wanted = rcgen::CertificateSigningRequestParams::from_pem(one["csr"].as_str().unwrap()).unwrap();
    let certificate = imported(&test, &wanted.signed_by(&issuer).unwrap().pem()).await[0];
    let one = test.get(&format!("/api/v1/key-requests/{id}")).await.expect(200);
    assert_eq!(one["certificate"], certificate);
    let held = test.get(&format!("/api/v1/certificates/{certificate}")).await.expect(200);
    assert_eq!(held["has_private_key"], true);
    // The request goes, the key stays
    test.delete(&format!("/api/v1/key-requests/{id}")).await.expect(204);
    let held = test.get(&format!("/api/v1/certificates/{certificate}")).await.expect(200);
    assert_eq!(held["has_private_key"], true);
    test.get(&format!("/api/v1/key-requests/{id}")).await.expect(404);

    // One that waits takes its key with it
    let made = test.post("/api/v1/key-requests", json!({ "names": ["b.example.com"], "name": "B" })).await.expect(201);
    let listed = test.get("/api/v1/key-requests").await.expect(200);
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["name"]), (1, &json!("B")));
    test.delete(&format!("/api/v1/key-requests/{}", made["id"])).await.expect(204);
    let event = event(&test, "key_request.deleted").await;
    assert!(event.to_string().contains("\"key_destroyed\":true"), "{event}");
    for (body, word) in [
        (json!({ "names": [] }), "at least one"),
        (json!({ "names": ["a b"] }), "names"),
        (json!({ "names": ["a.example"], "key_kind": "rsa1024" }), "choose one of"),
        (json!({ "names": ["a.example"], "name": "x".repeat(300) }), "characters"),
    ] {
        let refused = test.post("/api/v1/key-requests", body).await.expect(400);
        assert!(refused.to_string().contains(word), "{refused}");
    }
}
