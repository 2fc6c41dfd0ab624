//! The sign-in that one client does by default: a page of OAuth's implicit grant from which it reads a state, and the form that it
//! sends then. People can use the page too.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certhold_domain::people::{Binding, Password};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::{Url, form_urlencoded};

use super::answer::{Answer, Found, Refused};
use super::directory;
use super::request::Call;
use super::sharing::{self, TokenWanted};
use crate::auth::require_same_origin;
use crate::state::App;

/// Minutes that a token lives when nobody says otherwise.
const MINUTES: i64 = 120;

/// What travels through the sign-in page. It is no secret, and need not be ours: where a token may be sent is looked at again.
#[derive(Serialize, Deserialize)]
struct State {
    state: String,
    redirect_uri: String,
}

impl State {
    fn encoded(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decoded(text: &str) -> Option<State> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }

    /// A token goes back to this very server and nowhere else, so that nobody is led to a page that takes it.
    fn is_ours(&self, app: &App, call: &Call) -> bool {
        let ours = Url::parse(&sharing::origin(app, call));
        let there = Url::parse(&self.redirect_uri);
        matches!((ours, there), (Ok(ours), Ok(there)) if ours.origin() == there.origin() && ours.origin().is_tuple())
    }
}

fn asked(call: &Call) -> State {
    let text = |name: &str| call.parameters.text(name).unwrap_or_default().to_owned();
    State { state: text("state"), redirect_uri: text("redirect_uri") }
}

fn page(app: &App, state: &State, expiration: &str, wrong: Option<&str>) -> Found {
    let encoded = state.encoded();
    // A client takes the first braces of the page; nothing may follow them on their line.
    let data = match wrong {
        None => json!({ "oauth_state": encoded }),
        Some(why) => json!({ "oauth_state": encoded, "messages": [why], "code": "OAUTH_0015" }),
    };
    Found::Whole(Box::new(directory::oauth_page(app, &data.to_string(), &encoded, expiration, wrong)))
}

pub fn authorize(app: &App, call: &Call) -> Answer<Found> {
    let state = asked(call);
    if call.parameters.text("response_type").is_some_and(|kind| kind != "token") {
        return Err(Refused::details(400, "Only response_type=token is given here."));
    }
    if !state.is_ours(app, call) {
        return Err(Refused::details(400, "Invalid redirect_uri: tokens are sent to this server only."));
    }
    Ok(page(app, &state, call.parameters.text("expiration").unwrap_or_default(), None))
}

pub async fn sign_in(app: &App, call: &Call) -> Answer<Found> {
    // In whatever format it asks for its answer.
    require_same_origin(app, &call.headers)?;
    sharing::refuse_credentials_in_address(call)?;
    let state = State::decoded(call.parameters.required("oauth_state")?);
    let state = state.ok_or_else(|| Refused::details(400, "'oauth_state' is not one of this server."))?;
    if !state.is_ours(app, call) {
        return Err(Refused::details(400, "Invalid redirect_uri: tokens are sent to this server only."));
    }
    let text = |name: &str| call.parameters.text(name).unwrap_or_default().to_owned();
    let expiration = text("expiration");
    let wanted = TokenWanted {
        name: text("username"),
        password: Password::from(text("password")),
        binding: Binding::Nothing,
        minutes: sharing::minutes(Some(&expiration), MINUTES)?,
    };
    let name = wanted.name.clone();
    let (token, expires) = match sharing::token(app, call, wanted).await {
        Ok(issued) => issued,
        Err(error) if sharing::is_ours(&error) => return Err(error.into()),
        Err(error) => return Ok(page(app, &state, &expiration, Some(&sharing::not_signed_in(&error)))),
    };
    let seconds = ((expires - app.now()) / 1000).to_string();
    let mut fragment = form_urlencoded::Serializer::new(String::new());
    fragment.append_pair("access_token", token.expose_secret()).append_pair("expires_in", &seconds);
    fragment.append_pair("state", &state.state).append_pair("token_type", "bearer").append_pair("username", &name);
    fragment.append_pair("ssl", "true");
    Ok(Found::Whole(Box::new(redirect(&format!("{}#{}", state.redirect_uri, fragment.finish())))))
}

fn redirect(to: &str) -> Response {
    let Ok(mut location) = HeaderValue::from_str(to) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    location.set_sensitive(true);
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}
