//! Who asks: credentials of a request to one [`Actor`] of the domain.
//!
//! A router says by the extractors of its handlers which credentials it takes: [`Bearer`] reads the `Authorization` header and
//! nothing else, so that no page of another site can act with a browser's cookie; [`Browser`] reads the session cookie and
//! nothing else, and asks for a proof that an unsafe request comes from one of our own pages. Faces of vendors never use
//! [`Browser`].

mod bearer;
mod browser;
mod sign_in;

pub use bearer::{Author, Bearer, TOKEN_PREFIX};
pub use browser::{Browser, cookie, ended_cookie, require_same_origin};
pub use sign_in::{SignIn, SignedIn, change_own_password, hash_password, sign_in};

use std::sync::Arc;

use certhold_domain::people::{self, Credential};
use certhold_domain::{Actor, Face, Result, SessionId};
use certhold_store::Tx;

use crate::in_process::Vouched;
use crate::middleware::Coordinates;
use crate::state::App;

/// What session tokens begin with.
pub const SESSION_PREFIX: &str = "chs_";

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
    touch: bool,
}

impl Caller {
    fn new(text: &str, face: Face, at: Coordinates) -> Caller {
        let hash = Credential::hash_of(text);
        let presented = if text.starts_with(SESSION_PREFIX) { Presented::Session(hash) } else { Presented::Token(hash) };
        Caller { presented, face, at }
    }

    fn vouched(actor: &Vouched, at: Coordinates) -> Caller {
        Caller { presented: Presented::Vouched(actor.0.clone()), face: actor.0.face, at }
    }

    /// Checks the credentials, in the caller's transaction.
    fn check(&self, tx: &mut Tx<'_>, app: &App) -> Result<Known> {
        let (now, cache) = (app.now(), &app.core().access);
        let (actor, session, touch) = match &self.presented {
            Presented::Token(hash) => (people::actor_of_token(tx, cache, hash, self.face, now)?, None, false),
            Presented::Session(hash) => {
                let (actor, session, touch) = people::actor_of_session(tx, cache, hash, self.face, now)?;
                (actor, Some(session), touch)
            }
            Presented::Vouched(actor) => (Actor::clone(actor), None, false),
        };
        let actor = actor.during(&self.at.request.to_string(), self.at.address.as_str());
        Ok(Known { actor: Arc::new(actor), session, touch })
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
