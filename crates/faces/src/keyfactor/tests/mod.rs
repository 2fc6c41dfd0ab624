//! The API as its clients use it, without a socket.

mod bad_input;
mod certificates;
mod changing;
mod enrollment;
mod fields;
mod files;
mod house;
mod imports;
mod many;
mod metadata;
mod owner;
mod patterns;
mod protocol;
mod roles;
mod security;

use axum::body::Body;
use axum::http::{Method, Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::testing::{Reply, TestApp};

/// Calls of this API on a server under test.
pub struct Keyfactor {
    pub test: TestApp,
}

impl Keyfactor {
    pub async fn new() -> Keyfactor {
        Keyfactor { test: TestApp::new().await }
    }

    /// A request with all headers of an ordinary client.
    pub async fn with(&self, method: &str, path: &str, authorization: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        if !authorization.is_empty() {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let has = |name: &str| headers.iter().any(|(known, _)| *known == name);
        if !has("x-keyfactor-requested-with") {
            request = request.header("x-keyfactor-requested-with", "APIClient");
        }
        request = request.header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        self.test.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// As somebody with a token.
    pub async fn as_somebody(&self, token: &str, method: &str, path: &str, body: Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.with(method, &format!("/KeyfactorAPI{path}"), &format!("Bearer {token}"), &[], &body).await
    }

    /// As the administrator.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        self.as_somebody(&self.test.admin, method, path, body).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, Value::Null).await
    }

    /// As the administrator, in the second version.
    pub async fn second(&self, method: &str, path: &str, body: Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("x-keyfactor-api-version", "2.0")];
        self.with(method, &format!("/KeyfactorAPI{path}"), &format!("Bearer {}", self.test.admin), &headers, &body).await
    }

    /// A certificate with a key that is made and kept here, for this subject; its id.
    pub async fn enrolled(&self, subject: &str) -> i64 {
        let reply = self.pfx("STORE", json!({ "Subject": subject })).await.expect(200);
        reply["CertificateInformation"]["KeyfactorId"].as_i64().unwrap()
    }

    /// As the administrator: a certificate with a key that is made here, in this format.
    pub async fn pfx(&self, format: &str, body: Value) -> Reply {
        let token = self.test.admin.clone();
        self.formatted(&token, "/Enrollment/PFX", format, body).await
    }

    /// As somebody with a token, with the header that chooses a format.
    pub async fn formatted(&self, token: &str, path: &str, format: &str, body: Value) -> Reply {
        let headers = [("x-certificateformat", format)];
        self.with("POST", &format!("/KeyfactorAPI{path}"), &format!("Bearer {token}"), &headers, &body.to_string()).await
    }

    /// A role, by the second version; its id.
    pub async fn role(&self, name: &str, permissions: &[&str]) -> i64 {
        let role = json!({ "Name": name, "Description": "made by a test", "Permissions": permissions });
        self.second("POST", "/Security/Roles", role).await.expect(200)["Id"].as_i64().unwrap()
    }

    /// A collection; its id.
    pub async fn collection(&self, name: &str, query: &str) -> i64 {
        let collection = json!({ "Name": name, "Query": query });
        self.call("POST", "/CertificateCollections", collection).await.expect(200)["Id"].as_i64().unwrap()
    }
}

/// Basic credentials.
pub fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// Asserts that this is a refusal of this API with this status.
#[track_caller]
pub fn refused(reply: Reply, status: u16) -> Value {
    assert_eq!(reply.headers[header::CONTENT_TYPE], "application/json; charset=utf-8");
    let body = reply.expect(status);
    assert!(body["ErrorCode"].as_str().is_some_and(|code| code.starts_with("0x")), "{body}");
    assert!(body["Message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
    body
}
