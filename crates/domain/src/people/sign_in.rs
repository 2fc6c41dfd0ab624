//! Signing in with a password: looked up in a read, verified outside, completed in a write.

use certhold_store::{Tx, params};
use serde_json::json;

use super::password::{Password, PasswordHash};
use super::session::{self, NewSession};
use crate::access::AccessCache;
use crate::actor::{Actor, ActorKind, Face};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{PrincipalId, SessionId};
use crate::{limits, lookalike};

/// A sign-in that is being tried.
#[derive(Clone)]
pub struct Attempt {
    account: String,
    known: Option<Known>,
    hash: PasswordHash,
    /// The name was written in another way than the account has it, where that counts.
    misspelt: bool,
}

#[derive(Clone)]
struct Known {
    id: PrincipalId,
    name: String,
    generation: i64,
}

/// Whether the password was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified(bool);

impl Attempt {
    /// Compares the password; costs tens of milliseconds whether or not the account exists.
    pub fn verify(&self, password: &Password) -> Verified {
        Verified(password.matches(&self.hash) && self.known.is_some() && !self.misspelt)
    }
}

/// Looks the account up; refuses while it is locked for this address.
pub fn attempt(tx: &mut Tx<'_>, name: &str, address: &str, now: i64) -> Result<Attempt> {
    let typed: String = name.trim().chars().filter(|c| *c != '\0').take(limits::NAME_CHARS).collect();
    let account = lookalike::fold(&typed);
    refuse_locked(tx, &account, address, now)?;
    let found = tx.one(
        "SELECT id, name, generation, password_hash FROM principal WHERE folded = $1 AND NOT disabled AND password_hash IS NOT NULL",
        params![&account],
        |row| {
            let known = Known { id: PrincipalId(row.get(0)?), name: row.get(1)?, generation: row.get(2)? };
            Ok((known, PasswordHash(row.get(3)?)))
        },
    )?;
    Ok(match found {
        Some((known, hash)) => Attempt { account, known: Some(known), hash, misspelt: false },
        None => Attempt::of_nobody(account),
    })
}

/// The account of exactly this name, in its very letters; another spelling is nobody's.
pub fn attempt_exactly(tx: &mut Tx<'_>, name: &str, address: &str, now: i64) -> Result<Attempt> {
    let found = attempt(tx, name, address, now)?;
    Ok(match &found.known {
        // Its failures count as those of the account: whom a guess is about decides whether it can be locked.
        Some(known) if known.name != name => Attempt { misspelt: true, ..found },
        _ => found,
    })
}

/// The first of these names that an account has, else the last of them: `kim`, where somebody typed `EXAMPLE\kim`.
pub fn attempt_as(tx: &mut Tx<'_>, names: &[String], address: &str, now: i64) -> Result<Attempt> {
    let (last, before) = names.split_last().ok_or_else(|| Refusal::Unauthenticated("a name is required".into()))?;
    for name in before {
        let found = attempt(tx, name, address, now)?;
        if found.known.is_some() {
            return Ok(found);
        }
    }
    attempt(tx, last, address, now)
}

/// Refuses while failures lock this account for this address.
pub(super) fn refuse_locked(tx: &mut Tx<'_>, account: &str, address: &str, now: i64) -> Result<()> {
    let until: Option<i64> = tx.one(
        "SELECT locked_until FROM sign_in_failure WHERE account = $1 AND address = $2",
        params![account, counted(address)],
        |row| row.get(0),
    )?;
    match until.filter(|until| *until > now) {
        Some(until) => Err(Refusal::LockedOut { until }.into()),
        None => Ok(()),
    }
}

impl Attempt {
    /// An attempt under a name that is no account's, to be counted.
    pub(super) fn of_nobody(account: String) -> Attempt {
        Attempt { account, known: None, hash: PasswordHash::of_nobody(), misspelt: false }
    }

    /// Whose hash was compared, if the account exists.
    pub(super) fn account_id(&self) -> Option<PrincipalId> {
        self.known.as_ref().map(|known| known.id)
    }
}

