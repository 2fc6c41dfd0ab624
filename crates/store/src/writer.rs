//! The one writer: many closures, one durable commit.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::calls::{Call, Verdict};
use crate::error::Error;
use crate::lanes::{Lane, Lanes, Turn};
use crate::link::{CommitError, Link, Marker};
use crate::statistics::Counters;
use crate::tx::{Memo, Recorder, Tx, now_ms};

/// PostgreSQL keeps 64 subtransactions of a session in shared memory, one more makes every reader slower. The first closure
/// needs none, so there is room for one chunk of bulk work besides.
const BATCH: usize = 64;
/// After this long a batch takes no further interactive call.
const BATCH_TIME: Duration = Duration::from_millis(5);
/// The same where each statement is a round trip, and many calls are to share the commit's.
const SHARED_BATCH_TIME: Duration = Duration::from_millis(20);
/// After this long a batch of bulk work alone takes no further chunk; an interactive call that comes ends it at once. Chunks in
/// one commit write their common pages once: an import is half as fast again as with 20 ms.
const BULK_TIME: Duration = Duration::from_millis(100);
/// The same while nobody has come for [`QUIET`]. Commits of many thousands of rows write a fraction of the pages per row; the first
/// interactive call after the quiet ends the batch, and waits for its commit.
const QUIET_BULK_TIME: Duration = Duration::from_secs(4);
/// The same where other nodes may write.
const SHARED_BULK_TIME: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_secs(5);
/// So many batches bulk work waits behind an interactive lane that never empties.
const BULK_WAITS: u32 = 8;
/// Writers that have not committed for so long will not look for their last batch any more.
const MARKER_LIFE_MS: i64 = 7 * 24 * 3600 * 1000;

pub(crate) struct Writer {
    link: Link,
    lanes: Arc<Lanes>,
    counters: Arc<Counters>,
    recorder: Arc<Recorder>,
    memo: Memo,
    marker: Marker,
    /// Batches since a bulk call was last served while some waited.
    bulk_waited: u32,
    /// When an interactive call last wrote something, or the start. Most that come at regular times find nothing to do.
    interactive: Instant,
    /// When a bulk call was last served.
    bulk: Option<Instant>,
    /// The connection has the room for bulk work that nobody shares.
    wide: bool,
}

/// A call that ran in the batch.
struct Ran {
    call: Box<dyn Call>,
    verdict: Verdict,
}

/// What became of one attempt to run a batch.
enum Attempt {
    /// All that is kept waits for its commit.
    Ready,
    /// Nothing is to be kept.
    Nothing,
    /// The whole transaction ended by itself.
    Gone,
}

/// Tells those who wait, should a defect of the writer itself unwind its thread; else nobody waits any more.
struct Served(Arc<Lanes>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.close();
        while let Some(turn) = self.0.wait() {
            turn.call.refuse(Error::Panicked);
        }
    }
}

impl Writer {
    pub(crate) fn new(link: Link, lanes: Arc<Lanes>, counters: Arc<Counters>, recorder: Arc<Recorder>) -> Writer {
        // Random keys of the standard library: unique among writers is all that is needed.
        let writer = RandomState::new().build_hasher().finish().cast_signed();
        let marker = Marker { writer, batch: 0, at_ms: now_ms() };
        Writer {
            link,
            lanes,
            counters,
            recorder,
            memo: Memo::default(),
            marker,
            bulk_waited: 0,
            interactive: Instant::now(),
            bulk: None,
            wide: false,
        }
    }

    /// Forgets the markers of writers long gone.
    pub(crate) fn prepare(&mut self) -> Result<(), Error> {
        self.link.begin_write()?;
        let forgotten = self.link.execute(Marker::FORGET, &[(now_ms() - MARKER_LIFE_MS).into()]);
        if let Err(error) = forgotten {
            self.link.rollback();
            return Err(error);
        }
        match self.commit() {
            Ok(()) => Ok(()),
            Err(CommitError::Undone(error)) => Err(error),
            Err(CommitError::Unknown) => Err(Error::Lost),
        }
    }

    /// Serves both lanes until they are closed and empty.
    pub(crate) fn run(&mut self) {
        let _served = Served(self.lanes.clone());
        while let Some(first) = self.lanes.wait() {
            self.batch(first);
        }
    }

