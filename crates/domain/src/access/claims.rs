//! Claims: what a sign-in says of somebody (a group of a directory, a role or subject at an identity provider), under which roles
//! are held.
//!
//! A claim is a type, a value, and the authentication scheme of the provider that says it. Whoever signs in with a claim that is
//! stored here holds the roles given to it, beside those given to their account, for as long as that sign-in lasts. The
//! account's own identity is a claim as well, which nobody edits: it is given roles on its own page ([`super::roles::assign`]).

use certhold_store::{Row, Tx, params};
use serde_json::json;

use super::load::changed;
use super::roles;
use super::{delegation, paths, require_path};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{ClaimId, RoleId};
use crate::{limits, lookalike, text};

/// What kind of thing a sign-in says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClaimType {
    /// The name of somebody in a directory: `EXAMPLE\ana`.
    User,
    /// A group of a directory.
    Group,
    /// A computer of a directory.
    Computer,
    /// The object identifier (`oid`) in a token.
    OauthOid,
    /// A role or group in a token.
    OauthRole,
    /// The subject (`sub`) of a token.
    OauthSubject,
    /// The client that a token was issued to.
    OauthClientId,
}

impl ClaimType {
    /// All of them.
    pub const ALL: [ClaimType; 7] = [
        ClaimType::User,
        ClaimType::Group,
        ClaimType::Computer,
        ClaimType::OauthOid,
        ClaimType::OauthRole,
        ClaimType::OauthSubject,
        ClaimType::OauthClientId,
    ];

    /// The name in APIs and events.
    pub fn name(self) -> &'static str {
        match self {
            ClaimType::User => "user",
            ClaimType::Group => "group",
            ClaimType::Computer => "computer",
            ClaimType::OauthOid => "oauth_oid",
            ClaimType::OauthRole => "oauth_role",
            ClaimType::OauthSubject => "oauth_subject",
            ClaimType::OauthClientId => "oauth_client_id",
        }
    }

    /// The type of this name.
    pub fn parse(name: &str) -> Option<ClaimType> {
        ClaimType::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is the name of somebody or something in a directory, and not of what stands in a token.
    pub fn is_of_directory(self) -> bool {
        matches!(self, ClaimType::User | ClaimType::Group | ClaimType::Computer)
    }
}

/// What identifies a claim.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimKey {
    /// What kind of thing is said.
    pub kind: ClaimType,
    /// What is said.
    pub value: String,
    /// The authentication scheme of whoever says it.
    pub provider: String,
}

impl ClaimKey {
    /// The value as it is compared: names of a directory are the same in upper and lower case; what stands in a token is compared to
    /// the letter.
    pub(crate) fn matched(&self) -> String {
        if self.kind.is_of_directory() { lookalike::fold(&self.value) } else { self.value.clone() }
    }
}

/// A claim as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its handle.
    pub id: ClaimId,
    /// What identifies it.
    pub key: ClaimKey,
    /// What it is for.
    pub description: String,
    /// Unix milliseconds.
    pub created_at: i64,
    /// The roles that are held through it, by name.
    pub roles: Vec<(RoleId, String)>,
}

/// Claims that may be stored.
const CLAIMS: i64 = 10_000;

const COLUMNS: &str = "claim.id, claim.type, claim.value, claim.provider, claim.description, claim.created_at, role.id, role.name \
    FROM claim LEFT JOIN claim_role ON claim_role.claim = claim.id LEFT JOIN role ON role.id = claim_role.role";

type Line = (Claim, Option<(RoleId, String)>);

fn read(row: &Row<'_>) -> Result<Line, certhold_store::Error> {
    let kind = ClaimType::parse(row.text(1)?).unwrap_or(ClaimType::User);
    let claim = Claim {
        id: ClaimId(row.get(0)?),
        key: ClaimKey { kind, value: row.get(2)?, provider: row.get(3)? },
        description: row.get(4)?,
        created_at: row.get(5)?,
        roles: Vec::new(),
    };
    Ok((claim, row.get::<Option<i64>>(6)?.map(RoleId).zip(row.get(7)?)))
}

