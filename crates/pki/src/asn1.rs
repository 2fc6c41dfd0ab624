//! A reader and a writer for the subset of X.690 that certificates and keys use.
//!
//! The reader borrows, never allocates and never recurses. It is deliberately a little wider than DER: an
//! inventory meets lengths that are not minimal and integers with odd padding, and must still say what such a
//! certificate contains. Indefinite lengths are refused here; [`crate::ber`] rewrites them for the formats in
//! which they really occur.

/// Tags as they stand in the identifier octet (X.690 section 8.1.2), class and constructed bit included.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const NUMERIC_STRING: u8 = 0x12;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const TELETEX_STRING: u8 = 0x14;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const VISIBLE_STRING: u8 = 0x1a;
    pub(crate) const UNIVERSAL_STRING: u8 = 0x1c;
    pub(crate) const BMP_STRING: u8 = 0x1e;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;

    /// `[n]` constructed, context specific.
    pub(crate) const fn context(n: u8) -> u8 {
        0xa0 | n
    }

    /// `[n]` primitive, context specific.
    pub(crate) const fn context_primitive(n: u8) -> u8 {
        0x80 | n
    }
}

/// One element: its identifier octet, its content octets, and the whole encoding including the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements inside a constructed element.
    pub(crate) fn inside(&self) -> Reader<'a> {
        Reader::new(self.content)
    }

    /// The bits of a BIT STRING that has no unused bits, or those before them; `None` when empty or malformed.
    pub(crate) fn bits(&self) -> Option<&'a [u8]> {
        match self.content.split_first() {
            Some((unused, bytes)) if *unused < 8 => Some(bytes),
            _ => None,
        }
    }
}

/// Reads elements one after the other from a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The identifier octet of the next element, if there is one.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, or `None` at the end and where the bytes are not an element with a definite length.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Element<'a>> {
        let bytes = self.rest;
        let (&tag, after_tag) = bytes.split_first()?;
        if tag & 0x1f == 0x1f {
            return None; // multi-byte tags occur nowhere in PKIX
        }
        let (&first, after_length) = after_tag.split_first()?;
        let (header, length) = if first < 0x80 {
            (2, usize::from(first))
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 8 || after_length.len() < count {
                return None;
            }
            let mut length: u64 = 0;
            for &byte in &after_length[..count] {
                length = length << 8 | u64::from(byte);
            }
            (2 + count, usize::try_from(length).ok()?)
        };
        let end = header.checked_add(length)?;
        let whole = bytes.get(..end)?;
        self.rest = &bytes[end..];
        Some(Element { tag, content: &whole[header..], whole })
    }

    /// The next element if it carries `tag`; otherwise nothing is consumed.
    #[inline]
    pub(crate) fn take(&mut self, tag: u8) -> Option<Element<'a>> {
        if self.peek() == Some(tag) { self.next() } else { None }
    }

    /// Like [`Reader::take`], but only the inside of the element.
    #[inline]
    pub(crate) fn enter(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.take(tag).map(|element| element.inside())
    }
}

/// An INTEGER's content as a small number; `None` when negative or larger than 64 bits.
pub(crate) fn small_integer(content: &[u8]) -> Option<u64> {
    let first = *content.first()?;
    if first & 0x80 != 0 {
        return None;
    }
    let digits = without_leading_zeros(content);
    if digits.len() > 8 {
        return None;
    }
    Some(digits.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// Content octets of a non-negative INTEGER without the octets that carry no information.
pub(crate) fn without_leading_zeros(content: &[u8]) -> &[u8] {
    let zeros = content.iter().take_while(|byte| **byte == 0).count();
    &content[zeros..]
}

/// Length in bits of the number in `content` (big-endian, non-negative).
pub(crate) fn bit_length(content: &[u8]) -> u32 {
    match without_leading_zeros(content) {
        [] => 0,
        digits @ [first, ..] => (digits.len() as u32).saturating_mul(8) - first.leading_zeros(),
    }
}

/// Appends one element: identifier octet, minimal length, content.
pub(crate) fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    put_header(out, tag, content.len());
    out.extend_from_slice(content);
}

/// Appends the identifier octet and the minimal length of an element whose content follows.
pub(crate) fn put_header(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    match length {
        0..=0x7f => out.push(length as u8),
        0x80..=0xff => out.extend_from_slice(&[0x81, length as u8]),
        0x100..=0xffff => out.extend_from_slice(&[0x82, (length >> 8) as u8, length as u8]),
        0x1_0000..=0xff_ffff => out.extend_from_slice(&[0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8]),
        _ => {
            let bytes = (length as u64).to_be_bytes();
            let digits = without_leading_zeros(&bytes);
            out.push(0x80 | digits.len() as u8);
            out.extend_from_slice(digits);
        }
    }
}

/// One element of the given parts, concatenated.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    put_header(&mut out, tag, length);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_they_are_written() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000, 0xff_ffff, 0x100_0000] {
            let content = vec![7; length];
            let bytes = element(tag::OCTET_STRING, &[&content]);
            let mut reader = Reader::new(&bytes);
            let read = reader.next().unwrap();
            assert_eq!((read.tag, read.content.len(), read.whole.len()), (tag::OCTET_STRING, length, bytes.len()));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn what_is_not_an_element_is_refused_without_panic() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 0x80, 0, 0],                                           // indefinite
            &[0x30, 0x05, 0],                                              // short
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],                         // huge
            &[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // huge, overflows
            &[0x30, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],                   // too many length octets
            &[0x1f, 0x81, 0x01, 0x00],                                     // multi-byte tag
        ] {
            assert_eq!(Reader::new(bytes).next(), None, "{bytes:02x?}");
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(small_integer(&[0, 0xff]), Some(255));
        assert_eq!(small_integer(&[0xff]), None);
        assert_eq!(small_integer(&[]), None);
        assert_eq!(small_integer(&[1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(bit_length(&[0, 0x80, 0]), 16);
        assert_eq!(bit_length(&[0]), 0);
    }
}
