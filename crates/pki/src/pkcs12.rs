//! PKCS#12 files (RFC 7292): certificates and private keys under a password.

use zeroize::Zeroizing;

use crate::asn1::{Element, Reader, small_integer, tag};
use crate::bundle::{Collector, Place, ReadError};
use crate::password_based::{self, Budget, DecryptError, Password};
use crate::text::{self, Escape};
use crate::{ber, oid};

/// Nesting of safe contents within safe contents that no real file reaches.
const DEPTH_MAX: usize = 8;

pub(crate) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
pub(crate) const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
/// `1.2.840.113549.1.12.10.1`, the arc of the kinds of bags.
pub(crate) const BAGS: [u8; 10] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
/// `1.2.840.113549.1.9.22.1`, a certificate in a certificate bag.
pub(crate) const X509_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];
/// `1.2.840.113549.1.9.23.1`, a revocation list in its bag.
const X509_CRL: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x17, 0x01];
/// `1.2.840.113549.1.9.20`, the attribute that names an entry for people.
pub(crate) const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x14];

const MALFORMED: ReadError = ReadError::Broken { what: "a PKCS#12 file", why: "its structure is not that of RFC 7292" };

/// The password has passed the integrity check, but a part does not decrypt with it.
const OTHER_PASSWORD: ReadError =
    ReadError::Broken { what: "a PKCS#12 file", why: "a part of it is damaged or has another password than the whole" };

/// Reads the file into `collector`.
pub(crate) fn read(bytes: &[u8], passwords: &[&str], budget: &mut Budget, collector: &mut Collector) -> Result<(), ReadError> {
    let whole = ber::normalise(bytes).ok_or(ReadError::Broken { what: "a PKCS#12 file", why: "it is cut off" })?;
    let mut file = Reader::new(&whole).enter(tag::SEQUENCE).ok_or(MALFORMED)?;
    let version = file.take(tag::INTEGER).and_then(|version| small_integer(version.content));
    if version != Some(3) {
        return Err(MALFORMED);
    }
    let contents = authenticated_safe(&file.take(tag::SEQUENCE).ok_or(MALFORMED)?)?;
    let mac_data = file.take(tag::SEQUENCE);
    let given = !passwords.is_empty();
    let password = choose_password(mac_data, contents, passwords, budget)?;
    let contents = ber::normalise(contents).ok_or(MALFORMED)?;
    let mut walk = Walk { password, passwords, given, authentic: mac_data.is_some(), budget, collector, entries: 0 };
    let mut parts = Reader::new(&contents).enter(tag::SEQUENCE).ok_or(MALFORMED)?;
    while let Some(part) = parts.take(tag::SEQUENCE) {
        walk.part(&part)?;
    }
    if parts.is_empty() { Ok(()) } else { Err(MALFORMED) }
}

/// The octets that the integrity check covers.
fn authenticated_safe<'a>(info: &Element<'a>) -> Result<&'a [u8], ReadError> {
    let mut fields = info.inside();
    let kind = fields.take(tag::OID).ok_or(MALFORMED)?;
    match kind.content {
        DATA => {
            let octets = fields.enter(tag::context(0)).and_then(|mut content| content.take(tag::OCTET_STRING));
            Ok(octets.ok_or(MALFORMED)?.content)
        }
        SIGNED_DATA => Err(ReadError::Unsupported("a PKCS#12 file protected by a signature instead of a password")),
        _ => Err(MALFORMED),
    }
}

/// Finds the password, and the form of it, that fits the integrity check. No password and an empty one are tried for each
/// other, because software disagrees on what to write when the user gives none.
fn choose_password(
    mac_data: Option<Element<'_>>,
    contents: &[u8],
    given: &[&str],
    budget: &mut Budget,
) -> Result<Password, ReadError> {
    let candidates: Vec<Password> = match given {
        [] => vec![Password::new(""), Password::absent()],
        given => given.iter().flat_map(|password| forms(password)).collect(),
    };
    let Some(mac_data) = mac_data else {
        return Ok(candidates.into_iter().next().unwrap_or_else(Password::absent));
    };
    for candidate in candidates {
        match password_based::check_mac(&mac_data, contents, &candidate, budget) {
            Ok(()) => return Ok(candidate),
            Err(DecryptError::WrongPassword) => {}
            Err(error) => {
                return Err(ReadError::Encrypted { what: "the PKCS#12 file", error });
            }
        }
    }
    Err(if given.is_empty() { ReadError::PasswordNeeded("PKCS#12 file") } else { ReadError::WrongPassword("PKCS#12 file") })
}

