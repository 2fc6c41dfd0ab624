//! What the store counts about itself.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts since the store was opened, and how much waits now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Durable commits.
    pub commits: u64,
    /// Write closures that ran; one that was repeated counts once.
    pub closures: u64,
    /// The most closures in one batch.
    pub largest_batch: u64,
    /// Closures that were undone because they returned an error, panicked, or had a failing statement.
    pub rolled_back: u64,
    /// Closures that ran a second time because their first transaction was lost.
    pub repeated: u64,
    /// Read closures that ran.
    pub reads: u64,
    /// Writes waiting in the normal lane.
    pub waiting: usize,
    /// Writes waiting in the low lane.
    pub waiting_bulk: usize,
    /// Reads waiting.
    pub waiting_reads: usize,
}

#[derive(Default)]
pub(crate) struct Counters {
    commits: AtomicU64,
    closures: AtomicU64,
    largest_batch: AtomicU64,
    rolled_back: AtomicU64,
    repeated: AtomicU64,
    reads: AtomicU64,
}

impl Counters {
    pub(crate) fn committed(&self) {
        self.commits.fetch_add(1, Relaxed);
    }

    /// A batch of this many closures ran.
    pub(crate) fn ran(&self, closures: usize) {
        self.closures.fetch_add(closures as u64, Relaxed);
        self.largest_batch.fetch_max(closures as u64, Relaxed);
    }

    pub(crate) fn rolled_back(&self) {
        self.rolled_back.fetch_add(1, Relaxed);
    }

    pub(crate) fn repeated(&self, closures: usize) {
        self.repeated.fetch_add(closures as u64, Relaxed);
    }

    pub(crate) fn read(&self) {
        self.reads.fetch_add(1, Relaxed);
    }

    /// What was counted; the waiting are filled in by whoever knows the queues.
    pub(crate) fn so_far(&self) -> Statistics {
        Statistics {
            commits: self.commits.load(Relaxed),
            closures: self.closures.load(Relaxed),
            largest_batch: self.largest_batch.load(Relaxed),
            rolled_back: self.rolled_back.load(Relaxed),
            repeated: self.repeated.load(Relaxed),
            reads: self.reads.load(Relaxed),
            ..Statistics::default()
        }
    }
}
