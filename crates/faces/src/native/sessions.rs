//! Signing in and out.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use certhold_domain::people;
use certhold_domain::{Face, PrincipalId, SessionId};
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
use crate::auth::{self, Author, Bearer, SignIn};
use crate::middleware::Coordinates;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// The routes of sessions.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sign_in)).routes(routes!(sign_out)).routes(routes!(end)).routes(routes!(list, end_all))
}

/// A name and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInInput {
    /// The account.
    #[schema(example = "admin")]
    name: String,
    /// Its password.
    password: Secret,
}

/// A session that was opened.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// Its handle.
    id: i64,
    /// Whose it is.
    principal: i64,
    /// What to send as `Authorization: Bearer …`. It is not kept and cannot be shown again.
    token: Secret,
    /// When it ends at the latest.
    expires_at: Time,
}

/// Sign in
///
/// Opens a session. Too many failures lock the account for the caller's address for a while.
#[utoipa::path(post, path = "/sessions", tag = "sessions", request_body = SignInInput, security(()),
    responses((status = 201, description = "The session; its secret is shown this once", body = SignedIn)))]
pub async fn sign_in(
    State(app): State<App>,
    at: Coordinates,
    headers: HeaderMap,
    Body(input): Body<SignInInput>,
) -> Answer<Response> {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let who = SignIn { password: input.password.password(), name: input.name, agent };
    let opened = auth::sign_in(&app, Face::Native, who, &at).await?;
    let answer = SignedIn {
        id: opened.session.0,
        principal: opened.principal.0,
        token: Secret(opened.token),
        expires_at: Time(opened.expires_at),
    };
    Ok(with_location(&format!("{ROOT}/sessions/{}", opened.session), answer))
}

/// Sign out
///
/// Ends the session whose token is presented.
#[utoipa::path(delete, path = "/sessions/current", tag = "sessions",
    responses((status = 204, description = "The session is over")))]
pub async fn sign_out(State(app): State<App>, author: Author) -> Answer<StatusCode> {
    let session = author.session.ok_or_else(|| {
        Problem::new(StatusCode::CONFLICT, "conflict", "In the way", "this is an API token, not a session: revoke it instead")
    })?;
    end_one(&app, author, session).await
}

/// End a session
///
/// One's own, or anybody's with the right to change security.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "sessions", params(("id" = i64, Path, description = "The session")),
    responses((status = 204, description = "The session is over")))]
pub async fn end(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    end_one(&app, author, SessionId(id)).await
}

async fn end_one(app: &App, author: Author, id: SessionId) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| people::end_session(tx, &author.actor, id, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A signed-in browser or program.
#[derive(Serialize, ToSchema)]
pub struct Session {
    /// Its handle.
    id: i64,
    /// When it began.
    created_at: Time,
    /// When it ends at the latest.
    expires_at: Time,
    /// When it was last used, to the minute.
    last_seen_at: Time,
    /// Where the sign-in came from.
    address: String,
    /// The browser's own name for itself.
    agent: String,
}

/// List the sessions of an account
///
/// Newest first. Everybody may see their own.
#[utoipa::path(get, path = "/principals/{id}/sessions", tag = "sessions", params(("id" = i64, Path, description = "The account")),
    responses((status = 200, description = "Its live sessions", body = Page<Session>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Page<Session>> {
    let (id, now) = (PrincipalId(id), app.now());
    let found = app.read_as(caller, move |tx, actor| people::sessions_of(tx, actor, id, now)).await.map_err(hidden(NOUN, id))?;
    let shown = |session: people::Session| Session {
        id: session.id.0,
        created_at: Time(session.created_at),
        expires_at: Time(session.expires_at),
        last_seen_at: Time(session.last_seen_at),
        address: session.address,
        agent: session.agent,
    };
    Ok(Page::whole(found.into_iter().map(shown).collect()))
}

/// End all sessions of an account
#[utoipa::path(delete, path = "/principals/{id}/sessions", tag = "sessions", params(("id" = i64, Path, description = "The account")),
    responses((status = 204, description = "They are over")))]
pub async fn end_all(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| people::end_all_sessions(tx, &author.actor, PrincipalId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
