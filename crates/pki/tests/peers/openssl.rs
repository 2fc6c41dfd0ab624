//! OpenSSL 3.0: the functions behind `openssl x509 -text`, `-subject`, `-issuer` and `-ext`.

use std::process::Command;

use certhold_pki::Details;
use certhold_pki::details::{
    Choice, DistinguishedName, DistributionPoint, Extension, ExtensionContent as Content, GeneralName, KeyParts, NameStyle,
    Qualifier,
};
use serde_json::Value;

use crate::{Differences, Subject, ask, script, subjects, without_zeros};

/// Certificates that OpenSSL refuses as a whole, and why this crate reads them all the same.
const REFUSED: &[(&str, &str)] =
    &[("mstring wrong tag", "a value in a name that is no string of a name: INTEGER, OCTET STRING, VisibleString")];

#[test]
fn what_openssl_says() {
    let mut python = Command::new("python3");
    python.arg(script("openssl_printer.py"));
    let mut differences = Differences::default();
    let mut refused = 0;
    for (number, (subject, answer)) in subjects().iter().zip(ask(python)).enumerate() {
        if let Some(error) = answer["error"].as_str() {
            let known = REFUSED.iter().any(|(part, _)| error.contains(part));
            differences.compare(&format!("certificate {number}: {error}"), &known, &true);
            refused += 1;
        } else {
            compare(number, subject, &answer, &mut differences);
        }
    }
    println!("OpenSSL refused {refused} of {}", subjects().len());
    assert!(refused * 8 < subjects().len(), "too many are refused for a comparison: {refused}");
    differences.finish(subjects().len() * 8);
}

fn compare(number: usize, subject: &Subject, answer: &Value, differences: &mut Differences) {
    let details = &subject.details;
    let place = |what: &str| format!("certificate {number}, {what}");
    let name = |name: &DistinguishedName| name.render(NameStyle::OpenSsl);
    // Of an empty name nothing is printed, which looks like a failure
    differences.compare(&place("subject"), &name(&details.subject).as_str(), &answer["subject"].as_str().unwrap_or_default());
    differences.compare(&place("issuer"), &name(&details.issuer).as_str(), &answer["issuer"].as_str().unwrap_or_default());
    let text = answer["text"].as_str().unwrap();
    let after = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim);
    let version = after("Version:").and_then(|version| version.split(' ').next()?.parse().ok());
    differences.compare(&place("version"), &Some(details.version), &version);
    differences.compare(&place("begin"), &details.not_before.unix_ms.map(in_words), &after("Not Before:").map(str::to_owned));
    differences.compare(&place("end"), &details.not_after.unix_ms.map(in_words), &after("Not After :").map(str::to_owned));
    let serial = serial(text);
    differences.compare(&place("serial"), &without_zeros(&subject.facts.serial).to_owned(), &serial);
    let algorithm = after("Signature Algorithm:").unwrap();
    differences.compare(&place("signature algorithm"), &signature_algorithm(details).as_str(), &algorithm);
    if details.signature_algorithm.pss.is_some() {
        pss(number, details, text, differences);
    }
    key(number, details, text, differences);
    let theirs = answer["extensions"].as_array().unwrap();
    differences.compare(&place("number of extensions"), &details.extensions.len(), &theirs.len());
    for (ours, theirs) in details.extensions.iter().zip(theirs) {
        differences.compare(&place("extension"), &Some(ours.oid.as_str()), &theirs["oid"].as_str());
        differences.compare(&place("critical"), &Some(ours.critical), &theirs["critical"].as_bool());
        // It prints nothing of an extension in which a name holds a value that is no string (see REFUSED)
        if let (Some(expected), Some(text)) = (extension(ours), theirs["text"].as_str()) {
            let (ours, theirs) = (lines(&expected), lines(text));
            differences.compare(&place("text of extension"), &ours, &theirs);
        }
    }
}

/// Lines without their indentation. Of a notice in BMPString OpenSSL prints the octets up to the first zero, which is
/// nothing: the text is then left out on both sides.
fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            if line.starts_with("Explicit Text:") && !line.contains("A notice, to be read.") { "Explicit Text:" } else { line }
                .to_owned()
        })
        .collect()
}

/// `May 26 00:00:00 2015 GMT`
fn in_words(unix_ms: i64) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // Counting days one by one is slow and cannot be wrong
    let (mut days, seconds) = (unix_ms.div_euclid(86_400_000), unix_ms.rem_euclid(86_400_000) / 1000);
    let mut year = 1970;
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while days < 0 {
        year -= 1;
        days += 365 + i64::from(leap(year));
    }
    while days >= 365 + i64::from(leap(year)) {
        days -= 365 + i64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{} {:2} {hour:02}:{minute:02}:{second:02} {year} GMT", MONTHS[month], days + 1)
}

