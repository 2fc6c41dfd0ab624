//! Patterns are created, changed and removed.

use certhold_store::{Tx, Value, params};
use serde_json::{Value as Json, json};

use super::owner::OwnerTerms;
use super::pattern::{self, Pattern, PatternCommand};
use crate::access::{self, paths, roles};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{MetadataFieldId, PatternId, RoleId};
use crate::{collections, limits, lookalike, metadata, ownership, private_ca, text};

/// Creates a pattern. With `take_default`, a pattern that is the default of the template gives way to it.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, command: &PatternCommand, take_default: bool, now: i64) -> Result<PatternId> {
    access::require_path(tx, actor, paths::PATTERNS_MODIFY)?;
    let checked = check(tx, actor, command, None)?;
    let count: i64 = tx.one("SELECT count(*) FROM enrolment_pattern", params![], |row| row.get(0))?.unwrap_or(0);
    if count >= limits::PATTERNS {
        return Err(Refusal::TooLarge(format!("at most {} enrolment patterns are allowed", limits::PATTERNS)).into());
    }
    give_way(tx, actor, &checked, None, take_default, now)?;
    let values = values(&checked)?.into_iter().chain([now.into()]).collect::<Vec<_>>();
    let id: Option<i64> = tx.one(
        &format!(
            "INSERT INTO enrolment_pattern ({COLUMNS}, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id"
        ),
        &values,
        |row| row.get(0),
    )?;
    let id = PatternId(id.ok_or_else(|| Error::damaged("an enrolment pattern got no id"))?);
    put_lists(tx, id, &checked)?;
    let payload = json!({ "after": described(&pattern::find(tx, id)?) });
    let object = Object::new("enrolment_pattern", id.0, &checked.name);
    events::append(tx, actor, now, NewEvent::new(names::PATTERN_CREATED, object, payload))?;
    Ok(id)
}

/// Replaces a pattern. Certificates that were issued with it keep what they have.
pub fn update(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: PatternId,
    command: &PatternCommand,
    take_default: bool,
    now: i64,
) -> Result<()> {
    access::require_path(tx, actor, paths::PATTERNS_MODIFY)?;
    let before = pattern::find(tx, id)?;
    let checked = check(tx, actor, command, Some(&before))?;
    give_way(tx, actor, &checked, Some(id), take_default, now)?;
    let values = values(&checked)?.into_iter().chain([id.into()]).collect::<Vec<_>>();
    tx.execute(
        &format!("UPDATE enrolment_pattern SET ({COLUMNS}) = ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) WHERE id = $11"),
        &values,
    )?;
    tx.execute("DELETE FROM enrolment_pattern_role WHERE pattern = $1", params![id])?;
    tx.execute("DELETE FROM enrolment_pattern_field WHERE pattern = $1", params![id])?;
    put_lists(tx, id, &checked)?;
    let after = pattern::find(tx, id)?;
    if before != after {
        let object = Object::new("enrolment_pattern", id.0, &checked.name);
        let event = NewEvent::changed(names::PATTERN_CHANGED, object, described(&before), described(&after));
        events::append(tx, actor, now, event)?;
    }
    Ok(())
}

/// Removes a pattern. While there are certificates that were issued with it, that is refused, unless `force` lets them forget it; and
/// always while a managed certificate is renewed by it.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: PatternId, force: bool, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::PATTERNS_MODIFY)?;
    let before = pattern::find(tx, id)?;
    let issued: i64 =
        tx.one("SELECT count(*) FROM issued_certificate WHERE pattern = $1", params![id], |row| row.get(0))?.unwrap_or(0);
    if issued > 0 && !force {
        let message = format!(
            "{issued} certificates were issued with the enrolment pattern {:?}: let it allow no way of enrolling, or force its removal",
            before.settings.name
        );
        return Err(Refusal::Conflict(message).into());
    }
    let managed: Option<String> =
        tx.one("SELECT name FROM lineage WHERE pattern = $1 ORDER BY id LIMIT 1", params![id], |row| row.get(0))?;
    if let Some(managed) = managed {
        // Without it their next versions would be held against other rules, or none.
        let message = format!(
            "the managed certificate {managed:?} is renewed by the enrolment pattern {:?}: give up that plan first",
            before.settings.name
        );
        return Err(Refusal::Conflict(message).into());
    }
    tx.execute("UPDATE issued_certificate SET pattern = NULL WHERE pattern = $1", params![id])?;
    tx.execute("UPDATE key_request SET pattern = NULL WHERE pattern = $1", params![id])?;
    tx.execute("DELETE FROM enrolment_pattern_role WHERE pattern = $1", params![id])?;
    tx.execute("DELETE FROM enrolment_pattern_field WHERE pattern = $1", params![id])?;
    tx.execute("DELETE FROM enrolment_pattern WHERE id = $1", params![id])?;
    let payload = json!({ "before": described(&before), "issued": issued });
    let object = Object::new("enrolment_pattern", id.0, &before.settings.name);
    events::append(tx, actor, now, NewEvent::new(names::PATTERN_DELETED, object, payload))?;
    Ok(())
}

