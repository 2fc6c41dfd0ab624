//! What handlers take: who asks, identifiers, parameters, bodies.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Path, RawQuery, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use certhold_domain::collections::Scope;
use certhold_domain::{Actor, CollectionId, ContainerId, Face, Result as DomainResult, RoleId, limits, ownership};
use certhold_store::Tx;
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::loose;
use super::refused::{Answer, Code, Refused};
use crate::auth::basic::{self, Credentials};
use crate::auth::{Caller as Presented, authorization};
use crate::in_process::Vouched;
use crate::middleware::Coordinates;
use crate::problem::Problem;
use crate::state::App;

/// Whoever reads: their credentials are checked in the transaction that reads for them.
pub struct Caller {
    app: App,
    presented: Presented,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Caller, Refused> {
        let at = Coordinates::from_request_parts(parts, app).await.map_err(Refused::from)?;
        let presented = match parts.extensions.get::<Vouched>() {
            Some(actor) => Presented::vouched(actor, at),
            None => presented(&parts.headers, app, at).await?,
        };
        Ok(Caller { app: app.clone(), presented })
    }
}

async fn presented(headers: &HeaderMap, app: &App, at: Coordinates) -> Answer<Presented> {
    let missing =
        || Refused::unauthenticated("Send credentials: Authorization: Bearer TOKEN, or Basic with a name and a password");
    let (scheme, text) = authorization(headers).ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Presented::bearing(app, text, Face::Keyfactor, at).await?);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(missing());
    }
    let wrong = || Refused::unauthenticated("The Authorization header must hold base64 of NAME:PASSWORD behind Basic");
    let given = Credentials::decode(text).ok_or_else(wrong)?;
    Ok(basic::recognise(app, Face::Keyfactor, given, at).await?)
}

impl Caller {
    /// Reads as this caller.
    ///
    /// # Errors
    /// No valid credentials, or what `work` refuses, with the caller's name.
    pub async fn read<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Tx<'_>, &Actor) -> DomainResult<T> + Send + 'static,
    ) -> Answer<T> {
        // A read leaves nothing behind, so a refusal need not undo anything.
        let named = move |tx: &mut Tx<'_>, actor: &Actor| Ok(work(tx, actor).map_err(|error| Refused::of(error, &actor.name)));
        self.app.read_as(self.presented, named).await?
    }

    /// Who they are.
    ///
    /// # Errors
    /// No valid credentials.
    pub async fn known(self) -> Answer<Author> {
        let known = self.app.known(self.presented).await?;
        Ok(Author { app: self.app, actor: known.actor })
    }
}

/// Whoever changes something: checked before the body is read.
#[derive(Clone)]
pub struct Author {
    /// The server.
    pub app: App,
    /// Who.
    pub actor: Arc<Actor>,
}

impl FromRequestParts<App> for Author {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Author, Refused> {
        Caller::from_request_parts(parts, app).await?.known().await
    }
}

impl Author {
    /// Changes something as this author, with the time now.
    ///
    /// # Errors
    /// What `work` refuses, with the author's name.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Tx<'_>, &Actor, i64) -> DomainResult<T> + Send + 'static,
    ) -> Answer<T> {
        let (actor, now) = (self.actor.clone(), self.app.now());
        self.refusing(self.app.write(move |tx| work(tx, &actor, now)).await)
    }

    /// [`Author::write`] in the lane for bulk work: a piece of at most [`limits::BULK_CHUNK`] rows.
    ///
    /// # Errors
    /// What `work` refuses, with the author's name.
    pub async fn write_bulk<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Tx<'_>, &Actor, i64) -> DomainResult<T> + Send + 'static,
    ) -> Answer<T> {
        let (actor, now) = (self.actor.clone(), self.app.now());
        self.refusing(self.app.write_bulk(move |tx| work(tx, &actor, now)).await)
    }

    /// Reads as this author.
    ///
    /// # Errors
    /// What `work` refuses, with the author's name.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>, &Actor) -> DomainResult<T> + Send + 'static,
    ) -> Answer<T> {
        let actor = self.actor.clone();
        self.refusing(self.app.read(move |tx| work(tx, &actor)).await)
    }

    /// The role that somebody names as an owner: by id or by name, where the id goes over the name; by neither, none.
    ///
    /// # Errors
    /// There is no role of this name, or none that this author may see.
    pub async fn owner_named(&self, id: Option<i64>, name: Option<String>) -> Answer<Option<RoleId>> {
        match (id, name.filter(|name| !name.trim().is_empty())) {
            (Some(id), _) => Ok(Some(RoleId(id))),
            (None, Some(name)) => self.read(move |tx, actor| ownership::named(tx, actor, &name)).await.map(Some),
            (None, None) => Ok(None),
        }
    }

    /// An outcome with this author's name in its refusal.
    ///
    /// # Errors
    /// The refusal.
    pub fn refusing<T>(&self, outcome: DomainResult<T>) -> Answer<T> {
        outcome.map_err(|error| Refused::of(error, &self.actor.name))
    }
}

