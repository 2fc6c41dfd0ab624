//! Reads a principal's rights, once per version of the access tables.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use certhold_store::{Tx, Value, params};

use super::claims::ClaimKey;
use super::evaluate::{Access, HeldRole, Path};
use crate::error::{Error, Result};
use crate::ids::{ClaimId, PermissionSetId, PrincipalId, RoleId};

/// The claim type under which a principal itself (by UUID) holds roles.
pub(crate) const PRINCIPAL_CLAIM: &str = "principal";

/// Rights by principal. An entry is used only at the version it was read at, so it may be kept for ever.
#[derive(Debug, Default)]
pub struct AccessCache {
    entries: Mutex<HashMap<Somebody, Arc<Access>>>,
}

/// An account and what its sign-in says beside.
type Somebody = (PrincipalId, Vec<ClaimKey>);

/// Entries after which the cache starts again, so that it stays small.
const ENTRIES_MAX: usize = 10_000;

impl AccessCache {
    /// The rights of `principal` now: from the cache when the version still agrees.
    pub fn get(&self, tx: &mut Tx<'_>, principal: PrincipalId) -> Result<Arc<Access>> {
        self.get_with(tx, principal, &[])
    }

    /// The same with what the sign-in says of them beside who they are.
    pub fn get_with(&self, tx: &mut Tx<'_>, principal: PrincipalId, claims: &[ClaimKey]) -> Result<Arc<Access>> {
        let version = version(tx)?;
        let somebody = (principal, claims.to_vec());
        if let Some(found) = self.lock().get(&somebody).filter(|access| access.version == version) {
            return Ok(found.clone());
        }
        let fresh = Arc::new(of_somebody(tx, Some(principal), claims)?);
        // What is not committed yet may be undone, and its version given to another state.
        if tx.can_write() {
            return Ok(fresh);
        }
        let mut entries = self.lock();
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(somebody, fresh.clone());
        Ok(fresh)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Somebody, Arc<Access>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The version as far as this batch of writes has come.
struct Version(i64);

/// What [`version`] asks for, for whoever asks for something else in the same statement and tells [`version_was`].
pub(crate) const VERSION: &str = "(SELECT value FROM counter WHERE name = 'access')";

/// This is the version, as just read.
pub(crate) fn version_was(tx: &mut Tx<'_>, version: i64) {
    *tx.memo() = Some(Version(version));
}

/// The version of the access tables.
pub(crate) fn version(tx: &mut Tx<'_>) -> Result<i64> {
    if let Some(Version(known)) = tx.memo() {
        return Ok(*known);
    }
    let version = tx.one("SELECT value FROM counter WHERE name = 'access'", params![], |row| row.get(0))?;
    let version = version.ok_or_else(|| Error::damaged("the counter 'access' is missing"))?;
    version_was(tx, version);
    Ok(version)
}

/// Every change to who may do what calls this, in the same transaction.
pub fn changed(tx: &mut Tx<'_>) -> Result<()> {
    *tx.memo::<Version>() = None;
    tx.execute("UPDATE counter SET value = value + 1 WHERE name = 'access'", params![])?;
    Ok(())
}

/// The rights of a principal as the tables say now. A disabled principal holds nothing.
pub fn of_principal(tx: &mut Tx<'_>, principal: PrincipalId) -> Result<Access> {
    of_somebody(tx, Some(principal), &[])
}

/// The rights of whoever a sign-in has made known: an account, if there is one, and what the sign-in says of them. A disabled
/// account holds nothing, whatever is said of it.
pub fn of_somebody(tx: &mut Tx<'_>, principal: Option<PrincipalId>, claims: &[ClaimKey]) -> Result<Access> {
    let mut access = match principal {
        Some(principal) if is_enabled(tx, principal)? => assigned(tx, principal)?,
        Some(_) => return Ok(Access { version: version(tx)?, ..Access::nothing() }),
        None => Access { version: version(tx)?, ..Access::nothing() },
    };
    for claim in claims.iter().take(CLAIMS_MAX) {
        for role in held_through(tx, claim)? {
            if access.roles.iter().all(|known| known.id != role.id) {
                access.roles.push(role);
            }
        }
    }
    Ok(access)
}

/// Claims of one sign-in that are looked at.
const CLAIMS_MAX: usize = 500;

/// The roles that whoever makes this claim holds through it now.
pub(crate) fn held_through(tx: &mut Tx<'_>, claim: &ClaimKey) -> Result<Vec<HeldRole>> {
    rows(
        tx,
        "JOIN claim_role ON claim_role.role = role.id JOIN claim ON claim.id = claim_role.claim \
         WHERE claim.type = $1 AND claim.matched = $2 AND claim.provider = $3 ORDER BY role.id",
        params![claim.kind.name(), claim.matched(), &claim.provider],
    )
}

/// Whether the account is there and not disabled.
pub(crate) fn is_enabled(tx: &mut Tx<'_>, principal: PrincipalId) -> Result<bool> {
    let disabled: Option<bool> = tx.one("SELECT disabled FROM principal WHERE id = $1", params![principal], |row| row.get(0))?;
    Ok(disabled == Some(false))
}

/// The rights a principal has or would have again when enabled: what whoever takes the account over could use.
pub(crate) fn assigned(tx: &mut Tx<'_>, principal: PrincipalId) -> Result<Access> {
    let version = version(tx)?;
    let roles = rows(
        tx,
        "JOIN role_claim ON role_claim.role = role.id JOIN principal ON principal.uuid = role_claim.value \
         WHERE role_claim.type = $1 AND principal.id = $2 ORDER BY role.id",
        params![PRINCIPAL_CLAIM, principal],
    )?;
    Ok(Access { version, roles, scopes: None, unbounded: false })
}

/// What one claim gives to whoever signs in with it, beside what they hold by themselves.
pub(crate) fn of_claim(tx: &mut Tx<'_>, claim: ClaimId) -> Result<Access> {
    let version = version(tx)?;
    let roles =
        rows(tx, "JOIN claim_role ON claim_role.role = role.id WHERE claim_role.claim = $1 ORDER BY role.id", params![claim])?;
    Ok(Access { version, roles, scopes: None, unbounded: false })
}

/// Every role, as whoever holds it would.
pub(crate) fn all_roles(tx: &mut Tx<'_>) -> Result<Vec<HeldRole>> {
    rows(tx, "ORDER BY role.id", params![])
}

/// Every role of which a grant, or its set, has a path of this form (`LIKE`), by name.
pub(super) fn roles_naming(tx: &mut Tx<'_>, pattern: &str) -> Result<Vec<HeldRole>> {
    rows(tx, "WHERE role.paths LIKE $1 OR permission_set.paths LIKE $1 ORDER BY role.folded", params![pattern])
}

fn rows(tx: &mut Tx<'_>, which: &str, values: &[Value<'_>]) -> Result<Vec<HeldRole>> {
    let sql = format!(
        "SELECT role.id, role.name, role.built_in, role.permission_set, permission_set.name, role.paths, permission_set.paths \
         FROM role JOIN permission_set ON permission_set.id = role.permission_set {which}"
    );
    let found = tx.rows(&sql, values, |row| {
        let (id, name, built_in) = (RoleId(row.get(0)?), row.get(1)?, row.get(2)?);
        let (set, set_name) = (PermissionSetId(row.get(3)?), row.get(4)?);
        let held = HeldRole { id, name, built_in, set, set_name, grants: Vec::new(), bound: Vec::new() };
        Ok((held, row.get::<String>(5)?, row.get::<String>(6)?))
    })?;
    let whole = |(held, grants, bound): (HeldRole, String, String)| {
        Ok(HeldRole { grants: parse_paths(&grants)?, bound: parse_paths(&bound)?, ..held })
    };
    found.into_iter().map(whole).collect()
}

pub(crate) fn parse_paths(json: &str) -> Result<Vec<Path>> {
    serde_json::from_str(json).map_err(|error| Error::damaged(format!("permission paths {json:?}: {error}")))
}

pub(crate) fn paths_json(paths: &[Path]) -> String {
    serde_json::to_string(paths).unwrap_or_else(|_| "[]".into())
}
