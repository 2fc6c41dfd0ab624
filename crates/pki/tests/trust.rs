//! Signatures, chains and the checks on what an authority sent, against chains that openssl and rcgen make.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod common;

use certhold_pki::{
    CsrFacts, Facts, PrivateKey, SignatureError, lint_issued, order_chain, pem, read, verify_request, verify_signed_by,
};
use common::{Workshop, openssl};

/// A root, an intermediate and a leaf, each with its own kind of key; in DER, the leaf last.
fn chain(shop: &Workshop, kinds: [&str; 3], options: &[&str]) -> Vec<Vec<u8>> {
    let authority =
        shop.write("ca.ext", b"basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n");
    let server = shop.write(
        "leaf.ext",
        b"subjectAltName=DNS:leaf.example\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nextendedKeyUsage=serverAuth\n",
    );
    let mut made: Vec<Vec<u8>> = Vec::new();
    for (position, kind) in kinds.iter().enumerate() {
        let key = shop.key(kind);
        let subject = format!("/CN=level {position} {kind}");
        let request = shop.write("level.csr", &openssl(&["req", "-new", "-key", &key, "-subj", &subject], b""));
        let extensions = if position == 2 { &server } else { &authority };
        let mut arguments = vec!["x509", "-req", "-in", &request, "-extfile", extensions, "-outform", "DER", "-days", "90"];
        let (issuer, issuer_key);
        if position == 0 {
            arguments.extend(["-signkey", &key]);
        } else {
            issuer = shop.write("issuer.pem", pem::encode("CERTIFICATE", &made[position - 1]).as_bytes());
            issuer_key = shop.key(kinds[position - 1]);
            arguments.extend(["-CA", &issuer, "-CAkey", &issuer_key, "-CAcreateserial"]);
        }
        arguments.extend(options);
        made.push(openssl(&arguments, b""));
    }
    made
}

#[test]
fn signatures_of_every_kind_that_can_be_checked() {
    let shop = Workshop::new();
    for (kinds, options) in [
        (["rsa:2048", "ec:prime256v1", "ed25519"], &["-sha256"][..]),
        (["ec:secp384r1", "rsa:3072", "ec:secp521r1"], &["-sha384"]),
        (["ec:secp521r1", "ec:secp256k1", "ec:prime256v1"], &["-sha256"]),
        (["rsa:1024", "rsa:2048", "ec:prime256v1"], &["-sha1"]),
        (["rsa:2048", "rsa:2048", "rsa:2048"], &["-sha512"]),
    ] {
        let made = chain(&shop, kinds, options);
        for level in 1..3 {
            assert_eq!(verify_signed_by(&made[level], &made[level - 1]), Ok(()), "{kinds:?} {level}");
        }
        assert_eq!(verify_signed_by(&made[0], &made[0]), Ok(()));
        let mut altered = made[2].clone();
        let at = altered.windows(4).position(|window| window == b"leaf").unwrap();
        altered[at] = b'L';
        assert_eq!(verify_signed_by(&altered, &made[1]), Err(SignatureError::Invalid));
    }
    let pss = shop.certificate("rsa:2048", &["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest", "-sha384"]);
    assert_eq!(verify_signed_by(&pss, &pss), Ok(()));
    let other_key = shop.certificate("rsa:3072", &["-sha384"]);
    assert_eq!(verify_signed_by(&pss, &other_key), Err(SignatureError::Invalid));
}

#[test]
fn what_cannot_be_checked_is_not_called_invalid() {
    let shop = Workshop::new();
    for (kind, options, what) in [
        ("ed448", &[][..], "Ed448"),
        ("rsa:2048", &["-md5"], "md5WithRSAEncryption"),
        ("rsa:1024", &["-sha384"], "RSA with 1024 bits"),
        ("ec:brainpoolP256r1", &[], "brainpoolP256r1"),
        ("ec-explicit:prime256v1", &[], "another curve"),
        ("rsa:2048", &["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:20"], "RSASSA-PSS"),
    ] {
        let der = shop.certificate(kind, options);
        let error = verify_signed_by(&der, &der).unwrap_err();
        assert!(matches!(&error, SignatureError::NotVerifiable(why) if why.contains(what)), "{kind}: {error}");
    }
    let der = shop.certificate("ed25519", &[]);
    assert!(matches!(verify_signed_by(b"junk", &der), Err(SignatureError::NotACertificate(_))));
}

