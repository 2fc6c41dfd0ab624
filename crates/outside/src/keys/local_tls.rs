//! TLS for the first start: a local root, and a server certificate under it.
//!
//! The root lies in `DIR/tls/root.pem`, for people to import into their trust stores, and lasts ten years; the server
//! certificate lasts 90 days and is made again when two thirds of its life have passed, or when it does not fit any more.

use super::signer::Signer;
use super::{KeyUseError, SystemEntropy, generate};
use crate::files;
use certhold_domain::Entropy as _;
use certhold_domain::renewal::KeyKind;
use certhold_pki::{Facts, PrivateKey, normalise_dns_name, pem, verify_signed_by};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose, SanType, SerialNumber,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

const DAY_MS: i64 = 24 * 3600 * 1000;
const ROOT_LIFE_MS: i64 = 3652 * DAY_MS;
const SERVER_LIFE_MS: i64 = 90 * DAY_MS;
/// New certificates begin in the past, for machines whose clocks are behind.
const BACKDATED_MS: i64 = 3600 * 1000;
const LATEST_MS: u64 = 200_000_000_000_000;
/// Files larger than this are not ours.
const MAX_FILE: u64 = 1024 * 1024;

/// What a TLS listener needs.
pub struct LocalTls {
    /// The server certificate; the root is left out, for clients must have it anyway.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
    /// Where the root certificate lies.
    pub root_path: PathBuf,
    /// When to call [`ensure`] again, unix milliseconds.
    pub renew_at_ms: i64,
}

/// Why there is no local TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalTlsError {
    /// A file could not be read or written.
    #[error("{path}: {error}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The root's files are damaged or do not belong together.
    #[error(
        "{path} is unusable ({why}); restore root.pem and root-key.pem from a backup, or remove both to make a new root, which everybody must then trust anew",
        path = .path.display()
    )]
    Root {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A name cannot be put into a certificate.
    #[error("{0:?} is neither a host name nor an IP address")]
    Name(String),
    /// The key library failed.
    #[error(transparent)]
    Key(#[from] KeyUseError),
}

/// The names by which this machine reaches itself: `localhost`, 127.0.0.1, ::1 and its host name.
pub fn own_names() -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| fs::read_to_string("/etc/hostname"));
    if let Some(host) = host.ok().and_then(|host| normalise_dns_name(&host).ok())
        && !names.contains(&host)
    {
        names.push(host);
    }
    names
}

/// The TLS identity in `directory`/tls for `names` (host names and IP addresses), made or renewed if need be. `now_ms` is in
/// unix milliseconds. Reads and writes files: call it on a blocking thread.
///
/// # Errors
/// [`LocalTlsError`] says which file or name is at fault. A damaged root is not replaced, because people trust it.
pub fn ensure(directory: &Path, names: &[String], now_ms: i64) -> Result<LocalTls, LocalTlsError> {
    let names = canonical(names)?;
    let directory = directory.join("tls");
    fs::create_dir_all(&directory).map_err(|error| LocalTlsError::File { path: directory.clone(), error })?;
    let (root, root_key) = match existing_root(&directory, now_ms)? {
        Some(root) => root,
        None => new_root(&directory, now_ms)?,
    };
    let (der, key) = match existing_server(&directory, &root, &names, now_ms) {
        Some(server) => server,
        None => new_server(&directory, &root, &root_key, &names, now_ms)?,
    };
    let renew_at_ms = Facts::of(&der).map(|facts| renew_at(&facts)).unwrap_or(now_ms);
    Ok(LocalTls {
        chain: vec![CertificateDer::from(der)],
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.pkcs8_der().to_vec())),
        root_path: directory.join("root.pem"),
        renew_at_ms,
    })
}

fn renew_at(facts: &Facts) -> i64 {
    facts.not_before + (facts.not_after - facts.not_before) / 3 * 2
}

fn canonical(names: &[String]) -> Result<BTreeSet<String>, LocalTlsError> {
    let one = |name: &String| match name.parse::<IpAddr>() {
        Ok(ip) => Ok(ip.to_string()),
        Err(_) => normalise_dns_name(name).map_err(|_| LocalTlsError::Name(name.chars().take(300).collect())),
    };
    names.iter().map(one).collect()
}

