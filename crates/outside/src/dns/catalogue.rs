//! The providers Certhold can publish through, as data: the UI draws its forms from it, the API validates by it.

use super::provider::Backend;
use super::resolve::parse_servers;
use super::{Secrets, Settings, powerdns::PowerDns, rfc2136};
use crate::http;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Certificate, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::fmt;

/// A kind of DNS provider and what it must be told.
#[derive(Serialize)]
pub struct ProviderKind {
    /// Stable identifier, as stored.
    pub kind: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What to enter, in the order of the form.
    pub parameters: &'static [Parameter],
    /// Makes the client from values that passed the checks of the parameters.
    #[serde(skip)]
    build: fn(&Values<'_>) -> Result<Backend, FieldProblem>,
}

/// One thing a provider must or may be told.
#[derive(Debug, Serialize)]
pub struct Parameter {
    /// Stable identifier, as stored.
    pub name: &'static str,
    /// Label in a form.
    pub label: &'static str,
    /// Whether the value is sealed and never shown again.
    pub secret: bool,
    /// Whether the provider cannot be used without it.
    pub required: bool,
    /// One sentence of help.
    pub help: &'static str,
    /// What kind of value it takes.
    pub input: Input,
    /// The value taken when none is given.
    pub default: Option<&'static str>,
}

/// What kind of value a parameter takes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "type", content = "choices")]
#[non_exhaustive]
pub enum Input {
    /// One line of text.
    Text,
    /// An `http` or `https` address.
    Url,
    /// `host` or `host:port`.
    HostPort,
    /// A list of `address` or `address:port`, separated by commas.
    Servers,
    /// One or more certificates in PEM.
    Certificates,
    /// Bytes in base64.
    Base64,
    /// One of these.
    Choice(&'static [&'static str]),
}

/// One thing wrong with the settings of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// The parameter.
    pub field: String,
    /// What is wrong with its value, as a sentence.
    pub message: String,
}

/// Everything wrong with the settings of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// One entry per fault; never empty.
    pub problems: Vec<FieldProblem>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the DNS provider's settings are wrong: ")?;
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{}: {}", if index == 0 { "" } else { "; " }, problem.field, problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

const CHECK_SERVERS: Parameter = Parameter {
    name: "check_servers",
    label: "Servers to check",
    secret: false,
    required: false,
    help: "Ask these servers whether a record has arrived, instead of those in the zone's NS records: address or address:port, separated by commas.",
    input: Input::Servers,
    default: None,
};

static CATALOGUE: &[ProviderKind] = &[
    ProviderKind {
        kind: "powerdns",
        name: "PowerDNS Authoritative Server",
        parameters: &[
            Parameter {
                name: "url",
                label: "API address",
                secret: false,
                required: true,
                help: "Where the server's web server listens, for example https://dns.example.com:8081. Over plain http the API key can be read on the way.",
                input: Input::Url,
                default: None,
            },
            Parameter {
                name: "server_id",
                label: "Server id",
                secret: false,
                required: false,
                help: "The server's name in its own API; it is localhost unless a proxy serves several.",
                input: Input::Text,
                default: Some("localhost"),
            },
            Parameter {
                name: "api_key",
                label: "API key",
                secret: true,
                required: true,
                help: "The value of api-key in the server's configuration.",
                input: Input::Text,
                default: None,
            },
            Parameter {
                name: "root_certificates",
                label: "Root certificates",
                secret: false,
                required: false,
                help: "PEM certificates to trust for this API instead of the host's, if it uses a private authority.",
                input: Input::Certificates,
                default: None,
            },
            CHECK_SERVERS,
        ],
        build: powerdns,
    },
    ProviderKind {
        kind: "rfc2136",
        name: "Dynamic update (RFC 2136) with TSIG",
        parameters: &[
            Parameter {
                name: "server",
                label: "Primary server",
                secret: false,
                required: true,
                help: "The zone's primary server, host or host:port. It is asked over TCP.",
                input: Input::HostPort,
                default: None,
            },
            Parameter {
                name: "key_name",
                label: "Key name",
                secret: false,
                required: true,
                help: "The name of the TSIG key as the server knows it.",
                input: Input::Text,
                default: None,
            },
            Parameter {
                name: "algorithm",
                label: "Algorithm",
                secret: false,
                required: false,
                help: "The algorithm of the TSIG key.",
                input: Input::Choice(rfc2136::ALGORITHMS),
                default: Some("hmac-sha256"),
            },
            Parameter {
                name: "secret",
                label: "Secret",
                secret: true,
                required: true,
                help: "The key's secret in base64, as tsig-keygen prints it.",
                input: Input::Base64,
                default: None,
            },
            CHECK_SERVERS,
        ],
        build: rfc2136,
    },
];

/// All kinds of providers, in the order in which they are offered.
pub fn catalogue() -> &'static [ProviderKind] {
    CATALOGUE
}

/// The values of one provider after the checks, with defaults filled in.
struct Values<'a> {
    kind: &'static ProviderKind,
    settings: &'a Settings,
    secrets: &'a Secrets,
}

impl Values<'_> {
    fn text(&self, name: &str) -> &str {
        let default = self.kind.parameters.iter().find(|p| p.name == name).and_then(|p| p.default);
        self.settings.get(name).map(|value| value.trim()).filter(|value| !value.is_empty()).or(default).unwrap_or_default()
    }

    fn secret(&self, name: &str) -> SecretString {
        self.secrets.get(name).cloned().unwrap_or_default()
    }
}

