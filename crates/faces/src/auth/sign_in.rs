//! Signing in with a name and a password; the same for the native API and the web pages.

use certhold_domain::people::{self, Credential, NewSession, Password, PasswordHash};
use certhold_domain::{Actor, Error, Face, PrincipalId, Refusal, Result, SessionId, limits};
use secrecy::SecretString;

use super::SESSION_PREFIX;
use crate::middleware::Coordinates;
use crate::state::App;

/// A sign-in as somebody typed it.
pub struct SignIn {
    /// The account.
    pub name: String,
    /// Its password.
    pub password: Password,
    /// The browser's or program's own name for itself.
    pub agent: String,
}

/// A session that was opened.
pub struct SignedIn {
    /// Its handle.
    pub session: SessionId,
    /// Whose it is.
    pub principal: PrincipalId,
    /// The secret to present; it is shown here once.
    pub token: SecretString,
    /// When it ends at the latest, unix milliseconds.
    pub expires_at: i64,
}

/// Opens a session. The password is compared outside transactions, a few at a time.
///
/// # Errors
/// [`Refusal::Unauthenticated`], [`Refusal::LockedOut`], or [`Refusal::Busy`] when too many wait.
pub async fn sign_in(app: &App, face: Face, who: SignIn, at: &Coordinates) -> Result<SignedIn> {
    let anonymous = Actor::anonymous(face, "anonymous", &at.request.to_string(), at.address.as_str());
    let (name, address, now) = (who.name, anonymous.address.clone(), app.now());
    let attempt = app.read(move |tx| people::attempt(tx, &name, &address, now)).await?;
    let (password, compared) = (who.password, attempt.clone());
    let verified = with_password(app, move || compared.verify(&password)).await?;

    let token = Credential::generate(app.core().entropy.as_ref(), SESSION_PREFIX);
    let new = NewSession { token_hash: token.hash, agent: who.agent };
    let now = app.now();
    let outcome = app.write(move |tx| people::complete(tx, &anonymous, &attempt, verified, &new, now)).await?;
    let (session, principal) = outcome?;
    Ok(SignedIn { session, principal, token: token.text, expires_at: now + limits::SESSION_MS })
}

/// Changes the caller's own password and ends all their sessions.
///
/// # Errors
/// [`Refusal::Invalid`] when the current password is wrong or the new one is none.
pub async fn change_own_password(app: &App, actor: &Actor, current: Password, new: Password) -> Result<()> {
    let (asking, now) = (actor.clone(), app.now());
    let attempt = app.read(move |tx| people::attempt(tx, &asking.name, &asking.address, now)).await?;
    let compared = attempt.clone();
    let verified = with_password(app, move || compared.verify(&current)).await?;
    let hash = hash_password(app, new).await?;
    let (actor, now) = (actor.clone(), app.now());
    let changed = app.write(move |tx| people::change_own_password(tx, &actor, &attempt, verified, &hash, now)).await?;
    Ok(changed?)
}

/// Hashes a new password outside transactions, a few at a time.
///
/// # Errors
/// [`Refusal::Invalid`] when it is too short or too long.
pub async fn hash_password(app: &App, password: Password) -> Result<PasswordHash> {
    let entropy = app.core().entropy.clone();
    with_password(app, move || password.hash(entropy.as_ref())).await?
}

/// Runs what costs tens of milliseconds and 19 MiB on a thread for such things, when it is its turn.
pub(crate) async fn with_password<T: Send + 'static>(app: &App, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let gates = app.passwords();
    let admitted = gates.admitted.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
    let turn = gates.running.clone().acquire_owned().await.map_err(|_| Refusal::Busy)?;
    let done = tokio::task::spawn_blocking(move || {
        // Held here and not by the request: whoever hangs up does not make room for another computation.
        let _held = (admitted, turn);
        work()
    })
    .await;
    done.map_err(|_| Error::from(certhold_store::Error::Panicked))
}
