//! Rules for certificates of TLS servers from public authorities: lifetimes, usages, algorithms, revocation, transparency.
//! Which certificates these are is said in the module above.

use std::borrow::Cow;

use super::Verdict;
use super::extensions::aki_fields;
use super::input::{
    ANY_POLICY, ANY_PURPOSE, CLIENT_AUTH, CODE_SIGNING, EMAIL_PROTECTION, Elements, Input, Known, OCSP_SIGNING, TIME_STAMPING,
    day, show_day, shown, usage,
};
use super::rule::Rule;
use super::rule::Severity::{Error, Notice, Warning};
use super::rule::Source::{Other, TlsBr};
use super::structure::lifetime_days;
use super::usage::{list, purpose};
use crate::asn1::tag;
use crate::oid;

const AGAIN: &str = "Have the authority issue it again; browsers may refuse it, and the authority may have to revoke it.";
const CT_POLICY: &str = "https://googlechrome.github.io/CertificateTransparency/ct_policy.html";
const CHROME_ROOTS: &str = "https://googlechrome.github.io/chromerootprogram/";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "tls-lifetime-too-long",
        Error,
        "A public TLS certificate is valid for longer than was allowed when it was issued",
        AGAIN,
        TlsBr("6.3.2 (SC-081v3: 398 days since 2020-09-01, 200 since 2026-03-15, 100 since 2027-03-15, 47 since 2029-03-15)", ""),
        lifetime,
    ),
    Rule::new(
        "tls-client-auth",
        Error,
        "A public TLS certificate is also for clients, which Chrome's root program forbids",
        "Take client certificates from a private authority; order this one for servers only.",
        Other("Chrome Root Program Policy v1.8 section 1.3.2, since 2027-03-15", CHROME_ROOTS),
        client_auth,
    ),
    Rule::new(
        "tls-client-auth-ends",
        Notice,
        "A public TLS certificate is also for clients, and its successors will not be",
        "If clients sign in with it, move them to a private authority before the renewal.",
        Other("Chrome Root Program Policy v1.8 section 1.3.2, from 2027-03-15", CHROME_ROOTS),
        client_auth_ends,
    ),
    Rule::new(
        "tls-foreign-purpose",
        Error,
        "A public TLS certificate has an extended key usage that it must not have",
        AGAIN,
        TlsBr("7.1.2.7.10", "2023-09-15"),
        foreign_purpose,
    ),
    Rule::new(
        "tls-purpose-critical",
        Error,
        "The extended key usage of a public TLS certificate is critical",
        AGAIN,
        TlsBr("7.1.2.7.6", "2023-09-15"),
        purpose_critical,
    ),
    Rule::new(
        "tls-basic-constraints-not-critical",
        Error,
        "The basic constraints of a public TLS certificate are not critical",
        AGAIN,
        TlsBr("7.1.2.7.6", "2023-09-15"),
        basic_constraints,
    ),
    Rule::new(
        "tls-key-usage-forbidden",
        Error,
        "The key usage of a public TLS certificate has a bit that it must not have",
        AGAIN,
        TlsBr("7.1.2.7.11", "2023-09-15"),
        usage_forbidden,
    ),
    Rule::new(
        "tls-key-usage-discouraged",
        Notice,
        "The key usage of a public TLS certificate has a bit that is not recommended",
        "Order the next one without.",
        TlsBr("7.1.2.7.11", "2023-09-15"),
        usage_discouraged,
    ),
    Rule::new(
        "tls-key-usage-missing-signature",
        Error,
        "The key usage of a public TLS certificate for an elliptic curve key lacks digitalSignature",
        AGAIN,
        TlsBr("7.1.2.7.11", "2023-09-15"),
        usage_without_signature,
    ),
    Rule::new(
        "tls-key-algorithm",
        Error,
        "The key of a public TLS certificate is neither RSA nor on P-256, P-384 or P-521",
        "Use an RSA or P-256 key: browsers accept no other from public authorities.",
        TlsBr("6.1.5", ""),
        key_algorithm,
    ),
    Rule::new(
        "tls-signature-algorithm",
        Error,
        "A public TLS certificate is signed with an algorithm that public authorities do not use",
        AGAIN,
        TlsBr("7.1.3.2", "2020-09-30"),
        signature_algorithm,
    ),
    Rule::new(
        "tls-revocation-missing",
        Error,
        "A public TLS certificate names neither a CRL nor an OCSP responder",
        AGAIN,
        TlsBr("7.1.2.11.2", "2023-09-15"),
        revocation_missing,
    ),
    Rule::new(
        "tls-authority-info-missing",
        Error,
        "A public TLS certificate does not say where its issuer's certificate is",
        AGAIN,
        TlsBr("7.1.2.7.6", "2023-09-15"),
        authority_info_missing,
    ),
    Rule::new(
        "tls-authority-info-not-http",
        Error,
        "The authority information access of a public TLS certificate has an address that is not HTTP",
        AGAIN,
        TlsBr("7.1.2.7.7", "2023-09-15"),
        authority_info_not_http,
    ),
    Rule::new(
        "tls-crl-not-http",
        Error,
        "A CRL of a public TLS certificate cannot be fetched over HTTP",
        AGAIN,
        TlsBr("7.1.2.11.2", "2023-09-15"),
        crl_not_http,
    ),
    Rule::new(
        "tls-authority-key-id-fields",
        Error,
        "The authority key identifier of a public TLS certificate holds an issuer or a serial number",
        AGAIN,
        TlsBr("7.1.2.11.1", "2023-09-15"),
        aki_with_issuer,
    ),
    Rule::new(
        "tls-policy-missing",
        Error,
        "A public TLS certificate does not say how its holder was validated",
        AGAIN,
        TlsBr("7.1.2.7.9", "2020-09-30"),
        policy_missing,
    ),
    Rule::new(
        "tls-policy-contradictory",
        Error,
        "A public TLS certificate says in more than one way how its holder was validated",
        AGAIN,
        TlsBr("7.1.2.7.9", "2023-09-15"),
        policy_contradictory,
    ),
    Rule::new(
        "tls-policy-any",
        Error,
        "A public TLS certificate has the policy anyPolicy",
        AGAIN,
        TlsBr("7.1.2.7.9", "2023-09-15"),
        policy_any,
    ),
    Rule::new(
        "tls-transparency-missing",
        Warning,
        "A public TLS certificate holds no proof that it was logged",
        "Unless the server sends the proofs itself, browsers refuse it: have it issued again with embedded SCTs.",
        Other("Chrome Certificate Transparency Policy, since 2018-04-30", CT_POLICY),
        transparency_missing,
    ),
    Rule::new(
        "tls-transparency-too-few",
        Warning,
        "A public TLS certificate holds fewer proofs of logging than browsers demand",
        "Unless the server sends further proofs itself, browsers refuse it: have it issued again.",
        Other("Chrome Certificate Transparency Policy, since 2022-04-15", CT_POLICY),
        transparency_too_few,
    ),
];

