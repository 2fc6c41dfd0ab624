//! What the other published clients send, byte for byte, over a bare connection.

use certhold_tests::server::{ADMIN_PASSWORD, Launch, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::form_urlencoded::byte_serialize;

use super::{made, pfx};

struct Raw {
    head: String,
    body: String,
}

impl Raw {
    #[track_caller]
    fn json(&self) -> Value {
        assert!(self.head.starts_with("HTTP/1.1 200 OK\r\n"), "{}\n{}", self.head, self.body);
        assert!(self.head.to_lowercase().contains("content-length: "), "errors in chunks lose their words: {}", self.head);
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

async fn send(server: &Server, line: &str, headers: &str, body: &[u8]) -> Raw {
    let address = server.url("").replace("http://", "");
    let mut connection = TcpStream::connect(&address).await.unwrap();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let head = format!("{line} HTTP/1.1\r\nHost: {address}\r\n{headers}{length}Connection: close\r\n\r\n");
    connection.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Raw { head: format!("{head}\r\n"), body: body.to_owned() }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

const AGENT: &str = "User-Agent: Geosaurus/2.4.4\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nReferer: http\r\n";

/// A server to which the vendor's client for Python has signed in with a token of its own.
struct Python {
    server: Server,
    bearer: String,
}

impl Python {
    async fn start() -> Python {
        let server = Launch::new().plain_http().start().await;
        let body =
            format!("username=admin&password={}&referer=http&client=referer&expiration=60&f=json", encoded(ADMIN_PASSWORD));
        let headers = format!("{AGENT}{FORM}");
        let token = send(&server, "POST /arcgis/sharing/rest/generateToken", &headers, body.as_bytes()).await.json();
        assert!(token["expires"].is_i64() && token["ssl"] == true);
        let bearer = format!("{AGENT}X-Esri-Authorization: Bearer {}\r\n", token["token"].as_str().unwrap());
        Python { server, bearer }
    }

    async fn get(&self, path: &str) -> Value {
        send(&self.server, &format!("GET /arcgis{path}"), &self.bearer, b"").await.json()
    }

    async fn post(&self, path: &str, body: &str) -> Value {
        let headers = format!("{}{FORM}", self.bearer);
        send(&self.server, &format!("POST /arcgis{path}"), &headers, body.as_bytes()).await.json()
    }

    /// Text parts first, without a type; the file last, with its own.
    async fn upload(&self, path: &str, parts: &[(&str, &str)], (name, file, kind): (&str, &str, &str), content: &[u8]) -> Value {
        let boundary = "3d8c1f0ab24e4c6f9a2b7f5d1e0c9b8a";
        let head = |name: &str| format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        let part = |(part, value): &(&str, &str)| format!("{}\r\n\r\n{value}\r\n", head(part)).into_bytes();
        let mut body: Vec<u8> = parts.iter().flat_map(part).collect();
        let head = format!("{}; filename=\"{file}\"\r\nContent-Type: {kind}\r\n\r\n", head(name));
        body.extend([head.as_bytes(), content, format!("\r\n--{boundary}--\r\n").as_bytes()].concat());
        let headers = format!("{}Content-Type: multipart/form-data; boundary={boundary}\r\n", self.bearer);
        send(&self.server, &format!("POST /arcgis{path}"), &headers, &body).await.json()
    }
}

#[tokio::test]
async fn the_python_client_finds_its_way_in() {
    let python = Python::start().await;
    let (server, anonymous) = (&python.server, "User-Agent: python-requests/2.32.3\r\nAccept: */*\r\n");
    for path in ["/info", "/rest/info", "/rest/services"] {
        for query in ["?f=json", ""] {
            let probe = send(server, &format!("GET /arcgis{path}{query}"), anonymous, b"").await;
            let head = probe.head.to_lowercase();
            assert!(head.starts_with("http/1.1 404") && !head.contains("www-authenticate"), "{head}");
        }
    }
    let info = send(server, "GET /arcgis/sharing/rest/info?f=json", anonymous, b"").await.json();
    assert_eq!(info["authInfo"]["isTokenBasedSecurity"], true);
    assert!(info["owningSystemUrl"].as_str().unwrap().ends_with("/arcgis"));
    assert!(send(server, "GET /arcgis/sharing/rest/info", anonymous, b"").await.head.starts_with("HTTP/1.1 200"));
    let portal = python.get("/sharing/rest/portals/self?f=json").await;
    assert_eq!(portal, python.post("/sharing/rest/portals/self", "f=json").await);
    assert_eq!(portal["portalDeploymentType"], "ArcGISEnterpriseOnKubernetes");
    for member in ["portalName", "id", "user"] {
        assert!(!portal[member].is_null(), "{member}");
    }
    for path in ["/community/users/admin?f=json", "/community/self?f=json&returnUserLicensedItems=true"] {
        let user = python.get(&format!("/sharing/rest{path}")).await;
        assert!(user["privileges"].as_array().unwrap().iter().any(|one| one.as_str().unwrap().contains(":admin:")));
    }
    assert_eq!(python.get("/admin?f=json").await["fullVersion"], "11.4.0");
    // It tries once more without a token when it hears of an invalid one: that does no harm.
    let delete = "POST /arcgis/admin/security/certificates/identity/x/delete";
    let retried = send(server, delete, &format!("{AGENT}{FORM}"), b"f=json").await;
    assert_eq!(retried.json()["error"]["code"], 499);
}

#[tokio::test]
async fn the_python_client_looks_after_certificates() {
    let python = Python::start().await;
    let certificates = "/admin/security/certificates";
    assert!(python.get(&format!("{certificates}?f=json")).await.is_object());
    assert_eq!(python.get(&format!("{certificates}/identity?f=json")).await, json!({ "certificates": [] }));
    let directory = tempfile::tempdir().unwrap();
    let password = "!@#$%^ \u{fc}";
    let file = std::fs::read(pfx(directory.path(), &made("python"), password, true)).unwrap();
    let (import, kind) = (format!("{certificates}/identity/import"), ("certificatePfxFile", "gateway.pfx", "application/pkcs12"));
    let parts = [("f", "json"), ("certificateName", "gateway"), ("certificatePassword", password)];
    assert_eq!(python.upload(&import, &parts, kind, &file).await, json!({ "status": "success" }));
    let again = python.upload(&import, &parts, kind, &file).await;
    assert_eq!(again["error"]["code"], 400);
    assert!(again["error"]["details"][0].is_string());
    let (import, kind) =
        (format!("{certificates}/trust/import"), ("trustCertificateFile", "root.crt", "application/x-x509-ca-cert"));
    let parts = [("f", "json"), ("certificateName", "root")];
    let trusted = python.upload(&import, &parts, kind, made("a trusted one").pem.as_bytes()).await;
    assert_eq!(trusted, json!({ "status": "success" }));

    let identity = python.get(&format!("{certificates}/identity?f=json")).await["certificates"][0].clone();
    let id = identity["id"].as_str().unwrap();
    assert_eq!(python.get(&format!("{certificates}/identity{id}?f=json")).await, identity, "without the slash");
    let trusted = python.get(&format!("{certificates}/trust?f=json")).await["certificates"][0].clone();
    let trusted = trusted["id"].as_str().unwrap();
    assert_eq!(python.get(&format!("{certificates}/trust/{trusted}?f=json")).await["name"], "root");
    let ingress = python.get("/admin/security/ingress?f=json").await;
    let mut changed = ingress.clone();
    changed["identityCertificateName"] = json!("gateway");
    // Under the name of the other configuration's parameter.
    let update = async |config: &Value| {
        let body = format!("f=json&samlSecurityConfig={}", encoded(&config.to_string()));
        python.post("/admin/security/ingress/update", &body).await["status"] == "success"
    };
    assert!(update(&changed).await);
    assert_eq!(python.get("/admin/security/ingress?f=json").await, changed);
    assert_eq!(python.get("/admin/security/saml?f=json").await["identityCertificateName"], "samlcert");
    assert_eq!(python.post(&format!("{certificates}/identity/{id}/delete"), "f=json").await["error"]["code"], 400);
    assert!(update(&ingress).await);
    for (kind, id) in [("identity", id), ("trust", trusted)] {
        let deleted = python.post(&format!("{certificates}/{kind}/{id}/delete"), "f=json").await;
        assert_eq!(deleted, json!({ "status": "success" }));
    }
}

/// The vendor's client for the administrator API, of its automation in the open: a token before each call, no referer afterwards.
#[tokio::test]
async fn the_automations_client_needs_no_referer() {
    let server = Launch::new().plain_http().start().await;
    let agent = "Accept-Encoding: identity\r\nUser-Agent: Python-urllib/3.11\r\n";
    let body = format!("username=admin&password={}&client=referer&referer=referer&expiration=60&f=json", encoded(ADMIN_PASSWORD));
    let token = send(&server, "POST /arcgis/sharing/rest/generateToken", &format!("{agent}{FORM}"), body.as_bytes()).await.json();
    let bearer = format!("{agent}Authorization: Bearer {}\r\n", token["token"].as_str().unwrap());
    let info = send(&server, "GET /arcgis/admin?f=json", &bearer, b"").await.json();
    assert_eq!((&info["currentVersion"], &info["resources"]), (&json!(11.4), &json!(["security"])));
    let list =
        send(&server, "POST /arcgis/admin/security/certificates/identity", &format!("{bearer}{FORM}"), b"f=json").await.json();
    assert_eq!(list, json!({ "certificates": [] }));
    let wrong = body.replace("username=admin", "username=Admin");
    let wrong =
        send(&server, "POST /arcgis/sharing/rest/generateToken", &format!("{agent}{FORM}"), wrong.as_bytes()).await.json();
    let error = &wrong["error"];
    assert_eq!(
        (&error["code"], &error["message"], &error["details"]),
        (&json!(400), &json!("Unable to generate token."), &json!(["Invalid username or password."]))
    );
}

/// Scripts of configuration management read resources by POST, with the token in the body, and send a form they need not send.
#[tokio::test]
async fn scripts_read_by_post() {
    let server = Launch::new().plain_http().argument("--arcgis-context=portal").start().await;
    let body = format!("username=admin&password={}&client=referer&referer=referer&f=json", encoded(ADMIN_PASSWORD));
    let token = send(&server, "POST /portal/sharing/rest/generateToken/", FORM, body.as_bytes()).await.json();
    let token = token["token"].as_str().unwrap();
    let headers = format!("{FORM}Referer: referer\r\n");
    let body = format!("f=json&token={token}&csrfPreventToken={token}");
    for path in ["/admin/security/certificates/identity", "/admin/security/ingress/", "/admin/security/saml", "/admin"] {
        let found = send(&server, &format!("POST /portal{path}"), &headers, body.as_bytes()).await.json();
        assert!(found.get("error").is_none(), "{path}: {found}");
    }
    assert!(send(&server, "GET /arcgis/admin?f=json", "", b"").await.head.starts_with("HTTP/1.1 404"), "another context");
}
