//! Which crate may know which: the arrows of the map, read from the manifests.

use super::Finding;
use super::repository::Repository;

/// What each crate of the product may depend on, of the product's own crates. Tools and tests may know all.
const ARROWS: [(&str, &[&str]); 6] = [
    ("certhold", &["certhold-faces", "certhold-outside", "certhold-domain", "certhold-store", "certhold-pki"]),
    ("certhold-faces", &["certhold-domain", "certhold-store", "certhold-pki"]),
    ("certhold-outside", &["certhold-domain", "certhold-store", "certhold-pki"]),
    ("certhold-domain", &["certhold-store", "certhold-pki"]),
    ("certhold-store", &[]),
    ("certhold-pki", &[]),
];

/// What a pure crate must not depend on, because it brings a network, a clock or a runtime.
const IMPURE: [(&str, &[&str]); 2] = [
    (
        "certhold-domain",
        &[
            "axum",
            "dns-update",
            "getrandom",
            "hickory-resolver",
            "hyper",
            "instant-acme",
            "postgres",
            "rand",
            "reqwest",
            "rusqlite",
            "tokio",
            "ureq",
        ],
    ),
    ("certhold-pki", &["axum", "getrandom", "hyper", "postgres", "rand", "reqwest", "rusqlite", "tokio", "ureq"]),
];

/// One dependency, as a manifest names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Dependency<'a> {
    /// The name on the left.
    pub name: &'a str,
    /// Its line, from 1.
    pub line: usize,
    /// Whether it is for tests only.
    pub dev: bool,
}

/// The dependencies of a manifest: `name = …`, `name.workspace = true`, and `[dependencies.name]`; build and target ones too.
pub fn dependencies(manifest: &str) -> Vec<Dependency<'_>> {
    let mut found = Vec::new();
    let mut section = "";
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            section = header.split(']').next().unwrap_or_default();
            if let Some((kind, name)) = section.rsplit_once('.')
                && kind.ends_with("dependencies")
            {
                found.push(Dependency { name, line: index + 1, dev: kind.ends_with("dev-dependencies") });
            }
            continue;
        }
        if !section.ends_with("dependencies") || line.starts_with('#') {
            continue;
        }
        if let Some((left, _)) = line.split_once('=') {
            let name = left.split('.').next().unwrap_or_default().trim().trim_matches('"');
            // A list that goes on over several lines has no name on its left.
            if !name.is_empty() && !name.contains(|character: char| character.is_whitespace() || "[]{}\",".contains(character)) {
                found.push(Dependency { name, line: index + 1, dev: section.ends_with("dev-dependencies") });
            }
        }
    }
    found
}

fn package_name(manifest: &str) -> Option<&str> {
    let package = manifest.split_once("[package]")?.1;
    let line = package.lines().find(|line| line.split('=').next().is_some_and(|left| left.trim() == "name"))?;
    Some(line.split_once('=')?.1.trim().trim_matches('"'))
}

fn packages(repository: &Repository) -> impl Iterator<Item = (&str, &str, &str)> {
    let manifests = repository.texts().filter(|(path, _)| path.ends_with("/Cargo.toml"));
    manifests.filter_map(|(path, text)| Some((path, package_name(text)?, text)))
}

/// Dependencies that go up or sideways, and those that would make a pure crate impure. Tests are held to it as well,
/// except that they may use a runtime.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, package, manifest) in packages(repository) {
        let lists =
            |table: &[(&str, &'static [&'static str])]| table.iter().find(|(name, _)| *name == package).map(|(_, list)| *list);
        let Some(allowed) = lists(&ARROWS) else {
            if path.starts_with("crates/") {
                findings.push(Finding::new(path, 0, format!("{package} is not on the map of crates (tidy/arrows.rs)")));
            }
            continue;
        };
        let impure = lists(&IMPURE).unwrap_or_default();
        for dependency in dependencies(manifest) {
            let name = dependency.name;
            if (name == "certhold" || name.starts_with("certhold-")) && !allowed.contains(&name) {
                let message = format!("{package} must not know {name}: dependencies go down only");
                findings.push(Finding::new(path, dependency.line, message));
            }
            if impure.contains(&name) && !dependency.dev {
                let message = format!("{package} is pure and must not depend on {name}");
                findings.push(Finding::new(path, dependency.line, message));
            }
        }
    }
    findings
}

