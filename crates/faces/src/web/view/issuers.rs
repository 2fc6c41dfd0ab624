//! `/issuers`: authorities that issue, with the accounts held there.

use askama::Template;

use super::filters;
use super::form::{Check, Input, SecretInput, Select};
use super::frame::Frame;
use super::time::Moment;
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
    /// How it stands: `Registered`, `Not registered`, `Refused`.
    pub state: Badge,
    /// Why, when something is wrong; else empty.
    pub error: String,
    /// How many managed certificates use it.
    pub used_by: i64,
    /// When it last issued.
    pub last_issued: Option<Moment>,
}

/// The form of one issuer, new or known.
#[derive(Clone, Debug, Template)]
#[template(path = "web/issuer_form.html")]
pub struct IssuerFormPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Where the form is sent: `/issuers/new` or `/issuers/{id}`.
    pub action: String,
    /// Whether it is a new one.
    pub is_new: bool,
    /// Where to send the removal, if it may be removed.
    pub remove_action: Option<String>,
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
    /// `profile`: ACME profile; an empty value leaves it to the authority.
    pub profile: Input,
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
    /// Zones it is used for; empty means whatever it holds.
    pub zones: Vec<String>,
    /// How many managed certificates use it.
    pub used_by: i64,
    /// When a record was last published.
    pub last_used: Option<Moment>,
    /// What went wrong last; empty when all is well.
    pub error: String,
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
    /// `zones`: one a line.
    pub zones: Input,
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
