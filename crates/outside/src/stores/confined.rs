//! Directories inside the configured roots, reached without following links.
//!
//! A path is resolved first; what it resolves to must be inside a root. Then the resolved path is walked again from the root, one
//! directory after the other, each opened in the one before and none through a link: what somebody changes in between is noticed,
//! and everything further happens in the directory that was opened.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use certhold_domain::stores::Roots;
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags};
use zeroize::Zeroizing;

use super::StoreError;
use crate::files::Attributes;

/// Directories and links between a root and a store.
const DEPTH_MAX: usize = 64;
/// Names in a directory that are looked at.
const NAMES_MAX: usize = 20_000;
/// What a killed writer left behind is nobody's any more after this time.
const LEFT_BEHIND: Duration = Duration::from_secs(3_600);

/// A directory that is inside a root.
pub(super) struct Directory {
    fd: OwnedFd,
    /// Where it is, resolved.
    pub(super) path: PathBuf,
}

/// A file, by the directory that it is really in.
pub(super) struct Place {
    pub(super) directory: Directory,
    pub(super) name: String,
}

/// What a name in a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Link,
    Other,
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |error| StoreError::Io { path, error }
}

fn resolved(path: &Path) -> Result<PathBuf, StoreError> {
    fs::canonicalize(path).map_err(io_error(path))
}

fn is_inside(real: &Path, roots: &Roots) -> bool {
    roots.0.iter().filter_map(|root| fs::canonicalize(root).ok()).any(|root| real.starts_with(root))
}

impl Directory {
    /// Opens a directory; `None` when there is none.
    pub(super) fn open(path: &Path, roots: &Roots) -> Result<Option<Directory>, StoreError> {
        let shown = path.to_str().ok_or_else(|| StoreError::Path("the path of a store must be UTF-8".into()))?;
        // What is written must be inside as well as what it leads to: the former is what people were told.
        roots.check(shown).map_err(|refusal| StoreError::Path(refusal.to_string()))?;
        Directory::open_resolved(path, roots)
    }

    fn open_resolved(path: &Path, roots: &Roots) -> Result<Option<Directory>, StoreError> {
        let real = match resolved(path) {
            // Of what is not there, the way to it must be inside all the same: nothing is told about what is outside.
            Err(StoreError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                return match path.ancestors().skip(1).find_map(|above| fs::canonicalize(above).ok()) {
                    Some(above) if is_inside(&above, roots) => Ok(None),
                    _ => Err(StoreError::LeadsOutside(path.to_owned())),
                };
            }
            other => other?,
        };
        let root = roots.0.iter().filter_map(|root| fs::canonicalize(root).ok()).find(|root| real.starts_with(root));
        let root = root.ok_or_else(|| StoreError::LeadsOutside(path.to_owned()))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let failed = |error: rustix::io::Errno| io_error(&real)(error.into());
        let mut fd = rustix::fs::open(&root, flags, Mode::empty()).map_err(failed)?;
        let below = real.strip_prefix(&root).unwrap_or(Path::new(""));
        if below.components().count() > DEPTH_MAX {
            return Err(StoreError::Path(format!("{} is nested too deeply", real.display())));
        }
        for name in below.iter() {
            fd = rustix::fs::openat(&fd, name, flags, Mode::empty()).map_err(failed)?;
        }
        Ok(Some(Directory { fd, path: real }))
    }

    /// Waits until nobody else works in this directory, until the directory is dropped; then clears what the killed left behind.
    pub(super) fn lock(&self) {
        if let Err(error) = rustix::fs::flock(&self.fd, FlockOperation::LockExclusive) {
            // Some network file systems know no locks; the lease keeps other workers away.
            tracing::debug!(directory = %self.path.display(), %error, "directory not locked");
        }
        for (name, _) in self.names().unwrap_or_default() {
            let ours = name.starts_with(".certhold-") && (name.ends_with(".new") || name.ends_with(".old"));
            let age = || fs::symlink_metadata(self.at(&name)).and_then(|found| found.modified()).ok();
            let old = |at: SystemTime| SystemTime::now().duration_since(at).is_ok_and(|age| age > LEFT_BEHIND);
            if ours && age().is_some_and(old) {
                let _ = rustix::fs::unlinkat(&self.fd, name.as_str(), AtFlags::empty());
            }
        }
    }

