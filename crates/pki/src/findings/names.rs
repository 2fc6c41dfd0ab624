//! Rules about the subject and the issuer (RFC 5280 sections 4.1.2.4 and 4.1.2.6).

use std::borrow::Cow;

use super::Verdict;
use super::input::{
    Attribute, COMMON_NAME, COUNTRY, DOMAIN_COMPONENT, EMAIL_ADDRESS, Input, Known, LOCALITY, ORGANIZATION, ORGANIZATIONAL_UNIT,
    STATE, SUBJECT_SERIAL, shown,
};
use super::rule::Rule;
use super::rule::Severity::{Error, Notice, Warning};
use super::rule::Source::{Other, Rfc};
use crate::asn1::tag;
use crate::oid;

const CORRECT: &str = "Have the certificate issued again with the name corrected.";

pub(super) const RULES: &[Rule] = &[
    Rule::new("issuer-empty", Error, "The issuer has no name", CORRECT, Rfc(5280, "4.1.2.4"), issuer_empty),
    Rule::new("ca-subject-empty", Error, "An authority has no name", CORRECT, Rfc(5280, "4.1.2.6"), ca_subject_empty),
    Rule::new(
        "subject-and-names-empty",
        Error,
        "The certificate names nobody: no subject and no subject alternative name",
        "Have the certificate issued again with the names it is for.",
        Rfc(5280, "4.1.2.6"),
        nameless,
    ),
    Rule::new(
        "name-malformed",
        Error,
        "The subject or the issuer is not encoded as a distinguished name",
        CORRECT,
        Rfc(5280, "4.1.2.4"),
        name_malformed,
    ),
    Rule::new(
        "subject-attribute-empty",
        Error,
        "An attribute of the subject is empty",
        "Have the certificate issued again without the attribute.",
        Rfc(5280, "A.1"),
        attribute_empty,
    ),
    Rule::new(
        "subject-attribute-padded",
        Warning,
        "An attribute of the subject begins or ends with white space",
        CORRECT,
        Rfc(5280, "7.1"),
        attribute_padded,
    ),
    Rule::new(
        "subject-attribute-meaningless",
        Notice,
        "An attribute of the subject holds only punctuation",
        "Leave the attribute out: a dash or a dot says nothing.",
        Other(
            "CA/Browser Forum TLS BR section 7.1.4.2",
            "https://cabforum.org/working-groups/server/baseline-requirements/requirements/",
        ),
        attribute_meaningless,
    ),
    Rule::new(
        "subject-attribute-too-long",
        Error,
        "An attribute of the subject is longer than its upper bound",
        "Shorten the value at the next renewal: strict software refuses longer ones.",
        Rfc(5280, "A.1"),
        attribute_too_long,
    ),
    Rule::new(
        "subject-string-type",
        Notice,
        "An attribute of the subject uses a string type of former times",
        "Use UTF8String or PrintableString at the next renewal.",
        Rfc(5280, "4.1.2.4"),
        string_type,
    ),
    Rule::new(
        "subject-printable-characters",
        Error,
        "A PrintableString holds characters it cannot hold",
        "Use UTF8String for this value.",
        Rfc(5280, "4.1.2.4"),
        printable_characters,
    ),
    Rule::new(
        "subject-not-utf8",
        Error,
        "A UTF8String is not encoded in UTF-8",
        "Encode the value in UTF-8.",
        Rfc(5280, "4.1.2.4"),
        not_utf8,
    ),
    Rule::new(
        "subject-control-characters",
        Warning,
        "An attribute of the subject holds control characters",
        CORRECT,
        Rfc(5280, "7.1"),
        control_characters,
    ),
    Rule::new(
        "country-code",
        Error,
        "The country is not a code of two capital letters",
        "Use the code of ISO 3166, such as DE or US.",
        Rfc(5280, "A.1"),
        country_code,
    ),
    Rule::new(
        "country-string-type",
        Error,
        "A country or serial number of the subject is not a PrintableString",
        "Encode countryName, serialNumber and dnQualifier as PrintableString.",
        Rfc(5280, "A.1"),
        country_string_type,
    ),
    Rule::new(
        "email-in-subject",
        Notice,
        "The subject holds a mail address that no subject alternative name holds",
        "Put the mail address among the subject alternative names, where it is looked for.",
        Rfc(5280, "4.1.2.6"),
        email_in_subject,
    ),
    Rule::new(
        "common-name-repeated",
        Warning,
        "The subject has more than one common name",
        "Keep one, or none: further names belong among the subject alternative names.",
        Rfc(6125, "2.3.1"),
        common_name_repeated,
    ),
    Rule::new(
        "subject-placeholder",
        Notice,
        "The subject holds a value that a program suggested and nobody replaced",
        "Have the certificate issued again with the true name, or without the attribute.",
        Rfc(5280, "4.1.2.6"),
        placeholder,
    ),
    Rule::new(
        "test-authority",
        Notice,
        "The certificate comes from an authority for tests, which nobody trusts",
        "Replace it by one of the production authority, or remove it.",
        Other("Let's Encrypt, Staging Environment", "https://letsencrypt.org/docs/staging-environment/"),
        test_authority,
    ),
];

