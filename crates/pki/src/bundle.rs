//! What is found in an input: certificates, private keys, and what had to be refused.

use serde::Serialize;

use crate::certificate::certificate_element;
use crate::password_based::DecryptError;
use crate::private_key::PrivateKey;

/// The largest input, in bytes.
pub const INPUT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The most certificates, keys and refusals together that one input can bring.
pub const ITEMS_MAX: usize = 100_000;

/// The longest password, in bytes of UTF-8.
pub const PASSWORD_BYTES_MAX: usize = 4096;

/// How an input was recognised, judged by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// PEM blocks, possibly with other text around them.
    Pem,
    /// One certificate in DER.
    Der,
    /// A PKCS#12 file.
    Pkcs12,
    /// A PKCS#7 bundle in DER or BER.
    Pkcs7,
    /// One private key in DER.
    Key,
}

/// Everything that was found in one input.
#[non_exhaustive]
pub struct Bundle {
    /// How the input was recognised.
    pub format: Format,
    /// The certificates, in the input's order. The same certificate may occur more than once.
    pub certificates: Vec<Found>,
    /// The private keys, in the input's order.
    pub keys: Vec<PrivateKey>,
    /// What could not be taken, and why.
    pub refused: Vec<Refused>,
}

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The exact certificate element.
    pub der: Vec<u8>,
    /// Where it stood: `line 12`, `entry 2 "name"`, `certificate 3`; empty when it was the whole input.
    pub place: String,
    /// What was left out of it, in a sentence.
    pub note: Option<String>,
}

/// One part of the input that is neither certificate nor usable private key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Where it stood, as in [`Found::place`].
    pub place: String,
    /// Why it was refused, as a clause without a full stop.
    pub reason: String,
}

/// Why an input as a whole cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing but white space.
    #[error("the input is empty")]
    Empty,
    /// Larger than [`INPUT_BYTES_MAX`].
    #[error("the input has {0} bytes; at most {INPUT_BYTES_MAX} are read")]
    TooLarge(usize),
    /// More than [`ITEMS_MAX`] items.
    #[error("the input holds more than {ITEMS_MAX} items; split it")]
    TooMany,
    /// The password is longer than [`PASSWORD_BYTES_MAX`].
    #[error("the password is longer than {PASSWORD_BYTES_MAX} bytes")]
    PasswordTooLong,
    /// Recognised, but nothing to be had from it here.
    #[error("this is {found}, which holds no certificate that can be read; {advice}")]
    NotWanted {
        /// What it is, with its article.
        found: &'static str,
        /// What to do, as a clause.
        advice: &'static str,
    },
    /// Not recognised at all.
    #[error("this is neither PEM, a DER certificate, PKCS#7, PKCS#12 nor a private key")]
    Unrecognised,
    /// Recognised, but damaged.
    #[error("this looks like {what}, but {why}")]
    Broken {
        /// What it looks like, with its article.
        what: &'static str,
        /// What is wrong with it, as a clause.
        why: &'static str,
    },
    /// Recognised, in a variant that cannot be read.
    #[error("this is {0}, which cannot be read here")]
    Unsupported(&'static str),
    /// Encrypted, and no password was given.
    #[error("the {0} is encrypted; give its password")]
    PasswordNeeded(&'static str),
    /// Encrypted, and the password does not fit.
    #[error("the password of the {0} is wrong")]
    WrongPassword(&'static str),
    /// Encrypted in a way that cannot be undone here.
    #[error("{what} cannot be decrypted: {error}")]
    Encrypted {
        /// What is encrypted, with its article.
        what: &'static str,
        /// Why it cannot be decrypted.
        error: DecryptError,
    },
    /// One private key that cannot be held.
    #[error(transparent)]
    Key(#[from] crate::private_key::KeyError),
}

impl ReadError {
    /// Whether another password may help.
    pub fn is_about_password(&self) -> bool {
        matches!(
            self,
            ReadError::PasswordNeeded(_)
                | ReadError::WrongPassword(_)
                | ReadError::Encrypted { error: DecryptError::WrongPassword, .. }
        )
    }

    /// Whether the input exceeds a limit of size or cost.
    pub fn is_about_limits(&self) -> bool {
        matches!(
            self,
            ReadError::TooLarge(_)
                | ReadError::TooMany
                | ReadError::PasswordTooLong
                | ReadError::Encrypted { error: DecryptError::TooCostly(_), .. }
        )
    }
}

/// Gathers items and keeps their number within [`ITEMS_MAX`].
#[derive(Default)]
pub(crate) struct Collector {
    certificates: Vec<Found>,
    keys: Vec<PrivateKey>,
    refused: Vec<Refused>,
}

impl Collector {
    pub(crate) fn into_bundle(self, format: Format) -> Bundle {
        Bundle { format, certificates: self.certificates, keys: self.keys, refused: self.refused }
    }

    pub(crate) fn certificate(&mut self, bytes: &[u8], place: String) -> Result<(), ReadError> {
        match certificate_element(bytes) {
            Ok(der) => {
                self.room()?;
                let note = (der.len() < bytes.len())
                    .then(|| format!("{} bytes after the certificate were left out", bytes.len() - der.len()));
                self.certificates.push(Found { der: der.to_vec(), place, note });
                Ok(())
            }
            Err(error) => self.refuse(place, error.to_string()),
        }
    }

    pub(crate) fn private_key(&mut self, der: &[u8], place: String) -> Result<(), ReadError> {
        match PrivateKey::of(der) {
            Ok(key) => self.push_key(key),
            Err(error) => self.refuse(place, error.to_string()),
        }
    }

    pub(crate) fn push_key(&mut self, key: PrivateKey) -> Result<(), ReadError> {
        self.room()?;
        self.keys.push(key);
        Ok(())
    }

    pub(crate) fn refuse(&mut self, place: String, reason: String) -> Result<(), ReadError> {
        self.room()?;
        self.refused.push(Refused { place, reason });
        Ok(())
    }

    fn room(&self) -> Result<(), ReadError> {
        if self.certificates.len() + self.keys.len() + self.refused.len() < ITEMS_MAX { Ok(()) } else { Err(ReadError::TooMany) }
    }
}
