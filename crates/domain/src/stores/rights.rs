//! Who may do what with stores: within the area, modifying includes scheduling, and scheduling includes reading.

use std::collections::BTreeSet;

use certhold_store::Tx;

use crate::access::{self, Access, Decision, Need, paths, tree};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::ids::ContainerId;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// See stores, what is in them, and their jobs.
    Read,
    /// Take inventories, and say when they are taken.
    Schedule,
    /// Create, change and remove stores; add and remove certificates.
    Modify,
}

impl Right {
    /// The right, and those that include it.
    fn paths(self) -> &'static [&'static str] {
        match self {
            Right::Read => &[paths::STORES_READ, paths::STORES_SCHEDULE, paths::STORES_MODIFY],
            Right::Schedule => &[paths::STORES_SCHEDULE, paths::STORES_MODIFY],
            Right::Modify => &[paths::STORES_MODIFY],
        }
    }
}

/// What is needed for a store that is in this container, or in none.
fn need(right: Right, container: Option<ContainerId>) -> Need {
    let (first, including) = right.paths().split_first().unwrap_or((&paths::ALL, &[]));
    let everywhere = including.iter().fold(Need::system(first), |need, path| need.or_system(path));
    right.paths().iter().fold(everywhere, |need, path| need.or_container(path, container))
}

/// What an action of the area of stores needs, for stores of any of these containers; `None` for any other action.
pub(crate) fn need_of(action: &str, containers: impl Iterator<Item = ContainerId>) -> Option<Need> {
    let right = named(action)?;
    let or = |need: Need, id| right.paths().iter().fold(need, |need, path| need.or_container(path, Some(id)));
    Some(containers.fold(need(right, None), or))
}

/// An action of the area of stores with those that include it; `None` for any other action.
pub(crate) fn including(action: &str) -> Option<&'static [&'static str]> {
    named(action).map(Right::paths)
}

fn named(action: &str) -> Option<Right> {
    [Right::Read, Right::Schedule, Right::Modify].into_iter().find(|right| right.paths().first() == Some(&action))
}

/// … or the right to see the stores of a container, through which their certificates are seen.
pub(crate) fn or_reads_stores_of(need: Need, container: ContainerId) -> Need {
    Right::Read.paths().iter().fold(need, |need, path| need.or_container(path, Some(container)))
}

/// Whether somebody with these rights holds one for a store of this container, or of none.
pub fn holds(access: &Access, right: Right, container: Option<ContainerId>) -> bool {
    matches!(access.evaluate(&need(right, container)), Decision::Allowed { .. })
}

/// Where a right is held.
pub(super) enum Reach {
    Everywhere,
    /// For the stores of these containers only; at least one.
    Containers(BTreeSet<ContainerId>),
}

impl Reach {
    pub(super) fn includes(&self, container: Option<ContainerId>) -> bool {
        match self {
            Reach::Everywhere => true,
            Reach::Containers(containers) => container.is_some_and(|container| containers.contains(&container)),
        }
    }
}

/// Where the actor holds a right; refused when nowhere.
pub(super) fn reach(tx: &mut Tx<'_>, actor: &Actor, right: Right) -> Result<Reach> {
    let held = access::current(tx, actor)?;
    let denied = match held.evaluate(&need(right, None)) {
        Decision::Allowed { .. } => return Ok(Reach::Everywhere),
        Decision::Denied { missing, reason } => Refusal::Forbidden { reason, missing },
    };
    let inside: BTreeSet<ContainerId> = access::on_objects(&held)
        .iter()
        .filter_map(|path| match tree::scoped(path.as_str()) {
            Some((leaf, tree::Takes::Container, id)) if right.paths().contains(&leaf) => Some(ContainerId(id)),
            _ => None,
        })
        .collect();
    if inside.is_empty() { Err(denied.into()) } else { Ok(Reach::Containers(inside)) }
}

/// Refuses unless the actor holds the right over all stores.
pub(super) fn require_everywhere(tx: &mut Tx<'_>, actor: &Actor, right: Right) -> Result<()> {
    require_in(tx, actor, right, None)
}

/// Refuses unless the actor holds the right for the stores of this container; for those of none it must be held everywhere.
pub(super) fn require_in(tx: &mut Tx<'_>, actor: &Actor, right: Right, container: Option<ContainerId>) -> Result<()> {
    access::require(tx, actor, &need(right, container))
}

/// The refusal of somebody who holds a right for some containers and asks for something outside: the same whether it exists or not.
pub(super) fn outside(right: Right) -> Refusal {
    let missing = right.paths().iter().map(|path| (*path).to_owned()).collect();
    Refusal::Forbidden { reason: "it is in no container for which you hold the right".into(), missing }
}