#[test]
fn chains_are_put_in_order() {
    let shop = Workshop::new();
    let made = chain(&shop, ["rsa:2048", "ec:prime256v1", "ed25519"], &[]);
    let unrelated = shop.certificate("ec:secp384r1", &[]);
    // An impostor with the intermediate's name and another key
    let impostor = shop.certificate("ec:secp384r1", &["-subj", "/CN=level 1 ec:prime256v1"]);
    let [root, intermediate, leaf] = [&made[0][..], &made[1], &made[2]];
    let pool = [&unrelated[..], &impostor, root, leaf, intermediate, intermediate];
    assert_eq!(order_chain(leaf, &pool), [leaf, intermediate, root]);
    assert_eq!(order_chain(leaf, &[root, &impostor]), [leaf], "no gap is jumped over");
    assert_eq!(order_chain(leaf, &[intermediate]), [leaf, intermediate]);
    assert_eq!(order_chain(root, &pool), [root]);
    assert_eq!(order_chain(b"junk", &pool), Vec::<&[u8]>::new());
    // Not verifiable here, but the key identifier fits
    let made = chain(&shop, ["ed448", "ed448", "ec:prime256v1"], &[]);
    let chain: Vec<&[u8]> = made.iter().rev().map(Vec::as_slice).collect();
    assert_eq!(order_chain(&made[2], &made), chain);
}

#[test]
fn a_flood_of_namesakes_takes_bounded_time() {
    let shop = Workshop::new();
    let made = chain(&shop, ["rsa:2048", "ec:prime256v1", "ed25519"], &[]);
    let impostor = shop.certificate("ec:secp384r1", &["-subj", "/CN=level 1 ec:prime256v1"]);
    let mut pool = vec![impostor; 20_000];
    pool.push(made[1].clone());
    let started = std::time::Instant::now();
    assert_eq!(order_chain(&made[2], &pool), [&made[2][..], &made[1]], "the key identifier finds it");
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn signing_requests() {
    let shop = Workshop::new();
    let key = shop.key("ec:prime256v1");
    let names = "subjectAltName=DNS:a.example,DNS:*.b.example,IP:192.0.2.1";
    let der = openssl(
        &[
            "req",
            "-new",
            "-key",
            &key,
            "-subj",
            "/O=x/CN=a.example",
            "-addext",
            names,
            "-addext",
            "extendedKeyUsage=serverAuth",
            "-outform",
            "DER",
        ],
        b"",
    );
    let facts = CsrFacts::of(&der).unwrap();
    assert_eq!((facts.subject.as_str(), facts.common_name.as_deref()), ("CN=a.example,O=x", Some("a.example")));
    assert_eq!(facts.dns_names().collect::<Vec<_>>(), ["a.example", "*.b.example"]);
    assert_eq!(facts.names[2].value, "192.0.2.1");
    assert_eq!(facts.extended_key_usage, ["serverAuth"]);
    assert_eq!(facts.spki_der, openssl(&["pkey", "-in", &key, "-pubout", "-outform", "DER"], b""));
    assert_eq!((facts.key_algorithm.as_str(), facts.key_curve.as_deref()), ("EC", Some("P-256")));
    assert_eq!(verify_request(&der), Ok(()));
    let mut altered = der.clone();
    let at = altered.windows(9).position(|window| window == b"a.example").unwrap();
    altered[at] = b'z';
    assert_eq!(verify_request(&altered), Err(SignatureError::Invalid));
    let certificate = shop.certificate("ec:prime256v1", &[]);
    assert_eq!(CsrFacts::of(&certificate).unwrap_err().to_string(), "this is a certificate, not a certificate signing request");
}

const NOW_MS: i64 = 1_800_000_000_000;

/// A leaf made by rcgen, so that every property can be chosen.
fn issued(change: impl FnOnce(&mut rcgen::CertificateParams)) -> (Vec<u8>, PrivateKey) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters =
        rcgen::CertificateParams::new(["a.example".to_owned(), "*.b.example".to_owned(), "192.0.2.1".to_owned()]).unwrap();
    let at = |ms: i64| rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_millis(ms as u64);
    parameters.not_before = at(NOW_MS - 3_600_000);
    parameters.not_after = at(NOW_MS + 90 * 86_400_000);
    parameters.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    change(&mut parameters);
    let der = parameters.self_signed(&key).unwrap().der().to_vec();
    (der, PrivateKey::of(&key.serialize_der()).unwrap())
}

