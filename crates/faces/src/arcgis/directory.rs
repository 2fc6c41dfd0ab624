//! The directory: the same resources as pages, with a form for each operation. Pages need no script. A person's token is in a cookie,
//! which shows pages and nothing more; each form carries the token itself, so that no other site's page can send one.

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use certhold_domain::limits;
use certhold_domain::named::{Kind, Place};
use certhold_domain::people::{self, Binding, Credential, Password};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::form_urlencoded;

use super::answer::{Answer, Found, Refused};
use super::forms::{self, Form};
use super::ingress;
use super::request::{Call, Format};
use super::routes::{Line, Op};
use super::sharing::{self, TokenWanted, refuse_credentials_in_address};
use crate::state::App;

/// Nothing from elsewhere, no scripts.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const STYLE: &str = include_str!("../../templates/arcgis/directory.css");

/// A link to a resource or an operation.
pub struct Link {
    /// Its words.
    label: String,
    /// Its address.
    href: String,
    /// The vendor does not have it.
    extension: bool,
}

/// A line of a list.
struct Row {
    name: String,
    href: String,
    subject: String,
    until: String,
}

/// A page.
#[derive(Template)]
#[template(path = "arcgis/page.html")]
struct Page {
    title: String,
    style: String,
    login: String,
    logout: String,
    crumbs: Vec<Link>,
    who: Option<String>,
    token: String,
    refused: Option<Refused>,
    done: Option<Link>,
    children: Vec<Link>,
    operations: Vec<Link>,
    rows: Option<Vec<Row>>,
    properties: Vec<(String, Vec<String>)>,
    form: Option<Form>,
    json: Option<(String, String)>,
    /// Of the OAuth page: data for programs, on a line of its own.
    data: Option<String>,
}

impl Page {
    fn new(app: &App, title: impl Into<String>) -> Page {
        let base = base(app);
        Page {
            title: title.into(),
            style: format!("{base}/static/directory.css"),
            login: format!("{base}/admin/login"),
            logout: format!("{base}/admin/logout"),
            crumbs: Vec::new(),
            who: None,
            token: String::new(),
            refused: None,
            done: None,
            children: Vec::new(),
            operations: Vec::new(),
            rows: None,
            properties: Vec::new(),
            form: None,
            json: None,
            data: None,
        }
    }

    fn written(&self, status: StatusCode) -> Response {
        let Ok(text) = self.render() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        let mut response = (status, Body::from(text)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        response
    }
}

fn base(app: &App) -> String {
    format!("/{}", app.settings().arcgis_context)
}

fn link(label: &str, href: String, extension: bool) -> Link {
    Link { label: label.to_owned(), href, extension }
}

/// How pages look.
pub fn style() -> Found {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    Found::Whole(Box::new((headers, STYLE).into_response()))
}

// ---------------------------------------------------------------- sessions

/// `__Host-` binds the cookie to this host and to TLS (RFC 6265bis section 4.1.3.2); plain HTTP cannot have it.
fn cookie_name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-certhold-directory" } else { "certhold-directory" }
}

/// The token of the directory's session.
pub fn cookie_of(headers: &HeaderMap, is_secure: bool) -> Option<String> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, text)| *name == cookie_name(is_secure) && !text.is_empty()).map(|(_, text)| text.to_owned())
}

