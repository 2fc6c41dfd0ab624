//! What handlers take: identifiers, parameters and bodies, each refused with a problem that says what is wrong.

use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::state::App;

/// The identifier (or identifiers) in the path.
pub struct Id<T = i64>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Id<T>, Problem> {
        let Path(id) = Path::<T>::from_request_parts(parts, app).await.map_err(|rejection| match rejection {
            PathRejection::FailedToDeserializePathParams(_) => Problem::invalid("id", "an identifier is a whole number"),
            _ => Problem::internal(),
        })?;
        Ok(Id(id))
    }
}

/// Parameters after the `?`; unknown ones are refused.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Query<T>, Problem> {
        let parsed = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        parsed.map(|query| Query(query.0)).map_err(|error| {
            let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            Problem::malformed(format!("the parameters after the '?': {}", without_values(&cause)))
        })
    }
}

/// A JSON body of the declared type and size, without unknown fields.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Json<T>, Problem> {
        if media_type(request.headers()) != Some("application/json") {
            return Err(unsupported("application/json"));
        }
        let bytes = body(request, app.settings().body_bytes).await?;
        parse_json(&bytes).map(Json)
    }
}

/// Parses JSON; nesting is bounded by the parser (128 levels).
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| Problem::malformed(format!("the JSON body: {}", without_values(&error))))
}

/// A content type that this operation does not take.
pub fn unsupported(wanted: &str) -> Problem {
    let detail = format!("send the body with Content-Type: {wanted}");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported content type", detail)
}

/// The media type of the body, without parameters, if it is written in lower case as everybody does, else `None`.
pub fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

/// Reads a whole body of at most `limit` bytes.
pub async fn body(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(Problem::too_large(limit));
    }
    collect(request.into_body(), limit).await
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large(limit)),
        Err(_) => Err(Problem::malformed("the body ended before it was complete")),
    }
}

/// An error's words without the names of our types: `struct NewOwner` is an object to whoever sent it.
fn without_types(text: &str) -> String {
    let mut told: Vec<&str> = Vec::new();
    let mut words = text.split(' ');
    while let Some(word) = words.next() {
        if !matches!(word, "struct" | "enum") {
            told.push(word);
            continue;
        }
        while told
            .last()
            .is_some_and(|word| matches!(*word, "internally" | "adjacently" | "tagged" | "untagged" | "tuple" | "unit"))
        {
            told.pop();
        }
        told.push("an object");
        words.next();
    }
    told.join(" ")
}

/// An error's words without the text that was sent, which may be a secret in the wrong place.
fn without_values(error: &impl std::fmt::Display) -> String {
    let text = without_types(&error.to_string());
    let Some(start) = text.find("string \"") else { return text };
    let start = start + "string".len();
    match text.rfind("\", expected") {
        Some(end) if end >= start => format!("{}{}", &text[..start], &text[end + 1..]),
        _ => text[..start].to_owned(),
    }
}

/// `null` or a value, but the field must be there: leaving it out is not the same as clearing.
pub fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::<T>::deserialize(deserializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Shape {
        number: i64,
        #[serde(deserialize_with = "present")]
        nullable: Option<i64>,
    }

    #[tokio::test]
    async fn wrong_json_is_refused_without_repeating_it() {
        assert!(parse_json::<Shape>(br#"{"number": 1, "nullable": null}"#).is_ok());
        let secret = r#"{"number": "hunter2\", expected", "nullable": null}"#;
        let wrong =
            [secret, "", "{", "[]", r#"{"number": 1}"#, r#"{"number": 1, "nullable": 2, "more": 3}"#, r#"{"number": 1.5}"#];
        for text in wrong {
            let problem = parse_json::<Shape>(text.as_bytes()).unwrap_err();
            assert_eq!(problem.status(), StatusCode::BAD_REQUEST, "{text}");
            assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse_json::<serde_json::Value>(deep.as_bytes()).is_err());
    }

    #[test]
    fn refusals_speak_of_what_was_sent_and_not_of_types() {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only its shape matters")]
        struct Owned {
            owner: Option<crate::native::certificates::RoleRef>,
            #[serde(default)]
            metadata: std::collections::BTreeMap<String, crate::native::certificates::Given>,
        }
        for (sent, told) in [
            (r#"{"owner": {}}"#, "a role is named by its id, a whole number, or by its name, a text"),
            (r#"{"owner": 1.5}"#, "a role is named by its id"),
            (r#"{"owner": 1, "metadata": {"Team": ["a"]}}"#, "a value is text, a whole number, true, false or null"),
            (r#""text""#, "expected an object"),
            ("[]", "expected an object with 2 elements"),
        ] {
            let problem = format!("{:?}", parse_json::<Owned>(sent.as_bytes()).err().unwrap());
            assert!(problem.contains(told), "{sent}: {problem}");
            for word in ["untagged", "enum", "struct", "RoleRef", "Given", "Owned"] {
                assert!(!problem.contains(word), "{sent}: {problem}");
            }
        }
        assert_eq!(without_types("expected internally tagged enum Edit at line 1"), "expected an object at line 1");
        assert_eq!(without_types("expected tuple struct Pair, found x"), "expected an object found x");
    }

    #[tokio::test]
    async fn bodies_end_at_their_limit() {
        let sized = |length: usize| Body::from(vec![b'x'; length]);
        assert_eq!(collect(sized(10), 10).await.unwrap().len(), 10);
        assert_eq!(collect(sized(11), 10).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
        let lying = Request::builder().header(header::CONTENT_LENGTH, "99999999999").body(Body::empty()).unwrap();
        assert_eq!(body(lying, 10).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
