//! Every operation is called without credentials, with wrong ones, without its permission, with exactly its permission, and with
//! hostile input. An operation of the description that is not in the table fails the build.

mod table;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, header};
use certhold_domain::access::paths;
use serde_json::{Value, json};

use super::openapi;
use crate::testing::{PASSWORD, TestApp};
use table::{ENDPOINTS, Endpoint, Needs, dns_provider, identity_provider};

/// A server with one object of each kind.
struct House {
    test: TestApp,
    /// Ids by the segment that stands before them.
    ids: Vec<(&'static str, i64)>,
}

impl House {
    async fn new() -> House {
        let test = TestApp::new().await;
        let id = |reply: Value| reply["id"].as_i64().unwrap();
        let mut certificates = test.import_samples(2).await;
        // One with its private key, which is exported and destroyed.
        let made = rcgen::generate_simple_self_signed(["keyed.example.com".to_owned()]).unwrap();
        let both = made.cert.pem() + &made.signing_key.serialize_pem();
        let keyed = test.post("/api/v1/certificates", json!({ "content": both })).await.expect(200);
        certificates[0] = keyed["items"][0]["certificate"].as_i64().unwrap();
        let request = id(test.post("/api/v1/key-requests", json!({ "names": ["old.example.com"] })).await.expect(201));
        let issuer = json!({ "name": "First", "directory": "https://acme.example/dir" });
        let issuer = id(test.post("/api/v1/issuers", issuer).await.expect(201));
        let dns_provider = id(test.post("/api/v1/dns-providers", dns_provider("First")).await.expect(201));
        assert_eq!((issuer, dns_provider), (1, 1), "the table's samples name them");
        let managed = json!({ "name": "old", "adopt": certificates[1], "issuer": issuer, "dns_provider": dns_provider });
        let managed = id(test.post("/api/v1/managed-certificates", managed).await.expect(201));
        let deployment = json!({ "name": "first", "settings": { "certificate": "/etc/ssl/first.pem" } });
        let deployment =
            id(test.post(&format!("/api/v1/managed-certificates/{managed}/deployments"), deployment).await.expect(201));
        let role = id(test.post("/api/v1/roles", json!({ "name": "First", "permissions": [] })).await.expect(201));
        let set = id(test.post("/api/v1/permission-sets", json!({ "name": "First", "permissions": [] })).await.expect(201));
        let claim = json!({ "type": "group", "value": "first", "provider": "corporate" });
        let claim = id(test.post("/api/v1/claims", claim).await.expect(201));
        let [authority, pattern, trust_set, provider] = House::issuing(&test).await;
        let container = id(test.post("/api/v1/containers", json!({ "name": "First" })).await.expect(201));
        let store = json!({ "name": "First", "kind": "pem-directory", "path": "/srv/tls/first" });
        let store = id(test.post("/api/v1/certificate-stores", store).await.expect(201));
        let jobs = test.get(&format!("/api/v1/certificate-stores/{store}/jobs")).await.expect(200);
        let job = jobs["items"][0]["id"].as_i64().unwrap();
        let principal = json!({ "kind": "person", "name": "ana", "password": "ana's password" });
        let principal = id(test.post("/api/v1/principals", principal).await.expect(201));
        let service = id(test.post("/api/v1/principals", json!({ "kind": "service", "name": "robot" })).await.expect(201));
        let token = json!({ "name": "first", "scopes": ["/"] });
        let token = id(test.post(&format!("/api/v1/principals/{service}/tokens"), token).await.expect(201));
        let client = json!({ "name": "first", "scopes": ["/"] });
        let client = id(test.post(&format!("/api/v1/principals/{service}/api-clients"), client).await.expect(201));
        let session = json!({ "name": "ana", "password": "ana's password" });
        let session = id(test.call("POST", "/api/v1/sessions", "", Some(&session)).await.expect(201));
        let collection = json!({ "name": "First", "query": "KeyType -eq RSA" });
        let collection = id(test.post("/api/v1/collections", collection).await.expect(201));
        let field = id(test.post("/api/v1/metadata-fields", json!({ "name": "Team", "type": "string" })).await.expect(201));
        let edit = json!({ "kind": "metadata", "changes": [{ "field": "Team", "value": "" }] });
        let edit = json!({ "certificates": certificates, "edit": edit });
        // Everybody sees their own edits, so this one is somebody else's.
        let (_, _, editor) = test.service("editor", &["/certificates/"]).await;
        let edit = id(test.call("POST", "/api/v1/bulk-edits", &editor, Some(&edit)).await.expect(201));
        let ids = vec![
            ("metadata-fields", field),
            ("bulk-edits", edit),
            ("certificates", certificates[0]),
            ("key-requests", request),
            ("issuers", issuer),
            ("dns-providers", dns_provider),
            ("managed-certificates", managed),
            ("deployments", deployment),
            ("collections", collection),
            ("roles", role),
            ("permission-sets", set),
            ("claims", claim),
            ("exclusions", 1), // none is there
            ("identity-providers", provider),
            ("holders", principal),
            ("principals", principal),
            // People make their own tokens, so the account whose tokens others make is a program's.
            ("services", service),
            ("tokens", token),
            ("api-clients", client),
            ("sessions", session),
            ("events", 1),
            ("master-keys", 1),
            ("authorities", authority),
            ("enrolment-patterns", pattern),
            ("certificate-templates", 1),
            ("trust-sets", trust_set),
            ("containers", container),
            ("certificate-stores", store),
            ("jobs", job),
        ];
        House { test, ids }
    }

