//! The facts of certificates against what `openssl x509` says of the same bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod common;

use certhold_pki::{AltNameKind, Facts, pem};
use common::{Workshop, lines, openssl};

/// Options that make openssl print names by RFC 4514, in UTF-8.
const NAME_OPTIONS: &str = "esc_2253,esc_ctrl,utf8,dump_nostr,dump_unknown,dump_der,sep_comma_plus,dn_rev,sname";

/// What openssl says about one certificate.
struct Expected {
    text: Vec<String>,
    not_before_ms: i64,
    not_after_ms: i64,
}

impl Expected {
    fn of(der: &[u8]) -> Expected {
        // One process for everything, because starting it costs more than the work
        let mut arguments = vec!["x509", "-inform", "DER", "-noout", "-text", "-certopt", "no_sigdump"];
        arguments.extend(["-serial", "-subject", "-issuer", "-startdate", "-enddate", "-fingerprint", "-sha256", "-pubkey"]);
        arguments.extend(["-dateopt", "iso_8601", "-nameopt", NAME_OPTIONS]);
        let mut expected = Expected { text: lines(&openssl(&arguments, der)), not_before_ms: 0, not_after_ms: 0 };
        let dates = [expected.printed("notBefore"), expected.printed("notAfter")].join("\n").replace('Z', " UTC");
        let seconds = lines(&common::run("date", &["-u", "-f", "-", "+%s"], dates.as_bytes()).unwrap());
        [expected.not_before_ms, expected.not_after_ms] = [0, 1].map(|n| seconds[n].parse::<i64>().unwrap() * 1000);
        expected
    }

    fn printed(&self, key: &str) -> &str {
        let prefix = format!("{key}=");
        self.text.iter().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_else(|| panic!("openssl prints {key}"))
    }

    /// A distinguished name with the keywords that this crate uses.
    fn name(&self, key: &str) -> String {
        let name = self.printed(key);
        [("GN=", "givenName="), ("street=", "STREET=")]
            .iter()
            .fold(name.to_owned(), |name, (theirs, ours)| name.replace(theirs, ours))
    }

    /// SHA-256 of the public key that openssl prints as PEM.
    fn spki_sha256(&self) -> String {
        let text = self.text.join("\n");
        let block = pem::blocks(text.as_bytes()).next().unwrap();
        digest("-sha256", &block.content.unwrap())
    }

    /// The trimmed rest of the first line of the full text that contains `key`.
    fn after(&self, key: &str) -> Option<&str> {
        self.text.iter().find_map(|line| line.split_once(key)).map(|(_, rest)| rest.trim())
    }

    /// The trimmed line after the one that contains `key`.
    fn below(&self, key: &str) -> Option<&str> {
        let position = self.text.iter().position(|line| line.contains(key))?;
        self.text.get(position + 1).map(|line| line.trim())
    }
}