const FORMAT: HeaderName = HeaderName::from_static("x-certificateformat");

/// The format that the header names, in any letter case.
///
/// # Errors
/// When it names none of the known ones.
pub fn certificate_format(headers: &HeaderMap, known: &[&'static str]) -> Answer<&'static str> {
    let sent = headers.get(FORMAT).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    known.iter().find(|known| known.eq_ignore_ascii_case(sent)).copied().ok_or_else(|| {
        let message = format!("Send the header x-certificateformat with one of {}", known.join(", "));
        Refused::new(StatusCode::BAD_REQUEST, Code::Format, message)
    })
}

/// The number in the path.
pub struct Id(pub i64);

impl FromRequestParts<App> for Id {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Id, Refused> {
        let Key(text) = Key::from_request_parts(parts, app).await?;
        let number = text.parse().map_err(|_| Refused::invalid("Id", "an identifier here is a whole number"))?;
        Ok(Id(number))
    }
}

/// The number or name in the path.
pub struct Key(pub String);

/// The number that a key of digits is; any other key is a name, also one with a sign.
pub fn numbered(key: &str) -> Option<i64> {
    key.parse().ok().filter(|_| key.bytes().all(|byte| byte.is_ascii_digit()))
}

impl FromRequestParts<App> for Key {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Key, Refused> {
        let Path(text) = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| Refused::malformed("The path is not UTF-8 behind its percent signs"))?;
        Ok(Key(text))
    }
}

/// Parameters after the `?`: names in any letter case, with any prefix (`pq.`, `query.` …). One without a value is one that was not
/// sent; unknown ones are left out.
pub struct Asked(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Asked, Infallible> {
        let RawQuery(query) = RawQuery::from_request_parts(parts, state).await?;
        Ok(Asked::of(&query.unwrap_or_default()))
    }
}

impl Asked {
    /// Reads what stands behind the `?`.
    pub fn of(query: &str) -> Asked {
        let pairs = form_urlencoded::parse(query.as_bytes());
        let plain = |name: &str| name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
        Asked(pairs.map(|(name, value)| (plain(&name), value.into_owned())).collect())
    }

    /// The same with some parameters under other names, in lower case.
    pub fn renamed(self, names: &[(&str, &str)]) -> Asked {
        let other = |name: String| names.iter().find(|(from, _)| *from == name).map(|(_, to)| (*to).to_owned()).unwrap_or(name);
        Asked(self.0.into_iter().map(|(name, value)| (other(name), value)).collect())
    }

    /// A text; `name` in lower case. Of several the first.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.trim().is_empty()).map(|(_, value)| value.as_str())
    }

    /// A whole number.
    ///
    /// # Errors
    /// When it is none.
    pub fn number(&self, name: &str) -> Answer<Option<i64>> {
        let wrong = |_| Refused::invalid(shown(name), "this parameter is a whole number");
        self.text(name).map(|text| text.trim().parse().map_err(wrong)).transpose()
    }

    /// A flag: `true`, `false`, `1` or `0`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn flag(&self, name: &str) -> Answer<bool> {
        match self.text(name).map(|text| text.trim().to_ascii_lowercase()).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(Refused::invalid(shown(name), "this parameter is true or false")),
        }
    }

    /// The collection or container through which the caller asks, now; 0 is none.
    ///
    /// # Errors
    /// When one of them is no number.
    pub fn scope(&self, now: i64) -> Answer<Scope> {
        let (collection, container) = self.places()?;
        Ok(Scope { container: container.filter(|_| collection.is_none()), ..Scope::of(collection, now) })
    }

    /// The collection and the container that are named.
    ///
    /// # Errors
    /// When one of them is no number.
    pub fn places(&self) -> Answer<(Option<CollectionId>, Option<ContainerId>)> {
        let some = |number: Option<i64>| number.filter(|number| *number != 0);
        Ok((some(self.number("collectionid")?).map(CollectionId), some(self.number("containerid")?).map(ContainerId)))
    }
}

