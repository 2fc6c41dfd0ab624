//! What some bytes are, judged by content and never by a file name.

use crate::asn1::{Reader, tag};

/// Kinds of input that can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Certificate,
    CertificateRequest,
    RevocationList,
    Pkcs7,
    Cms,
    Pkcs12,
    Pkcs8,
    EncryptedPkcs8,
    Pkcs1,
    Sec1,
    DsaKey,
    PublicKey,
    OcspResponse,
    JavaKeystore,
    JceKeystore,
    BouncyKeystore,
    OpenSshKey,
    SshPublicKey,
    PuttyKey,
    Pgp,
    Html,
    Xml,
    Json,
    Zip,
    Gzip,
    Pdf,
    Pem,
    Utf16,
    Empty,
}

impl Kind {
    /// With its article, for a sentence like "this is …".
    pub(crate) fn what(self) -> &'static str {
        match self {
            Kind::Certificate => "a certificate",
            Kind::CertificateRequest => "a certificate signing request",
            Kind::RevocationList => "a certificate revocation list",
            Kind::Pkcs7 => "a PKCS#7 bundle",
            Kind::Cms => "a CMS message that is not a certificate bundle",
            Kind::Pkcs12 => "a PKCS#12 file",
            Kind::Pkcs8 => "a PKCS#8 private key",
            Kind::EncryptedPkcs8 => "an encrypted PKCS#8 private key",
            Kind::Pkcs1 => "an RSA private key (PKCS#1)",
            Kind::Sec1 => "an EC private key (SEC 1)",
            Kind::DsaKey => "a DSA private key",
            Kind::PublicKey => "a public key",
            Kind::OcspResponse => "an OCSP response",
            Kind::JavaKeystore => "a Java keystore (JKS)",
            Kind::JceKeystore => "a Java keystore (JCEKS)",
            Kind::BouncyKeystore => "a Bouncy Castle keystore",
            Kind::OpenSshKey => "an OpenSSH private key",
            Kind::SshPublicKey => "an SSH public key",
            Kind::PuttyKey => "a PuTTY private key",
            Kind::Pgp => "an OpenPGP message or key",
            Kind::Html => "an HTML page",
            Kind::Xml => "an XML document",
            Kind::Json => "a JSON document",
            Kind::Zip => "a ZIP archive",
            Kind::Gzip => "a gzip archive",
            Kind::Pdf => "a PDF document",
            Kind::Pem => "PEM text",
            Kind::Utf16 => "UTF-16 text",
            Kind::Empty => "an empty input",
        }
    }
}

/// `1.2.840.113549.1.7`, the arc of PKCS#7 content types.
const PKCS7_ARC: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];

/// Tells what a DER or BER structure is by its first fields. Lengths need not be right: a truncated certificate
/// signing request is still recognised as one.
pub(crate) fn der(bytes: &[u8]) -> Option<Kind> {
    let mut fields = open(bytes, tag::SEQUENCE)?;
    match fields.first()? {
        0x30 => sequence_first(fields),
        0x02 => integer_first(fields),
        0x06 => {
            let oid = take(&mut fields)?;
            if oid.get(..8) != Some(&PKCS7_ARC[..]) || fields.first() != Some(&tag::context(0)) {
                return None;
            }
            Some(if oid.get(8) == Some(&2) { Kind::Pkcs7 } else { Kind::Cms })
        }
        0x0a => Some(Kind::OcspResponse),
        _ => None,
    }
}

/// `SEQUENCE { SEQUENCE …`: certificate, request, revocation list; or an AlgorithmIdentifier before a key.
fn sequence_first(outer: &[u8]) -> Option<Kind> {
    let inner = open(outer, tag::SEQUENCE)?;
    match inner.first()? {
        0x06 => {
            let after = Reader::new(outer).next().and_then(|_| {
                let mut reader = Reader::new(outer);
                reader.next();
                reader.peek()
            })?;
            match after {
                tag::OCTET_STRING => Some(Kind::EncryptedPkcs8),
                tag::BIT_STRING => Some(Kind::PublicKey),
                _ => None,
            }
        }
        0xa0 => Some(Kind::Certificate),
        0x02 => {
            let mut fields = Reader::new(inner);
            let number = fields.take(tag::INTEGER)?;
            let first = fields.take(tag::SEQUENCE)?;
            let second = fields.take(tag::SEQUENCE)?;
            let names_algorithm = |element: &crate::asn1::Element<'_>| element.inside().peek() == Some(tag::OID);
            match fields.peek() {
                Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Some(Kind::RevocationList),
                Some(tag::SEQUENCE) if names_algorithm(&first) => Some(Kind::Certificate),
                _ if number.content == [0] && second.inside().peek() == Some(tag::SEQUENCE) => Some(Kind::CertificateRequest),
                _ => None,
            }
        }
        0x30 => {
            // A version 1 revocation list: algorithm, issuer, time.
            let mut fields = Reader::new(inner);
            fields.take(tag::SEQUENCE)?;
            fields.take(tag::SEQUENCE)?;
            matches!(fields.peek(), Some(tag::UTC_TIME | tag::GENERALIZED_TIME)).then_some(Kind::RevocationList)
        }
        _ => None,
    }
}

