//! The Keyfactor API on a started server: driven by the vendor's Python client, and by what its other clients send, byte for byte.

mod decisions;
mod replays;

use std::path::{Path, PathBuf};
use std::process::Command;

use certhold_tests::server::{ADMIN_PASSWORD, Launch};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::json;

use crate::api::Api;

/// The Python that has the vendor's client; without it the test is left out, unless nothing may be.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/keyfactor/bin/python");
    if python.is_file() {
        return Some(python);
    }
    assert!(std::env::var_os("CI").is_none(), "keyfactor-v-1-client is missing: run cargo xtask test");
    println!("left out: keyfactor-v-1-client is missing (cargo xtask test installs it)");
    None
}

/// A certificate for a name with its key, as PEM.
fn certificate(name: &str) -> String {
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    parameters.self_signed(&key).unwrap().pem() + &key.serialize_pem()
}

#[tokio::test]
async fn the_python_client_and_the_owner_script_work_unchanged() {
    let Some(python) = python() else { return };
    let stores = tempfile::tempdir().unwrap();
    let api =
        Api::start(Launch::new().plain_http().environment("CERTHOLD_STORE_ROOTS", stores.path().display().to_string())).await;
    api.create("/authorities", json!({ "name": "Root", "subject": "CN=Root, O=Example" })).await;
    let service = api.create("/principals", json!({ "kind": "service", "name": "scripts" })).await;
    let role = json!({ "name": "Scripts", "permissions": ["/certificates/", "/security/read/"] });
    let role = api.create("/roles", role).await;
    api.create("/roles", json!({ "name": "Web Operations", "permissions": [] })).await;
    let holder = format!("/api/v1/roles/{role}/holders/{service}");
    let token = &api.token;
    api.server.send(reqwest::Method::PUT, &holder, token, &json!(null)).await.expect(204);
    let client = json!({ "name": "owner updates", "scopes": ["/"] });
    let client = api.post(&format!("/principals/{service}/api-clients"), client).await.expect(201).json();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/keyfactor/sdk.py");
    let mut command = Command::new(python);
    command.arg(script).env("BASE", api.server.url("/KeyfactorAPI")).env("TOKEN_URL", api.server.url("/oauth2/token"));
    command.env("CLIENT_ID", client["client_id"].as_str().unwrap());
    command.env("CLIENT_SECRET", client["client_secret"].as_str().unwrap());
    command.env("NAME", "admin").env("PASSWORD", ADMIN_PASSWORD).env("ROLE", "Web Operations");
    command.env("PEM", certificate("sdk.example.com")).env("NO_PROXY", "127.0.0.1");
    command.env("STORES", stores.path());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let (told, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && told.ends_with("done\n"), "{told}\n{wrong}");
}
