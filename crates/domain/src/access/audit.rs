//! Who may do what with one certificate: role by role, and account by account.

use std::collections::{BTreeMap, BTreeSet};

use certhold_store::{Tx, params};

use super::claims::{self, Claim};
use super::evaluate::HeldRole;
use super::load::{PRINCIPAL_CLAIM, all_roles};
use super::why::Reached;
use super::{paths, require_path};
use crate::actor::Actor;
use crate::collections::{self, Scope};
use crate::error::{Refusal, Result};
use crate::ids::{CertificateId, PrincipalId, RoleId};
use crate::inventory;
use crate::people::PrincipalKind;

/// What can be done with a certificate that a collection may hold.
pub const ACTIONS: [&str; 6] = [
    paths::CERTIFICATES_READ,
    paths::CERTIFICATES_METADATA_MODIFY,
    paths::CERTIFICATES_CHANGE_OWNER,
    paths::PRIVATE_KEY_READ,
    paths::CERTIFICATES_REVOKE,
    paths::CERTIFICATES_DELETE,
];

/// A role with what it allows of [`ACTIONS`] on a certificate, everywhere, through a collection that holds it, or through certificate
/// stores that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRights {
    /// The role.
    pub role: RoleId,
    /// Its name.
    pub name: String,
    /// What it allows; empty for nothing.
    pub actions: Vec<&'static str>,
}

/// Somebody who holds roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// An account.
    Account {
        /// Its handle.
        id: PrincipalId,
        /// Its public identifier.
        uuid: String,
        /// Its name.
        name: String,
        /// What kind.
        kind: PrincipalKind,
    },
    /// Whoever signs in with a claim.
    Claim(Claim),
}

/// Somebody with what they may do, and the roles that bring it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRights {
    /// Who.
    pub identity: Identity,
    /// Actions with the names of the roles.
    pub actions: Vec<(&'static str, Vec<String>)>,
}

/// Every role, by its handle, with what it allows on a certificate; for whoever may see both.
pub fn roles_on(tx: &mut Tx<'_>, actor: &Actor, certificate: CertificateId, scope: Scope) -> Result<Vec<RoleRights>> {
    let roles = looked_at(tx, actor, certificate, scope)?;
    let all = roles.iter().map(|role| RoleRights { role: role.id, name: role.name.clone(), actions: Vec::new() });
    let mut rights: Vec<RoleRights> = all.collect();
    let reached = Reached::of(tx, roles, certificate, scope.now)?;
    for action in ACTIONS {
        let bringing: BTreeSet<RoleId> = reached.roles(action).map(|(role, _)| role.id).collect();
        rights.iter_mut().filter(|one| bringing.contains(&one.role)).for_each(|one| one.actions.push(action));
    }
    Ok(rights)
}

/// Everybody, accounts first, who may do anything with a certificate; for whoever may see both.
pub fn identities_on(tx: &mut Tx<'_>, actor: &Actor, certificate: CertificateId, scope: Scope) -> Result<Vec<IdentityRights>> {
    let rights = roles_on(tx, actor, certificate, scope)?;
    let by_role: BTreeMap<i64, &RoleRights> = rights.iter().map(|rights| (rights.role.0, rights)).collect();
    let holders = tx.rows(
        "SELECT principal.id, principal.uuid, principal.name, principal.kind, role_claim.role FROM role_claim \
         JOIN principal ON principal.uuid = role_claim.value WHERE role_claim.type = $1 AND NOT principal.disabled \
         ORDER BY principal.folded, role_claim.role",
        params![PRINCIPAL_CLAIM],
        |row| {
            let kind = PrincipalKind::parse(row.text(3)?).unwrap_or(PrincipalKind::Service);
            let identity = Identity::Account { id: PrincipalId(row.get(0)?), uuid: row.get(1)?, name: row.get(2)?, kind };
            Ok((identity, row.get::<i64>(4)?))
        },
    )?;
    let mut found: Vec<(Identity, Vec<i64>)> = Vec::new();
    for (identity, role) in holders {
        match found.last_mut().filter(|(last, _)| *last == identity) {
            Some((_, roles)) => roles.push(role),
            None => found.push((identity, vec![role])),
        }
    }
    for claim in claims::all(tx, None)? {
        let roles = claim.roles.iter().map(|(role, _)| role.0).collect();
        found.push((Identity::Claim(claim), roles));
    }
    let told = |(identity, roles): (Identity, Vec<i64>)| {
        let held: Vec<&&RoleRights> = roles.iter().filter_map(|role| by_role.get(role)).collect();
        let by = |action: &'static str| {
            let names: Vec<String> =
                held.iter().filter(|role| role.actions.contains(&action)).map(|role| role.name.clone()).collect();
            (!names.is_empty()).then_some((action, names))
        };
        let actions: Vec<_> = ACTIONS.into_iter().filter_map(by).collect();
        (!actions.is_empty()).then_some(IdentityRights { identity, actions })
    };
    Ok(found.into_iter().filter_map(told).collect())
}

fn looked_at(tx: &mut Tx<'_>, actor: &Actor, certificate: CertificateId, scope: Scope) -> Result<Vec<HeldRole>> {
    collections::require(tx, actor, paths::CERTIFICATES_READ, certificate, scope)?;
    require_path(tx, actor, paths::SECURITY_READ)?;
    if inventory::find(tx, certificate)?.is_none() {
        return Err(Refusal::not_found("certificate", certificate).into());
    }
    all_roles(tx)
}
