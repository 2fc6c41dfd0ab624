//! The repository's text files, read once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Folders that hold nothing of ours: what Cargo builds, and what Git keeps.
const SKIPPED: [&str; 3] = ["target", ".git", ".certhold"];

/// Text files by their path relative to the root, with `/` between folders; and the paths of all files.
#[derive(Default)]
pub struct Repository {
    texts: BTreeMap<String, String>,
    others: Vec<String>,
}

impl Repository {
    /// Reads every file below `root`; files that are not UTF-8 count as existing, without text.
    pub fn read(root: &Path) -> Result<Self> {
        let mut repository = Self::default();
        repository.visit(root, "")?;
        Ok(repository)
    }

    fn visit(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        let entries = fs::read_dir(folder).with_context(|| format!("{} could not be read", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if !SKIPPED.contains(&name.as_str()) {
                    self.visit(&entry.path(), &format!("{path}/"))?;
                }
            } else if kind.is_file() {
                match fs::read_to_string(entry.path()) {
                    Ok(text) => {
                        self.texts.insert(path, text);
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::InvalidData => self.others.push(path),
                    // An editor's temporary file may be gone again.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => {
                        return Err(error).with_context(|| format!("{path} could not be read"));
                    }
                }
            }
        }
        Ok(())
    }

    /// A made-up repository, for the tests of the checks.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let texts = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Self { texts, others: Vec::new() }
    }

    /// The text of one file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Every text file with its text, by path.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Those whose names end so.
    pub fn ending<'a>(&'a self, suffix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.texts().filter(move |(path, _)| path.ends_with(suffix))
    }

    /// The Rust files below a folder (`crates/domain/src/`).
    pub fn rust<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.ending(".rs").filter(move |(path, _)| path.starts_with(folder))
    }

    /// Whether a file or folder of this path exists.
    pub fn exists(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        let paths = self.texts.keys().chain(&self.others);
        path.is_empty() || paths.into_iter().any(|found| found == path || found.starts_with(&folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_builds_are_skipped_and_others_read() {
        let root = std::env::temp_dir().join(format!("certhold-repository-{}", std::process::id()));
        for folder in ["target/debug", "crates/a/src"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("target/debug/x.rs"), "").unwrap();
        fs::write(root.join("crates/a/src/lib.rs"), "//! A.\n").unwrap();
        fs::write(root.join("crates/a/picture.png"), [0xff, 0xfe, 0x00]).unwrap();
        let repository = Repository::read(&root).unwrap();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(repository.texts().collect::<Vec<_>>(), [("crates/a/src/lib.rs", "//! A.\n")]);
        assert!(repository.exists("crates/a/picture.png"));
        assert!(repository.exists("crates/a"));
        assert!(!repository.exists("crates/b"));
        assert!(!repository.exists("target/debug/x.rs"));
    }

    #[test]
    fn rust_files_are_those_below_the_folder() {
        let repository = Repository::of(&[("crates/a/src/x.rs", ""), ("crates/b/src/y.rs", ""), ("crates/a/z.md", "")]);
        assert_eq!(repository.rust("crates/a/").map(|(path, _)| path).collect::<Vec<_>>(), ["crates/a/src/x.rs"]);
    }
}