impl Verified {
    /// Whether the password was right.
    pub(super) fn is_right(self) -> bool {
        self.0
    }
}

/// What came of a sign-in: a session, or the refusal to show. Both are committed, since a failure counts.
pub type Outcome = Result<(SessionId, PrincipalId), Refusal>;

/// Completes a sign-in: opens the session, or counts the failure and locks after too many.
pub fn complete(
    tx: &mut Tx<'_>,
    anonymous: &Actor,
    attempt: &Attempt,
    verified: Verified,
    new: &NewSession,
    now: i64,
) -> Result<Outcome> {
    // Failures may have come in while this password was compared: guesses in parallel get no more tries than in a row.
    if let Err(error) = refuse_locked(tx, &attempt.account, &anonymous.address, now) {
        return match error.refusal() {
            Some(refusal) => Ok(Err(refusal.clone())),
            None => Err(error),
        };
    }
    match (&attempt.known, verified) {
        (Some(known), Verified(true)) => succeed(tx, anonymous, attempt, known, new, now),
        _ => fail(tx, anonymous, attempt, now),
    }
}

fn succeed(tx: &mut Tx<'_>, anonymous: &Actor, attempt: &Attempt, known: &Known, new: &NewSession, now: i64) -> Result<Outcome> {
    let generation: Option<i64> =
        tx.one("SELECT generation FROM principal WHERE id = $1 AND NOT disabled", params![known.id], |row| row.get(0))?;
    if generation != Some(known.generation) {
        return Ok(Err(Refusal::Unauthenticated("the account changed while you signed in: try again".into())));
    }
    tx.execute(
        "DELETE FROM sign_in_failure WHERE account = $1 AND address = $2",
        params![&attempt.account, counted(&anonymous.address)],
    )?;
    let id = session::open(tx, known.id, known.generation, &anonymous.address, new, now)?;
    let author = Actor { kind: ActorKind::Person, id: Some(known.id), name: known.name.clone(), ..anonymous.clone() };
    let object = Object::new("principal", known.id.0, &known.name);
    events::append(tx, &author, now, NewEvent::new(names::SIGN_IN_SUCCEEDED, object, json!({ "session": id })))?;
    Ok(Ok((id, known.id)))
}

/// Who was recognised by name and password, without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// The account.
    pub principal: PrincipalId,
    /// How often its credentials had changed by then: [`actor_of_generation`] knows them only while it is still the same.
    pub generation: i64,
}

/// Completes a sign-in that opens no session, because the password comes with every request (RFC 7617): counts a failure, or
/// forgets the failures. It is recorded once an hour for each account.
pub fn complete_without_session(
    tx: &mut Tx<'_>,
    anonymous: &Actor,
    attempt: &Attempt,
    verified: Verified,
    now: i64,
) -> Result<Result<Recognised, Refusal>> {
    match refuse_locked(tx, &attempt.account, &anonymous.address, now) {
        Err(Error::Refused(refusal)) => return Ok(Err(refusal)),
        other => other?,
    }
    let (Some(known), Verified(true)) = (&attempt.known, verified) else { return fail(tx, anonymous, attempt, now) };
    let row =
        tx.one("SELECT generation, last_seen_at FROM principal WHERE id = $1 AND NOT disabled", params![known.id], |row| {
            Ok((row.get::<i64>(0)?, row.get::<Option<i64>>(1)?))
        })?;
    let Some((_, last_seen)) = row.filter(|(generation, _)| *generation == known.generation) else {
        return Ok(Err(Refusal::Unauthenticated("the account changed while you signed in: try again".into())));
    };
    let forgotten = tx.execute(
        "DELETE FROM sign_in_failure WHERE account = $1 AND address = $2",
        params![&attempt.account, counted(&anonymous.address)],
    )?;
    if forgotten > 0 || last_seen.is_none_or(|seen| now - seen >= limits::SIGN_IN_QUIET_MS) {
        tx.execute("UPDATE principal SET last_seen_at = $1 WHERE id = $2", params![now, known.id])?;
        let author = Actor { kind: ActorKind::Person, id: Some(known.id), name: known.name.clone(), ..anonymous.clone() };
        let object = Object::new("principal", known.id.0, &known.name);
        events::append(tx, &author, now, NewEvent::new(names::SIGN_IN_SUCCEEDED, object, json!({ "session": null })))?;
    }
    Ok(Ok(Recognised { principal: known.id, generation: known.generation }))
}

