//! A certificate signing request to be signed (RFC 2986).

use super::distinguished_name::DistinguishedName;
use super::general_name::GeneralName;
use crate::asn1::{Reader, element, put, tag};
use crate::oid;

/// The CertificationRequestInfo, DER: put together with its signature by [`super::signed`]. The names are asked for as subject
/// alternative names (RFC 2985 section 5.4.2).
pub fn request_to_be_signed(subject: &DistinguishedName, public_key: &[u8], names: &[GeneralName]) -> Vec<u8> {
    let mut attributes = Vec::new();
    if !names.is_empty() {
        let mut list = Vec::new();
        names.iter().for_each(|name| name.put(&mut list));
        let critical: &[u8] = if subject.is_empty() { &[tag::BOOLEAN, 1, 0xff] } else { &[] };
        let value = element(tag::OCTET_STRING, &[&element(tag::SEQUENCE, &[&list])]);
        let extension = element(tag::SEQUENCE, &[&element(tag::OID, &[&[0x55, 0x1d, 17]]), critical, &value]);
        let values = element(tag::SET, &[&element(tag::SEQUENCE, &[&extension])]);
        put(&mut attributes, tag::SEQUENCE, &[element(tag::OID, &[oid::EXTENSION_REQUEST]), values].concat());
    }
    let version = [tag::INTEGER, 1, 0];
    element(tag::SEQUENCE, &[&version, subject.der(), public_key, &element(tag::context(0), &[&attributes])])
}

/// The subject of a signing request, as it stands there; `None` when the bytes are no request.
pub fn subject_of_request(der: &[u8]) -> Option<DistinguishedName> {
    let mut info = Reader::new(der).enter(tag::SEQUENCE)?.enter(tag::SEQUENCE)?;
    info.take(tag::INTEGER)?;
    DistinguishedName::of_der(info.take(tag::SEQUENCE)?.whole)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::Ed25519KeyPair;

    use super::*;
    use crate::issue::{SignatureScheme, signed};
    use crate::{CsrFacts, PrivateKey, verify_request};

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = PrivateKey::of(pair.to_pkcs8v1().unwrap().as_ref()).unwrap();
        let subject = DistinguishedName::parse("CN=shop.example.org,O=Example").unwrap();
        let names = [GeneralName::dns("shop.example.org").unwrap(), GeneralName::email("kim@example.org").unwrap()];
        let info = request_to_be_signed(&subject, key.spki_der(), &names);
        let der = signed(&info, SignatureScheme::Ed25519, pair.sign(&info).as_ref());
        assert_eq!(verify_request(&der), Ok(()));
        let facts = CsrFacts::of(&der).unwrap();
        assert_eq!(subject_of_request(&der), Some(subject.clone()));
        assert_eq!(subject_of_request(b"x"), None);
        assert_eq!((facts.subject.as_str(), facts.names.len()), ("CN=shop.example.org,O=Example", 2));
        let bare = request_to_be_signed(&DistinguishedName::default(), key.spki_der(), &[]);
        let der = signed(&bare, SignatureScheme::Ed25519, pair.sign(&bare).as_ref());
        assert_eq!(verify_request(&der), Ok(()));
    }
}