    pub(crate) fn close(self) {
        self.link.close();
    }

    fn batch(&mut self, first: Turn) {
        self.make_room(first.lane);
        if let Err(error) = self.link.begin_write() {
            self.refuse_waiting(first, &error);
            return;
        }
        let mut ran = Vec::new();
        let attempt = self.attempt(first, &mut ran);
        self.counters.ran(ran.len());
        match attempt {
            Attempt::Ready => match self.commit_or_look() {
                Ok(()) => self.answer(ran),
                Err(CommitError::Undone(_)) => self.one_by_one(ran),
                Err(CommitError::Unknown) => self.answer_unknown(ran),
            },
            Attempt::Nothing => {
                self.link.rollback();
                self.answer(ran);
            }
            Attempt::Gone => {
                self.link.rollback();
                self.one_by_one(ran);
            }
        }
        self.memo.forget();
    }

    /// Bulk work that nobody shares gets more room, until somebody else writes or it ends.
    fn make_room(&mut self, first: Lane) {
        let goes_on = first == Lane::Bulk || self.bulk.is_some_and(|at| at.elapsed() < QUIET);
        let wide = goes_on && self.interactive.elapsed() >= QUIET;
        if wide == self.wide {
            return;
        }
        match self.link.widen(wide) {
            Ok(()) => self.wide = wide,
            Err(error) => tracing::warn!(%error, wide, "the writer's room could not be changed"),
        }
    }

    /// Runs calls as long as the batch has room, each behind its own savepoint but the first: before it there is nothing to keep.
    fn attempt(&mut self, first: Turn, ran: &mut Vec<Ran>) -> Attempt {
        let started = Instant::now();
        let mut bulk = 0;
        let mut next = Some(first);
        while let Some(Turn { mut call, lane }) = next {
            if lane == Lane::Bulk {
                bulk += 1;
                self.bulk = Some(Instant::now());
            }
            let parted = !ran.is_empty();
            if parted && self.link.savepoint().is_err() {
                ran.push(Ran { call, verdict: Verdict::Undone });
                return Attempt::Gone;
            }
            let before = self.link.rows_changed();
            let verdict = self.run_one(&mut *call);
            if lane == Lane::Normal && (before.is_none() || self.link.rows_changed() != before) {
                self.interactive = Instant::now();
            }
            ran.push(Ran { call, verdict });
            if self.link.gone() {
                return Attempt::Gone;
            }
            if verdict == Verdict::Undone {
                if !parted {
                    return Attempt::Nothing;
                }
                if self.link.undo().is_err() {
                    return Attempt::Gone;
                }
            }
            next = self.another(ran.len(), bulk, started);
        }
        if ran.iter().any(|ran| ran.verdict == Verdict::Kept) { Attempt::Ready } else { Attempt::Nothing }
    }

    fn run_one(&mut self, call: &mut dyn Call) -> Verdict {
        let verdict = call.run(&mut Tx::new(&mut self.link, &mut self.memo, &self.recorder, true));
        if verdict == Verdict::Undone {
            self.memo.forget();
        }
        verdict
    }

    /// Who goes next in this batch: never waits for anybody to come.
    fn another(&mut self, ran: usize, bulk: usize, started: Instant) -> Option<Turn> {
        // On PostgreSQL other nodes may wait, too, of whom nothing is known here.
        let alone = self.link.rows_changed().is_some();
        let batch_time = if alone { BATCH_TIME } else { SHARED_BATCH_TIME };
        if ran < BATCH
            && started.elapsed() < batch_time
            && let Some(turn) = self.lanes.next_normal()
        {
            return Some(turn);
        }
        // Interactive calls take at most one chunk of bulk work with them.
        let only_bulk = ran == bulk;
        let bulk_time = match (self.interactive.elapsed() < QUIET, alone) {
            (true, _) => BULK_TIME,
            (false, false) => SHARED_BULK_TIME,
            (false, true) => QUIET_BULK_TIME,
        };
        let room = if only_bulk { ran < BATCH && started.elapsed() < bulk_time } else { bulk == 0 };
        if !room {
            return None;
        }
        let starved = !only_bulk && self.bulk_waited >= BULK_WAITS;
        let turn = self.lanes.next_bulk(starved);
        self.bulk_waited = if turn.is_some() { 0 } else { self.bulk_waited.saturating_add(1) };
        turn
    }

