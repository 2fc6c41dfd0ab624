//! The store: one writer's thread, a few readers' threads, and the way to them.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::calls;
use crate::error::Error;
use crate::lanes::{Lane, Lanes};
use crate::link::{Abandoned, Engine, Link, Marker};
use crate::location::Location;
use crate::migrate::{Migration, migrate};
use crate::params;
use crate::readers::{Reader, Readers};
use crate::reply::wait;
use crate::statistics::{Counters, Statistics};
use crate::tx::{Recorder, Tx, now_ms};
use crate::writer::Writer;

/// How a store is run. Write `Options { readers: 2, ..Options::default() }`.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads that read, each with its own connection; at least one. Default 4.
    pub readers: usize,
    /// Remember every distinct SQL text, for [`Store::executed_sql`]. Default off.
    pub record_sql: bool,
    /// The most calls that wait in each lane before further ones are refused as [`Error::Busy`]. Default 4096.
    pub lane_length: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { readers: 4, record_sql: false, lane_length: 4096 }
    }
}

/// Says that nobody waits any more.
struct Waits(Abandoned);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A database in use. Cloning it gives another handle to the same one.
///
/// Reads run on a few threads, each in its own snapshot; they never wait for writes. Writes run on one thread, many in one
/// durable commit, and are answered only after it. A caller may stop waiting at any time: a read that has not begun is
/// dropped then, a write that was accepted is carried out.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    location: Location,
    engine: Engine,
    lanes: Arc<Lanes>,
    readers: Arc<Readers>,
    counters: Arc<Counters>,
    recorder: Arc<Recorder>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Opens a database, making the SQLite file if there is none, and applies missing migrations. Blocks.
    ///
    /// # Errors
    /// [`Error::Open`] when it cannot be reached or is not set up as needed, [`Error::Migration`] when its history does not
    /// fit `migrations`.
    pub fn open(location: &Location, migrations: &[Migration], options: Options) -> Result<Store, Error> {
        let lanes = Arc::new(Lanes::new(options.lane_length));
        let readers = Arc::new(Readers::new(options.lane_length));
        let counters = Arc::new(Counters::default());
        let recorder = Arc::new(Recorder::new(options.record_sql));
        let opened = Opening { location, lanes: &lanes, readers: &readers, counters: &counters, recorder: &recorder };
        let mut threads = Vec::new();
        let started = opened.threads(migrations, options.readers.max(1), &mut threads);
        let engine = match location {
            Location::Sqlite(_) => Engine::Sqlite,
            Location::Postgres(_) => Engine::Postgres,
        };
        let location = location.clone();
        let threads = Mutex::new(threads);
        // Dropping the inner part stops the threads that did start.
        let inner = Inner { location, engine, lanes, readers, counters, recorder, threads };
        started.map(|()| Store { inner: Arc::new(inner) })
    }

    /// Runs `work` in a read transaction: one snapshot, no writes.
    ///
    /// # Errors
    /// What `work` returns; [`Error::Closed`], [`Error::Busy`], [`Error::Lost`] or [`Error::Panicked`] as `E`.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (answer, abandoned) = self.inner.readers.put(work)?;
        // Whoever stops waiting stops a statement that runs for them.
        let _waits = Waits(abandoned);
        answer.await.unwrap_or_else(|_| Err(Error::Panicked.into()))
    }

    /// Runs `work` in a write transaction and answers when its changes are durable, or undone if it returned an error.
    ///
    /// `work` may run more than once, if a transaction was lost: it takes everything by value and touches only its `Tx`.
    ///
    /// # Errors
    /// What `work` returns; [`Error::Closed`], [`Error::Busy`], [`Error::Full`], [`Error::Lost`], [`Error::CommitUnknown`] or
    /// [`Error::Panicked`] as `E`.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        written(self.put(Lane::Normal, work)?.await)
    }

    /// As [`Store::write`], in the low lane: it goes when no interactive write waits. Keep each piece of work short, at most
    /// some 256 rows.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_bulk<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        written(self.put(Lane::Bulk, work)?.await)
    }

    /// [`Store::read`] for a thread outside async code, which it blocks.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        wait(self.read(work))
    }

    /// [`Store::write`] for a thread outside async code, which it blocks.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        wait(self.write(work))
    }

    /// [`Store::write_bulk`] for a thread outside async code, which it blocks.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_bulk_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        wait(self.write_bulk(work))
    }

    /// Writes a row that is there for nothing else: whether the database can be written to, durably, now.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn ping(&self) -> Result<(), Error> {
        self.write(|tx| tx.execute(Marker::RECORD, params![0, 0, now_ms()]).map(drop)).await
    }

    /// Which engine runs. For information; nothing outside the store should depend on it.
    pub fn engine(&self) -> Engine {
        self.inner.engine
    }

    /// What was done so far, and what waits.
    pub fn statistics(&self) -> Statistics {
        let (waiting, waiting_bulk) = self.inner.lanes.waiting();
        Statistics { waiting, waiting_bulk, waiting_reads: self.inner.readers.waiting(), ..self.inner.counters.so_far() }
    }

    /// [`Location::backup_to`] of this database.
    ///
    /// # Errors
    /// As there.
    pub fn backup_to(&self, path: &Path) -> Result<(), Error> {
        self.inner.location.backup_to(path)
    }

    /// The distinct SQL texts that ran so far, if [`Options::record_sql`] is set.
    pub fn executed_sql(&self) -> Vec<String> {
        self.inner.recorder.texts()
    }

    /// Stops: what waits is still served, then the connections close. Blocks until then; later calls get [`Error::Closed`].
    pub fn close(&self) {
        self.inner.close();
    }

    fn put<T, E, F>(&self, lane: Lane, work: F) -> Result<oneshot::Receiver<Result<T, E>>, Error>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (call, answer) = calls::write(work);
        self.inner.lanes.put(lane, call)?;
        Ok(answer)
    }
}

