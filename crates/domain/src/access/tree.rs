//! The paths that mean something: the catalogue as a tree, and which of its leaves take the id of a collection or container.

use super::evaluate::{Path, covers_any};
use super::paths::{ALL, CATALOGUE};
use crate::error::Refusal;

/// The kind of object whose id may follow a leaf, so that it is granted for that object only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// No id.
    Nothing,
    /// The id of a collection.
    Collection,
    /// The id of a container of certificate stores.
    Container,
}

/// Below these, every leaf takes an id …
const SCOPED: &[(&str, Takes)] = &[("/certificates/collections/", Takes::Collection), ("/certificate_stores/", Takes::Container)];
/// … except these, which are about no certificate that a collection could hold already, or about collections themselves.
const UNSCOPED: &[&str] = &["/certificates/collections/private_key/import/", "/certificates/collections/modify/"];

/// Permissions that Keyfactor Command publishes and that nothing here asks for. Roles may name them, so that roles of there can be
/// brought along; they allow nothing.
pub const UNUSED: &[&str] = &[
    "/agents/auto_registration/modify/",
    "/agents/auto_registration/read/",
    "/agents/management/mac/auto-enrollment/management/modify/",
    "/agents/management/mac/auto-enrollment/management/read/",
    "/agents/management/modify/",
    "/agents/management/read/",
    "/application_settings/modify/",
    "/application_settings/read/",
    "/certificate_stores/modify/",
    "/certificate_stores/read/",
    "/certificate_stores/schedule/",
    "/certificates/enrollment/csr/",
    "/certificates/enrollment/pfx/",
    "/certificates/requests/manage/",
    "/dashboard/read/",
    "/dashboard/risk_header/read/",
    "/monitoring/alerts/modify/",
    "/monitoring/alerts/read/",
    "/monitoring/alerts/schedule/",
    "/monitoring/alerts/schedule/revocation/",
    "/monitoring/alerts/test/",
    "/monitoring/handlers/registration/modify/",
    "/monitoring/handlers/registration/read/",
    "/pam/modify/",
    "/pam/read/",
    "/reports/modify/",
    "/reports/read/",
    "/scripts/modify/",
    "/scripts/read/",
    "/ssh/enterprise_admin/",
    "/ssh/server_admin/",
    "/ssh/user/",
    "/ssl/modify/",
    "/ssl/read/",
    "/workflows/definitions/modify/",
    "/workflows/definitions/read/",
    "/workflows/instances/manage/",
    "/workflows/instances/read/",
    "/workflows/instances/read/mine/",
    "/workflows/instances/read/pending/",
];

/// Whether Keyfactor Command knows a path that nothing here asks for: a node of its tree, or a leaf with an id behind it.
fn is_unused(path: &str) -> bool {
    UNUSED.iter().any(|known| known.starts_with(path)) || scoped_unused(path).is_some()
}

fn scoped_unused(path: &str) -> Option<(&str, Takes, i64)> {
    let cut = path.trim_end_matches('/').rfind('/')? + 1;
    let (leaf, id) = (&path[..cut], path[cut..].trim_end_matches('/'));
    let (_, takes) = SCOPED.iter().find(|(area, _)| leaf.starts_with(area) && UNUSED.contains(&leaf))?;
    let number = id.parse::<i64>().ok().filter(|number| *number > 0 && number.to_string() == id)?;
    Some((leaf, *takes, number))
}

/// [`scoped`], also for leaves that nothing here asks for.
pub fn scoped_anywhere(path: &str) -> Option<(&str, Takes, i64)> {
    scoped(path).or_else(|| scoped_unused(path))
}

/// What may follow a path.
pub fn takes(path: &str) -> Takes {
    if !is_leaf(path) || UNSCOPED.contains(&path) {
        return Takes::Nothing;
    }
    SCOPED.iter().find(|(area, _)| path.starts_with(area)).map_or(Takes::Nothing, |(_, takes)| *takes)
}

/// Whether a path is one that operations ask for, with nothing below it.
pub fn is_leaf(path: &str) -> bool {
    is_listed(path) && !CATALOGUE.iter().any(|(other, _)| other.len() > path.len() && other.starts_with(path))
}

fn is_listed(path: &str) -> bool {
    CATALOGUE.iter().any(|(known, _)| *known == path)
}

