//! The parameters of addresses. An address is typed, cut and passed on; what of it cannot be understood is never left out, because
//! without it a page would show more than was asked for, and a button below would do more.

use std::convert::Infallible;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

use crate::state::App;
use crate::web::refused::{Refused, sentence};
use crate::web::view::frame::Section;
use crate::web::visit::Visit;

/// The parameters of an address; one that cannot be understood is answered with the page that says so.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Asked<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let rejection = match Query::try_from_uri(&parts.uri) {
            Ok(Query(asked)) => return Ok(Self(asked)),
            Err(rejection) => rejection,
        };
        let visit = Visit::from_request_parts(parts, app).await.map_err(Refused::from)?;
        let (viewer, ()) = visit.read(|_, _| Ok(())).await?;
        Err(Refused::wrong_address(visit.frame("", Section::None, viewer), &why(&rejection)))
    }
}

/// What cannot be understood, as a sentence.
fn why(rejection: &QueryRejection) -> String {
    let cause = std::error::Error::source(rejection).map(ToString::to_string).unwrap_or_default();
    sentence(&cause)
}

/// The parameters of a page that everybody sees and that shows nothing: what cannot be understood is as if it were not there.
pub struct Forgiving<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequestParts<S> for Forgiving<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Query::try_from_uri(&parts.uri).map(|Query(asked)| asked).unwrap_or_default()))
    }
}

/// A number that may be left empty.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| D::Error::custom("this is no number")),
    }
}

/// The same as text.
pub fn number_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(number(deserializer)?.map(|number| number.to_string()).unwrap_or_default())
}

/// An instant (RFC 3339) as text, which may be left empty.
pub fn instant_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.is_empty() || text.parse::<jiff::Timestamp>().is_ok() {
        true => Ok(text),
        false => Err(D::Error::custom("an instant looks like 2026-12-31T00:00:00Z")),
    }
}

/// Refuses what is none of these words.
pub fn one_of<'de, D: Deserializer<'de>>(deserializer: D, words: &[&str]) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match words.contains(&text.as_str()) {
        true => Ok(text),
        false => Err(D::Error::custom("this page has no such choice")),
    }
}
