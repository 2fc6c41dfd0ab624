//! The rule of changing owners, walked through completely: against a second implementation written from the rule's words, and
//! against the table of its page.

use std::collections::BTreeSet;

use certhold_domain::access::{Access, HeldRole, Path};
use certhold_domain::ownership::{Denial, Facts, Grounds, OwnerRole, Scope, decide, decide_beforehand};
use certhold_domain::{CollectionId, ContainerId, PermissionSetId, RoleId};

const PLAIN: &str = "/certificates/collections/change_owner/";
const STORES: &str = "/certificate_stores/change_owner/";
const EXPANDED: &str = "/certificates/expanded_change_owner/";
const READ: &str = "/security/read/";

fn role(id: i64, set: i64, grants: &[&str], bound: &[&str], built_in: bool) -> HeldRole {
    let paths = |texts: &[&str]| texts.iter().map(|text| Path::parse(text).unwrap()).collect();
    let (name, set_name) = (format!("role {id}"), format!("set {set}"));
    HeldRole { id: RoleId(id), name, built_in, set: PermissionSetId(set), set_name, grants: paths(grants), bound: paths(bound) }
}

fn access(roles: Vec<HeldRole>, scopes: Option<&[&str]>) -> Access {
    let scopes = scopes.map(|texts| texts.iter().map(|text| Path::parse(text).unwrap()).collect());
    Access { version: 1, roles, scopes, unbounded: false }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Plain,
    Administrator,
    Expanded,
    Outside,
    Missing,
    Role,
}

fn answer(access: &Access, facts: &Facts) -> Answer {
    match decide(access, facts) {
        Ok(Grounds::Plain) => Answer::Plain,
        Ok(Grounds::Administrator) => Answer::Administrator,
        Ok(Grounds::Expanded) => Answer::Expanded,
        Err(Denial::OutsideScope(_)) => Answer::Outside,
        Err(Denial::NoGrant { .. }) => Answer::Missing,
        Err(Denial::RoleNotHeld { .. }) => Answer::Role,
    }
}

/// The rule as one would carry it out by hand, on segments of paths, sharing nothing with the implementation.
fn by_hand(access: &Access, facts: &Facts) -> Answer {
    let split = |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let includes = |wide: &str, narrow: &str| split(narrow).starts_with(&split(wide));
    let any = |paths: &[Path], needed: &str| paths.iter().any(|path| includes(path.as_str(), needed));
    let scoped = |needed: &str| access.scopes.as_ref().is_none_or(|scopes| any(scopes, needed));
    let brings = |role: &HeldRole, needed: &str| any(&role.grants, needed) && any(&role.bound, needed) && scoped(needed);
    let has = |needed: &str| access.roles.iter().any(|role| brings(role, needed));

    let collection = facts.scope.collection.map(|id| id.0);
    let container = if collection.is_some() { None } else { facts.scope.container.map(|id| id.0) };
    if collection.is_some() && !facts.in_collection || container.is_some() && !facts.in_container {
        return Answer::Outside;
    }
    let mut granted = has(PLAIN);
    if let Some(id) = collection {
        granted |= has(&format!("{PLAIN}{id}/"));
    }
    if facts.in_some_store {
        granted |= has(STORES);
        if let Some(id) = container {
            granted |= has(&format!("{STORES}{id}/"));
        }
    }
    let mut roles = Vec::new();
    roles.extend(facts.owner.iter());
    roles.extend(facts.to.iter());
    let mine = |role: &OwnerRole| access.roles.iter().any(|held| held.id == role.id);
    let sets: BTreeSet<i64> =
        access.roles.iter().filter(|role| brings(role, EXPANDED) && brings(role, READ)).map(|role| role.set.0).collect();
    if granted && roles.iter().all(|role| mine(role)) {
        return Answer::Plain;
    }
    if granted && access.roles.iter().any(|role| role.built_in) {
        return Answer::Administrator;
    }
    if !sets.is_empty() && roles.iter().all(|role| sets.contains(&role.set.0)) {
        return Answer::Expanded;
    }
    if granted || !sets.is_empty() { Answer::Role } else { Answer::Missing }
}

fn owners() -> Vec<Option<OwnerRole>> {
    // Roles 1 (set 1) and 2 (set 2) can be held; 3 is another of set 1, 4 another of set 2, 5 of set 3.
    let role = |(id, set): (i64, i64)| OwnerRole { id: RoleId(id), name: format!("role {id}"), set: PermissionSetId(set) };
    std::iter::once(None).chain([(1, 1), (2, 2), (3, 1), (4, 2), (5, 3)].map(role).map(Some)).collect()
}

/// Every set of grants that makes a difference, for one role.
fn grants() -> Vec<Vec<&'static str>> {
    let each = [
        PLAIN,
        "/certificates/collections/change_owner/7/",
        "/certificates/collections/change_owner/8/",
        STORES,
        "/certificate_stores/change_owner/4/",
        EXPANDED,
        READ,
    ];
    let chosen = |number: usize| each.iter().enumerate().filter(|(at, _)| number >> at & 1 == 1).map(|(_, path)| *path).collect();
    let mut all: Vec<Vec<&str>> = (0..1 << each.len()).map(chosen).collect();
    all.extend([vec!["/"], vec!["/certificates/"], vec!["/certificates/", "/security/"]]);
    all
}

