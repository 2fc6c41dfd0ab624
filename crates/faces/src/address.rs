//! Where a request came from, as far as it can be believed.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, header};

/// A range of addresses: `10.0.0.0/8`, `::1`, `192.0.2.7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// A text that is not a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address or a range of addresses such as 10.0.0.0/8")]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Network, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        if prefix > bits { Err(wrong()) } else { Ok(Network { address, prefix }) }
    }
}

impl Network {
    /// Whether the address lies in the range. An IPv4 address written in IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(range), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.prefix).unwrap_or(0);
                u32::from(range) & mask == u32::from(address) & mask
            }
            (IpAddr::V6(range), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0);
                u128::from(range) & mask == u128::from(address) & mask
            }
            _ => false,
        }
    }
}

/// The socket's other end; the listener puts it into every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Where a request came from, as it stands in events and counts for lock-outs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Arc<str>);

impl Address {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Whose request this is: the socket's peer, or what a trusted proxy says. Headers of anybody else are not believed; but when
/// such a header comes from the machine itself, a proxy runs there that nobody declared, and its clients must not be taken for
/// somebody at the machine: the address says so.
pub fn of_request(peer: Option<Peer>, headers: &HeaderMap, trusted: &[Network]) -> Address {
    let Some(Peer(peer)) = peer else { return Address("unknown".into()) };
    let peer = peer.ip().to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if is_trusted(peer) {
        return Address(forwarded(headers, is_trusted).unwrap_or(peer).to_string().into());
    }
    let headed = [FORWARDED_FOR, REAL_IP, header::FORWARDED].iter().any(|name| headers.contains_key(name));
    match peer.is_loopback() && headed {
        true => Address(format!("{peer} (forwarded)").into()),
        false => Address(peer.to_string().into()),
    }
}

/// The last address of `X-Forwarded-For` that is not a trusted proxy: what stands before it was written by that client.
fn forwarded(headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let mut farthest = None;
    let values: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or("?")).collect();
    for part in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        let Some(address) = parse(part.trim()) else { break };
        farthest = Some(address);
        if !is_trusted(address) {
            break;
        }
    }
    farthest
}

/// `192.0.2.7`, `192.0.2.7:4711`, `2001:db8::7`, `[2001:db8::7]:4711`.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = || text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    bare().or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        of_request(Some(Peer(peer.parse().unwrap())), &headers, &trusted).to_string()
    }

    #[test]
    fn ranges_hold_what_they_say() {
        let network = |text: &str| text.parse::<Network>().unwrap();
        assert!(network("10.0.0.0/8").contains("10.255.0.1".parse().unwrap()));
        assert!(network("10.0.0.0/8").contains("::ffff:10.0.0.1".parse().unwrap()));
        assert!(!network("10.0.0.0/8").contains("11.0.0.1".parse().unwrap()));
        assert!(network("0.0.0.0/0").contains("8.8.8.8".parse().unwrap()));
        assert!(!network("0.0.0.0/0").contains("::1".parse().unwrap()));
        assert!(network("2001:db8::/33").contains("2001:db8:7fff::1".parse().unwrap()));
        assert!(!network("2001:db8::/33").contains("2001:db8:8000::1".parse().unwrap()));
        for bad in ["", "10.0.0.0/33", "::/129", "x", "10.0.0/8", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(of("192.0.2.1:5", &["203.0.113.9"], &[]), "192.0.2.1");
        assert_eq!(of("192.0.2.1:5", &["203.0.113.9"], &["192.0.2.0/24"]), "203.0.113.9");
        assert_eq!(of("[::ffff:192.0.2.1]:5", &[], &["192.0.2.0/24"]), "192.0.2.1");
    }

    #[test]
    fn what_a_client_wrote_before_the_proxy_counts_for_nothing() {
        assert_eq!(of("192.0.2.1:5", &["127.0.0.1, 203.0.113.9"], &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(of("192.0.2.1:5", &["127.0.0.1", "203.0.113.9, 192.0.2.8"], &["192.0.2.0/24"]), "203.0.113.9");
        assert_eq!(of("192.0.2.1:5", &["nonsense"], &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(of("192.0.2.1:5", &["[2001:db8::7]:80"], &["192.0.2.1"]), "2001:db8::7");
    }

    #[test]
    fn an_undeclared_proxy_on_the_machine_is_not_the_machine() {
        assert_eq!(of("127.0.0.1:5", &[], &[]), "127.0.0.1");
        assert_eq!(of("127.0.0.1:5", &["203.0.113.9"], &[]), "127.0.0.1 (forwarded)");
        assert_eq!(of("[::1]:5", &["127.0.0.1"], &[]), "::1 (forwarded)");
        assert_eq!(of("127.0.0.1:5", &["203.0.113.9"], &["127.0.0.0/8"]), "203.0.113.9");
    }
}
