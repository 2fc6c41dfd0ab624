//! What a sign-in said of whoever started a piece of work, and what of it still counts while the work goes on.
//!
//! Nobody says it again: the token has ended, or is not at hand. So no more counts than what brought roles at the beginning and
//! brings the same ones now, by the word of somebody who has not changed since, and for a day: who has left a provider has left here.

use certhold_store::Tx;
use serde::{Deserialize, Serialize};

use crate::access::{self, ClaimKey, ClaimType, HeldRole};
use crate::error::Result;
use crate::identity_providers::{self, SpeakerState};
use crate::ids::RoleId;
use crate::limits;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Said {
    /// Unix milliseconds.
    at: i64,
    claims: Vec<SaidClaim>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SaidClaim {
    #[serde(rename = "type")]
    kind: String,
    value: String,
    provider: String,
    /// Of whoever said it, then.
    state: SpeakerState,
    /// What it brought.
    roles: Vec<i64>,
}

/// What is left of it.
#[derive(Default)]
pub(super) struct Left {
    pub roles: Vec<HeldRole>,
    /// Why not all counts any more.
    pub lapsed: Option<String>,
}

impl Said {
    /// Those of these claims that bring roles; `None` when none does.
    pub(super) fn of(tx: &mut Tx<'_>, claims: &[ClaimKey], now: i64) -> Result<Option<Said>> {
        let mut kept = Vec::new();
        for claim in claims {
            let roles = access::held_through(tx, claim)?;
            if roles.is_empty() {
                continue;
            }
            let Some(state) = identity_providers::speaker_of(tx, claim)? else { continue };
            kept.push(SaidClaim {
                kind: claim.kind.name().to_owned(),
                value: claim.value.clone(),
                provider: claim.provider.clone(),
                state,
                roles: roles.into_iter().map(|role| role.id.0).collect(),
            });
        }
        Ok((!kept.is_empty()).then_some(Said { at: now, claims: kept }))
    }

    /// The roles that it brought then and brings now.
    pub(super) fn left(self, tx: &mut Tx<'_>, now: i64) -> Result<Left> {
        let mut left = Left::default();
        let is_old = now.saturating_sub(self.at) >= limits::SAID_MS;
        for SaidClaim { kind, value, provider, state, roles } in self.claims {
            let again = "ask again, or have the account given the role";
            if is_old {
                left.lapsed = Some(format!("what {provider} said of whoever asked for this has counted for a day: {again}"));
                continue;
            }
            let Some(kind) = ClaimType::parse(&kind) else { continue };
            let key = ClaimKey { kind, value, provider };
            if identity_providers::speaker_of(tx, &key)? != Some(state) {
                let who = &key.provider;
                left.lapsed =
                    Some(format!("what {who} said of whoever asked for this counts no more, as {who} has changed: {again}"));
                continue;
            }
            let held = access::held_through(tx, &key)?.into_iter();
            left.roles.extend(held.filter(|role| roles.iter().any(|known| RoleId(*known) == role.id)));
        }
        Ok(left)
    }
}
