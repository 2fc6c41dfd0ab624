//! The second source of expected values: the `openssl` command.

#![allow(dead_code, clippy::expect_used, reason = "helpers of tests; each test binary uses its own part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs `openssl` with `input` on its standard input; panics with its message if it fails.
pub fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    match try_openssl(arguments, input) {
        Ok(output) => output,
        Err(message) => panic!("openssl {}: {message}", arguments.join(" ")),
    }
}

/// Like [`openssl`], for commands that may fail.
pub fn try_openssl(arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
    run("openssl", arguments, input)
}

/// Runs a program with `input` on its standard input; its standard output, or its message if it fails.
pub fn run(program: &str, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("these tests need the openssl command (Debian package openssl) and date (coreutils)");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("the program runs");
    let _ = writer.join(); // a command that does not read its input closes the pipe
    if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Lines of text that openssl printed.
pub fn lines(output: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(output).lines().map(str::to_owned).collect()
}

/// A directory with keys and certificates that openssl makes.
pub struct Workshop {
    directory: tempfile::TempDir,
}

impl Workshop {
    pub fn new() -> Workshop {
        Workshop { directory: tempfile::tempdir().expect("a temporary directory") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn file(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    pub fn write(&self, name: &str, content: &[u8]) -> String {
        std::fs::write(self.path(name), content).expect("written");
        self.file(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("readable")
    }

    /// A private key as PKCS#8 PEM: `rsa:2048`, `ec:prime256v1`, `ed25519`, …; returns the file's path.
    pub fn key(&self, kind: &str) -> String {
        let name = format!("{}.key", kind.replace(':', "-"));
        let path = self.file(&name);
        if !Path::new(&path).exists() {
            let mut arguments = vec!["genpkey", "-out", &path, "-algorithm"];
            let option;
            match kind.split_once(':') {
                Some((algorithm @ ("rsa" | "rsa-pss"), bits)) => {
                    option = format!("rsa_keygen_bits:{bits}");
                    arguments.extend([algorithm, "-pkeyopt", &option]);
                }
                Some(("ec", curve)) => {
                    option = format!("ec_paramgen_curve:{curve}");
                    arguments.extend(["ec", "-pkeyopt", &option, "-pkeyopt", "ec_param_enc:named_curve"]);
                }
                Some(("ec-explicit", curve)) => {
                    option = format!("ec_paramgen_curve:{curve}");
                    arguments.extend(["ec", "-pkeyopt", &option, "-pkeyopt", "ec_param_enc:explicit"]);
                }
                _ => arguments.push(kind),
            }
            openssl(&arguments, b"");
        }
        path
    }

    /// A self-signed certificate in DER for a key of `kind`, with extra arguments for `openssl req`.
    pub fn certificate(&self, kind: &str, extra: &[&str]) -> Vec<u8> {
        let key = self.key(kind);
        let mut arguments = vec!["req", "-x509", "-new", "-utf8", "-outform", "DER", "-key", &key];
        if !extra.contains(&"-subj") {
            arguments.extend(["-subj", "/CN=workshop"]);
        }
        arguments.extend(extra);
        openssl(&arguments, b"")
    }
}
