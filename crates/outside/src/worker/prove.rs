//! Proving control of names by DNS-01 (RFC 8555 section 8.4): publish, wait until the zone's own servers show it, tell.

use std::time::Duration;

use certhold_domain::OrderId;
use certhold_domain::jobs::Lease;
use certhold_domain::renewal::order::{self, NewRecord, Work};
use certhold_domain::renewal::{Cause, FailureClass};

use super::Context;
use super::renew::{Stop, acme_failure, dns_failure, failed};
use crate::acme::{Order, PendingChallenge};
use crate::dns::{self, Propagation, Provider};

/// How long one run waits in place for servers that are nearly there.
const QUICK_LOOKS: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(250), Duration::from_millis(500), Duration::from_millis(1_000)];
/// When a job that waits for servers is taken up again.
const LOOK_AGAIN_MS: i64 = 5_000;
/// A value that is not everywhere after so long is a failure.
const PATIENCE_MS: i64 = 10 * 60_000;
/// After so long, servers that give no answer at all are passed over: the authority may not ask them either.
const SILENCE_MS: i64 = 60_000;

/// The proof for one order.
pub(super) struct Proof<'a> {
    pub(super) context: &'a Context,
    pub(super) lease: Lease,
    pub(super) order: OrderId,
    pub(super) work: &'a Work,
    pub(super) provider: &'a Provider,
}

/// A value that was published, and since when it is wanted.
struct Published {
    name: String,
    value: String,
    since: i64,
}

impl Proof<'_> {
    /// Publishes what the authority wants to see and tells it, once it can be seen. Ends early when that takes its time.
    pub(super) async fn give(&self, remote: &mut Order) -> Result<(), Stop> {
        let challenges = remote.challenges().await.map_err(|error| acme_failure(self.context, error))?;
        let mut published = Vec::new();
        for challenge in challenges.iter().filter(|challenge| !challenge.told) {
            published.push(self.publish(challenge).await?);
        }
        self.wait_until_visible(&published).await?;
        remote.tell_ready().await.map_err(|error| acme_failure(self.context, error))
    }

    /// Publishes one value: recorded as wanted before and as published after.
    async fn publish(&self, challenge: &PendingChallenge) -> Result<Published, Stop> {
        let failed = |error| dns_failure(self.context, &error);
        let name = dns::challenge_name(&challenge.domain, &self.context.settings.resolvers).await.map_err(failed)?.name;
        let value = challenge.value.clone();
        let known = self.work.records.iter().find(|record| record.name == name && record.value == value);
        if let Some(record) = known.filter(|record| record.state == "published") {
            // Some providers replace whole record sets: another change may have taken the value away again.
            self.provider.publish(&name, &value).await.map_err(failed)?;
            return Ok(Published { name, value, since: record.created_at });
        }
        let (lease, order, provider) = (self.lease, self.order, self.work.provider.id);
        let wanted = NewRecord { order, provider, domain: challenge.domain.clone(), name: name.clone(), value: value.clone() };
        let record = self.context.write(move |tx, _, now| order::record_wanted(tx, &lease, &wanted, now)).await?;
        self.provider.publish(&name, &value).await.map_err(failed)?;
        self.context.write(move |tx, _, _| order::record_published(tx, &lease, record)).await?;
        Ok(Published { name, value, since: self.context.core.now() })
    }

    async fn wait_until_visible(&self, published: &[Published]) -> Result<(), Stop> {
        let mut looks = QUICK_LOOKS.iter();
        loop {
            let Some((missing, seen)) = self.first_missing(published).await? else { return Ok(()) };
            match looks.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None if self.context.core.now() - missing.since < PATIENCE_MS => {
                    return Err(Stop::Later(self.context.core.now() + LOOK_AGAIN_MS));
                }
                None => return Err(not_visible(&missing.name, &seen)),
            }
        }
    }

    async fn first_missing<'p>(&self, published: &'p [Published]) -> Result<Option<(&'p Published, Propagation)>, Stop> {
        for value in published {
            let resolvers = &self.context.settings.resolvers;
            let seen = dns::visible(&value.name, &value.value, resolvers, self.provider.check_servers()).await;
            let seen = seen.map_err(|error| dns_failure(self.context, &error))?;
            let waited = self.context.core.now() - value.since;
            let enough = seen.everywhere() || (waited > SILENCE_MS && seen.only_silence_remains());
            if !enough {
                return Ok(Some((value, seen)));
            }
        }
        Ok(None)
    }
}

fn not_visible(name: &str, seen: &Propagation) -> Stop {
    failed(
        FailureClass::ChallengeFailed,
        Cause::ProofNotPublished,
        format!("the TXT record at {name} does not appear at the zone's servers: {seen}"),
        false,
    )
}
