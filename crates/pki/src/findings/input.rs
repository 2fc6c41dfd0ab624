//! What the rules look at: the parts of one certificate, found once.

use crate::asn1::{Element, Reader, tag};
use crate::certificate::{Certificate, Extension, Extensions};
use crate::facts::Facts;
use crate::text::{self, Escape};
use crate::{oid, time};

/// Extensions that rules ask for by name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    SubjectKeyId,
    KeyUsage,
    PrivateKeyPeriod,
    SubjectAltName,
    IssuerAltName,
    BasicConstraints,
    NameConstraints,
    CrlPoints,
    Policies,
    PolicyMappings,
    AuthorityKeyId,
    PolicyConstraints,
    ExtendedKeyUsage,
    FreshestCrl,
    InhibitAnyPolicy,
    AuthorityInfo,
    SubjectInfo,
    TlsFeature,
    SctList,
    Poison,
    OcspNoCheck,
    NetscapeCertType,
    SubjectDirectory,
}

impl Known {
    pub(super) const COUNT: usize = Known::SubjectDirectory as usize + 1;

    fn of(oid: &[u8]) -> Option<Known> {
        Some(match oid {
            [0x55, 0x1d, last] => match last {
                9 => Known::SubjectDirectory,
                14 => Known::SubjectKeyId,
                15 => Known::KeyUsage,
                16 => Known::PrivateKeyPeriod,
                17 => Known::SubjectAltName,
                18 => Known::IssuerAltName,
                19 => Known::BasicConstraints,
                30 => Known::NameConstraints,
                31 => Known::CrlPoints,
                32 => Known::Policies,
                33 => Known::PolicyMappings,
                35 => Known::AuthorityKeyId,
                36 => Known::PolicyConstraints,
                37 => Known::ExtendedKeyUsage,
                46 => Known::FreshestCrl,
                54 => Known::InhibitAnyPolicy,
                _ => return None,
            },
            [0x2b, 6, 1, 5, 5, 7, 1, last] => match last {
                1 => Known::AuthorityInfo,
                11 => Known::SubjectInfo,
                24 => Known::TlsFeature,
                _ => return None,
            },
            [0x2b, 6, 1, 5, 5, 7, 48, 1, 5] => Known::OcspNoCheck,
            [0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2] => Known::SctList,
            [0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 3] => Known::Poison,
            [0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 1, 1] => Known::NetscapeCertType,
            _ => return None,
        })
    }
}

/// One attribute of the subject.
#[derive(Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) oid: &'a [u8],
    pub(super) value: Element<'a>,
    /// Number of the relative name it stands in.
    pub(super) relative: usize,
}

impl Attribute<'_> {
    /// Its keyword, or its dotted identifier.
    pub(super) fn keyword(&self) -> String {
        oid::attribute(self.oid).map_or_else(|| oid::dotted(self.oid), str::to_owned)
    }

    /// Its value for a sentence.
    pub(super) fn shown(&self) -> String {
        let mut out = String::new();
        if !text::push_string(&mut out, &self.value, Escape::Plain) {
            return cut(text::hash_hex(&self.value.content[..self.value.content.len().min(SHOWN_CHARS)]));
        }
        cut(out)
    }

    /// Its whole value as text.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        text::push_string(&mut out, &self.value, Escape::Plain);
        out
    }
}

/// The parts of one certificate.
pub(super) struct Input<'a> {
    pub(super) facts: &'a Facts,
    pub(super) certificate: Certificate<'a>,
    /// Every readable extension in order.
    pub(super) extensions: Vec<Extension<'a>>,
    /// An extension could not be read.
    pub(super) extensions_malformed: bool,
    known: [Option<Extension<'a>>; Known::COUNT],
    /// Bit n of the key usage as bit n; `None` without the extension or when it is unreadable.
    pub(super) key_usage: Option<u16>,
    /// Extended key usages.
    pub(super) purposes: Vec<&'a [u8]>,
    /// Certificate policies.
    pub(super) policies: Vec<&'a [u8]>,
    pub(super) subject: Vec<Attribute<'a>>,
    /// Object identifier of the key's algorithm.
    pub(super) key_algorithm: &'a [u8],
    /// Its parameters.
    pub(super) key_parameters: Option<Element<'a>>,
    /// The key's bits.
    pub(super) key_bits: &'a [u8],
    /// Looks like a certificate of the public web PKI for a TLS server; see the module.
    pub(super) public_tls: bool,
}