    /// A private authority, an enrolment pattern, a trust set and an identity provider.
    async fn issuing(test: &TestApp) -> [i64; 4] {
        let mut ids = [0; 4];
        for (id, (path, body)) in ids.iter_mut().zip([
            ("/api/v1/authorities", json!({ "name": "First", "subject": "CN=First, O=Example" })),
            ("/api/v1/enrolment-patterns", json!({ "name": "First", "template": "client" })),
            ("/api/v1/trust-sets", json!({ "name": "First", "certificates": [] })),
            ("/api/v1/identity-providers", identity_provider("First")),
        ]) {
            *id = test.post(path, body).await.expect(201)["id"].as_i64().unwrap();
        }
        ids
    }

    /// The path with the house's objects in it.
    fn path(&self, endpoint: &Endpoint) -> String {
        let of_service = matches!(endpoint.path, "/principals/{id}/tokens" | "/principals/{id}/api-clients");
        self.path_with(endpoint, |noun| {
            let noun = if of_service { "services" } else { noun };
            // Everybody sees their own views only.
            let found = self.ids.iter().chain(&[("views", 4_711)]).find(|(known, _)| *known == noun);
            found.unwrap_or_else(|| panic!("no object for {noun}")).1.to_string()
        })
    }

    fn path_with(&self, endpoint: &Endpoint, id: impl Fn(&str) -> String) -> String {
        let mut path = String::from("/api/v1");
        let mut noun = "";
        for segment in endpoint.path.split('/').skip(1) {
            path.push('/');
            path.push_str(&if segment.starts_with('{') { id(noun) } else { segment.to_owned() });
            noun = segment;
        }
        path
    }

    /// Calls an operation with its sample body; the status.
    async fn call(&self, endpoint: &Endpoint, token: &str) -> u16 {
        let body = endpoint.body.map(|body| body());
        self.test.call(endpoint.method, &self.path(endpoint), token, body.as_ref()).await.status.as_u16()
    }

    /// Somebody new who holds these permissions in a role of their own.
    async fn holder(&self, name: &str, permissions: &[&str]) -> String {
        self.test.service(name, permissions).await.2
    }

    async fn credentials_that_are_none(&self) -> Vec<(&'static str, String)> {
        let test = &self.test;
        let expired = test.token(test.admin_id, &["/"], Some(test.app.now() + 1)).await;
        let revoked = test.token(test.admin_id, &["/"], None).await;
        let tokens = test.get(&format!("/api/v1/principals/{}/tokens", test.admin_id)).await.expect(200);
        let newest = tokens["items"][0]["id"].as_i64().unwrap();
        test.delete(&format!("/api/v1/tokens/{newest}")).await.expect(204);
        let (disabled_id, _, disabled) = test.service("disabled", &["/"]).await;
        test.post(&format!("/api/v1/principals/{disabled_id}/disable"), json!(null)).await.expect(204);
        let signed_in = json!({ "name": "admin", "password": PASSWORD });
        let session = test.call("POST", "/api/v1/sessions", "", Some(&signed_in)).await.expect(201);
        let ended = session["token"].as_str().unwrap().to_owned();
        test.call("DELETE", "/api/v1/sessions/current", &ended, None).await.expect(204);
        test.clock.advance(2);
        vec![
            ("none", String::new()),
            ("garbage", "cht_garbage".to_owned()),
            ("garbage session", "chs_garbage".to_owned()),
            ("expired", expired),
            ("revoked", revoked),
            ("disabled", disabled),
            ("ended session", ended),
        ]
    }
}

#[test]
fn every_operation_is_in_the_table_and_every_line_is_an_operation() {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            described.insert((method.to_uppercase(), path.trim_start_matches("/api/v1").to_owned()));
        }
    }
    let listed: BTreeSet<_> = ENDPOINTS.iter().map(|one| (one.method.to_owned(), one.path.to_owned())).collect();
    assert_eq!(listed.len(), ENDPOINTS.len(), "a line stands twice");
    assert_eq!(described.difference(&listed).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "not tested");
    assert_eq!(listed.difference(&described).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "not described");
}

