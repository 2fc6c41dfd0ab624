//! `/access`, `/permission-sets`, `/claims`: who may do what, why, and what bounds it.

use askama::Template;

use super::filters;
use super::form::{Check, Choice, Input, Select};
use super::frame::Frame;
use super::roles::{Node, Permission};
use super::table::Pager;
use super::text::Link;
use super::time::Moment;
use super::tone::Badge;

/// All permission sets.
#[derive(Clone, Debug, Template)]
#[template(path = "web/sets.html")]
pub struct SetsPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The sets.
    pub rows: Vec<SetRow>,
    /// Whether the viewer may add and change.
    pub may_change: bool,
}

/// One permission set of the list.
#[derive(Clone, Debug)]
pub struct SetRow {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// What roles inside it may be given at most.
    pub permissions: Vec<String>,
    /// How many roles are inside it.
    pub roles: i64,
    /// Whether it bounds the administrator role and cannot be changed.
    pub is_built_in: bool,
}

/// One permission set, or the form for a new one.
#[derive(Clone, Debug, Template)]
#[template(path = "web/set_form.html")]
pub struct SetPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Whether it is still to be added.
    pub is_new: bool,
    /// Where the form is sent.
    pub action: String,
    /// What it allows at most.
    pub permissions: Vec<String>,
    /// The form that changes it; `None`: the viewer may not, or nobody may.
    pub form: Option<SetForm>,
    /// The roles inside it.
    pub roles: Vec<Link>,
    /// After a change: what roles grant in vain from now on.
    pub stopped: Vec<Affected>,
    /// After a change: what roles grant with effect again.
    pub began: Vec<Affected>,
    /// Where to send the removal, if it may be removed.
    pub remove_action: Option<String>,
}

/// Fields of a permission set.
#[derive(Clone, Debug, Default)]
pub struct SetForm {
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `name`.
    pub name: Input,
    /// `grant`: one box for each node of the permission tree.
    pub tree: Vec<Node>,
    /// `permissions`: further paths, one a line.
    pub permissions: Input,
}

/// What a change of a set did to one role.
#[derive(Clone, Debug)]
pub struct Affected {
    /// The role.
    pub role: Link,
    /// What of it is concerned.
    pub paths: Vec<String>,
    /// How many accounts hold it.
    pub holders: i64,
}

/// All claims.
#[derive(Clone, Debug, Template)]
#[template(path = "web/claims.html")]
pub struct ClaimsPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The claims.
    pub rows: Vec<ClaimRow>,
    /// The form for a new one, if the viewer may add.
    pub form: Option<ClaimForm>,
}

/// One claim of the list.
#[derive(Clone, Debug)]
pub struct ClaimRow {
    /// Its page.
    pub href: String,
    /// `group`, `oauth_role` …
    pub kind: String,
    /// What is said.
    pub value: String,
    /// Who says it.
    pub provider: String,
    /// Whether no identity provider of that name is configured, as far as the viewer may know.
    pub is_unknown: bool,
    /// What it is for.
    pub description: String,
    /// Names of the roles that it gives.
    pub roles: Vec<String>,
}

/// Fields of a new claim.
#[derive(Clone, Debug, Default)]
pub struct ClaimForm {
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `type`.
    pub kind: Select,
    /// `value`.
    pub value: Input,
    /// `provider`: the identity providers that are configured, the empty choice being another one; `None`: the viewer may not see
    /// them.
    pub providers: Option<Select>,
    /// `other_provider`, or `provider` where there is no list: one by its name.
    pub provider: Input,
    /// `description`.
    pub description: Input,
}