/// The root in its files; `None` if there is none yet, or if its life is over.
fn existing_root(directory: &Path, now_ms: i64) -> Result<Option<(Vec<u8>, PrivateKey)>, LocalTlsError> {
    let (path, key_path) = (directory.join("root.pem"), directory.join("root-key.pem"));
    let Some(certificate) = read(&path)? else { return Ok(None) };
    let key = read(&key_path)?;
    let damaged = |path: &Path, why: &str| LocalTlsError::Root { path: path.to_owned(), why: why.to_owned() };
    let key = key.ok_or_else(|| damaged(&key_path, "it is missing beside root.pem"))?;
    let der = only_certificate(&certificate).ok_or_else(|| damaged(&path, "it does not hold one certificate"))?;
    let key = only_key(&key).ok_or_else(|| damaged(&key_path, "it does not hold one private key"))?;
    let facts = Facts::of(&der).map_err(|error| damaged(&path, &error.to_string()))?;
    if !key.matches(&der).unwrap_or(false) {
        return Err(damaged(&key_path, "it is not the key of root.pem"));
    }
    // A server certificate must not outlive its root.
    Ok((facts.not_after > now_ms.saturating_add(SERVER_LIFE_MS)).then_some((der, key)))
}

/// The server certificate in its files, if it still serves.
fn existing_server(directory: &Path, root: &[u8], names: &BTreeSet<String>, now_ms: i64) -> Option<(Vec<u8>, PrivateKey)> {
    let der = only_certificate(&read(&directory.join("server.pem")).ok()??)?;
    let key = only_key(&read(&directory.join("server-key.pem")).ok()??)?;
    let facts = Facts::of(&der).ok()?;
    let present: BTreeSet<String> = facts.names.iter().map(|name| name.value.clone()).collect();
    let serves = key.matches(&der).ok()?
        && verify_signed_by(&der, root).is_ok()
        && present == *names
        && facts.not_before <= now_ms
        && now_ms < renew_at(&facts);
    serves.then_some((der, key))
}

fn new_root(directory: &Path, now_ms: i64) -> Result<(Vec<u8>, PrivateKey), LocalTlsError> {
    let key = generate(KeyKind::P256)?;
    let mut parameters = parameters(now_ms, ROOT_LIFE_MS)?;
    let host = own_names().pop().unwrap_or_default();
    parameters.distinguished_name.push(DnType::OrganizationName, "Certhold");
    parameters.distinguished_name.push(DnType::CommonName, format!("Certhold local root on {host}"));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = parameters.self_signed(&Signer::of(&key)?).map_err(unbuildable)?;
    let der = certificate.der().to_vec();
    // The key first: without root.pem there is no root yet, so a crash in between is a start from the beginning.
    write(&directory.join("root-key.pem"), key.pkcs8_pem().as_bytes(), 0o600)?;
    write(&directory.join("root.pem"), pem::encode("CERTIFICATE", &der).as_bytes(), 0o644)?;
    Ok((der, key))
}

fn new_server(
    directory: &Path,
    root: &[u8],
    root_key: &PrivateKey,
    names: &BTreeSet<String>,
    now_ms: i64,
) -> Result<(Vec<u8>, PrivateKey), LocalTlsError> {
    let key = generate(KeyKind::P256)?;
    let mut parameters = parameters(now_ms, SERVER_LIFE_MS)?;
    for name in names {
        let entry = match name.parse::<IpAddr>() {
            Ok(ip) => SanType::IpAddress(ip),
            Err(_) => SanType::DnsName(name.as_str().try_into().map_err(|_| LocalTlsError::Name(name.clone()))?),
        };
        parameters.subject_alt_names.push(entry);
    }
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    let issuer = Issuer::from_ca_cert_der(&root.into(), Signer::of(root_key)?).map_err(unbuildable)?;
    let certificate = parameters.signed_by(&Signer::of(&key)?, &issuer).map_err(unbuildable)?;
    let der = certificate.der().to_vec();
    // If a crash leaves the new key with the old certificate, they do not match and both are made again.
    write(&directory.join("server-key.pem"), key.pkcs8_pem().as_bytes(), 0o600)?;
    write(&directory.join("server.pem"), pem::encode("CERTIFICATE", &der).as_bytes(), 0o644)?;
    Ok((der, key))
}

