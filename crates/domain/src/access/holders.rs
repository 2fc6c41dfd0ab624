//! Who holds a role: accounts by themselves. What claims of other sign-ins hold is in [`super::claims`].

use certhold_store::{Tx, params};
use serde_json::json;

use super::load::{PRINCIPAL_CLAIM, changed};
use super::roles::{self, Role};
use super::{delegation, paths, require_path};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{PrincipalId, RoleId};
use crate::limits;
use crate::people::PrincipalKind;

/// An account that holds a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The account.
    pub id: PrincipalId,
    /// Its name.
    pub name: String,
    /// What kind.
    pub kind: PrincipalKind,
    /// Disabled accounts hold nothing until they are enabled again.
    pub disabled: bool,
}

/// The accounts that hold a role, by name: so many after the one named last on the page before.
pub fn members(tx: &mut Tx<'_>, actor: &Actor, role: RoleId, after: Option<&str>, limit: usize) -> Result<Vec<Member>> {
    let role = roles::get(tx, actor, role)?;
    let found = tx.rows(
        "SELECT principal.id, principal.name, principal.kind, principal.disabled FROM role_claim \
         JOIN principal ON principal.uuid = role_claim.value \
         WHERE role_claim.role = $1 AND role_claim.type = $2 AND principal.folded > $3 ORDER BY principal.folded LIMIT $4",
        params![
            role.id,
            PRINCIPAL_CLAIM,
            after.map(crate::lookalike::fold).unwrap_or_default(),
            i64::try_from(limit.clamp(1, limits::PAGE_ROWS)).unwrap_or(i64::MAX)
        ],
        |row| {
            Ok(Member {
                id: PrincipalId(row.get(0)?),
                name: row.get(1)?,
                kind: PrincipalKind::parse(row.text(2)?).unwrap_or(PrincipalKind::Service),
                disabled: row.get(3)?,
            })
        },
    )?;
    Ok(found)
}

/// Gives a role to a principal. Nobody hands out what they do not hold.
pub fn assign(tx: &mut Tx<'_>, actor: &Actor, role: RoleId, principal: PrincipalId, now: i64) -> Result<()> {
    let (role, uuid, name) = claim(tx, actor, role, principal)?;
    let added = tx.execute(
        "INSERT INTO role_claim (role, type, value) VALUES ($1, $2, $3) ON CONFLICT (type, value, role) DO NOTHING",
        params![role.id, PRINCIPAL_CLAIM, uuid],
    )?;
    claim_changed(tx, actor, added, names::ROLE_ASSIGNED, &role, principal, &name, now)
}

/// Takes a role from a principal. The last holder of the administrator role keeps it.
pub fn withdraw(tx: &mut Tx<'_>, actor: &Actor, role: RoleId, principal: PrincipalId, now: i64) -> Result<()> {
    let (role, uuid, name) = claim(tx, actor, role, principal)?;
    let removed = tx.execute(
        "DELETE FROM role_claim WHERE role = $1 AND type = $2 AND value = $3",
        params![role.id, PRINCIPAL_CLAIM, uuid],
    )?;
    if role.built_in {
        refuse_no_administrator(tx)?;
    }
    claim_changed(tx, actor, removed, names::ROLE_WITHDRAWN, &role, principal, &name, now)
}

fn claim(tx: &mut Tx<'_>, actor: &Actor, role: RoleId, principal: PrincipalId) -> Result<(Role, String, String)> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let role = roles::find(tx, role)?;
    delegation::require_may_hand_out(tx, actor, &role)?;
    let found =
        tx.one("SELECT uuid, name FROM principal WHERE id = $1", params![principal], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (uuid, name) = found.ok_or_else(|| Refusal::not_found("person or service account", principal))?;
    Ok((role, uuid, name))
}

#[expect(clippy::too_many_arguments, reason = "one private step of two operations")]
fn claim_changed(
    tx: &mut Tx<'_>,
    actor: &Actor,
    rows: u64,
    operation: &'static str,
    role: &Role,
    principal: PrincipalId,
    name: &str,
    now: i64,
) -> Result<()> {
    if rows == 0 {
        return Ok(());
    }
    changed(tx)?;
    let held = operation == names::ROLE_ASSIGNED;
    let payload = json!({ "role": role.id, "role_name": role.name, "before": { "held": !held }, "after": { "held": held } });
    events::append(tx, actor, now, NewEvent::new(operation, Object::new("principal", principal.0, name), payload))?;
    Ok(())
}

/// Whoever locks everybody out has made a mistake: at least one enabled person who can sign in keeps the administrator role.
pub(crate) fn refuse_no_administrator(tx: &mut Tx<'_>) -> Result<()> {
    let left: i64 = tx
        .one(
            "SELECT count(*) FROM role JOIN role_claim ON role_claim.role = role.id AND role_claim.type = $1 \
             JOIN principal ON principal.uuid = role_claim.value WHERE role.built_in AND NOT principal.disabled \
             AND principal.kind = 'person' AND principal.password_hash IS NOT NULL",
            params![PRINCIPAL_CLAIM],
            |row| row.get(0),
        )?
        .unwrap_or(0);
    if left == 0 {
        return Err(Refusal::Conflict("somebody who can sign in must keep the Administrator role".into()).into());
    }
    Ok(())
}
