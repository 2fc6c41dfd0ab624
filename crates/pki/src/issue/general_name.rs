//! Subject alternative names to be written (RFC 5280 section 4.2.1.6).

use std::net::IpAddr;

use crate::alt_name::{AltName, AltNameKind};
use crate::asn1::{element, put, tag};
use crate::dns::normalise_dns_name;
use crate::oid;

/// The longest name, in bytes.
const NAME_MAX: usize = 2048;

/// A name for a subject alternative name extension.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GeneralName {
    /// A host name in its ASCII form, lower case; a wildcard may be the leftmost label.
    Dns(String),
    /// An address.
    Ip(IpAddr),
    /// A mail address (RFC 822).
    Email(String),
    /// An absolute URI.
    Uri(String),
    /// A Microsoft user principal name, `user@realm`.
    Upn(String),
}

/// Why a text is not a name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {kind}: {why}")]
pub struct NotAGeneralName {
    /// The beginning of the text.
    pub text: String,
    /// "DNS name", "IP address" …
    pub kind: &'static str,
    /// What is wrong.
    pub why: String,
}

impl GeneralName {
    /// A host name or, when it is one, an IP address.
    pub fn host(text: &str) -> Result<GeneralName, NotAGeneralName> {
        match text.trim().parse::<IpAddr>() {
            Ok(address) => Ok(GeneralName::Ip(address)),
            Err(_) => Self::dns(text),
        }
    }

    /// A host name; wildcards and internationalised names are allowed.
    pub fn dns(text: &str) -> Result<GeneralName, NotAGeneralName> {
        normalise_dns_name(text.trim()).map(GeneralName::Dns).map_err(|error| wrong(text, "DNS name", &error.to_string()))
    }

    /// An IPv4 or IPv6 address.
    pub fn ip(text: &str) -> Result<GeneralName, NotAGeneralName> {
        let parsed = text.trim().parse().map(GeneralName::Ip);
        parsed.map_err(|_| wrong(text, "IP address", "write it like 192.0.2.1 or 2001:db8::1"))
    }

    /// A mail address.
    pub fn email(text: &str) -> Result<GeneralName, NotAGeneralName> {
        let trimmed = text.trim();
        let fits = trimmed.split_once('@').is_some_and(|(local, host)| {
            !local.is_empty() && local.bytes().all(|byte| byte.is_ascii_graphic()) && normalise_dns_name(host).is_ok()
        });
        if fits && trimmed.len() <= NAME_MAX && !trimmed.contains('*') {
            return Ok(GeneralName::Email(trimmed.to_owned()));
        }
        Err(wrong(text, "mail address", "write it like kim@example.org"))
    }

    /// An absolute URI.
    pub fn uri(text: &str) -> Result<GeneralName, NotAGeneralName> {
        let trimmed = text.trim();
        let scheme = |scheme: &str| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        };
        let fits = trimmed.split_once(':').is_some_and(|(first, rest)| scheme(first) && !rest.is_empty());
        if fits && trimmed.len() <= NAME_MAX && trimmed.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(GeneralName::Uri(trimmed.to_owned()));
        }
        Err(wrong(text, "URI", "write it like https://example.org/path, in ASCII"))
    }

    /// A user principal name.
    pub fn upn(text: &str) -> Result<GeneralName, NotAGeneralName> {
        let trimmed = text.trim();
        let fits = trimmed.split_once('@').is_some_and(|(user, realm)| !user.is_empty() && !realm.is_empty());
        if fits && trimmed.len() <= NAME_MAX && !trimmed.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Ok(GeneralName::Upn(trimmed.to_owned()));
        }
        Err(wrong(text, "user principal name", "write it like kim@example.org"))
    }

    /// The name that a request or certificate holds.
    pub fn of(name: &AltName) -> Result<GeneralName, NotAGeneralName> {
        match name.kind {
            AltNameKind::Dns => Self::dns(&name.value),
            AltNameKind::Ip => Self::ip(&name.value),
            AltNameKind::Email => Self::email(&name.value),
            AltNameKind::Uri => Self::uri(&name.value),
            AltNameKind::Upn => Self::upn(&name.value),
            other => Err(wrong(&name.value, other.as_str(), "names of this kind are not issued here")),
        }
    }

    /// "dns", "ip", "email", "uri" or "upn".
    pub fn kind(&self) -> &'static str {
        match self {
            GeneralName::Dns(_) => "dns",
            GeneralName::Ip(_) => "ip",
            GeneralName::Email(_) => "email",
            GeneralName::Uri(_) => "uri",
            GeneralName::Upn(_) => "upn",
        }
    }

    /// The name without its kind.
    pub fn value(&self) -> String {
        match self {
            GeneralName::Ip(address) => address.to_string(),
            GeneralName::Dns(text) | GeneralName::Email(text) | GeneralName::Uri(text) | GeneralName::Upn(text) => text.clone(),
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match self {
            GeneralName::Email(text) => put(out, tag::context_primitive(1), text.as_bytes()),
            GeneralName::Dns(text) => put(out, tag::context_primitive(2), text.as_bytes()),
            GeneralName::Uri(text) => put(out, tag::context_primitive(6), text.as_bytes()),
            GeneralName::Ip(IpAddr::V4(address)) => put(out, tag::context_primitive(7), &address.octets()),
            GeneralName::Ip(IpAddr::V6(address)) => put(out, tag::context_primitive(7), &address.octets()),
            GeneralName::Upn(text) => {
                let value = element(tag::context(0), &[&element(tag::UTF8_STRING, &[text.as_bytes()])]);
                put(out, tag::context(0), &[element(tag::OID, &[oid::UPN]), value].concat());
            }
        }
    }
}

fn wrong(text: &str, kind: &'static str, why: &str) -> NotAGeneralName {
    NotAGeneralName { text: text.chars().take(300).collect(), kind, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_brought_into_their_form_or_refused() {
        assert_eq!(GeneralName::host("Bücher.Example"), Ok(GeneralName::Dns("xn--bcher-kva.example".into())));
        assert_eq!(GeneralName::host("2001:DB8::1").unwrap().value(), "2001:db8::1");
        assert_eq!(GeneralName::email(" kim@example.org ").unwrap().value(), "kim@example.org");
        assert!(GeneralName::uri("spiffe://example.org/web").is_ok());
        assert!(GeneralName::upn("kim@corp.example").is_ok());
        for bad in ["", "kim", "@example.org", "kim@", "a b@example.org", "*@example.org", "kim@exa mple.org"] {
            assert!(GeneralName::email(bad).is_err(), "{bad}");
        }
        for bad in ["", "example.org", "1a:x", "http:", "http://ex ample", "http://b\u{fc}cher.example"] {
            assert!(GeneralName::uri(bad).is_err(), "{bad}");
        }
        assert!(GeneralName::ip("192.0.2.300").is_err());
        assert!(GeneralName::upn("kim\n@example").is_err());
    }
}
