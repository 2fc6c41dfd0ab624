//! Rules about the presence, criticality and content of extensions (RFC 5280 section 4.2).

use std::borrow::Cow;

use super::Verdict;
use super::input::{ANY_POLICY, Elements, Input, Known};
use super::rule::Rule;
use super::rule::Severity::{Error, Notice, Warning};
use super::rule::Source::{Other, Rfc};
use crate::asn1::{Reader, tag};
use crate::oid;

const REISSUE: &str = "Replace the certificate; tell the authority, whose software made it, or mend your own.";
const UNCRITICAL: &str = "Replace the certificate by one in which the extension is not critical.";
const CRITICAL: &str = "Replace the certificate by one in which the extension is critical.";

pub(super) const RULES: &[Rule] = &[
    Rule::new("extensions-empty", Error, "The list of extensions is empty", REISSUE, Rfc(5280, "4.1"), list_empty),
    Rule::new("extension-repeated", Error, "An extension occurs more than once", REISSUE, Rfc(5280, "4.2"), repeated),
    Rule::new(
        "extension-malformed",
        Error,
        "An extension is not encoded as its definition says",
        REISSUE,
        Rfc(5280, "4.2"),
        malformed,
    ),
    Rule::new(
        "extension-unknown-critical",
        Warning,
        "An extension that is not widely known is critical",
        "Make sure that everything that uses the certificate knows the extension: all else must reject it.",
        Rfc(5280, "4.2"),
        unknown_critical,
    ),
    Rule::new(
        "extension-obsolete",
        Notice,
        "There is an extension of former times that nothing evaluates",
        "Leave it out at the next renewal and say the same with key usages.",
        Rfc(5280, "4.2"),
        obsolete,
    ),
    Rule::new(
        "basic-constraints-not-critical",
        Error,
        "The basic constraints of an authority are not critical",
        CRITICAL,
        Rfc(5280, "4.2.1.9"),
        basic_not_critical,
    ),
    Rule::new(
        "path-length-without-ca",
        Error,
        "There is a path length, but the certificate is not an authority's",
        "Replace the certificate by one without a path length.",
        Rfc(5280, "4.2.1.9"),
        path_length_without_ca,
    ),
    Rule::new(
        "subject-key-id-missing",
        Error,
        "An authority's certificate has no subject key identifier",
        "Replace it by one that has: without it, chains are found by trial.",
        Rfc(5280, "4.2.1.2"),
        ski_missing,
    ),
    Rule::new(
        "subject-key-id-critical",
        Error,
        "The subject key identifier is critical",
        UNCRITICAL,
        Rfc(5280, "4.2.1.2"),
        |i| critical(i, Known::SubjectKeyId, "subject key identifier"),
    ),
    Rule::new(
        "authority-key-id-missing",
        Warning,
        "There is no authority key identifier",
        "Replace the certificate by one that says which key signed it: without, chains are found by trial.",
        Rfc(5280, "4.2.1.1"),
        aki_missing,
    ),
    Rule::new(
        "authority-key-id-without-key",
        Warning,
        "The authority key identifier has no key identifier",
        "Replace the certificate by one whose authority key identifier names the key.",
        Rfc(5280, "4.2.1.1"),
        aki_without_key,
    ),
    Rule::new(
        "authority-key-id-incomplete",
        Error,
        "The authority key identifier has an issuer without a serial number, or the reverse",
        "Give both or, better, neither.",
        Rfc(5280, "4.2.1.1"),
        aki_incomplete,
    ),
    Rule::new(
        "authority-key-id-critical",
        Error,
        "The authority key identifier is critical",
        UNCRITICAL,
        Rfc(5280, "4.2.1.1"),
        |i| critical(i, Known::AuthorityKeyId, "authority key identifier"),
    ),
    Rule::new(
        "issuer-alt-name-critical",
        Warning,
        "The issuer alternative name is critical",
        UNCRITICAL,
        Rfc(5280, "4.2.1.7"),
        |i| critical(i, Known::IssuerAltName, "issuer alternative name"),
    ),
    Rule::new(
        "subject-directory-critical",
        Error,
        "The subject directory attributes are critical",
        UNCRITICAL,
        Rfc(5280, "4.2.1.8"),
        |i| critical(i, Known::SubjectDirectory, "subject directory attributes"),
    ),
    Rule::new("freshest-crl-critical", Error, "The freshest CRL is critical", UNCRITICAL, Rfc(5280, "4.2.1.15"), |i| {
        critical(i, Known::FreshestCrl, "freshest CRL")
    }),
    Rule::new(
        "authority-info-critical",
        Error,
        "The authority information access is critical",
        UNCRITICAL,
        Rfc(5280, "4.2.2.1"),
        |i| critical(i, Known::AuthorityInfo, "authority information access"),
    ),
    Rule::new(
        "subject-info-critical",
        Error,
        "The subject information access is critical",
        UNCRITICAL,
        Rfc(5280, "4.2.2.2"),
        |i| critical(i, Known::SubjectInfo, "subject information access"),
    ),
    Rule::new(
        "crl-points-critical",
        Warning,
        "The CRL distribution points are critical",
        UNCRITICAL,
        Rfc(5280, "4.2.1.13"),
        |i| critical(i, Known::CrlPoints, "CRL distribution points"),
    ),
    Rule::new(
        "crl-point-without-location",
        Error,
        "A CRL distribution point says neither where the CRL is nor who issues it",
        REISSUE,
        Rfc(5280, "4.2.1.13"),
        crl_point_empty,
    ),
    Rule::new(
        "crl-or-ocsp-over-https",
        Notice,
        "Revocation or the issuer's certificate is to be fetched over HTTPS",
        "Serve CRLs, OCSP and issuers' certificates over HTTP: they are signed, and HTTPS can need itself.",
        Rfc(5280, "8"),
        status_over_https,
    ),
    Rule::new(
        "name-constraints-in-leaf",
        Error,
        "There are name constraints, but the certificate is not an authority's",
        "Replace the certificate by one without.",
        Rfc(5280, "4.2.1.10"),
        name_constraints_in_leaf,
    ),
    Rule::new(
        "name-constraints-not-critical",
        Warning,
        "The name constraints are not critical",
        CRITICAL,
        Rfc(5280, "4.2.1.10"),
        |i| not_critical(i, Known::NameConstraints, "name constraints"),
    ),
    Rule::new(
        "name-constraints-empty",
        Error,
        "The name constraints constrain nothing",
        "Replace the certificate by one without the extension, or with constraints.",
        Rfc(5280, "4.2.1.10"),
        name_constraints_empty,
    ),
    Rule::new(
        "policy-constraints-empty",
        Error,
        "The policy constraints say nothing",
        "Replace the certificate by one without the extension, or with constraints.",
        Rfc(5280, "4.2.1.11"),
        policy_constraints_empty,
    ),
    Rule::new(
        "policy-constraints-not-critical",
        Error,
        "The policy constraints are not critical",
        CRITICAL,
        Rfc(5280, "4.2.1.11"),
        |i| not_critical(i, Known::PolicyConstraints, "policy constraints"),
    ),
    Rule::new(
        "inhibit-any-policy-not-critical",
        Error,
        "The inhibition of any policy is not critical",
        CRITICAL,
        Rfc(5280, "4.2.1.14"),
        |i| not_critical(i, Known::InhibitAnyPolicy, "inhibit any policy"),
    ),
    Rule::new(
        "policy-mapping-any",
        Error,
        "A policy is mapped to or from any policy",
        "Replace the certificate by one without that mapping.",
        Rfc(5280, "4.2.1.5"),
        policy_mapping_any,
    ),
    Rule::new(
        "policy-extensions-in-leaf",
        Warning,
        "Constraints or mappings of policies stand in a certificate that is not an authority's",
        "Replace the certificate by one without; they are for authorities.",
        Rfc(5280, "4.2.1.11"),
        policy_extensions_in_leaf,
    ),
    Rule::new(
        "policy-repeated",
        Error,
        "A certificate policy occurs more than once",
        REISSUE,
        Rfc(5280, "4.2.1.4"),
        policy_repeated,
    ),
    Rule::new(
        "must-staple-without-ocsp",
        Error,
        "The certificate demands stapled OCSP answers, but names no OCSP responder",
        "Replace it by one without the demand: the authority answers no OCSP, and strict clients will refuse the server.",
        Rfc(7633, "4.2"),
        must_staple_without_ocsp,
    ),
    Rule::new(
        "precertificate",
        Error,
        "This is a precertificate, which nothing may accept",
        "Import the certificate itself; a precertificate exists only for the logs of certificate transparency.",
        Rfc(6962, "3.1"),
        precertificate,
    ),
    Rule::new(
        "ocsp-responder-without-nocheck",
        Notice,
        "A responder's certificate does not say that its own revocation need not be checked",
        "Add the extension id-pkix-ocsp-nocheck and keep the certificate short-lived.",
        Rfc(6960, "4.2.2.2.1"),
        responder_without_nocheck,
    ),
    Rule::new(
        "revocation-unknown",
        Notice,
        "Nobody can learn whether the certificate was revoked",
        "Have the authority name a CRL or an OCSP responder, or issue certificates that last a week.",
        Other("NIST SP 800-57 Part 1 Rev. 5 section 8.3.5", "https://doi.org/10.6028/NIST.SP.800-57pt1r5"),
        revocation_unknown,
    ),
];

