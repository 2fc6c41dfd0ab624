//! `/identity-providers`: who else may say who somebody is.

use askama::Template;

use super::filters;
use super::form::{Check, Input};
use super::frame::Frame;
use super::text::Link;
use super::time::Moment;
use super::tone::Badge;

/// All identity providers.
#[derive(Clone, Debug, Template)]
#[template(path = "web/identity_providers.html")]
pub struct IdentityProvidersPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The providers.
    pub rows: Vec<IdentityProviderRow>,
    /// Whether the viewer may add and change.
    pub may_change: bool,
}

/// One identity provider of the list.
#[derive(Clone, Debug)]
pub struct IdentityProviderRow {
    /// Its page.
    pub href: String,
    /// The authentication scheme of its claims.
    pub name: String,
    /// What stands in its tokens.
    pub issuer: String,
    /// Whether its tokens can be accepted.
    pub state: Badge,
    /// Accounts that are known through it.
    pub accounts: i64,
}

/// One identity provider.
#[derive(Clone, Debug, Template)]
#[template(path = "web/identity_provider.html")]
pub struct IdentityProviderPage {
    /// Title (its name) and navigation.
    pub frame: Frame,
    /// Its number.
    pub id: i64,
    /// How it is shown.
    pub display_name: String,
    /// What stands in its tokens.
    pub issuer: String,
    /// Whether its tokens can be accepted.
    pub state: Badge,
    /// Since when it is configured.
    pub created: Moment,
    /// How many of its keys are held.
    pub keys: i64,
    /// When they were fetched.
    pub fetched: Option<Moment>,
    /// Why they could not be fetched the last time.
    pub problem: Option<String>,
    /// Accounts that are known through it, newest first; `None`: the viewer may not see accounts.
    pub accounts: Option<Vec<ExternalAccountRow>>,
    /// The form that changes it; `None`: the viewer may not.
    pub form: Option<IdentityProviderForm>,
}

impl IdentityProviderPage {
    fn csv_path(&self) -> String {
        format!("/identity-providers/{}/accounts.csv", self.id)
    }

    fn remove_path(&self) -> String {
        format!("/identity-providers/{}/remove", self.id)
    }
}

/// An account that is known through a provider.
#[derive(Clone, Debug)]
pub struct ExternalAccountRow {
    /// Its page.
    pub account: Link,
    /// How it is shown.
    pub display_name: String,
    /// The provider's lasting name for them.
    pub subject: String,
    /// Whether it is disabled.
    pub is_disabled: bool,
    /// When it was last seen.
    pub last_seen: Option<Moment>,
}

/// The form for a new identity provider.
#[derive(Clone, Debug, Template)]
#[template(path = "web/identity_provider_new.html")]
pub struct NewIdentityProviderPage {
    /// Title and navigation.
    pub frame: Frame,
    /// `name`.
    pub name: Input,
    /// `issuer`.
    pub issuer: Input,
    /// The other fields.
    pub form: IdentityProviderForm,
}

/// Fields of an identity provider that can be changed.
#[derive(Clone, Debug, Default)]
pub struct IdentityProviderForm {
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `display_name`.
    pub display_name: Input,
    /// `audiences`, one a line.
    pub audiences: Input,
    /// `role_claims`, one a line.
    pub role_claims: Input,
    /// `subject_claims`, one a line.
    pub subject_claims: Input,
    /// `oid_claims`, one a line.
    pub oid_claims: Input,
    /// `client_id_claims`, one a line.
    pub client_id_claims: Input,
    /// `roots`: PEM.
    pub roots: Input,
    /// `enabled`.
    pub enabled: Check,
}
