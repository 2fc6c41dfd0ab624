//! The PowerDNS Authoritative Server with its HTTP API, on an empty SQLite database.

use crate::ports;
use crate::process::{Process, program};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use tempfile::TempDir;

const SCHEMA: &str = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";

/// A running server.
pub struct PowerDns {
    /// Where it answers DNS questions.
    pub dns: SocketAddr,
    /// Where its API is, without `/api/v1`.
    pub api: String,
    /// The key of the API.
    pub api_key: String,
    process: Process,
    directory: TempDir,
}

impl PowerDns {
    /// Starts a server without zones.
    ///
    /// # Panics
    /// If it is not installed or does not come up.
    pub async fn start() -> Self {
        Self::start_at(ports::loopback()).await
    }

    /// Starts a server without zones that answers DNS questions at `dns`.
    ///
    /// # Panics
    /// If it is not installed or does not come up.
    pub async fn start_at(dns: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("pdns.sqlite3");
        let schema = std::fs::read_to_string(SCHEMA)
            .unwrap_or_else(|error| panic!("{SCHEMA}: {error}; install the Debian package pdns-backend-sqlite3"));
        rusqlite::Connection::open(&database).unwrap().execute_batch(&schema).unwrap();
        let api = ports::loopback();
        let api_key = format!("key-of-{}", api.port());
        let mut configuration = String::new();
        for (name, value) in [
            ("launch", "gsqlite3"),
            ("gsqlite3-database", database.to_str().unwrap()),
            ("socket-dir", directory.path().to_str().unwrap()),
            ("local-address", &dns.ip().to_string()),
            ("local-port", &dns.port().to_string()),
            ("api", "yes"),
            ("api-key", &api_key),
            ("webserver", "yes"),
            ("webserver-address", "127.0.0.1"),
            ("webserver-port", &api.port().to_string()),
            ("daemon", "no"),
            ("guardian", "no"),
            ("disable-syslog", "yes"),
            ("security-poll-suffix", ""),
            ("cache-ttl", "0"),
            ("query-cache-ttl", "0"),
            ("negquery-cache-ttl", "0"),
            ("zone-cache-refresh-interval", "0"),
        ] {
            writeln!(configuration, "{name}={value}").unwrap();
        }
        std::fs::write(directory.path().join("pdns.conf"), configuration).unwrap();
        let process = Self::launch(&directory);
        let mut server = Self { dns, api: format!("http://{api}"), api_key, process, directory };
        server.wait().await;
        server
    }

    fn launch(directory: &TempDir) -> Process {
        let mut command = Command::new(program("pdns_server", "pdns-server"));
        command.arg(format!("--config-dir={}", directory.path().display()));
        Process::start(&mut command, &directory.path().join("log"))
    }

    async fn wait(&mut self) {
        let request = self.request(reqwest::Method::GET, "");
        self.process
            .wait_until(async || request.try_clone().unwrap().send().await.is_ok_and(|answer| answer.status().is_success()))
            .await;
    }

    /// Kills the server; its zones stay.
    pub fn stop(&mut self) {
        self.process.kill();
    }

    /// Starts the server again after [`stop`](Self::stop).
    pub async fn restart(&mut self) {
        self.process = Self::launch(&self.directory);
        self.wait().await;
    }

    /// Adds a primary zone whose name server is `ns1.ZONE`, with that name at the server's own address.
    ///
    /// # Panics
    /// If the API refuses.
    pub async fn add_zone(&self, zone: &str) {
        self.add_zone_of_kind(zone, "Native").await;
        self.set(zone, &format!("ns1.{zone}"), "A", &[&self.dns.ip().to_string()]).await;
    }

    /// Adds an empty zone of a PowerDNS kind: `Native`, `Master`, `Slave`.
    ///
    /// # Panics
    /// If the API refuses.
    pub async fn add_zone_of_kind(&self, zone: &str, kind: &str) {
        let mut body = json!({"name": format!("{zone}."), "kind": kind, "nameservers": [format!("ns1.{zone}.")], "soa_edit_api": "INCREASE"});
        if kind == "Slave" {
            body["masters"] = json!(["127.0.0.1"]);
            body["nameservers"] = json!([]);
        }
        self.send(self.request(reqwest::Method::POST, "/zones").json(&body)).await;
    }

    /// Replaces the records of one name and type.
    ///
    /// # Panics
    /// If the API refuses.
    pub async fn set(&self, zone: &str, name: &str, kind: &str, contents: &[&str]) {
        let records: Vec<Value> = contents.iter().map(|content| json!({"content": content, "disabled": false})).collect();
        let body = json!({"rrsets": [{"name": format!("{name}."), "type": kind, "ttl": 60, "changetype": "REPLACE", "records": records}]});
        self.send(self.request(reqwest::Method::PATCH, &format!("/zones/{zone}.")).json(&body)).await;
    }

    /// Every TXT record of a zone as the API lists it: `(name, content)`, sorted.
    ///
    /// # Panics
    /// If the API refuses.
    pub async fn txt_records(&self, zone: &str) -> Vec<(String, String)> {
        let answer = self.send(self.request(reqwest::Method::GET, &format!("/zones/{zone}."))).await;
        let mut found = Vec::new();
        for set in answer["rrsets"].as_array().unwrap().iter().filter(|set| set["type"] == "TXT") {
            for record in set["records"].as_array().unwrap() {
                found.push((set["name"].as_str().unwrap().to_owned(), record["content"].as_str().unwrap().to_owned()));
            }
        }
        found.sort();
        found
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.process.output()
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/api/v1/servers/localhost{path}", self.api);
        reqwest::Client::new().request(method, url).header("X-API-Key", &self.api_key)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert!(status.is_success(), "PowerDNS answers {status}: {body}");
        serde_json::from_str(&body).unwrap_or_default()
    }
}
