//! Rules about the certificate as a whole: version, serial number, validity, algorithm identifiers (RFC 5280 section 4.1).

use std::borrow::Cow;

use super::Verdict;
use super::input::{DAY_MS, Input, day, show_day};
use super::rule::Rule;
use super::rule::Severity::{Error, Notice, Warning};
use super::rule::Source::{Other, Rfc, TlsBr};
use crate::asn1::{Element, bit_length, tag};
use crate::{text, time};

const REISSUE: &str = "Replace the certificate; tell the authority, whose software made it, or mend your own.";

pub(super) const RULES: &[Rule] = &[
    Rule::new("version-unknown", Error, "The version is none that exists", REISSUE, Rfc(5280, "4.1.2.1"), version_unknown),
    Rule::new(
        "version-too-low-for-extensions",
        Error,
        "There are extensions, but the version is not 3",
        REISSUE,
        Rfc(5280, "4.1.2.1"),
        version_too_low,
    ),
    Rule::new(
        "version-outdated",
        Warning,
        "The certificate is of version 1 or 2 and cannot say what it is for",
        "Replace it by one of version 3, with subject alternative names and key usages.",
        Rfc(5280, "4.1.2.1"),
        version_outdated,
    ),
    Rule::new("serial-negative", Error, "The serial number is negative", REISSUE, Rfc(5280, "4.1.2.2"), serial_negative),
    Rule::new("serial-zero", Error, "The serial number is zero", REISSUE, Rfc(5280, "4.1.2.2"), serial_zero),
    Rule::new(
        "serial-too-long",
        Error,
        "The serial number has more than 20 octets",
        REISSUE,
        Rfc(5280, "4.1.2.2"),
        serial_too_long,
    ),
    Rule::new(
        "serial-padded",
        Error,
        "The serial number is not encoded in the fewest octets",
        REISSUE,
        Other("ITU-T X.690 section 8.3.2", "https://www.itu.int/rec/T-REC-X.690"),
        serial_padded,
    ),
    Rule::new(
        "serial-predictable",
        Warning,
        "The serial number is too short to hold 64 random bits",
        "Replace the certificate: a serial number that can be guessed helps to forge certificates when a digest is broken.",
        TlsBr("7.1", "2016-09-30"),
        serial_predictable,
    ),
    Rule::new(
        "validity-reversed",
        Error,
        "The certificate ends before it begins",
        REISSUE,
        Rfc(5280, "4.1.2.5"),
        validity_reversed,
    ),
    Rule::new(
        "validity-unreadable",
        Error,
        "A time of the validity is no time",
        REISSUE,
        Rfc(5280, "4.1.2.5"),
        validity_unreadable,
    ),
    Rule::new(
        "validity-form",
        Error,
        "A time of the validity is not written to the second and in UTC",
        REISSUE,
        Rfc(5280, "4.1.2.5.1"),
        validity_form,
    ),
    Rule::new(
        "validity-time-type",
        Error,
        "A time of the validity has the wrong type for its year",
        "Replace the certificate: times through 2049 are UTCTime, later ones GeneralizedTime.",
        Rfc(5280, "4.1.2.5"),
        validity_time_type,
    ),
    Rule::new(
        "validity-without-end",
        Notice,
        "The certificate never expires",
        "Give it an end unless it stands for a device that has none: what never expires is never replaced.",
        Rfc(5280, "4.1.2.5"),
        validity_without_end,
    ),
    Rule::new(
        "lifetime-very-long",
        Notice,
        "A certificate that is no authority's is valid for more than five years",
        "Shorten it at the next renewal: keys used for signing are to be replaced after one to three years.",
        Other("NIST SP 800-57 Part 1 Rev. 5 section 5.3.6", "https://doi.org/10.6028/NIST.SP.800-57pt1r5"),
        lifetime_very_long,
    ),
    Rule::new(
        "lifetime-over-apple-limit",
        Warning,
        "A TLS server's certificate is valid for more than 825 days",
        "Replace it by one that lasts at most 825 days: Apple's systems refuse longer ones, also those of private authorities.",
        Other("Apple, Requirements for trusted certificates, since 2019-07-01", "https://support.apple.com/103769"),
        lifetime_over_apple_limit,
    ),
    Rule::new(
        "signature-algorithm-mismatch",
        Error,
        "The signature algorithm inside the signed part differs from the one outside",
        REISSUE,
        Rfc(5280, "4.1.1.2"),
        algorithm_mismatch,
    ),
    Rule::new(
        "unique-identifiers",
        Error,
        "There is an issuer or subject unique identifier",
        "Replace the certificate by one without; nothing evaluates these fields.",
        Rfc(5280, "4.1.2.8"),
        unique_identifiers,
    ),
    Rule::new(
        "unknown-fields",
        Error,
        "There are fields that certificates do not have, or fields in the wrong place",
        REISSUE,
        Rfc(5280, "4.1"),
        unknown_fields,
    ),
    Rule::new(
        "self-signed",
        Notice,
        "The certificate is signed by its own key and is no authority's",
        "Have an authority issue it: nobody can revoke this one, and each client must be told to trust it.",
        Rfc(5280, "3.2"),
        self_signed,
    ),
];

