//! Every configuration key is explained: the fields of the configuration's structures against `docs/configuration.md`.

use super::Finding;
use super::documented::compare;
use super::repository::Repository;
use super::source::Source;

const SOURCES: [&str; 2] = ["crates/certhold/src/config.rs", "crates/certhold/src/config/"];
const PAGE: &str = "docs/configuration.md";

/// Keys without an explanation, and explanations without a key.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let sources =
        repository.rust("crates/certhold/src/").filter(|(path, _)| SOURCES.iter().any(|source| path.starts_with(source)));
    let structures: Vec<Structure> = sources.flat_map(|(_, text)| structures(text)).collect();
    let keys = keys(&structures);
    if keys.is_empty() {
        // Until there is configuration there is nothing to explain.
        return repository
            .text(SOURCES[0])
            .map(|_| Finding::new(SOURCES[0], 0, "no structure that derives Deserialize was found here"))
            .into_iter()
            .collect();
    }
    let Some(page) = repository.text(PAGE) else {
        return vec![Finding::new(PAGE, 0, "this page is missing; it explains every configuration key")];
    };
    let is_key = |cell: &str| {
        !cell.starts_with('-')
            && cell
                .chars()
                .all(|character| character.is_ascii_lowercase() || "_.".contains(character) || character.is_ascii_digit())
    };
    compare(SOURCES[0], &keys, PAGE, page, is_key)
}

/// A structure that is read from the file.
struct Structure {
    name: String,
    fields: Vec<Field>,
}

struct Field {
    key: String,
    line: usize,
    /// The names in its type, outermost first.
    kinds: Vec<String>,
    flattened: bool,
}

/// The keys with their lines: the fields of every structure that no other one contains, with dots between levels.
fn keys(structures: &[Structure]) -> Vec<(usize, String)> {
    let contained = |structure: &Structure| {
        let mut others = structures.iter().filter(|other| other.name != structure.name).flat_map(|other| &other.fields);
        others.any(|field| field.kinds.contains(&structure.name))
    };
    let mut found = Vec::new();
    for structure in structures.iter().filter(|structure| !contained(structure)) {
        descend(structures, structure, "", 0, &mut found);
    }
    found
}

fn descend(all: &[Structure], structure: &Structure, prefix: &str, depth: usize, found: &mut Vec<(usize, String)>) {
    for field in &structure.fields {
        let key = format!("{prefix}{}", field.key);
        let inner = all.iter().find(|other| field.kinds.contains(&other.name)).filter(|_| depth < 8);
        match inner {
            Some(inner) if field.flattened => descend(all, inner, prefix, depth + 1, found),
            Some(inner) => descend(all, inner, &format!("{key}."), depth + 1, found),
            None => found.push((field.line, key)),
        }
    }
}

/// The structures of one file that derive `Deserialize`.
fn structures(text: &str) -> Vec<Structure> {
    let source = Source::product(text);
    let lines: Vec<(usize, &str)> = source.lines().collect();
    let mut found: Vec<Structure> = Vec::new();
    let mut attributes: Vec<usize> = Vec::new();
    let mut open = false;
    for (line, code) in lines {
        let code = code.trim();
        if code.starts_with("#[") {
            attributes.push(line);
            continue;
        }
        if code.is_empty() {
            continue;
        }
        let marks: Vec<&str> = attributes.drain(..).filter_map(|line| text.lines().nth(line - 1)).collect();
        if let Some(name) = code.split("struct ").nth(1).filter(|_| code.ends_with('{')) {
            open = marks.iter().any(|mark| mark.contains("Deserialize"));
            if open {
                let name = name.trim_end_matches('{').trim().split('<').next().unwrap_or_default().to_owned();
                found.push(Structure { name, fields: Vec::new() });
            }
        } else if code == "}" {
            open = false;
        } else if open && let Some(structure) = found.last_mut() {
            structure.fields.extend(field(line, code, &marks));
        }
    }
    found
}

/// One line of a structure: `pub name: Type,`.
fn field(line: usize, code: &str, marks: &[&str]) -> Option<Field> {
    let (left, kind) = code.split_once(": ")?;
    let name = left.rsplit(' ').next()?;
    let serde = |word: &str| marks.iter().any(|mark| mark.contains("serde(") && mark.contains(word));
    if serde("skip") {
        return None;
    }
    let renamed = marks.iter().find_map(|mark| mark.split_once("rename = \"")?.1.split('"').next());
    let part = |character: char| character.is_alphanumeric() || character == '_';
    let kinds = kind.split(|character| !part(character)).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Some(Field { key: renamed.unwrap_or(name.trim_start_matches("r#")).to_owned(), line, kinds, flattened: serde("flatten") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "/// All.\n#[derive(Debug, Deserialize)]\n#[serde(deny_unknown_fields)]\npub struct Configuration {\n\
        \x20   /// Where.\n    pub data: PathBuf,\n    /// Limits.\n    #[serde(default)]\n    pub limits: Limits,\n\
        \x20   #[serde(rename = \"listener\")]\n    pub listeners: Vec<Listener>,\n    #[serde(skip)]\n    pub hidden: bool,\n}\n\
        #[derive(Deserialize)]\nstruct Limits {\n    body: u64,\n}\n#[derive(Deserialize)]\nstruct Listener {\n    address: SocketAddr,\n}\n\
        #[derive(Debug)]\nstruct Other {\n    field: u8,\n}\n";

    fn findings(page: &str) -> Vec<String> {
        let repository = Repository::of(&[(SOURCES[0], SOURCE), (PAGE, page)]);
        check(&repository).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn explained_keys_pass() {
        assert_eq!(findings("| `data` |\n| `limits.body` |\n| `listener.address` |\n| `--flag` |\n"), [""; 0]);
    }

    #[test]
    fn missing_and_stale_keys_are_found() {
        let found = findings("| `data` |\n| `limits.body` |\n| `old` |\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("`listener.address` is not explained"), "{found:?}");
        assert!(found[1].contains("`old` does not exist"), "{found:?}");
    }

    #[test]
    fn a_missing_page_and_a_file_without_keys_are_found() {
        assert_eq!(check(&Repository::of(&[(SOURCES[0], SOURCE)])).len(), 1);
        assert_eq!(check(&Repository::of(&[(SOURCES[0], "fn a() {}\n")])).len(), 1);
        assert_eq!(check(&Repository::of(&[])), []);
    }
}
