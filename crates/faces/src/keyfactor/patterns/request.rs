//! A pattern as somebody wants it: what is left out keeps its value.

use certhold_domain::access::roles;
use certhold_domain::enrolment::{OwnerTerms, PartRule, PatternCommand, Rules};
use certhold_domain::metadata::Override;
use certhold_domain::private_ca::Profile;
use certhold_domain::{Actor, AuthorityId, MetadataFieldId, RoleId};
use certhold_store::Tx;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{PartDefault, PartRegex, PatternField, Policies, kinds, owner_rule};
use crate::keyfactor::extract::Author;
use crate::keyfactor::metadata_fields::ENROLMENTS;
use crate::keyfactor::refused::{Answer, Refused};

/// A pattern as it shall be. What is left out keeps its value, and has its default in a new one.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PatternRequest {
    /// Which pattern, to change it.
    pub(super) id: Option<i64>,
    name: Option<String>,
    description: Option<String>,
    /// The number of a template.
    template: Option<TemplateNamed>,
    template_default: Option<bool>,
    allowed_enrollment_types: Option<i64>,
    /// Names of roles.
    associated_roles: Option<Vec<RoleNamed>>,
    #[serde(rename = "RestrictCAs")]
    restrict_cas: Option<bool>,
    /// The number of one authority.
    certificate_authorities: Option<Vec<AuthorityNamed>>,
    regexes: Option<Vec<PartRegex>>,
    defaults: Option<Vec<PartDefault>>,
    metadata_fields: Option<Vec<PatternField>>,
    policies: Option<Policies>,
}

/// A template by its number, or as it stands in answers.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a template is named by its number, or by an object with its Id")]
pub enum TemplateNamed {
    /// Its number.
    Number(i64),
    /// As it stands in answers.
    Object {
        /// Its number.
        #[serde(rename = "Id", alias = "id")]
        id: i64,
    },
}

/// A role by its name, or as it stands in answers.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a role is named by its name, or by an object with its Id")]
pub enum RoleNamed {
    /// Its name.
    Name(String),
    /// As it stands in answers.
    Object {
        /// Its number.
        #[serde(rename = "Id", alias = "id")]
        id: i64,
    },
}

/// An authority by its number, or as it stands in answers.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(untagged, expecting = "an authority is named by its number, or by an object with its Id")]
pub enum AuthorityNamed {
    /// Its number.
    Number(i64),
    /// As it stands in answers.
    Object {
        /// Its number.
        #[serde(rename = "Id", alias = "id")]
        id: i64,
    },
}

impl PatternRequest {
    fn template(&self, before: Option<&PatternCommand>) -> Answer<Profile> {
        match self.template {
            Some(TemplateNamed::Number(number) | TemplateNamed::Object { id: number }) => {
                Profile::of_number(number).ok_or_else(|| Refused::not_found("Template", number))
            }
            None => before.map(|before| before.template).ok_or_else(|| Refused::invalid("Template", "name the template")),
        }
    }

    fn authority(&self, before: Option<&PatternCommand>) -> Answer<Option<AuthorityId>> {
        let named: Option<Vec<i64>> = self.certificate_authorities.as_ref().map(|all| {
            let number = |one: &AuthorityNamed| match one {
                AuthorityNamed::Number(number) | AuthorityNamed::Object { id: number } => *number,
            };
            all.iter().map(number).collect()
        });
        match (self.restrict_cas, named.as_deref()) {
            (Some(false), _) => Ok(None),
            (_, Some([only])) => Ok(Some(AuthorityId(*only))),
            (Some(true), Some([])) => {
                Err(Refused::invalid("CertificateAuthorities", "a pattern that is restricted names its authority"))
            }
            (None, Some([])) => Ok(None),
            (_, Some(_)) => {
                Err(Refused::invalid("CertificateAuthorities", "a pattern issues here from one authority, or from any"))
            }
            (_, None) => Ok(before.and_then(|before| before.authority)),
        }
    }

    fn parts(&self, before: &Rules) -> Answer<Vec<PartRule>> {
        let mut parts: Vec<PartRule> = before.parts.clone();
        if self.regexes.is_some() {
            parts.iter_mut().for_each(|rule| (rule.regex, rule.message) = (String::new(), String::new()));
        }
        if self.defaults.is_some() {
            parts.iter_mut().for_each(|rule| rule.default = String::new());
        }
        let mut of = |part: &str| {
            let part = part.trim().to_ascii_uppercase();
            parts.iter().position(|rule| rule.part == part).unwrap_or_else(|| {
                parts.push(PartRule { part, ..PartRule::default() });
                parts.len() - 1
            })
        };
        let mut changes: Vec<(usize, PartRule)> = Vec::new();
        for given in self.regexes.iter().flatten() {
            let text = given.regex.clone().unwrap_or_default();
            let insensitive = given.case_sensitive == Some(false) && !text.is_empty() && !text.starts_with("(?i)");
            let regex = if insensitive { format!("(?i){text}") } else { text };
            let place = of(&given.subject_part);
            if changes.iter().any(|(known, rule)| *known == place && !rule.regex.is_empty()) {
                return Err(Refused::invalid("Regexes", format!("{}: the part stands twice", given.subject_part)));
            }
            changes.push((place, PartRule { regex, message: given.error.clone().unwrap_or_default(), ..PartRule::default() }));
        }
        for given in self.defaults.iter().flatten() {
            let default = given.value.clone().unwrap_or_default();
            changes.push((of(&given.subject_part), PartRule { default, ..PartRule::default() }));
        }
        for (place, change) in changes {
            let rule = &mut parts[place];
            if !change.regex.is_empty() {
                (rule.regex, rule.message) = (change.regex, change.message);
            }
            if !change.default.is_empty() {
                rule.default = change.default;
            }
        }
        Ok(parts)
    }