fn critical(input: &Input<'_>, known: Known, name: &str) -> Verdict {
    input.is_critical(known).then(|| format!("The extension {name} is critical, and must not be.").into())
}

fn not_critical(input: &Input<'_>, known: Known, name: &str) -> Verdict {
    let wrong = input.has(known) && !input.is_critical(known);
    wrong.then(|| format!("The extension {name} is not critical: software that does not know it passes over it.").into())
}

fn list_empty(input: &Input<'_>) -> Verdict {
    let empty = input.certificate.extensions.is_some_and(|list| list.is_empty());
    empty.then_some(Cow::Borrowed("There is a list of extensions with nothing in it."))
}

fn repeated(input: &Input<'_>) -> Verdict {
    let all = &input.extensions;
    // A certificate has about ten; of a flood the first hundred are looked at, so that the square stays small.
    let few = all.len().min(100);
    let place = (1..few).find(|place| all[..*place].iter().any(|before| before.oid == all[*place].oid))?;
    Some(format!("The extension {} occurs more than once.", oid::dotted(all[place].oid)).into())
}

fn malformed(input: &Input<'_>) -> Verdict {
    if input.extensions_malformed {
        return Some(Cow::Borrowed("An extension cannot be read."));
    }
    let part = |oddity: &&String| oddity.starts_with("The extension ") && oddity.ends_with("is not encoded as RFC 5280 says.");
    input.facts.oddities.iter().find(part).map(|oddity| Cow::Owned(oddity.clone()))
}

