//! Bringing a certificate to where it is used: files, then a command.
//!
//! All files of a deployment are written beside their targets first, complete and with their final owner and mode, and only
//! then renamed into place, the private key first; if one cannot be, those before it get their old content back. What is in
//! place already is left alone, so a deployment can be repeated. A target that is a symbolic link is replaced by the file,
//! never followed: somebody who may write into the directory could otherwise lead a private key anywhere. Directories on the
//! way are not made and may be links.

mod command;
mod owner;

pub use command::{CommandReport, Ending};

use crate::files::{self, Attributes};
use certhold_domain::renewal::deployment::DeploymentSettings;
use certhold_pki::{PrivateKey, pem};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// Most files of one deployment.
const MAX_FILES: usize = 16;
/// How long a command may run if nothing else is said.
pub const COMMAND_TIME_LIMIT: Duration = Duration::from_secs(60);

/// What goes into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// The certificate.
    Certificate,
    /// The certificates above it.
    Chain,
    /// The certificate, then those above it.
    FullChain,
    /// The private key in PKCS#8.
    PrivateKey,
    /// The private key, the certificate, then those above it, as HAProxy wants it.
    Combined,
}

impl FileKind {
    /// Part of the name of the environment variable that tells the command the file's path.
    fn variable(self) -> &'static str {
        match self {
            Self::Certificate => "CERTIFICATE",
            Self::Chain => "CHAIN",
            Self::FullChain => "FULL_CHAIN",
            Self::PrivateKey => "PRIVATE_KEY",
            Self::Combined => "COMBINED",
        }
    }

    fn holds_key(self) -> bool {
        matches!(self, Self::PrivateKey | Self::Combined)
    }
}

/// One file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTarget {
    /// What goes into it.
    pub kind: FileKind,
    /// Where it lies; absolute.
    pub path: PathBuf,
    /// Permission bits; 0600 with a private key and 0644 without if not given.
    pub mode: Option<u32>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// What the command is told as `CERTHOLD_NAME`.
    pub name: String,
    /// The files.
    pub files: Vec<FileTarget>,
    /// User who is to own them, by name or number; the process's own if not given.
    pub owner: Option<String>,
    /// Group that is to own them, by name or number.
    pub group: Option<String>,
    /// Program (absolute path) and arguments to run afterwards, without a shell; empty if there is none.
    pub command: Vec<String>,
    /// How long the command may run.
    pub time_limit: Duration,
}

/// What is deployed.
pub struct Material<'a> {
    /// The certificate, DER.
    pub certificate: &'a [u8],
    /// The certificates above it, DER, issuer first.
    pub chain: &'a [Vec<u8>],
    /// The private key, if it is in custody.
    pub key: Option<&'a PrivateKey>,
}

/// When the command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// Only if a file has changed.
    IfChanged,
    /// In any case: after a crash it is not known whether it has run since the files changed.
    Always,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The files that were written anew.
    pub written: Vec<PathBuf>,
    /// The files that were in place already.
    pub unchanged: Vec<PathBuf>,
    /// What the command did, if it ran.
    pub command: Option<CommandReport>,
}

/// Why a deployment failed. Whatever the reason, the files are either all old or all new.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// The deployment cannot be carried out as it is written.
    #[error("{what}: {why}")]
    Settings {
        /// A path, a user, the command.
        what: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A private key is to be deployed that is not in custody.
    #[error("the private key of this certificate is not in custody, so it cannot be written to {0}")]
    NoKey(PathBuf),
    /// A file could not be written.
    #[error("{path} could not be written: {error}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The files are in place, but the command could not be started.
    #[error("the files are in place, but {program} could not be started: {error}")]
    NotStarted {
        /// The program.
        program: String,
        /// The system's reason.
        error: io::Error,
    },
    /// The files are in place, but the command failed.
    #[error("the files are in place, but {program} {ending}{output}", ending = .report.ending, output = .report.last_line())]
    Command {
        /// The program.
        program: String,
        /// How it ended, with its output.
        report: CommandReport,
    },
    /// The system could not run the deployment at all.
    #[error("the deployment was interrupted inside this process; it will be repeated")]
    Interrupted,
}

impl Deployment {
    /// The deployment that the domain has stored under `name`.
    ///
    /// # Errors
    /// Modes that are not octal.
    pub fn of(name: &str, settings: &DeploymentSettings) -> Result<Self, DeployError> {
        let mode = |what: &str, text: &Option<String>| {
            text.as_deref().map(|text| parse_mode(text).ok_or_else(|| refuse(what, "write an octal mode like 0640"))).transpose()
        };
        let (open, secret) = (mode("mode", &settings.mode)?, mode("key_mode", &settings.key_mode)?);
        let targets = [
            (FileKind::PrivateKey, &settings.private_key, secret),
            (FileKind::Certificate, &settings.certificate, open),
            (FileKind::Chain, &settings.chain, open),
            (FileKind::FullChain, &settings.full_chain, open),
        ];
        let files = targets
            .into_iter()
            .filter_map(|(kind, path, mode)| path.as_ref().map(|path| FileTarget { kind, path: path.into(), mode }));
        Ok(Self {
            name: name.to_owned(),
            files: files.collect(),
            owner: settings.owner.clone(),
            group: settings.group.clone(),
            command: settings.command.clone(),
            time_limit: COMMAND_TIME_LIMIT,
        })
    }