/// A parameter's name as documentation spells it.
fn shown(name: &str) -> &str {
    const NAMES: &[&str] = &[
        "QueryString",
        "PageReturned",
        "ReturnLimit",
        "SkipCount",
        "SortField",
        "SortAscending",
        "IncludeRevoked",
        "IncludeExpired",
        "IncludeLocations",
        "IncludeMetadata",
        "IncludeHasPrivateKey",
        "CollectionId",
        "ContainerId",
        "CertificateId",
        "Force",
        "SortOrder",
    ];
    NAMES.iter().find(|known| known.eq_ignore_ascii_case(name)).copied().unwrap_or(name)
}

/// A JSON body, whatever its content type is called.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, app: &App) -> Result<Body<T>, Refused> {
        read(request, app.settings().body_bytes).await.map(Body)
    }
}

/// [`Body`] that may be as large as an import.
pub struct LargeBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for LargeBody<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, app: &App) -> Result<LargeBody<T>, Refused> {
        read(request, app.settings().import_bytes).await.map(LargeBody)
    }
}

async fn read<T: DeserializeOwned>(request: Request, limit: usize) -> Answer<T> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_form = content_type.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
    let bytes = match Limited::new(request.into_body(), limit).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => return Err(Problem::too_large(limit).into()),
        Err(_) => return Err(Refused::malformed("The body ended before it was complete")),
    };
    let read = if is_form { loose::read(form(&bytes)) } else { loose::parse(&bytes) };
    read.map_err(|wrong| Refused::malformed(format!("The body: {wrong}")))
}

