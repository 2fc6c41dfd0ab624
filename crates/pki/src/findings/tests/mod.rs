//! Every rule against a certificate that breaks it and one that does not, made by hand from the specification.

mod broken;
mod broken_public;
mod make;
mod pkilint;

use std::collections::BTreeSet;

use super::*;
use crate::Facts;
use make::Made;

/// A rule, a certificate that breaks it, and one that does not.
type Case = (&'static str, Made, Made);

fn all_cases() -> Vec<Case> {
    let mut all = broken::structure();
    all.extend(broken::names());
    all.extend(broken::alt_names());
    all.extend(broken::extensions());
    all.extend(broken::criticality());
    all.extend(broken::usage());
    all.extend(broken::keys());
    all.extend(broken::signatures());
    all.extend(broken_public::technical());
    all.extend(broken_public::subject());
    all
}

fn ids(der: &[u8]) -> Vec<&'static str> {
    of(der).unwrap().iter().map(|finding| finding.rule.id).collect()
}

#[test]
fn proper_certificates_have_no_findings() {
    for (what, made) in
        [("private", make::private()), ("public", make::public()), ("issuing", make::issuing()), ("root", make::root())]
    {
        assert_eq!(of(&made.der()).unwrap(), [], "{what}");
        assert_eq!(Facts::of(&made.der()).unwrap().oddities, [""; 0], "{what}");
    }
}

#[test]
fn each_rule_speaks_where_it_must_and_is_silent_where_it_must() {
    let mut tested = BTreeSet::new();
    for (id, breaks, keeps) in all_cases() {
        assert!(rule(id).is_some(), "{id} is no rule");
        assert!(ids(&breaks.der()).contains(&id), "{id} is silent: {:?}", ids(&breaks.der()));
        assert!(!ids(&keeps.der()).contains(&id), "{id} speaks");
        tested.insert(id);
    }
    let untested: Vec<&str> = RULES.iter().map(|rule| rule.id).filter(|id| !tested.contains(id)).collect();
    assert_eq!(untested, [""; 0]);
}

#[test]
fn there_are_enough_rules_and_their_texts_are_sentences() {
    assert!(RULES.len() >= 60, "{}", RULES.len());
    let mut seen = BTreeSet::new();
    for rule in RULES {
        assert!(seen.insert(rule.id), "{} occurs twice", rule.id);
        let kebab =
            rule.id.split('-').all(|word| !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
        assert!(kebab, "{}", rule.id);
        assert!(!rule.title.is_empty() && !rule.title.ends_with('.'), "{}", rule.title);
        assert!(rule.remedy.ends_with('.'), "{}", rule.remedy);
        assert!(rule.source.url().starts_with("https://"), "{}", rule.source.url());
        assert!(!rule.citation().is_empty() && !rule.citation().ends_with("since "), "{}", rule.citation());
    }
    for (_, breaks, _) in all_cases() {
        for finding in of(&breaks.der()).unwrap() {
            assert!(finding.sentence.ends_with('.'), "{}", finding.sentence);
            assert!(finding.sentence.chars().count() < 300, "{}", finding.sentence);
        }
    }
}

#[test]
fn the_worst_come_first() {
    let (_, broken, _) = all_cases().into_iter().find(|(id, ..)| *id == "signature-sha1").unwrap();
    let mixed = broken.critical(make::KU, false).der();
    let severities: Vec<Severity> = of(&mixed).unwrap().iter().map(|finding| finding.rule.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Notice]);
    assert!(Severity::ALL.is_sorted());
    assert_eq!(Severity::parse("WARNING"), Some(Severity::Warning));
    assert_eq!(Severity::parse("fatal"), None);
}

#[test]
fn what_is_no_certificate_has_no_findings() {
    let facts = Facts::of(&make::private().der()).unwrap();
    assert_eq!(evaluate(&facts, b"0"), []);
    assert!(of(b"0").is_err());
}

/// Every octet of every made certificate, changed: no panic, and bounded sentences.
#[test]
fn broken_octets_break_nothing() {
    for made in [make::public(), make::issuing()] {
        let der = made.der();
        for place in 0..der.len() {
            for value in [0, 0xff, der[place] ^ 1, der[place] ^ 0x20] {
                let mut broken = der.clone();
                broken[place] = value;
                for finding in of(&broken).unwrap_or_default() {
                    assert!(finding.sentence.len() < 2_000, "{}", finding.sentence);
                }
            }
        }
    }
}

/// A flood of attributes, names and extensions costs time that grows with its size and not with its square.
#[test]
fn floods_are_cheap() {
    let names: Vec<String> = (0..20_000).map(|n| format!("host{n}.example.com")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let flood = make::public().ext(make::SAN, false, make::dns(&names));
    let flood = flood.with(|made| {
        made.subject = made.subject.repeat(4_000);
        let all = made.extensions.as_mut().unwrap();
        let again = all[0].clone();
        all.extend((0..4_000).map(|_| again.clone()));
    });
    let der = flood.der();
    let facts = Facts::of(&der).unwrap();
    // Squares of these numbers would take minutes, and the test's time would show it.
    let findings = evaluate(&facts, &der);
    assert!(findings.iter().any(|finding| finding.rule.id == "extension-repeated"));
    assert!(findings.len() < RULES.len());
}

/// The documentation lists every rule; `UPDATE_DOCS=1 cargo test -p certhold-pki findings` writes it anew.
#[test]
fn the_documentation_lists_the_rules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/findings.md");
    let expected = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == expected, "docs/findings.md is stale: UPDATE_DOCS=1 cargo test -p certhold-pki findings");
}

fn document() -> String {
    let mut out = String::from(include_str!("preface.txt"));
    for severity in Severity::ALL {
        let rules: Vec<&Rule> = RULES.iter().filter(|rule| rule.severity == severity).collect();
        let mut title = severity.as_str().to_owned();
        title[..1].make_ascii_uppercase();
        out.push_str(&format!(
            "\n## {title}: {} rules\n\n| id | what is wrong | what to do | where it is written |\n|---|---|---|---|\n",
            rules.len()
        ));
        for rule in rules {
            let link = format!("[{}]({})", rule.citation(), rule.source.url());
            out.push_str(&format!("| `{}` | {}. | {} | {link} |\n", rule.id, rule.title, rule.remedy));
        }
    }
    out
}
