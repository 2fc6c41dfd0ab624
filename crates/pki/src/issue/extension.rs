//! The extensions of certificates to be signed (RFC 5280 section 4.2).

use std::net::IpAddr;

use super::general_name::GeneralName;
use crate::asn1::{element, put, tag};
use crate::oid;

/// Bits of the key usage extension, bit 0 first (RFC 5280 section 4.2.1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyUsages(u16);

impl KeyUsages {
    /// digitalSignature.
    pub const DIGITAL_SIGNATURE: KeyUsages = KeyUsages(1);
    /// keyEncipherment.
    pub const KEY_ENCIPHERMENT: KeyUsages = KeyUsages(1 << 2);
    /// keyAgreement.
    pub const KEY_AGREEMENT: KeyUsages = KeyUsages(1 << 4);
    /// keyCertSign.
    pub const CERTIFICATE_SIGN: KeyUsages = KeyUsages(1 << 5);
    /// cRLSign.
    pub const CRL_SIGN: KeyUsages = KeyUsages(1 << 6);

    /// These and the others.
    pub const fn and(self, other: KeyUsages) -> KeyUsages {
        KeyUsages(self.0 | other.0)
    }

    fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// A BIT STRING without zero bits at its end (X.690 section 11.2.2).
    fn der(self) -> Vec<u8> {
        let highest = 15 - self.0.leading_zeros();
        let mut octets = vec![0u8; (highest / 8 + 1) as usize];
        for bit in (0..=highest).filter(|bit| self.0 >> bit & 1 == 1) {
            octets[(bit / 8) as usize] |= 0x80 >> (bit % 8);
        }
        element(tag::BIT_STRING, &[&[(7 - highest % 8) as u8], &octets])
    }
}

/// What a certificate is for (RFC 5280 section 4.2.1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtendedUsage {
    /// id-kp-serverAuth.
    ServerAuth,
    /// id-kp-clientAuth.
    ClientAuth,
    /// id-kp-codeSigning.
    CodeSigning,
    /// id-kp-emailProtection.
    EmailProtection,
    /// id-kp-timeStamping.
    TimeStamping,
}

impl ExtendedUsage {
    fn last_arc(self) -> u8 {
        match self {
            ExtendedUsage::ServerAuth => 1,
            ExtendedUsage::ClientAuth => 2,
            ExtendedUsage::CodeSigning => 3,
            ExtendedUsage::EmailProtection => 4,
            ExtendedUsage::TimeStamping => 8,
        }
    }
}

/// A part of a space of names (RFC 5280 section 4.2.1.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subtree {
    /// A domain and everything below it, without a leading dot.
    Dns(String),
    /// A network: address and length of its prefix in bits.
    Ip(IpAddr, u8),
    /// A mailbox, a host, or with a leading dot everything below a domain.
    Email(String),
}

impl Subtree {
    /// `example.org`, `192.0.2.0/24`, `@example.org` or `kim@example.org`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Subtree, String> {
        let text = text.trim();
        if let Some((address, length)) = text.split_once('/') {
            let parsed: Option<(IpAddr, u8)> = address.parse().ok().zip(length.parse().ok());
            let most = |address: &IpAddr| if address.is_ipv4() { 32 } else { 128 };
            return match parsed {
                Some((address, length)) if length <= most(&address) => Ok(Subtree::Ip(address, length)),
                _ => Err(format!("{text:?} is no network; write it like 192.0.2.0/24")),
            };
        }
        if let Some((local, host)) = text.split_once('@') {
            let host = crate::dns::normalise_dns_name(host).map_err(|error| format!("{text:?}: {error}"))?;
            return Ok(Subtree::Email(if local.is_empty() { host } else { format!("{local}@{host}") }));
        }
        let host = text.strip_prefix('.').unwrap_or(text);
        match crate::dns::normalise_dns_name(host) {
            Ok(host) if !host.starts_with('*') => Ok(Subtree::Dns(host)),
            Ok(_) => Err(format!("{text:?}: a domain stands for all names below it; leave the asterisk out")),
            Err(error) => Err(format!("{text:?}: {error}")),
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        let base = match self {
            Subtree::Email(text) => element(tag::context_primitive(1), &[text.as_bytes()]),
            Subtree::Dns(text) => element(tag::context_primitive(2), &[text.as_bytes()]),
            Subtree::Ip(address, length) => {
                let octets = match address {
                    IpAddr::V4(address) => address.octets().to_vec(),
                    IpAddr::V6(address) => address.octets().to_vec(),
                };
                let mask: Vec<u8> = (0..octets.len())
                    .map(|octet| {
                        let bits = u32::from(*length).saturating_sub(octet as u32 * 8).min(8);
                        0xffu16.checked_shl(8 - bits).unwrap_or(0) as u8
                    })
                    .collect();
                let network: Vec<u8> = octets.iter().zip(&mask).map(|(octet, mask)| octet & mask).collect();
                element(tag::context_primitive(7), &[&network, &mask])
            }
        };
        put(out, tag::SEQUENCE, &base);
    }

