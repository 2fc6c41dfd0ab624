//! Which roles have rights on one collection or container, and the forms that give and take them.

use super::form::{Choice, Select};
use super::text::Link;

/// The rights that roles have on one object. For the macro of `rights.html`.
#[derive(Clone, Debug)]
pub struct RightsCard {
    /// Where rights are given; `/take` below it takes them away.
    pub action: String,
    /// `collection` or `container`.
    pub noun: &'static str,
    /// The roles that have rights on it.
    pub held: Vec<RoleRights>,
    /// The form that gives rights; `None`: the viewer may not.
    pub form: Option<RightsForm>,
}

/// The rights of one role.
#[derive(Clone, Debug)]
pub struct RoleRights {
    /// The role.
    pub role: Link,
    /// Its number: `role`.
    pub number: i64,
    /// Its rights on the object.
    pub rights: Vec<RightLine>,
}

impl RoleRights {
    /// Whether the viewer may take any of them away.
    #[must_use]
    pub fn may_take(&self) -> bool {
        self.rights.iter().any(|right| right.may_take)
    }
}

/// One right.
#[derive(Clone, Debug)]
pub struct RightLine {
    /// What it allows, as a sentence.
    pub meaning: String,
    /// Its path, with the object's number: `right` where it is taken away.
    pub path: String,
    /// Whether the viewer may take it away here: the role names it, and is theirs to change.
    pub may_take: bool,
}

/// The form that gives rights.
#[derive(Clone, Debug, Default)]
pub struct RightsForm {
    /// Why it was refused.
    pub error: Option<String>,
    /// `role`.
    pub role: Select,
    /// `right`: the paths with the object's number, in sentences; the path is the hint.
    pub rights: Vec<Choice>,
}
