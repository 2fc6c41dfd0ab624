//! `/roles`: what may be done, and who may.

use askama::Template;

use super::filters;
use super::form::{Input, Select};
use super::frame::Frame;
use super::text::Link;

/// All roles.
#[derive(Clone, Debug, Template)]
#[template(path = "web/roles.html")]
pub struct RolesPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The roles.
    pub rows: Vec<RoleRow>,
    /// Whether the viewer may add and change.
    pub may_change: bool,
}

/// One role of the list.
#[derive(Clone, Debug)]
pub struct RoleRow {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How many permission paths it grants.
    pub permissions: i64,
    /// How many accounts hold it.
    pub members: i64,
    /// How many certificates it owns.
    pub owned: i64,
    /// Whether it came with Certhold and cannot be changed.
    pub is_built_in: bool,
}

/// One role.
#[derive(Clone, Debug, Template)]
#[template(path = "web/role_detail.html")]
pub struct RoleDetailPage {
    /// Title (the role's name) and navigation.
    pub frame: Frame,
    /// Its number.
    pub id: i64,
    /// What it is for.
    pub description: String,
    /// Whether it came with Certhold and cannot be changed.
    pub is_built_in: bool,
    /// The permission set that bounds it.
    pub set: Link,
    /// What it grants.
    pub permissions: Vec<Permission>,
    /// What of that has no effect, because the permission set does not allow it.
    pub without_effect: Vec<String>,
    /// Who holds it; the first thousand.
    pub members: Vec<Member>,
    /// `member`: the name of an account that is to hold it, too; `None`: the viewer may not hand it out.
    pub new_member: Option<Input>,
    /// Names of accounts that could.
    pub accounts: Vec<String>,
    /// How many accounts hold it.
    pub holders: i64,
    /// The claims through which it is held.
    pub claims: Vec<Link>,
    /// How many certificates it owns, as a link to the inventory.
    pub owned: Option<Link>,
    /// The form that changes it; `None`: the viewer may not, or nobody may.
    pub form: Option<RoleForm>,
    /// Where to send the removal, if it may be removed.
    pub remove_action: Option<String>,
}

/// An account that holds a role.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its page.
    pub account: Link,
    /// Where the role is taken from it; `None`: the viewer may not.
    pub remove_action: Option<String>,
}

/// A permission path and what it means.
#[derive(Clone, Debug)]
pub struct Permission {
    /// `/certificates/collections/read/12/`.
    pub path: String,
    /// `Read certificates in the collection “Payments”`.
    pub meaning: String,
}

/// A node of the permission tree, as a box.
#[derive(Clone, Debug)]
pub struct Node {
    /// The path.
    pub path: String,
    /// What it allows; empty for a node that only includes others.
    pub meaning: String,
    /// How far from the root, at most 5.
    pub depth: usize,
    /// Whether it is granted.
    pub is_chosen: bool,
}

/// The form for a new role.
#[derive(Clone, Debug, Template)]
#[template(path = "web/role_new.html")]
pub struct NewRolePage {
    /// Title and navigation.
    pub frame: Frame,
    /// The form.
    pub form: RoleForm,
}

/// Fields of a role.
#[derive(Clone, Debug, Default)]
pub struct RoleForm {
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `name`.
    pub name: Input,
    /// `description`.
    pub description: Input,
    /// `email`.
    pub email: Input,
    /// `set`: the permission set.
    pub set: Select,
    /// `grant`: one box for each node of the permission tree.
    pub tree: Vec<Node>,
    /// `permissions`: further paths, one a line.
    pub permissions: Input,
}
