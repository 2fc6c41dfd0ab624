//! Bearer tokens of identity providers: read, held against the provider and its keys, and handed to the domain.

use std::sync::Arc;

use certhold_domain::identity_providers::{self, KeySet, KeyState, Presented, Trusted};
use certhold_domain::{Actor, Face, Refusal, Result};
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::Caller;
use crate::middleware::Coordinates;
use crate::state::App;

/// Where the keys of identity providers come from; fetching them is no face's business.
pub trait ProviderKeys: Send + Sync {
    /// The keys of a provider, with the one of this name if it has one. Bounded in time.
    fn of(&self, provider: Arc<Trusted>, kid: Option<String>) -> BoxFuture<'static, Result<Arc<KeySet>, String>>;

    /// The keys of a provider if there are others than these by now: a provider may give a new key the name of an old one, or give
    /// none a name. Bounded in time.
    fn other_than(&self, provider: Arc<Trusted>, than: Arc<KeySet>) -> BoxFuture<'static, Option<Arc<KeySet>>>;

    /// How it stands with the keys of a provider.
    fn state(&self, issuer: &str) -> KeyState;
}

/// [`ProviderKeys`] among the settings.
#[derive(Clone)]
pub struct ProviderKeysHandle(pub Arc<dyn ProviderKeys>);

impl std::fmt::Debug for ProviderKeysHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProviderKeysHandle")
    }
}

/// How it stands with the keys of a provider, on this node.
pub(crate) fn key_state(app: &App, issuer: &str) -> KeyState {
    app.settings().provider_keys.as_ref().map(|keys| keys.0.state(issuer)).unwrap_or_default()
}

/// Whoever presents a provider's token. Signatures are compared here, outside transactions; whether the provider is still trusted and
/// who that is are looked at again in the transaction that acts for them.
///
/// # Errors
/// [`Refusal::Unauthenticated`] when the token is not accepted, [`Refusal::Unavailable`] while the provider's keys cannot be had.
pub(crate) async fn recognise(app: &App, text: &str, face: Face, at: Coordinates) -> Result<Caller> {
    let token = Presented::parse(text)?;
    let unknown =
        || Refusal::Unauthenticated("the token cannot be accepted: no identity provider here is its issuer (iss)".into());
    let issuer = token.issuer().ok_or_else(unknown)?.to_owned();
    let provider = app.read(move |tx| identity_providers::trusted(tx, &issuer)).await?;
    let provider = Arc::new(provider.ok_or_else(unknown)?);
    let keys = app.settings().provider_keys.clone().ok_or_else(unknown)?;
    // What the provider is called here is not for whoever made up a token.
    let held = keys.0.of(provider.clone(), token.key_id().map(str::to_owned)).await.map_err(|_| {
        let message = "the keys of the token's issuer cannot be had at the moment, so it cannot be verified: try again later";
        Refusal::Unavailable(message.into())
    })?;
    let now = app.now();
    let verified = match identity_providers::verify(&token, &provider, &held, now) {
        Err(refusal) if held.knows(token.key_id()) && !held.signed(&token) => {
            let other = keys.0.other_than(provider.clone(), held).await.ok_or(refusal)?;
            identity_providers::verify(&token, &provider, &other, now)?
        }
        verified => verified?,
    };
    let verified = Arc::new(verified);
    let asked = verified.clone();
    if app.read(move |tx| identity_providers::is_to_be_admitted(tx, &asked, now)).await? {
        let anonymous = Actor::anonymous(face, "anonymous", &at.request.to_string(), at.address.as_str());
        let (admitted, uuid) = (verified.clone(), Uuid::now_v7());
        app.write(move |tx| identity_providers::admit(tx, &anonymous, &admitted, uuid, now)).await?;
    }
    Ok(Caller { presented: super::Presented::External(verified), face, at })
}
