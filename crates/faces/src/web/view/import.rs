//! `/import`: bringing certificates in, and what became of each.

use askama::Template;

use super::filters;
use super::form::{Input, Select};
use super::frame::Frame;
use super::metadata::NotedField;
use super::tone::{Badge, Tone, Validity};

/// The import page: the form, and after sending it, the result above it.
#[derive(Clone, Debug, Template)]
#[template(path = "web/import.html")]
pub struct ImportPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The files' field: only its error is shown.
    pub files: Input,
    /// The password's field: only its error is shown, never a value.
    pub password: Input,
    /// Who shall own what comes in; an empty value is nobody.
    pub owner: Select,
    /// What is noted about what comes in.
    pub noted: Vec<NotedField>,
    /// Why that was refused.
    pub error: Option<String>,
    /// Largest upload in words: `64 MiB`.
    pub limit: String,
    /// What became of the last upload.
    pub result: Option<ImportResult>,
}

/// What became of an upload.
#[derive(Clone, Debug, Default)]
pub struct ImportResult {
    /// Certificates that are new.
    pub imported: i64,
    /// Certificates that were held before.
    pub already_held: i64,
    /// Items that are not certificates, or could not be read.
    pub refused: i64,
    /// Every item, refused ones first; cut off after `rows.len()`.
    pub rows: Vec<ImportRow>,
    /// Items that are not listed.
    pub unlisted: i64,
}

/// What became of one item.
#[derive(Clone, Debug)]
pub struct ImportRow {
    /// File name as sent.
    pub file: String,
    /// Where in the file: `certificate 3`; empty if it is the only one.
    pub item: String,
    /// What became of it.
    pub outcome: ImportOutcome,
    /// The certificate's first name, where there is a certificate.
    pub name: String,
    /// The certificate's page.
    pub href: Option<String>,
    /// Its life.
    pub validity: Option<Validity>,
    /// Why it was refused, or a remark (`private key taken into custody`).
    pub remark: String,
}

/// What became of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It was here before.
    AlreadyHeld,
    /// It is new.
    Imported,
    /// It was not taken.
    Refused,
}

impl ImportOutcome {
    /// As a badge.
    #[must_use]
    pub fn badge(self) -> Badge {
        match self {
            Self::AlreadyHeld => Badge::new("Already held", Tone::Neutral),
            Self::Imported => Badge::new("Imported", Tone::Good),
            Self::Refused => Badge::new("Refused", Tone::Bad),
        }
    }
}