    /// The second and last attempt after a batch was lost: each call in its own transaction, so that one which cannot
    /// succeed takes no other with it.
    fn one_by_one(&mut self, ran: Vec<Ran>) {
        self.counters.repeated(ran.len());
        let mut ran = ran.into_iter();
        while let Some(Ran { mut call, .. }) = ran.next() {
            self.memo.forget();
            if let Err(error) = self.link.begin_write() {
                // Waiting for it again and again would hold everybody up.
                call.refuse(error.clone());
                ran.for_each(|ran| ran.call.refuse(error.clone()));
                return;
            }
            let verdict = self.run_one(&mut *call);
            if verdict == Verdict::Undone {
                self.link.rollback();
                self.counters.rolled_back();
                call.answer();
                continue;
            }
            if self.link.gone() {
                self.link.rollback();
                call.refuse(Error::Lost);
                continue;
            }
            match self.commit_or_look() {
                Ok(()) => call.answer(),
                Err(CommitError::Undone(error)) => call.refuse(error),
                Err(CommitError::Unknown) => call.refuse(Error::CommitUnknown),
            }
        }
    }

    fn commit(&mut self) -> Result<(), CommitError> {
        self.marker.batch += 1;
        self.marker.at_ms = now_ms();
        self.link.commit(self.marker)?;
        self.counters.committed();
        Ok(())
    }

    /// Commits; what became of a commit whose answer was lost is looked for, and only if that fails, too, is it unknown.
    fn commit_or_look(&mut self) -> Result<(), CommitError> {
        let committed = self.commit();
        if !matches!(committed, Err(CommitError::Unknown)) {
            return committed;
        }
        match self.look() {
            Ok(true) => Ok(()),
            Ok(false) => Err(CommitError::Undone(Error::Lost)),
            Err(error) => {
                tracing::error!(%error, "whether a batch was committed could not be found out");
                Err(CommitError::Unknown)
            }
        }
    }

    /// Whether the last commit happened. Taking the write lock first makes sure that its server process has ended; committing
    /// afterwards makes sure that no restart finds what a failing disk may have left of it.
    fn look(&mut self) -> Result<bool, Error> {
        self.link.begin_write()?;
        let mut found = None;
        let asked = self.link.query(Marker::LOOK, &[self.marker.writer.into()], &mut |row| {
            found = row.get::<i64>(0).ok();
            false
        });
        if let Err(error) = asked {
            self.link.rollback();
            return Err(error);
        }
        let happened = found == Some(self.marker.batch);
        tracing::warn!(happened, "a commit whose answer was lost was looked for");
        if happened {
            self.link.rollback();
            self.counters.committed();
            return Ok(true);
        }
        match self.commit() {
            Ok(()) => Ok(false),
            Err(CommitError::Undone(error)) => Err(error),
            Err(CommitError::Unknown) => Err(Error::CommitUnknown),
        }
    }

    fn answer(&self, ran: Vec<Ran>) {
        for Ran { call, verdict } in ran {
            if verdict == Verdict::Undone {
                self.counters.rolled_back();
            }
            call.answer();
        }
    }

    /// What a closure refused was not written in any case; only of the others it is not known.
    fn answer_unknown(&self, ran: Vec<Ran>) {
        for Ran { call, verdict } in ran {
            match verdict {
                Verdict::Kept => call.refuse(Error::CommitUnknown),
                Verdict::Undone => call.answer(),
            }
        }
    }

    /// The database cannot be reached or is locked: whoever would have been in this batch is told at once.
    fn refuse_waiting(&self, first: Turn, error: &Error) {
        let others = std::iter::from_fn(|| self.lanes.next_normal().or_else(|| self.lanes.next_bulk(true)));
        // All are taken before any is told: who asks again after that deserves a new attempt.
        let refused: Vec<Turn> = std::iter::once(first).chain(others.take(BATCH - 1)).collect();
        for turn in refused {
            turn.call.refuse(error.clone());
        }
    }
}