/// `Serial Number: 4711 (0x1267)` or octets on the next line, in hexadecimal without leading zeros.
fn serial(text: &str) -> String {
    let mut lines = text.lines().skip_while(|line| !line.contains("Serial Number:"));
    let line = lines.next().unwrap();
    let hex = match line.split_once("(0x") {
        Some((_, hex)) => hex.trim_end_matches(')').to_owned(),
        None => lines.next().unwrap().trim().replace(':', ""),
    };
    without_zeros(&hex).to_owned()
}

/// Names that OpenSSL 3.0 spells in another way, or does not have and shows as identifiers.
fn signature_algorithm(details: &Details) -> String {
    match details.signature_algorithm.name.as_str() {
        "Ed25519" => "ED25519".into(),
        "Ed448" => "ED448".into(),
        "RSASSA-PSS" => "rsassaPss".into(),
        name if name.starts_with("ML-DSA") || name.starts_with("SLH-DSA") => details.signature_algorithm.oid.clone(),
        name => name.into(),
    }
}

fn pss(number: usize, details: &Details, text: &str, differences: &mut Differences) {
    let pss = details.signature_algorithm.pss.as_ref().unwrap();
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key))?;
        Some(line.trim().trim_end_matches("(default)").trim().to_lowercase())
    };
    let place = |what: &str| format!("certificate {number}, PSS {what}");
    let hash = |name: &str| Some(name.replace("SHA-", "sha").to_lowercase());
    differences.compare(&place("hash"), &hash(&pss.hash), &value("Hash Algorithm:"));
    let mask = hash(&pss.mask_hash).map(|hash| format!("mgf1 with {hash}"));
    differences.compare(&place("mask"), &mask, &value("Mask Algorithm:"));
    differences.compare(&place("salt"), &Some(format!("{:02x}", pss.salt_length)), &value("Salt Length: 0x"));
}

fn key(number: usize, details: &Details, text: &str, differences: &mut Differences) {
    let place = |what: &str| format!("certificate {number}, {what}");
    let after = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim);
    let bits = after("Public-Key: (").and_then(|bits| bits.trim_end_matches(" bit)").parse::<u32>().ok());
    match &details.key.parts {
        KeyParts::Rsa { exponent, .. } => {
            differences.compare(&place("key bits"), &details.key.bits, &bits);
            let ours = exponent.iter().fold(0u64, |number, octet| number << 8 | u64::from(*octet));
            let theirs = after("Exponent:").and_then(|line| line.split(' ').next()?.parse().ok());
            differences.compare(&place("exponent"), &Some(ours), &theirs);
        }
        KeyParts::Ec(key) => {
            // OpenSSL counts the bits of the order, this crate those of the field: they differ where the cofactor is not
            // 1, and for a few curves whose order is just above a power of two
            let of_order = |curve: &str| {
                let few = ["secp112r2", "secp128r2", "secp160k1", "secp160r1", "secp160r2", "secp224k1"];
                curve.starts_with("sect") || curve.starts_with("c2") || few.contains(&curve)
            };
            if !key.curve.is_some_and(of_order) {
                differences.compare(&place("key bits"), &details.key.bits, &bits);
            }
            if !key.explicit {
                let named = after("ASN1 OID:").map(|name| match name {
                    "prime256v1" => "P-256",
                    "secp384r1" => "P-384",
                    "secp521r1" => "P-521",
                    "secp224r1" => "P-224",
                    "prime192v1" => "P-192",
                    other => other,
                });
                differences.compare(&place("curve"), &key.curve, &named);
            }
            differences.compare(&place("parameters written out"), &key.explicit, &after("Field Type:").is_some());
        }
        KeyParts::Dsa { p_bits, .. } => differences.compare(&place("key bits"), &Some(*p_bits), &bits),
        KeyParts::Fixed { .. } | KeyParts::Other => {}
    }
}