/// The profiles of ballot SC-062 apply to certificates that begin on this day or later.
pub(super) const PROFILES: i64 = day(2023, 9, 15);

/// Applies to this certificate because it is a public one and begins on this day or later.
fn applies(input: &Input<'_>, since: i64) -> bool {
    input.public_tls && input.since(since)
}

/// The longest life in days that public authorities may give to a certificate that begins on the day it does.
pub(super) fn longest_life(input: &Input<'_>) -> Option<i64> {
    const LIMITS: [(i64, i64); 6] = [
        (day(2029, 3, 15), 47),
        (day(2027, 3, 15), 100),
        (day(2026, 3, 15), 200),
        (day(2020, 9, 1), 398),
        (day(2018, 3, 1), 825),
        // 39 months, counted generously
        (day(2015, 4, 1), 39 * 31),
    ];
    LIMITS.into_iter().find(|(since, _)| input.since(*since)).map(|(_, limit)| limit)
}

fn lifetime(input: &Input<'_>) -> Verdict {
    let limit = longest_life(input).filter(|_| input.public_tls)?;
    let days = lifetime_days(input);
    (days > limit).then(|| {
        let begin = show_day(input.facts.not_before);
        format!("The certificate is valid for {days} days; {limit} were the most for one that begins on {begin}.").into()
    })
}

const CHROME_SERVER_ONLY: i64 = day(2027, 3, 15);

fn client_auth(input: &Input<'_>) -> Verdict {
    let wrong = applies(input, CHROME_SERVER_ONLY) && input.has_purpose(CLIENT_AUTH);
    wrong.then(|| {
        format!("The extended key usage has clientAuth, and the certificate begins on {}.", show_day(input.facts.not_before))
            .into()
    })
}

fn client_auth_ends(input: &Input<'_>) -> Verdict {
    let ends = input.public_tls && !input.since(CHROME_SERVER_ONLY) && input.has_purpose(CLIENT_AUTH);
    ends.then_some(Cow::Borrowed("The extended key usage has clientAuth; from 2027-03-15 public authorities leave it out."))
}

