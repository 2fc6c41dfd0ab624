//! What a certificate says, in groups, as its page shows it.

use certhold_domain::hex;
use certhold_domain::inventory::Summary;
use certhold_pki::details::{DistinguishedName, ExtensionContent, NameStyle, ValidityTime};
use certhold_pki::findings::{Finding, Severity, evaluate};
use certhold_pki::{AltNameKind, Details, Facts};

use crate::web::show::colons;
use crate::web::view::certificate::{Extension, Fact, FactGroup, FindingLine, SubjectName};
use crate::web::view::time::Moment;
use crate::web::view::tone::{Badge, Tone};

/// Bytes of an extension that is not understood which are shown.
const UNKNOWN_BYTES: usize = 96;
/// Lines of one extension, and attributes of one name, that are shown.
const LINES: usize = 100;

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

/// What is wrong with it, the worst first.
pub fn findings(facts: &Facts, der: &[u8]) -> Vec<FindingLine> {
    let badge = |severity: Severity| match severity {
        Severity::Error => Badge::new("Error", Tone::Bad),
        Severity::Warning => Badge::new("Warning", Tone::Warn),
        Severity::Notice => Badge::new("Notice", Tone::Info),
        Severity::Info => Badge::new("Info", Tone::Neutral),
    };
    let line = |finding: Finding| FindingLine {
        badge: badge(finding.rule.severity),
        rule: finding.rule.id.into(),
        sentence: finding.sentence.into_owned(),
        remedy: finding.rule.remedy.into(),
        citation: finding.rule.citation(),
        href: finding.rule.source.url(),
    };
    evaluate(facts, der).into_iter().map(line).collect()
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
pub fn extensions(details: &Details) -> Vec<Extension> {
    details.extensions.iter().map(extension).collect()
}

fn extension(extension: &certhold_pki::details::Extension) -> Extension {
    let mut lines = extension.lines();
    if let ExtensionContent::SubjectAltName(names) = &extension.content {
        lines = vec![format!("{} names, listed above", names.len())];
    }
    if extension.is_malformed() {
        lines.push("Not encoded as its standard says:".into());
    }
    if lines.iter().all(String::is_empty) || extension.is_malformed() {
        lines.push(octets(&extension.value));
    }
    let more = lines.len().saturating_sub(LINES);
    if more > 0 {
        lines.truncate(LINES);
        lines.push(format!("… and {more} more"));
    }
    Extension {
        name: extension.name.map_or_else(|| extension.oid.clone(), title),
        oid: extension.oid.clone(),
        is_critical: extension.critical,
        value: lines.join("\n"),
    }
}

/// The name of an extension in words.
fn title(name: &str) -> String {
    match name {
        "subjectKeyIdentifier" => "Subject key identifier",
        "keyUsage" => "Key usage",
        "privateKeyUsagePeriod" => "Private key usage period",
        "subjectAltName" => "Subject alternative names",
        "issuerAltName" => "Issuer alternative names",
        "basicConstraints" => "Basic constraints",
        "nameConstraints" => "Name constraints",
        "cRLDistributionPoints" => "CRL distribution points",
        "certificatePolicies" => "Certificate policies",
        "policyMappings" => "Policy mappings",
        "authorityKeyIdentifier" => "Authority key identifier",
        "policyConstraints" => "Policy constraints",
        "extKeyUsage" => "Extended key usage",
        "freshestCRL" => "Freshest CRL",
        "inhibitAnyPolicy" => "Inhibit any policy",
        "authorityInfoAccess" => "Authority information access",
        "subjectInfoAccess" => "Subject information access",
        "qcStatements" => "Qualified certificate statements",
        "tlsFeature" => "TLS feature",
        "ocspNoCheck" => "OCSP no check",
        "signedCertificateTimestampList" => "Certificate transparency timestamps",
        "precertificatePoison" => "Precertificate poison",
        "subjectDirectoryAttributes" => "Subject directory attributes",
        other => other,
    }
    .into()
}

fn octets(bytes: &[u8]) -> String {
    let shown = colons(&hex(&bytes[..bytes.len().min(UNKNOWN_BYTES)])).replace(':', " ");
    if bytes.len() > UNKNOWN_BYTES { format!("{shown} … ({} bytes)", bytes.len()) } else { shown }
}

/// What most people never look for: names attribute by attribute and as other programs print them, the key, the
/// signature, digests.
pub fn more(details: &Details) -> Vec<FactGroup> {
    let key = &details.key;
    let mut keys = vec![Fact::text("Key", key.described()), Fact::text("Algorithm", &key.algorithm.oid)];
    keys.push(Fact::text("Signature", details.signature_algorithm.described()));
    keys.push(Fact::text("Signature algorithm", &details.signature_algorithm.oid));
    keys.push(Fact::text("Signature size", format!("{} octets", details.signature_octets)));
    let validity = |time: &ValidityTime| Fact::text(time.form, &time.text);
    let digests = &details.digests;
    vec![
        group("Subject, taken apart", distinguished(&details.subject)),
        group("Issuer, taken apart", distinguished(&details.issuer)),
        group("Validity as written", vec![validity(&details.not_before), validity(&details.not_after)]),
        group("Key and signature", keys),
        group(
            "Digests",
            vec![
                Fact::code("SHA-512", hex(&digests.sha512)),
                Fact::code("Key SHA-1", hex(&digests.key_sha1)),
                Fact::code("Subject SHA-256", hex(&details.subject.sha256)),
                Fact::code("Issuer SHA-256", hex(&details.issuer.sha256)),
            ],
        ),
    ]
}

fn distinguished(name: &DistinguishedName) -> Vec<Fact> {
    if name.is_empty() {
        return vec![Fact::text("Name", "(empty)")];
    }
    let mut facts = vec![
        Fact::text("OpenJDK", name.render(NameStyle::Jdk)).copyable(),
        Fact::text("OpenSSL", name.render(NameStyle::OpenSsl)).copyable(),
    ];
    for attribute in name.attributes().take(LINES) {
        let value = attribute.text.clone().unwrap_or_else(|| octets(&attribute.value));
        let label = attribute.keyword.map_or_else(|| attribute.oid.clone(), str::to_owned);
        facts.push(Fact::text(label, format!("{value} ({})", attribute.string_type.name())));
    }
    facts
}
