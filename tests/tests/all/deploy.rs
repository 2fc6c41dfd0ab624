//! Files and commands on the real file system.

use certhold_domain::renewal::KeyKind;
use certhold_domain::renewal::deployment::DeploymentSettings;
use certhold_outside::deploy::{
    DeployError, Deployment, Ending, FileKind, FileTarget, Material, Report, Run, deploy, parse_mode,
};
use certhold_outside::keys::generate;
use certhold_pki::PrivateKey;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A version to deploy: a key, its certificate and one above it.
struct Version {
    key: PrivateKey,
    certificate: Vec<u8>,
    chain: Vec<Vec<u8>>,
}

impl Version {
    fn new() -> Self {
        let key = generate(KeyKind::P256).unwrap();
        let made = |name: &str| rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap().cert.der().to_vec();
        Self { key, certificate: made("leaf.test"), chain: vec![made("above.test"), made("top.test")] }
    }

    fn material(&self) -> Material<'_> {
        Material { certificate: &self.certificate, chain: &self.chain, key: Some(&self.key) }
    }
}

fn target(kind: FileKind, path: PathBuf) -> FileTarget {
    FileTarget { kind, path, mode: None }
}

fn plan(files: Vec<FileTarget>, command: &[&str]) -> Deployment {
    Deployment {
        name: "web server".to_owned(),
        files,
        owner: None,
        group: None,
        command: command.iter().map(|part| (*part).to_owned()).collect(),
        time_limit: Duration::from_secs(20),
    }
}

fn all_kinds(directory: &Path) -> Vec<FileTarget> {
    [
        (FileKind::Certificate, "cert.pem"),
        (FileKind::Chain, "chain.pem"),
        (FileKind::FullChain, "full.pem"),
        (FileKind::PrivateKey, "key.pem"),
        (FileKind::Combined, "combined.pem"),
    ]
    .map(|(kind, name)| target(kind, directory.join(name)))
    .into()
}

