//! Distinguished names in the certificate's order, with their raw values, and in the styles in which programs print
//! them.

use serde::Serialize;

use super::keywords;
use crate::asn1::{Element, Reader, tag};
use crate::certificate::{Certificate, NotACertificate};
use crate::facts::sha256;
use crate::name::Name;
use crate::text::{self, Escape};
use crate::{hex_bytes, oid};

/// How a name is written as text. Hostile characters are escaped in every style, see [`crate::Facts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameStyle {
    /// RFC 4514: `CN=a,O=b\, c,C=DE`, most specific relative name first.
    Rfc4514,
    /// `X500Principal.toString()` of OpenJDK 17: `CN=a, O="b, c", C=DE`, most specific relative name first.
    Jdk,
    /// `openssl x509 -subject` of OpenSSL 3.0 (`-nameopt oneline`): `C = DE, O = "b, c", CN = a`, in the order of the
    /// certificate.
    OpenSsl,
}

/// A distinguished name: relative names in the order of the certificate, which puts the most general one first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DistinguishedName {
    /// The relative names in the order of the certificate.
    pub relative_names: Vec<RelativeName>,
    /// Not encoded as RFC 5280 says throughout; the relative names are what could be read.
    pub malformed: bool,
    /// SHA-256 of [`DistinguishedName::der`]: equal for names that are the same octets.
    #[serde(serialize_with = "hex_bytes")]
    pub sha256: [u8; 32],
    /// The whole encoding.
    #[serde(serialize_with = "hex_bytes")]
    pub der: Vec<u8>,
}

/// One relative name: one attribute, seldom more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelativeName {
    /// Its attributes in the order of the certificate.
    pub attributes: Vec<Attribute>,
}

/// One attribute of a relative name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// The attribute's type, dotted.
    pub oid: String,
    /// The type's keyword in RFC 4514 strings, if it has one: `CN`, `O`, `emailAddress`, …
    pub keyword: Option<&'static str>,
    /// The ASN.1 type of the value.
    pub string_type: StringType,
    /// Content octets of the value.
    #[serde(serialize_with = "hex_bytes")]
    pub value: Vec<u8>,
    /// The value as text, hostile characters escaped; `None` when its type is no string type.
    pub text: Option<String>,
    /// Content octets of the type.
    #[serde(skip)]
    kind: Vec<u8>,
    /// The whole encoding of the value.
    #[serde(skip)]
    encoded: Vec<u8>,
}

/// The ASN.1 type of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StringType {
    /// UTF8String.
    Utf8String,
    /// PrintableString.
    PrintableString,
    /// IA5String.
    Ia5String,
    /// TeletexString, also called T61String.
    TeletexString,
    /// BMPString.
    BmpString,
    /// UniversalString.
    UniversalString,
    /// VisibleString.
    VisibleString,
    /// NumericString.
    NumericString,
    /// Another type; the number is the identifier octet.
    Other(u8),
}

impl StringType {
    fn of(identifier: u8) -> StringType {
        match identifier {
            tag::UTF8_STRING => StringType::Utf8String,
            tag::PRINTABLE_STRING => StringType::PrintableString,
            tag::IA5_STRING => StringType::Ia5String,
            tag::TELETEX_STRING => StringType::TeletexString,
            tag::BMP_STRING => StringType::BmpString,
            tag::UNIVERSAL_STRING => StringType::UniversalString,
            tag::VISIBLE_STRING => StringType::VisibleString,
            tag::NUMERIC_STRING => StringType::NumericString,
            other => StringType::Other(other),
        }
    }

    /// The name of the type as X.680 spells it; `tag 04` for one that is no string type of a name.
    pub fn name(self) -> String {
        match self {
            StringType::Utf8String => "UTF8String".into(),
            StringType::PrintableString => "PrintableString".into(),
            StringType::Ia5String => "IA5String".into(),
            StringType::TeletexString => "TeletexString".into(),
            StringType::BmpString => "BMPString".into(),
            StringType::UniversalString => "UniversalString".into(),
            StringType::VisibleString => "VisibleString".into(),
            StringType::NumericString => "NumericString".into(),
            StringType::Other(identifier) => format!("tag {identifier:02x}"),
        }
    }
}

