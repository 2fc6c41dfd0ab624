//! API tokens: bound to a principal, bounded by scopes, ending by themselves.

use std::sync::Arc;

use certhold_store::{Row, Tx, params};
use serde_json::json;

use super::principals::{Principal, PrincipalKind};
use super::{principals, session};
use crate::access::{self, Access, AccessCache, Path, paths, tree, without_redundancy};
use crate::actor::{Actor, Face};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{PrincipalId, TokenId};
use crate::{identity_providers, limits, text};

/// An API token as shown; its text is shown once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its handle.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// The first characters of its text, to recognise it by.
    pub hint: String,
    /// What it may be used for at most; `/` for all its principal may do.
    pub scopes: Vec<String>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds; `None` for never.
    pub expires_at: Option<i64>,
    /// Unix milliseconds.
    pub revoked_at: Option<i64>,
}

/// Create a token.
#[derive(Clone)]
pub struct NewToken {
    /// The account it acts for.
    pub principal: PrincipalId,
    /// What it is for.
    pub name: String,
    /// SHA-256 of its text.
    pub hash: [u8; 32],
    /// The first characters of its text.
    pub hint: String,
    /// What it may be used for at most.
    pub scopes: Vec<String>,
    /// Unix milliseconds; `None` for never.
    pub expires_at: Option<i64>,
}

/// Creates a token: for oneself, or for a service account with the right to change security and all it holds.
pub fn create_token(tx: &mut Tx<'_>, actor: &Actor, command: &NewToken, now: i64) -> Result<TokenId> {
    let principal = require_may_act_for(tx, actor, command.principal)?;
    let name = text::name("name", &command.name)?;
    let scopes = checked_scopes(tx, actor, &command.scopes)?;
    require_no_later(actor, command.expires_at)?;
    if command.expires_at.is_some_and(|at| at <= now) {
        return Err(Refusal::invalid("expires_at", "a token must expire in the future").into());
    }
    let live: i64 = tx
        .one("SELECT count(*) FROM api_token WHERE principal = $1 AND revoked_at IS NULL", params![command.principal], |row| {
            row.get(0)
        })?
        .unwrap_or(0);
    if live >= limits::TOKENS {
        return Err(Refusal::Conflict(format!("the account has {live} tokens: revoke some first")).into());
    }
    let scopes_json = serde_json::to_string(&scopes).unwrap_or_else(|_| "[]".into());
    let id: Option<i64> = tx.one(
        "INSERT INTO api_token (token_hash, principal, name, hint, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        params![&command.hash, command.principal, &name, &command.hint, scopes_json, now, command.expires_at],
        |row| row.get(0),
    )?;
    let id = TokenId(id.ok_or_else(|| Error::damaged("a token got no id"))?);
    let after = json!({ "state": "live", "scopes": scopes, "expires_at": command.expires_at });
    let payload = json!({ "token": id, "name": name, "after": after });
    let object = Object::new("principal", command.principal.0, &principal.name);
    events::append(tx, actor, now, NewEvent::new(names::TOKEN_CREATED, object, payload))?;
    Ok(id)
}

/// Refuses unless the actor may make credentials for this account: it is their own, or one of a service that holds nothing beyond
/// what they hold, with the right to change security. Making one's own needs no right at all, so a credential that is bounded in
/// time or by scopes, an access token among them, makes none for its own account: whoever found one would keep what it opens.
pub(super) fn require_may_act_for(tx: &mut Tx<'_>, actor: &Actor, id: PrincipalId) -> Result<Principal> {
    let themselves = actor.id == Some(id);
    if !themselves {
        access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
        principals::require_not_above(tx, actor, id)?;
    } else if actor.ends_at.is_some() || actor.access.scopes.is_some() {
        let reason = "a token that has scopes or an end makes no credentials for its own account: sign in to make them".into();
        return Err(Refusal::Forbidden { reason, missing: Vec::new() }.into());
    }
    let principal = principals::find(tx, id)?;
    if !themselves && principal.kind == PrincipalKind::Person && !actor.access.unbounded {
        let reason = "people make their own tokens: nobody acts in another person's name".into();
        return Err(Refusal::Forbidden { reason, missing: Vec::new() }.into());
    }
    if principal.disabled {
        return Err(Refusal::Conflict(format!("the account {:?} is disabled", principal.name)).into());
    }
    identity_providers::require_own_credentials(&principal)?;
    Ok(principal)
}

/// Refuses a credential that would outlive the one with which it is made.
pub(super) fn require_no_later(actor: &Actor, expires_at: Option<i64>) -> Result<()> {
    match actor.ends_at {
        Some(end) if expires_at.is_none_or(|at| at > end) => {
            let reason =
                "a token that ends makes no credentials that end later or not at all: give them an earlier end, or sign in";
            Err(Refusal::Forbidden { reason: reason.into(), missing: Vec::new() }.into())
        }
        _ => Ok(()),
    }
}

/// Scopes that mean something, none wider than those of a token with which they are asked for.
pub(super) fn checked_scopes(tx: &mut Tx<'_>, actor: &Actor, scopes: &[String]) -> Result<Vec<Path>> {
    let scopes = without_redundancy(scopes).and_then(|scopes| tree::check_all("scopes", &scopes).map(|()| scopes));
    let scopes = scopes.map_err(about_scopes)?;
    if scopes.is_empty() {
        return Err(Refusal::invalid("scopes", "a token needs at least one scope; / means all its account may do").into());
    }
    refuse_wider_scope(tx, actor, &scopes)?;
    Ok(scopes)
}

