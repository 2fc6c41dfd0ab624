//! What must be explained: each dependency in `ARCHITECTURE.md`, each event operation and permission path in `docs/`.

use super::Finding;
use super::arrows;
use super::repository::Repository;
use super::source::Source;

const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// Dependencies of the workspace that `ARCHITECTURE.md` does not name.
pub fn dependencies(repository: &Repository) -> Vec<Finding> {
    let Some(page) = repository.text(ARCHITECTURE) else {
        println!("note: there is no {ARCHITECTURE} yet, so its dependency table is not checked");
        return Vec::new();
    };
    let manifest = repository.text("Cargo.toml").unwrap_or_default();
    let shared = arrows::dependencies(manifest);
    let foreign = shared.iter().filter(|dependency| !dependency.name.starts_with("certhold-"));
    let missing = foreign.filter(|dependency| !explains(page, dependency.name));
    let missing = missing.map(|dependency| {
        let message = format!("`{}` has no row in the dependency table of {ARCHITECTURE}", dependency.name);
        Finding::new("Cargo.toml", dependency.line, message)
    });
    missing.collect()
}

/// Event operations that `docs/events.md` does not explain, and explained ones that do not exist.
pub fn events(repository: &Repository) -> Vec<Finding> {
    names(repository, "crates/domain/src/events/names.rs", "docs/events.md", |name| name.contains('.'))
}

/// Permission paths that `docs/permissions.md` does not explain, and explained ones that do not exist.
pub fn permissions(repository: &Repository) -> Vec<Finding> {
    names(repository, "crates/domain/src/access/paths.rs", "docs/permissions.md", |name| name.starts_with('/'))
}

/// Compares the string constants of a source file with the first cells of a page's tables.
fn names(repository: &Repository, source: &str, page: &str, is_name: fn(&str) -> bool) -> Vec<Finding> {
    let Some(text) = repository.text(source) else {
        return vec![Finding::new(source, 0, "the names were here; tell tidy where they are now")];
    };
    let known = constants(text);
    if known.is_empty() {
        return vec![Finding::new(source, 0, "no `pub const NAME: &str = \"…\";` was found here")];
    }
    let Some(explained) = repository.text(page) else {
        return vec![Finding::new(page, 0, format!("this page is missing; it explains the names of {source}"))];
    };
    compare(source, &known, page, explained, is_name)
}

/// Names without an explanation, and explanations (first cells of tables) without a name.
pub fn compare(source: &str, known: &[(usize, String)], page: &str, explained: &str, is_name: fn(&str) -> bool) -> Vec<Finding> {
    let missing = known.iter().filter(|(_, name)| !explains(explained, name));
    let missing = missing.map(|(line, name)| Finding::new(source, *line, format!("`{name}` is not explained in {page}")));
    let stale = first_cells(explained)
        .filter(|(_, cell)| is_name(cell) && !known.iter().any(|(_, name)| name == cell))
        .map(|(line, cell)| Finding::new(page, line, format!("`{cell}` does not exist (any more) in {source}")));
    missing.chain(stale).collect()
}

/// Whether a page has the name in code style.
fn explains(page: &str, name: &str) -> bool {
    page.contains(&format!("`{name}`"))
}

/// The code-styled first cells of the page's table rows.
fn first_cells(page: &str) -> impl Iterator<Item = (usize, &str)> {
    page.lines().enumerate().filter_map(|(index, line)| {
        let cell = line.trim_start().strip_prefix('|')?.trim_start().strip_prefix('`')?;
        Some((index + 1, cell.split_once('`')?.0))
    })
}

/// The values of the public string constants, with their lines.
fn constants(text: &str) -> Vec<(usize, String)> {
    let source = Source::product(text);
    let declares = |line: usize| {
        let code = source.code.lines().nth(line - 1).unwrap_or_default().trim_start();
        code.starts_with("pub const ") && code.contains(": &str =")
    };
    source.strings.iter().filter(|(line, _)| declares(*line)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str = "crates/domain/src/events/names.rs";
    const PAGE: &str = "docs/events.md";
    const SOURCE: &str = "/// One.\npub const ONE: &str = \"thing.one\";\n/// Two.\npub const TWO: &str = \"thing.two\";\n\
                          pub const ALL: &[&str] = &[\"not.a_name\"];\n";

    #[test]
    fn explained_names_pass() {
        let page = "| operation | when |\n|---|---|\n| `thing.one` | first |\n| `thing.two` | second |\n";
        assert_eq!(events(&Repository::of(&[(NAMES, SOURCE), (PAGE, page)])), []);
    }

    #[test]
    fn missing_and_stale_names_are_found() {
        let page = "| `thing.one` | first |\n| `thing.three` | gone, see `thing.four` |\n";
        let findings = events(&Repository::of(&[(NAMES, SOURCE), (PAGE, page)]));
        let expected = [
            Finding::new(NAMES, 4, "`thing.two` is not explained in docs/events.md"),
            Finding::new(PAGE, 2, format!("`thing.three` does not exist (any more) in {NAMES}")),
        ];
        assert_eq!(findings, expected);
    }

    #[test]
    fn a_missing_page_or_an_empty_source_is_found() {
        assert_eq!(events(&Repository::of(&[(NAMES, SOURCE)])).len(), 1);
        assert_eq!(events(&Repository::of(&[(NAMES, "fn a() {}\n"), (PAGE, "")])).len(), 1);
        assert_eq!(events(&Repository::of(&[(PAGE, "")])).len(), 1);
    }

    #[test]
    fn permission_paths_are_compared_alike() {
        let source = "pub const ALL: &str = \"/\";\npub const READ: &str = \"/things/read/\";\n";
        let file = "crates/domain/src/access/paths.rs";
        let page = "docs/permissions.md";
        assert_eq!(permissions(&Repository::of(&[(file, source), (page, "| `/` |\n| `/things/read/` |\n")])), []);
        assert_eq!(permissions(&Repository::of(&[(file, source), (page, "| `/` |\n| `/things/write/` |\n")])).len(), 2);
    }

    #[test]
    fn dependencies_need_a_reason_once_there_is_a_page() {
        let manifest = "[workspace.dependencies]\ncerthold-pki = { path = \"crates/pki\" }\nserde = \"1\"\nurl = \"2\"\n";
        assert_eq!(dependencies(&Repository::of(&[("Cargo.toml", manifest)])), []);
        let both = [("Cargo.toml", manifest), (ARCHITECTURE, "| `serde` | JSON |\n| `url` | addresses |\n")];
        assert_eq!(dependencies(&Repository::of(&both)), []);
        let one = [("Cargo.toml", manifest), (ARCHITECTURE, "| `serde` | JSON, a url |\n")];
        assert_eq!(dependencies(&Repository::of(&one)).len(), 1);
    }
}
