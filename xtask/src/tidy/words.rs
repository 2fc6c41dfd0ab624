//! Words that must not stand in the repository: signs of unfinished work, and of the machine it was written on.

use super::Finding;
use super::repository::Repository;
use super::source::{Source, has_word};

/// Signs of unfinished work. Put together from halves, so that this list does not find itself.
const UNFINISHED: [&str; 6] = [
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("db", "g!"),
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("X", "XX"),
];

/// Places outside the repository that mean nothing to its reader.
const PLACES: [&str; 14] = [
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/home/run", "ner"),
    concat!("/home/bui", "ld"),
    concat!("/tmp/br", "ief"),
    concat!("../sha", "red/"),
    concat!("crat", "es.io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("npm", "js.com"),
    concat!("npm", "js.org"),
    concat!("proxy.go", "lang.org"),
    concat!("deb.deb", "ian.org"),
    concat!("registry.", "yarnpkg"),
];

/// Cargo writes this file, with the registry's name in it.
const GENERATED: [&str; 1] = ["Cargo.lock"];

/// Unfinished work, anywhere: macros in Rust code, marks in any text.
pub fn unfinished(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in ours(repository) {
        let code = path.ends_with(".rs").then(|| Source::of(text).code);
        for word in UNFINISHED {
            let searched = if word.ends_with('!') { code.as_deref().unwrap_or_default() } else { text };
            let message = format!("{word} means unfinished; finish it, or write down what is missing where users look");
            findings.extend(lines_with(searched, word).map(|line| Finding::new(path, line, &message)));
        }
    }
    findings
}

/// Paths and hosts that belong to somebody's machine or network, in any text.
pub fn foreign_places(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in ours(repository) {
        for place in PLACES {
            let message = format!("{place} is a place outside the repository; readers cannot go there");
            findings.extend(lines_with_place(text, place).map(|line| Finding::new(path, line, &message)));
        }
    }
    findings
}

fn ours(repository: &Repository) -> impl Iterator<Item = (&str, &str)> {
    repository.texts().filter(|(path, _)| !GENERATED.contains(path))
}

fn lines_with(text: &str, word: &str) -> impl Iterator<Item = usize> {
    text.lines().enumerate().filter(move |(_, line)| has_word(line, word)).map(|(index, _)| index + 1)
}

/// A place begins where a path or host name can begin: `/a/root/b` is below `/a`, not below `/root`.
fn lines_with_place(text: &str, place: &str) -> impl Iterator<Item = usize> {
    let continues = |before: char| before.is_alphanumeric() || "._-}".contains(before);
    let stands = move |line: &str| {
        let absolute = place.starts_with('/');
        line.match_indices(place).any(|(at, _)| !absolute || !line[..at].ends_with(continues))
    };
    text.lines().enumerate().filter(move |(_, line)| stands(line)).map(|(index, _)| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unfinished_word_is_found_where_it_counts() {
        for word in UNFINISHED {
            let text = format!("fn a() {{\n    {word}(b)\n}}\n");
            let findings = unfinished(&Repository::of(&[("a.rs", &text)]));
            assert_eq!(findings.len(), 1, "{word}");
            assert_eq!(findings[0].line, 2, "{word}");
        }
    }

    #[test]
    fn names_that_contain_such_words_are_finished() {
        let text = "/// mktemp XXXXXX\nfn autodo() { \"todo! later\"; todos!(); }\n";
        assert_eq!(unfinished(&Repository::of(&[("a.rs", text), ("Cargo.lock", UNFINISHED[3])])), []);
    }

    #[test]
    fn every_foreign_place_is_found_in_any_text() {
        for place in PLACES {
            let findings = foreign_places(&Repository::of(&[("docs/a.md", &format!("fine\nsee {place}x\n"))]));
            assert_eq!(findings.len(), 1, "{place}");
            assert_eq!(findings[0].line, 2, "{place}");
        }
    }

    #[test]
    fn places_inside_other_names_are_not_meant() {
        let text = concat!("https://x/network/a {dir}/ro", "ot/ /tls/ro", "ot.pem and a/ro", "ot/b");
        assert_eq!(foreign_places(&Repository::of(&[("a.md", text)])), []);
    }
}
