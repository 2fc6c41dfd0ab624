//! The ArcGIS Enterprise API on a started server over TLS: driven by the vendor's client for JavaScript, and by what its other clients
//! send, byte for byte; and what the listener presents.

mod browser;
mod presenting;
mod replays;

use std::path::{Path, PathBuf};
use std::process::Command;

use certhold_tests::server::{ADMIN_PASSWORD, Launch, Server};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::Value;

/// The directory with the vendor's client; without it the test is left out, unless nothing may be.
fn client() -> Option<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/node/arcgis");
    let node = certhold_tests::process::installed("node");
    if node.is_some() && directory.join("node_modules/@esri/arcgis-rest-request/package.json").is_file() {
        return Some(directory);
    }
    assert!(std::env::var_os("CI").is_none(), "the client is missing: run cargo xtask test");
    println!("left out: @esri/arcgis-rest-request is missing (cargo xtask test installs it)");
    None
}

/// A certificate for the loopback address with its key.
pub struct Made {
    pub pem: String,
    pub key: String,
}

pub fn made(name: &str) -> Made {
    let mut parameters = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    Made { pem: parameters.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

/// A PKCS#12 file, as OpenSSL writes it.
pub fn pfx(directory: &Path, made: &Made, password: &str, legacy: bool) -> PathBuf {
    let [certificate, key, pfx] = ["certificate.pem", "key.pem", "identity.pfx"].map(|name| directory.join(name));
    std::fs::write(&certificate, &made.pem).unwrap();
    std::fs::write(&key, &made.key).unwrap();
    let mut command = Command::new("openssl");
    command.args(["pkcs12", "-export", "-name", "from openssl", "-passout", "env:PFX_PASSWORD"]).env("PFX_PASSWORD", password);
    command.arg("-inkey").arg(&key).arg("-in").arg(&certificate).arg("-out").arg(&pfx);
    if legacy {
        command.args(["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    pfx
}

/// A started server with the administrator's token for a referer.
pub struct ArcGis {
    pub server: Server,
    pub token: String,
}

impl ArcGis {
    pub async fn start(launch: Launch) -> ArcGis {
        let mut arcgis = ArcGis { server: launch.start().await, token: String::new() };
        arcgis.sign_in().await;
        arcgis
    }

    pub async fn sign_in(&mut self) {
        let fields = [("username", "admin"), ("password", ADMIN_PASSWORD), ("client", "referer"), ("referer", "tests")];
        let answer = self.form("/arcgis/sharing/rest/generateToken", &fields).await;
        self.token = answer["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let own = [("f", "json"), ("token", self.token.as_str())];
        let fields = own.iter().chain(fields).filter(|(_, value)| !value.is_empty());
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.server.request(reqwest::Method::POST, path).header("referer", "tests");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        certhold_tests::server::Answer::to(request).await.expect(200).json()
    }

    pub async fn import(&self, name: &str, pfx: &Path, password: &str) -> Value {
        let file = reqwest::multipart::Part::bytes(std::fs::read(pfx).unwrap()).file_name("identity.pfx");
        let form = reqwest::multipart::Form::new()
            .text("f", "json")
            .text("token", self.token.clone())
            .text("certificateName", name.to_owned())
            .text("certificatePassword", password.to_owned())
            .part("certificatePfxFile", file);
        let path = "/arcgis/admin/security/certificates/identity/import";
        let request = self.server.request(reqwest::Method::POST, path).header("referer", "tests").multipart(form);
        certhold_tests::server::Answer::to(request).await.expect(200).json()
    }

    pub async fn assign(&self, name: &str) -> Value {
        let config = serde_json::json!({ "identityCertificateName": name }).to_string();
        self.form("/arcgis/admin/security/ingress/update", &[("ingressSecurityConfig", &config)]).await
    }
}

#[track_caller]
pub fn done(answer: &Value) {
    assert_eq!(*answer, serde_json::json!({ "status": "success" }));
}

#[tokio::test]
async fn the_vendors_client_does_an_administrators_work() {
    let Some(client) = client() else { return };
    let server = Launch::new().start().await;
    let directory = tempfile::tempdir().unwrap();
    let (gateway, trusted) = (made("127.0.0.1"), directory.path().join("root.crt"));
    let password = "p@ss \"w\u{f6}rd\" & more = 100%";
    let pfx = pfx(directory.path(), &gateway, password, true);
    std::fs::write(&trusted, made("a trusted one").pem).unwrap();
    // It trusts the local root, and the certificate that it will assign itself.
    let trust = directory.path().join("trust.pem");
    let roots = std::fs::read_to_string(server.data().join("tls/root.pem")).unwrap() + &gateway.pem;
    std::fs::write(&trust, roots).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/arcgis/client.mjs");
    let mut command = Command::new("node");
    command.arg(script).env("CLIENT", client).env("PORTAL", server.url("/arcgis")).env("PASSWORD", ADMIN_PASSWORD);
    command.env("PFX", pfx).env("PFX_PASSWORD", password).env("TRUST", trusted).env("NODE_EXTRA_CA_CERTS", trust);
    command.env("NO_PROXY", "127.0.0.1").env_remove("HTTPS_PROXY").env_remove("https_proxy");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let (told, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && told.ends_with("done\n"), "{told}\n{wrong}");
}
