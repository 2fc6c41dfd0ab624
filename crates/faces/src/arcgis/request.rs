//! What a request says: its parameters, from the address and the body; its format; and the token, wherever it was put.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use certhold_domain::people::Shown;
use certhold_domain::{Actor, Face, Refusal};
use http_body_util::{BodyExt, Limited};
use tokio::sync::Semaphore;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::answer::{Answer, Refused};
use crate::auth::{Caller, authorization};
use crate::middleware::Coordinates;
use crate::state::App;

/// The most parameters of one request.
const PARAMETERS_MAX: usize = 64;

/// In which format an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For programs.
    Json,
    /// For people who read JSON.
    Pretty,
    /// A page of the directory.
    Html,
}

/// Where a parameter stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Query,
    Body,
}

/// One parameter.
struct Parameter {
    name: String,
    value: Zeroizing<Vec<u8>>,
    place: Place,
}

/// All parameters of a request.
#[derive(Default)]
pub struct Parameters(Vec<Parameter>);

impl Parameters {
    /// The text of a parameter; what stands in the body goes over the address. Empty ones are there.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.bytes(name).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The octets of a parameter.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.find(name, Place::Body).or_else(|| self.find(name, Place::Query))
    }

    fn find(&self, name: &str, place: Place) -> Option<&[u8]> {
        let found = self.0.iter().find(|known| known.name == name && known.place == place);
        found.map(|known| known.value.as_slice())
    }

    /// A parameter that must be there and be text, with the sentence that says so.
    pub fn required(&self, name: &str) -> Answer<&str> {
        match self.bytes(name) {
            Some(bytes) if !bytes.is_empty() => {
                std::str::from_utf8(bytes).map_err(|_| Refused::details(400, format!("'{name}' is not text in UTF-8.")))
            }
            _ => Err(Refused::missing(name)),
        }
    }

    /// A file that must be there.
    pub fn file(&self, name: &str) -> Answer<Zeroizing<Vec<u8>>> {
        let found = self.find(name, Place::Body).filter(|bytes| !bytes.is_empty());
        found.map(|bytes| Zeroizing::new(bytes.to_vec())).ok_or_else(|| Refused::missing(name))
    }

    /// What was typed into a field of a form.
    pub fn typed(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.find(name, Place::Body)?).ok()
    }

    /// Whether a parameter stands in the address.
    pub fn in_query(&self, name: &str) -> bool {
        self.find(name, Place::Query).is_some()
    }

    /// Whether it is set to something that means yes.
    pub fn is_true(&self, name: &str) -> Answer<Option<bool>> {
        let text = self.text(name).unwrap_or_default();
        match text.to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "true" | "on" | "1" => Ok(Some(true)),
            "false" | "off" | "0" => Ok(Some(false)),
            _ => Err(Refused::details(400, format!("'{name}' must be true or false."))),
        }
    }

    fn push(&mut self, name: String, value: Vec<u8>, place: Place) -> Answer<()> {
        if self.0.len() >= PARAMETERS_MAX {
            return Err(Refused::details(400, format!("A request has at most {PARAMETERS_MAX} parameters.")));
        }
        self.0.push(Parameter { name, value: Zeroizing::new(value), place });
        Ok(())
    }

    fn take_form(&mut self, form: &[u8], place: Place) -> Answer<()> {
        for (name, value) in form_urlencoded::parse(form) {
            self.push(name.into_owned(), value.into_owned().into_bytes(), place)?;
        }
        Ok(())
    }

    /// Reads address and body. The types of parts, their order and their file names are of no account.
    pub async fn read(query: &str, content_type: &str, body: Bytes) -> Answer<Parameters> {
        let mut all = Parameters::default();
        all.take_form(query.as_bytes(), Place::Query)?;
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "multipart/form-data" => all.take_multipart(content_type, body).await?,
            "" | "application/x-www-form-urlencoded" => all.take_form(&body, Place::Body)?,
            _ if body.is_empty() => {}
            _ => {
                let why = format!(
                    "A body of the type {:?} is not understood: send a form.",
                    kind.chars().take(100).collect::<String>()
                );
                return Err(Refused::details(400, why));
            }
        }
        Ok(all)
    }

    async fn take_multipart(&mut self, content_type: &str, body: Bytes) -> Answer<()> {
        let broken =
            |_| Refused::details(400, "The multipart form cannot be read: it is cut off, or its boundary is another one.");
        let request = Request::builder().header(header::CONTENT_TYPE, content_type).body(axum::body::Body::from(body));
        let request = request.map_err(|_| Refused::details(400, "The type of the body cannot be read."))?;
        let form = Multipart::from_request(request, &()).await;
        let mut form = form.map_err(|_| Refused::details(400, "The multipart form names no boundary."))?;
        while let Some(part) = form.next_field().await.map_err(broken)? {
            let Some(name) = part.name().map(str::to_owned) else {
                return Err(Refused::details(400, "A part of the multipart form has no name."));
            };
            let value = part.bytes().await.map_err(broken)?;
            self.push(name, value.to_vec(), Place::Body)?;
        }
        Ok(())
    }
}