    /// Whether the domain itself is one of those that a wildcard stands for, which lies above it.
    fn is_served_by(&self, name: &GeneralName) -> bool {
        let (Subtree::Dns(domain), GeneralName::Dns(host)) = (self, name) else { return false };
        host.strip_prefix("*.").is_some_and(|above| domain.split_once('.').is_some_and(|(_, rest)| rest == above))
    }

    /// Whether `name` lies within; `None` when it is of another kind.
    fn holds(&self, name: &GeneralName) -> Option<bool> {
        let below =
            |host: &str, domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        match (self, name) {
            (Subtree::Dns(domain), GeneralName::Dns(host)) => Some(below(host, domain)),
            (Subtree::Email(limit), GeneralName::Email(address)) => {
                let host = address.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
                Some(match (limit.contains('@'), limit.strip_prefix('.')) {
                    (true, _) => address.eq_ignore_ascii_case(limit),
                    (false, Some(domain)) => host != domain && below(&host, domain),
                    (false, None) => host == *limit,
                })
            }
            (Subtree::Ip(network, length), GeneralName::Ip(address)) => {
                let bits = |address: &IpAddr| match address {
                    IpAddr::V4(address) => u128::from(u32::from(*address)) << 96,
                    IpAddr::V6(address) => u128::from(*address),
                };
                let mask = u128::MAX.checked_shl(128 - u32::from(*length)).unwrap_or(0);
                Some(network.is_ipv4() == address.is_ipv4() && bits(network) & mask == bits(address) & mask)
            }
            _ => None,
        }
    }
}

/// Names that certificates below an authority may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameConstraints {
    /// Of the kinds that occur here, only names within one of these.
    pub permitted: Vec<Subtree>,
    /// No names within these.
    pub excluded: Vec<Subtree>,
}

impl NameConstraints {
    /// Whether a certificate below may hold the name.
    pub fn allow(&self, name: &GeneralName) -> bool {
        let mut of_kind = self.permitted.iter().filter_map(|subtree| subtree.holds(name)).peekable();
        let permitted = of_kind.peek().is_none() || of_kind.any(|holds| holds);
        permitted && !self.excluded.iter().any(|subtree| subtree.holds(name) == Some(true) || subtree.is_served_by(name))
    }

    fn is_empty(&self) -> bool {
        self.permitted.is_empty() && self.excluded.is_empty()
    }

    fn der(&self) -> Vec<u8> {
        let mut content = Vec::new();
        for (number, subtrees) in [(0, &self.permitted), (1, &self.excluded)] {
            if !subtrees.is_empty() {
                let mut list = Vec::new();
                subtrees.iter().for_each(|subtree| subtree.put(&mut list));
                put(&mut content, tag::context(number), &list);
            }
        }
        element(tag::SEQUENCE, &[&content])
    }
}

/// The extensions of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// Whether it may issue certificates; then with how many authorities below it at most.
    pub authority: Option<Option<u8>>,
    /// What its key is used for.
    pub key_usages: KeyUsages,
    /// What it is for.
    pub extended_usages: Vec<ExtendedUsage>,
    /// Who it is for.
    pub names: Vec<GeneralName>,
    /// What certificates below it may hold.
    pub name_constraints: NameConstraints,
    /// Identifies its key.
    pub subject_key_id: Vec<u8>,
    /// Identifies its issuer's key.
    pub authority_key_id: Vec<u8>,
    /// Where its issuer's revocation list is.
    pub revocation_list_urls: Vec<String>,
    /// Where its issuer's certificate is.
    pub issuer_urls: Vec<String>,
}

