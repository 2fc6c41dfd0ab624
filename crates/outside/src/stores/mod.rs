//! Certificate stores on the local file system: a directory of PEM files, a PKCS#12 file, a Java key store.
//!
//! Each can be read whole, and single entries are put in, replaced and taken out. A file is written beside its target, complete and
//! with the owner and mode of the one before, brought to the disk, and renamed into place: whoever is killed at any instant leaves
//! the old or the new file. What cannot be read is told and never overwritten. A store is inside one of the configured roots, and so is
//! whatever its links lead to; the way there is walked without following any ([`confined`]).

mod confined;
mod jks;
mod pem;
mod pkcs12;
mod place;

use std::io;
use std::path::PathBuf;

use certhold_domain::stores::{Problem, Properties, Roots, StoreKind};
use certhold_pki::PrivateKey;

/// Bytes of a key store that are read.
pub const STORE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Bytes of one file of a directory that are read.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Certificates above one that are kept with it.
const CHAIN_MAX: usize = 16;

/// A store, opened for one piece of work.
pub struct LocalStore<'a> {
    /// What it is.
    pub kind: StoreKind,
    /// Where it is; absolute.
    pub path: PathBuf,
    /// How it is kept.
    pub properties: &'a Properties,
    /// What protects its keys.
    pub password: Option<&'a str>,
    /// Whether it is made when it is not there.
    pub create_if_missing: bool,
    /// The directories in which stores may be.
    pub roots: &'a Roots,
}

/// An entry that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its name.
    pub alias: String,
    /// Its certificate, then those above it, DER.
    pub certificates: Vec<Vec<u8>>,
    /// Whether its private key is there.
    pub has_key: bool,
}

/// What is in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The entries.
    pub entries: Vec<StoredEntry>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// An entry to be put in.
pub struct NewEntry<'a> {
    /// Its name.
    pub alias: &'a str,
    /// Its certificate, DER.
    pub certificate: &'a [u8],
    /// Those above it, DER, issuer first.
    pub chain: Vec<&'a [u8]>,
    /// Its private key.
    pub key: Option<&'a PrivateKey>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The certificates that are there now: the entry's own, then those above it, DER.
    pub certificates: Vec<Vec<u8>>,
    /// Whether the private key is there now.
    pub has_key: bool,
    /// The certificate that the entry had before, DER.
    pub replaced: Option<Vec<u8>>,
    /// Whether anything was written; what is in place already is left alone.
    pub changed: bool,
}

/// Why something could not be done with a store. Whatever the reason, what was there is there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No roots are configured, or the path is in none of them.
    #[error("{0}")]
    Path(String),
    /// A link leads out of the roots.
    #[error("{0} leads out of the directories that are open to certificate stores (store_roots)")]
    LeadsOutside(PathBuf),
    /// The system refuses.
    #[error("{path}: {error}", path = .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// It is not there.
    #[error("there is no {what} at {path}: make it, or let the store be made when it is missing", path = .path.display())]
    Missing {
        /// "file" or "directory".
        what: &'static str,
        /// Where.
        path: PathBuf,
    },
    /// It is larger than what is read.
    #[error("{path} is larger than {limit} bytes", path = .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// It cannot be read as what it should be.
    #[error("{path} cannot be read: {why}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why, as a clause.
        why: String,
    },
    /// Writing it would lose what cannot be read or kept.
    #[error("{path} is left as it is: {why}", path = .path.display())]
    WouldLose {
        /// The file.
        path: PathBuf,
        /// What would be lost, as a clause.
        why: String,
    },
    /// There is an entry of this name.
    #[error("there is an entry {0:?} already: choose another alias, or overwrite it")]
    Exists(String),
    /// There is none.
    #[error("there is no entry {0:?}")]
    NotThere(String),
    /// The format cannot hold this.
    #[error("the entry cannot be written: {0}")]
    Write(#[from] certhold_pki::WriteError),
}

impl LocalStore<'_> {
    /// Reads the whole store.
    ///
    /// # Errors
    /// When nothing can be had from it; parts that cannot be read are [`Contents::problems`].
    pub fn inventory(&self) -> Result<Contents, StoreError> {
        match self.kind {
            StoreKind::PemDirectory => pem::inventory(self),
            StoreKind::Pkcs12 => pkcs12::inventory(self),
            StoreKind::Jks => jks::inventory(self),
        }
    }

    /// Puts an entry in; one of the same name is replaced if `overwrite` says so, or if it is the same.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn put(&self, new: &NewEntry<'_>, overwrite: bool) -> Result<Put, StoreError> {
        match self.kind {
            StoreKind::PemDirectory => pem::put(self, new, overwrite),
            StoreKind::Pkcs12 => pkcs12::put(self, new, overwrite),
            StoreKind::Jks => jks::put(self, new, overwrite),
        }
    }

    /// Takes an entry out, with its private key; the certificate that it had, DER.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn remove(&self, alias: &str) -> Result<Vec<u8>, StoreError> {
        match self.kind {
            StoreKind::PemDirectory => pem::remove(self, alias),
            StoreKind::Pkcs12 => pkcs12::remove(self, alias),
            StoreKind::Jks => jks::remove(self, alias),
        }
    }

    /// Mode of a new file.
    fn mode(&self, holds_key: bool) -> u32 {
        let (text, default) = if holds_key { (&self.properties.key_mode, 0o600) } else { (&self.properties.mode, 0o644) };
        text.as_deref().and_then(crate::deploy::parse_mode).unwrap_or(default)
    }
}

/// The chain above a certificate that is installed with it: as far as candidates allow, without a root, which whoever trusts it has.
pub fn chain_to_install<'a>(certificate: &'a [u8], above: &'a [Vec<u8>]) -> Vec<&'a [u8]> {
    let mut chain: Vec<&[u8]> = certhold_pki::order_chain(certificate, above).into_iter().skip(1).take(CHAIN_MAX).collect();
    let is_root = |der: &&[u8]| certhold_pki::Facts::of(der).is_ok_and(|facts| facts.subject == facts.issuer);
    if chain.last().is_some_and(is_root) {
        chain.pop();
    }
    chain
}

/// A name for what has none: the SHA-1 of the certificate, as most software shows it.
fn thumbprint(der: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, der);
    certhold_domain::hex(digest.as_ref())
}

/// Makes names of entries different: the second of a name becomes `name#2`.
fn distinct(entries: &mut [StoredEntry]) {
    let mut seen = std::collections::BTreeSet::new();
    for entry in entries {
        let name = entry.alias.clone();
        let mut number = 1;
        while !seen.insert(entry.alias.clone()) {
            number += 1;
            entry.alias = format!("{name}#{number}");
        }
    }
}