/// Every file of a directory with its content, mode and inode.
fn listing(directory: &TempDir) -> Vec<(String, Vec<u8>, u32, u64)> {
    let mut found: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(&path).unwrap_or_default(), metadata.mode() & 0o7777, metadata.ino())
        })
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn files_hold_what_they_are_for() {
    let directory = tempfile::tempdir().unwrap();
    let version = Version::new();
    let report = deploy(&plan(all_kinds(directory.path()), &[]), &version.material(), Run::Always).await.unwrap();
    assert_eq!((report.written.len(), report.unchanged.len(), report.command), (5, 0, None));
    let certificates = |name: &str| {
        let bundle = certhold_pki::read(&fs::read(directory.path().join(name)).unwrap(), None).unwrap();
        (bundle.certificates.into_iter().map(|found| found.der).collect::<Vec<_>>(), bundle.keys.len())
    };
    let full = [vec![version.certificate.clone()], version.chain.clone()].concat();
    assert_eq!(certificates("cert.pem"), (vec![version.certificate.clone()], 0));
    assert_eq!(certificates("chain.pem"), (version.chain.clone(), 0));
    assert_eq!(certificates("full.pem"), (full.clone(), 0));
    assert_eq!(certificates("key.pem"), (vec![], 1));
    assert_eq!(certificates("combined.pem"), (full, 1));
    let modes: Vec<_> = listing(&directory).into_iter().map(|(name, _, mode, _)| (name, mode)).collect();
    let expected = [("cert.pem", 0o644), ("chain.pem", 0o644), ("combined.pem", 0o600), ("full.pem", 0o644), ("key.pem", 0o600)];
    assert_eq!(modes, expected.map(|(name, mode)| (name.to_owned(), mode)));
    // OpenSSL reads them, too.
    let public = |arguments: &[&str], file: &str| {
        let output = Command::new("openssl").args(arguments).arg("-in").arg(directory.path().join(file)).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    assert_eq!(public(&["pkey", "-pubout"], "key.pem"), public(&["pkey", "-pubout"], "combined.pem"));
    public(&["x509", "-noout"], "full.pem");
}

#[tokio::test]
async fn repeating_changes_nothing_and_runs_the_command_only_when_asked() {
    let directory = tempfile::tempdir().unwrap();
    let runs = tempfile::tempdir().unwrap();
    let log = runs.path().join("log");
    let script = format!("echo run >> {}", log.display());
    let deployment = plan(all_kinds(directory.path()), &["/bin/sh", "-c", &script]);
    let version = Version::new();
    let count = || fs::read_to_string(&log).unwrap_or_default().lines().count();

    deploy(&deployment, &version.material(), Run::IfChanged).await.unwrap();
    let first = listing(&directory);
    assert_eq!(count(), 1);
    let again = deploy(&deployment, &version.material(), Run::IfChanged).await.unwrap();
    assert_eq!((again.written.len(), again.unchanged.len(), again.command), (0, 5, None));
    assert_eq!(listing(&directory), first, "not even the inodes have changed");
    assert_eq!(count(), 1);
    deploy(&deployment, &version.material(), Run::Always).await.unwrap();
    assert_eq!(count(), 2);

    // One file with another mode, and one with another content: these two are written again, and no other.
    fs::set_permissions(directory.path().join("key.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(directory.path().join("chain.pem"), "tampered").unwrap();
    let report = deploy(&deployment, &version.material(), Run::IfChanged).await.unwrap();
    assert_eq!(report.written, [directory.path().join("key.pem"), directory.path().join("chain.pem")]);
    assert_eq!(count(), 3);
    let contents = |list: &[(String, Vec<u8>, u32, u64)]| -> Vec<_> {
        list.iter().map(|(name, content, mode, _)| (name.clone(), content.clone(), *mode)).collect()
    };
    assert_eq!(contents(&listing(&directory)), contents(&first));
}

#[tokio::test]
async fn a_new_version_replaces_all_files_or_none() {
    let directory = tempfile::tempdir().unwrap();
    let deployment = plan(all_kinds(directory.path()), &[]);
    deploy(&deployment, &Version::new().material(), Run::Always).await.unwrap();
    let old = listing(&directory);

    // The last file cannot be staged (no directory), then cannot be placed (a directory is in its place).
    let missing = directory.path().join("missing/cert.pem");
    let blocked = tempfile::tempdir().unwrap();
    for path in [missing, blocked.path().to_owned()] {
        let mut broken = deployment.clone();
        broken.files.push(target(FileKind::Certificate, path.clone()));
        let error = deploy(&broken, &Version::new().material(), Run::Always).await.unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert_eq!(listing(&directory), old);
    }
    let next = Version::new();
    deploy(&deployment, &next.material(), Run::Always).await.unwrap();
    let new = listing(&directory);
    assert_eq!(new.len(), 5, "nothing is left behind");
    assert!(new.iter().zip(&old).all(|(new, old)| new.0 == old.0 && new.1 != old.1));
}

#[tokio::test]
async fn a_link_is_replaced_and_its_target_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let path = directory.path().join("key.pem");
    symlink(&victim, &path).unwrap();
    let version = Version::new();
    deploy(&plan(vec![target(FileKind::PrivateKey, path.clone())], &[]), &version.material(), Run::Always).await.unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
    assert!(fs::read_to_string(&path).unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
}

#[tokio::test]
async fn owners_by_name_and_number() {
    if !running_as_root() {
        certhold_tests::process::left_out("only root may give files away");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key.pem");
    let version = Version::new();
    let mut deployment = plan(vec![target(FileKind::PrivateKey, path.clone())], &[]);
    deployment.files[0].mode = Some(0o640);
    for (owner, group, expected) in
        [("nobody", "nogroup", (65534, 65534)), ("4711", "4712", (4711, 4712)), ("root", "daemon", (0, 1))]
    {
        deployment.owner = Some(owner.to_owned());
        deployment.group = Some(group.to_owned());
        let report = deploy(&deployment, &version.material(), Run::Always).await.unwrap();
        assert_eq!(report.written.len(), 1, "another owner is a change");
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), expected);
        assert_eq!(metadata.mode() & 0o7777, 0o640);
        let report: Report = deploy(&deployment, &version.material(), Run::Always).await.unwrap();
        assert_eq!(report.unchanged.len(), 1);
    }
    deployment.owner = Some("no-such-user".to_owned());
    let error = deploy(&deployment, &version.material(), Run::Always).await.unwrap_err();
    assert_eq!(error.to_string(), "no-such-user: there is no such user on this machine");
}

#[tokio::test]
async fn hostile_paths_modes_and_commands_are_refused_before_anything_happens() {
    let directory = tempfile::tempdir().unwrap();
    let inside = |name: &str| directory.path().join(name);
    let version = Version::new();
    let refused = async |deployment: &Deployment| {
        let error = deploy(deployment, &version.material(), Run::Always).await.unwrap_err();
        assert!(matches!(error, DeployError::Settings { .. }), "{error}");
        assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
        assert_eq!(listing(&directory), []);
    };
    let long = format!("/{}", "a".repeat(5000));
    for path in [
        "",
        "relative.pem",
        "./x",
        "../x",
        "/tmp/../etc/x",
        "/tmp/./x",
        "/tmp/",
        "/",
        "/tmp/a\0b",
        "/tmp/a\nb",
        "/tmp/\u{1b}[2J",
        &long,
    ] {
        let file = target(FileKind::Certificate, path.into());
        refused(&plan(vec![target(FileKind::Certificate, inside("good.pem")), file], &[])).await;
    }
    refused(&plan(vec![target(FileKind::Certificate, inside("same")), target(FileKind::PrivateKey, inside("same"))], &[])).await;
    for mode in [0o604, 0o601, 0o777, 0o4700, 0o10000] {
        let file = FileTarget { mode: Some(mode), ..target(FileKind::PrivateKey, inside("key.pem")) };
        refused(&plan(vec![file], &[])).await;
    }
    let good = || vec![target(FileKind::Certificate, inside("good.pem"))];
    for command in [vec!["sh", "-c", "true"], vec!["../bin/true"], vec![""], vec!["/bin/echo", "a\0b"]] {
        refused(&plan(good(), &command)).await;
    }
    for owner in ["$(id)", "root;id", "-G", "root\0"] {
        refused(&Deployment { owner: Some(owner.to_owned()), ..plan(good(), &[]) }).await;
    }
    refused(&plan((0..17).map(|n| target(FileKind::Certificate, inside(&n.to_string()))).collect(), &[])).await;
    for bad in ["", "0o600", "0999", "+640", "77777", "rw-", "1777", " 600"] {
        assert_eq!(parse_mode(bad), None, "{bad:?}");
    }
    assert_eq!((parse_mode("0640"), parse_mode("600")), (Some(0o640), Some(0o600)));
    // Odd is not hostile: these are ordinary file names.
    for name in ["'quoted'", "a b;c", "$HOME", "<b>x", "-rf", "ü\u{202e}fdp"] {
        deploy(&plan(vec![target(FileKind::Certificate, inside(name))], &[]), &version.material(), Run::Always).await.unwrap();
        fs::remove_file(inside(name)).unwrap();
    }
}

#[tokio::test]
async fn a_missing_key_or_directory_is_said_plainly() {
    let directory = tempfile::tempdir().unwrap();
    let version = Version::new();
    let material = Material { key: None, ..version.material() };
    let error = deploy(&plan(all_kinds(directory.path()), &[]), &material, Run::Always).await.unwrap_err();
    assert!(matches!(error, DeployError::NoKey(_)), "{error}");
    assert_eq!(listing(&directory), []);
    let path = directory.path().join("no/such/directory/cert.pem");
    let error = deploy(&plan(vec![target(FileKind::Certificate, path)], &[]), &material, Run::Always).await.unwrap_err();
    assert!(matches!(&error, DeployError::File { error, .. } if error.kind() == std::io::ErrorKind::NotFound), "{error}");
}

fn running_as_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[tokio::test]
async fn permission_denied_leaves_everything_as_it_was() {
    const MARK: &str = "CERTHOLD_TEST_WITHOUT_RIGHTS";
    if running_as_root() {
        // Root is never denied, so this test runs itself once more as the user nobody, from a copy which that user can read.
        let copy = tempfile::tempdir().unwrap();
        fs::set_permissions(copy.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let program = copy.path().join("all");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let mut command = Command::new(certhold_tests::process::program("setpriv", "util-linux"));
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        command.args(["permission_denied_leaves_everything_as_it_was", "--nocapture"]).env(MARK, "1");
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let closed = directory.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::write(directory.path().join("cert.pem"), "old").unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    let files = vec![
        target(FileKind::Certificate, directory.path().join("cert.pem")),
        target(FileKind::PrivateKey, closed.join("key.pem")),
    ];
    let version = Version::new();
    let error = deploy(&plan(files, &[]), &version.material(), Run::Always).await.unwrap_err();
    assert!(matches!(&error, DeployError::File { error, .. } if error.kind() == std::io::ErrorKind::PermissionDenied), "{error}");
    assert_eq!(fs::read(directory.path().join("cert.pem")).unwrap(), b"old");
    assert_eq!(fs::read_dir(&closed).unwrap().count(), 0);
    // Giving files away is not allowed either.
    let mut deployment = plan(vec![target(FileKind::Certificate, directory.path().join("cert.pem"))], &[]);
    deployment.owner = Some("root".to_owned());
    let error = deploy(&deployment, &version.material(), Run::Always).await.unwrap_err();
    assert!(matches!(&error, DeployError::File { error, .. } if error.kind() == std::io::ErrorKind::PermissionDenied), "{error}");
    assert_eq!(fs::read(directory.path().join("cert.pem")).unwrap(), b"old");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

async fn run(command: &[&str], time_limit: Duration) -> Result<Report, DeployError> {
    let directory = tempfile::tempdir().unwrap();
    let deployment =
        Deployment { time_limit, ..plan(vec![target(FileKind::FullChain, directory.path().join("full.pem"))], command) };
    deploy(&deployment, &Version::new().material(), Run::Always).await
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_command_sees_paths_and_no_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let deployment = plan(all_kinds(directory.path()), &["/usr/bin/env"]);
    let report = deploy(&deployment, &Version::new().material(), Run::Always).await.unwrap().command.unwrap();
    let mut lines: Vec<_> = report.output.lines().collect();
    lines.sort_unstable();
    let path = directory.path().display();
    let expected = [
        format!("CERTHOLD_CERTIFICATE_PATH={path}/cert.pem"),
        format!("CERTHOLD_CHAIN_PATH={path}/chain.pem"),
        format!("CERTHOLD_COMBINED_PATH={path}/combined.pem"),
        format!("CERTHOLD_FULL_CHAIN_PATH={path}/full.pem"),
        "CERTHOLD_NAME=web server".to_owned(),
        format!("CERTHOLD_PRIVATE_KEY_PATH={path}/key.pem"),
        "LANG=C.UTF-8".to_owned(),
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
    ];
    assert_eq!(lines, expected, "and nothing of this process's own environment");
}

#[tokio::test]
async fn arguments_reach_the_command_as_they_are() {
    let odd = ["$(id)", "; rm -rf /", "a b", "*", "'\"", "`x`", "ü"];
    let command: Vec<&str> = ["/usr/bin/printf", "[%s]"].into_iter().chain(odd).collect();
    let report = run(&command, LONG).await.unwrap().command.unwrap();
    assert_eq!(report.output, odd.map(|argument| format!("[{argument}]")).concat());
}

#[tokio::test]
async fn a_failing_command_says_how_and_with_what_last_words() {
    let error = run(&["/bin/sh", "-c", "echo first; echo 'nginx: bad\x1b[31m key' >&2; exit 3"], LONG).await.unwrap_err();
    assert_eq!(error.to_string(), "the files are in place, but /bin/sh ended with status 3: nginx: bad[31m key");
    let DeployError::Command { report, .. } = error else { panic!("{error}") };
    assert_eq!((report.ending, report.output.as_str()), (Ending::Status(3), "first\nnginx: bad[31m key\n"));
    let error = run(&["/bin/sh", "-c", "kill -9 $$"], LONG).await.unwrap_err();
    assert!(matches!(&error, DeployError::Command { report, .. } if report.ending == Ending::Signal(9)), "{error}");
    for program in ["/no/such/program", "/etc/passwd", "/etc"] {
        let error = run(&[program], LONG).await.unwrap_err();
        assert!(matches!(error, DeployError::NotStarted { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed_with_its_children() {
    let directory = tempfile::tempdir().unwrap();
    let pids = directory.path().join("pids");
    let script =
        format!("sleep 300 & echo $! > {0}; echo $$ >> {0}; echo working; trap '' TERM; wait; sleep 300", pids.display());
    let started = Instant::now();
    let error = run(&["/bin/sh", "-c", &script], Duration::from_secs(1)).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(error.to_string(), "the files are in place, but /bin/sh was killed because it ran longer than 1 s: working");
    for pid in fs::read_to_string(&pids).unwrap().lines() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").map_or("gone", |(_, rest)| &rest[..1]);
        assert!(matches!(state, "gone" | "Z" | "X"), "process {pid} still runs: {stat}");
    }
}

#[tokio::test]
async fn long_output_is_cut_and_does_not_block_the_command() {
    let report = run(&["/bin/sh", "-c", "yes 0123456789 | head -c 3000000; echo the end"], LONG).await.unwrap().command.unwrap();
    assert!(report.output.len() <= 16 * 1024 + 8, "{}", report.output.len());
    assert!(report.output.starts_with("… ") && report.output.ends_with("the end\n"));
}

#[tokio::test]
async fn a_daemon_left_behind_holds_nobody_up() {
    let started = Instant::now();
    let report = run(&["/bin/sh", "-c", "sleep 15 & echo reloaded"], LONG).await.unwrap().command.unwrap();
    assert_eq!((report.ending, report.output.as_str()), (Ending::Success, "reloaded\n"));
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

#[tokio::test]
async fn stored_settings_become_a_deployment() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| Some(directory.path().join(name).to_str().unwrap().to_owned());
    let settings = DeploymentSettings {
        certificate: path("cert.pem"),
        full_chain: path("full.pem"),
        private_key: path("key.pem"),
        mode: Some("0444".to_owned()),
        key_mode: Some("0400".to_owned()),
        command: vec!["/bin/true".to_owned()],
        ..DeploymentSettings::default()
    };
    let deployment = Deployment::of("web", &settings).unwrap();
    let report = deploy(&deployment, &Version::new().material(), Run::IfChanged).await.unwrap();
    assert_eq!(report.command.unwrap().ending, Ending::Success);
    let modes: Vec<_> = listing(&directory).into_iter().map(|(name, _, mode, _)| (name, mode)).collect();
    assert_eq!(modes, [("cert.pem", 0o444), ("full.pem", 0o444), ("key.pem", 0o400)].map(|(n, m)| (n.to_owned(), m)));
    let bad = DeploymentSettings { mode: Some("rw".to_owned()), ..settings };
    assert!(matches!(Deployment::of("web", &bad), Err(DeployError::Settings { .. })));
}
