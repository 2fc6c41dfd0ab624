//! Sending every event to a syslog server: RFC 5424 lines over TLS (RFC 5425), over TCP with octet counting (RFC 6587 §3.4.1), or
//! over UDP (RFC 5426).
//!
//! How far the log was sent is kept in the database, so a restart goes on where it was. Syslog has no acknowledgement of its own;
//! over TLS and TCP each batch is a connection that this side half-closes, and it counts as taken when the server has read to its
//! end and closes too; over TLS with the alert that RFC 5425 §4.4 demands of it, so that nobody else can say so in its place. A
//! batch whose fate is unknown is sent again: nothing is left out, and some events may come twice.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use certhold_domain::Core;
use certhold_domain::events::delivery;
use certhold_domain::events::export::{self, Format};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use tokio_util::sync::CancellationToken;

/// Where events are sent to.
#[derive(Clone)]
pub struct SyslogTarget {
    transport: Transport,
    /// `HOST:PORT`.
    address: String,
}

#[derive(Clone)]
enum Transport {
    /// Without a connector until the authorities are known that may vouch for the server.
    Tls(Option<TlsConnector>),
    Tcp,
    Udp,
}

impl SyslogTarget {
    /// With the authorities of a file, which TLS needs and nothing else takes.
    ///
    /// # Errors
    /// The configuration's key and what is wrong with it.
    pub fn trusting(self, ca: Option<&Path>) -> Result<SyslogTarget, (&'static str, String)> {
        let transport = match (&self.transport, ca) {
            (Transport::Tls(_), Some(ca)) => Transport::Tls(Some(connector(ca).map_err(|why| ("syslog_ca", why))?)),
            (Transport::Tls(_), None) => {
                let why = format!("{self} needs the certificates of the authorities that may vouch for it, as a file");
                return Err(("syslog_ca", why));
            }
            (_, Some(_)) => return Err(("syslog_ca", format!("{self} uses no TLS: write tls://{}", self.address))),
            (other, None) => other.clone(),
        };
        Ok(SyslogTarget { transport, ..self })
    }

    fn scheme(&self) -> &'static str {
        match self.transport {
            Transport::Tls(_) => "tls",
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        }
    }
}

/// Trusts the certificates in this file, in any format, and nothing else.
fn connector(ca: &Path) -> Result<TlsConnector, String> {
    let shown = ca.display();
    let content = std::fs::read(ca).map_err(|error| format!("{shown}: {}", crate::failure::plain(&error)))?;
    let found = certhold_pki::read(&content, None).map_err(|error| format!("{shown}: {error}"))?;
    let mut roots = RootCertStore::empty();
    for certificate in &found.certificates {
        let der = CertificateDer::from(certificate.der.as_slice());
        roots.add(der).map_err(|error| format!("{shown}, {}: {error}", certificate.place))?;
    }
    if roots.is_empty() {
        return Err(format!("{shown}: there is no certificate in it"));
    }
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

impl FromStr for SyslogTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<SyslogTarget, String> {
        let (transport, address) = match text.split_once("://") {
            Some(("tls", address)) => (Transport::Tls(None), address),
            Some(("tcp", address)) => (Transport::Tcp, address),
            Some(("udp", address)) => (Transport::Udp, address),
            _ => return Err(format!("{text:?} is not an address such as tls://syslog.example.com:6514 or udp://192.0.2.1:514")),
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
        write!(f, "{}://{}", self.scheme(), self.address)
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
    let sent = tokio::time::timeout(PATIENCE, send(target, &lines)).await;
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

async fn send(target: &SyslogTarget, lines: &[String]) -> Result<(), String> {
    let address = &target.address;
    let failed = |error: std::io::Error| format!("{address}: {error}");
    match &target.transport {
        Transport::Udp => udp(address, lines).await,
        Transport::Tcp => hand_over(TcpStream::connect(address).await.map_err(failed)?, lines).await.map_err(failed),
        Transport::Tls(None) => Err(format!("{address}: nobody is trusted to vouch for it")),
        Transport::Tls(Some(connector)) => {
            // Every address has a port: it was checked when it was read.
            let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host).trim_matches(['[', ']']);
            let name = ServerName::try_from(host.to_owned()).map_err(|_| format!("{host:?} is no name that TLS could check"))?;
            let stream = TcpStream::connect(address).await.map_err(failed)?;
            hand_over(connector.connect(name, stream).await.map_err(failed)?, lines).await.map_err(failed)
        }
    }
}

/// Sends with octet counting, ends this side, and waits until the server ends its own.
async fn hand_over(mut stream: impl AsyncRead + AsyncWrite + Unpin, lines: &[String]) -> std::io::Result<()> {
    let mut framed = Vec::with_capacity(lines.iter().map(|line| line.len() + 8).sum());
    for line in lines {
        framed.extend_from_slice(format!("{} ", line.len()).as_bytes());
        framed.extend_from_slice(line.as_bytes());
    }
    stream.write_all(&framed).await?;
    stream.shutdown().await?;
    // A server that has read everything sees the end and closes; one that was killed resets the connection.
    let mut ignored = [0; 512];
    while stream.read(&mut ignored).await? > 0 {}
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
mod tests;
