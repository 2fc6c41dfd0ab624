//! A process under test: what it prints is kept, and it ends with its owner.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(10);

/// Everything a process has printed, on both streams, in the order in which it arrived.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<String>>);

impl Log {
    /// The text so far.
    pub fn text(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn append(&self, line: &[u8]) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(&String::from_utf8_lossy(line));
    }

    fn follow(&self, stream: impl Read + Send + 'static) -> std::thread::JoinHandle<()> {
        let log = self.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader
                .read_until(b'\n', &mut line)
                .is_ok_and(|length| length > 0)
            {
                log.append(&line);
                line.clear();
            }
        })
    }
}

/// A running program, in a process group of its own. Dropping it kills it and everything it started.
pub struct Process {
    name: String,
    child: Child,
    log: Log,
    followers: Vec<std::thread::JoinHandle<()>>,
}

impl Process {
    /// Starts a program; its standard input is empty, its output goes to the log.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(name: &str, command: &mut Command) -> Self {
        Self::start_with_log(name, command, Log::default())
    }

    /// The same, continuing a log: for a server that is started again.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start_with_log(name: &str, command: &mut Command, log: Log) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name} could not be started: {error}"));
        let stdout = child.stdout.take().map(|stream| log.follow(stream));
        let stderr = child.stderr.take().map(|stream| log.follow(stream));
        Self {
            name: name.to_owned(),
            child,
            log,
            followers: stdout.into_iter().chain(stderr).collect(),
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until a line of the log (after its first `skip` bytes) gives an answer.
    ///
    /// # Panics
    /// When the process ends first, or the time is over; with its log.
    pub async fn wait_for_line<T>(
        &mut self,
        skip: usize,
        within: Duration,
        wanted: impl Fn(&str) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + within;
        loop {
            let ended = self.ended();
            let text = self.log.text();
            // The last piece may still be growing.
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            if let Some(answer) = text
                .get(skip..whole)
                .unwrap_or_default()
                .lines()
                .find_map(&wanted)
            {
                return answer;
            }
            if let Some(status) = ended {
                panic!(
                    "{} ended with {status} instead of becoming ready:\n{text}",
                    self.name
                );
            }
            assert!(
                Instant::now() < deadline,
                "{} was not ready within {within:?}:\n{text}",
                self.name
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Sends a signal (`"TERM"`, `"HUP"`, `"STOP"`…) to the process itself; whether it was there to get it.
    pub fn signal(&mut self, signal: &str) -> bool {
        // A process that we have already waited for must not be signalled: its number may mean another one.
        self.ended().is_none() && kill(signal, &self.pid().to_string())
    }

    /// How it ended, if it has; all its output is in the log then.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten()?;
        for follower in self.followers.drain(..) {
            // Somebody it started may still hold the stream: then we do not wait for its end.
            let deadline = Instant::now() + Duration::from_millis(500);
            while !follower.is_finished() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        Some(status)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it is still running after that time; with its log.
    pub async fn wait(&mut self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "{} did not end within {within:?}:\n{}",
                self.name,
                self.log()
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// `kill -9`, at once, then waits until it is gone. What it had started lives on until the drop.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
            self.ended();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let started = descendants(self.pid());
        self.kill();
        for pid in started {
            kill("KILL", &pid.to_string());
        }
    }
}

fn kill(signal: &str, pid: &str) -> bool {
    let outcome = Command::new("kill")
        .args(["-s", signal, "--", pid])
        .stderr(Stdio::null())
        .status();
    outcome.is_ok_and(|status| status.success())
}

/// The processes that this one has started, and those they have started.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(child) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // `pid (name) state parent …`; the name may contain anything.
        let line = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = line
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(child);
        }
    }
    let mut found = Vec::new();
    let mut next = vec![pid];
    while let Some(parent) = next.pop() {
        let below = children.remove(&parent).unwrap_or_default();
        found.extend(&below);
        next.extend(below);
    }
    found
}

/// Where an installed program is: on the search path or among the system's.
pub fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(system)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// A program that a test needs. Without it the test is left out with a note, unless `CI=true`: nothing is left out there.
///
/// # Panics
/// When it is missing and `CI=true`.
pub fn needed(program: &str, package: &str) -> Option<PathBuf> {
    let found = installed(program);
    if found.is_none() {
        left_out(&format!(
            "{program} is not installed (Debian package {package})"
        ));
    }
    found
}

/// Notes that something is left out, and why.
///
/// # Panics
/// When `CI=true`.
pub fn left_out(why: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "with CI=true nothing is left out: {why}"
    );
    eprintln!("left out: {why}");
}

/// Where Cargo builds: three levels above the test program.
pub fn target_directory() -> PathBuf {
    let program = std::env::current_exe().expect("a running program knows where it is");
    program
        .ancestors()
        .nth(3)
        .map(Path::to_path_buf)
        .expect("tests run from target/PROFILE/deps")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        Process::start("sh", Command::new("sh").args(["-c", script]))
    }

    fn runs(pid: u32) -> bool {
        // A zombie that nobody has waited for yet does not run.
        let line = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        line.rsplit_once(')')
            .is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
    }

    #[tokio::test]
    async fn output_is_kept_and_lines_are_waited_for() {
        let mut process = shell("echo one; echo two >&2; printf three; sleep 60");
        let number = process.wait_for_line(0, Duration::from_secs(10), |line| {
            line.strip_prefix("tw").map(str::len)
        });
        assert_eq!(number.await, 1);
        assert!(process.ended().is_none());
        assert!(process.signal("TERM"));
        let status = process.wait(Duration::from_secs(10)).await;
        assert!(!status.success());
        assert!(process.log().contains("one\n"));
        assert!(
            !process.signal("TERM"),
            "a process that has ended gets no signal"
        );
    }

    #[tokio::test]
    #[should_panic(expected = "ended with exit status: 3 instead of becoming ready:\nreason")]
    async fn a_process_that_ends_early_says_why() {
        shell("echo reason; exit 3")
            .wait_for_line(0, Duration::from_secs(10), |line| {
                line.strip_prefix("ready")
            })
            .await;
    }

    #[tokio::test]
    async fn dropping_it_ends_it_and_its_children() {
        let mut process = shell("sleep 61 & sleep 62 & echo started; wait");
        process
            .wait_for_line(0, Duration::from_secs(10), |line| {
                (line == "started").then_some(())
            })
            .await;
        let mut pids = descendants(process.pid());
        assert_eq!(pids.len(), 2);
        pids.push(process.pid());
        assert!(pids.iter().all(|pid| runs(*pid)));
        drop(process);
        let deadline = Instant::now() + Duration::from_secs(10);
        while pids.iter().any(|pid| runs(*pid)) {
            assert!(Instant::now() < deadline, "some of {pids:?} still run");
            tokio::time::sleep(PAUSE).await;
        }
    }

    #[test]
    fn absent_programs_are_not_installed() {
        assert!(installed("sh").is_some());
        assert!(installed("certhold-no-such-program").is_none());
    }
}
