//! The native API as stories use it: signed in as the first administrator.

use certhold_tests::lab::Lab;
use certhold_tests::pebble::Pebble;
use certhold_tests::server::{ADMIN_PASSWORD, Answer, Launch, Server};
use serde_json::{Value, json};

/// A server and the administrator's session, which survives restarts.
pub struct Api {
    pub server: Server,
    pub token: String,
}

impl Api {
    /// Starts a server and signs in.
    pub async fn start(launch: Launch) -> Api {
        let server = launch.start().await;
        let session = server.post("/api/v1/sessions", "", &json!({ "name": "admin", "password": ADMIN_PASSWORD })).await;
        let token = session.expect(201).json()["token"].as_str().unwrap().to_owned();
        Api { server, token }
    }

    pub async fn get(&self, path: &str) -> Value {
        self.server.get(&format!("/api/v1{path}"), &self.token).await.expect(200).json()
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.server.post(&format!("/api/v1{path}"), &self.token, &body).await
    }

    /// Creates something and returns its id.
    pub async fn create(&self, path: &str, body: Value) -> i64 {
        self.post(path, body).await.expect(201).json()["id"].as_i64().unwrap()
    }

    pub async fn issuer(&self, name: &str, pebble: &Pebble) -> i64 {
        let body = json!({
            "name": name, "directory": pebble.directory, "contacts": ["pki@example.org"], "trust_root": pebble.root_pem,
        });
        self.create("/issuers", body).await
    }

    pub async fn powerdns(&self, lab: &Lab) -> i64 {
        let settings = json!({ "url": lab.powerdns.api, "api_key": lab.powerdns.api_key });
        self.create("/dns-providers", json!({ "name": "PowerDNS", "kind": "powerdns", "settings": settings })).await
    }

    pub async fn bind(&self, lab: &Lab) -> i64 {
        let settings = json!({
            "server": lab.bind.dns.to_string(), "key_name": lab.bind.key_name, "key_algorithm": "hmac-sha256",
            "key_secret": lab.bind.secret,
        });
        self.create("/dns-providers", json!({ "name": "BIND", "kind": "rfc2136", "settings": settings })).await
    }
}

/// A launch whose server finds the laboratory's name servers.
pub fn in_lab(lab: &Lab) -> Launch {
    Launch::new()
        .environment("CERTHOLD_DNS_RESOLVERS", lab.resolver.dns.to_string())
        .environment("CERTHOLD_DNS_AUTHORITATIVE_PORT", lab.authoritative_port.to_string())
}
