//! `/Templates`: what certificates are for. A template is a profile of private authorities; its default enrolment pattern holds for
//! whoever names the template alone.

use axum::extract::State;
use certhold_domain::enrolment::{self, Pattern, Template};
use certhold_domain::private_ca::Profile;
use certhold_domain::query::{Kind, Scalar};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Asked, Author, Body, Caller, Id};
use super::listing::{Listed, Short};
use super::patterns::{self, PartDefault, PartRegex, PatternField, SubjectPart};
use super::protocol::Json;
use super::refused::Answer;
use crate::state::App;

/// The routes of templates.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, update)).routes(routes!(get)).routes(routes!(subject_parts))
}

/// The policies of a template.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct TemplatePolicy {
    #[serde(rename = "TemplateId")]
    template: Option<i64>,
    /// Whether certificates need an owner: 0 optional, 1 required.
    #[serde(rename = "CertificateOwnerRole")]
    owner: Option<i64>,
    /// Of its default pattern.
    #[serde(rename = "AllowKeyReuse")]
    key_reuse: Option<bool>,
    /// Of its default pattern.
    #[serde(rename = "AllowWildcards")]
    wildcards: Option<bool>,
    /// Of its default pattern.
    #[serde(rename = "RFCEnforcement")]
    rfc: Option<bool>,
}

/// An extended key usage.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct TemplateUsage {
    id: i64,
    oid: String,
    display_name: String,
}

/// A template, with what its default pattern says.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct CertificateTemplate {
    id: i64,
    common_name: &'static str,
    template_name: &'static str,
    display_name: &'static str,
    friendly_name: &'static str,
    oid: &'static str,
    key_size: String,
    key_type: String,
    forest_root: &'static str,
    configuration_tenant: &'static str,
    key_retention: i64,
    key_retention_days: Option<i64>,
    key_archival: bool,
    requires_approval: bool,
    allow_one_click_renewals: bool,
    #[serde(rename = "RFCEnforcement")]
    rfc: bool,
    /// 1 PFX, 2 CSR, 4 CSR generation, added up.
    allowed_enrollment_types: i64,
    /// Whether only some roles may name it alone.
    use_allowed_requesters: bool,
    /// Those roles.
    allowed_requesters: Vec<String>,
    template_regexes: Vec<PartRegex>,
    template_defaults: Vec<PartDefault>,
    template_policy: TemplatePolicy,
    metadata_fields: Vec<PatternField>,
    extended_key_usages: Vec<TemplateUsage>,
    curve: Option<String>,
    #[schema(value_type = Vec<Object>)]
    enrollment_fields: [(); 0],
}

/// What certificates of a profile may be used for.
pub fn usages(profile: Profile) -> Vec<TemplateUsage> {
    let known = certhold_domain::query::extended_key_usage_spellings;
    let usage = |(id, name): (i64, &&'static str)| match known(name).as_slice() {
        [_, oid, description] => TemplateUsage { id, oid: (*oid).to_owned(), display_name: (*description).to_owned() },
        _ => TemplateUsage { id, oid: (*name).to_owned(), display_name: (*name).to_owned() },
    };
    (1..).zip(profile.extended_usage_names()).map(usage).collect()
}

/// Type and size of the key that is made when nobody chooses.
pub fn key_of(pattern: Option<&Pattern>) -> (String, String) {
    let keys = pattern.map(|pattern| pattern.settings.rules.keys.as_slice()).unwrap_or_default();
    let name = keys.first().map_or("p256", |kind| kind.name());
    let (kind, size) = match name {
        "p256" => ("ECC", "256"),
        "p384" => ("ECC", "384"),
        "p521" => ("ECC", "521"),
        "rsa2048" => ("RSA", "2048"),
        "rsa3072" => ("RSA", "3072"),
        "rsa4096" => ("RSA", "4096"),
        "ed25519" => ("Ed25519", "255"),
        _ => ("ML-DSA-65", "0"),
    };
    (kind.to_owned(), size.to_owned())
}

