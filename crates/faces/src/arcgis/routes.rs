//! Every address of this API, and how a request walks: read, held against the method and the token, handled, and written in its format.

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use certhold_domain::named::{self, Kind};
use tokio::sync::Semaphore;

use super::answer::{Answer, Found, Refused, found_response, refused_response};
use super::request::{Call, Format, early_format};
use super::{ROOT, certificates, directory, extensions, ingress, oauth, sharing};
use crate::auth::require_same_origin;
use crate::problem::Problem;
use crate::state::App;

/// What is at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// The site.
    Root,
    /// A parent of others.
    Security,
    /// A parent of others.
    Certificates,
    /// Certificates under names.
    List(Kind),
    /// Import of one.
    Import(Kind),
    /// One of them.
    One(Kind),
    /// Its removal.
    Delete(Kind),
    /// Its next version, from a file.
    Replace,
    /// A key and a signing request for a name.
    GenerateCsr,
    /// The answer to a signing request, under a new name.
    ImportSigned,
    /// The answer to a signing request, as the next version of an identity.
    ReplaceSigned,
    /// Whether and how an identity is renewed.
    Renewal,
    /// Change of that.
    RenewalUpdate,
    /// Where a certificate is used.
    Usage(Kind),
    /// What the listener presents.
    Ingress,
    /// Change of that.
    IngressUpdate,
    /// What signs SAML messages.
    Saml,
    /// Change of that.
    SamlUpdate,
    /// The directory's sign-in.
    Login,
    /// Its end.
    Logout,
    /// The sharing API.
    Sharing,
    /// Where tokens are to be had.
    Info,
    /// Tokens for a name and a password.
    GenerateToken,
    /// The portal.
    PortalSelf,
    /// Whoever asks.
    CommunitySelf,
    /// Somebody by name.
    User,
    /// OAuth sign-in for programs: the page.
    Authorize,
    /// OAuth sign-in for programs: the form.
    SignIn,
    /// How pages look.
    Style,
}

/// Whether an address is looked at, or does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET, and POST, as which many clients send everything.
    Resource,
    /// POST; with GET a page with a form.
    Operation,
}

/// What it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A token.
    Token,
    /// The right to see entries.
    Read,
    /// The right to change entries.
    Modify,
}

/// One address.
pub struct Line {
    /// Below the root; `{id}` stands for one segment.
    pub path: &'static str,
    /// What is there.
    pub op: Op,
    /// How it is used.
    pub verb: Verb,
    /// What it needs.
    pub needs: Needs,
}

const fn line(path: &'static str, op: Op, verb: Verb, needs: Needs) -> Line {
    Line { path, op, verb, needs }
}

/// Every address.
#[rustfmt::skip]
pub const LINES: &[Line] = {
    use Kind::{Identity, Trust};
    use Needs::{Modify, Nothing, Read, Token};
    use Verb::{Operation, Resource};
    &[
        line("/admin", Op::Root, Resource, Read),
        line("/admin/login", Op::Login, Operation, Nothing),
        line("/admin/logout", Op::Logout, Operation, Token),
        line("/admin/security", Op::Security, Resource, Read),
        line("/admin/security/certificates", Op::Certificates, Resource, Read),
        line("/admin/security/certificates/identity", Op::List(Identity), Resource, Read),
        line("/admin/security/certificates/identity/import", Op::Import(Identity), Operation, Modify),
        line("/admin/security/certificates/identity/generateCSR", Op::GenerateCsr, Operation, Modify),
        line("/admin/security/certificates/identity/importSignedCertificate", Op::ImportSigned, Operation, Modify),
        line("/admin/security/certificates/identity/{id}", Op::One(Identity), Resource, Read),
        line("/admin/security/certificates/identity/{id}/delete", Op::Delete(Identity), Operation, Modify),
        line("/admin/security/certificates/identity/{id}/replace", Op::Replace, Operation, Modify),
        line("/admin/security/certificates/identity/{id}/importSignedCertificate", Op::ReplaceSigned, Operation, Modify),
        line("/admin/security/certificates/identity/{id}/renewal", Op::Renewal, Resource, Read),
        line("/admin/security/certificates/identity/{id}/renewal/update", Op::RenewalUpdate, Operation, Modify),
        line("/admin/security/certificates/identity/{id}/usage", Op::Usage(Identity), Resource, Read),
        line("/admin/security/certificates/trust", Op::List(Trust), Resource, Read),
        line("/admin/security/certificates/trust/import", Op::Import(Trust), Operation, Modify),
        line("/admin/security/certificates/trust/{id}", Op::One(Trust), Resource, Read),
        line("/admin/security/certificates/trust/{id}/delete", Op::Delete(Trust), Operation, Modify),
        line("/admin/security/certificates/trust/{id}/usage", Op::Usage(Trust), Resource, Read),
        line("/admin/security/ingress", Op::Ingress, Resource, Read),
        line("/admin/security/ingress/update", Op::IngressUpdate, Operation, Modify),
        line("/admin/security/saml", Op::Saml, Resource, Read),
        line("/admin/security/saml/update", Op::SamlUpdate, Operation, Modify),
        line("/sharing/rest", Op::Sharing, Resource, Nothing),
        line("/sharing/rest/info", Op::Info, Resource, Nothing),
        line("/sharing/rest/generateToken", Op::GenerateToken, Operation, Nothing),
        line("/sharing/rest/portals/self", Op::PortalSelf, Resource, Nothing),
        line("/sharing/rest/community/self", Op::CommunitySelf, Resource, Token),
        line("/sharing/rest/community/users/{name}", Op::User, Resource, Token),
        line("/sharing/rest/oauth2/authorize", Op::Authorize, Resource, Nothing),
        line("/sharing/oauth2/signin", Op::SignIn, Operation, Nothing),
        line("/static/directory.css", Op::Style, Resource, Nothing),
    ]
};