/// The actor with the scopes of a credential, as they are kept.
pub(super) fn bounded(actor: Actor, scopes: &str) -> Result<Actor> {
    if scopes == "[\"/\"]" {
        return Ok(actor);
    }
    let scopes: Vec<Path> = serde_json::from_str(scopes).map_err(|error| Error::damaged(format!("token scopes: {error}")))?;
    Ok(Actor { access: Arc::new(Access { scopes: Some(scopes), ..Access::clone(&actor.access) }), ..actor })
}

/// The rules are those of permissions; the field is another one.
fn about_scopes(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Invalid { message, .. } => Refusal::invalid("scopes", message),
        other => other,
    }
}

/// A token used to make another one must not make a wider one.
fn refuse_wider_scope(tx: &mut Tx<'_>, actor: &Actor, scopes: &[Path]) -> Result<()> {
    let held = access::current(tx, actor)?;
    let Some(own) = &held.scopes else { return Ok(()) };
    match scopes.iter().find(|scope| !own.iter().any(|own| own.covers(scope.as_str()))) {
        None => Ok(()),
        Some(wider) => {
            let reason = "a token cannot make a token of wider scope".into();
            Err(Refusal::Forbidden { reason, missing: vec![wider.as_str().to_owned()] }.into())
        }
    }
}

/// Who presents this token. Expired, revoked and unknown tokens, and tokens of disabled accounts, get one answer.
pub fn actor_of_token(tx: &mut Tx<'_>, cache: &AccessCache, token_hash: &[u8; 32], face: Face, now: i64) -> Result<Actor> {
    let found = tx.one(
        "SELECT api_token.scopes, api_token.expires_at, principal.id, principal.name, principal.kind \
         FROM api_token JOIN principal ON principal.id = api_token.principal \
         WHERE api_token.token_hash = $1 AND api_token.revoked_at IS NULL AND NOT principal.disabled",
        params![token_hash],
        |row| {
            let token: (String, Option<i64>) = (row.get(0)?, row.get(1)?);
            let principal: (i64, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
            Ok((token, principal))
        },
    )?;
    let unknown = || Refusal::Unauthenticated("the token is unknown, expired or revoked".into());
    let ((scopes, expires_at), (principal, name, kind)) = found.ok_or_else(unknown)?;
    if expires_at.is_some_and(|at| now >= at) {
        return Err(unknown().into());
    }
    let actor = session::actor(tx, cache, PrincipalId(principal), name, &kind, face, Vec::new())?;
    bounded(Actor { ends_at: expires_at, ..actor }, &scopes)
}

/// The tokens of an account, newest first; everybody may see their own.
pub fn tokens_of(tx: &mut Tx<'_>, actor: &Actor, id: PrincipalId) -> Result<Vec<Token>> {
    principals::get(tx, actor, id)?;
    let tokens = tx.rows(
        "SELECT id, name, hint, scopes, created_at, expires_at, revoked_at FROM api_token WHERE principal = $1 ORDER BY id DESC LIMIT 1000",
        params![id],
        read,
    )?;
    Ok(tokens)
}

fn read(row: &Row<'_>) -> Result<Token, certhold_store::Error> {
    Ok(Token {
        id: TokenId(row.get(0)?),
        name: row.get(1)?,
        hint: row.get(2)?,
        scopes: serde_json::from_str(row.text(3)?).unwrap_or_default(),
        created_at: row.get(4)?,
        expires_at: row.get(5)?,
        revoked_at: row.get(6)?,
    })
}

/// Revokes a token: one's own, or anybody's with the right to change security.
pub fn revoke_token(tx: &mut Tx<'_>, actor: &Actor, id: TokenId, now: i64) -> Result<()> {
    let found = tx.one(
        "SELECT principal.id, principal.name, api_token.name, api_token.revoked_at FROM api_token \
         JOIN principal ON principal.id = api_token.principal WHERE api_token.id = $1",
        params![id],
        |row| Ok((PrincipalId(row.get(0)?), row.get::<String>(1)?, row.get::<String>(2)?, row.get::<Option<i64>>(3)?)),
    )?;
    let owner = found.as_ref().map(|(principal, ..)| *principal);
    let themselves = principals::is_self(actor, owner);
    if !themselves {
        access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
    }
    let (principal, account, name, revoked_at) = found.ok_or_else(|| Refusal::not_found("token", id))?;
    if !themselves {
        principals::require_not_above(tx, actor, principal)?;
    }
    if revoked_at.is_some() {
        return Ok(());
    }
    tx.execute("UPDATE api_token SET revoked_at = $1 WHERE id = $2", params![now, id])?;
    let payload = json!({ "token": id, "name": name, "before": { "state": "live" }, "after": { "state": "revoked" } });
    let object = Object::new("principal", principal.0, &account);
    events::append(tx, actor, now, NewEvent::new(names::TOKEN_REVOKED, object, payload))?;
    Ok(())
}

/// Housekeeping: forgets tokens that ended long ago. Their events stay.
pub fn purge_expired(tx: &mut Tx<'_>, before: i64) -> Result<u64> {
    Ok(tx.execute("DELETE FROM api_token WHERE expires_at < $1 OR revoked_at < $1", params![before])?)
}