fn digest(name: &str, bytes: &[u8]) -> String {
    let output = openssl(&["dgst", name, "-r"], bytes);
    String::from_utf8_lossy(&output).split_whitespace().next().unwrap_or_default().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn plain_hex(with_colons: &str) -> String {
    with_colons.trim_start_matches("keyid:").replace(':', "").to_ascii_lowercase()
}

/// Compares everything that openssl prints in a form that can be compared.
fn compare(der: &[u8]) -> Facts {
    let facts = Facts::of(der).unwrap();
    let expected = Expected::of(der);
    assert_eq!(hex(&facts.sha256), plain_hex(expected.printed("sha256 Fingerprint")));
    assert_eq!(hex(&facts.sha1), digest("-sha1", der));
    assert_eq!(facts.subject, expected.name("subject"));
    assert_eq!(facts.issuer, expected.name("issuer"));
    assert_eq!(facts.not_before, expected.not_before_ms, "{}", facts.subject);
    assert_eq!(facts.not_after, expected.not_after_ms, "{}", facts.subject);
    let serial = expected.printed("serial").to_ascii_lowercase();
    assert_eq!(facts.serial.trim_start_matches("00").trim_start_matches('0'), serial.trim_start_matches('0'));
    let version = expected.after("Version:").unwrap();
    assert!(version.starts_with(&facts.version.to_string()), "{version}");
    assert_eq!(facts.is_ca, expected.text.iter().any(|line| line.contains("CA:TRUE")));
    let path_length = expected.after("pathlen:").map(|number| number.parse().unwrap());
    assert_eq!(facts.path_length, path_length);
    assert_eq!(facts.subject_key_id, expected.below("X509v3 Subject Key Identifier:").map(plain_hex));
    compare_signature_algorithm(&facts, expected.after("Signature Algorithm:").unwrap());
    compare_usages(&facts, &expected);
    if let Some(bits) = expected.after("Public-Key: (") {
        let bits: u32 = bits.trim_end_matches(" bit)").parse().unwrap();
        assert_eq!(facts.key_bits, Some(bits), "{}", facts.subject);
    }
    assert_eq!(hex(&facts.spki_sha256), expected.spki_sha256(), "{}", facts.subject);
    facts
}

fn compare_signature_algorithm(facts: &Facts, expected: &str) {
    let expected = match expected {
        "ED25519" => "Ed25519",
        "ED448" => "Ed448",
        "rsassaPss" => "RSASSA-PSS",
        other => other,
    };
    assert_eq!(facts.signature_algorithm, expected);
}

fn compare_usages(facts: &Facts, expected: &Expected) {
    let usages = [
        ("Digital Signature", "digitalSignature"),
        ("Non Repudiation", "nonRepudiation"),
        ("Key Encipherment", "keyEncipherment"),
        ("Data Encipherment", "dataEncipherment"),
        ("Key Agreement", "keyAgreement"),
        ("Certificate Sign", "keyCertSign"),
        ("CRL Sign", "cRLSign"),
        ("Encipher Only", "encipherOnly"),
        ("Decipher Only", "decipherOnly"),
        ("TLS Web Server Authentication", "serverAuth"),
        ("TLS Web Client Authentication", "clientAuth"),
        ("Code Signing", "codeSigning"),
        ("E-mail Protection", "emailProtection"),
        ("Time Stamping", "timeStamping"),
        ("OCSP Signing", "OCSPSigning"),
        ("Any Extended Key Usage", "anyExtendedKeyUsage"),
    ];
    let translated = |line: Option<&str>| -> Vec<String> {
        let words = line.into_iter().flat_map(|line| line.split(", "));
        words.map(|word| usages.iter().find(|(theirs, _)| *theirs == word).map_or(word, |(_, ours)| ours).to_owned()).collect()
    };
    assert_eq!(facts.key_usage, translated(expected.below("X509v3 Key Usage:")));
    assert_eq!(facts.extended_key_usage, translated(expected.below("X509v3 Extended Key Usage:")));
}

#[test]
fn every_certificate_the_machine_trusts() {
    let mut count = 0;
    for entry in std::fs::read_dir("/etc/ssl/certs").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "pem") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let bundle = certhold_pki::read(&bytes, None).unwrap();
        assert_eq!((bundle.certificates.len(), bundle.refused.len()), (1, 0), "{}", path.display());
        let der = &bundle.certificates[0].der;
        let facts = compare(der);
        assert!(facts.self_issued);
        assert_eq!(facts.oddities, Vec::<String>::new(), "{}", path.display());
        count += 1;
    }
    assert!(count >= 100, "the trust store has only {count} certificates: is the package ca-certificates installed?");
}

