//! The accounts themselves.

use certhold_store::{Row, Tx, params};
use serde_json::json;
use uuid::Uuid;

use super::password::PasswordHash;
use super::sign_in::{self, Attempt, Verified};
use super::{client, session};
use crate::access::{self, paths, roles};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{PrincipalId, RoleId};
use crate::{identity_providers, limits, lookalike, text};

/// What kind of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// Somebody who signs in with a password.
    Person,
    /// A program that uses API tokens.
    Service,
}

impl PrincipalKind {
    /// The name in APIs and events.
    pub fn name(self) -> &'static str {
        match self {
            PrincipalKind::Person => "person",
            PrincipalKind::Service => "service",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<PrincipalKind> {
        [PrincipalKind::Person, PrincipalKind::Service].into_iter().find(|kind| kind.name() == name)
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Its handle.
    pub id: PrincipalId,
    /// Its public identifier.
    pub uuid: String,
    /// What kind.
    pub kind: PrincipalKind,
    /// Unique without regard to case.
    pub name: String,
    /// How it is shown.
    pub display_name: String,
    /// Where they are reached.
    pub email: Option<String>,
    /// Disabled accounts hold nothing and cannot sign in.
    pub disabled: bool,
    /// Whether it can sign in with a password.
    pub has_password: bool,
    /// The identity provider by whose word it is known. Such an account has no credentials of its own.
    pub provider: Option<String>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Last sign-in, unix milliseconds.
    pub last_seen_at: Option<i64>,
}

/// Create an account.
#[derive(Clone)]
pub struct NewPrincipal {
    /// What kind.
    pub kind: PrincipalKind,
    /// Unique without regard to case.
    pub name: String,
    /// How it is shown; empty for the name.
    pub display_name: String,
    /// Where they are reached.
    pub email: Option<String>,
    /// The password of a person; services have none.
    pub password: Option<PasswordHash>,
    /// A fresh random identifier.
    pub uuid: Uuid,
}

const COLUMNS: &str = "id, uuid, kind, name, display_name, email, disabled, password_hash IS NOT NULL, principal.created_at, \
    last_seen_at, (SELECT coalesce(identity_provider.name, external_identity.issuer) FROM external_identity \
    LEFT JOIN identity_provider ON identity_provider.issuer = external_identity.issuer \
    WHERE external_identity.principal = principal.id) FROM principal";

fn read(row: &Row<'_>) -> Result<Principal, certhold_store::Error> {
    Ok(Principal {
        id: PrincipalId(row.get(0)?),
        uuid: row.get(1)?,
        kind: PrincipalKind::parse(row.text(2)?).unwrap_or(PrincipalKind::Service),
        name: row.get(3)?,
        display_name: row.get(4)?,
        email: row.get(5)?,
        disabled: row.get(6)?,
        has_password: row.get(7)?,
        created_at: row.get(8)?,
        last_seen_at: row.get(9)?,
        provider: row.get(10)?,
    })
}

/// All accounts by name.
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Principal>> {
    access::require_path(tx, actor, paths::SECURITY_READ)?;
    Ok(tx.rows(&format!("SELECT {COLUMNS} ORDER BY folded"), params![], read)?)
}

/// One account; everybody may see their own.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: PrincipalId) -> Result<Principal> {
    if actor.id != Some(id) {
        access::require_path(tx, actor, paths::SECURITY_READ)?;
    }
    find(tx, id)
}

/// The account of this name; everybody may name themselves.
pub fn by_name(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> Result<PrincipalId> {
    let folded = lookalike::fold(name);
    if let Some(id) = actor.id.filter(|_| lookalike::fold(&actor.name) == folded) {
        return Ok(id);
    }
    access::require_path(tx, actor, paths::SECURITY_READ)?;
    let found: Option<i64> = tx.one("SELECT id FROM principal WHERE folded = $1", params![folded], |row| row.get(0))?;
    found.map(PrincipalId).ok_or_else(|| Refusal::not_found("person or service account", format!("{name:?}")).into())
}

pub(super) fn find(tx: &mut Tx<'_>, id: PrincipalId) -> Result<Principal> {
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE id = $1"), params![id], read)?;
    found.ok_or_else(|| Refusal::not_found("person or service account", id).into())
}

/// The roles an account holds; everybody may see their own.
pub fn roles_of(tx: &mut Tx<'_>, actor: &Actor, id: PrincipalId) -> Result<Vec<(RoleId, String)>> {
    get(tx, actor, id)?;
    let roles = tx.rows(
        "SELECT role.id, role.name FROM principal JOIN role_claim ON role_claim.type = 'principal' AND role_claim.value = principal.uuid \
         JOIN role ON role.id = role_claim.role WHERE principal.id = $1 ORDER BY role.folded",
        params![id],
        |row| Ok((RoleId(row.get(0)?), row.get(1)?)),
    )?;
    Ok(roles)
}

/// Creates an account, which holds nothing yet.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, command: &NewPrincipal, now: i64) -> Result<PrincipalId> {
    access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
    insert(tx, actor, command, now)
}

/// At first start: creates the account and gives it the administrator role, unless there is an account already. Says whether it did.
pub fn create_first_administrator(tx: &mut Tx<'_>, actor: &Actor, command: &NewPrincipal, now: i64) -> Result<bool> {
    let somebody: Option<i64> = tx.one("SELECT id FROM principal LIMIT 1", params![], |row| row.get(0))?;
    if somebody.is_some() {
        return Ok(false);
    }
    let id = insert(tx, actor, command, now)?;
    let role: Option<i64> = tx.one("SELECT id FROM role WHERE built_in", params![], |row| row.get(0))?;
    let role = RoleId(role.ok_or_else(|| Error::damaged("the administrator role is missing"))?);
    roles::assign(tx, actor, role, id, now)?;
    Ok(true)
}

/// Makes an account; the caller has decided that it may be made.
pub(crate) fn insert(tx: &mut Tx<'_>, actor: &Actor, command: &NewPrincipal, now: i64) -> Result<PrincipalId> {
    let name = lookalike::name("name", &command.name)?;
    text::line("display_name", &command.display_name, limits::NAME_CHARS)?;
    text::line("email", command.email.as_deref().unwrap_or(""), limits::NAME_CHARS)?;
    if command.kind == PrincipalKind::Service && command.password.is_some() {
        return Err(Refusal::invalid("password", "a service account has no password: create an API token for it").into());
    }
    let display_name = if command.display_name.trim().is_empty() { &name } else { command.display_name.trim() };
    let id: Option<i64> = tx.one(
        "INSERT INTO principal (uuid, kind, name, folded, display_name, email, password_hash, disabled, generation, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9) ON CONFLICT (folded) DO NOTHING RETURNING id",
        params![
            command.uuid.to_string(),
            command.kind.name(),
            &name,
            lookalike::fold(&name),
            display_name,
            &command.email,
            command.password.as_ref().map(|hash| hash.0.as_str()),
            false,
            now
        ],
        |row| row.get(0),
    )?;
    let id = id.ok_or_else(|| Refusal::Conflict(format!("there is an account named {name:?} already")))?;
    let password = if command.password.is_some() { "set" } else { "none" };
    let payload = json!({ "after": {
        "kind": command.kind.name(), "display_name": display_name, "email": command.email, "password": password,
    }});
    events::append(tx, actor, now, NewEvent::new(names::PRINCIPAL_CREATED, Object::new("principal", id, &name), payload))?;
    Ok(PrincipalId(id))
}

/// Disables or enables an account. Disabling ends its sessions and takes every right at once.
pub fn set_disabled(tx: &mut Tx<'_>, actor: &Actor, id: PrincipalId, disabled: bool, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let principal = find(tx, id)?;
    require_not_above(tx, actor, id)?;
    identity_providers::require_may_speak_of(tx, actor, id)?;
    if principal.disabled == disabled {
        return Ok(());
    }
    let administrator = access::assigned(tx, id)?.is_administrator();
    tx.execute("UPDATE principal SET disabled = $1, generation = generation + 1 WHERE id = $2", params![disabled, id])?;
    if disabled {
        if administrator {
            roles::refuse_no_administrator(tx)?;
        }
        session::forget_all(tx, id)?;
    }
    access::changed(tx)?;
    let operation = if disabled { names::PRINCIPAL_DISABLED } else { names::PRINCIPAL_ENABLED };
    let object = Object::new("principal", id.0, &principal.name);
    let (before, after) = (json!({ "disabled": !disabled }), json!({ "disabled": disabled }));
    events::append(tx, actor, now, NewEvent::changed(operation, object, before, after))?;
    Ok(())
}

/// Sets somebody's password and ends their sessions. Needs the right to change security, and nothing they hold beyond one's own.
pub fn set_password(tx: &mut Tx<'_>, actor: &Actor, id: PrincipalId, hash: &PasswordHash, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
    require_not_above(tx, actor, id)?;
    let is_bounded = actor.ends_at.is_some() || actor.access.scopes.is_some();
    if is_bounded && actor.id == Some(id) {
        let reason = "a token that ends or has scopes sets no password of its own account: sign in, and change it there";
        return Err(Refusal::Forbidden { reason: reason.into(), missing: Vec::new() }.into());
    }
    write_password(tx, actor, id, hash, now)
}

/// Changes one's own password after the current one was compared through an [`Attempt`](super::Attempt) for the actor's own
/// name; ends all sessions. A wrong one counts like a failed sign-in, so the inner refusal is committed with it.
pub fn change_own_password(
    tx: &mut Tx<'_>,
    actor: &Actor,
    attempt: &Attempt,
    verified: Verified,
    hash: &PasswordHash,
    now: i64,
) -> Result<Result<(), Refusal>> {
    let id = actor.id.ok_or_else(|| Refusal::Unauthenticated("sign in first".into()))?;
    if attempt.account_id() != Some(id) || !verified.is_right() {
        let counted: Result<(), Refusal> = sign_in::fail(tx, actor, attempt, now)?;
        return Ok(counted.map_err(|refusal| match refusal {
            Refusal::Unauthenticated(_) => Refusal::invalid("current_password", "this is not your current password"),
            other => other,
        }));
    }
    write_password(tx, actor, id, hash, now)?;
    Ok(Ok(()))
}

fn write_password(tx: &mut Tx<'_>, actor: &Actor, id: PrincipalId, hash: &PasswordHash, now: i64) -> Result<()> {
    let principal = find(tx, id)?;
    identity_providers::require_own_credentials(&principal)?;
    if principal.kind == PrincipalKind::Service {
        return Err(Refusal::invalid("password", "a service account has no password: create an API token for it").into());
    }
    let had: Option<bool> =
        tx.one("SELECT password_hash IS NOT NULL FROM principal WHERE id = $1", params![id], |row| row.get(0))?;
    tx.execute("UPDATE principal SET password_hash = $1, generation = generation + 1 WHERE id = $2", params![&hash.0, id])?;
    session::forget_all(tx, id)?;
    let object = Object::new("principal", id.0, &principal.name);
    let before = if had.unwrap_or_default() { "set" } else { "none" };
    let payload = json!({
        "by_themselves": actor.id == Some(id), "before": { "password": before }, "after": { "password": "changed" },
    });
    events::append(tx, actor, now, NewEvent::new(names::PASSWORD_CHANGED, object, payload))?;
    Ok(())
}

/// Whether the actor looks after their own account. A token that is bounded by scopes does not: it leaked more often than it
/// was meant to end its owner's sessions.
pub(super) fn is_self(actor: &Actor, id: Option<PrincipalId>) -> bool {
    actor.id.is_some() && actor.id == id && actor.access.scopes.is_none()
}

/// Whoever could take over an account, or a client of it, could use its rights: so they must hold all of them, also those that only
/// its clients bring, and administer the roles that bring them.
pub(super) fn require_not_above(tx: &mut Tx<'_>, actor: &Actor, id: PrincipalId) -> Result<()> {
    let mut theirs = access::assigned(tx, id)?.roles;
    for claim in client::claims_of(tx, id)? {
        theirs.extend(access::held_through(tx, &claim)?);
    }
    theirs.sort_by_key(|role| role.id);
    theirs.dedup_by_key(|role| role.id);
    let mine = access::current(tx, actor)?;
    let above = theirs.iter().flat_map(|role| &role.grants).filter(|path| !mine.may_grant(path));
    let missing: Vec<String> = above.map(|path| path.as_str().to_owned()).collect();
    if !missing.is_empty() {
        return Err(Refusal::Forbidden { reason: "this account holds rights that you do not".into(), missing }.into());
    }
    for role in &theirs {
        access::delegation::require_administers(tx, actor, role.set, &role.bound)?;
        access::delegation::require_worth(tx, actor, role.id, &role.name)?;
    }
    Ok(())
}
