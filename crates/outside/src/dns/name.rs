//! Domain names as this module accepts them: host names in A-label form, with the underscore labels of RFC 8552.

use super::DnsError;
use hickory_proto::rr::Name;

/// Parses `name` to a fully qualified, lower-case name; a trailing dot is allowed.
///
/// # Errors
/// [`DnsError::InvalidName`] for anything that is not made of letters, digits, hyphens and underscores.
pub(super) fn parse(name: &str) -> Result<Name, DnsError> {
    let refuse = |why| Err(DnsError::InvalidName { name: name.chars().take(260).collect(), why });
    let bare = name.strip_suffix('.').unwrap_or(name);
    if bare.is_empty() {
        return refuse("it is empty");
    }
    if bare.len() > 253 {
        return refuse("it is longer than 253 characters");
    }
    if !bare.is_ascii() {
        return refuse("write international names in their A-label form (xn--…)");
    }
    for label in bare.split('.') {
        if label.is_empty() || label.len() > 63 {
            return refuse("each label must have 1 to 63 characters");
        }
        if !label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return refuse("only letters, digits, hyphens and underscores are allowed");
        }
    }
    let mut parsed = Name::from_ascii(bare.to_ascii_lowercase()).or_else(|_| refuse("it is malformed"))?;
    parsed.set_fqdn(true);
    Ok(parsed)
}

/// The name without its trailing dot.
pub(super) fn text(name: &Name) -> String {
    let ascii = name.to_ascii();
    ascii.strip_suffix('.').unwrap_or(&ascii).to_ascii_lowercase()
}

/// The name and every name above it, longest first, without the root.
pub(super) fn suffixes(name: &Name) -> impl Iterator<Item = Name> + use<> {
    let name = name.clone();
    (1..=usize::from(name.num_labels())).rev().map(move |labels| name.trim_to(labels))
}

/// Checks that `value` can be one TXT character-string that every provider stores unchanged: 1 to 255 printable ASCII
/// characters without quotation mark and backslash (which zone file syntax escapes).
pub(super) fn check_txt(value: &str) -> Result<(), DnsError> {
    if value.is_empty() || value.len() > 255 {
        return Err(DnsError::InvalidValue("it must have 1 to 255 characters"));
    }
    if !value.bytes().all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\\')) {
        return Err(DnsError::InvalidValue("only printable ASCII characters except quotation marks and backslashes are allowed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lowered_and_qualified() {
        let name = parse("_ACME-challenge.Example.COM").unwrap();
        assert_eq!(name.to_ascii(), "_acme-challenge.example.com.");
        assert_eq!(text(&name), "_acme-challenge.example.com");
        assert_eq!(parse("example.com.").unwrap(), parse("example.com").unwrap());
    }

    #[test]
    fn hostile_names_are_refused() {
        let long = format!("{}.com", "a".repeat(64));
        let longer = vec!["abcdefghi"; 26].join(".");
        for bad in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "*.example.com",
            "a b.com",
            "a\0.com",
            "a/../b",
            "exämple.com",
            "a;b",
            "a\\.b",
            "\"x\"",
            "a\u{202e}b.com",
            &long,
            &longer,
        ] {
            assert!(matches!(parse(bad), Err(DnsError::InvalidName { .. })), "{bad:?}");
        }
    }

    #[test]
    fn suffixes_go_from_the_name_to_the_top() {
        let names: Vec<_> = suffixes(&parse("a.b.example").unwrap()).map(|n| n.to_ascii()).collect();
        assert_eq!(names, ["a.b.example.", "b.example.", "example."]);
    }

    #[test]
    fn txt_values_are_plain() {
        check_txt("gfj9Xq-Rg85nM_").unwrap();
        check_txt("authority.example; accounturi=https://a/1").unwrap();
        for bad in ["", "a\"b", "a\\b", "ä", "a\nb", "\0", &"x".repeat(256)] {
            assert!(check_txt(bad).is_err(), "{bad:?}");
        }
    }
}
