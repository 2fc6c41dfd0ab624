//! What is in stores is in the reach of rights to change owners in stores: who puts it there.

use certhold_store::{Tx, Value, params};

use super::items;
use crate::access::{self, Decision, Need, all_roles, paths};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::ids::{CertificateId, CollectionId, ContainerId};

/// What is about to be in a store.
#[derive(Clone, Copy, Debug)]
pub(super) enum Coming {
    /// A certificate, and the collection through which it was reached.
    Certificate(CertificateId, Option<CollectionId>),
    /// Whatever is in a store already, with that store.
    Stored,
    /// Whatever will be found there, or whatever will be brought.
    Anything,
}

/// Refuses to bring certificates into a store of this container, or of none, while that brings them into the reach of somebody who may
/// change owners there and nowhere else, unless the actor may change these owners themselves: a certificate that nobody owns is given to
/// whichever role whoever reaches it holds, and with it comes into the collections that look at that role.
pub(super) fn require_may_bring(tx: &mut Tx<'_>, actor: &Actor, container: Option<ContainerId>, coming: Coming) -> Result<()> {
    let held = access::current(tx, actor)?;
    let collection = match coming {
        Coming::Certificate(_, collection) => collection,
        Coming::Stored | Coming::Anything => None,
    };
    let need = Need::system(paths::CERTIFICATES_CHANGE_OWNER).or_collection(paths::CERTIFICATES_CHANGE_OWNER, collection);
    let Decision::Denied { missing, .. } = held.evaluate(&need) else { return Ok(()) };
    // What a role owns is given away by whoever holds that role.
    if let Coming::Certificate(id, _) = coming
        && tx.one("SELECT 1 FROM certificate WHERE id = $1 AND owner_role IS NOT NULL", params![id], |_| Ok(()))?.is_some()
    {
        return Ok(());
    }
    let reached = Reached::of(tx, container, coming)?;
    if !reached.is_new_to(|path| held.allows(path)) {
        let roles = all_roles(tx)?;
        if !roles.iter().any(|role| reached.is_new_to(|path| role.brings(path))) {
            return Ok(());
        }
    }
    let reason = "the owners of certificates in this store may be changed by rights on stores: whoever puts certificates there must be \
                  able to change their owners";
    Err(Refusal::Forbidden { reason: reason.into(), missing }.into())
}

/// Whose reach it is about, and whether it is there already.
struct Reached {
    container: Option<ContainerId>,
    in_container: bool,
    in_some_store: bool,
}

impl Reached {
    fn of(tx: &mut Tx<'_>, container: Option<ContainerId>, coming: Coming) -> Result<Reached> {
        let id = match coming {
            Coming::Certificate(id, _) => id,
            Coming::Stored => return Ok(Reached { container, in_container: false, in_some_store: true }),
            Coming::Anything => return Ok(Reached { container, in_container: false, in_some_store: false }),
        };
        let in_some_store = items::stores_with(tx, &[[Value::from(id)]])?.pop().flatten().is_some();
        let in_container = match container {
            Some(container) => items::in_container(tx, id, container)?,
            None => false,
        };
        Ok(Reached { container, in_container, in_some_store })
    }

    /// Whether somebody who holds rights like that may change owners there, and could not before.
    fn is_new_to(&self, holds: impl Fn(&str) -> bool) -> bool {
        if holds(paths::CERTIFICATES_CHANGE_OWNER) {
            return false;
        }
        if holds(paths::STORES_CHANGE_OWNER) {
            return !self.in_some_store;
        }
        let on_container = |id: ContainerId| holds(&format!("{}{id}/", paths::STORES_CHANGE_OWNER));
        !self.in_container && self.container.is_some_and(on_container)
    }
}
