//! The HTTP API of the PowerDNS Authoritative Server, version 4.3 and later
//! (<https://doc.powerdns.com/authoritative/http-api/>).
//!
//! The `dns-update` crate has this API too, but reads the whole zone for every change, does not find the zone, does not
//! serialise its read-modify-write (two orders for `example.com` and `*.example.com` lose one of their values), sleeps up
//! to a minute inside a call when told to slow down, and flattens failures to text. So it is done here.

use super::{DnsError, name};
use crate::http;
use hickory_proto::rr::Name;
use reqwest::{Client, Method, StatusCode, Url};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;
use zeroize::Zeroizing;

/// Old servers ignore the RRset filter and answer with the whole zone, which may be this large.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Pauses before a failed write is repeated.
const WRITE_PAUSES: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(800)];

/// One server's API.
pub(super) struct PowerDns {
    client: Client,
    /// `…/api/v1/servers/SERVER/zones`.
    zones: Url,
    /// What messages call the server: scheme, host and port.
    label: String,
    api_key: Zeroizing<String>,
}

/// A zone as the list and search answers show it.
#[derive(Deserialize)]
struct Zone {
    id: String,
    name: String,
    kind: String,
}

#[derive(Deserialize)]
struct ZoneContent {
    #[serde(default)]
    rrsets: Vec<RrSet>,
}

#[derive(Deserialize)]
struct RrSet {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    ttl: u32,
    #[serde(default)]
    records: Vec<ContentRecord>,
}

#[derive(Deserialize, Serialize, Clone, PartialEq, Eq)]
struct ContentRecord {
    /// Presentation format: a TXT value is quoted.
    content: String,
    #[serde(default)]
    disabled: bool,
}

#[derive(Deserialize)]
struct ApiError {
    error: String,
}

