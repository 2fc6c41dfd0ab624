//! `/enrolment-patterns` and `/certificate-templates`: who may have which certificates issued, and by what rules.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::enrolment::{self, Kind, Kinds, OwnerRule, OwnerTerms, PartRule, PatternCommand, Rules};
use certhold_domain::metadata::{Enrolment, Override};
use certhold_domain::private_ca::Profile;
use certhold_domain::renewal::KeyKind;
use certhold_domain::{AuthorityId, MetadataFieldId, PatternId, Refusal, RoleId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::created::Created;
use super::extract::{Id, Json as Body, Query};
use super::hidden;
use super::page::Page;
use super::time::Time;
use crate::auth::{Author, Bearer};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// The routes of patterns and templates.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, remove))
        .routes(routes!(templates))
        .routes(routes!(set_template))
}

/// What is asked of a part of subjects or names.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatternPart {
    /// `CN`, `O`, `OU`, `L`, `ST`, `C`, `E` of the subject, or names of a kind: `DNS`, `IP4`, `IP6`, `MAIL`, `UPN`, `URI`.
    #[schema(example = "DNS")]
    part: String,
    /// The value of a subject that leaves the part out; empty for none.
    #[serde(default)]
    default: String,
    /// A regular expression that every value must match somewhere; empty for none.
    #[serde(default)]
    #[schema(example = "\\.example\\.org$")]
    regex: String,
    /// What is said when it does not match.
    #[serde(default)]
    message: String,
}

/// What is asked of a metadata field in place of what it asks by itself.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatternField {
    /// The field.
    field: i64,
    /// `optional`, `required` or `hidden`: then no value may be given.
    enrolment: String,
    /// The value when none is given; empty for that of the field.
    #[serde(default)]
    default: String,
    /// A regular expression; empty for that of the field. Fields of type string only.
    #[serde(default)]
    validation: String,
    /// What is said when it does not match.
    #[serde(default)]
    message: String,
}

/// A role that is named.
#[derive(Serialize, ToSchema)]
pub struct NamedRole {
    /// The role.
    id: i64,
    /// Its name.
    name: String,
}

/// An enrolment pattern.
#[derive(Serialize, ToSchema)]
pub struct EnrolmentPattern {
    /// Its handle.
    id: i64,
    /// Unique, also against names that look alike.
    #[schema(example = "Web servers")]
    name: String,
    /// What it is for.
    description: String,
    /// What its certificates are for: `server`, `client`, `server_client`, `mail` or `code_signing`.
    #[schema(example = "server")]
    template: &'static str,
    /// Whether requests that name the template alone mean this pattern.
    is_default: bool,
    /// From which private authority it issues; null: whoever enrols chooses.
    authority: Option<i64>,
    /// That authority's name.
    authority_name: Option<String>,
    /// The roles whose holders may use it, beside administrators.
    roles: Vec<NamedRole>,
    /// The ways in which certificates may be asked for: `pfx`, `csr`, `csr_generation`.
    kinds: Vec<&'static str>,
    /// How many days a certificate lives when nobody says; null: as the template says.
    days: Option<i64>,
    /// How many days at most; null: as the template says.
    most_days: Option<i64>,
    /// The keys that certificates may have; empty: every one. The first is made when nobody chooses.
    keys: Vec<&'static str>,
    /// Whether names may be wildcards.
    wildcards: bool,
    /// Whether a key may get a certificate that has one already.
    key_reuse: bool,
    /// Whether at least one name is needed, and the common name must be among them.
    rfc: bool,
    /// What is asked of parts of the subject and of names.
    parts: Vec<PatternPart>,
    /// `optional`, `required`, or `hidden`: then nobody names one.
    owner_policy: &'static str,
    /// Who owns what is issued when nobody is named.
    default_owner: Option<i64>,
    /// That role's name.
    default_owner_name: Option<String>,
    /// Whether somebody else may be named.
    owner_override: bool,
    /// What is asked of metadata fields in place of what they ask by themselves.
    metadata: Vec<PatternField>,
    /// When it was created.
    created_at: Time,
}

impl From<enrolment::Pattern> for EnrolmentPattern {
    fn from(pattern: enrolment::Pattern) -> EnrolmentPattern {
        let settings = pattern.settings;
        let rules = settings.rules;
        let part =
            |rule: PartRule| PatternPart { part: rule.part, default: rule.default, regex: rule.regex, message: rule.message };
        let field = |other: Override| PatternField {
            field: other.field.0,
            enrolment: other.enrolment.name().to_owned(),
            default: other.default,
            validation: other.validation,
            message: other.message,
        };
        let roles = settings.roles.iter().zip(pattern.role_names);
        EnrolmentPattern {
            id: pattern.id.0,
            name: settings.name,
            description: settings.description,
            template: settings.template.name(),
            is_default: settings.is_default,
            authority: settings.authority.map(|id| id.0),
            authority_name: pattern.authority_name,
            roles: roles.map(|(id, name)| NamedRole { id: id.0, name }).collect(),
            kinds: KINDS.iter().filter(|(kind, _)| rules.kinds.allow(*kind)).map(|(_, name)| *name).collect(),
            days: rules.days,
            most_days: rules.most_days,
            keys: rules.keys.iter().map(|kind| kind.name()).collect(),
            wildcards: rules.wildcards,
            key_reuse: rules.key_reuse,
            rfc: rules.rfc,
            parts: rules.parts.into_iter().map(part).collect(),
            owner_policy: settings.owner.policy.name(),
            default_owner: settings.owner.default.map(|role| role.0),
            default_owner_name: pattern.owner_name,
            owner_override: settings.owner.overridable,
            metadata: settings.fields.into_iter().map(field).collect(),
            created_at: Time(pattern.created_at),
        }
    }
}

