//! The data directory: private, and used by one program at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How long a short command waits for another one to finish.
const PATIENCE: Duration = Duration::from_secs(5);
/// A file that nobody has written to for so long was left by a crash.
const LEFT_AFTER: Duration = Duration::from_secs(60);

/// A data directory under its exclusive lock, which ends with this value or the process.
pub struct DataDir {
    path: PathBuf,
    lock: File,
}

impl DataDir {
    /// For `serve`: makes the directory if there is none, and locks it.
    ///
    /// # Errors
    /// When it cannot be made or written to, or somebody else uses it.
    pub fn create(path: &Path) -> Result<DataDir, Failure> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| Failure::io(path.display(), &error))?;
        let file = open_lock(path)?;
        let mut dir = match file.try_lock() {
            Ok(()) => DataDir { path: path.to_owned(), lock: file },
            Err(error) => return Err(taken(path, &file, error, "stop it first, or give this server another directory")),
        };
        dir.tell("server", "")?;
        Ok(dir)
    }

    /// For every other command: locks a directory that `serve` has made, waiting a moment for another command to finish.
    ///
    /// # Errors
    /// When there is none, or a server runs on it.
    pub fn open(path: &Path, command: &str) -> Result<DataDir, Failure> {
        if !path.is_dir() {
            return Err(Failure::new(format!(
                "there is no data directory {}: start `certhold serve --data {}` once, or name another with --data",
                path.display(),
                path.display()
            )));
        }
        let file = open_lock(path)?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if !holder(&file).starts_with("server") && Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) => return Err(taken(path, &file, error, "use --server URL --token TOKEN")),
            }
        }
        let mut dir = DataDir { path: path.to_owned(), lock: file };
        dir.tell(command, "")?;
        Ok(dir)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says in the lock file who holds it and, for a server, at which address.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn tell(&mut self, who: &str, address: &str) -> Result<(), Failure> {
        let line = format!("{who} {} {address}", std::process::id());
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            writeln!(file, "{}", line.trim_end())
        };
        write(&mut self.lock).map_err(|error| Failure::io(self.path.join("lock").display(), &error))
    }

    /// A warning when others may look into the directory.
    pub fn warning(&self) -> Option<String> {
        let mode = std::fs::metadata(&self.path).ok()?.mode() & 0o777;
        (mode & 0o077 != 0).then(|| format!("{} is open to other users (mode {mode:04o}): chmod 700 it", self.path.display()))
    }
}

fn open_lock(path: &Path) -> Result<File, Failure> {
    let lock = path.join("lock");
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&lock);
    opened.map_err(|error| Failure::io(lock.display(), &error))
}

/// The first words of the lock file: who holds it, its process, its address.
fn holder(mut file: &File) -> String {
    let mut text = String::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(400).read_to_string(&mut text));
    read.map(|_| text.trim().to_owned()).unwrap_or_default()
}

fn taken(path: &Path, file: &File, error: TryLockError, advice: &str) -> Failure {
    if let TryLockError::Error(error) = error {
        return Failure::io(path.join("lock").display(), &error);
    }
    let holder = holder(file);
    let mut words = holder.split(' ');
    let (who, process, address) = (words.next(), words.next(), words.next());
    let process = process.map(|number| format!(" (process {number})")).unwrap_or_default();
    match who {
        Some("server") => {
            let advice = advice.replace("URL", address.unwrap_or("URL"));
            Failure::new(format!("a server{process} is running on this directory, {}: {advice}", path.display()))
        }
        Some(command) if !command.is_empty() => Failure::new(format!(
            "`certhold {command}`{process} is using this directory, {}: try again when it has finished",
            path.display()
        )),
        _ => Failure::new(format!("another program is using this directory, {}", path.display())),
    }
}

