//! `/EnrollmentPatterns`: who may have which certificates issued, and by what rules.

mod request;

use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::PatternId;
use certhold_domain::enrolment::{self, Kinds, OwnerRule, PARTS, PartRule, Pattern, Rules};
use certhold_domain::metadata::{Field, Override};
use certhold_domain::query::{Kind, Scalar};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use request::PatternRequest;

use crate::keyfactor::extract::{Asked, Author, Body, Caller, Id};
use crate::keyfactor::key_info::KeyInfo;
use crate::keyfactor::listing::{Listed, Short};
use crate::keyfactor::metadata_fields::ENROLMENTS;
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::{Answer, Refused};
use crate::state::App;

/// The routes of enrolment patterns.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create, update))
        .routes(routes!(get, update_one, remove))
        .routes(routes!(settings))
        .routes(routes!(subject_parts))
}

/// A role, an authority or a template that is referred to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Referred {
    id: i64,
    name: String,
}

/// The template of a pattern.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PatternTemplate {
    id: i64,
    template_name: &'static str,
    common_name: &'static str,
    display_name: &'static str,
}

/// A regular expression for a part of subjects or names.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PartRegex {
    /// One of `/EnrollmentPatterns/SubjectParts`.
    subject_part: String,
    regex: Option<String>,
    /// What is said when it does not match.
    error: Option<String>,
    /// Letter case counts by default; false asks for the contrary.
    case_sensitive: Option<bool>,
}

/// The value of a part that a subject leaves out.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PartDefault {
    /// One of `/EnrollmentPatterns/SubjectParts`.
    subject_part: String,
    value: Option<String>,
}

/// What is asked of a metadata field in place of what it asks by itself.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PatternField {
    metadata_id: i64,
    default_value: Option<String>,
    /// A regular expression; strings only.
    validation: Option<String>,
    /// 0 optional, 1 required, 2 hidden.
    enrollment: Option<i64>,
    /// What is said when it does not match.
    message: Option<String>,
}

/// The policies of a pattern.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct Policies {
    /// Whether a key may get a certificate that has one already.
    #[serde(rename = "AllowKeyReuse")]
    key_reuse: Option<bool>,
    #[serde(rename = "AllowWildcards")]
    wildcards: Option<bool>,
    /// Whether alternative names are needed and the common name must be among them.
    #[serde(rename = "RFCEnforcement")]
    rfc: Option<bool>,
    /// Whether an owner is needed: 0 optional, 1 required, 2 hidden.
    #[serde(rename = "CertificateOwnerRole")]
    owner: Option<i64>,
    /// Who owns what is issued when nobody is named.
    #[serde(rename = "DefaultCertificateOwnerRoleId")]
    default_owner_id: Option<i64>,
    /// The same by name; the id goes over it.
    #[serde(rename = "DefaultCertificateOwnerRoleName")]
    default_owner_name: Option<String>,
    /// Whether somebody else may be named.
    #[serde(rename = "DefaultCertificateOwnerOverride")]
    owner_override: Option<bool>,
    /// The keys that certificates may have; of none named every one.
    #[serde(rename = "KeyInfo")]
    key_info: Option<KeyInfo>,
    /// The same under its newer name.
    #[serde(rename = "PrimaryKeyAlgorithms")]
    primary: Option<KeyInfo>,
}

/// A pattern.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct EnrollmentPattern {
    id: i64,
    name: String,
    description: String,
    template: PatternTemplate,
    template_default: bool,
    /// 1 PFX, 2 CSR, 4 CSR generation, added up.
    allowed_enrollment_types: i64,
    /// The roles whose holders may use it, beside administrators.
    associated_roles: Vec<Referred>,
    #[serde(rename = "UseADPermissions")]
    use_ad_permissions: bool,
    /// Whether it issues from one authority only.
    #[serde(rename = "RestrictCAs")]
    restrict_cas: bool,
    certificate_authorities: Vec<Referred>,
    regexes: Vec<PartRegex>,
    defaults: Vec<PartDefault>,
    metadata_fields: Vec<PatternField>,
    policies: Policies,
    #[schema(value_type = Vec<Object>)]
    enrollment_fields: [(); 0],
}

