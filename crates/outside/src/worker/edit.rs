//! Edits of many certificates.

use certhold_domain::Error;
use certhold_domain::jobs::{self, Lease};

use super::Context;
use crate::bulk;

/// Works until the edit has ended; when the worker stops, the job is put back and goes on where it was.
pub(super) async fn run(context: &Context, lease: &Lease) -> Result<(), Error> {
    let lease = *lease;
    let ended = bulk::drive(&context.core, lease, || *context.stopping.borrow()).await?;
    if ended {
        return Ok(());
    }
    context.write(move |tx, _, now| jobs::put_off(tx, &lease, now, None)).await
}
