//! Details in words, one line each, the same on every face.

use super::extension::{
    AccessDescription, DistributionPoint, Extension, ExtensionContent as Content, Policy, Qualifier, Subtree,
};
use super::general_name::GeneralName;
use super::key::{KeyParts, PointForm, PublicKeyDetail};
use super::{Algorithm, SctEntry};
use crate::text::hex;
use crate::time::show;

impl Extension {
    /// What the extension says, line by line; empty when it is not decoded or malformed. Hostile characters are escaped.
    pub fn lines(&self) -> Vec<String> {
        match &self.content {
            Content::SubjectKeyId(id) => vec![hex(id)],
            Content::AuthorityKeyId(id) => {
                let key = id.key_id.iter().map(|key| format!("key {}", hex(key)));
                let issuer = id.issuer.iter().map(|name| format!("issuer {}", name.described()));
                let serial = id.serial.iter().map(|serial| format!("serial {}", hex(serial)));
                key.chain(issuer).chain(serial).collect()
            }
            Content::KeyUsage(names) => vec![names.join(", ")],
            Content::NetscapeType(names) => vec![names.join(", ")],
            Content::PrivateKeyUsagePeriod(begin, end) => {
                let instant = |word: &str, time: &Option<i64>| time.map(|time| format!("{word} {}", show(time)));
                instant("from", begin).into_iter().chain(instant("until", end)).collect()
            }
            Content::SubjectAltName(names) | Content::IssuerAltName(names) => described(names).collect(),
            Content::BasicConstraints { ca, path_length } => vec![match (ca, path_length) {
                (false, _) => "not an authority".to_owned(),
                (true, None) => "an authority".to_owned(),
                (true, Some(length)) => format!("an authority; at most {length} more below it"),
            }],
            Content::NameConstraints { permitted, excluded } => {
                let shown = |word: &'static str| move |tree: &Subtree| subtree(word, tree);
                permitted.iter().map(shown("permitted")).chain(excluded.iter().map(shown("excluded"))).collect()
            }
            Content::CertificatePolicies(policies) => policies.iter().flat_map(policy).collect(),
            Content::PolicyMappings(mappings) => mappings.iter().map(|(from, to)| format!("{from} is {to}")).collect(),
            Content::PolicyConstraints(explicit, inhibit) => {
                let explicit = explicit.map(|count| format!("explicit policy required after {count}"));
                explicit.into_iter().chain(inhibit.map(|count| format!("mapping inhibited after {count}"))).collect()
            }
            Content::InhibitAnyPolicy(count) => vec![format!("any policy inhibited after {count}")],
            Content::ExtendedKeyUsage(purposes) => {
                let word = |purpose: &super::Purpose| purpose.name.map_or_else(|| purpose.oid.clone(), str::to_owned);
                vec![purposes.iter().map(word).collect::<Vec<_>>().join(", ")]
            }
            Content::CrlDistributionPoints(points) | Content::FreshestCrl(points) => points.iter().flat_map(point).collect(),
            Content::AuthorityInfoAccess(list) | Content::SubjectInfoAccess(list) => list.iter().map(access).collect(),
            Content::SignedCertificateTimestamps(entries) => entries.iter().map(SctEntry::line).collect(),
            Content::PrecertificatePoison => vec!["a precertificate, not to be used".to_owned()],
            Content::OcspNoCheck => vec!["not checked for revocation".to_owned()],
            Content::TlsFeature(features) => features.iter().map(feature).collect(),
            Content::QualifiedStatements(statements) => statements.clone(),
            Content::TemplateName(name) => vec![name.clone()],
            Content::Template(oid, major, minor) => {
                let number = |number: &Option<u64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
                let version = (major.is_some() || minor.is_some()).then(|| format!(" {}.{}", number(major), number(minor)));
                vec![format!("{oid}{}", version.unwrap_or_default())]
            }
            Content::NetscapeComment(text) => vec![text.clone()],
            Content::NotDecoded | Content::Malformed => Vec::new(),
        }
    }
}

fn described(names: &[GeneralName]) -> impl Iterator<Item = String> {
    names.iter().map(GeneralName::described)
}

fn subtree(word: &str, tree: &Subtree) -> String {
    let minimum = if tree.minimum > 0 { format!(", minimum {}", tree.minimum) } else { String::new() };
    let maximum = tree.maximum.map(|maximum| format!(", maximum {maximum}")).unwrap_or_default();
    format!("{word} {}{minimum}{maximum}", tree.base.described())
}