fn scopes_of_requests() -> Vec<Facts> {
    let mut all = Vec::new();
    for (collection, container) in [(None, None), (Some(7), None), (None, Some(4)), (Some(7), Some(4))] {
        for number in 0..8 {
            all.push(Facts {
                scope: Scope { collection: collection.map(CollectionId), container: container.map(ContainerId) },
                in_collection: number & 1 > 0,
                in_container: number & 2 > 0,
                // What is in a container's store is in some store.
                in_some_store: number & 6 > 0,
                ..Facts::default()
            });
        }
    }
    all
}

#[test]
fn every_combination_is_decided_as_by_hand() {
    let (mut decided, mut seen) = (0_u64, BTreeSet::new());
    let roles: Vec<Vec<HeldRole>> = grants()
        .iter()
        .flat_map(|grants| {
            [
                vec![role(1, 1, grants, &["/"], false)],
                vec![role(1, 1, grants, &["/certificates/"], false)],
                vec![role(1, 1, grants, &["/"], true)],
                vec![role(1, 1, grants, &["/"], false), role(2, 2, &[EXPANDED, READ], &["/"], false)],
                vec![role(1, 1, &[READ], &["/"], false), role(2, 2, grants, &["/"], false)],
            ]
        })
        .collect();
    let scopes: [Option<&[&str]>; 3] = [None, Some(&["/certificates/"]), Some(&["/certificates/collections/", "/portal/"])];
    for roles in roles {
        for scopes in scopes {
            let access = access(roles.clone(), scopes);
            for request in scopes_of_requests() {
                for (owner, to) in owners().into_iter().flat_map(|owner| owners().into_iter().map(move |to| (owner.clone(), to)))
                {
                    let facts = Facts { owner, to, ..request.clone() };
                    let told = answer(&access, &facts);
                    assert_eq!(told, by_hand(&access, &facts), "{access:?} {facts:?}");
                    if decide_beforehand(&access, facts.scope).is_err() {
                        assert!(matches!(told, Answer::Outside | Answer::Missing), "refused beforehand, {told:?} afterwards");
                    }
                    seen.insert(told);
                    decided += 1;
                }
            }
        }
    }
    assert_eq!(seen.len(), 6, "every answer occurs: {seen:?}");
    assert!(decided > 1_000_000, "{decided}");
}

/// A line of the page's table.
struct Line {
    right: String,
    names: String,
    owner: String,
    to: String,
    answer: Answer,
}

fn table() -> Vec<Line> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/change-owner.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, table) = page.split_once("## The table").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    let line = |row: &str| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let answer = match cells[4] {
            "allowed: plain" => Answer::Plain,
            "allowed: administrator" => Answer::Administrator,
            "allowed: expanded" => Answer::Expanded,
            "refused: outside" => Answer::Outside,
            "refused: missing" => Answer::Missing,
            "refused: role" => Answer::Role,
            other => panic!("{other:?} is no answer"),
        };
        let [right, names, owner, to] = [cells[0], cells[1], cells[2], cells[3]].map(str::to_owned);
        Line { right, names, owner, to, answer }
    };
    rows.map(line).collect()
}

fn fits(cell: &str, what: &str) -> bool {
    cell == "any" || cell.replace(" or ", ", ").split(", ").any(|word| word == what)
}

#[test]
fn the_table_of_the_page_is_what_happens() {
    let table = table();
    assert!(table.len() > 10);
    let rights: [(&str, &[&str], bool); 5] = [
        ("none", &["/certificates/import/"], false),
        ("plain", &[PLAIN], false),
        ("plain, administrator", &[PLAIN], true),
        ("plain and expanded", &[PLAIN, EXPANDED, READ], false),
        ("expanded", &[EXPANDED, READ], false),
    ];
    let places = [("nothing", None, None), ("a collection without it", Some(7), None), ("a container without it", None, Some(4))];
    let owners = [("none", None), ("yours", Some((1, 1))), ("of your set", Some((3, 1))), ("foreign", Some((5, 3)))];
    let mut used = BTreeSet::new();
    for (right, grants, built_in) in rights {
        let access = access(vec![role(1, 1, grants, &["/"], built_in)], None);
        for (place, collection, container) in places {
            for (owner_word, owner) in owners {
                for (to_word, to) in owners {
                    let of = |(id, set): (i64, i64)| OwnerRole { id: RoleId(id), name: String::new(), set: PermissionSetId(set) };
                    let scope = Scope { collection: collection.map(CollectionId), container: container.map(ContainerId) };
                    let facts = Facts { scope, owner: owner.map(of), to: to.map(of), ..Facts::default() };
                    // Without the expanded right nothing is "of your set", and roles of one's own are of it with it.
                    let word = |word: &'static str| match (word, right.contains("expanded"), right) {
                        ("of your set", false, _) => "foreign",
                        ("yours", _, "expanded") => "of your set",
                        _ => word,
                    };
                    let (owner, to) = (word(owner_word), word(to_word));
                    let is_right =
                        |cell: &str| cell == "any" || cell == right || (cell == "plain" && right == "plain, administrator");
                    let found = table.iter().enumerate().find(|(_, line)| {
                        is_right(&line.right) && fits(&line.names, place) && fits(&line.owner, owner) && fits(&line.to, to)
                    });
                    let (number, line) = found.unwrap_or_else(|| panic!("no line for {right}, {place}, {owner}, {to}"));
                    used.insert(number);
                    assert_eq!(answer(&access, &facts), line.answer, "{right}, {place}, {owner}, {to}");
                }
            }
        }
    }
    assert_eq!(used.len(), table.len(), "every line decides something: {used:?}");
}
