//! Reads the content of extensions.

use super::extension::{
    AccessDescription, AuthorityKeyId, DistributionPoint, Extension, ExtensionContent as Content, Policy, Purpose, Qualifier,
    Subtree,
};
use super::general_name::GeneralName;
use super::names::RelativeName;
use super::sct;
use crate::asn1::{Element, Reader, small_integer, tag};
use crate::certificate::Extension as Located;
use crate::extensions::KEY_USAGES;
use crate::text::{self, Escape};
use crate::{oid, time};

/// Reads the content of one extension; `None` when it is malformed.
type Decode = fn(&[u8]) -> Option<Content>;

/// Identifier, name and reader of each extension that is known.
const KNOWN: &[(&str, &str, Decode)] = &[
    ("2.5.29.9", "subjectDirectoryAttributes", not_decoded),
    ("2.5.29.14", "subjectKeyIdentifier", subject_key_id),
    ("2.5.29.15", "keyUsage", key_usage),
    ("2.5.29.16", "privateKeyUsagePeriod", private_key_usage_period),
    ("2.5.29.17", "subjectAltName", |value| names(value).map(Content::SubjectAltName)),
    ("2.5.29.18", "issuerAltName", |value| names(value).map(Content::IssuerAltName)),
    ("2.5.29.19", "basicConstraints", basic_constraints),
    ("2.5.29.30", "nameConstraints", name_constraints),
    ("2.5.29.31", "cRLDistributionPoints", |value| points(value).map(Content::CrlDistributionPoints)),
    ("2.5.29.32", "certificatePolicies", policies),
    ("2.5.29.33", "policyMappings", policy_mappings),
    ("2.5.29.35", "authorityKeyIdentifier", authority_key_id),
    ("2.5.29.36", "policyConstraints", policy_constraints),
    ("2.5.29.37", "extKeyUsage", extended_key_usage),
    ("2.5.29.46", "freshestCRL", |value| points(value).map(Content::FreshestCrl)),
    ("2.5.29.54", "inhibitAnyPolicy", |value| whole(value, number).map(Content::InhibitAnyPolicy)),
    ("1.3.6.1.5.5.7.1.1", "authorityInfoAccess", |value| access(value).map(Content::AuthorityInfoAccess)),
    ("1.3.6.1.5.5.7.1.11", "subjectInfoAccess", |value| access(value).map(Content::SubjectInfoAccess)),
    ("1.3.6.1.5.5.7.1.3", "qcStatements", qualified_statements),
    ("1.3.6.1.5.5.7.1.24", "tlsFeature", tls_feature),
    ("1.3.6.1.5.5.7.48.1.5", "ocspNoCheck", |value| null(value).then_some(Content::OcspNoCheck)),
    ("1.3.6.1.4.1.11129.2.4.2", "signedCertificateTimestampList", |value| {
        sct::read(value).map(Content::SignedCertificateTimestamps)
    }),
    ("1.3.6.1.4.1.11129.2.4.3", "precertificatePoison", |value| null(value).then_some(Content::PrecertificatePoison)),
    ("1.3.6.1.4.1.311.20.2", "msCertificateTemplateName", template_name),
    ("1.3.6.1.4.1.311.21.7", "msCertificateTemplate", template),
    ("1.3.6.1.4.1.311.21.1", "msCaVersion", not_decoded),
    ("1.3.6.1.4.1.311.21.10", "msApplicationPolicies", not_decoded),
    ("1.3.6.1.4.1.311.25.2", "msNtdsSecurity", not_decoded),
    ("2.16.840.1.113730.1.1", "netscapeCertType", netscape_type),
    ("2.16.840.1.113730.1.13", "netscapeComment", netscape_comment),
    ("2.23.140.3.1", "cabfOrganizationIdentifier", not_decoded),
];

impl Extension {
    pub(crate) fn of(located: &Located<'_>) -> Extension {
        let dotted = oid::dotted(located.oid);
        let known = KNOWN.iter().find(|(oid, _, _)| *oid == dotted);
        let content = match known {
            Some((_, _, decode)) => decode(located.value).unwrap_or(Content::Malformed),
            None => Content::NotDecoded,
        };
        Extension {
            oid: dotted,
            name: known.map(|(_, name, _)| *name),
            critical: located.critical,
            odd_flag: located.odd_flag,
            value: located.value.to_vec(),
            content,
        }
    }
}

