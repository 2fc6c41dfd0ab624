use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

#[test]
fn targets_are_written_with_scheme_host_and_port() {
    for good in
        ["tls://syslog.example.com:6514", "tcp://syslog.example.com:601", "udp://192.0.2.1:514", "tcp://[2001:db8::1]:601"]
    {
        assert_eq!(good.parse::<SyslogTarget>().unwrap().to_string(), good);
    }
    for bad in ["", "192.0.2.1:514", "ssl://h:1", "tls://h", "tcp://h", "tcp://:1", "udp://h:0", "udp://h:70000"] {
        assert!(bad.parse::<SyslogTarget>().is_err(), "{bad}");
    }
}

/// An authority, and a server's certificate from it.
struct Authority {
    key: KeyPair,
    params: CertificateParams,
    files: TempDir,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority { key: KeyPair::generate().unwrap(), params, files: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        let path = self.files.path().join("root.pem");
        std::fs::write(&path, self.params.self_signed(&self.key).unwrap().pem()).unwrap();
        path
    }

    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &Issuer::from_params(&self.params, &self.key)).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// What RFC 5425 §4.3 says a stream is made of: MSG-LEN SP SYSLOG-MSG, again and again, and nothing else.
fn frames(mut bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ').expect("a length ends with a space");
        let digits = std::str::from_utf8(&bytes[..space]).unwrap();
        assert!(!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()), "{digits:?}");
        let end = space + 1 + digits.parse::<usize>().unwrap();
        found.push(String::from_utf8(bytes[space + 1..end].to_vec()).unwrap());
        bytes = &bytes[end..];
    }
    found
}

/// How a server ends a connection that it has read to its end.
#[derive(Clone, Copy, PartialEq)]
enum Ends {
    WithAlert,
    Abruptly,
}

/// A server for one connection; what it read, or why TLS failed.
async fn serve_once(acceptor: TlsAcceptor, ends: Ends) -> (u16, tokio::task::JoinHandle<std::io::Result<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (peer, _) = listener.accept().await?;
        let mut stream = acceptor.accept(peer).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        if ends == Ends::WithAlert {
            stream.shutdown().await?;
        }
        Ok(bytes)
    });
    (port, serving)
}

fn target(host: &str, port: u16, ca: &Path) -> SyslogTarget {
    let target: SyslogTarget = format!("tls://{host}:{port}").parse().unwrap();
    target.trusting(Some(ca)).map_err(|(key, why)| format!("{key}: {why}")).unwrap()
}

fn lines() -> Vec<String> {
    vec!["<110>1 one".into(), "<110>1 zw\u{f6}lf Boxk\u{e4}mpfer".into(), format!("<110>1 {}", "x".repeat(40_000))]
}

#[tokio::test]
async fn a_batch_goes_over_tls_frame_by_frame() {
    let authority = Authority::new();
    for (name, host) in [("localhost", "localhost"), ("127.0.0.1", "127.0.0.1")] {
        let (port, serving) = serve_once(authority.acceptor(name), Ends::WithAlert).await;
        send(&target(host, port, &authority.file()), &lines()).await.unwrap();
        assert_eq!(frames(&serving.await.unwrap().unwrap()), lines(), "{host}");
    }
}

#[tokio::test]
async fn a_batch_counts_only_when_the_server_says_so_itself() {
    let authority = Authority::new();
    let (port, serving) = serve_once(authority.acceptor("localhost"), Ends::Abruptly).await;
    let refused = send(&target("localhost", port, &authority.file()), &lines()).await.unwrap_err();
    assert!(refused.contains("close_notify"), "{refused}");
    assert!(serving.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_nothing() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (acceptor, host, why) in [
        (stranger.acceptor("localhost"), "localhost", "invalid peer certificate"),
        (authority.acceptor("other.example"), "localhost", "not valid for name"),
    ] {
        let (port, serving) = serve_once(acceptor, Ends::WithAlert).await;
        let refused = send(&target(host, port, &authority.file()), &lines()).await.unwrap_err();
        assert!(refused.contains(why), "{refused}");
        assert!(serving.await.unwrap().is_err(), "it got something");
    }
}

#[test]
fn tls_needs_authorities_and_nothing_else_takes_them() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "no certificate at all").unwrap();
    let parse = |text: &str| text.parse::<SyslogTarget>().unwrap();
    for (target, ca, part) in [
        ("tls://h:6514", None, "needs the certificates"),
        ("tls://h:6514", Some(empty.as_path()), "empty.pem"),
        ("tls://h:6514", Some(Path::new("/nowhere/root.pem")), "/nowhere/root.pem"),
        ("tcp://h:601", Some(empty.as_path()), "write tls://h:601"),
    ] {
        let (key, why) = parse(target).trusting(ca).err().unwrap_or_else(|| panic!("{target} was taken"));
        assert!(key == "syslog_ca" && why.contains(part), "{key}: {why}");
    }
    assert!(parse("udp://h:514").trusting(None).is_ok());
}