impl<'a> Input<'a> {
    pub(super) fn of(facts: &'a Facts, certificate: Certificate<'a>) -> Input<'a> {
        let mut extensions = Vec::with_capacity(16);
        let mut known = [None; Known::COUNT];
        let mut extensions_malformed = false;
        if let Some(reader) = certificate.extensions {
            let mut all = Extensions::new(reader);
            for extension in all.by_ref() {
                extensions.push(extension);
                if let Some(slot) = Known::of(extension.oid) {
                    known[slot as usize].get_or_insert(extension);
                }
            }
            extensions_malformed = all.malformed;
        }
        let (key_algorithm, key_parameters, key_bits) = key_parts(&certificate.spki);
        let mut input = Input {
            facts,
            subject: attributes(certificate.subject.content),
            certificate,
            extensions,
            extensions_malformed,
            known,
            key_usage: None,
            purposes: Vec::new(),
            policies: Vec::new(),
            key_algorithm,
            key_parameters,
            key_bits,
            public_tls: false,
        };
        input.key_usage = input.read(Known::KeyUsage).and_then(|mut value| usage_bits(&value.take(tag::BIT_STRING)?));
        input.purposes = input.identifiers();
        input.policies = input.policy_identifiers();
        input.public_tls = input.looks_public();
        input
    }

    fn looks_public(&self) -> bool {
        let forum = |policy: &&[u8]| policy.starts_with(&[0x67, 0x81, 0x0c, 1]);
        !self.facts.is_ca
            && !self.facts.self_issued
            && self.has_purpose(SERVER_AUTH)
            && (self.has(Known::SctList) || self.has(Known::Poison) || self.policies.iter().any(forum))
    }

    /// The first extension of this kind.
    pub(super) fn get(&self, known: Known) -> Option<Extension<'a>> {
        self.known[known as usize]
    }

    pub(super) fn has(&self, known: Known) -> bool {
        self.known[known as usize].is_some()
    }

    pub(super) fn is_critical(&self, known: Known) -> bool {
        self.get(known).is_some_and(|extension| extension.critical)
    }

    /// A reader on the extension's value.
    pub(super) fn read(&self, known: Known) -> Option<Reader<'a>> {
        self.get(known).map(|extension| Reader::new(extension.value))
    }

    /// A reader on the inside of the SEQUENCE that is the extension's value.
    pub(super) fn inside(&self, known: Known) -> Option<Reader<'a>> {
        self.read(known)?.enter(tag::SEQUENCE)
    }

    fn identifiers(&self) -> Vec<&'a [u8]> {
        let mut found = Vec::new();
        if let Some(mut usages) = self.inside(Known::ExtendedKeyUsage) {
            while let Some(usage) = usages.take(tag::OID) {
                found.push(usage.content);
            }
        }
        found
    }

    fn policy_identifiers(&self) -> Vec<&'a [u8]> {
        let mut found = Vec::new();
        if let Some(mut policies) = self.inside(Known::Policies) {
            while let Some(policy) = policies.enter(tag::SEQUENCE).and_then(|mut policy| policy.take(tag::OID)) {
                found.push(policy.content);
            }
        }
        found
    }

    /// The elements of the subject alternative name.
    pub(super) fn alt_names(&self) -> Elements<'a> {
        Elements(self.inside(Known::SubjectAltName).unwrap_or(Reader::new(&[])))
    }

    /// The texts of the dNSNames.
    pub(super) fn dns_names(&self) -> impl Iterator<Item = &'a [u8]> {
        self.alt_names().filter(|name| name.tag == 0x82).map(|name| name.content)
    }

    pub(super) fn has_purpose(&self, purpose: &[u8]) -> bool {
        self.purposes.contains(&purpose)
    }

    /// A bit of the key usage is set.
    pub(super) fn may(&self, bit: u32) -> bool {
        self.key_usage.is_some_and(|usage| usage & 1 << bit != 0)
    }

    /// A self-issued certificate of an authority: a root, or a key rollover.
    pub(super) fn is_root(&self) -> bool {
        self.facts.is_ca && self.facts.self_issued
    }

    /// The validity begins on this day (days since 1970) or later.
    pub(super) fn since(&self, day: i64) -> bool {
        self.facts.not_before >= day * DAY_MS
    }

    /// The attributes of this type in the subject.
    pub(super) fn subject_values(&self, oid: &[u8]) -> impl Iterator<Item = &Attribute<'a>> {
        self.subject.iter().filter(move |attribute| attribute.oid == oid)
    }
}

/// Characters of a value that a sentence repeats.
const SHOWN_CHARS: usize = 80;