/// The most octets of a form without a file. It is read before it is known who sends it, because clients put their tokens there.
const FORM_BYTES: usize = 64 * 1024;

/// The routes of imports, which may take longer.
pub(crate) const IMPORTS: [&str; 3] = [
    "/arcgis/admin/security/certificates/identity/import",
    "/arcgis/admin/security/certificates/trust/import",
    "/arcgis/admin/security/certificates/identity/{id}/replace",
];

/// The API below its root, and everything else below it as absent.
pub fn router(_app: &App) -> Router<App> {
    let mut api = Router::new();
    for line in LINES {
        let handler = move |State(app): State<App>, request: Request| serve(app, line, request);
        api = api.route(line.path, any(handler)).route(&format!("{}/", line.path), any(handler));
    }
    Router::new().nest(ROOT, api.fallback(otherwise)).route(&format!("{ROOT}/"), any(otherwise))
}

/// What the layers around every face say, in this API's words.
pub(crate) fn told(problem: Problem) -> Response {
    refused_response(Format::Json, &Refused::from(problem))
}

/// One client leaves out the slash before the identifier of an identity: `…/certificates/identityc1?f=json`.
fn glued(uri: &Uri) -> Option<&'static Line> {
    let last = uri.path().trim_end_matches('/').strip_prefix("/admin/security/certificates/identity")?;
    let is_handle = last.starts_with('c') && last.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_handle.then(|| LINES.iter().find(|line| line.op == Op::One(Kind::Identity))).flatten()
}