/// A leaf and the id that follows it, if `path` is of that form.
pub fn scoped(path: &str) -> Option<(&str, Takes, i64)> {
    let cut = path.trim_end_matches('/').rfind('/')? + 1;
    let (leaf, id) = (&path[..cut], path[cut..].trim_end_matches('/'));
    let takes = takes(leaf);
    let number = id.parse::<i64>().ok().filter(|number| *number > 0 && number.to_string() == id)?;
    (takes != Takes::Nothing).then_some((leaf, takes, number))
}

/// Whether a path means something: a node of the tree, or a leaf with the id that it takes.
pub fn is_legal(path: &str) -> bool {
    CATALOGUE.iter().any(|(known, _)| known.starts_with(path)) || scoped(path).is_some() || is_unused(path)
}

/// Refuses a path that means nothing, and says which was probably meant.
pub fn check(field: &'static str, path: &Path) -> Result<(), Refusal> {
    let path = path.as_str();
    if is_legal(path) {
        return Ok(());
    }
    let message = match nearest_above(path) {
        Some(leaf) if is_leaf(leaf) => match takes(leaf) {
            Takes::Nothing => format!("{path} is not a permission: nothing follows {leaf}"),
            Takes::Collection => format!("{path} is not a permission: only the number of a collection follows {leaf}"),
            Takes::Container => format!("{path} is not a permission: only the number of a container follows {leaf}"),
        },
        _ => format!("{path} is not a permission; did you mean {}?", nearest(path)),
    };
    Err(Refusal::invalid(field, message))
}

/// [`check`] for all of them.
pub fn check_all(field: &'static str, paths: &[Path]) -> Result<(), Refusal> {
    paths.iter().try_for_each(|path| check(field, path))
}

/// The longest listed path that includes this one, other than `/`.
fn nearest_above(path: &str) -> Option<&'static str> {
    let above = CATALOGUE.iter().map(|(known, _)| *known).filter(|known| *known != ALL && path.starts_with(known));
    above.max_by_key(|known| known.len())
}

/// The node that differs least from what was written.
fn nearest(path: &str) -> String {
    let nodes = nodes();
    let best = nodes.iter().filter(|node| node.path != ALL).min_by_key(|node| distance(&node.path, path));
    best.map_or_else(|| ALL.to_owned(), |node| node.path.clone())
}

/// How many letters differ (Levenshtein), on short paths.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<u8> = b.bytes().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, left) in a.bytes().zip(1..) {
        let mut corner = row[0];
        row[0] = left;
        for (at, letter) in b.iter().enumerate() {
            let change = corner + usize::from(above != *letter);
            corner = row[at + 1];
            row[at + 1] = change.min(corner + 1).min(row[at] + 1);
        }
    }
    row[b.len()]
}

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// `/certificates/collections/`.
    pub path: String,
    /// How far from the root, which has depth 0.
    pub depth: usize,
    /// What holding it allows, as in the catalogue; for a node that only includes others: empty.
    pub meaning: &'static str,
    /// Whether nothing is below it.
    pub is_leaf: bool,
    /// The id that may follow it.
    pub takes: Takes,
}

/// All nodes, depth first, each level by path.
pub fn nodes() -> Vec<Node> {
    let mut paths: Vec<String> = Vec::new();
    for (path, _) in CATALOGUE {
        let ends = path.match_indices('/').map(|(at, _)| path[..=at].to_owned());
        paths.extend(ends);
    }
    paths.sort();
    paths.dedup();
    let node = |path: String| Node {
        depth: path.matches('/').count() - 1,
        meaning: CATALOGUE.iter().find(|(known, _)| *known == path).map_or("", |(_, meaning)| meaning),
        is_leaf: is_leaf(&path),
        takes: takes(&path),
        path,
    };
    paths.into_iter().map(node).collect()
}

/// What holding a path allows, in words: its own meaning, or those of everything below it.
pub fn meaning(path: &str) -> String {
    if let Some((_, meaning)) = CATALOGUE.iter().find(|(known, _)| *known == path) {
        return (*meaning).to_owned();
    }
    if let Some((leaf, takes, id)) = scoped(path) {
        let inside = if takes == Takes::Container { "container" } else { "collection" };
        return format!("{}, in {inside} {id} only", meaning(leaf));
    }
    let below: Vec<&str> = CATALOGUE.iter().filter(|(known, _)| known.starts_with(path)).map(|(_, meaning)| *meaning).collect();
    match below.is_empty() {
        false => below.join("; "),
        true if is_unused(path) => "nothing: a permission of Keyfactor Command that nothing here asks for".to_owned(),
        true => "nothing: this version has no such permission".to_owned(),
    }
}

