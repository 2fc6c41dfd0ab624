//! DNS providers as data: what each needs to be told. Behind an entry stands code in `certhold-outside`.

/// One thing a provider must or may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The key in settings.
    pub name: &'static str,
    /// What a form calls it.
    pub label: &'static str,
    /// What to enter.
    pub help: &'static str,
    /// Sealed in custody and never shown again.
    pub secret: bool,
    /// Whether it must be there.
    pub required: bool,
    /// What is assumed when it is absent.
    pub default: Option<&'static str>,
    /// Whether credentials are sent there: when it changes, they must be entered again.
    pub destination: bool,
    /// The only values allowed, where there are such.
    pub choices: &'static [&'static str],
}

/// A provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderKind {
    /// The key in APIs.
    pub name: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// What it needs.
    pub parameters: &'static [Parameter],
}

const fn text(name: &'static str, label: &'static str, help: &'static str) -> Parameter {
    Parameter { name, label, help, secret: false, required: true, default: None, destination: false, choices: &[] }
}

const fn optional(name: &'static str, label: &'static str, help: &'static str, default: Option<&'static str>) -> Parameter {
    Parameter { required: false, default, ..text(name, label, help) }
}

const fn secret(name: &'static str, label: &'static str, help: &'static str) -> Parameter {
    Parameter { secret: true, ..text(name, label, help) }
}

/// Asked of every provider: where to look whether a value can be seen.
const CHECK_SERVERS: Parameter = optional(
    "check_servers",
    "Name servers to check",
    "address:port, separated by commas; by default the zone's own NS records are asked",
    None,
);

const TTL: Parameter = optional("ttl", "TTL in seconds", "how long resolvers may keep the record", Some("60"));

/// Every provider.
pub const PROVIDERS: &[ProviderKind] = &[
    ProviderKind {
        name: "powerdns",
        label: "PowerDNS",
        help: "The HTTP API of a PowerDNS Authoritative Server.",
        parameters: &[
            Parameter { destination: true, ..text("url", "API address", "for example http://127.0.0.1:8081") },
            optional("server_id", "Server id", "localhost unless a proxy stands before several servers", Some("localhost")),
            secret("api_key", "API key", "the value of api-key in pdns.conf"),
            TTL,
            CHECK_SERVERS,
        ],
    },
    ProviderKind {
        name: "rfc2136",
        label: "Dynamic update (RFC 2136)",
        help: "BIND, Knot, PowerDNS, Windows DNS and any other server that takes updates signed with TSIG.",
        parameters: &[
            Parameter { destination: true, ..text("server", "Primary server", "address:port of the primary name server") },
            text("key_name", "TSIG key name", "as in the server's configuration"),
            Parameter {
                default: Some("hmac-sha256"),
                required: false,
                choices: &["hmac-sha256", "hmac-sha384", "hmac-sha512"],
                ..text("key_algorithm", "TSIG algorithm", "as in the server's configuration")
            },
            secret("key_secret", "TSIG secret", "base64, as in the server's configuration"),
            TTL,
            CHECK_SERVERS,
        ],
    },
];

/// The provider of this name.
pub fn find(name: &str) -> Option<&'static ProviderKind> {
    PROVIDERS.iter().find(|provider| provider.name == name)
}