fn not_decoded(_: &[u8]) -> Option<Content> {
    Some(Content::NotDecoded)
}

/// What `read` takes from the whole of `value`, with nothing left over.
fn whole<T>(value: &[u8], read: impl FnOnce(&mut Reader<'_>) -> Option<T>) -> Option<T> {
    let mut reader = Reader::new(value);
    let taken = read(&mut reader)?;
    reader.is_empty().then_some(taken)
}

/// A SEQUENCE OF that is the whole of `value`.
fn list<T>(value: &[u8], item: impl Fn(&Element<'_>) -> Option<T>) -> Option<Vec<T>> {
    whole(value, |reader| items(reader.enter(tag::SEQUENCE)?, item))
}

fn items<T>(mut inside: Reader<'_>, item: impl Fn(&Element<'_>) -> Option<T>) -> Option<Vec<T>> {
    let mut taken = Vec::new();
    while let Some(element) = inside.next() {
        taken.push(item(&element)?);
    }
    inside.is_empty().then_some(taken)
}

/// A SEQUENCE whose fields `read` takes, with nothing left over.
fn record<T>(element: &Element<'_>, read: impl FnOnce(&mut Reader<'_>) -> Option<T>) -> Option<T> {
    if element.tag != tag::SEQUENCE {
        return None;
    }
    whole(element.content, read)
}

fn number(reader: &mut Reader<'_>) -> Option<u64> {
    small_integer(reader.take(tag::INTEGER)?.content)
}

/// An optional INTEGER under an implicit tag; the outer `None` is a number that cannot be read.
#[allow(clippy::option_option, reason = "absent and unreadable are two things")]
fn optional_number(reader: &mut Reader<'_>, field: u8) -> Option<Option<u64>> {
    match reader.take(tag::context_primitive(field)) {
        Some(element) => small_integer(element.content).map(Some),
        None => Some(None),
    }
}

fn dotted(reader: &mut Reader<'_>) -> Option<String> {
    reader.take(tag::OID).map(|kind| oid::dotted(kind.content))
}

fn null(value: &[u8]) -> bool {
    value == [tag::NULL, 0]
}

fn string(element: &Element<'_>) -> Option<String> {
    let mut out = String::new();
    text::push_string(&mut out, element, Escape::Plain).then_some(out)
}

fn set_bits(element: &Element<'_>, names: &[&'static str]) -> Option<Vec<&'static str>> {
    let bytes = element.bits()?;
    let set = |n: &usize| bytes.get(n / 8).is_some_and(|byte| byte & 0x80 >> (n % 8) != 0);
    Some((0..names.len()).filter(set).map(|n| names[n]).collect())
}

fn names(value: &[u8]) -> Option<Vec<GeneralName>> {
    list(value, |element| Some(GeneralName::of(element, false)))
}

fn subject_key_id(value: &[u8]) -> Option<Content> {
    whole(value, |reader| Some(Content::SubjectKeyId(reader.take(tag::OCTET_STRING)?.content.to_vec())))
}

fn authority_key_id(value: &[u8]) -> Option<Content> {
    let read = |fields: &mut Reader<'_>| {
        let octets = |element: Element<'_>| element.content.to_vec();
        let key_id = fields.take(tag::context_primitive(0)).map(octets);
        let (issuer, proper) = fields.enter(tag::context(1)).map_or((Vec::new(), true), GeneralName::list);
        let serial = fields.take(tag::context_primitive(2)).map(octets);
        proper.then_some(AuthorityKeyId { key_id, issuer, serial })
    };
    whole(value, |reader| record(&reader.next()?, read)).map(Content::AuthorityKeyId)
}

fn key_usage(value: &[u8]) -> Option<Content> {
    whole(value, |reader| set_bits(&reader.take(tag::BIT_STRING)?, &KEY_USAGES)).map(Content::KeyUsage)
}

