//! What the caller may enrol for: templates, patterns and authorities, with what they ask.

use axum::extract::State;
use certhold_domain::enrolment::{self, Kind, Pattern};
use certhold_domain::metadata::Field;
use certhold_domain::private_ca::{self, Profile};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::keyfactor::extract::Caller;
use crate::keyfactor::patterns::{PartRegex, PatternField, part_lists};
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::Answer;
use crate::keyfactor::templates::{TemplateUsage, key_of, usages};
use crate::state::App;

/// The routes of contexts.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(for_requests)).routes(routes!(for_keys))
}

/// An authority that may issue.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ContextAuthority {
    name: String,
    #[serde(rename = "RFCEnforcement")]
    rfc: bool,
}

/// A template that may be named alone.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ContextTemplate {
    id: i64,
    name: &'static str,
    display_name: &'static str,
    forest: &'static str,
    key_size: String,
    key_type: String,
    requires_approval: bool,
    #[serde(rename = "RFCEnforcement")]
    rfc: bool,
    #[serde(rename = "CAs")]
    cas: Vec<ContextAuthority>,
    #[schema(value_type = Vec<Object>)]
    enrollment_fields: [(); 0],
    metadata_fields: Vec<PatternField>,
    regexes: Vec<PartRegex>,
    extended_key_usages: Vec<TemplateUsage>,
    curve: Option<String>,
}

/// A pattern that the caller may use.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ContextPattern {
    id: i64,
    name: String,
    description: String,
    template_id: i64,
    template_default: bool,
}

/// What the caller may enrol for.
#[derive(Serialize, ToSchema)]
pub struct Context {
    #[serde(rename = "Templates")]
    templates: Vec<ContextTemplate>,
    /// Certhold's own; each is named by `EnrollmentPatternId`.
    #[serde(rename = "EnrollmentPatterns")]
    patterns: Vec<ContextPattern>,
    #[schema(value_type = Vec<Object>)]
    #[serde(rename = "StandaloneCAs")]
    standalone_cas: [(); 0],
}

/// A template as it is read: with its pattern and the fields as they hold then.
type Found = (Profile, Option<Pattern>, Vec<Field>);

fn template((profile, pattern, fields): Found, authorities: &[String]) -> ContextTemplate {
    let rfc = pattern.as_ref().is_some_and(|pattern| pattern.settings.rules.rfc);
    let (key_type, key_size) = key_of(pattern.as_ref());
    let own = pattern.as_ref().and_then(|pattern| pattern.authority_name.clone());
    let named = authorities.iter().filter(|name| own.as_ref().is_none_or(|own| own == *name));
    ContextTemplate {
        id: profile.number(),
        name: profile.name(),
        display_name: profile.title(),
        forest: "",
        key_size,
        key_type,
        requires_approval: false,
        rfc,
        cas: named.map(|name| ContextAuthority { name: name.clone(), rfc }).collect(),
        enrollment_fields: [],
        metadata_fields: fields.into_iter().map(PatternField::from).collect(),
        regexes: pattern.map(|pattern| part_lists(&pattern.settings.rules).0).unwrap_or_default(),
        extended_key_usages: usages(profile),
        curve: None,
    }
}

async fn context(app: App, caller: Caller, kind: Kind) -> Answer<Json<Context>> {
    let now = app.now();
    let (templates, patterns, authorities) = caller
        .read(move |tx, actor| {
            let mut templates: Vec<Found> = Vec::new();
            for open in enrolment::open_templates(tx, actor, kind)? {
                let fields = enrolment::fields(tx, open.pattern.as_ref())?;
                templates.push((open.template, open.pattern, fields));
            }
            let patterns = enrolment::usable(tx, actor, &[kind])?;
            Ok((templates, patterns, private_ca::issuing_authorities(tx, actor, now)?))
        })
        .await?;
    let names: Vec<String> = authorities.into_iter().map(|(_, name)| name).collect();
    let pattern = |pattern: Pattern| ContextPattern {
        id: pattern.id.0,
        name: pattern.settings.name,
        description: pattern.settings.description,
        template_id: pattern.settings.template.number(),
        template_default: pattern.settings.is_default,
    };
    Ok(Json(Context {
        templates: templates.into_iter().map(|found| template(found, &names)).collect(),
        patterns: patterns.into_iter().map(pattern).collect(),
        standalone_cas: [],
    }))
}

/// Ask what can be enrolled for with a signing request
#[utoipa::path(get, path = "/Enrollment/CSR/Context/My", tag = "Enrollment",
    responses((status = 200, description = "Templates, patterns and authorities", body = Context)))]
pub async fn for_requests(State(app): State<App>, caller: Caller) -> Answer<Json<Context>> {
    context(app, caller, Kind::Csr).await
}

/// Ask what can be enrolled for with a key that is made here
#[utoipa::path(get, path = "/Enrollment/PFX/Context/My", tag = "Enrollment",
    responses((status = 200, description = "Templates, patterns and authorities", body = Context)))]
pub async fn for_keys(State(app): State<App>, caller: Caller) -> Answer<Json<Context>> {
    context(app, caller, Kind::Pfx).await
}
