//! From the domain's words to those of the pages, for what several pages show.

pub mod changes;
pub mod choices;
pub mod device;
pub mod event;
pub mod noted;
pub mod permissions;

use certhold_domain::access::{paths, roles};
use certhold_domain::inventory::Summary;
use certhold_domain::people::PrincipalKind;
use certhold_domain::{Actor, CollectionId, Result as DomainResult, RoleId};
use certhold_store::Tx;

use super::shared::holds;
use super::view::address::Address;
use super::view::certificate::{Contact, Version};
use super::view::text::Link;
use super::view::tone::Validity;

/// The life of a certificate.
pub fn validity(certificate: &Summary, now: i64) -> Validity {
    let life = Validity::new(certificate.not_before, certificate.not_after, now);
    let life = if certificate.lineage.is_none() { life.unmanaged() } else { life };
    life.revoked(certificate.revoked_at)
}

/// Whether the actor may see certificates.
pub fn may_read_certificates(actor: &Actor) -> bool {
    holds(&actor.access, paths::CERTIFICATES_READ)
}

/// The page of a certificate.
pub fn certificate_href(id: impl std::fmt::Display) -> String {
    format!("/certificates/{id}")
}

/// The same for whoever sees it through a collection.
pub fn certificate_href_in(id: impl std::fmt::Display, collection: Option<CollectionId>) -> String {
    match collection {
        Some(collection) => format!("/certificates/{id}?collection={collection}"),
        None => certificate_href(id),
    }
}

/// A role as an owner: its page for whoever may read it, else what it owns.
pub fn owner(role: &(RoleId, String), may_read_roles: bool) -> Link {
    let (id, name) = role;
    let href = if may_read_roles { format!("/roles/{id}") } else { owned_href(*id) };
    Link::new(name, href)
}

/// People who hold an owner role that are named.
const PEOPLE: usize = 8;

/// Where an owner is reached: at the address, which whoever sees the owner may know, and for whoever may read roles also who that is.
pub fn contact(tx: &mut Tx<'_>, actor: &Actor, owner: Option<RoleId>, email: Option<String>) -> DomainResult<Contact> {
    let mut contact = Contact { email: email.unwrap_or_default(), ..Contact::default() };
    if let Some(role) = owner.filter(|_| holds(&actor.access, paths::SECURITY_READ)) {
        // Some of them may be programs, and some may not come any more.
        let members = roles::members(tx, actor, role, None, 8 * PEOPLE)?;
        let people = members.into_iter().filter(|member| member.kind == PrincipalKind::Person && !member.disabled);
        contact.people = people.map(|member| Link::new(member.name, format!("/users/{}", member.id))).collect();
        contact.has_more = contact.people.len() > PEOPLE;
        contact.people.truncate(PEOPLE);
    }
    Ok(contact)
}

/// The inventory, only what a role owns.
pub fn owned_href(role: RoleId) -> String {
    Address::new("/certificates").with("owner", role.to_string()).to_string()
}

/// The versions of a managed certificate; `here` is the one whose page it is.
pub fn versions(all: &[Summary], current: Option<i64>, here: Option<i64>, now: i64) -> Vec<Version> {
    let version = |summary: &Summary| Version {
        number: summary.lineage.map_or(0, |(_, number)| number),
        href: certificate_href(summary.id),
        validity: validity(summary, now),
        serial: colons(&summary.serial),
        is_this: here == Some(summary.id.0),
        is_in_service: current == Some(summary.id.0),
    };
    all.iter().map(version).collect()
}

/// Hexadecimal digits as people compare them: in capital pairs with colons.
pub fn colons(hex: &str) -> String {
    let digits = hex.to_ascii_uppercase();
    let mut text = String::with_capacity(digits.len() * 3 / 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % 2 == 0 {
            text.push(':');
        }
        text.push(digit);
    }
    text
}

/// The most telling part of an RFC 4514 name: its common name, else its organisation, else all of it.
pub fn short_name(name: &str) -> String {
    let parts = relative_names(name);
    let find = |key: &str| parts.iter().find_map(|part| part.strip_prefix(key).map(str::to_owned));
    let short = find("CN=").or_else(|| find("O=")).unwrap_or_else(|| name.to_owned());
    short.replace("\\,", ",").replace("\\+", "+").replace("\\\"", "\"")
}

/// The relative names of an RFC 4514 string: commas part them, unless a backslash stands before.
fn relative_names(name: &str) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in name.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.push(name[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(name[start..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_named_by_what_tells_most() {
        assert_eq!(short_name("CN=R11,O=Let's Encrypt,C=US"), "R11");
        assert_eq!(short_name("OU=x,O=Example\\, Inc.,C=US"), "Example, Inc.");
        assert_eq!(short_name("C=US"), "C=US");
        assert_eq!(short_name(""), "");
        assert_eq!(short_name("CN=a\\"), "a\\");
    }

    #[test]
    fn digests_read_in_pairs() {
        assert_eq!(colons("0c8ee0"), "0C:8E:E0");
        assert_eq!(colons("abc"), "AB:C");
    }
}
