//! A small DNS of its own: PowerDNS and BIND as authoritative servers, and a resolver that knows the way to both.

use crate::bind::{Bind, Zone};
use crate::ports;
use crate::powerdns::PowerDns;
use std::net::{IpAddr, Ipv4Addr};

/// Three servers that serve one name space.
///
/// Name server records carry no ports, so both authoritative servers use one port on two addresses; what asks them must
/// be told that port.
pub struct Lab {
    /// Authoritative for the zones it was started with.
    pub powerdns: PowerDns,
    /// Authoritative for the other zones.
    pub bind: Bind,
    /// The resolver; it finds the zones of both.
    pub resolver: Bind,
    /// The port of the authoritative servers.
    pub authoritative_port: u16,
}

impl Lab {
    /// Starts the servers; zones of PowerDNS can be added later if a zone above them is listed here.
    ///
    /// # Panics
    /// When one is not installed or does not come up.
    pub async fn start(powerdns_zones: &[&str], bind_zones: &[Zone<'_>]) -> Self {
        let [first, second] = [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::LOCALHOST].map(IpAddr::from);
        let port = ports::on_all(&[first, second]);
        let powerdns = PowerDns::start_at((first, port).into()).await;
        for zone in powerdns_zones {
            powerdns.add_zone(zone).await;
        }
        let bind = Bind::primary_at((second, port).into(), "hmac-sha256", bind_zones).await;
        let below_powerdns = powerdns_zones.iter().map(|zone| (*zone, powerdns.dns));
        let below_bind = bind_zones.iter().map(|zone| (zone.name, bind.dns));
        let resolver = Bind::resolver(&below_powerdns.chain(below_bind).collect::<Vec<_>>()).await;
        Self { powerdns, bind, resolver, authoritative_port: port }
    }
}
