//! Rules for certificates of TLS servers from public authorities: whom they name, and how.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Verdict;
use super::input::{
    Attribute, BUSINESS_CATEGORY, COMMON_NAME, COUNTRY, DOMAIN_COMPONENT, Input, JURISDICTION_COUNTRY, LOCALITY, ORGANIZATION,
    ORGANIZATIONAL_UNIT, POSTAL_CODE, STATE, STREET, SUBJECT_SERIAL, day, shown,
};
use super::names::{identity_attributes, keyword};
use super::public_tls::{PROFILES, reserved_policies};
use super::rule::Rule;
use super::rule::Severity::Error;
use super::rule::Source::{Ev, TlsBr};

const AGAIN: &str = "Have the authority issue it again; browsers may refuse it, and the authority may have to revoke it.";
const PRIVATE: &str = "Take a certificate for this name from a private authority, or give the host a public name.";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "tls-internal-name",
        Error,
        "A public TLS certificate is for a name that does not exist on the public Internet",
        PRIVATE,
        TlsBr("4.2.2", "2016-10-01"),
        internal_name,
    ),
    Rule::new(
        "tls-reserved-address",
        Error,
        "A public TLS certificate is for an address that is not public",
        PRIVATE,
        TlsBr("4.2.2", "2016-10-01"),
        reserved_address,
    ),
    Rule::new(
        "tls-reverse-zone",
        Error,
        "A public TLS certificate is for a name of the reverse zones",
        "Name the host by its own name or by its address.",
        TlsBr("4.2.2", "2026-03-15"),
        reverse_zone,
    ),
    Rule::new(
        "tls-onion-version",
        Error,
        "A public TLS certificate is for an onion name of version 2 or for none at all",
        "Use the onion name of version 3, with 56 characters.",
        TlsBr("Appendix B", "2021-10-15"),
        onion_version,
    ),
    Rule::new(
        "tls-reserved-label",
        Error,
        "A name of a public TLS certificate has hyphens where only xn-- may have them",
        "Rename the host, or write the internationalised name correctly.",
        TlsBr("7.1.2.7.12", "2021-10-01"),
        reserved_label,
    ),
    Rule::new(
        "tls-alt-name-kind",
        Error,
        "A public TLS certificate names something other than hosts and addresses",
        AGAIN,
        TlsBr("7.1.2.7.12", ""),
        alt_name_kind,
    ),
    Rule::new(
        "tls-common-name-source",
        Error,
        "The common name of a public TLS certificate is none of its subject alternative names",
        AGAIN,
        TlsBr("7.1.4.3", ""),
        common_name_source,
    ),
    Rule::new(
        "tls-organizational-unit",
        Error,
        "The subject of a public TLS certificate has an organizational unit",
        AGAIN,
        TlsBr("7.1.2.7.4", "2022-09-01"),
        organizational_unit,
    ),
    Rule::new(
        "tls-domain-validated-identity",
        Error,
        "The subject of a domain-validated certificate claims an identity that nobody validated",
        AGAIN,
        TlsBr("7.1.2.7.2", "2023-09-15"),
        domain_validated,
    ),
    Rule::new(
        "tls-organization-incomplete",
        Error,
        "The subject of an organization-validated certificate lacks a part of its identity",
        AGAIN,
        TlsBr("7.1.2.7.4", "2023-09-15"),
        organization_validated,
    ),
    Rule::new(
        "tls-extended-incomplete",
        Error,
        "The subject of an extended validation certificate lacks a part of its identity",
        AGAIN,
        Ev("7.1.4.2"),
        extended_validated,
    ),
    Rule::new(
        "tls-extended-wildcard",
        Error,
        "An extended validation certificate has a wildcard",
        "Name the hosts, or use a certificate with another kind of validation.",
        Ev("7.1.2.1"),
        extended_wildcard,
    ),
    Rule::new(
        "tls-attribute-repeated",
        Error,
        "The subject of a public TLS certificate has an attribute more than once",
        AGAIN,
        TlsBr("7.1.4.1", "2023-09-15"),
        attribute_repeated,
    ),
    Rule::new(
        "tls-attribute-order",
        Error,
        "The attributes of the subject of a public TLS certificate stand in the wrong order",
        AGAIN,
        TlsBr("7.1.4.2", "2023-09-15"),
        attribute_order,
    ),
    Rule::new(
        "tls-relative-name-with-several",
        Error,
        "A relative name of the subject of a public TLS certificate has more than one attribute",
        AGAIN,
        TlsBr("7.1.4.1", "2023-09-15"),
        several_in_one,
    ),
];

