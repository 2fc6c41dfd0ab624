//! `/findings`: every rule by which certificates are judged.

use askama::Template;

use super::filters;
use super::frame::Frame;
use super::table::FilterLink;
use super::tone::Badge;

/// All rules, the worst first.
#[derive(Clone, Debug, Template)]
#[template(path = "web/findings.html")]
pub struct FindingsPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Filters: all, by severity, and what is broken here.
    pub filters: Vec<FilterLink>,
    /// The rules.
    pub rows: Vec<RuleRow>,
    /// The list as a file.
    pub csv_href: String,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct RuleRow {
    /// Its name.
    pub id: String,
    /// How bad it is.
    pub severity: Badge,
    /// What is wrong when it is broken.
    pub title: String,
    /// What to do.
    pub remedy: String,
    /// Where it is written.
    pub citation: String,
    /// The address of that.
    pub url: String,
    /// How many certificates break it; `None` where the viewer may not know.
    pub certificates: Option<i64>,
    /// Those certificates.
    pub href: String,
}