/// Octets for a sentence: safe, and not longer than a line.
pub(super) fn shown(bytes: &[u8]) -> String {
    cut(text::plain(&bytes[..bytes.len().min(4 * SHOWN_CHARS)]))
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(SHOWN_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A day as milliseconds.
pub(super) const DAY_MS: i64 = 86_400_000;

/// Days since 1970-01-01.
pub(super) const fn day(year: i64, month: i64, day: i64) -> i64 {
    time::days_from_civil(year, month, day)
}

/// `2027-01-31`.
pub(super) fn show_day(unix_ms: i64) -> String {
    let (year, month, day) = time::civil_from_days(unix_ms.div_euclid(DAY_MS));
    format!("{year:04}-{month:02}-{day:02}")
}

/// Elements of a constructed value as an iterator.
pub(super) struct Elements<'a>(pub(super) Reader<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        self.0.next()
    }
}

fn key_parts<'a>(spki: &Element<'a>) -> (&'a [u8], Option<Element<'a>>, &'a [u8]) {
    let mut fields = spki.inside();
    let Some(mut identifier) = fields.enter(tag::SEQUENCE) else { return (&[], None, &[]) };
    let algorithm = identifier.take(tag::OID).map(|oid| oid.content).unwrap_or_default();
    let parameters = identifier.next();
    (algorithm, parameters, fields.take(tag::BIT_STRING).and_then(|bits| bits.bits()).unwrap_or_default())
}

fn usage_bits(bits: &Element<'_>) -> Option<u16> {
    let bytes = bits.bits()?;
    let set = |n: usize| bytes.get(n / 8).is_some_and(|byte| byte & 0x80 >> (n % 8) != 0);
    Some((0..16).filter(|n| set(*n)).fold(0, |all, n| all | 1 << n))
}

fn attributes(content: &[u8]) -> Vec<Attribute<'_>> {
    let mut found = Vec::with_capacity(8);
    let (mut sets, mut relative) = (Reader::new(content), 0);
    while let Some(mut set) = sets.enter(tag::SET) {
        while let Some(mut pair) = set.enter(tag::SEQUENCE) {
            if let (Some(oid), Some(value)) = (pair.take(tag::OID), pair.next()) {
                found.push(Attribute { oid: oid.content, value, relative });
            }
        }
        relative += 1;
    }
    found
}

/// Bits of the key usage (RFC 5280 section 4.2.1.3).
pub(super) mod usage {
    pub(in super::super) const DIGITAL_SIGNATURE: u32 = 0;
    pub(in super::super) const NON_REPUDIATION: u32 = 1;
    pub(in super::super) const KEY_ENCIPHERMENT: u32 = 2;
    pub(in super::super) const DATA_ENCIPHERMENT: u32 = 3;
    pub(in super::super) const KEY_AGREEMENT: u32 = 4;
    pub(in super::super) const KEY_CERT_SIGN: u32 = 5;
    pub(in super::super) const CRL_SIGN: u32 = 6;
    pub(in super::super) const ENCIPHER_ONLY: u32 = 7;
    pub(in super::super) const DECIPHER_ONLY: u32 = 8;
}

pub(super) const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 0x25, 0];
pub(super) const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
pub(super) const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
pub(super) const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];
pub(super) const EMAIL_PROTECTION: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 4];
pub(super) const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
pub(super) const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];
pub(super) const ANY_POLICY: &[u8] = &[0x55, 0x1d, 0x20, 0];

pub(super) const COUNTRY: &[u8] = &[0x55, 4, 6];
pub(super) const LOCALITY: &[u8] = &[0x55, 4, 7];
pub(super) const STATE: &[u8] = &[0x55, 4, 8];
pub(super) const STREET: &[u8] = &[0x55, 4, 9];
pub(super) const ORGANIZATION: &[u8] = &[0x55, 4, 10];
pub(super) const ORGANIZATIONAL_UNIT: &[u8] = &[0x55, 4, 11];
pub(super) const COMMON_NAME: &[u8] = &[0x55, 4, 3];
pub(super) const SUBJECT_SERIAL: &[u8] = &[0x55, 4, 5];
pub(super) const BUSINESS_CATEGORY: &[u8] = &[0x55, 4, 15];
pub(super) const POSTAL_CODE: &[u8] = &[0x55, 4, 17];
pub(super) const DOMAIN_COMPONENT: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25];
pub(super) const EMAIL_ADDRESS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];
pub(super) const JURISDICTION_COUNTRY: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x3c, 2, 1, 3];
