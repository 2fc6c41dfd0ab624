//! What is written is read by openssl and by Java's keytool, and what those write is read here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod common;

use base64::Engine as _;
use certhold_pki::{Entry, Format, OutputFormat, PrivateKey, ReadError, Reading, WriteError, pem, read, write};
use common::{Workshop, openssl, run, try_openssl};

/// ASCII, beyond ASCII, and beyond the first plane of Unicode.
const PASSWORDS: [&str; 3] = ["secret", "pässwörd", "geheim 🔑"];

/// Java's keytool; `None` where Java is not installed, which is a failure in continuous integration.
fn keytool(arguments: &[&str]) -> Option<Result<String, String>> {
    let there = std::process::Command::new("keytool").arg("-help").output().is_ok();
    if !there {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "keytool (openjdk-17-jre-headless) is not installed");
        eprintln!("left out: keytool is not installed");
        return None;
    }
    // The passwords of arguments are read in the encoding of the locale.
    let options = ["-J-Duser.language=en", "-J-Xshare:auto", "-J-XX:TieredStopAtLevel=1"];
    let arguments: Vec<&str> = std::iter::once("keytool").chain(arguments.iter().copied()).chain(options).collect();
    let all: Vec<&str> = std::iter::once("LC_ALL=C.UTF-8").chain(arguments).collect();
    Some(run("env", &all, b"").map(|out| String::from_utf8_lossy(&out).into_owned()))
}

/// Salts that are the same every time.
fn salts() -> impl FnMut(&mut [u8]) {
    let mut next = 0u8;
    move |out: &mut [u8]| {
        for octet in out {
            next = next.wrapping_mul(31).wrapping_add(17);
            *octet = next;
        }
    }
}

struct Material {
    shop: Workshop,
    rsa: PrivateKey,
    ec: PrivateKey,
    rsa_certificate: Vec<u8>,
    ec_certificate: Vec<u8>,
}

fn material() -> Material {
    let shop = Workshop::new();
    let key = |kind: &str| {
        let der = openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", &shop.key(kind), "-outform", "DER"], b"");
        PrivateKey::of(&der).unwrap()
    };
    let (rsa, ec) = (key("rsa:2048"), key("ec:prime256v1"));
    let rsa_certificate = shop.certificate("rsa:2048", &["-subj", "/CN=one.example"]);
    let ec_certificate = shop.certificate("ec:prime256v1", &["-subj", "/CN=two.example"]);
    Material { rsa, ec, rsa_certificate, ec_certificate, shop }
}

impl Material {
    fn one(&self) -> Vec<Entry<'_>> {
        vec![Entry {
            alias: "Señor One".to_owned(),
            key: Some(&self.rsa),
            certificates: vec![&self.rsa_certificate, &self.ec_certificate],
        }]
    }

    /// Two keys, and a certificate without a key.
    fn several(&self) -> Vec<Entry<'_>> {
        vec![
            Entry { alias: "one".to_owned(), key: Some(&self.rsa), certificates: vec![&self.rsa_certificate] },
            Entry { alias: "two 🔑".to_owned(), key: Some(&self.ec), certificates: vec![&self.ec_certificate] },
            Entry { alias: "root".to_owned(), key: None, certificates: vec![&self.rsa_certificate] },
        ]
    }

    fn written(&self, format: OutputFormat, entries: &[Entry<'_>], password: Option<&str>) -> Vec<u8> {
        let bytes = write(format, entries, password, 1_700_000_000_000, &mut salts()).unwrap();
        let again = write(format, entries, password, 1_700_000_000_000, &mut salts()).unwrap();
        assert_eq!(bytes, again, "the same salts give the same file");
        bytes.to_vec()
    }
}

/// The certificates in openssl's output, in order.
fn certificates(text: &[u8]) -> Vec<Vec<u8>> {
    pem::blocks(text).filter(|block| block.label == "CERTIFICATE").map(|block| block.content.unwrap().to_vec()).collect()
}

