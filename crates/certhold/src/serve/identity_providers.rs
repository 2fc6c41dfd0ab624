//! The keys of identity providers, handed from where they are fetched to where tokens are verified.

use std::sync::Arc;

use certhold_domain::identity_providers::{KeySet, KeyState, Trusted};
use certhold_faces::auth::{ProviderKeys, ProviderKeysHandle};
use certhold_outside::identity_providers::ProviderKeys as Fetched;
use futures_util::future::BoxFuture;

struct Bridge(Fetched);

impl ProviderKeys for Bridge {
    fn of(&self, provider: Arc<Trusted>, kid: Option<String>) -> BoxFuture<'static, Result<Arc<KeySet>, String>> {
        let keys = self.0.clone();
        Box::pin(async move { keys.of(provider, kid).await })
    }

    fn other_than(&self, provider: Arc<Trusted>, than: Arc<KeySet>) -> BoxFuture<'static, Option<Arc<KeySet>>> {
        let keys = self.0.clone();
        Box::pin(async move { keys.other_than(provider, &than).await })
    }

    fn state(&self, issuer: &str) -> KeyState {
        self.0.state(issuer)
    }
}

/// What the faces are told.
pub fn handle(keys: Fetched) -> ProviderKeysHandle {
    ProviderKeysHandle(Arc::new(Bridge(keys)))
}