/// The number of the ways in which certificates may be asked for.
pub fn types(kinds: Kinds) -> i64 {
    i64::from(kinds.pfx) | i64::from(kinds.csr) << 1 | i64::from(kinds.csr_generation) << 2
}

fn kinds(types: i64) -> Answer<Kinds> {
    match types {
        0..=7 => Ok(Kinds { pfx: types & 1 != 0, csr: types & 2 != 0, csr_generation: types & 4 != 0 }),
        _ => Err(Refused::invalid("AllowedEnrollmentTypes", "1 PFX, 2 CSR, 4 CSR generation, added up")),
    }
}

/// The number of an owner rule.
pub fn owner_number(rule: OwnerRule) -> i64 {
    let place = OwnerRule::NAMES.iter().position(|(_, known)| *known == rule).unwrap_or_default();
    i64::try_from(place).unwrap_or_default()
}

/// The owner rule of this number.
///
/// # Errors
/// There is none.
pub fn owner_rule(number: i64) -> Answer<OwnerRule> {
    let found = usize::try_from(number).ok().and_then(|place| OwnerRule::NAMES.get(place));
    found.map(|(_, rule)| *rule).ok_or_else(|| Refused::invalid("CertificateOwnerRole", "0 optional, 1 required, 2 hidden"))
}

/// Expressions and defaults of rules.
pub fn part_lists(rules: &Rules) -> (Vec<PartRegex>, Vec<PartDefault>) {
    let regex = |rule: &PartRule| PartRegex {
        subject_part: rule.part.clone(),
        regex: Some(rule.regex.clone()),
        error: Some(rule.message.clone()),
        case_sensitive: Some(!rule.regex.starts_with("(?i)")),
    };
    let default = |rule: &PartRule| PartDefault { subject_part: rule.part.clone(), value: Some(rule.default.clone()) };
    let regexes = rules.parts.iter().filter(|rule| !rule.regex.is_empty()).map(regex).collect();
    (regexes, rules.parts.iter().filter(|rule| !rule.default.is_empty()).map(default).collect())
}

impl Policies {
    /// What a pattern says.
    pub fn of(pattern: &Pattern) -> Policies {
        let (rules, owner) = (&pattern.settings.rules, &pattern.settings.owner);
        Policies {
            key_reuse: Some(rules.key_reuse),
            wildcards: Some(rules.wildcards),
            rfc: Some(rules.rfc),
            owner: Some(owner_number(owner.policy)),
            default_owner_id: owner.default.map(|role| role.0),
            default_owner_name: pattern.owner_name.clone(),
            owner_override: Some(owner.overridable),
            key_info: Some(KeyInfo::of(&rules.keys)),
            primary: Some(KeyInfo::of(&rules.keys)),
        }
    }
}

impl From<Override> for PatternField {
    fn from(other: Override) -> PatternField {
        PatternField {
            metadata_id: other.field.0,
            default_value: Some(other.default),
            validation: Some(other.validation),
            enrollment: ENROLMENTS.iter().find(|(_, known)| *known == other.enrolment).map(|(number, _)| *number),
            message: Some(other.message),
        }
    }
}

impl From<Field> for PatternField {
    fn from(field: Field) -> PatternField {
        PatternField {
            metadata_id: field.id.0,
            default_value: Some(field.default),
            validation: Some(field.validation),
            enrollment: ENROLMENTS.iter().find(|(_, known)| *known == field.enrolment).map(|(number, _)| *number),
            message: Some(field.message),
        }
    }
}

impl From<Pattern> for EnrollmentPattern {
    fn from(pattern: Pattern) -> EnrollmentPattern {
        let policies = Policies::of(&pattern);
        let (regexes, defaults) = part_lists(&pattern.settings.rules);
        let settings = pattern.settings;
        let authority = settings.authority.zip(pattern.authority_name);
        let roles = settings.roles.iter().zip(pattern.role_names);
        let template = settings.template;
        EnrollmentPattern {
            id: pattern.id.0,
            name: settings.name,
            description: settings.description,
            template: PatternTemplate {
                id: template.number(),
                template_name: template.name(),
                common_name: template.name(),
                display_name: template.title(),
            },
            template_default: settings.is_default,
            allowed_enrollment_types: types(settings.rules.kinds),
            associated_roles: roles.map(|(id, name)| Referred { id: id.0, name }).collect(),
            use_ad_permissions: false,
            restrict_cas: settings.authority.is_some(),
            certificate_authorities: authority.into_iter().map(|(id, name)| Referred { id: id.0, name }).collect(),
            regexes,
            defaults,
            metadata_fields: settings.fields.into_iter().map(PatternField::from).collect(),
            policies,
            enrollment_fields: [],
        }
    }
}

