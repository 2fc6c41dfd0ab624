//! Pebble, the ACME authority for tests that rejects good nonces, shuffles URLs and forgets everything when it ends.

use crate::ports;
use crate::process::{Process, program};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// How Pebble behaves.
pub struct Options {
    /// The DNS server it validates with.
    pub dns: SocketAddr,
    /// Good nonces rejected, in percent.
    pub rejected_nonces: u8,
    /// External account bindings it demands: key identifier and base64url key.
    pub external_accounts: Vec<(String, String)>,
    /// Domains it refuses to issue for.
    pub blocked: Vec<String>,
    /// Seconds for which certificates are valid.
    pub validity_seconds: u64,
}

impl Options {
    /// Pebble's usual 5 % of rejected nonces, no external accounts, certificates for 90 days.
    pub fn new(dns: SocketAddr) -> Self {
        Self { dns, rejected_nonces: 5, external_accounts: Vec::new(), blocked: Vec::new(), validity_seconds: 90 * 24 * 3600 }
    }
}

/// A running authority.
pub struct Pebble {
    /// The URL of its directory.
    pub directory: String,
    /// The certificate, in PEM, to trust when talking to it.
    pub root_pem: String,
    management: String,
    listen: [SocketAddr; 2],
    command: Command,
    process: Process,
    files: TempDir,
}

impl Pebble {
    /// Starts an authority.
    ///
    /// # Panics
    /// If it is not installed or does not come up.
    pub async fn start(options: &Options) -> Self {
        let files = tempfile::tempdir().unwrap();
        let (listen, management) = (ports::loopback(), ports::loopback());
        let root_pem = write_tls(files.path());
        let path = |name: &str| files.path().join(name).display().to_string();
        let accounts: serde_json::Map<String, Value> =
            options.external_accounts.iter().map(|(id, key)| (id.clone(), json!(key))).collect();
        let configuration = json!({"pebble": {
            "listenAddress": listen.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": path("cert.pem"),
            "privateKey": path("key.pem"),
            "httpPort": ports::loopback().port(),
            "tlsPort": ports::loopback().port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": !accounts.is_empty(),
            "externalAccountMACKeys": accounts,
            "domainBlocklist": options.blocked,
            "certificateValidityPeriod": options.validity_seconds,
        }});
        std::fs::write(files.path().join("pebble.json"), configuration.to_string()).unwrap();
        let mut command = Command::new(program("pebble", "pebble"));
        command.args(["-strict", "-config", &path("pebble.json"), "-dnsserver", &options.dns.to_string()]);
        command
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_AUTHZREUSE", "0")
            .env("PEBBLE_WFE_NONCEREJECT", options.rejected_nonces.to_string());
        let process = Process::start(&mut command, &files.path().join("log"));
        let mut pebble = Self {
            listen: [listen, management],
            command,
            directory: format!("https://localhost:{}/dir", listen.port()),
            management: format!("https://localhost:{}", management.port()),
            root_pem,
            process,
            files,
        };
        pebble.wait().await;
        pebble
    }

    async fn wait(&mut self) {
        for address in self.listen {
            self.process.wait_until(async || tokio::net::TcpStream::connect(address).await.is_ok()).await;
        }
    }

    /// Kills the authority; it forgets its accounts and orders.
    pub fn stop(&mut self) {
        self.process.kill();
    }

    /// Starts the authority again at the same address after [`stop`](Self::stop).
    pub async fn restart(&mut self) {
        self.process = Process::start(&mut self.command, &self.files.path().join("log"));
        self.wait().await;
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// The root certificate, in PEM, under which it issues.
    ///
    /// # Panics
    /// If the management interface does not answer.
    pub async fn issuing_root(&self) -> String {
        self.managed("/roots/0").await
    }

    /// What it knows of the certificate with this serial number in hexadecimal: `Status`, `Reason`, `Certificate`.
    ///
    /// # Panics
    /// If it knows no such certificate.
    pub async fn certificate_status(&self, serial: &str) -> Value {
        serde_json::from_str(&self.managed(&format!("/cert-status-by-serial/{serial}")).await).unwrap()
    }

    /// The temporary directory with its files.
    pub fn files(&self) -> &Path {
        self.files.path()
    }

    async fn managed(&self, path: &str) -> String {
        let root = reqwest::Certificate::from_pem(self.root_pem.as_bytes()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([root]).build().unwrap();
        let answer = client.get(format!("{}{path}", self.management)).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().await.unwrap()
    }
}

/// Writes `cert.pem` and `key.pem` for localhost, and returns the certificate to trust.
fn write_tls(directory: &Path) -> String {
    let root_key = rcgen::KeyPair::generate().unwrap();
    let mut root = rcgen::CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    root.distinguished_name.push(rcgen::DnType::CommonName, "Pebble's own TLS");
    let root_certificate = root.self_signed(&root_key).unwrap();
    let issuer = rcgen::Issuer::new(root, root_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    std::fs::write(directory.join("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
    root_certificate.pem()
}
