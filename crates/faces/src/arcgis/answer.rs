//! How this API says yes and no: what was found, and refusals, in the formats of the vendor.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use certhold_domain::{Error, Refusal};
use serde::Serialize;
use serde_json::{Value, json};

use super::request::{Format, spelled};
use super::wire::Certificate;
use crate::problem::Problem;

/// What a resource or operation answers.
pub enum Found {
    /// An operation was done.
    Done,
    /// An object of JSON.
    Object(Value),
    /// Certificates under names.
    Certificates(Vec<Certificate>),
    /// One of them.
    Certificate(Box<Certificate>),
    /// Something of another kind, whole.
    Whole(Box<Response>),
}

/// What handlers return.
pub type Answer<T> = Result<T, Refused>;

/// A refusal on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The code, most of the time an HTTP status.
    pub code: u16,
    /// What did not happen.
    pub message: String,
    /// Why, one sentence each.
    pub details: Vec<String>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorObject<'a>,
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    code: u16,
    message: &'a str,
    details: &'a [String],
}

impl Refused {
    /// A refusal whose message follows from its code.
    pub fn details(code: u16, why: impl Into<String>) -> Refused {
        let message = match code {
            403 => "You do not have permissions to access this resource or perform this operation.",
            404 => "The resource does not exist.",
            405 => "The resource does not take this method.",
            498 => "Invalid token.",
            499 => "Token required.",
            500..=599 => "The operation failed.",
            _ => "The request is not valid.",
        };
        Refused { code, message: message.into(), details: vec![why.into()] }
    }

    /// A parameter is missing.
    pub fn missing(name: &str) -> Refused {
        Refused::details(400, format!("'{name}' must be specified."))
    }

    /// There is no token, or none where one counts.
    pub fn token_required() -> Refused {
        let why = "Send a token: with GET as the parameter token, with POST in the body; or in the header Authorization or X-Esri-Authorization.";
        Refused::details(499, why)
    }

    /// The token does not count.
    pub fn invalid_token() -> Refused {
        Refused::details(498, "Invalid token.")
    }

    /// The same, with what did not happen as its message; tokens and permissions keep theirs.
    pub fn to(self, what: &str) -> Refused {
        match self.code {
            403 | 404 | 405 | 498 | 499 => self,
            _ => Refused { message: format!("Unable to {what}."), ..self },
        }
    }

    /// The status of a page that tells it. Programs get 200: their libraries look into the body.
    pub fn status(&self) -> StatusCode {
        match self.code {
            498 | 499 => StatusCode::UNAUTHORIZED,
            code => StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST),
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        match error {
            Error::Refused(refusal) => refusal.into(),
            // Logged there, shown as a reference.
            fault @ Error::Fault(_) => Refused::from(Problem::from(fault)),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        let why = match spelled(refusal.clone()) {
            // A file and its password are what the whole operation is about: the sentence stands for itself.
            Refusal::Invalid { field: "certificate" | "password", message } => message,
            other => other.to_string(),
        };
        let code = match refusal {
            Refusal::Unauthenticated(_) => return Refused::invalid_token(),
            Refusal::Forbidden { .. } => 403,
            Refusal::NotFound { .. } => 404,
            Refusal::Busy | Refusal::Unavailable(_) | Refusal::LeaseLost(_) => 503,
            Refusal::Conflict(_) | Refusal::Invalid { .. } | Refusal::TooLarge(_) | Refusal::LockedOut { .. } => 400,
        };
        Refused::details(code, sentence(&why))
    }
}

/// What the layers around every face say: a panic, a time-out, a fault.
impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        let why = sentence(&problem.sentence());
        Refused::details(problem.status().as_u16(), why)
    }
}

/// With a capital letter and a full stop.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

/// An answer in JSON, always with status 200: libraries of clients look for `error` in the body, and treat other statuses as
/// failures of the network.
pub fn json_response(format: Format, value: &impl Serialize) -> Response {
    let text = match format {
        Format::Pretty => serde_json::to_string_pretty(value),
        Format::Json | Format::Html => serde_json::to_string(value),
    };
    let mut response = Response::new(Body::from(text.unwrap_or_else(|_| "{}".into())));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    // Tokens are shown deliberately, never by a cookie of another site's page, so any page may read what they open.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// A refusal in JSON.
pub fn refused_response(format: Format, refused: &Refused) -> Response {
    let error = ErrorObject { code: refused.code, message: &refused.message, details: &refused.details };
    json_response(format, &ErrorBody { error })
}

/// The JSON of what was found.
pub fn found_response(format: Format, found: Found) -> Response {
    match found {
        Found::Done => json_response(format, &json!({ "status": "success" })),
        Found::Object(value) => json_response(format, &value),
        Found::Certificates(certificates) => json_response(format, &super::wire::List { certificates: &certificates }),
        Found::Certificate(certificate) => json_response(format, &certificate),
        Found::Whole(response) => *response,
    }
}