/// Lines of one claim follow each other.
fn gathered(lines: Vec<Line>) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    for (claim, role) in lines {
        if claims.last().is_none_or(|last| last.id != claim.id) {
            claims.push(claim);
        }
        if let Some(last) = claims.last_mut() {
            last.roles.extend(role);
        }
    }
    claims
}

/// All claims with their roles; only those that give this role, if one is named.
pub fn list(tx: &mut Tx<'_>, actor: &Actor, giving: Option<RoleId>) -> Result<Vec<Claim>> {
    require_path(tx, actor, paths::SECURITY_READ)?;
    all(tx, giving)
}

pub(crate) fn all(tx: &mut Tx<'_>, giving: Option<RoleId>) -> Result<Vec<Claim>> {
    let sql = format!("SELECT {COLUMNS} ORDER BY claim.type, claim.matched, claim.provider, role.folded");
    let mut claims = gathered(tx.rows(&sql, params![], read)?);
    if let Some(role) = giving {
        claims.retain(|claim| claim.roles.iter().any(|(known, _)| *known == role));
    }
    Ok(claims)
}

/// All claims, without asking who wants to know: for answers about roles to whoever may see those.
pub fn stored(tx: &mut Tx<'_>) -> Result<Vec<Claim>> {
    all(tx, None)
}

/// One claim.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: ClaimId) -> Result<Claim> {
    require_path(tx, actor, paths::SECURITY_READ)?;
    find(tx, id)
}

/// One claim without asking who wants to know: for answers about what was just written.
pub fn find(tx: &mut Tx<'_>, id: ClaimId) -> Result<Claim> {
    let lines = tx.rows(&format!("SELECT {COLUMNS} WHERE claim.id = $1 ORDER BY role.folded"), params![id], read)?;
    gathered(lines).pop().ok_or_else(|| Refusal::not_found("claim", id).into())
}

/// Stores a claim, which gives nothing until it is given a role.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, key: &ClaimKey, description: &str, now: i64) -> Result<ClaimId> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let (value, provider) = (key.value.trim(), key.provider.trim());
    if value.is_empty() {
        return Err(Refusal::invalid(
            "value",
            "a claim says something: give the name of the user or group, or the value in the token",
        )
        .into());
    }
    if provider.is_empty() {
        return Err(Refusal::invalid("provider", "name the authentication scheme of the provider that says it").into());
    }
    text::line("value", value, limits::NAME_CHARS)?;
    text::line("provider", provider, limits::NAME_CHARS)?;
    let description = checked_description(description)?;
    let stored: i64 = tx.one("SELECT count(*) FROM claim", params![], |row| row.get(0))?.unwrap_or(0);
    if stored >= CLAIMS {
        return Err(Refusal::Conflict(format!("there are {stored} claims: remove some first")).into());
    }
    let key = ClaimKey { kind: key.kind, value: value.to_owned(), provider: provider.to_owned() };
    let id: Option<i64> = tx.one(
        "INSERT INTO claim (type, value, matched, provider, description, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (type, matched, provider) DO NOTHING RETURNING id",
        params![key.kind.name(), value, key.matched(), provider, &description, now],
        |row| row.get(0),
    )?;
    let id = id.ok_or_else(|| Refusal::Conflict(format!("there is a claim {} already", spoken(&key))))?;
    let payload =
        json!({ "after": { "type": key.kind.name(), "value": value, "provider": provider, "description": description } });
    events::append(tx, actor, now, NewEvent::new(names::CLAIM_CREATED, Object::new("claim", id, &spoken(&key)), payload))?;
    Ok(ClaimId(id))
}

