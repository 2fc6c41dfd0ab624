//! The walker's thread: finds files and hands them out as tasks, in order and not too far ahead.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::SyncSender;

use certhold_pki::INPUT_BYTES_MAX;

use super::parse::{Task, Work};
use super::pieces::{self, PIECE};
use super::walk::{Step, walk};
use crate::failure::plain;

/// Files up to this size are read by the threads that parse them.
const SMALL: u64 = 1024 * 1024;

/// Counts of what is not handed out.
#[derive(Default)]
pub struct Counts {
    /// Files that are about something else.
    pub passed_over: AtomicU64,
    /// Symbolic links inside directories, which are not followed.
    pub links: AtomicU64,
}

/// Hands out tasks.
pub struct Feed {
    /// To the threads that parse.
    pub tasks: SyncSender<Task>,
    /// One for each task that is under way: full when the walker is far enough ahead.
    pub under_way: SyncSender<()>,
    /// What is not handed out.
    pub counts: Arc<Counts>,
    /// The next task's number.
    pub number: u64,
}

impl Feed {
    /// Walks all paths; `-` is standard input. Ends early when nobody takes tasks any more.
    pub fn run(&mut self, paths: &[PathBuf]) {
        for path in paths {
            let go_on = match path.to_str() {
                Some("-") => self.stream(&"standard input".into(), std::io::stdin().lock(), true, None),
                _ => walk(path, &mut |step| self.step(step)),
            };
            if !go_on {
                return;
            }
        }
    }

    fn step(&mut self, step: Step<'_>) -> bool {
        match step {
            Step::Link => {
                self.counts.links.fetch_add(1, Relaxed);
                true
            }
            Step::Unreadable(path, error) => self.put(&shown(path), true, Work::Unreadable(plain(&error))),
            Step::File { path, metadata, named } if metadata.is_file() && metadata.len() <= SMALL => {
                self.put(&shown(path), named, Work::File(path.into()))
            }
            Step::File { path, metadata, named } => match File::open(path) {
                Ok(file) => self.stream(&shown(path), file, named, metadata.is_file().then_some(path)),
                Err(error) => self.put(&shown(path), named, Work::Unreadable(plain(&error))),
            },
        }
    }

    /// A large file, a pipe or standard input: PEM in pieces, anything else whole.
    fn stream(&mut self, shown: &Arc<str>, mut input: impl Read, named: bool, file: Option<&Path>) -> bool {
        let mut head = Vec::with_capacity(PIECE);
        let ended = match pieces::fill(&mut head, &mut input, PIECE) {
            Ok(ended) => ended,
            Err(error) => return self.put(shown, named, Work::Unreadable(plain(&error))),
        };
        if ended {
            return self.put(shown, named, Work::Bytes(head, 0));
        }
        if pieces::looks_like_pem(&head) {
            let mut go_on = true;
            let cut = pieces::cut(head, input, INPUT_BYTES_MAX, &mut |piece| {
                go_on = self.put(shown, named, Work::Bytes(piece.bytes, piece.lines_before));
                go_on
            });
            return match cut {
                Ok(()) => go_on,
                Err(error) => self.put(shown, named, Work::Unreadable(plain(&error))),
            };
        }
        let too_large = file.is_some_and(|path| path.metadata().is_ok_and(|file| file.len() > INPUT_BYTES_MAX as u64));
        match file {
            _ if too_large && !named => {
                self.counts.passed_over.fetch_add(1, Relaxed);
                true
            }
            Some(path) if !too_large => self.put(shown, named, Work::File(path.into())),
            _ => match pieces::fill(&mut head, &mut input, INPUT_BYTES_MAX + 1) {
                Ok(_) => self.put(shown, named, Work::Bytes(head, 0)),
                Err(error) => self.put(shown, named, Work::Unreadable(plain(&error))),
            },
        }
    }

    fn put(&mut self, shown: &Arc<str>, named: bool, work: Work) -> bool {
        let task = Task { number: self.number, path: shown.clone(), named, work };
        self.number += 1;
        self.under_way.send(()).is_ok() && self.tasks.send(task).is_ok()
    }
}

fn shown(path: &Path) -> Arc<str> {
    path.to_string_lossy().into()
}
