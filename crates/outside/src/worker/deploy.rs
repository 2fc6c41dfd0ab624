//! Installing the current version of a managed certificate.

use certhold_domain::Error;
use certhold_domain::jobs::Lease;
use certhold_domain::renewal::deployment;

use super::Context;

pub(super) async fn run(context: &Context, lease: &Lease) -> Result<(), Error> {
    let lease = *lease;
    let sentence = "this build installs nothing yet";
    context.write(move |tx, actor, now| deployment::fail(tx, actor, &lease, sentence, now)).await
}