fn private_key_usage_period(value: &[u8]) -> Option<Content> {
    let read = |fields: &mut Reader<'_>| {
        let mut instant = |field: u8| match fields.take(tag::context_primitive(field)) {
            Some(element) => time::read(&Element { tag: tag::GENERALIZED_TIME, ..element }).map(|time| Some(time.unix_ms)),
            None => Some(None),
        };
        Some(Content::PrivateKeyUsagePeriod(instant(0)?, instant(1)?))
    };
    whole(value, |reader| record(&reader.next()?, read))
}

fn basic_constraints(value: &[u8]) -> Option<Content> {
    let read = |fields: &mut Reader<'_>| {
        let ca = match fields.take(tag::BOOLEAN) {
            Some(flag) => *flag.content.first()? != 0,
            None => false,
        };
        let path_length = if fields.is_empty() { None } else { Some(number(fields)?) };
        Some(Content::BasicConstraints { ca, path_length })
    };
    whole(value, |reader| record(&reader.next()?, read))
}

fn name_constraints(value: &[u8]) -> Option<Content> {
    let subtree = |element: &Element<'_>| {
        record(element, |fields| {
            let base = GeneralName::of(&fields.next()?, true);
            let minimum = optional_number(fields, 0)?.unwrap_or(0);
            Some(Subtree { base, minimum, maximum: optional_number(fields, 1)? })
        })
    };
    let read = |fields: &mut Reader<'_>| {
        let mut subtrees = |field: u8| match fields.enter(tag::context(field)) {
            Some(inside) => items(inside, subtree),
            None => Some(Vec::new()),
        };
        Some(Content::NameConstraints { permitted: subtrees(0)?, excluded: subtrees(1)? })
    };
    whole(value, |reader| record(&reader.next()?, read))
}

fn policies(value: &[u8]) -> Option<Content> {
    let policy = |element: &Element<'_>| {
        record(element, |fields| {
            let oid = dotted(fields)?;
            let qualifiers = match fields.enter(tag::SEQUENCE) {
                Some(inside) => items(inside, |element| record(element, qualifier))?,
                None => Vec::new(),
            };
            Some(Policy { oid, qualifiers })
        })
    };
    list(value, policy).map(Content::CertificatePolicies)
}

fn qualifier(fields: &mut Reader<'_>) -> Option<Qualifier> {
    let kind = dotted(fields)?;
    let value = fields.next()?;
    let other = |kind| Qualifier::Other(kind, value.whole.to_vec());
    Some(match kind.as_str() {
        "1.3.6.1.5.5.7.2.1" => string(&value).map_or_else(|| other(kind), Qualifier::CpsUri),
        "1.3.6.1.5.5.7.2.2" => record(&value, user_notice).unwrap_or_else(|| other(kind)),
        _ => other(kind),
    })
}

/// UserNotice ::= SEQUENCE { NoticeReference OPTIONAL, DisplayText OPTIONAL }
fn user_notice(fields: &mut Reader<'_>) -> Option<Qualifier> {
    let (mut organization, mut numbers) = (None, Vec::new());
    if let Some(mut reference) = fields.enter(tag::SEQUENCE) {
        organization = Some(string(&reference.next()?)?);
        numbers = items(reference.enter(tag::SEQUENCE)?, |element| small_integer(element.content))?;
    }
    let explicit_text = match fields.next() {
        Some(element) => Some(string(&element)?),
        None => None,
    };
    Some(Qualifier::UserNotice { explicit_text, organization, numbers })
}

fn policy_mappings(value: &[u8]) -> Option<Content> {
    let mapping = |element: &Element<'_>| record(element, |fields| Some((dotted(fields)?, dotted(fields)?)));
    list(value, mapping).map(Content::PolicyMappings)
}

fn policy_constraints(value: &[u8]) -> Option<Content> {
    let read =
        |fields: &mut Reader<'_>| Some(Content::PolicyConstraints(optional_number(fields, 0)?, optional_number(fields, 1)?));
    whole(value, |reader| record(&reader.next()?, read))
}