/// Parameters with a random serial number (159 bits, RFC 5280 section 4.1.2.2) and a life that begins just before now.
fn parameters(now_ms: i64, life_ms: i64) -> Result<CertificateParams, LocalTlsError> {
    let mut parameters = CertificateParams::new(Vec::new()).map_err(unbuildable)?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    let mut serial = [0; 20];
    SystemEntropy.fill(&mut serial);
    serial[0] = serial[0] & 0x7f | 0x40;
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    let begin = now_ms.saturating_sub(BACKDATED_MS);
    // Before 1970 or after the year 8300 the clock is broken; such times are bent into what a certificate can say.
    let since_1970 = |unix_ms: i64| Duration::from_millis(u64::try_from(unix_ms).unwrap_or(0).min(LATEST_MS));
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    parameters.not_before = epoch + since_1970(begin);
    parameters.not_after = epoch + since_1970(begin.saturating_add(life_ms));
    Ok(parameters)
}

fn unbuildable(_: rcgen::Error) -> LocalTlsError {
    KeyUseError::Library("build a certificate").into()
}

fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, LocalTlsError> {
    let unreadable = |error| LocalTlsError::File { path: path.to_owned(), error };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
        Ok(metadata) if metadata.len() > MAX_FILE => return Err(unreadable(io::ErrorKind::FileTooLarge.into())),
        Ok(_) => {}
    }
    fs::read(path).map(|bytes| Some(Zeroizing::new(bytes))).map_err(unreadable)
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), LocalTlsError> {
    files::write(path, content, mode).map_err(|error| LocalTlsError::File { path: path.to_owned(), error })
}

fn only_certificate(pem: &[u8]) -> Option<Vec<u8>> {
    let bundle = certhold_pki::read(pem, None).ok()?;
    match <[_; 1]>::try_from(bundle.certificates) {
        Ok([only]) => Some(only.der),
        Err(_) => None,
    }
}

