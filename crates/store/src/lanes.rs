//! Where writes wait: a lane for interactive work, and one for bulk work that goes when the first is empty.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::calls::Call;
use crate::error::Error;

/// Which lane a call waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Normal,
    Bulk,
}

/// A call whose turn has come.
pub(crate) struct Turn {
    pub call: Box<dyn Call>,
    pub lane: Lane,
}

struct State {
    normal: VecDeque<Box<dyn Call>>,
    bulk: VecDeque<Box<dyn Call>>,
    closed: bool,
}

pub(crate) struct Lanes {
    state: Mutex<State>,
    arrived: Condvar,
    longest: usize,
}

impl Lanes {
    /// Lanes in which at most `longest` calls wait each.
    pub(crate) fn new(longest: usize) -> Lanes {
        let state = State { normal: VecDeque::new(), bulk: VecDeque::new(), closed: false };
        Lanes { state: Mutex::new(state), arrived: Condvar::new(), longest }
    }

    /// Puts a call at the end of its lane.
    pub(crate) fn put(&self, lane: Lane, call: Box<dyn Call>) -> Result<(), Error> {
        let mut state = self.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        let queue = match lane {
            Lane::Normal => &mut state.normal,
            Lane::Bulk => &mut state.bulk,
        };
        if queue.len() >= self.longest {
            return Err(Error::Busy);
        }
        queue.push_back(call);
        drop(state);
        // There is one writer, so it is woken at most once per put; while it works this costs no system call.
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for the next call; `None` when the lanes are closed and empty.
    pub(crate) fn wait(&self) -> Option<Turn> {
        let mut state = self.lock();
        loop {
            if let Some(call) = state.normal.pop_front() {
                return Some(Turn { call, lane: Lane::Normal });
            }
            if let Some(call) = state.bulk.pop_front() {
                return Some(Turn { call, lane: Lane::Bulk });
            }
            if state.closed {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn next_normal(&self) -> Option<Turn> {
        let call = self.lock().normal.pop_front()?;
        Some(Turn { call, lane: Lane::Normal })
    }

    /// The next bulk call, if interactive work does not wait or `anyway`.
    pub(crate) fn next_bulk(&self, anyway: bool) -> Option<Turn> {
        let mut state = self.lock();
        if !state.normal.is_empty() && !anyway {
            return None;
        }
        let call = state.bulk.pop_front()?;
        Some(Turn { call, lane: Lane::Bulk })
    }

    /// How many calls wait in each lane.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let state = self.lock();
        (state.normal.len(), state.bulk.len())
    }

    /// Accepts no more; what waits is still served.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
