//! Who may do what, and why: roles grant paths, permission sets bound roles, claims hold roles, one pure function decides.

pub mod audit;
pub mod claims;
pub(crate) mod delegation;
mod evaluate;
pub(crate) mod grants;
mod holders;
mod load;
pub mod paths;
pub mod review;
pub mod roles;
pub mod sets;
pub mod tree;
pub mod why;

pub use claims::{ClaimKey, ClaimType};
pub use evaluate::{Access, Decision, HeldRole, Level, Need, Path, Tried, Verdict, covers_any, effective, without_redundancy};
pub use grants::of_somebody as on_objects;
pub use load::{AccessCache, changed, of_principal, of_somebody};
pub(crate) use load::{VERSION, all_roles, assigned, held_through, is_enabled, parse_paths, paths_json, version_was};

use certhold_store::Tx;

use crate::actor::Actor;
use crate::error::{Refusal, Result};

/// Refuses unless `actor` holds `need` *now*: rights loaded with the credentials are loaded again when the access tables have
/// changed since.
pub fn require(tx: &mut Tx<'_>, actor: &Actor, need: &Need) -> Result<()> {
    match decide(tx, actor, need)? {
        Decision::Allowed { .. } => Ok(()),
        Decision::Denied { missing, reason } => Err(Refusal::Forbidden { reason, missing }.into()),
    }
}

/// [`require`] for a right held system-wide.
pub fn require_path(tx: &mut Tx<'_>, actor: &Actor, path: &str) -> Result<()> {
    require(tx, actor, &Need::system(path))
}

/// The decision with its reason.
pub fn decide(tx: &mut Tx<'_>, actor: &Actor, need: &Need) -> Result<Decision> {
    Ok(current(tx, actor)?.evaluate(need))
}

/// Whether `actor` holds `path` system-wide now.
pub fn allows(tx: &mut Tx<'_>, actor: &Actor, path: &str) -> Result<bool> {
    Ok(matches!(decide(tx, actor, &Need::system(path))?, Decision::Allowed { .. }))
}

/// The actor's own rights as of this transaction, for faces that show what can be chosen.
pub fn held(tx: &mut Tx<'_>, actor: &Actor) -> Result<std::sync::Arc<Access>> {
    current(tx, actor)
}

/// The actor's rights as of this transaction.
pub(crate) fn current(tx: &mut Tx<'_>, actor: &Actor) -> Result<std::sync::Arc<Access>> {
    let is_known = actor.id.is_some() || !actor.claims.is_empty();
    if !is_known || load::version(tx)? == actor.access.version {
        return Ok(actor.access.clone());
    }
    let mut fresh = load::of_somebody(tx, actor.id, &actor.claims)?;
    fresh.scopes = actor.access.scopes.clone();
    Ok(std::sync::Arc::new(fresh))
}
