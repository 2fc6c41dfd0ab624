//! Answers to requests that create something.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::ROOT;

/// Something new; `Location` says where it is.
#[derive(Serialize, ToSchema)]
pub struct Created {
    /// Its handle.
    pub id: i64,
    #[serde(skip)]
    location: String,
}

impl Created {
    /// Something new with this id at `place`, a path below [`ROOT`].
    pub fn at(place: &str, id: i64) -> Created {
        Created { id, location: format!("{ROOT}/{place}/{id}") }
    }
}

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        let location = self.location.clone();
        with_location(&location, self)
    }
}

/// 201 with a body of its own.
pub fn with_location(location: &str, body: impl Serialize) -> Response {
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