#[test]
fn pkcs12_is_read_by_openssl() {
    let material = material();
    for format in [OutputFormat::Pkcs12, OutputFormat::Pkcs12Legacy] {
        for password in PASSWORDS.into_iter().chain([""]) {
            let file = material.written(format, &material.one(), Some(password));
            let pass = format!("pass:{password}");
            let text = openssl(&["pkcs12", "-nodes", "-passin", &pass], &file);
            assert_eq!(certificates(&text), [material.rsa_certificate.clone(), material.ec_certificate.clone()]);
            // openssl prints names in Latin-1
            let name = b"friendlyName: Se\xf1or One";
            assert!(text.windows(name.len()).any(|window| window == name));
            let key = openssl(&["pkey", "-outform", "DER"], &text);
            assert_eq!(PrivateKey::of(&key).unwrap().spki_der(), material.rsa.spki_der());
            assert!(try_openssl(&["pkcs12", "-nodes", "-passin", "pass:wrong"], &file).is_err());
            let info = material.shop.write("file.p12", &file);
            let info = try_openssl(&["pkcs12", "-info", "-noout", "-in", &info, "-passin", &pass], b"");
            assert!(info.is_ok());
        }
    }
}

#[test]
fn pkcs12_profiles_are_what_they_say() {
    let material = material();
    for (format, cipher, digest) in [
        (
            OutputFormat::Pkcs12,
            "PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256",
            "MAC: sha256, Iteration 100000",
        ),
        (OutputFormat::Pkcs12Legacy, "pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048", "MAC: sha1, Iteration 2048"),
    ] {
        let path = material.shop.write("file.p12", &material.written(format, &material.one(), Some("x")));
        let output = std::process::Command::new("openssl")
            .args(["pkcs12", "-info", "-noout", "-in", &path, "-passin", "pass:x"])
            .output()
            .unwrap();
        let info = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(info.matches(cipher).count(), 2, "key and certificates: {info}");
        assert!(info.contains(digest), "{info}");
    }
}

#[test]
fn pkcs12_is_read_by_keytool() {
    let material = material();
    for format in [OutputFormat::Pkcs12, OutputFormat::Pkcs12Legacy] {
        // Java takes only ASCII for the passwords of PKCS#12
        let path = material.shop.write("store.p12", &material.written(format, &material.several(), Some("secret")));
        let Some(listed) = keytool(&["-list", "-v", "-keystore", &path, "-storetype", "PKCS12", "-storepass", "secret"]) else {
            return;
        };
        let listed = listed.unwrap();
        assert!(listed.contains("Your keystore contains 3 entries"), "{listed}");
        assert_eq!(listed.matches("Entry type: PrivateKeyEntry").count(), 2, "{listed}");
        assert_eq!(listed.matches("Entry type: trustedCertEntry").count(), 1, "{listed}");
        for alias in ["one", "two 🔑", "root"] {
            assert!(listed.contains(&format!("Alias name: {alias}\n")), "{listed}");
        }
        // The key itself comes out again, and is the same
        let back = material.shop.file(&format!("{}.back", format.name()));
        let from = ["-importkeystore", "-srckeystore", &path, "-srcstoretype", "PKCS12", "-srcstorepass", "secret"];
        let to = ["-srcalias", "one", "-destkeystore", &back, "-deststoretype", "JKS", "-deststorepass", "secret2"];
        keytool(&[&from[..], &to].concat()).unwrap().unwrap();
        // keytool leaves the key under the password that it had
        let bundle = Reading::new(["secret2", "secret"]).read(&material.shop.read(&format!("{}.back", format.name()))).unwrap();
        assert_eq!(bundle.keys[0].key.pkcs8_der(), material.rsa.pkcs8_der());
    }
}

