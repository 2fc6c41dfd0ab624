//! Rewriting BER as definite-length encodings.
//!
//! PKCS#7 and PKCS#12 files are BER, and some software writes them with indefinite lengths and with OCTET STRINGs cut
//! into pieces (X.690 sections 8.1.3.6 and 8.7). Certificates and keys are DER and never pass through here.

use std::borrow::Cow;

use crate::asn1::put;
use crate::asn1::tag::OCTET_STRING;

/// Nesting that no real file reaches.
const DEPTH_MAX: usize = 16;

/// An OCTET STRING in pieces.
const CONSTRUCTED_OCTET_STRING: u8 = OCTET_STRING | 0x20;

/// The first element of `bytes` with definite lengths and whole octet strings throughout; borrowed when it is so
/// already. `None` when the element is cut off, malformed, or nested too deeply.
pub(crate) fn normalise(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut walk = Walk { bytes, at: 0 };
    if walk.is_definite(0)? {
        return Some(Cow::Borrowed(&bytes[..walk.at]));
    }
    walk.at = 0;
    let mut out = Vec::with_capacity(bytes.len());
    walk.rewrite(&mut out, 0)?;
    Some(Cow::Owned(out))
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

struct Header {
    tag: u8,
    /// End of the content; `None` for an indefinite length.
    end: Option<usize>,
}

impl Header {
    fn is_constructed(&self) -> bool {
        self.tag & 0x20 != 0
    }
}

impl Walk<'_> {
    fn header(&mut self) -> Option<Header> {
        let rest = self.bytes.get(self.at..)?;
        let (tag, first) = (*rest.first()?, *rest.get(1)?);
        if tag & 0x1f == 0x1f {
            return None;
        }
        self.at += 2;
        if first == 0x80 {
            return (tag & 0x20 != 0).then_some(Header { tag, end: None });
        }
        let mut length = usize::from(first);
        if first > 0x80 {
            let count = usize::from(first & 0x7f);
            let digits = rest.get(2..2 + count).filter(|_| count <= 4)?;
            length = digits.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            self.at += count;
        }
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        Some(Header { tag, end: Some(end) })
    }

    /// Consumes the end-of-contents octets of an indefinite length, if they are next.
    fn at_end_of(&mut self, header: &Header) -> bool {
        match header.end {
            Some(end) => self.at >= end,
            None if self.bytes.get(self.at..self.at + 2) == Some(&[0, 0]) => {
                self.at += 2;
                true
            }
            None => false,
        }
    }

    /// Walks over one element and tells whether it needs no rewriting.
    fn is_definite(&mut self, depth: usize) -> Option<bool> {
        let header = self.header()?;
        if header.end.is_none() || header.tag == CONSTRUCTED_OCTET_STRING {
            return Some(false);
        }
        if header.is_constructed() && depth < DEPTH_MAX {
            while !self.at_end_of(&header) {
                // Inside definite lengths, what cannot be walked is left for the reader of that part to judge.
                match self.is_definite(depth + 1) {
                    Some(true) => {}
                    Some(false) => return Some(false),
                    None => break,
                }
            }
        }
        self.at = header.end?;
        Some(true)
    }

    fn rewrite(&mut self, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        // What is definite stays as it is, octet for octet: a signed certificate must not change.
        let start = self.at;
        if self.is_definite(depth) == Some(true) {
            out.extend_from_slice(&self.bytes[start..self.at]);
            return Some(());
        }
        self.at = start;
        let header = self.header().filter(Header::is_constructed)?;
        let mut content = Vec::new();
        if header.tag == CONSTRUCTED_OCTET_STRING {
            self.join(&mut content, &header, depth)?;
            put(out, OCTET_STRING, &content);
            return Some(());
        }
        while !self.at_end_of(&header) {
            self.rewrite(&mut content, depth + 1)?;
        }
        put(out, header.tag, &content);
        (header.end.is_none_or(|end| end == self.at)).then_some(())
    }

    /// Appends the contents of the pieces of a constructed octet string.
    fn join(&mut self, out: &mut Vec<u8>, whole: &Header, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        while !self.at_end_of(whole) {
            let piece = self.header()?;
            match piece.tag {
                OCTET_STRING => {
                    let end = piece.end?;
                    out.extend_from_slice(&self.bytes[self.at..end]);
                    self.at = end;
                }
                CONSTRUCTED_OCTET_STRING => self.join(out, &piece, depth + 1)?,
                _ => return None,
            }
        }
        (whole.end.is_none_or(|end| end == self.at)).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definite_encodings_are_borrowed() {
        let bytes = [0x30, 0x06, 0x04, 0x01, 0xaa, 0xa0, 0x01, 0x05, 0xff];
        assert!(matches!(normalise(&bytes), Some(Cow::Borrowed(whole)) if whole == &bytes[..8]));
    }

    #[test]
    fn indefinite_lengths_and_pieces_are_rewritten() {
        let bytes = [
            0x30, 0x80, // SEQUENCE, indefinite
            0x24, 0x80, 0x04, 0x02, 1, 2, 0x24, 0x03, 0x04, 0x01, 3, 0, 0, // OCTET STRING in pieces
            0xa0, 0x80, 0x02, 0x01, 7, 0, 0, // [0], indefinite
            0x30, 0x81, 0x02, 0x05, 0x00, // definite though not minimal: kept as it is
            0, 0, 0xff,
        ];
        let expected = [0x30, 0x0f, 0x04, 0x03, 1, 2, 3, 0xa0, 0x03, 0x02, 0x01, 7, 0x30, 0x81, 0x02, 0x05, 0x00];
        assert_eq!(normalise(&bytes).as_deref(), Some(&expected[..]));
    }

    #[test]
    fn hostile_nesting_and_truncation_are_refused() {
        assert_eq!(normalise(&[0x30, 0x80].repeat(1_000_000)), None);
        assert_eq!(normalise(&[0x24, 0x80].repeat(1_000_000)), None);
        assert_eq!(normalise(&[0x30, 0x80, 0x04, 0x05, 1]), None);
        assert_eq!(normalise(&[0x04, 0x80, 0, 0]), None, "a primitive element has a definite length");
        assert_eq!(normalise(&[]), None);
        assert_eq!(normalise(&[0x30, 0x80, 0x30, 0x7f, 0, 0]), None);
    }
}
