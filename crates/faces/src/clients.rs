//! API clients for every face that makes them: their ids and secrets are made here, and kept nowhere.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certhold_domain::people::{self, Credential, NewApiClient};
use certhold_domain::{Actor, ApiClientId, PrincipalId, Result};
use secrecy::SecretString;

use crate::auth::{CLIENT_PREFIX, CLIENT_SECRET_PREFIX};
use crate::state::App;

/// A client that was just made. Its secret is kept nowhere.
pub struct Made {
    /// Its handle.
    pub id: ApiClientId,
    /// What to send as `client_id`.
    pub client_id: String,
    /// What to send as `client_secret`.
    pub secret: SecretString,
}

/// Makes a client for an account.
///
/// # Errors
/// What [`people::create_client`] refuses.
pub async fn create(app: &App, actor: &Arc<Actor>, principal: PrincipalId, name: String, scopes: Vec<String>) -> Result<Made> {
    let secret = Credential::generate(app.core().entropy.as_ref(), CLIENT_SECRET_PREFIX);
    let client_id = format!("{CLIENT_PREFIX}{}", URL_SAFE_NO_PAD.encode(app.core().random::<15>()));
    let new = NewApiClient { principal, name, client_id: client_id.clone(), secret_hash: secret.hash, scopes };
    let (actor, now) = (actor.clone(), app.now());
    let id = app.write(move |tx| people::create_client(tx, &actor, &new, now)).await?;
    Ok(Made { id, client_id, secret: secret.text })
}

/// Gives a client another secret, and says it.
///
/// # Errors
/// What [`people::renew_client`] refuses.
pub async fn renew(app: &App, actor: &Arc<Actor>, id: ApiClientId) -> Result<SecretString> {
    let secret = Credential::generate(app.core().entropy.as_ref(), CLIENT_SECRET_PREFIX);
    let (actor, hash, now) = (actor.clone(), secret.hash, app.now());
    app.write(move |tx| people::renew_client(tx, &actor, id, &hash, now)).await?;
    Ok(secret.text)
}