/// `SEQUENCE { INTEGER …`: private keys and PKCS#12.
fn integer_first(mut fields: &[u8]) -> Option<Kind> {
    let version = take(&mut fields)?;
    match (version, fields.first()?) {
        ([3], 0x30) => Some(Kind::Pkcs12),
        ([0 | 1], 0x30) => Some(Kind::Pkcs8),
        ([1], 0x04) => Some(Kind::Sec1),
        ([0 | 1], 0x02) => {
            let mut reader = Reader::new(fields);
            let mut count = 0;
            while reader.take(tag::INTEGER).is_some() {
                count += 1;
            }
            match count {
                8.. => Some(Kind::Pkcs1),
                5 => Some(Kind::DsaKey),
                _ => None,
            }
        }
        (modulus, 0x02) if modulus.len() > 32 => Some(Kind::PublicKey),
        _ => None,
    }
}

/// The bytes after the header of an element with this tag, whatever its length says.
fn open(bytes: &[u8], expected: u8) -> Option<&[u8]> {
    let [tag, first, rest @ ..] = bytes else {
        return None;
    };
    if *tag != expected {
        return None;
    }
    match first {
        0..=0x80 => Some(rest),
        _ => rest.get(usize::from(first & 0x7f)..),
    }
}

/// Takes one primitive element off the front.
fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut reader = Reader::new(bytes);
    let element = reader.next()?;
    *bytes = reader.rest();
    Some(element.content)
}

/// Tells what bytes that are neither DER nor PEM are.
pub(crate) fn other(bytes: &[u8]) -> Option<Kind> {
    let kind = match bytes {
        [] => Kind::Empty,
        [0xfe, 0xed, 0xfe, 0xed, ..] => Kind::JavaKeystore,
        [0xce, 0xce, 0xce, 0xce, ..] => Kind::JceKeystore,
        [0, 0, 0, 1 | 2, 0, 0, 0, 20, ..] => Kind::BouncyKeystore,
        [b'P', b'K', 3, 4, ..] => Kind::Zip,
        [0x1f, 0x8b, ..] => Kind::Gzip,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Kind::Utf16,
        _ if bytes.starts_with(b"%PDF-") => Kind::Pdf,
        _ if bytes.starts_with(b"openssh-key-v1\0") => Kind::OpenSshKey,
        _ => return words(bytes),
    };
    Some(kind)
}

/// Tells text formats apart by how they begin.
fn words(bytes: &[u8]) -> Option<Kind> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let begins = |prefix: &str| bytes.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()));
    let any = |prefixes: &[&str]| prefixes.iter().any(|prefix| begins(prefix));
    if bytes.is_empty() {
        Some(Kind::Empty)
    } else if any(&["<!doctype html", "<html", "<head", "<body"]) {
        Some(Kind::Html)
    } else if begins("<?xml") {
        Some(Kind::Xml)
    } else if begins("PuTTY-User-Key-File") {
        Some(Kind::PuttyKey)
    } else if any(&["ssh-rsa ", "ssh-ed25519 ", "ssh-dss ", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"]) {
        Some(Kind::SshPublicKey)
    } else if begins("-----BEGIN PGP ") {
        Some(Kind::Pgp)
    } else if bytes.starts_with(b"-----BEGIN ") {
        Some(Kind::Pem)
    } else if matches!(bytes.first(), Some(b'{' | b'[')) {
        Some(Kind::Json)
    } else {
        None
    }
}

/// What `bytes` are, for a sentence; "something that is not recognised" if nothing fits.
pub(crate) fn found(bytes: &[u8]) -> &'static str {
    der(bytes).or_else(|| other(bytes)).map_or("something that is not recognised", Kind::what)
}
