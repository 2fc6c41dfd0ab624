//! `/identity-providers`: who else may say who somebody is.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::IdentityProviderId;
use certhold_domain::identity_providers::{self, ClaimMapping, KeyState, NewExternalAccount, ProviderChange, ProviderCommand};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::created::Created;
use super::extract::{Id, Json as Body};
use super::hidden;
use super::page::Page;
use super::principals::PrincipalKind;
use super::time::Time;
use crate::auth::{Author, Bearer, key_state};
use crate::problem::Answer;
use crate::state::App;

const NOUN: &str = "identity provider";

/// The routes of identity providers.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, remove))
        .routes(routes!(accounts, create_account))
}

/// An identity provider, whose tokens are accepted as bearer tokens.
#[derive(Serialize, ToSchema)]
pub struct IdentityProvider {
    /// Its handle.
    id: i64,
    /// Its public identifier.
    uuid: String,
    /// The authentication scheme of its claims.
    #[schema(example = "Corporate")]
    name: String,
    /// How it is shown.
    display_name: String,
    /// What stands in its tokens as `iss`, to the letter.
    #[schema(example = "https://sso.example.org/realms/corporate")]
    issuer: String,
    /// What must stand in its tokens as `aud`: one of these.
    audiences: Vec<String>,
    /// The members of a token that say the claim `oauth_oid`; the first that is there counts.
    oid_claims: Vec<String>,
    /// The members that say claims of the type `oauth_role`; all count.
    role_claims: Vec<String>,
    /// The members that say the claim `oauth_subject`, by which an account here is found again; the first that is there counts.
    subject_claims: Vec<String>,
    /// The members that say the claim `oauth_client_id`; the first that is there counts.
    client_id_claims: Vec<String>,
    /// The authorities by which its TLS is believed (PEM); null for those of the system.
    roots: Option<String>,
    /// Whether its tokens are accepted.
    enabled: bool,
    /// Accounts that are known through it.
    accounts: i64,
    /// Since when it is configured.
    created_at: Time,
    /// How it stands with its keys on the node that answers.
    keys: Keys,
}

/// How it stands with a provider's keys.
#[derive(Serialize, ToSchema)]
pub struct Keys {
    /// How many are held, by which tokens can be verified.
    count: usize,
    /// When they were last fetched; null for not yet.
    fetched_at: Option<Time>,
    /// Why they could not be fetched the last time.
    error: Option<String>,
}

impl From<KeyState> for Keys {
    fn from(state: KeyState) -> Keys {
        Keys { count: state.keys, fetched_at: state.fetched_at.map(Time), error: state.error }
    }
}

impl IdentityProvider {
    fn of(app: &App, provider: identity_providers::IdentityProvider) -> IdentityProvider {
        IdentityProvider {
            keys: key_state(app, &provider.issuer).into(),
            id: provider.id.0,
            uuid: provider.uuid,
            name: provider.name,
            display_name: provider.display_name,
            issuer: provider.issuer,
            audiences: provider.audiences,
            oid_claims: provider.mapping.oid,
            role_claims: provider.mapping.role,
            subject_claims: provider.mapping.subject,
            client_id_claims: provider.mapping.client_id,
            roots: provider.roots,
            enabled: provider.enabled,
            accounts: provider.accounts,
            created_at: Time(provider.created_at),
        }
    }
}

/// What of an identity provider can be changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityProviderChange {
    /// How it is shown; the name if left out.
    #[serde(default)]
    display_name: String,
    /// What must stand in its tokens as `aud`: one of these.
    #[schema(example = json!(["api://certhold"]))]
    audiences: Vec<String>,
    /// Stays if left out. A name, or a JSON Pointer (RFC 6901) into what is nested.
    oid_claims: Option<Vec<String>>,
    /// Stays if left out.
    #[schema(example = json!(["/realm_access/roles"]))]
    role_claims: Option<Vec<String>>,
    /// Stays if left out, and while accounts are known by it.
    subject_claims: Option<Vec<String>>,
    /// Stays if left out.
    client_id_claims: Option<Vec<String>>,
    /// The authorities by which its TLS is believed (PEM); empty for those of the system. Stays if left out or null.
    roots: Option<String>,
    /// Whether its tokens are accepted. Stays if left out.
    enabled: Option<bool>,
}

