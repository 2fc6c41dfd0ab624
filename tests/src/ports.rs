//! Free ports on loopback.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Below the range from which the system takes ports for outgoing connections, so that none of those is in the way
/// between the look and the use.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// An address on 127.0.0.1 whose port is free for TCP and for UDP (a DNS server needs both); no port is given twice.
///
/// # Panics
/// When none is free.
pub fn loopback() -> SocketAddr {
    let ip = Ipv4Addr::LOCALHOST.into();
    SocketAddr::new(ip, on_all(&[ip]))
}

/// One port that is free for TCP and for UDP on each of several addresses.
///
/// # Panics
/// When none is free.
pub fn on_all(addresses: &[IpAddr]) -> u16 {
    static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    // Test binaries that run at the same time begin in different places.
    let span = u32::from(RANGE.end - RANGE.start);
    let first = std::process::id().wrapping_mul(331) % span;
    let port = (0..span)
        .filter_map(|step| u16::try_from((first + step) % span).ok())
        .map(|offset| RANGE.start + offset)
        .find(|port| !given.contains(port) && addresses.iter().all(|&ip| is_free(ip, *port)))
        .unwrap_or_else(|| panic!("no port between {} and {} is free on {addresses:?}", RANGE.start, RANGE.end));
    given.insert(port);
    port
}

fn is_free(ip: IpAddr, port: u16) -> bool {
    TcpListener::bind((ip, port)).is_ok() && UdpSocket::bind((ip, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_bound_and_is_given_once() {
        let addresses: HashSet<_> = (0..20).map(|_| loopback()).collect();
        assert_eq!(addresses.len(), 20);
        for address in addresses {
            assert!(address.ip().is_loopback());
            let _tcp = TcpListener::bind(address).unwrap();
            UdpSocket::bind(address).unwrap();
        }
    }
}
