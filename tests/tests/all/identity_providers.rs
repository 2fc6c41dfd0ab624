//! Bearer tokens of an identity provider, against a started server: discovery, keys that rotate, a provider that goes away, hostile
//! tokens, and who somebody is in the log.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certhold_tests::postgres::engines;
use certhold_tests::scripted::{Answer, Request, Scripted};
use certhold_tests::server::{self, Launch, Server};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::api::Api;

/// A key of a provider, under a name.
struct Key {
    kid: String,
    pair: EcdsaKeyPair,
}

impl Key {
    fn new(kid: &str) -> Key {
        Key { kid: kid.into(), pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
    }

    fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({ "kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "alg": "ES256", "x": part(1..33), "y": part(33..65) })
    }

    fn sign(&self, payload: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": self.kid })), part(payload));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

/// What a provider answers now.
struct State {
    issuer: String,
    keys: Vec<Value>,
    is_down: bool,
}

/// A provider of identities: discovery and keys, as an own server.
struct Provider {
    http: Scripted,
    issuer: String,
    state: Arc<Mutex<State>>,
}

impl Provider {
    async fn start(keys: &[&Key]) -> Provider {
        Self::with(keys, false).await
    }

    async fn with(keys: &[&Key], tls: bool) -> Provider {
        let keys = keys.iter().map(|key| key.jwk()).collect();
        let state = Arc::new(Mutex::new(State { issuer: String::new(), keys, is_down: false }));
        let shared = state.clone();
        let answer = move |request: &Request| {
            let state = shared.lock().unwrap();
            match request.path.as_str() {
                _ if state.is_down => Answer::new(503, "maintenance"),
                "/realms/corporate/.well-known/openid-configuration" => {
                    let document = json!({ "issuer": state.issuer, "jwks_uri": format!("{}/keys", state.issuer) });
                    Answer::new(200, document.to_string())
                }
                "/realms/corporate/keys" => Answer::new(200, json!({ "keys": state.keys }).to_string()),
                _ => Answer::new(404, ""),
            }
        };
        let http = if tls { Scripted::https(answer).await } else { Scripted::http(answer).await };
        let scheme = if tls { "https" } else { "http" };
        let issuer = format!("{scheme}://{}/realms/corporate", http.address);
        state.lock().unwrap().issuer = issuer.clone();
        Provider { http, issuer, state }
    }

    fn offers(&self, keys: &[&Key]) {
        self.state.lock().unwrap().keys = keys.iter().map(|key| key.jwk()).collect();
    }

    fn is_down(&self, is_down: bool) {
        self.state.lock().unwrap().is_down = is_down;
    }

    /// What a token of this provider says of somebody for the next five minutes.
    fn says(&self, subject: &str, roles: &[&str]) -> Value {
        json!({
            "iss": self.issuer, "aud": ["account", "certhold"], "sub": subject, "azp": "script", "exp": seconds() + 300,
            "iat": seconds(), "realm_access": { "roles": roles }, "name": format!("The one of {subject}"),
        })
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

impl Api {
    /// A role that gives this, held by whom the provider gives a role of this name.
    async fn held_through(&self, value: &str, permissions: &[&str]) -> i64 {
        let role = self.create("/roles", json!({ "name": value, "permissions": permissions })).await;
        let claim = json!({ "type": "oauth_role", "value": value, "provider": "Corporate" });
        let claim = self.create("/claims", claim).await;
        let path = format!("/api/v1/claims/{claim}/roles/{role}");
        self.server.send(Method::PUT, &path, &self.token, &json!(null)).await.expect(204);
        claim
    }

    async fn trust(&self, provider: &Provider) -> i64 {
        let body = json!({
            "name": "Corporate", "issuer": provider.issuer, "audiences": ["certhold"], "role_claims": ["roles", "/realm_access/roles"],
            "roots": (!provider.http.root_pem.is_empty()).then(|| provider.http.root_pem.clone()),
        });
        self.create("/identity-providers", body).await
    }
}

async fn native(server: &Server, token: &str) -> server::Answer {
    server.get("/api/v1/certificates", token).await
}

async fn keyfactor(server: &Server, token: &str) -> server::Answer {
    let request = server.request(Method::GET, "/KeyfactorAPI/Certificates").bearer_auth(token);
    server::Answer::to(request.header("x-keyfactor-requested-with", "APIClient")).await
}

/// Asks again until the answer has this status: keys are fetched at most once in ten seconds.
async fn becomes(server: &Server, token: &str, status: u16) -> server::Answer {
    let started = Instant::now();
    loop {
        let answer = native(server, token).await;
        if answer.status.as_u16() == status {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{}: {}", answer.status, answer.text);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_provider_are_taken_by_every_face_that_takes_bearer_tokens() {
    for database in engines() {
        let api = Api::start(Launch::new().on(&database)).await;
        let server = &api.server;
        let key = Key::new("one");
        let provider = Provider::start(&[&key]).await;
        let token = key.sign(&provider.says("7", &["readers"]));
        native(server, &token).await.expect(401);
        refused(keyfactor(server, &token).await, 401);
        assert!(provider.http.requests().is_empty(), "nobody is asked by somebody's word");

        let id = api.trust(&provider).await;
        // Known, and without any right: no account, no event.
        let answer = native(server, &token).await.expect(403);
        assert_eq!(answer.json()["missing"], json!(["/certificates/collections/read/"]));
        assert_eq!(refused(keyfactor(server, &token).await, 403)["ErrorCode"], "0xA0140002");
        let me = server.get("/api/v1/me", &token).await.expect(200).json();
        assert_eq!((&me["id"], &me["permissions"]), (&json!(null), &json!([])));
        assert_eq!(api.get(&format!("/identity-providers/{id}/accounts")).await["items"], json!([]));

        let claim = api.held_through("readers", &["/certificates/collections/read/"]).await;
        native(server, &token).await.expect(200);
        assert_eq!(keyfactor(server, &token).await.expect(200).header("x-total-count"), "0");
        let me = server.get("/api/v1/me", &token).await.expect(200).json();
        assert_eq!((&me["name"], &me["roles"][0]["name"]), (&json!("Corporate\\7"), &json!("readers")));
        server.post("/api/v1/roles", &token, &json!({ "name": "x", "permissions": [] })).await.expect(403);
        let accounts = api.get(&format!("/identity-providers/{id}/accounts")).await;
        assert_eq!((&accounts["items"][0]["subject"], accounts["items"].as_array().unwrap().len()), (&json!("7"), 1));
        let account = accounts["items"][0]["id"].as_i64().unwrap();
        assert_eq!(me["id"], account);
        assert_eq!(api.get(&format!("/principals/{account}")).await["provider"], "Corporate");
        let log = api.get(&format!("/events?actor={account}")).await;
        assert_eq!(log["items"][0]["operation"], "sign_in.succeeded", "{log}");

        // Credentials that would outlive the provider's word are not made.
        let wanted = json!({ "name": "mine", "scopes": ["/"] });
        server.post(&format!("/api/v1/principals/{account}/tokens"), &token, &wanted).await.expect(409);
        server.post(&format!("/api/v1/principals/{account}/api-clients"), &token, &wanted).await.expect(409);

        hostile_tokens_are_refused(server, &provider, &key, &token).await;
        native(server, &token).await.expect(200);

        // Whoever is disabled here is, whatever the provider says; and what is taken away is, at once.
        let disable = |what: &str| format!("/api/v1/principals/{account}/{what}");
        server.post(&disable("disable"), &api.token, &json!(null)).await.expect(204);
        assert!(native(server, &token).await.expect(401).text.contains("disabled"));
        server.post(&disable("enable"), &api.token, &json!(null)).await.expect(204);
        native(server, &token).await.expect(200);
        server.send(Method::DELETE, &format!("/api/v1/claims/{claim}"), &api.token, &json!(null)).await.expect(204);
        native(server, &token).await.expect(403);
        let off = json!({ "audiences": ["certhold"], "role_claims": ["/realm_access/roles"], "enabled": false });
        server.send(Method::PUT, &format!("/api/v1/identity-providers/{id}"), &api.token, &off).await.expect(204);
        native(server, &token).await.expect(401);
        let log = server.log();
        assert!(!log.contains(&token) && !log.contains(token.split('.').nth(2).unwrap()), "a token stands in the log");
        let verification = api.get("/events/verification").await;
        assert_eq!(verification["intact"], true, "{verification}");
    }
}

/// The same person at another's audience, and everything else that is none of ours.
async fn hostile_tokens_are_refused(server: &Server, provider: &Provider, key: &Key, token: &str) {
    let hostile = |name: &str, value: Value| {
        let mut said = provider.says("7", &["readers"]);
        said[name] = value;
        key.sign(&said)
    };
    let stranger = Key::new("one").sign(&provider.says("7", &["readers"]));
    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), token.split('.').nth(1).unwrap());
    for (what, hostile) in [
        ("another audience", hostile("aud", json!("account"))),
        ("another issuer", hostile("iss", json!("https://evil.example"))),
        ("an issuer with a NUL", hostile("iss", json!("a\u{0}b"))),
        ("expired", hostile("exp", json!(seconds() - 61))),
        ("not yet valid", hostile("nbf", json!(seconds() + 120))),
        ("about nobody", hostile("sub", json!(null))),
        ("bound to a key", hostile("cnf", json!({ "jkt": "x" }))),
        ("a stranger's signature", stranger),
        ("no signature", unsigned),
        ("cut", token[..token.len() - 2].to_owned()),
        ("dots", "a.b.c".to_owned()),
        ("very long", format!("{token}{}", "A".repeat(20_000))),
    ] {
        let answer = native(server, &hostile).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text);
        refused(keyfactor(server, &hostile).await, 401);
    }
}

#[track_caller]
fn refused(answer: server::Answer, status: u16) -> Value {
    let body = answer.expect(status).json();
    assert!(body["ErrorCode"].as_str().is_some_and(|code| code.starts_with("0x")), "{body}");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_and_a_provider_that_is_down_stops_nobody_else() {
    let api = Api::start(Launch::new()).await;
    let server = &api.server;
    let (old, new) = (Key::new("old"), Key::new("new"));
    let provider = Provider::start(&[&old]).await;
    provider.is_down(true);
    let id = api.trust(&provider).await;
    api.held_through("readers", &["/certificates/collections/read/"]).await;
    let (by_old, by_new) = (old.sign(&provider.says("7", &["readers"])), new.sign(&provider.says("7", &["readers"])));

    // Not the caller's fault, so 503; the page says what is the matter.
    let answer = native(server, &by_old).await.expect(503);
    assert!(!answer.text.contains("Corporate"), "what a provider is called here is not for everybody: {}", answer.text);
    assert_ne!(answer.header("retry-after"), "");
    assert_eq!(refused(keyfactor(server, &by_old).await, 503)["ErrorCode"], "0xCE150002");
    let told = api.get(&format!("/identity-providers/{id}")).await;
    assert!(told["keys"]["error"].as_str().unwrap().contains("503"), "{told}");

    provider.is_down(false);
    becomes(server, &by_old, 200).await;
    native(server, &by_new).await.expect(401);

    // A key that is new is fetched for the token that names it, once for all that come in the next seconds.
    provider.offers(&[&new]);
    becomes(server, &by_new, 200).await;
    native(server, &by_old).await.expect(401);
    let asked = provider.http.requests().len();
    for number in 0..50 {
        let token = Key::new(&format!("made up {number}")).sign(&provider.says("7", &["readers"]));
        native(server, &token).await.expect(401);
    }
    assert!(provider.http.requests().len() <= asked + 8, "tokens do not decide how often a provider is asked");

    // A new key under the name of an old one is found by the token that it signed.
    let again = Key::new("new");
    provider.offers(&[&again]);
    let by_again = again.sign(&provider.says("7", &["readers"]));
    becomes(server, &by_again, 200).await;
    native(server, &by_new).await.expect(401);

    // What is known holds while it is down.
    provider.is_down(true);
    native(server, &by_again).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_believed_by_its_own_certificate_and_its_own_name_only() {
    let api = Api::start(Launch::new()).await;
    let server = &api.server;
    let key = Key::new("one");
    let provider = Provider::with(&[&key], true).await;
    let id = api.trust(&provider).await;
    api.held_through("readers", &["/certificates/collections/read/"]).await;
    let token = key.sign(&provider.says("7", &["readers"]));
    native(server, &token).await.expect(200);

    // What is left out stays: neither is another authority believed, nor is what was switched off on again.
    let path = format!("/api/v1/identity-providers/{id}");
    let stays = json!({ "audiences": ["certhold", "other"] });
    server.send(Method::PUT, &path, &api.token, &stays).await.expect(204);
    let told = api.get(&format!("/identity-providers/{id}")).await;
    assert_eq!(
        (&told["roots"], &told["role_claims"][1]),
        (&json!(provider.http.root_pem.trim_end()), &json!("/realm_access/roles"))
    );
    native(server, &token).await.expect(200);
    server.send(Method::PUT, &path, &api.token, &json!({ "audiences": ["certhold"], "enabled": false })).await.expect(204);
    server.send(Method::PUT, &path, &api.token, &stays).await.expect(204);
    assert_eq!(api.get(&format!("/identity-providers/{id}")).await["enabled"], false);
    native(server, &token).await.expect(401);
    // Without its authority nobody is believed.
    let body = json!({ "audiences": ["certhold"], "roots": "", "enabled": true });
    server.send(Method::PUT, &path, &api.token, &body).await.expect(204);
    native(server, &token).await.expect(503);

    // A description of another issuer, no keys, and an answer without end.
    for (name, document) in [
        ("other", json!({ "issuer": "https://login.example.org", "jwks_uri": "KEYS" })),
        ("slash", json!({ "issuer": "ISSUER/", "jwks_uri": "KEYS" })),
        ("none", json!({ "issuer": "ISSUER" })),
        ("long", json!({ "issuer": "ISSUER", "jwks_uri": "KEYS", "x": "x".repeat(1_000_000) })),
    ] {
        let keys = json!({ "keys": [key.jwk()] }).to_string();
        let issuer = Arc::new(Mutex::new(String::new()));
        let shared = issuer.clone();
        let http = Scripted::http(move |request: &Request| {
            let issuer = shared.lock().unwrap();
            match request.path.as_str() {
                "/keys" => Answer::new(200, keys.clone()),
                _ => Answer::new(200, document.to_string().replace("ISSUER", &issuer).replace("KEYS", &format!("{issuer}/keys"))),
            }
        })
        .await;
        let address = format!("http://{}", http.address);
        address.clone_into(&mut issuer.lock().unwrap());
        let body = json!({ "name": name, "issuer": address, "audiences": ["certhold"] });
        let id = api.create("/identity-providers", body).await;
        let mut said = provider.says("7", &[]);
        said["iss"] = json!(address);
        native(server, &key.sign(&said)).await.expect(503);
        let told = api.get(&format!("/identity-providers/{id}")).await;
        assert_eq!((&told["keys"]["count"], told["keys"]["error"].is_string()), (&json!(0), true), "{told}");
        assert!(http.requests().iter().all(|request| request.path != "/keys"), "{name}: keys were asked for");
    }
}

/// What a provider answers to both questions, and what is told of it.
async fn told_of(api: &Api, name: &str, answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> String {
    let issuer = Arc::new(Mutex::new(String::new()));
    let shared = issuer.clone();
    let http = Scripted::http(move |request: &Request| answer(&request.path, &shared.lock().unwrap())).await;
    let address = format!("http://{}", http.address);
    address.clone_into(&mut issuer.lock().unwrap());
    let id = api.create("/identity-providers", json!({ "name": name, "issuer": address, "audiences": ["certhold"] })).await;
    let said = json!({ "iss": address, "aud": "certhold", "sub": "7", "exp": seconds() + 300 });
    let refused = native(&api.server, &Key::new("one").sign(&said)).await.expect(503);
    assert!(refused.text.len() < 1_000, "{}", refused.text);
    assert!(!http.requests().is_empty());
    let told = api.get(&format!("/identity-providers/{id}")).await;
    assert_eq!(told["keys"]["count"], 0, "{name}");
    told["keys"]["error"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_says_instead_of_keys_is_told_briefly() {
    let api = Api::start(Launch::new()).await;
    // Four hundred characters, whatever is said, and none that would change how the page reads.
    let wordy = |_: &str, _: &str| {
        Answer::new(200, json!({ "issuer": format!("https://\u{202e}\u{0}\n{}", "ä".repeat(100_000)) }).to_string())
    };
    let told = told_of(&api, "wordy", wordy).await;
    assert_eq!(told.chars().count(), 400, "{told}");
    assert!(told.contains("is about the issuer") && !told.contains(|c: char| c.is_control() || c == '\u{202e}'), "{told}");

    // No body at all, in either answer.
    let told = told_of(&api, "silent", |_, _| Answer::new(200, "")).await;
    assert!(told.contains(".well-known/openid-configuration is not JSON"), "{told}");
    let told = told_of(&api, "without content", |_, _| Answer::new(204, "")).await;
    assert!(told.contains("status 204"), "{told}");
    let told = told_of(&api, "keyless", |path, issuer| match path {
        "/keys" => Answer::new(200, ""),
        _ => Answer::new(200, json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") }).to_string()),
    })
    .await;
    assert!(!told.is_empty() && told.contains("key"), "{told}");
}

/// An answer that promises a body and ends before it.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_provider_without_its_body_brings_no_keys() {
    let api = Api::start(Launch::new()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 400\r\n\r\n").await;
        }
    });
    let id = api.create("/identity-providers", json!({ "name": "Torn", "issuer": issuer, "audiences": ["certhold"] })).await;
    let said = json!({ "iss": issuer, "aud": "certhold", "sub": "7", "exp": seconds() + 300 });
    native(&api.server, &Key::new("one").sign(&said)).await.expect(503);
    let told = api.get(&format!("/identity-providers/{id}")).await;
    let error = told["keys"]["error"].as_str().unwrap();
    assert!(error.starts_with(&issuer) && error.len() < 400, "{error}");
    assert_eq!(told["keys"]["count"], 0);
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_provider_with_tls_do_not_come_without_it() {
    let api = Api::start(Launch::new()).await;
    let key = Key::new("one");
    let keys = json!({ "keys": [key.jwk()] }).to_string();
    let plain = Scripted::http(move |_: &Request| Answer::new(200, keys.clone())).await;
    let issuer = Arc::new(Mutex::new(String::new()));
    let (shared, place) = (issuer.clone(), format!("http://{}/keys", plain.address));
    let described = Scripted::https(move |_: &Request| {
        let document = json!({ "issuer": *shared.lock().unwrap(), "jwks_uri": place });
        Answer::new(200, document.to_string())
    })
    .await;
    let address = format!("https://{}", described.address);
    address.clone_into(&mut issuer.lock().unwrap());
    let body = json!({ "name": "Plain", "issuer": address, "audiences": ["certhold"], "roots": described.root_pem });
    let id = api.create("/identity-providers", body).await;
    let said = json!({ "iss": address, "aud": "certhold", "sub": "7", "exp": seconds() + 300 });
    native(&api.server, &key.sign(&said)).await.expect(503);
    let told = api.get(&format!("/identity-providers/{id}")).await;
    assert!(told["keys"]["error"].as_str().unwrap().contains("jwks_uri"), "{told}");
    assert!(!described.requests().is_empty() && plain.requests().is_empty(), "keys were asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_never_answers_is_asked_once_for_all_and_nobody_else_waits() {
    let api = Arc::new(Api::start(Launch::new()).await);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let server = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            held.push(stream);
        }
    });
    let id = api.create("/identity-providers", json!({ "name": "Silent", "issuer": issuer, "audiences": ["certhold"] })).await;
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (api, said) = (api.clone(), json!({ "iss": issuer, "aud": "certhold", "sub": "7", "exp": seconds() + 300 }));
        waiting.spawn(async move { native(&api.server, &Key::new(&format!("made up {number}")).sign(&said)).await });
    }
    while asked.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    api.get("/certificates").await;
    assert!(waiting.try_join_next().is_none(), "whoever has another token is answered while they wait");
    let mut answered = 0;
    while let Some(answer) = waiting.join_next().await {
        answer.unwrap().expect(503);
        answered += 1;
    }
    assert_eq!((answered, asked.load(Ordering::SeqCst)), (20, 1));
    let told = api.get(&format!("/identity-providers/{id}")).await;
    assert!(told["keys"]["error"].as_str().unwrap().contains("does not answer"), "{told}");
    server.abort();
}