#[tokio::test]
async fn without_valid_credentials_nothing_happens() {
    let house = House::new().await;
    let wrong = house.credentials_that_are_none().await;
    let before = house.test.events().await;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.needs != Needs::Nobody) {
        for (what, token) in &wrong {
            assert_eq!(house.call(endpoint, token).await, 401, "{} {} with {what}", endpoint.method, endpoint.path);
        }
    }
    assert_eq!(house.test.events().await, before, "something was written");
}

#[tokio::test]
async fn the_cookie_of_the_pages_is_no_credential_here() {
    let house = House::new().await;
    let signed_in = json!({ "name": "admin", "password": PASSWORD });
    let session = house.test.call("POST", "/api/v1/sessions", "", Some(&signed_in)).await.expect(201);
    let token = session["token"].as_str().unwrap();
    assert_eq!(house.test.call("GET", "/api/v1/me", token, None).await.status, 200, "the session itself is good");
    let before = house.test.events().await;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.needs != Needs::Nobody) {
        let body = endpoint.body.map_or_else(Body::empty, |body| Body::from(body().to_string()));
        let request = Request::builder().method(endpoint.method).uri(house.path(endpoint));
        let request = request.header(header::COOKIE, format!("certhold={token}; __Host-certhold={token}"));
        let reply = house.test.send(request.header(header::CONTENT_TYPE, "application/json").body(body).unwrap()).await;
        assert_eq!(reply.status, 401, "{} {}", endpoint.method, endpoint.path);
    }
    assert_eq!(house.test.events().await, before, "something was written");
}

#[tokio::test]
async fn without_the_permission_nothing_happens_and_reads_tell_nothing() {
    let house = House::new().await;
    let nobody = house.holder("nobody", &[]).await;
    let narrow = house.test.token(house.test.admin_id, &["/portal/"], None).await;
    let before = house.test.events().await;
    for endpoint in ENDPOINTS {
        let Needs::All(_) = endpoint.needs else { continue };
        let is_one = endpoint.method == "GET" && endpoint.path.contains('{');
        for token in [&nobody, &narrow] {
            let status = house.call(endpoint, token).await;
            assert_eq!(status, if is_one { 404 } else { 403 }, "{} {}", endpoint.method, endpoint.path);
        }
        if is_one {
            let missing = house.path_with(endpoint, |_| "987654".into());
            let there = house.test.call("GET", &house.path(endpoint), &nobody, None).await.text();
            let gone = house.test.call("GET", &missing, &nobody, None).await.text();
            let id = house.path(endpoint).split('/').nth(4).unwrap().to_owned();
            assert_eq!(there.replace(&format!(" {id}\""), " 987654\""), gone, "{}", endpoint.path);
        }
    }
    assert_eq!(house.test.events().await, before, "something was written");
}

#[tokio::test]
async fn every_other_permission_does_not_help() {
    let house = House::new().await;
    let mut holders: Vec<(&[&str], Vec<String>)> = Vec::new();
    for endpoint in ENDPOINTS {
        let Needs::All(needs) = endpoint.needs else { continue };
        if holders.iter().any(|(known, _)| *known == needs) {
            continue;
        }
        let mut tokens = Vec::new();
        for missing in needs {
            // The expanded right is another way to change an owner.
            // Whoever may make signing requests sees their own.
            // Modifying stores includes scheduling them, which includes seeing them.
            let other_ways: &[&str] = match *missing {
                paths::CERTIFICATES_CHANGE_OWNER => &[paths::EXPANDED_CHANGE_OWNER],
                paths::KEY_REQUESTS_READ => &[paths::ENROLLMENT_CSR_GENERATION],
                // Whoever looks after certificates under names makes keys for them.
                paths::KEY_REQUESTS_MODIFY => &[paths::NAMED_MODIFY],
                paths::STORES_READ => &[paths::STORES_SCHEDULE, paths::STORES_MODIFY],
                paths::STORES_SCHEDULE => &[paths::STORES_MODIFY],
                _ => &[],
            };
            let does_not_help = |path: &&str| !missing.starts_with(path) && !other_ways.contains(path);
            let others: Vec<&str> = paths::CATALOGUE.iter().map(|(path, _)| *path).filter(does_not_help).collect();
            tokens.push(house.holder(&format!("all but {missing} of {}", holders.len()), &others).await);
        }
        holders.push((needs, tokens));
    }
    let before = house.test.events().await;
    for endpoint in ENDPOINTS {
        let Needs::All(needs) = endpoint.needs else { continue };
        let (_, tokens) = holders.iter().find(|(known, _)| *known == needs).unwrap();
        for token in tokens {
            let status = house.call(endpoint, token).await;
            assert!(matches!(status, 403 | 404), "{} {}: {status}", endpoint.method, endpoint.path);
        }
    }
    assert_eq!(house.test.events().await, before, "something was written");
}