/// Who was recognised a moment ago, unless their account or password has changed since.
pub fn actor_of_generation(tx: &mut Tx<'_>, cache: &AccessCache, who: Recognised, face: Face) -> Result<Actor> {
    let found = tx.one(
        "SELECT name, kind FROM principal WHERE id = $1 AND generation = $2 AND NOT disabled",
        params![who.principal, who.generation],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
    )?;
    let (name, kind) = found.ok_or_else(|| Refusal::Unauthenticated("the name or the password is wrong".into()))?;
    session::actor(tx, cache, who.principal, name, &kind, face, Vec::new())
}

/// Counts a failure; locks after too many. The caller commits it, since a failure counts.
pub(super) fn fail<T>(tx: &mut Tx<'_>, anonymous: &Actor, attempt: &Attempt, now: i64) -> Result<Result<T, Refusal>> {
    let address = counted(&anonymous.address);
    tx.execute("DELETE FROM sign_in_failure WHERE last_at < $1 AND locked_until < $2", params![now - limits::LOCK_OUT_MS, now])?;
    let count: i64 = tx
        .one(
            "INSERT INTO sign_in_failure (account, address, count, last_at, locked_until) VALUES ($1, $2, 1, $3, 0) \
             ON CONFLICT (account, address) DO UPDATE SET count = sign_in_failure.count + 1, last_at = $3 RETURNING count",
            params![&attempt.account, &address, now],
            |row| row.get(0),
        )?
        .unwrap_or(1);
    // A password typed into the wrong field must not be kept: an unknown name is not repeated.
    let name = attempt.known.as_ref().map_or("an unknown account", |known| &known.name);
    let object = Object { kind: "principal", id: attempt.known.as_ref().map(|known| known.id.0), name };
    if count < limits::SIGN_IN_FAILURES || is_break_glass(tx, attempt, &anonymous.address)? {
        events::append(tx, anonymous, now, NewEvent::new(names::SIGN_IN_FAILED, object, json!({ "failures": count })))?;
        return Ok(Err(Refusal::Unauthenticated("the name or the password is wrong".into())));
    }
    let until = now + limits::LOCK_OUT_MS;
    tx.execute(
        "UPDATE sign_in_failure SET locked_until = $1, count = 0 WHERE account = $2 AND address = $3",
        params![until, &attempt.account, &address],
    )?;
    events::append(tx, anonymous, now, NewEvent::new(names::SIGN_IN_LOCKED, object, json!({ "until": until })))?;
    Ok(Err(Refusal::LockedOut { until }))
}

/// Under what failures of an address are counted: an IPv6 network of 64 bits is one place, and a proxy that nobody declared does
/// not make two places of one.
fn counted(address: &str) -> String {
    let plain = address.split(' ').next().unwrap_or_default();
    match plain.parse::<std::net::IpAddr>().map(|address| address.to_canonical()) {
        Ok(std::net::IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(address) => address.to_string(),
        Err(_) => plain.to_owned(),
    }
}

/// An administrator at the machine itself is never locked out: whoever guesses from afar must not keep the owner from acting.
fn is_break_glass(tx: &mut Tx<'_>, attempt: &Attempt, address: &str) -> Result<bool> {
    let loopback = address.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    let Some(known) = attempt.known.as_ref().filter(|_| loopback) else { return Ok(false) };
    Ok(crate::access::of_principal(tx, known.id)?.is_administrator())
}
