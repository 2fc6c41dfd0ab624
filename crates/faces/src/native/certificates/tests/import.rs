use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::self_signed;
use crate::state::Settings;
use crate::testing::{Reply, TestApp, sample_der, sample_pem};

const P12: &[u8] = include_bytes!("../fixtures/one.p12");
const P12_PASSWORD: &str = "fixture-password";

/// One part of a form.
struct Part<'a> {
    name: &'a str,
    file: Option<&'a str>,
    content: &'a [u8],
}

fn file<'a>(name: &'a str, content: &'a [u8]) -> Part<'a> {
    Part { name: "file", file: Some(name), content }
}

fn field<'a>(name: &'a str, content: &'a str) -> Part<'a> {
    Part { name, file: None, content: content.as_bytes() }
}

async fn form(test: &TestApp, token: &str, parts: &[Part<'_>]) -> Reply {
    let mut body = Vec::new();
    for part in parts {
        let file = part.file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        let head = format!("--sep\r\nContent-Disposition: form-data; name=\"{}\"{file}\r\n\r\n", part.name);
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--sep--\r\n");
    raw(test, token, "multipart/form-data; boundary=sep", "", body).await
}

async fn raw(test: &TestApp, token: &str, content_type: &str, query: &str, body: impl Into<Body>) -> Reply {
    let request = Request::builder().method("POST").uri(format!("/api/v1/certificates{query}"));
    let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    test.send(request.header(header::CONTENT_TYPE, content_type).body(body.into()).unwrap()).await
}

/// imported, already held, refused, keys taken.
fn counts(result: &Value) -> [i64; 4] {
    ["imported", "already_held", "refused", "keys_taken"].map(|name| result[name].as_i64().unwrap())
}

fn reasons(result: &Value) -> Vec<String> {
    let items = result["items"].as_array().unwrap().iter().filter(|item| item["outcome"] == "refused");
    items
        .map(|item| {
            format!("{}|{}|{}", item["file"].as_str().unwrap(), item["place"].as_str().unwrap(), item["reason"].as_str().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_form_brings_many_files_of_every_kind() {
    let test = TestApp::new().await;
    let junk = format!(
        "hello\n{}between\n-----BEGIN CERTIFICATE-----\nbad\n-----END CERTIFICATE-----\n{}",
        sample_pem(1),
        sample_pem(2)
    );
    let (der, broken) = (sample_der(3), &sample_der(4)[..100]);
    let parts = [
        file("two.pem", junk.as_bytes()),
        file("../..\\evil/three.cer", &der),
        file("bundle.p12", P12),
        file("broken.cer", broken),
        file("page.html", b"<!DOCTYPE html><html>sign in</html>"),
        file("empty.pem", b""),
        field("password", P12_PASSWORD),
        field("source", "a form"),
    ];
    let result = form(&test, &test.admin, &parts).await.expect(200);
    assert_eq!(counts(&result), [4, 0, 4, 1], "{result:#}");
    let reasons = reasons(&result).join("\n");
    for expected in ["two.pem|line ", "broken.cer||", "page.html||", "empty.pem||the input is empty"] {
        assert!(reasons.contains(expected), "{expected} not in {reasons}");
    }
    let items = result["items"].as_array().unwrap();
    let three = items.iter().find(|item| item["file"] == "three.cer").unwrap();
    assert_eq!(three["outcome"], "imported");
    let p12 = items.iter().find(|item| item["file"] == "bundle.p12").unwrap();
    assert_eq!((&p12["title"], &p12["key_taken"]), (&json!("p12.example.com"), &json!(true)));
    let held = test.get(&format!("/api/v1/certificates/{}", p12["certificate"])).await.expect(200);
    assert_eq!((&held["source"], &held["has_private_key"]), (&json!("a form"), &json!(true)));

    let events = test.events().await;
    let again = form(&test, &test.admin, &parts).await.expect(200);
    assert_eq!(counts(&again), [0, 4, 4, 0], "{again:#}");
    assert_eq!(test.events().await, events, "the same again changes nothing");
}

#[tokio::test]
async fn key_and_certificate_may_come_in_different_files() {
    let test = TestApp::new().await;
    let (pem, key) = self_signed("split.example.com");
    let (_, stray) = self_signed("stray.example.com");
    let parts = [file("split.key", key.as_bytes()), file("stray.key", stray.as_bytes()), file("split.pem", pem.as_bytes())];
    let result = form(&test, &test.admin, &parts).await.expect(200);
    assert_eq!(counts(&result), [1, 0, 1, 1]);
    assert!(
        reasons(&result)[0]
            .starts_with("stray.key|private key|no certificate here or in the inventory belongs to this private key"),
        "{result:#}"
    );
    assert!(!result.to_string().contains("PRIVATE KEY-----"));
}

#[tokio::test]
async fn a_key_may_follow_its_certificate_later() {
    let test = TestApp::new().await;
    let (pem, key) = self_signed("later.example.com");
    assert_eq!(counts(&form(&test, &test.admin, &[file("a.pem", pem.as_bytes())]).await.expect(200)), [1, 0, 0, 0]);
    let both = format!("{pem}{key}");
    assert_eq!(counts(&form(&test, &test.admin, &[file("b.pem", both.as_bytes())]).await.expect(200)), [0, 1, 0, 1]);
    let (pem, key) = self_signed("alone.example.com");
    form(&test, &test.admin, &[file("c.pem", pem.as_bytes())]).await.expect(200);
    let alone = form(&test, &test.admin, &[file("c.key", key.as_bytes())]).await.expect(200);
    assert_eq!(counts(&alone), [0, 1, 0, 1], "the certificate is held already: {alone:#}");
}

#[tokio::test]
async fn passwords_are_asked_for_and_wrong_ones_named_without_repeating_them() {
    let test = TestApp::new().await;
    let none = form(&test, &test.admin, &[file("a.p12", P12)]).await.expect(200);
    let wrong = form(&test, &test.admin, &[file("a.p12", P12), field("password", "hunter2-hunter2")]).await.expect(200);
    for result in [&none, &wrong] {
        assert_eq!(counts(result), [0, 0, 1, 0]);
        assert!(reasons(result)[0].contains("password"), "{result}");
        assert!(!result.to_string().contains("hunter2"));
    }
    let encoded = json!({ "content_base64": STANDARD.encode(P12), "password": P12_PASSWORD });
    assert_eq!(counts(&test.post("/api/v1/certificates", encoded).await.expect(200)), [1, 0, 0, 1]);
}

#[tokio::test]
async fn the_body_may_be_the_file_itself() {
    let test = TestApp::new().await;
    let der = raw(&test, &test.admin, "application/pkix-cert", "?source=script", sample_der(1)).await.expect(200);
    assert_eq!((counts(&der), &der["items"][0]["file"], &der["items"][0]["place"]), ([1, 0, 0, 0], &json!(""), &json!("")));
    let pem = raw(&test, &test.admin, "application/x-pem-file", "", sample_pem(1) + &sample_pem(2)).await.expect(200);
    assert_eq!(counts(&pem), [1, 1, 0, 0]);
    let noise = raw(&test, &test.admin, "application/octet-stream", "", vec![0x30, 0x82, 0xff, 0xff]).await.expect(200);
    assert_eq!(counts(&noise), [0, 0, 1, 0]);
}

#[tokio::test]
async fn an_owner_is_given_to_what_is_new_by_whoever_holds_the_role() {
    let test = TestApp::new().await;
    let (_, role, token) = test.service("web", &["/certificates/"]).await;
    let role = role.unwrap().0;
    let result = form(&test, &token, &[file("a.pem", sample_pem(1).as_bytes()), field("owner", "Role of Web")]).await.expect(200);
    let id = &result["items"][0]["certificate"];
    assert_eq!(test.get(&format!("/api/v1/certificates/{id}")).await.expect(200)["owner"]["id"], role);
    let query = format!("?owner={role}");
    raw(&test, &token, "application/x-pem-file", &query, sample_pem(2)).await.expect(200);
    let listed = test.get(&format!("/api/v1/certificates?owner={role}&total=true")).await.expect(200);
    assert_eq!(listed["total"], 2);

    let (_, other, _) = test.service("dns", &["/certificates/"]).await;
    let foreign = json!({ "content": sample_pem(3), "owner": other.unwrap().0 });
    let before = test.events().await;
    test.call("POST", "/api/v1/certificates", &token, Some(&foreign)).await.expect(403);
    test.post("/api/v1/certificates", json!({ "content": sample_pem(3), "owner": 4711 })).await.expect(404);
    assert_eq!(test.events().await, before);
}

#[tokio::test]
async fn keys_need_a_permission_of_their_own() {
    let test = TestApp::new().await;
    let (_, _, token) = test.service("importer", &["/certificates/import/"]).await;
    let (pem, key) = self_signed("www.example.com");
    let before = test.events().await;
    let refused = form(&test, &token, &[file("both.pem", format!("{pem}{key}").as_bytes())]).await.expect(403);
    assert_eq!(refused["missing"], json!(["/certificates/collections/private_key/import/"]));
    assert_eq!(test.events().await, before);
    assert_eq!(counts(&form(&test, &token, &[file("a.pem", pem.as_bytes())]).await.expect(200)), [1, 0, 0, 0]);
}

#[tokio::test]
async fn many_are_written_in_chunks_and_told_in_order() {
    let test = TestApp::new().await;
    let pem: String = (0..600).map(sample_pem).collect();
    let result = form(&test, &test.admin, &[file("all.pem", pem.as_bytes())]).await.expect(200);
    assert_eq!(counts(&result), [600, 0, 0, 0]);
    let ids: Vec<i64> = result["items"].as_array().unwrap().iter().map(|item| item["certificate"].as_i64().unwrap()).collect();
    assert!(ids.is_sorted());
    let last = test.get(&format!("/api/v1/certificates/{}/der", ids[599])).await;
    assert_eq!(last.body.to_vec(), sample_der(599));
}

#[tokio::test]
async fn damaged_and_endless_forms_are_refused() {
    let test = TestApp::with(Settings { import_bytes: 20_000, plain_http: true, ..Settings::default() }).await;
    let before = test.events().await;
    let large = vec![b'x'; 30_000];
    assert_eq!(form(&test, &test.admin, &[file("a", &large)]).await.status, 413);
    assert_eq!(raw(&test, &test.admin, "application/octet-stream", "", large.clone()).await.status, 413);
    assert_eq!(raw(&test, &test.admin, "application/json", "", large).await.status, 413);
    assert_eq!(form(&test, &test.admin, &[]).await.status, 400, "no file");
    assert_eq!(form(&test, &test.admin, &[field("password", "x")]).await.status, 400, "no file");
    assert_eq!(form(&test, &test.admin, &[file("a", b"x"), field("unknown", "x")]).await.status, 400);
    assert_eq!(
        form(&test, &test.admin, &[file("a", b"x"), Part { name: "password", file: None, content: b"\xff" }]).await.status,
        400
    );
    assert_eq!(form(&test, &test.admin, &[file("a", b"x"), field("source", "a\0b")]).await.status, 400);
    let cut = "--sep\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nMII";
    assert_eq!(raw(&test, &test.admin, "multipart/form-data; boundary=sep", "", cut).await.status, 400);
    assert_eq!(raw(&test, &test.admin, "multipart/form-data", "", cut).await.status, 400);
    for wrong in [json!({ "content": "x", "content_base64": "eA==" }), json!({ "content_base64": "?" }), json!({ "content": 1 })]
    {
        test.post("/api/v1/certificates", wrong).await.expect(400);
    }
    assert_eq!(test.events().await, before);
}
