//! Answering dns-01 challenges (RFC 8555 section 8.4): where the TXT value belongs, how it gets there, and whether the
//! zone's own servers show it.
//!
//! - [`Provider`] adds and removes exactly one TXT value, and may be told to do either twice; what each kind of provider
//!   needs to be told stands in the domain's catalogue;
//! - [`challenge_name`] follows `_acme-challenge` CNAMEs to the name that must carry the value;
//! - [`propagation::visible`] asks every authoritative server whether it answers the value.
//!
//! Configuration: `dns.resolvers` is a list of `address` or `address:port` of recursive resolvers ([`Resolvers::new`]);
//! without it the host's `/etc/resolv.conf` counts. A provider's `check_servers` replaces the discovered authoritative
//! servers, for zones whose servers cannot be reached at port 53 of the addresses in their NS records.

mod error;
mod name;
mod powerdns;
pub mod propagation;
mod provider;
mod resolve;
mod rfc2136;
mod settings;
mod wire;

pub use error::DnsError;
pub use propagation::{Propagation, visible};
pub use provider::{Provider, Secrets, Settings};
pub use resolve::{ChallengeName, Resolvers, challenge_name, parse_servers};
pub use settings::{FieldProblem, SettingsError};