impl Extensions {
    /// `[3] EXPLICIT Extensions`. The alternative names are critical when nothing else says who it is for.
    pub(super) fn put(&self, out: &mut Vec<u8>, subject_is_empty: bool) {
        let mut list = Vec::with_capacity(512);
        let mut add = |oid: &[u8], critical: bool, value: &[u8]| {
            let critical: &[u8] = if critical { &[tag::BOOLEAN, 1, 0xff] } else { &[] };
            let parts = [&element(tag::OID, &[oid])[..], critical, &element(tag::OCTET_STRING, &[value])].concat();
            put(&mut list, tag::SEQUENCE, &parts);
        };
        match self.authority {
            Some(depth) => {
                let depth = depth.map(|depth| element(tag::INTEGER, &[&[depth & 0x7f]])).unwrap_or_default();
                add(&[0x55, 0x1d, 19], true, &element(tag::SEQUENCE, &[&[tag::BOOLEAN, 1, 0xff], &depth]));
            }
            None => add(&[0x55, 0x1d, 19], true, &[tag::SEQUENCE, 0]),
        }
        if !self.key_usages.is_empty() {
            add(&[0x55, 0x1d, 15], true, &self.key_usages.der());
        }
        if !self.extended_usages.is_empty() {
            let mut usages = Vec::new();
            for usage in &self.extended_usages {
                put(&mut usages, tag::OID, &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, usage.last_arc()]);
            }
            add(&[0x55, 0x1d, 37], false, &element(tag::SEQUENCE, &[&usages]));
        }
        if !self.names.is_empty() {
            let mut names = Vec::new();
            self.names.iter().for_each(|name| name.put(&mut names));
            add(&[0x55, 0x1d, 17], subject_is_empty, &element(tag::SEQUENCE, &[&names]));
        }
        if !self.name_constraints.is_empty() {
            add(&[0x55, 0x1d, 30], true, &self.name_constraints.der());
        }
        if !self.subject_key_id.is_empty() {
            add(&[0x55, 0x1d, 14], false, &element(tag::OCTET_STRING, &[&self.subject_key_id]));
        }
        if !self.authority_key_id.is_empty() {
            let id = element(tag::context_primitive(0), &[&self.authority_key_id]);
            add(&[0x55, 0x1d, 35], false, &element(tag::SEQUENCE, &[&id]));
        }
        if !self.revocation_list_urls.is_empty() {
            let mut points = Vec::new();
            for url in &self.revocation_list_urls {
                let uri = element(tag::context_primitive(6), &[url.as_bytes()]);
                put(&mut points, tag::SEQUENCE, &element(tag::context(0), &[&element(tag::context(0), &[&uri])]));
            }
            add(&[0x55, 0x1d, 31], false, &element(tag::SEQUENCE, &[&points]));
        }
        if !self.issuer_urls.is_empty() {
            let mut places = Vec::new();
            for url in &self.issuer_urls {
                let uri = element(tag::context_primitive(6), &[url.as_bytes()]);
                put(&mut places, tag::SEQUENCE, &[element(tag::OID, &[oid::AD_CA_ISSUERS]), uri].concat());
            }
            add(oid::AUTHORITY_INFO_ACCESS, false, &element(tag::SEQUENCE, &[&places]));
        }
        put(out, tag::context(3), &element(tag::SEQUENCE, &[&list]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_usage_bits_stand_where_rfc_5280_says() {
        let usage = KeyUsages::DIGITAL_SIGNATURE.and(KeyUsages::KEY_ENCIPHERMENT);
        assert_eq!(usage.der(), [3, 2, 5, 0xa0]);
        assert_eq!(KeyUsages::CERTIFICATE_SIGN.and(KeyUsages::CRL_SIGN).der(), [3, 2, 1, 6]);
    }

    #[test]
    fn names_within_constraints() {
        let parse = |texts: &[&str]| texts.iter().map(|text| Subtree::parse(text).unwrap()).collect();
        let limits = NameConstraints {
            permitted: parse(&["example.org", "10.0.0.0/8", "@example.org"]),
            excluded: parse(&["secret.example.org", "10.9.0.0/16"]),
        };
        let dns = |text| GeneralName::dns(text).unwrap();
        for (name, allowed) in [
            (dns("example.org"), true),
            (dns("a.b.example.org"), true),
            (dns("*.www.example.org"), true),
            // It would serve secret.example.org as well.
            (dns("*.example.org"), false),
            (dns("badexample.org"), false),
            (dns("example.com"), false),
            (dns("x.secret.example.org"), false),
            (GeneralName::ip("10.1.2.3").unwrap(), true),
            (GeneralName::ip("10.9.2.3").unwrap(), false),
            (GeneralName::ip("192.0.2.1").unwrap(), false),
            (GeneralName::ip("2001:db8::1").unwrap(), false),
            (GeneralName::email("kim@example.org").unwrap(), true),
            (GeneralName::email("kim@sub.example.org").unwrap(), false),
            (GeneralName::uri("https://anywhere.example").unwrap(), true),
        ] {
            assert_eq!(limits.allow(&name), allowed, "{name:?}");
        }
        for bad in ["*.example.org", "10.0.0.0/33", "10.0.0/8", "a b", ""] {
            assert!(Subtree::parse(bad).is_err(), "{bad}");
        }
    }
}