async fn otherwise(State(app): State<App>, request: Request) -> Response {
    if let Some(line) = glued(request.uri()) {
        return serve(app, line, request).await;
    }
    let in_api = request.uri().path().starts_with("/admin/") || request.uri().path().starts_with("/sharing/");
    let refused = Refused::details(404, "There is nothing at this address.");
    match Call::read(request, 0, app.is_secure()).await {
        Ok(call) if call.format == Format::Html => directory::refusal(&app, &call, &refused).await,
        Ok(Call { format, .. }) | Err((format, _)) => {
            let mut response = refused_response(format, &refused);
            // Clients that look for what else is installed go by the status.
            if !in_api {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            response
        }
    }
}

/// The segment that a line's `{…}` stands for.
fn subject(line: &Line, path: &str) -> String {
    let place = line.path.split('/').position(|segment| segment.starts_with('{'));
    let found = place.and_then(|place| path.trim_end_matches('/').split('/').nth(place));
    let decoded = |text: &str| String::from_utf8_lossy(&percent_decoded(text)).into_owned();
    match (line.op, glued(&path.parse().unwrap_or_default())) {
        (Op::One(Kind::Identity), Some(_)) => path.trim_end_matches('/').rsplit("identity").next().unwrap_or_default().to_owned(),
        _ => found.map(decoded).unwrap_or_default(),
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match (byte, pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

/// Asked by browsers before a page of another site sends what is not a plain form.
fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, X-Esri-Authorization, Content-Type"),
        (header::ACCESS_CONTROL_MAX_AGE, "3600"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn takes_a_file(op: Op) -> bool {
    matches!(op, Op::Import(_) | Op::Replace | Op::ImportSigned | Op::ReplaceSigned)
}

/// Files from strangers that are read at once, and how long each may take.
static STRANGERS: Semaphore = Semaphore::const_new(16);
const STRANGERS_TIME: Duration = Duration::from_secs(30);

/// Reads a request with a file. Many clients put their token into the same body, which is then in memory before anybody knows whose it
/// is: for the files of those that are longer than forms there is room for a few at once, and they must be quick. Who shows a token in a
/// header has as much room and time as imports have.
async fn read_file(app: &App, request: Request) -> Result<Call, (Format, Refused)> {
    let limit = app.settings().body_bytes;
    let is_known = match Call::caller_by_headers(&request) {
        Some(caller) => app.known(caller).await.is_ok(),
        None => false,
    };
    if is_known {
        return Call::read(request, limit, app.is_secure()).await;
    }
    let format = early_format(request.uri().query().unwrap_or_default(), request.headers());
    let why = "The file did not come in time: send the token in a header, or try again later.";
    let read = Call::read_in_turn(request, limit, app.is_secure(), Some((FORM_BYTES, &STRANGERS)));
    tokio::time::timeout(STRANGERS_TIME, read).await.map_err(|_| (format, Refused::details(503, why)))?
}

async fn serve(app: App, line: &'static Line, request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        return preflight();
    }
    let path = request.uri().path().to_owned();
    let read = match takes_a_file(line.op) {
        true => read_file(&app, request).await,
        false => Call::read(request, app.settings().body_bytes.min(FORM_BYTES), app.is_secure()).await,
    };
    let mut call = match read {
        Ok(call) => call,
        Err((Format::Html, refused)) => return directory::bare_refusal(&app, &refused),
        Err((format, refused)) => return refused_response(format, &refused),
    };
    call.subject = subject(line, &path);
    // Pages are for browsers, which say where a form comes from. No page of another site may have somebody's forms filled in, not even
    // with a token that it knows.
    if call.method == Method::POST
        && call.format == Format::Html
        && let Err(foreign) = require_same_origin(&app, &call.headers)
    {
        return directory::bare_refusal(&app, &foreign.into());
    }
    let result = match (call.method.as_str(), line.verb) {
        ("POST", _) | ("GET", Verb::Resource) => match allowed(&app, line.needs, &call).await {
            Ok(()) => handle(&app, line.op, &call).await,
            Err(refused) => Err(refused),
        },
        ("GET", Verb::Operation) if call.format == Format::Html => return directory::form(&app, line, &call).await,
        _ => Err(Refused::details(
            405,
            match line.verb {
                Verb::Operation => "Send this operation by POST.",
                Verb::Resource => "Look at this resource by GET or POST.",
            },
        )),
    };
    match (call.format, result) {
        (Format::Html, result) => directory::page(&app, line, &call, result).await,
        (format, Ok(found)) => found_response(format, found),
        (format, Err(refused)) => refused_response(format, &refused),
    }
}

/// Asks early what the operation will ask again when it decides: whoever may not is told so before a parameter is looked at.
async fn allowed(app: &App, needs: Needs, call: &Call) -> Answer<()> {
    match needs {
        Needs::Nothing => {}
        // Reading is decided in the transaction that reads.
        Needs::Token | Needs::Read => drop(call.caller()?),
        Needs::Modify => app.read_as(call.caller()?, named::require_modify).await?,
    }
    Ok(())
}

async fn handle(app: &App, op: Op, call: &Call) -> Answer<Found> {
    match op {
        Op::Root => site(app, call).await,
        Op::Security | Op::Certificates => parent(app, call).await,
        Op::List(kind) => certificates::list(app, call, kind).await,
        Op::Import(kind) => certificates::import(app, call, kind).await,
        Op::One(kind) => certificates::one(app, call, kind).await,
        Op::Delete(kind) => certificates::delete(app, call, kind).await,
        Op::Replace => extensions::replace(app, call).await,
        Op::GenerateCsr => extensions::generate_csr(app, call).await,
        Op::ImportSigned => extensions::import_signed(app, call).await,
        Op::ReplaceSigned => extensions::replace_signed(app, call).await,
        Op::Renewal => extensions::renewal(app, call).await,
        Op::RenewalUpdate => extensions::update_renewal(app, call).await,
        Op::Usage(kind) => extensions::usage(app, call, kind).await,
        Op::Ingress => ingress::ingress(app, call).await,
        Op::IngressUpdate => ingress::update_ingress(app, call).await,
        Op::Saml => ingress::saml(app, call).await,
        Op::SamlUpdate => ingress::update_saml(app, call).await,
        Op::Login => directory::login(app, call).await,
        Op::Logout => directory::logout(app, call).await,
        Op::Sharing => Ok(Found::Object(serde_json::json!({ "currentVersion": "2024.2" }))),
        Op::Info => Ok(Found::Object(sharing::info(app, call))),
        Op::GenerateToken => sharing::generate_token(app, call).await,
        Op::PortalSelf => sharing::portal(app, call).await,
        Op::CommunitySelf => sharing::myself(app, call).await,
        Op::User => sharing::user(app, call).await,
        Op::Authorize => oauth::authorize(app, call),
        Op::SignIn => oauth::sign_in(app, call).await,
        Op::Style => Ok(directory::style()),
    }
}

/// The site, for whoever may do anything here.
async fn site(app: &App, call: &Call) -> Answer<Found> {
    app.read_as(call.caller()?, named::require_read).await?;
    Ok(Found::Object(serde_json::json!({
        "currentVersion": 11.4,
        "fullVersion": "11.4.0",
        "resources": ["security"],
    })))
}

/// What only leads on to others.
async fn parent(app: &App, call: &Call) -> Answer<Found> {
    app.read_as(call.caller()?, named::require_read).await?;
    Ok(Found::Object(serde_json::json!({})))
}
