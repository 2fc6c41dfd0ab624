//! Where a server is and how to speak with it, from a URL.

use std::fmt;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::{self, Trust};
use crate::error::Error;

/// A parsed URL. Its `Display` has no password.
pub(crate) struct Address {
    config: Config,
    trust: Trust,
}

impl Address {
    /// Parses `postgres://…`. Of the TLS parameters `sslmode` (`disable`, `prefer`, `require`, `verify-ca`, `verify-full`, with
    /// libpq's meaning) and `sslrootcert` are known; without `sslmode`, servers on this machine are spoken to in the clear.
    pub(crate) fn parse(url: &str) -> Result<Address, Error> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = None;
        let mut roots = None;
        let mut others = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => roots = Some(decoded(value)?),
                _ => others.push(pair),
            }
        }
        // The parser's own error may repeat a part of the URL, and with it a password.
        let bad = |what: &str| Error::Location { reason: format!("the PostgreSQL URL cannot be read: {what}") };
        let plain = if others.is_empty() { base.to_owned() } else { format!("{base}?{}", others.join("&")) };
        let mut config: Config = plain.parse().map_err(|_| bad("write postgres://USER:PASSWORD@HOST:PORT/DATABASE"))?;
        if config.get_hosts().is_empty() {
            return Err(bad("it names no host"));
        }
        let local = config.get_hosts().iter().all(is_local);
        let trust = match (mode, roots) {
            (None | Some("disable"), None) if local || mode.is_some() => Trust::None,
            (None | Some("prefer" | "require"), None) => Trust::Anyone,
            (Some("prefer" | "require" | "verify-ca"), Some(path)) => Trust::Issued(Some(path)),
            (Some("verify-ca"), None) => Trust::Issued(None),
            (None | Some("verify-full"), path) => Trust::Named(path),
            (Some("disable"), Some(_)) => {
                return Err(bad("sslrootcert makes no sense with sslmode=disable"));
            }
            _ => {
                return Err(bad("sslmode is one of disable, prefer, require, verify-ca, verify-full"));
            }
        };
        config.ssl_mode(match (&trust, mode) {
            (Trust::None, _) => SslMode::Disable,
            (Trust::Anyone, None) | (_, Some("prefer")) => SslMode::Prefer,
            _ => SslMode::Require,
        });
        // A network that swallows packets shows itself within a minute.
        config.keepalives_idle(Duration::from_secs(30)).keepalives_interval(Duration::from_secs(10)).keepalives_retries(3);
        config.tcp_user_timeout(Duration::from_secs(30));
        if config.get_application_name().is_none() {
            config.application_name("certhold");
        }
        Ok(Address { config, trust })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// What to encrypt with, if at all. Reads the trusted roots anew, so that a replaced file counts from the next connection.
    pub(super) fn tls(&self) -> Result<Option<MakeRustlsConnect>, Error> {
        Ok(tls::client(&self.trust)?.map(MakeRustlsConnect::new))
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> Result<String, Error> {
    let bad = || Error::Location { reason: "sslrootcert is not a well-encoded path".to_owned() };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(bad)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| bad())?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = self.config.get_user() {
            write!(f, "{user}@")?;
        }
        let ports = self.config.get_ports();
        for (index, host) in self.config.get_hosts().iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) if name.contains(':') => write!(f, "{separator}[{name}]:{port}")?,
                Host::Tcp(name) => write!(f, "{separator}{name}:{port}")?,
                Host::Unix(path) => write!(f, "{separator}{}:{port}", path.display())?,
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> (SslMode, &'static str) {
        let address = Address::parse(url).unwrap();
        let trust = match address.trust {
            Trust::None => "none",
            Trust::Anyone => "anyone",
            Trust::Issued(_) => "issued",
            Trust::Named(_) => "named",
        };
        (address.config.get_ssl_mode(), trust)
    }

    #[test]
    fn tls_follows_sslmode() {
        assert_eq!(mode("postgres://127.0.0.1/db"), (SslMode::Disable, "none"));
        assert_eq!(mode("postgres://[::1]/db"), (SslMode::Disable, "none"));
        assert_eq!(mode("postgres://%2Fvar%2Frun%2Fpostgresql/db"), (SslMode::Disable, "none"));
        assert_eq!(mode("postgres://db.example/db"), (SslMode::Prefer, "anyone"));
        assert_eq!(mode("postgres://db.example/db?sslmode=disable"), (SslMode::Disable, "none"));
        assert_eq!(mode("postgres://db.example/db?sslmode=require"), (SslMode::Require, "anyone"));
        assert_eq!(mode("postgres://db.example/db?sslmode=require&sslrootcert=/a%20b.pem"), (SslMode::Require, "issued"));
        assert_eq!(mode("postgres://127.0.0.1/db?sslmode=verify-ca"), (SslMode::Require, "issued"));
        assert_eq!(mode("postgres://127.0.0.1/db?sslmode=verify-full&connect_timeout=3"), (SslMode::Require, "named"));
    }

    #[test]
    fn nonsense_is_refused() {
        for url in [
            "postgres:///db",
            "postgres://h/db?sslmode=maybe",
            "postgres://h/db?sslmode=disable&sslrootcert=x",
            "postgres://h/db?sslrootcert=%zz",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }
}