/// The writer answers every call, unless a defect of its own unwound it: then nobody knows.
fn written<T, E: From<Error>>(answer: Result<Result<T, E>, oneshot::error::RecvError>) -> Result<T, E> {
    answer.unwrap_or_else(|_| Err(Error::CommitUnknown.into()))
}

impl Inner {
    fn close(&self) {
        self.lanes.close();
        self.readers.close();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // A handle dropped by a closure on one of these threads must not wait for itself.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a thread of the store stopped because of a defect in this program");
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the threads share while they start.
struct Opening<'a> {
    location: &'a Location,
    lanes: &'a Arc<Lanes>,
    readers: &'a Arc<Readers>,
    counters: &'a Arc<Counters>,
    recorder: &'a Arc<Recorder>,
}

impl Opening<'_> {
    /// Starts the writer, which migrates, and then the readers. Connections are made, used and dropped on their own threads,
    /// because PostgreSQL's client runs a small runtime, which async code must not block on.
    fn threads(&self, migrations: &[Migration], readers: usize, threads: &mut Vec<JoinHandle<()>>) -> Result<(), Error> {
        let (location, migrations) = (self.location.clone(), migrations.to_vec());
        let (lanes, counters, recorder) = (self.lanes.clone(), self.counters.clone(), self.recorder.clone());
        start("store-writer", threads, move |ready| {
            let opened = Link::open(&location, true).and_then(|mut link| {
                migrate(&mut link, &migrations)?;
                let mut writer = Writer::new(link, lanes, counters, recorder);
                writer.prepare()?;
                Ok(writer)
            });
            if let Some(mut writer) = announce(opened, &ready) {
                writer.run();
                writer.close();
            }
        })?;
        for number in 1..=readers {
            let (location, queue) = (self.location.clone(), self.readers.clone());
            let (counters, recorder) = (self.counters.clone(), self.recorder.clone());
            start(&format!("store-reader-{number}"), threads, move |ready| {
                let opened = Link::open(&location, false).map(|link| Reader::new(link, recorder, counters));
                if let Some(mut reader) = announce(opened, &ready) {
                    reader.run(&queue);
                    reader.close();
                }
            })?;
        }
        Ok(())
    }
}

type Ready = mpsc::SyncSender<Result<(), Error>>;

/// Starts a thread and waits until it says that it is ready.
fn start(name: &str, threads: &mut Vec<JoinHandle<()>>, body: impl FnOnce(Ready) + Send + 'static) -> Result<(), Error> {
    let (ready, answer) = mpsc::sync_channel(1);
    let builder = std::thread::Builder::new().name(name.to_owned());
    let thread = builder.spawn(move || body(ready)).map_err(|error| Error::Open { reason: error.to_string() })?;
    threads.push(thread);
    answer.recv().unwrap_or(Err(Error::Panicked))
}

/// Says how opening went; what was opened, if it went well.
fn announce<T>(opened: Result<T, Error>, ready: &Ready) -> Option<T> {
    let (value, word) = match opened {
        Ok(value) => (Some(value), Ok(())),
        Err(error) => (None, Err(error)),
    };
    ready.send(word).ok().and(value)
}
