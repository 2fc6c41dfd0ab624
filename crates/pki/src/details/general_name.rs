//! General names (RFC 5280 section 4.2.1.6), every choice of them.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use super::names::{DistinguishedName, NameStyle};
use crate::asn1::{Element, Reader, tag};
use crate::text::{self, Escape};
use crate::{hex_bytes, oid};

/// One general name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GeneralName {
    /// What it is.
    pub choice: Choice,
    /// Its content is not what its choice allows.
    pub malformed: bool,
    /// The content octets as they stand in the certificate.
    #[serde(serialize_with = "hex_bytes")]
    pub raw: Vec<u8>,
}

/// The choices of GeneralName. Text has its hostile characters escaped, see [`crate::Facts`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Choice {
    /// otherName.
    OtherName {
        /// The type, dotted.
        oid: String,
        /// What the type is called, if it is known: `UPN`, `SmtpUTF8Mailbox`, …
        name: Option<&'static str>,
        /// The value, when it is a string.
        text: Option<String>,
        /// The encoded value.
        #[serde(serialize_with = "hex_bytes")]
        value: Vec<u8>,
    },
    /// rfc822Name.
    Email(String),
    /// dNSName.
    Dns(String),
    /// x400Address, not decoded.
    X400Address,
    /// directoryName.
    DirectoryName(Box<DistinguishedName>),
    /// ediPartyName.
    EdiPartyName {
        /// Who assigns the names.
        name_assigner: Option<String>,
        /// The party.
        party_name: Option<String>,
    },
    /// uniformResourceIdentifier.
    Uri(String),
    /// iPAddress: an address, or `address/mask` in name constraints. `#hex` when it has another length.
    IpAddress(String),
    /// registeredID, dotted.
    RegisteredId(String),
    /// None of the choices: an element with this identifier octet.
    Unknown(u8),
}

impl Choice {
    /// The name of the choice in RFC 5280.
    pub fn kind(&self) -> &'static str {
        match self {
            Choice::OtherName { .. } => "otherName",
            Choice::Email(_) => "rfc822Name",
            Choice::Dns(_) => "dNSName",
            Choice::X400Address => "x400Address",
            Choice::DirectoryName(_) => "directoryName",
            Choice::EdiPartyName { .. } => "ediPartyName",
            Choice::Uri(_) => "uniformResourceIdentifier",
            Choice::IpAddress(_) => "iPAddress",
            Choice::RegisteredId(_) => "registeredID",
            Choice::Unknown(_) => "unknown",
        }
    }
}

/// The types of otherName that have a name.
fn other_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "1.3.6.1.4.1.311.20.2.3" => "UPN",
        "1.3.6.1.4.1.311.25.1" => "ntdsReplication",
        "1.3.6.1.4.1.311.25.2.1" => "ntdsObjectSid",
        "1.3.6.1.5.2.2" => "KRB5PrincipalName",
        "1.3.6.1.5.5.7.8.3" => "permanentIdentifier",
        "1.3.6.1.5.5.7.8.4" => "hardwareModuleName",
        "1.3.6.1.5.5.7.8.5" => "xmppAddr",
        "1.3.6.1.5.5.7.8.7" => "dnsSRV",
        "1.3.6.1.5.5.7.8.8" => "NAIRealm",
        "1.3.6.1.5.5.7.8.9" => "SmtpUTF8Mailbox",
        "1.3.6.1.5.5.7.8.10" => "ACPNodeName",
        "1.3.6.1.5.5.7.8.11" => "bundleEID",
        _ => return None,
    })
}

impl GeneralName {
    /// Reads one GeneralName. `masked` says that an IP address stands with its mask (RFC 5280 section 4.2.1.10).
    pub(crate) fn of(element: &Element<'_>, masked: bool) -> GeneralName {
        let content = element.content;
        let ascii = |choice: fn(String) -> Choice| (choice(text::plain(content)), !content.is_ascii());
        let (choice, malformed) = match element.tag {
            0xa0 => other(element),
            0x81 => ascii(Choice::Email),
            0x82 => ascii(Choice::Dns),
            0xa3 => (Choice::X400Address, false),
            0xa4 => {
                // The choice is tagged explicitly, because Name is itself a CHOICE.
                let inner = element.inside().take(tag::SEQUENCE);
                let name =
                    inner.map_or_else(|| DistinguishedName::of_parts(content, content), |inner| DistinguishedName::of(&inner));
                let malformed = name.malformed || inner.is_none();
                (Choice::DirectoryName(Box::new(name)), malformed)
            }
            0xa5 => edi_party(element),
            0x86 => ascii(Choice::Uri),
            0x87 => {
                let address = if masked { ip_with_mask(content) } else { ip(content) };
                let malformed = address.is_none();
                (Choice::IpAddress(address.unwrap_or_else(|| text::hash_hex(content))), malformed)
            }
            0x88 => (Choice::RegisteredId(oid::dotted(content)), false),
            other => (Choice::Unknown(other), true),
        };
        GeneralName { choice, malformed, raw: content.to_vec() }
    }

