//! Whether every certificate needs an owner.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::ownership;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Json as Body;
use crate::auth::{Author, Bearer};
use crate::problem::Answer;
use crate::state::App;

/// The routes of the policy.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get, set))
}

/// What is asked about the owners of certificates.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerPolicy {
    /// `optional` (default), or `required`: then an owner can be changed, but not cleared.
    #[schema(example = "required")]
    policy: String,
}

/// Get the policy for owners
#[utoipa::path(get, path = "/owner-policy", operation_id = "owner_policy", tag = "certificates",
    responses((status = 200, description = "The policy", body = OwnerPolicy)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Json<OwnerPolicy>> {
    let policy = app.read_as(caller, |tx, _| ownership::policy(tx)).await?;
    Ok(Json(OwnerPolicy { policy: policy.name().to_owned() }))
}

/// Set the policy for owners
///
/// Certificates that have no owner keep having none.
#[utoipa::path(put, path = "/owner-policy", tag = "certificates", request_body = OwnerPolicy,
    responses((status = 204, description = "It holds from now on")))]
pub async fn set(State(app): State<App>, author: Author, Body(input): Body<OwnerPolicy>) -> Answer<StatusCode> {
    let (policy, now) = (ownership::OwnerPolicy::parse(&input.policy)?, app.now());
    app.write(move |tx| ownership::set_policy(tx, &author.actor, policy, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
