//! What clients see in the TLS handshake, before and after an identity is assigned; over restarts, and what may go wrong.

use std::net::SocketAddr;
use std::sync::Arc;

use certhold_tests::server::Launch;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

use super::{ArcGis, done, made, pfx};

/// Takes any certificate: what is presented is what is looked at.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

struct Client(Arc<ClientConfig>);

impl Client {
    fn new(versions: &[&'static rustls::SupportedProtocolVersion]) -> Client {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let config = builder.dangerous().with_custom_certificate_verifier(Arc::new(Anything)).with_no_client_auth();
        Client(Arc::new(config))
    }

    async fn connect(&self, arcgis: &ArcGis) -> std::io::Result<TlsStream<TcpStream>> {
        let address: SocketAddr = arcgis.server.url("").trim_start_matches("https://").parse().unwrap();
        let stream = TcpStream::connect(address).await?;
        TlsConnector::from(self.0.clone()).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    /// What a new connection sees: the DER of the certificates, and that the handshake was a full one.
    async fn sees(&self, arcgis: &ArcGis) -> Vec<Vec<u8>> {
        let mut stream = self.connect(arcgis).await.unwrap();
        let answer = ask(&mut stream).await;
        assert!(answer.contains("200 OK"), "{answer}");
        stream.get_ref().1.peer_certificates().unwrap().iter().map(|one| one.to_vec()).collect()
    }
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

fn der(pem: &str) -> Vec<u8> {
    certhold_pki::read(pem.as_bytes(), None).unwrap().certificates[0].der.clone()
}

#[tokio::test]
async fn an_assigned_identity_is_what_clients_see() {
    let mut arcgis = ArcGis::start(Launch::new()).await;
    let directory = tempfile::tempdir().unwrap();
    let client = Client::new(&[&rustls::version::TLS13, &rustls::version::TLS12]);
    let own = client.sees(&arcgis).await;
    let mut standing = client.connect(&arcgis).await.unwrap();
    assert!(ask(&mut standing).await.contains("200 OK"));

    let first = made("first");
    done(&arcgis.import("gateway", &pfx(directory.path(), &first, "s\u{e9}same", false), "s\u{e9}same").await);
    assert_eq!(client.sees(&arcgis).await, own, "imported is not assigned");
    // The harness trusts the local root alone, so what follows goes over connections that it has already, or asks nothing of it.
    done(&arcgis.assign("gateway").await);
    assert_eq!(client.sees(&arcgis).await, [der(&first.pem)], "also for a client that could have resumed its session");
    assert!(ask(&mut standing).await.contains("200 OK"), "a connection that stands lives on");
    assert_eq!(standing.get_ref().1.peer_certificates().unwrap()[0].as_ref(), own[0]);

    // A restart presents it from the first connection on.
    arcgis.server.stop().await;
    arcgis.server.restart().await;
    assert_eq!(client.sees(&arcgis).await, [der(&first.pem)]);
    let log = arcgis.server.log();
    for secret in ["s\u{e9}same", "PRIVATE KEY", arcgis.token.as_str(), "chb_"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test]
async fn a_refused_change_leaves_the_last_certificate_in_place() {
    let arcgis = ArcGis::start(Launch::new()).await;
    let directory = tempfile::tempdir().unwrap();
    let client = Client::new(&[&rustls::version::TLS13, &rustls::version::TLS12]);
    let own = client.sees(&arcgis).await;
    let mut over = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    over.not_before = rcgen::date_time_ymd(2020, 1, 1);
    over.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let expired = super::Made { pem: over.self_signed(&key).unwrap().pem(), key: key.serialize_pem() };
    done(&arcgis.import("expired", &pfx(directory.path(), &expired, "sesame", true), "sesame").await);
    for name in ["expired", "nobody"] {
        assert_eq!(arcgis.assign(name).await["error"]["code"], 400);
        assert_eq!(client.sees(&arcgis).await, own);
    }
    let only_13 = json!({ "httpsProtocols": "TLSv1.3" }).to_string();
    done(&arcgis.form("/arcgis/admin/security/ingress/update", &[("ingressSecurityConfig", &only_13)]).await);
    assert_eq!(client.sees(&arcgis).await, own);
    let old = Client::new(&[&rustls::version::TLS12]);
    let refused = old.connect(&arcgis).await.unwrap_err().to_string();
    assert!(refused.contains("ProtocolVersion"), "{refused}");
}

/// Several nodes share a database; each notices what was assigned at another.
#[tokio::test]
async fn another_node_notices() {
    let Some(database) = certhold_tests::postgres::Database::postgres() else { return };
    let one = ArcGis::start(Launch::new().on(&database)).await;
    let key = std::fs::read_to_string(one.server.data().join("master.key")).unwrap();
    let other = Launch::new().on(&database).environment("CERTHOLD_MASTER_KEY", key.trim()).start().await;
    let other = ArcGis { server: other, token: String::new() };
    let directory = tempfile::tempdir().unwrap();
    let made = made("shared");
    done(&one.import("gateway", &pfx(directory.path(), &made, "sesame", false), "sesame").await);
    done(&one.assign("gateway").await);
    let client = Client::new(&[&rustls::version::TLS13]);
    for _ in 0..100 {
        if client.sees(&other).await == [der(&made.pem)] {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("the other node still presents another certificate; it says:\n{}", other.server.log());
}
