//! Names of certificates as people write them.

use certhold_pki::issue::GeneralName;

use crate::error::Refusal;

/// A name as people write it: a host name, an address or a mail address, or with its kind before it (`dns:`, `ip:`, `email:`, `uri:`,
/// `upn:`).
pub fn general_name(text: &str) -> Result<GeneralName, Refusal> {
    let text = text.trim();
    let of_kind = |kind: &str, rest: &str| {
        Some(match kind.to_ascii_lowercase().as_str() {
            "dns" => GeneralName::dns(rest),
            "ip" => GeneralName::ip(rest),
            "email" => GeneralName::email(rest),
            "uri" => GeneralName::uri(rest),
            "upn" => GeneralName::upn(rest),
            _ => return None,
        })
    };
    let named = text.split_once(':').and_then(|(kind, rest)| of_kind(kind, rest));
    let name = named.unwrap_or_else(|| if text.contains('@') { GeneralName::email(text) } else { GeneralName::host(text) });
    name.map_err(|error| Refusal::invalid("names", error.to_string()))
}

/// The name so that [`general_name`] reads it again: with its kind only where it needs one.
pub(crate) fn written(name: &GeneralName) -> String {
    let value = name.value();
    if general_name(&value).as_ref() == Ok(name) { value } else { format!("{}:{value}", name.kind()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (text, expected) in [
            ("Shop.Example.org", "shop.example.org"),
            ("*.example.org", "*.example.org"),
            ("192.0.2.7", "192.0.2.7"),
            ("2001:DB8::1", "2001:db8::1"),
            ("kim@example.org", "kim@example.org"),
            ("email:dns:x@example.org", "email:dns:x@example.org"),
            ("uri:spiffe://example.org/web", "uri:spiffe://example.org/web"),
            ("UPN:kim@corp.example", "upn:kim@corp.example"),
        ] {
            let name = general_name(text).unwrap();
            assert_eq!(written(&name), expected);
            assert_eq!(general_name(&written(&name)), Ok(name), "{text}");
        }
        for bad in ["", "a b", "ip:shop.example.org", "https://example.org", "kim@"] {
            assert!(matches!(general_name(bad), Err(Refusal::Invalid { field: "names", .. })), "{bad}");
        }
    }
}