fn version_unknown(input: &Input<'_>) -> Verdict {
    let version = input.facts.version;
    (!(1..=3).contains(&version)).then(|| format!("The version is {version}; there are 1, 2 and 3.").into())
}

fn version_too_low(input: &Input<'_>) -> Verdict {
    let version = input.facts.version;
    let odd = input.certificate.extensions.is_some() && (1..=2).contains(&version);
    odd.then(|| format!("The certificate says version {version}, but has extensions, which begin with version 3.").into())
}

fn version_outdated(input: &Input<'_>) -> Verdict {
    let version = input.facts.version;
    let old = input.certificate.extensions.is_none() && (1..=2).contains(&version) && !input.facts.self_issued;
    old.then(|| format!("The certificate is of version {version}: it has no extensions, so no subject alternative names.").into())
}

fn serial_negative(input: &Input<'_>) -> Verdict {
    let serial = input.certificate.serial;
    serial
        .first()
        .is_some_and(|first| first & 0x80 != 0)
        .then(|| format!("The serial number {} is negative.", show(serial)).into())
}

fn serial_zero(input: &Input<'_>) -> Verdict {
    let zero = input.certificate.serial.iter().all(|octet| *octet == 0);
    zero.then_some(Cow::Borrowed("The serial number is zero; it must be a positive number."))
}

fn serial_too_long(input: &Input<'_>) -> Verdict {
    let length = input.certificate.serial.len();
    (length > 20).then(|| format!("The serial number has {length} octets; 20 are the most.").into())
}

fn serial_padded(input: &Input<'_>) -> Verdict {
    let padded = match input.certificate.serial {
        [0, next, ..] => next & 0x80 == 0,
        [0xff, next, ..] => next & 0x80 != 0,
        [] => true,
        _ => false,
    };
    padded.then_some(Cow::Borrowed("The serial number begins with an octet that says nothing."))
}

fn serial_predictable(input: &Input<'_>) -> Verdict {
    let bits = bit_length(input.certificate.serial);
    // 64 random bits begin with seven zeros or more once in 128 certificates, with sixteen once in 65,536
    let short = input.public_tls && input.since(day(2016, 9, 30)) && bits <= 48;
    short.then(|| format!("The serial number has {bits} bits; at least 64 of them are to be random.").into())
}

fn validity_reversed(input: &Input<'_>) -> Verdict {
    let facts = input.facts;
    let readable = time::read(&input.certificate.not_before).is_some() && time::read(&input.certificate.not_after).is_some();
    (readable && facts.not_after < facts.not_before).then(|| {
        format!("The validity begins on {} and ends on {}.", time::show(facts.not_before), time::show(facts.not_after)).into()
    })
}

fn times<'a>(input: &Input<'a>) -> [(&'static str, Element<'a>); 2] {
    [("beginning", input.certificate.not_before), ("end", input.certificate.not_after)]
}

fn validity_unreadable(input: &Input<'_>) -> Verdict {
    let (which, _) = times(input).into_iter().find(|(_, element)| time::read(element).is_none())?;
    Some(format!("The {which} of the validity cannot be read as a time.").into())
}

