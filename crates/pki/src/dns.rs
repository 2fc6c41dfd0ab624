//! DNS names as certificates use them (RFC 1035 section 2.3.1, RFC 5890, RFC 6125 section 6.4.3).

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// Longest DNS name without the trailing dot, in octets (RFC 1035 section 2.3.4).
pub const DNS_NAME_MAX: usize = 253;

/// Why a text is not a DNS name that can stand in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsNameError {
    /// Nothing but white space or a dot.
    #[error("the name is empty")]
    Empty,
    /// Longer than [`DNS_NAME_MAX`] in its ASCII form.
    #[error("the name has {0} characters in its ASCII form; a DNS name has at most {DNS_NAME_MAX}")]
    TooLong(usize),
    /// A label is empty: two dots in a row, or one at the beginning.
    #[error("the name has an empty label: two dots in a row, or one at the beginning")]
    EmptyLabel,
    /// A label is longer than 63 octets.
    #[error("the label \"{0}\" is longer than 63 characters")]
    LabelTooLong(String),
    /// An asterisk that is not the whole leftmost label, or with nothing after it.
    #[error("an asterisk must be the whole first label, as in *.example.com")]
    Wildcard,
    /// An IP address, which is another kind of name.
    #[error("this is an IP address, not a DNS name")]
    IpAddress,
    /// A character that a host name cannot have, a hyphen at the end of a label, or an invalid internationalised label.
    #[error("\"{0}\" is not a host name: use letters, digits and hyphens, with no hyphen at either end of a label")]
    NotAHostName(String),
}

/// The canonical form of a DNS name: lower case, internationalised labels as A-labels, no trailing dot. A wildcard is
/// allowed as the whole leftmost label only.
///
/// # Errors
/// [`DnsNameError`] says what is wrong with it.
pub fn normalise_dns_name(name: &str) -> Result<String, DnsNameError> {
    let name = name.trim();
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        return Err(DnsNameError::Empty);
    }
    // A U-label never has fewer octets in UTF-8 than a third of the code points of its A-label's encoding; anything
    // far beyond the limit is refused before the tables are consulted.
    if name.len() > 4 * DNS_NAME_MAX {
        return Err(DnsNameError::TooLong(name.len()));
    }
    let (wildcard, host) = match name.strip_prefix("*.") {
        Some(host) => (true, host),
        None => (false, name),
    };
    if host.contains('*') || host.is_empty() {
        return Err(DnsNameError::Wildcard);
    }
    if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        return Err(DnsNameError::IpAddress);
    }
    let ascii = to_ascii(host)?;
    check_labels(&ascii)?;
    let ascii = if wildcard { format!("*.{ascii}") } else { ascii };
    if ascii.len() > DNS_NAME_MAX {
        return Err(DnsNameError::TooLong(ascii.len()));
    }
    Ok(ascii)
}

fn to_ascii(host: &str) -> Result<String, DnsNameError> {
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    if plain && !host.as_bytes().windows(4).any(|window| window.eq_ignore_ascii_case(b"xn--")) {
        return Ok(host.to_ascii_lowercase());
    }
    // UTS 46 maps letter case and width, and checks that labels that claim to be A-labels are.
    Uts46::new()
        .to_ascii(host.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Ignore)
        .map(|ascii| ascii.into_owned())
        .map_err(|_| DnsNameError::NotAHostName(host.escape_debug().to_string()))
}

fn check_labels(ascii: &str) -> Result<(), DnsNameError> {
    for label in ascii.split('.') {
        if label.is_empty() {
            return Err(DnsNameError::EmptyLabel);
        }
        if label.len() > 63 {
            return Err(DnsNameError::LabelTooLong(label.to_owned()));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(DnsNameError::NotAHostName(label.to_owned()));
        }
    }
    // The right-most label of a host name is never all digits (RFC 3696 section 2); 10.0.0 would be read as an address.
    match ascii.rsplit('.').next() {
        Some(last) if last.bytes().all(|byte| byte.is_ascii_digit()) => Err(DnsNameError::IpAddress),
        _ => Ok(()),
    }
}

/// The labels from right to left: `www.example.com` becomes `com.example.www`, so that all names under a domain are
/// one range of a sorted index.
pub fn reverse_labels(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for (position, label) in name.rsplit('.').enumerate() {
        if position > 0 {
            out.push('.');
        }
        out.push_str(label);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms() {
        for (given, expected) in [
            ("Example.COM", "example.com"),
            ("example.com.", "example.com"),
            (" *.Example.com ", "*.example.com"),
            ("localhost", "localhost"),
            ("bücher.example", "xn--bcher-kva.example"), // RFC 3492's usual example
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("*.straße.example", "*.xn--strae-oqa.example"), // RFC 5891: ß is kept, UTS 46 non-transitional
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),       // IANA's IDN test domain
            ("a--b.example", "a--b.example"),
            ("1.example", "1.example"),
        ] {
            assert_eq!(normalise_dns_name(given).as_deref(), Ok(expected), "{given}");
        }
    }

    #[test]
    fn refusals() {
        use DnsNameError::{Empty, EmptyLabel, IpAddress, Wildcard};
        for (given, expected) in [
            ("", Empty),
            (" . ", Empty),
            ("a..b", EmptyLabel),
            (".a", EmptyLabel),
            ("a..", EmptyLabel),
            ("*", Wildcard),
            ("*.", Wildcard),
            ("a.*.b", Wildcard),
            ("w*.example.com", Wildcard),
            ("*.*.example.com", Wildcard),
            ("192.0.2.1", IpAddress),
            ("2001:db8::1", IpAddress),
            ("[2001:db8::1]", IpAddress),
            ("10.0.0", IpAddress),
            ("*.192.0.2.1", IpAddress),
        ] {
            assert_eq!(normalise_dns_name(given), Err(expected), "{given}");
        }
        for hostile in [
            "-a.example",
            "a-.example",
            "a b.example",
            "a_b.example",
            "a\0.example",
            "<b>.example",
            "../etc/passwd",
            "a'; DROP TABLE x; --",
            "$(id).example",
            "\u{202e}moc.elgoog",
            "xn--a.example",
            "xn--bücher.example",
            "http://example.com",
            "example.com:443",
            "user@example.com",
        ] {
            assert!(matches!(normalise_dns_name(hostile), Err(DnsNameError::NotAHostName(_))), "{hostile:?}");
        }
    }

    #[test]
    fn lengths() {
        let label = "a".repeat(63);
        assert!(normalise_dns_name(&format!("{label}.example")).is_ok());
        assert!(matches!(normalise_dns_name(&format!("{label}a.example")), Err(DnsNameError::LabelTooLong(_))));
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(longest.len(), 253);
        assert_eq!(normalise_dns_name(&longest).as_deref(), Ok(longest.as_str()));
        assert_eq!(normalise_dns_name(&format!("{longest}a")), Err(DnsNameError::TooLong(254)));
        assert_eq!(normalise_dns_name(&format!("*.{longest}")), Err(DnsNameError::TooLong(255)));
        assert!(matches!(normalise_dns_name(&"ü".repeat(100_000)), Err(DnsNameError::TooLong(_))));
    }

    #[test]
    fn reversed_labels() {
        assert_eq!(reverse_labels("www.example.com"), "com.example.www");
        assert_eq!(reverse_labels("*.example.com"), "com.example.*");
        assert_eq!(reverse_labels("localhost"), "localhost");
        assert_eq!(reverse_labels(""), "");
        assert_eq!(reverse_labels("a..b."), ".b..a");
    }
}
