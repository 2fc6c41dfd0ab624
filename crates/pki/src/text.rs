//! Text out of certificates: decoding the ASN.1 string types and making it safe to store and show.
//!
//! A certificate's strings are chosen by strangers. Whatever leaves this crate holds no control character, no NUL
//! (which would also end a C string and is refused by PostgreSQL) and nothing that changes the direction of the
//! text around it: such characters, and the backslash itself, are written as in RFC 4514: a backslash and two
//! hexadecimal digits for each octet of the UTF-8 form. So `bank.example\00.evil.example` stays visible, and two
//! different values never look the same. Markup, quotes and SQL are left alone: quoting for HTML is the page's work.

use crate::asn1::{Element, tag};

const HEX: &[u8; 16] = b"0123456789abcdef";
const HEX_UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    push_hex(&mut out, bytes);
    out
}

/// `#` and lower-case hexadecimal: how RFC 4514 section 2.4 writes what it cannot write as text.
pub(crate) fn hash_hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2 + 1);
    out.push('#');
    push_hex(&mut out, bytes);
    out
}

pub(crate) fn push_hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

/// Upper-case hexadecimal.
pub(crate) fn push_hex_upper(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        out.push(char::from(HEX_UPPER[usize::from(byte >> 4)]));
        out.push(char::from(HEX_UPPER[usize::from(byte & 15)]));
    }
}

/// Which characters need a backslash besides the hostile ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escape {
    /// A value on its own: only hostile characters and the backslash.
    Plain,
    /// A value inside a distinguished name: also the special characters of RFC 4514 section 2.4.
    Name,
}

/// Appends the text of a string element; `false` when the element is no string type, and then nothing is appended.
pub(crate) fn push_string(out: &mut String, element: &Element<'_>, escape: Escape) -> bool {
    let content = element.content;
    match element.tag {
        tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::IA5_STRING | tag::VISIBLE_STRING | tag::NUMERIC_STRING => {
            push_bytes(out, content, escape);
        }
        tag::TELETEX_STRING => push_chars(out, content.iter().map(|byte| Ok(char::from(*byte))), escape),
        tag::BMP_STRING => {
            let (pairs, odd) = content.as_chunks::<2>();
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            let chars = char::decode_utf16(units).map(|decoded| decoded.map_err(|e| u32::from(e.unpaired_surrogate())));
            push_chars(out, chars, escape);
            push_raw(out, odd);
        }
        tag::UNIVERSAL_STRING => {
            let (quads, odd) = content.as_chunks::<4>();
            let chars = quads.iter().map(|quad| {
                let value = u32::from_be_bytes(*quad);
                char::from_u32(value).ok_or(value)
            });
            push_chars(out, chars, escape);
            push_raw(out, odd);
        }
        _ => return false,
    }
    true
}

/// Appends octets that should be ASCII or UTF-8. Octets that are neither are read as Latin-1, as software that
/// fills PrintableString and IA5String with anything else usually means it.
pub(crate) fn push_bytes(out: &mut String, bytes: &[u8], escape: Escape) {
    let plain = bytes.iter().all(|byte| is_plain(*byte)) && bytes.first() != Some(&b' ') && bytes.last() != Some(&b' ');
    match str::from_utf8(bytes) {
        Ok(text) if plain => out.push_str(text),
        Ok(text) => push_chars(out, text.chars().map(Ok), escape),
        Err(_) => push_chars(out, bytes.iter().map(|byte| Ok(char::from(*byte))), escape),
    }
}

/// The text of a string on its own, hostile characters escaped.
pub(crate) fn plain(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    push_bytes(&mut out, bytes, Escape::Plain);
    out
}

/// ASCII that needs no escape inside a distinguished name (a space only at either end).
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b':' | b'/' | b'@' | b'_')
        || matches!(byte, b' ' | b'\'' | b'(' | b')' | b'?' | b'=' | b'%' | b'&')
}