/// Changes what a claim is said to be for. What identifies it stays: another one is another claim.
pub fn describe(tx: &mut Tx<'_>, actor: &Actor, id: ClaimId, description: &str, now: i64) -> Result<()> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let claim = find(tx, id)?;
    let description = checked_description(description)?;
    if description == claim.description {
        return Ok(());
    }
    tx.execute("UPDATE claim SET description = $1 WHERE id = $2", params![&description, id])?;
    let (old, new) = (json!({ "description": claim.description }), json!({ "description": description }));
    let name = spoken(&claim.key);
    events::append(tx, actor, now, NewEvent::changed(names::CLAIM_CHANGED, Object::new("claim", id.0, &name), old, new))?;
    Ok(())
}

/// Removes a claim: whoever holds roles through it does not any more, at once.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: ClaimId, now: i64) -> Result<()> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let claim = find(tx, id)?;
    for (role, _) in &claim.roles {
        let role = roles::find(tx, *role)?;
        delegation::require_may_hand_out(tx, actor, &role)?;
    }
    tx.execute("DELETE FROM claim_role WHERE claim = $1", params![id])?;
    tx.execute("DELETE FROM claim WHERE id = $1", params![id])?;
    changed(tx)?;
    let held: Vec<&str> = claim.roles.iter().map(|(_, name)| name.as_str()).collect();
    let name = spoken(&claim.key);
    let payload = json!({ "before": { "description": claim.description, "roles": held } });
    events::append(tx, actor, now, NewEvent::new(names::CLAIM_DELETED, Object::new("claim", id.0, &name), payload))?;
    Ok(())
}

/// Gives a role to everybody whose sign-in makes this claim. Nobody hands out what they do not hold.
pub fn assign(tx: &mut Tx<'_>, actor: &Actor, id: ClaimId, role: RoleId, now: i64) -> Result<()> {
    set_role(tx, actor, id, role, true, now)
}

/// Takes a role from everybody whose sign-in makes this claim.
pub fn withdraw(tx: &mut Tx<'_>, actor: &Actor, id: ClaimId, role: RoleId, now: i64) -> Result<()> {
    set_role(tx, actor, id, role, false, now)
}

fn set_role(tx: &mut Tx<'_>, actor: &Actor, id: ClaimId, role: RoleId, holds: bool, now: i64) -> Result<()> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let role = roles::find(tx, role)?;
    delegation::require_may_hand_out(tx, actor, &role)?;
    let claim = find(tx, id)?;
    let (operation, moved) = if holds {
        let sql = "INSERT INTO claim_role (claim, role) VALUES ($1, $2) ON CONFLICT (claim, role) DO NOTHING";
        (names::CLAIM_ASSIGNED, tx.execute(sql, params![id, role.id])?)
    } else {
        (names::CLAIM_WITHDRAWN, tx.execute("DELETE FROM claim_role WHERE claim = $1 AND role = $2", params![id, role.id])?)
    };
    if moved == 0 {
        return Ok(());
    }
    changed(tx)?;
    let name = spoken(&claim.key);
    let payload = json!({ "role": role.id, "role_name": role.name, "before": { "held": !holds }, "after": { "held": holds } });
    events::append(tx, actor, now, NewEvent::new(operation, Object::new("claim", id.0, &name), payload))?;
    Ok(())
}

fn checked_description(description: &str) -> Result<String, Refusal> {
    let description = description.trim().replace(['\r', '\n'], " ");
    text::line("description", &description, limits::DESCRIPTION_CHARS)?;
    Ok(description)
}

/// `group "ops" of AD`, for sentences.
pub fn spoken(key: &ClaimKey) -> String {
    format!("{} {:?} of {}", key.kind.name(), key.value, key.provider)
}

/// A claim as somebody wants a role to be held through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedClaim {
    /// What identifies it.
    pub key: ClaimKey,
    /// What it is for, if it is not stored yet.
    pub description: String,
}

