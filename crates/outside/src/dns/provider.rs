//! One configured DNS provider: adding and removing single TXT values.

use super::powerdns::PowerDns;
use super::rfc2136::Rfc2136;
use super::{DnsError, SettingsError, name, settings};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use zeroize::Zeroizing;

/// Values of a provider's parameters that may be shown; entries that the catalogue does not know are passed over.
pub type Settings = BTreeMap<String, String>;
/// Values of a provider's parameters that may not.
pub type Secrets = BTreeMap<String, Zeroizing<String>>;

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
    ttl: u32,
}

impl Provider {
    /// Makes a provider of the catalogue's `kind` from its settings and secrets. Nothing is contacted.
    ///
    /// # Errors
    /// Every wrong field at once.
    pub fn build(kind: &str, settings: &Settings, secrets: &Secrets) -> Result<Self, SettingsError> {
        let settings::Built { backend, check_servers, ttl } = settings::build(kind, settings, secrets)?;
        Ok(Self { kind: kind.to_owned(), backend, check_servers, ttl })
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

    /// Adds `value` to the TXT records at `name`, leaving the other values and their time to live; does nothing if it is
    /// there.
    ///
    /// # Errors
    /// See [`DnsError`].
    pub async fn publish(&self, name: &str, value: &str) -> Result<(), DnsError> {
        let owner = name::parse(name)?;
        name::check_txt(value)?;
        match &self.backend {
            Backend::PowerDns(api) => api.publish(&owner, value, self.ttl).await,
            Backend::Rfc2136(server) => server.publish(&owner, value, self.ttl).await,
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

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn secrets(pairs: &[(&str, &str)]) -> Secrets {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), Zeroizing::new((*v).to_owned()))).collect()
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
            wrong_fields("rfc2136", &[("server", "a b"), ("ttl", "0")], &[("key_secret", "%%%%not-base64")]),
            ["server", "key_secret", "key_name", "ttl"]
        );
        assert_eq!(wrong_fields("bind9", &[], &[]), ["kind"]);
    }

    #[test]
    fn a_secret_among_the_settings_does_not_count() {
        let url = ("url", "http://127.0.0.1:8081");
        assert_eq!(wrong_fields("powerdns", &[url, ("api_key", "********")], &[]), ["api_key"]);
        let provider = Provider::build("powerdns", &settings(&[url, ("colour", "red")]), &secrets(&[("api_key", "the-key")]));
        assert!(!format!("{:?}", provider.unwrap()).contains("the-key"));
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
        let key = ("key_name", "k");
        for server in ["host:port", "host:99999", "a/b:53", "[::1:53", "1.2.3.4,5.6.7.8"] {
            assert_eq!(wrong_fields("rfc2136", &[("server", server), key], &[("key_secret", "AAAA")]), ["server"], "{server:?}");
        }
        let server = ("server", "h");
        assert_eq!(
            wrong_fields("rfc2136", &[server, key, ("key_algorithm", "hmac-md5")], &[("key_secret", "AAAA")]),
            ["key_algorithm"]
        );
        assert_eq!(wrong_fields("rfc2136", &[server, ("key_name", "a b")], &[("key_secret", "AAAA")]), ["key_name"]);
        for servers in ["ns1.example.com", "1.2.3.4:x", "<b>"] {
            let fields = wrong_fields("rfc2136", &[server, key, ("check_servers", servers)], &[("key_secret", "AAAA")]);
            assert_eq!(fields, ["check_servers"], "{servers:?}");
        }
        for ttl in ["0", "-1", "1e3", "86401", "60s"] {
            assert_eq!(wrong_fields("rfc2136", &[server, key, ("ttl", ttl)], &[("key_secret", "AAAA")]), ["ttl"], "{ttl:?}");
        }
    }
}
