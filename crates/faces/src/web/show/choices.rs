//! What can be chosen in forms.

use certhold_domain::access::Access;
use certhold_domain::access::roles::Role;
use certhold_domain::ownership::Candidate;

use crate::web::refused::sentence;
use crate::web::view::form::{Choice, Select};

/// Roles as owners, those that cannot be chosen with the reason; the empty choice is nobody.
pub fn owners(roles: &[Candidate], chosen: &str) -> Select {
    let role = |one: &Candidate| {
        let choice = Choice::new(one.role.to_string(), &one.name);
        match &one.barred {
            Some(why) => choice.barred(sentence(why)),
            None => choice,
        }
    };
    Select::of(std::iter::once(Choice::new("", "Nobody")).chain(roles.iter().map(role)).collect()).choose(chosen)
}

/// Why somebody may not hand out or take away a role; `None` when they may.
pub fn barred(access: &Access, role: &Role) -> Option<String> {
    let missing = role.permissions.iter().find(|path| !access.may_grant(path))?;
    Some(format!("You do not hold {}, which this role grants.", missing.as_str()))
}

/// One box for each role.
pub fn roles(access: &Access, all: &[Role], ticked: &[i64]) -> Vec<Choice> {
    let choice = |role: &Role| {
        let mut choice = Choice::new(role.id.to_string(), &role.name).with_hint(&role.description);
        choice.is_chosen = ticked.contains(&role.id.0);
        choice.barred = barred(access, role);
        choice
    };
    all.iter().map(choice).collect()
}

/// Named things by number; the first is chosen unless another one is.
pub fn named(all: impl IntoIterator<Item = (i64, String)>, chosen: &str) -> Select {
    Select::of(all.into_iter().map(|(id, name)| Choice::new(id.to_string(), name)).collect()).choose(chosen)
}
