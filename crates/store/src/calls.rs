//! Closures on their way to the writer, with the way back for their answers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::error::Error;
use crate::tx::Tx;

/// Whether what a closure did is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Kept,
    Undone,
}

/// A write that waits for its turn. It can run several times; exactly one answer is given at the end.
pub(crate) trait Call: Send {
    /// Runs the closure and keeps its outcome, replacing that of an earlier run.
    fn run(&mut self, tx: &mut Tx<'_>) -> Verdict;
    /// Gives the kept outcome to the caller.
    fn answer(self: Box<Self>);
    /// Gives `error` to the caller instead.
    fn refuse(self: Box<Self>, error: Error);
}

struct Write<F, T, E> {
    work: F,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

/// Packs a closure, and gives the end where its answer will arrive.
pub(crate) fn write<T, E, F>(work: F) -> (Box<dyn Call>, oneshot::Receiver<Result<T, E>>)
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Write { work, outcome: None, reply }), answer)
}

impl<F, T, E> Call for Write<F, T, E>
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Verdict {
        let outcome = guarded(tx, |tx| (self.work)(tx));
        let verdict = if outcome.is_ok() { Verdict::Kept } else { Verdict::Undone };
        self.outcome = Some(outcome);
        verdict
    }

    fn answer(self: Box<Self>) {
        let Write { outcome, reply, .. } = *self;
        // Whoever asked may have gone; what was done stays done.
        let _ = reply.send(outcome.unwrap_or_else(|| Err(Error::Lost.into())));
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.reply.send(Err(error.into()));
    }
}

/// Runs a closure so that neither a panic nor a swallowed error leaves half of its work behind.
pub(crate) fn guarded<T, E: From<Error>>(tx: &mut Tx<'_>, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
    // The transaction is rolled back after a panic, and nothing else is shared with the closure.
    let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| work(tx))) else {
        tracing::error!("a transaction's closure panicked; its changes are undone");
        return Err(Error::Panicked.into());
    };
    // What is undone anyway need not be waited for.
    if outcome.is_ok() && tx.doomed().is_none() {
        // An error dooms the closure, which is looked at next.
        let _ = tx.settle();
    }
    match (outcome, tx.doomed()) {
        (Ok(_), Some(error)) => Err(error.clone().into()),
        (outcome, _) => outcome,
    }
}
