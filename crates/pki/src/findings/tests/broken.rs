//! Certificates that break the rules for all.

use super::Case;
use super::make::*;
use crate::asn1::{element, tag};

pub(super) fn structure() -> Vec<Case> {
    let (leaf, root) = (private(), root());
    let plain = leaf.with(|made| made.extensions = None);
    vec![
        ("version-unknown", leaf.with(|made| made.version = Some(5)), leaf.clone()),
        ("version-too-low-for-extensions", leaf.with(|made| made.version = None), leaf.clone()),
        ("version-outdated", plain.with(|made| made.version = None), leaf.with(|made| made.version = None)),
        ("serial-negative", leaf.with(|made| made.serial = vec![0x80, 1]), leaf.with(|made| made.serial = vec![0, 0x80, 1])),
        ("serial-zero", leaf.with(|made| made.serial = vec![0]), leaf.with(|made| made.serial = vec![1])),
        ("serial-too-long", leaf.with(|made| made.serial = vec![7; 21]), leaf.with(|made| made.serial = vec![7; 20])),
        ("serial-padded", leaf.with(|made| made.serial = vec![0, 0x7f]), leaf.with(|made| made.serial = vec![0, 0x80])),
        ("serial-predictable", public().with(|made| made.serial = vec![7; 6]), leaf.with(|made| made.serial = vec![7; 6])),
        ("validity-reversed", leaf.life("260601000000Z", "260531235959Z"), leaf.life("260601000000Z", "260601000000Z")),
        ("validity-unreadable", leaf.life("260601000000Z", "261301000000Z"), leaf.clone()),
        ("validity-form", leaf.life("2606010000Z", "260829235959Z"), leaf.clone()),
        ("validity-form", leaf.life("260601000000+0100", "260829235959Z"), leaf.clone()),
        (
            "validity-time-type",
            leaf.with(|made| made.not_after = generalized("20260829235959Z")),
            root.with(|made| made.not_after = generalized("20500101000000Z")),
        ),
        (
            "validity-without-end",
            leaf.with(|made| made.not_after = generalized("99991231235959Z")),
            leaf.with(|made| made.not_after = generalized("99991231235958Z")),
        ),
        ("lifetime-very-long", leaf.life("260601000000Z", "310701235959Z"), leaf.life("260601000000Z", "310531235959Z")),
        ("lifetime-over-apple-limit", leaf.life("260601000000Z", "280903000000Z"), leaf.life("260601000000Z", "280902235959Z")),
        (
            "signature-algorithm-mismatch",
            leaf.with(|made| made.inner = algorithm("1.2.840.10045.4.3.3", &[])),
            leaf.signed_with(algorithm("1.2.840.10045.4.3.3", &[])),
        ),
        ("unique-identifiers", leaf.with(|made| made.before_extensions = element(0x81, &[&[0, 1]])), leaf.clone()),
        ("unknown-fields", leaf.with(|made| made.before_extensions = vec![tag::NULL, 0]), leaf.clone()),
        ("self-signed", leaf.without(AKI).with(|made| made.issuer = made.subject.clone()), root.clone()),
    ]
}

pub(super) fn names() -> Vec<Case> {
    let leaf = private();
    let org = |string: u8, value: &[u8]| leaf.subject(name_of(O, string, value));
    let text = |value: &str| org(tag::UTF8_STRING, value.as_bytes());
    let broken_set = element(tag::SET, &[&sequence(&[&oid_element(CN)])]);
    let mail = leaf.subject(name(&[(CN, "A"), (EMAIL, "a@example.com")]));
    let issuer = |cn: &str| leaf.with(|made| made.issuer = name(&[(O, "Let's Encrypt"), (CN, cn)]));
    vec![
        ("issuer-empty", leaf.with(|made| made.issuer.clear()), leaf.clone()),
        ("ca-subject-empty", issuing().subject(Vec::new()), leaf.subject(Vec::new())),
        ("subject-and-names-empty", leaf.subject(Vec::new()).without(SAN), leaf.subject(Vec::new())),
        ("name-malformed", leaf.subject(broken_set), leaf.clone()),
        ("subject-attribute-empty", text(""), text("x")),
        ("subject-attribute-padded", text("Example "), text("Exam ple")),
        ("subject-attribute-meaningless", text(" - "), text("A-Z")),
        ("subject-attribute-too-long", text(&"ü".repeat(65)), text(&"ü".repeat(64))),
        ("subject-string-type", org(tag::TELETEX_STRING, b"Example"), org(tag::PRINTABLE_STRING, b"Example")),
        ("subject-string-type", org(tag::BMP_STRING, b"\0E"), text("E")),
        ("subject-printable-characters", org(tag::PRINTABLE_STRING, b"a@b"), org(tag::PRINTABLE_STRING, b"a (b)+'c':d=e?")),
        ("subject-not-utf8", org(tag::UTF8_STRING, b"\xfc"), text("ü")),
        ("subject-control-characters", text("a\nb"), text("a b")),
        ("country-code", leaf.subject(name(&[(C, "Germany")])), leaf.subject(name(&[(C, "DE")]))),
        ("country-code", leaf.subject(name(&[(C, "de")])), leaf.clone()),
        ("country-string-type", leaf.subject(name_of(C, tag::UTF8_STRING, b"DE")), leaf.clone()),
        ("email-in-subject", mail.clone(), mail.ext(SAN, false, names_of_mail("a@example.com"))),
        ("common-name-repeated", leaf.subject(name(&[(CN, "a"), (CN, "b")])), leaf.clone()),
        ("subject-placeholder", text("Internet Widgits Pty Ltd"), text("Internet Gadgets Ltd")),
        ("test-authority", issuer("(STAGING) Riddling Rhubarb R12"), issuer("R12")),
    ]
}

