//! Obtaining certificates from ACME authorities (RFC 8555), with profiles and renewal information (RFC 9773) where offered.
//!
//! An order is a sequence of steps, and each step may be the first one after a crash: [`Session::restore`] brings the
//! account back from its stored credentials, [`Session::order`] an order from its URL, and what was done already is not
//! done again. Nothing here sleeps: when the authority is not ready, [`Progress`] says so and when to ask again.

mod account;
mod client;
mod error;
mod exchange;
mod order;
mod renewal;

pub use account::{Authority, ExternalAccount, Session, register};
pub use error::{AcmeError, AcmeErrorKind, Problem, Subproblem};
pub use order::{NewOrder, Order, PendingChallenge, Progress};
pub use renewal::{RenewalWindow, RevocationReason, Revoked};

/// Runs a step again when the authority rejects the nonce more often than instant-acme repeats a request (three times):
/// a rejected nonce means that nothing was done (RFC 8555 section 6.5).
macro_rules! again_on_bad_nonce {
    ($step:expr) => {{
        let mut left = 12;
        loop {
            match $step {
                Err(error) if left > 0 && crate::acme::error::is_bad_nonce(&error) => left -= 1,
                other => break other,
            }
        }
    }};
}
use again_on_bad_nonce;