fn validity_form(input: &Input<'_>) -> Verdict {
    let odd = |element: &Element<'_>| time::read(element).is_some_and(|time| !time.strict);
    let (which, _) = times(input).into_iter().find(|(_, element)| odd(element))?;
    Some(format!("The {which} of the validity lacks seconds or the Z for UTC, has a fraction, or names no day.").into())
}

fn validity_time_type(input: &Input<'_>) -> Verdict {
    let early = |element: &Element<'_>| {
        let before_2050 = time::read(element).is_some_and(|time| time.unix_ms < day(2050, 1, 1) * DAY_MS);
        element.tag == tag::GENERALIZED_TIME && before_2050
    };
    let (which, _) = times(input).into_iter().find(|(_, element)| early(element))?;
    Some(format!("The {which} of the validity is before 2050, but a GeneralizedTime.").into())
}

fn validity_without_end(input: &Input<'_>) -> Verdict {
    let endless = input.certificate.not_after.content == b"99991231235959Z";
    endless.then_some(Cow::Borrowed("The validity ends at 9999-12-31 23:59:59, which means never."))
}

/// Days from the beginning to the end, both included: a part of a day counts as one.
pub(super) fn lifetime_days(input: &Input<'_>) -> i64 {
    let facts = input.facts;
    let inclusive = facts.not_after.saturating_sub(facts.not_before).saturating_add(1_000);
    inclusive.div_euclid(DAY_MS) + i64::from(inclusive.rem_euclid(DAY_MS) != 0)
}

fn lifetime_very_long(input: &Input<'_>) -> Verdict {
    let days = lifetime_days(input);
    let judged = !input.facts.is_ca && !input.facts.self_issued && input.certificate.not_after.content != b"99991231235959Z";
    (judged && days > 5 * 366).then(|| format!("The certificate is valid for {days} days.").into())
}

fn lifetime_over_apple_limit(input: &Input<'_>) -> Verdict {
    let days = lifetime_days(input);
    let judged = !input.facts.is_ca && input.has_purpose(super::input::SERVER_AUTH) && input.since(day(2019, 7, 1));
    (judged && days > 825).then(|| {
        format!("The certificate is valid for {days} days from {}; Apple's systems accept 825.", show_day(input.facts.not_before))
            .into()
    })
}

fn algorithm_mismatch(input: &Input<'_>) -> Verdict {
    let certificate = &input.certificate;
    (certificate.inner_algorithm.whole != certificate.outer_algorithm.whole)
        .then_some(Cow::Borrowed("The signed part names another signature algorithm than the certificate around it."))
}

/// The identifier octets of what follows the public key.
fn tail_tags(input: &Input<'_>) -> impl Iterator<Item = u8> {
    let mut outer = crate::asn1::Reader::new(input.certificate.to_be_signed);
    let mut fields = outer.next().map_or(crate::asn1::Reader::new(&[]), |tbs| tbs.inside());
    let skipped = 6 + usize::from(input.certificate.version.is_some());
    super::input::Elements({
        for _ in 0..skipped {
            fields.next();
        }
        fields
    })
    .map(|element| element.tag)
}

fn unique_identifiers(input: &Input<'_>) -> Verdict {
    tail_tags(input).any(|tag| matches!(tag, 0x81 | 0x82 | 0xa1 | 0xa2)).then_some(Cow::Borrowed(
        "The certificate has an issuer or subject unique identifier, which authorities must not generate.",
    ))
}

fn unknown_fields(input: &Input<'_>) -> Verdict {
    let odd = input.certificate.odd_tail;
    odd.then_some(Cow::Borrowed("Something in the certificate is no field of RFC 5280 or stands in the wrong place."))
}

fn self_signed(input: &Input<'_>) -> Verdict {
    let facts = input.facts;
    let own = facts.authority_key_id.is_none() || facts.authority_key_id == facts.subject_key_id;
    (facts.self_issued && own && !facts.is_ca && facts.version == 3)
        .then_some(Cow::Borrowed("Issuer and subject are the same, and the certificate is not one of an authority."))
}

fn show(serial: &[u8]) -> String {
    text::hex(&serial[..serial.len().min(40)])
}
