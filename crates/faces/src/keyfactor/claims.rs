//! `/Security/Claims`: what a sign-in says of somebody, under which roles are held.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::access::claims::{self, WantedClaim};
use certhold_domain::access::{ClaimKey, ClaimType};
use certhold_domain::identity_providers::{self, ProviderName};
use certhold_domain::people::OWN_PROVIDER;
use certhold_domain::query::{Choice, Kind, Scalar};
use certhold_domain::{Actor, ClaimId, PrincipalId, Result as DomainResult};
use certhold_store::Tx;
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Asked, Author, Body, Caller, Id};
use super::listing::{Listed, Short};
use super::protocol::Json;
use super::refused::{Answer, Refused};
use crate::state::App;

/// The routes of claims.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create, update)).routes(routes!(get, remove))
}

/// Kinds of claims by number and name.
const TYPES: &[(ClaimType, Choice)] = &[
    (ClaimType::User, Choice { number: 0, names: &["User"] }),
    (ClaimType::Group, Choice { number: 1, names: &["Group"] }),
    (ClaimType::Computer, Choice { number: 2, names: &["Computer"] }),
    (ClaimType::OauthOid, Choice { number: 3, names: &["OAuthOid"] }),
    (ClaimType::OauthRole, Choice { number: 4, names: &["OAuthRole"] }),
    (ClaimType::OauthSubject, Choice { number: 5, names: &["OAuthSubject"] }),
    (ClaimType::OauthClientId, Choice { number: 6, names: &["OAuthClientId"] }),
];

const CHOICES: &[Choice] = &[TYPES[0].1, TYPES[1].1, TYPES[2].1, TYPES[3].1, TYPES[4].1, TYPES[5].1, TYPES[6].1];

fn choice(kind: ClaimType) -> Choice {
    TYPES.iter().find(|(known, _)| *known == kind).map_or(TYPES[0].1, |(_, choice)| *choice)
}

/// Whether a claim stands for several people.
pub fn is_group(kind: ClaimType) -> bool {
    matches!(kind, ClaimType::Group | ClaimType::OauthRole)
}

/// Whether an `IdentityType` means a group; nothing when it is left out.
pub fn read_identity_type(sent: Option<&str>) -> Answer<Option<bool>> {
    match sent.map(|sent| sent.trim().to_ascii_lowercase()).as_deref() {
        None | Some("") => Ok(None),
        Some("group") => Ok(Some(true)),
        Some("user" | "computer") => Ok(Some(false)),
        Some(_) => Err(Refused::malformed("IdentityType: it is User, Group or Computer.")),
    }
}

/// A kind of claim as it is sent: by name or by number.
#[derive(Clone, Copy, Debug)]
pub struct SentType(pub ClaimType);

impl<'de> Deserialize<'de> for SentType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SentType, D::Error> {
        struct Either;
        impl de::Visitor<'_> for Either {
            type Value = SentType;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let names: Vec<&str> = CHOICES.iter().map(|choice| choice.names[0]).collect();
                write!(f, "one of {}, or its number from 0 to 6", names.join(", "))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<SentType, E> {
                let known = TYPES.iter().find(|(_, choice)| choice.number == number);
                known.map(|(kind, _)| SentType(*kind)).ok_or_else(|| E::invalid_value(de::Unexpected::Signed(number), &self))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<SentType, E> {
                self.visit_i64(i64::try_from(number).unwrap_or(-1))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SentType, E> {
                if let Ok(number) = text.trim().parse() {
                    return self.visit_i64(number);
                }
                let known = TYPES.iter().find(|(_, choice)| choice.names[0].eq_ignore_ascii_case(text.trim()));
                known.map(|(kind, _)| SentType(*kind)).ok_or_else(|| E::invalid_value(de::Unexpected::Other("text"), &self))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A claim.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Claim {
    id: i64,
    description: String,
    /// By name.
    #[schema(example = "OAuthClientId")]
    claim_type: &'static str,
    claim_value: String,
    provider: Provider,
}

/// Who says it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Provider {
    /// A GUID, of one that is configured here.
    id: Option<String>,
    authentication_scheme: String,
    display_name: String,
}

/// The providers that are configured here: others are known by their schemes only.
#[derive(Clone, Default)]
pub struct Providers(Arc<Vec<ProviderName>>);

impl Providers {
    /// As they are now, for answers about claims.
    ///
    /// # Errors
    /// Of the database.
    pub fn stored(tx: &mut Tx<'_>) -> DomainResult<Providers> {
        identity_providers::called(tx).map(|all| Providers(Arc::new(all)))
    }

    fn of(&self, scheme: String) -> Provider {
        match self.0.iter().find(|provider| provider.name == scheme) {
            Some(known) => {
                Provider { id: Some(known.uuid.clone()), authentication_scheme: scheme, display_name: known.display_name.clone() }
            }
            None => Provider { id: None, display_name: scheme.clone(), authentication_scheme: scheme },
        }
    }
}

impl Claim {
    /// A stored claim.
    pub fn of(claim: claims::Claim, providers: &Providers) -> Claim {
        Claim {
            id: claim.id.0,
            description: claim.description,
            claim_type: choice(claim.key.kind).names[0],
            claim_value: claim.key.value,
            provider: providers.of(claim.key.provider),
        }
    }
}

/// An account of this server in the shape of a claim. It is none that is stored, so its number is the account's, negative.
pub fn of_account(id: PrincipalId, name: &str, is_service: bool) -> Claim {
    Claim {
        id: -id.0,
        description: if is_service { "service account" } else { "person" }.to_owned(),
        claim_type: choice(ClaimType::User).names[0],
        claim_value: name.to_owned(),
        provider: Providers::default().of(OWN_PROVIDER.to_owned()),
    }
}

/// A claim as it is sent.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ClaimRequest {
    /// Which claim, to change it.
    #[serde(default)]
    id: Option<i64>,
    /// By name or number.
    #[schema(value_type = String)]
    claim_type: SentType,
    claim_value: String,
    /// The authentication scheme of whoever says it; this server's own if left out.
    provider_authentication_scheme: Option<String>,
    /// The same, as answers have it.
    provider: Option<SentProvider>,
    description: Option<String>,
}

/// A provider as answers have it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct SentProvider {
    authentication_scheme: Option<String>,
}

impl From<ClaimRequest> for WantedClaim {
    fn from(sent: ClaimRequest) -> WantedClaim {
        let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let provider = some(sent.provider_authentication_scheme)
            .or_else(|| some(sent.provider.and_then(|provider| provider.authentication_scheme)))
            .unwrap_or_else(|| OWN_PROVIDER.to_owned());
        WantedClaim {
            key: ClaimKey { kind: sent.claim_type.0, value: sent.claim_value, provider },
            description: sent.description.unwrap_or_default(),
        }
    }
}

/// List claims
#[utoipa::path(get, path = "/Security/Claims", tag = "Security", params(
    ("QueryString" = Option<String>, Query, description = "A query over Id, ClaimType, ClaimValue, Description and Provider"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "One of these fields"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of claims", body = Vec<Claim>)))]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<Claim>> {
    let find = |tx: &mut Tx<'_>, actor: &Actor| {
        let found = claims::list(tx, actor, None)?;
        Ok((found, Providers::stored(tx)?, actor.name.clone()))
    };
    let (mut found, providers, me) = caller.read(find).await?;
    found.sort_by_key(|claim| claim.id);
    let short = Short::<claims::Claim> {
        fields: &[
            ("Id", Kind::Number),
            ("ClaimType", Kind::Choice(CHOICES)),
            ("ClaimValue", Kind::Text),
            ("Description", Kind::Text),
            ("Provider", Kind::Text),
        ],
        values: |claim| {
            let texts = [&claim.key.value, &claim.description, &claim.key.provider];
            let numbers = [claim.id.0, choice(claim.key.kind).number].map(|number| Some(Scalar::Number(number)));
            numbers.into_iter().chain(texts.map(|text| Some(Scalar::Text(text.clone())))).collect()
        },
    };
    Ok(short.page(found, &asked, app.now(), &me)?.map(|claim| Claim::of(claim, &providers)))
}