const NAMES: [&str; 3] = ["A.example", "*.B.Example.", "192.0.2.1"];

#[test]
fn a_good_certificate_passes() {
    let (der, key) = issued(|_| {});
    assert_eq!(lint_issued(&der, key.spki_der(), &NAMES, NOW_MS), Vec::<String>::new());
    assert_eq!(verify_signed_by(&der, &der), Ok(()));
    assert_eq!(Facts::of(&der).unwrap().not_after, NOW_MS + 90 * 86_400_000);
}

#[test]
fn what_is_wrong_with_a_certificate_is_said() {
    let sentences = |change: fn(&mut rcgen::CertificateParams), names: &[&str], now_ms| {
        let (der, key) = issued(change);
        lint_issued(&der, key.spki_der(), names, now_ms)
    };
    let only = |found: Vec<String>, expected: &str| {
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(expected), "{found:?}");
    };
    let (der, _) = issued(|_| {});
    let (_, other) = issued(|_| {});
    only(lint_issued(&der, other.spki_der(), &NAMES, NOW_MS), "another key");
    only(sentences(|_| {}, &["a.example", "192.0.2.1"], NOW_MS), "holds the name *.b.example, which was not ordered");
    only(sentences(|_| {}, &[&NAMES[..], &["c.example"]].concat(), NOW_MS), "lacks the name c.example");
    only(sentences(|_| {}, &NAMES, NOW_MS - 2 * 86_400_000), "valid from 2027-01-15 07:00:00 UTC only");
    only(sentences(|_| {}, &NAMES, NOW_MS + 91 * 86_400_000), "has ended");
    only(
        sentences(|p| p.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth], &NAMES, NOW_MS),
        "extended key usage is clientAuth",
    );
    only(sentences(|p| p.key_usages = vec![rcgen::KeyUsagePurpose::KeyAgreement], &NAMES, NOW_MS), "key usage is keyAgreement");
    only(
        sentences(|p| p.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained), &NAMES, NOW_MS),
        "certification authority",
    );
    only(
        sentences(|p| p.subject_alt_names.push(rcgen::SanType::Rfc822Name("a@b.example".try_into().unwrap())), &NAMES, NOW_MS),
        "email name a@b.example",
    );
    only(lint_issued(b"<html>", other.spki_der(), &NAMES, NOW_MS), "unusable: this is an HTML page");
}

#[test]
fn post_quantum_certificates() {
    for algorithm in [&rcgen::PKCS_ML_DSA_44, &rcgen::PKCS_ML_DSA_65, &rcgen::PKCS_ML_DSA_87] {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let der = rcgen::CertificateParams::new(["pq.example".to_owned()]).unwrap().self_signed(&key).unwrap().der().to_vec();
        let facts = Facts::of(&der).unwrap();
        assert!(facts.key_algorithm.starts_with("ML-DSA-") && facts.key_algorithm == facts.signature_algorithm);
        assert_eq!(verify_signed_by(&der, &der), Ok(()));
        let held = read(&key.serialize_der(), None).map(|bundle| bundle.keys).unwrap_or_default();
        assert_eq!(held[0].key.spki_sha256(), facts.spki_sha256);
        assert!(held[0].key.matches(&der).unwrap());
    }
}
