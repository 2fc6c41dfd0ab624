//! Who asks: credentials of a request to one [`Actor`] of the domain.
//!
//! A router says by the extractors of its handlers which credentials it takes: [`Bearer`] reads the `Authorization` header and
//! nothing else, so that no page of another site can act with a browser's cookie; [`Browser`] reads the session cookie and
//! nothing else, and asks for a proof that an unsafe request comes from one of our own pages. Faces of vendors never use
//! [`Browser`].

pub(crate) mod basic;
mod bearer;
mod browser;
mod external;
mod sign_in;

pub(crate) use bearer::authorization;
pub use bearer::{Author, Bearer, TOKEN_PREFIX};
pub use browser::{Browser, cookie, ended_cookie, page_before, require_same_origin};
pub use external::{ProviderKeys, ProviderKeysHandle};
pub(crate) use external::{key_state, recognise as recognise_external};
pub(crate) use sign_in::with_password;
pub use sign_in::{SignIn, SignedIn, change_own_password, hash_password, sign_in};

use std::sync::Arc;

use certhold_domain::identity_providers::{self, Verified};
use certhold_domain::people::{self, Credential, Recognised};
use certhold_domain::{Actor, Face, Refusal, Result, SessionId};
use certhold_store::Tx;

use crate::in_process::Vouched;
use crate::middleware::Coordinates;
use crate::state::App;

/// What session tokens begin with.
pub const SESSION_PREFIX: &str = "chs_";
/// What access tokens of API clients begin with.
pub const ACCESS_PREFIX: &str = "cha_";
/// What identifiers of API clients begin with.
pub const CLIENT_PREFIX: &str = "chc_";
/// What secrets of API clients begin with.
pub const CLIENT_SECRET_PREFIX: &str = "chk_";

/// What tokens that were given for a name and a password begin with.
pub const BOUND_PREFIX: &str = "chb_";

/// The longest credential that is looked at, in bytes.
const CREDENTIAL_BYTES_MAX: usize = 256;

/// Credentials that were presented and not yet checked.
#[derive(Clone)]
pub struct Caller {
    presented: Presented,
    face: Face,
    at: Coordinates,
}

#[derive(Clone)]
enum Presented {
    /// SHA-256 of an API token.
    Token([u8; 32]),
    /// SHA-256 of a session's token.
    Session([u8; 32]),
    /// SHA-256 of an access token.
    Access([u8; 32]),
    /// SHA-256 of a bound token, and where it was shown.
    Bound([u8; 32], people::Shown),
    /// Somebody whose password was right a moment ago.
    Recognised(Recognised),
    /// Somebody for whom an identity provider vouches, verified for this request.
    External(Arc<Verified>),
    /// An actor whom this program vouches for, in process.
    Vouched(Arc<Actor>),
}

/// Somebody whose credentials were checked.
#[derive(Clone)]
pub struct Known {
    /// Who.
    pub actor: Arc<Actor>,
    /// Their session, unless they used an API token.
    pub session: Option<SessionId>,
    /// When a bound token ends, unix milliseconds.
    pub until: Option<i64>,
    touch: bool,
}

impl Caller {
    /// Whoever presents a bearer token: one of this server's, or one of an identity provider's.
    ///
    /// # Errors
    /// [`certhold_domain::Refusal::Unauthenticated`] when a provider's token is not accepted; what this server gives is checked
    /// later, in the transaction that reads for them.
    pub(crate) async fn bearing(app: &App, text: &str, face: Face, at: Coordinates) -> Result<Caller> {
        if identity_providers::Presented::looks_like(text) {
            return recognise_external(app, text, face, at).await;
        }
        if text.len() > CREDENTIAL_BYTES_MAX {
            return Err(Refusal::Unauthenticated("the token is unknown, expired or revoked".into()).into());
        }
        Ok(Caller::new(text, face, at))
    }

