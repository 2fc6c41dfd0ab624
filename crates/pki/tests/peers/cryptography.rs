//! The package cryptography (pyca), which knows ML-DSA and ML-KEM.

use std::process::Command;

use certhold_pki::details::{
    Choice, DistinguishedName, DistributionPoint, Extension, ExtensionContent as Content, GeneralName, KeyParts, Qualifier,
    RelativeName, StringType,
};
use serde_json::{Value, json};

use crate::{Differences, Subject, ask, hex, python, script, subjects, without_zeros};

#[test]
fn what_cryptography_says() {
    let Some(python) = python() else {
        return;
    };
    let mut command = Command::new(python);
    command.arg(script("cryptography_printer.py"));
    let mut differences = Differences::default();
    let mut refused = 0;
    for (number, (subject, answer)) in subjects().iter().zip(ask(command)).enumerate() {
        if answer["error"].is_string() {
            refused += 1;
        } else {
            compare(number, subject, &answer, &mut differences);
        }
    }
    println!("cryptography refused {refused} of {}", subjects().len());
    assert!(refused * 4 < subjects().len(), "too many are refused for a comparison: {refused}");
    differences.finish(subjects().len() * 5);
}

/// A part that the package could read.
fn read(part: &Value) -> Option<&Value> {
    part.get("error").is_none().then_some(part)
}

fn compare(number: usize, subject: &Subject, answer: &Value, differences: &mut Differences) {
    let details = &subject.details;
    let place = |what: &str| format!("certificate {number}, {what}");
    differences.compare(&place("SHA-512"), &hex(&details.digests.sha512).as_str(), &answer["sha512"].as_str().unwrap());
    for (field, name) in [("subject", &details.subject), ("issuer", &details.issuer)] {
        if let Some(theirs) = read(&answer[field]) {
            differences.compare(&place(field), &distinguished(name), theirs);
        }
    }
    if let Some(serial) = answer["serial"].as_str() {
        differences.compare(&place("serial"), &without_zeros(&subject.facts.serial), &serial);
    }
    if let Some(version) = answer["version"].as_u64() {
        differences.compare(&place("version"), &u64::from(details.version), &version);
    }
    for (field, time) in [("notBefore", &details.not_before), ("notAfter", &details.not_after)] {
        if let Some(seconds) = answer[field].as_f64() {
            differences.compare(&place(field), &time.unix_ms.map(|ms| ms as f64 / 1000.0), &Some(seconds));
        }
    }
    let oid = answer["signatureOid"].as_str().unwrap();
    differences.compare(&place("signature"), &details.signature_algorithm.oid.as_str(), &oid);
    if let Some(hash) = answer["signatureHash"].as_str() {
        let ours = details.signature_algorithm.hash.map(|hash| hash.replace("SHA-", "sha").to_lowercase());
        differences.compare(&place("hash"), &ours.as_deref(), &Some(hash));
    }
    if answer["signatureParameters"][0] == "PSS"
        && let Some(pss) = &details.signature_algorithm.pss
    {
        let hash = |name: &str| name.replace("SHA-", "sha").to_lowercase();
        let ours = json!(["PSS", hash(&pss.hash), hash(&pss.mask_hash), pss.salt_length]);
        differences.compare(&place("PSS"), &ours, &answer["signatureParameters"]);
    }
    if let Some(theirs) = read(&answer["key"]) {
        differences.compare(&place("key"), &key(subject), theirs);
    }
    if let Some(theirs) = read(&answer["extensions"]).and_then(Value::as_array) {
        differences.compare(&place("number of extensions"), &details.extensions.len(), &theirs.len());
        for (ours, theirs) in details.extensions.iter().zip(theirs) {
            differences.compare(&place("extension"), &json!([ours.oid, ours.critical]), &json!([theirs[0], theirs[1]]));
            if let Some(expected) = content(ours) {
                differences.compare(&place(&format!("content of {}", ours.oid)), &expected, &theirs[2]);
            }
        }
    }
}

/// The package gives characters raw, which no face of ours does: they are taken from the octets here.
fn characters(string_type: StringType, octets: &[u8]) -> Value {
    let text = |text: Option<String>| text.map_or(Value::Null, Value::String);
    match string_type {
        StringType::BmpString => {
            let units: Vec<u16> = octets.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            text(String::from_utf16(&units).ok())
        }
        StringType::UniversalString => {
            let units = octets.chunks(4).map(|quad| char::from_u32(u32::from_be_bytes(quad.try_into().unwrap())));
            text(units.collect())
        }
        StringType::TeletexString => text(Some(octets.iter().map(|octet| char::from(*octet)).collect())),
        StringType::Other(_) => json!({"hex": hex(octets)}),
        _ => text(String::from_utf8(octets.to_vec()).ok()),
    }
}

fn relative(name: &RelativeName) -> Value {
    let attribute = |attribute: &certhold_pki::details::Attribute| {
        let number = match attribute.string_type {
            StringType::Utf8String => 12,
            StringType::NumericString => 18,
            StringType::PrintableString => 19,
            StringType::TeletexString => 20,
            StringType::Ia5String => 22,
            StringType::VisibleString => 26,
            StringType::UniversalString => 28,
            StringType::BmpString => 30,
            StringType::Other(identifier) => identifier & 0x1f,
        };
        json!([attribute.oid, number, characters(attribute.string_type, &attribute.value)])
    };
    name.attributes.iter().map(attribute).collect()
}

