//! What is found in an input: certificates, private keys, requests, revocation lists, and what had to be refused.

use serde::Serialize;

use crate::certificate::certificate_element;
use crate::password_based::DecryptError;
use crate::private_key::PrivateKey;
use crate::revocation_list::RevocationList;

/// The largest input, in bytes.
pub const INPUT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The most certificates, keys and refusals together that one input can bring.
pub const ITEMS_MAX: usize = 100_000;

/// The longest password, in bytes of UTF-8.
pub const PASSWORD_BYTES_MAX: usize = 4096;

/// The most passwords that are tried for one input.
pub const PASSWORDS_MAX: usize = 16;

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
    /// One certificate signing request in DER.
    Request,
    /// One certificate revocation list in DER.
    RevocationList,
    /// A Java key store of the kind JKS.
    Jks,
    /// A Java key store of the kind JCEKS.
    Jceks,
}

impl Format {
    /// With its article, for a sentence like "this is …".
    pub fn what(self) -> &'static str {
        match self {
            Format::Pem => "PEM text",
            Format::Der => "a DER file",
            Format::Pkcs12 => "a PKCS#12",
            Format::Pkcs7 => "a PKCS#7",
            Format::Key => "a DER file",
            Format::Request => "a DER file",
            Format::RevocationList => "a DER file",
            Format::Jks => "a Java keystore (JKS)",
            Format::Jceks => "a Java keystore (JCEKS)",
        }
    }
}

/// Everything that was found in one input.
#[non_exhaustive]
pub struct Bundle {
    /// How the input was recognised.
    pub format: Format,
    /// The certificates, in the input's order. The same certificate may occur more than once.
    pub certificates: Vec<Found>,
    /// The private keys, in the input's order.
    pub keys: Vec<FoundKey>,
    /// The certificate signing requests, in the input's order; [`crate::CsrFacts`] reads them.
    pub requests: Vec<Found>,
    /// The certificate revocation lists, in the input's order; [`crate::RevocationList`] reads them.
    pub revocation_lists: Vec<Found>,
    /// What could not be taken, and why.
    pub refused: Vec<Refused>,
}

impl Bundle {
    /// What was found, for a sentence like "this is …": "a PKCS#7 with 3 certificates and no private key".
    pub fn summary(&self) -> String {
        let count = |number: usize, one: &str| match number {
            0 => format!("no {one}"),
            1 => format!("one {one}"),
            many => format!("{many} {one}s"),
        };
        let mut parts = vec![count(self.certificates.len(), "certificate"), count(self.keys.len(), "private key")];
        for (number, what) in [
            (self.requests.len(), "certificate signing request"),
            (self.revocation_lists.len(), "certificate revocation list"),
            (self.refused.len(), "part that cannot be read"),
        ] {
            if number > 0 {
                parts.push(count(number, what).replace("part that cannot be reads", "parts that cannot be read"));
            }
        }
        let last = parts.pop().unwrap_or_default();
        format!("{} with {} and {last}", self.format.what(), parts.join(", "))
    }

    /// The requests and revocation lists as refusals, for callers that want certificates and keys: each says what it is.
    pub fn beside(&self) -> Vec<Refused> {
        let requests = self.requests.iter().map(|found| (found, crate::recognise::Kind::CertificateRequest));
        let lists = self.revocation_lists.iter().map(|found| (found, crate::recognise::Kind::RevocationList));
        let refused = |(found, kind): (&Found, crate::recognise::Kind)| Refused {
            place: found.place.clone(),
            reason: format!("this is {}", kind.what()),
        };
        requests.chain(lists).map(refused).collect()
    }

    /// The only private key, for callers that can use exactly one.
    ///
    /// # Errors
    /// [`NotFound`], which says what was found instead.
    pub fn only_key(&self) -> Result<&FoundKey, NotFound> {
        only(&self.keys, || self.lacking("one private key"))
    }

    /// The only certificate signing request, for callers that can use exactly one.
    ///
    /// # Errors
    /// [`NotFound`], which says what was found instead.
    pub fn only_request(&self) -> Result<&Found, NotFound> {
        only(&self.requests, || self.lacking("one certificate signing request"))
    }

    /// The certificates, for callers that cannot do without.
    ///
    /// # Errors
    /// [`NotFound`], which says what was found instead.
    pub fn some_certificates(&self) -> Result<&[Found], NotFound> {
        if self.certificates.is_empty() { Err(self.lacking("a certificate")) } else { Ok(&self.certificates) }
    }

    fn lacking(&self, wanted: &'static str) -> NotFound {
        NotFound { wanted, found: self.summary() }
    }
}

fn only<T>(items: &[T], otherwise: impl FnOnce() -> NotFound) -> Result<&T, NotFound> {
    match items {
        [only] => Ok(only),
        _ => Err(otherwise()),
    }
}

/// The input was read, but holds something else than what was wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} is wanted, but this is {found}")]
pub struct NotFound {
    /// What was wanted, with its article or number.
    pub wanted: &'static str,
    /// What was found: [`Bundle::summary`].
    pub found: String,
}

