//! How text gets into pages: as text, and as the text that it is.
//!
//! Certificates carry names chosen by strangers. Besides markup, such a name can hold characters that turn the
//! reading direction round or show nothing at all, so that what is written `moc.elpmaxe` is read as
//! `example.com`. An inventory must not be fooled: these characters are written out, as
//! `⟨U+202E⟩`.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Html};

/// The escaper of every template (`askama.toml`): HTML's five characters, and invisible characters written out.
///
/// Where the exact text must survive, in the values of fields and of copy buttons, templates ask for `|e("htm")`,
/// which escapes HTML only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Visible;

impl Escaper for Visible {
    fn write_escaped_str<W: Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        let mut rest = string;
        while let Some((at, hidden)) = rest.char_indices().find(|(_, c)| is_deceptive(*c)) {
            Html.write_escaped_str(&mut dest, &rest[..at])?;
            write!(dest, "⟨U+{:04X}⟩", u32::from(hidden))?;
            rest = &rest[at + hidden.len_utf8()..];
        }
        Html.write_escaped_str(&mut dest, rest)
    }
}

/// Whether a character changes how its neighbours are read, or is not seen itself. White space is neither.
fn is_deceptive(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
        // Zero-width characters and direction marks; embeddings and overrides; joiners, invisible operators, isolates.
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        // Tags: a second, invisible alphabet.
        '\u{e0000}'..='\u{e007f}' => true,
        _ => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        Visible.write_escaped_str(&mut out, text).expect("writing to a string succeeds");
        out
    }

    #[test]
    fn markup_becomes_text() {
        let out = escaped("<a href=\"x\">'&'</a>");
        assert!(!out.contains(['<', '>', '"', '\'']), "{out}");
    }

    #[test]
    fn what_hides_is_written_out() {
        assert_eq!(escaped("\u{202e}moc"), "⟨U+202E⟩moc");
        assert_eq!(escaped("pay\u{200b}pal\0"), "pay⟨U+200B⟩pal⟨U+0000⟩");
        assert_eq!(escaped("\u{e0041}"), "⟨U+E0041⟩");
    }

    #[test]
    fn honest_text_stays_as_it_is() {
        for text in ["", "example.com", "Göteborg", "שלום", "例え.jp", "a\tb\r\nc", "𝔘𝔫𝔦", "🔒"] {
            assert_eq!(escaped(text), text);
        }
    }
}