fn only_key(pem: &[u8]) -> Option<PrivateKey> {
    let bundle = certhold_pki::read(pem, None).ok()?;
    bundle.only_key().ok().map(|found| found.key.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls_pki_types::{ServerName, UnixTime};
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    const NOW: i64 = 1_800_000_000_000;

    fn names() -> Vec<String> {
        ["localhost", "127.0.0.1", "::1", "certhold.example"].map(str::to_owned).to_vec()
    }

    /// Whether a TLS client that trusts the root accepts the server certificate: rustls's own judgement.
    fn accepted(tls: &LocalTls, name: &str, at_ms: i64) -> bool {
        let root = only_certificate(&fs::read(&tls.root_path).unwrap()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(root.into()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let at = UnixTime::since_unix_epoch(Duration::from_millis(at_ms.unsigned_abs()));
        verifier.verify_server_cert(&tls.chain[0], &[], &name, &[], at).is_ok()
    }

    #[test]
    fn clients_that_trust_the_root_accept_the_server() {
        let directory = tempfile::tempdir().unwrap();
        let tls = ensure(directory.path(), &names(), NOW).unwrap();
        for name in names() {
            assert!(accepted(&tls, &name, NOW), "{name}");
        }
        assert!(!accepted(&tls, "elsewhere.example", NOW));
        assert!(!accepted(&tls, "localhost", NOW + 91 * DAY_MS));
        let root = Facts::of(&only_certificate(&fs::read(&tls.root_path).unwrap()).unwrap()).unwrap();
        assert!(root.is_ca && root.path_length == Some(0) && root.oddities.is_empty(), "{root:?}");
        assert_eq!((root.not_after - root.not_before) / DAY_MS, 3652);
        let server = Facts::of(&tls.chain[0]).unwrap();
        assert!(!server.is_ca && server.oddities.is_empty(), "{server:?}");
        assert_eq!(server.extended_key_usage, ["serverAuth"]);
        let mode = |file: &str| fs::metadata(directory.path().join("tls").join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(["root.pem", "root-key.pem", "server.pem", "server-key.pem"].map(mode), [0o644, 0o600, 0o644, 0o600]);
    }

    #[test]
    fn the_server_certificate_is_kept_until_two_thirds_of_its_life() {
        let directory = tempfile::tempdir().unwrap();
        let first = ensure(directory.path(), &names(), NOW).unwrap();
        assert_eq!(first.renew_at_ms, NOW - BACKDATED_MS + 60 * DAY_MS);
        let same = ensure(directory.path(), &names(), first.renew_at_ms - 1).unwrap();
        assert_eq!(same.chain, first.chain);
        let next = ensure(directory.path(), &names(), first.renew_at_ms).unwrap();
        assert_ne!(next.chain, first.chain);
        assert!(accepted(&next, "localhost", first.renew_at_ms));
        let root = fs::read(&first.root_path).unwrap();
        assert_eq!(fs::read(&next.root_path).unwrap(), root);
    }

    #[test]
    fn other_names_or_a_damaged_server_make_a_new_server_but_keep_the_root() {
        let directory = tempfile::tempdir().unwrap();
        let first = ensure(directory.path(), &names(), NOW).unwrap();
        let root = fs::read(&first.root_path).unwrap();
        let other = ensure(directory.path(), &["other.example".to_owned()], NOW).unwrap();
        assert!(accepted(&other, "other.example", NOW) && !accepted(&other, "localhost", NOW));
        for file in ["server.pem", "server-key.pem"] {
            for damage in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\0\0"] {
                fs::write(directory.path().join("tls").join(file), damage).unwrap();
                let again = ensure(directory.path(), &names(), NOW).unwrap();
                assert!(accepted(&again, "localhost", NOW), "{file} {damage:?}");
            }
        }
        assert_eq!(fs::read(&first.root_path).unwrap(), root);
    }

    #[test]
    fn a_damaged_root_is_reported_and_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let tls = directory.path().join("tls");
        ensure(directory.path(), &names(), NOW).unwrap();
        let key = fs::read(tls.join("root-key.pem")).unwrap();
        let refused = |what: &str| {
            let before = fs::read(tls.join("root.pem")).unwrap();
            let error = ensure(directory.path(), &names(), NOW).err().unwrap_or_else(|| panic!("{what} must be refused"));
            assert!(matches!(error, LocalTlsError::Root { .. }), "{what}: {error}");
            assert_eq!(fs::read(tls.join("root.pem")).unwrap(), before);
        };
        fs::write(tls.join("root-key.pem"), "nonsense").unwrap();
        refused("a key that is none");
        fs::write(tls.join("root-key.pem"), &*generate(KeyKind::P256).unwrap().pkcs8_pem()).unwrap();
        refused("another key");
        fs::remove_file(tls.join("root-key.pem")).unwrap();
        refused("no key");
        fs::write(tls.join("root-key.pem"), &key).unwrap();
        ensure(directory.path(), &names(), NOW).unwrap();
        fs::write(tls.join("root.pem"), "nonsense").unwrap();
        refused("a certificate that is none");
    }

    #[test]
    fn an_interrupted_first_start_is_repeated_and_an_old_root_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let first = ensure(directory.path(), &names(), NOW).unwrap();
        fs::remove_file(&first.root_path).unwrap();
        let second = ensure(directory.path(), &names(), NOW).unwrap();
        assert!(accepted(&second, "localhost", NOW));
        let late = NOW + ROOT_LIFE_MS - 80 * DAY_MS;
        let third = ensure(directory.path(), &names(), late).unwrap();
        assert!(accepted(&third, "localhost", late + 80 * DAY_MS));
    }

    #[test]
    fn odd_names_and_clocks() {
        let directory = tempfile::tempdir().unwrap();
        for bad in ["", "a b", "x\0", "../..", "<script>"] {
            let refused = ensure(directory.path(), &[bad.to_owned()], NOW);
            assert!(matches!(refused, Err(LocalTlsError::Name(_))), "{bad:?}");
        }
        for clock in [0, -5, i64::MAX, i64::MIN] {
            let directory = tempfile::tempdir().unwrap();
            ensure(directory.path(), &names(), clock).unwrap();
        }
        assert!(own_names().len() >= 3);
    }
}
