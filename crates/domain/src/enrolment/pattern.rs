//! Patterns as they are kept and shown.

use std::collections::HashMap;

use certhold_store::{Row, Tx, Value, params};

use super::owner::{OwnerRule, OwnerTerms};
use super::rules::{Kind, Rules};
use crate::access::{self, Access, paths};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::ids::{AuthorityId, MetadataFieldId, PatternId, RoleId};
use crate::lookalike;
use crate::metadata::{self, Enrolment, Field, Override};
use crate::private_ca::Profile;

/// A pattern as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternCommand {
    /// Unique, also against names that look alike.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What its certificates are for.
    pub template: Profile,
    /// Whether requests that name the template alone mean this pattern.
    pub is_default: bool,
    /// From which authority it issues; whoever enrols chooses when `None`.
    pub authority: Option<AuthorityId>,
    /// The roles whose holders may use it, beside administrators.
    pub roles: Vec<RoleId>,
    /// What requests are held against.
    pub rules: Rules,
    /// What it says about owners.
    pub owner: OwnerTerms,
    /// What it asks of metadata fields in place of what these ask by themselves.
    pub fields: Vec<Override>,
}

/// A pattern as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Its handle.
    pub id: PatternId,
    /// What it says.
    pub settings: PatternCommand,
    /// Its authority's name.
    pub authority_name: Option<String>,
    /// The names of its roles, in the order of `settings.roles`.
    pub role_names: Vec<String>,
    /// Its default owner's name.
    pub owner_name: Option<String>,
    /// Unix milliseconds.
    pub created_at: i64,
}

const COLUMNS: &str = "enrolment_pattern.id, enrolment_pattern.name, enrolment_pattern.description, enrolment_pattern.template, \
    enrolment_pattern.is_default, enrolment_pattern.private_ca, enrolment_pattern.rules, enrolment_pattern.owner_policy, \
    enrolment_pattern.default_owner, enrolment_pattern.owner_override, enrolment_pattern.created_at, private_ca.name, role.name \
    FROM enrolment_pattern LEFT JOIN private_ca ON private_ca.id = enrolment_pattern.private_ca \
    LEFT JOIN role ON role.id = enrolment_pattern.default_owner";

fn read(row: &Row<'_>) -> Result<(Pattern, Option<Rules>), certhold_store::Error> {
    let rules: Option<Rules> = serde_json::from_str(row.text(6)?).ok();
    let settings = PatternCommand {
        name: row.get(1)?,
        description: row.get(2)?,
        template: Profile::parse(row.text(3)?).unwrap_or(Profile::Server),
        is_default: row.get(4)?,
        authority: row.get::<Option<i64>>(5)?.map(AuthorityId),
        roles: Vec::new(),
        rules: rules.clone().unwrap_or_default(),
        owner: OwnerTerms {
            policy: OwnerRule::stored(row.text(7)?),
            default: row.get::<Option<i64>>(8)?.map(RoleId),
            overridable: row.get(9)?,
        },
        fields: Vec::new(),
    };
    let pattern = Pattern {
        id: PatternId(row.get(0)?),
        settings,
        authority_name: row.get(11)?,
        role_names: Vec::new(),
        owner_name: row.get(12)?,
        created_at: row.get(10)?,
    };
    Ok((pattern, rules))
}

