//! Names by which people are told apart: roles, permission sets, people, service accounts, claims. Two of them that look the same
//! must not both exist, since whoever picks from a list would pick wrongly.
//!
//! What is caught: case, width and other compatibility forms (Unicode NFKC), letters that hide or combine to the same picture,
//! words that mix scripts (only the scripts of East Asia, whose letters look like no others, stand beside letters of another), and words
//! of another script that read as a Latin word from end to end. What is not: shapes within one script (`l` and `1`, `O` and `0`).

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
                    "{word:?} mixes {} and {} letters ({other:?} is U+{:04X}, {letter:?} is U+{:04X}), which can look alike: use one script \
                     in a word",
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
        | '\u{2028}' | '\u{2029}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFC}'
        | '\u{13430}'..='\u{1345F}' | '\u{16FE4}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D159}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}

/// The scripts that are told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Armenian,
    Cherokee,
    Lisu,
    Coptic,
    /// Any other: with each of the above it is a mixture.
    Another,
}

impl Script {
    fn name(self) -> &'static str {
        match self {
            Script::Latin => "Latin",
            Script::Greek => "Greek",
            Script::Cyrillic => "Cyrillic",
            Script::Armenian => "Armenian",
            Script::Cherokee => "Cherokee",
            Script::Lisu => "Lisu",
            Script::Coptic => "Coptic",
            Script::Another => "other",
        }
    }
}

fn script(letter: char) -> Option<Script> {
    if !letter.is_alphabetic() {
        return None;
    }
    match u32::from(letter) {
        0x41..=0x7A | 0xAA..=0x2AF | 0x1D00..=0x1DBF | 0x1E00..=0x1EFF | 0x2C60..=0x2C7F | 0xA720..=0xA7FF | 0xAB30..=0xAB6F => {
            Some(Script::Latin)
        }
        0x370..=0x3FF | 0x1F00..=0x1FFF => Some(Script::Greek),
        0x400..=0x52F | 0x1C80..=0x1C8F | 0x2DE0..=0x2DFF | 0xA640..=0xA69F => Some(Script::Cyrillic),
        0x531..=0x58F => Some(Script::Armenian),
        0x13A0..=0x13FF | 0xAB70..=0xABBF => Some(Script::Cherokee),
        0xA4D0..=0xA4FF | 0x11FB0..=0x11FBF => Some(Script::Lisu),
        0x2C80..=0x2CFF => Some(Script::Coptic),
        // Marks on letters, and letters of several scripts.
        0x2B0..=0x36F => None,
        // Hangul, kana, bopomofo, Yi and Han.
        0x1100..=0x11FF
        | 0x3005..=0x31FF
        | 0x3400..=0x4DBF
        | 0x4E00..=0xA4CF
        | 0xA960..=0xA97F
        | 0xAC00..=0xD7FF
        | 0xF900..=0xFAFF
        | 0x1AFF0..=0x1B16F
        | 0x20000..=0x3FFFF => None,
        _ => Some(Script::Another),
    }
}

/// The word as Latin letters when each of its letters looks like one; else the word itself.
fn latin_looking(word: &str) -> String {
    let latin: Option<String> = word.chars().map(|c| latin(c).or_else(|| (!c.is_alphabetic()).then_some(c))).collect();
    latin.unwrap_or_else(|| word.to_owned())
}

