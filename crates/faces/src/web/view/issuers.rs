//! `/issuers`: authorities that issue, with the accounts held there.

use askama::Template;

use super::filters;
use super::form::{Check, Input, SecretInput, Select};
use super::frame::Frame;
use super::tone::Badge;

/// All issuers.
#[derive(Clone, Debug, Template)]
#[template(path = "web/issuers.html")]
pub struct IssuersPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The issuers.
    pub rows: Vec<IssuerRow>,
    /// Whether the viewer may add and change.
    pub may_change: bool,
}

/// One issuer.
#[derive(Clone, Debug)]
pub struct IssuerRow {
    /// Its form.
    pub href: String,
    /// Its name here.
    pub name: String,
    /// Its directory's URL.
    pub directory: String,
    /// The account's contact.
    pub contact: String,
    /// How it stands: `Registered`, `Not registered yet`.
    pub state: Badge,
    /// How many managed certificates use it.
    pub used_by: i64,
}

/// One issuer that is known. The account at the authority belongs to these values, so they do not change.
#[derive(Clone, Debug, Template)]
#[template(path = "web/issuer_detail.html")]
pub struct IssuerDetailPage {
    /// Title (its name) and navigation.
    pub frame: Frame,
    /// How it stands.
    pub state: Badge,
    /// Its directory's URL.
    pub directory: String,
    /// The account's contacts.
    pub contacts: Vec<String>,
    /// Key identifier of the external account binding; empty if there is none.
    pub eab_kid: String,
    /// PEM of the root that the directory's TLS certificate chains to; empty for the public ones.
    pub trust: String,
    /// How many managed certificates use it.
    pub used_by: i64,
    /// Where to send the removal, if it may be removed.
    pub remove_action: Option<String>,
}

/// The form of a new issuer.
#[derive(Clone, Debug, Template)]
#[template(path = "web/issuer_form.html")]
pub struct IssuerFormPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `name`.
    pub name: Input,
    /// `directory`: URL of the ACME directory; well-known ones are offered.
    pub directory: Input,
    /// Well-known directories: name and URL.
    pub known_directories: Vec<(String, String)>,
    /// `contact`: mail address.
    pub contact: Input,
    /// `eab_kid`: key identifier of the external account binding.
    pub eab_kid: Input,
    /// `eab_key`: its MAC key.
    pub eab_key: SecretInput,
    /// `trust`: PEM of the root that signs the directory's TLS certificate, for private authorities.
    pub trust: Input,
    /// `terms`: consent to the authority's terms.
    pub terms: Check,
}

/// All DNS providers.
#[derive(Clone, Debug, Template)]
#[template(path = "web/dns_providers.html")]
pub struct DnsProvidersPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The providers.
    pub rows: Vec<DnsProviderRow>,
    /// Whether the viewer may add and change.
    pub may_change: bool,
}

/// One DNS provider.
#[derive(Clone, Debug)]
pub struct DnsProviderRow {
    /// Its form.
    pub href: String,
    /// Its name here.
    pub name: String,
    /// What it is: `PowerDNS`, `RFC 2136`.
    pub kind: String,
    /// Where it is: URL or server address.
    pub target: String,
    /// How many managed certificates use it.
    pub used_by: i64,
}

/// The form of one DNS provider. A new one asks for the kind first.
#[derive(Clone, Debug, Template)]
#[template(path = "web/dns_provider_form.html")]
pub struct DnsProviderFormPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Where the form is sent: `/dns-providers/new` or `/dns-providers/{id}`.
    pub action: String,
    /// Whether it is a new one.
    pub is_new: bool,
    /// Whether the viewer may save it.
    pub may_change: bool,
    /// Where to send the removal, if it may be removed.
    pub remove_action: Option<String>,
    /// Kinds to choose from, as links `?kind=…`; shown while `kind` is `None`.
    pub kinds: Vec<ProviderKind>,
    /// The chosen kind.
    pub kind: Option<ProviderKind>,
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `name`.
    pub name: Input,
    /// The parameters of this kind.
    pub parameters: Vec<Parameter>,
}

/// A kind of DNS provider.
#[derive(Clone, Debug)]
pub struct ProviderKind {
    /// Its code, sent in the field `kind`.
    pub code: String,
    /// Its name.
    pub label: String,
    /// What it needs, in a few words.
    pub hint: String,
    /// The form for it.
    pub href: String,
}

/// One parameter of a kind of provider.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Field name.
    pub name: String,
    /// Label.
    pub label: String,
    /// Hint; may be empty.
    pub hint: String,
    /// Whether the provider cannot do without.
    pub is_required: bool,
    /// Its field.
    pub field: ParameterField,
}

/// How a parameter is asked for.
#[derive(Clone, Debug)]
pub enum ParameterField {
    /// One of several.
    Choice(Select),
    /// Never shown again.
    Secret(SecretInput),
    /// Plain text.
    Text(Input),
}
