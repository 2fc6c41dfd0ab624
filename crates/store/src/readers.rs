//! The readers: a few threads with a connection each, and the queue before them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::calls::guarded;
use crate::error::Error;
use crate::link::{Abandoned, Link};
use crate::statistics::Counters;
use crate::tx::{Memo, Recorder, Tx};

type Read = Box<dyn FnOnce(&mut Reader) + Send>;

/// One reader's thread: its connection and what its transactions need.
pub(crate) struct Reader {
    link: Link,
    memo: Memo,
    recorder: Arc<Recorder>,
    counters: Arc<Counters>,
}

struct State {
    queue: VecDeque<Read>,
    /// Threads that sleep until something arrives.
    idle: usize,
    closed: bool,
}

pub(crate) struct Readers {
    state: Mutex<State>,
    arrived: Condvar,
    longest: usize,
}

impl Readers {
    /// A queue in which at most `longest` reads wait.
    pub(crate) fn new(longest: usize) -> Readers {
        let state = State { queue: VecDeque::new(), idle: 0, closed: false };
        Readers { state: Mutex::new(state), arrived: Condvar::new(), longest }
    }

    /// Puts a closure into the queue, and gives the end where its answer will arrive.
    /// The flag is for whoever does not want it any more.
    pub(crate) fn put<T, E, F>(&self, work: F) -> Result<(oneshot::Receiver<Result<T, E>>, Abandoned), Error>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let abandoned = Abandoned::default();
        let flag = abandoned.clone();
        let read: Read = Box::new(move |reader| {
            reader.link.watch(flag);
            reader.serve(work, reply);
        });
        let mut state = self.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        if state.queue.len() >= self.longest {
            return Err(Error::Busy);
        }
        state.queue.push_back(read);
        let wake = state.idle > 0;
        drop(state);
        if wake {
            self.arrived.notify_one();
        }
        Ok((answer, abandoned))
    }

    fn wait(&self) -> Option<Read> {
        let mut state = self.lock();
        loop {
            if let Some(read) = state.queue.pop_front() {
                return Some(read);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.lock().queue.len()
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

/// Lets nobody wait for ever, should a defect of a reader itself unwind its thread.
struct Served<'a>(&'a Readers);

impl Drop for Served<'_> {
    fn drop(&mut self) {
        self.0.close();
        while self.0.wait().is_some() {}
    }
}

impl Reader {
    pub(crate) fn new(link: Link, recorder: Arc<Recorder>, counters: Arc<Counters>) -> Reader {
        Reader { link, memo: Memo::default(), recorder, counters }
    }

    /// Serves the queue until it is closed and empty.
    pub(crate) fn run(&mut self, queue: &Readers) {
        let _served = Served(queue);
        while let Some(read) = queue.wait() {
            read(self);
        }
    }

    pub(crate) fn close(self) {
        self.link.close();
    }

    fn serve<T, E: From<Error>>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>, reply: oneshot::Sender<Result<T, E>>) {
        if reply.is_closed() {
            return;
        }
        self.counters.read();
        let outcome = match self.link.begin_read() {
            Ok(()) => guarded(&mut Tx::new(&mut self.link, &mut self.memo, &self.recorder, false), work),
            Err(error) => Err(error.into()),
        };
        // The caller need not wait for the end of the transaction.
        let _ = reply.send(outcome);
        self.memo.forget();
        self.link.rollback();
    }
}
