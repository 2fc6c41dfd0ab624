//! `/users` and `/service-accounts`: who can come in.

use askama::Template;

use super::address::Address;
use super::event::EventLine;
use super::filters;
use super::form::{Choice, Input, Select};
use super::frame::Frame;
use super::secret::ShownOnce;
use super::table::Pager;
use super::text::Link;
use super::time::Moment;
use super::tone::{Badge, Tone};

/// Which of the two kinds a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// A person: password, sessions.
    User,
    /// A program: tokens only.
    ServiceAccount,
}

impl AccountKind {
    /// Path of the list.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::User => "/users",
            Self::ServiceAccount => "/service-accounts",
        }
    }

    /// `user`, `service account`.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ServiceAccount => "service account",
        }
    }

    /// `users`, `service accounts`.
    #[must_use]
    pub fn nouns(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::ServiceAccount => "service accounts",
        }
    }

    /// Whether it is [`AccountKind::User`].
    #[must_use]
    pub fn is_user(self) -> bool {
        self == Self::User
    }
}

/// All users, or all service accounts.
#[derive(Clone, Debug, Template)]
#[template(path = "web/accounts.html")]
pub struct AccountsPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Which kind.
    pub kind: AccountKind,
    /// The rows of this page.
    pub rows: Vec<AccountRow>,
    /// The neighbouring pages.
    pub pager: Pager,
    /// Whether the viewer may add and change.
    pub may_change: bool,
}

/// One user or service account.
#[derive(Clone, Debug)]
pub struct AccountRow {
    /// Its page.
    pub href: String,
    /// Sign-in name.
    pub name: String,
    /// Name in full, or what the program is for.
    pub description: String,
    /// Names of its roles.
    pub roles: Vec<String>,
    /// Whether it can come in.
    pub state: AccountState,
    /// When it last came in.
    pub last_seen: Option<Moment>,
}

/// Whether an account can come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// It can.
    Active,
    /// Somebody closed it.
    Disabled,
}

impl AccountState {
    /// As a badge.
    #[must_use]
    pub fn badge(self) -> Badge {
        match self {
            Self::Active => Badge::new("Active", Tone::Good),
            Self::Disabled => Badge::new("Disabled", Tone::Neutral),
        }
    }

    /// Whether it is [`AccountState::Disabled`].
    #[must_use]
    pub fn is_disabled(self) -> bool {
        self == Self::Disabled
    }
}

/// The form for a new user or service account.
#[derive(Clone, Debug, Template)]
#[template(path = "web/account_new.html")]
pub struct NewAccountPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Which kind.
    pub kind: AccountKind,
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `name`: sign-in name.
    pub name: Input,
    /// `description`.
    pub description: Input,
    /// `password`: users only; its value is never shown again.
    pub password: Input,
    /// `role`: one box for each role, `barred` where the viewer does not hold what the role grants.
    pub roles: Vec<Choice>,
}

/// One user or service account.
#[derive(Clone, Debug, Template)]
#[template(path = "web/account_detail.html")]
pub struct AccountDetailPage {
    /// Title (the sign-in name) and navigation.
    pub frame: Frame,
    /// Which kind.
    pub kind: AccountKind,
    /// Its number.
    pub id: i64,
    /// Name in full, or what the program is for.
    pub description: String,
    /// The identity provider by whose word it is known; it has no credentials here then.
    pub provider: Option<String>,
    /// Whether it can come in.
    pub state: AccountState,
    /// Since when it exists.
    pub created: Moment,
    /// When it last came in.
    pub last_seen: Option<Moment>,
    /// `role`: one box for each role, `barred` where the viewer does not hold what the role grants.
    pub roles: Vec<Choice>,
    /// `password`: a new one, users only; its value is never shown again.
    pub password: Input,
    /// Its API tokens.
    pub tokens: Vec<TokenRow>,
    /// A token that was just created.
    pub new_token: Option<ShownOnce>,
    /// The form for a new token.
    pub token_form: TokenForm,
    /// Its API clients.
    pub clients: ClientCard,
    /// The browsers in which it is signed in; none for programs.
    pub sessions: Vec<SessionLine>,
    /// Certificates it owns through its roles, as a link to the inventory.
    pub owned: Option<Link>,
    /// What it did, newest first.
    pub history: Vec<EventLine>,
    /// The permission to use the pages, where it is a person whose roles together lack it.
    pub lacks: Option<String>,
    /// Whether the viewer may change it.
    pub may_change: bool,
}