/// A token that was found in a request.
struct Token {
    text: Zeroizing<String>,
    /// In `Authorization` or `X-Esri-Authorization`.
    in_header: bool,
    /// In a header or in the body: where no page of another site can put it without knowing it.
    deliberate: bool,
    /// In the address: where a link of anybody's can put a token of theirs.
    in_address: bool,
}

/// A request, read to its end.
pub struct Call {
    /// The method, HEAD as GET.
    pub method: Method,
    /// What the address names: the identifier of an entry, a person's name.
    pub subject: String,
    /// The path below the root, without a slash at its end.
    pub path: String,
    /// The format to answer in.
    pub format: Format,
    /// The parameters.
    pub parameters: Parameters,
    /// The headers.
    pub headers: HeaderMap,
    /// Where it came from.
    pub at: Coordinates,
    token: Option<Token>,
}

/// Another header for tokens, which the web servers of some sites do not keep for themselves.
const X_ESRI_AUTHORIZATION: HeaderName = HeaderName::from_static("x-esri-authorization");

impl Call {
    /// Reads a request with a body of at most `limit` octets. A refusal comes with the format to tell it in.
    pub async fn read(request: Request, limit: usize, is_secure: bool) -> Result<Call, (Format, Refused)> {
        Call::read_in_turn(request, limit, is_secure, None).await
    }

    /// The same, where a body of more than so many octets waits for a turn before more of it is read.
    pub async fn read_in_turn(request: Request, limit: usize, is_secure: bool, turns: Turns) -> Result<Call, (Format, Refused)> {
        let (parts, body) = request.into_parts();
        let Parts { method, uri, headers, extensions, .. } = parts;
        let query = uri.query().unwrap_or_default();
        let early = early_format(query, &headers);
        let told = |refused| (early, refused);
        let Some(at) = extensions.get::<Coordinates>().cloned() else {
            return Err(told(Refused::details(500, "The request has no coordinates.")));
        };
        let body = collected(body, limit, turns).await.map_err(told)?;
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let parameters = Parameters::read(query, content_type, body).await.map_err(told)?;
        let format = format_of(&parameters).map_err(|refused| (Format::Json, refused))?;
        let token = find_token(&headers, &parameters, is_secure);
        let path = uri.path().trim_end_matches('/').to_owned();
        let method = if method == Method::HEAD { Method::GET } else { method };
        Ok(Call { method, subject: String::new(), path, format, parameters, headers, at, token })
    }

    /// Whoever shows a token in a header of a request that is not read yet.
    pub fn caller_by_headers(request: &Request) -> Option<Caller> {
        let token = token_in_headers(request.headers())?;
        let at = request.extensions().get::<Coordinates>().cloned()?;
        let shown = Shown { referer: referer(request.headers()), address: peer(&at).to_owned(), in_header: true };
        Caller::bound(&token.text, shown, Face::ArcGis, at)
    }

    /// Whoever asks, to be checked in the transaction that reads for them.
    ///
    /// # Errors
    /// 499 without a token, or where one does not count; 498 with one that cannot be one.
    pub fn caller(&self) -> Answer<Caller> {
        let Some(token) = &self.token else { return Err(Refused::token_required()) };
        if self.method == Method::POST && !token.deliberate {
            return Err(Refused::token_required());
        }
        Caller::bound(&token.text, self.shown(token), Face::ArcGis, self.at.clone()).ok_or_else(Refused::invalid_token)
    }

    /// Whoever looks at a page, by whatever token: to be greeted, and for nothing else.
    ///
    /// # Errors
    /// Without a token that could be one.
    pub fn caller_to_show(&self) -> Answer<Caller> {
        let token = self.token.as_ref().ok_or_else(Refused::token_required)?;
        Caller::bound(&token.text, self.shown(token), Face::ArcGis, self.at.clone()).ok_or_else(Refused::invalid_token)
    }

    fn shown(&self, token: &Token) -> Shown {
        Shown { referer: referer(&self.headers), address: self.address().to_owned(), in_header: token.in_header }
    }

    /// Whether there is a token, whatever it is worth.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The token itself, for ending it.
    pub fn token(&self) -> &str {
        self.token.as_ref().map_or("", |token| token.text.as_str())
    }

    /// The token for forms that send it back; none that a link brought: nobody fills in a form for whoever made the link.
    pub fn token_for_forms(&self) -> Option<&str> {
        self.token.as_ref().filter(|token| !token.in_address).map(|token| token.text.as_str())
    }