    fn rules(&self, before: Rules) -> Answer<Rules> {
        let policies = self.policies.clone().unwrap_or_default();
        let keys = policies.primary.or(policies.key_info).map(|info| info.kinds()).transpose()?;
        // The same keys in another order are no change: the order says which one is made by default.
        let same = |keys: &Vec<_>| keys.len() == before.keys.len() && keys.iter().all(|kind| before.keys.contains(kind));
        Ok(Rules {
            kinds: self.allowed_enrollment_types.map(kinds).transpose()?.unwrap_or(before.kinds),
            keys: keys.filter(|keys| !same(keys)).unwrap_or_else(|| before.keys.clone()),
            wildcards: policies.wildcards.unwrap_or(before.wildcards),
            key_reuse: policies.key_reuse.unwrap_or(before.key_reuse),
            rfc: policies.rfc.unwrap_or(before.rfc),
            parts: self.parts(&before)?,
            ..before
        })
    }

    fn fields(&self, before: Option<&PatternCommand>) -> Answer<Vec<Override>> {
        let Some(given) = &self.metadata_fields else {
            return Ok(before.map(|before| before.fields.clone()).unwrap_or_default());
        };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let read = |field: &PatternField| {
            let number = field.enrollment.unwrap_or(0);
            let enrolment = ENROLMENTS.iter().find(|(known, _)| *known == number).map(|(_, one)| *one);
            Ok(Override {
                field: MetadataFieldId(field.metadata_id),
                enrolment: enrolment.ok_or_else(|| Refused::invalid("Enrollment", "0 optional, 1 required, 2 hidden"))?,
                default: text(&field.default_value),
                validation: text(&field.validation),
                message: text(&field.message),
            })
        };
        given.iter().map(read).collect()
    }

    /// With the roles that it names.
    ///
    /// # Errors
    /// There is no such role, or none that the author may see.
    pub(super) async fn named(self, author: &Author) -> Answer<NamedRequest> {
        let roles = match self.associated_roles.clone() {
            None => None,
            Some(named) => {
                let find = move |tx: &mut Tx<'_>, actor: &Actor| {
                    let find = |role: &RoleNamed| match role {
                        RoleNamed::Object { id } => Ok(RoleId(*id)),
                        RoleNamed::Name(name) => roles::by_name(tx, actor, name),
                    };
                    named.iter().map(find).collect()
                };
                Some(author.read(find).await?)
            }
        };
        let owner = match &self.policies {
            None => None,
            Some(policies) => {
                let (id, name) = (policies.default_owner_id.filter(|id| *id != 0), policies.default_owner_name.clone());
                author.owner_named(id, name).await?
            }
        };
        Ok(NamedRequest { request: self, roles, owner })
    }
}

/// A request whose roles are known by their ids.
pub(super) struct NamedRequest {
    request: PatternRequest,
    roles: Option<Vec<RoleId>>,
    owner: Option<RoleId>,
}

impl NamedRequest {
    fn owner(&self, before: OwnerTerms) -> Answer<OwnerTerms> {
        let Some(policies) = &self.request.policies else { return Ok(before) };
        // `null` cannot be told from what is left out: an empty name takes the default away.
        let cleared = policies.default_owner_name.as_deref().is_some_and(|name| name.trim().is_empty());
        Ok(OwnerTerms {
            policy: policies.owner.map(owner_rule).transpose()?.unwrap_or(before.policy),
            default: self.owner.or(before.default.filter(|_| !cleared)),
            overridable: policies.owner_override.unwrap_or(before.overridable),
        })
    }

    /// The pattern as it shall be, where it is as `before` says now.
    ///
    /// # Errors
    /// What it says cannot be, or a new one lacks something.
    pub(super) fn command(&self, before: Option<&PatternCommand>) -> Answer<PatternCommand> {
        let sent = &self.request;
        let name = sent.name.clone().or_else(|| before.map(|before| before.name.clone()));
        let description = sent.description.clone().or_else(|| before.map(|before| before.description.clone()));
        let roles = self.roles.clone().or_else(|| before.map(|before| before.roles.clone()));
        Ok(PatternCommand {
            name: name.ok_or_else(|| Refused::invalid("Name", "a name is required"))?,
            description: description.unwrap_or_default(),
            template: sent.template(before)?,
            is_default: sent.template_default.unwrap_or_else(|| before.is_some_and(|before| before.is_default)),
            authority: sent.authority(before)?,
            roles: roles.unwrap_or_default(),
            rules: sent.rules(before.map(|before| before.rules.clone()).unwrap_or_default())?,
            owner: self.owner(before.map(|before| before.owner.clone()).unwrap_or_default())?,
            fields: sent.fields(before)?,
        })
    }
}
