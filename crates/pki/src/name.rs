//! Distinguished names (RFC 5280 section 4.1.2.4) as RFC 4514 strings.

use crate::asn1::{Element, Reader, tag};
use crate::oid;
use crate::text::{self, Escape};

/// What is read out of one distinguished name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Name {
    /// RFC 4514, most specific relative name first.
    pub(crate) text: String,
    /// The most specific common name.
    pub(crate) common_name: Option<String>,
    /// The most specific organization.
    pub(crate) organization: Option<String>,
    /// The encoding is not what RFC 5280 says; `text` holds what could be read.
    pub(crate) malformed: bool,
}

impl Name {
    /// Reads the content of the SEQUENCE of relative names.
    pub(crate) fn of(content: &[u8]) -> Name {
        let mut name = Name::default();
        let mut relative_names: Vec<Reader<'_>> = Vec::with_capacity(8);
        let mut reader = Reader::new(content);
        while let Some(set) = reader.take(tag::SET) {
            relative_names.push(set.inside());
        }
        name.malformed = !reader.is_empty();
        name.text.reserve(content.len());
        for set in relative_names.into_iter().rev() {
            if !name.text.is_empty() {
                name.text.push(',');
            }
            name.push_relative(set);
        }
        name
    }

    fn push_relative(&mut self, mut set: Reader<'_>) {
        let mut first = true;
        while let Some(attribute) = set.next() {
            let mut pair = attribute.inside();
            let (tag::SEQUENCE, Some(kind), Some(value)) = (attribute.tag, pair.take(tag::OID), pair.next()) else {
                self.malformed = true;
                continue;
            };
            if !first {
                self.text.push('+');
            }
            first = false;
            self.push_attribute(kind.content, &value);
        }
        self.malformed |= first || !set.is_empty();
    }

    fn push_attribute(&mut self, kind: &[u8], value: &Element<'_>) {
        match oid::attribute(kind) {
            Some(keyword) => {
                self.text.push_str(keyword);
                self.text.push('=');
                if !text::push_string(&mut self.text, value, Escape::Name) {
                    self.push_undecoded(value);
                }
            }
            None => {
                self.text.push_str(&oid::dotted(kind));
                self.text.push('=');
                self.push_undecoded(value);
            }
        }
        let slot = match kind {
            oid::COMMON_NAME => &mut self.common_name,
            oid::ORGANIZATION => &mut self.organization,
            _ => return,
        };
        if slot.is_none() {
            let mut alone = String::with_capacity(value.content.len());
            if text::push_string(&mut alone, value, Escape::Plain) {
                *slot = Some(alone);
            }
        }
    }

    fn push_undecoded(&mut self, value: &Element<'_>) {
        self.text.push('#');
        text::push_hex(&mut self.text, value.whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::element;

    fn attribute(kind: &[u8], string_tag: u8, value: &[u8]) -> Vec<u8> {
        element(tag::SEQUENCE, &[&element(tag::OID, &[kind]), &element(string_tag, &[value])])
    }

    #[test]
    fn most_specific_first_and_multi_valued() {
        // RFC 4514 section 4: "OU=Sales+CN=J.  Smith,DC=example,DC=net"
        let dc = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 25];
        let content = [
            element(tag::SET, &[&attribute(dc, tag::IA5_STRING, b"net")]),
            element(tag::SET, &[&attribute(dc, tag::IA5_STRING, b"example")]),
            element(
                tag::SET,
                &[
                    &attribute(&[0x55, 4, 11], tag::UTF8_STRING, b"Sales"),
                    &attribute(&[0x55, 4, 3], tag::UTF8_STRING, b"J.  Smith"),
                ],
            ),
        ]
        .concat();
        let name = Name::of(&content);
        assert_eq!(name.text, "OU=Sales+CN=J.  Smith,DC=example,DC=net");
        assert_eq!(name.common_name.as_deref(), Some("J.  Smith"));
        assert!(!name.malformed);
    }

    #[test]
    fn unknown_types_and_values_are_shown_as_octets() {
        // RFC 4514 section 4: "1.3.6.1.4.1.1466.0=#04024869"
        let kind = &[0x2b, 6, 1, 4, 1, 0x8b, 0x3a, 0];
        let content = element(tag::SET, &[&attribute(kind, tag::OCTET_STRING, b"Hi")]);
        assert_eq!(Name::of(&content).text, "1.3.6.1.4.1.1466.0=#04024869");
    }

    #[test]
    fn broken_names_keep_what_can_be_read() {
        let good = element(tag::SET, &[&attribute(oid::COMMON_NAME, tag::UTF8_STRING, b"kept")]);
        for broken in [&[0x31, 0x00][..], &[0x31, 0x02, 0x30, 0x00], &[0x30], &[0x31, 0x7f, 0x30], &[0x04, 0x00]] {
            let name = Name::of(&[&good[..], broken].concat());
            assert!(name.malformed, "{broken:02x?}");
            assert_eq!(name.common_name.as_deref(), Some("kept"), "{broken:02x?}");
        }
        assert_eq!(Name::of(&[]), Name::default());
    }
}