/// The text that OpenSSL prints for the extension; `None` where its form is not compared.
fn extension(extension: &Extension) -> Option<String> {
    let joined = |names: &[GeneralName]| names.iter().map(general_name).collect::<Vec<_>>().join(", ");
    // A directory name among others goes through X509_NAME_oneline, which has no way back from what it prints; the
    // package cryptography is asked for those
    let directory = |names: &[GeneralName]| names.iter().any(|name| matches!(name.choice, Choice::DirectoryName(_)));
    Some(match &extension.content {
        Content::SubjectAltName(names) | Content::IssuerAltName(names) if directory(names) => return None,
        Content::AuthorityKeyId(id) if directory(&id.issuer) => return None,
        Content::SubjectAltName(names) | Content::IssuerAltName(names) => joined(names),
        Content::SubjectKeyId(id) => colons(id),
        Content::AuthorityKeyId(id) => {
            let key = id.key_id.iter().map(|key| match id.issuer.is_empty() && id.serial.is_none() {
                true => colons(key),
                false => format!("keyid:{}", colons(key)),
            });
            let issuer = id.issuer.iter().map(general_name);
            let serial = id.serial.iter().map(|serial| format!("serial:{}", colons(serial)));
            key.chain(issuer).chain(serial).collect::<Vec<_>>().join("\n")
        }
        Content::KeyUsage(usages) => {
            let words = [
                ("digitalSignature", "Digital Signature"),
                ("nonRepudiation", "Non Repudiation"),
                ("keyEncipherment", "Key Encipherment"),
                ("dataEncipherment", "Data Encipherment"),
                ("keyAgreement", "Key Agreement"),
                ("keyCertSign", "Certificate Sign"),
                ("cRLSign", "CRL Sign"),
                ("encipherOnly", "Encipher Only"),
                ("decipherOnly", "Decipher Only"),
            ];
            usages.iter().map(|usage| words.iter().find(|(ours, _)| ours == usage).unwrap().1).collect::<Vec<_>>().join(", ")
        }
        Content::ExtendedKeyUsage(purposes) => {
            let word = |purpose: &certhold_pki::details::Purpose| match purpose.oid.as_str() {
                "1.3.6.1.5.5.7.3.1" => "TLS Web Server Authentication".to_owned(),
                "1.3.6.1.5.5.7.3.2" => "TLS Web Client Authentication".to_owned(),
                "1.3.6.1.5.5.7.3.3" => "Code Signing".to_owned(),
                "1.3.6.1.5.5.7.3.4" => "E-mail Protection".to_owned(),
                "1.3.6.1.5.5.7.3.8" => "Time Stamping".to_owned(),
                "1.3.6.1.5.5.7.3.9" => "OCSP Signing".to_owned(),
                "2.5.29.37.0" => "Any Extended Key Usage".to_owned(),
                "1.3.6.1.4.1.311.20.2.2" => "Microsoft Smartcard Login".to_owned(),
                other => other.to_owned(),
            };
            purposes.iter().map(word).collect::<Vec<_>>().join(", ")
        }
        Content::BasicConstraints { ca, path_length } => {
            let length = path_length.map(|length| format!(", pathlen:{length}")).unwrap_or_default();
            format!("CA:{}{length}", if *ca { "TRUE" } else { "FALSE" })
        }
        Content::AuthorityInfoAccess(list) => {
            let word = |name: Option<&str>| if name == Some("OCSP") { "OCSP" } else { "CA Issuers" };
            list.iter()
                .map(|item| format!("{} - {}", word(item.name), general_name(&item.location)))
                .collect::<Vec<_>>()
                .join("\n")
        }
        Content::CrlDistributionPoints(points) => points.iter().map(point).collect::<Vec<_>>().join("\n"),
        Content::CertificatePolicies(policies) => policies.iter().map(policy).collect::<Vec<_>>().join("\n"),
        Content::PolicyConstraints(explicit, inhibit) => {
            let explicit = explicit.map(|count| format!("Require Explicit Policy:{count}"));
            let inhibit = inhibit.map(|count| format!("Inhibit Policy Mapping:{count}"));
            explicit.into_iter().chain(inhibit).collect::<Vec<_>>().join(", ")
        }
        Content::InhibitAnyPolicy(count) => count.to_string(),
        Content::TlsFeature(features) if features == &[5] => "status_request".to_owned(),
        Content::NameConstraints { permitted, excluded } => {
            let list = |word: &str, trees: &[certhold_pki::details::Subtree]| {
                let lines = trees.iter().map(|tree| constrained(&tree.base)).collect::<Vec<_>>().join("\n");
                if trees.is_empty() { String::new() } else { format!("{word}:\n{lines}\n") }
            };
            list("Permitted", permitted) + &list("Excluded", excluded)
        }
        Content::SignedCertificateTimestamps(entries) => entries.iter().map(timestamp).collect::<Vec<_>>().join("\n"),
        _ => return None,
    })
}

fn colons(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":")
}

fn general_name(name: &GeneralName) -> String {
    match &name.choice {
        Choice::OtherName { name: Some("UPN"), text: Some(text), .. } => format!("othername: UPN::{text}"),
        Choice::OtherName { name: Some("dnsSRV"), text: Some(text), .. } => format!("othername: SRVName::{text}"),
        // It prints the octets of UTF-8 raw; this test keeps to text
        Choice::OtherName { name: Some("SmtpUTF8Mailbox"), text: Some(text), .. } => {
            format!("othername: SmtpUTF8Mailbox::{text}")
        }
        Choice::OtherName { oid, .. } => format!("othername: {oid}::<unsupported>"),
        Choice::Email(text) => format!("email:{text}"),
        Choice::Dns(text) => format!("DNS:{text}"),
        Choice::X400Address => "X400Name:<unsupported>".to_owned(),
        Choice::DirectoryName(name) => format!("DirName:{}", name.render(NameStyle::OpenSsl)),
        Choice::EdiPartyName { .. } => "EdiPartyName:<unsupported>".to_owned(),
        Choice::Uri(text) => format!("URI:{text}"),
        Choice::IpAddress(text) => format!("IP Address:{}", address(text)),
        Choice::RegisteredId(text) if text == "2.5.4.3" => "Registered ID:commonName".to_owned(),
        Choice::RegisteredId(text) => format!("Registered ID:{text}"),
        Choice::Unknown(_) => "?".to_owned(),
    }
}