/// The `Set-Cookie` of a session, which ends with the browser; without a token, the one that removes it.
fn set_cookie(app: &App, token: Option<&str>) -> HeaderValue {
    let secure = if app.is_secure() { "; Secure" } else { "" };
    let (name, age) = (cookie_name(app.is_secure()), if token.is_some() { "" } else { "; Max-Age=0" });
    let text = format!("{name}={}; Path=/{age}; HttpOnly; SameSite=Strict{secure}", token.unwrap_or_default());
    let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// Where somebody goes on after signing in: a page of this directory.
fn after(app: &App, call: &Call) -> String {
    let root = format!("{}/admin", base(app));
    let wanted = call.parameters.text("redirect").unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let fits = wanted.strip_prefix(&root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if fits && wanted.bytes().all(plain) { wanted.to_owned() } else { root }
}

fn see_other(to: &str) -> Response {
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

pub async fn login(app: &App, call: &Call) -> Answer<Found> {
    if call.format != Format::Html {
        return Err(Refused::details(
            400,
            "This is the sign-in of the directory's pages; programs get a token from generateToken.",
        ));
    }
    refuse_credentials_in_address(call).map_err(|refused| refused.to("sign in"))?;
    let text = |name: &str| call.parameters.text(name).unwrap_or_default().to_owned();
    let wanted = TokenWanted {
        name: text("username"),
        password: Password::from(text("password")),
        binding: Binding::Nothing,
        minutes: limits::SESSION_MS / 60_000,
    };
    let token = match sharing::token(app, call, wanted).await {
        Ok((token, _)) => token,
        Err(error) if sharing::is_ours(&error) => return Err(error.into()),
        Err(error) => return Err(Refused::details(400, sharing::not_signed_in(&error)).to("sign in")),
    };
    let mut response = see_other(&after(app, call));
    response.headers_mut().insert(header::SET_COOKIE, set_cookie(app, Some(token.expose_secret())));
    Ok(Found::Whole(Box::new(response)))
}

pub async fn logout(app: &App, call: &Call) -> Answer<Found> {
    let author = call.author(app).await?;
    let (hash, now) = (Credential::hash_of(call.token()), app.now());
    app.write(move |tx| people::end_bound_token(tx, &author, &hash, now)).await?;
    if call.format != Format::Html {
        return Ok(Found::Done);
    }
    let mut response = see_other(&format!("{}/admin/login", base(app)));
    response.headers_mut().insert(header::SET_COOKIE, set_cookie(app, None));
    Ok(Found::Whole(Box::new(response)))
}

// ---------------------------------------------------------------- pages

/// What was found, or refused, as a page.
pub async fn page(app: &App, line: &Line, call: &Call, result: Answer<Found>) -> Response {
    match result {
        Ok(Found::Whole(response)) => *response,
        Err(refused) if matches!(refused.code, 498 | 499) && call.method == axum::http::Method::GET => sign_in_first(app, call),
        Err(refused) => {
            let status = refused.status();
            let mut page = framed(app, call, heading(line.op, call)).await;
            page.form = forms::of(line.op, &Value::Null).filter(|_| !page.token.is_empty() || line.op == Op::Login);
            if let Some(form) = page.form.as_mut() {
                finish(app, form, call);
                form.refill(|name| call.parameters.typed(name));
            }
            page.refused = Some(refused);
            page.written(status)
        }
        Ok(found) => shown(app, line, call, found).await.written(StatusCode::OK),
    }
}

async fn shown(app: &App, line: &Line, call: &Call, found: Found) -> Page {
    let mut page = framed(app, call, heading(line.op, call)).await;
    let here = format!("{}{}", base(app), call.path);
    let below = |(label, path, extension): &(&str, &str, bool)| link(label, format!("{here}/{path}"), *extension);
    page.children = children(line.op).iter().map(below).collect();
    page.operations = operations(line.op).iter().map(below).collect();
    if call.method == axum::http::Method::GET && call.path.starts_with("/admin") {
        page.json = Some((format!("{here}?f=json"), format!("{here}?f=pjson")));
    }
    match found {
        Found::Certificates(certificates) => {
            let row = |certificate: &super::wire::Certificate| {
                let (subject, until) = certificate.summary();
                Row {
                    name: certificate.name().to_owned(),
                    href: format!("{here}/{}", certificate.entry.handle),
                    subject: subject.to_owned(),
                    until: until.to_owned(),
                }
            };
            page.rows = Some(certificates.iter().map(row).collect());
        }
        Found::Certificate(certificate) => {
            page.title = certificate.name().to_owned();
            page.properties = properties(&serde_json::to_value(&certificate).unwrap_or_default());
        }
        Found::Object(value) => page.properties = properties(&value),
        Found::Done | Found::Whole(_) => page.done = Some(link("Back", parent_of(app, line.op, call), false)),
    }
    page
}

/// A page with a form, for an operation.
pub async fn form(app: &App, line: &Line, call: &Call) -> Response {
    let open = matches!(line.op, Op::Login | Op::GenerateToken | Op::SignIn);
    let mut page = framed(app, call, heading(line.op, call)).await;
    if !open && page.token.is_empty() {
        return sign_in_first(app, call);
    }
    let known = match line.op {
        Op::IngressUpdate => ingress::assignment(app, call, Place::Listener).await.map(|found| ingress::ingress_object(&found)),
        Op::SamlUpdate => ingress::assignment(app, call, Place::Saml).await.map(|found| ingress::saml_object(&found)),
        _ => Ok(Value::Null),
    };
    match known {
        Ok(known) => {
            page.form = forms::of(line.op, &known);
            if let Some(form) = page.form.as_mut() {
                finish(app, form, call);
            }
            page.written(StatusCode::OK)
        }
        Err(refused) => {
            let status = refused.status();
            page.refused = Some(refused);
            page.written(status)
        }
    }
}

/// What every form needs beside its fields.
fn finish(app: &App, form: &mut Form, call: &Call) {
    form.action = format!("{}{}", base(app), call.path);
    if form.redirects {
        form.redirect = after(app, call);
    }
}

/// A refusal outside the table of addresses.
pub async fn refusal(app: &App, call: &Call, refused: &Refused) -> Response {
    let mut page = framed(app, call, "Not found".into()).await;
    page.refused = Some(refused.clone());
    page.written(refused.status())
}

/// A refusal of a request that could not even be read.
pub fn bare_refusal(app: &App, refused: &Refused) -> Response {
    let mut page = Page::new(app, "Refused");
    page.refused = Some(refused.clone());
    page.written(refused.status())
}

/// The page of the OAuth sign-in.
pub fn oauth_page(app: &App, data: &str, state: &str, expiration: &str, wrong: Option<&str>) -> Response {
    let mut page = Page::new(app, "Sign in");
    // Inside an element of HTML no `<` may stand; JSON has another way to write it.
    page.data = Some(data.replace('<', "\\u003c"));
    page.refused = wrong.map(|why| Refused::details(400, why).to("sign in"));
    let mut form = forms::sign_in();
    form.action = format!("{}/sharing/oauth2/signin", base(app));
    form.hidden = vec![("oauth_state", state.to_owned()), ("expiration", expiration.to_owned())];
    page.form = Some(form);
    page.written(StatusCode::OK)
}

fn sign_in_first(app: &App, call: &Call) -> Response {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("redirect", &format!("{}{}", base(app), call.path));
    see_other(&format!("{}/admin/login?{}", base(app), query.finish()))
}

/// A page with its surroundings: where it is, and who looks at it.
async fn framed(app: &App, call: &Call, title: String) -> Page {
    let mut page = Page::new(app, title);
    page.crumbs = crumbs(app, call);
    if let Ok(caller) = call.caller_to_show() {
        page.who = app.known(caller).await.ok().map(|known| known.actor.name.clone());
        page.token = page.who.as_ref().and(call.token_for_forms()).unwrap_or_default().to_owned();
    }
    page
}

fn crumbs(app: &App, call: &Call) -> Vec<Link> {
    let segments: Vec<&str> = call.path.split('/').filter(|segment| !segment.is_empty()).collect();
    if segments.first() != Some(&"admin") {
        return Vec::new();
    }
    let crumb = |place: usize| {
        let label = if place == 0 { "Home" } else { segments[place] };
        link(label, format!("{}/{}", base(app), segments[..=place].join("/")), false)
    };
    (0..segments.len().saturating_sub(1)).map(crumb).collect()
}

fn parent_of(app: &App, op: Op, call: &Call) -> String {
    // What is deleted has no page any more.
    let up = if matches!(op, Op::Delete(_)) { 2 } else { 1 };
    let segments: Vec<&str> = call.path.split('/').collect();
    let kept = segments.len().saturating_sub(up);
    format!("{}{}", base(app), segments[..kept].join("/"))
}

fn heading(op: Op, call: &Call) -> String {
    let text = match op {
        Op::Root => "Enterprise Administrator Directory",
        Op::Security => "Security",
        Op::Certificates => "Certificates",
        Op::List(Kind::Identity) => "Identity certificates",
        Op::List(Kind::Trust) => "Trust certificates",
        Op::Import(Kind::Identity) => "Import identity certificate",
        Op::Import(Kind::Trust) => "Import trust certificate",
        Op::One(_) => "Certificate",
        Op::Delete(_) => "Delete certificate",
        Op::Replace => "Replace certificate",
        Op::GenerateCsr => "Generate certificate signing request",
        Op::ImportSigned | Op::ReplaceSigned => "Import signed certificate",
        Op::Renewal => "Renewal",
        Op::RenewalUpdate => "Update renewal",
        Op::Usage(_) => "Usage",
        Op::Ingress => "Ingress",
        Op::IngressUpdate => "Update ingress security configuration",
        Op::Saml => "SAML",
        Op::SamlUpdate => "Update SAML configuration",
        Op::Login | Op::SignIn | Op::Authorize => "Sign in",
        Op::Logout => "Sign out",
        Op::GenerateToken => "Generate token",
        Op::Sharing | Op::Info | Op::PortalSelf | Op::CommunitySelf | Op::User | Op::Style => {
            return call.path.trim_start_matches('/').to_owned();
        }
    };
    text.to_owned()
}

/// Resources below one: label, path, whether the vendor does not have it.
fn children(op: Op) -> &'static [(&'static str, &'static str, bool)] {
    match op {
        Op::Root => &[("Security", "security", false)],
        Op::Security => &[("Certificates", "certificates", false), ("Ingress", "ingress", false), ("SAML", "saml", false)],
        Op::Certificates => &[("Identity certificates", "identity", false), ("Trust certificates", "trust", false)],
        Op::One(Kind::Identity) => &[("Usage", "usage", true), ("Renewal", "renewal", true)],
        Op::One(Kind::Trust) => &[("Usage", "usage", true)],
        _ => &[],
    }
}

/// Operations of a resource.
fn operations(op: Op) -> &'static [(&'static str, &'static str, bool)] {
    match op {
        Op::List(Kind::Identity) => &[
            ("Import identity certificate", "import", false),
            ("Generate certificate signing request", "generateCSR", true),
            ("Import signed certificate", "importSignedCertificate", true),
        ],
        Op::List(Kind::Trust) => &[("Import trust certificate", "import", false)],
        Op::One(Kind::Identity) => &[
            ("Delete certificate", "delete", false),
            ("Replace certificate", "replace", true),
            ("Import signed certificate", "importSignedCertificate", true),
        ],
        Op::One(Kind::Trust) => &[("Delete certificate", "delete", false)],
        Op::Ingress => &[("Update ingress security configuration", "update", false)],
        Op::Saml => &[("Update SAML configuration", "update", false)],
        Op::Renewal => &[("Update renewal", "update", true)],
        _ => &[],
    }
}

/// The members of an object as lines of a table.
fn properties(value: &Value) -> Vec<(String, Vec<String>)> {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".into(),
        other => other.to_string(),
    };
    let shown = |value: &Value| match value {
        Value::Array(values) => values.iter().map(plain).collect(),
        value => vec![plain(value)],
    };
    value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), shown(value))).collect()
}
