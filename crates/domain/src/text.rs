//! Small rules about text that several nouns share.

use crate::error::Refusal;
use crate::limits;

/// The form under which names are unique: trimmed, lower-cased.
pub(crate) fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Checks a name that people choose (roles, people, providers …): one line, no control or direction-changing characters.
pub(crate) fn name(field: &'static str, name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Refusal::invalid(field, "a name is required"));
    }
    line(field, name, limits::NAME_CHARS)?;
    Ok(name.to_owned())
}

/// Checks one line of free text.
pub(crate) fn line(field: &'static str, text: &str, chars_max: usize) -> Result<(), Refusal> {
    if text.chars().count() > chars_max {
        return Err(Refusal::invalid(field, format!("at most {chars_max} characters are allowed")));
    }
    if let Some(bad) = text.chars().find(|c| is_unsafe(*c)) {
        return Err(Refusal::invalid(
            field,
            format!("the character U+{:04X} is not allowed in a name: remove it", u32::from(bad)),
        ));
    }
    Ok(())
}

/// Control characters, and those that make text read differently from how it is stored (Unicode TR 36).
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// An instant in UTC, to the second, for sentences.
pub(crate) fn utc(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| format!("{ms} ms"), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// The bytes of an even number of hexadecimal digits.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || text.len() % 2 == 1 {
        return None;
    }
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let signless = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    signless.then(|| text.as_bytes().chunks_exact(2).map(pair).collect()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_strictly() {
        assert_eq!(unhex("00ff7A"), Some(vec![0, 255, 122]));
        assert_eq!(unhex(""), Some(vec![]));
        for odd in ["0", "+1", "zz", "0x00", "é1"] {
            assert_eq!(unhex(odd), None, "{odd}");
        }
    }

    #[test]
    fn names_are_trimmed_and_folded() {
        assert_eq!(name("name", "  Web Ops ").unwrap(), "Web Ops");
        assert_eq!(fold("  Web Ops "), "web ops");
    }

    #[test]
    fn deceptive_names_are_refused() {
        for bad in ["", "   ", "a\0b", "admin\u{202E}nimda", "two\nlines", "zero\u{200B}width"] {
            assert!(name("name", bad).is_err(), "{bad:?}");
        }
        assert!(name("name", &"x".repeat(limits::NAME_CHARS + 1)).is_err());
        assert!(name("name", "<b>שלום</b> '; DROP TABLE role; -- ../..").is_ok());
    }
}
