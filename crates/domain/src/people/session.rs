//! Browser sessions and the making of credentials.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certhold_store::{Tx, params};
use secrecy::SecretString;
use serde_json::json;
use zeroize::Zeroizing;

use super::principals;
use crate::access::{self, AccessCache, ClaimKey, paths};
use crate::actor::{Actor, ActorKind, Face};
use crate::core::Entropy;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{PrincipalId, SessionId};
use crate::limits;

/// 256 random bits: the text goes to its holder once, only the SHA-256 is kept.
pub struct Credential {
    /// What the holder presents.
    pub text: SecretString,
    /// What is kept.
    pub hash: [u8; 32],
}

impl Credential {
    /// A fresh credential; `prefix` tells people and scanners what it is ("cht_").
    pub fn generate(entropy: &dyn Entropy, prefix: &str) -> Credential {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut());
        let text = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes.as_ref()));
        let hash = Credential::hash_of(&text);
        Credential { text: SecretString::from(text), hash }
    }

    /// What is kept of a presented credential. Looking a 256-bit secret up by its digest leaks nothing by timing.
    pub fn hash_of(text: &str) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        out
    }
}

/// A signed-in browser as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its handle.
    pub id: SessionId,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub expires_at: i64,
    /// Unix milliseconds, to the minute.
    pub last_seen_at: i64,
    /// The peer's address at sign-in.
    pub address: String,
    /// The browser's own name for itself at sign-in.
    pub agent: String,
}

/// What a new session needs.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// The browser's own name for itself.
    pub agent: String,
}

pub(super) fn open(
    tx: &mut Tx<'_>,
    principal: PrincipalId,
    generation: i64,
    address: &str,
    new: &NewSession,
    now: i64,
) -> Result<SessionId> {
    tx.execute("DELETE FROM session WHERE expires_at <= $1", params![now])?;
    let agent: String = new.agent.chars().filter(|c| !c.is_control()).take(limits::NAME_CHARS).collect();
    let id: Option<i64> = tx.one(
        "INSERT INTO session (token_hash, principal, generation, created_at, expires_at, last_seen_at, address, agent) \
         VALUES ($1, $2, $3, $4, $5, $4, $6, $7) RETURNING id",
        params![&new.token_hash, principal, generation, now, now + limits::SESSION_MS, address, agent],
        |row| row.get(0),
    )?;
    tx.execute("UPDATE principal SET last_seen_at = $1 WHERE id = $2", params![now, principal])?;
    id.map(SessionId).ok_or_else(|| Error::damaged("a session got no id"))
}

