//! Hands one input to every reader, and checks what comes out.

use certhold_pki::details::{Details, NameStyle};
use certhold_pki::{
    CsrFacts, Facts, PrivateKey, RevocationList, extension_list, findings, lint_issued, normalise_dns_name, order_chain, pem,
    read, verify_request, verify_signed_by,
};

pub(crate) fn everything(input: &[u8]) {
    certificate(input);
    if let Ok(facts) = CsrFacts::of(input) {
        harmless(&serde_json::to_string(&facts).unwrap());
    }
    let _ = verify_request(input);
    revocation_list(input);
    let _ = PrivateKey::of(input);
    pem::blocks(input).for_each(drop);
    if let Ok(text) = std::str::from_utf8(input) {
        let _ = normalise_dns_name(text);
    }
    for password in [None, Some(""), Some("secret")] {
        match read(input, password) {
            Ok(bundle) => {
                for found in &bundle.certificates {
                    assert!(Facts::of(&found.der).is_ok(), "what is found is a certificate");
                    harmless(&found.place);
                }
                for key in &bundle.keys {
                    assert!(PrivateKey::of(key.key.pkcs8_der()).is_ok(), "what is held can be read again");
                    harmless(&key.place);
                }
                for found in &bundle.requests {
                    assert!(CsrFacts::of(&found.der).is_ok(), "what is found is a request");
                }
                for found in &bundle.revocation_lists {
                    assert!(RevocationList::of(&found.der).is_ok(), "what is found is a revocation list");
                }
                harmless(&bundle.summary());
                bundle.refused.iter().for_each(|refused| harmless(&refused.reason));
            }
            Err(error) => harmless(&error.to_string()),
        }
    }
}

fn revocation_list(input: &[u8]) {
    match RevocationList::of(input) {
        Ok(list) => {
            harmless(&list.issuer());
            harmless(&list.signature_algorithm());
            let _ = (list.this_update(), list.next_update(), list.number(), list.base_number());
            list.entries().for_each(|entry| harmless(&entry.serial));
        }
        Err(error) => harmless(&error.to_string()),
    }
}

fn certificate(input: &[u8]) {
    let (facts, details) = match (Facts::of(input), Details::of(input)) {
        (Ok(facts), Ok(details)) => (facts, details),
        (Err(one), Err(other)) => {
            assert_eq!(one, other);
            return harmless(&one.to_string());
        }
        (one, other) => panic!("they disagree: {one:?} {other:?}"),
    };
    harmless(&serde_json::to_string(&facts).unwrap());
    harmless(&serde_json::to_string(&details).unwrap());
    assert_eq!(details.subject.render(NameStyle::Rfc4514), facts.subject);
    assert_eq!(details.issuer.render(NameStyle::Rfc4514), facts.issuer);
    assert_eq!(details.digests.sha256, facts.sha256);
    assert_eq!((&details.key.algorithm.name, details.key.bits), (&facts.key_algorithm, facts.key_bits));
    assert_eq!(details.extensions.len(), extension_list(input).unwrap().len());
    for name in [&details.subject, &details.issuer] {
        harmless(&name.render(NameStyle::Jdk));
        harmless(&name.render(NameStyle::OpenSsl));
    }
    harmless(&details.key.described());
    harmless(&details.signature_algorithm.described());
    details.extensions.iter().flat_map(|extension| extension.lines()).for_each(|line| harmless(&line));
    details.alternative_names().iter().for_each(|name| harmless(&name.described()));
    lint_issued(input, &[], &facts.dns_names().collect::<Vec<_>>(), 0);
    findings::evaluate(&facts, input).iter().for_each(|finding| harmless(&finding.sentence));
    let _ = verify_signed_by(input, input);
    assert_eq!(order_chain(input, &[input]).len(), 1);
}

/// Nothing that ends a string, acts on a terminal, or turns the text around it.
fn harmless(text: &str) {
    let hostile = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    // Serialised JSON would hide them behind escapes
    let escaped = text.contains("\\u00") && text.match_indices("\\u00").any(|(at, _)| !text[..at].ends_with('\\'));
    assert!(!text.contains(hostile) && !escaped, "a hostile character in {text:?}");
}
