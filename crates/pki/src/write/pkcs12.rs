//! PKCS#12 files (RFC 7292): the certificates in one encrypted part, each key in a bag of its own encryption.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use zeroize::Zeroizing;

use super::{Entry, Random, WriteError, encrypted_pkcs8};
use crate::asn1::{element, tag};
use crate::password_based::Password;
use crate::pkcs12::{BAGS, DATA, ENCRYPTED_DATA, FRIENDLY_NAME, X509_CERTIFICATE};
use crate::protect::{self, Profile};

/// `1.2.840.113549.1.9.21`: ties a key to its certificate.
const LOCAL_KEY_ID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x15];
/// `2.16.840.1.113894.746875.1.1`: Java lists a certificate without a key only where this marks it as trusted.
const TRUSTED_KEY_USAGE: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 0x01, 0x01];
/// `2.5.29.37.0`, anyExtendedKeyUsage.
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
const SHROUDED_KEY: u8 = 2;
const CERTIFICATE: u8 = 3;

pub(super) fn write(
    entries: &[Entry<'_>],
    password: &str,
    profile: Profile,
    random: Random<'_>,
) -> Result<Zeroizing<Vec<u8>>, WriteError> {
    let password = Password::new(password);
    let (mut keys, mut certificates) = (Vec::new(), Vec::new());
    // Entries share authorities, which have no names: once is enough for whoever builds the chains.
    let mut above: BTreeSet<&[u8]> = BTreeSet::new();
    for entry in entries {
        let leaf = entry.certificates.first();
        // Any value that is the same at both will do; OpenSSL takes this one too.
        let id = leaf.filter(|_| entry.key.is_some()).map(|der| digest(&SHA1_FOR_LEGACY_USE_ONLY, der));
        let id = id.as_ref().map(|digest| attribute(LOCAL_KEY_ID, &element(tag::OCTET_STRING, &[digest.as_ref()])));
        let name = (!entry.alias.is_empty()).then(|| attribute(FRIENDLY_NAME, &bmp_string(&entry.alias)));
        let own: Vec<&[u8]> = name.iter().chain(&id).map(Vec::as_slice).collect();
        if let Some(key) = entry.key {
            let encrypted = encrypted_pkcs8(key, profile, &password, random)?;
            keys.push(bag(SHROUDED_KEY, &encrypted, &own));
        }
        for (position, der) in entry.certificates.iter().enumerate() {
            if entry.key.is_some() && position > 0 && !above.insert(der) {
                continue;
            }
            let value = element(
                tag::SEQUENCE,
                &[&element(tag::OID, &[X509_CERTIFICATE]), &element(tag::context(0), &[&element(tag::OCTET_STRING, &[der])])],
            );
            let trusted = attribute(TRUSTED_KEY_USAGE, &element(tag::OID, &[ANY_USAGE]));
            let attributes = match (entry.key, position) {
                (Some(_), 0) => own.clone(),
                (Some(_), _) => Vec::new(),
                (None, _) => own.iter().copied().chain([&trusted[..]]).collect(),
            };
            certificates.push(bag(CERTIFICATE, &value, &attributes));
        }
    }
    let mut parts = Vec::new();
    if !certificates.is_empty() {
        parts.push(encrypted_part(&sequence(&certificates), profile, &password, random)?);
    }
    if !keys.is_empty() {
        parts.push(data_part(&sequence(&keys)));
    }
    let safe = sequence(&parts);
    let mac = protect::mac_data(profile, &safe, &password, random)?;
    Ok(Zeroizing::new(element(tag::SEQUENCE, &[&[tag::INTEGER, 1, 3], &data_part(&safe), &mac])))
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(tag::SEQUENCE, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// ContentInfo with octets in the clear.
fn data_part(octets: &[u8]) -> Vec<u8> {
    let content = element(tag::context(0), &[&element(tag::OCTET_STRING, &[octets])]);
    element(tag::SEQUENCE, &[&element(tag::OID, &[DATA]), &content])
}

/// ContentInfo with EncryptedData (RFC 5652 section 8).
fn encrypted_part(clear: &[u8], profile: Profile, password: &Password, random: Random<'_>) -> Result<Vec<u8>, WriteError> {
    let (algorithm, octets) = protect::encrypt(profile, clear, password, random)?;
    let octets = element(tag::context_primitive(0), &[&octets]);
    let info = element(tag::SEQUENCE, &[&element(tag::OID, &[DATA]), &algorithm, &octets]);
    let data = element(tag::SEQUENCE, &[&[tag::INTEGER, 1, 0], &info]);
    Ok(element(tag::SEQUENCE, &[&element(tag::OID, &[ENCRYPTED_DATA]), &element(tag::context(0), &[&data])]))
}

fn bag(kind: u8, value: &[u8], attributes: &[&[u8]]) -> Vec<u8> {
    let oid = element(tag::OID, &[&BAGS, &[kind]]);
    let attributes = if attributes.is_empty() { Vec::new() } else { element(tag::SET, attributes) };
    element(tag::SEQUENCE, &[&oid, &element(tag::context(0), &[value]), &attributes])
}

fn attribute(oid: &[u8], value: &[u8]) -> Vec<u8> {
    element(tag::SEQUENCE, &[&element(tag::OID, &[oid]), &element(tag::SET, &[value])])
}

fn bmp_string(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    element(tag::BMP_STRING, &[&units])
}