fn names_of_mail(address: &str) -> Vec<u8> {
    super::make::names(&[(0x81, address.as_bytes())])
}

pub(super) fn alt_names() -> Vec<Case> {
    let leaf = private();
    let with = |all: &[&str]| leaf.ext(SAN, false, dns(all));
    let ip = |octets: &[u8]| leaf.ext(SAN, false, super::make::names(&[(0x87, octets)]));
    let uri = |text: &str| leaf.ext(SAN, false, super::make::names(&[(0x86, text.as_bytes())]));
    let mail = |text: &str| leaf.ext(SAN, false, names_of_mail(text));
    let for_mail = leaf.ext(EKU, false, oids(&["1.3.6.1.5.5.7.3.4"]));
    let nameless = leaf.subject(Vec::new());
    let many: Vec<String> = (0..40).map(|n| format!("h{n}.example.com")).chain(["h3.example.com".to_owned()]).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    vec![
        ("san-empty", with(&[]), leaf.clone()),
        ("san-missing-for-tls-server", leaf.without(SAN), leaf.without(SAN).ext(EKU, false, oids(&[CLIENT]))),
        ("san-missing-for-email", for_mail.clone(), for_mail.ext(SAN, false, names_of_mail("a@example.com"))),
        ("san-not-critical-without-subject", nameless.clone(), nameless.critical(SAN, true)),
        ("san-critical-with-subject", leaf.critical(SAN, true), nameless.critical(SAN, true)),
        ("san-dns-malformed", with(&["https://example.com"]), with(&["a-b.example.com", "*.example.com", "localhost"])),
        ("san-dns-malformed", with(&["a..example.com"]), leaf.clone()),
        ("san-dns-malformed", with(&[&format!("{}.example", "a".repeat(64))]), with(&[&format!("{}.example", "a".repeat(63))])),
        ("san-dns-malformed", with(&["example.com."]), leaf.clone()),
        ("san-dns-malformed", with(&[" "]), leaf.clone()),
        ("san-dns-underscore", with(&["a_b.example.com"]), with(&["a-b.example.com"])),
        ("san-dns-not-ascii", with(&["bücher.example"]), with(&["xn--bcher-kva.example"])),
        ("san-dns-is-address", with(&["192.0.2.1"]), ip(&[192, 0, 2, 1])),
        ("san-dns-is-address", with(&["2001:db8::1"]), with(&["192.0.2.1.example"])),
        ("san-wildcard-misplaced", with(&["w*.example.com"]), with(&["*.example.com"])),
        ("san-wildcard-misplaced", with(&["*.*.example.com"]), leaf.clone()),
        ("san-wildcard-too-wide", with(&["*.com"]), with(&["*.example.com"])),
        ("san-ip-length", ip(&[1, 2, 3, 4, 255, 255, 255, 0]), ip(&[0x20; 16])),
        ("san-email-malformed", mail("nobody"), mail("some.body+x@example.com")),
        ("san-email-malformed", mail("Some Body <a@example.com>"), leaf.clone()),
        ("san-uri-malformed", uri("/relative"), uri("spiffe://example.com/service")),
        ("san-uri-malformed", uri("//example.com/"), uri("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")),
        ("san-repeated", with(&["a.example", "b.example", "a.example"]), with(&["a.example", "b.example"])),
        ("san-repeated", with(&many), with(&many[..40])),
        ("common-name-not-in-san", with(&["other.example.com"]), with(&["WWW.example.com"])),
    ]
}

