//! What one certificate says, as far as an inventory needs it.

use aws_lc_rs::digest;
use serde::Serialize;

use crate::alt_name::{AltName, AltNameKind};
use crate::asn1::{Element, tag};
use crate::certificate::{Certificate, NotACertificate};
use crate::name::Name;
use crate::public_key::KeyFacts;
use crate::{extensions, oid, text, time};

/// The facts of one certificate, derived from its DER bytes and from nothing else.
///
/// Certificates are read permissively: whatever has the parts of RFC 5280 section 4.1 in their order is held, and
/// what is odd about it stands in [`Facts::oddities`]. Text never holds control characters, NUL, or characters that
/// change the direction of the text around them: these, and the backslash, are written as a backslash and two
/// hexadecimal digits per octet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Facts {
    /// SHA-256 of the exact certificate element. In JSON, as hexadecimal.
    #[serde(serialize_with = "crate::hex_bytes")]
    pub sha256: [u8; 32],
    /// SHA-1 of the exact certificate element, for those who search by "thumbprint".
    #[serde(serialize_with = "crate::hex_bytes")]
    pub sha1: [u8; 20],
    /// 1, 2 or 3; other numbers as the certificate has them.
    pub version: u32,
    /// Lower-case hexadecimal of the content octets of the INTEGER, with a leading `00` or sign octet if there is one.
    pub serial: String,
    /// The subject as an RFC 4514 string, most specific relative name first; empty if the certificate's is.
    pub subject: String,
    /// The issuer, likewise.
    pub issuer: String,
    /// The most specific common name of the subject.
    pub common_name: Option<String>,
    /// The most specific common name of the issuer.
    pub issuer_common_name: Option<String>,
    /// The most specific organization of the subject.
    pub organization: Option<String>,
    /// Begin of the validity, unix milliseconds. 0 if the certificate's field is no time, and then an oddity says so.
    pub not_before: i64,
    /// End of the validity, unix milliseconds, inclusive. 0 if the certificate's field is no time: such a certificate
    /// has ended long ago rather than lasting for ever.
    pub not_after: i64,
    /// `RSA`, `EC`, `Ed25519`, `Ed448`, `RSASSA-PSS`, `ML-DSA-65`, …, or the dotted identifier.
    pub key_algorithm: String,
    /// Size of the key: modulus, prime, or field size of the curve, in bits.
    pub key_bits: Option<u32>,
    /// `P-256`, `P-384`, `P-521`, `secp256k1`, `brainpoolP256r1`, …, `explicit` for parameters written out, or the dotted identifier.
    pub key_curve: Option<String>,
    /// SHA-256 of the SubjectPublicKeyInfo element: equal for all certificates of one key.
    #[serde(serialize_with = "crate::hex_bytes")]
    pub spki_sha256: [u8; 32],
    /// `sha256WithRSAEncryption`, `ecdsa-with-SHA256`, `RSASSA-PSS`, `Ed25519`, `ML-DSA-65`, …, or the dotted identifier.
    pub signature_algorithm: String,
    /// The subject alternative names, in the certificate's order.
    pub names: Vec<AltName>,
    /// Basic constraints say that this is a certification authority.
    pub is_ca: bool,
    /// Path length of the basic constraints.
    pub path_length: Option<u32>,
    /// Key usages by the names of RFC 5280: `digitalSignature`, `nonRepudiation`, `keyEncipherment`, …
    pub key_usage: Vec<String>,
    /// Extended key usages: `serverAuth`, `clientAuth`, …, or dotted identifiers.
    pub extended_key_usage: Vec<String>,
    /// Subject key identifier, lower-case hexadecimal.
    pub subject_key_id: Option<String>,
    /// Key identifier of the authority key identifier, lower-case hexadecimal.
    pub authority_key_id: Option<String>,
    /// Subject and issuer are the same octets (RFC 5280 section 3.2).
    pub self_issued: bool,
    /// URIs of the CRL distribution points.
    pub crl_urls: Vec<String>,
    /// OCSP responders of the authority information access.
    pub ocsp_urls: Vec<String>,
    /// Where the issuer's certificate can be had (authority information access, caIssuers).
    pub issuer_urls: Vec<String>,
    /// Certificate policies, dotted.
    pub policies: Vec<String>,
    /// What is odd about the encoding, one sentence each; empty for a proper certificate.
    pub oddities: Vec<String>,
}

