//! Identity providers: who else may say who somebody is. Their tokens (OpenID Connect, RFC 9068) are accepted as bearer tokens.
//!
//! A token says claims, and claims hold roles ([`crate::access::claims`]). Somebody who is known through a provider only has an
//! account here from the moment on when a token of theirs brings a role, so that the log has one stable name for them and an
//! administrator can disable them; whoever holds nothing leaves nothing behind.
//!
//! Three steps, of which only the last touches the store: [`Presented::parse`] reads a token, [`verify`] holds it against the
//! provider and its keys, [`actor_of_external`] says who acts. Keys are fetched outside ([`KeySet`]).

mod account;
mod json;
mod jwk;
mod jws;
mod mapping;
mod provider;
#[cfg(test)]
mod tests;
mod token;

pub use account::{
    ExternalAccount, NewExternalAccount, accounts_of, actor_of_external, admit, create_account, is_to_be_admitted,
};
pub(crate) use account::{SpeakerState, require_own_credentials, speaker_of};
pub use jwk::{KeySet, KeyState, NoKeySet, shown};
pub use jws::{Algorithm, Presented};
pub use mapping::ClaimMapping;
pub(crate) use provider::require_may_speak_of;
pub use provider::{
    IdentityProvider, ProviderChange, ProviderCommand, ProviderName, amend, called, create, enabled, get, is_reached_safely,
    list, remove, trusted, update,
};
pub use token::{Trusted, Verified, verify};
