//! Distinguished names that people write, as DER (RFC 4514 in, RFC 5280 section 4.1.2.4 out).

use crate::asn1::{Reader, element, tag};
use crate::name::Name;
use crate::oid;

/// The longest name that is read, in bytes of text.
const TEXT_MAX: usize = 4096;
/// Attributes in one name.
const ATTRIBUTES_MAX: usize = 64;

/// A distinguished name, DER.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistinguishedName {
    der: Vec<u8>,
}

/// Why a text is not a distinguished name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAName {
    /// The text has another form.
    #[error("at character {at}: {why}")]
    Syntax {
        /// Counted in characters from 1.
        at: usize,
        /// What is wrong, and what to write.
        why: String,
    },
    /// A value does not fit its attribute.
    #[error("{keyword}: {why}")]
    Value {
        /// The attribute as written.
        keyword: String,
        /// The rule it breaks.
        why: String,
    },
}

/// An attribute's types: keyword in capitals, OID, upper bound in characters (RFC 5280 appendix A.1), string type.
#[rustfmt::skip]
const ATTRIBUTES: &[(&str, &[u8], usize, u8)] = &[
    ("CN", oid::COMMON_NAME, 64, tag::UTF8_STRING),
    ("SN", &[0x55, 4, 4], 64, tag::UTF8_STRING), ("SURNAME", &[0x55, 4, 4], 64, tag::UTF8_STRING),
    ("SERIALNUMBER", &[0x55, 4, 5], 64, tag::PRINTABLE_STRING),
    ("C", &[0x55, 4, 6], 2, tag::PRINTABLE_STRING),
    ("L", &[0x55, 4, 7], 128, tag::UTF8_STRING),
    ("ST", &[0x55, 4, 8], 128, tag::UTF8_STRING), ("S", &[0x55, 4, 8], 128, tag::UTF8_STRING),
    ("STREET", &[0x55, 4, 9], 128, tag::UTF8_STRING),
    ("O", oid::ORGANIZATION, 64, tag::UTF8_STRING),
    ("OU", &[0x55, 4, 11], 64, tag::UTF8_STRING),
    ("TITLE", &[0x55, 4, 12], 64, tag::UTF8_STRING), ("T", &[0x55, 4, 12], 64, tag::UTF8_STRING),
    ("DESCRIPTION", &[0x55, 4, 13], 1024, tag::UTF8_STRING),
    ("POSTALCODE", &[0x55, 4, 17], 40, tag::UTF8_STRING),
    ("GIVENNAME", &[0x55, 4, 42], 64, tag::UTF8_STRING), ("GN", &[0x55, 4, 42], 64, tag::UTF8_STRING),
    ("G", &[0x55, 4, 42], 64, tag::UTF8_STRING),
    ("INITIALS", &[0x55, 4, 43], 64, tag::UTF8_STRING),
    ("DNQUALIFIER", &[0x55, 4, 46], 64, tag::PRINTABLE_STRING), ("DNQ", &[0x55, 4, 46], 64, tag::PRINTABLE_STRING),
    ("PSEUDONYM", &[0x55, 4, 65], 128, tag::UTF8_STRING),
    ("ORGANIZATIONIDENTIFIER", &[0x55, 4, 97], 64, tag::UTF8_STRING),
    ("UID", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 1], 256, tag::UTF8_STRING),
    ("DC", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 25], 63, tag::IA5_STRING),
    ("E", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 1], 255, tag::IA5_STRING),
    ("EMAIL", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 1], 255, tag::IA5_STRING),
    ("EMAILADDRESS", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 1], 255, tag::IA5_STRING),
];

impl DistinguishedName {
    /// Reads a name as people write it: `CN=www.example.org, OU=Ops, O="Example, Inc.", C=DE`, the most specific part first
    /// as in RFC 4514; blanks around commas and values in double quotes (RFC 2253 section 4) are read, too. An empty text is the
    /// empty name. Values become UTF8String, country and serial numbers PrintableString, mail addresses and domain components
    /// IA5String.
    ///
    /// # Errors
    /// [`NotAName`] with the place of what cannot be read, or the bound that a value breaks.
    pub fn parse(text: &str) -> Result<DistinguishedName, NotAName> {
        if text.len() > TEXT_MAX {
            return Err(NotAName::Syntax { at: 1, why: format!("the name is longer than {TEXT_MAX} bytes") });
        }
        let mut scan = Scan { chars: text.chars().collect(), at: 0 };
        let mut relative: Vec<Vec<Vec<u8>>> = Vec::new();
        let mut count = 0;
        scan.skip_blanks();
        while !scan.at_end() {
            let mut set = Vec::new();
            loop {
                count += 1;
                if count > ATTRIBUTES_MAX {
                    return Err(scan.wrong(format!("a name has at most {ATTRIBUTES_MAX} parts")));
                }
                set.push(scan.attribute()?);
                if !scan.take('+') {
                    break;
                }
            }
            // DER orders the elements of a SET OF (X.690 section 11.6).
            set.sort();
            relative.push(set);
            if scan.at_end() {
                break;
            }
            if !scan.take(',') && !scan.take(';') {
                return Err(scan.wrong("expected a comma before the next part".to_owned()));
            }
            scan.skip_blanks();
            if scan.at_end() {
                return Err(scan.wrong("a part like OU=Ops is missing after the comma".to_owned()));
            }
        }
        let sets: Vec<Vec<u8>> = relative.iter().rev().map(|set| element(tag::SET, &[&set.concat()])).collect();
        Ok(DistinguishedName { der: element(tag::SEQUENCE, &[&sets.concat()]) })
    }

