//! Making the next revocation list of a private authority.

use certhold_domain::jobs::{self, Lease};
use certhold_domain::private_ca::{self, Hands};
use certhold_domain::{AuthorityId, Error, Fault};

use super::Context;
use crate::keys::SoftwareKeys;

pub(super) async fn run(context: &Context, lease: &Lease) -> Result<(), Error> {
    let (lease, authority, now) = (*lease, AuthorityId(lease.object), context.core.now());
    let Some(work) = context.read(move |tx, _| private_ca::list_work(tx, authority, now)).await? else {
        return context.write(move |tx, _, now| jobs::finish(tx, &lease, now)).await;
    };
    let core = context.core.clone();
    let signing = tokio::task::spawn_blocking(move || {
        let hands = Hands { custody: &core.custody, keys: &SoftwareKeys, entropy: core.entropy.as_ref() };
        work.sign(hands, now)
    });
    let list = signing.await.map_err(|error| Error::Fault(Fault::Custody(format!("signing a list stopped: {error}"))))??;
    context.write(move |tx, actor, now| private_ca::record_list(tx, actor, &lease, &list, now)).await
}
