//! `/api/docs/…/try/{operation}`: an operation, called from its description.

use askama::Template;

use super::ApiOperation;
use crate::web::view::form::{Input, SecretInput};
use crate::web::view::frame::Frame;
use crate::web::view::tone::{Badge, Tone};

/// The form that calls one operation, and what it answered.
#[derive(Clone, Debug, Template)]
#[template(path = "web/api_try.html")]
pub struct TryPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Where the form is sent.
    pub action: String,
    /// Where the description is.
    pub back: String,
    /// What is called.
    pub operation: ApiOperation,
    /// Why it was not called, where no single field is to blame.
    pub error: Option<String>,
    /// One field for each parameter.
    pub fields: Vec<TryField>,
    /// `headers`: further header lines.
    pub headers: Input,
    /// `body`; `None`: the operation takes none.
    pub body: Option<Input>,
    /// `token`: in place of the session; never shown again.
    pub token: SecretInput,
    /// What came back.
    pub answer: Option<TriedAnswer>,
}

/// A parameter to be filled in.
#[derive(Clone, Debug)]
pub struct TryField {
    /// The name of the field.
    pub slug: String,
    /// The parameter's name.
    pub name: String,
    /// `path`, `query` or `header`, and what it means.
    pub help: String,
    /// Whether it must be there.
    pub is_required: bool,
    /// What is sent.
    pub input: Input,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct TriedAnswer {
    /// What was asked: `GET /KeyfactorAPI/Certificates?ReturnLimit=1`.
    pub asked: String,
    /// HTTP status.
    pub status: u16,
    /// Its words.
    pub reason: String,
    /// Names and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The body, made readable; empty for none.
    pub body: String,
    /// What is said about the body: that it is cut, or no text.
    pub note: String,
}

impl TriedAnswer {
    /// The status as a badge.
    #[must_use]
    pub fn badge(&self) -> Badge {
        let tone = match self.status {
            200..=299 => Tone::Good,
            400..=499 => Tone::Warn,
            500.. => Tone::Bad,
            _ => Tone::Neutral,
        };
        Badge::new(format!("{} {}", self.status, self.reason), tone)
    }
}