impl AccountDetailPage {
    fn path(&self, action: &str) -> String {
        format!("{}/{}/{action}", self.kind.path(), self.id)
    }

    fn review(&self) -> String {
        Address::new("/access/review").with("user", &self.frame.title).to_string()
    }

    fn end_session(&self, session: &i64) -> String {
        self.path(&format!("sessions/{session}/end"))
    }
}

/// A browser in which somebody is signed in.
#[derive(Clone, Debug)]
pub struct SessionLine {
    /// Its number.
    pub id: i64,
    /// `Firefox on Linux`.
    pub device: String,
    /// Where the sign-in came from.
    pub address: String,
    /// When it began.
    pub began: Moment,
    /// When it was last used.
    pub last_used: Moment,
}

/// One API token; the token itself is never shown again.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// Its number.
    pub id: i64,
    /// What it is for.
    pub name: String,
    /// Its first characters, by which people know it: `chd_3f9a…`.
    pub hint: String,
    /// What it may do; empty means all that its account may.
    pub scopes: Vec<String>,
    /// Since when it exists.
    pub created: Moment,
    /// When it ends; `None` means never.
    pub expires: Option<Moment>,
}

/// API clients of an account.
#[derive(Clone, Debug)]
pub struct ClientCard {
    /// Where the form for a new one is sent; a client is at `{action}/{id}/…`.
    pub action: String,
    /// Those that are of use.
    pub rows: Vec<ClientRow>,
    /// The id and the secret of one that was just made, shown this once.
    pub made: Option<(String, ShownOnce)>,
    /// Whether the viewer may make one.
    pub may_make: bool,
    /// Whether the viewer may revoke them.
    pub may_change: bool,
    /// `client_name`: what it is for.
    pub name: Input,
    /// `client_scopes`: permission paths, one a line; empty means all that the account may.
    pub scopes: Input,
}

impl ClientCard {
    /// Whether the form comes back with something wrong.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.name.error.is_some() || self.scopes.error.is_some()
    }

    pub(super) fn path(&self, client: &i64, what: &str) -> String {
        format!("{}/{client}/{what}", self.action)
    }
}

/// An API client.
#[derive(Clone, Debug)]
pub struct ClientRow {
    /// Its number.
    pub id: i64,
    /// What it sends as `client_id`.
    pub client_id: String,
    /// What it is for.
    pub name: String,
    /// Permission paths; empty: all that the account may.
    pub scopes: Vec<String>,
    /// Since when it exists.
    pub created: Moment,
}

/// The form for a new token.
#[derive(Clone, Debug, Default)]
pub struct TokenForm {
    /// Where it is sent: `/account/tokens` or `/users/{id}/tokens`. A token is revoked at `{action}/{id}/revoke`.
    pub action: String,
    /// Whether the viewer may make one: people make their own.
    pub is_offered: bool,
    /// `token_name`: what it is for.
    pub name: Input,
    /// `token_expires`: when it ends, as a number of days; empty means never.
    pub expires: Select,
    /// `token_scopes`: permission paths, one a line; empty means all that the account may.
    pub scopes: Input,
}

impl TokenForm {
    /// Whether it comes back with something wrong.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.name.error.is_some() || self.expires.error.is_some() || self.scopes.error.is_some()
    }

    pub(super) fn revoke_action(&self, token: &i64) -> String {
        format!("{}/{token}/revoke", self.action)
    }
}
