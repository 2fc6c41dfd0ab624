//! API tokens.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use certhold_domain::people::{self, Credential, NewToken};
use certhold_domain::{PrincipalId, TokenId};
use secrecy::ExposeSecret;
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
use crate::auth::{Author, Bearer, TOKEN_PREFIX};
use crate::problem::Answer;
use crate::state::App;

/// The routes of API tokens.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// Characters of a token that are shown to recognise it by: the prefix and 6 of its 43.
const HINT: usize = TOKEN_PREFIX.len() + 6;

/// An API token, without its secret.
#[derive(Serialize, ToSchema)]
pub struct Token {
    /// Its handle.
    id: i64,
    /// What it is for.
    name: String,
    /// Its first characters, to recognise it by.
    #[schema(example = "cht_Zk3x9Q")]
    hint: String,
    /// What it may be used for at most; `/` for all its account may do.
    scopes: Vec<String>,
    /// Since when there is one.
    created_at: Time,
    /// When it ends; null for never.
    expires_at: Option<Time>,
    /// When it was revoked.
    revoked_at: Option<Time>,
}

impl From<people::Token> for Token {
    fn from(token: people::Token) -> Token {
        Token {
            id: token.id.0,
            name: token.name,
            hint: token.hint,
            scopes: token.scopes,
            created_at: Time(token.created_at),
            expires_at: token.expires_at.map(Time),
            revoked_at: token.revoked_at.map(Time),
        }
    }
}

/// A new token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenInput {
    /// What it is for.
    #[schema(example = "deploy script")]
    name: String,
    /// What it may be used for at most: permission paths; `/` for all its account may do.
    #[schema(example = json!(["/certificates/"]))]
    scopes: Vec<String>,
    /// When it ends; never if left out.
    expires_at: Option<Time>,
}

/// A token and its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub struct NewTokenAnswer {
    /// Its handle.
    id: i64,
    /// What to send as `Authorization: Bearer …`. It is not kept and cannot be shown again.
    token: Secret,
}

/// List the API tokens of an account
///
/// Newest first. Everybody may see their own.
#[utoipa::path(get, path = "/principals/{id}/tokens", tag = "tokens", params(("id" = i64, Path, description = "The account")),
    responses((status = 200, description = "Its tokens", body = Page<Token>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Page<Token>> {
    let id = PrincipalId(id);
    let found = app.read_as(caller, move |tx, actor| people::tokens_of(tx, actor, id)).await.map_err(hidden(NOUN, id))?;
    Ok(Page::whole(found.into_iter().map(Token::from).collect()))
}

/// Create an API token
///
/// For oneself, or for an account that holds nothing beyond what the caller holds.
#[utoipa::path(post, path = "/principals/{id}/tokens", tag = "tokens", params(("id" = i64, Path, description = "The account")),
    request_body = TokenInput, responses((status = 201, description = "The token; its secret is shown this once", body = NewTokenAnswer)))]
pub async fn create(State(app): State<App>, author: Author, Id(id): Id, Body(input): Body<TokenInput>) -> Answer<Response> {
    let made = Credential::generate(app.core().entropy.as_ref(), TOKEN_PREFIX);
    let new = NewToken {
        principal: PrincipalId(id),
        name: input.name,
        hash: made.hash,
        hint: made.text.expose_secret().chars().take(HINT).collect(),
        scopes: input.scopes,
        expires_at: input.expires_at.map(|time| time.0),
    };
    let now = app.now();
    let id = app.write(move |tx| people::create_token(tx, &author.actor, &new, now)).await?;
    let answer = NewTokenAnswer { id: id.0, token: Secret(made.text) };
    Ok(with_location(&format!("{ROOT}/tokens/{id}"), answer))
}

/// Revoke an API token
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", params(("id" = i64, Path, description = "The token")),
    responses((status = 204, description = "It is of no use any more")))]