pub(super) fn extensions() -> Vec<Case> {
    let (leaf, ca) = (private(), issuing());
    let again = |made: &mut Made| {
        let all = made.extensions.as_mut().unwrap();
        all.push(all[0].clone());
    };
    let aki = |parts: &[&[u8]]| leaf.ext(AKI, false, sequence(parts));
    let (id, issuer, serial) =
        (element(0x80, &[&[1; 20]]), element(0xa1, &[&element(0xa4, &[&sequence(&[])])]), element(0x82, &[&[1]]));
    let feature = leaf.ext("1.3.6.1.5.5.7.1.24", false, sequence(&[&[2, 1, 5]]));
    let responder = leaf.ext(EKU, false, oids(&["1.3.6.1.5.5.7.3.9"]));
    let permitted = element(0xa0, &[&sequence(&[&element(0x82, &[b"example.com"])])]);
    let mapping = |from: &str, to: &str| ca.ext("2.5.29.33", true, sequence(&[&oids(&[from, to])]));
    let long = leaf.life("260601000000Z", "270601000000Z");
    vec![
        ("extensions-empty", leaf.with(|made| made.extensions = Some(Vec::new())), leaf.clone()),
        ("extension-repeated", leaf.with(again), leaf.clone()),
        ("extension-malformed", leaf.ext(KU, true, vec![2, 1, 0]), leaf.clone()),
        ("extension-unknown-critical", leaf.ext("1.2.3.4", true, vec![5, 0]), leaf.ext("1.2.3.4", false, vec![5, 0])),
        ("extension-obsolete", leaf.ext("2.16.840.1.113730.1.1", false, bits(&[1])), leaf.clone()),
        ("extension-obsolete", leaf.ext("2.16.840.1.113730.1.12", false, vec![0x16, 1, 0x61]), leaf.clone()),
        ("basic-constraints-not-critical", ca.critical(BASIC, false), leaf.ext(BASIC, false, sequence(&[]))),
        (
            "path-length-without-ca",
            leaf.ext(BASIC, true, sequence(&[&[2, 1, 0]])),
            ca.ext(BASIC, true, sequence(&[&[1, 1, 0xff, 2, 1, 0]])),
        ),
        ("subject-key-id-missing", ca.without(SKI), leaf.without(SKI)),
        ("authority-key-id-missing", leaf.without(AKI), root().without(AKI)),
        ("authority-key-id-without-key", aki(&[&issuer, &serial]), aki(&[&id])),
        ("authority-key-id-incomplete", aki(&[&id, &issuer]), aki(&[&id, &issuer, &serial])),
        ("authority-key-id-incomplete", aki(&[&id, &serial]), leaf.clone()),
        ("crl-point-without-location", leaf.ext(CRL_POINTS, false, sequence(&[&sequence(&[&[0x81, 2, 6, 0x40]])])), leaf.clone()),
        ("crl-or-ocsp-over-https", leaf.ext(CRL_POINTS, false, crl("HTTPS://crl.example.com/1.crl")), leaf.clone()),
        (
            "name-constraints-in-leaf",
            leaf.ext(NAME_CONSTRAINTS, true, sequence(&[&permitted])),
            ca.ext(NAME_CONSTRAINTS, true, sequence(&[&permitted])),
        ),
        (
            "name-constraints-empty",
            ca.ext(NAME_CONSTRAINTS, true, sequence(&[])),
            ca.ext(NAME_CONSTRAINTS, true, sequence(&[&permitted])),
        ),
        (
            "policy-constraints-empty",
            ca.ext("2.5.29.36", true, sequence(&[])),
            ca.ext("2.5.29.36", true, sequence(&[&[0x80, 1, 0]])),
        ),
        ("policy-mapping-any", mapping("2.5.29.32.0", "1.2.3"), mapping("1.2.3", "1.2.4")),
        ("policy-mapping-any", mapping("1.2.3", "2.5.29.32.0"), leaf.clone()),
        ("policy-extensions-in-leaf", leaf.ext("2.5.29.54", true, vec![2, 1, 0]), ca.ext("2.5.29.54", true, vec![2, 1, 0])),
        (
            "policy-repeated",
            leaf.ext(POLICIES, false, policies(&["1.2.3", "1.2.3"])),
            leaf.ext(POLICIES, false, policies(&["1.2.3", "1.2.4"])),
        ),
        (
            "must-staple-without-ocsp",
            feature.clone(),
            feature.ext(AIA, false, access(&[("1.3.6.1.5.5.7.48.1", "http://ocsp.example.com")])),
        ),
        ("precertificate", public().ext(POISON, true, vec![5, 0]), public()),
        ("ocsp-responder-without-nocheck", responder.clone(), responder.ext("1.3.6.1.5.5.7.48.1.5", false, vec![5, 0])),
        ("revocation-unknown", long.without(CRL_POINTS), long.clone()),
        ("revocation-unknown", long.without(CRL_POINTS), leaf.without(CRL_POINTS)),
    ]
}

