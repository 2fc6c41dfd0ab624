//! What a certificate says, in groups, as its page shows it.

use certhold_domain::hex;
use certhold_domain::inventory::Summary;
use certhold_pki::{AltNameKind, ExtensionEntry, Facts, extension_list};

use crate::web::show::colons;
use crate::web::view::certificate::{Extension, Fact, FactGroup, SubjectName};
use crate::web::view::time::Moment;

/// Bytes of an extension that is not understood which are shown.
const UNKNOWN_BYTES: usize = 96;

/// Subject, issuer, key, identifiers, and what is odd.
pub fn groups(facts: &Facts, summary: &Summary, now: i64) -> Vec<FactGroup> {
    let name = |label: &str, text: &str| match text {
        "" => Fact::text(label, "(empty)"),
        text => Fact::text(label, text).copyable(),
    };
    let mut subject = vec![name("Subject", &facts.subject)];
    subject.extend(facts.organization.iter().map(|organization| Fact::text("Organisation", organization)));
    let mut issuer = vec![name("Issuer", &facts.issuer)];
    if facts.self_issued {
        issuer.push(Fact::text("Self-issued", "subject and issuer are the same"));
    }
    issuer.extend(facts.authority_key_id.iter().map(|id| Fact::code("Its key identifier", colons(id))));
    let mut key = vec![Fact::text("Public key", key(facts)), Fact::text("Signature", &facts.signature_algorithm)];
    key.extend(facts.subject_key_id.iter().map(|id| Fact::code("Key identifier", colons(id))));
    key.push(Fact::code("SPKI SHA-256", hex(&facts.spki_sha256)));
    let identifiers = vec![
        Fact::code("Serial number", colons(&facts.serial)),
        Fact::code("SHA-256", hex(&facts.sha256)),
        Fact::code("SHA-1", hex(&facts.sha1)),
        Fact::text("Version", facts.version.to_string()),
        Fact::time("Held since", Moment::new(summary.held_since, now)),
        Fact::text("Came from", &summary.source),
    ];
    let mut groups =
        vec![group("Subject", subject), group("Issuer", issuer), group("Key", key), group("Identifiers", identifiers)];
    if !facts.oddities.is_empty() {
        groups.push(group("Oddities", facts.oddities.iter().map(|oddity| Fact::text("", oddity)).collect()));
    }
    groups
}

fn group(title: &str, facts: Vec<Fact>) -> FactGroup {
    FactGroup { title: title.into(), facts }
}

fn key(facts: &Facts) -> String {
    match (&facts.key_curve, facts.key_bits) {
        (Some(curve), _) => format!("{} {curve}", facts.key_algorithm),
        (None, Some(bits)) => super::certificates::key(&facts.key_algorithm, Some(i64::from(bits))),
        (None, None) => facts.key_algorithm.clone(),
    }
}

/// The subject alternative names.
pub fn names(facts: &Facts) -> Vec<SubjectName> {
    let kind = |kind: AltNameKind| match kind {
        AltNameKind::Dns => "DNS",
        AltNameKind::Ip => "IP",
        AltNameKind::Email => "email",
        AltNameKind::Uri => "URI",
        AltNameKind::DirName => "name",
        AltNameKind::Rid => "OID",
        AltNameKind::Upn => "UPN",
        AltNameKind::Other => "other",
    };
    facts.names.iter().map(|name| SubjectName { kind: kind(name.kind).into(), value: name.value.clone() }).collect()
}

/// The extensions in the certificate's order: in words where they are understood, else in hexadecimal.
pub fn extensions(der: &[u8], facts: &Facts) -> Vec<Extension> {
    let entries = extension_list(der).unwrap_or_default();
    entries.into_iter().map(|entry| extension(entry, facts)).collect()
}

fn extension(entry: ExtensionEntry, facts: &Facts) -> Extension {
    let listed = |items: &[String]| items.join(", ");
    let (name, value) = match entry.oid.as_str() {
        "2.5.29.14" => ("Subject key identifier", facts.subject_key_id.as_deref().map(colons)),
        "2.5.29.15" => ("Key usage", Some(listed(&facts.key_usage))),
        "2.5.29.17" => ("Subject alternative names", Some(format!("{} names, listed above", facts.names.len()))),
        "2.5.29.19" => ("Basic constraints", Some(constraints(facts))),
        "2.5.29.31" => ("CRL distribution points", Some(facts.crl_urls.join("\n"))),
        "2.5.29.32" => ("Certificate policies", Some(facts.policies.join("\n"))),
        "2.5.29.35" => ("Authority key identifier", facts.authority_key_id.as_deref().map(colons)),
        "2.5.29.37" => ("Extended key usage", Some(listed(&facts.extended_key_usage))),
        "1.3.6.1.5.5.7.1.1" => ("Authority information access", Some(access(facts))),
        "1.3.6.1.4.1.11129.2.4.2" => ("Certificate transparency timestamps", None),
        "1.3.6.1.5.5.7.1.24" => ("TLS feature", None),
        "2.5.29.30" => ("Name constraints", None),
        "2.5.29.18" => ("Issuer alternative names", None),
        "2.5.29.9" => ("Subject directory attributes", None),
        _ => ("", None),
    };
    let value = value.filter(|text| !text.is_empty()).unwrap_or_else(|| octets(&entry.value));
    let name = if name.is_empty() { entry.oid.clone() } else { name.to_owned() };
    Extension { name, oid: entry.oid, is_critical: entry.critical, value }
}

fn constraints(facts: &Facts) -> String {
    match (facts.is_ca, facts.path_length) {
        (false, _) => "Not an authority".into(),
        (true, None) => "An authority".into(),
        (true, Some(length)) => format!("An authority; at most {length} more below it"),
    }
}

fn access(facts: &Facts) -> String {
    let ocsp = facts.ocsp_urls.iter().map(|url| format!("OCSP {url}"));
    let issuers = facts.issuer_urls.iter().map(|url| format!("Issuer {url}"));
    ocsp.chain(issuers).collect::<Vec<_>>().join("\n")
}

fn octets(bytes: &[u8]) -> String {
    let shown = colons(&hex(&bytes[..bytes.len().min(UNKNOWN_BYTES)])).replace(':', " ");
    if bytes.len() > UNKNOWN_BYTES { format!("{shown} … ({} bytes)", bytes.len()) } else { shown }
}
