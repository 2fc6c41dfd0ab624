//! What a running Certhold consists of, handed to the faces and the worker.

use std::sync::Arc;

use certhold_pki::PrivateKey;
use certhold_store::Store;

use crate::access::AccessCache;
use crate::custody::Custody;
use crate::renewal::KeyKind;

/// Where random bytes come from; the domain makes none of its own.
pub trait Entropy: Send + Sync {
    /// Fills `buffer` with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// A key that was made, with the request for its certificate.
pub struct MadeKey {
    /// The key.
    pub key: PrivateKey,
    /// The certificate signing request, DER.
    pub csr: Vec<u8>,
}

/// Makes keys and uses them; the domain does no private key's mathematics.
pub trait KeyMaker: Send + Sync + std::fmt::Debug {
    /// A fresh key with a request for these DNS names. It may take seconds of one core.
    ///
    /// # Errors
    /// Why there is none, as a sentence for the person who asked.
    fn make(&self, kind: KeyKind, names: &[String]) -> Result<MadeKey, String>;

    /// A fresh key. It may take seconds of one core.
    ///
    /// # Errors
    /// Why there is none, as a sentence for the person who asked.
    fn key(&self, kind: KeyKind) -> Result<PrivateKey, String>;

    /// Signs `message` by the key's [`SignatureScheme`](certhold_pki::issue::SignatureScheme).
    ///
    /// # Errors
    /// Why there is no signature, as a sentence without key material.
    fn sign(&self, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, String>;
}

/// What time it is; the domain has no clock of its own.
pub trait Clock: Send + Sync {
    /// Unix milliseconds.
    fn now(&self) -> i64;
}

/// The store, custody and the two sources of what is not deterministic.
#[derive(Clone)]
pub struct Core {
    /// Where things are kept.
    pub store: Store,
    /// Seals and opens secrets.
    pub custody: Arc<Custody>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Rights by principal, valid for one version of them.
    pub access: Arc<AccessCache>,
}

impl Core {
    /// Unix milliseconds, now.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// `N` random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }
}
