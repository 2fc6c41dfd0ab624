//! OpenJDK 17: `java.security.cert.X509Certificate`.

use std::net::IpAddr;
use std::process::Command;

use certhold_pki::details::java::{self, Java};
use certhold_pki::details::{Choice, ExtensionContent, KeyParts, NameStyle};
use serde_json::Value;

use crate::{Differences, Subject, ask, hex, script, subjects, without_zeros};

/// Certificates that OpenJDK refuses as a whole, by what it says, and why this crate reads them all the same: an
/// inventory holds what exists.
const REFUSED: &[(&str, &str)] = &[
    ("Empty issuer DN not allowed", "RFC 5280 section 4.1.2.4 wants an issuer; some devices have none"),
    ("Empty subject DN not allowed in v1 certificate", "likewise a subject"),
    ("SubjectAlternativeName extension is absent", "RFC 5280 section 4.1.2.6 wants names somewhere"),
    ("SubjectAlternativeName extension MUST be marked critical", "likewise"),
    ("Only named ECParameters supported", "RFC 5480 section 2.1.1 forbids parameters written out; they are matched here"),
    ("One of fullName, relativeName,  and crlIssuer has to be set", "a point with reasons only (RFC 5280 section 4.2.1.13)"),
    ("Unknown named curve", "OpenJDK 17 knows few curves"),
    ("Invalid EC key", "a point in compressed form, or on a curve that OpenJDK does not know"),
];

#[test]
fn what_openjdk_says() {
    let mut java = Command::new("java");
    java.args(["--add-exports", "java.base/sun.security.x509=ALL-UNNAMED", "-Duser.timezone=UTC", "-Duser.language=en"]);
    java.arg(script("Printer.java"));
    let mut differences = Differences::default();
    let mut refused = Vec::new();
    for (number, (subject, answer)) in subjects().iter().zip(ask(java)).enumerate() {
        match answer["error"].as_str() {
            Some(error) => {
                let known = REFUSED.iter().any(|(part, _)| error.contains(part));
                differences.compare(&format!("certificate {number}: {error}"), &known, &true);
                refused.push(number);
            }
            None => compare(number, subject, &answer, &mut differences),
        }
    }
    let share = refused.len() * 100 / subjects().len();
    println!("OpenJDK refused {} of {}", refused.len(), subjects().len());
    assert!(share < 50, "too many are refused for a comparison: {share} %");
    differences.finish(subjects().len() * 5);
}

/// What this crate writes instead of characters that could deceive a reader: control characters, separators, marks of
/// direction and invisible characters, as backslash and the octets of UTF-8. OpenJDK prints them raw.
fn visible(text: &str) -> String {
    let hostile = |c: char| {
        c.is_control() || matches!(c as u32, 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff)
    };
    let shown = |c: char| {
        if !hostile(c) {
            return c.to_string();
        }
        c.to_string().bytes().map(|octet| format!("\\{octet:02X}")).collect()
    };
    text.chars().map(shown).collect()
}

fn compare(number: usize, subject: &Subject, answer: &Value, differences: &mut Differences) {
    let (facts, details) = (&subject.facts, &subject.details);
    let place = |what: &str| format!("certificate {number}, {what}");
    let text = |field: &str| answer[field].as_str().map(str::to_owned);
    differences.compare(&place("subject"), &Some(details.subject.render(NameStyle::Jdk)), &text("subject").map(|t| visible(&t)));
    differences.compare(&place("issuer"), &Some(details.issuer.render(NameStyle::Jdk)), &text("issuer").map(|t| visible(&t)));
    let serial = answer["serial"].as_str().unwrap();
    differences.compare(&place("serial"), &without_zeros(&facts.serial), &without_zeros(serial));
    differences.compare(&place("version"), &u64::from(details.version), &answer["version"].as_u64().unwrap());
    differences.compare(&place("begin"), &Some(facts.not_before), &answer["notBefore"].as_i64());
    differences.compare(&place("end"), &details.not_after.unix_ms, &answer["notAfter"].as_i64());
    differences.compare(&place("signature"), &Some(details.signature_algorithm.oid.clone()), &text("signatureOid"));
    if let Some(parameters) = text("signatureParameters") {
        differences.compare(&place("parameters"), &hex(&details.signature_algorithm.parameters), &parameters);
    }
    as_java(number, subject, answer, differences);
    usages(number, subject, answer, differences);
    let mut flags: Vec<Vec<String>> = vec![Vec::new(), Vec::new()];
    details.extensions.iter().for_each(|extension| flags[usize::from(!extension.critical)].push(extension.oid.clone()));
    for (list, field) in flags.iter_mut().zip(["critical", "nonCritical"]) {
        list.sort();
        let theirs: Vec<String> = serde_json::from_value(answer[field].clone()).unwrap();
        differences.compare(&place(field), list, &theirs);
    }
    names(number, subject, answer, differences);
    key(number, subject, answer, differences);
}

/// The name that this OpenJDK has for an algorithm of ours whose identifier others of its version show: 17.0.21 learned those of
/// FIPS 203 and 204, a family for a key and a set of parameters for a signature.
fn learned<'a>(theirs: &'a str, ours: &str) -> Option<&'a str> {
    let is_known = theirs.starts_with("ML-DSA") || theirs.starts_with("ML-KEM");
    let is_its_own = is_known && (ours == theirs || ours.strip_prefix(theirs)?.starts_with('-'));
    is_its_own.then_some(theirs)
}