impl PowerDns {
    /// `base` is the server's address with or without `/api/v1`.
    pub(super) fn new(client: Client, base: &Url, server_id: &str, api_key: Zeroizing<String>) -> Self {
        let mut zones = base.clone();
        let path = base.path().trim_end_matches('/').trim_end_matches("/api/v1").to_owned();
        zones.set_path(&path);
        zones.set_query(None);
        zones.set_fragment(None);
        if let Ok(mut segments) = zones.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1", "servers", server_id, "zones"]);
        }
        Self { client, label: base.origin().ascii_serialization(), zones, api_key }
    }

    pub(super) async fn zone(&self, owner: &Name) -> Result<Name, DnsError> {
        name::parse(&self.find_zone(owner).await?.name)
    }

    pub(super) async fn publish(&self, owner: &Name, value: &str, ttl: u32) -> Result<(), DnsError> {
        let wanted = ContentRecord { content: format!("\"{value}\""), disabled: false };
        self.change(owner, ttl, |records| {
            if records.contains(&wanted) {
                return false;
            }
            records.retain(|record| record.content != wanted.content);
            records.push(wanted.clone());
            true
        })
        .await
    }

    pub(super) async fn withdraw(&self, owner: &Name, value: &str) -> Result<(), DnsError> {
        let unwanted = format!("\"{value}\"");
        self.change(owner, 60, |records| {
            let before = records.len();
            records.retain(|record| record.content != unwanted);
            records.len() != before
        })
        .await
    }

    /// Reads the TXT RRset at `owner`, lets `edit` change its records, and writes it back if `edit` says that it did.
    async fn change(
        &self,
        owner: &Name,
        ttl: u32,
        edit: impl Fn(&mut Vec<ContentRecord>) -> bool + Send,
    ) -> Result<(), DnsError> {
        let zone = self.find_zone(owner).await?;
        if matches!(zone.kind.as_str(), "Slave" | "Secondary" | "Consumer") {
            return Err(self.refused(format!("the zone {} is a secondary there; publish at its primary", zone.name)));
        }
        let fqdn = owner.to_ascii();
        // The API replaces whole RRsets, so changes of one RRset must not overlap. Another process may still overwrite a
        // value; the propagation check finds that, and publishing again repairs it.
        let lock = named_lock(&format!("{} {fqdn}", self.zones));
        let _guard = lock.lock().await;
        let url = self.zone_url(&zone.id);
        let mut content_url = url.clone();
        content_url.query_pairs_mut().append_pair("rrset_name", &fqdn).append_pair("rrset_type", "TXT");
        let content: ZoneContent = self.json(&self.call(Method::GET, content_url, None, owner).await?)?;
        let current = content.rrsets.into_iter().find(|set| set.kind == "TXT" && set.name.eq_ignore_ascii_case(&fqdn));
        let (mut records, ttl) = match current {
            Some(set) if !set.records.is_empty() => (set.records, set.ttl),
            _ => (Vec::new(), ttl),
        };
        if !edit(&mut records) {
            return Ok(());
        }
        let change = if records.is_empty() { "DELETE" } else { "REPLACE" };
        let body = serde_json::json!({"rrsets": [
            {"name": fqdn, "type": "TXT", "ttl": ttl, "changetype": change, "records": records}
        ]});
        self.patch(url.clone(), body, owner).await?;
        if matches!(zone.kind.as_str(), "Master" | "Primary" | "Producer") {
            self.notify(url, owner).await;
        }
        Ok(())
    }

    /// Writes, one change of the server at a time: on its SQLite backend, concurrent changes fail with "database is locked".
    /// For the same reason, and because others change the server too, a failure is repeated a few times.
    async fn patch(&self, zone: Url, body: serde_json::Value, owner: &Name) -> Result<(), DnsError> {
        let writer = named_lock(&self.label);
        let mut pauses = WRITE_PAUSES.iter();
        loop {
            let written = {
                let _guard = writer.lock().await;
                self.call(Method::PATCH, zone.clone(), Some(body.clone()), owner).await
            };
            match (written, pauses.next()) {
                (Err(DnsError::ServerFault { .. }), Some(pause)) => tokio::time::sleep(*pause).await,
                (written, _) => return written.map(drop),
            }
        }
    }

    /// Tells the secondaries at once instead of at the server's next cycle; they would find out anyway, so a failure here
    /// is no failure of the change.
    async fn notify(&self, mut zone: Url, owner: &Name) {
        if let Ok(mut segments) = zone.path_segments_mut() {
            segments.push("notify");
        }
        if let Err(error) = self.call(Method::PUT, zone, None, owner).await {
            tracing::debug!(%error, "secondaries were not notified");
        }
    }

    /// The longest zone of the server that contains `owner`.
    async fn find_zone(&self, owner: &Name) -> Result<Zone, DnsError> {
        for candidate in name::suffixes(owner) {
            let wanted = candidate.to_ascii();
            let mut url = self.zones.clone();
            url.query_pairs_mut().append_pair("zone", &wanted).append_pair("dnssec", "false");
            let found: Vec<Zone> = self.json(&self.call(Method::GET, url, None, owner).await?)?;
            if let Some(zone) = found.into_iter().find(|zone| zone.name.eq_ignore_ascii_case(&wanted)) {
                return Ok(zone);
            }
        }
        Err(self.zone_not_found(owner))
    }

    fn zone_url(&self, id: &str) -> Url {
        let mut url = self.zones.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(id);
        }
        url
    }

    /// Sends one request and returns the body of a successful answer.
    async fn call(&self, method: Method, url: Url, body: Option<serde_json::Value>, owner: &Name) -> Result<Vec<u8>, DnsError> {
        let mut request = self.client.request(method, url).header("X-API-Key", self.api_key.as_str());
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|e| self.unreachable(http::reason(e)))?;
        let status = response.status();
        let retry_after = http::retry_after(response.headers());
        let body = http::read(response, MAX_ANSWER).await.map_err(|e| self.unreachable(e))?;
        if status.is_success() {
            return Ok(body);
        }
        let said = match serde_json::from_slice::<ApiError>(&body) {
            Ok(answer) => answer.error.chars().take(500).collect(),
            Err(_) => String::from_utf8_lossy(&body).chars().filter(|c| !c.is_control()).take(200).collect::<String>(),
        };
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                DnsError::AuthRefused { server: self.label.clone(), detail: format!("HTTP {}", status.as_u16()) }
            }
            StatusCode::NOT_FOUND => self.zone_not_found(owner),
            StatusCode::TOO_MANY_REQUESTS => DnsError::RateLimited { server: self.label.clone(), retry_after },
            status if status.is_server_error() => {
                DnsError::ServerFault { server: self.label.clone(), detail: format!("HTTP {}: {said}", status.as_u16()) }
            }
            status => self.refused(format!("HTTP {}: {said}", status.as_u16())),
        })
    }

    fn json<T: for<'de> Deserialize<'de>>(&self, body: &[u8]) -> Result<T, DnsError> {
        serde_json::from_slice(body).map_err(|e| DnsError::BadAnswer {
            server: self.label.clone(),
            detail: format!("its answer is not what the PowerDNS API documents ({e}); is this the API's address?"),
        })
    }

    fn zone_not_found(&self, owner: &Name) -> DnsError {
        DnsError::ZoneNotFound { server: self.label.clone(), name: name::text(owner) }
    }

    fn refused(&self, detail: String) -> DnsError {
        DnsError::Refused { server: self.label.clone(), detail }
    }

    fn unreachable(&self, cause: String) -> DnsError {
        DnsError::Unreachable { server: self.label.clone(), cause }
    }
}

/// A lock by name, process-wide: several jobs build their own [`PowerDns`] for one server.
fn named_lock(key: &str) -> Arc<tokio::sync::Mutex<()>> {
    static LOCKS: LazyLock<Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>> = LazyLock::new(Mutex::default);
    let mut locks = LOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(lock) = locks.get(key).and_then(Weak::upgrade) {
        return lock;
    }
    locks.retain(|_, lock| lock.strong_count() > 0);
    let lock = Arc::default();
    locks.insert(key.to_owned(), Arc::downgrade(&lock));
    lock
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_api() {
        for (base, id, expected) in [
            ("http://localhost:8081", "localhost", "http://localhost:8081/api/v1/servers/localhost/zones"),
            ("http://localhost:8081/", "localhost", "http://localhost:8081/api/v1/servers/localhost/zones"),
            ("https://dns.example/pdns/api/v1/", "a/b", "https://dns.example/pdns/api/v1/servers/a%2Fb/zones"),
            ("https://u:p@dns.example/x?y#z", "..", "https://u:p@dns.example/x/api/v1/servers/zones"),
        ] {
            let api = PowerDns::new(Client::new(), &base.parse().unwrap(), id, Zeroizing::new("k".to_owned()));
            assert_eq!(api.zones.as_str(), expected);
            assert!(!api.label.contains('p') || !api.label.contains('@'));
        }
    }

    #[test]
    fn one_lock_per_name() {
        let first = named_lock("http://a/ x.");
        assert!(Arc::ptr_eq(&first, &named_lock("http://a/ x.")));
        assert!(!Arc::ptr_eq(&first, &named_lock("http://a/ y.")));
    }
}