/// List enrolment patterns
#[utoipa::path(get, path = "/EnrollmentPatterns", tag = "EnrollmentPatterns", params(
    ("QueryString" = Option<String>, Query, description = "A query over Name, Id, Template and TemplateDefault"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "One of these fields; Name by default"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of patterns", body = Vec<EnrollmentPattern>)))]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<EnrollmentPattern>> {
    let (found, me) = caller.read(|tx, actor| Ok((enrolment::list(tx, actor)?, actor.name.clone()))).await?;
    let short = Short::<Pattern> {
        fields: &[("Name", Kind::Text), ("Id", Kind::Number), ("Template", Kind::Text), ("TemplateDefault", Kind::Flag)],
        values: |pattern| {
            let settings = &pattern.settings;
            vec![
                Some(Scalar::Text(settings.name.clone())),
                Some(Scalar::Number(pattern.id.0)),
                Some(Scalar::Text(settings.template.name().to_owned())),
                Some(Scalar::Number(i64::from(settings.is_default))),
            ]
        },
    };
    Ok(short.page(found, &asked, app.now(), &me)?.map(EnrollmentPattern::from))
}

/// Get an enrolment pattern
#[utoipa::path(get, path = "/EnrollmentPatterns/{id}", tag = "EnrollmentPatterns",
    params(("id" = i64, Path, description = "The pattern")),
    responses((status = 200, description = "The pattern", body = EnrollmentPattern)))]
pub async fn get(caller: Caller, Id(id): Id) -> Answer<Json<EnrollmentPattern>> {
    let found = caller.read(move |tx, actor| enrolment::get(tx, actor, PatternId(id))).await?;
    Ok(Json(found.into()))
}

async fn require_modify(author: &Author) -> Answer<()> {
    let path = certhold_domain::access::paths::PATTERNS_MODIFY;
    author.read(move |tx, actor| certhold_domain::access::require_path(tx, actor, path)).await
}

/// Create an enrolment pattern
#[utoipa::path(post, path = "/EnrollmentPatterns", tag = "EnrollmentPatterns", request_body = PatternRequest, params(
    ("ForceTemplateDefault" = Option<bool>, Query, description = "Takes the default of the template from another pattern")),
    responses((status = 200, description = "The new pattern", body = EnrollmentPattern)))]
pub async fn create(author: Author, asked: Asked, Body(sent): Body<PatternRequest>) -> Answer<Json<EnrollmentPattern>> {
    require_modify(&author).await?;
    let take_default = asked.flag("forcetemplatedefault")?;
    let command = sent.named(&author).await?.command(None)?;
    let made = author
        .write(move |tx, actor, now| {
            let id = enrolment::create(tx, actor, &command, take_default, now)?;
            enrolment::get_to_change(tx, actor, id)
        })
        .await?;
    Ok(Json(made.into()))
}

async fn changed(author: Author, asked: Asked, id: i64, sent: PatternRequest) -> Answer<Json<EnrollmentPattern>> {
    require_modify(&author).await?;
    let take_default = asked.flag("forcetemplatedefault")?;
    let id = PatternId(id);
    let named = sent.named(&author).await?;
    let changed = author
        .write(move |tx, actor, now| {
            // What is left out is as it is in this transaction: nobody's change in between is undone.
            let before = enrolment::get_to_change(tx, actor, id)?;
            let command = match named.command(Some(&before.settings)) {
                Ok(command) => command,
                Err(refused) => return Ok(Err(refused)),
            };
            enrolment::update(tx, actor, id, &command, take_default, now)?;
            enrolment::get_to_change(tx, actor, id).map(Ok)
        })
        .await??;
    Ok(Json(changed.into()))
}