/// Packages that do not take the workspace's lints, or a workspace that does not forbid unsafe code.
pub fn unsafe_is_forbidden(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    let root = repository.text("Cargo.toml").unwrap_or_default();
    let lints = section(root, "[workspace.lints.rust]");
    if !lints.lines().any(|line| line.replace(' ', "") == "unsafe_code=\"forbid\"") {
        findings.push(Finding::new("Cargo.toml", 0, "the workspace's lints do not forbid unsafe_code"));
    }
    for (path, package, manifest) in packages(repository) {
        if !section(manifest, "[lints]").lines().any(|line| line.replace(' ', "") == "workspace=true") {
            findings.push(Finding::new(path, 0, format!("{package} does not take the workspace's lints")));
        }
    }
    findings
}

/// The lines below a header, up to the next one.
fn section<'a>(manifest: &'a str, header: &str) -> &'a str {
    let mut at = 0;
    for line in manifest.split_inclusive('\n') {
        at += line.len();
        if line.trim() == header {
            let rest = &manifest[at..];
            return &rest[..rest.find("\n[").unwrap_or(rest.len())];
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINTS: &str = "[lints]\nworkspace = true\n";

    fn repository(package: &str, dependencies: &str) -> Repository {
        let manifest = format!("[package]\nname = \"{package}\"\n\n{LINTS}\n{dependencies}");
        Repository::of(&[
            ("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"),
            ("crates/x/Cargo.toml", &manifest),
        ])
    }

    #[test]
    fn every_way_to_write_a_dependency_is_read() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\na = \"1\"\nb.workspace = true\n\
                        c = { version = \"1\", features = [\n  \"d\",\n] }\n\"e\" = \"1\"\n# f = \"1\"\n\
                        [dev-dependencies]\ng.workspace = true\n[dependencies.h]\nversion = \"1\"\n\
                        [target.'cfg(unix)'.dependencies]\ni = \"1\"\n[features]\nj = []\n";
        let names: Vec<(&str, bool)> = dependencies(manifest).iter().map(|found| (found.name, found.dev)).collect();
        let expected = [("a", false), ("b", false), ("c", false), ("e", false), ("g", true), ("h", false), ("i", false)];
        assert_eq!(names, expected);
    }

    #[test]
    fn arrows_down_pass() {
        let down = "[dependencies]\ncerthold-store.workspace = true\ncerthold-pki = { path = \"../pki\" }\nserde = \"1\"\n";
        assert_eq!(check(&repository("certhold-domain", down)), []);
        let all = "[dependencies]\ncerthold-faces.workspace = true\ncerthold-outside.workspace = true\n";
        assert_eq!(check(&repository("certhold", all)), []);
    }

    #[test]
    fn arrows_up_and_sideways_are_found_in_tests_too() {
        for (package, other) in [
            ("certhold-faces", "certhold-outside"),
            ("certhold-outside", "certhold-faces"),
            ("certhold-domain", "certhold-faces"),
            ("certhold-store", "certhold-pki"),
            ("certhold-pki", "certhold-store"),
            ("certhold-domain", "certhold"),
        ] {
            for section in ["dependencies", "dev-dependencies"] {
                let findings = check(&repository(package, &format!("[{section}]\n{other}.workspace = true\n")));
                assert_eq!(findings.len(), 1, "{package} -> {other} in {section}");
            }
        }
    }

    #[test]
    fn a_pure_crate_with_a_network_is_found() {
        assert_eq!(check(&repository("certhold-domain", "[dependencies]\ntokio.workspace = true\n")).len(), 1);
        assert_eq!(check(&repository("certhold-domain", "[dev-dependencies]\ntokio.workspace = true\n")), []);
        assert_eq!(check(&repository("certhold-faces", "[dependencies]\ntokio.workspace = true\n")), []);
    }

    #[test]
    fn a_crate_that_is_not_on_the_map_is_found() {
        assert_eq!(check(&repository("certhold-extra", "")).len(), 1);
    }

    #[test]
    fn missing_lints_are_found() {
        assert_eq!(unsafe_is_forbidden(&repository("certhold-pki", "")), []);
        let without = Repository::of(&[
            ("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"warn\"\n[other]\nunsafe_code = \"forbid\"\n"),
            ("crates/x/Cargo.toml", "[package]\nname = \"x\"\n[lints]\n\n[other]\nworkspace = true\n"),
        ]);
        assert_eq!(unsafe_is_forbidden(&without).len(), 2);
    }
}
