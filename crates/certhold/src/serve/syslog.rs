//! Sending every event to a syslog server: RFC 5424 lines over TCP with octet counting (RFC 6587 §3.4.1) or over UDP (RFC 5426).
//!
//! How far the log was sent is kept in the database, so a restart goes on where it was. Syslog has no acknowledgement of its own;
//! over TCP each batch is a connection that this side half-closes, and it counts as taken when the server has read to its end and
//! closes too. A batch whose fate is unknown is sent again: nothing is left out, and some events may come twice.

use std::str::FromStr;
use std::time::Duration;

use certhold_domain::Core;
use certhold_domain::events::delivery;
use certhold_domain::events::export::{self, Format};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio_util::sync::CancellationToken;

/// Where events are sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogTarget {
    transport: Transport,
    /// `HOST:PORT`.
    address: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Tcp,
    Udp,
}

impl FromStr for SyslogTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<SyslogTarget, String> {
        let (transport, address) = match (text.strip_prefix("tcp://"), text.strip_prefix("udp://")) {
            (Some(address), _) => (Transport::Tcp, address),
            (_, Some(address)) => (Transport::Udp, address),
            _ => return Err(format!("{text:?} is not an address such as tcp://syslog.example.com:601 or udp://192.0.2.1:514")),
        };
        let address = address.trim_end_matches('/');
        let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
        match port {
            Some(1..) => Ok(SyslogTarget { transport, address: address.to_owned() }),
            _ => Err(format!("{text:?} needs a host and a port")),
        }
    }
}

impl std::fmt::Display for SyslogTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.transport == Transport::Tcp { "tcp" } else { "udp" };
        write!(f, "{scheme}://{}", self.address)
    }
}

/// How often the log is looked at when everything was sent.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest that connecting, or the server's taking a batch, may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// RFC 5426 §3.2: receivers should take 2,048 octets; larger datagrams are cut.
const DATAGRAM: usize = 2_048;

/// Sends until `stop`.
pub async fn deliver(core: Core, node: String, target: SyslogTarget, stop: CancellationToken) {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    let name = target.to_string();
    let mut pause = LOOK_EVERY;
    loop {
        let sent = tokio::select! {
            () = stop.cancelled() => return,
            sent = batch(&core, &node, &name, &target, &host) => sent,
        };
        pause = match sent {
            Ok(true) => continue,
            Ok(false) => LOOK_EVERY,
            Err(error) => {
                tracing::warn!(target = name, error, "events could not be sent; they wait, and are sent again");
                (pause * 2).min(LONGEST_PAUSE)
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Sends the next events; whether there were any.
async fn batch(core: &Core, node: &str, name: &str, target: &SyslogTarget, host: &str) -> Result<bool, String> {
    let sentence = |error: certhold_domain::Error| error.to_string();
    let (cursor, holder, now) = (name.to_owned(), node.to_owned(), core.now());
    let taken = core.store.write(move |tx| delivery::take(tx, &cursor, &holder, now)).await.map_err(sentence)?;
    let Some(after) = taken else { return Ok(false) };
    let (events, reach) = core.store.read(move |tx| delivery::next(tx, after)).await.map_err(sentence)?;
    if events.is_empty() {
        return Ok(false);
    }
    let lines: Vec<String> = events
        .iter()
        .map(|event| {
            let mut line = String::new();
            export::line(event, Format::Syslog, host, &mut line);
            line.truncate(line.trim_end().len());
            line
        })
        .collect();
    let sent = match target.transport {
        Transport::Tcp => tokio::time::timeout(PATIENCE, tcp(&target.address, &lines)).await,
        Transport::Udp => tokio::time::timeout(PATIENCE, udp(&target.address, &lines)).await,
    };
    let sent = sent.unwrap_or_else(|_| Err("the server did not take them in time".to_owned()));
    let (cursor, holder, now) = (name.to_owned(), node.to_owned(), core.now());
    let (reach, error) = match &sent {
        Ok(()) => (reach, None),
        Err(error) => (after, Some(error.clone())),
    };
    let recorded = core
        .store
        .write(move |tx| delivery::record(tx, &cursor, &holder, reach, error.as_deref(), now))
        .await
        .map_err(sentence)?;
    sent.map(|()| recorded)
}

async fn tcp(address: &str, lines: &[String]) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{address}: {error}");
    let mut stream = TcpStream::connect(address).await.map_err(failed)?;
    let mut framed = Vec::with_capacity(lines.iter().map(|line| line.len() + 8).sum());
    for line in lines {
        framed.extend_from_slice(format!("{} ", line.len()).as_bytes());
        framed.extend_from_slice(line.as_bytes());
    }
    stream.write_all(&framed).await.map_err(failed)?;
    stream.shutdown().await.map_err(failed)?;
    // A server that has read everything sees the end and closes; one that was killed resets the connection.
    let mut ignored = [0; 512];
    while stream.read(&mut ignored).await.map_err(failed)? > 0 {}
    Ok(())
}

async fn udp(address: &str, lines: &[String]) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{address}: {error}");
    let peer =
        tokio::net::lookup_host(address).await.map_err(failed)?.next().ok_or_else(|| format!("{address}: no such host"))?;
    let local: std::net::SocketAddr = if peer.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(local).await.map_err(failed)?;
    socket.connect(peer).await.map_err(failed)?;
    for line in lines {
        let mut end = line.len().min(DATAGRAM);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        socket.send(&line.as_bytes()[..end]).await.map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_written_with_scheme_host_and_port() {
        for good in ["tcp://syslog.example.com:601", "udp://192.0.2.1:514", "tcp://[2001:db8::1]:601"] {
            assert_eq!(good.parse::<SyslogTarget>().unwrap().to_string(), good);
        }
        for bad in ["", "192.0.2.1:514", "tls://h:1", "tcp://h", "tcp://:1", "udp://h:0", "udp://h:70000"] {
            assert!(bad.parse::<SyslogTarget>().is_err(), "{bad}");
        }
    }
}
