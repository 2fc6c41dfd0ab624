//! API clients: an id and a secret with which a program gets access tokens (OAuth 2 client credentials, RFC 6749 section 4.4).
//!
//! An access token acts for the account of its client, within the client's scopes, for an hour. The sign-in says which client it
//! was, so roles can also be held through a claim of the type `oauth_client_id`.

use certhold_store::{Row, Tx, params};
use serde_json::json;

use super::sign_in::{self, Attempt};
use super::token::{bounded, checked_scopes, require_may_act_for, require_no_later};
use super::{principals, session};
use crate::access::{self, AccessCache, ClaimKey, ClaimType, paths};
use crate::actor::{Actor, ActorKind, Face};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{ApiClientId, PrincipalId};
use crate::{limits, text};

/// The authentication scheme of claims that this server's own sign-ins make.
pub const OWN_PROVIDER: &str = "Certhold";

/// An API client as shown; its secret is shown once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiClient {
    /// Its handle.
    pub id: ApiClientId,
    /// What it presents beside its secret.
    pub client_id: String,
    /// What it is for.
    pub name: String,
    /// What its tokens may be used for at most; `/` for all its account may do.
    pub scopes: Vec<String>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub revoked_at: Option<i64>,
}

/// Create an API client.
#[derive(Clone)]
pub struct NewApiClient {
    /// The account it acts for.
    pub principal: PrincipalId,
    /// What it is for.
    pub name: String,
    /// A fresh random identifier.
    pub client_id: String,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// What its tokens may be used for at most.
    pub scopes: Vec<String>,
}

/// Creates an API client: for oneself, or for a service account, like a token. It has no end, so no credential that ends makes one.
pub fn create_client(tx: &mut Tx<'_>, actor: &Actor, command: &NewApiClient, now: i64) -> Result<ApiClientId> {
    let principal = require_may_act_for(tx, actor, command.principal)?;
    require_no_later(actor, None)?;
    let name = text::name("name", &command.name)?;
    let scopes = checked_scopes(tx, actor, &command.scopes)?;
    let live: i64 = tx
        .one("SELECT count(*) FROM api_client WHERE principal = $1 AND revoked_at IS NULL", params![command.principal], |row| {
            row.get(0)
        })?
        .unwrap_or(0);
    if live >= limits::API_CLIENTS {
        return Err(Refusal::Conflict(format!("the account has {live} API clients: revoke some first")).into());
    }
    let id: Option<i64> = tx.one(
        "INSERT INTO api_client (client_id, secret_hash, principal, name, scopes, created_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        params![&command.client_id, &command.secret_hash, command.principal, &name, access::paths_json(&scopes), now],
        |row| row.get(0),
    )?;
    let id = ApiClientId(id.ok_or_else(|| Error::damaged("an API client got no id"))?);
    let payload = json!({ "client": id, "client_id": command.client_id, "name": name, "scopes": scopes });
    let object = Object::new("principal", command.principal.0, &principal.name);
    events::append(tx, actor, now, NewEvent::new(names::API_CLIENT_CREATED, object, payload))?;
    Ok(id)
}

const COLUMNS: &str =
    "api_client.id, api_client.client_id, api_client.name, api_client.scopes, api_client.created_at, api_client.revoked_at";

fn read(row: &Row<'_>) -> Result<ApiClient, certhold_store::Error> {
    Ok(ApiClient {
        id: ApiClientId(row.get(0)?),
        client_id: row.get(1)?,
        name: row.get(2)?,
        scopes: serde_json::from_str(row.text(3)?).unwrap_or_default(),
        created_at: row.get(4)?,
        revoked_at: row.get(5)?,
    })
}

/// What the access tokens of an account's live clients say of them beside whose they are.
pub(super) fn claims_of(tx: &mut Tx<'_>, id: PrincipalId) -> Result<Vec<ClaimKey>> {
    let sql = "SELECT client_id FROM api_client WHERE principal = $1 AND revoked_at IS NULL ORDER BY id";
    Ok(tx.rows(sql, params![id], |row| row.get(0))?.into_iter().map(claim_of).collect())
}