/// What is to be the same character for character.
fn as_java(number: usize, subject: &Subject, answer: &Value, differences: &mut Differences) {
    let java = Java::of(&subject.der).unwrap();
    let mut text = |what: &str, ours: &str| {
        differences.compare(&format!("certificate {number}, {what}"), &Some(ours), &answer[what].as_str());
    };
    text("subject", &java.subject);
    text("subjectName", &java.subject);
    text("issuer", &java.issuer);
    text("javaSerial", &java.serial);
    text("begins", &java::date(java.not_before));
    text("ends", &java::date(java.not_after));
    let name = learned(answer["signatureName"].as_str().unwrap_or_default(), &subject.details.signature_algorithm.name);
    text("signatureName", name.unwrap_or(&java.signature_algorithm));
    text("md5", &hex(&java.md5));
    if answer["keyAlgorithm"].is_string() {
        let name = learned(answer["keyAlgorithm"].as_str().unwrap_or_default(), &subject.details.key.algorithm.name);
        text("keyAlgorithm", name.unwrap_or(&java.key_algorithm));
    }
    let names: Vec<String> = serde_json::from_value(answer["generalNames"].clone()).unwrap();
    differences.compare(&format!("certificate {number}, general names"), &java.alternative_names, &names);
    let bits = answer["keyUsage"].as_str().unwrap_or("000000000");
    let bits = format!("{bits:0<9}");
    let ours: String = java.key_usage.iter().map(|bit| if *bit { '1' } else { '0' }).collect();
    differences.compare(&format!("certificate {number}, key usage"), &ours.as_str(), &&bits[..9]);
    if let Some(theirs) = answer["keyBits"].as_u64() {
        differences.compare(&format!("certificate {number}, key bits"), &u64::from(java.key_bits), &theirs);
    }
}

fn usages(number: usize, subject: &Subject, answer: &Value, differences: &mut Differences) {
    let place = |what: &str| format!("certificate {number}, {what}");
    let (facts, details) = (&subject.facts, &subject.details);
    if let Some(bits) = answer["keyUsage"].as_str() {
        let order = [
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
        let theirs: Vec<&str> =
            order.into_iter().zip(bits.chars()).filter(|(_, bit)| *bit == '1').map(|(name, _)| name).collect();
        differences.compare(&place("key usage"), &facts.key_usage.iter().map(String::as_str).collect(), &theirs);
    }
    if let Some(purposes) = answer["extendedKeyUsage"].as_array() {
        let theirs: Vec<&str> = purposes.iter().filter_map(Value::as_str).collect();
        let ours: Vec<&str> = match details.extension("2.5.29.37").map(|extension| &extension.content) {
            Some(ExtensionContent::ExtendedKeyUsage(purposes)) => purposes.iter().map(|purpose| purpose.oid.as_str()).collect(),
            _ => Vec::new(),
        };
        differences.compare(&place("extended key usage"), &ours, &theirs);
    }
    // -1: no authority; 2^31 - 1: an authority without a limit
    let ours = match (facts.is_ca, facts.path_length) {
        (false, _) => -1,
        (true, None) => i64::from(i32::MAX),
        (true, Some(length)) => i64::from(length),
    };
    differences.compare(&place("basic constraints"), &Some(ours), &answer["basicConstraints"].as_i64());
}

/// Alternative names. OpenJDK leaves out the whole extension when it is not critical and one name displeases it.
fn names(number: usize, subject: &Subject, answer: &Value, differences: &mut Differences) {
    let Some(theirs) = answer["names"].as_array() else {
        return;
    };
    let theirs: Vec<&str> = theirs.iter().filter_map(Value::as_str).collect();
    let ours = subject.details.alternative_names();
    differences.compare(&format!("certificate {number}, number of names"), &ours.len(), &theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        let (kind, value) = theirs.split_once(' ').unwrap();
        let expected = match &ours.choice {
            Choice::OtherName { .. } => ("0", None),
            Choice::Email(text) => ("1", Some(text.clone())),
            Choice::Dns(text) => ("2", Some(text.clone())),
            Choice::X400Address => ("3", None),
            Choice::DirectoryName(_) => ("4", None), // in RFC 2253 form, with its own table of keywords
            Choice::EdiPartyName { .. } => ("5", None),
            Choice::Uri(text) => ("6", Some(text.clone())),
            Choice::IpAddress(text) => ("7", Some(text.clone())),
            Choice::RegisteredId(text) => ("8", Some(text.clone())),
            Choice::Unknown(_) => ("none", None),
        };
        differences.compare(&format!("certificate {number}, kind of {theirs}"), &expected.0, &kind);
        if let Some(text) = expected.1 {
            let same_form = |text: &str| text.parse::<IpAddr>().map_or_else(|_| text.to_owned(), |address| address.to_string());
            differences.compare(&format!("certificate {number}, name"), &same_form(&text), &same_form(value));
        }
    }
}

fn key(number: usize, subject: &Subject, answer: &Value, differences: &mut Differences) {
    let Some(algorithm) = answer["keyAlgorithm"].as_str() else {
        return;
    };
    let place = |what: &str| format!("certificate {number}, {what}");
    let key = &subject.details.key;
    // OpenJDK names families, and shows the identifier of what it does not know
    let ours = match key.algorithm.name.as_str() {
        "Ed25519" | "Ed448" => "EdDSA",
        "X25519" | "X448" => "XDH",
        name if name.starts_with("ML-") || name.starts_with("SLH-") => learned(algorithm, name).unwrap_or(&key.algorithm.oid),
        name => name,
    };
    differences.compare(&place("key algorithm"), &ours, &algorithm);
    if let Some(bits) = answer["keyBits"].as_u64() {
        differences.compare(&place("key bits"), &key.bits.map(u64::from), &Some(bits));
    }
    if let (KeyParts::Rsa { exponent, .. }, Some(theirs)) = (&key.parts, answer["exponent"].as_str()) {
        differences.compare(&place("exponent"), &without_zeros(&hex(exponent)), &without_zeros(theirs));
    }
}