/// A form as an object: one client sends the members of what it changes so. What stands twice is a list, `a[b]` the member `b` of an
/// object `a`, and what is empty was not sent. A form has no place for objects: the same client puts them in as Python prints them.
fn form(bytes: &[u8]) -> Value {
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(bytes).filter(|(_, value)| !value.is_empty()) {
        let value = printed(&value).unwrap_or_else(|| Value::String(value.into_owned()));
        let inner = name.split_once('[').and_then(|(outer, inner)| Some((outer, inner.strip_suffix(']')?)));
        if let Some((outer, inner)) = inner.filter(|(_, inner)| !inner.is_empty()) {
            let object = members.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(object) = object {
                object.insert(inner.to_owned(), value);
            }
            continue;
        }
        match members.get_mut(name.as_ref()) {
            None => drop(members.insert(name.into_owned(), value)),
            Some(Value::Array(items)) => items.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    Value::Object(members)
}

/// An object of texts as Python prints it: `{'Tier': '2', "Owner's": ''}`. `None` when it is none.
fn printed(text: &str) -> Option<Value> {
    let mut rest = text.strip_prefix('{')?.strip_suffix('}')?.trim();
    let mut members = Map::new();
    while !rest.is_empty() {
        let (name, after) = printed_text(rest)?;
        let (value, after) = printed_text(after.trim_start().strip_prefix(':')?.trim_start())?;
        members.insert(name, Value::String(value));
        let after = after.trim_start();
        rest = if after.is_empty() { after } else { after.strip_prefix(',')?.trim_start() };
    }
    Some(Value::Object(members))
}

/// A text in quotation marks of either kind, with the escapes that Python writes, and what stands behind it.
fn printed_text(text: &str) -> Option<(String, &str)> {
    let mark = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut characters = text.char_indices().skip(1);
    let mut out = String::new();
    while let Some((at, character)) = characters.next() {
        match character {
            _ if character == mark => return Some((out, text.get(at + 1..)?)),
            '\\' => {
                let (_, escaped) = characters.next()?;
                let digits = match escaped {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                let code: String = characters.by_ref().take(digits).map(|(_, digit)| digit).collect();
                out.push(match escaped {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '\\' | '\'' | '"' => escaped,
                    _ => char::from_u32(u32::from_str_radix(&code, 16).ok()?)?,
                });
            }
            _ => out.push(character),
        }
    }
    None
}

/// How many ids a request may name.
///
/// # Errors
/// When there are more.
pub fn bounded<T>(name: &str, items: &[T]) -> Answer<()> {
    match items.len() {
        0 => Err(Refused::invalid(name, "name at least one")),
        1..=limits::PAGE_ROWS => Ok(()),
        _ => Err(Refused::invalid(name, format!("name at most {}", limits::PAGE_ROWS))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_prefix_and_their_case() {
        let asked =
            Asked::of("pq.queryString=IssuedCN+-eq+%22x%22&ReturnLimit=&query.pageReturned=2&INCLUDEREVOKED=True&a=%C3%A9");
        assert_eq!(asked.text("querystring"), Some("IssuedCN -eq \"x\""));
        assert_eq!(asked.number("returnlimit").unwrap(), None, "an empty value is none");
        assert_eq!(asked.number("pagereturned").unwrap(), Some(2));
        assert!(asked.flag("includerevoked").unwrap());
        assert_eq!(asked.text("a"), Some("é"));
        assert_eq!(asked.text("sortfield"), None);
    }

    #[test]
    fn forms_are_objects() {
        let read = form(b"Id=7&Name=Web+Ops&Query=&Metadata[Tier]=1&Ids=1&Ids=2&Ids=3");
        assert_eq!(
            read,
            serde_json::json!({ "Id": "7", "Name": "Web Ops", "Metadata": { "Tier": "1" }, "Ids": ["1", "2", "3"] })
        );
        assert_eq!(form(b""), serde_json::json!({}));
        // What Python prints of {"a": "x", "it's": 'say "hi"', "b": "\\ \n\x07, :", "c": ""}.
        let printed = form(b"Id=7&M=%7B%27a%27%3A+%27x%27%2C+%22it%27s%22%3A+%27say+%22hi%22%27%2C+%27b%27%3A+%27%5C%5C+%5Cn%5Cx07%2C+%3A%27%2C+%27c%27%3A+%27%27%7D");
        let members = serde_json::json!({ "a": "x", "it's": "say \"hi\"", "b": "\\ \n\u{7}, :", "c": "" });
        assert_eq!(printed, serde_json::json!({ "Id": "7", "M": members }));
        for text in ["{a}", "{'a': 1}", "{'a' 'b'}", "{'a': 'b'", "{'a': '\\u00'}", "{'a': 'b' 'c': 'd'}", "{'a"] {
            assert_eq!(printed_text_only(text), Value::String(text.to_owned()), "{text}");
        }
    }

    fn printed_text_only(text: &str) -> Value {
        form(form_urlencoded::Serializer::new(String::new()).append_pair("M", text).finish().as_bytes())["M"].clone()
    }

    #[test]
    fn a_collection_goes_over_a_container_and_nought_is_none() {
        let scope = |query: &str| {
            let scope = Asked::of(query).scope(7).unwrap();
            (scope.collection.map(|id| id.0), scope.container.map(|id| id.0))
        };
        assert_eq!(scope(""), (None, None));
        assert_eq!(scope("collectionId=0&containerId=0"), (None, None));
        assert_eq!(scope("CollectionId=5&ContainerId=4"), (Some(5), None));
        assert_eq!(scope("collectionId=0&containerId=4"), (None, Some(4)));
        assert!(Asked::of("collectionId=x").scope(7).is_err());
        assert!(Asked::of("IncludeRevoked=perhaps").flag("includerevoked").is_err());
    }
}
