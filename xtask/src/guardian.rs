//! Cleaning up even when this program is interrupted or killed.
//!
//! A guardian is a small shell process in a process group of its own that deafens itself to interrupts and waits for the
//! end of its standard input. That input is a pipe whose other end only this program holds, so that it ends when the
//! guardian is dropped, and equally after Ctrl-C, a panic or `kill -9`: the kernel closes the pipe. Then it cleans up.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// Runs its clean-up script exactly once: when it is dropped, or when this program is gone.
pub struct Guardian {
    child: Child,
}

/// Whom the guardian runs as, when not as ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// Numeric user id.
    pub uid: u32,
    /// Numeric primary group id.
    pub gid: u32,
}

impl Guardian {
    /// Runs the shell text `before`, then waits, then runs the shell text `after`. Both see `arguments` as `$1`, `$2`, …
    pub fn start(before: &str, after: &str, arguments: &[&str], user: Option<User>) -> Result<Self> {
        let script = format!("trap '' HUP INT QUIT TERM\n{before}\nwhile read -r _; do :; done\n{after}\n");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script, "guardian"]).args(arguments).current_dir("/").stdin(Stdio::piped()).process_group(0);
        if let Some(user) = user {
            command.uid(user.uid).gid(user.gid);
        }
        let child = command.spawn().context("/bin/sh could not be started")?;
        Ok(Self { child })
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        // Closing the pipe is the signal; waiting makes the clean-up complete before anything else happens.
        drop(self.child.stdin.take());
        if let Err(error) = self.child.wait() {
            eprintln!("warning: the clean-up could not be awaited: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::{Duration, Instant};

    use super::*;

    fn marker(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("certhold-guardian-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        path
    }

    #[test]
    fn before_runs_at_once_and_after_only_when_dropped() {
        let path = marker("drop");
        let text = path.to_str().unwrap();
        let guardian = Guardian::start(": > \"$1\"", "rm \"$1\"", &[text], None).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !path.exists() {
            assert!(Instant::now() < deadline, "the first part never ran");
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(guardian);
        assert!(!path.exists(), "the second part did not run before drop returned");
    }

    #[test]
    fn an_interrupt_does_not_stop_it_from_cleaning_up() {
        let path = marker("interrupt");
        std::fs::write(&path, b"").unwrap();
        let guardian = Guardian::start("", "rm \"$1\"", &[path.to_str().unwrap()], None).unwrap();
        // Give the shell the time to set its traps, then do what Ctrl-C and a polite kill do.
        std::thread::sleep(Duration::from_millis(300));
        for signal in ["-INT", "-TERM", "-HUP"] {
            let pid = guardian.child.id().to_string();
            assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        }
        drop(guardian);
        assert!(!path.exists());
    }
}