/// Lets a role be held through exactly these claims: those that are not stored are, and all others give it no more. What accounts
/// hold by themselves stays.
pub fn replace_of_role(tx: &mut Tx<'_>, actor: &Actor, role: RoleId, wanted: &[WantedClaim], now: i64) -> Result<()> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let stored = all(tx, None)?;
    let mut keep: Vec<ClaimId> = Vec::with_capacity(wanted.len());
    // A claim that is new may be named twice.
    let mut made: Vec<(ClaimKey, ClaimId)> = Vec::new();
    for claim in wanted {
        let key = ClaimKey {
            kind: claim.key.kind,
            value: claim.key.value.trim().to_owned(),
            provider: claim.key.provider.trim().to_owned(),
        };
        let same =
            |known: &ClaimKey| known.kind == key.kind && known.provider == key.provider && known.matched() == key.matched();
        let known = stored.iter().find(|claim| same(&claim.key)).map(|claim| claim.id);
        let known = known.or_else(|| made.iter().find(|(known, _)| same(known)).map(|(_, id)| *id));
        let id = match known {
            Some(id) => id,
            None => {
                let id = create(tx, actor, &key, &claim.description, now)?;
                made.push((key, id));
                id
            }
        };
        if !keep.contains(&id) {
            keep.push(id);
        }
    }
    hold_exactly(tx, actor, role, &stored, keep, now)
}

/// A name of a directory under which somebody wants a role to be held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedName {
    /// The name.
    pub value: String,
    /// Whether it is that of a group; `None` for whichever is known.
    pub group: Option<bool>,
    /// The authentication scheme of the directory, for a name that is not known yet.
    pub provider: String,
}

impl WantedName {
    fn fits(&self, key: &ClaimKey) -> bool {
        let kind = key.kind.is_of_directory() && self.group.is_none_or(|group| group == (key.kind == ClaimType::Group));
        kind && key.matched() == lookalike::fold(self.value.trim())
    }
}

/// Lets a role be held under exactly these names of directories. Each is one under which it is held already, else one that is stored of
/// its directory, else a new one, that of a user unless it is said to be a group's. Claims of other kinds that give the role, and what
/// accounts hold by themselves, stay.
pub fn replace_names_of_role(tx: &mut Tx<'_>, actor: &Actor, role: RoleId, wanted: &[WantedName], now: i64) -> Result<()> {
    require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let mut stored = all(tx, None)?;
    let gives = |claim: &Claim| claim.roles.iter().any(|(held, _)| *held == role);
    let mut keep: Vec<ClaimId> =
        stored.iter().filter(|claim| gives(claim) && !claim.key.kind.is_of_directory()).map(|claim| claim.id).collect();
    for name in wanted {
        let held: Vec<ClaimId> =
            stored.iter().filter(|claim| gives(claim) && name.fits(&claim.key)).map(|claim| claim.id).collect();
        if !held.is_empty() {
            // The same name may be that of a user and of a group, and is sent for each; one that is sent too often is one.
            keep.extend(held.into_iter().find(|id| !keep.contains(id)));
            continue;
        }
        let of_directory = |claim: &&Claim| claim.key.provider == name.provider && name.fits(&claim.key);
        let known = stored.iter().filter(of_directory).max_by_key(|claim| claim.key.kind == ClaimType::User);
        let id = match known {
            Some(claim) => claim.id,
            None => {
                let kind = if name.group == Some(true) { ClaimType::Group } else { ClaimType::User };
                let key = ClaimKey { kind, value: name.value.trim().to_owned(), provider: name.provider.clone() };
                let id = create(tx, actor, &key, "", now)?;
                stored.push(find(tx, id)?);
                id
            }
        };
        if !keep.contains(&id) {
            keep.push(id);
        }
    }
    hold_exactly(tx, actor, role, &stored, keep, now)
}

/// Lets a role be held through these of the stored claims and no others.
fn hold_exactly(tx: &mut Tx<'_>, actor: &Actor, role: RoleId, stored: &[Claim], mut keep: Vec<ClaimId>, now: i64) -> Result<()> {
    for claim in stored.iter().filter(|claim| claim.roles.iter().any(|(held, _)| *held == role)) {
        match keep.iter().position(|id| *id == claim.id) {
            Some(held) => drop(keep.swap_remove(held)),
            None => withdraw(tx, actor, claim.id, role, now)?,
        }
    }
    for id in keep {
        assign(tx, actor, id, role, now)?;
    }
    Ok(())
}
