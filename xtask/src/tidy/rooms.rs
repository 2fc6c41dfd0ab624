//! What may stand in which room: the purity of the domain, one place for each engine, no unsafe code.

use super::Finding;
use super::repository::Repository;
use super::source::{Source, has_word};

/// Words that make code depend on when and where it runs: runtimes, clocks, the network, randomness.
const IMPURE: [(&str, &str); 18] = [
    ("async", "is for the edges"),
    (".await", "is for the edges"),
    ("tokio::", "is for the edges"),
    ("SystemTime::now", "is a clock; take `now` as an argument"),
    ("Instant::now", "is a clock; take `now` as an argument"),
    ("Timestamp::now", "is a clock; take `now` as an argument"),
    ("Zoned::now", "is a clock; take `now` as an argument"),
    ("now_v7", "is a clock and a source of randomness; take both as arguments"),
    ("new_v4", "is a source of randomness; take it as an argument"),
    ("thread::sleep", "waits"),
    ("TcpStream", "is the network"),
    ("TcpListener", "is the network"),
    ("UdpSocket", "is the network"),
    ("ToSocketAddrs", "is the network"),
    ("reqwest", "is the network"),
    ("hyper", "is the network"),
    ("rand::", "is randomness; take it as an argument"),
    ("getrandom", "is randomness; take it as an argument"),
];

/// SQL that only one engine understands. What is needed of it is a method of the store's transaction.
const ENGINE_WORDS: [&str; 24] = [
    "PRAGMA",
    "AUTOINCREMENT",
    "WITHOUT ROWID",
    "INSERT OR",
    "REPLACE INTO",
    "GLOB",
    "MATCH",
    "fts5",
    "sqlite_master",
    "json_extract",
    "last_insert_rowid",
    "rowid",
    "SKIP LOCKED",
    "FOR UPDATE",
    "ILIKE",
    "SIMILAR TO",
    "UNNEST",
    "jsonb",
    "generate_series",
    "pg_advisory_xact_lock",
    "pg_trgm",
    "currval",
    "DISTINCT ON",
    "LOCK TABLE",
];

/// Drivers of databases.
const DRIVERS: [&str; 4] = ["rusqlite", "postgres", "tokio_postgres", "tokio_postgres_rustls"];

/// Clocks, networks, runtimes and randomness in the sources of the domain and of `pki`.
pub fn pure(repository: &Repository) -> Vec<Finding> {
    let rooms = ["crates/domain/src/", "crates/pki/src/"];
    let mut findings = Vec::new();
    for (path, text) in rooms.iter().flat_map(|room| repository.rust(room)) {
        let source = Source::product(text);
        for (line, code) in source.lines() {
            for (word, reason) in IMPURE.iter().filter(|(word, _)| has_word(code, word)) {
                findings.push(Finding::new(path, line, format!("`{word}` {reason}")));
            }
        }
    }
    findings
}

/// The keyword `unsafe` as code, anywhere.
pub fn no_unsafe(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in repository.ending(".rs") {
        let source = Source::of(text);
        let lines = source.lines().filter(|(_, code)| has_word(code, "unsafe"));
        findings.extend(lines.map(|(line, _)| Finding::new(path, line, "unsafe code")));
    }
    findings
}

/// A database driver named in code outside the store; the programs for tests and measurements may compare with one.
pub fn drivers(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in outside_store(repository) {
        let source = Source::product(text);
        for (line, code) in source.lines() {
            let named = |driver: &str| {
                has_word(code, &format!("{driver}::"))
                    || has_word(code, &format!("use {driver}"))
                    || has_word(code, &format!("extern crate {driver}"))
            };
            for driver in DRIVERS.iter().filter(|driver| named(driver)) {
                findings.push(Finding::new(path, line, format!("{driver} is known to the store alone")));
            }
        }
    }
    findings
}