fn extended_key_usage(value: &[u8]) -> Option<Content> {
    let purpose = |element: &Element<'_>| {
        let known = oid::extended_key_usage(element.content);
        (element.tag == tag::OID).then(|| Purpose { oid: oid::dotted(element.content), name: known })
    };
    list(value, purpose).map(Content::ExtendedKeyUsage)
}

/// Bits of ReasonFlags.
const REASONS: [&str; 9] = [
    "unused",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "privilegeWithdrawn",
    "aACompromise",
];

fn points(value: &[u8]) -> Option<Vec<DistributionPoint>> {
    list(value, |element| record(element, point))
}

fn point(fields: &mut Reader<'_>) -> Option<DistributionPoint> {
    let mut point = DistributionPoint::default();
    if let Some(mut choice) = fields.enter(tag::context(0)) {
        let name = choice.next()?;
        match name.tag {
            0xa0 => point.full_name = proper_list(name.inside())?,
            0xa1 => point.relative_name = Some(RelativeName::of(name.inside()).0),
            _ => return None,
        }
    }
    if let Some(reasons) = fields.take(tag::context_primitive(1)) {
        point.reasons = set_bits(&reasons, &REASONS)?;
    }
    if let Some(issuer) = fields.enter(tag::context(2)) {
        point.crl_issuer = proper_list(issuer)?;
    }
    Some(point)
}

fn proper_list(inside: Reader<'_>) -> Option<Vec<GeneralName>> {
    let (list, proper) = GeneralName::list(inside);
    proper.then_some(list)
}

fn access(value: &[u8]) -> Option<Vec<AccessDescription>> {
    let description = |fields: &mut Reader<'_>| {
        let method = dotted(fields)?;
        let name = match method.as_str() {
            "1.3.6.1.5.5.7.48.1" => Some("OCSP"),
            "1.3.6.1.5.5.7.48.2" => Some("caIssuers"),
            "1.3.6.1.5.5.7.48.3" => Some("timeStamping"),
            "1.3.6.1.5.5.7.48.5" => Some("caRepository"),
            "1.3.6.1.5.5.7.48.10" => Some("rpkiManifest"),
            "1.3.6.1.5.5.7.48.11" => Some("signedObject"),
            "1.3.6.1.5.5.7.48.13" => Some("rpkiNotify"),
            _ => None,
        };
        Some(AccessDescription { method, name, location: GeneralName::of(&fields.next()?, false) })
    };
    list(value, |element| record(element, description))
}

fn qualified_statements(value: &[u8]) -> Option<Content> {
    let statement = |element: &Element<'_>| {
        let mut fields = element.inside();
        (element.tag == tag::SEQUENCE).then(|| dotted(&mut fields))?
    };
    list(value, statement).map(Content::QualifiedStatements)
}

fn tls_feature(value: &[u8]) -> Option<Content> {
    let feature = |element: &Element<'_>| small_integer(element.content).filter(|_| element.tag == tag::INTEGER);
    list(value, feature).map(Content::TlsFeature)
}

fn template_name(value: &[u8]) -> Option<Content> {
    whole(value, |reader| string(&reader.next()?)).map(Content::TemplateName)
}

/// SEQUENCE { templateID OID, templateMajorVersion INTEGER OPTIONAL, templateMinorVersion INTEGER OPTIONAL }
fn template(value: &[u8]) -> Option<Content> {
    let read = |fields: &mut Reader<'_>| {
        let oid = dotted(fields)?;
        let mut version = || if fields.is_empty() { Some(None) } else { number(fields).map(Some) };
        Some(Content::Template(oid, version()?, version()?))
    };
    whole(value, |reader| record(&reader.next()?, read))
}

fn netscape_type(value: &[u8]) -> Option<Content> {
    const TYPES: [&str; 8] =
        ["SSL client", "SSL server", "S/MIME", "object signing", "reserved", "SSL CA", "S/MIME CA", "object signing CA"];
    whole(value, |reader| set_bits(&reader.take(tag::BIT_STRING)?, &TYPES)).map(Content::NetscapeType)
}

fn netscape_comment(value: &[u8]) -> Option<Content> {
    whole(value, |reader| string(&reader.next()?)).map(Content::NetscapeComment)
}