    /// The name in a certificate or request, as it stands there.
    pub fn of_der(der: &[u8]) -> Option<DistinguishedName> {
        let whole = Reader::new(der).take(tag::SEQUENCE)?;
        (whole.whole.len() == der.len() && !Name::of(whole.content).malformed).then(|| DistinguishedName { der: der.to_vec() })
    }

    /// The name's DER.
    pub fn der(&self) -> &[u8] {
        if self.der.is_empty() { &[tag::SEQUENCE, 0] } else { &self.der }
    }

    /// Whether it has no parts.
    pub fn is_empty(&self) -> bool {
        self.der.len() <= 2
    }

    /// RFC 4514, as [`crate::Facts::subject`].
    pub fn text(&self) -> String {
        self.name().text
    }

    /// The most specific common name.
    pub fn common_name(&self) -> Option<String> {
        self.name().common_name
    }

    /// Keyword (`CN`, `O`, … or a dotted OID) and value of every part, the most specific first.
    pub fn parts(&self) -> Vec<(String, String)> {
        let mut parts = Vec::new();
        let mut sets = Reader::new(self.der()).enter(tag::SEQUENCE).unwrap_or(Reader::new(&[]));
        while let Some(mut set) = sets.enter(tag::SET) {
            while let Some(mut pair) = set.enter(tag::SEQUENCE) {
                if let (Some(kind), Some(value)) = (pair.take(tag::OID), pair.next()) {
                    let keyword = oid::attribute(kind.content).map_or_else(|| oid::dotted(kind.content), str::to_owned);
                    parts.push((keyword, crate::text::decode(&value).unwrap_or_default()));
                }
            }
        }
        parts.reverse();
        parts
    }

    /// The same name with one part more, which stands before the parts that are more general: an organisation before the country.
    ///
    /// # Errors
    /// [`NotAName::Value`] when the value does not fit its attribute.
    pub fn with(&self, keyword: &str, value: &str) -> Result<DistinguishedName, NotAName> {
        let added = attribute(keyword, value.trim())?;
        let own = generality(&added);
        let mut sets = Reader::new(self.der()).enter(tag::SEQUENCE).unwrap_or(Reader::new(&[]));
        let (mut content, mut put) = (Vec::with_capacity(self.der().len() + added.len() + 2), false);
        // DER begins with the most general part.
        while let Some(set) = sets.take(tag::SET) {
            if !put && generality(set.content) < own {
                content.extend_from_slice(&element(tag::SET, &[&added]));
                put = true;
            }
            content.extend_from_slice(set.whole);
        }
        if !put {
            content.extend_from_slice(&element(tag::SET, &[&added]));
        }
        Ok(DistinguishedName { der: element(tag::SEQUENCE, &[&content]) })
    }

    fn name(&self) -> Name {
        Reader::new(self.der()).take(tag::SEQUENCE).map(|whole| Name::of(whole.content)).unwrap_or_default()
    }
}

/// How general the kind of an AttributeTypeAndValue is; a common name is not at all.
fn generality(pair: &[u8]) -> u8 {
    let kind = Reader::new(pair).enter(tag::SEQUENCE).and_then(|mut pair| pair.take(tag::OID));
    match kind.and_then(|kind| oid::attribute(kind.content)) {
        Some("DC") => 8,
        Some("C") => 7,
        Some("ST") => 6,
        Some("L") => 5,
        Some("O") => 4,
        Some("OU") => 3,
        Some("CN") => 1,
        _ => 2,
    }
}

