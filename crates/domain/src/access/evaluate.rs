//! The one pure evaluation of rights, which says why.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::error::Refusal;
use crate::ids::{CollectionId, ContainerId, PermissionSetId, RoleId};
use crate::limits;

/// A normalised permission path: starts and ends with `/`, lower case, no empty segments.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Path(String);

impl Path {
    /// Normalises what somebody wrote; a missing slash at either end is forgiven.
    pub fn parse(text: &str) -> Result<Path, Refusal> {
        let inner = text.trim().trim_matches('/').to_lowercase();
        if inner.is_empty() {
            return match text.trim() {
                "/" => Ok(Path("/".into())),
                _ => Err(Refusal::invalid(
                    "permissions",
                    "a permission path looks like /certificates/import/, or / for everything",
                )),
            };
        }
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let well_formed = inner.split('/').all(|segment| !segment.is_empty() && segment.chars().all(legal));
        if !well_formed || inner.len() > limits::PATH_CHARS {
            return Err(Refusal::invalid(
                "permissions",
                format!("{text:?} is not a permission path: segments of letters, digits, '_' and '-' between single slashes"),
            ));
        }
        Ok(Path(format!("/{inner}/")))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether holding this path includes `needed`. The closing slash keeps `/…/1/` from covering `/…/12/`.
    pub fn covers(&self, needed: &str) -> bool {
        needed.starts_with(&self.0)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Path, D::Error> {
        let text = String::deserialize(deserializer)?;
        Path::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The level at which a right was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Everywhere.
    System,
    /// Inside one collection the request named.
    Collection,
    /// Inside one container the request named.
    Container,
}

/// What an operation needs: alternatives, tried system-wide first, then collection, then container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    alternatives: Vec<(Level, String)>,
}

impl Need {
    /// The right held system-wide.
    pub fn system(path: &str) -> Need {
        Need { alternatives: vec![(Level::System, path.to_owned())] }
    }

    /// … or another right that includes it, held system-wide.
    pub fn or_system(mut self, path: &str) -> Need {
        self.alternatives.push((Level::System, path.to_owned()));
        self
    }

    /// … or for the collection the request names (in which the object was found to be).
    pub fn or_collection(mut self, path: &str, collection: Option<CollectionId>) -> Need {
        self.alternatives.extend(collection.map(|id| (Level::Collection, format!("{path}{id}/"))));
        self
    }

    /// … or for the container the request names (in which the object was found to be).
    pub fn or_container(mut self, path: &str, container: Option<ContainerId>) -> Need {
        self.alternatives.extend(container.map(|id| (Level::Container, format!("{path}{id}/"))));
        self
    }
}

/// A role an actor holds, with the grants it brings and the set that bounds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRole {
    /// The role.
    pub id: RoleId,
    /// Its name, for sentences.
    pub name: String,
    /// Whether it is the built-in administrator.
    pub built_in: bool,
    /// The set that bounds it.
    pub set: PermissionSetId,
    /// That set's name, for sentences.
    pub set_name: String,
    /// What it grants.
    pub grants: Vec<Path>,
    /// What its permission set allows at most.
    pub bound: Vec<Path>,
}

impl HeldRole {
    /// Whether this role alone brings `path`: it grants it, and its set allows it.
    pub fn brings(&self, path: &str) -> bool {
        covers_any(&self.grants, path) && covers_any(&self.bound, path)
    }

    /// What this role alone brings: its grants inside its set, and what the set leaves of wider ones.
    pub fn brought(&self) -> Vec<Path> {
        effective(&self.grants, &self.bound)
    }
}

/// One of the ways in which a need can be met, and what became of it in one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Where the right would hold.
    pub level: Level,
    /// The path that was asked for.
    pub path: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// What became of one path in one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Granted, and allowed by set and scopes.
    Allowed,
    /// The role does not grant it.
    NotGranted,
    /// The role grants it, its permission set does not allow it.
    OutsideSet,
    /// Granted and allowed by the set, but outside the scopes of the token.
    OutsideScopes,
}

/// Everything that decides what an actor may do, at one version of the access tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The version of the access tables this was read at.
    pub version: i64,
    /// The roles held.
    pub roles: Vec<HeldRole>,
    /// An API token's own bound; `None` for no further bound.
    pub scopes: Option<Vec<Path>>,
    /// Certhold itself and the local operator: not bounded by roles.
    pub unbounded: bool,
}