fn unknown_critical(input: &Input<'_>) -> Verdict {
    let known = |id: &[u8]| {
        matches!(id, [0x55, 0x1d, 9 | 14..=19 | 30..=33 | 35..=37 | 46 | 54] | [0x2b, 6, 1, 5, 5, 7, 1, _])
            || id == [0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 3]
    };
    let extension = input.extensions.iter().find(|extension| extension.critical && !known(extension.oid))?;
    Some(format!("The extension {} is critical.", oid::dotted(extension.oid)).into())
}

fn obsolete(input: &Input<'_>) -> Verdict {
    if input.has(Known::NetscapeCertType) {
        return Some(Cow::Borrowed("The certificate has Netscape's certificate type."));
    }
    let netscape = |id: &[u8]| matches!(id, [0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 1, 2..=12]);
    let extension = input.extensions.iter().find(|extension| netscape(extension.oid))?;
    Some(format!("The certificate has Netscape's extension {}.", oid::dotted(extension.oid)).into())
}

fn basic_not_critical(input: &Input<'_>) -> Verdict {
    let wrong = input.facts.is_ca && !input.is_critical(Known::BasicConstraints);
    wrong.then_some(Cow::Borrowed("Software that does not know basic constraints would not see that this is an authority."))
}

fn path_length_without_ca(input: &Input<'_>) -> Verdict {
    let length = input.facts.path_length.filter(|_| !input.facts.is_ca)?;
    Some(format!("The path length is {length}; only authorities have one.").into())
}

fn ski_missing(input: &Input<'_>) -> Verdict {
    let missing = input.facts.is_ca && !input.has(Known::SubjectKeyId);
    missing.then_some(Cow::Borrowed("The certificate is an authority's and does not identify its key."))
}

fn aki_missing(input: &Input<'_>) -> Verdict {
    let missing = !input.facts.self_issued && input.facts.version == 3 && !input.has(Known::AuthorityKeyId);
    missing.then_some(Cow::Borrowed("The certificate does not say which key of its issuer signed it."))
}

/// Which of keyIdentifier, authorityCertIssuer and authorityCertSerialNumber are there.
pub(super) fn aki_fields(input: &Input<'_>) -> Option<[bool; 3]> {
    let fields = Elements(input.inside(Known::AuthorityKeyId)?);
    let mut there = [false; 3];
    for field in fields {
        if let Some(place) = [0x80, 0xa1, 0x82].iter().position(|tag| *tag == field.tag) {
            there[place] = true;
        }
    }
    Some(there)
}

fn aki_without_key(input: &Input<'_>) -> Verdict {
    let [key, ..] = aki_fields(input)?;
    (!key && !input.facts.self_issued).then_some(Cow::Borrowed("The authority key identifier names no key."))
}

fn aki_incomplete(input: &Input<'_>) -> Verdict {
    let [_, issuer, serial] = aki_fields(input)?;
    (issuer != serial).then_some(Cow::Borrowed("The issuer's issuer and serial number say something together only."))
}