pub(super) fn criticality() -> Vec<Case> {
    let (leaf, ca) = (private(), issuing());
    let both = |id: &'static str, base: &Made, oid: &str, value: Vec<u8>, wrong: bool| {
        (id, base.ext(oid, wrong, value.clone()), base.ext(oid, !wrong, value))
    };
    let permitted = sequence(&[&element(0xa0, &[&sequence(&[&element(0x82, &[b"example.com"])])])]);
    let crl = crl("http://crl.example.com/1.crl");
    vec![
        both("subject-key-id-critical", &leaf, SKI, element(tag::OCTET_STRING, &[&[1; 20]]), true),
        both("authority-key-id-critical", &leaf, AKI, sequence(&[&element(0x80, &[&[1; 20]])]), true),
        both("issuer-alt-name-critical", &leaf, "2.5.29.18", dns(&["example.com"]), true),
        both(
            "subject-directory-critical",
            &leaf,
            "2.5.29.9",
            sequence(&[&sequence(&[&oid_element("1.3.6.1.5.5.7.9.4"), &element(tag::SET, &[&[0x13, 2, 0x44, 0x45]])])]),
            true,
        ),
        both("freshest-crl-critical", &leaf, "2.5.29.46", crl.clone(), true),
        both("authority-info-critical", &leaf, AIA, access(&[("1.3.6.1.5.5.7.48.2", "http://ca.example.com/1.cer")]), true),
        both(
            "subject-info-critical",
            &ca,
            "1.3.6.1.5.5.7.1.11",
            access(&[("1.3.6.1.5.5.7.48.5", "http://ca.example.com/")]),
            true,
        ),
        both("crl-points-critical", &leaf, CRL_POINTS, crl, true),
        both("name-constraints-not-critical", &ca, NAME_CONSTRAINTS, permitted, false),
        both("policy-constraints-not-critical", &ca, "2.5.29.36", sequence(&[&[0x80, 1, 0]]), false),
        both("inhibit-any-policy-not-critical", &ca, "2.5.29.54", vec![2, 1, 0], false),
        both("key-usage-not-critical", &leaf, KU, bits(&[0]), false),
    ]
}

