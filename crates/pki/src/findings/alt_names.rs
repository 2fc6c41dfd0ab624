//! Rules about the subject alternative names (RFC 5280 section 4.2.1.6).

use std::borrow::Cow;
use std::collections::HashSet;

use super::Verdict;
use super::input::{EMAIL_PROTECTION, Input, Known, SERVER_AUTH, shown};
use super::names::{alt_name_critical, subject_is_empty};
use super::rule::Rule;
use super::rule::Severity::{Error, Notice, Warning};
use super::rule::Source::{Rfc, TlsBr};
use crate::asn1::tag;

const CORRECT: &str = "Have the certificate issued again with the name corrected.";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "san-empty",
        Error,
        "The subject alternative name holds no name",
        "Have the certificate issued again with its names, or without the extension.",
        Rfc(5280, "4.2.1.6"),
        empty,
    ),
    Rule::new(
        "san-missing-for-tls-server",
        Warning,
        "A TLS server's certificate has no subject alternative name",
        "Have the certificate issued again with its names in the extension: clients no longer look at the common name.",
        Rfc(9525, "2"),
        missing_for_server,
    ),
    Rule::new(
        "san-missing-for-email",
        Notice,
        "A certificate for mail holds no mail address among its names",
        "Have the certificate issued again with the mail address among the subject alternative names.",
        Rfc(8550, "4.4.3"),
        missing_for_email,
    ),
    Rule::new(
        "san-not-critical-without-subject",
        Error,
        "The subject is empty, but the subject alternative name is not critical",
        "Mark the extension critical when the subject is empty.",
        Rfc(5280, "4.2.1.6"),
        not_critical,
    ),
    Rule::new(
        "san-critical-with-subject",
        Notice,
        "The subject alternative name is critical although there is a subject",
        "Leave the extension uncritical at the next renewal.",
        Rfc(5280, "4.2.1.6"),
        critical,
    ),
    Rule::new(
        "san-dns-malformed",
        Error,
        "A DNS name among the subject alternative names is no host name",
        "Use letters, digits and hyphens; labels of 1 to 63 characters, 253 in all; no scheme, port, path or final dot.",
        Rfc(5280, "4.2.1.6"),
        dns_malformed,
    ),
    Rule::new(
        "san-dns-underscore",
        Notice,
        "A DNS name among the subject alternative names has an underscore",
        "Rename the host: names with underscores are no host names, and public authorities refuse them.",
        TlsBr("7.1.4.2.1", "2019-04-01"),
        dns_underscore,
    ),
    Rule::new(
        "san-dns-not-ascii",
        Error,
        "A DNS name among the subject alternative names is not in its ASCII form",
        "Write internationalised names with A-labels, such as xn--bcher-kva.example.",
        Rfc(5280, "7.2"),
        dns_not_ascii,
    ),
    Rule::new(
        "san-dns-is-address",
        Error,
        "An IP address is written as a DNS name",
        "Put the address among the iPAddress names; clients compare it only there.",
        Rfc(9525, "6.4"),
        dns_is_address,
    ),
    Rule::new(
        "san-wildcard-misplaced",
        Error,
        "An asterisk is not the whole first label of a name",
        "Use *.example.com: clients take no other form.",
        Rfc(9525, "6.3"),
        wildcard_misplaced,
    ),
    Rule::new(
        "san-wildcard-too-wide",
        Warning,
        "A wildcard stands directly below a top-level domain",
        "Name the hosts, or put the wildcard below a domain of your own.",
        Rfc(9525, "7.1"),
        wildcard_too_wide,
    ),
    Rule::new(
        "san-ip-length",
        Error,
        "An IP address among the subject alternative names has neither 4 nor 16 octets",
        CORRECT,
        Rfc(5280, "4.2.1.6"),
        ip_length,
    ),
    Rule::new(
        "san-email-malformed",
        Error,
        "A mail address among the subject alternative names is none",
        CORRECT,
        Rfc(5280, "4.2.1.6"),
        email_malformed,
    ),
    Rule::new(
        "san-uri-malformed",
        Error,
        "A URI among the subject alternative names is not absolute",
        "Write the URI with its scheme, such as https://example.com/ or spiffe://example.com/service.",
        Rfc(5280, "4.2.1.6"),
        uri_malformed,
    ),
    Rule::new(
        "san-repeated",
        Notice,
        "A subject alternative name occurs more than once",
        "Order each name once at the next renewal.",
        Rfc(5280, "4.2.1.6"),
        repeated,
    ),
    Rule::new(
        "common-name-not-in-san",
        Warning,
        "The common name of a TLS server's certificate is not among its subject alternative names",
        "Add the name to the subject alternative names if clients use it: they do not look at the common name.",
        Rfc(9525, "2"),
        common_name_not_in_san,
    ),
];