    /// The names in a SEQUENCE of them, and whether there is nothing else.
    pub(crate) fn list(mut names: Reader<'_>) -> (Vec<GeneralName>, bool) {
        let mut list = Vec::new();
        while let Some(name) = names.next() {
            list.push(GeneralName::of(&name, false));
        }
        (list, names.is_empty())
    }

    /// The name on its own, without its kind.
    pub fn text(&self) -> String {
        match &self.choice {
            Choice::OtherName { oid, text: Some(text), .. } => format!("{oid}:{text}"),
            Choice::OtherName { oid, value, .. } => format!("{oid}:{}", text::hash_hex(value)),
            Choice::DirectoryName(name) => name.render(NameStyle::Rfc4514),
            Choice::EdiPartyName { name_assigner: Some(assigner), party_name } => {
                format!("{assigner}: {}", party_name.as_deref().unwrap_or_default())
            }
            Choice::EdiPartyName { name_assigner: None, party_name } => party_name.clone().unwrap_or_default(),
            Choice::Email(text)
            | Choice::Dns(text)
            | Choice::Uri(text)
            | Choice::IpAddress(text)
            | Choice::RegisteredId(text) => text.clone(),
            Choice::X400Address | Choice::Unknown(_) => text::hash_hex(&self.raw),
        }
    }

    /// The name with its kind, as in a sentence: `dNSName www.example.com`.
    pub fn described(&self) -> String {
        match &self.choice {
            Choice::OtherName { name: Some(name), text: Some(text), .. } => format!("otherName {name} {text}"),
            choice => format!("{} {}", choice.kind(), self.text()),
        }
    }
}

fn other(element: &Element<'_>) -> (Choice, bool) {
    let mut inside = element.inside();
    let kind = inside.take(tag::OID).map(|kind| oid::dotted(kind.content));
    let value = inside.enter(tag::context(0)).and_then(|mut value| value.next());
    let malformed = kind.is_none() || value.is_none() || !inside.is_empty();
    let oid = kind.unwrap_or_default();
    let mut shown = String::new();
    let is_text = value.is_some_and(|value| text::push_string(&mut shown, &value, Escape::Plain));
    let name = other_name(&oid);
    let value = value.map(|value| value.whole.to_vec()).unwrap_or_default();
    (Choice::OtherName { oid, name, text: is_text.then_some(shown), value }, malformed)
}

/// EDIPartyName ::= SEQUENCE { nameAssigner [0] DirectoryString OPTIONAL, partyName [1] DirectoryString }
fn edi_party(element: &Element<'_>) -> (Choice, bool) {
    let mut inside = element.inside();
    let mut field = |number: u8| {
        let value = inside.enter(tag::context(number))?.next()?;
        let mut shown = String::new();
        text::push_string(&mut shown, &value, Escape::Plain).then_some(shown)
    };
    let (name_assigner, party_name) = (field(0), field(1));
    let malformed = party_name.is_none() || !inside.is_empty();
    (Choice::EdiPartyName { name_assigner, party_name }, malformed)
}

fn ip(content: &[u8]) -> Option<String> {
    if let Ok(octets) = <[u8; 4]>::try_from(content) {
        return Some(Ipv4Addr::from(octets).to_string());
    }
    <[u8; 16]>::try_from(content).ok().map(|octets| Ipv6Addr::from(octets).to_string())
}

/// `192.0.2.0/24`, or the mask written out where it is not contiguous.
fn ip_with_mask(content: &[u8]) -> Option<String> {
    if !matches!(content.len(), 8 | 32) {
        return None;
    }
    let (address, mask) = content.split_at(content.len() / 2);
    let ones = mask.iter().map(|octet| octet.count_ones()).sum::<u32>();
    let leading = mask.iter().take_while(|octet| **octet == 0xff).count();
    let contiguous = leading as u32 * 8 + mask.get(leading).map_or(0, |octet| octet.leading_ones()) == ones;
    let mask = if contiguous { ones.to_string() } else { ip(mask)? };
    Some(format!("{}/{mask}", ip(address)?))
}