pub(super) fn usage() -> Vec<Case> {
    let (leaf, ca) = (private(), issuing());
    let ku = |base: &Made, set: &[usize]| base.ext(KU, true, bits(set));
    let eku = |all: &[&str]| leaf.ext(EKU, false, oids(all));
    let of = |kind: &str| leaf.key(key(&algorithm(kind, &[]), &[9; 32]));
    let rsa = leaf.key(rsa_key(&unhex(MODULUS_2048)));
    let (stamping, signing, any) = ("1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.3", "2.5.29.37.0");
    // Keys of the lengths that FIPS 203 to 205 give to ML-KEM-768, ML-DSA-65 and SLH-DSA-SHA2-128s
    let nist = |last: &str| {
        let length = if last.starts_with('4') { 1184 } else { 1952 };
        let length = if last == "3.20" { 32 } else { length };
        leaf.key(key(&algorithm(&format!("2.16.840.1.101.3.4.{last}"), &[]), &vec![9; length]))
    };
    vec![
        ("ca-key-usage-missing", ca.without(KU), leaf.without(KU)),
        ("ca-may-not-sign", ku(&ca, &[6]), ku(&ca, &[5])),
        ("cert-sign-without-ca", ku(&leaf, &[0, 5]), ku(&leaf, &[0])),
        ("key-usage-empty", ku(&leaf, &[]), ku(&leaf, &[0])),
        ("key-usage-only-without-agreement", ku(&leaf, &[0, 7]), ku(&leaf, &[4, 7])),
        ("key-usage-only-without-agreement", ku(&leaf, &[0, 8]), ku(&leaf, &[4, 8])),
        ("rsa-key-agreement", ku(&rsa, &[0, 4]), ku(&leaf, &[0, 4])),
        ("ec-key-encipherment", ku(&leaf, &[0, 2]), ku(&rsa, &[0, 2])),
        ("edwards-key-usage", ku(&of("1.3.101.112"), &[0, 4]), ku(&of("1.3.101.112"), &[0, 1])),
        ("montgomery-key-usage", ku(&of("1.3.101.110"), &[0]), ku(&of("1.3.101.110"), &[4])),
        ("ml-dsa-key-usage", ku(&nist("3.18"), &[0, 2]), ku(&nist("3.18"), &[0])),
        ("slh-dsa-key-usage", ku(&nist("3.20"), &[0, 4]), ku(&nist("3.20"), &[0])),
        ("ml-kem-key-usage", ku(&nist("4.2"), &[0]), ku(&nist("4.2"), &[2])),
        ("ml-kem-key-usage", ku(&nist("4.2"), &[2, 3]), ku(&nist("4.2"), &[2])),
        ("purpose-repeated", eku(&[SERVER, SERVER]), eku(&[SERVER, CLIENT])),
        ("purpose-any-critical", eku(&[any]).critical(EKU, true), eku(&[any])),
        ("purpose-any", eku(&[SERVER, any]), eku(&[SERVER])),
        ("tls-server-key-usage", ku(&leaf, &[1]), ku(&leaf, &[0])),
        ("tls-client-key-usage", ku(&eku(&[CLIENT]), &[1]), ku(&eku(&[CLIENT]), &[0])),
        ("code-signing-mixed", eku(&[SERVER, signing]), eku(&[signing])),
        ("time-stamping-not-alone", eku(&[stamping, SERVER]).critical(EKU, true), eku(&[stamping]).critical(EKU, true)),
        ("time-stamping-not-alone", eku(&[stamping]), eku(&[SERVER])),
        ("ca-purpose-ocsp", ca.ext(EKU, false, oids(&["1.3.6.1.5.5.7.3.9"])), ca.ext(EKU, false, oids(&[SERVER]))),
    ]
}

/// 65537 to the power of `n`: an RSA modulus of the faulty library is congruent to such a power modulo the product of the
/// first primes (Nemec et al. 2017, section 3.1), and here it is one.
fn power_of_65537(n: usize) -> Vec<u8> {
    let mut number = vec![1u8];
    for _ in 0..n {
        let shifted = [&number[..], &[0, 0]].concat();
        let (mut sum, mut carry) = (shifted.clone(), 0u16);
        for place in 0..shifted.len() {
            let low = number.len().checked_sub(place + 1).map_or(0, |at| u16::from(number[at]));
            let at = shifted.len() - 1 - place;
            let digit = u16::from(shifted[at]) + low + carry;
            (sum[at], carry) = (digit as u8, digit >> 8);
        }
        number = if carry > 0 { [&[carry as u8][..], &sum].concat() } else { sum };
    }
    number
}

