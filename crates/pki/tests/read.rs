//! Reading the files that openssl writes, in every form people keep.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod common;

use certhold_pki::{Bundle, CsrFacts, Facts, Format, PrivateKey, ReadError, Reading, RevocationList, pem, read};
use common::{Workshop, openssl};

/// The SHA-256 of the public key as openssl computes it from a private key file.
fn spki_of(key_path: &str) -> Vec<u8> {
    openssl(&["pkey", "-in", key_path, "-pubout", "-outform", "DER"], b"")
}

fn taken(bytes: &[u8], password: Option<&str>) -> Bundle {
    match read(bytes, password) {
        Ok(bundle) => bundle,
        Err(error) => panic!("{error}"),
    }
}

fn refusal(bytes: &[u8], password: Option<&str>) -> ReadError {
    match read(bytes, password) {
        Ok(bundle) => panic!("read {} certificates and {} keys", bundle.certificates.len(), bundle.keys.len()),
        Err(error) => error,
    }
}

/// openssl and this crate agree on the public key of what was read.
fn assert_key(key: &PrivateKey, key_path: &str) {
    assert_eq!(key.spki_der(), spki_of(key_path));
    // openssl reads the PKCS#8 that comes out, and finds the same public key in it
    let public = openssl(&["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], key.pkcs8_der());
    assert_eq!(key.spki_der(), public);
    let checked = openssl(&["pkey", "-check", "-noout"], key.pkcs8_pem().as_bytes());
    assert_eq!(String::from_utf8_lossy(&checked).trim(), "Key is valid");
}

#[test]
fn private_keys_in_every_form() {
    let shop = Workshop::new();
    for kind in ["rsa:2048", "rsa:1024", "rsa:3072", "ec:prime256v1", "ec:secp384r1", "ec:secp521r1", "ec:secp256k1", "ed25519"] {
        let path = shop.key(kind);
        let certificate = shop.certificate(kind, &[]);
        let facts = Facts::of(&certificate).unwrap();
        let mut forms = vec![
            ("PKCS#8 PEM", openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", &path], b"")),
            ("PKCS#8 DER", openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", &path, "-outform", "DER"], b"")),
        ];
        if kind != "ed25519" {
            forms.push(("traditional PEM", openssl(&["pkey", "-traditional", "-in", &path], b"")));
            forms.push(("traditional DER", openssl(&["pkey", "-traditional", "-in", &path, "-outform", "DER"], b"")));
        }
        if let Some(curve) = kind.strip_prefix("ec:") {
            forms.push(("SEC 1 after its parameters", openssl(&["ecparam", "-name", curve, "-genkey"], b"")));
            forms.push(("SEC 1 without public key", openssl(&["ec", "-in", &path, "-no_public", "-outform", "DER"], b"")));
            forms.push(("compressed", openssl(&["ec", "-in", &path, "-conv_form", "compressed"], b"")));
        }
        for (form, bytes) in forms {
            let bundle = taken(&bytes, None);
            assert_eq!((bundle.keys.len(), bundle.certificates.len(), bundle.refused.len()), (1, 0, 0), "{kind} {form}");
            let key = &bundle.keys[0].key;
            if form.contains("after its parameters") {
                assert!(!key.matches(&certificate).unwrap(), "another key");
                continue;
            }
            assert_key(key, &path);
            assert_eq!(key.spki_sha256(), facts.spki_sha256, "{kind} {form}");
            assert_eq!((key.algorithm(), key.bits()), (facts.key_algorithm.as_str(), facts.key_bits));
            assert!(key.matches(&certificate).unwrap(), "{kind} {form}");
        }
    }
}

#[test]
fn a_certificate_with_a_compressed_point_matches_its_key() {
    let shop = Workshop::new();
    let path = shop.key("ec:prime256v1");
    let compressed = shop.write("compressed.key", &openssl(&["ec", "-in", &path, "-conv_form", "compressed"], b""));
    let certificate = openssl(&["req", "-x509", "-new", "-key", &compressed, "-subj", "/CN=c", "-outform", "DER"], b"");
    let key = PrivateKey::of(&openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", &path, "-outform", "DER"], b"")).unwrap();
    assert_ne!(Facts::of(&certificate).unwrap().spki_sha256, key.spki_sha256(), "the encodings differ");
    assert!(key.matches(&certificate).unwrap());
    let other = shop.certificate("ec:secp384r1", &[]);
    assert!(!key.matches(&other).unwrap());
    assert!(key.matches(b"no certificate").is_err());
}

#[test]
fn keys_that_cannot_be_held_are_named() {
    let shop = Workshop::new();
    for (kind, expected) in [
        ("ed448", "algorithm Ed448"),
        ("x25519", "algorithm X25519"),
        ("ec:brainpoolP256r1", "EC on the curve brainpoolP256r1"),
        ("ec-explicit:prime256v1", "EC with explicit parameters"),
    ] {
        let path = shop.key(kind);
        let pem = openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", &path], b"");
        let bundle = taken(&pem, None);
        assert_eq!(bundle.keys.len(), 0);
        assert!(bundle.refused[0].reason.contains(expected), "{}", bundle.refused[0].reason);
        let der = openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", &path, "-outform", "DER"], b"");
        assert!(refusal(&der, None).to_string().contains(expected));
    }
    // A key whose public part belongs to another one
    let one = openssl(&["pkey", "-traditional", "-in", &shop.key("ec:prime256v1"), "-outform", "DER"], b"");
    let other = openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-outform", "DER"], b"");
    let mixed = [&one[..one.len() - 65], &other[other.len() - 65..]].concat();
    assert_eq!(refusal(&mixed, None).to_string(), "the parts of this EC private key do not belong together");
}

#[test]
fn encrypted_pkcs8() {
    let shop = Workshop::new();
    let path = shop.key("ec:prime256v1");
    for options in [
        &["-v2", "aes-256-cbc"][..],
        &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"],
        &["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA512", "-iter", "10000"],
        &["-v2", "des3", "-v2prf", "hmacWithSHA384"],
        &["-v1", "PBE-SHA1-3DES"],
        &["-v1", "PBE-SHA1-2DES"],
        &["-v1", "PBE-MD5-DES", "-provider", "legacy", "-provider", "default"],
        &["-v1", "PBE-SHA1-DES", "-provider", "legacy", "-provider", "default"],
        &["-v1", "PBE-MD5-RC2-64", "-provider", "legacy", "-provider", "default"],
        &["-v2", "des", "-provider", "legacy", "-provider", "default"],
        &["-v1", "PBE-SHA1-RC2-40", "-provider", "legacy", "-provider", "default"],
        &["-v1", "PBE-SHA1-RC2-128", "-provider", "legacy", "-provider", "default"],
    ] {
        for password in ["secret", "pässwörd 🔑", ""] {
            let pass = format!("pass:{password}");
            let arguments = [&["pkcs8", "-topk8", "-in", &path, "-passout", &pass][..], options].concat();
            let Ok(pem) = common::try_openssl(&arguments, b"") else {
                assert!(password.is_empty(), "openssl refuses only an empty password");
                continue;
            };
            let bundle = taken(&pem, Some(password));
            assert_eq!(bundle.keys.len(), 1, "{options:?} {password}: {:?}", bundle.refused);
            assert_key(&bundle.keys[0].key, &path);
            let wrong = taken(&pem, Some("wrong"));
            assert_eq!(wrong.refused[0].reason, "the password of the private key is wrong", "{options:?}");
            let absent = taken(&pem, None);
            assert_eq!(absent.refused[0].reason, "the private key is encrypted; give its password");
        }
    }
    let der = openssl(&["pkcs8", "-topk8", "-in", &path, "-passout", "pass:x", "-outform", "DER"], b"");
    assert_key(&taken(&der, Some("x")).keys[0].key, &path);
    assert_eq!(refusal(&der, Some("y")), ReadError::WrongPassword("private key"));
    assert_eq!(refusal(&der, None), ReadError::PasswordNeeded("private key"));
    let scrypt = openssl(&["pkcs8", "-topk8", "-in", &path, "-passout", "pass:x", "-scrypt"], b"");
    assert!(taken(&scrypt, Some("x")).refused[0].reason.contains("scrypt"), "named");
}

#[test]
fn keys_under_the_old_encryption_of_openssl() {
    let shop = Workshop::new();
    for kind in ["rsa:2048", "ec:prime256v1"] {
        let path = shop.key(kind);
        for cipher in ["-des", "-des3", "-aes128", "-aes192", "-aes256"] {
            for password in ["secret", "p\u{e4}ssw\u{f6}rd \u{1f511}"] {
                let pass = format!("pass:{password}");
                let legacy = ["-provider", "legacy", "-provider", "default"];
                let arguments = [&["pkey", "-traditional", "-in", &path, cipher, "-passout", &pass][..], &legacy].concat();
                let pem = openssl(&arguments, b"");
                assert!(String::from_utf8_lossy(&pem).contains("DEK-Info: "), "{cipher}");
                assert_key(&taken(&pem, Some(password)).keys[0].key, &path);
                let wrong = taken(&pem, Some("wrong"));
                assert_eq!(wrong.refused[0].reason, "the password of the private key is wrong", "{cipher}");
                assert_eq!(taken(&pem, None).refused[0].reason, "the private key is encrypted; give its password");
                // Several passwords are tried in turn
                let bundle = Reading::new(["wrong", password]).read(&pem).unwrap();
                assert_key(&bundle.keys[0].key, &path);
                let windows = String::from_utf8(pem).unwrap().replace('\n', "\r\n");
                assert_eq!(taken(windows.as_bytes(), Some(password)).keys.len(), 1);
            }
        }
        let camellia = openssl(&["pkey", "-traditional", "-in", &path, "-camellia128", "-passout", "pass:x"], b"");
        assert!(taken(&camellia, Some("x")).refused[0].reason.contains("CAMELLIA-128-CBC"), "named");
    }
    let broken = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n";
    assert!(taken(broken.as_bytes(), Some("x")).refused[0].reason.contains("malformed"), "a vector that is too short");
}

#[test]
fn requests_and_revocation_lists_are_found_and_named() {
    let shop = Workshop::new();
    let key = shop.key("ec:prime256v1");
    let request = openssl(&["req", "-new", "-key", &key, "-subj", "/CN=x"], b"");
    let bundle = taken(&request, None);
    assert_eq!(bundle.requests.len(), 1);
    assert_eq!(bundle.summary(), "PEM text with no certificate, no private key and one certificate signing request");
    assert_eq!(CsrFacts::of(&bundle.only_request().unwrap().der).unwrap().common_name.as_deref(), Some("x"));
    let Err(unwanted) = bundle.some_certificates() else { panic!() };
    assert_eq!(
        unwanted.to_string(),
        "a certificate is wanted, but this is PEM text with no certificate, no private key and one certificate signing request"
    );
    let der = openssl(&["req", "-outform", "DER"], &request);
    assert_eq!((taken(&der, None).format, taken(&der, None).requests[0].der.len()), (Format::Request, der.len()));
    assert!(refusal(&der[..der.len() - 3], None).to_string().contains("cut off"));
    let certificate = shop.write("c.pem", pem::encode("CERTIFICATE", &shop.certificate("ec:prime256v1", &[])).as_bytes());
    let pkcs7 =
        openssl(&["crl2pkcs7", "-nocrl", "-certfile", &certificate, "-certfile", &certificate, "-certfile", &certificate], b"");
    let der = openssl(&["pkcs7", "-outform", "DER"], &pkcs7);
    let Err(unwanted) = taken(&der, None).only_key().map(drop) else { panic!() };
    assert_eq!(unwanted.found, "a PKCS#7 with 3 certificates and no private key");
}

#[test]
fn revocation_lists() {
    let shop = Workshop::new();
    let key = shop.key("ec:prime256v1");
    let issuer = shop.certificate("ec:prime256v1", &["-subj", "/O=Lists/CN=CA"]);
    let certificate = shop.write("ca.pem", pem::encode("CERTIFICATE", &issuer).as_bytes());
    let rows: String = (0..2000)
        .map(|n| {
            let reason = [",keyCompromise", ",superseded", ",certificateHold", ""][n % 4];
            format!("R\t300101000000Z\t240229120000Z{reason}\t{:04X}\tunknown\t/CN=x{n}\n", n + 4096)
        })
        .collect();
    shop.write("index.txt", rows.as_bytes());
    shop.write("number", b"1F2E\n");
    let settings = format!(
        "[ca]\ndefault_ca=d\n[d]\ndatabase={0}/index.txt\ncrlnumber={0}/number\ndefault_md=sha256\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n",
        shop.file("")
    );
    let settings = shop.write("settings", settings.as_bytes());
    let arguments = ["ca", "-gencrl", "-config", &settings, "-keyfile", &key, "-cert", &certificate];
    let times = ["-crl_lastupdate", "20260101000000Z", "-crl_nextupdate", "20260201000000Z"];
    let pem = openssl(&[&arguments[..], &times].concat(), b"");
    let bundle = taken(&pem, None);
    assert_eq!((bundle.revocation_lists.len(), bundle.refused.len()), (1, 0));
    let list = RevocationList::of(&bundle.revocation_lists[0].der).unwrap();
    // 2026-01-01 and 2026-02-01, counted with date(1)
    assert_eq!((list.this_update(), list.next_update()), (1_767_225_600_000, Some(1_769_904_000_000)));
    assert_eq!((list.issuer().as_str(), list.number().as_deref()), ("CN=CA,O=Lists", Some("1f2e")));
    assert_eq!((list.base_number(), list.signature_algorithm().as_str()), (None, "ecdsa-with-SHA256"));
    let entries: Vec<_> = list.entries().collect();
    assert_eq!(entries.len(), 2000);
    let reasons: Vec<_> = entries[..4].iter().map(|entry| entry.reason).collect();
    assert_eq!(reasons, [Some("keyCompromise"), Some("superseded"), Some("certificateHold"), None]);
    assert_eq!((entries[1999].serial.as_str(), entries[0].at), ("17cf", Some(1_709_208_000_000)));
    assert_eq!(list.verify(&issuer), Ok(()));
    assert!(list.verify(&shop.certificate("ed25519", &[])).is_err());
    let mut changed = bundle.revocation_lists[0].der.clone();
    let at = changed.windows(2).position(|pair| pair == [0x17, 0xcf]).unwrap();
    changed[at] ^= 1;
    assert!(RevocationList::of(&changed).unwrap().verify(&issuer).is_err(), "an altered entry");
    let der = openssl(&["crl", "-outform", "DER"], &pem);
    assert_eq!(taken(&der, None).format, Format::RevocationList);
    let both = openssl(&["crl2pkcs7", "-certfile", &certificate], &pem);
    let bundle = taken(&both, None);
    assert_eq!((bundle.certificates.len(), bundle.revocation_lists.len()), (1, 1));
    assert_eq!(bundle.beside()[0].reason, "this is a certificate revocation list");
    assert!(RevocationList::of(&issuer).is_err());
}

/// A file with entries of several keys, and one bound for the work of all files of a request.
#[test]
fn passwords_and_work_are_shared_by_the_files_of_a_request() {
    let shop = Workshop::new();
    let path = shop.key("ec:prime256v1");
    let one = openssl(&["pkcs8", "-topk8", "-in", &path, "-passout", "pass:x", "-iter", "1000000"], b"");
    let mut reading = Reading::new(["x"]);
    let taken: usize = (0..8).map(|_| reading.read(&one).unwrap().keys.len()).sum();
    assert!((1..8).contains(&taken), "{taken}");
    let many = vec!["x"; certhold_pki::PASSWORDS_MAX + 1];
    let Err(error) = Reading::new(many).read(&one) else { panic!() };
    assert!(error.is_about_limits(), "{error}");
}

/// A key, its certificate and the certificate of another authority, as a PKCS#12 file.
fn pkcs12(shop: &Workshop, password: &str, options: &[&str]) -> Vec<u8> {
    let key = shop.key("rsa:2048");
    let certificate = shop.write("leaf.pem", pem::encode("CERTIFICATE", &shop.certificate("rsa:2048", &[])).as_bytes());
    let chain = shop.write("chain.pem", pem::encode("CERTIFICATE", &shop.certificate("ec:prime256v1", &[])).as_bytes());
    let pass = format!("pass:{password}");
    let base = [
        "pkcs12",
        "-export",
        "-inkey",
        &key,
        "-in",
        &certificate,
        "-certfile",
        &chain,
        "-name",
        "Señor \"x\"",
        "-passout",
        &pass,
    ];
    openssl(&[&base[..], options].concat(), b"")
}

#[test]
fn pkcs12_files() {
    let shop = Workshop::new();
    for options in [
        &[][..],
        &["-legacy"],
        &["-legacy", "-descert"],
        &["-keypbe", "PBE-SHA1-3DES", "-certpbe", "AES-256-CBC"],
        &["-macalg", "sha512", "-iter", "5000", "-maciter"],
        &["-macalg", "sha1", "-nomaciter", "-noiter"],
        &["-nomac"],
        &["-keypbe", "NONE", "-certpbe", "NONE"],
    ] {
        for password in [
            "secret",
            "",
            "pässwörd 🔑",
            "a much longer password than one block of the hash function has, to be on the safe side",
        ] {
            let file = pkcs12(&shop, password, options);
            let bundle = taken(&file, Some(password));
            assert_eq!(bundle.format, Format::Pkcs12);
            assert_eq!((bundle.certificates.len(), bundle.keys.len()), (2, 1), "{options:?} {:?}", bundle.refused);
            assert_key(&bundle.keys[0].key, &shop.key("rsa:2048"));
            let leaf = &bundle.certificates[0];
            assert_eq!(leaf.der, pem::blocks(&shop.read("leaf.pem")).next().unwrap().content.unwrap().to_vec());
            assert_eq!(leaf.place, "entry 1 \"Señor \"x\"\"");
            if password.is_empty() {
                assert_eq!(taken(&file, None).certificates.len(), 2, "no password is as good as an empty one");
            }
            if options == ["-nomac"] {
                assert!(refusal(&file, Some("wrong")).is_about_password());
            } else {
                assert_eq!(refusal(&file, Some("wrong")), ReadError::WrongPassword("PKCS#12 file"), "{options:?}");
                if !password.is_empty() {
                    assert_eq!(refusal(&file, None), ReadError::PasswordNeeded("PKCS#12 file"));
                    assert_eq!(refusal(&file, Some("")), ReadError::WrongPassword("PKCS#12 file"));
                }
            }
        }
    }
}

/// A file whose integrity check is PBMAC1 (RFC 9579), which this openssl does not write: it computes the parts instead.
#[test]
fn pkcs12_with_pbmac1() {
    let shop = Workshop::new();
    let file = pkcs12(&shop, "secret", &["-nomac"]);
    // SEQUENCE, version, ContentInfo { OID, [0] { OCTET STRING
    let content = &file[30..];
    assert_eq!(file[26], 0x04, "the octet string of the content");
    let path = shop.write("content", content);
    let derive = [
        "kdf",
        "-keylen",
        "32",
        "-kdfopt",
        "digest:SHA256",
        "-kdfopt",
        "pass:secret",
        "-kdfopt",
        "hexsalt:0102030405060708",
        "-kdfopt",
        "iter:2048",
        "PBKDF2",
    ];
    let key = String::from_utf8(openssl(&derive, b"")).unwrap().trim().replace(':', "");
    let key_option = format!("hexkey:{key}");
    let code = openssl(&["mac", "-binary", "-digest", "SHA512", "-macopt", &key_option, "-in", &path, "HMAC"], b"");
    assert_eq!(code.len(), 64);
    let element = |tag: u8, parts: &[&[u8]]| {
        let content = parts.concat();
        let length = content.len();
        let header = if length < 128 {
            vec![tag, length as u8]
        } else if length < 256 {
            vec![tag, 0x81, length as u8]
        } else {
            vec![tag, 0x82, (length >> 8) as u8, length as u8]
        };
        [header, content].concat()
    };
    let oid = |octets: &[u8]| element(6, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d], octets]);
    let hmac = |number: u8| element(0x30, &[&oid(&[2, number]), &[5, 0]]);
    let derivation = element(0x30, &[&element(4, &[&[1, 2, 3, 4, 5, 6, 7, 8]]), &[2, 2, 8, 0], &[2, 1, 32], &hmac(9)]);
    let parameters = element(0x30, &[&element(0x30, &[&oid(&[1, 5, 12]), &derivation]), &hmac(11)]);
    let digest_info = element(0x30, &[&element(0x30, &[&oid(&[1, 5, 14]), &parameters]), &element(4, &[&code])]);
    let mac_data = element(0x30, &[&digest_info, &element(4, &[b"not used"]), &[2, 1, 1]]);
    let protected = element(0x30, &[&file[4..], &mac_data]);
    assert_eq!(taken(&protected, Some("secret")).certificates.len(), 2);
    assert_eq!(refusal(&protected, Some("other")), ReadError::WrongPassword("PKCS#12 file"));
}

#[test]
fn a_broken_pkcs12_file_is_not_a_wrong_password() {
    let shop = Workshop::new();
    let file = pkcs12(&shop, "secret", &[]);
    for end in [5, 100, file.len() / 2, file.len() - 1] {
        assert!(matches!(refusal(&file[..end], Some("secret")), ReadError::Broken { .. }), "{end}");
    }
    // Without an integrity check, damage cannot be told from a wrong password, and the sentence says so
    let mut damaged = pkcs12(&shop, "secret", &["-nomac"]);
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    if let Err(error) = read(&damaged, Some("secret")) {
        assert!(error.to_string().contains("damaged") || matches!(error, ReadError::Broken { .. }), "{error}");
    }
}

#[test]
fn a_costly_file_is_refused_at_once() {
    // 70,000 iterations are an INTEGER of three octets, and so are 8,388,607
    let raise = |mut file: Vec<u8>| {
        let count = [0x02, 0x03, 0x01, 0x11, 0x70];
        let positions: Vec<usize> = (0..file.len() - 5).filter(|at| file[*at..*at + 5] == count).collect();
        assert!(!positions.is_empty());
        for at in positions {
            file[at + 2..at + 5].copy_from_slice(&[0x7f, 0xff, 0xff]);
        }
        file
    };
    let shop = Workshop::new();
    let file = raise(pkcs12(&shop, "secret", &["-iter", "70000", "-nomac"]));
    let path = shop.key("ec:prime256v1");
    let key = openssl(&["pkcs8", "-topk8", "-in", &path, "-passout", "pass:x", "-iter", "70000", "-outform", "DER"], b"");
    let started = std::time::Instant::now();
    for costly in [file, raise(key)] {
        let error = refusal(&costly, Some("secret"));
        assert!(error.to_string().contains("asks for 8388607 iterations"), "{error}");
        assert!(error.is_about_limits() && !error.is_about_password());
    }
    assert!(started.elapsed().as_secs() < 2);
}

#[test]
fn the_cost_is_limited_for_all_parts_together() {
    let shop = Workshop::new();
    let path = shop.key("ec:prime256v1");
    let one = openssl(&["pkcs8", "-topk8", "-in", &path, "-passout", "pass:x", "-iter", "1000000"], b"");
    let bundle = taken(&one.repeat(8), Some("x"));
    assert!((1..8).contains(&bundle.keys.len()), "{} keys", bundle.keys.len());
    assert!(bundle.refused.iter().all(|refused| refused.reason.contains("iterations")), "{:?}", bundle.refused);
    assert_eq!(bundle.keys.len() + bundle.refused.len(), 8);
}

#[test]
fn pkcs7_bundles() {
    let shop = Workshop::new();
    let first = shop.certificate("ec:prime256v1", &[]);
    let second = shop.certificate("rsa:2048", &[]);
    let path = shop.write("both.pem", pem::encode_chain(&[&first, &second]).as_bytes());
    let der = openssl(&["crl2pkcs7", "-nocrl", "-certfile", &path, "-outform", "DER"], b"");
    let bundle = taken(&der, None);
    assert_eq!(bundle.format, Format::Pkcs7);
    let found: Vec<&[u8]> = bundle.certificates.iter().map(|found| &found.der[..]).collect();
    assert_eq!(found, [&first[..], &second[..]]);
    let pem = openssl(&["crl2pkcs7", "-nocrl", "-certfile", &path], b"");
    let bundle = taken(&pem, None);
    assert_eq!((bundle.format, bundle.certificates.len()), (Format::Pem, 2));
    assert_eq!(bundle.certificates[1].place, "line 1, certificate 2");
    // As a signed message in BER with indefinite lengths
    let key = shop.key("ec:prime256v1");
    let extra = shop.write("extra.pem", pem::encode("CERTIFICATE", &second).as_bytes());
    let signer = shop.write("signer.pem", pem::encode("CERTIFICATE", &first).as_bytes());
    let arguments =
        ["cms", "-sign", "-signer", &signer, "-inkey", &key, "-certfile", &extra, "-nodetach", "-stream", "-outform", "DER"];
    let streamed = openssl(&arguments, b"hello");
    assert_eq!(streamed[1], 0x80, "indefinite length");
    let bundle = taken(&streamed, None);
    assert!(bundle.certificates.iter().any(|found| found.der == second));
    assert!(matches!(refusal(&der[..der.len() - 5], None), ReadError::Broken { .. }));
}

#[test]
fn pem_with_everything_around_it() {
    let shop = Workshop::new();
    let der = shop.certificate("ec:prime256v1", &[]);
    let other = shop.certificate("ed25519", &[]);
    let key = shop.key("ec:prime256v1");
    let text = openssl(&["x509", "-inform", "DER", "-text"], &der);
    let trusted = openssl(&["x509", "-inform", "DER", "-trustout", "-setalias", "x", "-addtrust", "serverAuth"], &der);
    assert!(String::from_utf8_lossy(&trusted).contains("BEGIN TRUSTED CERTIFICATE"));
    let request = openssl(&["req", "-new", "-key", &key, "-subj", "/CN=x"], b"");
    let parameters = openssl(&["ecparam", "-name", "prime256v1", "-genkey"], b"");
    let mut broken = pem::encode("CERTIFICATE", &der).into_bytes();
    broken[100] = b'!';
    let windows = pem::encode("X509 CERTIFICATE", &other).replace('\n', "\r\n");
    let indented = pem::encode("CERTIFICATE", &der).replace('\n', "\n    ");
    let one_line = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(&other)
    });
    let all = [
        b"\xef\xbb\xbfBag Attributes\n    friendlyName: x\n".as_slice(),
        &text,
        &trusted,
        &request,
        &parameters,
        &broken,
        windows.as_bytes(),
        b"\xff\xfe binary \0 junk\n",
        indented.as_bytes(),
        b"\n-----BEGIN CERTIFICATE-----\nno end\n",
        one_line.as_bytes(),
    ]
    .concat();
    let bundle = taken(&all, None);
    assert_eq!(bundle.format, Format::Pem);
    let found: Vec<&[u8]> = bundle.certificates.iter().map(|found| &found.der[..]).collect();
    assert_eq!(found, [&der[..], &der, &other, &der, &other]);
    assert!(bundle.certificates[1].note.is_some(), "the trust settings were left out");
    assert_eq!(bundle.keys.len(), 1);
    let reasons: Vec<&str> = bundle.refused.iter().map(|refused| refused.reason.as_str()).collect();
    assert_eq!(reasons, ["the block is not valid base64", "the block has no END line"]);
    assert_eq!(bundle.beside()[0].reason, "this is a certificate signing request");
    let all_text = String::from_utf8_lossy(&all).replace("\r\n", "\n");
    for found in &bundle.certificates {
        let line: usize = found.place.strip_prefix("line ").unwrap().parse().unwrap();
        assert!(all_text.lines().nth(line - 1).unwrap().contains("-----BEGIN"), "{}", found.place);
    }
}

#[test]
fn other_carriers() {
    use base64::Engine;
    let shop = Workshop::new();
    let der = shop.certificate("ec:prime256v1", &[]);
    assert_eq!(taken(&der, None).format, Format::Der);
    let longer = [&der[..], b"junk"].concat();
    let found = &taken(&longer, None).certificates[0];
    assert_eq!((&found.der, found.note.as_deref()), (&der, Some("4 bytes after the certificate were left out")));
    let bare = base64::engine::general_purpose::STANDARD.encode(&der);
    assert_eq!(taken(format!(" {}\n", bare.replace("AB", "A\nB")).as_bytes(), None).certificates[0].der, der);
    let text = pem::encode("CERTIFICATE", &der);
    for (mark, bytes) in [(0xfeff_u16, true), (0xfeff, false)] {
        let units = std::iter::once(mark).chain(text.encode_utf16());
        let utf16: Vec<u8> = units.flat_map(|unit| if bytes { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
        assert_eq!(taken(&utf16, None).certificates[0].der, der);
    }
    let flat = format!("{{\"certificate\":\"{}\"}}", text.replace('\n', "\\n"));
    assert_eq!(taken(flat.as_bytes(), None).certificates[0].der, der);
    assert!(matches!(refusal(b"a -----BEGIN of nothing", None), ReadError::Broken { what: "PEM", .. }));
    // Text that begins like DER does
    let chain = format!("0 s:CN = workshop\n   i:CN = workshop\n{text}");
    assert_eq!(taken(chain.as_bytes(), None).certificates.len(), 1);
}

#[test]
fn what_is_not_wanted_is_named() {
    let shop = Workshop::new();
    let key = shop.key("rsa:2048");
    let public = openssl(&["pkey", "-in", &key, "-pubout", "-outform", "DER"], b"");
    let ssh = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEvvvv user@host".to_vec();
    for (bytes, found) in [
        (public, "a public key"),
        (ssh, "an SSH public key"),
        (b"<html><body>404".to_vec(), "an HTML page"),
        (b"{\"error\":1}".to_vec(), "a JSON document"),
        (b"PK\x03\x04\x14\0".to_vec(), "a ZIP archive"),
        (b"PuTTY-User-Key-File-3: ssh-ed25519".to_vec(), "a PuTTY private key"),
    ] {
        let sentence = refusal(&bytes, None).to_string();
        assert!(sentence.starts_with(&format!("this is {found},")), "{sentence}");
    }
    assert_eq!(refusal(b" \r\n ", None), ReadError::Empty);
    assert_eq!(refusal(b"hello", None), ReadError::Unrecognised);
    assert_eq!(refusal(&[0; 1000], None), ReadError::Unrecognised);
    let certificate = shop.certificate("rsa:2048", &[]);
    let cut = taken(&certificate[..500], None);
    assert!(cut.refused[0].reason.starts_with("the certificate is cut off"), "{}", cut.refused[0].reason);
    // ssh-keygen may be absent; the block's content begins with the magic of RFC-less OpenSSH
    let openssh = pem::encode("OPENSSH PRIVATE KEY", b"openssh-key-v1\0\0\0\0\x04none");
    assert_eq!(taken(openssh.as_bytes(), None).refused[0].reason, "this is an OpenSSH private key");
}

#[test]
fn limits() {
    let blocks = "-----BEGIN X-----\n-----END X-----\n".repeat(certhold_pki::ITEMS_MAX + 1);
    assert_eq!(refusal(blocks.as_bytes(), None), ReadError::TooMany);
    let huge = vec![b'x'; certhold_pki::INPUT_BYTES_MAX + 1];
    assert_eq!(refusal(&huge, None), ReadError::TooLarge(huge.len()));
    let password = "x".repeat(certhold_pki::PASSWORD_BYTES_MAX + 1);
    assert_eq!(refusal(b"x", Some(&password)), ReadError::PasswordTooLong);
}
