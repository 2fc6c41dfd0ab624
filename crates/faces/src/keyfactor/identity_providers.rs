//! `/IdentityProviders`: who else may say who somebody is.
//!
//! The vendor's parameters also describe how people sign in to its pages and how it asks the provider for directories; of them only
//! those count that say which tokens are accepted. Where keys are follows from the provider's own description.

use axum::extract::State;
use certhold_domain::identity_providers::{self, ClaimMapping, IdentityProvider as Known, ProviderChange, ProviderCommand};
use certhold_domain::query::{Choice, Kind, Scalar};
use certhold_domain::{Actor, Refusal, Result as DomainResult};
use certhold_store::Tx;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Asked, Author, Body, Caller, Key};
use super::listing::{Listed, Short};
use super::protocol::Json;
use super::refused::{Answer, Refused};
use crate::state::App;

/// The routes of identity providers.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(types)).routes(routes!(get, update))
}

/// The one type of provider there is.
const TYPE_ID: &str = "5f0c7b52-7d0e-4b7e-9c3b-0a6f2a3f1c10";
const TYPE_NAME: &str = "Generic";
/// The vendor's number for a text.
const TEXT: i64 = 1;

/// A parameter, what people call it, and whether it must be there.
type Parameter = (&'static str, &'static str, bool);

const PARAMETERS: [Parameter; 5] = [
    ("Authority", "Authority", true),
    ("OIDCAudience", "OIDC Audience", true),
    ("RoleClaimType", "Role Claim Type", false),
    ("UniqueClaimType", "Unique Claim Type", false),
    ("FallbackUniqueClaimType", "Fallback Unique Claim Type", false),
];

/// A provider.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct IdentityProvider {
    /// A GUID.
    id: String,
    authentication_scheme: String,
    display_name: String,
    /// A GUID.
    type_id: &'static str,
    parameters: Vec<ParameterValue>,
    /// Providers belong to no permission set here.
    permission_set_id: Option<String>,
    /// Whether its tokens are accepted.
    authentication_enabled: bool,
}

/// The value of a parameter.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ParameterValue {
    name: &'static str,
    display_name: &'static str,
    required: bool,
    data_type: i64,
    value: Option<String>,
}

impl From<Known> for IdentityProvider {
    fn from(known: Known) -> IdentityProvider {
        let mut subject = known.mapping.subject.into_iter();
        let several = |values: Vec<String>| (!values.is_empty()).then(|| values.join(", "));
        let unique = subject.next();
        let values =
            [Some(known.issuer), several(known.audiences), several(known.mapping.role), unique, several(subject.collect())];
        let parameters = PARAMETERS.into_iter().zip(values);
        let parameter =
            |((name, display_name, required), value)| ParameterValue { name, display_name, required, data_type: TEXT, value };
        IdentityProvider {
            id: known.uuid,
            authentication_scheme: known.name,
            display_name: known.display_name,
            type_id: TYPE_ID,
            parameters: parameters.map(parameter).collect(),
            permission_set_id: None,
            authentication_enabled: known.enabled,
        }
    }
}

/// A type of provider.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ProviderType {
    /// A GUID.
    id: &'static str,
    name: &'static str,
    type_parameters: Vec<TypeParameter>,
}

/// What a type of provider is told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct TypeParameter {
    id: i64,
    name: &'static str,
    display_name: &'static str,
    data_type: i64,
    required: bool,
}

/// Parameters as they are sent. Those that describe sign-in pages and queries of directories are left out.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct SentParameters {
    /// The issuer, to the letter.
    authority: Option<String>,
    /// One or more audiences, with commas between them.
    #[serde(rename = "OIDCAudience")]
    audience: Option<String>,
    /// The members of a token that say roles, with commas between them.
    role_claim_type: Option<String>,
    /// The member of a token that says who somebody is.
    unique_claim_type: Option<String>,
    /// Members that say it where that one is missing.
    fallback_unique_claim_type: Option<String>,
}

