//! What the tests share: data directories, servers and finished commands.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use certhold_pki::pem;
use certhold_pki::sample::Generator;
use serde_json::Value as Json;
use tempfile::TempDir;

pub const ADMIN_PASSWORD: &str = "an Otter juggles 7 pebbles";

/// Longer than any command or start takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program, without anything of this process's own configuration.
pub fn certhold() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certhold"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CERTHOLD_")) {
        command.env_remove(name);
    }
    command
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// The same, if it succeeded.
    #[track_caller]
    pub fn ok(self) -> Ended {
        assert!(self.status.success(), "{self:?}");
        self
    }

    /// What it said on standard error, if it failed with this exit code.
    #[track_caller]
    pub fn refused(&self, code: i32) -> &str {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
        &self.err
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs a command to its end. Files take its output, so that it never waits for a reader.
pub fn run(command: &mut Command) -> Ended {
    run_reading(command, Stdio::null())
}

/// The same with this standard input.
pub fn run_reading(command: &mut Command, input: Stdio) -> Ended {
    let dir = tempfile::tempdir().unwrap();
    let (out, err) = (dir.path().join("out"), dir.path().join("err"));
    let to = |path: &Path| File::create(path).unwrap();
    let mut child = command.stdin(input).stdout(to(&out)).stderr(to(&err)).spawn().expect("the program starts");
    let status = wait(&mut child);
    let read = |path: &Path| fs::read_to_string(path).expect("output is UTF-8");
    Ended { status, out: read(&out), err: read(&err) }
}

/// Waits for the end of a process, and ends it when that takes too long.
pub fn wait(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + PATIENCE;
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status,
            None if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
            None => {
                child.kill().unwrap();
                panic!("a process did not end: {:?}", child.wait());
            }
        }
    }
}

/// A directory that a server has made once; tests work on copies.
static MADE: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    Server::on(dir.path()).stop();
    dir
});

/// A data directory with its administrator and nothing else.
pub struct Data {
    dir: TempDir,
}

impl Data {
    pub fn new() -> Data {
        let dir = tempfile::tempdir().unwrap();
        for name in ["certhold.db", "master.key", "node", "head"] {
            fs::copy(MADE.path().join(name), dir.path().join(name)).unwrap();
        }
        Data { dir }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A file in a place that is not the data directory.
    pub fn outside(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.files().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Where [`Data::outside`] puts files.
    pub fn files(&self) -> PathBuf {
        let path = self.dir.path().join("files of the test");
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// A command on this directory, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = certhold();
        command.arg("--data").arg(self.path()).args(arguments);
        command
    }

    /// Runs a command on this directory.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        run(&mut self.command(arguments))
    }

    /// What a command prints as JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Json {
        self.run(&[&["--output", "json"], arguments].concat()).ok().json()
    }

    /// A token of the administrator.
    pub fn token(&self) -> String {
        self.run(&["token", "create", "admin", "--endless"]).ok().out.trim().to_owned()
    }
}

/// A running server, ended with this value.
pub struct Server {
    child: Child,
    pub url: String,
    dir: PathBuf,
    log: PathBuf,
}

impl Server {
    /// Starts a server on a directory.
    pub fn on(dir: &Path) -> Server {
        Server::with(dir, &[])
    }

    /// The same with more arguments.
    pub fn with(dir: &Path, arguments: &[&str]) -> Server {
        let log = dir.with_extension("log");
        let mut command = certhold();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(dir).args(arguments);
        command.env("CERTHOLD_ADMIN_PASSWORD", ADMIN_PASSWORD).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()).spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").map(|url| url.trim_end().to_owned());
        let url = url.unwrap_or_else(|| panic!("{line:?}: {}", fs::read_to_string(&log).unwrap()));
        Server { child, url, dir: dir.to_owned(), log }
    }

    /// A command against this server, not yet run.
    pub fn command(&self, token: &str, arguments: &[&str]) -> Command {
        let mut command = certhold();
        command.args(["--server", &self.url, "--ca"]).arg(self.dir.join("tls/root.pem")).args(arguments);
        command.env("CERTHOLD_TOKEN", token);
        command
    }

    /// Runs a command against this server.
    pub fn run(&self, token: &str, arguments: &[&str]) -> Ended {
        run(&mut self.command(token, arguments))
    }

    /// Everything it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> (ExitStatus, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        (wait(&mut self.child), self.log())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.log);
    }
}

/// Sample certificates as PEM.
pub fn bundle(from: u64, count: u64) -> String {
    let generator = Generator::new(7);
    (from..from + count).map(|number| pem::encode(pem::CERTIFICATE, &generator.certificate(number))).collect()
}

/// A certificate with this common name and its key, both PEM.
pub fn with_key(common_name: &str) -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["host.example".to_owned()]).unwrap();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, common_name);
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}
