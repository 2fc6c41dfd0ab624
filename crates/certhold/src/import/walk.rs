//! Finds the files below the paths that were named, in a stable order, and never outside of them.

use std::fs::{self, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// Entries of one directory that are held and sorted at a time: a directory may have millions.
const SORTED: usize = 100_000;

/// Something on the way.
pub enum Step<'a> {
    /// A file to be read. `named` when it was given itself and not found in a directory.
    File {
        /// Where it is.
        path: &'a Path,
        /// What the system says of it.
        metadata: &'a Metadata,
        /// Whether it was given itself.
        named: bool,
    },
    /// A symbolic link inside a directory. Those are not followed: what they lead to is found by itself if it is inside,
    /// and is nobody's business if it is outside. Loops cannot arise.
    Link,
    /// A file or directory that cannot be looked at.
    Unreadable(&'a Path, io::Error),
}

/// Walks `path` and shows each step to `visit`, until it answers no.
pub fn walk(path: &Path, visit: &mut dyn FnMut(Step<'_>) -> bool) -> bool {
    match fs::metadata(path) {
        Err(error) => visit(Step::Unreadable(path, error)),
        Ok(metadata) if metadata.is_dir() => directory(path, visit),
        Ok(metadata) => visit(Step::File { path, metadata: &metadata, named: true }),
    }
}

fn directory(path: &Path, visit: &mut dyn FnMut(Step<'_>) -> bool) -> bool {
    let mut entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return visit(Step::Unreadable(path, error)),
    };
    loop {
        let mut some: Vec<(PathBuf, io::Result<FileType>)> = Vec::new();
        for entry in entries.by_ref().take(SORTED) {
            match entry {
                Ok(entry) => some.push((entry.path(), entry.file_type())),
                Err(error) => return visit(Step::Unreadable(path, error)),
            }
        }
        if some.is_empty() {
            return true;
        }
        some.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        for (path, kind) in some {
            let go_on = match kind {
                Err(error) => visit(Step::Unreadable(&path, error)),
                Ok(kind) if kind.is_symlink() => visit(Step::Link),
                Ok(kind) if kind.is_dir() => directory(&path, visit),
                Ok(kind) if kind.is_file() => match fs::symlink_metadata(&path) {
                    Ok(metadata) if metadata.is_file() => visit(Step::File { path: &path, metadata: &metadata, named: false }),
                    Ok(_) => true,
                    Err(error) => visit(Step::Unreadable(&path, error)),
                },
                // Pipes, sockets and devices found by chance are no files; reading them could wait for ever.
                Ok(_) => true,
            };
            if !go_on {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn seen(path: &Path) -> (Vec<String>, usize, Vec<String>) {
        let (mut files, mut links, mut unreadable) = (Vec::new(), 0, Vec::new());
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        walk(path, &mut |step| {
            match step {
                Step::File { path, .. } => files.push(name(path)),
                Step::Link => links += 1,
                Step::Unreadable(path, _) => unreadable.push(name(path)),
            }
            true
        });
        (files, links, unreadable)
    }

    #[test]
    fn files_come_in_order_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("b/c")).unwrap();
        for path in ["root/z", "root/b/c/y", "root/a", "outside"] {
            fs::write(dir.path().join(path), path).unwrap();
        }
        symlink(&root, root.join("b/loop")).unwrap();
        symlink("../outside", root.join("out")).unwrap();
        symlink("missing", root.join("broken")).unwrap();
        let (files, links, unreadable) = seen(&root);
        assert_eq!((files, links), (vec!["a".into(), "y".into(), "z".into()], 3));
        assert!(unreadable.is_empty());
    }

    #[test]
    fn a_named_link_is_followed_and_a_missing_path_reported() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "x").unwrap();
        symlink("file", dir.path().join("link")).unwrap();
        assert_eq!(seen(&dir.path().join("link")).0, ["link"]);
        assert_eq!(seen(&dir.path().join("none")).2, ["none"]);
    }

    #[test]
    fn a_walk_ends_when_it_is_told_to() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        let mut count = 0;
        walk(dir.path(), &mut |_| {
            count += 1;
            count < 2
        });
        assert_eq!(count, 2);
    }
}