fn parts(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl SentParameters {
    /// What is sent in place of what is there.
    fn onto(&self, mut audiences: Vec<String>, mut mapping: ClaimMapping) -> (Vec<String>, ClaimMapping) {
        let some = |text: &Option<String>| text.as_deref().map(parts);
        if let Some(sent) = some(&self.audience) {
            audiences = sent;
        }
        if let Some(sent) = some(&self.role_claim_type) {
            mapping.role = sent;
        }
        let (unique, fallback) = (some(&self.unique_claim_type), some(&self.fallback_unique_claim_type));
        if unique.is_some() || fallback.is_some() {
            let mut kept = mapping.subject.into_iter();
            let first = kept.next();
            let mut subject = unique.unwrap_or_else(|| first.into_iter().collect());
            subject.extend(fallback.unwrap_or_else(|| kept.collect()));
            mapping.subject = subject;
        }
        (audiences, mapping)
    }
}

/// A provider as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct IdentityProviderRequest {
    authentication_scheme: String,
    display_name: String,
    /// `Generic`, or its GUID.
    provider_type: Option<String>,
    parameters: Option<SentParameters>,
    /// Whether its tokens are accepted.
    authentication_enabled: Option<bool>,
}

/// The provider of this GUID among all.
fn of_uuid(tx: &mut Tx<'_>, actor: &Actor, uuid: &str) -> DomainResult<Known> {
    let wanted = uuid.trim().to_ascii_lowercase();
    let found = identity_providers::list(tx, actor)?.into_iter().find(|provider| provider.uuid == wanted);
    found.ok_or_else(|| Refusal::not_found("identity provider", uuid.trim()).into())
}

/// List identity providers
#[utoipa::path(get, path = "/IdentityProviders", tag = "IdentityProviders", params(
    ("QueryString" = Option<String>, Query, description = "A query over AuthenticationScheme, DisplayName and AuthenticationEnabled"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "One of these fields"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of identity providers", body = Vec<IdentityProvider>)))]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<IdentityProvider>> {
    let (found, me) = caller.read(|tx, actor| Ok((identity_providers::list(tx, actor)?, actor.name.clone()))).await?;
    let short = Short::<Known> {
        fields: &[
            ("AuthenticationScheme", Kind::Text),
            ("DisplayName", Kind::Text),
            ("AuthenticationEnabled", Kind::Choice(ENABLED)),
        ],
        values: |provider| {
            let texts = [&provider.name, &provider.display_name].map(|text| Some(Scalar::Text(text.clone())));
            texts.into_iter().chain([Some(Scalar::Number(i64::from(provider.enabled)))]).collect()
        },
    };
    Ok(short.page(found, &asked, app.now(), &me)?.map(IdentityProvider::from))
}

const ENABLED: &[Choice] = &[Choice { number: 0, names: &["false"] }, Choice { number: 1, names: &["true"] }];

/// List types of identity providers
#[utoipa::path(get, path = "/IdentityProviders/Types", tag = "IdentityProviders",
    responses((status = 200, description = "The types with their parameters", body = Vec<ProviderType>)))]
pub async fn types(caller: Caller, asked: Asked) -> Answer<Listed<ProviderType>> {
    caller.read(identity_providers::list).await?;
    let parameters = (1..).zip(PARAMETERS);
    let parameter = |(id, (name, display_name, required))| TypeParameter { id, name, display_name, data_type: TEXT, required };
    let only = ProviderType { id: TYPE_ID, name: TYPE_NAME, type_parameters: parameters.map(parameter).collect() };
    Listed::whole(vec![only], &asked)
}

/// Get an identity provider
#[utoipa::path(get, path = "/IdentityProviders/{id}", tag = "IdentityProviders",
    params(("id" = String, Path, description = "Its GUID")),
    responses((status = 200, description = "The identity provider", body = IdentityProvider)))]
pub async fn get(caller: Caller, Key(uuid): Key) -> Answer<Json<IdentityProvider>> {
    Ok(Json(caller.read(move |tx, actor| of_uuid(tx, actor, &uuid)).await?.into()))
}

fn require_known_type(sent: &IdentityProviderRequest) -> Answer<()> {
    let kind = sent.provider_type.as_deref().map_or(TYPE_NAME, str::trim);
    if kind.eq_ignore_ascii_case(TYPE_NAME) || kind.eq_ignore_ascii_case(TYPE_ID) {
        return Ok(());
    }
    Err(Refused::invalid("ProviderType", format!("there is one type: {TYPE_NAME} ({TYPE_ID})")))
}

