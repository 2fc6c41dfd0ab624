//! Certificate stores on the real file system, read back with OpenSSL and Java's keytool.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use certhold_domain::renewal::KeyKind;
use certhold_domain::stores::{ChainPlace, Encryption, KeyPlace, Properties, Roots, StoreKind};
use certhold_outside::keys::{SystemEntropy, generate};
use certhold_outside::stores::{LocalStore, NewEntry, StoreError};
use certhold_pki::{Entry, OutputFormat, PrivateKey, pem};
use certhold_tests::process::program;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use tempfile::TempDir;

pub const PASSWORD: &str = "changeit";

/// An authority, and certificates by it.
pub struct Pki {
    root: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
    middle: Vec<u8>,
}

pub struct Leaf {
    pub certificate: Vec<u8>,
    pub key: PrivateKey,
}

fn named(name: &str, is_ca: bool) -> CertificateParams {
    let mut parameters = CertificateParams::new(if is_ca { vec![] } else { vec![name.to_owned()] }).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, name);
    if is_ca {
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    parameters
}

impl Pki {
    pub fn new() -> Pki {
        let root_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let root = named("Root", true);
        let root_certificate = root.self_signed(&root_key).unwrap().der().to_vec();
        let root_issuer = Issuer::new(root, root_key);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let middle = named("Middle", true);
        let certificate = middle.signed_by(&key, &root_issuer).unwrap().der().to_vec();
        Pki { root: root_certificate, middle: certificate, issuer: Issuer::new(middle, key) }
    }

    pub fn leaf(&self, name: &str) -> Leaf {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = named(name, false).signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Leaf { certificate, key: PrivateKey::of(&key.serialize_der()).unwrap() }
    }
}

/// A directory that is open to stores, and how a store in it is kept.
pub struct House {
    pub directory: TempDir,
    pub roots: Roots,
    pub properties: Properties,
}

