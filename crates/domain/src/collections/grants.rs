//! Which roles have rights on a collection.

use std::collections::BTreeSet;

use certhold_store::Tx;

use super::list;
use crate::access::grants::{self, Scoped};
use crate::access::{self, Access, paths};
use crate::actor::Actor;
use crate::error::Result;
use crate::ids::CollectionId;

pub use crate::access::grants::Grant;

/// The collection as an object of rights.
pub(super) fn scoped(id: CollectionId) -> Scoped {
    Scoped { area: AREA, noun: "collection", id: id.0 }
}

/// Where paths that end with the number of a collection are.
pub(super) const AREA: &str = "/certificates/collections/";

/// The collections on which roles have rights.
pub(super) fn collections(tx: &mut Tx<'_>) -> Result<BTreeSet<CollectionId>> {
    Ok(grants::objects(tx, AREA)?.into_iter().map(CollectionId).collect())
}

/// … or somebody with these rights by the scopes of their credential.
pub(super) fn guarded(tx: &mut Tx<'_>, held: &Access) -> Result<BTreeSet<CollectionId>> {
    Ok(grants::guarded(tx, held, AREA)?.into_iter().map(CollectionId).collect())
}

/// Who has rights on this collection beside those who have them everywhere, for whoever may read it and sees roles.
pub fn grants(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId) -> Result<Vec<Grant>> {
    access::require(tx, actor, &list::need(id))?;
    access::require_path(tx, actor, paths::SECURITY_READ)?;
    list::find(tx, actor, id)?;
    of(tx, id)
}

/// The same without asking who wants to know.
pub(super) fn of(tx: &mut Tx<'_>, id: CollectionId) -> Result<Vec<Grant>> {
    grants::on(tx, scoped(id))
}

/// Whoever changes what a collection contains changes what its grants allow: they must hold those rights everywhere.
pub(super) fn require_held(tx: &mut Tx<'_>, actor: &Actor, on_it: &[Grant], id: CollectionId) -> Result<()> {
    grants::require_held(tx, actor, on_it, scoped(id))
}
