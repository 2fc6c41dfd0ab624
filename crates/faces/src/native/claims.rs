//! `/claims`: what a sign-in may say of somebody, and the roles that are held through it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::access::claims::{self, ClaimKey, ClaimType};
use certhold_domain::{ClaimId, RoleId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::certificates::Owner;
use super::created::Created;
use super::extract::{Id, Json as Body, Query};
use super::hidden;
use super::page::{Page, rows};
use super::time::Time;
use crate::auth::{Author, Bearer};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// The routes of claims.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, update, remove)).routes(routes!(assign, withdraw))
}

/// What a sign-in may say of somebody.
#[derive(Serialize, ToSchema)]
pub struct Claim {
    /// Its handle.
    id: i64,
    /// `user`, `group`, `computer`, `oauth_oid`, `oauth_role`, `oauth_subject` or `oauth_client_id`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What is said.
    #[schema(example = "certificate-operators")]
    value: String,
    /// The authentication scheme of whoever says it.
    #[schema(example = "corporate")]
    provider: String,
    /// What it is for.
    description: String,
    /// Since when it is stored.
    created_at: Time,
    /// The roles that are held through it.
    roles: Vec<Owner>,
}

impl From<claims::Claim> for Claim {
    fn from(claim: claims::Claim) -> Claim {
        Claim {
            id: claim.id.0,
            kind: claim.key.kind.name(),
            value: claim.key.value,
            provider: claim.key.provider,
            description: claim.description,
            created_at: Time(claim.created_at),
            roles: claim.roles.into_iter().map(Owner::from).collect(),
        }
    }
}

/// Which claims.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClaimParameters {
    /// Only claims that give this role.
    role: Option<i64>,
    /// 1 to 1,000. The list is whole whatever is asked: there are few claims.
    limit: Option<i64>,
}

/// List claims
#[utoipa::path(get, path = "/claims", tag = "claims", params(ClaimParameters),
    responses((status = 200, description = "All claims with the roles they give, by type and value", body = Page<Claim>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer, Query(asked): Query<ClaimParameters>) -> Answer<Page<Claim>> {
    rows(asked.limit)?;
    let found = app.read_as(caller, move |tx, actor| claims::list(tx, actor, asked.role.map(RoleId))).await?;
    Ok(Page::whole(found.into_iter().map(Claim::from).collect()))
}

/// A claim as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimInput {
    /// `user`, `group`, `computer`, `oauth_oid`, `oauth_role`, `oauth_subject` or `oauth_client_id`.
    #[serde(rename = "type")]
    kind: String,
    /// What is said. Names of users, groups and computers are compared without regard to case, everything else to the letter.
    value: String,
    /// The authentication scheme of whoever says it.
    provider: String,
    /// What it is for.
    #[serde(default)]
    description: String,
}

/// Store a claim
///
/// It gives nothing until it is given a role.
#[utoipa::path(post, path = "/claims", tag = "claims", request_body = ClaimInput,
    responses((status = 201, description = "The new claim", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<ClaimInput>) -> Answer<Created> {
    let kind = ClaimType::parse(&input.kind).ok_or_else(|| {
        let known: Vec<&str> = ClaimType::ALL.iter().map(|kind| kind.name()).collect();
        Problem::invalid("type", format!("a claim's type is one of {}", known.join(", ")))
    })?;
    let (key, now) = (ClaimKey { kind, value: input.value, provider: input.provider }, app.now());
    let id = app.write(move |tx| claims::create(tx, &author.actor, &key, &input.description, now)).await?;
    Ok(Created::at("claims", id.0))
}

/// Get a claim
#[utoipa::path(get, path = "/claims/{id}", tag = "claims", params(("id" = i64, Path, description = "The claim")),
    responses((status = 200, description = "The claim", body = Claim)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<Claim>> {
    let found = app.read_as(caller, move |tx, actor| claims::get(tx, actor, ClaimId(id))).await.map_err(hidden("claim", id))?;
    Ok(Json(found.into()))
}

/// What can be changed of a claim.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimDescription {
    /// What it is for.
    description: String,
}

/// Change what a claim is said to be for
///
/// What identifies it stays: another type, value or provider is another claim.
#[utoipa::path(put, path = "/claims/{id}", tag = "claims", params(("id" = i64, Path, description = "The claim")),
    request_body = ClaimDescription, responses((status = 204, description = "It is changed")))]
pub async fn update(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<ClaimDescription>,
) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| claims::describe(tx, &author.actor, ClaimId(id), &input.description, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a claim
///
/// Whoever holds roles through it does not any more, at once.
#[utoipa::path(delete, path = "/claims/{id}", tag = "claims", params(("id" = i64, Path, description = "The claim")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| claims::remove(tx, &author.actor, ClaimId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a role to everybody whose sign-in makes this claim
#[utoipa::path(put, path = "/claims/{id}/roles/{role}", tag = "claims",
    params(("id" = i64, Path, description = "The claim"), ("role" = i64, Path, description = "The role")),
    responses((status = 204, description = "The claim gives the role")))]
