//! Names and passwords that come with every request (RFC 7617), for faces whose clients send them so.
//!
//! Comparing a password costs tens of milliseconds by design, so a right one is remembered for a minute: as an HMAC under a key
//! of this process, together with how often the account's credentials had changed by then. Whatever changes them, on any node, makes
//! the memory worthless at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_domain::people::{self, Password, Recognised};
use certhold_domain::{Actor, Face, Refusal, Result};
use zeroize::Zeroizing;

use super::sign_in::with_password;
use super::{Caller, Presented};
use crate::middleware::Coordinates;
use crate::state::App;

/// How long a password is remembered.
const REMEMBERED_MS: i64 = 60_000;
/// Passwords after which the memory starts again, so that it stays small.
const REMEMBERED_MAX: usize = 10_000;
/// The longest header that is looked at, in bytes.
const HEADER_BYTES_MAX: usize = 2_048;

/// Passwords that were right a moment ago.
pub(crate) struct Remembered {
    key: hmac::Key,
    entries: Mutex<HashMap<Vec<u8>, (Recognised, i64)>>,
}

impl Remembered {
    /// Nothing yet, under a fresh key.
    pub(crate) fn new(random: &[u8; 32]) -> Remembered {
        Remembered { key: hmac::Key::new(hmac::HMAC_SHA256, random), entries: Mutex::default() }
    }

    fn tag(&self, given: &Credentials) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [given.name.as_bytes(), given.password.as_bytes()] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign().as_ref().to_vec()
    }

    fn find(&self, tag: &[u8], now: i64) -> Option<Recognised> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back makes nothing last longer.
        entries.get(tag).filter(|(_, since)| (0..REMEMBERED_MS).contains(&(now - since))).map(|(who, _)| *who)
    }

    fn keep(&self, tag: Vec<u8>, who: Recognised, now: i64) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= REMEMBERED_MAX {
            entries.clear();
        }
        entries.insert(tag, (who, now));
    }

    fn forget(&self, tag: &[u8]) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(tag);
    }
}

/// A name and a password as somebody sent them.
pub(crate) struct Credentials {
    pub(crate) name: Zeroizing<String>,
    pub(crate) password: Zeroizing<String>,
}

impl Credentials {
    /// Reads what stands behind `Basic `: base64 of `name:password`; the name has no colon.
    pub(crate) fn decode(encoded: &str) -> Option<Credentials> {
        if encoded.len() > HEADER_BYTES_MAX {
            return None;
        }
        let bytes = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
        let (name, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
        Some(Credentials { name: Zeroizing::new(name.to_owned()), password: Zeroizing::new(password.to_owned()) })
    }
}

/// The names under which somebody may have an account who writes a domain before or behind theirs: `EXAMPLE\kim`, `\kim`,
/// `kim@example.org`.
fn names(written: &str) -> Vec<String> {
    let written = written.trim();
    let whole = written.strip_prefix('\\').unwrap_or(written);
    let mut names = vec![whole.to_owned()];
    let short = match (whole.split_once('\\'), whole.split_once('@')) {
        (Some((_, name)), _) => Some(name),
        (None, Some((name, _))) => Some(name),
        (None, None) => None,
    };
    names.extend(short.filter(|name| !name.is_empty()).map(str::to_owned));
    names
}

/// Checks a name and a password. A right one is not compared again for a minute; a wrong one counts as a failed sign-in.
///
/// # Errors
/// [`Refusal::Unauthenticated`], [`Refusal::LockedOut`], or [`Refusal::Busy`] when too many wait.
pub(crate) async fn recognise(app: &App, face: Face, given: Credentials, at: Coordinates) -> Result<Caller> {
    let memory = app.remembered();
    let tag = memory.tag(&given);
    if let Some(who) = memory.find(&tag, app.now()) {
        let caller = Caller { presented: Presented::Recognised(who), face, at: at.clone() };
        match app.known(caller.clone()).await {
            Ok(_) => return Ok(caller),
            Err(error) if matches!(error.refusal(), Some(Refusal::Unauthenticated(_))) => memory.forget(&tag),
            Err(error) => return Err(error),
        }
    }
    let anonymous = Actor::anonymous(face, "anonymous", &at.request.to_string(), at.address.as_str());
    let (names, address, now) = (names(&given.name), anonymous.address.clone(), app.now());
    let attempt = app.read(move |tx| people::attempt_as(tx, &names, &address, now)).await?;
    let (password, compared) = (Password::from(given.password.to_string()), attempt.clone());
    let verified = with_password(app, move || compared.verify(&password)).await?;
    let now = app.now();
    let outcome = app.write(move |tx| people::complete_without_session(tx, &anonymous, &attempt, verified, now)).await?;
    let who = outcome?;
    memory.keep(tag, who, now);
    Ok(Caller { presented: Presented::Recognised(who), face, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_left_out_in_every_spelling() {
        for (written, expected) in [
            ("kim", &["kim"][..]),
            (r"\kim", &["kim"]),
            (r"EXAMPLE\kim", &[r"EXAMPLE\kim", "kim"]),
            ("kim@example.org", &["kim@example.org", "kim"]),
            (r"EXAMPLE\", &[r"EXAMPLE\"]),
            ("@example.org", &["@example.org"]),
        ] {
            assert_eq!(names(written), expected, "{written}");
        }
    }

    #[test]
    fn only_base64_of_a_name_and_a_password_is_one() {
        let read = |text: &str| Credentials::decode(text).map(|given| (given.name.to_string(), given.password.to_string()));
        assert_eq!(read("dTpw"), Some(("u".into(), "p".into())));
        assert_eq!(read(&STANDARD.encode("u:p:q")), Some(("u".into(), "p:q".into())));
        for wrong in ["", "dQ==", "*", &STANDARD.encode([b'u', b':', 0xff]), &STANDARD.encode("u:".repeat(3_000))] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_remembered_ends_and_belongs_to_one_pair() {
        let memory = Remembered::new(&[7; 32]);
        let given = |name: &str, password: &str| Credentials {
            name: Zeroizing::new(name.to_owned()),
            password: Zeroizing::new(password.to_owned()),
        };
        let who = Recognised { principal: certhold_domain::PrincipalId(1), generation: 1 };
        memory.keep(memory.tag(&given("ab", "c")), who, 1_000);
        assert_eq!(memory.find(&memory.tag(&given("ab", "c")), 60_999), Some(who));
        assert_eq!(memory.find(&memory.tag(&given("ab", "c")), 61_000), None, "a minute is over");
        assert_eq!(memory.find(&memory.tag(&given("ab", "c")), 999), None, "the clock went back");
        assert_eq!(memory.find(&memory.tag(&given("a", "bc")), 1_000), None);
        assert_ne!(memory.tag(&given("ab", "c")), Remembered::new(&[8; 32]).tag(&given("ab", "c")));
    }
}