#[test]
fn key_kinds_and_signature_algorithms() {
    let shop = Workshop::new();
    for (kind, algorithm, bits, curve) in [
        ("rsa:1024", "RSA", Some(1024), None),
        ("rsa:2048", "RSA", Some(2048), None),
        ("rsa:2056", "RSA", Some(2056), None),
        ("rsa-pss:2048", "RSASSA-PSS", Some(2048), None),
        ("ec:prime256v1", "EC", Some(256), Some("P-256")),
        ("ec:secp384r1", "EC", Some(384), Some("P-384")),
        ("ec:secp521r1", "EC", Some(521), Some("P-521")),
        ("ec:secp224r1", "EC", Some(224), Some("P-224")),
        ("ec:secp256k1", "EC", Some(256), Some("secp256k1")),
        ("ec:brainpoolP384r1", "EC", Some(384), Some("brainpoolP384r1")),
        ("ec:sect283k1", "EC", Some(283), Some("sect283k1")),
        ("ec-explicit:prime256v1", "EC", Some(256), Some("explicit")),
        ("ec-explicit:sect233r1", "EC", Some(233), Some("explicit")),
        ("ed25519", "Ed25519", Some(256), None),
        ("ed448", "Ed448", Some(456), None),
    ] {
        let der = shop.certificate(kind, &[]);
        // openssl numbers a binary curve by its order, this crate by its field: compare the rest only
        let facts = if kind.contains("sect") { Facts::of(&der).unwrap() } else { compare(&der) };
        assert_eq!((facts.key_algorithm.as_str(), facts.key_bits, facts.key_curve.as_deref()), (algorithm, bits, curve));
        assert_eq!(facts.oddities, Vec::<String>::new(), "{kind}");
    }
    for hash in ["-sha1", "-sha224", "-sha256", "-sha384", "-sha512", "-md5"] {
        compare(&shop.certificate("rsa:2048", &[hash]));
        if hash != "-md5" {
            compare(&shop.certificate("ec:prime256v1", &[hash]));
        }
    }
    compare(&shop.certificate("rsa:2048", &["-sigopt", "rsa_padding_mode:pss", "-sha384"]));
}