fn foreign_purpose(input: &Input<'_>) -> Verdict {
    const PRECERTIFICATE_SIGNING: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 4];
    const FORBIDDEN: [&[u8]; 6] =
        [CODE_SIGNING, EMAIL_PROTECTION, TIME_STAMPING, OCSP_SIGNING, ANY_PURPOSE, PRECERTIFICATE_SIGNING];
    if !applies(input, PROFILES) {
        return None;
    }
    let foreign = input.purposes.iter().find(|purpose| FORBIDDEN.contains(purpose))?;
    Some(format!("The extended key usage has {}.", purpose(foreign)).into())
}

fn purpose_critical(input: &Input<'_>) -> Verdict {
    let wrong = applies(input, PROFILES) && input.is_critical(Known::ExtendedKeyUsage);
    wrong.then_some(Cow::Borrowed("The extended key usage is critical, and must not be."))
}

fn basic_constraints(input: &Input<'_>) -> Verdict {
    let wrong = applies(input, PROFILES) && input.has(Known::BasicConstraints) && !input.is_critical(Known::BasicConstraints);
    wrong.then_some(Cow::Borrowed("The basic constraints are not critical, and must be where they are."))
}

fn usage_forbidden(input: &Input<'_>) -> Verdict {
    let forbidden: &[u32] = match input.key_algorithm {
        oid::RSA => &[usage::NON_REPUDIATION, usage::KEY_AGREEMENT, usage::CRL_SIGN, usage::KEY_CERT_SIGN],
        oid::EC => {
            &[usage::NON_REPUDIATION, usage::KEY_ENCIPHERMENT, usage::DATA_ENCIPHERMENT, usage::CRL_SIGN, usage::KEY_CERT_SIGN]
        }
        _ => return None,
    };
    let wrong = applies(input, PROFILES) && forbidden.iter().any(|bit| input.may(*bit));
    wrong.then(|| format!("The key usage is {}.", list(input)).into())
}

fn usage_discouraged(input: &Input<'_>) -> Verdict {
    let discouraged = match input.key_algorithm {
        oid::RSA => usage::DATA_ENCIPHERMENT,
        oid::EC => usage::KEY_AGREEMENT,
        _ => return None,
    };
    (applies(input, PROFILES) && input.may(discouraged)).then(|| format!("The key usage is {}.", list(input)).into())
}

fn usage_without_signature(input: &Input<'_>) -> Verdict {
    let judged = applies(input, PROFILES) && input.key_algorithm == oid::EC && input.key_usage.is_some();
    (judged && !input.may(usage::DIGITAL_SIGNATURE)).then(|| format!("The key usage is {}.", list(input)).into())
}

fn key_algorithm(input: &Input<'_>) -> Verdict {
    let named = |curve: &[u8]| matches!(curve, oid::P256 | oid::P384 | oid::P521);
    let proper = match input.key_algorithm {
        oid::RSA => true,
        oid::EC => input.key_parameters.is_some_and(|curve| curve.tag == tag::OID && named(curve.content)),
        _ => false,
    };
    let facts = input.facts;
    (input.public_tls && !proper).then(|| match &facts.key_curve {
        Some(curve) => format!("The key is of the kind {} on the curve {curve}.", facts.key_algorithm).into(),
        None => format!("The key is of the kind {}.", facts.key_algorithm).into(),
    })
}

fn signature_algorithm(input: &Input<'_>) -> Verdict {
    const ALLOWED: [&str; 7] = [
        "sha256WithRSAEncryption",
        "sha384WithRSAEncryption",
        "sha512WithRSAEncryption",
        "RSASSA-PSS",
        "ecdsa-with-SHA256",
        "ecdsa-with-SHA384",
        "ecdsa-with-SHA512",
    ];
    let name = input.facts.signature_algorithm.as_str();
    let wrong = applies(input, day(2020, 9, 30)) && !ALLOWED.contains(&name);
    wrong.then(|| format!("The signature algorithm is {name}.").into())
}

/// Short-lived certificates need no revocation: ten days since 2024-03-15, seven since 2026-03-15.
fn is_short_lived(input: &Input<'_>) -> bool {
    let days = lifetime_days(input);
    input.since(day(2026, 3, 15)) && days <= 7 || input.since(day(2024, 3, 15)) && !input.since(day(2026, 3, 15)) && days <= 10
}

