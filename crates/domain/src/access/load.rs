//! Reads a principal's rights, once per version of the access tables.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use certhold_store::{Tx, params};

use super::evaluate::{Access, HeldRole, Path};
use crate::error::{Error, Result};
use crate::ids::{PermissionSetId, PrincipalId, RoleId};

/// The claim type under which a principal itself (by UUID) holds roles.
pub(crate) const PRINCIPAL_CLAIM: &str = "principal";

/// Rights by principal. An entry is used only at the version it was read at, so it may be kept for ever.
#[derive(Debug, Default)]
pub struct AccessCache {
    entries: Mutex<HashMap<PrincipalId, Arc<Access>>>,
}

/// Entries after which the cache starts again, so that it stays small.
const ENTRIES_MAX: usize = 10_000;

impl AccessCache {
    /// The rights of `principal` now: from the cache when the version still agrees.
    pub fn get(&self, tx: &mut Tx<'_>, principal: PrincipalId) -> Result<Arc<Access>> {
        let version = version(tx)?;
        if let Some(found) = self.lock().get(&principal).filter(|access| access.version == version) {
            return Ok(found.clone());
        }
        let fresh = Arc::new(of_principal(tx, principal)?);
        let mut entries = self.lock();
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(principal, fresh.clone());
        Ok(fresh)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PrincipalId, Arc<Access>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The version of the access tables.
pub(crate) fn version(tx: &mut Tx<'_>) -> Result<i64> {
    let version = tx.one("SELECT value FROM counter WHERE name = 'access'", params![], |row| row.get(0))?;
    version.ok_or_else(|| Error::damaged("the counter 'access' is missing"))
}

/// Every change to who may do what calls this, in the same transaction.
pub fn changed(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute("UPDATE counter SET value = value + 1 WHERE name = 'access'", params![])?;
    Ok(())
}

/// The rights of a principal as the tables say now. A disabled principal holds nothing.
pub fn of_principal(tx: &mut Tx<'_>, principal: PrincipalId) -> Result<Access> {
    let disabled: Option<bool> = tx.one("SELECT disabled FROM principal WHERE id = $1", params![principal], |row| row.get(0))?;
    let mut access = assigned(tx, principal)?;
    if disabled != Some(false) {
        access.roles.clear();
    }
    Ok(access)
}

/// The rights a principal has or would have again when enabled: what whoever takes the account over could use.
pub(crate) fn assigned(tx: &mut Tx<'_>, principal: PrincipalId) -> Result<Access> {
    let version = version(tx)?;
    let rows = tx.rows(
        "SELECT role.id, role.name, role.built_in, role.permission_set, role.paths, permission_set.paths \
         FROM principal \
         JOIN role_claim ON role_claim.type = $1 AND role_claim.value = principal.uuid \
         JOIN role ON role.id = role_claim.role \
         JOIN permission_set ON permission_set.id = role.permission_set \
         WHERE principal.id = $2 ORDER BY role.id",
        params![PRINCIPAL_CLAIM, principal],
        |row| {
            let (id, name, built_in, set) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((RoleId(id), name, built_in, PermissionSetId(set), row.get::<String>(4)?, row.get::<String>(5)?))
        },
    )?;
    let held = |(id, name, built_in, set, grants, bound): (_, _, _, _, String, String)| {
        Ok(HeldRole { id, name, built_in, set, grants: parse_paths(&grants)?, bound: parse_paths(&bound)? })
    };
    let roles = rows.into_iter().map(held).collect::<Result<Vec<_>>>()?;
    Ok(Access { version, roles, scopes: None, unbounded: false })
}

pub(crate) fn parse_paths(json: &str) -> Result<Vec<Path>> {
    serde_json::from_str(json).map_err(|error| Error::damaged(format!("permission paths {json:?}: {error}")))
}

pub(crate) fn paths_json(paths: &[Path]) -> String {
    serde_json::to_string(paths).unwrap_or_else(|_| "[]".into())
}
