//! General names (RFC 5280 section 4.2.1.6): the subject alternative names, and where URIs are given.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use crate::asn1::{Element, Reader, tag};
use crate::name::Name;
use crate::oid;
use crate::text::{self, Escape};

/// The kind of a subject alternative name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AltNameKind {
    /// dNSName.
    Dns,
    /// iPAddress.
    Ip,
    /// rfc822Name.
    Email,
    /// uniformResourceIdentifier.
    Uri,
    /// directoryName.
    DirName,
    /// registeredID.
    Rid,
    /// otherName with Microsoft's user principal name.
    Upn,
    /// Any other otherName, an x400Address or an ediPartyName.
    Other,
}

impl AltNameKind {
    /// The lower-case word that also stands in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            AltNameKind::Dns => "dns",
            AltNameKind::Ip => "ip",
            AltNameKind::Email => "email",
            AltNameKind::Uri => "uri",
            AltNameKind::DirName => "dirname",
            AltNameKind::Rid => "rid",
            AltNameKind::Upn => "upn",
            AltNameKind::Other => "other",
        }
    }
}

/// One subject alternative name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct AltName {
    /// What sort of name it is.
    pub kind: AltNameKind,
    /// Its text: DNS names, addresses and URIs as they stand in the certificate (letter case kept), IP addresses in
    /// their usual form, directory names by RFC 4514, identifiers dotted, other names as `OID:text` or `OID:#hex` of
    /// the encoded value. Hostile characters are escaped as in [`crate::Facts`].
    pub value: String,
}

impl AltName {
    /// Reads one GeneralName; the flag says that its content is not what its kind allows.
    pub(crate) fn of(element: &Element<'_>) -> (AltName, bool) {
        let content = element.content;
        let (kind, value, malformed) = match element.tag {
            0x82 => (AltNameKind::Dns, text::plain(content), !content.is_ascii()),
            0x87 => {
                let address = ip(content);
                let malformed = address.is_none();
                (AltNameKind::Ip, address.unwrap_or_else(|| text::hash_hex(content)), malformed)
            }
            0x81 => (AltNameKind::Email, text::plain(content), !content.is_ascii()),
            0x86 => (AltNameKind::Uri, text::plain(content), !content.is_ascii()),
            0x88 => (AltNameKind::Rid, oid::dotted(content), false),
            0xa4 => {
                // The choice is tagged explicitly, because Name is itself a CHOICE.
                let inner = element.inside().enter(tag::SEQUENCE);
                let name = Name::of(inner.map_or(content, |name| name.rest()));
                (AltNameKind::DirName, name.text, name.malformed || inner.is_none())
            }
            0xa0 => other_name(element),
            0xa3 => (AltNameKind::Other, format!("x400Address:{}", text::hash_hex(content)), false),
            0xa5 => (AltNameKind::Other, format!("ediPartyName:{}", text::hash_hex(content)), false),
            _ => (AltNameKind::Other, text::hash_hex(element.whole), true),
        };
        (AltName { kind, value }, malformed)
    }
}

fn other_name(element: &Element<'_>) -> (AltNameKind, String, bool) {
    let mut inside = element.inside();
    let Some(kind) = inside.take(tag::OID) else {
        return (AltNameKind::Other, text::hash_hex(element.whole), true);
    };
    let Some(value) = inside.enter(tag::context(0)).and_then(|mut value| value.next()) else {
        return (AltNameKind::Other, format!("{}:", oid::dotted(kind.content)), true);
    };
    let mut shown = String::new();
    if kind.content == oid::UPN && text::push_string(&mut shown, &value, Escape::Plain) {
        return (AltNameKind::Upn, shown, false);
    }
    shown = oid::dotted(kind.content);
    shown.push(':');
    if !text::push_string(&mut shown, &value, Escape::Plain) {
        shown.push('#');
        text::push_hex(&mut shown, value.whole);
    }
    (AltNameKind::Other, shown, false)
}

fn ip(content: &[u8]) -> Option<String> {
    if let Ok(octets) = <[u8; 4]>::try_from(content) {
        return Some(Ipv4Addr::from(octets).to_string());
    }
    <[u8; 16]>::try_from(content).ok().map(|octets| Ipv6Addr::from(octets).to_string())
}

/// Appends the URIs among the general names in `names`.
pub(crate) fn push_uris(out: &mut Vec<String>, mut names: Reader<'_>) {
    while let Some(name) = names.next() {
        if name.tag == 0x86 {
            out.push(text::plain(name.content));
        }
    }
}
