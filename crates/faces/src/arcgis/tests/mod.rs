//! The API as its clients use it, without a socket.

mod bodies;
mod certificates;
mod coverage;
mod pages;
mod parameters;
mod presenting;
mod tokens;

use axum::body::Body;
use axum::http::Request;
use certhold_pki::{Entry, OutputFormat, PrivateKey};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use serde_json::Value;
use url::form_urlencoded;

use crate::testing::{PASSWORD, Reply, START, TestApp};

pub const CERTIFICATES: &str = "/arcgis/admin/security/certificates";
const BOUNDARY: &str = "7d1f0c9e4a";

/// A part of a multipart form: name, file name (none if it is empty), content.
pub type Part<'a> = (&'a str, &'a str, &'a [u8]);

/// Calls of this API on a server under test, with the administrator's token for a referer.
pub struct ArcGis {
    pub test: TestApp,
    pub token: String,
}

impl ArcGis {
    pub async fn new() -> ArcGis {
        ArcGis::on(TestApp::new().await).await
    }

    pub async fn on(test: TestApp) -> ArcGis {
        let mut arcgis = ArcGis { test, token: String::new() };
        arcgis.token = arcgis.sign_in("admin", PASSWORD).await;
        arcgis
    }

    pub async fn sign_in(&self, name: &str, password: &str) -> String {
        let form = [("username", name), ("password", password), ("client", "referer"), ("referer", "tests"), ("f", "json")];
        let answer = self.form("/arcgis/sharing/rest/generateToken", &[], &form).await.expect(200);
        answer["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
        let mut request = Request::builder().method(method).uri(path).header("host", "maps.example.test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.test.send(request.body(Body::from(body)).unwrap()).await
    }

    pub async fn form(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Reply {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [&[("content-type", "application/x-www-form-urlencoded")], headers].concat();
        self.send("POST", path, &headers, body.into_bytes()).await
    }

    /// With a token in a header.
    pub async fn get_as(&self, token: &str, path: &str) -> Value {
        let bearer = format!("Bearer {token}");
        let join = if path.contains('?') { "&" } else { "?" };
        let path = format!("{path}{join}f=json");
        self.send("GET", &path, &[("x-esri-authorization", &bearer), ("referer", "tests")], Vec::new()).await.expect(200)
    }

    pub async fn get(&self, path: &str) -> Value {
        self.get_as(&self.token, path).await
    }

    /// A form with the token in it.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let fields = [&[("f", "json"), ("token", self.token.as_str())], fields].concat();
        self.form(path, &[("referer", "tests")], &fields).await.expect(200)
    }

    pub async fn multipart(&self, path: &str, parts: &[Part<'_>]) -> Value {
        let own: [Part<'_>; 2] = [("f", "", b"json"), ("token", "", self.token.as_bytes())];
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let body = multipart(&[parts, &own].concat());
        self.send("POST", path, &[("content-type", &kind), ("referer", "tests")], body).await.expect(200)
    }

    pub async fn import_pfx(&self, name: &str, password: &str, pfx: &[u8]) -> Value {
        let parts: [Part<'_>; 3] = [
            ("certificateName", "", name.as_bytes()),
            ("certificatePassword", "", password.as_bytes()),
            ("certificatePfxFile", "a.pfx", pfx),
        ];
        self.multipart(&format!("{CERTIFICATES}/identity/import"), &parts).await
    }

    pub async fn import_trust(&self, name: &str, file: &[u8]) -> Value {
        let parts: [Part<'_>; 2] = [("certificateName", "", name.as_bytes()), ("trustCertificateFile", "a.crt", file)];
        self.multipart(&format!("{CERTIFICATES}/trust/import"), &parts).await
    }

    pub async fn list(&self, kind: &str) -> Vec<Value> {
        let list = self.get(&format!("{CERTIFICATES}/{kind}")).await;
        list["certificates"].as_array().unwrap_or_else(|| panic!("{list}")).clone()
    }

    /// The identifier of an entry.
    pub async fn id(&self, kind: &str, name: &str) -> String {
        let list = self.list(kind).await;
        let found = list.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} in {list:?}"));
        found["id"].as_str().unwrap().to_owned()
    }

    pub async fn assign(&self, config: Value) -> Value {
        self.post("/arcgis/admin/security/ingress/update", &[("ingressSecurityConfig", &config.to_string())]).await
    }
}

pub fn multipart(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file =
            if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"\r\nContent-Type: application/pkcs12") };
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

#[track_caller]
pub fn done(answer: &Value) {
    assert_eq!(*answer, serde_json::json!({ "status": "success" }));
}

/// The one line of details of a refusal with this code.
#[track_caller]
pub fn refused(answer: &Value, code: u16) -> String {
    let error = &answer["error"];
    assert_eq!(error["code"], code, "{answer}");
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer}");
    let details = error["details"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(details.len(), 1, "{answer}");
    details[0].as_str().unwrap().to_owned()
}

/// A certificate and its key.
pub struct Made {
    pub der: Vec<u8>,
    pub key: Vec<u8>,
}

fn named(name: &str) -> DistinguishedName {
    let mut found = DistinguishedName::new();
    found.push(DnType::CommonName, name);
    found
}

pub fn at(ms: i64) -> std::time::SystemTime {
    std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms as u64)
}

const DAY: i64 = 86_400_000;

/// What a certificate is to be like.
pub fn parameters(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    parameters.distinguished_name = named(name);
    parameters.not_before = at(START - DAY).into();
    parameters.not_after = at(START + 90 * DAY).into();
    parameters
}

pub fn self_signed(parameters: &CertificateParams) -> Made {
    let key = KeyPair::generate().unwrap();
    let der = parameters.self_signed(&key).unwrap().der().to_vec();
    Made { der, key: key.serialize_der() }
}

pub fn server(name: &str) -> Made {
    self_signed(&parameters(name))
}

/// A root, an intermediate and a server's certificate below both.
pub fn chain(name: &str) -> (Vec<u8>, Vec<u8>, Made) {
    let authority = |name: &str| {
        let mut wanted = CertificateParams::default();
        wanted.distinguished_name = named(name);
        wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        wanted.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (wanted.not_before, wanted.not_after) = (at(START - DAY).into(), at(START + 900 * DAY).into());
        wanted
    };
    let root = CertifiedIssuer::self_signed(authority("Tests Root"), KeyPair::generate().unwrap()).unwrap();
    let middle = CertifiedIssuer::signed_by(authority("Tests Intermediate"), KeyPair::generate().unwrap(), &root).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut wanted = parameters(name);
    wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let leaf = wanted.signed_by(&key, &middle).unwrap();
    (root.der().to_vec(), middle.der().to_vec(), Made { der: leaf.der().to_vec(), key: key.serialize_der() })
}

impl Made {
    /// In a PKCS#12 file, with further certificates.
    pub fn pfx(&self, password: &str, others: &[&[u8]]) -> Vec<u8> {
        pfx(&[(self, others)], password)
    }
}

pub fn pfx(entries: &[(&Made, &[&[u8]])], password: &str) -> Vec<u8> {
    let keys: Vec<PrivateKey> = entries.iter().map(|(made, _)| PrivateKey::of(&made.key).unwrap()).collect();
    let entries: Vec<Entry<'_>> = entries
        .iter()
        .zip(&keys)
        .map(|((made, others), key)| Entry {
            alias: "the file's own name".into(),
            key: Some(key),
            certificates: std::iter::once(made.der.as_slice()).chain(others.iter().copied()).collect(),
        })
        .collect();
    let random = &mut |out: &mut [u8]| aws_lc_rs::rand::fill(out).unwrap();
    certhold_pki::write(OutputFormat::Pkcs12, &entries, Some(password), START, random).unwrap().to_vec()
}
