//! Withdrawing the TXT values of an order.

use certhold_domain::jobs::{self, Lease};
use certhold_domain::renewal::providers::{self, DnsProvider};
use certhold_domain::renewal::{FailureClass, next_try, order};
use certhold_domain::{Error, OrderId};

use super::Context;
use crate::dns::Provider;

/// Withdraws what still stands, each value under its own record; what cannot be withdrawn now is tried again.
pub(super) async fn run(context: &Context, lease: &Lease) -> Result<(), Error> {
    let lease = *lease;
    let standing = context.read(move |tx, actor| order::withdrawal(tx, actor, OrderId(lease.object))).await?;
    let mut failed = None;
    for (record, provider, credentials) in standing {
        let withdrawn = match open(context, &provider, credentials.as_ref()) {
            Ok(backend) => backend.withdraw(&record.name, &record.value).await.map_err(|error| error.to_string()),
            Err(sentence) => Err(sentence),
        };
        match withdrawn {
            Ok(()) => context.write(move |tx, _, _| order::record_withdrawn(tx, &lease, record.id)).await?,
            Err(sentence) => failed = Some(format!("the TXT record at {} could not be withdrawn: {sentence}", record.name)),
        }
    }
    match failed {
        None => context.write(move |tx, _, now| jobs::finish(tx, &lease, now)).await,
        Some(sentence) => {
            tracing::warn!(order = lease.object, sentence, "TXT records still stand");
            let again = move |now| next_try(lease.object, FailureClass::Unreachable, lease.attempts, None, now);
            context.write(move |tx, _, now| jobs::put_off(tx, &lease, again(now), Some(&sentence))).await
        }
    }
}

/// A client for a provider with its opened credentials, or a sentence saying why there is none.
pub(super) fn open(
    context: &Context,
    provider: &DnsProvider,
    credentials: Option<&certhold_domain::custody::SealedRow>,
) -> Result<Provider, String> {
    let secrets = match credentials {
        Some(row) => providers::open_credentials(&context.core.custody, row).map_err(|error| error.to_string())?,
        None => std::collections::BTreeMap::new(),
    };
    Provider::build(&provider.kind, &provider.settings, &secrets).map_err(|error| error.to_string())
}