impl IdentityProviderChange {
    /// What is left out must neither open nor widen anything, so it stays.
    fn onto(&self, before: ProviderChange) -> ProviderChange {
        ProviderChange {
            display_name: self.display_name.clone(),
            audiences: self.audiences.clone(),
            mapping: ClaimMapping {
                oid: self.oid_claims.clone().unwrap_or(before.mapping.oid),
                role: self.role_claims.clone().unwrap_or(before.mapping.role),
                subject: self.subject_claims.clone().unwrap_or(before.mapping.subject),
                client_id: self.client_id_claims.clone().unwrap_or(before.mapping.client_id),
            },
            roots: self.roots.clone().or(before.roots),
            enabled: self.enabled.unwrap_or(before.enabled),
        }
    }
}

/// A new identity provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityProviderInput {
    /// The authentication scheme of its claims. It stays.
    #[schema(example = "Corporate")]
    name: String,
    /// What stands in its tokens as `iss`, to the letter: an `https` address. It stays.
    #[schema(example = "https://sso.example.org/realms/corporate")]
    issuer: String,
    /// How it is shown; the name if left out.
    #[serde(default)]
    display_name: String,
    /// What must stand in its tokens as `aud`: one of these.
    #[schema(example = json!(["api://certhold"]))]
    audiences: Vec<String>,
    /// `oid` if left out. A name, or a JSON Pointer (RFC 6901) into what is nested.
    oid_claims: Option<Vec<String>>,
    /// `roles` if left out. Name `groups` only where groups are made by whoever may give roles.
    role_claims: Option<Vec<String>>,
    /// `sub` if left out.
    subject_claims: Option<Vec<String>>,
    /// `azp`, `client_id`, `appid` and `cid` if left out. Only tokens that a client has for itself say it; one that has none of the named
    /// members says it as `azp`.
    client_id_claims: Option<Vec<String>>,
    /// The authorities by which its TLS is believed (PEM); those of the system if left out.
    roots: Option<String>,
    /// Whether its tokens are accepted; `true` if left out.
    enabled: Option<bool>,
}

impl From<IdentityProviderInput> for ProviderCommand {
    fn from(input: IdentityProviderInput) -> ProviderCommand {
        let usual = ClaimMapping::default();
        let rest = ProviderChange {
            display_name: input.display_name,
            audiences: input.audiences,
            mapping: ClaimMapping {
                oid: input.oid_claims.unwrap_or(usual.oid),
                role: input.role_claims.unwrap_or(usual.role),
                subject: input.subject_claims.unwrap_or(usual.subject),
                client_id: input.client_id_claims.unwrap_or(usual.client_id),
            },
            roots: input.roots,
            enabled: input.enabled.unwrap_or(true),
        };
        ProviderCommand { name: input.name, issuer: input.issuer, rest, uuid: Uuid::now_v7() }
    }
}

