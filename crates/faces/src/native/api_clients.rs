//! API clients: ids and secrets for the token endpoint `/oauth2/token`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use certhold_domain::people;
use certhold_domain::{ApiClientId, PrincipalId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::created::with_location;
use super::extract::{Id, Json as Body};
use super::page::Page;
use super::principals::NOUN;
use super::secret::Secret;
use super::time::Time;
use super::{ROOT, hidden};
use crate::auth::{Author, Bearer};
use crate::clients;
use crate::problem::Answer;
use crate::state::App;

/// The routes of API clients.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(renew)).routes(routes!(revoke))
}

/// An API client, without its secret.
#[derive(Serialize, ToSchema)]
pub struct ApiClient {
    /// Its handle.
    id: i64,
    /// What it presents as `client_id`.
    #[schema(example = "chc_q83vEjRWeJCrze8S")]
    client_id: String,
    /// What it is for.
    name: String,
    /// What its tokens may be used for at most; `/` for all its account may do.
    scopes: Vec<String>,
    /// Since when there is one.
    created_at: Time,
    /// When it was revoked.
    revoked_at: Option<Time>,
}

impl From<people::ApiClient> for ApiClient {
    fn from(client: people::ApiClient) -> ApiClient {
        ApiClient {
            id: client.id.0,
            client_id: client.client_id,
            name: client.name,
            scopes: client.scopes,
            created_at: Time(client.created_at),
            revoked_at: client.revoked_at.map(Time),
        }
    }
}

/// A new API client.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiClientInput {
    /// What it is for.
    #[schema(example = "owner update script")]
    name: String,
    /// What its tokens may be used for at most: permission paths; `/` for all its account may do.
    #[schema(example = json!(["/certificates/"]))]
    scopes: Vec<String>,
}

/// An API client and its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub struct NewApiClientAnswer {
    /// Its handle.
    id: i64,
    /// What to send as `client_id`.
    client_id: String,
    /// What to send as `client_secret`. It is not kept and cannot be shown again.
    client_secret: Secret,
}

/// A secret that takes the place of another.
#[derive(Serialize, ToSchema)]
pub struct RenewedSecret {
    /// What to send as `client_secret`. It is not kept and cannot be shown again.
    client_secret: Secret,
}

/// List the API clients of an account
///
/// Newest first. Everybody may see their own.
#[utoipa::path(get, path = "/principals/{id}/api-clients", tag = "API clients",
    params(("id" = i64, Path, description = "The account")),
    responses((status = 200, description = "Its API clients", body = Page<ApiClient>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Page<ApiClient>> {
    let id = PrincipalId(id);
    let found = app.read_as(caller, move |tx, actor| people::clients_of(tx, actor, id)).await.map_err(hidden(NOUN, id))?;
    Ok(Page::whole(found.into_iter().map(ApiClient::from).collect()))
}

/// Create an API client
///
/// For oneself, or for a service account that holds nothing beyond what the caller holds. It gets access tokens at `/oauth2/token`.
#[utoipa::path(post, path = "/principals/{id}/api-clients", tag = "API clients",
    params(("id" = i64, Path, description = "The account")), request_body = ApiClientInput,
    responses((status = 201, description = "The client; its secret is shown this once", body = NewApiClientAnswer)))]
pub async fn create(State(app): State<App>, author: Author, Id(id): Id, Body(input): Body<ApiClientInput>) -> Answer<Response> {
    let made = clients::create(&app, &author.actor, PrincipalId(id), input.name, input.scopes).await?;
    let id = made.id;
    let answer = NewApiClientAnswer { id: id.0, client_id: made.client_id, client_secret: Secret(made.secret) };
    Ok(with_location(&format!("{ROOT}/api-clients/{id}"), answer))
}

/// Give an API client another secret
///
/// The old one is of no use any more, and the tokens that the client was given end.
#[utoipa::path(post, path = "/api-clients/{id}/secret", tag = "API clients",
    params(("id" = i64, Path, description = "The API client")),
    responses((status = 200, description = "The new secret, which is shown this once", body = RenewedSecret)))]
pub async fn renew(State(app): State<App>, author: Author, Id(id): Id) -> Answer<Json<RenewedSecret>> {
    let secret = clients::renew(&app, &author.actor, ApiClientId(id)).await?;
    Ok(Json(RenewedSecret { client_secret: Secret(secret) }))
}

/// Revoke an API client
///
/// The tokens that it was given end with it.
#[utoipa::path(delete, path = "/api-clients/{id}", tag = "API clients", params(("id" = i64, Path, description = "The API client")),
    responses((status = 204, description = "It is of no use any more")))]
pub async fn revoke(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| people::revoke_client(tx, &author.actor, ApiClientId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
