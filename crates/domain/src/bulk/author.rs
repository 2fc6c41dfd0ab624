//! Whoever started an edit or another piece of work, as long as it runs: with the rights they have now.

use std::sync::Arc;

use certhold_store::Tx;
use serde::{Deserialize, Serialize};

use super::said::{Left, Said};
use crate::access::{self, Access, Path};
use crate::actor::{Actor, ActorKind, Face};
use crate::error::{Error, Refusal, Result};
use crate::ids::PrincipalId;

/// What is kept of an actor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Author {
    pub kind: String,
    pub id: Option<i64>,
    pub name: String,
    pub face: String,
    pub request: String,
    pub address: String,
    pub scopes: Option<String>,
    /// What their sign-in said of them ([`Said`] as JSON), if it brought roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// Whoever started it, now.
pub(crate) struct Recalled {
    pub actor: Actor,
    /// Why something that was said of them does not count any more.
    lapsed: Option<String>,
}

impl Recalled {
    /// What came of their right, with the reason where it is one that only they can mend.
    pub(crate) fn explained<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.map_err(|error| match (error, &self.lapsed) {
            (Error::Refused(Refusal::Forbidden { reason, missing }), Some(lapsed)) => {
                let reason = if reason.is_empty() { lapsed.clone() } else { format!("{reason}; {lapsed}") };
                Refusal::Forbidden { reason, missing }.into()
            }
            (error, _) => error,
        })
    }
}

impl Author {
    /// The actor, with what their sign-in says of them in this transaction.
    pub(crate) fn of(tx: &mut Tx<'_>, actor: &Actor, now: i64) -> Result<Author> {
        let scopes = actor.access.scopes.as_ref();
        let said = match actor.id {
            Some(_) => Said::of(tx, &actor.claims, now)?,
            None => None,
        };
        let said = said.map(|said| serde_json::to_string(&said)).transpose();
        Ok(Author {
            kind: actor.kind.name().to_owned(),
            id: actor.id.map(|id| id.0),
            name: actor.name.clone(),
            face: actor.face.name().to_owned(),
            request: actor.request.clone(),
            address: actor.address.clone(),
            scopes: scopes.map(|scopes| serde_json::to_string(scopes).unwrap_or_else(|_| "[]".into())),
            said: said.map_err(|error| Error::damaged(error.to_string()))?,
        })
    }

    /// The actor with the rights of this transaction.
    pub(crate) fn recall(&self, tx: &mut Tx<'_>, now: i64) -> Result<Recalled> {
        let kind = ActorKind::parse(&self.kind).ok_or_else(|| Error::damaged(format!("actor kind {:?}", self.kind)))?;
        let mut held = match (kind, self.id) {
            (ActorKind::Local | ActorKind::System, None) => Access::everything(),
            (_, Some(id)) => access::of_principal(tx, PrincipalId(id))?,
            _ => Access::nothing(),
        };
        let left = self.left(tx, now)?;
        for role in left.roles {
            if held.roles.iter().all(|known| known.id != role.id) {
                held.roles.push(role);
            }
        }
        if let Some(scopes) = &self.scopes {
            let scopes: Vec<Path> = serde_json::from_str(scopes)
                .map_err(|error| Error::damaged(format!("scopes of an edit of many certificates: {error}")))?;
            held.scopes = Some(scopes);
        }
        let actor = Actor {
            kind,
            id: self.id.map(PrincipalId),
            name: self.name.clone(),
            face: Face::parse(&self.face).unwrap_or(Face::Worker),
            request: self.request.clone(),
            address: self.address.clone(),
            access: Arc::new(held),
            claims: Vec::new(),
            ends_at: None,
        };
        Ok(Recalled { actor, lapsed: left.lapsed })
    }

    /// What is left of what was said of them; nothing for an account that is disabled.
    fn left(&self, tx: &mut Tx<'_>, now: i64) -> Result<Left> {
        let (Some(said), Some(id)) = (&self.said, self.id) else { return Ok(Left::default()) };
        if !access::is_enabled(tx, PrincipalId(id))? {
            return Ok(Left::default());
        }
        let said: Said =
            serde_json::from_str(said).map_err(|error| Error::damaged(format!("what was said of an author: {error}")))?;
        said.left(tx, now)
    }
}