/// One claim.
#[derive(Clone, Debug, Template)]
#[template(path = "web/claim.html")]
pub struct ClaimPage {
    /// Title (what is said) and navigation.
    pub frame: Frame,
    /// Its number.
    pub id: i64,
    /// `group`, `oauth_role` …
    pub kind: String,
    /// Who says it.
    pub provider: String,
    /// Whether no identity provider of that name is configured, as far as the viewer may know.
    pub is_unknown: bool,
    /// What it is for.
    pub description: String,
    /// Since when it is stored.
    pub created: Moment,
    /// `role`: one box for each role, `barred` where the viewer may not hand it out.
    pub roles: Vec<Choice>,
    /// `description`: a new one.
    pub new_description: Input,
    /// Whether the viewer may change it.
    pub may_change: bool,
}

impl ClaimPage {
    fn path(&self, action: &str) -> String {
        format!("/claims/{}/{action}", self.id)
    }
}

/// Why somebody may do something.
#[derive(Clone, Debug, Template)]
#[template(path = "web/why.html")]
pub struct WhyPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Why there is no answer.
    pub error: Option<String>,
    /// `user`: the name of an account; empty for oneself.
    pub user: Input,
    /// `token`: the number of an API token.
    pub token: Input,
    /// `client`: the number of an API client.
    pub client: Input,
    /// `claim`: its number.
    pub claim: Input,
    /// `action`: a permission.
    pub action: Input,
    /// `certificate`: its number.
    pub certificate: Input,
    /// `collection`: its number.
    pub collection: Input,
    /// `container`: its number.
    pub container: Input,
    /// The answer, if something was asked.
    pub answer: Option<WhyAnswer>,
    /// Every permission, as a question.
    pub known: Vec<WhyLink>,
}

/// A permission that can be asked about.
#[derive(Clone, Debug)]
pub struct WhyLink {
    /// The same question about this permission.
    pub href: String,
    /// The path.
    pub path: String,
    /// What it allows.
    pub meaning: String,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct WhyAnswer {
    /// About whom.
    pub subject: String,
    /// `Allowed` or `Not allowed`.
    pub badge: Badge,
    /// Why.
    pub sentence: String,
    /// The permission.
    pub action: String,
    /// What it allows.
    pub meaning: String,
    /// Paths of which any one would have been enough.
    pub missing: Vec<String>,
    /// What each role contributes.
    pub roles: Vec<WhyRole>,
}

/// What one role contributes.
#[derive(Clone, Debug)]
pub struct WhyRole {
    /// The role.
    pub role: Link,
    /// `Brings it` or `Does not`.
    pub badge: Badge,
    /// The permission set that bounds it.
    pub set: String,
    /// Why, or why not.
    pub verdict: String,
}

/// The access review.
#[derive(Clone, Debug, Template)]
#[template(path = "web/review.html")]
pub struct ReviewPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Now.
    pub as_of: Moment,
    /// Why the filter was refused.
    pub error: Option<String>,
    /// `user`: the name of an account.
    pub user: Input,
    /// `action`.
    pub action: Select,
    /// The permission that is shown; empty for all.
    pub action_value: String,
    /// `role`.
    pub role: Select,
    /// The role that is shown; empty for all.
    pub role_value: String,
    /// `disabled`.
    pub disabled: Check,
    /// The lines.
    pub rows: Vec<ReviewRow>,
    /// The neighbouring pages.
    pub pager: Pager,
}

/// One line of the review.
#[derive(Clone, Debug)]
pub struct ReviewRow {
    /// Who.
    pub holder: Link,
    /// `person`, `service account`, `claim`.
    pub kind: String,
    /// Whether the account is disabled.
    pub is_disabled: bool,
    /// What it allows.
    pub meaning: String,
    /// The permission.
    pub action: String,
    /// The question why.
    pub why: String,
    /// Where.
    pub reach: String,
    /// The restriction by owner, in words.
    pub owners: String,
    /// The roles that bring it.
    pub roles: Vec<Link>,
    /// How many certificates are within reach.
    pub certificates: Option<i64>,
}

/// A permission and the roles that bring it for one certificate.
#[derive(Clone, Debug)]
pub struct WhoMay {
    /// What it allows.
    pub permission: Permission,
    /// The question why, about the viewer.
    pub why: String,
    /// The roles that bring it.
    pub roles: Vec<Link>,
}