    /// The peer's address, without what proxies say of it.
    pub fn address(&self) -> &str {
        peer(&self.at)
    }

    /// Whoever is signing in.
    pub fn anonymous(&self) -> Actor {
        Actor::anonymous(Face::ArcGis, "anonymous", &self.at.request.to_string(), self.at.address.as_str())
    }

    /// Somebody whose token counts, for a change.
    ///
    /// # Errors
    /// As [`Call::caller`], and 498 when the token does not count.
    pub async fn author(&self, app: &App) -> Answer<std::sync::Arc<Actor>> {
        Ok(app.known(self.caller()?).await?.actor)
    }
}

fn referer(headers: &HeaderMap) -> Option<String> {
    headers.get(header::REFERER).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The peer's address, without what proxies say of it.
fn peer(at: &Coordinates) -> &str {
    at.address.as_str().split(' ').next().unwrap_or_default()
}

/// From how many octets on a body waits, and for what.
pub type Turns = Option<(usize, &'static Semaphore)>;

/// What is read and thrown away of a body that is too long: a client that still sends would not see the answer.
const DRAINED_BYTES: usize = 32 * 1024 * 1024;
const DRAINED_TIME: Duration = Duration::from_secs(10);

/// The whole body.
async fn collected(mut body: Body, limit: usize, turns: Turns) -> Answer<Bytes> {
    let unread = || Refused::details(400, format!("The body was cut off, or has more than {limit} octets, the limit."));
    let mut read: Vec<u8> = Vec::new();
    let mut turn = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| unread())?.into_data() else { continue };
        if read.len() + data.len() > limit {
            drop((read, turn));
            // How that ends does not matter.
            let _ = tokio::time::timeout(DRAINED_TIME, Limited::new(body, DRAINED_BYTES).collect()).await;
            return Err(unread());
        }
        read.extend_from_slice(&data);
        if let Some((_, turns)) = turns.filter(|(short, _)| read.len() > *short && turn.is_none()) {
            turn = Some(turns.acquire().await.map_err(|_| Refusal::Busy)?);
        }
    }
    Ok(Bytes::from(read))
}

/// The format for a request whose body cannot be read, where most programs say `f`: a page only for who asks for pages.
pub fn early_format(query: &str, headers: &HeaderMap) -> Format {
    let mut found = Parameters::default();
    if let Some((_, value)) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "f") {
        // One parameter is not too many.
        let _ = found.push("f".into(), value.into_owned().into_bytes(), Place::Query);
        return format_of(&found).unwrap_or(Format::Json);
    }
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") { Format::Html } else { Format::Json }
}

fn format_of(parameters: &Parameters) -> Answer<Format> {
    match parameters.text("f").unwrap_or("html") {
        "json" => Ok(Format::Json),
        "pjson" => Ok(Format::Pretty),
        "html" | "" => Ok(Format::Html),
        other => {
            let shown: String = other.chars().take(40).collect();
            Err(Refused::details(400, format!("The format {shown:?} is not one of html, json, pjson.")))
        }
    }
}

/// The token in a header for it.
fn token_in_headers(headers: &HeaderMap) -> Option<Token> {
    let esri = headers.get(X_ESRI_AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.split_once(' '));
    let bearer = |(scheme, text): (&str, &str)| scheme.eq_ignore_ascii_case("bearer").then(|| text.trim().to_owned());
    let text = esri.and_then(bearer).or_else(|| authorization(headers).and_then(bearer))?;
    Some(Token { text: Zeroizing::new(text), in_header: true, deliberate: true, in_address: false })
}

/// The token: in a header, else in the body, else in the address, else in the directory's cookie.
fn find_token(headers: &HeaderMap, parameters: &Parameters, is_secure: bool) -> Option<Token> {
    if let Some(token) = token_in_headers(headers) {
        return Some(token);
    }
    let of =
        |text: String, deliberate, in_address| Token { text: Zeroizing::new(text), in_header: false, deliberate, in_address };
    let parameter = |place| {
        let bytes = parameters.find("token", place).filter(|bytes| !bytes.is_empty())?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    if let Some(text) = parameter(Place::Body) {
        return Some(of(text, true, false));
    }
    if let Some(text) = parameter(Place::Query) {
        return Some(of(text, false, true));
    }
    super::directory::cookie_of(headers, is_secure).map(|text| of(text, false, false))
}

/// A refusal of the domain about a value, under the name of this API's parameter.
pub fn spelled(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Invalid { field, message } => {
            let field = match field {
                "name" => "certificateName",
                "identity" => "identityCertificateName",
                "protocols" => "httpsProtocols",
                "cipher_suites" => "cipherSuites",
                "names" => "subjectAlternativeNames",
                "dns_provider" => "dnsProvider",
                other => other,
            };
            Refusal::Invalid { field, message }
        }
        other => other,
    }
}