impl House {
    pub fn new() -> House {
        let directory = tempfile::tempdir().unwrap();
        let roots = Roots(vec![directory.path().display().to_string()]);
        House { directory, roots, properties: Properties::default() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn store(&self, kind: StoreKind, name: &str) -> LocalStore<'_> {
        let password = kind.needs_password().then_some(PASSWORD);
        LocalStore {
            kind,
            path: self.path(name),
            properties: &self.properties,
            password,
            create_if_missing: true,
            roots: &self.roots,
        }
    }
}

fn entry<'a>(pki: &'a Pki, alias: &'a str, leaf: &'a Leaf) -> NewEntry<'a> {
    NewEntry { alias, certificate: &leaf.certificate, chain: vec![&pki.middle], key: Some(&leaf.key) }
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn run(program_name: &str, package: &str, arguments: &[&str]) -> String {
    let output = Command::new(program(program_name, package)).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{program_name} {arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn openssl(arguments: &[&str]) -> String {
    run("openssl", "openssl", arguments)
}

/// What keytool lists: aliases with what they are.
fn keytool(path: &Path, store_type: &str) -> Vec<(String, String)> {
    let path = path.display().to_string();
    let listed = run(
        "keytool",
        "openjdk-17-jdk-headless",
        &["-list", "-keystore", &path, "-storetype", store_type, "-storepass", PASSWORD],
    );
    let entry = |line: &str| {
        let parts: Vec<&str> = line.split(", ").collect();
        let kind = parts.iter().find(|part| part.ends_with("Entry") || part.ends_with("Entry,"))?;
        Some((parts[0].to_owned(), kind.trim_end_matches(',').to_owned()))
    };
    let mut entries: Vec<_> = listed.lines().filter_map(entry).collect();
    entries.sort();
    entries
}

/// What every kind does alike: makes, adds, replaces, removes, leaves alone; and what it refuses.
fn walk(house: &House, store: &LocalStore<'_>) {
    let pki = Pki::new();
    let (one, two, three) = (pki.leaf("one.example.com"), pki.leaf("two.example.com"), pki.leaf("three.example.com"));
    let absent = LocalStore { create_if_missing: false, path: store.path.clone(), ..house.store(store.kind, "x") };
    assert!(matches!(absent.inventory(), Err(StoreError::Missing { .. })));
    assert!(matches!(absent.put(&entry(&pki, "one", &one), false), Err(StoreError::Missing { .. })));
    assert!(store.inventory().unwrap().entries.is_empty());

    let put = store.put(&entry(&pki, "one", &one), false).unwrap();
    assert_eq!((put.replaced, put.has_key, put.changed), (None, true, true));
    assert_eq!(put.certificates, [one.certificate.clone(), pki.middle.clone()]);
    let again = store.put(&entry(&pki, "one", &one), false).unwrap();
    assert_eq!((again.changed, again.replaced.as_ref()), (false, Some(&one.certificate)), "the same again changes nothing");
    store.put(&entry(&pki, "two", &two), false).unwrap();
    assert!(matches!(store.put(&entry(&pki, "one", &three), false), Err(StoreError::Exists(_))));
    let replaced = store.put(&entry(&pki, "one", &three), true).unwrap();
    assert_eq!(replaced.replaced.as_ref(), Some(&one.certificate));

    let contents = store.inventory().unwrap();
    assert_eq!(contents.problems, []);
    let found: Vec<_> = contents.entries.iter().map(|one| (one.alias.as_str(), one.certificates.len(), one.has_key)).collect();
    assert_eq!(found, [("one", 2, true), ("two", 2, true)]);
    assert_eq!(contents.entries[0].certificates, [three.certificate.clone(), pki.middle.clone()]);

    assert!(matches!(store.remove("nobody"), Err(StoreError::NotThere(_))));
    assert_eq!(store.remove("one").unwrap(), three.certificate);
    assert!(matches!(store.remove("one"), Err(StoreError::NotThere(_))));
    let left = store.inventory().unwrap().entries;
    assert_eq!(left.iter().map(|one| one.alias.as_str()).collect::<Vec<_>>(), ["two"]);
    assert!(!names(house.directory.path()).iter().any(|name| name.starts_with(".certhold")), "nothing is left beside");
}

#[test]
fn a_pkcs12_file_is_a_store() {
    for encryption in [Encryption::Modern, Encryption::Legacy] {
        let mut house = House::new();
        house.properties.encryption = Some(encryption);
        let store = house.store(StoreKind::Pkcs12, "shop.p12");
        walk(&house, &store);
        let path = house.path("shop.p12").display().to_string();
        let legacy = if encryption == Encryption::Legacy { vec!["-legacy"] } else { vec![] };
        let pass = format!("pass:{PASSWORD}");
        let read = [vec!["pkcs12", "-in", &path, "-passin", &pass, "-nodes"], legacy].concat();
        let text = openssl(&read);
        assert_eq!((text.matches("BEGIN CERTIFICATE").count(), text.matches("BEGIN PRIVATE KEY").count()), (2, 1), "{text}");
        assert!(text.contains("friendlyName: two"), "{text}");
        assert_eq!(keytool(&house.path("shop.p12"), "PKCS12"), [("two".to_owned(), "PrivateKeyEntry".to_owned())]);

        // Trusted certificates are entries for Java, too; authorities that entries share are there once.
        let pki = Pki::new();
        store.put(&NewEntry { alias: "anchor", certificate: &pki.root, chain: vec![], key: None }, false).unwrap();
        let (three, four) = (pki.leaf("three.example.com"), pki.leaf("four.example.com"));
        store.put(&entry(&pki, "three", &three), false).unwrap();
        store.put(&entry(&pki, "four", &four), false).unwrap();
        let listed: Vec<String> = keytool(&house.path("shop.p12"), "PKCS12").into_iter().map(|(alias, _)| alias).collect();
        assert_eq!(listed, ["anchor", "four", "three", "two"]);
        let text = openssl(&read);
        assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 6, "leaves, their authorities once, and the root: {text}");
        assert_eq!(store.inventory().unwrap().entries.len(), 4);
        for alias in ["two", "three", "four", "anchor"] {
            store.remove(alias).unwrap();
        }
        assert!(store.inventory().unwrap().entries.is_empty(), "an empty file is a store");
        openssl(&read);
    }
}

#[test]
fn a_java_key_store_is_a_store() {
    let house = House::new();
    let store = house.store(StoreKind::Jks, "app.jks");
    walk(&house, &store);
    let path = house.path("app.jks");
    assert_eq!(keytool(&path, "JKS"), [("two".to_owned(), "PrivateKeyEntry".to_owned())]);

    // Entries that Java itself made, one of them under a password of its own, stay as they are.
    let own = path.display().to_string();
    let made = [
        "-genkeypair",
        "-keystore",
        &own,
        "-storetype",
        "JKS",
        "-storepass",
        PASSWORD,
        "-keypass",
        "another one",
        "-alias",
        "Foreign",
        "-dname",
        "CN=foreign",
        "-keyalg",
        "EC",
        "-groupname",
        "secp256r1",
    ];
    run("keytool", "openjdk-17-jdk-headless", &made);
    let pki = Pki::new();
    store.put(&NewEntry { alias: "anchor", certificate: &pki.root, chain: vec![], key: None }, false).unwrap();
    let kinds = [("anchor", "trustedCertEntry"), ("foreign", "PrivateKeyEntry"), ("two", "PrivateKeyEntry")];
    assert_eq!(keytool(&path, "JKS"), kinds.map(|(alias, kind)| (alias.to_owned(), kind.to_owned())));
    let request = [
        "-certreq",
        "-keystore",
        &own,
        "-storetype",
        "JKS",
        "-storepass",
        PASSWORD,
        "-keypass",
        "another one",
        "-alias",
        "foreign",
    ];
    assert!(run("keytool", "openjdk-17-jdk-headless", &request).contains("BEGIN NEW CERTIFICATE REQUEST"), "its key still opens");
    let contents = store.inventory().unwrap();
    let aliases: Vec<_> = contents.entries.iter().map(|one| (one.alias.as_str(), one.has_key)).collect();
    assert_eq!(aliases, [("two", true), ("foreign", true), ("anchor", false)]);
    assert_eq!(contents.problems.len(), 1, "the key under the other password: {:?}", contents.problems);

    // The same key opens for Java under the store's password.
    let leaf = pki.leaf("java.example.com");
    store.put(&entry(&pki, "java", &leaf), false).unwrap();
    let to = house.path("out.p12").display().to_string();
    let convert = [
        "-importkeystore",
        "-srckeystore",
        &own,
        "-srcstoretype",
        "JKS",
        "-srcstorepass",
        PASSWORD,
        "-srcalias",
        "java",
        "-destkeystore",
        &to,
        "-deststoretype",
        "PKCS12",
        "-deststorepass",
        PASSWORD,
    ];
    run("keytool", "openjdk-17-jdk-headless", &convert);
    let moved = certhold_pki::read(&fs::read(house.path("out.p12")).unwrap(), Some(PASSWORD)).unwrap();
    assert!(moved.keys[0].key.matches(&leaf.certificate).unwrap());
}

#[test]
fn a_directory_of_pem_files_is_a_store() {
    let house = House::new();
    let store = house.store(StoreKind::PemDirectory, "web");
    walk(&house, &store);
    let web = house.path("web");
    assert_eq!(names(&web), ["two.key", "two.pem"]);
    assert_eq!((mode(&web.join("two.key")), mode(&web.join("two.pem"))), (0o600, 0o644));
    let (key, certificate) = (web.join("two.key").display().to_string(), web.join("two.pem").display().to_string());
    let public = openssl(&["pkey", "-in", &key, "-pubout"]);
    assert_eq!(public, openssl(&["x509", "-in", &certificate, "-noout", "-pubkey"]), "key and certificate belong together");

    // Owner and mode of files that are there are kept.
    let pki = Pki::new();
    fs::set_permissions(web.join("two.key"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(web.join("two.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    let is_root = fs::metadata(&web).unwrap().uid() == 0;
    if is_root {
        std::os::unix::fs::chown(web.join("two.key"), Some(4711), Some(4712)).unwrap();
    }
    store.put(&entry(&pki, "two", &pki.leaf("two.example.com")), true).unwrap();
    assert_eq!((mode(&web.join("two.key")), mode(&web.join("two.pem"))), (0o640, 0o600));
    if is_root {
        let kept = fs::metadata(web.join("two.key")).unwrap();
        assert_eq!((kept.uid(), kept.gid()), (4711, 4712));
    }

    // Without its key a certificate goes in where the key that is there fits.
    let (known, other) = (pki.leaf("known.example.com"), pki.leaf("other.example.com"));
    store.put(&entry(&pki, "known", &known), false).unwrap();
    let alone = |leaf: &Leaf| {
        let new = NewEntry { alias: "known", certificate: &leaf.certificate, chain: vec![&pki.middle], key: None };
        store.put(&new, true)
    };
    assert!(alone(&known).unwrap().has_key);
    assert!(matches!(alone(&other), Err(StoreError::WouldLose { .. })), "its key would belong to another certificate");
    assert_eq!(store.inventory().unwrap().entries[0].certificates[0], known.certificate);
}

#[test]
fn pem_files_are_laid_out_as_the_store_says() {
    let mut house = House::new();
    let pki = Pki::new();
    let leaf = pki.leaf("one.example.com");
    house.properties = Properties { chain: Some(ChainPlace::Beside), key: Some(KeyPlace::Inside), ..Properties::default() };
    house.store(StoreKind::PemDirectory, "a").put(&entry(&pki, "one", &leaf), false).unwrap();
    assert_eq!(names(&house.path("a")), ["one.chain.pem", "one.pem"]);
    let text = fs::read_to_string(house.path("a/one.pem")).unwrap();
    assert!(text.starts_with("-----BEGIN PRIVATE KEY-----") && text.matches("BEGIN CERTIFICATE").count() == 1);
    assert_eq!(mode(&house.path("a/one.pem")), 0o600, "there is a key in it");
    let found = house.store(StoreKind::PemDirectory, "a").inventory().unwrap().entries;
    assert_eq!((found.len(), found[0].certificates.len(), found[0].has_key), (1, 2, true), "the chain beside belongs to it");
    house.store(StoreKind::PemDirectory, "a").remove("one").unwrap();
    assert_eq!(names(&house.path("a")), [""; 0]);

    // A file in which a key comes to be is closed to others.
    fs::write(house.path("a/one.crt"), pem::encode(pem::CERTIFICATE, &leaf.certificate)).unwrap();
    fs::set_permissions(house.path("a/one.crt"), fs::Permissions::from_mode(0o644)).unwrap();
    house.store(StoreKind::PemDirectory, "a").put(&entry(&pki, "one", &leaf), true).unwrap();
    assert_eq!(mode(&house.path("a/one.crt")), 0o600);

    house.properties = Properties { chain: Some(ChainPlace::None), ..Properties::default() };
    let store = LocalStore { password: Some(PASSWORD), ..house.store(StoreKind::PemDirectory, "b") };
    assert!(store.put(&entry(&pki, "one", &leaf), false).unwrap().changed);
    assert!(!store.put(&entry(&pki, "one", &leaf), true).unwrap().changed, "an encrypted key that is there is left alone");
    let key = house.path("b/one.key").display().to_string();
    assert!(fs::read_to_string(&key).unwrap().contains("ENCRYPTED"));
    openssl(&["pkey", "-in", &key, "-passin", &format!("pass:{PASSWORD}"), "-noout"]);
    assert_eq!(fs::read_to_string(house.path("b/one.pem")).unwrap().matches("BEGIN CERTIFICATE").count(), 1);
}

#[test]
fn foreign_files_are_problems_and_stay_as_they_are() {
    let house = House::new();
    let outside = tempfile::tempdir().unwrap();
    let pki = Pki::new();
    let leaf = pki.leaf("one.example.com");
    let store = house.store(StoreKind::PemDirectory, "web");
    store.put(&entry(&pki, "one", &leaf), false).unwrap();
    let web = house.path("web");
    let pem_of = |der: &[u8]| pem::encode(pem::CERTIFICATE, der);
    fs::write(web.join("README"), "nothing").unwrap();
    fs::write(web.join("broken.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    fs::write(web.join("empty.crt"), "").unwrap();
    fs::write(web.join("large.pem"), vec![b'x'; 2 * 1024 * 1024]).unwrap();
    fs::write(web.join("one.crt"), pem_of(&pki.root)).unwrap();
    fs::write(web.join("bundle.pem"), [pem_of(&pki.root), pem_of(&leaf.certificate)].concat()).unwrap();
    fs::write(outside.path().join("secret.pem"), pem_of(&pki.middle)).unwrap();
    fs::write(house.path("real.pem"), pem_of(&pki.middle)).unwrap();
    symlink(outside.path().join("secret.pem"), web.join("out.pem")).unwrap();
    symlink("../real.pem", web.join("linked.pem")).unwrap();
    symlink("nowhere", web.join("dangling.pem")).unwrap();
    fs::create_dir(web.join("directory.pem")).unwrap();

    let contents = store.inventory().unwrap();
    let problems: Vec<&str> = contents.problems.iter().map(|one| one.place.as_str()).collect();
    assert_eq!(problems, ["broken.pem", "dangling.pem", "empty.crt", "large.pem", "out.pem"]);
    assert!(contents.problems[4].reason.contains("store_roots"), "{}", contents.problems[4].reason);
    let mut aliases: Vec<&str> = contents.entries.iter().map(|one| one.alias.as_str()).collect();
    aliases.sort_unstable();
    assert_eq!(aliases, ["bundle", "bundle#2", "linked", "one", "one.pem"]);

    // What would be lost is not written over, what leads outside is not touched.
    for (alias, is_kept) in [("bundle", true), ("broken", true), ("out", true), ("bundle#2", true)] {
        let before = fs::read(outside.path().join("secret.pem")).unwrap();
        if alias != "bundle#2" {
            assert_eq!(store.put(&entry(&pki, alias, &leaf), true).is_err(), is_kept, "{alias}");
        }
        assert!(store.remove(alias).is_err(), "{alias}");
        assert_eq!(fs::read(outside.path().join("secret.pem")).unwrap(), before);
    }
    // A link inside is followed when it is replaced, and only the link goes when it is removed.
    store.put(&entry(&pki, "linked", &leaf), true).unwrap();
    assert!(fs::symlink_metadata(web.join("linked.pem")).unwrap().is_symlink());
    assert!(fs::read_to_string(house.path("real.pem")).unwrap().contains(&pem_of(&leaf.certificate)));
    store.remove("linked").unwrap();
    assert!(house.path("real.pem").exists() && fs::symlink_metadata(web.join("linked.pem")).is_err());
}

#[test]
fn files_that_are_no_such_store_are_left_alone() {
    let house = House::new();
    let pki = Pki::new();
    let leaf = pki.leaf("one.example.com");
    let mut random = |buffer: &mut [u8]| certhold_domain::Entropy::fill(&SystemEntropy, buffer);
    let as_jks = [Entry { alias: "x".into(), key: None, certificates: vec![&pki.root] }];
    let jks = certhold_pki::write(OutputFormat::Jks, &as_jks, Some(PASSWORD), 0, &mut random).unwrap();
    let other = certhold_pki::write(OutputFormat::Pkcs12, &as_jks, Some("another password"), 0, &mut random).unwrap();
    let rsa = generate(KeyKind::P256).unwrap();
    let alone = [Entry { alias: "lonely".into(), key: Some(&rsa), certificates: vec![] }];
    let lonely = certhold_pki::write(OutputFormat::Pkcs12, &alone, Some(PASSWORD), 0, &mut random).unwrap();
    for (kind, content, said) in [
        (StoreKind::Pkcs12, jks.to_vec(), "Java"),
        (StoreKind::Jks, other.to_vec(), "password"),
        (StoreKind::Pkcs12, other.to_vec(), "password"),
        (StoreKind::Pkcs12, b"-----BEGIN X-----".to_vec(), ""),
        (StoreKind::Jks, vec![0xfe, 0xed, 0xfe, 0xed, 0, 0], ""),
        (StoreKind::Pkcs12, Vec::new(), ""),
        (StoreKind::Jks, vec![0; 17 * 1024 * 1024], "larger"),
    ] {
        let path = house.path("file.bin");
        fs::write(&path, &content).unwrap();
        let store = house.store(kind, "file.bin");
        let why = store.inventory().unwrap_err().to_string();
        assert!(why.contains(said), "{why}");
        assert!(store.put(&entry(&pki, "one", &leaf), true).is_err() && store.remove("x").is_err(), "{kind:?}");
        assert!(fs::read(&path).unwrap() == content, "{kind:?} was changed");
    }
    // A key without its certificate is told, and kept when something else is written.
    fs::write(house.path("lonely.p12"), &lonely).unwrap();
    let store = house.store(StoreKind::Pkcs12, "lonely.p12");
    store.put(&entry(&pki, "one", &leaf), false).unwrap();
    let read = certhold_pki::read(&fs::read(house.path("lonely.p12")).unwrap(), Some(PASSWORD)).unwrap();
    assert_eq!((read.keys.len(), store.inventory().unwrap().problems.len()), (2, 1));
}

#[test]
fn paths_stay_inside_their_roots() {
    let house = House::new();
    let outside = tempfile::tempdir().unwrap();
    let pki = Pki::new();
    let leaf = pki.leaf("one.example.com");
    symlink(outside.path(), house.path("out")).unwrap();
    symlink(outside.path().join("x.p12"), house.path("x.p12")).unwrap();
    fs::write(outside.path().join("x.p12"), "untouched").unwrap();
    for (kind, name) in [
        (StoreKind::PemDirectory, "out"),
        (StoreKind::PemDirectory, "out/new"),
        (StoreKind::Pkcs12, "out/x.p12"),
        (StoreKind::Pkcs12, "x.p12"),
        (StoreKind::Jks, "../x.jks"),
    ] {
        let store = house.store(kind, name);
        assert!(store.inventory().is_err(), "{name}");
        assert!(store.put(&entry(&pki, "one", &leaf), true).is_err(), "{name}");
    }
    let store = LocalStore { path: outside.path().join("x.p12"), ..house.store(StoreKind::Pkcs12, "x") };
    assert!(store.inventory().unwrap_err().to_string().contains("store_roots"));
    assert_eq!(
        (names(outside.path()), fs::read(outside.path().join("x.p12")).unwrap()),
        (vec!["x.p12".into()], b"untouched".to_vec())
    );
    let nowhere = Roots::default();
    let store = LocalStore { roots: &nowhere, ..house.store(StoreKind::Jks, "x.jks") };
    assert!(store.put(&entry(&pki, "one", &leaf), true).unwrap_err().to_string().contains("store_roots"));
}