    fn check(&self) -> Result<(), DeployError> {
        if self.files.len() > MAX_FILES {
            return Err(refuse(&self.name, "a deployment has at most 16 files"));
        }
        for (index, file) in self.files.iter().enumerate() {
            let shown = file.path.display().to_string();
            check_path(&file.path).map_err(|why| refuse(&shown, why))?;
            if self.files[..index].iter().any(|other| other.path == file.path) {
                return Err(refuse(&shown, "two files of the deployment have this path"));
            }
            let mode = file.mode.unwrap_or(0o600);
            if mode > 0o777 {
                return Err(refuse(&shown, "modes beyond 0777 are not allowed"));
            }
            if file.kind.holds_key() && mode & 0o007 != 0 {
                return Err(refuse(&shown, "a private key must not be accessible to everybody; use a mode like 0600 or 0640"));
            }
        }
        if let Some(program) = self.command.first() {
            check_path(Path::new(program)).map_err(|why| refuse(program, why))?;
        }
        if self.command.iter().any(|argument| argument.contains('\0')) || self.name.contains('\0') {
            return Err(refuse("command", "NUL characters are not allowed"));
        }
        Ok(())
    }
}

/// Permission bits in octal, with or without leading zero.
pub fn parse_mode(text: &str) -> Option<u32> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777)
}

/// Writes the files, then runs the command.
///
/// # Errors
/// See [`DeployError`].
pub async fn deploy(deployment: &Deployment, material: &Material<'_>, run: Run) -> Result<Report, DeployError> {
    deployment.check()?;
    let contents = contents(&deployment.files, material)?;
    let (owner, group) = (deployment.owner.clone(), deployment.group.clone());
    let writing = tokio::task::spawn_blocking(move || write(&contents, owner.as_deref(), group.as_deref()));
    let mut report = writing.await.map_err(|_| DeployError::Interrupted)??;
    let Some((program, arguments)) = deployment.command.split_first() else { return Ok(report) };
    if run == Run::IfChanged && report.written.is_empty() {
        return Ok(report);
    }
    let mut variables = vec![("CERTHOLD_NAME".to_owned(), deployment.name.clone().into())];
    for file in &deployment.files {
        variables.push((format!("CERTHOLD_{}_PATH", file.kind.variable()), file.path.clone().into_os_string()));
    }
    let outcome = command::run(program, arguments, variables, deployment.time_limit).await;
    let done = outcome.map_err(|error| DeployError::NotStarted { program: program.clone(), error })?;
    if done.ending != Ending::Success {
        return Err(DeployError::Command { program: program.clone(), report: done });
    }
    report.command = Some(done);
    Ok(report)
}

/// A file and what is to be in it.
struct Content {
    path: PathBuf,
    mode: u32,
    bytes: Zeroizing<Vec<u8>>,
}

/// What goes into each file; those with the key come first, because a server that reloads in between would rather find a new
/// key that it does not use yet than a certificate without its key.
fn contents(targets: &[FileTarget], material: &Material<'_>) -> Result<Vec<Content>, DeployError> {
    let mut ordered: Vec<_> = targets.iter().collect();
    ordered.sort_by_key(|target| !target.kind.holds_key());
    let certificate = pem::encode("CERTIFICATE", material.certificate);
    let chain = pem::encode_chain(material.chain);
    let content = |target: &FileTarget| {
        let key = match (target.kind.holds_key(), material.key) {
            (true, None) => return Err(DeployError::NoKey(target.path.clone())),
            (true, Some(key)) => key.pkcs8_pem(),
            (false, _) => Zeroizing::default(),
        };
        let parts: &[&str] = match target.kind {
            FileKind::Certificate => &[&certificate],
            FileKind::Chain => &[&chain],
            FileKind::FullChain => &[&certificate, &chain],
            FileKind::PrivateKey => &[&key],
            FileKind::Combined => &[&key, &certificate, &chain],
        };
        // To its full size at once: growing would leave copies of the key behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
        for part in parts {
            bytes.extend_from_slice(part.as_bytes());
        }
        let mode = target.mode.unwrap_or(if target.kind.holds_key() { 0o600 } else { 0o644 });
        Ok(Content { path: target.path.clone(), mode, bytes })
    };
    ordered.into_iter().map(content).collect()
}

fn write(contents: &[Content], owner: Option<&str>, group: Option<&str>) -> Result<Report, DeployError> {
    let user = owner.map(owner::user).transpose()?;
    let group = group.map(owner::group).transpose()?;
    let mut staged = Vec::new();
    let mut report = Report { written: Vec::new(), unchanged: Vec::new(), command: None };
    for content in contents {
        let attributes = Attributes { mode: content.mode, user, group };
        if files::is_current(&content.path, &content.bytes, attributes) {
            report.unchanged.push(content.path.clone());
            continue;
        }
        if content.path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(refuse(&content.path.display().to_string(), "this is a directory; name a file in it"));
        }
        let file = files::stage(&content.path, &content.bytes, attributes);
        staged.push(file.map_err(|error| DeployError::File { path: content.path.clone(), error })?);
        report.written.push(content.path.clone());
    }
    files::commit(staged).map_err(|(path, error)| DeployError::File { path, error })?;
    Ok(report)
}

fn check_path(path: &Path) -> Result<(), &'static str> {
    let text = path.to_str().ok_or("the path must be UTF-8")?;
    if !text.starts_with('/') {
        return Err("the path must be absolute");
    }
    if text.ends_with('/') || text.split('/').any(|part| part == ".." || part == ".") {
        return Err("the path must name a file and have no . or .. in it");
    }
    if text.chars().any(char::is_control) {
        return Err("control characters are not allowed in paths");
    }
    if text.len() > 4000 {
        return Err("the path is longer than 4000 bytes");
    }
    Ok(())
}

fn refuse(what: &str, why: &'static str) -> DeployError {
    DeployError::Settings { what: what.chars().filter(|c| !c.is_control()).take(300).collect(), why }
}