/// Patterns with their roles and fields; `condition` stands behind `WHERE` with its values, and names columns of `enrolment_pattern`.
fn select(tx: &mut Tx<'_>, condition: &str, values: &[Value<'_>]) -> Result<Vec<Pattern>> {
    let found = tx.rows(&format!("SELECT {COLUMNS} WHERE {condition} ORDER BY enrolment_pattern.folded"), values, read)?;
    let mut patterns = Vec::with_capacity(found.len());
    for (pattern, rules) in found {
        // Rules that cannot be read let nothing through, rather than everything.
        if rules.is_none() {
            return Err(Error::damaged(format!("the rules of enrolment pattern {}", pattern.id)));
        }
        patterns.push(pattern);
    }
    let places: HashMap<PatternId, usize> = patterns.iter().enumerate().map(|(place, pattern)| (pattern.id, place)).collect();
    let sql = format!(
        "SELECT enrolment_pattern_role.pattern, role.id, role.name FROM enrolment_pattern_role \
         JOIN role ON role.id = enrolment_pattern_role.role \
         JOIN enrolment_pattern ON enrolment_pattern.id = enrolment_pattern_role.pattern WHERE {condition} ORDER BY role.folded"
    );
    tx.each(&sql, values, |row| {
        if let Some(place) = places.get(&PatternId(row.get(0)?)) {
            patterns[*place].settings.roles.push(RoleId(row.get(1)?));
            patterns[*place].role_names.push(row.get(2)?);
        }
        Ok(())
    })?;
    let sql = format!(
        "SELECT enrolment_pattern_field.pattern, enrolment_pattern_field.field, enrolment_pattern_field.enrolment, \
         enrolment_pattern_field.initial, enrolment_pattern_field.validation, enrolment_pattern_field.message \
         FROM enrolment_pattern_field JOIN enrolment_pattern ON enrolment_pattern.id = enrolment_pattern_field.pattern \
         WHERE {condition} ORDER BY enrolment_pattern_field.field"
    );
    tx.each(&sql, values, |row| {
        if let Some(place) = places.get(&PatternId(row.get(0)?)) {
            patterns[*place].settings.fields.push(Override {
                field: MetadataFieldId(row.get(1)?),
                enrolment: Enrolment::parse(row.text(2)?).unwrap_or(Enrolment::Optional),
                default: row.get(3)?,
                validation: row.get(4)?,
                message: row.get(5)?,
            });
        }
        Ok(())
    })?;
    Ok(patterns)
}

/// All patterns by name.
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Pattern>> {
    access::require_path(tx, actor, paths::PATTERNS_READ)?;
    select(tx, "1 = 1", params![])
}

/// One pattern.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: PatternId) -> Result<Pattern> {
    access::require_path(tx, actor, paths::PATTERNS_READ)?;
    find(tx, id)
}

/// One pattern, also for whoever may change patterns and not list them.
pub fn get_to_change(tx: &mut Tx<'_>, actor: &Actor, id: PatternId) -> Result<Pattern> {
    access::require(tx, actor, &access::Need::system(paths::PATTERNS_MODIFY).or_system(paths::PATTERNS_READ))?;
    find(tx, id)
}

/// The pattern of this name, for whoever may see patterns.
pub fn by_name(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> Result<PatternId> {
    access::require_path(tx, actor, paths::PATTERNS_READ)?;
    let found: Option<i64> =
        tx.one("SELECT id FROM enrolment_pattern WHERE folded = $1", params![lookalike::fold(name)], |row| row.get(0))?;
    found.map(PatternId).ok_or_else(|| Refusal::not_found("enrolment pattern", format!("{name:?}")).into())
}

pub(super) fn find(tx: &mut Tx<'_>, id: PatternId) -> Result<Pattern> {
    let found = select(tx, "enrolment_pattern.id = $1", params![id])?.pop();
    found.ok_or_else(|| Refusal::not_found("enrolment pattern", id).into())
}

/// The default pattern of a template, and whether it has any pattern.
pub(super) fn of_template(tx: &mut Tx<'_>, template: Profile) -> Result<(Option<Pattern>, bool)> {
    let default = select(tx, "enrolment_pattern.template = $1 AND enrolment_pattern.is_default", params![template.name()])?;
    if let Some(default) = default.into_iter().next() {
        return Ok((Some(default), true));
    }
    let any: Option<i64> =
        tx.one("SELECT 1 FROM enrolment_pattern WHERE template = $1 LIMIT 1", params![template.name()], |row| row.get(0))?;
    Ok((None, any.is_some()))
}

/// Whether somebody may use a pattern: through one of its roles, or as an administrator.
pub(super) fn may_use(held: &Access, pattern: &Pattern) -> bool {
    held.unbounded || held.is_administrator() || pattern.settings.roles.iter().any(|role| held.holds(*role))
}

/// The right without which nobody enrols in this way.
pub(super) fn need(kind: Kind) -> &'static str {
    match kind {
        Kind::Pfx => paths::ENROLLMENT_PFX,
        Kind::Csr => paths::ENROLLMENT_CSR,
        Kind::CsrGeneration => paths::ENROLLMENT_CSR_GENERATION,
    }
}