impl DistinguishedName {
    /// Reads a Name element.
    pub(crate) fn of(element: &Element<'_>) -> DistinguishedName {
        DistinguishedName::of_parts(element.content, element.whole)
    }

    /// The subject of the certificate at the beginning of `der`, without reading the rest of it.
    ///
    /// # Errors
    /// As [`crate::Facts::of`].
    pub fn subject_of(der: &[u8]) -> Result<DistinguishedName, NotACertificate> {
        Ok(DistinguishedName::of(&Certificate::locate(der)?.subject))
    }

    pub(crate) fn of_parts(content: &[u8], whole: &[u8]) -> DistinguishedName {
        let mut relative_names = Vec::new();
        let mut reader = Reader::new(content);
        let mut malformed = false;
        while let Some(set) = reader.take(tag::SET) {
            let (relative, odd) = RelativeName::of(set.inside());
            malformed |= odd;
            relative_names.push(relative);
        }
        malformed |= !reader.is_empty();
        DistinguishedName { relative_names, malformed, sha256: sha256(whole), der: whole.to_vec() }
    }

    /// Whether the name has no relative name.
    pub fn is_empty(&self) -> bool {
        self.relative_names.is_empty()
    }

    /// All attributes in the order of the certificate.
    pub fn attributes(&self) -> impl DoubleEndedIterator<Item = &Attribute> {
        self.relative_names.iter().flat_map(|relative| relative.attributes.iter())
    }

