//! Java key stores of the kind JKS; [`crate::keystore`] describes the layout.

use zeroize::Zeroizing;

use super::{Entry, Random, WriteError, distinct};
use crate::asn1::{element, tag};
use crate::keystore::{DIGEST, JKS_KEY_PROTECTION, JKS_MAGIC, apply_key_stream, key_digest, store_digest};
use crate::password_based::Password;
use crate::private_key::PrivateKey;
use crate::protect::identifier;

pub(super) fn write(
    entries: &[Entry<'_>],
    password: &str,
    now_ms: i64,
    random: Random<'_>,
) -> Result<Zeroizing<Vec<u8>>, WriteError> {
    let password = Password::new(password);
    let names = entries.iter().flat_map(|entry| match entry.key {
        Some(_) => vec![alias(entry, 0)],
        None => (0..entry.certificates.len()).map(|position| alias(entry, position)).collect(),
    });
    let names: Vec<String> = names.collect();
    distinct(names.iter().map(String::as_str))?;
    let mut store = Store(Zeroizing::new(JKS_MAGIC.to_vec()));
    store.number(2, "the version")?;
    store.number(names.len(), "the list of entries")?;
    for entry in entries {
        store.entry(entry, &password, now_ms, random)?;
    }
    let check = store_digest(&password, &store.0);
    store.0.extend_from_slice(&check);
    Ok(store.0)
}

/// Java turns the names of entries into lower case. Certificates without a key need a name each.
fn alias(entry: &Entry<'_>, position: usize) -> String {
    let name = if entry.alias.is_empty() { "entry" } else { &entry.alias };
    match position {
        0 => name.to_lowercase(),
        _ => format!("{} {}", name.to_lowercase(), position + 1),
    }
}

/// A key under Sun's own protection.
fn protected(key: &PrivateKey, password: &Password, random: Random<'_>) -> Vec<u8> {
    let mut salt = [0; DIGEST];
    random(&mut salt);
    let mut octets = Zeroizing::new(key.pkcs8_der().to_vec());
    let check = key_digest(password, &octets);
    apply_key_stream(password, &salt, &mut octets);
    let octets = element(tag::OCTET_STRING, &[&salt, &octets, &check]);
    element(tag::SEQUENCE, &[&identifier(JKS_KEY_PROTECTION, &element(tag::NULL, &[])), &octets])
}

struct Store(Zeroizing<Vec<u8>>);

/// The octets of one entry: of a key with its chain, or of certificates.
pub(crate) fn encoded(
    entry: &Entry<'_>,
    password: &Password,
    now_ms: i64,
    random: Random<'_>,
) -> Result<Zeroizing<Vec<u8>>, WriteError> {
    let mut alone = Store(Zeroizing::new(Vec::new()));
    alone.entry(entry, password, now_ms, random)?;
    Ok(alone.0)
}

impl Store {
    fn entry(&mut self, entry: &Entry<'_>, password: &Password, now_ms: i64, random: Random<'_>) -> Result<(), WriteError> {
        match entry.key {
            Some(_) if entry.certificates.is_empty() => Err(WriteError::KeyAlone),
            Some(key) => {
                self.head(1, &alias(entry, 0), now_ms)?;
                self.sized(&protected(key, password, random), "a private key")?;
                self.number(entry.certificates.len(), "a chain")?;
                entry.certificates.iter().try_for_each(|der| self.certificate(der))
            }
            None => entry.certificates.iter().enumerate().try_for_each(|(position, der)| {
                self.head(2, &alias(entry, position), now_ms)?;
                self.certificate(der)
            }),
        }
    }

    fn number(&mut self, number: usize, what: &'static str) -> Result<(), WriteError> {
        let number = i32::try_from(number).map_err(|_| WriteError::TooLong(what))?;
        self.0.extend_from_slice(&number.to_be_bytes());
        Ok(())
    }

    fn sized(&mut self, octets: &[u8], what: &'static str) -> Result<(), WriteError> {
        self.number(octets.len(), what)?;
        self.0.extend_from_slice(octets);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), WriteError> {
        let octets = java_utf8(text);
        let length = u16::try_from(octets.len()).map_err(|_| WriteError::TooLong("the name of an entry"))?;
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(&octets);
        Ok(())
    }

    fn head(&mut self, kind: usize, alias: &str, now_ms: i64) -> Result<(), WriteError> {
        self.number(kind, "the kind")?;
        self.text(alias)?;
        self.0.extend_from_slice(&now_ms.to_be_bytes());
        Ok(())
    }

    fn certificate(&mut self, der: &[u8]) -> Result<(), WriteError> {
        self.text("X.509")?;
        self.sized(der, "a certificate")
    }
}

/// The UTF-8 of `java.io.DataOutput`: NUL in two octets, surrogates in three octets each.
fn java_utf8(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for unit in text.encode_utf16() {
        match unit {
            1..=0x7f => out.push(unit as u8),
            0 | 0x80..=0x7ff => out.extend([0xc0 | (unit >> 6) as u8, 0x80 | (unit & 0x3f) as u8]),
            _ => out.extend([0xe0 | (unit >> 12) as u8, 0x80 | (unit >> 6 & 0x3f) as u8, 0x80 | (unit & 0x3f) as u8]),
        }
    }
    out
}