    /// A path by which a name in exactly this directory is reached, wherever the directory is moved to.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        let own = PathBuf::from(format!("/proc/self/fd/{}", self.fd.as_raw_fd()));
        if own.exists() { own.join(name) } else { self.path.join(name) }
    }

    /// Its names that are UTF-8, in order; others are nothing that a store has.
    pub(super) fn names(&self) -> Result<Vec<(String, Kind)>, StoreError> {
        let failed = |error: rustix::io::Errno| io_error(&self.path)(error.into());
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Some(name) = OsStr::from_bytes(entry.file_name().to_bytes()).to_str() else { continue };
            if name == "." || name == ".." {
                continue;
            }
            if names.len() >= NAMES_MAX {
                let why = format!("there are more than {NAMES_MAX} names in it");
                return Err(StoreError::Unreadable { path: self.path.clone(), why });
            }
            let kind = match entry.file_type() {
                FileType::RegularFile => Kind::File,
                FileType::Symlink => Kind::Link,
                FileType::Unknown => self.kind(name).unwrap_or(Kind::Other),
                _ => Kind::Other,
            };
            names.push((name.to_owned(), kind));
        }
        names.sort_by(|one: &(String, Kind), other| one.0.cmp(&other.0));
        Ok(names)
    }

    /// What a name is; `None` when it is not there.
    pub(super) fn kind(&self, name: &str) -> Option<Kind> {
        let found = rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Symlink => Kind::Link,
            _ => Kind::Other,
        })
    }

    /// Where a name really is: here, or where its link leads.
    pub(super) fn follow(self: &Directory, name: &str, roots: &Roots) -> Result<Place, StoreError> {
        let here = || -> Result<Place, StoreError> {
            let fd = self.fd.try_clone().map_err(io_error(&self.path))?;
            Ok(Place { directory: Directory { fd, path: self.path.clone() }, name: name.to_owned() })
        };
        match self.kind(name) {
            None | Some(Kind::File) => here(),
            Some(Kind::Other) => {
                let why = "this is no file".to_owned();
                Err(StoreError::Unreadable { path: self.path.join(name), why })
            }
            Some(Kind::Link) => {
                let shown = self.path.join(name);
                let real = resolved(&shown)?;
                let (Some(parent), Some(file)) = (real.parent(), real.file_name().and_then(OsStr::to_str)) else {
                    return Err(StoreError::LeadsOutside(shown));
                };
                match Directory::open_resolved(parent, roots) {
                    Ok(Some(directory)) => Ok(Place { directory, name: file.to_owned() }),
                    Ok(None) | Err(StoreError::LeadsOutside(_)) => Err(StoreError::LeadsOutside(shown)),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Makes a directory in this one.
    pub(super) fn make(&self, name: &str) -> Result<(), StoreError> {
        match rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
            Err(error) => Err(io_error(&self.path.join(name))(error.into())),
        }
    }

    /// Removes a name, durably; a link goes, what it leads to stays.
    pub(super) fn unlink(&self, name: &str) -> Result<(), StoreError> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(io_error(&self.path.join(name))(error.into())),
        }
        if let Err(error) = rustix::fs::fsync(&self.fd) {
            tracing::debug!(directory = %self.path.display(), %error, "directory not synced");
        }
        Ok(())
    }
}

impl Place {
    /// Where it is, for people.
    pub(super) fn shown(&self) -> PathBuf {
        self.directory.path.join(&self.name)
    }

