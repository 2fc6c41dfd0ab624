//! `/login`, `/logout`.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use certhold_domain::people::{self, Password};
use certhold_domain::{Error, Face, Refusal};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::Forgiving;
use crate::auth::{self, SignIn, require_same_origin};
use crate::middleware::Coordinates;
use crate::state::App;
use crate::web::fields::{Fields, NotOurs};
use crate::web::refused::Refused;
use crate::web::sent::{SentBySomebody, Unreadable, fields};
use crate::web::view::frame::Frame;
use crate::web::view::sign_in::{SignInPage, SignInProblem};
use crate::web::view::time::Moment;
use crate::web::visit::{Visit, shared, theme};
use crate::web::{local, respond};

pub fn routes() -> Router<App> {
    Router::new().route("/login", get(show).post(sign_in)).route("/logout", post(sign_out))
}

#[derive(Default, Deserialize)]
struct Parameters {
    #[serde(default)]
    next: String,
    /// There was a session, and it is over.
    #[serde(default)]
    ended: String,
    /// A form was sent without one.
    #[serde(default)]
    lost: String,
}

async fn show(
    State(app): State<App>,
    visit: Result<Visit, Response>,
    Forgiving(given): Forgiving<Parameters>,
    request: Request,
) -> Result<Response, Refused> {
    let next = local::path(&given.next).unwrap_or("");
    if let Ok(visit) = visit
        && app.known(visit.browser.caller.clone()).await.is_ok()
    {
        return Ok(respond::see_other(if next.is_empty() { "/" } else { next }));
    }
    let problem = match (given.lost.as_str(), given.ended.as_str()) {
        ("true", _) => Some(SignInProblem::Lost),
        (_, "true") => Some(SignInProblem::Ended),
        _ => None,
    };
    page(&app, request, StatusCode::OK, "", next, problem).await
}

async fn page(
    app: &App,
    request: Request,
    status: StatusCode,
    name: &str,
    next: &str,
    problem: Option<SignInProblem>,
) -> Result<Response, Refused> {
    let mut frame = Frame::signed_out("Sign in", "");
    frame.theme = theme(request.headers());
    let (parts, _) = request.into_parts();
    let shared = shared(&parts).map_err(|problem| Refused::from(problem.into_response()))?;
    let first = app.read(move |tx| shared.is_first_start(tx)).await.map_err(|error| Refused::because(frame.clone(), error))?;
    let page = SignInPage { frame, name: name.to_owned(), next: next.to_owned(), problem, is_first_start: first };
    Ok(respond::page(status, &page))
}

async fn sign_in(State(app): State<App>, at: Coordinates, headers: HeaderMap, request: Request) -> Result<Response, Refused> {
    let mut frame = Frame::signed_out("", "");
    frame.theme = theme(&headers);
    require_same_origin(&app, &headers).map_err(|refusal| Refused::because(frame.clone(), refusal.into()))?;
    let (parts, body) = request.into_parts();
    let for_page = Request::from_parts(parts.clone(), axum::body::Body::empty());
    let fields: Fields = fields(Request::from_parts(parts, body), &app).await.map_err(|error| match error {
        Unreadable::NotOurs(NotOurs(message)) => Refused::malformed(frame.clone(), message),
        Unreadable::TooLarge => Refused::because(frame.clone(), Refusal::TooLarge("the form is too large".into()).into()),
    })?;
    let name = fields.text("name").trim().to_owned();
    let next = local::path(fields.text("next")).unwrap_or("");
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let who = SignIn { name: name.clone(), password: Password::from(fields.text("password").to_owned()), agent };
    let (status, problem) = match auth::sign_in(&app, Face::Web, who, &at).await {
        Ok(opened) => {
            let mut response = respond::see_other(if next.is_empty() { "/" } else { next });
            response.headers_mut().append(header::SET_COOKIE, auth::cookie(&app, opened.token.expose_secret()));
            return Ok(response);
        }
        Err(Error::Refused(Refusal::Unauthenticated(_))) => (StatusCode::UNAUTHORIZED, SignInProblem::Wrong),
        Err(Error::Refused(Refusal::LockedOut { until })) => {
            (StatusCode::TOO_MANY_REQUESTS, SignInProblem::LockedOut(Moment::new(until, app.now())))
        }
        Err(error) => return Err(Refused::because(frame, error)),
    };
    page(&app, for_page, status, &name, next, Some(problem)).await
}

async fn sign_out(SentBySomebody(sent): SentBySomebody) -> Result<Response, Refused> {
    let session = sent.author.session;
    let ended = sent.author.write(move |tx, actor, now| people::end_session(tx, actor, session, now)).await;
    ended.map_err(|error| sent.author.refused(error))?;
    let mut response = respond::see_other("/login");
    response.headers_mut().append(header::SET_COOKIE, auth::ended_cookie(&sent.author.visit.app));
    Ok(response)
}
