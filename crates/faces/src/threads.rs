//! What takes its time: on threads that may block, so that it holds up nothing else.

use certhold_domain::{Error, Refusal, Result};
use tokio::sync::Semaphore;

/// Runs what takes its time, on a thread that may block.
pub(crate) async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| panicked())?
}

/// As [`on_thread`], when it is its turn. The turn ends with the work, not with whoever waited for it: a client that goes away frees
/// no place while the work goes on.
pub(crate) async fn in_turn<T: Send + 'static>(
    turns: &'static Semaphore,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let turn = turns.acquire().await.map_err(|_| Refusal::Busy)?;
    on_thread(move || {
        let _turn = turn;
        work()
    })
    .await
}

pub(crate) fn panicked() -> Error {
    Error::from(certhold_store::Error::Panicked)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_its_work() {
        static TURNS: Semaphore = Semaphore::const_new(1);
        let (go, wait) = channel::<()>();
        let (began, beginning) = channel();
        let work = in_turn(&TURNS, move || {
            began.send(()).ok();
            wait.recv().ok();
            Ok(())
        });
        // Whoever waited goes away as soon as the work has begun.
        let waited = tokio::spawn(work);
        tokio::task::spawn_blocking(move || beginning.recv().unwrap()).await.unwrap();
        waited.abort();
        assert!(waited.await.unwrap_err().is_cancelled());
        assert_eq!(TURNS.available_permits(), 0, "the work goes on");
        go.send(()).unwrap();
        assert_eq!(in_turn(&TURNS, || Ok(7)).await.unwrap(), 7);
        assert!(matches!(on_thread(|| -> Result<()> { panic!("expected here") }).await, Err(Error::Fault(_))));
    }
}