/// List identity providers
#[utoipa::path(get, path = "/identity-providers", tag = "identity providers",
    responses((status = 200, description = "All identity providers, by name", body = Page<IdentityProvider>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<IdentityProvider>> {
    let found = app.read_as(caller, identity_providers::list).await?;
    Ok(Page::whole(found.into_iter().map(|provider| IdentityProvider::of(&app, provider)).collect()))
}

/// Configure an identity provider
///
/// From now on its tokens are accepted. What they say gives nothing until claims of its name are given roles.
#[utoipa::path(post, path = "/identity-providers", tag = "identity providers", request_body = IdentityProviderInput,
    responses((status = 201, description = "The new identity provider", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<IdentityProviderInput>) -> Answer<Created> {
    let (command, now) = (ProviderCommand::from(input), app.now());
    let id = app.write(move |tx| identity_providers::create(tx, &author.actor, &command, now)).await?;
    Ok(Created::at("identity-providers", id.0))
}

/// Get an identity provider
#[utoipa::path(get, path = "/identity-providers/{id}", tag = "identity providers",
    params(("id" = i64, Path, description = "The identity provider")),
    responses((status = 200, description = "The identity provider", body = IdentityProvider)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<IdentityProvider>> {
    let id = IdentityProviderId(id);
    let found = app.read_as(caller, move |tx, actor| identity_providers::get(tx, actor, id)).await.map_err(hidden(NOUN, id))?;
    Ok(Json(IdentityProvider::of(&app, found)))
}

/// Change an identity provider
///
/// What is left out stays, but for the display name. So do the name and the issuer.
#[utoipa::path(put, path = "/identity-providers/{id}", tag = "identity providers",
    params(("id" = i64, Path, description = "The identity provider")),
    request_body = IdentityProviderChange, responses((status = 204, description = "It is changed")))]
pub async fn update(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<IdentityProviderChange>,
) -> Answer<StatusCode> {
    let (id, now) = (IdentityProviderId(id), app.now());
    app.write(move |tx| identity_providers::amend(tx, &author.actor, id, |before| input.onto(before), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove an identity provider
///
/// Its tokens are accepted no more, at once. The accounts that are known through it stay, without a way in, until a provider with the
/// same issuer is configured again.
#[utoipa::path(delete, path = "/identity-providers/{id}", tag = "identity providers",
    params(("id" = i64, Path, description = "The identity provider")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| identity_providers::remove(tx, &author.actor, IdentityProviderId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An account that is known through an identity provider.
#[derive(Serialize, ToSchema)]
pub struct ExternalAccount {
    /// The account: `/principals/{id}`.
    id: i64,
    /// Its name here.
    name: String,
    /// How it is shown.
    display_name: String,
    /// Person or service, as far as tokens tell.
    kind: PrincipalKind,
    /// The provider's lasting name for them.
    subject: String,
    /// Disabled accounts hold nothing, whatever is said of them.
    disabled: bool,
    /// Since when it is known.
    created_at: Time,
    /// When a token of theirs was last recorded, once an hour.
    last_seen_at: Option<Time>,
}

impl From<identity_providers::ExternalAccount> for ExternalAccount {
    fn from(account: identity_providers::ExternalAccount) -> ExternalAccount {
        ExternalAccount {
            id: account.id.0,
            name: account.name,
            display_name: account.display_name,
            kind: account.kind.into(),
            subject: account.subject,
            disabled: account.disabled,
            created_at: Time(account.created_at),
            last_seen_at: account.last_seen_at.map(Time),
        }
    }
}

/// List the accounts that are known through an identity provider
///
/// The newest thousand.
#[utoipa::path(get, path = "/identity-providers/{id}/accounts", tag = "identity providers",
    params(("id" = i64, Path, description = "The identity provider")),
    responses((status = 200, description = "The accounts, newest first", body = Page<ExternalAccount>)))]
pub async fn accounts(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Page<ExternalAccount>> {
    let id = IdentityProviderId(id);
    let found = app.read_as(caller, move |tx, actor| identity_providers::accounts_of(tx, actor, id)).await;
    Ok(Page::whole(found.map_err(hidden(NOUN, id))?.into_iter().map(ExternalAccount::from).collect()))
}

/// Somebody whom an identity provider knows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalAccountInput {
    /// What tokens say of them as the subject.
    subject: String,
    /// Person or service.
    kind: PrincipalKind,
    /// How it is shown; the name if left out.
    #[serde(default)]
    display_name: String,
}

/// Make an account for somebody whom an identity provider knows, before they come
///
/// So that it can be given roles, or be disabled. Otherwise there is one as soon as a token of theirs brings a role.
#[utoipa::path(post, path = "/identity-providers/{id}/accounts", tag = "identity providers",
    params(("id" = i64, Path, description = "The identity provider")), request_body = ExternalAccountInput,
    responses((status = 201, description = "The new account", body = Created)))]
pub async fn create_account(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<ExternalAccountInput>,
) -> Answer<Created> {
    let new = NewExternalAccount {
        subject: input.subject,
        kind: input.kind.into(),
        display_name: input.display_name,
        uuid: Uuid::now_v7(),
    };
    let (id, now) = (IdentityProviderId(id), app.now());
    let made = app.write(move |tx| identity_providers::create_account(tx, &author.actor, id, &new, now)).await?;
    Ok(Created::at("principals", made.0))
}
