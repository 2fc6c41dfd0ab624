//! Stores as places where versions of managed certificates are deployed.

use certhold_store::{Tx, params};
use serde::{Deserialize, Serialize};

use super::owners::{self, Coming};
use super::rights::Right;
use super::{change, list};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::ids::StoreId;

/// An entry of a store that follows a managed certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreTarget {
    /// The store.
    pub store: StoreId,
    /// The entry's name.
    pub alias: String,
    /// Whether the private key goes with it.
    #[serde(default = "with_key")]
    pub include_key: bool,
}

fn with_key() -> bool {
    true
}

/// The target with its alias in the store's own form, if the actor may modify the store and move certificates into it, and nothing else
/// is deployed there: every version goes in without being asked for again.
pub(crate) fn check_target(tx: &mut Tx<'_>, actor: &Actor, wanted: &StoreTarget) -> Result<StoreTarget> {
    let store = list::with_right(tx, actor, wanted.store, Right::Modify)?;
    change::require_may_fill(tx, actor, &store)?;
    owners::require_may_bring(tx, actor, store.container_id(), Coming::Anything)?;
    let alias = store.kind.alias(&wanted.alias)?;
    if let Some(managed) = targeted(tx, store.id, Some(&alias))? {
        let message = format!("the managed certificate {managed:?} is deployed as {alias:?} into {:?} already", store.name);
        return Err(Refusal::Conflict(message).into());
    }
    Ok(StoreTarget { alias, ..wanted.clone() })
}

/// The name of the managed certificate that is deployed into a store: under this alias, or under any.
pub(crate) fn targeted(tx: &mut Tx<'_>, store: StoreId, alias: Option<&str>) -> Result<Option<String>> {
    let found = match alias {
        Some(alias) => tx.one(
            "SELECT lineage.name FROM deployment JOIN lineage ON lineage.id = deployment.lineage \
             WHERE deployment.store = $1 AND deployment.alias = $2",
            params![store, alias],
            |row| row.get(0),
        )?,
        None => tx.one(
            "SELECT lineage.name FROM deployment JOIN lineage ON lineage.id = deployment.lineage WHERE deployment.store = $1 LIMIT 1",
            params![store],
            |row| row.get(0),
        )?,
    };
    Ok(found)
}
