//! `/account`: the viewer's own password, sessions, tokens and colours.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::people::{self, Password};
use certhold_domain::{Actor, Error, Face, PrincipalId, Refusal, Result as DomainResult, RoleId, SessionId};
use certhold_store::Tx;
use secrecy::ExposeSecret;

use super::{Ids, clients, tokens};
use crate::auth::{self, SignIn};
use crate::middleware::Coordinates;
use crate::state::App;
use crate::web::refused::{Refused, sentence};
use crate::web::respond;
use crate::web::sent::{Author, Sent};
use crate::web::show::device;
use crate::web::view::account::{OwnAccountPage, PasswordForm, SessionRow};
use crate::web::view::frame::{Section, Theme};
use crate::web::view::secret::ShownOnce;
use crate::web::view::time::Moment;
use crate::web::visit::{THEME_COOKIE, Visit};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/account", get(show))
        .route("/account/password", post(change_password))
        .route("/account/theme", post(change_theme))
        .route("/account/sessions/{id}/revoke", post(end_session))
        .route("/account/tokens", post(create_token))
        .route("/account/tokens/{token}/revoke", post(revoke_token))
        .route("/account/clients", post(create_client))
        .route("/account/clients/{client}/secret", post(renew_client))
        .route("/account/clients/{client}/revoke", post(revoke_client))
}

/// What an answer to a form adds to the page.
#[derive(Default)]
struct Added {
    new_token: Option<ShownOnce>,
    token_form: Option<tokens::Filled>,
    clients: clients::Added,
    password: PasswordForm,
}

struct Found {
    roles: Vec<(RoleId, String)>,
    sessions: Vec<people::Session>,
    tokens: Vec<people::Token>,
    clients: Vec<people::ApiClient>,
}

/// Whoever has a session is a person, and so has an account.
fn own(actor: &Actor) -> DomainResult<PrincipalId> {
    actor.id.ok_or_else(|| Refusal::Unauthenticated("sign in first".into()).into())
}

async fn show(visit: Visit) -> Result<Response, Refused> {
    let author = Author::of(visit).await?;
    page(&author, StatusCode::OK, Added::default()).await
}

async fn page(author: &Author, status: StatusCode, added: Added) -> Result<Response, Refused> {
    let (visit, here) = (&author.visit, author.session);
    let now = visit.app.now();
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        let id = own(actor)?;
        Ok(Found {
            roles: people::roles_of(tx, actor, id)?,
            sessions: people::sessions_of(tx, actor, id, now)?,
            tokens: people::tokens_of(tx, actor, id)?,
            clients: people::clients_of(tx, actor, id)?,
        })
    };
    let (viewer, found) = visit.read(find).await?;
    let row = |session: &people::Session| SessionRow {
        id: session.id.0,
        device: device::name(&session.agent),
        address: session.address.clone(),
        began: Moment::new(session.created_at, now),
        last_used: Moment::new(session.last_seen_at, now),
        is_this: session.id == here,
    };
    let mut sessions: Vec<SessionRow> = found.sessions.iter().map(row).collect();
    sessions.sort_by_key(|session| !session.is_this);
    let page = OwnAccountPage {
        frame: visit.frame("Your account", Section::Account, viewer),
        roles: found.roles.into_iter().map(|(_, name)| name).collect(),
        password: added.password,
        sessions,
        tokens: tokens::rows(&found.tokens, now),
        new_token: added.new_token,
        token_form: tokens::form("/account/tokens", true, added.token_form),
        clients: clients::card(&found.clients, "/account", true, true, added.clients, now),
    };
    Ok(visit.page(status, &page))
}

async fn change_password(at: Coordinates, sent: Sent) -> Result<Response, Refused> {
    let (author, fields) = (&sent.author, &sent.fields);
    let app = &author.visit.app;
    let refuse = |password: PasswordForm| page(author, StatusCode::UNPROCESSABLE_ENTITY, Added { password, ..Added::default() });
    let mut refused = PasswordForm::default();
    if fields.text("new") != fields.text("again") {
        refused.again.error = Some("The two do not agree.".into());
        return refuse(refused).await;
    }
    let typed = |name: &str| Password::from(fields.text(name).to_owned());
    match auth::change_own_password(app, &author.actor, typed("current"), typed("new")).await {
        Ok(()) => {}
        Err(Error::Refused(Refusal::Invalid { field, message })) => {
            let place = if field == "current_password" { &mut refused.current.error } else { &mut refused.new.error };
            *place = Some(sentence(&message));
            return refuse(refused).await;
        }
        Err(error) => return Err(author.refused(error)),
    }
    // All sessions have ended, this one too: whoever just proved both passwords need not type the new one again.
    let agent = author.visit.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let who = SignIn { name: author.actor.name.clone(), password: typed("new"), agent };
    let opened = auth::sign_in(app, Face::Web, who, &at).await.map_err(|error| author.refused(error))?;
    let mut response = respond::see_other("/account");
    response.headers_mut().append(header::SET_COOKIE, auth::cookie(app, opened.token.expose_secret()));
    Ok(response)
}

async fn change_theme(sent: Sent) -> Result<Response, Refused> {
    let theme = Theme::from_name(sent.fields.text("theme"));
    let secure = if sent.author.visit.app.is_secure() { "; Secure" } else { "" };
    let cookie = format!("{THEME_COOKIE}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}", theme.name());
    let mut response = sent.author.done("/account", format!("Colours: {}.", theme.label().to_lowercase()));
    response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static("")));
    Ok(response)
}

async fn end_session(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = SessionId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| people::end_session(tx, actor, id, now)).await;
    sent.author.done_or_said("/account", outcome, "The session has ended.")
}

async fn create_token(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let id = own(&author.actor).map_err(|error| author.refused(error))?;
    let (status, added) = match tokens::create(author, &sent.fields, id).await? {
        Ok(token) => (StatusCode::OK, Added { new_token: Some(token), ..Added::default() }),
        Err(filled) => (StatusCode::UNPROCESSABLE_ENTITY, Added { token_form: Some(filled), ..Added::default() }),
    };
    page(author, status, added).await
}

async fn create_client(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let id = own(&author.actor).map_err(|error| author.refused(error))?;
    let clients = clients::create(author, &sent.fields, id).await?;
    let status = if clients.made.is_some() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page(author, status, Added { clients, ..Added::default() }).await
}

async fn renew_client(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let id = own(&author.actor).map_err(|error| author.refused(error))?;
    let clients = clients::renew(author, id, ids.first()).await?;
    page(author, StatusCode::OK, Added { clients, ..Added::default() }).await
}

async fn revoke_client(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let outcome = clients::revoke(&sent.author, ids.first()).await;
    sent.author.done_or_said("/account", outcome, "The client was revoked.")
}

async fn revoke_token(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let outcome = tokens::revoke(&sent.author, ids.first()).await;
    sent.author.done_or_said("/account", outcome, "The token was revoked.")
}
