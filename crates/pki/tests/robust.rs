//! No input panics, whatever is done to it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod common;

use std::sync::LazyLock;

use certhold_pki::{
    CsrFacts, Facts, PrivateKey, RevocationList, lint_issued, normalise_dns_name, order_chain, pem, read, reverse_labels, sample,
    verify_signed_by,
};
use common::{Workshop, openssl};
use proptest::prelude::*;

/// One of each kind of input.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let shop = Workshop::new();
    let key = shop.key("ec:prime256v1");
    let all_names =
        "subjectAltName=DNS:a.example,IP:192.0.2.1,email:a@b.example,URI:x:y,RID:1.2.3,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:u@e";
    let certificate = shop.certificate(
        "ec:prime256v1",
        &[
            "-addext",
            all_names,
            "-addext",
            "certificatePolicies=1.2.3",
            "-addext",
            "crlDistributionPoints=URI:http://a/",
            "-addext",
            "authorityInfoAccess=OCSP;URI:http://b/",
            "-addext",
            "keyUsage=digitalSignature",
            "-addext",
            "extendedKeyUsage=serverAuth",
        ],
    );
    let path = shop.write("certificate.pem", pem::encode("CERTIFICATE", &certificate).as_bytes());
    let export = |options: &[&str]| {
        let base = ["pkcs12", "-export", "-inkey", &key, "-in", &path, "-passout", "pass:secret"];
        openssl(&[&base[..], options].concat(), b"")
    };
    vec![
        shop.certificate("rsa:2048", &[]),
        shop.certificate("ed25519", &[]),
        openssl(&["x509", "-inform", "DER", "-text"], &certificate),
        openssl(&["req", "-new", "-key", &key, "-subj", "/CN=x", "-addext", all_names, "-outform", "DER"], b""),
        openssl(&["pkey", "-in", &key, "-outform", "DER"], b""),
        openssl(&["pkey", "-traditional", "-in", &shop.key("rsa:2048"), "-outform", "DER"], b""),
        openssl(&["pkcs8", "-topk8", "-in", &key, "-passout", "pass:secret", "-iter", "2"], b""),
        openssl(&["crl2pkcs7", "-nocrl", "-certfile", &path, "-outform", "DER"], b""),
        openssl(&["cms", "-sign", "-signer", &path, "-inkey", &key, "-nodetach", "-stream", "-outform", "DER"], b"x"),
        export(&["-iter", "2"]),
        export(&["-iter", "2", "-nomac"]),
        export(&["-legacy", "-iter", "2", "-nomac"]),
        export(&["-keypbe", "NONE", "-certpbe", "NONE", "-nomac"]),
        certificate,
    ]
});

/// Hands the bytes to everything that takes bytes. What comes out must hold together.
fn exercise(bytes: &[u8]) {
    if let Ok(facts) = Facts::of(bytes) {
        let json = serde_json::to_string(&facts).unwrap();
        assert!(!json.contains("\\u0000"), "no NUL reaches the store");
        let element = certhold_pki::certificate_element(bytes).unwrap();
        assert_eq!(Facts::of(element).unwrap().sha256, facts.sha256);
        assert!(facts.not_before.abs() < 1 << 60 && facts.not_after.abs() < 1 << 60);
        let own = facts.dns_names().map(str::to_owned).collect::<Vec<_>>();
        lint_issued(bytes, &[], &own, 0);
        let _ = verify_signed_by(bytes, bytes);
        assert_eq!(order_chain(bytes, &[bytes])[0], element);
    }
    let _ = CsrFacts::of(bytes);
    let _ = certhold_pki::verify_request(bytes);
    let _ = PrivateKey::of(bytes);
    for password in [None, Some(""), Some("secret")] {
        if let Ok(bundle) = read(bytes, password) {
            for found in &bundle.certificates {
                assert!(Facts::of(&found.der).is_ok(), "what is found is a certificate");
            }
            for list in &bundle.revocation_lists {
                let list = RevocationList::of(&list.der).expect("what is found is a list");
                assert!(list.entries().count() <= bytes.len());
                let _ = (list.number(), list.issuer(), list.verify(&list.der()[..1]));
            }
            for request in &bundle.requests {
                assert!(CsrFacts::of(&request.der).is_ok(), "what is found is a request");
            }
            let _ = bundle.summary();
            for key in &bundle.keys {
                assert!(PrivateKey::of(key.key.pkcs8_der()).is_ok(), "what is held can be read again");
            }
        }
    }
}

#[test]
fn truncations_at_every_octet() {
    for seed in SEEDS.iter() {
        // Long inputs are cut at every third place, to keep the time in bounds.
        let step = if seed.len() > 2000 { 3 } else { 1 };
        for end in (0..seed.len()).step_by(step) {
            exercise(&seed[..end]);
        }
    }
}