/// The characters of a string element as they are, hostile ones included: for writing them in another style, and for
/// nothing that leaves this crate. Code units that are no characters become U+FFFD.
pub(crate) fn decode(element: &Element<'_>) -> Option<String> {
    let content = element.content;
    let latin1 = || content.iter().map(|byte| char::from(*byte)).collect();
    Some(match element.tag {
        tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::IA5_STRING | tag::VISIBLE_STRING | tag::NUMERIC_STRING => {
            str::from_utf8(content).map_or_else(|_| latin1(), str::to_owned)
        }
        tag::TELETEX_STRING => latin1(),
        tag::BMP_STRING => {
            let units = content.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        tag::UNIVERSAL_STRING => {
            let quads = content.as_chunks::<4>().0.iter();
            quads.map(|quad| char::from_u32(u32::from_be_bytes(*quad)).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => return None,
    })
}

/// Appends a character, or its escape when it is hostile. The backslash is the caller's matter.
pub(crate) fn push_visible(out: &mut String, c: char) {
    if is_hostile(c) {
        push_raw(out, c.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        out.push(c);
    }
}

/// Decoded characters; an `Err` is a code unit that is no character and is shown as four octets.
fn push_chars(out: &mut String, chars: impl Iterator<Item = Result<char, u32>>, escape: Escape) {
    let start = out.len();
    let mut trailing_space = false;
    for decoded in chars {
        let c = match decoded {
            Ok(c) => c,
            Err(unit) => {
                push_raw(out, &unit.to_be_bytes());
                trailing_space = false;
                continue;
            }
        };
        let first = out.len() == start;
        if is_hostile(c) {
            push_raw(out, c.encode_utf8(&mut [0; 4]).as_bytes());
            trailing_space = false;
            continue;
        }
        let special = match c {
            '\\' => true,
            ',' | '+' | '"' | '<' | '>' | ';' => escape == Escape::Name,
            ' ' | '#' => escape == Escape::Name && first,
            _ => false,
        };
        if special {
            out.push('\\');
        }
        // A space that is first has its backslash already.
        trailing_space = c == ' ' && !special;
        out.push(c);
    }
    if trailing_space && escape == Escape::Name {
        out.pop();
        out.push_str("\\ ");
    }
}

pub(crate) fn push_raw(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        out.push('\\');
        out.push(char::from(HEX_UPPER[usize::from(byte >> 4)]));
        out.push(char::from(HEX_UPPER[usize::from(byte & 15)]));
    }
}

/// Control characters, line and paragraph separators, direction marks and overrides, and invisible characters that
/// make two names look alike.
const fn is_hostile(c: char) -> bool {
    matches!(
        c,
        '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tag: u8, content: &[u8], escape: Escape) -> String {
        let mut out = String::new();
        assert!(push_string(&mut out, &Element { tag, content, whole: &[] }, escape));
        out
    }

    #[test]
    fn string_types() {
        assert_eq!(shown(tag::TELETEX_STRING, b"M\xfcnchen", Escape::Plain), "München");
        assert_eq!(shown(tag::BMP_STRING, &[0, b'Z', 0, 0xfc, 0xd8, 0x3d, 0xde, 0x00], Escape::Plain), "Zü😀");
        assert_eq!(shown(tag::UNIVERSAL_STRING, &[0, 0, 0, b'Z', 0, 1, 0xf6, 0], Escape::Plain), "Z😀");
        assert_eq!(shown(tag::PRINTABLE_STRING, "Zürich".as_bytes(), Escape::Plain), "Zürich");
        assert_eq!(shown(tag::PRINTABLE_STRING, b"Z\xfcrich", Escape::Plain), "Zürich");
        assert_eq!(shown(tag::BMP_STRING, &[0xd8, 0, 0, b'a', 7], Escape::Plain), "\\00\\00\\D8\\00a\\07");
        assert!(!push_string(&mut String::new(), &Element { tag: tag::INTEGER, content: &[1], whole: &[] }, Escape::Plain));
    }

    #[test]
    fn hostile_text_is_visible() {
        let utf8 = |text: &str| shown(tag::UTF8_STRING, text.as_bytes(), Escape::Plain);
        assert_eq!(utf8("bank.example\0.evil"), "bank.example\\00.evil");
        assert_eq!(utf8("\u{202e}moc"), "\\E2\\80\\AEmoc");
        assert_eq!(utf8("a\\00"), "a\\\\00");
        assert_eq!(utf8("<b>'; --"), "<b>'; --");
    }

    #[test]
    fn rfc4514_escapes() {
        let name = |text: &str| shown(tag::UTF8_STRING, text.as_bytes(), Escape::Name);
        assert_eq!(name("James \"Jim\" Smith, III"), "James \\\"Jim\\\" Smith\\, III"); // RFC 4514 section 4
        assert_eq!(name(" #x "), "\\ #x\\ ");
        assert_eq!(name("#x"), "\\#x");
        assert_eq!(name(" "), "\\ ");
        assert_eq!(name("  "), "\\ \\ ");
        assert_eq!(name("a;b<c>d+e"), "a\\;b\\<c\\>d\\+e");
        assert_eq!(name("Before\rAfter"), "Before\\0DAfter"); // RFC 4514 section 4
    }
}