/// What of `held` is not in `left`: a path of which nothing is left by itself, of others the leaves that are gone.
pub fn lost(held: &[Path], left: &[Path]) -> Vec<Path> {
    let mut lost = Vec::new();
    for path in held.iter().filter(|path| !covers_any(left, path.as_str())) {
        if !left.iter().any(|part| path.covers(part.as_str())) {
            lost.push(path.clone());
            continue;
        }
        let below = CATALOGUE.iter().filter(|(leaf, _)| is_leaf(leaf) && path.covers(leaf) && !covers_any(left, leaf));
        lost.extend(below.filter_map(|(leaf, _)| Path::parse(leaf).ok()));
    }
    lost.sort();
    lost.dedup();
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &str) -> String {
        check("permissions", &Path::parse(path).unwrap()).expect_err(path).to_string()
    }

    #[test]
    fn nodes_and_scoped_leaves_are_legal() {
        for fine in [
            "/",
            "/certificates/",
            "/certificates/collections/",
            "/certificates/collections/read/",
            "/certificates/collections/read/12/",
            "/certificates/collections/change_owner/7/",
            "/certificate_stores/change_owner/4/",
            "/security/read/",
            "/certificates/collections/private_key/",
        ] {
            assert!(check("permissions", &Path::parse(fine).unwrap()).is_ok(), "{fine}");
        }
    }

    #[test]
    fn what_means_nothing_is_refused_with_a_suggestion() {
        for (wrong, said) in [
            ("/certificate/import/", "did you mean /certificates/import/?"),
            ("/certificates/collections/raed/", "did you mean /certificates/collections/read/?"),
            ("/certificates/collections/read/abc/", "only the number of a collection follows /certificates/collections/read/"),
            ("/certificates/collections/read/0/", "only the number of a collection"),
            ("/certificates/collections/read/007/", "only the number of a collection"),
            ("/certificates/collections/read/12/13/", "only the number of a collection"),
            ("/certificates/collections/private_key/import/3/", "nothing follows /certificates/collections/private_key/import/"),
            ("/security/read/1/", "nothing follows /security/read/"),
            ("/certificates/collections/12/", "did you mean /certificates/collections/"),
            ("/x/", "did you mean /"),
        ] {
            let refusal = refusal(wrong);
            assert!(refusal.contains(said), "{wrong}: {refusal}");
        }
    }

    #[test]
    fn every_suggestion_is_legal() {
        for wrong in ["/a/", "/certificates/zzz/", "/securty/", "/renewal/deployment/modify/"] {
            let refusal = refusal(wrong);
            let suggested = refusal.rsplit("mean ").next().unwrap().trim_end_matches('?');
            assert!(is_legal(suggested), "{refusal}");
        }
    }

    #[test]
    fn the_tree_has_every_listed_path_and_their_ways_up() {
        let nodes = nodes();
        assert_eq!((nodes[0].path.as_str(), nodes[0].depth), (ALL, 0));
        for (path, _) in CATALOGUE {
            assert!(nodes.iter().any(|node| node.path == *path), "{path}");
        }
        for pair in nodes.windows(2) {
            assert!(pair[1].depth <= pair[0].depth + 1, "{pair:?}");
        }
        for node in &nodes {
            assert!(node.is_leaf != nodes.iter().any(|other| other.path != node.path && other.path.starts_with(&node.path)));
            assert!(
                node.path == ALL || nodes.iter().any(|other| other.depth + 1 == node.depth && node.path.starts_with(&other.path))
            );
            assert!(node.takes == Takes::Nothing || node.is_leaf);
        }
    }

    #[test]
    fn paths_are_told_in_words() {
        assert_eq!(meaning("/certificates/collections/read/12/"), "see certificates and their history, in collection 12 only");
        assert!(meaning("/security/").contains("see people") && meaning("/security/").contains("; change people"));
        assert!(meaning("/gone/").contains("no such permission"));
    }

    #[test]
    fn what_is_lost_is_named_as_shortly_as_it_can_be() {
        let paths = |texts: &[&str]| texts.iter().map(|text| Path::parse(text).unwrap()).collect::<Vec<_>>();
        assert_eq!(lost(&paths(&["/security/", "/portal/read/"]), &paths(&["/portal/"])), paths(&["/security/"]));
        assert_eq!(lost(&paths(&["/security/"]), &paths(&["/security/read/"])), paths(&["/security/modify/"]));
        assert_eq!(lost(&paths(&["/security/"]), &paths(&["/"])), paths(&[]));
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (a, b, far) in [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("abc", "abc", 0)] {
            assert_eq!(distance(a, b), far, "{a} {b}");
        }
    }
}
