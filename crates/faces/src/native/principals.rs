//! `/principals`: people and service accounts.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::PrincipalId;
use certhold_domain::people::{self, NewPrincipal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::certificates::Owner;
use super::created::Created;
use super::extract::{Id, Json as Body};
use super::hidden;
use super::page::Page;
use super::secret::Secret;
use super::time::Time;
use crate::auth::{self, Author, Bearer};
use crate::problem::Answer;
use crate::state::App;

/// What refusals call one.
pub(super) const NOUN: &str = "person or service account";

/// The routes of people and service accounts.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get))
        .routes(routes!(roles_of))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(set_password))
}

/// What kind of account.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// Somebody who signs in with a password.
    Person,
    /// A program that uses API tokens.
    Service,
}

impl From<people::PrincipalKind> for PrincipalKind {
    fn from(kind: people::PrincipalKind) -> PrincipalKind {
        match kind {
            people::PrincipalKind::Person => PrincipalKind::Person,
            people::PrincipalKind::Service => PrincipalKind::Service,
        }
    }
}

impl From<PrincipalKind> for people::PrincipalKind {
    fn from(kind: PrincipalKind) -> people::PrincipalKind {
        match kind {
            PrincipalKind::Person => people::PrincipalKind::Person,
            PrincipalKind::Service => people::PrincipalKind::Service,
        }
    }
}

/// A person or service account.
#[derive(Serialize, ToSchema)]
pub struct Principal {
    /// Its handle.
    id: i64,
    /// Its public identifier.
    uuid: String,
    /// Who signs in, or what program calls.
    kind: PrincipalKind,
    /// Unique without regard to case.
    #[schema(example = "ana")]
    name: String,
    /// How it is shown.
    display_name: String,
    /// Where they are reached.
    email: Option<String>,
    /// Disabled accounts hold nothing and cannot sign in.
    disabled: bool,
    /// Whether it can sign in with a password.
    has_password: bool,
    /// The identity provider by whose word it is known. Such an account has no password, tokens or API clients here.
    provider: Option<String>,
    /// Since when there is one.
    created_at: Time,
    /// Last sign-in.
    last_seen_at: Option<Time>,
}

impl From<people::Principal> for Principal {
    fn from(principal: people::Principal) -> Principal {
        Principal {
            id: principal.id.0,
            uuid: principal.uuid,
            kind: principal.kind.into(),
            name: principal.name,
            display_name: principal.display_name,
            email: principal.email,
            disabled: principal.disabled,
            has_password: principal.has_password,
            provider: principal.provider,
            created_at: Time(principal.created_at),
            last_seen_at: principal.last_seen_at.map(Time),
        }
    }
}

/// A new person or service account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrincipalInput {
    /// Who signs in, or what program calls.
    kind: PrincipalKind,
    /// Unique without regard to case.
    #[schema(example = "ana")]
    name: String,
    /// How it is shown; the name if left out.
    #[serde(default)]
    display_name: String,
    /// Where they are reached.
    email: Option<String>,
    /// A person's first password. Service accounts have none.
    password: Option<Secret>,
}

/// List people and service accounts
#[utoipa::path(get, path = "/principals", tag = "principals",
    responses((status = 200, description = "All of them, by name", body = Page<Principal>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<Principal>> {
    let found = app.read_as(caller, people::list).await?;
    Ok(Page::whole(found.into_iter().map(Principal::from).collect()))
}

/// Create a person or service account
///
/// It holds nothing until it is given a role.
#[utoipa::path(post, path = "/principals", tag = "principals", request_body = PrincipalInput,
    responses((status = 201, description = "The new account", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<PrincipalInput>) -> Answer<Created> {
    let password = match &input.password {
        Some(password) => Some(auth::hash_password(&app, password.password()).await?),
        None => None,
    };
    let new = NewPrincipal {
        kind: input.kind.into(),
        name: input.name,
        display_name: input.display_name,
        email: input.email,
        password,
        uuid: Uuid::now_v7(),
    };
    let now = app.now();
    let id = app.write(move |tx| people::create(tx, &author.actor, &new, now)).await?;
    Ok(Created::at("principals", id.0))
}

/// Get a person or service account
///
/// Everybody may see their own.
#[utoipa::path(get, path = "/principals/{id}", tag = "principals", params(("id" = i64, Path, description = "The account")),
    responses((status = 200, description = "The account", body = Principal)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<Principal>> {
    let id = PrincipalId(id);
    let found = app.read_as(caller, move |tx, actor| people::get(tx, actor, id)).await.map_err(hidden(NOUN, id))?;
    Ok(Json(found.into()))
}

/// List the roles an account holds
///
/// Everybody may see their own.
#[utoipa::path(get, path = "/principals/{id}/roles", tag = "principals", params(("id" = i64, Path, description = "The account")),
    responses((status = 200, description = "Ids and names", body = Page<Owner>)))]
pub async fn roles_of(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Page<Owner>> {
    let id = PrincipalId(id);
    let found = app.read_as(caller, move |tx, actor| people::roles_of(tx, actor, id)).await.map_err(hidden(NOUN, id))?;
    Ok(Page::whole(found.into_iter().map(Owner::from).collect()))
}

/// Disable an account
///
/// Its sessions and tokens end at once.
#[utoipa::path(post, path = "/principals/{id}/disable", tag = "principals", params(("id" = i64, Path, description = "The account")),
    responses((status = 204, description = "It is disabled")))]
pub async fn disable(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    set_disabled(&app, author, id, true).await
}

/// Enable an account
#[utoipa::path(post, path = "/principals/{id}/enable", tag = "principals", params(("id" = i64, Path, description = "The account")),
    responses((status = 204, description = "It is enabled")))]
