//! A connection and its prepared statements.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{join, join_all, maybe_done, try_join};
use futures_util::{Stream, TryStreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, RowStream, SimpleQueryMessage, Statement};

use super::address::Address;
use super::cells::{self, Bound};
use super::failure::Failure;
use super::rows::Rows;
use crate::error::Error;
use crate::row::{Cells, Row};
use crate::value::Value;

/// More than the program has statements; queries composed from searches push the count beyond, then all are forgotten.
const STATEMENTS: usize = 512;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Statements that are sent before their answers are waited for.
const IN_FLIGHT: usize = 256;
/// Rows that are held while they are shown.
const ROWS: usize = 64;
const OLDEST_SERVER: u32 = 130_000;

/// Settings of every session. Durability is not left to the server's defaults. What takes milliseconds is not compiled first:
/// compiling a long condition takes minutes, in which no time-out is heeded.
/// Whoever keeps extensions in a schema of their own need not put it into the search path.
const SET_UP: &str = "SET lock_timeout = '10s'; SET statement_timeout = '60s'; SET jit = off; \
    SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = warning; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'; \
    SELECT set_config('search_path', current_setting('search_path') || ', ' || quote_ident(nspname), false) \
    FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace \
    WHERE extname = 'pg_trgm' AND NOT nspname = ANY (current_schemas(true))";

type Wire = Box<dyn Protocol>;

/// The connection's half of the protocol, whatever it is encrypted with.
trait Protocol: Send {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<AsyncMessage, tokio_postgres::Error>>>;
}

impl<S, T> Protocol for Connection<S, T>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<AsyncMessage, tokio_postgres::Error>>> {
        self.poll_message(cx)
    }
}

pub(super) struct Session {
    client: Client,
    wire: Wire,
    /// The wire has ended and must not be polled again.
    ended: bool,
    statements: HashMap<Box<str>, Statement>,
    /// What travels ahead of the next statement.
    ahead: Option<&'static str>,
    /// What travels behind that, still ahead of the next statement.
    owed: Vec<Owed>,
}

/// A statement that is to be run, without anybody who waits for its answer alone.
struct Owed {
    statement: Statement,
    params: Vec<Value<'static>>,
    sql: Box<str>,
}

impl Session {
    pub(super) fn open(runtime: &Runtime, address: &Address, writable: bool) -> Result<Session, Error> {
        let cannot = |reason: String| Error::Open { reason: format!("{address}: {reason}") };
        let connecting = async {
            match address.tls()? {
                None => address.config().connect(NoTls).await.map(|(client, wire)| (client, Box::new(wire) as Wire)),
                Some(tls) => address.config().connect(tls).await.map(|(client, wire)| (client, Box::new(wire) as Wire)),
            }
            .map_err(|error| cannot(super::failure::sentence(&error)))
        };
        let (client, wire) = runtime.block_on(async {
            tokio::time::timeout(CONNECT_TIMEOUT, connecting)
                .await
                .unwrap_or_else(|_| Err(cannot("it does not answer".to_owned())))
        })?;
        let mut session = Session { client, wire, ended: false, statements: HashMap::new(), ahead: None, owed: Vec::new() };
        session.set_up(runtime, writable).map_err(|failure| cannot(failure.reason()))?;
        Ok(session)
    }

    fn set_up(&mut self, runtime: &Runtime, writable: bool) -> Result<(), Failure> {
        self.simple(runtime, SET_UP)?;
        let Session { client, wire, ended, .. } = self;
        let asked = client.simple_query(
            "SELECT current_setting('server_version_num'), current_setting('server_encoding'), pg_is_in_recovery(), \
             current_setting('default_transaction_read_only')",
        );
        let answer = drive(runtime, wire, ended, asked).map_err(|error| Failure::from(error, "SELECT current_setting"))?;
        let row = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let setting = |index| row.and_then(|row| row.get(index)).unwrap_or_default();
        let refuse = |reason: &str| Err(Failure::Statement(Error::Open { reason: reason.to_owned() }));
        if setting(0).parse::<u32>().unwrap_or_default() < OLDEST_SERVER {
            return refuse("PostgreSQL 13 or newer is needed");
        }
        if setting(1) != "UTF8" {
            return refuse("its encoding is not UTF8: create it with ENCODING 'UTF8' TEMPLATE template0");
        }
        if writable && setting(2) == "t" {
            return refuse("the server is a standby and cannot write: name the primary");
        }
        if writable && setting(3) == "on" {
            return refuse("the database is read-only (default_transaction_read_only): find out who set it, and why");
        }
        Ok(())
    }

    pub(super) fn alive(&self) -> bool {
        !self.ended && !self.client.is_closed()
    }

    /// Sends `sql` together with the next statement.
    pub(super) fn first_send(&mut self, sql: &'static str) {
        self.ahead.get_or_insert(sql);
    }