/// The name of a pattern that names this role, if there is one.
pub(crate) fn naming_role(tx: &mut Tx<'_>, role: RoleId) -> Result<Option<String>> {
    let sql = "SELECT name FROM enrolment_pattern WHERE default_owner = $1 \
               OR id IN (SELECT pattern FROM enrolment_pattern_role WHERE role = $1) ORDER BY folded LIMIT 1";
    Ok(tx.one(sql, params![role], |row| row.get(0))?)
}

/// What is written of a pattern, beside its lists.
const COLUMNS: &str =
    "name, folded, description, template, is_default, private_ca, rules, owner_policy, default_owner, owner_override";

fn values(command: &PatternCommand) -> Result<[Value<'_>; 10]> {
    let rules = serde_json::to_string(&command.rules).map_err(|error| Error::damaged(error.to_string()))?;
    Ok([
        (&command.name).into(),
        lookalike::fold(&command.name).into(),
        (&command.description).into(),
        command.template.name().into(),
        command.is_default.into(),
        command.authority.into(),
        rules.into(),
        command.owner.policy.name().into(),
        command.owner.default.into(),
        command.owner.overridable.into(),
    ])
}

/// The command in its normal form.
fn check(tx: &mut Tx<'_>, actor: &Actor, command: &PatternCommand, before: Option<&Pattern>) -> Result<PatternCommand> {
    let name = lookalike::name("name", &command.name)?;
    let taken = tx.one("SELECT id, name FROM enrolment_pattern WHERE folded = $1", params![lookalike::fold(&name)], |row| {
        Ok((PatternId(row.get(0)?), row.get::<String>(1)?))
    })?;
    if let Some((_, taken)) = taken.filter(|(id, _)| before.is_none_or(|before| before.id != *id)) {
        return Err(Refusal::Conflict(access::delegation::taken("an enrolment pattern", &name, &taken)).into());
    }
    let description = command.description.trim().to_owned();
    text::line("description", &description.replace('\n', " "), limits::DESCRIPTION_CHARS)?;
    let rules = command.rules.checked(command.template)?;
    if let Some(authority) = command.authority {
        private_ca::require_authority(tx, authority)?;
    }
    let mut chosen: Vec<RoleId> = Vec::with_capacity(command.roles.len());
    for role in &command.roles {
        if !chosen.contains(role) {
            named_role(tx, "roles", *role)?;
            chosen.push(*role);
        }
    }
    if chosen.len() > limits::PATTERN_ROLES {
        let message = format!("at most {} roles may use one pattern", limits::PATTERN_ROLES);
        return Err(Refusal::TooLarge(message).into());
    }
    let owner = check_owner(tx, actor, &command.owner, before)?;
    let known = metadata::all_fields(tx)?;
    let mut fields: Vec<metadata::Override> = Vec::with_capacity(command.fields.len());
    for given in &command.fields {
        let field = known.iter().find(|field| field.id == given.field && !field.removing);
        let field = field.ok_or_else(|| Refusal::invalid("metadata", format!("there is no metadata field {}", given.field)))?;
        if fields.iter().any(|other| other.field == field.id) {
            return Err(Refusal::invalid("metadata", format!("{}: the field stands twice", field.name)).into());
        }
        fields.push(metadata::check_override(field, given)?);
    }
    fields.sort_by_key(|other| other.field);
    require_may_default(tx, actor, &fields, before)?;
    Ok(PatternCommand { name, description, rules, roles: chosen, owner, fields, ..command.clone() })
}

