//! `/api/docs/…/try/{operation}`: an operation called from its description, for the reader or with a token.
//!
//! The faces for programs take no cookies, so that no other site's page can act through a browser. Here the page's own form is sent, with
//! its proof that it is ours, and this program calls the API for whoever the session belongs to: with their rights and no others.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use url::form_urlencoded;

use super::api_docs::{Described, KEYFACTOR, NATIVE};
use crate::in_process::ask_within;
use crate::middleware::Coordinates;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::Sent;
use crate::web::view::api_docs::ApiOperation;
use crate::web::view::api_docs::tried::{TriedAnswer, TryField, TryPage};
use crate::web::view::form::{Input, SecretInput};
use crate::web::view::frame::{Section, Viewer};
use crate::web::visit::Visit;
use crate::{keyfactor, native};

/// Bytes of an answer that are shown.
const SHOWN_BYTES: usize = 256 * 1024;
/// Levels of an answer that are indented.
const DEPTH_MAX: usize = 64;
/// Headers that are the connection's or the credentials', and so are not typed in.
const NOT_TYPED: [HeaderName; 8] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::FORWARDED,
    header::UPGRADE,
];

pub async fn show_native(visit: Visit, Path(operation): Path<String>) -> Result<Response, Refused> {
    show(visit, &NATIVE, &operation).await
}

pub async fn show_keyfactor(visit: Visit, Path(operation): Path<String>) -> Result<Response, Refused> {
    show(visit, &KEYFACTOR, &operation).await
}

pub async fn call_native(at: Coordinates, Path(operation): Path<String>, sent: Sent) -> Result<Response, Refused> {
    let api = native::router(&sent.author.visit.app).with_state(sent.author.visit.app.clone());
    call(at, api, sent, &NATIVE, &operation).await
}

pub async fn call_keyfactor(at: Coordinates, Path(operation): Path<String>, sent: Sent) -> Result<Response, Refused> {
    let app: App = sent.author.visit.app.clone();
    let api = keyfactor::router(&app).with_state(app);
    call(at, api, sent, &KEYFACTOR, &operation).await
}

fn find<'a>(api: &'a Described, anchor: &str) -> Option<&'a ApiOperation> {
    api.document.groups.iter().flat_map(|group| &group.operations).find(|operation| operation.anchor == anchor)
}

fn absent(anchor: &str) -> certhold_domain::Refusal {
    certhold_domain::Refusal::not_found("operation", anchor)
}

async fn show(visit: Visit, api: &Described, anchor: &str) -> Result<Response, Refused> {
    let (viewer, ()) = visit.read(|_, _| Ok(())).await?;
    let Some(operation) = find(api, anchor) else { return Err(visit.refused(Some(viewer), absent(anchor))) };
    let fresh = Fields::of(vec![("headers".into(), api.headers.into())]);
    visit.ok(&page(&visit, viewer, api, operation, &fresh, None, None))
}

/// Whether what is sent to an operation may be a secret, which no page repeats.
fn holds_secrets(operation: &ApiOperation) -> bool {
    // Passwords of people, of key files and of stores, and what is handed to authorities and DNS providers.
    const SECRET: [&str; 13] = [
        "session",
        "password",
        "token",
        "principals",
        "certificates",
        "store",
        "dns-providers",
        "issuers",
        "authorities",
        "enrol",
        "key-requests",
        "private-key",
        "secret",
    ];
    let path = operation.path.to_ascii_lowercase();
    SECRET.iter().any(|word| path.contains(word))
}

/// The name of the field of a parameter; parameters themselves may be called anything.
fn slug(place: usize) -> String {
    format!("parameter-{place}")
}

fn page(
    visit: &Visit,
    viewer: Viewer,
    api: &Described,
    operation: &ApiOperation,
    filled: &Fields,
    error: Option<String>,
    answer: Option<TriedAnswer>,
) -> TryPage {
    let field = |(place, parameter): (usize, &crate::web::view::api_docs::ApiParameter)| TryField {
        input: Input::of(filled.text(&slug(place))),
        slug: slug(place),
        name: parameter.name.clone(),
        help: [format!("In the {}.", parameter.place), parameter.description.clone()].join(" ").trim().to_owned(),
        is_required: parameter.is_required,
    };
    TryPage {
        frame: visit.frame(format!("{} {}", operation.method, operation.path), Section::Api, viewer).below(api.title, api.page),
        action: format!("{}/try/{}", api.page, operation.anchor),
        back: format!("{}#{}", api.page, operation.anchor),
        fields: operation.parameters.iter().enumerate().map(field).collect(),
        headers: Input::of(filled.text("headers")),
        body: operation.body.as_ref().map(|_| Input::of(if holds_secrets(operation) { "" } else { filled.text("body") })),
        token: SecretInput::default(),
        operation: operation.clone(),
        error,
        answer,
    }
}

