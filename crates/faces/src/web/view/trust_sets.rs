//! `/trust-sets`: named sets of authorities that somebody trusts.

use askama::Template;

use super::filters;
use super::form::Input;
use super::frame::Frame;
use super::text::Link;

/// All trust sets.
#[derive(Clone, Debug, Template)]
#[template(path = "web/trust_sets.html")]
pub struct TrustSetsPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The sets.
    pub rows: Vec<TrustSetRow>,
    /// Whether the viewer may add and change.
    pub may_change: bool,
}

/// One trust set of the list.
#[derive(Clone, Debug)]
pub struct TrustSetRow {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How many certificates it has.
    pub members: i64,
}

/// One trust set.
#[derive(Clone, Debug, Template)]
#[template(path = "web/trust_set_detail.html")]
pub struct TrustSetDetailPage {
    /// Title (the set's name) and navigation.
    pub frame: Frame,
    /// Its number.
    pub id: i64,
    /// What it is for.
    pub description: String,
    /// Its certificates.
    pub members: Vec<Link>,
    /// The form that changes it; `None`: the viewer may not.
    pub form: Option<TrustSetForm>,
}

impl TrustSetDetailPage {
    fn csv_path(&self) -> String {
        format!("/trust-sets/{}/certificates.csv", self.id)
    }

    fn remove_path(&self) -> String {
        format!("/trust-sets/{}/remove", self.id)
    }
}

/// The form for a new trust set.
#[derive(Clone, Debug, Template)]
#[template(path = "web/trust_set_new.html")]
pub struct NewTrustSetPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The form.
    pub form: TrustSetForm,
}

/// Fields of a trust set.
#[derive(Clone, Debug, Default)]
pub struct TrustSetForm {
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `name`.
    pub name: Input,
    /// `description`.
    pub description: Input,
    /// `certificates`: their numbers, one a line.
    pub certificates: Input,
}