fn policy(policy: &Policy) -> Vec<String> {
    let mut lines = vec![policy.oid.clone()];
    for qualifier in &policy.qualifiers {
        match qualifier {
            Qualifier::CpsUri(uri) => lines.push(format!("{} practice statement {uri}", policy.oid)),
            Qualifier::UserNotice { explicit_text, organization, numbers } => {
                lines.extend(explicit_text.iter().map(|text| format!("{} notice {text}", policy.oid)));
                let numbers = numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
                lines.extend(organization.iter().map(|name| format!("{} notice {numbers} of {name}", policy.oid)));
            }
            Qualifier::Other(kind, value) => lines.push(format!("{} qualifier {kind} #{}", policy.oid, hex(value))),
        }
    }
    lines
}

fn point(point: &DistributionPoint) -> Vec<String> {
    let mut lines: Vec<String> = described(&point.full_name).collect();
    if let Some(relative) = &point.relative_name {
        let attribute = |attribute: &super::Attribute| {
            let value = attribute.text.clone().unwrap_or_else(|| format!("#{}", hex(&attribute.value)));
            format!("{}={value}", attribute.keyword.unwrap_or(&attribute.oid))
        };
        let parts: Vec<String> = relative.attributes.iter().map(attribute).collect();
        lines.push(format!("relative name {}", parts.join("+")));
    }
    if !point.reasons.is_empty() {
        lines.push(format!("reasons {}", point.reasons.join(", ")));
    }
    lines.extend(described(&point.crl_issuer).map(|name| format!("list issued by {name}")));
    lines
}

fn access(description: &AccessDescription) -> String {
    format!("{} {}", description.name.unwrap_or(&description.method), description.location.described())
}

fn feature(number: &u64) -> String {
    match number {
        5 => "status_request (must staple)".to_owned(),
        17 => "status_request_v2".to_owned(),
        other => format!("feature {other}"),
    }
}

impl SctEntry {
    /// The timestamp in one line.
    pub fn line(&self) -> String {
        let time = i64::try_from(self.timestamp).ok().filter(|time| *time < TIME_MAX);
        let time = time.map_or_else(|| format!("{} ms", self.timestamp), show);
        format!("{time}, log {}, {}", hex(&self.log_id), self.signature_algorithm)
    }
}

/// End of the year 9999, beyond which a time is shown as a number.
const TIME_MAX: i64 = 253_402_300_800_000;

impl Algorithm {
    /// The algorithm with what its parameters add: `RSASSA-PSS, SHA-256, MGF1 with SHA-256, salt of 32 octets`.
    pub fn described(&self) -> String {
        match &self.pss {
            Some(pss) => {
                let trailer =
                    if pss.trailer_field == 1 { String::new() } else { format!(", trailer field {}", pss.trailer_field) };
                let (hash, mask, mask_hash, salt) = (&pss.hash, &pss.mask, &pss.mask_hash, pss.salt_length);
                format!("{}, {hash}, {mask} with {mask_hash}, salt of {salt} octets{trailer}", self.name)
            }
            None => self.name.clone(),
        }
    }
}

impl PublicKeyDetail {
    /// The key in one line: `RSA 2048 bits, exponent 65537`, `EC P-256`, `EC P-256, parameters written out`.
    pub fn described(&self) -> String {
        let sized = match self.bits {
            Some(bits) => format!("{} {bits} bits", self.algorithm.described()),
            None => self.algorithm.described(),
        };
        match &self.parts {
            KeyParts::Rsa { exponent, .. } => format!("{sized}, exponent {}", number(exponent)),
            KeyParts::Ec(key) => {
                let curve = key.curve.map(str::to_owned).or_else(|| key.curve_oid.clone());
                let curve = curve.unwrap_or_else(|| "on a curve of its own".to_owned());
                let written = if key.explicit { ", parameters written out" } else { "" };
                let form = match key.form {
                    PointForm::Uncompressed => "",
                    PointForm::Compressed => ", point compressed",
                    PointForm::Hybrid => ", point in hybrid form",
                    PointForm::Unknown => ", point in an unknown form",
                };
                format!("{} {curve}{written}{form}", self.algorithm.name)
            }
            KeyParts::Dsa { p_bits, q_bits } => format!("{} {p_bits} bits, q {q_bits} bits", self.algorithm.name),
            KeyParts::Fixed { .. } => self.algorithm.name.clone(),
            KeyParts::Other => sized,
        }
    }
}

/// A number as people write it, in hexadecimal beyond 64 bits.
fn number(octets: &[u8]) -> String {
    match crate::asn1::small_integer(&[&[0], octets].concat()) {
        Some(number) => number.to_string(),
        None => format!("0x{}", hex(octets)),
    }
}