    /// The file's content, at most `limit` bytes; `None` when there is no file.
    pub(super) fn read(&self, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        // Without waiting for a writer: somebody may have put a pipe there.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.directory.fd, self.name.as_str(), flags, Mode::empty());
        let file = match opened {
            Ok(fd) => File::from(fd),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(io_error(&self.shown())(error.into())),
        };
        let found = file.metadata().map_err(io_error(&self.shown()))?;
        if !found.is_file() {
            return Err(StoreError::Unreadable { path: self.shown(), why: "this is no file".into() });
        }
        if found.len() > limit {
            return Err(StoreError::TooLarge { path: self.shown(), limit });
        }
        // To its full size at once: growing would leave copies of keys behind.
        let size = usize::try_from(found.len()).unwrap_or(0);
        let mut bytes = Zeroizing::new(Vec::with_capacity(size + 1));
        file.take(limit + 1).read_to_end(&mut bytes).map_err(io_error(&self.shown()))?;
        if bytes.len() as u64 > limit {
            return Err(StoreError::TooLarge { path: self.shown(), limit });
        }
        Ok(Some(bytes))
    }

    /// Mode, owner and group of the file that is there.
    pub(super) fn attributes(&self) -> Option<Attributes> {
        let found = fs::symlink_metadata(self.directory.at(&self.name)).ok().filter(fs::Metadata::is_file)?;
        Some(Attributes { mode: found.mode() & 0o777, user: Some(found.uid()), group: Some(found.gid()) })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn roots(path: &Path) -> Roots {
        Roots(vec![path.display().to_string()])
    }

    #[test]
    fn only_what_is_inside_a_root_is_opened() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        symlink(outside.path(), root.path().join("out")).unwrap();
        symlink(root.path().join("a"), root.path().join("in")).unwrap();
        let open = |name: &str| Directory::open(&root.path().join(name), &roots(root.path()));
        assert!(open("a/b").unwrap().is_some());
        assert_eq!(open("in/b").unwrap().unwrap().path, fs::canonicalize(root.path().join("a/b")).unwrap());
        assert!(open("missing").unwrap().is_none());
        assert!(matches!(open("out"), Err(StoreError::LeadsOutside(_))));
        assert!(matches!(open("a/../../x"), Err(StoreError::LeadsOutside(_)) | Ok(None)));
        assert!(matches!(Directory::open(outside.path(), &roots(root.path())), Err(StoreError::Path(_))));
        let none = Directory::open(root.path(), &Roots::default()).err().unwrap().to_string();
        assert!(none.contains("store_roots"), "{none}");
    }

    #[test]
    fn links_of_files_are_followed_inside_only() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("d")).unwrap();
        fs::write(root.path().join("real"), "inside").unwrap();
        fs::write(outside.path().join("secret"), "outside").unwrap();
        symlink("../real", root.path().join("d/in")).unwrap();
        symlink(outside.path().join("secret"), root.path().join("d/out")).unwrap();
        symlink("loop", root.path().join("d/loop")).unwrap();
        let roots = roots(root.path());
        let directory = Directory::open(&root.path().join("d"), &roots).unwrap().unwrap();
        let read = |name: &str| directory.follow(name, &roots).and_then(|place| place.read(100));
        assert_eq!(read("in").unwrap().unwrap().as_slice(), b"inside");
        assert!(matches!(read("out"), Err(StoreError::LeadsOutside(_))));
        assert!(read("loop").is_err());
        assert!(read("missing").unwrap().is_none());
        assert!(matches!(directory.follow("in", &roots).unwrap().read(3), Err(StoreError::TooLarge { .. })));
        // A link that appears after the place was found is not followed either.
        let place = directory.follow("later", &roots).unwrap();
        symlink(outside.path().join("secret"), root.path().join("d/later")).unwrap();
        assert!(place.read(100).is_err());
    }

    #[test]
    fn pipes_and_directories_are_no_files() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("d")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(root.path().join("pipe")).status().unwrap();
        assert!(made.success());
        let roots = roots(root.path());
        let directory = Directory::open(root.path(), &roots).unwrap().unwrap();
        for name in ["d", "pipe"] {
            assert!(directory.follow(name, &roots).is_err(), "{name}");
            let place = Place { directory: Directory::open(root.path(), &roots).unwrap().unwrap(), name: name.into() };
            assert!(place.read(100).is_err(), "{name}");
        }
    }
}