pub(super) fn keys() -> Vec<Case> {
    let leaf = private();
    let strong = unhex(MODULUS_2048);
    let null = [tag::NULL, 0];
    let rsa = |modulus: &[u8]| leaf.key(rsa_key(modulus));
    let exponent = |exponent: &[u8]| leaf.key(rsa_key_with(&null, &strong, exponent));
    let on = |curve: &str, length: usize| leaf.key(ec_key(&oid_element(curve), &[&[4][..], &vec![1; length - 1]].concat()));
    let even = [&strong[..255], &[0xfe]].concat();
    // A number whose digits to the base 256 sum to a multiple of 3 is one itself, since 256 leaves the remainder 1.
    let sum: u32 = strong[..255].iter().map(|octet| u32::from(*octet)).sum();
    let third = [&strong[..255], &[[3u8, 5, 1][(sum % 3) as usize]]].concat();
    let dsa = key(&algorithm("1.2.840.10040.4.1", &sequence(&[&[2, 1, 7], &[2, 1, 3], &[2, 1, 2]])), &[2, 1, 4]);
    let compressed = [&[2][..], &p256_point()[1..33]].concat();
    let p256 = oid_element("1.2.840.10045.3.1.7");
    let edwards = |parameters: &[u8]| leaf.key(key(&algorithm("1.3.101.112", parameters), &[9; 32]));
    let until = |made: &Made, end: &str| made.life("260601000000Z", end);
    let ml_dsa = leaf.key(key(&algorithm("2.16.840.1.101.3.4.3.18", &[]), &[9; 1952]));
    vec![
        ("weak-rsa-key", rsa(&unhex(MODULUS_1024)), rsa(&strong)),
        ("weak-ec-key", on("1.2.840.10045.3.1.1", 49), leaf.clone()),
        ("dsa-key", leaf.key(dsa), leaf.clone()),
        ("rsa-exponent-invalid", exponent(&[1]), exponent(&[3])),
        ("rsa-exponent-invalid", exponent(&[1, 0, 0]), exponent(&[1, 0, 1])),
        ("rsa-exponent-small", exponent(&[3]), exponent(&[1, 0, 1])),
        ("rsa-exponent-large", exponent(&[1; 33]), exponent(&[1; 32])),
        ("rsa-modulus-odd-length", rsa(&[&[0x0f][..], &strong[1..]].concat()), rsa(&strong)),
        ("rsa-modulus-small-factor", rsa(&even), rsa(&strong)),
        ("rsa-modulus-small-factor", rsa(&third), rsa(&strong)),
        ("rsa-key-roca", rsa(&power_of_65537(127)), rsa(&strong)),
        ("rsa-key-parameters", leaf.key(rsa_key_with(&[], &strong, &[1, 0, 1])), rsa(&strong)),
        ("ec-explicit-parameters", leaf.key(ec_key(&sequence(&[&[2, 1, 1]]), &p256_point())), leaf.clone()),
        ("ec-curve-uncommon", on("1.3.132.0.10", 65), on("1.3.132.0.34", 97)),
        ("ec-point-malformed", leaf.key(ec_key(&p256, &p256_point()[..64])), leaf.clone()),
        ("ec-point-compressed", leaf.key(ec_key(&p256, &compressed)), leaf.clone()),
        ("edwards-key-parameters", edwards(&null), edwards(&[])),
        ("key-for-many-years", until(&rsa(&strong), "310101000000Z"), until(&rsa(&strong), "301231235959Z")),
        ("key-for-many-years", until(&rsa(&strong), "310101000000Z"), until(&leaf, "310101000000Z")),
        ("quantum-vulnerable", until(&leaf, "360101000000Z"), until(&ml_dsa, "360101000000Z")),
        ("quantum-vulnerable", until(&leaf, "360101000000Z"), until(&leaf, "351231235959Z")),
    ]
}

pub(super) fn signatures() -> Vec<Case> {
    let leaf = private();
    let null = [tag::NULL, 0];
    let rsa = |last: &str| algorithm(&format!("1.2.840.113549.1.1.{last}"), &null);
    let digest = |dotted: &str| algorithm(dotted, &[]);
    let pss = |hash: &str, mask: &str| {
        let mask = algorithm("1.2.840.113549.1.1.8", &digest(mask));
        let parameters = sequence(&[&element(0xa0, &[&digest(hash)]), &element(0xa1, &[&mask]), &element(0xa2, &[&[2, 1, 32]])]);
        leaf.signed_with(algorithm("1.2.840.113549.1.1.10", &parameters))
    };
    let (sha256, sha384) = ("2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2");
    vec![
        ("signature-md5", leaf.signed_with(rsa("4")), leaf.signed_with(rsa("11"))),
        ("signature-md5", leaf.signed_with(rsa("2")), leaf.clone()),
        ("signature-sha1", leaf.signed_with(rsa("5")), root().signed_with(rsa("5"))),
        ("signature-sha1", leaf.signed_with(algorithm("1.2.840.10045.4.1", &[])), leaf.clone()),
        ("signature-sha224", leaf.signed_with(rsa("14")), leaf.signed_with(rsa("11"))),
        ("signature-parameters", leaf.signed_with(algorithm("1.2.840.113549.1.1.11", &[])), leaf.signed_with(rsa("11"))),
        ("signature-parameters", leaf.signed_with(algorithm("1.2.840.10045.4.3.2", &null)), leaf.clone()),
        ("signature-pss-mixed", pss(sha256, sha384), pss(sha256, sha256)),
        ("signature-pss-mixed", leaf.signed_with(algorithm("1.2.840.113549.1.1.10", &sequence(&[]))), pss(sha384, sha384)),
        ("signature-empty", leaf.with(|made| made.signature.clear()), leaf.clone()),
    ]
}
