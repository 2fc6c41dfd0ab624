//! `/exclusions`: certificates that were removed and that no import brings back.

use askama::Template;

use super::frame::Frame;
use super::time::Moment;

/// All exclusions.
#[derive(Clone, Debug, Template)]
#[template(path = "web/exclusions.html")]
pub struct ExclusionsPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The exclusions, newest first.
    pub rows: Vec<ExclusionRow>,
}

/// One certificate that no import brings back.
#[derive(Clone, Debug)]
pub struct ExclusionRow {
    /// Its number.
    pub id: i64,
    /// What people called the certificate.
    pub title: String,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Since when.
    pub excluded: Moment,
}

impl ExclusionRow {
    fn remove_path(&self) -> String {
        format!("/exclusions/{}/remove", self.id)
    }
}