/// The Latin letter that a lower-case letter is taken for, in the shapes of either case (Unicode TR 39, without what needs a
/// second look).
fn latin(letter: char) -> Option<char> {
    let letter = match letter {
        // Lower-case Cherokee has the shapes of its capitals.
        '\u{AB70}'..='\u{ABBF}' => char::from_u32(u32::from(letter) - 0xAB70 + 0x13A0)?,
        // Letters in circles and squares.
        '\u{1F150}'..='\u{1F169}' => return ascii(u32::from(letter) - 0x1F150),
        '\u{1F170}'..='\u{1F189}' => return ascii(u32::from(letter) - 0x1F170),
        '\u{1F1E6}'..='\u{1F1FF}' => return ascii(u32::from(letter) - 0x1F1E6),
        _ => letter,
    };
    Some(match letter {
        'a'..='z' => letter,
        'а' | 'α' | 'ɑ' | 'ᴀ' | 'ꓮ' | 'Ꭺ' | 'ᗅ' | 'ᗩ' | 'ⲁ' => 'a',
        'в' | 'β' | 'ʙ' | 'ꓐ' | 'Ᏼ' | 'Ꮟ' | 'ᗷ' | 'ⲃ' => 'b',
        'с' | 'ϲ' | 'ᴄ' | 'ꓚ' | 'Ꮯ' | 'ⲥ' | 'ᑕ' => 'c',
        'ԁ' | 'ᴅ' | 'ꓓ' | 'Ꭰ' | 'Ꮷ' | 'ᗞ' | 'ᗪ' => 'd',
        'е' | 'ε' | 'ᴇ' | 'ꓰ' | 'Ꭼ' | 'ⲉ' | 'ᗴ' => 'e',
        'ꜰ' | 'ꓝ' | 'ᖴ' => 'f',
        'ԍ' | 'ɡ' | 'ɢ' | 'ꓖ' | 'Ꮐ' | 'Ᏻ' => 'g',
        'н' | 'η' | 'һ' | 'ʜ' | 'ꓧ' | 'Ꮋ' | 'Ꮒ' | 'ⲏ' | 'ᕼ' => 'h',
        'і' | 'ι' | 'ı' | 'ɪ' | 'ꓲ' | 'Ꭵ' | 'ⲓ' => 'i',
        'ј' | 'ᴊ' | 'ꓙ' | 'Ꭻ' | 'ᒍ' => 'j',
        'к' | 'ᴋ' | 'ꓗ' | 'Ꮶ' | 'ⲕ' => 'k',
        'ӏ' | 'ʟ' | 'ꓡ' | 'Ꮮ' | 'ᒪ' => 'l',
        'м' | 'μ' | 'ᴍ' | 'ꓟ' | 'Ꮇ' | 'ⲙ' | 'ᗰ' => 'm',
        'ո' | 'ν' | 'ɴ' | 'ꓠ' | 'ⲛ' | 'ᑎ' => 'n',
        'о' | 'ο' | 'օ' | 'ᴏ' | 'ꓳ' | 'ⲟ' => 'o',
        'р' | 'ρ' | 'ᴘ' | 'ꓑ' | 'Ꮲ' | 'ⲣ' | 'ᑭ' => 'p',
        'ԛ' => 'q',
        'г' | 'ʀ' | 'ꓣ' | 'Ꭱ' | 'Ꮢ' | 'ᖇ' => 'r',
        'ѕ' | 'տ' | 'ꜱ' | 'ꓢ' | 'Ꮥ' | 'Ꮪ' | 'ᔕ' => 's',
        'т' | 'τ' | 'ᴛ' | 'ꓔ' | 'Ꭲ' | 'ⲧ' => 't',
        'ս' | 'υ' | 'ᴜ' | 'ꓴ' | 'ᑌ' => 'u',
        'ѵ' | 'ᴠ' | 'ꓦ' | 'Ꮩ' | 'ᐯ' => 'v',
        'ԝ' | 'ω' | 'ᴡ' | 'ꓪ' | 'Ꮃ' | 'Ꮤ' | 'ᗯ' => 'w',
        'х' | 'χ' | 'ꓫ' | 'ⲭ' | '᙭' => 'x',
        'у' | 'ʏ' | 'ꓬ' | 'Ꭹ' | 'Ꮍ' | 'ⲩ' => 'y',
        'ζ' | 'ᴢ' | 'ꓜ' | 'Ꮓ' | 'ⲍ' => 'z',
        _ => return None,
    })
}

/// A letter by its place in the alphabet.
fn ascii(place: u32) -> Option<char> {
    char::from_u32(u32::from('a') + place).filter(char::is_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        // Beside each: why a reader takes one for the other.
        for (name, twin) in [
            ("Web Ops", "  wEB   oPS "),
            ("Admin", "Ａｄｍｉｎ"),                               // full width
            ("Admin", "𝐀𝐝𝐦𝐢𝐧"),                                    // mathematical bold
            ("office", "oﬃce"),                                    // a ligature
            ("café", "cafe\u{301}"),                               // combined and composed
            ("Straße", "STRASSE"),                                 // upper case of ß
            ("sales", "ſales"),                                    // long s
            ("paypax", "раурах"),                                  // Cyrillic from end to end
            ("OPEX", "ОРЕХ"),                                      // the same in capitals
            ("Σίσυφος", "ΣΊΣΥΦΟΣ"),                                // final sigma
            ("Admin", "ꓮꓓꓟꓲꓠ"),                                    // Lisu from end to end
            ("SALES", "\u{13DA}\u{13AA}\u{13DE}\u{13AC}\u{13DA}"), // Cherokee
            ("SALES", "\u{ABAA}\u{AB7A}\u{ABAE}\u{AB7C}\u{ABAA}"), // its lower case
            ("MOP", "ⲘⲞⲢ"),                                        // Coptic
            ("ADMIN", "ᴀᴅᴍɪɴ"),                                    // small capitals
            ("ADMIN", "🅰🅳🅼🅸🅽"),                                    // in squares
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
        for bad in [
            "Аdmin",
            "pаypal",
            "Αdmin",
            "ops-tеam",
            "Wеb Ops",
            "x\u{AD}y",
            "x\u{FE0F}y",
            "x\u{3164}y",
            "Administrator\u{2800}",
            "\u{2800}",
            "x\u{1D159}",
            "ꓮdministrator",
            "Ⲟps",
            "ᗩdmin",
            "🅰dmin",
            "аⲟ",
            "aא",
            "webტეამ",
        ] {
            assert!(name("name", bad).is_err(), "{bad:?}");
        }
        for fine in [
            "Admin",
            "Операции Web",
            "Web-Операции",
            "שלום",
            "運用 team",
            "café",
            "Łódź",
            "naïve",
            "µ-team",
            "Ω",
            "Webチーム",
            "웹team",
            "工具Ops",
            "ძველი",
            "नेटवर्क",
            "ቡድን",
            "ኢ-mail",
            "o’clock",
            "ⲁⲗⲫⲁ",
        ] {
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
