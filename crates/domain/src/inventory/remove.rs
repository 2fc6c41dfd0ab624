//! Removing a certificate from the inventory.

use std::sync::LazyLock;

use certhold_pki::Facts;
use certhold_store::{Tx, Value, params};
use serde_json::{Value as Json, json};

use super::certificate::{self, Summary};
use super::counts::Counts;
use super::derived::{self, Derived};
use super::{fields, revoke, text_index};
use crate::access::paths;
use crate::actor::Actor;
use crate::chains;
use crate::collections::{self, Scope};
use crate::custody::{self, Sealed};
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, RoleId};
use crate::{limits, metadata, named, private_ca, stores, text};

static SELECT: LazyLock<String> = LazyLock::new(|| {
    let columns = derived::COLUMNS.join(", ");
    format!(
        "SELECT certificate_body.der, certificate.source, {columns} FROM certificate \
         JOIN certificate_body ON certificate_body.certificate = certificate.id WHERE certificate.id = $1"
    )
});

/// What keeps a certificate in the inventory, with the reason to tell.
const USES: [(&str, &str); 4] = [
    ("SELECT 1 FROM lineage WHERE current = $1 LIMIT 1", "it is the current version of a managed certificate: remove that first"),
    ("SELECT 1 FROM deployment WHERE certificate = $1 LIMIT 1", "it is deployed: deploy another version first"),
    ("SELECT 1 FROM certificate_chain WHERE member = $1 LIMIT 1", "it is part of the chain of other certificates"),
    (
        "SELECT 1 FROM acme_revocation WHERE certificate = $1 AND state = 'asked' LIMIT 1",
        "its issuer is being asked to revoke it: wait until that has ended",
    ),
];

/// Removes a certificate within a scope, and with it its private key, unless another certificate has the same. `nothing` is nothing,
/// sealed as a private key: see [`DestroyKey`](crate::custody::DestroyKey).
pub fn remove_with_key(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: CertificateId,
    scope: Scope,
    nothing: &Sealed,
    now: i64,
) -> Result<()> {
    collections::require(tx, actor, paths::CERTIFICATES_DELETE, id, scope)?;
    require_removable(tx, id)?;
    remove_permitted(tx, actor, id, scope, nothing, now)
}

/// The same once it is decided that it may be done.
pub(super) fn remove_permitted(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: CertificateId,
    scope: Scope,
    nothing: &Sealed,
    now: i64,
) -> Result<()> {
    let key = custody::destroyed_with(tx, id)?;
    let mut details = json!({});
    scope.tell(&mut details);
    take_out(tx, actor, id, &details, now)?;
    match key {
        Some(key) => custody::destroy_after(tx, actor, &key, (id, scope), nothing, now),
        None => Ok(()),
    }
}

/// Removes a certificate; its history stays in the log. One that is in use (the current version of a managed certificate, what
/// is deployed, or part of another's chain) is not removed.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, now: i64) -> Result<()> {
    remove_in(tx, actor, id, Scope::everywhere(now))
}

/// As [`remove`], at the time of a scope: the right on a collection that the certificate is in is enough.
pub fn remove_in(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope) -> Result<()> {
    collections::require(tx, actor, paths::CERTIFICATES_DELETE, id, scope)?;
    require_removable(tx, id)?;
    let mut details = json!({});
    scope.tell(&mut details);
    take_out(tx, actor, id, &details, scope.now)
}

/// Refuses while something needs the certificate.
pub(super) fn require_removable(tx: &mut Tx<'_>, id: CertificateId) -> Result<()> {
    certificate::find(tx, id)?.ok_or_else(|| Refusal::not_found("certificate", id))?;
    match uses(tx, &[id])?.into_iter().next().flatten() {
        Some(why) => Err(Refusal::Conflict(format!("certificate {id} cannot be removed: {why}")).into()),
        None => Ok(()),
    }
}

