//! `/api/docs`: the native API, browsable without anything from outside.

mod read;
pub mod tried;

use askama::Template;

use super::filters;
use super::frame::Frame;

/// The API documentation.
#[derive(Clone, Debug, Template)]
#[template(path = "web/api_docs.html")]
pub struct ApiDocsPage {
    /// Title and navigation.
    pub frame: Frame,
    /// What is documented.
    pub document: ApiDocument,
    /// Where the OpenAPI document itself is.
    pub openapi_href: String,
    /// Where another API is documented, and what it is called.
    pub other: (String, String),
    /// Where operations are called from, before the operation's anchor.
    pub try_root: String,
}

/// An OpenAPI document as the page shows it; made by [`ApiDocument::from_openapi`].
#[derive(Clone, Debug, Default)]
pub struct ApiDocument {
    /// Title.
    pub title: String,
    /// Version of the API.
    pub version: String,
    /// What it is, paragraphs separated by empty lines.
    pub description: String,
    /// Operations by tag.
    pub groups: Vec<ApiGroup>,
    /// Named schemas, by name.
    pub schemas: Vec<ApiSchema>,
}

/// Operations under one tag.
#[derive(Clone, Debug)]
pub struct ApiGroup {
    /// The tag.
    pub name: String,
    /// Fragment identifier.
    pub anchor: String,
    /// What the operations have in common.
    pub description: String,
    /// The operations, in the order of the document.
    pub operations: Vec<ApiOperation>,
}

/// One method on one path.
#[derive(Clone, Debug)]
pub struct ApiOperation {
    /// Fragment identifier.
    pub anchor: String,
    /// `GET`, `POST`…
    pub method: String,
    /// Path with its parameters in braces.
    pub path: String,
    /// What it does, in a few words.
    pub summary: String,
    /// What it does, in full; paragraphs separated by empty lines.
    pub description: String,
    /// Parameters in path, query and headers.
    pub parameters: Vec<ApiParameter>,
    /// What is sent.
    pub body: Option<ApiBody>,
    /// What comes back.
    pub responses: Vec<ApiResponse>,
}

/// One parameter.
#[derive(Clone, Debug)]
pub struct ApiParameter {
    /// Name.
    pub name: String,
    /// `path`, `query`, `header`.
    pub place: String,
    /// Its type.
    pub kind: ApiType,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it means.
    pub description: String,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct ApiBody {
    /// Media type.
    pub media: String,
    /// Its type.
    pub kind: ApiType,
}

/// One possible answer.
#[derive(Clone, Debug)]
pub struct ApiResponse {
    /// HTTP status, or `default`.
    pub status: String,
    /// When it is given.
    pub description: String,
    /// Its type, if it has a body.
    pub kind: Option<ApiType>,
}

impl ApiResponse {
    /// CSS class by the kind of status.
    #[must_use]
    pub fn tone_class(&self) -> &'static str {
        match self.status.as_bytes().first() {
            Some(b'2') => "tone-good",
            Some(b'3') => "tone-info",
            Some(b'4') => "tone-warn",
            Some(b'5') => "tone-bad",
            _ => "tone-neutral",
        }
    }
}

/// A type in words, with a link where it has a name: `array of` + `Certificate`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiType {
    /// Words before the name, or the whole type where it has no name.
    pub text: String,
    /// Name of a schema of the document.
    pub schema: Option<String>,
}

/// A named schema.
#[derive(Clone, Debug)]
pub struct ApiSchema {
    /// Name, also the fragment identifier after `schema-`.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Properties of an object.
    pub properties: Vec<ApiProperty>,
    /// Values of an enumeration.
    pub values: Vec<String>,
}

/// One property.
#[derive(Clone, Debug)]
pub struct ApiProperty {
    /// Name.
    pub name: String,
    /// Its type.
    pub kind: ApiType,
    /// Whether it is always there.
    pub is_required: bool,
    /// What it means.
    pub description: String,
}
