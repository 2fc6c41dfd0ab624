//! Writing files so that readers see the old or the new content, never half of one.

use certhold_domain::Entropy as _;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What a file is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// Permission bits, at most 0o777.
    pub(crate) mode: u32,
    /// Owner, if it matters.
    pub(crate) user: Option<u32>,
    /// Group, if it matters.
    pub(crate) group: Option<u32>,
}

/// A finished file beside its target, waiting to take its place; dropped, it disappears.
pub(crate) struct Staged {
    temporary: PathBuf,
    target: PathBuf,
    /// A second name of the file that was replaced, until the replacement is confirmed.
    previous: Option<PathBuf>,
    renamed: bool,
}

/// Whether `target` is a plain file with exactly this content and these attributes.
pub(crate) fn is_current(target: &Path, content: &[u8], wanted: Attributes) -> bool {
    let Ok(metadata) = fs::symlink_metadata(target) else { return false };
    metadata.is_file()
        && metadata.mode() & 0o7777 == wanted.mode
        && wanted.user.is_none_or(|user| user == metadata.uid())
        && wanted.group.is_none_or(|group| group == metadata.gid())
        && metadata.len() == content.len() as u64
        && fs::read(target).is_ok_and(|present| same(&Zeroizing::new(present), content))
}

/// Compares without telling by its duration where two contents differ.
fn same(present: &[u8], wanted: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(present, wanted).is_ok()
}

/// Writes `content` to a new file beside `target`. It has its owner and mode before the first byte is in it, and it is on
/// the disk when this returns.
pub(crate) fn stage(target: &Path, content: &[u8], attributes: Attributes) -> io::Result<Staged> {
    let temporary = beside(target, "new")?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    let staged = Staged { temporary, target: target.to_owned(), previous: None, renamed: false };
    if attributes.user.is_some() || attributes.group.is_some() {
        std::os::unix::fs::fchown(&file, attributes.user, attributes.group)?;
    }
    file.set_permissions(Permissions::from_mode(attributes.mode))?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(staged)
}

/// Puts all files in their places. If one cannot be, those before it get their old content back.
pub(crate) fn commit(mut files: Vec<Staged>) -> Result<(), (PathBuf, io::Error)> {
    for staged in &mut files {
        if let Err(error) = staged.replace() {
            let target = staged.target.clone();
            for replaced in &mut files {
                replaced.restore();
            }
            return Err((target, error));
        }
    }
    for staged in &mut files {
        staged.confirm();
    }
    let mut directories: Vec<_> = files.iter().filter_map(|staged| staged.target.parent()).collect();
    directories.dedup();
    for directory in directories {
        // The rename is done; that its directory cannot be synced (some network file systems) does not undo it.
        if let Err(error) = File::open(directory).and_then(|directory| directory.sync_all()) {
            tracing::debug!(directory = %directory.display(), %error, "directory not synced");
        }
    }
    Ok(())
}

/// Writes one file atomically.
pub(crate) fn write(target: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let staged = stage(target, content, Attributes { mode, user: None, group: None })?;
    commit(vec![staged]).map_err(|(_, error)| error)
}

impl Staged {
    fn replace(&mut self) -> io::Result<()> {
        let previous = beside(&self.target, "old")?;
        // Without a second name (no file yet, or a file system without hard links) there is nothing to go back to.
        if fs::hard_link(&self.target, &previous).is_ok() {
            self.previous = Some(previous);
        }
        fs::rename(&self.temporary, &self.target)?;
        self.renamed = true;
        Ok(())
    }

    fn restore(&mut self) {
        let undone = match (&self.previous, self.renamed) {
            (Some(previous), true) => fs::rename(previous, &self.target),
            (None, true) => fs::remove_file(&self.target),
            (Some(previous), false) => fs::remove_file(previous),
            (None, false) => Ok(()),
        };
        if let Err(error) = undone {
            tracing::warn!(file = %self.target.display(), %error, "the previous file could not be put back");
        }
        self.previous = None;
    }

    fn confirm(&mut self) {
        if let Some(previous) = self.previous.take()
            && let Err(error) = fs::remove_file(&previous)
        {
            tracing::warn!(file = %previous.display(), %error, "a replaced file could not be removed");
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.renamed {
            // What cannot be removed now is harmless: an unreadable name beside the target.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// A name in the same directory that nothing has yet: `.certhold-RANDOM.SUFFIX`.
fn beside(target: &Path, suffix: &str) -> io::Result<PathBuf> {
    let directory = target.parent().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut random = [0; 8];
    crate::keys::SystemEntropy.fill(&mut random);
    let name: OsString = format!(".certhold-{:016x}.{suffix}", u64::from_ne_bytes(random)).into();
    Ok(directory.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Attributes = Attributes { mode: 0o640, user: None, group: None };

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_staged_file_is_complete_before_it_takes_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("file");
        fs::write(&target, "old").unwrap();
        let staged = stage(&target, b"new", PLAIN).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        let temporary = fs::metadata(&staged.temporary).unwrap();
        assert_eq!((temporary.len(), temporary.mode() & 0o7777), (3, 0o640));
        assert!(!is_current(&target, b"new", PLAIN));
        commit(vec![staged]).unwrap();
        assert!(is_current(&target, b"new", PLAIN));
        assert!(!is_current(&target, b"new", Attributes { mode: 0o600, ..PLAIN }));
        assert!(!is_current(&target, b"neu", PLAIN));
        assert_eq!(names(directory.path()), ["file"]);
    }

    #[test]
    fn what_is_not_committed_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        drop(stage(&directory.path().join("file"), b"new", PLAIN).unwrap());
        assert_eq!(names(directory.path()), [""; 0]);
    }

    #[test]
    fn a_failure_in_the_middle_brings_the_old_files_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("a"), "old a").unwrap();
        fs::write(path("c"), "old c").unwrap();
        let staged = ["a", "b", "blocked", "c"].map(|name| stage(&path(name), b"new", PLAIN).unwrap());
        // A directory with something in it cannot be replaced by a file.
        fs::create_dir_all(path("blocked").join("inside")).unwrap();
        let (failed, _) = commit(staged.into()).unwrap_err();
        assert_eq!(failed, path("blocked"));
        assert_eq!(fs::read(path("a")).unwrap(), b"old a");
        assert_eq!(fs::read(path("c")).unwrap(), b"old c");
        assert_eq!(names(directory.path()), ["a", "blocked", "c"]);
    }

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (elsewhere, link) = (directory.path().join("elsewhere"), directory.path().join("link"));
        fs::write(&elsewhere, "untouched").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        assert!(!is_current(&link, b"untouched", PLAIN));
        write(&link, b"new", 0o600).unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"untouched");
        assert!(fs::symlink_metadata(&link).unwrap().is_file());
        assert_eq!(names(directory.path()), ["elsewhere", "link"]);
    }
}
