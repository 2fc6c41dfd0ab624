//! Writing certificates and keys in the formats that other software reads. Nothing here draws random numbers: salts come from
//! the caller's [`Random`], so that the same input gives the same file.

pub(crate) mod jks;
mod pkcs12;

use zeroize::Zeroizing;

use crate::asn1::{element, tag};
use crate::password_based::Password;
use crate::private_key::PrivateKey;
use crate::protect::{self, Profile};
use crate::{pem, pkcs12 as read_pkcs12};

/// Fills its argument with bytes that nobody can guess; asked for salts and initialisation vectors.
pub type Random<'r> = &'r mut dyn FnMut(&mut [u8]);

/// The label of an encrypted PKCS#8 private key.
const ENCRYPTED_PRIVATE_KEY: &str = "ENCRYPTED PRIVATE KEY";
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

/// A format that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// PEM: the key first, if there is one, then the certificate and its chain.
    Pem,
    /// One certificate, or one key as PKCS#8, in DER.
    Der,
    /// Certificates as PKCS#7 in PEM.
    Pkcs7,
    /// Certificates as PKCS#7 in DER, the usual content of `.p7b` files.
    Pkcs7Der,
    /// PKCS#12 with AES-256 and HMAC-SHA-256.
    Pkcs12,
    /// PKCS#12 with 3DES and HMAC-SHA-1, for software that knows nothing newer.
    Pkcs12Legacy,
    /// A Java key store of the kind JKS.
    Jks,
}

impl OutputFormat {
    /// All of them.
    pub const ALL: [OutputFormat; 7] = [
        OutputFormat::Pem,
        OutputFormat::Der,
        OutputFormat::Pkcs7,
        OutputFormat::Pkcs7Der,
        OutputFormat::Pkcs12,
        OutputFormat::Pkcs12Legacy,
        OutputFormat::Jks,
    ];

    /// The name by which it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            OutputFormat::Pem => "pem",
            OutputFormat::Der => "der",
            OutputFormat::Pkcs7 => "pkcs7",
            OutputFormat::Pkcs7Der => "pkcs7-der",
            OutputFormat::Pkcs12 => "pkcs12",
            OutputFormat::Pkcs12Legacy => "pkcs12-legacy",
            OutputFormat::Jks => "jks",
        }
    }

    /// The format of this name.
    pub fn parse(name: &str) -> Option<OutputFormat> {
        OutputFormat::ALL.into_iter().find(|format| format.name() == name)
    }

    /// What it is, for people.
    pub fn describe(self) -> &'static str {
        match self {
            OutputFormat::Pem => "PEM",
            OutputFormat::Der => "DER",
            OutputFormat::Pkcs7 => "PKCS#7 in PEM",
            OutputFormat::Pkcs7Der => "PKCS#7 in DER",
            OutputFormat::Pkcs12 => "PKCS#12 (AES-256)",
            OutputFormat::Pkcs12Legacy => "PKCS#12 for old software (3DES)",
            OutputFormat::Jks => "Java keystore (JKS)",
        }
    }

    /// The usual extension of a file name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            OutputFormat::Pem => "pem",
            OutputFormat::Der => "der",
            OutputFormat::Pkcs7 | OutputFormat::Pkcs7Der => "p7b",
            OutputFormat::Pkcs12 | OutputFormat::Pkcs12Legacy => "p12",
            OutputFormat::Jks => "jks",
        }
    }

    /// The media type (RFC 8555 section 9.1, RFC 2585, RFC 7292).
    pub fn media_type(self) -> &'static str {
        match self {
            OutputFormat::Pem => "application/x-pem-file",
            OutputFormat::Der => "application/pkix-cert",
            OutputFormat::Pkcs7 | OutputFormat::Pkcs7Der => "application/x-pkcs7-certificates",
            OutputFormat::Pkcs12 | OutputFormat::Pkcs12Legacy => "application/x-pkcs12",
            OutputFormat::Jks => "application/x-java-keystore",
        }
    }

    /// Whether it can hold private keys.
    pub fn holds_keys(self) -> bool {
        !matches!(self, OutputFormat::Pkcs7 | OutputFormat::Pkcs7Der)
    }

    /// Whether it cannot be without a password.
    pub fn needs_password(self) -> bool {
        matches!(self, OutputFormat::Pkcs12 | OutputFormat::Pkcs12Legacy | OutputFormat::Jks)
    }
}

/// One thing to be written: a key with its certificate and chain, or certificates alone.
pub struct Entry<'a> {
    /// What the file calls it: friendlyName in PKCS#12, alias in a Java key store.
    pub alias: String,
    /// The private key.
    pub key: Option<&'a PrivateKey>,
    /// The certificate of the key first, then its chain upwards. Without a key, any certificates.
    pub certificates: Vec<&'a [u8]>,
}

