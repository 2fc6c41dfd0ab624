//! Files under 600 lines and functions under 80: what fits into a head.

use super::Finding;
use super::exceptions::Exceptions;
use super::repository::Repository;
use super::source::Source;

const FILE: usize = 600;
const FUNCTION: usize = 80;

/// Rust files and functions that are too long and not excused, and excuses without need.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let mut exceptions = Exceptions::of(repository);
    let mut findings = Vec::new();
    for (path, text) in repository.ending(".rs") {
        let lines = text.lines().count();
        if lines > FILE && !exceptions.excuse(path) {
            findings.push(Finding::new(path, 0, format!("{lines} lines, more than {FILE}: split it along its ideas")));
        }
        for function in functions(&Source::of(text).code) {
            if function.lines > FUNCTION && !exceptions.excuse(&format!("{path}::{}", function.name)) {
                let message = format!("{} has {} lines, more than {FUNCTION}", function.name, function.lines);
                findings.push(Finding::new(path, function.line, message));
            }
        }
    }
    findings.extend(exceptions.finish());
    findings
}

struct Function<'a> {
    name: &'a str,
    /// Where it begins, from 1.
    line: usize,
    /// From `fn` to the closing brace, both included.
    lines: usize,
}

/// The functions with a body, nested ones too.
fn functions(code: &str) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = code[from..].find("fn ").map(|at| from + at) {
        from = start + "fn ".len();
        let part = |character: char| character.is_alphanumeric() || character == '_';
        if code[..start].ends_with(part) {
            continue;
        }
        let name = code[from..].trim_start();
        let name = &name[..name.find(|character| !part(character)).unwrap_or(name.len())];
        if name.is_empty() {
            continue;
        }
        if let Some(end) = body_end(&code[from..]) {
            let lines = code[start..from + end].matches('\n').count() + 1;
            found.push(Function { name, line: code[..start].matches('\n').count() + 1, lines });
        }
    }
    found
}

/// Where the body of the function that begins here ends; none when it has no body.
fn body_end(code: &str) -> Option<usize> {
    let (mut parentheses, mut braces, mut inside) = (0usize, 0usize, false);
    for (at, character) in code.char_indices() {
        match character {
            '(' | '[' => parentheses += 1,
            ')' | ']' => parentheses = parentheses.saturating_sub(1),
            '{' => {
                braces += 1;
                inside |= parentheses == 0;
            }
            '}' => braces = braces.saturating_sub(1),
            ';' if parentheses == 0 && braces == 0 => return None,
            _ => {}
        }
        if inside && character == '}' && braces == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::exceptions::PATH;
    use super::*;

    fn function(body: usize) -> String {
        format!("pub fn long(x: [u8; 2]) -> u8 {{\n{}}}\n", "    call(\"}\");\n".repeat(body))
    }

    #[test]
    fn short_files_and_functions_pass() {
        let text = format!("{}{}", function(FUNCTION - 2), "// line\n".repeat(FILE - FUNCTION));
        assert_eq!(text.lines().count(), FILE);
        assert_eq!(check(&Repository::of(&[("a.rs", &text)])), []);
    }

    #[test]
    fn a_long_file_is_found() {
        let findings = check(&Repository::of(&[("a.rs", &"//\n".repeat(FILE + 1)), ("a.md", &"x\n".repeat(2000))]));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].message.starts_with("601 lines"), "{findings:?}");
    }

    #[test]
    fn a_long_function_is_found_with_its_line() {
        let text = format!("trait T {{ fn none(&self); }}\n{}", function(FUNCTION - 1));
        let findings = check(&Repository::of(&[("a.rs", &text)]));
        assert_eq!(findings, [Finding::new("a.rs", 2, "long has 81 lines, more than 80")]);
    }

    #[test]
    fn an_excused_function_passes_and_a_needless_excuse_does_not() {
        let text = function(FUNCTION);
        assert_eq!(check(&Repository::of(&[("a.rs", &text), (PATH, "a.rs::long | a table")])), []);
        let findings = check(&Repository::of(&[("a.rs", "fn long() {}\n"), (PATH, "a.rs::long | a table")]));
        assert_eq!(findings.len(), 1);
    }

    #[test]
    fn nested_functions_and_pointers_are_told_apart() {
        let names: Vec<(&str, usize)> = functions("fn a(f: fn (u8) -> u8) {\n  fn b() { if c { d } }\n}\nfn e();\n")
            .into_iter()
            .map(|function| (function.name, function.lines))
            .collect();
        assert_eq!(names, [("a", 3), ("b", 1)]);
    }
}
