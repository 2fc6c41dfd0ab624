//! The certificate extensions that become facts (RFC 5280 section 4.2).

use crate::alt_name::{AltName, push_uris};
use crate::asn1::{Reader, small_integer, tag};
use crate::certificate::{Certificate, Extensions};
use crate::facts::Facts;
use crate::{oid, text};

/// Bits of the key usage extension, most significant bit of the first octet first.
pub(crate) const KEY_USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

/// Reads the content of one extension into the facts; `None` when it is malformed.
type ReadExtension = fn(&mut Facts, Reader<'_>) -> Option<()>;

/// Fills in what the extensions say. An extension that cannot be read leaves what could be read and an oddity; of an
/// extension that occurs twice, the first counts.
pub(crate) fn read_into(facts: &mut Facts, certificate: &Certificate<'_>) {
    let Some(reader) = certificate.extensions else {
        return;
    };
    let mut extensions = Extensions::new(reader);
    let (mut seen, mut repeated) = (0u16, 0u16);
    for extension in extensions.by_ref() {
        let (bit, name, read): (u32, &str, ReadExtension) = match extension.oid {
            [0x55, 0x1d, last] => match last {
                14 => (0, "subject key identifier", subject_key_id),
                15 => (1, "key usage", key_usage),
                17 => (2, "subject alternative name", alt_names),
                19 => (3, "basic constraints", basic_constraints),
                31 => (4, "CRL distribution points", crl_urls),
                32 => (5, "certificate policies", policies),
                35 => (6, "authority key identifier", authority_key_id),
                37 => (7, "extended key usage", extended_key_usage),
                _ => continue,
            },
            oid::AUTHORITY_INFO_ACCESS => (8, "authority information access", information_access),
            _ => continue,
        };
        if seen & 1 << bit != 0 {
            if repeated & 1 << bit == 0 {
                repeated |= 1 << bit;
                facts.oddities.push(format!("The extension {name} occurs more than once; the first one counts."));
            }
            continue;
        }
        seen |= 1 << bit;
        if read(facts, Reader::new(extension.value)).is_none() {
            facts.oddities.push(format!("The extension {name} is not encoded as RFC 5280 says."));
        }
    }
    if extensions.malformed {
        facts.oddities.push("An extension is not encoded as RFC 5280 says and cannot be read.".to_owned());
    }
}

fn at_end(reader: &Reader<'_>) -> Option<()> {
    reader.is_empty().then_some(())
}

fn subject_key_id(facts: &mut Facts, mut value: Reader<'_>) -> Option<()> {
    facts.subject_key_id = Some(text::hex(value.take(tag::OCTET_STRING)?.content));
    at_end(&value)
}

fn authority_key_id(facts: &mut Facts, mut value: Reader<'_>) -> Option<()> {
    let mut fields = value.enter(tag::SEQUENCE)?;
    while let Some(field) = fields.next() {
        if field.tag == tag::context_primitive(0) {
            facts.authority_key_id = Some(text::hex(field.content));
        }
    }
    at_end(&fields)?;
    at_end(&value)
}

fn key_usage(facts: &mut Facts, mut value: Reader<'_>) -> Option<()> {
    let bytes = value.take(tag::BIT_STRING)?.bits()?;
    let bit = |n: usize| bytes.get(n / 8).is_some_and(|byte| byte & 0x80 >> (n % 8) != 0);
    facts.key_usage = (0..KEY_USAGES.len()).filter(|n| bit(*n)).map(|n| KEY_USAGES[n].to_owned()).collect();
    at_end(&value)
}

fn alt_names(facts: &mut Facts, mut value: Reader<'_>) -> Option<()> {
    let mut names = value.enter(tag::SEQUENCE)?;
    facts.names.reserve((names.rest().len() / 24).min(256) + 1);
    let mut proper = true;
    while let Some(name) = names.next() {
        let (name, malformed) = AltName::of(&name);
        proper &= !malformed;
        facts.names.push(name);
    }
    at_end(&names)?;
    at_end(&value)?;
    proper.then_some(())
}

fn basic_constraints(facts: &mut Facts, mut value: Reader<'_>) -> Option<()> {
    let mut fields = value.enter(tag::SEQUENCE)?;
    if let Some(ca) = fields.take(tag::BOOLEAN) {
        facts.is_ca = *ca.content.first()? != 0;
    }
    if let Some(length) = fields.take(tag::INTEGER) {
        facts.path_length = Some(u32::try_from(small_integer(length.content)?).ok()?);
    }
    at_end(&fields)?;
    at_end(&value)
}

fn extended_key_usage(facts: &mut Facts, mut value: Reader<'_>) -> Option<()> {
    let mut usages = value.enter(tag::SEQUENCE)?;
    while let Some(usage) = usages.take(tag::OID) {
        let name = oid::extended_key_usage(usage.content);
        facts.extended_key_usage.push(name.map_or_else(|| oid::dotted(usage.content), str::to_owned));
    }
    at_end(&usages)?;
    at_end(&value)
}

fn policies(facts: &mut Facts, mut value: Reader<'_>) -> Option<()> {
    let mut policies = value.enter(tag::SEQUENCE)?;
    while let Some(mut policy) = policies.enter(tag::SEQUENCE) {
        facts.policies.push(oid::dotted(policy.take(tag::OID)?.content));
    }
    at_end(&policies)?;
    at_end(&value)
}

fn information_access(facts: &mut Facts, mut value: Reader<'_>) -> Option<()> {
    let mut descriptions = value.enter(tag::SEQUENCE)?;
    while let Some(mut description) = descriptions.enter(tag::SEQUENCE) {
        match description.take(tag::OID)?.content {
            oid::AD_OCSP => push_uris(&mut facts.ocsp_urls, description),
            oid::AD_CA_ISSUERS => push_uris(&mut facts.issuer_urls, description),
            _ => {}
        }
    }
    at_end(&descriptions)?;
    at_end(&value)
}

fn crl_urls(facts: &mut Facts, mut value: Reader<'_>) -> Option<()> {
    let mut points = value.enter(tag::SEQUENCE)?;
    while let Some(mut point) = points.enter(tag::SEQUENCE) {
        // DistributionPoint ::= [0] { CHOICE fullName [0] GeneralNames | nameRelativeToCRLIssuer [1] }, reasons, issuer
        if let Some(mut distribution_point) = point.enter(tag::context(0))
            && let Some(full_name) = distribution_point.enter(tag::context(0))
        {
            push_uris(&mut facts.crl_urls, full_name);
        }
    }
    at_end(&points)?;
    at_end(&value)
}
