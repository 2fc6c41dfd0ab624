//! Where the parts of a certificate are (RFC 5280 section 4.1), without interpreting them.

use crate::asn1::{Element, Reader, tag};
use crate::recognise;

/// The largest certificate that is held, in bytes. The largest known in public use have some hundred kilobytes.
pub const CERTIFICATE_BYTES_MAX: usize = 1024 * 1024;

/// Why some bytes are not a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACertificate {
    /// The bytes are something else that this crate recognises.
    #[error("this is {0}, not a certificate")]
    Other(&'static str),
    /// The outer form is that of a certificate, but a part is missing or has the wrong type.
    #[error("not a certificate: {0}")]
    Malformed(&'static str),
    /// The element announces more bytes than there are.
    #[error("the certificate is cut off: {announced} bytes announced, {present} present")]
    CutOff {
        /// Length in bytes that the header announces, header included.
        announced: u64,
        /// Length in bytes of what was given.
        present: usize,
    },
    /// Larger than [`CERTIFICATE_BYTES_MAX`].
    #[error("the certificate has {0} bytes; at most {CERTIFICATE_BYTES_MAX} are held")]
    TooLarge(usize),
}

/// The parts of one certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Certificate<'a> {
    /// The exact certificate element, without anything that follows it.
    pub(crate) whole: &'a [u8],
    /// Number of bytes after the certificate element.
    pub(crate) trailing: usize,
    /// The signed part, header included.
    pub(crate) to_be_signed: &'a [u8],
    /// Content of the version INTEGER; `None` when absent, which means version 1.
    pub(crate) version: Option<&'a [u8]>,
    pub(crate) serial: &'a [u8],
    pub(crate) inner_algorithm: Element<'a>,
    pub(crate) issuer: Element<'a>,
    pub(crate) not_before: Element<'a>,
    pub(crate) not_after: Element<'a>,
    pub(crate) subject: Element<'a>,
    pub(crate) spki: Element<'a>,
    /// The extensions; `None` when there are none.
    pub(crate) extensions: Option<Reader<'a>>,
    /// Content of the issuerUniqueID's BIT STRING.
    pub(crate) issuer_unique_id: Option<&'a [u8]>,
    /// Content of the subjectUniqueID's BIT STRING.
    pub(crate) subject_unique_id: Option<&'a [u8]>,
    /// Something after the public key is not what RFC 5280 puts there.
    pub(crate) odd_tail: bool,
    pub(crate) outer_algorithm: Element<'a>,
    /// Content of the signature BIT STRING, without the octet that counts unused bits.
    pub(crate) signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Locates the parts. Bytes after the certificate element are tolerated and counted in `trailing`.
    pub(crate) fn locate(bytes: &'a [u8]) -> Result<Self, NotACertificate> {
        match Self::parts(bytes) {
            Ok(certificate) if certificate.whole.len() > CERTIFICATE_BYTES_MAX => {
                Err(NotACertificate::TooLarge(certificate.whole.len()))
            }
            Ok(certificate) => Ok(certificate),
            Err(part) => Err(explain(bytes, part)),
        }
    }

    /// On failure, names the part that is missing or has the wrong type.
    fn parts(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let mut outer = Reader::new(bytes);
        let whole = outer.take(tag::SEQUENCE).ok_or("the bytes do not begin with a DER sequence")?;
        let mut certificate = whole.inside();
        let to_be_signed = certificate.take(tag::SEQUENCE).ok_or("the signed part is missing")?;
        let outer_algorithm = certificate.take(tag::SEQUENCE).ok_or("the signature algorithm is missing")?;
        let signature = certificate.take(tag::BIT_STRING).ok_or("the signature is missing")?;

        let mut tbs = to_be_signed.inside();
        let version = match tbs.enter(tag::context(0)) {
            Some(mut inside) => Some(inside.take(tag::INTEGER).ok_or("the version is no number")?.content),
            None => None,
        };
        let serial = tbs.take(tag::INTEGER).ok_or("the serial number is missing")?.content;
        let inner_algorithm = tbs.take(tag::SEQUENCE).ok_or("the signed algorithm is missing")?;
        let issuer = tbs.take(tag::SEQUENCE).ok_or("the issuer is missing")?;
        let mut validity = tbs.enter(tag::SEQUENCE).ok_or("the validity is missing")?;
        let not_before = validity.next().ok_or("the beginning of the validity is missing")?;
        let not_after = validity.next().ok_or("the end of the validity is missing")?;
        let subject = tbs.take(tag::SEQUENCE).ok_or("the subject is missing")?;
        let spki = tbs.take(tag::SEQUENCE).ok_or("the public key is missing")?;

        let mut extensions = None;
        let mut unique_ids = [None; 2];
        let mut odd_tail = !validity.is_empty() || !certificate.is_empty();
        while !tbs.is_empty() {
            match tbs.next() {
                Some(element) if element.tag == tag::context(3) && extensions.is_none() => {
                    let mut inside = element.inside();
                    extensions = inside.enter(tag::SEQUENCE);
                    odd_tail |= extensions.is_none() || !inside.is_empty();
                }
                // issuerUniqueID and subjectUniqueID, primitive as DER says or constructed as some wrote them
                Some(element) if matches!(element.tag, 0x81 | 0x82 | 0xa1 | 0xa2) => {
                    unique_ids[usize::from(element.tag & 0x03) - 1] = element.bits();
                }
                Some(_) => odd_tail = true,
                None => {
                    odd_tail = true;
                    break;
                }
            }
        }
        Ok(Certificate {
            whole: whole.whole,
            trailing: outer.rest().len(),
            to_be_signed: to_be_signed.whole,
            version,
            serial,
            inner_algorithm,
            issuer,
            not_before,
            not_after,
            subject,
            spki,
            extensions,
            issuer_unique_id: unique_ids[0],
            subject_unique_id: unique_ids[1],
            odd_tail,
            outer_algorithm,
            signature: signature.bits().ok_or("the signature is empty")?,
        })
    }

    /// The content octets of the first extension with this identifier.
    pub(crate) fn extension(&self, oid: &[u8]) -> Option<&'a [u8]> {
        Extensions::new(self.extensions?).find(|extension| extension.oid == oid).map(|extension| extension.value)
    }
}