/// One AttributeTypeAndValue.
fn attribute(keyword: &str, value: &str) -> Result<Vec<u8>, NotAName> {
    let wrong = |why: String| NotAName::Value { keyword: keyword.to_owned(), why };
    let upper = keyword.to_ascii_uppercase();
    let dotted = upper.strip_prefix("OID.").unwrap_or(&upper);
    let known = ATTRIBUTES.iter().find(|(name, ..)| *name == upper);
    let (kind, most, string) = match known {
        Some((_, kind, most, string)) => (kind.to_vec(), *most, *string),
        None => match oid::encode(dotted) {
            Some(kind) => match ATTRIBUTES.iter().find(|(_, known, ..)| *known == kind.as_slice()) {
                Some((_, _, most, string)) => (kind, *most, *string),
                None => (kind, 1024, tag::UTF8_STRING),
            },
            None => return Err(wrong("no known attribute; write CN, O, OU, L, ST, C, DC, E, UID … or a dotted OID".to_owned())),
        },
    };
    let count = value.chars().count();
    if count == 0 {
        return Err(wrong("the value is empty; leave the part out".to_owned()));
    }
    if count > most {
        return Err(wrong(format!("{count} characters, at most {most} are allowed")));
    }
    if value.chars().any(char::is_control) {
        return Err(wrong("control characters are not allowed".to_owned()));
    }
    if string == tag::IA5_STRING && !value.is_ascii() {
        return Err(wrong("only ASCII characters are allowed".to_owned()));
    }
    if string == tag::PRINTABLE_STRING && !value.bytes().all(is_printable) {
        return Err(wrong("only Latin letters, digits, blanks and '()+,-./:=? are allowed".to_owned()));
    }
    let country = kind == [0x55, 4, 6];
    if country && (count != 2 || !value.bytes().all(|byte| byte.is_ascii_alphabetic())) {
        return Err(wrong("give the two letters of the country, such as DE".to_owned()));
    }
    let value = if country { value.to_ascii_uppercase() } else { value.to_owned() };
    Ok(element(tag::SEQUENCE, &[&element(tag::OID, &[&kind]), &element(string, &[value.as_bytes()])]))
}

/// X.680 section 41.4.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

struct Scan {
    chars: Vec<char>,
    at: usize,
}

impl Scan {
    fn at_end(&self) -> bool {
        self.at >= self.chars.len()
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn wrong(&self, why: String) -> NotAName {
        NotAName::Syntax { at: self.at + 1, why }
    }

    fn attribute(&mut self) -> Result<Vec<u8>, NotAName> {
        self.skip_blanks();
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-') {
            self.at += 1;
        }
        let keyword: String = self.chars[start..self.at].iter().collect();
        self.skip_blanks();
        if keyword.is_empty() || !self.take('=') {
            return Err(self.wrong("expected an attribute and its value, such as CN=www.example.org".to_owned()));
        }
        self.skip_blanks();
        let value = if self.take('"') { self.quoted()? } else { self.plain()? };
        self.skip_blanks();
        attribute(&keyword, &value)
    }

    fn quoted(&mut self) -> Result<String, NotAName> {
        let mut value = String::new();
        loop {
            match self.peek() {
                None => return Err(self.wrong("the closing double quote is missing".to_owned())),
                Some('"') => {
                    self.at += 1;
                    return Ok(value);
                }
                Some('\\') => self.escape(&mut value)?,
                Some(c) => {
                    self.at += 1;
                    value.push(c);
                }
            }
        }
    }

    /// Up to a comma, semicolon or plus sign; blanks at the end do not belong to it unless escaped.
    fn plain(&mut self) -> Result<String, NotAName> {
        let mut value = String::new();
        let mut kept = 0;
        while let Some(c) = self.peek() {
            match c {
                ',' | ';' | '+' => break,
                '\\' => {
                    self.escape(&mut value)?;
                    kept = value.len();
                }
                '"' => return Err(self.wrong("a double quote stands at the begin of a value, or is written \\\"".to_owned())),
                c => {
                    self.at += 1;
                    value.push(c);
                    if !c.is_whitespace() {
                        kept = value.len();
                    }
                }
            }
        }
        value.truncate(kept);
        Ok(value)
    }