/// One private key. There is no `Debug`: see [`PrivateKey`].
#[derive(Clone)]
pub struct FoundKey {
    /// The key.
    pub key: PrivateKey,
    /// As in [`Found::place`].
    pub place: String,
    /// As in [`Found::alias`].
    pub alias: Option<String>,
}

/// One certificate, request or revocation list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The exact element.
    pub der: Vec<u8>,
    /// Where it stood: `line 12`, `entry 2 "name"`, `certificate 3`; empty when it was the whole input.
    pub place: String,
    /// The name that the file gives to the entry: friendlyName in PKCS#12, alias in a Java key store.
    pub alias: Option<String>,
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
    #[error("this is neither PEM, a DER certificate, PKCS#7, PKCS#12, a Java keystore nor a private key")]
    Unrecognised,
    /// More passwords than [`PASSWORDS_MAX`].
    #[error("more than {PASSWORDS_MAX} passwords were given")]
    TooManyPasswords,
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
    /// One certificate signing request that cannot be read.
    #[error(transparent)]
    Request(#[from] crate::request::NotARequest),
    /// One certificate revocation list that cannot be read.
    #[error(transparent)]
    RevocationList(#[from] crate::revocation_list::NotARevocationList),
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
                | ReadError::TooManyPasswords
                | ReadError::Encrypted { error: DecryptError::TooCostly(_), .. }
        )
    }
}

/// Gathers items and keeps their number within [`ITEMS_MAX`].
#[derive(Default)]
pub(crate) struct Collector {
    certificates: Vec<Found>,
    keys: Vec<FoundKey>,
    requests: Vec<Found>,
    revocation_lists: Vec<Found>,
    refused: Vec<Refused>,
}

/// Where an item stood, and what the file calls it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) text: String,
    pub(crate) alias: Option<String>,
}

impl From<String> for Place {
    fn from(text: String) -> Place {
        Place { text, alias: None }
    }
}

impl Collector {
    pub(crate) fn into_bundle(self, format: Format) -> Bundle {
        let Collector { certificates, keys, requests, revocation_lists, refused } = self;
        Bundle { format, certificates, keys, requests, revocation_lists, refused }
    }

    pub(crate) fn certificate(&mut self, bytes: &[u8], place: impl Into<Place>) -> Result<(), ReadError> {
        let place = place.into();
        match certificate_element(bytes) {
            Ok(der) => {
                self.room()?;
                let note = (der.len() < bytes.len())
                    .then(|| format!("{} bytes after the certificate were left out", bytes.len() - der.len()));
                self.certificates.push(Found { der: der.to_vec(), place: place.text, alias: place.alias, note });
                Ok(())
            }
            Err(error) => self.refuse(place, error.to_string()),
        }
    }

    /// A certificate signing request, or the reason why it is none.
    pub(crate) fn request(&mut self, bytes: &[u8], place: impl Into<Place>) -> Result<(), ReadError> {
        let place = place.into();
        match crate::request::request_element(bytes) {
            Ok(der) => {
                self.room()?;
                self.requests.push(Found { der: der.to_vec(), place: place.text, alias: place.alias, note: None });
                Ok(())
            }
            Err(error) => self.refuse(place, error.to_string()),
        }
    }

    /// A certificate revocation list, or the reason why it is none.
    pub(crate) fn revocation_list(&mut self, bytes: &[u8], place: impl Into<Place>) -> Result<(), ReadError> {
        let place = place.into();
        match RevocationList::of(bytes) {
            Ok(list) => {
                self.room()?;
                self.revocation_lists.push(Found { der: list.der().to_vec(), place: place.text, alias: place.alias, note: None });
                Ok(())
            }
            Err(error) => self.refuse(place, error.to_string()),
        }
    }

    pub(crate) fn private_key(&mut self, der: &[u8], place: impl Into<Place>) -> Result<(), ReadError> {
        match PrivateKey::of(der) {
            Ok(key) => self.push_key(key, place),
            Err(error) => self.refuse(place, error.to_string()),
        }
    }

    pub(crate) fn push_key(&mut self, key: PrivateKey, place: impl Into<Place>) -> Result<(), ReadError> {
        self.room()?;
        let place = place.into();
        self.keys.push(FoundKey { key, place: place.text, alias: place.alias });
        Ok(())
    }

    pub(crate) fn refuse(&mut self, place: impl Into<Place>, reason: String) -> Result<(), ReadError> {
        self.room()?;
        self.refused.push(Refused { place: place.into().text, reason });
        Ok(())
    }

    fn room(&self) -> Result<(), ReadError> {
        let held =
            [self.certificates.len(), self.keys.len(), self.requests.len(), self.revocation_lists.len(), self.refused.len()];
        if held.iter().sum::<usize>() < ITEMS_MAX { Ok(()) } else { Err(ReadError::TooMany) }
    }
}
