//! Finding things out: recursive look-ups, the zone that holds a name, its servers, and where `_acme-challenge` leads.

use super::wire::{self, Recursion};
use super::{DnsError, name};
use crate::keys::SystemEntropy;
use certhold_domain::Entropy as _;
use futures_util::future::join_all;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// CNAMEs followed from `_acme-challenge` before giving up.
const MAX_ALIASES: usize = 8;
/// Name servers of one zone that are asked; the root zone has 13.
const MAX_SERVERS: usize = 16;
/// Addresses of one name server that are asked.
const MAX_ADDRESSES: usize = 8;
const DNS_PORT: u16 = 53;

/// Which recursive resolvers answer our questions about the DNS.
#[derive(Debug, Clone)]
pub struct Resolvers {
    servers: Vec<SocketAddr>,
    authoritative_port: u16,
}

impl Resolvers {
    /// The resolvers of the configuration (`dns.resolvers`), each `address` or `address:port`; an empty list means those
    /// of the host.
    ///
    /// # Errors
    /// [`DnsError::InvalidServer`] names the entry that is no address.
    pub fn new<S: AsRef<str>>(servers: &[S]) -> Result<Self, DnsError> {
        if servers.is_empty() {
            return Ok(Self::system());
        }
        let servers = servers.iter().map(|s| parse_server(s.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { servers, authoritative_port: DNS_PORT })
    }

    /// The `nameserver` lines of `/etc/resolv.conf`; like the C library, 127.0.0.1 if there are none.
    pub fn system() -> Self {
        let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        Self { servers: nameservers(&text), authoritative_port: DNS_PORT }
    }

    /// Asks authoritative servers at `port` instead of 53, for laboratories in which no process may bind port 53.
    #[must_use]
    pub fn with_authoritative_port(mut self, port: u16) -> Self {
        self.authoritative_port = port;
        self
    }

    /// Asks the resolvers in turn until one gives an answer or says that there is none.
    async fn look_up(&self, name: &Name, kind: RecordType) -> Result<Message, DnsError> {
        let mut last = None;
        for &server in &self.servers {
            match wire::ask(server, name, kind, Recursion::Desired).await {
                Ok(answer) => match answer.metadata.response_code {
                    ResponseCode::NoError | ResponseCode::NXDomain => return Ok(answer),
                    code => {
                        last = Some(DnsError::ServerFault {
                            server: server.to_string(),
                            detail: format!("it answers {code} for {} {kind}", name::text(name)),
                        });
                    }
                },
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| DnsError::InvalidServer(String::new())))
    }

    /// The apex of the zone that holds `name` (the owner of the SOA record above it).
    async fn zone_of(&self, name: &Name) -> Result<Name, DnsError> {
        for candidate in name::suffixes(name) {
            let answer = self.look_up(&candidate, RecordType::SOA).await?;
            if let Some(apex) = apex(&answer, &candidate) {
                return Ok(apex);
            }
        }
        Err(DnsError::ZoneNotFound { server: "the configured resolver".to_owned(), name: name::text(name) })
    }

    /// The authoritative servers of the zone that holds `name`, by name and address.
    pub(super) async fn authorities(&self, name: &Name) -> Result<Vec<(String, SocketAddr)>, DnsError> {
        let zone = self.zone_of(name).await?;
        let answer = self.look_up(&zone, RecordType::NS).await?;
        let hosts: Vec<Name> = answer
            .answers
            .iter()
            .filter_map(|record| match &record.data {
                RData::NS(host) if record.name == zone => Some(host.0.clone()),
                _ => None,
            })
            .take(MAX_SERVERS)
            .collect();
        let addresses = join_all(hosts.iter().map(|host| self.addresses(host))).await;
        let servers: Vec<_> = hosts
            .iter()
            .zip(addresses)
            .flat_map(|(host, addresses)| {
                let host = name::text(host);
                addresses.into_iter().map(move |ip| (host.clone(), ip))
            })
            .map(|(host, ip)| (host, SocketAddr::new(ip, self.authoritative_port)))
            .collect();
        if servers.is_empty() {
            return Err(DnsError::BadAnswer {
                server: "the configured resolver".to_owned(),
                detail: format!("it knows no name server with an address for the zone {}", name::text(&zone)),
            });
        }
        Ok(servers)
    }

    async fn addresses(&self, host: &Name) -> Vec<IpAddr> {
        let (v4, v6) = tokio::join!(self.look_up(host, RecordType::A), self.look_up(host, RecordType::AAAA));
        let records = [v4, v6].into_iter().flatten().flat_map(|message| message.answers);
        records
            .filter_map(|record| match record.data {
                RData::A(a) => Some(IpAddr::V4(a.0)),
                RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
                _ => None,
            })
            .take(MAX_ADDRESSES)
            .collect()
    }

    /// The authoritative servers for a name at which a challenge is or will be published.
    ///
    /// Resolvers are asked about the name above it only: they remember "there is no such name", and where one also serves
    /// the authority, it would hide the TXT record that is published a moment later (RFC 2308).
    pub(super) async fn challenge_authorities(&self, name: &Name) -> Result<Vec<(String, SocketAddr)>, DnsError> {
        let above = name.base_name();
        if above.is_root() {
            return self.authorities(name).await;
        }
        let servers = self.authorities(&above).await?;
        for (_, server) in &servers {
            let Ok(answer) = wire::ask(*server, name, RecordType::SOA, Recursion::No).await else {
                continue;
            };
            // A referral: the name is a zone of its own, somewhere else.
            let referred = answer.authorities.iter().any(|r| r.record_type() == RecordType::NS && r.name == *name);
            if !answer.metadata.authoritative && referred {
                return self.authorities(name).await;
            }
            break;
        }
        Ok(servers)
    }

    /// The target of the CNAME at `name`, if there is one: as the zone's own servers say, else as the resolvers say.
    ///
    /// A wildcard such as `*.example.com CNAME cdn.example.net` answers for every name that does not exist, but is not meant
    /// for challenges and gives way to the TXT record as soon as that is there; so a CNAME that a made-up neighbour has too
    /// is passed over.
    async fn alias(&self, name: &Name) -> Result<Option<Name>, DnsError> {
        let target = self.cname(name).await?;
        if target.is_some() {
            let mut random = [0; 8];
            SystemEntropy.fill(&mut random);
            let label = format!("_certhold-{:016x}", u64::from_ne_bytes(random));
            // A name that has no room for a neighbour has no wildcard above it that matters.
            if let Ok(neighbour) = name.base_name().prepend_label(label)
                && self.cname(&neighbour).await? == target
            {
                return Ok(None);
            }
        }
        Ok(target)
    }

    async fn cname(&self, name: &Name) -> Result<Option<Name>, DnsError> {
        if let Ok(servers) = self.challenge_authorities(name).await {
            for (_, server) in servers {
                if let Ok(answer) = wire::ask(server, name, RecordType::CNAME, Recursion::No).await
                    && answer.metadata.authoritative
                    && matches!(answer.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
                {
                    return Ok(cname(&answer, name));
                }
            }
        }
        let answer = self.look_up(name, RecordType::CNAME).await?;
        Ok(cname(&answer, name))
    }
}

/// Where a dns-01 TXT value belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeName {
    /// The name that must carry the TXT value, without trailing dot.
    pub name: String,
    /// The names that lead there by CNAME, first `_acme-challenge.DOMAIN`; empty if there is no CNAME.
    pub aliases: Vec<String>,
}

/// The name at which the authority will look for the dns-01 value of `domain` (a wildcard counts as its parent):
/// `_acme-challenge.DOMAIN`, or where CNAME records lead from there.
///
/// # Errors
/// [`DnsError::AliasLoop`] for circles and chains of more than 8, and whatever the resolvers answer.
pub async fn challenge_name(domain: &str, resolvers: &Resolvers) -> Result<ChallengeName, DnsError> {
    let domain = domain.strip_prefix("*.").unwrap_or(domain);
    name::parse(domain)?;
    let start = name::parse(&format!("_acme-challenge.{domain}"))?;
    let mut current = start.clone();
    let mut aliases: Vec<Name> = Vec::new();
    while let Some(target) = resolvers.alias(&current).await? {
        aliases.push(current);
        if aliases.len() > MAX_ALIASES || aliases.contains(&target) {
            return Err(DnsError::AliasLoop { name: name::text(&start), limit: MAX_ALIASES });
        }
        current = target;
    }
    Ok(ChallengeName { name: name::text(&current), aliases: aliases.iter().map(name::text).collect() })
}

fn cname(answer: &Message, owner: &Name) -> Option<Name> {
    answer.answers.iter().find_map(|record| match &record.data {
        RData::CNAME(target) if record.name == *owner => {
            let mut target = target.0.to_lowercase();
            target.set_fqdn(true);
            Some(target)
        }
        _ => None,
    })
}

/// The owner of the SOA record in the answer to a SOA query for `candidate`, if it is `candidate` or above it.
pub(super) fn apex(answer: &Message, candidate: &Name) -> Option<Name> {
    let soa = |records: &[hickory_proto::rr::Record]| {
        let owner = records.iter().find(|r| r.record_type() == RecordType::SOA && r.name.zone_of(candidate));
        owner.map(|r| r.name.to_lowercase())
    };
    // Behind a CNAME the SOA in the authority section belongs to the target's zone, which says nothing about this name.
    if answer.answers.iter().any(|r| r.record_type() == RecordType::CNAME) {
        return None;
    }
    soa(&answer.answers).or_else(|| soa(&answer.authorities))
}

/// Parses a list of server addresses separated by commas or white space, each with or without port.
///
/// # Errors
/// [`DnsError::InvalidServer`] names the entry that is no address.
pub fn parse_servers(list: &str) -> Result<Vec<SocketAddr>, DnsError> {
    list.split([',', ' ', '\n', '\t', '\r']).filter(|s| !s.is_empty()).map(parse_server).collect()
}

fn parse_server(text: &str) -> Result<SocketAddr, DnsError> {
    let text = text.trim();
    text.parse::<SocketAddr>()
        .or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DNS_PORT)))
        .map_err(|_| DnsError::InvalidServer(text.chars().take(100).collect()))
}

