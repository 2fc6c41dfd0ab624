//! From what a person entered to a client: the catalogue in the domain says what a provider needs to be told and checks that
//! it was told; here the values get their meaning.
//!
//! A further provider is a row in the domain's catalogue and a function in [`BUILDERS`].

use super::powerdns::PowerDns;
use super::provider::{Backend, Secrets, Settings};
use super::resolve::parse_servers;
use super::rfc2136::{KeyProblem, Rfc2136};
use crate::http;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_domain::renewal::catalogue::{self, ProviderKind};
use reqwest::Url;
use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use zeroize::Zeroizing;

/// One thing wrong with the settings of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The parameter's name in the catalogue.
    pub field: String,
    /// What is wrong with its value, as a sentence; never repeats the value, which may be a secret.
    pub message: &'static str,
}

/// Everything wrong with the settings of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// One entry per fault; never empty.
    pub problems: Vec<FieldProblem>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the DNS provider's settings cannot be used: ")?;
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{}: {}", if index == 0 { "" } else { "; " }, problem.field, problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// A provider made from its settings.
pub(super) struct Built {
    pub(super) backend: Backend,
    pub(super) check_servers: Vec<SocketAddr>,
    /// Seconds.
    pub(super) ttl: u32,
}

/// Makes a backend, or notes problems in the values and returns `None`.
type Builder = fn(&Values<'_>) -> Option<Backend>;

const BUILDERS: &[(&str, Builder)] = &[("powerdns", powerdns), ("rfc2136", rfc2136)];

pub(super) fn build(kind: &str, settings: &Settings, secrets: &Secrets) -> Result<Built, SettingsError> {
    let known = catalogue::find(kind).zip(BUILDERS.iter().find(|(name, _)| *name == kind));
    let Some((kind, (_, builder))) = known else {
        let problem = FieldProblem { field: "kind".to_owned(), message: "there is no such kind of DNS provider" };
        return Err(SettingsError { problems: vec![problem] });
    };
    let values = Values { kind, settings, secrets, problems: RefCell::default() };
    let backend = builder(&values);
    let check_servers =
        values.parsed("check_servers", "write addresses like 192.0.2.1 or 192.0.2.1:5353, separated by commas", |list| {
            parse_servers(list).ok()
        });
    let ttl = values.parsed("ttl", "write a number of seconds from 1 to 86400", |text| {
        if text.is_empty() { Some(60) } else { text.parse().ok().filter(|ttl| (1..=86_400).contains(ttl)) }
    });
    match (backend, check_servers, ttl, values.problems.into_inner()) {
        (Some(backend), Some(check_servers), Some(ttl), problems) if problems.is_empty() => {
            Ok(Built { backend, check_servers, ttl })
        }
        (.., problems) => Err(SettingsError { problems }),
    }
}

/// The values of one provider with the catalogue's defaults, and what was found wrong with them.
struct Values<'a> {
    kind: &'static ProviderKind,
    settings: &'a Settings,
    secrets: &'a Secrets,
    problems: RefCell<Vec<FieldProblem>>,
}

impl Values<'_> {
    /// The value; empty if there is none.
    fn text(&self, name: &str) -> &str {
        let parameter = self.kind.parameters.iter().find(|parameter| parameter.name == name);
        let given = if parameter.is_some_and(|parameter| parameter.secret) {
            self.secrets.get(name).map(|value| value.trim())
        } else {
            self.settings.get(name).map(|value| value.trim())
        };
        given.filter(|value| !value.is_empty()).or(parameter.and_then(|parameter| parameter.default)).unwrap_or_default()
    }

    /// The value's meaning; a problem is noted if it has none.
    fn parsed<T>(&self, name: &str, otherwise: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name);
        let required = self.kind.parameters.iter().any(|parameter| parameter.name == name && parameter.required);
        if text.is_empty() && required {
            return self.problem(name, "this is required");
        }
        if text.len() > 4096 || text.chars().any(char::is_control) {
            return self.problem(name, "control characters and more than 4096 bytes are not allowed");
        }
        parse(text).or_else(|| self.problem(name, otherwise))
    }

    fn problem<T>(&self, field: &str, message: &'static str) -> Option<T> {
        self.problems.borrow_mut().push(FieldProblem { field: field.to_owned(), message });
        None
    }
}

fn powerdns(values: &Values<'_>) -> Option<Backend> {
    let url =
        values.parsed("url", "write an address like https://dns.example.com:8081, without user name and password", |text| {
            let url = Url::parse(text).ok()?;
            let plain = matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty();
            (plain && url.password().is_none()).then_some(url)
        });
    let server_id = values.parsed("server_id", "only ASCII characters are allowed", ascii);
    let api_key = values.parsed("api_key", "only ASCII characters are allowed", ascii);
    let client = http::client().build().ok();
    if client.is_none() {
        values.problem::<()>("url", "no HTTP client can be made: the system's trusted certificates cannot be read");
    }
    Some(Backend::PowerDns(PowerDns::new(client?, &url?, &server_id?, Zeroizing::new(api_key?))))
}

fn rfc2136(values: &Values<'_>) -> Option<Backend> {
    let server = values.parsed("server", "write host or host:port", host_port);
    let secret = values.parsed("key_secret", "this is not base64", |text| STANDARD.decode(text).ok());
    let name = values.parsed("key_name", "this is not the name of a key", ascii);
    let algorithm = values.text("key_algorithm");
    let made = Rfc2136::new(&server?, &name?, algorithm, secret?);
    made.map(Backend::Rfc2136)
        .map_err(|problem| match problem {
            KeyProblem::Name => values.problem::<()>("key_name", "this is not the name of a key"),
            KeyProblem::Algorithm => values.problem("key_algorithm", "use hmac-sha256, hmac-sha384 or hmac-sha512"),
            KeyProblem::Empty => values.problem("key_secret", "this is required"),
        })
        .ok()
}

fn ascii(text: &str) -> Option<String> {
    text.is_ascii().then(|| text.to_owned())
}

/// `host:port` with port 53 filled in.
fn host_port(value: &str) -> Option<String> {
    if let Ok(list) = parse_servers(value) {
        return (list.len() == 1).then(|| list[0].to_string());
    }
    let (host, port) = value.rsplit_once(':').unwrap_or((value, "53"));
    super::name::parse(host).ok()?;
    Some(format!("{host}:{}", port.parse::<u16>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_of_the_catalogue_has_code_behind_it_and_no_other() {
        let catalogue: Vec<_> = catalogue::PROVIDERS.iter().map(|provider| provider.name).collect();
        let built: Vec<_> = BUILDERS.iter().map(|(name, _)| *name).collect();
        assert_eq!(catalogue, built);
        for provider in catalogue::PROVIDERS {
            for common in ["check_servers", "ttl"] {
                assert!(provider.parameters.iter().any(|parameter| parameter.name == common), "{} {common}", provider.name);
            }
        }
    }
}