    /// The name as text.
    pub fn render(&self, style: NameStyle) -> String {
        match style {
            NameStyle::Rfc4514 => {
                let content = Reader::new(&self.der).next().map_or(&[][..], |element| element.content);
                Name::of(content).text
            }
            NameStyle::Jdk => {
                let written = self.relative_names.iter().rev().map(|name| name.joined(" + ", Attribute::push_jdk));
                written.collect::<Vec<_>>().join(", ")
            }
            NameStyle::OpenSsl => {
                let written = self.relative_names.iter().map(|name| name.joined(" + ", Attribute::push_openssl));
                written.collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// The name exactly as OpenJDK 17 prints it, hostile characters included.
    pub(super) fn as_java(&self) -> String {
        let written = self.relative_names.iter().rev().map(|name| name.joined(" + ", Attribute::push_java));
        written.collect::<Vec<_>>().join(", ")
    }
}

impl RelativeName {
    pub(super) fn of(mut set: Reader<'_>) -> (RelativeName, bool) {
        let (mut attributes, mut malformed) = (Vec::new(), false);
        while let Some(attribute) = set.next() {
            let mut pair = attribute.inside();
            match (attribute.tag, pair.take(tag::OID), pair.next()) {
                (tag::SEQUENCE, Some(kind), Some(value)) => attributes.push(Attribute::of(kind.content, &value)),
                _ => malformed = true,
            }
        }
        malformed |= attributes.is_empty() || !set.is_empty();
        (RelativeName { attributes }, malformed)
    }

    fn joined(&self, separator: &str, push: fn(&Attribute, &mut String)) -> String {
        let mut out = String::new();
        for (position, attribute) in self.attributes.iter().enumerate() {
            if position > 0 {
                out.push_str(separator);
            }
            push(attribute, &mut out);
        }
        out
    }
}

impl Attribute {
    fn of(kind: &[u8], value: &Element<'_>) -> Attribute {
        let mut shown = String::new();
        let is_text = text::push_string(&mut shown, value, Escape::Plain);
        Attribute {
            oid: oid::dotted(kind),
            keyword: oid::attribute(kind),
            string_type: StringType::of(value.tag),
            value: value.content.to_vec(),
            text: is_text.then_some(shown),
            kind: kind.to_vec(),
            encoded: value.whole.to_vec(),
        }
    }

    /// The value before hostile characters are escaped; `None` when its type is no string type.
    fn decoded(&self) -> Option<String> {
        text::decode(&Reader::new(&self.encoded).next()?)
    }

    /// `sun.security.x509.AVA.toKeywordValueString`, hostile characters escaped.
    fn push_jdk(&self, out: &mut String) {
        self.push_keyword_value(out, text::push_visible);
    }

    /// The same with every character as it is.
    fn push_java(&self, out: &mut String) {
        self.push_keyword_value(out, String::push);
    }

    fn push_keyword_value(&self, out: &mut String, push: fn(&mut String, char)) {
        match keywords::jdk(&self.kind) {
            Some(keyword) => out.push_str(keyword),
            None => {
                out.push_str("OID.");
                out.push_str(&self.oid);
            }
        }
        out.push('=');
        // DerValue.getAsString knows neither VisibleString nor NumericString
        let unknown = matches!(self.string_type, StringType::VisibleString | StringType::NumericString);
        let Some(value) = self.decoded().filter(|_| !unknown) else {
            out.push('#');
            text::push_hex(out, &self.encoded);
            return;
        };
        let quoted_already = value.len() > 1 && value.starts_with('"') && value.ends_with('"');
        let white = |c: char| c == ' ' || c == '\n';
        let special = |c: char| ",+=\n<>#;\\\"".contains(c);
        let inner = if quoted_already { &value[1..value.len() - 1] } else { &value[..] };
        let repeated = inner.as_bytes().windows(2).any(|pair| matches!(pair, [b' ' | b'\n', b' ' | b'\n']));
        let needs_quotes = inner.contains(special) || inner.starts_with(white) || inner.ends_with(white) || repeated;
        let quotes = quoted_already || needs_quotes;
        if quotes {
            out.push('"');
        }
        for c in inner.chars() {
            if c == '"' || c == '\\' {
                out.push('\\');
            }
            push(out, c);
        }
        if quotes {
            out.push('"');
        }
    }

    /// `X509_NAME_print_ex` with `XN_FLAG_ONELINE`: `do_print_ex` and `do_esc_char` of OpenSSL's `a_strex.c`.
    fn push_openssl(&self, out: &mut String) {
        out.push_str(keywords::openssl(&self.kind).unwrap_or(&self.oid));
        out.push_str(" = ");
        let Some(bytes) = self.utf8_as_openssl_sees_it() else {
            out.push('#');
            text::push_hex_upper(out, &self.encoded);
            return;
        };
        let last = bytes.len().saturating_sub(1);
        let quoting = |(at, byte): (usize, &u8)| match byte {
            b',' | b'+' | b'<' | b'>' | b';' => true,
            b' ' => at == 0 || at == last,
            b'#' => at == 0 && at != last,
            _ => false,
        };
        let quotes = bytes.iter().enumerate().any(quoting);
        if quotes {
            out.push('"');
        }
        for byte in &bytes {
            match byte {
                b'"' | b'\\' => {
                    out.push('\\');
                    out.push(char::from(*byte));
                }
                b' '..=b'~' => out.push(char::from(*byte)),
                _ => text::push_raw(out, &[*byte]),
            }
        }
        if quotes {
            out.push('"');
        }
    }

    /// The octets that OpenSSL escapes: UTF8String as it stands, every other string converted to UTF-8. Octets beyond
    /// ASCII in the types that should have none are Latin-1.
    fn utf8_as_openssl_sees_it(&self) -> Option<Vec<u8>> {
        match self.string_type {
            StringType::Utf8String => Some(self.value.clone()),
            StringType::BmpString | StringType::UniversalString => self.decoded().map(String::into_bytes),
            StringType::Other(0x17 | 0x18) => Some(self.value.clone()), // it takes times for text
            StringType::Other(_) => None,
            _ => Some(self.value.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes()),
        }
    }
}