fn revocation_missing(input: &Input<'_>) -> Verdict {
    let none = !input.has(Known::CrlPoints) && input.facts.ocsp_urls.is_empty();
    let wrong = applies(input, PROFILES) && none && !is_short_lived(input);
    wrong.then_some(Cow::Borrowed("The certificate has neither CRL distribution points nor an OCSP responder."))
}

fn authority_info_missing(input: &Input<'_>) -> Verdict {
    let wrong = applies(input, PROFILES) && !input.has(Known::AuthorityInfo);
    wrong.then_some(Cow::Borrowed("The certificate has no authority information access."))
}

fn is_http(uri: &[u8]) -> bool {
    uri.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"http://"))
}

fn authority_info_not_http(input: &Input<'_>) -> Verdict {
    if !applies(input, PROFILES) {
        return None;
    }
    let mut descriptions = Elements(input.inside(Known::AuthorityInfo)?);
    let location = descriptions.find_map(|description| {
        let mut fields = description.inside();
        fields.take(tag::OID)?;
        fields.next().filter(|location| location.tag != 0x86 || !is_http(location.content))
    })?;
    Some(match location.tag {
        0x86 => format!("The authority information access names {}.", shown(location.content)).into(),
        _ => Cow::Borrowed("The authority information access names something that is no URI."),
    })
}

fn crl_not_http(input: &Input<'_>) -> Verdict {
    let url = input.facts.crl_urls.iter().find(|url| !is_http(url.as_bytes()))?;
    applies(input, PROFILES).then(|| format!("The certificate names the CRL {}.", shown(url.as_bytes())).into())
}

fn aki_with_issuer(input: &Input<'_>) -> Verdict {
    let [_, issuer, serial] = aki_fields(input)?;
    let wrong = applies(input, PROFILES) && (issuer || serial);
    wrong.then_some(Cow::Borrowed("The authority key identifier holds more than the key identifier."))
}

/// The policies of the CA/Browser Forum that say how a holder was validated.
pub(super) fn reserved_policies(input: &Input<'_>) -> impl Iterator<Item = &'static str> {
    input.policies.iter().filter_map(|policy| match policy {
        [0x67, 0x81, 0x0c, 1, 1] => Some("EV"),
        [0x67, 0x81, 0x0c, 1, 2, 1] => Some("DV"),
        [0x67, 0x81, 0x0c, 1, 2, 2] => Some("OV"),
        [0x67, 0x81, 0x0c, 1, 2, 3] => Some("IV"),
        _ => None,
    })
}

fn policy_missing(input: &Input<'_>) -> Verdict {
    let wrong = applies(input, day(2020, 9, 30)) && reserved_policies(input).next().is_none();
    wrong.then_some(Cow::Borrowed("None of the policies is one of the CA/Browser Forum's for DV, OV, IV or EV."))
}

fn policy_contradictory(input: &Input<'_>) -> Verdict {
    let mut all = reserved_policies(input);
    let (first, second) = (all.next()?, all.next()?);
    applies(input, PROFILES).then(|| format!("The policies say both {first} and {second}.").into())
}

fn policy_any(input: &Input<'_>) -> Verdict {
    let wrong = applies(input, PROFILES) && input.policies.contains(&ANY_POLICY);
    wrong.then_some(Cow::Borrowed("The policies hold anyPolicy, which is for authorities."))
}

fn transparency_missing(input: &Input<'_>) -> Verdict {
    let missing = applies(input, day(2018, 4, 30)) && !input.has(Known::SctList) && !input.has(Known::Poison);
    missing.then_some(Cow::Borrowed("The certificate has no list of signed certificate timestamps."))
}

/// Timestamps in the list (RFC 6962 section 3.3); `None` when it cannot be read.
fn timestamps(input: &Input<'_>) -> Option<usize> {
    let list = input.read(Known::SctList)?.take(tag::OCTET_STRING)?.content;
    let (_, mut rest) = list.split_at_checked(2)?;
    let mut count = 0;
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        rest = tail.get(usize::from(u16::from_be_bytes(*length))..)?;
        count += 1;
    }
    Some(count)
}

fn transparency_too_few(input: &Input<'_>) -> Verdict {
    let count = timestamps(input).filter(|_| applies(input, day(2022, 4, 15)))?;
    let wanted = if lifetime_days(input) <= 180 { 2 } else { 3 };
    (count < wanted).then(|| format!("The certificate has {count} signed certificate timestamps; {wanted} are demanded.").into())
}
