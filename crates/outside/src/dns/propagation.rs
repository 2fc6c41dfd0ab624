//! Whether the zone's own servers show a TXT value yet.
//!
//! An authority asks the authoritative servers, not a cache, and often several of them from several places. So every one
//! is asked directly before the challenge is declared ready.

use super::wire::{self, Recursion};
use super::{DnsError, Resolvers, name};
use futures_util::future::join_all;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use std::fmt;
use std::net::SocketAddr;

/// What every authoritative server of the zone answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Propagation {
    /// One entry per server address.
    pub servers: Vec<ServerView>,
}

/// What one server answers at one of its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerView {
    /// Host name from the NS record, or the address when it was configured.
    pub server: String,
    /// The address that was asked.
    pub address: SocketAddr,
    /// The answer.
    pub sight: Sight,
}

/// Whether a server shows the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// It answers the value.
    Present,
    /// It answers, but without the value.
    Absent,
    /// It gives no usable answer, for this reason.
    Silent(String),
}

impl Propagation {
    /// Whether every server shows the value: each at one address at least, and none of its addresses shows old data.
    ///
    /// An address that does not answer (an IPv6 address seen from a host without IPv6) does not count against a server that
    /// answers elsewhere.
    pub fn everywhere(&self) -> bool {
        !self.servers.is_empty() && self.waiting_for().next().is_none()
    }

    /// Whether no server that answers lacks the value, and one at least has it: what remains is silent servers.
    pub fn only_silence_remains(&self) -> bool {
        self.servers.iter().any(|view| view.sight == Sight::Present)
            && !self.servers.iter().any(|view| view.sight == Sight::Absent)
    }

    /// The answers that keep [`everywhere`](Self::everywhere) from being true.
    pub fn waiting_for(&self) -> impl Iterator<Item = &ServerView> {
        self.servers.iter().filter(|view| match view.sight {
            Sight::Present => false,
            Sight::Absent => true,
            Sight::Silent(_) => !self.servers.iter().any(|other| other.server == view.server && other.sight == Sight::Present),
        })
    }
}

impl fmt::Display for Propagation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let present = self.servers.iter().filter(|view| view.sight == Sight::Present).count();
        write!(f, "{present} of {} server addresses show the TXT value", self.servers.len())?;
        for (index, view) in self.waiting_for().take(8).enumerate() {
            f.write_str(if index == 0 { "; waiting for " } else { ", " })?;
            f.write_str(&view.server)?;
            if view.server != view.address.to_string() {
                write!(f, " ({})", view.address)?;
            }
            if let Sight::Silent(why) = &view.sight {
                write!(f, ": {why}")?;
            }
        }
        Ok(())
    }
}

/// Asks every authoritative server of the zone that holds `name` whether it answers the TXT `value`.
///
/// `check_servers` replaces the servers found by NS records; leave it empty to discover them through `resolvers`.
///
/// # Errors
/// Only when the servers cannot be found out; a server that does not answer is part of the result.
pub async fn visible(
    name: &str,
    value: &str,
    resolvers: &Resolvers,
    check_servers: &[SocketAddr],
) -> Result<Propagation, DnsError> {
    let owner = name::parse(name)?;
    let servers: Vec<(String, SocketAddr)> = if check_servers.is_empty() {
        resolvers.challenge_authorities(&owner).await?
    } else {
        check_servers.iter().map(|address| (address.to_string(), *address)).collect()
    };
    let views = servers.into_iter().map(|(server, address)| view(server, address, &owner, value));
    Ok(Propagation { servers: join_all(views).await })
}

async fn view(server: String, address: SocketAddr, owner: &Name, value: &str) -> ServerView {
    let sight = match wire::ask(address, owner, RecordType::TXT, Recursion::No).await {
        Ok(answer) => sight(&answer, owner, value),
        Err(DnsError::Unreachable { cause, .. }) => Sight::Silent(cause),
        Err(other) => Sight::Silent(other.to_string()),
    };
    ServerView { server, address, sight }
}

fn sight(answer: &Message, owner: &Name, value: &str) -> Sight {
    if answer.answers.iter().any(|record| record.name == *owner && is_txt(&record.data, value)) {
        return Sight::Present;
    }
    match answer.metadata.response_code {
        ResponseCode::NXDomain => Sight::Absent,
        ResponseCode::NoError if answer.metadata.authoritative || !answer.answers.is_empty() => Sight::Absent,
        ResponseCode::NoError => Sight::Silent("it does not serve the zone".to_owned()),
        code => Sight::Silent(format!("it answers {code}")),
    }
}

/// Whether the record's character-strings, joined, are `value`.
fn is_txt(data: &RData, value: &str) -> bool {
    matches!(data, RData::TXT(txt) if txt.txt_data.concat() == value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(entries: &[(&str, &str, Sight)]) -> Propagation {
        let servers = entries.iter().map(|(server, address, sight)| ServerView {
            server: (*server).to_owned(),
            address: address.parse().unwrap(),
            sight: sight.clone(),
        });
        Propagation { servers: servers.collect() }
    }

    #[test]
    fn a_silent_address_is_forgiven_only_to_a_server_that_answers_elsewhere() {
        let silent = Sight::Silent("no route".to_owned());
        let dual = seen(&[("ns1", "192.0.2.1:53", Sight::Present), ("ns1", "[2001:db8::1]:53", silent.clone())]);
        assert!(dual.everywhere());
        let dead = seen(&[("ns1", "192.0.2.1:53", Sight::Present), ("ns2", "192.0.2.2:53", silent)]);
        assert!(!dead.everywhere());
        assert!(dead.only_silence_remains());
        assert_eq!(dead.to_string(), "1 of 2 server addresses show the TXT value; waiting for ns2 (192.0.2.2:53): no route");
    }

    #[test]
    fn one_stale_address_is_enough_to_wait() {
        let stale = seen(&[("ns1", "192.0.2.1:53", Sight::Present), ("ns1", "192.0.2.9:53", Sight::Absent)]);
        assert!(!stale.everywhere());
        assert!(!stale.only_silence_remains());
        assert!(!seen(&[]).everywhere());
    }
}
