//! Private keys in software: made, used and wiped here; nothing else in Certhold does a private key's mathematics.

mod generate;
pub mod heads;
pub mod local_tls;
mod random;
mod request;
mod sign;
mod signer;

pub use generate::{SoftwareKeys, generate};
pub use random::SystemEntropy;
pub use request::{certificate_request, titled_certificate_request};
pub use sign::sign;

/// Why a key could not be made or used. Never contains key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyUseError {
    /// The cryptographic library failed, which it does only when the system is in trouble.
    #[error("the cryptographic library could not {0}; check the system's memory and its source of randomness")]
    Library(&'static str),
    /// Keys of this algorithm cannot sign here.
    #[error("keys of the kind {0} cannot sign here; use an RSA, EC (P-256, P-384, P-521), Ed25519 or ML-DSA key")]
    Unsupported(String),
    /// A name cannot be put into a certificate request.
    #[error("{name:?} cannot be requested: {why}")]
    Name {
        /// The name as given.
        name: String,
        /// The rule it breaks.
        why: String,
    },
    /// A request needs names.
    #[error("a certificate request needs at least one name")]
    NoNames,
}
