//! Whom a PostgreSQL connection believes, for each `sslmode`: held against a real TLS server that speaks the first words of the
//! protocol.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certhold_store::{Error, Location, Options, Store};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The client's wish for TLS: length 8, code 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// An error in the protocol's words: a client that reads it has spoken in the clear or through TLS, whichever it was sent by.
const ERROR: &[u8] = b"E\0\0\0\x2aSFATAL\0VFATAL\0C28000\0Mhello stranger\0\0";

/// What a server saw of a client.
#[derive(Debug, PartialEq)]
enum Seen {
    Clear,
    Encrypted,
    TurnedAway,
}

struct Fixture {
    directory: tempfile::TempDir,
    config: Arc<ServerConfig>,
}

impl Fixture {
    /// A root, and a server's certificate for "localhost" from it.
    fn new() -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let issuer = |name: &str| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
        };
        let (root, other) = (issuer("the root"), issuer("another root"));
        std::fs::write(directory.path().join("root.pem"), root.pem()).unwrap();
        std::fs::write(directory.path().join("other.pem"), other.pem()).unwrap();
        std::fs::write(directory.path().join("empty.pem"), "no certificate").unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &root).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        Fixture { directory, config: Arc::new(config) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What a server sees of a client with these parameters, and what the client says.
    fn meet(&self, host: &str, parameters: &str, offers_tls: bool) -> (Seen, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = offers_tls.then(|| self.config.clone());
        let server = std::thread::spawn(move || greet(listener.accept().unwrap().0, config));
        let location = Location::Postgres(format!("postgres://u@{host}:{port}/db?hostaddr=127.0.0.1&{parameters}"));
        let error = Store::open(&location, &[], Options::default()).err().expect("an error");
        // A client that refused before it connected leaves the server waiting.
        drop(TcpStream::connect(("127.0.0.1", port)));
        (server.join().unwrap(), error.to_string())
    }
}

fn greet(mut stream: TcpStream, config: Option<Arc<ServerConfig>>) -> Seen {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut first = [0; 8];
    if stream.read_exact(&mut first).is_err() {
        return Seen::TurnedAway;
    }
    let mut start = [0; 4];
    if first == SSL_REQUEST {
        let Some(config) = config else {
            stream.write_all(b"N").unwrap();
            if stream.read_exact(&mut start).is_err() {
                return Seen::TurnedAway;
            }
            let _ = stream.write_all(ERROR);
            return Seen::Clear;
        };
        stream.write_all(b"S").unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
        if stream.read_exact(&mut start).is_err() {
            return Seen::TurnedAway;
        }
        let _ = stream.write_all(ERROR);
        stream.conn.send_close_notify();
        let _ = stream.flush();
        return Seen::Encrypted;
    }
    let _ = stream.write_all(ERROR);
    Seen::Clear
}

#[test]
fn each_sslmode_believes_whom_it_says() {
    let fixture = Fixture::new();
    let roots = |name: &str| format!("sslrootcert={}", fixture.path(name).display());
    let (root, other) = (roots("root.pem"), roots("other.pem"));
    let cases = [
        ("localhost", "", Seen::Clear),
        ("db.example", "", Seen::Encrypted),
        ("localhost", "sslmode=disable", Seen::Clear),
        ("localhost", "sslmode=prefer", Seen::Encrypted),
        ("wrong.example", "sslmode=require", Seen::Encrypted),
        ("localhost", &format!("sslmode=require&{other}"), Seen::TurnedAway),
        ("wrong.example", &format!("sslmode=require&{root}"), Seen::Encrypted),
        ("wrong.example", &format!("sslmode=verify-ca&{root}"), Seen::Encrypted),
        ("localhost", &format!("sslmode=verify-ca&{other}"), Seen::TurnedAway),
        ("localhost", &format!("sslmode=verify-full&{root}"), Seen::Encrypted),
        ("wrong.example", &format!("sslmode=verify-full&{root}"), Seen::TurnedAway),
        ("localhost", &format!("sslmode=verify-full&{other}"), Seen::TurnedAway),
        ("localhost", &root, Seen::Encrypted),
        ("localhost", &other, Seen::TurnedAway),
    ];
    for (host, parameters, expected) in cases {
        let (seen, error) = fixture.meet(host, parameters, true);
        assert_eq!(seen, expected, "{host} {parameters}: {error}");
        assert_eq!(error.contains("hello stranger"), seen != Seen::TurnedAway, "{host} {parameters}: {error}");
    }
}

#[test]
fn a_server_without_tls_is_used_only_where_that_is_allowed() {
    let fixture = Fixture::new();
    for (parameters, expected) in
        [("sslmode=prefer", Seen::Clear), ("sslmode=require", Seen::TurnedAway), ("sslmode=verify-full", Seen::TurnedAway)]
    {
        let (seen, error) = fixture.meet("localhost", parameters, false);
        assert_eq!(seen, expected, "{parameters}: {error}");
    }
}

#[test]
fn roots_that_cannot_be_read_are_named() {
    let fixture = Fixture::new();
    for name in ["empty.pem", "absent.pem"] {
        let (seen, error) =
            fixture.meet("localhost", &format!("sslmode=verify-full&sslrootcert={}", fixture.path(name).display()), true);
        assert_eq!(seen, Seen::TurnedAway);
        assert!(error.contains(name), "{error}");
    }
    let wrong = Store::open(&Location::Postgres("postgres://h/db?sslmode=maybe".into()), &[], Options::default());
    assert!(matches!(wrong, Err(Error::Location { reason }) if reason.contains("sslmode")));
}