/// Get a claim
#[utoipa::path(get, path = "/Security/Claims/{id}", tag = "Security", params(("id" = i64, Path, description = "The claim")),
    responses((status = 200, description = "The claim", body = Claim)))]
pub async fn get(caller: Caller, Id(id): Id) -> Answer<Json<Claim>> {
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        let found = claims::get(tx, actor, ClaimId(id))?;
        Ok(Claim::of(found, &Providers::stored(tx)?))
    };
    Ok(Json(caller.read(find).await?))
}

/// Create a claim
///
/// It gives nothing until a role names it.
#[utoipa::path(post, path = "/Security/Claims", tag = "Security", request_body = ClaimRequest,
    responses((status = 200, description = "The new claim", body = Claim)))]
pub async fn create(author: Author, Body(sent): Body<ClaimRequest>) -> Answer<Json<Claim>> {
    let WantedClaim { key, description } = sent.into();
    let made = author
        .write(move |tx, actor, now| {
            let id = claims::create(tx, actor, &key, &description, now)?;
            let made = claims::find(tx, id)?;
            Ok(Claim::of(made, &Providers::stored(tx)?))
        })
        .await?;
    Ok(Json(made))
}

/// Change the description of a claim
///
/// What identifies a claim stays: another type, value or provider is another claim.
#[utoipa::path(put, path = "/Security/Claims", tag = "Security", request_body = ClaimRequest,
    responses((status = 200, description = "The claim", body = Claim)))]
pub async fn update(author: Author, Body(sent): Body<ClaimRequest>) -> Answer<Json<Claim>> {
    let id = ClaimId(sent.id.ok_or_else(|| Refused::invalid("Id", "say which claim"))?);
    let (named, kind, value) =
        (sent.provider_authentication_scheme.is_some() || sent.provider.is_some(), sent.claim_type.0, sent.claim_value.clone());
    let WantedClaim { key, description } = sent.into();
    let changed = author
        .write(move |tx, actor, now| {
            let before = claims::get(tx, actor, id)?;
            let is_other = before.key.kind != kind
                || before.key.value != value.trim()
                || (named && before.key.provider != key.provider.trim());
            if is_other {
                let message = "what identifies a claim stays as it is: create another claim instead";
                return Err(certhold_domain::Refusal::invalid("value", message).into());
            }
            claims::describe(tx, actor, id, &description, now)?;
            let changed = claims::find(tx, id)?;
            Ok(Claim::of(changed, &Providers::stored(tx)?))
        })
        .await?;
    Ok(Json(changed))
}

/// Remove a claim
///
/// Whoever holds roles through it does not any more, at once.
#[utoipa::path(delete, path = "/Security/Claims/{id}", tag = "Security", params(("id" = i64, Path, description = "The claim")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(author: Author, Id(id): Id) -> Answer<StatusCode> {
    author.write(move |tx, actor, now| claims::remove(tx, actor, ClaimId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