pub async fn enable(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    set_disabled(&app, author, id, false).await
}

async fn set_disabled(app: &App, author: Author, id: i64, disabled: bool) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| people::set_disabled(tx, &author.actor, PrincipalId(id), disabled, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordInput {
    /// At least 10 characters.
    password: Secret,
}

/// Set somebody's password
///
/// Ends their sessions. Needs everything that they hold.
#[utoipa::path(put, path = "/principals/{id}/password", tag = "principals", params(("id" = i64, Path, description = "The account")),
    request_body = PasswordInput, responses((status = 204, description = "It is set")))]
pub async fn set_password(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<PasswordInput>,
) -> Answer<StatusCode> {
    let hash = auth::hash_password(&app, input.password.password()).await?;
    let now = app.now();
    app.write(move |tx| people::set_password(tx, &author.actor, PrincipalId(id), &hash, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn a_person_is_made_told_and_disabled() {
        let test = TestApp::new().await;
        let ana = json!({ "kind": "person", "name": "Ana", "email": "ana@example.com", "password": "ana's password" });
        let reply = test.post("/api/v1/principals", ana.clone()).await;
        let location = reply.headers["location"].to_str().unwrap().to_owned();
        reply.expect(201);
        let told = test.get(&location).await;
        assert!(!told.text().contains("password\":\"") && !told.text().contains("argon2"), "{}", told.text());
        let told = told.expect(200);
        assert_eq!((&told["name"], &told["display_name"], &told["kind"]), (&json!("Ana"), &json!("Ana"), &json!("person")));
        assert_eq!(
            (&told["has_password"], &told["disabled"], &told["last_seen_at"]),
            (&json!(true), &json!(false), &json!(null))
        );
        test.post("/api/v1/principals", json!({ "kind": "service", "name": "ANA" })).await.expect(409);
        let sign_in = json!({ "name": "ana", "password": "ana's password" });
        let session = test.call("POST", "/api/v1/sessions", "", Some(&sign_in)).await.expect(201);
        let token = session["token"].as_str().unwrap();
        assert_eq!(test.call("GET", &location, token, None).await.expect(200)["name"], "Ana", "everybody may see their own");
        test.post(&format!("{location}/disable"), json!(null)).await.expect(204);
        test.call("GET", &location, token, None).await.expect(401);
        test.call("POST", "/api/v1/sessions", "", Some(&sign_in)).await.expect(401);
        test.post(&format!("{location}/enable"), json!(null)).await.expect(204);
        test.call("GET", &location, token, None).await.expect(401);
        test.call("POST", "/api/v1/sessions", "", Some(&sign_in)).await.expect(201);
    }

    #[tokio::test]
    async fn wrong_accounts_are_refused() {
        let test = TestApp::new().await;
        let before = test.events().await;
        for (wrong, field) in [
            (json!({ "kind": "person", "name": "a\u{202e}b" }), "name"),
            (json!({ "kind": "person", "name": "a", "display_name": "x\ny" }), "display_name"),
            (json!({ "kind": "person", "name": "a", "email": "x\0y" }), "email"),
            (json!({ "kind": "person", "name": "a", "password": "short" }), "password"),
            (json!({ "kind": "person", "name": "a", "password": "x".repeat(2000) }), "password"),
            (json!({ "kind": "service", "name": "a", "password": "long enough to be one" }), "password"),
        ] {
            assert_eq!(test.post("/api/v1/principals", wrong).await.expect(400)["field"], field);
        }
        let secret = test.post("/api/v1/principals", json!({ "kind": "person", "name": "a", "password": ["hunter2"] })).await;
        assert!(!secret.text().contains("hunter2"));
        secret.expect(400);
        test.post("/api/v1/principals", json!({ "kind": "robot", "name": "a" })).await.expect(400);
        test.post(&format!("/api/v1/principals/{}/disable", test.admin_id), json!(null)).await.expect(409);
        assert_eq!(test.events().await, before);
    }

    #[tokio::test]
    async fn nobody_takes_over_whoever_holds_more() {
        let test = TestApp::new().await;
        let (_, _, token) = test.service("security", &["/security/"]).await;
        let admin = format!("/api/v1/principals/{}", test.admin_id);
        let password = json!({ "password": "taken over now" });
        test.call("PUT", &format!("{admin}/password"), &token, Some(&password)).await.expect(403);
        test.call("POST", &format!("{admin}/disable"), &token, None).await.expect(403);
        let wide = json!({ "name": "mine", "scopes": ["/"] });
        test.call("POST", &format!("{admin}/tokens"), &token, Some(&wide)).await.expect(403);
    }
}