/// The outcome of an evaluation, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Allowed through this role at this level.
    Allowed {
        /// The role's name, `None` for Certhold itself and the local operator.
        role: Option<String>,
        /// Where the grant holds.
        level: Level,
    },
    /// Refused; holding any one of `missing` would have allowed it.
    Denied {
        /// The paths that were tried.
        missing: Vec<String>,
        /// What stood in the way beside a missing grant ("the token's scopes do not include it").
        reason: String,
    },
}

impl Access {
    /// No rights at all.
    pub fn nothing() -> Access {
        Access { version: -1, roles: Vec::new(), scopes: None, unbounded: false }
    }

    /// Certhold itself and the local operator.
    pub(crate) fn everything() -> Access {
        Access { version: -1, roles: Vec::new(), scopes: None, unbounded: true }
    }

    /// Whether this role is held.
    pub fn holds(&self, role: RoleId) -> bool {
        self.unbounded || self.roles.iter().any(|held| held.id == role)
    }

    /// Whether the built-in administrator role is held.
    pub fn is_administrator(&self) -> bool {
        self.unbounded || self.roles.iter().any(|held| held.built_in)
    }

    /// Decides. Pure; effective rights are the union over roles, each bounded by its permission set, all bounded by the
    /// token's scopes.
    pub fn evaluate(&self, need: &Need) -> Decision {
        if self.unbounded {
            return Decision::Allowed { role: None, level: Level::System };
        }
        let mut reason = "";
        for (level, path) in &need.alternatives {
            let granting = self.roles.iter().find(|role| role.brings(path));
            match granting {
                Some(_) if !self.in_scope(path) => reason = "the token's scopes do not include it",
                Some(role) => return Decision::Allowed { role: Some(role.name.clone()), level: *level },
                None if self.roles.iter().any(|role| covers_any(&role.grants, path)) => {
                    reason = "the role's permission set does not allow it";
                }
                None => {}
            }
        }
        let missing = need.alternatives.iter().map(|(_, path)| path.clone()).collect();
        Decision::Denied { missing, reason: reason.to_owned() }
    }

    /// Whether a right is held system-wide.
    pub fn allows(&self, path: &str) -> bool {
        matches!(self.evaluate(&Need::system(path)), Decision::Allowed { .. })
    }

    /// What all roles held bring, within the token's scopes, sorted. Not for whoever is not bounded by roles.
    pub fn brought(&self) -> Vec<Path> {
        let within = |role: &HeldRole| match &self.scopes {
            Some(scopes) => effective(&role.brought(), scopes),
            None => role.brought(),
        };
        let mut brought: Vec<Path> = self.roles.iter().flat_map(within).collect();
        brought.sort();
        brought.dedup();
        brought
    }

    /// What each role held makes of each way to meet a need; the reasons behind [`Access::evaluate`].
    pub fn explain(&self, need: &Need) -> Vec<(&HeldRole, Vec<Tried>)> {
        let tried = |role: &HeldRole| {
            let alternatives = need.alternatives.iter();
            alternatives
                .map(|(level, path)| Tried { level: *level, path: path.clone(), verdict: self.verdict(role, path) })
                .collect()
        };
        self.roles.iter().map(|role| (role, tried(role))).collect()
    }

    fn verdict(&self, role: &HeldRole, path: &str) -> Verdict {
        match (covers_any(&role.grants, path), covers_any(&role.bound, path), self.in_scope(path)) {
            (false, ..) => Verdict::NotGranted,
            (true, false, _) => Verdict::OutsideSet,
            (true, true, false) => Verdict::OutsideScopes,
            (true, true, true) => Verdict::Allowed,
        }
    }

    /// Whether the roles inside this set are theirs to administer: they hold `modify` through a role of the same set, or of a set
    /// that allows all that this one allows and more. Sets that allow the same are beside each other; only the built-in
    /// administrator, whose set nothing is wider than, reaches them all.
    pub fn administers(&self, modify: &str, set: PermissionSetId, bound: &[Path]) -> bool {
        let all_in = |some: &[Path], others: &[Path]| some.iter().all(|path| covers_any(others, path.as_str()));
        let is_wider = |role: &HeldRole| all_in(bound, &role.bound) && !all_in(&role.bound, bound);
        let reaches = |role: &HeldRole| role.set == set || role.built_in || is_wider(role);
        self.unbounded || (self.in_scope(modify) && self.roles.iter().any(|role| role.brings(modify) && reaches(role)))
    }