impl Facts {
    /// Derives the facts of the certificate at the beginning of `der`. Bytes that follow the certificate element are
    /// no part of it: the digests leave them out and an oddity mentions them.
    ///
    /// # Errors
    /// [`NotACertificate`] when the bytes lack a part of RFC 5280 section 4.1, with what they are if that is known.
    pub fn of(der: &[u8]) -> Result<Facts, NotACertificate> {
        let certificate = Certificate::locate(der)?;
        let mut oddities = Vec::new();
        let self_issued = certificate.subject.whole == certificate.issuer.whole;
        let subject = Name::of(certificate.subject.content);
        let issuer = Name::of(certificate.issuer.content);
        let not_before = instant(&certificate.not_before, "beginning", &mut oddities);
        let not_after = instant(&certificate.not_after, "end", &mut oddities);
        let key = KeyFacts::of(&certificate.spki);
        note_oddities(&certificate, &subject, &issuer, &key, &mut oddities);
        let mut facts = Facts {
            sha256: sha256(certificate.whole),
            sha1: sha1(certificate.whole),
            version: version(&certificate),
            serial: text::hex(certificate.serial),
            subject: subject.text,
            issuer: issuer.text,
            common_name: subject.common_name,
            issuer_common_name: issuer.common_name,
            organization: subject.organization,
            not_before,
            not_after,
            key_algorithm: key.algorithm,
            key_bits: key.bits,
            key_curve: key.curve,
            spki_sha256: sha256(certificate.spki.whole),
            signature_algorithm: signature_algorithm(&certificate.outer_algorithm),
            names: Vec::new(),
            is_ca: false,
            path_length: None,
            key_usage: Vec::new(),
            extended_key_usage: Vec::new(),
            subject_key_id: None,
            authority_key_id: None,
            self_issued,
            crl_urls: Vec::new(),
            ocsp_urls: Vec::new(),
            issuer_urls: Vec::new(),
            policies: Vec::new(),
            oddities,
        };
        extensions::read_into(&mut facts, &certificate);
        Ok(facts)
    }

    /// The DNS names among the subject alternative names, in order, as they stand in the certificate.
    pub fn dns_names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter(|name| name.kind == AltNameKind::Dns).map(|name| name.value.as_str())
    }
}

fn note_oddities(certificate: &Certificate<'_>, subject: &Name, issuer: &Name, key: &KeyFacts, oddities: &mut Vec<String>) {
    let mut note = |odd: bool, sentence: &str| {
        if odd {
            oddities.push(sentence.to_owned());
        }
    };
    note(subject.malformed, "The subject is not encoded as a distinguished name throughout.");
    note(issuer.malformed, "The issuer is not encoded as a distinguished name throughout.");
    note(key.malformed, "The public key is not encoded as its algorithm requires.");
    note(certificate.odd_tail, "There are fields that RFC 5280 does not have, or fields in the wrong place.");
    let same_algorithm = certificate.inner_algorithm.whole == certificate.outer_algorithm.whole;
    note(!same_algorithm, "The signature algorithm inside the signed part differs from the one outside.");
    note(certificate.serial.first().is_none_or(|first| first & 0x80 != 0), "The serial number is negative or empty.");
    if certificate.trailing > 0 {
        oddities.push(format!("{} bytes after the certificate are no part of it.", certificate.trailing));
    }
}

pub(crate) fn version(certificate: &Certificate<'_>) -> u32 {
    match certificate.version {
        None => 1,
        Some(content) => crate::asn1::small_integer(content)
            .and_then(|number| u32::try_from(number).ok())
            .map_or(0, |number| number.saturating_add(1)),
    }
}

fn instant(element: &Element<'_>, which: &str, oddities: &mut Vec<String>) -> i64 {
    match time::read(element) {
        Some(time) if time.strict => time.unix_ms,
        Some(time) => {
            oddities.push(format!("The {which} of the validity is written in a form that RFC 5280 does not allow."));
            time.unix_ms
        }
        None => {
            oddities.push(format!("The {which} of the validity is no time: {}.", text::hash_hex(element.whole)));
            0
        }
    }
}

/// The name of the algorithm in an AlgorithmIdentifier.
pub(crate) fn signature_algorithm(identifier: &Element<'_>) -> String {
    match identifier.inside().take(tag::OID) {
        Some(oid) => oid::signature_algorithm(oid.content).map_or_else(|| oid::dotted(oid.content), str::to_owned),
        None => text::hash_hex(identifier.whole),
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

pub(crate) fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    out.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
    out
}