/// Why a file cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// No certificate and no key.
    #[error("there is nothing to write")]
    Nothing,
    /// The format cannot hold a private key.
    #[error("{0} holds certificates only; a private key needs PEM, PKCS#12 or a Java keystore")]
    NoKeys(&'static str),
    /// DER is one thing.
    #[error("a DER file holds one certificate or one private key; here are {0}: choose another format")]
    NotOne(usize),
    /// The format does not exist without a password.
    #[error("{0} needs a password")]
    PasswordNeeded(&'static str),
    /// The format protects keys, and this is none that it can protect in DER.
    #[error("a private key in DER is not encrypted; leave the password out, or choose another format")]
    PasswordUnused,
    /// Two entries would have the same name.
    #[error("two entries are called {0:?}")]
    DuplicateAlias(String),
    /// A Java key store knows keys only together with a certificate.
    #[error("a Java keystore holds private keys only together with their certificates")]
    KeyAlone,
    /// A name or a certificate is longer than the format can say.
    #[error("{0} is longer than the format allows")]
    TooLong(&'static str),
    /// The cryptographic library failed, which it does only when the system is in trouble.
    #[error("the cryptographic library could not encrypt; check the system's memory")]
    Library,
}

/// Writes entries as `format`. The password protects keys, and in PKCS#12 and Java key stores the whole file; PEM without a
/// password leaves keys in the clear. `now_ms` is what a Java key store says of when its entries were made.
///
/// # Errors
/// [`WriteError`] when the format cannot hold this.
pub fn write(
    format: OutputFormat,
    entries: &[Entry<'_>],
    password: Option<&str>,
    now_ms: i64,
    random: Random<'_>,
) -> Result<Zeroizing<Vec<u8>>, WriteError> {
    let keys = entries.iter().filter(|entry| entry.key.is_some()).count();
    let certificates = || entries.iter().flat_map(|entry| entry.certificates.iter().copied());
    let items = keys + certificates().count();
    if items == 0 {
        return Err(WriteError::Nothing);
    }
    if keys > 0 && !format.holds_keys() {
        return Err(WriteError::NoKeys(format.describe()));
    }
    let needed = || password.ok_or(WriteError::PasswordNeeded(format.describe()));
    match format {
        OutputFormat::Pem => write_pem(entries, password, random),
        OutputFormat::Der => match (items, entries.iter().find_map(|entry| entry.key)) {
            (1, Some(_)) if password.is_some() => Err(WriteError::PasswordUnused),
            (1, Some(key)) => Ok(Zeroizing::new(key.pkcs8_der().to_vec())),
            (1, None) => Ok(Zeroizing::new(certificates().next().unwrap_or_default().to_vec())),
            _ => Err(WriteError::NotOne(items)),
        },
        OutputFormat::Pkcs7 => Ok(Zeroizing::new(pem::encode("PKCS7", &pkcs7(certificates())).into_bytes())),
        OutputFormat::Pkcs7Der => Ok(Zeroizing::new(pkcs7(certificates()))),
        OutputFormat::Pkcs12 => pkcs12::write(entries, needed()?, Profile::Modern, random),
        OutputFormat::Pkcs12Legacy => pkcs12::write(entries, needed()?, Profile::Legacy, random),
        OutputFormat::Jks => jks::write(entries, needed()?, now_ms, random),
    }
}

/// A PKCS#12 file in which nothing is yet, or any more.
///
/// # Errors
/// [`WriteError::Library`].
pub fn empty_pkcs12(password: &str, legacy: bool, random: Random<'_>) -> Result<Zeroizing<Vec<u8>>, WriteError> {
    pkcs12::write(&[], password, if legacy { Profile::Legacy } else { Profile::Modern }, random)
}

fn write_pem(entries: &[Entry<'_>], password: Option<&str>, random: Random<'_>) -> Result<Zeroizing<Vec<u8>>, WriteError> {
    let mut parts = Vec::new();
    for entry in entries {
        if let Some(key) = entry.key {
            parts.push(match password {
                Some(password) => {
                    let encrypted = encrypted_pkcs8(key, Profile::Modern, &Password::new(password), random)?;
                    Zeroizing::new(pem::encode(ENCRYPTED_PRIVATE_KEY, &encrypted))
                }
                None => key.pkcs8_pem(),
            });
        }
        parts.extend(entry.certificates.iter().map(|der| Zeroizing::new(pem::encode(pem::CERTIFICATE, der))));
    }
    // Exactly as long as needed: growing would leave copies of a key behind.
    let mut out = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
    Ok(out)
}

/// EncryptedPrivateKeyInfo (RFC 5958 section 3).
fn encrypted_pkcs8(key: &PrivateKey, profile: Profile, password: &Password, random: Random<'_>) -> Result<Vec<u8>, WriteError> {
    let (algorithm, octets) = protect::encrypt(profile, key.pkcs8_der(), password, random)?;
    Ok(element(tag::SEQUENCE, &[&algorithm, &element(tag::OCTET_STRING, &[&octets])]))
}

/// SignedData without content and signers (RFC 5652 section 5.1), which carries certificates.
fn pkcs7<'a>(certificates: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let certificates: Vec<&[u8]> = certificates.collect();
    let content = element(tag::SEQUENCE, &[&element(tag::OID, &[read_pkcs12::DATA])]);
    let signed = element(
        tag::SEQUENCE,
        &[
            &[tag::INTEGER, 1, 1],
            &element(tag::SET, &[]),
            &content,
            &element(tag::context(0), &certificates),
            &element(tag::SET, &[]),
        ],
    );
    element(tag::SEQUENCE, &[&element(tag::OID, &[SIGNED_DATA]), &element(tag::context(0), &[&signed])])
}

/// Refuses names that occur twice, letter case aside: a Java key store would keep only one of the entries.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), WriteError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name.to_lowercase()) {
            return Err(WriteError::DuplicateAlias(name.to_owned()));
        }
    }
    Ok(())
}
