//! Every SQL text of the domain runs on both engines.

use std::collections::BTreeSet;
use std::path::Path;

use certhold_tests::postgres::Database;

use super::ALL;
use super::world::World;

/// Stories told at once, for each engine: they wait for disks more than they compute.
const AT_ONCE: usize = 4;

fn executed(engine: fn() -> Option<Database>) -> Option<BTreeSet<String>> {
    let told = |first: usize| {
        let mut texts = BTreeSet::new();
        for story in ALL.iter().skip(first).step_by(AT_ONCE) {
            let world = World::open(engine()?);
            story(&world);
            texts.extend(world.store.executed_sql().iter().map(|text| folded(text)));
        }
        Some(texts)
    };
    std::thread::scope(|scope| {
        let tellers: Vec<_> = (0..AT_ONCE).map(|first| scope.spawn(move || told(first))).collect();
        let texts = tellers.into_iter().map(|teller| teller.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        texts.collect::<Option<Vec<_>>>().map(|texts| texts.into_iter().flatten().collect())
    })
}

#[test]
fn every_sql_text_runs_on_both_engines() {
    let sqlite = executed(|| Some(Database::sqlite())).expect("SQLite is always there");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/domain/src");
    let texts = texts_of(&source);
    assert!(texts.len() > 100, "only {} SQL texts found in {}", texts.len(), source.display());
    let never: Vec<&String> = texts.iter().filter(|text| !sqlite.iter().any(|ran| fits(text, ran))).collect();
    assert!(never.is_empty(), "no story runs these: {never:#?}");

    let Some(postgres) = executed(Database::postgres) else { return };
    // The index for parts of texts is asked in each engine's own words.
    let common = |text: &&String| !text.contains("certificate_text WHERE certificate_text");
    let only: Vec<&String> = sqlite.symmetric_difference(&postgres).filter(common).collect();
    assert!(only.is_empty(), "run on one engine only: {only:#?}");
}

/// Whether a text that ran is this literal, whose `{…}` stand for anything.
fn fits(literal: &str, ran: &str) -> bool {
    let mut rest = ran;
    for fragment in literal.split('{').map(|part| part.split_once('}').map_or(part, |(_, after)| after)) {
        match rest.find(fragment) {
            Some(at) => rest = &rest[at + fragment.len()..],
            None => return false,
        }
    }
    true
}

fn folded(text: &str) -> String {
    // How rows are walked is for one engine to be told.
    let mut words: Vec<&str> = text.split_whitespace().collect();
    while let Some(at) = words.windows(2).position(|pair| pair == ["NOT", "INDEXED"]) {
        words.drain(at..at + 2);
    }
    while let Some(at) = words.windows(3).position(|three| three[..2] == ["INDEXED", "BY"]) {
        words.drain(at..at + 3);
    }
    words.join(" ")
}

/// The string literals of a source tree that begin like a statement.
fn texts_of(directory: &Path) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(texts_of(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            let code = source.split("#[cfg(test)]").next().unwrap_or_default();
            texts.extend(literals(code).into_iter().filter(|text| is_statement(text)).map(|text| folded(&text)));
        }
    }
    texts
}

fn is_statement(text: &str) -> bool {
    ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].iter().any(|word| text.starts_with(word))
}

fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line_start in code.match_indices('"').map(|(at, _)| at) {
        let before = &code[code[..line_start].rfind('\n').map_or(0, |at| at + 1)..line_start];
        if before.trim_start().starts_with("//") {
            continue;
        }
        let mut text = String::new();
        let mut characters = code[line_start + 1..].chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => match characters.next() {
                    Some('\n') => while characters.next_if(|c| c.is_whitespace()).is_some() {},
                    Some(escaped) => text.push(escaped),
                    None => break,
                },
                other => text.push(other),
            }
        }
        found.push(text);
    }
    found
}
