//! Every kind of secret is used once; afterwards none of them is found in the database, the logs or an answer.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use certhold_tests::bind::Zone;
use certhold_tests::lab::Lab;
use certhold_tests::pebble::{Options, Pebble};
use certhold_tests::server::ADMIN_PASSWORD;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::api::{Api, in_lab};

const PERSON: &str = "Quagga-1883-password";
const CHANGED: &str = "Thylacine-1936-password";
const GUESSED: &str = "Dodo-1662-guessed-wrongly";
const EAB_KEY: &str = "Z3JlYXQtYXVrLTE4NDQtZXh0ZXJuYWwtYWNjb3VudC1rZXk";
const PFX: &str = "Moa-1445-pfx-password";

/// A secret and what to call it when it is found.
struct Secret {
    name: &'static str,
    bytes: Vec<u8>,
}

fn secret(name: &'static str, text: &str) -> Secret {
    Secret { name, bytes: text.as_bytes().to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_found_where_it_does_not_belong() {
    let lab = Lab::start(&["example.org"], &[Zone { name: "example.net", records: "" }]).await;
    let external_accounts = vec![("kid-1".to_owned(), EAB_KEY.to_owned())];
    let pebble = Pebble::start(&Options { external_accounts, ..Options::new(lab.resolver.dns) }).await;
    let mut api = Api::start(in_lab(&lab).environment("CERTHOLD_LOG", "trace")).await;
    let files = tempfile::tempdir().unwrap();
    let mut secrets = vec![
        secret("administrator's password", ADMIN_PASSWORD),
        secret("person's password", PERSON),
        secret("changed password", CHANGED),
        secret("wrongly guessed password", GUESSED),
        secret("external account key", EAB_KEY),
        secret("PKCS#12 password", PFX),
        secret("API key of PowerDNS", &lab.powerdns.api_key),
        secret("TSIG secret", &lab.bind.secret),
        secret("session token", &api.token),
    ];
    let mut answers = use_people(&api, &mut secrets).await;
    answers.extend(obtain(&api, &lab, &pebble, files.path(), &mut secrets).await);
    answers.extend(import(&api, files.path(), &mut secrets).await);
    answers.extend(everything(&api).await);
    assert!(api.server.stop().await.success());

    let data = api.server.data().to_owned();
    let master = std::fs::read_to_string(data.join("master.key")).unwrap();
    secrets.push(secret("master key", master.trim()));
    for secret in &secrets {
        assert!(secret.bytes.len() >= 12, "{} is too short to be looked for", secret.name);
        let forms = forms(&secret.bytes);
        find(secret.name, &forms, "the log", api.server.log().as_bytes());
        for (place, text) in &answers {
            find(secret.name, &forms, place, text.as_bytes());
        }
        for path in files_of(&data) {
            find(secret.name, &forms, &path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

/// People, passwords, sessions, tokens.
async fn use_people(api: &Api, secrets: &mut Vec<Secret>) -> Vec<(String, String)> {
    let person = api.create("/principals", json!({ "kind": "person", "name": "ada", "password": PERSON })).await;
    let wrong = api.server.post("/api/v1/sessions", "", &json!({ "name": "ada", "password": GUESSED })).await;
    let session = api.server.post("/api/v1/sessions", "", &json!({ "name": "ada", "password": PERSON })).await.expect(201).json();
    let session = session["token"].as_str().unwrap();
    secrets.push(secret("person's session", session));
    let change = json!({ "current_password": PERSON, "password": CHANGED });
    let changed = api.server.send(Method::PUT, "/api/v1/me/password", session, &change).await;
    assert!(changed.status.is_success(), "{}", changed.text);
    let service = api.create("/principals", json!({ "kind": "service", "name": "robot" })).await;
    let token =
        api.post(&format!("/principals/{service}/tokens"), json!({ "name": "ci", "scopes": ["/"] })).await.expect(201).json();
    let token = token["token"].as_str().unwrap();
    secrets.push(secret("API token", token));
    let used = api.server.get("/api/v1/me", token).await.expect(200);
    let in_url = api.server.get(&format!("/api/v1/certificates?access_token={token}"), "").await;
    vec![
        (format!("the answer to a wrong password of {person}"), wrong.text),
        ("the answer to a change of password".into(), changed.text),
        ("the answer to a token's use".into(), used.text),
        ("the answer to a token in a URL".into(), in_url.text),
    ]
}

/// DNS credentials, an external account, a generated key, a deployment.
async fn obtain(api: &Api, lab: &Lab, pebble: &Pebble, files: &Path, secrets: &mut Vec<Secret>) -> Vec<(String, String)> {
    let body = json!({
        "name": "Pebble", "directory": pebble.directory, "contacts": [], "trust_root": pebble.root_pem, "eab_key_id": "kid-1",
        "eab_key": EAB_KEY,
    });
    let issuer = api.create("/issuers", body).await;
    let (powerdns, bind) = (api.powerdns(lab).await, api.bind(lab).await);
    let mut answers = Vec::new();
    for (name, provider) in [("www.example.org", powerdns), ("www.example.net", bind)] {
        let body = json!({ "names": [name], "issuer": issuer, "dns_provider": provider });
        let id = api.create("/managed-certificates", body).await;
        let key = files.join(format!("{name}.key"));
        let settings = json!({ "private_key": key.display().to_string(), "command": ["/usr/bin/env"] });
        api.create(&format!("/managed-certificates/{id}/deployments"), json!({ "name": "key", "settings": settings })).await;
        let started = Instant::now();
        while !key.exists() {
            let managed = api.get(&format!("/managed-certificates/{id}")).await;
            assert!(started.elapsed() < Duration::from_secs(60), "{managed:#}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        push_key(secrets, "generated key", &std::fs::read(&key).unwrap());
        for part in ["", "/deployments", "/log", "/orders", "/versions"] {
            let path = format!("/managed-certificates/{id}{part}");
            answers.push((path.clone(), api.get(&path).await.to_string()));
        }
    }
    answers
}

/// A PKCS#12 file with its password.
async fn import(api: &Api, files: &Path, secrets: &mut Vec<Secret>) -> Vec<(String, String)> {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["pfx.example.com".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(files.join("in.pem"), key.serialize_pem() + &certificate.pem()).unwrap();
    let pfx = files.join("in.pfx");
    let arguments = ["pkcs12", "-export", "-in", "in.pem", "-passout", "stdin", "-out", "in.pfx"];
    let mut openssl =
        Command::new("openssl").args(arguments).current_dir(files).stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(openssl.stdin.as_mut().unwrap(), format!("{PFX}\n").as_bytes()).unwrap();
    assert!(openssl.wait().unwrap().success());
    push_key(secrets, "imported key", key.serialize_pem().as_bytes());

    let mut answers = Vec::new();
    for (password, status) in [(GUESSED, 200), (PFX, 200)] {
        let part = Part::bytes(std::fs::read(&pfx).unwrap()).file_name("in.pfx");
        let form = Form::new().text("password", password).part("file", part);
        let request = api.server.request(Method::POST, "/api/v1/certificates").bearer_auth(&api.token).multipart(form);
        let answer = certhold_tests::server::Answer::to(request).await;
        assert!(answer.status.as_u16() == status || answer.status.is_client_error(), "{}", answer.text);
        answers.push((format!("the answer to an import ({})", answer.status), answer.text));
    }
    let held = api.get("/certificates?q=pfx.example.com").await;
    assert_eq!(held["items"][0]["has_private_key"], true, "{held:#}");
    answers
}

/// Whatever can be read.
async fn everything(api: &Api) -> Vec<(String, String)> {
    let mut answers = Vec::new();
    for path in ["/healthz", "/readyz", "/metrics", "/login", "/", "/api/v1/openapi.json", "/api/v1/nothing"] {
        answers.push((path.to_owned(), api.server.get(path, &api.token).await.text));
    }
    let document: Value = api.server.get("/api/v1/openapi.json", "").await.json();
    for (path, operations) in document["paths"].as_object().unwrap() {
        if operations.get("get").is_none() {
            continue;
        }
        for id in 1..=3 {
            let place = path.replace("{id}", &id.to_string());
            let place = if place.starts_with("/api/v1") { place } else { format!("/api/v1{place}") };
            let answer = api.server.get(&format!("{place}?limit=1000"), &api.token).await;
            let answer = if answer.status == 400 { api.server.get(&place, &api.token).await } else { answer };
            assert!(!answer.status.is_server_error(), "{place}: {}", answer.text);
            answers.push((place, answer.text));
        }
    }
    answers
}

/// The number at the heart of a key, as it would lie in any encoding of it.
fn push_key(secrets: &mut Vec<Secret>, name: &'static str, pem: &[u8]) {
    let key = certhold_pki::read(pem, None).unwrap().keys.remove(0).key;
    let pkcs8 = key.pkcs8_der();
    // RFC 5915: the private key is an OCTET STRING of 32 octets behind the version.
    let at = pkcs8.windows(5).position(|window| window == [0x02, 0x01, 0x01, 0x04, 0x20]).unwrap() + 5;
    secrets.push(Secret { name, bytes: pkcs8[at..at + 32].to_vec() });
}

/// The ways in which bytes may be written down.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex = certhold_domain::hex(bytes);
    let mut forms = vec![bytes.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    // The middle of a base64 text depends on where the bytes began: three places are possible.
    for offset in 0..3 {
        let shifted = [&[0; 2][..offset], bytes].concat();
        let whole = shifted.len() / 3 * 3;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&shifted[..whole]);
            forms.push(text.as_bytes()[4..].to_vec());
        }
    }
    forms
}

fn find(name: &str, forms: &[Vec<u8>], place: &str, content: &[u8]) {
    for form in forms {
        let found = content.windows(form.len()).any(|window| window[0] == form[0] && window == form.as_slice());
        assert!(!found, "the {name} is found in {place}");
    }
}

/// All files of the data directory but those whose purpose is to hold a secret, which nobody else may read.
fn files_of(directory: &Path) -> Vec<std::path::PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;

    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let mode = path.metadata().unwrap().permissions().mode();
        if path.is_dir() {
            found.extend(files_of(&path));
        } else if path.file_name().is_some_and(|name| name == "master.key") {
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        } else {
            found.push(path);
        }
    }
    found
}