/// What software makes of a password before it goes into the derivation of PKCS#12.
fn forms(password: &str) -> Vec<Password> {
    match password {
        "" => vec![Password::new(""), Password::absent()],
        ascii if ascii.is_ascii() => vec![Password::new(ascii)],
        other => vec![Password::new(other), Password::octets_as_characters(other)],
    }
}

struct Walk<'b> {
    /// The one that fits the whole file.
    password: Password,
    /// All that were given: an entry may have another one.
    passwords: &'b [&'b str],
    /// The caller gave a password, be it an empty one.
    given: bool,
    /// The password has passed the integrity check, so that garbage after decryption means damage.
    authentic: bool,
    budget: &'b mut Budget,
    collector: &'b mut Collector,
    entries: usize,
}

impl Walk<'_> {
    /// One ContentInfo of the authenticated safe: plain or encrypted safe contents.
    fn part(&mut self, part: &Element<'_>) -> Result<(), ReadError> {
        let mut fields = part.inside();
        let kind = fields.take(tag::OID).ok_or(MALFORMED)?;
        let mut content = fields.enter(tag::context(0)).ok_or(MALFORMED)?;
        match kind.content {
            DATA => {
                let octets = content.take(tag::OCTET_STRING).ok_or(MALFORMED)?;
                self.safe_contents(octets.content, 0)
            }
            ENCRYPTED_DATA => {
                let clear = self.encrypted_data(&content.take(tag::SEQUENCE).ok_or(MALFORMED)?)?;
                self.safe_contents(&clear, 0)
            }
            ENVELOPED_DATA => {
                let place = self.next_place(None);
                self.collector.refuse(place, "this part is encrypted for a public key, not with a password".to_owned())
            }
            other => {
                let place = self.next_place(None);
                self.collector.refuse(place, format!("this part is of the unknown kind {}", oid::dotted(other)))
            }
        }
    }

    /// EncryptedData (RFC 5652 section 8): version, { kind, algorithm, [0] octets }.
    fn encrypted_data(&mut self, data: &Element<'_>) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        let mut fields = data.inside();
        fields.take(tag::INTEGER).ok_or(MALFORMED)?;
        let mut info = fields.enter(tag::SEQUENCE).ok_or(MALFORMED)?;
        info.take(tag::OID).ok_or(MALFORMED)?;
        let algorithm = info.take(tag::SEQUENCE).ok_or(MALFORMED)?;
        // [0] IMPLICIT OCTET STRING; constructed when it was written in pieces
        let octets = match info.next() {
            Some(octets) if octets.tag == tag::context_primitive(0) => octets.content.to_vec(),
            Some(pieces) if pieces.tag == tag::context(0) => {
                let mut inside = pieces.inside();
                let mut joined = Vec::with_capacity(pieces.content.len());
                while let Some(piece) = inside.take(tag::OCTET_STRING) {
                    joined.extend_from_slice(piece.content);
                }
                joined
            }
            _ => return Err(MALFORMED),
        };
        self.decrypt(&algorithm, &octets)
    }

    fn decrypt(&mut self, algorithm: &Element<'_>, octets: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        let mut outcome = password_based::decrypt(algorithm, octets, &self.password, self.budget);
        for other in self.passwords.iter().flat_map(|password| forms(password)) {
            if outcome != Err(DecryptError::WrongPassword) || !self.has_others() {
                break;
            }
            outcome = password_based::decrypt(algorithm, octets, &other, self.budget);
        }
        outcome.map_err(|error| match error {
            DecryptError::WrongPassword if self.authentic => OTHER_PASSWORD,
            DecryptError::WrongPassword if !self.given => ReadError::PasswordNeeded("PKCS#12 file"),
            error => ReadError::Encrypted { what: "the PKCS#12 file", error },
        })
    }

    /// Whether there is another password, or another form of the only one, to try.
    fn has_others(&self) -> bool {
        self.passwords.len() > 1 || !self.authentic && self.passwords.iter().any(|password| forms(password).len() > 1)
    }

    fn safe_contents(&mut self, bytes: &[u8], depth: usize) -> Result<(), ReadError> {
        if depth > DEPTH_MAX {
            return Err(ReadError::Broken { what: "a PKCS#12 file", why: "it is nested too deeply" });
        }
        let bytes = ber::normalise(bytes).ok_or(MALFORMED)?;
        let mut bags = Reader::new(&bytes).enter(tag::SEQUENCE).ok_or(MALFORMED)?;
        while let Some(bag) = bags.take(tag::SEQUENCE) {
            self.bag(&bag, depth)?;
        }
        if bags.is_empty() { Ok(()) } else { Err(MALFORMED) }
    }

    fn bag(&mut self, bag: &Element<'_>, depth: usize) -> Result<(), ReadError> {
        let mut fields = bag.inside();
        let kind = fields.take(tag::OID).ok_or(MALFORMED)?;
        let value = fields.take(tag::context(0)).ok_or(MALFORMED)?;
        let name = fields.take(tag::SET).and_then(|attributes| friendly_name(&attributes));
        let number = kind.content.strip_prefix(&BAGS).and_then(|rest| rest.first());
        if number == Some(&6) {
            return self.safe_contents(value.content, depth + 1);
        }
        let place = self.next_place(name);
        match number {
            Some(1) => self.collector.private_key(value.content, place),
            Some(2) => match self.shrouded_key(&value) {
                Ok(clear) => self.collector.private_key(&clear, place),
                Err(error) if error == OTHER_PASSWORD => self.collector.refuse(place, error.to_string()),
                Err(error) => Err(error),
            },
            Some(3) => match typed_octets(&value, X509_CERTIFICATE) {
                Some(der) => self.collector.certificate(der, place),
                None => self.collector.refuse(place, "the entry holds no X.509 certificate".to_owned()),
            },
            Some(4) => match typed_octets(&value, X509_CRL) {
                Some(der) => self.collector.revocation_list(der, place),
                None => self.collector.refuse(place, "the entry holds no X.509 revocation list".to_owned()),
            },
            Some(5) => self.collector.refuse(place, "this is a secret that is neither certificate nor private key".to_owned()),
            _ => self.collector.refuse(place, format!("the entry is of the unknown kind {}", oid::dotted(kind.content))),
        }
    }

    fn shrouded_key(&mut self, value: &Element<'_>) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        let mut fields = value.inside().enter(tag::SEQUENCE).ok_or(MALFORMED)?;
        let algorithm = fields.take(tag::SEQUENCE).ok_or(MALFORMED)?;
        let octets = fields.take(tag::OCTET_STRING).ok_or(MALFORMED)?;
        self.decrypt(&algorithm, octets.content)
    }

    fn next_place(&mut self, name: Option<String>) -> Place {
        self.entries += 1;
        let text = match &name {
            Some(name) => format!("entry {} \"{name}\"", self.entries),
            None => format!("entry {}", self.entries),
        };
        Place { text, alias: name }
    }
}

/// CertBag and CRLBag ::= SEQUENCE { kind, [0] OCTET STRING }
fn typed_octets<'a>(value: &Element<'a>, kind: &[u8]) -> Option<&'a [u8]> {
    let mut fields = value.inside().enter(tag::SEQUENCE)?;
    if fields.take(tag::OID)?.content != kind {
        return None;
    }
    Some(fields.enter(tag::context(0))?.take(tag::OCTET_STRING)?.content)
}

fn friendly_name(attributes: &Element<'_>) -> Option<String> {
    let mut attributes = attributes.inside();
    while let Some(mut attribute) = attributes.enter(tag::SEQUENCE) {
        if attribute.take(tag::OID)?.content == FRIENDLY_NAME {
            let value = attribute.enter(tag::SET)?.next()?;
            let mut name = String::new();
            return text::push_string(&mut name, &value, Escape::Plain).then_some(name);
        }
    }
    None
}