fn empty(input: &Input<'_>) -> Verdict {
    let empty = input.inside(Known::SubjectAltName).is_some_and(|names| names.is_empty());
    empty.then_some(Cow::Borrowed("The extension is there, but holds no name."))
}

fn missing_for_server(input: &Input<'_>) -> Verdict {
    let missing = input.has_purpose(SERVER_AUTH) && !input.facts.is_ca && !input.has(Known::SubjectAltName);
    missing.then_some(Cow::Borrowed("The certificate is for TLS servers and has no subject alternative name."))
}

fn missing_for_email(input: &Input<'_>) -> Verdict {
    // rfc822Name, or SmtpUTF8Mailbox (RFC 9598) among the otherNames
    const MAILBOX: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 8, 9];
    let mail = |name: crate::asn1::Element<'_>| {
        name.tag == 0x81 || name.tag == 0xa0 && name.inside().take(tag::OID).is_some_and(|kind| kind.content == MAILBOX)
    };
    let missing = input.has_purpose(EMAIL_PROTECTION) && !input.facts.is_ca && !input.alt_names().any(mail);
    missing.then_some(Cow::Borrowed("The certificate is for mail, and its subject alternative names hold no mail address."))
}

fn not_critical(input: &Input<'_>) -> Verdict {
    let wrong = subject_is_empty(input) && alt_name_critical(input) == Some(false);
    wrong.then_some(Cow::Borrowed("The names are all that identifies the holder, but software may pass over them."))
}

fn critical(input: &Input<'_>) -> Verdict {
    let wrong = !subject_is_empty(input) && alt_name_critical(input) == Some(true);
    wrong.then_some(Cow::Borrowed("Software that does not know subject alternative names must reject the certificate."))
}

/// Without the first label if that is an asterisk.
fn host(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"*.").unwrap_or(name)
}

fn is_address(name: &[u8]) -> bool {
    let digits = |octet: &u8| octet.is_ascii_digit() || *octet == b'.';
    let likely = name.iter().all(digits) || name.contains(&b':');
    likely && std::str::from_utf8(name).is_ok_and(|text| text.parse::<std::net::IpAddr>().is_ok())
}

/// A name of which another rule speaks.
fn special(name: &[u8]) -> bool {
    !name.is_ascii() || host(name).contains(&b'*') || is_address(name)
}

fn proper_host(name: &[u8]) -> bool {
    let label = |label: &[u8]| {
        (1..=63).contains(&label.len())
            && label.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
            && label.first() != Some(&b'-')
            && label.last() != Some(&b'-')
    };
    name.len() <= 253 && name.split(|octet| *octet == b'.').all(label)
}

fn dns_malformed(input: &Input<'_>) -> Verdict {
    let name = input.dns_names().find(|name| !special(name) && !proper_host(host(name)))?;
    Some(format!("\"{}\" is no host name.", shown(name)).into())
}

fn dns_underscore(input: &Input<'_>) -> Verdict {
    let name = input.dns_names().find(|name| name.contains(&b'_'))?;
    Some(format!("The name {} has an underscore.", shown(name)).into())
}

