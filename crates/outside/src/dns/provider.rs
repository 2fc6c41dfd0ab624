//! One configured DNS provider: adding and removing single TXT values.

use super::powerdns::PowerDns;
use super::rfc2136::Rfc2136;
use super::{DnsError, SettingsError, catalogue, name, parse_servers};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

/// Values of a provider's parameters that may be shown.
pub type Settings = BTreeMap<String, String>;
/// Values of a provider's parameters that may not.
pub type Secrets = BTreeMap<String, SecretString>;

/// Shortest and longest time to live that is asked for, in seconds.
const TTL: std::ops::RangeInclusive<u32> = 1..=86_400;

/// What stands behind a provider. A family of providers with a common protocol is one variant.
pub(super) enum Backend {
    PowerDns(PowerDns),
    Rfc2136(Rfc2136),
}

/// A configured DNS provider. Its operations may be repeated at any time, also after a crash in the middle.
pub struct Provider {
    kind: String,
    backend: Backend,
    check_servers: Vec<SocketAddr>,
}

impl Provider {
    /// Makes a provider of the catalogue's `kind` from its settings and secrets. Nothing is contacted.
    ///
    /// # Errors
    /// Every wrong field at once.
    pub fn build(kind: &str, settings: &Settings, secrets: &Secrets) -> Result<Self, SettingsError> {
        let backend = catalogue::build(kind, settings, secrets)?;
        let check_servers = settings.get("check_servers").and_then(|list| parse_servers(list).ok()).unwrap_or_default();
        Ok(Self { kind: kind.to_owned(), backend, check_servers })
    }

    /// The servers to ask whether a value has arrived, if they are not to be discovered.
    pub fn check_servers(&self) -> &[SocketAddr] {
        &self.check_servers
    }

    /// The longest zone of this provider that contains `name`; contacts the provider, so it also tests the credentials.
    ///
    /// # Errors
    /// [`DnsError::ZoneNotFound`] if there is none.
    pub async fn zone(&self, name: &str) -> Result<String, DnsError> {
        let owner = name::parse(name)?;
        let zone = match &self.backend {
            Backend::PowerDns(api) => api.zone(&owner).await,
            Backend::Rfc2136(server) => server.zone(&owner).await,
        };
        zone.map(|zone| name::text(&zone))
    }

    /// Adds `value` to the TXT records at `name`, leaving the other values; does nothing if it is there. `ttl` is in
    /// seconds, and gives way to the time to live of values that are already there.
    ///
    /// # Errors
    /// See [`DnsError`].
    pub async fn publish(&self, name: &str, value: &str, ttl: u32) -> Result<(), DnsError> {
        let owner = name::parse(name)?;
        name::check_txt(value)?;
        let ttl = ttl.clamp(*TTL.start(), *TTL.end());
        match &self.backend {
            Backend::PowerDns(api) => api.publish(&owner, value, ttl).await,
            Backend::Rfc2136(server) => server.publish(&owner, value, ttl).await,
        }
    }

    /// Removes `value` from the TXT records at `name`, leaving the other values; does nothing if it is absent.
    ///
    /// # Errors
    /// See [`DnsError`].
    pub async fn withdraw(&self, name: &str, value: &str) -> Result<(), DnsError> {
        let owner = name::parse(name)?;
        name::check_txt(value)?;
        match &self.backend {
            Backend::PowerDns(api) => api.withdraw(&owner, value).await,
            Backend::Rfc2136(server) => server.withdraw(&owner, value).await,
        }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::catalogue;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn secrets(pairs: &[(&str, &str)]) -> Secrets {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), SecretString::from(*v))).collect()
    }

    fn wrong_fields(kind: &str, plain: &[(&str, &str)], hidden: &[(&str, &str)]) -> Vec<String> {
        let error = Provider::build(kind, &settings(plain), &secrets(hidden)).expect_err("must be refused");
        for (_, secret) in hidden.iter().filter(|(_, secret)| secret.len() > 3) {
            assert!(!error.to_string().contains(secret), "the message repeats the secret: {error}");
        }
        error.problems.into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        assert_eq!(wrong_fields("powerdns", &[], &[]), ["url", "api_key"]);
        assert_eq!(
            wrong_fields("rfc2136", &[("server", "a b")], &[("secret", "%%%%not-base64")]),
            ["server", "key_name", "secret"]
        );
        assert_eq!(wrong_fields("bind9", &[], &[]), ["kind"]);
    }

    #[test]
    fn unknown_settings_and_misplaced_secrets_are_refused() {
        let url = ("url", "http://127.0.0.1:8081");
        assert_eq!(wrong_fields("powerdns", &[url, ("api_key", "visible")], &[("api_key", "k")]), ["api_key"]);
        assert_eq!(wrong_fields("powerdns", &[url, ("colour", "red")], &[("api_key", "k")]), ["colour"]);
        assert_eq!(wrong_fields("powerdns", &[url], &[("api_key", "k"), ("url", "hidden-url")]), ["url"]);
    }

    #[test]
    fn hostile_values_are_refused() {
        for url in [
            "file:///etc/passwd",
            "http://user:secret@host/",
            "javascript:alert(1)",
            "http://",
            "127.0.0.1:8081",
            "http://a\u{0}b",
        ] {
            assert_eq!(wrong_fields("powerdns", &[("url", url)], &[("api_key", "k")]), ["url"], "{url:?}");
        }
        assert_eq!(wrong_fields("powerdns", &[("url", "http://a")], &[("api_key", "key\r\nX-Evil: 1")]), ["api_key"]);
        assert_eq!(
            wrong_fields("powerdns", &[("url", "http://a"), ("root_certificates", "nonsense")], &[("api_key", "k")]),
            ["root_certificates"]
        );
        let key = ("key_name", "k");
        for server in ["host:port", "host:99999", "a/b:53", "[::1:53", "1.2.3.4,5.6.7.8"] {
            let fields = wrong_fields("rfc2136", &[("server", server), key], &[("secret", "AAAA")]);
            assert_eq!(fields, ["server"], "{server:?}");
        }
        assert_eq!(
            wrong_fields("rfc2136", &[("server", "h"), key, ("algorithm", "hmac-md5")], &[("secret", "AAAA")]),
            ["algorithm"]
        );
        assert_eq!(wrong_fields("rfc2136", &[("server", "h"), ("key_name", "a b")], &[("secret", "AAAA")]), ["key_name"]);
    }

    #[test]
    fn the_catalogue_is_complete_and_serialises_without_code() {
        for entry in catalogue::catalogue() {
            assert!(entry.parameters.iter().any(|p| p.secret) && entry.parameters.iter().any(|p| p.name == "check_servers"));
            let mut names: Vec<_> = entry.parameters.iter().map(|p| p.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), entry.parameters.len(), "{} repeats a parameter", entry.kind);
            let json = serde_json::to_value(entry).unwrap();
            assert_eq!(json["kind"], entry.kind);
            assert!(json["parameters"][0]["help"].as_str().unwrap().ends_with('.'));
        }
    }
}
