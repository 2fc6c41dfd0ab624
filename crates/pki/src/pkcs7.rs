//! The certificates and revocation lists in a PKCS#7 or CMS SignedData (RFC 5652 section 5.1), the usual content of `.p7b` files.

use crate::asn1::{Reader, tag};
use crate::ber;
use crate::bundle::{Collector, ReadError};

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const MALFORMED: ReadError = ReadError::Broken { what: "a PKCS#7 bundle", why: "its structure is not that of RFC 5652" };

/// Reads the certificates and revocation lists into `collector`; `place` tells where the bundle stood, and is empty for the whole input.
pub(crate) fn read(bytes: &[u8], place: &str, collector: &mut Collector) -> Result<(), ReadError> {
    let whole = ber::normalise(bytes).ok_or(ReadError::Broken { what: "a PKCS#7 bundle", why: "it is cut off" })?;
    let mut info = Reader::new(&whole).enter(tag::SEQUENCE).ok_or(MALFORMED)?;
    if info.take(tag::OID).is_none_or(|kind| kind.content != SIGNED_DATA) {
        return Err(MALFORMED);
    }
    let mut content = info.enter(tag::context(0)).ok_or(MALFORMED)?;
    let mut signed_data = content.enter(tag::SEQUENCE).ok_or(MALFORMED)?;
    signed_data.take(tag::INTEGER).ok_or(MALFORMED)?;
    signed_data.take(tag::SET).ok_or(MALFORMED)?;
    signed_data.take(tag::SEQUENCE).ok_or(MALFORMED)?;
    let mut number = 0;
    let mut at = |what: &str| {
        number += 1;
        if place.is_empty() { format!("{what} {number}") } else { format!("{place}, {what} {number}") }
    };
    if let Some(mut certificates) = signed_data.enter(tag::context(0)) {
        while let Some(certificate) = certificates.next() {
            let place = at("certificate");
            if certificate.tag == tag::SEQUENCE {
                collector.certificate(certificate.whole, place)?;
            } else {
                collector.refuse(place, "this is an attribute certificate or an obsolete form".to_owned())?;
            }
        }
        if !certificates.is_empty() {
            return Err(MALFORMED);
        }
    }
    if let Some(mut lists) = signed_data.enter(tag::context(1)) {
        while let Some(list) = lists.next() {
            let place = at("item");
            if list.tag == tag::SEQUENCE {
                collector.revocation_list(list.whole, place)?;
            } else {
                collector.refuse(place, "this is revocation information of another kind than a list".to_owned())?;
            }
        }
    }
    Ok(())
}
