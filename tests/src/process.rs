//! A process under test: what it prints goes to a file, and it ends, with all it started, when its owner does.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const READY_WITHIN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);

/// A running program, in a process group of its own. Dropping it kills it and everything it started.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program; its input is empty, and both its outputs are appended to the file `log`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let file = OpenOptions::new().append(true).create(true).open(log);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let other = file.try_clone().expect("a second handle on the log");
        command.stdin(Stdio::null()).stdout(file).stderr(other).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("{name} could not be started: {error}"));
        Self { name, child, log: log.to_path_buf() }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything in its log: on both streams, in the order in which it was printed.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until `ready` holds.
    ///
    /// # Panics
    /// When the process ends first, or the time is over; with its log.
    pub async fn wait_until(&mut self, mut ready: impl AsyncFnMut() -> bool) {
        let deadline = Instant::now() + READY_WITHIN;
        while !ready().await {
            self.still_starting(deadline);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until a whole line of the log, after its first `skip` bytes, gives an answer.
    ///
    /// # Panics
    /// When the process ends first, or the time is over; with its log.
    pub async fn wait_for_line<T>(&mut self, skip: usize, wanted: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let ended = self.ended().is_some();
            let text = self.output();
            // The last piece may still be growing.
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            if let Some(answer) = text.get(skip..whole).unwrap_or_default().lines().find_map(&wanted) {
                return answer;
            }
            // What it printed before its end has been read above, because the end was looked for first.
            assert!(!ended, "{} ended instead of becoming ready:\n{text}", self.name);
            self.still_starting(deadline);
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn still_starting(&mut self, deadline: Instant) {
        let (name, ended) = (self.name.clone(), self.ended());
        assert!(ended.is_none(), "{name} ended instead of becoming ready:\n{}", self.output());
        assert!(Instant::now() < deadline, "{name} was not ready within {READY_WITHIN:?}:\n{}", self.output());
    }

    /// Sends a signal (`"TERM"`, `"HUP"`, `"STOP"`…) to the process itself; whether it was there to get it.
    pub fn signal(&mut self, signal: &str) -> bool {
        // A process that we have already waited for must not be signalled: its number may mean another one.
        self.ended().is_none() && send(signal, self.pid())
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
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
            assert!(Instant::now() < deadline, "{} did not end within {within:?}:\n{}", self.name, self.output());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// `kill -9`, at once, for it and what it has started; then waits until it is gone.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            let started = descendants(self.pid());
            let _ = self.child.kill();
            for pid in started {
                send("KILL", pid);
            }
            let _ = self.child.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn send(signal: &str, pid: u32) -> bool {
    let mut command = Command::new("kill");
    command.args(["-s", signal, "--", &pid.to_string()]).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The processes that this one has started, and those they have started.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some((_, parent)) = state_and_parent(child) {
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

/// From `pid (name) state parent …`, where the name may contain anything.
fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut rest = line.rsplit_once(')')?.1.split_whitespace();
    Some((rest.next()?.chars().next()?, rest.next()?.parse().ok()?))
}

/// Where an installed program is: on the search path or among the system's.
pub fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(system).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// An installed program.
///
/// # Panics
/// When it is missing; with the Debian package that has it.
pub fn program(name: &str, package: &str) -> PathBuf {
    installed(name).unwrap_or_else(|| panic!("{name} is not installed; install the Debian package {package}"))
}

/// Notes that something is left out, and why.
///
/// # Panics
/// When `CI=true`: nothing is left out there.
pub fn left_out(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "with CI=true nothing is left out: {why}");
    eprintln!("left out: {why}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (Process, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let process = Process::start(Command::new("sh").args(["-c", script]), &directory.path().join("log"));
        (process, directory)
    }

    fn runs(pid: u32) -> bool {
        // One that nobody has waited for yet (a zombie) does not run.
        state_and_parent(pid).is_some_and(|(state, _)| state != 'Z')
    }

    #[tokio::test]
    async fn output_is_kept_and_lines_are_waited_for() {
        let (mut process, _directory) = shell("echo one; echo two >&2; printf three; sleep 60");
        assert_eq!(process.wait_for_line(0, |line| line.strip_prefix("tw").map(str::len)).await, 1);
        assert!(process.ended().is_none());
        assert!(process.output().starts_with("one\ntwo\n"));
        assert!(process.signal("TERM"));
        assert!(!process.wait(Duration::from_secs(10)).await.success());
        assert!(!process.signal("TERM"), "a process that has ended gets no signal");
    }

    #[tokio::test]
    #[should_panic(expected = "ended instead of becoming ready:\nreason")]
    async fn a_process_that_ends_early_says_why() {
        shell("echo reason; exit 3").0.wait_for_line(0, |line| line.strip_prefix("ready").map(drop)).await;
    }

    #[tokio::test]
    #[should_panic(expected = "ended instead of becoming ready")]
    async fn waiting_for_a_condition_ends_with_the_process() {
        shell("exit 3").0.wait_until(async || false).await;
    }

    #[tokio::test]
    async fn dropping_it_ends_it_and_its_children() {
        let (mut process, _directory) = shell("sleep 61 & sleep 62 & echo started; wait");
        process.wait_for_line(0, |line| (line == "started").then_some(())).await;
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