async fn call(at: Coordinates, api: Router, sent: Sent, described: &Described, anchor: &str) -> Result<Response, Refused> {
    let (author, fields) = (&sent.author, &sent.fields);
    let Some(operation) = find(described, anchor) else { return Err(author.refused(absent(anchor))) };
    let page = |error, answer| page(&author.visit, author.viewer(), described, operation, fields, error, answer);
    let request = match request(described, operation, fields) {
        Ok(request) => request,
        Err(wrong) => return Ok(author.visit.page(StatusCode::UNPROCESSABLE_ENTITY, &page(Some(wrong), None))),
    };
    let asked = format!("{} {}", request.method(), request.uri());
    let actor = request.headers().get(header::AUTHORIZATION).is_none().then(|| author.actor.clone());
    let answer = ask_within(api, at, actor, request).await;
    Ok(author.visit.page(StatusCode::OK, &page(None, Some(told(asked, answer).await))))
}

/// The request that a form asks for, or what is wrong with it.
fn request(api: &Described, operation: &ApiOperation, fields: &Fields) -> Result<Request<Body>, String> {
    let mut path = format!("{}{}", api.server, operation.path);
    let mut query = form_urlencoded::Serializer::new(String::new());
    let mut typed: Vec<(String, String)> = Vec::new();
    let mut has_query = false;
    for (place, parameter) in operation.parameters.iter().enumerate() {
        let value = fields.text(&slug(place)).trim();
        match parameter.place.as_str() {
            "path" if value.is_empty() => return Err(format!("{} stands in the path: fill it in.", parameter.name)),
            "path" => path = path.replace(&format!("{{{}}}", parameter.name), &segment(value)),
            _ if value.is_empty() => {}
            "header" => typed.push((parameter.name.clone(), value.to_owned())),
            _ => {
                query.append_pair(&parameter.name, value);
                has_query = true;
            }
        }
    }
    if has_query {
        path = format!("{path}?{}", query.finish());
    }
    for line in fields.lines("headers") {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("“{line}” is no header: write name: value."))?;
        typed.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    let method = Method::from_bytes(operation.method.as_bytes()).map_err(|_| "This method cannot be called.".to_owned())?;
    let body = fields.text("body").trim();
    let has_body = operation.body.is_some() && !body.is_empty();
    let content = if has_body { Bytes::from(body.to_owned()) } else { Bytes::new() };
    let mut request = Request::builder()
        .method(method)
        .uri(&path)
        .body(Body::from(content))
        .map_err(|_| "This makes no address.".to_owned())?;
    if has_body {
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in typed {
        let wrong = || format!("“{name}” cannot be sent as a header.");
        let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        if NOT_TYPED.contains(&known) || known.as_str().starts_with("x-forwarded-") {
            return Err(format!(
                "{known} is not typed in: credentials have a field of their own, and the rest is the connection's."
            ));
        }
        request.headers_mut().insert(known, HeaderValue::from_str(&value).map_err(|_| wrong())?);
    }
    let token = fields.text("token").trim();
    if !token.is_empty() {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| "This is no token.".to_owned())?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    Ok(request)
}

/// A value as one segment of a path: everything but unreserved characters encoded (RFC 3986 section 2.3).
fn segment(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    // `.` and `..` would be other segments.
    let all = value.bytes().all(|byte| byte == b'.');
    value.bytes().map(|byte| if plain(byte) && !all { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

async fn told(asked: String, answer: Response) -> TriedAnswer {
    let status = answer.status();
    let shown = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), shown(value))).collect();
    let mut body = answer.into_body();
    let (mut bytes, mut note) = (Vec::new(), String::new());
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            "The answer broke off.".clone_into(&mut note);
            break;
        };
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
        if bytes.len() > SHOWN_BYTES {
            bytes.truncate(SHOWN_BYTES);
            note = format!("Only the first {SHOWN_BYTES} bytes are shown.");
            break;
        }
    }
    let body = match String::from_utf8(bytes) {
        Ok(text) => indented(text),
        Err(binary) if note.is_empty() => {
            note = format!("{} bytes that are no text.", binary.as_bytes().len());
            String::new()
        }
        Err(binary) => String::from_utf8_lossy(binary.as_bytes()).into_owned(),
    };
    let reason = status.canonical_reason().unwrap_or_default().to_owned();
    TriedAnswer { asked, status: status.as_u16(), reason, headers, body, note }
}