/// For each certificate why it cannot be removed, where something needs it.
pub(crate) fn uses(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<Vec<Option<String>>> {
    let lists: Vec<[Value<'_>; 1]> = ids.iter().map(|id| [(*id).into()]).collect();
    let mut reasons: Vec<Option<String>> = vec![None; ids.len()];
    for (sql, why) in USES {
        let used = tx.one_of_each(sql, &lists, |row| row.get::<i64>(0))?;
        fill(&mut reasons, used, |_| why.to_owned());
    }
    fill(&mut reasons, chains::sets_with(tx, &lists)?, |set| format!("the trust set {set:?} has it"));
    fill(&mut reasons, private_ca::authorities_of(tx, &lists)?, |name| {
        format!("it is the certificate of the private authority {name:?}")
    });
    fill(&mut reasons, private_ca::issuers_of(tx, &lists)?, |name| {
        format!("the private authority {name:?} issued it, and answers for what it issued: revoke it instead")
    });
    fill(&mut reasons, named::entries_with(tx, &lists)?, |name| {
        format!("the name {name:?} stands for it: delete that entry, or replace its certificate, first")
    });
    fill(&mut reasons, stores::stores_with(tx, &lists)?, |store| {
        format!("it is in the certificate store {store:?}, from which it would come back")
    });
    Ok(reasons)
}

/// The first reason that is found stays.
fn fill<T>(reasons: &mut [Option<String>], found: Vec<Option<T>>, why: impl Fn(T) -> String) {
    for (reason, found) in reasons.iter_mut().zip(found) {
        if reason.is_none() {
            *reason = found.map(&why);
        }
    }
}

/// Takes a certificate that nothing uses out of the inventory; `details` are added to its event. The caller has decided that it may go.
pub(crate) fn take_out(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, details: &Json, now: i64) -> Result<()> {
    let found = certificate::find(tx, id)?.ok_or_else(|| Refusal::not_found("certificate", id))?;
    tell_neighbours(tx, actor, &found, details, now)?;
    chains::forget(tx, id)?;
    revoke::forget(tx, id)?;
    named::forget_version(tx, id)?;
    custody::forget_answer(tx, id)?;
    tx.execute("UPDATE acme_order SET certificate = NULL WHERE certificate = $1", params![id])?;
    private_ca::forget_renewed(tx, id)?;
    tx.execute("DELETE FROM certificate_chain WHERE certificate = $1", params![id])?;
    unindex(tx, id, found.owner.as_ref().map(|(role, _)| *role), found.lineage.is_some())?;
    tx.execute("DELETE FROM certificate_body WHERE certificate = $1", params![id])?;
    let noted = metadata::forget(tx, id)?;
    tx.execute("DELETE FROM certificate WHERE id = $1", params![id])?;
    super::count_added(tx, -1)?;
    let mut payload = details.clone();
    payload["before"] = json!({
        "sha256": text::hex(&found.sha256), "subject": found.subject, "owner_role": found.owner.as_ref().map(|(id, _)| id),
    });
    if let Some(noted) = noted {
        payload["before"]["metadata"] = noted;
    }
    let object = Object::new("certificate", id.0, found.title());
    events::append(tx, actor, now, NewEvent::new(names::CERTIFICATE_DELETED, object, payload))?;
    Ok(())
}

/// Leaves a word in the histories of those that a certificate renewed and that renewed it, before it is removed: the version before and
/// the one behind of a managed certificate, and what a private authority issued in its place.
fn tell_neighbours(tx: &mut Tx<'_>, actor: &Actor, going: &Summary, details: &Json, now: i64) -> Result<()> {
    let mut neighbours: Vec<(CertificateId, &str)> = Vec::new();
    if let Some((lineage, version)) = going.lineage {
        let before = "SELECT id FROM certificate WHERE lineage = $1 AND version < $2 ORDER BY version DESC LIMIT 1";
        let behind = "SELECT id FROM certificate WHERE lineage = $1 AND version > $2 ORDER BY version LIMIT 1";
        for (sql, is) in [(before, "successor"), (behind, "predecessor")] {
            let found = tx.one(sql, params![lineage, version], |row| row.get(0))?;
            neighbours.extend(found.map(|id| (CertificateId(id), is)));
        }
    }
    let renewed = "SELECT certificate FROM issued_certificate WHERE renews = $1 ORDER BY certificate LIMIT $2";
    let limit = i64::try_from(limits::PAGE_ROWS).unwrap_or(i64::MAX);
    for id in tx.rows(renewed, params![going.id, limit], |row| Ok(CertificateId(row.get(0)?)))? {
        if !neighbours.iter().any(|(known, _)| *known == id) {
            neighbours.push((id, "predecessor"));
        }
    }
    for (id, is) in neighbours {
        let Some(neighbour) = certificate::find(tx, id)? else { continue };
        let mut payload = details.clone();
        payload["certificate"] = going.id.0.into();
        payload["title"] = going.title().into();
        payload["is"] = is.into();
        let object = Object::new("certificate", id.0, neighbour.title());
        events::append(tx, actor, now, NewEvent::new(names::CERTIFICATE_NEIGHBOUR_DELETED, object, payload))?;
    }
    Ok(())
}

/// Takes a certificate out of the indexes and counts: what was entered follows from its row and its bytes.
fn unindex(tx: &mut Tx<'_>, id: CertificateId, owner: Option<RoleId>, managed: bool) -> Result<()> {
    let row = tx.one(&SELECT, params![id], |row| Ok((row.get::<Vec<u8>>(0)?, row.get::<String>(1)?, Derived::read(row, 2)?)))?;
    let Some((der, source, derived)) = row else { return Ok(()) };
    let names = Facts::of(&der).map(|facts| Derived::reversed(&facts)).unwrap_or_default();
    let names: Vec<[Value<'_>; 2]> = names.iter().map(|name| [name.into(), id.into()]).collect();
    tx.execute_many("DELETE FROM certificate_name WHERE reversed = $1 AND certificate = $2", &names)?;
    let values = fields::values(&derived, &source);
    let terms: Vec<[Value<'_>; 2]> = fields::terms(&values).into_iter().map(|term| [term.into(), id.into()]).collect();
    tx.execute_many("DELETE FROM certificate_term WHERE term = $1 AND certificate = $2", &terms)?;
    text_index::remove(tx, id)?;
    let mut counts = Counts::default();
    fields::counted(&values).for_each(|(field, value)| counts.add(field, value, -1));
    counts.owned(owner, -1);
    counts.expires(derived.not_after, managed, -1);
    counts.write(tx)
}