/// The exact certificate element at the beginning of `bytes`, without what may follow it.
///
/// # Errors
/// As [`crate::Facts::of`].
pub fn certificate_element(bytes: &[u8]) -> Result<&[u8], NotACertificate> {
    Certificate::locate(bytes).map(|certificate| certificate.whole)
}

fn explain(bytes: &[u8], part: &'static str) -> NotACertificate {
    if let Some((announced, present)) = cut_off(bytes) {
        return NotACertificate::CutOff { announced, present };
    }
    match recognise::der(bytes).or_else(|| recognise::other(bytes)) {
        Some(kind) if kind != recognise::Kind::Certificate => NotACertificate::Other(kind.what()),
        _ => NotACertificate::Malformed(part),
    }
}

/// The announced and the present length when a SEQUENCE header announces more than there is.
fn cut_off(bytes: &[u8]) -> Option<(u64, usize)> {
    let [tag::SEQUENCE, first @ 0x81..=0x84, rest @ ..] = bytes else {
        return None;
    };
    let count = usize::from(first & 0x7f);
    let digits = rest.get(..count)?;
    let length = digits.iter().fold(0, |length: u64, byte| length << 8 | u64::from(*byte));
    let announced = length + 2 + count as u64;
    // Text that happens to begin with '0' announces absurd lengths; that is not a truncated certificate.
    let plausible = length <= CERTIFICATE_BYTES_MAX as u64 && rest.get(count).is_none_or(|tag| *tag == tag::SEQUENCE);
    (plausible && announced > bytes.len() as u64).then_some((announced, bytes.len()))
}

/// One extension: identifier, criticality, and the content of its OCTET STRING.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extension<'a> {
    pub(crate) oid: &'a [u8],
    pub(crate) critical: bool,
    /// The flag is FALSE and written, or TRUE and not `ff`; DER allows neither.
    pub(crate) odd_flag: bool,
    pub(crate) value: &'a [u8],
}

/// Iterates over the readable extensions; `malformed` tells afterwards whether some were not.
pub(crate) struct Extensions<'a> {
    reader: Reader<'a>,
    pub(crate) malformed: bool,
}

impl<'a> Extensions<'a> {
    pub(crate) fn new(reader: Reader<'a>) -> Self {
        Extensions { reader, malformed: false }
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        while let Some(extension) = self.reader.next() {
            let mut inside = extension.inside();
            if let (tag::SEQUENCE, Some(oid)) = (extension.tag, inside.take(tag::OID)) {
                let flag = inside.take(tag::BOOLEAN);
                let critical = flag.is_some_and(|flag| flag.content.first().is_some_and(|octet| *octet != 0));
                let odd_flag = flag.is_some_and(|flag| flag.content != [0xff]);
                if let Some(value) = inside.take(tag::OCTET_STRING) {
                    return Some(Extension { oid: oid.content, critical, odd_flag, value: value.content });
                }
            }
            self.malformed = true;
        }
        self.malformed |= !self.reader.is_empty();
        None
    }
}