/// Writes a file under its name only when it is whole and on disk. `mode` is that of a new file. Of two that write at once, each
/// has a file of its own until it is whole; the last one stays.
///
/// # Errors
/// When the directory or the file cannot be written.
pub fn write_whole(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    remove_leftovers(path);
    let (mut file, new) = fresh_beside(path, mode)?;
    let written = file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| std::fs::rename(&new, path));
    if let Err(error) = written {
        let _ = std::fs::remove_file(&new);
        return Err(error);
    }
    File::open(parent(path))?.sync_all()
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that was not there before, under a name that nobody else writes to.
fn fresh_beside(path: &Path, mode: u32) -> std::io::Result<(File, PathBuf)> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    loop {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}-{}.new", std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed)));
        let new = path.with_file_name(name);
        match OpenOptions::new().write(true).create_new(true).mode(mode).open(&new) {
            Ok(file) => return Ok((file, new)),
            // Left by a process of the same number.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Removes what a crash has left half written, as far as that can be done.
fn remove_leftovers(path: &Path) {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return };
    let Ok(entries) = std::fs::read_dir(parent(path)) else { return };
    for entry in entries.flatten() {
        let is_left = entry.file_name().to_str().and_then(|found| found.strip_prefix(name)).is_some_and(is_unfinished);
        let modified = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        if is_left && modified.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > LEFT_AFTER) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether this is what [`fresh_beside`], or a version before it, puts behind a name.
fn is_unfinished(ending: &str) -> bool {
    let number = ending.strip_prefix('.').and_then(|ending| ending.strip_suffix("new"));
    number.is_some_and(|number| number.chars().all(|c| c.is_ascii_digit() || c == '-' || c == '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_new_directory_is_private() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("a/b");
        let dir = DataDir::create(&path).unwrap();
        assert_eq!((mode(&path), mode(&path.join("lock"))), (0o700, 0o600));
        assert_eq!(dir.warning(), None);
        let shared = outer.path().join("shared");
        DirBuilder::new().mode(0o755).create(&shared).unwrap();
        assert!(DataDir::create(&shared).unwrap().warning().unwrap().contains("mode 0755"));
    }

    #[test]
    fn a_second_one_is_told_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = DataDir::create(dir.path()).unwrap();
        first.tell("server", "https://127.0.0.1:1").unwrap();
        let second = DataDir::create(dir.path()).err().unwrap().to_string();
        assert!(second.contains(&format!("a server (process {}) is running on this directory", std::process::id())), "{second}");
        let command = DataDir::open(dir.path(), "list").err().unwrap().to_string();
        assert!(command.ends_with("use --server https://127.0.0.1:1 --token TOKEN"), "{command}");
        drop(first);
        DataDir::open(dir.path(), "list").unwrap();
    }

    #[test]
    fn a_command_waits_for_a_short_one() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::create(dir.path()).unwrap();
        drop(first);
        let first = DataDir::open(dir.path(), "show").unwrap();
        let path = dir.path().to_owned();
        let second = std::thread::spawn(move || DataDir::open(&path, "list").map(drop).is_ok());
        std::thread::sleep(Duration::from_millis(100));
        drop(first);
        assert!(second.join().unwrap());
    }

    #[test]
    fn a_missing_directory_is_said_to_be_missing() {
        let dir = tempfile::tempdir().unwrap();
        let why = DataDir::open(&dir.path().join("none"), "list").err().unwrap().to_string();
        assert!(why.contains("certhold serve --data"), "{why}");
    }

    #[test]
    fn files_appear_whole_and_with_their_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        for left in ["x.new", "x.17-4.new"] {
            let file = File::create(dir.path().join(left)).unwrap();
            file.set_modified(std::time::SystemTime::now() - 2 * LEFT_AFTER).unwrap();
        }
        std::fs::write(dir.path().join("x.another.new"), "not ours").unwrap();
        write_whole(&path, b"one", 0o600).unwrap();
        write_whole(&path, b"two", 0o600).unwrap();
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("two", 0o600));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "what a crash has left is gone, what is another's is not");
    }

    #[test]
    fn of_two_that_write_at_once_neither_writes_into_the_others_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let barrier = std::sync::Arc::new(std::sync::Barrier::new(4));
        let threads: Vec<_> = (0..4_u8)
            .map(|one| {
                let (path, barrier) = (path.clone(), barrier.clone());
                std::thread::spawn(move || {
                    barrier.wait();
                    (0..25).try_for_each(|_| write_whole(&path, &[b'a' + one; 20_000], 0o600))
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
        let read = std::fs::read(&path).unwrap();
        assert!(read.len() == 20_000 && read.iter().all(|byte| *byte == read[0]));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