/// Configure an identity provider
///
/// From now on its tokens are accepted.
#[utoipa::path(post, path = "/IdentityProviders", tag = "IdentityProviders", request_body = IdentityProviderRequest,
    responses((status = 200, description = "The new identity provider", body = IdentityProvider)))]
pub async fn create(author: Author, Body(sent): Body<IdentityProviderRequest>) -> Answer<Json<IdentityProvider>> {
    require_known_type(&sent)?;
    let parameters = sent.parameters.unwrap_or_default();
    let (audiences, mapping) = parameters.onto(Vec::new(), ClaimMapping::default());
    let rest = ProviderChange {
        display_name: sent.display_name,
        audiences,
        mapping,
        roots: None,
        enabled: sent.authentication_enabled.unwrap_or(true),
    };
    let uuid = uuid::Builder::from_random_bytes(author.app.core().random()).into_uuid();
    let command =
        ProviderCommand { name: sent.authentication_scheme, issuer: parameters.authority.unwrap_or_default(), rest, uuid };
    let made = author
        .write(move |tx, actor, now| {
            let id = identity_providers::create(tx, actor, &command, now)?;
            identity_providers::get(tx, actor, id)
        })
        .await?;
    Ok(Json(made.into()))
}

/// Change an identity provider
///
/// Parameters that are not sent stay. The authentication scheme and the authority cannot change.
#[utoipa::path(put, path = "/IdentityProviders/{id}", tag = "IdentityProviders",
    params(("id" = String, Path, description = "Its GUID")), request_body = IdentityProviderRequest,
    responses((status = 200, description = "The identity provider", body = IdentityProvider)))]
pub async fn update(author: Author, Key(uuid): Key, Body(sent): Body<IdentityProviderRequest>) -> Answer<Json<IdentityProvider>> {
    require_known_type(&sent)?;
    let parameters = sent.parameters.unwrap_or_default();
    let changed = author
        .write(move |tx, actor, now| {
            let before = of_uuid(tx, actor, &uuid)?;
            if before.name != sent.authentication_scheme.trim() {
                return Err(Refusal::invalid("name", "the authentication scheme stays as it is: claims are known by it").into());
            }
            if parameters.authority.as_deref().is_some_and(|issuer| issuer.trim() != before.issuer) {
                return Err(Refusal::invalid("issuer", "the authority stays as it is: another issuer is another provider").into());
            }
            let id = before.id;
            let (audiences, mapping) = parameters.onto(before.audiences, before.mapping);
            let change = ProviderChange {
                display_name: sent.display_name.clone(),
                audiences,
                mapping,
                roots: before.roots,
                enabled: sent.authentication_enabled.unwrap_or(before.enabled),
            };
            identity_providers::update(tx, actor, id, &change, now)?;
            identity_providers::get(tx, actor, id)
        })
        .await?;
    Ok(Json(changed.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_counts_and_what_is_not_stays() {
        let sent = |role: Option<&str>, unique: Option<&str>, fallback: Option<&str>| {
            let [role_claim_type, unique_claim_type, fallback_unique_claim_type] =
                [role, unique, fallback].map(|text| text.map(str::to_owned));
            let sent =
                SentParameters { role_claim_type, unique_claim_type, fallback_unique_claim_type, ..SentParameters::default() };
            let before = ClaimMapping { subject: vec!["sub".into(), "cid".into()], ..ClaimMapping::default() };
            let mapping = sent.onto(Vec::new(), before).1;
            (mapping.role.join("|"), mapping.subject.join("|"))
        };
        for (given, role, subject) in [
            ((None, None, None), "roles", "sub|cid"),
            ((Some("my roles, groups,"), None, None), "my roles|groups", "sub|cid"),
            ((Some(""), None, Some("")), "", "sub"),
            ((None, Some("oid"), None), "roles", "oid|cid"),
            ((None, Some("oid"), Some(" appid ")), "roles", "oid|appid"),
            ((None, Some(""), Some("")), "roles", ""),
        ] {
            assert_eq!(sent(given.0, given.1, given.2), (role.to_owned(), subject.to_owned()), "{given:?}");
        }
    }
}