/// Change the enrolment pattern that the body names
#[utoipa::path(put, path = "/EnrollmentPatterns", tag = "EnrollmentPatterns", request_body = PatternRequest, params(
    ("ForceTemplateDefault" = Option<bool>, Query, description = "Takes the default of the template from another pattern")),
    responses((status = 200, description = "The pattern", body = EnrollmentPattern)))]
pub async fn update(author: Author, asked: Asked, Body(sent): Body<PatternRequest>) -> Answer<Json<EnrollmentPattern>> {
    require_modify(&author).await?;
    let id = sent.id.ok_or_else(|| Refused::invalid("Id", "say which pattern"))?;
    changed(author, asked, id, sent).await
}

/// Change an enrolment pattern
#[utoipa::path(put, path = "/EnrollmentPatterns/{id}", tag = "EnrollmentPatterns", request_body = PatternRequest, params(
    ("id" = i64, Path, description = "The pattern"),
    ("ForceTemplateDefault" = Option<bool>, Query, description = "Takes the default of the template from another pattern")),
    responses((status = 200, description = "The pattern", body = EnrollmentPattern)))]
pub async fn update_one(
    author: Author,
    Id(id): Id,
    asked: Asked,
    Body(sent): Body<PatternRequest>,
) -> Answer<Json<EnrollmentPattern>> {
    changed(author, asked, id, sent).await
}

/// Remove an enrolment pattern
///
/// One with which certificates were issued stays, unless it is forced: then they forget it.
#[utoipa::path(delete, path = "/EnrollmentPatterns/{id}", tag = "EnrollmentPatterns", params(
    ("id" = i64, Path, description = "The pattern"),
    ("Force" = Option<bool>, Query, description = "Also when certificates were issued with it")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(author: Author, Id(id): Id, asked: Asked) -> Answer<StatusCode> {
    let force = asked.flag("force")?;
    author.write(move |tx, actor, now| enrolment::remove(tx, actor, PatternId(id), force, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What holds when somebody enrols with a pattern.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PatternSettings {
    enrollment_pattern_id: i64,
    policies: Policies,
    regexes: Vec<PartRegex>,
    defaults: Vec<PartDefault>,
    /// Every field as the pattern asks for it.
    metadata_fields: Vec<PatternField>,
}

/// Ask what holds when somebody enrols with a pattern
///
/// For whoever may use it, or see patterns.
#[utoipa::path(get, path = "/EnrollmentPatterns/{id}/Settings", tag = "EnrollmentPatterns",
    params(("id" = i64, Path, description = "The pattern")),
    responses((status = 200, description = "What holds", body = PatternSettings)))]
pub async fn settings(caller: Caller, Id(id): Id) -> Answer<Json<PatternSettings>> {
    let (pattern, fields) = caller
        .read(move |tx, actor| {
            let pattern = enrolment::usable_one(tx, actor, PatternId(id))?;
            let fields = enrolment::fields(tx, Some(&pattern))?;
            Ok((pattern, fields))
        })
        .await?;
    let (regexes, defaults) = part_lists(&pattern.settings.rules);
    Ok(Json(PatternSettings {
        enrollment_pattern_id: pattern.id.0,
        policies: Policies::of(&pattern),
        regexes,
        defaults,
        metadata_fields: fields.into_iter().map(PatternField::from).collect(),
    }))
}

/// A part of subjects or names of which rules speak.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct SubjectPart {
    subject_part: &'static str,
    subject_part_name: &'static str,
}

/// List the parts of which rules speak
#[utoipa::path(get, path = "/EnrollmentPatterns/SubjectParts", tag = "EnrollmentPatterns",
    responses((status = 200, description = "The parts", body = Vec<SubjectPart>)))]
pub async fn subject_parts(caller: Caller, asked: Asked) -> Answer<Listed<SubjectPart>> {
    caller.known().await?;
    Listed::whole(parts(), &asked)
}

/// Every part with its name.
pub fn parts() -> Vec<SubjectPart> {
    PARTS.iter().map(|(subject_part, subject_part_name)| SubjectPart { subject_part, subject_part_name }).collect()
}
