//! Whoever started an edit or another piece of work, as long as it runs: with the rights they have now.

use std::sync::Arc;

use certhold_store::Tx;
use serde::{Deserialize, Serialize};

use crate::access::{self, Access, Path};
use crate::actor::{Actor, ActorKind, Face};
use crate::error::{Error, Result};
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
}

impl Author {
    pub(crate) fn of(actor: &Actor) -> Author {
        let scopes = actor.access.scopes.as_ref();
        Author {
            kind: actor.kind.name().to_owned(),
            id: actor.id.map(|id| id.0),
            name: actor.name.clone(),
            face: actor.face.name().to_owned(),
            request: actor.request.clone(),
            address: actor.address.clone(),
            scopes: scopes.map(|scopes| serde_json::to_string(scopes).unwrap_or_else(|_| "[]".into())),
        }
    }

    /// The actor with the rights of this transaction.
    pub(crate) fn recall(&self, tx: &mut Tx<'_>) -> Result<Actor> {
        let kind = ActorKind::parse(&self.kind).ok_or_else(|| Error::damaged(format!("actor kind {:?}", self.kind)))?;
        let mut held = match (kind, self.id) {
            (ActorKind::Local | ActorKind::System, None) => Access::everything(),
            (_, Some(id)) => access::of_principal(tx, PrincipalId(id))?,
            _ => Access::nothing(),
        };
        if let Some(scopes) = &self.scopes {
            let scopes: Vec<Path> = serde_json::from_str(scopes)
                .map_err(|error| Error::damaged(format!("scopes of an edit of many certificates: {error}")))?;
            held.scopes = Some(scopes);
        }
        Ok(Actor {
            kind,
            id: self.id.map(PrincipalId),
            name: self.name.clone(),
            face: Face::parse(&self.face).unwrap_or(Face::Worker),
            request: self.request.clone(),
            address: self.address.clone(),
            access: Arc::new(held),
            claims: Vec::new(),
        })
    }
}