/// OpenSSL writes all eight groups of an IPv6 address, in upper case and without leading zeros.
fn address(text: &str) -> String {
    match text.parse::<std::net::Ipv6Addr>() {
        Ok(address) => address.segments().map(|group| format!("{group:X}")).join(":"),
        Err(_) => text.to_owned(),
    }
}

/// In name constraints an address stands with its mask written out.
fn constrained(name: &GeneralName) -> String {
    let Choice::IpAddress(_) = &name.choice else {
        return general_name(name);
    };
    let (address, mask) = name.raw.split_at(name.raw.len() / 2);
    let shown = |octets: &[u8]| match octets.len() {
        4 => octets.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
        _ => {
            let groups = octets.chunks(2).map(|pair| format!("{:X}", u16::from(pair[0]) << 8 | u16::from(pair[1])));
            groups.collect::<Vec<_>>().join(":")
        }
    };
    format!("IP:{}/{}", shown(address), shown(mask))
}

/// After the last of the full names OpenSSL 3.0 forgets the end of the line.
fn label(text: &str, lines: &mut Vec<String>) {
    match lines.last_mut() {
        Some(last) if last.starts_with("URI:") => last.push_str(text),
        _ => lines.push(text.to_owned()),
    }
}

fn point(point: &DistributionPoint) -> String {
    let mut lines = Vec::new();
    if !point.full_name.is_empty() {
        lines.push("Full Name:".to_owned());
        lines.extend(point.full_name.iter().map(general_name));
    }
    if let Some(relative) = &point.relative_name {
        let attribute = &relative.attributes[0];
        lines.push("Relative Name:".to_owned());
        lines.push(format!("CN = {}", attribute.text.clone().unwrap()));
    }
    if !point.reasons.is_empty() {
        let words = [("keyCompromise", "Key Compromise"), ("cACompromise", "CA Compromise")];
        let shown = point.reasons.iter().map(|reason| words.iter().find(|(ours, _)| ours == reason).unwrap().1);
        label("Reasons:", &mut lines);
        lines.push(shown.collect::<Vec<_>>().join(", "));
    }
    if !point.crl_issuer.is_empty() {
        label("CRL Issuer:", &mut lines);
        lines.extend(point.crl_issuer.iter().map(general_name));
    }
    lines.join("\n")
}

fn policy(policy: &certhold_pki::details::Policy) -> String {
    let mut lines = vec![format!("Policy: {}", policy_name(&policy.oid))];
    for qualifier in &policy.qualifiers {
        match qualifier {
            Qualifier::CpsUri(uri) => lines.push(format!("CPS: {uri}")),
            Qualifier::UserNotice { explicit_text, organization, numbers } => {
                lines.push("User Notice:".to_owned());
                if let Some(organization) = organization {
                    lines.push(format!("Organization: {organization}"));
                    let word = if numbers.len() > 1 { "Numbers" } else { "Number" };
                    lines.push(format!("{word}: {}", numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")));
                }
                lines.extend(explicit_text.iter().map(|text| format!("Explicit Text: {text}")));
            }
            Qualifier::Other(..) => lines.push("Unknown Qualifier".to_owned()),
        }
    }
    lines.join("\n")
}

fn policy_name(oid: &str) -> &str {
    if oid == "2.5.29.32.0" { "X509v3 Any Policy" } else { oid }
}

fn timestamp(entry: &certhold_pki::details::SctEntry) -> String {
    let log = entry.log_id.chunks(16).map(colons).collect::<Vec<_>>().join(":\n");
    let millis = entry.timestamp % 1000;
    let words = in_words(i64::try_from(entry.timestamp).unwrap());
    let (clock, year) = words.split_at(words.len() - " 2015 GMT".len());
    let signature = entry.signature.chunks(16).map(colons).collect::<Vec<_>>().join(":\n");
    let algorithm = entry.signature_algorithm.as_str();
    format!(
        "Signed Certificate Timestamp:\nVersion   : v{} (0x0)\nLog ID    : {log}\nTimestamp : {clock}.{millis:03}{year}\n\
         Extensions: none\nSignature : {algorithm}\n{signature}",
        entry.version
    )
}