/// Who presents this session token. `touch` in the answer says that the session should be marked as seen (about once a minute).
pub fn actor_of_session(
    tx: &mut Tx<'_>,
    cache: &AccessCache,
    token_hash: &[u8; 32],
    face: Face,
    now: i64,
) -> Result<(Actor, SessionId, bool)> {
    let found = tx.one(
        "SELECT session.id, session.expires_at, session.last_seen_at, principal.id, principal.name, principal.kind \
         FROM session JOIN principal ON principal.id = session.principal \
         WHERE session.token_hash = $1 AND session.generation = principal.generation AND NOT principal.disabled",
        params![token_hash],
        |row| {
            let id: i64 = row.get(0)?;
            let times: (i64, i64) = (row.get(1)?, row.get(2)?);
            let principal: (i64, String, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
            Ok((SessionId(id), times, principal))
        },
    )?;
    let ended = || Refusal::Unauthenticated("your session has ended: sign in again".into());
    let (id, (expires_at, last_seen_at), (principal, name, kind)) = found.ok_or_else(ended)?;
    if now >= expires_at || now - last_seen_at >= limits::SESSION_IDLE_MS {
        return Err(ended().into());
    }
    let actor = actor(tx, cache, PrincipalId(principal), name, &kind, face, Vec::new())?;
    Ok((actor, id, now - last_seen_at >= TOUCH_MS))
}

/// How exactly "last seen" is kept.
const TOUCH_MS: i64 = 60_000;

/// Marks a session as seen. Not an event: it decides nothing.
pub fn touch(tx: &mut Tx<'_>, id: SessionId, now: i64) -> Result<()> {
    tx.execute("UPDATE session SET last_seen_at = $1 WHERE id = $2 AND last_seen_at < $1", params![now, id])?;
    Ok(())
}

/// An account that has proved who it is, with what it holds now.
pub(crate) fn actor(
    tx: &mut Tx<'_>,
    cache: &AccessCache,
    id: PrincipalId,
    name: String,
    kind: &str,
    face: Face,
    claims: Vec<ClaimKey>,
) -> Result<Actor> {
    let kind = if kind == "person" { ActorKind::Person } else { ActorKind::Service };
    let access: Arc<access::Access> = cache.get_with(tx, id, &claims)?;
    Ok(Actor { kind, id: Some(id), name, face, request: String::new(), address: String::new(), claims, ends_at: None, access })
}

/// The live sessions of an account; everybody may see their own.
pub fn sessions_of(tx: &mut Tx<'_>, actor: &Actor, id: PrincipalId, now: i64) -> Result<Vec<Session>> {
    principals::get(tx, actor, id)?;
    let sessions = tx.rows(
        "SELECT id, created_at, expires_at, last_seen_at, address, agent FROM session WHERE principal = $1 AND expires_at > $2 ORDER BY id DESC",
        params![id, now],
        |row| {
            Ok(Session {
                id: SessionId(row.get(0)?),
                created_at: row.get(1)?,
                expires_at: row.get(2)?,
                last_seen_at: row.get(3)?,
                address: row.get::<Option<String>>(4)?.unwrap_or_default(),
                agent: row.get::<Option<String>>(5)?.unwrap_or_default(),
            })
        },
    )?;
    Ok(sessions)
}

/// Ends a session: one's own, or anybody's with the right to change security.
pub fn end_session(tx: &mut Tx<'_>, actor: &Actor, id: SessionId, now: i64) -> Result<()> {
    let found = tx.one(
        "SELECT principal.id, principal.name FROM session JOIN principal ON principal.id = session.principal WHERE session.id = $1",
        params![id],
        |row| Ok((PrincipalId(row.get(0)?), row.get::<String>(1)?)),
    )?;
    let owner = found.as_ref().map(|(principal, _)| *principal);
    let themselves = principals::is_self(actor, owner);
    if !themselves {
        access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
    }
    let (principal, name) = found.ok_or_else(|| Refusal::not_found("session", id))?;
    if !themselves {
        principals::require_not_above(tx, actor, principal)?;
    }
    tx.execute("DELETE FROM session WHERE id = $1", params![id])?;
    let object = Object::new("principal", principal.0, &name);
    events::append(tx, actor, now, NewEvent::new(names::SESSION_ENDED, object, json!({ "session": id })))?;
    Ok(())
}

/// Ends all sessions of an account.
pub fn end_all_sessions(tx: &mut Tx<'_>, actor: &Actor, id: PrincipalId, now: i64) -> Result<()> {
    if !principals::is_self(actor, Some(id)) {
        access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
        principals::require_not_above(tx, actor, id)?;
    }
    let principal = principals::find(tx, id)?;
    let ended = forget_all(tx, id)?;
    let object = Object::new("principal", id.0, &principal.name);
    events::append(tx, actor, now, NewEvent::new(names::SESSION_ENDED, object, json!({ "sessions": ended })))?;
    Ok(())
}

pub(super) fn forget_all(tx: &mut Tx<'_>, principal: PrincipalId) -> Result<u64> {
    tx.execute("DELETE FROM bound_token WHERE principal = $1", params![principal])?;
    Ok(tx.execute("DELETE FROM session WHERE principal = $1", params![principal])?)
}