impl CertificateTemplate {
    fn of(template: Template, pattern: Option<Pattern>) -> CertificateTemplate {
        let profile = template.profile;
        let (key_type, key_size) = key_of(pattern.as_ref());
        let settings = pattern.as_ref().map(|pattern| &pattern.settings);
        let rules = settings.map(|settings| settings.rules.clone());
        let (template_regexes, template_defaults) = rules.as_ref().map(patterns::part_lists).unwrap_or_default();
        let rfc = rules.as_ref().is_some_and(|rules| rules.rfc);
        CertificateTemplate {
            id: template.number,
            common_name: profile.name(),
            template_name: profile.name(),
            display_name: profile.title(),
            friendly_name: profile.title(),
            oid: "",
            key_size,
            key_type,
            forest_root: "",
            configuration_tenant: "",
            key_retention: 0,
            key_retention_days: None,
            key_archival: false,
            requires_approval: false,
            allow_one_click_renewals: true,
            rfc,
            allowed_enrollment_types: rules.as_ref().map_or(7, |rules| patterns::types(rules.kinds)),
            use_allowed_requesters: pattern.is_some(),
            template_policy: TemplatePolicy {
                template: Some(template.number),
                owner: Some(patterns::owner_number(template.owner_policy)),
                key_reuse: Some(rules.as_ref().is_none_or(|rules| rules.key_reuse)),
                wildcards: Some(rules.as_ref().is_none_or(|rules| rules.wildcards)),
                rfc: Some(rfc),
            },
            metadata_fields: settings
                .map(|settings| settings.fields.iter().cloned().map(PatternField::from).collect())
                .unwrap_or_default(),
            extended_key_usages: usages(profile),
            curve: None,
            enrollment_fields: [],
            template_regexes,
            template_defaults,
            allowed_requesters: pattern.map(|pattern| pattern.role_names).unwrap_or_default(),
        }
    }
}

/// List templates
#[utoipa::path(get, path = "/Templates", tag = "Templates", params(
    ("QueryString" = Option<String>, Query, description = "A query over Id, CommonName and DisplayName"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "One of these fields; Id by default"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of templates", body = Vec<CertificateTemplate>)))]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<CertificateTemplate>> {
    let (found, me) = caller
        .read(|tx, actor| {
            let all = enrolment::templates(tx, actor)?;
            let mut found = Vec::with_capacity(all.len());
            for template in all {
                found.push((template, enrolment::default_pattern(tx, actor, template.profile)?));
            }
            Ok((found, actor.name.clone()))
        })
        .await?;
    let short = Short::<(Template, Option<Pattern>)> {
        fields: &[("Id", Kind::Number), ("CommonName", Kind::Text), ("TemplateName", Kind::Text), ("DisplayName", Kind::Text)],
        values: |(template, _)| {
            let text = |text: &str| Some(Scalar::Text(text.to_owned()));
            let (name, title) = (template.profile.name(), template.profile.title());
            vec![Some(Scalar::Number(template.number)), text(name), text(name), text(title)]
        },
    };
    Ok(short.page(found, &asked, app.now(), &me)?.map(|(template, pattern)| CertificateTemplate::of(template, pattern)))
}

/// Get a template
#[utoipa::path(get, path = "/Templates/{id}", tag = "Templates", params(("id" = i64, Path, description = "The template")),
    responses((status = 200, description = "The template", body = CertificateTemplate)))]
pub async fn get(caller: Caller, Id(id): Id) -> Answer<Json<CertificateTemplate>> {
    let found = caller
        .read(move |tx, actor| {
            let template = enrolment::template_by_number(tx, actor, id)?;
            Ok((template, enrolment::default_pattern(tx, actor, template.profile)?))
        })
        .await?;
    Ok(Json(CertificateTemplate::of(found.0, found.1)))
}

/// A template as it shall be.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct TemplateRequest {
    id: i64,
    template_policy: Option<TemplatePolicy>,
}

/// Change what a template asks about owners
///
/// Everything else of a template is what its default pattern says, and is changed there; a whole template as it was read may be sent.
#[utoipa::path(put, path = "/Templates", tag = "Templates", request_body = TemplateRequest,
    responses((status = 200, description = "The template", body = CertificateTemplate)))]
pub async fn update(author: Author, Body(sent): Body<TemplateRequest>) -> Answer<Json<CertificateTemplate>> {
    let policy = sent.template_policy.as_ref().and_then(|policy| policy.owner);
    author.read(move |tx, actor| enrolment::template_to_change(tx, actor, sent.id)).await?;
    let wanted = policy.map(patterns::owner_rule).transpose()?;
    let changed = author
        .write(move |tx, actor, now| {
            let template = enrolment::template_to_change(tx, actor, sent.id)?;
            if let Some(rule) = wanted {
                enrolment::set_template(tx, actor, template.profile, rule, now)?;
            }
            let template = enrolment::template_to_change(tx, actor, sent.id)?;
            Ok((template, enrolment::default_pattern(tx, actor, template.profile)?))
        })
        .await?;
    Ok(Json(CertificateTemplate::of(changed.0, changed.1)))
}

/// List the parts of which rules speak, by their older address
#[utoipa::path(get, path = "/Templates/SubjectParts", tag = "Templates",
    responses((status = 200, description = "The parts", body = Vec<SubjectPart>)))]
pub async fn subject_parts(caller: Caller, asked: Asked) -> Answer<Listed<SubjectPart>> {
    caller.known().await?;
    Listed::whole(patterns::parts(), &asked)
}