#[test]
fn jks_is_read_by_keytool() {
    let material = material();
    for password in PASSWORDS {
        let path = material.shop.write("store.jks", &material.written(OutputFormat::Jks, &material.several(), Some(password)));
        let arguments = ["-list", "-v", "-keystore", &path, "-storetype", "JKS", "-storepass", password];
        let Some(listed) = keytool(&arguments) else { return };
        let listed = listed.unwrap();
        assert!(listed.contains("Your keystore contains 3 entries"), "{listed}");
        assert!(listed.contains("Alias name: two 🔑\n") && listed.contains("Creation date: Nov 14, 2023"), "{listed}");
        assert_eq!(listed.matches("Entry type: PrivateKeyEntry").count(), 2, "{listed}");
        let wrong = keytool(&["-list", "-keystore", &path, "-storetype", "JKS", "-storepass", "wrong12"]).unwrap();
        assert!(wrong.is_err(), "the integrity check");
        // keytool opens the key and puts it into a PKCS#12, which openssl reads
        let back = material.shop.file(&format!("{}.p12", password.len()));
        let from = ["-importkeystore", "-srckeystore", &path, "-srcstoretype", "JKS", "-srcstorepass", password];
        let to = ["-srcalias", "two 🔑", "-destkeystore", &back, "-deststoretype", "PKCS12", "-deststorepass", "secret2"];
        keytool(&[&from[..], &to].concat()).unwrap().unwrap();
        let text = openssl(&["pkcs12", "-nodes", "-in", &back, "-passin", "pass:secret2"], b"");
        let key = openssl(&["pkey", "-outform", "DER"], &text);
        assert_eq!(PrivateKey::of(&key).unwrap().spki_der(), material.ec.spki_der());
    }
}

#[test]
fn what_keytool_writes_is_read() {
    let shop = Workshop::new();
    for (kind, format) in [("JKS", Format::Jks), ("JCEKS", Format::Jceks), ("PKCS12", Format::Pkcs12)] {
        for password in ["secret", "pässwörd"] {
            // Java protects keys of JCEKS and PKCS#12 under ASCII only
            if kind != "JKS" && !password.is_ascii() {
                continue;
            }
            let name = format!("{}-{kind}", password.len());
            let path = shop.file(&name);
            let store = ["-keystore", &path, "-storetype", kind, "-storepass", password];
            // In PKCS#12, Java gives every entry the store's password
            let own = if kind == "PKCS12" { password } else { "other password" };
            let make = |alias: &str, key: &str, password: &str, size: &[&str]| {
                let name = format!("CN={alias}");
                let arguments = ["-genkeypair", "-alias", alias, "-keyalg", key, "-dname", &name, "-keypass", password];
                keytool(&[&arguments[..], size, &store].concat())
            };
            let Some(made) = make("first", "EC", password, &["-groupname", "secp256r1"]) else { return };
            made.unwrap();
            make("zweites käse", "RSA", own, &["-keysize", "2048"]).unwrap().unwrap();
            let certificate = shop.write("c.pem", pem::encode("CERTIFICATE", &shop.certificate("ed25519", &[])).as_bytes());
            let import = ["-importcert", "-noprompt", "-alias", "trusted", "-file", &certificate];
            keytool(&[&import[..], &store].concat()).unwrap().unwrap();
            let bytes = shop.read(&name);

            let bundle = Reading::new([password, own]).read(&bytes).unwrap();
            assert_eq!((bundle.format, bundle.certificates.len(), bundle.keys.len()), (format, 3, 2), "{kind}");
            let mut aliases: Vec<_> = bundle.keys.iter().map(|found| found.alias.clone().unwrap()).collect();
            aliases.sort();
            assert_eq!(aliases, ["first", "zweites käse"]);
            for found in &bundle.keys {
                let fits = |certificate: &&certhold_pki::Found| found.key.matches(&certificate.der).unwrap();
                assert_eq!(bundle.certificates.iter().find(fits).unwrap().alias, found.alias, "the certificate of the key");
                let checked = openssl(&["pkey", "-check", "-noout"], found.key.pkcs8_pem().as_bytes());
                assert_eq!(String::from_utf8_lossy(&checked).trim(), "Key is valid");
            }
            assert!(bundle.certificates.iter().any(|found| found.alias.as_deref() == Some("trusted")));
            let Err(error) = read(&bytes, Some("wrong")) else { panic!("a wrong password") };
            assert!(error.is_about_password(), "{error}");
            if kind == "PKCS12" {
                continue;
            }
            // With the store's password alone, the key under another one is refused and named
            let bundle = read(&bytes, Some(password)).unwrap();
            assert_eq!((bundle.keys.len(), bundle.refused.len()), (1, 1));
            assert_eq!(bundle.refused[0].reason, "the password of the private key is wrong");
            assert!(bundle.refused[0].place.contains("zweites käse"), "{}", bundle.refused[0].place);
            let bundle = read(&bytes, None).unwrap();
            assert_eq!((bundle.certificates.len(), bundle.refused.len()), (3, 2), "certificates are not encrypted");
            assert!(bundle.summary().starts_with("a Java keystore ("), "{}", bundle.summary());
            for end in [0, 4, 11, 12, 40, bytes.len() / 2, bytes.len() - 21, bytes.len() - 1] {
                assert!(read(&bytes[..end], Some(password)).is_err(), "{end}");
                assert!(end < 12 || matches!(read(&bytes[..end], None), Err(ReadError::Broken { .. })), "{end}");
            }
            let mut altered = bytes.clone();
            altered[30] ^= 1;
            assert!(read(&altered, Some(password)).is_err(), "the integrity check");
        }
    }
}