    /// Whether everything below `path` is held system-wide: what one must hold to grant `path` to others.
    pub fn may_grant(&self, path: &Path) -> bool {
        self.allows(path.as_str())
    }

    /// Whether the token's scopes, if there are any, include `path`.
    pub fn in_scope(&self, path: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| covers_any(scopes, path))
    }
}

/// Whether one of these includes `needed`.
pub fn covers_any(paths: &[Path], needed: &str) -> bool {
    paths.iter().any(|path| path.covers(needed))
}

/// What is left of grants inside a bound: each grant that the bound includes, and of a wider grant the parts that it includes.
pub fn effective(grants: &[Path], bound: &[Path]) -> Vec<Path> {
    let (granting, bounding) = (Included::in_any(grants), Included::in_any(bound));
    let inside = grants.iter().filter(|grant| bounding.has(grant.as_str()));
    let parts = bound.iter().filter(|part| granting.has(part.as_str()));
    let mut left: Vec<Path> = inside.chain(parts).cloned().collect();
    left.sort();
    left.dedup();
    left
}

/// [`covers_any`] for many questions: whatever includes a path is one of its beginnings.
struct Included<'a>(HashSet<&'a str>);

impl<'a> Included<'a> {
    fn in_any(paths: &'a [Path]) -> Included<'a> {
        Included(paths.iter().map(Path::as_str).collect())
    }

    fn has(&self, needed: &str) -> bool {
        needed.match_indices('/').any(|(at, _)| self.0.contains(&needed[..=at]))
    }
}

/// Sorted, without duplicates; refuses two paths of which one includes the other, since one of them says nothing.
pub fn without_redundancy(paths: &[String]) -> Result<Vec<Path>, Refusal> {
    if paths.len() > limits::PATHS {
        return Err(Refusal::TooLarge(format!("at most {} permission paths are allowed", limits::PATHS)));
    }
    let mut parsed = paths.iter().map(|path| Path::parse(path)).collect::<Result<Vec<_>, _>>()?;
    parsed.sort();
    parsed.dedup();
    // Sorted, so whatever a path covers follows it immediately.
    if let Some(pair) = parsed.windows(2).find(|pair| pair[0].covers(pair[1].as_str())) {
        let message = format!("redundant: {} already includes {}", pair[0].as_str(), pair[1].as_str());
        return Err(Refusal::invalid("permissions", message));
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn role(id: i64, grants: &[&str], bound: &[&str]) -> HeldRole {
        let paths = |texts: &[&str]| texts.iter().map(|text| Path::parse(text).unwrap()).collect();
        HeldRole {
            id: RoleId(id),
            name: format!("role {id}"),
            built_in: false,
            set: PermissionSetId(1),
            set_name: "Global".into(),
            grants: paths(grants),
            bound: paths(bound),
        }
    }

    fn access(roles: Vec<HeldRole>, scopes: Option<&[&str]>) -> Access {
        let scopes = scopes.map(|texts| texts.iter().map(|text| Path::parse(text).unwrap()).collect());
        Access { version: 1, roles, scopes, unbounded: false }
    }

    #[test]
    fn paths_are_normalised_or_refused() {
        assert_eq!(Path::parse("Certificates/Import").unwrap().as_str(), "/certificates/import/");
        assert_eq!(Path::parse("/").unwrap().as_str(), "/");
        for bad in ["", "   ", "//", "/a//b/", "/a b/", "/../", "/a/%2f/", "/a\0/"] {
            assert!(Path::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn one_does_not_cover_twelve() {
        let held = access(vec![role(1, &["/certificates/collections/read/1/"], &["/"])], None);
        let need = |id| {
            Need::system("/certificates/collections/read/")
                .or_collection("/certificates/collections/read/", Some(CollectionId(id)))
        };
        assert!(matches!(held.evaluate(&need(1)), Decision::Allowed { level: Level::Collection, .. }));
        let Decision::Denied { missing, .. } = held.evaluate(&need(12)) else { panic!("covered") };
        assert_eq!(missing, ["/certificates/collections/read/", "/certificates/collections/read/12/"]);
    }

    #[test]
    fn a_set_bounds_its_roles_and_says_so() {
        let held = access(vec![role(1, &["/"], &["/certificates/"])], None);
        assert!(matches!(held.evaluate(&Need::system("/certificates/import/")), Decision::Allowed { .. }));
        let Decision::Denied { reason, .. } = held.evaluate(&Need::system("/security/read/")) else { panic!("allowed") };
        assert_eq!(reason, "the role's permission set does not allow it");
    }

    #[test]
    fn a_grant_and_its_bound_must_come_from_one_role() {
        let held =
            access(vec![role(1, &["/security/"], &["/certificates/"]), role(2, &["/certificates/"], &["/security/"])], None);
        assert!(matches!(held.evaluate(&Need::system("/security/read/")), Decision::Denied { .. }));
    }

    #[test]
    fn the_roles_of_a_set_are_administered_from_it_or_from_a_wider_one() {
        let bound = |texts: &[&str]| texts.iter().map(|text| Path::parse(text).unwrap()).collect::<Vec<_>>();
        let modify = "/security/modify/";
        let mut narrow = role(1, &[modify], &["/security/", "/certificates/"]);
        narrow.set = PermissionSetId(2);
        let held = access(vec![narrow.clone(), role(2, &["/"], &["/certificates/"])], None);
        assert!(held.administers(modify, PermissionSetId(2), &bound(&["/"])), "its own set");
        assert!(held.administers(modify, PermissionSetId(3), &bound(&["/certificates/import/"])), "a narrower one");
        assert!(held.administers(modify, PermissionSetId(3), &[]), "one that allows nothing");
        assert!(!held.administers(modify, PermissionSetId(1), &bound(&["/"])), "a wider one");
        assert!(!held.administers(modify, PermissionSetId(3), &bound(&["/renewal/"])), "one beside it");
        assert!(!held.administers(modify, PermissionSetId(3), &bound(&["/certificates/", "/security/"])), "one that is equal");
        let mut chief = role(3, &["/"], &["/"]);
        let global = |chief: &HeldRole| access(vec![chief.clone()], None);
        assert!(!global(&chief).administers(modify, PermissionSetId(3), &bound(&["/"])), "equal to everything");
        chief.built_in = true;
        assert!(global(&chief).administers(modify, PermissionSetId(3), &bound(&["/"])), "the built-in administrator");
        let scoped = access(vec![narrow], Some(&["/certificates/"]));
        assert!(!scoped.administers(modify, PermissionSetId(2), &[]), "not by a token without it");
        assert!(!access(vec![role(1, &["/"], &["/certificates/"])], None).administers(modify, PermissionSetId(1), &[]));
    }

    #[test]
    fn redundancy_is_refused() {
        assert!(without_redundancy(&["/certificates/".into(), "/certificates/import/".into()]).is_err());
        let fine = without_redundancy(&["/b/".into(), "/a/".into(), "/a".into()]).unwrap();
        assert_eq!(fine.iter().map(Path::as_str).collect::<Vec<_>>(), ["/a/", "/b/"]);
    }

    /// The rule as one would say it aloud, on segments instead of strings.
    fn naive(access: &Access, need: &Need) -> bool {
        let segments = |path: &str| path.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        let includes = |held: &Path, needed: &str| {
            let (held, needed) = (segments(held.as_str()), segments(needed));
            held.len() <= needed.len() && held.iter().zip(&needed).all(|(a, b)| a == b)
        };
        need.alternatives.iter().any(|(_, path)| {
            let scoped = match &access.scopes {
                None => true,
                Some(scopes) => scopes.iter().any(|scope| includes(scope, path)),
            };
            let mut granted = false;
            for role in &access.roles {
                let a = role.grants.iter().any(|grant| includes(grant, path));
                let b = role.bound.iter().any(|bound| includes(bound, path));
                granted |= a && b;
            }
            granted && scoped
        })
    }

    fn any_path() -> impl Strategy<Value = Path> {
        proptest::collection::vec(prop_oneof!["a", "b", "ab", "1", "12"], 0..4)
            .prop_map(|segments| Path(if segments.is_empty() { "/".into() } else { format!("/{}/", segments.join("/")) }))
    }

    /// The border as the page on permissions has it, word for word: whoever holds the right "through a role of the same set, or of a
    /// set that allows more than this one": all that it allows, and something that it does not. Decided for each path there is.
    fn naive_border(access: &Access, set: PermissionSetId, bound: &[Path], every: &[Path]) -> bool {
        let allows = |bound: &[Path], path: &Path| bound.iter().any(|one| path.as_str().starts_with(one.as_str()));
        access.roles.iter().any(|role| {
            let has_it = |paths: &[Path]| paths.iter().any(|path| "/a/b/".starts_with(path.as_str()));
            let all = every.iter().all(|path| !allows(bound, path) || allows(&role.bound, path));
            let more = every.iter().any(|path| allows(&role.bound, path) && !allows(bound, path));
            has_it(&role.grants) && has_it(&role.bound) && (role.set == set || role.built_in || (all && more))
        })
    }

    /// Every path of up to three segments of those that [`any_path`] draws, which is one more than borders need to differ in.
    fn every_path() -> Vec<Path> {
        let segments = ["a", "b", "ab", "1", "12"];
        let mut all = vec![Path("/".into())];
        let mut last = all.clone();
        for _ in 0..3 {
            last = last.iter().flat_map(|path| segments.map(|segment| Path(format!("{}{segment}/", path.0)))).collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    proptest! {
        #[test]
        fn the_border_agrees_with_its_words(
            roles in proptest::collection::vec((proptest::collection::vec(any_path(), 0..4), 0..3usize, any::<bool>()), 0..4),
            bounds in proptest::collection::vec(proptest::collection::vec(any_path(), 0..3), 3),
            same in any::<bool>(), wanted in 0..3usize,
        ) {
            // Equal bounds are drawn often, as departments have them.
            let bounds = if same { vec![bounds[0].clone(), bounds[0].clone(), bounds[1].clone()] } else { bounds };
            let roles = roles.into_iter().enumerate().map(|(index, (grants, set, built_in))| HeldRole {
                id: RoleId(index as i64), name: String::new(), built_in: built_in && index == 0, set: PermissionSetId(set as i64),
                set_name: String::new(), grants, bound: bounds[set].clone(),
            }).collect();
            let access = Access { version: 1, roles, scopes: None, unbounded: false };
            let set = PermissionSetId(wanted as i64);
            let told = access.administers("/a/b/", set, &bounds[wanted]);
            prop_assert_eq!(told, naive_border(&access, set, &bounds[wanted], &every_path()));
        }

        #[test]
        fn evaluation_agrees_with_the_naive_model(
            roles in proptest::collection::vec((proptest::collection::vec(any_path(), 0..4), proptest::collection::vec(any_path(), 0..3)), 0..4),
            scopes in proptest::option::of(proptest::collection::vec(any_path(), 0..3)),
            base in any_path(), collection in proptest::option::of(prop_oneof![Just(1i64), Just(12)]),
        ) {
            let roles = roles.into_iter().enumerate().map(|(index, (grants, bound))| HeldRole {
                id: RoleId(index as i64), name: format!("r{index}"), built_in: false, set: PermissionSetId(1),
                set_name: String::new(), grants, bound,
            }).collect();
            let access = Access { version: 1, roles, scopes, unbounded: false };
            let need = Need::system(base.as_str()).or_collection(base.as_str(), collection.map(CollectionId));
            let decided = matches!(access.evaluate(&need), Decision::Allowed { .. });
            prop_assert_eq!(decided, naive(&access, &need));
            let explained = access.explain(&need);
            let explained = explained.iter().flat_map(|(_, tried)| tried).any(|tried| tried.verdict == Verdict::Allowed);
            prop_assert_eq!(decided, explained, "the explanation agrees with the decision");
        }

        #[test]
        fn what_is_left_inside_a_bound_is_what_both_include(
            grants in proptest::collection::vec(any_path(), 0..4), bound in proptest::collection::vec(any_path(), 0..4),
            needed in any_path(),
        ) {
            let left = effective(&grants, &bound);
            let both = covers_any(&grants, needed.as_str()) && covers_any(&bound, needed.as_str());
            prop_assert_eq!(covers_any(&left, needed.as_str()), both);
        }

        #[test]
        fn parsing_is_idempotent(text in ".{0,40}") {
            if let Ok(path) = Path::parse(&text) {
                prop_assert_eq!(Path::parse(path.as_str()).unwrap(), path);
            }
        }
    }
}