    /// `\,` and its like, or pairs of hexadecimal digits that are UTF-8 together (RFC 4514 section 2.4).
    fn escape(&mut self, value: &mut String) -> Result<(), NotAName> {
        let mut bytes = Vec::new();
        while self.peek() == Some('\\') {
            let pair = (self.chars.get(self.at + 1).copied(), self.chars.get(self.at + 2).copied());
            let digits = (pair.0.and_then(|c| c.to_digit(16)), pair.1.and_then(|c| c.to_digit(16)));
            match (digits, pair.0) {
                ((Some(high), Some(low)), _) => {
                    bytes.push((high << 4 | low) as u8);
                    self.at += 3;
                }
                (_, Some(c)) if bytes.is_empty() => {
                    self.at += 2;
                    value.push(c);
                    return Ok(());
                }
                (_, Some(_)) => break,
                (_, None) => return Err(self.wrong("nothing follows the backslash".to_owned())),
            }
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) => value.push_str(text),
            Err(_) => return Err(self.wrong("these escaped octets are not UTF-8".to_owned())),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_part_is_added_at_its_place() {
        let with = |text: &str, keyword: &str, value: &str| {
            DistinguishedName::parse(text).unwrap().with(keyword, value).map(|name| name.text())
        };
        assert_eq!(with("CN=x,C=DE", "O", " Example, Inc. ").unwrap(), "CN=x,O=Example\\, Inc.,C=DE");
        assert_eq!(with("", "c", "de").unwrap(), "C=DE");
        assert_eq!(with("O=Example", "CN", "x").unwrap(), "CN=x,O=Example");
        assert_eq!(with("CN=x+UID=7,OU=a,OU=b,O=E", "C", "DE").unwrap(), "CN=x+UID=7,OU=a,OU=b,O=E,C=DE");
        assert_eq!(with("CN=x,DC=example,DC=org", "OU", "Ops").unwrap(), "CN=x,OU=Ops,DC=example,DC=org");
        assert!(
            with("CN=x", "C", "Germany").is_err() && with("CN=x", "nothing", "y").is_err() && with("CN=x", "O", " ").is_err()
        );
    }

    fn shown(text: &str) -> String {
        DistinguishedName::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).text()
    }

    #[test]
    fn names_as_people_write_them() {
        assert_eq!(shown("CN=www.example.org,OU=Ops,O=Example,C=DE"), "CN=www.example.org,OU=Ops,O=Example,C=DE");
        assert_eq!(shown(" cn = www.example.org , o = \"Example, Inc.\" ,c=de"), "CN=www.example.org,O=Example\\, Inc.,C=DE");
        assert_eq!(shown("E=kim@example.org; DC=example;DC=org"), "emailAddress=kim@example.org,DC=example,DC=org");
        assert_eq!(shown(r"CN=a\,b\+c\ ,O=\C3\BCber"), "CN=a\\,b\\+c\\ ,O=\u{fc}ber");
        assert_eq!(shown("2.5.4.3=x"), "CN=x");
        assert_eq!(shown(""), "");
        assert!(DistinguishedName::parse("").unwrap().is_empty());
        let two = DistinguishedName::parse("OU=Sales+CN=J. Smith,DC=net").unwrap();
        assert_eq!(two.common_name().as_deref(), Some("J. Smith"));
        assert_eq!(two.parts().len(), 3);
        assert!(two.parts().iter().any(|(keyword, value)| keyword == "OU" && value == "Sales"));
    }

    #[test]
    fn openssl_reads_the_same_order() {
        // SEQUENCE { SET { C=DE }, SET { CN=a } }: the country stands first in DER.
        let name = DistinguishedName::parse("CN=a,C=DE").unwrap();
        let expected = [
            0x30, 25, 0x31, 11, 0x30, 9, 6, 3, 0x55, 4, 6, 0x13, 2, b'D', b'E', 0x31, 10, 0x30, 8, 6, 3, 0x55, 4, 3, 0x0c, 1,
            b'a',
        ];
        assert_eq!(name.der(), expected);
        assert_eq!(DistinguishedName::of_der(name.der()), Some(name.clone()));
        assert_eq!(DistinguishedName::of_der(&name.der()[..20]), None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let wrong = |text: &str| DistinguishedName::parse(text).unwrap_err().to_string();
        assert_eq!(wrong("www.example.org"), "at character 16: expected an attribute and its value, such as CN=www.example.org");
        assert!(wrong("CN=a,").contains("missing after the comma"));
        assert!(wrong("CN=\"a").contains("closing double quote"));
        assert!(wrong("CN=").contains("empty"));
        assert!(wrong("C=Germany").contains("at most 2"));
        assert!(wrong("C=4!").contains("two letters") || wrong("C=4!").contains("Latin"));
        assert!(wrong(&format!("CN={}", "a".repeat(65))).contains("at most 64"));
        assert!(wrong("XY=1").contains("no known attribute"));
        assert!(wrong("CN=a\u{0}b").contains("control"));
        assert!(wrong("E=k\u{fc}m@example.org").contains("ASCII"));
        assert!(wrong(r"CN=\ff").contains("not UTF-8"));
        assert!(wrong(&"CN=a,".repeat(70)).contains("at most 64 parts"));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(values in proptest::collection::vec("[ -~\u{e4}\u{4e2d}]{1,30}", 1..6)) {
            let quoted: Vec<String> =
                values.iter().map(|value| format!("OU=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))).collect();
            let name = DistinguishedName::parse(&quoted.join(",")).unwrap();
            let read: Vec<String> = name.parts().into_iter().map(|(_, value)| value).collect();
            prop_assert_eq!(read, values);
            prop_assert_eq!(DistinguishedName::parse(&name.text()).unwrap(), name);
        }

        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = DistinguishedName::parse(&text);
        }
    }
}
