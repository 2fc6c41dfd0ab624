//! Reasons of a change of owner, which is restricted by who owns the certificate.

use super::super::evaluate::{Access, HeldRole};
use super::super::paths;
use super::Explanation;
use super::place::Place;
use crate::ownership::{self, Denial, Facts, Grounds, OwnerRole, Scope, Standing};

/// The actions that the rule of owners decides, where the certificate is known.
pub(super) const ACTIONS: [&str; 3] =
    [paths::CERTIFICATES_CHANGE_OWNER, paths::STORES_CHANGE_OWNER, paths::EXPANDED_CHANGE_OWNER];

/// Everywhere first, then through each collection and each container that it is in, as requests could name them.
pub(super) fn explain(access: &Access, standing: &Standing, place: &Place, answer: Explanation) -> Explanation {
    let collections = place.collections.iter().map(|(id, _)| Scope { collection: Some(*id), container: None });
    let containers = place.containers.iter().map(|(id, _)| Scope { collection: None, container: Some(*id) });
    let belongs = match &standing.owner {
        Some(role) => format!("it belongs to role {}", role.name),
        None => "it belongs to nobody".to_owned(),
    };
    let mut denial = None;
    for scope in std::iter::once(Scope::default()).chain(collections).chain(containers) {
        let facts = standing.within(scope, scope.collection.is_some(), scope.container.is_some());
        match ownership::decide(access, &facts) {
            Ok(grounds) => {
                let by = brought(access, &grounds, &facts, place);
                let why = match grounds {
                    Grounds::Plain if standing.owner.is_some() => ", and they hold that role",
                    Grounds::Administrator => ", and administrators pass the comparison of roles",
                    Grounds::Expanded => ", and the expanded right is held in its permission set",
                    Grounds::Plain => "",
                };
                return Explanation { allowed: true, sentence: format!("Allowed{by}: {belongs}{why}."), ..answer };
            }
            Err(found) => denial = Some(better(denial, found)),
        }
    }
    match denial {
        Some(Denial::NoGrant { missing, .. }) => {
            Explanation { sentence: format!("Missing {}.", missing.join(" or ")), missing, ..answer }
        }
        Some(Denial::RoleNotHeld { role, .. }) => {
            let sentence = format!(
                "The right is there, but {belongs}: only somebody who holds the role {role} may give or take its certificates."
            );
            Explanation { sentence, ..answer }
        }
        Some(Denial::OutsideScope(reason)) => Explanation { sentence: reason, ..answer },
        None => answer,
    }
}

/// Of two refusals the one that says more: a role that is not held over a right that is missing; of missing rights, all.
fn better(before: Option<Denial>, found: Denial) -> Denial {
    match (before, found) {
        (Some(Denial::NoGrant { mut missing, reason }), Denial::NoGrant { missing: more, .. }) => {
            for path in more {
                if !missing.contains(&path) {
                    missing.push(path);
                }
            }
            Denial::NoGrant { missing, reason }
        }
        (Some(before @ Denial::RoleNotHeld { .. }), _) => before,
        (_, found) => found,
    }
}

/// Which role brings it, and through what.
fn brought(access: &Access, grounds: &Grounds, facts: &Facts, place: &Place) -> String {
    let role = |path: &str, owner: Option<&OwnerRole>| {
        let in_set = |role: &&HeldRole| owner.is_none_or(|owner| role.set == owner.set);
        access.roles.iter().filter(in_set).find(|role| role.brings(path) && access.in_scope(path))
    };
    let said = |role: &HeldRole, through: &str| format!(" by role {}{through} (set {} bounds it)", role.name, role.set_name);
    if *grounds == Grounds::Expanded {
        return role(paths::EXPANDED_CHANGE_OWNER, facts.owner.as_ref()).map_or_else(String::new, |role| said(role, ""));
    }
    // In the order of the rule.
    let mut ways = vec![(paths::CERTIFICATES_CHANGE_OWNER.to_owned(), String::new())];
    if let Some(id) = facts.scope.collection {
        ways.push((format!("{}{id}/", paths::CERTIFICATES_CHANGE_OWNER), place.through_collection(id)));
    }
    if facts.in_some_store {
        ways.push((paths::STORES_CHANGE_OWNER.to_owned(), " over all certificate stores".to_owned()));
    }
    if let Some(id) = facts.scope.effective_container() {
        ways.push((format!("{}{id}/", paths::STORES_CHANGE_OWNER), place.through_container(id)));
    }
    let found = ways.iter().find_map(|(path, through)| role(path, None).map(|role| said(role, through)));
    found.unwrap_or_default()
}