/// SQL of one engine, or a question which engine runs, outside the store.
pub fn engine_words(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in outside_store(repository) {
        let source = Source::product(text);
        for (line, string) in source.strings.iter().filter(|(_, string)| is_sql(string)) {
            let words = ENGINE_WORDS.iter().copied().chain(["::"]);
            for word in words.filter(|word| has_word(string, word)) {
                let message = format!("`{word}` in SQL is understood by one engine only; ask the store's transaction for it");
                findings.push(Finding::new(path, *line, message));
            }
        }
        for (line, code) in source.lines() {
            if ["Engine::Sqlite", "Engine::Postgres"].iter().any(|word| has_word(code, word)) {
                findings.push(Finding::new(path, line, "only the store knows which engine runs"));
            }
        }
    }
    findings
}

fn outside_store(repository: &Repository) -> impl Iterator<Item = (&str, &str)> {
    let product = repository.rust("crates/");
    product.filter(|(path, _)| !path.starts_with("crates/store/") && !path.contains("/tests/"))
}

/// Whether a literal is a statement, or a part of one: it has a clause in capitals.
fn is_sql(string: &str) -> bool {
    ["SELECT", "INSERT", "UPDATE", "DELETE", "FROM", "WHERE", "CREATE", "ALTER", "DROP", "ORDER BY", "PRAGMA", "REPLACE", "LOCK"]
        .iter()
        .any(|word| has_word(string, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(check: fn(&Repository) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        check(&Repository::of(&[(path, text)])).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn every_impure_word_is_found_in_the_domain_and_in_pki() {
        for (word, _) in IMPURE {
            let text =
                format!("//! {word}\nlet a = \"{word}\";\nlet b = x{}{word};\n", if word.starts_with('.') { "" } else { " + " });
            assert_eq!(found(pure, "crates/domain/src/a.rs", &text), [3], "{word}");
            assert_eq!(found(pure, "crates/pki/src/a.rs", &text), [3], "{word}");
            assert_eq!(found(pure, "crates/outside/src/a.rs", &text), [0usize; 0], "{word}");
        }
    }

    #[test]
    fn tests_of_the_domain_may_look_at_the_clock() {
        let text = "fn a(now: i64) {}\n#[cfg(test)]\nmod tests {\n    fn b() { Instant::now(); }\n}\n";
        assert_eq!(found(pure, "crates/domain/src/a.rs", text), [0usize; 0]);
    }

    #[test]
    fn unsafe_code_is_found_and_the_word_elsewhere_is_not() {
        assert_eq!(found(no_unsafe, "tests/a.rs", "// unsafe\n#![forbid(unsafe_code)]\nunsafe { b() }\n"), [3]);
    }

    #[test]
    fn drivers_belong_to_the_store() {
        let text =
            "use rusqlite::Connection;\nlet url = \"postgres::x\";\nlet postgres = 1;\nlet c = postgres::Client::connect();\n";
        assert_eq!(found(drivers, "crates/domain/src/a.rs", text), [1, 4]);
        assert_eq!(found(drivers, "crates/store/src/a.rs", text), [0usize; 0]);
        assert_eq!(found(drivers, "benches/src/a.rs", text), [0usize; 0]);
        assert_eq!(found(drivers, "crates/domain/src/a.rs", "use certhold_store::Store;\n"), [0usize; 0]);
    }

    #[test]
    fn every_engine_word_is_found_in_sql() {
        for word in ENGINE_WORDS {
            let text = format!("let a = \"SELECT a FROM b {word} c\";\n");
            assert_eq!(found(engine_words, "crates/domain/src/a.rs", &text), [1], "{word}");
        }
        assert_eq!(found(engine_words, "crates/faces/src/a.rs", "f(\"SELECT a::text FROM b\")"), [1]);
        assert_eq!(found(engine_words, "crates/faces/src/a.rs", "match e { Engine::Sqlite => 1 }"), [1]);
    }

    #[test]
    fn common_sql_and_ordinary_sentences_pass() {
        let text = "f(\"INSERT INTO a (b) VALUES ($1) ON CONFLICT (b) DO UPDATE SET c = $2 RETURNING d\");\n\
                    g(\"a path like a::b must MATCH\");\n";
        assert_eq!(found(engine_words, "crates/domain/src/a.rs", text), [0usize; 0]);
        assert_eq!(found(engine_words, "crates/store/src/a.rs", "f(\"PRAGMA a\")"), [0usize; 0]);
    }
}
