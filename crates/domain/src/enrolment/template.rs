//! Certificate templates: the profiles of private authorities, with what is asked of all their certificates.

use certhold_store::{Tx, params};
use serde_json::json;

use super::owner::OwnerRule;
use super::pattern::{self, Pattern};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::private_ca::Profile;

/// A template as shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its number, from 1.
    pub number: i64,
    /// What it is for.
    pub profile: Profile,
    /// What it asks about owners.
    pub owner_policy: OwnerRule,
}

/// Every template.
pub fn templates(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Template>> {
    access::require_path(tx, actor, paths::TEMPLATES_READ)?;
    Profile::ALL.iter().map(|row| find(tx, row.2)).collect()
}

/// One template.
pub fn template(tx: &mut Tx<'_>, actor: &Actor, profile: Profile) -> Result<Template> {
    access::require_path(tx, actor, paths::TEMPLATES_READ)?;
    find(tx, profile)
}

/// The template of this number, for whoever may see templates.
pub fn template_by_number(tx: &mut Tx<'_>, actor: &Actor, number: i64) -> Result<Template> {
    access::require_path(tx, actor, paths::TEMPLATES_READ)?;
    let profile = Profile::of_number(number).ok_or_else(|| Refusal::not_found("certificate template", number))?;
    find(tx, profile)
}

/// The template of this number, for whoever may change templates.
pub fn template_to_change(tx: &mut Tx<'_>, actor: &Actor, number: i64) -> Result<Template> {
    access::require_path(tx, actor, paths::TEMPLATES_MODIFY)?;
    let profile = Profile::of_number(number).ok_or_else(|| Refusal::not_found("certificate template", number))?;
    find(tx, profile)
}

/// The default pattern of a template, for whoever may see or change templates: what it says is what the template says.
pub fn default_pattern(tx: &mut Tx<'_>, actor: &Actor, profile: Profile) -> Result<Option<Pattern>> {
    access::require(tx, actor, &access::Need::system(paths::TEMPLATES_READ).or_system(paths::TEMPLATES_MODIFY))?;
    Ok(pattern::of_template(tx, profile)?.0)
}

fn find(tx: &mut Tx<'_>, profile: Profile) -> Result<Template> {
    Ok(Template { number: profile.number(), profile, owner_policy: owner_rule(tx, profile)? })
}

pub(super) fn owner_rule(tx: &mut Tx<'_>, profile: Profile) -> Result<OwnerRule> {
    let kept: Option<String> =
        tx.one("SELECT owner_policy FROM certificate_template WHERE profile = $1", params![profile.name()], |row| row.get(0))?;
    Ok(kept.map_or_else(OwnerRule::default, |name| OwnerRule::stored(&name)))
}

/// Changes what a template asks about owners. Certificates that have no owner keep having none.
pub fn set_template(tx: &mut Tx<'_>, actor: &Actor, profile: Profile, owner_policy: OwnerRule, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::TEMPLATES_MODIFY)?;
    if owner_policy == OwnerRule::Hidden {
        return Err(Refusal::invalid("owner_policy", "a template asks optional or required; a pattern may hide owners").into());
    }
    let before = owner_rule(tx, profile)?;
    if before == owner_policy {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO certificate_template (profile, owner_policy) VALUES ($1, $2) \
         ON CONFLICT (profile) DO UPDATE SET owner_policy = $2",
        params![profile.name(), owner_policy.name()],
    )?;
    let object = Object::new("certificate_template", profile.number(), profile.name());
    let (old, new) = (json!({ "owner_policy": before.name() }), json!({ "owner_policy": owner_policy.name() }));
    events::append(tx, actor, now, NewEvent::changed(names::TEMPLATE_CHANGED, object, old, new))?;
    Ok(())
}
