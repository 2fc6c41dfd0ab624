//! What can go wrong with a DNS server or a DNS provider.

use std::time::Duration;

/// Why a DNS operation failed. Every variant reads as a sentence for the person who runs the zone; none contains a
/// secret.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DnsError {
    /// The server does not accept our credentials.
    #[error("{server} refuses the credentials ({detail}); check the key or token configured for this DNS provider")]
    AuthRefused {
        /// Server or API address.
        server: String,
        /// What the server said.
        detail: String,
    },
    /// No zone of this server or account contains the name.
    #[error("{server} serves no zone that contains {name}; add the zone there or choose the provider that has it")]
    ZoneNotFound {
        /// Server or API address.
        server: String,
        /// The name that was to be changed.
        name: String,
    },
    /// No connection, or no answer in time.
    #[error("{server} cannot be reached: {cause}")]
    Unreachable {
        /// Server or API address.
        server: String,
        /// The network's reason.
        cause: String,
    },
    /// The provider asks us to slow down.
    #[error("{server} limits the rate of changes{}", wait(.retry_after))]
    RateLimited {
        /// Server or API address.
        server: String,
        /// How long the server asks us to wait, when it says so.
        retry_after: Option<Duration>,
    },
    /// The server understood and declined, and would decline again.
    #[error("{server} refuses the change: {detail}")]
    Refused {
        /// Server or API address.
        server: String,
        /// What the server said.
        detail: String,
    },
    /// The server failed by its own account (SERVFAIL, HTTP 5xx).
    #[error("{server} failed: {detail}; try again later")]
    ServerFault {
        /// Server or API address.
        server: String,
        /// What the server said.
        detail: String,
    },
    /// The answer is not what the protocol promises.
    #[error("{server} gave an answer that makes no sense: {detail}")]
    BadAnswer {
        /// Server or API address.
        server: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The name cannot be a host name in the DNS.
    #[error("{name:?} is not a domain name: {why}")]
    InvalidName {
        /// The name as given.
        name: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// The text cannot be published as one TXT character-string.
    #[error("the TXT value cannot be published: {0}")]
    InvalidValue(&'static str),
    /// CNAMEs lead in a circle or too far.
    #[error("the CNAME records that start at {name} lead in a circle or through more than {limit} names; correct them")]
    AliasLoop {
        /// Where the walk began.
        name: String,
        /// The greatest number of CNAMEs followed.
        limit: usize,
    },
    /// A resolver address in the configuration is not an address.
    #[error("{0:?} is not a server address; write 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:53")]
    InvalidServer(String),
}

impl DnsError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::RateLimited { .. } | Self::ServerFault { .. } | Self::BadAnswer { .. })
    }
}

fn wait(retry_after: &Option<Duration>) -> String {
    match retry_after {
        Some(wait) => format!("; it asks to wait {} s", wait.as_secs()),
        None => "; wait before the next change".to_owned(),
    }
}