fn claim_of(client_id: String) -> ClaimKey {
    ClaimKey { kind: ClaimType::OauthClientId, value: client_id, provider: OWN_PROVIDER.into() }
}

/// The API clients of an account, newest first; everybody may see their own.
pub fn clients_of(tx: &mut Tx<'_>, actor: &Actor, id: PrincipalId) -> Result<Vec<ApiClient>> {
    principals::get(tx, actor, id)?;
    let sql = format!("SELECT {COLUMNS} FROM api_client WHERE principal = $1 ORDER BY id DESC LIMIT 1000");
    Ok(tx.rows(&sql, params![id], read)?)
}

/// One that the actor may change, with its account: their own, or anybody's with the right to change security.
fn changeable(tx: &mut Tx<'_>, actor: &Actor, id: ApiClientId) -> Result<(ApiClient, PrincipalId, String)> {
    let sql = format!(
        "SELECT {COLUMNS}, principal.id, principal.name FROM api_client JOIN principal ON principal.id = api_client.principal WHERE api_client.id = $1"
    );
    let found = tx.one(&sql, params![id], |row| Ok((read(row)?, PrincipalId(row.get(6)?), row.get::<String>(7)?)))?;
    let themselves = principals::is_self(actor, found.as_ref().map(|(_, principal, _)| *principal));
    if !themselves {
        access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
    }
    let found = found.ok_or_else(|| Refusal::not_found("API client", id))?;
    if !themselves {
        principals::require_not_above(tx, actor, found.1)?;
    }
    Ok(found)
}

/// Gives a client another secret. The old one is of no use any more, and the tokens that it was given end.
pub fn renew_client(tx: &mut Tx<'_>, actor: &Actor, id: ApiClientId, secret_hash: &[u8; 32], now: i64) -> Result<()> {
    let (client, principal, account) = changeable(tx, actor, id)?;
    require_may_act_for(tx, actor, principal)?;
    require_no_later(actor, None)?;
    checked_scopes(tx, actor, &client.scopes)?;
    if client.revoked_at.is_some() {
        return Err(Refusal::Conflict(format!("the API client {:?} is revoked: create another one", client.name)).into());
    }
    tx.execute("UPDATE api_client SET secret_hash = $1 WHERE id = $2", params![secret_hash, id])?;
    tx.execute("DELETE FROM access_token WHERE client = $1", params![id])?;
    let payload = json!({
        "client": id, "client_id": client.client_id, "name": client.name, "before": { "secret": "set" },
        "after": { "secret": "changed" },
    });
    let object = Object::new("principal", principal.0, &account);
    events::append(tx, actor, now, NewEvent::new(names::API_CLIENT_RENEWED, object, payload))?;
    Ok(())
}

/// Revokes a client, and the tokens that it was given.
pub fn revoke_client(tx: &mut Tx<'_>, actor: &Actor, id: ApiClientId, now: i64) -> Result<()> {
    let (client, principal, account) = changeable(tx, actor, id)?;
    if client.revoked_at.is_some() {
        return Ok(());
    }
    tx.execute("UPDATE api_client SET revoked_at = $1 WHERE id = $2", params![now, id])?;
    tx.execute("DELETE FROM access_token WHERE client = $1", params![id])?;
    let payload = json!({
        "client": id, "client_id": client.client_id, "name": client.name, "before": { "state": "live" },
        "after": { "state": "revoked" },
    });
    let object = Object::new("principal", principal.0, &account);
    events::append(tx, actor, now, NewEvent::new(names::API_CLIENT_REVOKED, object, payload))?;
    Ok(())
}

/// Ask for an access token.
#[derive(Clone)]
pub struct TokenRequest {
    /// Who asks.
    pub client_id: String,
    /// SHA-256 of the secret they present.
    pub secret_hash: [u8; 32],
    /// SHA-256 of the token that they will get.
    pub token_hash: [u8; 32],
}