/// JSON with its members as they came, one a line; any other text as it is.
fn indented(text: String) -> String {
    if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err() {
        return text;
    }
    let (mut out, mut depth, mut quoted, mut escaped) = (String::with_capacity(text.len() * 2), 0_usize, false, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if quoted {
            out.push(character);
            quoted = escaped || character != '"';
            escaped = character == '\\' && !escaped;
            continue;
        }
        match character {
            '{' | '[' => {
                out.push(character);
                while rest.next_if(char::is_ascii_whitespace).is_some() {}
                if !matches!(rest.peek(), Some('}' | ']')) {
                    depth += 1;
                    // A line that is indented so far is read by nobody, and thousands of them are more than was answered.
                    if depth > DEPTH_MAX {
                        return text;
                    }
                    line(&mut out, depth);
                } else if let Some(end) = rest.next() {
                    out.push(end);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(',');
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            ' ' | '\t' | '\n' | '\r' => {}
            '"' => {
                quoted = true;
                out.push('"');
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(anchor: &str, fields: &[(&str, &str)]) -> Result<String, String> {
        let fields = Fields::of(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
        let request = request(&KEYFACTOR, find(&KEYFACTOR, anchor).unwrap(), &fields)?;
        Ok(format!("{} {}", request.method(), request.uri()))
    }

    #[test]
    fn json_keeps_its_order() {
        let text = r#"{"b":[1,{"a":"x,{\"y\":\\"},[ ],{}],"a":null}"#;
        let shown =
            "{\n  \"b\": [\n    1,\n    {\n      \"a\": \"x,{\\\"y\\\":\\\\\"\n    },\n    [],\n    {}\n  ],\n  \"a\": null\n}";
        assert_eq!(indented(text.to_owned()), shown);
        for other in ["", "no, JSON: {", "17", "\"a,b\""] {
            assert_eq!(indented(other.to_owned()), other);
        }
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(indented(nested(DEPTH_MAX)).lines().count(), 2 * DEPTH_MAX + 1);
        assert_eq!(indented(nested(DEPTH_MAX + 1)), nested(DEPTH_MAX + 1));
    }

    #[test]
    fn secrets_are_not_put_back_into_the_page() {
        let all = || [&NATIVE, &KEYFACTOR].into_iter().flat_map(|api| &api.document.groups).flat_map(|group| &group.operations);
        let holding = |path: &str| {
            let mut found = all().filter(|operation| operation.path.ends_with(path)).peekable();
            assert!(found.peek().is_some(), "{path}");
            found.all(holds_secrets)
        };
        for path in
            ["/sessions", "/password", "/tokens", "/principals", "/Certificates/Import", "/Enrollment/PFX", "/dns-providers"]
        {
            assert!(holding(path), "{path}");
        }
        assert!(!holding("/roles") && !holding("/Security/Roles"));
    }

    #[test]
    fn a_form_becomes_a_request() {
        let one = "op-get-security-claims-id";
        assert_eq!(made(one, &[("parameter-0", "7")]).unwrap(), "GET /KeyfactorAPI/Security/Claims/7");
        assert_eq!(
            made(one, &[("parameter-0", "../x?y#z/é")]).unwrap(),
            "GET /KeyfactorAPI/Security/Claims/..%2Fx%3Fy%23z%2F%C3%A9"
        );
        assert_eq!(made(one, &[("parameter-0", "..")]).unwrap(), "GET /KeyfactorAPI/Security/Claims/%2E%2E");
        assert!(made(one, &[]).is_err());
        let list = "op-get-security-claims";
        assert_eq!(made(list, &[]).unwrap(), "GET /KeyfactorAPI/Security/Claims");
        let query = r#"ClaimValue -eq "a&b""#;
        assert_eq!(
            made(list, &[("parameter-0", query)]).unwrap(),
            "GET /KeyfactorAPI/Security/Claims?QueryString=ClaimValue+-eq+%22a%26b%22"
        );
        for wrong in
            ["no header", "Authorization: Bearer x", "cookie: a=b", "x-forwarded-for: 1.2.3.4", "a b: c", "host: x", "x: \u{1}"]
        {
            assert!(made(list, &[("headers", wrong)]).is_err(), "{wrong}");
        }
        assert!(made(list, &[("headers", "x-keyfactor-api-version: 2")]).is_ok());
        assert!(made(list, &[("token", "a\u{1}b")]).is_err());
    }
}
