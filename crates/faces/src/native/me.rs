//! `/me`: whoever asks.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::Refusal;
use certhold_domain::access::paths;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::certificates::Owner;
use super::extract::Json as Body;
use super::secret::Secret;
use super::time::Time;
use crate::auth::{self, Author, Bearer};
use crate::problem::Answer;
use crate::state::App;

/// The routes of whoever asks.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get)).routes(routes!(change_password))
}

/// Whoever asks, and what they may do.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// The person or service account.
    id: Option<i64>,
    /// `person` or `service`.
    #[schema(example = "person")]
    kind: &'static str,
    /// Its name.
    name: String,
    /// The roles held.
    roles: Vec<Owner>,
    /// The token's own bound; null for none.
    scopes: Option<Vec<String>>,
    /// When the token ends; null when it does not by itself. It makes no credentials that end later.
    ends_at: Option<Time>,
    /// The permissions held, of those that the product asks for.
    permissions: Vec<&'static str>,
}

/// Get whoever asks
#[utoipa::path(get, path = "/me", tag = "me", responses((status = 200, description = "The caller", body = Me)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Json<Me>> {
    let actor = app.known(caller).await?.actor;
    let access = &actor.access;
    let allowed = |path: &&str| access.allows(path);
    let scopes = access.scopes.as_ref();
    Ok(Json(Me {
        id: actor.id.map(|id| id.0),
        kind: actor.kind.name(),
        name: actor.name.clone(),
        roles: access.roles.iter().map(|role| Owner { id: role.id.0, name: role.name.clone() }).collect(),
        scopes: scopes.map(|scopes| scopes.iter().map(|path| path.as_str().to_owned()).collect()),
        ends_at: actor.ends_at.map(Time),
        permissions: paths::CATALOGUE.iter().map(|(path, _)| *path).filter(allowed).collect(),
    }))
}

/// The old and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The one that is valid now.
    current_password: Secret,
    /// At least 10 characters.
    password: Secret,
}

/// Change one's own password
///
/// Ends all sessions.
#[utoipa::path(put, path = "/me/password", tag = "me", request_body = PasswordChange,
    responses((status = 204, description = "It is changed")))]
pub async fn change_password(State(app): State<App>, author: Author, Body(input): Body<PasswordChange>) -> Answer<StatusCode> {
    if author.session.is_none() {
        let reason = "an API token does not change its account's password: sign in".to_owned();
        return Err(Refusal::Forbidden { reason, missing: Vec::new() }.into());
    }
    auth::change_own_password(&app, &author.actor, input.current_password.password(), input.password.password()).await?;
    Ok(StatusCode::NO_CONTENT)
}