fn crl_point_empty(input: &Input<'_>) -> Verdict {
    let mut points = input.inside(Known::CrlPoints)?;
    while let Some(point) = points.next() {
        if !Elements(point.inside()).any(|field| matches!(field.tag, 0xa0 | 0xa2)) {
            return Some(Cow::Borrowed("A CRL distribution point has neither a location nor an issuer."));
        }
    }
    None
}

fn status_over_https(input: &Input<'_>) -> Verdict {
    let facts = input.facts;
    let secure = |url: &&String| url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    let url = facts.crl_urls.iter().chain(&facts.ocsp_urls).chain(&facts.issuer_urls).find(secure)?;
    Some(format!("The certificate names {}.", super::input::shown(url.as_bytes())).into())
}

fn name_constraints_in_leaf(input: &Input<'_>) -> Verdict {
    let wrong = input.has(Known::NameConstraints) && !input.facts.is_ca;
    wrong.then_some(Cow::Borrowed("Name constraints limit what an authority may issue, and this is none."))
}

fn name_constraints_empty(input: &Input<'_>) -> Verdict {
    let mut parts = Elements(input.inside(Known::NameConstraints)?);
    let constrains = parts.any(|subtrees| matches!(subtrees.tag, 0xa0 | 0xa1) && !subtrees.content.is_empty());
    (!constrains).then_some(Cow::Borrowed("The extension has neither permitted nor excluded names."))
}

fn policy_constraints_empty(input: &Input<'_>) -> Verdict {
    let inside = input.inside(Known::PolicyConstraints)?;
    inside.is_empty().then_some(Cow::Borrowed("The extension has neither of its two fields."))
}

fn policy_mapping_any(input: &Input<'_>) -> Verdict {
    let mut mappings = Elements(input.inside(Known::PolicyMappings)?);
    let any = |pair: Reader<'_>| Elements(pair).any(|policy| policy.tag == tag::OID && policy.content == ANY_POLICY);
    mappings.any(|pair| any(pair.inside())).then_some(Cow::Borrowed("Any policy (2.5.29.32.0) must not be mapped."))
}

fn policy_extensions_in_leaf(input: &Input<'_>) -> Verdict {
    if input.facts.is_ca {
        return None;
    }
    let known = [
        (Known::PolicyConstraints, "policy constraints"),
        (Known::PolicyMappings, "policy mappings"),
        (Known::InhibitAnyPolicy, "inhibit any policy"),
    ];
    let (_, name) = known.into_iter().find(|(known, _)| input.has(*known))?;
    Some(format!("The extension {name} is for authorities, and this is none.").into())
}

fn policy_repeated(input: &Input<'_>) -> Verdict {
    let all = &input.policies;
    let few = all.len().min(100);
    let place = (1..few).find(|place| all[..*place].contains(&all[*place]))?;
    Some(format!("The policy {} occurs more than once.", oid::dotted(all[place])).into())
}

fn must_staple_without_ocsp(input: &Input<'_>) -> Verdict {
    // status_request is feature 5
    let demands = input.inside(Known::TlsFeature).is_some_and(|list| Elements(list).any(|feature| feature.content == [5]));
    (demands && input.facts.ocsp_urls.is_empty())
        .then_some(Cow::Borrowed("The certificate demands an OCSP answer from the server, but says nowhere where to get one."))
}

fn precertificate(input: &Input<'_>) -> Verdict {
    let poison = input.get(Known::Poison)?;
    Some(Cow::Borrowed(match poison.critical {
        true => "The certificate holds the poison of certificate transparency.",
        false => "The certificate holds the poison of certificate transparency, and the poison is not even critical.",
    }))
}

fn responder_without_nocheck(input: &Input<'_>) -> Verdict {
    let responder = input.has_purpose(super::input::OCSP_SIGNING) && !input.facts.is_ca;
    (responder && !input.has(Known::OcspNoCheck))
        .then_some(Cow::Borrowed("The certificate is an OCSP responder's and has no id-pkix-ocsp-nocheck."))
}

fn revocation_unknown(input: &Input<'_>) -> Verdict {
    let facts = input.facts;
    let judged = !facts.self_issued && facts.version == 3 && !input.has(Known::OcspNoCheck);
    let nowhere = !input.has(Known::CrlPoints) && facts.ocsp_urls.is_empty();
    // A private authority's short-lived certificates need no revocation.
    let long = super::structure::lifetime_days(input) > 90;
    (judged && nowhere && long && !input.public_tls)
        .then_some(Cow::Borrowed("The certificate names neither a CRL nor an OCSP responder, and lasts longer than 90 days."))
}
