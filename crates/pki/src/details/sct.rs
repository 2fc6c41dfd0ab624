//! Signed certificate timestamps embedded in a certificate (RFC 6962 section 3.3).

use serde::Serialize;

use crate::asn1::{Reader, tag};
use crate::hex_bytes;

/// One signed certificate timestamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SctEntry {
    /// 1 for the version of RFC 6962.
    pub version: u16,
    /// Identifier of the log: SHA-256 of its public key.
    #[serde(serialize_with = "hex_bytes")]
    pub log_id: Vec<u8>,
    /// When the log promised to include the certificate, unix milliseconds.
    pub timestamp: u64,
    /// Octets of the log's extensions.
    #[serde(serialize_with = "hex_bytes")]
    pub extensions: Vec<u8>,
    /// How the log signed: `ecdsa-with-SHA256`, or `hash/signature` by their numbers in RFC 5246 section 7.4.1.4.1.
    pub signature_algorithm: String,
    /// The signature.
    #[serde(serialize_with = "hex_bytes")]
    pub signature: Vec<u8>,
}

/// Reads the content of the extension: an OCTET STRING with a list in the language of TLS.
pub(crate) fn read(value: &[u8]) -> Option<Vec<SctEntry>> {
    let mut outer = Reader::new(value);
    let mut octets = outer.take(tag::OCTET_STRING)?.content;
    let mut list = vector(&mut octets)?;
    if !outer.is_empty() || !octets.is_empty() {
        return None;
    }
    let mut entries = Vec::new();
    while !list.is_empty() {
        entries.push(entry(vector(&mut list)?)?);
    }
    Some(entries)
}

fn entry(mut octets: &[u8]) -> Option<SctEntry> {
    let version = u16::from(take(&mut octets, 1)?[0]) + 1;
    let log_id = take(&mut octets, 32)?.to_vec();
    let timestamp = take(&mut octets, 8)?.iter().fold(0, |number: u64, octet| number << 8 | u64::from(*octet));
    let extensions = vector(&mut octets)?.to_vec();
    let algorithm = take(&mut octets, 2)?;
    let signature_algorithm = match algorithm {
        [4, 3] => "ecdsa-with-SHA256".to_owned(),
        [4, 1] => "sha256WithRSAEncryption".to_owned(),
        other => format!("{}/{}", other[0], other[1]),
    };
    let signature = vector(&mut octets)?.to_vec();
    octets.is_empty().then_some(SctEntry { version, log_id, timestamp, extensions, signature_algorithm, signature })
}

/// The next `count` octets.
fn take<'a>(octets: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = octets.split_at_checked(count)?;
    *octets = rest;
    Some(taken)
}

/// The octets after a length of two octets.
fn vector<'a>(octets: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take(octets, 2)?;
    take(octets, usize::from(length[0]) << 8 | usize::from(length[1]))
}
