//! Counting what is within reach of a line, where no number is kept: a question each, which may take its time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use certhold_store::Tx;

use super::super::paths;
use super::Reach;
use crate::actor::Actor;
use crate::collections;
use crate::error::{Error, Refusal, Result};
use crate::ids::{CollectionId, RoleId};
use crate::inventory::{self, OwnerFilter};
use crate::stores::{self, Stored};

/// How many of these one review counts: each is a query of its own.
pub const COUNTED: usize = 500;

/// Certificates of a collection or in stores, of certain owners.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Within {
    place: Place,
    /// Only those of nobody and of these; all without it.
    owners: Option<Vec<RoleId>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Collection(CollectionId),
    Stores(Stored),
}

impl Within {
    /// What has to be counted for a line; `None` where a number is kept.
    pub(super) fn of(action: &str, reach: &Reach, owners: Option<&[(RoleId, String)]>) -> Option<Within> {
        let place = match reach {
            Reach::Everywhere | Reach::Set(..) => return None,
            Reach::Collection(id, _) => Place::Collection(*id),
            Reach::Container(id, _) => Place::Stores(Stored::In(*id)),
            // Certificates are seen through a container that the request names.
            Reach::Stores if action == paths::CERTIFICATES_READ => Place::Stores(Stored::InContainers),
            Reach::Stores => Place::Stores(Stored::Anywhere),
        };
        Some(Within { place, owners: owners.map(|owners| owners.iter().map(|(role, _)| *role).collect()) })
    }
}

/// What was counted; `None` for what cannot be said.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted(Arc<Mutex<HashMap<Within, Option<i64>>>>);

impl Counted {
    fn lock(&self) -> MutexGuard<'_, HashMap<Within, Option<i64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, within: &Within) -> Option<i64> {
        self.lock().get(within).copied().flatten()
    }

    pub(super) fn note(&self, within: &Within, count: Option<i64>) {
        self.lock().insert(within.clone(), count);
    }

    /// Those that are not counted yet, as far as so many may be.
    pub(super) fn missing<'a>(&self, wanted: impl Iterator<Item = &'a Within>) -> Vec<Within> {
        let known = self.lock();
        let mut missing: Vec<Within> = Vec::new();
        for within in wanted {
            if known.len() + missing.len() >= COUNTED {
                break;
            }
            if !known.contains_key(within) && !missing.contains(within) {
                missing.push(within.clone());
            }
        }
        missing
    }
}

/// In a collection that is gone there are none; one whose query cannot be understood any more is not counted.
pub(super) fn count(tx: &mut Tx<'_>, actor: &Actor, within: &Within, now: i64) -> Result<Option<i64>> {
    let collection = match within.place {
        Place::Collection(id) => id,
        Place::Stores(stored) => {
            let by_owner = stores::certificates_in(tx, stored)?;
            let of = |owner: Option<RoleId>| by_owner.get(&owner).copied().unwrap_or(0);
            return Ok(Some(match &within.owners {
                None => by_owner.values().sum(),
                Some(owners) => of(None) + owners.iter().map(|owner| of(Some(*owner))).sum::<i64>(),
            }));
        }
    };
    let condition = match collections::condition(tx, actor, collection, now) {
        Ok(condition) => condition,
        Err(Error::Refused(Refusal::NotFound { .. })) => return Ok(Some(0)),
        Err(Error::Refused(Refusal::Conflict(_))) => return Ok(None),
        Err(other) => return Err(other),
    };
    let of = |owner: Option<OwnerFilter>| inventory::Filter {
        condition: Some(condition.clone()),
        owner,
        ..inventory::Filter::default()
    };
    let nobody = std::iter::once(Some(OwnerFilter::Nobody));
    let filters: Vec<inventory::Filter> = match &within.owners {
        None => vec![of(None)],
        Some(owners) => nobody.chain(owners.iter().map(|owner| Some(OwnerFilter::Role(*owner)))).map(of).collect(),
    };
    let mut sum = 0;
    for filter in &filters {
        sum += inventory::count(tx, filter)?;
    }
    Ok(Some(sum))
}