/// Gives a client an access token; when it ends, unix milliseconds. An unknown client, a wrong secret, a revoked client and a
/// disabled account get one answer, and count like failed sign-ins; the inner refusal is committed with the count.
pub fn issue_access_token(tx: &mut Tx<'_>, anonymous: &Actor, request: &TokenRequest, now: i64) -> Result<Result<i64, Refusal>> {
    let presented: String = request.client_id.chars().filter(|c| *c != '\0').take(limits::NAME_CHARS).collect();
    let account = format!("client {presented}");
    match sign_in::refuse_locked(tx, &account, &anonymous.address, now) {
        Err(Error::Refused(refusal)) => return Ok(Err(refusal)),
        other => other?,
    }
    let found = tx.one(
        "SELECT api_client.id, api_client.secret_hash, api_client.name, principal.id, principal.name, principal.kind FROM api_client \
         JOIN principal ON principal.id = api_client.principal \
         WHERE api_client.client_id = $1 AND api_client.revoked_at IS NULL AND NOT principal.disabled",
        params![&presented],
        |row| {
            let client: (i64, Vec<u8>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let principal: (i64, String, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
            Ok((client, principal))
        },
    )?;
    let right =
        found.filter(|((_, hash, _), _)| aws_lc_rs::constant_time::verify_slices_are_equal(hash, &request.secret_hash).is_ok());
    let Some(((client, _, name), (principal, account_name, kind))) = right else {
        let attempt = Attempt::of_nobody(account);
        let refused: Result<i64, Refusal> = sign_in::fail(tx, anonymous, &attempt, now)?;
        return Ok(refused.map_err(|refusal| match refusal {
            Refusal::Unauthenticated(_) => Refusal::Unauthenticated("the client id or its secret is wrong".into()),
            other => other,
        }));
    };
    tx.execute("DELETE FROM access_token WHERE expires_at <= $1", params![now])?;
    let expires_at = now + limits::ACCESS_TOKEN_MS;
    tx.execute(
        "INSERT INTO access_token (token_hash, client, issued_at, expires_at) VALUES ($1, $2, $3, $4)",
        params![&request.token_hash, client, now, expires_at],
    )?;
    let kind = if kind == "person" { ActorKind::Person } else { ActorKind::Service };
    let author = Actor { kind, id: Some(PrincipalId(principal)), name: account_name.clone(), ..anonymous.clone() };
    let payload = json!({ "client": client, "client_id": presented, "name": name, "expires_at": expires_at });
    let object = Object::new("principal", principal, &account_name);
    events::append(tx, &author, now, NewEvent::new(names::ACCESS_TOKEN_ISSUED, object, payload))?;
    Ok(Ok(expires_at))
}

/// Who presents this access token.
pub fn actor_of_access_token(tx: &mut Tx<'_>, cache: &AccessCache, token_hash: &[u8; 32], face: Face, now: i64) -> Result<Actor> {
    let sql = format!(
        "SELECT access_token.expires_at, api_client.client_id, api_client.scopes, principal.id, principal.name, principal.kind, {} \
         FROM access_token JOIN api_client ON api_client.id = access_token.client \
         JOIN principal ON principal.id = api_client.principal \
         WHERE access_token.token_hash = $1 AND api_client.revoked_at IS NULL AND NOT principal.disabled",
        access::VERSION
    );
    let found = tx.one(&sql, params![token_hash], |row| {
        let token: (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let principal: (i64, String, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
        Ok((token, principal, row.get::<i64>(6)?))
    })?;
    let unknown = || Refusal::Unauthenticated("the token is unknown, expired or revoked".into());
    let ((expires_at, client_id, scopes), (principal, name, kind), version) = found.ok_or_else(unknown)?;
    access::version_was(tx, version);
    if now >= expires_at {
        return Err(unknown().into());
    }
    let actor = session::actor(tx, cache, PrincipalId(principal), name, &kind, face, vec![claim_of(client_id)])?;
    bounded(Actor { ends_at: Some(expires_at), ..actor }, &scopes)
}
