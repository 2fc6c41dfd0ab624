//! Names by which people are told apart: roles, permission sets, people, service accounts, claims. Two of them that look the same
//! must not both exist, since whoever picks from a list would pick wrongly.
//!
//! What is caught: case, width and other compatibility forms (Unicode NFKC), letters that hide or combine to the same picture,
//! words that mix scripts which share letter shapes, and words of another script that read as a Latin word from end to end. What is
//! not: shapes within one script (`l` and `1`, `O` and `0`).

use unicode_normalization::UnicodeNormalization;

use crate::error::Refusal;
use crate::text;

/// The form under which such names are unique.
pub(crate) fn fold(name: &str) -> String {
    let compatible: String = name.trim().nfkc().collect();
    // Upper case first: it unites what has two lower-case forms (s and ſ, σ and ς) and spells ß as two letters.
    let folded: String = compatible.to_uppercase().chars().flat_map(char::to_lowercase).nfkc().collect();
    let words: Vec<String> = folded.split_whitespace().map(latin_looking).collect();
    words.join(" ")
}

/// Checks such a name and gives it its normal form (NFC).
pub(crate) fn name(field: &'static str, name: &str) -> Result<String, Refusal> {
    let name: String = text::name(field, name)?.nfc().collect();
    if let Some(hidden) = name.chars().find(|c| is_hidden(*c)) {
        let message = format!("the character U+{:04X} cannot be seen: remove it", u32::from(hidden));
        return Err(Refusal::invalid(field, message));
    }
    for word in name.split(|c: char| !c.is_alphanumeric()) {
        refuse_mixed(field, word)?;
    }
    Ok(name)
}

fn refuse_mixed(field: &'static str, word: &str) -> Result<(), Refusal> {
    let mut first: Option<(Script, char)> = None;
    for letter in word.nfkc() {
        let Some(script) = script(letter) else { continue };
        match first {
            None => first = Some((script, letter)),
            Some((known, _)) if known == script => {}
            Some((known, other)) => {
                let message = format!(
                    "{word:?} mixes {} and {} letters ({other:?} is U+{:04X}, {letter:?} is U+{:04X}), which look alike: use one script in a word",
                    known.name(),
                    script.name(),
                    u32::from(other),
                    u32::from(letter)
                );
                return Err(Refusal::invalid(field, message));
            }
        }
    }
    Ok(())
}

/// Characters that leave no picture, beside those that no name may hold.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{2028}' | '\u{2029}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// The scripts whose letters are taken for each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Armenian,
    Cherokee,
}

impl Script {
    fn name(self) -> &'static str {
        match self {
            Script::Latin => "Latin",
            Script::Greek => "Greek",
            Script::Cyrillic => "Cyrillic",
            Script::Armenian => "Armenian",
            Script::Cherokee => "Cherokee",
        }
    }
}

fn script(letter: char) -> Option<Script> {
    if !letter.is_alphabetic() {
        return None;
    }
    match u32::from(letter) {
        0x41..=0x7A | 0xAA..=0x24F | 0x250..=0x2AF | 0x1E00..=0x1EFF | 0x2C60..=0x2C7F | 0xA720..=0xA7FF => Some(Script::Latin),
        0x370..=0x3FF | 0x1F00..=0x1FFF => Some(Script::Greek),
        0x400..=0x52F | 0x1C80..=0x1C8F | 0x2DE0..=0x2DFF | 0xA640..=0xA69F => Some(Script::Cyrillic),
        0x531..=0x58F => Some(Script::Armenian),
        0x13A0..=0x13FF | 0xAB70..=0xABBF => Some(Script::Cherokee),
        _ => None,
    }
}

/// The word as Latin letters when each of its letters looks like one; else the word itself.
fn latin_looking(word: &str) -> String {
    let latin: Option<String> = word.chars().map(|c| if c.is_alphabetic() { latin(c) } else { Some(c) }).collect();
    latin.unwrap_or_else(|| word.to_owned())
}

/// The Latin letter that a lower-case letter is taken for, in the shapes of either case (Unicode TR 39, without what needs a
/// second look).
fn latin(letter: char) -> Option<char> {
    Some(match letter {
        'a'..='z' => letter,
        'а' | 'α' => 'a',
        'в' | 'β' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'ԍ' => 'g',
        'н' | 'η' | 'һ' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'м' | 'μ' => 'm',
        'ո' | 'ν' => 'n',
        'о' | 'ο' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' | 'տ' => 's',
        'т' | 'τ' => 't',
        'ս' | 'υ' => 'u',
        'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' => 'y',
        'ζ' => 'z',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        // Beside each: why a reader takes one for the other.
        for (name, twin) in [
            ("Web Ops", "  wEB   oPS "),
            ("Admin", "Ａｄｍｉｎ"), // full width
            ("Admin", "𝐀𝐝𝐦𝐢𝐧"),      // mathematical bold
            ("office", "oﬃce"),      // a ligature
            ("café", "cafe\u{301}"), // combined and composed
            ("Straße", "STRASSE"),   // upper case of ß
            ("sales", "ſales"),      // long s
            ("paypax", "раурах"),    // Cyrillic from end to end
            ("OPEX", "ОРЕХ"),        // the same in capitals
            ("Σίσυφος", "ΣΊΣΥΦΟΣ"),  // final sigma
        ] {
            assert_eq!(fold(name), fold(twin), "{name:?} {twin:?}");
        }
        for (name, other) in [("Web Ops", "WebOps"), ("Операции", "Onepaции"), ("שלום", "שלוש"), ("Admin 1", "Admin l")]
        {
            assert_ne!(fold(name), fold(other), "{name:?} {other:?}");
        }
    }

    #[test]
    fn words_of_two_scripts_are_refused() {
        for bad in ["Аdmin", "pаypal", "Αdmin", "ops-tеam", "Wеb Ops", "x\u{AD}y", "x\u{FE0F}y", "x\u{3164}y"] {
            assert!(name("name", bad).is_err(), "{bad:?}");
        }
        for fine in ["Admin", "Операции Web", "Web-Операции", "שלום", "運用 team", "café", "Łódź", "naïve", "µ-team", "Ω"]
        {
            assert!(name("name", fine).is_ok(), "{fine:?}");
        }
        assert_eq!(name("name", "cafe\u{301}").unwrap(), "café");
    }

    #[test]
    fn folding_is_idempotent() {
        for text in ["Σίσυφος", "İstanbul", "ŉ", "ᾳ", "Ǆ", "ﬀ", "раура", "ϓ", "  a  b "] {
            assert_eq!(fold(&fold(text)), fold(text), "{text:?}");
        }
    }
}
