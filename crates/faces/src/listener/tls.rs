//! The certificate a listener shows, and how it is exchanged while the listener runs.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// The protocol's name in the TLS handshake (RFC 9113 §3.1).
pub(super) const HTTP2: &[u8] = b"h2";
const HTTP11: &[u8] = b"http/1.1";

/// Why a certificate cannot be shown by a listener; the one before stays.
#[derive(Debug, thiserror::Error)]
pub enum AssignmentError {
    /// No certificate at all.
    #[error("there is no certificate to show")]
    Empty,
    /// The key is not the certificate's, or of a kind that TLS cannot use.
    #[error("this certificate and key cannot serve TLS: {0}")]
    Unfit(rustls::Error),
}

/// The certificate and key that a listener shows. Connections that stand keep the one they began with.
pub struct TlsAssignment {
    current: RwLock<Arc<CertifiedKey>>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for TlsAssignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsAssignment")
    }
}

impl TlsAssignment {
    /// An assignment of this certificate, followed by its chain, and its key.
    ///
    /// # Errors
    /// [`AssignmentError`] when they do not belong together.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Arc<TlsAssignment>, AssignmentError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let current = RwLock::new(certified(&provider, chain, key)?);
        Ok(Arc::new(TlsAssignment { current, provider }))
    }

    /// Shows another certificate from now on.
    ///
    /// # Errors
    /// [`AssignmentError`] when certificate and key do not belong together; then nothing changes.
    pub fn replace(&self, chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<(), AssignmentError> {
        let new = certified(&self.provider, chain, key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// The configuration of a server that shows this assignment: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
    pub(super) fn server(self: &Arc<Self>) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(self.provider.clone()).with_safe_default_protocol_versions();
        #[expect(clippy::expect_used, reason = "the provider has cipher suites of both versions; a test starts one")]
        let builder = builder.expect("TLS 1.2 and 1.3 are there");
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(Resolver(self.clone())));
        config.alpn_protocols = vec![HTTP2.to_vec(), HTTP11.to_vec()];
        Arc::new(config)
    }
}

fn certified(
    provider: &CryptoProvider,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, AssignmentError> {
    if chain.is_empty() {
        return Err(AssignmentError::Empty);
    }
    CertifiedKey::from_der(chain, key, provider).map(Arc::new).map_err(AssignmentError::Unfit)
}

struct Resolver(Arc<TlsAssignment>);

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
