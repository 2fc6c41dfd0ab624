//! Whom to believe that they are the database server.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::error::Error;

/// The roots of the operating system: Debian and its kin, Red Hat and its kin, SUSE, Alpine.
const SYSTEM_ROOTS: [&str; 4] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"];

/// Which servers are believed. The path is a PEM file of roots; without one it is the operating system's.
pub(super) enum Trust {
    /// No TLS at all.
    None,
    /// TLS with whoever answers: protects from listening, not from an impostor.
    Anyone,
    /// A certificate from a trusted root, for any name.
    Issued(Option<String>),
    /// A certificate from a trusted root for the name that was asked for.
    Named(Option<String>),
}

/// The TLS configuration for `trust`.
pub(super) fn client(trust: &Trust) -> Result<Option<ClientConfig>, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| open(&error))?;
    let config = match trust {
        Trust::None => return Ok(None),
        Trust::Named(path) => builder.with_root_certificates(roots(path.as_deref())?),
        Trust::Issued(path) => {
            let roots = Arc::new(roots(path.as_deref())?);
            let inner =
                WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build().map_err(|error| open(&error))?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName { chain: Some(inner), provider }))
        }
        Trust::Anyone => builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName { chain: None, provider })),
    };
    Ok(Some(config.with_no_client_auth()))
}

fn open(error: &dyn std::fmt::Display) -> Error {
    Error::Open { reason: format!("TLS to the database server cannot be set up: {error}") }
}

fn roots(path: Option<&str>) -> Result<RootCertStore, Error> {
    let system = || SYSTEM_ROOTS.into_iter().find(|path| std::path::Path::new(path).exists());
    let path =
        path.or_else(system).ok_or_else(|| open(&"the system's trusted roots were not found: name a file in sslrootcert"))?;
    let bad = |error: &dyn std::fmt::Display| open(&format!("the trusted roots in {path} cannot be read: {error}"));
    let mut store = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| bad(&error))?;
    let certificates: Vec<_> = certificates.collect::<Result<_, _>>().map_err(|error| bad(&error))?;
    let (added, _odd) = store.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(bad(&"it holds no certificate"));
    }
    Ok(store)
}

/// libpq's `require` (no chain) and `verify-ca` (a chain, any name). The server always proves that it holds its key.
#[derive(Debug)]
struct AnyName {
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        match chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
