//! Whom a question is about, with the rights that they have.

use certhold_store::{Tx, params};

use super::super::claims;
use super::super::evaluate::Access;
use super::super::load::{self, parse_paths};
use super::super::{ClaimKey, ClaimType, current, paths, require_path};
use super::Subject;
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::ids::{ApiClientId, PrincipalId, TokenId};
use crate::people;

/// Whom it is about, with their rights.
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) access: Access,
    pub(super) is_oneself: bool,
    /// Why they may do nothing at all.
    pub(super) obstacle: Option<String>,
}

impl Asked {
    pub(super) fn about(tx: &mut Tx<'_>, actor: &Actor, subject: Subject, now: i64) -> Result<Asked> {
        let oneself = |tx: &mut Tx<'_>| {
            let access = Access::clone(&*current(tx, actor)?);
            Ok(Asked { name: actor.name.clone(), access, is_oneself: true, obstacle: None })
        };
        match subject {
            Subject::Oneself => oneself(tx),
            Subject::Principal(id) if actor.id == Some(id) => oneself(tx),
            Subject::Principal(id) => {
                require_path(tx, actor, paths::SECURITY_READ)?;
                Asked::account(tx, id, false)?.ok_or_else(|| Refusal::not_found("person or service account", id).into())
            }
            Subject::Token(id) => Asked::token(tx, actor, id, now),
            Subject::Client(id) => Asked::client(tx, actor, id),
            Subject::Claim(id) => {
                let claim = claims::get(tx, actor, id)?;
                let name = format!("whoever signs in with {}", claims::spoken(&claim.key));
                Ok(Asked { name, access: load::of_claim(tx, id)?, is_oneself: false, obstacle: None })
            }
        }
    }

    fn account(tx: &mut Tx<'_>, id: PrincipalId, is_oneself: bool) -> Result<Option<Asked>> {
        let found: Option<(String, bool)> =
            tx.one("SELECT name, disabled FROM principal WHERE id = $1", params![id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let Some((name, disabled)) = found else { return Ok(None) };
        // What would be held again is explained too, so that the roles of a disabled account can be seen.
        let access = load::assigned(tx, id)?;
        let obstacle = disabled.then(|| format!("The account {name} is disabled, so it may do nothing."));
        Ok(Some(Asked { name, access, is_oneself, obstacle }))
    }

    fn token(tx: &mut Tx<'_>, actor: &Actor, id: TokenId, now: i64) -> Result<Asked> {
        let found =
            tx.one("SELECT principal, name, scopes, expires_at, revoked_at FROM api_token WHERE id = $1", params![id], |row| {
                let ends: (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
                Ok((PrincipalId(row.get(0)?), row.get::<String>(1)?, row.get::<String>(2)?, ends))
            })?;
        let is_oneself = found.as_ref().is_some_and(|(principal, ..)| actor.id == Some(*principal));
        if !is_oneself {
            require_path(tx, actor, paths::SECURITY_READ)?;
        }
        let unknown = || Refusal::not_found("token", id);
        let (principal, name, bound, (expires_at, revoked_at)) = found.ok_or_else(unknown)?;
        let asked = Asked::account(tx, principal, is_oneself)?.ok_or_else(unknown)?;
        let mut asked = asked.within(&bound)?;
        asked.name = format!("{} by the token {name}", asked.name);
        if revoked_at.is_some() {
            asked.obstacle = Some(format!("The token {name} is revoked, so it may do nothing."));
        } else if expires_at.is_some_and(|at| now >= at) {
            asked.obstacle = Some(format!("The token {name} has expired, so it may do nothing."));
        }
        Ok(asked)
    }

    /// The access tokens of a client say which client they were given to, and roles may be held through that.
    fn client(tx: &mut Tx<'_>, actor: &Actor, id: ApiClientId) -> Result<Asked> {
        let found =
            tx.one("SELECT principal, client_id, name, scopes, revoked_at FROM api_client WHERE id = $1", params![id], |row| {
                let texts: (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
                Ok((PrincipalId(row.get(0)?), texts, row.get::<Option<i64>>(4)?))
            })?;
        let is_oneself = found.as_ref().is_some_and(|(principal, ..)| actor.id == Some(*principal));
        if !is_oneself {
            require_path(tx, actor, paths::SECURITY_READ)?;
        }
        let unknown = || Refusal::not_found("API client", id);
        let (principal, (client_id, name, bound), revoked_at) = found.ok_or_else(unknown)?;
        let mut asked = Asked::account(tx, principal, is_oneself)?.ok_or_else(unknown)?;
        let key = ClaimKey { kind: ClaimType::OauthClientId, value: client_id, provider: people::OWN_PROVIDER.into() };
        for role in load::held_through(tx, &key)? {
            if asked.access.roles.iter().all(|known| known.id != role.id) {
                asked.access.roles.push(role);
            }
        }
        let mut asked = asked.within(&bound)?;
        asked.name = format!("{} by the API client {name}", asked.name);
        if revoked_at.is_some() {
            asked.obstacle = Some(format!("The API client {name} is revoked, so it may do nothing."));
        }
        Ok(asked)
    }

    /// Bounded by scopes, of which everything is no bound.
    fn within(mut self, bound: &str) -> Result<Asked> {
        self.access.scopes = Some(parse_paths(bound)?).filter(|bound| bound.iter().all(|path| path.as_str() != paths::ALL));
        Ok(self)
    }
}