fn issuer_empty(input: &Input<'_>) -> Verdict {
    input.certificate.issuer.content.is_empty().then_some(Cow::Borrowed("The issuer's distinguished name is empty."))
}

fn ca_subject_empty(input: &Input<'_>) -> Verdict {
    let empty = input.facts.is_ca && input.certificate.subject.content.is_empty();
    empty.then_some(Cow::Borrowed("The certificate is an authority's, and its subject is empty."))
}

fn nameless(input: &Input<'_>) -> Verdict {
    let none = input.certificate.subject.content.is_empty() && !input.facts.is_ca && input.alt_names().next().is_none();
    none.then_some(Cow::Borrowed("The subject is empty, and there is no subject alternative name."))
}

fn name_malformed(input: &Input<'_>) -> Verdict {
    let part = |oddity: &String| oddity.starts_with("The subject is not") || oddity.starts_with("The issuer is not");
    input.facts.oddities.iter().find(|oddity| part(oddity)).map(|oddity| Cow::Owned(oddity.clone()))
}

/// The verdict on the first attribute of the subject of which `odd` is true.
fn first(input: &Input<'_>, odd: impl Fn(&Attribute<'_>) -> bool, sentence: impl Fn(&Attribute<'_>) -> String) -> Verdict {
    input.subject.iter().find(|attribute| odd(attribute)).map(|attribute| sentence(attribute).into())
}

fn attribute_empty(input: &Input<'_>) -> Verdict {
    first(
        input,
        |attribute| attribute.value.content.is_empty(),
        |attribute| format!("The attribute {} of the subject has no value.", attribute.keyword()),
    )
}

fn attribute_padded(input: &Input<'_>) -> Verdict {
    let odd = |attribute: &Attribute<'_>| {
        let space = |octet: Option<&u8>| octet.is_some_and(u8::is_ascii_whitespace);
        space(attribute.value.content.first()) || space(attribute.value.content.last())
    };
    let one_octet = |attribute: &Attribute<'_>| attribute.value.tag != tag::BMP_STRING;
    first(
        input,
        |attribute| one_octet(attribute) && odd(attribute),
        |attribute| format!("The attribute {} is \"{}\", with white space at an end.", attribute.keyword(), attribute.shown()),
    )
}

fn attribute_meaningless(input: &Input<'_>) -> Verdict {
    let odd = |attribute: &Attribute<'_>| {
        let content = attribute.value.content;
        !content.is_empty() && content.len() < 32 && content.iter().all(|octet| octet.is_ascii_punctuation() || *octet == b' ')
    };
    first(input, odd, |attribute| format!("The attribute {} is \"{}\".", attribute.keyword(), attribute.shown()))
}

/// The upper bounds of RFC 5280 appendix A.1, in characters.
fn upper_bound(oid: &[u8]) -> Option<usize> {
    Some(match oid {
        COMMON_NAME | ORGANIZATION | ORGANIZATIONAL_UNIT | SUBJECT_SERIAL | [0x55, 4, 12] => 64,
        LOCALITY | STATE | [0x55, 4, 65] => 128,
        EMAIL_ADDRESS => 255,
        [0x55, 4, 4 | 41..=44] => 32768,
        _ => return None,
    })
}

fn characters(attribute: &Attribute<'_>) -> usize {
    let content = attribute.value.content;
    match attribute.value.tag {
        tag::UTF8_STRING => content.iter().filter(|octet| **octet & 0xc0 != 0x80).count(),
        tag::BMP_STRING => content.len() / 2,
        tag::UNIVERSAL_STRING => content.len() / 4,
        _ => content.len(),
    }
}

fn attribute_too_long(input: &Input<'_>) -> Verdict {
    let over = |attribute: &Attribute<'_>| upper_bound(attribute.oid).filter(|bound| characters(attribute) > *bound);
    let attribute = input.subject.iter().find(|attribute| over(attribute).is_some())?;
    let (length, bound) = (characters(attribute), over(attribute)?);
    Some(format!("The attribute {} has {length} characters; {bound} are the most.", attribute.keyword()).into())
}

fn string_type(input: &Input<'_>) -> Verdict {
    let name = |string_tag: u8| match string_tag {
        tag::TELETEX_STRING => Some("TeletexString"),
        tag::BMP_STRING => Some("BMPString"),
        tag::UNIVERSAL_STRING => Some("UniversalString"),
        _ => None,
    };
    let attribute = input.subject.iter().find(|attribute| name(attribute.value.tag).is_some())?;
    Some(format!("The attribute {} is a {}.", attribute.keyword(), name(attribute.value.tag)?).into())
}