const KINDS: [(Kind, &str); 3] = [(Kind::Pfx, "pfx"), (Kind::Csr, "csr"), (Kind::CsrGeneration, "csr_generation")];

/// An enrolment pattern as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatternInput {
    /// Unique, also against names that look alike.
    #[schema(example = "Web servers")]
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// `server`, `client`, `server_client`, `mail` or `code_signing`.
    #[schema(example = "server")]
    template: String,
    /// Whether requests that name the template alone mean this pattern.
    #[serde(default)]
    is_default: bool,
    /// Whether it takes the place of another default of the template.
    #[serde(default)]
    take_default: bool,
    /// From which private authority it issues; null or absent: whoever enrols chooses.
    authority: Option<i64>,
    /// The roles whose holders may use it, beside administrators.
    #[serde(default)]
    roles: Vec<i64>,
    /// The ways in which certificates may be asked for: `pfx`, `csr`, `csr_generation`; all by default, and none when empty.
    kinds: Option<Vec<String>>,
    /// How many days a certificate lives when nobody says; as the template says otherwise.
    days: Option<i64>,
    /// How many days at most; as the template says otherwise.
    most_days: Option<i64>,
    /// The keys that certificates may have: p256, p384, p521, rsa2048, rsa3072, rsa4096, ed25519, mldsa65; empty: every one.
    #[serde(default)]
    keys: Vec<String>,
    /// Whether names may be wildcards; no by default.
    #[serde(default)]
    wildcards: bool,
    /// Whether a key may get a certificate that has one already; no by default.
    #[serde(default)]
    key_reuse: bool,
    /// Whether at least one name is needed, and the common name must be among them; yes by default.
    rfc: Option<bool>,
    /// What is asked of parts of the subject and of names.
    #[serde(default)]
    parts: Vec<PatternPart>,
    /// `optional` (default), `required` or `hidden`.
    owner_policy: Option<String>,
    /// Who owns what is issued when nobody is named.
    default_owner: Option<i64>,
    /// Whether somebody else may be named; yes by default.
    owner_override: Option<bool>,
    /// What is asked of metadata fields in place of what they ask by themselves.
    #[serde(default)]
    metadata: Vec<PatternField>,
}

impl PatternInput {
    fn kinds(&self) -> Result<Kinds, Refusal> {
        let Some(named) = &self.kinds else { return Ok(Kinds::ALL) };
        if let Some(unknown) = named.iter().find(|name| !KINDS.iter().any(|(_, known)| known == name)) {
            return Err(Refusal::invalid("kinds", format!("{unknown:?} is none of pfx, csr and csr_generation")));
        }
        let has = |kind: Kind| KINDS.iter().any(|(known, name)| *known == kind && named.iter().any(|named| named == name));
        Ok(Kinds { pfx: has(Kind::Pfx), csr: has(Kind::Csr), csr_generation: has(Kind::CsrGeneration) })
    }
}

impl TryFrom<PatternInput> for PatternCommand {
    type Error = Problem;

    fn try_from(input: PatternInput) -> Result<PatternCommand, Problem> {
        let kinds = input.kinds()?;
        let field = |field: PatternField| {
            Ok(Override {
                field: MetadataFieldId(field.field),
                enrolment: Enrolment::parse(&field.enrolment)?,
                default: field.default,
                validation: field.validation,
                message: field.message,
            })
        };
        let part =
            |part: PatternPart| PartRule { part: part.part, default: part.default, regex: part.regex, message: part.message };
        Ok(PatternCommand {
            name: input.name,
            description: input.description,
            template: Profile::parse(&input.template)?,
            is_default: input.is_default,
            authority: input.authority.map(AuthorityId),
            roles: input.roles.into_iter().map(RoleId).collect(),
            rules: Rules {
                kinds,
                days: input.days,
                most_days: input.most_days,
                keys: input.keys.iter().map(|name| KeyKind::parse(name)).collect::<Result<_, _>>()?,
                wildcards: input.wildcards,
                key_reuse: input.key_reuse,
                rfc: input.rfc.unwrap_or(true),
                parts: input.parts.into_iter().map(part).collect(),
            },
            owner: OwnerTerms {
                policy: input.owner_policy.as_deref().map_or(Ok(OwnerRule::Optional), OwnerRule::parse)?,
                default: input.default_owner.map(RoleId),
                overridable: input.owner_override.unwrap_or(true),
            },
            fields: input.metadata.into_iter().map(field).collect::<Result<_, Refusal>>()?,
        })
    }
}

