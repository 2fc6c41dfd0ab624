//! Free ports on loopback.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// A TCP port of 127.0.0.1 that was free a moment ago. Prefer port 0 where a server can say which one it took.
pub fn free_tcp() -> u16 {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free TCP port on 127.0.0.1");
    listener
        .local_addr()
        .expect("a bound listener has an address")
        .port()
}

/// A port of 127.0.0.1 that was free a moment ago for TCP and for UDP, as a DNS server needs it.
pub fn free_dns() -> u16 {
    for _ in 0..100 {
        let port = free_tcp();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port of 127.0.0.1 is free for both TCP and UDP");
}

/// That port on 127.0.0.1.
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_bound() {
        TcpListener::bind(loopback(free_tcp())).unwrap();
        let port = free_dns();
        let _tcp = TcpListener::bind(loopback(port)).unwrap();
        UdpSocket::bind(loopback(port)).unwrap();
    }
}
