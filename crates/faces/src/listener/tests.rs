use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::routing::get;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A listener at work, stopped when told or dropped.
struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Running {
    fn start(listener: Listener, router: Router) -> Running {
        let address = listener.address().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(serve(listener, router, async { drop(stopped.await) }));
        Running { address, stop: Some(stop), served }
    }

    async fn plain(router: Router, bounds: Bounds) -> Running {
        Running::start(Listener::plain(LOOPBACK, bounds).await.unwrap(), router)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn stop(&mut self) {
        drop(self.stop.take());
    }
}

fn short() -> Bounds {
    let moment = Duration::from_millis(200);
    Bounds { handshake: moment, head: moment, farewell: Duration::from_millis(500), ..Bounds::default() }
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

/// One request on a connection that is closed afterwards; everything that came back.
async fn ask<S: AsyncReadExt + AsyncWriteExt + Unpin>(mut stream: S) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl Identity {
    fn new() -> Identity {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Identity { chain: vec![made.cert.der().clone()], key: made.signing_key.serialize_der() }
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.clone()).unwrap()
    }

    fn assignment(&self) -> Arc<TlsAssignment> {
        TlsAssignment::new(self.chain.clone(), self.key()).unwrap()
    }
}

async fn handshake(address: SocketAddr, trusted: &Identity, protocols: &[&[u8]]) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.chain[0].clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn plain_and_tls_listeners_serve() {
    let plain = Running::plain(hello(), Bounds::default()).await;
    assert!(ask(plain.connect().await).await.ends_with("hello"));

    let identity = Identity::new();
    let listener = Listener::tls(LOOPBACK, identity.assignment(), Bounds::default()).await.unwrap();
    let tls = Running::start(listener, hello());
    let stream = handshake(tls.address, &identity, &[b"http/1.1"]).await.unwrap();
    assert!(ask(stream).await.ends_with("hello"));
    let stream = handshake(tls.address, &identity, &[]).await.unwrap();
    assert!(ask(stream).await.ends_with("hello"), "a client without ALPN speaks HTTP/1.1");
}

#[tokio::test]
async fn http2_is_agreed_on_in_the_handshake() {
    let identity = Identity::new();
    let listener = Listener::tls(LOOPBACK, identity.assignment(), Bounds::default()).await.unwrap();
    let tls = Running::start(listener, hello());
    let mut stream = handshake(tls.address, &identity, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    // The connection preface and an empty SETTINGS frame (RFC 9113 §3.4); the server answers with SETTINGS of its own.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "a SETTINGS frame");
}

#[tokio::test]
async fn a_silent_peer_stops_nobody_and_is_dropped() {
    let identity = Identity::new();
    let listener = Listener::tls(LOOPBACK, identity.assignment(), short()).await.unwrap();
    let tls = Running::start(listener, hello());
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(tls.connect().await);
    }
    let stream = handshake(tls.address, &identity, &[]).await.unwrap();
    assert!(ask(stream).await.ends_with("hello"));
    let waited = tokio::time::timeout(Duration::from_secs(5), silent[0].read(&mut [0; 1])).await.unwrap();
    assert!(matches!(waited, Ok(0) | Err(_)), "a handshake that does not come ends the connection");
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let plain = Running::plain(hello(), short()).await;
    let (mut silent, mut slow) = (plain.connect().await, plain.connect().await);
    slow.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
    for stream in [&mut silent, &mut slow] {
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "the connection stays open");
        assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
    }
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_a_place() {
    let plain = Running::plain(hello(), Bounds { connections: 1, ..Bounds::default() }).await;
    let first = plain.connect().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let second = tokio::spawn(ask(plain.connect().await));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!second.is_finished(), "the second is served although there is no place");
    drop(first);
    let answer = tokio::time::timeout(Duration::from_secs(5), second).await.unwrap().unwrap();
    assert!(answer.ends_with("hello"));
}

#[tokio::test]
async fn the_certificate_is_exchanged_while_it_listens() {
    let (old, new) = (Identity::new(), Identity::new());
    let assignment = old.assignment();
    let listener = Listener::tls(LOOPBACK, assignment.clone(), Bounds::default()).await.unwrap();
    let tls = Running::start(listener, hello());
    let standing = handshake(tls.address, &old, &[]).await.unwrap();

    assert!(matches!(assignment.replace(new.chain.clone(), old.key()), Err(AssignmentError::Unfit(_))));
    assert!(matches!(assignment.replace(Vec::new(), new.key()), Err(AssignmentError::Empty)));
    assert!(handshake(tls.address, &old, &[]).await.is_ok(), "a refused exchange changes nothing");

    assignment.replace(new.chain.clone(), new.key()).unwrap();
    assert!(handshake(tls.address, &old, &[]).await.is_err());
    let stream = handshake(tls.address, &new, &[]).await.unwrap();
    assert!(ask(stream).await.ends_with("hello"));
    assert!(ask(standing).await.ends_with("hello"), "connections live on");
}

#[tokio::test]
async fn requests_finish_before_it_stops() {
    let router = Router::new().route(
        "/",
        get(|| async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            "finished"
        }),
    );
    let mut plain = Running::plain(router, Bounds::default()).await;
    let running = tokio::spawn(ask(plain.connect().await));
    let mut idle = plain.connect().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    plain.stop();
    assert!(running.await.unwrap().ends_with("finished"));
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap_or(0), 0, "an idle connection is closed");
    tokio::time::timeout(Duration::from_secs(5), plain.served).await.unwrap().unwrap();
    assert!(TcpStream::connect(plain.address).await.is_err());
}

#[tokio::test]
async fn whoever_does_not_finish_is_cut_off() {
    static DROPPED: AtomicBool = AtomicBool::new(false);
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            DROPPED.store(true, Ordering::SeqCst);
        }
    }
    let endless = || async {
        let _guard = Guard;
        std::future::pending::<()>().await;
    };
    let mut plain = Running::plain(Router::new().route("/", get(endless)), short()).await;
    let running = tokio::spawn(ask(plain.connect().await));
    tokio::time::sleep(Duration::from_millis(50)).await;
    plain.stop();
    let begun = Instant::now();
    tokio::time::timeout(Duration::from_secs(5), plain.served).await.unwrap().unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(400), "it did not wait at all");
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), running).await.unwrap().unwrap(), "");
    assert!(DROPPED.load(Ordering::SeqCst));
}