/// Applies to this certificate because it is a public one and begins on this day or later.
fn applies(input: &Input<'_>, since: i64) -> bool {
    input.public_tls && input.since(since)
}

fn last_label(name: &[u8]) -> &[u8] {
    name.rsplit(|octet| *octet == b'.').next().unwrap_or_default()
}

/// Top-level domains that the root zone will never have (RFC 6761, RFC 6762, RFC 9476 and ICANN's resolutions), and those
/// that people use inside. The root zone itself changes, so this is a part of what authorities check.
const INTERNAL: [&[u8]; 17] = [
    b"local",
    b"localhost",
    b"localdomain",
    b"internal",
    b"intranet",
    b"intra",
    b"lan",
    b"home",
    b"corp",
    b"mail",
    b"private",
    b"test",
    b"example",
    b"invalid",
    b"alt",
    b"workgroup",
    b"domain",
];

fn internal_name(input: &Input<'_>) -> Verdict {
    if !applies(input, day(2016, 10, 1)) {
        return None;
    }
    let internal = |name: &&[u8]| {
        !name.is_empty() && (!name.contains(&b'.') || INTERNAL.iter().any(|domain| last_label(name).eq_ignore_ascii_case(domain)))
    };
    let name = input.dns_names().find(internal)?;
    Some(format!("The name {} is not public.", shown(name)).into())
}

/// Private, loopback, link-local, documentation, shared, benchmark, multicast and reserved ranges of the IANA registries.
fn is_reserved_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || a == 100 && b & 0xc0 == 64
        || a == 198 && b & 0xfe == 18
        || (a, b, c) == (192, 0, 0)
}

fn is_reserved_v6(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    // Only 2000::/3 is given to anybody; 2001:db8::/32 and 3fff::/20 are for documentation.
    first & 0xe000 != 0x2000 || first == 0x2001 && address.segments()[1] == 0xdb8 || first == 0x3fff
}

fn reserved_address(input: &Input<'_>) -> Verdict {
    if !applies(input, day(2016, 10, 1)) {
        return None;
    }
    let address = input.alt_names().filter(|name| name.tag == 0x87).find_map(|name| {
        if let Ok(octets) = <[u8; 4]>::try_from(name.content) {
            let address = Ipv4Addr::from(octets);
            return is_reserved_v4(address).then_some(IpAddr::V4(address));
        }
        let address = Ipv6Addr::from(<[u8; 16]>::try_from(name.content).ok()?);
        is_reserved_v6(address).then_some(IpAddr::V6(address))
    })?;
    Some(format!("The address {address} is not public.").into())
}

fn ends_with(name: &[u8], zone: &[u8]) -> bool {
    name.len() >= zone.len() && name[name.len() - zone.len()..].eq_ignore_ascii_case(zone)
}

fn reverse_zone(input: &Input<'_>) -> Verdict {
    if !applies(input, day(2026, 3, 15)) {
        return None;
    }
    let name = input.dns_names().find(|name| ends_with(name, b".in-addr.arpa") || ends_with(name, b".ip6.arpa"))?;
    Some(format!("The name {} stands for an address.", shown(name)).into())
}

fn onion_version(input: &Input<'_>) -> Verdict {
    if !applies(input, day(2021, 10, 15)) {
        return None;
    }
    let wrong = |name: &&[u8]| {
        let mut labels = name.rsplit(|octet| *octet == b'.');
        let onion = labels.next().is_some_and(|label| label.eq_ignore_ascii_case(b"onion"));
        let base32 = |label: &[u8]| {
            label.len() == 56 && label.iter().all(|octet| matches!(octet, b'a'..=b'z' | b'A'..=b'Z' | b'2'..=b'7'))
        };
        onion && !labels.next().is_some_and(base32)
    };
    let name = input.dns_names().find(wrong)?;
    Some(format!("The name {} is no onion name of version 3.", shown(name)).into())
}

fn reserved_label(input: &Input<'_>) -> Verdict {
    if !applies(input, day(2021, 10, 1)) {
        return None;
    }
    let wrong = |label: &[u8]| label.get(2..4) == Some(b"--") && !label[..2].eq_ignore_ascii_case(b"xn");
    let name = input.dns_names().find(|name| name.split(|octet| *octet == b'.').any(wrong))?;
    Some(format!("The name {} has a label that is reserved.", shown(name)).into())
}