    pub(crate) fn new(text: &str, face: Face, at: Coordinates) -> Caller {
        let hash = Credential::hash_of(text);
        let presented = match text {
            text if text.starts_with(SESSION_PREFIX) => Presented::Session(hash),
            text if text.starts_with(ACCESS_PREFIX) => Presented::Access(hash),
            _ => Presented::Token(hash),
        };
        Caller { presented, face, at }
    }

    /// Whoever shows a token that may be bound to where it is used: one that was given for a name and a password, an access token
    /// of an API client, or an API token. A session's token is not taken.
    pub(crate) fn bound(text: &str, shown: people::Shown, face: Face, at: Coordinates) -> Option<Caller> {
        if text.is_empty() || text.len() > CREDENTIAL_BYTES_MAX || text.starts_with(SESSION_PREFIX) {
            return None;
        }
        if text.starts_with(ACCESS_PREFIX) || text.starts_with(TOKEN_PREFIX) {
            return Some(Caller::new(text, face, at));
        }
        Some(Caller { presented: Presented::Bound(Credential::hash_of(text), shown), face, at })
    }

    /// Whoever this program itself vouches for.
    pub(crate) fn vouched(actor: &Vouched, at: Coordinates) -> Caller {
        Caller { presented: Presented::Vouched(actor.0.clone()), face: actor.0.face, at }
    }

    /// Checks the credentials, in the caller's transaction.
    fn check(&self, tx: &mut Tx<'_>, app: &App) -> Result<Known> {
        let (now, cache) = (app.now(), &app.core().access);
        let mut until = None;
        let (actor, session, touch) = match &self.presented {
            Presented::Token(hash) => (people::actor_of_token(tx, cache, hash, self.face, now)?, None, false),
            Presented::Session(hash) => {
                let (actor, session, touch) = people::actor_of_session(tx, cache, hash, self.face, now)?;
                (actor, Some(session), touch)
            }
            Presented::Access(hash) => (people::actor_of_access_token(tx, cache, hash, self.face, now)?, None, false),
            Presented::Bound(hash, shown) => {
                let known = people::actor_of_bound_token(tx, cache, hash, shown, self.face, now)?;
                until = Some(known.expires_at);
                (known.actor, None, false)
            }
            Presented::Recognised(who) => (people::actor_of_generation(tx, cache, *who, self.face)?, None, false),
            Presented::External(verified) => {
                (identity_providers::actor_of_external(tx, cache, verified, self.face)?, None, false)
            }
            Presented::Vouched(actor) => (Actor::clone(actor), None, false),
        };
        let actor = actor.during(&self.at.request.to_string(), self.at.address.as_str());
        Ok(Known { actor: Arc::new(actor), session, until, touch })
    }
}

impl App {
    /// Checks credentials.
    ///
    /// # Errors
    /// [`certhold_domain::Refusal::Unauthenticated`] when they are unknown, expired or revoked.
    pub async fn known(&self, caller: Caller) -> Result<Known> {
        let app = self.clone();
        let known = self.read(move |tx| caller.check(tx, &app)).await?;
        self.seen(&known);
        Ok(known)
    }

    /// Checks credentials and reads with them, in one transaction.
    ///
    /// # Errors
    /// As [`App::known`], and what `work` refuses.
    pub async fn read_as<T: Send + 'static>(
        &self,
        caller: Caller,
        work: impl FnOnce(&mut Tx<'_>, &Actor) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let app = self.clone();
        let (known, found) = self
            .read(move |tx| {
                let known = caller.check(tx, &app)?;
                let found = work(tx, &known.actor)?;
                Ok((known, found))
            })
            .await?;
        self.seen(&known);
        Ok(found)
    }

    /// Keeps a session alive, about once a minute, beside the request.
    fn seen(&self, known: &Known) {
        if let Some(session) = known.session.filter(|_| known.touch) {
            let app = self.clone();
            tokio::spawn(async move {
                let now = app.now();
                if let Err(error) = app.write_bulk(move |tx| people::touch(tx, session, now)).await {
                    tracing::warn!(%error, "a session could not be marked as seen");
                }
            });
        }
    }
}

#[cfg(test)]
mod tests;