#[test]
fn certificates_with_any_one_octet_changed() {
    for seed in [&SEEDS[1], SEEDS.last().unwrap()] {
        for at in 0..seed.len() {
            for change in [0x01, 0x20, 0x80, 0xff] {
                let mut mutated = seed.clone();
                mutated[at] ^= change;
                let _ = Facts::of(&mutated).map(|facts| serde_json::to_string(&facts).unwrap());
                let _ = read(&mutated, None);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        exercise(&bytes);
        exercise(&[&[0x30, 0x82, 2, 0][..], &bytes].concat());
    }

    #[test]
    fn mutations(
        seed in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..8),
    ) {
        let mut bytes = seed.get(&SEEDS[..]).clone();
        for (place, octet, kind) in edits {
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = octet,
                1 => bytes.insert(at, octet),
                _ => { bytes.remove(at); }
            }
        }
        exercise(&bytes);
    }

    #[test]
    fn two_inputs_spliced(
        one in any::<prop::sample::Index>(), two in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(), join in any::<prop::sample::Index>(),
    ) {
        let (one, two) = (one.get(&SEEDS[..]), two.get(&SEEDS[..]));
        exercise(&[&one[..cut.index(one.len())], &two[join.index(two.len())..]].concat());
    }

    #[test]
    fn pem_round_trip(
        contents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..6),
        junk in "[ -~\r\n]{0,80}",
    ) {
        let junk = junk.replace("-----", "");
        let text: String = contents.iter().map(|content| format!("{junk}\n{}", pem::encode("SOME LABEL", content))).collect();
        let decoded: Vec<Vec<u8>> = pem::blocks(text.as_bytes()).map(|block| block.content.unwrap().to_vec()).collect();
        prop_assert_eq!(&decoded, &contents);
        let windows = text.replace('\n', "\r\n");
        prop_assert_eq!(pem::blocks(windows.as_bytes()).count(), contents.len());
    }

    #[test]
    fn any_text_as_pem_and_as_name(text in "\\PC{0,300}", label in "[A-Z0-9 -]{0,20}") {
        exercise(text.as_bytes());
        exercise(format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n").as_bytes());
        if let Ok(name) = normalise_dns_name(&text) {
            prop_assert_eq!(normalise_dns_name(&name), Ok(name.clone()), "normalising twice changes nothing");
            prop_assert_eq!(reverse_labels(&reverse_labels(&name)), name);
        }
    }

    #[test]
    fn names_of_letters_are_normal(labels in proptest::collection::vec("[A-Za-z]([A-Za-z0-9-]{0,20}[A-Za-z])?", 1..5)) {
        let name = labels.join(".");
        prop_assume!(!labels.iter().any(|label| label.to_ascii_lowercase().starts_with("xn--")));
        prop_assert_eq!(normalise_dns_name(&name), Ok(name.to_ascii_lowercase()));
    }
}

#[test]
fn hostile_bulk_takes_bounded_time() {
    const BYTES: usize = 2 * 1024 * 1024;
    let file = &SEEDS[9];
    let certificate = SEEDS.last().unwrap();
    let header = |length: u32| [&[0x30, 0x84][..], &length.to_be_bytes()].concat();
    for unit in [
        &b"M"[..],
        b"0",
        b"-----",
        b"-----BEGIN A\n",
        b"-----BEGIN A-----\n-----\n",
        b"-----BEGIN A-----",
        b"-----BEGIN -----END ",
        b"\\n",
        b"\x30\x80",
        b"\x30\x80\x24\x80\x04\x01\x00",
        b"\x24\x80",
        &certificate[..certificate.len() / 2],
        &file[..file.len() / 2],
    ] {
        let bulk: Vec<u8> = unit.iter().copied().cycle().take(BYTES).collect();
        let pkcs12 = [header(BYTES as u32 + 3), vec![2, 1, 3], bulk.clone()].concat();
        let pkcs7 = [&[0x30, 0x80, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2, 0xa0, 0x80][..], &bulk].concat();
        let text = [b"-----BEGIN A-----\n", &bulk[..]].concat();
        for input in [bulk, pkcs12, pkcs7, text] {
            let started = std::time::Instant::now();
            let _ = read(&input, Some("secret"));
            let _ = Facts::of(&input);
            assert!(started.elapsed().as_secs() < 10, "{:02x?}… took {:?}", &input[..32], started.elapsed());
        }
    }
}

#[test]
fn samples_are_read_by_openssl() {
    let generator = sample::Generator::new(3);
    for n in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000_000] {
        let der = generator.certificate(n);
        let text = String::from_utf8(openssl(&["x509", "-inform", "DER", "-noout", "-text"], &der)).unwrap();
        assert!(!text.contains("Unable to load Public Key"), "{text}");
        assert!(!text.contains("<unsupported>") && !text.contains("<parse error>"), "{text}");
        let facts = Facts::of(&der).unwrap();
        for name in facts.dns_names() {
            assert!(text.contains(&format!("DNS:{name}")), "{text}");
        }
        assert!(text.contains("CT Precertificate SCTs") && text.contains("Signed Certificate Timestamp"), "{text}");
    }
}
