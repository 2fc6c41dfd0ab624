//! Of the sharing API what clients need before they come to the certificates: where tokens are to be had, the tokens, the portal and
//! whoever asks.

use std::net::IpAddr;

use certhold_domain::named;
use certhold_domain::people::{self, Binding, Credential, NewBoundToken, Password};
use certhold_domain::{Actor, Result, limits};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::answer::{Answer, Found, Refused, sentence};
use super::request::Call;
use crate::auth::{BOUND_PREFIX, with_password};
use crate::state::App;

/// Minutes that a token lives when nobody says otherwise.
const MINUTES: i64 = 60;

/// Scheme, host and port by which the client reaches the server: as configured, or as the client says (HTTP/1.1 demands that it does).
pub fn origin(app: &App, call: &Call) -> String {
    if let Some(url) = &app.settings().public_url {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    let scheme = if app.is_secure() { "https" } else { "http" };
    let host = call.headers.get(axum::http::header::HOST).and_then(|host| host.to_str().ok());
    let url = host.and_then(|host| Url::parse(&format!("{scheme}://{host}/")).ok());
    url.map_or_else(|| format!("{scheme}://localhost"), |url| url.as_str().trim_end_matches('/').to_owned())
}

/// The address of the portal.
fn portal_url(app: &App, call: &Call) -> String {
    format!("{}/{}", origin(app, call), app.settings().arcgis_context)
}

pub fn info(app: &App, call: &Call) -> Value {
    let portal = portal_url(app, call);
    json!({
        "owningSystemUrl": portal,
        "authInfo": {
            "isTokenBasedSecurity": true,
            "tokenServicesUrl": format!("{portal}/sharing/rest/generateToken"),
        },
    })
}

/// A name and a password, with what a token is to be like.
pub struct TokenWanted {
    /// The account, in its very letters.
    pub name: String,
    /// Its password.
    pub password: Password,
    /// What the token is bound to.
    pub binding: Binding,
    /// Minutes.
    pub minutes: i64,
}

/// Gives a token for a name and a password; its text, and when it ends.
pub async fn token(app: &App, call: &Call, wanted: TokenWanted) -> Result<(SecretString, i64)> {
    let anonymous = call.anonymous();
    let (name, address, now) = (wanted.name, anonymous.address.clone(), app.now());
    let attempt = app.read(move |tx| people::attempt_exactly(tx, &name, &address, now)).await?;
    let (password, compared) = (wanted.password, attempt.clone());
    let verified = with_password(app, move || compared.verify(&password)).await?;
    let made = Credential::generate(app.core().entropy.as_ref(), BOUND_PREFIX);
    let lifetime_ms = wanted.minutes.saturating_mul(60_000);
    let (new, now) = (NewBoundToken { hash: made.hash, binding: wanted.binding, lifetime_ms }, app.now());
    let issued = app.write(move |tx| people::issue_bound_token(tx, &anonymous, &attempt, verified, &new, now)).await?;
    Ok((made.text, issued?))
}

/// Whether a sign-in failed because of the server and not of what was given: busy, or broken.
pub fn is_ours(error: &certhold_domain::Error) -> bool {
    matches!(error, certhold_domain::Error::Fault(_) | certhold_domain::Error::Refused(certhold_domain::Refusal::Busy))
}

/// What a token endpoint says of a name or password that is wrong.
pub fn not_signed_in(refused: &certhold_domain::Error) -> String {
    match refused.refusal() {
        Some(certhold_domain::Refusal::Unauthenticated(_)) => "Invalid username or password.".into(),
        Some(other) => sentence(&other.to_string()),
        None => "Something went wrong in the server.".into(),
    }
}

/// Addresses are written into logs and histories.
pub fn refuse_credentials_in_address(call: &Call) -> Answer<()> {
    if call.parameters.in_query("username") || call.parameters.in_query("password") {
        return Err(Refused::details(400, "POST request should not contain username and password in the query string."));
    }
    Ok(())
}

pub async fn generate_token(app: &App, call: &Call) -> Answer<Found> {
    let told = |refused: Refused| refused.to("generate token");
    refuse_credentials_in_address(call).map_err(told)?;
    let asks_for_another = call.parameters.text("username").is_none_or(str::is_empty) && call.has_token();
    if asks_for_another {
        return exchanged(app, call).await;
    }
    let wanted = wanted(call).map_err(told)?;
    match token(app, call, wanted).await {
        Ok((text, expires)) => Ok(Found::Object(json!({ "token": text.expose_secret(), "expires": expires, "ssl": true }))),
        Err(error) if is_ours(&error) => Err(told(error.into())),
        Err(error) => Err(told(Refused::details(400, not_signed_in(&error)))),
    }
}

/// A token for the server behind the portal: here both are one, and so is the token.
async fn exchanged(app: &App, call: &Call) -> Answer<Found> {
    let known = app.known(call.caller()?).await?;
    // API tokens have ends of their own; whoever asks again in an hour finds out.
    let expires = known.until.unwrap_or_else(|| app.now() + MINUTES * 60_000);
    Ok(Found::Object(json!({ "token": call.token(), "expires": expires, "ssl": true })))
}

fn wanted(call: &Call) -> Answer<TokenWanted> {
    let parameters = &call.parameters;
    let name = parameters.required("username")?.to_owned();
    let password = Password::from(parameters.required("password")?.to_owned());
    let binding = match parameters.text("client").unwrap_or_default() {
        "" | "referer" => Binding::Referer(parameters.required("referer")?.to_owned()),
        "ip" => Binding::Address(address(parameters.required("ip")?)?),
        "requestip" => Binding::Address(call.address().to_owned()),
        _ => return Err(Refused::details(400, "'client' must be referer, ip or requestip.")),
    };
    Ok(TokenWanted { name, password, binding, minutes: minutes(parameters.text("expiration"), MINUTES)? })
}

/// An address in the form that requests have it.
fn address(text: &str) -> Answer<String> {
    let parsed: Result<IpAddr, _> = text.trim().parse();
    let wrong = |_| Refused::details(400, "'ip' is not an address such as 192.0.2.7 or 2001:db8::7.");
    Ok(parsed.map_err(wrong)?.to_canonical().to_string())
}

/// How long a token is wanted for; more than the longest time is the longest time.
pub fn minutes(text: Option<&str>, otherwise: i64) -> Answer<i64> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(otherwise) };
    match text.parse::<i64>() {
        Ok(minutes) if minutes > 0 => Ok(minutes.min(limits::BOUND_TOKEN_MS / 60_000)),
        _ => Err(Refused::details(400, "'expiration' must be a number of minutes.")),
    }
}

