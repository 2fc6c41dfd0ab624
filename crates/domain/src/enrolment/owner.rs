//! Whether certificates need an owner. It is asked on three levels: of all certificates, of those of a template, of those of a
//! pattern; what one level requires, no other can waive.

use certhold_store::{Tx, Value};
use serde::{Deserialize, Serialize};

use crate::error::{Refusal, Result};
use crate::ids::{CertificateId, RoleId};
use crate::ownership::{self, OwnerPolicy};
use crate::private_ca::Profile;

/// What a template or a pattern asks about owners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerRule {
    /// An owner may be named.
    #[default]
    Optional,
    /// There must be one; it can be changed later, but not cleared.
    Required,
    /// Nobody is asked for one: a pattern's default owner is taken, if it has one.
    Hidden,
}

impl OwnerRule {
    /// Every rule with its name in APIs, by its number in the Keyfactor API.
    pub const NAMES: &[(&str, OwnerRule)] =
        &[("optional", OwnerRule::Optional), ("required", OwnerRule::Required), ("hidden", OwnerRule::Hidden)];

    /// Its name.
    pub fn name(self) -> &'static str {
        OwnerRule::NAMES.iter().find(|(_, rule)| *rule == self).map_or("optional", |(name, _)| name)
    }

    /// The rule of this name.
    pub fn parse(name: &str) -> Result<OwnerRule, Refusal> {
        let known = OwnerRule::NAMES.iter().find(|(known, _)| *known == name).map(|(_, rule)| *rule);
        known.ok_or_else(|| Refusal::invalid("owner_policy", "the policy is optional, required or hidden"))
    }

    /// What stands in the database.
    pub(super) fn stored(name: &str) -> OwnerRule {
        OwnerRule::parse(name).unwrap_or_default()
    }
}

/// What a pattern says about owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerTerms {
    /// Whether one is needed.
    pub policy: OwnerRule,
    /// Who owns what is issued when nobody is named.
    pub default: Option<RoleId>,
    /// Whether somebody else may be named in place of the default.
    pub overridable: bool,
}

impl Default for OwnerTerms {
    fn default() -> OwnerTerms {
        OwnerTerms { policy: OwnerRule::Optional, default: None, overridable: true }
    }
}

impl OwnerTerms {
    /// The owner of what is issued when `asked` is named; says also whether that is the choice of whoever enrols.
    pub(super) fn decide(&self, asked: Option<RoleId>) -> Result<(Option<RoleId>, bool), Refusal> {
        let Some(asked) = asked.filter(|asked| Some(*asked) != self.default) else { return Ok((self.default, false)) };
        let why = match (self.policy, self.default, self.overridable) {
            (OwnerRule::Hidden, ..) => "this pattern decides who owns what is issued: name no owner",
            (_, Some(_), false) => "the default owner of this pattern cannot be overridden: name no other owner",
            _ => return Ok((Some(asked), true)),
        };
        Err(Refusal::invalid("owner", why))
    }
}

/// Who asks for an owner of what a template or a pattern issues; `None` when nobody does.
pub(super) fn asked_by(tx: &mut Tx<'_>, template: Profile, pattern: Option<(&str, OwnerRule)>) -> Result<Option<String>> {
    if ownership::policy(tx)? == OwnerPolicy::Required {
        return Ok(Some("every certificate needs an owner here".into()));
    }
    if super::template::owner_rule(tx, template)? == OwnerRule::Required {
        return Ok(Some(format!("certificates of the template {:?} need an owner", template.name())));
    }
    Ok(pattern
        .filter(|(_, rule)| *rule == OwnerRule::Required)
        .map(|(name, _)| format!("certificates of the enrolment pattern {name:?} need an owner")))
}

/// For each of these certificates, who asks that it has an owner.
pub(crate) fn owner_needed(tx: &mut Tx<'_>, certificates: &[CertificateId]) -> Result<Vec<Option<String>>> {
    if ownership::policy(tx)? == OwnerPolicy::Required {
        return Ok(vec![Some("every certificate needs an owner here".to_owned()); certificates.len()]);
    }
    let lists: Vec<[Value<'_>; 1]> = certificates.iter().map(|id| [(*id).into()]).collect();
    let found = tx.one_of_each(
        "SELECT issued_certificate.profile, certificate_template.owner_policy, enrolment_pattern.name, enrolment_pattern.owner_policy \
         FROM issued_certificate LEFT JOIN certificate_template ON certificate_template.profile = issued_certificate.profile \
         LEFT JOIN enrolment_pattern ON enrolment_pattern.id = issued_certificate.pattern WHERE issued_certificate.certificate = $1",
        &lists,
        |row| {
            let requires = |policy: Option<String>| policy.is_some_and(|name| OwnerRule::stored(&name) == OwnerRule::Required);
            let (profile, pattern): (String, Option<String>) = (row.get(0)?, row.get(2)?);
            if requires(row.get(1)?) {
                return Ok(Some(format!("certificates of the template {profile:?} need an owner")));
            }
            let required = requires(row.get(3)?);
            Ok(pattern.filter(|_| required).map(|name| format!("certificates of the enrolment pattern {name:?} need an owner")))
        },
    )?;
    Ok(found.into_iter().map(Option::flatten).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_owner_gives_way_only_where_it_may() {
        let (house, other) = (RoleId(1), RoleId(2));
        let terms = |policy, default, overridable| OwnerTerms { policy, default, overridable };
        let optional = |default, overridable| terms(OwnerRule::Optional, default, overridable);
        assert_eq!(optional(None, true).decide(None), Ok((None, false)));
        assert_eq!(optional(None, false).decide(Some(other)), Ok((Some(other), true)), "there is nothing to override");
        assert_eq!(optional(Some(house), true).decide(None), Ok((Some(house), false)));
        assert_eq!(optional(Some(house), true).decide(Some(other)), Ok((Some(other), true)));
        assert_eq!(optional(Some(house), false).decide(Some(house)), Ok((Some(house), false)));
        assert!(optional(Some(house), false).decide(Some(other)).is_err());
        let hidden = terms(OwnerRule::Hidden, Some(house), true);
        assert_eq!((hidden.decide(None), hidden.decide(Some(house))), (Ok((Some(house), false)), Ok((Some(house), false))));
        assert!(hidden.decide(Some(other)).is_err() && terms(OwnerRule::Hidden, None, true).decide(Some(other)).is_err());
    }

    #[test]
    fn rules_are_found_by_their_names() {
        for (name, rule) in OwnerRule::NAMES {
            assert_eq!((OwnerRule::parse(name), rule.name()), (Ok(*rule), *name));
        }
        assert!(OwnerRule::parse("Required").is_err());
    }
}