fn printable_characters(input: &Input<'_>) -> Verdict {
    let allowed = |octet: &u8| octet.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(octet);
    first(
        input,
        |attribute| attribute.value.tag == tag::PRINTABLE_STRING && !attribute.value.content.iter().all(allowed),
        |attribute| format!("The attribute {} is the PrintableString \"{}\".", attribute.keyword(), attribute.shown()),
    )
}

fn not_utf8(input: &Input<'_>) -> Verdict {
    first(
        input,
        |attribute| attribute.value.tag == tag::UTF8_STRING && std::str::from_utf8(attribute.value.content).is_err(),
        |attribute| {
            format!("The attribute {} is a UTF8String with other octets: \"{}\".", attribute.keyword(), attribute.shown())
        },
    )
}

fn control_characters(input: &Input<'_>) -> Verdict {
    let one_octet = |value: u8| !matches!(value, tag::BMP_STRING | tag::UNIVERSAL_STRING);
    let hostile = |octet: &u8| *octet < 0x20 || *octet == 0x7f;
    first(
        input,
        |attribute| one_octet(attribute.value.tag) && attribute.value.content.iter().any(hostile),
        |attribute| format!("The attribute {} is \"{}\".", attribute.keyword(), attribute.shown()),
    )
}

fn country_code(input: &Input<'_>) -> Verdict {
    let proper = |value: &[u8]| value.len() == 2 && value.iter().all(u8::is_ascii_uppercase);
    let attribute = input.subject_values(COUNTRY).find(|attribute| !proper(attribute.value.content))?;
    Some(format!("The country is \"{}\".", attribute.shown()).into())
}

fn country_string_type(input: &Input<'_>) -> Verdict {
    let printable_only = |kind: &[u8]| kind == COUNTRY || kind == SUBJECT_SERIAL || kind == [0x55, 4, 46];
    first(
        input,
        |attribute| printable_only(attribute.oid) && attribute.value.tag != tag::PRINTABLE_STRING,
        |attribute| format!("The attribute {} is not a PrintableString.", attribute.keyword()),
    )
}

fn email_in_subject(input: &Input<'_>) -> Verdict {
    let held = |address: &[u8]| {
        input.alt_names().any(|name| match name.tag {
            0x81 => name.content.eq_ignore_ascii_case(address),
            _ => false,
        })
    };
    let attribute = input.subject_values(EMAIL_ADDRESS).find(|attribute| !held(attribute.value.content))?;
    Some(format!("The subject holds the mail address {}, the subject alternative names do not.", attribute.shown()).into())
}

fn common_name_repeated(input: &Input<'_>) -> Verdict {
    let count = input.subject_values(COMMON_NAME).count();
    (count > 1).then(|| format!("The subject has {count} common names.").into())
}

fn placeholder(input: &Input<'_>) -> Verdict {
    const SUGGESTED: [&[u8]; 8] = [
        b"Internet Widgits Pty Ltd",
        b"Some-State",
        b"Default Company Ltd",
        b"Default City",
        b"My Company Name LTD.",
        b"SomeOrganization",
        b"SomeOrganizationalUnit",
        b"SomeCity",
    ];
    first(
        input,
        |attribute| SUGGESTED.contains(&attribute.value.content),
        |attribute| format!("The attribute {} is \"{}\".", attribute.keyword(), attribute.shown()),
    )
}

fn test_authority(input: &Input<'_>) -> Verdict {
    let issuer = input.facts.issuer.as_str();
    let test = issuer.contains("(STAGING)") || issuer.contains("Fake LE ") || issuer.contains("Pebble ");
    test.then(|| format!("The issuer is {}.", shown(issuer.as_bytes())).into())
}

/// Whether the subject holds anything but common names, countries and domain components.
pub(super) fn identity_attributes<'a, 'b>(input: &'b Input<'a>) -> impl Iterator<Item = &'b Attribute<'a>> {
    input.subject.iter().filter(|attribute| ![COMMON_NAME, COUNTRY, DOMAIN_COMPONENT].contains(&attribute.oid))
}

/// The keyword of an attribute type.
pub(super) fn keyword(kind: &[u8]) -> Cow<'static, str> {
    oid::attribute(kind).map_or_else(|| oid::dotted(kind).into(), Cow::Borrowed)
}

/// The subject is empty.
pub(super) fn subject_is_empty(input: &Input<'_>) -> bool {
    input.certificate.subject.content.is_empty()
}

/// The subject alternative name's criticality, if there is one.
pub(super) fn alt_name_critical(input: &Input<'_>) -> Option<bool> {
    input.get(Known::SubjectAltName).map(|extension| extension.critical)
}