pub async fn assign(State(app): State<App>, author: Author, Id((id, role)): Id<(i64, i64)>) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| claims::assign(tx, &author.actor, ClaimId(id), RoleId(role), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a role from everybody whose sign-in makes this claim
#[utoipa::path(delete, path = "/claims/{id}/roles/{role}", tag = "claims",
    params(("id" = i64, Path, description = "The claim"), ("role" = i64, Path, description = "The role")),
    responses((status = 204, description = "The claim does not give the role")))]
pub async fn withdraw(State(app): State<App>, author: Author, Id((id, role)): Id<(i64, i64)>) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| claims::withdraw(tx, &author.actor, ClaimId(id), RoleId(role), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn claims_are_stored_told_changed_and_removed() {
        let test = TestApp::new().await;
        let role = json!({ "name": "ops", "permissions": ["/certificates/import/"] });
        let role = test.post("/api/v1/roles", role).await.expect(201)["id"].clone();
        let claim = json!({ "type": "group", "value": "EXAMPLE\\Ops", "provider": "corporate", "description": "on call" });
        let id = test.post("/api/v1/claims", claim).await.expect(201)["id"].clone();
        let place = format!("/api/v1/claims/{id}");
        test.put(&format!("{place}/roles/{role}"), json!(null)).await.expect(204);
        let before = test.events().await;
        test.put(&format!("{place}/roles/{role}"), json!(null)).await.expect(204);
        assert_eq!(test.events().await, before, "nothing changed");
        let told = test.get(&place).await.expect(200);
        assert_eq!(
            (&told["type"], &told["value"], &told["roles"][0]["name"]),
            (&json!("group"), &json!("EXAMPLE\\Ops"), &json!("ops"))
        );
        assert_eq!(test.get(&format!("/api/v1/claims?role={role}")).await.expect(200)["items"], json!([told]));
        assert_eq!(test.get("/api/v1/claims?role=4711").await.expect(200)["items"], json!([]));
        assert_eq!(test.get(&format!("/api/v1/roles/{role}")).await.expect(200)["claims"], 1);
        test.put(&place, json!({ "description": "nights" })).await.expect(204);
        assert_eq!(test.get(&place).await.expect(200)["description"], "nights");
        test.delete(&format!("{place}/roles/{role}")).await.expect(204);
        assert_eq!(test.get(&place).await.expect(200)["roles"], json!([]));
        test.put(&format!("{place}/roles/{role}"), json!(null)).await.expect(204);
        test.delete(&format!("/api/v1/roles/{role}")).await.expect(204);
        test.delete(&place).await.expect(204);
        test.get(&place).await.expect(404);
    }

    #[tokio::test]
    async fn wrong_claims_are_refused() {
        let test = TestApp::new().await;
        let claim = |kind: &str, value: &str, provider: &str| json!({ "type": kind, "value": value, "provider": provider });
        test.post("/api/v1/claims", claim("group", "Ops", "corporate")).await.expect(201);
        test.post("/api/v1/claims", claim("oauth_role", "Ops", "corporate")).await.expect(201);
        let before = test.events().await;
        for (wrong, field) in [
            (claim("principal", "x", "p"), "type"),
            (claim("", "x", "p"), "type"),
            (claim("group", "  ", "p"), "value"),
            (claim("group", "a\0b", "p"), "value"),
            (claim("group", &"x".repeat(201), "p"), "value"),
            (claim("group", "x", ""), "provider"),
        ] {
            assert_eq!(test.post("/api/v1/claims", wrong).await.expect(400)["field"], field);
        }
        test.post("/api/v1/claims", claim("group", "OPS", "corporate")).await.expect(409);
        test.post("/api/v1/claims", claim("oauth_role", "Ops", "corporate")).await.expect(409);
        assert_eq!(test.events().await, before);
        test.post("/api/v1/claims", claim("oauth_role", "OPS", "corporate")).await.expect(201);
    }

    #[tokio::test]
    async fn nobody_gives_a_claim_what_they_do_not_hold() {
        let test = TestApp::new().await;
        let (_, _, token) = test.service("security", &["/security/"]).await;
        let claim = json!({ "type": "oauth_subject", "value": "me", "provider": "mine" });
        let id = test.call("POST", "/api/v1/claims", &token, Some(&claim)).await.expect(201)["id"].clone();
        let problem = test.call("PUT", &format!("/api/v1/claims/{id}/roles/1"), &token, None).await.expect(403);
        assert_eq!(problem["missing"], json!(["/"]));
        test.put(&format!("/api/v1/claims/{id}/roles/1"), json!(null)).await.expect(204);
        test.call("DELETE", &format!("/api/v1/claims/{id}/roles/1"), &token, None).await.expect(403);
        test.call("DELETE", &format!("/api/v1/claims/{id}"), &token, None).await.expect(403);
    }
}