#[tokio::test]
async fn exactly_the_permission_suffices() {
    let mut house = House::new().await;
    for (number, endpoint) in ENDPOINTS.iter().enumerate() {
        let permissions: &[&str] = match endpoint.needs {
            Needs::All(needs) => needs,
            Needs::Anybody | Needs::Nobody => &[],
        };
        let token = house.holder(&format!("holder {number}"), permissions).await;
        if endpoint.method == "DELETE" && matches!(endpoint.path, "/issuers/{id}" | "/dns-providers/{id}") {
            // The first ones are in use by what the table created.
            let noun = endpoint.path.split('/').nth(1).unwrap();
            house.ids.iter_mut().find(|(known, _)| *known == noun).unwrap().1 = 2;
        }
        assert_eq!(house.call(endpoint, &token).await, endpoint.status, "{} {}", endpoint.method, endpoint.path);
    }
}

#[tokio::test]
async fn hostile_requests_are_refused_without_a_change() {
    let house = House::new().await;
    let test = &house.test;
    let before = test.events().await;
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(3 * 1024 * 1024));
    for endpoint in ENDPOINTS {
        let name = format!("{} {}", endpoint.method, endpoint.path);
        let sample = endpoint.body.map(|body| body());
        if endpoint.path.contains('{') {
            for (id, status) in [
                ("987654", 404),
                ("0", 404),
                ("-1", 404),
                ("9223372036854775807", 404),
                ("abc", 400),
                ("9223372036854775808", 400),
                ("1.5", 400),
                ("%00", 400),
                ("..%2f1", 400),
                ("1;DROP", 400),
                ("%E2%80%AE1", 400),
            ] {
                let path = house.path_with(endpoint, |_| id.to_owned());
                let reply = test.call(endpoint.method, &path, &test.admin, sample.as_ref()).await;
                assert_eq!(reply.status.as_u16(), status, "{name} with {id}: {}", reply.text());
            }
        }
        if endpoint.method == "GET" && has_parameters(endpoint) {
            for query in ["unexpected=1", "limit=0", "limit=1001", "limit=x", "limit=99999999999999999999", "limit=1&limit=2"] {
                let reply = test.get(&format!("{}?{query}", house.path(endpoint))).await;
                assert_eq!(reply.status, 400, "{name}?{query}: {}", reply.text());
            }
        }
        let Some(sample) = sample else { continue };
        let mut unexpected = sample.clone();
        unexpected["unexpected"] = json!(1);
        let mut wrong_types = sample.clone();
        for value in wrong_types.as_object_mut().unwrap().values_mut() {
            *value = json!([[1]]);
        }
        let is_import = endpoint.path == "/certificates";
        let mut bodies = vec![
            ("application/json", String::new(), 400),
            ("application/json", "{".into(), 400),
            ("application/json", "[]".into(), 400),
            ("application/json", "null".into(), 400),
            ("application/json", "{}".into(), 400),
            ("application/json", "\u{0}".into(), 400),
            ("application/json", "[".repeat(200_000), 400),
            ("application/json", unexpected.to_string(), 400),
            ("application/json", wrong_types.to_string(), 400),
            ("application/x-www-form-urlencoded", sample.to_string(), 415),
            ("", sample.to_string(), 415),
        ];
        if !is_import {
            bodies.push(("application/json", large.clone(), 413));
            bodies.push(("text/plain", sample.to_string(), 415));
        }
        for (content_type, body, status) in bodies {
            let mut request = Request::builder().method(endpoint.method).uri(house.path(endpoint));
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", test.admin));
            if !content_type.is_empty() {
                request = request.header(header::CONTENT_TYPE, content_type);
            }
            let start: String = body.chars().take(60).collect();
            let reply = test.send(request.body(Body::from(body)).unwrap()).await;
            assert_eq!(reply.status.as_u16(), status, "{name} with {content_type} {start:?}: {}", reply.text());
            assert_eq!(reply.headers[header::CONTENT_TYPE], "application/problem+json", "{name}");
        }
    }
    assert_eq!(test.events().await, before, "something was written");
}

fn has_parameters(endpoint: &Endpoint) -> bool {
    let document = serde_json::to_value(openapi()).unwrap();
    let operation = &document["paths"][format!("/api/v1{}", endpoint.path)]["get"];
    operation["parameters"].as_array().into_iter().flatten().any(|one| one["in"] == "query" && one["name"] == "limit")
}