/// What clients want to know of somebody.
fn user_object(actor: &Actor, rights: (bool, bool, bool)) -> Value {
    let (administrator, modify, _) = rights;
    let privileges: &[&str] = if modify { &["portal:admin:manageSecurity"] } else { &[] };
    json!({
        "username": actor.name,
        "fullName": actor.name,
        "role": if administrator { "org_admin" } else { "org_user" },
        "privileges": privileges,
    })
}

pub async fn portal(app: &App, call: &Call) -> Answer<Found> {
    let who = if call.has_token() { Some(call.caller()?) } else { None };
    let (installation, user) = match who {
        None => (app.read(certhold_domain::installation).await?, None),
        Some(caller) => {
            let read = app.read_as(caller, |tx, actor| {
                let rights = named::rights(tx, actor)?;
                Ok((certhold_domain::installation(tx)?, Some(user_object(actor, rights))))
            });
            read.await?
        }
    };
    let id: String = installation.chars().filter(char::is_ascii_hexdigit).take(16).collect::<String>().to_ascii_uppercase();
    let mut portal = json!({
        "portalDeploymentType": "ArcGISEnterpriseOnKubernetes",
        "portalName": "Certhold",
        "name": "Certhold",
        "portalMode": "singletenant",
        "id": id,
        "allSSL": app.is_secure(),
        "isPortal": true,
    });
    if let Some(user) = user {
        portal["user"] = user;
    }
    Ok(Found::Object(portal))
}

pub async fn myself(app: &App, call: &Call) -> Answer<Found> {
    let read = app.read_as(call.caller()?, |tx, actor| Ok(user_object(actor, named::rights(tx, actor)?)));
    Ok(Found::Object(read.await?))
}

/// Everybody sees themselves.
pub async fn user(app: &App, call: &Call) -> Answer<Found> {
    let name = call.subject.clone();
    let read = app.read_as(call.caller()?, move |tx, actor| {
        Ok((actor.name == name).then_some(user_object(actor, named::rights(tx, actor)?)))
    });
    match read.await? {
        Some(user) => Ok(Found::Object(user)),
        None => Err(Refused::details(404, "User does not exist or is inaccessible.")),
    }
}