fn nameservers(resolv_conf: &str) -> Vec<SocketAddr> {
    let mut servers: Vec<SocketAddr> = resolv_conf
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next()? == "nameserver").then(|| words.next()?.parse::<IpAddr>().ok())?
        })
        .map(|ip| SocketAddr::new(ip, DNS_PORT))
        .collect();
    if servers.is_empty() {
        servers.push((Ipv4Addr::LOCALHOST, DNS_PORT).into());
    }
    servers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_addresses() {
        let parsed = parse_servers("192.0.2.1, 192.0.2.2:5353 [2001:db8::1]:54,2001:db8::2").unwrap();
        let expected: Vec<SocketAddr> = ["192.0.2.1:53", "192.0.2.2:5353", "[2001:db8::1]:54", "[2001:db8::2]:53"]
            .iter()
            .map(|s| s.parse().unwrap())
            .collect();
        assert_eq!(parsed, expected);
        for bad in ["ns1.example.com", "192.0.2.1:dns", "192.0.2", "192.0.2.1:70000", "<b>"] {
            assert_eq!(parse_servers(bad), Err(DnsError::InvalidServer(bad.to_owned())));
        }
    }

    #[test]
    fn resolv_conf() {
        let text = "# nameserver 1.1.1.1\nsearch example.com\nnameserver 192.0.2.7\n nameserver  2001:db8::7 \nnameserver fe80::1%eth0\n";
        let expected: Vec<SocketAddr> = vec!["192.0.2.7:53".parse().unwrap(), "[2001:db8::7]:53".parse().unwrap()];
        assert_eq!(nameservers(text), expected);
        assert_eq!(nameservers(""), ["127.0.0.1:53".parse().unwrap()]);
    }

    #[tokio::test]
    async fn hostile_domains_never_reach_the_network() {
        let resolvers = Resolvers::new(&["192.0.2.1"]).unwrap();
        for bad in ["", "*.", "*.*.example.com", "a b", "x\0y", &"a.".repeat(126)] {
            assert!(matches!(challenge_name(bad, &resolvers).await, Err(DnsError::InvalidName { .. })), "{bad:?}");
        }
    }
}