    pub(super) fn unsent(&self) -> bool {
        self.ahead.is_some()
    }

    pub(super) fn forget_unsent(&mut self) -> Option<&'static str> {
        self.ahead.take()
    }

    /// Whether anything waits to be sent.
    pub(super) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    pub(super) fn forget_sent(&mut self) {
        self.owed.clear();
    }

    pub(super) fn forget_statements(&mut self) {
        self.statements.clear();
    }

    /// Runs statements without parameters and drops what they return.
    pub(super) fn simple(&mut self, runtime: &Runtime, sql: &str) -> Result<(), Failure> {
        let Session { client, wire, ended, .. } = self;
        drive(runtime, wire, ended, client.batch_execute(sql)).map_err(|error| Failure::from(error, sql))
    }

    /// Sends words whose answer comes before that of whatever is sent next; if they fail, the connection is lost, which shows itself there.
    pub(super) fn send_words(&mut self, runtime: &Runtime, sql: &'static str) {
        let Session { client, wire, ended, .. } = self;
        runtime.block_on(poll_fn(|cx| {
            // The first poll hands them to the wire, whose poll writes them.
            let _ = pin!(client.batch_execute(sql)).poll(cx);
            if !*ended && matches!(wire.poll(cx), Poll::Ready(None | Some(Err(_)))) {
                *ended = true;
            }
            Poll::Ready(())
        }));
    }

    /// Keeps one statement to be sent with the next, or by [`Session::settle`].
    pub(super) fn send(&mut self, runtime: &Runtime, sql: &str, params: &[Value<'_>]) -> Result<(), Failure> {
        let statement = self.prepared(runtime, sql)?;
        cells::check(statement.params(), params, sql).map_err(Failure::Statement)?;
        self.owed.push(Owed { statement, params: params.iter().map(Value::owned).collect(), sql: sql.into() });
        Ok(())
    }

    /// Sends what waits for that, and waits for the answers.
    pub(super) fn settle(&mut self, runtime: &Runtime) -> Result<(), Failure> {
        if self.owed.is_empty() {
            return Ok(());
        }
        let Session { client, wire, ended, ahead, owed, .. } = self;
        let owed = std::mem::take(owed);
        let all = async { Ok(join(ahead_of(client, ahead.take()), paid(client, &owed)).await) };
        let (first, paid) = drive(runtime, wire, ended, all).map_err(|error| Failure::from(error, ""))?;
        first.map_err(|error| Failure::from(error, "SAVEPOINT"))?;
        paid
    }

    /// Runs one statement and shows its rows until `visit` answers no; how many rows it concerned.
    ///
    /// Rows are fetched a few at a time and shown between, outside the runtime: a visitor may block as it likes, and what it
    /// does not keep up with waits on the server.
    pub(super) fn run(
        &mut self,
        runtime: &Runtime,
        sql: &str,
        params: &[Value<'_>],
        visit: &mut dyn FnMut(&Row<'_>) -> bool,
    ) -> Result<u64, Failure> {
        let statement = self.prepared(runtime, sql)?;
        cells::check(statement.params(), params, sql).map_err(Failure::Statement)?;
        let Session { client, wire, ended, ahead, owed, .. } = self;
        let failed = |error| Failure::from(error, sql);
        let owed = std::mem::take(owed);
        let before = join(ahead_of(client, ahead.take()), paid(client, &owed));
        let all = async { Ok(join(before, client.query_raw(&statement, params.iter().map(Bound))).await) };
        let ((first, paid), stream) = drive(runtime, wire, ended, all).map_err(failed)?;
        // After the first error the server refuses the rest for its sake.
        first.map_err(failed)?;
        paid?;
        let stream = stream.map_err(failed)?;
        let mut stream = pin!(stream);
        let mut rows = Vec::new();
        loop {
            let more = drive(runtime, wire, ended, fetch(stream.as_mut(), &mut rows)).map_err(failed)?;
            for row in rows.drain(..) {
                if !visit(&Row(Cells::Postgres(&row))) {
                    return Ok(0);
                }
            }
            if !more {
                return Ok(stream.rows_affected().unwrap_or_default());
            }
        }
    }

    /// Runs one statement once per list of parameters: rows to insert together, others all sent before the first answer is waited for.
    pub(super) fn many(
        &mut self,
        runtime: &Runtime,
        sql: &str,
        lists: &[&[Value<'_>]],
        visit: &mut dyn FnMut(usize, &Row<'_>),
    ) -> Result<u64, Failure> {
        let Some(rows) = Rows::of(sql).filter(|rows| lists.iter().all(|list| rows.fits(list))) else {
            return self.each_of(runtime, sql, lists, visit);
        };
        let mut concerned = 0;
        let mut left = lists;
        while !left.is_empty() {
            let (now, later) = left.split_at(rows.next(left.len()));
            let values: Vec<Value<'_>> = now.iter().flat_map(|list| list.iter().map(Value::borrowed)).collect();
            concerned += match now.len() {
                1 => self.run(runtime, sql, &values, &mut |_| true)?,
                several => self.run(runtime, &rows.statement(several), &values, &mut |_| true)?,
            };
            left = later;
        }
        Ok(concerned)
    }

    fn each_of(
        &mut self,
        runtime: &Runtime,
        sql: &str,
        lists: &[&[Value<'_>]],
        visit: &mut dyn FnMut(usize, &Row<'_>),
    ) -> Result<u64, Failure> {
        self.settle(runtime)?;
        let statement = self.prepared(runtime, sql)?;
        lists.iter().try_for_each(|params| cells::check(statement.params(), params, sql)).map_err(Failure::Statement)?;
        let failed = |error| Failure::from(error, sql);
        let mut concerned = 0;
        for (chunk, start) in lists.chunks(IN_FLIGHT).zip((0..).step_by(IN_FLIGHT)) {
            let Session { client, wire, ended, ahead, .. } = self;
            let (client, statement) = (&*client, &statement);
            let first = ahead_of(client, ahead.take());
            let answers = chunk.iter().map(|params| async move {
                let mut stream = pin!(client.query_raw(statement, params.iter().map(Bound)).await?);
                let rows: Vec<_> = stream.as_mut().try_collect().await?;
                Ok((rows, stream.rows_affected().unwrap_or_default()))
            });
            let both = async { Ok(join(first, in_order(answers)).await) };
            let (first, answers) = drive(runtime, wire, ended, both).map_err(failed)?;
            first.map_err(failed)?;
            // After the first error the server refuses the rest for its sake.
            for (index, answer) in answers.into_iter().enumerate() {
                let (rows, count) = answer.map_err(failed)?;
                rows.iter().for_each(|row| visit(start + index, &Row(Cells::Postgres(row))));
                concerned += count;
            }
        }
        Ok(concerned)
    }

    fn prepared(&mut self, runtime: &Runtime, sql: &str) -> Result<Statement, Failure> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let Session { client, wire, ended, ahead, statements, .. } = self;
        let both = try_join(ahead_of(client, ahead.take()), client.prepare(sql));
        let ((), statement) = drive(runtime, wire, ended, both).map_err(|error| Failure::from(error, sql))?;
        if statements.len() >= STATEMENTS {
            statements.clear();
        }
        statements.insert(sql.into(), statement.clone());
        Ok(statement)
    }
}

/// `try_join` polls its left side first, so this is sent before what stands on the right, and answered before.
async fn ahead_of(client: &Client, sql: Option<&'static str>) -> Result<(), tokio_postgres::Error> {
    match sql {
        Some(sql) => client.batch_execute(sql).await,
        None => Ok(()),
    }
}

/// Runs all, sent in their order; the first error.
async fn paid(client: &Client, owed: &[Owed]) -> Result<(), Failure> {
    let run = owed.iter().map(|Owed { statement, params, .. }| client.execute_raw(statement, params.iter().map(Bound)));
    let answers = in_order(run).await;
    answers.into_iter().zip(owed).try_for_each(|(answer, Owed { sql, .. })| match answer {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::from(error, sql)),
    })
}

/// Starts all in their order, then waits for all.
async fn in_order<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut started: Vec<_> = futures.map(|future| maybe_done(Box::pin(future))).collect();
    poll_fn(|cx| {
        started.iter_mut().for_each(|future| {
            let _ = Pin::new(future).poll(cx);
        });
        Poll::Ready(())
    })
    .await;
    join_all(started.iter_mut()).await;
    started.iter_mut().filter_map(|future| Pin::new(future).take_output()).collect()
}

/// Fetches what is there, at least one row; whether there may be more.
async fn fetch(mut stream: Pin<&mut RowStream>, rows: &mut Vec<tokio_postgres::Row>) -> Result<bool, tokio_postgres::Error> {
    poll_fn(|cx| {
        while rows.len() < ROWS {
            match stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(row))) => rows.push(row),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Ok(false)),
                Poll::Pending if rows.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(true))
    })
    .await
}

/// Runs the protocol on this thread until `future` has its answer.
fn drive<T>(
    runtime: &Runtime,
    wire: &mut Wire,
    ended: &mut bool,
    future: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    let mut future = pin!(future);
    runtime.block_on(poll_fn(|cx| {
        while !*ended {
            match wire.poll(cx) {
                Poll::Pending => break,
                Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                    tracing::debug!(notice = notice.message(), "the database remarks")
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(None) => *ended = true,
                Poll::Ready(Some(Err(error))) => {
                    *ended = true;
                    return Poll::Ready(Err(error));
                }
            }
        }
        future.as_mut().poll(cx)
    }))
}