fn dns_not_ascii(input: &Input<'_>) -> Verdict {
    let name = input.dns_names().find(|name| !name.is_ascii())?;
    Some(format!("The name \"{}\" has characters outside ASCII.", shown(name)).into())
}

fn dns_is_address(input: &Input<'_>) -> Verdict {
    let name = input.dns_names().find(|name| is_address(name))?;
    Some(format!("The address {} is written as a DNS name.", shown(name)).into())
}

fn wildcard_misplaced(input: &Input<'_>) -> Verdict {
    let name = input.dns_names().find(|name| host(name).contains(&b'*'))?;
    Some(format!("In {} the asterisk is not the whole first label.", shown(name)).into())
}

fn wildcard_too_wide(input: &Input<'_>) -> Verdict {
    let wide = |name: &&[u8]| name.strip_prefix(b"*.").is_some_and(|rest| !rest.is_empty() && !rest.contains(&b'.'));
    let name = input.dns_names().find(wide)?;
    Some(format!("{} stands for every host of a top-level domain.", shown(name)).into())
}

fn ip_length(input: &Input<'_>) -> Verdict {
    let name = input.alt_names().find(|name| name.tag == 0x87 && !matches!(name.content.len(), 4 | 16))?;
    Some(format!("An address has {} octets.", name.content.len()).into())
}

fn email_malformed(input: &Input<'_>) -> Verdict {
    let proper = |address: &[u8]| match address.iter().rposition(|octet| *octet == b'@') {
        Some(at) => {
            let local = &address[..at];
            let plain = |octet: &u8| octet.is_ascii_graphic() && !b"<>()[]:;,\\@".contains(octet);
            let quoted = local.len() > 2 && local.starts_with(b"\"") && local.ends_with(b"\"");
            (quoted || !local.is_empty() && local.iter().all(plain)) && proper_host(&address[at + 1..])
        }
        None => false,
    };
    let name = input.alt_names().find(|name| name.tag == 0x81 && !proper(name.content))?;
    Some(format!("\"{}\" is no mail address.", shown(name.content)).into())
}

fn uri_malformed(input: &Input<'_>) -> Verdict {
    let absolute = |uri: &[u8]| {
        let end = uri.iter().position(|octet| *octet == b':');
        let scheme = end.map(|end| &uri[..end]).unwrap_or_default();
        scheme.first().is_some_and(u8::is_ascii_alphabetic)
            && scheme.iter().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(octet))
            && uri.len() > scheme.len() + 1
            && uri.iter().all(u8::is_ascii_graphic)
    };
    let name = input.alt_names().find(|name| name.tag == 0x86 && !absolute(name.content))?;
    Some(format!("\"{}\" is no absolute URI.", shown(name.content)).into())
}

fn repeated(input: &Input<'_>) -> Verdict {
    if input.facts.names.len() < 2 {
        return None;
    }
    // Names of one certificate are few; a hostile one with thousands must not cost their square.
    let name = if input.facts.names.len() <= 16 {
        let names: Vec<&[u8]> = input.alt_names().map(|name| name.whole).collect();
        (1..names.len()).find(|place| names[..*place].contains(&names[*place])).map(|place| names[place])
    } else {
        let mut seen = HashSet::new();
        input.alt_names().map(|name| name.whole).find(|name| !seen.insert(*name))
    }?;
    Some(format!("The name {} occurs more than once.", shown(&name[2.min(name.len())..])).into())
}

fn common_name_not_in_san(input: &Input<'_>) -> Verdict {
    if !input.has_purpose(SERVER_AUTH) || input.facts.is_ca || !input.has(Known::SubjectAltName) {
        return None;
    }
    let common_name = input.facts.common_name.as_deref()?;
    let listed = input.facts.names.iter().any(|name| name.value.eq_ignore_ascii_case(common_name));
    // A common name that is no host name is a name for people, and no client would look it up.
    let host_like = !common_name.contains(' ') && common_name.contains('.');
    (host_like && !listed)
        .then(|| format!("The common name {} is not among the subject alternative names.", shown(common_name.as_bytes())).into())
}
