//! Running a command without a shell, with a time limit, and keeping the end of what it says.

use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::Command;

/// How much of the output is kept: its end, where the reason for a failure stands.
const MAX_OUTPUT: usize = 16 * 1024;
/// How long to wait for more output after the command has ended: a daemon it has started may keep the pipe open for ever.
const AFTER_END: Duration = Duration::from_millis(500);

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandReport {
    /// How it ended.
    pub ending: Ending,
    /// The last 16 KiB of what it wrote to standard output and standard error, control characters left out.
    pub output: String,
    /// How long it took, milliseconds.
    pub milliseconds: u64,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With status 0.
    Success,
    /// With another status.
    Status(i32),
    /// By this signal.
    Signal(i32),
    /// It was killed after this many seconds.
    TimeLimit(u64),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success => f.write_str("succeeded"),
            Self::Status(status) => write!(f, "ended with status {status}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Self::TimeLimit(seconds) => write!(f, "was killed because it ran longer than {seconds} s"),
        }
    }
}

impl CommandReport {
    /// The last line of the output, for a sentence.
    pub(super) fn last_line(&self) -> String {
        let line = self.output.lines().rev().map(str::trim).find(|line| !line.is_empty());
        line.map(|line| format!(": {}", line.chars().take(300).collect::<String>())).unwrap_or_default()
    }
}

/// Runs `program`. Its environment is a fixed search path and `variables`, nothing of our own, where secrets may stand; its
/// input is empty and its directory is `/`. When the time is over, it is killed with all that it has started.
pub(super) async fn run(
    program: &str,
    arguments: &[String],
    variables: Vec<(String, OsString)>,
    time_limit: Duration,
) -> io::Result<CommandReport> {
    let started = Instant::now();
    let (reader, writer) = io::pipe()?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LANG", "C.UTF-8")
        .envs(variables)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    // Our ends of the pipe, or it would never end.
    drop(command);
    let mut output = Tail::default();
    let mut pipe = pipe::Receiver::from_owned_fd(reader.into())?;
    let status = tokio::select! {
        status = async {
            tokio::select! {
                status = child.wait() => status,
                // Always pending: the output may end before the command does.
                never = async { output.read(&mut pipe).await; std::future::pending().await } => never,
            }
        } => Some(status?),
        () = tokio::time::sleep(time_limit) => None,
    };
    if status.is_none() {
        if let Some(group) = group {
            // Fails only if nobody is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
        child.kill().await?;
    }
    // What is still in the pipe; a time-out means that somebody holds it open, and that is no fault.
    let _ = tokio::time::timeout(AFTER_END, output.read(&mut pipe)).await;
    Ok(CommandReport {
        ending: status.map_or(Ending::TimeLimit(time_limit.as_secs()), ending),
        output: output.text(),
        milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

fn ending(status: std::process::ExitStatus) -> Ending {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(0), _) => Ending::Success,
        (Some(code), _) => Ending::Status(code),
        (None, signal) => Ending::Signal(signal.unwrap_or(0)),
    }
}

/// The end of a stream.
#[derive(Default)]
struct Tail {
    kept: Vec<u8>,
    cut: bool,
}

impl Tail {
    /// Reads until the end; may be dropped at any time without losing what came before.
    async fn read(&mut self, pipe: &mut pipe::Receiver) {
        let mut buffer = [0; 4096];
        while let Ok(length) = pipe.read(&mut buffer).await
            && length > 0
        {
            self.kept.extend_from_slice(&buffer[..length]);
            if self.kept.len() > 2 * MAX_OUTPUT {
                self.cut = true;
                self.kept.drain(..self.kept.len() - MAX_OUTPUT);
            }
        }
    }

    fn text(mut self) -> String {
        if self.kept.len() > MAX_OUTPUT {
            self.cut = true;
            self.kept.drain(..self.kept.len() - MAX_OUTPUT);
        }
        let text = String::from_utf8_lossy(&self.kept);
        let plain = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
        if self.cut { "… ".chars().chain(plain).collect() } else { plain.collect() }
    }
}
