//! Certificate signing requests (PKCS#10, RFC 2986).

use serde::Serialize;

use crate::alt_name::{AltName, AltNameKind};
use crate::asn1::{Element, Reader, tag};
use crate::certificate::Extensions;
use crate::facts::{sha256, signature_algorithm};
use crate::name::Name;
use crate::public_key::KeyFacts;
use crate::signature::{SignatureError, Signed, verify};
use crate::{oid, recognise};

/// The largest request that is read, in bytes.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// Why bytes are not a certificate signing request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARequest {
    /// The bytes are something else.
    #[error("this is {0}, not a certificate signing request")]
    Other(&'static str),
    /// A part is missing or has the wrong type.
    #[error("not a certificate signing request: {0}")]
    Malformed(&'static str),
}

/// What a request asks for. Text is escaped as in [`crate::Facts`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CsrFacts {
    /// The subject as an RFC 4514 string.
    pub subject: String,
    /// The most specific common name.
    pub common_name: Option<String>,
    /// As in [`crate::Facts::key_algorithm`].
    pub key_algorithm: String,
    /// As in [`crate::Facts::key_bits`].
    pub key_bits: Option<u32>,
    /// As in [`crate::Facts::key_curve`].
    pub key_curve: Option<String>,
    /// The SubjectPublicKeyInfo element.
    #[serde(skip)]
    pub spki_der: Vec<u8>,
    /// SHA-256 of the SubjectPublicKeyInfo element.
    #[serde(skip)]
    pub spki_sha256: [u8; 32],
    /// As in [`crate::Facts::signature_algorithm`].
    pub signature_algorithm: String,
    /// The subject alternative names asked for, in order.
    pub names: Vec<AltName>,
    /// Extended key usages asked for.
    pub extended_key_usage: Vec<String>,
}

impl CsrFacts {
    /// Derives the facts of the request at the beginning of `der`.
    ///
    /// # Errors
    /// [`NotARequest`] when the bytes are something else or lack a part of RFC 2986 section 4.
    pub fn of(der: &[u8]) -> Result<CsrFacts, NotARequest> {
        let request = Request::locate(der)?;
        let subject = Name::of(request.subject.content);
        let key = KeyFacts::of(&request.spki);
        let mut facts = CsrFacts {
            subject: subject.text,
            common_name: subject.common_name,
            key_algorithm: key.algorithm,
            key_bits: key.bits,
            key_curve: key.curve,
            spki_der: request.spki.whole.to_vec(),
            spki_sha256: sha256(request.spki.whole),
            signature_algorithm: signature_algorithm(&request.algorithm),
            names: Vec::new(),
            extended_key_usage: Vec::new(),
        };
        for extension in request.extensions().into_iter().flat_map(Extensions::new) {
            match extension.oid {
                [0x55, 0x1d, 17] => {
                    let mut names = Reader::new(extension.value).enter(tag::SEQUENCE);
                    while let Some(name) = names.as_mut().and_then(Reader::next) {
                        facts.names.push(AltName::of(&name).0);
                    }
                }
                [0x55, 0x1d, 37] => {
                    let mut usages = Reader::new(extension.value).enter(tag::SEQUENCE);
                    while let Some(usage) = usages.as_mut().and_then(|usages| usages.take(tag::OID)) {
                        let name = oid::extended_key_usage(usage.content);
                        facts.extended_key_usage.push(name.map_or_else(|| oid::dotted(usage.content), str::to_owned));
                    }
                }
                _ => {}
            }
        }
        Ok(facts)
    }

    /// The DNS names among the names asked for.
    pub fn dns_names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter(|name| name.kind == AltNameKind::Dns).map(|name| name.value.as_str())
    }
}

/// Checks that a request is signed with the key it asks a certificate for (proof of possession).
///
/// # Errors
/// As [`crate::verify_signed_by`].
pub fn verify_request(der: &[u8]) -> Result<(), SignatureError> {
    let request = Request::locate(der)?;
    let signed = Signed { message: request.info, algorithm: request.algorithm, signature: request.signature };
    verify(&signed, &request.spki)
}

/// The exact request element at the beginning of `der`.
pub(crate) fn request_element(der: &[u8]) -> Result<&[u8], NotARequest> {
    Request::locate(der)?;
    Reader::new(der).next().map(|element| element.whole).ok_or(NotARequest::Malformed("it is cut off"))
}

struct Request<'a> {
    /// CertificationRequestInfo, header included.
    info: &'a [u8],
    subject: Element<'a>,
    spki: Element<'a>,
    attributes: Option<Reader<'a>>,
    algorithm: Element<'a>,
    signature: &'a [u8],
}

impl<'a> Request<'a> {
    fn locate(der: &'a [u8]) -> Result<Self, NotARequest> {
        match recognise::der(der) {
            Some(recognise::Kind::CertificateRequest) => {}
            _ => return Err(NotARequest::Other(recognise::found(der))),
        }
        Self::parts(der).map_err(NotARequest::Malformed)
    }

    fn parts(der: &'a [u8]) -> Result<Self, &'static str> {
        let mut request = Reader::new(der).enter(tag::SEQUENCE).ok_or("it is cut off")?;
        if request.rest().len() > REQUEST_BYTES_MAX {
            return Err("it is larger than any request");
        }
        let info = request.take(tag::SEQUENCE).ok_or("the signed part is missing")?;
        let algorithm = request.take(tag::SEQUENCE).ok_or("the signature algorithm is missing")?;
        let signature = request.take(tag::BIT_STRING).and_then(|bits| bits.bits()).ok_or("the signature is missing")?;
        let mut fields = info.inside();
        fields.take(tag::INTEGER).ok_or("the version is missing")?;
        let subject = fields.take(tag::SEQUENCE).ok_or("the subject is missing")?;
        let spki = fields.take(tag::SEQUENCE).ok_or("the public key is missing")?;
        let attributes = fields.enter(tag::context(0));
        Ok(Request { info: info.whole, subject, spki, attributes, algorithm, signature })
    }

    /// The extensions of the extensionRequest attribute (RFC 2985 section 5.4.2).
    fn extensions(&self) -> Option<Reader<'a>> {
        let mut attributes = self.attributes?;
        while let Some(mut attribute) = attributes.enter(tag::SEQUENCE) {
            if attribute.take(tag::OID)?.content == oid::EXTENSION_REQUEST {
                return attribute.enter(tag::SET)?.enter(tag::SEQUENCE);
            }
        }
        None
    }
}