#[test]
fn every_kind_of_alternative_name() {
    let shop = Workshop::new();
    let config = shop.write(
        "names.cnf",
        b"[req]\ndistinguished_name=dn\n[dn]\n[ext]\nsubjectAltName=@names\n[names]\n\
          DNS.1=www.example.com\nDNS.2=*.Example.ORG\nIP.1=192.0.2.7\nIP.2=2001:db8::1\nemail.1=user@example.net\n\
          URI.1=spiffe://example.org/ns/x?y=z\nRID.1=1.2.3.4\ndirName.1=dir\n\
          otherName.1=1.3.6.1.4.1.311.20.2.3;UTF8:jim@corp.example\notherName.2=1.2.3.5;UTF8:thing\notherName.3=1.2.3.6;INTEGER:5\n\
          [dir]\nC=DE\nO=Directory, Inc.\nCN=node\n",
    );
    let der = shop.certificate("ec:prime256v1", &["-config", &config, "-extensions", "ext"]);
    let facts = compare(&der);
    let mut found: Vec<(&str, &str)> = facts.names.iter().map(|name| (name.kind.as_str(), name.value.as_str())).collect();
    let mut expected = vec![
        ("dns", "www.example.com"),
        ("dns", "*.Example.ORG"),
        ("ip", "192.0.2.7"),
        ("ip", "2001:db8::1"),
        ("email", "user@example.net"),
        ("uri", "spiffe://example.org/ns/x?y=z"),
        ("rid", "1.2.3.4"),
        ("dirname", "CN=node,O=Directory\\, Inc.,C=DE"),
        ("upn", "jim@corp.example"),
        ("other", "1.2.3.5:thing"),
        ("other", "1.2.3.6:#020105"),
    ];
    // openssl chooses the order of the sections' entries; the parser of another author tells it
    let (_, parsed) = x509_parser::parse_x509_certificate(&der).unwrap();
    let order: Vec<bool> = parsed
        .subject_alternative_name()
        .unwrap()
        .unwrap()
        .value
        .general_names
        .iter()
        .map(|name| matches!(name, x509_parser::prelude::GeneralName::DNSName(_)))
        .collect();
    assert_eq!(order, facts.names.iter().map(|name| name.kind == AltNameKind::Dns).collect::<Vec<_>>());
    assert_eq!(facts.dns_names().collect::<Vec<_>>(), ["www.example.com", "*.Example.ORG"]);
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn usages_constraints_and_addresses() {
    let shop = Workshop::new();
    let der = shop.certificate("ec:prime256v1", &[
        "-addext", "basicConstraints=critical,CA:TRUE,pathlen:3",
        "-addext", "keyUsage=critical,digitalSignature,keyCertSign,cRLSign,decipherOnly,keyAgreement",
        "-addext", "extendedKeyUsage=serverAuth,clientAuth,1.2.3.4.5,anyExtendedKeyUsage",
        "-addext", "authorityInfoAccess=OCSP;URI:http://ocsp.example/a,caIssuers;URI:http://ca.example/b.crt,OCSP;URI:http://ocsp.example/c",
        "-addext", "crlDistributionPoints=URI:http://crl.example/1,URI:ldap://crl.example/cn=2",
        "-addext", "certificatePolicies=1.2.3.4,2.5.29.32.0,2.23.140.1.2.1",
        "-addext", "1.2.3.4.5.6=critical,DER:0500",
    ]);
    let facts = Facts::of(&der).unwrap();
    let expected = Expected::of(&der);
    assert_eq!((facts.is_ca, facts.path_length), (true, Some(3)));
    compare_usages(&facts, &expected);
    assert_eq!(facts.key_usage.len(), 5);
    assert_eq!(facts.ocsp_urls, ["http://ocsp.example/a", "http://ocsp.example/c"]);
    assert_eq!(facts.issuer_urls, ["http://ca.example/b.crt"]);
    assert_eq!(facts.crl_urls, ["http://crl.example/1", "ldap://crl.example/cn=2"]);
    assert_eq!(facts.policies, ["1.2.3.4", "2.5.29.32.0", "2.23.140.1.2.1"]);
    assert_eq!(facts.authority_key_id, expected.below("X509v3 Authority Key Identifier:").map(plain_hex));
    assert_eq!(facts.oddities, Vec::<String>::new());
}

#[test]
fn names_that_need_care() {
    let shop = Workshop::new();
    for subject in [
        "/C=DE/ST=Bayern/L=M\u{fc}nchen/O=A, B & \"C\" <d>;e/OU= leading and trailing /CN=#hash \\+ plus",
        "/DC=org/DC=example/UID=jim/CN=two/CN=names/serialNumber=7/SN=Surname/GN=Given/title=Dr.",
        "/emailAddress=a@example.com/street=Main 1/postalCode=12345/businessCategory=x/organizationIdentifier=VATDE-1",
        "/CN=日本語/O=株式会社/description=\u{1f600}",
        "/CN=<script>alert(1)<\\/script>",
        "/CN=Robert'); DROP TABLE certificates;--",
        "/CN=$(rm -rf \\/)`id`|x",
        "/CN=..\\/..\\/etc\\/passwd",
        "/CN=back\\\\slash/O==equals=",
    ] {
        let facts = compare(&shop.certificate("ec:prime256v1", &["-subj", subject]));
        assert_eq!(facts.oddities, Vec::<String>::new());
    }
    // RFC 4514 section 2.2 leaves the order within a relative name open; openssl reverses it, this crate keeps it
    let facts = Facts::of(&shop.certificate("ec:prime256v1", &["-multivalue-rdn", "-subj", "/O=multi+OU=valued/CN=x"])).unwrap();
    assert_eq!(facts.subject, "CN=x,O=multi+OU=valued");
}

/// A certificate whose common name has been replaced, octet for octet; the signature does not matter to the facts.
fn with_common_name(shop: &Workshop, string_tag: u8, value: &[u8]) -> Facts {
    let placeholder = "x".repeat(value.len());
    let mut der = shop.certificate("ec:prime256v1", &["-subj", &format!("/CN={placeholder}")]);
    let mut replaced = 0;
    while let Some(at) = der.windows(value.len()).position(|window| window == placeholder.as_bytes()) {
        der[at..at + value.len()].copy_from_slice(value);
        der[at - 2] = string_tag;
        replaced += 1;
    }
    assert_eq!(replaced, 2, "subject and issuer");
    Facts::of(&der).unwrap()
}

#[test]
fn hostile_characters_stay_visible() {
    let shop = Workshop::new();
    for (string_tag, value, common_name, subject) in [
        (
            0x0c,
            "www.bank.example\0.evil.example".as_bytes(),
            "www.bank.example\\00.evil.example",
            "CN=www.bank.example\\00.evil.example",
        ),
        (0x16, b"www.bank.example\0.evil.example", "www.bank.example\\00.evil.example", "CN=www.bank.example\\00.evil.example"),
        (0x0c, "\u{202e}moc.elgoog".as_bytes(), "\\E2\\80\\AEmoc.elgoog", "CN=\\E2\\80\\AEmoc.elgoog"),
        (0x0c, "zero\u{200b}width".as_bytes(), "zero\\E2\\80\\8Bwidth", "CN=zero\\E2\\80\\8Bwidth"),
        (0x0c, b"line\r\nbreak\x1b[2J", "line\\0D\\0Abreak\\1B[2J", "CN=line\\0D\\0Abreak\\1B[2J"),
        (0x0c, b"bad \xff\xfe utf8 here", "bad ÿþ utf8 here", "CN=bad ÿþ utf8 here"),
        (0x1e, b"\0\x00\0w\0w\0w\xd8\x00", "\\00www\\00\\00\\D8\\00", "CN=\\00www\\00\\00\\D8\\00"),
        (0x02, b"\x01\x02\x03\x04\x05", "", "CN=#02050102030405"),
    ] {
        let facts = with_common_name(&shop, string_tag, value);
        assert_eq!(facts.common_name.as_deref().unwrap_or_default(), common_name);
        assert_eq!(facts.subject, subject);
        assert!(facts.self_issued);
    }
}

#[test]
fn validity_beyond_the_usual() {
    let shop = Workshop::new();
    for days in ["1", "36500", "1000000"] {
        compare(&shop.certificate("ec:prime256v1", &["-days", days]));
    }
    // A time in a form that is not allowed, and one that is none
    let der = shop.certificate("ec:prime256v1", &["-days", "1"]);
    let Some(at) = der.windows(2).position(|window| window == [0x17, 13]) else { panic!("a UTCTime") };
    let with_time = |text: &[u8; 13]| {
        let mut der = der.clone();
        der[at + 2..at + 15].copy_from_slice(text);
        Facts::of(&der).unwrap()
    };
    assert_eq!(with_time(b"500101000000Z").not_before, -631_152_000_000);
    let unreadable = with_time(b"991301000000Z");
    assert_eq!(unreadable.not_before, 0);
    assert_eq!(unreadable.oddities.len(), 1, "{:?}", unreadable.oddities);
    assert!(unreadable.oddities[0].contains("beginning of the validity is no time"), "{:?}", unreadable.oddities);
}

#[test]
fn odd_certificates_are_held_with_what_can_be_had() {
    let shop = Workshop::new();
    let good = shop.certificate(
        "ec:prime256v1",
        &["-set_serial", "0x7fffffffffffffffffffffffffffffffffffffff", "-addext", "subjectAltName=DNS:kept.example"],
    );
    let facts = compare(&good);
    assert_eq!(facts.serial, "7fffffffffffffffffffffffffffffffffffffff");

    let mut negative = good.clone();
    let at = negative.windows(3).position(|window| window == [2, 20, 0x7f]).unwrap();
    negative[at + 2] = 0xff;
    let facts = Facts::of(&negative).unwrap();
    assert_eq!(facts.serial, "ffffffffffffffffffffffffffffffffffffffff");
    assert_eq!(facts.oddities, ["The serial number is negative or empty."]);

    let mut broken = good.clone();
    let at = broken.windows(4).position(|window| window == b"kept").unwrap();
    broken[at - 1] = 0x7f; // the length of the DNS name points beyond the extension
    let facts = Facts::of(&broken).unwrap();
    assert_eq!(facts.oddities, ["The extension subject alternative name is not encoded as RFC 5280 says."]);
    assert_eq!(facts.common_name.as_deref(), Some("workshop"));

    let longer = [&good[..], b"\0\0\0"].concat();
    let facts = Facts::of(&longer).unwrap();
    assert_eq!(hex(&facts.sha256), digest("-sha256", &good));
    assert_eq!(facts.oddities, ["3 bytes after the certificate are no part of it."]);

    let empty_subject = shop.certificate("ec:prime256v1", &["-subj", "/"]);
    let facts = compare(&empty_subject);
    assert_eq!((facts.subject.as_str(), facts.common_name), ("", None));
}

#[test]
fn version_one() {
    let shop = Workshop::new();
    let key = shop.key("rsa:2048");
    let request = openssl(&["req", "-new", "-key", &key, "-subj", "/CN=old"], b"");
    let path = shop.write("old.csr", &request);
    let der = openssl(&["x509", "-req", "-in", &path, "-signkey", &key, "-outform", "DER"], b"");
    let facts = compare(&der);
    assert_eq!(facts.version, 1);
    assert!(!facts.is_ca);
}

#[test]
fn what_is_not_a_certificate_is_named() {
    let shop = Workshop::new();
    let key = shop.key("ec:prime256v1");
    let request = openssl(&["req", "-new", "-key", &key, "-subj", "/CN=x", "-outform", "DER"], b"");
    let nameless = openssl(&["req", "-new", "-key", &key, "-subj", "/", "-outform", "DER"], b"");
    let certificate = shop.certificate("ec:prime256v1", &[]);
    let public = openssl(&["pkey", "-in", &key, "-pubout", "-outform", "DER"], b"");
    let private = openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", &key, "-outform", "DER"], b"");
    let sentence = |bytes: &[u8]| Facts::of(bytes).unwrap_err().to_string();
    assert_eq!(sentence(&request), "this is a certificate signing request, not a certificate");
    assert_eq!(sentence(&nameless), "this is a certificate signing request, not a certificate");
    assert_eq!(sentence(&public), "this is a public key, not a certificate");
    assert_eq!(sentence(&private), "this is a PKCS#8 private key, not a certificate");
    assert_eq!(sentence(b"<!DOCTYPE html><title>Sign in"), "this is an HTML page, not a certificate");
    assert_eq!(sentence(b""), "this is an empty input, not a certificate");
    assert_eq!(
        sentence(&certificate[..300]),
        format!("the certificate is cut off: {} bytes announced, 300 present", certificate.len())
    );
}

/// The sample certificates, as a parser of another author reads them.
#[test]
fn samples_agree_with_another_parser() {
    use x509_parser::prelude::{GeneralName, parse_x509_certificate};
    let generator = certhold_pki::sample::Generator::new(11);
    for der in generator.certificates().take(3_000) {
        let facts = Facts::of(&der).unwrap();
        let (_, other) = parse_x509_certificate(&der).unwrap();
        assert_eq!(facts.serial, hex(other.raw_serial()));
        assert_eq!(facts.not_before, other.validity().not_before.timestamp() * 1000);
        assert_eq!(facts.not_after, other.validity().not_after.timestamp() * 1000);
        assert_eq!(facts.common_name.as_deref(), other.subject().iter_common_name().next().map(|name| name.as_str().unwrap()));
        let organization = other.subject().iter_organization().next().map(|name| name.as_str().unwrap());
        assert_eq!(facts.organization.as_deref(), organization);
        let issuer = other.issuer().iter_common_name().next().map(|name| name.as_str().unwrap());
        assert_eq!(facts.issuer_common_name.as_deref(), issuer);
        let names = &other.subject_alternative_name().unwrap().unwrap().value.general_names;
        let names: Vec<&str> =
            names.iter().filter_map(|name| if let GeneralName::DNSName(name) = name { Some(*name) } else { None }).collect();
        assert_eq!(facts.dns_names().collect::<Vec<_>>(), names);
        let usage = other.key_usage().unwrap().unwrap().value;
        assert_eq!(facts.key_usage.iter().any(|usage| usage == "keyEncipherment"), usage.key_encipherment());
        let extended = other.extended_key_usage().unwrap().unwrap().value;
        assert_eq!(facts.extended_key_usage.iter().any(|usage| usage == "clientAuth"), extended.client_auth);
    }
}
