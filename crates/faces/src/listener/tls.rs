//! The certificate a listener shows, and how it is exchanged while the listener runs.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use certhold_domain::named::{TlsSettings, TlsVersion};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, ServerConfig, SupportedProtocolVersion};
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
    /// The key is of a kind that TLS has no signatures of.
    #[error(
        "TLS cannot use its key: RSA keys of 2,048 to 8,192 bits, ECDSA keys on P-256, P-384 and P-521, and Ed25519 keys can serve"
    )]
    Key,
    /// None of the cipher suites goes with the key, so that nobody could connect.
    #[error(
        "with these protocols and cipher suites nobody could connect: none goes with the certificate's key ({0:?}); add one that does, or TLSv1.3"
    )]
    NoSuite(rustls::SignatureAlgorithm),
}

/// A certificate, followed by its chain, and its key.
pub type ChainAndKey = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificate and key that a listener shows, and how it speaks TLS. Connections that stand keep the ones they began with.
///
/// There is always the server's own certificate; another one may be assigned over it.
pub struct TlsAssignment {
    state: RwLock<State>,
    provider: Arc<CryptoProvider>,
}

struct State {
    own: Arc<CertifiedKey>,
    assigned: Option<Arc<CertifiedKey>>,
    settings: TlsSettings,
    /// Of the three above. A new one for each change: sessions that an old certificate began are not resumed under a new one.
    server: Arc<ServerConfig>,
}

impl fmt::Debug for TlsAssignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsAssignment")
    }
}

impl TlsAssignment {
    /// The server's own certificate, followed by its chain, and its key.
    ///
    /// # Errors
    /// [`AssignmentError`] when they do not belong together.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Arc<TlsAssignment>, AssignmentError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let own = certified(&provider, chain, key)?;
        let settings = TlsSettings::default();
        let server = server(&provider, &own, &settings)?;
        let state = RwLock::new(State { own, assigned: None, settings, server });
        Ok(Arc::new(TlsAssignment { state, provider }))
    }

    /// Has another certificate as the server's own from now on.
    ///
    /// # Errors
    /// [`AssignmentError`] when certificate and key do not belong together; then nothing changes.
    pub fn replace(&self, chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<(), AssignmentError> {
        let own = certified(&self.provider, chain, key)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.assigned.is_none() {
            state.server = server(&self.provider, &own, &state.settings)?;
        }
        state.own = own;
        Ok(())
    }

    /// Shows this certificate from now on, or the server's own for none, and speaks TLS as told.
    ///
    /// # Errors
    /// [`AssignmentError`] when that cannot be; then nothing changes.
    pub fn assign(&self, identity: Option<ChainAndKey>, settings: TlsSettings) -> Result<(), AssignmentError> {
        let assigned = identity.map(|(chain, key)| certified(&self.provider, chain, key)).transpose()?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.server = server(&self.provider, assigned.as_ref().unwrap_or(&state.own), &settings)?;
        (state.assigned, state.settings) = (assigned, settings);
        Ok(())
    }

    /// Whether [`TlsAssignment::assign`] would succeed.
    ///
    /// # Errors
    /// As [`TlsAssignment::assign`].
    pub fn try_out(&self, identity: Option<ChainAndKey>, settings: &TlsSettings) -> Result<(), AssignmentError> {
        let assigned = identity.map(|(chain, key)| certified(&self.provider, chain, key)).transpose()?;
        let own = self.state.read().unwrap_or_else(PoisonError::into_inner).own.clone();
        server(&self.provider, assigned.as_ref().unwrap_or(&own), settings).map(drop)
    }

    /// The configuration of a server that shows this assignment, now.
    pub(super) fn server(&self) -> Arc<ServerConfig> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).server.clone()
    }
}

/// A server that shows this certificate: HTTP/2 and HTTP/1.1 over the versions of TLS that are wanted.
fn server(
    provider: &Arc<CryptoProvider>,
    shown: &Arc<CertifiedKey>,
    settings: &TlsSettings,
) -> Result<Arc<ServerConfig>, AssignmentError> {
    let versions: Vec<&'static SupportedProtocolVersion> = settings.protocols.iter().map(version).collect();
    let wanted: Vec<CipherSuite> = settings.cipher_suites.iter().filter_map(|name| suite(name)).collect();
    let mut narrowed = CryptoProvider::clone(provider);
    narrowed.cipher_suites.retain(|suite| suite.tls13().is_some() || wanted.contains(&suite.suite()));
    let algorithm = shown.key.algorithm();
    let usable = |suite: &rustls::SupportedCipherSuite| {
        versions.contains(&suite.version()) && suite.usable_for_signature_algorithm(algorithm)
    };
    if !narrowed.cipher_suites.iter().any(usable) {
        return Err(AssignmentError::NoSuite(algorithm));
    }
    let builder = ServerConfig::builder_with_provider(Arc::new(narrowed)).with_protocol_versions(&versions);
    let builder = builder.map_err(AssignmentError::Unfit)?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(Shown(shown.clone())));
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP11.to_vec()];
    Ok(Arc::new(config))
}

fn version(wanted: &TlsVersion) -> &'static SupportedProtocolVersion {
    match wanted {
        TlsVersion::V12 => &rustls::version::TLS12,
        TlsVersion::V13 => &rustls::version::TLS13,
    }
}

/// A suite by the name that OpenSSL gives it.
fn suite(name: &str) -> Option<CipherSuite> {
    Some(match name {
        "ECDHE-ECDSA-AES256-GCM-SHA384" => CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-ECDSA-AES128-GCM-SHA256" => CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-ECDSA-CHACHA20-POLY1305" => CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-RSA-AES256-GCM-SHA384" => CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-RSA-AES128-GCM-SHA256" => CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-RSA-CHACHA20-POLY1305" => CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        _ => return None,
    })
}

fn certified(
    provider: &CryptoProvider,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, AssignmentError> {
    if chain.is_empty() {
        return Err(AssignmentError::Empty);
    }
    let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::General(_) => AssignmentError::Key,
        other => AssignmentError::Unfit(other),
    });
    certified.map(Arc::new)
}

struct Shown(Arc<CertifiedKey>);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}
