//! `/managed/new` and `/managed/{id}/deployments/new`.

use askama::Template;

use super::filters;
use super::form::{Check, Input, Select};
use super::frame::Frame;
use super::metadata::NotedField;
use super::table::FilterLink;

/// The form for a new managed certificate.
#[derive(Clone, Debug, Template)]
#[template(path = "web/managed_new.html")]
pub struct NewManagedPage {
    /// Title and navigation.
    pub frame: Frame,
    /// From an ACME issuer, or from a private authority; empty when the viewer has no choice.
    pub kinds: Vec<FilterLink>,
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `names`: DNS names, one a line.
    pub names: Input,
    /// `issuer`: who issues. No choices: there is no issuer yet, and the page says so.
    pub issuer: Select,
    /// `dns_provider`: where TXT records are published. No choices: as with `issuer`.
    pub dns_provider: Select,
    /// `key`: kind of key.
    pub key: Select,
    /// `reuse_key`: whether renewals keep the key.
    pub reuse_key: Check,
    /// `owner`: who answers for it; an empty value is nobody.
    pub owner: Select,
    /// `profile`: ACME profile to ask for; an empty value leaves it to the authority.
    pub profile: Input,
    /// `adopt`: a certificate of the inventory that becomes the first version: its number and name.
    pub adopt: Option<(i64, String)>,
}

impl NewManagedPage {
    /// Whether an issuer and a DNS provider exist.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.issuer.choices.is_empty() && !self.dns_provider.choices.is_empty()
    }
}

/// The form for a new managed certificate of a private authority.
#[derive(Clone, Debug, Template)]
#[template(path = "web/managed_new_private.html")]
pub struct NewPrivateManagedPage {
    /// Title and navigation.
    pub frame: Frame,
    /// From an ACME issuer, or from a private authority; empty when the viewer has no choice.
    pub kinds: Vec<FilterLink>,
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `under`: pattern or template. No choices: the viewer may enrol for nothing, and the page says so.
    pub under: Select,
    /// `authority`; an empty value leaves it to the pattern. `None`: no authority issues, and the page says so.
    pub authority: Option<Select>,
    /// `names`, one a line.
    pub names: Input,
    /// `subject`.
    pub subject: Input,
    /// `days`: the life of a version; empty leaves it to the pattern.
    pub days: Input,
    /// `key`: kind of key; an empty value leaves it to the pattern.
    pub key: Select,
    /// `reuse_key`: whether renewals keep the key.
    pub reuse_key: Check,
    /// `owner`: who answers for it; an empty value is nobody, or whom the pattern says.
    pub owner: Select,
    /// What is noted about the first version; empty for an adopted one.
    pub noted: Vec<NotedField>,
    /// `adopt`: a certificate of the inventory that becomes the first version: its number and name.
    pub adopt: Option<(i64, String)>,
}

/// The form for a new deployment.
#[derive(Clone, Debug, Template)]
#[template(path = "web/deployment_new.html")]
pub struct NewDeploymentPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Number of the managed certificate.
    pub managed_id: i64,
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `name`: what it is called.
    pub name: Input,
    /// `full_chain`: path for certificate and chain together.
    pub full_chain: Input,
    /// `certificate`: path for the certificate alone.
    pub certificate: Input,
    /// `chain`: path for the chain alone.
    pub chain: Input,
    /// `private_key`: path for the key.
    pub private_key: Input,
    /// `owner`: user and group of the files, `root:ssl-cert`.
    pub owner: Input,
    /// `mode`: mode of the certificate files, octal.
    pub mode: Input,
    /// `key_mode`: mode of the private key file, octal.
    pub key_mode: Input,
    /// `command`: what is run afterwards.
    pub command: Input,
    /// `store`: a certificate store in place of files; `None` when there is none.
    pub store: Option<Select>,
    /// `alias`: the entry's name in that store.
    pub alias: Input,
}
