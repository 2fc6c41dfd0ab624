//! Certificate revocation lists (RFC 5280 section 5).
//!
//! A list may have millions of entries, so they are never gathered: [`RevocationList::entries`] walks over the bytes.

use serde::Serialize;

use crate::asn1::{Element, Reader, small_integer, tag};
use crate::certificate::{Certificate, Extensions};
use crate::facts::signature_algorithm;
use crate::name::Name;
use crate::signature::{SignatureError, Signed, verify};
use crate::{recognise, text, time};

/// Why bytes are not a certificate revocation list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARevocationList {
    /// The bytes are something else.
    #[error("this is {0}, not a certificate revocation list")]
    Other(&'static str),
    /// A part is missing or has the wrong type.
    #[error("not a certificate revocation list: {0}")]
    Malformed(&'static str),
}

/// One list, read in place.
#[derive(Clone, Debug)]
pub struct RevocationList<'a> {
    whole: &'a [u8],
    to_be_signed: &'a [u8],
    issuer: Element<'a>,
    this_update: i64,
    next_update: Option<i64>,
    revoked: Reader<'a>,
    extensions: Option<Reader<'a>>,
    algorithm: Element<'a>,
    signature: &'a [u8],
}

/// One revoked certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revoked {
    /// The serial number as in [`crate::Facts::serial`].
    pub serial: String,
    /// When it was revoked, unix milliseconds; `None` when the time is malformed.
    pub at: Option<i64>,
    /// Why, in the words of RFC 5280 section 5.3.1; `None` when not stated.
    pub reason: Option<&'static str>,
}

impl<'a> RevocationList<'a> {
    /// Reads the list at the beginning of `der`, without its entries.
    ///
    /// # Errors
    /// [`NotARevocationList`] when the bytes are something else or lack a part of RFC 5280 section 5.1.
    pub fn of(der: &'a [u8]) -> Result<RevocationList<'a>, NotARevocationList> {
        match recognise::der(der) {
            Some(recognise::Kind::RevocationList) => {}
            _ => return Err(NotARevocationList::Other(recognise::found(der))),
        }
        Self::parts(der).map_err(NotARevocationList::Malformed)
    }

    fn parts(der: &'a [u8]) -> Result<Self, &'static str> {
        let whole = Reader::new(der).take(tag::SEQUENCE).ok_or("it is cut off")?;
        let mut list = whole.inside();
        let signed = list.take(tag::SEQUENCE).ok_or("the signed part is missing")?;
        let algorithm = list.take(tag::SEQUENCE).ok_or("the signature algorithm is missing")?;
        let signature = list.take(tag::BIT_STRING).and_then(|bits| bits.bits()).ok_or("the signature is missing")?;
        let mut fields = signed.inside();
        fields.take(tag::INTEGER);
        fields.take(tag::SEQUENCE).ok_or("the inner signature algorithm is missing")?;
        let issuer = fields.take(tag::SEQUENCE).ok_or("the issuer is missing")?;
        let this_update = fields.next().and_then(|at| time::read(&at)).ok_or("the time of this update is malformed")?;
        let next_update = match fields.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => fields.next().and_then(|at| time::read(&at)),
            _ => None,
        };
        Ok(RevocationList {
            whole: whole.whole,
            to_be_signed: signed.whole,
            issuer,
            this_update: this_update.unix_ms,
            next_update: next_update.map(|at| at.unix_ms),
            revoked: fields.enter(tag::SEQUENCE).unwrap_or(Reader::new(&[])),
            extensions: fields.enter(tag::context(0)).and_then(|mut extensions| extensions.enter(tag::SEQUENCE)),
            algorithm,
            signature,
        })
    }

    /// The exact element.
    pub fn der(&self) -> &'a [u8] {
        self.whole
    }

    /// The issuer as an RFC 4514 string, escaped as in [`crate::Facts`].
    pub fn issuer(&self) -> String {
        Name::of(self.issuer.content).text
    }

    /// The issuer's name in DER.
    pub fn issuer_der(&self) -> &'a [u8] {
        self.issuer.whole
    }

    /// When this list was issued, unix milliseconds.
    pub fn this_update(&self) -> i64 {
        self.this_update
    }

    /// When the next list is issued at the latest, unix milliseconds.
    pub fn next_update(&self) -> Option<i64> {
        self.next_update
    }

    /// The signature algorithm as in [`crate::Facts::signature_algorithm`].
    pub fn signature_algorithm(&self) -> String {
        signature_algorithm(&self.algorithm)
    }

    /// The CRL number (RFC 5280 section 5.2.3) in hexadecimal.
    pub fn number(&self) -> Option<String> {
        self.integer(20)
    }

    /// The number of the list that this one changes, if it is a delta (RFC 5280 section 5.2.4), in hexadecimal.
    pub fn base_number(&self) -> Option<String> {
        self.integer(27)
    }

    fn integer(&self, extension: u8) -> Option<String> {
        let found = Extensions::new(self.extensions?).find(|present| present.oid == [0x55, 0x1d, extension])?;
        Some(text::hex(Reader::new(found.value).take(tag::INTEGER)?.content))
    }

    /// The revoked certificates, in the list's order. What is not an entry ends the walk.
    pub fn entries(&self) -> impl Iterator<Item = Revoked> + use<'a> {
        let mut revoked = self.revoked;
        std::iter::from_fn(move || {
            let mut fields = revoked.enter(tag::SEQUENCE)?;
            let serial = fields.take(tag::INTEGER)?;
            let at = fields.next().and_then(|at| time::read(&at)).map(|at| at.unix_ms);
            let reason = fields.enter(tag::SEQUENCE).and_then(reason);
            Some(Revoked { serial: text::hex(serial.content), at, reason })
        })
    }

    /// Checks that the list was signed with the key of `issuer_der`. Only the mathematics: names and times are not looked at.
    ///
    /// # Errors
    /// As [`crate::verify_signed_by`].
    pub fn verify(&self, issuer_der: &[u8]) -> Result<(), SignatureError> {
        let issuer = Certificate::locate(issuer_der)?;
        let signed = Signed { message: self.to_be_signed, algorithm: self.algorithm, signature: self.signature };
        verify(&signed, &issuer.spki)
    }
}

/// CRLReason among the extensions of an entry.
fn reason(extensions: Reader<'_>) -> Option<&'static str> {
    let found = Extensions::new(extensions).find(|extension| extension.oid == [0x55, 0x1d, 21])?;
    let number = Reader::new(found.value).take(0x0a)?;
    Some(match small_integer(number.content)? {
        0 => "unspecified",
        1 => "keyCompromise",
        2 => "cACompromise",
        3 => "affiliationChanged",
        4 => "superseded",
        5 => "cessationOfOperation",
        6 => "certificateHold",
        8 => "removeFromCRL",
        9 => "privilegeWithdrawn",
        10 => "aACompromise",
        _ => return None,
    })
}