fn distinguished(name: &DistinguishedName) -> Value {
    name.relative_names.iter().map(relative).collect()
}

fn general(name: &GeneralName) -> Value {
    match &name.choice {
        Choice::OtherName { oid, value, .. } => json!(["OtherName", oid, hex(value)]),
        Choice::Email(text) => json!(["RFC822Name", text]),
        Choice::Dns(text) => json!(["DNSName", text]),
        Choice::DirectoryName(name) => json!(["DirectoryName", distinguished(name)]),
        Choice::Uri(text) => json!(["UniformResourceIdentifier", text]),
        Choice::IpAddress(text) => json!(["IPAddress", text]),
        Choice::RegisteredId(text) => json!(["RegisteredID", text]),
        Choice::X400Address | Choice::EdiPartyName { .. } | Choice::Unknown(_) => json!("not supported"),
    }
}

fn generals(names: &[GeneralName]) -> Value {
    names.iter().map(general).collect()
}

fn key(subject: &Subject) -> Value {
    let key = &subject.details.key;
    match &key.parts {
        KeyParts::Rsa { exponent, .. } => {
            let exponent = exponent.iter().fold(0u64, |number, octet| number << 8 | u64::from(*octet));
            json!(["RSA", key.bits, exponent])
        }
        KeyParts::Ec(ec) => {
            let name = match ec.curve.unwrap_or("?") {
                "P-256" => "secp256r1",
                "P-384" => "secp384r1",
                "P-521" => "secp521r1",
                "P-224" => "secp224r1",
                "P-192" => "secp192r1",
                other => other,
            };
            json!(["EC", name, key.bits])
        }
        KeyParts::Dsa { p_bits, .. } => json!(["DSA", p_bits]),
        _ => json!([key.algorithm.name.replace('-', "")]),
    }
}

fn point(point: &DistributionPoint) -> Value {
    let mut reasons: Vec<&str> = point.reasons.clone();
    reasons.sort_unstable(); // the package has them as a set
    json!({
        "fullName": generals(&point.full_name),
        "relative": point.relative_name.as_ref().map(relative),
        "reasons": reasons,
        "issuer": generals(&point.crl_issuer),
    })
}

/// What the package says of an extension; `None` where it does not decode it.
fn content(extension: &Extension) -> Option<Value> {
    Some(match &extension.content {
        Content::SubjectAltName(names) | Content::IssuerAltName(names) => generals(names),
        Content::SubjectKeyId(id) => json!(hex(id)),
        Content::AuthorityKeyId(id) => json!({
            "key": id.key_id.as_deref().map(hex),
            "issuer": generals(&id.issuer),
            "serial": id.serial.as_deref().map(|serial| without_zeros(&hex(serial)).to_owned()),
        }),
        Content::KeyUsage(usages) => {
            let has = |name: &str| usages.contains(&name);
            let first = [
                "digitalSignature",
                "nonRepudiation",
                "keyEncipherment",
                "dataEncipherment",
                "keyAgreement",
                "keyCertSign",
                "cRLSign",
            ];
            let mut bits: Vec<bool> = first.into_iter().map(has).collect();
            if has("keyAgreement") {
                bits.extend(["encipherOnly", "decipherOnly"].map(has));
            }
            json!(bits)
        }
        Content::BasicConstraints { ca, path_length } => json!([ca, path_length]),
        Content::NameConstraints { permitted, excluded } => {
            let list = |trees: &[certhold_pki::details::Subtree]| trees.iter().map(|tree| general(&tree.base)).collect::<Value>();
            json!([list(permitted), list(excluded)])
        }
        Content::CertificatePolicies(policies) => {
            let qualifier = |qualifier: &Qualifier| match qualifier {
                Qualifier::CpsUri(uri) => json!({ "cps": uri }),
                Qualifier::UserNotice { explicit_text, organization, numbers } => {
                    json!({ "text": explicit_text, "organization": organization, "numbers": numbers })
                }
                Qualifier::Other(..) => json!("not supported"),
            };
            let policy = |policy: &certhold_pki::details::Policy| {
                json!([policy.oid, policy.qualifiers.iter().map(qualifier).collect::<Value>()])
            };
            policies.iter().map(policy).collect()
        }
        Content::PolicyConstraints(explicit, inhibit) => json!([explicit, inhibit]),
        Content::InhibitAnyPolicy(count) => json!(count),
        Content::ExtendedKeyUsage(purposes) => purposes.iter().map(|purpose| json!(purpose.oid)).collect(),
        Content::CrlDistributionPoints(points) | Content::FreshestCrl(points) => points.iter().map(point).collect(),
        Content::AuthorityInfoAccess(list) | Content::SubjectInfoAccess(list) => {
            list.iter().map(|item| json!([item.method, general(&item.location)])).collect()
        }
        Content::TlsFeature(features) => json!(features),
        Content::OcspNoCheck | Content::PrecertificatePoison => json!(true),
        Content::SignedCertificateTimestamps(entries) => {
            let entry = |entry: &certhold_pki::details::SctEntry| {
                let kind = if entry.signature_algorithm.starts_with("ecdsa") { "ECDSA" } else { "RSA" };
                let (seconds, millis) = (entry.timestamp as f64 / 1000.0, entry.timestamp % 1000);
                json!([hex(&entry.log_id), seconds, millis, "sha256", kind, hex(&entry.signature)])
            };
            entries.iter().map(entry).collect()
        }
        _ => return None,
    })
}
