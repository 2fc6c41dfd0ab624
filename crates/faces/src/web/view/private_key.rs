//! `/certificates/{id}/key` and `/key-requests`: private keys that leave, end, or are made.

use askama::Template;

use super::filters;
use super::form::{Check, Input, SecretInput, Select};
use super::frame::Frame;
use super::text::Link;
use super::time::Moment;

/// The page on which a private key is exported or destroyed.
#[derive(Clone, Debug, Template)]
#[template(path = "web/private_key.html")]
pub struct PrivateKeyPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Number of the certificate.
    pub id: i64,
    /// `collection`: the collection through which the viewer came.
    pub within: Option<i64>,
    /// The page of the certificate.
    pub back: String,
    /// The export form, if the viewer may.
    pub export: Option<ExportForm>,
    /// The form that destroys the key, if the viewer may.
    pub destroy: Option<DestroyForm>,
}

impl PrivateKeyPage {
    fn path(&self, action: &str) -> String {
        format!("/certificates/{}/key/{action}", self.id)
    }
}

/// What an export is told.
#[derive(Clone, Debug, Default)]
pub struct ExportForm {
    /// Why the whole was refused.
    pub error: Option<String>,
    /// `format`: the kind of file.
    pub format: Select,
    /// `reason`: why, for the event log.
    pub reason: Input,
    /// `password`: of the file; PEM may go without.
    pub password: SecretInput,
    /// `again`: the same.
    pub again: SecretInput,
    /// `chain`: whether the chain is put in.
    pub chain: Check,
}

/// What a destruction is told.
#[derive(Clone, Debug, Default)]
pub struct DestroyForm {
    /// Why the whole was refused.
    pub error: Option<String>,
    /// `why`: why, for the event log.
    pub why: Input,
}

/// The list of key requests, with the form for a new one.
#[derive(Clone, Debug, Template)]
#[template(path = "web/key_requests.html")]
pub struct KeyRequestsPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Newest first.
    pub rows: Vec<KeyRequestRow>,
    /// The next page.
    pub next: Option<String>,
    /// The form, if the viewer may make keys.
    pub form: Option<KeyRequestForm>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct KeyRequestRow {
    /// What people call it.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Algorithm and size.
    pub key: String,
    /// The certificate that was issued for it.
    pub certificate: Option<Link>,
    /// When it was made.
    pub made: Moment,
}

/// A key to be made.
#[derive(Clone, Debug, Default)]
pub struct KeyRequestForm {
    /// Why the whole was refused.
    pub error: Option<String>,
    /// `names`: DNS names, one a line.
    pub names: Input,
    /// `key`: kind of key.
    pub key: Select,
    /// `name`: what people call it.
    pub name: Input,
}

/// One key request.
#[derive(Clone, Debug, Template)]
#[template(path = "web/key_request.html")]
pub struct KeyRequestPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The line of the list.
    pub row: KeyRequestRow,
    /// The names asked for.
    pub names: Vec<String>,
    /// The signing request, PEM.
    pub csr: String,
    /// Where it is removed, if the viewer may.
    pub remove_action: Option<String>,
}