fn alt_name_kind(input: &Input<'_>) -> Verdict {
    let name = input.alt_names().find(|name| !matches!(name.tag, 0x82 | 0x87)).filter(|_| input.public_tls)?;
    let kind = match name.tag {
        0x81 => "a mail address",
        0x86 => "a URI",
        0xa4 => "a directory name",
        0x88 => "a registered identifier",
        _ => "another name",
    };
    Some(format!("The subject alternative names hold {kind}.").into())
}

fn common_name_source(input: &Input<'_>) -> Verdict {
    if !input.public_tls {
        return None;
    }
    // Character for character, also in the case of letters.
    let listed = |value: &str| input.facts.names.iter().any(|name| name.value == value);
    let attribute = input.subject_values(COMMON_NAME).find(|attribute| !listed(&attribute.text()))?;
    Some(format!("The common name is {}, which is none of the names.", attribute.shown()).into())
}

fn organizational_unit(input: &Input<'_>) -> Verdict {
    let unit = input.subject_values(ORGANIZATIONAL_UNIT).next().filter(|_| applies(input, day(2022, 9, 1)))?;
    Some(format!("The organizational unit is {}.", unit.shown()).into())
}

fn is_validated(input: &Input<'_>, how: &str) -> bool {
    applies(input, PROFILES) && reserved_policies(input).any(|policy| policy == how)
}

fn domain_validated(input: &Input<'_>) -> Verdict {
    let attribute = identity_attributes(input).next().filter(|_| is_validated(input, "DV"))?;
    Some(format!("The subject has {} = {}.", attribute.keyword(), attribute.shown()).into())
}

/// The first of these attributes that the subject lacks.
fn lacking(input: &Input<'_>, needed: &[&'static [u8]]) -> Verdict {
    let missing = needed.iter().find(|kind| input.subject_values(kind).next().is_none())?;
    Some(format!("The subject has no {}.", keyword(missing)).into())
}

fn organization_validated(input: &Input<'_>) -> Verdict {
    if !is_validated(input, "OV") {
        return None;
    }
    let place = input.subject_values(LOCALITY).chain(input.subject_values(STATE)).next();
    let nowhere = place.is_none().then_some(Cow::Borrowed("The subject has neither L nor ST."));
    lacking(input, &[ORGANIZATION, COUNTRY]).or(nowhere)
}

fn extended_validated(input: &Input<'_>) -> Verdict {
    let ev = is_validated(input, "EV");
    let needed = [ORGANIZATION, BUSINESS_CATEGORY, JURISDICTION_COUNTRY, SUBJECT_SERIAL, COUNTRY];
    if ev { lacking(input, &needed) } else { None }
}

fn extended_wildcard(input: &Input<'_>) -> Verdict {
    if !is_validated(input, "EV") {
        return None;
    }
    let name = input.dns_names().find(|name| name.starts_with(b"*.") && !ends_with(name, b".onion"))?;
    Some(format!("The names hold {}.", shown(name)).into())
}

/// The attributes that are looked at; the subject of a proper certificate has about ten.
fn some<'a, 'b>(input: &'b Input<'a>) -> &'b [Attribute<'a>] {
    &input.subject[..input.subject.len().min(100)]
}

fn attribute_repeated(input: &Input<'_>) -> Verdict {
    if !applies(input, PROFILES) {
        return None;
    }
    let all = some(input);
    let again = |place: &usize| {
        let kind = all[*place].oid;
        kind != DOMAIN_COMPONENT && kind != STREET && all[..*place].iter().any(|before| before.oid == kind)
    };
    let place = (1..all.len()).find(again)?;
    Some(format!("The subject has {} more than once.", all[place].keyword()).into())
}

fn attribute_order(input: &Input<'_>) -> Verdict {
    const ORDER: [&[u8]; 11] = [
        DOMAIN_COMPONENT,
        COUNTRY,
        STATE,
        LOCALITY,
        POSTAL_CODE,
        STREET,
        ORGANIZATION,
        &[0x55, 4, 4],
        &[0x55, 4, 42],
        ORGANIZATIONAL_UNIT,
        COMMON_NAME,
    ];
    if !applies(input, PROFILES) {
        return None;
    }
    let mut before = 0;
    for attribute in some(input) {
        let Some(place) = ORDER.iter().position(|kind| *kind == attribute.oid) else { continue };
        if place < before {
            return Some(format!("{} stands after {}.", attribute.keyword(), keyword(ORDER[before])).into());
        }
        before = place;
    }
    None
}

fn several_in_one(input: &Input<'_>) -> Verdict {
    let pair = some(input).windows(2).find(|pair| pair[0].relative == pair[1].relative)?;
    applies(input, PROFILES)
        .then(|| format!("{} and {} stand in one relative name.", pair[0].keyword(), pair[1].keyword()).into())
}