/// List enrolment patterns
#[utoipa::path(get, path = "/enrolment-patterns", operation_id = "list_enrolment_patterns", tag = "enrolment",
    responses((status = 200, description = "Patterns, by name", body = Page<EnrolmentPattern>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<EnrolmentPattern>> {
    let found = app.read_as(caller, enrolment::list).await?;
    Ok(Page::whole(found.into_iter().map(EnrolmentPattern::from).collect()))
}

/// Create an enrolment pattern
#[utoipa::path(post, path = "/enrolment-patterns", operation_id = "create_enrolment_pattern", tag = "enrolment",
    request_body = PatternInput, responses((status = 201, description = "The new pattern", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<PatternInput>) -> Answer<Created> {
    let (take_default, now) = (input.take_default, app.now());
    let command = PatternCommand::try_from(input)?;
    let id = app.write(move |tx| enrolment::create(tx, &author.actor, &command, take_default, now)).await?;
    Ok(Created::at("enrolment-patterns", id.0))
}

/// Get an enrolment pattern
#[utoipa::path(get, path = "/enrolment-patterns/{id}", operation_id = "get_enrolment_pattern", tag = "enrolment",
    params(("id" = i64, Path, description = "The pattern")),
    responses((status = 200, description = "The pattern", body = EnrolmentPattern)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<EnrolmentPattern>> {
    let id = PatternId(id);
    let found = app.read_as(caller, move |tx, actor| enrolment::get(tx, actor, id)).await;
    Ok(Json(found.map_err(hidden("enrolment pattern", id))?.into()))
}

/// Replace an enrolment pattern
#[utoipa::path(put, path = "/enrolment-patterns/{id}", operation_id = "update_enrolment_pattern", tag = "enrolment",
    params(("id" = i64, Path, description = "The pattern")), request_body = PatternInput,
    responses((status = 204, description = "It is replaced")))]
pub async fn update(State(app): State<App>, author: Author, Id(id): Id, Body(input): Body<PatternInput>) -> Answer<StatusCode> {
    let (take_default, now) = (input.take_default, app.now());
    let command = PatternCommand::try_from(input)?;
    app.write(move |tx| enrolment::update(tx, &author.actor, PatternId(id), &command, take_default, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How to remove a pattern.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PatternRemoval {
    /// Also when certificates were issued with it: they forget it.
    #[serde(default)]
    force: bool,
}

/// Remove an enrolment pattern
#[utoipa::path(delete, path = "/enrolment-patterns/{id}", operation_id = "remove_enrolment_pattern", tag = "enrolment",
    params(("id" = i64, Path, description = "The pattern"), PatternRemoval),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id, Query(how): Query<PatternRemoval>) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| enrolment::remove(tx, &author.actor, PatternId(id), how.force, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A certificate template: a profile of private authorities, with what is asked of all its certificates.
#[derive(Serialize, ToSchema)]
pub struct CertificateTemplate {
    /// Its number.
    id: i64,
    /// Its name in requests.
    #[schema(example = "server")]
    name: &'static str,
    /// Its name for people.
    #[schema(example = "TLS server")]
    title: &'static str,
    /// Its life in days when nobody says.
    days: i64,
    /// Its life in days at most.
    most_days: i64,
    /// `optional` or `required`.
    owner_policy: &'static str,
}

/// What a template asks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateInput {
    /// `optional`, or `required`: then its certificates need an owner, which can be changed but not cleared.
    #[schema(example = "required")]
    owner_policy: String,
}

/// List certificate templates
#[utoipa::path(get, path = "/certificate-templates", operation_id = "list_certificate_templates", tag = "enrolment",
    responses((status = 200, description = "Templates, by number", body = Page<CertificateTemplate>)))]
pub async fn templates(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<CertificateTemplate>> {
    let found = app.read_as(caller, enrolment::templates).await?;
    let shown = |template: enrolment::Template| CertificateTemplate {
        id: template.number,
        name: template.profile.name(),
        title: template.profile.title(),
        days: template.profile.default_days(),
        most_days: template.profile.most_days(),
        owner_policy: template.owner_policy.name(),
    };
    Ok(Page::whole(found.into_iter().map(shown).collect()))
}

/// Change what a certificate template asks
#[utoipa::path(put, path = "/certificate-templates/{id}", operation_id = "update_certificate_template", tag = "enrolment",
    params(("id" = i64, Path, description = "The template")), request_body = TemplateInput,
    responses((status = 204, description = "It is changed")))]
pub async fn set_template(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<TemplateInput>,
) -> Answer<StatusCode> {
    let (rule, now) = (OwnerRule::parse(&input.owner_policy)?, app.now());
    let change = move |tx: &mut certhold_store::Tx<'_>| {
        let template = enrolment::template_to_change(tx, &author.actor, id)?;
        enrolment::set_template(tx, &author.actor, template.profile, rule, now)
    };
    app.write(change).await?;
    Ok(StatusCode::NO_CONTENT)
}