pub async fn revoke(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| people::revoke_token(tx, &author.actor, TokenId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn a_token_is_shown_once_works_within_its_scope_and_ends() {
        let test = TestApp::new().await;
        let mine = format!("/api/v1/principals/{}/tokens", test.admin_id);
        let expires_at = crate::native::Time(test.app.now() + 1_000).to_string();
        let new = json!({ "name": "reader", "scopes": ["/certificates/collections/read/"], "expires_at": expires_at });
        let made = test.post(&mine, new).await.expect(201);
        let token = made["token"].as_str().unwrap().to_owned();
        assert!(token.starts_with("cht_") && token.len() == 47);
        let listed = test.get(&mine).await;
        assert!(!listed.text().contains(&token));
        let listed = listed.expect(200)["items"][0].clone();
        assert_eq!((&listed["id"], &listed["expires_at"]), (&made["id"], &json!(expires_at)));
        assert_eq!(listed["hint"], &token[..10]);
        test.call("GET", "/api/v1/certificates", &token, None).await.expect(200);
        test.call("GET", "/api/v1/roles", &token, None).await.expect(403);
        let me = test.call("GET", "/api/v1/me", &token, None).await.expect(200);
        assert_eq!(me["scopes"], json!(["/certificates/collections/read/"]));
        assert_eq!(me["permissions"], json!(["/certificates/collections/read/"]));
        let wider = json!({ "name": "wider", "scopes": ["/certificates/"] });
        test.call("POST", &mine, &token, Some(&wider)).await.expect(403);
        test.clock.advance(1_000);
        test.call("GET", "/api/v1/certificates", &token, None).await.expect(401);
        assert!(!test.get("/api/v1/events").await.text().contains(&token), "events hold no secret");
    }

    #[tokio::test]
    async fn a_token_that_ends_leaves_nothing_behind() {
        let test = TestApp::new().await;
        let place = format!("/api/v1/principals/{}", test.admin_id);
        let (mine, clients) = (format!("{place}/tokens"), format!("{place}/api-clients"));
        let end = test.app.now() + 4_000;
        let ending = test.token(test.admin_id, &["/"], Some(end)).await;
        let events = test.events().await;
        let new = json!({ "name": "next", "scopes": ["/"] });
        test.call("POST", &mine, &ending, Some(&new)).await.expect(403);
        test.call("POST", &clients, &ending, Some(&new)).await.expect(403);
        let short = json!({ "name": "next", "scopes": ["/"], "expires_at": crate::native::Time(end).to_string() });
        test.call("POST", &mine, &ending, Some(&short)).await.expect(403);
        assert_eq!(test.events().await, events);
        test.post(&mine, new).await.expect(201);
    }

    #[tokio::test]
    async fn wrong_tokens_are_not_made() {
        let test = TestApp::new().await;
        let mine = format!("/api/v1/principals/{}/tokens", test.admin_id);
        let before = test.events().await;
        for (wrong, field) in [
            (json!({ "name": "x", "scopes": [] }), "scopes"),
            (json!({ "name": "x", "scopes": ["/a b/"] }), "scopes"),
            (json!({ "name": "x", "scopes": ["/certificate/"] }), "scopes"),
            (json!({ "name": "\u{202e}", "scopes": ["/"] }), "name"),
            (json!({ "name": "x", "scopes": ["/"], "expires_at": "2020-01-01T00:00:00Z" }), "expires_at"),
        ] {
            assert_eq!(test.post(&mine, wrong).await.expect(400)["field"], field);
        }
        test.post(&mine, json!({ "name": "x", "scopes": ["/"], "expires_at": 17 })).await.expect(400);
        assert_eq!(test.events().await, before);
    }

    #[tokio::test]
    async fn revoking_again_changes_nothing() {
        let test = TestApp::new().await;
        let mine = format!("/api/v1/principals/{}/tokens", test.admin_id);
        let id = test.post(&mine, json!({ "name": "x", "scopes": ["/"] })).await.expect(201)["id"].clone();
        test.delete(&format!("/api/v1/tokens/{id}")).await.expect(204);
        let events = test.events().await;
        test.delete(&format!("/api/v1/tokens/{id}")).await.expect(204);
        assert_eq!(test.events().await, events);
    }
}
