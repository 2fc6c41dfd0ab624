//! What the authority answered last, in full: instant-acme keeps of a refusal only the fields it knows, and no header.

use std::cell::RefCell;
use std::time::Duration;

/// An HTTP answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

tokio::task_local! {
    /// The last answer of the step that this task is in.
    static LAST: RefCell<Option<Answer>>;
}

/// Runs a step, and returns its result with the last answer it got.
pub(super) async fn observed<T>(step: impl Future<Output = T>) -> (T, Option<Answer>) {
    LAST.scope(RefCell::new(None), async {
        let result = step.await;
        (result, last())
    })
    .await
}

/// The last answer so far.
pub(super) fn last() -> Option<Answer> {
    LAST.try_with(|last| last.borrow().clone()).ok().flatten()
}

pub(super) fn record(answer: Answer) {
    // Outside of a step nobody asks.
    let _ = LAST.try_with(|last| last.replace(Some(answer)));
}

/// Forgets the last answer, when a new request goes out that may get none.
pub(super) fn forget() {
    let _ = LAST.try_with(|last| last.replace(None));
}