/// The patterns with which the actor may enrol in one of these ways, by name.
pub fn usable(tx: &mut Tx<'_>, actor: &Actor, kinds: &[Kind]) -> Result<Vec<Pattern>> {
    let held = require_one(tx, actor, kinds)?;
    let mut allowed = Vec::with_capacity(kinds.len());
    for kind in kinds {
        if access::allows(tx, actor, need(*kind))? {
            allowed.push(*kind);
        }
    }
    let all = select(tx, "1 = 1", params![])?;
    let fits =
        |pattern: &Pattern| may_use(&held, pattern) && allowed.iter().any(|kind| pattern.settings.rules.kinds.allow(*kind));
    Ok(all.into_iter().filter(fits).collect())
}

/// The pattern of this name, among those with which the actor may enrol in this way.
pub(crate) fn usable_by_name(tx: &mut Tx<'_>, actor: &Actor, kind: Kind, name: &str) -> Result<PatternId> {
    let wanted = lookalike::fold(name);
    let found = usable(tx, actor, &[kind])?.into_iter().find(|pattern| lookalike::fold(&pattern.settings.name) == wanted);
    found.map(|pattern| pattern.id).ok_or_else(|| Refusal::not_found("enrolment pattern", format!("{name:?}")).into())
}

/// One pattern that the actor may use, or see.
pub fn usable_one(tx: &mut Tx<'_>, actor: &Actor, id: PatternId) -> Result<Pattern> {
    if access::allows(tx, actor, paths::PATTERNS_READ)? {
        return find(tx, id);
    }
    let held = require_one(tx, actor, &[Kind::Pfx, Kind::Csr, Kind::CsrGeneration])?;
    let found = select(tx, "enrolment_pattern.id = $1", params![id])?.pop();
    found.filter(|pattern| may_use(&held, pattern)).ok_or_else(|| not_yours().into())
}

fn require_one(tx: &mut Tx<'_>, actor: &Actor, kinds: &[Kind]) -> Result<std::sync::Arc<Access>> {
    let Some((first, others)) = kinds.split_first() else { return Err(Error::damaged("a way of enrolling is missing")) };
    let needed = others.iter().fold(access::Need::system(need(*first)), |all, kind| all.or_system(need(*kind)));
    access::require(tx, actor, &needed)?;
    access::current(tx, actor)
}

/// What is said of a pattern that somebody may not use; the same of one that does not exist.
pub(super) fn not_yours() -> Refusal {
    let reason = "you hold none of the roles that may use this enrolment pattern".to_owned();
    Refusal::Forbidden { reason, missing: Vec::new() }
}

/// The metadata fields as a pattern asks for them, in their order; as they are by themselves without one.
pub fn fields(tx: &mut Tx<'_>, pattern: Option<&Pattern>) -> Result<Vec<Field>> {
    let overrides = pattern.map(|pattern| pattern.settings.fields.as_slice()).unwrap_or_default();
    let apply =
        |field: Field| overrides.iter().find(|other| other.field == field.id).map_or(field.clone(), |other| other.apply(&field));
    Ok(metadata::all_fields(tx)?.into_iter().filter(|field| !field.removing).map(apply).collect())
}

/// A template that somebody may name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTemplate {
    /// The template.
    pub template: Profile,
    /// Its default pattern; while it has no pattern at all, none.
    pub pattern: Option<Pattern>,
}

/// The templates that the actor may name alone to enrol in this way.
pub fn open_templates(tx: &mut Tx<'_>, actor: &Actor, kind: Kind) -> Result<Vec<OpenTemplate>> {
    let held = require_one(tx, actor, &[kind])?;
    let mut open = Vec::new();
    for row in Profile::ALL {
        let pattern = match of_template(tx, row.2)? {
            (None, true) => continue,
            (Some(pattern), _) if !may_use(&held, &pattern) || !pattern.settings.rules.kinds.allow(kind) => continue,
            (found, _) => found,
        };
        open.push(OpenTemplate { template: row.2, pattern });
    }
    Ok(open)
}