#[test]
fn pem_der_and_pkcs7_are_read_by_openssl() {
    let material = material();
    let both = [material.rsa_certificate.clone(), material.ec_certificate.clone()];
    let text = material.written(OutputFormat::Pem, &material.one(), None);
    assert_eq!(certificates(&text), both);
    assert_eq!(openssl(&["pkey", "-pubout", "-outform", "DER"], &text), material.rsa.spki_der());
    for password in PASSWORDS {
        let text = material.written(OutputFormat::Pem, &material.one(), Some(password));
        assert!(String::from_utf8_lossy(&text).starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
        let pass = format!("pass:{password}");
        assert_eq!(openssl(&["pkey", "-passin", &pass, "-pubout", "-outform", "DER"], &text), material.rsa.spki_der());
        assert!(try_openssl(&["pkey", "-passin", "pass:wrong", "-noout"], &text).is_err());
    }
    let alone = || vec![Entry { alias: String::new(), key: None, certificates: both.iter().map(Vec::as_slice).collect() }];
    for (format, form) in [(OutputFormat::Pkcs7, "PEM"), (OutputFormat::Pkcs7Der, "DER")] {
        let file = material.written(format, &alone(), None);
        assert_eq!(certificates(&openssl(&["pkcs7", "-inform", form, "-print_certs"], &file)), both);
        let path = material.shop.write("c.p7b", &file);
        let Some(printed) = keytool(&["-printcert", "-rfc", "-file", &path]) else { continue };
        assert_eq!(certificates(printed.unwrap().as_bytes()), both, "keytool reads it, too");
    }
    let single = [Entry { alias: String::new(), key: None, certificates: vec![&both[0]] }];
    let der = material.written(OutputFormat::Der, &single, None);
    assert_eq!(certificates(&openssl(&["x509", "-inform", "DER"], &der)), both[..1]);
    let key = [Entry { alias: String::new(), key: Some(&material.ec), certificates: Vec::new() }];
    let der = material.written(OutputFormat::Der, &key, None);
    assert_eq!(openssl(&["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], &der), material.ec.spki_der());
}

#[test]
fn everything_written_is_read_here() {
    let material = material();
    for format in OutputFormat::ALL.into_iter().filter(|format| *format != OutputFormat::Der) {
        for password in PASSWORDS {
            let entries: Vec<Entry<'_>> = match format.holds_keys() {
                true => material.several(),
                false => vec![Entry { alias: "x".to_owned(), key: None, certificates: vec![&material.ec_certificate] }],
            };
            let file = material.written(format, &entries, format.holds_keys().then_some(password));
            let bundle = read(&file, Some(password)).unwrap();
            let (keys, certificates) = if format.holds_keys() { (2, 3) } else { (0, 1) };
            assert_eq!(
                (bundle.keys.len(), bundle.certificates.len(), bundle.refused.len()),
                (keys, certificates, 0),
                "{format:?}"
            );
            if format.needs_password() {
                let aliases: Vec<_> = bundle.certificates.iter().map(|found| found.alias.clone().unwrap()).collect();
                assert_eq!(aliases, ["one", "two 🔑", "root"]);
            }
            if format.holds_keys() {
                let wrong = read(&file, Some("wrong"));
                assert!(wrong.is_err_and(|error| error.is_about_password()) || format == OutputFormat::Pem);
            }
        }
        assert_eq!(OutputFormat::parse(format.name()), Some(format));
    }
    assert_eq!(OutputFormat::parse("PEM"), None);
}

#[test]
fn what_a_format_cannot_hold_is_refused() {
    let material = material();
    let refused = |format, entries: &[Entry<'_>], password| write(format, entries, password, 0, &mut salts()).unwrap_err();
    assert_eq!(refused(OutputFormat::Pem, &[], None), WriteError::Nothing);
    assert_eq!(refused(OutputFormat::Pkcs7, &material.one(), None), WriteError::NoKeys("PKCS#7 in PEM"));
    assert_eq!(refused(OutputFormat::Der, &material.one(), None), WriteError::NotOne(3));
    assert_eq!(refused(OutputFormat::Pkcs12, &material.one(), None), WriteError::PasswordNeeded("PKCS#12 (AES-256)"));
    assert_eq!(refused(OutputFormat::Jks, &material.one(), None), WriteError::PasswordNeeded("Java keystore (JKS)"));
    let alone = || [Entry { alias: "k".to_owned(), key: Some(&material.ec), certificates: Vec::new() }];
    assert_eq!(refused(OutputFormat::Jks, &alone(), Some("x")), WriteError::KeyAlone);
    assert_eq!(refused(OutputFormat::Der, &alone(), Some("x")), WriteError::PasswordUnused);
    let twice: Vec<Entry<'_>> = ["Same", "same"]
        .into_iter()
        .map(|alias| Entry { alias: alias.to_owned(), key: Some(&material.ec), certificates: vec![&material.ec_certificate] })
        .collect();
    assert_eq!(refused(OutputFormat::Jks, &twice, Some("x")), WriteError::DuplicateAlias("same".to_owned()));
    let long = [Entry { alias: "x".repeat(70_000), key: None, certificates: vec![&material.ec_certificate] }];
    assert_eq!(refused(OutputFormat::Jks, &long, Some("x")), WriteError::TooLong("the name of an entry"));
}

/// RFC 9579 appendix A.1: HMAC-SHA-256 under PBKDF2 with the same.
#[test]
fn the_example_of_rfc_9579() {
    let text: String = include_str!("vectors/rfc9579-a1.txt").split_whitespace().collect();
    let file = base64::engine::general_purpose::STANDARD.decode(&text).unwrap();
    let bundle = read(&file, Some("1234")).unwrap();
    assert_eq!((bundle.format, bundle.certificates.len(), bundle.keys.len()), (Format::Pkcs12, 1, 1));
    assert!(bundle.keys[0].key.matches(&bundle.certificates[0].der).unwrap());
    assert_eq!(read(&file, Some("1235")).err(), Some(ReadError::WrongPassword("PKCS#12 file")));
    // An altered code, iteration count or salt is noticed
    for at in [file.len() - 20, file.len() - 100] {
        let mut altered = file.clone();
        altered[at] ^= 1;
        assert!(read(&altered, Some("1234")).is_err(), "{at}");
    }
}