/// Checks every value and makes the backend.
pub(super) fn build(kind: &str, settings: &Settings, secrets: &Secrets) -> Result<Backend, SettingsError> {
    let one = |field: &str, message: String| SettingsError { problems: vec![FieldProblem { field: field.to_owned(), message }] };
    let Some(kind) = CATALOGUE.iter().find(|entry| entry.kind == kind) else {
        let known: Vec<_> = CATALOGUE.iter().map(|entry| entry.kind).collect();
        return Err(one("kind", format!("there is no such kind of provider; known are {}", known.join(", "))));
    };
    let problems = check(kind, settings, secrets);
    if !problems.is_empty() {
        return Err(SettingsError { problems });
    }
    let values = Values { kind, settings, secrets };
    (kind.build)(&values).map_err(|problem| SettingsError { problems: vec![problem] })
}

fn check(kind: &ProviderKind, settings: &Settings, secrets: &Secrets) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    let mut report = |field: &str, message: &str| {
        problems.push(FieldProblem { field: field.chars().take(100).collect(), message: message.to_owned() });
    };
    let parameter = |name: &str| kind.parameters.iter().find(|p| p.name == name);
    for name in settings.keys() {
        match parameter(name) {
            None => report(name, "this provider has no such setting"),
            Some(p) if p.secret => report(name, "this is a secret and must be given as one"),
            Some(_) => {}
        }
    }
    for name in secrets.keys() {
        if !parameter(name).is_some_and(|p| p.secret) {
            report(name, "this provider has no such secret");
        }
    }
    for p in kind.parameters {
        let value = if p.secret {
            secrets.get(p.name).map_or("", |secret| secret.expose_secret())
        } else {
            settings.get(p.name).map_or("", String::as_str)
        };
        if value.trim().is_empty() {
            if p.required {
                report(p.name, "this is required");
            }
        } else if let Err(message) = p.input.check(value.trim()) {
            report(p.name, message);
        }
    }
    problems
}

impl Input {
    /// Checks the shape of a value; the message never repeats it, for it may be a secret.
    fn check(&self, value: &str) -> Result<(), &'static str> {
        let limit = if matches!(self, Self::Certificates) { 256 * 1024 } else { 4096 };
        if value.len() > limit {
            return Err("this is too long");
        }
        if !matches!(self, Self::Certificates) && value.chars().any(char::is_control) {
            return Err("control characters are not allowed");
        }
        let fine = match self {
            Self::Text => return if value.is_ascii() { Ok(()) } else { Err("only ASCII characters are allowed") },
            Self::Url => match Url::parse(value) {
                Ok(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => false,
                Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                    return Err("leave user name and password out of the address");
                }
                parsed => parsed.is_ok(),
            },
            Self::HostPort => host_port(value).is_some(),
            Self::Servers => parse_servers(value).is_ok_and(|list| list.len() <= 32),
            Self::Certificates => certificates(value).is_some_and(|list| !list.is_empty()),
            Self::Base64 => STANDARD.decode(value).is_ok(),
            Self::Choice(choices) => choices.contains(&value),
        };
        match (fine, self) {
            (true, _) => Ok(()),
            (_, Self::Url) => Err("write an address like https://dns.example.com:8081"),
            (_, Self::HostPort) => Err("write host or host:port"),
            (_, Self::Servers) => Err("write addresses like 192.0.2.1 or 192.0.2.1:5353, separated by commas"),
            (_, Self::Certificates) => Err("this is not a certificate in PEM"),
            (_, Self::Base64) => Err("this is not base64"),
            (_, Self::Choice(_)) => Err("this is not one of the choices"),
            (_, Self::Text) => Err("this is not text"),
        }
    }
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

fn certificates(pem: &str) -> Option<Vec<Certificate>> {
    Certificate::from_pem_bundle(pem.as_bytes()).ok()
}

fn powerdns(values: &Values<'_>) -> Result<Backend, FieldProblem> {
    let problem = |field: &str, message: String| FieldProblem { field: field.to_owned(), message };
    let url = Url::parse(values.text("url")).map_err(|e| problem("url", e.to_string()))?;
    let mut client = http::client();
    if let Some(roots) = certificates(values.text("root_certificates")).filter(|roots| !roots.is_empty()) {
        client = client.tls_certs_only(roots);
    }
    let client = client.build().map_err(|e| problem("root_certificates", http::reason(e)))?;
    Ok(Backend::PowerDns(PowerDns::new(client, &url, values.text("server_id"), values.secret("api_key"))))
}

fn rfc2136(values: &Values<'_>) -> Result<Backend, FieldProblem> {
    let problem = |field: &str, message: &str| FieldProblem { field: field.to_owned(), message: message.to_owned() };
    let server = host_port(values.text("server")).ok_or_else(|| problem("server", "write host or host:port"))?;
    let secret =
        STANDARD.decode(values.secret("secret").expose_secret().trim()).map_err(|_| problem("secret", "this is not base64"))?;
    rfc2136::Rfc2136::new(&server, values.text("key_name"), values.text("algorithm"), secret).map(Backend::Rfc2136).map_err(
        |why| match why {
            rfc2136::KeyProblem::Name => problem("key_name", "this is not a domain name"),
            rfc2136::KeyProblem::Algorithm => problem("algorithm", "this algorithm is not supported"),
            rfc2136::KeyProblem::Empty => problem("secret", "this is empty"),
        },
    )
}