/// A default is noted about certificates of everybody who uses the pattern: another one needs what noting it about theirs needs.
fn require_may_default(tx: &mut Tx<'_>, actor: &Actor, fields: &[metadata::Override], before: Option<&Pattern>) -> Result<()> {
    let known = before.map_or(&[][..], |before| before.settings.fields.as_slice());
    let default = |all: &[metadata::Override], field: MetadataFieldId| {
        all.iter().find(|other| other.field == field).map(|other| other.default.clone()).unwrap_or_default()
    };
    for field in fields.iter().chain(known).map(|other| other.field) {
        if default(fields, field) != default(known, field) {
            collections::require_metadata_change(tx, actor, field)?;
        }
    }
    Ok(())
}

fn named_role(tx: &mut Tx<'_>, field: &'static str, role: RoleId) -> Result<()> {
    roles::find(tx, role).map(drop).map_err(|error| match error {
        Error::Refused(Refusal::NotFound { .. }) => Refusal::invalid(field, format!("there is no role {role}")).into(),
        other => other,
    })
}

/// A default owner is handed certificates by everybody who uses the pattern: whoever sets it must be able to hand to it.
fn check_owner(tx: &mut Tx<'_>, actor: &Actor, given: &OwnerTerms, before: Option<&Pattern>) -> Result<OwnerTerms> {
    let known = before.and_then(|before| before.settings.owner.default);
    if let Some(role) = given.default.filter(|role| known != Some(*role)) {
        named_role(tx, "default_owner", role)?;
        ownership::require_may_hand_to(tx, actor, role)?;
    }
    Ok(given.clone())
}

/// Another pattern that is the default of the template gives way to this one, or stands in its way.
fn give_way(
    tx: &mut Tx<'_>,
    actor: &Actor,
    command: &PatternCommand,
    own: Option<PatternId>,
    take_default: bool,
    now: i64,
) -> Result<()> {
    let (Some(other), _) = pattern::of_template(tx, command.template)? else { return Ok(()) };
    if !command.is_default || own == Some(other.id) {
        return Ok(());
    }
    if !take_default {
        let message = format!(
            "the enrolment pattern {:?} is the default of the template {:?} already: take that from it first",
            other.settings.name,
            command.template.name()
        );
        return Err(Refusal::Conflict(message).into());
    }
    tx.execute("UPDATE enrolment_pattern SET is_default = $1 WHERE id = $2", params![false, other.id])?;
    let object = Object::new("enrolment_pattern", other.id.0, &other.settings.name);
    let (old, new) = (json!({ "is_default": true }), json!({ "is_default": false }));
    events::append(tx, actor, now, NewEvent::changed(names::PATTERN_CHANGED, object, old, new))?;
    Ok(())
}

fn put_lists(tx: &mut Tx<'_>, id: PatternId, command: &PatternCommand) -> Result<()> {
    let roles: Vec<[Value<'_>; 2]> = command.roles.iter().map(|role| [id.into(), (*role).into()]).collect();
    if !roles.is_empty() {
        tx.execute_many("INSERT INTO enrolment_pattern_role (pattern, role) VALUES ($1, $2)", &roles)?;
    }
    let fields: Vec<[Value<'_>; 6]> = command
        .fields
        .iter()
        .map(|other| {
            [
                id.into(),
                other.field.into(),
                other.enrolment.name().into(),
                (&other.default).into(),
                (&other.validation).into(),
                (&other.message).into(),
            ]
        })
        .collect();
    if !fields.is_empty() {
        tx.execute_many(
            "INSERT INTO enrolment_pattern_field (pattern, field, enrolment, initial, validation, message) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            &fields,
        )?;
    }
    Ok(())
}

/// What an event keeps of a pattern.
fn described(pattern: &Pattern) -> Json {
    let settings = &pattern.settings;
    let field = |other: &metadata::Override| {
        json!({ "field": other.field, "enrolment": other.enrolment.name(), "default": other.default,
            "validation": other.validation, "message": other.message })
    };
    json!({
        "name": settings.name, "description": settings.description, "template": settings.template.name(),
        "is_default": settings.is_default, "authority": settings.authority, "authority_name": pattern.authority_name,
        "roles": settings.roles, "role_names": pattern.role_names, "rules": settings.rules,
        "owner_policy": settings.owner.policy.name(), "default_owner": settings.owner.default,
        "default_owner_name": pattern.owner_name, "owner_override": settings.owner.overridable,
        "metadata": settings.fields.iter().map(field).collect::<Vec<_>>(),
    })
}
